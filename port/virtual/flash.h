/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/flash - NOR flash in RAM whose power can be cut at any operation.
 *
 * An operation is the program of one unit or the erase of one sector. Tear model: the operation
 * under way when power fails does nothing, completes, or leaves garbage: of a unit any bits may
 * have been cleared; of a sector every octet is old, erased or random, or one end of it is erased
 * and the rest is old. Programming a unit twice is counted as a violation and refused, even if
 * its octets read as erased. */
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
    uint8_t *touched;         /* caller's, a bit per unit: it is programmed. NULL: not kept, a
                                 unit counts as programmed if it does not read as erased */
    uint64_t operations;      /* so far */
    uint64_t cut_at;          /* power fails in operation number cut_at (0 = first) */
    wk_flash_tear tear;
    bool off;            /* power is cut: every call gives WK_E_IO */
    uint32_t violations; /* programs of units that were not erased */
    uint32_t random;     /* state of the generator of garbage */
    uint64_t erases;
    uint64_t programs;   /* calls of program */
    uint64_t programmed; /* octets */
    uint64_t read;       /* octets */
};

/** Sets up an erased device over `octets`. */
void wk_flash_init(struct wk_flash *flash, uint8_t *octets, uint32_t sector_size,
                   uint32_t sector_count, uint32_t program_unit);

/** Sets up a device with what is in `octets`: an image. */
void wk_flash_attach(struct wk_flash *flash, uint8_t *octets, uint32_t sector_size,
                     uint32_t sector_count, uint32_t program_unit);

/** Keeps the record of programmed units in `touched`, WK_FLASH_TOUCHED octets of the caller, all
 *  zero for a device that is erased. */
void wk_flash_watch(struct wk_flash *flash, uint8_t *touched);
#define WK_FLASH_TOUCHED(size, unit) (((size) / (unit) + 7U) / 8U)

/** Power comes back, and will be cut again in operation `cut_at` counted from now
 *  (UINT64_MAX: never). */
void wk_flash_power_on(struct wk_flash *flash, uint64_t cut_at, wk_flash_tear tear,
                       uint32_t seed);

#endif
