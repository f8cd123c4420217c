/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/coap_port - the client of link/coap over UDP, in the libuv loop of its owner: sends
 * requests again when they are due, and brings responses. */
#ifndef WK_PORT_LINUX_COAP_PORT_H
#define WK_PORT_LINUX_COAP_PORT_H

#include "link/coap.h"
#include "port/linux/link_carrier.h"

struct wk_coap_port;

struct wk_coap_port_config {
    struct uv_loop_s *loop;
    const struct wk_link_carrier_url *to; /* borrowed, as all that follow */
    const char *interface;                /* NULL or "": whichever the routes say */
    struct wk_bytes_in path[2];           /* of all requests, as wk_coap_config */
    void *self; /* of the functions below; NULL of them are not called */
    void (*carries)(void *self, bool carries);
    /** A lane takes a request again; a response has been brought before. */
    void (*ready)(void *self);
    void (*answered)(void *self, wk_coap_lane lane, uint8_t code, struct wk_bytes_in payload);
    /** Nothing came of a request. */
    void (*failed)(void *self, wk_coap_lane lane);
};

/** Begins to look for the address. WK_E_IO: no memory, or the loop refuses; WK_E_ARGUMENT: a segment of the
 *  path is too long. `error` says it in words. */
WK_MUST_USE wk_err wk_coap_port_start(struct wk_coap_port **port,
                                      const struct wk_coap_port_config *config,
                                      char error[WK_LINK_CARRIER_ERROR]);
/** Errors of wk_coap_post; WK_E_CLOSED: it does not carry. */
WK_MUST_USE wk_err wk_coap_port_post(struct wk_coap_port *port, wk_coap_lane lane,
                                     const void *payload, size_t size);
/** As wk_coap_is_open and wk_coap_cancel. */
bool wk_coap_port_is_open(const struct wk_coap_port *port, wk_coap_lane lane);
void wk_coap_port_cancel(struct wk_coap_port *port, wk_coap_lane lane);
/** Why it does not carry, for people; "": it does. */
const char *wk_coap_port_why(const struct wk_coap_port *port);
/** What it did since its begin. */
const struct wk_coap_counts *wk_coap_port_counts(const struct wk_coap_port *port);
/** Closes it; the loop frees it. */
void wk_coap_port_stop(struct wk_coap_port *port);

#endif
