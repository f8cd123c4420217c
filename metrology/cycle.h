/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/cycle - sums of samples over half cycles that abut without a gap.
 *
 * A numerically controlled oscillator follows the fundamental; whenever its phase passes a half
 * turn there is a mark. Marks lie between samples: sample n stands for the interval from n to
 * n + 1, and the sample that contains a mark is divided between the two half cycles by a weight
 * of 16 bits. What one side gets the other does not, so the sums of all half cycles are exactly
 * the sums of all samples.
 *
 * All sums are integers, so the order and the size of the blocks of samples do not matter. */
#ifndef WK_METROLOGY_CYCLE_H
#define WK_METROLOGY_CYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrology/angle.h"
#include "metrology/sample.h"

#define WK_CYCLE_LEAST_UHZ 40000000 /* the oscillator stays within 40..72 Hz */
#define WK_CYCLE_MOST_UHZ  72000000
#define WK_CYCLE_LAGS      4 /* products per phase that correct a delay */
#define WK_CYCLE_HISTORY   8 /* frames they reach back, a power of two */

/* Sums over a stretch of samples, in counts after offset correction. Bounds: a half cycle has
 * at most 625 samples, a 12-cycle window 15,000, a count 1.25 * 2^24; no sum overflows. */
struct wk_cycle_slot {
    int64_t x;  /* of the counts */
    int64_t xx; /* of their squares */
    int64_t re; /* of count * cos, Q29 */
    int64_t im; /* of count * -sin, Q29 */
};

#define WK_CYCLE_SUMS (3 + 4 * WK_SAMPLE_SLOTS + WK_RECORD_PHASES * WK_CYCLE_LAGS)

struct wk_cycle_sums {
    union {
        struct {
            int64_t frames_q16; /* length in samples, Q16 */
            int64_t cos;        /* of the oscillator, Q29 */
            int64_t sin;
            struct wk_cycle_slot slot[WK_SAMPLE_SLOTS];
            int64_t ui[WK_RECORD_PHASES][WK_CYCLE_LAGS]; /* u * i, [0] alone without a delay */
        };
        int64_t each[WK_CYCLE_SUMS]; /* all of these */
    };
};

/* How the products of one phase correct the delay between its u and i. */
struct wk_cycle_lag {
    bool used;
    uint8_t u_back; /* frames by which u is taken late, so that i may be early */
    uint8_t i_back; /* frames by which the first i is taken late */
    int32_t weight_q30[WK_CYCLE_LAGS];
    int32_t u[WK_CYCLE_HISTORY];
    int32_t i[WK_CYCLE_HISTORY];
};

/* A value of the oscillator. */
struct wk_cycle_wave {
    int32_t cos;
    int32_t sin;
};

/* What was not to be believed since the last mark. */
struct wk_cycle_bad {
    uint8_t channels; /* bit per slot */
    uint32_t samples; /* frames with such a count */
};

struct wk_cycle {
    uint64_t step;      /* turns per sample, 2^64 = one turn */
    uint64_t since;     /* turns from the last mark to the next sample */
    size_t run;         /* whole samples left before the sample that holds the mark */
    uint32_t early_q16; /* share of that sample before the mark */
    bool odd;           /* the present half cycle is the second of its cycle */
    bool eight;         /* frames are such that wk_inner_eight may take them */
    struct wk_cycle_bad saturated; /* since the last mark; the owner clears them */
    struct wk_cycle_bad no_value;
    struct wk_cycle_wave now_q29;  /* oscillator at the next sample */
    struct wk_cycle_wave next_q29; /* ... and the one after */
    struct wk_cycle_wave step_q30; /* turns by one sample */
    struct wk_cycle_wave two_steps_q30;
    uint8_t newest; /* slot in the histories of the lags */
    struct wk_sample_map map;
    struct wk_cycle_sums sums; /* of the present half cycle */
    struct wk_cycle_sums half; /* of the last complete one, valid after a mark */
    struct wk_cycle_lag lag[WK_RECORD_PHASES];
};

/** The oscillator's step for a frequency. */
uint64_t wk_cycle_step_of(int64_t frequency_uhz, int64_t rate_uhz);
int32_t wk_cycle_frequency_uhz(uint64_t step, int64_t rate_uhz);

/** Begins a cycle at the first sample. `map` is copied. */
void wk_cycle_init(struct wk_cycle *cycle, const struct wk_sample_map *map, int64_t rate_uhz,
                   uint64_t step);

/** Takes frames up to the next mark and returns how many; *marked tells that the mark was
 *  reached: cycle->half then holds the half cycle that ended. */
size_t wk_cycle_feed(struct wk_cycle *cycle, const int32_t *counts, size_t frames,
                     bool *marked);

/** Changes the frequency from the last mark on; only right after a mark. */
void wk_cycle_retune(struct wk_cycle *cycle, uint64_t step);

/** Ends the present half cycle here, before its mark: cycle->half holds what there is, and the
 *  next sample begins a new cycle. */
void wk_cycle_cut(struct wk_cycle *cycle);

/** Sum of u * i of a phase, corrected for the delay between them. */
int64_t wk_cycle_product(const struct wk_cycle *cycle, const struct wk_cycle_sums *sums,
                         int phase);

#endif
