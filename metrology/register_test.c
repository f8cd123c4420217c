/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define RATE_HZ   8000
#define START_US  INT64_C(1770000000000000) /* a full hour */
#define TENTH_PPM 1e-7

static struct signal_sink sink;

static double off(double value, double truth)
{
    return fabs(value / truth - 1);
}

static const struct wk_record *window_at(size_t n)
{
    return &sink.window[n % SIGNAL_RECORDS];
}

static size_t events_of(uint32_t kind)
{
    size_t count = 0;
    for (size_t n = 0; n < sink.events && n < SIGNAL_RECORDS; n++) {
        count += sink.event[n].event.kind == kind ? 1 : 0;
    }
    return count;
}

static wk_err run(const struct signal *signal, const struct wk_chain_config *config,
                  double seconds)
{
    sink = (struct signal_sink){0};
    return signal_run(signal, config, seconds);
}

static double cos_degrees(double degrees)
{
    return cos(degrees * SIGNAL_TURN / 360);
}

/* ---- what the registers hold ------------------------------------------------------------- */

static void active_energy_of_the_fundamental_is_kept_apart(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal_load(&signal, 0, 230, 10, 0);
    signal.channel[0].part[1] = (struct signal_part){23, 5, 0};
    signal.channel[1].part[1] = (struct signal_part){4, 5, 0};
    EXPECT_OK(run(&signal, &config, 4));
    const double wh1 = 230.0 * 10 * 4 / 3600;
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 1.04 * wh1) < TENTH_PPM * 50);
    EXPECT(off((double)sink.energy.import1_uwh / 1e6, wh1) < TENTH_PPM * 50);
    EXPECT_I64(0, sink.energy.export_uwh);
    const double u = sqrt(230 * 230 + 23 * 23);
    const double i = sqrt(10 * 10 + 4 * 4);
    EXPECT(off((double)sink.energy.import_uvah / 1e6, u * i * 4 / 3600) < TENTH_PPM * 50);
}

static void a_harmonic_fed_back_lowers_the_total_but_not_the_fundamental(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal_load(&signal, 0, 230, 10, 0);
    signal.channel[0].part[1] = (struct signal_part){23, 5, 0};
    signal.channel[1].part[1] = (struct signal_part){4, 5, 180};
    EXPECT_OK(run(&signal, &config, 4));
    const double wh1 = 230.0 * 10 * 4 / 3600;
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 0.96 * wh1) < TENTH_PPM * 50);
    EXPECT(off((double)sink.energy.import1_uwh / 1e6, wh1) < TENTH_PPM * 50);
}

static void apparent_energy_follows_the_summation(void)
{
    struct signal signal = signal_of(3, RATE_HZ, 50);
    struct wk_chain_config config = signal_config(&sink);
    signal_load(&signal, 0, 230, 10, 60);
    signal_load(&signal, 1, 230, 10, -60);
    signal_load(&signal, 2, 230, 5, 0);
    EXPECT_OK(run(&signal, &config, 2));
    const double s = 230.0 * 2 / 3600;
    /* Q of L1 and L2 cancel: what is left is P of all three. */
    EXPECT(off((double)sink.energy.import_uvah / 1e6, s * (5 + 5 + 5)) < 1e-6);
    config.summation = WK_ENERGY_ARITHMETIC;
    EXPECT_OK(run(&signal, &config, 2));
    EXPECT(off((double)sink.energy.import_uvah / 1e6, s * (10 + 10 + 5)) < 1e-6);
}

static void pulses_times_constant_are_the_energy(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    struct wk_chain_config config = signal_config(&sink);
    config.pulse_constant = 100000;
    signal_load(&signal, 0, 230, 40, 0);
    EXPECT_OK(run(&signal, &config, 5));
    EXPECT_I64(sink.energy.import_uwh / 10000, sink.pulses);
    EXPECT_I64(0, wk_pulse_due(10, 0, 200));
    EXPECT_I64(5, wk_pulse_due(10, 100, 200));
    EXPECT_I64(10, wk_pulse_due(10, 500, 200));
}

/* ---- starting and no-load ---------------------------------------------------------------- */

static uint32_t noise_state;

