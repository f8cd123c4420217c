/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S        1000000
#define NOMINAL_MV      230000 /* of the installation check, if nothing is configured */
#define RATED_UA        INT64_C(5000000)
#define PROFILE_TARIFFS 4 /* whose import an entry shows */

/* ---- pieces ------------------------------------------------------------------------------ */

static json_t *scaled(const int64_t *values, int count, double unit)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(array, json_real((double)values[i] / unit));
    }
    return array;
}

static json_t *scaled32(const int32_t *values, int count, double unit)
{
    int64_t wide[WK_RECORD_PHASES + 1];
    for (int i = 0; i < count; i++) {
        wide[i] = values[i];
    }
    return scaled(wide, count, unit);
}

static json_t *flag_names(uint32_t flags)
{
    json_t *array = json_array();
#define FLAG_NAME(name, value, text)                                                           \
    if ((flags & (value)) != 0) {                                                              \
        json_array_append_new(array, json_string(text));                                       \
    }
    WK_RECORD_FLAG_LIST(FLAG_NAME)
#undef FLAG_NAME
    return array;
}

static json_t *tariffs(const struct wk_registers *registers)
{
    json_t *array = json_array();
    for (int i = 0; i < WK_TARIFF_COUNT; i++) {
        json_array_append_new(array, json_integer((json_int_t)registers->rate[i].import_uwh));
    }
    return array;
}

static int64_t sum(const int64_t *values)
{
    return values[0] + values[1] + values[2];
}

/* ---- the answers ------------------------------------------------------------------------- */

json_t *wk_view_info(const struct wk_view *view)
{
    const struct wk_module *module = view->module;
    const struct wk_rooms *rooms = &module->rooms;
    const struct wk_session_security *security = &module->security;
    const struct wk_ring_shared *ring = view->ring->shared;
    uint32_t failed = 0;
    for (int role = 0; role < WK_ROLE_COUNT; role++) {
        failed += security->failed_logins[role];
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:i, s:s, s:{s:I, s:I, s:I, s:b}, s:{s:I, "
        "s:I, s:I}, s:{s:I, s:I, s:I}, s:I}",
        "serial", rooms->identity.serial, "logical_name", rooms->identity.logical_name,
        "firmware", rooms->identity.firmware, "metrology", rooms->identity.metrology, "phases",
        rooms->identity.phases, "period_s",
        (int)rooms->profile[WK_ROOMS_PROFILE_1].rules.period_s, "nominal_mv",
        view->config->nominal_mv, "dlms_host", view->config->dlms_host, "dlms_port",
        view->config->dlms_port, "calendar", rooms->tariff.active.name, "progress", "start_us",
        (json_int_t)view->config->start_us, "target_us",
        (json_int_t)atomic_load(&ring->target_us), "reached_us", (json_int_t)rooms->t_us,
        "finished", (int)(atomic_load(&ring->finished) != 0), "records", "consumed",
        (json_int_t)module->records_consumed, "repeated", (json_int_t)module->records_repeated,
        "backlog", (json_int_t)wk_ring_backlog(view->ring), "security", "failed_logins",
        (json_int_t)failed, "replays", (json_int_t)security->replays, "not_deciphered",
        (json_int_t)security->not_deciphered, "power_failures",
        (json_int_t)rooms->power_failures);
}

static json_t *live_phases(const struct wk_record_window *window)
{
    const int n = window->phases;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "u_v",
                     scaled32(window->u_mv, n, 1e3), "i_a", scaled(window->i_ua, n, 1e6), "p_w",
                     scaled(window->p_mw, n, 1e3), "q_var", scaled(window->q1_mvar, n, 1e3),
                     "s_va", scaled(window->s_mva, n, 1e3), "pf",
                     scaled32(window->pf_e6, n, 1e6), "u_deg", scaled32(window->u_mdeg, n, 1e3),
                     "i_deg", scaled32(window->i_mdeg, n, 1e3));
}

static json_t *display(const struct wk_view *view)
{
    struct wk_display_text text;
    const struct wk_module *module = view->module;
    wk_display_show(&module->rooms.display, &module->table, &text);
    return json_pack("{s:s, s:s, s:s, s:b}", "code", text.code, "value", text.value, "unit",
                     text.unit, "test", (int)text.is_test);
}

