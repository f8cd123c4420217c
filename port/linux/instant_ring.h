/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/instant_ring - the values of every cycle in shared memory, for who wants to see them.
 *
 * One producer (wk-metrologyd), any number of readers, and nobody waits for anybody: who is slower
 * than a second or so misses some. It is apart from the ring of records, so that nothing which is
 * billed depends on it. */
#ifndef WK_PORT_LINUX_INSTANT_RING_H
#define WK_PORT_LINUX_INSTANT_RING_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/instant.h"

#define WK_INSTANT_RING_SLOTS 64 /* a second of cycles; a power of two */
#define WK_INSTANT_RING_WHY   256

struct wk_instant_ring_slot {
    _Atomic uint64_t position; /* of the values held, plus 1; 0 = being written */
    struct wk_instant_values values;
};

/* What lies in the file. */
struct wk_instant_ring_shared {
    _Atomic uint64_t magic;
    _Atomic uint64_t head; /* position of the next values to be written */
    struct wk_instant_ring_slot slots[WK_INSTANT_RING_SLOTS];
};

struct wk_instant_ring {
    struct wk_instant_ring_shared *shared;
    char why[WK_INSTANT_RING_WHY];
};

/** Opens the ring in `path`, making it if it does not exist or is of another version: what it holds
 *  is not worth keeping. WK_E_IO: see ring->why. */
WK_MUST_USE wk_err wk_instant_ring_open(struct wk_instant_ring *ring, const char *path);
void wk_instant_ring_close(struct wk_instant_ring *ring);

/** Writes values and wakes who waits for them. */
void wk_instant_ring_put(struct wk_instant_ring *ring, const struct wk_instant_values *values);

/** Position of the next values to be written. */
uint64_t wk_instant_ring_head(const struct wk_instant_ring *ring);
/** Copies the values at `position`. WK_E_NOT_FOUND: not written yet. WK_E_OVERRUN: overwritten; go
 *  on at wk_instant_ring_head. */
WK_MUST_USE wk_err wk_instant_ring_get(const struct wk_instant_ring *ring, uint64_t position,
                                       struct wk_instant_values *values);
/** Returns when there are values at `position`, after `most_ms`, or now and then for no reason. */
void wk_instant_ring_wait(struct wk_instant_ring *ring, uint64_t position, int most_ms);

#endif
