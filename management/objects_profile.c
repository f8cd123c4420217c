/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic): the load profile and the event log. Buffers are written entry by
 * entry straight from the store, so a range of any length needs no memory. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define SORT_FIFO 1

struct column {
    uint16_t class_id;
    uint8_t obis[6];
    uint8_t phases; /* the column exists in meters with at least so many phases */
};

static const struct column k_load_columns[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1},   {1, {0, 0, 96, 10, 1, 255}, 1},
    {3, {1, 0, 1, 8, 0, 255}, 1},   {3, {1, 0, 2, 8, 0, 255}, 1},
    {3, {1, 0, 1, 8, 1, 255}, 1},   {3, {1, 0, 1, 8, 2, 255}, 1},
    {3, {1, 0, 1, 8, 3, 255}, 1},   {3, {1, 0, 1, 8, 4, 255}, 1},
    {3, {1, 0, 3, 8, 0, 255}, 1},   {3, {1, 0, 4, 8, 0, 255}, 1},
    {3, {1, 0, 32, 27, 0, 255}, 1}, {3, {1, 0, 31, 27, 0, 255}, 1},
    {3, {1, 0, 52, 27, 0, 255}, 3}, {3, {1, 0, 51, 27, 0, 255}, 3},
    {3, {1, 0, 72, 27, 0, 255}, 3}, {3, {1, 0, 71, 27, 0, 255}, 3},
};

static const struct column k_event_columns[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1},    {1, {0, 0, 96, 11, 0, 255}, 1},
    {1, {0, 0, 96, 11, 10, 255}, 1}, {1, {0, 0, 96, 11, 11, 255}, 1},
    {1, {0, 0, 96, 11, 12, 255}, 1},
};

struct log {
    const struct column *columns;
    uint8_t rows;  /* of `columns` */
    uint8_t count; /* that this meter has */
    uint8_t log;   /* of the store */
    bool is_load;
};

static struct log log_of(const struct wk_object_call *call)
{
    const struct wk_rooms *rooms = call->meter;
    const bool is_load = call->object->selector == WK_OBJECTS_LOAD_PROFILE;
    struct log log = {
        .columns = is_load ? k_load_columns : k_event_columns,
        .rows = is_load ? sizeof k_load_columns / sizeof k_load_columns[0]
                        : sizeof k_event_columns / sizeof k_event_columns[0],
        .log = is_load ? WK_ROOMS_LOG_PROFILE : WK_ROOMS_LOG_EVENT,
        .is_load = is_load,
    };
    for (uint8_t i = 0; i < log.rows; i++) {
        log.count = (uint8_t)(log.count + (log.columns[i].phases <= rooms->identity.phases));
    }
    return log;
}

/* ---- entries ----------------------------------------------------------------------------- */

static void put_clock(struct wk_bytes_out *out, const struct wk_clock *clock, struct wk_utc at,
                      uint8_t status)
{
    struct wk_datetime datetime;
    if (wk_datetime_of_utc(&clock->zone, at, status, &datetime) == WK_OK) {
        wk_datetime_put_axdr(out, &datetime);
    } else {
        wk_axdr_put_null(out);
    }
}

static void put_load_column(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                            const struct wk_profile_entry *entry, uint8_t column)
{
    const bool invalid = (entry->status & WK_PROFILE_CLOCK_INVALID) != 0;
    switch (column) {
    case 0:
        put_clock(out, &rooms->clock, entry->end, invalid ? WK_DATETIME_INVALID : 0);
        break;
    case 1:
        wk_axdr_put_unsigned(out, entry->status);
        break;
    case 2:
        wk_axdr_put_long64(out, entry->import_uwh);
        break;
    case 3:
        wk_axdr_put_long64(out, entry->export_uwh);
        break;
    case 8:
        wk_axdr_put_long64(out, entry->reactive_import_uvarh);
        break;
    case 9:
        wk_axdr_put_long64(out, entry->reactive_export_uvarh);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        wk_axdr_put_long64(out, entry->import_tariff_uwh[column - 4]);
        break;
    default: { /* U and I in turn, phase by phase */
        const uint8_t phase = (uint8_t)(column / 2 - 5) % WK_RECORD_PHASES;
        wk_axdr_put_double_long_unsigned(out, column % 2 == 0 ? entry->u_mean_mv[phase]
                                                              : entry->i_mean_ma[phase]);
        break;
    }
    }
}

static void put_event_column(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                             const struct wk_event *event, uint8_t column)
{
    switch (column) {
    case 0:
        put_clock(out, &rooms->clock, event->at, 0);
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
    default:
        wk_axdr_put_double_long(out, event->more);
        break;
    }
}

static wk_err put_entry(const struct wk_object_call *call, const struct log *log,
                        struct wk_store_reader *reader,
                        const struct wk_object_selection *selection, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint8_t first =
        (uint8_t)(selection->column_first > 0 ? selection->column_first - 1 : 0);
    const uint8_t end =
        (uint8_t)(selection->column_last == 0 || selection->column_last > log->count
                      ? log->count
                      : selection->column_last);
    struct wk_profile_entry entry;
    struct wk_event event;
    if (first >= end) {
        return WK_E_RANGE;
    }
    if (log->is_load) {
        WK_TRY(wk_profile_read(&rooms->store, log->log, reader, &entry));
    } else {
        WK_TRY(wk_event_read(&rooms->store, log->log, reader, &event));
    }
    wk_axdr_put_structure(out, (uint32_t)(end - first));
    for (uint8_t column = first; column < end; column++) {
        if (log->is_load) {
            put_load_column(out, rooms, &entry, column);
        } else {
            put_event_column(out, rooms, &event, column);
        }
    }
    return WK_OK;
}

