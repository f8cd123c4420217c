/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 4 (extended register) and 5 (demand register): maximum demand and the
 * end of a billing period. Powers are long64 in mW, mvar, mVA: scaler -3. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"
#include "management/quantities.h"

#define SCALER_MILLI (-3)
#define OF_ALL       0xFFU /* of a selector: the tariff, 0: of all */
#define C_ACTIVE     2     /* value groups C up to this one: active, then reactive, apparent */
#define C_REACTIVE   8

/* Units of IEC 62056-6-2, table 4. */
enum { UNIT_W = 27, UNIT_VA = 28, UNIT_VAR = 29 };

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

/* ---- which demand: the selector is a tariff, and value group C times 256 (0: active import) --- */

static const struct wk_demand *demand_of(const struct wk_rooms *rooms, uint32_t selector)
{
    if (selector >> 8 == 0) {
        return &rooms->demand;
    }
    return rooms->quantities != NULL
               ? rooms->quantities->functions->demand_of(rooms, selector >> 8)
               : NULL;
}

static uint8_t unit_of(uint32_t selector)
{
    const uint32_t c = selector >> 8;
    return c <= C_ACTIVE ? UNIT_W : c <= C_REACTIVE ? UNIT_VAR : UNIT_VA;
}

wk_err wk_objects_maximum_of(const struct wk_rooms *rooms, uint32_t selector,
                             struct wk_demand_maximum *maximum)
{
    const struct wk_demand *demand = demand_of(rooms, selector);
    const uint32_t tariff = selector & OF_ALL;
    if (demand == NULL) {
        return WK_E_NOT_FOUND;
    }
    *maximum = tariff == 0 ? demand->highest : demand->maximum[(tariff - 1) % WK_TARIFF_COUNT];
    maximum->power_mw = wk_objects_primary(rooms, unit_of(selector), maximum->power_mw);
    return WK_OK;
}

wk_err wk_objects_average_of(const struct wk_rooms *rooms, uint32_t selector, bool last,
                             int64_t *power_mw)
{
    const struct wk_demand *demand = demand_of(rooms, selector);
    const uint8_t tariff = (uint8_t)selector;
    if (demand == NULL) {
        return WK_E_NOT_FOUND;
    }
    const int64_t mw =
        tariff != 0
            ? rooms->quantities->functions->average_mw(rooms, selector >> 8, tariff, last)
        : last ? demand->last_mw
               : wk_demand_current_mw(demand);
    *power_mw = wk_objects_primary(rooms, unit_of(selector), mw);
    return WK_OK;
}

static void put_scaler_unit(struct wk_bytes_out *out, uint32_t selector)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_integer(out, SCALER_MILLI);
    wk_axdr_put_enum(out, unit_of(selector));
}

/* ---- class 4: the maximum ---------------------------------------------------------------- */

static wk_err maximum_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t selector = call->object->selector;
    struct wk_demand_maximum maximum;
    (void)selection;
    (void)cursor;
    WK_TRY(wk_objects_maximum_of(rooms, selector, &maximum));
    switch (attribute) {
    case 2:
        wk_axdr_put_long64(out, maximum.power_mw);
        return WK_OK;
    case 3:
        put_scaler_unit(out, selector);
        return WK_OK;
    case 4: /* status: sub-periods that were spoiled */
        wk_axdr_put_double_long_unsigned(out, demand_of(rooms, selector)->spoiled);
        return WK_OK;
    case 5:
        return wk_objects_put_time(rooms, maximum.at, out);
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
    const uint32_t selector = call->object->selector;
    const struct wk_demand *demand = demand_of(rooms, selector);
    int64_t power_mw;
    (void)selection;
    (void)cursor;
    WK_TRY(wk_objects_average_of(rooms, selector, attribute == 3, &power_mw));
    switch (attribute) {
    case 2:
    case 3:
        wk_axdr_put_long64(out, power_mw);
        return WK_OK;
    case 4:
        put_scaler_unit(out, selector);
        return WK_OK;
    case 5:
        wk_axdr_put_double_long_unsigned(out, demand->spoiled);
        return WK_OK;
    case 6: /* the last average was captured when the sub-period under way began */
    case 7:
        return wk_objects_put_time(
            rooms,
            (struct wk_utc){demand->part_end.s != 0 ? demand->part_end.s - demand->rules.part_s
                                                    : 0},
            out);
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
