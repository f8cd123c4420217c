/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/trial.h"

#include <math.h>
#include <stdlib.h>

#define GROWTH      256
#define MARGIN_MOST 1e6

static bool grow(struct wk_trial_list *list)
{
    struct wk_trial *more = realloc(list->trial, (list->room + GROWTH) * sizeof *more);
    if (more == NULL) {
        list->failed = true;
        return false;
    }
    list->trial = more;
    list->room += GROWTH;
    return true;
}

struct wk_trial *wk_trial_add(struct wk_trial_list *list, const char *group, const char *clause)
{
    static struct wk_trial spare;
    const bool fits = list->count < list->room || grow(list);
    struct wk_trial *trial = fits ? &list->trial[list->count++] : &spare;
    *trial = (struct wk_trial){
        .group = group,
        .clause = clause,
        .unit = "",
        .error_unit = "%",
        .goal = -1,
        .class_limit = -1,
        .class_name = "",
        .setup = {.f_hz = 50, .u_v = 230, .i_a = 5, .i_max_a = 10, .phases = 7},
    };
    return trial;
}

void wk_trial_free(struct wk_trial_list *list)
{
    free(list->trial);
    *list = (struct wk_trial_list){.count = 0};
}

static void settle(struct wk_trial *trial)
{
    const double size = fabs(trial->error);
    trial->holds = trial->err == WK_OK && isfinite(trial->error) &&
                   (trial->goal < 0 || size <= trial->goal) &&
                   (trial->class_limit < 0 || trial->goal < 0 || size <= trial->class_limit);
}

void wk_trial_judge(struct wk_trial *trial, double expected, double measured, double scale)
{
    trial->expected = expected;
    trial->measured = measured;
    trial->error = (measured - expected) * scale;
    settle(trial);
}

void wk_trial_judge_percent(struct wk_trial *trial, double expected, double measured)
{
    wk_trial_judge(trial, expected, measured, 100 / fabs(expected));
}

double wk_trial_margin(const struct wk_trial *trial)
{
    const double limit = trial->goal >= 0 ? trial->goal : trial->class_limit;
    const double size = fabs(trial->error);
    if (limit < 0) {
        return 0;
    }
    return size * MARGIN_MOST > limit ? limit / size : MARGIN_MOST;
}
