/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/aggregate - blocks of 10/12 cycles become 150/180-cycle, 10-minute and 2-hour
 * values (IEC 61000-4-30 Ed. 3, 4.5 and 4.6).
 *
 * A value is the root of the mean of the squares. Fifteen blocks make a 150/180-cycle interval;
 * those that begin within ten minutes of UTC make a 10-minute interval; twelve of these make two
 * hours. At a tick of ten minutes a new 150/180-cycle interval begins while the old one goes on
 * to its fifteen blocks (overlap 2). An interval that touches a flagged block is flagged. Without
 * UTC there are only blocks and 150/180-cycle intervals.
 *
 * Spectra are kept only for levels whose owner gives memory. */
#ifndef WK_METROLOGY_AGGREGATE_H
#define WK_METROLOGY_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/record.h"
#include "metrology/spectrum.h"

#define WK_AGGREGATE_BLOCKS    15 /* in 150/180 cycles */
#define WK_AGGREGATE_LINES     (WK_RECORD_ORDERS + 1)
#define WK_AGGREGATE_10_MIN_US INT64_C(600000000)
#define WK_AGGREGATE_2_H_US    INT64_C(7200000000)

/* Harmonics of all channels: sums of mean squares and of W, then their means. */
struct wk_aggregate_lines {
    struct {
        float subgroup[WK_AGGREGATE_LINES];
        float inter[WK_AGGREGATE_LINES];
    } slot[WK_SAMPLE_SLOTS];
    float power_w[WK_RECORD_PHASES][WK_AGGREGATE_LINES];
};

/* What a block brings but its lines: see struct wk_record_quality. */
struct wk_aggregate_values {
    float f_hz;
    float u_v[WK_RECORD_PHASES];
    float i_a[WK_RECORD_PHASES + 1];
    float u2;
    float u0;
    float i2;
    float i0;
    float pinst_max[WK_RECORD_PHASES];
};

/* A block to be added. */
struct wk_aggregate_block {
    int64_t begin_us;
    int64_t end_us;
    bool flagged;
    struct wk_aggregate_values values;
    const struct wk_spectrum_result *lines; /* borrowed for the call; NULL: it has none */
};

/* Values of a record, from f_hz to i_a, whose sums must not lose small parts to a large whole. */
#define WK_AGGREGATE_EXACT 20

struct wk_aggregate_interval {
    bool open;
    uint8_t orders; /* harmonics that all blocks with lines have */
    uint32_t blocks;
    uint32_t with_lines;
    uint32_t flagged;
    int64_t begin_us;
    struct wk_record_quality sums; /* of the values or of their squares; extremes as they are */
    float lost[WK_AGGREGATE_EXACT];   /* what is still missing in the first of them */
    struct wk_aggregate_lines *lines; /* the owner's; NULL: none */
};

/* Receives the records of an interval: SPECTRUM of each channel, then QUALITY. seq and epoch are
 * not filled. */
struct wk_aggregate_sink {
    void *self;
    wk_err (*emit)(void *self, struct wk_record *record);
};

struct wk_aggregate_config {
    int32_t nominal_mv; /* for under- and overdeviation; 0: these are 0 */
    uint8_t phases;
    uint8_t slots; /* bit per channel there is */
    bool has_utc;
    bool emit_blocks;                      /* records of level WINDOW, too */
    struct wk_aggregate_lines *three_s[2]; /* NULL: no spectra of this level */
    struct wk_aggregate_lines *ten_min;
    struct wk_aggregate_lines *two_h;
};

struct wk_aggregate {
    struct wk_aggregate_config config;
    struct wk_aggregate_sink sink;
    struct wk_aggregate_interval three_s[2]; /* the second goes on across a tick */
    struct wk_aggregate_interval ten_min;
    struct wk_aggregate_interval two_h;
    float pst[WK_RECORD_PHASES]; /* of the interval of ten minutes that ends next */
    float pst_cubes[WK_RECORD_PHASES];
    uint32_t psts;
};

void wk_aggregate_init(struct wk_aggregate *aggregate, const struct wk_aggregate_config *config,
                       const struct wk_aggregate_sink *sink);

/** Adds a block and emits what ends with it. Blocks come in the order of their begins. The error,
 *  if any, is the sink's. */
WK_MUST_USE wk_err wk_aggregate_add(struct wk_aggregate *aggregate,
                                    const struct wk_aggregate_block *block);

/** Pst of the ten minutes that have just ended, before the first block after them is added. */
void wk_aggregate_set_pst(struct wk_aggregate *aggregate, const float pst[WK_RECORD_PHASES]);

/** Samples are missing: the 150/180-cycle intervals under way are dropped; those of the clock go
 *  on with what they have and say how many blocks that is. */
void wk_aggregate_gap(struct wk_aggregate *aggregate);

#endif
