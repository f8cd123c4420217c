/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metrology/quality_sums.h"

#define LANES 4 /* three voltages, and one that only fills up the vector */

typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef int32_t integers __attribute__((vector_size(4 * LANES)));
typedef float floats __attribute__((vector_size(4 * LANES)));

struct sums {
    floats x;
    floats xx;
    words loud;
};

static inline void add_counts(struct sums *sums, words counts, words offset)
{
    const floats value = __builtin_convertvector((integers)(counts - offset), floats);
    sums->loud |= counts + WK_SAMPLE_COUNTS;
    sums->x += value;
    sums->xx += value * value;
}

static inline words load(const int32_t *from)
{
    words counts;
    memcpy(&counts, from, sizeof counts);
    return counts;
}

/* Frames whose voltages lie side by side; two sums at a time, because each addition waits for
 * the one before. */
static void add_abreast(const int32_t *at, size_t channels, size_t frames, words offset,
                        struct sums *sums)
{
    struct sums odd = {.loud = {0}};
    size_t n = 0;
    for (; n + 1 < frames; n += 2, at += 2 * channels) {
        add_counts(sums, load(at), offset);
        add_counts(&odd, load(at + channels), offset);
    }
    if (n < frames) {
        add_counts(sums, load(at), offset);
    }
    sums->x += odd.x;
    sums->xx += odd.xx;
    sums->loud |= odd.loud;
}

static void add_apart(const struct wk_quality *quality, const int32_t *frame, size_t frames,
                      words offset, struct sums *sums)
{
    for (size_t n = 0; n < frames; n++, frame += quality->channels) {
        words counts = {0};
        for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
            counts[phase] = (uint32_t)frame[quality->index[phase]];
        }
        add_counts(sums, counts, offset);
    }
}

bool wk_quality_sums(const struct wk_quality *quality, const int32_t *counts, size_t frames,
                     int64_t x[WK_RECORD_PHASES], uint64_t xx[WK_RECORD_PHASES])
{
    const uint8_t *index = quality->index;
    const bool abreast = index[1] == index[0] + 1 && index[2] == index[0] + 2 &&
                         index[0] + LANES <= quality->channels;
    struct sums sums = {.loud = {0}};
    words offset = {0};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        offset[phase] = (uint32_t)quality->offset[phase];
    }
    if (abreast) {
        add_abreast(counts + index[0], quality->channels, frames, offset, &sums);
    } else {
        add_apart(quality, counts, frames, offset, &sums);
    }
    const uint32_t loud = sums.loud[0] | sums.loud[1] | sums.loud[2];
    for (int phase = 0; phase < WK_RECORD_PHASES && loud < 2U * WK_SAMPLE_COUNTS; phase++) {
        x[phase] = (int64_t)sums.x[phase];
        xx[phase] = (uint64_t)sums.xx[phase];
    }
    return loud < 2U * WK_SAMPLE_COUNTS;
}
