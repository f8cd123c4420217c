/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic): the load profile. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects_buffer.h"

#define ENTRY_OCTETS 128 /* on the device */

static const struct wk_objects_column k_columns[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1, 0},   {1, {0, 0, 96, 10, 1, 255}, 1, 0},
    {3, {1, 0, 1, 8, 0, 255}, 1, 0},   {3, {1, 0, 2, 8, 0, 255}, 1, 0},
    {3, {1, 0, 1, 8, 1, 255}, 1, 0},   {3, {1, 0, 1, 8, 2, 255}, 1, 0},
    {3, {1, 0, 1, 8, 3, 255}, 1, 0},   {3, {1, 0, 1, 8, 4, 255}, 1, 0},
    {3, {1, 0, 3, 8, 0, 255}, 1, 0},   {3, {1, 0, 4, 8, 0, 255}, 1, 0},
    {3, {1, 0, 32, 27, 0, 255}, 1, 0}, {3, {1, 0, 31, 27, 0, 255}, 1, 0},
    {3, {1, 0, 52, 27, 0, 255}, 3, 0}, {3, {1, 0, 51, 27, 0, 255}, 3, 0},
    {3, {1, 0, 72, 27, 0, 255}, 3, 0}, {3, {1, 0, 71, 27, 0, 255}, 3, 0},
};

static void put_load_column(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                            const struct wk_profile_entry *entry, uint8_t column)
{
    const bool invalid = (entry->status & WK_PROFILE_CLOCK_INVALID) != 0;
    switch (column) {
    case 0:
        wk_objects_buffer_put_clock(out, &rooms->clock, entry->end,
                                    invalid ? WK_DATETIME_INVALID : 0);
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

static wk_err put_entry(const struct wk_objects_buffer *buffer, struct wk_store_reader *reader,
                        uint8_t first, uint8_t end, struct wk_bytes_out *out)
{
    struct wk_profile_entry entry;
    WK_TRY(wk_profile_read(&buffer->rooms->store, buffer->log, reader, &entry));
    for (uint8_t column = first; column < end; column++) {
        put_load_column(out, buffer->rooms, &entry, column);
    }
    return WK_OK;
}

static wk_err find(const struct wk_objects_buffer *buffer, struct wk_utc from, struct wk_utc to,
                   uint64_t *first, uint64_t *next)
{
    return wk_profile_find(&buffer->rooms->store, buffer->log, from, to, first, next);
}

static wk_err profile_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_objects_buffer buffer = {
        .rooms = rooms,
        .columns = k_columns,
        .rows = sizeof k_columns / sizeof k_columns[0],
        .log = WK_ROOMS_LOG_PROFILE,
        .period_s = rooms->profile.period_s,
        .octets = ENTRY_OCTETS,
        .find = find,
        .put = put_entry,
    };
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_profile = {.get = profile_get};
