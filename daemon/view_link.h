/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view_link - the link as JSON: how its paths are and what to do about them, how far its
 * streams are. For the local page and `wk diag`; docs/api-meter.md. */
#ifndef WK_DAEMON_VIEW_LINK_H
#define WK_DAEMON_VIEW_LINK_H

#include <jansson.h>

#include "daemon/link.h"

/** The caller has the meter to itself and owns the result. NULL: no memory. */
json_t *wk_view_link(const struct wk_meter_link *link);

#endif
