/* SPDX-License-Identifier: Apache-2.0 */
#include "management/store_medium.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"

#define MAGIC  0x31534B57U /* "WKS1", little-endian */
#define FORMAT 1

/* ---- octets on the device ---------------------------------------------------------------- */

static uint32_t padded(const struct wk_store *store, uint32_t size)
{
    const uint32_t unit = store->flash->program_unit;
    return (size + unit - 1) / unit * unit;
}

uint32_t wk_store_sector_at(const struct wk_store *store, const struct wk_store_ring *ring,
                            uint32_t sector)
{
    return (ring->first + sector % ring->sectors) * store->flash->sector_size;
}

uint32_t wk_store_data_start(const struct wk_store *store)
{
    return padded(store, WK_STORE_SECTOR_HEAD);
}

uint32_t wk_store_record_room(const struct wk_store *store, uint16_t size)
{
    return padded(store, WK_STORE_RECORD_HEAD + size);
}

wk_err wk_store_flash_read(const struct wk_store *store, uint32_t at, void *to, uint32_t size)
{
    return store->flash->read(store->flash->self, at, to, size);
}

wk_err wk_store_writer_flush(struct wk_store *store, struct wk_store_writer *writer)
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

wk_err wk_store_writer_put(struct wk_store *store, struct wk_store_writer *writer,
                           const void *data, size_t size)
{
    const uint32_t room =
        WK_STORE_CHUNK / store->flash->program_unit * store->flash->program_unit;
    const uint8_t *from = data;
    while (size > 0) {
        const uint32_t free = room - writer->filled;
        const uint32_t part = size < free ? (uint32_t)size : free;
        memcpy(writer->buffer + writer->filled, from, part);
        writer->filled += part;
        from += part;
        size -= part;
        if (writer->filled == room) {
            WK_TRY(wk_store_writer_flush(store, writer));
        }
    }
    return WK_OK;
}

wk_err wk_store_is_blank(const struct wk_store *store, uint32_t at, uint32_t size, bool *blank)
{
    uint8_t chunk[WK_STORE_CHUNK];
    *blank = true;
    while (size > 0 && *blank) {
        const uint32_t part = size < WK_STORE_CHUNK ? size : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, at, chunk, part));
        for (uint32_t i = 0; i < part; i++) {
            *blank = *blank && chunk[i] == store->flash->erased;
        }
        at += part;
        size -= part;
    }
    return WK_OK;
}

/* ---- records ----------------------------------------------------------------------------- */

static void pack_record_head(const struct wk_store_record_head *head,
                             uint8_t raw[WK_STORE_RECORD_HEAD])
{
    struct wk_bytes_out out = wk_bytes_out_of(raw, WK_STORE_RECORD_HEAD);
    wk_bytes_out_u16le(&out, head->size);
    wk_bytes_out_u8(&out, head->kind);
    wk_bytes_out_u8(&out, head->key);
    wk_bytes_out_u64le(&out, head->number);
    wk_bytes_out_u32le(&out, head->crc);
}

struct wk_store_record_head wk_store_unpack_record_head(const uint8_t raw[WK_STORE_RECORD_HEAD])
{
    struct wk_bytes_in in = wk_bytes_in_of(raw, WK_STORE_RECORD_HEAD);
    struct wk_store_record_head head;
    head.size = wk_bytes_in_u16le(&in);
    head.kind = wk_bytes_in_u8(&in);
    head.key = wk_bytes_in_u8(&in);
    head.number = wk_bytes_in_u64le(&in);
    head.crc = wk_bytes_in_u32le(&in);
    return head;
}

