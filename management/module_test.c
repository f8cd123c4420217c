/* SPDX-License-Identifier: Apache-2.0
 *
 * The assembled management over a simulated flash: what records become. Expected sums are
 * computed here from the records alone. */
#include "management/module.h"
#include "management/test_contactor.h"

#include "cosem/axdr.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096U
#define SECTORS 18U
#define US      INT64_C(1000000)
#define START_S INT64_C(1769986800) /* 2026-02-01 23:00:00 UTC: midnight in central Europe */
#define WINDOW  (US / 5)

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint64_t g_seq;
static uint64_t g_epoch;

static const struct wk_module_config k_config = {
    .identity = {.serial = "WK10000001", .logical_name = "WKT0000010000001", .phases = 3},
    .period_s = 900,
    .control_mode = 4,
    .calendar = {.name = "TOU",
                 .season_count = 1,
                 .season = {{1, 1, 0}},
                 .week_count = 1,
                 .day_count = 1,
                 .day = {{3, {{0, 2, 0}, {30, 1, 0}, {120, 3, 0}}}}},
    .billing = {WK_BILLING_DAILY, 0, 30, 3600}, /* at 00:30 */
    .blocks = {{500000000, 0, 0}, 0},           /* half a kWh */
    .price = {.price_e6 = {{300000, 300000}, {250000, 200000}, {100000, 100000}}},
    .layout = {.kv_sectors = 3, .log_sectors = {6, 4, 4}},
};

static wk_err boot(void)
{
    struct wk_module_config config = k_config;
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    config.zone = wk_zone_central_europe;
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

static wk_err boot_new(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_seq = 0;
    g_epoch = 7;
    return boot();
}

/* The window number `n` of a synthetic day: energies differ from window to window. */
static struct wk_record window(int64_t n)
{
    struct wk_record record = {.seq = ++g_seq,
                               .epoch = g_epoch,
                               .t_us = START_S * US + (n + 1) * WINDOW,
                               .span_us = WINDOW,
                               .kind = WK_RECORD_WINDOW};
    record.window.phases = 3;
    for (int phase = 0; phase < 3; phase++) {
        record.window.u_mv[phase] = 230000 + phase * 100;
        record.window.i_ua[phase] = 5000000;
        record.window.energy[phase].import_uwh = 20000 + n % 7 + phase;
        record.window.total.import_uwh += record.window.energy[phase].import_uwh;
    }
    record.window.total.q_uvarh[0] = 3000 + n % 3;
    record.window.total.q_uvarh[3] = n % 2;
    return record;
}

static wk_err run_windows(int64_t from, int64_t to)
{
    for (int64_t n = from; n < to; n++) {
        const struct wk_record record = window(n);
        WK_TRY(wk_module_consume(&g_module, &record));
    }
    return WK_OK;
}

static int64_t energy_of(int64_t from, int64_t to)
{
    int64_t sum_uwh = 0;
    for (int64_t n = from; n < to; n++) {
        sum_uwh += 3 * (20000 + n % 7) + 3;
    }
    return sum_uwh;
}

static uint64_t entries(uint8_t log)
{
    uint64_t oldest = 0;
    uint64_t next = 0;
    return wk_store_log_span(&g_module.rooms.store, log, &oldest, &next) == WK_OK
               ? next - oldest
               : 0;
}

static const struct wk_profile *profile(void)
{
    return &g_module.rooms.profile[WK_ROOMS_PROFILE_1];
}

static int64_t rows(void)
{
    uint64_t oldest = 0;
    uint64_t next = 0;
    return wk_profile_span(profile(), &g_module.rooms.store, &oldest, &next) == WK_OK
               ? (int64_t)(next - oldest)
               : -1;
}

/* The value of a column, by the group C of its register. */
static int64_t value_of(const struct wk_profile_row *row, uint8_t c)
{
    for (uint8_t i = 0; i < profile()->rules.count; i++) {
        if (profile()->rules.column[i].class_id == 3 &&
            profile()->rules.column[i].obis[2] == c) {
            return row->value[i];
        }
    }
    return -1;
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

/* The period ends at 00:30 with its last window; blocks, maxima and money follow. */
static void a_billing_period_holds_what_its_windows_brought(void)
{
    struct wk_billing_entry entry;
    struct wk_store_reader reader = {0};
    const struct wk_rooms *rooms = &g_module.rooms;
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 9000));
    EXPECT_I64(1, entries(WK_ROOMS_LOG_BILLING));
    EXPECT_OK(run_windows(9000, 13500));
    EXPECT_OK(wk_billing_read(&rooms->store, WK_ROOMS_LOG_BILLING, &reader, &entry));
    EXPECT_I64(START_S + 1800, entry.end.s);
    EXPECT_I64(WK_BILLING_SCHEDULED, entry.reason);
    EXPECT_I64(energy_of(0, 9000), entry.registers.import_uwh);
    EXPECT_I64(500000000, entry.registers.rate[1].block_uwh[0]);
    EXPECT_I64(energy_of(0, 9000) - 500000000, entry.registers.rate[1].block_uwh[1]);
    EXPECT_I64(energy_of(4500, 9000) * 4 / 1000, entry.maximum[1].power_mw);
    EXPECT_I64(START_S + 900, entry.maximum[1].at.s); /* both quarters are alike */
    EXPECT_I64(0, rooms->demand.maximum[1].at.s);
    EXPECT_I64(energy_of(9000, 13500), rooms->registers.rate[0].block_uwh[0]);
    EXPECT_I64(2, count_events(WK_EVENT_BILLING_PERIOD_ENDED) + 1);
    /* 0.25 up to half a kWh, then 0.20; 0.30 in the next tariff; each division drops its rest */
    const int64_t first_e6 = 125000;
    const int64_t then_e6 = (energy_of(0, 9000) - 500000000) / 5000;
    const int64_t last_e6 = energy_of(9000, 13500) * 3 / 10000;
    const int64_t off_e6 = rooms->spent.amount_e6 - (first_e6 + then_e6 + last_e6);
    EXPECT(off_e6 >= 0 && off_e6 <= 2);
    const struct wk_price_spent spent = rooms->spent;
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    EXPECT_I64(spent.amount_e6, rooms->spent.amount_e6);
    EXPECT_I64(spent.rest, rooms->spent.rest);
    EXPECT_I64(1, rooms->billing.number);
    EXPECT_I64(START_S + 1800 + 86400, rooms->billing.next.s);
    EXPECT_I64(energy_of(0, 9000), rooms->blocks.begin_uwh);
}

