/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in a token: SoftHSM 2 behind PKCS#11, in a folder of the test's own. What the token
 * computes must be what OpenSSL computes from the same key. */
#include "port/linux/hsm.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/wk_test.h"

#ifndef WK_SOFTHSM
#define WK_SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#endif

static struct wk_hsm g_hsm;
static struct wk_crypto g_crypto;
static char g_folder[] = "/tmp/wk-hsm-XXXXXX";
static uint64_t g_random = 20261121;

static uint8_t draw(void)
{
    g_random = g_random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint8_t)(g_random >> 56);
}

static void fill(uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        octets[i] = draw();
    }
}

static const struct wk_hsm_config k_config = {WK_SOFTHSM, "meter", "1234"};

static bool make_token(void)
{
    char path[128];
    if (mkdtemp(g_folder) == NULL) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/softhsm2.conf", g_folder);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
            g_folder);
    (void)fclose(file);
    (void)setenv("SOFTHSM2_CONF", path, 1);
    return system("softhsm2-util --init-token --free --label meter --pin 1234 --so-pin 5678 "
                  ">/dev/null 2>&1") == 0;
}

static void remove_token(void)
{
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf %s", g_folder);
    (void)(system(command) == 0);
}

static bool begin(void)
{
    static bool made = false;
    made = made || make_token();
    return made && wk_hsm_open(&g_hsm, &k_config) == WK_OK &&
           wk_crypto_init(&g_crypto) == WK_OK;
}

static void end(void)
{
    wk_hsm_close(&g_hsm);
    wk_crypto_close(&g_crypto);
}

/* One text by both, under one key. */
static void seal_both(const struct wk_hal_key *in_token, const struct wk_hal_key *clear,
                      int round)
{
    static uint8_t plain[3000];
    static uint8_t sealed[2][3000];
    static uint8_t opened[3000];
    uint8_t iv[12];
    uint8_t aad[40];
    uint8_t tag[2][12];
    const size_t length = (size_t)round * 73;
    const size_t aad_size = (size_t)round % 40;
    fill(iv, sizeof iv);
    fill(aad, sizeof aad);
    fill(plain, length);
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, in_token, iv, aad, aad_size, plain, sealed[0], length,
                                 tag[0]));
    EXPECT_OK(g_crypto.hal.gcm_seal(&g_crypto, clear, iv, aad, aad_size, plain, sealed[1],
                                    length, tag[1]));
    EXPECT_BYTES(sealed[1], sealed[0], length);
    EXPECT_BYTES(tag[1], tag[0], 12);
    EXPECT_OK(g_hsm.hal.gcm_open(&g_hsm, in_token, iv, aad, aad_size, sealed[1], opened, length,
                                 tag[1], 12));
    EXPECT_BYTES(plain, opened, length);
    tag[0][round % 12] ^= 1;
    EXPECT_ERR(WK_E_AUTH, g_hsm.hal.gcm_open(&g_hsm, in_token, iv, aad, aad_size, sealed[1],
                                             opened, length, tag[0], 12));
    for (size_t i = 0; i < length; i++) {
        EXPECT(opened[i] == 0);
    }
    if (length > 0) { /* without a tag: encryption only */
        EXPECT_OK(g_hsm.hal.gcm_open(&g_hsm, in_token, iv, aad, aad_size, sealed[1], opened,
                                     length, NULL, 0));
        EXPECT_BYTES(plain, opened, length);
    }
}

static void what_the_token_seals_openssl_opens_and_the_other_way_round(void)
{
    EXPECT(begin());
    for (uint8_t size = 16; size <= 32; size += 16) {
        struct wk_hal_key clear = {.size = size};
        fill(clear.octets, size);
        EXPECT_OK(wk_hsm_import(&g_hsm, 7, clear.octets, size));
        const struct wk_hal_key in_token = {.size = size, .slot = 7};
        for (int round = 0; round < 40; round++) {
            seal_both(&in_token, &clear, round);
        }
    }
    end();
}

