/* SPDX-License-Identifier: Apache-2.0
 *
 * Demand and energy of an industrial meter: against closed forms, against the demand of active import
 * when every quantity has the same energy, and through cuts of the supply. */
#include "management/quantities.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "management/module.h"
#include "management/test_contactor.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 24
#define US      INT64_C(1000000)
#define BEGIN_S INT64_C(1790002800) /* a whole hour */
#define SPAN_S  60
#define SEED    20261122U

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_quantities g_quantities;
static uint64_t g_seq;
static int64_t g_t_us;

/* Tariff 1, and 2 in the second half of each hour between midnight and four. */
static wk_err boot(const struct wk_demand_rules *rules)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 3},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .demand = *rules,
        .calendar = {.name = "TOU",
                     .season_count = 1,
                     .season = {{1, 1, 0}},
                     .week_count = 1,
                     .day_count = 1,
                     .day = {{8,
                              {{0, 1, 0},
                               {30, 2, 0},
                               {60, 1, 0},
                               {90, 2, 0},
                               {120, 1, 0},
                               {150, 2, 0},
                               {180, 1, 0},
                               {210, 2, 0}}}}},
        .layout = {.kv_sectors = 6, .log_sectors = {4, 4, 4}},
        .quantities = &g_quantities,
    };
    WK_TRY(wk_quantities_init(&g_quantities, rules));
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

static wk_err start(const struct wk_demand_rules *rules)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_seq = 0;
    g_t_us = BEGIN_S * US;
    g_closed = true;
    return boot(rules);
}

static wk_err window(const struct wk_record_energy *total, const struct wk_record_energy *phase)
{
    g_t_us += SPAN_S * US;
    struct wk_record record = {.seq = ++g_seq,
                               .epoch = 1,
                               .t_us = g_t_us,
                               .span_us = SPAN_S * US,
                               .kind = WK_RECORD_WINDOW};
    record.window.phases = 3;
    record.window.total = *total;
    for (int i = 0; i < 3; i++) {
        record.window.u_mv[i] = 230000;
        record.window.energy[i] = phase[i];
    }
    return wk_module_consume(&g_module, &record);
}

static wk_err read(const char *obis, uint8_t attribute, struct wk_axdr_value *value)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    static uint8_t room[64];
    uint8_t octets[WK_OBIS_SIZE] = {0};
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    WK_TRY(wk_obis_parse(obis, octets));
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = wk_object_find(&g_module.table, 0, octets),
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    if (call.object == NULL) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(call.object->access->functions->get(&call, attribute, &k_all, &cursor, &out));
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    wk_axdr_read(&in, value);
    return in.fault;
}

static int64_t number(const char *obis, uint8_t attribute)
{
    struct wk_axdr_value value = {0};
    const wk_err err = read(obis, attribute, &value);
    return err == WK_OK ? value.integer : -(int64_t)err;
}

static const struct wk_demand_rules k_quarter = {900, 1};
static const struct wk_record_energy k_none[3];

/* ---- closed forms ------------------------------------------------------------------------ */

/* n-th quantity: n units of 10^6 uWh each minute are n * 60 W. */
static const struct wk_record_energy k_each = {
    .import_uwh = 1000000,
    .export_uwh = 2000000,
    .q_uvarh = {5000000, 6000000, 7000000, 8000000},
    .import_uvah = 9000000,
    .export_uvah = 10000000,
};

static void demand_is_energy_by_time(void)
{
    static const struct {
        const char *last;
        int64_t units;
    } k_rows[] = {{"1.0.1.5.0.255", 1},  {"1.0.2.5.0.255", 2}, {"1.0.3.5.0.255", 11},
                  {"1.0.4.5.0.255", 15}, {"1.0.5.5.0.255", 5}, {"1.0.6.5.0.255", 6},
                  {"1.0.7.5.0.255", 7},  {"1.0.8.5.0.255", 8}, {"1.0.9.5.0.255", 9},
                  {"1.0.10.4.0.255", 10}};
    EXPECT_OK(start(&k_quarter));
    for (int minute = 0; minute < 15; minute++) {
        EXPECT_OK(window(&k_each, k_none));
    }
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        EXPECT_I64(k_rows[i].units * 60000, number(k_rows[i].last, 3));
        EXPECT_I64(0, number(k_rows[i].last, 2));
    }
    EXPECT_OK(window(&k_each, k_none)); /* one of fifteen minutes */
    EXPECT_I64(10 * 60000 / 15, number("1.0.10.4.0.255", 2));
    EXPECT_I64(10 * 60000, number("1.0.10.6.0.255", 2));
}

