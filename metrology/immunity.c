/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/immunity.h"

#include <stdbool.h>
#include <stddef.h>

#define PPM  INT64_C(1000000)
#define OVER INT64_MAX /* no end */

typedef enum sort {
    NEITHER = 0,
    DIP,
    SWELL,
    INTERRUPTION,
} sort;

#define STEPS 3

/* Up to each duration the voltage may be so low, or so high, in tenths; the last is for ever. */
struct curve {
    int32_t until_us[STEPS];
    uint8_t tenths[STEPS + 1];
};

/* In the order of the bits WK_RECORD_ITIC_* and WK_RECORD_F47_*. */
enum { ITIC_LOW, ITIC_HIGH, F47, CURVES };

_Static_assert(WK_RECORD_ITIC_NO_DAMAGE == 1 << ITIC_LOW &&
                   WK_RECORD_ITIC_PROHIBITED == 1 << ITIC_HIGH &&
                   WK_RECORD_F47_BELOW == 1 << F47,
               "bits of the curves");

static const struct curve k_curve[CURVES] = {
    /* ITI (CBEMA) curve 2000, lower branch: equipment works on down to it. */
    [ITIC_LOW] = {{20000, 500000, 10000000}, {0, 7, 8, 9}},
    /* ... upper branch: equipment takes no damage up to it. */
    [ITIC_HIGH] = {{1000, 3000, 500000}, {20, 14, 12, 11}},
    /* SEMI F47-0706, required points; nothing is required beyond 1 s but what is at it. */
    [F47] = {{49999, 200000, 500000}, {0, 5, 7, 8}},
};

/* Curves that a voltage is beyond, bit by bit. */
static uint32_t beyond(int64_t ppm, int64_t duration_us)
{
    uint32_t curves = 0;
    for (int c = 0; c < CURVES; c++) {
        const struct curve *curve = &k_curve[c];
        int at = 0;
        while (at < STEPS && duration_us > curve->until_us[at]) {
            at++;
        }
        const int64_t limit_ppm = curve->tenths[at] * PPM / 10;
        const bool is_beyond = c == ITIC_HIGH ? ppm > limit_ppm : ppm < limit_ppm;
        curves |= is_beyond ? 1U << c : 0;
    }
    return curves;
}

static sort sort_of(const struct wk_record_event *event)
{
    if (event->nominal_mv <= 0) {
        return NEITHER;
    }
    if (event->kind == WK_RECORD_DIP_BEGIN || event->kind == WK_RECORD_DIP_END) {
        return DIP;
    }
    if (event->kind == WK_RECORD_SWELL_BEGIN || event->kind == WK_RECORD_SWELL_END) {
        return SWELL;
    }
    return event->kind == WK_RECORD_INTERRUPTION_BEGIN ||
                   event->kind == WK_RECORD_INTERRUPTION_END
               ? INTERRUPTION
               : NEITHER;
}

static int64_t share_ppm(const struct wk_record_event *event)
{
    return event->extreme_mv * PPM / event->nominal_mv;
}

uint32_t wk_immunity_curves(const struct wk_record_event *event)
{
    const sort found = sort_of(event);
    if (found == NEITHER) {
        return 0;
    }
    const uint32_t upper = WK_RECORD_ITIC_PROHIBITED;
    return beyond(share_ppm(event), event->duration_us) & (found == SWELL ? upper : ~upper);
}

/* ---- EN 50160 ---------------------------------------------------------------------------- */

static wk_immunity_depth depth_of_dip(int64_t ppm)
{
    static const int32_t k_least_ppm[] = {800000, 700000, 400000, 50000};
    int row = 0;
    while (row < 4 && ppm < k_least_ppm[row]) {
        row++;
    }
    return (wk_immunity_depth)(WK_IMMUNITY_DIP_90_80 + row);
}

/* The first column whose end is not before the duration. */
static wk_immunity_span span_of(const int64_t *until_us, int columns, wk_immunity_span first,
                                int64_t duration_us)
{
    int column = 0;
    while (column < columns && duration_us > until_us[column]) {
        column++;
    }
    return column < columns ? (wk_immunity_span)((int)first + column) : WK_IMMUNITY_SPAN_NONE;
}

struct wk_immunity_cell wk_immunity_cell(const struct wk_record_event *event)
{
    static const int64_t k_dip_us[] = {200000, 500000, 1000000, 5000000, 60000000};
    static const int64_t k_swell_us[] = {500000, 5000000, 60000000};
    static const int64_t k_interruption_us[] = {180000000, OVER};
    const int64_t duration_us = event->duration_us;
    switch (sort_of(event)) {
    case DIP:
        return (struct wk_immunity_cell){
            .depth = depth_of_dip(share_ppm(event)),
            .span = span_of(k_dip_us, 5, WK_IMMUNITY_DIP_200_MS, duration_us),
        };
    case SWELL:
        return (struct wk_immunity_cell){
            .depth =
                share_ppm(event) >= 1200000 ? WK_IMMUNITY_SWELL_120 : WK_IMMUNITY_SWELL_120_110,
            .span = span_of(k_swell_us, 3, WK_IMMUNITY_SWELL_500_MS, duration_us),
        };
    case INTERRUPTION:
        return (struct wk_immunity_cell){
            .depth = WK_IMMUNITY_INTERRUPTION,
            .span = span_of(k_interruption_us, 2, WK_IMMUNITY_SHORT, duration_us),
        };
    case NEITHER:
    default:
        return (struct wk_immunity_cell){.depth = WK_IMMUNITY_DEPTH_NONE};
    }
}
