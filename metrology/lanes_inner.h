/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/lanes_inner - what lanes of vectors consist of, over the type of a lane.
 *
 * The file that includes this has defined LANES, LANE_INLINE (static inline, and for which
 * processor), the types wk_lane (float, or a vector of floats) and lane_word (int32_t or a vector
 * of them), the conversions between them, lane_point (what a point is stored as: the points of
 * a window are an array of it) and point_at. The other half is
 * metrology/fft_inner. */
#ifndef WK_METROLOGY_LANES_INNER_H
#define WK_METROLOGY_LANES_INNER_H

#include "metrology/spectrum_table.h"

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
    /* here, so that they are not looked up again after every point */
    float(*const history)[WK_HAL_CHANNELS] = resample->history;
    float scale[WK_HAL_CHANNELS];
    for (size_t c = 0; c < WK_HAL_CHANNELS; c++) {
        scale[c] = resample->scale[c];
    }
    for (;;) {
        plan(resample, &batch, reach, stretched);
        if (batch.points == 0) {
            return;
        }
        lane_point *point = (lane_point *)resample->points + resample->count;
        for (size_t b = 0; b < batch.points; b++) {
            const struct lane_weights weights = {&batch.low[b * reach], &batch.high[b * reach],
                                                 reach};
            point_at(history[batch.at[b]], &weights, scale, batch.noise[b], &point[b]);
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

#endif
