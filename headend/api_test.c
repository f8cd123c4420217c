/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/api.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "headend/summary.h"
#include "headend/test_source.h"
#include "tests/wk_test.h"

#define TOKEN       "0123456789abcdef"
#define ANSWER_ROOM (4 * 1024 * 1024)

static struct test_archive t;
static struct wk_registry registry;
static struct wk_registry_meter meter_row;
static struct wk_plan plan;
static struct wk_stream stream;
static struct test_meter meter;
static struct wk_collector *collector;
static struct wk_api *api;
static struct wk_api_config config;
static json_t *openapi;

/* ---- the server under test -------------------------------------------------------------- */

static wk_err make_source(void *self, struct wk_source *out)
{
    (void)self;
    *out = test_source_of(&meter);
    return WK_OK;
}

static wk_err make_archive(void *self, struct wk_archive *archive, char why[WK_INI_WHY])
{
    (void)self;
    return test_archive_handle(&t, archive, why);
}

static void fill_registry(void)
{
    plan = test_plan();
    meter = test_meter_at(TEST_DAY_S + WK_DAY_S + 1000);
    meter_row = (struct wk_registry_meter){
        .serial = "WK-1", .name = "House", .tenant = "test", .phases = 1, .installed_s = -1};
    registry = (struct wk_registry){.listen = "127.0.0.1",
                                    .token = TOKEN,
                                    .workers = 1,
                                    .poll_s = 3600,
                                    .retry_s = 5,
                                    .retry_max_s = 900,
                                    .open_days = 2,
                                    .gap_tries = 3,
                                    .history_days = 40,
                                    .plans = 1,
                                    .plan_name = {"two"},
                                    .plan = &plan,
                                    .meters = 1,
                                    .meter = &meter_row};
}

static void set_up(void)
{
    char why[WK_INI_WHY];
    const struct wk_collector_maker maker = {NULL, make_source, make_archive};
    bool complete = false;
    test_archive_open(&t, 0);
    fill_registry();
    if (wk_stream_init(&stream) != WK_OK ||
        wk_collector_start(&registry, &stream, &maker, &collector, why) != WK_OK) {
        abort();
    }
    config = (struct wk_api_config){.registry = &registry,
                                    .collector = collector,
                                    .stream = &stream,
                                    .archive = &t.archive};
    /* The archive has everything shortly before the visit has ended. */
    struct wk_intake_state state = {.status = WK_INTAKE_FAILING};
    for (int i = 0; i < 500 && !(complete && state.status == WK_INTAKE_OK); i++) {
        usleep(20000);
        wk_collector_state(collector, 0, &state);
        if (wk_summary_complete(&t.archive, &registry, TEST_DAY_S + WK_DAY_S, &complete) !=
            WK_OK) {
            abort();
        }
    }
    if (!complete || wk_api_start(&config, &api, why) != WK_OK) {
        abort();
    }
}

static void tear_down(void)
{
    wk_stream_close(&stream);
    wk_api_stop(api);
    wk_collector_stop(collector);
    wk_stream_free(&stream);
    test_archive_close(&t);
}

/* ---- a client --------------------------------------------------------------------------- */

static char answer[ANSWER_ROOM]; /* head and body, zero-terminated */
static const char *body;

