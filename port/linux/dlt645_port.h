/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlt645_port - a slave of DL/T 645 (view/dlt645) on a serial device, in the libuv loop of
 * its owner. */
#ifndef WK_PORT_LINUX_DLT645_PORT_H
#define WK_PORT_LINUX_DLT645_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "port/linux/serial_line.h"
#include "view/dlt645.h"

struct wk_dlt645_port_config {
    uv_loop_t *loop;
    const char *device;
    char framing[4]; /* "8E1" of the standard, "8N1", "8N2", "8O1" */
    bool rs485;
    struct wk_dlt645_config dlt645; /* its rate is the line's */
    void *self;                     /* of the functions */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after a broadcast has set the clock. */
    void (*served)(void *self);
};

struct wk_dlt645_port;

/** Errors as wk_serial_line_start, and WK_E_ARGUMENT of wk_dlt645_init. */
WK_MUST_USE wk_err wk_dlt645_port_start(struct wk_dlt645_port **port,
                                        const struct wk_dlt645_port_config *config,
                                        char error[WK_SERIAL_ERROR]);
/** Closes it; the loop frees what it has of it. */
void wk_dlt645_port_stop(struct wk_dlt645_port *port);
/** After the loop has ended. */
void wk_dlt645_port_free(struct wk_dlt645_port *port);

#endif
