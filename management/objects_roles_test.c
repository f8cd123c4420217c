/* SPDX-License-Identifier: Apache-2.0
 *
 * What model/objects.txt says each role may do with each attribute and method, against what a
 * session of a whole meter answers to a client; and of an overlay that has them, what scaler
 * profiles and snapshots tell against what each of their columns tells by itself. */
#include "management/counts.h"
#include "management/data_protection.h"
#include "management/image_test.h"
#include "management/module.h"
#include "management/parameter_monitor.h"
#include "management/payment.h"
#include "management/push.h"
#include "management/quantities.h"
#include "management/test_contactor.h"

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/compact.h"
#include "cosem/cosem_test.h"
#include "cosem/select.h"
#include "port/bearssl/bearssl.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

/* One line of the text. */
struct expected {
    uint16_t class_id;
    uint8_t obis[WK_OBIS_SIZE];
    uint8_t attributes;
    uint8_t methods;
    uint8_t phases; /* 3: not in a single-phase meter */
    struct wk_object_rights rights[WK_ROLE_COUNT];
};

#include "generated/objects_clients.h"
#include "generated/objects_matrix.h"

#define SECTOR  4096
#define SECTORS 50
#define NOW_US  INT64_C(1790000000000000)
#define SHOWN   40   /* deviations told */
#define VALUE   2048 /* octets of an attribute that is kept */
#ifndef SCALER_PROFILES
#define SCALER_PROFILES 0 /* of the overlay */
#endif

typedef enum way { GET, SET, ACT, WAYS } way;

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_session_setup g_more[2];
static struct wk_quantities g_quantities;
static struct wk_profile g_profiles[WK_ROOMS_MORE_PROFILES];
static struct wk_session_identity g_identity;
static struct wk_push g_push;
static struct wk_image g_image;
static struct wk_setup g_setup;
static struct wk_counts g_counts;
static struct wk_rooms_harmonics g_harmonics;
static struct wk_parameter_monitor g_parameters;
static struct wk_data_protection g_protection;
static struct wk_payment g_payment;
static struct wk_session g_session;
static struct wk_client g_client;
static struct wk_bearssl g_bearssl;
static uint64_t g_entropy;
static uint32_t g_counter;
static uint16_t g_sap;
static uint8_t g_sent[WK_CLIENT_PDU + 64];
static uint8_t g_reply[WK_SESSION_REPLY];
static uint32_t g_checked;
static uint32_t g_deviations;

static const struct wk_hal_key k_key = {.octets = {1, 2, 3}, .size = 16};

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static wk_err pass_over(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    (void)size;
    return WK_OK;
}

static const struct wk_client_sink k_sink = {NULL, pass_over};

static uint32_t draw_number(void *self)
{
    (void)self;
    return 1;
}

/* ---- a meter and a client of it ---------------------------------------------------------- */

static wk_err start_meter(uint8_t phases)
{
    const struct wk_module_ports ports = {
        .flash = &g_flash.port, .contactor = &k_contactor, .crypto = &g_bearssl.hal};
    struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = phases},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = 4,
        .layout = {.kv_sectors = 4, .log_sectors = {4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}},
        .system_title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
        .keys = {.ek = k_key, .ak = k_key},
        .kek = k_key,
        .password[WK_ROLE_READER] = {.octets = {'p', 'w'}, .size = 2},
        .setups = g_more,
        .setup_count = 2,
        .pairs = &g_identity,
        .setup = &g_setup,
        .counts = &g_counts,
        .harmonics = &g_harmonics,
        .parameter_monitor = &g_parameters,
        .quantities = &g_quantities,
        .more_profiles = g_profiles,
        .payment = &g_payment,
    };
    g_more[0] = (struct wk_session_setup){.keys = {.ek = k_key, .ak = k_key}};
    g_more[1] = g_more[0];
    g_identity = (struct wk_session_identity){0};
    g_entropy = 20261121;
    g_counter = 1;
    wk_bearssl_init(&g_bearssl, &g_entropy, draw);
    wk_bearssl_add_sha256(&g_bearssl);
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    wk_counts_init(&g_counts, &(struct wk_counts_thresholds){230000, {900000, 1100000, 50000}});
    wk_parameter_monitor_init(&g_parameters, &g_bearssl.hal);
    WK_TRY(wk_quantities_init(&g_quantities, &(struct wk_demand_rules){900, 1}));
    wk_payment_usual(&g_payment);
    WK_TRY(wk_payment_init(&g_payment));
    WK_TRY(wk_module_init(&g_module, &config, &ports));
    const struct wk_push_config push = {.table = &g_module.table,
                                        .zone = &wk_zone_central_europe,
                                        .role = WK_ROLE_MANAGEMENT,
                                        .max_pdu = 1024,
                                        .draw = draw_number,
                                        .compact = wk_compact_put};
    WK_TRY(wk_push_init(&g_push, &push));
    g_module.rooms.push = &g_push;
    wk_data_protection_init(&g_protection, &g_bearssl.hal);
    g_module.rooms.data_protection = &g_protection;
    WK_TRY(test_make_maker(32));
    test_erase_area();
    const struct wk_image_config image = test_config(TEST_RUNS);
    WK_TRY(wk_image_init(&g_image, &image));
    g_module.rooms.image = &g_image;
    const struct wk_session_config session = wk_module_session(&g_module, &g_bearssl.hal);
    return wk_session_init(&g_session, &session);
}

