/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/web_reply.h"

#include <string.h>

void wk_web_headers(struct MHD_Response *response, const char *type)
{
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; script-src 'self'; style-src 'self'; "
                            "img-src 'self' data:; connect-src 'self'; "
                            "frame-ancestors 'none'; base-uri 'none'");
}

enum MHD_Result wk_web_json(struct MHD_Connection *connection, unsigned status, json_t *value)
{
    char *text =
        value != NULL ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (text == NULL) {
        return MHD_NO;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    wk_web_headers(response, WK_WEB_JSON);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result wk_web_error(struct MHD_Connection *connection, unsigned status,
                             const char *code, const char *field, const char *reason)
{
    return wk_web_json(connection, status,
                       json_pack("{s:{s:s, s:s?, s:s}}", "error", "code", code, "field", field,
                                 "reason", reason));
}
