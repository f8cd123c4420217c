/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 21 (register monitor): scripts when a register crosses a threshold. Its attributes are
 * parameters of management/setup; thresholds are integers as the register's value is sent. */
#include "management/objects.h"

#include <string.h>

#include "cosem/axdr.h"

#define CLASS_REGISTER 3

enum { THRESHOLDS = 2, MONITORED = 3, ACTIONS = 4 };

static wk_err monitor_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    return wk_objects_setup.get(call, attribute, selection, cursor, out);
}

static wk_err read_monitored(const struct wk_object_call *call, struct wk_bytes_in in,
                             const struct wk_object **object)
{
    const struct wk_rooms *rooms = call->meter;
    uint8_t obis[6];
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    const int64_t class_id = wk_axdr_read_integer(&in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(&in, obis, sizeof obis);
    const int64_t attribute = wk_axdr_read_integer(&in, WK_AXDR_INTEGER);
    WK_TRY(wk_bytes_in_end(&in));
    *object = wk_objects_find(rooms->identity.phases, CLASS_REGISTER, obis);
    const bool fits = class_id == CLASS_REGISTER && attribute == 2 && *object != NULL &&
                      (*object)->access->functions == &wk_objects_register;
    return fits ? WK_OK : WK_E_RANGE;
}

/* What was known of crossings is void: the value counts as it is found next. */
static wk_err monitor_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const struct wk_object *object;
    if (attribute == MONITORED) {
        WK_TRY(read_monitored(call, *value, &object));
    }
    WK_TRY(wk_objects_setup.set(call, attribute, value));
    memset(rooms->setup->known, 0, sizeof rooms->setup->known);
    return WK_OK;
}

const struct wk_object_class wk_objects_monitor = {.get = monitor_get, .set = monitor_set};

/* ---- in operation ------------------------------------------------------------------------ */

static struct wk_bytes_in value_of(const struct wk_object_call *call, uint8_t attribute,
                                   uint8_t room[WK_SETUP_VALUE])
{
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(room, WK_SETUP_VALUE);
    return wk_objects_setup.get(call, attribute, NULL, &cursor, &out) == WK_OK
               ? wk_bytes_in_of(room, out.size)
               : wk_bytes_in_of(room, 0);
}

/* Executes the action number `index`, upwards or downwards; there may be none. */
static void act(const struct wk_object_call *call, uint32_t index, bool up)
{
    uint8_t room[WK_SETUP_VALUE];
    struct wk_bytes_in in = value_of(call, ACTIONS, room);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < index; i++) {
        (void)wk_axdr_take(&in);
    }
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    const struct wk_bytes_in upwards = wk_axdr_take(&in);
    const struct wk_bytes_in downwards = wk_axdr_take(&in);
    if (index < count && in.fault == WK_OK) {
        const wk_err err = wk_objects_run_script(call, up ? upwards : downwards);
        (void)err; /* the supply may be locked, a push have nothing to send: it stays so */
    }
}

bool wk_objects_monitor_run(const struct wk_object_call *call, uint8_t number)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_setup *setup = rooms->setup;
    const struct wk_object *object;
    uint8_t room[WK_SETUP_VALUE];
    int64_t value = 0;
    bool crossed = false;
    if (number >= WK_SETUP_MONITORS ||
        read_monitored(call, value_of(call, MONITORED, room), &object) != WK_OK ||
        wk_objects_value(rooms, object->selector, &value) != WK_OK) {
        return false;
    }
    struct wk_bytes_in in = value_of(call, THRESHOLDS, room);
    const uint32_t count = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    for (uint32_t i = 0; i < count && i < 8; i++) {
        const uint8_t bit = (uint8_t)(1U << i);
        struct wk_axdr_value threshold;
        wk_axdr_read(&in, &threshold);
        const bool above = value > threshold.integer;
        const bool was = (setup->above[number] & bit) != 0;
        const bool known = (setup->known[number] & bit) != 0;
        setup->known[number] |= bit;
        setup->above[number] = (uint8_t)(above ? setup->above[number] | bit
                                               : setup->above[number] & ~(unsigned)bit);
        crossed = crossed || !known || above != was;
        if (known && above != was) {
            act(call, i, above);
        }
    }
    return crossed;
}
