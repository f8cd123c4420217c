/* SPDX-License-Identifier: Apache-2.0
 *
 * AES key wrap (RFC 3394, 2.2) over BearSSL's block cipher: CBC of one block from a zero
 * vector is that cipher. */
#include <string.h>

#include <bearssl.h>

#include "port/bearssl/bearssl.h"

#define HALF   8
#define BLOCK  16
#define ROUNDS 6

static const uint8_t k_check[HALF] = {0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6};

static void wipe(void *octets, size_t size)
{
    volatile uint8_t *at = octets;
    while (size-- > 0) {
        *at++ = 0;
    }
}

static wk_err check(const struct wk_hal_key *kek, size_t size)
{
    if (kek->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    const bool sizes_fit =
        (kek->size == 16 || kek->size == 32) && (size == 16 || size == WK_HAL_KEY_SIZE);
    return sizes_fit ? WK_OK : WK_E_ARGUMENT;
}

/* The step counter goes into the end of the first half; it never exceeds one octet here. */
static uint8_t step_of(int round, size_t i, size_t halves)
{
    return (uint8_t)(halves * (size_t)round + i);
}

static wk_err wrap(void *self, const struct wk_hal_key *kek, const struct wk_hal_key *key,
                   uint8_t out[WK_HAL_WRAPPED])
{
    br_aes_ct_cbcenc_keys aes;
    uint8_t block[BLOCK];
    (void)self;
    WK_TRY(check(kek, key->size));
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    const size_t halves = key->size / HALF;
    br_aes_ct_cbcenc_init(&aes, kek->octets, kek->size);
    memcpy(block, k_check, HALF);
    memmove(out + HALF, key->octets, key->size);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 1; i <= halves; i++) {
            uint8_t iv[BLOCK] = {0};
            memcpy(block + HALF, out + HALF * i, HALF);
            br_aes_ct_cbcenc_run(&aes, iv, block, BLOCK);
            block[HALF - 1] ^= step_of(round, i, halves);
            memcpy(out + HALF * i, block + HALF, HALF);
        }
    }
    memcpy(out, block, HALF);
    wipe(&aes, sizeof aes);
    return WK_OK;
}

static wk_err unwrap(void *self, const struct wk_hal_key *kek, const uint8_t *wrapped,
                     size_t size, struct wk_hal_key *key)
{
    br_aes_ct_cbcdec_keys aes;
    uint8_t block[BLOCK];
    uint8_t plain[WK_HAL_KEY_SIZE];
    (void)self;
    WK_TRY(check(kek, size < HALF ? 0 : size - HALF));
    if (key->slot != 0) {
        return WK_E_UNSUPPORTED;
    }
    const size_t halves = size / HALF - 1;
    br_aes_ct_cbcdec_init(&aes, kek->octets, kek->size);
    memcpy(block, wrapped, HALF);
    memcpy(plain, wrapped + HALF, size - HALF);
    for (int round = ROUNDS - 1; round >= 0; round--) {
        for (size_t i = halves; i >= 1; i--) {
            uint8_t iv[BLOCK] = {0};
            block[HALF - 1] ^= step_of(round, i, halves);
            memcpy(block + HALF, plain + HALF * (i - 1), HALF);
            br_aes_ct_cbcdec_run(&aes, iv, block, BLOCK);
            memcpy(plain + HALF * (i - 1), block + HALF, HALF);
        }
    }
    uint8_t differ = 0;
    for (size_t i = 0; i < HALF; i++) {
        differ |= (uint8_t)(block[i] ^ k_check[i]);
    }
    if (differ == 0) {
        memcpy(key->octets, plain, size - HALF);
        key->size = (uint8_t)(size - HALF);
    }
    wipe(plain, sizeof plain);
    wipe(&aes, sizeof aes);
    return differ == 0 ? WK_OK : WK_E_AUTH;
}

void wk_bearssl_add_unwrap(struct wk_bearssl *bearssl)
{
    bearssl->hal.unwrap = unwrap;
}

void wk_bearssl_add_wrap(struct wk_bearssl *bearssl)
{
    bearssl->hal.wrap = wrap;
    wk_bearssl_add_unwrap(bearssl);
}
