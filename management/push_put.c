/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/axdr.h"
#include "management/push_part.h"

#define OBJECT_OCTETS 32 /* at least one object */
#define VALUE         (4 + WK_PUSH_OBJECTS * OBJECT_OCTETS)

static void put_objects(struct wk_bytes_out *out, const struct wk_select_column *objects,
                        uint8_t count)
{
    wk_axdr_put_array(out, count);
    for (uint8_t i = 0; i < count; i++) {
        wk_select_put_column(out, &objects[i]);
    }
}

static void put_windows(struct wk_bytes_out *out, const struct wk_push_setup *setup)
{
    wk_axdr_put_array(out, setup->window_count);
    for (uint8_t i = 0; i < setup->window_count; i++) {
        wk_axdr_put_structure(out, 2);
        wk_datetime_put_axdr(out, &setup->windows[i].begin);
        wk_datetime_put_axdr(out, &setup->windows[i].end);
    }
}

static void put_value(struct wk_bytes_out *out, const struct wk_push_setup *setup,
                      uint8_t attribute)
{
    switch (attribute) {
    case WK_PUSH_SEND_TO:
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_enum(out, setup->service);
        wk_axdr_put_octet_string(out, setup->destination, setup->destination_size);
        wk_axdr_put_enum(out, setup->message);
        break;
    case WK_PUSH_WHEN:
        put_windows(out, setup);
        break;
    case WK_PUSH_RANDOMISATION:
        wk_axdr_put_long_unsigned(out, setup->random_s);
        break;
    case WK_PUSH_RETRIES:
        wk_axdr_put_unsigned(out, setup->retries);
        break;
    case WK_PUSH_REPETITION:
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_long_unsigned(out, setup->delay_least_s);
        wk_axdr_put_long_unsigned(out, setup->delay_exponent);
        wk_axdr_put_long_unsigned(out, setup->delay_most_s);
        break;
    case WK_PUSH_CLIENT_SAP:
        wk_axdr_put_integer(out, setup->client_sap);
        break;
    case WK_PUSH_PROTECT:
        wk_axdr_put_array(out, setup->protect ? 1 : 0);
        if (setup->protect) {
            wk_axdr_put_null(out); /* how it is done is the meter's */
        }
        break;
    case WK_PUSH_METHOD:
        wk_axdr_put_enum(out, setup->method);
        break;
    default:
        break;
    }
}

static wk_err store(struct wk_push *push, uint8_t number, uint8_t attribute,
                    const struct wk_bytes_out *value)
{
    struct wk_bytes_in in = wk_bytes_in_of(value->data, value->size);
    WK_TRY(value->fault);
    return wk_push_store(push, number, attribute, &in);
}

wk_err wk_push_put(struct wk_push *push, uint8_t number, const struct wk_push_setup *setup,
                   const struct wk_select_column *objects, uint8_t count)
{
    uint8_t room[VALUE];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    if (number >= WK_PUSH_SETUPS) {
        return WK_E_ARGUMENT;
    }
    put_objects(&out, objects, count);
    WK_TRY(store(push, number, WK_PUSH_OBJECT_LIST, &out));
    for (int i = WK_PUSH_SEND_TO; i <= WK_PUSH_METHOD; i++) {
        out = wk_bytes_out_of(room, sizeof room);
        put_value(&out, setup, (uint8_t)i);
        if (out.size > 0) {
            WK_TRY(store(push, number, (uint8_t)i, &out));
        }
    }
    return WK_OK;
}
