/* SPDX-License-Identifier: Apache-2.0
 *
 * Mounts images of the fuzzer's choice: octets as they come, or a store in use with edits (octets
 * flipped, overwritten, erased; records with valid checks and any content). Then reads, appends,
 * commits and mounts again. What must hold: no operation reads more than a bound, and what was
 * committed without an error is there after mounting again. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "management/store.h"
#include "management/store_medium.h"
#include "port/virtual/flash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTOR      512U
#define SECTORS     13U
#define SIZE        (SECTOR * SECTORS)
#define UNITS       4U
#define EDITS       32
#define READS       24
#define READ_BOUND  (2U * SIZE + 64U * SECTOR * 20U)
#define LIFE        60U
#define KEY_WRITTEN 9U

static const uint8_t k_units[UNITS] = {1, 8, 16, 64};
static const struct wk_store_layout k_layout = {.kv_sectors = 4, .log_sectors = {5, 0, 3}};

static uint8_t in_use[UNITS][SIZE];
static struct wk_store stores[UNITS]; /* as they were when in_use was made */
static uint8_t octets[SIZE];
static struct wk_flash flash;
static struct wk_store store;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static wk_err mount_now(void)
{
    struct wk_store_mount_report report;
    flash.read = 0;
    const wk_err err = wk_store_mount(&store, &flash.port, &k_layout, &report);
    require(flash.read <= READ_BOUND);
    return err;
}

static void make_images(void)
{
    for (uint32_t n = 0; n < UNITS && in_use[n][0] == 0; n++) {
        wk_flash_init(&flash, octets, SECTOR, SECTORS, k_units[n]);
        require(mount_now() == WK_OK);
        for (uint32_t i = 0; i < LIFE; i++) {
            const struct wk_store_put put = {(uint8_t)(i % 4), &i, sizeof i};
            require(wk_store_append(&store, (uint8_t)(i % 2 * 2), &i, sizeof i) == WK_OK);
            require(wk_store_commit(&store, &put, 1) == WK_OK);
            require(wk_store_append_one(&store, 0, octets, (uint16_t)(i % 20)) == WK_OK);
        }
        memcpy(in_use[n], octets, SIZE);
        stores[n] = store;
    }
}

/* A record of any content, with checks that hold, at any unit of the newest sector of a ring. */
static void forge(uint32_t unit, struct wk_bytes_in *in)
{
    struct wk_store forged = stores[unit];
    const uint8_t which = wk_bytes_in_u8(in);
    struct wk_store_ring *ring = which % 3 == 0 ? &forged.kv : &forged.log[which % 3 * 2 - 2];
    struct wk_store_record_head head = {.kind = (wk_store_kind)(which >> 2 & 3)};
    head.flags = wk_bytes_in_u8(in) & 0xF0;
    head.key = wk_bytes_in_u8(in);
    head.size = wk_bytes_in_u8(in);
    head.count = wk_bytes_in_u8(in) % (WK_STORE_LOGS + 2);
    head.number = wk_bytes_in_u32le(in);
    const uint32_t at = wk_bytes_in_u16le(in) % SECTOR / k_units[unit] * k_units[unit];
    forged.flash = &flash.port;
    ring->newest = (uint16_t)((ring->newest + (which >> 5)) % ring->sectors);
    ring->sequence += which >> 5;
    ring->at = (which & 0x10) != 0 ? at : ring->at;
    if (ring->at + wk_store_record_room(&forged, head.size + 18U * WK_STORE_LOG_MOVE) <=
        SECTOR) {
        const uint32_t from = wk_store_sector_at(&forged, ring, ring->newest) + ring->at;
        memset(octets + from, 0xFF,
               wk_store_record_room(&forged, head.size + 18U * WK_STORE_LOG_MOVE));
        require(wk_store_write_record(&forged, ring, &head, octets,
                                      octets + WK_STORE_SECTOR_MIN) == WK_OK);
    }
}

static void edit(uint32_t unit, struct wk_bytes_in *in)
{
    const uint8_t kind = wk_bytes_in_u8(in);
    const uint32_t at = wk_bytes_in_u16le(in) % SIZE;
    const uint8_t value = wk_bytes_in_u8(in);
    switch (kind % 4) {
    case 0:
        octets[at] ^= value;
        break;
    case 1:
        memset(octets + at, value, (kind >> 2) < SIZE - at ? (size_t)(kind >> 2) : SIZE - at);
        break;
    case 2:
        memset(octets + at / SECTOR * SECTOR, 0xFF, SECTOR);
        break;
    default:
        forge(unit, in);
        break;
    }
}

static void make_image(uint32_t unit, bool raw, struct wk_bytes_in *in)
{
    if (raw) {
        const size_t left = wk_bytes_in_left(in);
        const size_t part = left < SIZE ? left : SIZE;
        memset(octets, 0xFF, SIZE);
        memcpy(octets, wk_bytes_in_take(in, part), part);
        return;
    }
    memcpy(octets, in_use[unit], SIZE);
    for (int i = 0; i < EDITS && wk_bytes_in_left(in) > 0; i++) {
        edit(unit, in);
    }
}

static void read_all(void)
{
    uint8_t to[SECTOR];
    size_t got;
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        const wk_err err = wk_store_get(&store, key, to, sizeof to, &got);
        require(err == WK_OK || err == WK_E_NOT_FOUND || err == WK_E_CORRUPT);
    }
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        uint64_t oldest;
        uint64_t next;
        if (wk_store_log_span(&store, log, &oldest, &next) != WK_OK) {
            continue;
        }
        struct wk_store_reader reader = {.number = oldest};
        for (int i = 0; i < READS && reader.number < next; i++) {
            flash.read = 0;
            if (wk_store_read(&store, log, &reader, to, sizeof to, &got) != WK_OK) {
                reader = (struct wk_store_reader){.number = reader.number + 1};
            }
            require(flash.read <= READ_BOUND);
        }
    }
}

/* Returns false if the device refused or the image does not bear it. */
static bool write_some(uint32_t steps)
{
    for (uint32_t i = 0; i <= steps; i++) {
        const uint32_t value = 0xA5A50000U + i;
        const struct wk_store_put put = {KEY_WRITTEN, &value, sizeof value};
        flash.read = 0;
        if (wk_store_append(&store, (uint8_t)(i % 2 * 2), &value, sizeof value) != WK_OK ||
            wk_store_append_one(&store, 0, &value, sizeof value) != WK_OK ||
            wk_store_commit(&store, &put, 1) != WK_OK) {
            return false;
        }
        require(flash.read <= READ_BOUND);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    make_images();
    const uint8_t choice = wk_bytes_in_u8(&in);
    const uint32_t unit = choice % UNITS;
    wk_flash_attach(&flash, octets, SECTOR, SECTORS, k_units[unit]);
    make_image(unit, (choice & 0x10) != 0, &in);
    if (mount_now() != WK_OK) {
        return 0;
    }
    read_all();
    const uint32_t steps = choice >> 5;
    if (!write_some(steps)) {
        return 0;
    }
    uint32_t value = 0;
    size_t got;
    require(mount_now() == WK_OK);
    require(wk_store_get(&store, KEY_WRITTEN, &value, sizeof value, &got) == WK_OK);
    require(value == 0xA5A50000U + steps);
    read_all();
    return 0;
}
