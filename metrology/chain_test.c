/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/chain.h"
#include "metrology/signal_test.h"
#include "tests/wk_test.h"

static struct signal_sink sink;

static wk_err run(const struct signal *signal, double seconds)
{
    sink = (struct signal_sink){0};
    const struct wk_chain_config config = signal_config(&sink);
    return signal_run(signal, &config, seconds);
}

static double radians(double degrees)
{
    return degrees / 360.0 * SIGNAL_TURN;
}

/* Worst relative error of the last whole window against closed forms. */
struct worst {
    double u;
    double p;
    double q;
    double f_mhz;
    double degrees;
};

static void note(double *worst, double error)
{
    *worst = fabs(error) > *worst ? fabs(error) : *worst;
}

static void compare(struct worst *worst, double f_hz, double lag_degrees)
{
    const struct wk_record_window *w = &sink.window[sink.windows - 2].window;
    for (int phase = 0; phase < w->phases; phase++) {
        const double s = 230.0 * 5.0;
        note(&worst->u, w->u_mv[phase] / 230e3 - 1);
        note(&worst->u, (double)w->i_ua[phase] / 5e6 - 1);
        note(&worst->p, ((double)w->p_mw[phase] / 1e3 - s * cos(radians(lag_degrees))) / s);
        note(&worst->q, ((double)w->q1_mvar[phase] / 1e3 - s * sin(radians(lag_degrees))) / s);
        double off = (w->u_mdeg[phase] - w->i_mdeg[phase]) / 1e3 - lag_degrees;
        off -= 360.0 * floor(off / 360.0 + 0.5);
        note(&worst->degrees, off);
    }
    note(&worst->f_mhz, (w->frequency_uhz - f_hz * 1e6) / 1e3);
}

static void sines_off_nominal_have_their_closed_form_values(void)
{
    static const double k_f_hz[] = {42.5, 47.3, 49.97, 52.1, 57.5, 51, 59.971, 61.3, 69};
    static const double k_lag[] = {0, 60, -36.87, 180, 120, -120};
    struct worst worst = {0};
    for (size_t f = 0; f < sizeof k_f_hz / sizeof k_f_hz[0]; f++) {
        for (size_t l = 0; l < sizeof k_lag / sizeof k_lag[0]; l++) {
            struct signal signal = signal_of(1, 8000, k_f_hz[f]);
            signal.info.nominal_uhz = f < 5 ? 50000000 : 60000000;
            signal_load(&signal, 0, 230, 5, k_lag[l]);
            EXPECT_OK(run(&signal, 0.5));
            compare(&worst, k_f_hz[f], k_lag[l]);
        }
    }
    WK_TEST_FIGURE("metrology_rms_error_8khz", worst.u * 100, "%", "<= 0.002", worst.u < 2e-5,
                   0);
    WK_TEST_FIGURE("metrology_p_error_8khz", worst.p * 100, "%", "<= 0.002", worst.p < 2e-5, 0);
    WK_TEST_FIGURE("metrology_q1_error_8khz", worst.q * 100, "%", "<= 0.002", worst.q < 2e-5,
                   0);
    WK_TEST_FIGURE("metrology_f_error_8khz", worst.f_mhz, "mHz", "<= 0.1", worst.f_mhz < 0.1,
                   0);
    EXPECT(worst.u < 2e-5);
    EXPECT(worst.p < 2e-5);
    EXPECT(worst.q < 2e-5);
    EXPECT(worst.f_mhz < 0.1);
    EXPECT(worst.degrees < 0.002);
}

static void any_rate_from_1_to_50_khz_is_metered(void)
{
    static const double k_rate_hz[] = {1000, 2000, 4096, 12800, 30707.244, 50000};
    for (size_t r = 0; r < sizeof k_rate_hz / sizeof k_rate_hz[0]; r++) {
        struct signal signal = signal_of(1, k_rate_hz[r], 49.93);
        signal_load(&signal, 0, 230, 5, 60);
        EXPECT_OK(run(&signal, 0.45));
        struct worst worst = {0};
        compare(&worst, 49.93, 60);
        const double limit = r == 0 ? 1e-3 : r == 1 ? 2e-4 : 4e-5;
        EXPECT(worst.u < limit);
        EXPECT(worst.p < limit);
        EXPECT(worst.q < limit);
        EXPECT(worst.f_mhz < 2);
    }
}

