/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/quality_sums - the inner loop of metrology/quality.
 *
 * metrology/quality_sums4 does it for all voltages at once in the vector registers of PCs, in
 * float32: good to 10^-6 of Urms(1/2). metrology/quality_sums1 does it one after the other in
 * integers, which is what a microcontroller does best. Part of the room quality. */
#ifndef WK_METROLOGY_QUALITY_SUMS_H
#define WK_METROLOGY_QUALITY_SUMS_H

#include "metrology/quality.h"

/** Sums of counts less offset, and of their squares, over `frames` frames, by phase. False: a
 *  count is out of range; the sums are not used then. */
bool wk_quality_sums(const struct wk_quality *quality, const int32_t *counts, size_t frames,
                     int64_t x[WK_RECORD_PHASES], uint64_t xx[WK_RECORD_PHASES]);

#endif
