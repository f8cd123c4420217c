/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "accuracy/plot.h"
#include "accuracy/report.h"

static const char k_head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Wattkeeper accuracy report</title>\n<style>\n"
    ":root { color-scheme: light dark;\n"
    "  --bg: light-dark(#f6f5f1, #101315); --card: light-dark(#fffefb, #171b1e);\n"
    "  --line: light-dark(#e2e0d8, #2a3035); --ink: light-dark(#171a1c, #eceff1);\n"
    "  --muted: light-dark(#5c6267, #98a2a9); --accent: light-dark(#0b6e6e, #4fc3bd);\n"
    "  --tint: light-dark(#e3eeec, #16302f); --ok: light-dark(#14753c, #5fcf8c);\n"
    "  --alarm: light-dark(#b3261e, #ff7b72); --warm: light-dark(#b8641a, #e09a55);\n"
    "  --s1: light-dark(#0b6e6e, #4fc3bd); --s2: light-dark(#92541f, #d08b52);\n"
    "  --s3: light-dark(#2468c8, #6aa5ff); --s4: light-dark(#868e95, #8d979e);\n"
    "  --s5: light-dark(#8b3a8f, #d58ad8); --s6: light-dark(#1d2124, #f2f4f5); }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; max-width: 1080px; padding: 28px 20px 60px; background: "
    "var(--bg);\n"
    "  color: var(--ink); font: 14px/1.5 Inter, system-ui, sans-serif;\n"
    "  font-variant-numeric: tabular-nums; }\n"
    "h1 { font-size: 26px; font-weight: 600; margin: 0; letter-spacing: -0.01em; }\n"
    "h2 { font-size: 17px; font-weight: 600; margin: 36px 0 4px; }\n"
    "p { margin: 4px 0; max-width: 76ch; } .muted, .key, figcaption { color: var(--muted); }\n"
    "a { color: var(--accent); }\n"
    ".verdict { display: flex; flex-wrap: wrap; gap: 6px 26px; align-items: baseline;\n"
    "  margin: 18px 0; padding: 14px 18px; background: var(--card);\n"
    "  border: 1px solid var(--line); border-left: 4px solid var(--ok); border-radius: 6px; }\n"
    ".verdict.bad { border-left-color: var(--alarm); }\n"
    ".verdict b { font-size: 20px; font-weight: 600; }\n"
    "table { border-collapse: collapse; width: 100%; font-size: 13px; }\n"
    "th, td { padding: 5px 8px; text-align: right; border-bottom: 1px solid var(--line);\n"
    "  vertical-align: top; }\n"
    "th { font-weight: 600; color: var(--muted); font-size: 12px; }\n"
    "th.l, td.l { text-align: left; } td.l:first-child { min-width: 13em; }\n"
    "td.l + td.l { min-width: 12em; } td.n { white-space: nowrap; }\n"
    ".ok { color: var(--ok); } .bad { color: var(--alarm); font-weight: 600; }\n"
    ".scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line);\n"
    "  border-radius: 6px; margin: 10px 0; } .scroll tr:last-child > * { border-bottom: 0; }\n";

