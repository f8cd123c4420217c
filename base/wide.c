/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wide.h"

#include "base/wide_divide.h"

uint8_t wk_u64_bits(uint64_t value)
{
    return (uint8_t)(value == 0 ? 0 : 64 - __builtin_clzll(value));
}

uint64_t wk_u64_shift(uint64_t value, int shift)
{
    return shift >= 0 ? value >> shift : value << -shift;
}

struct wk_i128 wk_i128_of(int64_t value)
{
    return (struct wk_i128){.low = (uint64_t)value, .high = value < 0 ? -1 : 0};
}

void wk_i128_increase(struct wk_i128 *a, const struct wk_i128 *b)
{
    const uint64_t low = a->low + b->low;
    const uint64_t carry = low < a->low ? 1 : 0;
    a->low = low;
    a->high = (int64_t)((uint64_t)a->high + (uint64_t)b->high + carry);
}

void wk_i128_decrease(struct wk_i128 *a, const struct wk_i128 *b)
{
    const uint64_t borrow = a->low < b->low ? 1 : 0;
    a->low -= b->low;
    a->high = (int64_t)((uint64_t)a->high - (uint64_t)b->high - borrow);
}

void wk_i128_negate(struct wk_i128 *a)
{
    a->high = (int64_t)(~(uint64_t)a->high + (a->low == 0 ? 1 : 0));
    a->low = ~a->low + 1;
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
    struct wk_i128 product = {
        .low = (middle << 32) | (low_low & UINT32_MAX),
        .high = (int64_t)((x >> 32) * (y >> 32) + (low_high >> 32) + (high_low >> 32) +
                          (middle >> 32)),
    };
    if ((a < 0) != (b < 0)) {
        wk_i128_negate(&product);
    }
    return product;
}

/* The lower half of (high:low) >> shift, shift 0..63. */
static uint64_t funnel(uint64_t high, uint64_t low, uint8_t shift)
{
    return shift == 0 ? low : (low >> shift) | (high << (64 - shift));
}

void wk_i128_shrink(struct wk_i128 *a, uint8_t shift)
{
    if (shift >= 64) {
        *a = wk_i128_of(a->high);
        shift = (uint8_t)(shift - 64);
    }
    a->low = funnel((uint64_t)a->high, a->low, shift);
    /* Every compiler we use shifts arithmetically; base_test checks it. */
    a->high >>= shift; /* cppcheck-suppress shiftTooManyBitsSigned */
}

void wk_i128_grow(struct wk_i128 *a, uint8_t shift)
{
    if (shift >= 64) {
        a->high = (int64_t)a->low;
        a->low = 0;
        shift = (uint8_t)(shift - 64);
    }
    if (shift != 0) {
        a->high = (int64_t)funnel((uint64_t)a->high, a->low, (uint8_t)(64 - shift));
        a->low <<= shift;
    }
}

bool wk_i128_fits_i64(struct wk_i128 a)
{
    return a.high == ((int64_t)a.low < 0 ? -1 : 0);
}

int64_t wk_i128_divide(struct wk_i128 *a, int64_t divisor)
{
    /* a < 0: -1 - a is not, and its quotient is -1 less that of a */
    const uint64_t sign = a->high < 0 ? UINT64_MAX : 0;
    const uint64_t by = (uint64_t)(divisor > 1 ? divisor : 1);
    const uint64_t low = a->low ^ sign;
    uint64_t rest = (uint64_t)a->high ^ sign;
    uint64_t upper = 0;
    uint64_t lower;
    if (rest >= by) {
        upper = rest / by; /* > 0 by contract. NOLINT(clang-analyzer-core.DivideZero) */
        rest -= upper * by;
    }
    if (rest == 0) {
        lower = low / by;
        rest = low - lower * by;
    } else {
        lower = wk_wide_divide(&rest, low, by);
    }
    *a = (struct wk_i128){.low = lower ^ sign, .high = (int64_t)(upper ^ sign)};
    return (int64_t)(sign == 0 ? rest : by - 1 - rest);
}

int64_t wk_i128_ratio(int64_t a, int64_t b, uint8_t shift, int64_t divisor)
{
    struct wk_i128 product = wk_i128_mul(a, b);
    wk_i128_grow(&product, shift);
    (void)wk_i128_divide(&product, divisor);
    return (int64_t)product.low;
}

int64_t wk_i128_rounded(int64_t a, int64_t b, int64_t divisor)
{
    struct wk_i128 product = wk_i128_mul(a, b);
    const struct wk_i128 half = wk_i128_of(divisor / 2);
    wk_i128_increase(&product, &half);
    (void)wk_i128_divide(&product, divisor);
    return wk_i128_limited(&product);
}

int64_t wk_i128_limited(const struct wk_i128 *a)
{
    if (wk_i128_fits_i64(*a)) {
        return (int64_t)a->low;
    }
    return a->high < 0 ? INT64_MIN : INT64_MAX;
}
