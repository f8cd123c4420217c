/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 1 (data): the lists of the display, 0.0.21.0.1 (automatic), .2 (manual), .3 (test): an
 * array of { what: enum, code: octet-string(6), decimals: unsigned, kilo: unsigned }. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/objects.h"

#define FIELDS 4

static wk_err display_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_display *display = &((const struct wk_rooms *)call->meter)->display;
    const uint32_t list = call->object->selector % WK_DISPLAY_LISTS;
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_axdr_put_array(out, display->count[list]);
    for (uint8_t i = 0; i < display->count[list]; i++) {
        const struct wk_display_item *item = &display->item[list][i];
        wk_axdr_put_structure(out, FIELDS);
        wk_axdr_put_enum(out, item->special);
        wk_axdr_put_octet_string(out, item->obis, sizeof item->obis);
        wk_axdr_put_unsigned(out, item->decimals);
        wk_axdr_put_unsigned(out, item->kilo);
    }
    return WK_OK;
}

static wk_err read_item(struct wk_bytes_in *value, struct wk_display_item *item)
{
    if (wk_axdr_read_count(value, WK_AXDR_STRUCTURE) != FIELDS) {
        return WK_E_FORMAT;
    }
    item->special = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_ENUM);
    wk_axdr_read_exact(value, item->obis, sizeof item->obis);
    item->decimals = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_UNSIGNED);
    item->kilo = (uint8_t)wk_axdr_read_integer(value, WK_AXDR_UNSIGNED);
    return value->fault;
}

static wk_err display_set(const struct wk_object_call *call, uint8_t attribute,
                          struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_display_item items[WK_DISPLAY_ITEMS];
    struct wk_display_fault fault;
    const struct wk_object_table table = wk_objects_table(rooms);
    const uint32_t count = wk_axdr_read_count(value, WK_AXDR_ARRAY);
    (void)attribute;
    if (count > WK_DISPLAY_ITEMS) {
        return WK_E_RANGE;
    }
    for (uint32_t i = 0; i < count; i++) {
        WK_TRY(read_item(value, &items[i]));
    }
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_display_set(&rooms->display,
                          (wk_display_list)(call->object->selector % WK_DISPLAY_LISTS), items,
                          (uint8_t)count, &table, &fault));
    wk_objects_tell(call, WK_ROOMS_DISPLAY_SET, (int32_t)call->object->selector);
    return WK_OK;
}

const struct wk_object_class wk_objects_display = {.get = display_get, .set = display_set};
