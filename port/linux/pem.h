/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/pem - private keys and certificates from PEM files, as the core wants them. */
#ifndef WK_PORT_LINUX_PEM_H
#define WK_PORT_LINUX_PEM_H

#include "base/bytes.h"
#include "base/err.h"
#include "port/hal.h"

#define WK_PEM_ERROR 192

/** A private key on P-256 or P-384 and its public one. WK_E_NOT_FOUND, WK_E_FORMAT; `error`. */
WK_MUST_USE wk_err wk_pem_private(const char *path, struct wk_hal_private *key,
                                  uint8_t point[WK_HAL_POINT], char error[WK_PEM_ERROR]);
/** The public key of the first certificate of a file; *size = 32 or 48. Errors as above. */
WK_MUST_USE wk_err wk_pem_point(const char *path, uint8_t point[WK_HAL_POINT], uint8_t *size,
                                char error[WK_PEM_ERROR]);
/** Gives each certificate of a file in DER; ends with the first error of `take`. */
WK_MUST_USE wk_err wk_pem_certificates(const char *path, void *self,
                                       wk_err (*take)(void *self, struct wk_bytes_in der),
                                       char error[WK_PEM_ERROR]);

#endif
