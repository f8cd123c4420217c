/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_value - how a meter's values look to people. */
#ifndef WK_APP_WK_VALUE_H
#define WK_APP_WK_VALUE_H

#include <stdint.h>

#include "base/bytes.h"
#include "cosem/datetime.h"

#define WK_VALUE_TEXT 48

/** value * 10^scaler, every digit of it: "123.456000". */
void wk_value_scaled(int64_t value, int8_t scaler, char text[WK_VALUE_TEXT]);
/** "Wh" of DLMS unit 30 ...; "" of a count or an unknown unit. */
const char *wk_value_unit(uint8_t unit);
/** "2026-11-21T05:00:00+01:00"; wildcards as "*". */
void wk_value_time(const struct wk_datetime *datetime, char text[WK_VALUE_TEXT]);
/** Prints a whole A-XDR value on standard output, as JSON (which people can read, too). */
void wk_value_print(struct wk_bytes_in value);

#endif