static int connect_to(uint16_t port)
{
    const struct timeval patience = {.tv_sec = 5};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads until the other end closes, the text `until` has come, or nothing comes any more. */
static void receive(int fd, const char *until)
{
    size_t size = 0;
    for (;;) {
        const ssize_t got = recv(fd, answer + size, ANSWER_ROOM - 1 - size, 0);
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
        answer[size] = '\0';
        if (until != NULL && strstr(answer, until) != NULL) {
            break;
        }
    }
    answer[size] = '\0';
    body = strstr(answer, "\r\n\r\n");
    body = body != NULL ? body + 4 : "";
}

static int status_of_answer(void)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* `token`: NULL = none is sent. */
static int request(const char *method, const char *path, const char *send_body,
                   const char *token)
{
    char head[1024];
    const size_t size = send_body != NULL ? strlen(send_body) : 0;
    const int fd = connect_to(wk_api_port(api));
    if (fd < 0) {
        return 0;
    }
    snprintf(head, sizeof head,
             "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%sContent-Length: "
             "%zu\r\n\r\n",
             method, path, token != NULL ? "Authorization: Bearer " : "",
             token != NULL ? token : "", token != NULL ? "\r\n" : "", size);
    if (send(fd, head, strlen(head), MSG_NOSIGNAL) < 0 ||
        (size > 0 && send(fd, send_body, size, MSG_NOSIGNAL) < 0)) {
        close(fd);
        return 0;
    }
    receive(fd, NULL);
    close(fd);
    return status_of_answer();
}

/* ---- does an answer have the form that the document promises? --------------------------- */

static const json_t *resolve(const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (ref == NULL) {
        return schema;
    }
    const json_t *schemas = json_object_get(json_object_get(openapi, "components"), "schemas");
    return json_object_get(schemas, strrchr(ref, '/') + 1);
}

static bool type_fits(const json_t *schema, const json_t *value)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (json_is_null(value)) {
        return json_is_true(json_object_get(schema, "nullable"));
    }
    return type == NULL || (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

static bool enum_fits(const json_t *schema, const json_t *value)
{
    const json_t *allowed = json_object_get(schema, "enum");
    size_t i;
    json_t *one;
    json_array_foreach(allowed, i, one)
    {
        if (json_equal(one, value)) {
            return true;
        }
    }
    return allowed == NULL || json_is_null(value);
}

static bool wrong(const char *at, const char *what)
{
    printf("# %s: %s\n", at, what);
    return false;
}

static bool fits(const json_t *raw_schema, const json_t *value, const char *at, bool closed);

static bool object_fits(const json_t *schema, const json_t *value, bool closed)
{
    const json_t *properties = json_object_get(schema, "properties");
    size_t i;
    json_t *name;
    const char *key;
    json_t *member;
    json_array_foreach(json_object_get(schema, "required"), i, name)
    {
        if (json_object_get(value, json_string_value(name)) == NULL) {
            return wrong(json_string_value(name), "is promised and not there");
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const json_t *of_member = json_object_get(properties, key);
        if (of_member == NULL && closed && properties != NULL) {
            return wrong(key, "is not in the document");
        }
        if (of_member != NULL && !fits(of_member, member, key, true)) {
            return false;
        }
    }
    return true;
}

static bool fits(const json_t *raw_schema, const json_t *value, const char *at, bool closed)
{
    const json_t *schema = resolve(raw_schema);
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(schema, "allOf"), i, one)
    {
        if (!fits(one, value, at, false)) {
            return false;
        }
    }
    if (!type_fits(schema, value) || !enum_fits(schema, value)) {
        return wrong(at, "has another type or value than promised");
    }
    const json_t *items = json_object_get(schema, "items");
    json_array_foreach(value, i, one)
    {
        if (items != NULL && !fits(items, one, at, true)) {
            return false;
        }
    }
    return !json_is_object(value) || object_fits(schema, value, closed);
}

static const json_t *operation(const char *method, const char *route)
{
    const char *lower = strcmp(method, "POST") == 0 ? "post" : "get";
    return json_object_get(json_object_get(json_object_get(openapi, "paths"), route), lower);
}

/* Sends a request to a path of this route and holds the answer against the document. */
static bool answers(const char *method, const char *route, const char *path,
                    const char *send_body, int wanted)
{
    char code[8];
    const int status =
        request(method, path, send_body, strcmp(method, "POST") == 0 ? TOKEN : NULL);
    if (status != wanted) {
        printf("# %s %s gave %d, not %d: %.300s\n", method, path, status, wanted, body);
        return false;
    }
    snprintf(code, sizeof code, "%d", status);
    const json_t *response =
        json_object_get(json_object_get(operation(method, route), "responses"), code);
    const json_t *schema = json_object_get(
        json_object_get(json_object_get(response, "content"), "application/json"), "schema");
    json_t *value = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    const bool good = schema != NULL && value != NULL && fits(schema, value, path, true);
    if (!good) {
        printf("# %s %s -> %d: %.300s\n", method, path, status, body);
    }
    json_decref(value);
    return good;
}

static void load_document(void)
{
    if (openapi == NULL) {
        openapi = json_load_file(WK_SOURCE_DIR "/headend/openapi.json", 0, NULL);
    }
}

/* ---- tests ------------------------------------------------------------------------------ */

static void the_document_and_the_table_of_routes_are_the_same(void)
{
    struct wk_api_route_info info;
    size_t routes = 0;
    size_t operations = 0;
    const char *path;
    json_t *methods;
    load_document();
    EXPECT(openapi != NULL);
    for (; wk_api_route(routes, &info); routes++) {
        if (operation(info.method, info.path) == NULL) {
            printf("# %s %s is not described\n", info.method, info.path);
        }
        EXPECT(operation(info.method, info.path) != NULL);
    }
    json_object_foreach(json_object_get(openapi, "paths"), path, methods)
    {
        operations += json_object_size(methods);
    }
    EXPECT_I64(routes, operations);
}

static void every_route_answers_as_the_document_says(void)
{
    static const char *const k_lists[] = {"registers", "events",   "gaps", "exceptions",
                                          "audit",     "commands", "days"};
    char route[96];
    char path[96];
    load_document();
    set_up();
    EXPECT(answers("GET", "/api/fleet", "/api/fleet", NULL, 200));
    EXPECT(answers("GET", "/api/meters", "/api/meters?limit=1", NULL, 200));
    EXPECT(answers("GET", "/api/meters/{serial}", "/api/meters/WK-1", NULL, 200));
    for (size_t i = 0; i < sizeof k_lists / sizeof k_lists[0]; i++) {
        snprintf(route, sizeof route, "/api/meters/{serial}/%s", k_lists[i]);
        snprintf(path, sizeof path, "/api/meters/WK-1/%s", k_lists[i]);
        EXPECT(answers("GET", route, path, NULL, 200));
        snprintf(path, sizeof path, "/api/meters/WK-9/%s", k_lists[i]);
        EXPECT(answers("GET", route, path, NULL, 404));
    }
    EXPECT_I64(200, request("GET", "/api/openapi.json", NULL, NULL));
    json_t *served = json_loads(body, 0, NULL);
    EXPECT(json_equal(served, openapi) == 1);
    json_decref(served);
    EXPECT_I64(200, request("GET", "/metrics", NULL, NULL));
    EXPECT(strstr(body, "wk_meters{status=\"ok\"} 1\n") != NULL);
    EXPECT(strstr(body, "wk_readings_total 98\n") != NULL);
    tear_down();
}

static void intervals_are_the_meters_own(void)
{
    static const char k_route[] = "/api/meters/{serial}/intervals";
    load_document();
    set_up();
    EXPECT(answers("GET", k_route,
                   "/api/meters/WK-1/intervals?from=2007-02-01&to=2007-02-01T12:00:00Z", NULL,
                   200));
    json_t *json = json_loads(body, 0, NULL);
    const json_t *values = json_object_get(json, "value_u");
    EXPECT_I64(48, json_array_size(values));
    for (size_t i = 0; i < 48; i++) {
        EXPECT_I64(test_energy_uwh((int64_t)i), json_integer_value(json_array_get(values, i)));
        EXPECT_I64(test_tariff((int64_t)i) + 1,
                   json_integer_value(json_array_get(json_object_get(json, "tariff"), i)));
    }
    json_decref(json);
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?channel=q_import&revision=raw",
                   NULL, 200));
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?channel=t9", NULL, 400));
    EXPECT(strstr(body, "\"field\":\"channel\"") != NULL);
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?channel=export", NULL, 404));
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?revision=7", NULL, 400));
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?from=yesterday", NULL, 400));
    EXPECT(strstr(body, "\"field\":\"from\"") != NULL);
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?from=2007-02-02&to=2007-02-01",
                   NULL, 400));
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/intervals?from=2010-01-01&to=2011-01-01",
                   NULL, 404));
    tear_down();
}

