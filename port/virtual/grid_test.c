/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "metrology/chain.h"
#include "port/virtual/grid.h"
#include "tests/wk_test.h"

#define KEATING WK_SOURCE_DIR "/data/keating/keating_1999.CFG"
#define MINUTES WK_SOURCE_DIR "/data/uci/household_1min_2days.txt"
#define BLOCK   4000
#define SEED    20070201

static struct wk_recording recording;
static struct wk_recording_fault fault;
static struct wk_chain chain;

/* What a run of the chain gave. */
struct sum {
    struct wk_record first;
    struct wk_record last;
    struct wk_record whole; /* the last that was not short */
    size_t windows;
    size_t odd_flags; /* windows with flags other than those of the first and the last */
    int64_t import_uwh;
    int64_t export_uwh;
    int64_t inductive_uvarh;
};

static struct sum sum;

static wk_err take(void *self, const struct wk_record *record)
{
    (void)self;
    if (record->kind != WK_RECORD_WINDOW) {
        return WK_OK;
    }
    sum.first = sum.windows == 0 ? *record : sum.first;
    sum.last = *record;
    sum.whole = (record->flags & WK_RECORD_SHORT) == 0 ? *record : sum.whole;
    sum.windows++;
    const uint32_t ends =
        WK_RECORD_FEED_START | WK_RECORD_SHORT | WK_RECORD_ACQUIRING | WK_RECORD_OVERLAP;
    sum.odd_flags += (record->flags & ~ends) != 0 ? 1 : 0;
    sum.import_uwh += record->window.total.import_uwh;
    sum.export_uwh += record->window.total.export_uwh;
    sum.inductive_uvarh += record->window.total.q_uvarh[0] + record->window.total.q_uvarh[1];
    return WK_OK;
}

static wk_err run(const struct wk_hal_frontend *frontend, wk_quantity_dc dc, size_t frames)
{
    static int32_t counts[BLOCK * WK_HAL_CHANNELS];
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault why;
    sum = (struct sum){0};
    config.dc = dc;
    config.sink.emit = take;
    WK_TRY(wk_chain_init(&chain, frontend->info, &config, &why));
    while (frames > 0) {
        size_t got;
        const size_t wanted = frames < BLOCK ? frames : BLOCK;
        WK_TRY(frontend->read(frontend->self, counts, wanted, &got));
        WK_TRY(wk_chain_feed(&chain, counts, got));
        frames = got > 0 ? frames - got : 0;
    }
    return wk_chain_flush(&chain);
}

/* Computed independently, see data/keating/README.md; DC included. */
static const double k_u_v[3] = {348.951, 352.224, 345.953};
static const double k_i_a[3] = {126.108, 151.832, 166.696};
static const double k_p_w[3] = {40500.22, 49502.44, 53633.93};
static const double k_s_va[3] = {44005.48, 53478.72, 57668.96};
static const double k_q1_var[3] = {16346.88, 16897.20, 20833.27};
static const double k_u_deg[3] = {115.800, -5.106, -125.502};
static const double k_i_deg[3] = {93.807, -23.955, -146.737};

static void worse(double *worst, double error)
{
    *worst = fabs(error) > *worst ? fabs(error) : *worst;
}

static double degrees_off(int32_t mdeg, int32_t reference_mdeg, double wanted)
{
    const double off = ((double)mdeg + reference_mdeg) / 1e3 - wanted;
    return off - 360 * floor(off / 360 + 0.5);
}

