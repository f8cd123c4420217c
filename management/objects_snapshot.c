/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic) with one entry that is captured when it is read. Two kinds:
 *   snapshot   the columns are attribute 3 of the text, as far as this meter has the objects;
 *              attributes 4 to 8 are those of the text
 *   scalers    the columns are the scalers and units of what another profile captures, whatever
 *              that is now. The selector is the row of that profile */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/select.h"
#include "management/objects_buffer.h"

#define COLUMNS         48
#define COLUMNS_ROOM    (3 + 18 * COLUMNS) /* octets of the capture objects of a profile */
#define CAPTURE_OBJECTS 3
#define BUFFER          2
#define VALUE           2
#define CLASS_REGISTER  3
#define CLASS_EXTENDED  4
#define CLASS_DEMAND    5
#define SCALER_UNIT     3 /* of classes 3 and 4 */
#define SCALER_UNIT_5   4 /* of class 5 */
#define LAST_AVERAGE    3 /* of class 5 */

/* What the functions of a buffer work with. */
struct desk {
    const struct wk_object_call *call;
    uint8_t count;
    struct wk_objects_column column[COLUMNS];
};

/* ---- the one entry ----------------------------------------------------------------------- */

static wk_err span(const struct wk_objects_buffer *buffer, uint64_t *oldest, uint64_t *next)
{
    (void)buffer;
    *oldest = 0;
    *next = 1;
    return WK_OK;
}

/* It is of now. */
static wk_err find(const struct wk_objects_buffer *buffer,
                   const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                   uint64_t *count)
{
    const struct desk *desk = buffer->context;
    const int64_t now_s = desk->call->now_us / 1000000;
    const bool within = selection->from.s <= now_s && now_s <= selection->to.s;
    cursor->next = 0;
    cursor->end = within ? 1 : 0;
    *count = cursor->end;
    return WK_OK;
}

/* null-data: the role may not read it, or it is not there yet. */
static wk_err put_column(const struct desk *desk, const struct wk_objects_column *column,
                         struct wk_bytes_out *out)
{
    const struct wk_object *object;
    WK_TRY(wk_objects_find_attribute(desk->call->meter, column->class_id, column->obis,
                                     column->attribute, &object));
    const wk_err err = wk_objects_put_attribute(desk->call, object, column->attribute, out);
    if (err == WK_E_NOT_FOUND) { /* a part that this meter is without */
        wk_axdr_put_null(out);
        return WK_OK;
    }
    return err == WK_E_FULL ? WK_OK : err; /* the entry is as a whole too long for this piece */
}

static wk_err put_entry(const struct wk_objects_buffer *buffer, uint64_t number, uint8_t first,
                        uint8_t end, struct wk_bytes_out *out)
{
    const struct desk *desk = buffer->context;
    (void)number;
    for (uint8_t i = first; i < end && out->fault == WK_OK; i++) {
        WK_TRY(put_column(desk, &desk->column[i], out));
    }
    return WK_OK;
}

static wk_err get(struct desk *desk, uint8_t attribute,
                  const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                  struct wk_bytes_out *out)
{
    const struct wk_objects_buffer buffer = {
        .rooms = desk->call->meter,
        .columns = desk->column,
        .rows = desk->count,
        .capacity = 1,
        .context = desk,
        .span = span,
        .find = find,
        .put = put_entry,
    };
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

/* ---- columns ----------------------------------------------------------------------------- */

static bool has(const struct desk *desk, const struct wk_objects_column *column)
{
    for (uint8_t i = 0; i < desk->count; i++) {
        if (desk->column[i].class_id == column->class_id &&
            desk->column[i].attribute == column->attribute &&
            memcmp(desk->column[i].obis, column->obis, sizeof column->obis) == 0) {
            return true;
        }
    }
    return false;
}

/* Which attribute has the scaler and unit of a captured one. 0: it has none. */
static uint8_t scaler_of(const struct wk_select_column *column)
{
    switch (column->class_id) {
    case CLASS_REGISTER:
    case CLASS_EXTENDED:
        return column->attribute == VALUE ? SCALER_UNIT : 0;
    case CLASS_DEMAND:
        return column->attribute == VALUE || column->attribute == LAST_AVERAGE ? SCALER_UNIT_5
                                                                               : 0;
    default:
        return 0;
    }
}

/* Adds what this meter has of the capture objects of `functions`, or their scalers and units. */
static wk_err add_columns(struct desk *desk, const struct wk_object_class *functions,
                          const struct wk_object_call *of, bool scalers)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    uint8_t room[COLUMNS_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_object_cursor cursor = {0};
    WK_TRY(functions->get(of, CAPTURE_OBJECTS, &k_all, &cursor, &out));
    WK_TRY(out.fault);
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < count && desk->count < COLUMNS; i++) {
        struct wk_select_column captured;
        const struct wk_object *object;
        wk_select_read_column(&in, &captured);
        WK_TRY(in.fault);
        struct wk_objects_column column = {
            .class_id = captured.class_id,
            .phases = 1,
            .attribute = scalers ? scaler_of(&captured) : (uint8_t)captured.attribute,
        };
        memcpy(column.obis, captured.obis, sizeof column.obis);
        if (column.attribute != 0 && !has(desk, &column) &&
            wk_objects_find_attribute(desk->call->meter, column.class_id, column.obis,
                                      column.attribute, &object) == WK_OK) {
            desk->column[desk->count++] = column;
        }
    }
    return WK_OK;
}

/* ---- the classes ------------------------------------------------------------------------- */

static wk_err snapshot_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    struct desk desk = {.call = call};
    if (attribute != BUFFER && attribute != CAPTURE_OBJECTS) {
        return wk_objects_setup.get(call, attribute, selection, cursor, out);
    }
    WK_TRY(add_columns(&desk, &wk_objects_setup, call, false));
    return get(&desk, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_snapshot = {.get = snapshot_get};

static wk_err scalers_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    struct desk desk = {.call = call};
    struct wk_object_call of = *call;
    const struct wk_object_table table = wk_objects_table(call->meter);
    of.object = &table.rows[call->object->selector];
    WK_TRY(add_columns(&desk, of.object->access->functions, &of, true));
    return get(&desk, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_scalers = {.get = scalers_get};