/* Reads the record at `at` of a sector that ends at `end`. WK_E_CORRUPT: there is none. */
wk_err wk_store_check_record(const struct wk_store *store, uint32_t at, uint32_t end,
                             struct wk_store_record_head *head)
{
    uint8_t chunk[WK_STORE_CHUNK];
    if (at + WK_STORE_RECORD_HEAD > end) {
        return WK_E_CORRUPT;
    }
    WK_TRY(wk_store_flash_read(store, at, chunk, WK_STORE_RECORD_HEAD));
    *head = wk_store_unpack_record_head(chunk);
    if (head->kind < WK_STORE_KIND_PUT || head->kind > WK_STORE_KIND_ENTRY ||
        head->key >= WK_STORE_KEYS || head->size > end - at - WK_STORE_RECORD_HEAD) {
        return WK_E_CORRUPT;
    }
    uint32_t crc = wk_crc_32(0, chunk, WK_STORE_RECORD_HEAD - 4);
    uint32_t from = at + WK_STORE_RECORD_HEAD;
    uint32_t left = head->size;
    while (left > 0) {
        const uint32_t part = left < WK_STORE_CHUNK ? left : WK_STORE_CHUNK;
        WK_TRY(wk_store_flash_read(store, from, chunk, part));
        crc = wk_crc_32(crc, chunk, part);
        from += part;
        left -= part;
    }
    return crc == head->crc ? WK_OK : WK_E_CORRUPT;
}

/* Programs a record at ring->at, which must have room for it. */
wk_err wk_store_write_record(struct wk_store *store, struct wk_store_ring *ring,
                             struct wk_store_record_head head, const void *data)
{
    uint8_t raw[WK_STORE_RECORD_HEAD];
    pack_record_head(&head, raw);
    head.crc = wk_crc_32(wk_crc_32(0, raw, WK_STORE_RECORD_HEAD - 4), data, head.size);
    pack_record_head(&head, raw);
    struct wk_store_writer writer = {.at = wk_store_sector_at(store, ring, ring->newest) +
                                           ring->at};
    ring->at += wk_store_record_room(store, head.size);
    WK_TRY(wk_store_writer_put(store, &writer, raw, WK_STORE_RECORD_HEAD));
    WK_TRY(wk_store_writer_put(store, &writer, data, head.size));
    return wk_store_writer_flush(store, &writer);
}

uint32_t wk_store_room_left(const struct wk_store *store, const struct wk_store_ring *ring)
{
    return ring->filled == 0 || ring->sealed ? 0 : store->flash->sector_size - ring->at;
}

/* ---- sectors ----------------------------------------------------------------------------- */

wk_err wk_store_read_sector_head(const struct wk_store *store, const struct wk_store_ring *ring,
                                 uint32_t sector, struct wk_store_sector_head *head)
{
    uint8_t raw[WK_STORE_SECTOR_HEAD];
    WK_TRY(wk_store_flash_read(store, wk_store_sector_at(store, ring, sector), raw,
                               WK_STORE_SECTOR_HEAD));
    struct wk_bytes_in in = wk_bytes_in_of(raw, WK_STORE_SECTOR_HEAD);
    const uint32_t magic = wk_bytes_in_u32le(&in);
    const uint8_t format = wk_bytes_in_u8(&in);
    head->region = wk_bytes_in_u8(&in);
    (void)wk_bytes_in_u16le(&in);
    head->sequence = wk_bytes_in_u64le(&in);
    head->first = wk_bytes_in_u64le(&in);
    const uint32_t crc = wk_bytes_in_u32le(&in);
    const bool valid = magic == MAGIC && format == FORMAT &&
                       head->region == (uint8_t)ring->first &&
                       crc == wk_crc_32(0, raw, WK_STORE_SECTOR_HEAD - 8);
    return valid ? WK_OK : WK_E_CORRUPT;
}

wk_err wk_store_write_sector_head(struct wk_store *store, const struct wk_store_ring *ring,
                                  uint64_t first)
{
    uint8_t raw[WK_STORE_SECTOR_HEAD] = {0};
    struct wk_bytes_out out = wk_bytes_out_of(raw, WK_STORE_SECTOR_HEAD);
    wk_bytes_out_u32le(&out, MAGIC);
    wk_bytes_out_u8(&out, FORMAT);
    wk_bytes_out_u8(&out, (uint8_t)ring->first);
    wk_bytes_out_u16le(&out, 0);
    wk_bytes_out_u64le(&out, ring->sequence);
    wk_bytes_out_u64le(&out, first);
    wk_bytes_out_u32le(&out, wk_crc_32(0, raw, WK_STORE_SECTOR_HEAD - 8));
    struct wk_store_writer writer = {.at = wk_store_sector_at(store, ring, ring->newest)};
    WK_TRY(wk_store_writer_put(store, &writer, raw, WK_STORE_SECTOR_HEAD));
    return wk_store_writer_flush(store, &writer);
}
