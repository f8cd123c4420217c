/* SPDX-License-Identifier: Apache-2.0 */
#include "management/shown.h"

#define UA_PER_MA  1000
#define LEAST      1000 /* smaller values count as so much: 1 V, 1 mA, 1 W */
#define NEAR       100  /* within 1/100 of the median nothing stands out */
#define DEVIATIONS 3

static int32_t limited(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value < -INT32_MAX ? -INT32_MAX : (int32_t)value;
}

/* What may stand out, in thousandths of the unit; frequency in millionths. */
static void quantities_of(const struct wk_record_window *window,
                          int32_t value[WK_SHOWN_QUANTITIES])
{
    int at = 0;
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        value[at++] = window->u_mv[phase];
        value[at++] = limited(window->i_ua[phase] / UA_PER_MA);
        value[at++] = limited(window->p_mw[phase]);
        value[at++] = limited(window->q1_mvar[phase]);
    }
    value[at++] = limited(window->i_ua[WK_RECORD_PHASES] / UA_PER_MA);
    value[at] = window->frequency_uhz;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* The value that as many are below as are above. */
static int32_t median_of(const int32_t value[WK_SHOWN_WINDOWS])
{
    int32_t median = value[0];
    for (int i = 0; i < WK_SHOWN_WINDOWS; i++) {
        int below = 0;
        int equal = 0;
        for (int k = 0; k < WK_SHOWN_WINDOWS; k++) {
            below += value[k] < value[i] ? 1 : 0;
            equal += value[k] == value[i] ? 1 : 0;
        }
        const bool middle =
            below <= WK_SHOWN_WINDOWS / 2 && below + equal > WK_SHOWN_WINDOWS / 2;
        median = middle ? value[i] : median;
    }
    return median;
}

static bool stands_out(int64_t value, const int32_t last[WK_SHOWN_WINDOWS])
{
    int32_t off[WK_SHOWN_WINDOWS];
    const int64_t median = median_of(last);
    for (int i = 0; i < WK_SHOWN_WINDOWS; i++) {
        off[i] = limited(magnitude(last[i] - median));
    }
    const int64_t size = magnitude(median) > LEAST ? magnitude(median) : LEAST;
    const int64_t spread = DEVIATIONS * (int64_t)median_of(off);
    const int64_t most = spread > size / NEAR ? spread : size / NEAR;
    return magnitude(value - median) > most;
}

/* Takes the values into the rings; true if one of them stands out from a full ring. */
static bool is_impulse(struct wk_shown *shown, const struct wk_record_window *window)
{
    int32_t value[WK_SHOWN_QUANTITIES];
    bool impulse = false;
    const bool full = shown->count + 1 >= WK_SHOWN_WINDOWS;
    quantities_of(window, value);
    for (int q = 0; q < WK_SHOWN_QUANTITIES; q++) {
        shown->value[q][shown->next] = value[q];
        impulse = impulse || (full && stands_out(value[q], shown->value[q]));
    }
    shown->next = (uint8_t)((shown->next + 1) % WK_SHOWN_WINDOWS);
    shown->count = (uint8_t)(full ? WK_SHOWN_WINDOWS : shown->count + 1);
    return impulse;
}

void wk_shown_take(struct wk_shown *shown, const struct wk_record *record)
{
    if ((record->flags & (WK_RECORD_FEED_START | WK_RECORD_FEED_GAP)) != 0) {
        shown->count = 0;
        shown->next = 0;
        shown->rejected = 0;
    }
    const bool impulse = is_impulse(shown, &record->window);
    if (impulse && shown->rejected < WK_SHOWN_REJECTED) {
        shown->rejected++;
        return;
    }
    shown->rejected = 0;
    shown->record = *record;
}
