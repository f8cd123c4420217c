/* SPDX-License-Identifier: Apache-2.0
 *
 * The profiles of an assembled module as clients see them: what they hold, what may be set, what
 * that clears. */
#include "management/module.h"

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "cosem/datetime.h"
#include "cosem/select.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096U
#define SECTORS 40
#define US      INT64_C(1000000)
#define START_S INT64_C(1769986800) /* 2026-02-01 23:00:00 UTC: midnight in central Europe */
#define WINDOW  (60 * US)
#define GAIN    INT64_C(1000000) /* uWh of a window */
#define ROOM    8192

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint64_t g_seq;
static uint64_t g_epoch;
static uint8_t g_answer[ROOM];

static const uint8_t k_load[6] = {1, 0, 99, 1, 0, 255};
static const uint8_t k_day[6] = {1, 0, 99, 2, 0, 255};
static const uint8_t k_quality[6] = {1, 0, 99, 14, 0, 255};
static const uint8_t k_periods[6] = {0, 0, 98, 1, 0, 255};

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

static struct wk_module_config usual(void)
{
    struct wk_module_config config = {
        .identity = {.serial = "WK10000001", .logical_name = "WKT0000010000001", .phases = 3},
        .period_s = 900,
        .control_mode = 4,
        .billing = {WK_BILLING_DAILY, 0, 0, 0},
        .layout = {.kv_sectors = 3, .log_sectors = {6, 4, 4}},
    };
    config.zone = wk_zone_central_europe;
    config.layout.log_sectors[WK_ROOMS_LOG_PROFILE_2] = 4;
    config.layout.log_sectors[WK_ROOMS_LOG_PROFILE_3] = 4;
    return config;
}

static wk_err boot(const struct wk_module_config *config)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, config, &ports);
}

static wk_err boot_new(const struct wk_module_config *config)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_seq = 0;
    g_epoch = 7;
    return boot(config);
}

/* Windows of a minute each, from minute to minute since the start. */
static wk_err run_minutes(int64_t from, int64_t to)
{
    for (int64_t n = from; n < to; n++) {
        struct wk_record record = {.seq = ++g_seq,
                                   .epoch = g_epoch,
                                   .t_us = START_S * US + (n + 1) * WINDOW,
                                   .span_us = WINDOW,
                                   .kind = WK_RECORD_WINDOW};
        record.window.phases = 3;
        record.window.total.import_uwh = GAIN;
        record.window.energy[0].import_uwh = GAIN;
        for (int phase = 0; phase < 3; phase++) {
            record.window.u_mv[phase] = 230000 + phase;
        }
        WK_TRY(wk_module_consume(&g_module, &record));
    }
    return WK_OK;
}

static struct wk_object_call call_of(const uint8_t obis[6])
{
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, 7, obis),
                                   .now_us = wk_module_now_us(&g_module),
                                   .role = WK_ROLE_MANAGEMENT};
}

static wk_err get(const uint8_t obis[6], uint8_t attribute,
                  const struct wk_object_selection *selection, struct wk_bytes_in *in)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    const struct wk_object_call call = call_of(obis);
    struct wk_object_cursor cursor = {0};
    size_t size = 0;
    do {
        const size_t room = sizeof g_answer - size < 1000 ? sizeof g_answer - size : 1000;
        struct wk_bytes_out out = wk_bytes_out_of(g_answer + size, room);
        WK_TRY(call.object->access->functions->get(
            &call, attribute, selection != NULL ? selection : &k_all, &cursor, &out));
        WK_TRY(out.fault);
        size += out.size;
    } while (cursor.more);
    *in = wk_bytes_in_of(g_answer, size);
    return WK_OK;
}

static int64_t get_number(const uint8_t obis[6], uint8_t attribute)
{
    struct wk_bytes_in in;
    return get(obis, attribute, NULL, &in) == WK_OK
               ? wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED)
               : -1;
}

static wk_err set(const uint8_t obis[6], uint8_t attribute, const struct wk_bytes_out *value)
{
    const struct wk_object_call call = call_of(obis);
    struct wk_bytes_in in = wk_bytes_in_of(value->data, value->size);
    WK_TRY(call.object->access->functions->set(&call, attribute, &in));
    return wk_module_settle(&g_module);
}

