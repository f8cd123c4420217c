/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/vee.h"

#include "headend/test_archive.h"
#include "tests/wk_test.h"

static struct test_archive t;
static struct wk_reading_result result;
static struct wk_vee_result vee;
static struct wk_dayblock block;

static void interpolation_is_the_straight_line(void)
{
    int64_t v[4];
    wk_vee_linear(100, 200, 4, v); /* 120 140 160 180 */
    EXPECT_I64(120, v[0]);
    EXPECT_I64(180, v[3]);
    wk_vee_linear(10, 0, 2, v); /* 6.67 and 3.33, down */
    EXPECT_I64(6, v[0]);
    EXPECT_I64(3, v[1]);
    wk_vee_linear(5, 5, 1, v);
    EXPECT_I64(5, v[0]);
}

static void scaling_gives_the_rest_to_the_largest_remainders(void)
{
    static const int64_t k_weights[3] = {1, 1, 1};
    static const int64_t k_uneven[3] = {5, 3, 2};
    static const int64_t k_nothing[2] = {0, 0};
    static const int64_t k_huge[2] = {INT64_MAX / 2, INT64_MAX / 2};
    static const int64_t k_over[2] = {INT64_MAX, 1};
    int64_t v[3];
    EXPECT_OK(wk_vee_scale(k_weights, 3, 10, v)); /* 3.33 each: the first gets the rest */
    EXPECT(v[0] == 4 && v[1] == 3 && v[2] == 3);
    EXPECT_OK(wk_vee_scale(k_uneven, 3, 7, v)); /* 3.5 2.1 1.4 */
    EXPECT(v[0] == 4 && v[1] == 2 && v[2] == 1);
    EXPECT_OK(wk_vee_scale(k_nothing, 2, 9, v));
    EXPECT(v[0] == 5 && v[1] == 4);
    EXPECT_OK(wk_vee_scale(k_huge, 2, INT64_MAX, v));
    EXPECT_I64(INT64_MAX, v[0] + v[1]);
    EXPECT_ERR(WK_E_RANGE, wk_vee_scale(k_over, 2, 9, v));
}

static void a_spike_stands_out_of_the_third_peak(void)
{
    static const int64_t k_quiet[5] = {100, 50, 100, 280, 90};
    static const int64_t k_spike[5] = {100, 50, 100, 281, 90};
    EXPECT_I64(1800, wk_vee_spike_e3(k_quiet, 5)); /* not more than 1.8: passes */
    EXPECT_I64(1810, wk_vee_spike_e3(k_spike, 5));
    EXPECT_I64(0, wk_vee_spike_e3(k_spike, 2));
}

static wk_err close_days(int first, int last)
{
    for (int day = first; day <= last; day++) {
        WK_TRY(wk_reading_close(&t.archive, t.meter, TEST_DAY + day, 1));
    }
    return WK_OK;
}

static wk_err load(int channel, int day)
{
    return wk_reading_day(&t.archive, t.meter, channel, TEST_DAY + day, WK_ARCHIVE_LATEST,
                          &block);
}

static void a_short_gap_is_a_line_scaled_to_the_registers(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 39, &result));
    EXPECT_OK(test_accept(&t, 43, 95, &result)); /* readings 40, 41, 42 are missing */
    EXPECT_OK(close_days(-1, 0));
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, NULL, (struct wk_vee_days){TEST_DAY, TEST_DAY}, 1,
                         &vee));
    EXPECT_I64(4, vee.estimated);
    EXPECT_OK(load(WK_CHANNEL_IMPORT, 0));
    EXPECT_I64(1, block.rev);
    /* the energies of this house lie on a line, so interpolation finds them */
    for (int i = 0; i < 96; i++) {
        EXPECT_NEAR(test_energy_uwh(i), block.value[i], 1);
        EXPECT_I64(i >= 40 && i <= 43 ? WK_SLOT_ESTIMATED : 0, block.flags[i]);
    }
    EXPECT(wk_dayblock_sums(&block));
    EXPECT_OK(load(WK_CHANNEL_T1, 0));
    EXPECT_I64(test_reading(95).reg[WK_CHANNEL_T1], block.reg_end);
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, NULL, (struct wk_vee_days){TEST_DAY, TEST_DAY}, 2,
                         &vee));
    EXPECT_I64(0, vee.revisions); /* again: nothing new */
    EXPECT_OK(t.archive.block_get(t.archive.self, t.meter, 0, TEST_DAY, 0, &block));
    EXPECT_I64(WK_SLOT_MISSING, block.flags[40]); /* raw stays */
    test_archive_close(&t);
}

