/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "port/virtual/grid.h"

#define TURN         6.283185307179586476925
#define LEAST_HZ     40.0
#define MOST_HZ      72.0
#define REFINE_STEPS 6
#define WHOLE_ENOUGH 0.01 /* of a cycle that may be missing at the end */

struct phasor {
    double re;
    double im;
};

/* Fourier sum of value[from .. to) at f, free of its mean, angle at sample 0. Missing values do not
 * take part. */
static struct phasor fourier(const double *value, size_t from, size_t to, double f_per_sample)
{
    struct phasor sum = {0};
    struct phasor wave = {0};
    double mean = 0;
    double count = 0;
    for (size_t n = from; n < to; n++) {
        if (isnan(value[n])) {
            continue;
        }
        const double angle = TURN * fmod(f_per_sample * (double)n, 1.0);
        sum.re += value[n] * cos(angle);
        sum.im -= value[n] * sin(angle);
        wave.re += cos(angle);
        wave.im -= sin(angle);
        mean += value[n];
        count++;
    }
    count = fmax(count, 1);
    sum.re = (sum.re - mean / count * wave.re) * 2 / count;
    sum.im = (sum.im - mean / count * wave.im) * 2 / count;
    return sum;
}

/* The strongest frequency of 40..72 Hz within the first second, in cycles per sample; steps of an
 * eighth of a line of the spectrum. */
static double search(const double *value, size_t frames, double rate_hz)
{
    const size_t part = (double)frames < rate_hz ? frames : (size_t)rate_hz;
    const double step_hz = rate_hz / (double)part / 8;
    double best = 0;
    double best_hz = LEAST_HZ;
    const size_t steps = (size_t)((MOST_HZ - LEAST_HZ) / step_hz) + 1;
    for (size_t k = 0; k < steps; k++) {
        const double hz = LEAST_HZ + (double)k * step_hz;
        const struct phasor p = fourier(value, 0, part, hz / rate_hz);
        const double size = hypot(p.re, p.im);
        if (size > best) {
            best = size;
            best_hz = hz;
        }
    }
    return best_hz / rate_hz;
}

/* Sharpens it: the phase between the first and the second half, each of whole cycles. */
static double refine(const double *value, size_t frames, double f)
{
    for (int i = 0; i < REFINE_STEPS; i++) {
        const double cycles = floor((double)frames / 2 * f + WHOLE_ENOUGH);
        const size_t half = (size_t)fmin(cycles / f + 0.5, floor((double)frames / 2));
        if (cycles < 1 || half == 0) {
            return f;
        }
        const struct phasor a = fourier(value, 0, half, f);
        const struct phasor b = fourier(value, half, 2 * half, f);
        const double ahead = atan2(b.im * a.re - b.re * a.im, b.re * a.re + b.im * a.im);
        f += ahead / TURN / (double)half;
    }
    return f;
}

/* Replaces the fundamental by one of `cycles` in `frames`, equal in the middle. */
static void close_loop(const double *value, double *closed, size_t frames, size_t cycles,
                       double f)
{
    const struct phasor p = fourier(value, 0, frames, f);
    const double amplitude = hypot(p.re, p.im);
    const double angle = atan2(p.im, p.re);
    const double f_loop = (double)cycles / (double)frames;
    const double shift = TURN * (f - f_loop) * (double)frames / 2;
    for (size_t n = 0; n < frames; n++) {
        const double t = (double)n;
        closed[n] = value[n] - amplitude * cos(TURN * fmod(f * t, 1.0) + angle) +
                    amplitude * cos(TURN * fmod(f_loop * t, 1.0) + angle + shift);
    }
}

static wk_err replay_read(void *self, int32_t *counts, size_t frames, size_t *got)
{
    struct wk_grid_replay *replay = self;
    const size_t channels = replay->info.channels;
    *got = frames;
    while (frames > 0) {
        const size_t left = replay->frames - replay->at;
        const size_t now = frames < left ? frames : left;
        memcpy(counts, replay->counts + replay->at * channels, now * channels * sizeof *counts);
        counts += now * channels;
        frames -= now;
        replay->at += now;
        if (replay->at == replay->frames) {
            replay->at = 0;
        }
    }
    return WK_OK;
}

