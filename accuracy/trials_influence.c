/* SPDX-License-Identifier: Apache-2.0
 *
 * Active energy under influence quantities (IEC 62053-21, -22): what the standard allows is the
 * change of the error; on the ideal converter the error itself is held against the goal. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define GOAL_PF_1  0.005
#define GOAL_PF    0.01
#define SECONDS    6.0
#define IB_A       10.0
#define IMAX_A     100.0
#define HIGHEST_HZ 3900.0
#define GROUP      "influence quantities"
#define DEGREES(r) ((r)*360 / WK_WAVE_TURN)

typedef enum influence {
    LOADED = 0,
    REVERSED,
    LOST,
    HARMONIC_5,
    CHOPPED,
    BURST,
    HALF_WAVE,
} influence;

static double angle_of(int phase)
{
    return phase == 0 ? 0 : phase == 1 ? -120 : 120;
}

/* ---- waveforms --------------------------------------------------------------------------- */

/* A current that flows from 90 to 180 and from 270 to 360 degrees of the voltage's sine, as
 * its Fourier series up to half the sample rate. */
static void add_chopped(struct wk_wave *wave, int phase, double i_a)
{
    const double from = WK_WAVE_TURN / 4;
    const double to = WK_WAVE_TURN / 2;
    for (int n = 1; n * wave->f_hz < HIGHEST_HZ; n += 2) {
        double a = -0.5;
        double b = WK_WAVE_TURN / 8;
        if (n > 1) {
            a = (cos((n - 1) * to) - cos((n - 1) * from)) / (2 * (n - 1)) -
                (cos((n + 1) * to) - cos((n + 1) * from)) / (2 * (n + 1));
            b = (sin((n - 1) * to) - sin((n - 1) * from)) / (2 * (n - 1)) -
                (sin((n + 1) * to) - sin((n + 1) * from)) / (2 * (n + 1));
        }
        const double share = 4 / WK_WAVE_TURN * hypot(a, b);
        wk_wave_add(wave, 3 + phase, i_a * share, n * wave->f_hz,
                    n * (angle_of(phase) + 90) - DEGREES(atan2(b, a)));
    }
}

/* The positive half waves of a sine in phase with the voltage. */
static void add_half_wave(struct wk_wave *wave, int phase, double i_a)
{
    const double pi = WK_WAVE_TURN / 2;
    wave->channel[3 + phase].dc = i_a * sqrt(2.0) / pi;
    wk_wave_add(wave, 3 + phase, i_a / 2, wave->f_hz, angle_of(phase));
    for (int n = 2; n * wave->f_hz < HIGHEST_HZ; n += 2) {
        wk_wave_add(wave, 3 + phase, i_a * 2 / pi / (n * n - 1), n * wave->f_hz,
                    n * (angle_of(phase) + 90) + 180);
    }
}

/* Two cycles on, two off. */
static void add_bursts(struct wk_wave *wave, int phase)
{
    const double cycle_s = 1 / wave->f_hz;
    double t = wk_wave_crossing(wave, 3 + phase, 0);
    while (t < wave->seconds) {
        wk_wave_step(wave, 3 + phase, t, t + 2 * cycle_s, 0);
        t += 4 * cycle_s;
    }
}

static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct wk_trial_setup *setup = &trial->setup;
    wk_wave_init(wave, setup->f_hz, setup->variant == BURST ? 4.8 : SECONDS);
    wave->nominal_hz = setup->value > 0 ? (int)setup->value : wave->nominal_hz;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        const bool lost = setup->variant == LOST && (setup->phases >> phase & 1) == 0;
        if (setup->variant == CHOPPED || setup->variant == HALF_WAVE) {
            wk_wave_add(wave, phase, setup->u_v, wave->f_hz, angle_of(phase));
            (setup->variant == CHOPPED ? add_chopped : add_half_wave)(wave, phase, setup->i_a);
            continue;
        }
        wk_wave_load(wave, phase, lost ? 0 : setup->u_v, setup->i_a, setup->lag_degrees);
        if (setup->variant == REVERSED) {
            wave->channel[phase].tone[0].degrees = -angle_of(phase);
            wave->channel[3 + phase].tone[0].degrees = -angle_of(phase) - setup->lag_degrees;
        }
        if (setup->variant == HARMONIC_5) {
            wk_wave_harmonic(wave, phase, 5, 0.1, 0);
            wk_wave_harmonic(wave, 3 + phase, 5, 0.4, 0);
        }
        if (setup->variant == BURST) {
            add_bursts(wave, phase);
        }
    }
}

static wk_err run_with_dc(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->config.dc = WK_QUANTITY_DC_KEEP;
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    double joule = 0;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        joule += wk_wave_integral(&wave, phase, 3 + phase, got.from_s, got.to_s);
    }
    wk_trial_judge_percent(trial, joule / 3600, got.import_wh);
    return WK_OK;
}

/* ---- the rows ---------------------------------------------------------------------------- */

struct row {
    influence kind;
    int phases; /* with a voltage */
    const char *name;
    double u_v;
    double i_a;
    double lag_degrees;
    double limit;
    const char *class_name;
};

