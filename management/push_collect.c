/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in a notification: the values of a setup's attributes, as one structure. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/notification.h"
#include "management/push_part.h"

#define CLASS_PROFILE   7
#define BUFFER          2
#define CAPTURE_OBJECTS 3
#define SECOND_US       INT64_C(1000000)
#define HALVINGS        40 /* of a range of seconds until nothing is left of it */

/* One attribute that is read. */
struct reading {
    struct wk_push *push;
    const struct wk_push_object *what;
    const struct wk_object *object;
    struct wk_object_call call;
    struct wk_object_selection selection;
    struct wk_select_span columns; /* of a profile's buffer; none: all */
};

static bool is_buffer(const struct wk_push_object *what)
{
    return what->what.class_id == CLASS_PROFILE && what->what.attribute == BUFFER;
}

static bool find(struct reading *reading)
{
    const struct wk_push_config *config = &reading->push->config;
    const struct wk_select_column *what = &reading->what->what;
    const struct wk_object *object = wk_object_find(config->table, what->class_id, what->obis);
    if (object == NULL || what->attribute < 1 || what->attribute > object->attributes ||
        what->attribute > 32) {
        return false;
    }
    const uint32_t bit = UINT32_C(1) << (what->attribute - 1);
    reading->object = object;
    reading->call.object = object;
    return what->attribute == 1 || (object->access->rights[config->role].get & bit) != 0;
}

