/* SPDX-License-Identifier: Apache-2.0
 *
 * EventNotifications between the replies of a server, in clear and sealed in every way; those in the
 * text were taken apart by the translator of Gurux DLMS, too (tests/interop/decode_peer.py). */
#include <string.h>

#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "management/session.h"
#include "port/bearssl/bearssl.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US     INT64_C(1790000000000000)
#define EVENT      "C2010C07EA0915010E0D140000000000010000616201FF020600000018"
#define PUBLIC     16
#define MANAGEMENT 1

static struct wk_dlms_meter meter;
static struct wk_session_security security;
static struct wk_object_table table;
static struct wk_session session;
static struct wk_client client;
static struct wk_bearssl bearssl;
static uint16_t sap;
static uint32_t server_counter;
static struct {
    unsigned count;
    struct wk_apdu_target target;
    uint8_t value[16];
    size_t time;
} got;
static unsigned taken;

static wk_err draw(void *self, void *to, size_t size)
{
    static uint8_t next; /* the two ends must not draw the same */
    (void)self;
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)to)[i] = next++;
    }
    return WK_OK;
}

static void take_event(void *self, const struct wk_notification_event *event)
{
    (void)self;
    got.count++;
    got.target = event->target;
    got.time = event->time.size;
    memcpy(got.value, event->value.data,
           event->value.size < sizeof got.value ? event->value.size : sizeof got.value);
}

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    taken += (unsigned)size;
    return WK_OK;
}

static wk_err receive(const struct wk_bytes_out *apdu)
{
    return wk_client_receive(&client, NOW_US, wk_bytes_in_of(apdu->data, apdu->size));
}

static wk_err receive_hex(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    return wk_client_receive(&client, NOW_US, wk_test_in(&octets));
}

/* Sends what the client has to say; the reply waits in `reply`. */
static wk_err ask(struct wk_bytes_out *reply)
{
    static uint8_t sent[WK_CLIENT_PDU + 64];
    const struct wk_session_link link = {sap, WK_SESSION_SERVER_SAP};
    struct wk_bytes_out out = wk_bytes_out_of(sent, sizeof sent);
    WK_TRY(wk_client_output(&client, NOW_US, &out));
    return wk_session_receive(&session, NOW_US, link, wk_bytes_in_of(sent, out.size), reply);
}

static wk_err open_as(bool management, bool dedicated, bool general)
{
    static uint8_t room[WK_SESSION_REPLY];
    struct wk_client_config config = {
        .mechanism = management ? WK_ASSOCIATION_HLS_GMAC : WK_ASSOCIATION_NONE,
        .crypto = &bearssl.hal,
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = 1,
        .dedicated = dedicated,
        .general_glo = general,
        .timeout_us = 5000000,
        .max_pdu = 1024,
        .events = {.take = take_event},
    };
    wk_bearssl_init(&bearssl, NULL, draw);
    meter = (struct wk_dlms_meter){.security = &security};
    wk_dlms_meter_secure(&security);
    table = wk_dlms_meter_table(&meter);
    const struct wk_session_config served = {.table = &table,
                                             .security = &security,
                                             .crypto = &bearssl.hal,
                                             .zone = &wk_zone_utc,
                                             .max_pdu = WK_SESSION_PDU};
    sap = management ? MANAGEMENT : PUBLIC;
    server_counter = 1000;
    memset(&got, 0, sizeof got);
    taken = 0;
    config.keys = security.setup[0].keys;
    WK_TRY(wk_session_init(&session, &served));
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    while (wk_client_busy(&client)) {
        struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
        WK_TRY(ask(&reply));
        WK_TRY(receive(&reply));
    }
    return client.outcome;
}

/* The event as the server would seal it. */
static wk_err seal(uint8_t tag, struct wk_bytes_out *out)
{
    const struct wk_test_octets plain = wk_test_hex(EVENT);
    struct wk_cipher_keys keys = security.setup[0].keys;
    struct wk_cipher_head head = {
        .tag = tag, .control = WK_CIPHER_BOTH, .counter = server_counter++};
    struct wk_cipher_seal sealing;
    if (tag == WK_APDU_DED_EVENT_NOTIFICATION || tag == WK_APDU_GENERAL_DED) {
        keys.ek = client.dedicated_key;
    }
    memcpy(head.title, security.title, sizeof head.title);
    wk_cipher_begin(&sealing, out, wk_bytes_out_left(out));
    wk_bytes_out_put(&sealing.plain, plain.data, plain.size);
    return wk_cipher_finish(&sealing, &bearssl.hal, &keys, &head);
}

