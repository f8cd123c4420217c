/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/diagnosis.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEG       57.29577951308232
#define MOVE_TEXT 160
#define KIND_ROOM 40

const char *const wk_diagnosis_names[] = {"rated", "nominal",  "most",         "least", "load",
                                          "flow",  "unloaded", "transformers", NULL};

/* ---- what is declared -------------------------------------------------------------------- */

static const char *take_number(const char *value, double least, double most, double *number)
{
    char *end;
    *number = strtod(value, &end);
    return value[0] != '\0' && *end == '\0' && *number >= least && *number <= most
               ? NULL
               : "must be a positive number";
}

static const char *take_flow(struct wk_wiring_declared *declared, const char *value)
{
    static const char *const k_flows[] = {"import", "export", "either"};
    const char *at = value;
    int phase = 0;
    do {
        const size_t size = strcspn(at, ",");
        int flow = -1;
        for (int f = 0; f < 3; f++) {
            flow = strlen(k_flows[f]) == size && strncmp(at, k_flows[f], size) == 0 ? f : flow;
        }
        if (flow < 0 || phase == WK_WIRING_PHASES) {
            return "must be import, export or either, for all phases or one for each";
        }
        declared->flow[phase++] = (wk_wiring_flow)flow;
        at += size;
    } while (*at++ == ',');
    for (; phase < WK_WIRING_PHASES; phase++) {
        declared->flow[phase] = declared->flow[phase - 1];
    }
    return NULL;
}

static const char *take_unloaded(struct wk_wiring_declared *declared, const char *value)
{
    unsigned without = 0;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at >= '1' && *at <= '3') {
            without |= 1U << (unsigned)(*at - '1');
        } else if (*at != ',' && *at != 'L') {
            return "must be phases such as 2,3";
        }
    }
    declared->loaded = (uint8_t)(declared->loaded & ~without);
    return NULL;
}

static const char *take_load(struct wk_wiring_declared *declared, const char *value)
{
    static const char *const k_characters[] = {"any", "inductive", "capacitive"};
    for (int c = 0; c < 3; c++) {
        if (strcmp(value, k_characters[c]) == 0) {
            wk_wiring_declare(declared, (wk_wiring_character)c);
            return NULL;
        }
    }
    return "must be any, inductive or capacitive";
}

const char *wk_diagnosis_declare(struct wk_wiring_declared *declared, const char *name,
                                 const char *value)
{
    const char *fault;
    double number = 0;
    if (strcmp(name, "load") == 0) {
        return take_load(declared, value);
    }
    if (strcmp(name, "flow") == 0) {
        return take_flow(declared, value);
    }
    if (strcmp(name, "unloaded") == 0) {
        return take_unloaded(declared, value);
    }
    if (strcmp(name, "transformers") == 0) {
        declared->transformers = strcmp(value, "yes") == 0;
        return declared->transformers || strcmp(value, "no") == 0 ? NULL : "must be yes or no";
    }
    if (strcmp(name, "nominal") == 0) {
        fault = take_number(value, 1, 1e6, &number);
        declared->nominal_mv =
            fault == NULL ? (int32_t)lrint(number * 1e3) : declared->nominal_mv;
        return fault;
    }
    int64_t *const to = strcmp(name, "rated") == 0  ? &declared->rated_ua
                        : strcmp(name, "most") == 0 ? &declared->i_most_ua
                                                    : &declared->i_least_ua;
    fault = take_number(value, 1e-6, 1e6, &number);
    *to = fault == NULL ? llrint(number * 1e6) : *to;
    return fault;
}

/* ---- wiring ------------------------------------------------------------------------------ */

static json_t *finding_json(const struct wk_wiring_finding *finding)
{
#define KIND_NAME(name, text, remedy) [name] = #name,
    static const char *const k_names[] = {WK_WIRING_KIND_LIST(KIND_NAME)};
#undef KIND_NAME
    char text[WK_WIRING_TEXT];
    char remedy[WK_WIRING_TEXT];
    char kind[KIND_ROOM];
    size_t at = 0;
    for (const char *from = k_names[finding->kind] + strlen("WK_WIRING_");
         *from != '\0' && at + 1 < sizeof kind; from++) {
        kind[at++] = (char)tolower((unsigned char)*from);
    }
    kind[at] = '\0';
    wk_wiring_say(finding, false, text, sizeof text);
    wk_wiring_say(finding, true, remedy, sizeof remedy);
    return json_pack("{s:s, s:i, s:i, s:s, s:s}", "kind", kind, "a", finding->a + 1, "b",
                     finding->b + 1, "text", text, "remedy", remedy);
}

static json_t *findings_json(const struct wk_wiring_finding *finding, int count)
{
    json_t *array = json_array();
    for (int f = 0; f < count; f++) {
        json_array_append_new(array, finding_json(&finding[f]));
    }
    return array;
}

static json_t *power_json(const struct wk_wiring_power *power)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "u_v", (double)power->u_v, "i_a",
                     (double)power->i_a, "angle_deg", (double)power->angle_deg, "p_w",
                     (double)power->p_w, "q_var", (double)power->q_var, "pf",
                     (double)power->pf);
}

static json_t *powers_json(const struct wk_wiring_power *power, int count)
{
    json_t *array = json_array();
    for (int k = 0; k < count; k++) {
        json_array_append_new(array, power_json(&power[k]));
    }
    return array;
}

