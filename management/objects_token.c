/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 115 (token gateway). `enter` succeeds when the token was received and looked at, and
 * returns token_status: what came of it. The description of an executed token is its identifier
 * and its amount in 10^-6 currency units, most significant octet first. */
#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/payment.h"

#define BITS_WHY 8

static void put_status(struct wk_bytes_out *out, const struct wk_token_gateway *gateway)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_enum(out, gateway->status);
    wk_payment_put_bits(out, gateway->why, BITS_WHY);
}

static void put_description(struct wk_bytes_out *out, const struct wk_token_gateway *gateway)
{
    uint8_t id[4];
    uint8_t amount[8];
    struct wk_bytes_out first = wk_bytes_out_of(id, sizeof id);
    struct wk_bytes_out second = wk_bytes_out_of(amount, sizeof amount);
    if (gateway->token.id == 0) {
        wk_axdr_put_array(out, 0);
        return;
    }
    wk_bytes_out_u32be(&first, gateway->token.id);
    wk_bytes_out_u64be(&second, (uint64_t)gateway->token.amount_e6);
    wk_axdr_put_array(out, 2);
    wk_axdr_put_octet_string(out, id, sizeof id);
    wk_axdr_put_octet_string(out, amount, sizeof amount);
}

static wk_err token_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_token_gateway *gateway = &rooms->payment->gateway;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        wk_axdr_put_octet_string(out, gateway->octets, gateway->size);
        return WK_OK;
    case 3:
        wk_payment_put_time(rooms, out, gateway->time_s);
        return WK_OK;
    case 4:
        put_description(out, gateway);
        return WK_OK;
    case 5:
        wk_axdr_put_enum(out, gateway->delivery);
        return WK_OK;
    case 6:
        put_status(out, gateway);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err token_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    size_t size = 0;
    const uint8_t *octets = wk_axdr_read_octets(parameter, &size);
    (void)method;
    WK_TRY(wk_bytes_in_end(parameter));
    const bool remote = call->role == WK_ROLE_MANAGEMENT;
    wk_payment_enter(rooms, call->now_us, remote ? WK_TOKEN_REMOTE : WK_TOKEN_LOCAL, octets,
                     size);
    put_status(reply, &rooms->payment->gateway);
    return WK_OK;
}

static wk_err token_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    (void)call;
    (void)attribute;
    (void)value;
    return WK_E_UNSUPPORTED;
}

const struct wk_object_class wk_objects_token = {
    .get = token_get, .set = token_set, .action = token_action};
