/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/immunity.h"

#include "tests/wk_test.h"

static struct wk_record_event event_of(wk_record_event_kind kind, int percent, int64_t ms)
{
    return (struct wk_record_event){
        .kind = kind,
        .extreme_mv = 2300 * percent,
        .nominal_mv = 230000,
        .duration_us = ms * 1000,
    };
}

static uint32_t curves(wk_record_event_kind kind, int percent, int64_t ms)
{
    const struct wk_record_event event = event_of(kind, percent, ms);
    return wk_immunity_curves(&event);
}

static void dips_are_held_against_the_lower_itic_branch(void)
{
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 0, 20) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT(curves(WK_RECORD_DIP_END, 69, 21) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 70, 500) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT(curves(WK_RECORD_DIP_END, 79, 501) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 80, 10000) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT(curves(WK_RECORD_DIP_END, 89, 10001) & WK_RECORD_ITIC_NO_DAMAGE);
    EXPECT(curves(WK_RECORD_INTERRUPTION_END, 0, 25) & WK_RECORD_ITIC_NO_DAMAGE);
}

static void swells_are_held_against_the_upper_itic_branch(void)
{
    EXPECT_I64(0, curves(WK_RECORD_SWELL_END, 119, 500));
    EXPECT_I64(WK_RECORD_ITIC_PROHIBITED, curves(WK_RECORD_SWELL_END, 121, 500));
    EXPECT_I64(WK_RECORD_ITIC_PROHIBITED, curves(WK_RECORD_SWELL_END, 111, 501));
    EXPECT_I64(0, curves(WK_RECORD_SWELL_END, 139, 3));
    EXPECT_I64(WK_RECORD_ITIC_PROHIBITED, curves(WK_RECORD_SWELL_END, 141, 3));
}

static void dips_are_held_against_semi_f47(void)
{
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 10, 49) & WK_RECORD_F47_BELOW);
    EXPECT(curves(WK_RECORD_DIP_END, 49, 50) & WK_RECORD_F47_BELOW);
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 50, 200) & WK_RECORD_F47_BELOW);
    EXPECT(curves(WK_RECORD_DIP_END, 69, 201) & WK_RECORD_F47_BELOW);
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 70, 500) & WK_RECORD_F47_BELOW);
    EXPECT(curves(WK_RECORD_DIP_END, 79, 501) & WK_RECORD_F47_BELOW);
    EXPECT_I64(0, curves(WK_RECORD_DIP_END, 80, 1000) & WK_RECORD_F47_BELOW);
}

static void other_events_have_no_curve_and_no_cell(void)
{
    const struct wk_record_event rvc = event_of(WK_RECORD_RVC, 5, 100);
    struct wk_record_event unknown = event_of(WK_RECORD_DIP_END, 5, 100);
    unknown.nominal_mv = 0;
    EXPECT_I64(0, wk_immunity_curves(&rvc));
    EXPECT_I64(0, wk_immunity_curves(&unknown));
    EXPECT_I64(WK_IMMUNITY_DEPTH_NONE, wk_immunity_cell(&rvc).depth);
    EXPECT_I64(WK_IMMUNITY_DEPTH_NONE, wk_immunity_cell(&unknown).depth);
}

static void cells_are_those_of_en_50160(void)
{
    static const struct {
        wk_record_event_kind kind;
        int percent;
        int64_t ms;
        wk_immunity_depth depth;
        wk_immunity_span span;
    } k_cases[] = {
        {WK_RECORD_DIP_END, 89, 10, WK_IMMUNITY_DIP_90_80, WK_IMMUNITY_DIP_200_MS},
        {WK_RECORD_DIP_END, 80, 200, WK_IMMUNITY_DIP_90_80, WK_IMMUNITY_DIP_200_MS},
        {WK_RECORD_DIP_END, 79, 201, WK_IMMUNITY_DIP_80_70, WK_IMMUNITY_DIP_500_MS},
        {WK_RECORD_DIP_END, 70, 500, WK_IMMUNITY_DIP_80_70, WK_IMMUNITY_DIP_500_MS},
        {WK_RECORD_DIP_END, 69, 501, WK_IMMUNITY_DIP_70_40, WK_IMMUNITY_DIP_1_S},
        {WK_RECORD_DIP_END, 40, 1001, WK_IMMUNITY_DIP_70_40, WK_IMMUNITY_DIP_5_S},
        {WK_RECORD_DIP_END, 39, 5001, WK_IMMUNITY_DIP_40_5, WK_IMMUNITY_DIP_60_S},
        {WK_RECORD_DIP_END, 5, 60000, WK_IMMUNITY_DIP_40_5, WK_IMMUNITY_DIP_60_S},
        {WK_RECORD_DIP_END, 4, 60001, WK_IMMUNITY_DIP_5_0, WK_IMMUNITY_SPAN_NONE},
        {WK_RECORD_SWELL_END, 120, 500, WK_IMMUNITY_SWELL_120, WK_IMMUNITY_SWELL_500_MS},
        {WK_RECORD_SWELL_END, 119, 501, WK_IMMUNITY_SWELL_120_110, WK_IMMUNITY_SWELL_5_S},
        {WK_RECORD_SWELL_END, 112, 5001, WK_IMMUNITY_SWELL_120_110, WK_IMMUNITY_SWELL_60_S},
        {WK_RECORD_INTERRUPTION_END, 0, 180000, WK_IMMUNITY_INTERRUPTION, WK_IMMUNITY_SHORT},
        {WK_RECORD_INTERRUPTION_END, 0, 180001, WK_IMMUNITY_INTERRUPTION, WK_IMMUNITY_LONG},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        const struct wk_record_event event =
            event_of(k_cases[i].kind, k_cases[i].percent, k_cases[i].ms);
        const struct wk_immunity_cell cell = wk_immunity_cell(&event);
        EXPECT_I64(k_cases[i].depth, cell.depth);
        EXPECT_I64(k_cases[i].span, cell.span);
    }
}

WK_TEST_MAIN(T(dips_are_held_against_the_lower_itic_branch),
             T(swells_are_held_against_the_upper_itic_branch),
             T(dips_are_held_against_semi_f47), T(other_events_have_no_curve_and_no_cell),
             T(cells_are_those_of_en_50160))
