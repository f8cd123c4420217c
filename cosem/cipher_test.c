/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors stand in tests/vectors/dlms.txt with their sources; [n] names the block. */
#include "cosem/cipher.h"

#include "cosem/apdu.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "port/bearssl/bearssl.h"
#include "tests/wk_test.h"

#define EK    "000102030405060708090A0B0C0D0E0F"
#define AK    "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
#define TITLE "4D4D4D0000BC614E"
#define PLAIN "C0010000080000010000FF0200"

static struct wk_bearssl bearssl;
static const struct wk_hal_crypto *crypto = &bearssl.hal;
static uint64_t entropy_state = 1;

static wk_err draw(void *entropy, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(entropy) >> 32);
    }
    return WK_OK;
}

static struct wk_hal_key key_of(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_hal_key key = {.size = (uint8_t)octets.size};
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

static struct wk_cipher_keys keys_of(const char *ek, const char *ak)
{
    wk_bearssl_init(&bearssl, &entropy_state, draw);
    wk_bearssl_add_sha256(&bearssl);
    return (struct wk_cipher_keys){.ek = key_of(ek), .ak = key_of(ak)};
}

static struct wk_cipher_head head_of(uint8_t tag, uint8_t control, uint32_t counter,
                                     const char *title)
{
    struct wk_cipher_head head = {.tag = tag, .control = control, .counter = counter};
    const struct wk_test_octets octets = wk_test_hex(title);
    memcpy(head.title, octets.data, WK_CIPHER_TITLE);
    return head;
}

/* Seals `plain` and expects `apdu`; opens `apdu` and expects `plain`. */
static void check_apdu(const struct wk_cipher_keys *keys, const struct wk_cipher_head *head,
                       const char *plain_hex, const char *apdu_hex)
{
    const struct wk_test_octets plain = wk_test_hex(plain_hex);
    const struct wk_test_octets apdu = wk_test_hex(apdu_hex);
    uint8_t room[512];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal seal;
    wk_cipher_begin(&seal, &out, sizeof room);
    wk_bytes_out_put(&seal.plain, plain.data, plain.size);
    EXPECT_OK(wk_cipher_finish(&seal, crypto, keys, head));
    EXPECT_I64(apdu.size, out.size);
    EXPECT_BYTES(apdu.data, room, apdu.size);

    struct wk_cipher_head read = *head;
    struct wk_bytes_in in = wk_test_in(&apdu);
    struct wk_bytes_in text;
    EXPECT_OK(wk_cipher_read_head(&in, &read, &text));
    EXPECT_I64(head->tag, read.tag);
    EXPECT_I64(head->control, read.control);
    EXPECT_I64(head->counter, read.counter);
    EXPECT_BYTES(head->title, read.title, WK_CIPHER_TITLE);
    struct wk_bytes_out opened = wk_bytes_out_of(room, sizeof room);
    EXPECT_OK(wk_cipher_open(crypto, keys, &read, &text, &opened));
    EXPECT_I64(plain.size, opened.size);
    EXPECT_BYTES(plain.data, room, plain.size);
}

static void a_get_request_is_sealed_as_in_the_vector(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head =
        head_of(WK_APDU_GLO_GET_REQUEST, 0x30, 0x01234567, TITLE);
    check_apdu(&keys, &head, PLAIN,
               "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"); /* [01] */
}

static void encryption_alone_gives_the_same_text_without_tag(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head =
        head_of(WK_APDU_GLO_GET_REQUEST, 0x20, 0x01234567, TITLE);
    check_apdu(&keys, &head, PLAIN, "C8122001234567411312FF935A47566827C467BC"); /* [02] */
}

static void authentication_alone_leaves_the_text_in_clear(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head =
        head_of(WK_APDU_GLO_GET_REQUEST, 0x10, 0x01234567, TITLE);
    check_apdu(&keys, &head, PLAIN,
               "C81E1001234567" PLAIN "06725D910F9221D263877516"); /* [03], derived */
}

static void an_initiate_request_is_sealed_as_in_the_standard(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head =
        head_of(WK_APDU_GLO_INITIATE_REQUEST, 0x30, 0x01234567, TITLE);
    const char *plain = "01011000112233445566778899AABBCCDDEEFF0000065F1F0400007E1F04B0";
    check_apdu(
        &keys, &head, plain,
        "21303001234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB"
        "204D39EE6FDB8E356855"); /* [04] */
    const struct wk_test_octets octets = wk_test_hex(plain);
    struct wk_bytes_in in = wk_test_in(&octets);
    struct wk_initiate_request request;
    EXPECT_OK(wk_initiate_read_request(&in, &request));
    EXPECT_I64(16, request.dedicated_key_size);
    EXPECT_I64(0x007E1F, request.conformance);
    EXPECT_I64(1200, request.max_pdu);
}

static void a_meter_push_with_general_glo_is_opened(void)
{
    const char *key = "4D5944554D4D59474C4F42414C4B4559";
    const struct wk_cipher_keys keys = keys_of(key, key);
    const struct wk_test_octets apdu = wk_test_hex(
        "DB082F192291991641033B30000001E5025CE9D2271FD78BE8C204211A916A9D7F587E0A7A814CADEA89E9"
        "593F01F92EA8C087B5BDFDEFEAB6BECF282DFE49C08F5BE6DC8400"); /* [07] */
    const struct wk_test_octets plain =
        wk_test_hex("0F000001DB000922125A8591360000000049000000110000000A5A8513D014800000000D00"
                    "00000A0100");
    struct wk_bytes_in in = wk_test_in(&apdu);
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    uint8_t room[256];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    EXPECT_OK(wk_cipher_read_head(&in, &head, &text));
    EXPECT_OK(wk_cipher_open(crypto, &keys, &head, &text, &out));
    EXPECT_I64(plain.size, out.size);
    EXPECT_BYTES(plain.data, room, plain.size);
    check_apdu(
        &keys, &head,
        "0F000001DB000922125A8591360000000049000000110000000A5A8513D014800000000D0000000A"
        "0100",
        "DB082F192291991641033B30000001E5025CE9D2271FD78BE8C204211A916A9D7F587E0A7A814CAD"
        "EA89E9593F01F92EA8C087B5BDFDEFEAB6BECF282DFE49C08F5BE6DC8400");
}

static void keys_of_suite_2_fit(void)
{
    const struct wk_cipher_keys keys =
        keys_of(EK "101112131415161718191A1B1C1D1E1F", AK "E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF");
    const struct wk_cipher_head head =
        head_of(WK_APDU_GLO_GET_REQUEST, 0x32, 0x01234567, TITLE);
    check_apdu(&keys, &head, PLAIN,
               "C81E3201234567E82B2AD3EE8C12A6FB27038F08442193498C6A53DE55EEB9D2"); /* [15] */
}

static void challenges_are_answered_as_in_the_vectors(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    struct wk_cipher_head head = head_of(0, 0x10, 1, "4D4D4D0000000001");
    const struct wk_test_octets stoc = wk_test_hex("503677524A323146");
    const struct wk_test_octets stoc_reply =
        wk_test_hex("10000000011A52FE7DD3E72748973C1E28"); /* [05] */
    uint8_t token[WK_CIPHER_TOKEN];
    EXPECT_OK(wk_cipher_answer(crypto, &keys, &head, stoc.data, stoc.size, token));
    EXPECT_BYTES(stoc_reply.data, token, sizeof token);
    const struct wk_test_octets ctos = wk_test_hex("4B35366956616759");
    const struct wk_test_octets ctos_reply =
        wk_test_hex("1001234567FE1466AFB3DBCD4F9389E2B7"); /* [06], derived */
    head = head_of(0, 0x10, 0x01234567, TITLE);
    const struct wk_bytes_in challenge = wk_test_in(&ctos);
    const struct wk_bytes_in reply = wk_test_in(&ctos_reply);
    uint32_t counter = 0;
    EXPECT_OK(wk_cipher_check_answer(crypto, &keys, head.title, &challenge, &reply, &counter));
    EXPECT_I64(0x01234567, counter);
}

static void an_answer_with_any_bit_turned_is_refused(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head = head_of(0, 0x10, 0x01234567, TITLE);
    const struct wk_test_octets ctos = wk_test_hex("4B35366956616759");
    struct wk_test_octets token = wk_test_hex("1001234567FE1466AFB3DBCD4F9389E2B7");
    const struct wk_bytes_in challenge = wk_test_in(&ctos);
    uint32_t counter = 0;
    for (size_t bit = 0; bit < token.size * 8; bit++) {
        const uint8_t mask = (uint8_t)(1U << bit % 8);
        token.data[bit / 8] ^= mask;
        const struct wk_bytes_in reply = wk_test_in(&token);
        EXPECT_ERR(WK_E_AUTH, wk_cipher_check_answer(crypto, &keys, head.title, &challenge,
                                                     &reply, &counter));
        token.data[bit / 8] ^= mask;
    }
    for (size_t size = 0; size < token.size; size++) {
        const struct wk_bytes_in reply = wk_bytes_in_of(token.data, size);
        EXPECT_ERR(WK_E_AUTH, wk_cipher_check_answer(crypto, &keys, head.title, &challenge,
                                                     &reply, &counter));
    }
}

static wk_err open_octets(const struct wk_cipher_keys *keys, const uint8_t *octets, size_t size,
                          struct wk_bytes_out *out)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_cipher_head head = head_of(0, 0, 0, TITLE);
    struct wk_bytes_in text;
    WK_TRY(wk_cipher_read_head(&in, &head, &text));
    return wk_cipher_open(crypto, keys, &head, &text, out);
}

