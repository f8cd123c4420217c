/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/lanes - the inner loops of the spectrum, for one channel at a time or four at once.
 *
 * Four lanes are what the vector registers of any PC hold, and transform all points at once. One
 * lane is for a microcontroller: it transforms the points of a channel in eight parts, each of
 * which gives every eighth bin, and gathers what is wanted of them, so that it needs an eighth of
 * the working memory and no table; the result may lie where the points of the first channel were.
 * Both give the same within the rounding of float. Who assembles a meter names one of them; the
 * other is not linked. A port may bring more: port/linux/lanes_best. */
#ifndef WK_METROLOGY_LANES_H
#define WK_METROLOGY_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrology/resample.h"

#define WK_LANES_MOST   8
#define WK_LANES_RESULT 1010 /* floats that struct wk_spectrum_result takes at most */

/* Floats that a transform of one lane or of several works in. */
#define WK_LANES_SCRATCH(lanes) ((lanes) == 1 ? 596 : WK_RESAMPLE_POINTS * (lanes))

/* Floats of a result that do not lie among the points: with one lane, what sticks out ahead of
 * those of the first channel; else all of it, rounded up to the width of any vector. */
#define WK_LANES_AHEAD(lanes) ((lanes) == 1 ? WK_LANES_RESULT - WK_RESAMPLE_POINTS / 2 : 1024)

/* Floats of memory for points, transform and result; 27.9 kB for one lane. */
#define WK_LANES_WORK(lanes)                                                                   \
    (WK_LANES_SCRATCH(lanes) + WK_RESAMPLE_OCTETS / 4 + WK_LANES_AHEAD(lanes))

#define WK_LANES_LINES  51 /* orders 0..50 */
#define WK_LANES_SIGNAL 4  /* bins around the mains signalling frequency */

/* How bins are gathered into groups (IEC 61000-4-7, 5.5). */
struct wk_lanes_grouping {
    uint8_t cycles;  /* bins per order, 10 or 12 */
    uint8_t orders;  /* the last one */
    uint16_t signal; /* the first of WK_LANES_SIGNAL bins that are wanted as they are */
    float droop_per; /* units of wk_spectrum_table_droop_at per bin */
};

struct wk_lanes {
    uint8_t lanes;
    bool
        packed; /* how the bins lie; and the result may take the place of the points before it */
    /** Appends `frames` frames to the history, which has room for them. peak_square[] and
     *  square[] receive those of these frames alone. */
    void (*take)(struct wk_resample *resample, const int32_t *counts, size_t frames,
                 float peak_square[WK_HAL_CHANNELS], float square[WK_HAL_CHANNELS]);
    /** Makes points of the present window as far as the history reaches. */
    void (*points)(struct wk_resample *resample);
    /** Halves the points of a channel of the present window. */
    void (*halve)(struct wk_resample *resample, uint8_t channel);
    /** Transforms the channels first .. first + lanes - 1. Then work[2 * at * lanes + lane] is the
     *  real part of a bin and work[(2 * at + 1) * lanes + lane] the imaginary one, for bin k =
     *  1..767 3072 times the mean of x * exp(-j 2 pi k n / 1536); the mean itself is the real part
     *  of bin 0. at = k; if `packed`, at = h for the bin of order h, WK_LANES_LINES + k for the
     *  bin signal + k, and there are no others. */
    void (*transform)(const void *points, uint8_t first,
                      const struct wk_lanes_grouping *grouping, float *work);
    /** Replaces the bins by groups: at the place of bin h, real: harmonic subgroup of order h
     *  (0: half of the mean's square); imaginary: interharmonic centred subgroup between h and
     *  h + 1; both sums of squares of the bins, free of droop. */
    void (*group)(float *work, const struct wk_lanes_grouping *grouping);
};

extern const struct wk_lanes wk_lanes_one;
extern const struct wk_lanes wk_lanes_four;

#endif
