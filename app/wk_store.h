/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_store - an image of a meter's store, looked at from outside: its rings, sectors, records.
 * The image is never changed: mounting works on a copy. */
#ifndef WK_APP_WK_STORE_H
#define WK_APP_WK_STORE_H

#include <stdio.h>

#include "management/store.h"
#include "management/store_medium.h"
#include "port/virtual/flash.h"

#define WK_IMAGE_WHY 160

struct wk_image {
    struct wk_store_layout layout;
    uint32_t sector; /* octets */
    uint32_t unit;
    uint32_t sectors; /* of the file */
    uint8_t *octets;  /* as read */
    uint8_t *copy;    /* mounted, so perhaps changed */
    struct wk_flash as_read;
    struct wk_flash flash; /* over the copy */
    struct wk_store store; /* mounted; its places fit the file too, unless mounting erased */
    struct wk_store_mount_report report;
    wk_err mounted;
    char why[WK_IMAGE_WHY];
};

/** Reads the file and mounts the copy; image->mounted says with what success. False: it cannot be
 *  read or does not have the size of the layout (see `why`). */
bool wk_image_open(struct wk_image *image, const char *path);
void wk_image_close(struct wk_image *image);

/** Ring 0 = key/values, 1 + log; NULL if there is no such ring. */
const struct wk_store_ring *wk_image_ring(const struct wk_image *image, uint32_t ring);

/** Verifies sector heads, records, their order, the heads of logs, what is erased ahead; writes
 *  a line to `to` for all that is wrong and, if `cuts`, for what cuts left. Returns how much is
 *  wrong. */
uint32_t wk_image_check(const struct wk_image *image, FILE *to, bool cuts);

/** Commits per erase of a key/value ring with a value of `octets` that changes and `cold` octets
 *  that do not, by doing them on a simulated device. 0: they do not fit. */
double wk_image_commits_per_erase(uint32_t sector, uint32_t unit, uint16_t octets,
                                  uint16_t cold);

#endif
