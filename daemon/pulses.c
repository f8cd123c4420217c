/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pulses.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S INT64_C(1000000)

struct wk_pulses {
    int file;
    bool ends;
    uint64_t waiting; /* pulses */
    int64_t span_us;  /* of the newest window */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* Waits with the mutex held until then, or the end. */
static void wait_until(struct wk_pulses *pulses, int64_t until_us)
{
    const struct timespec until = {until_us / US_PER_S, until_us % US_PER_S * 1000};
    while (!pulses->ends && now_us() < until_us) {
        pthread_cond_timedwait(&pulses->changed, &pulses->mutex, &until);
    }
}

static void light(const struct wk_pulses *pulses, bool on)
{
    const ssize_t written = write(pulses->file, on ? "1\n" : "0\n", 2);
    (void)written; /* a lamp that fails must not stop metering */
}

/* One batch: what is waiting now, spread over the span of a window. */
static void show(struct wk_pulses *pulses)
{
    const int64_t begin_us = now_us();
    const uint64_t batch = pulses->waiting;
    const int64_t apart_us = pulses->span_us / (int64_t)batch;
    const int64_t least_us = US_PER_S / WK_PULSES_MOST_HZ / 2;
    const int64_t each_us = apart_us > least_us ? apart_us : least_us;
    const int64_t on_us = each_us / 2 < WK_PULSES_ON_US ? each_us / 2 : WK_PULSES_ON_US;
    for (uint64_t n = 0; n < batch && !pulses->ends; n++) {
        light(pulses, true);
        wait_until(pulses, begin_us + (int64_t)n * each_us + on_us);
        light(pulses, false);
        pulses->waiting--;
        wait_until(pulses, begin_us + (int64_t)(n + 1) * each_us);
    }
}

static void *run(void *self)
{
    struct wk_pulses *pulses = self;
    pthread_mutex_lock(&pulses->mutex);
    while (!pulses->ends) {
        if (pulses->waiting == 0) {
            pthread_cond_wait(&pulses->changed, &pulses->mutex);
        } else {
            show(pulses);
        }
    }
    pthread_mutex_unlock(&pulses->mutex);
    return NULL;
}

static bool start(struct wk_pulses *pulses)
{
    pthread_condattr_t steady;
    if (pthread_condattr_init(&steady) != 0) {
        return false;
    }
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    const bool good = pthread_mutex_init(&pulses->mutex, NULL) == 0 &&
                      pthread_cond_init(&pulses->changed, &steady) == 0 &&
                      pthread_create(&pulses->thread, NULL, run, pulses) == 0;
    pthread_condattr_destroy(&steady);
    return good;
}

static wk_err err_of(int number)
{
    return number == ENOENT                      ? WK_E_NOT_FOUND
           : number == EACCES || number == EPERM ? WK_E_DENIED
                                                 : WK_E_IO;
}

wk_err wk_pulses_open(struct wk_pulses **pulses, const char *file, char why[WK_PULSES_WHY])
{
    *pulses = NULL;
    const int opened = open(file, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) {
        const wk_err err = err_of(errno);
        snprintf(why, WK_PULSES_WHY, "pulse_led %.150s: %s", file, strerror(errno));
        return err;
    }
    struct wk_pulses *made = calloc(1, sizeof *made);
    if (made == NULL) {
        close(opened);
        snprintf(why, WK_PULSES_WHY, "pulse_led: no memory");
        return WK_E_FULL;
    }
    made->file = opened;
    if (!start(made)) {
        close(opened);
        free(made);
        snprintf(why, WK_PULSES_WHY, "pulse_led: no thread can be started");
        return WK_E_IO;
    }
    *pulses = made;
    return WK_OK;
}

void wk_pulses_add(struct wk_pulses *pulses, uint32_t count, int64_t span_us)
{
    if (pulses == NULL || count == 0) {
        return;
    }
    pthread_mutex_lock(&pulses->mutex);
    pulses->waiting += count;
    pulses->span_us = span_us;
    pthread_cond_signal(&pulses->changed);
    pthread_mutex_unlock(&pulses->mutex);
}

uint64_t wk_pulses_close(struct wk_pulses *pulses)
{
    if (pulses == NULL) {
        return 0;
    }
    pthread_mutex_lock(&pulses->mutex);
    pulses->ends = true;
    pthread_cond_signal(&pulses->changed);
    pthread_mutex_unlock(&pulses->mutex);
    pthread_join(pulses->thread, NULL);
    const uint64_t left = pulses->waiting;
    close(pulses->file);
    pthread_cond_destroy(&pulses->changed);
    pthread_mutex_destroy(&pulses->mutex);
    free(pulses);
    return left;
}
