/* SPDX-License-Identifier: Apache-2.0
 *
 * The mounting half of the store: which sector is the newest, what it holds, where the logs end.
 *
 * State of a key/value sector:   erased -> head -> checkpoint -> transactions ... -> full
 *   valid base of recovery       no        no      from its commit on              yes */
#include <string.h>

#include "management/store.h"
#include "management/store_medium.h"

#define TAIL_WALK   256U /* octets at the end of a log that are walked record by record */
#define PROBE_REACH 256U /* how far a record is looked for while halving the rest */
#define PROBES      3U   /* looks into a sector that should be erased */
#define PROBE_SIZE  16U

/* ---- which sectors are in use ------------------------------------------------------------ */

/* *sequence = 0: the sector has no valid head. */
static wk_err sequence_at(const struct wk_store *store, const struct wk_store_ring *ring,
                          uint32_t sector, uint32_t *sequence)
{
    struct wk_store_sector_head head;
    const wk_err err = wk_store_read_sector_head(store, ring, sector, &head);
    *sequence = err == WK_OK ? head.sequence : 0;
    return err == WK_E_CORRUPT ? WK_OK : err;
}

static wk_err find_newest_of_all(const struct wk_store *store, struct wk_store_ring *ring)
{
    ring->filled = 0;
    ring->sequence = 0;
    for (uint16_t sector = 0; sector < ring->sectors; sector++) {
        uint32_t sequence;
        WK_TRY(sequence_at(store, ring, sector, &sequence));
        if (sequence > ring->sequence) {
            ring->newest = sector;
            ring->sequence = sequence;
            ring->filled = 1;
        }
    }
    return WK_OK;
}

/* From sector 0 on the sequence rises by one up to the newest sector. */
static wk_err halve_to_newest(const struct wk_store *store, struct wk_store_ring *ring)
{
    uint16_t low = 0;
    uint16_t high = ring->sectors;
    uint32_t first;
    WK_TRY(sequence_at(store, ring, 0, &first));
    if (first == 0) { /* sector 0 is the erased one, or nothing is written yet */
        ring->newest = (uint16_t)(ring->sectors - 1);
        WK_TRY(sequence_at(store, ring, ring->newest, &ring->sequence));
        ring->filled = 1;
        return ring->sequence != 0 ? WK_OK : find_newest_of_all(store, ring);
    }
    while (high - low > 1) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        uint32_t sequence;
        WK_TRY(sequence_at(store, ring, middle, &sequence));
        if (sequence == first + middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    ring->newest = low;
    ring->sequence = first + low;
    ring->filled = 1;
    return WK_OK;
}

static wk_err is_older(const struct wk_store *store, const struct wk_store_ring *ring,
                       uint32_t age, bool *yes)
{
    uint32_t sequence;
    WK_TRY(sequence_at(store, ring, ring->newest + ring->sectors - age, &sequence));
    *yes = sequence != 0 && sequence == ring->sequence - age;
    return WK_OK;
}

/* How many sectors before the newest are of the same life; the one ahead is not. */
static wk_err count_filled(const struct wk_store *store, struct wk_store_ring *ring)
{
    uint16_t low = 0; /* the sector of age `low` is one of them */
    uint16_t high = (uint16_t)(ring->sectors - 1);
    uint16_t middle = (uint16_t)(high - 1); /* mostly the ring has come round */
    while (high - low > 1) {
        bool yes;
        WK_TRY(is_older(store, ring, middle, &yes));
        if (yes) {
            low = middle;
        } else {
            high = middle;
        }
        middle = (uint16_t)((low + high) / 2);
    }
    ring->filled = (uint16_t)(low + 1);
    return WK_OK;
}

/* Finds the newest sector of a ring and how many before it are of the same life. `all`: looks at
 * every head, so that no damage hides a newer sector. */
static wk_err find_newest(const struct wk_store *store, struct wk_store_ring *ring, bool all)
{
    WK_TRY(all ? find_newest_of_all(store, ring) : halve_to_newest(store, ring));
    if (ring->filled == 0) {
        return WK_OK;
    }
    const uint32_t ahead = wk_store_sector_at(store, ring, ring->newest + 1U);
    bool blank;
    WK_TRY(wk_store_is_blank(store, ahead, PROBE_SIZE, &blank));
    if (blank) {
        return count_filled(store, ring);
    }
    bool is_oldest;
    WK_TRY(is_older(store, ring, ring->sectors - 1U, &is_oldest));
    if (is_oldest) { /* a cut came before it was erased */
        ring->filled = ring->sectors;
        return WK_OK;
    }
    WK_TRY(find_newest_of_all(store, ring)); /* a cut while it was opened, or a damaged head */
    return count_filled(store, ring);
}

static void step_back(struct wk_store_ring *ring)
{
    ring->newest = (uint16_t)((ring->newest + ring->sectors - 1) % ring->sectors);
    ring->sequence--;
    ring->filled--;
}

/* Looks into the sector ahead at a few places: an erase that a cut broke off leaves octets all
 * over it. What hides between them is found when the sector is opened. */
static wk_err ensure_ahead(struct wk_store *store, struct wk_store_ring *ring,
                           struct wk_store_mount_report *report)
{
    const uint32_t size = store->flash->sector_size;
    const uint32_t at =
        wk_store_sector_at(store, ring, ring->filled == 0 ? 0 : ring->newest + 1U);
    bool blank = true;
    for (uint32_t probe = 0; probe < PROBES && blank; probe++) {
        const uint32_t offset = (size - PROBE_SIZE) / (PROBES - 1) * probe;
        WK_TRY(wk_store_is_blank(store, at + offset, PROBE_SIZE, &blank));
    }
    if (ring->filled == ring->sectors) {
        ring->filled--;
    }
    report->erased_sectors += blank ? 0 : 1;
    return blank ? WK_OK : store->flash->erase(store->flash->self, at);
}

/* ---- keys and values --------------------------------------------------------------------- */

/* What has been read of the newest key/value sector. */
struct replay {
    struct wk_store_place pending[WK_STORE_KEYS];
    uint64_t keys;   /* bit per key: pending */
    uint64_t number; /* of the transaction that they belong to */
    uint32_t commits;
};

/* No cut explains what lies here: values that were in it are lost, never older ones given. */
static void note_damage(struct wk_store *store, const struct replay *replay,
                        const struct wk_store_walk *walk, struct wk_store_mount_report *report)
{
    report->damaged_records++;
    store->lost |= replay->keys | walk->torn_keys | (walk->torn_blindly ? store->live : 0);
}

static wk_err complete(struct wk_store *store, struct replay *replay, uint32_t at,
                       const struct wk_store_record_head *head)
{
    WK_TRY(wk_store_read_moves(store, at, head, store->committed));
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        if ((replay->keys >> key & 1U) != 0) {
            store->keys[key] = replay->pending[key];
        }
    }
    store->live |= replay->keys;
    store->lost &= ~replay->keys;
    replay->keys = 0;
    replay->commits++;
    return WK_OK;
}

