/* SPDX-License-Identifier: Apache-2.0
 *
 * management/store_medium - the octets of the store: program units, records, sector heads.
 * Private to the store. docs/on-flash.md describes every bit. */
#ifndef WK_MANAGEMENT_STORE_MEDIUM_H
#define WK_MANAGEMENT_STORE_MEDIUM_H

#include "management/store.h"

#define WK_STORE_SECTOR_HEAD 32U
#define WK_STORE_RECORD_HEAD 16U
#define WK_STORE_CHUNK       256U
#define WK_STORE_KIND_PUT    1
#define WK_STORE_KIND_COMMIT 2
#define WK_STORE_KIND_ENTRY  3

struct wk_store_sector_head {
    uint8_t region;
    uint64_t sequence;
    uint64_t first; /* log: number of the first entry; key/value: transaction at opening */
};

struct wk_store_record_head {
    uint16_t size;
    uint8_t kind;
    uint8_t key;
    uint64_t number;
    uint32_t crc;
};

/* Collects octets and programs whole units. */
struct wk_store_writer {
    uint8_t buffer[WK_STORE_CHUNK];
    uint32_t filled;
    uint32_t at;
};

/** Where sector `sector` (modulo the ring's size) begins on the device. */
uint32_t wk_store_sector_at(const struct wk_store *store, const struct wk_store_ring *ring,
                            uint32_t sector);
/** Octets before the first record of a sector, and octets a record of `size` takes. */
uint32_t wk_store_data_start(const struct wk_store *store);
uint32_t wk_store_record_room(const struct wk_store *store, uint16_t size);
/** Free octets of the newest sector; 0 if it is sealed or there is none. */
uint32_t wk_store_room_left(const struct wk_store *store, const struct wk_store_ring *ring);

WK_MUST_USE wk_err wk_store_flash_read(const struct wk_store *store, uint32_t at, void *to,
                                       uint32_t size);
WK_MUST_USE wk_err wk_store_writer_put(struct wk_store *store, struct wk_store_writer *writer,
                                       const void *data, size_t size);
/** Programs what is collected, padded with zeros to whole units. */
WK_MUST_USE wk_err wk_store_writer_flush(struct wk_store *store,
                                         struct wk_store_writer *writer);
WK_MUST_USE wk_err wk_store_is_blank(const struct wk_store *store, uint32_t at, uint32_t size,
                                     bool *blank);

struct wk_store_record_head
wk_store_unpack_record_head(const uint8_t raw[WK_STORE_RECORD_HEAD]);
/** Reads the record at `at` of a sector that ends at `end`. WK_E_CORRUPT: there is none. */
WK_MUST_USE wk_err wk_store_check_record(const struct wk_store *store, uint32_t at,
                                         uint32_t end, struct wk_store_record_head *head);
/** Programs a record at ring->at, which must have room for it, and moves ring->at on. */
WK_MUST_USE wk_err wk_store_write_record(struct wk_store *store, struct wk_store_ring *ring,
                                         struct wk_store_record_head head, const void *data);

/** WK_E_CORRUPT: no valid sector of this ring. */
WK_MUST_USE wk_err wk_store_read_sector_head(const struct wk_store *store,
                                             const struct wk_store_ring *ring, uint32_t sector,
                                             struct wk_store_sector_head *head);
/** Writes the head of the newest sector. */
WK_MUST_USE wk_err wk_store_write_sector_head(struct wk_store *store,
                                              const struct wk_store_ring *ring, uint64_t first);

#endif
