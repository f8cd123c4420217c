/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/guard - what cannot have been measured never enters a register.
 *
 * Four guards watch the channels: saturation (counts at the end of the range), no value (the
 * front end delivered none), implausible (rms beyond what the installation can carry) and stuck
 * (one count for a whole window, away from zero). A window touched by one of the first three is
 * withheld: its energies go to wk_record_window.withheld instead of the registers, so that what
 * was seen is neither billed nor lost. A stuck channel has no alternating part and so no energy;
 * it is only reported.
 *
 * Each guard reports its begin at the half cycle that showed it, and its end after a whole
 * window without it. */
#ifndef WK_METROLOGY_GUARD_H
#define WK_METROLOGY_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"
#include "metrology/window.h"

typedef enum wk_guard_kind {
    WK_GUARD_SATURATION = 0,
    WK_GUARD_NO_VALUE,
    WK_GUARD_IMPLAUSIBLE,
    WK_GUARD_STUCK,
    WK_GUARD_KINDS
} wk_guard_kind;

struct wk_guard_config {
    int32_t u_max_mv; /* largest rms that can be there; 0 = not watched */
    int64_t i_max_ua;
};

/* A begin or an end; positions are samples from the start, Q16. */
struct wk_guard_event {
    wk_record_event_kind kind;
    uint8_t channels; /* bit per slot */
    uint32_t samples; /* concerned so far; 0 where samples are not counted */
    uint64_t begin_q16;
    uint64_t end_q16;
};

struct wk_guard_watch {
    bool open;
    bool seen; /* in the window under way */
    uint8_t channels;
    uint32_t samples;
    uint64_t begin_q16;
    uint64_t last_q16;
};

struct wk_guard {
    struct wk_guard_config config;
    struct wk_guard_watch watch[WK_GUARD_KINDS];
};

/** WK_E_RANGE: a limit is negative. */
WK_MUST_USE wk_err wk_guard_init(struct wk_guard *guard, const struct wk_guard_config *config);

/** A guard saw `channels` (0: nothing) between two positions; true: it begins, `event` says so. */
bool wk_guard_see(struct wk_guard *guard, wk_guard_kind kind, const struct wk_cycle_bad *bad,
                  uint64_t from_q16, uint64_t to_q16, struct wk_guard_event *event);

/** At the end of a window: channels whose rms is implausible, and those that are stuck. */
uint8_t wk_guard_implausible(const struct wk_guard *guard,
                             const struct wk_record_window *window);
uint8_t wk_guard_stuck(const struct wk_window_sums *sums, const struct wk_sample_map *map);

/** Whether the window under way must be withheld. */
bool wk_guard_withholds(const struct wk_guard *guard);

/** A whole window ends: fills the guards that end with it, returns how many. */
uint8_t wk_guard_close(struct wk_guard *guard, struct wk_guard_event events[WK_GUARD_KINDS]);

#endif
