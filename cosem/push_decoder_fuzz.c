/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the push decoder. The first octet chooses: a stream as it comes, in parts; or octets
 * that are put into an HDLC frame with good check sums, or sealed with the right key and put into
 * one, so that what is inside counts. Whatever comes: values are there to be read, and no push
 * ends twice. */
#include <stdlib.h>
#include <string.h>

#include "cosem/hdlc.h"
#include "cosem/push_decoder.h"
#include "port/linux/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 512

static struct wk_crypto g_crypto;
static struct wk_push_decoder g_decoder;
static struct wk_push_decoder_config g_config;
static uint8_t g_frame[ROOM];
static uint8_t g_apdu[ROOM];
static uint8_t g_plain[ROOM + WK_CIPHER_RESERVE];
static uint8_t g_sum;
static unsigned g_open;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void touch(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        g_sum ^= octets[i];
    }
}

static void take_head(void *self, const struct wk_push_decoder_head *head)
{
    (void)self;
    require(g_open++ == 0);
    touch(head->time, head->time == NULL ? 0 : 12);
}

static void take_value(void *self, const struct wk_push_decoder_value *value)
{
    (void)self;
    require(g_open == 1);
    touch(value->obis, value->obis == NULL ? 0 : 6);
    touch(value->value.octets, value->value.size);
}

static void take_end(void *self, wk_err err)
{
    (void)self;
    (void)err;
    require(--g_open == 0);
}

static void take_text(void *self, const struct wk_push_decoder_head *head, const uint8_t *text,
                      size_t size)
{
    (void)self;
    (void)head;
    touch(text, size);
}

static void start(void)
{
    g_config = (struct wk_push_decoder_config){
        .crypto = &g_crypto.hal,
        .keys = {.ek = {.octets = {1}, .size = 16}, .ak = {.octets = {2}, .size = 16}},
        .sink = {.head = take_head, .value = take_value, .end = take_end, .text = take_text},
        .frame = g_frame,
        .frame_room = sizeof g_frame,
        .apdu = g_apdu,
        .apdu_room = sizeof g_apdu,
        .plain = g_plain,
        .plain_room = sizeof g_plain,
    };
    require(wk_crypto_init(&g_crypto) == WK_OK);
}

static void feed_frame(const uint8_t *octets, size_t size)
{
    static uint8_t raw[ROOM + WK_HDLC_OVERHEAD];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_hdlc_frame frame = {.destination = {1, 0, 1},
                                        .source = {16, 0, 1},
                                        .type = WK_HDLC_UI,
                                        .info = octets,
                                        .info_size = size < ROOM ? size : ROOM};
    wk_hdlc_put(&out, &frame);
    require(out.fault == WK_OK);
    wk_push_decoder_take(&g_decoder, raw, out.size);
}

static void feed_sealed(const uint8_t *octets, size_t size)
{
    static uint8_t raw[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_cipher_seal seal;
    const struct wk_cipher_head head = {
        .tag = 0xDB, .control = WK_CIPHER_BOTH, .counter = 9, .title = {1, 2, 3}};
    wk_cipher_begin(&seal, &out, sizeof raw);
    wk_bytes_out_put(&seal.plain, octets, size);
    if (wk_cipher_finish(&seal, &g_crypto.hal, &g_config.keys, &head) == WK_OK) {
        feed_frame(raw, out.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (g_config.frame == NULL) {
        start();
    }
    if (size < 2) {
        return 0;
    }
    require(wk_push_decoder_init(&g_decoder, &g_config) == WK_OK);
    if (data[0] == 1) {
        feed_frame(data + 1, size - 1);
    } else if (data[0] == 2) {
        feed_sealed(data + 1, size - 1);
    } else {
        const size_t part = 1U + data[0];
        for (size_t at = 1; at < size; at += part) {
            wk_push_decoder_take(&g_decoder, data + at, size - at < part ? size - at : part);
        }
    }
    wk_push_decoder_pause(&g_decoder);
    require(g_open == 0);
    return 0;
}
