/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_ports - a Modbus server on TCP and on a serial line, in the libuv loop of its
 * owner.
 *
 * On TCP our own unit, 0 and 255 are the meter. Other units may be behind a gateway
 * (port/linux/modbus_gateway), as those of a serial line may be elsewhere; any other gets exception 10,
 * gateway path unavailable. If the gateway takes broadcasts, unit 0 is one, and has no answer.
 *
 * What the meter itself is asked is answered in turn; answers from behind a gateway come when they
 * come, and on a line only as long as its master has said nothing else. */
#ifndef WK_PORT_LINUX_MODBUS_PORTS_H
#define WK_PORT_LINUX_MODBUS_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "port/linux/modbus_gateway.h"
#include "port/linux/serial_line.h"
#include "port/linux/socket_port.h"
#include "view/modbus.h"
#include "view/modbus_rtu.h"

#define WK_MODBUS_PORT_CONNECTIONS 32
#define WK_MODBUS_PORT_IDLE_MS     300000

/* What both have in common. */
struct wk_modbus_owner {
    void *self; /* of the functions */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after a request that wrote something, before its answer goes out. */
    void (*served)(void *self);
};

struct wk_modbus_tcp_config {
    uv_loop_t *loop;
    const char *address;
    uint16_t port;    /* 0 = any free one */
    uint32_t idle_ms; /* 0 = WK_MODBUS_PORT_IDLE_MS */
    struct wk_modbus_server_config server;
    struct wk_modbus_owner owner;
    const struct wk_modbus_route *route; /* to other units; copied */
    uint8_t routes;
    uint32_t origin; /* as in struct wk_modbus_gateway_config */
};

struct wk_modbus_tcp_port;

/** Errors as wk_socket_port_start; WK_E_ARGUMENT also for the server. */
WK_MUST_USE wk_err wk_modbus_tcp_start(struct wk_modbus_tcp_port **port,
                                       const struct wk_modbus_tcp_config *config,
                                       char error[WK_SOCKET_ERROR]);
uint16_t wk_modbus_tcp_number(const struct wk_modbus_tcp_port *port);
struct wk_modbus_counts wk_modbus_tcp_counts(const struct wk_modbus_tcp_port *port);
/** Closes it; the loop frees what it has of it. */
void wk_modbus_tcp_stop(struct wk_modbus_tcp_port *port);
/** After the loop has ended. */
void wk_modbus_tcp_free(struct wk_modbus_tcp_port *port);

struct wk_modbus_line_config {
    uv_loop_t *loop;
    const char *device;
    uint32_t baud;
    char framing[4]; /* "8E1", "8N1", "8N2", "8O1" */
    bool rs485;
    struct wk_modbus_server_config server;
    struct wk_modbus_owner owner;
    const struct wk_modbus_route *route; /* as above */
    uint8_t routes;
    uint32_t origin;
};

struct wk_modbus_line;

/** Errors as wk_serial_line_start; WK_E_ARGUMENT also for the server. */
WK_MUST_USE wk_err wk_modbus_line_start(struct wk_modbus_line **line,
                                        const struct wk_modbus_line_config *config,
                                        char error[WK_SERIAL_ERROR]);
struct wk_modbus_counts wk_modbus_line_counts(const struct wk_modbus_line *line);
void wk_modbus_line_stop(struct wk_modbus_line *line);
void wk_modbus_line_free(struct wk_modbus_line *line);

#endif