/* Runs the client's operation to its end. */
static wk_err run(void)
{
    const struct wk_session_link link = {g_sap, WK_SESSION_SERVER_SAP};
    while (wk_client_busy(&g_client)) {
        struct wk_bytes_out out = wk_bytes_out_of(g_sent, sizeof g_sent);
        struct wk_bytes_out reply = wk_bytes_out_of(g_reply, sizeof g_reply);
        WK_TRY(wk_client_output(&g_client, NOW_US, &out));
        WK_TRY(wk_session_receive(&g_session, NOW_US, link, wk_bytes_in_of(g_sent, out.size),
                                  &reply));
        WK_TRY(wk_client_receive(&g_client, NOW_US, wk_bytes_in_of(g_reply, reply.size)));
        WK_TRY(wk_module_settle(&g_module));
    }
    return g_client.outcome;
}

static wk_err open_as(wk_role role)
{
    static const uint16_t k_saps[WK_ROLE_COUNT] = {WK_CLIENT_SAP_PUBLIC, WK_CLIENT_SAP_READER,
                                                   WK_CLIENT_SAP_MANAGEMENT};
    static const wk_association_mechanism k_mechanisms[WK_ROLE_COUNT] = {
        WK_ASSOCIATION_NONE, WK_ASSOCIATION_LLS, WK_ASSOCIATION_HLS_GMAC};
    struct wk_client_config config = {
        .crypto = &g_bearssl.hal,
        .keys = {.ek = k_key, .ak = k_key},
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = g_counter,
        .timeout_us = 5000000,
        .max_pdu = WK_CLIENT_PDU,
        .mechanism = k_mechanisms[role],
    };
    config.password.data = (const uint8_t *)"pw";
    config.password.size = 2;
    g_sap = k_saps[role];
    WK_TRY(wk_client_init(&g_client, &config));
    WK_TRY(wk_client_open(&g_client));
    return run();
}

/* ---- what the text says ------------------------------------------------------------------ */

/* Whether the access may be done, and how a meter that lets it happen may answer. */
static bool is_allowed(const struct expected *row, uint8_t phases, wk_role role, way how,
                       uint8_t id)
{
    const struct wk_object_rights *rights = &row->rights[role];
    const uint32_t masks[WAYS] = {rights->get | 1U, rights->set, rights->action};
    const uint8_t most = how == ACT ? row->methods : row->attributes;
    const bool visible = (rights->get | rights->set | rights->action) != 0;
    return row->phases <= phases && visible && id >= 1 && id <= most &&
           (masks[how] >> (id - 1) & 1U) != 0;
}

static bool is_visible(const struct expected *row, uint8_t phases, wk_role role)
{
    const struct wk_object_rights *rights = &row->rights[role];
    return row->phases <= phases && (rights->get | rights->set | rights->action) != 0;
}

/* A method of security and of the own association may be there for another suite or mechanism
 * than this client uses, or has been called already to open the association. */