static void quadrants_fill_the_registers_of_their_signs(void)
{
    static const double k_lag[4] = {30, 150, -150, -30};
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        struct signal signal = signal_of(3, 4000, 50);
        for (int phase = 0; phase < 3; phase++) {
            signal_load(&signal, phase, 230, 10, k_lag[quadrant]);
        }
        EXPECT_OK(run(&signal, 1));
        const double q = 3 * 2300 * 0.5 / 3600;
        const double p = 3 * 2300 * cos(radians(30)) / 3600;
        const bool exported = quadrant == 1 || quadrant == 2;
        for (int other = 0; other < 4; other++) {
            EXPECT_NEAR(other == quadrant ? q : 0, sink.q_varh[other], q * 1e-5);
        }
        EXPECT_NEAR(exported ? 0 : p, (double)sink.import_uwh / 1e6, p * 1e-5);
        EXPECT_NEAR(exported ? p : 0, (double)sink.export_uwh / 1e6, p * 1e-5);
    }
}

static void harmonics_count_in_p_and_not_in_q(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    signal_load(&signal, 0, 230, 5, 0);
    /* IEC 62053-22 table of influence quantities: U5 = 10 %, I5 = 40 %, in phase: P = 1.04 P1
     */
    signal.channel[0].part[1] = (struct signal_part){23, 5, 0};
    signal.channel[1].part[1] = (struct signal_part){2, 5, 0};
    EXPECT_OK(run(&signal, 0.7));
    const struct wk_record_window *w = &sink.window[1].window;
    EXPECT_NEAR(1.04 * 1150e3, w->p_mw[0], 10);
    EXPECT_NEAR(0, w->q1_mvar[0], 10);
    EXPECT_NEAR(230e3 * sqrt(1.01), w->u_mv[0], 2);
    /* a fifth harmonic in quadrature is neither P nor fundamental Q */
    signal.channel[1].part[1].degrees = -90;
    EXPECT_OK(run(&signal, 0.7));
    EXPECT_NEAR(1150e3, w->p_mw[0], 10);
    EXPECT_NEAR(0, w->q1_mvar[0], 10);
}

static void dc_is_blocked_or_kept_as_configured(void)
{
    struct signal signal = signal_of(1, 8000, 50.3);
    signal_load(&signal, 0, 230, 5, 60);
    signal.channel[0].dc = 4;
    signal.channel[1].dc = 2;
    EXPECT_OK(run(&signal, 0.7));
    const struct wk_record_window *w = &sink.window[1].window;
    EXPECT_NEAR(575e3, w->p_mw[0], 15);
    EXPECT_NEAR(5e6, w->i_ua[0], 50);
    EXPECT_NEAR(-60000, w->i_mdeg[0], 2);
    sink = (struct signal_sink){0};
    struct wk_chain_config config = signal_config(&sink);
    config.dc = WK_QUANTITY_DC_KEEP;
    EXPECT_OK(signal_run(&signal, &config, 0.7));
    EXPECT_NEAR(575e3 + 8e3, w->p_mw[0], 15);
    EXPECT_NEAR(sqrt(29.0) * 1e6, w->i_ua[0], 50);
    EXPECT_NEAR(sqrt(230.0 * 230 + 16) * 1e3, w->u_mv[0], 2);
    EXPECT_NEAR(-60000, w->i_mdeg[0], 2);
}

static void gain_offset_and_polarity_are_corrected(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    signal_load(&signal, 0, 230, 5, 25);
    signal.info.channel[0].gain = (struct wk_hal_gain){-1976143941, -13};
    signal.info.channel[0].offset = -32000;
    signal.info.channel[1].offset = 1234567;
    sink = (struct signal_sink){0};
    struct wk_chain_config config = signal_config(&sink);
    config.dc = WK_QUANTITY_DC_KEEP;
    EXPECT_OK(signal_run(&signal, &config, 0.7));
    const struct wk_record_window *w = &sink.window[1].window;
    EXPECT_NEAR(230e3, w->u_mv[0], 1);
    EXPECT_NEAR(5e6, w->i_ua[0], 20);
    EXPECT_NEAR(1150e3 * cos(radians(25)), w->p_mw[0], 5);
    EXPECT_NEAR(1150e3 * sin(radians(25)), w->q1_mvar[0], 5);
}

