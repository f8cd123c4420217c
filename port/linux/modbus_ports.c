/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/modbus_tcp.h"

#define UNIT_ANY      0 /* on TCP: the one that is connected to */
#define UNIT_ANY2     255
#define NS_PER_US     1000

#define LINE_CUSTOMER 1 /* the master of a serial line is the only one there */

_Static_assert(WK_SOCKET_ERROR == WK_SERIAL_ERROR, "one text serves both");

static wk_err refuse_server(char *error, size_t room)
{
    (void)snprintf(error, room, "the unit must be 1 to 247, and the meter have 1 or 3 phases");
    return WK_E_ARGUMENT;
}

/* Serves a request, and tells the owner of what it wrote. */
static void serve(struct wk_modbus_server *server, const struct wk_modbus_owner *owner,
                  struct wk_modbus_call *call, struct wk_bytes_in request,
                  struct wk_bytes_out *out)
{
    call->now_us = owner->now_us(owner->self);
    if (wk_modbus_server_serve(server, call, request, out) && owner->served != NULL) {
        owner->served(owner->self);
    }
}

/* ---- other units ------------------------------------------------------------------------- */

static wk_err start_gateway(struct wk_modbus_gateway **gateway,
                            const struct wk_modbus_gateway_config *config, char *error)
{
    const wk_err err = config->routes > 0 ? wk_modbus_gateway_start(gateway, config) : WK_OK;
    if (err != WK_OK) {
        (void)snprintf(error, WK_SOCKET_ERROR, "the gateway: %s", wk_err_text(err));
    }
    return err;
}

static void stop_gateway(struct wk_modbus_gateway **gateway)
{
    if (*gateway != NULL) {
        wk_modbus_gateway_stop(*gateway);
        *gateway = NULL;
    }
}

static void take_message(struct wk_modbus_message *message, uint8_t unit,
                         struct wk_bytes_in pdu)
{
    message->unit = unit;
    message->size = (uint16_t)pdu.size;
    memcpy(message->pdu, pdu.data, pdu.size);
}

/* ---- TCP --------------------------------------------------------------------------------- */

struct wk_modbus_tcp_port {
    struct wk_modbus_tcp_config config;
    struct wk_modbus_server server;
    struct wk_modbus_counts counts;
    struct wk_socket_port *socket;
    struct wk_modbus_gateway *gateway; /* NULL: none */
    uint32_t connections;              /* since the begin */
};

/* The memory of a connection. Tags of requests behind the gateway are its transactions. */
struct connection {
    struct wk_modbus_tcp tcp;
    uint32_t number; /* 0: nothing was asked behind the gateway yet */
};

static void send_pdu(struct wk_socket *socket, uint16_t transaction, uint8_t unit,
                     const uint8_t *pdu, size_t size)
{
    uint8_t frame[WK_MODBUS_TCP_FRAME];
    struct wk_bytes_out out = wk_bytes_out_of(frame, sizeof frame);
    wk_modbus_tcp_put(&out, transaction, unit, pdu, size);
    wk_socket_send(socket, frame, out.size);
}

/* A request to another unit: the exception that answers it, 0 if its answer comes later. */
static uint8_t pass_on(struct wk_modbus_tcp_port *port, struct wk_socket *socket,
                       const struct wk_modbus_tcp_request *request)
{
    struct connection *connection = wk_socket_memory(socket);
    struct wk_modbus_message message;
    if (port->gateway == NULL) {
        return WK_MODBUS_SERVER_NO_PATH;
    }
    if (connection->number == 0) {
        connection->number = ++port->connections;
    }
    take_message(&message, request->unit, request->pdu);
    return wk_modbus_gateway_ask(port->gateway, connection->number, request->transaction,
                                 &message);
}

static void answer(struct wk_modbus_tcp_port *port, struct wk_socket *socket,
                   const struct wk_modbus_tcp_request *request)
{
    uint8_t pdu[WK_MODBUS_PDU];
    struct wk_modbus_call call = {.counts = &port->counts};
    struct wk_bytes_out out = wk_bytes_out_of(pdu, sizeof pdu);
    const uint8_t unit = request->unit;
    const bool is_broadcast =
        unit == UNIT_ANY && port->gateway != NULL && wk_modbus_gateway_has(port->gateway, unit);
    const bool is_ours =
        unit == port->config.server.unit || unit == UNIT_ANY || unit == UNIT_ANY2;
    port->counts.bus_messages++;
    if (is_ours && !is_broadcast) {
        serve(&port->server, &port->config.owner, &call, request->pdu, &out);
        send_pdu(socket, request->transaction, unit, pdu, out.size);
        return;
    }
    const uint8_t exception = pass_on(port, socket, request);
    if (exception != 0 && !is_broadcast) {
        wk_modbus_server_except(&out, request->pdu.data[0], exception);
        send_pdu(socket, request->transaction, unit, pdu, out.size);
    }
}

