/* SPDX-License-Identifier: Apache-2.0
 *
 * management/shown - the set of quantities that people look at, without impulses.
 *
 * A display, the local page and other live views show the newest window, unless it stands out
 * from the last five (Hampel's rule: a quantity is further from their median than three median
 * deviations, and than 1 % of it). Then they go on to show the window before. What is shown is so
 * always a whole measured window, whose U, I, P, Q, S and PF belong together. A change that
 * stays is shown with its third window at the latest, 0.4 s late.
 *
 * Only what is shown passes here. Registers, profiles, events and the instantaneous values that
 * DLMS reads (IEC 61000-4-30 class A allows no smoothing) take every window as it is.
 *
 * Context: one thread. */
#ifndef WK_MANAGEMENT_SHOWN_H
#define WK_MANAGEMENT_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"

#define WK_SHOWN_WINDOWS    5
#define WK_SHOWN_QUANTITIES (4 * WK_RECORD_PHASES + 2)
#define WK_SHOWN_REJECTED   2 /* windows in a row that may be passed over */

/* All zero at the begin. */
struct wk_shown {
    struct wk_record record; /* what to show; kind 0: nothing yet */
    int32_t value[WK_SHOWN_QUANTITIES][WK_SHOWN_WINDOWS]; /* a ring per quantity */
    uint8_t next;
    uint8_t count;
    uint8_t rejected; /* windows passed over since record; 0: it is the newest */
};

/** Takes a record of kind WINDOW. A window after a gap of the feed or a start of metrology
 *  begins anew: what was before it says nothing about now. */
void wk_shown_take(struct wk_shown *shown, const struct wk_record *record);

#endif
