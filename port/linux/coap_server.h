/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/coap_server - a server of CoAP that takes POST, by libcoap: for head-ends. What is said to
 * a peer goes in the response to its request; what is said while it has none waits, a little of it, for
 * the next. A POST without a payload is answered when there is something to say.
 *
 * A confirmable request that comes again is answered as before and not handed over twice (RFC 7252,
 * 4.5): the newest one of each peer is remembered.
 *
 * Context: one thread; the processes of this project have one server at most. */
#ifndef WK_PORT_LINUX_COAP_SERVER_H
#define WK_PORT_LINUX_COAP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_COAP_SERVER_PEERS 10000 /* that were heard in the last five minutes, most */
#define WK_COAP_SERVER_ROOM  1440  /* octets that may be said at a time */
#define WK_COAP_SERVER_ERROR 128

struct wk_coap_server;

struct wk_coap_server_config {
    const char *address; /* numeric */
    uint16_t port;
    void *self; /* of the function below */
    /** A POST came. `path` without slashes at its ends. Returns 0, or the code of an error. */
    uint8_t (*posted)(void *self, uint64_t peer, const char *path, uint8_t *payload,
                      size_t size);
};

/** WK_E_IO: `error` says why. */
WK_MUST_USE wk_err wk_coap_server_open(struct wk_coap_server **server,
                                       const struct wk_coap_server_config *config,
                                       char error[WK_COAP_SERVER_ERROR]);
/** Readable when wk_coap_server_serve has something to do. */
int wk_coap_server_fd(const struct wk_coap_server *server);
void wk_coap_server_serve(struct wk_coap_server *server);
/** Says something to a peer. WK_E_FULL: what was said before waits; WK_E_NOT_FOUND: it was not heard for
 *  too long. */
WK_MUST_USE wk_err wk_coap_server_say(struct wk_coap_server *server, uint64_t peer,
                                      const void *octets, size_t size);
void wk_coap_server_close(struct wk_coap_server *server);

#endif
