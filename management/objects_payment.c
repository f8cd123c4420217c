/* SPDX-License-Identifier: Apache-2.0
 *
 * Payment: classes 111, 112, 113, 115 and class 1 of meters that have it. Which functions serve
 * them the payment brings along; a meter without it says that there is no such thing. */
#include "management/objects.h"
#include "management/payment.h"

static wk_err payment_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->payment == NULL ? WK_E_NOT_FOUND
                                  : rooms->payment->functions->objects.get(
                                        call, attribute, selection, cursor, out);
}

static wk_err payment_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->payment == NULL
               ? WK_E_NOT_FOUND
               : rooms->payment->functions->objects.set(call, attribute, value);
}

static wk_err payment_action(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    return rooms->payment == NULL
               ? WK_E_NOT_FOUND
               : rooms->payment->functions->objects.action(call, method, parameter, reply);
}

const struct wk_object_class wk_objects_payment = {
    .get = payment_get, .set = payment_set, .action = payment_action};
