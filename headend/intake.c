/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "headend/command.h"
#include "headend/gaps.h"
#include "headend/vee.h"

#define BATCH_ROOM        (WK_DAYBLOCK_SLOTS + 16)
#define EVENTS_ROOM       1024
#define COUNTER_RESERVE   100000 /* invocation counters taken ahead of a visit */
#define EVENTS_PER_SECOND 256
#define FIRST_EVENTS_DAYS 40
#define EVENT_LOGS        9 /* 0.0.99.98.0.255 .. 8 */
#define REGISTER_TRIES    3 /* to read the registers within one interval of the meter's clock */

struct visit {
    const struct wk_intake *in;
    const struct wk_registry_meter *meter;
    struct wk_archive *archive;
    struct wk_source *source;
    struct wk_source_layout *layout;
    struct wk_intake_state *state;
    int64_t host_s;
    int64_t clock_s;
    int64_t registers_s; /* the meter's clock when its registers were read */
    bool archive_failed; /* whose text says why */
    size_t count;
    struct wk_reading batch[BATCH_ROOM];
    int64_t events_s; /* the newest event of any log */
    size_t events;
    struct wk_source_event event[EVENTS_ROOM];
};

static wk_err of_archive(struct visit *v, wk_err err)
{
    v->archive_failed = v->archive_failed || err != WK_OK;
    return err;
}

static wk_err mark_or(struct visit *v, wk_archive_mark mark, int64_t otherwise, int64_t *value)
{
    const wk_err err = v->archive->mark_get(v->archive->self, v->meter->id, mark, value);
    if (err == WK_E_NOT_FOUND) {
        *value = otherwise;
        return WK_OK;
    }
    return of_archive(v, err);
}

/* ---- readings --------------------------------------------------------------------------- */

static wk_err gather_reading(void *context, const struct wk_reading *reading)
{
    struct visit *v = context;
    if (v->count == BATCH_ROOM) {
        return WK_E_FORMAT; /* more than a day holds */
    }
    v->batch[v->count++] = *reading;
    return WK_OK;
}

static wk_err validate(struct visit *v, int32_t first_day, int32_t last_day)
{
    struct wk_vee_result result;
    const struct wk_plan *plan = &v->in->registry->plan[v->meter->plan];
    WK_TRY(of_archive(v, wk_vee_run(v->archive, v->meter->id, plan,
                                    (struct wk_vee_days){first_day, last_day}, v->host_s,
                                    &result)));
    if (result.estimated > 0 || result.exceptions > 0) {
        wk_stream_publish(v->in->stream, "vee",
                          "{\"serial\":\"%s\",\"estimated\":%d,\"exceptions\":%d}",
                          v->meter->serial, result.estimated, result.exceptions);
    }
    return WK_OK;
}

static wk_err accept_batch(struct visit *v)
{
    struct wk_reading_result result;
    if (v->count == 0) {
        return WK_OK;
    }
    WK_TRY(of_archive(v, wk_reading_accept(v->archive, v->meter->id, v->layout->period_s,
                                           (struct wk_reading_rows){v->batch, v->count},
                                           v->host_s, &result)));
    v->state->readings += result.fresh + result.late;
    if (result.late_first_day <= result.late_last_day) {
        WK_TRY(validate(v, result.late_first_day, result.late_last_day));
    }
    if (result.fresh + result.late + result.changed > 0) {
        wk_stream_publish(v->in->stream, "intervals",
                          "{\"serial\":\"%s\",\"from\":%" PRId64 ",\"to\":%" PRId64
                          ",\"fresh\":%d,\"late\":%d,\"changed\":%d}",
                          v->meter->serial, v->batch[0].end_s, v->batch[v->count - 1].end_s,
                          result.fresh, result.late, result.changed);
    }
    return WK_OK;
}

static wk_err read_range(struct visit *v, int64_t from_s, int64_t to_s)
{
    v->count = 0;
    WK_TRY(
        v->source->read_profile(v->source->self, v->layout, from_s, to_s, gather_reading, v));
    return accept_batch(v);
}

/* A meter whose installation is known begins with registers of 0. */
static wk_err accept_installation(struct visit *v)
{
    struct wk_reading_result result;
    const struct wk_reading first = {.end_s = v->meter->installed_s,
                                     .present = v->layout->present};
    return of_archive(v, wk_reading_accept(v->archive, v->meter->id, v->layout->period_s,
                                           (struct wk_reading_rows){&first, 1}, v->host_s,
                                           &result));
}