static void delays_of_channels_are_corrected_in_p_q_and_angles(void)
{
    static const int32_t k_delay_ns[][2] = {{0, 13000},      {0, -13000}, {50000, -50000},
                                            {-50000, 50000}, {31250, 0},  {7000, 7000}};
    static const double k_rate_hz[] = {4000, 8000, 30000};
    for (size_t r = 0; r < 3; r++) {
        for (size_t d = 0; d < sizeof k_delay_ns / sizeof k_delay_ns[0]; d++) {
            struct signal signal = signal_of(1, k_rate_hz[r], 50.2);
            signal_load(&signal, 0, 230, 5, 75);
            signal.channel[0].part[1] = (struct signal_part){10, 7, 30};
            signal.channel[1].part[1] = (struct signal_part){1, 7, -60};
            signal.info.channel[0].delay_ns = k_delay_ns[d][0];
            signal.info.channel[1].delay_ns = k_delay_ns[d][1];
            EXPECT_OK(run(&signal, 0.45));
            const struct wk_record_window *w = &sink.window[1].window;
            EXPECT_NEAR(1150e3 * cos(radians(75)), w->p_mw[0], 50);
            EXPECT_NEAR(1150e3 * sin(radians(75)), w->q1_mvar[0], 20);
            EXPECT_NEAR(-75000, w->i_mdeg[0], 2);
        }
    }
}

static void the_summation_mode_decides_what_opposed_phases_give(void)
{
    struct signal signal = signal_of(3, 4000, 50);
    signal_load(&signal, 0, 230, 10, 0);
    signal_load(&signal, 1, 230, 4, 180);
    signal_load(&signal, 2, 230, 1, 60);
    EXPECT_OK(run(&signal, 1));
    const double unit = 230.0 / 3600 * 1e6;
    EXPECT_NEAR(6.5 * unit, sink.import_uwh, 5);
    EXPECT_I64(0, sink.export_uwh);
    sink = (struct signal_sink){0};
    struct wk_chain_config config = signal_config(&sink);
    config.summation = WK_ENERGY_ARITHMETIC;
    EXPECT_OK(signal_run(&signal, &config, 1));
    EXPECT_NEAR(10.5 * unit, sink.import_uwh, 5);
    EXPECT_NEAR(4 * unit, sink.export_uwh, 5);
}

static void a_missing_voltage_leaves_the_other_phases_metered(void)
{
    struct signal signal = signal_of(3, 4000, 50.1);
    signal_load(&signal, 0, 0, 3, 0);
    signal_load(&signal, 1, 230, 3, 30);
    signal_load(&signal, 2, 115, 3, -30);
    EXPECT_OK(run(&signal, 0.7));
    const struct wk_record_window *w = &sink.window[1].window;
    EXPECT_I64(1, w->reference);
    EXPECT_NEAR(50100000, w->frequency_uhz, 100);
    EXPECT_I64(0, w->p_mw[0]);
    EXPECT_NEAR(690e3 * cos(radians(30)), w->p_mw[1], 20);
    EXPECT_NEAR(-345e3 * 0.5, w->q1_mvar[2], 20);
    EXPECT_NEAR(-120000, w->u_mdeg[2], 2);
}

static void without_any_voltage_the_last_frequency_goes_on(void)
{
    struct signal signal = signal_of(3, 4000, 50.2);
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 3, 0);
        signal.scale[phase] = 0;
    }
    signal.scale_from_s = 1.0;
    signal.scale_to_s = 3.0;
    EXPECT_OK(run(&signal, 2));
    const struct wk_record *last = &sink.window[sink.windows - 2];
    EXPECT_I64(WK_RECORD_FREE_RUN, last->flags);
    EXPECT_NEAR(50200000, last->window.frequency_uhz, 200);
    EXPECT_NEAR(3e6, last->window.i_ua[1], 100);
}

static void the_frequency_is_found_from_either_nominal(void)
{
    static const double k_f_hz[] = {42.5, 50, 57, 60, 69};
    for (size_t f = 0; f < sizeof k_f_hz / sizeof k_f_hz[0]; f++) {
        struct signal signal = signal_of(1, 8000, k_f_hz[f]);
        signal.info.nominal_uhz = 0;
        signal_load(&signal, 0, 230, 5, 0);
        EXPECT_OK(run(&signal, 1));
        EXPECT((sink.window[0].flags & WK_RECORD_ACQUIRING) != 0);
        for (size_t w = 1; w < 3; w++) {
            EXPECT_I64(0, sink.window[w].flags);
            EXPECT_I64(k_f_hz[f] < 55 ? 10 : 12, sink.window[w].window.cycles);
            EXPECT_NEAR(k_f_hz[f] * 1e6, sink.window[w].window.frequency_uhz, 100);
        }
    }
}

