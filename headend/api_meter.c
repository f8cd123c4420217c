/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "headend/api_request.h"
#include "headend/command.h"
#include "headend/json.h"
#include "headend/reading.h"

#define DAYS_MAX 400

/* ---- intervals -------------------------------------------------------------------------- */

static bool is_interval(uint16_t flags)
{
    return (flags & (WK_SLOT_MISSING | WK_SLOT_SPANS | WK_SLOT_BEFORE | WK_SLOT_RESET)) == 0;
}

static json_t *flag_names(void)
{
#define NAME(name, value, text) {value, text},
    static const struct {
        int value;
        const char *text;
    } k_names[] = {WK_SLOT_LIST(NAME)};
#undef NAME
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        json_array_append_new(
            names, json_pack("{s:i,s:s}", "bit", k_names[i].value, "name", k_names[i].text));
    }
    return names;
}

static json_t *series_json(struct wk_api_request *r, int channel,
                           const struct wk_reading_series *s)
{
    const struct wk_plan *plan = &r->config->registry->plan[r->meter->plan];
    json_t *value = json_array();
    json_t *flags = json_array();
    json_t *tariff = json_array();
    json_t *spans = json_array();
    for (int32_t i = 0; i < s->n; i++) {
        const int64_t end_s = s->from_s + (int64_t)(i + 1) * s->period_s;
        int rate = 0;
        json_array_append_new(value, is_interval(s->flags[i])
                                         ? json_integer((json_int_t)s->value[i])
                                         : json_null());
        json_array_append_new(flags, json_integer(s->flags[i]));
        const wk_err err = wk_plan_rate_at(plan, end_s - s->period_s, &rate);
        json_array_append_new(tariff, err == WK_OK ? json_integer(rate + 1) : json_null());
        if ((s->flags[i] & WK_SLOT_SPANS) != 0) {
            json_array_append_new(spans, json_pack("{s:o,s:I}", "end", wk_json_instant(end_s),
                                                   "energy_u", (json_int_t)s->value[i]));
        }
    }
    const struct wk_channel_info *info = wk_channel_info(channel);
    struct wk_civil civil = {0};
    const wk_err zone = wk_civil_from_utc(&plan->zone, (struct wk_utc){s->to_s}, &civil);
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:I,s:i,s:i,s:I,s:I,s:b,s:b,s:o,s:o,s:o,s:o,s:o}",
                     "serial", r->meter->serial, "channel", info->name, "unit", info->unit,
                     "from", wk_json_instant(s->from_s), "to", wk_json_instant(s->to_s),
                     "from_s", (json_int_t)s->from_s, "period_s", (int)s->period_s,
                     "utc_offset_min", zone == WK_OK ? (int)civil.utc_offset_min : 0,
                     "register_start_u", (json_int_t)s->reg_start, "register_end_u",
                     (json_int_t)s->reg_end, "open", (int)s->open, "broken", (int)s->broken,
                     "value_u", value, "flags", flags, "tariff", tariff, "spans", spans,
                     "flag_bits", flag_names());
}

/* Cuts from..to to what is known, on the grid of intervals. 0 = fine. */
static int clip(struct wk_api_request *r, int64_t *from_s, int64_t *to_s, int64_t *period_s)
{
    struct wk_archive *a = r->config->archive;
    int64_t baseline_s;
    int64_t collected_s;
    if (a->mark_get(a->self, r->meter->id, WK_MARK_BASELINE, &baseline_s) != WK_OK ||
        a->mark_get(a->self, r->meter->id, WK_MARK_COLLECTED, &collected_s) != WK_OK ||
        a->mark_get(a->self, r->meter->id, WK_MARK_PERIOD, period_s) != WK_OK) {
        return wk_api_fail(r, 404, "serial", "nothing was read from this meter yet");
    }
    *from_s = *from_s < baseline_s ? baseline_s : *from_s - *from_s % *period_s;
    *to_s = *to_s > collected_s ? collected_s : *to_s - *to_s % *period_s;
    if (*from_s >= *to_s) {
        return wk_api_fail(r, 404, "from", "there are no intervals in this span");
    }
    if ((*to_s - *from_s) / *period_s > WK_API_INTERVALS) {
        return wk_api_fail(r, 400, "to", "at most %d intervals at once", WK_API_INTERVALS);
    }
    return 0;
}

