/* SPDX-License-Identifier: Apache-2.0 */
#include "port/bearssl/bearssl_ec.h"

#include <string.h>

#include <bearssl.h>

#define UNCOMPRESSED 0x04
#define DRAWS        64 /* most tries for a private key; one fails with less than 2^-31 */

/* A curve by the size of its coordinates. */
struct curve {
    const br_ec_impl *impl;
    const br_hash_class *hash;
    int id;
};

static wk_err curve_of(const struct wk_bearssl *bearssl, size_t size, struct curve *curve)
{
    const bool is_p384 = size == 48;
    const int kind = is_p384 ? WK_HAL_SHA384 : WK_HAL_SHA256;
    if (size != 32 && size != 48) {
        return WK_E_ARGUMENT;
    }
    *curve = (struct curve){
        .impl = is_p384 ? bearssl->p384 : bearssl->p256,
        .hash = bearssl->hash[kind],
        .id = is_p384 ? BR_EC_secp384r1 : BR_EC_secp256r1,
    };
    return curve->impl != NULL && curve->hash != NULL ? WK_OK : WK_E_UNSUPPORTED;
}

static wk_err curve_of_key(const struct wk_bearssl *bearssl, const struct wk_hal_private *key,
                           struct curve *curve)
{
    return key->slot != 0 ? WK_E_UNSUPPORTED : curve_of(bearssl, key->size, curve);
}

static wk_err sign(void *self, const struct wk_hal_private *key, const uint8_t *hash,
                   uint8_t signature[WK_HAL_POINT])
{
    struct curve curve;
    WK_TRY(curve_of_key(self, key, &curve));
    uint8_t octets[WK_HAL_EC];
    memcpy(octets, key->octets, key->size);
    const br_ec_private_key sk = {.curve = curve.id, .x = octets, .xlen = key->size};
    const size_t size = br_ecdsa_i31_sign_raw(curve.impl, curve.hash, hash, &sk, signature);
    memset(octets, 0, sizeof octets);
    return size == 2 * (size_t)key->size ? WK_OK : WK_E_RANGE;
}

static wk_err verify(void *self, size_t size, const uint8_t *point, const uint8_t *hash,
                     const uint8_t *signature)
{
    struct curve curve;
    uint8_t whole[1 + WK_HAL_POINT] = {UNCOMPRESSED};
    WK_TRY(curve_of(self, size, &curve));
    memcpy(whole + 1, point, 2 * size);
    const br_ec_public_key pk = {.curve = curve.id, .q = whole, .qlen = 1 + 2 * size};
    const uint32_t right =
        br_ecdsa_i31_vrfy_raw(curve.impl, hash, size, &pk, signature, 2 * size);
    return right == 1 ? WK_OK : WK_E_AUTH;
}

static wk_err agree(void *self, const struct wk_hal_private *key, const uint8_t *point,
                    uint8_t secret[WK_HAL_EC])
{
    struct curve curve;
    uint8_t whole[1 + WK_HAL_POINT] = {UNCOMPRESSED};
    WK_TRY(curve_of_key(self, key, &curve));
    memcpy(whole + 1, point, 2 * (size_t)key->size);
    if (curve.impl->mul(whole, 1 + 2 * (size_t)key->size, key->octets, key->size, curve.id) !=
        1) {
        return WK_E_RANGE;
    }
    memcpy(secret, whole + 1, key->size);
    memset(whole, 0, sizeof whole);
    return WK_OK;
}

/* 0 < key < order */
static bool is_private(const struct curve *curve, const uint8_t *key, size_t size)
{
    size_t order_size;
    uint8_t any = 0;
    const uint8_t *order = curve->impl->order(curve->id, &order_size);
    for (size_t i = 0; i < size; i++) {
        any |= key[i];
    }
    return any != 0 && order_size == size && memcmp(key, order, size) < 0;
}

static wk_err generate(void *self, struct wk_hal_private *key, uint8_t point[WK_HAL_POINT])
{
    struct wk_bearssl *bearssl = self;
    struct curve curve;
    uint8_t octets[WK_HAL_EC];
    uint8_t whole[1 + WK_HAL_POINT];
    WK_TRY(curve_of_key(bearssl, key, &curve));
    for (int i = 0; i < DRAWS; i++) {
        WK_TRY(bearssl->draw(bearssl->entropy, octets, key->size));
        if (is_private(&curve, octets, key->size)) {
            (void)curve.impl->mulgen(whole, octets, key->size, curve.id);
            memcpy(key->octets, octets, key->size);
            memcpy(point, whole + 1, 2 * (size_t)key->size);
            memset(octets, 0, sizeof octets);
            return WK_OK;
        }
    }
    return WK_E_IO;
}

void wk_bearssl_ec_use(struct wk_bearssl *bearssl)
{
    bearssl->hal.sign = sign;
    bearssl->hal.verify = verify;
    bearssl->hal.agree = agree;
    bearssl->hal.generate = generate;
}
