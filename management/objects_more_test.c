/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 6, 9, 62, 63 and 124, and alarm descriptors, of a whole meter, against encodings written by hand from the tags of A-XDR. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/compact.h"
#include "cosem/cosem_test.h"
#include "management/counts.h"
#include "management/module.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20
#define US      INT64_C(1000000)
#define NOW_US  (INT64_C(1790000000) * US)

static struct wk_setup g_setup;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint8_t g_value[512];
static size_t g_size;

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
    (void)closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    (void)self;
    *closed = true;
    return WK_OK;
}

static const struct wk_hal_contactor k_contactor = {.set = contactor_set,
                                                    .is_closed = contactor_is_closed};

static wk_err start(void)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 1},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .setup = &g_setup,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
    };
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

static struct wk_object_call call_of(const char *obis, wk_role role)
{
    uint8_t octets[WK_OBIS_SIZE] = {0};
    wk_test_failed_ = wk_test_failed_ || wk_obis_parse(obis, octets) != WK_OK;
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, 0, octets),
                                   .now_us = NOW_US,
                                   .role = role};
}

static wk_err get_as(wk_role role, const char *obis, uint8_t attribute)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    const struct wk_object_call call = call_of(obis, role);
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(g_value, sizeof g_value);
    const wk_err err =
        call.object->access->functions->get(&call, attribute, &k_all, &cursor, &out);
    g_size = out.size;
    return err;
}

static bool is(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_test_octets wanted = wk_test_hex(hex);
    return get_as(WK_ROLE_MANAGEMENT, obis, attribute) == WK_OK && g_size == wanted.size &&
           memcmp(g_value, wanted.data, wanted.size) == 0;
}

static wk_err set(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_object_call call = call_of(obis, WK_ROLE_MANAGEMENT);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    return call.object->access->functions->set(&call, attribute, &in);
}

/* ---- class 6 ----------------------------------------------------------------------------- */

static void the_active_mask_is_the_tariff_of_now(void)
{
    static const uint8_t k_second[] = {2, 2, 0x12, 0, 3, 9, 6, 1, 0, 2, 8, 1, 255};
    static const uint8_t k_masks[] = {1,    8, 2,    2, 9, 1, 1, 1, 2,
                                      0x11, 1, 0x11, 2, 2, 2, 9, 1, 2};
    EXPECT_OK(start());
    g_module.rooms.tariff.current = 3;
    EXPECT(is("0.0.14.0.1.255", 4, "09 01 03"));
    g_module.rooms.tariff.current = 1;
    EXPECT(is("0.0.14.0.2.255", 4, "09 01 01"));
    EXPECT_OK(get_as(WK_ROLE_READER, "0.0.14.0.1.255", 2));
    EXPECT_I64(2 + 16 * 13, g_size); /* import and export of eight tariffs */
    EXPECT(memcmp(g_value + 2 + 13 + 1, k_second + 1, sizeof k_second - 1) == 0);
    EXPECT_OK(get_as(WK_ROLE_READER, "0.0.14.0.1.255", 3));
    EXPECT(memcmp(g_value, k_masks, sizeof k_masks) == 0);
}

static void every_register_of_a_mask_is_there(void)
{
    EXPECT_OK(start());
    for (int e = 1; e <= 2; e++) {
        EXPECT_OK(get_as(WK_ROLE_READER, e == 1 ? "0.0.14.0.1.255" : "0.0.14.0.2.255", 2));
        struct wk_bytes_in in = wk_bytes_in_of(g_value, g_size);
        const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
        EXPECT_I64(e == 1 ? 16 : 8, count);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t obis[WK_OBIS_SIZE];
            (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
            const int64_t class_id = wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
            wk_axdr_read_exact(&in, obis, sizeof obis);
            EXPECT(wk_object_find(&g_module.table, (uint16_t)class_id, obis) != NULL);
        }
        EXPECT_OK(wk_bytes_in_end(&in));
    }
}

