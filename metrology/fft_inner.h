/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/fft_inner - the transform and the grouping of bins, over the type of a lane.
 *
 * A real transform of 1536 points by a complex one of 768 = 3 * 4^4, in place, decimated in time.
 * Included after what metrology/lanes_inner asks for, and lane_of, have been defined. */
#ifndef WK_METROLOGY_FFT_INNER_H
#define WK_METROLOGY_FFT_INNER_H

#include "metrology/spectrum_table.h"

#define BINS        (WK_RESAMPLE_POINTS / 2)
#define THIRD       (BINS / 3)
#define HALF_ROOT_3 0.866025404F
#define QUARTER     WK_SPECTRUM_TABLE_QUARTER

struct bin {
    wk_lane re;
    wk_lane im;
};

LANE_INLINE void halve(struct wk_resample *resample, uint8_t channel)
{
    struct lane_pairs *points = resample->points;
    for (size_t n = 0; n < resample->count; n++) {
        uint32_t *pair = &points[n].pair[channel % 4U];
        int32_t low = (int32_t)(*pair << 16) >> 16;
        int32_t high = (int32_t)*pair >> 16;
        if (channel < 4) {
            low = (low + 1) >> 1;
        } else {
            high = (high + 1) >> 1;
        }
        *pair = ((uint32_t)low & 0xFFFFU) | (uint32_t)high << 16;
    }
}

/* ---- points to bins ---------------------------------------------------------------------- */

/* The first stage: transforms of three points, from where the others will look for them. */
LANE_INLINE void thirds(const struct lane_pairs *points, uint8_t first, struct bin *z)
{
    for (uint32_t block = 0; block < THIRD; block++) {
        const uint32_t n =
            2 * ((block & 3U) << 6 | (block & 12U) << 2 | (block >> 2 & 12U) | block >> 6);
        const struct bin a = {lane_of(&points[n], first), lane_of(&points[n + 1], first)};
        const struct bin b = {lane_of(&points[n + 2 * THIRD], first),
                              lane_of(&points[n + 2 * THIRD + 1], first)};
        const struct bin c = {lane_of(&points[n + 4 * THIRD], first),
                              lane_of(&points[n + 4 * THIRD + 1], first)};
        const struct bin sum = {b.re + c.re, b.im + c.im};
        const struct bin turned = {(b.im - c.im) * HALF_ROOT_3, (c.re - b.re) * HALF_ROOT_3};
        const struct bin rest = {a.re - sum.re * 0.5F, a.im - sum.im * 0.5F};
        z[0] = (struct bin){a.re + sum.re, a.im + sum.im};
        z[1] = (struct bin){rest.re + turned.re, rest.im + turned.im};
        z[2] = (struct bin){rest.re - turned.re, rest.im - turned.im};
        z += 3;
    }
}

/* x * (c - j s) */
LANE_INLINE struct bin twisted(struct bin x, float c, float s)
{
    return (struct bin){x.re * c + x.im * s, x.im * c - x.re * s};
}

/* Joins four transforms of `size` points each to one of 4 * size, all over z. */
LANE_INLINE void fourths(struct bin *z, uint32_t size)
{
    for (uint32_t j = 0; j < size; j++) {
        const uint32_t turn = j * (QUARTER / size);
        const float c1 = wk_spectrum_table_cos[turn];
        const float s1 = wk_spectrum_table_cos[QUARTER - turn];
        const float c2 = c1 * c1 - s1 * s1;
        const float s2 = 2 * c1 * s1;
        const float c3 = c1 * c2 - s1 * s2;
        const float s3 = c1 * s2 + s1 * c2;
        for (struct bin *at = z + j; at < z + BINS; at += (size_t)4 * size) {
            const struct bin a = at[0];
            const struct bin b = twisted(at[size], c1, s1);
            const struct bin c = twisted(at[(size_t)2 * size], c2, s2);
            const struct bin d = twisted(at[(size_t)3 * size], c3, s3);
            const struct bin even = {a.re + c.re, a.im + c.im};
            const struct bin odd = {a.re - c.re, a.im - c.im};
            const struct bin sum = {b.re + d.re, b.im + d.im};
            const struct bin turned = {b.im - d.im, d.re - b.re};
            at[0] = (struct bin){even.re + sum.re, even.im + sum.im};
            at[size] = (struct bin){odd.re + turned.re, odd.im + turned.im};
            at[(size_t)2 * size] = (struct bin){even.re - sum.re, even.im - sum.im};
            at[(size_t)3 * size] = (struct bin){odd.re - turned.re, odd.im - turned.im};
        }
    }
}

/* From the transform of even points + j * odd points to that of all, twice as large. */
LANE_INLINE void split(struct bin *z)
{
    const struct bin mean = z[0];
    z[0] = (struct bin){(mean.re + mean.im) * 2.0F, (mean.re - mean.im) * 2.0F};
    z[BINS / 2] = (struct bin){z[BINS / 2].re * 2.0F, z[BINS / 2].im * -2.0F};
    for (uint32_t k = 1; k < BINS / 2; k++) {
        const float c = wk_spectrum_table_cos[k];
        const float s = wk_spectrum_table_cos[QUARTER - k];
        const struct bin a = z[k];
        const struct bin b = z[BINS - k];
        const struct bin sum = {a.re + b.re, a.im - b.im};
        const struct bin gap = {a.re - b.re, a.im + b.im};
        const struct bin twist = {gap.re * s - gap.im * c, gap.im * s + gap.re * c};
        z[k] = (struct bin){sum.re - twist.re, sum.im - twist.im};
        z[BINS - k] = (struct bin){sum.re + twist.re, -sum.im - twist.im};
    }
}

LANE_INLINE void transform(const struct lane_pairs *points, uint8_t first, struct bin *z)
{
    thirds(points, first, z);
    for (uint32_t size = 3; size < BINS; size *= 4) {
        fourths(z, size);
    }
    split(z);
}

/* ---- bins to groups ---------------------------------------------------------------------- */

/* Sum of the squares of the bins from .. to - 1. */
LANE_INLINE wk_lane squares(const struct bin *z, uint32_t from, uint32_t to, float droop_per)
{
    wk_lane sum = {0};
    for (uint32_t k = from; k < to; k++) {
        const float at = (float)k * droop_per;
        const wk_lane square = z[k].re * z[k].re + z[k].im * z[k].im;
        sum +=
            at < WK_SPECTRUM_TABLE_FLAT ? square : square * wk_spectrum_table_droop_beyond(at);
    }
    return sum;
}

/* The bins of a group lie behind the place where it is put. */
LANE_INLINE void group(struct bin *z, const struct wk_lanes_grouping *grouping)
{
    const uint32_t cycles = grouping->cycles;
    for (uint32_t h = 0; h <= grouping->orders; h++) {
        const uint32_t k = h * cycles;
        const wk_lane inter = squares(z, k + 2, k + cycles - 1, grouping->droop_per);
        const wk_lane sub =
            h == 0 ? z[0].re * z[0].re * 0.5F : squares(z, k - 1, k + 2, grouping->droop_per);
        z[h] = (struct bin){sub, inter};
    }
}

#endif