/* W = R: 1 / sqrt 2 is 71 %, 19 hundredths below 0.90 at half a per cent each. */
static void the_power_factor_of_a_period_is_shown_with_its_adjustment(void)
{
    static const uint8_t k_obis[6] = {0, 0, 128, 4, 3, 255};
    /* the period under way: 100 %, -0.75 %; the one that ended: 71 %, +9.5 % */
    static const uint8_t k_expected[] = {2, 4, 17, 100, 16, 0xFF, 0xB5, 17, 71, 16, 0x03, 0xB6};
    uint8_t raw[32];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_object_selection all = {.kind = WK_OBJECT_SELECT_ALL};
    struct wk_object_cursor cursor = {0};
    struct wk_rooms *rooms = &g_module.rooms;
    EXPECT_OK(boot_new());
    rooms->power_factor = &wk_power_factor_cn_090;
    EXPECT_OK(run_windows(0, 8999));
    rooms->registers.q_uvarh[3] += energy_of(0, 9000) - rooms->registers.q_uvarh[0];
    EXPECT_OK(run_windows(8999, 9000)); /* the period ends */
    const int64_t q_uvarh = rooms->registers.q_uvarh[0] + rooms->registers.q_uvarh[3];
    EXPECT_NEAR((double)rooms->registers.import_uwh, (double)q_uvarh, 1e7);
    const struct wk_object_call call = {
        .meter = rooms,
        .object = wk_object_find(&g_module.table, 1, k_obis),
        .now_us = wk_module_now_us(&g_module),
    };
    EXPECT_OK(call.object->access->functions->get(&call, 2, &all, &cursor, &out));
    EXPECT_I64(sizeof k_expected, (int64_t)out.size);
    EXPECT_BYTES(k_expected, raw, sizeof k_expected);
}

static wk_err shift_clock(int16_t seconds)
{
    static const uint8_t k_clock[6] = {0, 0, 1, 0, 0, 255};
    const uint8_t octets[3] = {0x10, (uint8_t)((uint16_t)seconds >> 8), (uint8_t)seconds};
    const struct wk_object *object = wk_object_find(&g_module.table, 8, k_clock);
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = object,
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    struct wk_bytes_in in = wk_bytes_in_of(octets, sizeof octets);
    struct wk_bytes_out reply = {0};
    WK_TRY(object->access->functions->action(&call, 6, &in, &reply));
    return wk_module_settle(&g_module);
}