static wk_err set_period(const uint8_t obis[6], uint32_t period_s)
{
    uint8_t octets[8];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_axdr_put_double_long_unsigned(&out, period_s);
    return set(obis, 4, &out);
}

static wk_err set_columns(const uint8_t obis[6], const struct wk_select_column *columns,
                          uint32_t count)
{
    uint8_t octets[768];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_axdr_put_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        wk_select_put_column(&out, &columns[i]);
    }
    return set(obis, 3, &out);
}

static int count_events(uint16_t code)
{
    struct wk_store_reader reader = {0};
    struct wk_event event;
    int count = 0;
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK) {
        count += event.code == code ? 1 : 0;
    }
    return count;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void there_are_three_profiles_with_periods_of_their_own(void)
{
    const struct wk_module_config config = usual();
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 24 * 60 + 1));
    EXPECT_I64(900, get_number(k_load, 4));
    EXPECT_I64(86400, get_number(k_day, 4));
    EXPECT_I64(900, get_number(k_quality, 4));
    EXPECT_I64(96, get_number(k_load, 7));
    EXPECT_I64(1, get_number(k_day, 7));
    EXPECT_I64(96, get_number(k_quality, 7));
    EXPECT(get_number(k_load, 8) > 96);
}

static void a_day_holds_its_registers_and_a_maximum_with_its_time(void)
{
    const struct wk_module_config config = usual();
    struct wk_bytes_in in;
    struct wk_datetime at;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 24 * 60 + 1));
    EXPECT_OK(get(k_day, 2, NULL, &in));
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(17, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    wk_datetime_read_axdr(&in, &at);
    EXPECT(at.day == 3 && at.month == 2 && at.hour == 0 && at.minute == 0);
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    EXPECT_I64(24 * 60 * GAIN, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    for (int i = 0; i < 9; i++) {
        wk_axdr_skip(&in);
    }
    EXPECT_I64(60 * GAIN / 1000, wk_axdr_read_integer(&in, WK_AXDR_LONG64)); /* mW */
    wk_axdr_skip(&in);
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    EXPECT_I64(0, wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED));
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void what_was_never_measured_is_null(void)
{
    const struct wk_module_config config = usual();
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 16));
    EXPECT_OK(get(k_quality, 2, NULL, &in));
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(15, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    for (int i = 0; i < 4; i++) {
        wk_axdr_skip(&in);
    }
    struct wk_axdr_value value;
    wk_axdr_read(&in, &value); /* distortion: no interval of 150 cycles has ended */
    EXPECT_I64(WK_AXDR_NULL, value.tag);
}

