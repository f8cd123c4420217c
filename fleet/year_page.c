/* SPDX-License-Identifier: Apache-2.0
 *
 * The year as a page: intervals by day and time, months by tariff, events by day. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fleet/year.h"

#define DAY_S  INT64_C(86400)
#define SLOTS  96
#define MONTHS 32
#define KWH    1e9
#define LEFT   110 /* of the drawings, px */
#define WIDTH  1000

static const char k_head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width\"><title>A simulated year</title><style>"
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;background:#fff;margin:0 auto;"
    "max-width:1130px;padding:24px}h1{font-size:26px;margin:0}h2{font-size:18px;margin:32px 0 "
    "6px}p{margin:4px 0 10px;color:#4a5663}canvas,svg{display:block;max-width:100%}"
    "table{border-collapse:collapse}td{padding:3px 26px 3px 0;border-bottom:1px solid #e3e8ee}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.facts{display:flex;gap:12px;"
    "flex-wrap:wrap;margin:16px 0}.fact{border:1px solid "
    "#d5dce4;border-radius:8px;padding:10px "
    "16px;min-width:118px}.fact b{display:block;font-size:22px;font-variant-numeric:"
    "tabular-nums}.fact span{color:#4a5663;font-size:13px}.good b{color:#0b6b3a}.bad{color:"
    "#a31515;font-weight:600}.key{display:flex;gap:18px;flex-wrap:wrap;font-size:13px;color:"
    "#4a5663;margin-top:6px}.key "
    "i{display:inline-block;width:12px;height:12px;border-radius:2px;"
    "margin-right:6px;vertical-align:-1px}text{font:12px system-ui,sans-serif;fill:#4a5663}"
    "</style></head><body>";

/* ---- facts ------------------------------------------------------------------------------- */

static void put_fact(FILE *file, const char *kind, const char *value, const char *text)
{
    fprintf(file, "<div class=\"fact %s\"><b>%s</b><span>%s</span></div>", kind, value, text);
}

static uint32_t all_cuts(const struct wk_year_counts *counts)
{
    return counts->cuts[0] + counts->cuts[1] + counts->cuts[2];
}

static void put_facts(FILE *file, const struct wk_year *year, double wall_s)
{
    const struct wk_year_counts *counts = &year->counts;
    char text[64];
    fputs("<div class=\"facts\">", file);
    snprintf(text, sizeof text, "%" PRId64 " µWh", counts->unexplained_uwh);
    put_fact(file, year->failed ? "" : "good", text, "unexplained");
    snprintf(text, sizeof text, "%.1f kWh", (double)counts->fed_import_uwh / KWH);
    put_fact(file, "", text, "imported");
    snprintf(text, sizeof text, "%.1f kWh", (double)counts->fed_export_uwh / KWH);
    put_fact(file, "", text, "exported");
    snprintf(text, sizeof text, "%u", all_cuts(counts));
    put_fact(file, "", text, "cuts of power in flash operations");
    snprintf(text, sizeof text, "%u", counts->outages);
    put_fact(file, "", text, "outages");
    snprintf(text, sizeof text, "%u", counts->intervals);
    put_fact(file, "", text, "intervals");
    snprintf(text, sizeof text, "%u", counts->detected);
    put_fact(file, "", text, "acts of tampering and overload, all told");
    snprintf(text, sizeof text, "%.0f s", wall_s);
    put_fact(file, "", text, "wall time");
    fputs("</div>", file);
}

/* ---- intervals --------------------------------------------------------------------------- */