/* Adds noise of +-`counts` to a frame's currents. */
static wk_err feed_noise(struct signal *signal, struct wk_chain *chain, double seconds,
                         int32_t noise)
{
    const size_t frames = (size_t)(seconds * RATE_HZ);
    for (size_t n = 0; n < frames; n++) {
        int32_t counts[WK_HAL_CHANNELS];
        for (int at = 0; at < signal->info.channels; at++) {
            counts[at] = signal_count(signal, at, (double)n / RATE_HZ);
            noise_state = noise_state * 1664525 + 1013904223;
            counts[at] +=
                (int32_t)((int64_t)(noise_state >> 8) * (2 * noise + 1) >> 24) - noise;
        }
        WK_TRY(wk_chain_feed(chain, counts, 1));
    }
    return wk_chain_flush(chain);
}

static void no_load_does_not_creep_and_the_starting_current_is_metered(void)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    struct signal signal = signal_of(1, RATE_HZ, 50);
    struct wk_chain_config config = signal_config(&sink);
    config.start_ua = 12000; /* 0.6 of 0.004 Ib, Ib = 5 A */
    signal_load(&signal, 0, 264.5, 0, 0);
    signal.channel[1].dc = 0.5; /* an offset is no current */
    noise_state = 20261121;
    sink = (struct signal_sink){0};
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(feed_noise(&signal, &chain, 20, 400)); /* +-4 mA */
    EXPECT_I64(0, sink.energy.import_uwh + sink.energy.export_uwh);
    EXPECT_I64(0, sink.energy.import_uvah);
    signal_load(&signal, 0, 230, 0.02, 0);
    sink = (struct signal_sink){0};
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(feed_noise(&signal, &chain, 20, 400));
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 230 * 0.02 * 20 / 3600) < 0.002);
}

static void a_load_that_goes_off_stops_the_registers_with_hysteresis(void)
{
    struct wk_creep creep;
    wk_creep_init(&creep, 12000);
    EXPECT(!wk_creep_step(&creep, 0, 11000));
    EXPECT(wk_creep_step(&creep, 0, 5000000));
    int windows = 0;
    while (windows < 1000 && wk_creep_step(&creep, 0, 10500)) {
        windows++;
    }
    EXPECT_I64(1000, windows); /* above 5/6 of the threshold it goes on */
    while (windows < 3000 && wk_creep_step(&creep, 0, 9000)) {
        windows++;
    }
    EXPECT(windows < 2000);
}

/* ---- sensors ----------------------------------------------------------------------------- */

static void a_current_dependent_error_is_corrected_in_every_register(void)
{
    static const double k_current[] = {0.5, 2, 5, 20};
    for (size_t k = 0; k < sizeof k_current / sizeof k_current[0]; k++) {
        const double i = k_current[k];
        struct signal signal = signal_of(1, RATE_HZ, 50);
        const struct wk_chain_config config = signal_config(&sink);
        struct wk_hal_channel *channel = &signal.info.channel[1];
        channel->curve_points = 3;
        channel->curve[0] = (struct wk_hal_curve_point){1000000, -3000, 400000};
        channel->curve[1] = (struct wk_hal_curve_point){3000000, -1000, 200000};
        channel->curve[2] = (struct wk_hal_curve_point){9000000, 500, -50000};
        /* what the sensor at this current does: by hand, between the points */
        const double ppm = i < 1 ? -3000 : i < 3 ? -2000.33 : i < 9 ? -500 : 500;
        const double degrees = i < 1 ? 0.4 : i < 3 ? 0.30 : i < 9 ? 0.2 - 0.25 / 3 : -0.05;
        const double gain = 1 + (i > 1 && i < 3 ? -2000 : ppm) / 1e6;
        signal_load(&signal, 0, 230, i * gain, 60 + degrees);
        EXPECT_OK(run(&signal, &config, 2));
        const double p_wh = 230 * i * 0.5 * 2 / 3600;
        /* the curve is looked up at what is read, which is off by the error itself */
        EXPECT(off((double)sink.energy.import_uwh / 1e6, p_wh) < 2e-5);
        EXPECT(off((double)sink.energy.q_uvarh[0] / 1e6, p_wh * sqrt(3)) < 2e-5);
        EXPECT(off((double)window_at(2)->window.i_ua[0] / 1e6, i) < 2e-5);
        EXPECT(fabs((double)window_at(2)->window.i_mdeg[0] / 1e3 + 60) < 0.002);
    }
}

