/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tamper.h"

#include <string.h>

#include "management/tamper_look.h"

#define US_PER_S       INT64_C(1000000)
#define LONGEST_S      31536000
#define SERVICE_MOST_S (7 * 86400)
#define LONG_RULE_S    3600 /* rules that need longer go on over a restart */

#define RULE(field, kind, least, most)                                                         \
    WK_SETTING(struct wk_tamper_rule, field, kind, least, most)
static const struct wk_setting k_rule[] = {
    RULE(enabled, WK_SETTING_U8, 0, 1),           RULE(level, WK_SETTING_I32, 0, 10000000),
    RULE(end_level, WK_SETTING_I32, 0, 10000000), RULE(least_ma, WK_SETTING_I32, 0, 10000000),
    RULE(begin_s, WK_SETTING_U32, 0, LONGEST_S),  RULE(end_s, WK_SETTING_U32, 0, LONGEST_S),
};
const struct wk_setting_table wk_tamper_rule_table = {k_rule, sizeof k_rule / sizeof k_rule[0]};

#define SITE(field, kind, least, most)                                                         \
    WK_SETTING(struct wk_tamper_site, field, kind, least, most)
static const struct wk_setting k_site[] = {
    SITE(nominal_mv, WK_SETTING_I32, 10000, 1000000),
    SITE(maximum_ua, WK_SETTING_I64, 1000000, INT64_C(10000000000)),
    SITE(generation, WK_SETTING_U8, 0, 1),
    SITE(rotation, WK_SETTING_U8, 0, 2),
    SITE(magnet_bill, WK_SETTING_U8, 0, 1),
};
const struct wk_setting_table wk_tamper_site_table = {k_site, sizeof k_site / sizeof k_site[0]};

/* ---- kinds and latches ------------------------------------------------------------------- */

static const uint8_t k_first[WK_TAMPER_KINDS + 1] = {0,  1,  2,  5,  8,  11, 12, 13, 14,
                                                     15, 16, 17, 18, 19, 20, 21, 22};

wk_tamper_kind wk_tamper_kind_of(uint8_t latch, uint8_t *phase)
{
    uint8_t kind = 0;
    while (kind + 1 < WK_TAMPER_KINDS && k_first[kind + 1] <= latch) {
        kind++;
    }
    *phase = (uint8_t)(latch - k_first[kind]);
    return (wk_tamper_kind)kind;
}

uint8_t wk_tamper_latch_of(wk_tamper_kind kind)
{
    return k_first[kind];
}

const char *wk_tamper_text(wk_tamper_kind kind)
{
#define TEXT(name, latches, text) text,
    static const char *const k_texts[] = {WK_TAMPER_LIST(TEXT)};
#undef TEXT
    return k_texts[kind];
}

uint32_t wk_tamper_active(const struct wk_tamper *tamper)
{
    uint32_t active = 0;
    for (int i = 0; i < WK_TAMPER_LATCHES; i++) {
        active |= tamper->latch[i].on ? 1U << i : 0U;
    }
    return active;
}

/* ---- parameters -------------------------------------------------------------------------- */

struct wk_tamper_rule wk_tamper_usual(wk_tamper_kind kind, int64_t maximum_ua)
{
    static const struct wk_tamper_rule k_rules[WK_TAMPER_KINDS] = {
        [WK_TAMPER_BYPASS] = {1, 100, 60, 500, 30, 60},
        [WK_TAMPER_WIRE_MISSING] = {1, 100, 200, 0, 60, 60},
        [WK_TAMPER_REVERSED] = {1, 300, 100, 500, 10, 60},
        [WK_TAMPER_VOLTAGE_MISSING] = {1, 600, 700, 0, 60, 60},
        [WK_TAMPER_CT] = {1, 50, 100, 1000, 900, 300},
        [WK_TAMPER_SEQUENCE] = {1, 1000, 500, 0, 60, 60},
        [WK_TAMPER_UNBALANCE] = {1, 150, 100, 0, 60, 60},
        [WK_TAMPER_MAGNET] = {1, 30000, 20000, 0, 2, 10},
        [WK_TAMPER_TERMINAL_COVER] = {1, 0, 0, 0, 0, 0},
        [WK_TAMPER_MAIN_COVER] = {1, 0, 0, 0, 0, 0},
        [WK_TAMPER_MODULE] = {1, 0, 0, 0, 0, 0},
        [WK_TAMPER_AUTHENTICATION] = {1, 5, 0, 0, 600, 3600},
        [WK_TAMPER_CLOCK] = {1, 3, 0, 0, 86400, 86400},
        [WK_TAMPER_CONFIGURATION] = {0, 20, 0, 0, 600, 3600},
        [WK_TAMPER_NO_CONSUMPTION] = {1, 0, 0, 0, 86400, 0},
        [WK_TAMPER_LOAD_WHILE_OPEN] = {1, 0, 0, 100, 10, 10},
    };
    struct wk_tamper_rule rule = k_rules[kind];
    if (kind == WK_TAMPER_WIRE_MISSING || kind == WK_TAMPER_VOLTAGE_MISSING) {
        rule.least_ma = (int32_t)(maximum_ua / 100000); /* 1 % of Imax */
    }
    return rule;
}

