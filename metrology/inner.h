/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/inner - the inner loops: where a meter spends its time.
 *
 * They multiply unsigned numbers of 32 bits, which compilers turn into the vector
 * multiplications of plain x86-64 and into UMLAL on a Cortex-M. Counts and oscillator values
 * are raised above zero before, and metrology/cycle lowers the sums again, exactly, modulo
 * 2^64.
 *
 * Rows are filled up with zeros to a multiple of WK_INNER_STEP, which add nothing to any sum.
 */
#ifndef WK_METROLOGY_INNER_H
#define WK_METROLOGY_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrology/cycle.h"
#include "port/hal.h"

/* Whether usual numbers of channels have loops of their own; the build may say 0: a processor that
 * takes one count at a time gains nothing. */
#ifndef WK_INNER_USUAL
#define WK_INNER_USUAL 1
#endif

/* Builds for x86-64 name several targets here, of which the best is taken at run time; the bits
 * that come out are the same. */
#ifndef WK_INNER_CLONES
#define WK_INNER_CLONES
#endif

/* Whether wk_inner_eight is there: the build says 1 where a file of the processor has it. */
#ifndef WK_INNER_EIGHT
#define WK_INNER_EIGHT 0
#endif

#define WK_INNER_FRAMES 80 /* most frames at a time: half a cycle of 50 Hz at 8 kHz */
#define WK_INNER_STEP   4

struct wk_inner_sums {
    uint64_t x;
    uint64_t xx;
    uint64_t x_cos;
    uint64_t x_sin;
};

/** Parts `frames` frames of `channels` counts into rows, adding raise[channel], and fills the
 *  rows up. Returns the OR of all |count|, or |count| - 1 of negative ones: at least the largest
 *  |count| but one, less than twice it. */
uint32_t wk_inner_part(const int32_t *counts, const uint32_t raise[WK_HAL_CHANNELS],
                       size_t channels, size_t frames,
                       uint32_t rows[WK_HAL_CHANNELS][WK_INNER_FRAMES]);

/** Sums over the first `steps` * WK_INNER_STEP numbers of the rows. */
void wk_inner_channel(const uint32_t *restrict x, const uint32_t *restrict cosine,
                      const uint32_t *restrict sine, size_t steps,
                      struct wk_inner_sums *restrict sums);

/** Sum of x * y, likewise. */
uint64_t wk_inner_pair(const uint32_t *restrict x, const uint32_t *restrict y, size_t steps);

/* Where a sum of a channel, or of the pair of a channel and the fourth after it, is. */
#define WK_INNER_PLACE(c) ((c) / 2 + (c) % 2 * 4)
#define WK_INNER_PAIR(c)  ((c) / 2 + (c) % 2 * 2)

/* Sums over some frames of eight channels, less offset. */
struct wk_inner_eight {
    struct wk_cycle_wave now_q29;  /* in: oscillator at the first frame; out: after the last */
    struct wk_cycle_wave next_q29; /* ... and one frame on */
    uint32_t bits;                 /* see wk_inner_part */
    int32_t x[WK_HAL_CHANNELS];    /* by channel, the others by place */
    int64_t xx[WK_HAL_CHANNELS];
    int64_t x_cos[WK_HAL_CHANNELS];
    int64_t x_sin[WK_HAL_CHANNELS];
    int64_t ui[WK_HAL_CHANNELS / 2]; /* of the products of two channels */
    int64_t cos;                     /* of the oscillator */
    int64_t sin;
};

/** Whether this processor has what wk_inner_eight needs. */
bool wk_inner_has_eight(void);

/** The same sums over at most WK_INNER_FRAMES frames of WK_HAL_CHANNELS counts, all in one pass
 *  and without rows. They are right unless a |count| exceeds WK_SAMPLE_COUNTS, which `bits`
 *  tells. */
void wk_inner_eight(const int32_t *counts, const int32_t offset[WK_HAL_CHANNELS], size_t frames,
                    const struct wk_cycle_wave *two_steps_q30, struct wk_inner_eight *eight);

#endif
