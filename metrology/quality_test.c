/* SPDX-License-Identifier: Apache-2.0
 *
 * Dips, swells and interruptions against the closed form of Urms(1/2): the integral of the
 * squared voltage between its own zero crossings. */
#include <stdlib.h>
#include <string.h>

#include "metrology/signal_test.h"
#include "tests/wk_test.h"

#define UDIN 230.0

/* Between two times a voltage is so many times as large. */
struct step {
    int phase;
    double from_s;
    double to_s;
    double factor;
};

#define STEPS 6

struct scene {
    double rate_hz;
    double f_hz;
    double u_v[3];
    double degrees[3];
    double h5; /* share of the fundamental */
    int phases;
    int steps;
    struct step step[STEPS];
    double seconds;
};

static struct signal_sink sink;
static struct wk_chain chain;

/* Where frames were fed up to when an event came, and Urms(1/2) as handed out. */
static uint64_t fed;
static double delay_worst; /* samples from the end of its cycle to the event */
static uint64_t mark_last;
static double urms_low[3];

static wk_err hear_half(void *self, const struct wk_quality_marks *marks)
{
    (void)self;
    for (int phase = 0; phase < 3; phase++) {
        if ((marks->phases & (1 << phase)) == 0) {
            continue;
        }
        const double urms = marks->urms_mv[phase] / 1e3;
        urms_low[phase] = fmin(urms_low[phase], urms);
        mark_last = marks->end_q16[phase];
    }
    return WK_OK;
}

static wk_err hear_frames(void *self, const int32_t *counts, size_t frames, uint64_t at)
{
    (void)self;
    (void)counts;
    fed = at + frames;
    return WK_OK;
}

static wk_err hear_window(void *self, const struct wk_record *record,
                          const struct wk_chain_place *next)
{
    (void)self;
    (void)record;
    (void)next;
    return WK_OK;
}

static wk_err hear_event(void *self, const struct wk_record *record)
{
    (void)self;
    (void)record;
    const double late = (double)fed - (double)mark_last / 65536;
    delay_worst = fmax(delay_worst, late);
    return WK_OK;
}

static wk_err hear_restart(void *self, const struct wk_chain_place *next)
{
    (void)self;
    (void)next;
    return WK_OK;
}

static double factor_at(const struct scene *scene, int phase, double t)
{
    double factor = 1;
    for (int i = 0; i < scene->steps; i++) {
        const struct step *step = &scene->step[i];
        if (step->phase == phase && t >= step->from_s && t < step->to_s) {
            factor = step->factor;
        }
    }
    return factor;
}

static double angle_at(const struct scene *scene, int phase, double t)
{
    return SIGNAL_TURN * (scene->f_hz * t + scene->degrees[phase] / 360);
}

/* Integral of the squared voltage of factor 1 from a to b. */
static double energy(const struct scene *scene, int phase, double a, double b)
{
    const double w = SIGNAL_TURN * scene->f_hz;
    const double u2 = scene->u_v[phase] * scene->u_v[phase];
    const double swing =
        sin(2 * angle_at(scene, phase, b)) - sin(2 * angle_at(scene, phase, a));
    return b > a ? u2 * (b - a + swing / (2 * w)) : 0;
}

/* Urms(1/2) of the cycle that begins at a. Only for steps that do not overlap. */
static double urms_truth(const struct scene *scene, int phase, double a)
{
    const double b = a + 1 / scene->f_hz;
    double sum = energy(scene, phase, a, b);
    for (int i = 0; i < scene->steps; i++) {
        const struct step *step = &scene->step[i];
        if (step->phase == phase) {
            sum += (step->factor * step->factor - 1) *
                   energy(scene, phase, fmax(a, step->from_s), fmin(b, step->to_s));
        }
    }
    return sqrt(sum * scene->f_hz);
}

/* Time of the first zero crossing of a phase at or after t. */
static double crossing(const struct scene *scene, int phase, double t)
{
    const double turns = scene->f_hz * t + scene->degrees[phase] / 360 - 0.25;
    return t + (ceil(turns * 2 - 1e-9) / 2 - turns) / scene->f_hz;
}

static double extreme_truth(const struct scene *scene, int phase, bool largest)
{
    double extreme = largest ? 0 : 1e9;
    for (double t = crossing(scene, phase, 0.3); t < scene->seconds - 0.1;
         t = crossing(scene, phase, t + 0.25 / scene->f_hz)) {
        const double urms = urms_truth(scene, phase, t);
        extreme = largest ? fmax(extreme, urms) : fmin(extreme, urms);
    }
    return extreme;
}

