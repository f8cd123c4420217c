/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/web_reply - answers of the local page. */
#ifndef WK_DAEMON_WEB_REPLY_H
#define WK_DAEMON_WEB_REPLY_H

#include <jansson.h>
#include <microhttpd.h>

#define WK_WEB_JSON "application/json"

/** The headers of every answer. */
void wk_web_headers(struct MHD_Response *response, const char *type);
/** Takes over `value`; NULL ends the connection. */
enum MHD_Result wk_web_json(struct MHD_Connection *connection, unsigned status, json_t *value);
/** `field`: the one that is wrong, or NULL. */
enum MHD_Result wk_web_error(struct MHD_Connection *connection, unsigned status,
                             const char *code, const char *field, const char *reason);

#endif
