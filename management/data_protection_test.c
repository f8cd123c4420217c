/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 30 of a whole meter: what another implementation has protected is written and called, what the
 * meter protects is what that one makes of the same values, and nothing else gets in. */
#include "management/data_protection_layer.h"

#include <stdio.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "management/module.h"
#include "management/test_contactor.h"
#include "port/bearssl/bearssl.h"
#include "port/virtual/flash.h"
#include "tests/certificates.h"
#include "tests/wk_test.h"

#define SECTOR     4096
#define SECTORS    20
#define US         INT64_C(1000000)
#define START_S    INT64_C(1790000000)
#define PROTECTION "0.0.43.2.0.255"
#define ID         "0.0.96.1.1.255"

/* The other side: AES-GCM, key wrap, ECDSA, ECDH and the key derivation of the Python package
 * "cryptography"; encryption key 000102..0F, authentication key D0D1..DF, broadcast key 2021..2F,
 * master key 070707 and zeros. Titles are those of tests/certificates.h. SET_: the value 02 01 09 02 4142 of
 * ID; GET_: 02 02 09 04 41424344 16 03 by the meter's first counters. */
#define SET_AUTHENTICATED "100000006402010902414259BAA53D4FAE3407DD4FC290"
#define SET_ENCRYPTED     "2000000065427940A0FD35"
#define SET_BOTH          "300000006698EEBFFB216192F7DC30F54B873C239ED813"
#define SET_OTHER         "300000006EDB4E0A99DE2B740C1F3E201671EF084CC410"
#define SET_BROADCAST     "700000006F260168840D1832808244FA4B4D0CF802F072"
#define GET_AUTHENTICATED "1000000001020209044142434416038500A7C9871067ADD615C9FA"
#define GET_ENCRYPTED     "20000000020EADE818B664DB2F99CE"
#define GET_BOTH          "3000000003DEDAFCC0D5DB5C460CAA20D9A811812158C42C1BBED6"
#define SET_SIGNED                                                                             \
    "060201090241424079A8602CEDFE02818A0F9EF435915489F961380B111AE84D248C38E94D6A"             \
    "11DE2E262C285B0F001E704DFCA1B659CDCF1E289F2ECBFB93018E180AA6EAECD2B5"
#define SET_SIGNED_CIPHERED                                                                    \
    "31000000C8E890371E021A26A111C4690CEBECAF32E715CC1962B41953CBC28A2E9992A49C60"             \
    "C1BE5B1ED2E39237C5C40A910BC031B0DCD09F12409C0426F4F87F2B91925BD68FADA46A5850"             \
    "7F03BD1667099BF7A9CCDCC1E2"
#define WRAPPED_KEY "1B477AF0CEAFCA0421757404AE1F32210A652CC7867A38E0"
#define SET_WRAPPED "31000000C99AE85EEB0F01B92049649C36B81F66116416"
#define SET_STATIC  "31000000CADD06B8C83285A238067F50485DD70A8820D7"
#define EPHEMERAL                                                                              \
    "0217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB97"             \
    "712D2DDA3CA85AA8765A56F45FC758599652F2897C65306E5794DDEA0062CB9EBF6767C77C21"             \
    "C9FEDB622B108EF4C62102A211D8082AFB86CCD5C89BD77980E0B54E28417F6A8528EDC313A6"             \
    "EE31B4B7E082E8500A4F9281D1B8"
#define SET_ONE_PASS               "31000000CBA569C2F7FBB88B1364EC01802C6EE154C663"
#define CALL_BOTH                  "3000000078F235BD3E89D24C4050BD16BC388E"
#define RETURN_BOTH                "3000000001702443AEA3E2EB53569F9CE5C9"

#define METER                      "09 08 574B500000000001"
#define CLIENT                     "09 08 434C540000000009"
#define OTHER                      "09 08 4F54480000000001"

#define LIST_OF(attribute, object) "02 05 12 " object " 0F " attribute " 12 0000 02 02 16 00 00"
#define ID_ENTRY                   LIST_OF("02", "0001 09 06 0000600101FF")
#define HASH_ENTRY                 LIST_OF("06", "0041 09 06 0000100200FF")
#define ONE                        "01 01 " ID_ENTRY " "
#define TWO                        "01 02 " ID_ENTRY " " HASH_ENTRY " "

