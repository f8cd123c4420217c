/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_S   2
#define US_PER_S INT64_C(1000000)

/* What somebody has used of the line, in microseconds, on a time of its own that goes on as those do who
 * are served (start-time fair queueing). Who comes after a pause begins with the present, so that a
 * pause saves nothing up. */
struct share {
    bool is_known;
    uint64_t customer;
    uint32_t waiting;
    int64_t used_us;
};

struct entry {
    bool is_taken;
    uint64_t number; /* in the order they came */
    struct wk_modbus_job job;
};

struct wk_modbus_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    _Atomic bool stop;
    uint64_t number;
    struct wk_modbus modbus; /* of the thread alone */
    struct wk_modbus_queue_counts counts;
    int64_t class_us; /* the present: what the one had used that was served last */
    int64_t customer_us[WK_MODBUS_CLASSES];
    struct share class[WK_MODBUS_CLASSES];
    struct share customer[WK_MODBUS_QUEUE_CUSTOMERS];
    struct entry entry[WK_MODBUS_QUEUE_JOBS];
};

static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* ---- shares ------------------------------------------------------------------------------ */

static struct share *share_of(struct wk_modbus_queue *queue, uint64_t customer)
{
    for (size_t n = 0; n < WK_MODBUS_QUEUE_CUSTOMERS; n++) {
        struct share *share = &queue->customer[n];
        if (share->is_known && share->customer == customer) {
            return share;
        }
    }
    return NULL;
}

/* The share of a customer, which takes the place of one that waits for nothing. NULL: there is none. */
static struct share *share_for(struct wk_modbus_queue *queue, uint64_t customer)
{
    struct share *share = share_of(queue, customer);
    for (size_t n = 0; n < WK_MODBUS_QUEUE_CUSTOMERS && share == NULL; n++) {
        struct share *at = &queue->customer[n];
        if (!at->is_known || at->waiting == 0) {
            *at = (struct share){.is_known = true, .customer = customer};
            share = at;
        }
    }
    return share;
}

static void join(struct share *share, int64_t present_us)
{
    if (share->waiting == 0 && share->used_us < present_us) {
        share->used_us = present_us;
    }
    share->waiting++;
}

static void leave(struct wk_modbus_queue *queue, struct entry *entry)
{
    struct share *share = share_of(queue, entry->job.customer);
    if (share != NULL) {
        share->waiting--;
    }
    queue->class[entry->job.class].waiting--;
    entry->is_taken = false;
}

/* ---- the queue --------------------------------------------------------------------------- */

static struct entry *free_entry(struct wk_modbus_queue *queue)
{
    for (size_t n = 0; n < WK_MODBUS_QUEUE_JOBS; n++) {
        if (!queue->entry[n].is_taken) {
            return &queue->entry[n];
        }
    }
    return NULL;
}

static wk_err put_locked(struct wk_modbus_queue *queue, const struct wk_modbus_job *job)
{
    struct entry *entry = free_entry(queue);
    struct share *share = share_for(queue, job->customer);
    if (entry == NULL || share == NULL) {
        return WK_E_FULL;
    }
    if (share->waiting == WK_MODBUS_QUEUE_EACH) {
        return WK_E_BUSY;
    }
    join(share, queue->customer_us[job->class]);
    join(&queue->class[job->class], queue -> class_us);
    *entry = (struct entry){.is_taken = true, .number = ++queue->number, .job = *job};
    pthread_cond_signal(&queue->wake);
    return WK_OK;
}

wk_err wk_modbus_queue_put(struct wk_modbus_queue *queue, const struct wk_modbus_job *job)
{
    pthread_mutex_lock(&queue->lock);
    const wk_err err = put_locked(queue, job);
    queue->counts.refused += err != WK_OK ? 1 : 0;
    pthread_mutex_unlock(&queue->lock);
    return err;
}

