/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "base/wide_divide.h"

/* One digit of 32 bits of (high:digit) / divisor, where high < divisor and the top bit of divisor
 * is set; high becomes the rest. The guess from the upper digit is at most two too large (Knuth,
 * TAOCP 2, 4.3.1). */
static uint32_t divide_digit(uint64_t *high, uint32_t digit, uint64_t divisor)
{
    const uint64_t upper = divisor >> 32;
    const uint64_t lower = divisor & UINT32_MAX;
    uint64_t guess = *high / upper;
    uint64_t rest = *high - guess * upper;
    for (int i = 0; i < 2 && rest <= UINT32_MAX; i++) {
        const bool large = guess > UINT32_MAX || guess * lower > ((rest << 32) | digit);
        guess -= large ? 1 : 0;
        rest += large ? upper : 0;
    }
    *high = ((*high << 32) | digit) - guess * divisor; /* modulo 2^64 */
    return (uint32_t)guess;
}

uint64_t wk_wide_divide(uint64_t *high, uint64_t low, uint64_t divisor)
{
    const uint8_t shift = (uint8_t)__builtin_clzll(divisor);
    *high = (*high << shift) | (low >> (64 - shift)); /* shift > 0 */
    const uint64_t scaled = divisor << shift;
    low <<= shift;
    const uint64_t first = divide_digit(high, (uint32_t)(low >> 32), scaled);
    const uint64_t second = divide_digit(high, (uint32_t)low, scaled);
    *high >>= shift;
    return (first << 32) | second;
}
