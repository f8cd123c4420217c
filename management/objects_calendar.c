/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 20 (activity calendar) and 11 (special days table).
 *
 * Names on the wire: seasons and weeks are named by one octet, '0' + index; day ids are the
 * indices of the day tables. A part of the passive calendar may be written at a time; all of
 * it is checked when it is activated. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define NAME_BASE '0'

static const uint8_t k_tariff_script[6] = {0, 0, 10, 0, 100, 255};

/* ---- writing ----------------------------------------------------------------------------- */

static void put_name(struct wk_bytes_out *out, uint8_t index)
{
    const uint8_t name = (uint8_t)(NAME_BASE + index);
    wk_axdr_put_octet_string(out, &name, 1);
}

static void put_seasons(struct wk_bytes_out *out, const struct wk_tariff_calendar *calendar)
{
    wk_axdr_put_array(out, calendar->season_count);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        const struct wk_datetime start = {
            .year = WK_DATETIME_ANY_YEAR,
            .month = calendar->season[i].month,
            .day = calendar->season[i].day,
            .weekday = WK_DATETIME_ANY,
            .deviation_min = WK_DATETIME_ANY_OFFSET,
            .status = WK_DATETIME_NO_STATUS,
        };
        wk_axdr_put_structure(out, 3);
        put_name(out, i);
        wk_datetime_put_axdr(out, &start);
        put_name(out, calendar->season[i].week);
    }
}

static void put_weeks(struct wk_bytes_out *out, const struct wk_tariff_calendar *calendar)
{
    wk_axdr_put_array(out, calendar->week_count);
    for (uint8_t i = 0; i < calendar->week_count; i++) {
        wk_axdr_put_structure(out, 8);
        put_name(out, i);
        for (uint8_t weekday = 0; weekday < 7; weekday++) {
            wk_axdr_put_unsigned(out, calendar->week_day[i][weekday]);
        }
    }
}

static void put_day(struct wk_bytes_out *out, const struct wk_tariff_day *day, uint8_t index)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_unsigned(out, index);
    wk_axdr_put_array(out, day->action_count);
    for (uint8_t i = 0; i < day->action_count; i++) {
        const uint8_t start[4] = {(uint8_t)(day->action[i].minute / 60),
                                  (uint8_t)(day->action[i].minute % 60), 0, 0};
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_octet_string(out, start, sizeof start);
        wk_axdr_put_octet_string(out, k_tariff_script, sizeof k_tariff_script);
        const uint16_t load = (uint16_t)(day->action[i].load << 8);
        wk_axdr_put_long_unsigned(out, (uint16_t)(day->action[i].tariff | load));
    }
}