static const struct row k_rows[] = {
    {LOADED, 7, "voltage -10 %, PF 1", 207, IB_A, 0, 0.1, "0.2S"},
    {LOADED, 7, "voltage +10 %, PF 1", 253, IB_A, 0, 0.1, "0.2S"},
    {LOADED, 7, "voltage -10 %, PF 0.5 L", 207, IB_A, 60, 0.2, "0.2S"},
    {LOADED, 7, "voltage +10 %, PF 0.5 L", 253, IB_A, 60, 0.2, "0.2S"},
    {REVERSED, 7, "reversed phase sequence, 0.1 Ib", 230, IB_A / 10, 0, 0.05, "0.2S"},
    {LOST, 6, "L1 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {LOST, 5, "L2 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {LOST, 3, "L3 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {LOST, 1, "L2 and L3 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {LOST, 2, "L1 and L3 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {LOST, 4, "L1 and L2 lost", 230, IB_A, 0, 0.5, "0.2S"},
    {HARMONIC_5, 7, "5th harmonic, U5 10 %, I5 40 %, 0.5 Imax", 230, IMAX_A / 2, 0, 0.4,
     "0.2S"},
    {CHOPPED, 7, "phase-fired at 90 deg, 0.5 Ib", 230, IB_A / 2, 0, 3.0, "1"},
    {BURST, 7, "bursts, 2 cycles on, 2 off, 0.5 Ib", 230, IB_A / 2, 0, 0.6, "0.2S"},
    {HALF_WAVE, 7, "half wave, Imax / sqrt 2", 230, 70.710678118654755, 0, 3.0, "1"},
};

static void add_row(struct wk_trial_list *list, const struct row *row)
{
    struct wk_trial *trial =
        wk_trial_add(list, GROUP,
                     row->class_name[0] == '0' ? "IEC 62053-22: influence quantities"
                                               : "IEC 62053-21: influence quantities");
    snprintf(trial->name, sizeof trial->name, "%s", row->name);
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x %.4g V, 50 Hz, %.4g A, %s; energy against the integral of u i", row->u_v,
             row->i_a, row->kind == HALF_WAVE ? "DC kept" : "DC blocked");
    trial->unit = "Wh";
    trial->goal = row->lag_degrees != 0 ? GOAL_PF : GOAL_PF_1;
    trial->class_limit = row->limit;
    trial->class_name = row->class_name;
    trial->quick = true;
    trial->make = make;
    trial->run = row->kind == HALF_WAVE ? run_with_dc : wk_trials_run_energy;
    trial->setup.variant = (int)row->kind;
    trial->setup.u_v = row->u_v;
    trial->setup.i_a = row->i_a;
    trial->setup.i_max_a = IMAX_A;
    trial->setup.lag_degrees = row->lag_degrees;
    trial->setup.phases = row->phases;
}

static void add_frequency(struct wk_trial_list *list, int nominal_hz, double f_hz)
{
    static const struct {
        const char *text;
        double lag_degrees;
    } k_pf[] = {{"1", 0}, {"0.5 L", 60}, {"0.8 C", -36.86989764584402}};
    for (int pf = 0; pf < 3; pf++) {
        struct wk_trial *trial =
            wk_trial_add(list, GROUP, "IEC 62053-22: frequency; range of IEC 61000-4-30");
        snprintf(trial->name, sizeof trial->name, "%.5g Hz, nominal %d Hz, PF %s", f_hz,
                 nominal_hz, k_pf[pf].text);
        snprintf(trial->conditions, sizeof trial->conditions,
                 "3 x 230 V, %.4g A; energy against the integral of u i", IB_A);
        trial->unit = "Wh";
        trial->goal = pf == 0 ? GOAL_PF_1 : GOAL_PF;
        if (fabs(f_hz / nominal_hz - 1) < 0.0201) {
            trial->class_limit = 0.1;
            trial->class_name = "0.2S";
        }
        trial->quick = pf == 1;
        trial->make = make;
        trial->run = wk_trials_run_energy;
        trial->setup.variant = LOADED;
        trial->setup.f_hz = f_hz;
        trial->setup.value = nominal_hz;
        trial->setup.i_a = IB_A;
        trial->setup.i_max_a = IMAX_A;
        trial->setup.lag_degrees = k_pf[pf].lag_degrees;
        trial->series = k_pf[pf].text;
        trial->x = f_hz;
    }
}

void wk_trials_add_influence(struct wk_trial_list *list)
{
    static const double k_50[] = {42.5,  44.3, 46,   47.5, 49, 49.37, 50,
                                  50.63, 51,   52.5, 54.1, 56, 57.5};
    static const double k_60[] = {51, 53.3, 56, 58.8, 60, 61.2, 63.7, 66, 69};
    for (size_t k = 0; k < sizeof k_rows / sizeof k_rows[0]; k++) {
        add_row(list, &k_rows[k]);
    }
    for (size_t k = 0; k < sizeof k_50 / sizeof k_50[0]; k++) {
        add_frequency(list, 50, k_50[k]);
    }
    for (size_t k = 0; k < sizeof k_60 / sizeof k_60[0]; k++) {
        add_frequency(list, 60, k_60[k]);
    }
}