static void keys_survive_the_program_and_empty_slots_say_so(void)
{
    const struct wk_hal_key key = {.size = 16, .slot = 9};
    const struct wk_hal_key empty = {.size = 16, .slot = 200};
    uint8_t iv[12] = {1};
    uint8_t octets[2][16] = {{0}};
    uint8_t tag[2][12];
    EXPECT(begin());
    EXPECT_OK(wk_hsm_make_key(&g_hsm, 9, 16));
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, &key, iv, NULL, 0, octets[0], octets[0], 16, tag[0]));
    EXPECT_ERR(WK_E_NOT_FOUND, g_hsm.hal.gcm_seal(&g_hsm, &empty, iv, NULL, 0, octets[1],
                                                  octets[1], 16, tag[1]));
    EXPECT(strstr(wk_hsm_error(&g_hsm), "slot 200") != NULL);
    end();
    EXPECT(begin());
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, &key, iv, NULL, 0, octets[1], octets[1], 16, tag[1]));
    EXPECT_BYTES(octets[0], octets[1], 16);
    EXPECT_BYTES(tag[0], tag[1], 12);
    EXPECT_OK(wk_hsm_erase(&g_hsm, 9));
    EXPECT_ERR(WK_E_NOT_FOUND,
               g_hsm.hal.gcm_seal(&g_hsm, &key, iv, NULL, 0, octets[1], octets[1], 16, tag[1]));
    EXPECT_ERR(WK_E_ARGUMENT, wk_hsm_make_key(&g_hsm, 0, 16));
    EXPECT_ERR(WK_E_ARGUMENT, wk_hsm_make_key(&g_hsm, 9, 24));
    EXPECT_ERR(WK_E_ARGUMENT, wk_hsm_import(&g_hsm, 9, iv, 12));
    end();
}

static void a_key_that_is_transferred_goes_into_its_slot_without_being_seen(void)
{
    struct wk_hal_key kek = {.size = 16};
    struct wk_hal_key fresh = {.size = 32};
    uint8_t wrapped[WK_HAL_WRAPPED];
    uint8_t by_token[WK_HAL_WRAPPED];
    EXPECT(begin());
    fill(kek.octets, 16);
    fill(fresh.octets, 32);
    EXPECT_OK(wk_hsm_import(&g_hsm, 1, kek.octets, 16));
    const struct wk_hal_key kek_slot = {.size = 16, .slot = 1};
    EXPECT_OK(g_crypto.hal.wrap(&g_crypto, &kek, &fresh, wrapped));
    EXPECT_OK(g_hsm.hal.wrap(&g_hsm, &kek_slot, &fresh, by_token));
    EXPECT_BYTES(wrapped, by_token, 40);
    struct wk_hal_key into = {.slot = 2};
    EXPECT_OK(g_hsm.hal.unwrap(&g_hsm, &kek_slot, wrapped, 40, &into));
    EXPECT_I64(32, into.size);
    uint8_t iv[12] = {3};
    uint8_t text[2][20] = {{5}, {5}};
    uint8_t tag[2][12];
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, &into, iv, NULL, 0, text[0], text[0], 20, tag[0]));
    EXPECT_OK(
        g_crypto.hal.gcm_seal(&g_crypto, &fresh, iv, NULL, 0, text[1], text[1], 20, tag[1]));
    EXPECT_BYTES(text[1], text[0], 20);
    EXPECT_BYTES(tag[1], tag[0], 12);
    struct wk_hal_key clear = {.size = 0};
    EXPECT_OK(g_hsm.hal.unwrap(&g_hsm, &kek_slot, wrapped, 40, &clear));
    EXPECT_BYTES(fresh.octets, clear.octets, 32);
    wrapped[11] ^= 4;
    struct wk_hal_key kept = {.size = 16, .octets = {9}};
    EXPECT(g_hsm.hal.unwrap(&g_hsm, &kek_slot, wrapped, 40, &kept) != WK_OK);
    EXPECT_I64(9, kept.octets[0]);
    EXPECT(g_hsm.hal.unwrap(&g_hsm, &kek_slot, wrapped, 40, &into) != WK_OK);
    text[0][0] = 5; /* the key before is still there */
    memset(text[0], 0, 20);
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, &into, iv, NULL, 0, text[0], text[0], 20, tag[1]));
    EXPECT_ERR(WK_E_DENIED, g_hsm.hal.wrap(&g_hsm, &kek_slot, &into, by_token));
    end();
}