static void the_real_recording_has_its_independent_values(void)
{
    struct wk_recording_source source;
    double rms = 0;
    double power = 0;
    double reactive = 0;
    double degrees = 0;
    EXPECT_OK(wk_recording_open(&recording, KEATING, &fault));
    const struct wk_recording_choice choice = wk_recording_choose(&recording);
    EXPECT_OK(wk_recording_source_init(&source, &recording, &choice));
    EXPECT_OK(run(&source.frontend, WK_QUANTITY_DC_KEEP, recording.frames));
    const struct wk_record_window *w = &sum.last.window;
    for (int phase = 0; phase < 3; phase++) {
        worse(&rms, w->u_mv[phase] / 1e3 / k_u_v[phase] - 1);
        worse(&rms, (double)w->i_ua[phase] / 1e6 / k_i_a[phase] - 1);
        worse(&power, (double)w->p_mw[phase] / 1e3 / k_p_w[phase] - 1);
        worse(&power, (double)w->s_mva[phase] / 1e3 / k_s_va[phase] - 1);
        worse(&reactive, (double)w->q1_mvar[phase] / 1e3 / k_q1_var[phase] - 1);
        worse(&degrees, degrees_off(w->u_mdeg[phase], w->reference_mdeg, k_u_deg[phase]));
        worse(&degrees, degrees_off(w->i_mdeg[phase], w->reference_mdeg, k_i_deg[phase]));
    }
    WK_TEST_FIGURE("keating_rms_error", rms * 100, "%", "<= 0.05", rms <= 5e-4, 0);
    WK_TEST_FIGURE("keating_p_s_error", power * 100, "%", "<= 0.05", power <= 5e-4, 0);
    WK_TEST_FIGURE("keating_q1_error", reactive * 100, "%", "<= 0.1", reactive <= 1e-3, 0);
    WK_TEST_FIGURE("keating_angle_error", degrees, "deg", "<= 0.05", degrees <= 0.05, 0);
    EXPECT(rms <= 5e-4 && power <= 5e-4 && reactive <= 1e-3 && degrees <= 0.05);
    EXPECT_I64(4, w->cycles);
    EXPECT_NEAR(59.971e6, w->frequency_uhz, 2000);
    /* without the recorder's offset the second current reads less: by its DC of -10.930 A */
    EXPECT_OK(wk_recording_source_init(&source, &recording, &choice));
    EXPECT_OK(run(&source.frontend, WK_QUANTITY_DC_BLOCK, recording.frames));
    EXPECT_NEAR(sqrt(151.832 * 151.832 - 10.930 * 10.930), (double)w->i_ua[1] / 1e6, 0.01);
    wk_recording_free(&recording);
}

static void a_loop_is_whole_cycles_and_keeps_what_was_recorded(void)
{
    struct wk_grid_replay replay;
    EXPECT_OK(wk_recording_open(&recording, KEATING, &fault));
    const struct wk_recording_choice choice = wk_recording_choose(&recording);
    EXPECT_OK(wk_grid_replay_init(&replay, &recording, &choice, 1700000000000000, &fault));
    EXPECT_I64(4, replay.cycles);
    EXPECT_I64(2048, replay.frames);
    EXPECT_NEAR(59.971, replay.recorded_hz, 0.002);
    EXPECT_OK(run(&replay.frontend, WK_QUANTITY_DC_KEEP, 40 * 2048));
    const struct wk_record_window *w = &sum.whole.window;
    EXPECT_I64(0, sum.odd_flags);
    EXPECT(sum.windows >= 13);
    EXPECT_NEAR(4.0 * 30707.244141 / 2048 * 1e6, w->frequency_uhz, 500);
    for (int phase = 0; phase < 3; phase++) {
        EXPECT_NEAR(k_u_v[phase], w->u_mv[phase] / 1e3, k_u_v[phase] * 1e-4);
        EXPECT_NEAR(k_i_a[phase], (double)w->i_ua[phase] / 1e6, k_i_a[phase] * 1e-4);
        EXPECT_NEAR(k_p_w[phase], (double)w->p_mw[phase] / 1e3, k_p_w[phase] * 2e-4);
        EXPECT_NEAR(k_q1_var[phase], (double)w->q1_mvar[phase] / 1e3, k_q1_var[phase] * 2e-4);
    }
    EXPECT(sum.first.t_us - sum.first.span_us == 1700000000000000);
    wk_grid_replay_free(&replay);
    wk_recording_free(&recording);
}

