/* SPDX-License-Identifier: Apache-2.0
 *
 * link/sender_part - what the two files of the sender share: the making of packets. Not for others. */
#ifndef WK_LINK_SENDER_PART_H
#define WK_LINK_SENDER_PART_H

#include "link/sender.h"

/* A packet that is being made. */
struct wk_link_load {
    struct wk_link_sender *sender;
    struct wk_bytes_out out;
    uint8_t items;
    struct wk_link_item item[WK_LINK_ITEMS];
    bool is_full; /* something more was to be sent and did not fit */
};

/** The stream with this number, or NULL. */
struct wk_link_stream *wk_link_sender_stream(struct wk_link_sender *sender, uint8_t id);

/** Begins a packet of at most `room` octets for path `at`. */
void wk_link_load_begin(struct wk_link_sender *sender, uint8_t at, size_t room,
                        struct wk_link_load *load);
/** Fills it with what is worth `from` to `to` (wk_link_class), the most urgent first. */
void wk_link_load_fill(struct wk_link_load *load, uint8_t from, uint8_t to, int64_t now_us);

#endif