static void steps_and_ramps_of_frequency_are_followed(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    signal_load(&signal, 0, 230, 5, 60);
    signal.ramp_hz_per_s = 1;
    EXPECT_OK(run(&signal, 3));
    for (size_t w = 4; w < sink.windows - 1; w++) {
        const struct wk_record *record = &sink.window[w];
        const double middle_s = (double)(record->t_us - record->span_us / 2) / 1e6;
        EXPECT_NEAR((50 + middle_s) * 1e6, record->window.frequency_uhz, 2000);
        EXPECT_NEAR(1150e3 * sin(radians(60)), record->window.q1_mvar[0], 300);
        EXPECT_NEAR(575e3, record->window.p_mw[0], 300);
    }
    signal.ramp_hz_per_s = 0;
    signal.step_at_s = 1.07;
    signal.step_hz = -3;
    EXPECT_OK(run(&signal, 3));
    for (size_t w = sink.windows - 6; w < sink.windows - 1; w++) {
        EXPECT_I64(0, sink.window[w].flags);
        EXPECT_NEAR(47e6, sink.window[w].window.frequency_uhz, 200);
    }
}

static void windows_abut_and_time_is_that_of_the_samples(void)
{
    struct signal signal = signal_of(1, 30707.244, 49.3);
    signal.info.start_us = INT64_C(1700000000000000);
    signal_load(&signal, 0, 230, 5, 60);
    EXPECT_OK(run(&signal, 2));
    int64_t at = signal.info.start_us;
    for (size_t w = 0; w < sink.windows; w++) {
        EXPECT_I64(at, sink.window[w].t_us - sink.window[w].span_us);
        at = sink.window[w].t_us;
    }
    EXPECT_NEAR(floor(2 * 30707.244) / 30707.244 * 1e6, at - signal.info.start_us, 1);
    EXPECT((sink.window[sink.windows - 1].flags & WK_RECORD_SHORT) != 0);
}

static void blocks_of_any_size_give_the_same_records(void)
{
    static const size_t k_block[] = {1, 7, 64};
    static struct wk_chain chain;
    static struct signal_sink first;
    struct signal signal = signal_of(3, 4000, 50.7);
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230 + phase, 5, 40);
    }
    signal.info.channel[4].delay_ns = 9000;
    for (size_t b = 0; b < 3; b++) {
        sink = (struct signal_sink){0};
        const struct wk_chain_config config = signal_config(&sink);
        struct wk_sample_fault fault;
        EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
        EXPECT_OK(signal_feed(&signal, &chain, 0, 4001, k_block[b]));
        EXPECT_OK(wk_chain_flush(&chain));
        if (b == 0) {
            first = sink;
        }
        EXPECT_BYTES(&first, &sink, sizeof sink);
    }
}

/* With DC kept the energy is the plain sum over all samples. */
static void no_sample_is_lost_or_counted_twice(void)
{
    struct signal signal = signal_of(1, 8000, 50.7);
    signal_load(&signal, 0, 230, 5, 40);
    signal.channel[0].part[1] = (struct signal_part){9, 2.7, 0}; /* not periodic at all */
    signal.channel[1].part[1] = (struct signal_part){3, 2.7, 20};
    const size_t frames = 9123;
    int64_t sum = 0;
    for (size_t n = 0; n < frames; n++) {
        const double t = (double)n / 8000;
        sum += (int64_t)signal_count(&signal, 0, t) * signal_count(&signal, 1, t);
    }
    sink = (struct signal_sink){0};
    struct wk_chain_config config = signal_config(&sink);
    config.dc = WK_QUANTITY_DC_KEEP;
    EXPECT_OK(signal_run(&signal, &config, ((double)frames + 0.5) / 8000.0));
    const double truth_uwh = (double)sum * 60e-6 * 10e-6 / 8000 / 3600 * 1e6;
    EXPECT_NEAR(truth_uwh, sink.import_uwh - sink.export_uwh, 1.001);
    EXPECT_NEAR(frames, sink.samples, sink.windows);
}

