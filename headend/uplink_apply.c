/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink_apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cosem/axdr.h"
#include "headend/reading.h"
#include "headend/rows.h"

#define BATCH             128
#define EVENTS_PER_SECOND 256 /* as headend/intake numbers them */

typedef enum kind { LOAD_PROFILE, EVENT_LOG, OTHER } kind;

/* One run over the next records of a stream. */
struct run {
    const struct wk_uplink_place *place;
    struct wk_archive_link *link;
    kind kind;
    struct wk_source_layout layout;
    struct wk_rows_log log;
    int64_t next; /* first that was not looked at */
    size_t readings;
    struct wk_reading reading[BATCH];
    size_t events;
    struct wk_archive_event event[BATCH];
    int64_t second; /* of the last event, and how many of it came before */
    int64_t ordinal;
    size_t exceptions;
    struct wk_archive_exception exception[BATCH];
};

static void note(struct run *run, const char *what, int64_t sequence, const char *why)
{
    struct wk_archive_exception *e = &run->exception[run->exceptions++];
    *e = (struct wk_archive_exception){.meter = run->place->meter->id,
                                       .at_s = run->place->now_s,
                                       .channel = -1,
                                       .recv_s = run->place->now_s};
    snprintf(e->kind, sizeof e->kind, "%s", what);
    snprintf(e->text, sizeof e->text, "%s, record %" PRId64 ": %s", run->link->obis, sequence,
             why);
}

/* ---- forms ------------------------------------------------------------------------------- */

static void take_unit(struct wk_bytes_in *in, struct wk_source_layout *layout, int32_t column,
                      int32_t channel)
{
    struct wk_axdr_value scaler;
    struct wk_axdr_value unit;
    struct wk_source_column *to = &layout->column[column];
    if (wk_bytes_in_peek(in) != WK_AXDR_STRUCTURE) {
        wk_axdr_skip(in);
        to->kind = channel < 0 ? to->kind : WK_SOURCE_OTHER;
        return;
    }
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    wk_axdr_read(in, &scaler);
    wk_axdr_read(in, &unit);
    if (members != 2 || in->fault != WK_OK) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    } else if (channel >= 0 && wk_rows_factor(channel, (int8_t)scaler.integer,
                                              (uint8_t)unit.integer, &to->factor) != WK_OK) {
        to->kind = WK_SOURCE_OTHER;
        layout->present &= ~(1U << channel);
    }
}

/* The description of a load profile: capture objects, units, period (docs/on-wire.md). */
static wk_err read_profile_form(struct run *run, struct wk_bytes_in in, const char **why)
{
    struct wk_source_layout *layout = &run->layout;
    int32_t channel[WK_SOURCE_COLUMNS];
    struct wk_axdr_value period;
    const uint32_t columns = wk_axdr_read_count(&in, WK_AXDR_ARRAY);
    *why = "its description is malformed";
    for (uint32_t i = 0; i < columns && in.fault == WK_OK && i < WK_SOURCE_COLUMNS; i++) {
        struct wk_select_column capture;
        wk_select_read_column(&in, &capture);
        if (in.fault == WK_OK) {
            wk_rows_add_column(layout, &capture, &channel[i]);
        }
    }
    if (in.fault != WK_OK || columns > WK_SOURCE_COLUMNS ||
        wk_axdr_read_count(&in, WK_AXDR_ARRAY) != columns) {
        return WK_E_FORMAT;
    }
    for (uint32_t i = 0; i < columns && in.fault == WK_OK; i++) {
        take_unit(&in, layout, (int32_t)i, channel[i]);
    }
    wk_axdr_read(&in, &period);
    if (wk_bytes_in_end(&in) != WK_OK || !wk_axdr_is_integer(period.tag) ||
        period.integer < 60 || period.integer > WK_DAY_S || WK_DAY_S % period.integer != 0) {
        return WK_E_FORMAT;
    }
    layout->period_s = (int32_t)period.integer;
    layout->known = true;
    return wk_rows_check(layout, why);
}

static kind kind_of(const struct wk_archive_link *link)
{
    unsigned log = 0;
    return strcmp(link->obis, "1.0.99.1.0.255") == 0           ? LOAD_PROFILE
           : sscanf(link->obis, "0.0.99.98.%u.255", &log) == 1 ? EVENT_LOG
                                                               : OTHER;
}

