/* SPDX-License-Identifier: Apache-2.0
 *
 * Notifications over real sockets of the loopback: a thread receives, the loop sends. */
#include "port/linux/push.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cosem/apdu.h"
#include "cosem/notification.h"
#include "cosem/wrapper.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US  INT64_C(1790000000000000)
#define LIMIT_S 10

struct receiver {
    int fd;
    bool is_udp;
    bool confirms;
    uint16_t port;
    pthread_t thread;
    struct sockaddr_in from;
    uint8_t whole[4096];
    size_t size;
    int blocks;
};

static struct wk_dlms_meter meter;
static struct wk_session_security security;
static struct wk_object_table table;
static struct wk_push push;
static struct wk_push_port *port;
static uv_loop_t loop;
static int ended;

static uint32_t draw(void *self)
{
    (void)self;
    return 0;
}

static int64_t now_us(void *self)
{
    return NOW_US + 3600 * INT64_C(1000000) * 24 + (int64_t)uv_now(self) * 1000;
}

static void on_ended(void *self)
{
    (void)self;
    ended++;
    uv_stop(&loop);
}

/* ---- the receiving end ------------------------------------------------------------------- */

static void answer(struct receiver *receiver, int fd, const struct wk_bytes_out *apdu)
{
    uint8_t room[128];
    const struct wk_wrapper head = {
        .source = 102, .destination = 1, .length = (uint16_t)apdu->size};
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_wrapper_put(&out, &head);
    wk_bytes_out_put(&out, apdu->data, apdu->size);
    if (receiver->is_udp) {
        (void)sendto(fd, room, out.size, 0, (struct sockaddr *)&receiver->from,
                     sizeof receiver->from);
    } else {
        (void)send(fd, room, out.size, MSG_NOSIGNAL);
    }
}

/* True when the notification is whole. */
static bool take(struct receiver *receiver, int fd, struct wk_bytes_in apdu)
{
    uint8_t room[64];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_gbt_block block = {.last = true, .data = apdu};
    if (wk_bytes_in_peek(&apdu) == WK_APDU_GENERAL_BLOCK &&
        wk_gbt_read(&apdu, &block) != WK_OK) {
        return true;
    }
    memcpy(receiver->whole + receiver->size, block.data.data, block.data.size);
    receiver->size += block.data.size;
    receiver->blocks++;
    if (!block.last && !block.streaming) {
        const struct wk_gbt_block ack = {
            .last = true, .window = 3, .number = block.number, .ack = block.number};
        wk_gbt_put(&out, &ack);
        answer(receiver, fd, &out);
    }
    struct wk_bytes_in in = wk_bytes_in_of(receiver->whole, receiver->size);
    struct wk_notification notification;
    if (block.last && receiver->confirms && wk_notification_read(&in, &notification) == WK_OK) {
        wk_notification_put_confirm(&out, notification.invoke, wk_bytes_in_of(NULL, 0));
        answer(receiver, fd, &out);
    }
    return block.last;
}

static void *receive(void *self)
{
    struct receiver *receiver = self;
    uint8_t room[8192];
    struct wk_wrapper_split split;
    struct wk_wrapper head;
    struct wk_bytes_in apdu;
    bool done = false;
    const int fd = receiver->is_udp ? receiver->fd : accept(receiver->fd, NULL, NULL);
    wk_wrapper_split_init(&split, room, sizeof room);
    while (!done) {
        size_t size;
        socklen_t from_size = sizeof receiver->from;
        uint8_t *space = wk_wrapper_split_space(&split, &size);
        const ssize_t got =
            receiver->is_udp
                ? recvfrom(fd, space, size, 0, (struct sockaddr *)&receiver->from, &from_size)
                : recv(fd, space, size, 0);
        if (got <= 0 || wk_wrapper_split_received(&split, (size_t)got) != WK_OK) {
            break;
        }
        while (!done && wk_wrapper_split_next(&split, &head, &apdu) == WK_OK) {
            done = take(receiver, fd, apdu);
        }
    }
    if (!receiver->is_udp && fd >= 0) {
        (void)recv(fd, room, 1, 0); /* until the meter hangs up */
        (void)close(fd);
    }
    return NULL;
}

