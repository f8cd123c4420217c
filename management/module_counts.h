/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_counts - carries what the rooms of a meter find to management/counts. Private
 * to the module; without counts nothing is done. */
#ifndef WK_MANAGEMENT_MODULE_COUNTS_H
#define WK_MANAGEMENT_MODULE_COUNTS_H

#include "management/module.h"

/** Counting begins with the first window. */
void wk_module_counts_begin(struct wk_module *module);

/** An event of metrology. */
void wk_module_counts_record(struct wk_module *module, const struct wk_record *record);

/** Metrology was away until `back_us`, UTC. */
void wk_module_counts_away(struct wk_module *module, int64_t back_us, int64_t away_us);

/** What a step of tamper detection found of one of its latches. */
void wk_module_counts_tamper(struct wk_module *module, uint8_t latch,
                             struct wk_tamper_edges edges, int64_t utc_s);

/** An entry of an event log, before storm control. */
void wk_module_counts_note(struct wk_module *module, int64_t now_us, uint16_t code);

#endif