static struct scene scene_of(int phases, double rate_hz, double f_hz)
{
    return (struct scene){
        .rate_hz = rate_hz,
        .f_hz = f_hz,
        .phases = phases,
        .u_v = {UDIN, UDIN, UDIN},
        .degrees = {17, 17 - 120, 17 + 120},
        .seconds = 1.2,
    };
}

static void add_step(struct scene *scene, int phase, double from_s, double to_s, double factor)
{
    scene->step[scene->steps++] = (struct step){phase, from_s, to_s, factor};
}

static void play(const struct scene *scene)
{
    struct signal signal = signal_of(scene->phases, scene->rate_hz, scene->f_hz);
    struct wk_sample_fault fault;
    struct wk_chain_config config = signal_config(&sink);
    sink = (struct signal_sink){0};
    signal.info.nominal_mv = (int32_t)(UDIN * 1000);
    delay_worst = 0;
    mark_last = 0;
    fed = 0;
    for (int phase = 0; phase < 3; phase++) {
        urms_low[phase] = 1e9;
    }
    config.observer = (struct wk_chain_observer){
        .self = &sink,
        .frames = hear_frames,
        .window = hear_window,
        .half = hear_half,
        .event = hear_event,
        .restart = hear_restart,
    };
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    const size_t frames = (size_t)(scene->seconds * scene->rate_hz);
    int32_t frame[6] = {0};
    for (size_t n = 0; n < frames; n++) {
        const double t = (double)n / scene->rate_hz;
        for (int phase = 0; phase < scene->phases; phase++) {
            const double angle = angle_at(scene, phase, t);
            const double wave = cos(angle) + scene->h5 * cos(5 * angle);
            const double u = scene->u_v[phase] * sqrt(2.0) * wave;
            frame[phase] = (int32_t)lrint(factor_at(scene, phase, t) * u / 60e-6);
        }
        EXPECT_OK(wk_chain_feed(&chain, frame, 1));
    }
    EXPECT_OK(wk_chain_flush(&chain));
}

static const struct wk_record_event *event_of(size_t at)
{
    return &sink.event[at % SIGNAL_RECORDS].event;
}

/* ---- single events ----------------------------------------------------------------------- */

static double depth_worst;
static double span_worst; /* cycles */
static double late_worst; /* cycles */
static int scenes;

/* One dip or swell of phase 1 in a scene; what it must be is known. */
static void one_event(struct scene *scene, double degrees, double cycles, double factor)
{
    double from_s = crossing(scene, 1, 0.6) + degrees / 360 / scene->f_hz;
    if (degrees != 0) {
        /* between two samples, so that the samples show the step where it is */
        from_s = (floor(from_s * scene->rate_hz) + 0.5) / scene->rate_hz;
    }
    double to_s = from_s + cycles / scene->f_hz;
    if (degrees != 0) {
        to_s = (floor(to_s * scene->rate_hz) + 0.5) / scene->rate_hz;
    }
    scene->steps = 0;
    add_step(scene, 1, from_s, to_s, factor);
    play(scene);
    const bool swell = factor > 1;
    const double truth = extreme_truth(scene, 1, swell);
    if (swell ? truth < 1.1 * UDIN : truth > 0.9 * UDIN) {
        EXPECT_I64(0, sink.events);
        return;
    }
    EXPECT_I64(2, sink.events);
    const struct wk_record_event *end = event_of(1);
    EXPECT_I64(swell ? WK_RECORD_SWELL_END : WK_RECORD_DIP_END, end->kind);
    EXPECT_I64(2, end->phases);
    EXPECT_I64(event_of(0)->begin_us, end->begin_us);
    depth_worst = fmax(depth_worst, fabs(end->extreme_mv / 1e3 - truth) / UDIN * 100);
    const double span_off = fabs((double)end->duration_us * 1e-6 - (to_s - from_s));
    const double begin_off = fabs((double)end->begin_us * 1e-6 - from_s);
    span_worst = fmax(span_worst, span_off * scene->f_hz);
    late_worst = fmax(late_worst, begin_off * scene->f_hz);
    EXPECT_NEAR(0, begin_off * scene->f_hz, 0.5);
    EXPECT_NEAR(0, span_off * scene->f_hz, 0.5);
    scenes++;
}

