/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/draw - numbers by chance for simulated lines: the same seed gives the same ones. */
#ifndef WK_PORT_VIRTUAL_DRAW_H
#define WK_PORT_VIRTUAL_DRAW_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014): 0 up to `below` - 1; moves `seed` on. */
static inline uint32_t wk_virtual_draw(uint64_t *seed, uint32_t below)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)(((z >> 32) * below) >> 32);
}

#endif
