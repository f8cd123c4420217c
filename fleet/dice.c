/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/dice.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

struct wk_dice wk_dice_of(uint64_t seed, uint64_t stream)
{
    struct wk_dice dice = {seed * GOLDEN + stream * UINT64_C(0xD1B54A32D192ED03)};
    (void)wk_dice_roll(&dice);
    return dice;
}

/* SplitMix64 */
uint64_t wk_dice_roll(struct wk_dice *dice)
{
    dice->state += GOLDEN;
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int64_t wk_dice_between(struct wk_dice *dice, int64_t least, int64_t most)
{
    const uint64_t faces = (uint64_t)(most - least) + 1;
    return least + (int64_t)(wk_dice_roll(dice) % faces);
}

bool wk_dice_percent(struct wk_dice *dice, int percent)
{
    return wk_dice_between(dice, 0, 99) < percent;
}

double wk_dice_share(struct wk_dice *dice)
{
    return (double)(wk_dice_roll(dice) >> 11) / 9007199254740992.0;
}
