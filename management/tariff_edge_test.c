/* SPDX-License-Identifier: Apache-2.0
 *
 * Tariffs, registers, demand, prices and the clock at their limits: what is refused, field by field,
 * and that a refusal changes nothing. */
#include "management/clock.h"
#include "management/demand.h"
#include "management/price.h"
#include "management/registers.h"
#include "management/tariff.h"
#include "tests/wk_test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- registers ----------------------------------------------------------------------------- */

static struct wk_record_window g_window;
static struct wk_registers g_registers;

static void every_energy_that_runs_backwards_is_refused(void)
{
    static const struct wk_registers_blocks k_none;
    struct wk_record_energy *total = &g_window.total;
    struct wk_record_energy *withheld = &g_window.withheld;
    int64_t *const fields[] = {&total->import_uwh,
                               &total->export_uwh,
                               &total->q_uvarh[0],
                               &total->q_uvarh[1],
                               &total->q_uvarh[2],
                               &total->q_uvarh[3],
                               &total->import1_uwh,
                               &total->export1_uwh,
                               &total->import_uvah,
                               &total->export_uvah,
                               &withheld->import_uwh,
                               &withheld->export_uwh,
                               &g_window.energy[0].import_uwh,
                               &g_window.energy[1].export_uwh,
                               &g_window.energy[2].import_uwh};
    static const struct wk_registers k_zero;
    for (size_t i = 0; i < COUNT(fields); i++) {
        g_window = (struct wk_record_window){.phases = 3};
        g_registers = k_zero;
        *fields[i] = -1;
        EXPECT_ERR(WK_E_RANGE, wk_registers_add(&g_registers, &g_window, 1, &k_none));
        *fields[i] = INT64_MAX;
        EXPECT_ERR(WK_E_RANGE, wk_registers_add(&g_registers, &g_window, 1, &k_none));
        EXPECT_BYTES(&k_zero, &g_registers, sizeof k_zero);
        *fields[i] = 1;
        EXPECT_OK(wk_registers_add(&g_registers, &g_window, 1, &k_none));
    }
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&g_registers, &g_window, 0, &k_none));
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&g_registers, &g_window, 9, &k_none));
}

static void a_register_at_its_end_takes_no_more(void)
{
    static const struct wk_registers_blocks k_none;
    g_window = (struct wk_record_window){.phases = 3, .total = {.import_uwh = 1}};
    g_registers = (struct wk_registers){.import_uwh = INT64_MAX - 1};
    EXPECT_ERR(WK_E_RANGE, wk_registers_add(&g_registers, &g_window, 1, &k_none));
    EXPECT_I64(INT64_MAX - 1, g_registers.import_uwh);
}

/* ---- the clock ----------------------------------------------------------------------------- */

static void every_rule_of_the_clock_has_its_range(void)
{
    static const struct {
        struct wk_clock_rules rules;
        wk_err err;
    } k_rules[] = {
        {{1, 1, 0, 1, 0}, WK_OK},
        {{INT64_C(3600000000), WK_CLOCK_SLEW_MOST_PPM, WK_CLOCK_RATE_MOST_PPB, INT64_MAX, 9},
         WK_OK},
        {{0, 1, 0, 1, 0}, WK_E_RANGE},
        {{INT64_C(3600000001), 1, 0, 1, 0}, WK_E_RANGE},
        {{10, 0, 0, 1, 0}, WK_E_RANGE},
        {{10, WK_CLOCK_SLEW_MOST_PPM + 1, 0, 1, 0}, WK_E_RANGE},
        {{10, 1, -1, 1, 0}, WK_E_RANGE},
        {{10, 1, WK_CLOCK_RATE_MOST_PPB + 1, 1, 0}, WK_E_RANGE},
        {{10, 1, 0, 0, 0}, WK_E_RANGE},
        {{10, 1, 0, 1, -1}, WK_E_RANGE},
        {{10, 1, 0, 1, 10}, WK_E_RANGE},
        {{10, 1, 0, 1, 9}, WK_OK},
    };
    for (size_t i = 0; i < COUNT(k_rules); i++) {
        struct wk_clock clock = {.anchor_us = 77};
        EXPECT_ERR(k_rules[i].err,
                   wk_clock_init(&clock, &wk_zone_central_europe, &k_rules[i].rules));
        EXPECT_I64(k_rules[i].err == WK_OK ? 0 : 77, clock.anchor_us);
    }
}

static void seconds_before_1970_are_counted_downwards(void)
{
    EXPECT_I64(0, wk_clock_utc(999999).s);
    EXPECT_I64(1, wk_clock_utc(1000000).s);
    EXPECT_I64(-1, wk_clock_utc(-1).s);
    EXPECT_I64(-1, wk_clock_utc(-1000000).s);
    EXPECT_I64(-2, wk_clock_utc(-1000001).s);
}

