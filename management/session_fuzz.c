/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes one session of the DLMS server with a sequence of frames. The input is a list of
 * steps: an octet that says what kind, an octet of length, and that many octets. A frame may be
 * sent as it is, or inside an association that this program opens, sealed with the true key and
 * counter, so that the fuzzer gets behind the cryptography. What must hold after every frame:
 * the reply is within its bounds, and without management's authentication nothing changed. */
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "management/session.h"
#include "port/linux/crypto.h"
#include "tests/dlms_meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS  64
#define NOW_US INT64_C(1790000000000000)

static const uint16_t k_saps[] = {16, 2, 1, 99};

static struct wk_crypto crypto;
static struct wk_session_security fresh;
static struct wk_session_security security;
static struct wk_dlms_meter meter;
static struct wk_object_table table;
static struct wk_session session;
static struct wk_client client;
static uint8_t reply_room[WK_SESSION_REPLY];
static uint8_t more_room[WK_SESSION_REPLY];
static struct wk_session_link from;
static int64_t now_us;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static wk_err drop_data(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    (void)size;
    return WK_OK;
}

/* Sends a frame; checks what must hold whatever it is. */
static struct wk_bytes_in send_frame(const uint8_t *octets, size_t size)
{
    const uint32_t changes = meter.changes;
    const uint32_t counter = security.setup[0].counter[WK_SHIELD_UNICAST];
    const bool trusted = wk_session_role(&session) == WK_ROLE_MANAGEMENT;
    struct wk_bytes_out reply = wk_bytes_out_of(reply_room, sizeof reply_room);
    const wk_err err =
        wk_session_receive(&session, now_us, from, wk_bytes_in_of(octets, size), &reply);
    require(err == WK_OK || err == WK_E_NOT_FOUND);
    require(reply.fault == WK_OK && reply.size <= WK_SESSION_PDU);
    require(trusted || meter.changes == changes);
    require(security.setup[0].counter[WK_SHIELD_UNICAST] >= counter);
    require(memcmp(&security.setup[0].keys, &fresh.setup[0].keys, sizeof fresh.setup[0].keys) ==
            0);
    for (int i = 0; i < 64 && wk_session_continues(&session); i++) {
        struct wk_bytes_out more = wk_bytes_out_of(more_room, sizeof more_room);
        require(wk_session_continue(&session, &more) == WK_OK);
        require(more.fault == WK_OK && more.size <= WK_SESSION_PDU);
    }
    require(!wk_session_continues(&session));
    return wk_bytes_in_of(reply_room, reply.size);
}

/* Opens the association of `role` as an honest client would. */
static void open_honestly(uint8_t role)
{
    static const wk_association_mechanism k_mechanisms[] = {
        WK_ASSOCIATION_NONE, WK_ASSOCIATION_LLS, WK_ASSOCIATION_HLS_GMAC};
    static uint8_t room[WK_CLIENT_PDU + 64];
    struct wk_client_config config = {
        .mechanism = k_mechanisms[role],
        .password = {(const uint8_t *)"Wattkeeper", 10},
        .crypto = &crypto.hal,
        .keys = fresh.setup[0].keys,
        .title = {'F', 'U', 'Z', 'Z'},
        .counter = security.setup[0].counter[WK_SHIELD_UNICAST] + 1,
        .max_pdu = 256,
        .timeout_us = 1000000,
    };
    from = (struct wk_session_link){k_saps[role], WK_SESSION_SERVER_SAP};
    require(wk_client_init(&client, &config) == WK_OK);
    require(wk_client_open(&client) == WK_OK);
    while (wk_client_busy(&client)) {
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        if (wk_client_output(&client, now_us, &out) != WK_OK) {
            return;
        }
        const struct wk_bytes_in reply = send_frame(out.data, out.size);
        if (reply.size == 0 || wk_client_receive(&client, now_us, reply) != WK_OK) {
            return;
        }
    }
}