/* The only part that may be longer than a PDU: day by day. */
static wk_err put_days(struct wk_bytes_out *out, const struct wk_tariff_calendar *calendar,
                       struct wk_object_cursor *cursor)
{
    const size_t begin = out->size;
    if (!cursor->started) {
        wk_axdr_put_array(out, calendar->day_count);
        cursor->started = true;
    }
    cursor->more = false;
    while (cursor->next < calendar->day_count) {
        const size_t whole = out->size;
        put_day(out, &calendar->day[cursor->next], (uint8_t)cursor->next);
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

static wk_err calendar_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_tariff *tariff = &rooms->tariff;
    const struct wk_tariff_calendar *calendar =
        attribute >= 6 ? &tariff->passive : &tariff->active;
    struct wk_datetime at;
    (void)selection;
    switch (attribute) {
    case 2:
    case 6:
        wk_axdr_put_octet_string(out, calendar->name, strlen(calendar->name));
        return WK_OK;
    case 3:
    case 7:
        put_seasons(out, calendar);
        return WK_OK;
    case 4:
    case 8:
        put_weeks(out, calendar);
        return WK_OK;
    case 5:
    case 9:
        return put_days(out, calendar, cursor);
    case 10:
        WK_TRY(wk_datetime_of_utc(&rooms->clock.zone, tariff->activate_at, 0, &at));
        wk_datetime_put_axdr(out, &at);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

/* ---- reading ----------------------------------------------------------------------------- */

static uint32_t read_rows(struct wk_bytes_in *in, wk_axdr_tag tag, uint32_t most)
{
    const uint32_t count = wk_axdr_read_count(in, tag);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return count;
}

static void expect_fields(struct wk_bytes_in *in, uint32_t fields)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != fields) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static uint8_t read_name(struct wk_bytes_in *in, uint8_t most)
{
    uint8_t name = 0;
    wk_axdr_read_exact(in, &name, 1);
    if (in->fault == WK_OK && (name < NAME_BASE || name >= NAME_BASE + most)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return (uint8_t)(name - NAME_BASE);
}

/* Rows must come in the order of their names: 0, 1, 2 ... */
static void expect_index(struct wk_bytes_in *in, uint32_t wanted, uint32_t index)
{
    if (in->fault == WK_OK && wanted != index) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void read_seasons(struct wk_bytes_in *in, struct wk_tariff_calendar *calendar)
{
    calendar->season_count = (uint8_t)read_rows(in, WK_AXDR_ARRAY, WK_TARIFF_SEASONS);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        struct wk_datetime start = {0};
        expect_fields(in, 3);
        expect_index(in, i, read_name(in, WK_TARIFF_SEASONS));
        wk_datetime_read_axdr(in, &start);
        calendar->season[i].month = start.month;
        calendar->season[i].day = start.day;
        calendar->season[i].week = read_name(in, WK_TARIFF_WEEKS);
    }
}

static void read_weeks(struct wk_bytes_in *in, struct wk_tariff_calendar *calendar)
{
    calendar->week_count = (uint8_t)read_rows(in, WK_AXDR_ARRAY, WK_TARIFF_WEEKS);
    for (uint8_t i = 0; i < calendar->week_count; i++) {
        expect_fields(in, 8);
        expect_index(in, i, read_name(in, WK_TARIFF_WEEKS));
        for (uint8_t weekday = 0; weekday < 7; weekday++) {
            calendar->week_day[i][weekday] =
                (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
        }
    }
}

static void read_action(struct wk_bytes_in *in, struct wk_tariff_action *action)
{
    uint8_t start[4];
    uint8_t script[6];
    expect_fields(in, 3);
    wk_axdr_read_exact(in, start, sizeof start);
    wk_axdr_read_exact(in, script, sizeof script);
    const int64_t selector = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    const int64_t tariff = selector & 0xFF;
    const int64_t load = selector >> 8; /* high octet: the load management outputs */
    if (in->fault == WK_OK && (start[0] > 23 || start[1] > 59 || tariff < 1 ||
                               tariff > WK_TARIFF_COUNT || (load & ~WK_TARIFF_LOADS) != 0)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    action->minute = (uint16_t)(start[0] * 60 + start[1]);
    action->tariff = (uint8_t)tariff;
    action->load = (uint8_t)load;
}

static void read_days(struct wk_bytes_in *in, struct wk_tariff_calendar *calendar)
{
    calendar->day_count = (uint8_t)read_rows(in, WK_AXDR_ARRAY, WK_TARIFF_DAYS);
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        struct wk_tariff_day *day = &calendar->day[i];
        expect_fields(in, 2);
        expect_index(in, i, (uint32_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED));
        day->action_count = (uint8_t)read_rows(in, WK_AXDR_ARRAY, WK_TARIFF_ACTIONS);
        for (uint8_t j = 0; j < day->action_count; j++) {
            read_action(in, &day->action[j]);
        }
    }
}

static void read_calendar_name(struct wk_bytes_in *in, struct wk_tariff_calendar *calendar)
{
    size_t size = 0;
    const uint8_t *name = wk_axdr_read_octets(in, &size);
    if (in->fault == WK_OK && size > WK_TARIFF_NAME) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return;
    }
    memset(calendar->name, 0, sizeof calendar->name);
    if (in->fault == WK_OK && size > 0) {
        memcpy(calendar->name, name, size);
    }
}

static wk_err read_activation(struct wk_bytes_in *in, const struct wk_zone *zone,
                              struct wk_utc *at)
{
    struct wk_datetime wanted = {0};
    wk_datetime_read_axdr(in, &wanted);
    WK_TRY(wk_bytes_in_end(in));
    if (wanted.year == WK_DATETIME_ANY_YEAR) {
        at->s = 0; /* "not specified": nothing pending */
        return WK_OK;
    }
    return wk_datetime_to_utc(&wanted, zone, at);
}

static wk_err calendar_set(const struct wk_object_call *call, uint8_t attribute,
                           struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_tariff_calendar passive = rooms->tariff.passive;
    struct wk_utc activate_at = rooms->tariff.activate_at;
    switch (attribute) {
    case 6:
        read_calendar_name(value, &passive);
        break;
    case 7:
        read_seasons(value, &passive);
        break;
    case 8:
        read_weeks(value, &passive);
        break;
    case 9:
        read_days(value, &passive);
        break;
    case 10:
        WK_TRY(read_activation(value, &rooms->clock.zone, &activate_at));
        WK_TRY(wk_tariff_plan(&rooms->tariff, activate_at, wk_clock_utc(call->now_us), NULL));
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_bytes_in_end(value));
    rooms->tariff.passive = passive;
    wk_tariff_invalidate(&rooms->tariff);
    wk_objects_tell(call, WK_ROOMS_TARIFF_SET, attribute);
    return WK_OK;
}

static wk_err calendar_action(const struct wk_object_call *call, uint8_t method,
                              struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    (void)method;
    (void)reply;
    WK_TRY(wk_objects_take_zero(parameter));
    WK_TRY(wk_tariff_activate(&rooms->tariff));
    wk_objects_tell(call, WK_ROOMS_TARIFF_SET, 0);
    return WK_OK;
}

const struct wk_object_class wk_objects_calendar = {
    .get = calendar_get, .set = calendar_set, .action = calendar_action};

/* ---- class 11 ---------------------------------------------------------------------------- */

static wk_err special_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_axdr_put_array(out, rooms->tariff.special_count);
    for (uint8_t i = 0; i < rooms->tariff.special_count; i++) {
        const struct wk_tariff_special_day *special = &rooms->tariff.special[i];
        const uint16_t year = special->year == 0 ? WK_DATETIME_ANY_YEAR : special->year;
        const uint8_t date[5] = {(uint8_t)(year >> 8), (uint8_t)year, special->month,
                                 special->day_of_month, WK_DATETIME_ANY};
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_long_unsigned(out, i);
        wk_axdr_put_octet_string(out, date, sizeof date);
        wk_axdr_put_unsigned(out, special->day);
    }
    return WK_OK;
}

static void read_special(struct wk_bytes_in *in, struct wk_tariff_special_day *special)
{
    uint8_t date[5];
    expect_fields(in, 3);
    (void)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED); /* index: the order is enough */
    wk_axdr_read_exact(in, date, sizeof date);
    const uint16_t year = (uint16_t)(date[0] << 8 | date[1]);
    special->year = year == WK_DATETIME_ANY_YEAR ? 0 : year;
    special->month = date[2];
    special->day_of_month = date[3];
    special->day = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_UNSIGNED);
}

