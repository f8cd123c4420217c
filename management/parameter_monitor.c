/* SPDX-License-Identifier: Apache-2.0 */
#include "management/parameter_monitor.h"

#include <string.h>

#include "base/crc.h"
#include "cosem/axdr.h"
#include "cosem/obis.h"

#define CLASS_MONITOR 65
#define SHA256        32
#define VALUE_ROOM    512 /* of one parameter, and of all together */

enum { CHANGED = 2, CAPTURE_TIME = 3, LIST = 4, DIGEST = 7, VALUES = 8 };

static const uint8_t k_monitor[WK_OBIS_SIZE] = {0, 0, 16, 2, 0, 255};

/* ---- the list ---------------------------------------------------------------------------- */

static void read_entry(struct wk_bytes_in *in, struct wk_parameter_monitor_entry *entry)
{
    (void)wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    entry->class_id = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, entry->obis, sizeof entry->obis);
    entry->attribute = (int8_t)wk_axdr_read_integer(in, WK_AXDR_INTEGER);
}

static bool is_same(const struct wk_parameter_monitor_entry *a,
                    const struct wk_parameter_monitor_entry *b)
{
    return a->class_id == b->class_id && wk_obis_equal(a->obis, b->obis) &&
           a->attribute == b->attribute;
}

/* The list as clients have set it. Returns how many. */
static uint8_t read_list(const struct wk_object_call *call,
                         struct wk_parameter_monitor_entry entries[WK_PARAMETER_MONITOR_MOST])
{
    uint8_t room[WK_SETUP_VALUE];
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    uint8_t count = 0;
    if (wk_objects_setup.get(call, LIST, NULL, &cursor, &out) != WK_OK) {
        return 0;
    }
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    const uint32_t most = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    while (count < most && count < WK_PARAMETER_MONITOR_MOST) {
        entries[count] = (struct wk_parameter_monitor_entry){.class_id = 0};
        read_entry(&in, &entries[count]);
        count++;
    }
    return in.fault == WK_OK ? count : 0;
}

/* The value of a parameter; null-data if there is no such attribute, or it is too long. */
static void put_parameter(const struct wk_object_call *call,
                          const struct wk_parameter_monitor_entry *entry,
                          struct wk_bytes_out *out)
{
    const struct wk_object *object;
    const size_t begin = out->size;
    const wk_err found = wk_objects_find_attribute(call->meter, entry->class_id, entry->obis,
                                                   entry->attribute, &object);
    if (found != WK_OK || object == call->object ||
        wk_objects_put_attribute(call, object, (uint8_t)entry->attribute, out) != WK_OK) {
        *out = wk_bytes_out_of(out->data, out->room);
        (void)wk_bytes_out_reserve(out, begin);
        wk_axdr_put_null(out);
    }
}

/* ---- looking ----------------------------------------------------------------------------- */

static void note(struct wk_parameter_monitor *monitor,
                 const struct wk_parameter_monitor_entry *entry,
                 const struct wk_bytes_out *value, int64_t now_us)
{
    monitor->changed = *entry;
    monitor->at = wk_clock_utc(now_us);
    monitor->size = 0;
    if (value->size <= sizeof monitor->value) {
        memcpy(monitor->value, value->data, value->size);
        monitor->size = (uint8_t)value->size;
    }
}

static void compare(struct wk_parameter_monitor *monitor,
                    const struct wk_parameter_monitor_entry *entry,
                    const struct wk_bytes_out *value, int64_t now_us)
{
    for (uint8_t i = 0; i < monitor->count; i++) {
        if (is_same(entry, &monitor->entry[i]) && entry->crc != monitor->entry[i].crc) {
            note(monitor, entry, value, now_us);
        }
    }
}

static void look(struct wk_rooms *rooms, int64_t now_us)
{
    struct wk_parameter_monitor *monitor = rooms->parameter_monitor;
    struct wk_parameter_monitor_entry entries[WK_PARAMETER_MONITOR_MOST];
    const struct wk_object_call call = {
        .meter = rooms,
        .object = wk_objects_find(rooms->identity.phases, CLASS_MONITOR, k_monitor),
        .now_us = now_us,
        .role = WK_ROLE_MANAGEMENT};
    if (call.object == NULL) {
        return;
    }
    const uint8_t count = read_list(&call, entries);
    for (uint8_t i = 0; i < count; i++) {
        uint8_t room[VALUE_ROOM];
        struct wk_bytes_out value = wk_bytes_out_of(room, sizeof room);
        put_parameter(&call, &entries[i], &value);
        entries[i].crc = wk_crc_32(0, room, value.size);
        compare(monitor, &entries[i], &value, now_us);
    }
    memcpy(monitor->entry, entries, count * sizeof entries[0]);
    monitor->count = count;
}

/* ---- class 65 ---------------------------------------------------------------------------- */

static void put_changed(const struct wk_parameter_monitor *monitor, struct wk_bytes_out *out)
{
    const struct wk_parameter_monitor_entry *changed = &monitor->changed;
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, changed->class_id);
    wk_axdr_put_octet_string(out, changed->obis, sizeof changed->obis);
    wk_axdr_put_integer(out, changed->attribute);
    if (monitor->size > 0) {
        wk_bytes_out_put(out, monitor->value, monitor->size);
    } else {
        wk_axdr_put_null(out);
    }
}

static wk_err put_values(const struct wk_object_call *call, struct wk_bytes_out *out)
{
    struct wk_parameter_monitor_entry entries[WK_PARAMETER_MONITOR_MOST];
    const uint8_t count = read_list(call, entries);
    wk_axdr_put_structure(out, count);
    for (uint8_t i = 0; i < count; i++) {
        put_parameter(call, &entries[i], out);
    }
    return out->fault;
}

static wk_err put_digest(const struct wk_object_call *call, struct wk_bytes_out *out)
{
    const struct wk_hal_crypto *crypto =
        ((const struct wk_rooms *)call->meter)->parameter_monitor->crypto;
    uint8_t room[VALUE_ROOM];
    uint8_t digest[SHA256];
    struct wk_bytes_out values = wk_bytes_out_of(room, sizeof room);
    if (crypto == NULL || crypto->sha256 == NULL) {
        wk_axdr_put_octet_string(out, digest, 0);
        return out->fault;
    }
    WK_TRY(put_values(call, &values));
    WK_TRY(crypto->sha256(crypto->self, room, values.size, digest));
    wk_axdr_put_octet_string(out, digest, sizeof digest);
    return out->fault;
}

static wk_err monitor_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    switch (attribute) {
    case CHANGED:
        put_changed(rooms->parameter_monitor, out);
        return out->fault;
    case CAPTURE_TIME:
        return wk_objects_put_time(rooms, rooms->parameter_monitor->at, out);
    case DIGEST:
        return put_digest(call, out);
    case VALUES:
        return put_values(call, out);
    default:
        return wk_objects_setup.get(call, attribute, selection, cursor, out);
    }
}

static const struct wk_object_class k_class = {.get = monitor_get};
static const struct wk_parameter_monitor_functions k_functions = {.look = look,
                                                                  .objects = &k_class};

void wk_parameter_monitor_init(struct wk_parameter_monitor *monitor,
                               const struct wk_hal_crypto *crypto)
{
    *monitor = (struct wk_parameter_monitor){.functions = &k_functions, .crypto = crypto};
}
