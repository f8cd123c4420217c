/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/wiring_layout - how inputs may be connected, and what voltages they then show. For
 * metrology/wiring_fit only. */
#ifndef WK_METROLOGY_WIRING_LAYOUT_H
#define WK_METROLOGY_WIRING_LAYOUT_H

#include "metrology/wiring_fit.h"

/** Everything where it belongs. */
struct wk_wiring_layout wk_wiring_layout_right(void);
/** Adds a fault; there must be room for it. */
void wk_wiring_layout_apply(struct wk_wiring_layout *layout,
                            const struct wk_wiring_finding *fault);
/** A number that is equal for layouts that differ by the names of the phases only. */
uint32_t wk_wiring_layout_key(const struct wk_wiring_layout *layout);
/** Whether a voltage input shows anything. */
bool wk_wiring_layout_connected(const struct wk_wiring_layout *layout, int input);
bool wk_wiring_layout_ratio_right(const struct wk_wiring_layout *layout, int input);
/** The potential of a conductor when that of L1 is 1. */
struct wk_wiring_complex wk_wiring_layout_potential(uint8_t conductor, int8_t rotation);
/** Finds the phasor of L1; false if the voltages cannot come from this layout. */
bool wk_wiring_layout_fit(const struct wk_wiring_seen *seen,
                          const struct wk_wiring_layout *layout, struct wk_wiring_fit *fit);

#endif
