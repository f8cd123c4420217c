/* SPDX-License-Identifier: Apache-2.0
 *
 * link/stream - what of one stream the head-end has, what is on its way, what comes next.
 *
 * A stream is the buffer of a Profile generic: records are numbered over the life of the profile
 * and kept by it, not here. Of them
 *
 *   before `base`            are committed by the head-end's database, or known there as a gap
 *   base .. base + 63        some are committed out of order (`done`), some are on their way or
 *                            wait for their ACK (`sent`)
 *
 * So a stream survives everything the profile survives: after a restart the head-end tells where
 * it stands. What the profile overwrote meanwhile goes as a gap, never silently; a record that cannot
 * be read is a gap of one, and what follows goes on. Live values go newest first, and those
 * before are left out.
 *
 * Memory: 0.1 kB. Context: one thread. */
#ifndef WK_LINK_STREAM_H
#define WK_LINK_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "link/packet.h"

#define WK_LINK_ACK_US    INT64_C(2000000)  /* without ACK: asked */
#define WK_LINK_COMMIT_US INT64_C(15000000) /* without ACK: sent again */

/* Where records come from. Ends of the meter: all functions are called with `self`. */
struct wk_link_source {
    void *self;
    /** Numbers of the oldest record held and of the next one to come. */
    wk_err (*span)(void *self, uint64_t *oldest, uint64_t *next);
    /** WK_E_NOT_FOUND: not held any more; WK_E_FULL: longer than the room; every other error: it cannot
     *  be read. */
    wk_err (*read)(void *self, uint64_t sequence, struct wk_bytes_out *out);
    /** What is in a record: attribute 3 of the profile, as A-XDR. */
    wk_err (*describe)(void *self, struct wk_bytes_out *out);
    uint8_t id;    /* below WK_LINK_STREAMS, the same for the life of the meter */
    uint8_t worth; /* wk_link_class */
    bool live;     /* only the newest is of interest */
    uint8_t obis[6];
};

struct wk_link_stream {
    const struct wk_link_source *source;
    uint64_t base;
    uint64_t done; /* bit n: base + n */
    uint64_t sent; /* bit n: base + n */
    uint64_t oldest;
    uint64_t next;
    int64_t waits_us;   /* since when something was sent or acknowledged */
    bool known;         /* the head-end said where it stands */
    bool wanted;        /* ... and asked for the description */
    uint16_t described; /* octets of the description that were sent */
    /* the record that is being cut into pieces */
    bool cutting;
    uint64_t cut;
    uint16_t cut_at;
    /* counts, for whoever looks */
    uint64_t committed;
    uint64_t repeated;
    uint64_t missing;
};

/* What a stream has to send next. */
struct wk_link_next {
    uint64_t sequence;
    uint64_t count; /* of a gap; 0: a record */
};

void wk_link_stream_init(struct wk_link_stream *stream, const struct wk_link_source *source);

/** Asks the source how far it reaches. Errors of the source. */
WK_MUST_USE wk_err wk_link_stream_look(struct wk_link_stream *stream);

/** What is to be sent next. WK_E_NOT_FOUND: nothing. */
WK_MUST_USE wk_err wk_link_stream_next(struct wk_link_stream *stream,
                                       struct wk_link_next *next);
/** It is on its way. */
void wk_link_stream_sent(struct wk_link_stream *stream, uint64_t sequence, uint64_t count,
                         int64_t now_us);
/** It was lost. `low`: the last 16 bits of the first number. */
void wk_link_stream_lost(struct wk_link_stream *stream, uint16_t low, uint8_t count);
/** The whole number of the window whose last 16 bits are `low`. */
uint64_t wk_link_stream_number(const struct wk_link_stream *stream, uint16_t low);

/** The database has committed: all before `next`, and those of `bitmap` behind it. WK_E_RANGE: more
 *  than was ever made - the head-end speaks of another meter or epoch; nothing changes. */
WK_MUST_USE wk_err wk_link_stream_ack(struct wk_link_stream *stream, uint64_t next,
                                      uint64_t bitmap, int64_t now_us);
/** Where the head-end stands, at the begin of a session: what was on its way is sent again. As
 *  wk_link_stream_ack. */
WK_MUST_USE wk_err wk_link_stream_resume(struct wk_link_stream *stream, uint64_t next,
                                         uint64_t bitmap, int64_t now_us);
/** True: ACKs are late, and the head-end is to be asked. After WK_LINK_COMMIT_US all is sent again. */
bool wk_link_stream_is_late(struct wk_link_stream *stream, int64_t now_us);
/** Records that the head-end does not have. */
uint64_t wk_link_stream_behind(const struct wk_link_stream *stream);

#endif
