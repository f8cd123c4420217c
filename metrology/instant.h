/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/instant - the instantaneous values of every cycle, for who wants to see them at once.
 *
 * Every cycle of the chain's oscillator gives one set, by the arithmetic of windows
 * (metrology/quantity) from the sums the chain has anyway: it costs nothing per sample, and a
 * chain that nobody looks at links none of it. Sets are shown, never billed: who looks too
 * seldom misses some and is told so by their number. Memory: 0.1 kB. */
#ifndef WK_METROLOGY_INSTANT_H
#define WK_METROLOGY_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/chain.h"
#include "metrology/record.h"

/* One cycle, from rising mark to rising mark. Units and signs are those of wk_record_window. */
struct wk_instant_values {
    uint64_t number; /* of the cycle, 1 for the first that was looked at */
    int64_t t_us;    /* UTC of its end, microseconds since 1970 */
    int64_t span_us; /* its length */
    int32_t frequency_uhz;
    uint8_t phases; /* 1 or 3 */
    uint8_t reserved[3];
    int32_t u_mv[WK_RECORD_PHASES + 1]; /* true rms; [3] = neutral */
    int32_t pf_e6[WK_RECORD_PHASES];
    int64_t i_ua[WK_RECORD_PHASES + 1];
    int64_t p_mw[WK_RECORD_PHASES];
    int64_t q1_mvar[WK_RECORD_PHASES]; /* of the fundamental */
};

struct wk_instant {
    uint64_t at_q16;              /* the mark that was seen last */
    int64_t ui[WK_RECORD_PHASES]; /* products of the first half cycle */
    bool has_first;
    uint64_t number;
};

void wk_instant_init(struct wk_instant *instant);

/** Looks at a chain, after a wk_chain_feed of less than half a cycle. True: a cycle ended since the
 *  last look, and `values` has it. False: none did, or more than half of one was fed between two
 *  looks; `values` is not touched. */
bool wk_instant_look(struct wk_instant *instant, const struct wk_chain *chain,
                     struct wk_instant_values *values);

#endif
