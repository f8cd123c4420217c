/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/web_link - what the local page tells of the link, and the test of a path. */
#ifndef WK_DAEMON_WEB_LINK_H
#define WK_DAEMON_WEB_LINK_H

#include <microhttpd.h>

#include "daemon/web.h"

/** /api/link */
enum MHD_Result wk_web_link(struct wk_web *web, struct MHD_Connection *connection);
/** /api/link/packets?last=N */
enum MHD_Result wk_web_link_packets(struct wk_web *web, struct MHD_Connection *connection);
/** /api/link/check?path=NAME; takes up to five seconds. */
enum MHD_Result wk_web_link_check(struct wk_web *web, struct MHD_Connection *connection);

#endif
