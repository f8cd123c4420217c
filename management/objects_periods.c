/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 7 (profile generic) over management/billing: what the registers and the maxima were at the
 * end of each billing period, 0.0.98.1.0.255. */
#include "cosem/axdr.h"
#include "management/objects_buffer.h"

#define ENTRY_OCTETS 960 /* on the device */

static const struct wk_objects_column k_columns[] = {
    {8, {0, 0, 1, 0, 0, 255}, 1, 0},   {1, {1, 0, 0, 1, 0, 255}, 1, 0},
    {1, {0, 0, 128, 4, 0, 255}, 1, 0}, {3, {1, 0, 1, 8, 0, 255}, 1, 0},
    {3, {1, 0, 2, 8, 0, 255}, 1, 0},   {3, {1, 0, 5, 8, 0, 255}, 1, 0},
    {3, {1, 0, 6, 8, 0, 255}, 1, 0},   {3, {1, 0, 7, 8, 0, 255}, 1, 0},
    {3, {1, 0, 8, 8, 0, 255}, 1, 0},   {3, {1, 0, 1, 8, 1, 255}, 1, 0},
    {3, {1, 0, 1, 8, 2, 255}, 1, 0},   {3, {1, 0, 1, 8, 3, 255}, 1, 0},
    {3, {1, 0, 1, 8, 4, 255}, 1, 0},   {3, {1, 0, 1, 8, 5, 255}, 1, 0},
    {3, {1, 0, 1, 8, 6, 255}, 1, 0},   {3, {1, 0, 1, 8, 7, 255}, 1, 0},
    {3, {1, 0, 1, 8, 8, 255}, 1, 0},   {3, {1, 0, 2, 8, 1, 255}, 1, 0},
    {3, {1, 0, 2, 8, 2, 255}, 1, 0},   {3, {1, 0, 2, 8, 3, 255}, 1, 0},
    {3, {1, 0, 2, 8, 4, 255}, 1, 0},   {3, {1, 0, 2, 8, 5, 255}, 1, 0},
    {3, {1, 0, 2, 8, 6, 255}, 1, 0},   {3, {1, 0, 2, 8, 7, 255}, 1, 0},
    {3, {1, 0, 2, 8, 8, 255}, 1, 0},   {3, {1, 0, 1, 2, 0, 255}, 1, 0},
    {4, {1, 0, 1, 6, 0, 255}, 1, 2},   {4, {1, 0, 1, 6, 0, 255}, 1, 5},
    {4, {1, 0, 1, 6, 1, 255}, 1, 2},   {4, {1, 0, 1, 6, 1, 255}, 1, 5},
    {4, {1, 0, 1, 6, 2, 255}, 1, 2},   {4, {1, 0, 1, 6, 2, 255}, 1, 5},
    {4, {1, 0, 1, 6, 3, 255}, 1, 2},   {4, {1, 0, 1, 6, 3, 255}, 1, 5},
    {4, {1, 0, 1, 6, 4, 255}, 1, 2},   {4, {1, 0, 1, 6, 4, 255}, 1, 5},
    {4, {1, 0, 1, 6, 5, 255}, 1, 2},   {4, {1, 0, 1, 6, 5, 255}, 1, 5},
    {4, {1, 0, 1, 6, 6, 255}, 1, 2},   {4, {1, 0, 1, 6, 6, 255}, 1, 5},
    {4, {1, 0, 1, 6, 7, 255}, 1, 2},   {4, {1, 0, 1, 6, 7, 255}, 1, 5},
    {4, {1, 0, 1, 6, 8, 255}, 1, 2},   {4, {1, 0, 1, 6, 8, 255}, 1, 5},
};

/* Units of IEC 62056-6-2, table 4; reactive energies have the ratios of active ones. */
enum { UNIT_W = 27, UNIT_WH = 30 };

#define TOTALS 3 /* column of the first total: import, export, quadrants */
#define RATES  9 /* ... of import, of export by tariff */
#define MAXIMA (RATES + 2 * WK_TARIFF_COUNT + 1)

static int64_t total_of(const struct wk_registers *registers, uint8_t total)
{
    return total == 0   ? registers->import_uwh
           : total == 1 ? registers->export_uwh
                        : registers->q_uvarh[(total - 2) % 4];
}

