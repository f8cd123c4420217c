/* SPDX-License-Identifier: Apache-2.0
 *
 * Voltage, current, frequency and unbalance under the influence states of class A
 * (IEC 61000-4-30, IEC 62586-2). The truth of every window is the integral over exactly its
 * time, so modulation within the window counts. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define UDIN_V   230.0
#define IN_A     10.0
#define GOAL_RMS 0.005
#define GOAL_MHZ 1.0
#define CLASS_MHZ                                                                              \
    10.0 /* also for windows that flicker and interharmonics disturb: the standard
                             has none of 0.2 s */
#define GOAL_BALANCE 0.01
#define SECONDS      8.0
#define SECONDS_F    43.0
#define SETTLE_S     11.0

typedef enum quantity { VOLTAGE, CURRENT, WINDOW_HZ, TEN_S_HZ, NEGATIVE, ZERO } quantity;

/* Harmonic: order, share, degrees. */
struct state {
    double f_off_hz;
    double am_hz;
    double am;
    double share[3]; /* of Udin, where the state itself is the magnitude */
    double harmonic[3][3];
    double between; /* order of the interharmonic, 1 % */
};

static const struct state k_states[3] = {
    {0, 0, 0, {1, 1, 1}, {{0}}, 0},
    {-1,
     39 / 120.0,
     0.00894,
     {0.73, 0.80, 0.87},
     {{3, 0.1, 0}, {5, 0.05, 0}, {29, 0.05, 0}},
     7.5},
    {1,
     110 / 120.0,
     4 * 0.00722,
     {1.52, 1.40, 1.28},
     {{7, 0.1, 180}, {13, 0.05, 0}, {25, 0.05, 0}},
     3.5},
};

static void distort(struct wk_wave *wave, const struct state *state, int channel)
{
    const double rms = wave->channel[channel].tone[0].rms;
    for (int k = 0; k < 3 && state->harmonic[k][0] > 0; k++) {
        wk_wave_harmonic(wave, channel, (int)state->harmonic[k][0], state->harmonic[k][1],
                         state->harmonic[k][2]);
    }
    if (state->between > 0) {
        wk_wave_add(wave, channel, 0.01 * rms, state->between * wave->f_hz, 35.0 * channel);
    }
}

/* setup: variant = state, value = share of Udin (0: that of the state), other = nominal. */
static void make_state(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct wk_trial_setup *setup = &trial->setup;
    const struct state *state = &k_states[setup->variant];
    const bool slow = trial->unit[0] == 'H';
    wk_wave_init(wave, setup->f_hz, slow ? SECONDS_F : SECONDS);
    wave->nominal_hz = (int)setup->other;
    wave->am_hz = state->am_hz;
    wave->am = state->am;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        const double share = setup->value > 0 ? setup->value : state->share[phase];
        wk_wave_load(wave, phase, UDIN_V * share, IN_A * share, 25);
        distort(wave, state, phase);
        distort(wave, state, 3 + phase);
    }
}

/* ---- rms --------------------------------------------------------------------------------- */

static wk_err run_rms(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const bool voltage = trial->unit[0] == 'V';
    double worst = -1;
    make_state(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    WK_TRY(wk_player_run(player));
    for (size_t n = (size_t)player->settle; n + 1 < player->windows; n++) {
        const struct wk_record *record = &player->window[n];
        const double to_s = (double)record->t_us / 1e6;
        const double from_s = to_s - (double)record->span_us / 1e6;
        for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
            const int channel = voltage ? phase : 3 + phase;
            const double truth =
                sqrt(wk_wave_integral(&wave, channel, channel, from_s, to_s) / (to_s - from_s));
            const double got = voltage ? record->window.u_mv[phase] / 1e3
                                       : (double)record->window.i_ua[phase] / 1e6;
            if (fabs(got / truth - 1) > worst) {
                worst = fabs(got / truth - 1);
                wk_trial_judge_percent(trial, truth, got);
            }
        }
    }
    return worst < 0 ? WK_E_STATE : WK_OK;
}

