/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/key_file - an elliptic-curve key pair from a file: PEM, as "openssl genpkey" writes it. */
#ifndef WK_PORT_LINUX_KEY_FILE_H
#define WK_PORT_LINUX_KEY_FILE_H

#include "port/hal.h"

#define WK_KEY_FILE_WHY 256

/** Reads the pair of P-256 or P-384. A file with a public key alone gives key->size 0 and *size, the
 *  octets of a coordinate. WK_E_NOT_FOUND, WK_E_FORMAT: `why` tells a person. */
WK_MUST_USE wk_err wk_key_file_read(const char *path, struct wk_hal_private *key,
                                    uint8_t point[WK_HAL_POINT], size_t *size,
                                    char why[WK_KEY_FILE_WHY]);

#endif
