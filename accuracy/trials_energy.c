/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of IEC 62053-21 and -22 row by row. Energy of whole windows is held against the
 * integral of u i over the same time. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "accuracy/trials.h"

#define CT_IN_A      5.0 /* transformer-operated: 5(10) A */
#define CT_MAX_A     10.0
#define DIRECT_IB_A  10.0 /* direct: 10(100) A */
#define DIRECT_MAX_A 100.0
#define THRESHOLDS   "starting and pulses"
#define BETWEEN      3.0 /* where the middle is In, which has its own trial */
#define GOAL_PF_1    0.005
#define GOAL_PF      0.01
#define LEAST_S      4.0
#define MOST_S       300.0
#define WS_WANTED    720.0 /* 0.2 Wh: so that a uWh is nothing */
#define SETTLED_S    1.6
#define START_SETTLE 120 /* windows until the mean of the creep room holds */

struct pf {
    const char *text;
    double cos_phi;
    int sign; /* of the lag */
};

static const struct pf k_pf[] = {
    {"1", 1, 0}, {"0.5 L", 0.5, 1}, {"0.8 C", 0.8, -1}, {"0.25 L", 0.25, 1}, {"0.5 C", 0.5, -1},
};

enum { PF_1 = 1, PF_05L = 2, PF_08C = 4, PF_025L = 8, PF_05C = 16 };

/* A row of the tables. Currents of In or Ib; to = 0: up to Imax. */
struct row {
    const char *class_name;
    double from;
    double to;
    double limit;
    int pfs;
    bool direct;
    bool single; /* one phase loaded, voltages balanced */
};

#define INDUCTIVE_CAPACITIVE (PF_05L | PF_08C)
#define ON_REQUEST           (PF_025L | PF_05C)

static const struct row k_rows[] = {
    {"0.1S", 0.01, 0.05, 0.2, PF_1, false, false},
    {"0.1S", 0.05, 0, 0.1, PF_1, false, false},
    {"0.1S", 0.02, 0.1, 0.25, INDUCTIVE_CAPACITIVE, false, false},
    {"0.1S", 0.1, 0, 0.15, INDUCTIVE_CAPACITIVE, false, false},
    {"0.2S", 0.01, 0.05, 0.4, PF_1, false, false},
    {"0.2S", 0.05, 0, 0.2, PF_1, false, false},
    {"0.2S", 0.02, 0.1, 0.5, INDUCTIVE_CAPACITIVE, false, false},
    {"0.2S", 0.1, 0, 0.3, INDUCTIVE_CAPACITIVE, false, false},
    {"0.2S", 0.1, 0, 0.5, ON_REQUEST, false, false},
    {"0.2S", 0.05, 0, 0.3, PF_1, false, true},
    {"0.2S", 0.1, 0, 0.4, PF_05L, false, true},
    {"0.5S", 0.01, 0.05, 1.0, PF_1, false, false},
    {"0.5S", 0.05, 0, 0.5, PF_1, false, false},
    {"0.5S", 0.02, 0.1, 1.0, INDUCTIVE_CAPACITIVE, false, false},
    {"0.5S", 0.1, 0, 0.6, INDUCTIVE_CAPACITIVE, false, false},
    {"0.5S", 0.1, 0, 1.0, ON_REQUEST, false, false},
    {"0.5S", 0.05, 0, 0.6, PF_1, false, true},
    {"0.5S", 0.1, 0, 1.0, PF_05L, false, true},
    {"1", 0.05, 0.1, 1.5, PF_1, true, false},
    {"1", 0.1, 0, 1.0, PF_1, true, false},
    {"1", 0.1, 0.2, 1.5, INDUCTIVE_CAPACITIVE, true, false},
    {"1", 0.2, 0, 1.0, INDUCTIVE_CAPACITIVE, true, false},
    {"1", 0.1, 0, 2.0, PF_1, true, true},
    {"1", 0.2, 0, 2.0, PF_05L, true, true},
    {"1", 0.02, 0.05, 1.5, PF_1, false, false},
    {"1", 0.05, 0, 1.0, PF_1, false, false},
    {"1", 0.05, 0.1, 1.5, INDUCTIVE_CAPACITIVE, false, false},
    {"1", 0.1, 0, 1.0, INDUCTIVE_CAPACITIVE, false, false},
    {"2", 0.05, 0.1, 2.5, PF_1, true, false},
    {"2", 0.1, 0, 2.0, PF_1, true, false},
    {"2", 0.1, 0.2, 2.5, PF_05L, true, false},
    {"2", 0.2, 0, 2.0, PF_05L, true, false},
    {"2", 0.1, 0, 3.0, PF_1, true, true},
    {"2", 0.2, 0, 3.0, PF_05L, true, true},
    {"2", 0.02, 0.05, 2.5, PF_1, false, false},
    {"2", 0.05, 0, 2.0, PF_1, false, false},
    {"2", 0.05, 0.1, 2.5, PF_05L, false, false},
    {"2", 0.1, 0, 2.0, PF_05L, false, false},
};