/* One character per interval and day: '~' nothing, else energy in 40 steps. */
static void put_intervals(FILE *file, const struct wk_year *year)
{
    static char energy[WK_YEAR_DAYS_MOST + 2][SLOTS + 1];
    static char status[WK_YEAR_DAYS_MOST + 2][SLOTS + 1];
    const int64_t days = year->options.days;
    const int64_t first_s = year->begin_s + wk_almanac_offset_s(year->begin_s);
    for (int64_t day = 0; day < days; day++) {
        memset(energy[day], '~', SLOTS);
        memset(status[day], '.', SLOTS);
    }
    for (uint32_t i = 1; i < year->interval_count; i++) {
        const struct wk_books_interval *one = &year->interval[i];
        const int64_t begin_s = one->end_s - 900;
        const int64_t civil_s =
            begin_s + wk_almanac_offset_s(begin_s) - first_s / DAY_S * DAY_S;
        const int64_t day = civil_s / DAY_S;
        if (civil_s < 0 || day >= days) {
            continue;
        }
        const int64_t gained = one->import_uwh - one[-1].import_uwh;
        const int64_t step = gained / 25000000;
        const bool exports = one->export_uwh - one[-1].export_uwh > gained;
        const int slot = (int)(civil_s % DAY_S / 900);
        energy[day][slot] = exports ? '!' : (char)('0' + (step < 40 ? step : 40));
        status[day][slot] =
            (char)((one->status & WK_BOOKS_AWAY) != 0                     ? 'p'
                   : (one->status & WK_BOOKS_MOVED) != 0                  ? 'c'
                   : (year->interval_status[i] & WK_PROFILE_FLAGGED) != 0 ? 'f'
                                                                          : '.');
    }
    fputs("<script>const E=[", file);
    for (int64_t day = 0; day < days; day++) {
        fprintf(file, "\"%s\",", energy[day]);
    }
    fputs("],S=[", file);
    for (int64_t day = 0; day < days; day++) {
        fprintf(file, "\"%s\",", status[day]);
    }
    fputs("];", file);
}

static const char k_draw[] =
    "const c=document.getElementById('heat'),x=c.getContext('2d'),n=E.length,w=1000/n;"
    "for(let d=0;d<n;d++)for(let s=0;s<96;s++){const e=E[d][s],t=S[d][s];let f;"
    "if(e==='~')f='#1d2733';else if(t==='p')f='#d62f2f';else if(t==='c')f='#8a3ffc';"
    "else if(t==='f')f='#00a3a3';"
    "else if(e==='!')f='#7cc47f';else{const v=Math.min(1,(e.charCodeAt(0)-48)/24);"
    "f='hsl('+(48-30*v)+' 95% '+(96-48*v)+'%)'}"
    "x.fillStyle=f;x.fillRect(d*w,s*4,Math.ceil(w),4)}</script>";

static void put_heat(FILE *file, const struct wk_year *year)
{
    fputs("<h2>Intervals</h2><p>One column per day, one row per quarter of an hour of civil "
          "time, from midnight at the top: import, and what is marked.</p><div "
          "style=\"display:flex\"><svg width=\"110\" height=\"384\" "
          "style=\"flex:none\">",
          file);
    for (int hour = 0; hour < 24; hour += 3) {
        fprintf(file, "<text x=\"102\" y=\"%d\" text-anchor=\"end\">%02d:00</text>",
                hour * 16 + 12, hour);
    }
    fputs(
        "</svg><canvas id=\"heat\" width=\"1000\" height=\"384\" role=\"img\" "
        "aria-label=\"Import by day and time of day\"></canvas></div>"
        "<div class=\"key\" style=\"margin-left:110px\">"
        "<span><i style=\"background:#fff5db\"></i>little</span><span><i "
        "style=\"background:#f5520a\"></i>2.4 kW and more</span>"
        "<span><i style=\"background:#7cc47f\"></i>more export than import</span>"
        "<span><i style=\"background:#d62f2f\"></i>power was away for a part</span>"
        "<span><i style=\"background:#8a3ffc\"></i>clock adjusted</span>"
        "<span><i style=\"background:#00a3a3\"></i>dips</span>"
        "<span><i style=\"background:#1d2733\"></i>no entry: an outage or a step</span></div>",
        file);
    put_intervals(file, year);
    fputs(k_draw, file);
}

/* ---- months ------------------------------------------------------------------------------ */

static int month_of(const struct wk_year *year, int64_t utc_s)
{
    int month = 0;
    for (uint32_t i = 0; i < year->almanac.months; i++) {
        month += year->almanac.month_s[i] > year->begin_s && year->almanac.month_s[i] <= utc_s;
    }
    return month < MONTHS ? month : MONTHS - 1;
}

