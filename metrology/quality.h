/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/quality - dips, swells and interruptions (IEC 61000-4-30, 5.4 and 5.5).
 *
 * Urms(1/2) is the rms of one cycle, refreshed every half cycle at the zero crossings of the
 * fundamental of each voltage itself (class A). The crossings come from a phase accumulator per
 * voltage, which advances with the oscillator of metrology/cycle and is corrected by the
 * phasors of every window; a voltage that is too small runs on beside the others. The sample
 * that holds a crossing is divided by weight, as in metrology/cycle.
 *
 * A dip or swell begins when one voltage passes its threshold and ends when all are back by the
 * hysteresis; an interruption begins when all voltages are below its threshold and ends when one
 * is back.
 *
 * Position of begin and end: that of the step of the voltage, from the shares of the last four
 * half cycles; within a quarter of a cycle. It lies inside the cycle that showed the event, whose
 * ends are the stamps of the standard. The event itself is there at the crossing that ends this
 * cycle. float32 in V, except the sums, which are exact. */
#ifndef WK_METROLOGY_QUALITY_H
#define WK_METROLOGY_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/record.h"
#include "metrology/sample.h"
#include "metrology/window.h"

#define WK_QUALITY_KINDS  3 /* as below */
#define WK_QUALITY_HALVES 4 /* remembered, per voltage */

/* What is watched, as indices. */
enum { WK_QUALITY_DIP = 0, WK_QUALITY_SWELL, WK_QUALITY_INTERRUPTION };

/* Thresholds in parts per million of the nominal voltage. */
struct wk_quality_config {
    int32_t nominal_mv; /* 0: nothing is watched */
    int32_t dip_ppm;
    int32_t swell_ppm;
    int32_t interruption_ppm;
    int32_t hysteresis_ppm;
};

/* A begin or an end. Positions are samples from the start, Q16. */
struct wk_quality_event {
    wk_record_event_kind kind;
    uint8_t phases; /* bit 0..2 */
    uint64_t begin_q16;
    uint64_t now_q16;   /* of an end: where it ended; of a begin: begin_q16 */
    uint64_t mark_q16;  /* the crossing that showed it */
    int32_t extreme_mv; /* Urms(1/2): least of a dip or interruption, largest of a swell */
};

/* What the crossings within one sample brought. */
struct wk_quality_marks {
    uint8_t phases;                       /* bit 0..2: voltages with a new Urms(1/2) */
    int32_t urms_mv[WK_RECORD_PHASES];    /* of those */
    uint64_t begin_q16[WK_RECORD_PHASES]; /* of their cycle; samples from the start, Q16 */
    uint64_t end_q16[WK_RECORD_PHASES];
    uint8_t events;
    struct wk_quality_event event[WK_QUALITY_KINDS];
};

struct wk_quality_watch {
    bool open;
    uint8_t phases;     /* bit 0..2: concerned so far */
    uint64_t begin_q16; /* samples from the start, Q16 */
    int32_t extreme_mv;
    float before_v2[WK_RECORD_PHASES]; /* mean squares before it began */
};

/* A half cycle of one voltage. */
struct wk_quality_half {
    bool valid;       /* every sample of it had a value, and its begin was a crossing */
    uint64_t end_q16; /* samples from the start */
    float frames;
    float x_v;  /* sum of the samples */
    float x_v2; /* ... and of their squares */
    float mean_v2;
};

struct wk_quality_voltage {
    uint64_t ahead; /* turns to the next crossing, 2^64 = one turn */
    int64_t off;    /* correction still to be made */
    size_t run;     /* whole samples before the one that holds the crossing */
    bool valid;     /* of the half cycle under way, as in wk_quality_half */
    int64_t x;      /* its sums, in counts */
    uint64_t xx;
    float v;        /* per count */
    float dc_v;     /* mean of a window in which nothing happened, taken off every sample */
    float dc_new_v; /* ... of the last window */
    bool dc_known;
    bool dc_sound;   /* ... from a window in which nothing happened */
    float square_v2; /* Urms(1/2) squared */
    struct wk_quality_half half[WK_QUALITY_HALVES]; /* the last ones, [0] the oldest */
};

struct wk_quality {
    struct wk_quality_config config;
    bool dc_blocked;
    uint8_t present; /* voltages watched, bit 0..2 */
    uint8_t known;   /* ... whose Urms(1/2) is known */
    uint8_t channels;
    uint8_t index[WK_RECORD_PHASES];
    int32_t offset[WK_RECORD_PHASES];
    uint64_t at;   /* number of the next frame */
    uint64_t step; /* the accumulators' runs hold for it */
    float enter_v2[WK_QUALITY_KINDS];
    float leave_v2[WK_QUALITY_KINDS];
    bool disturbed; /* the window under way has an event in it, or was no whole window */
    bool doubtful;  /* ... the one before had */
    struct wk_quality_watch watch[WK_QUALITY_KINDS];
    struct wk_quality_voltage voltage[WK_RECORD_PHASES];
};

/* 90 %, 110 %, 5 % and 2 % hysteresis of a nominal voltage. */
struct wk_quality_config wk_quality_usual(int32_t nominal_mv);

/** WK_E_RANGE: thresholds not in the order interruption < dip < 100 % < swell, or a threshold
 *  above 200 %, or a hysteresis outside 0..10 %. */
WK_MUST_USE wk_err wk_quality_init(struct wk_quality *quality, const struct wk_sample_map *map,
                                   const struct wk_quality_config *config, bool dc_blocked);

/** Takes frames up to and with the next one that holds a crossing and returns how many. Counts
 *  beyond +-WK_SAMPLE_COUNTS are limited; a cycle with a sample without a value has no
 *  Urms(1/2). `step` is that of the oscillator. */
size_t wk_quality_feed(struct wk_quality *quality, const int32_t *counts, size_t frames,
                       uint64_t step, struct wk_quality_marks *marks);

/** (quality_align.c) Corrects the crossings by the last cycle of a window that ended at at_q16, within the last
 *  frame fed, and the DC voltage, if it is blocked, by its mean. Until the first window has ended
 *  there is then no Urms(1/2). */
void wk_quality_align(struct wk_quality *quality, const struct wk_window *window,
                      uint64_t at_q16);

/** `frames` frames are missing. Open events stay open. */
void wk_quality_gap(struct wk_quality *quality, uint64_t frames);

/** The sample rate changes and positions count from 0 again. Open events stay open and are as if
 *  they had begun now. */
void wk_quality_restart(struct wk_quality *quality);

/** Whether any event is in progress. */
bool wk_quality_is_open(const struct wk_quality *quality);

#endif