/* ---- running ----------------------------------------------------------------------------- */

/* As long as it takes for a uWh not to matter. */
static double seconds_for(const struct wk_trial *trial)
{
    const double phases = trial->setup.phases == 7 ? 3 : 1;
    const double watts = phases * trial->setup.u_v * trial->setup.i_a *
                         fabs(cos(trial->setup.lag_degrees * WK_WAVE_TURN / 360));
    return SETTLED_S + fmin(MOST_S, fmax(LEAST_S, WS_WANTED / watts));
}

void wk_trials_make_load(const struct wk_trial *trial, struct wk_wave *wave)
{
    wk_wave_init(wave, trial->setup.f_hz, seconds_for(trial));
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        const bool loaded = (trial->setup.phases >> phase & 1) != 0;
        wk_wave_load(wave, phase, trial->setup.u_v, loaded ? trial->setup.i_a : 0,
                     trial->setup.lag_degrees);
    }
}

static double truth_wh(const struct wk_wave *wave, double from_s, double to_s)
{
    double joule = 0;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        joule += wk_wave_integral(wave, phase, 3 + phase, from_s, to_s);
    }
    return joule / 3600;
}

wk_err wk_trials_run_energy(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    trial->make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    wk_trial_judge_percent(trial, truth_wh(&wave, got.from_s, got.to_s), got.import_wh);
    return WK_OK;
}

/* Must begin to register, and go on: the threshold lies at 0.6 of the starting current. */
static wk_err run_start(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    trial->make(trial, &wave);
    wave.seconds += START_SETTLE / 5.0;
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->config.start_ua = (int64_t)(trial->setup.i_a * 0.6 * 1e6);
    player->settle = START_SETTLE;
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    wk_trial_judge_percent(trial, truth_wh(&wave, got.from_s, got.to_s), got.import_wh);
    return WK_OK;
}

/* 1.15 Un, no current but the noise of a 24-bit converter: pulses over the standard's time. */
static void make_no_load(const struct wk_trial *trial, struct wk_wave *wave)
{
    wk_wave_init(wave, 50, trial->setup.value);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, 1.15 * 230, 0, 0);
    }
}

static wk_err run_no_load(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    trial->make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->converter = wk_converter_of(WK_CONVERTER_24_BIT, 8000, trial->setup.i_max_a);
    player->config.start_ua = (int64_t)(trial->setup.i_a * 1e6);
    player->config.pulse_constant = (uint32_t)trial->setup.other;
    player->settle = 0;
    WK_TRY(wk_player_run(player));
    wk_trial_judge(trial, 0, (double)wk_player_energy_of(player).pulses, 1);
    return WK_OK;
}

/* Registered energy times the constant, against the pulses. */
static wk_err run_pulses(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    trial->make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->config.pulse_constant = (uint32_t)trial->setup.value;
    player->settle = 0;
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    wk_trial_judge(trial, got.import_wh * trial->setup.value / 1000, (double)got.pulses, 1);
    return WK_OK;
}

/* ---- the tables -------------------------------------------------------------------------- */

static void add_point(struct wk_trial_list *list, const struct row *row, int pf, double share,
                      int phases)
{
    const double base_a = row->direct ? DIRECT_IB_A : CT_IN_A;
    const char *base = row->direct ? "Ib" : "In";
    struct wk_trial *trial =
        wk_trial_add(list, "active energy",
                     row->class_name[0] == '0' ? "IEC 62053-22: limits of error"
                                               : "IEC 62053-21: limits of error");
    const char *loaded = phases == 7   ? "balanced"
                         : phases == 1 ? "L1 only"
                         : phases == 2 ? "L2 only"
                                       : "L3 only";
    snprintf(trial->name, sizeof trial->name, "class %s %s, %s, PF %s, %.4g %s",
             row->class_name, row->direct ? "direct" : "CT", loaded, k_pf[pf].text, share,
             base);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, 50 Hz, %.4g A (%s), PF %s, %s; row %.4g %s to %s", share * base_a,
             row->direct ? "10(100) A" : "5(10) A", k_pf[pf].text, loaded, row->from, base,
             row->to > 0 ? "the next row" : "Imax");
    trial->unit = "Wh";
    trial->goal = k_pf[pf].sign == 0 ? GOAL_PF_1 : GOAL_PF;
    trial->class_limit = row->limit;
    trial->class_name = row->class_name;
    trial->quick = strcmp(row->class_name, "0.2S") == 0 || phases != 7;
    trial->make = wk_trials_make_load;
    trial->run = wk_trials_run_energy;
    trial->setup.i_a = share * base_a;
    trial->setup.i_max_a = row->direct ? DIRECT_MAX_A : CT_MAX_A;
    trial->setup.lag_degrees = k_pf[pf].sign * acos(k_pf[pf].cos_phi) * 360 / WK_WAVE_TURN;
    trial->setup.phases = phases;
    if (phases == 7 && strcmp(row->class_name, "0.2S") == 0) {
        trial->series = k_pf[pf].text;
        trial->x = share;
    }
}

