/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 40 (push setup, version 2): the setups of room push. The selector is the setup. */
#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/push.h"

enum { PUSH = 1, RESET = 2 };

static wk_err push_get(const struct wk_object_call *call, uint8_t attribute,
                       const struct wk_object_selection *selection,
                       struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)selection;
    (void)cursor;
    return rooms->push == NULL
               ? WK_E_UNSUPPORTED
               : wk_push_get(rooms->push, (uint8_t)call->object->selector, attribute, out);
}

static wk_err push_set(const struct wk_object_call *call, uint8_t attribute,
                       struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->push == NULL
               ? WK_E_UNSUPPORTED
               : wk_push_set(rooms->push, (uint8_t)call->object->selector, attribute, value);
}

static wk_err push_action(const struct wk_object_call *call, uint8_t method,
                          struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    const int64_t zero = wk_axdr_read_integer(parameter, WK_AXDR_INTEGER);
    (void)reply;
    WK_TRY(wk_bytes_in_end(parameter));
    if (rooms->push == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (zero != 0) {
        return WK_E_RANGE;
    }
    if (method == PUSH) {
        return wk_push_trigger(rooms->push, (uint8_t)call->object->selector, call->now_us);
    }
    wk_push_reset(rooms->push, (uint8_t)call->object->selector);
    return WK_OK;
}

const struct wk_object_class wk_objects_push = {
    .get = push_get, .set = push_set, .action = push_action};
