/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metrology/transient.h"

/* Vectors, where the processor has any. */
typedef int32_t words __attribute__((vector_size(4 * WK_TRANSIENT_LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * WK_TRANSIENT_LANES)));
typedef int16_t twice __attribute__((vector_size(4 * WK_TRANSIENT_LANES))); /* two frames */

/* The low halves of eight words; the order of octets in a word is that of both processors. */
#define LOW_HALVES 0, 2, 4, 6, 8, 10, 12, 14

/* One frame, less offset and shifted; the lane that is no voltage is 0. */
static inline words kept_words(const int32_t *from, bits offset, uint8_t shift)
{
    const words voltages = {-1, -1, -1, 0};
    bits count;
    memcpy(&count, from, sizeof count);
    return ((words)(count - offset) >> shift) & voltages;
}

static bool keep_abreast(const struct wk_transient *transient, const int32_t *counts,
                         size_t frames, struct wk_transient_rows *rows)
{
    bits offset = {0};
    bits loud = {0};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        offset[phase] = (uint32_t)transient->lane[phase].offset;
    }
    const int32_t *from = counts + transient->lane[0].index;
    const size_t channels = transient->channels;
    for (size_t n = 0; n < frames; n += 2) {
        /* an odd last frame is taken twice; the second is not used */
        const size_t step = n + 1 < frames ? channels : 0;
        const words a = kept_words(from, offset, transient->shift);
        const words b = kept_words(from + step, offset, transient->shift);
        const twice both = __builtin_shufflevector((twice)a, (twice)b, LOW_HALVES);
        memcpy(rows->row[n], &both, sizeof both);
        loud |= ((bits)a + (uint32_t)WK_TRANSIENT_KEPT_MOST) |
                ((bits)b + (uint32_t)WK_TRANSIENT_KEPT_MOST);
        from += 2 * channels;
    }
    return (loud[0] | loud[1] | loud[2]) <= WK_TRANSIENT_KEPT_BITS;
}

static bool keep_apart(const struct wk_transient *transient, const int32_t *counts,
                       size_t frames, struct wk_transient_rows *rows)
{
    uint32_t loud = 0;
    for (int phase = 0; phase < WK_TRANSIENT_LANES; phase++) {
        const int at = phase < WK_RECORD_PHASES ? phase : 0;
        const struct wk_transient_lane *lane = &transient->lane[at];
        for (size_t n = 0; n < frames; n++) {
            const uint32_t count =
                lane->present ? (uint32_t)counts[n * transient->channels + lane->index] : 0;
            const int32_t value = (int32_t)(count - (uint32_t)lane->offset) >> transient->shift;
            rows->row[n][phase] = (int16_t)value;
            loud |= (uint32_t)value + WK_TRANSIENT_KEPT_MOST;
        }
    }
    return loud <= WK_TRANSIENT_KEPT_BITS;
}

bool wk_transient_rows_keep(const struct wk_transient *transient, const int32_t *counts,
                            size_t frames, struct wk_transient_rows *rows)
{
    return transient->abreast ? keep_abreast(transient, counts, frames, rows)
                              : keep_apart(transient, counts, frames, rows);
}

static inline twice larger(twice a, twice b)
{
    const twice is_b = b > a;
    return (b & is_b) | (a & ~is_b);
}

static inline twice distance_of(twice a, twice b)
{
    const twice off = a - b;
    const twice sign = off >> 15;
    return (off ^ sign) - sign;
}

/* No value is so large that a difference could wrap. */
void wk_transient_rows_farthest(const struct wk_transient_rows *rows, const int16_t *memory,
                                size_t frames, int16_t most[WK_TRANSIENT_LANES])
{
    twice largest = {0};
    twice now;
    twice before;
    size_t n = 0;
    for (; n + 1 < frames; n += 2) {
        memcpy(&now, rows->row[n], sizeof now);
        memcpy(&before, memory + n * WK_TRANSIENT_LANES, sizeof before);
        largest = larger(largest, distance_of(now, before));
    }
    if (n < frames) {
        now = (twice){0};
        before = (twice){0};
        memcpy(&now, rows->row[n], sizeof now / 2);
        memcpy(&before, memory + n * WK_TRANSIENT_LANES, sizeof before / 2);
        largest = larger(largest, distance_of(now, before));
    }
    for (int lane = 0; lane < WK_TRANSIENT_LANES; lane++) {
        const int16_t other = largest[lane + WK_TRANSIENT_LANES];
        most[lane] = largest[lane] > other ? largest[lane] : other;
    }
}
