/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 30 (data protection): a meter that has it has management/data_protection. */
#include "management/data_protection.h"

static const struct wk_object_class *part_of(const struct wk_object_call *call)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->data_protection != NULL && rooms->security != NULL
               ? rooms->data_protection->objects
               : NULL;
}

static wk_err protection_get(const struct wk_object_call *call, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_object_class *part = part_of(call);
    return part != NULL ? part->get(call, attribute, selection, cursor, out) : WK_E_UNSUPPORTED;
}

static wk_err protection_set(const struct wk_object_call *call, uint8_t attribute,
                             struct wk_bytes_in *value)
{
    const struct wk_object_class *part = part_of(call);
    return part != NULL ? part->set(call, attribute, value) : WK_E_UNSUPPORTED;
}

static wk_err protection_action(const struct wk_object_call *call, uint8_t method,
                                struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_object_class *part = part_of(call);
    return part != NULL ? part->action(call, method, parameter, reply) : WK_E_UNSUPPORTED;
}

const struct wk_object_class wk_objects_data_protection = {
    .get = protection_get, .set = protection_set, .action = protection_action};
