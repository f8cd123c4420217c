/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic): the event logs 0.0.99.98.e.255, and what the standard log has of power
 * failures, 1.0.99.97.0.255. Class 1: the newest code of a log, 0.0.96.11.e.255; alarm registers,
 * their filters and destinations, 0.0.97.98.e.255. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects_buffer.h"

#define ENTRY_OCTETS 80 /* on the device */

static const struct wk_objects_column k_columns[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1, 0},    {1, {0, 0, 96, 11, 0, 255}, 1, 0},
    {1, {0, 0, 96, 11, 10, 255}, 1, 0}, {1, {0, 0, 96, 11, 11, 255}, 1, 0},
    {1, {0, 0, 96, 11, 12, 255}, 1, 0}, {3, {1, 0, 1, 8, 0, 255}, 1, 0},
    {1, {0, 0, 96, 14, 0, 255}, 1, 0},  {3, {1, 0, 32, 7, 0, 255}, 1, 0},
    {3, {1, 0, 31, 7, 0, 255}, 1, 0},   {3, {1, 0, 33, 7, 0, 255}, 3, 0},
    {3, {1, 0, 52, 7, 0, 255}, 3, 0},   {3, {1, 0, 51, 7, 0, 255}, 3, 0},
    {3, {1, 0, 53, 7, 0, 255}, 3, 0},   {3, {1, 0, 72, 7, 0, 255}, 3, 0},
    {3, {1, 0, 71, 7, 0, 255}, 3, 0},   {3, {1, 0, 73, 7, 0, 255}, 3, 0},
};

#define EVENT_COLUMNS 7 /* before those of the phases: U, I, power factor */
#define PHASE_COLUMNS 3

static void put_snapshot(struct wk_bytes_out *out, const struct wk_event_snapshot *snapshot,
                         uint8_t column)
{
    const uint8_t phase = column / PHASE_COLUMNS % WK_RECORD_PHASES;
    switch (column % PHASE_COLUMNS) {
    case 0:
        wk_axdr_put_double_long_unsigned(out, (uint32_t)snapshot->u_mv[phase]);
        break;
    case 1:
        wk_axdr_put_double_long_unsigned(out, (uint32_t)snapshot->i_ma[phase]);
        break;
    default:
        wk_axdr_put_long(out, snapshot->pf_e3[phase]);
        break;
    }
}

static void put_column(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                       const struct wk_event *event, uint8_t column)
{
    switch (column) {
    case 0:
        wk_objects_buffer_put_clock(out, &rooms->clock, event->at, 0);
        break;
    case 1:
        wk_axdr_put_long_unsigned(out, event->code);
        break;
    case 2:
        wk_axdr_put_unsigned(out, event->detail);
        break;
    case 3:
        wk_axdr_put_double_long(out, event->value);
        break;
    case 4:
        wk_axdr_put_double_long(out, event->more);
        break;
    case 5:
        wk_axdr_put_long64(out, event->snapshot.import_uwh);
        break;
    case 6:
        wk_axdr_put_unsigned(out, event->snapshot.tariff);
        break;
    default:
        put_snapshot(out, &event->snapshot, (uint8_t)(column - EVENT_COLUMNS));
        break;
    }
}

void wk_objects_put_event(const struct wk_rooms *rooms, const struct wk_event *event,
                          struct wk_bytes_out *out)
{
    uint8_t columns = 0;
    while (columns < sizeof k_columns / sizeof k_columns[0] &&
           k_columns[columns].phases <= rooms->identity.phases) {
        columns++;
    }
    wk_bytes_out_u8(out, WK_AXDR_STRUCTURE);
    wk_bytes_out_u8(out, columns);
    for (uint8_t column = 0; column < columns; column++) {
        put_column(out, rooms, event, column);
    }
}

static wk_err put_entry(const struct wk_objects_buffer *buffer, uint64_t number, uint8_t first,
                        uint8_t end, struct wk_bytes_out *out)
{
    struct wk_store_reader *reader = buffer->context;
    struct wk_event event;
    if (reader->number != number) {
        *reader = (struct wk_store_reader){.number = number};
    }
    WK_TRY(wk_event_read(&buffer->rooms->store, buffer->log, reader, &event));
    for (uint8_t column = first; column < end; column++) {
        put_column(out, buffer->rooms, &event, column);
    }
    return WK_OK;
}

/* Events are read with ranges of time too rarely to keep an index: a walk over the log. */
static wk_err find(const struct wk_objects_buffer *buffer,
                   const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                   uint64_t *count)
{
    uint64_t oldest;
    uint64_t end;
    WK_TRY(wk_store_log_span(&buffer->rooms->store, buffer->log, &oldest, &end));
    struct wk_store_reader reader = {.number = oldest};
    uint64_t first = end;
    uint64_t next = end;
    for (uint64_t number = oldest; number < end; number++) {
        struct wk_event event;
        WK_TRY(wk_event_read(&buffer->rooms->store, buffer->log, &reader, &event));
        if (event.at.s >= selection->from.s && first == end) {
            first = number;
        }
        if (event.at.s > selection->to.s && first <= number) {
            next = number;
            break;
        }
    }
    cursor->next = first;
    cursor->end = next;
    *count = next - first;
    return WK_OK;
}

