/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/balance.h"

#include <string.h>

#define PPM          1000000
#define US_PER_HOUR  INT64_C(3600000000)
#define SHARE        255
#define STEADY_MOST  16     /* windows that the mean of a steady level remembers */
#define SAME_PERCENT 12     /* steps of one load differ by less ... */
#define SAME_MW      35000  /* ... or by less than this */
#define WITHIN_US    600000 /* steps of a three-phase load lie this close */
#define UNPOWERED    70 /* percent: a phase with less power than this of a load: it is off */
#define FLAGS_OF_NO_USE                                                                        \
    (WK_RECORD_SHORT | WK_RECORD_FREE_RUN | WK_RECORD_CLIPPED | WK_RECORD_FEED_GAP)

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* ---- indices ----------------------------------------------------------------------------- */

/* Largest departure of three from their mean, times three. */
static int64_t departure(const int64_t value[WK_BALANCE_PHASES])
{
    const int64_t sum = value[0] + value[1] + value[2];
    int64_t most = 0;
    for (int k = 0; k < WK_BALANCE_PHASES; k++) {
        const int64_t off = magnitude(3 * value[k] - sum);
        most = off > most ? off : most;
    }
    return most;
}

static int32_t ratio_ppm(int64_t part, int64_t whole)
{
    if (whole <= 0) {
        return 0;
    }
    const int64_t ppm = part > INT64_MAX / PPM ? part / whole * PPM : part * PPM / whole;
    return (int32_t)(ppm > INT32_MAX ? INT32_MAX : ppm);
}

struct wk_balance_index wk_balance_index_of(const struct wk_record_window *window)
{
    const int64_t p = window->p_mw[0] + window->p_mw[1] + window->p_mw[2];
    const int64_t i = window->i_ua[0] + window->i_ua[1] + window->i_ua[2];
    return (struct wk_balance_index){
        .power_ppm = ratio_ppm(departure(window->p_mw), magnitude(p)),
        .current_ppm = ratio_ppm(departure(window->i_ua), i),
    };
}

/* ---- loads ------------------------------------------------------------------------------- */

static bool alike(int64_t a, int64_t b)
{
    const int64_t off = magnitude(magnitude(a) - magnitude(b));
    const int64_t larger = magnitude(a) > magnitude(b) ? magnitude(a) : magnitude(b);
    return off < SAME_MW || off * 100 < larger * SAME_PERCENT;
}

/* The load of this phase and size that is on (or off) and fits best; NONE if none does. */
static int find_load(const struct wk_balance *balance, const struct wk_balance_step *step,
                     bool on)
{
    int best = WK_BALANCE_NONE;
    int64_t least = INT64_MAX;
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const struct wk_balance_load *load = &balance->load[n];
        const int64_t off = magnitude(magnitude(step->p_mw) - load->p_mw) +
                            magnitude(magnitude(step->q_mvar) - magnitude(load->q_mvar));
        if (load->used && load->on == on && load->phase == step->phase &&
            alike(step->p_mw, load->p_mw) && alike(step->q_mvar, load->q_mvar) && off < least) {
            best = n;
            least = off;
        }
    }
    return best;
}

/* A free place, or that of the load with least energy that is off. */
static int find_room(const struct wk_balance *balance)
{
    int best = WK_BALANCE_NONE;
    int64_t least = INT64_MAX;
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const struct wk_balance_load *load = &balance->load[n];
        if (!load->used) {
            return n;
        }
        if (!load->on && load->energy_mwh < least) {
            best = n;
            least = load->energy_mwh;
        }
    }
    return best;
}

static void forget_history(struct wk_balance *balance, int load)
{
    balance->slot_on_us[load] = 0;
    for (int s = 0; s < WK_BALANCE_SLOTS; s++) {
        balance->share[s][load] = 0;
    }
}

static void switch_on(struct wk_balance *balance, const struct wk_balance_step *step)
{
    int n = find_load(balance, step, false);
    if (n == WK_BALANCE_NONE) {
        n = find_room(balance);
        if (n == WK_BALANCE_NONE) {
            return;
        }
        balance->load[n] = (struct wk_balance_load){
            .used = true, .phase = step->phase, .p_mw = step->p_mw, .q_mvar = step->q_mvar};
        forget_history(balance, n);
    }
    struct wk_balance_load *load = &balance->load[n];
    load->p_mw += (step->p_mw - load->p_mw) / 4;
    load->q_mvar += (step->q_mvar - load->q_mvar) / 4;
    load->times++;
    load->on = true;
    load->seen_us = step->t_us;
}