static void other_columns_clear_are_logged_and_outlive_a_restart(void)
{
    static const struct wk_select_column k_columns[] = {
        {8, {0, 0, 1, 0, 0, 255}, 2, 0},  {1, {0, 0, 96, 14, 0, 255}, 2, 0},
        {3, {1, 0, 1, 8, 0, 255}, 2, 0},  {4, {1, 0, 1, 6, 0, 255}, 5, 0},
        {5, {1, 0, 1, 4, 0, 255}, 3, 0},  {1, {0, 0, 96, 10, 2, 255}, 2, 0},
        {3, {1, 0, 21, 8, 0, 255}, 2, 0},
    };
    const struct wk_module_config config = usual();
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 61));
    EXPECT_I64(4, get_number(k_load, 7));
    EXPECT_OK(set_columns(k_load, k_columns, 7));
    EXPECT_I64(0, get_number(k_load, 7));
    EXPECT_I64(1, count_events(WK_EVENT_PROFILE_CLEARED));
    EXPECT_I64(1, count_events(WK_EVENT_PARAMETER_CHANGED));
    EXPECT_OK(set_period(k_load, 300));
    EXPECT_OK(run_minutes(61, 76));
    EXPECT_OK(boot(&config));
    EXPECT_I64(300, get_number(k_load, 4));
    EXPECT_I64(3, get_number(k_load, 7));
    EXPECT_I64(2, count_events(WK_EVENT_PROFILE_CLEARED));
    EXPECT_OK(get(k_load, 3, NULL, &in));
    EXPECT_I64(7, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    for (int i = 0; i < 7; i++) {
        struct wk_select_column column;
        wk_select_read_column(&in, &column);
        EXPECT(column.class_id == k_columns[i].class_id &&
               column.attribute == k_columns[i].attribute &&
               wk_obis_equal(column.obis, k_columns[i].obis));
    }
    EXPECT_OK(get(k_load, 2, NULL, &in));
    EXPECT_I64(3, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(7, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    wk_axdr_skip(&in);
    EXPECT_I64(1, wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    EXPECT_I64(65 * GAIN, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
}

static void what_cannot_be_captured_is_refused_and_nothing_is_cleared(void)
{
    static const struct {
        struct wk_select_column column;
        wk_err err;
    } k_bad[] = {
        {{3, {1, 0, 99, 8, 0, 255}, 2, 0}, WK_E_NOT_FOUND},   /* no such register */
        {{4, {1, 0, 1, 8, 0, 255}, 2, 0}, WK_E_NOT_FOUND},    /* of another class */
        {{3, {1, 0, 1, 8, 0, 255}, 3, 0}, WK_E_UNSUPPORTED},  /* its unit */
        {{3, {1, 0, 1, 8, 0, 255}, 2, 1}, WK_E_RANGE},        /* a part of it */
        {{7, {1, 0, 99, 2, 0, 255}, 2, 0}, WK_E_UNSUPPORTED}, /* a profile */
        {{8, {0, 0, 1, 0, 0, 255}, 2, 0}, WK_E_RANGE},        /* the clock again */
        {{1, {0, 0, 96, 1, 0, 255}, 2, 0}, WK_E_UNSUPPORTED}, /* a text */
        {{3, {1, 0, 1, 8, 0, 255}, -1, 0}, WK_E_RANGE},
    };
    struct wk_select_column columns[WK_PROFILE_COLUMNS + 1] = {{8, {0, 0, 1, 0, 0, 255}, 2, 0}};
    const struct wk_module_config config = usual();
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 61));
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        columns[1] = k_bad[i].column;
        EXPECT_ERR(k_bad[i].err, set_columns(k_load, columns, 2));
    }
    EXPECT_ERR(WK_E_RANGE, set_columns(k_load, columns, 0));
    EXPECT_ERR(WK_E_RANGE, set_columns(k_load, columns, WK_PROFILE_COLUMNS + 1));
    columns[0] = (struct wk_select_column){3, {1, 0, 1, 8, 0, 255}, 2, 0};
    EXPECT_ERR(WK_E_RANGE, set_columns(k_load, columns, 1)); /* no clock */
    EXPECT_ERR(WK_E_RANGE, set_period(k_load, 0));
    EXPECT_ERR(WK_E_RANGE, set_period(k_load, 7200));
    EXPECT_I64(4, get_number(k_load, 7));
    EXPECT_I64(0, count_events(WK_EVENT_PROFILE_CLEARED));
}

/* The clock and maxima of the tariffs with their times, then registers: as many as there may be. */
static uint32_t widest(struct wk_select_column *columns)
{
    uint32_t count = 1;
    columns[0] = (struct wk_select_column){8, {0, 0, 1, 0, 0, 255}, 2, 0};
    for (uint8_t tariff = 0; tariff <= 8; tariff++) {
        columns[count++] = (struct wk_select_column){4, {1, 0, 1, 6, tariff, 255}, 2, 0};
    }
    for (uint8_t i = 0; count < WK_PROFILE_COLUMNS; i++) {
        const uint8_t c = (uint8_t)(1 + i / 9); /* of import, of export, of reactive energies */
        columns[count++] =
            (struct wk_select_column){3, {1, 0, c, 8, (uint8_t)(i % 9), 255}, 2, 0};
    }
    return count;
}

static void as_many_columns_as_there_may_be_are_kept_and_read(void)
{
    struct wk_select_column columns[WK_PROFILE_COLUMNS];
    const struct wk_module_config config = usual();
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 2));
    EXPECT_I64(WK_PROFILE_COLUMNS, widest(columns));
    EXPECT_OK(set_columns(k_load, columns, WK_PROFILE_COLUMNS));
    EXPECT_OK(run_minutes(2, 31));
    EXPECT_OK(boot(&config));
    EXPECT_OK(run_minutes(31, 46));
    EXPECT_I64(3, get_number(k_load, 7));
    EXPECT_OK(get(k_load, 2, NULL, &in));
    EXPECT_I64(3, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    for (int row = 1; row <= 3; row++) {
        EXPECT_I64(WK_PROFILE_COLUMNS, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
        for (uint32_t i = 0; i < WK_PROFILE_COLUMNS; i++) {
            const bool import =
                columns[i].class_id == 3 && columns[i].obis[2] == 1 && columns[i].obis[4] == 0;
            if (import) {
                EXPECT_I64(row * 15 * GAIN, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
            } else {
                wk_axdr_skip(&in);
            }
        }
    }
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void reset_clears_and_is_logged(void)
{
    const uint8_t parameter[] = {WK_AXDR_INTEGER, 0};
    const struct wk_module_config config = usual();
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 61));
    const struct wk_object_call call = call_of(k_load);
    struct wk_bytes_in in = wk_bytes_in_of(parameter, sizeof parameter);
    struct wk_bytes_out reply = {0};
    EXPECT_OK(call.object->access->functions->action(&call, 1, &in, &reply));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_I64(0, get_number(k_load, 7));
    EXPECT_I64(1, count_events(WK_EVENT_PROFILE_CLEARED));
    EXPECT_OK(boot(&config));
    EXPECT_I64(0, get_number(k_load, 7));
    EXPECT_OK(run_minutes(61, 76));
    EXPECT_I64(1, get_number(k_load, 7));
}

static void a_configuration_that_changed_clears_once(void)
{
    struct wk_module_config config = usual();
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 61));
    config.profile[WK_ROOMS_PROFILE_1].period_s = 60;
    EXPECT_OK(boot(&config));
    EXPECT_I64(60, get_number(k_load, 4));
    EXPECT_I64(0, get_number(k_load, 7));
    EXPECT_I64(4, get_number(k_quality, 7));
    EXPECT_I64(1, count_events(WK_EVENT_PROFILE_CLEARED));
    EXPECT_OK(boot(&config));
    EXPECT_I64(1, count_events(WK_EVENT_PROFILE_CLEARED));
    config.profile[WK_ROOMS_PROFILE_2].period_s = 61;
    EXPECT_ERR(WK_E_RANGE, boot(&config));
}

