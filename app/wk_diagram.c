/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_diagram.h"

#include <math.h>
#include <string.h>

#define RADIANS      0.017453292519943295
#define ROWS         21 /* of the diagram in characters; they are twice as high as wide */
#define COLUMNS      43
#define HALF_ROWS    10.0  /* of the longest voltage */
#define HALF_COLUMNS 19.0  /* leaves room for its name */
#define SIZE         360.0 /* of the diagram in the page */
#define RADIUS       150.0
#define SHORT        0.72 /* of the radius: the longest current */
#define LEAST        0.02 /* shorter phasors are not drawn */

static const char *const k_colours[3] = {"#8a4b16", "#20262c", "#7a8793"};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static double item(const json_t *inputs, const char *key, size_t at)
{
    return json_number_value(json_array_get(json_object_get(inputs, key), at));
}

/* A phasor of the diagram: length of 1, degrees. */
struct arm {
    size_t phase;
    bool current;
    double length;
    double degrees;
};

static double most_of(const json_t *inputs, const char *key)
{
    double most = 1e-9;
    for (size_t k = 0; k < json_array_size(json_object_get(inputs, key)); k++) {
        most = fmax(most, item(inputs, key, k));
    }
    return most;
}

static struct arm arm_of(const json_t *inputs, size_t number)
{
    const size_t count = json_array_size(json_object_get(inputs, "u_v"));
    const bool current = number >= count;
    const size_t phase = current ? number - count : number;
    const char *size = current ? "i_a" : "u_v";
    return (struct arm){
        .phase = phase,
        .current = current,
        .length = item(inputs, size, phase) / most_of(inputs, size) * (current ? SHORT : 1),
        .degrees = item(inputs, current ? "i_deg" : "u_deg", phase),
    };
}

static size_t arms_of(const json_t *inputs)
{
    return 2 * json_array_size(json_object_get(inputs, "u_v"));
}

/* Another wiring is of interest if it is as likely, or if something is to be changed. */
static bool shows_rival(const json_t *verdict)
{
    const bool wrong = json_array_size(json_object_get(verdict, "findings")) > 0;
    const bool ambiguous = strcmp(text_of(verdict, "reason"), "ambiguous") == 0;
    return json_is_array(json_object_get(verdict, "rival")) && (wrong || ambiguous);
}

static const char *rival_title(const json_t *verdict)
{
    return strcmp(text_of(verdict, "reason"), "ambiguous") == 0
               ? "As likely:"
               : "Less likely, but it would look the same:";
}

/* ---- text -------------------------------------------------------------------------------- */

static void draw(const json_t *inputs, char rows[ROWS][COLUMNS + 1])
{
    for (int r = 0; r < ROWS; r++) {
        memset(rows[r], ' ', COLUMNS);
        rows[r][COLUMNS] = '\0';
    }
    rows[ROWS / 2][COLUMNS / 2] = '+';
    for (size_t n = 0; n < arms_of(inputs); n++) {
        const struct arm arm = arm_of(inputs, n);
        const double x = cos(arm.degrees * RADIANS) * arm.length * HALF_COLUMNS;
        const double y = sin(arm.degrees * RADIANS) * arm.length * HALF_ROWS;
        const int steps = (int)(arm.length * COLUMNS / 2);
        for (int s = 1; s < steps; s++) {
            const int row = ROWS / 2 - (int)lrint(y * s / steps);
            const int column = COLUMNS / 2 + (int)lrint(x * s / steps);
            rows[row][column] = arm.current ? '.' : '*';
        }
        if (arm.length > LEAST) {
            char *at = &rows[ROWS / 2 - (int)lrint(y)][COLUMNS / 2 + (int)lrint(x)];
            at[0] = arm.current ? 'I' : 'U';
            at[1] = (char)('1' + arm.phase);
        }
    }
}

