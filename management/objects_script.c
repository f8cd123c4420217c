/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 9 (script table), whose selector is value group E of its name, and 22 (single action
 * schedule), whose attributes are parameters of management/setup. */
#include "management/objects.h"

#include <string.h>

#include "cosem/axdr.h"
#include "management/schedule.h"

#define SERVICE_WRITE    1
#define SERVICE_EXECUTE  2
#define TARIFF_TABLE     100 /* its scripts are for the calendar alone */
#define CLASS_ACTIVATION 6
#define ACTIVE_MASK      4
#define CLASS_SCRIPT     9
#define CLASS_IMAGE      18
#define CLASS_PUSH       40
#define CLASS_SUPPLY     70

enum { SCRIPT = 2, TYPE = 3, TIMES = 4 }; /* attributes of class 22 */

/* What a script does: calls one method with integer(0). */
struct script {
    uint8_t table; /* value group E of the script table */
    uint8_t number;
    uint8_t method;
    uint8_t class_id; /* CLASS_SCRIPT: the end of the billing period, which is no method */
    uint8_t obis[6];
};

static const struct script k_scripts[] = {
    {1, 1, 1, CLASS_SCRIPT, {0, 0, 10, 0, 1, 255}},
    {106, 1, 1, CLASS_SUPPLY, {0, 0, 96, 3, 10, 255}},
    {106, 2, 2, CLASS_SUPPLY, {0, 0, 96, 3, 10, 255}},
    {107, 1, 4, CLASS_IMAGE, {0, 0, 44, 0, 0, 255}},
    {108, 1, 1, CLASS_PUSH, {0, 0, 25, 9, 0, 255}},
    {108, 2, 1, CLASS_PUSH, {0, 0, 25, 9, 1, 255}},
    {108, 3, 1, CLASS_PUSH, {0, 0, 25, 9, 2, 255}},
    {108, 4, 1, CLASS_PUSH, {0, 0, 25, 9, 3, 255}},
    {108, 5, 1, CLASS_PUSH, {0, 0, 25, 9, 4, 255}},
};

#define SCRIPTS (sizeof k_scripts / sizeof k_scripts[0])

/* ---- class 9 ----------------------------------------------------------------------------- */

static void put_script(struct wk_bytes_out *out, const struct script *script)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_long_unsigned(out, script->number);
    wk_axdr_put_array(out, 1);
    wk_axdr_put_structure(out, 5);
    wk_axdr_put_enum(out, SERVICE_EXECUTE);
    wk_axdr_put_long_unsigned(out, script->class_id);
    wk_axdr_put_octet_string(out, script->obis, sizeof script->obis);
    wk_axdr_put_integer(out, (int8_t)script->method);
    if (script->class_id == CLASS_SCRIPT) {
        wk_axdr_put_null(out);
    } else {
        wk_axdr_put_integer(out, 0);
    }
}

/* Scripts of tariffs write the active mask of register activation. */
static void put_tariff_scripts(struct wk_bytes_out *out)
{
    static const uint8_t k_activation[6] = {0, 0, 14, 0, 1, 255};
    wk_axdr_put_array(out, WK_TARIFF_COUNT);
    for (uint8_t tariff = 1; tariff <= WK_TARIFF_COUNT; tariff++) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_long_unsigned(out, tariff);
        wk_axdr_put_array(out, 1);
        wk_axdr_put_structure(out, 5);
        wk_axdr_put_enum(out, SERVICE_WRITE);
        wk_axdr_put_long_unsigned(out, CLASS_ACTIVATION);
        wk_axdr_put_octet_string(out, k_activation, sizeof k_activation);
        wk_axdr_put_integer(out, ACTIVE_MASK);
        wk_axdr_put_octet_string(out, &tariff, sizeof tariff);
    }
}

static wk_err script_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    uint32_t count = 0;
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (call->object->selector == TARIFF_TABLE) {
        put_tariff_scripts(out);
        return WK_OK;
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        count += k_scripts[i].table == call->object->selector ? 1 : 0;
    }
    wk_axdr_put_array(out, count);
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (k_scripts[i].table == call->object->selector) {
            put_script(out, &k_scripts[i]);
        }
    }
    return WK_OK;
}

static wk_err end_period(const struct wk_object_call *call)
{
    const struct wk_rooms *rooms = call->meter;
    if (!wk_billing_may_end(&rooms->billing, wk_clock_utc(call->now_us))) {
        return WK_E_BUSY; /* locked out for a while after the last end */
    }
    wk_objects_tell(call, WK_ROOMS_PERIOD_ENDED, 1);
    return WK_OK;
}