static void refuse(struct wk_modbus_queue *queue, struct entry *entry)
{
    struct wk_modbus_result result = {
        .err = WK_E_CLOSED, .customer = entry->job.customer, .tag = entry->job.tag};
    (void)snprintf(result.why, sizeof result.why, "it was not asked any more");
    leave(queue, entry);
    entry->job.done(entry->job.self, &result);
}

void wk_modbus_queue_forget(struct wk_modbus_queue *queue, uint64_t customer)
{
    pthread_mutex_lock(&queue->lock);
    for (size_t n = 0; n < WK_MODBUS_QUEUE_JOBS; n++) {
        if (queue->entry[n].is_taken && queue->entry[n].job.customer == customer) {
            refuse(queue, &queue->entry[n]);
        }
    }
    pthread_mutex_unlock(&queue->lock);
}

struct wk_modbus_queue_counts wk_modbus_queue_counts(struct wk_modbus_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const struct wk_modbus_queue_counts counts = queue->counts;
    pthread_mutex_unlock(&queue->lock);
    return counts;
}

/* Whether `one` is to be served before `other`: of the class, then of the customer that has used less,
 * then in turn. */
static bool is_before(struct wk_modbus_queue *queue, const struct entry *one,
                      const struct entry *other)
{
    const int64_t one_class_us = queue->class[one->job.class].used_us;
    const int64_t other_class_us = queue->class[other->job.class].used_us;
    if (one->job.class != other->job.class && one_class_us != other_class_us) {
        return one_class_us < other_class_us;
    }
    const struct share *one_share = share_of(queue, one->job.customer);
    const struct share *other_share = share_of(queue, other->job.customer);
    if (one->job.class == other->job.class && one_share->used_us != other_share->used_us) {
        return one_share->used_us < other_share->used_us;
    }
    return one->number < other->number;
}

static struct entry *choose(struct wk_modbus_queue *queue)
{
    struct entry *chosen = NULL;
    for (size_t n = 0; n < WK_MODBUS_QUEUE_JOBS; n++) {
        struct entry *entry = &queue->entry[n];
        if (entry->is_taken && (chosen == NULL || is_before(queue, entry, chosen))) {
            chosen = entry;
        }
    }
    return chosen;
}

/* ---- the thread -------------------------------------------------------------------------- */

static void work_on(struct wk_modbus *modbus, const struct wk_modbus_job *job,
                    struct wk_modbus_result *result)
{
    modbus->timeout_ms = job->timeout_ms;
    modbus->retries = job->retries;
    modbus->why[0] = '\0';
    result->customer = job->customer;
    result->tag = job->tag;
    result->err = wk_modbus_exchange(modbus, &job->request, &result->answer);
    memcpy(result->why, modbus->why, sizeof result->why);
}

static void count(struct wk_modbus_queue *queue, const struct wk_modbus_job *job,
                  int64_t used_us)
{
    struct wk_modbus_queue_counts *counts = &queue->counts;
    struct share *share = share_of(queue, job->customer);
    counts->asked = queue->modbus.asked;
    counts->repeated = queue->modbus.repeated;
    counts->junk = queue->modbus.junk;
    counts->jobs[job->class]++;
    counts->line_us[job->class] += used_us;
    queue->class[job->class].used_us += used_us;
    if (share != NULL) {
        share->used_us += used_us;
    }
}

/* Serves the job that is next; what the line needs to become silent after it is its time, too. */
static void serve(struct wk_modbus_queue *queue)
{
    struct wk_modbus_result result = {.err = WK_OK};
    struct entry *entry = choose(queue);
    const struct wk_modbus_job job = entry->job;
    queue->class_us = queue->class[job.class].used_us;
    queue->customer_us[job.class] = share_of(queue, job.customer)->used_us;
    leave(queue, entry);
    pthread_mutex_unlock(&queue->lock);
    const int64_t begin_us = steady_us();
    work_on(&queue->modbus, &job, &result);
    job.done(job.self, &result);
    const bool is_there = result.err != WK_E_IO && !queue->stop;
    const wk_err settled = is_there ? wk_modbus_settle(&queue->modbus) : WK_OK;
    const int64_t used_us = steady_us() - begin_us;
    pthread_mutex_lock(&queue->lock);
    queue->counts.restless += settled != WK_OK ? 1 : 0;
    count(queue, &job, used_us);
}

