/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wide.h"

struct wk_i128 wk_i128_of(int64_t value)
{
    return (struct wk_i128){.low = (uint64_t)value, .high = value < 0 ? -1 : 0};
}

struct wk_i128 wk_i128_add(struct wk_i128 a, struct wk_i128 b)
{
    struct wk_i128 sum = {.low = a.low + b.low};
    const uint64_t carry = sum.low < a.low ? 1 : 0;
    sum.high = (int64_t)((uint64_t)a.high + (uint64_t)b.high + carry);
    return sum;
}

struct wk_i128 wk_i128_neg(struct wk_i128 a)
{
    struct wk_i128 neg = {.low = ~a.low + 1};
    neg.high = (int64_t)(~(uint64_t)a.high + (neg.low == 0 ? 1 : 0));
    return neg;
}

struct wk_i128 wk_i128_sub(struct wk_i128 a, struct wk_i128 b)
{
    return wk_i128_add(a, wk_i128_neg(b));
}

bool wk_i128_is_negative(struct wk_i128 a)
{
    return a.high < 0;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
}

struct wk_i128 wk_i128_mul(int64_t a, int64_t b)
{
    const uint64_t x = magnitude(a);
    const uint64_t y = magnitude(b);
    const uint64_t low_low = (x & UINT32_MAX) * (y & UINT32_MAX);
    const uint64_t low_high = (x & UINT32_MAX) * (y >> 32);
    const uint64_t high_low = (x >> 32) * (y & UINT32_MAX);
    const uint64_t middle = (low_low >> 32) + (low_high & UINT32_MAX) + (high_low & UINT32_MAX);
    const struct wk_i128 product = {
        .low = (middle << 32) | (low_low & UINT32_MAX),
        .high = (int64_t)((x >> 32) * (y >> 32) + (low_high >> 32) + (high_low >> 32) +
                          (middle >> 32)),
    };
    return (a < 0) != (b < 0) ? wk_i128_neg(product) : product;
}

struct wk_i128 wk_i128_shift_right(struct wk_i128 a, uint8_t shift)
{
    const int64_t sign = a.high < 0 ? -1 : 0;
    if (shift == 0) {
        return a;
    }
    if (shift >= 64) {
        const int64_t high = shift == 64 ? a.high : a.high >> (shift - 64);
        return (struct wk_i128){.low = (uint64_t)high, .high = sign};
    }
    return (struct wk_i128){
        .low = (a.low >> shift) | ((uint64_t)a.high << (64 - shift)),
        /* Every compiler we use shifts arithmetically; base_test checks it. */
        .high = a.high >> shift, /* cppcheck-suppress shiftTooManyBitsSigned */
    };
}

struct wk_i128 wk_i128_shift_left(struct wk_i128 a, uint8_t shift)
{
    if (shift == 0) {
        return a;
    }
    if (shift >= 64) {
        return (struct wk_i128){.low = 0, .high = (int64_t)(a.low << (shift - 64))};
    }
    return (struct wk_i128){
        .low = a.low << shift,
        .high = (int64_t)(((uint64_t)a.high << shift) | (a.low >> (64 - shift))),
    };
}

bool wk_i128_fits_i64(struct wk_i128 a)
{
    return a.high == ((int64_t)a.low < 0 ? -1 : 0);
}

/* Long division by digits of 32 bits: what windows of samples are divided by is that short. */
static struct wk_i128 divide_short(struct wk_i128 dividend, uint32_t divisor, uint64_t *rest)
{
    const uint64_t high = (uint64_t)dividend.high;
    const uint32_t digits[4] = {(uint32_t)(high >> 32), (uint32_t)high,
                                (uint32_t)(dividend.low >> 32), (uint32_t)dividend.low};
    uint32_t quotient[4];
    *rest = 0;
    for (int i = 0; i < 4; i++) {
        const uint64_t part = (*rest << 32) | digits[i];
        quotient[i] = part < divisor ? 0 : (uint32_t)(part / divisor);
        *rest = part - (uint64_t)quotient[i] * divisor;
    }
    return (struct wk_i128){
        .low = ((uint64_t)quotient[2] << 32) | quotient[3],
        .high = (int64_t)(((uint64_t)quotient[0] << 32) | quotient[1]),
    };
}

