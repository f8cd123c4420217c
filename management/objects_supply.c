/* SPDX-License-Identifier: Apache-2.0
 *
 * What moves the supply: class 71 (limiter), class 70 of the auxiliary relays, and class 1 for
 * parameters, orders and state that no class has. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/draw.h"
#include "management/objects.h"

#define SALT_RESPONSE 16

/* ---- class 71 ---------------------------------------------------------------------------- */

static const struct {
    uint8_t obis[6];
    uint8_t tag; /* of the value */
} k_monitors[WK_LIMITER_MONITORS] = {
    [WK_LIMITER_P_IMPORT] = {{1, 0, 1, 7, 0, 255}, WK_AXDR_LONG64},
    [WK_LIMITER_I_MOST] = {{1, 0, 11, 7, 0, 255}, WK_AXDR_DOUBLE_LONG_UNSIGNED},
    [WK_LIMITER_P_NET] = {{1, 0, 16, 7, 0, 255}, WK_AXDR_LONG64},
};

/* Scripts of IEC 62056-6-1: disconnector, load management. */
static const uint8_t k_scripts[WK_LIMITER_ACTIONS][6] = {
    [WK_LIMITER_NOTHING] = {0, 0, 0, 0, 0, 0},
    [WK_LIMITER_SUPPLY] = {0, 0, 10, 0, 106, 255},
    [WK_LIMITER_RELAY_1] = {0, 0, 10, 0, 107, 255},
    [WK_LIMITER_RELAY_2] = {0, 0, 10, 0, 107, 255},
};
static const uint16_t k_selector_over[WK_LIMITER_ACTIONS] = {0, 1, 11, 21};
static const uint16_t k_selector_under[WK_LIMITER_ACTIONS] = {0, 2, 12, 22};

static void put_threshold(struct wk_bytes_out *out, uint8_t monitor, int64_t threshold)
{
    if (k_monitors[monitor].tag == WK_AXDR_LONG64) {
        wk_axdr_put_long64(out, threshold);
        return;
    }
    const int64_t most = UINT32_MAX;
    wk_axdr_put_double_long_unsigned(out, (uint32_t)(threshold < most ? threshold : most));
}

static void put_action(struct wk_bytes_out *out, uint8_t action, const uint16_t *selectors)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_octet_string(out, k_scripts[action], 6);
    wk_axdr_put_long_unsigned(out, selectors[action]);
}

static wk_err put_profile(const struct wk_object_call *call, struct wk_bytes_out *out,
                          const struct wk_limiter_settings *settings)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_utc begin = {settings->profile_begin_s};
    struct wk_datetime at;
    WK_TRY(wk_datetime_of_utc(&rooms->clock.zone, begin, 0, &at));
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_long_unsigned(out, settings->profile_id);
    wk_datetime_put_axdr(out, &at);
    wk_axdr_put_double_long_unsigned(out, settings->profile_s);
    return WK_OK;
}

static void put_groups(struct wk_bytes_out *out, const struct wk_limiter_settings *settings)
{
    wk_axdr_put_array(out, settings->groups);
    for (uint8_t i = 0; i < settings->groups; i++) {
        wk_axdr_put_long_unsigned(out, settings->group[i]);
    }
}

static void put_monitor(struct wk_bytes_out *out, uint8_t monitor)
{
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_long_unsigned(out, 3);
    wk_axdr_put_octet_string(out, k_monitors[monitor].obis, 6);
    wk_axdr_put_integer(out, 2);
}

static wk_err limiter_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_limiter *limiter = &rooms->control.limiter[call->object->selector];
    const struct wk_limiter_settings *settings = &limiter->settings;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        put_monitor(out, settings->monitor);
        return WK_OK;
    case 3:
        put_threshold(out, settings->monitor, limiter->active);
        return WK_OK;
    case 4:
        put_threshold(out, settings->monitor, settings->normal);
        return WK_OK;
    case 5:
        put_threshold(out, settings->monitor, settings->emergency);
        return WK_OK;
    case 6:
        wk_axdr_put_double_long_unsigned(out, settings->min_over_s);
        return WK_OK;
    case 7:
        wk_axdr_put_double_long_unsigned(out, settings->min_under_s);
        return WK_OK;
    case 8:
        return put_profile(call, out, settings);
    case 9:
        put_groups(out, settings);
        return WK_OK;
    case 10:
        wk_axdr_put_boolean(out, limiter->emergency);
        return WK_OK;
    case 11:
        wk_axdr_put_structure(out, 2);
        put_action(out, settings->over, k_selector_over);
        put_action(out, settings->under, k_selector_under);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static void read_structure(struct wk_bytes_in *in, uint32_t elements)
{
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != elements) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

