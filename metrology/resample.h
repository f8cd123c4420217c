/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/resample - windows of 10/12 cycles as 1536 points each, whatever the frequency.
 *
 * A spectrum without leakage needs a whole number of cycles in a power-of-two-like number of
 * points (IEC 61000-4-7, 4.4: synchronised within 0.03 %). The points lie evenly in the phase of
 * the chain's oscillator, from a window's begin to its end; each is a weighted sum of the input
 * samples around it. The weights are computed once per point and serve all channels.
 *
 * Kernel: 16 samples wide. Where the input holds more than what 1536 points can carry (above
 * about 8 kHz), it is stretched, so that nothing folds into the orders 0..50. Its response is
 * known exactly (metrology/spectrum_table) and is divided out of the spectrum.
 *
 * Points are kept as 16 bits per channel, scaled to the largest sample of the last windows; the
 * scale is halved on the way if a larger one comes, so nothing is ever cut off. A random
 * fraction of a step, added before rounding, keeps the rounding errors from gathering in the
 * harmonics. */
#ifndef WK_METROLOGY_RESAMPLE_H
#define WK_METROLOGY_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/sample.h"

#define WK_RESAMPLE_POINTS   1536
#define WK_RESAMPLE_TAPS     16   /* input samples a point is made of, if not stretched */
#define WK_RESAMPLE_REACH    64   /* at most so many on either side */
#define WK_RESAMPLE_FRAMES   256  /* of history suffice at any rate */
#define WK_RESAMPLE_FRAMES_8 56   /* ... up to 8 kHz */
#define WK_RESAMPLE_GAIN     1.6F /* no point is larger than this times the largest sample */

/* Octets of the points of a window, 16 bits each; how they are laid out is up to the lanes. */
#define WK_RESAMPLE_OCTETS (WK_RESAMPLE_POINTS * WK_HAL_CHANNELS * 2)

struct wk_resample {
    uint8_t channels;
    bool running;        /* there is a window to make points of */
    uint16_t count;      /* points of it so far */
    uint16_t reach;      /* input samples on either side of a point */
    uint16_t reach_most; /* ... at the lowest frequency */
    float stretch;       /* of the kernel, >= 1 */
    int64_t rate_uhz;
    uint64_t next_q32;    /* position of the next point in the history, frames */
    uint64_t spacing_q32; /* of points, frames */
    uint64_t first;       /* number of the frame history begins with */
    size_t fill;          /* frames in it */
    size_t capacity;      /* ... at most */
    size_t usual;         /* ... while nothing is held */
    uint64_t hold;        /* frames from this number on are kept; UINT64_MAX: none */
    float (*history)[WK_HAL_CHANNELS]; /* the last frames, counts less offset */
    uint32_t noise;                    /* state of the random fractions */
    uint32_t frames;                   /* since wk_resample_mark */
    int32_t offset[WK_HAL_CHANNELS];
    float scale[WK_HAL_CHANNELS];       /* from counts to the numbers in `points` */
    float square[WK_HAL_CHANNELS];      /* sum of squares since wk_resample_mark */
    float peak_square[WK_HAL_CHANNELS]; /* largest since then */
    float last_square[WK_HAL_CHANNELS]; /* largest between the last two marks */
    void *points;                       /* WK_RESAMPLE_OCTETS */
};

/* What makes points of frames; see metrology/lanes. */
struct wk_lanes;

/** Frames of history needed at a sample rate. */
size_t wk_resample_frames(int64_t rate_uhz);

/** Borrowed for as long as the resampler is used: `points`, WK_RESAMPLE_OCTETS, which may serve
 *  for something else from when a window is complete until the next feed; and `history`,
 *  `capacity` frames. WK_E_FULL: fewer than wk_resample_frames(rate_uhz). */
WK_MUST_USE wk_err wk_resample_init(struct wk_resample *resample,
                                    const struct wk_sample_map *map, int64_t rate_uhz,
                                    void *points, float (*history)[WK_HAL_CHANNELS],
                                    size_t capacity);

/** Frames were lost: forgets all and expects frame number `at` next. */
void wk_resample_clear(struct wk_resample *resample, uint64_t at);

/** Frames from number `at` on are kept, as far as the history has room, until the next window
 *  begins: it may then begin there. */
void wk_resample_hold(struct wk_resample *resample, uint64_t at);

/** Begins a window of `cycles` turns of `step` at a position (samples from the start, Q16).
 *  False: frames it needs are not there (any more), so there is none. */
bool wk_resample_begin(struct wk_resample *resample, uint64_t at_q16, uint64_t step,
                       uint8_t cycles);

/** Takes frames, makes points of them and returns how many it took: all, unless the window is
 *  complete (count = WK_RESAMPLE_POINTS) or the history full. Counts beyond +-2^24 are limited,
 *  those of WK_HAL_NO_COUNT are zero. */
size_t wk_resample_feed(struct wk_resample *resample, const struct wk_lanes *lanes,
                        const int32_t *counts, size_t frames);

/** Makes points of the frames there are. */
void wk_resample_run(struct wk_resample *resample, const struct wk_lanes *lanes);

/** A window of the raw frames ends here: begins the sums and peaks anew. */
void wk_resample_mark(struct wk_resample *resample);

/** Weights of a stretched kernel for a point at `u` = -1/2..1/2 between two samples: `low` of
 *  the samples before it, the earliest first; `high` of those after, the last first. */
void wk_resample_weigh(const struct wk_resample *resample, float u,
                       float low[WK_RESAMPLE_REACH], float high[WK_RESAMPLE_REACH]);

#endif
