/* SPDX-License-Identifier: Apache-2.0
 *
 * management/latch - a condition that must last before it counts, and must be gone for a time
 * before it ends.
 *
 * Time is counted in the spans of windows that abut: a condition seen before and after a gap
 * has not lasted through the gap. Between `set` and `clear` lies the hysteresis: neither holds,
 * and the latch stays as it is. */
#ifndef WK_MANAGEMENT_LATCH_H
#define WK_MANAGEMENT_LATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WK_LATCH_SPAN_US INT64_C(10000000) /* most that one step counts */

typedef enum wk_latch_edge {
    WK_LATCH_STAYS = 0,
    WK_LATCH_BEGINS,
    WK_LATCH_ENDS,
} wk_latch_edge;

struct wk_latch {
    int64_t run_us; /* how long what would turn it has lasted */
    bool on;
};

/* How long a condition must last; 0 = one window. */
struct wk_latch_time {
    int64_t on_us;
    int64_t off_us;
};

/** One window of `span_us` in which the condition was there (`set`), was gone (`clear`), or
 *  neither. If both are given, `set` counts. */
wk_latch_edge wk_latch_step(struct wk_latch *latch, bool set, bool clear,
                            const struct wk_latch_time *time, int64_t span_us);

/** After a gap: what had lasted begins anew. */
void wk_latch_pause(struct wk_latch *latch);

#endif