static wk_err fill_channel(struct wk_grid_replay *replay, const double *value, uint8_t at,
                           double f)
{
    double *closed = calloc(replay->frames, sizeof *closed);
    double largest = 0;
    if (closed == NULL) {
        return WK_E_FULL;
    }
    close_loop(value, closed, replay->frames, replay->cycles, f);
    for (size_t n = 0; n < replay->frames; n++) {
        largest = fmax(largest, fabs(closed[n]));
    }
    const struct wk_hal_gain gain = wk_recording_gain(largest);
    replay->info.channel[at].gain = gain;
    const double unit = gain.mantissa * pow(10, gain.exponent);
    for (size_t n = 0; n < replay->frames; n++) {
        replay->counts[n * replay->info.channels + at] =
            isnan(closed[n]) ? WK_HAL_NO_COUNT : (int32_t)lrint(closed[n] / unit);
    }
    free(closed);
    return WK_OK;
}

/* The loop as a whole number of cycles of the first voltage. */
static wk_err find_loop(struct wk_grid_replay *replay, const struct wk_recording *recording,
                        int voltage, struct wk_recording_fault *fault, double *f)
{
    const double rate_hz = (double)recording->rate_uhz / 1e6;
    const double *value = recording->channel[voltage].value;
    *f = refine(value, recording->frames, search(value, recording->frames, rate_hz));
    replay->recorded_hz = *f * rate_hz;
    const double cycles = floor((double)recording->frames * *f + WHOLE_ENOUGH);
    if (!(replay->recorded_hz >= LEAST_HZ && replay->recorded_hz <= MOST_HZ) || cycles < 1) {
        wk_recording_blame(fault, "channel \"%s\" holds no whole cycle of 40 to 72 Hz",
                           recording->channel[voltage].name);
        return WK_E_RANGE;
    }
    replay->cycles = (size_t)cycles;
    replay->frames = (size_t)fmin(floor(cycles / *f + 0.5), (double)recording->frames);
    return WK_OK;
}

static wk_err fill_loop(struct wk_grid_replay *replay, const struct wk_recording_source *source,
                        double f)
{
    replay->counts = calloc(replay->frames * replay->info.channels, sizeof *replay->counts);
    if (replay->counts == NULL) {
        return WK_E_FULL;
    }
    for (uint8_t at = 0; at < replay->info.channels; at++) {
        const double *value = source->recording->channel[source->index[at]].value;
        WK_TRY(fill_channel(replay, value, at, f));
    }
    return WK_OK;
}

wk_err wk_grid_replay_init(struct wk_grid_replay *replay, const struct wk_recording *recording,
                           const struct wk_recording_choice *choice, int64_t start_us,
                           struct wk_recording_fault *fault)
{
    struct wk_recording_source source;
    int voltage = -1;
    double f;
    *replay = (struct wk_grid_replay){0};
    for (int phase = 2; phase >= 0; phase--) {
        voltage = choice->u[phase] >= 0 ? choice->u[phase] : voltage;
    }
    wk_recording_blame(fault, "a voltage must be among the channels, and none of another unit");
    if (voltage < 0) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(wk_recording_source_init(&source, recording, choice));
    replay->info = source.info;
    replay->info.start_us = start_us;
    WK_TRY(find_loop(replay, recording, voltage, fault, &f));
    const wk_err err = fill_loop(replay, &source, f);
    if (err != WK_OK) {
        wk_recording_blame(fault, "no memory for the loop");
        wk_grid_replay_free(replay);
        return err;
    }
    replay->frontend = (struct wk_hal_frontend){
        .self = replay,
        .info = &replay->info,
        .read = replay_read,
    };
    return WK_OK;
}

void wk_grid_replay_free(struct wk_grid_replay *replay)
{
    free(replay->counts);
    *replay = (struct wk_grid_replay){0};
}