static void a_bill_is_shown_and_issued_once(void)
{
    static const char k_route[] = "/api/meters/{serial}/bill";
    static const char k_path[] = "/api/meters/WK-1/bill";
    static const char k_day[] = "{\"from\":\"2007-02-01\",\"to\":\"2007-02-02\"}";
    load_document();
    set_up();
    EXPECT(answers("GET", k_route, "/api/meters/WK-1/bill?from=2007-02-01&to=2007-02-02", NULL,
                   200));
    EXPECT(strstr(body, "\"agree\":true,\"digest\"") != NULL);
    EXPECT(answers("POST", k_route, k_path, k_day, 201));
    EXPECT(strstr(body, "\"revision\":0") != NULL);
    EXPECT(answers("POST", k_route, k_path, k_day, 201));
    EXPECT(strstr(body, "\"revision\":0") != NULL);
    EXPECT(answers("POST", k_route, k_path, "{\"from\":\"2007-02-01\"}", 400));
    EXPECT(strstr(body, "\"field\":\"to\"") != NULL);
    EXPECT(answers("POST", k_route, k_path, "{\"from\":\"2007-02-01\",\"to\":\"2007-02-03\"}",
                   409));
    EXPECT(
        answers("GET", k_route, "/api/meters/WK-1/bill?from=2007-02-01T00:00:01Z", NULL, 400));
    tear_down();
}

