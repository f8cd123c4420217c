/* SPDX-License-Identifier: Apache-2.0
 *
 * Reactive energy of the fundamental (IEC 62053-24): in all four quadrants, off nominal
 * frequency, and with harmonics, which must not change it. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define GOAL      0.02
#define SECONDS   6.0
#define STRAY_PPM 1.0 /* most that may appear in another quadrant */

static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    const struct wk_trial_setup *setup = &trial->setup;
    wk_wave_init(wave, setup->f_hz, SECONDS);
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, setup->u_v, setup->i_a, setup->lag_degrees);
        if (setup->variant != 0) {
            wk_wave_harmonic(wave, phase, 3, 0.05, 90);
            wk_wave_harmonic(wave, phase, 5, 0.1, 20);
            wk_wave_harmonic(wave, phase, 7, 0.05, -60);
            wk_wave_harmonic(wave, 3 + phase, 3, 0.3, 150);
            wk_wave_harmonic(wave, 3 + phase, 5, 0.4, -70);
            wk_wave_harmonic(wave, 3 + phase, 7, 0.2, 30);
        }
    }
}

static wk_err run(struct wk_trial *trial, struct wk_player *player)
{
    const struct wk_trial_setup *setup = &trial->setup;
    const double sine = sin(setup->lag_degrees * WK_WAVE_TURN / 360);
    const double cosine = cos(setup->lag_degrees * WK_WAVE_TURN / 360);
    const int quadrant = sine > 0 ? (cosine > 0 ? 0 : 1) : (cosine > 0 ? 3 : 2);
    struct wk_wave wave;
    make(trial, &wave);
    wk_player_reset(player, &wave, setup->i_max_a);
    WK_TRY(wk_player_run(player));
    const struct wk_player_energy got = wk_player_energy_of(player);
    const double truth = 3 * setup->u_v * setup->i_a * fabs(sine) * (got.to_s - got.from_s);
    wk_trial_judge_percent(trial, truth / 3600, got.q_varh[quadrant]);
    for (int other = 0; other < 4; other++) {
        if (other != quadrant && got.q_varh[other] * 3600e6 > truth * STRAY_PPM) {
            trial->holds = false;
            snprintf(trial->note, sizeof trial->note, "%.6g varh in quadrant %d",
                     got.q_varh[other], other + 1);
        }
    }
    return WK_OK;
}

static void add(struct wk_trial_list *list, double f_hz, int quadrant, double sine,
                bool harmonics)
{
    static const char *const k_quadrants[] = {"I", "II", "III", "IV"};
    const double acute = asin(sine) * 360 / WK_WAVE_TURN;
    const double lag[4] = {acute, 180 - acute, 180 + acute, -acute};
    struct wk_trial *trial =
        wk_trial_add(list, "reactive energy", "IEC 62053-24: fundamental reactive energy");
    snprintf(trial->name, sizeof trial->name, "%.4g Hz, quadrant %s, sin phi %.3g%s", f_hz,
             k_quadrants[quadrant], sine, harmonics ? ", harmonics" : "");
    snprintf(trial->conditions, sizeof trial->conditions,
             "3 x 230 V, 5 A%s; nothing in the other quadrants",
             harmonics ? "; U3 5, U5 10, U7 5 %, I3 30, I5 40, I7 20 %, at angles that carry"
                         " harmonic reactive power"
                       : "");
    trial->unit = "varh";
    trial->goal = GOAL;
    trial->class_limit = sine < 0.3 ? 1.0 : 0.5;
    trial->class_name = "0.5S";
    trial->quick = f_hz == 45 || f_hz == 55;
    trial->make = make;
    trial->run = run;
    trial->setup.f_hz = f_hz;
    trial->setup.lag_degrees = lag[quadrant];
    trial->setup.variant = harmonics ? 1 : 0;
    trial->series = harmonics ? "with harmonics" : "sine";
    trial->x = f_hz;
}

void wk_trials_add_reactive(struct wk_trial_list *list)
{
    static const double k_hz[] = {45, 47.3, 49.5, 50, 50.4, 52.7, 55};
    static const double k_sine[] = {0.25, 0.5, 0.966};
    for (size_t f = 0; f < sizeof k_hz / sizeof k_hz[0]; f++) {
        for (int quadrant = 0; quadrant < 4; quadrant++) {
            for (int s = 0; s < 3; s++) {
                add(list, k_hz[f], quadrant, k_sine[s], false);
                add(list, k_hz[f], quadrant, k_sine[s], true);
            }
        }
    }
}
