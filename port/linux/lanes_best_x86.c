/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "port/linux/lanes_best.h"

#define LANES       8
#define LANE_TARGET __attribute__((target("avx2,fma")))
#define LANE_INLINE static inline LANE_TARGET
#define ROUND       12582912.0F /* 1.5 * 2^23: the low bits of a sum with it are the rounded number */

typedef float wk_lane __attribute__((vector_size(32)));
typedef int32_t lane_word __attribute__((vector_size(32)));
typedef uint32_t lane_bits __attribute__((vector_size(32)));
typedef int32_t half_word __attribute__((vector_size(16)));
typedef uint32_t half_bits __attribute__((vector_size(16)));

/* A point of all channels: low half = channels 0..3 of the frame, high half = 4..7. */
struct lane_pairs {
    uint32_t pair[WK_HAL_CHANNELS / 2];
};
typedef struct lane_pairs lane_point;

/* Of the samples around a point, pairwise: `low` from the earliest on, `high` from the latest. */
struct lane_weights {
    const float *low;
    const float *high;
    size_t reach;
};

LANE_INLINE wk_lane lane_load(const float *from)
{
    wk_lane lane;
    memcpy(&lane, from, sizeof lane);
    return lane;
}

LANE_INLINE void lane_store(float *to, wk_lane lane)
{
    memcpy(to, &lane, sizeof lane);
}

/* Of what is `left`; fewer than eight are filled up with zeros. */
LANE_INLINE lane_word words_of(const int32_t *counts, size_t left)
{
    lane_word words = {0};
    if (left >= LANES) {
        memcpy(&words, counts, sizeof words);
    } else {
        for (size_t c = 0; c < left; c++) {
            words[c] = counts[c];
        }
    }
    return words;
}

LANE_INLINE lane_word words_less(lane_word a, lane_word b)
{
    return (lane_word)((lane_bits)a - (lane_bits)b);
}

LANE_INLINE wk_lane floats_of(lane_word words)
{
    return __builtin_convertvector(words, wk_lane);
}

LANE_INLINE wk_lane larger(wk_lane a, wk_lane b)
{
    const lane_bits is_b = (lane_bits)(b > a);
    return (wk_lane)(((lane_bits)b & is_b) | ((lane_bits)a & ~is_b));
}

LANE_INLINE wk_lane lane_of(const struct lane_pairs *point, uint8_t first)
{
    (void)first;
    half_bits bits;
    memcpy(&bits, point->pair, sizeof bits);
    const half_word low = (half_word)(bits << 16) >> 16;
    const half_word high = (half_word)bits >> 16;
    return floats_of(__builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7));
}

LANE_INLINE void point_at(const float *frames, const struct lane_weights *weights,
                          const float scale[WK_HAL_CHANNELS], float noise,
                          struct lane_pairs *point)
{
    const float *mirror = frames + (2 * weights->reach - 1) * WK_HAL_CHANNELS;
    wk_lane early = {0};
    wk_lane late = {0};
    for (size_t m = 0; m < weights->reach; m++) {
        early += lane_load(frames) * weights->low[m];
        late += lane_load(mirror) * weights->high[m];
        frames += WK_HAL_CHANNELS;
        mirror -= WK_HAL_CHANNELS;
    }
    const lane_bits y = (lane_bits)((early + late) * lane_load(scale) + noise + ROUND);
    const half_bits low = __builtin_shufflevector(y, y, 0, 1, 2, 3);
    const half_bits high = __builtin_shufflevector(y, y, 4, 5, 6, 7);
    const half_bits pairs = (low & 0xFFFFU) | high << 16;
    memcpy(point->pair, &pairs, sizeof pairs);
}

#include "metrology/fft_inner.h"
#include "metrology/lanes_inner.h"

static LANE_TARGET void points8(struct wk_resample *resample)
{
    points(resample);
}

static LANE_TARGET void take8(struct wk_resample *resample, const int32_t *counts,
                              size_t frames, float peak_square[WK_HAL_CHANNELS],
                              float square[WK_HAL_CHANNELS])
{
    take(resample, counts, frames, peak_square, square);
}

static LANE_TARGET void halve8(struct wk_resample *resample, uint8_t channel)
{
    halve(resample, channel);
}

static LANE_TARGET void transform8(const void *from, uint8_t first,
                                   const struct wk_lanes_grouping *grouping, float *work)
{
    (void)grouping;
    transform(from, first, (struct bin *)(void *)work);
}

static LANE_TARGET void group8(float *work, const struct wk_lanes_grouping *grouping)
{
    group((struct bin *)(void *)work, grouping);
}

const struct wk_lanes *wk_lanes_best(void)
{
    static const struct wk_lanes k_eight = {
        .lanes = LANES,
        .take = take8,
        .points = points8,
        .halve = halve8,
        .transform = transform8,
        .group = group8,
    };
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &k_eight
                                                                           : &wk_lanes_four;
}
