/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/change.h"

#include <string.h>

#define PPM   INT64_C(1000000)
#define STEPS 80000 /* of the declared voltage */

struct wk_change_config wk_change_usual(int32_t nominal_mv, uint8_t values)
{
    return (struct wk_change_config){
        .nominal_mv = nominal_mv,
        .threshold_ppm = 30000,
        .hysteresis_ppm = 500000,
        .values = values,
    };
}

wk_err wk_change_init(struct wk_change *change, uint8_t present,
                      const struct wk_change_config *config)
{
    const bool valid = config->nominal_mv >= 0 && config->threshold_ppm >= 10000 &&
                       config->threshold_ppm <= 60000 && config->hysteresis_ppm >= 0 &&
                       config->hysteresis_ppm <= 900000 &&
                       (config->values == 100 || config->values == WK_CHANGE_VALUES) &&
                       present < 1U << WK_RECORD_PHASES;
    WK_TRY(valid ? WK_OK : WK_E_RANGE);
    const int64_t threshold = config->nominal_mv * (int64_t)config->threshold_ppm / PPM;
    *change = (struct wk_change){
        .config = *config,
        .present = config->nominal_mv != 0 ? present : 0,
        .step_mv = config->nominal_mv / STEPS + 1,
        .threshold_mv = (int32_t)threshold,
        .reduced_mv = (int32_t)(threshold * (PPM - config->hysteresis_ppm) / PPM),
    };
    return WK_OK;
}

/* ---- the last values of a voltage -------------------------------------------------------- */

/* A value as it is kept. */
static int16_t steps_of(const struct wk_change *change, int32_t urms_mv)
{
    const int32_t off_mv = urms_mv - change->config.nominal_mv; /* neither is negative */
    const int32_t whole = off_mv / change->step_mv;
    const int32_t rest = off_mv % change->step_mv;
    const int32_t half = (change->step_mv + 1) / 2;
    const int32_t steps = whole + (rest >= half ? 1 : 0) - (-rest >= half ? 1 : 0);
    return (int16_t)(steps > INT16_MAX ? INT16_MAX : steps < -INT16_MAX ? -INT16_MAX : steps);
}

static void find_extremes(struct wk_change_phase *phase)
{
    phase->least = phase->value[0];
    phase->most = phase->value[0];
    for (int i = 1; i < phase->filled; i++) {
        phase->least = phase->value[i] < phase->least ? phase->value[i] : phase->least;
        phase->most = phase->value[i] > phase->most ? phase->value[i] : phase->most;
    }
}

static void put(struct wk_change_phase *phase, uint8_t values, int16_t value)
{
    const bool full = phase->filled == values;
    const int16_t leaves = full ? phase->value[phase->next] : 0;
    phase->value[phase->next] = value;
    phase->next = (uint8_t)(phase->next + 1 == values ? 0 : phase->next + 1);
    phase->filled = (uint8_t)(phase->filled + (full ? 0 : 1));
    phase->sum += value - leaves;
    /* An extreme that leaves and is not outdone by what comes must be looked for anew. */
    const bool least_left = full && leaves == phase->least && value > leaves;
    const bool most_left = full && leaves == phase->most && value < leaves;
    if (phase->filled == 1 || least_left || most_left) {
        find_extremes(phase);
        return;
    }
    phase->least = value < phase->least ? value : phase->least;
    phase->most = value > phase->most ? value : phase->most;
}

static int32_t mean_of(const struct wk_change *change, const struct wk_change_phase *phase)
{
    const int32_t whole_mv = phase->sum / phase->filled * change->step_mv;
    const int32_t rest_mv = phase->sum % phase->filled * change->step_mv;
    const int32_t half = phase->filled / 2;
    const int32_t more_mv = (rest_mv < 0 ? rest_mv - half : rest_mv + half) / phase->filled;
    return change->config.nominal_mv + whole_mv + more_mv;
}

