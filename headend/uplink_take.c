/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "headend/uplink_part.h"

#define STAND_MOST 256 /* records looked at to find where a stream stands */

/* Walks over what is there without a hole, then marks what is behind it. */
struct standing {
    uint64_t next;
    uint64_t bitmap;
    bool hole;
};

static wk_err stand_on(void *context, const struct wk_archive_record *row)
{
    struct standing *standing = context;
    const uint64_t first = (uint64_t)row->seq;
    const uint64_t count = row->count > 0 ? (uint64_t)row->count : 1;
    if (!standing->hole && first <= standing->next) {
        standing->next = first + count > standing->next ? first + count : standing->next;
        return WK_OK;
    }
    standing->hole = true;
    for (uint64_t n = first; n < first + count && n - standing->next - 1 < WK_LINK_WINDOW - 1;
         n++) {
        standing->bitmap |= UINT64_C(1) << (n - standing->next - 1);
    }
    return WK_OK;
}

static wk_err put(struct wk_uplink_peer *peer, const struct wk_uplink_pending *what,
                  struct wk_bytes_in octets)
{
    struct wk_uplink_batch *batch = peer->uplink->filling;
    if (batch->waiting == WK_UPLINK_PENDING ||
        octets.size > sizeof batch->octets - batch->used) {
        return WK_E_BUSY;
    }
    struct wk_uplink_pending *to = &batch->pending[batch->waiting++];
    *to = *what;
    to->peer = peer;
    to->epoch = peer->receiver.epoch;
    to->at = batch->used;
    to->size = octets.size;
    if (octets.size > 0) {
        memcpy(batch->octets + to->at, octets.data, octets.size);
    }
    batch->used += octets.size;
    return WK_OK;
}

static wk_err resume(void *self, const struct wk_link_receiver *of,
                     const struct wk_link_frame *told, struct wk_link_stand *stand)
{
    struct wk_uplink_peer *peer = self;
    struct wk_archive *a = &peer->uplink->config.reader;
    struct wk_archive_link link = {.meter = peer->meter->id,
                                   .epoch = (int64_t)peer->receiver.epoch,
                                   .stream = told->stream};
    (void)of;
    const wk_err err = a->link_get(a->self, &link);
    WK_TRY(err == WK_E_NOT_FOUND ? WK_OK : err);
    struct standing standing = {.next = (uint64_t)link.applied};
    for (uint64_t before = standing.next - 1; !standing.hole && before != standing.next;) {
        before = standing.next;
        const struct wk_archive_record key = {.meter = link.meter,
                                              .epoch = link.epoch,
                                              .stream = link.stream,
                                              .seq = (int64_t)standing.next};
        WK_TRY(a->record_each(a->self, &key, STAND_MOST, stand_on, &standing));
    }
    stand->next = standing.next;
    stand->bitmap = standing.bitmap;
    stand->check = link.check;
    struct wk_uplink_pending look = {.kind = WK_UPLINK_PENDING_LOOK, .stream = told->stream};
    memcpy(look.obis, told->obis, sizeof look.obis);
    return put(peer, &look, wk_bytes_in_of(NULL, 0));
}

static wk_err take_record(void *self, const struct wk_link_receiver *of, uint8_t stream,
                          uint64_t sequence, struct wk_bytes_in octets)
{
    const struct wk_uplink_pending what = {
        .kind = WK_UPLINK_PENDING_RECORD, .stream = stream, .sequence = sequence};
    (void)of;
    return sequence > INT64_MAX ? WK_E_RANGE : put(self, &what, octets);
}

/* One that finds no room is only told when its record comes. */
static void take_announced(void *self, const struct wk_link_receiver *of, uint8_t stream,
                           uint64_t sequence, struct wk_bytes_in octets)
{
    struct wk_uplink_pending what = {
        .kind = WK_UPLINK_PENDING_ANNOUNCED, .stream = stream, .sequence = sequence};
    memcpy(what.obis, of->streams[stream].obis, sizeof what.obis);
    if (sequence <= INT64_MAX) {
        (void)!put(self, &what, octets);
    }
}

static wk_err take_gap(void *self, const struct wk_link_receiver *of, uint8_t stream,
                       uint64_t first, uint64_t count, uint8_t reason)
{
    const struct wk_uplink_pending what = {.kind = WK_UPLINK_PENDING_GAP,
                                           .stream = stream,
                                           .sequence = first,
                                           .count = count,
                                           .reason = reason};
    (void)of;
    return first > INT64_MAX || count > INT64_MAX - first
               ? WK_E_RANGE
               : put(self, &what, wk_bytes_in_of(NULL, 0));
}

static wk_err take_description(void *self, const struct wk_link_receiver *of, uint8_t stream,
                               struct wk_bytes_in octets)
{
    struct wk_uplink_pending what = {.kind = WK_UPLINK_PENDING_DESCRIPTION,
                                     .stream = stream,
                                     .check = of->streams[stream].check};
    memcpy(what.obis, of->streams[stream].obis, sizeof what.obis);
    return octets.size > WK_ARCHIVE_DESCRIPTION ? WK_E_RANGE : put(self, &what, octets);
}

static wk_err transmit(void *self, const struct wk_link_receiver *to, uint8_t session,
                       const uint8_t *packet, size_t length)
{
    const struct wk_uplink_peer *peer = self;
    (void)to;
    return wk_uplink_port_send(peer->uplink->ports, &peer->from[session], packet, length);
}

static wk_err draw(void *self, void *to, size_t size)
{
    const struct wk_uplink_peer *peer = self;
    const struct wk_hal_crypto *crypto = &peer->uplink->crypto.hal;
    return crypto->random(crypto->self, to, size);
}

void wk_uplink_peer_init(struct wk_uplink_peer *peer, uint64_t instance)
{
    const struct wk_registry_meter *meter = peer->meter;
    peer->key.size = meter->link_key_size;
    memcpy(peer->key.octets, meter->link_key, meter->link_key_size);
    const struct wk_link_receiver_config config = {.self = peer,
                                                   .instance = instance,
                                                   .crypto = &peer->uplink->crypto.hal,
                                                   .key = &peer->key,
                                                   .resume = resume,
                                                   .record = take_record,
                                                   .gap = take_gap,
                                                   .announced = take_announced,
                                                   .describe = take_description,
                                                   .transmit = transmit,
                                                   .random = draw,
                                                   .talk = wk_uplink_talk_answer,
                                                   .echoed = wk_uplink_check_back};
    wk_link_receiver_init(&peer->receiver, &config, meter->meter_title);
}