#define UNICAST                    "02 02 16 00 16 00 "
#define BROADCAST                  "02 02 16 00 16 01 "
#define WRAPPED                    "02 02 16 01 02 02 16 00 09 18 " WRAPPED_KEY " "
#define ONE_PASS                   "02 02 16 02 02 02 09 01 01 09 8180 " EPHEMERAL " "
#define STATIC                     "02 02 16 02 02 02 09 01 02 09 00 "
#define NO_KEY                     "02 00 "

#define LAYER(kind, number, from, to, key)                                                     \
    "02 02 16 " kind " 02 05 09 08 00000000000000" number " " from " " to " 09 00 " key
#define CAME(kind, key)   "01 01 " LAYER(kind, "05", CLIENT, METER, key)
#define WANTED(kind, key) "01 01 " LAYER(kind, "05", METER, CLIENT, key)

static struct wk_setup g_setup;
static struct wk_data_protection g_protection;
static struct wk_session_identity g_identity;
static struct wk_bearssl g_bearssl;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint8_t g_value[1500];
static size_t g_size;
static uint64_t g_entropy = 20261121;

static wk_err draw(void *state, void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)to)[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static struct wk_hal_key key_from(uint8_t first)
{
    struct wk_hal_key key = {.size = 16};
    for (uint8_t i = 0; i < 16; i++) {
        key.octets[i] = (uint8_t)(first + i);
    }
    return key;
}

/* The key pairs and certificates of both sides. */
static void equip(void)
{
    const struct wk_test_certificates *made = &k_certificates[0];
    struct wk_session_security *security = &g_module.security;
    const char *trusted[] = {made->root, made->client[0], made->client[1]};
    for (size_t i = 0; i < 3; i++) {
        const struct wk_test_octets der = wk_test_hex(trusted[i]);
        EXPECT_OK(wk_session_trust(&g_identity, security->title, wk_test_in(&der)));
    }
    for (int pair = 0; pair < 2; pair++) {
        const struct wk_test_octets key = wk_test_hex(made->server_key[pair]);
        g_identity.own[pair].key.size = (uint8_t)key.size;
        memcpy(g_identity.own[pair].key.octets, key.data, key.size);
    }
}

static wk_err boot(uint8_t suite)
{
    const struct wk_module_ports ports = {
        .flash = &g_flash.port, .contactor = &k_contactor, .crypto = &g_bearssl.hal};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 3},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .setup = &g_setup,
        .suite = suite,
        .system_title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
        .keys = {.ek = key_from(0), .ak = key_from(0xD0)},
        .kek = {.octets = {7, 7, 7}, .size = 16},
        .pairs = &g_identity,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
    };
    wk_bearssl_init(&g_bearssl, &g_entropy, draw);
    wk_bearssl_add_sha256(&g_bearssl);
    wk_bearssl_add_wrap(&g_bearssl);
    wk_bearssl_add_p256(&g_bearssl);
    wk_data_protection_init(&g_protection, &g_bearssl.hal);
    g_identity = (struct wk_session_identity){0};
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    WK_TRY(wk_module_init(&g_module, &config, &ports));
    g_module.rooms.data_protection = &g_protection;
    g_module.security.setup[0].broadcast = key_from(0x20);
    g_module.security.server_next = 1;
    g_module.security.server_reserved = 100;
    equip();
    struct wk_record record = {.kind = WK_RECORD_WINDOW,
                               .epoch = 1,
                               .seq = g_module.cursor.seq + 1,
                               .t_us = START_S * US,
                               .span_us = US};
    record.window.phases = 3;
    return wk_module_consume(&g_module, &record);
}

static void start(uint8_t suite)
{
    g_closed = true;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    EXPECT_OK(boot(suite));
}

static struct wk_object_call call_of(const char *obis)
{
    uint8_t octets[WK_OBIS_SIZE] = {0};
    wk_test_failed_ = wk_test_failed_ || wk_obis_parse(obis, octets) != WK_OK;
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, 0, octets),
                                   .now_us = START_S * US,
                                   .role = WK_ROLE_MANAGEMENT};
}

