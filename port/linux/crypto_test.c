/* SPDX-License-Identifier: Apache-2.0
 *
 * The two implementations of wk_hal_crypto against published vectors and against each other. */
#include "port/linux/crypto.h"

#include "cosem/cosem_test.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define MOST 600
#define SEED 20261121

static struct wk_crypto openssl;
static struct wk_bearssl bearssl;
static const struct wk_hal_crypto *const k_both[] = {&openssl.hal, &bearssl.hal};

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static uint64_t chance = SEED;

static void begin(void)
{
    if (wk_crypto_init(&openssl) != WK_OK) {
        wk_test_failed_ = true;
    }
    wk_bearssl_init(&bearssl, &chance, draw);
    wk_bearssl_add_sha256(&bearssl);
}

static struct wk_hal_key key_of(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_hal_key key = {.size = (uint8_t)octets.size};
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

static void both_agree_with_published_vectors(void)
{
    /* Vectors 01, 02 and 15 of tests/vectors/dlms.txt, as bare AES-GCM. */
    const struct {
        const char *key;
        const char *aad;
        const char *sealed;
        const char *tag;
    } k_cases[] = {
        {"000102030405060708090A0B0C0D0E0F", "30D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF",
         "411312FF935A47566827C467BC", "7D825C3BE4A77C3FCC056B6B"},
        {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
         "32D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF",
         "E82B2AD3EE8C12A6FB27038F08", "442193498C6A53DE55EEB9D2"},
    };
    const struct wk_test_octets plain = wk_test_hex("C0010000080000010000FF0200");
    const struct wk_test_octets iv = wk_test_hex("4D4D4D0000BC614E01234567");
    begin();
    for (size_t i = 0; i < 4; i++) {
        const struct wk_hal_crypto *crypto = k_both[i % 2];
        const struct wk_hal_key key = key_of(k_cases[i / 2].key);
        const struct wk_test_octets aad = wk_test_hex(k_cases[i / 2].aad);
        const struct wk_test_octets want = wk_test_hex(k_cases[i / 2].sealed);
        const struct wk_test_octets want_tag = wk_test_hex(k_cases[i / 2].tag);
        uint8_t out[32];
        uint8_t tag[12];
        EXPECT_OK(crypto->gcm_seal(crypto->self, &key, iv.data, aad.data, aad.size, plain.data,
                                   out, plain.size, tag));
        EXPECT_BYTES(want.data, out, want.size);
        EXPECT_BYTES(want_tag.data, tag, 12);
        EXPECT_OK(crypto->gcm_open(crypto->self, &key, iv.data, aad.data, aad.size, out, out,
                                   want.size, tag, 12));
        EXPECT_BYTES(plain.data, out, plain.size);
    }
    wk_crypto_close(&openssl);
}

static void both_agree_on_whatever_is_sealed(void)
{
    static uint8_t plain[MOST];
    static uint8_t aad[MOST];
    static uint8_t out[2][MOST];
    uint32_t checked = 0;
    begin();
    printf("# seed %d\n", SEED);
    for (int round = 0; round < 3000; round++) {
        struct wk_hal_key key = {.size = round % 3 == 0 ? 32 : 16};
        const size_t size = (size_t)(wk_test_random(&chance) >> 32) % MOST;
        const size_t aad_size = (size_t)(wk_test_random(&chance) >> 32) % MOST;
        const size_t tag_size = round % 5 == 0 ? 0 : 12;
        uint8_t iv[12];
        uint8_t tag[2][12];
        /* A key now and then the same, so that OpenSSL's kept context is used again. */
        static struct wk_hal_key kept;
        EXPECT_OK(draw(&chance, key.octets, sizeof key.octets));
        EXPECT_OK(draw(&chance, iv, sizeof iv));
        EXPECT_OK(draw(&chance, plain, size));
        EXPECT_OK(draw(&chance, aad, aad_size));
        kept = round % 4 == 0 ? key : kept;
        for (size_t i = 0; i < 2; i++) {
            EXPECT_OK(k_both[i]->gcm_seal(k_both[i]->self, &kept, iv, aad, aad_size, plain,
                                          out[i], size, tag[i]));
        }
        EXPECT_BYTES(out[0], out[1], size);
        EXPECT_BYTES(tag[0], tag[1], 12);
        for (size_t i = 0; i < 2; i++) { /* each opens what the other sealed, in place */
            EXPECT_OK(k_both[i]->gcm_open(k_both[i]->self, &kept, iv, aad, aad_size, out[1 - i],
                                          out[1 - i], size, tag[1 - i], tag_size));
            EXPECT_BYTES(plain, out[1 - i], size);
        }
        checked++;
    }
    EXPECT_I64(3000, checked);
    wk_crypto_close(&openssl);
}

static void a_wrong_tag_reveals_nothing(void)
{
    const struct wk_hal_key key = key_of("000102030405060708090A0B0C0D0E0F");
    const uint8_t iv[12] = {0};
    uint8_t sealed[40];
    uint8_t out[40];
    uint8_t zeros[40] = {0};
    uint8_t tag[12];
    begin();
    memset(sealed, 0x77, sizeof sealed);
    for (size_t i = 0; i < 2; i++) {
        const struct wk_hal_crypto *crypto = k_both[i];
        EXPECT_OK(crypto->gcm_seal(crypto->self, &key, iv, "a", 1, sealed, sealed,
                                   sizeof sealed, tag));
        for (size_t bit = 0; bit < 96; bit++) {
            tag[bit / 8] ^= (uint8_t)(1U << bit % 8);
            memset(out, 0xEE, sizeof out);
            EXPECT_ERR(WK_E_AUTH, crypto->gcm_open(crypto->self, &key, iv, "a", 1, sealed, out,
                                                   sizeof sealed, tag, 12));
            EXPECT_BYTES(zeros, out, sizeof out);
            tag[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        EXPECT_ERR(WK_E_AUTH, crypto->gcm_open(crypto->self, &key, iv, "b", 1, sealed, out,
                                               sizeof sealed, tag, 12));
        EXPECT_OK(crypto->gcm_open(crypto->self, &key, iv, "a", 1, sealed, out, sizeof sealed,
                                   tag, 12));
    }
    wk_crypto_close(&openssl);
}

static void keys_they_cannot_use_are_refused(void)
{
    struct wk_hal_key key = {.size = 16, .slot = 1};
    const uint8_t iv[12] = {0};
    uint8_t tag[12] = {0};
    begin();
    for (size_t i = 0; i < 2; i++) {
        const struct wk_hal_crypto *crypto = k_both[i];
        key.slot = 1;
        key.size = 16;
        EXPECT_ERR(WK_E_UNSUPPORTED,
                   crypto->gcm_seal(crypto->self, &key, iv, NULL, 0, NULL, NULL, 0, tag));
        key.slot = 0;
        key.size = 24;
        EXPECT_ERR(WK_E_ARGUMENT,
                   crypto->gcm_seal(crypto->self, &key, iv, NULL, 0, NULL, NULL, 0, tag));
        key.size = 16;
        EXPECT_ERR(WK_E_ARGUMENT,
                   crypto->gcm_open(crypto->self, &key, iv, NULL, 0, NULL, NULL, 0, tag, 4));
        EXPECT_OK(crypto->gcm_seal(crypto->self, &key, iv, NULL, 0, NULL, NULL, 0, tag));
        EXPECT_OK(crypto->gcm_open(crypto->self, &key, iv, NULL, 0, NULL, NULL, 0, tag, 12));
    }
    wk_crypto_close(&openssl);
}

static void challenges_never_repeat(void)
{
    static uint64_t seen[65536];
    begin();
    /* 65,536 draws of 64 bits collide by chance once in 2^33 runs. */
    for (size_t i = 0; i < 65536; i++) {
        EXPECT_OK(openssl.hal.random(openssl.hal.self, &seen[i], sizeof seen[i]));
    }
    static uint64_t table[262144];
    for (size_t i = 0; i < 65536; i++) {
        size_t at = (size_t)(seen[i] % 262144);
        while (table[at] != 0) {
            EXPECT(table[at] != seen[i]);
            at = (at + 1) % 262144;
        }
        table[at] = seen[i];
    }
    wk_crypto_close(&openssl);
}

WK_TEST_MAIN(T(both_agree_with_published_vectors), T(both_agree_on_whatever_is_sealed),
             T(a_wrong_tag_reveals_nothing), T(keys_they_cannot_use_are_refused),
             T(challenges_never_repeat))
