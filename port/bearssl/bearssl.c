/* SPDX-License-Identifier: Apache-2.0 */
#include "port/bearssl/bearssl.h"

#include <string.h>

#include <bearssl.h>

#define TAG_SIZE 12
#define IV_SIZE  12

/* The portable constant-time AES, and the GHASH for processors that multiply 32 by 32 bits in a time
 * that does not depend on them, as the Cortex-M4 does. */
struct gcm {
    br_aes_ct_ctr_keys aes;
    br_gcm_context context;
};

static wk_err start(struct gcm *gcm, const struct wk_hal_key *key, const uint8_t iv[IV_SIZE],
                    const void *aad, size_t aad_size)
{
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    if (key->size != 16 && key->size != 32) {
        return WK_E_ARGUMENT;
    }
    br_aes_ct_ctr_init(&gcm->aes, key->octets, key->size);
    br_gcm_init(&gcm->context, &gcm->aes.vtable, br_ghash_ctmul);
    br_gcm_reset(&gcm->context, iv, IV_SIZE);
    if (aad_size > 0) {
        br_gcm_aad_inject(&gcm->context, aad, aad_size);
    }
    br_gcm_flip(&gcm->context);
    return WK_OK;
}

static void wipe(struct gcm *gcm)
{
    volatile uint8_t *octets = (volatile uint8_t *)gcm;
    for (size_t i = 0; i < sizeof *gcm; i++) {
        octets[i] = 0;
    }
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of wk_hal_crypto */
static wk_err seal(void *self, const struct wk_hal_key *key, const uint8_t iv[IV_SIZE],
                   const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                   size_t size, uint8_t tag[TAG_SIZE])
{
    (void)self;
    struct gcm gcm;
    uint8_t whole[16];
    WK_TRY(start(&gcm, key, iv, aad, aad_size));
    if (size > 0) {
        memmove(out, in, size);
        br_gcm_run(&gcm.context, 1, out, size);
    }
    br_gcm_get_tag(&gcm.context, whole);
    memcpy(tag, whole, TAG_SIZE);
    wipe(&gcm);
    return WK_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of wk_hal_crypto */
static wk_err open_sealed(void *self, const struct wk_hal_key *key, const uint8_t iv[IV_SIZE],
                          const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                          size_t size, const uint8_t *tag, size_t tag_size)
{
    (void)self;
    struct gcm gcm;
    if (tag_size != 0 && tag_size != TAG_SIZE) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(start(&gcm, key, iv, aad, aad_size));
    if (size > 0) {
        memmove(out, in, size);
        br_gcm_run(&gcm.context, 0, out, size);
    }
    const bool right =
        tag_size == 0 || br_gcm_check_tag_trunc(&gcm.context, tag, tag_size) == 1;
    wipe(&gcm);
    if (!right && size > 0) {
        memset(out, 0, size);
    }
    return right ? WK_OK : WK_E_AUTH;
}

static wk_err draw_random(void *self, void *to, size_t size)
{
    struct wk_bearssl *bearssl = self;
    return bearssl->draw(bearssl->entropy, to, size);
}

static wk_err hash(void *self, wk_hal_hash kind, const void *in, size_t size, uint8_t *out)
{
    const struct wk_bearssl *bearssl = self;
    br_hash_compat_context context;
    if (kind >= WK_HAL_HASHES || bearssl->hash[kind] == NULL) {
        return WK_E_UNSUPPORTED;
    }
    const br_hash_class *class = bearssl->hash[kind];
    class->init(&context.vtable);
    class->update(&context.vtable, in, size);
    class->out(&context.vtable, out);
    return WK_OK;
}

static wk_err sha256(void *self, const void *in, size_t size, uint8_t out[32])
{
    return hash(self, WK_HAL_SHA256, in, size, out);
}

_Static_assert(sizeof(br_sha256_context) <= sizeof(((struct wk_bearssl *)0)->digest),
               "no room for a digest");

static wk_err digest_begin(void *self)
{
    struct wk_bearssl *bearssl = self;
    br_sha256_init((br_sha256_context *)bearssl->digest);
    return WK_OK;
}

static wk_err digest_add(void *self, const void *in, size_t size)
{
    struct wk_bearssl *bearssl = self;
    br_sha256_update((br_sha256_context *)bearssl->digest, in, size);
    return WK_OK;
}

static wk_err digest_end(void *self, uint8_t out[32])
{
    const struct wk_bearssl *bearssl = self;
    br_sha256_out((const br_sha256_context *)bearssl->digest, out);
    return WK_OK;
}

void wk_bearssl_init(struct wk_bearssl *bearssl, void *entropy,
                     wk_err (*draw)(void *entropy, void *to, size_t size))
{
    *bearssl = (struct wk_bearssl){
        .entropy = entropy,
        .draw = draw,
        .hal =
            {
                .self = bearssl,
                .gcm_seal = seal,
                .gcm_open = open_sealed,
                .random = draw_random,
                .hash = hash,
            },
    };
}

void wk_bearssl_add_sha256(struct wk_bearssl *bearssl)
{
    bearssl->hash[WK_HAL_SHA256] = &br_sha256_vtable;
    bearssl->hal.sha256 = sha256;
    bearssl->hal.digest_begin = digest_begin;
    bearssl->hal.digest_add = digest_add;
    bearssl->hal.digest_end = digest_end;
}
