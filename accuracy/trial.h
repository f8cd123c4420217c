/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/trial - one line of the accuracy report: what is played, what must come out, what did.
 *
 * A trial is filled by the room that invents it (accuracy/trials), run by accuracy/laboratory and
 * written by accuracy/report. Its error is compared with two limits: the goal this meter sets
 * itself, and the limit of the standard's class, where there is one. */
#ifndef WK_ACCURACY_TRIAL_H
#define WK_ACCURACY_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "accuracy/player.h"
#include "accuracy/wave.h"

#define WK_TRIAL_POINTS 51
#define WK_TRIAL_PHASES 3

struct wk_trial;

/* Builds the signal; also for `--export`. */
typedef void (*wk_trial_make)(const struct wk_trial *trial, struct wk_wave *wave);

/* Fills the results; `player` is the worker's own. WK_E_*: the meter refused. */
typedef wk_err (*wk_trial_run)(struct wk_trial *trial, struct wk_player *player);

/* What the trial is about; each room uses what it needs. */
struct wk_trial_setup {
    wk_converter_kind converter;
    double f_hz;
    double u_v;
    double i_a;
    double i_max_a;
    double lag_degrees;
    int phases;  /* bit per phase that is loaded */
    int variant; /* of the room's own table */
    double value;
    double other;
};

struct wk_trial {
    char name[72]; /* unique */
    const char *group;
    const char *clause;
    char conditions[176];
    const char *unit; /* of expected and measured */
    const char *error_unit;
    double goal;        /* of |error|; < 0: none, the trial informs */
    double class_limit; /* of |error|; < 0: none */
    const char *class_name;
    bool quick; /* also part of a quick run */
    wk_trial_make make;
    wk_trial_run run;
    struct wk_trial_setup setup;
    /* for the plots */
    const char *series; /* NULL: in none */
    double x;
    /* results */
    wk_err err;
    double expected;
    double measured;
    double error; /* in error_unit, with sign */
    bool holds;
    char note[120];
    int points; /* of a curve within the trial */
    double point[WK_TRIAL_POINTS];
};

struct wk_trial_list {
    struct wk_trial *trial;
    size_t count;
    size_t room;
    bool failed; /* no memory */
};

/** A new trial, to be filled; goal and class limit none. Never NULL: a spare one without memory,
 *  and list->failed. */
struct wk_trial *wk_trial_add(struct wk_trial_list *list, const char *group,
                              const char *clause);

void wk_trial_free(struct wk_trial_list *list);

/** The error in percent of what was expected. */
void wk_trial_judge_percent(struct wk_trial *trial, double expected, double measured);

/** The difference, times `scale`, in error_unit. */
void wk_trial_judge(struct wk_trial *trial, double expected, double measured, double scale);

/** The limit that counts over the error: 2 = twice as good as wanted; 0 without a limit. */
double wk_trial_margin(const struct wk_trial *trial);

#endif
