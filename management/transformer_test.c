/* SPDX-License-Identifier: Apache-2.0
 *
 * Ratios of transformers: objects tell n times what the terminals saw, n by hand. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "management/module.h"
#include "management/objects_capture.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR     4096
#define SECTORS    20
#define US         INT64_C(1000000)
#define START_S    INT64_C(1790000000)
#define CT         40  /* 200/5 */
#define VT         200 /* 20000/100 */
#define P_MW       230000
#define IMPORT_UWH 191667
#define U_MV       57735
#define I_UA       4000000

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_rooms_transformers g_transformers;
static uint64_t g_seq;
static bool g_closed;

static wk_err contactor_set(void *self, bool closed)
{
    *(bool *)self = closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    *closed = *(bool *)self;
    return WK_OK;
}

static const struct wk_hal_contactor k_contactor = {
    .self = &g_closed, .set = contactor_set, .is_closed = contactor_is_closed};

static void start(void)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 3},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
        .transformers = g_transformers,
    };
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    EXPECT_OK(wk_module_init(&g_module, &config, &ports));
}

static void begin(struct wk_rooms_transformers transformers)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_closed = true;
    g_transformers = transformers;
    g_seq = 0;
    start();
}

static void feed(int64_t s)
{
    struct wk_record record = {.epoch = 1,
                               .seq = ++g_seq,
                               .t_us = (START_S + s) * US,
                               .kind = WK_RECORD_WINDOW,
                               .span_us = US};
    record.window.phases = 3;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        record.window.u_mv[phase] = U_MV;
        record.window.i_ua[phase] = I_UA;
        record.window.p_mw[phase] = P_MW;
        record.window.s_mva[phase] = P_MW;
    }
    record.window.frequency_uhz = 50000000;
    record.window.total.import_uwh = IMPORT_UWH;
    EXPECT_OK(wk_module_consume(&g_module, &record));
}

static int64_t told(uint32_t selector)
{
    int64_t value = -1;
    return wk_objects_value(&g_module.rooms, selector, &value) == WK_OK ? value : -1;
}

static unsigned changes(void)
{
    struct wk_store_reader reader = {0};
    struct wk_event event;
    unsigned count = 0;
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK) {
        count += event.code == WK_EVENT_TRANSFORMERS_CHANGED ? 1U : 0U;
    }
    return count;
}

/* The value of the attribute of an object of the table, an integer. */
static int64_t attribute_of(uint16_t class_id, const uint8_t obis[6], uint8_t attribute)
{
    uint8_t room[64];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_object_selection all = {.column_first = 1};
    struct wk_object_cursor cursor = {0};
    const struct wk_object *object = wk_object_find(&g_module.table, class_id, obis);
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = object,
                                        .now_us = START_S * US,
                                        .role = WK_ROLE_MANAGEMENT};
    if (object == NULL ||
        object->access->functions->get(&call, attribute, &all, &cursor, &out) != WK_OK) {
        return -1;
    }
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    struct wk_axdr_value value;
    wk_axdr_read(&in, &value);
    return wk_bytes_in_end(&in) == WK_OK ? value.integer : -1;
}

static const struct wk_rooms_transformers k_network = {200, 5, 20000, 100, true};

static void values_are_of_the_network_if_that_is_configured(void)
{
    begin(k_network);
    feed(0);
    feed(1);
    EXPECT_I64((int64_t)U_MV * VT, told(WK_OBJECTS_OF(WK_OBJECTS_U, 1)));
    EXPECT_I64((int64_t)I_UA / 1000 * CT, told(WK_OBJECTS_OF(WK_OBJECTS_I, 2)));
    EXPECT_I64(3LL * P_MW * CT * VT, told(WK_OBJECTS_P_IMPORT));
    EXPECT_I64(3LL * P_MW * CT * VT, told(WK_OBJECTS_S));
    EXPECT_I64(g_module.rooms.registers.import_uwh * CT * VT, told(WK_OBJECTS_IMPORT));
    EXPECT_I64(2LL * IMPORT_UWH, g_module.rooms.registers.import_uwh);
    EXPECT_I64(50000, told(WK_OBJECTS_FREQUENCY));
    EXPECT_I64(1000, told(WK_OBJECTS_PF));
}

