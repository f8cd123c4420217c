/* SPDX-License-Identifier: Apache-2.0 */
#include "app/decode_pcap.h"

#include <string.h>

#include "base/bytes.h"

#define MAGIC_US 0xA1B2C3D4U
#define MAGIC_NS 0xA1B23C4DU
#define NG_HEAD  0x0A0D0D0AU
#define NG_ORDER 0x1A2B3C4DU
#define NG_LEAST 12 /* octets of a block without contents */

enum { NG_INTERFACE = 1, NG_SIMPLE = 3, NG_PACKET = 6 };
enum { NG_OPTION_RESOLUTION = 9 };
enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276
};
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86DD, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88A8 };

static uint32_t u32(const struct wk_pcap *pcap, struct wk_bytes_in *in)
{
    return pcap->swapped ? wk_bytes_in_u32be(in) : wk_bytes_in_u32le(in);
}

static uint16_t u16(const struct wk_pcap *pcap, struct wk_bytes_in *in)
{
    return pcap->swapped ? wk_bytes_in_u16be(in) : wk_bytes_in_u16le(in);
}

/* ---- the capture's head ------------------------------------------------------------------- */

static bool is_link(uint32_t link)
{
    return link == LINK_NULL || link == LINK_ETHERNET || link == LINK_RAW_BSD ||
           link == LINK_RAW || link == LINK_LOOP || link == LINK_SLL || link == LINK_IPV4 ||
           link == LINK_IPV6 || link == LINK_SLL2;
}

bool wk_pcap_is(const uint8_t *data, size_t size)
{
    struct wk_bytes_in little = wk_bytes_in_of(data, size);
    struct wk_bytes_in big = little;
    const uint32_t a = wk_bytes_in_u32le(&little);
    const uint32_t b = wk_bytes_in_u32be(&big);
    return little.fault == WK_OK &&
           (a == MAGIC_US || a == MAGIC_NS || b == MAGIC_US || b == MAGIC_NS || a == NG_HEAD);
}

wk_err wk_pcap_open(struct wk_pcap *pcap, const uint8_t *data, size_t size)
{
    *pcap = (struct wk_pcap){.data = data, .size = size};
    if (!wk_pcap_is(data, size)) {
        return WK_E_FORMAT;
    }
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    uint32_t magic = wk_bytes_in_u32le(&in);
    if (magic == NG_HEAD) {
        pcap->ng = true;
        return WK_OK;
    }
    if (magic != MAGIC_US && magic != MAGIC_NS) {
        pcap->swapped = true;
        in.at = 0;
        magic = wk_bytes_in_u32be(&in);
    }
    (void)wk_bytes_in_take(&in, 16);
    const uint32_t link = u32(pcap, &in) & 0x0FFFFFFF;
    WK_TRY(in.fault);
    pcap->interface[0] = (struct wk_pcap_interface){
        .link = link, .ticks_per_s = magic == MAGIC_NS ? 1000000000 : 1000000};
    pcap->interfaces = 1;
    pcap->at = in.at;
    return is_link(link) ? WK_OK : WK_E_UNSUPPORTED;
}

/* ---- IP ----------------------------------------------------------------------------------- */

static bool read_udp(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    packet->from.port = wk_bytes_in_u16be(in);
    packet->to.port = wk_bytes_in_u16be(in);
    const size_t length = wk_bytes_in_u16be(in);
    (void)wk_bytes_in_u16be(in);
    if (in->fault != WK_OK || length < 8 || length - 8 > wk_bytes_in_left(in)) {
        return false;
    }
    packet->size = length - 8;
    packet->payload = wk_bytes_in_take(in, packet->size);
    return true;
}

static bool read_tcp(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    packet->from.port = wk_bytes_in_u16be(in);
    packet->to.port = wk_bytes_in_u16be(in);
    packet->sequence = wk_bytes_in_u32be(in);
    (void)wk_bytes_in_u32be(in);
    const size_t head = (size_t)(wk_bytes_in_u8(in) >> 4) * 4;
    packet->flags = wk_bytes_in_u8(in);
    (void)wk_bytes_in_take(in, 6);
    if (in->fault != WK_OK || head < 20) {
        return false;
    }
    (void)wk_bytes_in_take(in, head - 20);
    packet->size = wk_bytes_in_left(in);
    packet->payload = wk_bytes_in_take(in, packet->size);
    return in->fault == WK_OK;
}