static void print_findings(const json_t *findings, const char *before, FILE *file)
{
    for (size_t f = 0; f < json_array_size(findings); f++) {
        const json_t *finding = json_array_get(findings, f);
        fprintf(file, "%s%s\n%s  -> %s\n", before, text_of(finding, "text"), before,
                text_of(finding, "remedy"));
    }
}

static void print_powers(const char *title, const json_t *powers, FILE *file)
{
    fprintf(file, "%s\n", title);
    for (size_t k = 0; k < json_array_size(powers); k++) {
        const json_t *power = json_array_get(powers, k);
        fprintf(file, "  L%zu %9.2f V %10.4f A  phi %8.2f deg %12.1f W %12.1f var  PF %7.4f\n",
                k + 1, number_of(power, "u_v"), number_of(power, "i_a"),
                number_of(power, "angle_deg"), number_of(power, "p_w"),
                number_of(power, "q_var"), number_of(power, "pf"));
    }
}

void wk_diagram_text(const json_t *verdict, FILE *file)
{
    char rows[ROWS][COLUMNS + 1];
    const json_t *findings = json_object_get(verdict, "findings");
    const json_t *rival = json_object_get(verdict, "rival");
    draw(json_object_get(verdict, "inputs"), rows);
    for (int r = 0; r < ROWS; r++) {
        fprintf(file, "    %s\n", rows[r]);
    }
    fprintf(file, "\n%s\n", text_of(verdict, "summary"));
    print_findings(findings, "  ", file);
    if (shows_rival(verdict)) {
        fprintf(file, "%s%s\n", rival_title(verdict),
                json_array_size(rival) == 0 ? " all is right" : "");
        print_findings(rival, "  ", file);
    }
    print_powers("as connected", json_object_get(verdict, "before"), file);
    if (json_array_size(findings) > 0) {
        print_powers("as it would read when corrected", json_object_get(verdict, "after"),
                     file);
    }
}

/* ---- page -------------------------------------------------------------------------------- */

static const char k_head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>Installation check</title>\n<style>\n"
    "body { font: 15px/1.45 system-ui, sans-serif; color: #16202a; max-width: 900px;\n"
    "  margin: 24px auto; padding: 0 16px; }\n"
    "h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 22px 0 6px; }\n"
    ".verdict { font-size: 19px; font-weight: 600; margin: 4px 0 12px; }\n"
    ".two { display: grid; grid-template-columns: 370px 1fr; gap: 24px; align-items: start; }\n"
    "@media (max-width: 760px) { .two { grid-template-columns: 1fr; } }\n"
    "li { margin-bottom: 8px; } .remedy { color: #51606d; display: block; }\n"
    "table { border-collapse: collapse; width: 100%; font-size: 14px; }\n"
    "th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid #dce2e7;\n"
    "  font-variant-numeric: tabular-nums; }\n"
    "svg { width: 100%; height: auto; max-width: 370px; } svg text { font: 600 13px system-ui; "
    "}\n"
    "</style></head><body>\n<h1>Installation check</h1>\n";

static void put_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<') {
            fputs("&lt;", file);
        } else if (*text == '&') {
            fputs("&amp;", file);
        } else {
            fputc(*text, file);
        }
    }
}

static void put_arm(FILE *file, const struct arm *arm)
{
    const double c = cos(arm->degrees * RADIANS);
    const double s = sin(arm->degrees * RADIANS);
    const double x = SIZE / 2 + RADIUS * arm->length * c;
    const double y = SIZE / 2 - RADIUS * arm->length * s;
    const double side = arm->current ? 13 : 0;
    const double ahead = arm->current ? 0 : 15;
    if (arm->length <= LEAST) {
        return;
    }
    fprintf(file,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"%d\"%s/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" dominant-baseline=\"middle\" "
            "fill=\"%s\">%c%zu</text>\n",
            SIZE / 2, SIZE / 2, x, y, k_colours[arm->phase % 3], arm->current ? 2 : 3,
            arm->current ? " stroke-dasharray=\"5 4\"" : "", x, y, k_colours[arm->phase % 3],
            x + ahead * c + side * s, y - ahead * s + side * c, k_colours[arm->phase % 3],
            arm->current ? 'I' : 'U', arm->phase + 1);
}

