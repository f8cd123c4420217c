/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/window - the half cycles of one 10/12-cycle window (IEC 61000-4-30, 4.4).
 *
 * Sums that do not depend on the frequency are added up at once. Phasors are kept per half
 * cycle until the window ends, because only then its own frequency is known: each is turned to
 * that frequency before they are added, so that the result does not suffer when the oscillator
 * was somewhat off. */
#ifndef WK_METROLOGY_WINDOW_H
#define WK_METROLOGY_WINDOW_H

#include <stdint.h>

#include "metrology/cycle.h"

#define WK_WINDOW_HALVES 26 /* 12 cycles, and one half cycle cut short */

struct wk_window_half {
    int64_t begin_q16;           /* samples from the begin of the window */
    int64_t frames_q16;          /* length */
    uint32_t middle;             /* phase of the oscillator in the middle, 2^32 = one turn */
    struct wk_angle_vector wave; /* sum of the oscillator, conjugate, Q16 */
    struct wk_angle_vector phasor[WK_SAMPLE_SLOTS]; /* count * samples, Q16 */
    int64_t x[WK_SAMPLE_SLOTS];
    int64_t xx[WK_RECORD_PHASES]; /* of the voltages */
};

struct wk_window {
    uint8_t halves;
    int64_t frames_q16;
    int64_t x[WK_SAMPLE_SLOTS];
    int64_t xx[WK_SAMPLE_SLOTS];
    int64_t ui[WK_RECORD_PHASES]; /* corrected for delays */
    struct wk_window_half half[WK_WINDOW_HALVES];
};

/* Fundamental phasors over the first `frames_q16` of a window. */
struct wk_window_phasors {
    int64_t frames_q16;
    struct wk_angle_vector
        phasor[WK_SAMPLE_SLOTS]; /* count * samples, Q16; the angle is that of
                                    the cosine at the begin of the window */
};

void wk_window_init(struct wk_window *window);

/** Adds cycle->half. There must be room: halves < WK_WINDOW_HALVES. `complete`: it ended at its
 *  mark, not by a cut. */
void wk_window_add(struct wk_window *window, const struct wk_cycle *cycle, bool complete);

/** The phasors of the first `halves` half cycles at the frequency `step`, free of DC. */
void wk_window_phasors(const struct wk_window *window, uint8_t halves, uint64_t step,
                       struct wk_window_phasors *phasors);

/** Fraction of a turn that a frequency makes in a time of samples in Q16. */
uint32_t wk_window_turn(uint64_t step, int64_t samples_q16);

#endif
