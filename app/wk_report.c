/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_report.h"

#include <stdio.h>

static void print_array(const char *name, const struct wk_report *report, int first_slot,
                        const double *value, int digits)
{
    printf("\"%s\":[", name);
    for (int phase = 0; phase < report->map->phases; phase++) {
        const bool pair = first_slot < 0 && wk_sample_is_pair(report->map, phase);
        const bool one = first_slot >= 0 && report->map->slot[first_slot + phase].present;
        printf(phase > 0 ? "," : "");
        if (pair || one) {
            printf("%.*f", digits, value[phase]);
        } else {
            printf("null");
        }
    }
    printf("]");
}

static void print_flags(uint32_t flags, const char *quote)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } k_flags[] = {
#define FLAG_ROW(flag, value, text) {flag, text},
        WK_RECORD_FLAG_LIST(FLAG_ROW)
#undef FLAG_ROW
    };
    const char *separator = "";
    for (size_t f = 0; f < sizeof k_flags / sizeof k_flags[0]; f++) {
        if ((flags & k_flags[f].flag) != 0) {
            printf("%s%s%s%s", separator, quote, k_flags[f].name, quote);
            separator = ",";
        }
    }
}

static double wrapped_deg(int64_t mdeg)
{
    while (mdeg > 180000) {
        mdeg -= 360000;
    }
    while (mdeg <= -180000) {
        mdeg += 360000;
    }
    return (double)mdeg / 1e3;
}

/* The values of a window in plain units, phase by phase. */
struct values {
    double u_v[3], i_a[3], p_w[3], q1_var[3], s_va[3], pf[3], u_deg[3], i_deg[3];
};

static struct values values_of(const struct wk_record_window *w)
{
    struct values v;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        v.u_v[phase] = w->u_mv[phase] / 1e3;
        v.i_a[phase] = (double)w->i_ua[phase] / 1e6;
        v.p_w[phase] = (double)w->p_mw[phase] / 1e3;
        v.q1_var[phase] = (double)w->q1_mvar[phase] / 1e3;
        v.s_va[phase] = (double)w->s_mva[phase] / 1e3;
        v.pf[phase] = w->pf_e6[phase] / 1e6;
        v.u_deg[phase] = wrapped_deg((int64_t)w->reference_mdeg + w->u_mdeg[phase]);
        v.i_deg[phase] = wrapped_deg((int64_t)w->reference_mdeg + w->i_mdeg[phase]);
    }
    return v;
}

static void print_window_json(const struct wk_report *report, const struct wk_record *record)
{
    const struct values v = values_of(&record->window);
    printf("{\"t_s\":%.6f,\"f_hz\":%.6f,",
           (double)(record->t_us - record->span_us - report->start_us) / 1e6,
           record->window.frequency_uhz / 1e6);
    print_array("u_v", report, WK_SAMPLE_U, v.u_v, 3);
    printf(",");
    print_array("i_a", report, WK_SAMPLE_I, v.i_a, 6);
    printf(",");
    print_array("p_w", report, -1, v.p_w, 3);
    printf(",");
    print_array("q1_var", report, -1, v.q1_var, 3);
    printf(",");
    print_array("s_va", report, -1, v.s_va, 3);
    printf(",");
    print_array("pf", report, -1, v.pf, 6);
    printf(",");
    print_array("u_deg", report, WK_SAMPLE_U, v.u_deg, 3);
    printf(",");
    print_array("i_deg", report, WK_SAMPLE_I, v.i_deg, 3);
    printf(",\"flags\":[");
    print_flags(record->flags, "\"");
    printf("]}\n");
}

static void print_window_text(const struct wk_report *report, const struct wk_record *record)
{
    const struct values v = values_of(&record->window);
    printf("%10.4f s  %9.5f Hz  ",
           (double)(record->t_us - record->span_us - report->start_us) / 1e6,
           record->window.frequency_uhz / 1e6);
    print_flags(record->flags, "");
    printf("\n");
    for (int phase = 0; phase < report->map->phases; phase++) {
        printf("  L%d %11.3f V %12.5f A %14.3f W %14.3f var %14.3f VA  PF %8.5f"
               "  U %8.3f deg  I %8.3f deg\n",
               phase + 1, v.u_v[phase], v.i_a[phase], v.p_w[phase], v.q1_var[phase],
               v.s_va[phase], v.pf[phase], v.u_deg[phase], v.i_deg[phase]);
    }
}

