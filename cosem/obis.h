/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/obis - the six-number names of what meters measure (IEC 62056-6-1).
 *
 * Text forms read: "1.0.1.8.0.255", "1-0:1.8.0*255" and both without the last number, which
 * is then 255. Written: always six numbers with points. */
#ifndef WK_COSEM_OBIS_H
#define WK_COSEM_OBIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_OBIS_SIZE 6
#define WK_OBIS_TEXT 24 /* "255.255.255.255.255.255" and the zero */

/** WK_E_FORMAT: not five or six numbers with the right separators, or text follows;
 *  WK_E_RANGE: a number above 255. */
WK_MUST_USE wk_err wk_obis_parse(const char *text, uint8_t obis[WK_OBIS_SIZE]);
void wk_obis_print(const uint8_t obis[WK_OBIS_SIZE], char text[WK_OBIS_TEXT]);
bool wk_obis_equal(const uint8_t a[WK_OBIS_SIZE], const uint8_t b[WK_OBIS_SIZE]);

#endif