static bool is(const char *obis, uint8_t attribute, const char *hex)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    const struct wk_test_octets wanted = wk_test_hex(hex);
    const struct wk_object_call call = call_of(obis);
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(g_value, sizeof g_value);
    const wk_err err =
        call.object->access->functions->get(&call, attribute, &k_all, &cursor, &out);
    return err == WK_OK && out.size == wanted.size &&
           memcmp(g_value, wanted.data, wanted.size) == 0;
}

static wk_err set(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    WK_TRY(call.object->access->functions->set(&call, attribute, &in));
    return wk_module_settle(&g_module);
}

static wk_err act_as(wk_role role, uint8_t method, const char *hex)
{
    struct wk_object_call call = call_of(PROTECTION);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    struct wk_bytes_out reply = wk_bytes_out_of(g_value, sizeof g_value);
    call.role = role;
    const wk_err err = call.object->access->functions->action(&call, method, &in, &reply);
    g_size = reply.size;
    WK_TRY(wk_module_settle(&g_module));
    return err;
}

static wk_err act(uint8_t method, const char *hex)
{
    return act_as(WK_ROLE_MANAGEMENT, method, hex);
}

static bool replied(const char *hex)
{
    const struct wk_test_octets wanted = wk_test_hex(hex);
    return g_size == wanted.size && memcmp(g_value, wanted.data, wanted.size) == 0;
}

/* Nothing is demanded: single kinds of protection can be tried. */
static void start_lenient(uint8_t suite)
{
    start(suite);
    EXPECT_OK(set(PROTECTION, 6, "16 00"));
}

#define EXPECT_ID(hex) EXPECT(is(ID, 2, hex))
#define CHANGED        "09 02 4142"

/* ---- what comes -------------------------------------------------------------------------- */

static void what_another_has_protected_is_written(void)
{
    static const char *const k_requests[] = {
        "02 03 " ONE CAME("00", UNICAST) "09 17 " SET_AUTHENTICATED,
        "02 03 " ONE CAME("01", UNICAST) "09 0B " SET_ENCRYPTED,
        "02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH,
        "02 03 " ONE CAME("02", "02 02 16 00 02 01 16 00 ") "09 17 " SET_BOTH,
        "02 03 " ONE CAME("02", BROADCAST) "09 17 " SET_BROADCAST,
        "02 03 " ONE "01 01 02 02 16 02 02 05 09 02 0000 " CLIENT " " METER
        " 09 03 78797A " UNICAST "09 17 " SET_OTHER,
    };
    for (size_t i = 0; i < sizeof k_requests / sizeof k_requests[0]; i++) {
        start_lenient(0);
        EXPECT_ID("09 00");
        EXPECT_OK(act(2, k_requests[i]));
        EXPECT_ID(CHANGED);
    }
}

static void keys_that_come_along_and_signatures_are_taken(void)
{
    static const char *const k_requests[] = {
        "02 03 " ONE CAME("02", WRAPPED) "09 17 " SET_WRAPPED,
        "02 03 " ONE CAME("02", STATIC) "09 17 " SET_STATIC,
        "02 03 " ONE CAME("02", ONE_PASS) "09 17 " SET_ONE_PASS,
        "02 03 " ONE CAME("03", NO_KEY) "09 48 " SET_SIGNED,
        "02 03 " ONE "01 02 " LAYER("03", "06", CLIENT, METER, NO_KEY)
            LAYER("02", "06", CLIENT, METER, UNICAST) "09 59 " SET_SIGNED_CIPHERED,
    };
    for (size_t i = 0; i < sizeof k_requests / sizeof k_requests[0]; i++) {
        start_lenient(1);
        EXPECT_OK(act(2, k_requests[i]));
        EXPECT_ID(CHANGED);
        EXPECT_ERR(WK_E_REPLAY, act(2, k_requests[i]));
    }
}

static void the_buffer_takes_and_gives_by_its_lists(void)
{
    start(0);
    EXPECT(is(PROTECTION, 2, "09 00"));
    EXPECT(is(PROTECTION, 3, "01 00"));
    EXPECT_OK(set(PROTECTION, 3, ONE));
    EXPECT_OK(set(PROTECTION, 5, CAME("02", UNICAST)));
    EXPECT_OK(set(PROTECTION, 2, "09 17 " SET_BOTH));
    EXPECT_ID(CHANGED);
    EXPECT_OK(set(ID, 2, "09 04 41424344"));
    EXPECT_OK(set(PROTECTION, 3, TWO));
    EXPECT_OK(set(PROTECTION, 4, WANTED("02", UNICAST)));
    g_module.security.server_next = 3;
    EXPECT(is(PROTECTION, 2, "09 1B " GET_BOTH));
    EXPECT(is(PROTECTION, 4, WANTED("02", UNICAST)));
}