/* ---- the buffer -------------------------------------------------------------------------- */

/* Events are read with ranges of time too rarely to keep an index: a walk over the log. */
static wk_err find_events(const struct wk_rooms *rooms,
                          const struct wk_object_selection *wanted,
                          struct wk_object_cursor *cursor)
{
    uint64_t oldest;
    uint64_t next;
    WK_TRY(wk_store_log_span(&rooms->store, WK_ROOMS_LOG_EVENT, &oldest, &next));
    struct wk_store_reader reader = {.number = oldest};
    cursor->next = next;
    cursor->end = next;
    for (uint64_t number = oldest; number < next; number++) {
        struct wk_event event;
        WK_TRY(wk_event_read(&rooms->store, WK_ROOMS_LOG_EVENT, &reader, &event));
        if (event.at.s >= wanted->from.s && cursor->next == next) {
            cursor->next = number;
        }
        if (event.at.s > wanted->to.s && cursor->next <= number) {
            cursor->end = number;
            break;
        }
    }
    return WK_OK;
}

static wk_err find_entries(const struct wk_object_call *call, const struct log *log,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor)
{
    const struct wk_rooms *rooms = call->meter;
    uint64_t oldest;
    uint64_t next;
    WK_TRY(wk_store_log_span(&rooms->store, log->log, &oldest, &next));
    switch (selection->kind) {
    case WK_OBJECT_SELECT_RANGE:
        return log->is_load ? wk_profile_find(&rooms->store, log->log, selection->from,
                                              selection->to, &cursor->next, &cursor->end)
                            : find_events(rooms, selection, cursor);
    case WK_OBJECT_SELECT_ENTRY: {
        const uint64_t first = selection->entry_first > 0 ? selection->entry_first - 1 : 0;
        cursor->next = oldest + first < next ? oldest + first : next;
        cursor->end = selection->entry_last == 0 || oldest + selection->entry_last > next
                          ? next
                          : oldest + selection->entry_last;
        cursor->end = cursor->end < cursor->next ? cursor->next : cursor->end;
        return WK_OK;
    }
    case WK_OBJECT_SELECT_ALL:
    default:
        cursor->next = oldest;
        cursor->end = next;
        return WK_OK;
    }
}

static wk_err get_buffer(const struct wk_object_call *call, const struct log *log,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const size_t begin = out->size;
    if (!cursor->started) {
        WK_TRY(find_entries(call, log, selection, cursor));
        wk_axdr_put_array(out, (uint32_t)(cursor->end - cursor->next));
        cursor->started = true;
    }
    struct wk_store_reader reader = {.number = cursor->next};
    cursor->more = false;
    while (cursor->next < cursor->end) {
        const size_t whole = out->size;
        WK_TRY(put_entry(call, log, &reader, selection, out));
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

static void put_capture_object(struct wk_bytes_out *out, const struct column *column)
{
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, column->class_id);
    wk_axdr_put_octet_string(out, column->obis, sizeof column->obis);
    wk_axdr_put_integer(out, 2);
    wk_axdr_put_long_unsigned(out, 0);
}

static void put_capture_objects(struct wk_bytes_out *out, const struct log *log, uint8_t phases)
{
    wk_axdr_put_array(out, log->count);
    for (uint8_t i = 0; i < log->rows; i++) {
        if (log->columns[i].phases <= phases) {
            put_capture_object(out, &log->columns[i]);
        }
    }
}

static uint32_t capacity(const struct wk_rooms *rooms, uint8_t log)
{
    /* One sector is always erased and one may be sealed early by a cut. */
    const uint32_t sectors = rooms->store.log[log].sectors - 2;
    const uint32_t entry = log == WK_ROOMS_LOG_PROFILE ? 128 : 48;
    return sectors * (rooms->store.flash->sector_size / entry);
}

static wk_err profile_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct log log = log_of(call);
    uint64_t oldest;
    uint64_t next;
    switch (attribute) {
    case 2:
        return get_buffer(call, &log, selection, cursor, out);
    case 3:
        put_capture_objects(out, &log, rooms->identity.phases);
        return WK_OK;
    case 4:
        wk_axdr_put_double_long_unsigned(out, log.is_load ? rooms->profile.period_s : 0);
        return WK_OK;
    case 5:
        wk_axdr_put_enum(out, SORT_FIFO);
        return WK_OK;
    case 6:
        put_capture_object(out, &log.columns[0]);
        return WK_OK;
    case 7:
        WK_TRY(wk_store_log_span(&rooms->store, log.log, &oldest, &next));
        wk_axdr_put_double_long_unsigned(out, (uint32_t)(next - oldest));
        return WK_OK;
    case 8:
        wk_axdr_put_double_long_unsigned(out, capacity(rooms, log.log));
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

const struct wk_object_class wk_objects_profile = {.get = profile_get};