static void a_wrong_curve_is_refused_with_its_reason(void)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal.info.channel[1].curve_points = 2;
    signal.info.channel[1].curve[0].i_ua = 5;
    signal.info.channel[1].curve[1].i_ua = 5;
    EXPECT_ERR(WK_E_ARGUMENT, wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_I64(1, fault.channel);
    EXPECT(strstr(wk_refusal_text(fault.reason), "curve") != NULL);
}

/* ---- quantities -------------------------------------------------------------------------- */

static void symmetrical_components_are_those_of_the_closed_form(void)
{
    /* IEC 61000-4-30 influence state 2: 73/80/87 % at exact angles */
    static const double k_part[3] = {0.73, 0.80, 0.87};
    struct signal signal = signal_of(3, RATE_HZ, 49);
    const struct wk_chain_config config = signal_config(&sink);
    double re[3] = {0};
    double im[3] = {0};
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230 * k_part[phase], 10 + phase, 30);
        for (int k = 0; k < 3; k++) {
            const double turn = -120.0 * phase + 120.0 * k * phase;
            re[k] += 230 * k_part[phase] * cos_degrees(turn) / 3;
            im[k] += 230 * k_part[phase] * cos_degrees(turn - 90) / 3;
        }
    }
    EXPECT_OK(run(&signal, &config, 2));
    const struct wk_record_window *window = &window_at(5)->window;
    double length[3];
    for (int k = 0; k < 3; k++) {
        length[k] = sqrt(re[k] * re[k] + im[k] * im[k]);
        EXPECT(fabs(window->u_sequence_mv[k] / 1e3 - length[k]) < 0.002);
    }
    EXPECT(fabs(window->u2_ppm / 1e6 - length[2] / length[1]) < 1e-5);
    EXPECT(fabs(window->u0_ppm / 1e6 - length[0] / length[1]) < 1e-5);
    /* 10, 11, 12 A at 120 degrees: |sum| = sqrt(3) */
    EXPECT(fabs((double)window->in_ua / 1e6 - sqrt(3)) < 1e-4);
    EXPECT(fabs(window->dpf_e6[0] - 866025.4) < 2);
    EXPECT(fabs(window->u1_mv[1] / 1e3 - 184) < 0.001);
}

static void every_published_set_agrees_with_itself(void)
{
    for (int lag = -60; lag <= 240; lag += 37) {
        struct signal signal = signal_of(3, RATE_HZ, 50.3);
        const struct wk_chain_config config = signal_config(&sink);
        for (int phase = 0; phase < 3; phase++) {
            signal_load(&signal, phase, 231.7, 3.3 * (phase + 1), lag);
            signal.channel[3 + phase].part[1] = (struct signal_part){1, 3, 70};
        }
        EXPECT_OK(run(&signal, &config, 1));
        for (size_t n = 0; n < sink.windows; n++) {
            const struct wk_record_window *w = &window_at(n)->window;
            for (int phase = 0; phase < 3; phase++) {
                const double p = w->u_mv[phase] / 1e3 * ((double)w->i_ua[phase] / 1e6) *
                                 (w->pf_e6[phase] / 1e6);
                EXPECT(fabs(p - (double)w->p_mw[phase] / 1e3) <
                       0.01 + 1e-5 * (double)w->s_mva[phase] / 1e3);
            }
        }
    }
}

static void a_negative_gain_turns_the_angle(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal.info.channel[1].gain.mantissa *= -1;
    signal_load(&signal, 0, 230, 10, 30);
    EXPECT_OK(run(&signal, &config, 1));
    const struct wk_record_window *window = &window_at(2)->window;
    EXPECT(fabs(window->i_mdeg[0] / 1e3 + 30) < 0.002);
    EXPECT(window->p_mw[0] > 0 && window->q1_mvar[0] > 0);
}

/* ---- symmetries -------------------------------------------------------------------------- */

