/* SPDX-License-Identifier: Apache-2.0
 *
 * port/cortexm/float64 - 64-bit integers to float and back, without double.
 *
 * The processor converts 32 bits; for 64 the compiler calls these. Those of its own library go
 * through soft double on the way back and bring 2.1 kB of it along; these are 0.3 kB, and give
 * the same: the nearest float, ties to even; the integer towards zero. Whoever is linked before
 * the library takes their place. */
#ifndef WK_PORT_CORTEXM_FLOAT64_H
#define WK_PORT_CORTEXM_FLOAT64_H

#include <stdint.h>

#define WK_FLOAT64_ABI __attribute__((pcs("aapcs"))) /* of helpers, whatever that of the rest */

WK_FLOAT64_ABI float __aeabi_ul2f(uint64_t value);
WK_FLOAT64_ABI float __aeabi_l2f(int64_t value);

/** 0 of what is negative or no number; the largest of what is too large. */
WK_FLOAT64_ABI uint64_t __aeabi_f2ulz(float value);
WK_FLOAT64_ABI int64_t __aeabi_f2lz(float value);

#endif