static void a_shift_by_the_head_end_is_slewed_and_logged_and_outlives_a_cut(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 50));
    EXPECT_ERR(WK_E_RANGE, shift_clock(901));
    EXPECT_OK(shift_clock(0));
    EXPECT_I64(0, count_events(WK_EVENT_CLOCK_SLEWED));
    EXPECT_OK(shift_clock(3));
    EXPECT_I64(1, count_events(WK_EVENT_CLOCK_SLEWED));
    EXPECT((profile()->open.status & WK_PROFILE_CLOCK_ADJUSTED) != 0);
    EXPECT_OK(run_windows(50, 55));
    const int64_t ahead_us = wk_module_now_us(&g_module) - g_module.rooms.t_us;
    EXPECT_I64(500, ahead_us); /* 500 ppm of a second */
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    EXPECT_I64(ahead_us, wk_module_now_us(&g_module) - g_module.rooms.t_us);
    EXPECT_OK(shift_clock(-30)); /* so much is a step */
    EXPECT_I64(1, count_events(WK_EVENT_CLOCK_AFTER));
    EXPECT_I64(ahead_us - 30 * US, wk_module_now_us(&g_module) - g_module.rooms.t_us);
}

/* Windows lie across 00:30, where tariff 2 and the billing period end: the quarter of an hour
 * that ends there is the largest, and belongs to both. */
static void a_demand_belongs_to_the_tariff_and_the_period_that_end_with_it(void)
{
    struct wk_billing_entry entry;
    struct wk_store_reader reader = {0};
    EXPECT_OK(boot_new());
    for (int64_t n = 0; n < 9010; n++) {
        struct wk_record record = window(n);
        record.t_us += WINDOW / 2;
        record.window.total.import_uwh += n >= 4500 && n < 9000 ? 100000 : 0;
        EXPECT_OK(wk_module_consume(&g_module, &record));
    }
    EXPECT_OK(wk_billing_read(&g_module.rooms.store, WK_ROOMS_LOG_BILLING, &reader, &entry));
    EXPECT_I64(START_S + 1800, entry.highest.at.s);
    EXPECT_I64(START_S + 1800, entry.maximum[1].at.s);
    EXPECT_I64(0, g_module.rooms.demand.highest.at.s);
}

static wk_err set_prices(const uint8_t *octets, size_t size)
{
    static const uint8_t k_prices[6] = {0, 0, 128, 4, 2, 255};
    const struct wk_object *object = wk_object_find(&g_module.table, 1, k_prices);
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = object,
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    WK_TRY(object->access->functions->set(&call, 2, &in));
    return wk_module_settle(&g_module);
}

/* Two half-hours from 00:00 on: 0.50 and -0.10 per kWh. */
static void half_hourly_prices_come_over_dlms_and_go_before_the_plan(void)
{
    uint8_t octets[] = {0x02, 0x02, 0x06, 0,    0,    0,    0,    0x01, 0x02, 0x05,
                        0x00, 0x07, 0xA1, 0x20, 0x05, 0xFF, 0xFE, 0x79, 0x60};
    for (int i = 0; i < 4; i++) {
        octets[3 + i] = (uint8_t)((uint32_t)START_S >> (24 - 8 * i));
    }
    EXPECT_OK(boot_new());
    EXPECT_OK(set_prices(octets, sizeof octets));
    EXPECT_OK(run_windows(0, 9000));
    EXPECT_I64(energy_of(0, 9000) / 2000, g_module.rooms.spent.amount_e6);
    EXPECT_OK(boot());
    const int64_t before_e6 = g_module.rooms.spent.amount_e6;
    EXPECT_OK(run_windows(9000, 9001));
    EXPECT(g_module.rooms.spent.amount_e6 < before_e6); /* one is paid for using it */
    octets[6] ^= 1;                                     /* not on a half-hour */
    EXPECT_ERR(WK_E_RANGE, set_prices(octets, sizeof octets));
    EXPECT(set_prices(octets, sizeof octets - 1) != WK_OK);
}

/* The batches of the profiles are declared buffers; the rest is what management needs. On a host
 * pointers are wider. */
