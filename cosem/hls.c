/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/hls.h"

#include <string.h>

#include "cosem/kdf.h"

#define LEAST_OF_ECDSA 32
#define MOST_HASHED    (3 * WK_ASSOCIATION_SECRET + 2 * WK_CIPHER_TITLE)

bool wk_hls_is(uint8_t mechanism)
{
    return mechanism >= WK_ASSOCIATION_HLS_MD5 && mechanism <= WK_ASSOCIATION_HLS_ECDSA;
}

size_t wk_hls_challenge_least(uint8_t mechanism)
{
    return mechanism == WK_ASSOCIATION_HLS_ECDSA ? LEAST_OF_ECDSA : WK_ASSOCIATION_CHALLENGE;
}

/* What is hashed or signed, by mechanism. */
static void put_proven(struct wk_bytes_out *out, const struct wk_hls *hls)
{
    if (hls->mechanism == WK_ASSOCIATION_HLS_MD5 || hls->mechanism == WK_ASSOCIATION_HLS_SHA1) {
        wk_bytes_out_put(out, hls->challenge.data, hls->challenge.size);
        wk_bytes_out_put(out, hls->secret.data, hls->secret.size);
        return;
    }
    if (hls->mechanism == WK_ASSOCIATION_HLS_SHA256) {
        wk_bytes_out_put(out, hls->secret.data, hls->secret.size);
    }
    wk_bytes_out_put(out, hls->prover, WK_CIPHER_TITLE);
    wk_bytes_out_put(out, hls->verifier, WK_CIPHER_TITLE);
    wk_bytes_out_put(out, hls->challenge.data, hls->challenge.size);
    wk_bytes_out_put(out, hls->other.data, hls->other.size);
}

static wk_err hash_proven(const struct wk_hls *hls, wk_hal_hash kind, uint8_t hash[WK_HAL_HASH])
{
    uint8_t room[MOST_HASHED];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    if (hls->crypto->hash == NULL) {
        return WK_E_UNSUPPORTED;
    }
    put_proven(&out, hls);
    if (out.fault != WK_OK) {
        return WK_E_ARGUMENT;
    }
    const wk_err err = hls->crypto->hash(hls->crypto->self, kind, out.data, out.size, hash);
    memset(room, 0, sizeof room);
    return err;
}

static struct wk_cipher_head head_of(const struct wk_hls *hls)
{
    struct wk_cipher_head head = {.control = hls->suite, .counter = hls->counter};
    memcpy(head.title, hls->prover, WK_CIPHER_TITLE);
    return head;
}

static wk_hal_hash hash_of_curve(size_t size)
{
    return size == 48 ? WK_HAL_SHA384 : WK_HAL_SHA256;
}

/* Mechanisms 3, 4 and 6: the size of the hash, 0 for others. */
static size_t digest_size(wk_association_mechanism mechanism, wk_hal_hash *kind)
{
    switch (mechanism) {
    case WK_ASSOCIATION_HLS_MD5:
        *kind = WK_HAL_MD5;
        return 16;
    case WK_ASSOCIATION_HLS_SHA1:
        *kind = WK_HAL_SHA1;
        return 20;
    case WK_ASSOCIATION_HLS_SHA256:
        *kind = WK_HAL_SHA256;
        return 32;
    case WK_ASSOCIATION_NONE:
    case WK_ASSOCIATION_LLS:
    case WK_ASSOCIATION_HLS_GMAC:
    case WK_ASSOCIATION_HLS_ECDSA:
    default:
        return 0;
    }
}

static wk_err answer_hashed(const struct wk_hls *hls, uint8_t octets[WK_HLS_ANSWER],
                            size_t *size)
{
    uint8_t hash[WK_HAL_HASH];
    wk_hal_hash kind = WK_HAL_SHA256;
    *size = digest_size(hls->mechanism, &kind);
    if (hls->mechanism == WK_ASSOCIATION_HLS_ECDSA) {
        if (hls->crypto->sign == NULL || hls->own == NULL || hls->own->size == 0) {
            return WK_E_UNSUPPORTED;
        }
        WK_TRY(hash_proven(hls, hash_of_curve(hls->own->size), hash));
        *size = 2 * (size_t)hls->own->size;
        return hls->crypto->sign(hls->crypto->self, hls->own, hash, octets);
    }
    return *size > 0 ? hash_proven(hls, kind, octets) : WK_E_ARGUMENT;
}

static wk_err check_hashed(const struct wk_hls *hls, const struct wk_bytes_in *answer)
{
    uint8_t hash[WK_HAL_HASH];
    wk_hal_hash kind = WK_HAL_SHA256;
    if (hls->mechanism == WK_ASSOCIATION_HLS_ECDSA) {
        if (hls->crypto->verify == NULL) {
            return WK_E_UNSUPPORTED;
        }
        if (hls->point == NULL || answer->size != 2 * (size_t)hls->point_size) {
            return WK_E_AUTH;
        }
        WK_TRY(hash_proven(hls, hash_of_curve(hls->point_size), hash));
        return hls->crypto->verify(hls->crypto->self, hls->point_size, hls->point, hash,
                                   answer->data);
    }
    const size_t size = digest_size(hls->mechanism, &kind);
    /* Without a secret anybody could compute the hash. */
    if (size == 0 || hls->secret.size == 0 || answer->size != size) {
        return WK_E_AUTH;
    }
    WK_TRY(hash_proven(hls, kind, hash));
    return wk_bytes_equal_secret(hash, answer->data, size) ? WK_OK : WK_E_AUTH;
}

const struct wk_hls_hashed wk_hls_by_hash = {.answer = answer_hashed, .check = check_hashed};

/* ---- any --------------------------------------------------------------------------------- */

wk_err wk_hls_answer(const struct wk_hls *hls, struct wk_bytes_out *answer)
{
    uint8_t octets[WK_HLS_ANSWER];
    size_t size = WK_CIPHER_TOKEN;
    if (hls->mechanism == WK_ASSOCIATION_HLS_GMAC) {
        const struct wk_cipher_head head = head_of(hls);
        WK_TRY(wk_cipher_answer(hls->crypto, hls->keys, &head, hls->challenge.data,
                                hls->challenge.size, octets));
    } else if (hls->hashed != NULL) {
        WK_TRY(hls->hashed->answer(hls, octets, &size));
    } else {
        return WK_E_UNSUPPORTED;
    }
    wk_bytes_out_put(answer, octets, size);
    return answer->fault;
}

wk_err wk_hls_check(struct wk_hls *hls, const struct wk_bytes_in *answer)
{
    if (hls->mechanism != WK_ASSOCIATION_HLS_GMAC) {
        return hls->hashed != NULL ? hls->hashed->check(hls, answer) : WK_E_UNSUPPORTED;
    }
    const uint8_t suite = hls->suite;
    if (answer->size == 0 || (answer->data[0] & WK_CIPHER_SUITE) != suite) {
        return WK_E_AUTH;
    }
    return wk_cipher_check_answer(hls->crypto, hls->keys, hls->prover, &hls->challenge, answer,
                                  &hls->counter);
}