static struct wk_trial *add_rms(struct wk_trial_list *list, quantity what, int state,
                                double share)
{
    static const char *const k_names[] = {"U", "I"};
    const bool voltage = what == VOLTAGE;
    struct wk_trial *trial =
        wk_trial_add(list, "voltage and current",
                     voltage ? "IEC 61000-4-30, 5.2" : "IEC 61000-4-30, 5.13 (current)");
    if (share > 0) {
        snprintf(trial->name, sizeof trial->name, "%s at %.0f %%, state %d", k_names[what],
                 share * 100, state + 1);
    } else {
        snprintf(trial->name, sizeof trial->name, "%s, state %d with its unbalance",
                 k_names[what], state + 1);
    }
    snprintf(
        trial->conditions, sizeof trial->conditions,
        "worst of all phases and 10/12-cycle windows against the integral over the window, "
        "%% of reading; 100 %% = %s",
        voltage ? "230 V" : "10 A");
    trial->unit = voltage ? "V" : "A";
    trial->goal = GOAL_RMS;
    /* 0.1 % of Udin, as a share of the reading; of current 1 % of the reading */
    trial->class_limit = voltage ? 0.1 / (share > 0 ? share : k_states[state].share[0]) : 1;
    trial->class_name = "A";
    trial->quick = share == 0 || share == 0.1;
    trial->make = make_state;
    trial->run = run_rms;
    trial->setup.variant = state;
    trial->setup.value = share;
    trial->setup.f_hz = 50 + k_states[state].f_off_hz;
    trial->setup.other = 50;
    trial->setup.i_max_a = 2 * IN_A;
    trial->series = state == 0 ? "state 1" : state == 1 ? "state 2" : "state 3";
    trial->x = share;
    return trial;
}

/* ---- frequency --------------------------------------------------------------------------- */

static wk_err run_frequency(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const bool ten_s = trial->setup.lag_degrees > 0;
    const double f_hz = trial->setup.f_hz;
    double worst = -1;
    make_state(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->analyse = ten_s;
    WK_TRY(wk_player_run(player));
    const struct wk_record *list = ten_s ? player->other : player->window;
    const size_t count = ten_s ? player->others : player->windows - 1;
    for (size_t n = 0; n < count; n++) {
        const bool counts =
            ten_s ? list[n].kind == WK_RECORD_FREQUENCY : (double)list[n].t_us > SETTLE_S * 1e6;
        const double got =
            (ten_s ? list[n].frequency.f_uhz : list[n].window.frequency_uhz) / 1e6;
        if (counts && fabs(got - f_hz) > worst) {
            worst = fabs(got - f_hz);
            wk_trial_judge(trial, f_hz, got, 1000);
        }
    }
    return worst < 0 ? WK_E_STATE : WK_OK;
}

static void add_frequency(struct wk_trial_list *list, int state, double f_hz, int nominal_hz,
                          bool ten_s)
{
    struct wk_trial *trial = wk_trial_add(list, "frequency", "IEC 61000-4-30, 5.1");
    snprintf(trial->name, sizeof trial->name, "%s, %.6g Hz of %d, state %d",
             ten_s ? "f of 10 s" : "f of a window", f_hz, nominal_hz, state + 1);
    snprintf(trial->conditions, sizeof trial->conditions,
             "nominal %d Hz; worst of %s; flicker, harmonics, interharmonic of the state",
             nominal_hz,
             ten_s ? "the intervals of 10 s of UTC" : "30 s of 10/12-cycle windows");
    trial->unit = "Hz";
    trial->error_unit = "mHz";
    trial->goal = ten_s || state < 2 ? GOAL_MHZ : CLASS_MHZ;
    trial->class_limit = CLASS_MHZ;
    trial->class_name = "A";
    trial->quick = !ten_s && nominal_hz == 50 && state > 0;
    trial->make = make_state;
    trial->run = run_frequency;
    trial->setup.variant = state;
    trial->setup.f_hz = f_hz;
    trial->setup.other = nominal_hz;
    trial->setup.lag_degrees = ten_s ? 1 : 0;
    trial->setup.i_max_a = 2 * IN_A;
    trial->series = state == 0 ? "state 1" : state == 1 ? "state 2" : "state 3";
    trial->x = f_hz;
}

/* ---- unbalance --------------------------------------------------------------------------- */

/* setup: value = u2, other = u0, shares of the positive sequence. */
static void make_unbalance(const struct wk_trial *trial, struct wk_wave *wave)
{
    const double turn = WK_WAVE_TURN / 360;
    wk_wave_init(wave, trial->setup.f_hz, SECONDS);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        const double at = phase == 0 ? 0 : phase == 1 ? -120 : 120;
        const double re = cos(at * turn) + trial->setup.value * cos((-at + 40) * turn) +
                          trial->setup.other * cos(-75 * turn);
        const double im = sin(at * turn) + trial->setup.value * sin((-at + 40) * turn) +
                          trial->setup.other * sin(-75 * turn);
        wk_wave_add(wave, phase, UDIN_V * hypot(re, im), wave->f_hz, atan2(im, re) / turn);
        wk_wave_add(wave, 3 + phase, 1, wave->f_hz, at);
        wk_wave_harmonic(wave, phase, 5, 0.06, 0);
    }
}

