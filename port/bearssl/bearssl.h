/* SPDX-License-Identifier: Apache-2.0
 *
 * port/bearssl - wk_hal_crypto by BearSSL: no heap, constant time, for microcontrollers; on
 * Linux the second implementation that the first is tested against.
 *
 * BearSSL has no source of entropy on bare metal: the owner gives one. Keys in slots are
 * refused. What is not added is not linked: suite 0 needs init (and the key wrap, if keys are
 * to be transferred), suite 1 also P-256, suite 2 P-384. */
#ifndef WK_PORT_BEARSSL_BEARSSL_H
#define WK_PORT_BEARSSL_BEARSSL_H

#include "port/hal.h"

struct wk_bearssl {
    void *entropy;
    wk_err (*draw)(void *entropy, void *to, size_t size);
    const void *hash[WK_HAL_HASHES]; /* br_hash_class, or NULL */
    const void *p256;                /* br_ec_impl, or NULL */
    const void *p384;
    uint64_t digest[14];      /* br_sha256_context of the digest under way */
    struct wk_hal_crypto hal; /* give &bearssl->hal to who needs it */
};

/** AES-GCM and random. `draw` fills `to` with unpredictable octets. The instance must
 *  not move afterwards. */
void wk_bearssl_init(struct wk_bearssl *bearssl, void *entropy,
                     wk_err (*draw)(void *entropy, void *to, size_t size));
/** SHA-256: for firmware, the security log, HLS mechanism 6, and suites 1 and 2. */
void wk_bearssl_add_sha256(struct wk_bearssl *bearssl);
/** AES key unwrap: keys can be transferred. */
void wk_bearssl_add_unwrap(struct wk_bearssl *bearssl);
/** AES key wrap and unwrap: also keys that come with general-ciphering. */
void wk_bearssl_add_wrap(struct wk_bearssl *bearssl);
/** ECDSA and ECDH over P-256, and SHA-256. */
void wk_bearssl_add_p256(struct wk_bearssl *bearssl);
/** ECDSA and ECDH over P-384, and SHA-384. */
void wk_bearssl_add_p384(struct wk_bearssl *bearssl);
/** SHA-1 and MD5, for HLS mechanisms 4 and 3. */
void wk_bearssl_add_old_hashes(struct wk_bearssl *bearssl);

#endif
