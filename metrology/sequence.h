/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/sequence - phasors of three phases: magnitudes, symmetrical components.
 *
 * Zero, positive and negative sequence (Fortescue): with a = 120 degrees,
 *   zero = (A + B + C) / 3, positive = (A + aB + aaC) / 3, negative = (A + aaB + aC) / 3,
 * positive for the rotation L1, L2, L3. All in integers, in whatever unit goes in. */
#ifndef WK_METROLOGY_SEQUENCE_H
#define WK_METROLOGY_SEQUENCE_H

#include <stdint.h>

#include "base/wide.h"
#include "metrology/angle.h"

enum { WK_SEQUENCE_ZERO = 0, WK_SEQUENCE_POSITIVE, WK_SEQUENCE_NEGATIVE, WK_SEQUENCES };

/** Length of a vector; relative error below 2^-30. */
int64_t wk_sequence_length(struct wk_angle_vector v);

/** *a becomes sqrt(a * a + b * b), |a|, |b| < 2^126; relative error below 2^-29. */
void wk_sequence_length_wide(struct wk_i128 *a, const struct wk_i128 *b);

/** sqrt(a * b) for a, b < 2^63; relative error below 2^-30. */
int64_t wk_sequence_geometric_mean(uint64_t a, uint64_t b);

/** Lengths of the symmetrical components of three phasors, |.| < 2^60. */
void wk_sequence_split(const struct wk_angle_vector phasor[3], int64_t length[WK_SEQUENCES]);

/** part / whole in 10^-6, rounded, within -most .. most; 0 unless whole > 0. */
int32_t wk_sequence_ppm(int64_t part, int64_t whole, int32_t most);

#endif