static void switch_off(struct wk_balance *balance, const struct wk_balance_step *step)
{
    const int n = find_load(balance, step, true);
    if (n != WK_BALANCE_NONE) {
        balance->load[n].on = false;
        balance->load[n].seen_us = step->t_us;
    }
}

static void commit(struct wk_balance *balance, const struct wk_balance_step *step)
{
    balance->step[balance->steps++ % WK_BALANCE_STEPS] = *step;
    if (step->p_mw > 0) {
        switch_on(balance, step);
    } else {
        switch_off(balance, step);
    }
}

/* Time passes for the loads that are on; one whose phase has not its power any more is off,
 * though the step was missed. */
static void pass_time(struct wk_balance *balance, const struct wk_record_window *window,
                      int64_t span_us)
{
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        struct wk_balance_load *load = &balance->load[n];
        if (!load->used || !load->on) {
            continue;
        }
        if (window->p_mw[load->phase] * 100 < load->p_mw * UNPOWERED) {
            load->on = balance->watch[load->phase].next.windows != 0 ||
                       balance->watch[load->phase].age != 0;
            continue;
        }
        load->on_us += span_us;
        load->energy_mwh = load->on_us / 1000 * load->p_mw / (US_PER_HOUR / 1000);
        balance->slot_on_us[n] += span_us;
    }
}

/* ---- steps ------------------------------------------------------------------------------- */

static bool near(const struct wk_balance_level *level, int64_t p_mw, int64_t q_mvar)
{
    const int64_t room = WK_BALANCE_LEAST_MW / 2 + magnitude(level->p_mw) / 100;
    return magnitude(p_mw - level->p_mw) < room && magnitude(q_mvar - level->q_mvar) < 2 * room;
}

static void join(struct wk_balance_level *level, int64_t p_mw, int64_t q_mvar)
{
    if (level->windows < STEADY_MOST) {
        level->windows++;
    }
    level->p_mw += (p_mw - level->p_mw) / level->windows;
    level->q_mvar += (q_mvar - level->q_mvar) / level->windows;
}

static struct wk_balance_level level_of(int64_t p_mw, int64_t q_mvar)
{
    return (struct wk_balance_level){.p_mw = p_mw, .q_mvar = q_mvar, .windows = 1};
}

/* The change has come to rest: the step is kept until the other phases had their time. */
static void settle(struct wk_balance *balance, int phase)
{
    struct wk_balance_watch *watch = &balance->watch[phase];
    const int64_t p_mw = watch->next.p_mw - watch->steady.p_mw;
    const int64_t q_mvar = watch->next.q_mvar - watch->steady.q_mvar;
    if (magnitude(p_mw) >= WK_BALANCE_LEAST_MW) {
        if (watch->age != 0) {
            commit(balance, &watch->pending);
        }
        watch->pending = (struct wk_balance_step){
            .t_us = watch->begin_us, .p_mw = p_mw, .q_mvar = q_mvar, .phase = (uint8_t)phase};
        watch->age = 1;
    }
    watch->steady = watch->next;
    watch->next.windows = 0;
}

static void follow(struct wk_balance *balance, int phase, const struct wk_record *record)
{
    struct wk_balance_watch *watch = &balance->watch[phase];
    const int64_t p_mw = record->window.p_mw[phase];
    const int64_t q_mvar = record->window.q1_mvar[phase];
    if (watch->steady.windows == 0) {
        watch->steady = level_of(p_mw, q_mvar);
        return;
    }
    if (near(&watch->steady, p_mw, q_mvar)) {
        join(&watch->steady, p_mw, q_mvar);
        watch->next.windows = 0;
        return;
    }
    if (watch->next.windows == 0) {
        watch->begin_us = record->t_us;
    }
    if (watch->next.windows != 0 && near(&watch->next, p_mw, q_mvar)) {
        join(&watch->next, p_mw, q_mvar);
    } else {
        watch->next = level_of(p_mw, q_mvar);
    }
    if (watch->next.windows >= WK_BALANCE_SETTLE) {
        settle(balance, phase);
    }
}

static bool together(const struct wk_balance_watch *a, const struct wk_balance_watch *b)
{
    return a->age != 0 && b->age != 0 &&
           magnitude(a->pending.t_us - b->pending.t_us) <= WITHIN_US &&
           (a->pending.p_mw > 0) == (b->pending.p_mw > 0) &&
           alike(a->pending.p_mw, b->pending.p_mw);
}