static bool may_be_unable(const struct expected *row, way how, uint8_t result)
{
    return how == ACT && (row->class_id == 15 || row->class_id == 64) &&
           (result == WK_APDU_OBJECT_UNAVAILABLE || result == WK_APDU_TEMPORARY_FAILURE);
}

/* A value is written, or parameter given, of a type that nothing takes: who may is told so. */
static bool is_as_said(const struct expected *row, uint8_t phases, wk_role role, way how,
                       uint8_t id, wk_err outcome)
{
    const uint8_t result = outcome == WK_OK ? WK_APDU_SUCCESS : g_client.result;
    if (outcome != WK_OK && outcome != WK_E_REFUSED) {
        return false;
    }
    if (!is_visible(row, phases, role)) {
        return result == WK_APDU_OBJECT_UNDEFINED;
    }
    if (!is_allowed(row, phases, role, how, id)) {
        return result == WK_APDU_READ_WRITE_DENIED;
    }
    if (how == GET) { /* what is measured later is not there yet */
        return result == WK_APDU_SUCCESS || result == WK_APDU_TEMPORARY_FAILURE;
    }
    return result == WK_APDU_TYPE_UNMATCHED || may_be_unable(row, how, result);
}

static wk_err access(const struct wk_apdu_target *target, way how)
{
    static const uint8_t k_float[] = {WK_AXDR_FLOAT32, 0, 0, 0, 0};
    const struct wk_bytes_in strange = wk_bytes_in_of(k_float, sizeof k_float);
    if (how == GET) {
        WK_TRY(wk_client_get(&g_client, target, k_sink));
    } else if (how == SET) {
        WK_TRY(wk_client_set(&g_client, target, strange));
    } else {
        WK_TRY(wk_client_action(&g_client, target, strange, k_sink));
    }
    return run();
}

static void check_row(const struct expected *row, uint8_t phases, wk_role role, way how)
{
    struct wk_apdu_target target = {.class_id = row->class_id};
    const uint8_t most = how == ACT ? row->methods : row->attributes;
    memcpy(target.obis, row->obis, WK_OBIS_SIZE);
    for (uint8_t id = 0; id <= most + 1; id++) {
        target.id = id;
        const wk_err outcome = access(&target, how);
        g_checked++;
        if (is_as_said(row, phases, role, how, id, outcome)) {
            continue;
        }
        if (g_deviations++ < SHOWN) {
            char text[WK_OBIS_TEXT];
            wk_obis_print(row->obis, text);
            printf("# %u %s: %s %u of role %d: outcome %d, result %u\n", row->class_id, text,
                   how == GET   ? "get"
                   : how == SET ? "set"
                                : "action",
                   id, role, outcome, g_client.result);
        }
    }
}

static void check_meter(uint8_t phases)
{
    EXPECT_OK(start_meter(phases));
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        EXPECT_OK(open_as((wk_role)role));
        for (size_t i = 0; i < sizeof k_expected / sizeof k_expected[0]; i++) {
            for (int how = 0; how < WAYS; how++) {
                check_row(&k_expected[i], phases, (wk_role)role, (way)how);
            }
        }
        g_counter = g_client.counter;
    }
}

static void every_role_may_do_what_the_text_says_and_nothing_else(void)
{
    check_meter(1);
    check_meter(3);
    WK_TEST_FIGURE("dlms.roles.checked", g_checked, "accesses", ">= 10000", g_checked >= 10000,
                   0);
    WK_TEST_FIGURE("dlms.roles.deviations", g_deviations, "accesses", "0", g_deviations == 0,
                   0);
    EXPECT_I64(0, g_deviations);
}

/* ---- the table --------------------------------------------------------------------------- */

