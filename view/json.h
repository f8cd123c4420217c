/* SPDX-License-Identifier: Apache-2.0
 *
 * view/json - JSON (RFC 8259) written into a buffer, for views without a heap. Commas come by
 * themselves: before whatever does not follow an opening bracket. What has no room is a fault of
 * `out`; look at it at the end. */
#ifndef WK_VIEW_JSON_H
#define WK_VIEW_JSON_H

#include "base/bytes.h"
#include "view/point.h"

/** Octets as they are, such as "{", "}" or "true"; no comma. */
void wk_json_raw(struct wk_bytes_out *out, const char *text);
/** A text in quotation marks. What is neither printable nor of ASCII becomes '?'. */
void wk_json_text(struct wk_bytes_out *out, const char *text);
/** The name of a member and the colon. `key` is written as it is. */
void wk_json_key(struct wk_bytes_out *out, const char *key);
/** A member that is a text. */
void wk_json_member(struct wk_bytes_out *out, const char *key, const char *text);
/** A member with a value as it is, such as "3" or "[]". */
void wk_json_literal(struct wk_bytes_out *out, const char *key, const char *value);
/** A member that is a number, in units of ten to the `exponent`, cut off after `decimals`. */
void wk_json_number(struct wk_bytes_out *out, const char *key,
                    const struct wk_point_value *value, int exponent, uint8_t decimals);

#endif
