/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static wk_err fail(struct wk_flash_file *flash, wk_err err, const char *path,
                   const char *reason)
{
    snprintf(flash->why, sizeof flash->why, "%s: %s", path, reason);
    if (flash->file >= 0) {
        close(flash->file);
    }
    flash->file = -1;
    return err;
}

static wk_err file_read(void *self, uint32_t at, void *to, uint32_t size)
{
    const struct wk_flash_file *flash = self;
    return pread(flash->file, to, size, at) == (ssize_t)size ? WK_OK : WK_E_IO;
}

static wk_err file_program(void *self, uint32_t at, const void *from, uint32_t size)
{
    const struct wk_flash_file *flash = self;
    return pwrite(flash->file, from, size, at) == (ssize_t)size ? WK_OK : WK_E_IO;
}

static wk_err file_erase(void *self, uint32_t at)
{
    uint8_t erased[WK_FLASH_FILE_SECTOR];
    memset(erased, 0xFF, sizeof erased);
    return file_program(self, at, erased, sizeof erased);
}

static wk_err file_sync(void *self)
{
    const struct wk_flash_file *flash = self;
    return fdatasync(flash->file) == 0 ? WK_OK : WK_E_IO;
}

#define NO_SPACE "no space left on the device for the meter's store: free some and start again"

/* A sector that was cut short is written anew. */
static wk_err add_sectors(struct wk_flash_file *flash, const char *path, uint32_t first,
                          uint32_t end)
{
    for (uint32_t sector = first; sector < end; sector++) {
        errno = 0;
        if (file_erase(flash, sector * WK_FLASH_FILE_SECTOR) != WK_OK) {
            const int reason = errno != 0 ? errno : ENOSPC;
            return fail(flash, WK_E_IO, path, reason == ENOSPC ? NO_SPACE : strerror(reason));
        }
    }
    return WK_OK;
}

static wk_err grow(struct wk_flash_file *flash, const char *path, uint32_t first, uint32_t end)
{
    WK_TRY(add_sectors(flash, path, first, end));
    return fsync(flash->file) == 0 ? WK_OK : fail(flash, WK_E_IO, path, strerror(errno));
}

/* A half-made file (the disk filled up, the process was killed) has no size yet that counts:
 * it is made under another name. */
static wk_err make(struct wk_flash_file *flash, const char *path, uint32_t sector_count)
{
    char fresh[4096];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    flash->file = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (flash->file < 0) {
        return fail(flash, WK_E_IO, path, strerror(errno));
    }
    const wk_err err = add_sectors(flash, path, 0, sector_count);
    if (err != WK_OK) {
        unlink(fresh);
        return err;
    }
    if (fsync(flash->file) != 0 || rename(fresh, path) != 0) {
        return fail(flash, WK_E_IO, path, strerror(errno));
    }
    return WK_OK;
}

wk_err wk_flash_file_open(struct wk_flash_file *flash, const char *path, uint32_t sector_count,
                          uint32_t least)
{
    struct stat status;
    memset(flash, 0, sizeof *flash);
    flash->port = (struct wk_hal_flash){
        .self = flash,
        .sector_size = WK_FLASH_FILE_SECTOR,
        .sector_count = sector_count,
        .program_unit = WK_FLASH_FILE_UNIT,
        .erased = 0xFF,
        .read = file_read,
        .program = file_program,
        .erase = file_erase,
        .sync = file_sync,
    };
    flash->file = open(path, O_RDWR | O_CLOEXEC);
    if (flash->file < 0 && errno != ENOENT) {
        return fail(flash, WK_E_IO, path, strerror(errno));
    }
    if (flash->file < 0) {
        WK_TRY(make(flash, path, sector_count));
    }
    if (flock(flash->file, LOCK_EX | LOCK_NB) != 0) {
        return fail(flash, WK_E_BUSY, path, "another process keeps this meter: stop it first");
    }
    if (fstat(flash->file, &status) != 0) {
        return fail(flash, WK_E_IO, path, strerror(errno));
    }
    const uint64_t size = (uint64_t)status.st_size;
    if (size == (uint64_t)sector_count * WK_FLASH_FILE_SECTOR) {
        return WK_OK;
    }
    return size < (uint64_t)least * WK_FLASH_FILE_SECTOR ||
                   size > (uint64_t)sector_count * WK_FLASH_FILE_SECTOR
               ? fail(flash, WK_E_CORRUPT, path, "is not a store of this size")
               : grow(flash, path, (uint32_t)(size / WK_FLASH_FILE_SECTOR), sector_count);
}

void wk_flash_file_close(struct wk_flash_file *flash)
{
    if (flash->file >= 0) {
        close(flash->file);
    }
    flash->file = -1;
}
