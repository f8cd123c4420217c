/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_image - what the parts of wk image share: an image as a file. */
#ifndef WK_APP_WK_IMAGE_H
#define WK_APP_WK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/wk_meter.h"
#include "management/image.h"

/* octets of a file, most */
#define WK_IMAGE_FILE_MOST (64U << 20)

/* What was asked for. */
struct wk_image_order {
    struct wk_meter meter;
    const char *key; /* a file; NULL: none */
    const char *version;
    const char *hardware;
    const char *name;
    bool goes_on;   /* --continue */
    bool activates; /* --activate */
};

/** A whole file; free it. NULL, and a text on standard error: it cannot be read. */
uint8_t *wk_image_file_read(const char *path, size_t *size);

/** Takes the head of an image apart and checks its size and digest. False, and a text on standard
 *  error: it is no whole image. */
bool wk_image_file_check(const char *path, const uint8_t *octets, size_t size,
                         struct wk_image_header *header);

/** The commands that talk to a meter: exit status. */
int wk_image_send(struct wk_image_order *order, const char *path);
int wk_image_show_status(struct wk_image_order *order);
int wk_image_ask(struct wk_image_order *order, bool activates);

#endif
