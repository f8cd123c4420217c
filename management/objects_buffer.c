/* SPDX-License-Identifier: Apache-2.0 */
#include "management/objects_buffer.h"

#include "cosem/axdr.h"
#include "cosem/datetime.h"

#define SORT_FIFO 1
#define COLUMN    64 /* octets of a number or a time in a column, and of most texts */

void wk_objects_buffer_put_clock(struct wk_bytes_out *out, const struct wk_clock *clock,
                                 struct wk_utc at, uint8_t status)
{
    struct wk_datetime datetime;
    if (wk_datetime_of_utc(&clock->zone, at, status, &datetime) == WK_OK) {
        wk_datetime_put_axdr(out, &datetime);
    } else {
        wk_axdr_put_null(out);
    }
}

static bool has(const struct wk_objects_buffer *buffer, uint8_t row)
{
    return buffer->columns[row].phases <= buffer->rooms->identity.phases;
}

static uint8_t count_columns(const struct wk_objects_buffer *buffer)
{
    uint8_t count = 0;
    for (uint8_t row = 0; row < buffer->rows; row++) {
        count = (uint8_t)(count + (has(buffer, row) ? 1 : 0));
    }
    return count;
}

/* ---- the buffer -------------------------------------------------------------------------- */

static wk_err span_of(const struct wk_objects_buffer *buffer, uint64_t *oldest, uint64_t *next)
{
    return buffer->span != NULL
               ? buffer->span(buffer, oldest, next)
               : wk_store_log_span(&buffer->rooms->store, buffer->log, oldest, next);
}

/* A number, or a time in seconds of UTC. */
static bool number_of(const struct wk_clock *clock, struct wk_bytes_in *in, int64_t *number)
{
    struct wk_axdr_value value;
    struct wk_datetime at;
    struct wk_utc utc;
    struct wk_bytes_in time = *in;
    wk_axdr_read(in, &value);
    *number = value.integer;
    if (in->fault == WK_OK && wk_axdr_is_integer(value.tag)) {
        return value.tag != WK_AXDR_LONG64_UNSIGNED || value.integer >= 0;
    }
    wk_datetime_read_axdr(&time, &at);
    if (time.fault != WK_OK || wk_datetime_to_utc(&at, &clock->zone, &utc) != WK_OK) {
        return false;
    }
    *number = utc.s;
    return true;
}

/* Whether the entry is one of those that the value of a column selects. */
static wk_err is_selected(const struct wk_objects_buffer *buffer, uint64_t number,
                          const struct wk_object_selection *selection, bool *selected)
{
    uint8_t room[COLUMN];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    int64_t value = 0;
    *selected = true;
    if (selection->kind != WK_OBJECT_SELECT_VALUES) {
        return WK_OK;
    }
    const uint8_t column = (uint8_t)(selection->restricting - 1);
    WK_TRY(buffer->put(buffer, number, column, (uint8_t)(column + 1), &out));
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    *selected = out.fault == WK_OK && number_of(&buffer->rooms->clock, &in, &value) &&
                value >= selection->value_from && value <= selection->value_to;
    return WK_OK;
}

static wk_err count_selected(const struct wk_objects_buffer *buffer,
                             const struct wk_object_selection *selection,
                             const struct wk_object_cursor *cursor, uint64_t *count)
{
    *count = 0;
    if (selection->restricting == 0 || selection->restricting > count_columns(buffer)) {
        return WK_E_RANGE;
    }
    for (uint64_t number = cursor->next; number < cursor->end; number++) {
        bool selected;
        WK_TRY(is_selected(buffer, number, selection, &selected));
        *count += selected ? 1 : 0;
    }
    return WK_OK;
}

static wk_err find_entries(const struct wk_objects_buffer *buffer,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, uint64_t *count)
{
    uint64_t oldest;
    uint64_t next;
    if (selection->kind == WK_OBJECT_SELECT_RANGE) {
        return buffer->find(buffer, selection, cursor, count);
    }
    WK_TRY(span_of(buffer, &oldest, &next));
    cursor->next = oldest;
    cursor->end = next;
    if (selection->kind == WK_OBJECT_SELECT_ENTRY) {
        const uint64_t first = selection->entry_first > 0 ? selection->entry_first - 1 : 0;
        cursor->next = oldest + first < next ? oldest + first : next;
        cursor->end = selection->entry_last == 0 || oldest + selection->entry_last > next
                          ? next
                          : oldest + selection->entry_last;
        cursor->end = cursor->end < cursor->next ? cursor->next : cursor->end;
    }
    *count = cursor->end - cursor->next;
    return selection->kind == WK_OBJECT_SELECT_VALUES
               ? count_selected(buffer, selection, cursor, count)
               : WK_OK;
}

