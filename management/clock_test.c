/* SPDX-License-Identifier: Apache-2.0 */
#include "management/clock.h"

#include <string.h>

#include "tests/wk_test.h"

#define US      INT64_C(1000000)
#define HOUR_US (3600 * US)
#define DAY_US  (24 * HOUR_US)
#define START_S INT64_C(1770000000)
#define SEED    20261121U

static struct wk_clock clk;
static int64_t t0_us = START_S * 1000000;

static void begin(void)
{
    const struct wk_clock_rules rules = wk_clock_usual();
    EXPECT_OK(wk_clock_init(&clk, &wk_zone_central_europe, &rules));
}

static struct wk_clock_reading reading(int64_t utc_us, int64_t error_us)
{
    return (struct wk_clock_reading){utc_us, error_us, WK_CLOCK_FROM_HEADEND};
}

#define REFUSED ((wk_clock_result)9)

static wk_clock_result discipline(int64_t t_us, int64_t utc_us)
{
    wk_clock_result result = WK_CLOCK_KEPT;
    const struct wk_clock_reading r = reading(utc_us, 1000);
    return wk_clock_discipline(&clk, t_us, &r, &result) == WK_OK ? result : REFUSED;
}

static void a_small_deviation_is_slewed_and_time_never_stops_or_jumps(void)
{
    static const int64_t k_off_us[] = {9 * US, -9 * US, 20000, -20000};
    for (size_t i = 0; i < 4; i++) {
        begin();
        EXPECT_I64(WK_CLOCK_SLEWING, discipline(t0_us, t0_us + k_off_us[i]));
        EXPECT_I64(k_off_us[i], clk.adjusted_us);
        int64_t before_us = wk_clock_now_us(&clk, t0_us);
        EXPECT_I64(t0_us, before_us);
        for (int64_t t_us = t0_us; t_us < t0_us + 6 * HOUR_US; t_us += US) {
            const int64_t now_us = wk_clock_now_us(&clk, t_us + US);
            EXPECT(now_us - before_us >= US - 501 && now_us - before_us <= US + 501);
            before_us = now_us;
        }
        EXPECT_I64(t0_us + 6 * HOUR_US + k_off_us[i], before_us);
        EXPECT_I64(0, wk_clock_slew_left_us(&clk, t0_us + 6 * HOUR_US));
    }
}

static void a_large_deviation_is_a_step(void)
{
    begin();
    EXPECT_I64(WK_CLOCK_STEPPED, discipline(t0_us, t0_us + 10 * US));
    EXPECT_I64(t0_us + 10 * US, wk_clock_now_us(&clk, t0_us));
    EXPECT_I64(WK_CLOCK_STEPPED, discipline(t0_us + US, t0_us - DAY_US));
    EXPECT_I64(t0_us - DAY_US, wk_clock_now_us(&clk, t0_us + US));
}

static void what_the_reference_cannot_know_is_left_alone(void)
{
    begin();
    wk_clock_result result = WK_CLOCK_STEPPED;
    const struct wk_clock_reading vague = reading(t0_us + 2 * US, 3 * US);
    EXPECT_OK(wk_clock_discipline(&clk, t0_us, &vague, &result));
    EXPECT_I64(WK_CLOCK_KEPT, result);
    EXPECT_I64(t0_us, wk_clock_now_us(&clk, t0_us));
    EXPECT_I64(WK_CLOCK_KEPT, discipline(t0_us, t0_us + 4000));
}

/* A time base that runs 37 ppm slow, read by a head-end once an hour with a jitter of 0.2 s. */
static void the_rate_of_the_time_base_is_learned(void)
{
    uint32_t random = SEED;
    begin();
    discipline(t0_us, t0_us);
    for (int hour = 1; hour <= 24 * 14; hour++) {
        const int64_t t_us = t0_us + hour * HOUR_US;
        const int64_t utc_us = t_us + hour * INT64_C(37) * 3600;
        random = random * 1664525U + 1013904223U;
        const int64_t jitter_us = (int64_t)(random >> 8) % 400000 - 200000;
        wk_clock_result result;
        const struct wk_clock_reading r = reading(utc_us + jitter_us, 200000);
        EXPECT_OK(wk_clock_discipline(&clk, t_us, &r, &result));
        EXPECT(hour < 24 || wk_clock_now_us(&clk, t_us) - utc_us < 600000);
        EXPECT(hour < 24 || wk_clock_now_us(&clk, t_us) - utc_us > -600000);
    }
    WK_TEST_FIGURE("clock: rate learned in two weeks of hourly readings, jitter 0.2 s",
                   clk.rate_ppb / 1e3, "ppm of 37", "36 .. 38",
                   clk.rate_ppb > 36000 && clk.rate_ppb < 38000, SEED);
    const int64_t t_us = t0_us + 24 * 14 * HOUR_US;
    const int64_t free_us = wk_clock_now_us(&clk, t_us + 30 * DAY_US) -
                            wk_clock_now_us(&clk, t_us) - 30 * DAY_US -
                            INT64_C(37) * 30 * 86400;
    EXPECT(free_us > -3 * US && free_us < 3 * US); /* a month without any reference */
}