static void the_rows_of_a_range_come_even_if_the_clock_went_back(void)
{
    const struct wk_module_config config = usual();
    const struct wk_object_selection range = {.kind = WK_OBJECT_SELECT_RANGE,
                                              .from = {START_S + 900},
                                              .to = {START_S + 1800},
                                              .column_first = 1};
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 61));
    EXPECT_OK(wk_clock_set(&g_module.rooms.clock, g_module.rooms.t_us, START_S * US,
                           WK_CLOCK_FROM_CLIENT));
    EXPECT_OK(run_minutes(61, 122));
    EXPECT_I64(8, get_number(k_load, 7));
    EXPECT_OK(get(k_load, 2, &range, &in));
    EXPECT_I64(4, wk_axdr_read_count(&in, WK_AXDR_ARRAY)); /* each instant came twice */
    for (int i = 0; i < 4; i++) {
        struct wk_datetime at;
        struct wk_utc utc;
        EXPECT_I64(16, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
        wk_datetime_read_axdr(&in, &at);
        EXPECT_OK(wk_datetime_to_utc(&at, &wk_zone_utc, &utc));
        EXPECT_I64(START_S + (i % 2 + 1) * 900, utc.s);
        for (int column = 1; column < 16; column++) {
            wk_axdr_skip(&in);
        }
    }
    EXPECT_OK(wk_bytes_in_end(&in));
}

/* ---- a range of any column --------------------------------------------------------------- */

#define MOST_ROWS 100

static struct {
    uint8_t octets[sizeof g_answer];
    size_t begin[MOST_ROWS + 1];
    uint32_t rows;
} g_all;