static void the_memory_of_management_has_a_limit(void)
{
    const size_t buffers = WK_ROOMS_OWN_PROFILES * sizeof(struct wk_profile_batch);
    const size_t octets = sizeof(struct wk_module) - buffers;
    const bool is_target = sizeof(void *) == 4;
    WK_TEST_FIGURE(is_target ? "struct wk_module but for batches of profiles"
                             : "struct wk_module but for batches, on a host",
                   (double)octets, "octets", is_target ? "<= 12288" : "shown",
                   !is_target || octets <= 12288, 0);
}

static void registers_hold_exactly_what_the_records_brought(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 3 * 4500)); /* three quarters of an hour */
    const struct wk_registers *registers = &g_module.rooms.registers;
    EXPECT_I64(energy_of(0, 13500), registers->import_uwh);
    EXPECT_I64(energy_of(0, 9000), registers->rate[1].import_uwh); /* to 00:30 */
    EXPECT_I64(energy_of(9000, 13500), registers->rate[0].import_uwh);
    EXPECT_I64(0, registers->rate[2].import_uwh);
    EXPECT_I64(registers->import_uwh, registers->import_phase_uwh[0] +
                                          registers->import_phase_uwh[1] +
                                          registers->import_phase_uwh[2]);
}

static void profile_entries_are_the_registers_at_the_quarter_hours(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 3 * 4500));
    EXPECT_I64(3, rows());
    struct wk_profile_reader reader = {0};
    struct wk_profile_row row;
    for (int64_t i = 1; i <= 3; i++) {
        EXPECT_OK(wk_profile_read(profile(), &g_module.rooms.store, &reader, &row));
        EXPECT_I64(START_S + i * 900, row.end.s);
        EXPECT_I64(energy_of(0, i * 4500), value_of(&row, 1));
        EXPECT_I64(i == 3 ? WK_PROFILE_TARIFF_CHANGED : 0, row.status); /* at 00:30 */
        EXPECT_I64(230200, value_of(&row, 72));
        EXPECT_I64(5000, value_of(&row, 31));
    }
}

static void a_repeated_record_counts_once(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 10));
    const int64_t before_uwh = g_module.rooms.registers.import_uwh;
    g_seq = 4;
    const struct wk_record again = window(4);
    EXPECT_OK(wk_module_consume(&g_module, &again));
    EXPECT_I64(before_uwh, g_module.rooms.registers.import_uwh);
    EXPECT_I64(1, g_module.records_repeated);
}

static void a_record_of_an_earlier_life_counts_never_again(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 10));
    g_epoch = 8;
    g_seq = 0;
    EXPECT_OK(run_windows(10, 12));
    const int64_t before_uwh = g_module.rooms.registers.import_uwh;
    g_epoch = 7;
    g_seq = 9;
    const struct wk_record old = window(9);
    EXPECT_OK(wk_module_consume(&g_module, &old));
    EXPECT_I64(before_uwh, g_module.rooms.registers.import_uwh);
}

static void missing_records_are_noted_and_mark_the_interval(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 10));
    g_seq += 5;
    EXPECT_OK(run_windows(15, 16));
    EXPECT_I64(1, count_events(WK_EVENT_RECORDS_MISSING));
    EXPECT((profile()->open.status & WK_PROFILE_CRITICAL) != 0);
}

static void a_power_failure_is_logged_with_both_times(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 400));
    EXPECT_OK(boot());
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(run_windows(2000, 2001));
    EXPECT_I64(1, g_module.rooms.power_failures);
    EXPECT_I64(1, count_events(WK_EVENT_POWER_DOWN));
    EXPECT_I64(2, count_events(WK_EVENT_POWER_UP)); /* the first start counts */
    EXPECT((profile()->open.status & WK_PROFILE_POWER_DOWN) != 0);
}

/* The store may lose what was not committed, but then the cursor tells: feeding again from
 * cursor + 1 must give the same sums as if nothing had happened. */
static void a_restart_at_any_moment_neither_loses_nor_doubles(void)
{
    EXPECT_OK(boot_new());
    int64_t n = 0;
    while (n < 5000) {
        g_seq = (uint64_t)n;
        EXPECT_OK(run_windows(n, n + 437));
        EXPECT_OK(boot());
        n = (int64_t)g_module.cursor.seq;
    }
    EXPECT_I64(energy_of(0, n), g_module.rooms.registers.import_uwh);
    EXPECT_I64(1, rows());
    EXPECT_I64(0, count_events(WK_EVENT_RECORDS_MISSING));
}

