/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink - what meters send by themselves: the head-end's end of the link, on UDP, in
 * threads of its own: one listens, one writes.
 *
 *   packets -> link/receiver of each meter -> raw records -> commit -> ACK
 *                                                     \-> in order: readings, events
 *
 * A record is acknowledged when the archive has committed it as it came. What it means is made of it
 * afterwards, in the order of the stream (headend/uplink_apply): that can be done again at any time,
 * and goes on after a restart where it stood. Records that arrive together are committed together. */
#ifndef WK_HEADEND_UPLINK_H
#define WK_HEADEND_UPLINK_H

#include "headend/archive.h"
#include "headend/registry.h"
#include "headend/stream.h"

#define WK_UPLINK_PENDING  4096    /* records that wait for one commit, most */
#define WK_UPLINK_OCTETS   2097152 /* ... their octets */
#define WK_UPLINK_AGAIN_MS 200     /* after a commit that failed */

struct wk_uplink_config {
    const struct wk_registry *registry; /* with numbers of the meters in the archive */
    struct wk_stream *stream;
    struct wk_archive archive; /* of the thread that writes; closed by wk_uplink_stop */
    struct wk_archive reader;  /* ... of the one that listens; likewise */
};

struct wk_uplink;

/** Listens on registry->link_port of registry->listen and begins. On error `why` says what, and the
 *  archivess are left open. */
WK_MUST_USE wk_err wk_uplink_start(const struct wk_uplink_config *config,
                                   struct wk_uplink **uplink, char why[WK_INI_WHY]);
/** Ends the thread; what was not committed comes again. NULL is right. */
void wk_uplink_stop(struct wk_uplink *uplink);

#endif
