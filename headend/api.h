/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/api - the head-end over HTTP: JSON, a stream of events, figures for Prometheus, and
 * the page.
 *
 * Routes are a table (wk_api_route); openapi.json describes every one of them. Reading needs
 * no token, for which reason the default address is loopback; what changes something needs the
 * bearer token of the configuration. Errors are {"error":{"code","field","reason"}}.
 * Limits: WK_API_* below; at most 64 connections, 16 streams. */
#ifndef WK_HEADEND_API_H
#define WK_HEADEND_API_H

#include "headend/collector.h"
#include "port/linux/asset.h"

#define WK_API_BODY      16384 /* octets of a request body */
#define WK_API_INTERVALS 40000 /* in one answer */
#define WK_API_ROWS      5000  /* of other lists in one answer */
#define WK_API_PAGE      1000  /* meters in one answer */
#define WK_API_STREAMS   16

struct wk_uplink;
struct wk_api_config {
    const struct wk_registry *registry;
    struct wk_collector *collector;
    struct wk_stream *stream;
    struct wk_archive *archive; /* of the API alone */
    struct wk_uplink *uplink;   /* NULL: no meter sends by itself */
    const struct wk_asset *assets;
    size_t asset_count; /* 0: a plain status page */
};

struct wk_api;

/** Listens on registry->listen and ->port (0 = any free one). On error `why` says what to do.
 *  Everything in config must stay until wk_api_stop. */
WK_MUST_USE wk_err wk_api_start(const struct wk_api_config *config, struct wk_api **api,
                                char why[WK_INI_WHY]);
uint16_t wk_api_port(const struct wk_api *api);
/** Close the stream (wk_stream_close) before, so that listeners leave. NULL is right. */
void wk_api_stop(struct wk_api *api);

/* One row of the table of routes; "{x}" in a path matches one segment. */
struct wk_api_route_info {
    const char *method;
    const char *path;
};

/** Row `index` of the table; false: there are no more. */
bool wk_api_route(size_t index, struct wk_api_route_info *info);

#endif