static wk_err clock_with(const struct wk_clock *packed, uint8_t source)
{
    uint8_t raw[128];
    struct wk_clock clock;
    const struct wk_clock_rules rules = wk_clock_usual();
    WK_TRY(wk_clock_init(&clock, &wk_zone_central_europe, &rules));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_clock_pack(packed, &out);
    raw[44] = source; /* behind five numbers of 64 bits and one of 32 */
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    return wk_clock_unpack(&clock, &in);
}

static void a_stored_clock_is_taken_only_if_it_is_possible(void)
{
    const int64_t step_us = wk_clock_usual().step_us;
    struct wk_clock clock = {.rate_ppb = WK_CLOCK_RATE_MOST_PPB, .slew_us = step_us};
    EXPECT_OK(clock_with(&clock, 0));
    EXPECT_OK(clock_with(&clock, WK_CLOCK_SOURCES - 1));
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, WK_CLOCK_SOURCES));
    clock = (struct wk_clock){.rate_ppb = -WK_CLOCK_RATE_MOST_PPB, .slew_us = -step_us};
    EXPECT_OK(clock_with(&clock, 0));
    clock.rate_ppb--;
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, 0));
    clock.rate_ppb = WK_CLOCK_RATE_MOST_PPB + 1;
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, 0));
    clock = (struct wk_clock){.slew_us = step_us + 1};
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, 0));
    clock = (struct wk_clock){.slew_us = -step_us - 1};
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, 0));
    clock = (struct wk_clock){.error_us = -1};
    EXPECT_ERR(WK_E_FORMAT, clock_with(&clock, 0));
}

/* ---- demand -------------------------------------------------------------------------------- */

static wk_err demand_with(const struct wk_demand *packed)
{
    uint8_t raw[WK_DEMAND_PACKED];
    static struct wk_demand demand;
    const struct wk_demand_rules rules = {300, 3};
    WK_TRY(wk_demand_init(&demand, &rules));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_demand_pack(packed, &out);
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    return wk_demand_unpack(&demand, &in);
}

static void a_stored_demand_is_taken_only_if_it_is_possible(void)
{
    static struct wk_demand demand;
    static struct wk_demand sound;
    sound = (struct wk_demand){.rules = {300, 3}, .ring_next = 2, .ring_count = 3};
    EXPECT_OK(demand_with(&sound));
    int64_t *const numbers[] = {&demand.ring_uwh[0],
                                &demand.ring_uwh[WK_DEMAND_PARTS - 1],
                                &demand.last_mw,
                                &demand.highest.power_mw,
                                &demand.cumulative_all_mw,
                                &demand.maximum[0].power_mw,
                                &demand.maximum[7].power_mw,
                                &demand.cumulative_mw[0],
                                &demand.cumulative_mw[7]};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        demand = sound;
        *numbers[i] = -1;
        EXPECT_ERR(WK_E_FORMAT, demand_with(&demand));
        *numbers[i] = INT64_MAX;
        EXPECT_OK(demand_with(&demand));
    }
    demand = sound;
    demand.ring_next = 3;
    EXPECT_ERR(WK_E_FORMAT, demand_with(&demand));
    demand = sound;
    demand.ring_count = 4;
    EXPECT_ERR(WK_E_FORMAT, demand_with(&demand));
    demand = sound;
    demand.rules.parts = WK_DEMAND_PARTS;
    EXPECT_OK(demand_with(&demand));
    demand.rules.parts++;
    EXPECT_ERR(WK_E_FORMAT, demand_with(&demand));
    demand = sound;
    demand.rules.part_s = 900;
    EXPECT_OK(demand_with(&demand));
}

static void a_stored_part_of_a_demand_is_taken_only_if_it_is_possible(void)
{
    static struct wk_demand demand;
    const struct wk_demand_rules rules = {300, 3};
    static const int64_t k_values[][2] = {{-1, 0}, {0, -1}, {0, 0}};
    for (size_t i = 0; i < COUNT(k_values); i++) {
        uint8_t raw[WK_DEMAND_PART_PACKED];
        EXPECT_OK(wk_demand_init(&demand, &rules));
        demand.part_uwh = k_values[i][0];
        demand.part_span_us = k_values[i][1];
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        wk_demand_part_pack(&demand, &out);
        struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
        EXPECT_ERR(i < 2 ? WK_E_FORMAT : WK_OK, wk_demand_part_unpack(&demand, &in));
        in = wk_bytes_in_of(raw, sizeof raw - 1);
        EXPECT_ERR(WK_E_SHORT, wk_demand_part_unpack(&demand, &in));
    }
}

/* ---- prices -------------------------------------------------------------------------------- */

static struct wk_price g_price;