static const char k_style[] =
    "figure { margin: 12px 0; max-width: 720px; background: var(--card); border: 1px solid "
    "var(--line);\n"
    "  border-radius: 6px; padding: 12px 14px; break-inside: avoid; }\n"
    "figcaption { font-size: 12.5px; margin-bottom: 6px; }\n"
    "figcaption b { color: var(--ink); font-weight: 600; }\n"
    ".two { display: grid; align-items: start; grid-template-columns: repeat(auto-fit, "
    "minmax(min(440px, 100%), 1fr));\n"
    "  gap: 0 14px; }\n"
    "svg { width: 100%; height: auto; display: block; } svg text { font-size: 14px;\n"
    "  fill: var(--muted); } svg .axis { fill: var(--ink); }\n"
    ".area { fill: none; stroke: var(--line); } .band { fill: var(--tint); opacity: .6; }\n"
    ".grid { stroke: var(--line); } .zero { stroke: var(--muted); }\n"
    ".limit { stroke: var(--alarm); stroke-width: 1.6; } .bar { fill: var(--s1); }\n"
    "path { fill: none; stroke-width: 1.2; } circle { stroke: none; }\n"
    "circle.s1 { fill: var(--s1); } circle.s2 { fill: var(--s2); }\n"
    "circle.s3 { fill: var(--s3); } circle.s4 { fill: var(--s4); }\n"
    "circle.s5 { fill: var(--s5); } circle.s6 { fill: var(--s6); }\n"
    "path.s1 { stroke: var(--s1); } path.s2 { stroke: var(--s2); }\n"
    "path.s3 { stroke: var(--s3); } path.s4 { stroke: var(--s4); }\n"
    "path.s5 { stroke: var(--s5); } .faint { opacity: .65; }\n"
    ".key { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12px; max-width: none; "
    "}\n"
    ".key i { display: inline-block; width: 10px; height: 10px; border-radius: 5px;\n"
    "  margin-right: 5px; } .key .kl { height: 2px; width: 12px; margin-bottom: 4px;\n"
    "  background: var(--alarm); }\n"
    ".k1 { background: var(--s1); } .k2 { background: var(--s2); } .k3 { background: "
    "var(--s3);\n"
    "  } .k4 { background: var(--s4); } .k5 { background: var(--s5); }\n"
    ".heat td { text-align: center; } .heat td.high { background: color-mix(in srgb,\n"
    "  var(--warm) calc(var(--heat) * 70%), transparent); } .heat td.low { background:\n"
    "  color-mix(in srgb, var(--s3) calc(var(--heat) * 70%), transparent); }\n"
    ".none { color: var(--muted); }\n"
    "details { margin: 8px 0; } summary { cursor: pointer; color: var(--accent); }\n"
    ".cond { color: var(--muted); font-size: 12px; display: block; max-width: 60ch; }\n"
    "@media (max-width: 560px) { body { padding: 18px 12px 40px; }\n"
    "  .two { grid-template-columns: 1fr; } figure { padding: 10px 8px; } h1 { font-size: "
    "22px;\n"
    "  } svg text { font-size: 17px; } td, th { padding: 5px 6px; } }\n"
    "@media print { @page { size: A4; margin: 14mm; } :root { color-scheme: light; }\n"
    "  body { max-width: none; padding: 0; font-size: 10pt; background: none; }\n"
    "  table { font-size: 8pt; } .cond { font-size: 7.5pt; } tr { break-inside: avoid; }\n"
    "  .scroll { overflow: visible; } thead { display: table-header-group; }\n"
    "  h2 { break-after: avoid; } summary { display: none; } }\n"
    "</style></head><body>\n";

static void put_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        default:
            fputc(*text, file);
        }
    }
}

/* ---- the summary ------------------------------------------------------------------------- */

static void put_verdict(FILE *file, const struct wk_trial_list *list, const bool *chosen,
                        const struct wk_report_about *about)
{
    size_t run = 0;
    size_t hold = 0;
    for (size_t n = 0; n < list->count; n++) {
        run += chosen[n] ? 1 : 0;
        hold += chosen[n] && list->trial[n].holds ? 1 : 0;
    }
    fprintf(file,
            "<h1>Accuracy report</h1>\n<p class=\"muted\">Wattkeeper %s &middot; %s &middot; "
            "compiler %s &middot; run in %.0f s</p>\n<div "
            "class=\"verdict%s\"><b>%s</b><span>%zu of %zu "
            "trials hold%s</span></div>\n",
            about->version, about->made, about->build, about->seconds,
            hold == run ? "" : " bad", hold == run ? "All goals hold" : "Not all goals hold",
            hold, run, about->quick ? " (a quick selection)" : "");
    fputs(
        "<p>Every trial plays a signal whose truth is known in closed form through a model of "
        "a converter into the meter's own chain, the code that runs on the meter, and compares "
        "what comes out. The <em>goal</em> is this project's; the <em>class</em> is the limit "
        "of the standard. This is the share of arithmetic and of modelled front ends; a "
        "certificate needs hardware: temperature, magnetic fields, immunity of the device.</p>",
        file);
}

