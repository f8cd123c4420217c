/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/api_request.h"
#include "headend/json.h"

#define LATE_POLLS 3 /* visits that may be missed before a meter is late */

typedef enum freshness { NEVER, FRESH, LATE, FAILING, KINDS } freshness;

static const char *const k_freshness[KINDS] = {"never", "ok", "late", "failing"};

static freshness freshness_of(const struct wk_api_request *r,
                              const struct wk_intake_state *state)
{
    if (state->status == WK_INTAKE_FAILING) {
        return FAILING;
    }
    if (state->status == WK_INTAKE_NEW) {
        return NEVER;
    }
    return r->now_s - state->read_s > LATE_POLLS * r->config->registry->poll_s + 10 ? LATE
                                                                                    : FRESH;
}

struct fleet {
    int64_t kind[KINDS];
    int64_t readings;
    int64_t newest_s;
    int64_t oldest_s; /* of the newest intervals of all meters that have one */
    int64_t disconnected;
};

static void sum_up(struct wk_api_request *r, struct fleet *fleet)
{
    for (size_t i = 0; i < r->config->registry->meters; i++) {
        struct wk_intake_state state;
        wk_collector_state(r->config->collector, i, &state);
        fleet->kind[freshness_of(r, &state)]++;
        fleet->readings += state.readings;
        fleet->disconnected += state.supply_known && !state.supply_closed ? 1 : 0;
        if (state.collected_s > fleet->newest_s) {
            fleet->newest_s = state.collected_s;
        }
        if (state.collected_s > 0 &&
            (fleet->oldest_s == 0 || state.collected_s < fleet->oldest_s)) {
            fleet->oldest_s = state.collected_s;
        }
    }
}

int wk_api_get_fleet(struct wk_api_request *r)
{
    struct fleet fleet = {0};
    struct wk_archive_counts counts;
    const wk_err err =
        r->config->archive->counts(r->config->archive->self, WK_ARCHIVE_ALL, &counts);
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    sum_up(r, &fleet);
    r->json = json_pack(
        "{s:o,s:I,s:{s:I,s:I,s:I,s:I},s:I,s:I,s:o,s:o,s:{s:I,s:I,s:I,s:I,s:I,s:I}}", "now",
        wk_json_instant(r->now_s), "meters", (json_int_t)r->config->registry->meters, "status",
        "ok", (json_int_t)fleet.kind[FRESH], "late", (json_int_t)fleet.kind[LATE], "failing",
        (json_int_t)fleet.kind[FAILING], "never", (json_int_t)fleet.kind[NEVER], "disconnected",
        (json_int_t)fleet.disconnected, "readings", (json_int_t)fleet.readings,
        "newest_interval", wk_json_instant(fleet.newest_s), "oldest_newest_interval",
        wk_json_instant(fleet.oldest_s), "archive", "day_blocks", (json_int_t)counts.blocks,
        "open_readings", (json_int_t)counts.open_readings, "events", (json_int_t)counts.events,
        "gaps", (json_int_t)counts.gaps, "exceptions", (json_int_t)counts.exceptions,
        "commands", (json_int_t)counts.commands);
    return 200;
}

static json_t *meter_row(struct wk_api_request *r, size_t index)
{
    const struct wk_registry_meter *meter = &r->config->registry->meter[index];
    struct wk_intake_state state;
    wk_collector_state(r->config->collector, index, &state);
    return json_pack(
        "{s:s,s:s,s:s,s:i,s:s,s:s,s:i,s:s,s:o,s:o,s:o,s:I,s:o,s:s,s:I}", "serial",
        meter->serial, "name", meter->name, "tenant", meter->tenant, "phases",
        (int)meter->phases, "plan", r->config->registry->plan_name[meter->plan], "status",
        k_freshness[freshness_of(r, &state)], "failures", (int)state.failures, "why", state.why,
        "tried", wk_json_instant(state.tried_s), "read", wk_json_instant(state.read_s), "clock",
        wk_json_instant(state.clock_s), "clock_offset_s", (json_int_t)state.clock_offset_s,
        "collected_to", wk_json_instant(state.collected_s), "supply",
        !state.supply_known ? "unknown" : (state.supply_closed ? "connected" : "disconnected"),
        "readings", (json_int_t)state.readings);
}