static void put_diagram(FILE *file, const json_t *inputs)
{
    fprintf(
        file,
        "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"vector diagram of voltages "
        "and currents\">\n",
        SIZE, SIZE);
    for (int ring = 1; ring <= 3; ring++) {
        fprintf(
            file,
            "<circle cx=\"%.0f\" cy=\"%.0f\" r=\"%.0f\" fill=\"none\" stroke=\"#dce2e7\"/>\n",
            SIZE / 2, SIZE / 2, RADIUS * ring / 3);
    }
    for (int k = 0; k < 12; k++) {
        fprintf(file,
                "<line x1=\"%.0f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#e8ecef\"/>\n",
                SIZE / 2, SIZE / 2, SIZE / 2 + RADIUS * cos(k * 30 * RADIANS),
                SIZE / 2 - RADIUS * sin(k * 30 * RADIANS));
    }
    for (size_t n = 0; n < arms_of(inputs); n++) {
        const struct arm arm = arm_of(inputs, n);
        put_arm(file, &arm);
    }
    fputs("</svg>\n", file);
}

static void put_findings(FILE *file, const json_t *findings)
{
    fputs("<ul>\n", file);
    for (size_t f = 0; f < json_array_size(findings); f++) {
        const json_t *finding = json_array_get(findings, f);
        fputs("<li>", file);
        put_text(file, text_of(finding, "text"));
        fputs("<span class=\"remedy\">", file);
        put_text(file, text_of(finding, "remedy"));
        fputs("</span></li>\n", file);
    }
    fputs("</ul>\n", file);
}

static void put_powers(FILE *file, const char *title, const json_t *powers)
{
    fprintf(file,
            "<h2>%s</h2>\n<table><tr><th></th><th>U / V</th><th>I / A</th><th>&phi; / "
            "&deg;</th><th>P / W</th><th>Q / var</th><th>PF</th></tr>\n",
            title);
    for (size_t k = 0; k < json_array_size(powers); k++) {
        const json_t *power = json_array_get(powers, k);
        fprintf(file,
                "<tr><td>L%zu</td><td>%.2f</td><td>%.4f</td><td>%.2f</td><td>%.1f</td>"
                "<td>%.1f</td><td>%.4f</td></tr>\n",
                k + 1, number_of(power, "u_v"), number_of(power, "i_a"),
                number_of(power, "angle_deg"), number_of(power, "p_w"),
                number_of(power, "q_var"), number_of(power, "pf"));
    }
    fputs("</table>\n", file);
}

bool wk_diagram_page(const json_t *verdict, const char *path)
{
    const json_t *findings = json_object_get(verdict, "findings");
    const json_t *rival = json_object_get(verdict, "rival");
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fputs(k_head, file);
    fputs("<p class=\"verdict\">", file);
    put_text(file, text_of(verdict, "summary"));
    fputs("</p>\n<div class=\"two\">\n", file);
    put_diagram(file, json_object_get(verdict, "inputs"));
    fputs("<div>\n", file);
    put_findings(file, findings);
    if (shows_rival(verdict)) {
        fprintf(file, "<p>%s</p>\n", rival_title(verdict));
        put_findings(file, rival);
    }
    fputs("</div>\n</div>\n", file);
    put_powers(file, "As connected", json_object_get(verdict, "before"));
    if (json_array_size(findings) > 0) {
        put_powers(file, "As it would read when corrected", json_object_get(verdict, "after"));
    }
    fputs("</body></html>\n", file);
    const bool written = fflush(file) == 0 && !ferror(file);
    return fclose(file) == 0 && written;
}
