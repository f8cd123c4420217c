/* SPDX-License-Identifier: Apache-2.0
 *
 * app/decode_pcap - packets of TCP and UDP out of a capture that is in memory: pcap (both octet
 * orders, micro- and nanoseconds) and pcapng (any number of sections and interfaces), of Ethernet
 * with VLAN tags, Linux "any", loopback and raw IP, versions 4 and 6. Whatever is something else
 * is passed over and counted. */
#ifndef WK_APP_DECODE_PCAP_H
#define WK_APP_DECODE_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_PCAP_INTERFACES 32 /* of one section of pcapng, most */
#define WK_PCAP_TCP        6
#define WK_PCAP_UDP        17
#define WK_PCAP_FIN        0x01 /* flags of TCP */
#define WK_PCAP_SYN        0x02
#define WK_PCAP_ACK        0x10

struct wk_pcap_end {
    uint8_t address[16]; /* version 4: the first four */
    uint16_t port;
};

struct wk_pcap_packet {
    uint32_t number;  /* in the capture, from 1 */
    int64_t t_us;     /* UTC */
    uint8_t version;  /* of IP: 4, 6 */
    uint8_t protocol; /* WK_PCAP_TCP, WK_PCAP_UDP */
    uint8_t flags;    /* TCP */
    uint32_t sequence;
    struct wk_pcap_end from;
    struct wk_pcap_end to;
    const uint8_t *payload; /* borrowed from the capture */
    size_t size;
};

struct wk_pcap_interface {
    uint32_t link;
    int64_t ticks_per_s;
};

struct wk_pcap {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t at;
    bool ng;
    bool swapped; /* most significant octet first */
    uint32_t number;
    uint32_t passed; /* packets that were neither TCP nor UDP, or cut off */
    uint32_t interfaces;
    struct wk_pcap_interface interface[WK_PCAP_INTERFACES];
};

/** Whether the octets begin like a capture. */
bool wk_pcap_is(const uint8_t *data, size_t size);
/** WK_E_FORMAT: no capture; WK_E_UNSUPPORTED: of a link that is none of the above. */
WK_MUST_USE wk_err wk_pcap_open(struct wk_pcap *pcap, const uint8_t *data, size_t size);
/** WK_E_NOT_FOUND: there are no more. WK_E_FORMAT, WK_E_SHORT: the capture is damaged at
 *  pcap->at. */
WK_MUST_USE wk_err wk_pcap_next(struct wk_pcap *pcap, struct wk_pcap_packet *packet);

#endif
