/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/crypto_ec - the part of wk_hal_crypto that OpenSSL answers without any state:
 * hashes, key wrap, elliptic curves. Keys in slots are refused. */
#ifndef WK_PORT_LINUX_CRYPTO_EC_H
#define WK_PORT_LINUX_CRYPTO_EC_H

#include "port/hal.h"

/** Sets hash, wrap, unwrap, sign, verify, agree and generate. */
void wk_crypto_ec_use(struct wk_hal_crypto *hal);

#endif
