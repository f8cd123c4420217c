/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd runs one thread per connection, so waiting in one is allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/web_reply.h"
#include "daemon/web_stream.h"
#include "port/linux/wake.h"

#define BLOCK        8192
#define WAIT_MS      250
#define SILENT_WAITS 4 /* then a comment shows that the stream lives */
#define LEAST_NS                                                                               \
    100000000 /* between two frames: of windows that come faster, as in a catch-up,
                                  the newest is enough */
#define NS_PER_S   1000000000
#define EVERY_MOST 3000
#define CYCLE_TEXT 512 /* one event of a cycle, most */

struct stream {
    struct wk_web *web;
    bool (*gather)(
        struct stream *stream); /* fills `text` with what is new; false: nothing is */
    void (*wait)(struct stream *stream);
    uint64_t seq;    /* of the last window sent */
    uint64_t events; /* how many had been logged when they were last sent */
    uint64_t fresh;  /* web->fresh when it was looked at */
    int64_t sent_ns;
    uint64_t cycle; /* position of the next */
    uint64_t every;
    int waits; /* without anything new */
    char text[BLOCK];
    size_t size;
    size_t at;
};

/* ---- both streams ------------------------------------------------------------------------ */

static ssize_t read_stream(void *context, uint64_t position, char *to, size_t room)
{
    struct stream *stream = context;
    (void)position;
    while (stream->at == stream->size) {
        if (atomic_load(&stream->web->stops)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        stream->size = 0;
        stream->at = 0;
        if (stream->gather(stream)) {
            stream->waits = 0;
        } else if (++stream->waits > SILENT_WAITS) {
            stream->waits = 0;
            stream->size = (size_t)snprintf(stream->text, sizeof stream->text, ":\n\n");
        } else {
            stream->wait(stream);
        }
    }
    const size_t left = stream->size - stream->at;
    const size_t part = left < room ? left : room;
    memcpy(to, stream->text + stream->at, part);
    stream->at += part;
    return (ssize_t)part;
}

static void free_stream(void *context)
{
    struct stream *stream = context;
    atomic_fetch_sub(&stream->web->streams, 1);
    free(stream);
}

static enum MHD_Result open_stream(struct wk_web *web, struct MHD_Connection *connection,
                                   const struct stream *kind)
{
    if (atomic_fetch_add(&web->streams, 1) >= WK_WEB_STREAMS) {
        atomic_fetch_sub(&web->streams, 1);
        return wk_web_error(connection, 503, "busy", NULL,
                            "too many pages are open on this meter: close one");
    }
    struct stream *stream = malloc(sizeof *stream);
    if (stream == NULL) {
        atomic_fetch_sub(&web->streams, 1);
        return MHD_NO;
    }
    *stream = *kind;
    stream->web = web;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream, free_stream);
    wk_web_headers(response, "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    const enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- windows, state, events -------------------------------------------------------------- */

static void put_event(struct stream *stream, const char *kind, json_t *value)
{
    char *text =
        value != NULL ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (text == NULL) {
        return;
    }
    const size_t room = sizeof stream->text - stream->size;
    const int size =
        snprintf(stream->text + stream->size, room, "event: %s\ndata: %s\n\n", kind, text);
    free(text);
    stream->size += size > 0 && (size_t)size < room ? (size_t)size : 0;
}

/* Events that were ever logged. */
static uint64_t count_events(const struct wk_rooms *rooms)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < WK_EVENT_LOGS; kind++) {
        uint64_t oldest;
        uint64_t next = 0;
        const uint8_t log = wk_rooms_log_of(rooms, (wk_event_log)kind);
        const bool own = log != WK_ROOMS_LOG_EVENT || kind == WK_EVENT_LOG_STANDARD;
        if (own && wk_store_log_span(&rooms->store, log, &oldest, &next) == WK_OK) {
            sum += next;
        }
    }
    return sum;
}

