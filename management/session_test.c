/* SPDX-License-Identifier: Apache-2.0
 *
 * The server and the client of cosem/, face to face over the meter of tests/dlms_meter. */
#include "management/session.h"

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "cosem/rows.h"
#include "cosem/select.h"
#include "port/bearssl/bearssl.h"
#include "tests/dlms_meter.h"
#include "tests/wk_test.h"

#define NOW_US INT64_C(1790000000000000)
#define VALUE  (64 * 1024)
#define SECOND INT64_C(1000000)

/* One meter, one connection to it, one client. */
static struct wk_dlms_meter meter;
static struct wk_object_table table;
static struct wk_session_security security;
static struct wk_notice_ring notices;
static struct wk_session session;
static struct wk_client client;
static struct wk_client_config config;
static struct wk_bearssl bearssl;
static uint64_t entropy;
static int64_t now_us;
static uint16_t client_sap;
static struct wk_session_link link_used;

static uint8_t reply_room[WK_SESSION_REPLY];
static size_t reply_size;
static uint8_t sent_room[WK_CLIENT_PDU + 64];
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

static void plug_in(uint16_t server_pdu, uint16_t client_pdu)
{
    const struct wk_session_config server = {
        .table = &table,
        .security = &security,
        .crypto = &bearssl.hal,
        .notices = &notices,
        .zone = &wk_zone_central_europe,
        .notice_source = 7,
        .max_pdu = server_pdu,
    };
    if (wk_session_init(&session, &server) != WK_OK) {
        wk_test_failed_ = true;
    }
    config.max_pdu = client_pdu;
}

static void begin(uint16_t server_pdu, uint16_t client_pdu)
{
    entropy = 20261121;
    now_us = NOW_US;
    wk_bearssl_init(&bearssl, &entropy, draw);
    wk_bearssl_add_sha256(&bearssl);
    wk_dlms_meter_secure(&security);
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    notices = (struct wk_notice_ring){0};
    config = (struct wk_client_config){
        .crypto = &bearssl.hal,
        .keys = security.setup[0].keys,
        .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
        .counter = 1,
        .timeout_us = 5 * SECOND,
    };
    plug_in(server_pdu, client_pdu);
}

/* Octets to the server; its reply stays in reply_room. */
static wk_err send_octets(const uint8_t *octets, size_t size)
{
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    const wk_err err =
        wk_session_receive(&session, now_us, link_used, wk_bytes_in_of(octets, size), &reply);
    reply_size = reply.size;
    return err;
}

/* The client's next APDU in sent_room. */
static wk_err produce(void)
{
    struct wk_bytes_out out = wk_bytes_out_of(sent_room, sizeof sent_room);
    const wk_err err = wk_client_output(&client, now_us, &out);
    sent_size = out.size;
    return err;
}

/* Runs the client's operation to its end. */
static wk_err run(void)
{
    link_used = (struct wk_session_link){client_sap, WK_SESSION_SERVER_SAP};
    while (wk_client_busy(&client)) {
        if (produce() != WK_OK) {
            break;
        }
        WK_TRY(send_octets(sent_room, sent_size));
        if (reply_size == 0) {
            return WK_E_TIMEOUT;
        }
        WK_TRY(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    }
    return client.outcome;
}

static wk_err open_as(wk_role role)
{
    static const uint16_t k_saps[WK_ROLE_COUNT] = {16, 2, 1};
    static const wk_association_mechanism k_mechanisms[WK_ROLE_COUNT] = {
        WK_ASSOCIATION_NONE, WK_ASSOCIATION_LLS, WK_ASSOCIATION_HLS_GMAC};
    client_sap = k_saps[role];
    config.mechanism = k_mechanisms[role];
    if (role == WK_ROLE_READER && config.password.data == NULL) {
        config.password.data = (const uint8_t *)"Wattkeeper";
        config.password.size = 10;
    }
    WK_TRY(wk_client_init(&client, &config));
    WK_TRY(wk_client_open(&client));
    const wk_err err = run();
    config.counter = client.counter;
    return err;
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

static wk_err set_note(const void *octets, size_t size)
{
    const struct wk_apdu_target target = target_of(1, "0.0.96.1.9.255", 2);
    uint8_t room[WK_DLMS_METER_NOTE + 600];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_axdr_put_octet_string(&out, octets, size);
    WK_TRY(out.fault);
    WK_TRY(wk_client_set(&client, &target, wk_bytes_in_of(room, out.size)));
    return run();
}

static wk_err switch_supply(uint8_t method)
{
    const struct wk_apdu_target target = target_of(70, "0.0.96.3.10.255", method);
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    WK_TRY(wk_client_action(&client, &target, wk_bytes_in_of(zero, sizeof zero), sink));
    return run();
}

static bool was_noticed(uint16_t code)
{
    struct wk_notice notice;
    bool found = false;
    while (wk_notice_take(&notices, &notice)) {
        found = found || (notice.code == code && notice.source == 7);
    }
    return found;
}

/* ---- associations ------------------------------------------------------------------------ */

static void the_public_client_reads_clock_and_name_and_nothing_else(void)
{
    static const uint8_t k_name[] = "\x09\x10WKP0000000000001";
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_PUBLIC));
    EXPECT_I64(WK_ROLE_PUBLIC, wk_session_role(&session));
    EXPECT_OK(get(1, "0.0.42.0.0.255", 2));
    EXPECT_I64(18, value_size);
    EXPECT_BYTES(k_name, value, 18);
    EXPECT_OK(get(8, "0.0.1.0.0.255", 2));
    EXPECT_I64(14, value_size);
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    struct wk_datetime shown;
    struct wk_utc utc;
    wk_datetime_read_axdr(&in, &shown);
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT_OK(wk_datetime_to_utc(&shown, &wk_zone_utc, &utc));
    EXPECT_I64(now_us / SECOND, utc.s);
    EXPECT_ERR(WK_E_REFUSED, get(3, "1.0.1.8.0.255", 2));
    EXPECT_I64(WK_APDU_OBJECT_UNDEFINED, client.result);
    EXPECT_ERR(WK_E_REFUSED, set_note("x", 1));
    EXPECT_ERR(WK_E_REFUSED, switch_supply(1));
    EXPECT_I64(0, meter.changes);
    EXPECT(!security.dirty);
}

static void the_reader_needs_the_password(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_OK(get(3, "1.0.1.8.0.255", 2));
    EXPECT_I64(9, value_size);
    EXPECT_ERR(WK_E_REFUSED, set_note("x", 1));
    EXPECT_I64(WK_APDU_READ_WRITE_DENIED, client.result);
    EXPECT_ERR(WK_E_REFUSED, switch_supply(1));
    EXPECT_OK(wk_client_release(&client));
    EXPECT_OK(run());
    EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
    EXPECT_I64(0, security.open[WK_ROLE_READER]);
    EXPECT(was_noticed(WK_SESSION_OPENED));
    const char *wrong[] = {"", "wattkeeper", "Wattkeepe", "WattkeeperX"};
    for (size_t i = 0; i < 4; i++) {
        config.password.data = (const uint8_t *)wrong[i];
        config.password.size = strlen(wrong[i]);
        EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
        EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
        EXPECT_I64(i + 1, security.failed_logins[WK_ROLE_READER]);
    }
    EXPECT(security.dirty);
    EXPECT(was_noticed(WK_SESSION_LOGIN_FAILED));
}

