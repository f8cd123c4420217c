/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/frequency.h"

#include "base/wide.h"

#define TURN_Q32   (INT64_C(1) << 32)
#define TURN_MDEG  360000
#define LONGEST_US INT64_C(1000000) /* between two windows */

void wk_frequency_init(struct wk_frequency *frequency)
{
    *frequency = (struct wk_frequency){0};
}

void wk_frequency_gap(struct wk_frequency *frequency)
{
    frequency->primed = false;
    frequency->counted = false;
}

/* The phase nearest to `expected` whose part of a turn is `turn`. */
static int64_t unwrapped(uint32_t turn, int64_t expected_q32)
{
    return expected_q32 + (int32_t)(turn - (uint32_t)expected_q32);
}

static struct wk_frequency_anchor anchor_of(const struct wk_frequency *frequency,
                                            const struct wk_record_window *window,
                                            int64_t begin_us)
{
    const uint32_t turn = (uint32_t)(window->reference_mdeg * TURN_Q32 / TURN_MDEG);
    if (!frequency->primed) {
        return (struct wk_frequency_anchor){.t_us = begin_us, .turn_q32 = turn};
    }
    const int64_t elapsed_us = begin_us - frequency->last.t_us;
    /* 10^-6 Hz * 10^-6 s = 10^-12 turns */
    const int64_t ahead = wk_i128_ratio(elapsed_us * window->frequency_uhz, TURN_Q32 / 4096, 0,
                                        INT64_C(1000000000000) / 4096);
    return (struct wk_frequency_anchor){
        .t_us = begin_us,
        .turn_q32 = unwrapped(turn, frequency->last.turn_q32 + ahead),
    };
}

/* When the phase is a whole number of turns: the last time before a place between two anchors,
 * and the next one. */
static void find_crossings(const struct wk_frequency_anchor *a,
                           const struct wk_frequency_anchor *b, int64_t turns,
                           int64_t crossing_us[2])
{
    for (int k = 0; k < 2; k++) {
        crossing_us[k] =
            a->t_us + wk_i128_ratio((turns + k) * TURN_Q32 - a->turn_q32, b->t_us - a->t_us, 0,
                                    b->turn_q32 - a->turn_q32);
    }
}

static bool is_usable(const struct wk_frequency *frequency, const struct wk_record *window)
{
    const uint32_t bad = WK_RECORD_FREE_RUN | WK_RECORD_ACQUIRING | WK_RECORD_FEED_GAP;
    return (window->flags & bad) == 0 &&
           (!frequency->primed || frequency->reference == window->window.reference);
}

/* An end of an interval between two anchors: ends the one, begins the next. */
static bool pass_tick(struct wk_frequency *frequency, const struct wk_frequency_anchor *next,
                      struct wk_record *record)
{
    const struct wk_frequency_anchor *last = &frequency->last;
    const int64_t tick_us = frequency->tick_us;
    const int64_t turn_q32 =
        last->turn_q32 + wk_i128_ratio(tick_us - last->t_us, next->turn_q32 - last->turn_q32, 0,
                                       next->t_us - last->t_us);
    const int64_t before = turn_q32 >> 32;
    int64_t crossing_us[2];
    find_crossings(last, next, before, crossing_us);
    const bool complete = frequency->counted && before > frequency->first_turn;
    if (complete) {
        const int64_t cycles = before - frequency->first_turn;
        const int64_t span_us = crossing_us[0] - frequency->first_us;
        *record = (struct wk_record){
            .kind = WK_RECORD_FREQUENCY,
            .t_us = tick_us,
            .span_us = WK_FREQUENCY_SPAN_US,
            .frequency = {.f_uhz = (int32_t)wk_i128_ratio(cycles, INT64_C(1000000000000), 0,
                                                          span_us),
                          .cycles = (uint32_t)cycles},
        };
    }
    frequency->first_turn = before + 1;
    frequency->first_us = crossing_us[1];
    frequency->counted = true;
    frequency->tick_us += WK_FREQUENCY_SPAN_US;
    return complete;
}

bool wk_frequency_take(struct wk_frequency *frequency, const struct wk_record *window,
                       int64_t begin_us, struct wk_record *record)
{
    if (!is_usable(frequency, window)) {
        wk_frequency_gap(frequency);
        return false;
    }
    struct wk_frequency_anchor next = anchor_of(frequency, &window->window, begin_us);
    const int64_t tick_us = (begin_us / WK_FREQUENCY_SPAN_US + 1) * WK_FREQUENCY_SPAN_US;
    bool ended = false;
    if (!frequency->primed || begin_us - frequency->last.t_us > LONGEST_US ||
        begin_us <= frequency->last.t_us) {
        frequency->counted = false;
        frequency->tick_us = tick_us;
    } else if (begin_us >= frequency->tick_us) {
        ended = pass_tick(frequency, &next, record);
        /* so that phases stay small */
        next.turn_q32 -= frequency->first_turn * TURN_Q32;
        frequency->first_turn = 0;
    }
    frequency->primed = true;
    frequency->reference = window->window.reference;
    frequency->last = next;
    return ended;
}
