/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/change.h"

#include "tests/wk_test.h"

#define HALF_Q16 (UINT64_C(80) << 16) /* half a cycle of 50 Hz at 8 kHz */

static struct wk_change change;
static struct wk_change_event last;
static int events;
static uint64_t at; /* half cycles fed */

static void begin(uint8_t present, uint8_t values)
{
    const struct wk_change_config config = wk_change_usual(230000, values);
    EXPECT_OK(wk_change_init(&change, present, &config));
    events = 0;
    at = 2;
}

/* One half cycle of all voltages. */
static void half(int32_t a_mv, int32_t b_mv, int32_t c_mv)
{
    const int32_t urms_mv[3] = {a_mv, b_mv, c_mv};
    at++;
    for (uint8_t phase = 0; phase < 3; phase++) {
        events += wk_change_take(&change, phase, urms_mv[phase], (at - 2) * HALF_Q16,
                                 at * HALF_Q16, &last)
                      ? 1
                      : 0;
    }
}

static void hold(int count, int32_t a_mv, int32_t b_mv, int32_t c_mv)
{
    for (int i = 0; i < count; i++) {
        half(a_mv, b_mv, c_mv);
    }
}

static void a_step_is_a_change_with_its_levels_and_times(void)
{
    begin(1, 100);
    hold(150, 230000, 0, 0);
    const uint64_t step = at;
    hold(10, 218000, 0, 0); /* beyond the new level first */
    hold(110, 220000, 0, 0);
    EXPECT_I64(1, events);
    EXPECT_I64(1, last.phases);
    EXPECT_I64(12000, last.max_mv);
    EXPECT_NEAR(10000, last.steady_mv, 250);
    EXPECT_I64((step - 1) * HALF_Q16, last.begin_q16);
    EXPECT_NEAR((double)(step * HALF_Q16), (double)last.end_q16, 2.0 * HALF_Q16);
    EXPECT(!change.open);
}

static void a_step_within_the_threshold_is_none(void)
{
    begin(1, 100);
    hold(150, 230000, 0, 0);
    hold(300, 236800, 0, 0); /* 2.96 % */
    EXPECT_I64(0, events);
    begin(1, 100);
    hold(150, 230000, 0, 0);
    hold(300, 237100, 0, 0); /* 3.09 % */
    EXPECT_I64(1, events);
    EXPECT_NEAR(7100, last.steady_mv, 1);
}

static void slow_drift_is_none(void)
{
    begin(1, 120);
    hold(150, 230000, 0, 0);
    for (int i = 0; i < 6000; i++) {
        half(230000 - 3 * i, 0, 0);
    }
    EXPECT_I64(0, events);
}

static void it_ends_only_when_half_the_threshold_is_kept(void)
{
    begin(1, 100);
    hold(150, 230000, 0, 0);
    for (int i = 0; i < 500; i++) { /* +-2 % about the new level: within 3, beyond 1.5 */
        half(220000 + (i / 10 % 2 == 0 ? 4600 : -4600), 0, 0);
    }
    EXPECT_I64(0, events);
    EXPECT(change.open);
    for (int i = 0; i < 120; i++) { /* +-1 % */
        half(220000 + (i / 10 % 2 == 0 ? 2300 : -2300), 0, 0);
    }
    EXPECT_I64(1, events);
    /* The first ten, 2.3 % low, are still steady and bring the mean to 229,460. */
    EXPECT_I64(229460 - 215400, last.max_mv);
    EXPECT_NEAR(229460 - 220000, last.steady_mv, 50);
    EXPECT_NEAR(490 * (double)HALF_Q16, (double)(last.end_q16 - last.begin_q16),
                3.0 * HALF_Q16);
}

static void voltages_change_together(void)
{
    begin(7, 100);
    hold(150, 230000, 231000, 229000);
    hold(40, 220000, 231000, 229000);
    hold(40, 220000, 231000, 214000);
    EXPECT_I64(0, events);
    hold(100, 220000, 231000, 214000);
    EXPECT_I64(1, events);
    EXPECT_I64(5, last.phases);
    EXPECT_NEAR(15000, last.max_mv, 3); /* a step of what is kept */
    EXPECT_NEAR(15000, last.steady_mv, 3);
    EXPECT_NEAR(40 * (double)HALF_Q16, (double)(last.end_q16 - last.begin_q16), 2.0 * HALF_Q16);
}

static void what_becomes_a_dip_is_none(void)
{
    begin(1, 100);
    hold(150, 230000, 0, 0);
    hold(1, 215000, 0, 0);
    hold(5, 190000, 0, 0);
    wk_change_spoil(&change);
    hold(5, 190000, 0, 0);
    hold(150, 230000, 0, 0);
    EXPECT_I64(0, events);
    hold(150, 240000, 0, 0);
    EXPECT_I64(1, events); /* the next one counts again */
    EXPECT_I64(10000, last.max_mv);
}

static void the_start_and_a_gap_are_none(void)
{
    begin(1, 100);
    hold(50, 0, 0, 0);
    hold(200, 230000, 0, 0);
    EXPECT_I64(0, events);
    hold(5, 220000, 0, 0);
    wk_change_gap(&change);
    hold(200, 220000, 0, 0);
    EXPECT_I64(0, events);
}

static void numbers_outside_their_range_are_refused(void)
{
    struct wk_change_config config = wk_change_usual(230000, 100);
    config.threshold_ppm = 9999;
    EXPECT_ERR(WK_E_RANGE, wk_change_init(&change, 7, &config));
    config = wk_change_usual(230000, 99);
    EXPECT_ERR(WK_E_RANGE, wk_change_init(&change, 7, &config));
    config = wk_change_usual(230000, 100);
    config.hysteresis_ppm = 900001;
    EXPECT_ERR(WK_E_RANGE, wk_change_init(&change, 7, &config));
    config = wk_change_usual(0, 100);
    EXPECT_OK(wk_change_init(&change, 7, &config));
    hold(200, 230000, 0, 0);
    hold(200, 210000, 0, 0);
    EXPECT_I64(0, events);
}

WK_TEST_MAIN(T(a_step_is_a_change_with_its_levels_and_times),
             T(a_step_within_the_threshold_is_none), T(slow_drift_is_none),
             T(it_ends_only_when_half_the_threshold_is_kept), T(voltages_change_together),
             T(what_becomes_a_dip_is_none), T(the_start_and_a_gap_are_none),
             T(numbers_outside_their_range_are_refused))
