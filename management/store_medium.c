/* SPDX-License-Identifier: Apache-2.0 */
#include "management/store_medium.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"

#define MAGIC         0x32534B57U /* "WKS2", little-endian: the format is the digit */
#define MAGIC_ANY     0x00534B57U
#define MAGIC_MASK    0x00FFFFFFU
#define KIND_MASK     0x0FU
#define CHECKED_FIRST 10U /* octets of a record head before its own check */
#define CHECKED_ALL   12U /* and before the check of the payload */
#define CRC_SIZE      4U

/* ---- octets on the device ---------------------------------------------------------------- */

static uint32_t padded(const struct wk_store *store, uint32_t size)
{
    const uint32_t unit = store->flash->program_unit;
    return (size + unit - 1) / unit * unit;
}

static uint32_t head_size(const struct wk_store_ring *ring)
{
    return ring->id == 0 ? WK_STORE_KV_HEAD : WK_STORE_LOG_HEAD;
}

uint32_t wk_store_sector_at(const struct wk_store *store, const struct wk_store_ring *ring,
                            uint32_t sector)
{
    return (ring->first + sector % ring->sectors) * store->flash->sector_size;
}

uint32_t wk_store_sequence_of(const struct wk_store_ring *ring, uint32_t sector)
{
    return ring->sequence - (ring->newest + ring->sectors - sector) % ring->sectors;
}

uint32_t wk_store_data_start(const struct wk_store *store, const struct wk_store_ring *ring)
{
    return padded(store, head_size(ring));
}

uint32_t wk_store_record_room(const struct wk_store *store, uint32_t size)
{
    return padded(store, WK_STORE_RECORD_HEAD + size);
}

uint32_t wk_store_room_left(const struct wk_store *store, const struct wk_store_ring *ring)
{
    return ring->filled == 0 ? 0 : store->flash->sector_size - ring->at;
}

wk_err wk_store_flash_read(const struct wk_store *store, uint32_t at, void *to, uint32_t size)
{
    return store->flash->read(store->flash->self, at, to, size);
}

static bool all_erased(const struct wk_store *store, const uint8_t *octets, uint32_t size)
{
    bool erased = true;
    for (uint32_t i = 0; i < size && erased; i++) {
        erased = octets[i] == store->flash->erased;
    }
    return erased;
}

wk_err wk_store_is_blank(const struct wk_store *store, uint32_t at, uint32_t size, bool *blank)
{
    uint8_t chunk[WK_STORE_CHUNK];
    *blank = true;
    while (size > 0 && *blank) {
        const uint32_t part = size < WK_STORE_CHUNK ? size : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, chunk, part));
        *blank = all_erased(store, chunk, part);
        at += part;
        size -= part;
    }
    return WK_OK;
}

/* Collects octets and programs whole units. */
struct writer {
    uint8_t buffer[WK_STORE_CHUNK];
    uint32_t filled;
    uint32_t at;
};

static wk_err writer_flush(struct wk_store *store, struct writer *writer)
{
    const uint32_t size = padded(store, writer->filled);
    memset(writer->buffer + writer->filled, 0, size - writer->filled);
    writer->filled = 0;
    const uint32_t at = writer->at;
    writer->at += size;
    if (size == 0) {
        return WK_OK;
    }
    return store->flash->program(store->flash->self, at, writer->buffer, size);
}

static wk_err writer_put(struct wk_store *store, struct writer *writer, const void *data,
                         uint32_t size)
{
    const uint32_t unit = store->flash->program_unit;
    const uint32_t room = WK_STORE_CHUNK / unit * unit;
    const uint8_t *from = data;
    while (size > 0) {
        const uint32_t free = room - writer->filled;
        const uint32_t part = size < free ? size : free;
        memcpy(writer->buffer + writer->filled, from, part);
        writer->filled += part;
        from += part;
        size -= part;
        if (writer->filled == room) {
            WK_TRY(writer_flush(store, writer));
        }
    }
    return WK_OK;
}

