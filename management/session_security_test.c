/* SPDX-License-Identifier: Apache-2.0
 *
 * Who gets in and who does not: every mechanism, suite and envelope, between the client of
 * cosem/ and the server over the meter of tests/dlms_meter; and Security setup, class 64. */
#include "management/session.h"

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "cosem/kdf.h"
#include "port/bearssl/bearssl.h"
#include "tests/certificates.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)
#define VALUE  4096

/* The associations of these tests: one client for each thing to try. */
enum { SAP_HLS = 30, SAP_LOOSE = 31, SAP_SIGNED = 32, SAP_WEAK = 33, SAP_GLO = 1 };

static const struct wk_session_association k_associations[] = {
    {.client_sap = SAP_GLO,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 5,
     .contexts = 1U << 3,
     .policy = WK_SESSION_SEALED},
    {.client_sap = SAP_HLS,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 5 | 1U << 6 | 1U << 7,
     .contexts = 1U << 3,
     .policy = WK_SESSION_SEALED},
    {.client_sap = SAP_LOOSE,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 1 | 1U << 5 | 1U << 6,
     .contexts = 1U << 1 | 1U << 3},
    {.client_sap = SAP_SIGNED,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 7,
     .contexts = 1U << 3,
     .policy = WK_SESSION_REQUEST_SIGNED | WK_SESSION_RESPONSE_SIGNED},
    {.client_sap = SAP_WEAK,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << 3 | 1U << 4,
     .contexts = 1U << 1},
};

static struct wk_dlms_meter meter;
static struct wk_object_table table;
static struct wk_object_guard guard;
static struct wk_session_security security;
static struct wk_session_identity identity;
static struct wk_session session;
static struct wk_client client;
static struct wk_client_config config;
static struct wk_bearssl bearssl;
static uint64_t entropy;
static int64_t now_us;
static struct wk_session_link link_used;
static struct wk_hal_private client_key[2];
static uint8_t server_point[2][WK_HAL_POINT];

static uint8_t reply_room[WK_SESSION_REPLY];
static size_t reply_size;
static uint8_t sent_room[WK_CLIENT_PDU + 600];
static size_t sent_size;
static uint8_t value[VALUE];
static size_t value_size;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static wk_err take_value(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    if (size > sizeof value - value_size) {
        return WK_E_FULL;
    }
    memcpy(value + value_size, octets, size);
    value_size += size;
    return WK_OK;
}

static const struct wk_client_sink sink = {NULL, take_value};

static void trust(const char *der)
{
    const struct wk_test_octets octets = wk_test_hex(der);
    if (wk_session_trust(&identity, security.title, wk_test_in(&octets)) != WK_OK) {
        wk_test_failed_ = true;
    }
}

