/* SPDX-License-Identifier: Apache-2.0 */

/* OpenSSL 3.0 has no other way to a key that lies elsewhere than a whole provider. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "port/linux/tls_key.h"

#include <openssl/ec.h>
#include <pthread.h>
#include <stdlib.h>

struct place {
    struct wk_hsm *hsm;
    struct wk_hal_private key;
};

static pthread_once_t g_once = PTHREAD_ONCE_INIT;
static EC_KEY_METHOD *g_method;
static int g_index = -1;

static ECDSA_SIG *sign(const unsigned char *hash, int size, const BIGNUM *kinv,
                       const BIGNUM *random, EC_KEY *key)
{
    const struct place *place = EC_KEY_get_ex_data(key, g_index);
    uint8_t plain[WK_HAL_POINT];
    (void)kinv;
    (void)random;
    if (place == NULL || size != place->key.size ||
        place->hsm->hal.sign(place->hsm, &place->key, hash, plain) != WK_OK) {
        return NULL;
    }
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(plain, size, NULL);
    BIGNUM *s = BN_bin2bn(plain + size, size, NULL);
    if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(signature);
        return NULL;
    }
    return signature;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
static void free_place(void *parent, void *place, CRYPTO_EX_DATA *data, int index, long number,
                       void *pointer)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    free(place);
}

static void make_method(void)
{
    int (*der)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *,
               const BIGNUM *, EC_KEY *);
    int (*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);
    g_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, free_place);
    g_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (g_method != NULL) {
        EC_KEY_METHOD_get_sign(g_method, &der, &setup, NULL);
        EC_KEY_METHOD_set_sign(g_method, der, setup, sign);
    }
}

static EC_KEY *public_key(const uint8_t *point, uint8_t size)
{
    uint8_t whole[1 + WK_HAL_POINT] = {POINT_CONVERSION_UNCOMPRESSED};
    const int curve = size == 32 ? NID_X9_62_prime256v1 : NID_secp384r1;
    EC_KEY *key = EC_KEY_new_by_curve_name(curve);
    for (size_t i = 0; i < 2U * size; i++) {
        whole[1 + i] = point[i];
    }
    if (key != NULL && EC_KEY_oct2key(key, whole, 1U + 2U * size, NULL) != 1) {
        EC_KEY_free(key);
        return NULL;
    }
    return key;
}

EVP_PKEY *wk_tls_key_of(struct wk_hsm *hsm, uint8_t slot)
{
    uint8_t point[WK_HAL_POINT];
    uint8_t size;
    (void)pthread_once(&g_once, make_method);
    if (g_method == NULL || g_index < 0 || wk_hsm_point(hsm, slot, point, &size) != WK_OK) {
        return NULL;
    }
    EVP_PKEY *pair = EVP_PKEY_new();
    EC_KEY *key = public_key(point, size);
    struct place *place = calloc(1, sizeof *place);
    if (pair == NULL || key == NULL || place == NULL || EC_KEY_set_method(key, g_method) != 1 ||
        EC_KEY_set_ex_data(key, g_index, place) != 1) {
        free(place);
        EC_KEY_free(key);
        EVP_PKEY_free(pair);
        return NULL;
    }
    *place = (struct place){.hsm = hsm, .key = {.size = size, .slot = slot}};
    if (EVP_PKEY_assign_EC_KEY(pair, key) != 1) {
        EC_KEY_free(key);
        EVP_PKEY_free(pair);
        return NULL;
    }
    return pair;
}
