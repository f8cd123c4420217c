/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/tls_key - a private key of a token as OpenSSL wants it: it signs there and is
 * never seen. */
#ifndef WK_PORT_LINUX_TLS_KEY_H
#define WK_PORT_LINUX_TLS_KEY_H

#include <openssl/evp.h>

#include "port/linux/hsm.h"

/** The key in a slot, for the caller to free before the token is closed; NULL: there is none, or
 *  no memory. Only for signatures over hashes of the key's size. */
EVP_PKEY *wk_tls_key_of(struct wk_hsm *hsm, uint8_t slot);

#endif