static struct wk_hal_private private_of(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    struct wk_hal_private key = {.size = (uint8_t)octets.size};
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

/* The key pairs and certificates of one suite, on both sides. */
static void equip(uint8_t suite)
{
    const struct wk_test_certificates *made = &k_certificates[suite - 1];
    trust(made->root);
    for (int pair = 0; pair < 2; pair++) {
        struct wk_certificate certificate;
        const struct wk_test_octets der = wk_test_hex(made->server[pair]);
        trust(made->client[pair]);
        trust(made->server[pair]);
        if (wk_certificate_read(wk_test_in(&der), &certificate) != WK_OK) {
            wk_test_failed_ = true;
            return;
        }
        identity.own[pair].key = private_of(made->server_key[pair]);
        memcpy(identity.own[pair].point, certificate.point, 2 * (size_t)certificate.size);
        memcpy(server_point[pair], certificate.point, 2 * (size_t)certificate.size);
        client_key[pair] = private_of(made->client_key[pair]);
    }
}

static void begin(uint8_t suite)
{
    entropy = 20261121;
    now_us = NOW_US;
    client = (struct wk_client){0};
    wk_bearssl_init(&bearssl, &entropy, draw);
    wk_bearssl_add_wrap(&bearssl);
    wk_bearssl_add_p256(&bearssl);
    wk_bearssl_add_p384(&bearssl);
    wk_bearssl_add_old_hashes(&bearssl);
    wk_dlms_meter_secure(&security);
    identity = (struct wk_session_identity){0};
    struct wk_session_setup *setup = &security.setup[0];
    setup->suite = suite;
    setup->keys.ek.size = wk_kdf_key_size(suite);
    setup->keys.ak.size = wk_kdf_key_size(suite);
    setup->kek = (struct wk_hal_key){.octets = {7, 7, 7}, .size = wk_kdf_key_size(suite)};
    security.password[WK_ROLE_MANAGEMENT] = (struct wk_session_secret){
        .octets = {'s', 'e', 'c', 'r', 'e', 't', '!', '!'}, .size = 8};
    if (suite > 0) {
        security.identity = &identity;
        equip(suite);
    }
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    config = (struct wk_client_config){
        .password = {(const uint8_t *)"secret!!", 8},
        .crypto = &bearssl.hal,
        .keys = setup->keys,
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = 1,
        .ciphered = true,
        .suite = suite,
        .kek = &setup->kek,
        .signing = suite > 0 ? &client_key[0] : NULL,
        .agreement = suite > 0 ? &client_key[1] : NULL,
        .server_signing = suite > 0 ? server_point[0] : NULL,
        .server_agreement = suite > 0 ? server_point[1] : NULL,
        .max_pdu = 2048,
        .timeout_us = 5 * SECOND,
    };
    const struct wk_session_config server = {
        .table = &table,
        .security = &security,
        .crypto = &bearssl.hal,
        .associations = k_associations,
        .association_count = sizeof k_associations / sizeof k_associations[0],
        .zone = &wk_zone_central_europe,
        .max_pdu = 2048,
    };
    if (wk_session_init(&session, &server) != WK_OK) {
        wk_test_failed_ = true;
    }
}

static wk_err send_octets(const uint8_t *octets, size_t size)
{
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    const wk_err err =
        wk_session_receive(&session, now_us, link_used, wk_bytes_in_of(octets, size), &reply);
    reply_size = reply.size;
    return err;
}

static wk_err produce(void)
{
    struct wk_bytes_out out = wk_bytes_out_of(sent_room, sizeof sent_room);
    const wk_err err = wk_client_output(&client, now_us, &out);
    sent_size = out.size;
    return err;
}

static wk_err run(void)
{
    while (wk_client_busy(&client)) {
        WK_TRY(produce());
        WK_TRY(send_octets(sent_room, sent_size));
        WK_TRY(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    }
    return client.outcome;
}

static wk_err open_as(uint16_t sap, int mechanism)
{
    link_used = (struct wk_session_link){sap, WK_SESSION_SERVER_SAP};
    config.mechanism = (wk_association_mechanism)mechanism;
    config.counter = client.counter > config.counter ? client.counter : config.counter;
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    return run();
}

static struct wk_apdu_target target_of(uint16_t class_id, const char *obis, uint8_t id)
{
    struct wk_apdu_target target = {.class_id = class_id, .id = id};
    if (wk_obis_parse(obis, target.obis) != WK_OK) {
        wk_test_failed_ = true;
    }
    return target;
}

static wk_err get(uint16_t class_id, const char *obis, uint8_t attribute)
{
    const struct wk_apdu_target target = target_of(class_id, obis, attribute);
    value_size = 0;
    WK_TRY(wk_client_get(&client, &target, sink));
    return run();
}

static wk_err act(uint16_t class_id, const char *obis, uint8_t method, const void *parameter,
                  size_t size)
{
    const struct wk_apdu_target target = target_of(class_id, obis, method);
    value_size = 0;
    WK_TRY(wk_client_action(&client, &target, wk_bytes_in_of(parameter, size), sink));
    return run();
}

static wk_err switch_supply(void)
{
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    return act(70, "0.0.96.3.10.255", 1, zero, sizeof zero);
}

#define SETUP "0.0.43.0.0.255"

/* ---- who gets in ------------------------------------------------------------------------- */

static void every_mechanism_lets_in_who_knows_the_secret(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        for (int mechanism = 5; mechanism <= (suite > 0 ? 7 : 6); mechanism++) {
            begin(suite);
            EXPECT_OK(open_as(SAP_HLS, mechanism));
            EXPECT_I64(WK_ROLE_MANAGEMENT, wk_session_role(&session));
            EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
            EXPECT_I64(18, value_size);
            EXPECT_OK(switch_supply());
            EXPECT_I64(1, meter.changes);
            EXPECT_BYTES(config.title, security.setup[0].client_title, WK_CIPHER_TITLE);
            EXPECT_OK(get(15, "0.0.40.0.0.255", 6));
            EXPECT_I64(mechanism, value[8]);
        }
    }
    for (int mechanism = 3; mechanism <= 4; mechanism++) {
        begin(0);
        config.ciphered = false;
        EXPECT_OK(open_as(SAP_WEAK, mechanism));
        EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    }
}

static void no_mechanism_lets_in_who_does_not(void)
{
    for (int mechanism = 3; mechanism <= 7; mechanism++) {
        begin(1);
        const uint16_t sap = mechanism < 5 ? SAP_WEAK : SAP_HLS;
        config.ciphered = mechanism >= 5;
        config.password.data = (const uint8_t *)"secret!?";
        struct wk_hal_private wrong = client_key[0];
        wrong.octets[5] ^= 1;
        config.signing = &wrong;
        config.keys.ak.octets[1] ^= mechanism == 5 ? 1 : 0;
        EXPECT_ERR(WK_E_AUTH, open_as(sap, mechanism));
        EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
        EXPECT_I64(1, security.failed_logins[WK_ROLE_MANAGEMENT]);
        EXPECT_I64(0, meter.changes);
    }
}

static void a_meter_that_does_not_know_the_secret_convinces_nobody(void)
{
    begin(1);
    EXPECT_OK(draw(&entropy, server_point[0], sizeof server_point[0]));
    EXPECT_ERR(WK_E_AUTH, open_as(SAP_HLS, 7));
    begin(1);
    config.password.data = (const uint8_t *)"secret??";
    security.password[WK_ROLE_MANAGEMENT].size = 0;
    EXPECT_ERR(WK_E_AUTH, open_as(SAP_HLS, 6)); /* nobody gets in without a secret */
}

static void less_than_is_demanded_is_refused(void)
{
    begin(0);
    config.ciphered = false;
    EXPECT_ERR(WK_E_REFUSED, open_as(SAP_HLS, 6)); /* context without ciphering */
    EXPECT_I64(WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED, client.diagnostic);
    begin(0);
    EXPECT_ERR(WK_E_REFUSED, open_as(SAP_HLS, 1)); /* a password */
    EXPECT_ERR(WK_E_REFUSED, open_as(SAP_HLS, 0));
    EXPECT_I64(WK_ASSOCIATION_MECHANISM_REQUIRED, client.diagnostic);
    EXPECT_ERR(WK_E_REFUSED, open_as(SAP_GLO, 6)); /* HLS 6 where only 5 is known */
    for (uint8_t control = WK_CIPHER_AUTHENTICATED; control <= WK_CIPHER_ENCRYPTED;
         control = (uint8_t)(control + 0x10)) {
        begin(0);
        config.control = control;
        EXPECT_ERR(WK_E_AUTH, open_as(SAP_HLS, 6));
        begin(0);
        EXPECT_OK(open_as(SAP_HLS, 6));
        client.config.control = control;
        EXPECT_ERR(WK_E_REFUSED, switch_supply());
        EXPECT_I64(0, meter.changes);
    }
}

static void another_suite_is_refused(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        for (uint8_t other = 0; other <= 2; other++) {
            begin(suite);
            config.suite = other;
            EXPECT((open_as(SAP_HLS, 6) == WK_OK) == (suite == other));
        }
    }
}