static void put_summary(FILE *file, const struct wk_trial_list *list, const bool *chosen)
{
    fputs("<div class=\"scroll\"><table><thead><tr><th class=\"l\">Quantity</th><th "
          "class=\"l\">Goal</th><th>Trials</th><th>Worst error</th><th>Its limit</th><th>Margin"
          "</th><th class=\"l\">Peer, measured</th><th></th></tr></thead><tbody>\n",
          file);
    for (int k = 0; k <= WK_REPORT_GROUPS; k++) {
        const struct wk_report_group *group = wk_report_group_of(k);
        size_t count;
        size_t hold;
        const struct wk_trial *worst =
            wk_report_worst(list, chosen, group->group, &count, &hold);
        if (count == 0) {
            continue;
        }
        fprintf(file,
                "<tr><td class=\"l\"><a href=\"#g%d\">%s</a></td><td class=\"l\">%s</td>"
                "<td>%zu</td>",
                k, group->title, group->goal, count);
        char margin[40];
        if (worst != NULL) {
            const double ratio = wk_trial_margin(worst);
            snprintf(margin, sizeof margin, "%s%.*f &times;", ratio > 9999 ? "&gt; " : "",
                     ratio < 9.95 ? 1 : 0, fmin(ratio, 9999));
            fprintf(file,
                    "<td class=\"n\" title=\"%s\">%.3g %s</td><td class=\"n\">%.3g %s</td>"
                    "<td class=\"n\">%s</td>",
                    worst->name, fabs(worst->error), worst->error_unit, worst->goal,
                    worst->error_unit, margin);
        } else {
            fputs("<td></td><td></td><td></td>", file);
        }
        fprintf(file, "<td class=\"l\">%s</td><td class=\"%s\">%s</td></tr>\n", group->peer,
                hold == count ? "ok" : "bad", hold == count ? "holds" : "fails");
    }
    fputs("</tbody></table></div>\n<p class=\"muted\">Worst is what comes nearest to its own "
          "limit. Peer: pqopen-lib, measured on signals of the same kind; "
          "see docs/accuracy.md.</p>\n",
          file);
}

/* ---- plots of a group -------------------------------------------------------------------- */

static const char *const k_pf[] = {"1", "0.5 L", "0.8 C", "0.25 L", "0.5 C"};
static const char *const k_states[] = {"state 1", "state 2", "state 3"};
static const char *const k_reactive[] = {"sine", "with harmonics"};
static const double k_currents[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};
static const double k_hertz[] = {42.5, 45, 50, 55, 60, 65, 69};
static const double k_hertz_q[] = {45, 47.5, 50, 52.5, 55};
static const double k_levels[] = {0.1, 0.2, 0.3, 0.5, 1, 1.5};

static void figure(FILE *file, const char *title, const char *more)
{
    fprintf(file, "<figure><figcaption><b>%s.</b> %s</figcaption>\n", title, more);
}

/* A diagram of curves: what of which group, and how. */
struct curves {
    struct wk_plot plot;
    const char *title;
    const char *text;
    const char *const *series;
    int count;
};

#define CURRENT_AXIS                                                                           \
    .x_title = "I / In", .y_title = "error, %", .log_x = true, .x_from = 0.009, .x_to = 2.2,   \
    .ticks = k_currents, .tick_count = 8
#define HERTZ_AXIS                                                                             \
    .x_title = "Hz", .x_from = 42, .x_to = 69.5, .ticks = k_hertz, .tick_count = 7