static int32_t distance(int32_t a, int32_t b)
{
    return a > b ? a - b : b - a;
}

/* ---- a change ---------------------------------------------------------------------------- */

static void open_change(struct wk_change *change, uint64_t begin_q16)
{
    change->open = true;
    change->spoilt = false;
    change->phases = 0;
    change->begin_q16 = begin_q16;
    change->calm_q16 = begin_q16;
}

/* All voltages are steady again: the largest of the phases that were not. */
static bool close_change(struct wk_change *change, struct wk_change_event *event)
{
    *event = (struct wk_change_event){
        .begin_q16 = change->begin_q16,
        .end_q16 = change->calm_q16,
    };
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        struct wk_change_phase *phase = &change->phase[i];
        if ((change->phases & (1U << i)) != 0 && phase->known) {
            const int32_t now_mv = mean_of(change, phase);
            const int32_t steady_mv = distance(now_mv, phase->mean_mv);
            event->phases |= (uint8_t)(1U << i);
            event->max_mv = phase->max_mv > event->max_mv ? phase->max_mv : event->max_mv;
            event->steady_mv = steady_mv > event->steady_mv ? steady_mv : event->steady_mv;
        }
        phase->mean_mv = phase->filled > 0 ? mean_of(change, phase) : 0;
        phase->known = phase->steady;
        phase->max_mv = 0;
    }
    change->open = false;
    return event->phases != 0 && !change->spoilt;
}

static bool all_steady(const struct wk_change *change)
{
    bool all = true;
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        all = all && ((change->present & (1U << i)) == 0 || change->phase[i].steady);
    }
    return all;
}

/* Whether the ring is full and all of it lies within the limit of its mean. */
static bool is_steady(const struct wk_change *change, const struct wk_change_phase *phase)
{
    if (phase->filled < change->config.values) {
        return false;
    }
    const int32_t mean_mv = mean_of(change, phase) - change->config.nominal_mv;
    const int32_t limit_mv = change->open ? change->reduced_mv : change->threshold_mv;
    return phase->most * change->step_mv - mean_mv <= limit_mv &&
           mean_mv - phase->least * change->step_mv <= limit_mv;
}

bool wk_change_take(struct wk_change *change, uint8_t phase, int32_t urms_mv,
                    uint64_t begin_q16, uint64_t end_q16, struct wk_change_event *event)
{
    if (phase >= WK_RECORD_PHASES || (change->present & (1U << phase)) == 0) {
        return false;
    }
    struct wk_change_phase *now = &change->phase[phase];
    const bool was = now->steady;
    const int32_t before_mv = now->filled > 0 ? mean_of(change, now) : urms_mv;
    put(now, change->config.values, steps_of(change, urms_mv));
    now->steady = is_steady(change, now);
    if (was && !now->steady) {
        if (!change->open) {
            open_change(change, begin_q16);
        }
        now->mean_mv = (change->phases & (1U << phase)) == 0 ? before_mv : now->mean_mv;
        now->known = true;
        change->phases |= (uint8_t)(1U << phase);
    }
    if ((change->phases & (1U << phase)) != 0 && change->open) {
        const int32_t off_mv = distance(urms_mv, now->mean_mv);
        now->max_mv = off_mv > now->max_mv ? off_mv : now->max_mv;
    }
    if (!change->open) {
        return false;
    }
    if (!was && now->steady) {
        /* The ring was filled from there on. */
        const uint64_t back = (end_q16 - begin_q16) / 2 * change->config.values;
        const uint64_t calm_q16 = end_q16 > back ? end_q16 - back : 0;
        change->calm_q16 = calm_q16 > change->calm_q16 ? calm_q16 : change->calm_q16;
    }
    return all_steady(change) && close_change(change, event);
}

void wk_change_spoil(struct wk_change *change)
{
    change->spoilt = true;
}

void wk_change_gap(struct wk_change *change)
{
    change->open = false;
    change->spoilt = false;
    memset(change->phase, 0, sizeof change->phase);
}
