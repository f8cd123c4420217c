/* SPDX-License-Identifier: Apache-2.0
 *
 * The sender of the link: alarms. */
#include <string.h>

#include "link/sender_part.h"

/* ---- before they are stored -------------------------------------------------------------- */

/* Whether it may go by that path. */
static bool may_announce(const struct wk_link_sender *sender, uint8_t at, size_t octets)
{
    const struct wk_link_path *path = &sender->paths[at];
    const size_t size = WK_LINK_HEAD + WK_LINK_AROUND + octets + path->rules.overhead;
    const uint64_t wire_us = (uint64_t)size * 8 * 1000000 / path->pace.rate_bps;
    return wk_link_sender_is_usable(sender, at) &&
           (path->in_flight == 0 || wire_us <= WK_LINK_ANNOUNCE_US);
}

wk_err wk_link_sender_announce(struct wk_link_sender *sender, uint8_t stream, uint64_t sequence,
                               struct wk_bytes_in record, int64_t now_us)
{
    const struct wk_link_frame frame = {.kind = WK_LINK_FRAME_ANNOUNCE,
                                        .stream = stream,
                                        .sequence = sequence,
                                        .octets = record};
    bool is_sent = false;
    if (record.size == 0 || record.size > WK_LINK_ANNOUNCED) {
        return WK_E_FULL;
    }
    for (uint8_t i = 0; i < sender->config.path_count; i++) {
        is_sent = (may_announce(sender, i, record.size) &&
                   wk_link_sender_alone(sender, i, &frame, now_us)) ||
                  is_sent;
    }
    return is_sent ? WK_OK : WK_E_CLOSED;
}

/* ---- and then ---------------------------------------------------------------------------- */

/* What fits a packet of every path that is up. */
static size_t common_room(const struct wk_link_sender *sender)
{
    size_t room = WK_LINK_PACKET_LEAST;
    for (uint8_t i = 0; i < sender->config.path_count; i++) {
        const size_t seal = sender->config.seal[i] ? WK_LINK_TAG : 0;
        const size_t most = sender->paths[i].rules.most - seal;
        room = wk_link_sender_is_usable(sender, i) && most < room ? most : room;
    }
    return room;
}

void wk_link_sender_alarms(struct wk_link_sender *sender, int64_t now_us)
{
    for (int packets = 0; packets < WK_LINK_STEP_PACKETS; packets++) {
        uint8_t body[WK_LINK_PACKET_LEAST];
        struct wk_link_load load;
        if (sender->active == WK_LINK_NO_PATH ||
            !wk_link_sender_is_usable(sender, sender->active) ||
            !wk_link_path_has_room(&sender->paths[sender->active])) {
            return;
        }
        wk_link_load_begin(sender, sender->active, common_room(sender), &load);
        wk_link_load_fill(&load, WK_LINK_ALARM, WK_LINK_ALARM, now_us);
        if (load.items == 0) {
            return;
        }
        const size_t size = load.out.size - WK_LINK_HEAD;
        memcpy(body, sender->packet + WK_LINK_HEAD, size);
        load.is_full = false;
        bool is_sent = false;
        for (uint8_t i = 0; i < sender->config.path_count; i++) {
            if (!wk_link_sender_is_usable(sender, i) ||
                !wk_link_path_has_room(&sender->paths[i])) {
                continue;
            }
            struct wk_link_load copy;
            wk_link_load_begin(sender, i, sizeof body, &copy);
            wk_bytes_out_put(&copy.out, body, size);
            copy.is_urgent = true;
            copy.items = load.items;
            memcpy(copy.item, load.item, sizeof copy.item);
            is_sent = wk_link_load_finish(&copy, i, now_us) || is_sent;
        }
        if (!is_sent) {
            return;
        }
    }
}