static int load_series(struct wk_api_request *r, int channel, int rev,
                       struct wk_reading_series *s)
{
    int64_t period_s = 1;
    int status = wk_api_span(r, &s->from_s, &s->to_s);
    status = status != 0 ? status : clip(r, &s->from_s, &s->to_s, &period_s);
    if (status != 0) {
        return status;
    }
    s->room = (int32_t)((s->to_s - s->from_s) / period_s);
    s->value = calloc((size_t)s->room, sizeof *s->value);
    s->flags = calloc((size_t)s->room, sizeof *s->flags);
    if (s->value == NULL || s->flags == NULL) {
        return wk_api_fail(r, 503, "", "no memory");
    }
    const wk_err err = wk_reading_load(r->config->archive, r->meter->id, channel, rev, s);
    if (err == WK_E_NOT_FOUND) {
        return wk_api_fail(r, 404, "channel", "this meter has no such channel in this span");
    }
    return err == WK_OK ? 0 : wk_api_fail_archive(r, err);
}

int wk_api_get_intervals(struct wk_api_request *r)
{
    struct wk_reading_series s = {0};
    const char *name = wk_api_query(r, "channel");
    const char *revision = wk_api_query(r, "revision");
    int channel = WK_CHANNEL_IMPORT;
    if (name != NULL && wk_channel_by_name(name, &channel) != WK_OK) {
        return wk_api_fail(r, 400, "channel",
                           "must be import, export, q_import, q_export, t1, t2, t3 or t4");
    }
    if (revision != NULL && strcmp(revision, "raw") != 0 && strcmp(revision, "latest") != 0) {
        return wk_api_fail(r, 400, "revision", "must be raw or latest");
    }
    const bool raw = revision != NULL && strcmp(revision, "raw") == 0;
    const int status = load_series(r, channel, raw ? WK_ARCHIVE_RAW : WK_ARCHIVE_LATEST, &s);
    if (status == 0) {
        r->json = series_json(r, channel, &s);
    }
    free(s.value);
    free(s.flags);
    return status == 0 ? 200 : status;
}

/* ---- days ------------------------------------------------------------------------------- */

static int day_json(struct wk_api_request *r, int32_t day, int64_t to_s, json_t *rows)
{
    struct wk_dayblock block;
    const wk_err err = wk_reading_day(r->config->archive, r->meter->id, WK_CHANNEL_IMPORT, day,
                                      WK_ARCHIVE_LATEST, &block);
    if (err == WK_E_NOT_FOUND) {
        return 0;
    }
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    int expected = 0;
    int missing = 0;
    int estimated = 0;
    for (int32_t i = 0; i < block.n; i++) {
        const int64_t end_s = (int64_t)day * WK_DAY_S + (int64_t)(i + 1) * block.period_s;
        if ((block.flags[i] & WK_SLOT_BEFORE) != 0 || end_s > to_s) {
            continue;
        }
        expected++;
        missing += (block.flags[i] & WK_SLOT_MISSING) != 0 ? 1 : 0;
        estimated += (block.flags[i] & WK_SLOT_ESTIMATED) != 0 ? 1 : 0;
    }
    json_array_append_new(rows, json_pack("{s:o,s:i,s:i,s:i,s:i,s:I,s:I}", "day",
                                          wk_json_instant((int64_t)day * WK_DAY_S), "expected",
                                          expected, "missing", missing, "estimated", estimated,
                                          "revision", (int)block.rev, "register_start_u",
                                          (json_int_t)block.reg_start, "register_end_u",
                                          (json_int_t)block.reg_end));
    return 0;
}

