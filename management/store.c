/* SPDX-License-Identifier: Apache-2.0
 *
 * State of a key/value sector:   erased -> header -> checkpoint -> transactions ... -> full
 *   valid base of recovery       no        no        from its commit on              yes
 */
#include "management/store.h"

#include <string.h>

#include "base/bytes.h"
#include "management/store_medium.h"

#define HEADS_SIZE (WK_STORE_LOGS * 8U)

/* ---- sectors ----------------------------------------------------------------------------- */

static wk_err erase_sector(struct wk_store *store, const struct wk_store_ring *ring,
                           uint32_t sector)
{
    return store->flash->erase(store->flash->self, wk_store_sector_at(store, ring, sector));
}

/* Invariant 3. The erased sector may be the oldest in use: its entries end here. */
static wk_err erase_ahead(struct wk_store *store, struct wk_store_ring *ring)
{
    if (ring->filled >= ring->sectors) {
        ring->filled = ring->sectors - 1;
    }
    return erase_sector(store, ring, ring->newest + 1);
}

static void step_to_next_sector(const struct wk_store *store, struct wk_store_ring *ring)
{
    ring->newest = ring->filled == 0 ? 0 : (ring->newest + 1) % ring->sectors;
    ring->filled++;
    ring->sequence++;
    ring->at = wk_store_data_start(store);
    ring->sealed = false;
}

/* ---- mounting ---------------------------------------------------------------------------- */

/* Finds the newest sector of a ring and how many before it are of the same life. */
static wk_err find_newest(const struct wk_store *store, struct wk_store_ring *ring)
{
    struct wk_store_sector_head head;
    ring->filled = 0;
    for (uint32_t sector = 0; sector < ring->sectors; sector++) {
        const wk_err err = wk_store_read_sector_head(store, ring, sector, &head);
        if (err == WK_E_CORRUPT ||
            (err == WK_OK && ring->filled > 0 && head.sequence <= ring->sequence)) {
            continue;
        }
        WK_TRY(err);
        ring->newest = sector;
        ring->sequence = head.sequence;
        ring->filled = 1;
    }
    while (ring->filled > 0 && ring->filled < ring->sectors) {
        const uint32_t before = ring->newest + ring->sectors - ring->filled;
        const wk_err err = wk_store_read_sector_head(store, ring, before, &head);
        if (err == WK_E_CORRUPT ||
            (err == WK_OK && head.sequence != ring->sequence - ring->filled)) {
            break;
        }
        WK_TRY(err);
        ring->filled++;
    }
    return WK_OK;
}

static void apply_commit(struct wk_store *store, const struct wk_store_place *pending,
                         uint64_t transaction)
{
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        if (pending[key].live) {
            store->keys[key] = pending[key];
        }
    }
    store->transaction = transaction;
}

static wk_err read_heads(struct wk_store *store, uint32_t at)
{
    uint8_t raw[HEADS_SIZE];
    WK_TRY(wk_store_flash_read(store, at + WK_STORE_RECORD_HEAD, raw, HEADS_SIZE));
    struct wk_bytes_in in = wk_bytes_in_of(raw, HEADS_SIZE);
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        store->committed[log] = wk_bytes_in_u64le(&in);
    }
    return WK_OK;
}

/* Plays the transactions of the newest key/value sector. *commits = how many it holds. */
static wk_err replay_sector(struct wk_store *store, uint32_t *commits)
{
    struct wk_store_ring *ring = &store->kv;
    struct wk_store_place pending[WK_STORE_KEYS] = {{0}};
    const uint32_t base = wk_store_sector_at(store, ring, ring->newest);
    const uint32_t end = base + store->flash->sector_size;
    uint32_t at = base + wk_store_data_start(store);
    struct wk_store_record_head head;
    *commits = 0;
    memset(store->keys, 0, sizeof store->keys);
    wk_err err;
    while ((err = wk_store_check_record(store, at, end, &head)) == WK_OK) {
        if (head.kind == WK_STORE_KIND_PUT) {
            pending[head.key] =
                (struct wk_store_place){.at = at, .size = head.size, .live = true};
        } else if (head.kind == WK_STORE_KIND_COMMIT && head.size == HEADS_SIZE) {
            WK_TRY(read_heads(store, at));
            apply_commit(store, pending, head.number);
            memset(pending, 0, sizeof pending);
            (*commits)++;
        } else {
            break;
        }
        at += wk_store_record_room(store, head.size);
    }
    ring->at = at - base;
    bool blank;
    WK_TRY(wk_store_is_blank(store, at, end - at, &blank));
    bool uncommitted = false;
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        uncommitted = uncommitted || pending[key].live;
    }
    /* A transaction that was cut must not be completed by the commit of the next one. */
    ring->sealed = !blank || uncommitted;
    return err == WK_E_CORRUPT || err == WK_OK ? WK_OK : err;
}