/* ---- what goes --------------------------------------------------------------------------- */

static void values_are_protected_as_another_does_it(void)
{
    start_lenient(0);
    EXPECT_OK(set(ID, 2, "09 04 41424344"));
    EXPECT_OK(act(1, "02 02 " TWO WANTED("00", UNICAST)));
    EXPECT(replied("02 02 " WANTED("00", UNICAST) "09 1B " GET_AUTHENTICATED));
    EXPECT_OK(act(1, "02 02 " TWO CAME("01", UNICAST))); /* names the wrong way round */
    EXPECT(replied("02 02 " WANTED("01", UNICAST) "09 0F " GET_ENCRYPTED));
    EXPECT_OK(act(1, "02 02 " TWO WANTED("02", UNICAST)));
    EXPECT(replied("02 02 " WANTED("02", UNICAST) "09 1B " GET_BOTH));
    EXPECT_OK(act(1, "02 02 " ONE "01 00")); /* none is demanded, and none is wanted */
    EXPECT(replied("02 02 01 00 09 08 02 01 09 04 41424344"));
}

/* Opens the reply as the client does, whose keys are those of tests/certificates.h. */
static wk_err open_reply(struct wk_bytes_in *plain)
{
    static struct wk_session_identity identity;
    static struct wk_data_protection protection;
    struct wk_session_security security = g_module.security;
    struct wk_data_protection_desk desk = {
        .protection = &protection, .security = &security, .now = {START_S}};
    struct wk_data_protection_layers layers;
    struct wk_bytes_in in = wk_bytes_in_of(g_value, g_size);
    uint8_t at;
    size_t size = 0;
    wk_data_protection_init(&protection, &g_bearssl.hal);
    memcpy(security.title, "CLT\0\0\0\0\x09", WK_CIPHER_TITLE);
    identity = (struct wk_session_identity){0};
    security.identity = &identity;
    for (int pair = 0; pair < 2; pair++) {
        const struct wk_test_octets key = wk_test_hex(k_certificates[0].client_key[pair]);
        const struct wk_test_octets der = wk_test_hex(k_certificates[0].server[pair]);
        identity.own[pair].key.size = (uint8_t)key.size;
        memcpy(identity.own[pair].key.octets, key.data, key.size);
        identity.certificate[pair].size = (uint16_t)der.size;
        memcpy(identity.certificate[pair].der, der.data, der.size);
    }
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    WK_TRY(wk_data_protection_read_layers(&in, &layers));
    const uint8_t *octets = wk_axdr_read_octets(&in, &size);
    WK_TRY(wk_bytes_in_end(&in));
    return wk_data_protection_open(&desk, &layers, wk_bytes_in_of(octets, size), &at, plain);
}

/* What opens is checked against another implementation above: so is what it opens here. */
static void new_keys_and_signatures_reach_who_they_are_for(void)
{
    static const char *const k_wanted[] = {
        WANTED("02", "02 02 16 01 02 02 16 00 09 00 "),
        WANTED("02", "02 02 16 02 02 02 09 01 01 09 00 "),
        WANTED("02", STATIC),
        WANTED("03", NO_KEY),
        "01 02 " LAYER("03", "06", METER, CLIENT, NO_KEY)
            LAYER("02", "06", METER, CLIENT, UNICAST),
        "01 02 " LAYER("02", "06", METER, CLIENT, STATIC)
            LAYER("03", "06", METER, CLIENT, NO_KEY),
    };
    for (size_t i = 0; i < sizeof k_wanted / sizeof k_wanted[0]; i++) {
        static const uint8_t k_values[] = {2, 1, 9, 2, 0x41, 0x42};
        char request[1000];
        struct wk_bytes_in plain;
        start_lenient(1);
        EXPECT_OK(set(ID, 2, CHANGED));
        (void)snprintf(request, sizeof request, "02 02 " ONE "%s", k_wanted[i]);
        EXPECT_OK(act(1, request));
        EXPECT_OK(open_reply(&plain));
        EXPECT_I64(sizeof k_values, plain.size);
        EXPECT_BYTES(k_values, plain.data, sizeof k_values);
    }
}