static wk_err act(uint16_t class_id, const uint8_t obis[6], uint8_t method)
{
    struct wk_bytes_in none = wk_bytes_in_of(NULL, 0);
    uint8_t room[16];
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    const struct wk_object *object = wk_object_find(&g_module.table, class_id, obis);
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = object,
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    return object == NULL ? WK_E_NOT_FOUND
                          : object->access->functions->action(&call, method, &none, &reply);
}

static void a_disconnection_opens_the_contact_is_logged_and_survives_a_restart(void)
{
    static const uint8_t k_disconnect[6] = {0, 0, 96, 3, 10, 255};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 2));
    EXPECT(g_closed);
    EXPECT_OK(act(70, k_disconnect, 1));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT(!g_closed);
    EXPECT_I64(1, count_events(WK_EVENT_SUPPLY_DISCONNECTED));
    g_closed = true; /* as if a power-up had let it spring back */
    EXPECT_OK(boot());
    EXPECT_OK(run_windows(2, 3)); /* it opens once the current is known */
    EXPECT(!g_closed);
    EXPECT_OK(act(70, k_disconnect, 2));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT(g_closed);
    EXPECT_I64(1, count_events(WK_EVENT_SUPPLY_CONNECTED));
}

static void a_clock_set_is_logged_and_marks_the_interval(void)
{
    static const uint8_t k_clock[6] = {0, 0, 1, 0, 0, 255};
    /* 2026-02-02 00:10:00, deviation -60 */
    static const uint8_t k_value[] = {0x09, 12, 0x07, 0xEA, 2,    2,    1,
                                      0,    10, 0,    0,    0xFF, 0xC4, 0};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 1500)); /* five minutes */
    const struct wk_object *object = wk_object_find(&g_module.table, 8, k_clock);
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = object,
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    struct wk_bytes_in value = wk_bytes_in_of(k_value, sizeof k_value);
    EXPECT_OK(object->access->functions->set(&call, 2, &value));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_I64((START_S + 600) * US, wk_module_now_us(&g_module));
    EXPECT_I64(1, count_events(WK_EVENT_CLOCK_BEFORE));
    EXPECT_I64(1, count_events(WK_EVENT_CLOCK_AFTER));
    EXPECT_OK(run_windows(1500, 3000)); /* five minutes more end the interval */
    struct wk_profile_reader reader = {0};
    struct wk_profile_row row;
    EXPECT_OK(wk_profile_read(profile(), &g_module.rooms.store, &reader, &row));
    EXPECT_I64(START_S + 900, row.end.s);
    EXPECT_I64(WK_PROFILE_CLOCK_ADJUSTED | WK_PROFILE_NOT_VALID, row.status);
}

static void a_clock_set_back_does_not_stop_the_profile(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 9000));
    EXPECT_I64(2, rows());
    EXPECT_OK(wk_clock_set(&g_module.rooms.clock, g_module.rooms.t_us, (START_S - 7200) * US,
                           WK_CLOCK_FROM_CLIENT));
    EXPECT_OK(run_windows(9000, 13600));
    EXPECT_I64(3, rows());
    EXPECT_I64(energy_of(0, 13600), g_module.rooms.registers.import_uwh);
}

static uint16_t status_of_row(uint64_t number)
{
    struct wk_profile_reader reader = {.number = number};
    struct wk_profile_row row = {.status = 0};
    return wk_profile_read(profile(), &g_module.rooms.store, &reader, &row) == WK_OK
               ? row.status
               : 0;
}

/* 00:01 to 00:50: the quarters that end at 00:15 and at 01:00. */
static void an_outage_marks_the_interval_it_begins_in_and_the_one_it_ends_in(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 300));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(run_windows(15000, 18001));
    EXPECT_I64(2, rows());
    EXPECT((status_of_row(0) & WK_PROFILE_POWER_DOWN) != 0);
    EXPECT((status_of_row(1) & WK_PROFILE_POWER_DOWN) != 0);
    EXPECT((profile()->open.status & WK_PROFILE_POWER_DOWN) == 0);
}

static wk_err set_clock_to(int64_t utc_s)
{
    WK_TRY(wk_clock_set(&g_module.rooms.clock, g_module.rooms.t_us, utc_s * US,
                        WK_CLOCK_FROM_CLIENT));
    const struct wk_notice notice = {.t_us = wk_module_now_us(&g_module),
                                     .code = WK_ROOMS_CLOCK_SET,
                                     .source = WK_ROOMS_SOURCE};
    return wk_notice_drop(&g_module.rooms.notices, notice) ? wk_module_settle(&g_module)
                                                           : WK_E_FULL;
}

