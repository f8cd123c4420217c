/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/flash - NOR flash in RAM whose power can be cut at any operation.
 *
 * An operation is the program of one unit or the erase of one sector. Tear model: the operation
 * under way when power fails does nothing, completes, or leaves garbage: of a unit any bits may
 * have been cleared; of a sector every octet is old, erased or random. Programming a unit that
 * is not erased is counted as a violation and refused. */
#ifndef WK_PORT_VIRTUAL_FLASH_H
#define WK_PORT_VIRTUAL_FLASH_H

#include "port/hal.h"

typedef enum wk_flash_tear {
    WK_FLASH_TEAR_NOTHING = 0, /* the operation did not begin */
    WK_FLASH_TEAR_WHOLE,       /* it completed */
    WK_FLASH_TEAR_GARBAGE,     /* it was torn */
    WK_FLASH_TEAR_COUNT,
} wk_flash_tear;

struct wk_flash {
    struct wk_hal_flash port; /* hand &port to the store */
    uint8_t *octets;          /* caller's, sector_size * sector_count */
    uint64_t operations;      /* so far */
    uint64_t cut_at;          /* power fails in operation number cut_at (0 = first) */
    wk_flash_tear tear;
    bool off;            /* power is cut: every call gives WK_E_IO */
    uint32_t violations; /* programs of units that were not erased */
    uint32_t random;     /* state of the generator of garbage */
    uint64_t erases;
    uint64_t programmed; /* octets */
};

/** Sets up an erased device over `octets`. */
void wk_flash_init(struct wk_flash *flash, uint8_t *octets, uint32_t sector_size,
                   uint32_t sector_count, uint32_t program_unit);

/** Power comes back, and will be cut again in operation `cut_at` counted from now
 *  (UINT64_MAX: never). */
void wk_flash_power_on(struct wk_flash *flash, uint64_t cut_at, wk_flash_tear tear,
                       uint32_t seed);

#endif
