/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/modbus_tcp.h"

#define UNIT_ANY  0 /* on TCP: the one that is connected to */
#define UNIT_ANY2 255

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

/* ---- TCP --------------------------------------------------------------------------------- */

struct wk_modbus_tcp_port {
    struct wk_modbus_tcp_config config;
    struct wk_modbus_server server;
    struct wk_modbus_counts counts;
    struct wk_socket_port *socket;
};

static void answer(struct wk_modbus_tcp_port *port, struct wk_socket *socket,
                   const struct wk_modbus_tcp_request *request)
{
    uint8_t pdu[WK_MODBUS_PDU];
    uint8_t frame[WK_MODBUS_TCP_FRAME];
    struct wk_modbus_call call = {.counts = &port->counts};
    struct wk_bytes_out answer = wk_bytes_out_of(pdu, sizeof pdu);
    struct wk_bytes_out out = wk_bytes_out_of(frame, sizeof frame);
    const bool is_ours = request->unit == port->config.server.unit ||
                         request->unit == UNIT_ANY || request->unit == UNIT_ANY2;
    port->counts.bus_messages++;
    if (is_ours) {
        serve(&port->server, &port->config.owner, &call, request->pdu, &answer);
    } else {
        wk_modbus_server_except(&answer, request->pdu.data[0], WK_MODBUS_SERVER_NO_PATH);
    }
    wk_modbus_tcp_put(&out, request->transaction, request->unit, pdu, answer.size);
    wk_socket_send(socket, frame, out.size);
}

static void on_tcp_octets(void *self, struct wk_socket *socket, const uint8_t *octets,
                          size_t size)
{
    struct wk_modbus_tcp_port *port = self;
    struct wk_modbus_tcp *tcp = wk_socket_memory(socket);
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
        .memory = sizeof(struct wk_modbus_tcp),
        .self = made,
        .octets = on_tcp_octets,
    };
    const wk_err err = wk_socket_port_start(&made->socket, &socket, error);
    if (err != WK_OK) {
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

static void on_line_tick(void *self, int64_t now_us)
{
    struct wk_modbus_line *line = self;
    uint8_t pdu[WK_MODBUS_PDU];
    while (wk_modbus_rtu_tick(&line->rtu, now_us)) {
        size_t size = 0;
        struct wk_modbus_call call = {.counts = &line->rtu.counts};
        struct wk_bytes_out out = wk_bytes_out_of(pdu, sizeof pdu);
        const struct wk_bytes_in request =
            wk_modbus_rtu_request(&line->rtu, &call.is_broadcast);
        serve(&line->server, &line->config.owner, &call, request, &out);
        const uint8_t *frame = wk_modbus_rtu_answer(&line->rtu, &out, &size);
        wk_serial_line_send(line->serial, frame, size);
    }
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
    const wk_err err = wk_serial_line_start(&made->serial, &serial, error);
    if (err != WK_OK) {
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
}

void wk_modbus_line_free(struct wk_modbus_line *line)
{
    free(line);
}