static int64_t steady_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static bool gather_windows(struct stream *stream)
{
    struct wk_web *web = stream->web;
    const struct wk_rooms *rooms = &web->view.module->rooms;
    stream->fresh = atomic_load(&web->fresh);
    wk_gate_hold(web->gate);
    const uint64_t next = count_events(rooms);
    if (rooms->live.kind == WK_RECORD_WINDOW && rooms->live.seq != stream->seq) {
        stream->seq = rooms->live.seq;
        put_event(stream, "live", wk_view_live(&web->view));
        put_event(stream, "info", wk_view_info(&web->view));
    }
    if (next != stream->events) {
        stream->events = next;
        put_event(stream, "events", wk_view_events(&web->view, 5));
    }
    wk_gate_release(web->gate);
    stream->sent_ns = stream->size > 0 ? steady_ns() : stream->sent_ns;
    return stream->size > 0;
}

static void wait_for_records(struct stream *stream)
{
    const int64_t rest_ns = stream->sent_ns + LEAST_NS - steady_ns();
    if (rest_ns > 0) {
        const struct timespec rest = {0, rest_ns};
        nanosleep(&rest, NULL);
    }
    wk_wake_wait(&stream->web->fresh, stream->fresh, WAIT_MS);
}

enum MHD_Result wk_web_stream(struct wk_web *web, struct MHD_Connection *connection)
{
    const struct stream kind = {
        .gather = gather_windows, .wait = wait_for_records, .events = UINT64_MAX};
    return open_stream(web, connection, &kind);
}

/* ---- cycles ------------------------------------------------------------------------------ */

static json_t *list(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_real(values[i]));
    }
    return array;
}

static json_t *cycle_of(const struct wk_instant_values *values)
{
    double u_v[WK_RECORD_PHASES];
    double i_a[WK_RECORD_PHASES];
    double p_w[WK_RECORD_PHASES];
    double q_var[WK_RECORD_PHASES];
    double pf[WK_RECORD_PHASES];
    const size_t phases = values->phases <= WK_RECORD_PHASES ? values->phases : 0;
    for (size_t phase = 0; phase < phases; phase++) {
        u_v[phase] = values->u_mv[phase] / 1e3;
        i_a[phase] = (double)values->i_ua[phase] / 1e6;
        p_w[phase] = (double)values->p_mw[phase] / 1e3;
        q_var[phase] = (double)values->q1_mvar[phase] / 1e3;
        pf[phase] = values->pf_e6[phase] / 1e6;
    }
    return json_pack("{s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o}", "number",
                     (json_int_t)values->number, "t_us", (json_int_t)values->t_us, "span_us",
                     (json_int_t)values->span_us, "f_hz", values->frequency_uhz / 1e6, "u_v",
                     list(u_v, phases), "i_a", list(i_a, phases), "p_w", list(p_w, phases),
                     "q_var", list(q_var, phases), "pf", list(pf, phases));
}

static bool gather_cycles(struct stream *stream)
{
    struct wk_instant_ring *ring = stream->web->cycles;
    while (sizeof stream->text - stream->size > CYCLE_TEXT) {
        struct wk_instant_values values;
        const wk_err err = wk_instant_ring_get(ring, stream->cycle, &values);
        if (err == WK_E_NOT_FOUND) {
            break;
        }
        if (err != WK_OK) {
            stream->cycle = wk_instant_ring_head(ring);
            continue;
        }
        stream->cycle++;
        if (values.number % stream->every == 0) {
            put_event(stream, "cycle", cycle_of(&values));
        }
    }
    return stream->size > 0;
}

static void wait_for_cycle(struct stream *stream)
{
    wk_instant_ring_wait(stream->web->cycles, stream->cycle, WAIT_MS);
}

enum MHD_Result wk_web_cycles(struct wk_web *web, struct MHD_Connection *connection)
{
    struct stream kind = {.gather = gather_cycles, .wait = wait_for_cycle, .every = 1};
    const char *every = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "every");
    int64_t number = 1;
    if (every != NULL && wk_ini_integer(every, 1, EVERY_MOST, &number) != WK_OK) {
        return wk_web_error(connection, 400, "bad_request", "every",
                            "must be a whole number from 1 to 3000");
    }
    if (web->cycles == NULL || web->cycles->shared == NULL) {
        return wk_web_error(connection, 404, "not_found", NULL,
                            "the values of cycles cannot be read: see what wk-meterd said when "
                            "it started");
    }
    kind.every = (uint64_t)number;
    kind.cycle = wk_instant_ring_head(web->cycles);
    return open_stream(web, connection, &kind);
}