/* ---- class 62 ---------------------------------------------------------------------------- */

#define COMPACT "0.0.66.0.0.255"
#define TARIFF  "02 04 12 0001 0906 0000600E00FF 0F 02 12 0000"
#define IMPORT  "02 04 12 0003 0906 0100010800FF 0F 02 12 0000"
#define POWER   "02 04 12 0003 0906 0100010700FF 0F 02 12 0000"

static void a_compact_buffer_has_a_template_and_values_without_types(void)
{
    EXPECT_OK(start());
    g_module.rooms.tariff.current = 2;
    g_module.rooms.registers.import_uwh = INT64_C(0x0102030405060708);
    EXPECT_OK(set(COMPACT, 3, "01 02 " TARIFF IMPORT));
    EXPECT_OK(set(COMPACT, 4, "11 07"));
    EXPECT(is(COMPACT, 2, "09 0A 07 02 0102030405060708"));
    EXPECT(is(COMPACT, 5, "09 05 07 02 02 11 14"));
    EXPECT_OK(set(COMPACT, 3, "01 02 " POWER TARIFF)); /* nothing was measured yet: null */
    EXPECT(is(COMPACT, 2, "09 02 07 02"));
    EXPECT(is(COMPACT, 5, "09 05 07 02 02 00 11"));
}