static void policies_are_only_made_stricter(void)
{
    const uint8_t authenticated[] = {WK_AXDR_ENUM, 0x24};
    const uint8_t sealed[] = {WK_AXDR_ENUM, 0x6C};
    const uint8_t with_signature[] = {WK_AXDR_ENUM, 0x7C};
    const uint8_t reserved[] = {WK_AXDR_ENUM, 0x6D};
    begin(0);
    EXPECT_OK(open_as(SAP_LOOSE, 6));
    client.config.control = WK_CIPHER_AUTHENTICATED;
    EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    client.config.control = WK_CIPHER_BOTH;
    EXPECT_OK(act(64, SETUP, 1, authenticated, 2));
    client.config.control = WK_CIPHER_AUTHENTICATED;
    EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    client.config.control = WK_CIPHER_BOTH;
    EXPECT_OK(act(64, SETUP, 1, sealed, 2));
    EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 1, authenticated, 2));
    EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 1, reserved, 2));
    EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 1, with_signature, 2)); /* suite 0 cannot sign */
    EXPECT_OK(get(64, SETUP, 2));
    EXPECT_BYTES(sealed, value, 2);
    EXPECT(security.keys_dirty);
    client.config.control = WK_CIPHER_AUTHENTICATED;
    EXPECT_ERR(WK_E_REFUSED, get(1, "0.0.42.0.0.255", 2));
    config.ciphered = false;
    EXPECT_ERR(WK_E_REFUSED, open_as(SAP_LOOSE, 6)); /* nor in clear, by another context */
    EXPECT_I64(WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED, client.diagnostic);
}

static void an_object_may_demand_more_than_its_association(void)
{
    begin(0);
    guard = (struct wk_object_guard){70, {0, 0, 96, 3, 10, 255}, .read = 0x40, .act = 0x6C};
    table.guards = &guard;
    table.guard_count = 1;
    EXPECT_OK(open_as(SAP_LOOSE, 6));
    client.config.control = WK_CIPHER_AUTHENTICATED;
    EXPECT_ERR(WK_E_REFUSED, switch_supply());
    EXPECT_I64(WK_APDU_SCOPE_VIOLATED, client.result);
    EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    EXPECT_I64(0x10, reply_room[2]); /* authenticated, as it was asked */
    EXPECT_OK(get(70, "0.0.96.3.10.255", 2));
    EXPECT_I64(0x30, reply_room[2]); /* and encrypted, as the object demands */
    client.config.control = WK_CIPHER_BOTH;
    EXPECT_OK(switch_supply());
    config.ciphered = false;
    EXPECT_OK(open_as(SAP_LOOSE, 1));
    EXPECT_ERR(WK_E_REFUSED, switch_supply());
    EXPECT_I64(WK_APDU_SCOPE_VIOLATED, client.result);
    EXPECT_ERR(WK_E_REFUSED, get(70, "0.0.96.3.10.255", 2)); /* a reply in clear would not do */
    EXPECT_I64(1, meter.changes);
}