/* Seals what the fuzzer wrote, with the next counter. */
static void send_sealed(const uint8_t *octets, size_t size, bool general)
{
    static uint8_t room[1024];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal seal;
    struct wk_cipher_head head = {
        .tag = (uint8_t)(general ? 0xDB : (size > 0 ? octets[0] : 0) | 0x08),
        .control = WK_CIPHER_BOTH,
        .counter = security.setup[0].counter[WK_SHIELD_UNICAST] + 1,
        .title = {'F', 'U', 'Z', 'Z'},
    };
    wk_cipher_begin(&seal, &out, sizeof room);
    wk_bytes_out_put(&seal.plain, octets, size);
    if (wk_cipher_finish(&seal, &crypto.hal, &fresh.setup[0].keys, &head) == WK_OK) {
        (void)send_frame(out.data, out.size);
    }
}

/* An honest request of the fuzzer's choice: so that block transfers get under way. */
static void send_honestly(const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_apdu_target target;
    static uint8_t room[WK_CLIENT_PDU + 64];
    wk_apdu_read_target(&in, true, &target);
    const struct wk_client_sink sink = {NULL, drop_data};
    const size_t left = wk_bytes_in_left(&in);
    const struct wk_bytes_in rest = wk_bytes_in_of(octets + size - left, left);
    wk_err err = WK_E_STATE;
    if (in.fault == WK_OK && left == 0) {
        err = wk_client_get(&client, &target, sink);
    } else if (in.fault == WK_OK) {
        err = wk_client_set(&client, &target, rest);
    }
    for (int i = 0; err == WK_OK && wk_client_busy(&client) && i < 8; i++) {
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        err = wk_client_output(&client, now_us, &out);
        if (err == WK_OK) {
            const struct wk_bytes_in reply = send_frame(out.data, out.size);
            err = reply.size == 0 ? WK_E_CLOSED : wk_client_receive(&client, now_us, reply);
        }
    }
}

static void begin(void)
{
    if (crypto.hal.self == NULL) {
        require(wk_crypto_init(&crypto) == WK_OK);
        wk_dlms_meter_secure(&fresh);
    }
    security = fresh;
    meter = (struct wk_dlms_meter){.security = &security, .closed = true};
    table = wk_dlms_meter_table(&meter);
    now_us = NOW_US;
    from = (struct wk_session_link){16, WK_SESSION_SERVER_SAP};
    const struct wk_session_config config = {
        .table = &table,
        .security = &security,
        .crypto = &crypto.hal,
        .zone = &wk_zone_central_europe,
        .max_pdu = 512,
    };
    require(wk_session_init(&session, &config) == WK_OK);
    client = (struct wk_client){0};
}

static void step(uint8_t kind, const uint8_t *octets, size_t size)
{
    switch (kind & 7) {
    case 0:
    case 1:
        (void)send_frame(octets, size);
        break;
    case 2:
        from = (struct wk_session_link){k_saps[kind >> 3 & 3],
                                        (uint16_t)(WK_SESSION_SERVER_SAP + (kind >> 7))};
        (void)send_frame(octets, size);
        break;
    case 3:
        open_honestly((uint8_t)((kind >> 3) % WK_ROLE_COUNT));
        break;
    case 4:
    case 5:
        send_sealed(octets, size, (kind & 1) != 0);
        break;
    case 6:
        send_honestly(octets, size);
        break;
    default:
        now_us += (int64_t)kind * 100000;
        wk_session_close(&session);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    for (int i = 0; i < STEPS && wk_bytes_in_left(&in) >= 2; i++) {
        const uint8_t kind = wk_bytes_in_u8(&in);
        const size_t announced = wk_bytes_in_u8(&in);
        const size_t left = wk_bytes_in_left(&in);
        const size_t length = announced < left ? announced : left;
        step(kind, wk_bytes_in_take(&in, length), length);
    }
    wk_session_close(&session);
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        require(security.open[role] == 0);
    }
    return 0;
}