/* An answer from behind the gateway, and where it may go to. */
struct delivery {
    uint32_t customer;
    uint16_t transaction;
    const struct wk_modbus_message *answer;
};

static void deliver(void *context, struct wk_socket *socket)
{
    const struct delivery *delivery = context;
    const struct connection *connection = wk_socket_memory(socket);
    if (connection->number == delivery->customer) {
        send_pdu(socket, delivery->transaction, delivery->answer->unit, delivery->answer->pdu,
                 delivery->answer->size);
    }
}

static void on_tcp_answered(void *self, uint32_t customer, uint32_t tag,
                            const struct wk_modbus_message *answer)
{
    struct wk_modbus_tcp_port *port = self;
    struct delivery delivery = {customer, (uint16_t)tag, answer};
    wk_socket_port_each(port->socket, deliver, &delivery);
}

static void on_tcp_closed(void *self, struct wk_socket *socket)
{
    struct wk_modbus_tcp_port *port = self;
    const struct connection *connection = wk_socket_memory(socket);
    if (port->gateway != NULL && connection->number != 0) {
        wk_modbus_gateway_forget(port->gateway, connection->number);
    }
}

static void on_tcp_octets(void *self, struct wk_socket *socket, const uint8_t *octets,
                          size_t size)
{
    struct wk_modbus_tcp_port *port = self;
    struct connection *connection = wk_socket_memory(socket);
    struct wk_modbus_tcp *tcp = &connection->tcp;
    struct wk_modbus_tcp_request request;
    while (size > 0 && !wk_socket_is_closing(socket)) {
        size_t room;
        uint8_t *space = wk_modbus_tcp_space(tcp, &room);
        const size_t part = size < room ? size : room;
        memcpy(space, octets, part);
        wk_modbus_tcp_received(tcp, part);
        octets += part;
        size -= part;
        wk_err err = wk_modbus_tcp_next(tcp, &request);
        while (err == WK_OK && !wk_socket_is_closing(socket)) {
            answer(port, socket, &request);
            err = wk_modbus_tcp_next(tcp, &request);
        }
        if (err == WK_E_FORMAT) {
            port->counts.bus_errors++;
            wk_socket_close(socket);
        }
    }
}

wk_err wk_modbus_tcp_start(struct wk_modbus_tcp_port **port,
                           const struct wk_modbus_tcp_config *config,
                           char error[WK_SOCKET_ERROR])
{
    struct wk_modbus_tcp_port *made = calloc(1, sizeof *made);
    if (made == NULL || wk_modbus_server_init(&made->server, &config->server) != WK_OK) {
        free(made);
        return refuse_server(error, WK_SOCKET_ERROR);
    }
    made->config = *config;
    const struct wk_socket_config socket = {
        .loop = config->loop,
        .address = config->address,
        .port = config->port,
        .connections = WK_MODBUS_PORT_CONNECTIONS,
        .idle_ms = config->idle_ms != 0 ? config->idle_ms : WK_MODBUS_PORT_IDLE_MS,
        .memory = sizeof(struct connection),
        .self = made,
        .octets = on_tcp_octets,
        .closed = on_tcp_closed,
    };
    const struct wk_modbus_gateway_config gateway = {
        .loop = config->loop,
        .route = config->route,
        .routes = config->routes,
        .origin = config->origin,
        .self = made,
        .answered = on_tcp_answered,
    };
    wk_err err = start_gateway(&made->gateway, &gateway, error);
    err = err == WK_OK ? wk_socket_port_start(&made->socket, &socket, error) : err;
    if (err != WK_OK) {
        stop_gateway(&made->gateway);
        free(made);
        return err;
    }
    *port = made;
    return WK_OK;
}

uint16_t wk_modbus_tcp_number(const struct wk_modbus_tcp_port *port)
{
    return wk_socket_port_number(port->socket);
}

struct wk_modbus_counts wk_modbus_tcp_counts(const struct wk_modbus_tcp_port *port)
{
    return port->counts;
}

void wk_modbus_tcp_stop(struct wk_modbus_tcp_port *port)
{
    wk_socket_port_stop(port->socket);
    stop_gateway(&port->gateway);
}

void wk_modbus_tcp_free(struct wk_modbus_tcp_port *port)
{
    free(port);
}

/* ---- the serial line --------------------------------------------------------------------- */

struct wk_modbus_line {
    struct wk_modbus_line_config config;
    struct wk_modbus_server server;
    struct wk_modbus_rtu rtu;
    struct wk_serial_line *serial;
    struct wk_modbus_gateway *gateway; /* NULL: none */
    uint32_t tag;                      /* of the newest request to another unit */
    int64_t asked_us;                  /* rtu.octet_us of it */
};

