/* SPDX-License-Identifier: Apache-2.0
 *
 * A session of a meter that does without whatever can be left out (model/overlays/single.txt). */
#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "cosem/kdf.h"
#include "management/session.h"
#include "port/bearssl/bearssl.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US INT64_C(1790000000000000)
#define SAP    17

static const struct wk_session_association k_associations[] = {
    {.client_sap = SAP,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = 1U << WK_ASSOCIATION_HLS_GMAC | 1U << WK_ASSOCIATION_HLS_SHA256 |
                   1U << WK_ASSOCIATION_HLS_ECDSA,
     .contexts = 1U << WK_ASSOCIATION_LN_CIPHERED,
     .policy = WK_SESSION_SEALED},
};

static struct wk_dlms_meter meter;
static struct wk_object_table table;
static struct wk_session_security security;
static struct wk_session session;
static struct wk_client client;
static struct wk_client_config config;
static struct wk_bearssl bearssl;
static uint64_t entropy;

static wk_err draw(void *state, void *to, size_t size)
{
    uint8_t *octets = to;
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)(wk_test_random(state) >> 32);
    }
    return WK_OK;
}

static wk_err pass_over(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    (void)size;
    return WK_OK;
}

static void begin(void)
{
    entropy = 20261122;
    client = (struct wk_client){0};
    wk_bearssl_init(&bearssl, &entropy, draw);
    wk_bearssl_add_wrap(&bearssl);
    wk_bearssl_add_sha256(&bearssl);
    wk_dlms_meter_secure(&security);
    security.setup[0].kek = (struct wk_hal_key){.octets = {7, 7, 7}, .size = 16};
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    config = (struct wk_client_config){
        .mechanism = WK_ASSOCIATION_HLS_GMAC,
        .password = {(const uint8_t *)"secret!!", 8},
        .crypto = &bearssl.hal,
        .keys = security.setup[0].keys,
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = 1,
        .ciphered = true,
        .kek = &security.setup[0].kek,
        .max_pdu = 1024,
        .timeout_us = 5000000,
    };
    const struct wk_session_config server = {
        .table = &table,
        .security = &security,
        .crypto = &bearssl.hal,
        .associations = k_associations,
        .association_count = 1,
        .zone = &wk_zone_central_europe,
        .max_pdu = 1024,
    };
    EXPECT_OK(wk_session_init(&session, &server));
}

static wk_err run(void)
{
    static uint8_t sent[WK_CLIENT_PDU + 600];
    static uint8_t replied[WK_SESSION_REPLY];
    const struct wk_session_link link = {SAP, WK_SESSION_SERVER_SAP};
    while (wk_client_busy(&client)) {
        struct wk_bytes_out out = wk_bytes_out_of(sent, sizeof sent);
        struct wk_bytes_out reply = wk_bytes_out_of(replied, sizeof replied);
        WK_TRY(wk_client_output(&client, NOW_US, &out));
        WK_TRY(
            wk_session_receive(&session, NOW_US, link, wk_bytes_in_of(sent, out.size), &reply));
        WK_TRY(wk_client_receive(&client, NOW_US, wk_bytes_in_of(replied, reply.size)));
    }
    return client.outcome;
}

static wk_err open_session(void)
{
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    return run();
}

static wk_err get(uint16_t class_id, uint8_t c, uint8_t attribute)
{
    const struct wk_apdu_target target = {
        .class_id = class_id, .obis = {0, 0, c, 0, 0, 255}, .id = attribute};
    const struct wk_client_sink sink = {NULL, pass_over};
    WK_TRY(wk_client_get(&client, &target, sink));
    return run();
}

static wk_err act_on_security(uint8_t method)
{
    static const uint8_t k_nothing[] = {0};
    const struct wk_apdu_target target = {
        .class_id = 64, .obis = {0, 0, 43, 0, 0, 255}, .id = method};
    const struct wk_client_sink sink = {NULL, pass_over};
    WK_TRY(wk_client_action(&client, &target, wk_bytes_in_of(k_nothing, 1), sink));
    return run();
}

static void hls_5_and_suite_0_are_there(void)
{
    for (int general = 0; general < 2; general++) {
        begin();
        config.general_glo = general == 1;
        EXPECT_OK(open_session());
        EXPECT_I64(WK_ROLE_MANAGEMENT, wk_session_role(&session));
        EXPECT_OK(get(1, 42, 2));
        for (uint8_t attribute = 2; attribute <= 6; attribute++) {
            EXPECT_OK(get(64, 43, attribute));
        }
    }
}

static void what_a_meter_does_without_is_refused(void)
{
    /* ACCESS is not agreed upon, and refused to who asks for it all the same */
    begin();
    EXPECT_OK(open_session());
    EXPECT_I64(0, client.conformance & WK_CONFORMANCE_ACCESS);
    EXPECT((client.conformance & WK_CONFORMANCE_GET) != 0);
    /* key agreement, and methods on certificates */
    for (uint8_t method = 3; method <= 8; method++) {
        EXPECT_ERR(WK_E_REFUSED, act_on_security(method));
    }
    /* general-ciphering */
    begin();
    EXPECT_OK(open_session());
    client.config.general = true;
    client.config.key = WK_ENVELOPE_KEY_UNICAST;
    EXPECT(get(1, 42, 2) != WK_OK);
    EXPECT_I64(1, security.not_deciphered);
    /* HLS by a hash */
    begin();
    config.mechanism = WK_ASSOCIATION_HLS_SHA256;
    security.password[WK_ROLE_MANAGEMENT] = (struct wk_session_secret){
        .octets = {'s', 'e', 'c', 'r', 'e', 't', '!', '!'}, .size = 8};
    EXPECT(open_session() != WK_OK);
    EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
}

WK_TEST_MAIN(T(hls_5_and_suite_0_are_there), T(what_a_meter_does_without_is_refused))
