/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/hls - high level security: how a party proves that it knows a secret, by answering the
 * other's challenge (IEC 62056-5-3, 5.3.3 and 9.2.7.4).
 *
 * | mechanism | the answer                                                     |
 * |-----------|----------------------------------------------------------------|
 * | 3         | MD5(challenge, secret)                                         |
 * | 4         | SHA-1(challenge, secret)                                       |
 * | 5         | control, counter, GMAC (cosem/cipher)                          |
 * | 6         | SHA-256(secret, title of prover and of verifier, challenge, the prover's own) |
 * | 7         | ECDSA(title of prover and of verifier, challenge, the prover's own) |
 *
 * The verifier must have refused a challenge that equals its own and a prover with its own
 * title: then no answer of its own can be sent back to it. 3 and 4 rest on broken hashes. */
#ifndef WK_COSEM_HLS_H
#define WK_COSEM_HLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/association.h"
#include "cosem/cipher.h"
#include "port/hal.h"

#define WK_HLS_ANSWER WK_HAL_POINT /* octets of an answer, most */

struct wk_hls;

/* Mechanisms 3, 4, 6 and 7. Private to cosem/hls; who does not name wk_hls_by_hash does not link it. */
struct wk_hls_hashed {
    wk_err (*answer)(const struct wk_hls *hls, uint8_t octets[WK_HLS_ANSWER], size_t *size);
    wk_err (*check)(const struct wk_hls *hls, const struct wk_bytes_in *answer);
};
extern const struct wk_hls_hashed wk_hls_by_hash;

struct wk_hls {
    const struct wk_hal_crypto *crypto;
    const struct wk_hls_hashed *hashed; /* &wk_hls_by_hash; NULL: mechanism 5 only */
    wk_association_mechanism mechanism;
    struct wk_bytes_in secret;         /* 3, 4, 6: at most WK_ASSOCIATION_SECRET octets */
    const struct wk_cipher_keys *keys; /* 5 */
    uint8_t suite;                     /* 5 */
    uint32_t counter;                  /* 5: of the answer; set by wk_hls_check */
    const struct wk_hal_private *own;  /* 7, to answer */
    const uint8_t *point;              /* 7, to check: the prover's public key */
    uint8_t point_size;                /* ... octets of its coordinates */
    const uint8_t *prover;             /* 5, 6, 7: system titles */
    const uint8_t *verifier;           /* 6, 7 */
    struct wk_bytes_in challenge;      /* what the verifier asked */
    struct wk_bytes_in other;          /* 6, 7: what the prover asked */
};

/** Whether answers of this mechanism are HLS at all: 3..7. */
bool wk_hls_is(uint8_t mechanism);
/** Least octets of a challenge: 8; of mechanism 7: 32. */
size_t wk_hls_challenge_least(uint8_t mechanism);

/** WK_E_UNSUPPORTED: the port lacks what the mechanism needs; WK_E_ARGUMENT: sizes. */
WK_MUST_USE wk_err wk_hls_answer(const struct wk_hls *hls, struct wk_bytes_out *answer);
/** WK_E_AUTH unless `answer` is that of who knows the secret. */
WK_MUST_USE wk_err wk_hls_check(struct wk_hls *hls, const struct wk_bytes_in *answer);

#endif
