/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes 1 (data), 3 (register) and 17 (SAP assignment). */
#include <string.h>

#include "cosem/axdr.h"
#include "management/counts.h"
#include "management/objects.h"
#include "management/payment.h"
#include "management/quantities.h"

#define FIRST_CURRENT 4 /* of the pairs of angles */

/* Units of IEC 62056-6-2, table 4. */
enum {
    UNIT_DAY = 4,
    UNIT_DEGREE = 8,
    UNIT_CURRENCY = 10,
    UNIT_W = 27,
    UNIT_VA = 28,
    UNIT_VAR = 29,
    UNIT_WH = 30,
    UNIT_VAH = 31,
    UNIT_VARH = 32,
    UNIT_A = 33,
    UNIT_V = 35,
    UNIT_HZ = 44,
    UNIT_PERCENT = 56,
    UNIT_NONE = 255,
};

/* How a quantity goes on the wire. */
struct quantity {
    uint8_t selector;
    uint8_t tag;
    int8_t scaler;
    uint8_t unit;
};

static const struct quantity k_quantities[] = {
    {WK_OBJECTS_IMPORT, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_EXPORT, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_REACTIVE_IMPORT, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_REACTIVE_EXPORT, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_QUADRANT, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_IMPORT_TARIFF, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_EXPORT_TARIFF, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_QUADRANT_TARIFF, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_BLOCK, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_CUMULATIVE, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_IMPORT_PHASE, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_EXPORT_PHASE, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_IMPORT1, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_EXPORT1, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_APPARENT_IMPORT, WK_AXDR_LONG64, -6, UNIT_VAH},
    {WK_OBJECTS_APPARENT_EXPORT, WK_AXDR_LONG64, -6, UNIT_VAH},
    {WK_OBJECTS_WITHHELD_IMPORT, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_WITHHELD_EXPORT, WK_AXDR_LONG64, -6, UNIT_WH},
    {WK_OBJECTS_P_IMPORT, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_P_EXPORT, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_Q_IMPORT, WK_AXDR_LONG64, -3, UNIT_VAR},
    {WK_OBJECTS_Q_EXPORT, WK_AXDR_LONG64, -3, UNIT_VAR},
    {WK_OBJECTS_S, WK_AXDR_LONG64, -3, UNIT_VA},
    {WK_OBJECTS_PF, WK_AXDR_LONG, -3, UNIT_NONE},
    {WK_OBJECTS_FREQUENCY, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_HZ},
    {WK_OBJECTS_U, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_V},
    {WK_OBJECTS_I, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_A},
    {WK_OBJECTS_I_NEUTRAL, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_A},
    {WK_OBJECTS_P_PHASE, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_Q_PHASE, WK_AXDR_LONG64, -3, UNIT_VAR},
    {WK_OBJECTS_PF_PHASE, WK_AXDR_LONG, -3, UNIT_NONE},
    {WK_OBJECTS_ANGLE, WK_AXDR_DOUBLE_LONG, -3, UNIT_DEGREE},
    {WK_OBJECTS_U_MEAN, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_V},
    {WK_OBJECTS_I_MEAN, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_A},
    {WK_OBJECTS_U_THD, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_PERCENT},
    {WK_OBJECTS_I_THD, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_PERCENT},
    {WK_OBJECTS_PST, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_NONE},
    {WK_OBJECTS_UNBALANCE, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_PERCENT},
    {WK_OBJECTS_I_MOST, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_A},
    {WK_OBJECTS_P_NET, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_S_PHASE, WK_AXDR_LONG64, -3, UNIT_VA},
    {WK_OBJECTS_P_IMPORT_PHASE, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_P_EXPORT_PHASE, WK_AXDR_LONG64, -3, UNIT_W},
    {WK_OBJECTS_Q_EXPORT_PHASE, WK_AXDR_LONG64, -3, UNIT_VAR},
    {WK_OBJECTS_S_EXPORT_PHASE, WK_AXDR_LONG64, -3, UNIT_VA},
    {WK_OBJECTS_REACTIVE_TARIFF, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_I_SUM, WK_AXDR_DOUBLE_LONG_UNSIGNED, -3, UNIT_A},
    {WK_OBJECTS_APPARENT_TARIFF, WK_AXDR_LONG64, -6, UNIT_VAH},
    {WK_OBJECTS_REACTIVE_PHASE, WK_AXDR_LONG64, -6, UNIT_VARH},
    {WK_OBJECTS_APPARENT_PHASE, WK_AXDR_LONG64, -6, UNIT_VAH},
    {WK_OBJECTS_CREDIT, WK_AXDR_LONG64, -6, UNIT_CURRENCY},
    {WK_OBJECTS_CREDIT_DAYS, WK_AXDR_DOUBLE_LONG, 0, UNIT_DAY},
};