/* ---- envelopes --------------------------------------------------------------------------- */

static void every_envelope_carries_requests_and_replies(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        for (int kind = 0; kind <= WK_ENVELOPE_KEY_STATIC; kind++) {
            const bool agreed = kind >= WK_ENVELOPE_KEY_ONE_PASS;
            for (int is_signed = 0; is_signed <= (suite > 0 ? 1 : 0); is_signed++) {
                begin(suite);
                config.general = true;
                config.key = (wk_envelope_key_kind)kind;
                config.is_signed = is_signed == 1;
                if (kind == WK_ENVELOPE_KEY_BROADCAST || (agreed && suite == 0)) {
                    continue;
                }
                EXPECT_OK(open_as(SAP_HLS, 6));
                EXPECT_OK(get(15, "0.0.40.0.0.255", 2));
                EXPECT_I64(WK_APDU_GENERAL_CIPHERING, reply_room[0]);
                EXPECT_OK(switch_supply());
                EXPECT_I64(1, meter.changes);
                /* The same again, octet by octet: a replay, whatever the key was. */
                EXPECT_OK(send_octets(sent_room, sent_size));
                EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
                EXPECT_I64(WK_APDU_INVOCATION_COUNTER_ERROR, reply_room[2]);
                EXPECT_I64(1, meter.changes);
                sent_room[sent_size - 1] ^= 1;
                EXPECT_OK(send_octets(sent_room, sent_size));
                EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
                EXPECT_I64(1, meter.changes);
            }
        }
    }
}

static void a_dedicated_key_serves_one_association(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        for (int general = 0; general <= 1; general++) {
            begin(suite);
            config.dedicated = true;
            config.general_glo = general == 1;
            EXPECT_OK(open_as(SAP_HLS, 6));
            EXPECT_OK(switch_supply());
            EXPECT_I64(general == 1 ? WK_APDU_GENERAL_DED : WK_APDU_DED_ACTION_RESPONSE,
                       reply_room[0]);
            EXPECT_I64(1, meter.changes);
            EXPECT_OK(send_octets(sent_room, sent_size));
            EXPECT_I64(WK_APDU_INVOCATION_COUNTER_ERROR, reply_room[2]);
            EXPECT_I64(0, reply_room[3]);
            EXPECT_I64(client.counter, reply_room[6]); /* what is expected next */
            /* In another association it is nobody's key. */
            static uint8_t before[WK_CLIENT_PDU];
            const size_t size = sent_size;
            memcpy(before, sent_room, size);
            EXPECT_OK(open_as(SAP_HLS, 6));
            EXPECT_OK(send_octets(before, size));
            EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
            EXPECT_I64(1, meter.changes);
            config.dedicated = false;
            EXPECT_OK(open_as(SAP_HLS, 6));
            EXPECT_OK(send_octets(before, size));
            EXPECT_I64(WK_APDU_DECIPHERING_ERROR, reply_room[2]);
            EXPECT_I64(1, meter.changes);
        }
    }
}

static void what_must_be_signed_is_signed(void)
{
    for (uint8_t suite = 1; suite <= 2; suite++) {
        begin(suite);
        config.is_signed = true;
        EXPECT_OK(open_as(SAP_SIGNED, 7));
        EXPECT_OK(switch_supply());
        client.config.is_signed = false;
        EXPECT_ERR(WK_E_REFUSED, switch_supply());
        EXPECT_I64(1, meter.changes);
    }
}

static void a_signature_on_replies_is_none_on_requests(void)
{
    const uint8_t policy[] = {WK_AXDR_ENUM, 0xEC}; /* sealed, and replies are signed, too */
    begin(1);
    guard = (struct wk_object_guard){70, {0, 0, 96, 3, 10, 255}, .act = 0x10};
    table.guards = &guard;
    table.guard_count = 1;
    EXPECT_OK(open_as(SAP_HLS, 7));
    EXPECT_OK(act(64, SETUP, 1, policy, 2));
    EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    EXPECT_I64(WK_APDU_GENERAL_GLO, reply_room[0]); /* there is no glo-* of signed APDUs */
    EXPECT_ERR(WK_E_REFUSED, switch_supply());
    EXPECT_I64(WK_APDU_SCOPE_VIOLATED, client.result);
    client.config.is_signed = true;
    EXPECT_OK(switch_supply());
    EXPECT_I64(1, meter.changes);
}