static void turning_the_phases_around_turns_the_registers_with_them(void)
{
    struct wk_record_energy energy[3];
    for (int turn = 0; turn < 3; turn++) {
        struct signal signal = signal_of(3, RATE_HZ, 50);
        const struct wk_chain_config config = signal_config(&sink);
        for (int phase = 0; phase < 3; phase++) {
            signal_load(&signal, phase, 230 + (phase + turn) % 3, 5 + (phase + turn) % 3, 25);
        }
        EXPECT_OK(run(&signal, &config, 2));
        energy[turn] = sink.energy;
    }
    EXPECT(off((double)energy[1].import_uwh, (double)energy[0].import_uwh) < 1e-6);
    EXPECT(off((double)energy[2].import_uwh, (double)energy[0].import_uwh) < 1e-6);
    EXPECT(off((double)energy[2].q_uvarh[0], (double)energy[0].q_uvarh[0]) < 1e-6);
}

static void twice_the_current_is_twice_the_energy(void)
{
    struct wk_record_energy energy[2];
    for (int k = 0; k < 2; k++) {
        struct signal signal = signal_of(1, RATE_HZ, 49.6);
        const struct wk_chain_config config = signal_config(&sink);
        signal_load(&signal, 0, 230, 8 * (k + 1), 60);
        EXPECT_OK(run(&signal, &config, 2));
        energy[k] = sink.energy;
    }
    EXPECT(off((double)energy[1].import_uwh, 2 * (double)energy[0].import_uwh) < 1e-6);
    EXPECT(llabs(energy[1].q_uvarh[0] - 2 * energy[0].q_uvarh[0]) <= 3); /* uvarh */
}

static void the_whole_root_is_exact(void)
{
    uint64_t state = 20261121;
    for (int n = 0; n < 20000; n++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t square = state >> (n % 64);
        const uint64_t root = wk_angle_root(square);
        EXPECT(root * root <= square);
        EXPECT(root == UINT32_MAX || (root + 1) * (root + 1) > square);
    }
    EXPECT_I64(UINT32_MAX, wk_angle_root(UINT64_MAX));
    EXPECT_I64(0, wk_angle_root(0));
}

/* ---- guards ------------------------------------------------------------------------------ */

struct spoilt {
    int channel;
    size_t from;
    size_t frames;
    int32_t count;
    bool hold; /* the count at `from` stays */
};

static wk_err run_spoilt(const struct signal *signal, const struct wk_chain_config *config,
                         double seconds, const struct spoilt *spoilt)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    const size_t frames = (size_t)(seconds * RATE_HZ);
    sink = (struct signal_sink){0};
    WK_TRY(wk_chain_init(&chain, &signal->info, config, &fault));
    for (size_t n = 0; n < frames; n++) {
        int32_t counts[WK_HAL_CHANNELS];
        const bool is_spoilt = n >= spoilt->from && n < spoilt->from + spoilt->frames;
        for (int at = 0; at < signal->info.channels; at++) {
            counts[at] = signal_count(signal, at, (double)n / RATE_HZ);
        }
        if (is_spoilt) {
            counts[spoilt->channel] =
                spoilt->hold ? signal_count(signal, spoilt->channel, 0.005 + 0.02 * 20)
                             : spoilt->count;
        }
        WK_TRY(wk_chain_feed(&chain, counts, 1));
    }
    return wk_chain_flush(&chain);
}

static void saturated_samples_enter_no_register_and_are_not_lost(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    const struct spoilt spoilt = {.channel = 1, .from = 4100, .frames = 3, .count = 8388607};
    signal.info.channel[1].range = 8388607;
    signal_load(&signal, 0, 230, 10, 0);
    EXPECT_OK(run_spoilt(&signal, &config, 2, &spoilt));
    const double wh = 230.0 * 10 * 2 / 3600;
    EXPECT(off((double)sink.energy.import_uwh / 1e6, wh * 0.9) < 1e-4);
    EXPECT(sink.withheld.import_uwh > 0);
    EXPECT_I64(3, sink.withheld_samples);
    EXPECT_I64(1, events_of(WK_RECORD_SATURATION_BEGIN));
    EXPECT_I64(1, events_of(WK_RECORD_SATURATION_END));
    EXPECT_I64(1 << WK_SAMPLE_I, sink.event[0].event.channels);
    EXPECT_I64(0, sink.energy.export_uwh);
    /* reported within half a cycle of the samples */
    EXPECT(sink.event[0].t_us - INT64_C(4103) * 125 <= 10000);
}

