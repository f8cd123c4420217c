/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/stream - what happens, for everybody who listens: a ring of numbered messages.
 *
 * Publishers never wait for listeners. A listener that falls behind by more than the ring gets
 * WK_E_OVERRUN and goes on with what there is. All functions may be called from any thread. */
#ifndef WK_HEADEND_STREAM_H
#define WK_HEADEND_STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_STREAM_ROOM 256
#define WK_STREAM_KIND 24
#define WK_STREAM_DATA 600

struct wk_stream_message {
    uint64_t id;               /* 1, 2, 3 ... */
    char kind[WK_STREAM_KIND]; /* "progress", "intervals", "event", "command", "meter" ... */
    char data[WK_STREAM_DATA]; /* a JSON object */
};

struct wk_stream {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t last_id;
    bool closed;
    struct wk_stream_message ring[WK_STREAM_ROOM];
};

WK_MUST_USE wk_err wk_stream_init(struct wk_stream *stream);
/** Nobody may be in wk_stream_wait any more. */
void wk_stream_free(struct wk_stream *stream);
/** Wakes all listeners; they get WK_E_CLOSED from now on. */
void wk_stream_close(struct wk_stream *stream);

/** `format` and what follows make the JSON text; one longer than WK_STREAM_DATA is dropped. */
void wk_stream_publish(struct wk_stream *stream, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t wk_stream_last(struct wk_stream *stream);
/** The message after number `after`, waiting up to timeout_ms. WK_E_TIMEOUT: none came;
 *  WK_E_OVERRUN: messages are lost, *message is the oldest that is left; WK_E_CLOSED. */
WK_MUST_USE wk_err wk_stream_wait(struct wk_stream *stream, uint64_t after, int timeout_ms,
                                  struct wk_stream_message *message);

#endif
