/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/track - the frequency of the fundamental.
 *
 * Each mark gives the phase of the last whole cycle of the reference voltage against the
 * oscillator. Until the frequency has settled the oscillator follows after every cycle; then a
 * regression over all phases of a window gives the frequency of that window, and the oscillator
 * is set for the next one. The measured frequency does not depend on the oscillator's, so there
 * is no loop that could become unstable.
 *
 * The reference is the largest voltage; when it fails the next in the order L1, L2, L3 takes
 * over, and without any the oscillator runs freely at the last frequency. */
#ifndef WK_METROLOGY_TRACK_H
#define WK_METROLOGY_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/window.h"

struct wk_track_point {
    bool valid;
    uint8_t reference;
    uint32_t turn;   /* absolute phase at `at_q16` */
    uint32_t at_q16; /* samples from the begin of the window, below 2^15 */
};

struct wk_track {
    int64_t rate_uhz;
    uint8_t cycles;    /* of a window as configured; 0 = by the frequency */
    uint8_t reference; /* phase 0..2 */
    uint8_t settled;   /* cycles in a row that confirmed the frequency */
    uint8_t restless;  /* cycles that did not since it was last locked */
    bool locked;
    bool held;                       /* the last window was too uneven to follow */
    uint8_t first;                   /* first point of this window that counts */
    int64_t floor[WK_RECORD_PHASES]; /* least amplitude of a usable voltage, counts */
    uint64_t measured;               /* step of the last window, 0 = none */
    struct wk_track_point point[WK_WINDOW_HALVES];
};

/* What a window says about the frequency. */
struct wk_track_result {
    uint64_t step;      /* of this window */
    uint64_t next_step; /* what the oscillator shall do in the next */
    bool free_run;      /* no voltage: the step is that of the oscillator */
    bool acquiring;     /* the step may be far off */
};

/** nominal_uhz: 0 = find out. floor: amplitude in counts below which a voltage is absent. */
void wk_track_init(struct wk_track *track, int64_t rate_uhz, int32_t nominal_uhz,
                   const int64_t floor[WK_RECORD_PHASES]);

/** The step to begin with. */
uint64_t wk_track_first_step(const struct wk_track *track, int32_t nominal_uhz);

/** Cycles of a window at the present frequency: 10 or 12. */
uint8_t wk_track_cycles(const struct wk_track *track, uint64_t step);

/** After each half cycle was added to the window; returns the step to go on with, which differs
 *  from `step` only while the frequency is being acquired. */
uint64_t wk_track_mark(struct wk_track *track, const struct wk_sample_map *map,
                       const struct wk_window *window, uint64_t step);

/** At the end of a window. */
void wk_track_close(struct wk_track *track, const struct wk_window *window, uint64_t step,
                    struct wk_track_result *result);

/** Chooses the reference for the next window by the voltages of the last: it stays, unless
 *  another is more than twice as large. */
void wk_track_choose(struct wk_track *track, const int32_t u_mv[WK_RECORD_PHASES]);

#endif
