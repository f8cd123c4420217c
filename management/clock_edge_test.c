/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock at its edges: exact figures at thresholds, which readings the rate is measured from,
 * what is kept in the store. */
#include "management/clock.h"
#include "tests/wk_test.h"

#define US      INT64_C(1000000)
#define DAY_US  (86400 * US)
#define BASE_US (15 * DAY_US)
#define T0_US   (INT64_C(1770000000) * US)

static struct wk_clock g_clock;

static void begin(void)
{
    const struct wk_clock_rules rules = wk_clock_usual();
    EXPECT_OK(wk_clock_init(&g_clock, &wk_zone_central_europe, &rules));
}

static wk_err discipline(int64_t t_us, int64_t utc_us, int64_t error_us,
                         wk_clock_result *result)
{
    const struct wk_clock_reading reading = {utc_us, error_us, WK_CLOCK_FROM_NTP};
    return wk_clock_discipline(&g_clock, t_us, &reading, result);
}

static void the_usual_rules_are_those_that_are_documented(void)
{
    const struct wk_clock_rules rules = wk_clock_usual();
    EXPECT_I64(10 * US, rules.step_us);
    EXPECT_I64(500, rules.slew_ppm);
    EXPECT_I64(6000, rules.free_ppb);
    EXPECT_I64(10 * US, rules.doubtful_us);
    EXPECT_I64(5000, rules.ignore_us);
    /* 6 ppm are 0.5184 s a day */
    begin();
    wk_clock_result result;
    EXPECT_OK(discipline(T0_US, T0_US, 0, &result));
    EXPECT_I64(518400, wk_clock_error_us(&g_clock, T0_US + DAY_US));
    EXPECT_I64(0, wk_clock_error_us(&g_clock, T0_US - DAY_US));
}

static void each_rule_has_its_range(void)
{
    static const struct wk_clock_rules k_good[] = {
        {1, 1, 0, 1, 0},
        {INT64_C(3600000000), 10000, 200000, INT64_MAX, INT64_C(3599999999)},
    };
    static const struct wk_clock_rules k_bad[] = {
        {0, 1, 0, 1, 0},   {INT64_C(3600000001), 1, 0, 1, 0},
        {10, 0, 0, 1, 0},  {10, 10001, 0, 1, 0},
        {10, 1, -1, 1, 0}, {10, 1, 200001, 1, 0},
        {10, 1, 0, 0, 0},  {10, 1, 0, 1, -1},
        {10, 1, 0, 1, 10},
    };
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(wk_clock_init(&g_clock, &wk_zone_central_europe, &k_good[i]));
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_clock_init(&g_clock, &wk_zone_central_europe, &k_bad[i]));
    }
}

/* 500 ppm of 20 s are 10 ms: that much of a correction is made in them, not a microsecond more. */
static void a_correction_is_worked_off_at_its_exact_speed(void)
{
    static const int64_t k_sign[] = {1, -1};
    for (int i = 0; i < 2; i++) {
        const int64_t sign = k_sign[i];
        wk_clock_result result;
        begin();
        EXPECT_OK(discipline(T0_US, T0_US + sign * 10000, 1000, &result));
        EXPECT_I64(WK_CLOCK_SLEWING, result);
        EXPECT_I64(sign * 10000, wk_clock_slew_left_us(&g_clock, T0_US));
        EXPECT_I64(sign * 5000, wk_clock_slew_left_us(&g_clock, T0_US + 10 * US));
        EXPECT_I64(sign * 1, wk_clock_slew_left_us(&g_clock, T0_US + 19998000));
        EXPECT_I64(0, wk_clock_slew_left_us(&g_clock, T0_US + 20 * US));
        EXPECT_I64(0, wk_clock_slew_left_us(&g_clock, T0_US + DAY_US));
        /* the estimated error falls by what is corrected: 1 ms is what the reference left */
        EXPECT_I64(11000, wk_clock_error_us(&g_clock, T0_US));
        EXPECT_I64(6060, wk_clock_error_us(&g_clock, T0_US + 10 * US));
        EXPECT_I64(1120, wk_clock_error_us(&g_clock, T0_US + 20 * US));
    }
}

