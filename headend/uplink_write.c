/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "headend/uplink_apply.h"
#include "headend/uplink_part.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* ---- the thread that writes --------------------------------------------------------------- */

static wk_err find_link(const struct wk_uplink_pending *what, struct wk_archive_link **link)
{
    struct wk_archive *a = &what->peer->uplink->config.archive;
    struct wk_archive_link **at = &what->peer->links[what->stream];
    if (*at != NULL && (*at)->epoch == (int64_t)what->epoch) {
        *link = *at;
        return WK_OK;
    }
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
    }
    if (*at == NULL) {
        return WK_E_FULL;
    }
    **at = (struct wk_archive_link){
        .meter = what->peer->meter->id, .epoch = (int64_t)what->epoch, .stream = what->stream};
    const wk_err err = a->link_get(a->self, *at);
    if (err != WK_OK && err != WK_E_NOT_FOUND) {
        free(*at); /* where it stands is not known */
        *at = NULL;
        return err;
    }
    if (err == WK_E_NOT_FOUND) {
        char obis[WK_OBIS_TEXT];
        wk_obis_print(what->obis, obis);
        snprintf((*at)->obis, sizeof(*at)->obis, "%s", obis);
    }
    *link = *at;
    return WK_OK;
}

static wk_err put_description(struct wk_uplink *uplink, const struct wk_uplink_pending *what)
{
    struct wk_archive *a = &uplink->config.archive;
    struct wk_archive_link *link;
    WK_TRY(find_link(what, &link));
    memcpy(link->description, uplink->writing->octets + what->at, what->size);
    link->size = what->size;
    link->check = what->check;
    return a->link_put(a->self, link);
}

/* Something of this meter is to be applied. */
static void touch(struct wk_uplink *uplink, struct wk_uplink_peer *peer)
{
    if (!peer->touched) {
        peer->touched = true;
        uplink->touched[uplink->touched_count++] = peer;
    }
}

static wk_err put_raw(struct wk_uplink *uplink, const struct wk_uplink_pending *what,
                      int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    struct wk_archive_link *link;
    touch(uplink, what->peer);
    if (what->kind == WK_UPLINK_PENDING_LOOK || what->kind == WK_UPLINK_PENDING_ANNOUNCED) {
        return find_link(what, &link);
    }
    if (what->kind == WK_UPLINK_PENDING_DESCRIPTION) {
        return put_description(uplink, what);
    }
    const struct wk_archive_record row = {.meter = what->peer->meter->id,
                                          .epoch = (int64_t)what->epoch,
                                          .stream = what->stream,
                                          .seq = (int64_t)what->sequence,
                                          .recv_s = now_s,
                                          .count = (int64_t)what->count,
                                          .reason = what->reason,
                                          .octets = uplink->writing->octets + what->at,
                                          .size = what->size};
    return a->record_put(a->self, &row);
}

static wk_err commit_raw(struct wk_uplink *uplink, int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    WK_TRY(a->begin(a->self));
    wk_err err = WK_OK;
    for (size_t i = 0; i < uplink->writing->waiting && err == WK_OK; i++) {
        err = put_raw(uplink, &uplink->writing->pending[i], now_s);
    }
    err = err == WK_OK ? a->commit(a->self) : err;
    a->rollback(a->self); /* nothing to do after a commit */
    return err;
}

/* ---- what they mean ---------------------------------------------------------------------- */

/* After a failure the archive knows where the streams stand, and nobody else: a commit whose answer was
 * lost may have happened. */
static wk_err look_again(struct wk_archive *a, const struct wk_uplink_peer *peer)
{
    for (int i = 0; i < WK_LINK_STREAMS; i++) {
        if (peer->links[i] != NULL) {
            const wk_err err = a->link_get(a->self, peer->links[i]);
            WK_TRY(err == WK_E_NOT_FOUND ? WK_OK : err);
        }
    }
    return WK_OK;
}

static wk_err apply_streams(const struct wk_uplink_place *place, struct wk_uplink_peer *peer)
{
    if (peer->failing) {
        WK_TRY(look_again(place->archive, peer));
    }
    for (int i = 0; i < WK_LINK_STREAMS; i++) {
        if (peer->links[i] != NULL) {
            WK_TRY(wk_uplink_apply(place, peer->links[i]));
            WK_TRY(wk_uplink_announced_settle(peer->announced, place, peer->links[i]));
        }
    }
    return WK_OK;
}

static struct wk_uplink_place place_of(struct wk_uplink *uplink,
                                       const struct wk_uplink_peer *peer, int64_t now_s)
{
    return (struct wk_uplink_place){.archive = &uplink->config.archive,
                                    .meter = peer->meter,
                                    .stream = uplink->config.stream,
                                    .now_s = now_s};
}

/* False: it is to be done again, for which the raw records are there, or announced ones are awaited. */
static bool apply(struct wk_uplink *uplink, struct wk_uplink_peer *peer, int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    const struct wk_uplink_place place = place_of(uplink, peer, now_s);
    const bool is_done = apply_streams(&place, peer) == WK_OK;
    if (!is_done && !peer->failing) { /* said once */
        fprintf(stderr, "wk-headendd: %s: what it sent is kept, but not yet used: %s\n",
                peer->meter->serial, a->why(a->self));
    }
    peer->failing = !is_done;
    peer->touched = !is_done || wk_uplink_announced_waits(peer->announced);
    return !peer->touched;
}

