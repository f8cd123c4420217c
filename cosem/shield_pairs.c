/* SPDX-License-Identifier: Apache-2.0
 *
 * Protection by key pairs: signatures, and keys that are agreed upon (suites 1 and 2). */
#include <string.h>

#include "cosem/kdf.h"
#include "cosem/shield.h"

static bool has_private(const struct wk_hal_private *key, uint8_t suite)
{
    return key != NULL && key->size == wk_kdf_curve_size(suite);
}

/* The key of the agreed secret of our key and a public one. */
static wk_err agree(const struct wk_shield *shield, const struct wk_hal_private *key,
                    const uint8_t *point, const struct wk_envelope *envelope,
                    wk_envelope_key_kind kind, struct wk_hal_key *agreed)
{
    uint8_t secret[WK_HAL_EC];
    if (shield->crypto->agree == NULL || !has_private(key, shield->suite) || point == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(shield->crypto->agree(shield->crypto->self, key, point, secret));
    const wk_err err =
        wk_envelope_derive(shield->crypto, shield->suite, envelope, kind, secret, agreed);
    memset(secret, 0, sizeof secret);
    return err;
}

/* C(1e, 1s), as recipient: the ephemeral public key is signed by the sender. */
static wk_err accept_ephemeral(const struct wk_shield *shield,
                               const struct wk_envelope *envelope,
                               const struct wk_bytes_in *data, struct wk_hal_key *agreed)
{
    const uint8_t size = wk_kdf_curve_size(shield->suite);
    if (data->size != 4 * (size_t)size) {
        return WK_E_FORMAT;
    }
    const struct wk_bytes_in point = wk_bytes_in_of(data->data, 2 * (size_t)size);
    const struct wk_bytes_in signature =
        wk_bytes_in_of(data->data + point.size, 2 * (size_t)size);
    WK_TRY(wk_envelope_verify(shield->crypto, shield->peer_signing, size, &point, &signature));
    return agree(shield, shield->agreement, point.data, envelope, WK_ENVELOPE_KEY_ONE_PASS,
                 agreed);
}

static wk_err accept_agreed(const struct wk_shield *shield, const struct wk_envelope *envelope,
                            const struct wk_envelope_key *info, struct wk_hal_key *agreed)
{
    return info->kind == WK_ENVELOPE_KEY_ONE_PASS
               ? accept_ephemeral(shield, envelope, &info->data, agreed)
               : agree(shield, shield->agreement, shield->peer_agreement, envelope, info->kind,
                       agreed);
}

/* C(1e, 1s), as sender: a new key pair, its public key signed. */
static wk_err offer_ephemeral(const struct wk_shield *shield,
                              const struct wk_envelope *envelope, struct wk_bytes_out *data,
                              struct wk_hal_key *agreed)
{
    const struct wk_hal_crypto *crypto = shield->crypto;
    struct wk_hal_private key = {.size = wk_kdf_curve_size(shield->suite)};
    uint8_t point[WK_HAL_POINT];
    uint8_t hash[WK_HAL_HASH];
    uint8_t signature[WK_HAL_POINT];
    const size_t size = 2 * (size_t)key.size;
    if (crypto->generate == NULL || crypto->sign == NULL ||
        !has_private(shield->signing, shield->suite)) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(crypto->generate(crypto->self, &key, point));
    WK_TRY(wk_kdf_hash(crypto, key.size, point, size, hash));
    WK_TRY(crypto->sign(crypto->self, shield->signing, hash, signature));
    wk_bytes_out_put(data, point, size);
    wk_bytes_out_put(data, signature, size);
    const wk_err err =
        agree(shield, &key, shield->peer_agreement, envelope, WK_ENVELOPE_KEY_ONE_PASS, agreed);
    memset(&key, 0, sizeof key);
    return err;
}

static wk_err offer_agreed(const struct wk_shield *shield, const struct wk_envelope *envelope,
                           wk_envelope_key_kind kind, struct wk_bytes_out *data,
                           struct wk_hal_key *agreed)
{
    return kind == WK_ENVELOPE_KEY_ONE_PASS
               ? offer_ephemeral(shield, envelope, data, agreed)
               : agree(shield, shield->agreement, shield->peer_agreement, envelope, kind,
                       agreed);
}

static wk_err verify(const struct wk_shield *shield, struct wk_bytes_in *apdu,
                     struct wk_envelope *envelope)
{
    struct wk_bytes_in covered;
    struct wk_bytes_in content;
    struct wk_bytes_in signature;
    WK_TRY(wk_envelope_read_signing(apdu, envelope, &covered, &content, &signature));
    WK_TRY(wk_envelope_verify(shield->crypto, shield->peer_signing,
                              wk_kdf_curve_size(shield->suite), &covered, &signature));
    *apdu = content;
    return WK_OK;
}

static wk_err sign(const struct wk_shield *shield, const struct wk_envelope *envelope,
                   struct wk_bytes_out *plain)
{
    if (!has_private(shield->signing, shield->suite)) {
        return WK_E_UNSUPPORTED;
    }
    return wk_envelope_sign(shield->crypto, shield->signing, envelope, plain->data,
                            &plain->size);
}

const struct wk_shield_pairs wk_shield_by_pairs = {
    .verify = verify,
    .sign = sign,
    .accept = accept_agreed,
    .offer = offer_agreed,
};
