/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/wiring.h"

#include <string.h>

#include "metrology/wiring_fit.h"

#define U_PRESENT 0.5f /* of the nominal voltage; if none reaches it there is no voltage */
#define PPM       1e6f
#define FLAGS_OF_NO_USE                                                                        \
    (WK_RECORD_SHORT | WK_RECORD_FREE_RUN | WK_RECORD_ACQUIRING | WK_RECORD_CLIPPED |          \
     WK_RECORD_FEED_GAP | WK_RECORD_WITHHELD)

/* ---- averages ---------------------------------------------------------------------------- */

struct wk_wiring_declared wk_wiring_usual(uint8_t phases, int32_t nominal_mv, int64_t rated_ua)
{
    return (struct wk_wiring_declared){
        .phases = phases,
        .loaded = (uint8_t)((1U << phases) - 1),
        .nominal_mv = nominal_mv,
        .rated_ua = rated_ua,
        .lag_most_mdeg = WK_WIRING_ANGLE_MDEG,
        .lead_most_mdeg = WK_WIRING_ANGLE_MDEG,
        .apart_most_mdeg = WK_WIRING_APART_MDEG,
        .export_most_mdeg = WK_WIRING_EXPORT_MDEG,
    };
}

void wk_wiring_declare(struct wk_wiring_declared *declared, wk_wiring_character character)
{
    const bool leads = character != WK_WIRING_INDUCTIVE;
    const bool lags = character != WK_WIRING_CAPACITIVE;
    declared->lag_most_mdeg = lags ? WK_WIRING_ANGLE_MDEG : WK_WIRING_OTHER_MDEG;
    declared->lead_most_mdeg = leads ? WK_WIRING_ANGLE_MDEG : WK_WIRING_OTHER_MDEG;
}

void wk_wiring_init(struct wk_wiring *wiring)
{
    memset(wiring, 0, sizeof *wiring);
}

static uint32_t turn_of(int64_t mdeg)
{
    return (uint32_t)(uint64_t)(mdeg * INT64_C(4294967296) / 360000);
}

static void add_phasor(struct wk_angle_vector *sum, int64_t size, uint32_t turn)
{
    const struct wk_angle_vector v =
        wk_angle_turn((struct wk_angle_vector){.re = size, .im = 0}, turn);
    sum->re += v.re;
    sum->im += v.im;
}

bool wk_wiring_add(struct wk_wiring *wiring, const struct wk_record *record)
{
    const struct wk_record_window *window = &record->window;
    if (record->kind != WK_RECORD_WINDOW || (record->flags & FLAGS_OF_NO_USE) != 0) {
        return false;
    }
    if (wiring->windows == 0) {
        wiring->reference = window->reference;
    }
    const uint32_t back = turn_of(window->u_mdeg[wiring->reference]);
    for (int k = 0; k < window->phases && k < WK_WIRING_PHASES; k++) {
        add_phasor(&wiring->u[k], window->u1_mv[k], turn_of(window->u_mdeg[k]) - back);
        add_phasor(&wiring->i[k], window->i1_ua[k], turn_of(window->i_mdeg[k]) - back);
    }
    wiring->windows++;
    return true;
}

/* ---- powers ------------------------------------------------------------------------------ */

/* Newton's method from above. */
static float root(float value)
{
    float x = value > 1 ? value : 1;
    for (int k = 0; k < 40 && value > 0; k++) {
        x = 0.5f * (x + value / x);
    }
    return value > 0 ? x : 0;
}

static float size_of(struct wk_wiring_complex a)
{
    return root(a.re * a.re + a.im * a.im);
}

