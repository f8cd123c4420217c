/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/select.h"
#include "management/session_part.h"

#define CAPTURE_OBJECTS 3 /* attribute of class 7 */
#define BUFFER          2
#define OBJECT_LIST     2 /* of class 15 */

static bool is_clock(const struct wk_select_column *column)
{
    static const struct wk_select_column k_clock = {
        .class_id = 8,
        .obis = {0, 0, 1, 0, 0, 255},
        .attribute = 2,
    };
    return wk_select_same_column(column, &k_clock);
}

/* The columns of the profile, as A-XDR in the stage. */
static wk_err read_capture_objects(struct wk_session_turn *turn, const struct wk_object *object,
                                   struct wk_bytes_in *columns, uint32_t *count)
{
    struct wk_session *session = turn->session;
    const struct wk_object_call call = {
        .meter = session->config.table->meter,
        .object = object,
        .now_us = turn->now_us,
        .role = session->role,
    };
    const struct wk_object_selection all = {.column_first = 1};
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(session->stage, sizeof session->stage);
    if (object->access->functions == NULL || object->access->functions->get == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(object->access->functions->get(&call, CAPTURE_OBJECTS, &all, &cursor, &out));
    WK_TRY(out.fault);
    *columns = wk_bytes_in_of(session->stage, out.size);
    *count = wk_axdr_read_count(columns, WK_AXDR_ARRAY);
    WK_TRY(columns->fault);
    return *count <= WK_SELECT_PLACES && !cursor.more ? WK_OK : WK_E_UNSUPPORTED;
}

static wk_err select_columns(struct wk_session_turn *turn, struct wk_session_item *item,
                             const struct wk_select_range *range)
{
    struct wk_bytes_in selected = range->columns_in;
    struct wk_bytes_in columns;
    uint32_t count;
    WK_TRY(read_capture_objects(turn, item->object, &columns, &count));
    for (uint32_t i = 0; i < range->columns; i++) {
        struct wk_select_column wanted;
        wk_select_read_column(&selected, &wanted);
        const uint32_t place = wk_select_place_of(&wanted, columns, count);
        if (place == count) {
            return WK_E_NOT_FOUND;
        }
        wk_select_add(&item->columns, place);
    }
    item->selection.column_first = item->columns.first;
    item->selection.column_last = item->columns.last;
    return WK_OK;
}

/* Another column than the clock: every entry is looked at. */
static wk_err restrict_by(struct wk_session_turn *turn, struct wk_session_item *item,
                          const struct wk_select_range *range)
{
    struct wk_bytes_in columns;
    uint32_t count;
    WK_TRY(read_capture_objects(turn, item->object, &columns, &count));
    const uint32_t place = wk_select_place_of(&range->restricting, columns, count);
    if (place == count) {
        return WK_E_NOT_FOUND;
    }
    item->selection.kind = WK_OBJECT_SELECT_VALUES;
    item->selection.restricting = (uint16_t)(place + 1);
    item->selection.value_from = range->number_from;
    item->selection.value_to = range->number_to;
    return WK_OK;
}

static wk_err select_range(struct wk_session_turn *turn, struct wk_session_item *item,
                           struct wk_bytes_in *parameter)
{
    const struct wk_zone *zone = turn->session->config.zone;
    struct wk_object_selection *selection = &item->selection;
    struct wk_select_range range;
    WK_TRY(wk_select_read_range(parameter, &range));
    if (!range.is_number) {
        WK_TRY(wk_datetime_to_utc(&range.from, zone, &selection->from));
        WK_TRY(wk_datetime_to_utc(&range.to, zone, &selection->to));
        range.number_from = selection->from.s;
        range.number_to = selection->to.s;
    }
    if (range.number_from > range.number_to) {
        return WK_E_RANGE;
    }
    if (!is_clock(&range.restricting)) {
        WK_TRY(restrict_by(turn, item, &range));
    } else if (range.is_number) {
        return WK_E_FORMAT;
    } else {
        selection->kind = WK_OBJECT_SELECT_RANGE;
    }
    return range.columns > 0 ? select_columns(turn, item, &range) : WK_OK;
}

static wk_err select_entry(struct wk_session_item *item, struct wk_bytes_in *parameter)
{
    struct wk_select_entry entry;
    WK_TRY(wk_select_read_entry(parameter, &entry));
    item->selection.kind = WK_OBJECT_SELECT_ENTRY;
    item->selection.entry_first = entry.first;
    item->selection.entry_last = entry.last;
    item->selection.column_first = entry.column_first;
    item->selection.column_last = entry.column_last;
    return WK_OK;
}

/* ---- object_list ------------------------------------------------------------------------- */

static wk_err choose(struct wk_session_item *item, uint16_t chosen)
{
    if (item->chosen_count == WK_SESSION_CHOSEN) {
        return WK_E_RANGE;
    }
    item->chosen[item->chosen_count++] = chosen;
    return WK_OK;
}

/* An object that is not there is not in the list. */
static wk_err choose_object(const struct wk_object_table *table, struct wk_session_item *item,
                            struct wk_bytes_in *parameter)
{
    uint8_t obis[WK_OBIS_SIZE];
    if (wk_axdr_read_count(parameter, WK_AXDR_STRUCTURE) != 2) {
        wk_bytes_in_fail(parameter, WK_E_FORMAT);
    }
    const uint16_t class_id = (uint16_t)wk_axdr_read_integer(parameter, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(parameter, obis, WK_OBIS_SIZE);
    WK_TRY(parameter->fault);
    const struct wk_object *object = wk_object_find(table, class_id, obis);
    return object != NULL && object->class_id == class_id
               ? choose(item, (uint16_t)(object - table->rows))
               : WK_OK;
}

static wk_err select_objects(const struct wk_session *session, struct wk_session_item *item,
                             uint8_t selector, struct wk_bytes_in *parameter)
{
    const bool by_class = selector == WK_SESSION_BY_CLASS;
    uint32_t count = 1;
    if (selector < WK_SESSION_WITHOUT_RIGHTS || selector > WK_SESSION_BY_OBJECT) {
        return WK_E_UNSUPPORTED;
    }
    if (by_class || selector == WK_SESSION_BY_OBJECTS) {
        count = wk_axdr_read_count(parameter, WK_AXDR_ARRAY);
    } else if (selector == WK_SESSION_WITHOUT_RIGHTS) {
        struct wk_axdr_value value;
        wk_axdr_read(parameter, &value);
        if (value.tag != WK_AXDR_NULL) {
            return WK_E_FORMAT;
        }
        count = 0;
    }
    for (uint32_t i = 0; i < count && parameter->fault == WK_OK; i++) {
        if (by_class) {
            WK_TRY(
                choose(item, (uint16_t)wk_axdr_read_integer(parameter, WK_AXDR_LONG_UNSIGNED)));
        } else {
            WK_TRY(choose_object(session->config.table, item, parameter));
        }
    }
    item->choice = selector;
    return wk_bytes_in_end(parameter);
}

wk_err wk_session_select(struct wk_session_turn *turn, struct wk_session_item *item,
                         const struct wk_apdu_target *target)
{
    struct wk_bytes_in parameter = target->parameter;
    const uint16_t class_id = item->object->class_id;
    if (class_id == WK_SESSION_CLASS_ASSOCIATION && item->attribute == OBJECT_LIST) {
        return select_objects(turn->session, item, target->selector, &parameter);
    }
    if (class_id != WK_SESSION_CLASS_PROFILE || item->attribute != BUFFER) {
        return WK_E_UNSUPPORTED;
    }
    switch (target->selector) {
    case WK_SELECT_RANGE:
        return select_range(turn, item, &parameter);
    case WK_SELECT_ENTRY:
        return select_entry(item, &parameter);
    default:
        return WK_E_UNSUPPORTED;
    }
}
