/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/lanes.h"

#define LANES       1
#define LANE_INLINE static inline
#define ROUND       12582912.0F /* 1.5 * 2^23: the low bits of a sum with it are the rounded number */

typedef float wk_lane;
typedef int32_t lane_word;

/* Of the samples around a point, pairwise: `low` from the earliest on, `high` from the latest. */
struct lane_weights {
    const float *low;
    const float *high;
    size_t reach;
};

LANE_INLINE wk_lane lane_load(const float *from)
{
    return *from;
}

LANE_INLINE void lane_store(float *to, wk_lane lane)
{
    *to = lane;
}

LANE_INLINE lane_word words_of(const int32_t *counts, size_t left)
{
    (void)left;
    return *counts;
}

LANE_INLINE lane_word words_less(lane_word a, lane_word b)
{
    return (lane_word)((uint32_t)a - (uint32_t)b);
}

LANE_INLINE wk_lane floats_of(lane_word words)
{
    return (wk_lane)words;
}

LANE_INLINE wk_lane larger(wk_lane a, wk_lane b)
{
    return b > a ? b : a;
}

LANE_INLINE wk_lane lane_of(const struct wk_resample_point *point, uint8_t first)
{
    const uint32_t pair = point->pair[first % 4U];
    return (wk_lane)((int32_t)(pair << (16U - 4U * (first & 4U))) >> 16);
}

/* `y` rounded, in the low half; the high half is of no meaning. */
LANE_INLINE uint32_t rounded(float y, float scale, float noise)
{
    const union {
        float number;
        uint32_t bits;
    } sum = {.number = y * scale + noise + ROUND};
    return sum.bits;
}

LANE_INLINE uint32_t pair_of(const float *scale, float y_low, float y_high, float noise)
{
    return (rounded(y_low, scale[0], noise) & 0xFFFFU) |
           rounded(y_high, scale[WK_HAL_CHANNELS / 2], noise) << 16;
}

LANE_INLINE void point_at(const float *frames, const struct lane_weights *weights,
                          const float scale[WK_HAL_CHANNELS], float noise,
                          struct wk_resample_point *point)
{
    const float *frame = frames;
    const float *mirror = frames + (2 * weights->reach - 1) * WK_HAL_CHANNELS;
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    float e = 0;
    float f = 0;
    float g = 0;
    float h = 0;
    for (size_t m = 0; m < weights->reach; m++) {
        const float early = weights->low[m];
        const float late = weights->high[m];
        a += frame[0] * early;
        b += frame[1] * early;
        c += frame[2] * early;
        d += frame[3] * early;
        e += frame[4] * early;
        f += frame[5] * early;
        g += frame[6] * early;
        h += frame[7] * early;
        a += mirror[0] * late;
        b += mirror[1] * late;
        c += mirror[2] * late;
        d += mirror[3] * late;
        e += mirror[4] * late;
        f += mirror[5] * late;
        g += mirror[6] * late;
        h += mirror[7] * late;
        frame += WK_HAL_CHANNELS;
        mirror -= WK_HAL_CHANNELS;
    }
    point->pair[0] = pair_of(&scale[0], a, e, noise);
    point->pair[1] = pair_of(&scale[1], b, f, noise);
    point->pair[2] = pair_of(&scale[2], c, g, noise);
    point->pair[3] = pair_of(&scale[3], d, h, noise);
}

#include "metrology/fft_inner.h"
#include "metrology/lanes_inner.h"

static void points1(struct wk_resample *resample)
{
    points(resample);
}

static void take1(struct wk_resample *resample, const int32_t *counts, size_t frames,
                  float peak_square[WK_HAL_CHANNELS], float square[WK_HAL_CHANNELS])
{
    take(resample, counts, frames, peak_square, square);
}

static void transform1(const struct wk_resample_point *from, uint8_t first, float *work)
{
    transform(from, first, (struct bin *)(void *)work);
}

static void group1(float *work, const struct wk_lanes_grouping *grouping)
{
    group((struct bin *)(void *)work, grouping);
}

const struct wk_lanes wk_lanes_one = {
    .lanes = LANES,
    .take = take1,
    .points = points1,
    .transform = transform1,
    .group = group1,
};