static void a_clock_set_ahead_marks_the_interval_it_leaves_and_the_one_it_enters(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 300));
    EXPECT_OK(set_clock_to(START_S + 1200));
    EXPECT_OK(run_windows(300, 300 + 3001));
    EXPECT_I64(2, rows());
    EXPECT((status_of_row(0) & WK_PROFILE_CLOCK_ADJUSTED) != 0);
    EXPECT((status_of_row(1) & WK_PROFILE_CLOCK_ADJUSTED) != 0);
}

/* The first end, at 00:30, was planned since the last entry was written, and is not yet stored
 * by any end. */
static void a_first_billing_period_that_ends_in_an_outage_ends_after_it(void)
{
    struct wk_billing_entry entry;
    struct wk_store_reader reader = {0};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 300));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(run_windows(15000, 15001));
    EXPECT_OK(wk_billing_read(&g_module.rooms.store, WK_ROOMS_LOG_BILLING, &reader, &entry));
    EXPECT_I64(START_S + 1800, entry.end.s);
    EXPECT_I64(energy_of(0, 300), entry.registers.import_uwh);
}

static void a_billing_period_whose_end_the_clock_is_set_past_ends_all_the_same(void)
{
    struct wk_billing_entry entry;
    struct wk_store_reader reader = {0};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 300));
    EXPECT_OK(set_clock_to(START_S + 1860));
    EXPECT_OK(run_windows(300, 301));
    EXPECT_OK(wk_billing_read(&g_module.rooms.store, WK_ROOMS_LOG_BILLING, &reader, &entry));
    EXPECT_I64(START_S + 1800, entry.end.s);
    EXPECT_OK(set_clock_to(START_S + 1200)); /* back: 00:30 comes again */
    EXPECT_OK(run_windows(301, 302));
    EXPECT_I64(START_S + 1800, g_module.rooms.billing.next.s);
}

static void voltage_events_reach_the_log(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 5));
    struct wk_record record = {
        .seq = ++g_seq, .epoch = g_epoch, .t_us = START_S * US + US, .kind = WK_RECORD_EVENT};
    record.event = (struct wk_record_event){.kind = WK_RECORD_DIP_END,
                                            .phases = 2,
                                            .duration_us = 120000,
                                            .extreme_mv = 161000,
                                            .nominal_mv = 230000};
    EXPECT_OK(wk_module_consume(&g_module, &record));
    EXPECT_I64(1, count_events(WK_EVENT_VOLTAGE_NORMAL));
}

static void an_impossible_energy_is_refused_and_said(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 5));
    const int64_t before_uwh = g_module.rooms.registers.import_uwh;
    struct wk_record record = window(5);
    record.window.total.import_uwh = -1;
    EXPECT_OK(wk_module_consume(&g_module, &record));
    EXPECT_I64(before_uwh, g_module.rooms.registers.import_uwh);
    EXPECT_I64(1, count_events(WK_EVENT_REGISTER_REFUSED));
}

