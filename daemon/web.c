/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/captures.h"
#include "daemon/web_enrol.h"
#include "daemon/web_link.h"
#include "daemon/web_reply.h"
#include "daemon/web_stream.h"
#include "port/linux/wake.h"

#define IDLE_S      30
#define JSON_TYPE   WK_WEB_JSON
#define JSON_ENDING ".json"
#define SHELLY      "/shelly"
#define RPC         "/rpc"
#define CAPTURES    "/api/captures/"

/* ---- answers ----------------------------------------------------------------------------- */

/* A whole number from the query. False if it is there but not one. */
static bool query_number(struct MHD_Connection *connection, const char *name, int64_t *value)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    if (text == NULL) {
        return true;
    }
    return wk_ini_integer(text, 0, INT64_C(4294967295), value) == WK_OK;
}

static enum MHD_Result answer_profile(struct wk_web *web, struct MHD_Connection *connection)
{
    int64_t from_s = 0;
    int64_t to_s = INT64_C(4294967295);
    if (!query_number(connection, "from", &from_s)) {
        return wk_web_error(connection, 400, "bad_request", "from",
                            "must be UTC seconds since 1970");
    }
    if (!query_number(connection, "to", &to_s)) {
        return wk_web_error(connection, 400, "bad_request", "to",
                            "must be UTC seconds since 1970");
    }
    wk_gate_hold(web->gate);
    json_t *value = wk_view_profile(&web->view, (struct wk_utc){from_s}, (struct wk_utc){to_s});
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

static enum MHD_Result answer_events(struct wk_web *web, struct MHD_Connection *connection)
{
    int64_t last = 100;
    if (!query_number(connection, "last", &last)) {
        return wk_web_error(connection, 400, "bad_request", "last", "must be a whole number");
    }
    wk_gate_hold(web->gate);
    json_t *value = wk_view_events(&web->view, (size_t)last);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

static enum MHD_Result answer_view(struct wk_web *web, struct MHD_Connection *connection,
                                   json_t *(*make)(const struct wk_view *view))
{
    wk_gate_hold(web->gate);
    json_t *value = make(&web->view);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

static enum MHD_Result answer_info(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_info);
}

static enum MHD_Result answer_live(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_live);
}

/* Sub-meters have a lock of their own: the meter's loop is not held. */
static enum MHD_Result answer_submeters(struct wk_web *web, struct MHD_Connection *connection)
{
    return wk_web_json(connection, 200, wk_submeters_view(web->submeters));
}

static enum MHD_Result answer_balance(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_balance);
}

static enum MHD_Result answer_wiring(struct wk_web *web, struct MHD_Connection *connection)
{
    struct wk_wiring_declared declared = wk_view_declared(&web->view);
    for (int n = 0; wk_diagnosis_names[n] != NULL; n++) {
        const char *name = wk_diagnosis_names[n];
        const char *value =
            MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
        const char *fault = value != NULL ? wk_diagnosis_declare(&declared, name, value) : NULL;
        if (fault != NULL) {
            return wk_web_error(connection, 400, "bad_request", name, fault);
        }
    }
    wk_gate_hold(web->gate);
    json_t *value = wk_view_wiring(&web->view, &declared);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

static enum MHD_Result answer_registers(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_registers);
}

static enum MHD_Result answer_quality(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_quality);
}

static enum MHD_Result answer_week(struct wk_web *web, struct MHD_Connection *connection)
{
    return answer_view(web, connection, wk_view_week);
}

/* ---- captures ---------------------------------------------------------------------------- */

static void name_folder(const struct wk_web *web, char folder[WK_CONFIG_PATH + 16])
{
    snprintf(folder, WK_CONFIG_PATH + 16, "%s/captures", web->view.config->state);
}

static enum MHD_Result answer_captures(struct wk_web *web, struct MHD_Connection *connection)
{
    char folder[WK_CONFIG_PATH + 16];
    name_folder(web, folder);
    return wk_web_json(connection, 200, wk_captures_list(folder));
}

