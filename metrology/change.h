/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/change - rapid voltage changes (IEC 61000-4-30 Ed. 3, 5.11).
 *
 * A voltage is steady while its last 100 (50 Hz) or 120 (60 Hz) Urms(1/2) all lie within the
 * threshold of their arithmetic mean. A change begins when the first voltage is no longer
 * steady; then the threshold is reduced by the hysteresis; the change is over when all voltages
 * are steady again, and ended 100 or 120 half cycles earlier. dUmax is the largest distance of a
 * Urms(1/2) from the last mean before, dUss that of the first mean after it. What becomes a dip,
 * swell or interruption is no rapid voltage change: the owner says so by wk_change_spoil.
 *
 * Values are kept in 16 bits, as their distance from the declared voltage up to 40 % of it: what
 * lies further off is no rapid voltage change.
 *
 * Integers, 0.9 kB, constant time per value but for a search of 120 when an extreme leaves. */
#ifndef WK_METROLOGY_CHANGE_H
#define WK_METROLOGY_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/record.h"

#define WK_CHANGE_VALUES 120

struct wk_change_config {
    int32_t nominal_mv;     /* declared voltage; 0: nothing is watched */
    int32_t threshold_ppm;  /* of the declared voltage, 10,000..60,000 */
    int32_t hysteresis_ppm; /* of the threshold, 0..900,000; the standard: 500,000 */
    uint8_t values;         /* 100 at 50 Hz, 120 at 60 Hz */
};

/* A change that is over. Positions are samples from the start, Q16. */
struct wk_change_event {
    uint8_t phases; /* bit 0..2: voltages that were not steady */
    uint64_t begin_q16;
    uint64_t end_q16;
    int32_t max_mv;    /* dUmax of the phase in which it is largest */
    int32_t steady_mv; /* dUss, likewise */
};

struct wk_change_phase {
    bool steady;
    bool known;      /* it was steady before the change: mean_mv holds */
    uint8_t filled;  /* values in the ring */
    uint8_t next;    /* slot of the next value */
    int32_t mean_mv; /* the last mean while steady */
    int32_t max_mv;  /* largest distance from it since */
    int32_t sum;     /* of the ring */
    int16_t least;
    int16_t most;
    int16_t value[WK_CHANGE_VALUES]; /* the ring, in steps off the declared voltage */
};

struct wk_change {
    struct wk_change_config config;
    int32_t step_mv; /* of what is kept: 1/80,000 of the declared voltage, or 1 mV */
    int32_t threshold_mv;
    int32_t reduced_mv; /* less the hysteresis */
    uint8_t present;    /* bit 0..2: voltages watched */
    bool open;          /* a change is under way */
    bool spoilt;        /* ... and is none */
    uint8_t phases;
    uint64_t begin_q16;
    uint64_t calm_q16; /* where the voltage that became steady last did so, less its ring */
    struct wk_change_phase phase[WK_RECORD_PHASES];
};

/** 3 % of the declared voltage, half of it as hysteresis. */
struct wk_change_config wk_change_usual(int32_t nominal_mv, uint8_t values);

/** `present`: bit 0..2, voltages that there are. WK_E_RANGE: a number outside its range. */
WK_MUST_USE wk_err wk_change_init(struct wk_change *change, uint8_t present,
                                  const struct wk_change_config *config);

/** Takes a Urms(1/2) whose cycle lies between begin_q16 and end_q16, in the order of the ends.
 *  True if a change is over: `event` is filled. */
bool wk_change_take(struct wk_change *change, uint8_t phase, int32_t urms_mv,
                    uint64_t begin_q16, uint64_t end_q16, struct wk_change_event *event);

/** A dip, swell or interruption is in progress: the change under way, or the one it is part of,
 *  is none. To be called when it begins and when it ends. */
void wk_change_spoil(struct wk_change *change);

/** Samples are missing: all begins anew. */
void wk_change_gap(struct wk_change *change);

#endif
