/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/ring - the seam on Linux: measurement records in shared memory.
 *
 * One producer (wk-metrologyd), one consumer (wk-meterd), each may be killed at any time. The
 * consumer frees records only after it has committed what it derived from them, so a new
 * consumer finds everything the dead one had not committed; the cursor it keeps in its store
 * tells which of them it has already counted. A file holds the ring; both map it.
 *
 * Positions count records since the file was made; record n lies in slot n % capacity. */
#ifndef WK_PORT_LINUX_RING_H
#define WK_PORT_LINUX_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/record.h"

#define WK_RING_CAPACITY 16384 /* records: more than 50 minutes at 5 a second */
#define WK_RING_WHY      256   /* room for an error text */

struct wk_ring_slot {
    _Atomic uint64_t position; /* of the record held, plus 1; 0 = being written */
    struct wk_record record;
};

/* What lies in the file. */
struct wk_ring_shared {
    uint64_t magic;
    uint32_t slot_size;
    uint32_t capacity;
    _Atomic uint64_t head;      /* position of the next record to be written */
    _Atomic uint64_t tail;      /* position of the first record the consumer still needs */
    _Atomic uint64_t epoch;     /* last one a producer took */
    _Atomic int64_t target_us;  /* metrology's time up to which it runs accelerated; 0 = none */
    _Atomic int64_t reached_us; /* metrology's time */
    _Atomic uint32_t finished;  /* the feed has ended and all its records are in the ring */
    _Atomic uint32_t contact_open; /* the contactor cuts the load off: no current flows */
    struct wk_ring_slot slots[WK_RING_CAPACITY];
};

struct wk_ring {
    struct wk_ring_shared *shared;
    int file;
    char why[WK_RING_WHY]; /* text of the last error of wk_ring_open */
};

/** Opens the ring in `path`, making it if it does not exist. WK_E_IO and WK_E_CORRUPT: see
 *  ring->why. */
WK_MUST_USE wk_err wk_ring_open(struct wk_ring *ring, const char *path);
void wk_ring_close(struct wk_ring *ring);

/** A number larger than that of any producer before, and no smaller than `least`. */
uint64_t wk_ring_take_epoch(struct wk_ring *ring, uint64_t least);

/** Records the consumer has not freed. */
uint64_t wk_ring_backlog(const struct wk_ring *ring);

/** Writes a record. WK_E_FULL: the consumer still needs the slot; with `overwrite`, that is in real
 *  time, the oldest record is lost instead, which the consumer notices by its sequence numbers, and
 *  who waits is woken by every record; else now and then. */
WK_MUST_USE wk_err wk_ring_put(struct wk_ring *ring, const struct wk_record *record,
                               bool overwrite);

/** Copies the record at `position`. WK_E_NOT_FOUND: not written yet. WK_E_OVERRUN: overwritten;
 *  go on at wk_ring_oldest. */
WK_MUST_USE wk_err wk_ring_get(const struct wk_ring *ring, uint64_t position,
                               struct wk_record *record);
uint64_t wk_ring_oldest(const struct wk_ring *ring);

/** Returns when there are other records than the first `head` of them, or after `most_ms`. */
void wk_ring_wait(struct wk_ring *ring, uint64_t head, int most_ms);

/** The consumer has committed everything before `position`. */
void wk_ring_free_to(struct wk_ring *ring, uint64_t position);

#endif