static void units_are_those_of_the_quantity(void)
{
    static const struct {
        const char *obis;
        uint8_t attribute;
        uint8_t unit;
    } k_rows[] = {{"1.0.2.4.0.255", 4, 27},  {"1.0.3.5.0.255", 4, 29}, {"1.0.8.6.4.255", 3, 29},
                  {"1.0.9.6.0.255", 3, 28},  {"1.0.1.4.3.255", 4, 27}, {"1.0.9.8.1.255", 3, 31},
                  {"1.0.23.8.0.255", 3, 32}, {"1.0.70.8.0.255", 3, 31}};
    EXPECT_OK(start(&k_quarter));
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct wk_axdr_value value = {0};
        EXPECT_OK(read(k_rows[i].obis, k_rows[i].attribute, &value));
        EXPECT_I64(2, value.count);
        uint8_t octets[WK_OBIS_SIZE];
        EXPECT_OK(wk_obis_parse(k_rows[i].obis, octets));
        static const struct wk_object_selection k_all = {.column_first = 1};
        uint8_t room[16];
        struct wk_object_cursor cursor = {0};
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        const struct wk_object_call call = {
            .meter = &g_module.rooms, .object = wk_object_find(&g_module.table, 0, octets)};
        EXPECT_OK(call.object->access->functions->get(&call, k_rows[i].attribute, &k_all,
                                                      &cursor, &out));
        EXPECT_I64(k_rows[i].unit, room[out.size - 1]);
    }
}

/* From midnight on: tariff 1 for half an hour, then 2. What ends at half past is of tariff 1. */
static void averages_belong_to_the_tariff_in_which_they_end(void)
{
    struct wk_record_energy energy = k_each;
    EXPECT_OK(start(&k_quarter));
    g_t_us += (86400 - BEGIN_S % 86400) * US;
    for (int quarter = 1; quarter <= 3; quarter++) {
        energy.export_uwh = quarter * 1000000;
        for (int minute = 0; minute < 15; minute++) {
            EXPECT_OK(window(&energy, k_none));
        }
    }
    EXPECT_I64(2 * 60000, number("1.0.2.5.1.255", 3));
    EXPECT_I64(3 * 60000, number("1.0.2.5.2.255", 3));
    EXPECT_I64(0, number("1.0.2.5.3.255", 3));
    EXPECT_I64(60000, number("1.0.1.5.1.255", 3));
    EXPECT_I64(60000, number("1.0.1.4.2.255", 3));
    EXPECT_I64(2 * 60000, number("1.0.2.6.1.255", 2));
    EXPECT_I64(3 * 60000, number("1.0.2.6.0.255", 2));
    EXPECT_OK(window(&energy, k_none));
    EXPECT_I64(3 * 60000 / 15, number("1.0.2.4.2.255", 2)); /* tariff 2 is in force */
    EXPECT_I64(0, number("1.0.2.4.1.255", 2));
}