static void an_apdu_that_is_short_or_altered_reveals_nothing(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    struct wk_test_octets apdu =
        wk_test_hex("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B");
    uint8_t room[128];
    for (size_t size = 0; size < apdu.size; size++) {
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        EXPECT(open_octets(&keys, apdu.data, size, &out) != WK_OK);
        EXPECT_I64(0, out.size);
    }
    for (size_t bit = 8; bit < apdu.size * 8; bit++) {
        const uint8_t mask = (uint8_t)(1U << bit % 8);
        const bool is_auth_bit = bit / 8 == 2 && mask == WK_CIPHER_AUTHENTICATED;
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        memset(room, 0, sizeof room);
        apdu.data[bit / 8] ^= mask;
        const wk_err err = open_octets(&keys, apdu.data, apdu.size, &out);
        apdu.data[bit / 8] ^= mask;
        /* Without the authentication bit it is a text without tag: policy refuses that. */
        EXPECT(is_auth_bit || err != WK_OK);
        EXPECT(is_auth_bit || out.size == 0);
        EXPECT(is_auth_bit || room[0] == 0);
    }
}

static void compression_and_no_protection_are_refused(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const uint8_t controls[] = {0xB0, 0xF0, 0x00, 0x40};
    for (size_t i = 0; i < sizeof controls; i++) {
        struct wk_test_octets apdu =
            wk_test_hex("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B");
        uint8_t room[128];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        apdu.data[2] = controls[i];
        EXPECT_ERR(WK_E_UNSUPPORTED, open_octets(&keys, apdu.data, apdu.size, &out));
    }
}

