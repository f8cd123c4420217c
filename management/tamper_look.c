/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tamper_look.h"

#define US_PER_S       INT64_C(1000000)
#define MOST_UA        INT64_C(10000000000)
#define MOST_MV        INT64_C(10000000)
#define MOST_MW        INT64_C(100000000000)
#define MILLE          1000
#define UA_PER_MA      1000
#define NW_PER_MW      1000000
#define ALONG          20    /* per mille of the largest phase current: errors of the sensors */
#define ALIVE_MILLE    600   /* of the nominal voltage: a phase that is there */
#define FLOOR_LEAST_UA 50000 /* a phase that usually carries less cannot be judged */

typedef struct wk_tamper_sight look_function(const struct wk_tamper *tamper,
                                             const struct wk_tamper_input *input,
                                             const struct wk_tamper_rule *rule, uint8_t phase);

/* ---- quantities -------------------------------------------------------------------------- */

static int64_t within(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

int64_t wk_tamper_i_ua(const struct wk_record_window *window, int phase)
{
    return within(window->i_ua[phase], MOST_UA);
}

int64_t wk_tamper_span_us(const struct wk_record *record)
{
    return within(record->span_us, WK_LATCH_SPAN_US);
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t mille_of_nominal(const struct wk_tamper *tamper, int64_t u_mv)
{
    return within(u_mv, MOST_MV) * MILLE / tamper->site.nominal_mv;
}

static int64_t most_ua(const struct wk_record_window *window)
{
    int64_t most = 0;
    for (int phase = 0; phase < window->phases; phase++) {
        most = larger(most, wk_tamper_i_ua(window, phase));
    }
    return most;
}

static int64_t least_mille(const struct wk_tamper *tamper,
                           const struct wk_record_window *window, int64_t *most)
{
    int64_t least = INT64_MAX;
    *most = 0;
    for (int phase = 0; phase < window->phases; phase++) {
        const int64_t mille = mille_of_nominal(tamper, window->u_mv[phase]);
        least = mille < least ? mille : least;
        *most = larger(*most, mille);
    }
    return least;
}

/* The currents that must be equal: line and neutral; of three phases the neutral, measured and
 * computed, both of the fundamental (the computed one has no harmonics). */
static void pair_of(const struct wk_record_window *window, int64_t *line_ua,
                    int64_t *neutral_ua)
{
    const bool three = window->phases == WK_RECORD_PHASES;
    *line_ua = within(three ? window->in_ua : window->i_ua[0], MOST_UA);
    *neutral_ua = within(
        three ? window->i1_ua[WK_RECORD_PHASES] : window->i_ua[WK_RECORD_PHASES], MOST_UA);
}

/* ---- conditions -------------------------------------------------------------------------- */

static struct wk_tamper_sight look_bypass(const struct wk_tamper *tamper,
                                          const struct wk_tamper_input *input,
                                          const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    int64_t line_ua;
    int64_t neutral_ua;
    (void)phase;
    pair_of(window, &line_ua, &neutral_ua);
    const int64_t most = larger(line_ua, neutral_ua);
    const int64_t apart = magnitude(line_ua - neutral_ua);
    const int64_t slack =
        window->phases == WK_RECORD_PHASES ? most_ua(window) * ALONG / MILLE : 0;
    const bool set = tamper->neutral_seen && most > (int64_t)rule->least_ma * UA_PER_MA &&
                     apart * MILLE > most * rule->level && apart > slack;
    return (struct wk_tamper_sight){set, apart * MILLE <= most * rule->end_level};
}

static struct wk_tamper_sight look_wire(const struct wk_tamper *tamper,
                                        const struct wk_tamper_input *input,
                                        const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    int64_t most;
    (void)phase;
    (void)least_mille(tamper, window, &most);
    const int64_t i_ua = larger(most_ua(window), wk_tamper_i_ua(window, WK_RECORD_PHASES));
    const bool flows = i_ua > (int64_t)rule->least_ma * UA_PER_MA;
    return (struct wk_tamper_sight){most < rule->level && flows,
                                    most > rule->end_level || !flows};
}

static struct wk_tamper_sight look_reversed(const struct wk_tamper *tamper,
                                            const struct wk_tamper_input *input,
                                            const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    const bool judged = phase < window->phases && tamper->site.generation == 0 &&
                        wk_tamper_i_ua(window, phase) > (int64_t)rule->least_ma * UA_PER_MA;
    const int64_t p_mw = window->p_mw[phase];
    const int64_t back_mw = p_mw < -MOST_MW ? MOST_MW : within(-p_mw, MOST_MW);
    const int64_t s_mva = within(window->s_mva[phase], MOST_MW);
    return (struct wk_tamper_sight){judged && back_mw * MILLE > s_mva * rule->level,
                                    !judged || back_mw * MILLE < s_mva * rule->end_level};
}

static struct wk_tamper_sight look_voltage(const struct wk_tamper *tamper,
                                           const struct wk_tamper_input *input,
                                           const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    const struct wk_tamper_rule *wire = &tamper->rule[WK_TAMPER_WIRE_MISSING];
    int64_t most;
    (void)least_mille(tamper, window, &most);
    const bool there = phase < window->phases && most >= wire->level; /* else: WIRE_MISSING */
    const bool flows =
        there && wk_tamper_i_ua(window, phase) > (int64_t)rule->least_ma * UA_PER_MA;
    const int64_t mille = mille_of_nominal(tamper, window->u_mv[phase]);
    return (struct wk_tamper_sight){flows && mille < rule->level,
                                    !flows || mille > rule->end_level};
}

static struct wk_tamper_sight look_ct(const struct wk_tamper *tamper,
                                      const struct wk_tamper_input *input,
                                      const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    const struct wk_tamper_habit *habit = &tamper->habit;
    const int64_t i_ua = wk_tamper_i_ua(window, phase);
    const int64_t others_ua = (wk_tamper_i_ua(window, 0) + wk_tamper_i_ua(window, 1) +
                               wk_tamper_i_ua(window, 2) - i_ua) /
                              2;
    const int64_t floor_ua = habit->floor_ua[phase];
    const bool judged = window->phases == WK_RECORD_PHASES && habit->known && !input->open &&
                        floor_ua >= FLOOR_LEAST_UA &&
                        mille_of_nominal(tamper, window->u_mv[phase]) > ALIVE_MILLE;
    const bool loaded = others_ua > (int64_t)rule->least_ma * UA_PER_MA;
    const bool low = i_ua * MILLE < others_ua * rule->level && i_ua < floor_ua / 2;
    return (struct wk_tamper_sight){judged && loaded && low,
                                    i_ua * MILLE > others_ua * rule->end_level ||
                                        i_ua > floor_ua / 4 * 3};
}

static struct wk_tamper_sight look_sequence(const struct wk_tamper *tamper,
                                            const struct wk_tamper_input *input,
                                            const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    int64_t most;
    (void)phase;
    const int64_t least = least_mille(tamper, window, &most);
    const bool turned = tamper->site.rotation == 2;
    const int64_t right = window->u_sequence_mv[turned ? 2 : 1];
    const int64_t wrong = window->u_sequence_mv[turned ? 1 : 2];
    const bool judged =
        window->phases == WK_RECORD_PHASES && tamper->site.rotation != 0 && least > ALIVE_MILLE;
    return (struct wk_tamper_sight){judged && wrong * MILLE > right * rule->level,
                                    !judged || wrong * MILLE < right * rule->end_level};
}

static struct wk_tamper_sight look_unbalance(const struct wk_tamper *tamper,
                                             const struct wk_tamper_input *input,
                                             const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    int64_t most;
    (void)phase;
    const int64_t least = least_mille(tamper, window, &most);
    const bool judged = window->phases == WK_RECORD_PHASES && least > ALIVE_MILLE;
    return (struct wk_tamper_sight){judged && most - least > rule->level,
                                    !judged || most - least < rule->end_level};
}

static struct wk_tamper_sight look_magnet(const struct wk_tamper *tamper,
                                          const struct wk_tamper_input *input,
                                          const struct wk_tamper_rule *rule, uint8_t phase)
{
    (void)tamper;
    (void)phase;
    return (struct wk_tamper_sight){input->field_ut > rule->level,
                                    input->field_ut < rule->end_level};
}

static struct wk_tamper_sight look_cover(const struct wk_tamper *tamper,
                                         const struct wk_tamper_input *input, uint8_t cover)
{
    const bool open = (input->covers & cover) != 0;
    return (struct wk_tamper_sight){open && tamper->service_end_s == 0, !open};
}

static struct wk_tamper_sight look_counter(const struct wk_tamper *tamper,
                                           const struct wk_tamper_input *input,
                                           wk_tamper_kind kind)
{
    const struct wk_tamper_rule *rule = &tamper->rule[kind];
    const struct wk_tamper_counter *counter = &tamper->counter[kind - WK_TAMPER_AUTHENTICATION];
    const int64_t quiet_us = input->record->t_us - counter->last_us;
    return (struct wk_tamper_sight){counter->count >= rule->level && rule->level > 0 &&
                                        quiet_us <= rule->begin_s * US_PER_S &&
                                        quiet_us < rule->end_s * US_PER_S,
                                    quiet_us >= rule->end_s * US_PER_S};
}

static struct wk_tamper_sight look_consumption(const struct wk_tamper *tamper,
                                               const struct wk_tamper_input *input,
                                               const struct wk_tamper_rule *rule, uint8_t phase)
{
    const struct wk_record_window *window = &input->record->window;
    const struct wk_record_energy *total = &window->total;
    int64_t most;
    (void)rule;
    (void)phase;
    (void)least_mille(tamper, window, &most);
    const bool moves = total->import_uwh > 0 || total->export_uwh > 0;
    return (struct wk_tamper_sight){!moves && !input->open && most > ALIVE_MILLE,
                                    moves || input->open};
}

static struct wk_tamper_sight look_open(const struct wk_tamper *tamper,
                                        const struct wk_tamper_input *input,
                                        const struct wk_tamper_rule *rule, uint8_t phase)
{
    const bool flows = most_ua(&input->record->window) > (int64_t)rule->least_ma * UA_PER_MA;
    (void)tamper;
    (void)phase;
    return (struct wk_tamper_sight){input->open && flows, !input->open || !flows};
}

struct wk_tamper_sight wk_tamper_look(const struct wk_tamper *tamper,
                                      const struct wk_tamper_input *input, wk_tamper_kind kind,
                                      uint8_t phase)
{
    static look_function *const k_looks[WK_TAMPER_KINDS] = {
        [WK_TAMPER_BYPASS] = look_bypass,
        [WK_TAMPER_WIRE_MISSING] = look_wire,
        [WK_TAMPER_REVERSED] = look_reversed,
        [WK_TAMPER_VOLTAGE_MISSING] = look_voltage,
        [WK_TAMPER_CT] = look_ct,
        [WK_TAMPER_SEQUENCE] = look_sequence,
        [WK_TAMPER_UNBALANCE] = look_unbalance,
        [WK_TAMPER_MAGNET] = look_magnet,
        [WK_TAMPER_NO_CONSUMPTION] = look_consumption,
        [WK_TAMPER_LOAD_WHILE_OPEN] = look_open,
    };
    if (k_looks[kind] != NULL) {
        return k_looks[kind](tamper, input, &tamper->rule[kind], phase);
    }
    if (kind >= WK_TAMPER_AUTHENTICATION) {
        return look_counter(tamper, input, kind);
    }
    return look_cover(tamper, input, (uint8_t)(1U << (kind - WK_TAMPER_TERMINAL_COVER)));
}

/* ---- power that passes by ---------------------------------------------------------------- */

int64_t wk_tamper_bypass_mw(const struct wk_tamper *tamper,
                            const struct wk_record_window *window)
{
    int64_t line_ua;
    int64_t neutral_ua;
    pair_of(window, &line_ua, &neutral_ua);
    const bool three = window->phases == WK_RECORD_PHASES;
    const int64_t more_ua = three ? magnitude(neutral_ua - line_ua) : neutral_ua - line_ua;
    if (more_ua <= 0) {
        return 0; /* the line carries more: that is billed already */
    }
    const int64_t s_mw = within(window->u_mv[0], MOST_MV) * more_ua / NW_PER_MW;
    /* At the power factor of what is measured, if that is enough to have one. */
    const bool known =
        !three && line_ua > (int64_t)tamper->rule[WK_TAMPER_BYPASS].least_ma * UA_PER_MA;
    return known ? s_mw / MILLE * magnitude(window->pf_e6[0] / MILLE) : s_mw;
}

int64_t wk_tamper_missing_mw(const struct wk_tamper *tamper,
                             const struct wk_record_window *window, int phase)
{
    const int64_t less_mv = tamper->site.nominal_mv - within(window->u_mv[phase], MOST_MV);
    return less_mv > 0 ? less_mv * wk_tamper_i_ua(window, phase) / NW_PER_MW : 0;
}

int64_t wk_tamper_magnet_mw(const struct wk_tamper *tamper,
                            const struct wk_record_window *window)
{
    const int64_t full_mw =
        tamper->site.maximum_ua * tamper->site.nominal_mv / NW_PER_MW * window->phases;
    const int64_t p_mw = within(window->p_mw[0] + window->p_mw[1] + window->p_mw[2], full_mw);
    return full_mw - p_mw;
}