static struct wk_wiring_power power_of(const struct wk_wiring_declared *declared,
                                       struct wk_wiring_complex u, struct wk_wiring_complex i)
{
    const float unit_v = (float)declared->nominal_mv / 1e3f;
    const float unit_a = (float)declared->rated_ua / 1e6f;
    const struct wk_wiring_complex s = wk_wiring_fit_power(u, i);
    const float size = size_of(s);
    return (struct wk_wiring_power){
        .u_v = size_of(u) * unit_v,
        .i_a = size_of(i) * unit_a,
        .angle_deg = size > 0 ? wk_wiring_fit_angle_deg(s) : 0,
        .p_w = s.re * unit_v * unit_a,
        .q_var = s.im * unit_v * unit_a,
        .pf = size > 0 ? s.re / size : 0,
    };
}

static void correct(const struct wk_wiring_seen *seen, const struct wk_wiring_result *result,
                    struct wk_wiring_correction *correction)
{
    const struct wk_wiring_layout *layout = &result->layout;
    for (int phase = 0; phase < seen->phases; phase++) {
        const int input = wk_wiring_fit_current_input(layout, phase);
        const unsigned bit = 1U << (unsigned)input;
        correction->u_from[phase] = wk_wiring_fit_voltage_input(layout, seen->phases, phase);
        correction->i_from[phase] = (layout->dead & bit) != 0 ? WK_WIRING_NONE : (uint8_t)input;
        correction->i_sign[phase] = (layout->reversed & bit) != 0 ? -1 : 1;
        const struct wk_wiring_complex u =
            wk_wiring_fit_voltage(seen, layout, &result->fit, phase);
        const struct wk_wiring_complex i = wk_wiring_fit_current(seen, layout, phase);
        correction->after[phase] = power_of(seen->declared, u, i);
    }
}

/* ---- the verdict ------------------------------------------------------------------------- */

static void find(struct wk_wiring_verdict *verdict, wk_wiring_kind kind, int a, int b)
{
    if (verdict->findings < WK_WIRING_FINDINGS) {
        verdict->finding[verdict->findings++] =
            (struct wk_wiring_finding){kind, (uint8_t)a, (uint8_t)b};
    }
}

/* Two exchanges that move all three CTs round are one thing for people. */
static void find_faults(struct wk_wiring_verdict *verdict)
{
    const struct wk_wiring_layout *layout = &verdict->layout;
    if (layout->i[0] != 0 && layout->i[1] != 1 && layout->i[2] != 2) {
        find(verdict, WK_WIRING_CT_ROTATED, layout->i[0], 0);
        return;
    }
    for (int f = 0; f < layout->faults; f++) {
        find(verdict, layout->fault[f].kind, layout->fault[f].a, layout->fault[f].b);
    }
}

/* Sizes say nothing about the wiring, so they are judged by themselves. */
static void find_ratios(const struct wk_wiring_seen *seen, struct wk_wiring_verdict *verdict)
{
    const struct wk_wiring_declared *declared = seen->declared;
    for (int k = 0; k < seen->phases; k++) {
        const float i_ua = size_of(seen->i[k]) * (float)declared->rated_ua;
        const bool under = declared->i_least_ua > 0 && i_ua < (float)declared->i_least_ua;
        const bool over = declared->i_most_ua > 0 && i_ua > (float)declared->i_most_ua;
        if ((seen->without & (1U << k)) == 0 && (under || over)) {
            find(verdict, WK_WIRING_I_RATIO, k, 0);
        }
    }
}

static struct wk_wiring_complex mean_of(struct wk_angle_vector sum, uint32_t windows,
                                        float unit)
{
    const float factor = 1.0f / ((float)windows * unit);
    return (struct wk_wiring_complex){(float)sum.re * factor, (float)sum.im * factor};
}

