/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_announced - events that a meter announces before its own store has them
 * (docs/on-wire.md, ANNOUNCE).
 *
 * They are told at once to whoever listens, and are no events of the archive: those are made of the records,
 * which follow. An announcement whose record comes is forgotten. One whose record has not come after
 * WK_UPLINK_ANNOUNCED_S, or is another one than was announced, becomes an exception that a person looks at: the
 * meter lost its supply at that moment, and its own log does not tell.
 *
 * Context: the thread that writes. */
#ifndef WK_HEADEND_UPLINK_ANNOUNCED_H
#define WK_HEADEND_UPLINK_ANNOUNCED_H

#include "headend/uplink_apply.h"
#include "link/packet.h"

#define WK_UPLINK_ANNOUNCED                                                                    \
    8 /* of a meter, whose records are awaited; more are told and forgotten */
#define WK_UPLINK_ANNOUNCED_S 60

struct wk_uplink_announcement {
    bool used;
    uint8_t stream;
    int64_t epoch;
    int64_t sequence;
    int64_t at_s; /* by the meter's clock */
    int32_t code;
    int64_t heard_s;
    size_t size;
    uint8_t octets[WK_LINK_ANNOUNCED]; /* the record as it is to come */
};

struct wk_uplink_announced {
    struct wk_uplink_announcement row[WK_UPLINK_ANNOUNCED];
};

/** A record of `link` is announced. Nothing to do if it is there already, or if the description of the
 *  stream is not: then it is not known what it says. */
void wk_uplink_announced_take(struct wk_uplink_announced *announced,
                              const struct wk_uplink_place *place,
                              const struct wk_archive_link *link, int64_t sequence,
                              struct wk_bytes_in octets);

/** After records of `link` were applied: what was announced there is compared with what came. Errors of the
 *  archive. */
WK_MUST_USE wk_err wk_uplink_announced_settle(struct wk_uplink_announced *announced,
                                              const struct wk_uplink_place *place,
                                              const struct wk_archive_link *link);

/** Some records are awaited. */
bool wk_uplink_announced_waits(const struct wk_uplink_announced *announced);

#endif