static void energies_of_phases_and_tariffs_add_up(void)
{
    struct wk_record_energy phase[3] = {0};
    EXPECT_OK(start(&k_quarter));
    for (int i = 0; i < 3; i++) {
        phase[i].q_uvarh[i] = 100 + i;
        phase[i].q_uvarh[3] = 7;
        phase[i].import_uvah = 1000 * (i + 1);
        phase[i].export_uvah = 5;
    }
    for (int n = 0; n < 5 * 60; n++) {
        EXPECT_OK(window(&k_each, phase));
    }
    EXPECT_I64(300 * 100, number("1.0.23.8.0.255", 2));
    EXPECT_I64(300 * 101, number("1.0.43.8.0.255", 2));
    EXPECT_I64(0, number("1.0.63.8.0.255", 2));
    EXPECT_I64(300 * 7, number("1.0.24.8.0.255", 2));
    EXPECT_I64(300 * (102 + 7), number("1.0.64.8.0.255", 2));
    EXPECT_I64(300 * 3000, number("1.0.69.8.0.255", 2));
    EXPECT_I64(300 * 5, number("1.0.50.8.0.255", 2));
    EXPECT(number("1.0.9.8.2.255", 2) > 0);
    EXPECT_I64(number("1.0.9.8.0.255", 2),
               number("1.0.9.8.1.255", 2) + number("1.0.9.8.2.255", 2));
    EXPECT_I64(number("1.0.10.8.0.255", 2),
               number("1.0.10.8.1.255", 2) + number("1.0.10.8.2.255", 2));
}

/* ---- the same as the demand of active import ---------------------------------------------- */

static void expect_same(const struct wk_demand *own, const struct wk_demand *other)
{
    uint8_t a[WK_DEMAND_PACKED + WK_DEMAND_PART_PACKED];
    uint8_t b[sizeof a];
    struct wk_bytes_out one = wk_bytes_out_of(a, sizeof a);
    struct wk_bytes_out two = wk_bytes_out_of(b, sizeof b);
    wk_demand_pack(own, &one);
    wk_demand_part_pack(own, &one);
    wk_demand_pack(other, &two);
    wk_demand_part_pack(other, &two);
    EXPECT_I64(one.size, two.size);
    EXPECT(memcmp(a, b, one.size) == 0);
}

/* The clock is set, the billing period is ended, the meter starts anew: at random. */
static void disturb(uint64_t *random, const struct wk_demand_rules *rules)
{
    const uint64_t draw = wk_test_random(random) % 40;
    if (draw == 0) {
        const int64_t by_us = (int64_t)(wk_test_random(random) % 400) * US - 200 * US;
        g_module.rooms.clock.adjusted_us += by_us;
        (void)wk_notice_drop(&g_module.rooms.notices,
                             (struct wk_notice){.t_us = wk_module_now_us(&g_module),
                                                .code = WK_ROOMS_CLOCK_SET,
                                                .source = WK_ROOMS_SOURCE});
        EXPECT_OK(wk_module_settle(&g_module));
    } else if (draw == 1) {
        (void)wk_notice_drop(
            &g_module.rooms.notices,
            (struct wk_notice){.code = WK_ROOMS_PERIOD_ENDED, .source = WK_ROOMS_SOURCE});
        EXPECT_OK(wk_module_settle(&g_module));
    } else if (draw == 2) {
        EXPECT_OK(wk_module_commit(&g_module));
        EXPECT_OK(boot(rules));
    } else if (draw == 3) {
        g_t_us += (int64_t)(wk_test_random(random) % 1000) * US; /* an outage */
    }
}

static void every_demand_is_as_that_of_active_import_would_be(void)
{
    static const struct wk_demand_rules k_rules[] = {{900, 1}, {300, 3}};
    uint64_t random = SEED;
    printf("# seed %u\n", SEED);
    for (int r = 0; r < 2; r++) {
        EXPECT_OK(start(&k_rules[r]));
        for (int n = 0; n < 1500; n++) {
            const int64_t e = (int64_t)(wk_test_random(&random) % 5000000);
            const struct wk_record_energy all = {.import_uwh = e,
                                                 .export_uwh = e,
                                                 .q_uvarh = {e, 0, e, 0},
                                                 .import_uvah = e,
                                                 .export_uvah = e};
            disturb(&random, &k_rules[r]);
            EXPECT_OK(window(&all, k_none));
            /* what has just been reset resets with its next window */
            if (g_quantities.period == g_module.rooms.billing.number) {
                for (uint32_t c = 2; c <= 10; c++) {
                    if (c != 6 && c != 8) {
                        expect_same(&g_module.rooms.demand,
                                    g_quantities.functions->demand_of(&g_module.rooms, c));
                    }
                }
            }
        }
        EXPECT(g_module.rooms.demand.spoiled > 0 && g_module.rooms.demand.resets > 0);
    }
}

