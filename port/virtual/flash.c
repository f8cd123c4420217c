/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/flash.h"

#include <string.h>

static uint32_t next_random(struct wk_flash *flash)
{
    flash->random = flash->random * 1664525U + 1013904223U;
    return flash->random >> 8;
}

static bool is_within(const struct wk_flash *flash, uint32_t at, uint32_t size)
{
    const uint32_t all = flash->port.sector_size * flash->port.sector_count;
    return size <= all && at <= all - size;
}

static wk_err flash_read(void *self, uint32_t at, void *to, uint32_t size)
{
    struct wk_flash *flash = self;
    if (flash->off || !is_within(flash, at, size)) {
        return WK_E_IO;
    }
    flash->read += size;
    memcpy(to, flash->octets + at, size);
    return WK_OK;
}

static void tear_unit(struct wk_flash *flash, uint32_t at, const uint8_t *from)
{
    for (uint32_t i = 0; i < flash->port.program_unit; i++) {
        flash->octets[at + i] &= (uint8_t)(from[i] | next_random(flash));
    }
}

static bool reads_erased(const struct wk_flash *flash, uint32_t at)
{
    for (uint32_t i = 0; i < flash->port.program_unit; i++) {
        if (flash->octets[at + i] != flash->port.erased) {
            return false;
        }
    }
    return true;
}

static bool unit_is_free(const struct wk_flash *flash, uint32_t at)
{
    const uint32_t unit = at / flash->port.program_unit;
    const bool touched =
        flash->touched != NULL && (flash->touched[unit / 8] >> unit % 8 & 1) != 0;
    return !touched && reads_erased(flash, at);
}

static void touch(struct wk_flash *flash, uint32_t at, bool programmed)
{
    const uint32_t unit = at / flash->port.program_unit;
    if (flash->touched == NULL) {
        return;
    }
    if (programmed) {
        flash->touched[unit / 8] |= (uint8_t)(1U << unit % 8);
    } else {
        flash->touched[unit / 8] &= (uint8_t) ~(1U << unit % 8);
    }
}

/* After an erase, whole or torn: what reads as erased is free. */
static void touch_sector(struct wk_flash *flash, uint32_t at)
{
    for (uint32_t i = 0; i < flash->port.sector_size; i += flash->port.program_unit) {
        touch(flash, at + i, !reads_erased(flash, at + i));
    }
}

static wk_err flash_program(void *self, uint32_t at, const void *from, uint32_t size)
{
    struct wk_flash *flash = self;
    const uint32_t unit = flash->port.program_unit;
    if (at % unit != 0 || size % unit != 0 || !is_within(flash, at, size) ||
        at % flash->port.sector_size + size > flash->port.sector_size) {
        return WK_E_ARGUMENT;
    }
    flash->programs++;
    for (uint32_t done = 0; done < size && !flash->off; done += unit) {
        const uint8_t *octets = (const uint8_t *)from + done;
        if (!unit_is_free(flash, at + done)) {
            flash->violations++;
            return WK_E_IO;
        }
        flash->off = flash->operations == flash->cut_at;
        flash->operations++;
        if (!flash->off || flash->tear == WK_FLASH_TEAR_WHOLE) {
            memcpy(flash->octets + at + done, octets, unit);
            touch(flash, at + done, true);
            flash->programmed += unit;
        } else if (flash->tear == WK_FLASH_TEAR_GARBAGE) {
            tear_unit(flash, at + done, octets);
            touch(flash, at + done, !reads_erased(flash, at + done));
        }
    }
    return flash->off ? WK_E_IO : WK_OK;
}

static void tear_octets(struct wk_flash *flash, uint32_t at)
{
    for (uint32_t i = 0; i < flash->port.sector_size; i++) {
        const uint32_t choice = next_random(flash);
        if (choice % 4 == 0) {
            flash->octets[at + i] = (uint8_t)(choice >> 8);
        } else if (choice % 4 == 1) {
            flash->octets[at + i] = flash->port.erased;
        }
    }
}

static void tear_sector(struct wk_flash *flash, uint32_t at)
{
    const uint32_t form = next_random(flash) % 3;
    const uint32_t part = next_random(flash) % flash->port.sector_size;
    if (form == 0) {
        tear_octets(flash, at);
    } else if (form == 1) {
        memset(flash->octets + at, flash->port.erased, part);
    } else {
        memset(flash->octets + at + part, flash->port.erased, flash->port.sector_size - part);
    }
}

static wk_err flash_erase(void *self, uint32_t at)
{
    struct wk_flash *flash = self;
    if (at % flash->port.sector_size != 0 ||
        at >= flash->port.sector_size * flash->port.sector_count) {
        return WK_E_ARGUMENT;
    }
    if (flash->off) {
        return WK_E_IO;
    }
    flash->off = flash->operations == flash->cut_at;
    flash->operations++;
    if (!flash->off || flash->tear == WK_FLASH_TEAR_WHOLE) {
        memset(flash->octets + at, flash->port.erased, flash->port.sector_size);
        flash->erases++;
    } else if (flash->tear == WK_FLASH_TEAR_GARBAGE) {
        tear_sector(flash, at);
    }
    if (!flash->off || flash->tear != WK_FLASH_TEAR_NOTHING) {
        touch_sector(flash, at);
    }
    return flash->off ? WK_E_IO : WK_OK;
}

static wk_err flash_sync(void *self)
{
    const struct wk_flash *flash = self;
    return flash->off ? WK_E_IO : WK_OK;
}

void wk_flash_attach(struct wk_flash *flash, uint8_t *octets, uint32_t sector_size,
                     uint32_t sector_count, uint32_t program_unit)
{
    *flash = (struct wk_flash){
        .port = {.self = flash,
                 .sector_size = sector_size,
                 .sector_count = sector_count,
                 .program_unit = program_unit,
                 .erased = 0xFF,
                 .read = flash_read,
                 .program = flash_program,
                 .erase = flash_erase,
                 .sync = flash_sync},
        .octets = octets,
        .cut_at = UINT64_MAX,
    };
}

void wk_flash_init(struct wk_flash *flash, uint8_t *octets, uint32_t sector_size,
                   uint32_t sector_count, uint32_t program_unit)
{
    wk_flash_attach(flash, octets, sector_size, sector_count, program_unit);
    memset(octets, 0xFF, (size_t)sector_size * sector_count);
}

void wk_flash_watch(struct wk_flash *flash, uint8_t *touched)
{
    flash->touched = touched;
}

void wk_flash_power_on(struct wk_flash *flash, uint64_t cut_at, wk_flash_tear tear,
                       uint32_t seed)
{
    flash->operations = 0;
    flash->cut_at = cut_at;
    flash->tear = tear;
    flash->random = seed;
    flash->off = false;
}