static wk_err events_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const wk_event_log kind = (wk_event_log)call->object->selector;
    struct wk_store_reader reader = {.number = 0};
    const uint8_t log = wk_rooms_log_of(rooms, kind);
    const struct wk_objects_buffer buffer = {
        .rooms = rooms,
        .columns = k_columns,
        .rows = sizeof k_columns / sizeof k_columns[0],
        .log = log,
        .capacity = wk_objects_buffer_capacity(&rooms->store, log, ENTRY_OCTETS),
        .context = &reader,
        .find = find,
        .put = put_entry,
    };
    if (kind != WK_EVENT_LOG_STANDARD && buffer.log == WK_ROOMS_LOG_EVENT) {
        return WK_E_NOT_FOUND; /* this meter keeps all in the standard log */
    }
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_events = {.get = events_get};

/* ---- the newest code --------------------------------------------------------------------- */

/* 0: the log has no entry. A meter that keeps all in the standard log has no codes of others. */
static wk_err event_code_get(const struct wk_object_call *call, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint8_t log = wk_rooms_log_of(rooms, (wk_event_log)call->object->selector);
    struct wk_event event = {0};
    uint64_t oldest;
    uint64_t next;
    (void)attribute;
    (void)selection;
    (void)cursor;
    WK_TRY(wk_store_log_span(&rooms->store, log, &oldest, &next));
    if (next > oldest && log != WK_ROOMS_LOG_EVENT) {
        struct wk_store_reader reader = {.number = next - 1};
        WK_TRY(wk_event_read(&rooms->store, log, &reader, &event));
    }
    wk_axdr_put_long_unsigned(out, event.code);
    return WK_OK;
}

const struct wk_object_class wk_objects_event_code = {.get = event_code_get};

/* ---- power failures ---------------------------------------------------------------------- */

/* Clock: when power came back. The duration is a column only in this log. */
static const struct wk_objects_column k_failure[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1, 0},
    {3, {0, 0, 96, 7, 19, 255}, 1, 0},
};

static bool is_failure(const struct wk_event *event)
{
    return event->code == WK_EVENT_POWER_UP && event->value > 0;
}

/* A walk over the standard log from one that tells of a failure to the next: these are few. */
struct walk {
    struct wk_store_reader reader;
    uint64_t end;   /* of the log */
    uint64_t found; /* so far */
    struct wk_event event;
};

static wk_err begin(struct walk *walk, const struct wk_rooms *rooms)
{
    uint64_t oldest;
    *walk = (struct walk){.found = 0};
    WK_TRY(wk_store_log_span(&rooms->store, WK_ROOMS_LOG_EVENT, &oldest, &walk->end));
    walk->reader.number = oldest;
    return WK_OK;
}

