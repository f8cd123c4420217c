/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "metrology/signal_test.h"
#include "metrology/transient.h"
#include "tests/wk_test.h"

#define UN      230.0
#define PEAK    (UN * 1.4142135623730951)
#define RATE    8000
#define ENTRIES WK_TRANSIENT_ENTRIES(RATE)

static struct wk_transient transient;
static int16_t memory[ENTRIES];
static struct wk_transient_event last;
static int events;

/* Something that is added to a voltage: a decaying oscillation, or a step if hz is 0. */
struct burst {
    double at_s;
    double until_s;
    double volts;
    double hz;
    double decay_s;
    unsigned phases;
};

static bool begin(double f_hz)
{
    const struct signal signal = signal_of(3, RATE, f_hz);
    const struct wk_transient_config config = wk_transient_usual(230000);
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    events = 0;
    if (wk_sample_map_init(&map, &signal.info, &fault) != WK_OK ||
        wk_transient_init(&transient, &map, signal.info.rate_uhz, &config, memory, ENTRIES) !=
            WK_OK) {
        return false;
    }
    wk_transient_tune(&transient,
                      wk_cycle_step_of((int64_t)(f_hz * 1e6), signal.info.rate_uhz));
    return true;
}

static double burst_at(const struct burst *burst, int phase, double t)
{
    if ((burst->phases & (1U << phase)) == 0 || t < burst->at_s || t >= burst->until_s) {
        return 0;
    }
    const double since = t - burst->at_s;
    return burst->hz == 0 ? burst->volts
                          : burst->volts * exp(-since / burst->decay_s) *
                                cos(SIGNAL_TURN * burst->hz * since);
}

/* Feeds from one time to another in blocks. */
static void feed(double f_hz, double from_s, double to_s, const struct burst *burst,
                 size_t block)
{
    int32_t counts[100 * 6];
    const size_t end = (size_t)(to_s * RATE);
    for (size_t n = (size_t)(from_s * RATE); n < end;) {
        const size_t now = end - n < block ? end - n : block;
        for (size_t k = 0; k < now; k++) {
            const double t = (double)(n + k) / RATE;
            for (int phase = 0; phase < 3; phase++) {
                const double turns = f_hz * t - phase / 3.0;
                const double u =
                    PEAK * (cos(SIGNAL_TURN * turns) + 0.05 * cos(SIGNAL_TURN * 5 * turns) +
                            0.02 * cos(SIGNAL_TURN * 25 * turns)) +
                    burst_at(burst, phase, t);
                counts[k * 6 + (size_t)phase] = (int32_t)lrint(u / 60e-6);
                counts[k * 6 + 3 + (size_t)phase] = rand();
            }
        }
        for (size_t done = 0; done < now;) {
            bool found;
            done += wk_transient_feed(&transient, counts + done * 6, now - done, &last, &found);
            events += found ? 1 : 0;
        }
        n += now;
    }
}

static const struct burst k_none = {0};

static void a_distorted_voltage_off_nominal_has_none(void)
{
    static const double k_f[] = {42.5, 47.3, 50, 51.7, 57.5, 60, 69};
    for (int i = 0; i < 7; i++) {
        EXPECT(begin(k_f[i]));
        feed(k_f[i], 0, 1, &k_none, 80);
        EXPECT_I64(0, events);
    }
}

static void a_burst_is_one_event_with_begin_peak_and_end(void)
{
    static const size_t k_blocks[] = {1, 37, 80};
    const struct burst burst = {0.5, 0.6, 150, 1000, 0.001, 2};
    for (int i = 0; i < 3; i++) {
        EXPECT(begin(50.3));
        feed(50.3, 0, 1, &burst, k_blocks[i]);
        EXPECT_I64(1, events);
        EXPECT_I64(2, last.phases);
        EXPECT_I64((uint64_t)(0.5 * RATE) << 16, last.begin_q16);
        EXPECT_NEAR(150e3, last.peak_mv, 0.01 * PEAK * 1e3);
        /* above half the threshold, 40.7 V, until 1.3 ms */
        EXPECT_NEAR(1.3e-3 * RATE, (double)(last.end_q16 - last.begin_q16) / 65536, 3);
    }
}

