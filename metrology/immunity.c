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

/* Up to a duration the voltage may be so low, or so high. */
struct point {
    int64_t until_us;
    int32_t ppm;
};

/* ITI (CBEMA) curve 2000, lower branch: equipment works on down to it. */
static const struct point k_itic_low[] = {
    {20000, 0}, {500000, 700000}, {10000000, 800000}, {OVER, 900000}};
/* ... upper branch: equipment takes no damage up to it. */
static const struct point k_itic_high[] = {
    {1000, 2000000}, {3000, 1400000}, {500000, 1200000}, {OVER, 1100000}};
/* SEMI F47-0706, required points; nothing is required beyond 1 s but what is required at it. */
static const struct point k_f47[] = {
    {49999, 0}, {200000, 500000}, {500000, 700000}, {OVER, 800000}};

#define POINTS 4

static int32_t limit_at(const struct point curve[POINTS], int64_t duration_us)
{
    int at = 0;
    while (at < POINTS - 1 && duration_us > curve[at].until_us) {
        at++;
    }
    return curve[at].ppm;
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
    const int64_t ppm = share_ppm(event);
    const int64_t duration_us = event->duration_us;
    if (found == SWELL) {
        return ppm > limit_at(k_itic_high, duration_us) ? WK_RECORD_ITIC_PROHIBITED : 0;
    }
    const bool itic = ppm < limit_at(k_itic_low, duration_us);
    const bool f47 = ppm < limit_at(k_f47, duration_us);
    return (itic ? (uint32_t)WK_RECORD_ITIC_NO_DAMAGE : 0) |
           (f47 ? (uint32_t)WK_RECORD_F47_BELOW : 0);
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