#define SUPPLY_OFF "02 03 12 0046 09 06 000060030AFF 0F 01 "

static void a_method_is_called_and_its_answer_protected(void)
{
    start(0);
    EXPECT_OK(act(3, "02 03 " SUPPLY_OFF CAME("02", UNICAST) "09 13 " CALL_BOTH));
    EXPECT(replied("02 02 " WANTED("02", UNICAST) "09 12 " RETURN_BOTH));
    EXPECT(!g_closed);
    EXPECT(is("0.0.43.1.5.255", 2, "06 00000078"));
}

/* Lists that name each other would have no end. */
static void what_is_protected_holds_no_buffer_of_its_own(void)
{
    start_lenient(0);
    EXPECT_ERR(WK_E_RANGE, set("0.0.66.0.0.255", 3,
                               "01 01 02 04 12 001E 09 06 00002B0200FF 0F 02 12 0000"));
}

/* ---- what does not get in ---------------------------------------------------------------- */

static void nothing_is_taken_twice_even_after_a_restart(void)
{
    start(0);
    EXPECT_OK(act(2, "02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH));
    EXPECT_OK(set(ID, 2, "09 00"));
    EXPECT_ERR(WK_E_REPLAY, act(2, "02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot(0));
    EXPECT_ERR(WK_E_REPLAY, act(2, "02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH));
    EXPECT_ID("09 00");
    EXPECT_I64(2, g_module.security.replays);
}

static void every_changed_octet_is_noticed(void)
{
    const struct wk_test_octets sealed = wk_test_hex(SET_BOTH);
    for (size_t i = 0; i < sealed.size; i++) {
        char request[1000];
        int at = snprintf(request, sizeof request, "02 03 " ONE CAME("02", UNICAST) "09 17 ");
        for (size_t j = 0; j < sealed.size; j++) {
            at += snprintf(request + at, sizeof request - (size_t)at, "%02X",
                           sealed.data[j] ^ (j == i ? 1U : 0U));
        }
        start(0);
        EXPECT_ERR(WK_E_AUTH, act(2, request));
        EXPECT_ID("09 00");
        EXPECT_I64(1, g_module.security.not_deciphered);
    }
}

static void what_is_required_is_given_or_refused(void)
{
    start(0);
    EXPECT_ERR(WK_E_DENIED,
               act(2, "02 03 " ONE CAME("00", UNICAST) "09 17 " SET_AUTHENTICATED));
    EXPECT_ERR(WK_E_DENIED, act(1, "02 02 " ONE WANTED("01", UNICAST)));
    EXPECT_ERR(WK_E_DENIED, act(1, "02 02 " ONE "01 00"));
    EXPECT_OK(set(PROTECTION, 6, "16 00"));
    /* what changes the supply has a guard of its own */
    EXPECT_ERR(WK_E_DENIED, act(3, "02 03 " SUPPLY_OFF CAME("00", UNICAST) "09 13 " CALL_BOTH));
    EXPECT(g_closed);
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 6, "16 01"));
}

static void rights_hold_as_without_it(void)
{
    start(0);
    EXPECT_ERR(WK_E_DENIED,
               act_as(WK_ROLE_READER, 2, "02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH));
    EXPECT_ERR(WK_E_DENIED,
               act(2, "02 03 01 01 " HASH_ENTRY CAME("02", UNICAST) "09 17 " SET_BOTH));
    EXPECT_ERR(
        WK_E_DENIED, /* itself */
        act(1, "02 02 01 01 " LIST_OF("02", "001E 09 06 00002B0200FF") WANTED("02", UNICAST)));
    EXPECT_ERR(
        WK_E_UNSUPPORTED, /* a Security setup */
        act(1, "02 02 01 01 " LIST_OF("02", "0040 09 06 00002B0000FF") WANTED("02", UNICAST)));
    EXPECT_ERR(WK_E_NOT_FOUND, act(1, "02 02 01 01 " LIST_OF("02", "0001 09 06 010203040506")
                                          WANTED("02", UNICAST)));
    EXPECT_ERR(WK_E_AUTH, /* for somebody else */
               act(2, "02 03 " ONE
                      "01 01 " LAYER("02", "05", CLIENT, OTHER, UNICAST) "09 17 " SET_BOTH));
    EXPECT_ERR(WK_E_AUTH, /* between two others */
               act(1, "02 02 " ONE "01 01 " LAYER("02", "05", CLIENT, OTHER, UNICAST)));
    EXPECT_ID("09 00");
}

static void what_is_malformed_or_too_much_is_refused(void)
{
    const struct wk_test_octets whole =
        wk_test_hex("02 03 " ONE CAME("02", UNICAST) "09 17 " SET_BOTH);
    start(0);
    for (size_t size = 0; size < whole.size; size++) {
        const struct wk_object_call call = call_of(PROTECTION);
        struct wk_bytes_in in = wk_bytes_in_of(whole.data, size);
        struct wk_bytes_out reply = wk_bytes_out_of(g_value, sizeof g_value);
        EXPECT(call.object->access->functions->action(&call, 2, &in, &reply) != WK_OK);
    }
    EXPECT_ID("09 00");
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 5,
                               "01 02 " LAYER("02", "05", CLIENT, METER, UNICAST)
                                   LAYER("00", "05", CLIENT, METER, UNICAST)));
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 5, CAME("04", UNICAST)));
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 5, CAME("02", "02 02 16 00 16 02 ")));
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 4, WANTED("02", ONE_PASS)));
    EXPECT_ERR(WK_E_RANGE, set(PROTECTION, 4, CAME("02", UNICAST)));
    EXPECT_ERR(WK_E_RANGE,
               set(PROTECTION, 3,
                   "01 01 02 05 12 0001 09 06 0000600101FF 0F 02 12 0001 02 02 16 00 00"));
    EXPECT_ERR(WK_E_FORMAT, set(PROTECTION, 3, "16 00"));
    EXPECT(is(PROTECTION, 3, "01 00"));
}