static void commands_need_the_token_and_two_steps(void)
{
    static const char k_route[] = "/api/meters/{serial}/commands";
    static const char k_path[] = "/api/meters/WK-1/commands";
    static const char k_confirm[] = "/api/meters/{serial}/commands/{id}/confirm";
    static const char k_cancel[] = "/api/meters/{serial}/commands/{id}/cancel";
    static const char k_off[] = "{\"id\":\"c1\",\"action\":\"disconnect\",\"who\":\"ann\"}";
    load_document();
    set_up();
    EXPECT_I64(401, request("POST", k_path, k_off, NULL));
    EXPECT(strstr(answer, "WWW-Authenticate: Bearer") != NULL);
    EXPECT_I64(401, request("POST", k_path, k_off, "0123456789abcdeg"));
    EXPECT_I64(401, request("POST", k_path, k_off, "0"));
    EXPECT(answers("POST", k_route, k_path, k_off, 201));
    EXPECT(strstr(body, "\"state\":\"armed\"") != NULL);
    EXPECT(answers("POST", k_route, k_path, "{\"id\":\"c1\",\"action\":\"connect\"}", 409));
    EXPECT(answers("POST", k_route, k_path, "{\"id\":\"c2\",\"action\":\"explode\"}", 400));
    EXPECT(answers("POST", k_route, k_path, "{\"id\":\"c 2\",\"action\":\"connect\"}", 400));
    EXPECT(answers("POST", k_route, k_path, "{\"id\":\"c2\",\"acton\":\"connect\"}", 400));
    EXPECT(strstr(body, "\"field\":\"acton\"") != NULL);
    EXPECT(answers("POST", k_route, k_path, "[1]", 400));
    EXPECT(answers("POST", k_route, k_path, "{\"id\":", 400));
    EXPECT(answers("POST", k_route, "/api/meters/WK-9/commands", k_off, 404));
    EXPECT(meter.supply);
    EXPECT(answers("POST", k_confirm, "/api/meters/WK-1/commands/c1/confirm", NULL, 200));
    EXPECT(answers("POST", k_confirm, "/api/meters/WK-1/commands/c9/confirm", NULL, 404));
    for (int i = 0; i < 200; i++) {
        usleep(10000);
        EXPECT(answers("GET", k_route, k_path, NULL, 200));
        if (strstr(body, "\"state\":\"done\"") != NULL) {
            break;
        }
    }
    EXPECT(strstr(body, "output open, control state disconnected") != NULL);
    EXPECT(answers("POST", k_cancel, "/api/meters/WK-1/commands/c1/cancel", NULL, 409));
    EXPECT(answers("POST", "/api/meters/{serial}/read", "/api/meters/WK-1/read", NULL, 202));
    registry.token[0] = '\0';
    EXPECT_I64(403, request("POST", k_path, k_off, ""));
    tear_down();
}

