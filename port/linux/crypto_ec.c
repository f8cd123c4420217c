/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/crypto_ec.h"

#include <limits.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define UNCOMPRESSED 0x04
#define DER_MOST     128 /* octets of a DER signature over P-384, most: 104 */
#define WRAP_EXTRA   8

/* ---- hashes and key wrap ----------------------------------------------------------------- */

static wk_err hash(void *self, wk_hal_hash kind, const void *in, size_t size, uint8_t *out)
{
    const EVP_MD *const k_kinds[WK_HAL_HASHES] = {
        [WK_HAL_SHA256] = EVP_sha256(),
        [WK_HAL_SHA384] = EVP_sha384(),
        [WK_HAL_SHA1] = EVP_sha1(),
        [WK_HAL_MD5] = EVP_md5(),
    };
    (void)self;
    if (kind >= WK_HAL_HASHES) {
        return WK_E_UNSUPPORTED;
    }
    return EVP_Digest(in, size, out, NULL, k_kinds[kind], NULL) == 1 ? WK_OK : WK_E_IO;
}

/* RFC 3394 over `in`; WK_E_AUTH if the check of an unwrapping fails. */
static wk_err run_wrap(const struct wk_hal_key *kek, bool wrapping, const uint8_t *in,
                       size_t size, uint8_t out[WK_HAL_WRAPPED + WRAP_EXTRA])
{
    if (kek->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    if (kek->size != 16 && kek->size != 32) {
        return WK_E_ARGUMENT;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) {
        return WK_E_IO;
    }
    const EVP_CIPHER *cipher = kek->size == 16 ? EVP_aes_128_wrap() : EVP_aes_256_wrap();
    int done = 0;
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    wk_err err = WK_E_IO;
    if (EVP_CipherInit_ex(context, cipher, NULL, kek->octets, NULL, wrapping ? 1 : 0) == 1) {
        const int result = EVP_CipherUpdate(context, out, &done, in, (int)size);
        err = result == 1 ? WK_OK : wrapping ? WK_E_IO : WK_E_AUTH;
    }
    EVP_CIPHER_CTX_free(context);
    return err;
}

static wk_err wrap(void *self, const struct wk_hal_key *kek, const struct wk_hal_key *key,
                   uint8_t out[WK_HAL_WRAPPED])
{
    uint8_t room[WK_HAL_WRAPPED + WRAP_EXTRA];
    (void)self;
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    if (key->size != 16 && key->size != 32) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(run_wrap(kek, true, key->octets, key->size, room));
    memcpy(out, room, (size_t)key->size + WRAP_EXTRA);
    return WK_OK;
}

static wk_err unwrap(void *self, const struct wk_hal_key *kek, const uint8_t *wrapped,
                     size_t size, struct wk_hal_key *key)
{
    uint8_t room[WK_HAL_WRAPPED + WRAP_EXTRA];
    (void)self;
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    if (size != 16 + WRAP_EXTRA && size != 32 + WRAP_EXTRA) {
        return WK_E_ARGUMENT;
    }
    const wk_err err = run_wrap(kek, false, wrapped, size, room);
    if (err == WK_OK) {
        memcpy(key->octets, room, size - WRAP_EXTRA);
        key->size = (uint8_t)(size - WRAP_EXTRA);
    }
    OPENSSL_cleanse(room, sizeof room);
    return err;
}

/* ---- keys of elliptic curves ------------------------------------------------------------- */

static const char *curve_name(size_t size)
{
    return size == 32 ? "P-256" : size == 48 ? "P-384" : NULL;
}

/* The parameters of a key: `point` or `scalar` may be NULL. */
static OSSL_PARAM *params_of(size_t size, const uint8_t *point, const BIGNUM *scalar)
{
    uint8_t whole[1 + WK_HAL_POINT] = {UNCOMPRESSED};
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build == NULL) {
        return NULL;
    }
    bool good = OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                                curve_name(size), 0) == 1;
    if (point != NULL) {
        memcpy(whole + 1, point, 2 * size);
        good = good && OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, whole,
                                                        1 + 2 * size) == 1;
    }
    if (scalar != NULL) {
        good = good && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1;
    }
    if (good) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    OSSL_PARAM_BLD_free(build);
    return params;
}

/* NULL: no such key, a point that is not on the curve. */
static EVP_PKEY *key_of(size_t size, const uint8_t *point, const uint8_t *scalar)
{
    EVP_PKEY *key = NULL;
    BIGNUM *number = NULL;
    if (scalar != NULL) {
        number = BN_secure_new();
        if (number == NULL || BN_bin2bn(scalar, (int)size, number) == NULL) {
            BN_clear_free(number);
            return NULL;
        }
    }
    OSSL_PARAM *params = params_of(size, point, number);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    const int selection = scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, selection, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    BN_clear_free(number);
    return key;
}

