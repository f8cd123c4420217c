/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/lanes - the inner loops of the spectrum, for one channel at a time or four at once.
 *
 * Both do the same arithmetic per channel. Four lanes are what the vector registers of any PC
 * hold; one lane needs a quarter of the working memory and is for a microcontroller. Who
 * assembles a meter names one of them; the other is not linked. A port may bring more:
 * port/linux/lanes_best. */
#ifndef WK_METROLOGY_LANES_H
#define WK_METROLOGY_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "metrology/resample.h"

#define WK_LANES_MOST        8
#define WK_LANES_WORK(lanes) (WK_RESAMPLE_POINTS * (lanes)) /* floats of working memory */

/* How bins are gathered into groups (IEC 61000-4-7, 5.5). */
struct wk_lanes_grouping {
    uint8_t cycles;  /* bins per order, 10 or 12 */
    uint8_t orders;  /* the last one */
    float droop_per; /* entries of wk_spectrum_table_droop per bin */
};

struct wk_lanes {
    uint8_t lanes;
    /** Appends `frames` frames to the history, which has room for them. peak_square[] and
     *  square[] receive those of these frames alone. */
    void (*take)(struct wk_resample *resample, const int32_t *counts, size_t frames,
                 float peak_square[WK_HAL_CHANNELS], float square[WK_HAL_CHANNELS]);
    /** Makes points of the present window as far as the history reaches. */
    void (*points)(struct wk_resample *resample);
    /** Transforms the channels first .. first + lanes - 1. Then work[2 * k * lanes + lane] is the
     *  real part of bin k and work[(2 * k + 1) * lanes + lane] the imaginary one, k = 1..767,
     *  3072 times the mean of x * exp(-j 2 pi k n / 1536); the mean itself is the real part of
     *  bin 0. */
    void (*transform)(const struct wk_resample_point *points, uint8_t first, float *work);
    /** Replaces the bins by groups: at the place of bin h, real: harmonic subgroup of order h
     *  (0: half of the mean's square); imaginary: interharmonic centred subgroup between h and
     *  h + 1; both sums of squares of what transform left, free of droop. */
    void (*group)(float *work, const struct wk_lanes_grouping *grouping);
};

extern const struct wk_lanes wk_lanes_one;
extern const struct wk_lanes wk_lanes_four;

#endif