static bool read_transport(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    if (packet->protocol == WK_PCAP_TCP) {
        return read_tcp(in, packet);
    }
    return packet->protocol == WK_PCAP_UDP && read_udp(in, packet);
}

/* What the network says is in the packet: behind it is padding. */
static struct wk_bytes_in cut(struct wk_bytes_in *in, size_t size)
{
    const size_t left = wk_bytes_in_left(in);
    const size_t taken = size < left ? size : left;
    return wk_bytes_in_of(wk_bytes_in_take(in, taken), taken);
}

static bool read_ipv4(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    const size_t head = (size_t)(wk_bytes_in_u8(in) & 0x0F) * 4;
    (void)wk_bytes_in_u8(in);
    const size_t total = wk_bytes_in_u16be(in);
    (void)wk_bytes_in_u16be(in);
    const uint16_t fragment = wk_bytes_in_u16be(in);
    (void)wk_bytes_in_u8(in);
    packet->protocol = wk_bytes_in_u8(in);
    (void)wk_bytes_in_u16be(in);
    wk_bytes_in_copy(in, packet->from.address, 4);
    wk_bytes_in_copy(in, packet->to.address, 4);
    if (in->fault != WK_OK || head < 20 || total < head || (fragment & 0x3FFF) != 0) {
        return false;
    }
    (void)wk_bytes_in_take(in, head - 20);
    struct wk_bytes_in rest = cut(in, total - head);
    packet->version = 4;
    return in->fault == WK_OK && read_transport(&rest, packet);
}

static bool read_ipv6(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    (void)wk_bytes_in_u32be(in);
    const size_t length = wk_bytes_in_u16be(in);
    uint8_t next = wk_bytes_in_u8(in);
    (void)wk_bytes_in_u8(in);
    wk_bytes_in_copy(in, packet->from.address, 16);
    wk_bytes_in_copy(in, packet->to.address, 16);
    struct wk_bytes_in rest = cut(in, length);
    while ((next == 0 || next == 43 || next == 60) && rest.fault == WK_OK) {
        next = wk_bytes_in_u8(&rest); /* hop-by-hop, routing, destination options */
        (void)wk_bytes_in_take(&rest, (size_t)wk_bytes_in_u8(&rest) * 8 + 6);
    }
    packet->protocol = next;
    packet->version = 6;
    return in->fault == WK_OK && rest.fault == WK_OK && read_transport(&rest, packet);
}

static bool read_ip(struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    const uint8_t version = wk_bytes_in_peek(in) >> 4;
    return version == 4 ? read_ipv4(in, packet) : version == 6 && read_ipv6(in, packet);
}

static bool read_link(uint32_t link, struct wk_bytes_in *in, struct wk_pcap_packet *packet)
{
    uint16_t type = TYPE_IPV4;
    switch (link) {
    case LINK_ETHERNET:
        (void)wk_bytes_in_take(in, 12);
        type = wk_bytes_in_u16be(in);
        while (type == TYPE_VLAN || type == TYPE_QINQ) {
            (void)wk_bytes_in_u16be(in);
            type = wk_bytes_in_u16be(in);
        }
        break;
    case LINK_SLL:
        (void)wk_bytes_in_take(in, 14);
        type = wk_bytes_in_u16be(in);
        break;
    case LINK_SLL2:
        type = wk_bytes_in_u16be(in);
        (void)wk_bytes_in_take(in, 18);
        break;
    case LINK_NULL:
    case LINK_LOOP:
        (void)wk_bytes_in_take(in, 4);
        break;
    default:
        break;
    }
    return (type == TYPE_IPV4 || type == TYPE_IPV6) && read_ip(in, packet);
}

/* ---- packets ------------------------------------------------------------------------------ */

static int64_t time_of(uint64_t ticks, int64_t ticks_per_s)
{
    const uint64_t per_s = (uint64_t)ticks_per_s;
    const uint64_t s = ticks / per_s;
    const uint64_t rest = ticks % per_s;
    const uint64_t us = per_s >= 1000000 ? rest / (per_s / 1000000) : rest * 1000000 / per_s;
    return (int64_t)(s * 1000000 + us);
}

