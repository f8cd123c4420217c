/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/push.h"

#include <stdlib.h>
#include <string.h>

#include "cosem/wrapper.h"
#include "link/coap.h"
#include "port/linux/push_coap.h"

#define SERVER_SAP 1
#define ALARM_SAP  102 /* the pre-established client */
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
    struct wk_push_coap *coap; /* ... likewise */
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

/* ---- rooms ------------------------------------------------------------------------------- */

static void push_tick(void *room, int64_t at_us)
{
    wk_push_tick(room, at_us);
}

static bool push_begin(void *room, int64_t at_us, struct wk_push_port_target *target)
{
    const struct wk_push_setup *setup;
    if (!wk_push_begin(room, at_us, &setup)) {
        return false;
    }
    *target = (struct wk_push_port_target){
        .address = setup->destination,
        .address_size = setup->destination_size,
        .is_udp = setup->service == WK_PUSH_UDP,
        .is_coap = setup->service == WK_PUSH_COAP,
        .client_sap = (uint8_t)setup->client_sap,
    };
    return true;
}

static bool push_is_busy(const void *room)
{
    return wk_push_is_busy(room);
}

static bool push_sends(const void *room)
{
    return wk_push_sends(room);
}

static wk_err push_output(void *room, int64_t at_us, struct wk_bytes_out *out)
{
    return wk_push_output(room, at_us, out);
}

static void push_sent(void *room, int64_t at_us)
{
    wk_push_sent(room, at_us);
}

static void push_receive(void *room, int64_t at_us, struct wk_bytes_in apdu)
{
    wk_push_receive(room, at_us, apdu);
}

static void push_failed(void *room, int64_t at_us)
{
    wk_push_failed(room, at_us);
}

struct wk_push_port_source wk_push_port_of_push(struct wk_push *push)
{
    return (struct wk_push_port_source){push,         push_tick,    push_begin,
                                        push_is_busy, push_sends,   push_output,
                                        push_sent,    push_receive, push_failed};
}

static void notify_tick(void *room, int64_t at_us)
{
    wk_notify_tick(room, at_us);
}

static bool notify_begin(void *room, int64_t at_us, struct wk_push_port_target *target)
{
    const struct wk_alarm_destination *destination;
    if (!wk_notify_begin(room, at_us, &destination)) {
        return false;
    }
    *target = (struct wk_push_port_target){
        .address = destination->address,
        .address_size = strlen(destination->address),
        .is_udp = destination->service == WK_ALARM_UDP,
        .client_sap = ALARM_SAP,
    };
    return true;
}

static bool notify_is_busy(const void *room)
{
    return wk_notify_is_busy(room);
}

static bool notify_sends(const void *room)
{
    return wk_notify_sends(room);
}

static wk_err notify_output(void *room, int64_t at_us, struct wk_bytes_out *out)
{
    return wk_notify_output(room, at_us, out);
}

static void notify_sent(void *room, int64_t at_us)
{
    (void)at_us;
    wk_notify_sent(room);
}

/* Nobody answers an EventNotification. */
static void notify_receive(void *room, int64_t at_us, struct wk_bytes_in apdu)
{
    (void)room;
    (void)at_us;
    (void)apdu;
}

static void notify_failed(void *room, int64_t at_us)
{
    wk_notify_failed(room, at_us);
}

