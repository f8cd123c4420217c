/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes, key wrap and elliptic curves of both implementations of wk_hal_crypto: against the
 * examples of NIST and of the RFCs, and against each other. [n]: block of tests/vectors. */
#include "port/linux/crypto_ec.h"

#include "cosem/cosem_test.h"
#include "port/bearssl/bearssl.h"
#include "port/linux/crypto.h"
#include "tests/wk_test.h"

#define SEED   20261121
#define ROUNDS 40

static struct wk_crypto openssl;
static struct wk_bearssl bearssl;
static const struct wk_hal_crypto *const k_both[] = {&openssl.hal, &bearssl.hal};
static uint64_t chance = SEED;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static void begin(void)
{
    if (wk_crypto_init(&openssl) != WK_OK) {
        wk_test_failed_ = true;
    }
    wk_bearssl_init(&bearssl, &chance, draw);
    wk_bearssl_add_wrap(&bearssl);
    wk_bearssl_add_p256(&bearssl);
    wk_bearssl_add_p384(&bearssl);
    wk_bearssl_add_old_hashes(&bearssl);
}

static struct wk_hal_key key_of(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_hal_key key = {.size = (uint8_t)octets.size};
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

static struct wk_hal_private private_of(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_hal_private key = {.size = (uint8_t)octets.size};
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

static void hashes_are_those_of_the_standards(void)
{
    /* "abc": FIPS 180-2, appendices A and B; RFC 1321, A.5 */
    static const struct {
        wk_hal_hash kind;
        const char *hash;
    } k_cases[] = {
        {WK_HAL_SHA256, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
        {WK_HAL_SHA384, "CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED"
                        "8086072BA1E7CC2358BAECA134C825A7"},
        {WK_HAL_SHA1, "A9993E364706816ABA3E25717850C26C9CD0D89D"},
        {WK_HAL_MD5, "900150983CD24FB0D6963F7D28E17F72"},
    };
    begin();
    for (size_t i = 0; i < 8; i++) {
        const struct wk_test_octets want = wk_test_hex(k_cases[i / 2].hash);
        uint8_t got[WK_HAL_HASH];
        const struct wk_hal_crypto *crypto = k_both[i % 2];
        EXPECT_OK(crypto->hash(crypto->self, k_cases[i / 2].kind, "abc", 3, got));
        EXPECT_BYTES(want.data, got, want.size);
    }
    wk_crypto_close(&openssl);
}

static void keys_are_wrapped_as_in_rfc_3394(void)
{
    static const struct {
        const char *kek;
        const char *key;
        const char *wrapped;
    } k_cases[] = {
        /* 4.1, [08] */
        {"000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
         "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
        /* 4.3 */
        {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
         "00112233445566778899AABBCCDDEEFF",
         "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"},
        /* 4.6, [09] */
        {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
         "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
         "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
    };
    begin();
    for (size_t i = 0; i < 6; i++) {
        const struct wk_hal_crypto *crypto = k_both[i % 2];
        const struct wk_hal_key kek = key_of(k_cases[i / 2].kek);
        const struct wk_hal_key key = key_of(k_cases[i / 2].key);
        struct wk_test_octets want = wk_test_hex(k_cases[i / 2].wrapped);
        struct wk_hal_key back = {.size = 7};
        uint8_t out[WK_HAL_WRAPPED];
        EXPECT_OK(crypto->wrap(crypto->self, &kek, &key, out));
        EXPECT_BYTES(want.data, out, want.size);
        EXPECT_OK(crypto->unwrap(crypto->self, &kek, out, want.size, &back));
        EXPECT_I64(key.size, back.size);
        EXPECT_BYTES(key.octets, back.octets, key.size);
        back = (struct wk_hal_key){.size = 7};
        for (size_t bit = 0; bit < want.size * 8; bit += 5) {
            want.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            EXPECT_ERR(WK_E_AUTH,
                       crypto->unwrap(crypto->self, &kek, want.data, want.size, &back));
            want.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        EXPECT_I64(7, back.size);
        EXPECT_ERR(WK_E_ARGUMENT, crypto->unwrap(crypto->self, &kek, want.data, 16, &back));
    }
    wk_crypto_close(&openssl);
}

static void signatures_are_those_of_rfc_6979(void)
{
    /* A.2.5 [10] and A.2.6, message "sample". OpenSSL draws its own k, so it verifies. */
    static const struct {
        wk_hal_hash hash;
        const char *key;
        const char *point;
        const char *signature;
    } k_cases[] = {
        {WK_HAL_SHA256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
         "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
         "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
         "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
         "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
        {WK_HAL_SHA384,
         "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8"
         "96D5724E4C70A825F872C9EA60D2EDF5",
         "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64"
         "DEF8F0EA9055866064A254515480BC13"
         "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1"
         "288B231C3AE0D4FE7344FD2533264720",
         "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
         "81A648152E44ACF96E36DD1E80FABE46"
         "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
         "A329C145786E679E7B82C71A38628AC8"},
    };
    begin();
    for (size_t i = 0; i < 2; i++) {
        const struct wk_hal_private key = private_of(k_cases[i].key);
        const struct wk_test_octets point = wk_test_hex(k_cases[i].point);
        struct wk_test_octets want = wk_test_hex(k_cases[i].signature);
        uint8_t hash[WK_HAL_HASH];
        uint8_t got[WK_HAL_POINT];
        EXPECT_OK(bearssl.hal.hash(&bearssl, k_cases[i].hash, "sample", 6, hash));
        EXPECT_OK(bearssl.hal.sign(&bearssl, &key, hash, got));
        EXPECT_BYTES(want.data, got, want.size);
        for (size_t port = 0; port < 2; port++) {
            const struct wk_hal_crypto *c = k_both[port];
            EXPECT_OK(c->verify(c->self, key.size, point.data, hash, want.data));
            want.data[3] ^= 1;
            EXPECT_ERR(WK_E_AUTH, c->verify(c->self, key.size, point.data, hash, want.data));
            want.data[3] ^= 1;
        }
    }
    wk_crypto_close(&openssl);
}

static void secrets_are_those_of_rfc_5903(void)
{
    /* 8.1 [11] and 8.2 [12]: both keys, both public values, g^ir */
    static const struct {
        const char *key[2];
        const char *point[2];
        const char *secret;
    } k_cases[] = {
        {{"C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
          "C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53"},
         {"DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
          "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3",
          "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
          "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"},
         "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"},
        {{"099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655"
          "E35B538041E649EE3FAEF896783AB194",
          "41CB0779B4BDB85D47846725FBEC3C9430FAB46CC8DC5060855CC9BDA0AA2942"
          "E0308312916B8ED2960E4BD55A7448FC"},
         {"667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6"
          "DE3AC808ACB4BDB4C88732AEE95F41AA"
          "9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38E"
          "EB9FCFF3C2C947DAE69B4C634573A81C",
          "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D"
          "0D1AC43A0336DEF96FDA41D0774A3571"
          "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF"
          "F83FA40142209DFF5EAAD96DB9E6386C"},
         "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4"
         "D603135569B9E9D09CF5D4A270F59746"},
    };
    begin();
    for (size_t i = 0; i < 8; i++) {
        const struct wk_hal_crypto *crypto = k_both[i % 2];
        const struct wk_hal_private key = private_of(k_cases[i / 4].key[i / 2 % 2]);
        struct wk_test_octets point = wk_test_hex(k_cases[i / 4].point[1 - i / 2 % 2]);
        const struct wk_test_octets want = wk_test_hex(k_cases[i / 4].secret);
        uint8_t got[WK_HAL_EC];
        EXPECT_OK(crypto->agree(crypto->self, &key, point.data, got));
        EXPECT_BYTES(want.data, got, want.size);
        point.data[7] ^= 4;
        EXPECT_ERR(WK_E_RANGE, crypto->agree(crypto->self, &key, point.data, got));
        memset(point.data, 0, point.size);
        EXPECT_ERR(WK_E_RANGE, crypto->agree(crypto->self, &key, point.data, got));
    }
    wk_crypto_close(&openssl);
}

/* One makes two pairs and signs, the other verifies; both agree on the secret. */
static void check_pair(size_t size, size_t first)
{
    const struct wk_hal_crypto *a = k_both[first];
    const struct wk_hal_crypto *b = k_both[1 - first];
    struct wk_hal_private key[2] = {{.size = (uint8_t)size}, {.size = (uint8_t)size}};
    uint8_t point[2][WK_HAL_POINT];
    uint8_t secret[2][WK_HAL_EC];
    uint8_t hash[WK_HAL_HASH];
    uint8_t signature[WK_HAL_POINT];
    EXPECT_OK(a->generate(a->self, &key[0], point[0]));
    EXPECT_OK(b->generate(b->self, &key[1], point[1]));
    EXPECT_OK(a->agree(a->self, &key[0], point[1], secret[0]));
    EXPECT_OK(b->agree(b->self, &key[1], point[0], secret[1]));
    EXPECT_BYTES(secret[0], secret[1], size);
    EXPECT_OK(draw(&chance, hash, sizeof hash));
    EXPECT_OK(a->sign(a->self, &key[0], hash, signature));
    EXPECT_OK(b->verify(b->self, size, point[0], hash, signature));
    EXPECT_ERR(WK_E_AUTH, b->verify(b->self, size, point[1], hash, signature));
    signature[2 * size - 1] ^= 0x10;
    EXPECT_ERR(WK_E_AUTH, b->verify(b->self, size, point[0], hash, signature));
    memset(signature, 0, sizeof signature);
    EXPECT_ERR(WK_E_AUTH, a->verify(a->self, size, point[0], hash, signature));
    EXPECT_ERR(WK_E_AUTH, b->verify(b->self, size, point[0], hash, signature));
}

static void both_agree_on_random_keys(void)
{
    begin();
    printf("# seed %d\n", SEED);
    for (size_t round = 0; round < ROUNDS && !wk_test_failed_; round++) {
        check_pair(round % 4 < 2 ? 32 : 48, round % 2);
        uint8_t out[2][WK_HAL_WRAPPED];
        struct wk_hal_key kek = {.size = round % 2 == 0 ? 16 : 32};
        struct wk_hal_key key = {.size = round % 3 == 0 ? 16 : 32};
        EXPECT_OK(draw(&chance, kek.octets, sizeof kek.octets));
        EXPECT_OK(draw(&chance, key.octets, sizeof key.octets));
        for (size_t i = 0; i < 2; i++) {
            EXPECT_OK(k_both[i]->wrap(k_both[i]->self, &kek, &key, out[i]));
        }
        EXPECT_BYTES(out[0], out[1], (size_t)key.size + 8);
    }
    wk_crypto_close(&openssl);
}

static void a_port_says_what_it_does_not_have(void)
{
    begin();
    wk_bearssl_init(&bearssl, &chance, draw);
    EXPECT(bearssl.hal.sign == NULL && bearssl.hal.wrap == NULL);
    struct wk_hal_private key = {.size = 48};
    uint8_t point[WK_HAL_POINT] = {0};
    uint8_t out[WK_HAL_HASH];
    EXPECT_ERR(WK_E_UNSUPPORTED, bearssl.hal.hash(&bearssl, WK_HAL_SHA384, "", 0, out));
    EXPECT_ERR(WK_E_UNSUPPORTED, bearssl.hal.hash(&bearssl, WK_HAL_MD5, "", 0, out));
    wk_bearssl_add_p256(&bearssl);
    EXPECT_ERR(WK_E_UNSUPPORTED, bearssl.hal.generate(&bearssl, &key, point));
    EXPECT_ERR(WK_E_UNSUPPORTED, bearssl.hal.verify(&bearssl, 48, point, out, point));
    wk_bearssl_add_p384(&bearssl);
    wk_bearssl_add_wrap(&bearssl);
    const struct wk_hal_key slot = {.size = 16, .slot = 3};
    struct wk_hal_key other = {.size = 16};
    for (size_t i = 0; i < 2; i++) {
        const struct wk_hal_crypto *crypto = k_both[i];
        key.slot = 2;
        EXPECT_ERR(WK_E_UNSUPPORTED, crypto->sign(crypto->self, &key, out, point));
        EXPECT_ERR(WK_E_UNSUPPORTED, crypto->generate(crypto->self, &key, point));
        EXPECT_ERR(WK_E_UNSUPPORTED, crypto->wrap(crypto->self, &slot, &other, point));
        EXPECT_ERR(WK_E_UNSUPPORTED, crypto->wrap(crypto->self, &other, &slot, point));
        key = (struct wk_hal_private){.size = 40};
        EXPECT_ERR(WK_E_ARGUMENT, crypto->sign(crypto->self, &key, out, point));
        EXPECT_ERR(WK_E_ARGUMENT, crypto->verify(crypto->self, 40, point, out, point));
    }
    wk_crypto_close(&openssl);
}

WK_TEST_MAIN(T(hashes_are_those_of_the_standards), T(keys_are_wrapped_as_in_rfc_3394),
             T(signatures_are_those_of_rfc_6979), T(secrets_are_those_of_rfc_5903),
             T(both_agree_on_random_keys), T(a_port_says_what_it_does_not_have))
