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

void wk_sequence_length_wide(struct wk_i128 *a, const struct wk_i128 *b)
{
    struct wk_i128 y = wk_i128_abs(*b);
    *a = wk_i128_abs(*a);
    const uint64_t high = (uint64_t)a->high | (uint64_t)y.high;
    const bool is_narrow = high == 0 && ((a->low | y.low) >> 62) == 0;
    const uint8_t shift = is_narrow ? 0 : (uint8_t)(wk_u64_bits(high) + 4);
    wk_i128_shrink(a, shift);
    wk_i128_shrink(&y, shift);
    const struct wk_angle_vector v = {.re = (int64_t)a->low, .im = (int64_t)y.low};
    *a = wk_i128_of(wk_sequence_length(v));
    wk_i128_grow(a, shift);
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

int32_t wk_sequence_ppm(int64_t part, int64_t whole, int32_t most)
{
    if (whole <= 0) {
        return 0;
    }
    const int64_t ppm = wk_i128_rounded(part, PPM, whole);
    return ppm > most ? most : ppm < -most ? -most : (int32_t)ppm;
}