static wk_err execute(const struct wk_object_call *call, const struct script *script)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_rooms *rooms = call->meter;
    struct wk_bytes_in parameter = wk_bytes_in_of(k_zero, sizeof k_zero);
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0); /* these methods return nothing */
    struct wk_object_call target = *call;
    if (script->class_id == CLASS_SCRIPT) {
        return end_period(call);
    }
    target.object = wk_objects_find(rooms->identity.phases, script->class_id, script->obis);
    return target.object != NULL ? target.object->access->functions->action(
                                       &target, script->method, &parameter, &reply)
                                 : WK_E_UNSUPPORTED;
}

static wk_err script_action(const struct wk_object_call *call, uint8_t method,
                            struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    (void)method;
    (void)reply;
    const int64_t number = wk_axdr_read_integer(parameter, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(parameter));
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (k_scripts[i].table == call->object->selector && k_scripts[i].number == number) {
            return execute(call, &k_scripts[i]);
        }
    }
    return WK_E_RANGE;
}

const struct wk_object_class wk_objects_script = {.get = script_get, .action = script_action};

/* ---- class 22 ---------------------------------------------------------------------------- */

static wk_err schedule_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    return wk_objects_setup.get(call, attribute, selection, cursor, out);
}

/* Reads executed_script. */
static wk_err read_script(const struct wk_object_call *call, struct wk_bytes_in in,
                          const struct wk_object **table, uint16_t *number)
{
    const struct wk_rooms *rooms = call->meter;
    uint8_t obis[6];
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    wk_axdr_read_exact(&in, obis, sizeof obis);
    *number = (uint16_t)wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(&in));
    *table = wk_objects_find(rooms->identity.phases, CLASS_SCRIPT, obis);
    return *table != NULL ? WK_OK : WK_E_RANGE;
}

static struct wk_bytes_in value_of(const struct wk_object_call *call, uint8_t attribute,
                                   uint8_t room[WK_SETUP_VALUE])
{
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(room, WK_SETUP_VALUE);
    return wk_objects_setup.get(call, attribute, NULL, &cursor, &out) == WK_OK
               ? wk_bytes_in_of(room, out.size)
               : wk_bytes_in_of(room, 0);
}

/* The times must be of the type, whichever of both is set. */
static wk_err check_times(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in value)
{
    uint8_t room[WK_SETUP_VALUE];
    struct wk_bytes_in type = attribute == TYPE ? value : value_of(call, TYPE, room);
    const int64_t number = wk_axdr_read_integer(&type, WK_AXDR_ENUM);
    WK_TRY(wk_bytes_in_end(&type));
    if (number < WK_SCHEDULE_ONE || number > WK_SCHEDULE_DIFFERENT_WILD) {
        return WK_E_RANGE;
    }
    return wk_schedule_check(attribute == TIMES ? value : value_of(call, TIMES, room),
                             (wk_schedule_type)number);
}

static wk_err schedule_set(const struct wk_object_call *call, uint8_t attribute,
                           struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const struct wk_object *table;
    uint16_t number;
    if (attribute == SCRIPT) {
        WK_TRY(read_script(call, *value, &table, &number));
    } else {
        WK_TRY(check_times(call, attribute, *value));
    }
    WK_TRY(wk_objects_setup.set(call, attribute, value));
    rooms->setup->until_s = call->now_us / 1000000; /* not for times that are over */
    rooms->setup->tries[call->object->obis[4] % WK_SETUP_SCHEDULES] = 0;
    return WK_OK;
}

const struct wk_object_class wk_objects_schedule = {.get = schedule_get, .set = schedule_set};

wk_err wk_objects_run_script(const struct wk_object_call *call, struct wk_bytes_in script)
{
    struct wk_object_call target = *call;
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    uint16_t number;
    WK_TRY(read_script(call, script, &target.object, &number));
    const uint8_t octets[] = {WK_AXDR_LONG_UNSIGNED, (uint8_t)(number >> 8), (uint8_t)number};
    struct wk_bytes_in parameter = wk_bytes_in_of(octets, sizeof octets);
    return script_action(&target, 1, &parameter, &reply);
}

bool wk_objects_schedule_is_due(const struct wk_object_call *call, struct wk_utc from)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_utc to = {call->now_us / 1000000};
    uint8_t room[WK_SETUP_VALUE];
    return wk_schedule_is_due(value_of(call, TIMES, room), &rooms->clock.zone, from, to);
}

wk_err wk_objects_schedule_execute(const struct wk_object_call *call)
{
    uint8_t room[WK_SETUP_VALUE];
    return wk_objects_run_script(call, value_of(call, SCRIPT, room));
}
