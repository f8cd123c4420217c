/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

wk_err wk_stream_init(struct wk_stream *stream)
{
    pthread_condattr_t attributes;
    *stream = (struct wk_stream){0};
    if (pthread_condattr_init(&attributes) != 0) {
        return WK_E_FULL;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    const int code = pthread_cond_init(&stream->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (code != 0) {
        return WK_E_FULL;
    }
    if (pthread_mutex_init(&stream->mutex, NULL) != 0) {
        pthread_cond_destroy(&stream->changed);
        return WK_E_FULL;
    }
    return WK_OK;
}

void wk_stream_free(struct wk_stream *stream)
{
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->mutex);
}

void wk_stream_close(struct wk_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->closed = true;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

void wk_stream_publish(struct wk_stream *stream, const char *kind, const char *format, ...)
{
    struct wk_stream_message message;
    va_list values;
    va_start(values, format);
    const int size = vsnprintf(message.data, sizeof message.data, format, values);
    va_end(values);
    if (size < 0 || (size_t)size >= sizeof message.data) {
        return;
    }
    snprintf(message.kind, sizeof message.kind, "%s", kind);
    pthread_mutex_lock(&stream->mutex);
    message.id = ++stream->last_id;
    stream->ring[message.id % WK_STREAM_ROOM] = message;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

uint64_t wk_stream_last(struct wk_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    const uint64_t last = stream->last_id;
    pthread_mutex_unlock(&stream->mutex);
    return last;
}

static struct timespec deadline_after(int timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += timeout_ms / 1000;
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

wk_err wk_stream_wait(struct wk_stream *stream, uint64_t after, int timeout_ms,
                      struct wk_stream_message *message)
{
    const struct timespec deadline = deadline_after(timeout_ms);
    wk_err err = WK_OK;
    int code = 0;
    pthread_mutex_lock(&stream->mutex);
    while (!stream->closed && stream->last_id <= after && code != ETIMEDOUT) {
        code = pthread_cond_timedwait(&stream->changed, &stream->mutex, &deadline);
    }
    if (stream->closed) {
        err = WK_E_CLOSED;
    } else if (stream->last_id <= after) {
        err = WK_E_TIMEOUT;
    } else {
        const uint64_t oldest =
            stream->last_id > WK_STREAM_ROOM ? stream->last_id - WK_STREAM_ROOM + 1 : 1;
        err = after + 1 < oldest ? WK_E_OVERRUN : WK_OK;
        *message = stream->ring[(after + 1 < oldest ? oldest : after + 1) % WK_STREAM_ROOM];
    }
    pthread_mutex_unlock(&stream->mutex);
    return err;
}