static wk_err read_log_form(struct wk_bytes_in in, struct wk_rows_log *log, const char **why)
{
    struct wk_bytes_in captures = in;
    wk_axdr_skip(&in);
    captures.size = in.at;
    return wk_rows_log_read(captures, log, why);
}

static wk_err read_form(struct run *run, const char **why)
{
    const struct wk_archive_link *link = run->link;
    struct wk_bytes_in in = wk_bytes_in_of(link->description, link->size);
    *why = "its description is malformed";
    run->kind = kind_of(link);
    if (run->kind == OTHER) {
        return WK_OK;
    }
    if (wk_axdr_read_count(&in, WK_AXDR_STRUCTURE) != 3) {
        return WK_E_FORMAT;
    }
    return run->kind == LOAD_PROFILE ? read_profile_form(run, in, why)
                                     : read_log_form(in, &run->log, why);
}

wk_err wk_uplink_read_event(const struct wk_archive_link *link, struct wk_bytes_in record,
                            struct wk_source_event *event)
{
    struct wk_bytes_in in = wk_bytes_in_of(link->description, link->size);
    struct wk_rows_log log;
    const char *why;
    if (kind_of(link) != EVENT_LOG || wk_axdr_read_count(&in, WK_AXDR_STRUCTURE) != 3) {
        return WK_E_FORMAT;
    }
    WK_TRY(read_log_form(in, &log, &why));
    return wk_rows_event(&log, record, event, &why);
}

/* ---- records ----------------------------------------------------------------------------- */

static void take_reading(struct run *run, const struct wk_archive_record *row)
{
    const char *why;
    if (wk_rows_reading(&run->layout, wk_bytes_in_of(row->octets, row->size),
                        &run->reading[run->readings], &why) != WK_OK) {
        note(run, "unreadable", row->seq, why);
        return;
    }
    run->readings++;
}

/* Events of one second are numbered in their order, whichever way they come. */
static void take_event(struct run *run, const struct wk_archive_record *row)
{
    struct wk_source_event event;
    const char *why;
    if (wk_rows_event(&run->log, wk_bytes_in_of(row->octets, row->size), &event, &why) !=
        WK_OK) {
        note(run, "unreadable", row->seq, why);
        return;
    }
    run->ordinal = event.at_s == run->second ? run->ordinal + 1 : 0;
    run->second = event.at_s;
    if (row->seq < run->link->applied) {
        return; /* only looked at for its second */
    }
    struct wk_archive_event *to = &run->event[run->events++];
    *to = (struct wk_archive_event){.meter = run->place->meter->id,
                                    .seq = event.at_s * EVENTS_PER_SECOND +
                                           run->ordinal % EVENTS_PER_SECOND,
                                    .at_s = event.at_s,
                                    .code = event.code,
                                    .recv_s = run->place->now_s};
    snprintf(to->log, sizeof to->log, "%s", run->link->obis);
}

/* Takes the next record; a hole ends the run. */
static wk_err take_record(void *context, const struct wk_archive_record *row)
{
    struct run *run = context;
    const int64_t applied = run->link->applied;
    if (row->seq > (run->next > applied ? run->next : applied)) {
        return WK_E_STATE;
    }
    run->next = row->count > 0 ? row->seq + row->count : row->seq + 1;
    if (row->count > 0) {
        static const char *const k_reasons[] = {"", "the meter no longer held them",
                                                "the meter could not read them",
                                                "longer than the link carries"};
        const size_t known = sizeof k_reasons / sizeof k_reasons[0];
        const size_t reason = (size_t)row->reason < known ? (size_t)row->reason : 0;
        if (row->seq >= run->link->applied) {
            note(run, "missing", row->seq, k_reasons[reason]);
        }
    } else if (run->kind == LOAD_PROFILE) {
        take_reading(run, row);
    } else if (run->kind == EVENT_LOG) {
        take_event(run, row);
    }
    return WK_OK;
}

/* ---- what they become -------------------------------------------------------------------- */

