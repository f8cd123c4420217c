/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/api.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "headend/api_reply.h"

#define CONNECTIONS      64
#define IDLE_TIMEOUT_S   30
#define CONNECTION_STACK (1024 * 1024)

extern const unsigned char wk_openapi[];
extern const size_t wk_openapi_size;

struct wk_api {
    struct wk_api_config config;
    struct MHD_Daemon *daemon;
    uint16_t port;
    pthread_mutex_t mutex; /* one handler at a time: they share an archive */
    atomic_int streams;
};

struct route {
    struct wk_api_route_info info;
    wk_api_handler handler; /* NULL: the answer is made in this file */
};

static const struct route k_routes[] = {
    {{"GET", "/api/fleet"}, wk_api_get_fleet},
    {{"GET", "/api/meters"}, wk_api_get_meters},
    {{"GET", "/api/meters/{serial}"}, wk_api_get_meter},
    {{"GET", "/api/meters/{serial}/intervals"}, wk_api_get_intervals},
    {{"GET", "/api/meters/{serial}/days"}, wk_api_get_days},
    {{"GET", "/api/meters/{serial}/registers"}, wk_api_get_registers},
    {{"GET", "/api/meters/{serial}/events"}, wk_api_get_events},
    {{"GET", "/api/meters/{serial}/gaps"}, wk_api_get_gaps},
    {{"GET", "/api/meters/{serial}/exceptions"}, wk_api_get_exceptions},
    {{"GET", "/api/meters/{serial}/audit"}, wk_api_get_audit},
    {{"GET", "/api/meters/{serial}/bill"}, wk_api_get_bill},
    {{"POST", "/api/meters/{serial}/bill"}, wk_api_post_bill},
    {{"GET", "/api/meters/{serial}/link"}, wk_api_get_link},
    {{"POST", "/api/meters/{serial}/link/check"}, wk_api_post_link_check},
    {{"POST", "/api/meters/{serial}/read"}, wk_api_post_read},
    {{"GET", "/api/meters/{serial}/commands"}, wk_api_get_commands},
    {{"POST", "/api/meters/{serial}/commands"}, wk_api_post_command},
    {{"POST", "/api/meters/{serial}/commands/{id}/confirm"}, wk_api_post_confirm},
    {{"POST", "/api/meters/{serial}/commands/{id}/cancel"}, wk_api_post_cancel},
    {{"GET", "/api/stream"}, NULL},
    {{"GET", "/api/openapi.json"}, NULL},
    {{"GET", "/metrics"}, wk_api_get_metrics},
};

#define ROUTES (sizeof k_routes / sizeof k_routes[0])

bool wk_api_route(size_t index, struct wk_api_route_info *info)
{
    if (index >= ROUTES) {
        return false;
    }
    *info = k_routes[index].info;
    return true;
}

/* Shown at "/" when the page is not compiled in. */
static const char k_status_page[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Wattkeeper "
    "head-end</title></head><body><h1>Wattkeeper head-end</h1><p>This program was built "
    "without its page. Its data are here:</p><ul><li><a href=\"/api/fleet\">fleet</a></li><li>"
    "<a href=\"/api/meters\">meters</a></li><li><a href=\"/api/openapi.json\">description of "
    "the interface</a></li><li><a href=\"/metrics\">figures for Prometheus</a></li></ul>"
    "</body></html>\n";

/* ---- routing ---------------------------------------------------------------------------- */

/* Whether the path has the form of the pattern; what "{x}" stands for goes to parameter. */
static bool matches(const char *pattern, const char *path, struct wk_api_request *r)
{
    int parameter = 0;
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++) {
                return false;
            }
            continue;
        }
        const size_t size = strcspn(path, "/");
        if (size == 0 || size >= sizeof r->parameter[0] || parameter == WK_API_PARAMETERS) {
            return false;
        }
        memcpy(r->parameter[parameter], path, size);
        r->parameter[parameter++][size] = '\0';
        path += size;
        pattern += strcspn(pattern, "}") + 1;
    }
    return *path == '\0';
}

static bool may_change(const struct wk_api_request *r)
{
    const char *token = r->config->registry->token;
    const char *given =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Authorization");
    const size_t size = strlen(token);
    return size > 0 && given != NULL && strncmp(given, "Bearer ", 7) == 0 &&
           strlen(given + 7) == size && wk_bytes_equal_secret(given + 7, token, size);
}

/* Looks up the meter and the body; 0 = fine. */
static int prepare(struct wk_api_request *r, const struct route *route, const char *upload,
                   size_t size)
{
    json_error_t error;
    if (strcmp(route->info.method, "POST") == 0) {
        if (r->config->registry->token[0] == '\0') {
            return wk_api_fail(r, 403, "", "the configuration has no token: reading only");
        }
        if (!may_change(r)) {
            return wk_api_fail(r, 401, "Authorization", "needs: Bearer and the token");
        }
        r->body = json_loadb(size > 0 ? upload : "{}", size > 0 ? size : 2,
                             JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(r->body)) {
            return wk_api_fail(r, 400, "", "the body is no JSON object: %s at offset %d",
                               r->body == NULL ? error.text : "another type",
                               r->body == NULL ? error.position : 0);
        }
    }
    if (strstr(route->info.path, "{serial}") == NULL) {
        return 0;
    }
    r->meter = wk_registry_find(r->config->registry, r->parameter[0]);
    if (r->meter == NULL) {
        return wk_api_fail(r, 404, "serial", "there is no meter with this serial number");
    }
    r->meter_index = (size_t)(r->meter - r->config->registry->meter);
    return 0;
}

