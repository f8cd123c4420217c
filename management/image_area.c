/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks in the flash area. A cut may leave the unit under way with any content, and a unit must
 * not be programmed twice: so a block says in the journal that it begins, and one that began and
 * did not end costs an erase of its sector, whose other blocks wait elsewhere meanwhile. */
#include "management/image_part.h"

#include <string.h>

#define MEND_SECTOR 2

uint32_t wk_image_area_begin(const struct wk_image_config *config)
{
    return WK_IMAGE_SECTORS * config->area->sector_size;
}

uint32_t wk_image_area_room(const struct wk_image_config *config)
{
    const uint32_t flash =
        (config->area->sector_count - WK_IMAGE_SECTORS) * config->area->sector_size;
    const uint64_t bits = (uint64_t)config->received_size * 8 * config->block_size;
    return bits < flash ? (uint32_t)bits : flash;
}

static uint32_t sector_of(const struct wk_image *image, uint32_t number)
{
    const uint32_t size = image->config.area->sector_size;
    const uint32_t at = wk_image_area_begin(&image->config) + number * image->config.block_size;
    return at / size * size;
}

/* How many blocks of the sector of `number` are received, and the first of them all. */
static uint32_t neighbours(const struct wk_image *image, uint32_t number, uint32_t *first)
{
    const uint32_t each = image->config.area->sector_size / image->config.block_size;
    uint32_t count = 0;
    *first = number / each * each;
    for (uint32_t i = 0; i < each; i++) {
        count += wk_image_has(image, *first + i) ? 1 : 0;
    }
    return count;
}

/* Octets of a block on the device: whole units. */
static uint32_t room_of(const struct wk_image *image, uint32_t number)
{
    const uint32_t unit = image->config.area->program_unit;
    const uint32_t left = image->size - number * image->config.block_size;
    const uint32_t size = left < image->config.block_size ? left : image->config.block_size;
    return (size + unit - 1) / unit * unit;
}

static wk_err copy(const struct wk_hal_flash *flash, uint32_t from, uint32_t to, uint32_t size)
{
    uint8_t chunk[WK_IMAGE_CHUNK];
    for (uint32_t done = 0; done < size; done += sizeof chunk) {
        const uint32_t part = size - done < sizeof chunk ? size - done : sizeof chunk;
        WK_TRY(flash->read(flash->self, from + done, chunk, part));
        WK_TRY(flash->program(flash->self, to + done, chunk, part));
    }
    return WK_OK;
}

/* Copies the received blocks of a sector to another place, which is erased first. */
static wk_err carry(const struct wk_image *image, uint32_t first, uint32_t from, uint32_t to)
{
    const struct wk_hal_flash *flash = image->config.area;
    const uint32_t block = image->config.block_size;
    WK_TRY(flash->erase(flash->self, to));
    for (uint32_t i = 0; i < flash->sector_size / block; i++) {
        if (wk_image_has(image, first + i)) {
            WK_TRY(copy(flash, from + i * block, to + i * block, room_of(image, first + i)));
        }
    }
    return flash->sync(flash->self);
}

wk_err wk_image_area_mend(struct wk_image *image)
{
    const struct wk_hal_flash *flash = image->config.area;
    const uint32_t spare = MEND_SECTOR * flash->sector_size;
    const uint32_t number = image->begun;
    uint32_t first;
    if (number == WK_IMAGE_NO_BLOCK) {
        return WK_OK;
    }
    const uint32_t sector = sector_of(image, number);
    if (neighbours(image, number, &first) == 0) {
        WK_TRY(flash->erase(flash->self, sector));
    } else {
        if (!image->moved) {
            WK_TRY(carry(image, first, sector, spare));
            WK_TRY(wk_image_journal_add(image, WK_IMAGE_ENTRY_MOVED, 0, number));
            image->moved = true;
            WK_TRY(flash->sync(flash->self));
        }
        WK_TRY(carry(image, first, spare, sector));
    }
    WK_TRY(wk_image_journal_add(image, WK_IMAGE_ENTRY_DROPPED, 0, number));
    image->begun = WK_IMAGE_NO_BLOCK;
    image->moved = false;
    return flash->sync(flash->self);
}

static wk_err program(struct wk_image *image, uint32_t number, const uint8_t *octets,
                      uint32_t size)
{
    const struct wk_hal_flash *flash = image->config.area;
    const uint32_t at = wk_image_area_begin(&image->config) + number * image->config.block_size;
    const uint32_t whole = size / WK_IMAGE_CHUNK * WK_IMAGE_CHUNK;
    uint8_t chunk[WK_IMAGE_CHUNK] = {0};
    if (whole > 0) {
        WK_TRY(flash->program(flash->self, at, octets, whole));
    }
    if (size > whole) {
        memcpy(chunk, octets + whole, size - whole);
        WK_TRY(flash->program(flash->self, at + whole, chunk, room_of(image, number) - whole));
    }
    return WK_OK;
}

wk_err wk_image_area_write(struct wk_image *image, uint32_t number, const uint8_t *octets,
                           size_t size)
{
    const struct wk_hal_flash *flash = image->config.area;
    uint32_t first;
    WK_TRY(wk_image_area_mend(image)); /* the device may have refused the last one */
    WK_TRY(wk_image_journal_add(image, WK_IMAGE_ENTRY_BEGUN, 0, number));
    image->begun = number;
    if (neighbours(image, number, &first) == 0) {
        WK_TRY(flash->erase(flash->self, sector_of(image, number)));
    }
    WK_TRY(program(image, number, octets, (uint32_t)size));
    WK_TRY(flash->sync(flash->self)); /* before the journal may say that it is here */
    WK_TRY(wk_image_journal_add(image, WK_IMAGE_ENTRY_DONE, 0, number));
    wk_image_mark(image, number, true);
    image->begun = WK_IMAGE_NO_BLOCK;
    return WK_OK;
}
