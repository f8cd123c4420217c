/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/web_stream - what the local page sends by itself, as server-sent events: every window, and
 * every cycle. */
#ifndef WK_DAEMON_WEB_STREAM_H
#define WK_DAEMON_WEB_STREAM_H

#include <microhttpd.h>

#include "daemon/web.h"

/** /api/stream: live values, state and events, five times a second at most. */
enum MHD_Result wk_web_stream(struct wk_web *web, struct MHD_Connection *connection);
/** /api/cycles: the values of every cycle; `?every=N`: of every Nth. */
enum MHD_Result wk_web_cycles(struct wk_web *web, struct MHD_Connection *connection);

#endif
