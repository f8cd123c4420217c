/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/flicker - flickermeter (IEC 61000-4-15 Ed. 2): both lamps at both frequencies.
 *
 * The squared voltage is averaged down to 400 to 800 values a second by two box averages in a row,
 * so that harmonics do not fold into the flicker band, and divided by the mean square of the last
 * 27.3 s. What follows: high pass 0.05 Hz, low pass 35 or 42 Hz, weighting, square, 0.3 s. All of
 * it is float32, and filters run over all voltages at once.
 *
 * The classifier keeps logarithmic classes, 16 per octave, of about 100 values a second, and
 * interpolates within a class. 2.2 kB of RAM, nothing outside the struct.
 * Energy does not depend on any of it. */
#ifndef WK_METROLOGY_FLICKER_H
#define WK_METROLOGY_FLICKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/sample.h"

#define WK_FLICKER_LANES    4   /* one per voltage, and one that fills up the vector */
#define WK_FLICKER_SECTIONS 5   /* second-order sections: low pass 3, weighting 2 */
#define WK_FLICKER_CLASSES  272 /* Pinst 2^-6 .. 2^11 */

typedef enum wk_flicker_lamp {
    WK_FLICKER_LAMP_230_V = 0,
    WK_FLICKER_LAMP_120_V,
} wk_flicker_lamp;

/* y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y'', transposed direct form. */
struct wk_flicker_section {
    float b[3];
    float a[2];
};

/* What a section remembers, by voltage. */
struct wk_flicker_state {
    float first[WK_FLICKER_LANES];
    float second[WK_FLICKER_LANES];
};

struct wk_flicker {
    uint8_t present;   /* bit 0..2: voltages there are */
    uint8_t channels;  /* counts in a frame */
    uint8_t index[3];  /* of the voltages in a frame */
    int32_t offset[3]; /* counts, subtracted */
    uint16_t factor;   /* samples averaged into one value */
    uint16_t taken;    /* of them so far */
    float per_value;   /* 1 / factor^2 */

    /* adaptation to the voltage */
    float adapt;     /* share of a block that enters the mean square */
    uint16_t block;  /* values so far */
    uint16_t blocks; /* since the start, while that matters */
    float block_sum[WK_FLICKER_LANES];
    float mean[WK_FLICKER_LANES];  /* count^2 */
    float scale[WK_FLICKER_LANES]; /* 1 / mean, 0 while there is none */

    /* the filters */
    float high;                    /* step of the high pass */
    float smooth;                  /* step of the 0.3 s low pass */
    float gain;                    /* of the square, so that Pinst = 1 is the threshold */
    float level[WK_FLICKER_LANES]; /* what the high pass takes off */
    struct wk_flicker_section section[WK_FLICKER_SECTIONS];
    union {
        struct {
            float once[WK_FLICKER_LANES];  /* sum of the squares under way, and */
            float twice[WK_FLICKER_LANES]; /* sum of these sums */
            float late[WK_FLICKER_LANES];  /* what the block before leaves to this one */
            struct wk_flicker_state state[WK_FLICKER_SECTIONS];
            float pinst[WK_FLICKER_LANES]; /* instantaneous flicker sensation, live */
        };
        float passing[(2 * WK_FLICKER_SECTIONS + 4) * WK_FLICKER_LANES]; /* all of these */
    };
    float pinst_max[WK_FLICKER_LANES]; /* since last taken */

    /* statistics */
    uint32_t settle;   /* values that do not count after the start or a gap */
    uint32_t settling; /* ... left */
    uint16_t pace;     /* values per classified one */
    uint16_t until;    /* ... left */
    uint32_t classified;
    float least[3]; /* of the classified values: the ends of the outermost classes */
    float most[3];
    float cubes[3]; /* of the Pst since Plt was last taken */
    uint16_t psts;
    uint16_t count[3][WK_FLICKER_CLASSES];
};

/** Sets up for the voltages of `map`. nominal_uhz 60,000,000 selects the filters of 60 Hz, any
 *  other value those of 50 Hz. WK_E_RANGE: the rate is outside 1..50 kHz. */
WK_MUST_USE wk_err wk_flicker_init(struct wk_flicker *flicker, const struct wk_sample_map *map,
                                   int64_t rate_uhz, wk_flicker_lamp lamp, int32_t nominal_uhz);

/** Takes frames. Counts beyond +-WK_SAMPLE_COUNTS are limited; one without a value counts as
 *  0 V. */
void wk_flicker_feed(struct wk_flicker *flicker, const int32_t *counts, size_t frames);

/** What is done with every sample: adds frames of the block under way to its sums of squares and
 *  the sums of these sums. False, and nothing is added, if a count is out of range.
 *  metrology/flicker_sums4 does it for all voltages at once in the vector registers of PCs,
 *  metrology/flicker_sums1 for one after the other, which a microcontroller does in a fifth of the
 *  code. The build takes one of them; they give the same within the rounding of float. */
bool wk_flicker_sums_add(struct wk_flicker *flicker, const int32_t *frame, size_t frames);

/** Whether enough was fed since the start or a gap for Pinst and Pst to be true: 30 s. */
bool wk_flicker_is_settled(const struct wk_flicker *flicker);

/** The largest Pinst of each voltage since last taken; 0 of one that is not there. */
void wk_flicker_take_pinst(struct wk_flicker *flicker, float pinst_max[WK_RECORD_PHASES]);

/** Pst of what was classified since last taken, and begins the next interval of 10 minutes. It
 *  enters the Plt to come. False, and zeros, if the meter was not settled at any time of it. */
bool wk_flicker_take_pst(struct wk_flicker *flicker, float pst[WK_RECORD_PHASES]);

/** The cubic mean of `count` values with this sum of cubes; 0 of none. */
float wk_flicker_cubic_mean(float cubes, uint32_t count);

/** Plt: cubic mean of the Pst since last taken. False, and zeros, if there were none. */
bool wk_flicker_take_plt(struct wk_flicker *flicker, float plt[WK_RECORD_PHASES]);

/** Samples are missing: the filters begin anew and settle; the statistics stay. */
void wk_flicker_gap(struct wk_flicker *flicker);

#endif
