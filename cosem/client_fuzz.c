/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the client with what a server may answer. The first octet chooses the association
 * (plain, ciphered, with or without general blocks), then come steps: an operation is begun, an
 * answer arrives (raw, with the tag and invoke-id of what was asked, in a general block, or
 * sealed with the true keys), time passes. Whatever comes: what the client sends fits the
 * server's APDUs, an operation ends as done, refused or broken, and what is broken stays so. */
#include <stdlib.h>
#include <string.h>

#include "cosem/client.h"
#include "cosem/gbt.h"
#include "port/linux/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS  64
#define ROOM   (WK_CLIENT_PDU + 64)
#define SERVER 256 /* longest APDU the server takes */

enum { CIPHERED = 1, BLOCKS = 2, NUMBERED = 4 };

static struct wk_crypto g_crypto;
static struct wk_client g_client;
static struct wk_cipher_keys g_keys;
static uint32_t g_counter; /* of the server */
static int64_t g_now_us;
static uint8_t g_sent[ROOM];
static size_t g_sent_size;
static uint8_t g_value[600] = {9, 0x82, 2, 0x50};
static uint8_t g_values[604] = {2, 0x11, 5, 9, 0x82, 2, 0x50};
static uint8_t g_names[2 * 10];
static struct wk_access_request g_access;

static const uint8_t k_server_title[8] = "WKM00001";
static const uint8_t k_client_title[8] = "WKC00001";

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static wk_err drop_data(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    require(octets != NULL || size == 0);
    return WK_OK;
}

static const struct wk_client_sink k_sink = {NULL, drop_data};

static void send_all(void)
{
    for (int i = 0; i < 16 && wk_client_sends(&g_client); i++) {
        struct wk_bytes_out out = wk_bytes_out_of(g_sent, sizeof g_sent);
        if (wk_client_output(&g_client, g_now_us, &out) == WK_OK) {
            require(out.fault == WK_OK && out.size > 0);
            g_sent_size = out.size;
        }
    }
}

static void answer(const uint8_t *octets, size_t size)
{
    const bool was_broken = g_client.broken;
    const wk_err err = wk_client_receive(&g_client, g_now_us, wk_bytes_in_of(octets, size));
    require(err == WK_OK || err == WK_E_STATE);
    require(!was_broken || g_client.broken);
    require(wk_client_busy(&g_client) || !g_client.broken || g_client.outcome != WK_OK);
    require(g_client.result_count <= WK_CLIENT_LIST);
    send_all();
}