/* Wraps what the client made in an envelope of its own, as often as said. */
static size_t nest(int ciphered, int times)
{
    for (int i = 0; i < times; i++) {
        static uint8_t room[WK_SESSION_PDU + 900];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        struct wk_shield shield = {
            .crypto = &bearssl.hal,
            .pairs = &wk_shield_by_pairs,
            .names = &wk_shield_by_names,
            .suite = config.suite,
            .keys = &config.keys,
            .signing = config.signing,
        };
        const struct wk_shield_cover cover = {
            .tag = ciphered == 1 ? WK_APDU_GENERAL_GLO : 0,
            .control = ciphered == 1 ? WK_CIPHER_BOTH : 0,
            .is_signed = ciphered == 0,
            .counter = client.counter + (uint32_t)i,
            .transaction = {9, 0, 0, 0, 0, 0, 0, (uint8_t)(i + 1)},
        };
        struct wk_cipher_seal seal;
        memcpy(shield.own, config.title, WK_CIPHER_TITLE);
        memcpy(shield.peer, security.title, WK_CIPHER_TITLE);
        wk_shield_begin(&seal, &out, sizeof room, &cover);
        wk_bytes_out_put(&seal.plain, sent_room, sent_size);
        if (wk_shield_finish(&shield, &seal, &cover) != WK_OK) {
            return 0;
        }
        memcpy(sent_room, room, out.size);
        sent_size = out.size;
    }
    client.counter += 4;
    return sent_size;
}

static void protection_nested_deeper_than_once_each_is_refused(void)
{
    const struct wk_apdu_target target = target_of(70, "0.0.96.3.10.255", 1);
    static const struct {
        int first;
        int first_times;
        int second;
        int second_times;
        bool good;
    } k_cases[] = {
        {0, 0, 0, 1, true},  /* ciphered, then signed */
        {1, 1, 0, 0, false}, /* ciphered twice */
        {0, 1, 0, 1, false}, /* signed twice */
        {0, 1, 1, 1, false}, /* ciphered, signed, ciphered */
    };
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    for (size_t i = 0; i < 4; i++) {
        begin(1);
        EXPECT_OK(open_as(SAP_HLS, 7));
        EXPECT_OK(wk_client_action(&client, &target, wk_bytes_in_of(zero, 2), sink));
        EXPECT_OK(produce());
        EXPECT(nest(k_cases[i].first, k_cases[i].first_times) > 0);
        EXPECT(nest(k_cases[i].second, k_cases[i].second_times) > 0);
        EXPECT_OK(send_octets(sent_room, sent_size));
        EXPECT_I64(k_cases[i].good ? 1 : 0, meter.changes);
        EXPECT(k_cases[i].good == (reply_room[0] != WK_APDU_EXCEPTION));
    }
}

static void a_broadcast_key_has_its_own_counter(void)
{
    begin(0);
    security.setup[0].broadcast = (struct wk_hal_key){.octets = {3, 1, 4}, .size = 16};
    EXPECT_OK(open_as(SAP_HLS, 6));
    const struct wk_apdu_target target = target_of(70, "0.0.96.3.10.255", 1);
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    client.config.control = WK_CIPHER_BOTH | WK_CIPHER_BROADCAST;
    EXPECT_OK(wk_client_action(&client, &target, wk_bytes_in_of(zero, 2), sink));
    EXPECT_ERR(WK_E_UNSUPPORTED, produce()); /* the client has no such key */
    const struct wk_cipher_keys keys = {.ek = security.setup[0].broadcast,
                                        .ak = config.keys.ak};
    const struct wk_test_octets plain = wk_test_hex("C301C10046000060030AFF01010F00");
    for (int i = 0; i < 3; i++) {
        struct wk_cipher_head head = {.tag = WK_APDU_GLO_ACTION_REQUEST,
                                      .control = WK_CIPHER_BOTH | WK_CIPHER_BROADCAST,
                                      .counter = i < 2 ? 1 : 2};
        struct wk_bytes_out out = wk_bytes_out_of(sent_room, sizeof sent_room);
        struct wk_cipher_seal seal;
        memcpy(head.title, config.title, WK_CIPHER_TITLE);
        wk_cipher_begin(&seal, &out, 256);
        wk_bytes_out_put(&seal.plain, plain.data, plain.size);
        EXPECT_OK(wk_cipher_finish(&seal, &bearssl.hal, &keys, &head));
        EXPECT_OK(send_octets(sent_room, out.size));
        EXPECT_I64(i == 1 ? WK_APDU_EXCEPTION : WK_APDU_GLO_ACTION_RESPONSE, reply_room[0]);
        EXPECT_I64(i == 2 ? 2 : 1, meter.changes);
    }
    EXPECT_I64(2, security.setup[0].counter[WK_SHIELD_BROADCAST]);
    security.setup[0].broadcast.size = 0;
    EXPECT_OK(send_octets(sent_room, 8 + plain.size + 12));
    EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
}

/* ---- keys -------------------------------------------------------------------------------- */

