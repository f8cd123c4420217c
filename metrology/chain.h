/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/chain - samples in, measurement records out.
 *
 * The assembled metrology: sample -> cycle -> window -> track, quantity, energy, quality. Feed
 * it blocks of any size; it emits one record per 10/12-cycle window and one at once for every
 * begin and end of a voltage event or a guard. Records are numbered from 1 within the configured
 * epoch.
 *
 * Every full ten minutes of UTC a new block of 10/12 cycles begins with the first cycle after the
 * tick while the old one is completed (IEC 61000-4-30, 4.5.2). The record after it has the
 * quantities of the whole block, and the energies of what the old one had not counted.
 *
 * Time is counted in samples from the front end's start and turned into UTC exactly; what the
 * sample clock is off by, the record's time is off by. All memory is the struct's own. */
#ifndef WK_METROLOGY_CHAIN_H
#define WK_METROLOGY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/creep.h"
#include "metrology/cycle.h"
#include "metrology/energy.h"
#include "metrology/guard.h"
#include "metrology/pulse.h"
#include "metrology/quality.h"
#include "metrology/quantity.h"
#include "metrology/record.h"
#include "metrology/sample.h"
#include "metrology/track.h"
#include "metrology/window.h"
#include "port/hal.h"

/* Where records go. An error stops the chain for good, so that no record can be missing from
 * the middle of a sequence. The record is borrowed for the call. */
struct wk_chain_sink {
    void *self;
    wk_err (*emit)(void *self, const struct wk_record *record);
};

/* Where a block of 10/12 cycles lies. */
struct wk_chain_place {
    uint64_t
        at_q16;     /* its begin, samples from the start, Q16; it lies before the last mark when
                         the block overlaps the one before (after a clock tick) */
    uint64_t step;  /* of the oscillator through it; 2^64 = one turn per sample */
    uint8_t cycles; /* it will have, 10 or 12 */
    int64_t rate_uhz; /* of the samples */
};

/* Whoever listens in: the analyser of power quality. Called from within wk_chain_feed, in the
 * order of the samples. An error stops the chain as one of the sink does. */
struct wk_chain_observer {
    void *self;
    /** Frames as they were fed, each once. `at` is the number of the first, from the start. */
    wk_err (*frames)(void *self, const int32_t *counts, size_t frames, uint64_t at);
    /** A window ended and its record was emitted; `next` is the window that begins. The frame
     *  that holds the mark has been passed to `frames` before. */
    wk_err (*window)(void *self, const struct wk_record *record,
                     const struct wk_chain_place *next);
    /** Voltages have a new Urms(1/2); their frames were passed to `frames` before. NULL: not
     *  wanted. */
    wk_err (*half)(void *self, const struct wk_quality_marks *marks);
    /** A voltage event was emitted. */
    wk_err (*event)(void *self, const struct wk_record *record);
    /** The oscillator was retuned within a window, or samples are missing: what was gathered of
     *  the window under way is of no use. `next` is the window that begins. */
    wk_err (*restart)(void *self, const struct wk_chain_place *next);
};

struct wk_chain_config {
    uint64_t epoch; /* identifies this life of metrology */
    wk_energy_summation summation;
    wk_quantity_dc dc;
    struct wk_quality_config quality; /* nominal_mv 0: that of the front end */
    struct wk_guard_config guard;
    int64_t start_ua; /* threshold of the registers on the fundamental current; 0 = none */
    uint32_t pulse_constant; /* pulses per kWh; 0 = none */
    struct wk_chain_sink sink;
    struct wk_chain_observer observer; /* .self NULL: nobody */
};

struct wk_chain {
    wk_err fault; /* sticky */
    uint64_t seq; /* of the newest record */
    uint64_t epoch;
    struct wk_chain_sink sink;
    struct wk_chain_observer observer;
    int64_t rate_uhz;
    int64_t start_us;
    uint64_t at;             /* frames fed or missing, from the start */
    uint64_t at_q16;         /* samples from the start to the last mark */
    uint64_t half_begin_q16; /* ... to the mark before */
    int64_t window_begin_us;
    int64_t last_us;   /* t_us of the newest window or event */
    int64_t tick_us;   /* next full ten minutes of UTC; 0 = time is unknown */
    uint64_t tick_q16; /* ... its position, samples from the start */
    uint8_t
        tick_mark;  /* half cycles of the block at the first cycle after the tick; 0 = none */
    uint32_t flags; /* of the window under way */
    uint32_t withheld_samples;
    struct wk_pulse pulse;
    struct wk_creep creep;
    struct wk_guard guard;
    struct wk_track track;
    struct wk_quality quality;
    struct wk_quantity quantity;
    struct wk_energy energy;
    struct wk_cycle cycle;
    struct wk_window window; /* the largest last: near fields take shorter instructions */
};

/** The usual configuration: vectorial, DC blocked, thresholds 90/110/5 % with 2 %. */
struct wk_chain_config wk_chain_usual(void);

/** Checks `info` and `config` and sets all up. On error `fault` says why:
 *  WK_E_ARGUMENT, WK_E_RANGE as wk_sample_map_init, wk_quality_init, wk_energy_init. */
WK_MUST_USE wk_err wk_chain_init(struct wk_chain *chain,
                                 const struct wk_hal_frontend_info *info,
                                 const struct wk_chain_config *config,
                                 struct wk_sample_fault *fault);

/** Takes `frames` frames of info->channels counts. Counts beyond +-2^24 are limited and flag
 *  their window. The error, if any, is the sink's; it stays. */
WK_MUST_USE wk_err wk_chain_feed(struct wk_chain *chain, const int32_t *counts, size_t frames);

/** Closes the window under way as it is, flagged SHORT. More may be fed afterwards. */
WK_MUST_USE wk_err wk_chain_flush(struct wk_chain *chain);

/** `frames` frames are missing from the feed: closes the window under way, lets time pass, and
 *  flags the next window FEED_GAP. */
WK_MUST_USE wk_err wk_chain_gap(struct wk_chain *chain, uint64_t frames);

/** What a front end reported (port/hal.h): missing frames are a gap and an event; a new rate ends
 *  the window and sets metrology up anew for it, energies and record numbers going on. `info` is
 *  that of init; its rate is not looked at. */
WK_MUST_USE wk_err wk_chain_trouble(struct wk_chain *chain,
                                    const struct wk_hal_trouble *trouble,
                                    const struct wk_hal_frontend_info *info);

/** Emits a record of an observer: fills in seq and epoch, and lets the time of an event not run
 *  back. */
WK_MUST_USE wk_err wk_chain_emit(struct wk_chain *chain, struct wk_record *record);

/** UTC of a position in samples from the start, Q16, in microseconds since 1970. */
int64_t wk_chain_time_us(const struct wk_chain *chain, uint64_t at_q16);

/** The first position that is not before a UTC time, samples from the start, Q16. */
uint64_t wk_chain_position_q16(const struct wk_chain *chain, int64_t t_us);

#endif
