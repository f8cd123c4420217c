/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_udp - a path of the link over UDP, in the libuv loop of its owner: finds the
 * address of the head-end, sends datagrams, gives what comes back.
 *
 * A path may be tied to an interface, so that it stays the path it is meant to be whatever the
 * routes say (needs CAP_NET_RAW), or to an own address. Where the name is not known, or the network
 * refuses, it is tried again after WK_LINK_UDP_AGAIN_MS: the owner hears when it carries and when it
 * does no more. */
#ifndef WK_PORT_LINUX_LINK_UDP_H
#define WK_PORT_LINUX_LINK_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"

#define WK_LINK_UDP_AGAIN_MS 3000
#define WK_LINK_UDP_ERROR    192
#define WK_LINK_UDP_PACKET   2048

struct wk_link_udp_config {
    uv_loop_t *loop;
    const char *host; /* borrowed, as the next two: name or address */
    uint16_t port;
    const char *interface; /* NULL: whichever the routes say */
    void *self;            /* of the functions below */
    void (*carries)(void *self, bool carries);
    void (*take)(void *self, uint8_t *packet, size_t length);
};

struct wk_link_udp;

/** Begins to look for the address. WK_E_IO: no memory, or the loop refuses. */
WK_MUST_USE wk_err wk_link_udp_start(struct wk_link_udp **udp,
                                     const struct wk_link_udp_config *config);
/** WK_E_BUSY: the socket takes none now; WK_E_CLOSED: it does not carry. */
WK_MUST_USE wk_err wk_link_udp_send(struct wk_link_udp *udp, const uint8_t *packet,
                                    size_t length);
/** Why it does not carry, for people; empty: it does. */
const char *wk_link_udp_why(const struct wk_link_udp *udp);
/** Closes it; the loop frees it. NULL is allowed. */
void wk_link_udp_stop(struct wk_link_udp *udp);

#endif
