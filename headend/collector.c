/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/collector.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "headend/due.h"

#define NOWHERE SIZE_MAX

struct slot {
    bool visited; /* by a worker, now */
    bool kicked;  /* visit again at once */
    struct wk_source_layout layout;
    struct wk_intake_state state;
};

struct worker {
    struct wk_collector *collector;
    pthread_t thread;
    struct wk_source source;
    struct wk_archive archive;
    struct wk_intake_state state; /* of the meter it visits */
};

struct wk_collector {
    struct wk_registry *registry;
    struct wk_stream *stream;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    struct slot *slot; /* one per meter */
    struct wk_due due; /* of the meters that wait, on the monotonic clock, in ms */
    int workers;
    struct worker worker[64];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- workers ---------------------------------------------------------------------------- */

static void wait_until(struct wk_collector *c, int64_t due_ms)
{
    const struct timespec t = {.tv_sec = (time_t)(due_ms / 1000),
                               .tv_nsec = (long)(due_ms % 1000) * 1000000};
    pthread_cond_timedwait(&c->changed, &c->mutex, &t);
}

/* The next meter that is due; NOWHERE: the end. Called with the mutex held. */
static size_t next_due(struct wk_collector *c)
{
    while (!c->stopping) {
        size_t index = NOWHERE;
        const int64_t due_ms = wk_due_first(&c->due, &index);
        if (due_ms == WK_DUE_NEVER) {
            pthread_cond_wait(&c->changed, &c->mutex);
        } else if (due_ms > now_ms()) {
            wait_until(c, due_ms);
        } else {
            wk_due_set(&c->due, index, WK_DUE_NEVER);
            c->slot[index].visited = true;
            return index;
        }
    }
    return NOWHERE;
}

static void visit(struct worker *w, size_t index)
{
    struct wk_collector *c = w->collector;
    const struct wk_registry_meter *meter = &c->registry->meter[index];
    const struct wk_intake intake = {
        .registry = c->registry,
        .archive = &w->archive,
        .source = &w->source,
        .stream = c->stream,
    };
    const int32_t failures_before = w->state.failures;
    const wk_err err =
        wk_intake_visit(&intake, meter, &c->slot[index].layout, &w->state, time(NULL));
    if (err != WK_OK && failures_before == 0) {
        wk_stream_publish(c->stream, "meter", "{\"serial\":\"%s\",\"failing\":\"%s\"}",
                          meter->serial, w->state.why);
    }
    wk_stream_publish(c->stream, "progress",
                      "{\"serial\":\"%s\",\"status\":\"%s\",\"clock\":%" PRId64
                      ",\"collected\":%" PRId64 ",\"readings\":%" PRId64 "}",
                      meter->serial, err == WK_OK ? "ok" : "failing", w->state.clock_s,
                      w->state.collected_s, w->state.readings);
}

static void *work(void *context)
{
    struct worker *w = context;
    struct wk_collector *c = w->collector;
    pthread_mutex_lock(&c->mutex);
    for (;;) {
        const size_t index = next_due(c);
        if (index == NOWHERE) {
            break;
        }
        struct slot *slot = &c->slot[index];
        w->state = slot->state;
        slot->kicked = false;
        pthread_mutex_unlock(&c->mutex);
        visit(w, index);
        pthread_mutex_lock(&c->mutex);
        slot->state = w->state;
        const int64_t pause_ms =
            wk_intake_pause_ms(c->registry, c->registry->meter[index].id, slot->state.failures);
        slot->visited = false;
        wk_due_set(&c->due, index, slot->kicked ? 0 : now_ms() + pause_ms);
        pthread_cond_signal(&c->changed);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

/* ---- start and stop --------------------------------------------------------------------- */

static wk_err number_meters(struct wk_collector *c, struct wk_archive *archive,
                            char why[WK_INI_WHY])
{
    wk_err err = archive->begin(archive->self);
    for (size_t i = 0; i < c->registry->meters && err == WK_OK; i++) {
        struct wk_registry_meter *meter = &c->registry->meter[i];
        err = archive->meter_id(archive->self, meter->tenant, meter->serial, &meter->id);
    }
    if (err == WK_OK) {
        err = archive->commit(archive->self);
    }
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "archive: %.300s", archive->why(archive->self));
        archive->rollback(archive->self);
    }
    return err;
}

static wk_err start_worker(struct wk_collector *c, const struct wk_collector_maker *maker,
                           char why[WK_INI_WHY])
{
    struct worker *w = &c->worker[c->workers];
    w->collector = c;
    WK_TRY(maker->archive(maker->self, &w->archive, why));
    wk_err err = c->workers == 0 ? number_meters(c, &w->archive, why) : WK_OK;
    if (err != WK_OK) {
        w->archive.close(w->archive.self);
        return err;
    }
    err = maker->source(maker->self, &w->source);
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "a source cannot be made: %s", wk_err_text(err));
        w->archive.close(w->archive.self);
        return err;
    }
    if (pthread_create(&w->thread, NULL, work, w) != 0) {
        snprintf(why, WK_INI_WHY, "a thread cannot be started");
        w->source.destroy(w->source.self);
        w->archive.close(w->archive.self);
        return WK_E_FULL;
    }
    c->workers++;
    return WK_OK;
}

static wk_err make(struct wk_registry *registry, struct wk_stream *stream,
                   struct wk_collector **collector)
{
    struct wk_collector *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return WK_E_FULL;
    }
    c->registry = registry;
    c->stream = stream;
    c->slot = calloc(registry->meters, sizeof *c->slot);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&c->mutex, NULL);
    *collector = c;
    return c->slot != NULL ? wk_due_init(&c->due, registry->meters) : WK_E_FULL;
}

wk_err wk_collector_start(struct wk_registry *registry, struct wk_stream *stream,
                          const struct wk_collector_maker *maker,
                          struct wk_collector **collector, char why[WK_INI_WHY])
{
    struct wk_collector *c = NULL;
    wk_err err = make(registry, stream, &c);
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "no memory");
        wk_collector_stop(c);
        return err;
    }
    for (int i = 0; i < registry->workers && err == WK_OK; i++) {
        err = start_worker(c, maker, why);
    }
    if (err != WK_OK) {
        wk_collector_stop(c);
        return err;
    }
    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < registry->meters; i++) {
        wk_due_set(&c->due, i, 0);
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    *collector = c;
    return WK_OK;
}

void wk_collector_stop(struct wk_collector *c)
{
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->mutex);
    c->stopping = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    for (int i = 0; i < c->workers; i++) {
        struct worker *w = &c->worker[i];
        pthread_join(w->thread, NULL);
        w->source.destroy(w->source.self);
        w->archive.close(w->archive.self);
    }
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
    free(c->slot);
    wk_due_free(&c->due);
    free(c);
}

void wk_collector_state(struct wk_collector *c, size_t index, struct wk_intake_state *state)
{
    pthread_mutex_lock(&c->mutex);
    *state = c->slot[index].state;
    pthread_mutex_unlock(&c->mutex);
}

void wk_collector_kick(struct wk_collector *c, size_t index)
{
    pthread_mutex_lock(&c->mutex);
    struct slot *slot = &c->slot[index];
    slot->kicked = true;
    if (!slot->visited) {
        wk_due_set(&c->due, index, 0);
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}
