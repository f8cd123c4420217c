/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/push_coap - one delivery of notifications by CoAP: each APDU with its wrapper is the payload
 * of a confirmable POST to /wk/push (link/coap). What the receiver says - a confirmation, an acknowledgement of
 * blocks - comes in the response. It counts as carried when the response says so. */
#ifndef WK_PORT_LINUX_PUSH_COAP_H
#define WK_PORT_LINUX_PUSH_COAP_H

#include "port/linux/push.h"

struct wk_push_coap;

struct wk_push_coap_config {
    uv_loop_t *loop;
    const struct wk_push_port_source *source; /* borrowed; it has begun its delivery */
    uint16_t client_sap;
    const char *host; /* numeric; copied */
    uint16_t port;
    void *self; /* of the functions below */
    int64_t (*now_us)(void *self);
    /** The delivery ended, well or not; it frees itself. */
    void (*ended)(void *self);
};

/** WK_E_IO: no memory, or the loop refuses. */
WK_MUST_USE wk_err wk_push_coap_begin(struct wk_push_coap **delivery,
                                      const struct wk_push_coap_config *config);
/** Gives it up, without a call of `ended`. */
void wk_push_coap_stop(struct wk_push_coap *delivery);

#endif
