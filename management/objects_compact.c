/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 62 (compact data, version 1): the values of its capture objects in one octet string without
 * their types, which the template describes once. Columns, template number and capture method
 * are parameters of management/setup; the buffer is made when it is read (capture method 1). */
#include "management/objects.h"

#include "cosem/axdr.h"
#include "cosem/compact.h"

#define COLUMNS    8
#define VALUE_ROOM 256 /* of one value, and of the whole buffer */

enum { BUFFER = 2, CAPTURE_OBJECTS = 3, TEMPLATE = 4, DESCRIPTION = 5 };

static wk_err read_own(const struct wk_object_call *call, uint8_t attribute,
                       struct wk_bytes_out *out)
{
    struct wk_object_cursor cursor = {0};
    return wk_objects_setup.get(call, attribute, NULL, &cursor, out);
}

/* ---- columns ----------------------------------------------------------------------------- */

struct column {
    const struct wk_object *object;
    uint8_t attribute;
};

static wk_err read_column(const struct wk_object_call *call, struct wk_bytes_in *in,
                          struct column *column)
{
    const struct wk_rooms *rooms = call->meter;
    uint8_t obis[6];
    (void)wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const int64_t class_id = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, obis, sizeof obis);
    const int64_t attribute = wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    const int64_t index = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(in->fault);
    column->attribute = (uint8_t)attribute;
    return index != 0 ? WK_E_RANGE
                      : wk_objects_find_attribute(rooms, (uint16_t)class_id, obis, attribute,
                                                  &column->object);
}

/* ---- buffer and description --------------------------------------------------------------- */

/* One value, as its type or without it. */
static wk_err put_column(const struct wk_object_call *call, const struct column *column,
                         bool describe, struct wk_bytes_out *out)
{
    uint8_t value[VALUE_ROOM];
    uint8_t type[VALUE_ROOM];
    struct wk_bytes_out raw = wk_bytes_out_of(value, sizeof value);
    struct wk_bytes_out described = wk_bytes_out_of(type, sizeof type);
    WK_TRY(wk_objects_put_attribute(call, column->object, column->attribute, &raw));
    struct wk_bytes_in in = wk_bytes_in_of(value, raw.size);
    if (describe) {
        return wk_compact_describe(&in, out);
    }
    WK_TRY(wk_compact_describe(&in, &described));
    in = wk_bytes_in_of(value, raw.size);
    return wk_compact_strip(wk_bytes_in_of(type, described.size), &in, out);
}

/* The template's number, and then each column. */
static wk_err put_columns(const struct wk_object_call *call, bool describe,
                          struct wk_bytes_out *out)
{
    uint8_t own[VALUE_ROOM];
    struct wk_bytes_out columns = wk_bytes_out_of(own, sizeof own);
    WK_TRY(read_own(call, TEMPLATE, &columns));
    struct wk_bytes_in in = wk_bytes_in_of(own, columns.size);
    wk_bytes_out_u8(out, (uint8_t)wk_axdr_read_integer(&in, WK_AXDR_UNSIGNED));
    columns = wk_bytes_out_of(own, sizeof own);
    WK_TRY(read_own(call, CAPTURE_OBJECTS, &columns));
    in = wk_bytes_in_of(own, columns.size);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    if (describe) {
        wk_bytes_out_u8(out, WK_AXDR_STRUCTURE);
        wk_bytes_out_u8(out, (uint8_t)count);
    }
    for (uint32_t i = 0; i < count && i < COLUMNS; i++) {
        struct column column;
        WK_TRY(read_column(call, &in, &column));
        WK_TRY(put_column(call, &column, describe, out));
    }
    return out->fault;
}

/* ---- class 62 ---------------------------------------------------------------------------- */

static wk_err compact_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    uint8_t octets[VALUE_ROOM];
    struct wk_bytes_out made = wk_bytes_out_of(octets, sizeof octets);
    if (attribute != BUFFER && attribute != DESCRIPTION) {
        return wk_objects_setup.get(call, attribute, selection, cursor, out);
    }
    const wk_err err = put_columns(call, attribute == DESCRIPTION, &made);
    if (err != WK_OK) {
        return err == WK_E_FULL ? WK_E_STATE : err; /* its values are too long together */
    }
    wk_axdr_put_octet_string(out, octets, made.size);
    return WK_OK;
}

static wk_err compact_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_bytes_in columns = *value;
    if (attribute == BUFFER || attribute == DESCRIPTION) {
        return WK_E_UNSUPPORTED;
    }
    if (attribute == CAPTURE_OBJECTS) {
        const uint32_t count = wk_axdr_read_count(&columns, WK_AXDR_ARRAY);
        for (uint32_t i = 0; i < count && columns.fault == WK_OK; i++) {
            struct column column;
            WK_TRY(read_column(call, &columns, &column));
        }
        WK_TRY(columns.fault);
    }
    return wk_objects_setup.set(call, attribute, value);
}

const struct wk_object_class wk_objects_compact = {.get = compact_get, .set = compact_set};