/* The number of a column of a row, or the instant; false: neither. */
static bool number_at(uint32_t row, int column, int64_t *number)
{
    struct wk_bytes_in in = wk_bytes_in_of(g_all.octets, g_all.begin[row + 1]);
    struct wk_axdr_value value;
    struct wk_datetime at;
    struct wk_utc utc;
    in.at = g_all.begin[row];
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    for (int i = 0; i < column; i++) {
        wk_axdr_skip(&in);
    }
    struct wk_bytes_in time = in;
    wk_axdr_read(&in, &value);
    *number = value.integer;
    if (wk_axdr_is_integer(value.tag)) {
        return true;
    }
    wk_datetime_read_axdr(&time, &at);
    if (time.fault != WK_OK || wk_datetime_to_utc(&at, &wk_zone_utc, &utc) != WK_OK) {
        return false;
    }
    *number = utc.s;
    return true;
}

static void keep_all(struct wk_bytes_in in)
{
    memcpy(g_all.octets, in.data, in.size);
    g_all.rows = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < g_all.rows && i < MOST_ROWS; i++) {
        g_all.begin[i] = in.at;
        wk_axdr_skip(&in);
        g_all.begin[i + 1] = in.at;
    }
}

static void any_column_selects_as_a_plain_filter_does(void)
{
    const struct wk_module_config config = usual();
    struct wk_bytes_in in;
    uint64_t chance = 20261121;
    uint32_t compared = 0;
    printf("# seed 20261121\n");
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 15 * 40 + 1));
    EXPECT_OK(get(k_load, 2, NULL, &in));
    keep_all(in);
    EXPECT_I64(40, g_all.rows);
    for (int round = 0; round < 400; round++) {
        const int column = (int)((wk_test_random(&chance) >> 32) % 16);
        int64_t one;
        int64_t other;
        if (!number_at((uint32_t)(wk_test_random(&chance) >> 32) % g_all.rows, column, &one) ||
            !number_at((uint32_t)(wk_test_random(&chance) >> 32) % g_all.rows, column,
                       &other)) {
            continue;
        }
        const struct wk_object_selection selection = {.kind = WK_OBJECT_SELECT_VALUES,
                                                      .restricting = (uint16_t)(column + 1),
                                                      .value_from = one < other ? one : other,
                                                      .value_to = one < other ? other : one,
                                                      .column_first = 1};
        uint32_t wanted = 0;
        EXPECT_OK(get(k_load, 2, &selection, &in));
        const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
        for (uint32_t row = 0; row < g_all.rows; row++) {
            const size_t size = g_all.begin[row + 1] - g_all.begin[row];
            int64_t number;
            if (!number_at(row, column, &number) || number < selection.value_from ||
                number > selection.value_to) {
                continue;
            }
            EXPECT(wk_bytes_in_left(&in) >= size);
            EXPECT_BYTES(g_all.octets + g_all.begin[row], in.data + in.at, size);
            (void)wk_bytes_in_take(&in, size);
            wanted++;
        }
        EXPECT_I64(wanted, count);
        EXPECT_OK(wk_bytes_in_end(&in));
        compared++;
    }
    EXPECT(compared > 200);
    const struct wk_object_selection beyond = {
        .kind = WK_OBJECT_SELECT_VALUES, .restricting = 17, .column_first = 1};
    EXPECT_ERR(WK_E_RANGE, get(k_load, 2, &beyond, &in));
}

