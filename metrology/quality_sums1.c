/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quality_sums.h"

/* Sums over frames of one voltage, each count raised by WK_SAMPLE_COUNTS, which makes it a number
 * of 25 bits without a sign if it is in range. */
struct raised {
    uint64_t x;
    uint64_t xx;
};

/* Takes the raise and the offset out of the sums again, modulo 2^64 and so exactly. */
static void lower(const struct raised *raised, int32_t offset, size_t frames, int64_t *x,
                  uint64_t *xx)
{
    const uint64_t by = (uint64_t)((int64_t)WK_SAMPLE_COUNTS + offset);
    *x = (int64_t)(raised->x - by * frames);
    *xx = raised->xx - 2 * by * raised->x + by * by * frames;
}

bool wk_quality_sums(const struct wk_quality *quality, const int32_t *counts, size_t frames,
                     int64_t x[WK_RECORD_PHASES], uint64_t xx[WK_RECORD_PHASES])
{
    const size_t channels = quality->channels;
    const int32_t *a = counts + quality->index[0];
    const int32_t *b = counts + quality->index[1];
    const int32_t *c = counts + quality->index[2];
    struct raised sums[WK_RECORD_PHASES] = {{0, 0}, {0, 0}, {0, 0}};
    uint32_t bits = 0;
    for (size_t n = 0; n < frames; n++, a += channels, b += channels, c += channels) {
        const uint32_t u = (uint32_t)*a + WK_SAMPLE_COUNTS;
        const uint32_t v = (uint32_t)*b + WK_SAMPLE_COUNTS;
        const uint32_t w = (uint32_t)*c + WK_SAMPLE_COUNTS;
        bits |= u | v | w;
        sums[0] = (struct raised){sums[0].x + u, sums[0].xx + (uint64_t)u * u};
        sums[1] = (struct raised){sums[1].x + v, sums[1].xx + (uint64_t)v * v};
        sums[2] = (struct raised){sums[2].x + w, sums[2].xx + (uint64_t)w * w};
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        lower(&sums[phase], quality->offset[phase], frames, &x[phase], &xx[phase]);
    }
    return bits < 2U * WK_SAMPLE_COUNTS;
}
