/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/push.h"

#include <stdlib.h>
#include <string.h>

#include "cosem/wrapper.h"

#define SERVER_SAP 1
#define FRAME_MOST (WK_WRAPPER_SIZE + WK_PUSH_BODY + WK_PUSH_PROTECTION)
#define REPLY_MOST 512

struct delivery {
    struct wk_push_port *port; /* NULL: given up by its owner */
    union {
        uv_handle_t handle;
        uv_tcp_t tcp;
        uv_udp_t udp;
    } via;
    bool is_udp;
    bool is_closing;
    struct sockaddr_storage address;
    uint16_t client_sap;
    uv_connect_t connecting;
    uint32_t writing; /* requests under way */
    struct wk_wrapper_split split;
    uint8_t in[2 * REPLY_MOST];
};

struct wk_push_port {
    struct wk_push_port_config config;
    uv_timer_t timer;
    struct delivery *delivery; /* NULL: none is under way */
};

struct frame {
    union {
        uv_write_t write;
        uv_udp_send_t send;
    } request;
    struct delivery *delivery;
    size_t size;
    uint8_t octets[FRAME_MOST];
};

static int64_t now_us(const struct wk_push_port *port)
{
    return port->config.now_us(port->config.self);
}

/* ---- ending ------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The room knows how it ended. */
static void end_delivery(struct delivery *delivery)
{
    struct wk_push_port *port = delivery->port;
    if (delivery->is_closing) {
        return;
    }
    delivery->is_closing = true;
    delivery->port = NULL;
    uv_close(&delivery->via.handle, on_closed);
    if (port == NULL) {
        return;
    }
    port->delivery = NULL;
    if (port->config.ended != NULL) {
        port->config.ended(port->config.self);
    }
}

static void fail_delivery(struct delivery *delivery)
{
    if (delivery->port != NULL) {
        wk_push_failed(delivery->port->config.push, now_us(delivery->port));
    }
    end_delivery(delivery);
}

/* ---- sending ----------------------------------------------------------------------------- */

static void on_carried(struct frame *frame, int status)
{
    struct delivery *delivery = frame->delivery;
    free(frame);
    delivery->writing--;
    if (delivery->port == NULL) {
        return;
    }
    if (status < 0) {
        fail_delivery(delivery);
        return;
    }
    if (delivery->writing == 0) {
        struct wk_push *push = delivery->port->config.push;
        wk_push_sent(push, now_us(delivery->port));
        if (!wk_push_is_busy(push)) {
            end_delivery(delivery);
        }
    }
}

static void on_written(uv_write_t *request, int status)
{
    on_carried(request->data, status);
}

static void on_datagram_sent(uv_udp_send_t *request, int status)
{
    on_carried(request->data, status);
}

/* One APDU with its frame, as one write or one datagram. */
static int carry(struct delivery *delivery, struct frame *frame)
{
    const uv_buf_t buffer = uv_buf_init((char *)frame->octets, (unsigned)frame->size);
    frame->delivery = delivery;
    if (delivery->is_udp) {
        frame->request.send.data = frame;
        return uv_udp_send(&frame->request.send, &delivery->via.udp, &buffer, 1,
                           (const struct sockaddr *)&delivery->address, on_datagram_sent);
    }
    frame->request.write.data = frame;
    return uv_write(&frame->request.write, (uv_stream_t *)&delivery->via.tcp, &buffer, 1,
                    on_written);
}

static bool send_one(struct delivery *delivery)
{
    const struct wk_push_port *port = delivery->port;
    const struct wk_wrapper head = {.source = SERVER_SAP, .destination = delivery->client_sap};
    struct frame *frame = malloc(sizeof *frame);
    if (frame == NULL) {
        return false;
    }
    struct wk_bytes_out out = wk_bytes_out_of(frame->octets, sizeof frame->octets);
    wk_wrapper_put(&out, &head);
    if (wk_push_output(port->config.push, now_us(port), &out) != WK_OK) {
        free(frame);
        return false;
    }
    wk_bytes_out_patch_u16be(&out, WK_WRAPPER_SIZE - 2, (uint16_t)(out.size - WK_WRAPPER_SIZE));
    frame->size = out.size;
    delivery->writing++;
    if (carry(delivery, frame) != 0) {
        delivery->writing--;
        free(frame);
        return false;
    }
    return true;
}

static void send_all(struct delivery *delivery)
{
    while (!delivery->is_closing && wk_push_sends(delivery->port->config.push)) {
        if (!send_one(delivery)) {
            fail_delivery(delivery);
        }
    }
}

/* ---- receiving --------------------------------------------------------------------------- */

static void take(struct delivery *delivery, struct wk_bytes_in apdu)
{
    struct wk_push *push = delivery->port->config.push;
    wk_push_receive(push, now_us(delivery->port), apdu);
    if (wk_push_is_busy(push)) {
        send_all(delivery);
    } else {
        end_delivery(delivery);
    }
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct delivery *delivery = handle->data;
    size_t size;
    (void)suggested;
    uint8_t *space = wk_wrapper_split_space(&delivery->split, &size);
    *buffer = uv_buf_init((char *)space, (unsigned)size);
}

