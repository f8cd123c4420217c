/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dlms_meter.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/select.h"

/* DLMS unit codes */
#define UNIT_WH 30
#define UNIT_V  35

/* ---- data -------------------------------------------------------------------------------- */

enum { DATA_NAME, DATA_SERIAL, DATA_COUNTER, DATA_NOTE };

static wk_err data_get(const struct wk_object_call *call, uint8_t attribute,
                       const struct wk_object_selection *selection,
                       struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_dlms_meter *meter = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    switch (call->object->selector) {
    case DATA_NAME:
        wk_axdr_put_octet_string(out, "WKP0000000000001", 16);
        break;
    case DATA_SERIAL:
        wk_axdr_put_octet_string(out, "WK-TEST-1", 9);
        break;
    case DATA_COUNTER:
        wk_axdr_put_double_long_unsigned(out,
                                         meter->security->setup[0].counter[WK_SHIELD_UNICAST]);
        break;
    default:
        wk_axdr_put_octet_string(out, meter->note, meter->note_size);
        break;
    }
    return out->fault;
}

static wk_err data_set(const struct wk_object_call *call, uint8_t attribute,
                       struct wk_bytes_in *value)
{
    struct wk_dlms_meter *meter = call->meter;
    size_t size;
    (void)attribute;
    const uint8_t *octets = wk_axdr_read_octets(value, &size);
    WK_TRY(wk_bytes_in_end(value));
    if (size > sizeof meter->note) {
        return WK_E_RANGE;
    }
    memcpy(meter->note, octets, size);
    meter->note_size = size;
    meter->changes++;
    return WK_OK;
}

static const struct wk_object_class k_data = {.get = data_get, .set = data_set};

/* ---- clock ------------------------------------------------------------------------------- */

static wk_err clock_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    struct wk_datetime now;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        WK_TRY(wk_datetime_of_utc(&wk_zone_central_europe,
                                  (struct wk_utc){call->now_us / 1000000}, 0, &now));
        wk_datetime_put_axdr(out, &now);
        break;
    case 3:
        wk_axdr_put_long(out, -60);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return out->fault;
}

static const struct wk_object_class k_clock = {.get = clock_get};

/* ---- registers --------------------------------------------------------------------------- */

int64_t wk_dlms_meter_import_uwh(uint32_t entry)
{
    return INT64_C(123456789012) + (int64_t)entry * INT64_C(250000001);
}

int64_t wk_dlms_meter_t1_uwh(uint32_t entry)
{
    return INT64_C(1000000) + (int64_t)entry * INT64_C(100000003);
}

enum { REGISTER_IMPORT, REGISTER_T1, REGISTER_U1 };

static wk_err register_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const bool voltage = call->object->selector == REGISTER_U1;
    const uint32_t last = WK_DLMS_METER_ENTRIES - 1;
    (void)selection;
    (void)cursor;
    if (attribute == 3) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_integer(out, voltage ? -3 : -6);
        wk_axdr_put_enum(out, voltage ? UNIT_V : UNIT_WH);
    } else if (voltage) {
        wk_axdr_put_double_long_unsigned(out, 230123);
    } else {
        const bool total = call->object->selector == REGISTER_IMPORT;
        wk_axdr_put_long64(out,
                           total ? wk_dlms_meter_import_uwh(last) : wk_dlms_meter_t1_uwh(last));
    }
    return out->fault;
}

static const struct wk_object_class k_register = {.get = register_get};

/* ---- profile ----------------------------------------------------------------------------- */

static const struct wk_select_column k_columns[WK_DLMS_METER_COLUMNS] = {
    {8, {0, 0, 1, 0, 0, 255}, 2, 0},
    {1, {0, 0, 96, 10, 1, 255}, 2, 0},
    {3, {1, 0, 1, 8, 0, 255}, 2, 0},
    {3, {1, 0, 1, 8, 1, 255}, 2, 0},
};

static void put_column(struct wk_bytes_out *out, uint32_t entry, uint16_t column)
{
    struct wk_datetime end;
    const struct wk_utc utc = {WK_DLMS_METER_START_S + (int64_t)entry * WK_DLMS_METER_SPAN_S};
    switch (column) {
    case 1:
        if (wk_datetime_of_utc(&wk_zone_central_europe, utc, 0, &end) == WK_OK) {
            wk_datetime_put_axdr(out, &end);
        }
        break;
    case 2:
        wk_axdr_put_unsigned(out, (uint8_t)(entry % 7 == 0 ? 0x80 : 0));
        break;
    case 3:
        wk_axdr_put_long64(out, wk_dlms_meter_import_uwh(entry));
        break;
    default:
        wk_axdr_put_long64(out, wk_dlms_meter_t1_uwh(entry));
        break;
    }
}

