/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/json - the rows of the archive and a bill as JSON, for the API and for files.
 *
 * Exact numbers are integers in the smallest unit (`*_uwh`, `*_minor`, `*_e6`). Beside them
 * stand decimals for people, printed with 15 digits, which shows them exactly up to a million
 * kWh. Instants are RFC 3339 in UTC; null where there is none. All functions return a new
 * reference, NULL without memory. */
#ifndef WK_HEADEND_JSON_H
#define WK_HEADEND_JSON_H

#include <jansson.h>

#include "headend/bill.h"

/* flags for json_dumps: decimals as described above, one line */
#define WK_JSON_DUMP (JSON_COMPACT | JSON_REAL_PRECISION(15))

json_t *wk_json_instant(int64_t utc_s); /* null if utc_s <= 0 */
json_t *wk_json_bill(const struct wk_bill *bill, const char *serial, const char *plan);
json_t *wk_json_gap(const struct wk_archive_gap *row);
json_t *wk_json_event(const struct wk_archive_event *row);
json_t *wk_json_register(const struct wk_archive_register *row);
json_t *wk_json_exception(const struct wk_archive_exception *row);
json_t *wk_json_command(const struct wk_archive_command *row);
json_t *wk_json_audit(const struct wk_archive_audit *row);

#endif
