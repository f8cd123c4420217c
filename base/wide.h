/* SPDX-License-Identifier: Apache-2.0
 *
 * base/wide - 128-bit signed integers for exact products of 64-bit sums.
 *
 * Written out because 32-bit targets have no such type. Two's complement, value =
 * high * 2^64 + low. Results that do not fit in 128 bits cannot arise from the documented
 * ranges of the callers and are not detected here. */
#ifndef WK_BASE_WIDE_H
#define WK_BASE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

struct wk_i128 {
    uint64_t low;
    int64_t high;
};

/** Bits of a value: 0 for 0, 1 for 1, 2 for 2 and 3 .. */
uint8_t wk_u64_bits(uint64_t value);
/** value >> shift, or << -shift; shift -63..63. */
uint64_t wk_u64_shift(uint64_t value, int shift);

struct wk_i128 wk_i128_of(int64_t value);
struct wk_i128 wk_i128_add(struct wk_i128 a, struct wk_i128 b);
struct wk_i128 wk_i128_sub(struct wk_i128 a, struct wk_i128 b);
struct wk_i128 wk_i128_neg(struct wk_i128 a);
struct wk_i128 wk_i128_abs(struct wk_i128 a);
/** The exact product. */
struct wk_i128 wk_i128_mul(int64_t a, int64_t b);
bool wk_i128_is_negative(struct wk_i128 a);
/** Arithmetic shift (rounds towards minus infinity), shift 0..127. */
struct wk_i128 wk_i128_shift_right(struct wk_i128 a, uint8_t shift);
struct wk_i128 wk_i128_shift_left(struct wk_i128 a, uint8_t shift);
bool wk_i128_fits_i64(struct wk_i128 a);
/** a / divisor towards minus infinity; 0 <= *remainder < divisor. divisor > 0. */
struct wk_i128 wk_i128_div(struct wk_i128 a, int64_t divisor, int64_t *remainder);
/** a * b * 2^shift / divisor towards minus infinity, of which 64 bits; shift 0..127. */
int64_t wk_i128_ratio(int64_t a, int64_t b, uint8_t shift, int64_t divisor);
float wk_i128_to_float(struct wk_i128 a);

#endif