static wk_err run_unbalance(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const bool negative = trial->setup.variant == NEGATIVE;
    const double truth = 100 * (negative ? trial->setup.value : trial->setup.other);
    double worst = -1;
    make_unbalance(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    WK_TRY(wk_player_run(player));
    for (size_t n = (size_t)player->settle; n + 1 < player->windows; n++) {
        const struct wk_record_window *window = &player->window[n].window;
        const double got = (negative ? window->u2_ppm : window->u0_ppm) / 1e4;
        if (fabs(got - truth) > worst) {
            worst = fabs(got - truth);
            wk_trial_judge(trial, truth, got, 1);
        }
    }
    return worst < 0 ? WK_E_STATE : WK_OK;
}

static void add_unbalance(struct wk_trial_list *list, quantity what, double u2, double u0,
                          double f_hz)
{
    struct wk_trial *trial = wk_trial_add(list, "unbalance", "IEC 61000-4-30, 5.7");
    snprintf(trial->name, sizeof trial->name, "%s with u2 %.3g %%, u0 %.3g %%, %.4g Hz",
             what == NEGATIVE ? "u2" : "u0", u2 * 100, u0 * 100, f_hz);
    snprintf(trial->conditions, sizeof trial->conditions,
             "230 V positive sequence, 6 %% of the 5th harmonic; worst window");
    trial->unit = "%";
    trial->error_unit = "% abs";
    trial->goal = GOAL_BALANCE;
    trial->class_limit = 0.15;
    trial->class_name = "A";
    trial->quick = f_hz < 50;
    trial->make = make_unbalance;
    trial->run = run_unbalance;
    trial->setup.variant = (int)what;
    trial->setup.value = u2;
    trial->setup.other = u0;
    trial->setup.f_hz = f_hz;
}

void wk_trials_add_quantity(struct wk_trial_list *list)
{
    static const double k_share[] = {0.1, 0.3, 0.45, 0.8, 1, 1.15, 1.5, 0};
    static const double k_hz[][2] = {{42.5, 50}, {50.05, 50}, {57.5, 50},
                                     {51, 60},   {59.95, 60}, {69, 60}};
    static const double k_sequence[][3] = {
        {0.005, 0, 50}, {0.01, 0.02, 49}, {0.02, 0.01, 51}, {0.05, 0.05, 50}};
    for (int state = 0; state < 3; state++) {
        for (size_t k = 0; k < sizeof k_share / sizeof k_share[0]; k++) {
            add_rms(list, VOLTAGE, state, k_share[k]);
            add_rms(list, CURRENT, state, k_share[k]);
        }
        const double own_hz = 50 + k_states[state].f_off_hz;
        add_frequency(list, state, own_hz, 50, false);
        add_frequency(list, state, own_hz, 50, true);
        for (size_t k = 0; k < sizeof k_hz / sizeof k_hz[0]; k++) {
            add_frequency(list, state, k_hz[k][0], (int)k_hz[k][1], false);
            add_frequency(list, state, k_hz[k][0], (int)k_hz[k][1], true);
        }
    }
    for (size_t k = 0; k < sizeof k_sequence / sizeof k_sequence[0]; k++) {
        add_unbalance(list, NEGATIVE, k_sequence[k][0], k_sequence[k][1], k_sequence[k][2]);
        add_unbalance(list, ZERO, k_sequence[k][0], k_sequence[k][1], k_sequence[k][2]);
    }
}
