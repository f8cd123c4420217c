/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/instant_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/linux/wake.h"

/* "WKINST" and the size of a slot: another layout is another magic. */
#define MAGIC (UINT64_C(0x54534E49574B0000) | sizeof(struct wk_instant_ring_slot))

/* A file of another size is replaced: who has the old one open keeps looking at that, until it
 * opens this one. */
static int open_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size != 0 &&
        (size_t)status.st_size != sizeof(struct wk_instant_ring_shared)) {
        close(file);
        file = unlink(path) == 0 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    }
    if (file >= 0 && ftruncate(file, sizeof(struct wk_instant_ring_shared)) != 0) {
        close(file);
        file = -1;
    }
    return file;
}

wk_err wk_instant_ring_open(struct wk_instant_ring *ring, const char *path)
{
    ring->shared = NULL;
    const int file = open_file(path);
    void *memory = MAP_FAILED;
    if (file >= 0) {
        memory = mmap(NULL, sizeof(struct wk_instant_ring_shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED, file, 0);
        close(file);
    }
    if (memory == MAP_FAILED) {
        snprintf(ring->why, sizeof ring->why, "%s: %s", path, strerror(errno));
        return WK_E_IO;
    }
    ring->shared = memory;
    if (atomic_load(&ring->shared->magic) != MAGIC) {
        memset(ring->shared->slots, 0, sizeof ring->shared->slots);
        atomic_store(&ring->shared->magic, MAGIC);
    }
    return WK_OK;
}

void wk_instant_ring_close(struct wk_instant_ring *ring)
{
    if (ring->shared != NULL) {
        munmap(ring->shared, sizeof(struct wk_instant_ring_shared));
    }
    ring->shared = NULL;
}

/* As wk_ring_put: a reader that meets a half-written slot sees that it is not what it wants. */
void wk_instant_ring_put(struct wk_instant_ring *ring, const struct wk_instant_values *values)
{
    struct wk_instant_ring_shared *shared = ring->shared;
    const uint64_t head = atomic_load_explicit(&shared->head, memory_order_relaxed);
    struct wk_instant_ring_slot *slot = &shared->slots[head % WK_INSTANT_RING_SLOTS];
    atomic_store_explicit(&slot->position, 0, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
    slot->values = *values;
    atomic_store_explicit(&slot->position, head + 1, memory_order_release);
    atomic_store_explicit(&shared->head, head + 1, memory_order_seq_cst);
    wk_wake_all(&shared->head);
}

uint64_t wk_instant_ring_head(const struct wk_instant_ring *ring)
{
    return atomic_load_explicit(&ring->shared->head, memory_order_acquire);
}

wk_err wk_instant_ring_get(const struct wk_instant_ring *ring, uint64_t position,
                           struct wk_instant_values *values)
{
    const struct wk_instant_ring_shared *shared = ring->shared;
    if (position >= wk_instant_ring_head(ring)) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_instant_ring_slot *slot = &shared->slots[position % WK_INSTANT_RING_SLOTS];
    const uint64_t before = atomic_load_explicit(&slot->position, memory_order_acquire);
    *values = slot->values;
    atomic_thread_fence(memory_order_seq_cst);
    const uint64_t after = atomic_load_explicit(&slot->position, memory_order_relaxed);
    return before == position + 1 && after == before ? WK_OK : WK_E_OVERRUN;
}

void wk_instant_ring_wait(struct wk_instant_ring *ring, uint64_t position, int most_ms)
{
    wk_wake_wait(&ring->shared->head, position, most_ms);
}
