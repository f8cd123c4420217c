/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ring_watch.h"

#include "port/linux/wake.h"

static void wait_and_tell(void *self)
{
    struct wk_ring_watch *watch = self;
    _Atomic uint64_t *head = &watch->ring->shared->head;
    uint64_t seen = atomic_load(head);
    while (!atomic_load(&watch->stops)) {
        wk_ring_wait(watch->ring, seen, WK_RING_WATCH_MS);
        const uint64_t now = atomic_load(head);
        if (now != seen) {
            seen = now;
            uv_async_send(&watch->wake);
        }
    }
}

wk_err wk_ring_watch_start(struct wk_ring_watch *watch, uv_loop_t *loop, struct wk_ring *ring,
                           uv_async_cb wake, void *self)
{
    watch->ring = ring;
    watch->wake.data = self;
    atomic_store(&watch->stops, false);
    if (uv_async_init(loop, &watch->wake, wake) != 0) {
        return WK_E_IO;
    }
    watch->runs = uv_thread_create(&watch->thread, wait_and_tell, watch) == 0;
    return watch->runs ? WK_OK : WK_E_IO;
}

void wk_ring_watch_stop(struct wk_ring_watch *watch)
{
    if (watch->runs) {
        atomic_store(&watch->stops, true);
        wk_wake_all(&watch->ring->shared->head);
        uv_thread_join(&watch->thread);
        uv_close((uv_handle_t *)&watch->wake, NULL);
    }
    watch->runs = false;
}
