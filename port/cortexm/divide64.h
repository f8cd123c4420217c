/* SPDX-License-Identifier: Apache-2.0
 *
 * port/cortexm/divide64 - division of 64-bit integers.
 *
 * What the compiler calls for / and % of 64 bits. Its own library divides a little faster and is
 * 0.9 kB; this is 0.2 kB: bit by bit from where the quotient can begin, eleven instructions per
 * bit of the quotient. By 0: the quotient is whatever, there is no trap. Whoever is linked before
 * the library takes its place.
 *
 * Quotient in r0 and r1, rest in r2 and r3 (AEABI run-time, 4.3.1), which no C function returns:
 * not to be called by name. */
#ifndef WK_PORT_CORTEXM_DIVIDE64_H
#define WK_PORT_CORTEXM_DIVIDE64_H

/** Of unsigned numbers. */
void __aeabi_uldivmod(void);

/** Of signed numbers: the quotient towards zero, the rest with the sign of the dividend. */
void __aeabi_ldivmod(void);

#endif
