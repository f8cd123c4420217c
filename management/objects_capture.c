/* SPDX-License-Identifier: Apache-2.0 */
#include "management/objects_capture.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/counts.h"
#include "management/objects_buffer.h"

#define CLASS_DATA     1
#define CLASS_REGISTER 3
#define CLASS_EXTENDED 4
#define CLASS_DEMAND   5
#define CLASS_CLOCK    8
#define VALUE          2
#define LAST_AVERAGE   3 /* of class 5 */
#define CAPTURE_TIME   5 /* of class 4 */

/* Units of IEC 62056-6-2, table 4. */
enum { UNIT_A = 33, UNIT_V = 35 };

/* ---- columns ----------------------------------------------------------------------------- */

static wk_objects_capture_kind data_kind(const struct wk_object *object)
{
    static const struct {
        uint8_t selector;
        uint8_t kind;
    } k_data[] = {
        {WK_OBJECTS_PROFILE_STATUS, WK_OBJECTS_CAPTURE_STATUS},
        {WK_OBJECTS_PROFILE_STATUS_2, WK_OBJECTS_CAPTURE_STATUS_2},
        {WK_OBJECTS_ACTIVE_TARIFF, WK_OBJECTS_CAPTURE_TARIFF},
        {WK_OBJECTS_POWER_FAILURES, WK_OBJECTS_CAPTURE_FAILURES},
        {WK_OBJECTS_PERIODS, WK_OBJECTS_CAPTURE_PERIODS},
    };
    for (size_t i = 0; i < sizeof k_data / sizeof k_data[0]; i++) {
        if (object->access->functions == &wk_objects_data &&
            object->selector == k_data[i].selector) {
            return (wk_objects_capture_kind)k_data[i].kind;
        }
    }
    return WK_OBJECTS_CAPTURE_NONE;
}

static wk_objects_capture_kind kind_of(const struct wk_object *object, uint8_t attribute)
{
    switch (object->class_id) {
    case CLASS_DATA:
        return attribute == VALUE ? data_kind(object) : WK_OBJECTS_CAPTURE_NONE;
    case CLASS_REGISTER:
        return attribute == VALUE && object->access->functions == &wk_objects_register
                   ? WK_OBJECTS_CAPTURE_REGISTER
                   : WK_OBJECTS_CAPTURE_NONE;
    case CLASS_EXTENDED:
        return attribute == VALUE          ? WK_OBJECTS_CAPTURE_MAXIMUM
               : attribute == CAPTURE_TIME ? WK_OBJECTS_CAPTURE_MAXIMUM_AT
                                           : WK_OBJECTS_CAPTURE_NONE;
    case CLASS_DEMAND:
        return attribute == VALUE          ? WK_OBJECTS_CAPTURE_DEMAND
               : attribute == LAST_AVERAGE ? WK_OBJECTS_CAPTURE_DEMAND_LAST
                                           : WK_OBJECTS_CAPTURE_NONE;
    case CLASS_CLOCK:
        return attribute == VALUE ? WK_OBJECTS_CAPTURE_CLOCK : WK_OBJECTS_CAPTURE_NONE;
    default:
        return WK_OBJECTS_CAPTURE_NONE;
    }
}

wk_err wk_objects_capture_find(uint8_t phases, const struct wk_profile_column *column,
                               struct wk_objects_capture *capture)
{
    const struct wk_object *object = wk_objects_find(phases, column->class_id, column->obis);
    *capture = (struct wk_objects_capture){.kind = WK_OBJECTS_CAPTURE_NONE};
    if (object == NULL || column->class_id == 0) {
        return WK_E_NOT_FOUND;
    }
    capture->kind = kind_of(object, column->attribute);
    capture->selector = object->selector;
    return capture->kind != WK_OBJECTS_CAPTURE_NONE ? WK_OK : WK_E_UNSUPPORTED;
}

static bool is_same(const struct wk_profile_column *a, const struct wk_profile_column *b)
{
    return a->class_id == b->class_id && a->attribute == b->attribute &&
           memcmp(a->obis, b->obis, sizeof a->obis) == 0;
}