static void put_month_name(FILE *file, int64_t utc_s, double at, double y)
{
    static const char k_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct wk_civil civil;
    if (wk_civil_from_utc(&wk_zone_central_europe, (struct wk_utc){utc_s}, &civil) == WK_OK) {
        fprintf(file, "<text x=\"%.0f\" y=\"%.0f\">%.3s", at, y,
                k_names + (civil.month - 1) * 3);
        fprintf(file, civil.month == 1 ? " %u</text>" : "</text>", civil.year);
    }
}

static const char *const k_tariff_colours[4] = {"#f2a33a", "#3d6fb6", "#c2392b", "#20304f"};

static void put_months(FILE *file, const struct wk_year *year)
{
    double sum[MONTHS][4] = {{0}};
    double most = 1;
    const int months = month_of(year, year->begin_s + year->options.days * DAY_S) + 1;
    const double wide = (double)WIDTH / months;
    for (uint32_t i = 1; i < year->interval_count; i++) {
        const struct wk_books_interval *one = &year->interval[i];
        for (int rate = 0; rate < 4; rate++) {
            sum[month_of(year, one->end_s - 900)][rate] +=
                (double)(one->rate_uwh[rate] - one[-1].rate_uwh[rate]) / KWH;
        }
    }
    for (int i = 0; i < months; i++) {
        const double all = sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3];
        most = all > most ? all : most;
    }
    int64_t begin_s = year->begin_s;
    fputs("<h2>Months by tariff</h2><p>Import in kWh, from the intervals; the second contract "
          "brings tariff 4.</p><svg width=\"1110\" height=\"236\">",
          file);
    for (int i = 0; i < months; i++) {
        double y = 208;
        for (int rate = 0; rate < 4; rate++) {
            const double high = sum[i][rate] / most * 180;
            y -= high;
            fprintf(file,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                    "fill=\"%s\"/>",
                    LEFT + i * wide + 4, y, wide - 8, high, k_tariff_colours[rate]);
        }
        fprintf(file, "<text x=\"%.1f\" y=\"%.1f\">%.0f</text>", LEFT + i * wide + 4, y - 5,
                sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3]);
        put_month_name(file, begin_s, LEFT + i * wide + 4, 226);
        begin_s = wk_almanac_month_after(&year->almanac, begin_s);
    }
    fputs("</svg><div class=\"key\" style=\"margin-left:110px\">", file);
    for (int rate = 0; rate < 4; rate++) {
        fprintf(file, "<span><i style=\"background:%s\"></i>tariff %d</span>",
                k_tariff_colours[rate], rate + 1);
    }
    fputs("</div>", file);
}

/* ---- events ------------------------------------------------------------------------------ */

static const struct {
    const char *group;
    const char *colour;
} k_rows[] = {{"power", "#d62f2f"},  {"clock", "#8a3ffc"},   {"tariff", "#3d6fb6"},
              {"supply", "#b8860b"}, {"quality", "#00a3a3"}, {"security", "#1d2733"},
              {"fraud", "#c2185b"},  {"fault", "#6f7b87"}};
#define EVENT_ROWS (sizeof k_rows / sizeof k_rows[0])

static void put_row(FILE *file, const struct wk_year *year, size_t row)
{
    static uint32_t count[WK_YEAR_DAYS_MOST + 2];
    uint32_t all = 0;
    const double y = 14 + (double)row * 26;
    memset(count, 0, sizeof count);
    for (uint32_t i = 0; i < year->marks; i++) {
        const int64_t day = (year->mark[i].at_s - year->begin_s) / DAY_S;
        if (strcmp(wk_event_group(year->mark[i].code), k_rows[row].group) == 0 && day >= 0 &&
            day <= year->options.days) {
            count[day]++;
            all++;
        }
    }
    fprintf(file,
            "<text x=\"102\" y=\"%.0f\" text-anchor=\"end\">%s, %u</text><line x1=\"%d\" "
            "x2=\"%d\" y1=\"%.0f\" y2=\"%.0f\" stroke=\"#e3e8ee\"/>",
            y + 4, k_rows[row].group, all, LEFT, LEFT + WIDTH, y, y);
    for (int64_t day = 0; day <= year->options.days; day++) {
        const double size = count[day] > 20 ? 6 : (count[day] > 4 ? 4.5 : 3);
        if (count[day] > 0) {
            fprintf(file,
                    "<circle cx=\"%.1f\" cy=\"%.0f\" r=\"%.1f\" fill=\"%s\" "
                    "fill-opacity=\".65\"><title>%u</title></circle>",
                    LEFT + (double)day * WIDTH / (double)year->options.days, y, size,
                    k_rows[row].colour, count[day]);
        }
    }
}