static void a_sample_without_a_value_is_withheld_and_reported(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    const struct spoilt spoilt = {
        .channel = 0, .from = 4100, .frames = 1, .count = WK_HAL_NO_COUNT};
    signal_load(&signal, 0, 230, 10, 0);
    EXPECT_OK(run_spoilt(&signal, &config, 2, &spoilt));
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 230.0 * 10 * 1.8 / 3600) < 1e-4);
    EXPECT_I64(1, events_of(WK_RECORD_NO_VALUE_BEGIN));
    EXPECT_I64(1, events_of(WK_RECORD_NO_VALUE_END));
    EXPECT_I64(1, sink.event[0].event.channels);
    /* the one sample is missing from what was seen, the rest of the window is there */
    EXPECT(off((double)sink.withheld.import_uwh / 1e6, 230.0 * 10 * 0.2 / 3600) < 0.01);
}

static void an_implausible_current_enters_no_register(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    struct wk_chain_config config = signal_config(&sink);
    config.guard = (struct wk_guard_config){.u_max_mv = 276000, .i_max_ua = 20000000};
    signal_load(&signal, 0, 230, 25, 0);
    EXPECT_OK(run(&signal, &config, 2));
    EXPECT_I64(0, sink.energy.import_uwh);
    EXPECT(off((double)sink.withheld.import_uwh / 1e6, 230.0 * 25 * 2 / 3600) < 1e-5);
    EXPECT_I64(1, events_of(WK_RECORD_IMPLAUSIBLE_BEGIN));
    signal_load(&signal, 0, 230, 23.9, 0); /* within the margin of a fifth */
    EXPECT_OK(run(&signal, &config, 2));
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 230.0 * 23.9 * 2 / 3600) < 1e-5);
}

static void a_stuck_channel_is_reported(void)
{
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    const struct spoilt spoilt = {.channel = 1, .from = 4000, .frames = 12000, .hold = true};
    signal.info.channel[1].range = 8388607;
    signal_load(&signal, 0, 230, 30, 90);
    EXPECT_OK(run_spoilt(&signal, &config, 2, &spoilt));
    EXPECT_I64(1, events_of(WK_RECORD_STUCK_BEGIN));
    EXPECT_I64(0, events_of(WK_RECORD_STUCK_END));
    EXPECT_I64(0, events_of(WK_RECORD_SATURATION_BEGIN));
    EXPECT_I64(1 << WK_SAMPLE_I, sink.event[0].event.channels);
}

/* ---- trouble with the feed --------------------------------------------------------------- */

static void a_new_sample_rate_is_an_event_and_energy_goes_on(void)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal.info.start_us = START_US + 1000000;
    signal_load(&signal, 0, 230, 10, 0);
    sink = (struct signal_sink){0};
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 8000, SIGNAL_BLOCK));
    const struct wk_hal_trouble trouble = {.kind = WK_HAL_FEED_RATE,
                                           .rate_uhz = INT64_C(4000000000)};
    EXPECT_OK(wk_chain_trouble(&chain, &trouble, &signal.info));
    signal.info.rate_uhz = trouble.rate_uhz;
    EXPECT_OK(signal_feed(&signal, &chain, 4000, 4000, SIGNAL_BLOCK));
    EXPECT_OK(wk_chain_flush(&chain));
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 230.0 * 10 * 2 / 3600) < 1e-4);
    EXPECT_I64(1, events_of(WK_RECORD_FEED_RATE));
    EXPECT_I64(4000000, sink.event[0].event.value);
    const struct wk_record *last = window_at(sink.windows - 1);
    EXPECT_I64(signal.info.start_us + 2000000, last->t_us);
    EXPECT(fabs(last->window.frequency_uhz / 1e6 - 50) < 1e-3);
}