/* Steps that have waited: those that two or more phases share belong to a three-phase load. */
static void ripen(struct wk_balance *balance)
{
    for (int k = 0; k < WK_BALANCE_PHASES; k++) {
        struct wk_balance_watch *watch = &balance->watch[k];
        struct wk_balance_watch *left = &balance->watch[(k + 1) % WK_BALANCE_PHASES];
        struct wk_balance_watch *right = &balance->watch[(k + 2) % WK_BALANCE_PHASES];
        if (watch->age == 0 || watch->age++ < WK_BALANCE_WAIT) {
            continue;
        }
        if (together(watch, left) && together(watch, right)) {
            balance->three_phase++;
            left->age = 0;
            right->age = 0;
        } else {
            commit(balance, &watch->pending);
        }
        watch->age = 0;
    }
}

/* ---- history ----------------------------------------------------------------------------- */

static void close_slot(struct wk_balance *balance)
{
    const uint32_t at = balance->slots++ % WK_BALANCE_SLOTS;
    for (int k = 0; k < WK_BALANCE_PHASES; k++) {
        const int64_t mean_w = balance->slot_mwus[k] / balance->slot_us;
        balance->mean_w[at][k] = (int32_t)(mean_w > INT32_MAX    ? INT32_MAX
                                           : mean_w < -INT32_MAX ? -INT32_MAX
                                                                 : mean_w);
        balance->slot_mwus[k] = 0;
    }
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const int64_t share = balance->slot_on_us[n] * SHARE / balance->slot_us;
        balance->share[at][n] = (uint8_t)(share > SHARE ? SHARE : share);
        balance->slot_on_us[n] = 0;
    }
    balance->slot_us = 0;
}

void wk_balance_init(struct wk_balance *balance)
{
    memset(balance, 0, sizeof *balance);
}

bool wk_balance_add(struct wk_balance *balance, const struct wk_record *record)
{
    const struct wk_record_window *window = &record->window;
    if (record->kind != WK_RECORD_WINDOW || window->phases != WK_BALANCE_PHASES ||
        (record->flags & FLAGS_OF_NO_USE) != 0 || record->span_us <= 0) {
        return false;
    }
    balance->index = wk_balance_index_of(window);
    for (int k = 0; k < WK_BALANCE_PHASES; k++) {
        follow(balance, k, record);
        balance->slot_mwus[k] += window->p_mw[k] / 1000 * record->span_us;
    }
    ripen(balance);
    pass_time(balance, window, record->span_us);
    balance->slot_us += record->span_us;
    if (balance->slot_us >= WK_BALANCE_SLOT_US) {
        close_slot(balance);
    }
    return true;
}

/* ---- the move ---------------------------------------------------------------------------- */

static uint32_t slots_held(const struct wk_balance *balance)
{
    return balance->slots < WK_BALANCE_SLOTS ? balance->slots : WK_BALANCE_SLOTS;
}

/* Mean imbalance if a load were on another phase; load NONE: as it is. */
static int32_t mean_if(const struct wk_balance *balance, int load, int to)
{
    int64_t departures = 0;
    int64_t sums = 0;
    for (uint32_t s = 0; s < slots_held(balance); s++) {
        int64_t p_w[WK_BALANCE_PHASES];
        for (int k = 0; k < WK_BALANCE_PHASES; k++) {
            p_w[k] = balance->mean_w[s][k];
        }
        if (load != WK_BALANCE_NONE) {
            const struct wk_balance_load *moved = &balance->load[load];
            const int64_t part_w = moved->p_mw * balance->share[s][load] / SHARE / 1000;
            p_w[moved->phase] -= part_w;
            p_w[to] += part_w;
        }
        departures += departure(p_w);
        sums += magnitude(p_w[0] + p_w[1] + p_w[2]);
    }
    return ratio_ppm(departures, sums);
}

int32_t wk_balance_mean_ppm(const struct wk_balance *balance)
{
    return mean_if(balance, WK_BALANCE_NONE, 0);
}

void wk_balance_recommend(const struct wk_balance *balance, struct wk_balance_move *move)
{
    *move = (struct wk_balance_move){.load = WK_BALANCE_NONE};
    move->before_ppm = wk_balance_mean_ppm(balance);
    move->after_ppm = move->before_ppm;
    for (int n = 0; n < WK_BALANCE_LOADS; n++) {
        const struct wk_balance_load *load = &balance->load[n];
        for (int to = 0; load->used && to < WK_BALANCE_PHASES; to++) {
            const int32_t after = to != load->phase ? mean_if(balance, n, to) : INT32_MAX;
            if (after < move->after_ppm) {
                move->after_ppm = after;
                move->load = (uint8_t)n;
                move->from = load->phase;
                move->to = (uint8_t)to;
            }
        }
    }
    move->worth = move->before_ppm - move->after_ppm >= WK_BALANCE_WORTH_PPM;
}