static void put_events(FILE *file, const struct wk_year *year)
{
    const int64_t end_s = year->begin_s + year->options.days * DAY_S;
    fputs("<h2>Events</h2><p>As logged by the meter, by day; larger: more than 4, more than 20 "
          "of a day.</p><svg width=\"1110\" height=\"234\">",
          file);
    for (uint32_t i = 0; i < year->almanac.months; i++) {
        const int64_t month_s = year->almanac.month_s[i];
        if (month_s > year->begin_s && month_s < end_s) {
            const double at = LEFT + (double)(month_s - year->begin_s) / (double)DAY_S * WIDTH /
                                         (double)year->options.days;
            fprintf(file,
                    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"206\" "
                    "stroke=\"#e3e8ee\"/>",
                    at, at);
            put_month_name(file, month_s, at + 3, 226);
        }
    }
    for (size_t row = 0; row < EVENT_ROWS; row++) {
        put_row(file, year, row);
    }
    fputs("</svg>", file);
}

/* ---- what was checked -------------------------------------------------------------------- */

static void put_number(FILE *file, const char *text, uint64_t value)
{
    fprintf(file, "<tr><td>%s</td><td class=\"n\">%" PRIu64 "</td></tr>", text, value);
}

static void put_table(FILE *file, const struct wk_year *year)
{
    const struct wk_year_counts *counts = &year->counts;
    fputs("<h2>What happened</h2><table>", file);
    put_number(file, "windows of 200 ms", counts->windows_200ms);
    put_number(file, "windows of up to 10 s", counts->windows_long);
    put_number(file, "records fed again after a cut", counts->replayed);
    put_number(file, "cuts before, in, after the operation",
               (uint64_t)counts->cuts[0] + counts->cuts[1] + counts->cuts[2]);
    put_number(file, "... of them in an erase", counts->cuts_erase);
    put_number(file, "... of them during recovery", counts->cuts_again);
    put_number(file, "longest outage, s", (uint64_t)counts->outage_most_s);
    put_number(file, "steps of the clock", counts->steps);
    put_number(file, "slow corrections of the clock", counts->slews);
    put_number(file, "calls of the head-end", counts->sessions);
    put_number(file, "days on which it could not call", counts->sessions_missed);
    put_number(file, "gaps of the profile, all explained", counts->gaps);
    put_number(file, "intervals that came twice, the clock was set back", counts->twice);
    put_number(file, "billing periods", counts->periods);
    for (int kind = WK_YEAR_NOTHING + 1; kind < WK_YEAR_KINDS; kind++) {
        put_number(file, wk_year_kind_text((wk_year_kind)kind), counts->acts[kind]);
    }
    fputs("</table>", file);
}

bool wk_year_page(const struct wk_year *year, const char *path, double wall_s)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fputs(k_head, file);
    fprintf(
        file,
        "<h1>%" PRId64 " days of a meter, seed %" PRIu64 "</h1><p>The real management of a "
        "meter over a simulated flash, fed with the load of a house, cut, attacked and set; "
        "held against an oracle outside of it. Disconnect control mode %u.</p>",
        year->options.days, year->options.seed, year->mode);
    if (year->failed) {
        fprintf(file, "<p class=\"bad\">They disagree: %s</p>", year->why);
    }
    put_facts(file, year, wall_s);
    put_heat(file, year);
    put_months(file, year);
    put_events(file, year);
    put_table(file, year);
    fputs("</body></html>\n", file);
    const bool good = ferror(file) == 0;
    return fclose(file) == 0 && good;
}
