/* SPDX-License-Identifier: Apache-2.0
 *
 * Our client against libcoap's server, in one loop. */
#include "tests/wk_test.h"

#include <uv.h>

#include "port/linux/coap_port.h"
#include "port/linux/coap_server.h"

#define PORT       56831
#define PATIENCE_S 20
#define LONG       1340 /* octets */
#define BAD        0x80

struct world {
    uv_loop_t loop;
    uv_poll_t poll;
    uv_timer_t clock;
    struct wk_coap_server *server;
    struct wk_coap_port *port;
    bool carries;
    uint64_t peer;
    int posts;
    size_t posted_size;
    char path[64];
    const char *says;      /* in the response */
    const char *says_late; /* when the clock rings */
    uint8_t refuses;       /* with this code */
    int answers;
    wk_coap_lane lane;
    uint8_t code;
    size_t size;
    char payload[64];
};

static struct world world;

static uint8_t on_posted(void *self, uint64_t peer, const char *path, uint8_t *payload,
                         size_t size)
{
    (void)self;
    (void)payload;
    world.posts++;
    world.peer = peer;
    world.posted_size = size;
    (void)snprintf(world.path, sizeof world.path, "%s", path);
    if (world.says != NULL &&
        wk_coap_server_say(world.server, peer, world.says, strlen(world.says)) != WK_OK) {
        world.says = "that was too much";
    }
    return world.refuses;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
    wk_coap_server_serve(world.server);
}

static void on_answered(void *self, wk_coap_lane lane, uint8_t code, struct wk_bytes_in payload)
{
    (void)self;
    world.answers++;
    world.lane = lane;
    world.code = code;
    world.size = payload.size;
    if (payload.size > 0) {
        memcpy(world.payload, payload.data, payload.size < 64 ? payload.size : 64);
    }
}

static void on_carries(void *self, bool carries)
{
    (void)self;
    world.carries = carries;
}

static void on_clock(uv_timer_t *clock)
{
    (void)clock;
    if (world.says_late != NULL && wk_coap_server_say(world.server, world.peer, world.says_late,
                                                      strlen(world.says_late)) == WK_OK) {
        world.says_late = NULL;
    }
}

static wk_err begin(void)
{
    static struct wk_link_carrier_url to = {.host = "127.0.0.1", .port = PORT};
    char error[WK_LINK_CARRIER_ERROR];
    const struct wk_coap_server_config server = {
        .address = "127.0.0.1", .port = PORT, .posted = on_posted};
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    WK_TRY(wk_coap_server_open(&world.server, &server, error));
    uv_poll_init(&world.loop, &world.poll, wk_coap_server_fd(world.server));
    uv_poll_start(&world.poll, UV_READABLE, on_readable);
    uv_timer_init(&world.loop, &world.clock);
    uv_timer_start(&world.clock, on_clock, 100, 100);
    const struct wk_coap_port_config port = {
        .loop = &world.loop,
        .to = &to,
        .path = {wk_bytes_in_of("wk", 2), wk_bytes_in_of("title", 5)},
        .carries = on_carries,
        .answered = on_answered};
    WK_TRY(wk_coap_port_start(&world.port, &port, error));
    while (!world.carries) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    return WK_OK;
}

static void end(void)
{
    wk_coap_port_stop(world.port);
    uv_close((uv_handle_t *)&world.poll, NULL);
    uv_close((uv_handle_t *)&world.clock, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    uv_loop_close(&world.loop);
    wk_coap_server_close(world.server);
}

/* Until so many answers came. */
static bool wait_for(int answers)
{
    const uint64_t until_ns = uv_hrtime() + PATIENCE_S * UINT64_C(1000000000);
    while (world.answers < answers && uv_hrtime() < until_ns) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    return world.answers == answers;
}

static void a_response_comes_with_the_acknowledgement(void)
{
    static const uint8_t k_long[LONG] = {1, 2, 3};
    EXPECT_OK(begin());
    world.says = "hello";
    EXPECT_OK(wk_coap_port_post(world.port, WK_COAP_BULK, k_long, sizeof k_long));
    EXPECT(wait_for(1));
    EXPECT(world.posted_size == LONG && strcmp(world.path, "wk/title") == 0);
    EXPECT(world.lane == WK_COAP_BULK && world.code == WK_COAP_CHANGED);
    EXPECT(world.size == 5 && memcmp(world.payload, "hello", 5) == 0);
    EXPECT_I64(1, wk_coap_port_counts(world.port)->requests);
    end();
}

static void what_is_asked_for_comes_when_it_is_there(void)
{
    EXPECT_OK(begin());
    EXPECT_OK(wk_coap_port_post(world.port, WK_COAP_URGENT, "a", 1));
    EXPECT(wait_for(1));
    EXPECT(world.size == 0);
    EXPECT_OK(wk_coap_port_post(world.port, WK_COAP_POLL, NULL, 0));
    world.says_late = "later";
    EXPECT(wait_for(2));
    EXPECT(world.lane == WK_COAP_POLL && world.size == 5);
    EXPECT_I64(1, world.posts); /* the question was none */
    world.says_late = "before it was asked";
    while (world.says_late != NULL) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    EXPECT_OK(wk_coap_port_post(world.port, WK_COAP_POLL, NULL, 0));
    EXPECT(wait_for(3));
    EXPECT_I64(19, world.size);
    end();
}

static void a_refusal_has_its_code(void)
{
    EXPECT_OK(begin());
    world.refuses = BAD;
    EXPECT_OK(wk_coap_port_post(world.port, WK_COAP_BULK, "a", 1));
    EXPECT(wait_for(1));
    EXPECT_I64(BAD, world.code);
    end();
}

static void what_was_not_heard_for_too_long_is_told(void)
{
    EXPECT_OK(begin());
    EXPECT_ERR(WK_E_NOT_FOUND, wk_coap_server_say(world.server, 77, "a", 1));
    end();
}

WK_TEST_MAIN(T(a_response_comes_with_the_acknowledgement),
             T(what_is_asked_for_comes_when_it_is_there), T(a_refusal_has_its_code),
             T(what_was_not_heard_for_too_long_is_told))