static int64_t rate_of(const struct wk_registers *registers, uint8_t index)
{
    const struct wk_registers_rate *rate = &registers->rate[index % WK_TARIFF_COUNT];
    return index < WK_TARIFF_COUNT ? rate->import_uwh : rate->export_uwh;
}

static void put_primary(struct wk_bytes_out *out, const struct wk_rooms *rooms, uint8_t unit,
                        int64_t value)
{
    wk_axdr_put_long64(out, wk_objects_primary(rooms, unit, value));
}

/* Value and time in turn: of all tariffs, then of each. */
static void put_maximum(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                        const struct wk_billing_entry *entry, uint8_t index)
{
    const struct wk_demand_maximum *maximum =
        index / 2 == 0 ? &entry->highest : &entry->maximum[(index / 2 - 1) % WK_TARIFF_COUNT];
    if (index % 2 == 0) {
        put_primary(out, rooms, UNIT_W, maximum->power_mw);
    } else if (maximum->at.s != 0) {
        wk_objects_buffer_put_clock(out, &rooms->clock, maximum->at, 0);
    } else {
        wk_axdr_put_null(out);
    }
}

static void put_column(struct wk_bytes_out *out, const struct wk_rooms *rooms,
                       const struct wk_billing_entry *entry, uint8_t column)
{
    if (column == 0) {
        wk_objects_buffer_put_clock(out, &rooms->clock, entry->end, 0);
    } else if (column == 1) {
        wk_axdr_put_double_long_unsigned(out, entry->number);
    } else if (column == 2) {
        wk_axdr_put_unsigned(out, (uint8_t)entry->reason);
    } else if (column < RATES) {
        put_primary(out, rooms, UNIT_WH,
                    total_of(&entry->registers, (uint8_t)(column - TOTALS)));
    } else if (column < MAXIMA - 1) {
        put_primary(out, rooms, UNIT_WH, rate_of(&entry->registers, (uint8_t)(column - RATES)));
    } else if (column == MAXIMA - 1) {
        put_primary(out, rooms, UNIT_W, entry->cumulative_mw);
    } else {
        put_maximum(out, rooms, entry, (uint8_t)(column - MAXIMA));
    }
}

static wk_err put_entry(const struct wk_objects_buffer *buffer, uint64_t number, uint8_t first,
                        uint8_t end, struct wk_bytes_out *out)
{
    struct wk_store_reader *reader = buffer->context;
    struct wk_billing_entry entry;
    if (reader->number != number) {
        *reader = (struct wk_store_reader){.number = number};
    }
    WK_TRY(wk_billing_read(&buffer->rooms->store, buffer->log, reader, &entry));
    for (uint8_t column = first; column < end; column++) {
        put_column(out, buffer->rooms, &entry, column);
    }
    return WK_OK;
}

/* There are few: a walk. Of periods that ended after the clock went back, the first stretch that lies
 * in the range. */
static wk_err find(const struct wk_objects_buffer *buffer,
                   const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                   uint64_t *count)
{
    uint64_t oldest;
    uint64_t end;
    WK_TRY(wk_store_log_span(&buffer->rooms->store, buffer->log, &oldest, &end));
    struct wk_store_reader reader = {.number = oldest};
    cursor->next = end;
    cursor->end = end;
    for (uint64_t number = oldest; number < end && cursor->end == end; number++) {
        struct wk_billing_entry entry;
        WK_TRY(wk_billing_read(&buffer->rooms->store, buffer->log, &reader, &entry));
        const bool within = entry.end.s >= selection->from.s && entry.end.s <= selection->to.s;
        if (within && cursor->next == end) {
            cursor->next = number;
        }
        cursor->end = !within && cursor->next < end ? number : end;
    }
    *count = cursor->end - cursor->next;
    return WK_OK;
}

static wk_err periods_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_store_reader reader = {.number = 0};
    const struct wk_objects_buffer buffer = {
        .rooms = rooms,
        .columns = k_columns,
        .rows = sizeof k_columns / sizeof k_columns[0],
        .log = WK_ROOMS_LOG_BILLING,
        .capacity =
            wk_objects_buffer_capacity(&rooms->store, WK_ROOMS_LOG_BILLING, ENTRY_OCTETS),
        .context = &reader,
        .find = find,
        .put = put_entry,
    };
    return wk_objects_buffer_get(&buffer, attribute, selection, cursor, out);
}

const struct wk_object_class wk_objects_periods = {.get = periods_get};