/* One packet of the old form; true: `packet` is one of ours. */
static wk_err next_old(struct wk_pcap *pcap, struct wk_pcap_packet *packet, bool *ours)
{
    struct wk_bytes_in in = wk_bytes_in_of(pcap->data, pcap->size);
    in.at = pcap->at;
    const int64_t s = u32(pcap, &in);
    const int64_t fraction = u32(pcap, &in);
    const size_t size = u32(pcap, &in);
    (void)u32(pcap, &in);
    struct wk_bytes_in frame = wk_bytes_in_of(wk_bytes_in_take(&in, size), size);
    WK_TRY(in.fault);
    pcap->at = in.at;
    pcap->number++;
    packet->number = pcap->number;
    packet->t_us = s * 1000000 + fraction * 1000000 / pcap->interface[0].ticks_per_s;
    *ours = read_link(pcap->interface[0].link, &frame, packet);
    pcap->passed += *ours ? 0 : 1;
    return WK_OK;
}

/* The resolution of an interface's time stamps, if its options tell one. */
static int64_t resolution(const struct wk_pcap *pcap, struct wk_bytes_in *in)
{
    int64_t ticks = 1000000;
    while (wk_bytes_in_left(in) >= 4) {
        const uint16_t code = u16(pcap, in);
        const size_t size = u16(pcap, in);
        const uint8_t *value = wk_bytes_in_take(in, (size + 3) / 4 * 4);
        if (code == 0 || value == NULL) {
            break;
        }
        if (code == NG_OPTION_RESOLUTION && size >= 1 && (value[0] & 0x7F) <= 30) {
            const int64_t base = (value[0] & 0x80) != 0 ? 2 : 10;
            ticks = 1;
            for (int i = 0; i < (value[0] & 0x7F) && ticks < INT64_MAX / 10; i++) {
                ticks *= base;
            }
        }
    }
    return ticks;
}

static void read_interface(struct wk_pcap *pcap, struct wk_bytes_in *body)
{
    if (pcap->interfaces >= WK_PCAP_INTERFACES) {
        return;
    }
    struct wk_pcap_interface *interface = &pcap->interface[pcap->interfaces++];
    interface->link = u16(pcap, body);
    (void)wk_bytes_in_take(body, 6);
    interface->ticks_per_s = resolution(pcap, body);
}

static bool read_packet(struct wk_pcap *pcap, struct wk_bytes_in *body, bool simple,
                        struct wk_pcap_packet *packet)
{
    const uint32_t which = simple ? 0 : u32(pcap, body);
    const uint64_t high = simple ? 0 : u32(pcap, body);
    const uint64_t ticks = high << 32 | (simple ? 0 : u32(pcap, body));
    const size_t size = simple ? 0 : u32(pcap, body);
    (void)u32(pcap, body);
    pcap->number++;
    packet->number = pcap->number;
    if (which >= pcap->interfaces || body->fault != WK_OK) {
        return false;
    }
    struct wk_bytes_in frame = cut(body, simple ? wk_bytes_in_left(body) : size);
    packet->t_us = time_of(ticks, pcap->interface[which].ticks_per_s);
    return read_link(pcap->interface[which].link, &frame, packet);
}

/* One block of pcapng. */
static wk_err next_ng(struct wk_pcap *pcap, struct wk_pcap_packet *packet, bool *ours)
{
    struct wk_bytes_in in = wk_bytes_in_of(pcap->data, pcap->size);
    in.at = pcap->at;
    struct wk_bytes_in order = in;
    if (wk_bytes_in_u32le(&order) == NG_HEAD) {
        (void)wk_bytes_in_u32le(&order);
        pcap->swapped = wk_bytes_in_u32le(&order) != NG_ORDER;
        pcap->interfaces = 0;
    }
    const uint32_t type = u32(pcap, &in);
    const size_t length = u32(pcap, &in);
    WK_TRY(in.fault);
    if (length < NG_LEAST || length % 4 != 0) {
        return WK_E_FORMAT;
    }
    struct wk_bytes_in body =
        wk_bytes_in_of(wk_bytes_in_take(&in, length - NG_LEAST), length - NG_LEAST);
    (void)u32(pcap, &in);
    WK_TRY(in.fault);
    pcap->at = in.at;
    if (type == NG_INTERFACE) {
        read_interface(pcap, &body);
    } else if (type == NG_PACKET || type == NG_SIMPLE) {
        *ours = read_packet(pcap, &body, type == NG_SIMPLE, packet);
        pcap->passed += *ours ? 0 : 1;
    }
    return WK_OK;
}

wk_err wk_pcap_next(struct wk_pcap *pcap, struct wk_pcap_packet *packet)
{
    bool ours = false;
    while (pcap->at < pcap->size) {
        *packet = (struct wk_pcap_packet){0};
        WK_TRY(pcap->ng ? next_ng(pcap, packet, &ours) : next_old(pcap, packet, &ours));
        if (ours) {
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}