static void a_dip_has_its_depth_time_and_duration(void)
{
    struct signal signal = signal_of(3, 8000, 50);
    signal.info.nominal_mv = 230000;
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 5, 0);
    }
    signal.scale[1] = 0.6;
    signal.scale_from_s = 0.503;
    signal.scale_to_s = 0.633;
    EXPECT_OK(run(&signal, 1.2));
    EXPECT_I64(2, sink.events);
    const struct wk_record_event *begin = &sink.event[0].event;
    const struct wk_record_event *end = &sink.event[1].event;
    EXPECT_I64(WK_RECORD_DIP_BEGIN, begin->kind);
    EXPECT_I64(WK_RECORD_DIP_END, end->kind);
    EXPECT_I64(2, end->phases);
    EXPECT_NEAR(503000, end->begin_us, 10000);
    EXPECT_NEAR(130000, end->duration_us, 20000);
    EXPECT_NEAR(0.6 * 230e3, end->extreme_mv, 0.002 * 230e3);
    EXPECT_I64(230000, end->nominal_mv);
    for (size_t w = 0; w < sink.windows - 1; w++) {
        const bool touched = w == 2 || w == 3;
        EXPECT_I64(touched, (sink.window[w].flags & WK_RECORD_FLAGGED) != 0);
    }
}

static void a_swell_has_its_maximum(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    signal.info.nominal_mv = 230000;
    signal_load(&signal, 0, 230, 5, 0);
    signal.scale[0] = 1.25;
    signal.scale_from_s = 0.4;
    signal.scale_to_s = 0.48;
    EXPECT_OK(run(&signal, 1));
    EXPECT_I64(2, sink.events);
    EXPECT_I64(WK_RECORD_SWELL_END, sink.event[1].event.kind);
    EXPECT_NEAR(1.25 * 230e3, sink.event[1].event.extreme_mv, 50);
    EXPECT_NEAR(80000, sink.event[1].event.duration_us, 20000);
}

static void an_interruption_needs_all_phases(void)
{
    struct signal signal = signal_of(3, 4000, 50);
    signal.info.nominal_mv = 230000;
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 5, 0);
    }
    signal.scale_from_s = 0.3;
    signal.scale_to_s = 0.7;
    signal.scale[0] = 0.01;
    signal.scale[1] = 0.01;
    EXPECT_OK(run(&signal, 1.2));
    EXPECT_I64(2, sink.events); /* one dip */
    EXPECT_I64(3, sink.event[1].event.phases);
    signal.scale[2] = 0.01;
    EXPECT_OK(run(&signal, 1.2));
    EXPECT_I64(4, sink.events);
    EXPECT_I64(WK_RECORD_DIP_BEGIN, sink.event[0].event.kind);
    EXPECT_I64(WK_RECORD_INTERRUPTION_BEGIN, sink.event[1].event.kind);
    EXPECT_I64(WK_RECORD_INTERRUPTION_END, sink.event[2].event.kind);
    EXPECT_NEAR(400000, sink.event[2].event.duration_us, 20000);
    EXPECT_NEAR(2300, sink.event[2].event.extreme_mv, 20);
    EXPECT_I64(WK_RECORD_DIP_END, sink.event[3].event.kind);
}

static void counts_out_of_range_are_limited_and_flagged(void)
{
    static struct wk_chain chain;
    struct signal signal = signal_of(1, 4000, 50);
    signal.info.channel[1].range = 8388607;
    sink = (struct signal_sink){0};
    const struct wk_chain_config config = signal_config(&sink);
    struct wk_sample_fault fault;
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    signal_load(&signal, 0, 230, 5, 0);
    EXPECT_OK(signal_feed(&signal, &chain, 0, 1000, 64));
    const int32_t frames[] = {0, 8388607, 0, INT32_MIN, INT32_MAX, 0};
    EXPECT_OK(wk_chain_feed(&chain, frames, 3));
    EXPECT_OK(signal_feed(&signal, &chain, 1003, 1000, 64));
    EXPECT_OK(wk_chain_flush(&chain));
    EXPECT((sink.window[0].flags & WK_RECORD_CLIPPED) == 0);
    EXPECT((sink.window[1].flags & WK_RECORD_CLIPPED) != 0);
    /* a feed of nothing but extremes must not overflow anything */
    for (int n = 0; n < 4000; n++) {
        const int32_t full[2] = {n / 40 % 2 == 0 ? INT32_MAX : INT32_MIN, INT32_MIN};
        EXPECT_OK(wk_chain_feed(&chain, full, 1));
    }
    EXPECT_OK(wk_chain_flush(&chain));
}