static void a_long_gap_takes_reference_days_over_midnight(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 7 * 96 + 79, &result));
    EXPECT_OK(test_accept(&t, 8 * 96 + 20, 9 * 96 - 1, &result));
    EXPECT_OK(close_days(-1, 8));
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, NULL,
                         (struct wk_vee_days){TEST_DAY + 8, TEST_DAY + 8}, 1, &vee));
    EXPECT_I64(37, vee.estimated);
    int64_t sum[3] = {0};
    static const int k_channel[3] = {WK_CHANNEL_IMPORT, WK_CHANNEL_T1, WK_CHANNEL_T2};
    for (int day = 7; day <= 8; day++) {
        for (int c = 0; c < 3; c++) {
            EXPECT_OK(load(k_channel[c], day));
            EXPECT_I64(WK_DAYBLOCK_ESTIMATED, block.reason);
            for (int i = 0; i < 96; i++) {
                const bool in_gap = day == 7 ? i >= 80 : i <= 20;
                EXPECT_I64(in_gap ? WK_SLOT_ESTIMATED : 0, block.flags[i]);
                sum[c] += block.value[i];
                if (c == 0 && in_gap) { /* the week before differs by some 100 units only */
                    EXPECT_NEAR(test_energy_uwh(day * 96 + i), block.value[i], 50000000);
                }
            }
        }
    }
    EXPECT_I64(sum[0], sum[1] + sum[2]);
    EXPECT_I64(test_reading(9 * 96 - 1).reg[0] - test_reading(7 * 96 - 1).reg[0], sum[0]);
    test_archive_close(&t);
}

static void tariffs_are_estimated_where_their_rate_is_in_force(void)
{
    struct wk_plan plan = {.currency = "EUR", .zone = wk_zone_utc, .seasons = 1};
    plan.season[0] = (struct wk_plan_season){.month = 1, .day = 1};
    for (int i = 0; i < 7; i++) {
        plan.season[0].week[i] =
            (struct wk_plan_day){.count = 3, .minute = {0, 360, 1320}, .rate = {1, 0, 1}};
    }
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 19, &result));
    EXPECT_OK(test_accept(&t, 27, 95, &result)); /* 05:00 .. 07:00, T1 begins at 06:00 */
    EXPECT_OK(close_days(-1, 0));
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, &plan, (struct wk_vee_days){TEST_DAY, TEST_DAY},
                         1, &vee));
    EXPECT_OK(load(WK_CHANNEL_T1, 0));
    for (int i = 20; i < 28; i++) {
        EXPECT(i < 24 ? block.value[i] == 0 : block.value[i] > 0);
    }
    EXPECT_OK(load(WK_CHANNEL_T2, 0));
    for (int i = 20; i < 28; i++) {
        EXPECT(i < 24 ? block.value[i] > 0 : block.value[i] == 0);
    }
    test_archive_close(&t);
}

static void zeros_of_an_outage_are_readings_and_a_dead_day_is_an_exception(void)
{
    struct wk_reading rows[193];
    for (int i = 0; i < 193; i++) {
        rows[i] = test_reading(-1);
        rows[i].end_s += i * TEST_PERIOD;
        rows[i].flags = i >= 97 ? WK_SLOT_POWER_FAIL : 0;
    }
    struct wk_archive_counts counts;
    test_archive_open(&t, 0);
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){rows, 193}, 1, &result));
    EXPECT_OK(close_days(-1, 1));
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, NULL, (struct wk_vee_days){TEST_DAY, TEST_DAY}, 1,
                         &vee));
    EXPECT_I64(1, vee.exceptions); /* zero_day */
    EXPECT_OK(wk_vee_run(&t.archive, t.meter, NULL,
                         (struct wk_vee_days){TEST_DAY + 1, TEST_DAY + 1}, 1, &vee));
    EXPECT_I64(0, vee.exceptions + vee.estimated);
    EXPECT_OK(t.archive.counts(t.archive.self, t.meter, &counts));
    EXPECT_I64(1, counts.exceptions);
    test_archive_close(&t);
}

WK_TEST_MAIN(T(interpolation_is_the_straight_line),
             T(scaling_gives_the_rest_to_the_largest_remainders),
             T(a_spike_stands_out_of_the_third_peak),
             T(a_short_gap_is_a_line_scaled_to_the_registers),
             T(a_long_gap_takes_reference_days_over_midnight),
             T(tariffs_are_estimated_where_their_rate_is_in_force),
             T(zeros_of_an_outage_are_readings_and_a_dead_day_is_an_exception))
