/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/select.h"

#include <string.h>

#include "cosem/axdr.h"

#define CLASS_CLOCK 8

static const struct wk_select_column k_clock_time = {
    .class_id = CLASS_CLOCK,
    .obis = {0, 0, 1, 0, 0, 255},
    .attribute = 2,
};

void wk_select_put_column(struct wk_bytes_out *out, const struct wk_select_column *column)
{
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, column->class_id);
    wk_axdr_put_octet_string(out, column->obis, WK_OBIS_SIZE);
    wk_axdr_put_integer(out, column->attribute);
    wk_axdr_put_long_unsigned(out, column->data_index);
}

void wk_select_read_column(struct wk_bytes_in *in, struct wk_select_column *column)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 4) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    column->class_id = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, column->obis, WK_OBIS_SIZE);
    column->attribute = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    column->data_index = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
}

wk_err wk_select_put_range(struct wk_bytes_out *out, struct wk_utc from, struct wk_utc to)
{
    struct wk_datetime first;
    struct wk_datetime last;
    WK_TRY(wk_datetime_of_utc(&wk_zone_utc, from, 0, &first));
    WK_TRY(wk_datetime_of_utc(&wk_zone_utc, to, 0, &last));
    wk_axdr_put_structure(out, 4);
    wk_select_put_column(out, &k_clock_time);
    wk_datetime_put_axdr(out, &first);
    wk_datetime_put_axdr(out, &last);
    wk_axdr_put_array(out, 0);
    return out->fault;
}

/* An integer of any type, or a date-time: true for the former. */
static bool read_limit(struct wk_bytes_in *in, int64_t *number, struct wk_datetime *at)
{
    struct wk_axdr_value value;
    if (wk_bytes_in_left(in) == 0 || !wk_axdr_is_integer(wk_bytes_in_peek(in))) {
        wk_datetime_read_axdr(in, at);
        return false;
    }
    wk_axdr_read(in, &value);
    *number = value.integer;
    if (value.tag == WK_AXDR_LONG64_UNSIGNED && value.integer < 0) {
        *number = INT64_MAX; /* beyond all that columns hold */
    }
    return true;
}

wk_err wk_select_read_range(struct wk_bytes_in *in, struct wk_select_range *range)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 4) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (wk_bytes_in_peek(in) == WK_AXDR_NULL && wk_bytes_in_left(in) > 0) {
        (void)wk_bytes_in_u8(in);
        range->restricting = k_clock_time;
    } else {
        wk_select_read_column(in, &range->restricting);
    }
    range->is_number = read_limit(in, &range->number_from, &range->from);
    if (read_limit(in, &range->number_to, &range->to) != range->is_number) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    range->columns = 0;
    if (wk_bytes_in_peek(in) == WK_AXDR_NULL && wk_bytes_in_left(in) > 0) {
        (void)wk_bytes_in_u8(in);
    } else {
        range->columns = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    }
    const size_t begin = in->at;
    for (uint32_t i = 0; i < range->columns && in->fault == WK_OK; i++) {
        struct wk_select_column column;
        wk_select_read_column(in, &column);
    }
    WK_TRY(wk_bytes_in_end(in));
    range->columns_in = wk_bytes_in_of(in->data + begin, in->at - begin);
    return WK_OK;
}

void wk_select_put_entry(struct wk_bytes_out *out, const struct wk_select_entry *entry)
{
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_double_long_unsigned(out, entry->first);
    wk_axdr_put_double_long_unsigned(out, entry->last);
    wk_axdr_put_long_unsigned(out, entry->column_first);
    wk_axdr_put_long_unsigned(out, entry->column_last);
}

wk_err wk_select_read_entry(struct wk_bytes_in *in, struct wk_select_entry *entry)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 4) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    entry->first = (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    entry->last = (uint32_t)wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    entry->column_first = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    entry->column_last = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(in));
    const bool entries = entry->last == 0 || entry->first <= entry->last;
    const bool columns = entry->column_last == 0 || entry->column_first <= entry->column_last;
    if (entry->first == 0 || entry->column_first == 0 || !entries || !columns) {
        return WK_E_RANGE;
    }
    return WK_OK;
}

/* ---- columns of a profile ---------------------------------------------------------------- */

bool wk_select_same_column(const struct wk_select_column *a, const struct wk_select_column *b)
{
    return a->class_id == b->class_id && wk_obis_equal(a->obis, b->obis) &&
           a->attribute == b->attribute && a->data_index == b->data_index;
}

uint32_t wk_select_place_of(const struct wk_select_column *wanted, struct wk_bytes_in columns,
                            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wk_select_column column;
        wk_select_read_column(&columns, &column);
        if (columns.fault == WK_OK && wk_select_same_column(&column, wanted)) {
            return i;
        }
    }
    return count;
}

static bool is_selected(const struct wk_select_span *span, uint32_t place)
{
    return place < WK_SELECT_PLACES && (span->mask[place / 32] >> (place % 32) & 1U) != 0;
}

void wk_select_add(struct wk_select_span *span, uint32_t place)
{
    const uint16_t column = (uint16_t)(place + 1);
    span->count = (uint16_t)(span->count + (is_selected(span, place) ? 0 : 1));
    span->mask[place / 32] |= UINT32_C(1) << (place % 32);
    span->first = span->first == 0 || column < span->first ? column : span->first;
    span->last = column > span->last ? column : span->last;
}

bool wk_select_has_holes(const struct wk_select_span *span)
{
    return span->count > 0 && span->last - span->first >= span->count;
}

static void move_octets(struct wk_bytes_out *out, const struct wk_bytes_in *from)
{
    uint8_t *place = wk_bytes_out_reserve(out, from->size);
    if (place != NULL) {
        memmove(place, from->data, from->size); /* the output lies before the input */
    }
}

static void keep_row(const struct wk_select_span *span, struct wk_bytes_in *in,
                     struct wk_bytes_out *out)
{
    const uint32_t columns = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    wk_axdr_put_structure(out, span->count);
    for (uint32_t i = 0; i < columns && in->fault == WK_OK; i++) {
        const struct wk_bytes_in value = wk_axdr_take(in);
        if (is_selected(span, span->first - 1U + i)) {
            move_octets(out, &value);
        }
    }
}

wk_err wk_select_keep(const struct wk_select_span *span, bool with_head, uint8_t *data,
                      size_t *size)
{
    struct wk_bytes_in in = wk_bytes_in_of(data, *size);
    struct wk_bytes_out out = wk_bytes_out_of(data, *size);
    if (with_head) {
        wk_axdr_put_array(&out, wk_axdr_read_count(&in, WK_AXDR_ARRAY));
    }
    while (wk_bytes_in_left(&in) > 0) {
        keep_row(span, &in, &out);
    }
    WK_TRY(in.fault);
    WK_TRY(out.fault);
    *size = out.size;
    return WK_OK;
}