static void lost_samples_and_a_reset_are_events_and_time_passes(void)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    struct signal signal = signal_of(1, RATE_HZ, 50);
    const struct wk_chain_config config = signal_config(&sink);
    signal.info.start_us = START_US + 1000000;
    signal_load(&signal, 0, 230, 10, 0);
    sink = (struct signal_sink){0};
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 8000, SIGNAL_BLOCK));
    const struct wk_hal_trouble lost = {.kind = WK_HAL_FEED_LOST, .frames = 800};
    EXPECT_OK(wk_chain_trouble(&chain, &lost, &signal.info));
    EXPECT_OK(signal_feed(&signal, &chain, 8800, 8000, SIGNAL_BLOCK));
    const struct wk_hal_trouble reset = {.kind = WK_HAL_FEED_RESET, .frames = 16};
    EXPECT_OK(wk_chain_trouble(&chain, &reset, &signal.info));
    EXPECT_OK(signal_feed(&signal, &chain, 16816, 8000, SIGNAL_BLOCK));
    EXPECT_OK(wk_chain_flush(&chain));
    EXPECT_I64(1, events_of(WK_RECORD_FEED_LOST));
    EXPECT_I64(1, events_of(WK_RECORD_FEED_RESET));
    EXPECT_I64(800, sink.event[0].event.value);
    EXPECT(llabs(sink.event[0].event.duration_us - 100000) <= 1);
    EXPECT(off((double)sink.energy.import_uwh / 1e6, 230.0 * 10 * 3 / 3600) < 1e-4);
    EXPECT_I64(signal.info.start_us + 3102000, window_at(sink.windows - 1)->t_us);
}

/* ---- the clock tick ---------------------------------------------------------------------- */

static void a_block_begins_at_the_tick_and_overlaps_the_old_one(void)
{
    struct signal signal = signal_of(3, RATE_HZ, 49.97);
    const struct wk_chain_config config = signal_config(&sink);
    signal.info.start_us = START_US - 2000000 + 71234; /* 1.93 s before the tick */
    for (int phase = 0; phase < 3; phase++) {
        signal_load(&signal, phase, 230, 10, 60);
    }
    EXPECT_OK(run(&signal, &config, 4));
    size_t straddling = 0;
    int64_t frames = 0;
    for (size_t n = 0; n < sink.windows; n++) {
        const struct wk_record *record = window_at(n);
        frames += record->window.samples;
        if (n > 0 && (record->flags & WK_RECORD_SHORT) == 0) {
            EXPECT_I64(230000, record->window.u_mv[0]);
            EXPECT(fabs((double)record->window.p_mw[0] / 1e3 - 1150) < 0.02);
            EXPECT(fabs(record->window.u_mdeg[1] / 1e3 + 120) < 0.002);
        }
        straddling = (record->flags & WK_RECORD_OVERLAP) != 0 ? n : straddling;
    }
    EXPECT(llabs(frames - 32000) <= 1); /* each is rounded by itself */
    EXPECT(straddling > 0);
    const struct wk_record *old = window_at(straddling);
    const struct wk_record *fresh = window_at(straddling + 1);
    const struct wk_record *after = window_at(straddling + 2);
    EXPECT(old->t_us > START_US && old->t_us - old->span_us < START_US);
    EXPECT_I64(10, old->window.cycles);
    EXPECT(fresh->window.cycles < 10 && fresh->window.cycles > 0);
    EXPECT_I64(10, after->window.cycles);
    /* ten cycles before its end the new block began: within a cycle after the tick */
    const int64_t begin_us = fresh->t_us - (int64_t)(10e6 / 49.97);
    EXPECT(begin_us >= START_US - 2 && begin_us <= START_US + 20020);
    EXPECT(off(sink.total_wh, 3 * 1150.0 * 4 / 3600) < 1e-4);
}

WK_TEST_MAIN(T(active_energy_of_the_fundamental_is_kept_apart),
             T(a_harmonic_fed_back_lowers_the_total_but_not_the_fundamental),
             T(apparent_energy_follows_the_summation), T(pulses_times_constant_are_the_energy),
             T(no_load_does_not_creep_and_the_starting_current_is_metered),
             T(a_load_that_goes_off_stops_the_registers_with_hysteresis),
             T(a_current_dependent_error_is_corrected_in_every_register),
             T(a_wrong_curve_is_refused_with_its_reason),
             T(symmetrical_components_are_those_of_the_closed_form),
             T(every_published_set_agrees_with_itself), T(a_negative_gain_turns_the_angle),
             T(turning_the_phases_around_turns_the_registers_with_them),
             T(twice_the_current_is_twice_the_energy), T(the_whole_root_is_exact),
             T(saturated_samples_enter_no_register_and_are_not_lost),
             T(a_sample_without_a_value_is_withheld_and_reported),
             T(an_implausible_current_enters_no_register), T(a_stuck_channel_is_reported),
             T(a_new_sample_rate_is_an_event_and_energy_goes_on),
             T(lost_samples_and_a_reset_are_events_and_time_passes),
             T(a_block_begins_at_the_tick_and_overlaps_the_old_one))