static void a_gap_in_the_feed_lets_time_pass_and_is_flagged(void)
{
    static struct wk_chain chain;
    struct signal signal = signal_of(1, 4000, 50);
    signal_load(&signal, 0, 230, 5, 0);
    sink = (struct signal_sink){0};
    const struct wk_chain_config config = signal_config(&sink);
    struct wk_sample_fault fault;
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 1000, 64));
    EXPECT_OK(wk_chain_gap(&chain, 4000));
    EXPECT_OK(signal_feed(&signal, &chain, 5000, 1000, 64));
    EXPECT_OK(wk_chain_flush(&chain));
    EXPECT_I64(4, sink.windows);
    EXPECT((sink.window[1].flags & WK_RECORD_SHORT) != 0);
    EXPECT((sink.window[2].flags & WK_RECORD_FEED_GAP) != 0);
    EXPECT_I64(1250000, sink.window[2].t_us - sink.window[2].span_us);
    EXPECT_NEAR(230e3, sink.window[2].window.u_mv[0], 5);
}

static wk_err refuse_all(void *self, const struct wk_record *record)
{
    (void)self;
    (void)record;
    return WK_E_IO;
}

static void a_failed_sink_stops_the_chain_for_good(void)
{
    struct signal signal = signal_of(1, 4000, 50);
    struct wk_chain_config config = signal_config(&sink);
    config.sink.emit = refuse_all;
    EXPECT_ERR(WK_E_IO, signal_run(&signal, &config, 1));
}

static void an_interharmonic_does_not_keep_the_frequency_from_settling(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal_load(&signal, 0, 230, 10, 0);
    signal.channel[0].part[1] = (struct signal_part){2.3, 1.266, 40}; /* 1 % at 63.3 Hz */
    sink = (struct signal_sink){0};
    EXPECT_OK(signal_run(&signal, &config, 4));
    const struct wk_record *last = &sink.window[(sink.windows - 2) % SIGNAL_RECORDS];
    EXPECT((last->flags & WK_RECORD_ACQUIRING) == 0);
    EXPECT(fabs(last->window.frequency_uhz / 1e6 - 50) < 0.02);
}

static void a_wrong_front_end_is_refused_with_its_reason(void)
{
    static struct wk_chain chain;
    const struct wk_chain_config config = signal_config(&sink);
    struct wk_sample_fault fault;
    struct signal signal = signal_of(3, 4000, 50);
    struct wk_hal_frontend_info info = signal.info;
    info.rate_uhz = 999;
    EXPECT_ERR(WK_E_RANGE, wk_chain_init(&chain, &info, &config, &fault));
    EXPECT(strcmp(wk_refusal_text(fault.reason), "sample rate: must be 1 kHz to 50 kHz") == 0);
    info = signal.info;
    info.channel[4].phase = 0;
    EXPECT_ERR(WK_E_ARGUMENT, wk_chain_init(&chain, &info, &config, &fault));
    EXPECT_I64(4, fault.channel);
    info = signal.info;
    info.channel[2].gain.mantissa = 0;
    EXPECT_ERR(WK_E_RANGE, wk_chain_init(&chain, &info, &config, &fault));
    EXPECT_I64(2, fault.channel);
    info = signal.info;
    info.channel[0].gain.exponent = 4;
    info.channel[3].gain.exponent = 4;
    EXPECT_ERR(WK_E_RANGE, wk_chain_init(&chain, &info, &config, &fault));
    EXPECT_ERR(WK_E_STATE, wk_chain_flush(&chain));
}

WK_TEST_MAIN(
    T(sines_off_nominal_have_their_closed_form_values), T(any_rate_from_1_to_50_khz_is_metered),
    T(quadrants_fill_the_registers_of_their_signs), T(harmonics_count_in_p_and_not_in_q),
    T(dc_is_blocked_or_kept_as_configured), T(gain_offset_and_polarity_are_corrected),
    T(delays_of_channels_are_corrected_in_p_q_and_angles),
    T(the_summation_mode_decides_what_opposed_phases_give),
    T(a_missing_voltage_leaves_the_other_phases_metered),
    T(without_any_voltage_the_last_frequency_goes_on),
    T(the_frequency_is_found_from_either_nominal), T(steps_and_ramps_of_frequency_are_followed),
    T(windows_abut_and_time_is_that_of_the_samples),
    T(blocks_of_any_size_give_the_same_records), T(no_sample_is_lost_or_counted_twice),
    T(a_dip_has_its_depth_time_and_duration), T(a_swell_has_its_maximum),
    T(an_interruption_needs_all_phases), T(counts_out_of_range_are_limited_and_flagged),
    T(a_gap_in_the_feed_lets_time_pass_and_is_flagged),
    T(a_failed_sink_stops_the_chain_for_good),
    T(an_interharmonic_does_not_keep_the_frequency_from_settling),
    T(a_wrong_front_end_is_refused_with_its_reason))
