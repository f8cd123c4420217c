/* SPDX-License-Identifier: Apache-2.0
 *
 * Ratios of the transformers before the terminals (class 1), and where they are applied. */
#include "base/wide.h"
#include "cosem/axdr.h"
#include "management/objects.h"

/* Units of IEC 62056-6-2, table 4. */
enum { UNIT_W = 27, UNIT_VARH = 32, UNIT_A = 33, UNIT_V = 35 };

int64_t wk_objects_primary(const struct wk_rooms *rooms, uint8_t unit, int64_t value)
{
    const struct wk_rooms_transformers *of = &rooms->transformers;
    const bool power = unit >= UNIT_W && unit <= UNIT_VARH;
    int64_t up = 1;
    int64_t down = 1;
    if (!of->applied) {
        return value;
    }
    if ((power || unit == UNIT_A) && of->ct_secondary != 0) {
        up *= of->ct_primary;
        down *= of->ct_secondary;
    }
    if ((power || unit == UNIT_V) && of->vt_secondary != 0) {
        up *= of->vt_primary;
        down *= of->vt_secondary;
    }
    return wk_i128_rounded(value, up, down);
}

static uint16_t ratio_of(const struct wk_rooms_transformers *of, uint32_t selector)
{
    const uint16_t ratios[] = {of->ct_primary, of->ct_secondary, of->vt_primary,
                               of->vt_secondary};
    const uint16_t ratio = ratios[(selector - WK_OBJECTS_CT_PRIMARY) % 4];
    return ratio != 0 ? ratio : 1;
}

static wk_err transformer_get(const struct wk_object_call *call, uint8_t attribute,
                              const struct wk_object_selection *selection,
                              struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (call->object->selector == WK_OBJECTS_APPLIED) {
        wk_axdr_put_boolean(out, rooms->transformers.applied);
    } else {
        wk_axdr_put_long_unsigned(out, ratio_of(&rooms->transformers, call->object->selector));
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_transformer = {.get = transformer_get};
