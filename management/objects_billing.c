/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 4 (extended register) and 5 (demand register): maximum demand and the
 * end of a billing period. Powers are long64 in mW: scaler -3, unit W. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define SCALER_MW (-3)
#define UNIT_W    27

wk_err wk_objects_put_time(const struct wk_rooms *rooms, struct wk_utc at,
                           struct wk_bytes_out *out)
{
    struct wk_datetime time;
    if (at.s == 0) { /* there was none yet: every field not specified */
        time = (struct wk_datetime){.year = WK_DATETIME_ANY_YEAR,
                                    .month = WK_DATETIME_ANY,
                                    .day = WK_DATETIME_ANY,
                                    .weekday = WK_DATETIME_ANY,
                                    .hour = WK_DATETIME_ANY,
                                    .minute = WK_DATETIME_ANY,
                                    .second = WK_DATETIME_ANY,
                                    .hundredths = WK_DATETIME_ANY,
                                    .deviation_min = WK_DATETIME_ANY_OFFSET,
                                    .status = WK_DATETIME_NO_STATUS};
    } else {
        WK_TRY(wk_datetime_of_utc(&rooms->clock.zone, at, 0, &time));
    }
    wk_datetime_put_axdr(out, &time);
    return WK_OK;
}

static void put_scaler_unit(struct wk_bytes_out *out)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_integer(out, SCALER_MW);
    wk_axdr_put_enum(out, UNIT_W);
}

/* ---- class 4: the maximum of a tariff; selector 0 = of all ------------------------------- */

static wk_err maximum_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t tariff = call->object->selector;
    const struct wk_demand_maximum *maximum =
        tariff == 0 ? &rooms->demand.highest
                    : &rooms->demand.maximum[(tariff - 1) % WK_TARIFF_COUNT];
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        wk_axdr_put_long64(out, wk_objects_primary(rooms, UNIT_W, maximum->power_mw));
        return WK_OK;
    case 3:
        put_scaler_unit(out);
        return WK_OK;
    case 4: /* status: sub-periods that were spoiled */
        wk_axdr_put_double_long_unsigned(out, rooms->demand.spoiled);
        return WK_OK;
    case 5:
        return wk_objects_put_time(rooms, maximum->at, out);
    default:
        return WK_E_UNSUPPORTED;
    }
}

const struct wk_object_class wk_objects_maximum = {.get = maximum_get};

/* ---- class 5: demand --------------------------------------------------------------------- */

static wk_err demand_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_demand *demand = &rooms->demand;
    const struct wk_utc begin = {
        demand->part_end.s != 0 ? demand->part_end.s - demand->rules.part_s : 0};
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case 2:
        wk_axdr_put_long64(out,
                           wk_objects_primary(rooms, UNIT_W, wk_demand_current_mw(demand)));
        return WK_OK;
    case 3:
        wk_axdr_put_long64(out, wk_objects_primary(rooms, UNIT_W, demand->last_mw));
        return WK_OK;
    case 4:
        put_scaler_unit(out);
        return WK_OK;
    case 5:
        wk_axdr_put_double_long_unsigned(out, demand->spoiled);
        return WK_OK;
    case 6: /* the last average was captured when the sub-period under way began */
    case 7:
        return wk_objects_put_time(rooms, begin, out);
    case 8:
        wk_axdr_put_double_long_unsigned(out, demand->rules.part_s);
        return WK_OK;
    case 9:
        wk_axdr_put_long_unsigned(out, demand->rules.parts);
        return WK_OK;
    default:
        return WK_E_UNSUPPORTED;
    }
}

const struct wk_object_class wk_objects_demand = {.get = demand_get};