static void on_octets(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct delivery *delivery = stream->data;
    struct wk_wrapper head;
    struct wk_bytes_in apdu;
    wk_err err = WK_OK;
    (void)buffer;
    if (delivery->port == NULL) {
        return;
    }
    if (size < 0 || wk_wrapper_split_received(&delivery->split, (size_t)size) != WK_OK) {
        fail_delivery(delivery);
        return;
    }
    while (err != WK_E_SHORT && !delivery->is_closing) {
        err = wk_wrapper_split_next(&delivery->split, &head, &apdu);
        if (err == WK_OK) {
            take(delivery, apdu);
        }
    }
}

static void on_datagram_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct delivery *delivery = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)delivery->in, sizeof delivery->in);
}

static void on_datagram(uv_udp_t *udp, ssize_t size, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
    struct delivery *delivery = udp->data;
    struct wk_wrapper head;
    (void)flags;
    if (delivery->port == NULL || size <= 0 || from == NULL) {
        return;
    }
    struct wk_bytes_in in = wk_bytes_in_of(buffer->base, (size_t)size);
    wk_wrapper_read(&in, &head);
    const size_t left = wk_bytes_in_left(&in);
    if (in.fault == WK_OK && left == head.length) {
        take(delivery, wk_bytes_in_of(wk_bytes_in_take(&in, left), left));
    }
}

/* ---- beginning --------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *connecting, int status)
{
    struct delivery *delivery = connecting->handle->data;
    if (delivery->port == NULL) {
        return;
    }
    if (status < 0 ||
        uv_read_start((uv_stream_t *)&delivery->via.tcp, on_space, on_octets) != 0) {
        fail_delivery(delivery);
        return;
    }
    send_all(delivery);
}

/* "host:port", "[host]:port" or only the host, numeric. */
static bool parse_address(const struct wk_push_setup *setup, struct sockaddr_storage *address)
{
    char text[WK_PUSH_DESTINATION + 1];
    int port = WK_WRAPPER_PORT;
    memcpy(text, setup->destination, setup->destination_size);
    text[setup->destination_size] = '\0';
    char *host = text[0] == '[' ? text + 1 : text;
    char *end = text[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    if (end != NULL) {
        const char *number = *end == ']' ? end + 1 : end;
        *end = '\0';
        if (number != end && *number != '\0' && *number != ':') {
            return false;
        }
        const bool has_port = number == end || *number == ':';
        char *rest = NULL;
        const long parsed = has_port ? strtol(number + 1, &rest, 10) : port;
        if (parsed < 1 || parsed > UINT16_MAX || (rest != NULL && *rest != '\0')) {
            return false;
        }
        port = (int)parsed;
    }
    return uv_ip4_addr(host, port, (struct sockaddr_in *)address) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)address) == 0;
}

static bool connect_tcp(struct delivery *delivery)
{
    wk_wrapper_split_init(&delivery->split, delivery->in, sizeof delivery->in);
    return uv_tcp_connect(&delivery->connecting, &delivery->via.tcp,
                          (const struct sockaddr *)&delivery->address, on_connected) == 0;
}

static bool connect_udp(struct delivery *delivery)
{
    if (uv_udp_recv_start(&delivery->via.udp, on_datagram_space, on_datagram) != 0) {
        return false;
    }
    send_all(delivery);
    return true;
}

static void begin(struct wk_push_port *port, const struct wk_push_setup *setup)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    const bool udp = setup->service == WK_PUSH_UDP;
    if (delivery == NULL || !parse_address(setup, &delivery->address) ||
        (udp ? uv_udp_init(port->config.loop, &delivery->via.udp)
             : uv_tcp_init(port->config.loop, &delivery->via.tcp)) != 0) {
        free(delivery);
        wk_push_failed(port->config.push, now_us(port));
        return;
    }
    delivery->port = port;
    delivery->is_udp = udp;
    delivery->client_sap = (uint8_t)setup->client_sap;
    delivery->via.handle.data = delivery;
    port->delivery = delivery;
    if (!(udp ? connect_udp(delivery) : connect_tcp(delivery))) {
        fail_delivery(delivery);
    }
}

static void look(uv_timer_t *timer)
{
    struct wk_push_port *port = timer->data;
    const struct wk_push_setup *setup;
    wk_push_tick(port->config.push, now_us(port));
    if (port->delivery != NULL && !wk_push_is_busy(port->config.push)) {
        end_delivery(port->delivery); /* its answer was overdue */
    }
    if (port->delivery == NULL && wk_push_begin(port->config.push, now_us(port), &setup)) {
        begin(port, setup);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

wk_err wk_push_port_start(struct wk_push_port **port, const struct wk_push_port_config *config)
{
    struct wk_push_port *made = calloc(1, sizeof *made);
    if (made == NULL || uv_timer_init(config->loop, &made->timer) != 0) {
        free(made);
        return WK_E_IO;
    }
    made->config = *config;
    made->timer.data = made;
    if (uv_timer_start(&made->timer, look, WK_PUSH_PORT_LOOK_MS, WK_PUSH_PORT_LOOK_MS) != 0) {
        uv_close((uv_handle_t *)&made->timer, on_timer_closed);
        return WK_E_IO;
    }
    *port = made;
    return WK_OK;
}

void wk_push_port_stop(struct wk_push_port *port)
{
    port->config.ended = NULL;
    if (port->delivery != NULL) {
        fail_delivery(port->delivery);
    }
    uv_close((uv_handle_t *)&port->timer, on_timer_closed);
}