/* The entries selected: [*first, *end). */
static void span(const struct wk_object_selection *selection, uint64_t *first, uint64_t *end)
{
    *first = 0;
    *end = WK_DLMS_METER_ENTRIES;
    if (selection->kind == WK_OBJECT_SELECT_ENTRY) {
        const uint64_t last = selection->entry_last == 0 ? *end : selection->entry_last;
        *first = selection->entry_first - 1;
        *end = last < *end ? last : *end;
    }
    while (selection->kind == WK_OBJECT_SELECT_RANGE && *first < *end &&
           WK_DLMS_METER_START_S + (int64_t)*first * WK_DLMS_METER_SPAN_S < selection->from.s) {
        (*first)++;
    }
    while (selection->kind == WK_OBJECT_SELECT_RANGE && *end > *first &&
           WK_DLMS_METER_START_S + (int64_t)(*end - 1) * WK_DLMS_METER_SPAN_S >
               selection->to.s) {
        (*end)--;
    }
    *first = *first < *end ? *first : *end;
}

static wk_err get_buffer(const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const uint16_t first = selection->column_first;
    const uint16_t last =
        selection->column_last == 0 ? WK_DLMS_METER_COLUMNS : selection->column_last;
    if (selection->kind == WK_OBJECT_SELECT_VALUES) {
        return WK_E_UNSUPPORTED; /* a class may leave that out; management/objects_buffer has it */
    }
    if (last > WK_DLMS_METER_COLUMNS) {
        return WK_E_RANGE;
    }
    if (!cursor->started) {
        span(selection, &cursor->next, &cursor->end);
        wk_axdr_put_array(out, (uint32_t)(cursor->end - cursor->next));
        WK_TRY(out->fault);
        cursor->started = true;
    }
    for (; cursor->next < cursor->end; cursor->next++) {
        const struct wk_bytes_out before = *out;
        wk_axdr_put_structure(out, (uint32_t)(last - first + 1));
        for (uint16_t column = first; column <= last; column++) {
            put_column(out, (uint32_t)cursor->next, column);
        }
        if (out->fault != WK_OK) {
            *out = before;
            cursor->more = true;
            return out->size > 0 ? WK_OK : WK_E_FULL;
        }
    }
    return WK_OK;
}

static wk_err profile_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    (void)call;
    switch (attribute) {
    case 2:
        return get_buffer(selection, cursor, out);
    case 3:
        wk_axdr_put_array(out, WK_DLMS_METER_COLUMNS);
        for (size_t i = 0; i < WK_DLMS_METER_COLUMNS; i++) {
            wk_select_put_column(out, &k_columns[i]);
        }
        break;
    case 4:
        wk_axdr_put_double_long_unsigned(out, WK_DLMS_METER_SPAN_S);
        break;
    case 5:
        wk_axdr_put_enum(out, 1); /* first in, first out */
        break;
    case 6:
        wk_select_put_column(out, &k_columns[0]);
        break;
    default:
        wk_axdr_put_double_long_unsigned(out, WK_DLMS_METER_ENTRIES);
        break;
    }
    return out->fault;
}

static const struct wk_object_class k_profile = {.get = profile_get};

/* ---- disconnect control ------------------------------------------------------------------ */

static wk_err supply_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_dlms_meter *meter = call->meter;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        wk_axdr_put_boolean(out, meter->closed);
        break;
    case 3:
        wk_axdr_put_enum(out, meter->closed ? 1 : 0);
        break;
    default:
        wk_axdr_put_enum(out, 4);
        break;
    }
    return out->fault;
}

static wk_err supply_action(const struct wk_object_call *call, uint8_t method,
                            struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_dlms_meter *meter = call->meter;
    const int64_t zero = wk_axdr_read_integer(parameter, WK_AXDR_INTEGER);
    (void)reply;
    WK_TRY(wk_bytes_in_end(parameter));
    if (zero != 0) {
        return WK_E_RANGE;
    }
    meter->closed = method == 2;
    meter->changes++;
    return WK_OK;
}

static const struct wk_object_class k_supply = {.get = supply_get, .action = supply_action};

/* ---- array manager: methods that take and return much ------------------------------------ */

enum { ARRAY_COUNT = 1, ARRAY_RETRIEVE = 2, ARRAY_INSERT = 3 };

static wk_err retrieve(struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const int64_t size = wk_axdr_read_integer(parameter, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(parameter));
    wk_bytes_out_u8(reply, WK_AXDR_OCTET_STRING);
    wk_axdr_put_length(reply, (uint32_t)size);
    for (int64_t i = 0; i < size; i++) {
        wk_bytes_out_u8(reply, (uint8_t)(i * 3));
    }
    return WK_OK;
}

static wk_err array_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_dlms_meter *meter = call->meter;
    switch (method) {
    case ARRAY_COUNT:
        WK_TRY(wk_bytes_in_end(parameter));
        wk_axdr_put_long_unsigned(reply, (uint16_t)meter->note_size);
        return WK_OK;
    case ARRAY_RETRIEVE:
        return retrieve(parameter, reply);
    default:
        return data_set(call, 2, parameter);
    }
}

