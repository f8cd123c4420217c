/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_reach - the address of the head-end for a carrier of the link: looked for at once, and
 * again whenever the carrier wants it. */
#ifndef WK_PORT_LINUX_LINK_REACH_H
#define WK_PORT_LINUX_LINK_REACH_H

#include <stdbool.h>
#include <sys/socket.h>

#include <uv.h>

#include "port/linux/link_carrier.h"

#define WK_LINK_REACH_WAIT_MS 1000

struct wk_link_reach {
    const struct wk_link_carrier_config *config; /* must stay */
    int kind;                                    /* SOCK_DGRAM or SOCK_STREAM */
    void *self;                                  /* of the functions below */
    void (*found)(void *self, const struct sockaddr *to);
    /** The name is not known, or nobody can be asked. */
    void (*failed)(void *self, const char *why);
    /** Whether something must come first: nothing is looked for, and it is asked again in
     *  WK_LINK_REACH_WAIT_MS. NULL: never. */
    bool (*waits)(void *self);
    /** After wk_link_reach_stop: nothing of it is in the loop any more. */
    void (*ended)(void *self);
    /* own */
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    bool looking;
    bool stopping;
    bool timer_closed;
};

/** Begins to look; what is above `own` is set. WK_E_IO: the loop refuses. */
WK_MUST_USE wk_err wk_link_reach_start(struct wk_link_reach *reach);
/** Looks again after a while; what was asked for before counts no more. */
void wk_link_reach_again(struct wk_link_reach *reach, uint64_t wait_ms);
/** Does not look again. */
void wk_link_reach_rest(struct wk_link_reach *reach);
void wk_link_reach_stop(struct wk_link_reach *reach);
/** Ties a socket to the interface of the configuration, if it names one. False: errno says why. */
WK_MUST_USE bool wk_link_reach_tie(const struct wk_link_reach *reach, int fd);

#endif