int wk_api_get_meters(struct wk_api_request *r)
{
    const struct wk_registry *registry = r->config->registry;
    const char *after = wk_api_query(r, "after");
    const char *limit_text = wk_api_query(r, "limit");
    int64_t limit = WK_API_PAGE;
    size_t first = 0;
    if (limit_text != NULL && wk_ini_integer(limit_text, 1, WK_API_PAGE, &limit) != WK_OK) {
        return wk_api_fail(r, 400, "limit", "must be a whole number 1..%d", WK_API_PAGE);
    }
    if (after != NULL) {
        const struct wk_registry_meter *meter = wk_registry_find(registry, after);
        if (meter == NULL) {
            return wk_api_fail(r, 400, "after", "there is no meter with this serial number");
        }
        first = (size_t)(meter - registry->meter) + 1;
    }
    json_t *rows = json_array();
    size_t i = first;
    for (; i < registry->meters && i < first + (size_t)limit; i++) {
        json_array_append_new(rows, meter_row(r, i));
    }
    json_t *next =
        i < registry->meters ? json_string(registry->meter[i - 1].serial) : json_null();
    r->json = json_pack("{s:o,s:o}", "meters", rows, "next", next);
    return 200;
}

static json_t *mark(struct wk_api_request *r, wk_archive_mark which, int64_t *value)
{
    struct wk_archive *a = r->config->archive;
    *value = 0;
    return a->mark_get(a->self, r->meter->id, which, value) == WK_OK
               ? json_integer((json_int_t)*value)
               : json_null();
}

int wk_api_get_meter(struct wk_api_request *r)
{
    struct wk_archive_counts counts;
    int64_t baseline_s;
    int64_t value;
    char address[80];
    struct wk_archive *a = r->config->archive;
    const wk_err err = a->counts(a->self, r->meter->id, &counts);
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    static const char *const k_roles[] = {"public", "reader", "management"};
    snprintf(address, sizeof address, "%s:%u", r->meter->host, r->meter->port);
    r->json = meter_row(r, r->meter_index);
    json_decref(mark(r, WK_MARK_BASELINE, &baseline_s));
    json_t *more = json_pack(
        "{s:s,s:s,s:o,s:o,s:o,s:o,s:{s:I,s:I,s:I,s:I,s:I,s:I}}", "address", address, "role",
        k_roles[r->meter->role], "installed", wk_json_instant(r->meter->installed_s),
        "baseline", wk_json_instant(baseline_s), "period_s", mark(r, WK_MARK_PERIOD, &value),
        "closed_day", mark(r, WK_MARK_CLOSED, &value), "archive", "day_blocks",
        (json_int_t)counts.blocks, "open_readings", (json_int_t)counts.open_readings, "events",
        (json_int_t)counts.events, "gaps", (json_int_t)counts.gaps, "exceptions",
        (json_int_t)counts.exceptions, "commands", (json_int_t)counts.commands);
    json_object_update(r->json, more);
    json_decref(more);
    return 200;
}

int wk_api_get_metrics(struct wk_api_request *r)
{
    static const char k_format[] =
        "# HELP wk_meters Meters by status of their last visit.\n# TYPE wk_meters gauge\n"
        "wk_meters{status=\"ok\"} %" PRId64 "\nwk_meters{status=\"late\"} %" PRId64
        "\nwk_meters{status=\"failing\"} %" PRId64 "\nwk_meters{status=\"never\"} %" PRId64
        "\n# HELP wk_readings_total Load profile readings received.\n"
        "# TYPE wk_readings_total counter\nwk_readings_total %" PRId64
        "\n# HELP wk_day_blocks Meter-day blocks stored.\n# TYPE wk_day_blocks gauge\n"
        "wk_day_blocks %" PRId64 "\n# HELP wk_open_readings Readings of days not closed.\n# "
        "TYPE wk_open_readings gauge\n"
        "wk_open_readings %" PRId64
        "\n# HELP wk_gaps Gaps in the readings.\n# TYPE wk_gaps gauge\nwk_gaps %" PRId64
        "\n# HELP wk_exceptions Exceptions of validation.\n# TYPE wk_exceptions gauge\n"
        "wk_exceptions %" PRId64 "\n# HELP wk_events Meter events stored.\n"
        "# TYPE wk_events gauge\nwk_events %" PRId64
        "\n# HELP wk_stream_messages_total Messages published.\n"
        "# TYPE wk_stream_messages_total counter\nwk_stream_messages_total %" PRIu64 "\n";
    struct fleet fleet = {0};
    struct wk_archive_counts counts;
    struct wk_archive *a = r->config->archive;
    const wk_err err = a->counts(a->self, WK_ARCHIVE_ALL, &counts);
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    sum_up(r, &fleet);
    r->type = "text/plain; version=0.0.4; charset=utf-8";
    if (asprintf(&r->text, k_format, fleet.kind[FRESH], fleet.kind[LATE], fleet.kind[FAILING],
                 fleet.kind[NEVER], fleet.readings, counts.blocks, counts.open_readings,
                 counts.gaps, counts.exceptions, counts.events,
                 wk_stream_last(r->config->stream)) < 0) {
        r->text = NULL;
    }
    return 200;
}