void wk_tamper_init(struct wk_tamper *tamper, int32_t nominal_mv, int64_t maximum_ua)
{
    memset(tamper, 0, sizeof *tamper);
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        tamper->rule[kind] = wk_tamper_usual((wk_tamper_kind)kind, maximum_ua);
    }
    tamper->site = (struct wk_tamper_site){
        .nominal_mv = nominal_mv, .maximum_ua = maximum_ua, .rotation = 1};
    tamper->newest = WK_TAMPER_SNAPSHOTS - 1;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        tamper->habit.least_ua[phase] = INT64_MAX;
    }
}

wk_err wk_tamper_set_rule(struct wk_tamper *tamper, uint8_t kind,
                          const struct wk_tamper_rule *rule)
{
    if (kind >= WK_TAMPER_KINDS) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(wk_setting_check(&wk_tamper_rule_table, rule));
    /* Some begin when a value falls: their end lies above. */
    const bool falls = kind == WK_TAMPER_WIRE_MISSING || kind == WK_TAMPER_VOLTAGE_MISSING ||
                       kind == WK_TAMPER_CT;
    if (falls ? rule->end_level < rule->level : rule->end_level > rule->level) {
        return WK_E_RANGE;
    }
    tamper->rule[kind] = *rule;
    return WK_OK;
}

wk_err wk_tamper_set_site(struct wk_tamper *tamper, const struct wk_tamper_site *site)
{
    WK_TRY(wk_setting_check(&wk_tamper_site_table, site));
    tamper->site = *site;
    return WK_OK;
}

wk_err wk_tamper_service(struct wk_tamper *tamper, int64_t utc_s, int64_t end_s)
{
    if (end_s > utc_s + SERVICE_MOST_S) {
        return WK_E_RANGE;
    }
    tamper->service_end_s = end_s > utc_s ? end_s : 0;
    tamper->service_seen = 0;
    return WK_OK;
}

void wk_tamper_count(struct wk_tamper *tamper, wk_tamper_kind kind, int64_t t_us)
{
    if (kind < WK_TAMPER_AUTHENTICATION || kind > WK_TAMPER_CONFIGURATION) {
        return;
    }
    struct wk_tamper_counter *counter = &tamper->counter[kind - WK_TAMPER_AUTHENTICATION];
    const int64_t within_us = tamper->rule[kind].begin_s * US_PER_S;
    if (counter->count == 0 || t_us - counter->first_us > within_us) {
        counter->first_us = t_us;
        counter->count = 0;
    }
    counter->last_us = t_us;
    counter->count = (uint16_t)(counter->count < UINT16_MAX ? counter->count + 1 : UINT16_MAX);
}

/* ---- what a phase usually carries -------------------------------------------------------- */

#define BLOCK_US   (900 * US_PER_S)
#define DAY_BLOCKS 96
#define MS_PER_US  1000

static bool is_doubted(const struct wk_tamper *tamper, int phase)
{
    const struct wk_latch *latch = &tamper->latch[k_first[WK_TAMPER_CT] + phase];
    return latch->on || latch->run_us > 0;
}

static void end_block(struct wk_tamper *tamper)
{
    struct wk_tamper_habit *habit = &tamper->habit;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const int64_t mean_ua = habit->sum_ua_ms[phase] / (habit->span_us / MS_PER_US);
        if (!is_doubted(tamper, phase) && mean_ua < habit->least_ua[phase]) {
            habit->least_ua[phase] = mean_ua;
        }
        habit->sum_ua_ms[phase] = 0;
    }
    habit->span_us = 0;
    habit->blocks++;
    if (habit->blocks < DAY_BLOCKS) {
        return;
    }
    habit->blocks = 0;
    habit->known = true;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        if (habit->least_ua[phase] != INT64_MAX) {
            habit->floor_ua[phase] = habit->least_ua[phase];
        }
        habit->least_ua[phase] = INT64_MAX;
    }
}

static void learn(struct wk_tamper *tamper, const struct wk_tamper_input *input)
{
    const struct wk_record *record = input->record;
    struct wk_tamper_habit *habit = &tamper->habit;
    const int64_t span_us = wk_tamper_span_us(record);
    tamper->neutral_seen =
        tamper->neutral_seen || record->window.i_ua[WK_RECORD_PHASES] > WK_TAMPER_NEUTRAL_UA;
    if (input->open || record->window.u_mv[0] < tamper->site.nominal_mv / 2) {
        return; /* what no load shows is no habit */
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        habit->sum_ua_ms[phase] +=
            wk_tamper_i_ua(&record->window, phase) * (span_us / MS_PER_US);
    }
    habit->span_us += span_us;
    if (habit->span_us >= BLOCK_US) {
        end_block(tamper);
    }
}

/* ---- energy that passed by --------------------------------------------------------------- */

#define MW_US_PER_UWH 3600000

