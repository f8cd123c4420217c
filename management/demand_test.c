/* SPDX-License-Identifier: Apache-2.0 */
#include "management/demand.h"

#include <string.h>

#include "tests/wk_test.h"

#define US      INT64_C(1000000)
#define START_S INT64_C(1770000300) /* a quarter past the hour, in UTC */
#define WINDOW  INT64_C(200003)     /* us: windows do not end with the quarter */

static struct wk_demand demand;
static int64_t now_us;

static void begin(uint16_t part_s, uint8_t parts)
{
    const struct wk_demand_rules rules = {part_s, parts};
    EXPECT_OK(wk_demand_init(&demand, &rules));
    now_us = START_S * US;
}

/* Steady power for a time, in windows; W * us / 3600 = uWh. The remainder is carried. */
static void run(int64_t watts, int64_t seconds, uint8_t tariff)
{
    int64_t carry = 0;
    const int64_t until_us = now_us + seconds * US;
    while (now_us < until_us) {
        const int64_t span_us = until_us - now_us < WINDOW ? until_us - now_us : WINDOW;
        carry += watts * span_us;
        now_us += span_us;
        (void)wk_demand_add(&demand, carry / 3600, span_us, now_us, tariff);
        carry %= 3600;
    }
}

static bool is_near(int64_t watts, int64_t power_mw)
{
    const int64_t off_mw = power_mw - watts * 1000;
    return off_mw <= 1 && off_mw >= -10;
}

static void a_block_demand_is_the_mean_of_its_period(void)
{
    begin(900, 1);
    run(4000, 900, 1);
    EXPECT(is_near(4000, demand.last_mw));
    run(1000, 450, 1);
    run(9000, 450, 1);
    EXPECT(is_near(5000, demand.last_mw));
    EXPECT(is_near(5000, demand.maximum[0].power_mw));
    EXPECT_I64(START_S + 1800, demand.maximum[0].at.s);
    run(3000, 900, 1);
    EXPECT(is_near(3000, demand.last_mw));
    EXPECT(is_near(5000, demand.highest.power_mw));
    EXPECT_I64(0, demand.spoiled);
}

/* 15 min of three parts: a peak that lies across two periods counts in full. */
static void a_sliding_demand_finds_the_worst_quarter(void)
{
    begin(300, 3);
    run(1000, 600, 1);
    EXPECT_I64(0, demand.last_mw);
    run(7000, 900, 1);
    EXPECT(is_near(7000, demand.highest.power_mw));
    EXPECT_I64(START_S + 1500, demand.highest.at.s);
    run(1000, 300, 1);
    EXPECT(is_near(5000, demand.last_mw));
    begin(900, 1);
    run(1000, 600, 1);
    run(7000, 900, 1);
    run(1000, 300, 1);
    EXPECT(is_near(5000, demand.highest.power_mw)); /* the same load in blocks */
}

static void each_tariff_has_its_own_maximum(void)
{
    begin(900, 1);
    run(3000, 900, 1);
    run(8000, 900, 8);
    run(5000, 900, 1);
    EXPECT(is_near(5000, demand.maximum[0].power_mw));
    EXPECT(is_near(8000, demand.maximum[7].power_mw));
    EXPECT(is_near(8000, demand.highest.power_mw));
    EXPECT_I64(0, demand.maximum[3].at.s);
}

static void a_reset_cumulates_and_begins_anew(void)
{
    begin(900, 1);
    run(3000, 900, 1);
    run(8000, 900, 2);
    wk_demand_reset(&demand);
    EXPECT_I64(0, demand.highest.at.s);
    run(2000, 900, 1);
    wk_demand_reset(&demand);
    EXPECT(is_near(5000, demand.cumulative_mw[0]));
    EXPECT(is_near(8000, demand.cumulative_mw[1]));
    EXPECT(is_near(10000, demand.cumulative_all_mw));
    EXPECT_I64(2, demand.resets);
}

static void the_period_under_way_counts_its_rest_as_nothing(void)
{
    begin(900, 1);
    run(6000, 300, 1);
    EXPECT(is_near(2000, wk_demand_current_mw(&demand)));
    begin(300, 3);
    run(6000, 900, 1);
    run(6000, 150, 1);
    EXPECT(is_near(5000, wk_demand_current_mw(&demand)));
}

static void a_clock_that_moves_or_a_cut_sets_no_maximum(void)
{
    begin(900, 1);
    run(2000, 900, 1);
    run(50000, 300, 1);
    wk_demand_spoil(&demand); /* the clock was set back a little */
    run(50000, 600, 1);
    EXPECT(is_near(2000, demand.highest.power_mw));
    EXPECT_I64(1, demand.spoiled);
    run(50000, 300, 1);
    now_us += 7200 * US; /* the power was away for two hours */
    run(50000, 600, 1);
    EXPECT(is_near(2000, demand.highest.power_mw));
    run(3000, 900, 1);
    EXPECT(is_near(3000, demand.highest.power_mw));
    run(50000, 450, 1);
    now_us -= 7200 * US; /* set back across periods, and nobody says so */
    run(50000, 450, 1);
    EXPECT(is_near(3000, demand.highest.power_mw));
}

