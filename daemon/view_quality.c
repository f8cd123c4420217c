/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "management/event.h"
#include "metrology/immunity.h"

#define US_PER_MS      1000
#define PERCENT        100.0F
#define NEUTRAL        WK_RECORD_PHASES
#define CURRENT_SLOT   4 /* of I1; U1 is 0 */
#define KINDS          3
#define DIGITS         16
#define LEAST_HARMONIC 2

/* ---- numbers ----------------------------------------------------------------------------- */

/* Six digits, which is what these values are good for; null if it is no number. */
static json_t *number(float value)
{
    char text[DIGITS + 8];
    if (!isfinite(value)) {
        return json_null();
    }
    snprintf(text, sizeof text, "%.6g", (double)value);
    return json_real(strtod(text, NULL));
}

/* Null stands for "not measured". */
static json_t *measured(float value)
{
    return value > 0 ? number(value) : json_null();
}

static json_t *percent(float ratio)
{
    return number(ratio * PERCENT);
}

static json_t *list(const float *values, int count, json_t *(*make)(float value))
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(array, make(values[i]));
    }
    return array;
}

/* The phases, and the neutral behind them if it is measured. */
static json_t *with_neutral(const float values[NEUTRAL + 1], int phases, bool has_neutral,
                            json_t *(*make)(float value))
{
    json_t *array = list(values, phases, make);
    if (has_neutral) {
        json_array_append_new(array, make(values[NEUTRAL]));
    }
    return array;
}

/* ---- intervals --------------------------------------------------------------------------- */

static json_t *voltages(const struct wk_record_quality *quality, int phases)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "u_v",
        list(quality->u_v, phases, number), "u_min_v", list(quality->u_min_v, phases, number),
        "u_max_v", list(quality->u_max_v, phases, number), "under_percent",
        list(quality->under, phases, percent), "over_percent",
        list(quality->over, phases, percent), "thd_percent",
        list(quality->u_thd, phases, percent), "crest", list(quality->u_crest, phases, number),
        "signal_v", list(quality->signal_v, phases, measured), "pinst_max",
        list(quality->pinst_max, phases, number), "pst", list(quality->pst, phases, measured),
        "plt", list(quality->plt, phases, measured));
}

static json_t *currents(const struct wk_record_quality *quality, int phases, bool neutral)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "i_a",
                     with_neutral(quality->i_a, phases, neutral, number), "thd_percent",
                     with_neutral(quality->i_thd, phases, neutral, percent), "crest",
                     with_neutral(quality->i_crest, phases, neutral, number), "k_factor",
                     with_neutral(quality->k_factor, phases, neutral, number));
}

static json_t *unbalance(const struct wk_record_quality *quality)
{
    return quality->phases == WK_RECORD_PHASES
               ? json_pack("{s:o, s:o, s:o, s:o}", "u2_percent", percent(quality->u2),
                           "u0_percent", percent(quality->u0), "i2_percent",
                           percent(quality->i2), "i0_percent", percent(quality->i0))
               : json_null();
}

/* end_us 0: it is not known. */
static json_t *interval(const struct wk_record_quality *quality, int64_t end_us, bool neutral)
{
    if (quality->windows == 0) {
        return json_null();
    }
    const int phases = quality->phases;
    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "end_us",
                     end_us != 0 ? json_integer((json_int_t)end_us) : json_null(), "windows",
                     (json_int_t)quality->windows, "flagged", (json_int_t)quality->flagged,
                     "f_hz", number(quality->f_hz), "voltage", voltages(quality, phases),
                     "current", currents(quality, phases, neutral), "unbalance",
                     unbalance(quality));
}

static json_t *interval_of(const struct wk_record *record, bool neutral)
{
    return record->kind == WK_RECORD_QUALITY ? interval(&record->quality, record->t_us, neutral)
                                             : json_null();
}

static json_t *frequency_of(const struct wk_record *record)
{
    return record->kind == WK_RECORD_FREQUENCY
               ? json_pack("{s:I, s:f, s:I}", "end_us", (json_int_t)record->t_us, "f_hz",
                           (double)record->frequency.f_uhz / 1e6, "cycles",
                           (json_int_t)record->frequency.cycles)
               : json_null();
}

/* ---- spectra ----------------------------------------------------------------------------- */

/* Of the fundamental, orders 0..orders; null without a fundamental. */
static json_t *shares(const float *values, int orders, float fundamental)
{
    json_t *array = json_array();
    for (int order = 0; order <= orders; order++) {
        json_array_append_new(array, fundamental > 0 ? percent(values[order] / fundamental)
                                                     : json_null());
    }
    return array;
}

