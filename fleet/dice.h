/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/dice - chance from a seed: the same seed, the same year. */
#ifndef WK_FLEET_DICE_H
#define WK_FLEET_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct wk_dice {
    uint64_t state;
};

/** `stream` tells apart dice of one seed. */
struct wk_dice wk_dice_of(uint64_t seed, uint64_t stream);
uint64_t wk_dice_roll(struct wk_dice *dice);
/** least..most, both included. */
int64_t wk_dice_between(struct wk_dice *dice, int64_t least, int64_t most);
bool wk_dice_percent(struct wk_dice *dice, int percent);
/** 0..1 */
double wk_dice_share(struct wk_dice *dice);

#endif