static bool is_empty(const struct wk_modbus_queue *queue)
{
    return queue->class[WK_MODBUS_OWN].waiting + queue->class[WK_MODBUS_CLIENT].waiting == 0;
}

/* Waits for a job, and closes a connection that nobody needs. */
static void rest(struct wk_modbus_queue *queue)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    int waited = 0;
    while (!queue->stop && is_empty(queue) && waited == 0) {
        waited = pthread_cond_timedwait(&queue->wake, &queue->lock, &until);
    }
    if (waited != 0 && !queue->modbus.serial) {
        wk_modbus_close(&queue->modbus);
    }
    while (!queue->stop && is_empty(queue)) {
        pthread_cond_wait(&queue->wake, &queue->lock);
    }
}

static void refuse_all(struct wk_modbus_queue *queue)
{
    for (size_t n = 0; n < WK_MODBUS_QUEUE_JOBS; n++) {
        if (queue->entry[n].is_taken) {
            refuse(queue, &queue->entry[n]);
        }
    }
}

static void *work(void *context)
{
    struct wk_modbus_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    while (!queue->stop) {
        if (is_empty(queue)) {
            rest(queue);
        } else {
            serve(queue);
        }
    }
    refuse_all(queue);
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

/* ---- starting, asking, stopping ---------------------------------------------------------- */

static void free_queue(struct wk_modbus_queue *queue)
{
    wk_modbus_close(&queue->modbus);
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

wk_err wk_modbus_queue_start(struct wk_modbus_queue **queue, const char *uri,
                             char why[WK_MODBUS_WHY])
{
    const struct wk_modbus_config line = {.uri = uri};
    pthread_condattr_t attributes;
    struct wk_modbus_queue *made = calloc(1, sizeof *made);
    if (made == NULL) {
        (void)snprintf(why, WK_MODBUS_WHY, "no memory");
        return WK_E_IO;
    }
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    wk_err err = wk_modbus_open(&made->modbus, &line);
    memcpy(why, made->modbus.why, WK_MODBUS_WHY);
    if (err != WK_E_ARGUMENT) {
        err = pthread_create(&made->thread, NULL, work, made) == 0 ? WK_OK : WK_E_IO;
    }
    if (err != WK_OK) {
        free_queue(made);
        return err;
    }
    *queue = made;
    return WK_OK;
}

void wk_modbus_queue_stop(struct wk_modbus_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stop = true;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->thread, NULL);
    free_queue(queue);
}

/* One who waits for a result. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_done;
    struct wk_modbus_result *result;
};

static void tell(void *self, const struct wk_modbus_result *result)
{
    struct waiter *waiter = self;
    pthread_mutex_lock(&waiter->lock);
    *waiter->result = *result;
    waiter->is_done = true;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

wk_err wk_modbus_queue_ask(struct wk_modbus_queue *queue, const struct wk_modbus_job *job,
                           struct wk_modbus_result *result)
{
    struct waiter waiter = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .result = result};
    struct wk_modbus_job mine = *job;
    mine.self = &waiter;
    mine.done = tell;
    const wk_err err = wk_modbus_queue_put(queue, &mine);
    if (err != WK_OK) {
        (void)snprintf(result->why, sizeof result->why, "%s", wk_err_text(err));
        return err;
    }
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done) {
        pthread_cond_wait(&waiter.wake, &waiter.lock);
    }
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.wake);
    pthread_mutex_destroy(&waiter.lock);
    return result->err;
}
