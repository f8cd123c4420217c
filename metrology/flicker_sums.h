/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/flicker_sums - what metrology/flicker does with every sample.
 *
 * flicker_sums4 does it for all voltages at once in the vector registers of PCs; flicker_sums1 for
 * one after the other, which a microcontroller does in a fifth of the code. The build takes one of
 * them; they give the same within the rounding of float. */
#ifndef WK_METROLOGY_FLICKER_SUMS_H
#define WK_METROLOGY_FLICKER_SUMS_H

#include "metrology/flicker.h"

/** Adds frames of the block under way to its sums of squares and sums of these sums. False, and
 *  nothing is added, if a count is out of range. */
bool wk_flicker_sums_add(struct wk_flicker *flicker, const int32_t *frame, size_t frames);

#endif
