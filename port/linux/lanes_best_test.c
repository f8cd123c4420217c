/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/lanes_best.h"

#include "metrology/tone_test.h"
#include "tests/wk_test.h"

static struct tone_bench bench;

static void fill(int channels, double rate_hz)
{
    tone_init(&bench, channels, rate_hz, 50);
    for (int at = 0; at < channels; at++) {
        const bool voltage = at < channels / 2;
        bench.info.channel[at].offset = 100 * at;
        tone_add(&bench.channel[at], voltage ? 230 : 5, 49.7, -120.0 * at);
        for (int h = 3; h < 50; h += 4) {
            tone_add(&bench.channel[at], (voltage ? 10.0 : 1.0) / h, 49.7 * h, 31.0 * at * h);
        }
    }
}

static double distance(const float *a, const float *b)
{
    double most = 0;
    for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
        most = fmax(most, fabs(sqrt((double)a[h]) - sqrt((double)b[h])));
    }
    return most;
}

/* Rounding differs with fused products: by single steps of the points. */
static void expect_same(int channels, double rate_hz)
{
    static struct wk_spectrum_result one;
    fill(channels, rate_hz);
    bench.lanes = &wk_lanes_one;
    EXPECT_OK(tone_run(&bench, 1));
    EXPECT(bench.results >= 3);
    one = *tone_last(&bench);
    fill(channels, rate_hz);
    bench.lanes = wk_lanes_best();
    EXPECT_OK(tone_run(&bench, 1));
    const struct wk_spectrum_result *best = tone_last(&bench);
    EXPECT_I64(one.begin_q16, best->begin_q16);
    EXPECT_I64(one.present, best->present);
    EXPECT_NEAR(230, tone_rms(best, WK_SAMPLE_U, 1), 0.02);
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        const struct wk_spectrum_channel *a = &one.slot[s];
        const struct wk_spectrum_channel *b = &best->slot[s];
        const double full = s < WK_SAMPLE_I ? 230 : 5;
        EXPECT(distance(a->subgroup, b->subgroup) <= full * 1e-5);
        EXPECT(distance(a->inter, b->inter) <= full * 1e-5);
        EXPECT_NEAR(a->crest, b->crest, 1e-5);
        EXPECT_NEAR(a->dc, b->dc, full * 1e-5);
    }
    for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
        EXPECT_NEAR(one.power_w[0][h], best->power_w[0][h], 1150 * 2e-5);
    }
}

static void the_best_lanes_give_what_one_lane_gives(void)
{
    for (int channels = 2; channels <= 8; channels += 2) {
        expect_same(channels, 8000);
    }
}

static void so_they_do_with_a_stretched_kernel(void)
{
    expect_same(2, 32000);
    expect_same(6, 16000);
    expect_same(8, 50000);
}

WK_TEST_MAIN(T(the_best_lanes_give_what_one_lane_gives), T(so_they_do_with_a_stretched_kernel))
