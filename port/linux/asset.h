/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/asset - a file of a web page, compiled in (made by tools/embed.py). */
#ifndef WK_PORT_LINUX_ASSET_H
#define WK_PORT_LINUX_ASSET_H

#include <stddef.h>
#include <stdint.h>

struct wk_asset {
    const char *path; /* "/" for the first page */
    const char *type; /* media type */
    const uint8_t *octets;
    size_t size;
    int gzipped;
    const char *etag; /* quoted; NULL = none */
};

#endif
