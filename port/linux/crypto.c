/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/crypto.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "port/linux/crypto_ec.h"

#define TAG_SIZE 12

static bool same_key(const struct wk_hal_key *a, const struct wk_hal_key *b)
{
    return a->size == b->size && memcmp(a->octets, b->octets, a->size) == 0;
}

/* Loads key and IV; the key only if it is another than last time. */
static wk_err load(struct wk_crypto_side *side, const struct wk_hal_key *key,
                   const uint8_t iv[12], int sealing)
{
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    if (key->size != 16 && key->size != 32) {
        return WK_E_ARGUMENT;
    }
    EVP_CIPHER_CTX *context = side->context;
    if (side->has_key && same_key(&side->key, key)) {
        return EVP_CipherInit_ex(context, NULL, NULL, NULL, iv, sealing) == 1 ? WK_OK : WK_E_IO;
    }
    const EVP_CIPHER *cipher = key->size == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    side->has_key = false;
    if (EVP_CipherInit_ex(context, cipher, NULL, key->octets, iv, sealing) != 1) {
        return WK_E_IO;
    }
    side->key = *key;
    side->has_key = true;
    return WK_OK;
}

static wk_err pass(EVP_CIPHER_CTX *context, const void *aad, size_t aad_size, const uint8_t *in,
                   uint8_t *out, size_t size)
{
    int done = 0;
    if (aad_size > INT_MAX || size > INT_MAX) {
        return WK_E_RANGE;
    }
    if (aad_size > 0 && EVP_CipherUpdate(context, NULL, &done, aad, (int)aad_size) != 1) {
        return WK_E_IO;
    }
    if (size > 0 && EVP_CipherUpdate(context, out, &done, in, (int)size) != 1) {
        return WK_E_IO;
    }
    return WK_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of wk_hal_crypto */
static wk_err seal(void *self, const struct wk_hal_key *key, const uint8_t iv[12],
                   const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                   size_t size, uint8_t tag[TAG_SIZE])
{
    struct wk_crypto *crypto = self;
    EVP_CIPHER_CTX *context = crypto->seal.context;
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int done = 0;
    WK_TRY(load(&crypto->seal, key, iv, 1));
    WK_TRY(pass(context, aad, aad_size, in, out, size));
    if (EVP_CipherFinal_ex(context, rest, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) != 1) {
        return WK_E_IO;
    }
    return WK_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of wk_hal_crypto */
static wk_err open_sealed(void *self, const struct wk_hal_key *key, const uint8_t iv[12],
                          const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                          size_t size, const uint8_t *tag, size_t tag_size)
{
    struct wk_crypto *crypto = self;
    EVP_CIPHER_CTX *context = crypto->open.context;
    uint8_t expected[TAG_SIZE];
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int done = 0;
    if (tag_size != 0 && tag_size != TAG_SIZE) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(load(&crypto->open, key, iv, 0));
    WK_TRY(pass(context, aad, aad_size, in, out, size));
    if (tag_size == 0) {
        return WK_OK;
    }
    memcpy(expected, tag, TAG_SIZE);
    if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, expected) == 1 &&
        EVP_CipherFinal_ex(context, rest, &done) == 1) {
        return WK_OK;
    }
    if (size > 0) {
        memset(out, 0, size);
    }
    return WK_E_AUTH;
}

static wk_err draw_random(void *self, void *to, size_t size)
{
    (void)self;
    return size <= INT_MAX && RAND_bytes(to, (int)size) == 1 ? WK_OK : WK_E_IO;
}

static wk_err sha256(void *self, const void *in, size_t size, uint8_t out[32])
{
    unsigned length = 0;
    (void)self;
    return EVP_Digest(in, size, out, &length, EVP_sha256(), NULL) == 1 && length == 32
               ? WK_OK
               : WK_E_IO;
}

static wk_err digest_begin(void *self)
{
    const struct wk_crypto *crypto = self;
    return EVP_DigestInit_ex(crypto->digest, EVP_sha256(), NULL) == 1 ? WK_OK : WK_E_IO;
}

static wk_err digest_add(void *self, const void *in, size_t size)
{
    const struct wk_crypto *crypto = self;
    return EVP_DigestUpdate(crypto->digest, in, size) == 1 ? WK_OK : WK_E_IO;
}

static wk_err digest_end(void *self, uint8_t out[32])
{
    const struct wk_crypto *crypto = self;
    return EVP_DigestFinal_ex(crypto->digest, out, NULL) == 1 ? WK_OK : WK_E_IO;
}

wk_err wk_crypto_init(struct wk_crypto *crypto)
{
    *crypto = (struct wk_crypto){
        .seal = {.context = EVP_CIPHER_CTX_new()},
        .open = {.context = EVP_CIPHER_CTX_new()},
        .digest = EVP_MD_CTX_new(),
    };
    if (crypto->seal.context == NULL || crypto->open.context == NULL ||
        crypto->digest == NULL) {
        wk_crypto_close(crypto);
        return WK_E_IO;
    }
    crypto->hal = (struct wk_hal_crypto){
        .self = crypto,
        .gcm_seal = seal,
        .gcm_open = open_sealed,
        .sha256 = sha256,
        .random = draw_random,
        .digest_begin = digest_begin,
        .digest_add = digest_add,
        .digest_end = digest_end,
    };
    wk_crypto_ec_use(&crypto->hal);
    return WK_OK;
}

void wk_crypto_close(struct wk_crypto *crypto)
{
    EVP_CIPHER_CTX_free(crypto->seal.context);
    EVP_CIPHER_CTX_free(crypto->open.context);
    EVP_MD_CTX_free(crypto->digest);
    OPENSSL_cleanse(crypto, sizeof *crypto);
}
