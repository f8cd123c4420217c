/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_tls_flow - packets of the link over one connection of TLS, either end: the length of the
 * packet in 16 bits, most significant first, then the packet.
 *
 * A meter has no more than one packet with the socket unsent: the next is refused until the network has
 * taken it. So what is most urgent goes next, however much waits. The owner has the socket, non-blocking, and looks
 * when it can be read or written (port/linux/link_tls, headend/uplink_port_tls). */
#ifndef WK_PORT_LINUX_LINK_TLS_FLOW_H
#define WK_PORT_LINUX_LINK_TLS_FLOW_H

#include "link/packet.h"
#include "link/seal.h"
#include "port/linux/tls.h"

#define WK_LINK_TLS_PACKET (WK_LINK_PACKET + WK_LINK_SEAL)

struct wk_link_tls_flow {
    int fd;
    uint32_t
        slack; /* octets that may wait in the system when the next packet is given; a meter: 0 */
    struct wk_tls *tls;
    void *self; /* of the function below */
    /** A packet came; it may be changed in place. */
    void (*take)(void *self, uint8_t *packet, size_t length);
    size_t used;
    uint8_t in[2 + WK_LINK_TLS_PACKET];
};

/** Makes its socket fit: sent at once, no more waits than allowed, given up when the peer takes nothing for
 *  WK_LINK_TLS_STALLED_MS. What the system does not know of it is left. */
void wk_link_tls_flow_prepare(const struct wk_link_tls_flow *flow);
#define WK_LINK_TLS_STALLED_MS 20000

/** The socket can be read: goes on with the handshake, gives packets to `take`, `most` reads of the socket at
 *  most. WK_OK: more may come; else it is over: WK_E_CLOSED, WK_E_AUTH, WK_E_FORMAT (no packet is so
 *  long), WK_E_IO: wk_link_tls_flow_why. */
WK_MUST_USE wk_err wk_link_tls_flow_read(struct wk_link_tls_flow *flow, int most);
/** Gives to the socket what TLS has. WK_OK: all; WK_E_BUSY: when it can be written again; WK_E_IO. */
WK_MUST_USE wk_err wk_link_tls_flow_write(struct wk_link_tls_flow *flow);
/** WK_E_BUSY: the packet before, or the handshake, is not gone; WK_E_STATE: not yet proven; WK_E_RANGE;
 *  WK_E_IO: it is over. */
WK_MUST_USE wk_err wk_link_tls_flow_send(struct wk_link_tls_flow *flow, const uint8_t *packet,
                                         size_t length);
/** Something waits for the socket, in TLS or in the system. */
bool wk_link_tls_flow_is_busy(struct wk_link_tls_flow *flow);
/** Why it is over, for people. */
const char *wk_link_tls_flow_why(const struct wk_link_tls_flow *flow, wk_err err);
/** Tells the peer, if that goes at once, and closes the socket. The flow can be begun anew. */
void wk_link_tls_flow_end(struct wk_link_tls_flow *flow);

#endif
