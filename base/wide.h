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

/* ---- in place ---------------------------------------------------------------------------- */

void wk_i128_increase(struct wk_i128 *a, const struct wk_i128 *b);
void wk_i128_decrease(struct wk_i128 *a, const struct wk_i128 *b);
void wk_i128_negate(struct wk_i128 *a);
/** Arithmetic shift (rounds towards minus infinity), shift 0..127. */
void wk_i128_shrink(struct wk_i128 *a, uint8_t shift);
void wk_i128_grow(struct wk_i128 *a, uint8_t shift);
/** *a becomes a / divisor towards minus infinity; returns the rest, 0 <= rest < divisor. */
int64_t wk_i128_divide(struct wk_i128 *a, int64_t divisor);

/* ---- by value ---------------------------------------------------------------------------- */

struct wk_i128 wk_i128_of(int64_t value);
/** The exact product. */
struct wk_i128 wk_i128_mul(int64_t a, int64_t b);
bool wk_i128_fits_i64(struct wk_i128 a);

static inline bool wk_i128_is_negative(struct wk_i128 a)
{
    return a.high < 0;
}

static inline struct wk_i128 wk_i128_add(struct wk_i128 a, struct wk_i128 b)
{
    wk_i128_increase(&a, &b);
    return a;
}

static inline struct wk_i128 wk_i128_sub(struct wk_i128 a, struct wk_i128 b)
{
    wk_i128_decrease(&a, &b);
    return a;
}

static inline struct wk_i128 wk_i128_neg(struct wk_i128 a)
{
    wk_i128_negate(&a);
    return a;
}

static inline struct wk_i128 wk_i128_abs(struct wk_i128 a)
{
    if (a.high < 0) {
        wk_i128_negate(&a);
    }
    return a;
}

static inline struct wk_i128 wk_i128_shift_right(struct wk_i128 a, uint8_t shift)
{
    wk_i128_shrink(&a, shift);
    return a;
}

static inline struct wk_i128 wk_i128_shift_left(struct wk_i128 a, uint8_t shift)
{
    wk_i128_grow(&a, shift);
    return a;
}

/** a / divisor towards minus infinity; 0 <= *remainder < divisor. divisor > 0. */
static inline struct wk_i128 wk_i128_div(struct wk_i128 a, int64_t divisor, int64_t *remainder)
{
    *remainder = wk_i128_divide(&a, divisor);
    return a;
}

/** a * b * 2^shift / divisor towards minus infinity, of which 64 bits; shift 0..127. */
int64_t wk_i128_ratio(int64_t a, int64_t b, uint8_t shift, int64_t divisor);
/** a * b / divisor, rounded to the nearest and limited to the range of int64. */
int64_t wk_i128_rounded(int64_t a, int64_t b, int64_t divisor);
/** What is nearest to a among int64. */
int64_t wk_i128_limited(const struct wk_i128 *a);

#endif