static void a_deviation_at_a_threshold_is_kept_slewed_or_stepped(void)
{
    static const struct {
        int64_t off_us;
        int64_t error_us;
        wk_clock_result result;
    } k_cases[] = {
        {5000, 0, WK_CLOCK_KEPT},           {5001, 0, WK_CLOCK_SLEWING},
        {-5000, 0, WK_CLOCK_KEPT},          {-5001, 0, WK_CLOCK_SLEWING},
        {7000, 7000, WK_CLOCK_KEPT},        {7001, 7000, WK_CLOCK_SLEWING},
        {10 * US - 1, 0, WK_CLOCK_SLEWING}, {10 * US, 0, WK_CLOCK_STEPPED},
        {-10 * US, 0, WK_CLOCK_STEPPED},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        wk_clock_result result;
        begin();
        EXPECT_OK(discipline(T0_US, T0_US + k_cases[i].off_us, k_cases[i].error_us, &result));
        EXPECT_I64(k_cases[i].result, result);
        EXPECT_I64(result == WK_CLOCK_KEPT ? 0 : k_cases[i].off_us, g_clock.adjusted_us);
        EXPECT_I64(WK_CLOCK_FROM_NTP, g_clock.source);
    }
    wk_clock_result result;
    begin();
    EXPECT_ERR(WK_E_RANGE, discipline(T0_US, T0_US, 10 * US, &result));
    EXPECT_OK(discipline(T0_US, T0_US, 10 * US - 1, &result));
    EXPECT_ERR(WK_E_RANGE, discipline(T0_US, T0_US, -1, &result));
    EXPECT_ERR(WK_E_RANGE, discipline(T0_US, -1, 0, &result));
    EXPECT_ERR(WK_E_RANGE, discipline(T0_US, INT64_C(4291747200) * US, 0, &result));
    EXPECT_OK(discipline(T0_US, INT64_C(4291747200) * US - 1, 0, &result));
    EXPECT_OK(discipline(T0_US, 0, 0, &result)); /* 1970-01-01 */
    EXPECT_I64(0, wk_clock_now_us(&g_clock, T0_US));
}

static void setting_it_is_a_step_with_a_second_of_doubt(void)
{
    begin();
    g_clock.slew_us = 3 * US;
    g_clock.anchor_us = T0_US;
    EXPECT_OK(wk_clock_set(&g_clock, T0_US, T0_US + 77 * US, WK_CLOCK_FROM_CLIENT));
    EXPECT_I64(77 * US, g_clock.adjusted_us);
    EXPECT_I64(WK_CLOCK_FROM_CLIENT, g_clock.source);
    EXPECT_I64(US, wk_clock_error_us(&g_clock, T0_US));
    EXPECT_I64(US + 518400, wk_clock_error_us(&g_clock, T0_US + DAY_US));
    EXPECT_I64(T0_US + 77 * US, wk_clock_now_us(&g_clock, T0_US));
    EXPECT_I64(T0_US + 77 * US, wk_clock_now_us(&g_clock, T0_US - 5) + 5); /* t went back */
    EXPECT_OK(wk_clock_set(&g_clock, T0_US, 0, WK_CLOCK_FROM_CLIENT));
    EXPECT_ERR(WK_E_RANGE, wk_clock_set(&g_clock, T0_US, -1, WK_CLOCK_FROM_CLIENT));
    EXPECT_ERR(WK_E_RANGE,
               wk_clock_set(&g_clock, T0_US, INT64_C(4291747200) * US, WK_CLOCK_FROM_CLIENT));
}

static void doubt_begins_above_its_limit(void)
{
    wk_clock_result result;
    begin();
    g_clock.rules.doubtful_us = 518400;
    EXPECT_I64(0, wk_clock_status(&g_clock, T0_US + 100 * DAY_US)); /* its own base */
    EXPECT_OK(discipline(T0_US, T0_US, 0, &result));
    EXPECT_I64(0, wk_clock_status(&g_clock, T0_US + DAY_US));
    EXPECT_I64(WK_CLOCK_DOUBTFUL, wk_clock_status(&g_clock, T0_US + DAY_US + US));
    wk_clock_lose(&g_clock);
    EXPECT_I64(WK_CLOCK_INVALID, wk_clock_status(&g_clock, T0_US));
    EXPECT_OK(discipline(T0_US, T0_US + 1, 0, &result));
    EXPECT_I64(WK_CLOCK_STEPPED, result); /* whatever it was, it is set anew */
    EXPECT_I64(0, wk_clock_status(&g_clock, T0_US));
}

/* ---- the rate ---------------------------------------------------------------------------- */

