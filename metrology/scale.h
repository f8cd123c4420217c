/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/scale - factors between counts and physical units, in integers.
 *
 * A factor is mantissa * 2^-shift with a mantissa of 62 bits, computed once when metrology
 * starts. Its relative error stays below 2^-55, and it is the same on every processor. */
#ifndef WK_METROLOGY_SCALE_H
#define WK_METROLOGY_SCALE_H

#include <stdint.h>

#include "base/wide.h"

struct wk_scale {
    int64_t mantissa; /* 2^61 <= |mantissa| < 2^62, or 0 */
    int16_t shift;
};

/** value * 10^exponent, exponent -30..30. */
struct wk_scale wk_scale_of(int64_t value, int exponent);
/** *a becomes a * b. */
void wk_scale_times(struct wk_scale *a, const struct wk_scale *b);
/** *a becomes a / b; b must not be 0. */
void wk_scale_over(struct wk_scale *a, const struct wk_scale *b);

/** raw * factor * 65536 / divisor_q16, rounded to the nearest and limited to the range of int64;
 *  1 <= divisor_q16 < 2^32. */
int64_t wk_scale_apply_per(const struct wk_scale *factor, int64_t raw, int64_t divisor_q16);

/** factor * sqrt(square * 65536 / divisor_q16) in whole units, for |factor|: from a sum of
 *  squares over divisor_q16 / 65536 samples to an rms value. */
int64_t wk_scale_root_mean(const struct wk_scale *factor, uint64_t square, int64_t divisor_q16);

#endif
