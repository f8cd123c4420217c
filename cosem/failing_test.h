/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/failing_test - cryptography that fails at the n-th call, as a security module may. */
#ifndef WK_COSEM_FAILING_TEST_H
#define WK_COSEM_FAILING_TEST_H

#include <stdint.h>

#include "port/hal.h"

struct wk_failing {
    const struct wk_hal_crypto *real;
    int calls;   /* since the last wk_failing_at */
    int fail_at; /* this call fails with WK_E_IO; 0: none */
    struct wk_hal_crypto hal;
};

static inline bool wk_failing_now_(struct wk_failing *failing)
{
    return ++failing->calls == failing->fail_at;
}

#define WK_FAILING_(self, call)                                                                \
    struct wk_failing *failing_ = (self);                                                      \
    const struct wk_hal_crypto *real = failing_->real;                                         \
    return wk_failing_now_(failing_) ? WK_E_IO : real->call

static inline wk_err wk_failing_seal_(void *self, const struct wk_hal_key *key,
                                      const uint8_t iv[12], const void *aad, size_t aad_size,
                                      const uint8_t *in, uint8_t *out, size_t size,
                                      uint8_t tag[12])
{
    WK_FAILING_(self, gcm_seal(real->self, key, iv, aad, aad_size, in, out, size, tag));
}

static inline wk_err wk_failing_open_(void *self, const struct wk_hal_key *key,
                                      const uint8_t iv[12], const void *aad, size_t aad_size,
                                      const uint8_t *in, uint8_t *out, size_t size,
                                      const uint8_t *tag, size_t tag_size)
{
    WK_FAILING_(self,
                gcm_open(real->self, key, iv, aad, aad_size, in, out, size, tag, tag_size));
}

static inline wk_err wk_failing_random_(void *self, void *to, size_t size)
{
    WK_FAILING_(self, random(real->self, to, size));
}

static inline wk_err wk_failing_hash_(void *self, wk_hal_hash kind, const void *in, size_t size,
                                      uint8_t *out)
{
    WK_FAILING_(self, hash(real->self, kind, in, size, out));
}

static inline wk_err wk_failing_wrap_(void *self, const struct wk_hal_key *kek,
                                      const struct wk_hal_key *key, uint8_t out[WK_HAL_WRAPPED])
{
    WK_FAILING_(self, wrap(real->self, kek, key, out));
}

static inline wk_err wk_failing_unwrap_(void *self, const struct wk_hal_key *kek,
                                        const uint8_t *wrapped, size_t size,
                                        struct wk_hal_key *key)
{
    WK_FAILING_(self, unwrap(real->self, kek, wrapped, size, key));
}

static inline wk_err wk_failing_sign_(void *self, const struct wk_hal_private *key,
                                      const uint8_t *hash, uint8_t signature[WK_HAL_POINT])
{
    WK_FAILING_(self, sign(real->self, key, hash, signature));
}

static inline wk_err wk_failing_verify_(void *self, size_t size, const uint8_t *point,
                                        const uint8_t *hash, const uint8_t *signature)
{
    WK_FAILING_(self, verify(real->self, size, point, hash, signature));
}

static inline wk_err wk_failing_agree_(void *self, const struct wk_hal_private *key,
                                       const uint8_t *point, uint8_t secret[WK_HAL_EC])
{
    WK_FAILING_(self, agree(real->self, key, point, secret));
}

static inline wk_err wk_failing_generate_(void *self, struct wk_hal_private *key,
                                          uint8_t point[WK_HAL_POINT])
{
    WK_FAILING_(self, generate(real->self, key, point));
}

/** Everything that `real` has, none of it failing yet. */
static inline void wk_failing_init(struct wk_failing *failing, const struct wk_hal_crypto *real)
{
    failing->real = real;
    failing->calls = 0;
    failing->fail_at = 0;
    failing->hal = (struct wk_hal_crypto){.self = failing,
                                          .gcm_seal = wk_failing_seal_,
                                          .gcm_open = wk_failing_open_,
                                          .random = wk_failing_random_,
                                          .hash = wk_failing_hash_,
                                          .wrap = wk_failing_wrap_,
                                          .unwrap = wk_failing_unwrap_,
                                          .sign = wk_failing_sign_,
                                          .verify = wk_failing_verify_,
                                          .agree = wk_failing_agree_,
                                          .generate = wk_failing_generate_};
}

/** The `call`-th call from now on fails; 0: none does. */
static inline void wk_failing_at(struct wk_failing *failing, int call)
{
    failing->calls = 0;
    failing->fail_at = call;
}

/** As if the port had nothing but AES-GCM and random. */
static inline void wk_failing_strip(struct wk_failing *failing)
{
    failing->hal.sha256 = NULL;
    failing->hal.hash = NULL;
    failing->hal.wrap = NULL;
    failing->hal.unwrap = NULL;
    failing->hal.sign = NULL;
    failing->hal.verify = NULL;
    failing->hal.agree = NULL;
    failing->hal.generate = NULL;
}

#endif