static json_t *spectrum(const struct wk_record *record)
{
    static const char *const k_names[WK_VIEW_SLOTS] = {"U1", "U2", "U3", "UN",
                                                       "I1", "I2", "I3", "IN"};
    const struct wk_record_spectrum *lines = &record->spectrum;
    const int orders = lines->orders <= WK_RECORD_ORDERS ? lines->orders : WK_RECORD_ORDERS;
    const bool is_current = lines->slot >= CURRENT_SLOT;
    const bool has_power = is_current && lines->slot < CURRENT_SLOT + WK_RECORD_PHASES;
    return json_pack(
        "{s:s, s:s, s:I, s:i, s:o, s:o, s:o, s:o}", "channel", k_names[lines->slot], "unit",
        is_current ? "A" : "V", "end_us", (json_int_t)record->t_us, "orders", orders,
        "fundamental", number(lines->subgroup[1]), "harmonic_percent",
        shares(lines->subgroup, orders, lines->subgroup[1]), "interharmonic_percent",
        shares(lines->inter, orders, lines->subgroup[1]), "power_w",
        has_power ? list(lines->power_w, orders + 1, number) : json_null());
}

static json_t *spectra(const struct wk_view_quality *quality)
{
    json_t *array = json_array();
    for (int slot = 0; slot < WK_VIEW_SLOTS; slot++) {
        if (quality->spectrum[slot].kind == WK_RECORD_SPECTRUM) {
            json_array_append_new(array, spectrum(&quality->spectrum[slot]));
        }
    }
    return array;
}

/* Of the voltages, by order from 0; null where EN 50160 has none. */
static json_t *harmonic_limits(void)
{
    json_t *array = json_array();
    for (int order = 0; order <= WK_EN50160_ORDERS; order++) {
        const struct wk_en50160_limit limit = wk_en50160_limit_of(WK_EN50160_HARMONIC, order);
        json_array_append_new(array,
                              order < LEAST_HARMONIC ? json_null() : percent(limit.usual));
    }
    return array;
}

/* ---- events ------------------------------------------------------------------------------ */

/* The log says when a voltage left its range and when one came back; what came back is what is
 * open: of an interruption within a dip the interruption ends first. */
struct pairing {
    json_t *open[KINDS]; /* the entry of its begin, owned; NULL: none is under way */
};

enum { DIP = 0, SWELL, INTERRUPTION };

static const struct {
    const char *name;
    uint16_t begin;
    uint32_t end; /* wk_record_event_kind */
} k_kinds[KINDS] = {
    [DIP] = {"dip", WK_EVENT_DIP, WK_RECORD_DIP_END},
    [SWELL] = {"swell", WK_EVENT_SWELL, WK_RECORD_SWELL_END},
    [INTERRUPTION] = {"interruption", WK_EVENT_INTERRUPTION, WK_RECORD_INTERRUPTION_END},
};

static int kind_that_ended(const struct pairing *pairing, const struct wk_event *event,
                           int32_t nominal_mv)
{
    const bool is_high = nominal_mv > 0 && event->value > nominal_mv;
    if (is_high || (pairing->open[SWELL] != NULL && pairing->open[DIP] == NULL)) {
        return SWELL;
    }
    return pairing->open[INTERRUPTION] != NULL ? INTERRUPTION : DIP;
}

static json_t *entry_of(const struct wk_event *event, uint64_t seq, const char *kind,
                        int32_t nominal_mv)
{
    return json_pack("{s:I, s:s, s:I, s:i, s:f, s:o, s:n, s:n, s:n}", "seq", (json_int_t)seq,
                     "kind", kind, "begin_s", (json_int_t)event->at.s, "phases", event->detail,
                     "extreme_v", (double)event->value / 1e3, "extreme_percent",
                     nominal_mv > 0 ? percent((float)event->value / (float)nominal_mv)
                                    : json_null(),
                     "duration_ms", "itic", "f47");
}

static void judge(json_t *entry, int kind, const struct wk_event *event, int32_t nominal_mv)
{
    const struct wk_record_event record = {
        .kind = k_kinds[kind].end,
        .duration_us = (int64_t)event->more * US_PER_MS,
        .extreme_mv = event->value,
        .nominal_mv = nominal_mv,
    };
    const uint32_t curves = wk_immunity_curves(&record);
    const char *itic = (curves & WK_RECORD_ITIC_PROHIBITED) != 0  ? "prohibited"
                       : (curves & WK_RECORD_ITIC_NO_DAMAGE) != 0 ? "no_damage"
                                                                  : "inside";
    if (nominal_mv > 0) {
        json_object_set_new(entry, "itic", json_string(itic));
        json_object_set_new(
            entry, "f47",
            kind == SWELL ? json_null()
                          : json_string((curves & WK_RECORD_F47_BELOW) != 0 ? "below" : "met"));
    }
}

