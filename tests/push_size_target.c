/* SPDX-License-Identifier: Apache-2.0
 *
 * A listener at a meter's local port, and nothing else: its map tells what the push decoder brings
 * into flash (tools/report_size). It is linked, not run. */
#include "cosem/push_decoder.h"

#define PUSH 1024

extern const struct wk_hal_crypto *volatile listener_crypto;
extern volatile uint8_t listener_octet;
extern volatile int64_t listener_value;
const struct wk_hal_crypto *volatile listener_crypto;
volatile uint8_t listener_octet;
volatile int64_t listener_value;

static struct wk_push_decoder decoder;
static uint8_t frame[PUSH];
static uint8_t apdu[PUSH];
static uint8_t plain[PUSH + WK_CIPHER_RESERVE];

static void take_value(void *self, const struct wk_push_decoder_value *value)
{
    (void)self;
    listener_value = value->value.integer;
}

int main(void)
{
    const struct wk_push_decoder_config config = {
        .crypto = listener_crypto,
        .keys = {.ek = {.size = 16}, .ak = {.size = 16}},
        .sink = {.value = take_value},
        .frame = frame,
        .frame_room = sizeof frame,
        .apdu = apdu,
        .apdu_room = sizeof apdu,
        .plain = plain,
        .plain_room = sizeof plain,
    };
    if (wk_push_decoder_init(&decoder, &config) != WK_OK) {
        return 1;
    }
    for (;;) {
        const uint8_t octet = listener_octet;
        wk_push_decoder_take(&decoder, &octet, 1);
        wk_push_decoder_pause(&decoder);
    }
}
