/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 8 (clock) and 70 (disconnect control): what moves the meter. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define CLOCK_BASE_CRYSTAL 1
#define METHOD_SHIFT       6
#define SHIFT_MOST_S       900
#define SHIFT_ERROR_US     500000 /* whole seconds, rounded */

/* ---- class 8 ----------------------------------------------------------------------------- */

static void put_rule(struct wk_bytes_out *out, const struct wk_zone *zone,
                     const struct wk_civil_rule *rule, bool dst_before)
{
    const int32_t offset_min = zone->offset_min + (dst_before ? zone->dst_offset_min : 0);
    const int32_t minute = (rule->utc_minute + offset_min + 1440) % 1440;
    struct wk_datetime at = {
        .year = WK_DATETIME_ANY_YEAR,
        .month = rule->month == 0 ? WK_DATETIME_ANY : rule->month,
        .day = rule->week >= 5 ? WK_DATETIME_LAST_DAY : (uint8_t)(1 + 7 * (rule->week - 1)),
        .weekday = rule->month == 0 ? WK_DATETIME_ANY : rule->weekday,
        .hour = (uint8_t)(minute / 60),
        .minute = (uint8_t)(minute % 60),
        .deviation_min = WK_DATETIME_ANY_OFFSET,
        .status = WK_DATETIME_NO_STATUS,
    };
    if (rule->month == 0) {
        at.day = WK_DATETIME_ANY;
    }
    wk_datetime_put_axdr(out, &at);
}

static wk_err clock_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_zone *zone = &rooms->clock.zone;
    struct wk_datetime now;
    (void)selection;
    (void)cursor;
    WK_TRY(wk_datetime_of_utc(zone, wk_clock_utc(call->now_us),
                              wk_clock_status(&rooms->clock, rooms->t_us), &now));
    switch (attribute) {
    case 2:
        wk_datetime_put_axdr(out, &now);
        return WK_OK;
    case 3: /* time_zone is UTC minus standard time, in minutes */
        wk_axdr_put_long(out, (int16_t)-zone->offset_min);
        return WK_OK;
    case 4:
        wk_axdr_put_unsigned(out, now.status);
        return WK_OK;
    case 5:
        put_rule(out, zone, &zone->dst_begin, false);
        return WK_OK;
    case 6:
        put_rule(out, zone, &zone->dst_end, true);
        return WK_OK;
    case 7:
        wk_axdr_put_integer(out, (int8_t)zone->dst_offset_min);
        return WK_OK;
    case 8:
        wk_axdr_put_boolean(out, zone->dst_begin.month != 0);
        return WK_OK;
    case 9:
        wk_axdr_put_enum(out, CLOCK_BASE_CRYSTAL);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err clock_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_datetime wanted;
    struct wk_utc utc;
    if (attribute != 2) {
        return WK_E_UNSUPPORTED;
    }
    wk_datetime_read_axdr(value, &wanted);
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_datetime_to_utc(&wanted, &rooms->clock.zone, &utc));
    const int64_t hundredths = wanted.hundredths <= 99 ? wanted.hundredths : 0;
    const int64_t new_us = utc.s * 1000000 + hundredths * 10000;
    WK_TRY(wk_clock_set(&rooms->clock, rooms->t_us, new_us, WK_CLOCK_FROM_CLIENT));
    wk_objects_tell(call, WK_ROOMS_CLOCK_SET, (int32_t)(rooms->clock.adjusted_us / 1000000));
    return WK_OK;
}

/* Method 6, shift_time: what a head-end that compares clocks sends. Small shifts are slewed, so
 * that no second is missing or comes twice; the standard allows +-900 s. */
static wk_err clock_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    wk_clock_result result;
    (void)reply;
    if (method != METHOD_SHIFT) {
        return WK_E_UNSUPPORTED;
    }
    const int64_t shift_s = wk_axdr_read_integer(parameter, WK_AXDR_LONG);
    WK_TRY(wk_bytes_in_end(parameter));
    if (shift_s < -SHIFT_MOST_S || shift_s > SHIFT_MOST_S) {
        return WK_E_RANGE;
    }
    const struct wk_clock_reading reading = {
        .utc_us = call->now_us + shift_s * 1000000,
        .error_us = SHIFT_ERROR_US,
        .source = WK_CLOCK_FROM_HEADEND,
    };
    WK_TRY(wk_clock_discipline(&rooms->clock, rooms->t_us, &reading, &result));
    if (result == WK_CLOCK_STEPPED) {
        wk_objects_tell(call, WK_ROOMS_CLOCK_SET,
                        (int32_t)(rooms->clock.adjusted_us / 1000000));
    } else {
        wk_objects_tell(call, WK_ROOMS_CLOCK_SLEWED,
                        result == WK_CLOCK_SLEWING ? (int32_t)shift_s : 0);
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_clock = {
    .get = clock_get, .set = clock_set, .action = clock_action};

/* ---- class 70 ---------------------------------------------------------------------------- */

static wk_err disconnect_get(const struct wk_object_call *call, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    bool closed = rooms->supply.state == WK_SUPPLY_CONNECTED;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2: /* output_state is what the contact is, not what it should be */
        WK_TRY(rooms->contactor->is_closed(rooms->contactor->self, &closed));
        wk_axdr_put_boolean(out, closed);
        return WK_OK;
    case 3:
        wk_axdr_put_enum(out, (uint8_t)rooms->supply.state);
        return WK_OK;
    case 4:
        wk_axdr_put_enum(out, rooms->supply.mode);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err disconnect_set(const struct wk_object_call *call, uint8_t attribute,
                             struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    if (attribute != 4) {
        return WK_E_UNSUPPORTED;
    }
    const int64_t mode = wk_axdr_read_integer(value, WK_AXDR_ENUM);
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_supply_set_mode(&rooms->supply, (uint8_t)mode));
    wk_objects_tell(call, WK_ROOMS_MODE_SET, (int32_t)mode);
    return WK_OK;
}

static wk_err disconnect_action(const struct wk_object_call *call, uint8_t method,
                                struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    (void)reply;
    WK_TRY(wk_objects_take_zero(parameter));
    const wk_supply_command command =
        method == 1 ? WK_SUPPLY_REMOTE_DISCONNECT : WK_SUPPLY_REMOTE_RECONNECT;
    const wk_supply_state before = rooms->supply.state;
    WK_TRY(wk_supply_command_do(&rooms->supply, command, rooms->t_us));
    if (rooms->supply.state != before) {
        wk_objects_tell(call, WK_ROOMS_SUPPLY_COMMANDED, (int32_t)command);
    }
    if (command == WK_SUPPLY_REMOTE_RECONNECT && wk_reclose_release(&rooms->control.reclose)) {
        wk_objects_tell(call, WK_ROOMS_LOAD_RELEASED, 0);
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_disconnect = {
    .get = disconnect_get, .set = disconnect_set, .action = disconnect_action};