static void add_energy(int64_t *total_uwh, int64_t *rest, int64_t p_mw, int64_t span_us)
{
    const int64_t sum = p_mw * span_us + *rest;
    const int64_t step_uwh = sum / MW_US_PER_UWH;
    *rest = sum % MW_US_PER_UWH;
    if (*total_uwh <= INT64_MAX - step_uwh) {
        *total_uwh += step_uwh;
    }
}

static void estimate(struct wk_tamper *tamper, const struct wk_tamper_input *input)
{
    struct wk_tamper_energy *energy = &tamper->energy;
    const int64_t span_us = wk_tamper_span_us(input->record);
    const struct wk_record_window *window = &input->record->window;
    if (tamper->latch[k_first[WK_TAMPER_BYPASS]].on) {
        add_energy(&energy->bypass_uwh, &energy->rest[0], wk_tamper_bypass_mw(tamper, window),
                   span_us);
    }
    int64_t missing_mw = 0;
    const bool all = tamper->latch[k_first[WK_TAMPER_WIRE_MISSING]].on;
    for (int phase = 0; phase < window->phases; phase++) {
        const bool on = all || tamper->latch[k_first[WK_TAMPER_VOLTAGE_MISSING] + phase].on;
        missing_mw += on ? wk_tamper_missing_mw(tamper, window, phase) : 0;
    }
    if (missing_mw > 0) {
        add_energy(&energy->voltage_uwh, &energy->rest[1], missing_mw, span_us);
    }
    if (tamper->latch[k_first[WK_TAMPER_MAGNET]].on && tamper->site.magnet_bill != 0) {
        add_energy(&energy->magnet_uwh, &energy->rest[2], wk_tamper_magnet_mw(tamper, window),
                   span_us);
    }
}

/* ---- the step ---------------------------------------------------------------------------- */

static int32_t clamp32(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : (int32_t)(value < INT32_MIN ? INT32_MIN : value);
}

static void keep(struct wk_tamper *tamper, const struct wk_tamper_input *input, uint8_t latch)
{
    const struct wk_record_window *window = &input->record->window;
    tamper->newest = (uint8_t)((tamper->newest + 1) % WK_TAMPER_SNAPSHOTS);
    struct wk_tamper_snapshot *snapshot = &tamper->snapshot[tamper->newest];
    const bool cover =
        latch >= k_first[WK_TAMPER_TERMINAL_COVER] && latch <= k_first[WK_TAMPER_MODULE];
    *snapshot = (struct wk_tamper_snapshot){
        .utc_s = cover && input->first_opened_s != 0 ? input->first_opened_s : input->utc_s,
        .import_uwh = input->import_uwh,
        .latch = latch,
    };
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        snapshot->u_mv[phase] = window->u_mv[phase];
        snapshot->i_ma[phase] = clamp32(window->i_ua[phase] / 1000);
        snapshot->p_w[phase] = clamp32(window->p_mw[phase] / 1000);
    }
    snapshot->i_ma[WK_RECORD_PHASES] = clamp32(window->i_ua[WK_RECORD_PHASES] / 1000);
}

static void pause_after_gap(struct wk_tamper *tamper, const struct wk_record *record)
{
    uint8_t phase;
    if ((record->flags & (WK_RECORD_FEED_GAP | WK_RECORD_FEED_START)) == 0) {
        return;
    }
    for (uint8_t latch = 0; latch < WK_TAMPER_LATCHES; latch++) {
        if (tamper->rule[wk_tamper_kind_of(latch, &phase)].begin_s < LONG_RULE_S) {
            wk_latch_pause(&tamper->latch[latch]);
        }
    }
}

struct wk_tamper_edges wk_tamper_step(struct wk_tamper *tamper,
                                      const struct wk_tamper_input *input)
{
    struct wk_tamper_edges edges = {0, 0};
    uint8_t phase;
    pause_after_gap(tamper, input->record);
    if (tamper->service_end_s != 0 && input->utc_s >= tamper->service_end_s) {
        tamper->service_end_s = 0;
    }
    tamper->service_seen |= tamper->service_end_s != 0 ? input->covers : 0;
    for (uint8_t latch = 0; latch < WK_TAMPER_LATCHES; latch++) {
        const wk_tamper_kind kind = wk_tamper_kind_of(latch, &phase);
        const struct wk_tamper_rule *rule = &tamper->rule[kind];
        const struct wk_tamper_sight sight = wk_tamper_look(tamper, input, kind, phase);
        const bool counted =
            kind >= WK_TAMPER_AUTHENTICATION && kind <= WK_TAMPER_CONFIGURATION;
        const struct wk_latch_time time = {counted ? 0 : rule->begin_s * US_PER_S,
                                           counted ? 0 : rule->end_s * US_PER_S};
        const wk_latch_edge edge =
            wk_latch_step(&tamper->latch[latch], rule->enabled != 0 && sight.set,
                          rule->enabled == 0 || sight.clear, &time, input->record->span_us);
        if (edge == WK_LATCH_BEGINS) {
            edges.begins |= 1U << latch;
            keep(tamper, input, latch);
        }
        edges.ends |= edge == WK_LATCH_ENDS ? 1U << latch : 0U;
    }
    learn(tamper, input);
    estimate(tamper, input);
    return edges;
}