static const struct curves k_curves[] = {
    {{.group = "active energy",
      .title = "error over current",
      CURRENT_AXIS,
      .y_most = 0.6,
      .marks = WK_PLOT_CLASSES},
     "Error against current",
     "Ideal converter, one curve per power factor, in the limits of class 0.2S.",
     k_pf,
     5},
    {{.group = "active energy",
      .title = "error over current, magnified",
      CURRENT_AXIS,
      .marks = WK_PLOT_NO_MARKS},
     "The same, magnified",
     "What is left is the unit of the registers: 1 &micro;Wh.",
     k_pf,
     5},
    {{.group = "influence quantities",
      .title = "error over frequency",
      HERTZ_AXIS,
      .y_title = "error, %",
      .goal = 0.005},
     "Error against frequency",
     "42.5 to 57.5 Hz with nominal 50 Hz, 51 to 69 Hz with nominal 60 Hz.",
     k_pf,
     3},
    {{.group = "influence quantities",
      .title = "error over frequency, magnified",
      HERTZ_AXIS,
      .y_title = "error, %",
      .marks = WK_PLOT_NO_MARKS},
     "The same, magnified",
     "Positions of windows are known to 1 &micro;s of 4 s here.",
     k_pf,
     3},
    {{.group = "realistic front end",
      .only = "24 bit",
      .title = "error over current",
      CURRENT_AXIS},
     "24 bit, 101 dB",
     "Red marks: a quarter of class 0.2S.",
     k_pf,
     5},
    {{.group = "realistic front end",
      .only = "16 bit",
      .title = "error over current",
      CURRENT_AXIS},
     "16 bit, 88 dB",
     "Red marks: class 0.2S.",
     k_pf,
     5},
    {{.group = "reactive energy",
      .title = "error over frequency",
      .x_title = "Hz",
      .y_title = "error, %",
      .x_from = 44.5,
      .x_to = 55.5,
      .ticks = k_hertz_q,
      .tick_count = 5,
      .goal = 0.02},
     "Error against frequency",
     "All quadrants, sin &phi; 0.25, 0.5, 0.966.",
     k_reactive,
     2},
    {{.group = "reactive energy",
      .title = "error over frequency, magnified",
      .x_title = "Hz",
      .y_title = "error, %",
      .x_from = 44.5,
      .x_to = 55.5,
      .ticks = k_hertz_q,
      .tick_count = 5,
      .marks = WK_PLOT_NO_MARKS},
     "The same, magnified",
     "Largest where sin &phi; is 0.25.",
     k_reactive,
     2},
    {{.group = "voltage and current",
      .only = "U ",
      .title = "error over magnitude",
      .x_title = "U / Udin",
      .y_title = "error, % of reading",
      .log_x = true,
      .x_from = 0.09,
      .x_to = 1.7,
      .ticks = k_levels,
      .tick_count = 6,
      .goal = 0.005},
     "Voltage",
     "Worst window of ten cycles, in the three influence states of class A.",
     k_states,
     3},
    {{.group = "voltage and current",
      .only = "I ",
      .title = "error over magnitude",
      .x_title = "I / 10 A",
      .y_title = "error, % of reading",
      .log_x = true,
      .x_from = 0.09,
      .x_to = 1.7,
      .ticks = k_levels,
      .tick_count = 6,
      .goal = 0.005},
     "Current",
     "Worst window of ten cycles, in the three influence states of class A.",
     k_states,
     3},
    {{.group = "frequency",
      .only = "10 s",
      .title = "error over frequency",
      HERTZ_AXIS,
      .y_title = "error, mHz",
      .goal = 1},
     "Intervals of 10 s",
     "The frequency of class A; worst of each run.",
     k_states,
     3},
    {{.group = "frequency",
      .only = "window",
      .title = "error over frequency",
      HERTZ_AXIS,
      .y_title = "error, mHz",
      .goal = 1},
     "Windows of 0.2 s",
     "Worst of 30 s. Flicker of Pst 4 and the interharmonic of state 3 "
     "move the phase within a window.",
     k_states,
     3},
};

static void put_curves(FILE *file, const struct wk_trial_list *list, const char *group)
{
    fputs("<div class=\"two\">", file);
    for (size_t k = 0; k < sizeof k_curves / sizeof k_curves[0]; k++) {
        const struct curves *curves = &k_curves[k];
        if (strcmp(curves->plot.group, group) == 0) {
            figure(file, curves->title, curves->text);
            wk_plot_curves(file, &curves->plot, list, curves->series, curves->count);
            fputs("</figure>\n", file);
        }
    }
    fputs("</div>\n", file);
}

