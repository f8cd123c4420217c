/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle of the accuracy report against numbers worked out by hand and against plain sums. */
#include <math.h>

#include "accuracy/converter.h"
#include "accuracy/wave.h"
#include "tests/wk_test.h"

static struct wk_wave wave;
static struct wk_wave_walk walk;

static void the_integral_of_a_sine_is_its_power(void)
{
    wk_wave_init(&wave, 50, 1);
    wk_wave_load(&wave, 0, 230, 10, 60);
    EXPECT_NEAR(1150, wk_wave_integral(&wave, 0, 3, 0, 1), 1e-9);
    EXPECT_NEAR(1150, wk_wave_power(&wave, 0), 1e-9);
    EXPECT_NEAR(230 * 230, wk_wave_integral(&wave, 0, 0, 0.3, 1.3), 1e-6);
    EXPECT_NEAR(230, wk_wave_rms(&wave, 0), 1e-9);
}

static void harmonics_in_phase_add_their_product(void)
{
    wk_wave_init(&wave, 49.37, 1);
    wk_wave_load(&wave, 1, 230, 10, 0);
    wk_wave_harmonic(&wave, 1, 5, 0.1, 0);
    wk_wave_harmonic(&wave, 4, 5, 0.4, 0);
    EXPECT_NEAR(2300 * 1.04, wk_wave_power(&wave, 1), 1e-9);
}

static void steps_and_modulation_are_part_of_the_integral(void)
{
    wk_wave_init(&wave, 50, 1);
    wk_wave_load(&wave, 0, 100, 1, 0);
    wk_wave_step(&wave, 0, 0.2, 0.3, 0.5);
    EXPECT_NEAR(1e4 * 0.9 + 2500 * 0.1, wk_wave_integral(&wave, 0, 0, 0, 1), 1e-6);
    wk_wave_init(&wave, 50, 1);
    wk_wave_load(&wave, 0, 100, 1, 0);
    wave.am = 0.02;
    wave.am_hz = 5;
    EXPECT_NEAR(1e4 * (1.01 * 1.01 + 0.99 * 0.99) / 2, wk_wave_integral(&wave, 0, 0, 0, 1),
                1e-6);
}

static void samples_follow_the_formula(void)
{
    double value[WK_WAVE_CHANNELS];
    double slope[WK_WAVE_CHANNELS];
    double worst = 0;
    double steepest = 0;
    wk_wave_init(&wave, 51.7, 1);
    wk_wave_load(&wave, 2, 230, 5, 30);
    wave.channel[2].dc = 3;
    wk_wave_walk_init(&walk, &wave, 8000);
    for (int n = 0; n < 100000; n++) {
        const double angle = WK_WAVE_TURN * (51.7 * n / 8000.0 + 120 / 360.0);
        wk_wave_next(&walk, value, slope);
        worst = fmax(worst, fabs(value[2] - 3 - 230 * sqrt(2.0) * cos(angle)));
        steepest = fmax(steepest, slope[2]);
    }
    EXPECT_NEAR(0, worst, 1e-6);
    EXPECT_NEAR(230 * sqrt(2.0) * WK_WAVE_TURN * 51.7, steepest, 1);
}

static void a_crossing_is_where_the_sine_is_zero(void)
{
    wk_wave_init(&wave, 47.3, 1);
    wk_wave_load(&wave, 1, 230, 5, 30);
    for (int n = 0; n < 27; n++) {
        const double t = n * 0.0037;
        const double at = wk_wave_crossing(&wave, 1, t);
        EXPECT_NEAR(0, cos(WK_WAVE_TURN * (47.3 * at - 120 / 360.0)), 1e-9);
        EXPECT(at >= t - 1e-9 && at - t <= 0.5 / 47.3);
    }
}

static void a_tone_above_half_the_rate_is_folded(void)
{
    static struct wk_wave seen;
    const struct wk_converter ideal = wk_converter_of(WK_CONVERTER_IDEAL, 8000, 10);
    wk_wave_init(&wave, 50, 1);
    wk_wave_load(&wave, 0, 230, 5, 0);
    wk_wave_add(&wave, 0, 1, 8050, 10);
    wk_wave_add(&wave, 0, 1, 7950, 10);
    wk_converter_distort(&ideal, &wave, &seen);
    EXPECT_NEAR(50, seen.channel[0].tone[1].hz, 1e-9);
    EXPECT_NEAR(50, seen.channel[0].tone[2].hz, 1e-9);
    EXPECT_NEAR(-10, seen.channel[0].tone[2].degrees, 1e-9);
}

static void noise_has_the_rms_it_says(void)
{
    uint64_t seed = 20261121;
    double sum = 0;
    double square = 0;
    for (int n = 0; n < 200000; n++) {
        const double value = wk_converter_noise(&seed);
        sum += value / 200000;
        square += value * value / 200000;
    }
    printf("# seed 20261121\n");
    EXPECT_NEAR(0, sum, 0.01);
    EXPECT_NEAR(1, square, 0.01);
}

WK_TEST_MAIN(T(the_integral_of_a_sine_is_its_power), T(harmonics_in_phase_add_their_product),
             T(steps_and_modulation_are_part_of_the_integral), T(samples_follow_the_formula),
             T(a_crossing_is_where_the_sine_is_zero), T(a_tone_above_half_the_rate_is_folded),
             T(noise_has_the_rms_it_says))
