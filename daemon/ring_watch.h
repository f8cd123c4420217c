/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/ring_watch - tells a libuv loop of new records as soon as they are in the ring.
 *
 * A thread of its own waits for the ring, because a loop can only wait for files. */
#ifndef WK_DAEMON_RING_WATCH_H
#define WK_DAEMON_RING_WATCH_H

#include <stdatomic.h>

#include <uv.h>

#include "base/err.h"
#include "port/linux/ring.h"

struct wk_ring_watch {
    struct wk_ring *ring;
    uv_async_t wake;
    uv_thread_t thread;
    atomic_bool stops;
    bool runs;
};

/** Begins: `wake` is called in the loop whenever records came, with wake->data = `self`. `ring` must
 *  stay. WK_E_IO: no thread. */
WK_MUST_USE wk_err wk_ring_watch_start(struct wk_ring_watch *watch, uv_loop_t *loop,
                                       struct wk_ring *ring, uv_async_cb wake, void *self);
/** Ends the thread, within WK_RING_WATCH_MS, and closes the handle. Only before the loop is closed. */
void wk_ring_watch_stop(struct wk_ring_watch *watch);

#define WK_RING_WATCH_MS 100 /* a stop is noticed after this */

#endif