static void put_plots(FILE *file, const struct wk_trial_list *list, const char *group)
{
    if (strcmp(group, "harmonics") == 0) {
        figure(
            file, "Worst error of each order",
            "All frequencies from 42.5 to 69 Hz, six channels, amplitudes of 1 to 10 %, at 8 "
            "kHz; the red line is the goal, class I allows 5 %.");
        wk_plot_orders(file, list);
    } else if (strcmp(group, "flicker") == 0) {
        figure(file, "Pst of the table of rectangular modulations",
               "Must be 1; full colour is an error of 1 %, the standard allows 5 %.");
        wk_plot_flicker(file, list);
    } else if (strcmp(group, "dips and swells") == 0) {
        figure(file, "Residual voltage and duration",
               "One dot per event; band and axes end at the goals.");
        wk_plot_events(file, list);
    } else {
        put_curves(file, list, group);
        return;
    }
    fputs("</figure>\n", file);
}

/* ---- all trials -------------------------------------------------------------------------- */

static void put_limit(FILE *file, double limit, const char *unit, const char *name)
{
    if (limit < 0) {
        fputs("<td></td>", file);
    } else {
        fprintf(file, "<td class=\"n\">%.4g %s%s%s</td>", limit, unit,
                name[0] != '\0' ? ", " : "", name);
    }
}

static void put_trial(FILE *file, const struct wk_trial *trial)
{
    fputs("<tr><td class=\"l\">", file);
    put_text(file, trial->name);
    fputs("<span class=\"cond\">", file);
    put_text(file, trial->conditions);
    if (trial->note[0] != '\0') {
        fputs(". <b>", file);
        put_text(file, trial->note);
        fputs("</b>", file);
    }
    fputs("</span></td><td class=\"l\">", file);
    put_text(file, trial->clause);
    if (trial->err != WK_OK) {
        fprintf(file, "</td><td colspan=\"3\" class=\"bad\">%s</td>", wk_err_text(trial->err));
    } else {
        fprintf(file,
                "</td><td class=\"n\">%.7g %s</td><td class=\"n\">%.7g</td><td class=\"n\">"
                "%+.3g %s</td>",
                trial->expected, trial->unit, trial->measured, trial->error, trial->error_unit);
    }
    put_limit(file, trial->goal, trial->error_unit, "");
    put_limit(file, trial->class_limit, trial->error_unit, trial->class_name);
    fprintf(file, "<td class=\"%s\">%s</td></tr>\n", trial->holds ? "ok" : "bad",
            !trial->holds      ? "fails"
            : trial->goal >= 0 ? "holds"
                               : "informs");
}

static void put_group(FILE *file, int number, const struct wk_trial_list *list,
                      const bool *chosen)
{
    const struct wk_report_group *group = wk_report_group_of(number);
    size_t count;
    size_t hold;
    (void)wk_report_worst(list, chosen, group->group, &count, &hold);
    if (count == 0) {
        return;
    }
    fprintf(file, "<h2 id=\"g%d\">%s</h2>\n", number, group->title);
    put_plots(file, list, group->group);
    fprintf(
        file,
        "<details%s><summary>%zu trials, %zu hold</summary>\n<div class=\"scroll\"><table>"
        "<thead><tr><th class=\"l\">Trial</th><th class=\"l\">Standard</th><th>Expected</th>"
        "<th>Measured</th><th>Error</th><th>Goal</th><th>Class</th><th></th></tr></thead>"
        "<tbody>\n",
        hold < count ? " open" : "", count, hold);
    for (size_t n = 0; n < list->count; n++) {
        if (chosen[n] && strcmp(list->trial[n].group, group->group) == 0) {
            put_trial(file, &list->trial[n]);
        }
    }
    fputs("</tbody></table></div></details>\n", file);
}

bool wk_report_write_html(const char *path, const struct wk_trial_list *list,
                          const bool *chosen, const struct wk_report_about *about)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fputs(k_head, file);
    fputs(k_style, file);
    put_verdict(file, list, chosen, about);
    put_summary(file, list, chosen);
    for (int k = 0; k <= WK_REPORT_GROUPS; k++) {
        put_group(file, k, list, chosen);
    }
    fputs("<script>addEventListener('beforeprint', () => document.querySelectorAll('details')"
          ".forEach(d => d.open = true));</script>\n</body></html>\n",
          file);
    const bool written = ferror(file) == 0;
    return fclose(file) == 0 && written;
}