/* A base that runs `ppb` slow: UTC after `since_us` of it. */
static int64_t utc_of(int64_t since_us, int64_t ppb)
{
    return T0_US + since_us + since_us / 1000 * ppb / 1000000;
}

static void a_rate_is_taken_once_it_is_known_well_enough(void)
{
    wk_clock_result result;
    begin();
    EXPECT_OK(discipline(T0_US, T0_US, 1000, &result));
    /* 1 ms + 1 ms of doubt in 99.9 s are 20,020 ppb, in 100 s 20,000 */
    EXPECT_OK(discipline(T0_US + 99900000, utc_of(99900000, 50000), 1000, &result));
    EXPECT_I64(0, g_clock.rate_ppb);
    EXPECT_OK(discipline(T0_US + 100 * US, utc_of(100 * US, 50000), 1000, &result));
    EXPECT_I64(50000, g_clock.rate_ppb);
}

static void a_base_beyond_two_hundred_ppm_has_no_rate(void)
{
    static const int64_t k_ppb[] = {200000, -200000, 201000, -201000};
    for (int i = 0; i < 4; i++) {
        wk_clock_result result;
        begin();
        EXPECT_OK(discipline(T0_US, T0_US, 0, &result));
        EXPECT_OK(discipline(T0_US + 1000 * US, utc_of(1000 * US, k_ppb[i]), 0, &result));
        EXPECT_I64(i < 2 ? k_ppb[i] : 0, g_clock.rate_ppb);
    }
}

static void the_rate_is_measured_over_fifteen_to_thirty_days(void)
{
    /* 10 ppm until day 20, 30 ppm after it: what is measured tells from which mark. */
    wk_clock_result result;
    begin();
    EXPECT_OK(discipline(T0_US, T0_US, 0, &result));
    EXPECT_OK(discipline(T0_US + BASE_US - US, utc_of(BASE_US - US, 10000), 0, &result));
    EXPECT_I64(T0_US, g_clock.mark[1].t_us); /* not yet fifteen days */
    EXPECT_OK(discipline(T0_US + BASE_US, utc_of(BASE_US, 10000), 0, &result));
    EXPECT_I64(T0_US, g_clock.mark[0].t_us);
    EXPECT_I64(T0_US + BASE_US, g_clock.mark[1].t_us);
    EXPECT_OK(
        discipline(T0_US + 2 * BASE_US - US, utc_of(2 * BASE_US - US, 10000), 0, &result));
    EXPECT_I64(T0_US, g_clock.mark[0].t_us);
    EXPECT_I64(10000, g_clock.rate_ppb);
    EXPECT_OK(discipline(T0_US + 2 * BASE_US, utc_of(2 * BASE_US, 10000), 0, &result));
    EXPECT_I64(T0_US + BASE_US, g_clock.mark[0].t_us);
    EXPECT_I64(T0_US + 2 * BASE_US, g_clock.mark[1].t_us);
    /* three bases at 10 ppm, then the fourth at 40: from mark 1 that is (10 + 40) / 2 */
    const int64_t utc_us = utc_of(2 * BASE_US, 10000) + BASE_US + BASE_US / 1000000 * 40;
    EXPECT_OK(discipline(T0_US + 3 * BASE_US - US, utc_us - US, 0, &result));
    EXPECT_NEAR(25000, g_clock.rate_ppb, 5);
}

static void a_reference_that_jumps_begins_the_measurement_anew(void)
{
    wk_clock_result result;
    begin();
    EXPECT_OK(discipline(T0_US, T0_US, 0, &result));
    /* in 1,000 s a base may be off by 0.2 s, and a step beyond 10 s is no drift */
    EXPECT_OK(discipline(T0_US + 1000 * US, T0_US + 1010 * US + 200000, 0, &result));
    EXPECT_I64(T0_US, g_clock.mark[0].t_us);
    EXPECT_OK(discipline(T0_US + 1000 * US, T0_US + 1010 * US + 200001, 0, &result));
    EXPECT_I64(T0_US + 1000 * US, g_clock.mark[0].t_us);
    EXPECT_I64(T0_US + 1000 * US, g_clock.mark[1].t_us);
    EXPECT_OK(discipline(T0_US + 500 * US, T0_US + 500 * US, 0, &result)); /* t went back */
    EXPECT_I64(T0_US + 500 * US, g_clock.mark[0].t_us);
    EXPECT_I64(0, g_clock.rate_ppb);
}

/* ---- in the store ------------------------------------------------------------------------ */

