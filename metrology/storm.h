/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/storm - lets the first occurrences through, and few of a storm.
 *
 * A number of them may come at once; each one used up comes back after a while. What is left out
 * is counted. */
#ifndef WK_METROLOGY_STORM_H
#define WK_METROLOGY_STORM_H

#include <stdbool.h>
#include <stdint.h>

struct wk_storm {
    uint8_t most;
    uint8_t left;
    int64_t refill_us; /* time after which one comes back */
    int64_t since_us;  /* one came back, or the first was used */
    uint32_t left_out;
};

void wk_storm_init(struct wk_storm *storm, uint8_t most, int64_t refill_us);

/** Whether an occurrence at now_us may pass. Time may not run back. */
bool wk_storm_pass(struct wk_storm *storm, int64_t now_us);

/** How many were left out since last asked. */
uint32_t wk_storm_take_left_out(struct wk_storm *storm);

#endif
