/* SPDX-License-Identifier: Apache-2.0
 *
 * management/store - everything that must outlive a power cut.
 *
 * One flash device holds a ring of key/value sectors and up to WK_STORE_LOGS rings of log
 * sectors. A transaction is any number of log entries followed by one commit of key/values;
 * after a cut at any operation the store is wholly as before the transaction or wholly as
 * after it. docs/on-flash.md describes every bit.
 *
 *   invariant 1   the newest key/value sector with a complete checkpoint holds every live key
 *   invariant 2   a log entry counts only if its number is below the head of its log, below the
 *                 first number of the next sector, and below that of every later record of its
 *                 sector that resumes after a cut
 *   invariant 3   the sector after the newest one of every ring is erased after mount and after
 *                 every commit; what a transaction programs is safe before anything is erased
 *
 * Memory: caller owns the struct, about 1.3 kB, 32 octets per log; nothing is cached but places.
 * Context: one thread. */
#ifndef WK_MANAGEMENT_STORE_H
#define WK_MANAGEMENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

#define WK_STORE_KEYS       64 /* keys 0..63 */
#define WK_STORE_LOGS       16 /* logs 0..15 */
#define WK_STORE_UNIT_MAX   64 /* largest program unit supported */
#define WK_STORE_SECTOR_MIN 512
#define WK_STORE_SIZE_MAX   16384 /* octets of one value or entry */
#define WK_STORE_RING_MIN   3     /* sectors a ring needs at least */
#define WK_STORE_STAGED_MAX 250   /* entries of one log in one transaction */

/* A log holds at least its sectors less two (the erased one, and the newest one just opened),
 * whatever happened. A cut while a log is written costs the room of the entries that were not
 * committed and at most one program unit besides, no sector.
 *
 * Sectors of each ring, in the order they lie on the device. The rest of the device is free. */
struct wk_store_layout {
    uint16_t kv_sectors;                 /* >= 3 */
    uint16_t log_sectors[WK_STORE_LOGS]; /* >= 3 each; 0: there is no such log */
};

struct wk_store_put {
    uint8_t key;
    const void *data;
    uint16_t size;
};

/* Fields: the store, its tests and its tools only. */
struct wk_store_ring {
    uint16_t first;    /* first sector on the device */
    uint16_t sectors;  /* how many */
    uint16_t newest;   /* 0..sectors-1 */
    uint16_t filled;   /* sectors in use, newest included; 0 = none */
    uint32_t sequence; /* of the newest sector */
    uint32_t at;       /* next free octet in the newest sector */
    uint8_t id;        /* 0 = key/values, 1 + log */
    bool resumes;      /* what a cut left lies before `at` */
    bool erase_due;    /* the sector ahead is to be erased when the transaction is safe */
};

struct wk_store_place {
    uint32_t at; /* of the record on the device */
    uint16_t size;
};

struct wk_store {
    const struct wk_hal_flash *flash;
    struct wk_store_ring kv;
    struct wk_store_ring log[WK_STORE_LOGS];
    uint64_t committed[WK_STORE_LOGS]; /* log heads: number of the next entry */
    uint8_t staged[WK_STORE_LOGS];     /* entries appended since the last commit */
    uint64_t transaction; /* number of the last commit, or of a later one cut off */
    uint64_t live;        /* bit per key: there is a value */
    uint64_t lost;        /* bit per key: its newest value is damaged */
    struct wk_store_place keys[WK_STORE_KEYS];
    bool broken; /* an operation failed: mount again */
};

/* What mounting found; for the event log and for `wk store check`. */
struct wk_store_mount_report {
    bool formatted;           /* the device was blank and is new now */
    bool would_go_back;       /* refused: newer values are there, but cannot be read */
    uint32_t torn_records;    /* ends of writing that a cut left behind */
    uint32_t dropped_entries; /* log entries whose transaction never committed */
    uint32_t erased_sectors;
    uint32_t damaged_records; /* no cut explains them; their keys give WK_E_CORRUPT */
    uint64_t missing_entries; /* below the head of their log, but not there */
};