static void a_meter_has_the_objects_of_its_list_and_no_other(void)
{
    size_t single = 0;
    for (uint8_t phases = 1; phases <= 3; phases += 2) {
        size_t listed = 0;
        EXPECT_OK(start_meter(phases));
        for (size_t i = 0; i < sizeof k_expected / sizeof k_expected[0]; i++) {
            const struct expected *row = &k_expected[i];
            const struct wk_object *object =
                wk_object_find(&g_module.table, row->class_id, row->obis);
            listed += row->phases <= phases;
            EXPECT((object != NULL) == (row->phases <= phases));
            EXPECT(object == NULL || object->attributes == row->attributes);
            EXPECT(object == NULL || object->methods == row->methods);
        }
        EXPECT_I64(listed, g_module.table.count);
        if (phases == 1) {
            single = listed;
            WK_TEST_FIGURE("dlms.objects.single", listed, "objects", ">= 70", listed >= 70, 0);
        } else if (listed > single) { /* else the list is one for meters of one phase */
            WK_TEST_FIGURE("dlms.objects.three", listed, "objects", ">= 220", listed >= 220, 0);
        }
    }
    WK_TEST_FIGURE("dlms.objects.row", sizeof(struct wk_object), "octets", "<= 40",
                   sizeof(struct wk_object) <= 40, 0);
    EXPECT(sizeof(struct wk_object) <= 40);
}

/* ---- profiles that are made when they are read ------------------------------------------- */

struct kept {
    uint8_t octets[VALUE];
    size_t size;
};

static wk_err keep(void *self, const uint8_t *octets, size_t size)
{
    struct kept *kept = self;
    if (size > sizeof kept->octets - kept->size) {
        return WK_E_FULL;
    }
    memcpy(kept->octets + kept->size, octets, size);
    kept->size += size;
    return WK_OK;
}

/* What the meter says of an attribute; null-data if it says that it has no value yet. */
static wk_err ask(struct kept *kept, uint16_t class_id, const uint8_t *obis, uint8_t attribute)
{
    struct wk_apdu_target target = {.class_id = class_id, .id = attribute};
    const struct wk_client_sink sink = {kept, keep};
    memcpy(target.obis, obis, WK_OBIS_SIZE);
    kept->size = 0;
    WK_TRY(wk_client_get(&g_client, &target, sink));
    const wk_err outcome = run();
    if (outcome == WK_E_REFUSED && g_client.result == WK_APDU_TEMPORARY_FAILURE) {
        kept->octets[0] = WK_AXDR_NULL;
        kept->size = 1;
        return WK_OK;
    }
    return outcome;
}

static wk_err ask_profile(struct kept *kept, const uint8_t *obis, uint8_t attribute,
                          struct wk_bytes_in *said)
{
    WK_TRY(ask(kept, 7, obis, attribute));
    *said = wk_bytes_in_of(kept->octets, kept->size);
    return WK_OK;
}

/* The next value against what its object says of it. */
static void check_column(const struct wk_select_column *column, struct wk_bytes_in *entry)
{
    static struct kept own;
    EXPECT_OK(ask(&own, column->class_id, column->obis, (uint8_t)column->attribute));
    const struct wk_bytes_in value = wk_axdr_take(entry);
    EXPECT_OK(entry->fault);
    EXPECT_I64(own.size, value.size);
    EXPECT(value.size == own.size && memcmp(value.data, own.octets, own.size) == 0);
}

/* A profile with one entry; counts its columns. */
static void check_entry(const uint8_t *obis, uint32_t *columns)
{
    static struct kept captured_kept;
    static struct kept buffer_kept;
    struct wk_bytes_in captured;
    struct wk_bytes_in buffer;
    EXPECT_OK(ask_profile(&captured_kept, obis, 3, &captured));
    EXPECT_OK(ask_profile(&buffer_kept, obis, 2, &buffer));
    const uint32_t count = wk_axdr_read_count(&captured, WK_AXDR_ARRAY);
    EXPECT_I64(1, wk_axdr_read_count(&buffer, WK_AXDR_ARRAY));
    EXPECT_I64(count, wk_axdr_read_count(&buffer, WK_AXDR_STRUCTURE));
    for (uint32_t i = 0; i < count; i++) {
        struct wk_select_column column;
        wk_select_read_column(&captured, &column);
        EXPECT_OK(captured.fault);
        check_column(&column, &buffer);
    }
    EXPECT_OK(wk_bytes_in_end(&captured));
    EXPECT_OK(wk_bytes_in_end(&buffer));
    *columns += count;
}

