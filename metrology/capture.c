/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/capture.h"

#include <string.h>

wk_err wk_capture_init(struct wk_capture *capture, uint8_t channels, int32_t *memory,
                       size_t counts, uint64_t before, uint64_t after)
{
    WK_TRY(channels >= 1 && channels <= WK_HAL_CHANNELS ? WK_OK : WK_E_ARGUMENT);
    const size_t room = counts / channels;
    WK_TRY(after > 0 && before <= room && after <= room - before ? WK_OK : WK_E_FULL);
    *capture = (struct wk_capture){
        .memory = memory,
        .channels = channels,
        .room = room,
        .before = (size_t)before,
        .after = (size_t)after,
    };
    return WK_OK;
}

void wk_capture_deliver_to(struct wk_capture *capture, const struct wk_capture_sink *sink)
{
    capture->sink = *sink;
}

/* The oldest frame in memory. */
static uint64_t oldest(const struct wk_capture *capture)
{
    const uint64_t kept = capture->at > capture->room ? capture->at - capture->room : 0;
    return kept > capture->oldest ? kept : capture->oldest;
}

wk_err wk_capture_flush(struct wk_capture *capture)
{
    if (!capture->open) {
        return WK_OK;
    }
    const uint64_t end = capture->end < capture->at ? capture->end : capture->at;
    capture->open = false;
    capture->done.frames = end > capture->done.first ? end - capture->done.first : 0;
    if (capture->sink.take == NULL || capture->done.frames == 0) {
        return WK_OK;
    }
    return capture->sink.take(capture->sink.self, capture, &capture->done);
}

wk_err wk_capture_feed(struct wk_capture *capture, const int32_t *counts, size_t frames)
{
    while (frames > 0) {
        if (capture->open && capture->at >= capture->end) {
            WK_TRY(wk_capture_flush(capture));
        }
        size_t now = capture->room - capture->slot;
        now = now < frames ? now : frames;
        if (capture->open && capture->end - capture->at < now) {
            now = (size_t)(capture->end - capture->at);
        }
        const size_t values = now * capture->channels;
        memcpy(capture->memory + capture->slot * capture->channels, counts,
               values * sizeof *counts);
        counts += values;
        frames -= now;
        capture->at += now;
        capture->slot = capture->slot + now == capture->room ? 0 : capture->slot + now;
    }
    return capture->open && capture->at >= capture->end ? wk_capture_flush(capture) : WK_OK;
}

void wk_capture_trigger(struct wk_capture *capture, uint64_t at, uint32_t reason)
{
    if (!capture->open) {
        const uint64_t wanted = at > capture->before ? at - capture->before : 0;
        const uint64_t kept = oldest(capture);
        capture->open = true;
        capture->end = 0;
        capture->done = (struct wk_capture_done){
            .first = wanted > kept ? wanted : kept,
            .trigger = at,
            .reason = reason,
        };
    }
    const uint64_t most = capture->done.first + capture->room;
    const uint64_t end = at + capture->after < most ? at + capture->after : most;
    capture->end = end > capture->end ? end : capture->end;
    capture->done.triggers++;
}

wk_err wk_capture_gap(struct wk_capture *capture, uint64_t frames)
{
    const wk_err err = wk_capture_flush(capture);
    capture->at += frames;
    capture->oldest = capture->at;
    return err;
}

wk_err wk_capture_copy(const struct wk_capture *capture, uint64_t first, size_t frames,
                       int32_t *to)
{
    WK_TRY(first >= oldest(capture) && first <= capture->at && frames <= capture->at - first
               ? WK_OK
               : WK_E_RANGE);
    const size_t back = (size_t)(capture->at - first);
    size_t slot =
        back <= capture->slot ? capture->slot - back : capture->slot + capture->room - back;
    while (frames > 0) {
        const size_t left = capture->room - slot;
        const size_t now = frames < left ? frames : left;
        const size_t values = now * capture->channels;
        memcpy(to, capture->memory + slot * capture->channels, values * sizeof *to);
        to += values;
        frames -= now;
        slot = 0;
    }
    return WK_OK;
}