/* An event that is over; begin_s from its duration, which is exact, and its end. */
static json_t *ended(struct pairing *pairing, const struct wk_event *event, uint64_t seq,
                     int32_t nominal_mv)
{
    const int kind = kind_that_ended(pairing, event, nominal_mv);
    json_t *entry = entry_of(event, seq, k_kinds[kind].name, nominal_mv);
    json_t *begin = pairing->open[kind];
    const int64_t begin_s = event->at.s - event->more / 1000;
    json_object_set_new(
        entry, "begin_s",
        begin != NULL ? json_integer(json_integer_value(json_object_get(begin, "begin_s")))
                      : json_integer((json_int_t)begin_s));
    json_object_set_new(entry, "duration_ms", json_integer(event->more));
    judge(entry, kind, event, nominal_mv);
    json_decref(begin);
    pairing->open[kind] = NULL;
    return entry;
}

static void begin(struct pairing *pairing, int kind, const struct wk_event *event, uint64_t seq,
                  int32_t nominal_mv)
{
    json_decref(pairing->open[kind]);
    pairing->open[kind] = entry_of(event, seq, k_kinds[kind].name, nominal_mv);
}

static void take_event(struct pairing *pairing, const struct wk_event *event, uint64_t seq,
                       int32_t nominal_mv, json_t *array)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (event->code == k_kinds[kind].begin) {
            begin(pairing, kind, event, seq, nominal_mv);
        }
    }
    if (event->code == WK_EVENT_VOLTAGE_NORMAL) {
        json_array_insert_new(array, 0, ended(pairing, event, seq, nominal_mv));
    }
    if (event->code == WK_EVENT_RAPID_CHANGE || event->code == WK_EVENT_TRANSIENT) {
        const bool is_change = event->code == WK_EVENT_RAPID_CHANGE;
        json_t *entry =
            entry_of(event, seq, is_change ? "rapid_change" : "transient", nominal_mv);
        json_object_set_new(entry, "begin_s",
                            json_integer((json_int_t)(event->at.s - event->more / 1000)));
        json_object_set_new(entry, "duration_ms", json_integer(event->more));
        json_array_insert_new(array, 0, entry);
    }
}

/* Newest first; those under way before all others. */
static json_t *events(const struct wk_view *view)
{
    const struct wk_rooms *rooms = &view->module->rooms;
    uint64_t oldest;
    uint64_t next;
    const uint8_t log = wk_rooms_log_of(rooms, WK_EVENT_LOG_QUALITY);
    if (wk_store_log_span(&rooms->store, log, &oldest, &next) != WK_OK) {
        return NULL;
    }
    json_t *array = json_array();
    struct pairing pairing = {{NULL}};
    struct wk_store_reader reader = {
        .number = next - oldest > WK_VIEW_EVENTS_MOST ? next - WK_VIEW_EVENTS_MOST : oldest};
    struct wk_event event;
    for (uint64_t number = reader.number; number < next; number++) {
        if (wk_event_read(&rooms->store, log, &reader, &event) != WK_OK) {
            break;
        }
        take_event(&pairing, &event, number, view->config->nominal_mv, array);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        if (pairing.open[kind] != NULL) {
            json_array_insert_new(array, 0, pairing.open[kind]);
        }
    }
    return array;
}

/* ---- the answers ------------------------------------------------------------------------- */

json_t *wk_view_quality(const struct wk_view *view)
{
    const struct wk_view_quality *quality = &view->quality;
    const struct wk_rooms *rooms = &view->module->rooms;
    const struct wk_record *spectrum = quality->spectrum;
    const bool neutral = spectrum[WK_VIEW_SLOTS - 1].kind == WK_RECORD_SPECTRUM;
    const int64_t three_s_us =
        spectrum[0].kind == WK_RECORD_SPECTRUM ? spectrum[0].t_us : rooms->t_us;
    return json_pack("{s:b, s:i, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "analysed",
                     (int)view->config->quality.analyse, "phases", rooms->identity.phases,
                     "nominal_v", (double)view->config->nominal_mv / 1e3, "nominal_hz",
                     (double)view->config->nominal_uhz / 1e6, "signal_hz",
                     (double)view->config->quality.signal_mhz / 1e3, "frequency_10_s",
                     frequency_of(quality->frequency), "three_s",
                     interval(&rooms->quality.three_s, three_s_us, neutral), "ten_min",
                     interval_of(quality->ten_min, neutral), "two_h",
                     interval_of(quality->two_h, neutral), "spectra", spectra(quality),
                     "harmonic_limit_percent", harmonic_limits(), "events", events(view));
}

