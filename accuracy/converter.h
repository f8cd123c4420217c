/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/converter - models of what lies between the terminals and the counts.
 *
 *     current transformer -> anti-alias filter -> sigma-delta converter -> counts
 *
 * The ideal converter has 24 bits and nothing else. The realistic ones have noise, fewer bits, a
 * jittering clock that is also a little off, gains and delays that differ from channel to channel,
 * and a current transformer whose ratio and angle depend on the current. What the meter believes
 * of a front end (struct wk_hal_frontend_info) knows none of this until it is calibrated. */
#ifndef WK_ACCURACY_CONVERTER_H
#define WK_ACCURACY_CONVERTER_H

#include <stdint.h>

#include "accuracy/wave.h"
#include "port/hal.h"

typedef enum wk_converter_kind {
    WK_CONVERTER_IDEAL = 0,
    WK_CONVERTER_24_BIT, /* sigma-delta, 101 dB */
    WK_CONVERTER_16_BIT, /* sigma-delta, 88 dB */
} wk_converter_kind;

struct wk_converter {
    wk_converter_kind kind;
    double rate_hz;   /* nominal */
    double clock_ppm; /* the true rate is so much higher */
    double u_peak_v;  /* full scale */
    double i_peak_a;
    int bits;
    double noise;    /* rms, of full scale */
    double jitter_s; /* rms, all channels alike */
    bool transformer;
    double gain[WK_WAVE_CHANNELS];    /* 1 = as believed */
    double delay_s[WK_WAVE_CHANNELS]; /* sampled so much later */
    double offset[WK_WAVE_CHANNELS];  /* of full scale */
    /* first-order resistor and capacitor, and the third-order sinc of the decimator */
    double rc_hz;
    bool sinc3;
    uint64_t seed;
};

/** `i_max_a`: the largest rms current; full scale leaves a crest of 1.6 for it. */
struct wk_converter wk_converter_of(wk_converter_kind kind, double rate_hz, double i_max_a);

/** What a front end like this says of itself before calibration. */
struct wk_hal_frontend_info wk_converter_info(const struct wk_converter *converter,
                                              const struct wk_wave *wave);

/** The signal as it arrives at the converter: transformer, gains, delays, filter; what lies
 *  above half the rate is folded. */
void wk_converter_distort(const struct wk_converter *converter, const struct wk_wave *wave,
                          struct wk_wave *seen);

/** Error of ratio (of 1) and angle (degrees, leading) of the transformer at a current. */
double wk_converter_ratio(double i_a, double i_max_a);
double wk_converter_angle(double i_a, double i_max_a);

/** Attenuation of the filter before the converter and in its decimator. */
double wk_converter_response(const struct wk_converter *converter, double hz);

/** A normal variable of rms 1. */
double wk_converter_noise(uint64_t *state);

/** One frame of counts. */
void wk_converter_frame(struct wk_converter *converter, const double value[WK_WAVE_CHANNELS],
                        const double slope[WK_WAVE_CHANNELS], int32_t counts[WK_WAVE_CHANNELS]);

#endif