static wk_err take_record(struct wk_store *store, struct replay *replay,
                          const struct wk_store_walk *walk,
                          const struct wk_store_record_head *head,
                          struct wk_store_mount_report *report)
{
    const bool broken_off = walk->torn || (replay->keys != 0 && head->number != replay->number);
    if (broken_off && (head->flags & WK_STORE_RESUMES) == 0) {
        note_damage(store, replay, walk, report);
    }
    if (broken_off) { /* what was cut must not be completed by a later commit */
        replay->keys = 0;
    }
    if (head->number > store->transaction) {
        store->transaction = head->number;
    }
    replay->number = head->number;
    if (head->kind == WK_STORE_KIND_PUT) {
        replay->keys |= UINT64_C(1) << head->key;
        replay->pending[head->key] =
            (struct wk_store_place){.at = walk->found, .size = head->size};
    }
    return (head->flags & WK_STORE_COMMITS) != 0 ? complete(store, replay, walk->found, head)
                                                 : WK_OK;
}

/* Plays the transactions of the newest key/value sector. *commits = how many it holds. */
static wk_err replay_sector(struct wk_store *store, struct wk_store_mount_report *report,
                            uint32_t *commits)
{
    struct wk_store_ring *ring = &store->kv;
    struct wk_store_sector_head sector;
    struct wk_store_record_head head;
    struct replay replay = {.keys = 0};
    struct wk_store_walk walk = wk_store_walk_of(store, ring, ring->newest);
    WK_TRY(wk_store_read_sector_head(store, ring, ring->newest, &sector));
    memcpy(store->committed, sector.heads, sizeof sector.heads);
    store->live = 0;
    store->lost = 0;
    wk_err err;
    while ((err = wk_store_walk_next(store, &walk, &head)) == WK_OK) {
        WK_TRY(take_record(store, &replay, &walk, &head, report));
    }
    if (err != WK_E_NOT_FOUND) {
        return err;
    }
    ring->at = walk.at - wk_store_sector_at(store, ring, ring->newest);
    ring->resumes = walk.torn || replay.keys != 0;
    *commits = replay.commits;
    bool blank;
    WK_TRY(wk_store_is_blank(store, walk.at, walk.end - walk.at, &blank));
    report->would_go_back = !blank; /* no cut leaves a gap: behind it are newer values */
    return blank ? WK_OK : WK_E_CORRUPT;
}

