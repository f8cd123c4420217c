/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/inner.h"

static inline uint32_t part(const int32_t *restrict counts, const uint32_t *restrict raise,
                            size_t channels, size_t frames,
                            uint32_t rows[restrict WK_HAL_CHANNELS][WK_INNER_FRAMES])
{
    uint32_t bits = 0;
    for (size_t n = 0; n < frames; n++) {
        for (size_t c = 0; c < channels; c++) {
            const int32_t count = counts[n * channels + c];
            bits |= (uint32_t)(count < 0 ? ~count : count);
            rows[c][n] = (uint32_t)count + raise[c];
        }
    }
    return bits;
}

/* The usual frames have a constant number of channels, which lets the compiler unroll. */
WK_INNER_CLONES uint32_t wk_inner_part(const int32_t *counts,
                                       const uint32_t raise[WK_HAL_CHANNELS], size_t channels,
                                       size_t frames,
                                       uint32_t rows[WK_HAL_CHANNELS][WK_INNER_FRAMES])
{
    uint32_t bits;
    switch (WK_INNER_USUAL ? channels : 0) {
    case 2:
        bits = part(counts, raise, 2, frames, rows);
        break;
    case 6:
        bits = part(counts, raise, 6, frames, rows);
        break;
    case 8:
        bits = part(counts, raise, 8, frames, rows);
        break;
    default:
        bits = part(counts, raise, channels, frames, rows);
        break;
    }
    for (size_t n = frames; n % WK_INNER_STEP != 0; n++) {
        for (size_t c = 0; c < channels; c++) {
            rows[c][n] = 0;
        }
    }
    return bits;
}

WK_INNER_CLONES void wk_inner_channel(const uint32_t *restrict x,
                                      const uint32_t *restrict cosine,
                                      const uint32_t *restrict sine, size_t steps,
                                      struct wk_inner_sums *restrict sums)
{
    struct wk_inner_sums sum = {0};
    const size_t count = steps * WK_INNER_STEP;
    for (size_t n = 0; n < count; n++) {
        sum.x += x[n];
        sum.xx += (uint64_t)x[n] * x[n];
        sum.x_cos += (uint64_t)x[n] * cosine[n];
        sum.x_sin += (uint64_t)x[n] * sine[n];
    }
    *sums = sum;
}

WK_INNER_CLONES uint64_t wk_inner_pair(const uint32_t *restrict x, const uint32_t *restrict y,
                                       size_t steps)
{
    uint64_t sum = 0;
    const size_t count = steps * WK_INNER_STEP;
    for (size_t n = 0; n < count; n++) {
        sum += (uint64_t)x[n] * y[n];
    }
    return sum;
}
