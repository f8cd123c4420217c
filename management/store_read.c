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
    if (key >= WK_STORE_KEYS) {
        return WK_E_NOT_FOUND;
    }
    if ((store->lost >> key & 1U) != 0) {
        return WK_E_CORRUPT;
    }
    if ((store->live >> key & 1U) == 0) {
        return WK_E_NOT_FOUND;
    }
    struct wk_store_record_head head;
    const struct wk_store_walk walk = wk_store_walk_of(store, &store->kv, store->kv.newest);
    const uint32_t at = store->keys[key].at;
    const wk_err err = wk_store_read_record(store, &walk, at, &head);
    if (err != WK_OK) {
        return err == WK_E_IO ? err : WK_E_CORRUPT;
    }
    WK_TRY(copy_payload(store, at, &head, to, room));
    *size = head.size;
    return WK_OK;
}

/* Sector `age` of the ring, 0 = oldest in use. */
static uint32_t sector_of_age(const struct wk_store_ring *ring, uint32_t age)
{
    return (ring->newest + ring->sectors - (ring->filled - 1U) + age) % ring->sectors;
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

wk_err wk_store_log_next(const struct wk_store *store, uint8_t log, uint64_t *next)
{
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    *next = store->committed[log] + store->staged[log];
    return WK_OK;
}

/* The number at which the entries of ring sector `sector` end; that of the newest is open. */
static wk_err sector_end(const struct wk_store *store, const struct wk_store_ring *ring,
                         uint32_t sector, uint64_t *end)
{
    struct wk_store_sector_head head;
    *end = UINT64_MAX;
    if (sector != ring->newest) {
        WK_TRY(wk_store_read_sector_head(store, ring, sector + 1, &head));
        *end = head.first;
    }
    return WK_OK;
}

/* Of several records of this number the last one counts: before it a cut was. An entry counts
 * if no later record of the sector resumes at its number or below. */
static wk_err seek_in_sector(const struct wk_store *store, uint8_t log, uint64_t number,
                             uint32_t sector, struct wk_store_reader *reader)
{
    const struct wk_store_ring *ring = &store->log[log];
    const uint32_t base = wk_store_sector_at(store, ring, sector);
    struct wk_store_walk walk = wk_store_walk_of(store, ring, sector);
    struct wk_store_record_head head;
    struct wk_store_reader place = {.number = number, .sector = sector};
    walk.heads_only = true;
    WK_TRY(sector_end(store, ring, sector, &place.until));
    wk_err err;
    while ((err = wk_store_walk_next(store, &walk, &head)) == WK_OK) {
        const bool resumes = (head.flags & WK_STORE_RESUMES) != 0;
        if (resumes && head.number > number && place.placed) {
            place.until = head.number < place.until ? head.number : place.until;
            break;
        }
        place.placed = place.placed && !resumes;
        if (head.number == number) {
            place.at = walk.found - base;
            place.placed = true;
        }
    }
    if (err != WK_OK && err != WK_E_NOT_FOUND) {
        return err;
    }
    if (!place.placed || number >= place.until) {
        return WK_E_CORRUPT;
    }
    *reader = place;
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
    return seek_in_sector(store, log, number, sector_of_age(ring, low), reader);
}

/* WK_E_NOT_FOUND: the ring has come round, or the entry lies behind a place where writing resumed
 * after a cut or in the next sector. */
static wk_err stand_on_entry(const struct wk_store *store, const struct wk_store_ring *ring,
                             const struct wk_store_reader *reader,
                             struct wk_store_record_head *head)
{
    if (!reader->placed || reader->number >= reader->until) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_store_walk walk = wk_store_walk_of(store, ring, reader->sector);
    const uint32_t base = wk_store_sector_at(store, ring, reader->sector);
    const wk_err err = wk_store_read_record(store, &walk, base + reader->at, head);
    if (err == WK_E_IO) {
        return err;
    }
    return err == WK_OK && head->number == reader->number ? WK_OK : WK_E_NOT_FOUND;
}

wk_err wk_store_read(const struct wk_store *store, uint8_t log, struct wk_store_reader *reader,
                     void *to, size_t room, size_t *size)
{
    struct wk_store_record_head head;
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    const struct wk_store_ring *ring = &store->log[log];
    if (reader->number >= store->committed[log]) {
        return WK_E_NOT_FOUND;
    }
    wk_err err = stand_on_entry(store, ring, reader, &head);
    if (err == WK_E_NOT_FOUND) {
        WK_TRY(wk_store_seek(store, log, reader->number, reader));
        err = stand_on_entry(store, ring, reader, &head);
    }
    if (err != WK_OK) {
        return err == WK_E_IO ? err : WK_E_CORRUPT;
    }
    const uint32_t base = wk_store_sector_at(store, ring, reader->sector);
    WK_TRY(copy_payload(store, base + reader->at, &head, to, room));
    *size = head.size;
    reader->number++;
    reader->at += wk_store_record_room(store, head.size);
    return WK_OK;
}