static size_t put_transfer(uint8_t *room, size_t size, const struct wk_hal_key *keys,
                           const uint8_t *ids, uint32_t count)
{
    struct wk_bytes_out out = wk_bytes_out_of(room, size);
    wk_axdr_put_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t wrapped[WK_HAL_WRAPPED];
        if (bearssl.hal.wrap(&bearssl, &security.setup[0].kek, &keys[i], wrapped) != WK_OK) {
            return 0;
        }
        wk_axdr_put_structure(&out, 2);
        wk_axdr_put_enum(&out, ids[i]);
        wk_axdr_put_octet_string(&out, wrapped, keys[i].size + 8U);
    }
    return out.size;
}

static void keys_are_transferred_all_or_none(void)
{
    for (uint8_t suite = 0; suite <= 2; suite++) {
        const uint8_t ids[] = {0, 2, 1, 3};
        const uint8_t twice[] = {0, 0};
        uint8_t room[256];
        struct wk_hal_key keys[4];
        begin(suite);
        for (size_t i = 0; i < 4; i++) {
            keys[i] = (struct wk_hal_key){.size = wk_kdf_key_size(suite)};
            EXPECT_OK(draw(&entropy, keys[i].octets, keys[i].size));
        }
        const struct wk_session_setup before = security.setup[0];
        EXPECT_OK(open_as(SAP_HLS, 6));
        size_t size = put_transfer(room, sizeof room, keys, ids, 4);
        room[size - 3] ^= 1; /* the last one is broken */
        EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 2, room, size));
        size = put_transfer(room, sizeof room, keys, twice, 2);
        EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 2, room, size));
        EXPECT_BYTES(&before.keys, &security.setup[0].keys, sizeof before.keys);
        EXPECT_BYTES(&before.kek, &security.setup[0].kek, sizeof before.kek);
        EXPECT(!security.keys_dirty);
        size = put_transfer(room, sizeof room, keys, ids, 4);
        EXPECT_OK(act(64, SETUP, 2, room, size)); /* its reply has the old keys */
        EXPECT(security.keys_dirty);
        EXPECT_BYTES(keys[0].octets, security.setup[0].keys.ek.octets, keys[0].size);
        EXPECT_BYTES(keys[1].octets, security.setup[0].keys.ak.octets, keys[1].size);
        EXPECT_BYTES(keys[2].octets, security.setup[0].broadcast.octets, keys[2].size);
        EXPECT_BYTES(keys[3].octets, security.setup[0].kek.octets, keys[3].size);
        EXPECT_ERR(WK_E_AUTH, switch_supply()); /* the old ones are gone */
        config.keys = security.setup[0].keys;
        EXPECT_OK(open_as(SAP_HLS, 5));
        EXPECT_OK(switch_supply());
        EXPECT_I64(1, meter.changes);
    }
}

/* What a client does for key_agreement: key_id, ephemeral public key, signature over both. */
static size_t put_offer(uint8_t *room, size_t size, uint8_t id, struct wk_hal_private *own)
{
    struct wk_bytes_out out = wk_bytes_out_of(room, size);
    uint8_t offer[1 + 2 * WK_HAL_POINT] = {id};
    uint8_t hash[WK_HAL_HASH];
    const size_t points = 2 * (size_t)wk_kdf_curve_size(config.suite);
    *own = (struct wk_hal_private){.size = wk_kdf_curve_size(config.suite)};
    if (bearssl.hal.generate(&bearssl, own, offer + 1) != WK_OK ||
        wk_kdf_hash(&bearssl.hal, own->size, offer, 1 + points, hash) != WK_OK ||
        bearssl.hal.sign(&bearssl, &client_key[0], hash, offer + 1 + points) != WK_OK) {
        return 0;
    }
    wk_axdr_put_array(&out, 1);
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_enum(&out, id);
    wk_axdr_put_octet_string(&out, offer + 1, 2 * points);
    return out.size;
}

static void keys_are_agreed_upon(void)
{
    for (uint8_t suite = 1; suite <= 2; suite++) {
        uint8_t room[512];
        uint8_t secret[WK_HAL_EC];
        uint8_t hash[WK_HAL_HASH];
        struct wk_hal_private own;
        begin(suite);
        EXPECT_OK(open_as(SAP_HLS, 7));
        size_t size = put_offer(room, sizeof room, 0, &own);
        room[size - 1] ^= 1;
        EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 3, room, size));
        EXPECT(!security.keys_dirty);
        room[size - 1] ^= 1;
        EXPECT_OK(act(64, SETUP, 3, room, size));
        const size_t points = 2 * (size_t)own.size;
        const uint8_t *answer = value + value_size - 2 * points;
        uint8_t covered[1 + WK_HAL_POINT] = {0};
        memcpy(covered + 1, answer, points);
        EXPECT_OK(wk_kdf_hash(&bearssl.hal, own.size, covered, 1 + points, hash));
        EXPECT_OK(
            bearssl.hal.verify(&bearssl, own.size, server_point[0], hash, answer + points));
        EXPECT_OK(bearssl.hal.agree(&bearssl, &own, answer, secret));
        const struct wk_kdf_info info = {
            .party_u = wk_bytes_in_of(config.title, WK_CIPHER_TITLE),
            .party_v = wk_bytes_in_of(security.title, WK_CIPHER_TITLE),
        };
        EXPECT_OK(wk_kdf_derive(&bearssl.hal, suite, secret, &info, &config.keys.ek));
        EXPECT_OK(open_as(SAP_HLS, 5));
        EXPECT_OK(switch_supply());
    }
}

