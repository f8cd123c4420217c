/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of other objects, for classes whose values are made of them. */
#include "cosem/axdr.h"
#include "management/objects.h"

#define CLASS_PROFILE    7
#define CLASS_PROTECTION 30
#define CLASS_COMPACT    62
#define BUFFER           2

wk_err wk_objects_find_attribute(const struct wk_rooms *rooms, uint16_t class_id,
                                 const uint8_t obis[6], int64_t attribute,
                                 const struct wk_object **object)
{
    *object = wk_objects_find(rooms->identity.phases, class_id, obis);
    if (*object == NULL || class_id == 0 || class_id == CLASS_COMPACT ||
        class_id == CLASS_PROFILE || (class_id == CLASS_PROTECTION && attribute == BUFFER) ||
        attribute < 1 || attribute > (*object)->attributes ||
        (attribute > 1 &&
         ((*object)->access->functions == NULL || (*object)->access->functions->get == NULL))) {
        return WK_E_RANGE;
    }
    return WK_OK;
}

wk_err wk_objects_put_attribute(const struct wk_object_call *call,
                                const struct wk_object *object, uint8_t attribute,
                                struct wk_bytes_out *out)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    struct wk_object_call target = *call;
    struct wk_object_cursor cursor = {0};
    const uint32_t bit = UINT32_C(1) << ((attribute - 1U) & 31U);
    target.object = object;
    if (attribute == 1) {
        wk_axdr_put_octet_string(out, object->obis, sizeof object->obis);
        return out->fault;
    }
    if ((object->access->rights[call->role].get & bit) == 0) {
        wk_axdr_put_null(out);
        return out->fault;
    }
    const wk_err err = object->access->functions->get(&target, attribute, &k_all, &cursor, out);
    if (err == WK_E_BUSY || err == WK_E_UNSUPPORTED) {
        wk_axdr_put_null(out);
        return out->fault;
    }
    WK_TRY(err);
    WK_TRY(out->fault);
    return cursor.more ? WK_E_FULL : WK_OK;
}
