/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 1 and 3 of meters that count. Which functions serve them management/counts brings along;
 * a meter without it says that there is no such thing. */
#include "management/counts.h"
#include "management/objects.h"

static wk_err counts_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->counts == NULL ? WK_E_NOT_FOUND
                                 : rooms->counts->functions->objects->get(
                                       call, attribute, selection, cursor, out);
}

static wk_err counts_set(const struct wk_object_call *call, uint8_t attribute,
                         struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->counts == NULL
               ? WK_E_NOT_FOUND
               : rooms->counts->functions->objects->set(call, attribute, value);
}

const struct wk_object_class wk_objects_counts = {.get = counts_get, .set = counts_set};