/* The means, and whether there is any voltage and any current. */
static struct wk_wiring_seen see(const struct wk_wiring *wiring,
                                 const struct wk_wiring_declared *declared, bool *voltage,
                                 bool *current)
{
    struct wk_wiring_seen seen = {.declared = declared, .phases = declared->phases};
    *voltage = false;
    *current = false;
    for (int k = 0; k < seen.phases; k++) {
        seen.u[k] = mean_of(wiring->u[k], wiring->windows, (float)declared->nominal_mv);
        seen.i[k] = mean_of(wiring->i[k], wiring->windows, (float)declared->rated_ua);
        *voltage = *voltage || size_of(seen.u[k]) >= U_PRESENT;
        if (size_of(seen.i[k]) * PPM < (float)WK_WIRING_LEAST_PPM) {
            seen.without |= (uint8_t)(1U << k);
        } else {
            *current = true;
        }
    }
    return seen;
}

void wk_wiring_judge(const struct wk_wiring *wiring, const struct wk_wiring_declared *declared,
                     struct wk_wiring_verdict *verdict)
{
    struct wk_wiring_result result;
    bool voltage;
    bool current;
    memset(verdict, 0, sizeof *verdict);
    verdict->reason = WK_WIRING_NO_WINDOW;
    for (int k = 0; k < declared->phases; k++) {
        verdict->correction.u_from[k] = (uint8_t)k;
        verdict->correction.i_from[k] = (uint8_t)k;
        verdict->correction.i_sign[k] = 1;
    }
    if (wiring->windows == 0) {
        return;
    }
    const struct wk_wiring_seen seen = see(wiring, declared, &voltage, &current);
    for (int k = 0; k < seen.phases; k++) {
        verdict->correction.before[k] = power_of(declared, seen.u[k], seen.i[k]);
        verdict->correction.after[k] = verdict->correction.before[k];
    }
    verdict->reason = WK_WIRING_NO_VOLTAGE;
    if (!voltage) {
        return;
    }
    wk_wiring_fit_search(&seen, current, &result);
    verdict->reason = WK_WIRING_NO_FIT;
    if (!result.found) {
        return;
    }
    verdict->layout = result.layout;
    verdict->has_rival = result.has_rival;
    verdict->rival = result.rival;
    verdict->exports = result.exports;
    verdict->reason = !current           ? WK_WIRING_LITTLE_CURRENT
                      : result.ambiguous ? WK_WIRING_AMBIGUOUS
                                         : WK_WIRING_TOLD;
    verdict->told = verdict->reason == WK_WIRING_TOLD;
    find_faults(verdict);
    find_ratios(&seen, verdict);
    correct(&seen, &result, &verdict->correction);
}

/* ---- words ------------------------------------------------------------------------------- */

void wk_wiring_say(const struct wk_wiring_finding *finding, bool remedy, char *text,
                   size_t room)
{
#define TEXT_ROW(name, text, remedy) {text, remedy},
    static const char *const k_texts[][2] = {WK_WIRING_KIND_LIST(TEXT_ROW)};
#undef TEXT_ROW
    const char *from = k_texts[finding->kind][remedy ? 1 : 0];
    size_t at = 0;
    for (; *from != '\0' && at + 1 < room; from++) {
        text[at++] = *from == '@'   ? (char)('1' + finding->a)
                     : *from == '#' ? (char)('1' + finding->b)
                                    : *from;
    }
    text[at] = '\0';
}

const char *wk_wiring_summary(const struct wk_wiring_verdict *verdict)
{
    static const char *const k_reasons[] = {
        [WK_WIRING_TOLD] = "the wiring is right",
        [WK_WIRING_NO_WINDOW] = "cannot tell: no complete measurement yet",
        [WK_WIRING_NO_VOLTAGE] = "cannot tell: no voltage",
        [WK_WIRING_LITTLE_CURRENT] =
            "cannot tell about the currents: none reaches 2 % of the rated current",
        [WK_WIRING_NO_FIT] = "cannot tell: no wiring with up to two faults explains this under "
                             "what was declared",
        [WK_WIRING_AMBIGUOUS] = "cannot tell: two wirings explain this equally well; declare "
                                "more about the loads or change them",
    };
    return verdict->told && verdict->findings > 0 ? "the wiring is wrong"
                                                  : k_reasons[verdict->reason];
}
