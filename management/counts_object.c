/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts, durations and times of management/counts (classes 1 and 3). The selector is a quantity,
 * with a phase, place or kind times 256. */
#include "cosem/axdr.h"
#include "management/counts.h"
#include "management/objects.h"

#define SCALER_UNIT 3
#define US_PER_S    INT64_C(1000000)
#define S_PER_MIN   60

/* Units of IEC 62056-6-2, table 4. */
enum { UNIT_MINUTE = 6, UNIT_SECOND = 7, UNIT_V = 35, UNIT_COUNT = 255 };

struct form {
    uint8_t selector;
    bool is_time;
    int8_t scaler;
    uint8_t unit;
};

static const struct form k_forms[] = {
    {WK_OBJECTS_SAG_NUMBER, false, 0, UNIT_COUNT},
    {WK_OBJECTS_SAG_DURATION, false, -3, UNIT_SECOND},
    {WK_OBJECTS_SAG_MAGNITUDE, false, -3, UNIT_V},
    {WK_OBJECTS_SWELL_NUMBER, false, 0, UNIT_COUNT},
    {WK_OBJECTS_SWELL_DURATION, false, -3, UNIT_SECOND},
    {WK_OBJECTS_SWELL_MAGNITUDE, false, -3, UNIT_V},
    {WK_OBJECTS_THRESHOLD, false, -3, UNIT_V},
    {WK_OBJECTS_LEAST, false, -3, UNIT_SECOND},
    {WK_OBJECTS_OUTAGE_NUMBER, false, 0, UNIT_COUNT},
    {WK_OBJECTS_OUTAGE_LONGS, false, 0, UNIT_COUNT},
    {WK_OBJECTS_OUTAGE_TIME, true, 0, UNIT_COUNT},
    {WK_OBJECTS_OUTAGE_LONG, false, 0, UNIT_SECOND},
    {WK_OBJECTS_AWAY, false, 0, UNIT_MINUTE},
    {WK_OBJECTS_RUNNING, false, 0, UNIT_MINUTE},
    {WK_OBJECTS_TAMPER_NUMBER, false, 0, UNIT_COUNT},
    {WK_OBJECTS_TAMPER_TIME, true, 0, UNIT_COUNT},
    {WK_OBJECTS_TAMPER_NOW, false, 0, UNIT_SECOND},
    {WK_OBJECTS_TAMPER_SPAN, false, 0, UNIT_SECOND},
    {WK_OBJECTS_TAMPERS, false, 0, UNIT_COUNT},
    {WK_OBJECTS_CHANGES, false, 0, UNIT_COUNT},
    {WK_OBJECTS_CHANGE_TIME, true, 0, UNIT_COUNT},
};

static const struct form *form_of(uint32_t quantity)
{
    for (size_t i = 0; i < sizeof k_forms / sizeof k_forms[0]; i++) {
        if (k_forms[i].selector == quantity) {
            return &k_forms[i];
        }
    }
    return NULL;
}

static void put_scaler(struct wk_bytes_out *out, int8_t scaler, uint8_t unit)
{
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_integer(out, scaler);
    wk_axdr_put_enum(out, unit);
}

/* ---- values ------------------------------------------------------------------------------ */

static int64_t voltage_value(const struct wk_counts *counts, uint32_t quantity, uint32_t phase)
{
    const struct wk_counts_voltage *sag = &counts->sag[phase % WK_RECORD_PHASES];
    const struct wk_counts_voltage *swell = &counts->swell[phase % WK_RECORD_PHASES];
    switch (quantity) {
    case WK_OBJECTS_SAG_NUMBER:
        return sag->number;
    case WK_OBJECTS_SAG_DURATION:
        return sag->last_ms;
    case WK_OBJECTS_SAG_MAGNITUDE:
        return sag->last_extreme_mv;
    case WK_OBJECTS_SWELL_NUMBER:
        return swell->number;
    case WK_OBJECTS_SWELL_DURATION:
        return swell->last_ms;
    case WK_OBJECTS_SWELL_MAGNITUDE:
    default:
        return swell->last_extreme_mv;
    }
}

static int64_t outage_value(const struct wk_rooms *rooms, uint32_t quantity, uint32_t index)
{
    const wk_counts_where where = (wk_counts_where)(index % WK_COUNTS_PLACES);
    const struct wk_counts_outage *outage = &rooms->counts->outage[where];
    switch (quantity) {
    case WK_OBJECTS_OUTAGE_NUMBER:
        return wk_rooms_failures(rooms, (uint8_t)where);
    case WK_OBJECTS_OUTAGE_LONGS:
        return outage->longs;
    case WK_OBJECTS_OUTAGE_TIME:
        return outage->last_s;
    case WK_OBJECTS_OUTAGE_LONG:
    default:
        return outage->last_long_s;
    }
}

