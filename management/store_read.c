/* SPDX-License-Identifier: Apache-2.0
 *
 * The reading half of the store: values by key, entries by number. */
#include <string.h>

#include "management/store.h"
#include "management/store_medium.h"

static wk_err copy_payload(const struct wk_store *store, uint32_t at,
                           const struct wk_store_record_head *head, void *to, size_t room)
{
    if (head->size > room) {
        return WK_E_FULL;
    }
    return wk_store_flash_read(store, at + WK_STORE_RECORD_HEAD, to, head->size);
}

wk_err wk_store_get(const struct wk_store *store, uint8_t key, void *to, size_t room,
                    size_t *size)
{
    if (key >= WK_STORE_KEYS || !store->keys[key].live) {
        return WK_E_NOT_FOUND;
    }
    struct wk_store_record_head head;
    const uint32_t at = store->keys[key].at;
    WK_TRY(wk_store_check_record(store, at, at + WK_STORE_RECORD_HEAD + store->keys[key].size,
                                 &head));
    WK_TRY(copy_payload(store, at, &head, to, room));
    *size = head.size;
    return WK_OK;
}

/* Sector `age` of the ring, 0 = oldest in use. */
static uint32_t sector_of_age(const struct wk_store_ring *ring, uint32_t age)
{
    return (ring->newest + ring->sectors - (ring->filled - 1) + age) % ring->sectors;
}

wk_err wk_store_log_span(const struct wk_store *store, uint8_t log, uint64_t *oldest,
                         uint64_t *next)
{
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    const struct wk_store_ring *ring = &store->log[log];
    *next = store->committed[log];
    *oldest = *next;
    if (ring->filled > 0) {
        struct wk_store_sector_head head;
        WK_TRY(wk_store_read_sector_head(store, ring, sector_of_age(ring, 0), &head));
        *oldest = head.first < *next ? head.first : *next;
    }
    return WK_OK;
}

/* The number at which the entries of ring sector `sector` end (invariant 2). */
static wk_err sector_end(const struct wk_store *store, uint8_t log, uint32_t sector,
                         uint64_t *end)
{
    const struct wk_store_ring *ring = &store->log[log];
    *end = store->committed[log];
    if (sector != ring->newest) {
        struct wk_store_sector_head head;
        WK_TRY(wk_store_read_sector_head(store, ring, sector + 1, &head));
        *end = head.first < *end ? head.first : *end;
    }
    return WK_OK;
}

wk_err wk_store_seek(const struct wk_store *store, uint8_t log, uint64_t number,
                     struct wk_store_reader *reader)
{
    uint64_t oldest;
    uint64_t next;
    WK_TRY(wk_store_log_span(store, log, &oldest, &next));
    if (number < oldest || number >= next) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_store_ring *ring = &store->log[log];
    uint32_t low = 0; /* the sector of age `low` begins at or before `number` */
    uint32_t high = ring->filled;
    struct wk_store_sector_head head;
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        WK_TRY(wk_store_read_sector_head(store, ring, sector_of_age(ring, middle), &head));
        if (head.first <= number) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const uint32_t sector = sector_of_age(ring, low);
    WK_TRY(wk_store_read_sector_head(store, ring, sector, &head));
    const uint32_t base = wk_store_sector_at(store, ring, sector);
    uint32_t at = base + wk_store_data_start(store);
    for (uint64_t skip = head.first; skip < number; skip++) {
        uint8_t raw[WK_STORE_RECORD_HEAD];
        WK_TRY(wk_store_flash_read(store, at, raw, WK_STORE_RECORD_HEAD));
        at += wk_store_record_room(store, wk_store_unpack_record_head(raw).size);
        if (at >= base + store->flash->sector_size) {
            return WK_E_CORRUPT;
        }
    }
    *reader = (struct wk_store_reader){
        .number = number, .sector = sector, .at = at - base, .placed = true};
    return WK_OK;
}

/* False if the ring has come round and another entry lies where the reader stood. */
static bool stands_on_entry(const struct wk_store *store, uint8_t log,
                            const struct wk_store_reader *reader,
                            struct wk_store_record_head *head)
{
    const struct wk_store_ring *ring = &store->log[log];
    const uint32_t base = wk_store_sector_at(store, ring, reader->sector);
    const uint32_t end = base + store->flash->sector_size;
    uint64_t last = 0;
    return reader->placed && sector_end(store, log, reader->sector, &last) == WK_OK &&
           reader->number < last &&
           wk_store_check_record(store, base + reader->at, end, head) == WK_OK &&
           head->kind == WK_STORE_KIND_ENTRY && head->number == reader->number;
}

wk_err wk_store_read(const struct wk_store *store, uint8_t log, struct wk_store_reader *reader,
                     void *to, size_t room, size_t *size)
{
    struct wk_store_record_head head;
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    if (reader->number >= store->committed[log]) {
        return WK_E_NOT_FOUND;
    }
    if (!stands_on_entry(store, log, reader, &head)) {
        WK_TRY(wk_store_seek(store, log, reader->number, reader));
        if (!stands_on_entry(store, log, reader, &head)) {
            return WK_E_CORRUPT;
        }
    }
    const struct wk_store_ring *ring = &store->log[log];
    const uint32_t base = wk_store_sector_at(store, ring, reader->sector);
    WK_TRY(copy_payload(store, base + reader->at, &head, to, room));
    *size = head.size;
    reader->number++;
    reader->at += wk_store_record_room(store, head.size);
    return WK_OK;
}