/* Sealed as the server would; the octets are an APDU. */
static void answer_sealed(const uint8_t *octets, size_t size)
{
    static uint8_t room[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_cipher_seal seal;
    struct wk_cipher_head head = {
        .tag = WK_APDU_GENERAL_GLO, .control = WK_CIPHER_BOTH, .counter = ++g_counter};
    memcpy(head.title, k_server_title, sizeof head.title);
    wk_cipher_begin(&seal, &out, sizeof room);
    wk_bytes_out_put(&seal.plain, octets, size);
    if (wk_cipher_finish(&seal, &g_crypto.hal, &g_keys, &head) == WK_OK) {
        answer(room, out.size);
    }
}

/* The octets behind tag, choice and invoke-id of an answer to what is under way. */
static void answer_fitting(uint8_t how, const uint8_t *octets, size_t size)
{
    static uint8_t room[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_bytes_out_u8(&out, (uint8_t)(((uint16_t)g_client.request.service >> 8) + 4));
    wk_bytes_out_u8(&out, (uint8_t)(1 + how % 5));
    wk_bytes_out_u8(&out, g_client.request.invoke);
    wk_bytes_out_put(&out, octets, size);
    if ((how & 0x80) != 0) {
        answer_sealed(room, out.size);
    } else {
        answer(room, out.size);
    }
}

static void answer_block(uint8_t how, const uint8_t *octets, size_t size)
{
    static uint8_t room[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_gbt_block block = {.last = (how & 0x80) != 0,
                                       .streaming = (how & 0x40) != 0,
                                       .window = 3,
                                       .number = (uint16_t)(g_client.blocks.peer + (how & 3)),
                                       .ack = (uint16_t)(g_client.blocks.own + (how >> 2 & 3)),
                                       .data = wk_bytes_in_of(octets, size)};
    wk_gbt_put(&out, &block);
    answer(room, out.size);
}

static void begin_operation(uint8_t which)
{
    static const struct wk_apdu_target k_target = {
        .class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
    const size_t size = (which & 0x40) != 0 ? sizeof g_value : 0;
    const struct wk_bytes_in value =
        size > 0 ? wk_bytes_in_of(g_value, size) : wk_bytes_in_of((const uint8_t *)"", 1);
    const struct wk_bytes_in values = (which & 0x40) != 0
                                          ? wk_bytes_in_of(g_values, sizeof g_values)
                                          : wk_bytes_in_of((const uint8_t *)"\2\0\0", 3);
    wk_err err;
    switch (which % 8) {
    case 0:
        err = wk_client_get(&g_client, &k_target, k_sink);
        break;
    case 1:
        err = wk_client_set(&g_client, &k_target, value);
        break;
    case 2:
        err = wk_client_action(&g_client, &k_target, value, k_sink);
        break;
    case 3:
        err = wk_client_get_list(&g_client, 2, wk_bytes_in_of(g_names, 20), k_sink);
        break;
    case 4:
        err = wk_client_set_list(&g_client, 2, wk_bytes_in_of(g_names, 20), values);
        break;
    case 5:
        err = wk_client_action_list(&g_client, 2, wk_bytes_in_of(g_names, 18), values, k_sink);
        break;
    case 6:
        g_access = (struct wk_access_request){.invoke = WK_ACCESS_CONFIRM | which,
                                              .count = 0,
                                              .list = wk_bytes_in_of(NULL, 0),
                                              .values = wk_bytes_in_of(NULL, 0)};
        err = wk_client_access(&g_client, &g_access, k_sink);
        break;
    default:
        err = wk_client_release(&g_client);
        break;
    }
    (void)err; /* of a client that is busy or closed */
    send_all();
}

/* Association as an honest server grants it, up to where the fuzzer takes over. */
static bool open_client(uint8_t how)
{
    static const char k_plain[] = "\x61\x29\xA1\x09\x06\x07\x60\x85\x74\x05\x08\x01\x01\xA2\x03"
                                  "\x02\x01\x00\xA3\x05\xA1\x03\x02\x01\x00\xBE\x10\x04\x0E\x08"
                                  "\x00\x06\x5F\x1F\x04\x00\x60\x7F\x1F\x01\x00\x00\x07";
    struct wk_client_config config = {.mechanism = WK_ASSOCIATION_NONE,
                                      .max_pdu = 512,
                                      .timeout_us = 1000000,
                                      .window = (how & BLOCKS) != 0 ? 3 : 0,
                                      .numbered = (how & NUMBERED) != 0};
    if ((how & CIPHERED) != 0) {
        config.mechanism = WK_ASSOCIATION_HLS_GMAC;
        config.crypto = &g_crypto.hal;
        config.keys = g_keys;
        config.counter = 1;
        memcpy(config.title, k_client_title, sizeof config.title);
    }
    require(wk_client_init(&g_client, &config) == WK_OK);
    require(wk_client_open(&g_client) == WK_OK);
    send_all();
    if ((how & CIPHERED) == 0) {
        answer((const uint8_t *)k_plain, sizeof k_plain - 1);
        require(g_client.step == WK_CLIENT_READY);
    } else { /* what HLS proves is for others to try (session_fuzz): here it is done */
        g_client.step = WK_CLIENT_READY;
        g_client.conformance = 0x607F1F;
        g_client.server_max_pdu = SERVER;
        memcpy(g_client.server_title, k_server_title, sizeof g_client.server_title);
    }
    return true;
}

static void step(uint8_t kind, uint8_t how, const uint8_t *octets, size_t size)
{
    switch (kind % 8) {
    case 0:
    case 1:
        begin_operation(how);
        break;
    case 2:
        answer(octets, size);
        break;
    case 3:
    case 4:
        answer_fitting(how, octets, size);
        break;
    case 5:
        answer_block(how, octets, size);
        break;
    case 6:
        answer_sealed(octets, size);
        break;
    default:
        g_now_us += (int64_t)how * 20000;
        wk_client_tick(&g_client, g_now_us);
        send_all();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    if (g_crypto.hal.self == NULL) {
        require(wk_crypto_init(&g_crypto) == WK_OK);
        g_keys.ek = (struct wk_hal_key){.octets = {1, 2, 3}, .size = 16};
        g_keys.ak = (struct wk_hal_key){.octets = {4, 5, 6}, .size = 16};
    }
    struct wk_bytes_in in = wk_bytes_in_of(data + 1, size - 1);
    g_counter = 0;
    g_now_us = 0;
    if ((data[0] & 8) != 0) { /* the association itself is the fuzzer's */
        const struct wk_client_config config = {.max_pdu = 512, .timeout_us = 1000000};
        require(wk_client_init(&g_client, &config) == WK_OK);
        require(wk_client_open(&g_client) == WK_OK);
        send_all();
    } else {
        require(open_client(data[0]));
    }
    for (int i = 0; i < STEPS && wk_bytes_in_left(&in) >= 3; i++) {
        const uint8_t kind = wk_bytes_in_u8(&in);
        const uint8_t how = wk_bytes_in_u8(&in);
        const size_t announced = wk_bytes_in_u8(&in);
        const size_t left = wk_bytes_in_left(&in);
        const size_t length = announced < left ? announced : left;
        step(kind, how, wk_bytes_in_take(&in, length), length);
    }
    return 0;
}