/* WK_E_NOT_FOUND: there are no more. */
static wk_err step(struct walk *walk, const struct wk_rooms *rooms)
{
    while (walk->reader.number < walk->end) {
        WK_TRY(wk_event_read(&rooms->store, WK_ROOMS_LOG_EVENT, &walk->reader, &walk->event));
        if (is_failure(&walk->event)) {
            walk->found++;
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}

static wk_err failures_span(const struct wk_objects_buffer *buffer, uint64_t *oldest,
                            uint64_t *next)
{
    struct walk walk;
    wk_err err = begin(&walk, buffer->rooms);
    while (err == WK_OK) {
        err = step(&walk, buffer->rooms);
    }
    *oldest = 0;
    *next = walk.found;
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

/* From the first that is not before the range to the first behind that which is after it. */
static wk_err failures_find(const struct wk_objects_buffer *buffer,
                            const struct wk_object_selection *selection,
                            struct wk_object_cursor *cursor, uint64_t *count)
{
    struct walk walk;
    bool inside = false;
    WK_TRY(begin(&walk, buffer->rooms));
    cursor->next = 0;
    cursor->end = 0;
    wk_err err = step(&walk, buffer->rooms);
    for (; err == WK_OK; err = step(&walk, buffer->rooms)) {
        if (!inside && walk.event.at.s >= selection->from.s) {
            inside = true;
            cursor->next = walk.found - 1;
            cursor->end = cursor->next;
        }
        if (inside && walk.event.at.s > selection->to.s) {
            break;
        }
        cursor->end = inside ? walk.found : 0;
    }
    *count = cursor->end - cursor->next;
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

/* Entries come in order: the walk goes on where it stands. */
static wk_err put_failure(const struct wk_objects_buffer *buffer, uint64_t number,
                          uint8_t first, uint8_t end, struct wk_bytes_out *out)
{
    struct walk *walk = buffer->context;
    if (walk->end == 0 || walk->found > number + 1) {
        WK_TRY(begin(walk, buffer->rooms));
    }
    while (walk->found <= number) {
        WK_TRY(step(walk, buffer->rooms));
    }
    if (first == 0) {
        wk_objects_buffer_put_clock(out, &buffer->rooms->clock, walk->event.at, 0);
    }
    if (end == sizeof k_failure / sizeof k_failure[0]) {
        wk_axdr_put_double_long_unsigned(out, (uint32_t)walk->event.value);
    }
    return WK_OK;
}

static wk_err failures_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    struct walk walk = {.end = 0};
    const struct wk_objects_buffer buffer = {
        .rooms = rooms,
        .columns = k_failure,
        .rows = sizeof k_failure / sizeof k_failure[0],
        .log = WK_ROOMS_LOG_EVENT,
        .capacity = wk_objects_buffer_capacity(&rooms->store, WK_ROOMS_LOG_EVENT, ENTRY_OCTETS),
        .context = &walk,
        .span = failures_span,
        .find = failures_find,
        .put = put_failure,
    };
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_failures = {.get = failures_get};

/* ---- alarms ------------------------------------------------------------------------------ */

static uint8_t index_of(const struct wk_object_call *call)
{
    return (uint8_t)(call->object->selector >> 8);
}

static void put_destination(struct wk_bytes_out *out,
                            const struct wk_alarm_destination *destination)
{
    wk_axdr_put_structure(out, 2 + WK_ALARM_REGISTERS);
    wk_axdr_put_enum(out, destination->service);
    wk_axdr_put_octet_string(out, destination->address, strlen(destination->address));
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        wk_axdr_put_double_long_unsigned(out, destination->mask[reg]);
    }
}

static wk_err alarm_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_alarm *alarm = &((const struct wk_rooms *)call->meter)->alarm;
    const uint8_t index = index_of(call);
    (void)attribute;
    (void)selection;
    (void)cursor;
    switch (call->object->selector & 0xFFU) {
    case WK_OBJECTS_ALARM_REGISTER:
        wk_axdr_put_double_long_unsigned(out, alarm->raised[index % WK_ALARM_REGISTERS]);
        return WK_OK;
    case WK_OBJECTS_ALARM_DESCRIPTOR:
        wk_axdr_put_double_long_unsigned(out, alarm->descriptor[index % WK_ALARM_REGISTERS]);
        return WK_OK;
    case WK_OBJECTS_ALARM_FILTER:
        wk_axdr_put_double_long_unsigned(out, alarm->filter[index % WK_ALARM_REGISTERS]);
        return WK_OK;
    case WK_OBJECTS_ALARM_DESTINATION:
        put_destination(out, &alarm->destination[index % WK_ALARM_DESTINATIONS]);
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err read_destination(struct wk_bytes_in *value,
                               struct wk_alarm_destination *destination)
{
    size_t size = 0;
    if (wk_axdr_read_count(value, WK_AXDR_STRUCTURE) != 2 + WK_ALARM_REGISTERS) {
        return WK_E_FORMAT;
    }
    destination->service = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_ENUM);
    const uint8_t *address = wk_axdr_read_octets(value, &size);
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        destination->mask[reg] =
            (uint32_t)wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    }
    WK_TRY(wk_bytes_in_end(value));
    if (size >= WK_ALARM_ADDRESS) {
        return WK_E_RANGE;
    }
    if (size > 0) {
        memcpy(destination->address, address, size);
    }
    return WK_OK;
}

static wk_err alarm_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    struct wk_alarm *alarm = &((struct wk_rooms *)call->meter)->alarm;
    const uint8_t index = index_of(call);
    (void)attribute;
    if ((call->object->selector & 0xFFU) == WK_OBJECTS_ALARM_DESTINATION) {
        struct wk_alarm_destination destination = {.service = WK_ALARM_NOWHERE};
        WK_TRY(read_destination(value, &destination));
        WK_TRY(wk_alarm_direct(alarm, index, &destination));
    } else {
        const int64_t bits = wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
        WK_TRY(wk_bytes_in_end(value));
        if ((call->object->selector & 0xFFU) == WK_OBJECTS_ALARM_REGISTER) {
            WK_TRY(wk_alarm_clear(alarm, index, (uint32_t)bits));
        } else if ((call->object->selector & 0xFFU) == WK_OBJECTS_ALARM_DESCRIPTOR) {
            WK_TRY(wk_alarm_forget(alarm, index, (uint32_t)bits));
        } else {
            alarm->filter[index % WK_ALARM_REGISTERS] = (uint32_t)bits;
        }
    }
    wk_objects_tell(call, WK_ROOMS_ALARM_SET, (int32_t)call->object->selector);
    return WK_OK;
}

const struct wk_object_class wk_objects_alarm = {.get = alarm_get, .set = alarm_set};