json_t *wk_view_live(const struct wk_view *view)
{
    const struct wk_rooms *rooms = &view->module->rooms;
    const struct wk_record_window *window = &rooms->shown.record.window;
    struct wk_civil civil = {0};
    const int64_t now_us = wk_module_now_us(view->module);
    if (rooms->live.kind != WK_RECORD_WINDOW ||
        wk_civil_from_utc(&rooms->clock.zone, wk_clock_utc(now_us), &civil) != WK_OK) {
        return json_pack("{s:n}", "time_us");
    }
    const int64_t s_mva = sum(window->s_mva);
    const int64_t p_mw = sum(window->p_mw);
    json_t *live = json_pack(
        "{s:I, s:i, s:I, s:b, s:i, s:f, s:f, s:o, s:o, s:o, s:o, s:{s:f, s:f, s:f, s:f}, s:i, "
        "s:o, "
        "s:I, s:I}",
        "time_us", (json_int_t)now_us, "utc_offset_min", civil.utc_offset_min, "seq",
        (json_int_t)rooms->live.seq, "impulse", (int)(rooms->shown.rejected > 0), "phases",
        window->phases, "frequency_hz", (double)window->frequency_uhz / 1e6, "i_neutral_a",
        (double)window->i_ua[WK_RECORD_PHASES] / 1e6, "flags", flag_names(rooms->live.flags),
        "phase", live_phases(window), "supply", wk_view_supply(rooms), "tamper",
        wk_view_tamper(rooms), "total", "p_w", (double)p_mw / 1e3, "q_var",
        (double)sum(window->q1_mvar) / 1e3, "s_va", (double)s_mva / 1e3, "pf",
        s_mva > 0 ? (double)p_mw / (double)s_mva : 0.0, "tariff", rooms->tariff.current,
        "tariff_import_uwh", tariffs(&rooms->registers), "import_uwh",
        (json_int_t)rooms->registers.import_uwh, "export_uwh",
        (json_int_t)rooms->registers.export_uwh);
    json_object_set_new(live, "display", display(view));
    return live;
}

struct wk_wiring_declared wk_view_declared(const struct wk_view *view)
{
    const int32_t nominal_mv = view->config->nominal_mv;
    return wk_wiring_usual(view->module->rooms.identity.phases,
                           nominal_mv > 0 ? nominal_mv : NOMINAL_MV, RATED_UA);
}

json_t *wk_view_wiring(const struct wk_view *view, const struct wk_wiring_declared *declared)
{
    struct wk_wiring wiring;
    wk_wiring_init(&wiring);
    (void)wk_wiring_add(&wiring, &view->module->rooms.live);
    return wk_diagnosis_wiring(&wiring, declared);
}

json_t *wk_view_balance(const struct wk_view *view)
{
    return wk_diagnosis_balance(view->balance);
}

static void add_register(json_t *array, const struct wk_rooms *rooms, const char *obis,
                         const char *name, uint32_t selector)
{
    int64_t value;
    const uint32_t quantity = selector & 0xFFU;
    const bool reactive = quantity == WK_OBJECTS_REACTIVE_IMPORT ||
                          quantity == WK_OBJECTS_REACTIVE_EXPORT ||
                          quantity == WK_OBJECTS_QUADRANT;
    const bool apparent =
        quantity == WK_OBJECTS_APPARENT_IMPORT || quantity == WK_OBJECTS_APPARENT_EXPORT;
    if (wk_objects_value(rooms, selector, &value) == WK_OK) {
        json_array_append_new(array, json_pack("{s:s, s:s, s:I, s:s}", "obis", obis, "name",
                                               name, "value_micro", (json_int_t)value, "unit",
                                               reactive   ? "varh"
                                               : apparent ? "VAh"
                                                          : "Wh"));
    }
}