static wk_err check_column(uint8_t phases, const struct wk_profile_rules *rules, uint8_t index)
{
    struct wk_objects_capture capture;
    WK_TRY(wk_objects_capture_find(phases, &rules->column[index], &capture));
    if ((index == 0) != (capture.kind == WK_OBJECTS_CAPTURE_CLOCK)) {
        return WK_E_RANGE;
    }
    for (uint8_t before = 0; before < index; before++) {
        if (is_same(&rules->column[before], &rules->column[index])) {
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

wk_err wk_objects_capture_check(uint8_t phases, const struct wk_profile_rules *rules,
                                uint8_t *at)
{
    uint8_t unasked = 0;
    uint8_t *index = at != NULL ? at : &unasked;
    *index = WK_PROFILE_COLUMNS;
    WK_TRY(wk_profile_check(rules));
    for (uint8_t i = 0; i < rules->count; i++) {
        const wk_err err = check_column(phases, rules, i);
        if (err != WK_OK) {
            *index = i;
            return err;
        }
    }
    return WK_OK;
}

/* ---- capture ----------------------------------------------------------------------------- */

/* Means are those of the profile's own interval. */
static wk_err register_value(const struct wk_rooms *rooms, const struct wk_profile *profile,
                             uint32_t selector, int64_t *value)
{
    const struct wk_profile_open *open = &profile->open;
    switch (selector & 0xFFU) {
    case WK_OBJECTS_U_MEAN:
        *value = wk_objects_primary(rooms, UNIT_V, wk_profile_mean_mv(open, selector >> 8));
        return WK_OK;
    case WK_OBJECTS_I_MEAN:
        *value = wk_objects_primary(rooms, UNIT_A, wk_profile_mean_ma(open, selector >> 8));
        return WK_OK;
    default:
        return wk_objects_value(rooms, selector, value);
    }
}

static wk_err maximum_value(const struct wk_rooms *rooms,
                            const struct wk_objects_capture *capture, int64_t *value)
{
    struct wk_demand_maximum maximum;
    WK_TRY(wk_objects_maximum_of(rooms, capture->selector, &maximum));
    *value = capture->kind == WK_OBJECTS_CAPTURE_MAXIMUM ? maximum.power_mw : maximum.at.s;
    return maximum.at.s != 0 || capture->kind == WK_OBJECTS_CAPTURE_MAXIMUM ? WK_OK : WK_E_BUSY;
}

static wk_err value_of(const struct wk_rooms *rooms, const struct wk_profile *profile,
                       const struct wk_objects_capture *capture, int64_t *value)
{
    switch (capture->kind) {
    case WK_OBJECTS_CAPTURE_TARIFF:
        *value = rooms->tariff.current;
        return WK_OK;
    case WK_OBJECTS_CAPTURE_FAILURES:
        *value = wk_rooms_failures(rooms, WK_COUNTS_ANY);
        return WK_OK;
    case WK_OBJECTS_CAPTURE_PERIODS:
        *value = rooms->billing.number;
        return WK_OK;
    case WK_OBJECTS_CAPTURE_REGISTER:
        return register_value(rooms, profile, capture->selector, value);
    case WK_OBJECTS_CAPTURE_MAXIMUM:
    case WK_OBJECTS_CAPTURE_MAXIMUM_AT:
        return maximum_value(rooms, capture, value);
    case WK_OBJECTS_CAPTURE_DEMAND:
    case WK_OBJECTS_CAPTURE_DEMAND_LAST:
        return wk_objects_average_of(rooms, capture->selector,
                                     capture->kind == WK_OBJECTS_CAPTURE_DEMAND_LAST, value);
    case WK_OBJECTS_CAPTURE_CLOCK:
    case WK_OBJECTS_CAPTURE_STATUS:
    case WK_OBJECTS_CAPTURE_STATUS_2:
    case WK_OBJECTS_CAPTURE_NONE:
    default:
        return WK_E_NOT_FOUND;
    }
}

void wk_objects_capture_row(const struct wk_rooms *rooms, const struct wk_profile *profile,
                            struct wk_profile_row *row)
{
    const struct wk_profile_rules *rules = &profile->rules;
    memset(row, 0, sizeof *row);
    for (uint8_t i = 0; i < rules->count; i++) {
        struct wk_objects_capture capture;
        int64_t value = 0;
        const bool has = wk_objects_capture_find(rooms->identity.phases, &rules->column[i],
                                                 &capture) == WK_OK &&
                         value_of(rooms, profile, &capture, &value) == WK_OK;
        row->value[i] = has ? value : 0;
        row->absent |= has ? 0 : 1U << i;
    }
}

/* ---- on the wire ------------------------------------------------------------------------- */

void wk_objects_capture_put_clock(const struct wk_rooms *rooms,
                                  const struct wk_profile_row *row, struct wk_bytes_out *out)
{
    const bool invalid = (row->status & WK_PROFILE_CLOCK_INVALID) != 0;
    wk_objects_buffer_put_clock(out, &rooms->clock, row->end,
                                invalid ? WK_DATETIME_INVALID : 0);
}

static void put_value(const struct wk_rooms *rooms, const struct wk_objects_capture *capture,
                      int64_t value, struct wk_bytes_out *out)
{
    switch (capture->kind) {
    case WK_OBJECTS_CAPTURE_TARIFF:
        wk_axdr_put_unsigned(out, (uint8_t)value);
        break;
    case WK_OBJECTS_CAPTURE_FAILURES:
    case WK_OBJECTS_CAPTURE_PERIODS:
        wk_axdr_put_double_long_unsigned(out, (uint32_t)value);
        break;
    case WK_OBJECTS_CAPTURE_REGISTER:
        wk_objects_put_value(capture->selector, value, out);
        break;
    case WK_OBJECTS_CAPTURE_MAXIMUM_AT:
        wk_objects_buffer_put_clock(out, &rooms->clock, (struct wk_utc){value}, 0);
        break;
    case WK_OBJECTS_CAPTURE_MAXIMUM:
    case WK_OBJECTS_CAPTURE_DEMAND:
    case WK_OBJECTS_CAPTURE_DEMAND_LAST:
        wk_axdr_put_long64(out, value);
        break;
    case WK_OBJECTS_CAPTURE_CLOCK:
    case WK_OBJECTS_CAPTURE_STATUS:
    case WK_OBJECTS_CAPTURE_STATUS_2:
    case WK_OBJECTS_CAPTURE_NONE:
    default:
        wk_axdr_put_null(out);
        break;
    }
}

void wk_objects_capture_put(const struct wk_rooms *rooms,
                            const struct wk_objects_capture *capture,
                            const struct wk_profile_row *row, uint8_t index,
                            struct wk_bytes_out *out)
{
    if (capture->kind == WK_OBJECTS_CAPTURE_CLOCK) {
        wk_objects_capture_put_clock(rooms, row, out);
    } else if (capture->kind == WK_OBJECTS_CAPTURE_STATUS) {
        wk_axdr_put_unsigned(out, (uint8_t)row->status);
    } else if (capture->kind == WK_OBJECTS_CAPTURE_STATUS_2) {
        wk_axdr_put_unsigned(out, (uint8_t)(row->status >> 8));
    } else if ((row->absent >> index & 1U) != 0) {
        wk_axdr_put_null(out);
    } else {
        put_value(rooms, capture, row->value[index], out);
    }
}