static void phases_are_one_event_and_the_largest_peak_counts(void)
{
    const struct burst burst = {0.5, 0.6, -200, 2000, 0.0005, 5};
    EXPECT(begin(50));
    feed(50, 0, 1, &burst, 80);
    EXPECT_I64(1, events);
    EXPECT_I64(5, last.phases);
    EXPECT_NEAR(-200e3, last.peak_mv, 0.01 * PEAK * 1e3);
}

static void below_the_threshold_there_is_none(void)
{
    struct burst burst = {0.5, 0.5005, 0.23 * PEAK, 0, 1, 1};
    EXPECT(begin(49.8));
    feed(49.8, 0, 1, &burst, 80);
    EXPECT_I64(0, events);
    burst.volts = 0.27 * PEAK;
    EXPECT(begin(49.8));
    feed(49.8, 0, 1, &burst, 80);
    EXPECT_I64(1, events);
    EXPECT_NEAR(0.27 * PEAK * 1e3, last.peak_mv, 0.01 * PEAK * 1e3);
    EXPECT_I64(4, (last.end_q16 - last.begin_q16) >> 16);
}

static void what_lasts_is_no_transient(void)
{
    const struct burst step = {0.5, 2, 120, 0, 1, 7};
    EXPECT(begin(50));
    feed(50, 0, 1, &step, 80);
    EXPECT_I64(0, events);
}

static void a_second_one_is_seen_after_the_first(void)
{
    const struct burst first = {0.5, 0.6, 150, 1500, 0.001, 1};
    const struct burst second = {0.512, 0.6, 140, 1500, 0.001, 1};
    EXPECT(begin(50));
    feed(50, 0, 0.512, &first, 80);
    feed(50, 0.512, 1, &second, 80);
    EXPECT_I64(2, events);
    EXPECT_NEAR(140e3, last.peak_mv, 0.01 * PEAK * 1e3);
}

static void it_is_silent_when_told_and_after_a_gap(void)
{
    const struct burst burst = {0.5, 0.6, 150, 1000, 0.001, 7};
    EXPECT(begin(50));
    feed(50, 0, 0.49, &k_none, 80);
    wk_transient_hush(&transient);
    feed(50, 0.49, 1, &burst, 80);
    EXPECT_I64(0, events);
    EXPECT(begin(50));
    feed(50, 0, 0.3, &k_none, 80);
    wk_transient_gap(&transient, 37); /* another angle than the memory has */
    feed(50, 0.3 + 37.0 / RATE, 1, &k_none, 80);
    EXPECT_I64(0, events);
    EXPECT_I64(RATE, transient.at);
}

static void samples_without_a_value_are_none(void)
{
    EXPECT(begin(50));
    feed(50, 0, 0.5, &k_none, 80);
    int32_t frame[6] = {WK_HAL_NO_COUNT, WK_HAL_NO_COUNT, WK_HAL_NO_COUNT};
    for (int n = 0; n < 20; n++) {
        bool found;
        EXPECT_I64(1, wk_transient_feed(&transient, frame, 1, &last, &found));
        EXPECT(!found);
    }
    feed(50, 0.5 + 20.0 / RATE, 1, &k_none, 80);
    EXPECT_I64(0, events);
}

static void bad_configurations_are_refused(void)
{
    const struct signal signal = signal_of(3, RATE, 50);
    struct wk_transient_config config = wk_transient_usual(230000);
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    const int64_t rate = signal.info.rate_uhz;
    EXPECT_OK(wk_sample_map_init(&map, &signal.info, &fault));
    EXPECT_ERR(WK_E_FULL,
               wk_transient_init(&transient, &map, rate, &config, memory, ENTRIES - 1));
    config.threshold_ppm = 49999;
    EXPECT_ERR(WK_E_RANGE, wk_transient_init(&transient, &map, rate, &config, memory, ENTRIES));
    config = wk_transient_usual(0);
    EXPECT_OK(wk_transient_init(&transient, &map, rate, &config, memory, ENTRIES));
}

WK_TEST_MAIN(T(a_distorted_voltage_off_nominal_has_none),
             T(a_burst_is_one_event_with_begin_peak_and_end),
             T(phases_are_one_event_and_the_largest_peak_counts),
             T(below_the_threshold_there_is_none), T(what_lasts_is_no_transient),
             T(a_second_one_is_seen_after_the_first), T(it_is_silent_when_told_and_after_a_gap),
             T(samples_without_a_value_are_none), T(bad_configurations_are_refused))
