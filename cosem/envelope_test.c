/* SPDX-License-Identifier: Apache-2.0
 *
 * Suites 1 and 2: derived keys, general-ciphering, general-signing, and the answers of HLS 3,
 * 4, 6 and 7. [n]: block of tests/vectors/dlms.txt. */
#include "cosem/envelope.h"

#include "cosem/apdu.h"
#include "cosem/cosem_test.h"
#include "cosem/failing_test.h"
#include "cosem/hls.h"
#include "cosem/kdf.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define CLIENT "4D4D4D0000BC614E"
#define SERVER "4D4D4D0000000001"
#define PLAIN  "C0010000080000010000FF0200"
#define EK     "000102030405060708090A0B0C0D0E0F"
#define AK     "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
#define ROOM   700

static struct wk_bearssl bearssl;
static const struct wk_hal_crypto *crypto = &bearssl.hal;
static uint64_t chance = 20261121;

static wk_err draw(void *entropy, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(entropy) >> 32);
    }
    return WK_OK;
}

static void begin(void)
{
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

static struct wk_envelope envelope_of(uint8_t transaction)
{
    const struct wk_test_octets client = wk_test_hex(CLIENT);
    const struct wk_test_octets server = wk_test_hex(SERVER);
    struct wk_envelope envelope = {
        .transaction = {0, 0, 0, 0, 0, 0, 0, transaction},
        .transaction_size = 8,
    };
    memcpy(envelope.originator, client.data, WK_CIPHER_TITLE);
    memcpy(envelope.recipient, server.data, WK_CIPHER_TITLE);
    return envelope;
}

/* ---- keys -------------------------------------------------------------------------------- */

static void keys_are_derived_as_computed_elsewhere(void)
{
    static const struct {
        const char *secret;
        const char *key;
    } k_cases[] = {
        {"D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE",
         "A0D735A4476C032F2619217F3BCC381E"}, /* [13] */
        {"11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4"
         "D603135569B9E9D09CF5D4A270F59746",
         "BE91285C973978E27BE03E6E7E7447738B48A1EA55509C6A177B64ED1B28786A"}, /* [14] */
    };
    const struct wk_envelope envelope = envelope_of(1);
    begin();
    for (uint8_t suite = 1; suite <= 2; suite++) {
        const struct wk_test_octets secret = wk_test_hex(k_cases[suite - 1].secret);
        const struct wk_test_octets want = wk_test_hex(k_cases[suite - 1].key);
        struct wk_hal_key key;
        EXPECT_OK(wk_envelope_derive(crypto, suite, &envelope, WK_ENVELOPE_KEY_ONE_PASS,
                                     secret.data, &key));
        EXPECT_I64(want.size, key.size);
        EXPECT_BYTES(want.data, key.octets, want.size);
        EXPECT_OK(wk_envelope_derive(crypto, suite, &envelope, WK_ENVELOPE_KEY_STATIC,
                                     secret.data, &key));
        EXPECT(memcmp(want.data, key.octets, want.size) != 0);
        EXPECT_ERR(WK_E_UNSUPPORTED,
                   wk_envelope_derive(crypto, 0, &envelope, WK_ENVELOPE_KEY_STATIC, secret.data,
                                      &key));
    }
}

/* ---- general-ciphering ------------------------------------------------------------------- */

static size_t seal(uint8_t *room, size_t limit, const struct wk_envelope_key *key,
                   uint8_t control, const char *plain)
{
    const struct wk_envelope envelope = envelope_of(9);
    const struct wk_cipher_keys keys = {.ek = key_of(EK), .ak = key_of(AK)};
    const struct wk_test_octets text = wk_test_hex(plain);
    struct wk_envelope_front front;
    struct wk_bytes_out out = wk_bytes_out_of(room, limit);
    struct wk_cipher_head head = {.control = control, .counter = 0x01234567};
    struct wk_cipher_seal sealing;
    wk_envelope_put_ciphering(&front, &envelope, key);
    head.prefix = front.prefix;
    head.extra = front.extra;
    memcpy(head.title, envelope.originator, WK_CIPHER_TITLE);
    wk_cipher_begin(&sealing, &out, limit);
    wk_bytes_out_put(&sealing.plain, text.data, text.size);
    return wk_cipher_finish(&sealing, crypto, &keys, &head) == WK_OK ? out.size : 0;
}

static wk_err open_octets(const uint8_t *octets, size_t size, struct wk_envelope_key *key,
                          struct wk_bytes_out *plain)
{
    const struct wk_cipher_keys keys = {.ek = key_of(EK), .ak = key_of(AK)};
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_envelope envelope;
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    WK_TRY(wk_envelope_read_ciphering(&in, &envelope, key, &head, &text));
    return wk_cipher_open(crypto, &keys, &head, &text, plain);
}

static void the_envelope_is_laid_out_as_the_standard_says(void)
{
    /* The front by hand; text and tag by OpenSSL's AES-GCM over the same AAD. */
    const char *front = "DD 08 0000000000000009 08" CLIENT "08" SERVER "00 00 01 00 00";
    uint8_t room[ROOM];
    begin();
    const struct wk_envelope_key key = {.kind = WK_ENVELOPE_KEY_UNICAST};
    const size_t size = seal(room, sizeof room, &key, 0x31, PLAIN);
    const struct wk_test_octets want = wk_test_hex(front);
    const struct wk_test_octets text =
        wk_test_hex("1E 31 01234567 411312FF935A47566827C467BC 7A0FDBF05833956ED502C219");
    EXPECT_I64(want.size + 1 + 5 + 13 + 12, size);
    EXPECT_BYTES(want.data, room, want.size);
    EXPECT_BYTES(text.data, room + want.size, text.size);
}

static void every_kind_of_key_comes_back_and_every_bit_counts(void)
{
    uint8_t data[WK_ENVELOPE_KEY_DATA];
    begin();
    EXPECT_OK(draw(&chance, data, sizeof data));
    const struct wk_envelope_key kinds[] = {
        {.kind = WK_ENVELOPE_KEY_KNOWN},
        {.kind = WK_ENVELOPE_KEY_UNICAST},
        {.kind = WK_ENVELOPE_KEY_BROADCAST},
        {.kind = WK_ENVELOPE_KEY_WRAPPED, .data = wk_bytes_in_of(data, 24)},
        {.kind = WK_ENVELOPE_KEY_ONE_PASS, .data = wk_bytes_in_of(data, 128)},
        {.kind = WK_ENVELOPE_KEY_ONE_PASS, .data = wk_bytes_in_of(data, 192)},
        {.kind = WK_ENVELOPE_KEY_STATIC},
    };
    for (size_t i = 0; i < 3 * sizeof kinds / sizeof kinds[0]; i++) {
        const struct wk_envelope_key *key = &kinds[i / 3];
        const uint8_t control = (uint8_t)((i % 3 + 1) << 4 | 1);
        const bool tagged = (control & WK_CIPHER_AUTHENTICATED) != 0;
        uint8_t room[ROOM];
        uint8_t opened[ROOM];
        struct wk_envelope_key back;
        const size_t size = seal(room, sizeof room, key, control, PLAIN);
        EXPECT(size > 0);
        struct wk_bytes_out plain = wk_bytes_out_of(opened, sizeof opened);
        EXPECT_OK(open_octets(room, size, &back, &plain));
        EXPECT_I64(13, plain.size);
        EXPECT_BYTES(wk_test_hex(PLAIN).data, opened, 13);
        EXPECT_I64(key->kind, back.kind);
        EXPECT_I64(key->data.size, back.data.size);
        for (size_t at = 0; at < size; at++) {
            plain = wk_bytes_out_of(opened, sizeof opened);
            EXPECT(open_octets(room, at, &back, &plain) != WK_OK); /* cut off */
        }
        for (size_t at = 0; tagged && at < 29; at++) {
            room[at] ^= 0x20; /* the tag and the names */
            plain = wk_bytes_out_of(opened, sizeof opened);
            EXPECT(open_octets(room, size, &back, &plain) != WK_OK);
            room[at] ^= 0x20;
        }
    }
}

static void what_does_not_fit_is_refused(void)
{
    uint8_t data[WK_ENVELOPE_KEY_DATA] = {0};
    uint8_t room[ROOM];
    begin();
    const struct wk_envelope_key key = {.kind = WK_ENVELOPE_KEY_ONE_PASS,
                                        .data = wk_bytes_in_of(data, sizeof data)};
    for (size_t limit = 0; limit < ROOM; limit++) {
        const size_t size = seal(room, limit, &key, 0x32, PLAIN);
        EXPECT(size <= limit);
        EXPECT(limit < 300 || size > 0);
    }
}

/* ---- general-signing --------------------------------------------------------------------- */

static void a_signed_apdu_names_its_signer(void)
{
    begin();
    for (uint8_t size = 32; size <= 48; size = (uint8_t)(size + 16)) {
        struct wk_hal_private key = {.size = size};
        uint8_t point[WK_HAL_POINT];
        uint8_t room[200 + WK_ENVELOPE_SIGNING];
        const struct wk_envelope envelope = envelope_of(77);
        EXPECT_OK(crypto->generate(crypto->self, &key, point));
        for (size_t length = 1; length <= 200; length += 66) {
            uint8_t content[200];
            size_t total = length;
            EXPECT_OK(draw(&chance, content, length));
            memcpy(room, content, length);
            EXPECT_OK(wk_envelope_sign(crypto, &key, &envelope, room, &total));
            EXPECT(total <= length + WK_ENVELOPE_SIGNING);
            struct wk_bytes_in in = wk_bytes_in_of(room, total);
            struct wk_envelope read;
            struct wk_bytes_in covered;
            struct wk_bytes_in inner;
            struct wk_bytes_in signature;
            EXPECT_OK(wk_envelope_read_signing(&in, &read, &covered, &inner, &signature));
            EXPECT_I64(length, inner.size);
            EXPECT_BYTES(content, inner.data, length);
            EXPECT_BYTES(envelope.originator, read.originator, WK_CIPHER_TITLE);
            EXPECT_OK(wk_envelope_verify(crypto, point, size, &covered, &signature));
            const size_t at = (size_t)(wk_test_random(&chance) >> 32) % (total - 1) + 1;
            room[at] ^= 1;
            in = wk_bytes_in_of(room, total);
            EXPECT(wk_envelope_read_signing(&in, &read, &covered, &inner, &signature) !=
                       WK_OK ||
                   wk_envelope_verify(crypto, point, size, &covered, &signature) != WK_OK);
        }
    }
}

/* ---- HLS --------------------------------------------------------------------------------- */

static void only_who_knows_the_secret_answers(void)
{
    static const uint8_t k_secret[] = "0123456789ABCDEF";
    static const uint8_t k_asked[32] = "challenge of the server, 32 oct";
    static const uint8_t k_other[40] = "challenge of the client";
    const struct wk_test_octets client = wk_test_hex(CLIENT);
    const struct wk_test_octets server = wk_test_hex(SERVER);
    const struct wk_cipher_keys keys = {.ek = key_of(EK), .ak = key_of(AK)};
    struct wk_hal_private own = {.size = 32};
    uint8_t point[WK_HAL_POINT];
    begin();
    EXPECT_OK(crypto->generate(crypto->self, &own, point));
    for (int mechanism = WK_ASSOCIATION_HLS_MD5; mechanism <= WK_ASSOCIATION_HLS_ECDSA;
         mechanism++) {
        uint8_t room[WK_HLS_ANSWER];
        struct wk_bytes_out answer = wk_bytes_out_of(room, sizeof room);
        struct wk_hls hls = {
            .hashed = &wk_hls_by_hash,
            .crypto = crypto,
            .mechanism = (wk_association_mechanism)mechanism,
            .secret = wk_bytes_in_of(k_secret, 16),
            .keys = &keys,
            .suite = 1,
            .counter = 7,
            .own = &own,
            .point = point,
            .point_size = 32,
            .prover = client.data,
            .verifier = server.data,
            .challenge = wk_bytes_in_of(k_asked, sizeof k_asked),
            .other = wk_bytes_in_of(k_other, sizeof k_other),
        };
        EXPECT(wk_hls_is((uint8_t)mechanism));
        EXPECT_OK(wk_hls_answer(&hls, &answer));
        struct wk_bytes_in given = wk_bytes_in_of(room, answer.size);
        EXPECT_OK(wk_hls_check(&hls, &given));
        const bool names_parties = mechanism >= WK_ASSOCIATION_HLS_GMAC;
        hls.prover = server.data; /* the verifier's own answer, sent back */
        hls.verifier = client.data;
        EXPECT_ERR(names_parties ? WK_E_AUTH : WK_OK, wk_hls_check(&hls, &given));
        hls.prover = client.data;
        hls.verifier = server.data;
        hls.challenge = wk_bytes_in_of(k_other, sizeof k_other);
        EXPECT_ERR(WK_E_AUTH, wk_hls_check(&hls, &given));
        hls.challenge = wk_bytes_in_of(k_asked, sizeof k_asked);
        for (size_t bit = 0; bit < answer.size * 8; bit += 7) {
            room[bit / 8] ^= (uint8_t)(1U << bit % 8);
            EXPECT_ERR(WK_E_AUTH, wk_hls_check(&hls, &given));
            room[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        given.size--;
        EXPECT_ERR(WK_E_AUTH, wk_hls_check(&hls, &given));
        given.size = 0;
        EXPECT_ERR(WK_E_AUTH, wk_hls_check(&hls, &given));
    }
}

static void the_hashes_of_hls_are_over_what_the_standard_names(void)
{
    /* hashlib: md5(b"StoC" + b"secret"), sha1 likewise,
     * sha256(b"secret" + client title + server title + b"StoC" + b"CtoS") */
    static const char *const k_want[] = {
        "5446A626CA3F53E3A94E94567F195109", "A11EAD56021EA8E7BE0C56547ADEA3E63C35B2FE",
        "DB97AADB16A87FF83F73DC3433E23ACADDF8FC234D81F7356F8A8871B7E5E6D8"};
    static const int k_mechanisms[] = {3, 4, 6};
    const struct wk_test_octets client = wk_test_hex(CLIENT);
    const struct wk_test_octets server = wk_test_hex(SERVER);
    begin();
    for (size_t i = 0; i < 3; i++) {
        const struct wk_test_octets want = wk_test_hex(k_want[i]);
        const struct wk_hls hls = {
            .hashed = &wk_hls_by_hash,
            .crypto = crypto,
            .mechanism = (wk_association_mechanism)k_mechanisms[i],
            .secret = wk_bytes_in_of("secret", 6),
            .prover = client.data,
            .verifier = server.data,
            .challenge = wk_bytes_in_of("StoC", 4),
            .other = wk_bytes_in_of("CtoS", 4),
        };
        uint8_t room[WK_HLS_ANSWER];
        struct wk_bytes_out answer = wk_bytes_out_of(room, sizeof room);
        EXPECT_OK(wk_hls_answer(&hls, &answer));
        EXPECT_I64(want.size, answer.size);
        EXPECT_BYTES(want.data, room, want.size);
    }
}

/* ---- what HLS refuses --------------------------------------------------------------------- */

/* Both ends of a proof by `mechanism`, whose answer goes through `crypto_of`. */
static wk_err prove(wk_association_mechanism mechanism, const struct wk_hal_crypto *crypto_of,
                    size_t secret_size, bool has_keys, size_t cut)
{
    static const uint8_t k_titles[2][8] = {"WKC00001", "WKM00001"};
    static const uint8_t k_asked[32] = "what the verifier asked the prov";
    static const uint8_t k_other[32] = "what the prover asked the verifi";
    static const uint8_t k_secret[300] = "sixteen letters.";
    static struct wk_hal_private key;
    static uint8_t point[WK_HAL_POINT];
    uint8_t room[WK_HLS_ANSWER];
    struct wk_bytes_out answer = wk_bytes_out_of(room, sizeof room);
    const struct wk_cipher_keys keys = {.ek = key_of(EK), .ak = key_of(AK)};
    if (key.size == 0) {
        key.size = 32;
        WK_TRY(crypto->generate(crypto->self, &key, point));
    }
    struct wk_hls hls = {
        .hashed = &wk_hls_by_hash,
        .crypto = crypto_of,
        .mechanism = mechanism,
        .secret = wk_bytes_in_of(k_secret, secret_size),
        .keys = &keys,
        .own = has_keys ? &key : NULL,
        .point = has_keys ? point : NULL,
        .point_size = 32,
        .prover = k_titles[0],
        .verifier = k_titles[1],
        .challenge = wk_bytes_in_of(k_asked, sizeof k_asked),
        .other = wk_bytes_in_of(k_other, sizeof k_other),
    };
    struct wk_hls prover = hls;
    prover.own = &key;
    prover.crypto = has_keys ? crypto_of : crypto;
    WK_TRY(wk_hls_answer(&prover, &answer));
    const struct wk_bytes_in given = wk_bytes_in_of(room, answer.size - cut);
    return wk_hls_check(&hls, &given);
}

static void hls_fails_closed(void)
{
    begin();
    for (wk_association_mechanism m = WK_ASSOCIATION_HLS_MD5; m <= WK_ASSOCIATION_HLS_ECDSA;
         m++) {
        struct wk_failing failing;
        wk_failing_init(&failing, crypto);
        EXPECT(wk_hls_is((uint8_t)m));
        EXPECT_OK(prove(m, &failing.hal, 16, true, 0));
        const int calls = failing.calls;
        for (int call = 1; call <= calls; call++) {
            wk_failing_at(&failing, call);
            EXPECT_ERR(WK_E_IO, prove(m, &failing.hal, 16, true, 0));
        }
        EXPECT(prove(m, crypto, 16, true, 1) != WK_OK);
        wk_failing_strip(&failing);
        EXPECT_ERR(m == WK_ASSOCIATION_HLS_GMAC ? WK_OK : WK_E_UNSUPPORTED,
                   prove(m, &failing.hal, 16, true, 0));
    }
    EXPECT_ERR(WK_E_AUTH, prove(WK_ASSOCIATION_HLS_SHA256, crypto, 0, true, 0));
    EXPECT_ERR(WK_E_ARGUMENT, prove(WK_ASSOCIATION_HLS_SHA256, crypto, 300, true, 0));
    EXPECT_ERR(WK_E_AUTH, prove(WK_ASSOCIATION_HLS_ECDSA, crypto, 16, false, 0));
    EXPECT_ERR(WK_E_ARGUMENT, prove(WK_ASSOCIATION_LLS, crypto, 16, true, 0));
    EXPECT(!wk_hls_is(WK_ASSOCIATION_LLS) && !wk_hls_is(8));
}

WK_TEST_MAIN(T(keys_are_derived_as_computed_elsewhere),
             T(the_envelope_is_laid_out_as_the_standard_says),
             T(every_kind_of_key_comes_back_and_every_bit_counts),
             T(what_does_not_fit_is_refused), T(a_signed_apdu_names_its_signer),
             T(only_who_knows_the_secret_answers),
             T(the_hashes_of_hls_are_over_what_the_standard_names), T(hls_fails_closed))