static void put_i64(struct wk_bytes_out *out, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        wk_bytes_out_u8(out, (uint8_t)((uint64_t)value >> (8 * i)));
    }
}

static void put_state(struct wk_bytes_out *out, int64_t slew_us, int32_t rate_ppb,
                      uint8_t source)
{
    put_i64(out, 101);  /* anchor */
    put_i64(out, -102); /* shift */
    for (int i = 0; i < 4; i++) {
        wk_bytes_out_u8(out, (uint8_t)((uint32_t)rate_ppb >> (8 * i)));
    }
    put_i64(out, slew_us);
    put_i64(out, 104); /* synced */
    put_i64(out, 105); /* error */
    wk_bytes_out_u8(out, source);
    wk_bytes_out_u8(out, 1); /* marked */
    for (int i = 0; i < 6; i++) {
        put_i64(out, 106 + i);
    }
}

static void what_outlives_a_cut_is_laid_out_as_documented(void)
{
    uint8_t raw[WK_CLOCK_PACKED];
    uint8_t again[WK_CLOCK_PACKED];
    begin();
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    put_state(&out, -103, -199999, WK_CLOCK_FROM_HEADEND);
    EXPECT_I64(WK_CLOCK_PACKED, (int64_t)out.size);
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_OK(wk_clock_unpack(&g_clock, &in));
    EXPECT_I64(101, g_clock.anchor_us);
    EXPECT_I64(-102, g_clock.shift_us);
    EXPECT_I64(-199999, g_clock.rate_ppb);
    EXPECT_I64(-103, g_clock.slew_us);
    EXPECT_I64(104, g_clock.synced_us);
    EXPECT_I64(105, g_clock.error_us);
    EXPECT_I64(WK_CLOCK_FROM_HEADEND, g_clock.source);
    EXPECT(g_clock.marked);
    EXPECT_I64(106, g_clock.mark[0].t_us);
    EXPECT_I64(110, g_clock.mark[1].ahead_us);
    EXPECT_I64(111, g_clock.mark[1].error_us);
    out = wk_bytes_out_of(again, sizeof again);
    wk_clock_pack(&g_clock, &out);
    EXPECT_BYTES(raw, again, sizeof raw);
    g_clock.marked = false;
    out = wk_bytes_out_of(again, sizeof again);
    wk_clock_pack(&g_clock, &out);
    EXPECT_I64(0, again[45]);
    in = wk_bytes_in_of(again, sizeof again);
    EXPECT_OK(wk_clock_unpack(&g_clock, &in));
    EXPECT(!g_clock.marked);
}

static void a_state_that_cannot_be_is_refused(void)
{
    static const struct {
        int64_t slew_us;
        int32_t rate_ppb;
        uint8_t source;
        wk_err err;
    } k_cases[] = {
        {10 * US, 200000, WK_CLOCK_SOURCES - 1, WK_OK},
        {-10 * US, -200000, 0, WK_OK},
        {10 * US + 1, 0, 0, WK_E_FORMAT},
        {-10 * US - 1, 0, 0, WK_E_FORMAT},
        {0, 200001, 0, WK_E_FORMAT},
        {0, -200001, 0, WK_E_FORMAT},
        {0, 0, WK_CLOCK_SOURCES, WK_E_FORMAT},
    };
    uint8_t raw[WK_CLOCK_PACKED];
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        begin();
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        put_state(&out, k_cases[i].slew_us, k_cases[i].rate_ppb, k_cases[i].source);
        struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
        EXPECT_ERR(k_cases[i].err, wk_clock_unpack(&g_clock, &in));
        EXPECT_I64(k_cases[i].err == WK_OK ? 101 : 0, g_clock.anchor_us);
    }
}

WK_TEST_MAIN(T(the_usual_rules_are_those_that_are_documented), T(each_rule_has_its_range),
             T(a_correction_is_worked_off_at_its_exact_speed),
             T(a_deviation_at_a_threshold_is_kept_slewed_or_stepped),
             T(setting_it_is_a_step_with_a_second_of_doubt), T(doubt_begins_above_its_limit),
             T(a_rate_is_taken_once_it_is_known_well_enough),
             T(a_base_beyond_two_hundred_ppm_has_no_rate),
             T(the_rate_is_measured_over_fifteen_to_thirty_days),
             T(a_reference_that_jumps_begins_the_measurement_anew),
             T(what_outlives_a_cut_is_laid_out_as_documented),
             T(a_state_that_cannot_be_is_refused))