/* Sizes and angles of the averaged phasors; the reference points to 0 deg. */
static json_t *inputs_json(const struct wk_wiring *wiring, int count)
{
    json_t *arrays[4] = {json_array(), json_array(), json_array(), json_array()};
    const double n = wiring->windows > 0 ? wiring->windows : 1;
    for (int k = 0; k < count; k++) {
        const struct wk_angle_vector *u = &wiring->u[k];
        const struct wk_angle_vector *i = &wiring->i[k];
        const double u_v = hypot((double)u->re, (double)u->im) / n / 1e3;
        const double i_a = hypot((double)i->re, (double)i->im) / n / 1e6;
        json_array_append_new(arrays[0], json_real(u_v));
        json_array_append_new(arrays[1], json_real(atan2((double)u->im, (double)u->re) * DEG));
        json_array_append_new(arrays[2], json_real(i_a));
        json_array_append_new(arrays[3], json_real(atan2((double)i->im, (double)i->re) * DEG));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "u_v", arrays[0], "u_deg", arrays[1], "i_a",
                     arrays[2], "i_deg", arrays[3]);
}

static json_t *input_json(uint8_t input)
{
    return input == WK_WIRING_NONE ? json_null() : json_integer(input + 1);
}

static json_t *correction_json(const struct wk_wiring_correction *correction, int count)
{
    json_t *u = json_array();
    json_t *i = json_array();
    json_t *sign = json_array();
    for (int k = 0; k < count; k++) {
        json_array_append_new(u, input_json(correction->u_from[k]));
        json_array_append_new(i, input_json(correction->i_from[k]));
        json_array_append_new(sign, json_integer(correction->i_sign[k]));
    }
    return json_pack("{s:o, s:o, s:o}", "u_from", u, "i_from", i, "i_sign", sign);
}

json_t *wk_diagnosis_wiring(const struct wk_wiring *wiring,
                            const struct wk_wiring_declared *declared)
{
    static const char *const k_reasons[] = {"told",           "no_window", "no_voltage",
                                            "little_current", "no_fit",    "ambiguous"};
    struct wk_wiring_verdict verdict;
    const int n = declared->phases;
    wk_wiring_judge(wiring, declared, &verdict);
    const struct wk_wiring_layout *rival = &verdict.rival;
    return json_pack(
        "{s:b, s:s, s:s, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "told",
        (int)verdict.told, "reason", k_reasons[verdict.reason], "summary",
        wk_wiring_summary(&verdict), "exports", (int)verdict.exports, "phases", n, "windows",
        (int)wiring->windows, "findings", findings_json(verdict.finding, verdict.findings),
        "rival", verdict.has_rival ? findings_json(rival->fault, rival->faults) : json_null(),
        "inputs", inputs_json(wiring, n), "correction", correction_json(&verdict.correction, n),
        "before", powers_json(verdict.correction.before, n), "after",
        powers_json(verdict.correction.after, n));
}

/* ---- balance ----------------------------------------------------------------------------- */

void wk_diagnosis_say_move(const struct wk_balance *balance, const struct wk_balance_move *move,
                           char *text, size_t room)
{
    if (!move->worth) {
        snprintf(text, room, "%s",
                 balance->slots == 0 ? "No complete interval yet"
                                     : "No move betters the mean imbalance by 2 % or more");
        return;
    }
    snprintf(text, room,
             "Move the ~%.1f kW load from L%d to L%d: mean imbalance %.0f %% -> %.0f %%",
             (double)balance->load[move->load].p_mw / 1e6, move->from + 1, move->to + 1,
             move->before_ppm / 1e4, move->after_ppm / 1e4);
}

static json_t *loads_json(const struct wk_balance *balance)
{
    json_t *array = json_array();
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const struct wk_balance_load *load = &balance->load[n];
        if (load->used) {
            json_array_append_new(
                array, json_pack("{s:i, s:i, s:f, s:f, s:b, s:i, s:f, s:f}", "number", n,
                                 "phase", load->phase + 1, "p_w", (double)load->p_mw / 1e3,
                                 "q_var", (double)load->q_mvar / 1e3, "on", (int)load->on,
                                 "times", (int)load->times, "on_s", (double)load->on_us / 1e6,
                                 "energy_wh", (double)load->energy_mwh / 1e3));
        }
    }
    return array;
}

static json_t *steps_json(const struct wk_balance *balance)
{
    json_t *array = json_array();
    const uint32_t held = balance->steps < WK_BALANCE_STEPS ? balance->steps : WK_BALANCE_STEPS;
    for (uint32_t n = 1; n <= held; n++) {
        const struct wk_balance_step *step =
            &balance->step[(balance->steps - n) % WK_BALANCE_STEPS];
        json_array_append_new(array, json_pack("{s:I, s:i, s:f, s:f}", "t_us",
                                               (json_int_t)step->t_us, "phase", step->phase + 1,
                                               "p_w", (double)step->p_mw / 1e3, "q_var",
                                               (double)step->q_mvar / 1e3));
    }
    return array;
}

json_t *wk_diagnosis_balance(const struct wk_balance *balance)
{
    struct wk_balance_move move;
    char text[MOVE_TEXT];
    wk_balance_recommend(balance, &move);
    wk_diagnosis_say_move(balance, &move, text, sizeof text);
    json_t *where = move.worth ? json_pack("{s:i, s:i, s:i}", "load", move.load, "from",
                                           move.from + 1, "to", move.to + 1)
                               : json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:i, s:i, s:o, s:s, s:o, s:o}", "power",
                     balance->index.power_ppm / 1e6, "current",
                     balance->index.current_ppm / 1e6, "mean", move.before_ppm / 1e6,
                     "mean_after", move.after_ppm / 1e6, "intervals", (int)balance->slots,
                     "three_phase", (int)balance->three_phase, "move", where, "text", text,
                     "loads", loads_json(balance), "steps", steps_json(balance));
}
