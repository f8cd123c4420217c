/* SPDX-License-Identifier: Apache-2.0
 *
 * app/decode_stream - the conversations of a capture: octets of TCP in their order, cut into
 * frames, each explained with what was said before on its connection; datagrams of UDP one by
 * one. Who opened the connection is the client; without its first packet, who is seen first.
 * A connection that carries neither wrapper nor HDLC is left out and counted. */
#ifndef WK_APP_DECODE_STREAM_H
#define WK_APP_DECODE_STREAM_H

#include "app/decode_pcap.h"
#include "cosem/explain.h"

#define WK_DECODE_CONNECTIONS 64      /* at once; the one silent for longest makes room */
#define WK_DECODE_STREAM      1048576 /* octets that wait to be a frame, most */
#define WK_DECODE_AHEAD       256     /* segments that came before their turn, most */

struct wk_decode_connection;

struct wk_decode {
    struct wk_decode_connection *connections[WK_DECODE_CONNECTIONS];
    const struct wk_hal_crypto *crypto;
    struct wk_explain_keys keys;
    struct wk_explain_sink sink;
    void *self;
    /** Called before and after what a frame or datagram is explained as. */
    void (*begin)(void *self, const struct wk_pcap_packet *packet, uint8_t direction);
    void (*end)(void *self);
    uint32_t faults; /* that were told */
    uint32_t others; /* connections and datagrams of other protocols */
};

/** WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_decode_packet(struct wk_decode *decode,
                                    const struct wk_pcap_packet *packet);
/** The capture is over: tells what is incomplete, and frees all. */
void wk_decode_close(struct wk_decode *decode);

#endif
