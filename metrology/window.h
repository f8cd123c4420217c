/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/window - the half cycles of one 10/12-cycle window (IEC 61000-4-30, 4.4).
 *
 * Sums that do not depend on the frequency are added up at once. Phasors are kept per half
 * cycle until the window ends, because only then its own frequency is known: each is turned to
 * that frequency before they are added, so that the result does not suffer when the oscillator
 * was somewhat off.
 *
 * At a clock tick a new block of 10/12 cycles begins while the old one is still being completed
 * (IEC 61000-4-30, 4.5.2: overlap). Then the window after the old one begins with the half
 * cycles they have in common: they count in its quantities, but not among its own sums, so that
 * energy stays gapless and is counted once. */
#ifndef WK_METROLOGY_WINDOW_H
#define WK_METROLOGY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/cycle.h"

#define WK_WINDOW_HALVES 26 /* 12 cycles, and one half cycle cut short */

/* Sums over whole samples and the divided ones at the ends, in counts. */
#define WK_WINDOW_SUMS (1 + 2 * WK_SAMPLE_SLOTS + WK_RECORD_PHASES)

struct wk_window_sums {
    union {
        struct {
            int64_t frames_q16;
            int64_t x[WK_SAMPLE_SLOTS];
            int64_t xx[WK_SAMPLE_SLOTS];
            int64_t ui[WK_RECORD_PHASES]; /* corrected for delays */
        };
        int64_t each[WK_WINDOW_SUMS]; /* all of these */
    };
};

/* A half cycle: vectors are sums of the oscillator, conjugate, and of count * oscillator, Q16. */
struct wk_window_half {
    int64_t begin_q16;  /* samples from the begin of the block */
    uint32_t middle;    /* phase of the oscillator in the middle, 2^32 = one turn */
    int64_t frames_q16; /* length */
    struct wk_angle_vector wave;
    struct wk_window_slot {
        struct wk_angle_vector phasor;
        int64_t x; /* sum of the counts */
        int64_t xx;
    } slot[WK_SAMPLE_SLOTS];
};

/* The last two half cycles of a slot together. */
struct wk_window_cycle {
    int64_t frames_q16;
    int64_t x;
    int64_t xx;
    struct wk_angle_vector phasor; /* free of DC */
};

/* What is kept of one until the window ends: a wave is below 2^26, a phasor below 2^49; two bits
 * behind the point of Q16 are dropped, so that 48 bits hold it. Real parts are [0]. */
struct wk_window_kept {
    uint32_t frames_q16;
    int32_t wave[2];
    uint32_t low[WK_SAMPLE_SLOTS][2];
    int16_t high[WK_SAMPLE_SLOTS][2];
};

struct wk_window {
    uint8_t halves;                /* of the block: overlapping ones and own */
    uint8_t first;                 /* own; those before it belong to the window before, too */
    bool marked;                   /* a block that overlaps this one has begun */
    int64_t block_q16;             /* length of the block so far, samples */
    struct wk_window_sums own;     /* of half[first] and later */
    struct wk_window_sums late;    /* of those since wk_window_mark */
    struct wk_window_sums before;  /* of half[0] .. half[first - 1] */
    struct wk_window_half last[2]; /* the last two half cycles, the newest second */
    struct wk_window_kept half[WK_WINDOW_HALVES];
};

/* Fundamental phasors over `frames_q16` of a window. */
struct wk_window_phasors {
    int64_t frames_q16;
    struct wk_angle_vector
        phasor[WK_SAMPLE_SLOTS]; /* count * samples, Q16; the angle is that of
                                    the cosine at the begin of the part */
};

void wk_window_init(struct wk_window *window);

/** A block that overlaps this one begins here. */
void wk_window_mark(struct wk_window *window);

/** Begins the next window with the last `keep` half cycles of this one, those since
 *  wk_window_mark, as its overlap; an even number. 0: there is none. */
void wk_window_next(struct wk_window *window, uint8_t keep);

/** The sums of the whole block. */
void wk_window_block(const struct wk_window *window, struct wk_window_sums *block);

/** The cycle of a slot made of the last two half cycles. */
void wk_window_last_cycle(const struct wk_window *window, int slot,
                          struct wk_window_cycle *cycle);

/** The square of its phasor over its length, counts^2: a quarter of the amplitude's. */
float wk_window_square(const struct wk_window_cycle *cycle);

/** Adds cycle->half. There must be room: halves < WK_WINDOW_HALVES. `complete`: it ended at its
 *  mark, not by a cut. */
void wk_window_add(struct wk_window *window, const struct wk_cycle *cycle, bool complete);

/* Half cycles from `first` to before `end`: the window's first one or 0, and one of the last
 * three there are. */
struct wk_window_part {
    uint8_t first;
    uint8_t end;
};

/** The phasors of a part of the window at the frequency `step`, free of DC. Angles are those
 *  at the begin of the part. */
void wk_window_phasors(const struct wk_window *window, struct wk_window_part part,
                       uint64_t step, struct wk_window_phasors *phasors);

/** Fraction of a turn that a frequency makes in a time of samples in Q16. */
uint32_t wk_window_turn(uint64_t step, int64_t samples_q16);

#endif
