/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/linux/wake.h"

#define WAKE_EVERY 64 /* records of a feed that is faster than time */

#define MAGIC      UINT64_C(0x31474E4952574B57) /* "WKWRING1" */

static wk_err fail(struct wk_ring *ring, wk_err err, const char *path, const char *reason)
{
    snprintf(ring->why, sizeof ring->why, "%s: %s", path, reason);
    if (ring->file >= 0) {
        close(ring->file);
    }
    ring->file = -1;
    return err;
}

/* Whoever comes first makes the file; the lock keeps the other from seeing half of it. */
static wk_err prepare_file(struct wk_ring *ring, const char *path)
{
    struct stat status;
    if (flock(ring->file, LOCK_EX) != 0 || fstat(ring->file, &status) != 0) {
        return fail(ring, WK_E_IO, path, strerror(errno));
    }
    if (status.st_size == 0) {
        const int err = posix_fallocate(ring->file, 0, sizeof(struct wk_ring_shared));
        if (err != 0) {
            return fail(ring, WK_E_IO, path, strerror(err));
        }
    } else if ((size_t)status.st_size != sizeof(struct wk_ring_shared)) {
        return fail(ring, WK_E_CORRUPT, path,
                    "is not a record ring of this version: remove it while nothing runs");
    }
    return WK_OK;
}

wk_err wk_ring_open(struct wk_ring *ring, const char *path)
{
    ring->shared = NULL;
    ring->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ring->file < 0) {
        return fail(ring, WK_E_IO, path, strerror(errno));
    }
    WK_TRY(prepare_file(ring, path));
    void *memory = mmap(NULL, sizeof(struct wk_ring_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
                        ring->file, 0);
    if (memory == MAP_FAILED) {
        return fail(ring, WK_E_IO, path, strerror(errno));
    }
    struct wk_ring_shared *shared = memory;
    if (shared->magic == 0) {
        shared->slot_size = sizeof(struct wk_ring_slot);
        shared->capacity = WK_RING_CAPACITY;
        shared->magic = MAGIC;
    }
    (void)flock(ring->file, LOCK_UN);
    if (shared->magic != MAGIC || shared->slot_size != sizeof(struct wk_ring_slot) ||
        shared->capacity != WK_RING_CAPACITY) {
        munmap(memory, sizeof(struct wk_ring_shared));
        return fail(ring, WK_E_CORRUPT, path,
                    "is not a record ring of this version: remove it while nothing runs");
    }
    ring->shared = shared;
    return WK_OK;
}

void wk_ring_close(struct wk_ring *ring)
{
    if (ring->shared != NULL) {
        munmap(ring->shared, sizeof(struct wk_ring_shared));
        close(ring->file);
    }
    ring->shared = NULL;
    ring->file = -1;
}

uint64_t wk_ring_take_epoch(struct wk_ring *ring, uint64_t least)
{
    const uint64_t before = atomic_load(&ring->shared->epoch);
    const uint64_t epoch = before + 1 > least ? before + 1 : least;
    atomic_store(&ring->shared->epoch, epoch);
    return epoch;
}

uint64_t wk_ring_backlog(const struct wk_ring *ring)
{
    const uint64_t tail = atomic_load(&ring->shared->tail);
    const uint64_t head = atomic_load(&ring->shared->head);
    return head > tail ? head - tail : 0;
}

/* The position is cleared before and set after the copy: a reader that meets a half-written
 * slot, also one left by a killed producer, sees that it is not the record it wants. */
wk_err wk_ring_put(struct wk_ring *ring, const struct wk_record *record, bool overwrite)
{
    struct wk_ring_shared *shared = ring->shared;
    const uint64_t head = atomic_load_explicit(&shared->head, memory_order_relaxed);
    const uint64_t tail = atomic_load_explicit(&shared->tail, memory_order_acquire);
    if (!overwrite && head - tail >= WK_RING_CAPACITY) {
        return WK_E_FULL;
    }
    struct wk_ring_slot *slot = &shared->slots[head % WK_RING_CAPACITY];
    atomic_store_explicit(&slot->position, 0, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
    slot->record = *record;
    atomic_store_explicit(&slot->position, head + 1, memory_order_release);
    atomic_store_explicit(&shared->head, head + 1, memory_order_seq_cst);
    if (overwrite || head % WAKE_EVERY == 0) {
        wk_wake_all(&shared->head);
    }
    return WK_OK;
}

void wk_ring_wait(struct wk_ring *ring, uint64_t head, int most_ms)
{
    wk_wake_wait(&ring->shared->head, head, most_ms);
}

uint64_t wk_ring_oldest(const struct wk_ring *ring)
{
    const uint64_t head = atomic_load(&ring->shared->head);
    return head > WK_RING_CAPACITY ? head - WK_RING_CAPACITY : 0;
}

wk_err wk_ring_get(const struct wk_ring *ring, uint64_t position, struct wk_record *record)
{
    const struct wk_ring_shared *shared = ring->shared;
    if (position >= atomic_load_explicit(&shared->head, memory_order_acquire)) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_ring_slot *slot = &shared->slots[position % WK_RING_CAPACITY];
    const uint64_t before = atomic_load_explicit(&slot->position, memory_order_acquire);
    *record = slot->record;
    atomic_thread_fence(memory_order_seq_cst);
    const uint64_t after = atomic_load_explicit(&slot->position, memory_order_relaxed);
    return before == position + 1 && after == before ? WK_OK : WK_E_OVERRUN;
}

void wk_ring_free_to(struct wk_ring *ring, uint64_t position)
{
    atomic_store_explicit(&ring->shared->tail, position, memory_order_release);
}