static void a_password_that_is_not_set_lets_nobody_in(void)
{
    begin(1024, 1024);
    security.password[WK_ROLE_READER] = (struct wk_session_secret){.size = 0};
    config.password.data = (const uint8_t *)"";
    config.password.size = 0;
    EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
    config.password.data = NULL;
    EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
}

static void management_proves_itself_and_so_does_the_meter(void)
{
    for (int general = 0; general < 2; general++) {
        begin(1024, 1024);
        config.general_glo = general == 1;
        EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
        EXPECT_OK(get(3, "1.0.1.8.0.255", 2));
        EXPECT_I64(9, value_size);
        EXPECT_I64(general == 1 ? WK_APDU_GENERAL_GLO : WK_APDU_GLO_GET_RESPONSE,
                   reply_room[0]);
        EXPECT_OK(set_note("hello", 5));
        EXPECT_I64(5, meter.note_size);
        EXPECT_OK(switch_supply(1));
        EXPECT(!meter.closed);
        EXPECT_OK(switch_supply(2));
        EXPECT(meter.closed);
        EXPECT_I64(3, meter.changes);
        EXPECT_I64(client.counter - 1, security.setup[0].counter[WK_SHIELD_UNICAST]);
        EXPECT(security.dirty);
        EXPECT_OK(wk_client_release(&client));
        EXPECT_OK(run());
    }
}

static void a_wrong_key_is_refused_and_counted(void)
{
    begin(1024, 1024);
    config.keys.ek.octets[3] ^= 1;
    EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(1, security.failed_logins[WK_ROLE_MANAGEMENT]);
    config.keys = security.setup[0].keys;
    config.keys.ak.octets[15] ^= 0x80;
    EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(2, security.failed_logins[WK_ROLE_MANAGEMENT]);
    EXPECT_I64(0, security.setup[0].counter[WK_SHIELD_UNICAST]);
    EXPECT(was_noticed(WK_SESSION_LOGIN_FAILED));
    config.keys = security.setup[0].keys;
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(0, security.lock[WK_ROLE_MANAGEMENT].failures);
}

static void a_meter_with_other_keys_does_not_convince_the_client(void)
{
    begin(1024, 1024);
    EXPECT_OK(wk_client_init(&client, &config));
    config.mechanism = WK_ASSOCIATION_HLS_GMAC;
    client_sap = 1;
    EXPECT_OK(wk_client_init(&client, &config));
    EXPECT_OK(wk_client_open(&client));
    link_used = (struct wk_session_link){1, 1};
    EXPECT_OK(produce());
    EXPECT_OK(send_octets(sent_room, sent_size));
    reply_room[reply_size - 1] ^= 1;
    EXPECT_OK(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    EXPECT_ERR(WK_E_AUTH, client.outcome);
    EXPECT(client.broken);
}

static void five_failures_lock_a_role_out_for_a_doubling_time(void)
{
    begin(1024, 1024);
    config.password.data = (const uint8_t *)"guess";
    config.password.size = 5;
    for (int i = 0; i < WK_SESSION_FREE_TRIES; i++) {
        EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
    }
    EXPECT(was_noticed(WK_SESSION_LOCKED_OUT));
    int64_t span_s = WK_SESSION_LOCK_S;
    for (int i = 0; i < 14; i++) {
        config.password.data = (const uint8_t *)"Wattkeeper";
        config.password.size = 10;
        EXPECT_ERR(WK_E_REFUSED, open_as(WK_ROLE_READER)); /* even the right one */
        now_us += span_s * SECOND - 1;
        EXPECT_ERR(WK_E_REFUSED, open_as(WK_ROLE_READER));
        now_us += 1;
        config.password.data = (const uint8_t *)"guess";
        config.password.size = 5;
        EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
        span_s = span_s * 2 < WK_SESSION_LOCK_MOST_S ? span_s * 2 : WK_SESSION_LOCK_MOST_S;
    }
    EXPECT(!was_noticed(WK_SESSION_LOCKED_OUT)); /* once is enough */
    EXPECT_I64(900, span_s);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT)); /* other roles do not suffer */
    EXPECT_OK(open_as(WK_ROLE_PUBLIC));
    now_us -= 100 * 86400 * SECOND; /* a clock set back does not stretch the lock-out */
    config.password.data = (const uint8_t *)"Wattkeeper";
    config.password.size = 10;
    EXPECT_ERR(WK_E_REFUSED, open_as(WK_ROLE_READER));
    now_us += 900 * SECOND;
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_I64(0, security.lock[WK_ROLE_READER].failures);
}

static void a_client_that_asks_for_less_protection_is_refused(void)
{
    const struct {
        uint16_t sap;
        wk_association_mechanism mechanism;
        uint8_t diagnostic;
    } k_cases[] = {
        {1, WK_ASSOCIATION_NONE, WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED},
        {1, WK_ASSOCIATION_LLS, WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED},
        {2, WK_ASSOCIATION_NONE, WK_ASSOCIATION_MECHANISM_REQUIRED},
        {2, WK_ASSOCIATION_HLS_GMAC, WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED},
        {16, WK_ASSOCIATION_LLS, WK_ASSOCIATION_MECHANISM_NOT_RECOGNISED},
        {99, WK_ASSOCIATION_NONE, WK_ASSOCIATION_NO_REASON},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        begin(1024, 1024);
        client_sap = k_cases[i].sap;
        config.mechanism = k_cases[i].mechanism;
        EXPECT_OK(wk_client_init(&client, &config));
        EXPECT_OK(wk_client_open(&client));
        EXPECT_ERR(WK_E_REFUSED, run());
        EXPECT_I64(k_cases[i].diagnostic, client.diagnostic);
        EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
        EXPECT(!security.dirty);
    }
}