/* Any integer type; 64 unsigned bits beyond the signed range come out negative and are refused
 * by the range of what they are for. */
static int64_t read_number(struct wk_bytes_in *in)
{
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    if (!wk_axdr_is_integer(value.tag)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return value.integer;
}

static wk_err read_duration(struct wk_bytes_in *in, uint32_t *seconds)
{
    const int64_t number = read_number(in);
    *seconds = (uint32_t)number;
    return number < 0 || number > UINT32_MAX ? WK_E_RANGE : WK_OK;
}

static wk_err read_monitor(struct wk_bytes_in *in, struct wk_limiter_settings *settings)
{
    uint8_t obis[6];
    read_structure(in, 3);
    const int64_t class_id = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, obis, sizeof obis);
    const int64_t attribute = wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    WK_TRY(in->fault);
    for (int i = 0; i < WK_LIMITER_MONITORS; i++) {
        if (class_id == 3 && attribute == 2 && memcmp(obis, k_monitors[i].obis, 6) == 0) {
            settings->monitor = (uint8_t)i;
            return WK_OK;
        }
    }
    return WK_E_RANGE;
}

static wk_err read_profile(struct wk_bytes_in *in, const struct wk_zone *zone,
                           struct wk_limiter_settings *settings)
{
    struct wk_datetime at;
    struct wk_utc begin;
    read_structure(in, 3);
    settings->profile_id = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_datetime_read_axdr(in, &at);
    WK_TRY(read_duration(in, &settings->profile_s));
    WK_TRY(in->fault);
    WK_TRY(wk_datetime_to_utc(&at, zone, &begin));
    settings->profile_begin_s = begin.s;
    return WK_OK;
}

static wk_err read_groups(struct wk_bytes_in *in, struct wk_limiter_settings *settings)
{
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    WK_TRY(in->fault);
    if (count > WK_LIMITER_GROUPS) {
        return WK_E_RANGE;
    }
    settings->groups = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        settings->group[i] = (uint16_t)wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    }
    return WK_OK;
}

static wk_err read_action(struct wk_bytes_in *in, const uint16_t *selectors, uint8_t *action)
{
    uint8_t script[6];
    read_structure(in, 2);
    wk_axdr_read_exact(in, script, sizeof script);
    const int64_t selector = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(in->fault);
    for (int i = 0; i < WK_LIMITER_ACTIONS; i++) {
        if (selector == selectors[i] && memcmp(script, k_scripts[i], 6) == 0) {
            *action = (uint8_t)i;
            return WK_OK;
        }
    }
    return WK_E_RANGE;
}

static wk_err read_limiter(struct wk_bytes_in *in, uint8_t attribute,
                           const struct wk_zone *zone, struct wk_limiter_settings *settings)
{
    switch (attribute) {
    case 2:
        return read_monitor(in, settings);
    case 4:
        settings->normal = read_number(in);
        return WK_OK;
    case 5:
        settings->emergency = read_number(in);
        return WK_OK;
    case 6:
        return read_duration(in, &settings->min_over_s);
    case 7:
        return read_duration(in, &settings->min_under_s);
    case 8:
        return read_profile(in, zone, settings);
    case 9:
        return read_groups(in, settings);
    case 11:
        read_structure(in, 2);
        WK_TRY(read_action(in, k_selector_over, &settings->over));
        return read_action(in, k_selector_under, &settings->under);
    default:
        return WK_E_UNSUPPORTED;
    }
}

/* The limiter of demand response watches the import, never below the guaranteed power. */
static bool guarantee_holds(const struct wk_rooms *rooms,
                            const struct wk_limiter_settings *settings)
{
    const int64_t floor_mw = rooms->control.response.settings.floor_mw;
    return settings->monitor == WK_LIMITER_P_IMPORT &&
           (settings->normal == 0 || settings->normal >= floor_mw) &&
           (settings->emergency == 0 || settings->emergency >= floor_mw);
}

