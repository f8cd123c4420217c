/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/web_enrol - what the local page tells of the certificate of TLS. */
#ifndef WK_DAEMON_WEB_ENROL_H
#define WK_DAEMON_WEB_ENROL_H

#include <microhttpd.h>

#include "daemon/web.h"

/** /api/certificate */
enum MHD_Result wk_web_enrol(struct wk_web *web, struct MHD_Connection *connection);

#endif
