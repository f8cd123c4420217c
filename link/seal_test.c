/* SPDX-License-Identifier: Apache-2.0
 *
 * The link over carriers that do not protect, with real cryptography. */
#include "tests/wk_test.h"

#include "link/world_test.h"
#include "port/bearssl/bearssl.h"

#define SEED UINT64_C(7)

static uint64_t drawn = SEED;

static wk_err draw(void *entropy, void *to, size_t size)
{
    uint8_t *octets = to;
    (void)entropy;
    for (size_t i = 0; i < size; i++) {
        drawn = drawn * UINT64_C(6364136223846793005) + 1;
        octets[i] = (uint8_t)(drawn >> 56);
    }
    return WK_OK;
}

static const struct wk_hal_key shared = {
    .octets = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, .size = 16};

/* The octets were made with the AES-GCM and SHA-256 of Python's cryptography 43 (OpenSSL), by what
 * link/seal.h says. */
static void a_sealed_packet_is_what_another_implementation_makes(void)
{
    static const uint8_t session[] = {0xe9, 0x62, 0xf6, 0x7e, 0x53, 0x33, 0x09, 0x78,
                                      0xf6, 0x4c, 0xda, 0xba, 0xbc, 0x1f, 0x44, 0x5d};
    static const uint8_t wanted[] = {0x11, 0xa1, 0xb2, 0xc3, 0xd4, 0x00, 0x00, 0x05, 0x0e,
                                     0x93, 0x23, 0x7a, 0x33, 0xbc, 0x67, 0x42, 0x2e, 0x88,
                                     0x11, 0x35, 0x53, 0xf4, 0x62, 0xc1, 0x9a, 0x26};
    uint8_t packet[64] = {0x10, 0xa1, 0xb2, 0xc3, 0xd4, 0x00, 0x00,
                          0x05, 0x12, 0x07, 0x03, 0x61, 0x62, 0x63};
    uint8_t meter[WK_LINK_NONCE];
    uint8_t headend[WK_LINK_NONCE];
    size_t size = 14;
    struct wk_bearssl crypto;
    wk_bearssl_init(&crypto, NULL, draw);
    wk_bearssl_add_sha256(&crypto);
    struct wk_link_keys keys = {.crypto = &crypto.hal, .shared = &shared};
    for (uint8_t i = 0; i < WK_LINK_NONCE; i++) {
        meter[i] = (uint8_t)(0x10 + i);
        headend[i] = (uint8_t)(0x20 + i);
    }
    EXPECT_ERR(WK_E_STATE,
               wk_link_seal(&keys, WK_LINK_FROM_METER, NULL, 0x01000005, packet, &size));
    EXPECT_OK(wk_link_seal_agree(&keys, meter, headend));
    EXPECT_BYTES(session, keys.session.octets, sizeof session);
    EXPECT_OK(wk_link_seal(&keys, WK_LINK_FROM_METER, NULL, 0x01000005, packet, &size));
    EXPECT_I64(sizeof wanted, size);
    EXPECT_BYTES(wanted, packet, sizeof wanted);
    EXPECT_ERR(WK_E_AUTH, wk_link_open(&keys, WK_LINK_TO_METER, 0x01000005, packet, &size));
    memcpy(packet, wanted, sizeof wanted);
    size = sizeof wanted;
    EXPECT_OK(wk_link_open(&keys, WK_LINK_FROM_METER, 0x01000005, packet, &size));
    EXPECT_I64(14, size);
}

static struct world *sealed_world(struct wk_bearssl *crypto)
{
    const struct wk_virtual_line_rules line = {
        .rate_bps = 128000, .delay_us = 20 * MS, .queue_octets = 16384, .overhead = 28};
    const struct wk_virtual_line_rules lines[] = {line, line};
    wk_bearssl_init(crypto, NULL, draw);
    wk_bearssl_add_sha256(crypto);
    return world_new(SEED, 2, lines, &crypto->hal, &shared);
}

static void a_sealed_link_carries_everything(void)
{
    struct wk_bearssl crypto;
    struct world *world = sealed_world(&crypto);
    for (int i = 0; i < 200; i++) {
        world_make(world, (uint8_t)(i % WORLD_SOURCES));
        if (i == 100) {
            world_restart_far(world);
        }
        world_run(world, world->now_us + 100 * MS);
    }
    world_run(world, world->now_us + 60 * SECOND);
    EXPECT(!world->wrong);
    for (int i = 0; i < WORLD_SOURCES; i++) {
        EXPECT_I64(50, world->source[i].committed);
        EXPECT_I64(0, world->source[i].doubled);
    }
    world_free(world);
}

