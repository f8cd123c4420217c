/* SPDX-License-Identifier: Apache-2.0
 *
 * management/image_header - the head of a firmware image: what it is for, how new it is, who made it.
 *
 * An image is 256 octets of head and the payload. docs/image.md describes every octet. */
#ifndef WK_MANAGEMENT_IMAGE_HEADER_H
#define WK_MANAGEMENT_IMAGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

#define WK_IMAGE_HEADER       256
#define WK_IMAGE_SIGNED       160 /* octets of it that the signature covers */
#define WK_IMAGE_DIGEST       32
#define WK_IMAGE_HARDWARE     16
#define WK_IMAGE_NAME         32
#define WK_IMAGE_VERSION_TEXT 24 /* "65535.65535.4294967295" and its end */

struct wk_image_header {
    char hardware[WK_IMAGE_HARDWARE + 1]; /* what it runs on; printable ASCII */
    char name[WK_IMAGE_NAME + 1];         /* for people; printable ASCII */
    uint64_t version;                     /* rises from one to the next */
    uint32_t size;                        /* of the payload, octets, >= 1 */
    uint8_t digest[WK_IMAGE_DIGEST];      /* SHA-256 of the payload */
    uint8_t curve;                        /* 32: P-256 with SHA-256; 48: P-384 with SHA-384 */
    uint8_t signature[WK_HAL_POINT];      /* r || s, 2 * curve octets, then zeros */
};

/* Who makes images: a public key, a parameter of the meter. */
struct wk_image_maker {
    uint8_t size;                /* 32: P-256, 48: P-384; 0: nobody, no image is accepted */
    uint8_t point[WK_HAL_POINT]; /* x || y, 2 * size octets */
};

/** Takes a head apart. WK_E_FORMAT: it is none, or an octet that must be zero is not. Nothing of it
 *  is proven yet. */
WK_MUST_USE wk_err wk_image_header_read(const uint8_t octets[WK_IMAGE_HEADER],
                                        struct wk_image_header *header);

/** Puts a head together. WK_E_ARGUMENT: a text is empty, too long or not printable, the size 0, or
 *  no such curve. */
WK_MUST_USE wk_err wk_image_header_write(const struct wk_image_header *header,
                                         uint8_t octets[WK_IMAGE_HEADER]);

/** The hash that is signed: of curve `curve`, `curve` octets. WK_E_UNSUPPORTED: the port has no
 *  such hash. */
WK_MUST_USE wk_err wk_image_header_hash(const struct wk_hal_crypto *crypto, uint8_t curve,
                                        const uint8_t octets[WK_IMAGE_HEADER],
                                        uint8_t hash[WK_HAL_HASH]);

/** Whether the maker signed this head. WK_E_AUTH: not; WK_E_UNSUPPORTED: the port cannot tell. */
WK_MUST_USE wk_err wk_image_header_verify(const struct wk_hal_crypto *crypto,
                                          const struct wk_image_maker *maker,
                                          const uint8_t octets[WK_IMAGE_HEADER],
                                          const struct wk_image_header *header);

/** "MAJOR.MINOR.PATCH" of at most 65535, 65535, 4294967295: 16, 16 and 32 bits, so that a newer
 *  version is a larger number. WK_E_FORMAT: something else. */
WK_MUST_USE wk_err wk_image_version_read(const char *text, uint64_t *version);
void wk_image_version_print(uint64_t version, char text[WK_IMAGE_VERSION_TEXT]);

#endif