/* The whole value; WK_E_FULL: it does not fit. */
static wk_err read_attribute(struct reading *reading, uint8_t attribute,
                             struct wk_bytes_out *out)
{
    const struct wk_object *object = reading->object;
    struct wk_object_cursor cursor = {0};
    const size_t begin = out->size;
    if (attribute == 1) {
        wk_axdr_put_octet_string(out, object->obis, sizeof object->obis);
        return out->fault;
    }
    if (object->access->functions == NULL || object->access->functions->get == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(object->access->functions->get(&reading->call, attribute, &reading->selection,
                                          &cursor, out));
    WK_TRY(out->fault);
    if (cursor.more || !wk_select_has_holes(&reading->columns)) {
        return cursor.more ? WK_E_FULL : WK_OK;
    }
    size_t size = out->size - begin;
    WK_TRY(wk_select_keep(&reading->columns, true, out->data + begin, &size));
    out->size = begin + size;
    return WK_OK;
}

/* ---- columns ----------------------------------------------------------------------------- */

/* The wanted columns, as they follow each other among the capture objects. */
static wk_err select_columns(struct reading *reading, struct wk_bytes_out *scratch)
{
    const struct wk_push_object *what = reading->what;
    struct wk_bytes_out room =
        wk_bytes_out_of(scratch->data + scratch->size, wk_bytes_out_left(scratch));
    if (what->column_count == 0) {
        return WK_OK;
    }
    WK_TRY(read_attribute(reading, CAPTURE_OBJECTS, &room));
    struct wk_bytes_in columns = wk_bytes_in_of(room.data, room.size);
    const uint32_t count = wk_axdr_read_count(&columns, WK_AXDR_ARRAY);
    for (uint8_t i = 0; i < what->column_count; i++) {
        const uint32_t place = wk_select_place_of(&what->columns[i], columns, count);
        if (place >= count || place >= WK_SELECT_PLACES) {
            return WK_E_NOT_FOUND;
        }
        wk_select_add(&reading->columns, place);
    }
    reading->selection.column_first = reading->columns.first;
    reading->selection.column_last = reading->columns.last;
    return WK_OK;
}

/* ---- profiles ---------------------------------------------------------------------------- */

static wk_err restrict_buffer(struct reading *reading)
{
    const struct wk_push_object *what = reading->what;
    const struct wk_zone *zone = reading->push->config.zone;
    struct wk_object_selection *selection = &reading->selection;
    if (what->restriction == WK_PUSH_BY_ENTRY) {
        selection->kind = WK_OBJECT_SELECT_ENTRY;
        selection->entry_first = what->entry_first;
        selection->entry_last = what->entry_last;
        return WK_OK;
    }
    selection->kind = WK_OBJECT_SELECT_RANGE;
    WK_TRY(wk_datetime_to_utc(&what->from, zone, &selection->from));
    WK_TRY(wk_datetime_to_utc(&what->to, zone, &selection->to));
    return selection->from.s <= selection->to.s ? WK_OK : WK_E_RANGE;
}

/* As much of first_s..*to_s as fits, by halving; *to_s is where it ends. */
static wk_err read_fitting(struct reading *reading, int64_t first_s, int64_t *to_s,
                           struct wk_bytes_out *out)
{
    const size_t begin = out->size;
    wk_err err = WK_E_FULL;
    reading->selection.kind = WK_OBJECT_SELECT_RANGE;
    reading->selection.from.s = first_s;
    for (int i = 0; i < HALVINGS && err == WK_E_FULL; i++) {
        *out = wk_bytes_out_of(out->data, out->room);
        (void)wk_bytes_out_reserve(out, begin);
        reading->selection.to.s = *to_s;
        err = read_attribute(reading, BUFFER, out);
        if (err == WK_E_FULL) {
            *to_s = *to_s == first_s ? first_s : first_s + (*to_s - first_s) / 2;
        }
    }
    return err;
}

static bool is_empty_array(const struct wk_bytes_out *out, size_t begin)
{
    return out->size - begin == 2 && out->data[begin + 1] == 0;
}

/* What was not delivered yet, as much as fits. The present second may still get an entry, so it
 * is left for the next time. */
static wk_err read_news(struct reading *reading, uint8_t index, int64_t now_us,
                        struct wk_bytes_out *out)
{
    struct wk_push_delivery *delivery = &reading->push->delivery;
    const int64_t last_s = now_us / SECOND_US - 1;
    const size_t begin = out->size;
    int64_t first_s = delivery->reach_s[index] + 1;
    int64_t to_s = last_s;
    if (first_s > last_s) {
        wk_axdr_put_array(out, 0);
        return out->fault;
    }
    WK_TRY(read_fitting(reading, first_s, &to_s, out));
    /* Where nothing is, no notification need be spent. */
    for (int i = 0; i < HALVINGS && to_s < last_s && is_empty_array(out, begin); i++) {
        first_s = to_s + 1;
        to_s = last_s;
        out->size = begin;
        WK_TRY(read_fitting(reading, first_s, &to_s, out));
    }
    delivery->reach_s[index] = to_s;
    delivery->more = delivery->more || to_s < last_s;
    return WK_OK;
}

/* ---- the notification -------------------------------------------------------------------- */

/* One member of a structure or element of an array. */
static wk_err pick(uint16_t data_index, uint8_t *value, size_t *size)
{
    struct wk_bytes_in in = wk_bytes_in_of(value, *size);
    struct wk_axdr_value head;
    wk_axdr_read(&in, &head);
    if ((head.tag != WK_AXDR_STRUCTURE && head.tag != WK_AXDR_ARRAY) ||
        data_index > head.count) {
        return WK_E_RANGE;
    }
    for (uint16_t i = 1; i < data_index; i++) {
        wk_axdr_skip(&in);
    }
    const struct wk_bytes_in picked = wk_axdr_take(&in);
    WK_TRY(in.fault);
    memmove(value, picked.data, picked.size);
    *size = picked.size;
    return WK_OK;
}

/* An array whose elements are of one type becomes a compact array, if that is shorter. */
static void make_compact(struct wk_push *push, size_t begin, struct wk_bytes_out *out)
{
    const struct wk_bytes_in array = wk_bytes_in_of(out->data + begin, out->size - begin);
    struct wk_bytes_out compact = wk_bytes_out_of(push->apdu, sizeof push->apdu);
    if (wk_bytes_in_peek(&array) == WK_AXDR_ARRAY &&
        push->config.compact(array, &compact) == WK_OK && compact.size < array.size) {
        out->size = begin;
        wk_bytes_out_put(out, push->apdu, compact.size);
    }
}

static wk_err read_value(struct reading *reading, uint8_t index, int64_t now_us,
                         struct wk_bytes_out *out)
{
    const struct wk_push_object *what = reading->what;
    if (!find(reading)) {
        return WK_E_NOT_FOUND;
    }
    if (is_buffer(what)) {
        WK_TRY(select_columns(reading, out));
        if (what->restriction == WK_PUSH_ALL) {
            return read_news(reading, index, now_us, out);
        }
        WK_TRY(restrict_buffer(reading));
    }
    WK_TRY(read_attribute(reading, (uint8_t)what->what.attribute, out));
    return WK_OK;
}

/* What cannot be read, or does not fit, is null-data. `later`: octets that others need. */
static void put_value(struct wk_push *push, const struct wk_push_object *object, uint8_t index,
                      int64_t now_us, size_t later, struct wk_bytes_out *out)
{
    struct reading reading = {
        .push = push,
        .what = object,
        .call = {.meter = push->config.table->meter,
                 .now_us = now_us,
                 .role = push->config.role},
        .selection = {.column_first = 1},
    };
    const size_t begin = out->size;
    struct wk_bytes_out part = *out;
    part.room -= later;
    wk_err err = read_value(&reading, index, now_us, &part);
    if (err == WK_OK && reading.what->what.data_index > 0) {
        size_t size = part.size - begin;
        err = pick(reading.what->what.data_index, part.data + begin, &size);
        part.size = begin + size;
    }
    if (err != WK_OK) {
        wk_axdr_put_null(out);
        return;
    }
    if (push->delivery.of.message == WK_PUSH_MESSAGE_COMPACT && push->config.compact != NULL) {
        make_compact(push, begin, &part);
    }
    out->size = part.size;
}

wk_err wk_push_collect(struct wk_push *push, int64_t now_us, size_t *size)
{
    struct wk_push_object object;
    struct wk_bytes_in objects;
    const uint8_t setup = push->delivery.setup;
    const uint8_t count = wk_push_objects_of(push, setup, &objects);
    struct wk_bytes_out out = wk_bytes_out_of(push->body, sizeof push->body);
    struct wk_datetime now;
    uint8_t time[WK_DATETIME_SIZE];
    struct wk_bytes_out clock = wk_bytes_out_of(time, sizeof time);
    WK_TRY(wk_datetime_of_utc(push->config.zone, (struct wk_utc){now_us / SECOND_US}, 0, &now));
    wk_datetime_put(&clock, &now);
    wk_notification_put_head(&out, push->delivery.invoke, wk_bytes_in_of(time, clock.size));
    wk_axdr_put_structure(&out, count);
    memcpy(push->delivery.reach_s, push->progress[setup].reached_s,
           sizeof push->delivery.reach_s);
    for (uint8_t i = 0; i < count; i++) {
        wk_push_read_object(&objects, &object);
        WK_TRY(objects.fault);
        put_value(push, &object, i, now_us, (size_t)(count - i - 1), &out);
    }
    WK_TRY(out.fault);
    *size = out.size;
    return WK_OK;
}
