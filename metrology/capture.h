/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/capture - waveforms before and after a trigger, at the full rate.
 *
 * Frames run through a ring in memory of the owner. A trigger marks a frame; when so many frames
 * have followed it as configured, the capture is finished and handed over. A trigger while one
 * is under way extends it, as far as the ring holds its begin. All counts are kept as they came,
 * of all channels. */
#ifndef WK_METROLOGY_CAPTURE_H
#define WK_METROLOGY_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

/* A finished capture. Frames are numbered from the start of the feed. */
struct wk_capture_done {
    uint64_t first;
    uint64_t frames;
    uint64_t trigger;  /* the frame of the first trigger */
    uint32_t reason;   /* of the first trigger: wk_record_event_kind, 0 = asked for */
    uint32_t triggers; /* how many it covers */
};

struct wk_capture;

/* Where finished captures go. The frames are read by wk_capture_copy during the call; an error
 * is passed on by wk_capture_feed. */
struct wk_capture_sink {
    void *self;
    wk_err (*take)(void *self, const struct wk_capture *capture,
                   const struct wk_capture_done *done);
};

struct wk_capture {
    int32_t *memory;  /* the owner's */
    uint8_t channels; /* counts in a frame */
    bool open;
    size_t room;     /* frames in memory */
    size_t before;   /* frames kept before a trigger */
    size_t after;    /* ... and after it */
    size_t slot;     /* of the next frame */
    uint64_t at;     /* number of the next frame */
    uint64_t oldest; /* of the frames in memory that are without a gap */
    uint64_t end;    /* number of the frame after the last of the capture under way */
    struct wk_capture_done done;
    struct wk_capture_sink sink;
};

/** `memory` holds `counts` counts and must outlive the struct. WK_E_ARGUMENT: channels outside
 *  1..WK_HAL_CHANNELS; WK_E_FULL: it does not hold before + after frames, or after is 0. */
WK_MUST_USE wk_err wk_capture_init(struct wk_capture *capture, uint8_t channels,
                                   int32_t *memory, size_t counts, uint64_t before,
                                   uint64_t after);

/** Where finished captures go; without one they are dropped. */
void wk_capture_deliver_to(struct wk_capture *capture, const struct wk_capture_sink *sink);

/** Takes frames. The error, if any, is the sink's. */
WK_MUST_USE wk_err wk_capture_feed(struct wk_capture *capture, const int32_t *counts,
                                   size_t frames);

/** Frame `at` is of interest: one already fed and still in memory, or one to come. */
void wk_capture_trigger(struct wk_capture *capture, uint64_t at, uint32_t reason);

/** Finishes the capture under way with what there is: at the end of the feed. */
WK_MUST_USE wk_err wk_capture_flush(struct wk_capture *capture);

/** `frames` frames are missing: finishes the capture under way, and begins memory anew. */
WK_MUST_USE wk_err wk_capture_gap(struct wk_capture *capture, uint64_t frames);

/** Copies frames of the capture being handed over. WK_E_RANGE: they are not in memory. */
WK_MUST_USE wk_err wk_capture_copy(const struct wk_capture *capture, uint64_t first,
                                   size_t frames, int32_t *to);

#endif