static wk_err store_special(const struct wk_object_call *call, const struct wk_tariff *wanted)
{
    struct wk_rooms *rooms = call->meter;
    WK_TRY(wk_tariff_check_special(wanted, NULL));
    rooms->tariff = *wanted;
    wk_tariff_invalidate(&rooms->tariff);
    wk_objects_tell(call, WK_ROOMS_TARIFF_SET, 11);
    return WK_OK;
}

static wk_err special_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_tariff wanted = rooms->tariff;
    (void)attribute;
    wanted.special_count = (uint8_t)read_rows(value, WK_AXDR_ARRAY, WK_TARIFF_SPECIAL_DAYS);
    for (uint8_t i = 0; i < wanted.special_count; i++) {
        read_special(value, &wanted.special[i]);
    }
    WK_TRY(wk_bytes_in_end(value));
    return store_special(call, &wanted);
}

static wk_err special_action(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_tariff wanted = rooms->tariff;
    (void)reply;
    if (method == 1) {
        if (wanted.special_count == WK_TARIFF_SPECIAL_DAYS) {
            return WK_E_FULL;
        }
        read_special(parameter, &wanted.special[wanted.special_count++]);
    } else {
        const int64_t index = wk_axdr_read_integer(parameter, WK_AXDR_LONG_UNSIGNED);
        WK_TRY(parameter->fault);
        if (index >= wanted.special_count) {
            return WK_E_NOT_FOUND;
        }
        wanted.special_count--;
        for (uint8_t i = (uint8_t)index; i < wanted.special_count; i++) {
            wanted.special[i] = wanted.special[i + 1];
        }
    }
    WK_TRY(wk_bytes_in_end(parameter));
    return store_special(call, &wanted);
}

const struct wk_object_class wk_objects_special_days = {
    .get = special_get, .set = special_set, .action = special_action};
