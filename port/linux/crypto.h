/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/crypto - wk_hal_crypto by OpenSSL.
 *
 * Keeps one context per direction with the key last used, so that traffic of one meter does
 * not expand its key for every APDU. Keys in slots of a security module are refused. One
 * thread per instance. */
#ifndef WK_PORT_LINUX_CRYPTO_H
#define WK_PORT_LINUX_CRYPTO_H

#include <stdbool.h>

#include "port/hal.h"

struct wk_crypto_side {
    void *context; /* EVP_CIPHER_CTX */
    struct wk_hal_key key;
    bool has_key;
};

struct wk_crypto {
    struct wk_crypto_side seal;
    struct wk_crypto_side open;
    void *digest;             /* EVP_MD_CTX */
    struct wk_hal_crypto hal; /* give &crypto->hal to who needs it */
};

/** WK_E_IO: OpenSSL has no memory or no AES-GCM. The instance must not move afterwards. */
WK_MUST_USE wk_err wk_crypto_init(struct wk_crypto *crypto);
/** Wipes the keys. Also right for an instance whose init failed. */
void wk_crypto_close(struct wk_crypto *crypto);

#endif