static void a_loop_closes_at_any_phase_and_length(void)
{
    static const size_t k_frames[] = {650, 1000, 1601};
    struct wk_grid_replay replay;
    for (size_t k = 0; k < 3; k++) {
        recording = (struct wk_recording){0};
        EXPECT_OK(wk_recording_alloc(&recording, 1));
        EXPECT_OK(wk_recording_alloc_values(&recording, k_frames[k]));
        recording.rate_uhz = 8000000000;
        recording.channel[0].quantity = WK_HAL_VOLTAGE;
        for (size_t n = 0; n < k_frames[k]; n++) {
            recording.channel[0].value[n] =
                325.0 * cos(6.283185307179586 * 50.37 * (double)n / 8000 + 1.1) + 3;
        }
        const struct wk_recording_choice choice = {{0, -1, -1, -1}, {-1, -1, -1, -1}};
        EXPECT_OK(wk_grid_replay_init(&replay, &recording, &choice, 0, &fault));
        EXPECT_NEAR(50.37, replay.recorded_hz, 0.01);
        /* the step over the seam is not larger than a step of the sine */
        const int32_t seam = replay.counts[0] - replay.counts[replay.frames - 1];
        const double most = 325.0 * 6.283185307179586 * 50.5 / 8000 /
                            (replay.info.channel[0].gain.mantissa *
                             pow(10, replay.info.channel[0].gain.exponent));
        EXPECT(abs(seam) < most * 1.01);
        wk_grid_replay_free(&replay);
        wk_recording_free(&recording);
    }
}

static void a_recording_without_a_voltage_makes_no_loop(void)
{
    struct wk_grid_replay replay;
    EXPECT_OK(wk_recording_open(&recording, KEATING, &fault));
    struct wk_recording_choice choice = wk_recording_choose(&recording);
    for (int phase = 0; phase < 4; phase++) {
        choice.u[phase] = -1;
    }
    EXPECT_ERR(WK_E_ARGUMENT, wk_grid_replay_init(&replay, &recording, &choice, 0, &fault));
    wk_recording_free(&recording);
}

static struct wk_grid_minutes minutes;
static struct wk_grid_household household;

static void a_minute_of_the_household_has_its_p_q_and_u(void)
{
    static const size_t k_rows[] = {0, 427, 700, 1130, 2400};
    EXPECT_OK(wk_grid_minutes_read(&minutes, MINUTES, &fault));
    EXPECT_I64(2880, minutes.count);
    EXPECT_NEAR(243.15, minutes.row[0].u_v, 1e-9);
    for (size_t k = 0; k < 5; k++) {
        const struct wk_grid_minute *row = &minutes.row[k_rows[k]];
        wk_grid_household_init(&household, &minutes, k_rows[k], 0, SEED);
        EXPECT_OK(run(&household.frontend, WK_QUANTITY_DC_BLOCK, 8000 * 20));
        const struct wk_record_window *w = &sum.whole.window;
        EXPECT_NEAR(row->u_v, w->u_mv[0] / 1e3, row->u_v * 2e-5);
        EXPECT_NEAR(row->p_w, (double)w->p_mw[0] / 1e3, row->p_w * 1e-4);
        EXPECT_NEAR(row->q_var, (double)w->q1_mvar[0] / 1e3, row->p_w * 2e-4);
        /* harmonics: at least 5 %, at most 40 % of the fundamental current */
        const double s1 = hypot(row->p_w, row->q_var);
        const double i1 = s1 / row->u_v;
        const double i = (double)w->i_ua[0] / 1e6;
        EXPECT(i > i1 * 1.0005 && i < i1 * 1.09);
        EXPECT(w->frequency_uhz > 49950000 && w->frequency_uhz < 50050000);
    }
    wk_grid_minutes_free(&minutes);
}

