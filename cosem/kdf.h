/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/kdf - keys from an agreed secret: the concatenation key derivation function of NIST SP
 * 800-56A, one step, with the OtherInfo of DLMS (IEC 62056-5-3, 5.3.4.6). Suite 1 hashes with
 * SHA-256 and gives 16 octets, suite 2 with SHA-384 and gives 32. */
#ifndef WK_COSEM_KDF_H
#define WK_COSEM_KDF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "port/hal.h"

#define WK_KDF_PARTY 32 /* most octets about one party */

struct wk_kdf_info {
    bool wraps; /* the key will wrap keys; else it protects with AES-GCM */
    struct wk_bytes_in party_u;
    struct wk_bytes_in party_v;
};

/** `secret`: 32 octets for suite 1, 48 for suite 2. WK_E_UNSUPPORTED: no such suite, or the
 *  port has no such hash; WK_E_ARGUMENT: too much about a party. */
WK_MUST_USE wk_err wk_kdf_derive(const struct wk_hal_crypto *crypto, uint8_t suite,
                                 const uint8_t *secret, const struct wk_kdf_info *info,
                                 struct wk_hal_key *key);

/** Octets of a key, of a coordinate, and the hash of a suite. */
uint8_t wk_kdf_key_size(uint8_t suite);
uint8_t wk_kdf_curve_size(uint8_t suite);

/** Hashes with that of the curve of `size`. WK_E_UNSUPPORTED: the port does not have it. */
WK_MUST_USE wk_err wk_kdf_hash(const struct wk_hal_crypto *crypto, size_t size, const void *in,
                               size_t in_size, uint8_t hash[WK_HAL_HASH]);

#endif