/* A meter whose installation is known begins with registers of 0. */
static wk_err accept_installation(struct run *run)
{
    const struct wk_uplink_place *place = run->place;
    struct wk_archive *a = place->archive;
    struct wk_reading_result result;
    int64_t collected_s;
    const struct wk_reading first = {.end_s = place->meter->installed_s,
                                     .present = run->layout.present};
    const wk_err err = a->mark_get(a->self, place->meter->id, WK_MARK_COLLECTED, &collected_s);
    if (err != WK_E_NOT_FOUND || place->meter->installed_s <= 0) {
        return err == WK_E_NOT_FOUND ? WK_OK : err;
    }
    return wk_reading_accept(a, place->meter->id, run->layout.period_s,
                             (struct wk_reading_rows){&first, 1}, place->now_s, &result);
}

static wk_err accept_readings(struct run *run)
{
    const struct wk_uplink_place *place = run->place;
    struct wk_reading_result result;
    if (run->readings == 0) {
        return WK_OK;
    }
    WK_TRY(accept_installation(run));
    WK_TRY(wk_reading_accept(place->archive, place->meter->id, run->layout.period_s,
                             (struct wk_reading_rows){run->reading, run->readings},
                             place->now_s, &result));
    if (result.fresh + result.late + result.changed > 0) {
        wk_stream_publish(place->stream, "intervals",
                          "{\"serial\":\"%s\",\"from\":%" PRId64 ",\"to\":%" PRId64
                          ",\"fresh\":%d,\"late\":%d,\"changed\":%d}",
                          place->meter->serial, run->reading[0].end_s,
                          run->reading[run->readings - 1].end_s, result.fresh, result.late,
                          result.changed);
    }
    return WK_OK;
}

static wk_err put_rest(struct run *run)
{
    struct wk_archive *a = run->place->archive;
    for (size_t i = 0; i < run->events; i++) {
        const wk_err err = a->event_put(a->self, &run->event[i]);
        if (err == WK_OK) {
            wk_stream_publish(run->place->stream, "event",
                              "{\"serial\":\"%s\",\"at\":%" PRId64 ",\"code\":%d}",
                              run->place->meter->serial, run->event[i].at_s,
                              run->event[i].code);
        } else if (err != WK_E_STATE) { /* known: it was read before */
            return err;
        }
    }
    for (size_t i = 0; i < run->exceptions; i++) {
        const wk_err err = a->exception_put(a->self, &run->exception[i]);
        WK_TRY(err == WK_E_STATE ? WK_OK : err);
    }
    run->link->applied = run->next;
    WK_TRY(a->link_put(a->self, run->link));
    return a->commit(a->self);
}

/* Readings have a transaction of their own and can be accepted twice; the mark moves last. */
static wk_err keep(struct run *run)
{
    struct wk_archive *a = run->place->archive;
    const int64_t before = run->link->applied;
    WK_TRY(accept_readings(run));
    WK_TRY(a->begin(a->self));
    const wk_err err = put_rest(run);
    if (err != WK_OK) {
        run->link->applied = before;
    }
    a->rollback(a->self); /* nothing to do after a commit */
    return err;
}

/* Where to begin to look: events of a log may share their second with those before. */
static int64_t look_from(const struct run *run)
{
    const int64_t back = run->kind == EVENT_LOG ? BATCH / 2 : 0;
    return run->link->applied > back ? run->link->applied - back : 0;
}

wk_err wk_uplink_apply(const struct wk_uplink_place *place, struct wk_archive_link *link)
{
    struct wk_archive *a = place->archive;
    const char *why = "";
    bool more = link->size > 0;
    while (more) {
        static _Thread_local struct run run;
        memset(&run, 0, sizeof run);
        run.place = place;
        run.link = link;
        run.second = INT64_MIN;
        if (read_form(&run, &why) != WK_OK) {
            run.kind = OTHER;
            note(&run, "unreadable", link->applied, why);
        }
        const struct wk_archive_record key = {.meter = link->meter,
                                              .epoch = link->epoch,
                                              .stream = link->stream,
                                              .seq = look_from(&run)};
        run.next = key.seq;
        const wk_err err = a->record_each(a->self, &key, BATCH, take_record, &run);
        if (err != WK_OK && err != WK_E_STATE) {
            return err;
        }
        more = run.next > link->applied;
        if (more) {
            WK_TRY(keep(&run));
        }
    }
    return WK_OK;
}
