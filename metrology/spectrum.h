/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/spectrum - harmonics and interharmonics of every 10/12-cycle window.
 *
 * IEC 61000-4-7 Ed. 2.1 class I, as IEC 61000-4-30 Ed. 3 class A, 5.8 and 5.9, want it: a
 * rectangular window of 10 cycles (50 Hz) or 12 (60 Hz), gapless, synchronised by resampling;
 * bins of about 5 Hz; harmonic subgroups (a bin and its two neighbours) and interharmonic centred
 * subgroups (bins 2 to N - 2 between two orders, N = 10 or 12). Orders 0 to 50.
 *
 * The chain's observer tells it every frame and where every window begins:
 *     frames:           while (n > 0) { taken = wk_spectrum_feed(...); use result if ready; }
 *     window, restart:  wk_spectrum_place(spectrum, next)
 * A result comes some samples after its window's end (1 ms at 8 kHz), because the last points
 * need them. There is none of a window that was cut short or whose frames are not all there:
 * the first after the start, after a gap, and those while the frequency is being acquired.
 *
 * Float, not billed. RAM: struct wk_spectrum 0.4 kB, and what the owner lends it: memory for the
 * points, the transform and the result, 27.9 kB with one lane, 28.6 kB and 6 kB more a lane
 * with several; and history of 32 bytes a frame, 56 frames at 8 kHz. */
#ifndef WK_METROLOGY_SPECTRUM_H
#define WK_METROLOGY_SPECTRUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/chain.h"
#include "metrology/lanes.h"
#include "metrology/record.h"
#include "metrology/resample.h"
#include "metrology/sample.h"

/* What the owner lends for as long as the spectrum is used. */
struct wk_spectrum_memory {
    const struct wk_lanes *lanes;      /* &wk_lanes_one, &wk_lanes_four or a port's */
    float *work;                       /* WK_LANES_WORK(lanes) floats, aligned to as many bytes
                                          as that many floats have, and to 8 */
    float (*history)[WK_HAL_CHANNELS]; /* see wk_resample_frames */
    size_t frames;                     /* ... how many there are */
};

struct wk_spectrum_config {
    int32_t signal_mhz; /* mains signalling voltage (IEC 61000-4-30, 5.10), 100..3,000 Hz;
                           0 = none */
};

/* One channel. All squares are mean squares, V^2 or A^2: of several windows, the mean of them is
 * what the standard wants (IEC 61000-4-30, 4.5); wk_spectrum_root gives V or A rms. */
struct wk_spectrum_channel {
    union {
        struct {
            float subgroup[WK_RECORD_ORDERS + 1]; /* squares; 0 = of the DC component */
            float inter[WK_RECORD_ORDERS + 1];    /* squares; between h and h + 1 */
        };
        float line[WK_RECORD_ORDERS + 1][2]; /* within wk_spectrum_feed only */
    };
    float dc;       /* with sign */
    float thd;      /* THDS: subgroups 2..orders of subgroup 1; 0 without a fundamental */
    float k_factor; /* sum of h^2 I_h^2 / sum of I_h^2, h = 1..orders; 0 of nothing */
    float crest;    /* largest |sample| / rms of the samples; 0 of silence */
};

struct wk_spectrum_result {
    uint64_t begin_q16; /* of the window, samples from the start: wk_chain_place.at_q16 */
    uint64_t end_q16;
    uint8_t cycles;  /* 10 or 12 */
    uint8_t orders;  /* the last valid one: 50, unless the sample rate is below 8 kHz */
    uint8_t present; /* bit per slot: U1 U2 U3 UN I1 I2 I3 IN */
    float f_hz;      /* of the oscillator, on which the bins are centred */
    struct wk_spectrum_channel slot[WK_SAMPLE_SLOTS]; /* zero if not present */
    /* Active power of each order, P > 0 import: of the bin in the middle of the subgroup, both
     * channels' delays corrected; 0 = of the DC components. Zero without a pair. */
    float power_w[WK_RECORD_PHASES][WK_RECORD_ORDERS + 1];
    /* Mains signalling voltage, square: of the four bins nearest to its frequency, or of the
     * nearest if it is within 1 Hz. Zero if not configured. */
    float signal[WK_RECORD_PHASES];
};

struct wk_spectrum {
    const struct wk_lanes *lanes;
    float *work;
    int32_t signal_mhz;
    const struct wk_sample_map *map;
    struct wk_chain_place place; /* of the window under way */
    uint64_t end_q16;            /* ... where it must end */
    struct wk_chain_place next;  /* of the one after it */
    bool has_next;
    float crest[WK_HAL_CHANNELS];      /* of the window that ended, by channel */
    float unit[WK_HAL_CHANNELS];       /* V or A per count, with sign */
    uint8_t present;                   /* of the result */
    struct wk_spectrum_result *result; /* valid after *ready, until the next feed */
    struct wk_resample resample;
};

/** The map is borrowed, as the memory is. WK_E_RANGE: signal_mhz; WK_E_FULL: memory->frames is too small for the
 *  sample rate. */
WK_MUST_USE wk_err wk_spectrum_init(struct wk_spectrum *spectrum,
                                    const struct wk_sample_map *map, int64_t rate_uhz,
                                    const struct wk_spectrum_memory *memory,
                                    const struct wk_spectrum_config *config);

/** The next window will begin at or after frame `at`, before the present one ends: frames are
 *  kept for it, as far as the history has room. */
void wk_spectrum_hold(struct wk_spectrum *spectrum, uint64_t at);

/** A window begins there. If that is where the present one ends, or before it and after what
 *  was held, the present one will be finished first, else it is dropped. */
void wk_spectrum_place(struct wk_spectrum *spectrum, const struct wk_chain_place *place);

/** Takes frames, the first of them number `at` from the start; frames that were left out end the
 *  present window. Returns how many it took: all, or those up to a result, then *ready. */
size_t wk_spectrum_feed(struct wk_spectrum *spectrum, const int32_t *counts, size_t frames,
                        uint64_t at, bool *ready);

/** The root of a mean square; 0 of what is not positive. */
float wk_spectrum_root(float square);

#endif
