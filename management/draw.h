/* SPDX-License-Identifier: Apache-2.0
 *
 * management/draw - random offsets without a source of randomness.
 *
 * A number drawn from the meter's seed, the time of the occasion and a salt: the same for the
 * same three, spread evenly over meters, occasions and salts. Not for secrets. */
#ifndef WK_MANAGEMENT_DRAW_H
#define WK_MANAGEMENT_DRAW_H

#include <stdint.h>

uint32_t wk_draw(uint32_t seed, int64_t occasion, uint32_t salt);

#endif
