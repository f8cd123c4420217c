/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/spectrum_table - the constants of resampling and transform: 1.8 kB, or 0.3 kB without
 * the angles, which the transform of one lane does not need.
 *
 * Computed in double precision by tools/gen_spectrum.py, because a meter has no libm. */
#ifndef WK_METROLOGY_SPECTRUM_TABLE_H
#define WK_METROLOGY_SPECTRUM_TABLE_H

#include <stdint.h>

#define WK_SPECTRUM_TABLE_TERMS   8
#define WK_SPECTRUM_TABLE_PIECES  8
#define WK_SPECTRUM_TABLE_QUARTER 384 /* points of a quarter turn */
#define WK_SPECTRUM_TABLE_FLAT    50  /* the droop below it is one, within 3.6e-5 */
#define WK_SPECTRUM_TABLE_DROOP   111 /* ... and from here on not known */

/* The kernel is 16 input samples wide and even. For a point at a fraction mu behind an input
 * sample, piece m gives the weights of two of its 16 neighbours, as polynomials [power][piece] in
 * u = mu - 1/2: in u that of neighbour m (0..7, the eighth earliest first), in -u that of
 * neighbour 15 - m. */
extern const float wk_spectrum_table_kernel[WK_SPECTRUM_TABLE_TERMS][WK_SPECTRUM_TABLE_PIECES];

/* cos(2 pi k / 1536), k = 0..384 */
extern const float wk_spectrum_table_cos[WK_SPECTRUM_TABLE_QUARTER + 1];

#define WK_SPECTRUM_TABLE_DROOP_PER 250.0F /* "at" per 1 / (width of one input sample) */

/** 1 / |response of the kernel|^2 at the frequency at * 0.004 / the width of one input sample,
 *  FLAT <= at < DROOP; good to 2e-5. */
float wk_spectrum_table_droop_beyond(float at);

/** The droop at `at`, 0 <= at < DROOP. */
static inline float wk_spectrum_table_droop_at(float at)
{
    return at < WK_SPECTRUM_TABLE_FLAT ? 1.0F : wk_spectrum_table_droop_beyond(at);
}

#endif
