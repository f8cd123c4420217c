/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/api_reply - how answers of the API leave. Shared by the files of `api`; not for
 * others. */
#ifndef WK_HEADEND_API_REPLY_H
#define WK_HEADEND_API_REPLY_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "headend/api_request.h"

/** Sends what a handler left in the request, and frees it. */
enum MHD_Result wk_api_send_request(struct MHD_Connection *connection, int status,
                                    struct wk_api_request *request);
/** Sends octets that stay. */
enum MHD_Result wk_api_send_fixed(struct MHD_Connection *connection, const char *type,
                                  const void *bytes, size_t size);
enum MHD_Result wk_api_send_asset(struct MHD_Connection *connection,
                                  const struct wk_asset *asset);
/** Server-sent events until the stream is closed or the listener leaves; *streams counts the
 *  listeners. */
enum MHD_Result wk_api_send_stream(struct MHD_Connection *connection,
                                   struct wk_api_request *request, atomic_int *streams);

#endif