static void signatures_and_agreements_of_the_token_are_those_of_its_keys(void)
{
    EXPECT(begin());
    for (uint8_t size = 32; size <= 48; size += 16) {
        struct wk_hal_private key = {.size = size, .slot = (uint8_t)(20 + size)};
        struct wk_hal_private other = {.size = size};
        uint8_t point[2][WK_HAL_POINT];
        uint8_t again[WK_HAL_POINT];
        uint8_t digest[WK_HAL_HASH];
        uint8_t signature[WK_HAL_POINT];
        uint8_t secret[2][WK_HAL_EC];
        uint8_t read = 0;
        fill(digest, sizeof digest);
        EXPECT_OK(g_hsm.hal.generate(&g_hsm, &key, point[0]));
        EXPECT_OK(wk_hsm_point(&g_hsm, key.slot, again, &read));
        EXPECT_I64(size, read);
        EXPECT_BYTES(point[0], again, 2U * size);
        EXPECT_OK(g_hsm.hal.sign(&g_hsm, &key, digest, signature));
        EXPECT_OK(g_crypto.hal.verify(&g_crypto, size, point[0], digest, signature));
        signature[3] ^= 1;
        EXPECT_ERR(WK_E_AUTH, g_hsm.hal.verify(&g_hsm, size, point[0], digest, signature));
        EXPECT_OK(g_crypto.hal.generate(&g_crypto, &other, point[1]));
        EXPECT_OK(g_hsm.hal.agree(&g_hsm, &key, point[1], secret[0]));
        EXPECT_OK(g_crypto.hal.agree(&g_crypto, &other, point[0], secret[1]));
        EXPECT_BYTES(secret[1], secret[0], size);
        point[1][5] ^= 1; /* not on the curve any more */
        EXPECT_ERR(WK_E_RANGE, g_hsm.hal.agree(&g_hsm, &key, point[1], secret[0]));
    }
    struct wk_hal_private odd = {.size = 24, .slot = 5};
    uint8_t point[WK_HAL_POINT];
    uint8_t size;
    EXPECT_ERR(WK_E_UNSUPPORTED, g_hsm.hal.generate(&g_hsm, &odd, point));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_hsm_point(&g_hsm, 5, point, &size));
    end();
}

static void keys_without_a_slot_are_used_from_their_octets(void)
{
    struct wk_hal_key key = {.size = 16, .octets = {1, 2, 3}};
    uint8_t iv[12] = {0};
    uint8_t text[2][9] = {{0}};
    uint8_t tag[2][12];
    uint8_t random[2][16];
    EXPECT(begin());
    EXPECT_OK(g_hsm.hal.gcm_seal(&g_hsm, &key, iv, "x", 1, text[0], text[0], 9, tag[0]));
    EXPECT_OK(g_crypto.hal.gcm_seal(&g_crypto, &key, iv, "x", 1, text[1], text[1], 9, tag[1]));
    EXPECT_BYTES(text[1], text[0], 9);
    EXPECT_BYTES(tag[1], tag[0], 12);
    EXPECT_OK(g_hsm.hal.random(&g_hsm, random[0], 16));
    EXPECT_OK(g_hsm.hal.random(&g_hsm, random[1], 16));
    EXPECT(memcmp(random[0], random[1], 16) != 0);
    end();
}

static void what_cannot_be_opened_is_a_text(void)
{
    EXPECT(begin());
    end();
    struct wk_hsm_config config = k_config;
    config.pin = "9999";
    EXPECT_ERR(WK_E_AUTH, wk_hsm_open(&g_hsm, &config));
    EXPECT(strstr(wk_hsm_error(&g_hsm), "refuses the PIN") != NULL);
    config = k_config;
    config.label = "another";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_hsm_open(&g_hsm, &config));
    EXPECT(strstr(wk_hsm_error(&g_hsm), "another") != NULL);
    config = k_config;
    config.module = "/nonexistent.so";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_hsm_open(&g_hsm, &config));
    config.module = "libc.so.6";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_hsm_open(&g_hsm, &config));
    EXPECT(strstr(wk_hsm_error(&g_hsm), "no PKCS#11 module") != NULL);
    wk_hsm_close(&g_hsm); /* also right when nothing is open */
    remove_token();
}

WK_TEST_MAIN(T(what_the_token_seals_openssl_opens_and_the_other_way_round),
             T(keys_survive_the_program_and_empty_slots_say_so),
             T(a_key_that_is_transferred_goes_into_its_slot_without_being_seen),
             T(signatures_and_agreements_of_the_token_are_those_of_its_keys),
             T(keys_without_a_slot_are_used_from_their_octets),
             T(what_cannot_be_opened_is_a_text))
