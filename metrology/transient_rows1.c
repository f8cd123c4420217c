/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/transient.h"

bool wk_transient_rows_keep(const struct wk_transient *transient, const int32_t *counts,
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

void wk_transient_rows_farthest(const struct wk_transient_rows *rows, const int16_t *memory,
                                size_t frames, int16_t most[WK_TRANSIENT_LANES])
{
    most[WK_RECORD_PHASES] = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        int32_t largest = 0;
        for (size_t n = 0; n < frames; n++) {
            const int32_t off =
                rows->row[n][phase] - memory[n * WK_TRANSIENT_LANES + (size_t)phase];
            const int32_t distance = off < 0 ? -off : off;
            largest = distance > largest ? distance : largest;
        }
        most[phase] = (int16_t)largest;
    }
}
