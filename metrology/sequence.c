/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/sequence.h"

#include <stdbool.h>

#define THIRD_TURN UINT32_C(1431655765)
#define ROOT_BITS  31 /* of a component whose square shall fit 64 bits with that of another */
#define PPM        1000000

static uint64_t size_of(int64_t value)
{
    return value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
}

static uint64_t shifted(uint64_t value, int shift)
{
    return shift >= 0 ? value >> shift : value << -shift;
}

/* How far to shift right (negative: left) so that a value has exactly `bits` bits. */
static int excess(uint64_t value, int bits)
{
    int length = 0;
    for (int step = 32; step != 0; step /= 2) {
        if ((value >> step) != 0) {
            value >>= step;
            length += step;
        }
    }
    return length + (value != 0 ? 1 : 0) - bits;
}

int64_t wk_sequence_length(struct wk_angle_vector v)
{
    const uint64_t re = size_of(v.re);
    const uint64_t im = size_of(v.im);
    if ((re | im) == 0) {
        return 0;
    }
    const int shift = excess(re | im, ROOT_BITS);
    const uint64_t a = shifted(re, shift);
    const uint64_t b = shifted(im, shift);
    return (int64_t)shifted(wk_angle_root(a * a + b * b), -shift);
}

static struct wk_i128 absolute(struct wk_i128 value)
{
    return wk_i128_is_negative(value) ? wk_i128_neg(value) : value;
}

struct wk_i128 wk_sequence_length_wide(struct wk_i128 a, struct wk_i128 b)
{
    const struct wk_i128 x = absolute(a);
    const struct wk_i128 y = absolute(b);
    const uint64_t high = (uint64_t)x.high | (uint64_t)y.high;
    if (high == 0 && ((x.low | y.low) >> 62) == 0) {
        const struct wk_angle_vector v = {.re = (int64_t)x.low, .im = (int64_t)y.low};
        return wk_i128_of(wk_sequence_length(v));
    }
    const int shift = 64 + excess(high, 60);
    const struct wk_angle_vector v = {
        .re = (int64_t)wk_i128_shift_right(x, (uint8_t)shift).low,
        .im = (int64_t)wk_i128_shift_right(y, (uint8_t)shift).low,
    };
    return wk_i128_shift_left(wk_i128_of(wk_sequence_length(v)), (uint8_t)shift);
}

int64_t wk_sequence_geometric_mean(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    /* Even shifts, so that their halves belong to the roots. */
    const int shift_a = excess(a, 62) & ~1;
    const int shift_b = excess(b, 62) & ~1;
    const uint64_t product =
        (uint64_t)wk_angle_root(shifted(a, shift_a)) * wk_angle_root(shifted(b, shift_b));
    return (int64_t)shifted(product, -(shift_a + shift_b) / 2);
}

void wk_sequence_split(const struct wk_angle_vector phasor[3], int64_t length[WK_SEQUENCES])
{
    for (uint32_t sequence = 0; sequence < WK_SEQUENCES; sequence++) {
        struct wk_angle_vector sum = phasor[0];
        for (uint32_t phase = 1; phase < 3; phase++) {
            const uint32_t turn = THIRD_TURN * sequence * phase;
            const struct wk_angle_vector turned =
                sequence == 0 ? phasor[phase] : wk_angle_turn(phasor[phase], turn);
            sum.re += turned.re;
            sum.im += turned.im;
        }
        length[sequence] = (wk_sequence_length(sum) + 1) / 3;
    }
}

int32_t wk_sequence_ppm(int64_t part, int64_t whole)
{
    if (whole <= 0) {
        return 0;
    }
    int64_t rest;
    const struct wk_i128 product = wk_i128_mul(part, PPM);
    const struct wk_i128 rounded = wk_i128_add(product, wk_i128_of(whole / 2));
    const struct wk_i128 ppm = wk_i128_div(rounded, whole, &rest);
    const bool fits = wk_i128_fits_i64(ppm) && (int64_t)ppm.low <= INT32_MAX;
    return fits ? (int32_t)ppm.low : INT32_MAX;
}
