/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 1 (data): invocation counters, 0.0.43.1.e.255: the last one accepted with each key of a
 * Security setup; the selector is a wk_shield_key and the number of the setup times 256.
 * Security setup itself, class 64, is answered by the session. */
#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/session_security.h"

static wk_err counter_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_session_setup *setup =
        rooms->security == NULL
            ? NULL
            : wk_session_setup_of(rooms->security, (uint32_t)call->object->selector >> 8);
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (setup == NULL) {
        return WK_E_UNSUPPORTED;
    }
    wk_axdr_put_double_long_unsigned(out, setup->counter[call->object->selector & 0xFFU]);
    return out->fault;
}

const struct wk_object_class wk_objects_counter = {.get = counter_get};

/* What changes keys, and what opens the supply, is not taken from a client whose association
 * would let it through in clear. */
#define SEALED 0x0C /* authenticated and encrypted requests */

const struct wk_object_guard wk_objects_guards[WK_OBJECTS_GUARDS] = {
    {64, {0, 0, 43, 0, 0, 255}, .act = SEALED},
    {64, {0, 0, 43, 0, 1, 255}, .act = SEALED},
    {64, {0, 0, 43, 0, 2, 255}, .act = SEALED},
    {70, {0, 0, 96, 3, 10, 255}, .write = SEALED, .act = SEALED},
};