int wk_api_get_days(struct wk_api_request *r)
{
    int64_t from_s;
    int64_t to_s;
    int64_t period_s;
    int status = wk_api_span(r, &from_s, &to_s);
    status = status != 0 ? status : clip(r, &from_s, &to_s, &period_s);
    if (status == 0 && to_s - from_s > (int64_t)DAYS_MAX * WK_DAY_S) {
        status = wk_api_fail(r, 400, "to", "at most %d days at once", DAYS_MAX);
    }
    json_t *rows = json_array();
    for (int32_t day = (int32_t)(from_s / WK_DAY_S);
         status == 0 && day <= wk_reading_day_of(to_s); day++) {
        status = day_json(r, day, to_s, rows);
    }
    if (status != 0) {
        json_decref(rows);
        return status;
    }
    r->json = json_pack("{s:s,s:o}", "serial", r->meter->serial, "days", rows);
    return 200;
}

/* ---- lists ------------------------------------------------------------------------------ */

/* The last WK_API_ROWS rows are answered; `cut` tells that there are more. */
struct list {
    json_t *rows;
    bool cut;
};

static wk_err append(struct list *list, json_t *row)
{
    if (json_array_size(list->rows) == WK_API_ROWS) {
        list->cut = true;
        json_decref(row);
        return WK_OK;
    }
    return json_array_append_new(list->rows, row) == 0 ? WK_OK : WK_E_FULL;
}

#define APPENDER(noun)                                                                         \
    static wk_err append_##noun(void *context, const struct wk_archive_##noun *row)            \
    {                                                                                          \
        return append(context, wk_json_##noun(row));                                           \
    }

APPENDER(register)
APPENDER(event)
APPENDER(gap)
APPENDER(exception)
APPENDER(command)
APPENDER(audit)

static int answer(struct wk_api_request *r, const char *name, struct list *list, wk_err err)
{
    if (err != WK_OK) {
        json_decref(list->rows);
        return wk_api_fail_archive(r, err);
    }
    r->json = json_pack("{s:s,s:o,s:b}", "serial", r->meter->serial, name, list->rows, "cut",
                        (int)list->cut);
    return 200;
}

int wk_api_get_registers(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    struct list list = {0};
    int64_t from_s;
    int64_t to_s;
    const int status = wk_api_span(r, &from_s, &to_s);
    if (status != 0) {
        return status;
    }
    list.rows = json_array();
    return answer(
        r, "registers", &list,
        a->register_each(a->self, r->meter->id, from_s, to_s, append_register, &list));
}

int wk_api_get_events(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    struct list list = {0};
    int64_t from_s;
    int64_t to_s;
    const int status = wk_api_span(r, &from_s, &to_s);
    if (status != 0) {
        return status;
    }
    list.rows = json_array();
    return answer(r, "events", &list,
                  a->event_each(a->self, r->meter->id, from_s, to_s, append_event, &list));
}

int wk_api_get_gaps(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    struct list list = {.rows = json_array()};
    return answer(r, "gaps", &list, a->gap_each(a->self, r->meter->id, append_gap, &list));
}

int wk_api_get_exceptions(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    struct list list = {.rows = json_array()};
    return answer(r, "exceptions", &list,
                  a->exception_each(a->self, r->meter->id, append_exception, &list));
}

int wk_api_get_commands(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    const wk_err err = wk_command_sweep(a, r->meter->id, r->now_s);
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    struct list list = {.rows = json_array()};
    return answer(r, "commands", &list,
                  a->command_each(a->self, r->meter->id, append_command, &list));
}

int wk_api_get_audit(struct wk_api_request *r)
{
    struct wk_archive *a = r->config->archive;
    struct list list = {.rows = json_array()};
    return answer(r, "audit", &list, a->audit_each(a->self, r->meter->id, append_audit, &list));
}
