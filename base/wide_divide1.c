/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wide_divide.h"

uint64_t wk_wide_divide(uint64_t *high, uint64_t low, uint64_t divisor)
{
    uint64_t rest = *high;
    for (int i = 0; i < 64; i++) {
        rest = (rest << 1) | (low >> 63);
        low <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            low |= 1;
        }
    }
    *high = rest;
    return low;
}
