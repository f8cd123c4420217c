/* SPDX-License-Identifier: Apache-2.0
 *
 * management/store_medium - the octets of the store: program units, sector heads, records, and
 * the walk over the records of a sector. Private to the store and its tools. docs/on-flash.md
 * describes every bit. */
#ifndef WK_MANAGEMENT_STORE_MEDIUM_H
#define WK_MANAGEMENT_STORE_MEDIUM_H

#include "management/store.h"

#define WK_STORE_KV_HEAD     93U /* octets of a sector head */
#define WK_STORE_LOG_HEAD    19U
#define WK_STORE_RECORD_HEAD 16U
#define WK_STORE_LOG_MOVE    6U /* octets of one log's head in a commit */
#define WK_STORE_CHUNK       256U
#define WK_STORE_COMMITS     0x80U /* flags of a record: the transaction is complete with it */
#define WK_STORE_RESUMES     0x40U /* what lies before it a cut left behind */

typedef enum wk_store_kind {
    WK_STORE_KIND_PUT = 1,
    WK_STORE_KIND_COMMIT,
    WK_STORE_KIND_ENTRY,
} wk_store_kind;

struct wk_store_sector_head {
    uint32_t sequence;             /* 1, 2, 3 ... within the ring */
    uint64_t first;                /* log: number of the first entry */
    uint8_t staged;                /* log: how many entries before `first` were not committed */
    uint64_t heads[WK_STORE_LOGS]; /* key/value: heads of the logs at opening */
};

struct wk_store_record_head {
    wk_store_kind kind;
    uint8_t flags;
    uint8_t key;     /* put: key; entry: log */
    uint16_t size;   /* of the value or entry */
    uint64_t number; /* of the transaction, or of the entry; 40 bit */
    uint8_t count;   /* put, commit: logs that moved; entry: entries staged before it */
};

/* A look at the records of one sector, one after the other. What is no record is stepped over:
 * a record head that checks but whose payload does not, as a whole; else unit by unit. */
struct wk_store_walk {
    uint32_t at;    /* what comes next, on the device */
    uint32_t end;   /* of the sector */
    uint32_t limit; /* look for records that begin before this */
    uint32_t sequence;
    uint32_t found;   /* where the last record found begins */
    uint32_t torn_at; /* where octets that are no record begin, and where they end */
    uint32_t torn_end;
    uint64_t torn_keys; /* bit per key: keys of records whose payload fails its check */
    uint8_t ring;       /* its id */
    bool torn;          /* before the record found (or the end) lies what is no record */
    bool torn_blindly;  /* of which nothing is known */
    bool heads_only;    /* payloads are not checked */
};

/** Where sector `sector` (modulo the ring's size) begins on the device, and its sequence if it
 *  is in use. */
uint32_t wk_store_sector_at(const struct wk_store *store, const struct wk_store_ring *ring,
                            uint32_t sector);
uint32_t wk_store_sequence_of(const struct wk_store_ring *ring, uint32_t sector);
/** Octets before the first record of a sector, and octets a record of `size` takes. */
uint32_t wk_store_data_start(const struct wk_store *store, const struct wk_store_ring *ring);
uint32_t wk_store_record_room(const struct wk_store *store, uint32_t size);
/** Free octets of the newest sector; 0 if there is none. */
uint32_t wk_store_room_left(const struct wk_store *store, const struct wk_store_ring *ring);

WK_MUST_USE wk_err wk_store_flash_read(const struct wk_store *store, uint32_t at, void *to,
                                       uint32_t size);
WK_MUST_USE wk_err wk_store_is_blank(const struct wk_store *store, uint32_t at, uint32_t size,
                                     bool *blank);

/** Begins a walk at the first record of a sector in use. */
struct wk_store_walk wk_store_walk_of(const struct wk_store *store,
                                      const struct wk_store_ring *ring, uint32_t sector);
/** The next record. WK_E_NOT_FOUND: no more; walk->at is then where writing may go on. */
WK_MUST_USE wk_err wk_store_walk_next(const struct wk_store *store, struct wk_store_walk *walk,
                                      struct wk_store_record_head *head);
/** The record at `at`. WK_E_NOT_FOUND: erased; WK_E_FORMAT: something, but no record;
 *  WK_E_CORRUPT: a record (*head is valid) whose payload fails its check. */
WK_MUST_USE wk_err wk_store_read_record(const struct wk_store *store,
                                        const struct wk_store_walk *walk, uint32_t at,
                                        struct wk_store_record_head *head);
/** The heads of logs that a commit at `at` carries, into `heads`. */
WK_MUST_USE wk_err wk_store_read_moves(const struct wk_store *store, uint32_t at,
                                       const struct wk_store_record_head *head,
                                       uint64_t heads[WK_STORE_LOGS]);

/** Programs a record at ring->at, which must have room for it, and moves ring->at on. `moves`:
 *  head->count heads of logs, packed; NULL if there are none. */
WK_MUST_USE wk_err wk_store_write_record(struct wk_store *store, struct wk_store_ring *ring,
                                         const struct wk_store_record_head *head,
                                         const void *data, const uint8_t *moves);
/** Copies the value of `key` at `from`, in the sector before the newest, to ring->at as a put of
 *  transaction `number`. WK_E_CORRUPT: it fails its check. */
WK_MUST_USE wk_err wk_store_copy_record(struct wk_store *store, struct wk_store_ring *ring,
                                        uint32_t from, uint64_t number, uint8_t key);

/** WK_E_CORRUPT: no valid sector of this ring. */
WK_MUST_USE wk_err wk_store_read_sector_head(const struct wk_store *store,
                                             const struct wk_store_ring *ring, uint32_t sector,
                                             struct wk_store_sector_head *head);
/** Writes the head of the newest sector; head->sequence is taken from the ring. */
WK_MUST_USE wk_err wk_store_write_sector_head(struct wk_store *store,
                                              const struct wk_store_ring *ring,
                                              const struct wk_store_sector_head *head);
/** True if a sector begins with the mark of a store of another format. */
WK_MUST_USE wk_err wk_store_is_other_format(const struct wk_store *store, uint32_t at,
                                            bool *other);

#endif