/* Reads the load profile object with small outputs and counts what comes. */
static void a_long_profile_is_written_piece_by_piece(void)
{
    static const uint8_t k_profile[6] = {1, 0, 99, 1, 0, 255};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 8 * 4500));
    const struct wk_object *object = wk_object_find(&g_module.table, 7, k_profile);
    const struct wk_object_call call = {.meter = &g_module.rooms, .object = object};
    const struct wk_object_selection range = {
        .kind = WK_OBJECT_SELECT_RANGE, .from = {START_S + 1800}, .to = {START_S + 5400}};
    struct wk_object_cursor cursor = {0};
    uint8_t all[4096];
    size_t size = 0;
    do {
        struct wk_bytes_out out = wk_bytes_out_of(all + size, 300);
        EXPECT_OK(object->access->functions->get(&call, 2, &range, &cursor, &out));
        EXPECT(out.fault == WK_OK && out.size > 0);
        size += out.size;
    } while (cursor.more);
    struct wk_bytes_in in = wk_bytes_in_of(all, size);
    EXPECT_I64(5, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    for (int i = 0; i < 5; i++) {
        EXPECT_I64(16, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
        for (int column = 0; column < 16; column++) {
            struct wk_axdr_value value;
            wk_axdr_read(&in, &value);
            if (column == 2) {
                EXPECT_I64(energy_of(0, (i + 2) * 4500), value.integer);
            }
        }
    }
    EXPECT_OK(wk_bytes_in_end(&in));
}

/* Who watches hears of an event when the contactor has moved and nothing is stored yet, and what it makes of
 * it is what the log will say. */
struct watched {
    int count;
    size_t size;
    uint8_t row[160];
    bool committed_early;
    bool closed;
    uint64_t entries;
};

static void on_logged(void *self, uint8_t log, const struct wk_event *event)
{
    struct watched *watched = self;
    struct wk_bytes_out out = wk_bytes_out_of(watched->row, sizeof watched->row);
    watched->count++;
    watched->committed_early = watched->committed_early || entries(log) != watched->entries;
    wk_objects_put_event(&g_module.rooms, event, &out);
    watched->size = out.fault == WK_OK ? out.size : 0;
}

static void on_commits(void *self)
{
    struct watched *watched = self;
    watched->closed = g_closed;
    watched->committed_early =
        watched->committed_early || entries(WK_ROOMS_LOG_EVENT) != watched->entries;
}

static void events_are_told_before_they_are_stored_as_they_will_be(void)
{
    static const struct wk_object_selection k_all = {.kind = WK_OBJECT_SELECT_ALL};
    static const uint8_t k_disconnect[6] = {0, 0, 96, 3, 10, 255};
    static uint8_t octets[8192];
    struct watched watched = {0};
    const struct wk_module_watch watch = {
        .self = &watched, .logged = on_logged, .commits = on_commits};
    EXPECT_OK(boot_new());
    EXPECT_OK(run_windows(0, 5));
    watched.entries = entries(WK_ROOMS_LOG_EVENT);
    g_module.watch = &watch;
    EXPECT_OK(act(70, k_disconnect, 1));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_I64(1, watched.count);
    EXPECT(!watched.committed_early && !watched.closed && watched.size > 0);
    EXPECT_I64(watched.entries + 1, entries(WK_ROOMS_LOG_EVENT));
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    struct wk_object_cursor cursor = {0};
    const struct wk_object_call call = {
        .meter = &g_module.rooms,
        .object = wk_objects_find(3, 7, (const uint8_t[]){0, 0, 99, 98, 0, 255}),
        .now_us = wk_module_now_us(&g_module),
        .role = WK_ROLE_MANAGEMENT};
    EXPECT_OK(call.object->access->functions->get(&call, 2, &k_all, &cursor, &out));
    EXPECT(!cursor.more && out.size > watched.size);
    EXPECT_BYTES(watched.row, octets + out.size - watched.size, watched.size);
}

WK_TEST_MAIN(T(registers_hold_exactly_what_the_records_brought),
             T(a_billing_period_holds_what_its_windows_brought),
             T(the_power_factor_of_a_period_is_shown_with_its_adjustment),
             T(the_memory_of_management_has_a_limit),
             T(half_hourly_prices_come_over_dlms_and_go_before_the_plan),
             T(a_demand_belongs_to_the_tariff_and_the_period_that_end_with_it),
             T(a_shift_by_the_head_end_is_slewed_and_logged_and_outlives_a_cut),
             T(profile_entries_are_the_registers_at_the_quarter_hours),
             T(a_repeated_record_counts_once),
             T(a_record_of_an_earlier_life_counts_never_again),
             T(missing_records_are_noted_and_mark_the_interval),
             T(a_power_failure_is_logged_with_both_times),
             T(a_restart_at_any_moment_neither_loses_nor_doubles),
             T(a_disconnection_opens_the_contact_is_logged_and_survives_a_restart),
             T(a_clock_set_is_logged_and_marks_the_interval),
             T(a_clock_set_back_does_not_stop_the_profile),
             T(an_outage_marks_the_interval_it_begins_in_and_the_one_it_ends_in),
             T(a_clock_set_ahead_marks_the_interval_it_leaves_and_the_one_it_enters),
             T(a_first_billing_period_that_ends_in_an_outage_ends_after_it),
             T(a_billing_period_whose_end_the_clock_is_set_past_ends_all_the_same),
             T(events_are_told_before_they_are_stored_as_they_will_be),
             T(voltage_events_reach_the_log), T(an_impossible_energy_is_refused_and_said),
             T(a_long_profile_is_written_piece_by_piece))