static wk_err put_entry(const struct wk_objects_buffer *buffer, uint64_t number,
                        const struct wk_object_selection *selection, struct wk_bytes_out *out)
{
    const uint16_t count = count_columns(buffer);
    const uint16_t first =
        (uint16_t)(selection->column_first > 0 ? selection->column_first - 1 : 0);
    const uint16_t end = selection->column_last == 0 || selection->column_last > count
                             ? count
                             : selection->column_last;
    if (first >= end) {
        return WK_E_RANGE;
    }
    wk_axdr_put_structure(out, (uint32_t)(end - first));
    return buffer->put(buffer, number, (uint8_t)first, (uint8_t)end, out);
}

static wk_err get_buffer(const struct wk_objects_buffer *buffer,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const bool skips = buffer->skip != NULL && selection->kind == WK_OBJECT_SELECT_RANGE;
    const size_t begin = out->size;
    if (!cursor->started) {
        uint64_t count = 0;
        WK_TRY(find_entries(buffer, selection, cursor, &count));
        wk_axdr_put_array(out, (uint32_t)count);
        cursor->started = true;
    }
    cursor->more = false;
    while (cursor->next < cursor->end) {
        const size_t whole = out->size;
        bool selected;
        WK_TRY(is_selected(buffer, cursor->next, selection, &selected));
        if (!selected) {
            cursor->next++;
            continue;
        }
        const wk_err err = put_entry(buffer, cursor->next, selection, out);
        if (skips && err == WK_E_NOT_FOUND) { /* the entry is not of the range */
            out->size = whole;
            out->fault = WK_OK;
            WK_TRY(buffer->skip(buffer, selection, &cursor->next));
            continue;
        }
        WK_TRY(err);
        if (out->fault == WK_E_FULL) {
            out->fault = WK_OK;
            out->size = whole;
            cursor->more = true;
            return whole > begin ? WK_OK : WK_E_FULL;
        }
        cursor->next++;
    }
    return WK_OK;
}

/* ---- what it consists of ----------------------------------------------------------------- */

static void put_capture_object(struct wk_bytes_out *out, const struct wk_objects_column *column)
{
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, column->class_id);
    wk_axdr_put_octet_string(out, column->obis, sizeof column->obis);
    wk_axdr_put_integer(out, (int8_t)(column->attribute != 0 ? column->attribute : 2));
    wk_axdr_put_long_unsigned(out, 0);
}

static void put_capture_objects(struct wk_bytes_out *out,
                                const struct wk_objects_buffer *buffer)
{
    wk_axdr_put_array(out, count_columns(buffer));
    for (uint8_t row = 0; row < buffer->rows; row++) {
        if (has(buffer, row)) {
            put_capture_object(out, &buffer->columns[row]);
        }
    }
}

uint32_t wk_objects_buffer_capacity(const struct wk_store *store, uint8_t log, uint32_t octets)
{
    /* One sector is always erased, and the newest one may be about to begin. */
    const uint32_t sectors = store->log[log].sectors;
    return sectors > 2 ? (sectors - 2) * (store->flash->sector_size / octets) : 0;
}

wk_err wk_objects_buffer_get(const struct wk_objects_buffer *buffer, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    uint64_t oldest;
    uint64_t next;
    WK_TRY(span_of(buffer, &oldest, &next));
    switch (attribute) {
    case 2:
        return get_buffer(buffer, selection, cursor, out);
    case 3:
        put_capture_objects(out, buffer);
        return WK_OK;
    case 4:
        wk_axdr_put_double_long_unsigned(out, buffer->period_s);
        return WK_OK;
    case 5:
        wk_axdr_put_enum(out, SORT_FIFO);
        return WK_OK;
    case 6:
        put_capture_object(out, &buffer->columns[0]);
        return WK_OK;
    case 7:
        wk_axdr_put_double_long_unsigned(out, (uint32_t)(next - oldest));
        return WK_OK;
    case 8:
        wk_axdr_put_double_long_unsigned(out, buffer->capacity);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}
