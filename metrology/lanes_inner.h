/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/lanes_inner - what both of metrology/lanes consist of, over the type of a lane.
 *
 * The file that includes this has defined LANES, LANE_INLINE (static inline, and for which
 * processor), the types wk_lane (float, or a vector of floats) and lane_word (int32_t or a vector
 * of them), the conversions between them, and point_at. The transform is a real one of 1536 points by a complex one of 768 = 3 * 4^4, in
 * place, decimated in time. */
#ifndef WK_METROLOGY_LANES_INNER_H
#define WK_METROLOGY_LANES_INNER_H

#include "metrology/spectrum_table.h"

#define BINS        (WK_RESAMPLE_POINTS / 2)
#define THIRD       (BINS / 3)
#define HALF_ROOT_3 0.866025404F
#define QUARTER     WK_SPECTRUM_TABLE_QUARTER

struct bin {
    wk_lane re;
    wk_lane im;
};

/* ---- frames to points -------------------------------------------------------------------- */

/* Lanes beyond the frame's channels take what follows in memory; nobody looks at them. */
LANE_INLINE wk_lane frame_of(const int32_t *counts, const int32_t *end, lane_word offset)
{
    return floats_of(words_less(words_of(counts, (size_t)(end - counts)), offset));
}

LANE_INLINE void take(struct wk_resample *resample, const int32_t *counts, size_t frames,
                      float peak_square[WK_HAL_CHANNELS], float square[WK_HAL_CHANNELS])
{
    const size_t channels = resample->channels;
    const int32_t *end = counts + frames * channels;
    for (size_t c = 0; c < channels; c += LANES) {
        /* the last lanes of a frame may be taken twice */
        const size_t at = channels < LANES ? 0 : c + LANES > channels ? channels - LANES : c;
        const lane_word offset = words_of(&resample->offset[at], WK_HAL_CHANNELS);
        float(*row)[WK_HAL_CHANNELS] = &resample->history[resample->fill];
        wk_lane sum = {0};
        wk_lane peak = {0};
        size_t n = 0;
        /* two at a time, because each larger waits for the one before */
        for (; n + 1 < frames; n += 2) {
            const wk_lane x = frame_of(counts + n * channels + at, end, offset);
            const wk_lane y = frame_of(counts + (n + 1) * channels + at, end, offset);
            lane_store(&row[n][at], x);
            lane_store(&row[n + 1][at], y);
            sum += x * x + y * y;
            peak = larger(peak, larger(x * x, y * y));
        }
        for (; n < frames; n++) {
            const wk_lane x = frame_of(counts + n * channels + at, end, offset);
            lane_store(&row[n][at], x);
            sum += x * x;
            peak = larger(peak, x * x);
        }
        lane_store(&square[at], sum);
        lane_store(&peak_square[at], peak);
    }
    resample->fill += frames;
}

/* Weights of a kernel that is not stretched; see wk_resample_weigh. */
LANE_INLINE void weigh(float u, float *low, float *high)
{
    const float uu = u * u;
    for (size_t m = 0; m < WK_SPECTRUM_TABLE_PIECES; m += LANES) {
        wk_lane even = lane_load(&wk_spectrum_table_kernel[6][m]);
        wk_lane odd = lane_load(&wk_spectrum_table_kernel[7][m]);
        even = even * uu + lane_load(&wk_spectrum_table_kernel[4][m]);
        odd = odd * uu + lane_load(&wk_spectrum_table_kernel[5][m]);
        even = even * uu + lane_load(&wk_spectrum_table_kernel[2][m]);
        odd = odd * uu + lane_load(&wk_spectrum_table_kernel[3][m]);
        even = even * uu + lane_load(&wk_spectrum_table_kernel[0][m]);
        odd = (odd * uu + lane_load(&wk_spectrum_table_kernel[1][m])) * u;
        lane_store(&low[m], even + odd);
        lane_store(&high[m], even - odd);
    }
}

#define BATCH 8 /* points whose weights are computed before they are summed */

struct batch {
    size_t points;
    size_t at[BATCH]; /* first frame of each */
    float noise[BATCH];
    float low[WK_RESAMPLE_REACH]; /* `reach` numbers a point */
    float high[WK_RESAMPLE_REACH];
};

/* Weights of the next points: of eight, or of one if the kernel is stretched. */
LANE_INLINE void plan(struct wk_resample *resample, struct batch *batch, size_t reach,
                      bool stretched)
{
    const uint64_t end_q32 =
        resample->fill > reach ? (uint64_t)(resample->fill - reach) << 32 : 0;
    const size_t left = (size_t)(WK_RESAMPLE_POINTS - resample->count);
    const size_t whole = stretched ? 1 : BATCH;
    const size_t most = left < whole ? left : whole;
    uint64_t at_q32 = resample->next_q32;
    uint32_t noise = resample->noise;
    size_t b = 0;
    for (; b < most && at_q32 < end_q32; b++) {
        const int32_t u_q32 = (int32_t)((uint32_t)at_q32 ^ UINT32_C(0x80000000));
        const float u = (float)u_q32 * 0x1p-32F;
        if (stretched) {
            wk_resample_weigh(resample, u, batch->low, batch->high);
        } else {
            weigh(u, &batch->low[b * reach], &batch->high[b * reach]);
        }
        noise = noise * UINT32_C(1664525) + UINT32_C(1013904223);
        batch->noise[b] = (float)(int32_t)noise * 0x1p-32F;
        batch->at[b] = (size_t)(at_q32 >> 32) + 1 - reach;
        at_q32 += resample->spacing_q32;
    }
    resample->next_q32 = at_q32;
    resample->noise = noise;
    batch->points = b;
}

/* With a constant reach the compiler unrolls all of it. */
LANE_INLINE void points_of(struct wk_resample *resample, size_t reach, bool stretched)
{
    struct batch batch;
    for (;;) {
        plan(resample, &batch, reach, stretched);
        if (batch.points == 0) {
            return;
        }
        struct wk_resample_point *point = &resample->point[resample->count];
        for (size_t b = 0; b < batch.points; b++) {
            const struct lane_weights weights = {&batch.low[b * reach], &batch.high[b * reach],
                                                 reach};
            point_at(resample->history[batch.at[b]], &weights, resample->scale, batch.noise[b],
                     &point[b]);
        }
        resample->count = (uint16_t)(resample->count + batch.points);
    }
}

LANE_INLINE void points(struct wk_resample *resample)
{
    if (resample->reach == WK_RESAMPLE_TAPS / 2) {
        points_of(resample, WK_RESAMPLE_TAPS / 2, false);
    } else {
        points_of(resample, resample->reach, true);
    }
}

/* ---- points to bins ---------------------------------------------------------------------- */

/* The first stage: transforms of three points, from where the others will look for them. */
LANE_INLINE void thirds(const struct wk_resample_point *points, uint8_t first, struct bin *z)
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

LANE_INLINE void transform(const struct wk_resample_point *points, uint8_t first, struct bin *z)
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
        sum += at < WK_SPECTRUM_TABLE_FLAT ? square : square * wk_spectrum_table_droop_at(at);
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
