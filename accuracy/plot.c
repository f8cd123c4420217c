/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/plot.h"

#include <math.h>
#include <string.h>

#define WIDTH   620.0
#define HEIGHT  270.0
#define LEFT    86.0
#define RIGHT   14.0
#define TOP     14.0
#define BOTTOM  50.0
#define ORDERS  50
#define SERIES  6
#define FLICKER "flicker"

static bool ran(const struct wk_trial *trial)
{
    return trial->err == WK_OK && trial->expected + trial->measured != 0;
}

static bool is_in(const struct wk_trial *trial, const char *group, const char *series)
{
    return ran(trial) && strcmp(trial->group, group) == 0 && trial->series != NULL &&
           (series == NULL || strcmp(trial->series, series) == 0);
}

/* 1, 2 or 5 times a power of ten, not below the value. */
static double round_up(double value)
{
    const double decade = pow(10, floor(log10(value > 1e-9 ? value : 1e-9)));
    const double part = value / decade;
    return decade * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/* ---- axes -------------------------------------------------------------------------------- */

static bool is_drawn(const struct wk_plot *plot, const struct wk_trial *trial,
                     const char *series)
{
    return is_in(trial, plot->group, series) &&
           (plot->only == NULL || strstr(trial->name, plot->only) != NULL) &&
           trial->x >= plot->x_from * 0.999 && trial->x <= plot->x_to * 1.001;
}

static double x_of(const struct wk_plot *plot, double x)
{
    const double share = plot->log_x ? log(x / plot->x_from) / log(plot->x_to / plot->x_from)
                                     : (x - plot->x_from) / (plot->x_to - plot->x_from);
    return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct wk_plot *plot, double y)
{
    const double share = fmax(-1, fmin(1, y / plot->y_most));
    return TOP + (1 - share) / 2 * (HEIGHT - TOP - BOTTOM);
}

static void begin(FILE *file, const struct wk_plot *plot)
{
    fprintf(file,
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n"
            "<rect class=\"area\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            WIDTH, HEIGHT, plot->title, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    if (plot->goal > 0 && plot->goal < plot->y_most) {
        fprintf(file,
                "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                LEFT, y_of(plot, plot->goal), WIDTH - LEFT - RIGHT,
                y_of(plot, -plot->goal) - y_of(plot, plot->goal));
    }
    for (int k = -2; k <= 2; k++) {
        const double y = plot->y_most * k / 2;
        fprintf(file,
                "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s%.4g</text>\n",
                k == 0 ? "zero" : "grid", LEFT, WIDTH - RIGHT, y_of(plot, y), y_of(plot, y),
                LEFT - 6, y_of(plot, y) + 4.5, k > 0 ? "+" : "", k == 0 ? 0.0 : y);
    }
    for (int k = 0; k < plot->tick_count; k++) {
        const double x = x_of(plot, plot->ticks[k]);
        fprintf(file,
                "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.4g</text>\n",
                x, x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, plot->ticks[k]);
    }
    fprintf(file,
            "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n"
            "<text class=\"axis\" transform=\"translate(13 %.1f) rotate(-90)\" "
            "text-anchor=\"middle\">%s</text>\n",
            WIDTH - RIGHT, HEIGHT - 8, plot->x_title, TOP + (HEIGHT - TOP - BOTTOM) / 2,
            plot->y_title);
}

/* ---- curves ------------------------------------------------------------------------------ */

static double mark_of(const struct wk_plot *plot, const struct wk_trial *trial)
{
    return plot->marks == WK_PLOT_GOALS     ? trial->goal
           : plot->marks == WK_PLOT_CLASSES ? trial->class_limit
                                            : 0;
}

/* The limits as steps over x: band of the goal, line of the class. */
static void put_limit(FILE *file, const struct wk_plot *plot, double x, double limit)
{
    if (limit <= 0 || limit > plot->y_most * 1.0001) {
        return;
    }
    for (int sign = -1; sign <= 1; sign += 2) {
        fprintf(file,
                "<line class=\"limit\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                x_of(plot, x) - 4, x_of(plot, x) + 4, y_of(plot, sign * limit),
                y_of(plot, sign * limit));
    }
}

/* Values of a series at one x are joined by a bar from the least to the largest. */
static void put_series(FILE *file, const struct wk_plot *plot, const struct wk_trial_list *list,
                       const char *series, int colour)
{
    char path[8192] = "";
    size_t size = 0;
    for (size_t n = 0; n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        if (!is_drawn(plot, trial, series)) {
            continue;
        }
        const double x = x_of(plot, trial->x);
        const double y = y_of(plot, trial->error);
        if (size < sizeof path - 32) {
            size += (size_t)snprintf(path + size, sizeof path - size, "%s%.1f %.1f",
                                     size == 0 ? "M" : " L", x, y);
        }
        put_limit(file, plot, trial->x, mark_of(plot, trial));
        fprintf(file, "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", colour,
                x, y);
        fprintf(file, "%s: %+.3g %s</title></circle>\n", trial->name, trial->error,
                trial->error_unit);
    }
    if (size > 0 && plot->log_x) {
        fprintf(file, "<path class=\"s%d\" d=\"%s\"/>\n", colour, path);
    }
}

static double largest(const struct wk_plot *plot, const struct wk_trial_list *list)
{
    double most = plot->goal;
    for (size_t n = 0; n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        if (is_drawn(plot, trial, NULL)) {
            most = fmax(most, fmax(fabs(trial->error), mark_of(plot, trial)));
        }
    }
    return most;
}

void wk_plot_curves(FILE *file, const struct wk_plot *plot, const struct wk_trial_list *list,
                    const char *const *series, int count)
{
    struct wk_plot scaled = *plot;
    if (scaled.y_most <= 0) {
        scaled.y_most = round_up(largest(plot, list) * 1.02);
    }
    begin(file, &scaled);
    for (int k = 0; k < count && k < SERIES; k++) {
        put_series(file, &scaled, list, series[k], k + 1);
    }
    fputs("</svg>\n<p class=\"key\">", file);
    for (int k = 0; k < count && k < SERIES; k++) {
        fprintf(file, "<span><i class=\"k%d\"></i>%s</span>", k + 1, series[k]);
    }
    static const char *const k_marks[] = {"<span><i class=\"kl\"></i>goal</span>",
                                          "<span><i class=\"kl\"></i>limit of the class</span>",
                                          ""};
    fprintf(file, "%s</p>\n", k_marks[plot->marks]);
}

/* ---- harmonics --------------------------------------------------------------------------- */

void wk_plot_orders(FILE *file, const struct wk_trial_list *list)
{
    static const double k_ticks[] = {1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50};
    static const double k_levels[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1};
    static const char *const k_names[] = {"0.00001", "0.0001", "0.001", "0.01", "0.1"};
    const struct wk_plot plot = {.x_from = 0.2, .x_to = 50.8};
    const double height = HEIGHT - TOP - BOTTOM;
    double worst[ORDERS + 1] = {0};
    for (size_t n = 0; n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        for (int h = 1; is_in(trial, "harmonics", "harmonics") && h <= ORDERS; h++) {
            worst[h] = fmax(worst[h], trial->point[h]);
        }
    }
    fprintf(file,
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"worst error of each "
            "harmonic\">\n<rect class=\"area\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"%.1f\"/>\n",
            WIDTH, HEIGHT, LEFT, TOP, WIDTH - LEFT - RIGHT, height);
    for (int k = 0; k < 5; k++) {
        const double y = TOP + height * (1 - (log10(k_levels[k]) + 5) / 4.3);
        fprintf(file,
                "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                k == 4 ? "limit" : "grid", LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4.5,
                k_names[k]);
    }
    for (int h = 1; h <= ORDERS; h++) {
        const double share = fmax(0, fmin(1, (log10(fmax(worst[h], 1e-9)) + 5) / 4.3));
        fprintf(file,
                "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"%.1f\"><title>"
                "order %d: %.2g %% of reading</title></rect>\n",
                x_of(&plot, h) - 3.5, TOP + height * (1 - share), height * share, h, worst[h]);
    }
    for (size_t k = 0; k < sizeof k_ticks / sizeof k_ticks[0]; k++) {
        fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f</text>\n",
                x_of(&plot, k_ticks[k]), HEIGHT - BOTTOM + 18, k_ticks[k]);
    }
    fprintf(file,
            "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">order</text>\n"
            "<text class=\"axis\" transform=\"translate(13 %.1f) rotate(-90)\" "
            "text-anchor=\"middle\">error, %% of reading</text></svg>\n",
            WIDTH - RIGHT, HEIGHT - 8, TOP + height / 2);
}

