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
 *   invariant 2   a log entry counts only if its number is below the head that the last commit
 *                 recorded, and below the first number of the next sector of its ring
 *   invariant 3   the sector after the newest one of every ring is erased (after mount, and
 *                 after every call that returned): a commit never has to wait for an erase
 *
 * Memory: caller owns the struct; nothing is cached but places. Context: one thread. */
#ifndef WK_MANAGEMENT_STORE_H
#define WK_MANAGEMENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

#define WK_STORE_KEYS     64    /* keys 0..63 */
#define WK_STORE_LOGS     16    /* logs 0..15 */
#define WK_STORE_UNIT_MAX 64    /* largest program unit supported */
#define WK_STORE_SIZE_MAX 16384 /* octets of one value or entry */
#define WK_STORE_RING_MIN 3     /* sectors a ring needs at least */

/* A cut while a log is written can seal the sector under way; the rest of it then stays empty. A
 * log holds at least its sectors less two (the erased one, and the newest one just opened), less
 * one for each such cut until the ring has come round: choose the number for what must be kept.
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

/* Fields: store.c and its tests only. */
struct wk_store_ring {
    uint32_t first;    /* first sector on the device */
    uint32_t sectors;  /* how many */
    uint32_t newest;   /* 0..sectors-1 */
    uint32_t filled;   /* sectors in use, newest included; 0 = none */
    uint64_t sequence; /* of the newest sector */
    uint32_t at;       /* next free octet in the newest sector */
    bool sealed;       /* the newest sector takes nothing more */
};

struct wk_store_place {
    uint32_t at; /* of the record header on the device; 0 and size 0 = no such key */
    uint16_t size;
    bool live;
};

struct wk_store {
    const struct wk_hal_flash *flash;
    struct wk_store_ring kv;
    struct wk_store_ring log[WK_STORE_LOGS];
    uint64_t committed[WK_STORE_LOGS]; /* log heads: number of the next entry */
    uint64_t staged[WK_STORE_LOGS];    /* entries appended since the last commit */
    uint64_t transaction;              /* number of the last commit */
    struct wk_store_place keys[WK_STORE_KEYS];
    bool broken; /* an operation failed: mount again */
};

/* What mounting found; for the event log and for `wk store check`. */
struct wk_store_mount_report {
    bool formatted;           /* the device was blank and is new now */
    uint32_t torn_records;    /* ends of writing that a cut left behind */
    uint32_t dropped_entries; /* log entries whose transaction never committed */
    uint32_t erased_sectors;
};

/* Where a reader of a log stands. */
struct wk_store_reader {
    uint64_t number; /* of the next entry */
    uint32_t sector; /* in the ring */
    uint32_t at;
    bool placed;
};

/** Recovers the store from the device; formats it if nothing is on it.
 *  WK_E_ARGUMENT: geometry or layout are not possible. WK_E_CORRUPT: there is data, but no
 *  complete checkpoint. WK_E_IO: the device refused. */
WK_MUST_USE wk_err wk_store_mount(struct wk_store *store, const struct wk_hal_flash *flash,
                                  const struct wk_store_layout *layout,
                                  struct wk_store_mount_report *report);

/** Copies the committed value of `key`. WK_E_NOT_FOUND; WK_E_FULL: `room` is too small;
 *  WK_E_CORRUPT: the value fails its check. */
WK_MUST_USE wk_err wk_store_get(const struct wk_store *store, uint8_t key, void *to,
                                size_t room, size_t *size);

/** Adds an entry to a log. It counts from the next commit on. WK_E_RANGE: larger than a
 *  sector takes. */
WK_MUST_USE wk_err wk_store_append(struct wk_store *store, uint8_t log, const void *data,
                                   uint16_t size);

/** Commits the appended entries and the given values at once. WK_E_FULL: the live values do
 *  not fit into one sector. After WK_E_IO the store must be mounted again. */
WK_MUST_USE wk_err wk_store_commit(struct wk_store *store, const struct wk_store_put *puts,
                                   size_t count);

/** Numbers of the oldest entry still held and of the next entry to come (oldest == next: the
 *  log is empty). Only committed entries count. */
WK_MUST_USE wk_err wk_store_log_span(const struct wk_store *store, uint8_t log,
                                     uint64_t *oldest, uint64_t *next);

/** Sets a reader to entry `number`; the sector is found by bisection of the sector headers.
 *  WK_E_NOT_FOUND: not held (any more, or yet). */
WK_MUST_USE wk_err wk_store_seek(const struct wk_store *store, uint8_t log, uint64_t number,
                                 struct wk_store_reader *reader);

/** Reads the entry the reader stands on and moves on. WK_E_NOT_FOUND: no more entries. */
WK_MUST_USE wk_err wk_store_read(const struct wk_store *store, uint8_t log,
                                 struct wk_store_reader *reader, void *to, size_t room,
                                 size_t *size);

#endif
