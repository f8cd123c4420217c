/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_report - what `wk measure` prints: windows, events, totals, as JSON lines or as text.
 */
#ifndef WK_APP_WK_REPORT_H
#define WK_APP_WK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/chain.h"

struct wk_report {
    bool json;
    int64_t start_us;
    int64_t end_us;                  /* of the last window */
    const struct wk_sample_map *map; /* what is metered */
    struct wk_record_energy energy[WK_RECORD_PHASES];
};

/** A sink of the chain: prints a record and adds its energies. */
wk_err wk_report_take(void *self, const struct wk_record *record);
/** Events that are still going on when the recording ends. */
void wk_report_open_events(const struct wk_report *report, const struct wk_chain *chain);
void wk_report_totals(const struct wk_report *report);

#endif