static void on_line_octets(void *self, int64_t now_us, const uint8_t *octets, size_t size)
{
    struct wk_modbus_line *line = self;
    wk_modbus_rtu_receive(&line->rtu, now_us, octets, size);
}

static int64_t line_due_us(void *self)
{
    const struct wk_modbus_line *line = self;
    return wk_modbus_rtu_due_us(&line->rtu);
}

/* The request that the line has: to us, or passed on. `out`: what is to be answered now. */
static void serve_line(struct wk_modbus_line *line, struct wk_bytes_out *out)
{
    struct wk_modbus_call call = {.counts = &line->rtu.counts};
    const struct wk_bytes_in request = wk_modbus_rtu_request(&line->rtu, &call.is_broadcast);
    const uint8_t unit = wk_modbus_rtu_unit(&line->rtu);
    if (unit == 0 || unit == line->config.server.unit) {
        serve(&line->server, &line->config.owner, &call, request, out);
        return;
    }
    struct wk_modbus_message message;
    take_message(&message, unit, request);
    /* Its master waits for one thing at a time: what it asked before is of no use any more. */
    wk_modbus_gateway_forget(line->gateway, LINE_CUSTOMER);
    const uint8_t exception =
        wk_modbus_gateway_ask(line->gateway, LINE_CUSTOMER, ++line->tag, &message);
    line->asked_us = line->rtu.octet_us;
    if (exception != 0) {
        wk_modbus_server_except(out, message.pdu[0], exception);
    }
}

static void on_line_tick(void *self, int64_t now_us)
{
    struct wk_modbus_line *line = self;
    uint8_t pdu[WK_MODBUS_PDU];
    while (wk_modbus_rtu_tick(&line->rtu, now_us)) {
        size_t size = 0;
        struct wk_bytes_out out = wk_bytes_out_of(pdu, sizeof pdu);
        serve_line(line, &out);
        const uint8_t *frame = wk_modbus_rtu_answer(&line->rtu, &out, &size);
        wk_serial_line_send(line->serial, frame, size);
    }
}

static void on_line_answered(void *self, uint32_t customer, uint32_t tag,
                             const struct wk_modbus_message *answer)
{
    struct wk_modbus_line *line = self;
    size_t size = 0;
    const struct wk_modbus_rtu_late late = {.asked_us = line->asked_us,
                                            .now_us = (int64_t)(uv_hrtime() / NS_PER_US),
                                            .unit = answer->unit,
                                            .pdu = wk_bytes_in_of(answer->pdu, answer->size)};
    (void)customer;
    if (tag != line->tag) {
        return;
    }
    const uint8_t *frame = wk_modbus_rtu_answer_late(&line->rtu, &late, &size);
    wk_serial_line_send(line->serial, frame, size);
}

wk_err wk_modbus_line_start(struct wk_modbus_line **line,
                            const struct wk_modbus_line_config *config,
                            char error[WK_SERIAL_ERROR])
{
    struct wk_modbus_line *made = calloc(1, sizeof *made);
    const struct wk_modbus_rtu_config rtu = {
        .unit = config->server.unit,
        .baud = config->baud,
        .bits = config->framing[1] == 'N' && config->framing[2] == '1' ? 10 : 11};
    if (made == NULL || wk_modbus_server_init(&made->server, &config->server) != WK_OK ||
        wk_modbus_rtu_init(&made->rtu, &rtu) != WK_OK) {
        free(made);
        return refuse_server(error, WK_SERIAL_ERROR);
    }
    made->config = *config;
    const struct wk_modbus_gateway_config gateway = {
        .loop = config->loop,
        .route = config->route,
        .routes = config->routes,
        .origin = config->origin,
        .self = made,
        .answered = on_line_answered,
    };
    struct wk_serial_line_config serial = {
        .loop = config->loop,
        .device = config->device,
        .baud = config->baud,
        .rs485 = config->rs485,
        .self = made,
        .octets = on_line_octets,
        .due_us = line_due_us,
        .tick = on_line_tick,
    };
    memcpy(serial.framing, config->framing, sizeof serial.framing);
    wk_err err = start_gateway(&made->gateway, &gateway, error);
    if (made->gateway != NULL) {
        made->rtu.config.others = wk_modbus_gateway_units(made->gateway);
    }
    err = err == WK_OK ? wk_serial_line_start(&made->serial, &serial, error) : err;
    if (err != WK_OK) {
        stop_gateway(&made->gateway);
        free(made);
        return err;
    }
    *line = made;
    return WK_OK;
}

struct wk_modbus_counts wk_modbus_line_counts(const struct wk_modbus_line *line)
{
    return line->rtu.counts;
}

void wk_modbus_line_stop(struct wk_modbus_line *line)
{
    wk_serial_line_stop(line->serial);
    stop_gateway(&line->gateway);
    line->rtu.config.others = NULL;
}

void wk_modbus_line_free(struct wk_modbus_line *line)
{
    free(line);
}
