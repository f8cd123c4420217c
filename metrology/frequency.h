/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/frequency - the frequency of clock intervals of 10 s (IEC 61000-4-30 Ed. 3, 5.1).
 *
 * The whole cycles within an interval over their duration. Each window tells the phase of the
 * fundamental at its begin; between two of them the phase runs on evenly, which gives the zero
 * crossings next to the ticks of ten seconds. Harmonics do not matter, because the phase is that
 * of the fundamental alone. */
#ifndef WK_METROLOGY_FREQUENCY_H
#define WK_METROLOGY_FREQUENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"

#define WK_FREQUENCY_SPAN_US INT64_C(10000000)

struct wk_frequency_anchor {
    int64_t t_us;
    int64_t turn_q32; /* phase, unwrapped */
};

struct wk_frequency {
    bool primed;  /* `last` holds */
    bool counted; /* `first` holds: the interval is covered from its begin */
    uint8_t reference;
    int64_t tick_us;  /* end of the interval under way */
    int64_t first_us; /* its first crossing */
    int64_t first_turn;
    struct wk_frequency_anchor last;
};

void wk_frequency_init(struct wk_frequency *frequency);

/** Takes the record of a window whose block begins at begin_us. True if an interval ended that
 *  was covered from its begin: `record` is filled but for seq and epoch. */
bool wk_frequency_take(struct wk_frequency *frequency, const struct wk_record *window,
                       int64_t begin_us, struct wk_record *record);

/** Samples are missing, or there is no UTC any more: the interval under way is given up. */
void wk_frequency_gap(struct wk_frequency *frequency);

#endif
