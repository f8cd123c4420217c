/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/analyser - power quality, assembled: it listens to the chain and adds its records.
 *
 *     frames -> spectrum, flicker, transient, capture
 *     windows -> frequency of 10 s, and with their spectrum -> aggregate
 *     Urms(1/2) -> rapid voltage changes
 *     events -> no rapid change, no transient; a capture
 *
 * In a storm, transients and rapid changes are reported ten at once and then one a minute, the
 * number left out as `value` of the next; waveforms are captured ten at once and then one every
 * ten minutes.
 *
 * After wk_chain's own records it emits QUALITY and SPECTRUM of every interval, FREQUENCY, and
 * events RVC and TRANSIENT. A meter without power quality does not link it. Methods: IEC
 * 61000-4-30 Ed. 3 class A, as far as arithmetic goes; see each room. Float; nothing billed.
 *
 * Blocks that overlap after a clock tick have a spectrum only if the owner's history reaches back
 * a whole block (WK_ANALYSER_HISTORY); else the first block after a tick has none. */
#ifndef WK_METROLOGY_ANALYSER_H
#define WK_METROLOGY_ANALYSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/aggregate.h"
#include "metrology/capture.h"
#include "metrology/chain.h"
#include "metrology/change.h"
#include "metrology/flicker.h"
#include "metrology/frequency.h"
#include "metrology/spectrum.h"
#include "metrology/storm.h"
#include "metrology/transient.h"

/* Frames of history that let overlapping blocks have a spectrum: 12 cycles of 42.5 Hz. */
#define WK_ANALYSER_HISTORY(rate_hz) ((size_t)(rate_hz)*3 / 10 + 300)

/* What the owner lends for as long as the analyser is used. */
struct wk_analyser_memory {
    struct wk_spectrum_memory spectrum;
    int16_t *transient;                    /* WK_TRANSIENT_ENTRIES(rate); NULL: no transients */
    size_t transients;                     /* entries */
    int32_t *capture;                      /* waveforms, counts; NULL: none are kept */
    size_t captures;                       /* counts */
    struct wk_aggregate_lines *three_s[2]; /* spectra of intervals; NULL: none */
    struct wk_aggregate_lines *ten_min;
    struct wk_aggregate_lines *two_h;
};

struct wk_analyser_config {
    int32_t nominal_mv; /* declared voltage; 0: that of the front end */
    wk_flicker_lamp lamp;
    int32_t signal_mhz;      /* mains signalling; 0 = none */
    int32_t change_ppm;      /* threshold of rapid voltage changes; 0 = not watched */
    int32_t transient_ppm;   /* of the nominal peak; 0 = not watched */
    bool emit_blocks;        /* QUALITY and SPECTRUM of every block, too */
    uint64_t capture_before; /* frames */
    uint64_t capture_after;
    struct wk_capture_sink captures; /* .self NULL: nobody takes them */
};

/* What a block waits for its spectrum with. */
struct wk_analyser_block {
    bool waits;
    struct wk_aggregate_block block;
    uint64_t begin_q16;
};

struct wk_analyser {
    struct wk_chain *chain;
    int64_t rate_uhz;
    int32_t nominal_uhz;
    uint64_t at;   /* frames seen or missing */
    uint64_t tick; /* number of the first frame after the next tick of ten minutes */
    bool has_utc;
    bool waits;         /* for a window to begin with */
    uint64_t begin_q16; /* of the block under way */
    bool has_changes;
    bool has_transients;
    bool has_captures;
    struct wk_analyser_config config;
    struct wk_analyser_memory memory;
    struct wk_sample_map map;
    struct wk_storm storm_events; /* transients and rapid changes */
    struct wk_storm storm_captures;
    struct wk_frequency frequency;
    struct wk_analyser_block pending;
    struct wk_transient transient;
    struct wk_capture capture;
    struct wk_spectrum spectrum;
    struct wk_change change;
    struct wk_aggregate aggregate;
    struct wk_flicker flicker; /* the largest last: near fields take shorter instructions */
};

/** 230 V lamp, RVC 3 %, transients 25 %, no signalling, no captures. */
struct wk_analyser_config wk_analyser_usual(void);

/** Sets up for a front end. The chain may be initialised afterwards: its config's observer is to
 *  be wk_analyser_observer(). On error `fault` says why: WK_E_ARGUMENT, WK_E_RANGE, WK_E_FULL. */
WK_MUST_USE wk_err wk_analyser_init(struct wk_analyser *analyser, struct wk_chain *chain,
                                    const struct wk_hal_frontend_info *info,
                                    const struct wk_analyser_config *config,
                                    const struct wk_analyser_memory *memory,
                                    struct wk_sample_fault *fault);

struct wk_chain_observer wk_analyser_observer(struct wk_analyser *analyser);

/** Begins to listen to a chain that is under way: from its next window on. */
WK_MUST_USE wk_err wk_analyser_join(struct wk_analyser *analyser);

/** A capture of what happens now is asked for. */
void wk_analyser_trigger(struct wk_analyser *analyser);

/** At the end of a feed, after wk_chain_flush: finishes a capture under way. */
WK_MUST_USE wk_err wk_analyser_flush(struct wk_analyser *analyser);

#endif
