/* SPDX-License-Identifier: Apache-2.0
 *
 * link/sender_part - what the files of the sender share: paths, and the making of packets. Not for others. */
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
    bool is_urgent;
};

/** Whether a path takes packets. */
bool wk_link_sender_is_usable(const struct wk_link_sender *sender, uint8_t path);
/** Finds the path to be used: sender->active. */
void wk_link_sender_choose(struct wk_link_sender *sender, int64_t now_us);
/** The stream with this number, or NULL. */
struct wk_link_stream *wk_link_sender_stream(struct wk_link_sender *sender, uint8_t id);

/** Begins a packet of at most `room` octets for path `at`. */
void wk_link_load_begin(struct wk_link_sender *sender, uint8_t at, size_t room,
                        struct wk_link_load *load);
/** Fills it with what is worth `from` to `to` (wk_link_class), the most urgent first. */
void wk_link_load_fill(struct wk_link_load *load, uint8_t from, uint8_t to, int64_t now_us);
/** The packet goes by path `at`. False: the carrier did not take it, and what it held is to be sent again. */
bool wk_link_load_finish(struct wk_link_load *load, uint8_t at, int64_t now_us);
/** One frame in a packet of its own, at once. False: it does not go. */
bool wk_link_sender_alone(struct wk_link_sender *sender, uint8_t at,
                          const struct wk_link_frame *frame, int64_t now_us);
/** Sends alarms that are there: the same packet over every path that is up. It is made for one, and its head and
 *  seal are those of each. */
void wk_link_sender_alarms(struct wk_link_sender *sender, int64_t now_us);

#endif