static void what_does_not_fit_leaves_the_output_as_it_was(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const struct wk_cipher_head head = head_of(WK_APDU_GENERAL_GLO, 0x30, 1, TITLE);
    uint8_t room[240];
    for (size_t limit = 0; limit < sizeof room; limit++) {
        struct wk_bytes_out out = wk_bytes_out_of(room, limit);
        wk_bytes_out_u8(&out, 0xAA);
        const size_t before = out.size;
        struct wk_cipher_seal seal;
        wk_cipher_begin(&seal, &out, 64);
        wk_bytes_out_put(&seal.plain, room, 34);
        const wk_err err = wk_cipher_finish(&seal, crypto, &keys, &head);
        EXPECT(err == WK_OK || out.size == before);
        EXPECT(err != WK_OK || out.size - before <= 64);
        EXPECT(limit < 1 + WK_CIPHER_RESERVE + 34 + WK_CIPHER_TAG || err == WK_OK);
    }
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal seal;
    wk_cipher_begin(&seal, &out, 64);
    wk_bytes_out_put(&seal.plain, room, 35);
    EXPECT_ERR(WK_E_FULL, wk_cipher_finish(&seal, crypto, &keys, &head));
    EXPECT_I64(0, out.size);
}

static void neither_key_nor_text_stays_behind_the_end(void)
{
    const struct wk_cipher_keys keys = keys_of(EK, AK);
    const uint8_t controls[] = {0x10, 0x20, 0x30};
    for (size_t i = 0; i < sizeof controls; i++) {
        const struct wk_cipher_head head =
            head_of(WK_APDU_GLO_GET_REQUEST, controls[i], 1, TITLE);
        uint8_t room[256] = {0};
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        struct wk_cipher_seal seal;
        wk_cipher_begin(&seal, &out, sizeof room);
        memset(wk_bytes_out_reserve(&seal.plain, 100), 0x55, 100);
        EXPECT_OK(wk_cipher_finish(&seal, crypto, &keys, &head));
        for (size_t at = out.size; at < sizeof room; at++) {
            EXPECT_I64(0, room[at]);
        }
    }
}

/* FIPS 180-4, the examples "abc", the empty message, and 56 octets. */
static void the_hash_is_sha_256(void)
{
    static const struct {
        const char *text;
        const char *hash;
    } k_rows[] = {
        {"", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"},
        {"abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248D6A61D20638B8E5C026930C3E6039A33CE45964FF2167F6ECEDD419DB06C1"},
    };
    wk_bearssl_init(&bearssl, &entropy_state, draw);
    wk_bearssl_add_sha256(&bearssl);
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        uint8_t hash[32];
        const struct wk_test_octets wanted = wk_test_hex(k_rows[i].hash);
        EXPECT_OK(crypto->sha256(crypto->self, k_rows[i].text, strlen(k_rows[i].text), hash));
        EXPECT_BYTES(wanted.data, hash, sizeof hash);
    }
}

WK_TEST_MAIN(T(the_hash_is_sha_256), T(a_get_request_is_sealed_as_in_the_vector),
             T(encryption_alone_gives_the_same_text_without_tag),
             T(authentication_alone_leaves_the_text_in_clear),
             T(an_initiate_request_is_sealed_as_in_the_standard),
             T(a_meter_push_with_general_glo_is_opened), T(keys_of_suite_2_fit),
             T(challenges_are_answered_as_in_the_vectors),
             T(an_answer_with_any_bit_turned_is_refused),
             T(an_apdu_that_is_short_or_altered_reveals_nothing),
             T(compression_and_no_protection_are_refused),
             T(what_does_not_fit_leaves_the_output_as_it_was),
             T(neither_key_nor_text_stays_behind_the_end))
