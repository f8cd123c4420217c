/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of the store. */
#include "management/store.h"

#include <string.h>

#include "base/bytes.h"
#include "management/store_medium.h"

#define MOVES_MAX (WK_STORE_LOGS * WK_STORE_LOG_MOVE)

/* ---- sectors ----------------------------------------------------------------------------- */

static wk_err erase_unless_blank(struct wk_store *store, const struct wk_store_ring *ring,
                                 uint32_t sector)
{
    const uint32_t at = wk_store_sector_at(store, ring, sector);
    bool blank;
    WK_TRY(wk_store_is_blank(store, at, store->flash->sector_size, &blank));
    return blank ? WK_OK : store->flash->erase(store->flash->self, at);
}

/* Invariant 3. The erased sector may be the oldest in use: its entries end here. */
static wk_err erase_ahead(struct wk_store *store, struct wk_store_ring *ring)
{
    if (!ring->erase_due) {
        return WK_OK;
    }
    if (ring->filled == ring->sectors) {
        ring->filled--;
    }
    ring->erase_due = false;
    return erase_unless_blank(store, ring, ring->newest + 1U);
}

/* The sector ahead is erased already, unless one transaction fills more than a sector of the ring
 * or a cut left what mounting did not see. */
static wk_err step_to_next_sector(struct wk_store *store, struct wk_store_ring *ring)
{
    const uint32_t next = ring->filled == 0 ? 0 : (ring->newest + 1U) % ring->sectors;
    if (ring->filled == ring->sectors) {
        ring->filled--;
    }
    WK_TRY(erase_unless_blank(store, ring, next));
    ring->newest = (uint16_t)next;
    ring->filled++;
    ring->sequence++;
    ring->at = wk_store_data_start(store, ring);
    ring->resumes = false;
    ring->erase_due = true;
    return WK_OK;
}

/* ---- commits ----------------------------------------------------------------------------- */

/* The heads of the logs that move with this transaction. Returns how many. */
static uint8_t pack_moves(const struct wk_store *store, uint8_t raw[MOVES_MAX])
{
    struct wk_bytes_out out = wk_bytes_out_of(raw, MOVES_MAX);
    uint8_t count = 0;
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        if (store->staged[log] > 0) {
            const uint64_t head = store->committed[log] + store->staged[log];
            wk_bytes_out_u8(&out, log);
            wk_bytes_out_u32le(&out, (uint32_t)head);
            wk_bytes_out_u8(&out, (uint8_t)(head >> 32));
            count++;
        }
    }
    return count;
}

/* What a transaction brings. */
struct values {
    const struct wk_store_put *puts;
    size_t count;
    wk_store_fetch fetch; /* NULL: the puts have their data */
    void *self;
};

/* Opens the erased sector ahead with a checkpoint of the live values that `puts` do not bring. */
static wk_err open_kv_sector(struct wk_store *store, const struct wk_store_put *puts,
                             size_t count)
{
    struct wk_store_ring *ring = &store->kv;
    struct wk_store_sector_head head = {0};
    uint64_t carried = store->live;
    for (size_t i = 0; i < count; i++) {
        carried &= ~(UINT64_C(1) << puts[i].key);
    }
    if ((carried & store->lost) != 0) { /* an older value must not take its place */
        return WK_E_CORRUPT;
    }
    memcpy(head.heads, store->committed, sizeof head.heads);
    WK_TRY(step_to_next_sector(store, ring));
    WK_TRY(wk_store_write_sector_head(store, ring, &head));
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        if ((carried >> key & 1U) != 0) {
            const uint32_t from = store->keys[key].at;
            store->keys[key].at = wk_store_sector_at(store, ring, ring->newest) + ring->at;
            WK_TRY(wk_store_copy_record(store, ring, from, store->transaction + 1, key));
        }
    }
    return WK_OK;
}

/* What is committed must always fit into the sector that comes next, with an empty transaction that
 * moves all logs behind it. That is never less than a checkpoint with this transaction behind it. */
static bool fits_into_sector(const struct wk_store *store, const struct wk_store_put *puts,
                             size_t count)
{
    uint32_t room = wk_store_data_start(store, &store->kv);
    uint64_t others = store->live;
    for (size_t i = 0; i < count; i++) {
        others &= ~(UINT64_C(1) << puts[i].key);
        room += wk_store_record_room(store, puts[i].size);
    }
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        if ((others >> key & 1U) != 0) {
            room += wk_store_record_room(store, store->keys[key].size);
        }
    }
    return room + wk_store_record_room(store, MOVES_MAX) <= store->flash->sector_size;
}

static uint32_t transaction_room(const struct wk_store *store, const struct wk_store_put *puts,
                                 size_t count, uint8_t moves)
{
    uint32_t room = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        room += wk_store_record_room(store, puts[i].size);
    }
    const uint32_t last = count > 0 ? puts[count - 1].size : 0;
    return room + wk_store_record_room(store, last + moves * WK_STORE_LOG_MOVE);
}