static void the_test_set_has_its_depths_and_durations(void)
{
    static const double k_f[] = {42.5, 50, 57.5, 51, 60, 69};
    static const double k_cycles[] = {1, 1.5, 5, 10};
    static const double k_factor[] = {0.02, 0.4, 0.7, 0.85, 0.895, 1.12, 1.4};
    depth_worst = 0;
    span_worst = 0;
    late_worst = 0;
    scenes = 0;
    for (size_t f = 0; f < 6; f++) {
        for (size_t c = 0; c < 4; c++) {
            for (size_t k = 0; k < 7; k++) {
                struct scene scene = scene_of(3, 8000, k_f[f]);
                one_event(&scene, 0, k_cycles[c], k_factor[k]);
                one_event(&scene, 90, k_cycles[c], k_factor[k]);
            }
        }
    }
    EXPECT(scenes > 250);
    WK_TEST_FIGURE("dip_depth_error", depth_worst, "% Udin", "<= 0.1", depth_worst <= 0.1, 0);
    WK_TEST_FIGURE("dip_duration_error", span_worst, "cycles", "<= 0.5", span_worst <= 0.5, 0);
    WK_TEST_FIGURE("dip_begin_error", late_worst, "cycles", "<= 0.5", late_worst <= 0.5, 0);
    EXPECT(depth_worst <= 0.1);
}

static void any_rate_shows_a_dip_of_one_cycle(void)
{
    static const double k_rates[] = {2000, 6400, 32000};
    depth_worst = 0;
    for (int i = 0; i < 3; i++) {
        struct scene scene = scene_of(3, k_rates[i], 50);
        scene.seconds = 0.9;
        one_event(&scene, 0, 1, 0.3);
    }
    EXPECT_NEAR(0, depth_worst, 0.1);
}

static void thresholds_and_hysteresis_are_met(void)
{
    struct scene scene = scene_of(3, 8000, 50);
    add_step(&scene, 0, 0.5, 0.7, 0.902);
    play(&scene);
    EXPECT_I64(0, sink.events);
    scene.step[0].factor = 0.898;
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_NEAR(0.898 * UDIN * 1e3, event_of(1)->extreme_mv, 0.001 * UDIN * 1e3);
    /* back within the hysteresis only: it goes on */
    add_step(&scene, 0, 0.7, 0.9, 0.918);
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_NEAR(400000, event_of(1)->duration_us, 10000);
    /* back beyond it: it is over */
    scene.step[1].factor = 0.922;
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_NEAR(200000, event_of(1)->duration_us, 10000);
    scene = scene_of(3, 8000, 50);
    add_step(&scene, 2, 0.5, 0.7, 1.098);
    play(&scene);
    EXPECT_I64(0, sink.events);
    scene.step[0].factor = 1.102;
    add_step(&scene, 2, 0.7, 0.8, 1.082);
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_NEAR(300000, event_of(1)->duration_us, 10000);
}

/* ---- several phases ---------------------------------------------------------------------- */

static void a_dip_runs_from_the_first_phase_to_the_last(void)
{
    struct scene scene = scene_of(3, 8000, 49.7);
    add_step(&scene, 0, 0.5, 0.62, 0.7);
    add_step(&scene, 2, 0.6, 0.75, 0.5);
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_I64(5, event_of(1)->phases);
    EXPECT_NEAR(500000, event_of(1)->begin_us, 10000);
    EXPECT_NEAR(250000, event_of(1)->duration_us, 10000);
    EXPECT_NEAR(0.5 * UDIN * 1e3, event_of(1)->extreme_mv, 0.001 * UDIN * 1e3);
}

static void an_interruption_runs_from_the_last_phase_to_the_first(void)
{
    struct scene scene = scene_of(3, 8000, 50.2);
    add_step(&scene, 0, 0.50, 0.90, 0.01);
    add_step(&scene, 1, 0.52, 0.85, 0.02);
    play(&scene);
    EXPECT_I64(2, sink.events);
    EXPECT_I64(WK_RECORD_DIP_END, event_of(1)->kind);
    add_step(&scene, 2, 0.60, 0.95, 0.03);
    play(&scene);
    EXPECT_I64(4, sink.events);
    const struct wk_record_event *end = event_of(2);
    EXPECT_I64(WK_RECORD_INTERRUPTION_BEGIN, event_of(1)->kind);
    EXPECT_I64(WK_RECORD_INTERRUPTION_END, end->kind);
    EXPECT_NEAR(600000, end->begin_us, 10000);
    EXPECT_NEAR(250000, end->duration_us, 10000);
    EXPECT_I64(7, end->phases);
    EXPECT_NEAR(0.01 * UDIN * 1e3, end->extreme_mv, 0.001 * UDIN * 1e3);
    EXPECT_I64(WK_RECORD_DIP_END, event_of(3)->kind);
    EXPECT_NEAR(450000, event_of(3)->duration_us, 10000);
}

