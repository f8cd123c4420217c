/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/kdf.h"

#include <string.h>

#define ALGORITHM 7 /* octets of an algorithm's name */

/* Names of algorithms: 2.16.756.5.8.3 and then AES-GCM-128, AES-GCM-256, AES-WRAP-128,
 * AES-WRAP-256 */
static void put_algorithm(struct wk_bytes_out *out, uint8_t suite, bool wraps)
{
    static const uint8_t k_algorithms[ALGORITHM - 1] = {0x60, 0x85, 0x74, 0x05, 0x08, 0x03};
    wk_bytes_out_put(out, k_algorithms, sizeof k_algorithms);
    wk_bytes_out_u8(out, (uint8_t)((wraps ? 2 : 0) + (suite == 2 ? 1 : 0)));
}

uint8_t wk_kdf_key_size(uint8_t suite)
{
    return suite == 2 ? 32 : 16;
}

uint8_t wk_kdf_curve_size(uint8_t suite)
{
    return suite == 2 ? 48 : 32;
}

wk_err wk_kdf_hash(const struct wk_hal_crypto *crypto, size_t size, const void *in,
                   size_t in_size, uint8_t hash[WK_HAL_HASH])
{
    if (crypto->hash == NULL) {
        return WK_E_UNSUPPORTED;
    }
    return crypto->hash(crypto->self, size == 48 ? WK_HAL_SHA384 : WK_HAL_SHA256, in, in_size,
                        hash);
}

wk_err wk_kdf_derive(const struct wk_hal_crypto *crypto, uint8_t suite, const uint8_t *secret,
                     const struct wk_kdf_info *info, struct wk_hal_key *key)
{
    uint8_t room[4 + WK_HAL_EC + ALGORITHM + 2 * WK_KDF_PARTY];
    uint8_t hash[WK_HAL_HASH];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    if (suite != 1 && suite != 2) {
        return WK_E_UNSUPPORTED;
    }
    if (info->party_u.size > WK_KDF_PARTY || info->party_v.size > WK_KDF_PARTY) {
        return WK_E_ARGUMENT;
    }
    /* One round gives all that is needed: its counter is 1. */
    wk_bytes_out_u32be(&out, 1);
    wk_bytes_out_put(&out, secret, wk_kdf_curve_size(suite));
    put_algorithm(&out, suite, info->wraps);
    wk_bytes_out_put(&out, info->party_u.data, info->party_u.size);
    wk_bytes_out_put(&out, info->party_v.data, info->party_v.size);
    WK_TRY(out.fault);
    const wk_err err = wk_kdf_hash(crypto, wk_kdf_curve_size(suite), room, out.size, hash);
    if (err == WK_OK) {
        *key = (struct wk_hal_key){.size = wk_kdf_key_size(suite)};
        memcpy(key->octets, hash, key->size);
    }
    memset(room, 0, sizeof room);
    memset(hash, 0, sizeof hash);
    return err;
}
