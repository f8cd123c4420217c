/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/stamp - instants, dates and zones as text. */
#ifndef WK_HEADEND_STAMP_H
#define WK_HEADEND_STAMP_H

#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"

#define WK_STAMP_SIZE 32 /* "2007-02-01T00:00:00Z" and the final zero */

/** Writes RFC 3339 in UTC. Instants outside 1970..2105 are written as "-". */
void wk_stamp_print(int64_t utc_s, char text[WK_STAMP_SIZE]);
/** Reads exactly "YYYY-MM-DDThh:mm:ssZ". WK_E_FORMAT, WK_E_RANGE. */
WK_MUST_USE wk_err wk_stamp_parse(const char *text, int64_t *utc_s);
/** Writes and reads "YYYY-MM-DD"; only year, month, day (and weekday) of civil are used. */
void wk_stamp_print_date(const struct wk_civil *civil, char text[WK_STAMP_SIZE]);
WK_MUST_USE wk_err wk_stamp_parse_date(const char *text, struct wk_civil *civil);
/** "utc", "central-europe" or a fixed offset such as "+05:30". WK_E_FORMAT otherwise. */
WK_MUST_USE wk_err wk_stamp_parse_zone(const char *text, struct wk_zone *zone);

#endif