/* A commit in the sector ahead, whose head cannot be read: going on without it would set values
 * back. */
static wk_err refuse_if_newer(const struct wk_store *store,
                              struct wk_store_mount_report *report)
{
    const struct wk_store_ring *ring = &store->kv;
    struct wk_store_record_head head;
    struct wk_store_walk walk = wk_store_walk_of(store, ring, ring->newest + 1U);
    walk.sequence = ring->sequence + 1;
    wk_err err = WK_E_NOT_FOUND;
    if (ring->filled == ring->sectors) { /* the oldest, which waits to be erased */
        return WK_OK;
    }
    while ((err = wk_store_walk_next(store, &walk, &head)) == WK_OK) {
        if ((head.flags & WK_STORE_COMMITS) != 0) {
            report->would_go_back = true;
            return WK_E_CORRUPT;
        }
    }
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

/* WK_E_NOT_FOUND: there is no checkpoint. */
static wk_err mount_kv(struct wk_store *store, struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->kv;
    WK_TRY(find_newest(store, ring, true));
    uint32_t commits = 0;
    if (ring->filled > 0) {
        WK_TRY(replay_sector(store, report, &commits));
    }
    if (ring->filled > 1 && commits == 0) {
        /* The cut came while this sector's checkpoint was written: the one before counts. */
        report->torn_records++;
        step_back(ring);
        WK_TRY(replay_sector(store, report, &commits));
    }
    if (commits == 0) {
        return WK_E_NOT_FOUND;
    }
    report->torn_records += ring->resumes ? 1 : 0;
    return refuse_if_newer(store, report);
}

/* ---- logs -------------------------------------------------------------------------------- */

/* Drops sectors of a log that a transaction opened and never committed. */
static wk_err drop_uncommitted_sectors(struct wk_store *store, uint8_t log, uint64_t *first,
                                       struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    struct wk_store_sector_head head;
    while (ring->filled > 0) {
        WK_TRY(wk_store_read_sector_head(store, ring, ring->newest, &head));
        *first = head.first;
        if (head.first - head.staged > store->committed[log]) {
            store->committed[log] = head.first - head.staged;
        }
        if (head.first <= store->committed[log]) {
            return WK_OK;
        }
        WK_TRY(store->flash->erase(store->flash->self,
                                   wk_store_sector_at(store, ring, ring->newest)));
        report->erased_sectors++;
        step_back(ring);
    }
    return WK_OK;
}

/* What an entry tells: the head when it was written, and the number after it. */
static void note_entry(struct wk_store *store, uint8_t log,
                       const struct wk_store_record_head *head, uint64_t *next)
{
    const bool alone = (head->flags & WK_STORE_COMMITS) != 0;
    const uint64_t known = alone ? head->number + 1 : head->number - head->count;
    if (head->count <= head->number && known > store->committed[log]) {
        store->committed[log] = known;
    }
    *next = head->number + 1;
}

/* Moves the walk behind a record near the end of the sector, by halving. What is taken for the end
 * may be erased octets within an entry: the walk then finds more. */
static wk_err skip_to_tail(struct wk_store *store, uint8_t log, struct wk_store_walk *walk,
                           uint64_t *next)
{
    const uint32_t unit = store->flash->program_unit;
    uint32_t high = walk->end;
    while (high - walk->at > TAIL_WALK) {
        const uint32_t middle = walk->at + (high - walk->at) / 2 / unit * unit;
        struct wk_store_record_head head;
        struct wk_store_walk probe = *walk;
        probe.at = middle;
        probe.limit = middle + PROBE_REACH < high ? middle + PROBE_REACH : high;
        const wk_err err = wk_store_walk_next(store, &probe, &head);
        if (err == WK_OK) {
            walk->at = probe.at;
            note_entry(store, log, &head, next);
        } else if (err == WK_E_NOT_FOUND) {
            high = middle;
        } else {
            return err;
        }
        high = high > walk->at ? high : walk->at;
    }
    return WK_OK;
}

/* Finds where writing goes on, and what the entries tell of the head. `next` comes as the first
 * number of the sector. */
static wk_err walk_tail(struct wk_store *store, uint8_t log, uint64_t next,
                        struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    struct wk_store_record_head head;
    struct wk_store_walk walk = wk_store_walk_of(store, ring, ring->newest);
    WK_TRY(skip_to_tail(store, log, &walk, &next));
    wk_err err;
    while ((err = wk_store_walk_next(store, &walk, &head)) == WK_OK) {
        note_entry(store, log, &head, &next);
        report->damaged_records += walk.torn && (head.flags & WK_STORE_RESUMES) == 0 ? 1 : 0;
    }
    if (err != WK_E_NOT_FOUND) {
        return err;
    }
    const uint64_t committed = store->committed[log];
    ring->at = walk.at - wk_store_sector_at(store, ring, ring->newest);
    ring->resumes = walk.torn || next > committed;
    report->torn_records += walk.torn ? 1 : 0;
    report->dropped_entries += next > committed ? (uint32_t)(next - committed) : 0;
    report->missing_entries += next < committed ? committed - next : 0;
    return WK_OK;
}

/* `all`: see find_newest. */
static wk_err find_end(struct wk_store *store, uint8_t log, bool all,
                       struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    uint64_t first = 0;
    WK_TRY(find_newest(store, ring, all));
    WK_TRY(drop_uncommitted_sectors(store, log, &first, report));
    return ring->filled > 0 ? walk_tail(store, log, first, report) : WK_OK;
}

static wk_err mount_log(struct wk_store *store, uint8_t log,
                        struct wk_store_mount_report *report)
{
    struct wk_store_ring *ring = &store->log[log];
    struct wk_store_mount_report told = *report;
    WK_TRY(find_end(store, log, false, report));
    const bool gone = ring->filled == 0 && store->committed[log] > 0;
    if (gone || report->missing_entries > told.missing_entries) {
        *report = told; /* damage may have misled the search: look everywhere */
        WK_TRY(find_end(store, log, true, report));
    }
    if (ring->filled == 0 && store->committed[log] > 0) {
        report->missing_entries += store->committed[log];
        return WK_E_CORRUPT;
    }
    return ensure_ahead(store, ring, report);
}

/* ---- the whole device -------------------------------------------------------------------- */

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
    return enough && sectors <= flash->sector_count && sectors <= UINT16_MAX &&
           flash->program_unit >= 1 && flash->program_unit <= WK_STORE_UNIT_MAX &&
           flash->sector_size % flash->program_unit == 0 &&
           flash->sector_size >= WK_STORE_SECTOR_MIN &&
           flash->sector_size <= UINT32_MAX / flash->sector_count;
}

