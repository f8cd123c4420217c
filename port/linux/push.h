/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/push - carries the notifications of management/push and management/notify over TCP
 * and UDP with the wrapper, those of push also over CoAP (port/linux/push_coap), in the libuv loop of its owner.
 *
 * A connection lives for one delivery. Destinations are numeric: "192.0.2.1:4059" or
 * "[2001:db8::1]:4059"; without a port 4059, or 5683 of CoAP. */
#ifndef WK_PORT_LINUX_PUSH_H
#define WK_PORT_LINUX_PUSH_H

#include <stdint.h>

#include <uv.h>

#include "management/notify.h"
#include "management/push.h"

#define WK_PUSH_PORT_LOOK_MS 100 /* how often it looks what is due */

/* Where a delivery goes. */
struct wk_push_port_target {
    const void *address; /* text */
    size_t address_size;
    bool is_udp;
    bool is_coap;
    uint16_t client_sap;
};

/* What is to be delivered, one delivery at a time: each function as that of management/push. */
struct wk_push_port_source {
    void *room;
    void (*tick)(void *room, int64_t now_us);
    bool (*begin)(void *room, int64_t now_us, struct wk_push_port_target *target);
    bool (*is_busy)(const void *room);
    bool (*sends)(const void *room);
    wk_err (*output)(void *room, int64_t now_us, struct wk_bytes_out *out);
    void (*sent)(void *room, int64_t now_us);
    void (*receive)(void *room, int64_t now_us, struct wk_bytes_in apdu);
    void (*failed)(void *room, int64_t now_us);
};

struct wk_push_port_source wk_push_port_of_push(struct wk_push *push);
/** Notifications to client SAP 102. */
struct wk_push_port_source wk_push_port_of_notify(struct wk_notify *notify);

struct wk_push_port_config {
    uv_loop_t *loop;
    struct wk_push_port_source source;
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