static wk_err limiter_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const uint32_t index = call->object->selector;
    struct wk_limiter_settings settings = rooms->control.limiter[index].settings;
    WK_TRY(read_limiter(value, attribute, &rooms->clock.zone, &settings));
    WK_TRY(wk_bytes_in_end(value));
    if (index == WK_ROOMS_LIMITER_RESPONSE && !guarantee_holds(rooms, &settings)) {
        return WK_E_RANGE;
    }
    WK_TRY(wk_limiter_set(&rooms->control.limiter[index], &settings));
    wk_objects_tell(call, WK_ROOMS_CONTROL_SET, 71 + (int32_t)index);
    return WK_OK;
}

const struct wk_object_class wk_objects_limiter = {.get = limiter_get, .set = limiter_set};

/* ---- class 70 of a relay ----------------------------------------------------------------- */

#define RELAY_MODE 4 /* remote on and off, nothing by hand */

static wk_err relay_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_relay *relay = &rooms->control.relay[call->object->selector];
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        wk_axdr_put_boolean(out, relay->on);
        return WK_OK;
    case 3:
        wk_axdr_put_enum(out, relay->on ? WK_SUPPLY_CONNECTED : WK_SUPPLY_DISCONNECTED);
        return WK_OK;
    case 4:
        wk_axdr_put_enum(out, RELAY_MODE);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

static wk_err relay_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_relay *relay = &rooms->control.relay[call->object->selector];
    (void)reply;
    WK_TRY(wk_objects_take_zero(parameter));
    relay->settings.order = method == 1 ? WK_RELAY_OFF : WK_RELAY_ON;
    wk_objects_tell(call, WK_ROOMS_CONTROL_SET, WK_OBJECTS_SET_RELAY_1);
    return WK_OK;
}

const struct wk_object_class wk_objects_relay = {.get = relay_get, .action = relay_action};

/* ---- class 1: parameters ----------------------------------------------------------------- */

static const struct wk_setting_table *table_of(struct wk_rooms *rooms, uint32_t selector,
                                               void **settings)
{
    struct wk_rooms_control *control = &rooms->control;
    switch (selector) {
    case WK_OBJECTS_SET_SUPPLY:
        *settings = &rooms->supply.settings;
        return &wk_supply_table;
    case WK_OBJECTS_SET_CONTACT:
        *settings = &control->contact.settings;
        return &wk_contact_table;
    case WK_OBJECTS_SET_PROTECTION:
        *settings = &control->protection.settings;
        return &wk_protection_table;
    case WK_OBJECTS_SET_RECLOSE:
        *settings = &control->reclose.settings;
        return &wk_reclose_table;
    case WK_OBJECTS_SET_RESPONSE:
        *settings = &control->response.settings;
        return &wk_response_table;
    case WK_OBJECTS_SET_RELAY_1:
    case WK_OBJECTS_SET_RELAY_2:
    default:
        *settings = &control->relay[selector == WK_OBJECTS_SET_RELAY_2 ? 1 : 0].settings;
        return &wk_relay_table;
    }
}

void wk_objects_put_settings(struct wk_bytes_out *out, const struct wk_setting_table *table,
                             const void *settings)
{
    wk_axdr_put_structure(out, table->count);
    for (uint8_t row = 0; row < table->count; row++) {
        const int64_t value = wk_setting_get(table, settings, row);
        switch ((wk_setting_kind)table->rows[row].kind) {
        case WK_SETTING_U8:
            wk_axdr_put_unsigned(out, (uint8_t)value);
            break;
        case WK_SETTING_U16:
            wk_axdr_put_long_unsigned(out, (uint16_t)value);
            break;
        case WK_SETTING_U32:
            wk_axdr_put_double_long_unsigned(out, (uint32_t)value);
            break;
        case WK_SETTING_I32:
            wk_axdr_put_double_long(out, (int32_t)value);
            break;
        case WK_SETTING_I64:
        default:
            wk_axdr_put_long64(out, value);
            break;
        }
    }
}

wk_err wk_objects_read_settings(struct wk_bytes_in *in, const struct wk_setting_table *table,
                                void *settings)
{
    read_structure(in, table->count);
    WK_TRY(in->fault);
    for (uint8_t row = 0; row < table->count; row++) {
        const int64_t value = read_number(in);
        WK_TRY(in->fault);
        WK_TRY(wk_setting_put(table, settings, row, value));
    }
    return wk_bytes_in_end(in);
}

static wk_err setting_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    void *settings;
    const struct wk_setting_table *table =
        table_of(call->meter, call->object->selector, &settings);
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_objects_put_settings(out, table, settings);
    return WK_OK;
}

