/* SPDX-License-Identifier: Apache-2.0
 *
 * management/squeeze - values of the store without the octets that are 0.
 *
 * Registers are 64 bit wide and small, or 0: most of their octets are 0. The form is: the size
 * (u16), then per group of eight octets (the last may be shorter) a mask, bit n = octet n is not
 * 0, and the octets that are not. The same octets have one form only. */
#ifndef WK_MANAGEMENT_SQUEEZE_H
#define WK_MANAGEMENT_SQUEEZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Octets that `size` octets take at most, and how far before them the result may begin when it
 *  overlaps them. */
#define WK_SQUEEZE_MOST(size)  ((size) + WK_SQUEEZE_AHEAD(size))
#define WK_SQUEEZE_AHEAD(size) (2U + ((size) + 7U) / 8U)

/** Squeezes `size` octets (65535 at most) into `to`, which has room for WK_SQUEEZE_MOST of them;
 *  `from` may be `to` + WK_SQUEEZE_AHEAD(size) or later. Returns the octets written. */
size_t wk_squeeze_pack(const uint8_t *from, size_t size, uint8_t *to);

/** The reverse. WK_E_FULL: more than `room`; WK_E_FORMAT: this is no squeezed value. */
WK_MUST_USE wk_err wk_squeeze_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room,
                                     size_t *unpacked);

#endif
