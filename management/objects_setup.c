/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects whose attributes are parameters of management/setup, of whatever class. The selector
 * is the first of their fields. */
#include "management/objects.h"

#include <string.h>

static struct wk_setup_key key_of(const struct wk_object_call *call, uint8_t attribute)
{
    const struct wk_object *object = call->object;
    struct wk_setup_key key = {
        .class_id = object->class_id,
        .attribute = attribute,
        .field = (uint16_t)(object->selector + attribute - 2U),
    };
    memcpy(key.obis, object->obis, sizeof key.obis);
    return key;
}

static wk_err setup_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_setup_key key = key_of(call, attribute);
    (void)selection;
    (void)cursor;
    return wk_setup_get(rooms->setup, &key, out);
}

static wk_err setup_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const struct wk_setup_key key = key_of(call, attribute);
    if (rooms->setup == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_setup_set(rooms->setup, &key, value));
    wk_objects_tell(call, WK_ROOMS_SETUP_SET, call->object->class_id);
    return WK_OK;
}

static wk_err setup_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_rooms *rooms = call->meter;
    const struct wk_setup_key key = key_of(call, 2);
    bool changed;
    if (rooms->setup == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_setup_act(rooms->setup, &key, method, parameter, reply, &changed));
    if (changed) {
        wk_objects_tell(call, WK_ROOMS_SETUP_SET, call->object->class_id);
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_setup = {
    .get = setup_get, .set = setup_set, .action = setup_action};