static bool is_the_event(unsigned count)
{
    static const uint8_t k_obis[6] = {0, 0, 97, 98, 1, 255};
    static const uint8_t k_value[5] = {6, 0, 0, 0, 0x18};
    return got.count == count && got.target.class_id == 1 && got.target.id == 2 &&
           memcmp(got.target.obis, k_obis, 6) == 0 && got.time == 12 &&
           memcmp(got.value, k_value, sizeof k_value) == 0;
}

static const struct wk_client_sink k_sink = {.take = take};
static const struct wk_apdu_target k_clock = {
    .class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
static uint8_t reply_room[WK_SESSION_REPLY];
static uint8_t event_room[2][256];

static void one_in_clear_comes_before_a_reply_and_between_requests(void)
{
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    EXPECT_OK(open_as(false, false, false));
    EXPECT_OK(wk_client_get(&client, &k_clock, k_sink));
    EXPECT_OK(ask(&reply));
    EXPECT_OK(receive_hex(EVENT));
    EXPECT(is_the_event(1) && wk_client_busy(&client) && taken == 0);
    EXPECT_OK(receive(&reply));
    EXPECT(!wk_client_busy(&client) && taken == 14);
    EXPECT_OK(client.outcome);
    EXPECT_OK(receive_hex(EVENT));
    EXPECT(is_the_event(2));
    EXPECT_OK(receive_hex("C2 01 0C 07EA")); /* malformed: passed over */
    EXPECT_I64(2, got.count);
    EXPECT(!client.broken);
    client.config.events.take = NULL;
    EXPECT_OK(receive_hex(EVENT));
}

static void a_sealed_one_is_opened_whatever_the_envelope(void)
{
    static const struct {
        bool dedicated;
        bool general;
        uint8_t tag;
    } k_cases[] = {
        {false, false, WK_APDU_GLO_EVENT_NOTIFICATION},
        {false, true, WK_APDU_GENERAL_GLO},
        {true, false, WK_APDU_DED_EVENT_NOTIFICATION},
        {true, true, WK_APDU_GENERAL_DED},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
        struct wk_bytes_out event = wk_bytes_out_of(event_room[0], sizeof event_room[0]);
        struct wk_bytes_out again = wk_bytes_out_of(event_room[1], sizeof event_room[1]);
        EXPECT_OK(open_as(true, k_cases[i].dedicated, k_cases[i].general));
        security.server_next = 2000;
        EXPECT_OK(wk_client_get(&client, &k_clock, k_sink));
        EXPECT_OK(ask(&reply));
        EXPECT_OK(seal(k_cases[i].tag, &event));
        EXPECT_OK(receive(&event));
        EXPECT(is_the_event(1) && wk_client_busy(&client));
        EXPECT_OK(receive(&reply));
        EXPECT(!wk_client_busy(&client) && taken == 14);
        EXPECT_OK(client.outcome);
        server_counter = 5000;
        EXPECT_OK(seal(k_cases[i].tag, &again));
        EXPECT_OK(receive(&again));
        EXPECT(is_the_event(2));
    }
}

static void what_is_not_the_servers_is_no_event_and_ends_nothing(void)
{
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    struct wk_bytes_out event = wk_bytes_out_of(event_room[0], sizeof event_room[0]);
    EXPECT_OK(open_as(true, false, false));
    security.server_next = 2000;
    EXPECT_OK(wk_client_get(&client, &k_clock, k_sink));
    EXPECT_OK(ask(&reply));
    EXPECT_OK(receive_hex(EVENT)); /* in clear, where all is sealed */
    EXPECT_OK(seal(WK_APDU_GLO_EVENT_NOTIFICATION, &event));
    for (size_t i = 2; i < event.size; i++) {
        event_room[0][i] ^= 1;
        EXPECT_OK(receive(&event));
        event_room[0][i] ^= 1;
    }
    EXPECT_I64(0, got.count);
    EXPECT(wk_client_busy(&client));
    EXPECT_OK(receive(&event));
    EXPECT_OK(receive(&event)); /* twice: told once */
    EXPECT_I64(1, got.count);
    EXPECT_OK(receive(&reply));
    EXPECT_OK(client.outcome);
    EXPECT(taken == 14 && !client.broken);
}

static void nothing_is_an_event_without_an_association(void)
{
    EXPECT_OK(open_as(false, false, false));
    const struct wk_client_config config = client.config;
    EXPECT_OK(wk_client_init(&client, &config));
    EXPECT_ERR(WK_E_STATE, receive_hex(EVENT));
    EXPECT_I64(0, got.count);
}

WK_TEST_MAIN(T(one_in_clear_comes_before_a_reply_and_between_requests),
             T(a_sealed_one_is_opened_whatever_the_envelope),
             T(what_is_not_the_servers_is_no_event_and_ends_nothing),
             T(nothing_is_an_event_without_an_association))