/* Any of the settings; large enough and aligned for each. */
union settings {
    struct wk_supply_settings supply;
    struct wk_contact_settings contact;
    struct wk_protection_settings protection;
    struct wk_reclose_settings reclose;
    struct wk_relay_settings relay;
    struct wk_response_settings response;
};

static wk_err setting_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_rooms_control *control = &rooms->control;
    const uint32_t selector = call->object->selector;
    union settings wanted = {0};
    void *unused;
    wk_err err;
    (void)attribute;
    WK_TRY(wk_objects_read_settings(value, table_of(rooms, selector, &unused), &wanted));
    switch (selector) {
    case WK_OBJECTS_SET_SUPPLY:
        err = wk_supply_set(&rooms->supply, &wanted.supply);
        break;
    case WK_OBJECTS_SET_CONTACT:
        err = wk_contact_set(&control->contact, &wanted.contact);
        break;
    case WK_OBJECTS_SET_PROTECTION:
        err = wk_protection_set(&control->protection, &wanted.protection);
        break;
    case WK_OBJECTS_SET_RECLOSE:
        err = wk_reclose_set(&control->reclose, &wanted.reclose);
        break;
    case WK_OBJECTS_SET_RESPONSE:
        err = wk_response_set(&control->response, &wanted.response);
        break;
    default:
        err = wk_relay_set(&control->relay[selector == WK_OBJECTS_SET_RELAY_2 ? 1 : 0],
                           &wanted.relay);
        break;
    }
    if (err == WK_OK) {
        wk_objects_tell(call, WK_ROOMS_CONTROL_SET, (int32_t)selector);
    }
    return err;
}

const struct wk_object_class wk_objects_setting = {.get = setting_get, .set = setting_set};

/* ---- class 1: state, and orders of demand response --------------------------------------- */

static void put_state(struct wk_bytes_out *out, const struct wk_rooms *rooms)
{
    const struct wk_rooms_control *control = &rooms->control;
    wk_axdr_put_structure(out, 5);
    wk_axdr_put_unsigned(out, control->reasons);
    wk_axdr_put_enum(out, (uint8_t)control->contact.phase);
    wk_axdr_put_enum(out, (uint8_t)control->reclose.state);
    wk_axdr_put_unsigned(out, control->reclose.attempts);
    wk_axdr_put_double_long_unsigned(out, control->contact.operations);
}

static wk_err put_order(struct wk_bytes_out *out, const struct wk_rooms *rooms)
{
    const struct wk_response *response = &rooms->control.response;
    const struct wk_utc begin = {response->begin_s};
    const struct wk_utc end = {response->end_s};
    struct wk_datetime from;
    struct wk_datetime to;
    WK_TRY(wk_datetime_of_utc(&rooms->clock.zone, begin, 0, &from));
    WK_TRY(wk_datetime_of_utc(&rooms->clock.zone, end, 0, &to));
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_enum(out, response->level);
    wk_axdr_put_enum(out, response->ordered);
    wk_datetime_put_axdr(out, &from);
    wk_datetime_put_axdr(out, &to);
    return WK_OK;
}

static wk_err control_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (call->object->selector == WK_OBJECTS_RESPONSE_ORDER) {
        return put_order(out, rooms);
    }
    put_state(out, rooms);
    return WK_OK;
}

static wk_err control_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_rooms_control *control = &rooms->control;
    struct wk_datetime at;
    struct wk_utc begin;
    (void)attribute;
    if (call->object->selector != WK_OBJECTS_RESPONSE_ORDER) {
        return WK_E_UNSUPPORTED;
    }
    read_structure(value, 3);
    const int64_t level = wk_axdr_read_integer(value, WK_AXDR_ENUM);
    wk_datetime_read_axdr(value, &at);
    const int64_t duration_s = read_number(value);
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_datetime_to_utc(&at, &rooms->clock.zone, &begin));
    const struct wk_response_order order = {
        .level = (uint8_t)level, .begin_s = begin.s, .duration_s = duration_s};
    const int64_t utc_s = wk_clock_utc(call->now_us).s;
    WK_TRY(wk_response_take(&control->response, &order, utc_s,
                            wk_draw(control->seed, utc_s, SALT_RESPONSE)));
    wk_objects_tell(call, WK_ROOMS_CONTROL_SET, WK_OBJECTS_RESPONSE_ORDER);
    return WK_OK;
}

const struct wk_object_class wk_objects_control = {.get = control_get, .set = control_set};
