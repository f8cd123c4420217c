/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metrology/flicker.h"

/* Four numbers in one, which compilers turn into vector registers where there are any. */
typedef uint32_t words __attribute__((vector_size(4 * WK_FLICKER_LANES)));
typedef int32_t integers __attribute__((vector_size(4 * WK_FLICKER_LANES)));
typedef float floats __attribute__((vector_size(4 * WK_FLICKER_LANES)));

/* Sums while frames are added, by lane; the last lane only fills up the vector. */
struct sums {
    floats once;
    floats twice;
    words loud;
};

/* `weight`: how often the square enters the sum of sums. */
static inline void add_counts(struct sums *sums, words count, words offset, float weight)
{
    const floats value = __builtin_convertvector((integers)(count - offset), floats);
    const floats square = value * value;
    sums->loud |= count + WK_SAMPLE_COUNTS;
    sums->once += square;
    sums->twice += weight * square;
}

/* Frames whose voltages lie side by side; two sums at a time, because each addition waits for
 * the one before. */
static void add_abreast(const struct wk_flicker *flicker, const int32_t *frame, size_t frames,
                        words offset, struct sums *sums)
{
    struct sums odd = {.loud = {0}};
    words count;
    float weight = (float)(flicker->factor - flicker->taken);
    size_t n = 0;
    frame += flicker->index[0];
    for (; n + 1 < frames; n += 2, frame += 2 * flicker->channels) {
        memcpy(&count, frame, sizeof count);
        add_counts(sums, count, offset, weight);
        memcpy(&count, frame + flicker->channels, sizeof count);
        add_counts(&odd, count, offset, weight - 1);
        weight -= 2;
    }
    if (n < frames) {
        memcpy(&count, frame, sizeof count);
        add_counts(sums, count, offset, weight);
    }
    sums->once += odd.once;
    sums->twice += odd.twice;
    sums->loud |= odd.loud;
}

static void add_apart(const struct wk_flicker *flicker, const int32_t *frame, size_t frames,
                      words offset, struct sums *sums)
{
    float weight = (float)(flicker->factor - flicker->taken);
    for (size_t n = 0; n < frames; n++, frame += flicker->channels) {
        words count = {0};
        for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
            count[phase] = (uint32_t)frame[flicker->index[phase]];
        }
        add_counts(sums, count, offset, weight);
        weight -= 1;
    }
}

bool wk_flicker_sums_add(struct wk_flicker *flicker, const int32_t *frame, size_t frames)
{
    const uint8_t *at = flicker->index;
    const bool abreast = at[1] == at[0] + 1 && at[2] == at[0] + 2 &&
                         at[0] + WK_FLICKER_LANES <= flicker->channels;
    words offset = {0};
    struct sums sums = {.loud = {0}};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        offset[phase] = (uint32_t)flicker->offset[phase];
    }
    if (abreast) {
        add_abreast(flicker, frame, frames, offset, &sums);
    } else {
        add_apart(flicker, frame, frames, offset, &sums);
    }
    if ((sums.loud[0] | sums.loud[1] | sums.loud[2]) >= 2U * WK_SAMPLE_COUNTS) {
        return false;
    }
    for (int lane = 0; lane < WK_FLICKER_LANES; lane++) {
        flicker->once[lane] += sums.once[lane];
        flicker->twice[lane] += sums.twice[lane];
    }
    return true;
}
