/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/wave - test signals whose integrals are known in closed form.
 *
 * A channel is a sum of sines of any frequency and a constant. Voltages may be modulated by a
 * rectangle, and any channel may be scaled between two times (dips, bursts). The integral of the
 * product of two channels over any span of time is exact: it is the truth of energy, power and
 * rms that the meter is held against. Nothing here is shared with the meter's own arithmetic. */
#ifndef WK_ACCURACY_WAVE_H
#define WK_ACCURACY_WAVE_H

#include <stdbool.h>

#define WK_WAVE_CHANNELS 6 /* U1 U2 U3 I1 I2 I3 */
#define WK_WAVE_TONES    84
#define WK_WAVE_STEPS    192
#define WK_WAVE_TURN     6.283185307179586476925

struct wk_wave_tone {
    double rms;
    double hz;
    double degrees; /* of the cosine at t = 0 */
};

struct wk_wave_channel {
    struct wk_wave_tone tone[WK_WAVE_TONES]; /* [0] is the fundamental */
    int tones;
    double dc;
};

/* Between two times a channel is so many times as large. Steps of a channel do not overlap. */
struct wk_wave_step {
    int channel;
    double from_s;
    double to_s;
    double factor;
};

struct wk_wave {
    double f_hz;    /* of the fundamental */
    int nominal_hz; /* 50 or 60 */
    double seconds;
    double am_hz; /* all voltages are modulated by a rectangle of this frequency ... */
    double am;    /* ... and this depth, peak to peak; 0 = not */
    int steps;
    struct wk_wave_step step[WK_WAVE_STEPS];
    struct wk_wave_channel channel[WK_WAVE_CHANNELS];
};

/* A sine on its way from sample to sample. */
struct wk_wave_phasor {
    double re, im, turn_re, turn_im, radians_per_s;
};

struct wk_wave_walk {
    const struct wk_wave *wave;
    double rate_hz;
    unsigned long long at;
    struct wk_wave_phasor phasor[WK_WAVE_CHANNELS][WK_WAVE_TONES];
};

/** An empty signal of a frequency; the nominal frequency is the nearer of 50 and 60 Hz where the
 *  ranges of class A do not overlap, else 50. */
void wk_wave_init(struct wk_wave *wave, double f_hz, double seconds);

void wk_wave_add(struct wk_wave *wave, int channel, double rms, double hz, double degrees);

/** Fundamentals of one phase: the current lags; phase 0..2 at 0, -120, +120 degrees. */
void wk_wave_load(struct wk_wave *wave, int phase, double u_v, double i_a, double lag_degrees);

/** Adds the harmonic `order` to the fundamental of a channel, at an angle relative to it times
 *  the order (all phases alike). */
void wk_wave_harmonic(struct wk_wave *wave, int channel, int order, double share,
                      double degrees);

void wk_wave_step(struct wk_wave *wave, int channel, double from_s, double to_s, double factor);

/** Begins to sample at rate_hz from t = 0; the wave is borrowed. */
void wk_wave_walk_init(struct wk_wave_walk *walk, const struct wk_wave *wave, double rate_hz);

/** The next sample of all channels, and their change per second. */
void wk_wave_next(struct wk_wave_walk *walk, double value[WK_WAVE_CHANNELS],
                  double slope[WK_WAVE_CHANNELS]);

/** Integral of the product of two channels from one time to another: V^2 s, A^2 s or W s. */
double wk_wave_integral(const struct wk_wave *wave, int x, int y, double from_s, double to_s);

/** Mean power of a phase, and the rms of a channel, over the whole of time: no modulation. */
double wk_wave_power(const struct wk_wave *wave, int phase);
double wk_wave_rms(const struct wk_wave *wave, int channel);

/** The first zero crossing of the fundamental of a channel at or after t. */
double wk_wave_crossing(const struct wk_wave *wave, int channel, double t);

#endif
