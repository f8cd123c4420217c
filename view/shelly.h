/* SPDX-License-Identifier: Apache-2.0
 *
 * view/shelly - results of the RPC (second generation) that three-phase meters of Shelly answer,
 * which batteries and inverters of households read. The identity is of a kind they know, with a
 * number made of the serial number; `name` and `fw_id` say that it is a compatible meter.
 *
 * Powers are positive for import. Energies are those of the last commit (view/committed), in Wh. A
 * phase that this meter has not reads 0, what is not measured yet null. */
#ifndef WK_VIEW_SHELLY_H
#define WK_VIEW_SHELLY_H

#include "view/committed.h"
#include "view/point.h"

#define WK_SHELLY_RESULT 4096 /* octets, most */
#define WK_SHELLY_ID     32   /* characters of the identity, most, and the zero */

struct wk_shelly {
    const struct wk_committed *committed;
    struct wk_points points;
    char serial[WK_POINT_TEXT];
    char mac[13]; /* locally administered */
    char id[WK_SHELLY_ID];
};

/** Both are borrowed, and of the same meter. Errors as wk_point_read_text of the serial number. */
WK_MUST_USE wk_err wk_shelly_init(struct wk_shelly *shelly, const struct wk_object_table *table,
                                  const struct wk_committed *committed);
/** Writes the result of a method, a JSON object, at the moment `now_us` (UTC): WK_SHELLY_RESULT
 *  octets at most. WK_E_NOT_FOUND: there is no such method; WK_E_FULL: no room. */
WK_MUST_USE wk_err wk_shelly_call(struct wk_shelly *shelly, const char *method, int64_t now_us,
                                  struct wk_bytes_out *out);

#endif