static wk_err read_profile(struct visit *v)
{
    int64_t collected_s;
    WK_TRY(mark_or(v, WK_MARK_COLLECTED, 0, &collected_s));
    if (collected_s == 0 && v->meter->installed_s > 0) {
        WK_TRY(accept_installation(v));
        collected_s = v->meter->installed_s;
    }
    if (collected_s == 0) {
        const int64_t oldest_s = v->clock_s - v->in->registry->history_days * WK_DAY_S;
        collected_s = oldest_s > 0 ? oldest_s - oldest_s % WK_DAY_S : 0;
    }
    int64_t from_s = collected_s + 1;
    while (from_s <= v->clock_s) {
        const int64_t day_end_s = (from_s - 1) / WK_DAY_S * WK_DAY_S + WK_DAY_S;
        const int64_t to_s = day_end_s < v->clock_s ? day_end_s : v->clock_s;
        WK_TRY(read_range(v, from_s, to_s));
        from_s = day_end_s + 1;
    }
    return mark_or(v, WK_MARK_COLLECTED, 0, &v->state->collected_s);
}

/* ---- gaps ------------------------------------------------------------------------------- */

static int64_t gap_pause_s(const struct wk_registry *registry, int32_t tries)
{
    int64_t pause_s = registry->retry_s;
    for (int32_t i = 0; i < tries && pause_s < registry->retry_max_s; i++) {
        pause_s *= 2;
    }
    return pause_s < registry->retry_max_s ? pause_s : registry->retry_max_s;
}

static wk_err backfill(struct visit *v)
{
    struct wk_gaps gaps;
    if (v->state->collected_s == 0) {
        return WK_OK;
    }
    WK_TRY(of_archive(v, wk_gaps_scan(v->archive, v->meter->id, &gaps)));
    bool asked = false;
    for (size_t i = 0; i < gaps.count; i++) {
        struct wk_archive_gap *gap = &gaps.gap[i];
        if (gap->given_up || gap->next_try_s > v->host_s) {
            continue;
        }
        asked = true;
        WK_TRY(read_range(v, gap->from_s, gap->to_s));
        const int64_t next_s = v->host_s + gap_pause_s(v->in->registry, gap->tries);
        WK_TRY(
            of_archive(v, wk_gaps_tried(v->archive, gap, v->in->registry->gap_tries, next_s)));
    }
    return asked ? of_archive(v, wk_gaps_scan(v->archive, v->meter->id, &gaps)) : WK_OK;
}

/* ---- closing days ----------------------------------------------------------------------- */

/* A correction under way is replaced, not added to. What is further off than the meter takes is a
 * clock that someone must set, or a meter that catches up. */
static wk_err discipline_clock(struct visit *v)
{
    const int64_t limit_s = v->in->registry->clock_limit_s;
    const int64_t off_s =
        v->state->clock_offset_s < 0 ? -v->state->clock_offset_s : v->state->clock_offset_s;
    if (limit_s == 0 || v->meter->role != WK_REGISTRY_MANAGEMENT || off_s <= limit_s ||
        off_s > WK_SOURCE_SHIFT_MOST_S) {
        return WK_OK;
    }
    WK_TRY(v->source->shift_clock(v->source->self, -v->state->clock_offset_s));
    wk_stream_publish(v->in->stream, "clock", "{\"serial\":\"%s\",\"shift_s\":%" PRId64 "}",
                      v->meter->serial, -v->state->clock_offset_s);
    return WK_OK;
}

/* A day may be closed when the meter's clock is past it and nothing more can be expected. */
static wk_err may_close(struct visit *v, int32_t day, const struct wk_gaps *gaps, bool *yes)
{
    const int64_t end_s = (int64_t)(day + 1) * WK_DAY_S;
    *yes = false;
    if (v->clock_s < end_s) {
        return WK_OK;
    }
    if (v->clock_s >= end_s + v->in->registry->open_days * WK_DAY_S &&
        v->state->collected_s > end_s) {
        *yes = true;
        return WK_OK;
    }
    bool waiting = v->state->collected_s < end_s;
    for (size_t i = 0; i < gaps->count; i++) {
        waiting = waiting ||
                  (wk_reading_day_of(gaps->gap[i].from_s) == day && !gaps->gap[i].given_up);
    }
    *yes = !waiting;
    return WK_OK;
}