/* Half an hour of a morning, over its minutes' edges: register against the closed form. */
static void the_energy_of_a_household_is_that_of_its_rows(void)
{
    EXPECT_OK(wk_grid_minutes_read(&minutes, MINUTES, &fault));
    wk_grid_household_init(&household, &minutes, 420, INT64_C(1170315012345678), SEED);
    EXPECT_OK(run(&household.frontend, WK_QUANTITY_DC_BLOCK, (size_t)8000 * 1800));
    const double truth_uwh = wk_grid_household_truth_uwh(&household);
    const double error = (double)(sum.import_uwh - sum.export_uwh) / truth_uwh - 1;
    WK_TEST_FIGURE("household_energy_error", fabs(error) * 100, "%", "<= 0.001",
                   fabs(error) <= 1e-5, SEED);
    EXPECT(fabs(error) <= 1e-5);
    EXPECT_I64(0, sum.odd_flags);
    /* the truth itself: rows times minutes, but for the edges at zero crossings */
    double rows_uwh = minutes.row[420].p_w * 47.654322 / 3600 * 1e6;
    for (size_t row = 421; row < 450; row++) {
        rows_uwh += minutes.row[row].p_w / 60 * 1e6;
    }
    rows_uwh += minutes.row[450].p_w * 12.345678 / 3600 * 1e6;
    EXPECT_NEAR(rows_uwh, truth_uwh, rows_uwh * 1e-3);
    wk_grid_minutes_free(&minutes);
}

static void a_household_is_the_same_in_blocks_of_any_size(void)
{
    static int32_t at_once[2 * 10000];
    static int32_t in_parts[2 * 10000];
    size_t got;
    EXPECT_OK(wk_grid_minutes_read(&minutes, MINUTES, &fault));
    wk_grid_household_init(&household, &minutes, 5, 59400000, SEED);
    EXPECT_OK(household.frontend.read(&household, at_once, 10000, &got));
    wk_grid_household_init(&household, &minutes, 5, 59400000, SEED);
    for (size_t n = 0; n < 10000; n += got) {
        const size_t wanted = 1 + n * 7 % 13;
        EXPECT_OK(household.frontend.read(&household, in_parts + 2 * n,
                                          wanted < 10000 - n ? wanted : 10000 - n, &got));
    }
    EXPECT_BYTES(at_once, in_parts, sizeof at_once);
    EXPECT_I64(6, household.row);
    wk_grid_minutes_free(&minutes);
}

static void malformed_minutes_are_refused_with_line_and_field(void)
{
    static const struct {
        const char *text;
        const char *says;
    } k_refusals[] = {
        {"", "line 1: must begin with"},
        {"Date;Time\n", "line 2: there are no rows"},
        {"Date;Time\n1/2/2007;0;0.3;0.1;243\n", "line 2: fewer than 6 fields"},
        {"Date;T\n1;0;0.3;0.1;243;1\n1;0;?;0.1;243;1\n", "line 3: active power: must be"},
        {"Date;T\n1;0;0.3;0.1;9e9;1\n", "line 2: voltage: must be"},
        {"Date;T\n1;0;0.3;0.1;0;1\n", "line 2: voltage and current must be above 0"},
        {"Date;T\n1;0;13;0.1;230;1\n", "line 2: active power: more than 50 A"},
    };
    for (size_t r = 0; r < sizeof k_refusals / sizeof k_refusals[0]; r++) {
        EXPECT_ERR(WK_E_FORMAT, wk_grid_minutes_parse(&minutes, "x", k_refusals[r].text,
                                                      strlen(k_refusals[r].text), &fault));
        if (strstr(fault.text, k_refusals[r].says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", fault.text, k_refusals[r].says);
        }
        EXPECT(strstr(fault.text, k_refusals[r].says) != NULL);
    }
}

WK_TEST_MAIN(T(the_real_recording_has_its_independent_values),
             T(a_loop_is_whole_cycles_and_keeps_what_was_recorded),
             T(a_loop_closes_at_any_phase_and_length),
             T(a_recording_without_a_voltage_makes_no_loop),
             T(a_minute_of_the_household_has_its_p_q_and_u),
             T(the_energy_of_a_household_is_that_of_its_rows),
             T(a_household_is_the_same_in_blocks_of_any_size),
             T(malformed_minutes_are_refused_with_line_and_field))