static void a_secret_is_changed_under_cover_only(void)
{
    const uint8_t fresh[] = {WK_AXDR_OCTET_STRING, 4, 'n', 'e', 'w', '!'};
    begin(0);
    EXPECT_OK(open_as(SAP_LOOSE, 6));
    client.config.control = WK_CIPHER_AUTHENTICATED;
    EXPECT_ERR(WK_E_REFUSED, act(15, "0.0.40.0.0.255", 2, fresh, sizeof fresh));
    client.config.control = WK_CIPHER_BOTH;
    EXPECT_OK(act(15, "0.0.40.0.0.255", 2, fresh, sizeof fresh));
    EXPECT_ERR(WK_E_AUTH, open_as(SAP_LOOSE, 6));
    config.password.data = (const uint8_t *)"new!";
    config.password.size = 4;
    EXPECT_OK(open_as(SAP_LOOSE, 6));
}

/* ---- certificates ------------------------------------------------------------------------ */

static wk_err import(const char *der)
{
    uint8_t room[WK_CERTIFICATE_DER + 8];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_test_octets octets = wk_test_hex(der);
    wk_axdr_put_octet_string(&out, octets.data, octets.size);
    return act(64, SETUP, 6, room, out.size);
}

static size_t put_identification(uint8_t *room, uint8_t entity, uint8_t type,
                                 const uint8_t *title)
{
    struct wk_bytes_out out = wk_bytes_out_of(room, 64);
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_enum(&out, 0);
    wk_axdr_put_structure(&out, 3);
    wk_axdr_put_enum(&out, entity);
    wk_axdr_put_enum(&out, type);
    wk_axdr_put_octet_string(&out, title, WK_CIPHER_TITLE);
    return out.size;
}

static void certificates_come_and_go_if_the_root_vouches(void)
{
    uint8_t room[64];
    begin(1);
    EXPECT_OK(open_as(SAP_HLS, 7));
    EXPECT_OK(get(64, SETUP, 6));
    EXPECT_I64(5, value[1]);
    size_t size = put_identification(room, 1, 0, config.title);
    EXPECT_OK(act(64, SETUP, 7, room, size)); /* export */
    const struct wk_test_octets der = wk_test_hex(k_certificates[0].client[0]);
    EXPECT_I64(der.size + 4, value_size);
    EXPECT_BYTES(der.data, value + 4, der.size);
    EXPECT_OK(act(64, SETUP, 8, room, size)); /* remove: it cannot sign any more */
    EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 7, room, size));
    EXPECT_ERR(WK_E_AUTH, open_as(SAP_HLS, 7));
    EXPECT_OK(open_as(SAP_HLS, 5));
    EXPECT_ERR(WK_E_REFUSED, import(k_forged));
    EXPECT_ERR(WK_E_REFUSED, import(k_early));
    EXPECT_ERR(WK_E_REFUSED, import(k_certificates[1].client[0]));
    EXPECT_ERR(WK_E_AUTH, open_as(SAP_HLS, 7));
    EXPECT_OK(open_as(SAP_HLS, 5));
    EXPECT_OK(import(k_certificates[0].client[0]));
    EXPECT_OK(open_as(SAP_HLS, 7));
    size = put_identification(room, 2, 3, config.title);
    EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 8, room, size)); /* the root stays */
}

static void a_meter_asks_for_a_certificate_of_a_new_key_and_keeps_the_old_meanwhile(void)
{
    const uint8_t signing[] = {WK_AXDR_ENUM, 0};
    const uint8_t tls[] = {WK_AXDR_ENUM, 2};
    for (uint8_t suite = 1; suite <= 2; suite++) {
        begin(suite);
        EXPECT_OK(open_as(SAP_HLS, 7));
        const struct wk_session_pair before = identity.own[0];
        EXPECT_OK(act(64, SETUP, 4, signing, 2));
        EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 4, tls, 2));
        EXPECT(memcmp(identity.fresh[0].point, before.point, before.key.size) != 0);
        EXPECT_OK(act(64, SETUP, 5, signing, 2));
        EXPECT(value_size > 2 * (size_t)before.key.size + 60);
        EXPECT_OK(open_as(SAP_HLS, 7)); /* still with the old one */
        EXPECT_BYTES(&before, &identity.own[0], sizeof before);
    }
}

/* A carrier that has a pair of its own. */
static const uint8_t k_tls_request[] = {0x30, 0x03, 0x02, 0x01, 0x07};
static unsigned tls_generated;
static wk_err tls_imports; /* what import says */

