/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/scale.h"

#include <stdbool.h>

#include "metrology/angle.h"

#define MANTISSA_BITS 62
#define ROOT_BITS     61 /* of what goes into the square root: its root has 31 */
#define SHIFT_MOST    127

/* Bits of the magnitude of a value. */
static int bits_of(const struct wk_i128 *value)
{
    const struct wk_i128 size = wk_i128_abs(*value);
    return size.high != 0 ? 64 + wk_u64_bits((uint64_t)size.high) : wk_u64_bits(size.low);
}

/* value * 2^-shift; shift -127..127 */
static void shift_right(struct wk_i128 *value, int shift)
{
    if (shift > 0) {
        wk_i128_shrink(value, (uint8_t)shift);
    } else {
        wk_i128_grow(value, (uint8_t)-shift);
    }
}

/* value * 2^-shift with a mantissa of full length, of which what does not fit is cut off. */
static struct wk_scale normal(struct wk_i128 *value, int shift)
{
    const bool negative = value->high < 0;
    const int excess = bits_of(value) - MANTISSA_BITS;
    if (excess == -MANTISSA_BITS) {
        return (struct wk_scale){0};
    }
    *value = wk_i128_abs(*value);
    shift_right(value, excess);
    const int64_t mantissa = (int64_t)value->low;
    return (struct wk_scale){
        .mantissa = negative ? -mantissa : mantissa,
        .shift = (int16_t)(shift - excess),
    };
}

void wk_scale_times(struct wk_scale *a, const struct wk_scale *b)
{
    struct wk_i128 product = wk_i128_mul(a->mantissa, b->mantissa);
    *a = normal(&product, a->shift + b->shift);
}

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

void wk_scale_over(struct wk_scale *a, const struct wk_scale *b)
{
    struct wk_i128 quotient = wk_i128_of(size_of(a->mantissa));
    const bool negative = (a->mantissa < 0) != (b->mantissa < 0);
    wk_i128_grow(&quotient, MANTISSA_BITS);
    (void)wk_i128_divide(&quotient, size_of(b->mantissa));
    *a = normal(&quotient, a->shift - b->shift + MANTISSA_BITS);
    a->mantissa = negative ? -a->mantissa : a->mantissa;
}

struct wk_scale wk_scale_of(int64_t value, int exponent)
{
    struct wk_i128 whole = wk_i128_of(value);
    struct wk_scale scale = normal(&whole, 0);
    whole = wk_i128_of(10);
    const struct wk_scale ten = normal(&whole, 0);
    for (; exponent > 0; exponent--) {
        wk_scale_times(&scale, &ten);
    }
    for (; exponent < 0; exponent++) {
        wk_scale_over(&scale, &ten);
    }
    return scale;
}

/* value * 2^-shift, rounded to the nearest. */
static int64_t shifted(struct wk_i128 *value, int shift)
{
    if (shift > SHIFT_MOST) {
        return 0;
    }
    if (shift > 0) {
        struct wk_i128 half = wk_i128_of(1);
        wk_i128_grow(&half, (uint8_t)(shift - 1));
        wk_i128_increase(value, &half);
    } else if (bits_of(value) - shift > 63) {
        return value->high < 0 ? INT64_MIN : INT64_MAX;
    }
    shift_right(value, shift);
    return wk_i128_limited(value);
}

int64_t wk_scale_apply_per(const struct wk_scale *factor, int64_t raw, int64_t divisor_q16)
{
    struct wk_i128 product = wk_i128_mul(raw, factor->mantissa);
    (void)wk_i128_divide(&product, divisor_q16);
    return shifted(&product, factor->shift - 16);
}

int64_t wk_scale_root_mean(const struct wk_scale *factor, uint64_t square, int64_t divisor_q16)
{
    /* An even shift that gives the quotient about ROOT_BITS bits. */
    const int wanted = ROOT_BITS - wk_u64_bits(square) + wk_u64_bits((uint64_t)divisor_q16);
    const int shift = wanted & ~1;
    struct wk_i128 mean = {.low = square};
    wk_i128_grow(&mean, (uint8_t)shift);
    (void)wk_i128_divide(&mean, divisor_q16);
    /* mean = square * 2^shift / divisor_q16, and 2^16 of it belong to the divisor */
    struct wk_i128 product = wk_i128_mul(wk_angle_root(mean.low), size_of(factor->mantissa));
    return shifted(&product, factor->shift + (shift - 16) / 2);
}