static void a_month_of_silence_makes_the_clock_doubtful_and_a_reading_heals_it(void)
{
    begin();
    discipline(t0_us, t0_us);
    EXPECT_I64(0, wk_clock_status(&clk, t0_us + 10 * DAY_US));
    EXPECT_I64(WK_CLOCK_DOUBTFUL, wk_clock_status(&clk, t0_us + 30 * DAY_US));
    discipline(t0_us + 30 * DAY_US, t0_us + 30 * DAY_US);
    EXPECT_I64(0, wk_clock_status(&clk, t0_us + 30 * DAY_US));
    wk_clock_lose(&clk);
    EXPECT_I64(WK_CLOCK_INVALID, wk_clock_status(&clk, t0_us + 31 * DAY_US));
    EXPECT_I64(WK_CLOCK_STEPPED, discipline(t0_us + 31 * DAY_US, t0_us + 31 * DAY_US + US));
    EXPECT_I64(0, wk_clock_status(&clk, t0_us + 31 * DAY_US));
}

static void a_client_sets_it_at_once_and_ends_a_correction(void)
{
    begin();
    discipline(t0_us, t0_us + 5 * US);
    EXPECT_OK(wk_clock_set(&clk, t0_us + US, t0_us + 100 * US, WK_CLOCK_FROM_CLIENT));
    EXPECT_I64(t0_us + 100 * US, wk_clock_now_us(&clk, t0_us + US));
    EXPECT_I64(t0_us + 100 * US + HOUR_US, wk_clock_now_us(&clk, t0_us + US + HOUR_US));
}

static void nonsense_is_refused_and_changes_nothing(void)
{
    begin();
    discipline(t0_us, t0_us + 5 * US);
    struct wk_clock before = clk;
    const int64_t late_us = INT64_C(4291747200) * US;
    EXPECT_ERR(WK_E_RANGE, wk_clock_set(&clk, t0_us, -1, WK_CLOCK_FROM_CLIENT));
    EXPECT_ERR(WK_E_RANGE, wk_clock_set(&clk, t0_us, late_us, WK_CLOCK_FROM_CLIENT));
    EXPECT_ERR(WK_E_RANGE, wk_clock_set(&clk, t0_us, INT64_MAX, WK_CLOCK_FROM_CLIENT));
    static const int64_t k_wrong[][2] = {{-1, 0}, {INT64_MAX, 0}, {0, -1}, {0, 10 * US}};
    for (size_t i = 0; i < 4; i++) {
        wk_clock_result result;
        const struct wk_clock_reading r = reading(k_wrong[i][0], k_wrong[i][1]);
        EXPECT_ERR(WK_E_RANGE, wk_clock_discipline(&clk, t0_us, &r, &result));
    }
    EXPECT(memcmp(&before, &clk, sizeof clk) == 0);
    struct wk_clock_rules rules = wk_clock_usual();
    rules.slew_ppm = WK_CLOCK_SLEW_MOST_PPM + 1;
    EXPECT_ERR(WK_E_RANGE, wk_clock_init(&clk, &wk_zone_utc, &rules));
    rules = wk_clock_usual();
    rules.ignore_us = rules.step_us;
    EXPECT_ERR(WK_E_RANGE, wk_clock_init(&clk, &wk_zone_utc, &rules));
}

static void it_goes_on_after_a_power_cut_as_if_there_had_been_none(void)
{
    uint8_t raw[WK_CLOCK_PACKED];
    begin();
    discipline(t0_us, t0_us + 20000);
    discipline(t0_us + DAY_US, t0_us + DAY_US + 120000);
    const int64_t then_us = wk_clock_now_us(&clk, t0_us + DAY_US + 60 * US);
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_clock_pack(&clk, &out);
    EXPECT_OK(out.fault);
    EXPECT_I64(WK_CLOCK_PACKED, (int64_t)out.size);
    begin();
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_OK(wk_clock_unpack(&clk, &in));
    EXPECT_I64(then_us, wk_clock_now_us(&clk, t0_us + DAY_US + 60 * US));
    for (size_t size = 0; size < sizeof raw; size++) {
        in = wk_bytes_in_of(raw, size);
        EXPECT(wk_clock_unpack(&clk, &in) != WK_OK);
    }
    raw[44] = WK_CLOCK_SOURCES;
    in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_ERR(WK_E_FORMAT, wk_clock_unpack(&clk, &in));
}

WK_TEST_MAIN(T(a_small_deviation_is_slewed_and_time_never_stops_or_jumps),
             T(a_large_deviation_is_a_step), T(what_the_reference_cannot_know_is_left_alone),
             T(the_rate_of_the_time_base_is_learned),
             T(a_month_of_silence_makes_the_clock_doubtful_and_a_reading_heals_it),
             T(a_client_sets_it_at_once_and_ends_a_correction),
             T(nonsense_is_refused_and_changes_nothing),
             T(it_goes_on_after_a_power_cut_as_if_there_had_been_none))