/* A clock that is slewed by 500 ppm: 900 s of it are 899.55 s of the time base, and back. */
static void a_clock_that_is_corrected_slowly_does_not_spoil_a_period(void)
{
    static const int64_t k_ahead_us[] = {100, -100};
    begin(900, 1);
    run(4000, 900, 1);
    for (int turn = 0; turn < 2; turn++) {
        int64_t carry = 0;
        const int64_t until_us = now_us + 900 * US;
        while (now_us < until_us) {
            carry += 4000 * 200000;
            now_us += 200000 + k_ahead_us[turn];
            (void)wk_demand_add(&demand, carry / 3600, 200000, now_us, 1);
            carry %= 3600;
        }
        EXPECT(demand.last_mw > 3997000 && demand.last_mw < 4003000);
        EXPECT_I64(START_S + (turn + 2) * 900, demand.part_end.s - 900);
    }
    EXPECT_I64(0, demand.spoiled);
}

static void the_first_period_after_the_start_is_no_whole_one(void)
{
    begin(900, 1);
    now_us += 60 * US;
    run(90000, 840, 1);
    EXPECT_I64(0, demand.highest.at.s);
    EXPECT_I64(1, demand.spoiled);
}

static void rules_have_limits(void)
{
    static const struct wk_demand_rules k_bad[] = {{59, 1},  {3601, 1}, {700, 1},
                                                   {900, 0}, {60, 16},  {0, 1}};
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_demand_init(&demand, &k_bad[i]));
    }
    begin(60, 15);
    run(1000, 930, 1);
    EXPECT(is_near(1000, demand.last_mw));
    begin(3600, 1);
    (void)wk_demand_add(&demand, INT64_MAX, 1, now_us + 1, 1);
    EXPECT(wk_demand_current_mw(&demand) > 0);
}

static void it_goes_on_after_a_power_cut(void)
{
    uint8_t raw[WK_DEMAND_PACKED];
    uint8_t part[WK_DEMAND_PART_PACKED];
    begin(300, 3);
    run(4000, 1000, 3);
    wk_demand_reset(&demand);
    run(5000, 1000, 4);
    const struct wk_demand before = demand;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_demand_pack(&demand, &out);
    EXPECT(out.fault == WK_OK && out.size == sizeof raw);
    struct wk_bytes_out part_out = wk_bytes_out_of(part, sizeof part);
    wk_demand_part_pack(&demand, &part_out);
    EXPECT(part_out.fault == WK_OK && part_out.size == sizeof part);
    const struct wk_demand_rules rules = {300, 3};
    EXPECT_OK(wk_demand_init(&demand, &rules));
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_OK(wk_demand_unpack(&demand, &in));
    struct wk_bytes_in part_in = wk_bytes_in_of(part, sizeof part);
    EXPECT_OK(wk_demand_part_unpack(&demand, &part_in));
    uint8_t again[WK_DEMAND_PACKED];
    out = wk_bytes_out_of(again, sizeof again);
    wk_demand_pack(&demand, &out);
    EXPECT_BYTES(raw, again, sizeof raw);
    out = wk_bytes_out_of(again, sizeof part);
    wk_demand_part_pack(&demand, &out);
    EXPECT_BYTES(part, again, sizeof part);
    const struct wk_demand_rules others = {900, 1};
    EXPECT_OK(wk_demand_init(&demand, &others));
    in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_OK(wk_demand_unpack(&demand, &in));
    EXPECT_I64(before.highest.power_mw, demand.highest.power_mw);
    part_in = wk_bytes_in_of(part, sizeof part);
    EXPECT_OK(wk_demand_part_unpack(&demand, &part_in));
    const uint32_t spoiled = demand.spoiled;
    run(90000, 900, 1);
    EXPECT_I64(before.highest.power_mw, demand.highest.power_mw);
    EXPECT_I64(spoiled + 1, demand.spoiled);
    for (size_t size = 0; size < sizeof raw; size++) {
        in = wk_bytes_in_of(raw, size);
        EXPECT(wk_demand_unpack(&demand, &in) != WK_OK);
    }
    raw[2] = 0; /* no sub-periods */
    in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_ERR(WK_E_FORMAT, wk_demand_unpack(&demand, &in));
}

WK_TEST_MAIN(T(a_block_demand_is_the_mean_of_its_period),
             T(a_clock_that_is_corrected_slowly_does_not_spoil_a_period),
             T(a_sliding_demand_finds_the_worst_quarter), T(each_tariff_has_its_own_maximum),
             T(a_reset_cumulates_and_begins_anew),
             T(the_period_under_way_counts_its_rest_as_nothing),
             T(a_clock_that_moves_or_a_cut_sets_no_maximum),
             T(the_first_period_after_the_start_is_no_whole_one), T(rules_have_limits),
             T(it_goes_on_after_a_power_cut))
