/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink - what meters send by themselves: the head-end's end of the link, on all its
 * carriers (headend/uplink_port), in threads of its own: one listens, one writes.
 *
 *   packets -> link/receiver of each meter -> raw records -> commit -> ACK
 *                                                     \-> in order: readings, events
 *
 * Back to a meter whose registry says `host = link` go the datagrams of a client of DLMS over UDP: for each such
 * meter there is a port on 127.0.0.1 (headend/uplink_talk).
 *
 * A record is acknowledged when the archive has committed it as it came. What it means is made of it
 * afterwards, in the order of the stream (headend/uplink_apply): that can be done again at any time,
 * and goes on after a restart where it stood. Records that arrive together are committed together. */
#ifndef WK_HEADEND_UPLINK_H
#define WK_HEADEND_UPLINK_H

#include "cosem/obis.h"
#include "headend/archive.h"
#include "headend/registry.h"
#include "headend/stream.h"
#include "link/receiver.h"
#include "port/linux/link_check.h"

#define WK_UPLINK_PENDING 4096    /* records that wait for one commit, most */
#define WK_UPLINK_OCTETS  2097152 /* ... their octets */
#define WK_UPLINK_AGAIN_MS                                                                     \
    200 /* after a commit that failed, and the first time after applying did */
#define WK_UPLINK_AGAIN_MAX_MS 10000 /* ... the last */

struct wk_uplink_config {
    struct wk_registry *registry; /* with numbers of the meters in the archive */
    struct wk_stream *stream;
    struct wk_archive archive; /* of the thread that writes; closed by wk_uplink_stop */
    struct wk_archive reader;  /* ... of the one that listens; likewise */
};

struct wk_uplink;

/** Opens what the registry asks for, on registry->listen, and begins. On error `why` says what, and the
 *  archives are left open. */
WK_MUST_USE wk_err wk_uplink_start(const struct wk_uplink_config *config,
                                   struct wk_uplink **uplink, char why[WK_INI_WHY]);
/* How a meter reaches this head-end, as of now. */
struct wk_uplink_state {
    bool met;         /* HELLO came since the start of the head-end */
    uint8_t sessions; /* one for each path that was heard */
    struct wk_uplink_heard {
        int64_t heard_us; /* ago */
        uint64_t packets;
        uint64_t octets;
        bool newest; /* heard last: what is said to the meter goes here */
    } session[WK_LINK_SESSIONS];
    uint8_t streams;
    struct wk_uplink_stream {
        uint8_t obis[WK_OBIS_SIZE];
        uint64_t committed; /* all records before this one */
        uint64_t made;      /* as the meter told */
        uint64_t repeated;
        uint64_t missing;
    } stream[WK_LINK_STREAMS];
    bool checked; /* `check` is of this meter */
    struct wk_link_check check;
};

/** From any thread. WK_E_NOT_FOUND: the meter does not send by itself. */
WK_MUST_USE wk_err wk_uplink_look(struct wk_uplink *uplink,
                                  const struct wk_registry_meter *meter,
                                  struct wk_uplink_state *state);
/** Begins the connection test of the path that was heard last, from this end; wk_uplink_look tells how it
 *  goes. From any thread. WK_E_NOT_FOUND: the meter does not send by itself; WK_E_CLOSED: it was not
 *  heard since the start; WK_E_BUSY: another test runs. */
WK_MUST_USE wk_err wk_uplink_check(struct wk_uplink *uplink,
                                   const struct wk_registry_meter *meter);

/** Ends the thread; what was not committed comes again. NULL is right. */
void wk_uplink_stop(struct wk_uplink *uplink);

#endif
