/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/report - the trials as JSON for machines and as one HTML page for people. */
#ifndef WK_ACCURACY_REPORT_H
#define WK_ACCURACY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "accuracy/trial.h"

struct wk_report_about {
    const char *version;
    const char *made;  /* UTC, ISO 8601 */
    const char *build; /* compiler and what it was told */
    double seconds;    /* the run took */
    bool quick;
};

/* What is said of a quantity as a whole. */
struct wk_report_group {
    const char *group;
    const char *title;
    const char *goal; /* in words */
    const char *peer;
};
#define WK_REPORT_GROUPS 11

const struct wk_report_group *wk_report_group_of(int number);

/** The trial of a group that comes nearest to its limit, or fails; NULL: none has a limit. Also
 *  counts those that ran and those that hold. */
const struct wk_trial *wk_report_worst(const struct wk_trial_list *list, const bool *chosen,
                                       const char *group, size_t *count, size_t *hold);

/** False: the file cannot be written. */
bool wk_report_write_json(const char *path, const struct wk_trial_list *list,
                          const bool *chosen, const struct wk_report_about *about);
bool wk_report_write_html(const char *path, const struct wk_trial_list *list,
                          const bool *chosen, const struct wk_report_about *about);

#endif