static wk_err close_days(struct visit *v)
{
    struct wk_gaps gaps;
    if (v->state->collected_s == 0) {
        return WK_OK;
    }
    WK_TRY(of_archive(v, wk_gaps_load(v->archive, v->meter->id, &gaps)));
    for (;;) {
        int32_t day;
        bool yes;
        WK_TRY(of_archive(v, wk_reading_next_day(v->archive, v->meter->id, &day)));
        WK_TRY(may_close(v, day, &gaps, &yes));
        if (!yes) {
            return WK_OK;
        }
        WK_TRY(of_archive(v, wk_reading_close(v->archive, v->meter->id, day, v->host_s)));
        WK_TRY(validate(v, day, day));
        wk_stream_publish(v->in->stream, "day", "{\"serial\":\"%s\",\"day\":%d}",
                          v->meter->serial, day);
    }
}

/* ---- registers and events --------------------------------------------------------------- */

static wk_err store_registers(struct visit *v, const struct wk_source_registers *registers)
{
    struct wk_archive *a = v->archive;
    for (int32_t channel = 0; channel < WK_CHANNELS; channel++) {
        struct wk_archive_register row = {.meter = v->meter->id,
                                          .channel = channel,
                                          .at_s = v->registers_s,
                                          .reg = registers->reg[channel],
                                          .recv_s = v->host_s,
                                          .source = "read"};
        if ((registers->present >> channel & 1U) == 0) {
            continue;
        }
        const wk_err err = a->register_put(a->self, &row);
        if (err != WK_OK && err != WK_E_STATE) { /* the same second again: known */
            return err;
        }
    }
    WK_TRY(a->mark_put(a->self, v->meter->id, WK_MARK_CLOCK, v->clock_s));
    WK_TRY(a->mark_put(a->self, v->meter->id, WK_MARK_READ, v->host_s));
    return a->commit(a->self);
}

/* A register says something about the intervals only if it is known when it was read. The clock
 * of a meter that catches up runs thousands of times faster than ours, so the clock is read
 * before and after. *dated = false: it went on by more than an interval each time. */
static wk_err read_dated_registers(struct visit *v, struct wk_source_registers *registers,
                                   bool *dated)
{
    *dated = false;
    for (int i = 0; i < REGISTER_TRIES && !*dated; i++) {
        int64_t after_s;
        WK_TRY(v->source->read_clock(v->source->self, &v->registers_s));
        WK_TRY(v->source->read_registers(v->source->self, registers));
        WK_TRY(v->source->read_clock(v->source->self, &after_s));
        *dated = after_s - v->registers_s <= v->layout->period_s;
    }
    return WK_OK;
}

static wk_err read_registers(struct visit *v)
{
    struct wk_source_registers registers = {0};
    bool dated;
    WK_TRY(read_dated_registers(v, &registers, &dated));
    if (!dated) {
        registers.present = 0;
    }
    WK_TRY(of_archive(v, v->archive->begin(v->archive->self)));
    const wk_err err = of_archive(v, store_registers(v, &registers));
    v->archive->rollback(v->archive->self); /* nothing to do after a commit */
    return err;
}

static wk_err gather_event(void *context, const struct wk_source_event *event)
{
    struct visit *v = context;
    if (v->events < EVENTS_ROOM) { /* the rest comes with the next visit */
        v->event[v->events++] = *event;
    }
    return WK_OK;
}

/* The log has no numbers: the second and the order within it make one. */
static wk_err store_events(struct visit *v, uint8_t log)
{
    struct wk_archive *a = v->archive;
    int64_t ordinal = 0;
    for (size_t i = 0; i < v->events; i++) {
        const struct wk_source_event *event = &v->event[i];
        ordinal = i > 0 && v->event[i - 1].at_s == event->at_s ? ordinal + 1 : 0;
        struct wk_archive_event row = {
            .meter = v->meter->id,
            .seq = event->at_s * EVENTS_PER_SECOND + ordinal % EVENTS_PER_SECOND,
            .at_s = event->at_s,
            .code = event->code,
            .recv_s = v->host_s,
        };
        snprintf(row.log, sizeof row.log, "0.0.99.98.%u.255", log);
        const wk_err err = a->event_put(a->self, &row);
        if (err == WK_OK) {
            wk_stream_publish(v->in->stream, "event",
                              "{\"serial\":\"%s\",\"at\":%" PRId64 ",\"code\":%d}",
                              v->meter->serial, row.at_s, row.code);
        } else if (err != WK_E_STATE) {
            return err;
        }
    }
    return a->commit(a->self);
}

