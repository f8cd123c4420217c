/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/socket_port - a TCP port for protocols that are a stream of octets, in the libuv loop of its
 * owner: a few connections, each with memory of its owner's, closed when idle too long or when they
 * do not read what is sent to them. */
#ifndef WK_PORT_LINUX_SOCKET_PORT_H
#define WK_PORT_LINUX_SOCKET_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"

#define WK_SOCKET_CONNECTIONS 64                  /* of one port, most */
#define WK_SOCKET_QUEUE       ((size_t)64 * 1024) /* unread octets a connection may pile up */
#define WK_SOCKET_ERROR       192

struct wk_socket_port;
struct wk_socket; /* one connection */

struct wk_socket_config {
    uv_loop_t *loop;
    const char *address;  /* numeric, "127.0.0.1" or "::" */
    uint16_t port;        /* 0 = any free one, see wk_socket_port_number */
    uint32_t connections; /* 1..WK_SOCKET_CONNECTIONS */
    uint32_t idle_ms;     /* without octets from the peer; 0: for ever */
    size_t memory;        /* octets for each connection, all zero at its begin */
    void *self;           /* for the functions */
    /** Octets that came. Sending and closing is allowed in it. */
    void (*octets)(void *self, struct wk_socket *stream, const uint8_t *octets, size_t size);
    /** A connection ends; `stream` may not be used any more. NULL: nothing to do. */
    void (*closed)(void *self, struct wk_socket *stream);
};

struct wk_socket_counts {
    uint32_t accepted;
    uint32_t refused; /* beyond the limit */
    uint32_t timed_out;
};

/** Listens. On error *error holds a text that says what to do, and nothing is left open:
 *  WK_E_BUSY the port is in use, WK_E_DENIED it needs privileges, WK_E_ARGUMENT the address or
 *  the limit is none, WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_socket_port_start(struct wk_socket_port **port,
                                        const struct wk_socket_config *config,
                                        char error[WK_SOCKET_ERROR]);
uint16_t wk_socket_port_number(const struct wk_socket_port *port);
struct wk_socket_counts wk_socket_port_counts(const struct wk_socket_port *port);
/** Calls `visit` for each connection. */
void wk_socket_port_each(struct wk_socket_port *port,
                         void (*visit)(void *context, struct wk_socket *stream), void *context);
/** Closes everything. The memory is freed by the loop; `port` may not be used any more. */
void wk_socket_port_stop(struct wk_socket_port *port);

/** The memory of a connection. */
void *wk_socket_memory(struct wk_socket *stream);
/** Sends, or closes the connection if it has more than WK_SOCKET_QUEUE octets unread. */
void wk_socket_send(struct wk_socket *stream, const uint8_t *octets, size_t size);
void wk_socket_close(struct wk_socket *stream);
bool wk_socket_is_closing(const struct wk_socket *stream);

#endif