static void a_client_with_the_meters_own_title_is_refused(void)
{
    begin(1024, 1024);
    memcpy(config.title, security.title, sizeof config.title);
    EXPECT_ERR(WK_E_REFUSED, open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(WK_ASSOCIATION_TITLE_NOT_RECOGNIZED, client.diagnostic);
}

static void without_proof_nothing_is_served(void)
{
    begin(1024, 1024);
    client_sap = 1;
    config.mechanism = WK_ASSOCIATION_HLS_GMAC;
    EXPECT_OK(wk_client_init(&client, &config));
    EXPECT_OK(wk_client_open(&client));
    link_used = (struct wk_session_link){1, 1};
    EXPECT_OK(produce());
    EXPECT_OK(send_octets(sent_room, sent_size));
    EXPECT_OK(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    EXPECT_I64(WK_CLIENT_SEND_PROOF, client.step);
    client.step = WK_CLIENT_READY; /* a client that skips its proof */
    EXPECT_ERR(WK_E_REFUSED, get(8, "0.0.1.0.0.255", 2));
    EXPECT_I64(WK_APDU_OPERATION_NOT_POSSIBLE, client.exception.service_error);
    EXPECT_ERR(WK_E_REFUSED, set_note("x", 1));
    EXPECT_ERR(WK_E_REFUSED, switch_supply(1));
    EXPECT_I64(WK_APDU_READ_WRITE_DENIED, client.result);
    EXPECT_I64(0, meter.changes);
    EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
}

static void a_wrong_proof_ends_the_association_and_counts(void)
{
    begin(1024, 1024);
    client_sap = 1;
    config.mechanism = WK_ASSOCIATION_HLS_GMAC;
    EXPECT_OK(wk_client_init(&client, &config));
    EXPECT_OK(wk_client_open(&client));
    link_used = (struct wk_session_link){1, 1};
    EXPECT_OK(produce());
    EXPECT_OK(send_octets(sent_room, sent_size));
    EXPECT_OK(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    client.server_challenge[0] ^= 1;
    EXPECT_ERR(WK_E_AUTH, run());
    EXPECT_I64(1, security.failed_logins[WK_ROLE_MANAGEMENT]);
    EXPECT_I64(WK_ROLE_COUNT, wk_session_role(&session));
}

/* ---- counters ---------------------------------------------------------------------------- */

static void a_replayed_frame_is_refused_with_the_expected_counter(void)
{
    static uint8_t old[1024];
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    EXPECT_OK(set_note("once", 4));
    const size_t old_size = sent_size;
    memcpy(old, sent_room, old_size);
    EXPECT_OK(set_note("twice", 5));
    const uint32_t last = security.setup[0].counter[WK_SHIELD_UNICAST];
    for (uint32_t i = 1; i <= 3; i++) {
        EXPECT_OK(send_octets(old, old_size));
        const uint8_t want[] = {0xD8, 0x01, 0x06, 0, 0, 0, (uint8_t)(last + 1)};
        EXPECT_I64(sizeof want, reply_size);
        EXPECT_BYTES(want, reply_room, sizeof want);
        EXPECT_I64(i, security.replays);
    }
    EXPECT_I64(2, meter.changes);
    EXPECT_I64(5, meter.note_size);
    EXPECT(was_noticed(WK_SESSION_REPLAY));
    EXPECT_OK(get(8, "0.0.1.0.0.255", 2)); /* the association is none the worse */
}

static void a_counter_that_was_too_low_can_be_corrected(void)
{
    begin(1024, 1024);
    security.setup[0].counter[WK_SHIELD_UNICAST] = 1000;
    EXPECT_ERR(WK_E_REPLAY, open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(1001, client.exception.expected_counter);
    EXPECT_I64(0, security.failed_logins[WK_ROLE_MANAGEMENT]);
    config.counter = client.exception.expected_counter;
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    EXPECT_OK(open_as(WK_ROLE_PUBLIC));
    EXPECT_OK(get(1, "0.0.43.1.0.255", 2));
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    EXPECT_I64(config.counter - 1, wk_axdr_read_integer(&in, WK_AXDR_DOUBLE_LONG_UNSIGNED));
}

static void the_last_counter_of_all_is_never_accepted(void)
{
    begin(1024, 1024);
    config.counter = UINT32_MAX - 1;
    EXPECT_ERR(WK_E_RANGE, open_as(WK_ROLE_MANAGEMENT)); /* the client runs out, too */
    EXPECT_I64(UINT32_MAX - 1, security.setup[0].counter[WK_SHIELD_UNICAST]);
}

static void the_server_seals_nothing_beyond_its_reserve(void)
{
    begin(1024, 1024);
    security.server_next = 100;
    security.server_reserved = 104;
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT)); /* AARE, the answer, and its envelope: 3 */
    EXPECT_OK(get(8, "0.0.1.0.0.255", 2));
    EXPECT_I64(104, security.server_next);
    EXPECT_I64(103, client.server_counter[WK_SHIELD_UNICAST]);
    EXPECT_ERR(WK_E_REFUSED, get(8, "0.0.1.0.0.255", 2));
    EXPECT_I64(WK_APDU_OPERATION_NOT_POSSIBLE, client.exception.service_error);
    EXPECT_I64(104, security.server_next);
    EXPECT(was_noticed(WK_SESSION_COUNTER_SPENT));
    security.server_reserved = 200;
    EXPECT_OK(get(8, "0.0.1.0.0.255", 2));
    security.server_reserved = security.server_next;
    config.counter = client.counter;
    EXPECT_ERR(WK_E_REFUSED, open_as(WK_ROLE_MANAGEMENT));
}

static void an_altered_frame_changes_nothing(void)
{
    static uint8_t frame[256];
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    const struct wk_apdu_target target = target_of(70, "0.0.96.3.10.255", 1);
    const uint8_t zero[] = {WK_AXDR_INTEGER, 0};
    EXPECT_OK(wk_client_action(&client, &target, wk_bytes_in_of(zero, sizeof zero), sink));
    EXPECT_OK(produce());
    const size_t size = sent_size;
    memcpy(frame, sent_room, size);
    const uint32_t last = security.setup[0].counter[WK_SHIELD_UNICAST];
    for (size_t bit = 0; bit < size * 8; bit++) {
        const uint8_t mask = (uint8_t)(1U << bit % 8);
        frame[bit / 8] ^= mask;
        EXPECT_OK(send_octets(frame, size));
        frame[bit / 8] ^= mask;
        EXPECT_I64(0, meter.changes);
        EXPECT(meter.closed);
        EXPECT_I64(last, security.setup[0].counter[WK_SHIELD_UNICAST]);
    }
    for (size_t cut = 0; cut < size; cut++) {
        EXPECT_OK(send_octets(frame, cut));
        EXPECT_I64(0, meter.changes);
    }
    EXPECT_I64(WK_ROLE_MANAGEMENT, wk_session_role(&session));
    EXPECT_OK(send_octets(frame, size)); /* the true one still works */
    EXPECT_I64(1, meter.changes);
}

static void clear_requests_in_a_ciphered_association_are_refused(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    const struct wk_test_octets clear = wk_test_hex("C001C100080000010000FF0200");
    EXPECT_OK(send_octets(clear.data, clear.size));
    EXPECT_I64(3, reply_size);
    EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_OK(send_octets(clear.data, clear.size));
    EXPECT_I64(WK_APDU_GET_RESPONSE, reply_room[0]);
    const struct wk_test_octets sealed =
        wk_test_hex("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B");
    EXPECT_OK(send_octets(sealed.data, sealed.size));
    EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
}

/* ---- GET --------------------------------------------------------------------------------- */

static uint32_t rows_seen;
static uint32_t row_offset;

/* A row of the profile must be what its formulas say. */
static wk_err check_row(void *self, uint32_t index, struct wk_bytes_in element)
{
    const uint32_t entry = row_offset + index;
    struct wk_datetime shown;
    struct wk_utc end;
    (void)self;
    const bool four = wk_axdr_read_count(&element, WK_AXDR_STRUCTURE) == 4;
    wk_datetime_read_axdr(&element, &shown);
    const int64_t status = wk_axdr_read_integer(&element, WK_AXDR_UNSIGNED);
    const int64_t import = wk_axdr_read_integer(&element, WK_AXDR_LONG64);
    const int64_t t1 = wk_axdr_read_integer(&element, WK_AXDR_LONG64);
    WK_TRY(wk_bytes_in_end(&element));
    WK_TRY(wk_datetime_to_utc(&shown, &wk_zone_utc, &end));
    const bool right =
        four && end.s == WK_DLMS_METER_START_S + (int64_t)entry * WK_DLMS_METER_SPAN_S &&
        status == (entry % 7 == 0 ? 0x80 : 0) && import == wk_dlms_meter_import_uwh(entry) &&
        t1 == wk_dlms_meter_t1_uwh(entry);
    rows_seen++;
    return right ? WK_OK : WK_E_CORRUPT;
}

static wk_err take_rows(void *self, const uint8_t *octets, size_t size)
{
    WK_TRY(take_value(NULL, octets, size));
    return wk_rows_feed(self, octets, size);
}

static wk_err get_profile(const struct wk_apdu_target *target)
{
    static struct wk_rows rows;
    wk_rows_init(&rows, NULL, check_row);
    rows_seen = 0;
    value_size = 0;
    WK_TRY(wk_client_get(&client, target, (struct wk_client_sink){&rows, take_rows}));
    WK_TRY(run());
    return wk_rows_end(&rows);
}

static void a_long_profile_arrives_whole_whatever_the_longest_apdu(void)
{
    static const uint16_t k_pdus[] = {64, 65, 100, 128, 255, 256, 512, 1023, 2048};
    size_t first_size = 0;
    uint32_t first_crc = 0;
    for (size_t i = 0; i < sizeof k_pdus / sizeof k_pdus[0]; i++) {
        begin(2048, k_pdus[i]);
        EXPECT_OK(open_as(i % 2 == 0 ? WK_ROLE_READER : WK_ROLE_MANAGEMENT));
        const struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
        row_offset = 0;
        EXPECT_OK(get_profile(&target));
        EXPECT_I64(WK_DLMS_METER_ENTRIES, rows_seen);
        uint32_t crc = 2166136261U; /* FNV-1a: any difference shows */
        for (size_t at = 0; at < value_size; at++) {
            crc = (crc ^ value[at]) * 16777619U;
        }
        first_size = i == 0 ? value_size : first_size;
        first_crc = i == 0 ? crc : first_crc;
        EXPECT_I64(first_size, value_size);
        EXPECT_I64(first_crc, crc);
    }
    /* head 1 + 3 octets; a row has 2 + 14 + 2 + 9 + 9 */
    EXPECT_I64(4 + 36 * WK_DLMS_METER_ENTRIES, first_size);
}

static void no_reply_is_longer_than_the_client_takes(void)
{
    begin(2048, 64);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    const struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
    value_size = 0;
    EXPECT_OK(wk_client_get(&client, &target, sink));
    link_used = (struct wk_session_link){client_sap, 1};
    while (wk_client_busy(&client)) {
        EXPECT_OK(produce());
        EXPECT_OK(send_octets(sent_room, sent_size));
        EXPECT(reply_size <= 64);
        EXPECT_OK(wk_client_receive(&client, now_us, wk_bytes_in_of(reply_room, reply_size)));
    }
    EXPECT_OK(client.outcome);
}

static void a_range_selects_what_lies_in_it_ends_included(void)
{
    const struct {
        int64_t from_s;
        int64_t to_s;
        uint32_t first;
        uint32_t count;
    } k_cases[] = {
        {0, 4000000000, 0, WK_DLMS_METER_ENTRIES},
        {WK_DLMS_METER_START_S, WK_DLMS_METER_START_S, 0, 1},
        {WK_DLMS_METER_START_S + 1, WK_DLMS_METER_START_S + 899, 0, 0},
        {WK_DLMS_METER_START_S + 900, WK_DLMS_METER_START_S + 96 * 900, 1, 96},
        {WK_DLMS_METER_START_S + 959 * 900, 4000000000, 959, 1},
        {WK_DLMS_METER_START_S + 960 * 900, 4000000000, 0, 0},
    };
    begin(1024, 512);
    EXPECT_OK(open_as(WK_ROLE_READER));
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t room[WK_SELECT_SIZE];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
        EXPECT_OK(wk_select_put_range(&out, (struct wk_utc){k_cases[i].from_s},
                                      (struct wk_utc){k_cases[i].to_s}));
        target.selective = true;
        target.selector = WK_SELECT_RANGE;
        target.parameter = wk_bytes_in_of(room, out.size);
        row_offset = k_cases[i].first;
        EXPECT_OK(get_profile(&target));
        EXPECT_I64(k_cases[i].count, rows_seen);
    }
}

/* Reads entries first..last, columns from..to. */
static wk_err get_entries(uint32_t first, uint32_t last, uint16_t from, uint16_t to)
{
    uint8_t room[WK_SELECT_SIZE];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
    const struct wk_select_entry entry = {first, last, from, to};
    wk_select_put_entry(&out, &entry);
    target.selective = true;
    target.selector = WK_SELECT_ENTRY;
    target.parameter = wk_bytes_in_of(room, out.size);
    value_size = 0;
    WK_TRY(wk_client_get(&client, &target, sink));
    return run();
}

static void entries_are_counted_from_one(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_OK(get_entries(1, 1, 3, 3));
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    EXPECT_I64(wk_dlms_meter_import_uwh(0), wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT_OK(get_entries(960, 0, 4, 0));
    in = wk_bytes_in_of(value, value_size);
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    EXPECT_I64(1, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
    EXPECT_I64(wk_dlms_meter_t1_uwh(959), wk_axdr_read_integer(&in, WK_AXDR_LONG64));
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT_OK(get_entries(961, 0, 1, 0));
    EXPECT_I64(2, value_size);
    EXPECT_ERR(WK_E_REFUSED, get_entries(0, 5, 1, 0));
    EXPECT_ERR(WK_E_REFUSED, get_entries(5, 4, 1, 0));
    EXPECT_ERR(WK_E_REFUSED, get_entries(1, 2, 0, 0));
    EXPECT_ERR(WK_E_REFUSED, get_entries(1, 2, 3, 2));
    EXPECT_ERR(WK_E_REFUSED, get_entries(1, 2, 1, 5));
}

/* Range parameter with selected columns given by their place (1..4), in that order. */
static size_t put_columns_range(uint8_t *room, size_t room_size, const char *places)
{
    static const char *k_obis[] = {"0.0.1.0.0.255", "0.0.96.10.1.255", "1.0.1.8.0.255",
                                   "1.0.1.8.1.255", "1.0.2.8.0.255"};
    static const uint16_t k_class[] = {8, 1, 3, 3, 3};
    struct wk_bytes_out out = wk_bytes_out_of(room, room_size);
    if (wk_select_put_range(&out, (struct wk_utc){WK_DLMS_METER_START_S},
                            (struct wk_utc){WK_DLMS_METER_START_S + 99 * 900}) != WK_OK) {
        return 0;
    }
    out.size -= 2; /* the empty array at the end */
    wk_axdr_put_array(&out, (uint32_t)strlen(places));
    for (; *places != '\0'; places++) {
        const int at = *places - '1';
        struct wk_select_column column = {.class_id = k_class[at], .attribute = 2};
        if (wk_obis_parse(k_obis[at], column.obis) != WK_OK) {
            return 0;
        }
        wk_select_put_column(&out, &column);
    }
    return out.size;
}

static void selected_columns_come_even_with_holes_between(void)
{
    static const char *k_places[] = {"1", "34", "14", "13", "124", "1234", "4", "24", "41"};
    for (size_t i = 0; i < sizeof k_places / sizeof k_places[0]; i++) {
        uint8_t room[512];
        begin(1024, i % 2 == 0 ? 100 : 1024);
        EXPECT_OK(open_as(WK_ROLE_READER));
        struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
        target.selective = true;
        target.selector = WK_SELECT_RANGE;
        target.parameter =
            wk_bytes_in_of(room, put_columns_range(room, sizeof room, k_places[i]));
        value_size = 0;
        EXPECT_OK(wk_client_get(&client, &target, sink));
        EXPECT_OK(run());
        struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
        EXPECT_I64(100, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
        for (uint32_t row = 0; row < 100; row++) {
            EXPECT_I64(strlen(k_places[i]), wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
            struct wk_datetime unused;
            if (strchr(k_places[i], '1') != NULL) {
                wk_datetime_read_axdr(&in, &unused);
            }
            if (strchr(k_places[i], '2') != NULL) {
                (void)wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED);
            }
            if (strchr(k_places[i], '3') != NULL) {
                EXPECT_I64(wk_dlms_meter_import_uwh(row),
                           wk_axdr_read_integer(&in, WK_AXDR_LONG64));
            }
            if (strchr(k_places[i], '4') != NULL) {
                EXPECT_I64(wk_dlms_meter_t1_uwh(row),
                           wk_axdr_read_integer(&in, WK_AXDR_LONG64));
            }
        }
        EXPECT_OK(wk_bytes_in_end(&in));
    }
}

static void columns_and_restrictions_that_do_not_exist_are_refused(void)
{
    uint8_t room[512];
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    struct wk_apdu_target target = target_of(7, "1.0.99.1.0.255", 2);
    target.selective = true;
    target.selector = WK_SELECT_RANGE;
    target.parameter = wk_bytes_in_of(room, put_columns_range(room, sizeof room, "15"));
    EXPECT_OK(wk_client_get(&client, &target, sink));
    EXPECT_ERR(WK_E_REFUSED, run());
    EXPECT_I64(WK_APDU_OBJECT_UNDEFINED, client.result);
    target.parameter = wk_bytes_in_of(room, put_columns_range(room, sizeof room, ""));
    room[6] = 1; /* class of the restricting object: 0x0108 */
    EXPECT_I64(WK_AXDR_LONG_UNSIGNED, room[4]);
    EXPECT_OK(wk_client_get(&client, &target, sink));
    EXPECT_ERR(WK_E_REFUSED, run());
    target.parameter = wk_bytes_in_of(room, put_columns_range(room, sizeof room, ""));
    target.selector = 3;
    EXPECT_OK(wk_client_get(&client, &target, sink));
    EXPECT_ERR(WK_E_REFUSED, run());
    target.selector = WK_SELECT_RANGE;
    target.id = 3; /* no selective access to other attributes */
    EXPECT_OK(wk_client_get(&client, &target, sink));
    EXPECT_ERR(WK_E_REFUSED, run());
}

static void list_add(struct wk_bytes_out *out, uint16_t class_id, const char *obis, uint8_t id)
{
    const struct wk_apdu_target target = target_of(class_id, obis, id);
    wk_apdu_put_target(out, true, &target);
}

/* The results of a GET with list, gathered over all blocks, into value. */
static wk_err get_list(uint32_t count, const struct wk_bytes_out *list)
{
    struct wk_apdu_request request = {
        .service = WK_APDU_GET_LIST,
        .invoke = 0xC3,
        .count = count,
        .list = wk_bytes_in_of(list->data, list->size),
    };
    value_size = 0;
    for (uint32_t block = 1;; block++) {
        struct wk_bytes_out out = wk_bytes_out_of(sent_room, sizeof sent_room);
        wk_apdu_put_request(&out, &request);
        WK_TRY(out.fault);
        WK_TRY(send_octets(out.data, out.size));
        struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
        struct wk_apdu_response response;
        WK_TRY(wk_apdu_read_response(&in, &response));
        if (response.service == WK_APDU_GET_REPLY_LIST) {
            value[value_size++] = (uint8_t)response.count;
        } else if (response.block != block || response.result != WK_APDU_SUCCESS) {
            return WK_E_REFUSED;
        }
        WK_TRY(take_value(NULL, response.data.data, response.data.size));
        if (response.service == WK_APDU_GET_REPLY_LIST || response.last_block) {
            return WK_OK;
        }
        request.service = WK_APDU_GET_NEXT;
        request.block = block;
    }
}

static void a_list_answers_each_attribute_or_says_why_not(void)
{
    static const uint16_t k_pdus[] = {64, 90, 128, 200, 1024};
    for (size_t i = 0; i < sizeof k_pdus / sizeof k_pdus[0]; i++) {
        uint8_t room[256];
        struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
        begin(1024, k_pdus[i]);
        EXPECT_OK(open_as(WK_ROLE_READER));
        list_add(&list, 1, "0.0.42.0.0.255", 2);
        list_add(&list, 3, "1.0.9.8.0.255", 2);
        list_add(&list, 3, "1.0.1.8.0.255", 3);
        list_add(&list, 8, "1.0.1.8.0.255", 2);
        list_add(&list, 7, "1.0.99.1.0.255", 3);
        list_add(&list, 3, "1.0.1.8.0.255", 99);
        list_add(&list, 8, "0.0.1.0.0.255", 3);
        EXPECT_OK(get_list(7, &list));
        struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
        struct wk_bytes_in taken;
        EXPECT_I64(7, wk_bytes_in_u8(&in));
        EXPECT_I64(0, wk_bytes_in_u8(&in));
        taken = wk_axdr_take(&in);
        EXPECT_I64(18, taken.size);
        EXPECT_I64(1, wk_bytes_in_u8(&in));
        EXPECT_I64(WK_APDU_OBJECT_UNDEFINED, wk_bytes_in_u8(&in));
        EXPECT_I64(0, wk_bytes_in_u8(&in));
        taken = wk_axdr_take(&in);
        EXPECT_I64(6, taken.size);
        EXPECT_I64(1, wk_bytes_in_u8(&in));
        EXPECT_I64(WK_APDU_CLASS_INCONSISTENT, wk_bytes_in_u8(&in));
        EXPECT_I64(0, wk_bytes_in_u8(&in));
        taken = wk_axdr_take(&in);
        EXPECT_I64(2 + 4 * 18, taken.size);
        EXPECT_I64(1, wk_bytes_in_u8(&in));
        EXPECT_I64(WK_APDU_READ_WRITE_DENIED, wk_bytes_in_u8(&in));
        EXPECT_I64(0, wk_bytes_in_u8(&in));
        taken = wk_axdr_take(&in);
        EXPECT_I64(3, taken.size);
        EXPECT_OK(wk_bytes_in_end(&in));
    }
}

static void a_list_may_hold_a_whole_profile_in_its_midst(void)
{
    uint8_t room[256];
    struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
    begin(1024, 300);
    EXPECT_OK(open_as(WK_ROLE_READER));
    list_add(&list, 1, "0.0.42.0.0.255", 2);
    list_add(&list, 7, "1.0.99.1.0.255", 2);
    list_add(&list, 8, "0.0.1.0.0.255", 3);
    EXPECT_OK(get_list(3, &list));
    EXPECT_I64(1 + (1 + 18) + (1 + 4 + 36 * WK_DLMS_METER_ENTRIES) + (1 + 3), value_size);
    struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
    (void)wk_bytes_in_u8(&in);
    for (int i = 0; i < 3; i++) {
        EXPECT_I64(0, wk_bytes_in_u8(&in));
        wk_axdr_skip(&in);
    }
    EXPECT_OK(wk_bytes_in_end(&in));
}

static void a_list_of_too_many_or_none_is_refused(void)
{
    uint8_t room[512];
    struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_ERR(WK_E_UNSUPPORTED, get_list(0, &list));
    EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
    for (int i = 0; i <= WK_SESSION_LIST; i++) {
        list_add(&list, 8, "0.0.1.0.0.255", 3);
    }
    EXPECT_ERR(WK_E_UNSUPPORTED, get_list(WK_SESSION_LIST + 1, &list));
    list.size -= 10;
    EXPECT_OK(get_list(WK_SESSION_LIST, &list));
}

static void the_object_list_shows_what_the_role_may_do(void)
{
    static const uint32_t k_count[WK_ROLE_COUNT] = {5, 12, 17};
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        begin(2048, 90);
        EXPECT_OK(open_as((wk_role)role));
        EXPECT_OK(get(15, "0.0.40.0.0.255", 2));
        struct wk_bytes_in in = wk_bytes_in_of(value, value_size);
        EXPECT_I64(k_count[role], wk_axdr_read_count(&in, WK_AXDR_ARRAY));
        for (uint32_t i = 0; i < k_count[role]; i++) {
            uint8_t obis[WK_OBIS_SIZE];
            EXPECT_I64(4, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
            const uint16_t class_id =
                (uint16_t)wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
            (void)wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED);
            wk_axdr_read_exact(&in, obis, sizeof obis);
            const struct wk_object *object = wk_object_find(&table, class_id, obis);
            EXPECT(object != NULL);
            EXPECT_I64(2, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
            EXPECT_I64(object->attributes, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
            for (uint8_t a = 1; a <= object->attributes; a++) {
                const struct wk_object_rights *rights = &object->access->rights[role];
                const int64_t want = (a == 1 || (rights->get >> (a - 1) & 1) != 0 ? 1 : 0) |
                                     ((rights->set >> (a - 1) & 1) != 0 ? 2 : 0);
                EXPECT_I64(3, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
                EXPECT_I64(a, wk_axdr_read_integer(&in, WK_AXDR_INTEGER));
                EXPECT_I64(want, wk_axdr_read_integer(&in, WK_AXDR_ENUM));
                wk_axdr_skip(&in);
            }
            EXPECT_I64(object->methods, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
            for (uint8_t m = 1; m <= object->methods; m++) {
                EXPECT_I64(2, wk_axdr_read_count(&in, WK_AXDR_STRUCTURE));
                EXPECT_I64(m, wk_axdr_read_integer(&in, WK_AXDR_INTEGER));
                EXPECT_I64(object->access->rights[role].action >> (m - 1) & 1,
                           wk_axdr_read_integer(&in, WK_AXDR_ENUM));
            }
        }
        EXPECT_OK(wk_bytes_in_end(&in));
    }
}

static void every_role_may_do_what_the_table_says_and_nothing_else(void)
{
    uint32_t checked = 0;
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        begin(2048, 2048);
        EXPECT_OK(open_as((wk_role)role));
        for (size_t i = 0; i < table.count; i++) {
            const struct wk_object *object = &table.rows[i];
            const struct wk_object_rights *rights = &object->access->rights[role];
            struct wk_apdu_target target = {.class_id = object->class_id};
            memcpy(target.obis, object->obis, WK_OBIS_SIZE);
            for (uint32_t id = 0; id <= 33; id++) {
                static const uint8_t k_float[] = {WK_AXDR_FLOAT32, 0, 0, 0, 0};
                const uint32_t bit = id >= 1 && id <= 32 ? UINT32_C(1) << (id - 1) : 0;
                const bool visible = (rights->get | rights->set | rights->action) != 0;
                const bool may_get = visible && id <= object->attributes &&
                                     (id == 1 || (rights->get & bit) != 0);
                const bool may_set = id <= object->attributes && (rights->set & bit) != 0;
                const bool may_act = id <= object->methods && (rights->action & bit) != 0;
                target.id = (uint8_t)id;
                value_size = 0;
                EXPECT_OK(wk_client_get(&client, &target, sink));
                const wk_err got = run();
                EXPECT(got == WK_OK || got == WK_E_REFUSED);
                const bool denied =
                    got == WK_E_REFUSED && (client.result == WK_APDU_READ_WRITE_DENIED ||
                                            client.result == WK_APDU_OBJECT_UNDEFINED);
                EXPECT(may_get != denied);
                /* A value of a type nothing takes: only who may write is told so. */
                EXPECT_OK(
                    wk_client_set(&client, &target, wk_bytes_in_of(k_float, sizeof k_float)));
                EXPECT_ERR(WK_E_REFUSED, run());
                EXPECT(may_set == (client.result == WK_APDU_TYPE_UNMATCHED));
                EXPECT_OK(wk_client_action(&client, &target,
                                           wk_bytes_in_of(k_float, sizeof k_float), sink));
                EXPECT_ERR(WK_E_REFUSED, run());
                /* Without master key and identity, security cannot do all it may. */
                const bool unable = (object->class_id == 15 || object->class_id == 64) &&
                                    client.result == WK_APDU_OBJECT_UNAVAILABLE;
                EXPECT(may_act == (unable || client.result == WK_APDU_TYPE_UNMATCHED));
                checked += 3;
            }
        }
        EXPECT_I64(0, meter.changes);
    }
    WK_TEST_FIGURE("dlms.rights.checked", checked, "accesses", ">= 4000", checked >= 4000, 0);
}

/* ---- blocks out of order ----------------------------------------------------------------- */

static void expect_block_refusal(const char *request, uint8_t result)
{
    const struct wk_test_octets octets = wk_test_hex(request);
    EXPECT_OK(send_octets(octets.data, octets.size));
    struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
    struct wk_apdu_response response;
    EXPECT_OK(wk_apdu_read_response(&in, &response));
    EXPECT_I64(result, response.result);
}

static void blocks_out_of_turn_are_refused(void)
{
    begin(1024, 128);
    EXPECT_OK(open_as(WK_ROLE_READER));
    expect_block_refusal("C002C100000001", WK_APDU_NO_LONG_GET);
    expect_block_refusal("C001C100070100630100FF0200", WK_APDU_SUCCESS);
    expect_block_refusal("C002C100000002", WK_APDU_BLOCK_NUMBER_INVALID);
    expect_block_refusal("C002C100000001", WK_APDU_NO_LONG_GET); /* it was given up */
    expect_block_refusal("C001C100070100630100FF0200", WK_APDU_SUCCESS);
    expect_block_refusal("C002C200000001", WK_APDU_NO_LONG_GET); /* another invoke-id */
    expect_block_refusal("C001C100070100630100FF0200", WK_APDU_SUCCESS);
    expect_block_refusal("C001C100080000010000FF0300", WK_APDU_SUCCESS);
    expect_block_refusal("C002C100000001", WK_APDU_NO_LONG_GET);
}

static void a_client_without_block_transfer_is_told_so(void)
{
    begin(1024, 128);
    EXPECT_OK(open_as(WK_ROLE_READER));
    session.conformance &= ~WK_CONFORMANCE_BLOCK_GET;
    EXPECT_ERR(WK_E_REFUSED, get(7, "1.0.99.1.0.255", 2));
    EXPECT_I64(WK_APDU_BLOCK_UNAVAILABLE, client.result);
    session.conformance &= ~WK_CONFORMANCE_SET;
    EXPECT_ERR(WK_E_REFUSED, set_note("x", 1));
    EXPECT_I64(WK_APDU_SERVICE_NOT_SUPPORTED, client.exception.service_error);
}

/* ---- SET and ACTION ---------------------------------------------------------------------- */

static void a_long_value_is_written_by_blocks(void)
{
    static uint8_t note[WK_DLMS_METER_NOTE + 500];
    for (size_t i = 0; i < sizeof note; i++) {
        note[i] = (uint8_t)(i * 7 + 3);
    }
    static const uint16_t k_pdus[] = {64, 100, 512, 2048};
    for (size_t i = 0; i < sizeof k_pdus / sizeof k_pdus[0]; i++) {
        begin(k_pdus[i], 1024);
        EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
        EXPECT_OK(set_note(note, WK_DLMS_METER_NOTE));
        EXPECT_I64(WK_DLMS_METER_NOTE, meter.note_size);
        EXPECT_BYTES(note, meter.note, WK_DLMS_METER_NOTE);
        EXPECT_ERR(WK_E_REFUSED, set_note(note, WK_DLMS_METER_NOTE + 1));
        EXPECT_I64(WK_APDU_OTHER_REASON, client.result);
        EXPECT_I64(1, meter.changes);
        EXPECT_OK(set_note(note, 0));
        EXPECT_I64(0, meter.note_size);
    }
    begin(512, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    static uint8_t huge[3000];
    const struct wk_apdu_target target = target_of(1, "0.0.96.1.9.255", 2);
    EXPECT_OK(wk_client_set(&client, &target, wk_bytes_in_of(huge, sizeof huge)));
    EXPECT_ERR(WK_E_REFUSED, run());
    EXPECT_I64(WK_APDU_LONG_SET_ABORTED, client.result);
    EXPECT_I64(0, meter.changes);
}

/* A management session whose protection is left out, so that hand-made requests reach it. */
static void open_unprotected_management(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    static struct wk_object rows[32];
    static struct wk_object_access access[32];
    static struct wk_object_rights rights[32][WK_ROLE_COUNT];
    EXPECT(table.count <= 32);
    memcpy(rows, table.rows, table.count * sizeof rows[0]);
    for (size_t i = 0; i < table.count; i++) {
        memcpy(rights[i], rows[i].access->rights, sizeof rights[i]);
        access[i] = (struct wk_object_access){rights[i], rows[i].access->functions};
        rights[i][WK_ROLE_READER] = rights[i][WK_ROLE_MANAGEMENT];
        rows[i].access = &access[i];
    }
    table.rows = rows;
}

static void set_blocks_out_of_turn_change_nothing(void)
{
    const char *first = "C102C100010000600109FF0200 00 00000001 04 09034142";
    open_unprotected_management();
    expect_block_refusal("C103C1 01 00000001 03 090141", WK_APDU_NO_LONG_SET);
    expect_block_refusal(first, WK_APDU_SUCCESS);
    expect_block_refusal("C103C1 01 00000003 01 43", WK_APDU_BLOCK_NUMBER_INVALID);
    expect_block_refusal("C103C1 01 00000002 01 43", WK_APDU_NO_LONG_SET);
    expect_block_refusal(first, WK_APDU_SUCCESS);
    expect_block_refusal("C103C2 01 00000002 01 43", WK_APDU_NO_LONG_SET);
    expect_block_refusal(first, WK_APDU_SUCCESS);
    expect_block_refusal("C103C1 01 00000002 02 4344", WK_APDU_TYPE_UNMATCHED);
    expect_block_refusal(first, WK_APDU_SUCCESS);
    expect_block_refusal("C103C1 01 00000002 00", WK_APDU_TYPE_UNMATCHED);
    expect_block_refusal("C102C100030100010800FF0200 00 00000001 01 09",
                         WK_APDU_READ_WRITE_DENIED);
    expect_block_refusal("C102C100010000600109FF0200 00 00000002 01 09",
                         WK_APDU_BLOCK_NUMBER_INVALID);
    EXPECT_I64(0, meter.changes);
    expect_block_refusal(first, WK_APDU_SUCCESS);
    expect_block_refusal("C103C1 01 00000002 01 43", WK_APDU_SUCCESS);
    EXPECT_I64(1, meter.changes);
    EXPECT_BYTES("ABC", meter.note, 3);
}

static void lists_are_written_item_by_item(void)
{
    open_unprotected_management();
    const struct wk_test_octets request = wk_test_hex("C104C102"
                                                      "00010000600109FF0200"
                                                      "00030100010800FF0200"
                                                      "02 0903414243 1105");
    EXPECT_OK(send_octets(request.data, request.size));
    const struct wk_test_octets want = wk_test_hex("C505C1020003");
    EXPECT_I64(want.size, reply_size);
    EXPECT_BYTES(want.data, reply_room, want.size);
    EXPECT_I64(3, meter.note_size);
    EXPECT_I64(1, meter.changes);
}

static void an_unconfirmed_request_gets_no_reply(void)
{
    open_unprotected_management();
    const struct wk_test_octets set = wk_test_hex("C1018100010000600109FF02000903414243");
    EXPECT_OK(send_octets(set.data, set.size));
    EXPECT_I64(0, reply_size);
    EXPECT_I64(3, meter.note_size);
    const struct wk_test_octets read = wk_test_hex("C0018100080000010000FF0200");
    EXPECT_OK(send_octets(read.data, read.size));
    EXPECT_I64(0, reply_size);
    const struct wk_test_octets action = wk_test_hex("C301810046000060030AFF01010F00");
    EXPECT_OK(send_octets(action.data, action.size));
    EXPECT_I64(0, reply_size);
    EXPECT(!meter.closed);
}

static void management_changes_the_readers_password(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    const struct wk_apdu_target target = target_of(15, "0.0.40.0.2.255", 7);
    const uint8_t secret[] = {WK_AXDR_OCTET_STRING, 3, 'n', 'e', 'w'};
    EXPECT_OK(wk_client_set(&client, &target, wk_bytes_in_of(secret, sizeof secret)));
    EXPECT_OK(run());
    EXPECT(was_noticed(WK_SESSION_PASSWORD_CHANGED));
    EXPECT_ERR(WK_E_REFUSED, get(15, "0.0.40.0.2.255", 7)); /* it is never read */
    EXPECT_ERR(WK_E_AUTH, open_as(WK_ROLE_READER));
    config.password.data = (const uint8_t *)"new";
    config.password.size = 3;
    EXPECT_OK(open_as(WK_ROLE_READER));
}

/* ---- malformed input --------------------------------------------------------------------- */

static void what_is_not_addressed_to_the_server_is_not_answered(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    const struct wk_test_octets read = wk_test_hex("C001C100080000010000FF0200");
    link_used = (struct wk_session_link){2, 17};
    EXPECT_ERR(WK_E_NOT_FOUND, send_octets(read.data, read.size));
    EXPECT_I64(0, reply_size);
    link_used = (struct wk_session_link){16, 1}; /* another client on this connection */
    EXPECT_OK(send_octets(read.data, read.size));
    EXPECT_I64(WK_APDU_EXCEPTION, reply_room[0]);
    link_used = (struct wk_session_link){2, 1};
    EXPECT_OK(send_octets(read.data, read.size));
    EXPECT_I64(WK_APDU_GET_RESPONSE, reply_room[0]);
}

static void a_request_that_is_too_long_is_refused(void)
{
    static const uint8_t zeros[2048] = {WK_APDU_GET_REQUEST};
    begin(512, 1024);
    EXPECT_OK(open_as(WK_ROLE_READER));
    EXPECT_OK(send_octets(zeros, 513));
    const uint8_t want[] = {0xD8, 0x01, WK_APDU_PDU_TOO_LONG};
    EXPECT_I64(3, reply_size);
    EXPECT_BYTES(want, reply_room, 3);
}

static void chance_in_every_octet_breaks_nothing(void)
{
    static uint8_t frame[2048];
    uint64_t chance = 42;
    printf("# seed 42\n");
    begin(1024, 200);
    for (int i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            security.lock[WK_ROLE_READER].failures = 0;
            EXPECT_OK(open_as(WK_ROLE_READER));
        }
        static const uint8_t k_tags[] = {0x60, 0x62, 0xC0, 0xC1, 0xC3, 0xC8, 0xDB, 0x00};
        const size_t size = (size_t)(wk_test_random(&chance) >> 32) % 64;
        (void)draw(&chance, frame, sizeof frame);
        frame[0] = k_tags[(wk_test_random(&chance) >> 40) % sizeof k_tags];
        frame[1] %= 6;
        EXPECT_OK(send_octets(frame, size));
        EXPECT_I64(0, meter.changes);
    }
}

static void a_dedicated_key_is_refused_and_versions_are_checked(void)
{
    struct wk_initiate_request initiate = {
        .response_allowed = true,
        .dlms_version = 6,
        .conformance = WK_CONFORMANCE_GET,
        .max_pdu = 1024,
    };
    const struct {
        uint8_t key;
        uint8_t version;
        uint32_t conformance;
        uint16_t pdu;
        int error; /* -1 = accepted */
    } k_cases[] = {
        {0, 6, WK_CONFORMANCE_GET, 1024, -1},
        {0, 6, WK_CONFORMANCE_GET, 0, -1},
        {0, 6, WK_CONFORMANCE_GET, 64, -1},
        {0, 6, WK_CONFORMANCE_GET, 63, WK_INITIATE_PDU_TOO_SHORT},
        {0, 5, WK_CONFORMANCE_GET, 1024, WK_INITIATE_VERSION_TOO_LOW},
        {0, 6, 0, 1024, WK_INITIATE_INCOMPATIBLE_CONFORMANCE},
        {16, 6, WK_CONFORMANCE_GET, 1024, WK_INITIATE_REFUSED},
    };
    begin(1024, 1024);
    link_used = (struct wk_session_link){16, 1};
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t room[64];
        struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
        initiate.dedicated_key_size = k_cases[i].key;
        initiate.dlms_version = k_cases[i].version;
        initiate.conformance = k_cases[i].conformance;
        initiate.max_pdu = k_cases[i].pdu;
        wk_initiate_put_request(&info, &initiate);
        const struct wk_association_request request = {
            .context = WK_ASSOCIATION_LN,
            .user_info = {info.data, info.size},
        };
        struct wk_bytes_out out = wk_bytes_out_of(sent_room, sizeof sent_room);
        wk_association_put_request(&out, &request);
        EXPECT_OK(send_octets(out.data, out.size));
        struct wk_bytes_in in = wk_bytes_in_of(reply_room, reply_size);
        struct wk_association_response response;
        EXPECT_OK(wk_association_read_response(&in, &response));
        EXPECT_I64(k_cases[i].error < 0 ? 0 : 1, response.result);
        struct wk_bytes_in user =
            wk_bytes_in_of(response.user_info.data, response.user_info.size);
        struct wk_initiate_response agreed;
        uint8_t error;
        EXPECT_ERR(k_cases[i].error < 0 ? WK_OK : WK_E_REFUSED,
                   wk_initiate_read_response(&user, &agreed, &error));
        EXPECT(k_cases[i].error < 0 || error == k_cases[i].error);
        EXPECT(k_cases[i].error >= 0 || agreed.conformance == WK_CONFORMANCE_GET);
    }
}

static void a_lost_connection_ends_the_association(void)
{
    begin(1024, 1024);
    EXPECT_OK(open_as(WK_ROLE_MANAGEMENT));
    EXPECT_I64(1, security.open[WK_ROLE_MANAGEMENT]);
    wk_session_close(&session);
    EXPECT_I64(0, security.open[WK_ROLE_MANAGEMENT]);
    EXPECT_ERR(WK_E_REFUSED, get(8, "0.0.1.0.0.255", 2));
    EXPECT_OK(open_as(WK_ROLE_PUBLIC));
    EXPECT_OK(open_as(WK_ROLE_READER)); /* opening anew replaces */
    EXPECT_I64(0, security.open[WK_ROLE_PUBLIC]);
    EXPECT_I64(1, security.open[WK_ROLE_READER]);
}

WK_TEST_MAIN(
    T(the_public_client_reads_clock_and_name_and_nothing_else),
    T(the_reader_needs_the_password), T(a_password_that_is_not_set_lets_nobody_in),
    T(management_proves_itself_and_so_does_the_meter), T(a_wrong_key_is_refused_and_counted),
    T(a_meter_with_other_keys_does_not_convince_the_client),
    T(five_failures_lock_a_role_out_for_a_doubling_time),
    T(a_client_that_asks_for_less_protection_is_refused),
    T(a_client_with_the_meters_own_title_is_refused), T(without_proof_nothing_is_served),
    T(a_wrong_proof_ends_the_association_and_counts),
    T(a_replayed_frame_is_refused_with_the_expected_counter),
    T(a_counter_that_was_too_low_can_be_corrected),
    T(the_last_counter_of_all_is_never_accepted),
    T(the_server_seals_nothing_beyond_its_reserve), T(an_altered_frame_changes_nothing),
    T(clear_requests_in_a_ciphered_association_are_refused),
    T(a_long_profile_arrives_whole_whatever_the_longest_apdu),
    T(no_reply_is_longer_than_the_client_takes),
    T(a_range_selects_what_lies_in_it_ends_included), T(entries_are_counted_from_one),
    T(selected_columns_come_even_with_holes_between),
    T(columns_and_restrictions_that_do_not_exist_are_refused),
    T(a_list_answers_each_attribute_or_says_why_not),
    T(a_list_may_hold_a_whole_profile_in_its_midst), T(a_list_of_too_many_or_none_is_refused),
    T(the_object_list_shows_what_the_role_may_do),
    T(every_role_may_do_what_the_table_says_and_nothing_else),
    T(blocks_out_of_turn_are_refused), T(a_client_without_block_transfer_is_told_so),
    T(a_long_value_is_written_by_blocks), T(set_blocks_out_of_turn_change_nothing),
    T(lists_are_written_item_by_item), T(an_unconfirmed_request_gets_no_reply),
    T(management_changes_the_readers_password),
    T(what_is_not_addressed_to_the_server_is_not_answered),
    T(a_request_that_is_too_long_is_refused), T(chance_in_every_octet_breaks_nothing),
    T(a_dedicated_key_is_refused_and_versions_are_checked),
    T(a_lost_connection_ends_the_association))