json_t *wk_view_registers(const struct wk_view *view)
{
    static const struct {
        const char *obis;
        const char *name;
        uint32_t selector;
    } k_rows[] = {
        {"1.8.0", "Import", WK_OBJECTS_IMPORT},
        {"9.8.0", "Apparent import", WK_OBJECTS_APPARENT_IMPORT},
        {"10.8.0", "Apparent export", WK_OBJECTS_APPARENT_EXPORT},
        {"128.8.0", "Import of the fundamental", WK_OBJECTS_IMPORT1},
        {"129.8.0", "Export of the fundamental", WK_OBJECTS_EXPORT1},
        {"130.8.0", "Withheld import", WK_OBJECTS_WITHHELD_IMPORT},
        {"131.8.0", "Withheld export", WK_OBJECTS_WITHHELD_EXPORT},
        {"1.8.1", "Import, tariff 1", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_TARIFF, 0)},
        {"1.8.2", "Import, tariff 2", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_TARIFF, 1)},
        {"1.8.3", "Import, tariff 3", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_TARIFF, 2)},
        {"1.8.4", "Import, tariff 4", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_TARIFF, 3)},
        {"2.8.0", "Export", WK_OBJECTS_EXPORT},
        {"3.8.0", "Reactive import", WK_OBJECTS_REACTIVE_IMPORT},
        {"4.8.0", "Reactive export", WK_OBJECTS_REACTIVE_EXPORT},
        {"5.8.0", "Reactive, quadrant I", WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 0)},
        {"6.8.0", "Reactive, quadrant II", WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 1)},
        {"7.8.0", "Reactive, quadrant III", WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 2)},
        {"8.8.0", "Reactive, quadrant IV", WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 3)},
        {"21.8.0", "Import L1", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_PHASE, 0)},
        {"41.8.0", "Import L2", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_PHASE, 1)},
        {"61.8.0", "Import L3", WK_OBJECTS_OF(WK_OBJECTS_IMPORT_PHASE, 2)},
    };
    const struct wk_rooms *rooms = &view->module->rooms;
    const size_t per_phase = rooms->identity.phases == 3 ? 0 : 3;
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0] - per_phase; i++) {
        add_register(array, rooms, k_rows[i].obis, k_rows[i].name, k_rows[i].selector);
    }
    return json_pack("{s:o, s:i}", "registers", array, "tariff", rooms->tariff.current);
}

/* The value of a register in a row; null if the profile does not capture it. */
static json_t *captured(const struct wk_rooms *rooms, const struct wk_profile_row *row,
                        const uint8_t obis[6])
{
    const struct wk_profile_rules *rules = &rooms->profile[WK_ROOMS_PROFILE_1].rules;
    for (uint8_t i = 0; i < rules->count; i++) {
        const struct wk_profile_column *column = &rules->column[i];
        if (column->class_id == 3 && column->attribute == 2 &&
            memcmp(column->obis, obis, sizeof column->obis) == 0 &&
            (row->absent >> i & 1U) == 0) {
            return json_integer((json_int_t)row->value[i]);
        }
    }
    return json_null();
}

static json_t *captured_energy(const struct wk_rooms *rooms, const struct wk_profile_row *row,
                               uint8_t c, uint8_t e)
{
    const uint8_t obis[6] = {1, 0, c, 8, e, 255};
    return captured(rooms, row, obis);
}

/* Means of the phases, C of OBIS 20 apart. */
static json_t *captured_means(const struct wk_rooms *rooms, const struct wk_profile_row *row,
                              uint8_t c)
{
    json_t *array = json_array();
    for (uint8_t phase = 0; phase < rooms->identity.phases; phase++) {
        const uint8_t obis[6] = {1, 0, (uint8_t)(c + 20 * phase), 27, 0, 255};
        json_t *value = captured(rooms, row, obis);
        json_array_append_new(array, json_is_integer(value)
                                         ? json_real((double)json_integer_value(value) / 1e3)
                                         : json_null());
        json_decref(value);
    }
    return array;
}

static json_t *entry_json(const struct wk_rooms *rooms, const struct wk_profile_row *row)
{
    json_t *split = json_array();
    for (uint8_t tariff = 1; tariff <= PROFILE_TARIFFS; tariff++) {
        json_array_append_new(split, captured_energy(rooms, row, 1, tariff));
    }
    return json_pack("{s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "end_s",
                     (json_int_t)row->end.s, "status", row->status, "import_uwh",
                     captured_energy(rooms, row, 1, 0), "export_uwh",
                     captured_energy(rooms, row, 2, 0), "tariff_import_uwh", split,
                     "reactive_import_uvarh", captured_energy(rooms, row, 3, 0),
                     "reactive_export_uvarh", captured_energy(rooms, row, 4, 0), "u_v",
                     captured_means(rooms, row, 32), "i_a", captured_means(rooms, row, 31));
}

