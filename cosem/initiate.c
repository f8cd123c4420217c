/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/initiate.h"

#include "cosem/apdu.h"
#include "cosem/axdr.h"

/* Conformance ::= [APPLICATION 31] IMPLICIT BIT STRING (SIZE(24)), BER-encoded inside A-XDR:
 * 5F 1F, length 4, no unused bits, three octets. */
static void put_conformance(struct wk_bytes_out *out, uint32_t conformance)
{
    wk_bytes_out_u16be(out, 0x5F1F);
    wk_bytes_out_u16be(out, 0x0400);
    wk_bytes_out_u8(out, (uint8_t)(conformance >> 16));
    wk_bytes_out_u16be(out, (uint16_t)conformance);
}

static uint32_t read_conformance(struct wk_bytes_in *in)
{
    /* Old clients leave the second octet of the tag out. */
    if (wk_bytes_in_u8(in) != 0x5F) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (wk_bytes_in_peek(in) == 0x1F) {
        (void)wk_bytes_in_u8(in);
    }
    if (wk_bytes_in_u16be(in) != 0x0400) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const uint32_t top = wk_bytes_in_u8(in);
    return top << 16 | wk_bytes_in_u16be(in);
}

void wk_initiate_put_request(struct wk_bytes_out *out,
                             const struct wk_initiate_request *request)
{
    wk_bytes_out_u8(out, WK_APDU_INITIATE_REQUEST);
    wk_bytes_out_u8(out, request->dedicated_key_size > 0 ? 1 : 0);
    if (request->dedicated_key_size > 0) {
        wk_axdr_put_length(out, request->dedicated_key_size);
        wk_bytes_out_put(out, request->dedicated_key, request->dedicated_key_size);
    }
    if (request->response_allowed) {
        wk_bytes_out_u8(out, 0); /* the DEFAULT */
    } else {
        wk_bytes_out_u16be(out, 0x0100);
    }
    wk_bytes_out_u8(out, 0); /* no proposed-quality-of-service */
    wk_bytes_out_u8(out, request->dlms_version);
    put_conformance(out, request->conformance);
    wk_bytes_out_u16be(out, request->max_pdu);
}

static void read_dedicated_key(struct wk_bytes_in *in, struct wk_initiate_request *request)
{
    const uint32_t size = wk_axdr_read_length(in);
    if (size == 0 || size > WK_INITIATE_KEY_SIZE) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    request->dedicated_key_size = (uint8_t)size;
    wk_bytes_in_copy(in, request->dedicated_key, size);
}

wk_err wk_initiate_read_request(struct wk_bytes_in *in, struct wk_initiate_request *request)
{
    *request = (struct wk_initiate_request){.response_allowed = true};
    if (wk_bytes_in_u8(in) != WK_APDU_INITIATE_REQUEST) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (wk_bytes_in_u8(in) != 0) {
        read_dedicated_key(in, request);
    }
    if (wk_bytes_in_u8(in) != 0) {
        request->response_allowed = wk_bytes_in_u8(in) != 0;
    }
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_bytes_in_u8(in); /* quality of service: no network of ours has any */
    }
    request->dlms_version = wk_bytes_in_u8(in);
    request->conformance = read_conformance(in);
    request->max_pdu = wk_bytes_in_u16be(in);
    return wk_bytes_in_end(in);
}

void wk_initiate_put_response(struct wk_bytes_out *out,
                              const struct wk_initiate_response *response)
{
    wk_bytes_out_u8(out, WK_APDU_INITIATE_RESPONSE);
    wk_bytes_out_u8(out, 0); /* no negotiated-quality-of-service */
    wk_bytes_out_u8(out, response->dlms_version);
    put_conformance(out, response->conformance);
    wk_bytes_out_u16be(out, response->max_pdu);
    wk_bytes_out_u16be(out, response->vaa_name);
}

/* ConfirmedServiceError: [1] initiateError, ServiceError: [6] initiate. */
void wk_initiate_put_error(struct wk_bytes_out *out, wk_initiate_error error)
{
    wk_bytes_out_u8(out, WK_APDU_CONFIRMED_SERVICE_ERROR);
    wk_bytes_out_u16be(out, 0x0106);
    wk_bytes_out_u8(out, (uint8_t)error);
}

wk_err wk_initiate_read_response(struct wk_bytes_in *in, struct wk_initiate_response *response,
                                 uint8_t *error)
{
    *response = (struct wk_initiate_response){0};
    *error = WK_INITIATE_OTHER;
    const uint8_t tag = wk_bytes_in_u8(in);
    if (tag == WK_APDU_CONFIRMED_SERVICE_ERROR) {
        (void)wk_bytes_in_u16be(in);
        *error = wk_bytes_in_u8(in);
        WK_TRY(wk_bytes_in_end(in));
        return WK_E_REFUSED;
    }
    if (tag != WK_APDU_INITIATE_RESPONSE) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (wk_bytes_in_u8(in) != 0) {
        (void)wk_bytes_in_u8(in);
    }
    response->dlms_version = wk_bytes_in_u8(in);
    response->conformance = read_conformance(in);
    response->max_pdu = wk_bytes_in_u16be(in);
    response->vaa_name = wk_bytes_in_u16be(in);
    return wk_bytes_in_end(in);
}