static wk_err check_private(const struct wk_hal_private *key)
{
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    return curve_name(key->size) != NULL ? WK_OK : WK_E_ARGUMENT;
}

/* ---- ECDSA: r || s, which OpenSSL has in DER --------------------------------------------- */

static wk_err plain_of(const uint8_t *der, size_t der_size, size_t size, uint8_t *signature)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    if (pair == NULL) {
        return WK_E_IO;
    }
    const int half = (int)size;
    const bool good = BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half &&
                      BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + size, half) == half;
    ECDSA_SIG_free(pair);
    return good ? WK_OK : WK_E_IO;
}

/* Returns the octets in `der`, 0 on error. */
static size_t der_of(const uint8_t *signature, size_t size, uint8_t der[DER_MOST])
{
    int length = 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)size, NULL);
    BIGNUM *s = BN_bin2bn(signature + size, (int)size, NULL);
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        length = i2d_ECDSA_SIG(pair, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return length > 0 ? (size_t)length : 0;
}

static wk_err sign(void *self, const struct wk_hal_private *key, const uint8_t *hash_octets,
                   uint8_t signature[WK_HAL_POINT])
{
    uint8_t der[DER_MOST];
    size_t der_size = sizeof der;
    (void)self;
    WK_TRY(check_private(key));
    EVP_PKEY *pair = key_of(key->size, NULL, key->octets);
    EVP_PKEY_CTX *context = pair != NULL ? EVP_PKEY_CTX_new(pair, NULL) : NULL;
    wk_err err = WK_E_IO;
    if (context != NULL && EVP_PKEY_sign_init(context) == 1 &&
        EVP_PKEY_sign(context, der, &der_size, hash_octets, key->size) == 1) {
        err = plain_of(der, der_size, key->size, signature);
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pair);
    return err;
}

static wk_err verify(void *self, size_t size, const uint8_t *point, const uint8_t *hash_octets,
                     const uint8_t *signature)
{
    uint8_t der[DER_MOST];
    (void)self;
    if (curve_name(size) == NULL) {
        return WK_E_ARGUMENT;
    }
    const size_t der_size = der_of(signature, size, der);
    EVP_PKEY *key = key_of(size, point, NULL);
    EVP_PKEY_CTX *context = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    const bool right = der_size > 0 && context != NULL && EVP_PKEY_verify_init(context) == 1 &&
                       EVP_PKEY_verify(context, der, der_size, hash_octets, size) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return right ? WK_OK : WK_E_AUTH;
}

/* ---- ECDH, and new keys ------------------------------------------------------------------ */

static wk_err agree(void *self, const struct wk_hal_private *key, const uint8_t *point,
                    uint8_t secret[WK_HAL_EC])
{
    size_t size = WK_HAL_EC;
    (void)self;
    WK_TRY(check_private(key));
    EVP_PKEY *peer = key_of(key->size, point, NULL);
    if (peer == NULL) {
        return WK_E_RANGE;
    }
    EVP_PKEY *own = key_of(key->size, NULL, key->octets);
    EVP_PKEY_CTX *context = own != NULL ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    const bool good = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                      EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                      EVP_PKEY_derive(context, secret, &size) == 1 && size == key->size;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return good ? WK_OK : WK_E_RANGE;
}

static wk_err generate(void *self, struct wk_hal_private *key, uint8_t point[WK_HAL_POINT])
{
    uint8_t whole[1 + WK_HAL_POINT];
    size_t size = 0;
    BIGNUM *scalar = NULL;
    (void)self;
    WK_TRY(check_private(key));
    EVP_PKEY *pair = EVP_EC_gen(curve_name(key->size));
    const bool good = pair != NULL &&
                      EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
                      EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, whole,
                                                      sizeof whole, &size) == 1 &&
                      size == 1 + 2 * (size_t)key->size && whole[0] == UNCOMPRESSED &&
                      BN_bn2binpad(scalar, key->octets, key->size) == key->size;
    if (good) {
        memcpy(point, whole + 1, 2 * (size_t)key->size);
    }
    BN_clear_free(scalar);
    EVP_PKEY_free(pair);
    return good ? WK_OK : WK_E_IO;
}

void wk_crypto_ec_use(struct wk_hal_crypto *hal)
{
    hal->hash = hash;
    hal->wrap = wrap;
    hal->unwrap = unwrap;
    hal->sign = sign;
    hal->verify = verify;
    hal->agree = agree;
    hal->generate = generate;
}
