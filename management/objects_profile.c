/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic): the profiles whose capture objects and period a client may set. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/select.h"
#include "management/objects_buffer.h"
#include "management/objects_capture.h"

#define OCTETS_OF_VALUE 5 /* a row takes on the device, about: for the capacity */
#define CAPTURE_OBJECTS 3
#define CAPTURE_PERIOD  4
#define RESET           1

/* What the functions of a buffer work with. */
struct desk {
    const struct wk_profile *profile;
    struct wk_profile_range range; /* of the selection; all of time if it is none */
    struct wk_profile_reader reader;
    struct wk_profile_row row; /* the one read last */
    bool has_row;
    struct wk_objects_capture capture[WK_PROFILE_COLUMNS];
    struct wk_objects_column column[WK_PROFILE_COLUMNS];
};

/* ---- reading ----------------------------------------------------------------------------- */

static wk_err span(const struct wk_objects_buffer *buffer, uint64_t *oldest, uint64_t *next)
{
    const struct desk *desk = buffer->context;
    return wk_profile_span(desk->profile, &buffer->rooms->store, oldest, next);
}

static wk_err find(const struct wk_objects_buffer *buffer,
                   const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                   uint64_t *count)
{
    const struct desk *desk = buffer->context;
    struct wk_profile_found found;
    (void)selection;
    WK_TRY(wk_profile_find(desk->profile, &buffer->rooms->store, &desk->range, &found));
    cursor->next = found.first;
    cursor->end = found.next;
    *count = found.count;
    return WK_OK;
}

static wk_err skip(const struct wk_objects_buffer *buffer,
                   const struct wk_object_selection *selection, uint64_t *number)
{
    const struct desk *desk = buffer->context;
    (void)selection;
    return wk_profile_skip(desk->profile, &buffer->rooms->store, &desk->range, number);
}

static wk_err put_entry(const struct wk_objects_buffer *buffer, uint64_t number, uint8_t first,
                        uint8_t end, struct wk_bytes_out *out)
{
    struct desk *desk = buffer->context;
    const struct wk_profile_row *row = &desk->row;
    if (!desk->has_row || desk->reader.number != number + 1) { /* not the same once more */
        if (desk->reader.number != number) {
            desk->reader.number = number;
            desk->reader.placed = false;
        }
        desk->has_row = false;
        WK_TRY(
            wk_profile_read(desk->profile, &buffer->rooms->store, &desk->reader, &desk->row));
        desk->has_row = true;
    }
    if (row->end.s < desk->range.from.s || row->end.s > desk->range.to.s) {
        return WK_E_NOT_FOUND;
    }
    for (uint8_t column = first; column < end; column++) {
        wk_objects_capture_put(buffer->rooms, &desk->capture[column], row, column, out);
    }
    return WK_OK;
}

static void set_out(struct desk *desk, const struct wk_rooms *rooms,
                    const struct wk_profile *profile,
                    const struct wk_object_selection *selection)
{
    static const struct wk_profile_range k_always = {{INT64_MIN}, {INT64_MAX}};
    memset(desk, 0, sizeof *desk);
    desk->profile = profile;
    desk->range = selection->kind == WK_OBJECT_SELECT_RANGE
                      ? (struct wk_profile_range){selection->from, selection->to}
                      : k_always;
    for (uint8_t i = 0; i < profile->rules.count; i++) {
        const struct wk_profile_column *column = &profile->rules.column[i];
        desk->column[i] = (struct wk_objects_column){
            .class_id = column->class_id, .phases = 1, .attribute = column->attribute};
        memcpy(desk->column[i].obis, column->obis, sizeof column->obis);
        /* A column this meter does not have (any more) reads as null-data. */
        if (wk_objects_capture_find(rooms->identity.phases, column, &desk->capture[i]) !=
            WK_OK) {
            desk->capture[i].kind = WK_OBJECTS_CAPTURE_NONE;
        }
    }
}

static wk_err profile_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    struct wk_rooms *rooms = call->meter;
    const uint8_t number = (uint8_t)call->object->selector;
    struct desk desk;
    if (!wk_rooms_has_profile(rooms, number)) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_profile *profile = wk_rooms_profile(rooms, number);
    set_out(&desk, rooms, profile, selection);
    const struct wk_objects_buffer buffer = {
        .rooms = rooms,
        .columns = desk.column,
        .rows = profile->rules.count,
        .log = profile->log,
        .period_s = profile->rules.period_s,
        .capacity = wk_objects_buffer_capacity(&rooms->store, profile->log,
                                               profile->rules.count * OCTETS_OF_VALUE),
        .context = &desk,
        .span = span,
        .find = find,
        .skip = skip,
        .put = put_entry,
    };
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

/* ---- setting ----------------------------------------------------------------------------- */

static wk_err read_columns(struct wk_bytes_in *value, struct wk_profile_rules *rules)
{
    const uint32_t count = wk_axdr_read_count(value, WK_AXDR_ARRAY);
    WK_TRY(value->fault);
    if (count == 0 || count > WK_PROFILE_COLUMNS) {
        return WK_E_RANGE;
    }
    rules->count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct wk_select_column column;
        wk_select_read_column(value, &column);
        WK_TRY(value->fault);
        if (column.data_index != 0 || column.attribute < 0) {
            return WK_E_RANGE;
        }
        rules->column[i].class_id = column.class_id;
        rules->column[i].attribute = (uint8_t)column.attribute;
        memcpy(rules->column[i].obis, column.obis, sizeof column.obis);
    }
    return WK_OK;
}

static wk_err profile_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const uint8_t number = (uint8_t)call->object->selector;
    struct wk_profile_rules rules;
    if (!wk_rooms_has_profile(rooms, number)) {
        return WK_E_NOT_FOUND;
    }
    struct wk_profile *profile = wk_rooms_profile(rooms, number);
    rules = profile->rules;
    if (attribute == CAPTURE_OBJECTS) {
        WK_TRY(read_columns(value, &rules));
    } else if (attribute == CAPTURE_PERIOD) {
        rules.period_s = (uint32_t)wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    } else {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_objects_capture_check(rooms->identity.phases, &rules, NULL));
    WK_TRY(wk_profile_configure(profile, &rules));
    wk_objects_tell(call, WK_ROOMS_PROFILE_SET, number);
    return WK_OK;
}

static wk_err profile_action(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    const uint8_t number = (uint8_t)call->object->selector;
    (void)reply;
    if (method != RESET || !wk_rooms_has_profile(rooms, number)) {
        return WK_E_UNSUPPORTED;
    }
    (void)wk_axdr_read_integer(parameter, WK_AXDR_INTEGER);
    WK_TRY(wk_bytes_in_end(parameter));
    wk_profile_clear(wk_rooms_profile(rooms, number));
    wk_objects_tell(call, WK_ROOMS_PROFILE_CLEARED, number);
    return WK_OK;
}

const struct wk_object_class wk_objects_profile = {
    .get = profile_get, .set = profile_set, .action = profile_action};
