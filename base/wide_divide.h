/* SPDX-License-Identifier: Apache-2.0
 *
 * base/wide_divide - the division behind base/wide.
 *
 * base/wide_divide32 does it by digits of 32 bits, which suits a processor that divides 64 bits in
 * an instruction; base/wide_divide1 bit by bit, which suits one that does not, in a third of the
 * code. The build takes one of them; they give the same. */
#ifndef WK_BASE_WIDE_DIVIDE_H
#define WK_BASE_WIDE_DIVIDE_H

#include <stdint.h>

/** (*high:low) / divisor, where *high < divisor < 2^63; *high becomes the rest. */
uint64_t wk_wide_divide(uint64_t *high, uint64_t low, uint64_t divisor);

#endif
