/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/scale.h"

#include <stdbool.h>

#include "metrology/angle.h"

#define MANTISSA_BITS 62
#define ROOT_BITS     61 /* of what goes into the square root: its root has 31 */
#define SHIFT_MOST    127

/* Bits of the magnitude of a value. */
static int bits_of(struct wk_i128 value)
{
    const struct wk_i128 size = wk_i128_abs(value);
    return size.high != 0 ? 64 + wk_u64_bits((uint64_t)size.high) : wk_u64_bits(size.low);
}

/* value * 2^-shift with a mantissa of full length, of which what does not fit is cut off. */
static struct wk_scale normal(struct wk_i128 value, int shift)
{
    const int excess = bits_of(value) - MANTISSA_BITS;
    if (excess == -MANTISSA_BITS) {
        return (struct wk_scale){0};
    }
    const struct wk_i128 size = wk_i128_abs(value);
    const struct wk_i128 cut = excess > 0 ? wk_i128_shift_right(size, (uint8_t)excess)
                                          : wk_i128_shift_left(size, (uint8_t)-excess);
    return (struct wk_scale){
        .mantissa = wk_i128_is_negative(value) ? -(int64_t)cut.low : (int64_t)cut.low,
        .shift = (int16_t)(shift - excess),
    };
}

struct wk_scale wk_scale_mul(struct wk_scale a, struct wk_scale b)
{
    return normal(wk_i128_mul(a.mantissa, b.mantissa), a.shift + b.shift);
}

struct wk_scale wk_scale_abs(struct wk_scale a)
{
    a.mantissa = a.mantissa < 0 ? -a.mantissa : a.mantissa;
    return a;
}

struct wk_scale wk_scale_div(struct wk_scale a, struct wk_scale b)
{
    int64_t rest;
    const struct wk_scale divisor = wk_scale_abs(b);
    const struct wk_i128 dividend =
        wk_i128_shift_left(wk_i128_of(wk_scale_abs(a).mantissa), MANTISSA_BITS);
    const struct wk_i128 quotient = wk_i128_div(dividend, divisor.mantissa, &rest);
    const bool negative = (a.mantissa < 0) != (b.mantissa < 0);
    return normal(negative ? wk_i128_neg(quotient) : quotient,
                  a.shift - b.shift + MANTISSA_BITS);
}

struct wk_scale wk_scale_of(int64_t value, int exponent)
{
    const struct wk_scale ten = normal(wk_i128_of(10), 0);
    struct wk_scale scale = normal(wk_i128_of(value), 0);
    for (int i = 0; i < exponent; i++) {
        scale = wk_scale_mul(scale, ten);
    }
    for (int i = 0; i > exponent; i--) {
        scale = wk_scale_div(scale, ten);
    }
    return scale;
}

static int64_t limited(struct wk_i128 value)
{
    if (wk_i128_fits_i64(value)) {
        return (int64_t)value.low;
    }
    return wk_i128_is_negative(value) ? INT64_MIN : INT64_MAX;
}

/* value * 2^-shift, rounded to the nearest. */
static int64_t shifted(struct wk_i128 value, int shift)
{
    if (shift > SHIFT_MOST) {
        return 0;
    }
    if (shift > 0) {
        const struct wk_i128 half = wk_i128_shift_left(wk_i128_of(1), (uint8_t)(shift - 1));
        return limited(wk_i128_shift_right(wk_i128_add(value, half), (uint8_t)shift));
    }
    if (bits_of(value) - shift > 63) {
        return wk_i128_is_negative(value) ? INT64_MIN : INT64_MAX;
    }
    return (int64_t)wk_i128_shift_left(value, (uint8_t)-shift).low;
}

int64_t wk_scale_apply(struct wk_scale factor, int64_t raw)
{
    return shifted(wk_i128_mul(raw, factor.mantissa), factor.shift);
}

int64_t wk_scale_apply_per(struct wk_scale factor, int64_t raw, int64_t divisor_q16)
{
    int64_t rest;
    const struct wk_i128 product = wk_i128_mul(raw, factor.mantissa);
    return shifted(wk_i128_div(product, divisor_q16, &rest), factor.shift - 16);
}

int64_t wk_scale_root_mean(struct wk_scale factor, uint64_t square, int64_t divisor_q16)
{
    if (square == 0) {
        return 0;
    }
    /* An even shift that gives the quotient about ROOT_BITS bits. */
    int shift = ROOT_BITS - wk_u64_bits(square) + wk_u64_bits((uint64_t)divisor_q16);
    shift &= ~1;
    int64_t rest;
    const struct wk_i128 dividend =
        wk_i128_shift_left((struct wk_i128){.low = square}, (uint8_t)shift);
    const uint64_t mean = wk_i128_div(dividend, divisor_q16, &rest).low;
    /* mean = square * 2^shift / divisor_q16, and 2^16 of it belong to the divisor */
    const struct wk_i128 product =
        wk_i128_mul(wk_angle_root(mean), wk_scale_abs(factor).mantissa);
    return shifted(product, factor.shift + (shift - 16) / 2);
}