static void every_price_has_its_range(void)
{
    static struct wk_price_plan plan;
    int32_t *const prices[] = {&plan.price_e6[0][0],
                               &plan.price_e6[WK_TARIFF_COUNT - 1][WK_REGISTERS_BLOCKS - 1],
                               &plan.rider_e6[0], &plan.rider_e6[WK_PRICE_RIDERS - 1]};
    for (size_t i = 0; i < COUNT(prices); i++) {
        plan = (struct wk_price_plan){.cap_e6 = 0};
        *prices[i] = WK_PRICE_MOST_E6;
        EXPECT_OK(wk_price_check(&plan));
        *prices[i] = WK_PRICE_MOST_E6 + 1;
        EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
        *prices[i] = -WK_PRICE_MOST_E6;
        EXPECT_OK(wk_price_check(&plan));
        *prices[i] = -WK_PRICE_MOST_E6 - 1;
        EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
    }
    plan = (struct wk_price_plan){.cap_e6 = -1};
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
    plan = (struct wk_price_plan){.standing_e6 = -1};
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
    plan.standing_e6 = INT64_C(1000) * WK_PRICE_MOST_E6;
    EXPECT_OK(wk_price_check(&plan));
    plan.standing_e6++;
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
}

static struct wk_price_day day_of(int64_t begin_s, uint8_t count, int32_t price_e6)
{
    struct wk_price_day day = {.begin = {begin_s}, .count = count};
    for (uint8_t i = 0; i < count && i < WK_PRICE_SLOTS; i++) {
        day.price_e6[i] = price_e6 + i;
    }
    return day;
}

static int32_t price_at(int64_t s, bool *dynamic)
{
    return wk_price_at(&g_price, (struct wk_utc){s}, 1, 0, dynamic);
}

static void days_of_prices_replace_each_other_by_their_begin(void)
{
    bool dynamic = false;
    g_price = (struct wk_price){.plan = {.cap_e6 = 0}};
    struct wk_price_day day = day_of(36000, 2, 10);
    EXPECT_OK(wk_price_take(&g_price, &day));
    day = day_of(39600, 2, 20); /* begins where the first ends */
    EXPECT_OK(wk_price_take(&g_price, &day));
    day = day_of(36000, 2, 30); /* the older once more */
    EXPECT_OK(wk_price_take(&g_price, &day));
    EXPECT_I64(30, price_at(36000, &dynamic));
    EXPECT(dynamic);
    EXPECT_I64(31, price_at(39599, &dynamic));
    EXPECT_I64(20, price_at(39600, &dynamic));
    EXPECT_I64(21, price_at(43199, &dynamic));
    EXPECT_I64(0, price_at(43200, &dynamic));
    EXPECT(!dynamic);
    day = day_of(39600, 1, 40); /* the newer once more */
    EXPECT_OK(wk_price_take(&g_price, &day));
    EXPECT_I64(40, price_at(39600, &dynamic));
    day = day_of(32400, 2, 50); /* before both: takes the place of the older */
    EXPECT_OK(wk_price_take(&g_price, &day));
    EXPECT_I64(50, price_at(32400, &dynamic));
    EXPECT_I64(0, price_at(36000, &dynamic));
    EXPECT_I64(40, price_at(39600, &dynamic));
    day = day_of(37800, 2, 60); /* reaches into the newer */
    EXPECT_ERR(WK_E_STATE, wk_price_take(&g_price, &day));
}

static void a_day_of_prices_that_cannot_be_is_refused(void)
{
    const struct wk_price_day bad[] = {
        day_of(36000, 0, 1),
        day_of(36000, WK_PRICE_SLOTS + 1, 1),
        day_of(0, 1, 1),
        day_of(36001, 1, 1),
        day_of(INT64_C(4294967296), 1, 1),
        day_of(36000, 1, WK_PRICE_MOST_E6 + 1),
        day_of(36000, 1, -WK_PRICE_MOST_E6 - 1),
        day_of(36000, 2, WK_PRICE_MOST_E6),
    };
    g_price = (struct wk_price){.plan = {.cap_e6 = 0}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        EXPECT_ERR(WK_E_RANGE, wk_price_take(&g_price, &bad[i]));
        EXPECT_I64(0, g_price.day[0].count + g_price.day[1].count);
    }
    const struct wk_price_day longest = day_of(36000, WK_PRICE_SLOTS, 1);
    EXPECT_OK(wk_price_take(&g_price, &longest));
}

/* ---- calendars ----------------------------------------------------------------------------- */

static struct wk_tariff g_tariff;

static bool refused_as(const char *part, const char *reason)
{
    struct wk_tariff_fault fault = {.part = ""};
    const wk_err err = wk_tariff_check(&g_tariff.active, &fault);
    const bool as =
        err == WK_E_RANGE && strcmp(fault.part, part) == 0 && strcmp(fault.reason, reason) == 0;
    if (!as) {
        printf("# %s: %s %s\n", wk_err_name(err), fault.part, fault.reason);
    }
    wk_tariff_init(&g_tariff);
    return as;
}