/* Registers that a profile captures, in its order, are those the scaler profile has. */
static void check_registers(const uint8_t *profile, const uint8_t *scalers)
{
    static struct kept captured_kept;
    static struct kept scalers_kept;
    struct wk_bytes_in captured;
    struct wk_bytes_in columns;
    EXPECT_OK(ask_profile(&captured_kept, profile, 3, &captured));
    EXPECT_OK(ask_profile(&scalers_kept, scalers, 3, &columns));
    const uint32_t count = wk_axdr_read_count(&captured, WK_AXDR_ARRAY);
    (void)wk_axdr_read_count(&columns, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < count; i++) {
        struct wk_select_column of;
        struct wk_select_column column;
        wk_select_read_column(&captured, &of);
        if ((of.class_id != 3 && of.class_id != 4) || of.attribute != 2) {
            continue; /* the time of a maximum, a counter */
        }
        wk_select_read_column(&columns, &column);
        EXPECT_I64(of.class_id, column.class_id);
        EXPECT_I64(3, column.attribute);
        EXPECT(memcmp(of.obis, column.obis, WK_OBIS_SIZE) == 0);
    }
    EXPECT_OK(captured.fault);
    EXPECT_OK(wk_bytes_in_end(&columns));
}

/* How many entries lie in a range of time. */
static void check_range(const uint8_t *obis, int64_t from_s, int64_t to_s, uint32_t wanted)
{
    static struct kept kept;
    uint8_t room[WK_SELECT_SIZE];
    struct wk_bytes_out range = wk_bytes_out_of(room, sizeof room);
    struct wk_apdu_target target = {
        .class_id = 7, .id = 2, .selective = true, .selector = WK_SELECT_RANGE};
    const struct wk_client_sink sink = {&kept, keep};
    memcpy(target.obis, obis, WK_OBIS_SIZE);
    EXPECT_OK(wk_select_put_range(&range, (struct wk_utc){from_s}, (struct wk_utc){to_s}));
    target.parameter = wk_bytes_in_of(room, range.size);
    kept.size = 0;
    EXPECT_OK(wk_client_get(&g_client, &target, sink));
    EXPECT_OK(run());
    struct wk_bytes_in in = wk_bytes_in_of(kept.octets, kept.size);
    EXPECT_I64(wanted, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
}

static wk_err measure(void)
{
    struct wk_record record = {
        .seq = 1, .epoch = 1, .t_us = NOW_US, .span_us = 200000, .kind = WK_RECORD_WINDOW};
    record.window.phases = 3;
    for (int phase = 0; phase < 3; phase++) {
        record.window.u_mv[phase] = 230000 + phase;
        record.window.i_ua[phase] = 5000000 + phase;
        record.window.p_mw[phase] = 1150000 + phase;
    }
    return wk_module_consume(&g_module, &record);
}

static void profiles_made_when_read_tell_what_their_columns_tell(void)
{
    static const uint8_t k_snapshot[] = {1, 0, 94, 91, 0, 255};
    static const uint8_t k_profile[][WK_OBIS_SIZE] = {
        {1, 0, 94, 91, 0, 255}, {1, 0, 99, 1, 0, 255},  {1, 0, 99, 2, 0, 255},
        {1, 0, 98, 1, 0, 255},  {0, 0, 99, 98, 0, 255},
    };
    uint32_t columns = 0;
    for (uint8_t phases = 1; SCALER_PROFILES > 0 && phases <= 3; phases += 2) {
        EXPECT_OK(start_meter(phases));
        EXPECT_OK(measure());
        EXPECT_OK(open_as(WK_ROLE_READER));
        check_entry(k_snapshot, &columns);
        check_range(k_snapshot, NOW_US / 1000000 - 60, NOW_US / 1000000, 1);
        check_range(k_snapshot, NOW_US / 1000000 + 1, NOW_US / 1000000 + 60, 0);
        for (int i = 0; i < SCALER_PROFILES; i++) {
            const uint8_t scalers[] = {1, 0, 94, 91, (uint8_t)(3 + i), 255};
            check_entry(scalers, &columns);
            check_registers(k_profile[i], scalers);
        }
    }
    if (SCALER_PROFILES > 0) {
        WK_TEST_FIGURE("dlms.scalers.checked", columns, "columns", ">= 200", columns >= 200, 0);
        EXPECT(columns >= 200);
    }
}

WK_TEST_MAIN(T(profiles_made_when_read_tell_what_their_columns_tell),
             T(every_role_may_do_what_the_text_says_and_nothing_else),
             T(a_meter_has_the_objects_of_its_list_and_no_other))