static void billing_periods_can_be_read_as_a_profile(void)
{
    const struct wk_module_config config = usual();
    const struct wk_object_selection second = {.kind = WK_OBJECT_SELECT_RANGE,
                                               .from = {START_S + 86400 + 1},
                                               .to = {START_S + 2 * 86400},
                                               .column_first = 1};
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_OK(run_minutes(0, 2 * 1440 + 1));
    EXPECT_I64(2, get_number(k_periods, 7));
    EXPECT_OK(get(k_periods, 2, &second, &in));
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(44, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    wk_axdr_skip(&in);
    EXPECT_I64(2, wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED));
    EXPECT_I64(WK_BILLING_SCHEDULED, wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    EXPECT_I64(2 * 1440 * GAIN, wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    for (int column = 4; column < 26; column++) {
        wk_axdr_skip(&in);
    }
    EXPECT_I64(60 * GAIN / 1000,
               wk_axdr_read_integer(&in, WK_AXDR_LONG64)); /* the maximum, mW */
    for (int column = 27; column < 44; column++) {
        wk_axdr_skip(&in);
    }
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT_OK(get(k_periods, 3, NULL, &in));
    EXPECT_I64(44, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
}

/* ---- profiles that not every meter has ------------------------------------------------------ */

static const uint8_t k_five[6] = {1, 0, 99, 1, 1, 255};
static const uint8_t k_moment[6] = {1, 0, 99, 3, 0, 255};

static int64_t entries(const uint8_t obis[6])
{
    struct wk_bytes_in in;
    const wk_err err = get(obis, 7, NULL, &in);
    return err == WK_OK ? wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED)
                        : -(int64_t)err;
}

static void a_larger_meter_has_two_more_profiles(void)
{
    static struct wk_profile more[WK_ROOMS_MORE_PROFILES];
    struct wk_module_config config = usual();
    struct wk_bytes_in in;
    EXPECT_OK(boot_new(&config));
    EXPECT_ERR(WK_E_NOT_FOUND, get(k_five, 2, NULL, &in));
    config.layout.log_sectors[WK_ROOMS_LOG_PROFILE_4] = 4;
    config.layout.log_sectors[WK_ROOMS_LOG_PROFILE_5] = 4;
    config.more_profiles = more;
    EXPECT_OK(boot(&config)); /* of a store that did not have them */
    EXPECT_OK(run_minutes(0, 92));
    EXPECT_I64(18, entries(k_five));
    EXPECT_I64(6, entries(k_moment));
    EXPECT_OK(get(k_five, 4, NULL, &in));
    EXPECT_I64(300, wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED));
    EXPECT_OK(get(k_moment, 3, NULL, &in));
    EXPECT_I64(13, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot(&config)); /* two minutes of an interval are under way */
    EXPECT_I64(18, entries(k_five));
    EXPECT_OK(run_minutes(92, 95));
    EXPECT_I64(19, entries(k_five));
    struct wk_profile_reader reader = {.number = 18};
    struct wk_profile_row row;
    EXPECT_OK(wk_profile_read(&more[0], &g_module.rooms.store, &reader, &row));
    EXPECT_I64(0, row.status & WK_PROFILE_NOT_VALID);
    EXPECT_I64(95 * GAIN, row.value[2]);
    const struct wk_object_call call = call_of(k_moment);
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    struct wk_bytes_in zero = wk_bytes_in_of(k_zero, sizeof k_zero);
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    EXPECT_OK(call.object->access->functions->action(&call, 1, &zero, &reply));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_I64(0, entries(k_moment));
    EXPECT_I64(19, entries(k_five));
    EXPECT_OK(boot(&config));
    EXPECT_I64(0, entries(k_moment));
    config.more_profiles = NULL; /* another firmware has none: what is stored stays */
    EXPECT_OK(boot(&config));
    EXPECT_OK(run_minutes(95, 96));
    config.more_profiles = more;
    EXPECT_OK(boot(&config));
    EXPECT_I64(19, entries(k_five));
}

WK_TEST_MAIN(T(a_larger_meter_has_two_more_profiles),
             T(there_are_three_profiles_with_periods_of_their_own),
             T(a_day_holds_its_registers_and_a_maximum_with_its_time),
             T(what_was_never_measured_is_null),
             T(other_columns_clear_are_logged_and_outlive_a_restart),
             T(what_cannot_be_captured_is_refused_and_nothing_is_cleared),
             T(as_many_columns_as_there_may_be_are_kept_and_read),
             T(reset_clears_and_is_logged), T(a_configuration_that_changed_clears_once),
             T(the_rows_of_a_range_come_even_if_the_clock_went_back),
             T(any_column_selects_as_a_plain_filter_does),
             T(billing_periods_can_be_read_as_a_profile))