static wk_err mount_kv(struct wk_store *store, struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->kv;
    WK_TRY(find_newest(store, ring));
    uint32_t commits = 0;
    while (ring->filled > 0) {
        WK_TRY(replay_sector(store, &commits));
        if (commits > 0) {
            report->torn_records += ring->sealed ? 1 : 0;
            return WK_OK;
        }
        /* The cut came while this sector's checkpoint was written: the one before counts. */
        report->torn_records++;
        ring->newest = (ring->newest + ring->sectors - 1) % ring->sectors;
        ring->sequence--;
        ring->filled--;
    }
    return WK_E_NOT_FOUND;
}

/* Drops sectors of a log that a transaction opened and never committed. */
static wk_err drop_uncommitted_sectors(struct wk_store *store, uint8_t log,
                                       struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    struct wk_store_sector_head head;
    while (ring->filled > 0) {
        WK_TRY(wk_store_read_sector_head(store, ring, ring->newest, &head));
        if (head.first <= store->committed[log]) {
            return WK_OK;
        }
        WK_TRY(erase_sector(store, ring, ring->newest));
        report->erased_sectors++;
        ring->newest = (ring->newest + ring->sectors - 1) % ring->sectors;
        ring->sequence--;
        ring->filled--;
        ring->sealed = true;
    }
    return WK_OK;
}

static wk_err mount_log(struct wk_store *store, uint8_t log,
                        struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    WK_TRY(find_newest(store, ring));
    WK_TRY(drop_uncommitted_sectors(store, log, report));
    if (ring->filled == 0) {
        return store->committed[log] == 0 ? WK_OK : WK_E_CORRUPT;
    }
    const uint32_t base = wk_store_sector_at(store, ring, ring->newest);
    const uint32_t end = base + store->flash->sector_size;
    uint32_t at = base + wk_store_data_start(store);
    struct wk_store_record_head head;
    wk_err err;
    while ((err = wk_store_check_record(store, at, end, &head)) == WK_OK &&
           head.kind == WK_STORE_KIND_ENTRY) {
        if (head.number >= store->committed[log]) {
            report->dropped_entries++;
            ring->sealed = true;
        }
        at += wk_store_record_room(store, head.size);
    }
    if (err != WK_OK && err != WK_E_CORRUPT) {
        return err;
    }
    bool blank;
    WK_TRY(wk_store_is_blank(store, at, end - at, &blank));
    ring->at = at - base;
    ring->sealed = ring->sealed || !blank;
    report->torn_records += blank ? 0 : 1;
    return WK_OK;
}

static wk_err ensure_ahead(struct wk_store *store, struct wk_store_ring *ring,
                           struct wk_store_mount_report *report)
{
    const uint32_t ahead = ring->filled == 0 ? 0 : ring->newest + 1;
    bool blank;
    WK_TRY(wk_store_is_blank(store, wk_store_sector_at(store, ring, ahead),
                             store->flash->sector_size, &blank));
    if (ring->filled >= ring->sectors) {
        ring->filled = ring->sectors - 1;
    }
    if (blank) {
        return WK_OK;
    }
    report->erased_sectors++;
    return erase_sector(store, ring, ahead);
}

static bool geometry_possible(const struct wk_hal_flash *flash,
                              const struct wk_store_layout *layout)
{
    uint32_t sectors = layout->kv_sectors;
    bool enough = layout->kv_sectors >= WK_STORE_RING_MIN;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        enough = enough && (layout->log_sectors[log] == 0 ||
                            layout->log_sectors[log] >= WK_STORE_RING_MIN);
        sectors += layout->log_sectors[log];
    }
    return enough && sectors <= flash->sector_count && flash->program_unit >= 1 &&
           flash->program_unit <= WK_STORE_UNIT_MAX &&
           flash->sector_size % flash->program_unit == 0 && flash->sector_size >= 1024;
}

static wk_err open_kv_sector(struct wk_store *store);

