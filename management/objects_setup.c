/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects whose attributes are parameters of management/setup, of whatever class. The selector
 * is the first of their fields. */
#include "management/objects.h"

#include <string.h>

#include "cosem/axdr.h"

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
    const struct wk_setup_world *world = rooms->setup != NULL ? rooms->setup->world : NULL;
    if (world != NULL && !wk_setup_is_set(rooms->setup, &key) &&
        world->tell(world->self, &key, out)) {
        return out->fault;
    }
    return wk_setup_get(rooms->setup, &key, out);
}

static wk_err allow(const struct wk_rooms *rooms, const struct wk_setup_key *key,
                    const struct wk_bytes_in *value)
{
    if (rooms->setup == NULL) {
        return WK_E_UNSUPPORTED;
    }
    const struct wk_setup_world *world = rooms->setup->world;
    return world != NULL && world->allow != NULL ? world->allow(world->self, key, *value)
                                                 : WK_OK;
}

static wk_err setup_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    const struct wk_setup_key key = key_of(call, attribute);
    WK_TRY(allow(rooms, &key, value));
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
    WK_TRY(allow(rooms, &key, parameter));
    WK_TRY(wk_setup_act(rooms->setup, &key, method, parameter, reply, &changed));
    if (changed) {
        wk_objects_tell(call, WK_ROOMS_SETUP_SET, call->object->class_id);
    }
    return WK_OK;
}

bool wk_objects_setup_number(const struct wk_rooms *rooms, uint16_t class_id,
                             const uint8_t obis[6], uint8_t attribute, int64_t *number)
{
    const struct wk_object_call call = {
        .object = wk_objects_find(rooms->identity.phases, class_id, obis)};
    uint8_t room[WK_SETUP_VALUE];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_axdr_value value;
    if (call.object == NULL || rooms->setup == NULL) {
        return false;
    }
    const struct wk_setup_key key = key_of(&call, attribute);
    if (!wk_setup_is_set(rooms->setup, &key) ||
        wk_setup_get(rooms->setup, &key, &out) != WK_OK) {
        return false;
    }
    struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
    wk_axdr_read(&in, &value);
    *number = value.integer;
    return wk_bytes_in_end(&in) == WK_OK && wk_axdr_is_integer(value.tag);
}

const struct wk_object_class wk_objects_setup = {
    .get = setup_get, .set = setup_set, .action = setup_action};
