/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/creep - starting current and no-load condition (IEC 62053-21, -22: 8.3, 8.4).
 *
 * A phase advances its registers while the fundamental of its current, averaged over about ten
 * seconds, is above the threshold; the fundamental, because offsets and noise are none. The
 * threshold belongs at 0.5 to 0.8 of the starting current of the class. It stops a fifth below
 * it, so that a load at the threshold does not flutter. */
#ifndef WK_METROLOGY_CREEP_H
#define WK_METROLOGY_CREEP_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"

struct wk_creep {
    int64_t start_ua; /* threshold, rms; 0 = none: registers always advance */
    bool known[WK_RECORD_PHASES];
    bool running[WK_RECORD_PHASES];
    int64_t mean_ua_q6[WK_RECORD_PHASES];
};

void wk_creep_init(struct wk_creep *creep, int64_t start_ua);

/** Takes the fundamental current of a window; whether the phase's registers advance. */
bool wk_creep_step(struct wk_creep *creep, int phase, int64_t i1_ua);

#endif