/* Reads one log; *until_s: what it was read up to. */
static wk_err read_log(struct visit *v, uint8_t log, int64_t from_s, int64_t *until_s)
{
    const struct wk_source_span span = {from_s, v->clock_s};
    v->events = 0;
    const wk_err err = v->source->read_events(v->source->self, log, span, gather_event, v);
    if (err == WK_E_REFUSED && log != 0) {
        v->layout->no_event_log |= (uint16_t)(1U << log);
        *until_s = INT64_MAX;
        return WK_OK;
    }
    WK_TRY(err);
    const int64_t newest_s = v->events > 0 ? v->event[v->events - 1].at_s : from_s;
    *until_s = v->events == EVENTS_ROOM ? newest_s : INT64_MAX;
    v->events_s = newest_s > v->events_s ? newest_s : v->events_s;
    if (v->events == 0) {
        return WK_OK;
    }
    WK_TRY(of_archive(v, v->archive->begin(v->archive->self)));
    const wk_err stored = of_archive(v, store_events(v, log));
    v->archive->rollback(v->archive->self); /* nothing to do after a commit */
    return stored;
}

/* One mark for all logs: the newest event of any, unless one of them had more than there was
 * room for. */
static wk_err read_events(struct visit *v)
{
    int64_t from_s;
    int64_t least_s = INT64_MAX;
    const int64_t oldest_s = v->clock_s - FIRST_EVENTS_DAYS * (int64_t)WK_DAY_S;
    WK_TRY(mark_or(v, WK_MARK_EVENTS, oldest_s > 0 ? oldest_s : 0, &from_s));
    v->events_s = from_s;
    for (uint8_t log = 0; log < EVENT_LOGS; log++) {
        int64_t until_s = INT64_MAX;
        if (((unsigned)v->layout->no_event_log >> log & 1U) == 0) {
            WK_TRY(read_log(v, log, from_s, &until_s));
        }
        least_s = until_s < least_s ? until_s : least_s;
    }
    const int64_t mark_s = least_s < v->events_s ? least_s : v->events_s;
    return mark_s > from_s ? of_archive(v, v->archive->mark_put(v->archive->self, v->meter->id,
                                                                WK_MARK_EVENTS, mark_s))
                           : WK_OK;
}

static wk_err read_supply(struct visit *v)
{
    struct wk_source_supply supply;
    const wk_err err = v->source->read_supply(v->source->self, &supply);
    if (err == WK_E_REFUSED || err == WK_E_NOT_FOUND) {
        return WK_OK; /* a meter without a contactor */
    }
    WK_TRY(err);
    v->state->supply_known = true;
    v->state->supply_closed = supply.output;
    return of_archive(v, v->archive->mark_put(v->archive->self, v->meter->id, WK_MARK_SUPPLY,
                                              supply.output ? 1 : 0));
}

static wk_err renew_certificate(struct visit *v)
{
    bool is_of_archive = false;
    const int64_t before_s = v->state->renewal.signed_s;
    const struct wk_renewal renewal = {
        .registry = v->in->registry,
        .meter = v->meter,
        .archive = v->archive,
        .source = v->source,
        .host_s = v->host_s,
    };
    const wk_err err = wk_renewal_visit(&renewal, &v->state->renewal, &is_of_archive);
    v->archive_failed = v->archive_failed || is_of_archive;
    if (v->state->renewal.signed_s != before_s) {
        wk_stream_publish(v->in->stream, "certificate",
                          "{\"serial\":\"%s\",\"at\":%" PRId64 "}", v->meter->serial,
                          v->host_s);
    }
    return err;
}

/* ---- the visit -------------------------------------------------------------------------- */

static wk_err check_serial(struct visit *v)
{
    char serial[sizeof v->meter->serial];
    WK_TRY(v->source->read_serial(v->source->self, serial, sizeof serial));
    if (strcmp(serial, v->meter->serial) == 0) {
        return WK_OK;
    }
    snprintf(v->state->why, sizeof v->state->why, "the meter there calls itself '%s', not '%s'",
             serial, v->meter->serial);
    return WK_E_STATE;
}

