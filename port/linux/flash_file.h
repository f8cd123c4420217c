/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/flash_file - the store's flash as a file of fixed size.
 *
 * The file is allocated whole when it is made, so a disk that fills up later cannot stop the
 * meter. `sync` is fdatasync. */
#ifndef WK_PORT_LINUX_FLASH_FILE_H
#define WK_PORT_LINUX_FLASH_FILE_H

#include "port/hal.h"

#define WK_FLASH_FILE_SECTOR 16384
#define WK_FLASH_FILE_UNIT   16
#define WK_FLASH_FILE_WHY    256

struct wk_flash_file {
    struct wk_hal_flash port; /* hand &port to the store */
    int file;
    char why[WK_FLASH_FILE_WHY];
};

/** Opens or makes the file. One that has `least` sectors or more gets the sectors that it lacks,
 *  erased, behind those it has: a layout that grew at its end. WK_E_IO: cannot (see `why`: disk
 *  full, no permission ...); WK_E_CORRUPT: it has another size; WK_E_BUSY: another process has it
 *  open. */
WK_MUST_USE wk_err wk_flash_file_open(struct wk_flash_file *flash, const char *path,
                                      uint32_t sector_count, uint32_t least);
void wk_flash_file_close(struct wk_flash_file *flash);

#endif
