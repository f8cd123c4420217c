/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/api_request - what handlers of the API see of a request. Shared by the files of
 * `api`; not for others.
 *
 * A handler returns the HTTP status and leaves the body in `json` (owned by the request then)
 * or, for other media types, in `text`. Handlers run one at a time. */
#ifndef WK_HEADEND_API_REQUEST_H
#define WK_HEADEND_API_REQUEST_H

#include <jansson.h>

#include "headend/api.h"

#define WK_API_PARAMETERS 3

struct wk_api_request {
    const struct wk_api_config *config;
    void *connection;                       /* for wk_api_query */
    char parameter[WK_API_PARAMETERS][128]; /* what "{x}" of the path matched, in order */
    const struct wk_registry_meter *meter;  /* of "{serial}", already looked up */
    size_t meter_index;
    json_t *body; /* of a POST: an object */
    int64_t now_s;
    json_t *json;
    char *text; /* malloc */
    const char *type;
};

typedef int (*wk_api_handler)(struct wk_api_request *request);

/** A query parameter, or NULL. */
const char *wk_api_query(const struct wk_api_request *request, const char *name);
/** Answers with an error; returns `status`. `field` may be "". */
int wk_api_fail(struct wk_api_request *request, int status, const char *field,
                const char *reason, ...) __attribute__((format(printf, 4, 5)));
/** Answers for an error of the archive. */
int wk_api_fail_archive(struct wk_api_request *request, wk_err err);
/** The query parameters from and to: instants, or dates in the zone of the meter's plan;
 *  absent: the default. 0 = fine, else the status of the error that was set. */
int wk_api_span(struct wk_api_request *request, int64_t *from_s, int64_t *to_s);
/** The same for texts from a body. */
int wk_api_instant(struct wk_api_request *request, const char *field, const char *text,
                   int64_t *utc_s);

/* handlers, by file */
int wk_api_get_fleet(struct wk_api_request *request);
int wk_api_get_meters(struct wk_api_request *request);
int wk_api_get_meter(struct wk_api_request *request);
int wk_api_get_intervals(struct wk_api_request *request);
int wk_api_get_days(struct wk_api_request *request);
int wk_api_get_registers(struct wk_api_request *request);
int wk_api_get_events(struct wk_api_request *request);
int wk_api_get_gaps(struct wk_api_request *request);
int wk_api_get_exceptions(struct wk_api_request *request);
int wk_api_get_commands(struct wk_api_request *request);
int wk_api_get_audit(struct wk_api_request *request);
int wk_api_get_bill(struct wk_api_request *request);
int wk_api_get_metrics(struct wk_api_request *request);
int wk_api_get_link(struct wk_api_request *request);
int wk_api_post_link_check(struct wk_api_request *request);
int wk_api_post_read(struct wk_api_request *request);
int wk_api_post_command(struct wk_api_request *request);
int wk_api_post_confirm(struct wk_api_request *request);
int wk_api_post_cancel(struct wk_api_request *request);
int wk_api_post_bill(struct wk_api_request *request);

#endif
