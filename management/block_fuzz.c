/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes general block transfer between the client and a meter, through a line that loses,
 * doubles, delays and reorders frames as the input says. What must hold: it ends; an answer that
 * is taken is the answer, octet for octet; a value that is written is written once, or not. */
#include <stdlib.h>
#include <string.h>

#include "cosem/client.h"
#include "management/session.h"
#include "port/linux/crypto.h"
#include "tests/dlms_meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US INT64_C(1790000000000000)
#define WHOLE  40000
#define TURNS  2000
#define LATE   3 /* frames on their way that come later */
#define VALUE  700

static struct wk_crypto g_crypto;
static struct wk_session_security g_fresh;
static struct wk_session_security g_security;
static struct wk_dlms_meter g_meter;
static struct wk_object_table g_table;
static struct wk_session g_session;
static struct wk_client g_client;
static const struct wk_session_association k_association = {
    .client_sap = 16, .role = WK_ROLE_MANAGEMENT, .mechanisms = 1U, .contexts = 1U << 1};
static const struct wk_session_link k_link = {16, WK_SESSION_SERVER_SAP};
static uint8_t g_right[WHOLE];
static size_t g_right_size;
static uint8_t g_taken[WHOLE];
static size_t g_taken_size;
static int64_t g_now_us;
static struct wk_bytes_in g_chance;
static struct {
    uint8_t octets[WK_SESSION_REPLY];
    size_t size;
} g_late[LATE];
static uint8_t g_value[VALUE] = {9, 0x82, (VALUE - 4) >> 8, (VALUE - 4) & 0xFF};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    require(size <= sizeof g_taken - g_taken_size);
    memcpy(g_taken + g_taken_size, octets, size);
    g_taken_size += size;
    return WK_OK;
}

static const struct wk_client_sink k_sink = {NULL, take};

/* 0 while the input lasts no longer: then the line is good. */
static uint8_t chance(void)
{
    return wk_bytes_in_left(&g_chance) > 0 ? wk_bytes_in_u8(&g_chance) : 0;
}

static void to_client(const uint8_t *octets, size_t size)
{
    if (wk_client_busy(&g_client)) {
        (void)(wk_client_receive(&g_client, g_now_us, wk_bytes_in_of(octets, size)) == WK_OK);
    }
}

/* What the meter sends, through the line. */
static void carry(const uint8_t *octets, size_t size)
{
    const uint8_t how = chance();
    const size_t place = how >> 4 & 1;
    switch (how & 7) {
    case 1: /* lost */
        return;
    case 2: /* later */
        memcpy(g_late[place].octets, octets, size);
        g_late[place].size = size;
        return;
    case 3: /* twice */
        to_client(octets, size);
        break;
    case 4: /* after what was kept back */
        to_client(g_late[place].octets, g_late[place].size);
        g_late[place].size = 0;
        break;
    default:
        break;
    }
    to_client(octets, size);
}

static void to_meter(const uint8_t *octets, size_t size)
{
    static uint8_t room[WK_SESSION_REPLY];
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    require(wk_session_receive(&g_session, g_now_us, k_link, wk_bytes_in_of(octets, size),
                               &reply) == WK_OK);
    require(reply.fault == WK_OK);
    if (reply.size > 0) {
        carry(room, reply.size);
    }
    for (int i = 0; i < 64 && wk_session_continues(&g_session); i++) {
        struct wk_bytes_out more = wk_bytes_out_of(room, sizeof room);
        require(wk_session_continue(&g_session, &more) == WK_OK);
        carry(room, more.size);
    }
}

static void run(void)
{
    static uint8_t room[WK_CLIENT_PDU + 64];
    int turns = 0;
    for (; turns < TURNS && wk_client_busy(&g_client); turns++) {
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        if (wk_client_sends(&g_client)) {
            require(wk_client_output(&g_client, g_now_us, &out) == WK_OK);
        } else {
            g_now_us += 1100000;
            wk_client_tick(&g_client, g_now_us);
        }
        if (out.size > 0 && (chance() & 7) != 1) {
            to_meter(room, out.size);
        }
    }
    require(turns < TURNS);
}

static void open_both(uint16_t max_pdu, uint8_t window)
{
    const struct wk_session_config session = {.table = &g_table,
                                              .security = &g_security,
                                              .crypto = &g_crypto.hal,
                                              .zone = &wk_zone_central_europe,
                                              .associations = &k_association,
                                              .association_count = 1,
                                              .max_pdu = max_pdu};
    const struct wk_client_config client = {.mechanism = WK_ASSOCIATION_NONE,
                                            .max_pdu = max_pdu,
                                            .timeout_us = 1000000,
                                            .window = window};
    g_security = g_fresh;
    g_meter = (struct wk_dlms_meter){.security = &g_security, .closed = true};
    g_table = wk_dlms_meter_table(&g_meter);
    memset(g_late, 0, sizeof g_late);
    g_now_us = NOW_US;
    require(wk_session_init(&g_session, &session) == WK_OK);
    require(wk_client_init(&g_client, &client) == WK_OK);
    require(wk_client_open(&g_client) == WK_OK);
    g_chance = wk_bytes_in_of(NULL, 0);
    run();
    require(g_client.outcome == WK_OK);
}

static wk_err read_profile(uint32_t entries)
{
    static uint8_t parameter[] = {2, 4, 6, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0x12, 0, 1, 0x12, 0, 0};
    struct wk_apdu_target target = {.class_id = 7,
                                    .obis = {1, 0, 99, 1, 0, 255},
                                    .id = 2,
                                    .selective = true,
                                    .selector = 2,
                                    .parameter = wk_bytes_in_of(parameter, sizeof parameter)};
    parameter[10] = (uint8_t)(entries >> 8);
    parameter[11] = (uint8_t)entries;
    g_taken_size = 0;
    WK_TRY(wk_client_get(&g_client, &target, k_sink));
    run();
    return g_client.outcome;
}

static void fuzz_reading(uint32_t entries, struct wk_bytes_in rest)
{
    require(read_profile(entries) == WK_OK);
    memcpy(g_right, g_taken, g_taken_size);
    g_right_size = g_taken_size;
    g_chance = rest;
    if (read_profile(entries) == WK_OK) {
        require(g_taken_size == g_right_size && memcmp(g_taken, g_right, g_right_size) == 0);
    }
}

static void fuzz_writing(struct wk_bytes_in rest)
{
    static const struct wk_apdu_target k_note = {
        .class_id = 1, .obis = {0, 0, 96, 1, 9, 255}, .id = 2};
    g_chance = rest;
    require(wk_client_set(&g_client, &k_note, wk_bytes_in_of(g_value, VALUE)) == WK_OK);
    run();
    require(g_meter.changes <= 1);
    if (g_client.outcome == WK_OK) {
        require(g_meter.changes == 1 && g_meter.note_size == VALUE - 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    if (g_crypto.hal.self == NULL) {
        require(wk_crypto_init(&g_crypto) == WK_OK);
        wk_dlms_meter_secure(&g_fresh);
    }
    const struct wk_bytes_in rest = wk_bytes_in_of(data + 3, size - 3);
    open_both((uint16_t)(96 + data[0]), (uint8_t)(1 + data[1] % 7));
    if ((data[2] & 1) != 0) {
        fuzz_writing(rest);
    } else {
        fuzz_reading(1U + data[2] / 4U, rest);
    }
    return 0;
}