/* The last record commits; without values there is one for that alone. */
static wk_err write_transaction(struct wk_store *store, const struct values *values,
                                const uint8_t *moves, uint8_t moved)
{
    const struct wk_store_put *puts = values->puts;
    const size_t count = values->count;
    struct wk_store_ring *ring = &store->kv;
    struct wk_store_record_head head = {.kind = WK_STORE_KIND_COMMIT,
                                        .flags = WK_STORE_COMMITS,
                                        .count = moved,
                                        .number = store->transaction + 1};
    for (size_t i = 0; i < count; i++) {
        const bool last = i + 1 == count;
        head.kind = WK_STORE_KIND_PUT;
        head.flags = last ? WK_STORE_COMMITS : 0;
        head.count = last ? moved : 0;
        head.key = puts[i].key;
        head.size = puts[i].size;
        store->keys[head.key] = (struct wk_store_place){
            .at = wk_store_sector_at(store, ring, ring->newest) + ring->at, .size = head.size};
        const void *data =
            values->fetch != NULL ? values->fetch(values->self, i) : puts[i].data;
        WK_TRY(wk_store_write_record(store, ring, &head, data, last ? moves : NULL));
    }
    return count > 0 ? WK_OK : wk_store_write_record(store, ring, &head, NULL, moves);
}

/* The transaction is safe: it counts from here on. */
static wk_err conclude(struct wk_store *store)
{
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        store->committed[log] += store->staged[log];
        store->staged[log] = 0;
    }
    WK_TRY(erase_ahead(store, &store->kv));
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        WK_TRY(erase_ahead(store, &store->log[log]));
    }
    store->broken = false;
    return WK_OK;
}

static wk_err commit(struct wk_store *store, const struct values *values)
{
    const struct wk_store_put *puts = values->puts;
    const size_t count = values->count;
    uint8_t moves[MOVES_MAX];
    if (store->broken) {
        return WK_E_STATE;
    }
    uint64_t keys = 0;
    for (size_t i = 0; i < count; i++) {
        if (puts[i].key >= WK_STORE_KEYS || puts[i].size > WK_STORE_SIZE_MAX) {
            return WK_E_ARGUMENT;
        }
        keys |= UINT64_C(1) << puts[i].key;
    }
    const uint8_t moved = pack_moves(store, moves);
    const uint32_t room = transaction_room(store, puts, count, moved);
    if (!fits_into_sector(store, puts, count)) {
        return WK_E_FULL;
    }
    store->broken = true;
    if (wk_store_room_left(store, &store->kv) < room) {
        WK_TRY(open_kv_sector(store, puts, count));
    }
    WK_TRY(write_transaction(store, values, moves, moved));
    WK_TRY(store->flash->sync(store->flash->self));
    store->live |= keys;
    store->lost &= ~keys;
    store->transaction++;
    return conclude(store);
}

wk_err wk_store_commit(struct wk_store *store, const struct wk_store_put *puts, size_t count)
{
    const struct values values = {.puts = puts, .count = count};
    return commit(store, &values);
}

wk_err wk_store_commit_fetched(struct wk_store *store, const struct wk_store_put *puts,
                               size_t count, wk_store_fetch fetch, void *self)
{
    const struct values values = {puts, count, fetch, self};
    return commit(store, &values);
}

/* ---- logs -------------------------------------------------------------------------------- */

static wk_err check_entry(const struct wk_store *store, uint8_t log, uint16_t size)
{
    if (store->broken) {
        return WK_E_STATE;
    }
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    if (size > WK_STORE_SIZE_MAX ||
        wk_store_data_start(store, &store->log[log]) + wk_store_record_room(store, size) >
            store->flash->sector_size) {
        return WK_E_RANGE;
    }
    return store->staged[log] == WK_STORE_STAGED_MAX ? WK_E_FULL : WK_OK;
}

static wk_err write_entry(struct wk_store *store, uint8_t log, const void *data, uint16_t size,
                          uint8_t flags)
{
    struct wk_store_ring *ring = &store->log[log];
    const struct wk_store_record_head head = {.kind = WK_STORE_KIND_ENTRY,
                                              .flags = flags,
                                              .key = log,
                                              .size = size,
                                              .count = store->staged[log],
                                              .number =
                                                  store->committed[log] + store->staged[log]};
    if (wk_store_room_left(store, ring) < wk_store_record_room(store, size)) {
        const struct wk_store_sector_head sector = {.first = head.number, .staged = head.count};
        WK_TRY(step_to_next_sector(store, ring));
        WK_TRY(wk_store_write_sector_head(store, ring, &sector));
    }
    return wk_store_write_record(store, ring, &head, data, NULL);
}

wk_err wk_store_append(struct wk_store *store, uint8_t log, const void *data, uint16_t size)
{
    WK_TRY(check_entry(store, log, size));
    store->broken = true;
    WK_TRY(write_entry(store, log, data, size, 0));
    store->staged[log]++;
    store->broken = false;
    return WK_OK;
}

static bool nothing_staged(const struct wk_store *store)
{
    bool nothing = true;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        nothing = nothing && store->staged[log] == 0;
    }
    return nothing;
}

wk_err wk_store_append_one(struct wk_store *store, uint8_t log, const void *data, uint16_t size)
{
    if (!nothing_staged(store)) {
        WK_TRY(wk_store_append(store, log, data, size));
        return wk_store_commit(store, NULL, 0);
    }
    WK_TRY(check_entry(store, log, size));
    store->broken = true;
    WK_TRY(write_entry(store, log, data, size, WK_STORE_COMMITS));
    WK_TRY(store->flash->sync(store->flash->self));
    store->staged[log]++;
    return conclude(store);
}
