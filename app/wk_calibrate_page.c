/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/wk_calibrate.h"

#define PLOT_WIDTH  620.0
#define PLOT_HEIGHT 150.0
#define PLOT_LEFT   64.0
#define PLOT_RIGHT  12.0
#define LEAST_SCALE 1e-3 /* percent */

static const char k_head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>Calibration certificate</title>\n<style>\n"
    "@page { size: A4; margin: 16mm 15mm; }\n"
    "body { font: 10.5pt/1.4 system-ui, sans-serif; color: #16202a; max-width: 180mm;\n"
    "  margin: 10mm auto; }\n"
    "h1 { font-size: 20pt; font-weight: 600; margin: 0 0 1mm; }\n"
    "h2 { font-size: 11.5pt; margin: 6mm 0 2mm; border-bottom: 1px solid #9aa7b3; }\n"
    "p { margin: 1mm 0; } .muted { color: #51606d; font-size: 9pt; }\n"
    "table { border-collapse: collapse; width: 100%; font-size: 8.5pt; }\n"
    "th, td { padding: 0.6mm 1.2mm; text-align: right; border-bottom: 1px solid #dce2e7; }\n"
    "td:first-child { white-space: nowrap; }\n"
    "th { font-weight: 600; border-bottom-color: #51606d; } thead { display: "
    "table-header-group; }\n"
    "th.l, td.l { text-align: left; } tr { break-inside: avoid; }\n"
    "td { font-variant-numeric: tabular-nums; }\n"
    "dl { display: grid; grid-template-columns: 42mm 1fr; gap: 0.6mm 4mm; margin: 3mm 0; }\n"
    "dt { color: #51606d; } dd { margin: 0; overflow-wrap: anywhere; }\n"
    ".mono { font-family: ui-monospace, monospace; font-size: 8.5pt; }\n"
    "svg { width: 100%; height: auto; break-inside: avoid; } svg text { font: 10px system-ui; "
    "}\n"
    ".sign { display: grid; grid-template-columns: 1fr 1fr; gap: 14mm; margin-top: 16mm; }\n"
    ".sign div { border-top: 1px solid #16202a; padding-top: 1mm; font-size: 9pt; }\n"
    "@media print { body { margin: 0; max-width: none; } }\n"
    "</style></head><body>\n";

static void put_text(FILE *file, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
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
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc(*text, file);
        }
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put_fact(FILE *file, const char *name, const char *text)
{
    fprintf(file, "<dt>%s</dt><dd>", name);
    put_text(file, text);
    fputs("</dd>\n", file);
}

/* ---- errors ------------------------------------------------------------------------------ */

static void put_errors(FILE *file, const json_t *error)
{
    static const char *const k_keys[] = {"u_ppm", "i_ppm", "p_ppm"};
    for (size_t k = 0; k < sizeof k_keys / sizeof k_keys[0]; k++) {
        fprintf(file, "<td>%+.4f</td>", number_of(error, k_keys[k]) / 1e4);
    }
    fprintf(file, "<td>%+.4f</td>", number_of(error, "angle_udeg") / 1e6);
}

