/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/optical_port - the optical port (view/optical) on a serial device, in the libuv loop of
 * its owner. */
#ifndef WK_PORT_LINUX_OPTICAL_PORT_H
#define WK_PORT_LINUX_OPTICAL_PORT_H

#include <stdint.h>

#include "port/linux/serial_line.h"
#include "view/optical.h"

struct wk_optical_port_config {
    uv_loop_t *loop;
    const char *device;
    struct wk_optical_config optical;
    void *self; /* of the functions */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after something was written, before its answer goes out. */
    void (*served)(void *self);
};

struct wk_optical_port;

/** Errors as wk_serial_line_start, and WK_E_ARGUMENT of wk_optical_init. */
WK_MUST_USE wk_err wk_optical_port_start(struct wk_optical_port **port,
                                         const struct wk_optical_port_config *config,
                                         char error[WK_SERIAL_ERROR]);
/** Closes it; the loop frees what it has of it. */
void wk_optical_port_stop(struct wk_optical_port *port);
/** After the loop has ended. */
void wk_optical_port_free(struct wk_optical_port *port);

#endif