static void values_are_of_the_terminals_otherwise(void)
{
    const struct wk_rooms_transformers k_noted = {200, 5, 20000, 100, false};
    begin(k_noted);
    feed(0);
    EXPECT_I64(U_MV, told(WK_OBJECTS_OF(WK_OBJECTS_U, 0)));
    EXPECT_I64(3LL * P_MW, told(WK_OBJECTS_P_IMPORT));
    EXPECT_I64(200, attribute_of(1, (const uint8_t[]){1, 0, 0, 4, 2, 255}, 2));
    EXPECT_I64(5, attribute_of(1, (const uint8_t[]){1, 0, 0, 4, 5, 255}, 2));
    EXPECT_I64(20000, attribute_of(1, (const uint8_t[]){1, 0, 0, 4, 3, 255}, 2));
    EXPECT_I64(100, attribute_of(1, (const uint8_t[]){1, 0, 0, 4, 6, 255}, 2));
    EXPECT_I64(0, attribute_of(1, (const uint8_t[]){0, 0, 128, 6, 0, 255}, 2));
}

static void a_ratio_that_is_not_whole_is_rounded_once(void)
{
    const struct wk_rooms_transformers k_third = {100, 3, 0, 0, true};
    begin(k_third);
    feed(0);
    /* 575001 µWh * 100 / 3, 4000 mA * 100 / 3 */
    g_module.rooms.registers.import_uwh = 575001;
    EXPECT_I64(19166700, told(WK_OBJECTS_IMPORT));
    g_module.rooms.registers.import_uwh = 575002;
    EXPECT_I64(19166733, told(WK_OBJECTS_IMPORT));
    EXPECT_I64(133333, told(WK_OBJECTS_OF(WK_OBJECTS_I, 0)));
    EXPECT_I64(U_MV, told(WK_OBJECTS_OF(WK_OBJECTS_U, 0)));
    g_module.rooms.registers.import_uwh = INT64_MAX;
    EXPECT_I64(INT64_MAX, told(WK_OBJECTS_IMPORT));
}

static void demand_and_profiles_have_the_same_ratio(void)
{
    static const uint8_t k_maximum[] = {1, 0, 1, 6, 0, 255};
    static const uint8_t k_demand[] = {1, 0, 1, 4, 0, 255};
    struct wk_profile_row row;
    begin(k_network);
    for (int64_t s = 0; s < 1900; s++) {
        feed(s);
    }
    const struct wk_rooms *rooms = &g_module.rooms;
    EXPECT(rooms->demand.highest.power_mw > 0);
    EXPECT_I64(rooms->demand.highest.power_mw * CT * VT, attribute_of(4, k_maximum, 2));
    EXPECT_I64(rooms->demand.last_mw * CT * VT, attribute_of(5, k_demand, 3));
    EXPECT_I64(wk_demand_current_mw(&rooms->demand) * CT * VT, attribute_of(5, k_demand, 2));
    wk_objects_capture_row(rooms, &rooms->profile[WK_ROOMS_PROFILE_1], &row);
    const struct wk_profile_rules *rules = &rooms->profile[WK_ROOMS_PROFILE_1].rules;
    unsigned compared = 0;
    for (uint8_t i = 0; i < rules->count; i++) {
        const struct wk_profile_column *column = &rules->column[i];
        if (memcmp(column->obis, (const uint8_t[]){1, 0, 1, 8, 0, 255}, 6) == 0) {
            EXPECT_I64(rooms->registers.import_uwh * CT * VT, row.value[i]);
            compared++;
        }
        if (memcmp(column->obis, (const uint8_t[]){1, 0, 32, 27, 0, 255}, 6) == 0) {
            EXPECT_I64((int64_t)U_MV * VT, row.value[i]);
            compared++;
        }
    }
    EXPECT_I64(2, compared);
}

static void a_change_is_told_once(void)
{
    static const struct wk_rooms_transformers k_none = {0};
    begin(k_none);
    EXPECT_I64(0, changes());
    g_transformers = k_network;
    start();
    EXPECT_I64(1, changes());
    start();
    EXPECT_I64(1, changes());
    g_transformers.ct_primary = 250;
    start();
    EXPECT_I64(2, changes());
    EXPECT(g_module.rooms.transformers.applied);
}

WK_TEST_MAIN(T(values_are_of_the_network_if_that_is_configured),
             T(values_are_of_the_terminals_otherwise),
             T(a_ratio_that_is_not_whole_is_rounded_once),
             T(demand_and_profiles_have_the_same_ratio), T(a_change_is_told_once))
