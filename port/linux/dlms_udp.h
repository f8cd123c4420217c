/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_udp - the meter's DLMS port on UDP (IEC 62056-4-7, 4.3), in the libuv loop of
 * its owner.
 *
 * A peer is an address, a port and a client SAP; it has a session of management/session from its
 * AARQ until it is idle too long. One datagram is one APDU with its wrapper. Datagrams get lost,
 * so clients send again: what is octet for octet the request before is answered with the reply
 * before, and changes nothing twice. Only GET-Request-Normal and -With-List in clear are carried
 * out again; they change nothing and their answers age.
 *
 * Addresses can be forged. Who is not a peer and sends no AARQ gets no answer at all; an answer
 * to an AARQ has at most WK_ASSOCIATION_MAX octets, as has any APDU to a peer that has not
 * proven who it is, and such a peer gets one datagram for one. Peers that have proven nothing
 * are forgotten first. Memory per peer is fixed. */
#ifndef WK_PORT_LINUX_DLMS_UDP_H
#define WK_PORT_LINUX_DLMS_UDP_H

#include <stdint.h>

#include <uv.h>

#include "management/session.h"

#define WK_DLMS_UDP_PEERS    32
#define WK_DLMS_UDP_IDLE_MS  120000 /* without a request; public clients: the next */
#define WK_DLMS_UDP_PROVE_MS 10000  /* for a peer that has proven nothing, without a request */
#define WK_DLMS_UDP_ERROR    192

struct wk_dlms_udp_config {
    uv_loop_t *loop;
    const char
        *address;  /* numeric, "127.0.0.1" or "::"; NULL: there is no socket, the owner carries
                            datagrams by `send` and wk_dlms_udp_take */
    uint16_t port; /* 0 = any free one */
    struct wk_session_config session;
    void *self; /* for the functions below */
    /** UTC in microseconds since 1970, as the meter's clock has it. */
    int64_t (*now_us)(void *self);
    /** Called after every request that was served, before its reply is sent: the place to
     *  commit what it changed. NULL: nothing to do. */
    void (*served)(void *self);
    uint32_t idle_ms; /* 0 = WK_DLMS_UDP_IDLE_MS */
    /** Without an address: sends a datagram; one that does not go is as good as lost. */
    void (*send)(void *self, const struct sockaddr *to, const uint8_t *octets, size_t size);
};

struct wk_dlms_udp_counts {
    uint64_t requests; /* served */
    uint64_t repeated; /* answered with the reply before */
    uint64_t dropped;  /* no frame, or from nobody */
    uint32_t refused;  /* peers for whom there was no place */
    uint32_t timed_out;
};

struct wk_dlms_udp;

/** Listens. On error *error holds a text, and nothing is left open: WK_E_BUSY the port is in use,
 *  WK_E_DENIED it needs privileges, WK_E_ARGUMENT the address is none, WK_E_FULL no memory,
 *  WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_dlms_udp_start(struct wk_dlms_udp **udp,
                                     const struct wk_dlms_udp_config *config,
                                     char error[WK_DLMS_UDP_ERROR]);
/** Without an address: a datagram came from an AF_INET address, which need not be one of a network. */
void wk_dlms_udp_take(struct wk_dlms_udp *udp, const struct sockaddr *from,
                      const uint8_t *octets, size_t size);
/** The port it listens on. */
uint16_t wk_dlms_udp_port(const struct wk_dlms_udp *udp);
struct wk_dlms_udp_counts wk_dlms_udp_counts(const struct wk_dlms_udp *udp);
/** Peers that are known now. */
uint32_t wk_dlms_udp_peers(const struct wk_dlms_udp *udp);
/** Closes everything. The memory is freed by the loop, which must run until its handles are
 *  closed. */
void wk_dlms_udp_stop(struct wk_dlms_udp *udp);

#endif