static void a_single_voltage_is_interrupted_alone(void)
{
    struct scene scene = scene_of(1, 8000, 50);
    add_step(&scene, 0, 0.5, 0.8, 0);
    play(&scene);
    EXPECT_I64(4, sink.events);
    EXPECT_I64(0, event_of(2)->extreme_mv);
    EXPECT_NEAR(300000, event_of(3)->duration_us, 10000);
}

/* ---- what must not disturb --------------------------------------------------------------- */

static void each_voltage_has_its_own_crossings(void)
{
    /* A dip of a cycle from zero crossing to zero crossing is full only in a cycle between the
     * crossings of its own phase. */
    for (int phase = 0; phase < 3; phase++) {
        struct scene scene = scene_of(3, 8000, 50.9);
        scene.degrees[1] = -95;
        scene.degrees[2] = 140;
        const double from_s = crossing(&scene, phase, 0.7);
        add_step(&scene, phase, from_s, from_s + 1 / scene.f_hz, 0.2);
        play(&scene);
        EXPECT_I64(2, sink.events);
        EXPECT_NEAR(0.2 * UDIN, urms_low[phase], 0.001 * UDIN);
        EXPECT_NEAR(0.2 * UDIN * 1e3, event_of(1)->extreme_mv, 0.001 * UDIN * 1e3);
    }
}

static void harmonics_and_unbalance_show_no_event(void)
{
    struct scene scene = scene_of(3, 8000, 51.3);
    scene.h5 = 0.1;
    scene.u_v[0] = 0.95 * UDIN;
    scene.u_v[2] = 1.05 * UDIN;
    play(&scene);
    EXPECT_I64(0, sink.events);
    EXPECT_NEAR(0.95 * UDIN * sqrt(1.01), urms_low[0], 0.001 * UDIN);
    EXPECT_NEAR(UDIN * sqrt(1.01), urms_low[1], 0.001 * UDIN);
}

static void an_event_is_there_as_soon_as_its_cycle_has_ended(void)
{
    struct scene scene = scene_of(3, 8000, 50);
    add_step(&scene, 1, 0.6, 0.8, 0.6);
    play(&scene);
    EXPECT_I64(2, sink.events);
    const double cycles = delay_worst / 8000 * 50;
    WK_TEST_FIGURE("event_delay", cycles, "cycles", "<= 0.5", cycles <= 0.5, 0);
    EXPECT_NEAR(0, cycles, 0.5);
    for (size_t n = 0; n < sink.events; n++) {
        const struct wk_record *record = &sink.event[n];
        const int64_t shown_us =
            record->event.begin_us + (n == 0 ? 0 : record->event.duration_us);
        EXPECT(record->t_us >= shown_us && record->t_us - shown_us <= 30000);
    }
}

static void samples_without_a_value_are_no_dip(void)
{
    struct signal signal = signal_of(3, 8000, 50);
    struct wk_sample_fault fault;
    struct wk_chain_config config = signal_config(&sink);
    sink = (struct signal_sink){0};
    signal.info.nominal_mv = 230000;
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    for (int n = 0; n < 9600; n++) {
        int32_t frame[6] = {0};
        for (int phase = 0; phase < 3; phase++) {
            const double u = 230 * sqrt(2.0) * cos(SIGNAL_TURN * (n / 160.0 - phase / 3.0));
            frame[phase] = (int32_t)lrint(u / 60e-6);
        }
        if (n >= 5000 && n < 6000) {
            frame[1] = WK_HAL_NO_COUNT;
        }
        EXPECT_OK(wk_chain_feed(&chain, frame, 1));
    }
    EXPECT_I64(2, sink.events);
    EXPECT_I64(WK_RECORD_NO_VALUE_BEGIN, event_of(0)->kind);
    EXPECT_I64(WK_RECORD_NO_VALUE_END, event_of(1)->kind);
}

static void a_gap_is_no_event_and_ends_none(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    signal.info.nominal_mv = 230000;
    signal_load(&signal, 0, 230, 5, 0);
    signal.scale[0] = 0.5;
    signal.scale_from_s = 0.6;
    signal.scale_to_s = 1.0;
    sink = (struct signal_sink){0};
    const struct wk_chain_config config = signal_config(&sink);
    struct wk_sample_fault fault;
    EXPECT_OK(wk_chain_init(&chain, &signal.info, &config, &fault));
    EXPECT_OK(signal_feed(&signal, &chain, 0, 3000, 64));
    EXPECT_OK(wk_chain_gap(&chain, 777));
    EXPECT_OK(signal_feed(&signal, &chain, 3777, 1800, 64));
    EXPECT_I64(1, sink.events);
    EXPECT_OK(wk_chain_gap(&chain, 800));
    EXPECT_OK(signal_feed(&signal, &chain, 6377, 3000, 64));
    EXPECT_I64(2, sink.events);
    EXPECT_NEAR(400000, event_of(1)->duration_us, 20000);
}