static void put_u40(struct wk_bytes_out *out, uint64_t value)
{
    wk_bytes_out_u32le(out, (uint32_t)value);
    wk_bytes_out_u8(out, (uint8_t)(value >> 32));
}

static uint64_t get_u40(struct wk_bytes_in *in)
{
    const uint32_t low = wk_bytes_in_u32le(in);
    return (uint64_t)wk_bytes_in_u8(in) << 32 | low;
}

/* ---- records ----------------------------------------------------------------------------- */

/* A record counts only where it was written: its checks begin with its place. */
static uint32_t crc_of_place(uint32_t sequence, uint32_t at)
{
    uint8_t raw[8];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_bytes_out_u32le(&out, sequence);
    wk_bytes_out_u32le(&out, at);
    return wk_crc_32(0, raw, sizeof raw);
}

/* The octets behind the value or entry. */
static uint32_t moves_size(const struct wk_store_record_head *head)
{
    return head->kind == WK_STORE_KIND_ENTRY ? 0 : head->count * WK_STORE_LOG_MOVE;
}

static uint32_t room_of(const struct wk_store *store, const struct wk_store_record_head *head)
{
    return wk_store_record_room(store, head->size + moves_size(head));
}

/* Packs all but the last check; returns the CRC so far. */
static uint32_t pack_record_head(const struct wk_store_record_head *head, uint32_t place,
                                 uint8_t raw[WK_STORE_RECORD_HEAD])
{
    struct wk_bytes_out out = wk_bytes_out_of(raw, WK_STORE_RECORD_HEAD);
    wk_bytes_out_u8(&out, (uint8_t)((uint32_t)head->kind | head->flags));
    wk_bytes_out_u8(&out, head->key);
    wk_bytes_out_u16le(&out, head->size);
    put_u40(&out, head->number);
    wk_bytes_out_u8(&out, head->count);
    const uint32_t crc = wk_crc_32(place, raw, CHECKED_FIRST);
    wk_bytes_out_u16le(&out, (uint16_t)crc);
    return wk_crc_32(crc, raw + CHECKED_FIRST, CHECKED_ALL - CHECKED_FIRST);
}

static bool head_is_possible(const struct wk_store_walk *walk, uint32_t at,
                             const struct wk_store_record_head *head)
{
    const uint32_t room = walk->end - at - WK_STORE_RECORD_HEAD;
    if (head->size > WK_STORE_SIZE_MAX || head->size + moves_size(head) > room) {
        return false;
    }
    if (walk->ring > 0) {
        return head->kind == WK_STORE_KIND_ENTRY && head->key == walk->ring - 1;
    }
    return (head->kind == WK_STORE_KIND_PUT || head->kind == WK_STORE_KIND_COMMIT) &&
           head->key < WK_STORE_KEYS && head->count <= WK_STORE_LOGS;
}

/* *crc: what the record says; *seen: the CRC so far. */
static bool unpack_record_head(const struct wk_store_walk *walk, uint32_t at,
                               const uint8_t raw[WK_STORE_RECORD_HEAD],
                               struct wk_store_record_head *head, uint32_t *crc, uint32_t *seen)
{
    struct wk_bytes_in in = wk_bytes_in_of(raw, WK_STORE_RECORD_HEAD);
    const uint8_t kind = wk_bytes_in_u8(&in);
    head->kind = (wk_store_kind)(kind & KIND_MASK);
    head->flags = kind & (uint8_t)~KIND_MASK;
    head->key = wk_bytes_in_u8(&in);
    head->size = wk_bytes_in_u16le(&in);
    head->number = get_u40(&in);
    head->count = wk_bytes_in_u8(&in);
    const uint16_t check = wk_bytes_in_u16le(&in);
    *crc = wk_bytes_in_u32le(&in);
    *seen = wk_crc_32(crc_of_place(walk->sequence, at), raw, CHECKED_FIRST);
    const bool valid = check == (uint16_t)*seen;
    *seen = wk_crc_32(*seen, raw + CHECKED_FIRST, CHECKED_ALL - CHECKED_FIRST);
    return valid && head_is_possible(walk, at, head);
}

