/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/instant.h"

#include <string.h>

#include "metrology/quantity.h"
#include "metrology/window.h"

void wk_instant_init(struct wk_instant *instant)
{
    *instant = (struct wk_instant){0};
}

static void add_products(const struct wk_cycle *cycle, int64_t ui[WK_RECORD_PHASES])
{
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        ui[phase] += wk_cycle_product(cycle, &cycle->half, phase);
    }
}

/* The sums and phasors of the last two half cycles, as if they were a window. */
static void gather(const struct wk_chain *chain, const int64_t ui[WK_RECORD_PHASES],
                   struct wk_window_sums *sums, struct wk_window_phasors *phasors)
{
    *sums = (struct wk_window_sums){0};
    for (int s = 0; s < WK_SAMPLE_SLOTS; s++) {
        struct wk_window_cycle cycle;
        wk_window_last_cycle(&chain->window, s, &cycle);
        sums->frames_q16 = cycle.frames_q16;
        sums->x[s] = cycle.x;
        sums->xx[s] = cycle.xx;
        phasors->phasor[s] = cycle.phasor;
    }
    phasors->frames_q16 = sums->frames_q16;
    memcpy(sums->ui, ui, sizeof sums->ui);
}

static void fill(const struct wk_instant *instant, const struct wk_chain *chain,
                 struct wk_instant_values *values)
{
    struct wk_window_sums sums;
    struct wk_window_phasors phasors;
    struct wk_quantity_raw unused;
    struct wk_record_window window = {0};
    gather(chain, instant->ui, &sums, &phasors);
    wk_quantity_fill(&chain->quantity, &sums, &phasors, chain->cycle.step, &window, &unused);
    const uint64_t begin_q16 = chain->at_q16 - (uint64_t)sums.frames_q16;
    *values = (struct wk_instant_values){
        .number = instant->number,
        .t_us = wk_chain_time_us(chain, chain->at_q16),
        .frequency_uhz = window.frequency_uhz,
        .phases = window.phases,
    };
    values->span_us = values->t_us - wk_chain_time_us(chain, begin_q16);
    memcpy(values->u_mv, window.u_mv, sizeof values->u_mv);
    memcpy(values->i_ua, window.i_ua, sizeof values->i_ua);
    memcpy(values->p_mw, window.p_mw, sizeof values->p_mw);
    memcpy(values->q1_mvar, window.q1_mvar, sizeof values->q1_mvar);
    memcpy(values->pf_e6, window.pf_e6, sizeof values->pf_e6);
}

bool wk_instant_look(struct wk_instant *instant, const struct wk_chain *chain,
                     struct wk_instant_values *values)
{
    const struct wk_cycle *cycle = &chain->cycle;
    if (chain->at_q16 == instant->at_q16) {
        return false;
    }
    const bool abuts = chain->half_begin_q16 == instant->at_q16;
    instant->at_q16 = chain->at_q16;
    if (cycle->odd) { /* the first half of a cycle has just ended */
        memset(instant->ui, 0, sizeof instant->ui);
        add_products(cycle, instant->ui);
        instant->has_first = true;
        return false;
    }
    instant->number++;
    if (!instant->has_first || !abuts) {
        instant->has_first = false;
        return false;
    }
    instant->has_first = false;
    add_products(cycle, instant->ui);
    fill(instant, chain, values);
    return true;
}