static enum MHD_Result answer_waveform(struct wk_web *web, struct MHD_Connection *connection,
                                       const char *name)
{
    char folder[WK_CONFIG_PATH + 16];
    char why[WK_CAPTURES_WHY];
    json_t *waveform = NULL;
    struct wk_captures_part part = {.to_us = INT64_C(4294967295)};
    if (!query_number(connection, "from", &part.from_us) ||
        !query_number(connection, "to", &part.to_us)) {
        return wk_web_error(connection, 400, "bad_request", "from, to",
                            "must be microseconds from the first sample");
    }
    name_folder(web, folder);
    const wk_err err = wk_captures_waveform(folder, name, &part, &waveform, why);
    if (err == WK_E_NOT_FOUND) {
        return wk_web_error(connection, 404, "not_found", "name", why);
    }
    if (err == WK_E_RANGE) {
        return wk_web_error(connection, 400, "bad_request", "from, to", why);
    }
    return err == WK_OK ? wk_web_json(connection, 200, waveform)
                        : wk_web_error(connection, 500, "not_readable", "name", why);
}

static enum MHD_Result answer_capture_file(struct wk_web *web,
                                           struct MHD_Connection *connection, const char *name)
{
    char folder[WK_CONFIG_PATH + 16];
    char disposition[WK_CAPTURES_NAME + 32];
    int file;
    uint64_t size;
    name_folder(web, folder);
    if (wk_captures_open(folder, name, &file, &size) != WK_OK) {
        return wk_web_error(connection, 404, "not_found", "name",
                            "there is no capture of this name");
    }
    struct MHD_Response *response = MHD_create_response_from_fd64(size, file);
    if (response == NULL) {
        close(file);
        return MHD_NO;
    }
    wk_web_headers(response, "application/octet-stream");
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", name);
    MHD_add_response_header(response, "Content-Disposition", disposition);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    const enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

/* NAME is the file, NAME.json its waveform. */
static enum MHD_Result answer_capture(struct wk_web *web, struct MHD_Connection *connection,
                                      const char *name)
{
    const size_t size = strlen(name);
    const size_t ending = sizeof JSON_ENDING - 1;
    char file[WK_CAPTURES_NAME] = "";
    if (size < ending || strcmp(name + size - ending, JSON_ENDING) != 0) {
        return answer_capture_file(web, connection, name);
    }
    if (size - ending < sizeof file) {
        memcpy(file, name, size - ending);
    }
    return answer_waveform(web, connection, file);
}

/* ---- the RPC of Shelly -------------------------------------------------------------------- */

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
                                 const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    wk_web_headers(response, JSON_TYPE);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static bool is_shelly(const struct wk_web *web, const char *url)
{
    return web->shelly != NULL && web->shelly->is_there &&
           (strcmp(url, SHELLY) == 0 || strcmp(url, RPC) == 0 ||
            strncmp(url, RPC "/", sizeof RPC) == 0);
}

static enum MHD_Result answer_shelly(struct wk_web *web, struct MHD_Connection *connection,
                                     const char *url)
{
    char answer[WK_METER_SHELLY_ANSWER];
    const char *method =
        strncmp(url, RPC "/", sizeof RPC) == 0 ? url + sizeof RPC : "Shelly.GetDeviceInfo";
    wk_gate_hold(web->gate);
    const unsigned status = wk_meter_shelly_result(web->shelly, method, answer);
    wk_gate_release(web->gate);
    return send_text(connection, status, answer);
}

/* A frame that is posted: it comes in parts, the end of it without any. */
struct posted {
    size_t size;
    char text[WK_METER_SHELLY_REQUEST];
};

static enum MHD_Result answer_post(struct wk_web *web, struct MHD_Connection *connection,
                                   const struct posted *posted)
{
    char answer[WK_METER_SHELLY_ANSWER];
    if (posted->size > sizeof posted->text) {
        return wk_web_error(connection, 413, "too_long", NULL,
                            "a request has 1024 octets at most");
    }
    wk_gate_hold(web->gate);
    (void)wk_meter_shelly_frame(web->shelly, posted->text, posted->size, answer);
    wk_gate_release(web->gate);
    return send_text(connection, 200, answer);
}

static enum MHD_Result take_post(struct wk_web *web, struct MHD_Connection *connection,
                                 const char *upload, size_t *upload_size, void **per_request)
{
    struct posted *posted = *per_request;
    if (posted == NULL) {
        *per_request = calloc(1, sizeof *posted);
        return *per_request != NULL ? MHD_YES : MHD_NO;
    }
    if (*upload_size == 0) {
        return answer_post(web, connection, posted);
    }
    const bool fits = posted->size <= sizeof posted->text &&
                      *upload_size <= sizeof posted->text - posted->size;
    if (fits) {
        memcpy(posted->text + posted->size, upload, *upload_size);
    }
    posted->size = fits ? posted->size + *upload_size : sizeof posted->text + 1;
    *upload_size = 0;
    return MHD_YES;
}

static void free_posted(void *context, struct MHD_Connection *connection, void **per_request,
                        enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    (void)why;
    free(*per_request);
    *per_request = NULL;
}

/* ---- routes ------------------------------------------------------------------------------ */

static const struct {
    const char *path;
    enum MHD_Result (*answer)(struct wk_web *web, struct MHD_Connection *connection);
} k_routes[] = {
    {"/api/info", answer_info},
    {"/api/live", answer_live},
    {"/api/registers", answer_registers},
    {"/api/profile", answer_profile},
    {"/api/events", answer_events},
    {"/api/stream", wk_web_stream},
    {"/api/wiring", answer_wiring},
    {"/api/balance", answer_balance},
    {"/api/quality", answer_quality},
    {"/api/quality/week", answer_week},
    {"/api/captures", answer_captures},
    {"/api/submeters", answer_submeters},
    {"/api/link", wk_web_link},
    {"/api/certificate", wk_web_enrol},
    {"/api/link/packets", wk_web_link_packets},
    {"/api/link/check", wk_web_link_check},
    {"/api/cycles", wk_web_cycles},
};

static enum MHD_Result send_asset(struct MHD_Connection *connection,
                                  const struct wk_asset *asset)
{
    const char *known =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const bool same = known != NULL && asset->etag != NULL && strcmp(known, asset->etag) == 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        same ? 0 : asset->size, (void *)(uintptr_t)asset->octets, MHD_RESPMEM_PERSISTENT);
    wk_web_headers(response, asset->type);
    if (asset->gzipped) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    if (asset->etag != NULL) {
        MHD_add_response_header(response, "ETag", asset->etag);
    }
    MHD_add_response_header(response, "Cache-Control", "no-cache");
    const enum MHD_Result result = MHD_queue_response(connection, same ? 304 : 200, response);
    MHD_destroy_response(response);
    return result;
}

