/* SPDX-License-Identifier: Apache-2.0
 *
 * link/receiver_part - what the two files of the receiver share. Not for others. */
#ifndef WK_LINK_RECEIVER_PART_H
#define WK_LINK_RECEIVER_PART_H

#include "link/receiver.h"

#define WK_LINK_NO_SESSION   WK_LINK_SESSIONS
#define WK_LINK_NEVER_DUE_US INT64_MAX

/** Begins a packet of session `at` in receiver->packet. */
void wk_link_receiver_begin(struct wk_link_receiver *receiver, uint8_t at,
                            struct wk_bytes_out *out);
/** Sends it; `opens`: it is WELCOME. */
void wk_link_receiver_send(struct wk_link_receiver *receiver, uint8_t at,
                           struct wk_bytes_out *out, bool opens);
/** Sends an echo in a packet of its own; `back`: one that came. */
void wk_link_receiver_send_echo(struct wk_link_receiver *receiver, uint8_t at, bool back,
                                struct wk_bytes_in octets);

#endif
