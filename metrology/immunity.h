/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/immunity - what a voltage event means to equipment and to the statistics.
 *
 * Curves: ITI (CBEMA) curve of 2000, in percent of the nominal voltage whatever that is, and
 * SEMI F47-0706 with its required points 50 % for 0.2 s, 70 % for 0.5 s, 80 % for 1 s, from
 * 0.05 s on. Cells: the tables of EN 50160:2010, 4.3.2 and 5.3, of the weekly statistics. */
#ifndef WK_METROLOGY_IMMUNITY_H
#define WK_METROLOGY_IMMUNITY_H

#include <stdint.h>

#include "metrology/record.h"

/* Rows of the tables: residual voltage of a dip, maximum of a swell. */
typedef enum wk_immunity_depth {
    WK_IMMUNITY_DEPTH_NONE = 0, /* not in a table: neither dip nor swell nor interruption */
    WK_IMMUNITY_DIP_90_80,      /* 90 % > u >= 80 % */
    WK_IMMUNITY_DIP_80_70,
    WK_IMMUNITY_DIP_70_40,
    WK_IMMUNITY_DIP_40_5,
    WK_IMMUNITY_DIP_5_0,
    WK_IMMUNITY_SWELL_120,     /* u >= 120 % */
    WK_IMMUNITY_SWELL_120_110, /* 120 % > u > 110 % */
    WK_IMMUNITY_INTERRUPTION,
} wk_immunity_depth;

/* Columns: dips have five, swells three, interruptions two. */
typedef enum wk_immunity_span {
    WK_IMMUNITY_SPAN_NONE = 0, /* beyond the last column: over 60 s */
    WK_IMMUNITY_DIP_200_MS,    /* up to 200 ms */
    WK_IMMUNITY_DIP_500_MS,
    WK_IMMUNITY_DIP_1_S,
    WK_IMMUNITY_DIP_5_S,
    WK_IMMUNITY_DIP_60_S,
    WK_IMMUNITY_SWELL_500_MS,
    WK_IMMUNITY_SWELL_5_S,
    WK_IMMUNITY_SWELL_60_S,
    WK_IMMUNITY_SHORT, /* an interruption up to 3 minutes */
    WK_IMMUNITY_LONG,
} wk_immunity_span;

struct wk_immunity_cell {
    wk_immunity_depth depth;
    wk_immunity_span span;
};

/** WK_RECORD_ITIC_* and WK_RECORD_F47_* bits of a dip, swell or interruption that is over, begin
 *  or end kind; 0 for other kinds and if nominal_mv is 0. */
uint32_t wk_immunity_curves(const struct wk_record_event *event);

/** The cell of EN 50160's table in which it counts, likewise. */
struct wk_immunity_cell wk_immunity_cell(const struct wk_record_event *event);

#endif
