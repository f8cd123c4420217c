/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "accuracy/report.h"

#define PRECISION 9

static const struct wk_report_group k_groups[WK_REPORT_GROUPS] = {
    {"active energy", "Active energy, ideal converter", "0.005 % (PF 1), 0.01 % (other PF)",
     "0.04 %"},
    {"starting and pulses", "Starting, no load, meter constant",
     "0.005 %; no pulse without load; less than a pulse", ""},
    {"influence quantities", "Active energy under influence quantities",
     "0.005 % (PF 1), 0.01 % (other PF)", "0.04 %"},
    {"realistic front end", "Active energy, realistic front end",
     "a quarter of class 0.2S at 24 bit; class 0.2S at 16 bit", ""},
    {"reactive energy", "Reactive energy of the fundamental", "0.02 %, right quadrant",
     "1.6 %"},
    {"voltage and current", "Voltage and current, 10/12 cycles", "0.005 % of reading",
     "0.025 %"},
    {"frequency", "Frequency", "1 mHz; windows of 0.2 s in state 3: class A, 10 mHz",
     "0.03 mHz, clean"},
    {"unbalance", "Unbalance", "0.01 % absolute", ""},
    {"harmonics", "Harmonics and interharmonics", "0.1 % of reading", "-28 % at order 50"},
    {"flicker", "Flicker", "Pst 1 &plusmn; 1 %", "0.994 to 1.000, one lamp"},
    {"dips and swells", "Dips, swells, interruptions", "0.1 % Udin, half a cycle", ""},
};

static const struct wk_report_group k_noise = {"noise and interference",
                                               "Noise and interference", "0.005 %", ""};

const struct wk_report_group *wk_report_group_of(int number)
{
    return number < WK_REPORT_GROUPS ? &k_groups[number] : &k_noise;
}

const struct wk_trial *wk_report_worst(const struct wk_trial_list *list, const bool *chosen,
                                       const char *group, size_t *count, size_t *hold)
{
    const struct wk_trial *worst = NULL;
    *count = 0;
    *hold = 0;
    for (size_t n = 0; n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        if (!chosen[n] || strcmp(trial->group, group) != 0) {
            continue;
        }
        (*count)++;
        *hold += trial->holds ? 1 : 0;
        const bool judged = trial->goal > 0 || (trial->goal == 0 && !trial->holds);
        const bool worse =
            worst == NULL || (worst->holds && !trial->holds) ||
            (worst->holds == trial->holds && wk_trial_margin(trial) < wk_trial_margin(worst));
        worst = judged && worse ? trial : worst;
    }
    return worst;
}

static json_t *limit_of(double value)
{
    return value < 0 ? json_null() : json_real(value);
}

static json_t *trial_of(const struct wk_trial *trial)
{
    json_t *row = json_object();
    json_object_set_new(row, "group", json_string(trial->group));
    json_object_set_new(row, "name", json_string(trial->name));
    json_object_set_new(row, "clause", json_string(trial->clause));
    json_object_set_new(row, "conditions", json_string(trial->conditions));
    json_object_set_new(row, "unit", json_string(trial->unit));
    json_object_set_new(row, "expected", json_real(trial->expected));
    json_object_set_new(row, "measured", json_real(trial->measured));
    json_object_set_new(row, "error",
                        isfinite(trial->error) ? json_real(trial->error) : json_null());
    json_object_set_new(row, "error_unit", json_string(trial->error_unit));
    json_object_set_new(row, "goal", limit_of(trial->goal));
    json_object_set_new(row, "class", json_string(trial->class_name));
    json_object_set_new(row, "class_limit", limit_of(trial->class_limit));
    json_object_set_new(row, "margin",
                        trial->goal > 0 ? json_real(wk_trial_margin(trial)) : json_null());
    json_object_set_new(row, "holds", json_boolean(trial->holds));
    if (trial->err != WK_OK) {
        json_object_set_new(row, "failed", json_string(wk_err_text(trial->err)));
    }
    if (trial->note[0] != '\0') {
        json_object_set_new(row, "note", json_string(trial->note));
    }
    if (trial->points > 0) {
        json_t *points = json_array();
        for (int k = 0; k < trial->points; k++) {
            json_array_append_new(points, json_real(trial->point[k]));
        }
        json_object_set_new(row, "points", points);
    }
    return row;
}

static json_t *group_of(const struct wk_report_group *group, const struct wk_trial_list *list,
                        const bool *chosen)
{
    size_t count;
    size_t hold;
    const struct wk_trial *worst = wk_report_worst(list, chosen, group->group, &count, &hold);
    json_t *row = json_object();
    json_object_set_new(row, "group", json_string(group->group));
    json_object_set_new(row, "trials", json_integer((json_int_t)count));
    json_object_set_new(row, "hold", json_integer((json_int_t)hold));
    if (worst != NULL) {
        json_object_set_new(row, "worst", json_string(worst->name));
        json_object_set_new(row, "error", json_real(worst->error));
        json_object_set_new(row, "error_unit", json_string(worst->error_unit));
        json_object_set_new(row, "goal", json_real(worst->goal));
        json_object_set_new(row, "margin", json_real(wk_trial_margin(worst)));
    }
    return row;
}

bool wk_report_write_json(const char *path, const struct wk_trial_list *list,
                          const bool *chosen, const struct wk_report_about *about)
{
    json_t *root = json_object();
    json_t *groups = json_array();
    json_t *trials = json_array();
    size_t run = 0;
    size_t hold = 0;
    for (size_t n = 0; n < list->count; n++) {
        if (chosen[n]) {
            json_array_append_new(trials, trial_of(&list->trial[n]));
            run++;
            hold += list->trial[n].holds ? 1 : 0;
        }
    }
    for (int k = 0; k <= WK_REPORT_GROUPS; k++) {
        json_array_append_new(groups, group_of(wk_report_group_of(k), list, chosen));
    }
    json_object_set_new(root, "report", json_string("wattkeeper accuracy"));
    json_object_set_new(root, "version", json_string(about->version));
    json_object_set_new(root, "made", json_string(about->made));
    json_object_set_new(root, "build", json_string(about->build));
    json_object_set_new(root, "seconds", json_real(about->seconds));
    json_object_set_new(root, "quick", json_boolean(about->quick));
    json_object_set_new(root, "trials_run", json_integer((json_int_t)run));
    json_object_set_new(root, "trials_hold", json_integer((json_int_t)hold));
    json_object_set_new(root, "holds", json_boolean(run > 0 && hold == run));
    json_object_set_new(root, "groups", groups);
    json_object_set_new(root, "trials", trials);
    const int status =
        json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(PRECISION));
    json_decref(root);
    return status == 0;
}