/* Counts of any size, in blocks of any size: the same marks and events, whatever they mean. */
static void any_counts_in_any_blocks_give_the_same(void)
{
    static int32_t counts[4000 * 6];
    const uint64_t step = wk_cycle_step_of(50000000, INT64_C(8000000000));
    const struct signal signal = signal_of(3, 8000, 50);
    const struct wk_quality_config config = wk_quality_usual(230000);
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    uint32_t sum[2] = {0};
    uint32_t seed = 20261121;
    EXPECT_OK(wk_sample_map_init(&map, &signal.info, &fault));
    for (size_t n = 0; n < 4000 * 6; n++) {
        seed = seed * 1664525U + 1013904223U;
        const uint32_t rare = seed >> 20; /* 0 to 4095 */
        counts[n] = rare == 0   ? WK_HAL_NO_COUNT
                    : rare == 1 ? INT32_MAX
                                : (int32_t)(seed ^ seed << 13) >> (n / 6000 * 3);
    }
    for (int run = 0; run < 2; run++) {
        static struct wk_quality quality;
        EXPECT_OK(wk_quality_init(&quality, &map, &config, false));
        for (size_t n = 0; n < 4000;) {
            struct wk_quality_marks marks; /* whatever was in it before */
            memset(&marks, run == 0 ? 0 : 0xFF, sizeof marks);
            const size_t block = run == 0 ? 4000 - n : 1 + n % 7;
            const size_t now = block < 4000 - n ? block : 4000 - n;
            n += wk_quality_feed(&quality, counts + n * 6, now, step, &marks);
            for (int phase = 0; phase < 3; phase++) {
                const bool marked = (marks.phases & (1 << phase)) != 0;
                sum[run] += marked ? (uint32_t)marks.urms_mv[phase] : 0;
            }
            for (int i = 0; i < marks.events; i++) {
                sum[run] = sum[run] * 31 + (uint32_t)marks.event[i].kind +
                           (uint32_t)marks.event[i].extreme_mv +
                           (uint32_t)marks.event[i].begin_q16;
            }
        }
    }
    EXPECT(sum[0] != 0);
    EXPECT_I64(sum[0], sum[1]);
}

static void wrong_thresholds_are_refused(void)
{
    struct signal signal = signal_of(1, 8000, 50);
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    static struct wk_quality quality;
    EXPECT_OK(wk_sample_map_init(&map, &signal.info, &fault));
    struct wk_quality_config config = wk_quality_usual(230000);
    EXPECT_OK(wk_quality_init(&quality, &map, &config, true));
    config.dip_ppm = 1000000;
    EXPECT_ERR(WK_E_RANGE, wk_quality_init(&quality, &map, &config, true));
    config = wk_quality_usual(230000);
    config.interruption_ppm = 950000;
    EXPECT_ERR(WK_E_RANGE, wk_quality_init(&quality, &map, &config, true));
    config = wk_quality_usual(230000);
    config.swell_ppm = 2000001;
    EXPECT_ERR(WK_E_RANGE, wk_quality_init(&quality, &map, &config, true));
    config = wk_quality_usual(230000);
    config.hysteresis_ppm = 100001;
    EXPECT_ERR(WK_E_RANGE, wk_quality_init(&quality, &map, &config, true));
}

WK_TEST_MAIN(T(the_test_set_has_its_depths_and_durations), T(any_rate_shows_a_dip_of_one_cycle),
             T(thresholds_and_hysteresis_are_met),
             T(a_dip_runs_from_the_first_phase_to_the_last),
             T(an_interruption_runs_from_the_last_phase_to_the_first),
             T(a_single_voltage_is_interrupted_alone), T(each_voltage_has_its_own_crossings),
             T(harmonics_and_unbalance_show_no_event),
             T(an_event_is_there_as_soon_as_its_cycle_has_ended),
             T(samples_without_a_value_are_no_dip), T(a_gap_is_no_event_and_ends_none),
             T(any_counts_in_any_blocks_give_the_same), T(wrong_thresholds_are_refused))