/* Whoever is on the line records packets, changes a bit, and sends them again, both ways. */
static void nothing_that_was_changed_or_recorded_is_taken(void)
{
    struct wk_bearssl crypto;
    struct world *world = sealed_world(&crypto);
    struct wk_link_receiver *receiver = &world->receiver;
    uint64_t taken = 0;
    for (int i = 0; i < 2000; i++) {
        uint8_t packet[WK_VIRTUAL_LINE_PACKET];
        size_t length;
        uint8_t session;
        world_make(world, WORLD_PROFILE);
        world_run(world, world->now_us + 10 * MS);
        for (int path = 0; path < 2; path++) {
            struct wk_virtual_line copy = world->up[path];
            if (wk_virtual_line_receive(&copy, packet, sizeof packet, &length, INT64_MAX - 1) !=
                WK_OK) {
                continue;
            }
            const uint64_t records = receiver->streams[WORLD_PROFILE].records;
            uint8_t changed[WK_VIRTUAL_LINE_PACKET];
            memcpy(changed, packet, length);
            changed[world_draw(world, (uint32_t)length)] ^=
                (uint8_t)(1u << world_draw(world, 8));
            const wk_err err = wk_link_receiver_take(receiver, changed, length, false,
                                                     world->now_us, &session);
            taken += err == WK_OK || receiver->streams[WORLD_PROFILE].records != records;
            packet[0] = 0x10; /* as if nothing was sealed */
            taken += wk_link_receiver_take(receiver, packet, length, false, world->now_us,
                                           &session) == WK_OK;
        }
    }
    EXPECT_I64(0, taken);
    world_run(world, world->now_us + 20 * SECOND);
    EXPECT_I64(2000, world->source[WORLD_PROFILE].committed);
    EXPECT_I64(0, world->source[WORLD_PROFILE].doubled);
    world_free(world);
}

/* A HELLO of before the store began anew, sent again by somebody: the epoch stays. */
static void a_recorded_hello_changes_no_epoch(void)
{
    struct wk_bearssl crypto;
    struct world *world = sealed_world(&crypto);
    uint8_t hello[WK_VIRTUAL_LINE_PACKET];
    uint8_t copy[WK_VIRTUAL_LINE_PACKET];
    size_t length;
    uint8_t session;
    wk_link_sender_step(&world->sender, world->now_us);
    struct wk_virtual_line line = world->up[0];
    EXPECT_OK(wk_virtual_line_receive(&line, hello, sizeof hello, &length, INT64_MAX - 1));
    world_run(world, world->now_us + 5 * SECOND);
    EXPECT_I64(7, world->receiver.epoch);
    world->config.epoch = 8;
    EXPECT_OK(world_restart_meter(world));
    world_make(world, WORLD_PROFILE);
    world_run(world, world->now_us + 10 * SECOND);
    EXPECT_I64(8, world->receiver.epoch);
    EXPECT_I64(1, world->source[WORLD_PROFILE].committed);
    for (int i = 0; i < 20; i++) {
        memcpy(copy, hello, length);
        EXPECT_OK(wk_link_receiver_take(&world->receiver, copy, length, false, world->now_us,
                                        &session));
        world_make(world, WORLD_PROFILE);
        world_run(world, world->now_us + SECOND);
        EXPECT_I64(8, world->receiver.epoch);
    }
    world_run(world, world->now_us + 20 * SECOND);
    EXPECT_I64(21, world->source[WORLD_PROFILE].committed);
    EXPECT_I64(0, world->source[WORLD_PROFILE].doubled);
    world_free(world);
}

static void another_key_opens_nothing(void)
{
    static const struct wk_hal_key other = {.octets = {9}, .size = 16};
    struct wk_bearssl crypto;
    struct world *world = sealed_world(&crypto);
    world->far.key = &other;
    world_restart_far(world);
    world_make(world, WORLD_ALARM);
    world_run(world, world->now_us + 60 * SECOND);
    EXPECT_I64(0, world->source[WORLD_ALARM].committed);
    EXPECT_I64(WK_LINK_DOWN, world->sender.paths[0].state);
    EXPECT(!world->receiver.met);
    world_free(world);
}

WK_TEST_MAIN(T(a_sealed_packet_is_what_another_implementation_makes),
             T(a_sealed_link_carries_everything),
             T(nothing_that_was_changed_or_recorded_is_taken),
             T(a_recorded_hello_changes_no_epoch), T(another_key_opens_nothing))
