/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of CoAP, RFC 7252, 3. */
#include "link/coap.h"

#define VERSION    1
#define MARKER     0xff
#define ONE_MORE   13 /* a length or delta of this has one octet more */
#define TWO_MORE   14
#define RESERVED   15
#define FROM_ONE   13
#define FROM_TWO   269
#define VALUE_MOST 268

/* A delta or length of four bits, or what follows for it. */
static uint32_t read_extended(struct wk_bytes_in *in, uint8_t nibble)
{
    if (nibble < ONE_MORE) {
        return nibble;
    }
    if (nibble == ONE_MORE) {
        return FROM_ONE + (uint32_t)wk_bytes_in_u8(in);
    }
    if (nibble == TWO_MORE) {
        return FROM_TWO + (uint32_t)wk_bytes_in_u16be(in);
    }
    wk_bytes_in_fail(in, WK_E_FORMAT);
    return 0;
}

bool wk_coap_next_option(struct wk_bytes_in *options, uint32_t *number,
                         struct wk_bytes_in *value)
{
    if (wk_bytes_in_left(options) == 0 || options->fault != WK_OK) {
        return false;
    }
    const uint8_t first = wk_bytes_in_u8(options);
    *number += read_extended(options, first >> 4);
    const uint32_t size = read_extended(options, first & 0x0f);
    const uint8_t *octets = wk_bytes_in_take(options, size);
    *value = wk_bytes_in_of(octets, octets != NULL ? size : 0);
    return options->fault == WK_OK;
}

/* Where the options end is known only by going through them. */
static void read_options(struct wk_bytes_in *in, struct wk_coap_message *message)
{
    struct wk_bytes_in value;
    uint32_t number = 0;
    const size_t begin = in->at;
    while (wk_bytes_in_left(in) > 0 && wk_bytes_in_peek(in) != MARKER &&
           wk_coap_next_option(in, &number, &value)) {
    }
    message->options = wk_bytes_in_of(in->data + begin, in->at - begin);
    if (wk_bytes_in_left(in) == 0 || in->fault != WK_OK) {
        return;
    }
    (void)wk_bytes_in_u8(in);
    const size_t size = wk_bytes_in_left(in);
    if (size == 0) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    message->payload = wk_bytes_in_of(wk_bytes_in_take(in, size), size);
}

wk_err wk_coap_read(struct wk_bytes_in datagram, struct wk_coap_message *message)
{
    struct wk_bytes_in in = datagram;
    *message = (struct wk_coap_message){.type = WK_COAP_CON};
    const uint8_t first = wk_bytes_in_u8(&in);
    const uint8_t code = wk_bytes_in_u8(&in);
    const uint16_t id = wk_bytes_in_u16be(&in);
    const uint8_t token_size = first & 0x0f;
    if (in.fault == WK_OK && first >> 6 != VERSION) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(in.fault);
    message->type = (wk_coap_type)(first >> 4 & 3);
    message->code = code;
    message->id = id;
    if (token_size > WK_COAP_TOKEN || (code == WK_COAP_EMPTY && datagram.size - in.at > 0)) {
        return WK_E_FORMAT;
    }
    message->token_size = token_size;
    wk_bytes_in_copy(&in, message->token, token_size);
    read_options(&in, message);
    return in.fault;
}

void wk_coap_write_head(struct wk_bytes_out *out, const struct wk_coap_message *head)
{
    if (head->token_size > WK_COAP_TOKEN) {
        out->fault = WK_E_ARGUMENT;
        return;
    }
    wk_bytes_out_u8(out, (uint8_t)(VERSION << 6 | head->type << 4 | head->token_size));
    wk_bytes_out_u8(out, head->code);
    wk_bytes_out_u16be(out, head->id);
    wk_bytes_out_put(out, head->token, head->token_size);
}

static uint8_t nibble_of(uint32_t number)
{
    return number < FROM_ONE ? (uint8_t)number : number < FROM_TWO ? ONE_MORE : TWO_MORE;
}

static void write_extended(struct wk_bytes_out *out, uint32_t number)
{
    if (number >= FROM_TWO) {
        wk_bytes_out_u16be(out, (uint16_t)(number - FROM_TWO));
    } else if (number >= FROM_ONE) {
        wk_bytes_out_u8(out, (uint8_t)(number - FROM_ONE));
    }
}

void wk_coap_write_option(struct wk_bytes_out *out, uint32_t *before, uint32_t number,
                          const void *value, size_t size)
{
    if (number < *before || number > UINT16_MAX || size > VALUE_MOST) {
        out->fault = WK_E_ARGUMENT;
        return;
    }
    const uint32_t delta = number - *before;
    *before = number;
    wk_bytes_out_u8(out, (uint8_t)(nibble_of(delta) << 4 | nibble_of((uint32_t)size)));
    write_extended(out, delta);
    write_extended(out, (uint32_t)size);
    wk_bytes_out_put(out, value, size);
}

void wk_coap_write_payload(struct wk_bytes_out *out, const void *payload, size_t size)
{
    if (size > 0) {
        wk_bytes_out_u8(out, MARKER);
        wk_bytes_out_put(out, payload, size);
    }
}
