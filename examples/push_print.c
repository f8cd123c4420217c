/* SPDX-License-Identifier: Apache-2.0
 *
 * push_print [EK [AK]] - values out of the octets that a meter pushes, from standard input:
 *
 *   stty -F /dev/ttyUSB0 2400 raw parenb -parodd && push_print < /dev/ttyUSB0
 *
 * On a microcontroller it is the same: give what the UART received to wk_push_decoder_take, and
 * call wk_push_decoder_pause when the line was silent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cosem/obis.h"
#include "cosem/push_decoder.h"
#include "port/linux/crypto.h"

#define PUSH 4096 /* octets of a push, most */

static uint8_t frame[PUSH];
static uint8_t apdu[PUSH];
static uint8_t plain[PUSH + WK_CIPHER_RESERVE];

static void print_head(void *self, const struct wk_push_decoder_head *head)
{
    (void)self;
    printf("push %" PRIu32 "%s\n", head->invoke,
           head->authentic ? ", authentic"
           : head->sealed  ? ", not checked"
                           : "");
}

static void print_value(void *self, const struct wk_push_decoder_value *value)
{
    char name[WK_OBIS_TEXT] = "?";
    (void)self;
    if (value->obis != NULL) {
        wk_obis_print(value->obis, name);
    }
    printf("%u %s: ", value->place, name);
    if (wk_axdr_is_integer(value->value.tag)) {
        printf("%" PRId64 "e%d", value->value.integer, value->scaler);
    }
    for (size_t i = 0; i < value->value.size && !wk_axdr_is_integer(value->value.tag); i++) {
        printf("%02X", value->value.octets[i]);
    }
    if (value->unit != WK_PUSH_DECODER_NO_UNIT) {
        printf(" unit %u", value->unit);
    }
    printf("\n");
}

static void print_text(void *self, const struct wk_push_decoder_head *head, const uint8_t *text,
                       size_t size)
{
    (void)self;
    (void)head;
    (void)fwrite(text, 1, size, stdout);
}

static bool read_key(const char *hex, struct wk_hal_key *key)
{
    unsigned octet;
    key->size = 16;
    for (size_t i = 0; i < key->size; i++) {
        if (sscanf(hex + 2 * i, "%2x", &octet) != 1) {
            return false;
        }
        key->octets[i] = (uint8_t)octet;
    }
    return strlen(hex) == 2U * key->size;
}

int main(int argc, char **argv)
{
    static struct wk_push_decoder decoder;
    static struct wk_crypto crypto;
    struct wk_push_decoder_config config = {
        .crypto = &crypto.hal,
        .sink = {.head = print_head, .value = print_value, .text = print_text},
        .frame = frame,
        .frame_room = sizeof frame,
        .apdu = apdu,
        .apdu_room = sizeof apdu,
        .plain = plain,
        .plain_room = sizeof plain,
    };
    uint8_t octets[256];
    if ((argc > 1 && !read_key(argv[1], &config.keys.ek)) ||
        (argc > 2 && !read_key(argv[2], &config.keys.ak))) {
        fputs("a key has 32 hexadecimal digits\n", stderr);
        return 2;
    }
    if (wk_crypto_init(&crypto) != WK_OK || wk_push_decoder_init(&decoder, &config) != WK_OK) {
        return 1;
    }
    for (ssize_t size = read(0, octets, sizeof octets); size > 0;
         size = read(0, octets, sizeof octets)) {
        wk_push_decoder_take(&decoder, octets, (size_t)size);
        fflush(stdout);
    }
    wk_push_decoder_pause(&decoder);
    wk_crypto_close(&crypto);
    return 0;
}