static enum MHD_Result run_route(struct wk_api *api, const struct route *route,
                                 struct wk_api_request *r, const char *upload, size_t size)
{
    struct MHD_Connection *connection = r->connection;
    if (strcmp(route->info.path, "/api/stream") == 0) {
        return wk_api_send_stream(connection, r, &api->streams);
    }
    if (strcmp(route->info.path, "/api/openapi.json") == 0) {
        return wk_api_send_fixed(connection, "application/json", wk_openapi, wk_openapi_size);
    }
    pthread_mutex_lock(&api->mutex);
    int status = prepare(r, route, upload, size);
    if (status == 0) {
        status = route->handler(r);
    }
    pthread_mutex_unlock(&api->mutex);
    json_decref(r->body);
    return wk_api_send_request(connection, status, r);
}

static enum MHD_Result send_page(struct wk_api *api, struct MHD_Connection *connection,
                                 const char *path, struct wk_api_request *r)
{
    for (size_t i = 0; i < api->config.asset_count; i++) {
        if (strcmp(api->config.assets[i].path, path) == 0) {
            return wk_api_send_asset(connection, &api->config.assets[i]);
        }
    }
    if (strcmp(path, "/") == 0) {
        return wk_api_send_fixed(connection, "text/html; charset=utf-8", k_status_page,
                                 sizeof k_status_page - 1);
    }
    return wk_api_send_request(connection,
                               wk_api_fail(r, 404, "", "there is nothing at this path"), r);
}

static enum MHD_Result dispatch(struct wk_api *api, struct MHD_Connection *connection,
                                const char *method, const char *path, const char *upload,
                                size_t size)
{
    struct wk_api_request r = {
        .config = &api->config, .connection = connection, .now_s = time(NULL)};
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    bool other_method = false;
    for (size_t i = 0; i < ROUTES; i++) {
        if (matches(k_routes[i].info.path, path, &r)) {
            if (strcmp(k_routes[i].info.method, wanted) == 0) {
                return run_route(api, &k_routes[i], &r, upload, size);
            }
            other_method = true;
        }
    }
    if (other_method || strcmp(wanted, "GET") != 0) {
        return wk_api_send_request(
            connection, wk_api_fail(&r, 405, "", "%s is not possible here", method), &r);
    }
    return send_page(api, connection, path, &r);
}

/* ---- libmicrohttpd ---------------------------------------------------------------------- */

struct upload {
    size_t size;
    bool too_large;
    char data[WK_API_BODY];
};

/* NOLINTNEXTLINE(readability-function-size): the parameters libmicrohttpd demands */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *size, void **state)
{
    struct upload *upload = *state;
    (void)version;
    if (upload == NULL) {
        *state = calloc(1, sizeof *upload);
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        if (*size > sizeof upload->data - upload->size) {
            upload->too_large = true;
        } else {
            memcpy(upload->data + upload->size, data, *size);
            upload->size += *size;
        }
        *size = 0;
        return MHD_YES;
    }
    if (upload->too_large) {
        struct wk_api_request r = {0};
        return wk_api_send_request(
            connection, wk_api_fail(&r, 413, "", "a body has at most %d octets", WK_API_BODY),
            &r);
    }
    return dispatch(context, connection, method, path, upload->data, upload->size);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    free(*state);
    *state = NULL;
}

static wk_err listen_on(const struct wk_registry *registry, int *socket_out, uint16_t *port,
                        char why[WK_INI_WHY])
{
    char service[8];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%u", registry->port);
    if (getaddrinfo(registry->listen, service, &hints, &found) != 0) {
        snprintf(why, WK_INI_WHY, "listen = %s is no numeric address", registry->listen);
        return WK_E_FORMAT;
    }
    const int one = 1;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, CONNECTIONS) != 0) {
        snprintf(why, WK_INI_WHY, "cannot listen on %s port %u: %s%s", registry->listen,
                 registry->port, strerror(errno),
                 errno == EADDRINUSE ? "; stop the program that uses it, or set another "
                                       "`port` in [headend] (0 = any free one)"
                                     : "");
        if (fd >= 0) {
            close(fd);
        }
        freeaddrinfo(found);
        return WK_E_IO;
    }
    freeaddrinfo(found);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char name[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        getnameinfo((struct sockaddr *)&address, length, NULL, 0, name, sizeof name,
                    NI_NUMERICSERV);
    }
    *port = (uint16_t)strtoul(name, NULL, 10);
    *socket_out = fd;
    return WK_OK;
}

wk_err wk_api_start(const struct wk_api_config *config, struct wk_api **out,
                    char why[WK_INI_WHY])
{
    int fd;
    struct wk_api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    api->config = *config;
    pthread_mutex_init(&api->mutex, NULL);
    const wk_err err = listen_on(config->registry, &fd, &api->port, why);
    if (err != WK_OK) {
        wk_api_stop(api);
        return err;
    }
    api->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL,
        api->port, NULL, NULL, on_request, api, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)CONNECTION_STACK, MHD_OPTION_END);
    if (api->daemon == NULL) {
        snprintf(why, WK_INI_WHY, "the HTTP server cannot be started: %s", strerror(errno));
        close(fd);
        wk_api_stop(api);
        return WK_E_IO;
    }
    *out = api;
    return WK_OK;
}

uint16_t wk_api_port(const struct wk_api *api)
{
    return api->port;
}

void wk_api_stop(struct wk_api *api)
{
    if (api == NULL) {
        return;
    }
    if (api->daemon != NULL) {
        MHD_stop_daemon(api->daemon);
    }
    pthread_mutex_destroy(&api->mutex);
    free(api);
}
