/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/p1_port - the consumer's port P1 on a serial device and on TCP, as network adapters of
 * P1 offer it, in the libuv loop of its owner: a telegram every second, or every ten (view/p1).
 * Whoever connects gets the next one. A client that does not read is closed. */
#ifndef WK_PORT_LINUX_P1_PORT_H
#define WK_PORT_LINUX_P1_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/linux/serial_line.h"
#include "port/linux/socket_port.h"
#include "view/p1.h"

#define WK_P1_CONNECTIONS 8

struct wk_p1_port_config {
    uv_loop_t *loop;
    const char *device; /* NULL: none */
    uint32_t baud;
    bool wants_request;  /* only while the line CTS, the data request, is set */
    const char *address; /* of TCP */
    uint16_t port;       /* 0: none */
    struct wk_p1_config p1;
    void *self; /* of the functions */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Other meters that telegrams are to tell of; how many. NULL: none. */
    size_t (*channels)(void *self, struct wk_p1_channel channels[WK_P1_CHANNELS]);
};

struct wk_p1_port;

/** Errors as wk_serial_line_start and wk_socket_port_start, and WK_E_ARGUMENT of wk_p1_init. On
 *  error *port is to be stopped, if it is not NULL, as it was before. */
WK_MUST_USE wk_err wk_p1_port_start(struct wk_p1_port **port,
                                    const struct wk_p1_port_config *config,
                                    char error[WK_SOCKET_ERROR]);
/** Closes it; the loop frees what it has of it. */
void wk_p1_port_stop(struct wk_p1_port *port);
/** After the loop has ended. */
void wk_p1_port_free(struct wk_p1_port *port);

#endif
