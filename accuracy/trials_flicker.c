/* SPDX-License-Identifier: Apache-2.0
 *
 * Pst of the table of rectangular modulations of IEC 61000-4-15 Ed. 2: both lamps at both
 * frequencies, ten minutes of the clock each. */
#include <math.h>
#include <stdio.h>

#include "accuracy/trials.h"

#define ROWS     7
#define COLUMNS  4
#define GOAL     1.0
#define SETTLE_S 35.0
#define PST_S    600.0
#define LATE_S   2.0

static const double k_changes[ROWS] = {1, 2, 7, 39, 110, 1620, 4000};

static const struct {
    const char *name;
    wk_flicker_lamp lamp;
    double f_hz;
    double percent[ROWS];
    double last_changes;
} k_columns[COLUMNS] = {
    {"230 V lamp, 50 Hz",
     WK_FLICKER_LAMP_230_V,
     50,
     {2.715, 2.191, 1.450, 0.894, 0.722, 0.407, 2.343},
     4000},
    {"120 V lamp, 60 Hz",
     WK_FLICKER_LAMP_120_V,
     60,
     {3.181, 2.564, 1.694, 1.040, 0.844, 0.548, 4.837},
     4800},
    {"230 V lamp, 60 Hz",
     WK_FLICKER_LAMP_230_V,
     60,
     {2.719, 2.194, 1.450, 0.895, 0.723, 0.409, 3.263},
     4800},
    {"120 V lamp, 50 Hz",
     WK_FLICKER_LAMP_120_V,
     50,
     {3.178, 2.561, 1.694, 1.045, 0.844, 0.545, 3.426},
     4000},
};

static void make(const struct wk_trial *trial, struct wk_wave *wave)
{
    const int column = trial->setup.variant / ROWS;
    const int row = trial->setup.variant % ROWS;
    wk_wave_init(wave, k_columns[column].f_hz, SETTLE_S + PST_S + LATE_S);
    wave->am = k_columns[column].percent[row] / 100;
    wave->am_hz = trial->x / 120;
    for (int phase = 0; phase < WK_TRIAL_PHASES; phase++) {
        wk_wave_load(wave, phase, 230, 1, 0);
    }
}

/* In the last row the third harmonic of the modulation is twice the mains frequency: the rms
 * depends on the angle between them, by 1 %. The mean of three phases does not. */
static wk_err run(struct wk_trial *trial, struct wk_player *player)
{
    struct wk_wave wave;
    const struct wk_record_quality *got = NULL;
    make(trial, &wave);
    wk_player_reset(player, &wave, trial->setup.i_max_a);
    player->analyse = true;
    player->lamp = k_columns[trial->setup.variant / ROWS].lamp;
    player->tick_s = SETTLE_S;
    WK_TRY(wk_player_run(player));
    for (size_t n = 0; n < player->others; n++) {
        const struct wk_record *record = &player->other[n];
        const bool whole = record->kind == WK_RECORD_QUALITY &&
                           record->quality.level == WK_RECORD_LEVEL_10_MIN &&
                           record->quality.windows > 2000;
        got = whole ? &record->quality : got;
    }
    if (got == NULL) {
        return WK_E_STATE;
    }
    const double sum = (double)got->pst[0] + (double)got->pst[1] + (double)got->pst[2];
    wk_trial_judge_percent(trial, 1, sum / 3);
    snprintf(trial->note, sizeof trial->note, "L1 %.4f, L2 %.4f, L3 %.4f", (double)got->pst[0],
             (double)got->pst[1], (double)got->pst[2]);
    return WK_OK;
}

void wk_trials_add_flicker(struct wk_trial_list *list)
{
    for (int k = 0; k < COLUMNS * ROWS; k++) {
        const int column = k / ROWS;
        const int row = k % ROWS;
        struct wk_trial *trial = wk_trial_add(list, "flicker", "IEC 61000-4-15 Ed. 2, table");
        trial->x = row == ROWS - 1 ? k_columns[column].last_changes : k_changes[row];
        snprintf(trial->name, sizeof trial->name, "Pst, %s, %.0f changes/min",
                 k_columns[column].name, trial->x);
        snprintf(trial->conditions, sizeof trial->conditions,
                 "rectangle, dV/V %.3f %%, ten minutes of UTC; mean of three phases",
                 k_columns[column].percent[row]);
        trial->goal = GOAL;
        trial->class_limit = 5;
        trial->class_name = "F1";
        trial->quick = k == 3;
        trial->make = make;
        trial->run = run;
        trial->setup.variant = k;
        trial->setup.f_hz = k_columns[column].f_hz;
        trial->series = k_columns[column].name;
    }
}
