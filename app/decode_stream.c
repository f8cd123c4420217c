/* SPDX-License-Identifier: Apache-2.0 */
#include "app/decode_stream.h"

#include <stdlib.h>
#include <string.h>

#include "cosem/hdlc.h"
#include "cosem/wrapper.h"

typedef enum carried { UNKNOWN = 0, HDLC, WRAPPER, OTHER } carried;

struct ahead {
    uint32_t sequence;
    size_t size;
    uint8_t *octets;
};

/* What one end sends. */
struct way {
    bool known; /* `next` is */
    uint32_t next;
    size_t count;
    struct ahead ahead[WK_DECODE_AHEAD];
    size_t size;
    uint8_t *octets; /* received in order, not explained yet */
};

struct wk_decode_connection {
    struct wk_pcap_packet first; /* its ends: `from` is the client */
    uint32_t last;               /* packet seen last */
    carried carrier;
    struct way ways[2];
    struct wk_explain explain;
};

static bool is_flag(const uint8_t *octets, size_t size)
{
    return size == 1 && octets[0] == WK_HDLC_FLAG;
}

/* ---- connections --------------------------------------------------------------------------- */

static bool same_end(const struct wk_pcap_end *a, const struct wk_pcap_end *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

static bool is_of(const struct wk_decode_connection *connection,
                  const struct wk_pcap_packet *packet)
{
    const struct wk_pcap_packet *first = &connection->first;
    return first->version == packet->version && first->protocol == packet->protocol &&
           ((same_end(&first->from, &packet->from) && same_end(&first->to, &packet->to)) ||
            (same_end(&first->from, &packet->to) && same_end(&first->to, &packet->from)));
}

static void drop_ahead(struct way *way)
{
    for (size_t i = 0; i < way->count; i++) {
        free(way->ahead[i].octets);
    }
    way->count = 0;
}

static void free_connection(struct wk_decode_connection *connection)
{
    for (int i = 0; i < 2; i++) {
        drop_ahead(&connection->ways[i]);
        free(connection->ways[i].octets);
    }
    free(connection);
}

static void tell(struct wk_decode *decode, struct wk_decode_connection *connection,
                 const struct wk_pcap_packet *packet, const uint8_t *octets, size_t size)
{
    const uint32_t before = connection->explain.faults;
    decode->begin(decode->self, packet, connection->explain.direction);
    wk_explain_any(&connection->explain, octets, size);
    decode->end(decode->self);
    decode->faults += connection->explain.faults - before;
}

/* What is left of both ways when nothing more will come. */
static void end_connection(struct wk_decode *decode, struct wk_decode_connection *connection)
{
    for (uint8_t i = 0; i < 2; i++) {
        const struct way *way = &connection->ways[i];
        if (way->size > 0 && !is_flag(way->octets, way->size) &&
            (connection->carrier == HDLC || connection->carrier == WRAPPER)) {
            connection->explain.direction = i;
            tell(decode, connection, &connection->first, way->octets, way->size);
        }
    }
    decode->others += connection->carrier == OTHER ? 1 : 0;
    free_connection(connection);
}

static struct wk_decode_connection *open_connection(struct wk_decode *decode,
                                                    const struct wk_pcap_packet *packet)
{
    struct wk_decode_connection *connection = calloc(1, sizeof *connection);
    size_t place = 0;
    if (connection == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < WK_DECODE_CONNECTIONS && decode->connections[place] != NULL; i++) {
        if (decode->connections[i] == NULL ||
            decode->connections[i]->last < decode->connections[place]->last) {
            place = i;
        }
    }
    if (decode->connections[place] != NULL) {
        end_connection(decode, decode->connections[place]);
    }
    decode->connections[place] = connection;
    wk_explain_init(&connection->explain, decode->crypto, &decode->sink);
    connection->explain.keys = decode->keys;
    connection->first = *packet;
    return connection;
}

static struct wk_decode_connection *find_connection(struct wk_decode *decode,
                                                    const struct wk_pcap_packet *packet)
{
    for (size_t i = 0; i < WK_DECODE_CONNECTIONS; i++) {
        struct wk_decode_connection *connection = decode->connections[i];
        if (connection != NULL && is_of(connection, packet)) {
            const bool again = packet->protocol == WK_PCAP_TCP &&
                               (packet->flags & (WK_PCAP_SYN | WK_PCAP_ACK)) == WK_PCAP_SYN &&
                               connection->ways[0].known && connection->ways[1].known;
            if (!again) {
                return connection;
            }
            decode->connections[i] = NULL;
            end_connection(decode, connection);
        }
    }
    return open_connection(decode, packet);
}

/* ---- frames -------------------------------------------------------------------------------- */

static carried carrier_of(const uint8_t *octets, size_t size)
{
    if (octets[0] == WK_HDLC_FLAG) {
        return HDLC;
    }
    if (octets[0] != 0) {
        return OTHER;
    }
    if (size < 2) {
        return UNKNOWN;
    }
    return octets[1] == WK_WRAPPER_VERSION ? WRAPPER : OTHER;
}

/* Octets of the frame at the begin; 0: more are needed. */
static size_t frame_size(carried carrier, const uint8_t *octets, size_t size)
{
    if (carrier == WRAPPER) {
        if (size < WK_WRAPPER_SIZE) {
            return 0;
        }
        const size_t whole = WK_WRAPPER_SIZE + ((size_t)octets[6] << 8 | octets[7]);
        return octets[0] != 0 || octets[1] != WK_WRAPPER_VERSION ? size
               : whole <= size                                   ? whole
                                                                 : 0;
    }
    if (size < 3) {
        return 0;
    }
    if (octets[0] != WK_HDLC_FLAG || (octets[1] & 0xF0) != 0xA0) {
        const uint8_t *flag = memchr(octets + 1, WK_HDLC_FLAG, size - 1);
        return flag == NULL ? size : (size_t)(flag - octets);
    }
    const size_t whole = ((size_t)(octets[1] & 7) << 8 | octets[2]) + 2;
    return whole <= size ? whole : 0;
}

static void explain_way(struct wk_decode *decode, struct wk_decode_connection *connection,
                        const struct wk_pcap_packet *packet, struct way *way)
{
    size_t at = 0;
    if (connection->carrier == UNKNOWN && way->size > 0) {
        connection->carrier = carrier_of(way->octets, way->size);
    }
    while (connection->carrier != UNKNOWN && at < way->size) {
        const size_t size =
            connection->carrier == OTHER
                ? way->size - at
                : frame_size(connection->carrier, way->octets + at, way->size - at);
        if (size == 0) {
            break;
        }
        const bool frame = connection->carrier == HDLC && size > 1 &&
                           way->octets[at + size - 1] == WK_HDLC_FLAG;
        if (connection->carrier != OTHER && !is_flag(way->octets + at, size)) {
            tell(decode, connection, packet, way->octets + at, size);
        }
        at += frame ? size - 1 : size; /* its last flag may begin the next one */
    }
    if (at > 0) {
        memmove(way->octets, way->octets + at, way->size - at);
        way->size -= at;
    }
}

/* ---- octets in order ------------------------------------------------------------------------ */

static wk_err append(struct way *way, const uint8_t *octets, size_t size)
{
    if (size > WK_DECODE_STREAM - way->size) {
        way->size = 0; /* no frame is that long: begin anew */
    }
    if (way->octets == NULL) {
        way->octets = malloc(WK_DECODE_STREAM);
    }
    if (way->octets == NULL) {
        return WK_E_FULL;
    }
    const size_t taken = size < WK_DECODE_STREAM ? size : WK_DECODE_STREAM;
    memcpy(way->octets + way->size, octets, taken);
    way->size += taken;
    way->next += (uint32_t)size;
    return WK_OK;
}

/* Takes a segment that is due, or the part of it that is. */
static wk_err take(struct way *way, uint32_t sequence, const uint8_t *octets, size_t size)
{
    const uint32_t old = way->next - sequence;
    if (old >= size) {
        return WK_OK;
    }
    return append(way, octets + old, size - old);
}

static bool is_due(const struct way *way, uint32_t sequence)
{
    return (int32_t)(sequence - way->next) <= 0;
}

static wk_err keep(struct way *way, const struct wk_pcap_packet *packet)
{
    struct ahead *place = &way->ahead[way->count];
    place->octets = malloc(packet->size);
    if (place->octets == NULL) {
        return WK_E_FULL;
    }
    memcpy(place->octets, packet->payload, packet->size);
    place->sequence = packet->sequence;
    place->size = packet->size;
    way->count++;
    return WK_OK;
}

/* Segments that waited for this one. */
static wk_err take_ahead(struct way *way)
{
    size_t i = 0;
    while (i < way->count) {
        if (!is_due(way, way->ahead[i].sequence)) {
            i++;
            continue;
        }
        struct ahead one = way->ahead[i];
        way->ahead[i] = way->ahead[--way->count];
        const wk_err err = take(way, one.sequence, one.octets, one.size);
        free(one.octets);
        WK_TRY(err);
        i = 0;
    }
    return WK_OK;
}

/* Too many wait: what is missing was not captured. It goes on at the oldest that waits. */
static wk_err skip_gap(struct way *way)
{
    uint32_t least = way->ahead[0].sequence;
    for (size_t i = 1; i < way->count; i++) {
        least = (int32_t)(way->ahead[i].sequence - least) < 0 ? way->ahead[i].sequence : least;
    }
    way->next = least;
    way->size = 0;
    return take_ahead(way);
}

static wk_err take_segment(struct way *way, const struct wk_pcap_packet *packet)
{
    const bool opens = (packet->flags & WK_PCAP_SYN) != 0;
    if (!way->known || opens) {
        way->known = true;
        way->next = packet->sequence + (opens ? 1 : 0);
    }
    if (packet->size == 0) {
        return WK_OK;
    }
    if (is_due(way, packet->sequence)) {
        WK_TRY(take(way, packet->sequence, packet->payload, packet->size));
        return take_ahead(way);
    }
    WK_TRY(keep(way, packet));
    return way->count == WK_DECODE_AHEAD ? skip_gap(way) : WK_OK;
}

wk_err wk_decode_packet(struct wk_decode *decode, const struct wk_pcap_packet *packet)
{
    struct wk_decode_connection *connection = find_connection(decode, packet);
    if (connection == NULL) {
        return WK_E_FULL;
    }
    const uint8_t direction = same_end(&connection->first.from, &packet->from) ? 0 : 1;
    connection->last = packet->number;
    connection->explain.direction = direction;
    if (packet->protocol == WK_PCAP_TCP) {
        struct way *way = &connection->ways[direction];
        WK_TRY(take_segment(way, packet));
        explain_way(decode, connection, packet, way);
    } else if (packet->size > 0 && carrier_of(packet->payload, packet->size) != OTHER) {
        tell(decode, connection, packet, packet->payload, packet->size);
    } else {
        decode->others++;
    }
    return WK_OK;
}

void wk_decode_close(struct wk_decode *decode)
{
    for (size_t i = 0; i < WK_DECODE_CONNECTIONS; i++) {
        if (decode->connections[i] != NULL) {
            end_connection(decode, decode->connections[i]);
            decode->connections[i] = NULL;
        }
    }
}
