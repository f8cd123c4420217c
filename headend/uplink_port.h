/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port - carriers of what meters send: where packets come in and answers go out. All of
 * it is of the thread of headend/uplink that listens.
 *
 * An answer goes back by the carrier and to the address the packet came from. What an address is only its
 * port knows. A port holds no queue: an answer that cannot leave at once is lost, and the meter asks
 * again. */
#ifndef WK_HEADEND_UPLINK_PORT_H
#define WK_HEADEND_UPLINK_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "headend/registry.h"

#define WK_UPLINK_PORTS   8
#define WK_UPLINK_ADDRESS 62 /* octets of an address, most */

struct wk_uplink_address {
    uint8_t port; /* number, of wk_uplink_port_config */
    uint8_t size;
    uint8_t octets[WK_UPLINK_ADDRESS];
};

struct wk_uplink_port_config {
    const struct wk_registry *registry;
    uint8_t number;
    void *self; /* of the function below */
    /** A packet came; it may be changed in place. */
    void (*take)(void *self, const struct wk_uplink_address *from, uint8_t *packet,
                 size_t length);
};

struct wk_uplink_port {
    void *self;
    int fd; /* readable when there is something to do: a socket, or an epoll of several and of clocks */
    bool answers_at_once; /* what is to be said goes best before `take` returns */
    /** Does it: takes packets, WK_UPLINK_AT_ONCE at most, goes on with what it began. */
    void (*serve)(void *self);
    /** Errors are as good as a loss. */
    wk_err (*send)(void *self, const struct wk_uplink_address *to, const uint8_t *packet,
                   size_t length);
    void (*close)(void *self);
};

#define WK_UPLINK_AT_ONCE 256 /* packets in one turn */

/** Opens what the registry asks for. WK_E_NOT_FOUND: it asks for none of this; otherwise `why` says what is
 *  wrong: WK_E_IO the system refuses, WK_E_FORMAT it cannot be so. */
typedef wk_err (*wk_uplink_port_open)(struct wk_uplink_port *port,
                                      const struct wk_uplink_port_config *config,
                                      char why[WK_INI_WHY]);
WK_MUST_USE wk_err wk_uplink_port_udp(struct wk_uplink_port *port,
                                      const struct wk_uplink_port_config *config,
                                      char why[WK_INI_WHY]);
WK_MUST_USE wk_err wk_uplink_port_mqtt(struct wk_uplink_port *port,
                                       const struct wk_uplink_port_config *config,
                                       char why[WK_INI_WHY]);
WK_MUST_USE wk_err wk_uplink_port_tls(struct wk_uplink_port *port,
                                      const struct wk_uplink_port_config *config,
                                      char why[WK_INI_WHY]);
/** A socket of `kind` on registry->listen, for ports. WK_E_IO: `why`. */
WK_MUST_USE wk_err wk_uplink_port_bind(const struct wk_registry *registry, int kind,
                                       uint16_t number, int *fd, char why[WK_INI_WHY]);

WK_MUST_USE wk_err wk_uplink_port_line(struct wk_uplink_port *port,
                                       const struct wk_uplink_port_config *config,
                                       char why[WK_INI_WHY]);
WK_MUST_USE wk_err wk_uplink_port_coap(struct wk_uplink_port *port,
                                       const struct wk_uplink_port_config *config,
                                       char why[WK_INI_WHY]);

/** Whether the registry asks for any. */
bool wk_uplink_port_is_wanted(const struct wk_registry *registry);
/** Opens all that the registry asks for; on error none is left open. `config` without number. */
WK_MUST_USE wk_err wk_uplink_port_open_all(struct wk_uplink_port ports[WK_UPLINK_PORTS],
                                           uint8_t *count,
                                           const struct wk_uplink_port_config *config,
                                           char why[WK_INI_WHY]);
void wk_uplink_port_close_all(struct wk_uplink_port ports[WK_UPLINK_PORTS], uint8_t count);
/** Errors are as good as a loss. */
WK_MUST_USE wk_err wk_uplink_port_send(const struct wk_uplink_port ports[WK_UPLINK_PORTS],
                                       const struct wk_uplink_address *to,
                                       const uint8_t *packet, size_t length);

#endif