static void a_refused_calendar_names_what_is_wrong(void)
{
    wk_tariff_init(&g_tariff);
    g_tariff.active.day[0].action_count = 0;
    EXPECT(refused_as("day", "must have 1 to 16 actions"));
    g_tariff.active.day[0].action_count = WK_TARIFF_ACTIONS + 1;
    EXPECT(refused_as("day", "must have 1 to 16 actions"));
    g_tariff.active.day[0].action[0].tariff = 0;
    EXPECT(refused_as("day", "tariff is not 1 to 8"));
    g_tariff.active.day[0].action[0].tariff = 9;
    EXPECT(refused_as("day", "tariff is not 1 to 8"));
    g_tariff.active.season_count = 0;
    EXPECT(refused_as("season", "there must be 1 to 4"));
    g_tariff.active.season_count = WK_TARIFF_SEASONS + 1;
    EXPECT(refused_as("season", "there must be 1 to 4"));
    g_tariff.active.week_count = 0;
    EXPECT(refused_as("week", "there must be 1 to 4"));
    g_tariff.active.week_count = WK_TARIFF_WEEKS + 1;
    EXPECT(refused_as("week", "there must be 1 to 4"));
    g_tariff.active.day_count = 0;
    EXPECT(refused_as("day", "there must be 1 to 8"));
    g_tariff.active.day_count = WK_TARIFF_DAYS + 1;
    EXPECT(refused_as("day", "there must be 1 to 8"));
    memset(g_tariff.active.name, 'x', WK_TARIFF_NAME + 1);
    EXPECT(refused_as("name", "is longer than 8 octets"));
    g_tariff.active.season[0].day = 0;
    EXPECT(refused_as("season", "begins on a date that does not exist"));
    g_tariff.active.season_count = 2;
    g_tariff.active.season[0] = (struct wk_tariff_season){6, 15, 0};
    g_tariff.active.season[1] = (struct wk_tariff_season){5, 20, 0};
    EXPECT(refused_as("season", "does not begin after the one before it"));
    g_tariff.active.season_count = 2;
    g_tariff.active.season[0] = (struct wk_tariff_season){6, 15, 0};
    g_tariff.active.season[1] = (struct wk_tariff_season){6, 15, 0};
    EXPECT(refused_as("season", "does not begin after the one before it"));
    g_tariff.active.season[0].week = 1;
    EXPECT(refused_as("season", "uses a week that does not exist"));
    g_tariff.active.week_day[0][6] = 1;
    EXPECT(refused_as("week", "uses a day that does not exist"));
    EXPECT_OK(wk_tariff_check(&g_tariff.active, NULL));
}

/* One octet of a packed calendar at a time: what is taken again is a possible calendar. */
static void a_stored_calendar_is_taken_only_if_it_is_possible(void)
{
    static uint8_t raw[WK_TARIFF_PACKED_MAX];
    static struct wk_tariff read;
    uint32_t refused = 0;
    wk_tariff_init(&g_tariff);
    g_tariff.special_count = 1;
    g_tariff.special[0] = (struct wk_tariff_special_day){2026, 12, 25, 0};
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_tariff_pack(&g_tariff, &out);
    for (size_t i = 0; i < out.size; i++) {
        const uint8_t before = raw[i];
        for (uint32_t value = 0; value < 256; value += 5) {
            raw[i] = (uint8_t)value;
            struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
            const bool taken = wk_tariff_unpack(&read, &in) == WK_OK;
            refused += taken ? 0 : 1;
            EXPECT(!taken || wk_tariff_check(&read.active, NULL) == WK_OK);
            EXPECT(!taken || wk_tariff_check_special(&read, NULL) == WK_OK);
        }
        raw[i] = before;
        struct wk_bytes_in in = wk_bytes_in_of(raw, i);
        EXPECT(wk_tariff_unpack(&read, &in) != WK_OK);
    }
    EXPECT(refused > 500);
}

WK_TEST_MAIN(T(every_energy_that_runs_backwards_is_refused),
             T(a_register_at_its_end_takes_no_more), T(every_rule_of_the_clock_has_its_range),
             T(seconds_before_1970_are_counted_downwards),
             T(a_stored_clock_is_taken_only_if_it_is_possible),
             T(a_stored_demand_is_taken_only_if_it_is_possible),
             T(a_stored_part_of_a_demand_is_taken_only_if_it_is_possible),
             T(every_price_has_its_range), T(days_of_prices_replace_each_other_by_their_begin),
             T(a_day_of_prices_that_cannot_be_is_refused),
             T(a_refused_calendar_names_what_is_wrong),
             T(a_stored_calendar_is_taken_only_if_it_is_possible))
