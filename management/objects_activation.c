/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 6 (register activation): which registers of tariffs count now. A tariff of
 * management/tariff has exactly its registers, so masks and their registers are those of the
 * meter, one mask per tariff, and no client changes them. */
#include "cosem/axdr.h"
#include "management/objects.h"

#define CLASS_REGISTER 3
#define CLASS_EXTENDED 4

enum { ASSIGNMENT = 2, MASKS = 3, ACTIVE = 4 };

/* The registers of a tariff. */
static const struct assigned {
    uint8_t object; /* selector: WK_OBJECTS_ACTIVATION_... */
    uint8_t class_id;
    uint8_t c;
    uint8_t d;
} k_assigned[] = {
    {WK_OBJECTS_ACTIVATION_ENERGY, CLASS_REGISTER, 1, 8},
    {WK_OBJECTS_ACTIVATION_ENERGY, CLASS_REGISTER, 2, 8},
    {WK_OBJECTS_ACTIVATION_DEMAND, CLASS_EXTENDED, 1, 6},
};
#define ASSIGNED (sizeof k_assigned / sizeof k_assigned[0])

static uint8_t registers_of(uint32_t object)
{
    uint8_t count = 0;
    for (size_t i = 0; i < ASSIGNED; i++) {
        count = (uint8_t)(count + (k_assigned[i].object == object ? 1 : 0));
    }
    return count;
}

/* In the order of tariffs; of one tariff in that of k_assigned. */
static void put_assignment(uint32_t object, struct wk_bytes_out *out)
{
    wk_axdr_put_array(out, (uint32_t)registers_of(object) * WK_TARIFF_COUNT);
    for (uint8_t tariff = 1; tariff <= WK_TARIFF_COUNT; tariff++) {
        for (size_t i = 0; i < ASSIGNED; i++) {
            const uint8_t obis[6] = {1, 0, k_assigned[i].c, k_assigned[i].d, tariff, 255};
            if (k_assigned[i].object == object) {
                wk_axdr_put_structure(out, 2);
                wk_axdr_put_long_unsigned(out, k_assigned[i].class_id);
                wk_axdr_put_octet_string(out, obis, sizeof obis);
            }
        }
    }
}

static void put_mask_name(uint8_t tariff, struct wk_bytes_out *out)
{
    wk_axdr_put_octet_string(out, &tariff, sizeof tariff);
}

/* Indices count from 1. */
static void put_masks(uint32_t object, struct wk_bytes_out *out)
{
    const uint8_t count = registers_of(object);
    uint8_t index = 1;
    wk_axdr_put_array(out, WK_TARIFF_COUNT);
    for (uint8_t tariff = 1; tariff <= WK_TARIFF_COUNT; tariff++) {
        wk_axdr_put_structure(out, 2);
        put_mask_name(tariff, out);
        wk_axdr_put_array(out, count);
        for (uint8_t i = 0; i < count; i++) {
            wk_axdr_put_unsigned(out, index++);
        }
    }
}

static wk_err activation_get(const struct wk_object_call *call, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case ASSIGNMENT:
        put_assignment(call->object->selector, out);
        return WK_OK;
    case MASKS:
        put_masks(call->object->selector, out);
        return WK_OK;
    case ACTIVE:
        put_mask_name(rooms->tariff.current, out);
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

const struct wk_object_class wk_objects_activation = {.get = activation_get};
