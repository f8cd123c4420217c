/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/push - carries the notifications of management/push over TCP and UDP with the
 * wrapper, in the libuv loop of its owner.
 *
 * A connection lives for one delivery. Destinations are numeric: "192.0.2.1:4059" or
 * "[2001:db8::1]:4059"; without a port 4059. */
#ifndef WK_PORT_LINUX_PUSH_H
#define WK_PORT_LINUX_PUSH_H

#include <stdint.h>

#include <uv.h>

#include "management/push.h"

#define WK_PUSH_PORT_LOOK_MS 100 /* how often it looks what is due */

struct wk_push_port_config {
    uv_loop_t *loop;
    struct wk_push *push;
    void *self; /* of the functions below */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after a delivery ended, well or not: the place to commit. NULL: nothing to do. */
    void (*ended)(void *self);
};

struct wk_push_port;

/** Begins to look. WK_E_IO: no memory, or no timer. */
WK_MUST_USE wk_err wk_push_port_start(struct wk_push_port **port,
                                      const struct wk_push_port_config *config);
/** Ends everything; the memory is freed by the loop when its handles are closed. */
void wk_push_port_stop(struct wk_push_port *port);

#endif
