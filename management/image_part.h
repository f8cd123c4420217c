/* SPDX-License-Identifier: Apache-2.0
 *
 * management/image_part - what the files of management/image have in common: private to them. */
#ifndef WK_MANAGEMENT_IMAGE_PART_H
#define WK_MANAGEMENT_IMAGE_PART_H

#include "management/image.h"

#define WK_IMAGE_CHUNK 64 /* octets programmed at once; a multiple of every program unit */

/* Entries of the journal. docs/image.md. */
typedef enum wk_image_entry {
    WK_IMAGE_ENTRY_BEGUN = 1, /* block `value` is being written */
    WK_IMAGE_ENTRY_DONE,      /* ... is received */
    WK_IMAGE_ENTRY_MOVED,     /* ... was cut off, its sector lies in the one to mend in */
    WK_IMAGE_ENTRY_DROPPED,   /* ... was cut off, its sector is as if it had not begun */
    WK_IMAGE_ENTRY_STATUS,    /* status; `value` = refusal */
    WK_IMAGE_ENTRY_ENABLED,   /* `value` */
} wk_image_entry;

/** Finds the newest sector of the journal and makes of it what the image was. WK_E_NOT_FOUND: there is
 *  no journal that counts. */
WK_MUST_USE wk_err wk_image_journal_read(struct wk_image *image);
/** Writes what the image is to the other sector, which is the newest one then. */
WK_MUST_USE wk_err wk_image_journal_begin(struct wk_image *image);
/** Adds an entry; begins a sector first if this one is full or ends in what a cut left. */
WK_MUST_USE wk_err wk_image_journal_add(struct wk_image *image, wk_image_entry kind,
                                        uint8_t detail, uint32_t value);
/** Octets that the head of a sector takes with a bitmap of that size. */
uint32_t wk_image_journal_head(const struct wk_image_config *config, uint32_t bitmap);

/** Writes one block, which is not received and of the right size. */
WK_MUST_USE wk_err wk_image_area_write(struct wk_image *image, uint32_t number,
                                       const uint8_t *octets, size_t size);
/** If a block was cut off: takes its octets out of the area, so that it can be written anew. */
WK_MUST_USE wk_err wk_image_area_mend(struct wk_image *image);
/** Where the image begins on the device, and how many octets it may have. */
uint32_t wk_image_area_begin(const struct wk_image_config *config);
uint32_t wk_image_area_room(const struct wk_image_config *config);

void wk_image_mark(struct wk_image *image, uint32_t number, bool received);

#endif