static const struct wk_object_class k_array = {.action = array_action};

/* ---- the table --------------------------------------------------------------------------- */

#define NONE                                                                                   \
    {                                                                                          \
        0, 0, 0                                                                                \
    }
#define GET(mask)                                                                              \
    {                                                                                          \
        mask, 0, 0                                                                             \
    }

/* What the public client, the reader and management may do, and what does it. */
#define ACCESS(functions, ...)                                                                 \
    &(const struct wk_object_access)                                                           \
    {                                                                                          \
        (const struct wk_object_rights[WK_ROLE_COUNT]){__VA_ARGS__}, functions                 \
    }

static const struct wk_object k_rows[] = {
    {15,
     3,
     {0, 0, 40, 0, 0, 255},
     11,
     6,
     0,
     ACCESS(NULL, GET(0x7BF), GET(0x7BF), {0x7BF, 0, 2})},
    {15, 3, {0, 0, 40, 0, 1, 255}, 11, 6, 3, ACCESS(NULL, NONE, NONE, GET(0x7BF))},
    {15, 3, {0, 0, 40, 0, 2, 255}, 11, 6, 2, ACCESS(NULL, NONE, GET(0x7BF), {0x7BF, 0x40, 0})},
    {15, 3, {0, 0, 40, 0, 3, 255}, 11, 6, 1, ACCESS(NULL, GET(0x7BF), NONE, GET(0x7BF))},
    {64, 1, {0, 0, 43, 0, 0, 255}, 6, 8, 0, ACCESS(NULL, NONE, NONE, {0x3F, 0, 0xFF})},
    {64, 1, {0, 0, 43, 0, 1, 255}, 6, 8, 1, ACCESS(NULL, NONE, NONE, {0x3F, 0, 0xFF})},
    {1, 0, {0, 0, 42, 0, 0, 255}, 2, 0, DATA_NAME, ACCESS(&k_data, GET(3), GET(3), GET(3))},
    {1, 0, {0, 0, 43, 1, 0, 255}, 2, 0, DATA_COUNTER, ACCESS(&k_data, GET(3), GET(3), GET(3))},
    {8, 0, {0, 0, 1, 0, 0, 255}, 9, 6, 0, ACCESS(&k_clock, GET(7), GET(7), GET(7))},
    {1, 0, {0, 0, 96, 1, 0, 255}, 2, 0, DATA_SERIAL, ACCESS(&k_data, NONE, GET(3), GET(3))},
    {1, 0, {0, 0, 96, 1, 9, 255}, 2, 0, DATA_NOTE, ACCESS(&k_data, NONE, GET(3), {3, 2, 0})},
    {3,
     0,
     {1, 0, 1, 8, 0, 255},
     3,
     1,
     REGISTER_IMPORT,
     ACCESS(&k_register, NONE, GET(7), GET(7))},
    {3, 0, {1, 0, 1, 8, 1, 255}, 3, 1, REGISTER_T1, ACCESS(&k_register, NONE, GET(7), GET(7))},
    {3, 0, {1, 0, 32, 7, 0, 255}, 3, 1, REGISTER_U1, ACCESS(&k_register, NONE, GET(7), GET(7))},
    {7, 1, {1, 0, 99, 1, 0, 255}, 8, 2, 0, ACCESS(&k_profile, NONE, GET(0xFF), GET(0xFF))},
    {70, 0, {0, 0, 96, 3, 10, 255}, 4, 2, 0, ACCESS(&k_supply, NONE, GET(0xF), {0xF, 0, 3})},
    {123, 0, {0, 0, 18, 0, 0, 255}, 3, 5, 0, ACCESS(&k_array, NONE, NONE, {1, 0, 7})},
};

struct wk_object_table wk_dlms_meter_table(struct wk_dlms_meter *meter)
{
    return (struct wk_object_table){
        .rows = k_rows,
        .count = sizeof k_rows / sizeof k_rows[0],
        .meter = meter,
    };
}

void wk_dlms_meter_secure(struct wk_session_security *security)
{
    static const uint8_t k_title[WK_CIPHER_TITLE] = {'W', 'K', 'P', 0, 0, 0, 0, 1};
    *security = (struct wk_session_security){
        .setup[0].keys =
            {
                .ek = {.octets = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                  0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F},
                       .size = 16},
                .ak = {.octets = {0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9,
                                  0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF},
                       .size = 16},
            },
        .password[WK_ROLE_READER] = {.octets = {'W', 'a', 't', 't', 'k', 'e', 'e', 'p', 'e',
                                                'r'},
                                     .size = 10},
        .server_next = 1,
        .server_reserved = UINT32_C(1) << 30,
    };
    memcpy(security->title, k_title, sizeof k_title);
}