/* The parameters are those libmicrohttpd demands. NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **per_request)
{
    struct wk_web *web = context;
    (void)version;
    if (strcmp(method, "POST") == 0 && strcmp(url, RPC) == 0 && is_shelly(web, url)) {
        return take_post(web, connection, upload, upload_size, per_request);
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        *upload_size = 0;
        return wk_web_error(connection, 405, "method_not_allowed", NULL,
                            "this page only reads: use DLMS to command the meter");
    }
    if (is_shelly(web, url)) {
        return answer_shelly(web, connection, url);
    }
    for (size_t i = 0; i < sizeof k_routes / sizeof k_routes[0]; i++) {
        if (strcmp(k_routes[i].path, url) == 0) {
            return k_routes[i].answer(web, connection);
        }
    }
    if (strncmp(url, CAPTURES, sizeof CAPTURES - 1) == 0) {
        return answer_capture(web, connection, url + sizeof CAPTURES - 1);
    }
    for (size_t i = 0; i < web->asset_count; i++) {
        if (strcmp(web->assets[i].path, url) == 0) {
            return send_asset(connection, &web->assets[i]);
        }
    }
    return wk_web_error(connection, 404, "not_found", NULL, "there is nothing at this address");
}

/* ---- start and stop ---------------------------------------------------------------------- */

wk_err wk_web_start(struct wk_web *web, const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        snprintf(web->why, sizeof web->why, "%s is no IPv4 address", host);
        return WK_E_ARGUMENT;
    }
    errno = 0;
    web->server = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, port, NULL, NULL,
        answer, web, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)WK_WEB_CONNECTIONS, MHD_OPTION_NOTIFY_COMPLETED,
        free_posted, NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (web->server != NULL) {
        return WK_OK;
    }
    snprintf(web->why, sizeof web->why, "the page cannot use %s:%u: %s", host, port,
             errno == EADDRINUSE ? "another program has this port. Stop it, or choose another "
                                   "port in [web]"
                                 : strerror(errno));
    return errno == EADDRINUSE ? WK_E_BUSY : WK_E_IO;
}

void wk_web_tell(struct wk_web *web)
{
    atomic_fetch_add(&web->fresh, 1);
    wk_wake_all(&web->fresh);
}

void wk_web_stop(struct wk_web *web)
{
    atomic_store(&web->stops, true);
    wk_web_tell(web);
    if (web->server != NULL) {
        MHD_stop_daemon(web->server);
    }
    web->server = NULL;
}