static wk_err tls_generate(void *self)
{
    (void)self;
    tls_generated++;
    return WK_OK;
}

static wk_err tls_request(void *self, struct wk_bytes_in *der)
{
    (void)self;
    *der = wk_bytes_in_of(k_tls_request, sizeof k_tls_request);
    return tls_generated > 0 ? WK_OK : WK_E_STATE;
}

static wk_err tls_import(void *self, struct wk_bytes_in der)
{
    (void)self;
    return der.size > 0 ? tls_imports : WK_E_FORMAT;
}

static void the_pair_of_tls_is_the_carriers_whatever_the_suite(void)
{
    const uint8_t tls[] = {WK_AXDR_ENUM, 2};
    const uint8_t signing[] = {WK_AXDR_ENUM, 0};
    const struct wk_session_tls carrier = {
        .generate = tls_generate, .request = tls_request, .import = tls_import};
    for (uint8_t suite = 0; suite <= 2; suite++) {
        begin(suite);
        security.identity = &identity;
        identity.tls = &carrier;
        tls_generated = 0;
        EXPECT_OK(open_as(SAP_HLS, 5));
        EXPECT_ERR(WK_E_REFUSED, act(64, SETUP, 5, tls, 2));
        EXPECT_OK(act(64, SETUP, 4, tls, 2));
        EXPECT_I64(1, tls_generated);
        EXPECT_OK(act(64, SETUP, 5, tls, 2));
        EXPECT_I64(sizeof k_tls_request + 2, value_size);
        EXPECT_BYTES(k_tls_request, value + 2, sizeof k_tls_request);
        tls_imports = WK_OK;
        EXPECT_OK(import(k_forged));
        tls_imports = WK_E_AUTH;
        EXPECT_ERR(WK_E_REFUSED, import(k_forged));
        /* what is not about it goes where it went before */
        tls_imports = WK_E_NOT_FOUND;
        EXPECT_ERR(WK_E_REFUSED, import(k_forged));
        EXPECT_ERR(suite == 0 ? WK_E_REFUSED : WK_OK, act(64, SETUP, 4, signing, 2));
        EXPECT_I64(1, tls_generated);
        identity.tls = NULL;
    }
}

static void cut_or_changed_certificates_are_never_taken(void)
{
    uint32_t accepted = 0;
    uint32_t tried = 0;
    begin(1);
    for (int which = 0; which < 2; which++) {
        const struct wk_test_octets good = wk_test_hex(k_certificates[which].client[0]);
        const struct wk_test_octets root = wk_test_hex(k_certificates[which].root);
        struct wk_certificate certificate;
        struct wk_certificate issuer;
        EXPECT_OK(wk_certificate_read(wk_test_in(&root), &issuer));
        EXPECT_OK(wk_certificate_read(wk_test_in(&good), &certificate));
        EXPECT_OK(wk_certificate_verify(&bearssl.hal, &certificate, &issuer));
        for (size_t size = 0; size < good.size; size++) {
            EXPECT(wk_certificate_read(wk_bytes_in_of(good.data, size), &certificate) != WK_OK);
        }
        for (size_t at = 0; at < good.size; at += which == 0 ? 3 : 7) {
            struct wk_test_octets bad = good;
            bad.data[at] ^= (uint8_t)(1U << at % 8);
            tried++;
            accepted +=
                wk_certificate_read(wk_test_in(&bad), &certificate) == WK_OK &&
                        wk_certificate_verify(&bearssl.hal, &certificate, &issuer) == WK_OK
                    ? 1
                    : 0;
        }
    }
    WK_TEST_FIGURE("dlms.certificates.forged", accepted, "accepted", "<= 0", accepted == 0, 0);
    EXPECT_I64(0, accepted);
    EXPECT(tried > 180);
}

WK_TEST_MAIN(T(every_mechanism_lets_in_who_knows_the_secret),
             T(no_mechanism_lets_in_who_does_not),
             T(a_meter_that_does_not_know_the_secret_convinces_nobody),
             T(less_than_is_demanded_is_refused), T(another_suite_is_refused),
             T(policies_are_only_made_stricter),
             T(an_object_may_demand_more_than_its_association),
             T(every_envelope_carries_requests_and_replies),
             T(a_dedicated_key_serves_one_association), T(what_must_be_signed_is_signed),
             T(a_signature_on_replies_is_none_on_requests),
             T(protection_nested_deeper_than_once_each_is_refused),
             T(a_broadcast_key_has_its_own_counter), T(keys_are_transferred_all_or_none),
             T(keys_are_agreed_upon), T(a_secret_is_changed_under_cover_only),
             T(certificates_come_and_go_if_the_root_vouches),
             T(a_meter_asks_for_a_certificate_of_a_new_key_and_keeps_the_old_meanwhile),
             T(the_pair_of_tls_is_the_carriers_whatever_the_suite),
             T(cut_or_changed_certificates_are_never_taken))