json_t *wk_view_profile(const struct wk_view *view, struct wk_utc from, struct wk_utc to)
{
    const struct wk_rooms *rooms = &view->module->rooms;
    const struct wk_profile *profile = &rooms->profile[WK_ROOMS_PROFILE_1];
    const struct wk_profile_range range = {from, to};
    struct wk_profile_found found;
    if (wk_profile_find(profile, &rooms->store, &range, &found) != WK_OK) {
        return NULL;
    }
    struct wk_profile_reader reader = {.number = found.next - found.first > WK_VIEW_PROFILE_MOST
                                                     ? found.next - WK_VIEW_PROFILE_MOST
                                                     : found.first};
    struct wk_profile_row row;
    json_t *array = json_array();
    while (reader.number < found.next) {
        if (wk_profile_read(profile, &rooms->store, &reader, &row) != WK_OK) {
            json_decref(array);
            return NULL;
        }
        if (row.end.s >= from.s && row.end.s <= to.s) {
            json_array_append_new(array, entry_json(rooms, &row));
        }
    }
    return json_pack("{s:i, s:o}", "period_s", (int)profile->rules.period_s, "entries", array);
}

/* ---- events ------------------------------------------------------------------------------ */

/* An event and where it was found. */
struct found {
    struct wk_event event;
    uint64_t number;
    wk_event_log log;
};

static json_t *event_json(const struct found *found)
{
    const struct wk_event *event = &found->event;
    const struct wk_event_snapshot *snapshot = &event->snapshot;
    /* one number over all logs, for those who tell events apart */
    const uint64_t seq = found->number * WK_EVENT_LOGS + (unsigned)found->log;
    return json_pack("{s:I, s:s, s:I, s:i, s:s, s:s, s:i, s:i, s:i, s:{s:I, s:i, s:o, s:o}}",
                     "seq", (json_int_t)seq, "log", wk_event_log_name(found->log), "at_s",
                     (json_int_t)event->at.s, "code", event->code, "group",
                     wk_event_group(event->code), "text", wk_event_text(event->code), "detail",
                     event->detail, "value", event->value, "more", event->more, "snapshot",
                     "import_uwh", (json_int_t)snapshot->import_uwh, "tariff", snapshot->tariff,
                     "u_v", scaled32(snapshot->u_mv, 3, 1e3), "i_a",
                     scaled32(snapshot->i_ma, 3, 1e3));
}

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;
    if (x->event.at.s != y->event.at.s) {
        return x->event.at.s < y->event.at.s ? 1 : -1;
    }
    return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

/* The newest `most` of one log. */
static size_t gather(const struct wk_rooms *rooms, wk_event_log kind, size_t most,
                     struct found *to, uint64_t *count)
{
    const uint8_t log = wk_rooms_log_of(rooms, kind);
    uint64_t oldest;
    uint64_t next;
    size_t found = 0;
    if (wk_event_log_name(kind) == NULL ||
        (log == WK_ROOMS_LOG_EVENT && kind != WK_EVENT_LOG_STANDARD) ||
        wk_store_log_span(&rooms->store, log, &oldest, &next) != WK_OK) {
        return 0;
    }
    *count += next - oldest;
    struct wk_store_reader reader = {.number = next - oldest > most ? next - most : oldest};
    for (uint64_t number = reader.number; number < next; number++) {
        to[found].log = kind;
        to[found].number = number;
        if (wk_event_read(&rooms->store, log, &reader, &to[found].event) != WK_OK) {
            break;
        }
        found++;
    }
    return found;
}

json_t *wk_view_events(const struct wk_view *view, size_t most)
{
    const struct wk_rooms *rooms = &view->module->rooms;
    uint64_t count = 0;
    size_t found = 0;
    most = most < WK_VIEW_EVENTS_MOST ? most : WK_VIEW_EVENTS_MOST;
    struct found *all = calloc(WK_EVENT_LOGS * (most + 1), sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    for (int kind = 0; kind < WK_EVENT_LOGS; kind++) {
        found += gather(rooms, (wk_event_log)kind, most, all + found, &count);
    }
    qsort(all, found, sizeof *all, newest_first);
    json_t *array = json_array();
    for (size_t i = 0; i < found && i < most; i++) {
        json_array_append_new(array, event_json(&all[i]));
    }
    free(all);
    return json_pack("{s:o, s:I}", "events", array, "count", (json_int_t)count);
}