/* ---- what is kept ------------------------------------------------------------------------ */

static void all_outlives_a_restart(void)
{
    static const char *const k_kept[] = {"1.0.2.5.0.255", "1.0.9.5.2.255", "1.0.5.4.0.255",
                                         "1.0.1.5.2.255"};
    static const char *const k_registers[] = {"1.0.9.8.2.255", "1.0.63.8.0.255",
                                              "1.0.29.8.0.255", "1.0.3.6.0.255"};
    struct wk_record_energy phase[3] = {[0].import_uvah = 3, [2].q_uvarh[0] = 9};
    int64_t last[4];
    int64_t value[4];
    EXPECT_OK(start(&k_quarter));
    for (int n = 0; n < 40; n++) {
        EXPECT_OK(window(&k_each, phase));
    }
    EXPECT_OK(wk_module_commit(&g_module));
    for (int i = 0; i < 4; i++) {
        last[i] = number(k_kept[i], 3);
        value[i] = number(k_registers[i], 2);
        EXPECT(last[i] > 0 && value[i] > 0);
    }
    EXPECT_OK(boot(&k_quarter));
    for (int i = 0; i < 4; i++) {
        EXPECT_I64(last[i], number(k_kept[i], 3));
        EXPECT_I64(value[i], number(k_registers[i], 2));
    }
    EXPECT_I64(10 * 60000 * 10 / 15, number("1.0.10.4.0.255", 2)); /* ten minutes under way */
}

static void a_profile_captures_them(void)
{
    const struct wk_profile_rules rules = {.period_s = 900,
                                           .count = 4,
                                           .column = {{8, {0, 0, 1, 0, 0, 255}, 2},
                                                      {5, {1, 0, 9, 5, 0, 255}, 3},
                                                      {4, {1, 0, 3, 6, 0, 255}, 2},
                                                      {3, {1, 0, 9, 8, 2, 255}, 2}}};
    struct wk_profile_row row;
    EXPECT_OK(start(&k_quarter));
    EXPECT_OK(wk_profile_configure(&g_module.rooms.profile[0], &rules));
    for (int n = 0; n < 46; n++) {
        EXPECT_OK(window(&k_each, k_none));
    }
    struct wk_profile_reader reader = {.number = 1};
    EXPECT_OK(
        wk_profile_read(&g_module.rooms.profile[0], &g_module.rooms.store, &reader, &row));
    EXPECT_I64(0, row.absent & 0xEU);
    EXPECT_I64(9 * 60000, row.value[1]);
    EXPECT_I64(11 * 60000, row.value[2]);
    EXPECT_I64(30 * 9000000, row.value[3]);
}

static void a_meter_without_them_says_so(void)
{
    EXPECT_OK(start(&k_quarter));
    g_module.rooms.quantities = NULL;
    struct wk_axdr_value value;
    EXPECT_ERR(WK_E_NOT_FOUND, read("1.0.2.4.0.255", 2, &value));
    EXPECT_ERR(WK_E_NOT_FOUND, read("1.0.9.6.0.255", 2, &value));
    EXPECT(read("1.0.9.8.1.255", 2, &value) != WK_OK);
    EXPECT_OK(read("1.0.1.4.0.255", 2, &value));
    EXPECT_OK(window(&k_each, k_none));
    EXPECT_OK(wk_module_commit(&g_module));
}

WK_TEST_MAIN(T(demand_is_energy_by_time), T(units_are_those_of_the_quantity),
             T(averages_belong_to_the_tariff_in_which_they_end),
             T(energies_of_phases_and_tariffs_add_up),
             T(every_demand_is_as_that_of_active_import_would_be), T(all_outlives_a_restart),
             T(a_profile_captures_them), T(a_meter_without_them_says_so))
