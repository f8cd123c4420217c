/* SPDX-License-Identifier: Apache-2.0
 *
 * Two sectors by turns: a head that has everything, then entries of what changed. */
#include "management/image_part.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"

#define FORMAT     1
#define FIXED      100 /* octets of a head before the bitmap */
#define CHECK      4
#define ENTRY      12 /* octets of an entry, before it is filled up to whole units */
#define IS_ENABLED 0x01
#define IS_MOVED   0x02
#define LEAST_ROOM 8 /* entries that a sector takes at least */

static const uint8_t k_magic[4] = {'W', 'K', 'I', 'J'};

static uint32_t whole_units(const struct wk_image_config *config, uint32_t size)
{
    const uint32_t unit = config->area->program_unit;
    return (size + unit - 1) / unit * unit;
}

uint32_t wk_image_journal_head(const struct wk_image_config *config, uint32_t bitmap)
{
    return whole_units(config, FIXED + bitmap + CHECK) +
           LEAST_ROOM * whole_units(config, ENTRY);
}

static uint32_t bitmap_size(const struct wk_image *image)
{
    return (wk_image_blocks(image) + 7) / 8;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* Octets that go to the device chunk by chunk. */
struct tape {
    const struct wk_hal_flash *flash;
    uint32_t at;
    uint32_t crc;
    uint32_t fill;
    wk_err fault;
    uint8_t chunk[WK_IMAGE_CHUNK];
};

static void flush(struct tape *tape, uint32_t size)
{
    if (tape->fault == WK_OK && size > 0) {
        tape->fault = tape->flash->program(tape->flash->self, tape->at, tape->chunk, size);
    }
    tape->at += size;
    tape->fill = 0;
}

static void put(struct tape *tape, const void *data, uint32_t size)
{
    const uint8_t *octets = data;
    tape->crc = wk_crc_32(tape->crc, data, size);
    for (uint32_t i = 0; i < size; i++) {
        tape->chunk[tape->fill++] = octets[i];
        if (tape->fill == sizeof tape->chunk) {
            flush(tape, tape->fill);
        }
    }
}

/* The check, then zeros up to a whole unit. */
static wk_err finish(struct tape *tape)
{
    uint8_t check[CHECK];
    struct wk_bytes_out out = wk_bytes_out_of(check, sizeof check);
    const uint32_t unit = tape->flash->program_unit;
    wk_bytes_out_u32le(&out, tape->crc);
    put(tape, check, sizeof check);
    while (tape->fill % unit != 0) {
        tape->chunk[tape->fill++] = 0;
    }
    flush(tape, tape->fill);
    return tape->fault;
}

static void put_fixed(struct tape *tape, const struct wk_image *image, uint32_t generation)
{
    uint8_t fixed[FIXED];
    struct wk_bytes_out out = wk_bytes_out_of(fixed, sizeof fixed);
    const uint8_t flags =
        (uint8_t)((image->enabled ? IS_ENABLED : 0) | (image->moved ? IS_MOVED : 0));
    wk_bytes_out_put(&out, k_magic, sizeof k_magic);
    wk_bytes_out_u8(&out, FORMAT);
    wk_bytes_out_u8(&out, image->status);
    wk_bytes_out_u8(&out, flags);
    wk_bytes_out_u8(&out, image->refusal);
    wk_bytes_out_u32le(&out, generation);
    wk_bytes_out_u32le(&out, image->size);
    wk_bytes_out_u32le(&out, image->config.block_size);
    wk_bytes_out_u32le(&out, image->begun);
    wk_bytes_out_u64le(&out, image->floor);
    wk_bytes_out_u8(&out, image->identifier_size);
    wk_bytes_out_put(&out, image->identifier, WK_IMAGE_IDENTIFIER);
    wk_bytes_out_u8(&out, 0);
    wk_bytes_out_u16le(&out, (uint16_t)bitmap_size(image));
    put(tape, fixed, sizeof fixed);
}

wk_err wk_image_journal_begin(struct wk_image *image)
{
    const struct wk_hal_flash *flash = image->config.area;
    struct wk_image_journal *journal = &image->journal;
    const uint32_t sector = 1 - journal->sector;
    struct tape tape = {.flash = flash, .at = sector * flash->sector_size};
    WK_TRY(flash->erase(flash->self, tape.at));
    put_fixed(&tape, image, journal->generation + 1);
    put(&tape, image->config.received, bitmap_size(image));
    WK_TRY(finish(&tape));
    WK_TRY(flash->sync(flash->self));
    *journal = (struct wk_image_journal){
        .generation = journal->generation + 1, .sector = sector, .at = tape.at};
    return WK_OK;
}

static uint32_t entry_check(uint32_t generation, const uint8_t *octets)
{
    uint8_t life[4];
    struct wk_bytes_out out = wk_bytes_out_of(life, sizeof life);
    wk_bytes_out_u32le(&out, generation);
    return wk_crc_32(wk_crc_32(0, life, sizeof life), octets, ENTRY - CHECK);
}

wk_err wk_image_journal_add(struct wk_image *image, wk_image_entry kind, uint8_t detail,
                            uint32_t value)
{
    const struct wk_hal_flash *flash = image->config.area;
    struct wk_image_journal *journal = &image->journal;
    const uint32_t size = whole_units(&image->config, ENTRY);
    uint8_t octets[WK_IMAGE_CHUNK] = {0};
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    if (journal->stale || journal->at + size > (journal->sector + 1) * flash->sector_size) {
        WK_TRY(wk_image_journal_begin(image));
    }
    wk_bytes_out_u8(&out, (uint8_t)kind);
    wk_bytes_out_u8(&out, detail);
    wk_bytes_out_u16le(&out, 0);
    wk_bytes_out_u32le(&out, value);
    wk_bytes_out_u32le(&out, entry_check(journal->generation, octets));
    const wk_err err = flash->program(flash->self, journal->at, octets, size);
    journal->at += size;
    journal->stale = err != WK_OK;
    return err;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool read_generation(const uint8_t *fixed, uint32_t *generation)
{
    struct wk_bytes_in in = wk_bytes_in_of(fixed, FIXED);
    const uint8_t *magic = wk_bytes_in_take(&in, sizeof k_magic);
    const bool known =
        memcmp(magic, k_magic, sizeof k_magic) == 0 && wk_bytes_in_u8(&in) == FORMAT;
    (void)wk_bytes_in_take(&in, 3);
    *generation = wk_bytes_in_u32le(&in);
    return known;
}

/* Whether a sector has a head that is whole; 0 for its generation if not. */
static wk_err look(const struct wk_image_config *config, uint32_t sector, uint32_t *generation)
{
    const struct wk_hal_flash *flash = config->area;
    uint8_t octets[FIXED];
    uint32_t at = sector * flash->sector_size;
    *generation = 0;
    WK_TRY(flash->read(flash->self, at, octets, FIXED));
    uint32_t found = 0;
    uint32_t left = (uint32_t)(octets[FIXED - 2] | octets[FIXED - 1] << 8);
    uint32_t crc = wk_crc_32(0, octets, FIXED);
    if (!read_generation(octets, &found) || FIXED + left + CHECK > flash->sector_size) {
        return WK_OK;
    }
    at += FIXED;
    while (left > 0) {
        const uint32_t part = left < FIXED ? left : FIXED;
        WK_TRY(flash->read(flash->self, at, octets, part));
        crc = wk_crc_32(crc, octets, part);
        at += part;
        left -= part;
    }
    WK_TRY(flash->read(flash->self, at, octets, CHECK));
    struct wk_bytes_in in = wk_bytes_in_of(octets, CHECK);
    *generation = wk_bytes_in_u32le(&in) == crc ? found : 0;
    return WK_OK;
}

/* Of a head that is whole. An image of another block size is forgotten, but not which versions
 * ran. */
static wk_err take_head(struct wk_image *image)
{
    const struct wk_hal_flash *flash = image->config.area;
    const uint32_t at = image->journal.sector * flash->sector_size;
    uint8_t fixed[FIXED];
    WK_TRY(flash->read(flash->self, at, fixed, FIXED));
    struct wk_bytes_in in = wk_bytes_in_of(fixed, FIXED);
    (void)wk_bytes_in_take(&in, 5);
    image->status = wk_bytes_in_u8(&in);
    const uint8_t flags = wk_bytes_in_u8(&in);
    image->refusal = wk_bytes_in_u8(&in);
    (void)wk_bytes_in_u32le(&in);
    image->size = wk_bytes_in_u32le(&in);
    const uint32_t block_size = wk_bytes_in_u32le(&in);
    image->begun = wk_bytes_in_u32le(&in);
    image->floor = wk_bytes_in_u64le(&in);
    image->identifier_size = wk_bytes_in_u8(&in);
    wk_bytes_in_copy(&in, image->identifier, WK_IMAGE_IDENTIFIER);
    (void)wk_bytes_in_u8(&in);
    const uint32_t bitmap = wk_bytes_in_u16le(&in);
    image->enabled = (flags & IS_ENABLED) != 0;
    image->moved = (flags & IS_MOVED) != 0;
    image->journal.at = at + whole_units(&image->config, FIXED + bitmap + CHECK);
    if (block_size != image->config.block_size || bitmap > image->config.received_size ||
        bitmap != bitmap_size(image) || image->size > wk_image_area_room(&image->config)) {
        image->status = WK_IMAGE_NOT_INITIATED;
        image->begun = WK_IMAGE_NO_BLOCK;
        image->moved = false;
        image->size = 0;
        return WK_OK;
    }
    return flash->read(flash->self, at + FIXED, image->config.received, bitmap);
}

static void take_entry(struct wk_image *image, uint8_t kind, uint8_t detail, uint32_t value)
{
    switch (kind) {
    case WK_IMAGE_ENTRY_BEGUN:
        image->begun = value;
        break;
    case WK_IMAGE_ENTRY_DONE:
        wk_image_mark(image, value, true);
        image->begun = WK_IMAGE_NO_BLOCK;
        break;
    case WK_IMAGE_ENTRY_MOVED:
        image->moved = true;
        break;
    case WK_IMAGE_ENTRY_DROPPED:
        image->begun = WK_IMAGE_NO_BLOCK;
        image->moved = false;
        break;
    case WK_IMAGE_ENTRY_STATUS:
        image->status = detail;
        image->refusal = (uint8_t)value;
        break;
    default:
        image->enabled = value != 0;
        break;
    }
}

/* Up to the first that does not count: there a cut or nothing was. */
static wk_err take_entries(struct wk_image *image)
{
    const struct wk_hal_flash *flash = image->config.area;
    struct wk_image_journal *journal = &image->journal;
    const uint32_t end = (journal->sector + 1) * flash->sector_size;
    const uint32_t step = whole_units(&image->config, ENTRY);
    uint8_t octets[ENTRY];
    for (; journal->at + step <= end; journal->at += step) {
        WK_TRY(flash->read(flash->self, journal->at, octets, ENTRY));
        struct wk_bytes_in in = wk_bytes_in_of(octets, ENTRY);
        const uint8_t kind = wk_bytes_in_u8(&in);
        const uint8_t detail = wk_bytes_in_u8(&in);
        (void)wk_bytes_in_u16le(&in);
        const uint32_t value = wk_bytes_in_u32le(&in);
        if (wk_bytes_in_u32le(&in) != entry_check(journal->generation, octets)) {
            return WK_OK;
        }
        take_entry(image, kind, detail, value);
    }
    return WK_OK;
}

wk_err wk_image_journal_read(struct wk_image *image)
{
    struct wk_image_journal *journal = &image->journal;
    uint32_t generation[2];
    WK_TRY(look(&image->config, 0, &generation[0]));
    WK_TRY(look(&image->config, 1, &generation[1]));
    if (generation[0] == 0 && generation[1] == 0) {
        return WK_E_NOT_FOUND;
    }
    journal->sector = generation[1] > generation[0] ? 1 : 0;
    journal->generation = generation[journal->sector];
    journal->stale = true;
    WK_TRY(take_head(image));
    return take_entries(image);
}