/* Nothing but a blank device (or one whose very first checkpoint was cut) may be formatted. */
static wk_err format(struct wk_store *store, struct wk_store_mount_report *report)
{
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        WK_TRY(find_newest(store, &store->log[log]));
        if (store->log[log].filled > 0) {
            return WK_E_CORRUPT;
        }
    }
    for (uint32_t sector = 0; sector < store->kv.sectors; sector++) {
        struct wk_store_sector_head head;
        const wk_err err = wk_store_read_sector_head(store, &store->kv, sector, &head);
        if (err == WK_OK && head.sequence > 1) {
            return WK_E_CORRUPT;
        }
    }
    report->formatted = true;
    store->kv.filled = 0;
    store->kv.sequence = 0;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        if (store->log[log].sectors > 0) {
            WK_TRY(ensure_ahead(store, &store->log[log], report));
        }
    }
    WK_TRY(ensure_ahead(store, &store->kv, report));
    return open_kv_sector(store);
}

wk_err wk_store_mount(struct wk_store *store, const struct wk_hal_flash *flash,
                      const struct wk_store_layout *layout,
                      struct wk_store_mount_report *report)
{
    if (!geometry_possible(flash, layout)) {
        return WK_E_ARGUMENT;
    }
    memset(store, 0, sizeof *store);
    memset(report, 0, sizeof *report);
    store->flash = flash;
    store->kv.sectors = layout->kv_sectors;
    uint32_t first = layout->kv_sectors;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        store->log[log].first = first;
        store->log[log].sectors = layout->log_sectors[log];
        first += layout->log_sectors[log];
    }
    const wk_err err = mount_kv(store, report);
    if (err == WK_E_NOT_FOUND) {
        return format(store, report);
    }
    WK_TRY(err);
    WK_TRY(ensure_ahead(store, &store->kv, report));
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        if (store->log[log].sectors > 0) {
            WK_TRY(mount_log(store, log, report));
            WK_TRY(ensure_ahead(store, &store->log[log], report));
        }
    }
    return WK_OK;
}

/* ---- writing ----------------------------------------------------------------------------- */

static wk_err write_commit(struct wk_store *store, uint64_t transaction)
{
    uint8_t raw[HEADS_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        wk_bytes_out_u64le(&out, store->committed[log] + store->staged[log]);
    }
    const struct wk_store_record_head head = {
        .size = HEADS_SIZE, .kind = WK_STORE_KIND_COMMIT, .number = transaction};
    return wk_store_write_record(store, &store->kv, head, raw);
}

/* Copies a live value into the newest sector, in pieces, under a new record header. */
static wk_err carry_key(struct wk_store *store, uint8_t key, struct wk_store_place *place)
{
    struct wk_store_ring *ring = &store->kv;
    const struct wk_store_place from = store->keys[key];
    uint8_t raw[WK_STORE_CHUNK];
    struct wk_store_record_head head;
    WK_TRY(wk_store_check_record(store, from.at, from.at + WK_STORE_RECORD_HEAD + from.size,
                                 &head));
    WK_TRY(wk_store_flash_read(store, from.at, raw, WK_STORE_RECORD_HEAD));
    struct wk_store_writer writer = {.at = wk_store_sector_at(store, ring, ring->newest) +
                                           ring->at};
    *place = (struct wk_store_place){.at = writer.at, .size = from.size, .live = true};
    ring->at += wk_store_record_room(store, from.size);
    WK_TRY(wk_store_writer_put(store, &writer, raw, WK_STORE_RECORD_HEAD));
    uint32_t at = from.at + WK_STORE_RECORD_HEAD;
    uint32_t left = from.size;
    while (left > 0) {
        const uint32_t part = left < WK_STORE_CHUNK ? left : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, raw, part));
        WK_TRY(wk_store_writer_put(store, &writer, raw, part));
        at += part;
        left -= part;
    }
    return wk_store_writer_flush(store, &writer);
}

/* Opens the erased sector ahead with a checkpoint of all live keys, then erases the next one.
 * The staged log entries belong to a transaction still to come: the checkpoint leaves them
 * out. */
static wk_err open_kv_sector(struct wk_store *store)
{
    struct wk_store_place places[WK_STORE_KEYS] = {{0}};
    uint64_t staged[WK_STORE_LOGS];
    step_to_next_sector(store, &store->kv);
    WK_TRY(wk_store_write_sector_head(store, &store->kv, store->transaction));
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        if (store->keys[key].live) {
            WK_TRY(carry_key(store, key, &places[key]));
        }
    }
    memcpy(staged, store->staged, sizeof staged);
    memset(store->staged, 0, sizeof store->staged);
    const wk_err err = write_commit(store, store->transaction);
    memcpy(store->staged, staged, sizeof staged);
    WK_TRY(err);
    WK_TRY(store->flash->sync(store->flash->self));
    memcpy(store->keys, places, sizeof places);
    return erase_ahead(store, &store->kv);
}

