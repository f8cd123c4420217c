/* SPDX-License-Identifier: Apache-2.0
 *
 * What the meter found of fraud: class 3 for the estimated energies, class 1 for the rest. */
#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "management/objects.h"

#define UNIT_WH      30
#define SCALER_MICRO (-6)

/* ---- class 3 ----------------------------------------------------------------------------- */

static wk_err energy_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_tamper_energy *energy = &rooms->tamper.energy;
    const int64_t values[] = {energy->bypass_uwh, energy->voltage_uwh, energy->magnet_uwh};
    (void)selection;
    (void)cursor;
    if (attribute == 3) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_integer(out, SCALER_MICRO);
        wk_axdr_put_enum(out, UNIT_WH);
        return WK_OK;
    }
    wk_axdr_put_long64(out, values[call->object->selector]);
    return WK_OK;
}

const struct wk_object_class wk_objects_tamper_energy = {.get = energy_get};

/* ---- class 1: rules ---------------------------------------------------------------------- */

static wk_err rule_get(const struct wk_object_call *call, uint8_t attribute,
                       const struct wk_object_selection *selection,
                       struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_objects_put_settings(out, &wk_tamper_rule_table,
                            &rooms->tamper.rule[call->object->selector]);
    return WK_OK;
}

static wk_err rule_set(const struct wk_object_call *call, uint8_t attribute,
                       struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_tamper_rule rule = {0};
    (void)attribute;
    WK_TRY(wk_objects_read_settings(value, &wk_tamper_rule_table, &rule));
    WK_TRY(wk_tamper_set_rule(&rooms->tamper, (uint8_t)call->object->selector, &rule));
    wk_objects_tell(call, WK_ROOMS_CONTROL_SET, 256 + (int32_t)call->object->selector);
    return WK_OK;
}

const struct wk_object_class wk_objects_tamper_rule = {.get = rule_get, .set = rule_set};

/* ---- class 1: state, site, service order ------------------------------------------------- */

static wk_err put_time(struct wk_bytes_out *out, const struct wk_zone *zone, int64_t utc_s)
{
    const struct wk_utc utc = {utc_s};
    struct wk_datetime at;
    WK_TRY(wk_datetime_of_utc(zone, utc, 0, &at));
    wk_datetime_put_axdr(out, &at);
    return WK_OK;
}

static wk_err put_snapshot(struct wk_bytes_out *out, const struct wk_zone *zone,
                           const struct wk_tamper_snapshot *snapshot)
{
    uint8_t phase;
    const wk_tamper_kind kind = wk_tamper_kind_of(snapshot->latch, &phase);
    wk_axdr_put_structure(out, 7);
    WK_TRY(put_time(out, zone, snapshot->utc_s));
    wk_axdr_put_enum(out, (uint8_t)kind);
    wk_axdr_put_unsigned(out, phase);
    wk_axdr_put_array(out, WK_RECORD_PHASES);
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        wk_axdr_put_double_long(out, snapshot->u_mv[i]);
    }
    wk_axdr_put_array(out, WK_RECORD_PHASES + 1);
    for (int i = 0; i <= WK_RECORD_PHASES; i++) {
        wk_axdr_put_double_long(out, snapshot->i_ma[i]);
    }
    wk_axdr_put_array(out, WK_RECORD_PHASES);
    for (int i = 0; i < WK_RECORD_PHASES; i++) {
        wk_axdr_put_double_long(out, snapshot->p_w[i]);
    }
    wk_axdr_put_long64(out, snapshot->import_uwh);
    return WK_OK;
}

/* The newest first. */
static wk_err put_snapshots(struct wk_bytes_out *out, const struct wk_rooms *rooms)
{
    const struct wk_tamper *tamper = &rooms->tamper;
    uint32_t count = 0;
    for (int i = 0; i < WK_TAMPER_SNAPSHOTS; i++) {
        count += tamper->snapshot[i].utc_s != 0 ? 1 : 0;
    }
    wk_axdr_put_array(out, count);
    for (int i = 0; i < WK_TAMPER_SNAPSHOTS; i++) {
        const int at = (tamper->newest + WK_TAMPER_SNAPSHOTS - i) % WK_TAMPER_SNAPSHOTS;
        if (tamper->snapshot[at].utc_s != 0) {
            WK_TRY(put_snapshot(out, &rooms->clock.zone, &tamper->snapshot[at]));
        }
    }
    return WK_OK;
}

static wk_err tamper_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)attribute;
    (void)selection;
    (void)cursor;
    switch (call->object->selector) {
    case WK_OBJECTS_TAMPER_ACTIVE:
        wk_axdr_put_double_long_unsigned(out, wk_tamper_active(&rooms->tamper));
        return WK_OK;
    case WK_OBJECTS_TAMPER_SNAPSHOTS:
        return put_snapshots(out, rooms);
    case WK_OBJECTS_TAMPER_SITE:
        wk_objects_put_settings(out, &wk_tamper_site_table, &rooms->tamper.site);
        return WK_OK;
    case WK_OBJECTS_TAMPER_SERVICE:
        return put_time(out, &rooms->clock.zone, rooms->tamper.service_end_s);
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err set_service(const struct wk_object_call *call, struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_datetime at;
    struct wk_utc end;
    wk_datetime_read_axdr(value, &at);
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(wk_datetime_to_utc(&at, &rooms->clock.zone, &end));
    return wk_tamper_service(&rooms->tamper, wk_clock_utc(call->now_us).s, end.s);
}

static wk_err set_site(const struct wk_object_call *call, struct wk_bytes_in *value)
{
    struct wk_rooms *rooms = call->meter;
    struct wk_tamper_site site = rooms->tamper.site;
    WK_TRY(wk_objects_read_settings(value, &wk_tamper_site_table, &site));
    return wk_tamper_set_site(&rooms->tamper, &site);
}

static wk_err tamper_set(const struct wk_object_call *call, uint8_t attribute,
                         struct wk_bytes_in *value)
{
    const uint32_t selector = call->object->selector;
    (void)attribute;
    if (selector == WK_OBJECTS_TAMPER_SERVICE) {
        WK_TRY(set_service(call, value));
        wk_objects_tell(call, WK_ROOMS_SERVICE_ORDERED, 0);
        return WK_OK;
    }
    if (selector != WK_OBJECTS_TAMPER_SITE) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(set_site(call, value));
    wk_objects_tell(call, WK_ROOMS_CONTROL_SET, 255);
    return WK_OK;
}

const struct wk_object_class wk_objects_tamper = {.get = tamper_get, .set = tamper_set};