/* Invocation counters are reserved in the archive before they are used, so that after a crash
 * none serves twice. */
static wk_err open_source(struct visit *v)
{
    int64_t counter;
    WK_TRY(mark_or(v, WK_MARK_INVOCATION, 0, &counter));
    if (v->meter->role == WK_REGISTRY_MANAGEMENT && counter > 0) {
        if (counter > UINT32_MAX - COUNTER_RESERVE) {
            snprintf(v->state->why, sizeof v->state->why,
                     "the invocation counter is used up: change the keys");
            return WK_E_STATE;
        }
        WK_TRY(
            of_archive(v, v->archive->mark_put(v->archive->self, v->meter->id,
                                               WK_MARK_INVOCATION, counter + COUNTER_RESERVE)));
    }
    return v->source->open(v->source->self, v->meter, (uint32_t)counter, v->layout);
}

static wk_err visit_open(struct visit *v)
{
    int done;
    WK_TRY(check_serial(v));
    WK_TRY(v->source->read_clock(v->source->self, &v->clock_s));
    v->state->clock_s = v->clock_s;
    v->state->clock_offset_s = v->clock_s - v->host_s;
    WK_TRY(discipline_clock(v));
    const wk_err err = wk_command_run(v->archive, v->meter->id, v->source, v->host_s, &done);
    if (done > 0) {
        wk_stream_publish(v->in->stream, "command", "{\"serial\":\"%s\",\"done\":%d}",
                          v->meter->serial, done);
    }
    WK_TRY(err);
    WK_TRY(renew_certificate(v));
    WK_TRY(read_profile(v));
    WK_TRY(backfill(v));
    WK_TRY(read_registers(v));
    WK_TRY(read_events(v));
    WK_TRY(read_supply(v));
    return close_days(v);
}

static void close_source(struct visit *v)
{
    const uint32_t counter = v->source->counter(v->source->self);
    v->source->close(v->source->self);
    if (v->meter->role == WK_REGISTRY_MANAGEMENT && counter > 0) {
        const wk_err err =
            v->archive->mark_put(v->archive->self, v->meter->id, WK_MARK_INVOCATION, counter);
        (void)err; /* the reservation stands then: counters are skipped, none is reused */
    }
}

static void fail(struct visit *v, wk_err err)
{
    struct wk_intake_state *state = v->state;
    state->status = WK_INTAKE_FAILING;
    state->failures++;
    if (v->archive_failed) {
        snprintf(state->why, sizeof state->why, "archive: %.150s",
                 v->archive->why(v->archive->self));
    } else if (state->why[0] == '\0') {
        snprintf(state->why, sizeof state->why, "%.120s (%s)", v->source->why(v->source->self),
                 wk_err_text(err));
    }
    for (char *c = state->why; *c != '\0'; c++) { /* it goes into JSON texts */
        *c = *c < ' ' || *c == '"' || *c == '\\' ? ' ' : *c;
    }
}

wk_err wk_intake_visit(const struct wk_intake *intake, const struct wk_registry_meter *meter,
                       struct wk_source_layout *layout, struct wk_intake_state *state,
                       int64_t host_s)
{
    struct visit *v = calloc(1, sizeof *v);
    if (v == NULL) {
        return WK_E_FULL;
    }
    v->in = intake;
    v->meter = meter;
    v->archive = intake->archive;
    v->source = intake->source;
    v->layout = layout;
    v->state = state;
    v->host_s = host_s;
    state->tried_s = host_s;
    state->why[0] = '\0';
    wk_err err = open_source(v);
    if (err == WK_OK) {
        err = visit_open(v);
    }
    if (err != WK_OK) {
        layout->known = false; /* the meter may have changed */
        fail(v, err);
    } else {
        state->status = WK_INTAKE_OK;
        state->failures = 0;
        state->read_s = host_s;
    }
    close_source(v);
    free(v);
    return err;
}

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int64_t wk_intake_pause_ms(const struct wk_registry *registry, int64_t meter, int32_t failures)
{
    if (failures <= 0) {
        return registry->poll_s * 1000;
    }
    const int64_t pause_ms = gap_pause_s(registry, failures - 1) * 1000;
    const uint64_t random =
        mix((uint64_t)registry->seed ^ mix((uint64_t)meter ^ mix((uint64_t)failures)));
    return pause_ms - pause_ms / 4 + (int64_t)(random % ((uint64_t)pause_ms / 2 + 1));
}