/* Goes on with a CRC over octets of the device. */
static wk_err crc_of_octets(const struct wk_store *store, uint32_t at, uint32_t size,
                            uint32_t *crc)
{
    uint8_t chunk[WK_STORE_CHUNK];
    while (size > 0) {
        const uint32_t part = size < WK_STORE_CHUNK ? size : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, chunk, part));
        *crc = wk_crc_32(*crc, chunk, part);
        at += part;
        size -= part;
    }
    return WK_OK;
}

wk_err wk_store_read_record(const struct wk_store *store, const struct wk_store_walk *walk,
                            uint32_t at, struct wk_store_record_head *head)
{
    uint8_t raw[WK_STORE_RECORD_HEAD];
    uint32_t crc;
    uint32_t seen;
    if (at + WK_STORE_RECORD_HEAD > walk->end) {
        return WK_E_FORMAT;
    }
    WK_TRY(wk_store_flash_read(store, at, raw, WK_STORE_RECORD_HEAD));
    if (all_erased(store, raw, WK_STORE_RECORD_HEAD)) {
        bool blank;
        const uint32_t unit = padded(store, WK_STORE_RECORD_HEAD);
        WK_TRY(wk_store_is_blank(store, at + WK_STORE_RECORD_HEAD, unit - WK_STORE_RECORD_HEAD,
                                 &blank));
        return blank ? WK_E_NOT_FOUND : WK_E_FORMAT;
    }
    if (!unpack_record_head(walk, at, raw, head, &crc, &seen)) {
        return WK_E_FORMAT;
    }
    if (walk->heads_only) {
        return WK_OK;
    }
    WK_TRY(
        crc_of_octets(store, at + WK_STORE_RECORD_HEAD, head->size + moves_size(head), &seen));
    return crc == seen ? WK_OK : WK_E_CORRUPT;
}

wk_err wk_store_read_moves(const struct wk_store *store, uint32_t at,
                           const struct wk_store_record_head *head,
                           uint64_t heads[WK_STORE_LOGS])
{
    uint8_t raw[WK_STORE_LOGS * WK_STORE_LOG_MOVE];
    const uint32_t size = moves_size(head);
    WK_TRY(wk_store_flash_read(store, at + WK_STORE_RECORD_HEAD + head->size, raw, size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    for (uint32_t i = 0; i < head->count; i++) {
        const uint8_t log = wk_bytes_in_u8(&in);
        const uint64_t next = get_u40(&in);
        if (log < WK_STORE_LOGS) {
            heads[log] = next;
        }
    }
    return WK_OK;
}

wk_err wk_store_write_record(struct wk_store *store, struct wk_store_ring *ring,
                             const struct wk_store_record_head *head, const void *data,
                             const uint8_t *moves)
{
    uint8_t raw[WK_STORE_RECORD_HEAD];
    struct writer writer = {.at = wk_store_sector_at(store, ring, ring->newest) + ring->at};
    struct wk_store_record_head now = *head;
    now.flags |= ring->resumes ? WK_STORE_RESUMES : 0U;
    uint32_t crc = pack_record_head(&now, crc_of_place(ring->sequence, writer.at), raw);
    crc = wk_crc_32(wk_crc_32(crc, data, head->size), moves, moves_size(head));
    struct wk_bytes_out out = wk_bytes_out_of(raw + CHECKED_ALL, CRC_SIZE);
    wk_bytes_out_u32le(&out, crc);
    ring->at += room_of(store, head);
    ring->resumes = false;
    WK_TRY(writer_put(store, &writer, raw, WK_STORE_RECORD_HEAD));
    WK_TRY(writer_put(store, &writer, data, head->size));
    WK_TRY(writer_put(store, &writer, moves, moves_size(head)));
    return writer_flush(store, &writer);
}

/* Checks the record at `from`, of the sector before, and computes what a copy of its value under
 * the head `now` has for a CRC. */
static wk_err crc_of_copy(const struct wk_store *store, uint32_t from, uint32_t sequence,
                          struct wk_store_record_head *now, uint32_t *crc)
{
    uint8_t raw[WK_STORE_RECORD_HEAD];
    uint32_t wanted;
    uint32_t seen;
    struct wk_store_record_head old;
    const uint32_t sector = store->flash->sector_size;
    const struct wk_store_walk walk = {.sequence = sequence,
                                       .end = from / sector * sector + sector};
    WK_TRY(wk_store_flash_read(store, from, raw, WK_STORE_RECORD_HEAD));
    if (!unpack_record_head(&walk, from, raw, &old, &wanted, &seen) ||
        old.kind != WK_STORE_KIND_PUT || old.key != now->key) {
        return WK_E_CORRUPT;
    }
    now->size = old.size;
    *crc = pack_record_head(now, *crc, raw);
    uint8_t chunk[WK_STORE_CHUNK];
    uint32_t at = from + WK_STORE_RECORD_HEAD;
    uint32_t left = old.size;
    while (left > 0) {
        const uint32_t part = left < WK_STORE_CHUNK ? left : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, chunk, part));
        seen = wk_crc_32(seen, chunk, part);
        *crc = wk_crc_32(*crc, chunk, part);
        at += part;
        left -= part;
    }
    WK_TRY(crc_of_octets(store, at, moves_size(&old), &seen));
    return seen == wanted ? WK_OK : WK_E_CORRUPT;
}