/* ---- flicker ----------------------------------------------------------------------------- */

void wk_plot_flicker(FILE *file, const struct wk_trial_list *list)
{
    static const char *const k_columns[] = {"230 V lamp, 50 Hz", "120 V lamp, 60 Hz",
                                            "230 V lamp, 60 Hz", "120 V lamp, 50 Hz"};
    static const double k_changes[] = {1, 2, 7, 39, 110, 1620, 4000};
    fputs("<div class=\"scroll\"><table class=\"heat\"><thead><tr><th>changes/min</th>", file);
    for (int column = 0; column < 4; column++) {
        fprintf(file, "<th>%s</th>", k_columns[column]);
    }
    fputs("</tr></thead><tbody>\n", file);
    for (int row = 0; row < 7; row++) {
        fprintf(file, "<tr><th>%.0f%s</th>", k_changes[row], row == 6 ? " (60 Hz: 4800)" : "");
        for (int column = 0; column < 4; column++) {
            const struct wk_trial *found = NULL;
            for (size_t n = 0; n < list->count; n++) {
                const struct wk_trial *trial = &list->trial[n];
                const bool last = row == 6 && trial->x >= 4000;
                found = is_in(trial, FLICKER, k_columns[column]) &&
                                (trial->x == k_changes[row] || last)
                            ? trial
                            : found;
            }
            if (found == NULL) {
                fputs("<td class=\"none\">not run</td>", file);
                continue;
            }
            fprintf(file, "<td class=\"%s\" style=\"--heat:%.2f\">%.4f</td>",
                    found->error < 0 ? "low" : "high", fmin(1, fabs(found->error)),
                    found->measured);
        }
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table></div>\n", file);
}

/* ---- events ------------------------------------------------------------------------------ */

void wk_plot_events(FILE *file, const struct wk_trial_list *list)
{
    static const double k_ticks[] = {-0.5, -0.25, 0, 0.25, 0.5};
    const struct wk_plot plot = {
        .title = "error of the residual voltage over the error of the duration",
        .x_title = "error of the duration, cycles (goal 0.5)",
        .y_title = "residual voltage, % Udin",
        .x_from = -0.55,
        .x_to = 0.55,
        .ticks = k_ticks,
        .tick_count = 5,
        .y_most = 0.11,
        .goal = 0.1,
    };
    begin(file, &plot);
    for (size_t n = 0; n < list->count; n++) {
        const struct wk_trial *trial = &list->trial[n];
        if (!ran(trial) || strcmp(trial->group, "dips and swells") != 0 || trial->points != 1) {
            continue;
        }
        fprintf(
            file,
            "<circle class=\"s%d faint\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"><title>%s: %+.3g "
            "%% Udin, %+.3f cycles</title></circle>\n",
            trial->setup.value > 1 ? 2 : 1, x_of(&plot, trial->point[0]),
            y_of(&plot, trial->error), trial->name, trial->error, trial->point[0]);
    }
    fputs("</svg>\n<p class=\"key\"><span><i class=\"k1\"></i>dip</span><span><i "
          "class=\"k2\"></i>swell</span><span><i class=\"kl\"></i>goal</span></p>\n",
          file);
}
