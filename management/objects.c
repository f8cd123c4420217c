/* SPDX-License-Identifier: Apache-2.0 */
#include "management/objects.h"

#include "cosem/axdr.h"
#include "cosem/shield.h"
#include "generated/objects_rows.h" /* from model/objects.txt */

#define ROWS (sizeof k_rows / sizeof k_rows[0])

static struct wk_object_table table_of(uint8_t phases, struct wk_rooms *rooms)
{
    return (struct wk_object_table){
        .rows = k_rows,
        .count = phases == 3 ? ROWS : SINGLE_PHASE_ROWS,
        .meter = rooms,
        .guards = wk_objects_guards,
        .guard_count = WK_OBJECTS_GUARDS,
    };
}

struct wk_object_table wk_objects_table(struct wk_rooms *rooms)
{
    return table_of(rooms->identity.phases, rooms);
}

const struct wk_object *wk_objects_find(uint8_t phases, uint16_t class_id,
                                        const uint8_t obis[6])
{
    const struct wk_object_table table = table_of(phases, NULL);
    return wk_object_find(&table, class_id, obis);
}

wk_err wk_objects_take_zero(struct wk_bytes_in *parameter)
{
    if (wk_bytes_in_left(parameter) == 0) {
        return WK_OK;
    }
    (void)wk_axdr_read_integer(parameter, WK_AXDR_INTEGER);
    return wk_bytes_in_end(parameter) == WK_OK ? WK_OK : WK_E_FORMAT;
}

void wk_objects_tell(const struct wk_object_call *call, uint16_t code, int32_t value)
{
    struct wk_rooms *rooms = call->meter;
    (void)wk_notice_drop(&rooms->notices, (struct wk_notice){.t_us = call->now_us,
                                                             .code = code,
                                                             .source = WK_ROOMS_SOURCE,
                                                             .detail = (uint8_t)call->role,
                                                             .value = value});
}
