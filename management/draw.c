/* SPDX-License-Identifier: Apache-2.0 */
#include "management/draw.h"

/* Two rounds of multiply and shift: every bit in reaches every bit out. */
static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7FEB352DU;
    x ^= x >> 15;
    x *= 0x846CA68BU;
    return x ^ (x >> 16);
}

uint32_t wk_draw(uint32_t seed, int64_t occasion, uint32_t salt)
{
    const uint64_t when = (uint64_t)occasion;
    uint32_t x = mix(seed + 0x9E3779B9U);
    x = mix(x ^ (uint32_t)when);
    x = mix(x ^ (uint32_t)(when >> 32));
    return mix(x ^ salt);
}