static void apply_touched(struct wk_uplink *uplink, int64_t now_s)
{
    const size_t before = uplink->touched_count;
    uplink->touched_count = 0;
    for (size_t i = 0; i < before; i++) {
        if (!apply(uplink, uplink->touched[i], now_s)) {
            uplink->touched[uplink->touched_count++] = uplink->touched[i];
        }
    }
    uplink->pause_ms = uplink->touched_count == 0                      ? WK_UPLINK_AGAIN_MS
                       : uplink->pause_ms < WK_UPLINK_AGAIN_MAX_MS / 2 ? uplink->pause_ms * 2
                                                                       : WK_UPLINK_AGAIN_MAX_MS;
}

/* ---- the thread -------------------------------------------------------------------------- */

static void wait_a_while(struct wk_uplink *uplink)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + uplink->pause_ms * NS_PER_MS;
    until.tv_sec += ns / NS_PER_S;
    until.tv_nsec = ns % NS_PER_S;
    pthread_cond_timedwait(&uplink->wake, &uplink->lock, &until);
}

/* Until there is a batch to commit, or time to apply what could not be applied. */
static void wait_for_work(struct wk_uplink *uplink, bool *is_job, bool *is_end)
{
    pthread_mutex_lock(&uplink->lock);
    if (!uplink->job && !uplink->ending && uplink->touched_count > 0) {
        wait_a_while(uplink);
    }
    while (!uplink->job && !uplink->ending && uplink->touched_count == 0) {
        pthread_cond_wait(&uplink->wake, &uplink->lock);
    }
    *is_job = uplink->job;
    *is_end = uplink->ending && !uplink->job;
    uplink->job = false;
    pthread_mutex_unlock(&uplink->lock);
}

static void announce(struct wk_uplink *uplink, const struct wk_uplink_pending *what,
                     int64_t now_s)
{
    struct wk_archive_link *link;
    struct wk_uplink_peer *peer = what->peer;
    const struct wk_uplink_place place = place_of(uplink, peer, now_s);
    const struct wk_bytes_in octets =
        wk_bytes_in_of(uplink->writing->octets + what->at, what->size);
    if (peer->announced == NULL) {
        peer->announced = calloc(1, sizeof *peer->announced);
    }
    if (peer->announced != NULL && find_link(what, &link) == WK_OK) {
        wk_uplink_announced_take(peer->announced, &place, link, (int64_t)what->sequence,
                                 octets);
    }
}

/* Before anything is waited for: somebody may be looking. */
static void announce_all(struct wk_uplink *uplink, int64_t now_s)
{
    for (size_t i = 0; i < uplink->writing->waiting; i++) {
        if (uplink->writing->pending[i].kind == WK_UPLINK_PENDING_ANNOUNCED) {
            announce(uplink, &uplink->writing->pending[i], now_s);
        }
    }
}

static wk_err commit_batch(struct wk_uplink *uplink, int64_t now_s)
{
    struct wk_archive *a = &uplink->config.archive;
    const uint64_t one = 1;
    announce_all(uplink, now_s);
    uplink->result = commit_raw(uplink, now_s);
    if (uplink->result != WK_OK) {
        fprintf(stderr, "wk-headendd: records of meters cannot be kept: %s\n", a->why(a->self));
        (void)poll(NULL, 0, WK_UPLINK_AGAIN_MS);
    }
    const wk_err err = uplink->result;            /* the listener's as soon as it is told */
    (void)!write(uplink->done, &one, sizeof one); /* the counter has room for one */
    return err;
}

/* Acknowledged is what is committed; what it means is made of it after that. */
void *wk_uplink_write(void *self)
{
    struct wk_uplink *uplink = self;
    for (;;) {
        bool is_job;
        bool is_end;
        wait_for_work(uplink, &is_job, &is_end);
        if (is_end) {
            return NULL;
        }
        const int64_t now_s = time(NULL);
        if (!is_job || commit_batch(uplink, now_s) == WK_OK) {
            apply_touched(uplink, now_s);
        }
    }
}

/* ---- batches, as the listener sees them --------------------------------------------------- */

void wk_uplink_hand_over(struct wk_uplink *uplink)
{
    if (uplink->busy || uplink->filling->waiting == 0) {
        return;
    }
    struct wk_uplink_batch *full = uplink->filling;
    uplink->filling = uplink->writing;
    uplink->writing = full;
    uplink->busy = true;
    pthread_mutex_lock(&uplink->lock);
    uplink->job = true;
    pthread_cond_signal(&uplink->wake);
    pthread_mutex_unlock(&uplink->lock);
}

void wk_uplink_take_back(struct wk_uplink *uplink)
{
    uint64_t count;
    struct wk_uplink_batch *batch = uplink->writing;
    if (read(uplink->done, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    for (size_t i = 0; i < batch->waiting; i++) {
        const struct wk_uplink_pending *what = &batch->pending[i];
        struct wk_link_receiver *receiver = &what->peer->receiver;
        if (uplink->result != WK_OK) {
            wk_link_receiver_failed(receiver);
        } else if (what->kind <= WK_UPLINK_PENDING_GAP && what->epoch == receiver->epoch) {
            wk_link_receiver_committed(receiver, what->stream, what->sequence,
                                       what->kind == WK_UPLINK_PENDING_GAP ? what->count : 1,
                                       wk_uplink_now_us());
        }
        wk_uplink_renew(what->peer);
    }
    batch->waiting = 0;
    batch->used = 0;
    uplink->busy = false;
}
