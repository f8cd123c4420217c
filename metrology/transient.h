/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/transient - departures of a voltage from its cycle before.
 *
 * Each sample is compared with the voltage one cycle earlier, interpolated. What departs by more
 * than the threshold and is over within half a cycle is a transient, one for all voltages
 * together; what lasts longer is a change of the voltage, which the methods on rms values see.
 * Departing samples do not enter the memory of the cycle, so that a transient is not seen again
 * one cycle later. What departs again a cycle later is no transient but a new shape of the
 * voltage, which is learnt.
 *
 * Voltages are kept in 16 bits, 1/2048 of the nominal peak or better, in memory of the owner. */
#ifndef WK_METROLOGY_TRANSIENT_H
#define WK_METROLOGY_TRANSIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/sample.h"

#define WK_TRANSIENT_LANES 4 /* one per voltage, and one that fills up the vector */

/* Entries of memory for a whole rate in Hz: a cycle of 40 Hz. */
#define WK_TRANSIENT_ENTRIES(rate_hz) (WK_TRANSIENT_LANES * ((rate_hz) / 40 + 4))

struct wk_transient_config {
    int32_t nominal_mv;    /* 0: nothing is watched */
    int32_t threshold_ppm; /* of the nominal peak, 50,000..2,000,000 */
};

/* A transient that is over. Positions are samples from the start, Q16. */
struct wk_transient_event {
    uint8_t phases; /* bit 0..2 */
    uint64_t begin_q16;
    uint64_t end_q16; /* of the last sample that departed */
    int32_t peak_mv;  /* largest departure from the cycle before, with its sign */
};

struct wk_transient_lane {
    bool present;
    uint8_t index; /* of the channel in a frame */
    int32_t offset;
    int32_t threshold; /* in kept units */
    float mv;          /* per kept unit */
};

struct wk_transient {
    uint8_t channels;
    uint32_t quiet; /* frames an end must last */
    bool open;
    uint64_t at;      /* number of the next frame */
    bool abreast;     /* the voltages lie side by side in a frame, with a count behind them */
    uint8_t shift;    /* counts are kept so much smaller */
    uint32_t entries; /* of memory, per voltage */
    uint32_t next;    /* slot of the next sample */
    uint32_t whole;   /* a cycle: whole samples */
    int32_t part_q15; /* ... and the rest */
    uint32_t longest; /* half a cycle: more is no transient */
    uint32_t blind;   /* frames to come before memory holds a cycle */
    uint64_t begin;   /* of the transient under way */
    uint64_t last;
    uint64_t before; /* begin of the one before it */
    uint8_t phases;
    int32_t peak_mv;
    struct wk_transient_lane lane[WK_RECORD_PHASES];
    int16_t *memory;
};

/** 25 % of the nominal peak. */
struct wk_transient_config wk_transient_usual(int32_t nominal_mv);

/** `memory` is the owner's and must outlive the struct: `entries` of it, at least
 *  WK_TRANSIENT_ENTRIES of the rate. WK_E_RANGE: the threshold; WK_E_FULL: too little memory. */
WK_MUST_USE wk_err wk_transient_init(struct wk_transient *transient,
                                     const struct wk_sample_map *map, int64_t rate_uhz,
                                     const struct wk_transient_config *config, int16_t *memory,
                                     size_t entries);

/** The length of a cycle, from the oscillator's step (2^64 = one turn per sample). Until it is
 *  told, nothing is seen. */
void wk_transient_tune(struct wk_transient *transient, uint64_t step);

/** Takes frames until a transient is over and returns how many; *found tells that `event` was
 *  filled. The numbers of frames are counted from the start. */
size_t wk_transient_feed(struct wk_transient *transient, const int32_t *counts, size_t frames,
                         struct wk_transient_event *event, bool *found);

/** Sees nothing for the next two cycles: while a dip, swell or interruption is in progress. The
 *  transient under way is dropped. */
void wk_transient_hush(struct wk_transient *transient);

/** `frames` frames are missing. */
void wk_transient_gap(struct wk_transient *transient, uint64_t frames);

/* ---- what is done with every sample ------------------------------------------------------ */

/* metrology/transient_rows4 does it for all voltages at once in the vector registers of PCs,
 * metrology/transient_rows1 for one after the other, which a microcontroller does in a fifth of
 * the code. The build takes one of them; both give the same. */
#define WK_TRANSIENT_CHUNK     64    /* frames looked at together: less than any cycle's */
#define WK_TRANSIENT_KEPT_MOST 16383 /* four times the nominal peak; differences fit 16 bits */
#define WK_TRANSIENT_KEPT_BITS 32767U

/* Some frames as they are kept. */
struct wk_transient_rows {
    int16_t row[WK_TRANSIENT_CHUNK][WK_TRANSIENT_LANES];
};

/** Makes rows of at most WK_TRANSIENT_CHUNK frames. False: a voltage is larger than what can be
 *  kept, the rows are not to be used. */
bool wk_transient_rows_keep(const struct wk_transient *transient, const int32_t *counts,
                            size_t frames, struct wk_transient_rows *rows);

/** The largest distance between rows and memory, per voltage. */
void wk_transient_rows_farthest(const struct wk_transient_rows *rows, const int16_t *memory,
                                size_t frames, int16_t most[WK_TRANSIENT_LANES]);

#endif