static bool open_receiver(struct receiver *receiver, bool udp, bool confirms)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    const struct timeval limit = {.tv_sec = LIMIT_S};
    *receiver = (struct receiver){.is_udp = udp, .confirms = confirms};
    receiver->fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (receiver->fd < 0 || bind(receiver->fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        (!udp && listen(receiver->fd, 4) != 0) ||
        getsockname(receiver->fd, (struct sockaddr *)&at, &size) != 0 ||
        setsockopt(receiver->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        return false;
    }
    receiver->port = ntohs(at.sin_port);
    return pthread_create(&receiver->thread, NULL, receive, receiver) == 0;
}

/* ---- the sending end --------------------------------------------------------------------- */

static void begin(uint16_t max_pdu)
{
    const struct wk_push_config config = {
        .table = &table,
        .zone = &wk_zone_central_europe,
        .role = WK_ROLE_MANAGEMENT,
        .max_pdu = max_pdu,
        .draw = draw,
    };
    meter = (struct wk_dlms_meter){.security = &security};
    table = wk_dlms_meter_table(&meter);
    ended = 0;
    EXPECT_I64(0, uv_loop_init(&loop));
    EXPECT_OK(wk_push_init(&push, &config));
    const struct wk_push_port_config carrier = {.loop = &loop,
                                                .source = wk_push_port_of_push(&push),
                                                .self = &loop,
                                                .now_us = now_us,
                                                .ended = on_ended};
    EXPECT_OK(wk_push_port_start(&port, &carrier));
}

static void on_limit(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* The name of the meter, and entries 1 to 30 of the load profile. */
static void fill_in(const struct wk_push_setup *setup)
{
    static const uint8_t k_objects[] = {
        1,  2,  2, 6, 18, 0,  1, 9, 6,  0, 0, 42, 0, 0, 255, 15, 2, 18, 0,   0,  2,
        2,  22, 0, 0, 1,  0,  2, 6, 18, 0, 7, 9,  6, 1, 0,   99, 1, 0,  255, 15, 2,
        18, 0,  0, 2, 2,  22, 2, 2, 2,  6, 0, 0,  0, 1, 6,   0,  0, 0,  30,  1,  0};
    struct wk_bytes_in in = wk_bytes_in_of(k_objects, sizeof k_objects);
    EXPECT_OK(wk_push_put(&push, 0, setup, NULL, 0));
    EXPECT_OK(wk_push_set(&push, 0, 2, &in));
}

/* Triggers the setup and runs the loop until the delivery ended. */
static void push_to(uint16_t to, bool udp, wk_push_method method)
{
    static uv_timer_t limit; /* closed by a later run of the loop */
    struct wk_push_setup setup = {.service = udp ? WK_PUSH_UDP : WK_PUSH_TCP,
                                  .client_sap = 102,
                                  .method = (uint8_t)method};
    setup.destination_size =
        (uint8_t)snprintf((char *)setup.destination, WK_PUSH_DESTINATION, "127.0.0.1:%u", to);
    fill_in(&setup);
    EXPECT_OK(wk_push_trigger(&push, 0, now_us(&loop)));
    EXPECT_I64(0, uv_timer_init(&loop, &limit));
    uv_timer_start(&limit, on_limit, LIMIT_S * 1000, 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&limit, NULL);
}

static void finish(void)
{
    wk_push_port_stop(port);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(0, uv_loop_close(&loop));
}

static void notifications_arrive_over_tcp_and_udp(void)
{
    static struct receiver receiver;
    for (int i = 0; i < 8; i++) {
        const bool udp = (i & 1) != 0;
        const bool confirms = (i & 2) != 0;
        const uint16_t max_pdu = (i & 4) != 0 ? 128 : 2048;
        begin(max_pdu);
        EXPECT(open_receiver(&receiver, udp, confirms));
        push_to(receiver.port, udp, confirms ? WK_PUSH_CONFIRMED : WK_PUSH_UNCONFIRMED);
        EXPECT_I64(1, ended);
        EXPECT_I64(1, push.delivered);
        finish();
        (void)pthread_join(receiver.thread, NULL);
        (void)close(receiver.fd);
        printf("# udp %d confirmed %d pdu %u: %d blocks, %zu octets\n", udp, confirms, max_pdu,
               receiver.blocks, receiver.size);
        EXPECT(max_pdu > 1000 ? receiver.blocks == 1 : receiver.blocks > 9);
        struct wk_bytes_in in = wk_bytes_in_of(receiver.whole, receiver.size);
        struct wk_notification notification;
        EXPECT_OK(wk_notification_read(&in, &notification));
        EXPECT_I64(2 + 18 + 2 + 30 * 36, notification.body.size);
    }
}

static void a_destination_that_is_not_there_is_tried_again(void)
{
    static struct receiver receiver;
    begin(2048);
    EXPECT(open_receiver(&receiver, true, false)); /* nobody listens on TCP there */
    push_to(receiver.port, false, WK_PUSH_UNCONFIRMED);
    EXPECT_I64(1, ended);
    EXPECT_I64(0, push.delivered);
    EXPECT_I64(1, push.given_up);
    fill_in(
        &(struct wk_push_setup){.destination = "nowhere", .destination_size = 7, .retries = 1});
    EXPECT_OK(wk_push_trigger(&push, 0, now_us(&loop)));
    (void)uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < 20 && push.given_up < 2; i++) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    EXPECT_I64(2, push.given_up);
    finish();
    (void)shutdown(receiver.fd, SHUT_RDWR);
    (void)pthread_join(receiver.thread, NULL);
    (void)close(receiver.fd);
}

WK_TEST_MAIN(T(notifications_arrive_over_tcp_and_udp),
             T(a_destination_that_is_not_there_is_tried_again))
