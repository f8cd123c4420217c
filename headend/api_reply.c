/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/api_reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/json.h"
#include "headend/stamp.h"

#define STREAM_ALIVE_MS 10000

/* ---- what handlers use ------------------------------------------------------------------ */

const char *wk_api_query(const struct wk_api_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *code_of(int status)
{
    switch (status) {
    case 400:
        return "bad_request";
    case 401:
        return "unauthorized";
    case 403:
        return "forbidden";
    case 404:
        return "not_found";
    case 405:
        return "method_not_allowed";
    case 409:
        return "conflict";
    case 413:
        return "too_large";
    case 503:
        return "unavailable";
    default:
        return "internal";
    }
}

int wk_api_fail(struct wk_api_request *r, int status, const char *field, const char *reason,
                ...)
{
    char text[400];
    va_list values;
    va_start(values, reason);
    vsnprintf(text, sizeof text, reason, values);
    va_end(values);
    json_decref(r->json);
    r->json = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code_of(status), "field", field,
                        "reason", text);
    return status;
}

int wk_api_fail_archive(struct wk_api_request *r, wk_err err)
{
    struct wk_archive *a = r->config->archive;
    const bool later = err == WK_E_BUSY || err == WK_E_FULL;
    return wk_api_fail(r, later ? 503 : 500, "", "archive: %s (%s)", wk_err_text(err),
                       a->why(a->self));
}

int wk_api_instant(struct wk_api_request *r, const char *field, const char *text,
                   int64_t *utc_s)
{
    struct wk_civil date;
    struct wk_utc utc;
    if (wk_stamp_parse(text, utc_s) == WK_OK) {
        return 0;
    }
    const struct wk_zone *zone =
        r->meter != NULL ? &r->config->registry->plan[r->meter->plan].zone : &wk_zone_utc;
    if (wk_stamp_parse_date(text, &date) == WK_OK &&
        wk_civil_to_utc(zone, &date, &utc) == WK_OK) {
        *utc_s = utc.s;
        return 0;
    }
    return wk_api_fail(r, 400, field, "must be YYYY-MM-DDThh:mm:ssZ or YYYY-MM-DD");
}

int wk_api_span(struct wk_api_request *r, int64_t *from_s, int64_t *to_s)
{
    const char *from = wk_api_query(r, "from");
    const char *to = wk_api_query(r, "to");
    struct wk_archive *a = r->config->archive;
    int64_t mark;
    int status = 0;
    *from_s = 0;
    *to_s = INT32_MAX;
    if (a->mark_get(a->self, r->meter->id, WK_MARK_BASELINE, &mark) == WK_OK) {
        *from_s = mark;
    }
    if (a->mark_get(a->self, r->meter->id, WK_MARK_COLLECTED, &mark) == WK_OK) {
        *to_s = mark;
    }
    if (from != NULL) {
        status = wk_api_instant(r, "from", from, from_s);
    }
    if (status == 0 && to != NULL) {
        status = wk_api_instant(r, "to", to, to_s);
    }
    if (status == 0 && *from_s > *to_s) {
        status = wk_api_fail(r, 400, "from", "must not be after to");
    }
    return status;
}

/* ---- answering -------------------------------------------------------------------------- */

static void add_headers(struct MHD_Response *response, const char *type, const char *cache)
{
    static const char *const k_headers[][2] = {
        {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri "
                                    "'none'; form-action 'none'; object-src 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof k_headers / sizeof k_headers[0]; i++) {
        MHD_add_response_header(response, k_headers[i][0], k_headers[i][1]);
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", cache);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, int status,
                                     struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, int status,
                                 const char *type, char *text)
{
    if (text == NULL) {
        return MHD_NO;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    add_headers(response, type, "no-store");
    if (status == 401) {
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    if (status == 503) {
        MHD_add_response_header(response, "Retry-After", "5");
    }
    return send_response(connection, status, response);
}

enum MHD_Result wk_api_send_request(struct MHD_Connection *connection, int status,
                                    struct wk_api_request *r)
{
    if (r->text != NULL) {
        return send_text(connection, status, r->type, r->text);
    }
    char *text = r->json != NULL ? json_dumps(r->json, WK_JSON_DUMP) : NULL;
    json_decref(r->json);
    return send_text(connection, status, "application/json", text);
}

enum MHD_Result wk_api_send_fixed(struct MHD_Connection *connection, const char *type,
                                  const void *bytes, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        add_headers(response, type, "no-cache");
    }
    return send_response(connection, 200, response);
}

enum MHD_Result wk_api_send_asset(struct MHD_Connection *connection,
                                  const struct wk_asset *asset)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        asset->size, (void *)(uintptr_t)asset->octets, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    const bool hashed = strncmp(asset->path, "/assets/", 8) == 0;
    add_headers(response, asset->type,
                hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset->gzipped) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    return send_response(connection, 200, response);
}

/* ---- the stream ------------------------------------------------------------------------- */

struct listener {
    struct wk_stream *stream;
    atomic_int *streams;
    uint64_t last_id;
    size_t size; /* of what is not sent yet */
    size_t at;
    char text[WK_STREAM_DATA + 128];
};

static void next_text(struct listener *listener, const struct wk_stream_message *message,
                      wk_err err)
{
    if (err == WK_E_TIMEOUT) {
        listener->size = (size_t)snprintf(listener->text, sizeof listener->text, ": alive\n\n");
    } else {
        listener->last_id = message->id;
        listener->size = (size_t)snprintf(
            listener->text, sizeof listener->text, "%sid: %llu\nevent: %s\ndata: %s\n\n",
            err == WK_E_OVERRUN ? "event: lost\ndata: {}\n\n" : "",
            (unsigned long long)message->id, message->kind, message->data);
    }
    listener->at = 0;
}

static ssize_t stream_read(void *context, uint64_t at, char *to, size_t room)
{
    struct listener *listener = context;
    (void)at;
    if (listener->at == listener->size) {
        struct wk_stream_message message;
        const wk_err err =
            wk_stream_wait(listener->stream, listener->last_id, STREAM_ALIVE_MS, &message);
        if (err == WK_E_CLOSED) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        next_text(listener, &message, err);
    }
    const size_t left = listener->size - listener->at;
    const size_t size = left < room ? left : room;
    memcpy(to, listener->text + listener->at, size);
    listener->at += size;
    return (ssize_t)size;
}

static void stream_free(void *context)
{
    struct listener *listener = context;
    atomic_fetch_sub(listener->streams, 1);
    free(listener);
}

enum MHD_Result wk_api_send_stream(struct MHD_Connection *connection, struct wk_api_request *r,
                                   atomic_int *streams)
{
    if (atomic_fetch_add(streams, 1) >= WK_API_STREAMS) {
        atomic_fetch_sub(streams, 1);
        wk_api_fail(r, 503, "", "there are %d listeners already", WK_API_STREAMS);
        return wk_api_send_request(connection, 503, r);
    }
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        atomic_fetch_sub(streams, 1);
        return MHD_NO;
    }
    const char *last =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");
    int64_t id;
    listener->stream = r->config->stream;
    listener->streams = streams;
    listener->last_id = wk_stream_last(listener->stream);
    if (last != NULL && wk_ini_integer(last, 0, (int64_t)listener->last_id, &id) == WK_OK) {
        listener->last_id = (uint64_t)id;
    }
    listener->size = (size_t)snprintf(listener->text, sizeof listener->text, ": open\n\n");
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, stream_read, listener, stream_free);
    if (response == NULL) {
        stream_free(listener);
        return MHD_NO;
    }
    add_headers(response, "text/event-stream", "no-store");
    return send_response(connection, 200, response);
}