static json_t *row(const struct wk_en50160 *week, wk_en50160_kind kind, int phase, int order)
{
    static const char *const k_names[WK_EN50160_KINDS] = {[WK_EN50160_FREQUENCY] = "frequency",
                                                          [WK_EN50160_U] = "voltage",
                                                          [WK_EN50160_PLT] = "flicker",
                                                          [WK_EN50160_UNBALANCE] = "unbalance",
                                                          [WK_EN50160_THD] = "thd",
                                                          [WK_EN50160_HARMONIC] = "harmonic"};
    const struct wk_en50160_limit limit = wk_en50160_limit_of(kind, order);
    const struct wk_en50160_track *track = wk_en50160_track_of(week, kind, phase, order);
    const bool has_phase = kind != WK_EN50160_FREQUENCY && kind != WK_EN50160_UNBALANCE;
    const bool is_known = track->values > 0;
    return json_pack(
        "{s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "kind", k_names[kind],
        "phase", has_phase ? json_integer(phase + 1) : json_null(), "order",
        order > 0 ? json_integer(order) : json_null(), "values", (json_int_t)track->values,
        "within", (json_int_t)track->within, "outside", (json_int_t)track->outside, "percent",
        number(limit.percent), "limit", number(limit.usual), "percentile",
        is_known ? number(wk_en50160_percentile(track, &limit, limit.percent)) : json_null(),
        "largest", is_known ? number(track->largest) : json_null(), "met",
        is_known ? json_boolean(wk_en50160_is_met(track, &limit)) : json_null());
}

static json_t *rows(const struct wk_en50160 *week)
{
    static const wk_en50160_kind k_order[] = {WK_EN50160_U, WK_EN50160_PLT, WK_EN50160_THD};
    json_t *array = json_array();
    json_array_append_new(array, row(week, WK_EN50160_FREQUENCY, 0, 0));
    for (size_t i = 0; i < sizeof k_order / sizeof k_order[0]; i++) {
        for (int phase = 0; phase < week->phases; phase++) {
            json_array_append_new(array, row(week, k_order[i], phase, 0));
        }
    }
    if (week->phases == WK_RECORD_PHASES) {
        json_array_append_new(array, row(week, WK_EN50160_UNBALANCE, 0, 0));
    }
    for (int phase = 0; phase < week->phases; phase++) {
        for (int order = LEAST_HARMONIC; order <= WK_EN50160_ORDERS; order++) {
            json_array_append_new(array, row(week, WK_EN50160_HARMONIC, phase, order));
        }
    }
    return array;
}

static json_t *counts(const uint16_t *cells, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(array, json_integer(cells[i]));
    }
    return array;
}

static json_t *week_of(const struct wk_en50160 *week)
{
    if (week->begin_us == 0) {
        return json_null();
    }
    const int64_t end_us = week->begin_us + WK_EN50160_WEEK_US;
    json_t *dips = json_array();
    json_t *swells = json_array();
    for (int i = 0; i < WK_EN50160_DIP_ROWS; i++) {
        json_array_append_new(dips, counts(week->dips[i], WK_EN50160_DIP_COLUMNS));
    }
    for (int i = 0; i < WK_EN50160_SWELL_ROWS; i++) {
        json_array_append_new(swells, counts(week->swells[i], WK_EN50160_SWELL_COLUMNS));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "begin_us",
                     (json_int_t)week->begin_us, "end_us", (json_int_t)end_us, "flagged",
                     (json_int_t)week->flagged, "rapid_changes", (json_int_t)week->rvcs,
                     "transients", (json_int_t)week->transients, "rows", rows(week), "dips",
                     dips, "swells", swells, "interruptions", counts(week->interruptions, 2));
}

json_t *wk_view_week(const struct wk_view *view)
{
    return json_pack(
        "{s:f, s:f, s:i, s:o, s:o}", "nominal_v", (double)view->config->nominal_mv / 1e3,
        "nominal_hz", (double)view->config->nominal_uhz / 1e6, "phases",
        view->module->rooms.identity.phases, "this_week", week_of(&view->quality.week->now),
        "last_week", week_of(&view->quality.week->last));
}