static wk_err is_ring_blank(const struct wk_store *store, const struct wk_store_ring *ring,
                            uint32_t from, bool *blank)
{
    *blank = true;
    for (uint32_t sector = from; sector < ring->sectors && *blank; sector++) {
        WK_TRY(wk_store_is_blank(store, wk_store_sector_at(store, ring, sector),
                                 store->flash->sector_size, blank));
    }
    return WK_OK;
}

/* Nothing but a blank device, or one whose very first checkpoint was cut, may be formatted. */
static wk_err refuse_unless_new(const struct wk_store *store)
{
    const struct wk_store_ring *kv = &store->kv;
    bool other = false;
    for (uint32_t sector = 0; sector < kv->sectors && !other; sector++) {
        WK_TRY(wk_store_is_other_format(store, wk_store_sector_at(store, kv, sector), &other));
    }
    if (other) {
        return WK_E_UNSUPPORTED;
    }
    uint32_t sequence;
    bool blank;
    WK_TRY(sequence_at(store, kv, 0, &sequence));
    WK_TRY(is_ring_blank(store, kv, 1, &blank));
    blank = blank && sequence <= 1;
    for (uint32_t log = 0; log < WK_STORE_LOGS && blank; log++) {
        WK_TRY(is_ring_blank(store, &store->log[log], 0, &blank));
    }
    return blank ? WK_OK : WK_E_CORRUPT;
}

static wk_err format(struct wk_store *store, struct wk_store_mount_report *report)
{
    WK_TRY(refuse_unless_new(store));
    memset(report, 0, sizeof *report);
    report->formatted = true;
    memset(store->committed, 0, sizeof store->committed);
    store->transaction = 0;
    store->kv.filled = 0;
    store->kv.sequence = 0;
    store->broken = false;
    return wk_store_commit(store, NULL, 0);
}

static void lay_out(struct wk_store *store, const struct wk_store_layout *layout)
{
    uint16_t first = layout->kv_sectors;
    store->kv.sectors = layout->kv_sectors;
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        struct wk_store_ring *ring = &store->log[log];
        ring->id = (uint8_t)(log + 1);
        ring->first = first;
        ring->sectors = layout->log_sectors[log];
        first = (uint16_t)(first + ring->sectors);
    }
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
    store->broken = true;
    lay_out(store, layout);
    const wk_err err = mount_kv(store, report);
    if (err == WK_E_NOT_FOUND) {
        return format(store, report);
    }
    WK_TRY(err);
    WK_TRY(ensure_ahead(store, &store->kv, report));
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        if (store->log[log].sectors > 0) {
            WK_TRY(mount_log(store, log, report));
        }
    }
    WK_TRY(flash->sync(flash->self));
    store->broken = false;
    return WK_OK;
}