struct wk_push_port_source wk_push_port_of_notify(struct wk_notify *notify)
{
    return (struct wk_push_port_source){notify,         notify_tick,    notify_begin,
                                        notify_is_busy, notify_sends,   notify_output,
                                        notify_sent,    notify_receive, notify_failed};
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
        const struct wk_push_port_source *source = &delivery->port->config.source;
        source->failed(source->room, now_us(delivery->port));
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
        const struct wk_push_port_source *source = &delivery->port->config.source;
        source->sent(source->room, now_us(delivery->port));
        if (!source->is_busy(source->room)) {
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
    const struct wk_push_port_source *source = &port->config.source;
    if (source->output(source->room, now_us(port), &out) != WK_OK) {
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
    while (!delivery->is_closing &&
           delivery->port->config.source.sends(delivery->port->config.source.room)) {
        if (!send_one(delivery)) {
            fail_delivery(delivery);
        }
    }
}

/* ---- receiving --------------------------------------------------------------------------- */

static void take(struct delivery *delivery, struct wk_bytes_in apdu)
{
    const struct wk_push_port_source *source = &delivery->port->config.source;
    source->receive(source->room, now_us(delivery->port), apdu);
    if (source->is_busy(source->room)) {
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
static bool parse_address(const struct wk_push_port_target *target,
                          struct sockaddr_storage *address)
{
    char text[WK_PUSH_DESTINATION + 1];
    int port = target->is_coap ? WK_COAP_PORT : WK_WRAPPER_PORT;
    if (target->address_size > WK_PUSH_DESTINATION) {
        return false;
    }
    memcpy(text, target->address, target->address_size);
    text[target->address_size] = '\0';
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

/* ---- CoAP -------------------------------------------------------------------------------- */

static int64_t coap_now_us(void *self)
{
    return now_us(self);
}

static void end_coap(void *self)
{
    struct wk_push_port *port = self;
    wk_push_coap_stop(port->coap);
    port->coap = NULL;
    if (port->config.ended != NULL) {
        port->config.ended(port->config.self);
    }
}

static void begin_coap(struct wk_push_port *port, const struct wk_push_port_target *target)
{
    const struct wk_push_port_source *source = &port->config.source;
    struct sockaddr_storage address;
    char host[INET6_ADDRSTRLEN];
    const struct sockaddr *as = (const struct sockaddr *)&address;
    struct wk_push_coap_config config = {.loop = port->config.loop,
                                         .source = source,
                                         .client_sap = target->client_sap,
                                         .host = host,
                                         .self = port,
                                         .now_us = coap_now_us,
                                         .ended = end_coap};
    if (!parse_address(target, &address) || uv_ip_name(as, host, sizeof host) != 0) {
        source->failed(source->room, now_us(port));
        return;
    }
    config.port =
        ntohs(as->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
                                        : ((const struct sockaddr_in *)&address)->sin_port);
    if (wk_push_coap_begin(&port->coap, &config) != WK_OK) {
        source->failed(source->room, now_us(port));
    }
}

/* ---- TCP and UDP ------------------------------------------------------------------------- */

static void begin(struct wk_push_port *port, const struct wk_push_port_target *target)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    const bool udp = target->is_udp;
    if (delivery == NULL || !parse_address(target, &delivery->address) ||
        (udp ? uv_udp_init(port->config.loop, &delivery->via.udp)
             : uv_tcp_init(port->config.loop, &delivery->via.tcp)) != 0) {
        free(delivery);
        port->config.source.failed(port->config.source.room, now_us(port));
        return;
    }
    delivery->port = port;
    delivery->is_udp = udp;
    delivery->client_sap = target->client_sap;
    delivery->via.handle.data = delivery;
    port->delivery = delivery;
    if (!(udp ? connect_udp(delivery) : connect_tcp(delivery))) {
        fail_delivery(delivery);
    }
}

static void look(uv_timer_t *timer)
{
    struct wk_push_port *port = timer->data;
    const struct wk_push_port_source *source = &port->config.source;
    struct wk_push_port_target target;
    source->tick(source->room, now_us(port));
    if (port->delivery != NULL && !source->is_busy(source->room)) {
        end_delivery(port->delivery); /* its answer was overdue */
    }
    if (port->coap != NULL && !source->is_busy(source->room)) {
        end_coap(port); /* likewise */
    }
    if (port->delivery == NULL && port->coap == NULL &&
        source->begin(source->room, now_us(port), &target)) {
        (target.is_coap ? begin_coap : begin)(port, &target);
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
    if (port->coap != NULL) {
        port->config.source.failed(port->config.source.room, now_us(port));
        end_coap(port);
    }
    uv_close((uv_handle_t *)&port->timer, on_timer_closed);
}
