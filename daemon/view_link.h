/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view_link - the link as JSON: how its paths are and what to do about them, how far its
 * streams are. For the local page and `wk diag`; docs/api-meter.md. */
#ifndef WK_DAEMON_VIEW_LINK_H
#define WK_DAEMON_VIEW_LINK_H

#include <jansson.h>

#include "daemon/link.h"

#define WK_VIEW_LINK_WORDS 256

/** What a technician should do about a path, in words; NULL: nothing. */
const char *wk_view_link_advice(const struct wk_meter_link *link, uint8_t path,
                                char words[WK_VIEW_LINK_WORDS]);
/** One sentence about the link, for people. */
void wk_view_link_summary(const struct wk_meter_link *link, char words[WK_VIEW_LINK_WORDS]);

/** The caller has the meter to itself and owns the result. NULL: no memory. */
json_t *wk_view_link(const struct wk_meter_link *link);
/** The newest `most` packets, oldest first. */
json_t *wk_view_link_packets(const struct wk_meter_link *link, size_t most);
/** The connection test of a path, as it stands. */
json_t *wk_view_link_check(const struct wk_meter_link *link);

#endif