static void a_compact_buffer_expands_to_the_values_of_its_columns(void)
{
    static const char *const k_columns[] = {"0.0.1.0.0.255", "1.0.1.8.0.255", "1.0.2.8.0.255"};
    uint8_t type[64];
    uint8_t contents[128];
    EXPECT_OK(start());
    EXPECT_OK(get_as(WK_ROLE_READER, COMPACT, 5));
    const size_t type_size = g_size - 5; /* tag, length, template, structure, count */
    memcpy(type, g_value + 5, type_size);
    EXPECT_OK(get_as(WK_ROLE_READER, COMPACT, 2));
    const size_t size = g_size - 3;
    memcpy(contents, g_value + 3, size);
    struct wk_bytes_in in = wk_bytes_in_of(contents, size);
    size_t at = 0;
    for (size_t i = 0; i < sizeof k_columns / sizeof k_columns[0]; i++) {
        uint8_t room[64];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(wk_compact_expand(wk_bytes_in_of(type + at, 1), &in, &out));
        EXPECT_OK(get_as(WK_ROLE_READER, k_columns[i], 2));
        EXPECT_I64(g_size, out.size);
        EXPECT(memcmp(room, g_value, g_size) == 0);
        at++; /* all three types have one octet */
    }
    EXPECT_I64(type_size, at);
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void columns_are_what_there_is_and_what_the_role_may_read(void)
{
    EXPECT_OK(start());
    EXPECT_ERR(WK_E_RANGE,
               set(COMPACT, 3, "01 01 02 04 12 0003 0906 010063FF00FF 0F 02 12 0000"));
    EXPECT_ERR(WK_E_RANGE,
               set(COMPACT, 3, "01 01 02 04 12 0003 0906 0100010800FF 0F 04 12 0000"));
    EXPECT_ERR(WK_E_RANGE,
               set(COMPACT, 3, "01 01 02 04 12 0003 0906 0100010800FF 0F 02 12 0001"));
    EXPECT_ERR(WK_E_RANGE,
               set(COMPACT, 3, "01 01 02 04 12 003E 0906 0000420001FF 0F 02 12 0000"));
    EXPECT_ERR(WK_E_RANGE,
               set(COMPACT, 3, "01 01 02 04 12 0007 0906 0100630100FF 0F 02 12 0000"));
    EXPECT_ERR(WK_E_FORMAT, set(COMPACT, 3, "11 07"));
    EXPECT_ERR(WK_E_RANGE, set(COMPACT, 6, "16 00"));
    EXPECT_OK(set(COMPACT, 3, "01 01 " IMPORT));
    EXPECT_OK(get_as(WK_ROLE_PUBLIC, COMPACT, 2)); /* if rights let it see the object at all */
    EXPECT_I64(3, g_size);                         /* the template's number and nothing else */
}

/* ---- class 124 --------------------------------------------------------------------------- */

#define LOCK "0.0.44.2.1.255"

static void a_lock_out_shows_its_counts_and_can_be_ended(void)
{
    EXPECT_OK(start());
    struct wk_session_lock *lock = &g_module.security.lock[WK_ROLE_READER];
    EXPECT(is(LOCK, 8, "16 00"));
    *lock =
        (struct wk_session_lock){.failures = WK_SESSION_FREE_TRIES, .until_us = NOW_US + US};
    g_module.security.failed_logins[WK_ROLE_READER] = 0x102;
    EXPECT(is(LOCK, 3, "12 0005"));
    EXPECT(is(LOCK, 8, "16 01"));
    EXPECT(is(LOCK, 9, "06 00000005"));
    EXPECT(is(LOCK, 10, "06 00000102"));
    EXPECT(is("0.0.44.2.2.255", 8, "16 00"));
    const struct wk_object_call call = call_of(LOCK, WK_ROLE_MANAGEMENT);
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    struct wk_bytes_in parameter = wk_bytes_in_of(k_zero, sizeof k_zero);
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    EXPECT_OK(call.object->access->functions->action(&call, 1, &parameter, &reply));
    EXPECT(is(LOCK, 8, "16 00"));
    EXPECT(is(LOCK, 9, "06 00000000"));
    EXPECT(is(LOCK, 10, "06 00000102"));
    EXPECT_OK(wk_module_settle(&g_module));
    lock->failures = WK_SESSION_FREE_TRIES;
    lock->until_us = NOW_US;
    EXPECT(is(LOCK, 8, "16 00")); /* it is over */
}

/* ---- classes 9 and 63, alarms -------------------------------------------------------------- */

static void scripts_of_tariffs_write_the_active_mask(void)
{
    static const uint8_t k_eighth[] = {2, 2, 0x12, 0, 8,  1, 1, 2,   5,    0x16, 1, 0x12, 0, 6,
                                       9, 6, 0,    0, 14, 0, 1, 255, 0x0F, 4,    9, 1,    8};
    EXPECT_OK(start());
    EXPECT_OK(get_as(WK_ROLE_READER, "0.0.10.0.100.255", 2));
    EXPECT_I64(2 + 8 * sizeof k_eighth, g_size);
    EXPECT(g_value[0] == 1 && g_value[1] == 8);
    EXPECT(memcmp(g_value + g_size - sizeof k_eighth, k_eighth, sizeof k_eighth) == 0);
}

/* Bit n of the word stands for the event that the n-th element of the mapping has. */
static void status_bits_are_mapped_to_events(void)
{
    uint16_t word = 0;
    EXPECT_OK(start());
    g_module.rooms.control.contact.fault_reported = true;
    EXPECT_OK(get_as(WK_ROLE_READER, "0.0.96.5.0.255", 2));
    struct wk_bytes_in in = wk_bytes_in_of(g_value, g_size);
    word = (uint16_t)wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT((word & 0x0200) != 0);
    EXPECT_OK(get_as(WK_ROLE_READER, "0.0.96.5.0.255", 3));
    in = wk_bytes_in_of(g_value, g_size);
    EXPECT_I64(2, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    EXPECT_I64(1, wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    EXPECT_I64(16, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    for (int bit = 0; bit < 16; bit++) {
        const int64_t event = wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
        EXPECT((word >> bit & 1) == 0 || event != 0);
        EXPECT(bit != 9 || event == WK_EVENT_CONTACTOR_DISAGREES);
    }
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void a_descriptor_stays_when_its_register_is_cleared(void)
{
    struct wk_alarm *alarm = &g_module.rooms.alarm;
    EXPECT_OK(start());
    EXPECT_OK(set("0.0.97.98.1.255", 2, "06 00000000"));
    EXPECT_OK(set("0.0.97.98.21.255", 2, "06 00000000"));
    EXPECT(wk_alarm_raise(alarm, WK_EVENT_DIP));
    EXPECT(is("0.0.97.98.1.255", 2, "06 00000008"));
    EXPECT(is("0.0.97.98.21.255", 2, "06 00000008"));
    EXPECT_OK(set("0.0.97.98.1.255", 2, "06 00000000"));
    EXPECT(is("0.0.97.98.21.255", 2, "06 00000008"));
    EXPECT_ERR(WK_E_RANGE, set("0.0.97.98.21.255", 2, "06 00000009")); /* none by hand */
    EXPECT_OK(set("0.0.97.98.21.255", 2, "06 00000000"));
    EXPECT(is("0.0.97.98.21.255", 2, "06 00000000"));
    EXPECT(wk_alarm_raise(alarm, WK_EVENT_SWELL));
    uint8_t raw[WK_ALARM_PACKED];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_alarm_pack(alarm, &out);
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    *alarm = (struct wk_alarm){.filter = {0}};
    EXPECT_OK(wk_alarm_unpack(alarm, &in));
    EXPECT(is("0.0.97.98.21.255", 2, "06 00000010"));
    in = wk_bytes_in_of(raw, out.size - 8); /* as it was stored before there were any */
    EXPECT_OK(wk_alarm_unpack(alarm, &in));
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT(is("0.0.97.98.21.255", 2, "06 00000000"));
    EXPECT(is("0.0.97.98.1.255", 2, "06 00000010"));
}

static void the_end_of_a_billing_period_is_told(void)
{
    EXPECT_OK(start());
    EXPECT(is("0.0.0.1.2.255", 2, "09 0C FFFFFFFFFFFFFFFFFF8000FF"));
    g_module.rooms.billing.begin = (struct wk_utc){1790000000};
    EXPECT(is("0.0.0.1.2.255", 2, "09 0C 07EA0915010E0D1400000000"));
}

static void reactive_energy_of_a_tariff_is_that_of_its_quadrants(void)
{
    int64_t value = 0;
    int64_t sum[2] = {0, 0};
    EXPECT_OK(start());
    struct wk_registers *registers = &g_module.rooms.registers;
    for (int tariff = 0; tariff < WK_TARIFF_COUNT; tariff++) {
        for (int q = 0; q < 4; q++) {
            registers->rate[tariff].q_uvarh[q] = 1000 * tariff + 10 * q + 1;
            registers->q_uvarh[q] += registers->rate[tariff].q_uvarh[q];
        }
        for (int way = 0; way < 2; way++) {
            const uint32_t selector =
                WK_OBJECTS_OF(WK_OBJECTS_REACTIVE_TARIFF, way * WK_TARIFF_COUNT + tariff);
            EXPECT_OK(wk_objects_value(&g_module.rooms, selector, &value));
            sum[way] += value;
        }
    }
    EXPECT_OK(wk_objects_value(&g_module.rooms, WK_OBJECTS_REACTIVE_IMPORT, &value));
    EXPECT_I64(value, sum[0]);
    EXPECT_OK(wk_objects_value(&g_module.rooms, WK_OBJECTS_REACTIVE_EXPORT, &value));
    EXPECT_I64(value, sum[1]);
}

WK_TEST_MAIN(T(the_active_mask_is_the_tariff_of_now), T(every_register_of_a_mask_is_there),
             T(a_compact_buffer_has_a_template_and_values_without_types),
             T(a_compact_buffer_expands_to_the_values_of_its_columns),
             T(columns_are_what_there_is_and_what_the_role_may_read),
             T(a_lock_out_shows_its_counts_and_can_be_ended),
             T(scripts_of_tariffs_write_the_active_mask), T(status_bits_are_mapped_to_events),
             T(a_descriptor_stays_when_its_register_is_cleared),
             T(the_end_of_a_billing_period_is_told),
             T(reactive_energy_of_a_tariff_is_that_of_its_quadrants))