/* Metrology's time is set by nobody: what passed of it, without what it was away. */
static int64_t running_min(const struct wk_rooms *rooms)
{
    const struct wk_counts *counts = rooms->counts;
    const int64_t since_s = rooms->t_us / US_PER_S - counts->begin_s - counts->away_s;
    return counts->begin_s != 0 && since_s > 0 ? since_s / S_PER_MIN : 0;
}

static int64_t tamper_value(const struct wk_object_call *call, uint32_t quantity, uint32_t kind)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_counts *counts = rooms->counts;
    const struct wk_counts_tamper *tamper = &counts->tamper[kind % WK_TAMPER_KINDS];
    const uint32_t now_s = wk_counts_tamper_now_s(
        counts, (wk_tamper_kind)(kind % WK_TAMPER_KINDS), call->now_us / US_PER_S);
    switch (quantity) {
    case WK_OBJECTS_TAMPER_NUMBER:
        return tamper->number;
    case WK_OBJECTS_TAMPER_TIME:
        return tamper->last_s;
    case WK_OBJECTS_TAMPER_NOW:
        return now_s;
    case WK_OBJECTS_TAMPER_SPAN:
    default:
        return (int64_t)tamper->span_s + now_s;
    }
}

static uint32_t tampers(const struct wk_counts *counts)
{
    uint32_t sum = 0;
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        sum += counts->tamper[kind].number;
    }
    return sum;
}

static int64_t value_of(const struct wk_object_call *call, uint32_t quantity, uint32_t index)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_counts *counts = rooms->counts;
    switch (quantity) {
    case WK_OBJECTS_THRESHOLD:
        return wk_counts_threshold_mv(counts,
                                      (wk_counts_threshold)(index % WK_COUNTS_THRESHOLDS));
    case WK_OBJECTS_LEAST:
        return counts->least_ms[index % WK_COUNTS_LEASTS];
    case WK_OBJECTS_AWAY:
        return counts->away_s / S_PER_MIN;
    case WK_OBJECTS_RUNNING:
        return running_min(rooms);
    case WK_OBJECTS_TAMPERS:
        return tampers(counts);
    case WK_OBJECTS_CHANGES:
        return counts->changes;
    case WK_OBJECTS_CHANGE_TIME:
        return counts->change_s;
    default:
        break;
    }
    if (quantity <= WK_OBJECTS_SWELL_MAGNITUDE) {
        return voltage_value(counts, quantity, index);
    }
    return quantity <= WK_OBJECTS_OUTAGE_LONG ? outage_value(rooms, quantity, index)
                                              : tamper_value(call, quantity, index);
}

static wk_err counts_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t quantity = call->object->selector & 0xFFU;
    const struct form *form = form_of(quantity);
    (void)selection;
    (void)cursor;
    if (form == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (attribute == SCALER_UNIT) {
        put_scaler(out, form->scaler, form->unit);
        return WK_OK;
    }
    const int64_t value = wk_objects_primary(
        rooms, form->unit, value_of(call, quantity, call->object->selector >> 8));
    if (form->is_time) {
        return wk_objects_put_time(rooms, (struct wk_utc){value}, out);
    }
    wk_axdr_put_double_long_unsigned(out, (uint32_t)(value < UINT32_MAX ? value : UINT32_MAX));
    return WK_OK;
}

static wk_err counts_set(const struct wk_object_call *call, uint8_t attribute,
                         struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t selector = call->object->selector;
    (void)attribute;
    const int64_t least_ms = wk_axdr_read_integer(value, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(value));
    if ((selector & 0xFFU) != WK_OBJECTS_LEAST) {
        return WK_E_UNSUPPORTED;
    }
    if (least_ms > WK_COUNTS_LEAST_MOST_MS) {
        return WK_E_RANGE;
    }
    rooms->counts->least_ms[(selector >> 8) % WK_COUNTS_LEASTS] = (uint32_t)least_ms;
    wk_objects_tell(call, WK_ROOMS_COUNTS_SET, (int32_t)(selector >> 8));
    return WK_OK;
}

const struct wk_object_class wk_counts_object = {.get = counts_get, .set = counts_set};