static void print_event(const struct wk_report *report, const struct wk_record_event *event,
                        bool open)
{
    const bool swell = event->kind == WK_RECORD_SWELL_END;
    const char *name = swell                              ? "swell"
                       : event->kind == WK_RECORD_DIP_END ? "dip"
                                                          : "interruption";
    const double start_s = (double)(event->begin_us - report->start_us) / 1e6;
    const double duration_s = (double)event->duration_us / 1e6;
    const char *separator = "";
    printf(report->json ? "{\"event\":\"%s\",\"phase\":[" : "%s of ", name);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if ((event->phases & (1U << phase)) != 0) {
            printf(report->json ? "%s\"L%d\"" : "%sL%d", separator, phase + 1);
            separator = report->json ? "," : " ";
        }
    }
    if (report->json) {
        printf("],\"start_s\":%.6f,\"duration_s\":%.6f,\"%s_v\":%.3f,\"open\":%s}\n", start_s,
               duration_s, swell ? "maximum" : "residual", event->extreme_mv / 1e3,
               open ? "true" : "false");
        return;
    }
    printf(" at %.4f s for %.4f s%s, %s %.3f V\n", start_s, duration_s,
           open ? " until the end of the recording" : "", swell ? "maximum" : "residual",
           event->extreme_mv / 1e3);
}

wk_err wk_report_take(void *self, const struct wk_record *record)
{
    struct wk_report *report = self;
    if (record->kind == WK_RECORD_EVENT) {
        const uint32_t kind = record->event.kind;
        if (kind == WK_RECORD_DIP_END || kind == WK_RECORD_SWELL_END ||
            kind == WK_RECORD_INTERRUPTION_END) {
            print_event(report, &record->event, false);
        }
        return WK_OK;
    }
    report->end_us = record->t_us;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_record_energy *gained = &record->window.energy[phase];
        report->energy[phase].import_uwh += gained->import_uwh;
        report->energy[phase].export_uwh += gained->export_uwh;
        for (int quadrant = 0; quadrant < 4; quadrant++) {
            report->energy[phase].q_uvarh[quadrant] += gained->q_uvarh[quadrant];
        }
    }
    if (report->json) {
        print_window_json(report, record);
    } else {
        print_window_text(report, record);
    }
    return WK_OK;
}

void wk_report_totals(const struct wk_report *report)
{
    static const char *const k_names[6] = {"wh_import", "wh_export", "varh_q1",
                                           "varh_q2",   "varh_q3",   "varh_q4"};
    double total[6][WK_RECORD_PHASES];
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_record_energy *energy = &report->energy[phase];
        total[0][phase] = (double)energy->import_uwh / 1e6;
        total[1][phase] = (double)energy->export_uwh / 1e6;
        for (int quadrant = 0; quadrant < 4; quadrant++) {
            total[2 + quadrant][phase] = (double)energy->q_uvarh[quadrant] / 1e6;
        }
    }
    const double duration_s = (double)(report->end_us - report->start_us) / 1e6;
    printf(report->json ? "{\"totals\":{\"duration_s\":%.6f" : "totals over %.6f s\n",
           duration_s);
    for (int i = 0; i < 6; i++) {
        printf(report->json ? "," : "  ");
        print_array(k_names[i], report, -1, total[i], 6);
        printf(report->json ? "" : "\n");
    }
    printf(report->json ? "}}\n" : "");
}

/* Events still going on when the recording ends. */
void wk_report_open_events(const struct wk_report *report, const struct wk_chain *chain)
{
    static const uint32_t k_ends[WK_QUALITY_KINDS] = {WK_RECORD_DIP_END, WK_RECORD_SWELL_END,
                                                      WK_RECORD_INTERRUPTION_END};
    for (int kind = 0; kind < WK_QUALITY_KINDS; kind++) {
        const struct wk_quality_watch *watch = &chain->quality.watch[kind];
        if (!watch->open) {
            continue;
        }
        const int64_t begin_us = wk_chain_time_us(chain, watch->begin_q16);
        const struct wk_record_event event = {
            .kind = k_ends[kind],
            .phases = watch->phases,
            .begin_us = begin_us,
            .duration_us = report->end_us - begin_us,
            .extreme_mv = watch->extreme_mv,
        };
        print_event(report, &event, true);
    }
}