wk_err wk_store_copy_record(struct wk_store *store, struct wk_store_ring *ring, uint32_t from,
                            uint64_t number, uint8_t key)
{
    uint8_t raw[WK_STORE_CHUNK];
    struct writer writer = {.at = wk_store_sector_at(store, ring, ring->newest) + ring->at};
    struct wk_store_record_head head = {
        .kind = WK_STORE_KIND_PUT, .key = key, .number = number};
    uint32_t crc = crc_of_place(ring->sequence, writer.at);
    WK_TRY(crc_of_copy(store, from, ring->sequence - 1, &head, &crc));
    (void)pack_record_head(&head, crc_of_place(ring->sequence, writer.at), raw);
    struct wk_bytes_out out = wk_bytes_out_of(raw + CHECKED_ALL, CRC_SIZE);
    wk_bytes_out_u32le(&out, crc);
    ring->at += room_of(store, &head);
    WK_TRY(writer_put(store, &writer, raw, WK_STORE_RECORD_HEAD));
    uint32_t at = from + WK_STORE_RECORD_HEAD;
    uint32_t left = head.size;
    while (left > 0) {
        const uint32_t part = left < WK_STORE_CHUNK ? left : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, raw, part));
        WK_TRY(writer_put(store, &writer, raw, part));
        at += part;
        left -= part;
    }
    return writer_flush(store, &writer);
}

/* ---- the walk ---------------------------------------------------------------------------- */

struct wk_store_walk wk_store_walk_of(const struct wk_store *store,
                                      const struct wk_store_ring *ring, uint32_t sector)
{
    const uint32_t base = wk_store_sector_at(store, ring, sector);
    const uint32_t end = base + store->flash->sector_size;
    return (struct wk_store_walk){.at = base + wk_store_data_start(store, ring),
                                  .end = end,
                                  .limit = end,
                                  .sequence = wk_store_sequence_of(ring, sector),
                                  .ring = ring->id};
}

static void step_over(const struct wk_store *store, struct wk_store_walk *walk, wk_err err,
                      const struct wk_store_record_head *head)
{
    walk->torn = true;
    if (err == WK_E_CORRUPT) {
        walk->torn_keys |= UINT64_C(1) << head->key % WK_STORE_KEYS;
        walk->at += room_of(store, head);
        return;
    }
    walk->torn_blindly = true;
    walk->torn_at = walk->torn_end == walk->at ? walk->torn_at : walk->at;
    walk->at += store->flash->program_unit;
    walk->torn_end = walk->at;
}

