/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/instant.h"

#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define RATE_HZ 8000
#define BLOCK   40 /* frames: 5 ms */
#define CYCLES  400

static struct wk_chain chain;
static struct signal_sink sink;
static struct wk_instant_values got[CYCLES];
static size_t count;

static double off(double value, double truth)
{
    return fabs(value - truth);
}

/* Runs a signal and keeps what every look brought. */
static wk_err run(const struct signal *signal, double seconds, size_t block)
{
    struct wk_instant instant;
    struct wk_sample_fault fault;
    sink = (struct signal_sink){0};
    const struct wk_chain_config config = signal_config(&sink);
    WK_TRY(wk_chain_init(&chain, &signal->info, &config, &fault));
    wk_instant_init(&instant);
    count = 0;
    const size_t frames = (size_t)(seconds * (double)signal->info.rate_uhz / 1e6);
    for (size_t at = 0; at < frames; at += block) {
        WK_TRY(signal_feed(signal, &chain, at, block, block));
        if (count < CYCLES && wk_instant_look(&instant, &chain, &got[count])) {
            count++;
        }
    }
    return WK_OK;
}

static void every_cycle_has_its_values_and_abuts_the_one_before(void)
{
    struct signal signal = signal_of(3, RATE_HZ, 50);
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 10, 60);
    }
    EXPECT_OK(run(&signal, 4, BLOCK));
    EXPECT(count >= 198);
    for (size_t n = 50; n < count; n++) { /* the oscillator has found the frequency */
        EXPECT_I64((int64_t)got[n - 1].number + 1, (int64_t)got[n].number);
        EXPECT(off((double)got[n].t_us, (double)(got[n - 1].t_us + got[n].span_us)) <= 1);
        EXPECT(off((double)got[n].span_us, 20000) <= 2);
        for (int phase = 0; phase < 3; phase++) {
            EXPECT(off(got[n].u_mv[phase], 230000) < 10);
            EXPECT(off((double)got[n].i_ua[phase], 10e6) < 500);
            EXPECT(off((double)got[n].p_mw[phase], 1150e3) < 100);
            EXPECT(off((double)got[n].q1_mvar[phase], 2300e3 * sqrt(0.75)) < 100);
            EXPECT(off(got[n].pf_e6[phase], 500000) < 100);
        }
    }
}

/* One window has ten cycles: their powers, weighted by their lengths, are that of the window. */
static void cycles_add_up_to_the_window(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 49.7);
    signal_load(&signal, 0, 230, 10, 25);
    signal.channel[1].part[1] = (struct signal_part){3, 0.31, 0}; /* a load that sways */
    EXPECT_OK(run(&signal, 6, BLOCK));
    const struct wk_record *window = &sink.window[(sink.windows - 2) % SIGNAL_RECORDS];
    const int64_t begin_us = window->t_us - window->span_us;
    double energy = 0;
    int inside = 0;
    for (size_t n = 0; n < count; n++) {
        if (got[n].t_us > begin_us + 100 && got[n].t_us <= window->t_us + 100) {
            energy += (double)got[n].p_mw[0] * (double)got[n].span_us;
            inside++;
        }
    }
    EXPECT_I64(10, inside);
    const double truth = (double)window->window.p_mw[0] * (double)window->span_us;
    EXPECT(off(energy / truth, 1) < 1e-3); /* the mean of a cycle is taken off each, that of a
                                              window off all of it */
}

static void a_step_of_the_load_shows_in_the_cycle_that_has_it(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    signal_load(&signal, 0, 230, 10, 0);
    signal.scale_from_s = 3.1;
    signal.scale_to_s = 3.3;
    signal.scale[0] = 0.5;
    EXPECT_OK(run(&signal, 4, BLOCK));
    int low = 0;
    int between = 0;
    for (size_t n = 50; n < count; n++) {
        low += off(got[n].u_mv[0], 115000) < 20 ? 1 : 0;
        between += got[n].u_mv[0] > 115020 && got[n].u_mv[0] < 229980 ? 1 : 0;
    }
    EXPECT(low >= 9 && low <= 10);
    EXPECT(between <= 2);
}

static void who_looks_too_seldom_is_told_nothing_wrong(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    signal_load(&signal, 0, 230, 10, 0);
    EXPECT_OK(run(&signal, 4, 3 * BLOCK)); /* 15 ms: more than half a cycle */
    for (size_t n = 0; n < count; n++) {
        EXPECT(got[n].t_us < 1000000 || off(got[n].u_mv[0], 230000) < 10);
        EXPECT(got[n].t_us < 1000000 || off((double)got[n].p_mw[0], 2300e3) < 200);
    }
}

WK_TEST_MAIN(T(every_cycle_has_its_values_and_abuts_the_one_before),
             T(cycles_add_up_to_the_window),
             T(a_step_of_the_load_shows_in_the_cycle_that_has_it),
             T(who_looks_too_seldom_is_told_nothing_wrong))