static void what_is_not_there_or_too_large_is_refused_precisely(void)
{
    static char large[WK_API_BODY + 2];
    memset(large, ' ', sizeof large - 1);
    set_up();
    EXPECT_I64(404, request("GET", "/api/nothing", NULL, NULL));
    EXPECT(strstr(body, "\"code\":\"not_found\"") != NULL);
    EXPECT_I64(404, request("GET", "/api/meters/", NULL, NULL));
    EXPECT_I64(404, request("GET", "/../../etc/passwd", NULL, NULL));
    EXPECT_I64(405, request("DELETE", "/api/fleet", NULL, NULL));
    EXPECT_I64(405, request("POST", "/api/fleet", "{}", TOKEN));
    EXPECT_I64(413, request("POST", "/api/meters/WK-1/read", large, TOKEN));
    EXPECT_I64(400, request("GET", "/api/meters?limit=0", NULL, NULL));
    EXPECT_I64(400, request("GET", "/api/meters?after=none", NULL, NULL));
    EXPECT_I64(200, request("HEAD", "/api/fleet", NULL, NULL));
    EXPECT_I64(200, request("GET", "/", NULL, NULL));
    EXPECT(strstr(answer, "Content-Security-Policy: default-src 'self'") != NULL);
    EXPECT(strstr(answer, "X-Content-Type-Options: nosniff") != NULL);
    EXPECT(strstr(answer, "frame-ancestors 'none'") != NULL);
    tear_down();
}

static void noise_on_the_port_hurts_nothing(void)
{
    uint32_t seed = 20261121;
    char noise[512];
    printf("# seed %u\n", seed);
    set_up();
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof noise; k++) {
            seed = seed * 1664525 + 1013904223;
            noise[k] = (char)(seed >> 24);
        }
        if (i % 2 == 0) {
            memcpy(noise, "GET /api/meters/", 16);
        }
        const int fd = connect_to(wk_api_port(api));
        EXPECT(fd >= 0);
        EXPECT(send(fd, noise, sizeof noise, MSG_NOSIGNAL) > 0);
        close(fd);
    }
    EXPECT_I64(200, request("GET", "/api/fleet", NULL, NULL));
    tear_down();
}

static void listeners_get_events_and_a_seventeenth_is_sent_away(void)
{
    int fd[WK_API_STREAMS];
    static const char k_get[] = "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n";
    set_up();
    for (int i = 0; i < WK_API_STREAMS; i++) {
        fd[i] = connect_to(wk_api_port(api));
        EXPECT(send(fd[i], k_get, strlen(k_get), MSG_NOSIGNAL) > 0);
        receive(fd[i], ": open");
        EXPECT(strstr(answer, "text/event-stream") != NULL);
    }
    EXPECT_I64(503, request("GET", "/api/stream", NULL, NULL));
    EXPECT(strstr(answer, "Retry-After: 5") != NULL);
    wk_stream_publish(&stream, "event", "{\"serial\":\"WK-1\",\"code\":%d}", 77);
    receive(fd[3], "77");
    EXPECT(strstr(answer, "event: event\ndata: {\"serial\":\"WK-1\",\"code\":77}\n\n") != NULL);
    for (int i = 0; i < WK_API_STREAMS; i++) {
        close(fd[i]);
    }
    tear_down();
}

static void a_port_in_use_says_what_to_do(void)
{
    struct wk_api *second = NULL;
    struct wk_registry other;
    char why[WK_INI_WHY];
    set_up();
    other = registry;
    other.port = wk_api_port(api);
    struct wk_api_config same = config;
    same.registry = &other;
    EXPECT_ERR(WK_E_IO, wk_api_start(&same, &second, why));
    EXPECT(strstr(why, "in use") != NULL && strstr(why, "set another") != NULL);
    snprintf(other.listen, sizeof other.listen, "nowhere");
    EXPECT_ERR(WK_E_FORMAT, wk_api_start(&same, &second, why));
    tear_down();
    json_decref(openapi);
    openapi = NULL;
}

WK_TEST_MAIN(T(the_document_and_the_table_of_routes_are_the_same),
             T(every_route_answers_as_the_document_says), T(intervals_are_the_meters_own),
             T(a_bill_is_shown_and_issued_once), T(commands_need_the_token_and_two_steps),
             T(what_is_not_there_or_too_large_is_refused_precisely),
             T(noise_on_the_port_hurts_nothing),
             T(listeners_get_events_and_a_seventeenth_is_sent_away),
             T(a_port_in_use_says_what_to_do))
