/* SPDX-License-Identifier: Apache-2.0
 *
 * management/event_storm - keeps a storm of one event from washing all others out of a log.
 *
 * Events are told apart by code and detail. The first of each, and the next ones up to
 * WK_EVENT_STORM_MOST within WK_EVENT_STORM_US, are logged as they come; what follows within that
 * time is counted, and the count is logged when the time is over (WK_EVENT_REPEATED: value =
 * code, more = how many). A first occurrence is never dropped: where there is no slot left for
 * it, it is logged without one.
 *
 * Counts of a storm under way do not outlive a power cut; what was logged does. */
#ifndef WK_MANAGEMENT_EVENT_STORM_H
#define WK_MANAGEMENT_EVENT_STORM_H

#include <stdbool.h>
#include <stdint.h>

#define WK_EVENT_STORM_SLOTS 24
#define WK_EVENT_STORM_MOST  16
#define WK_EVENT_STORM_US    INT64_C(600000000) /* ten minutes */

struct wk_event_storm_slot {
    uint16_t code; /* 0 = free */
    uint8_t detail;
    uint8_t logged;
    uint32_t dropped;
    int64_t begin_us;
};

struct wk_event_storm {
    struct wk_event_storm_slot slot[WK_EVENT_STORM_SLOTS];
};

/** Whether an event at metrology's time `t_us` is to be logged. */
bool wk_event_storm_admit(struct wk_event_storm *storm, uint16_t code, uint8_t detail,
                          int64_t t_us);

/* A count to be logged. */
struct wk_event_storm_count {
    uint16_t code;
    uint8_t detail;
    uint32_t dropped;
};

/** Frees slots whose time is over; true if one had dropped events: `count` is filled then. To be
 *  called again until it is false. */
bool wk_event_storm_end(struct wk_event_storm *storm, int64_t t_us,
                        struct wk_event_storm_count *count);

#endif