static const struct quantity *quantity_of(uint32_t selector)
{
    for (size_t i = 0; i < sizeof k_quantities / sizeof k_quantities[0]; i++) {
        if (k_quantities[i].selector == (selector & 0xFFU)) {
            return &k_quantities[i];
        }
    }
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------ */

static int64_t sum(const int64_t *values)
{
    return values[0] + values[1] + values[2];
}

static int64_t positive(int64_t value)
{
    return value > 0 ? value : 0;
}

static int64_t pf_e3(const struct wk_record_window *window)
{
    const int64_t s_mva = sum(window->s_mva);
    return s_mva > 0 ? sum(window->p_mw) * 1000 / s_mva : 0;
}

/* IEC 62056-6-1, 1.0.81.7.e: 0 to 2 are voltages, 4 to 6 currents. */
static int64_t angle_mdeg(const struct wk_record_window *window, uint32_t pair)
{
    const uint32_t of = pair / 10;
    const int32_t of_mdeg = of < FIRST_CURRENT ? window->u_mdeg[of % WK_RECORD_PHASES]
                                               : window->i_mdeg[of % FIRST_CURRENT];
    int32_t angle = (of_mdeg - window->u_mdeg[pair % 10 % WK_RECORD_PHASES]) % 360000;
    angle += angle > 180000 ? -360000 : 0;
    return angle + (angle < -180000 ? 360000 : 0);
}

static wk_err more_energy_value(const struct wk_registers *registers, uint32_t quantity,
                                int64_t *value)
{
    switch (quantity) {
    case WK_OBJECTS_IMPORT1:
        *value = registers->import1_uwh;
        return WK_OK;
    case WK_OBJECTS_EXPORT1:
        *value = registers->export1_uwh;
        return WK_OK;
    case WK_OBJECTS_APPARENT_IMPORT:
        *value = registers->import_uvah;
        return WK_OK;
    case WK_OBJECTS_APPARENT_EXPORT:
        *value = registers->export_uvah;
        return WK_OK;
    case WK_OBJECTS_WITHHELD_IMPORT:
        *value = registers->withheld_import_uwh;
        return WK_OK;
    case WK_OBJECTS_WITHHELD_EXPORT:
        *value = registers->withheld_export_uwh;
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

/* IEC 62056-6-1: import is quadrants I and II. */
static int64_t reactive_of(const struct wk_registers_rate *rate, bool import)
{
    return import ? rate->q_uvarh[0] + rate->q_uvarh[1] : rate->q_uvarh[2] + rate->q_uvarh[3];
}

static wk_err energy_value(const struct wk_registers *registers, uint32_t quantity,
                           uint32_t index, int64_t *value)
{
    switch (quantity) {
    case WK_OBJECTS_IMPORT:
        *value = registers->import_uwh;
        return WK_OK;
    case WK_OBJECTS_EXPORT:
        *value = registers->export_uwh;
        return WK_OK;
    case WK_OBJECTS_REACTIVE_IMPORT:
        *value = wk_registers_reactive_import_uvarh(registers);
        return WK_OK;
    case WK_OBJECTS_REACTIVE_EXPORT:
        *value = wk_registers_reactive_export_uvarh(registers);
        return WK_OK;
    case WK_OBJECTS_QUADRANT:
        *value = registers->q_uvarh[index % 4];
        return WK_OK;
    case WK_OBJECTS_IMPORT_TARIFF:
        *value = registers->rate[index % WK_TARIFF_COUNT].import_uwh;
        return WK_OK;
    case WK_OBJECTS_EXPORT_TARIFF:
        *value = registers->rate[index % WK_TARIFF_COUNT].export_uwh;
        return WK_OK;
    case WK_OBJECTS_QUADRANT_TARIFF:
        *value = registers->rate[index % WK_TARIFF_COUNT].q_uvarh[index / WK_TARIFF_COUNT % 4];
        return WK_OK;
    case WK_OBJECTS_REACTIVE_TARIFF:
        *value = reactive_of(&registers->rate[index % WK_TARIFF_COUNT],
                             index / WK_TARIFF_COUNT == 0);
        return WK_OK;
    case WK_OBJECTS_BLOCK:
        *value = registers->rate[index / WK_REGISTERS_BLOCKS % WK_TARIFF_COUNT]
                     .block_uwh[index % WK_REGISTERS_BLOCKS];
        return WK_OK;
    case WK_OBJECTS_IMPORT_PHASE:
        *value = registers->import_phase_uwh[index % WK_RECORD_PHASES];
        return WK_OK;
    case WK_OBJECTS_EXPORT_PHASE:
        *value = registers->export_phase_uwh[index % WK_RECORD_PHASES];
        return WK_OK;
    default:
        return more_energy_value(registers, quantity, value);
    }
}

static int64_t largest(const int64_t *values)
{
    const int64_t most = values[0] > values[1] ? values[0] : values[1];
    return most > values[2] ? most : values[2];
}

static wk_err total_value(const struct wk_record_window *window, uint32_t quantity,
                          uint32_t index, int64_t *value)
{
    switch (quantity) {
    case WK_OBJECTS_ANGLE:
        *value = angle_mdeg(window, index);
        return WK_OK;
    case WK_OBJECTS_P_IMPORT:
        *value = positive(sum(window->p_mw));
        return WK_OK;
    case WK_OBJECTS_P_EXPORT:
        *value = positive(-sum(window->p_mw));
        return WK_OK;
    case WK_OBJECTS_Q_IMPORT:
        *value = positive(sum(window->q1_mvar));
        return WK_OK;
    case WK_OBJECTS_Q_EXPORT:
        *value = positive(-sum(window->q1_mvar));
        return WK_OK;
    case WK_OBJECTS_S:
        *value = sum(window->s_mva);
        return WK_OK;
    case WK_OBJECTS_PF:
        *value = pf_e3(window);
        return WK_OK;
    case WK_OBJECTS_FREQUENCY:
        *value = window->frequency_uhz / 1000;
        return WK_OK;
    case WK_OBJECTS_I_NEUTRAL:
        *value = window->i_ua[WK_RECORD_PHASES] / 1000;
        return WK_OK;
    case WK_OBJECTS_I_MOST:
        *value = largest(window->i_ua) / 1000;
        return WK_OK;
    case WK_OBJECTS_I_SUM:
        *value = sum(window->i_ua) / 1000;
        return WK_OK;
    case WK_OBJECTS_P_NET:
        *value = positive(sum(window->p_mw)) + positive(-sum(window->p_mw));
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err phase_value(const struct wk_record_window *window, uint32_t quantity,
                          uint32_t phase, int64_t *value)
{
    switch (quantity) {
    case WK_OBJECTS_U:
        *value = window->u_mv[phase];
        return WK_OK;
    case WK_OBJECTS_I:
        *value = window->i_ua[phase] / 1000;
        return WK_OK;
    case WK_OBJECTS_P_PHASE:
        *value = window->p_mw[phase];
        return WK_OK;
    case WK_OBJECTS_Q_PHASE:
        *value = window->q1_mvar[phase];
        return WK_OK;
    case WK_OBJECTS_S_PHASE:
        *value = window->s_mva[phase];
        return WK_OK;
    case WK_OBJECTS_S_EXPORT_PHASE:
        *value = window->p_mw[phase] < 0 ? window->s_mva[phase] : 0;
        return WK_OK;
    case WK_OBJECTS_P_IMPORT_PHASE:
        *value = positive(window->p_mw[phase]);
        return WK_OK;
    case WK_OBJECTS_P_EXPORT_PHASE:
        *value = positive(-window->p_mw[phase]);
        return WK_OK;
    case WK_OBJECTS_Q_EXPORT_PHASE:
        *value = positive(-window->q1_mvar[phase]);
        return WK_OK;
    case WK_OBJECTS_PF_PHASE:
        *value = window->pf_e6[phase] / 1000;
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err mean_value(const struct wk_profile_open *open, uint32_t quantity, uint32_t phase,
                         int64_t *value)
{
    if (quantity != WK_OBJECTS_U_MEAN && quantity != WK_OBJECTS_I_MEAN) {
        return WK_E_NOT_FOUND;
    }
    *value = quantity == WK_OBJECTS_U_MEAN ? wk_profile_mean_mv(open, phase)
                                           : wk_profile_mean_ma(open, phase);
    return WK_OK;
}

static int64_t scaled(float value, float factor)
{
    return (int64_t)(value * factor + 0.5F);
}

/* Power quality: of an interval that is over; BUSY until there is one. */
static wk_err quality_value(const struct wk_rooms *rooms, uint32_t quantity, uint32_t phase,
                            int64_t *value)
{
    const struct wk_rooms_quality *quality = &rooms->quality;
    const bool is_pst = quantity == WK_OBJECTS_PST;
    switch (quantity) {
    case WK_OBJECTS_U_THD:
        *value = scaled(quality->three_s.u_thd[phase], 1e5F);
        break;
    case WK_OBJECTS_I_THD:
        *value = scaled(quality->three_s.i_thd[phase], 1e5F);
        break;
    case WK_OBJECTS_PST:
        *value = scaled(quality->ten_min.pst[phase], 1e3F);
        break;
    case WK_OBJECTS_UNBALANCE:
        *value = scaled(quality->three_s.u2, 1e5F);
        break;
    default:
        return WK_E_NOT_FOUND;
    }
    const uint32_t blocks = is_pst ? quality->ten_min.windows : quality->three_s.windows;
    return blocks > 0 ? WK_OK : WK_E_BUSY;
}

static wk_err cumulative_value(const struct wk_demand *demand, uint32_t quantity,
                               uint32_t index, int64_t *value)
{
    if (quantity != WK_OBJECTS_CUMULATIVE) {
        return WK_E_NOT_FOUND;
    }
    *value = index == 0 ? demand->cumulative_all_mw
                        : demand->cumulative_mw[(index - 1) % WK_TARIFF_COUNT];
    return WK_OK;
}

static wk_err payment_value(const struct wk_rooms *rooms, uint32_t quantity, uint32_t index,
                            int64_t *value)
{
    if (quantity != WK_OBJECTS_CREDIT && quantity != WK_OBJECTS_CREDIT_DAYS) {
        return WK_E_NOT_FOUND;
    }
    const uint32_t figure = quantity == WK_OBJECTS_CREDIT ? index : WK_PAYMENT_DAYS;
    return rooms->payment == NULL ? WK_E_BUSY
                                  : rooms->payment->functions->figure(rooms, figure, value);
}

static wk_err terminal_value(const struct wk_rooms *rooms, const struct wk_record *window,
                             uint32_t selector, int64_t *value)
{
    const uint32_t quantity = selector & 0xFFU;
    const uint32_t index = selector >> 8;
    wk_err err = energy_value(&rooms->registers, quantity, index, value);
    if (err == WK_E_NOT_FOUND) {
        err = cumulative_value(&rooms->demand, quantity, index, value);
    }
    if (err == WK_E_NOT_FOUND) {
        err = payment_value(rooms, quantity, index, value);
    }
    if (err == WK_E_NOT_FOUND && rooms->quantities != NULL) {
        err = rooms->quantities->functions->value(rooms->quantities, quantity, index, value);
    }
    if (err == WK_E_NOT_FOUND) {
        err = quality_value(rooms, quantity, index % WK_RECORD_PHASES, value);
    }
    if (err == WK_E_NOT_FOUND) {
        err = mean_value(&rooms->profile[WK_ROOMS_PROFILE_1].open, quantity,
                         index % WK_RECORD_PHASES, value);
    }
    if (err != WK_E_NOT_FOUND) {
        return err;
    }
    if (window->kind != WK_RECORD_WINDOW) {
        return WK_E_BUSY;
    }
    err = total_value(&window->window, quantity, index, value);
    return err != WK_E_NOT_FOUND
               ? err
               : phase_value(&window->window, quantity, index % WK_RECORD_PHASES, value);
}

wk_err wk_objects_value_in(const struct wk_rooms *rooms, const struct wk_record *window,
                           uint32_t selector, int64_t *value)
{
    const struct quantity *quantity = quantity_of(selector);
    if (quantity == NULL) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(terminal_value(rooms, window, selector, value));
    *value = wk_objects_primary(rooms, quantity->unit, *value);
    return WK_OK;
}

wk_err wk_objects_value(const struct wk_rooms *rooms, uint32_t selector, int64_t *value)
{
    return wk_objects_value_in(rooms, &rooms->live, selector, value);
}

wk_err wk_objects_scale(uint32_t selector, int8_t *scaler, uint8_t *unit)
{
    const struct quantity *quantity = quantity_of(selector);
    if (quantity == NULL) {
        return WK_E_NOT_FOUND;
    }
    *scaler = quantity->scaler;
    *unit = quantity->unit;
    return WK_OK;
}

/* ---- class 3 ----------------------------------------------------------------------------- */

static void put_tagged(struct wk_bytes_out *out, uint8_t tag, int64_t value)
{
    switch (tag) {
    case WK_AXDR_LONG:
        wk_axdr_put_long(out, (int16_t)value);
        break;
    case WK_AXDR_DOUBLE_LONG:
        wk_axdr_put_double_long(out, (int32_t)value);
        break;
    case WK_AXDR_DOUBLE_LONG_UNSIGNED:
        wk_axdr_put_double_long_unsigned(out,
                                         value > UINT32_MAX ? UINT32_MAX : (uint32_t)value);
        break;
    default:
        wk_axdr_put_long64(out, value);
        break;
    }
}

void wk_objects_put_value(uint32_t selector, int64_t value, struct wk_bytes_out *out)
{
    const struct quantity *quantity = quantity_of(selector);
    put_tagged(out, quantity != NULL ? quantity->tag : (uint8_t)WK_AXDR_LONG64, value);
}

static wk_err register_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    (void)selection;
    (void)cursor;
    const struct quantity *quantity = quantity_of(call->object->selector);
    if (quantity == NULL) {
        return WK_E_NOT_FOUND;
    }
    if (attribute == 3) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_integer(out, quantity->scaler);
        wk_axdr_put_enum(out, quantity->unit);
        return WK_OK;
    }
    int64_t value;
    WK_TRY(wk_objects_value(call->meter, call->object->selector, &value));
    put_tagged(out, quantity->tag, value);
    return WK_OK;
}

const struct wk_object_class wk_objects_register = {.get = register_get};

/* ---- class 1 ----------------------------------------------------------------------------- */

static void put_text(struct wk_bytes_out *out, const char *text)
{
    wk_axdr_put_octet_string(out, text, strlen(text));
}

static wk_err data_get(const struct wk_object_call *call, uint8_t attribute,
                       const struct wk_object_selection *selection,
                       struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    switch (call->object->selector) {
    case WK_OBJECTS_LOGICAL_NAME:
        put_text(out, rooms->identity.logical_name);
        return WK_OK;
    case WK_OBJECTS_SERIAL:
        put_text(out, rooms->identity.serial);
        return WK_OK;
    case WK_OBJECTS_FIRMWARE:
        put_text(out, rooms->identity.firmware);
        return WK_OK;
    case WK_OBJECTS_METROLOGY:
        put_text(out, rooms->identity.metrology);
        return WK_OK;
    case WK_OBJECTS_ACTIVE_TARIFF:
        wk_axdr_put_unsigned(out, rooms->tariff.current);
        return WK_OK;
    case WK_OBJECTS_PROFILE_STATUS:
        wk_axdr_put_unsigned(out, (uint8_t)rooms->profile[WK_ROOMS_PROFILE_1].open.status);
        return WK_OK;
    case WK_OBJECTS_PROFILE_STATUS_2:
        wk_axdr_put_unsigned(out,
                             (uint8_t)(rooms->profile[WK_ROOMS_PROFILE_1].open.status >> 8));
        return WK_OK;
    case WK_OBJECTS_PERIODS:
        wk_axdr_put_double_long_unsigned(out, rooms->billing.number);
        return WK_OK;
    case WK_OBJECTS_PERIOD_TIME:
        return wk_objects_put_time(rooms, rooms->billing.begin, out);
    case WK_OBJECTS_PERIOD_REASON:
        wk_axdr_put_unsigned(out, 0); /* a column of billing periods: no value between */
        return WK_OK;
    case WK_OBJECTS_POWER_FAILURES:
        wk_axdr_put_double_long_unsigned(out, wk_rooms_failures(rooms, WK_COUNTS_ANY));
        return WK_OK;
    case WK_OBJECTS_EVENT_CODE:
    case WK_OBJECTS_EVENT_DETAIL:
    case WK_OBJECTS_EVENT_VALUE:
    case WK_OBJECTS_EVENT_MORE:
        wk_axdr_put_long_unsigned(out, 0); /* a column of the event log: no value between */
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

const struct wk_object_class wk_objects_data = {.get = data_get};

/* ---- class 17 ---------------------------------------------------------------------------- */

static wk_err sap_get(const struct wk_object_call *call, uint8_t attribute,
                      const struct wk_object_selection *selection,
                      struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_axdr_put_array(out, 1);
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_long_unsigned(out, 1);
    put_text(out, rooms->identity.logical_name);
    return WK_OK;
}

const struct wk_object_class wk_objects_sap = {.get = sap_get};