static void a_restricted_buffer_is_protected(void)
{
    start_lenient(0);
    EXPECT_OK(act(1, "02 02 01 02 "
                     "02 05 12 0007 09 06 0000636200FF 0F 02 12 0000 02 02 16 02 02 02 06 "
                     "00000001 06 00000001 "
                     "02 05 12 0007 09 06 0000636200FF 0F 02 12 0000 02 02 16 01 02 02"
                     " 09 0C 07E40101 FF 000000 00 8000 FF 09 0C 07E40102 FF 000000 00 8000 FF "
                     "01 00"));
    EXPECT_I64(0, memcmp(g_value, (const uint8_t[]){2, 2, 1, 0, 9}, 5));
    EXPECT_ERR(WK_E_RANGE, act(1, "02 02 01 01 02 05 12 0007 09 06 0000636200FF 0F 02 12 0000"
                                  " 02 02 16 02 02 02 06 00000002 06 00000001 01 00"));
}

static void a_meter_without_it_says_so(void)
{
    start(0);
    g_module.rooms.data_protection = NULL;
    EXPECT(!is(PROTECTION, 2, "09 00"));
    EXPECT_ERR(WK_E_UNSUPPORTED, set(PROTECTION, 6, "16 00"));
    EXPECT_ERR(WK_E_UNSUPPORTED, act(1, "02 02 01 00 01 00"));
}

WK_TEST_MAIN(T(what_another_has_protected_is_written),
             T(keys_that_come_along_and_signatures_are_taken),
             T(the_buffer_takes_and_gives_by_its_lists),
             T(values_are_protected_as_another_does_it),
             T(new_keys_and_signatures_reach_who_they_are_for),
             T(a_method_is_called_and_its_answer_protected),
             T(what_is_protected_holds_no_buffer_of_its_own),
             T(nothing_is_taken_twice_even_after_a_restart), T(every_changed_octet_is_noticed),
             T(what_is_required_is_given_or_refused), T(rights_hold_as_without_it),
             T(what_is_malformed_or_too_much_is_refused), T(a_restricted_buffer_is_protected),
             T(a_meter_without_it_says_so))