static void add_row(struct wk_trial_list *list, const struct row *row)
{
    const double most = row->direct ? DIRECT_MAX_A / DIRECT_IB_A : CT_MAX_A / CT_IN_A;
    const double end = row->to > 0 ? row->to : most;
    const double middle = sqrt(row->from * end);
    double share[4] = {row->from, fabs(middle - 1) < 0.01 ? BETWEEN : middle, 0, 0};
    int shares = 2;
    if (row->to <= 0) {
        share[shares++] = 1;
        share[shares++] = most;
    }
    for (int pf = 0; pf < 5; pf++) {
        for (int k = 0; (row->pfs >> pf & 1) != 0 && k < shares; k++) {
            for (int phase = 0; row->single && phase < WK_TRIAL_PHASES; phase++) {
                add_point(list, row, pf, share[k], 1 << phase);
            }
            if (!row->single) {
                add_point(list, row, pf, share[k], 7);
            }
        }
    }
}

/* ---- starting and no load ---------------------------------------------------------------- */

struct threshold {
    const char *class_name;
    bool direct;
    double share;    /* starting current of In or Ib */
    double k;        /* of the test time without load */
    double constant; /* pulses per kWh */
};

static const struct threshold k_thresholds[] = {
    {"0.2S", false, 0.001, 900, 10000}, {"0.5S", false, 0.001, 600, 10000},
    {"1", true, 0.004, 600, 1000},      {"1", false, 0.002, 600, 10000},
    {"2", true, 0.005, 480, 1000},      {"2", false, 0.003, 480, 10000},
};

static void add_threshold(struct wk_trial_list *list, const struct threshold *row)
{
    const double base_a = row->direct ? DIRECT_IB_A : CT_IN_A;
    const double most_a = row->direct ? DIRECT_MAX_A : CT_MAX_A;
    const char *kind = row->direct ? "direct" : "CT";
    const char *clause = row->class_name[0] == '0' ? "IEC 62053-22: starting, no-load"
                                                   : "IEC 62053-21: starting, no-load";
    struct wk_trial *trial = wk_trial_add(list, THRESHOLDS, clause);
    snprintf(trial->name, sizeof trial->name, "class %s %s, starting current", row->class_name,
             kind);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, PF 1, %.4g A; threshold of the registers at 0.6 of it; must register",
             row->share * base_a);
    trial->unit = "Wh";
    trial->goal = GOAL_PF_1;
    trial->make = wk_trials_make_load;
    trial->run = run_start;
    trial->setup.i_a = row->share * base_a;
    trial->setup.i_max_a = most_a;
    trial = wk_trial_add(list, THRESHOLDS, clause);
    const double minutes = row->k * 1e6 / (row->constant * 3 * 230 * most_a);
    snprintf(trial->name, sizeof trial->name, "class %s %s, no load", row->class_name, kind);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 264.5 V, no current but the noise of a 24-bit converter, %.3g min, "
             "%.0f imp/kWh; at most one pulse",
             minutes, row->constant);
    trial->unit = "pulses";
    trial->error_unit = "pulses";
    trial->goal = 0;
    trial->class_limit = 1;
    trial->class_name = row->class_name;
    trial->make = make_no_load;
    trial->run = run_no_load;
    trial->setup.value = minutes * 60;
    trial->setup.other = row->constant;
    trial->setup.i_a = row->share * base_a * 0.6;
    trial->setup.i_max_a = most_a;
}

static void add_pulses(struct wk_trial_list *list)
{
    static const double k_constants[] = {1000, 10000, 100000};
    for (int k = 0; k < 3; k++) {
        struct wk_trial *trial =
            wk_trial_add(list, THRESHOLDS, "IEC 62053-21, -22: test of the meter constant");
        snprintf(trial->name, sizeof trial->name, "meter constant %.0f imp/kWh",
                 k_constants[k]);
        snprintf(trial->conditions, sizeof trial->conditions,
                 "3 x 230 V, 5 A, PF 1: pulses against registered energy times constant");
        trial->unit = "pulses";
        trial->error_unit = "pulses";
        trial->goal = 1;
        trial->quick = true;
        trial->make = wk_trials_make_load;
        trial->run = run_pulses;
        trial->setup.value = k_constants[k];
    }
}

void wk_trials_add_energy(struct wk_trial_list *list)
{
    for (size_t k = 0; k < sizeof k_rows / sizeof k_rows[0]; k++) {
        add_row(list, &k_rows[k]);
    }
    for (size_t k = 0; k < sizeof k_thresholds / sizeof k_thresholds[0]; k++) {
        add_threshold(list, &k_thresholds[k]);
    }
    add_pulses(list);
}
