/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/plot - diagrams as inline SVG. Colours are those of the page's style sheet. */
#ifndef WK_ACCURACY_PLOT_H
#define WK_ACCURACY_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "accuracy/trial.h"

/* What the red marks at every value are. */
typedef enum wk_plot_marks {
    WK_PLOT_GOALS = 0,
    WK_PLOT_CLASSES, /* limits of the standard's class */
    WK_PLOT_NO_MARKS,
} wk_plot_marks;

/* Axes and what is drawn behind the values. */
struct wk_plot {
    const char *group; /* trials of this group, and if not NULL with this in their name */
    const char *only;
    const char *title; /* for those who cannot see it */
    const char *x_title;
    const char *y_title;
    bool log_x;
    double x_from, x_to;
    const double *ticks;
    int tick_count;
    double y_most; /* the axis goes from minus to plus; 0: by the values */
    double goal;   /* edge of a band; 0 = none */
    wk_plot_marks marks;
};

/** Error over trial->x, one curve per series. Only trials that ran. */
void wk_plot_curves(FILE *file, const struct wk_plot *plot, const struct wk_trial_list *list,
                    const char *const *series, int count);

/** Worst error of every order of the trials of group "harmonics", as bars. */
void wk_plot_orders(FILE *file, const struct wk_trial_list *list);

/** Pst, a table of cells coloured by the error. */
void wk_plot_flicker(FILE *file, const struct wk_trial_list *list);

/** Error of the residual voltage over the error of the duration. */
void wk_plot_events(FILE *file, const struct wk_trial_list *list);

#endif
