/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 65 (parameter monitor): its list is a parameter itself; what a meter that has a monitor has noticed,
 * management/parameter_monitor tells. */
#include "management/parameter_monitor.h"

static wk_err parameter_get(const struct wk_object_call *call, uint8_t attribute,
                            const struct wk_object_selection *selection,
                            struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_object_class *objects = rooms->parameter_monitor != NULL
                                                ? rooms->parameter_monitor->functions->objects
                                                : &wk_objects_setup;
    return objects->get(call, attribute, selection, cursor, out);
}

static wk_err parameter_set(const struct wk_object_call *call, uint8_t attribute,
                            struct wk_bytes_in *value)
{
    return wk_objects_setup.set(call, attribute, value);
}

static wk_err parameter_action(const struct wk_object_call *call, uint8_t method,
                               struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    return wk_objects_setup.action(call, method, parameter, reply);
}

const struct wk_object_class wk_objects_parameter_monitor = {
    .get = parameter_get, .set = parameter_set, .action = parameter_action};
