/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/quality - dips, swells and interruptions (IEC 61000-4-30, 5.4 and 5.5).
 *
 * Urms(1/2) is the rms of one cycle, refreshed every half cycle at the marks of the oscillator,
 * which are common to all phases. A dip or swell begins when one voltage passes its threshold
 * and ends when all are back by the hysteresis; an interruption begins when all voltages are
 * below its threshold and ends when one is back. Begin and end are stamped with the middle of
 * the cycle that showed them, which is within half a cycle of the edge of the voltage. */
#ifndef WK_METROLOGY_QUALITY_H
#define WK_METROLOGY_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/cycle.h"
#include "metrology/record.h"
#include "metrology/scale.h"

#define WK_QUALITY_KINDS 3 /* dip, swell, interruption */

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
    uint64_t now_q16;
    int32_t extreme_mv; /* Urms(1/2): least of a dip or interruption, largest of a swell */
};

struct wk_quality_watch {
    bool open;
    uint8_t phases;     /* bit 0..2: concerned so far */
    uint64_t begin_q16; /* samples from the start, Q16 */
    int32_t extreme_mv;
};

struct wk_quality {
    struct wk_quality_config config;
    bool dc_blocked;
    bool primed;                                        /* the half cycle before is known */
    uint8_t present;                                    /* voltages watched, bit 0..2 */
    struct wk_scale micro[WK_RECORD_PHASES];            /* uV per count */
    uint64_t enter[WK_QUALITY_KINDS][WK_RECORD_PHASES]; /* count^2, Q4 */
    uint64_t leave[WK_QUALITY_KINDS][WK_RECORD_PHASES];
    struct wk_quality_watch watch[WK_QUALITY_KINDS];
    int64_t frames_q16; /* of the half cycle before */
    int64_t x[WK_RECORD_PHASES];
    int64_t xx[WK_RECORD_PHASES];
};

/* 90 %, 110 %, 5 % and 2 % hysteresis of a nominal voltage. */
struct wk_quality_config wk_quality_usual(int32_t nominal_mv);

/** WK_E_RANGE: thresholds not in the order interruption < dip < 100 % < swell, or a threshold
 *  above 200 %, or a hysteresis outside 0..10 %. */
WK_MUST_USE wk_err wk_quality_init(struct wk_quality *quality, const struct wk_sample_map *map,
                                   const struct wk_quality_config *config, bool dc_blocked);

/** Takes the half cycle that ended. middle_q16 is the mark before it, the middle of the last
 *  cycle. Fills up to WK_QUALITY_KINDS events, returns how many. */
uint8_t wk_quality_step(struct wk_quality *quality, const struct wk_cycle_sums *half,
                        uint64_t middle_q16, struct wk_quality_event events[WK_QUALITY_KINDS]);

/** Forgets the half cycle before: after a gap. Open events stay open. */
void wk_quality_gap(struct wk_quality *quality);

/** Whether any event is in progress. */
bool wk_quality_is_open(const struct wk_quality *quality);

#endif