/* Where a reader of a log stands. */
struct wk_store_reader {
    uint64_t number; /* of the next entry */
    uint64_t until;  /* entries from here on lie elsewhere */
    uint32_t sector; /* in the ring */
    uint32_t at;
    bool placed;
};

/** Recovers the store from the device; formats it if nothing is on it. Reads the heads of some
 *  sectors, the newest key/value sector and the ends of the logs only.
 *  WK_E_ARGUMENT: geometry or layout are not possible. WK_E_UNSUPPORTED: what is there has
 *  another format. WK_E_CORRUPT: there is data, but no complete checkpoint, or a newer one than
 *  the last complete is damaged (values would go back), or all of a log is gone. WK_E_IO: the
 *  device refused. A refused device is not formatted over. */
WK_MUST_USE wk_err wk_store_mount(struct wk_store *store, const struct wk_hal_flash *flash,
                                  const struct wk_store_layout *layout,
                                  struct wk_store_mount_report *report);

/** Copies the committed value of `key`. WK_E_NOT_FOUND; WK_E_FULL: `room` is too small;
 *  WK_E_CORRUPT: the value fails its check, or its newest one is lost (never an older one). */
WK_MUST_USE wk_err wk_store_get(const struct wk_store *store, uint8_t key, void *to,
                                size_t room, size_t *size);

/** Adds an entry to a log. It counts from the next commit on. WK_E_ARGUMENT: no such log.
 *  WK_E_RANGE: larger than a sector takes. WK_E_FULL: WK_STORE_STAGED_MAX entries of this log
 *  wait for the commit. After WK_E_IO the store must be mounted again. */
WK_MUST_USE wk_err wk_store_append(struct wk_store *store, uint8_t log, const void *data,
                                   uint16_t size);

/** Adds an entry and commits it in the same record: the cheapest way if nothing else changes.
 *  What was appended before is committed too (by a commit of its own). Errors: those of
 *  wk_store_append and wk_store_commit. */
WK_MUST_USE wk_err wk_store_append_one(struct wk_store *store, uint8_t log, const void *data,
                                       uint16_t size);

/** Commits the appended entries and the given values at once. WK_E_FULL: the live values do
 *  not fit into one sector. WK_E_CORRUPT: a live value that must be carried into the next
 *  sector is damaged. After WK_E_IO or WK_E_CORRUPT the store must be mounted again. */
WK_MUST_USE wk_err wk_store_commit(struct wk_store *store, const struct wk_store_put *puts,
                                   size_t count);

/* Gives the octets of put `i`, as many as its size says; they are used until the next call. */
typedef const void *(*wk_store_fetch)(void *self, size_t i);

/** The same with values that are fetched one after the other, in the order of the puts, so that
 *  the caller needs room for one of them: `data` of the puts is not looked at. */
WK_MUST_USE wk_err wk_store_commit_fetched(struct wk_store *store,
                                           const struct wk_store_put *puts, size_t count,
                                           wk_store_fetch fetch, void *self);

/** Numbers of the oldest entry still held and of the next entry to come (oldest == next: the
 *  log is empty). Only committed entries count. */
WK_MUST_USE wk_err wk_store_log_span(const struct wk_store *store, uint8_t log,
                                     uint64_t *oldest, uint64_t *next);
/** The number the next appended entry will have. WK_E_ARGUMENT: no such log. */
WK_MUST_USE wk_err wk_store_log_next(const struct wk_store *store, uint8_t log, uint64_t *next);

/** Sets a reader to entry `number`; the sector is found by bisection of the sector heads, the
 *  entry by the heads of its records. WK_E_NOT_FOUND: not held (any more, or yet). */
WK_MUST_USE wk_err wk_store_seek(const struct wk_store *store, uint8_t log, uint64_t number,
                                 struct wk_store_reader *reader);

/** Reads the entry the reader stands on and moves on. WK_E_NOT_FOUND: no more entries. */
WK_MUST_USE wk_err wk_store_read(const struct wk_store *store, uint8_t log,
                                 struct wk_store_reader *reader, void *to, size_t room,
                                 size_t *size);

#endif
