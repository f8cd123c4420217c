/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/angle - sines, angles and rotations in integers.
 *
 * An angle is a fraction of a turn in 32 bits: 2^32 is one turn, so that wrapping is what the
 * integer does by itself. The same bits come out on every processor. */
#ifndef WK_METROLOGY_ANGLE_H
#define WK_METROLOGY_ANGLE_H

#include <stdint.h>

/* A phasor in any unit; |re| and |im| below 2^62. */
struct wk_angle_vector {
    int64_t re;
    int64_t im;
};

/** cos and sin of `turn` in 2^-30; error below 4 * 2^-30. */
void wk_angle_unit_q30(uint32_t turn, int32_t *cos_q30, int32_t *sin_q30);

/** The argument of `v` as a signed fraction of a turn, -2^31 .. 2^31-1; error below 10^-9
 *  turns, if a component reaches 2^20. 0 for the zero vector. */
int32_t wk_angle_of(struct wk_angle_vector v);

/** `v` turned forward by `turn`. */
struct wk_angle_vector wk_angle_turn(struct wk_angle_vector v, uint32_t turn);

/** The same with the turn's cosine and sine. */
struct wk_angle_vector wk_angle_turn_by(struct wk_angle_vector v, int32_t cos_q30,
                                        int32_t sin_q30);

/** Thousandths of a degree, -180,000 .. 180,000, rounded. */
int32_t wk_angle_mdeg(int32_t turn);

/** The whole square root, rounded down. */
uint32_t wk_angle_root(uint64_t square);

#endif
