/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/flicker.h"

/* Sums of one voltage. */
struct sums {
    float once;
    float twice;
    uint32_t loud;
};

static struct sums sums_of(const struct wk_flicker *flicker, int phase, const int32_t *frame,
                           size_t frames)
{
    struct sums sums = {0};
    const uint32_t offset = (uint32_t)flicker->offset[phase];
    float weight = (float)(flicker->factor - flicker->taken);
    for (size_t n = 0; n < frames; n++, frame += flicker->channels) {
        const uint32_t count = (uint32_t)frame[flicker->index[phase]];
        const float value = (float)(int32_t)(count - offset);
        const float square = value * value;
        sums.loud |= count + WK_SAMPLE_COUNTS;
        sums.once += square;
        sums.twice += weight * square; /* so often it enters the sum of sums */
        weight -= 1;
    }
    return sums;
}

bool wk_flicker_sums_add(struct wk_flicker *flicker, const int32_t *frame, size_t frames)
{
    struct sums sums[WK_RECORD_PHASES];
    uint32_t loud = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        sums[phase] = sums_of(flicker, phase, frame, frames);
        loud |= sums[phase].loud;
    }
    if (loud >= 2U * WK_SAMPLE_COUNTS) {
        return false;
    }
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        flicker->once[phase] += sums[phase].once;
        flicker->twice[phase] += sums[phase].twice;
    }
    return true;
}
