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

int64_t wk_sequence_length(struct wk_angle_vector v)
{
    const uint64_t re = size_of(v.re);
    const uint64_t im = size_of(v.im);
    if ((re | im) == 0) {
        return 0;
    }
    const int shift = wk_u64_bits(re | im) - ROOT_BITS;
    const uint64_t a = wk_u64_shift(re, shift);
    const uint64_t b = wk_u64_shift(im, shift);
    return (int64_t)wk_u64_shift(wk_angle_root(a * a + b * b), -shift);
}

struct wk_i128 wk_sequence_length_wide(struct wk_i128 a, struct wk_i128 b)
{
    const struct wk_i128 x = wk_i128_abs(a);
    const struct wk_i128 y = wk_i128_abs(b);
    const uint64_t high = (uint64_t)x.high | (uint64_t)y.high;
    const bool is_narrow = high == 0 && ((x.low | y.low) >> 62) == 0;
    const uint8_t shift = is_narrow ? 0 : (uint8_t)(wk_u64_bits(high) + 4);
    const struct wk_angle_vector v = {
        .re = (int64_t)wk_i128_shift_right(x, shift).low,
        .im = (int64_t)wk_i128_shift_right(y, shift).low,
    };
    return wk_i128_shift_left(wk_i128_of(wk_sequence_length(v)), shift);
}

int64_t wk_sequence_geometric_mean(uint64_t a, uint64_t b)
{
    /* Even shifts, so that their halves belong to the roots. */
    const int shift_a = (wk_u64_bits(a) - 62) & ~1;
    const int shift_b = (wk_u64_bits(b) - 62) & ~1;
    const uint64_t product = (uint64_t)wk_angle_root(wk_u64_shift(a, shift_a)) *
                             wk_angle_root(wk_u64_shift(b, shift_b));
    return (int64_t)wk_u64_shift(product, -(shift_a + shift_b) / 2);
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
    return ppm.high == 0 && ppm.low <= INT32_MAX ? (int32_t)ppm.low : INT32_MAX;
}