static uint32_t transaction_room(const struct wk_store *store, const struct wk_store_put *puts,
                                 size_t count)
{
    uint32_t room = wk_store_record_room(store, HEADS_SIZE);
    for (size_t i = 0; i < count; i++) {
        room += wk_store_record_room(store, puts[i].size);
    }
    return room;
}

/* Room of a checkpoint that would hold the live keys after this transaction, with the
 * transaction itself behind it. */
static uint32_t checkpoint_room(const struct wk_store *store)
{
    uint32_t room = wk_store_data_start(store) + wk_store_record_room(store, HEADS_SIZE);
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        if (store->keys[key].live) {
            room += wk_store_record_room(store, store->keys[key].size);
        }
    }
    return room;
}

static wk_err commit_in_sector(struct wk_store *store, const struct wk_store_put *puts,
                               size_t count)
{
    struct wk_store_ring *ring = &store->kv;
    struct wk_store_place places[WK_STORE_KEYS] = {{0}};
    const uint64_t transaction = store->transaction + 1;
    for (size_t i = 0; i < count; i++) {
        const struct wk_store_record_head head = {.size = puts[i].size,
                                                  .kind = WK_STORE_KIND_PUT,
                                                  .key = puts[i].key,
                                                  .number = transaction};
        places[puts[i].key] = (struct wk_store_place){
            .at = wk_store_sector_at(store, ring, ring->newest) + ring->at,
            .size = puts[i].size,
            .live = true};
        WK_TRY(wk_store_write_record(store, ring, head, puts[i].data));
    }
    WK_TRY(write_commit(store, transaction));
    WK_TRY(store->flash->sync(store->flash->self));
    apply_commit(store, places, transaction);
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        store->committed[log] += store->staged[log];
        store->staged[log] = 0;
    }
    return WK_OK;
}

wk_err wk_store_commit(struct wk_store *store, const struct wk_store_put *puts, size_t count)
{
    if (store->broken) {
        return WK_E_STATE;
    }
    for (size_t i = 0; i < count; i++) {
        if (puts[i].key >= WK_STORE_KEYS || puts[i].size > WK_STORE_SIZE_MAX) {
            return WK_E_ARGUMENT;
        }
    }
    const uint32_t room = transaction_room(store, puts, count);
    if (checkpoint_room(store) + 2 * room > store->flash->sector_size) {
        return WK_E_FULL;
    }
    store->broken = true;
    if (wk_store_room_left(store, &store->kv) < room) {
        WK_TRY(open_kv_sector(store));
    }
    WK_TRY(commit_in_sector(store, puts, count));
    store->broken = false;
    return WK_OK;
}

static wk_err open_log_sector(struct wk_store *store, uint8_t log, uint64_t first)
{
    struct wk_store_ring *ring = &store->log[log];
    step_to_next_sector(store, ring);
    WK_TRY(wk_store_write_sector_head(store, ring, first));
    WK_TRY(store->flash->sync(store->flash->self));
    return erase_ahead(store, ring);
}

wk_err wk_store_append(struct wk_store *store, uint8_t log, const void *data, uint16_t size)
{
    if (store->broken) {
        return WK_E_STATE;
    }
    if (log >= WK_STORE_LOGS || store->log[log].sectors == 0) {
        return WK_E_ARGUMENT;
    }
    if (size > WK_STORE_SIZE_MAX ||
        wk_store_data_start(store) + wk_store_record_room(store, size) >
            store->flash->sector_size) {
        return WK_E_RANGE;
    }
    const uint64_t number = store->committed[log] + store->staged[log];
    store->broken = true;
    if (wk_store_room_left(store, &store->log[log]) < wk_store_record_room(store, size)) {
        WK_TRY(open_log_sector(store, log, number));
    }
    const struct wk_store_record_head head = {
        .size = size, .kind = WK_STORE_KIND_ENTRY, .number = number};
    WK_TRY(wk_store_write_record(store, &store->log[log], head, data));
    store->staged[log]++;
    store->broken = false;
    return WK_OK;
}