wk_err wk_store_walk_next(const struct wk_store *store, struct wk_store_walk *walk,
                          struct wk_store_record_head *head)
{
    walk->torn = false;
    walk->torn_blindly = false;
    walk->torn_keys = 0;
    while (walk->at < walk->limit && walk->at + WK_STORE_RECORD_HEAD <= walk->end) {
        const wk_err err = wk_store_read_record(store, walk, walk->at, head);
        if (err == WK_OK) {
            walk->found = walk->at;
            walk->at += room_of(store, head);
            return WK_OK;
        }
        if (err == WK_E_NOT_FOUND) {
            break;
        }
        if (err != WK_E_CORRUPT && err != WK_E_FORMAT) {
            return err;
        }
        step_over(store, walk, err, head);
    }
    /* Of a record head that was cut off, units may be programmed that read as erased. */
    const uint32_t behind = walk->torn_at + padded(store, WK_STORE_RECORD_HEAD);
    if (walk->torn_blindly && walk->at < behind) {
        walk->at = behind < walk->end ? behind : walk->end;
    }
    return WK_E_NOT_FOUND;
}

/* ---- sectors ----------------------------------------------------------------------------- */

static void unpack_sector_body(const struct wk_store_ring *ring, struct wk_bytes_in *in,
                               struct wk_store_sector_head *head)
{
    if (ring->id > 0) {
        head->first = get_u40(in);
        head->staged = wk_bytes_in_u8(in);
        return;
    }
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        head->heads[log] = get_u40(in);
    }
}

wk_err wk_store_read_sector_head(const struct wk_store *store, const struct wk_store_ring *ring,
                                 uint32_t sector, struct wk_store_sector_head *head)
{
    uint8_t raw[WK_STORE_KV_HEAD];
    const uint32_t size = head_size(ring);
    WK_TRY(wk_store_flash_read(store, wk_store_sector_at(store, ring, sector), raw, size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    *head = (struct wk_store_sector_head){0};
    const uint32_t magic = wk_bytes_in_u32le(&in);
    const uint8_t id = wk_bytes_in_u8(&in);
    head->sequence = wk_bytes_in_u32le(&in);
    unpack_sector_body(ring, &in, head);
    const uint32_t crc = wk_bytes_in_u32le(&in);
    const bool valid = magic == MAGIC && id == ring->id && head->sequence > 0 &&
                       head->staged <= head->first && crc == wk_crc_32(0, raw, size - CRC_SIZE);
    return valid ? WK_OK : WK_E_CORRUPT;
}

wk_err wk_store_write_sector_head(struct wk_store *store, const struct wk_store_ring *ring,
                                  const struct wk_store_sector_head *head)
{
    uint8_t raw[WK_STORE_KV_HEAD];
    const uint32_t size = head_size(ring);
    struct wk_bytes_out out = wk_bytes_out_of(raw, size);
    wk_bytes_out_u32le(&out, MAGIC);
    wk_bytes_out_u8(&out, ring->id);
    wk_bytes_out_u32le(&out, ring->sequence);
    if (ring->id > 0) {
        put_u40(&out, head->first);
        wk_bytes_out_u8(&out, head->staged);
    }
    for (uint32_t log = 0; ring->id == 0 && log < WK_STORE_LOGS; log++) {
        put_u40(&out, head->heads[log]);
    }
    wk_bytes_out_u32le(&out, wk_crc_32(0, raw, size - CRC_SIZE));
    struct writer writer = {.at = wk_store_sector_at(store, ring, ring->newest)};
    WK_TRY(writer_put(store, &writer, raw, size));
    return writer_flush(store, &writer);
}

wk_err wk_store_is_other_format(const struct wk_store *store, uint32_t at, bool *other)
{
    uint8_t raw[CRC_SIZE];
    WK_TRY(wk_store_flash_read(store, at, raw, sizeof raw));
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    const uint32_t magic = wk_bytes_in_u32le(&in);
    *other = (magic & MAGIC_MASK) == MAGIC_ANY && magic != MAGIC;
    return WK_OK;
}
