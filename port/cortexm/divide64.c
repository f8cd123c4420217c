/* SPDX-License-Identifier: Apache-2.0 */
#include "port/cortexm/divide64.h"

/* dividend r0 r1, divisor r2 r3; quotient r6 r7, bits to go less one r12 */
__attribute__((naked)) void __aeabi_uldivmod(void)
{
    __asm__ volatile("push    {r4, r5, r6, r7, lr}\n"
                     "movs    r6, #0\n"
                     "movs    r7, #0\n"
                     /* by how much the divisor has more leading zeros */
                     "clz     r4, r1\n"
                     "cmp     r4, #32\n"
                     "itt     eq\n"
                     "clzeq   r4, r0\n"
                     "addeq   r4, r4, #32\n"
                     "clz     r5, r3\n"
                     "cmp     r5, #32\n"
                     "itt     eq\n"
                     "clzeq   r5, r2\n"
                     "addeq   r5, r5, #32\n"
                     "subs    r12, r5, r4\n"
                     "bmi     2f\n"
                     /* divisor <<= r12; a shift by a register of 32 or more gives 0 */
                     "subs    r4, r12, #32\n"
                     "itte    pl\n"
                     "lslpl   r3, r2, r4\n"
                     "movpl   r2, #0\n"
                     "lslmi   r3, r3, r12\n"
                     "bpl     1f\n"
                     "rsb     r4, r12, #32\n"
                     "lsr     r5, r2, r4\n"
                     "orr     r3, r3, r5\n"
                     "lsl     r2, r2, r12\n"
                     /* one bit of the quotient: the carry of what is left */
                     "1:\n"
                     "subs    r4, r0, r2\n"
                     "sbcs    r5, r1, r3\n"
                     "itt     cs\n"
                     "movcs   r0, r4\n"
                     "movcs   r1, r5\n"
                     "adcs    r6, r6, r6\n"
                     "adcs    r7, r7, r7\n"
                     "lsrs    r3, r3, #1\n"
                     "rrx     r2, r2\n"
                     "subs    r12, r12, #1\n"
                     "bpl     1b\n"
                     "2:\n"
                     "mov     r2, r0\n"
                     "mov     r3, r1\n"
                     "mov     r0, r6\n"
                     "mov     r1, r7\n"
                     "pop     {r4, r5, r6, r7, pc}\n");
}

/* Of the magnitudes; r4 and r5 hold the signs, as 0 or -1: (x ^ sign) - sign. */
__attribute__((naked)) void __aeabi_ldivmod(void)
{
    __asm__ volatile("push    {r4, r5, r6, lr}\n"
                     "asrs    r4, r1, #31\n"
                     "eors    r0, r4\n"
                     "eors    r1, r4\n"
                     "subs    r0, r0, r4\n"
                     "sbcs    r1, r4\n"
                     "asrs    r5, r3, #31\n"
                     "eors    r2, r5\n"
                     "eors    r3, r5\n"
                     "subs    r2, r2, r5\n"
                     "sbcs    r3, r5\n"
                     "bl      __aeabi_uldivmod\n"
                     "eors    r2, r4\n"
                     "eors    r3, r4\n"
                     "subs    r2, r2, r4\n"
                     "sbcs    r3, r4\n"
                     "eors    r4, r5\n"
                     "eors    r0, r4\n"
                     "eors    r1, r4\n"
                     "subs    r0, r0, r4\n"
                     "sbcs    r1, r4\n"
                     "pop     {r4, r5, r6, pc}\n");
}