static void put_table(FILE *file, const json_t *points)
{
    fputs("<h2>Errors against the standard</h2>\n<table><thead><tr><th class=\"l\" "
          "rowspan=\"2\">Point</th><th rowspan=\"2\"></th><th rowspan=\"2\">U / V</th><th "
          "rowspan=\"2\">I / A</th><th rowspan=\"2\">PF</th><th colspan=\"4\">as found</th><th "
          "colspan=\"4\">as left</th></tr>\n<tr><th>U %</th><th>I %</th><th>P "
          "%</th><th>&phi; &deg;</th><th>U %</th><th>I %</th><th>P %</th><th>&phi; "
          "&deg;</th></tr></thead><tbody>\n",
          file);
    for (size_t n = 0; n < json_array_size(points); n++) {
        const json_t *point = json_array_get(points, n);
        const double pf = number_of(point, "pf");
        const bool capacitive = json_is_true(json_object_get(point, "capacitive"));
        fputs("<tr><td class=\"l\">", file);
        put_text(file, text_of(point, "name"));
        fprintf(file, "</td><td>L%d</td><td>%.4g</td><td>%.4g</td><td>%.3g%s</td>",
                (int)number_of(point, "phase"), number_of(point, "u_v"),
                number_of(point, "i_a"), pf,
                fabs(pf) > 0.99999 ? ""
                : capacitive       ? "&nbsp;C"
                                   : "&nbsp;L");
        put_errors(file, json_object_get(point, "before"));
        put_errors(file, json_object_get(point, "after"));
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table>\n", file);
}

/* ---- the plot ---------------------------------------------------------------------------- */

/* A round number not below the value. */
static double round_up(double value)
{
    const double decade = pow(10, floor(log10(value > LEAST_SCALE ? value : LEAST_SCALE)));
    const double part = fmax(value, LEAST_SCALE) / decade;
    return decade * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static void put_axis(FILE *file, double top, double most, const char *title)
{
    fprintf(file, "<text x=\"%.0f\" y=\"%.0f\" font-weight=\"600\">%s, %%</text>\n", PLOT_LEFT,
            top - 8, title);
    for (int k = -1; k <= 1; k++) {
        const double y = top + PLOT_HEIGHT / 2 * (1 - k);
        fprintf(file,
                "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/><text "
                "x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s%.4g</text>\n",
                PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, y, y, k == 0 ? "#51606d" : "#dce2e7",
                PLOT_LEFT - 6, y + 3.5, k > 0 ? "+" : "", k == 0 ? 0.0 : k * most);
    }
}

static void put_series(FILE *file, const json_t *points, const char *key, double top,
                       const char *title)
{
    static const char *const k_colours[] = {"#8a4b16", "#30363d", "#7a8793"};
    const size_t count = json_array_size(points);
    double most = 0;
    for (size_t n = 0; n < count; n++) {
        const json_t *error = json_object_get(json_array_get(points, n), key);
        most = fmax(most, fabs(number_of(error, "p_ppm")) / 1e4);
    }
    most = round_up(most);
    put_axis(file, top, most, title);
    const double step = (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT) / (double)(count > 0 ? count : 1);
    for (size_t n = 0; n < count; n++) {
        const json_t *point = json_array_get(points, n);
        const int phase = (int)number_of(point, "phase");
        const double value = number_of(json_object_get(point, key), "p_ppm") / 1e4;
        const double x = PLOT_LEFT + step * ((double)n + 0.5);
        const double y = top + PLOT_HEIGHT / 2 * (1 - value / most);
        fprintf(file,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                "stroke-width=\"2\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" "
                "fill=\"%s\"/>\n",
                x, x, top + PLOT_HEIGHT / 2, y, k_colours[(phase + 2) % 3], x, y,
                k_colours[(phase + 2) % 3]);
        if (phase == 1) {
            fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#51606d\">", x - 4,
                    top + PLOT_HEIGHT + 13);
            put_text(file, text_of(point, "name"));
            fputs("</text>\n", file);
        }
    }
}

static void put_plot(FILE *file, const json_t *points)
{
    const double height = 2 * PLOT_HEIGHT + 96;
    fprintf(file,
            "<h2>Error of the active power</h2>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "aria-label=\"error of the active power at every point, as found and as left\">\n",
            PLOT_WIDTH, height);
    put_series(file, points, "before", 24, "As found");
    put_series(file, points, "after", PLOT_HEIGHT + 72, "As left");
    fputs("</svg>\n<p class=\"muted\">Of each point, from left to right: L1, L2, L3. The two "
          "scales differ. As left: the same recordings under the corrections below.</p>\n",
          file);
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void put_corrections(FILE *file, const struct wk_calibration *calibration)
{
    fputs("<h2>Corrections</h2>\n<table><thead><tr><th class=\"l\">Channel</th><th>gain "
          "%</th><th>offset / &micro;</th><th>delay / ns</th><th class=\"l\">curve: A: "
          "ppm, &deg;</th></tr></thead><tbody>\n",
          file);
    for (int c = 0; c < calibration->channels; c++) {
        const struct wk_calibrate_channel *channel = &calibration->channel[c].correction;
        fprintf(file,
                "<tr><td class=\"l\">%s L%d</td><td>%+.6f</td><td>%lld</td><td>%d</td><td "
                "class=\"l\">",
                calibration->channel[c].quantity == WK_HAL_VOLTAGE ? "U" : "I",
                calibration->channel[c].phase + 1, channel->gain_ppb / 1e7,
                (long long)channel->offset_micro, channel->delay_ns);
        for (int p = 0; p < channel->curve_points; p++) {
            fprintf(file, "%s%.4g: %+d, %+.4f", p > 0 ? "; " : "",
                    (double)channel->curve[p].i_ua / 1e6, channel->curve[p].gain_ppm,
                    channel->curve[p].phase_udeg / 1e6);
        }
        fputs("</td></tr>\n", file);
    }
    fputs("</tbody></table>\n", file);
}

static void put_log(FILE *file, const json_t *log)
{
    fputs("<h2>Seal</h2>\n<table><thead><tr><th class=\"l\">When (UTC)</th><th "
          "class=\"l\">What</th><th class=\"l\">Who</th><th "
          "class=\"l\">Why</th></tr></thead><tbody>\n",
          file);
    for (size_t n = 0; n < json_array_size(log); n++) {
        static const char *const k_keys[] = {"when", "action", "who", "reason"};
        fputs("<tr>", file);
        for (size_t k = 0; k < sizeof k_keys / sizeof k_keys[0]; k++) {
            fputs("<td class=\"l\">", file);
            put_text(file, text_of(json_array_get(log, n), k_keys[k]));
            fputs("</td>", file);
        }
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table>\n", file);
}

bool wk_calibrate_certificate(const struct wk_calibration *calibration, const char *path)
{
    const json_t *root = calibration->root;
    const json_t *points = json_object_get(root, "points");
    FILE *file = fopen(path, "w");
    char nominal[96];
    if (file == NULL) {
        return false;
    }
    snprintf(nominal, sizeof nominal, "%g V, base current %g A", number_of(root, "nominal_v"),
             number_of(root, "base_a"));
    fputs(k_head, file);
    fputs("<h1>Calibration certificate</h1>\n<p class=\"muted\">Electricity meter with "
          "Wattkeeper metrology</p>\n<dl>\n",
          file);
    put_fact(file, "Meter", text_of(root, "meter"));
    put_fact(file, "Nominal values", nominal);
    put_fact(file, "Reference standard", text_of(root, "standard"));
    put_fact(file, "Calibrated by", text_of(root, "who"));
    put_fact(file, "Calibrated at (UTC)", text_of(root, "when"));
    fprintf(file, "<dt>Head of the seal's log</dt><dd class=\"mono\">%s</dd>\n</dl>\n",
            calibration->head);
    put_table(file, points);
    put_plot(file, points);
    put_corrections(file, calibration);
    put_log(file, json_object_get(root, "log"));
    fputs(
        "<p class=\"muted\">&phi;: angle by which the meter's current lags more than the "
        "standard's. The certificate holds for the sealed file with the head above; any other "
        "head is another calibration.</p>\n<div class=\"sign\"><div>Place, "
        "date</div><div>Signature</div></div>\n</body></html>\n",
        file);
    const bool written = fflush(file) == 0 && !ferror(file);
    return fclose(file) == 0 && written;
}