/* One digit of 32 bits of (high:digit) / divisor, where high < divisor and the top bit of divisor
 * is set; high becomes the rest. The guess from the upper digit is at most two too large (Knuth,
 * TAOCP 2, 4.3.1). */
static uint32_t divide_digit(uint64_t *high, uint32_t digit, uint64_t divisor)
{
    const uint64_t upper = divisor >> 32;
    const uint64_t lower = divisor & UINT32_MAX;
    uint64_t guess = *high / upper;
    uint64_t rest = *high - guess * upper;
    for (int i = 0; i < 2 && rest <= UINT32_MAX; i++) {
        const bool large = guess > UINT32_MAX || guess * lower > ((rest << 32) | digit);
        guess -= large ? 1 : 0;
        rest += large ? upper : 0;
    }
    *high = ((*high << 32) | digit) - guess * divisor; /* modulo 2^64 */
    return (uint32_t)guess;
}

static struct wk_i128 divide_long(struct wk_i128 dividend, uint64_t divisor, uint64_t *rest)
{
    const uint64_t whole = (uint64_t)dividend.high / divisor;
    uint64_t high = (uint64_t)dividend.high - whole * divisor;
    uint64_t low = dividend.low;
    const int shift = __builtin_clzll(divisor);
    if (shift > 0) {
        high = (high << shift) | (low >> (64 - shift));
        low <<= shift;
    }
    const uint64_t scaled = divisor << shift;
    const uint64_t first = divide_digit(&high, (uint32_t)(low >> 32), scaled);
    const uint64_t second = divide_digit(&high, (uint32_t)low, scaled);
    *rest = high >> shift;
    return (struct wk_i128){.low = (first << 32) | second, .high = (int64_t)whole};
}

static struct wk_i128 divide(struct wk_i128 dividend, uint64_t divisor, uint64_t *rest)
{
    if (dividend.high == 0) {
        const uint64_t quotient = dividend.low / divisor;
        *rest = dividend.low - quotient * divisor;
        return (struct wk_i128){.low = quotient};
    }
    return divisor <= UINT32_MAX ? divide_short(dividend, (uint32_t)divisor, rest)
                                 : divide_long(dividend, divisor, rest);
}

struct wk_i128 wk_i128_div(struct wk_i128 a, int64_t divisor, int64_t *remainder)
{
    const bool negative = a.high < 0;
    const struct wk_i128 dividend = negative ? wk_i128_neg(a) : a;
    uint64_t rest = 0;
    const struct wk_i128 quotient = divide(dividend, (uint64_t)divisor, &rest);
    if (!negative) {
        *remainder = (int64_t)rest;
        return quotient;
    }
    if (rest == 0) {
        *remainder = 0;
        return wk_i128_neg(quotient);
    }
    *remainder = divisor - (int64_t)rest;
    return wk_i128_sub(wk_i128_neg(quotient), wk_i128_of(1));
}

int64_t wk_i128_ratio(int64_t a, int64_t b, uint8_t shift, int64_t divisor)
{
    int64_t rest;
    const struct wk_i128 product = wk_i128_shift_left(wk_i128_mul(a, b), shift);
    return (int64_t)wk_i128_div(product, divisor, &rest).low;
}

float wk_i128_to_float(struct wk_i128 a)
{
    const bool negative = a.high < 0;
    const struct wk_i128 size = negative ? wk_i128_neg(a) : a;
    const float value = (float)(uint64_t)size.high * 18446744073709551616.0F + (float)size.low;
    return negative ? -value : value;
}
