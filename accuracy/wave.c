/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/wave.h"

#include <math.h>
#include <string.h>

#define SAME_HZ 1e-9

void wk_wave_init(struct wk_wave *wave, double f_hz, double seconds)
{
    memset(wave, 0, sizeof *wave);
    wave->f_hz = f_hz;
    wave->nominal_hz = f_hz > 57.5 ? 60 : 50;
    wave->seconds = seconds;
}

void wk_wave_add(struct wk_wave *wave, int channel, double rms, double hz, double degrees)
{
    struct wk_wave_channel *to = &wave->channel[channel];
    if (to->tones < WK_WAVE_TONES) {
        to->tone[to->tones++] = (struct wk_wave_tone){rms, hz, degrees};
    }
}

void wk_wave_load(struct wk_wave *wave, int phase, double u_v, double i_a, double lag_degrees)
{
    const double at = phase == 0 ? 0 : phase == 1 ? -120 : 120;
    wk_wave_add(wave, phase, u_v, wave->f_hz, at);
    wk_wave_add(wave, 3 + phase, i_a, wave->f_hz, at - lag_degrees);
}

void wk_wave_harmonic(struct wk_wave *wave, int channel, int order, double share,
                      double degrees)
{
    const struct wk_wave_tone *first = &wave->channel[channel].tone[0];
    wk_wave_add(wave, channel, first->rms * share, first->hz * order,
                first->degrees * order + degrees);
}

void wk_wave_step(struct wk_wave *wave, int channel, double from_s, double to_s, double factor)
{
    if (wave->steps < WK_WAVE_STEPS) {
        wave->step[wave->steps++] = (struct wk_wave_step){channel, from_s, to_s, factor};
    }
}

/* ---- sampling ---------------------------------------------------------------------------- */

void wk_wave_walk_init(struct wk_wave_walk *walk, const struct wk_wave *wave, double rate_hz)
{
    walk->wave = wave;
    walk->rate_hz = rate_hz;
    walk->at = 0;
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        for (int k = 0; k < wave->channel[c].tones; k++) {
            const struct wk_wave_tone *tone = &wave->channel[c].tone[k];
            const double start = WK_WAVE_TURN * tone->degrees / 360;
            const double step = WK_WAVE_TURN * tone->hz / rate_hz;
            walk->phasor[c][k] = (struct wk_wave_phasor){
                tone->rms * sqrt(2.0) * cos(start), tone->rms * sqrt(2.0) * sin(start),
                cos(step), sin(step), WK_WAVE_TURN * tone->hz};
        }
    }
}

/* Integral of a square wave of +-1 over turns. */
static double triangle(double turns)
{
    const double part = turns - floor(turns);
    return part < 0.5 ? part : 1 - part;
}

/* The modulation over the time of a sample, as a filter before the converter passes it on. */
static double modulation(const struct wk_wave *wave, double t, double rate_hz)
{
    const double turns = wave->am_hz * t;
    const double width = wave->am_hz / rate_hz;
    const double swing = (triangle(turns + width / 2) - triangle(turns - width / 2)) / width;
    return 1 + wave->am / 2 * swing;
}

static double factor_at(const struct wk_wave *wave, int channel, double t)
{
    double factor = 1;
    for (int i = 0; i < wave->steps; i++) {
        const struct wk_wave_step *step = &wave->step[i];
        if (step->channel == channel && t >= step->from_s && t < step->to_s) {
            factor = step->factor;
        }
    }
    return factor;
}

void wk_wave_next(struct wk_wave_walk *walk, double value[WK_WAVE_CHANNELS],
                  double slope[WK_WAVE_CHANNELS])
{
    const struct wk_wave *wave = walk->wave;
    const double t = (double)walk->at / walk->rate_hz;
    const double swing = wave->am != 0 ? modulation(wave, t, walk->rate_hz) : 1;
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        struct wk_wave_phasor *z = walk->phasor[c];
        double sum = wave->channel[c].dc;
        double change = 0;
        for (int k = 0; k < wave->channel[c].tones; k++, z++) {
            sum += z->re;
            change -= z->im * z->radians_per_s;
            const double re = z->re * z->turn_re - z->im * z->turn_im;
            z->im = z->re * z->turn_im + z->im * z->turn_re;
            z->re = re;
        }
        const double factor =
            (c < 3 ? swing : 1) * (wave->steps > 0 ? factor_at(wave, c, t) : 1);
        value[c] = sum * factor;
        slope[c] = change * factor;
    }
    walk->at++;
}

/* ---- the truth --------------------------------------------------------------------------- */

/* Integral of cos(2 pi hz t + angle) from a to b. */
static double swing_integral(double hz, double angle, double a, double b)
{
    const double w = WK_WAVE_TURN * hz;
    if (fabs(hz) < SAME_HZ) {
        return cos(angle) * (b - a);
    }
    return (sin(w * b + angle) - sin(w * a + angle)) / w;
}

/* Of the product of two channels without steps and modulation. */
static double plain_integral(const struct wk_wave_channel *x, const struct wk_wave_channel *y,
                             double a, double b)
{
    double sum = x->dc * y->dc * (b - a);
    for (int i = 0; i < x->tones; i++) {
        const struct wk_wave_tone *p = &x->tone[i];
        const double p_angle = WK_WAVE_TURN * p->degrees / 360;
        sum += y->dc * p->rms * sqrt(2.0) * swing_integral(p->hz, p_angle, a, b);
        for (int k = 0; k < y->tones; k++) {
            const struct wk_wave_tone *q = &y->tone[k];
            const double q_angle = WK_WAVE_TURN * q->degrees / 360;
            sum += p->rms * q->rms *
                   (swing_integral(p->hz - q->hz, p_angle - q_angle, a, b) +
                    swing_integral(p->hz + q->hz, p_angle + q_angle, a, b));
        }
    }
    for (int k = 0; k < y->tones; k++) {
        const struct wk_wave_tone *q = &y->tone[k];
        sum += x->dc * q->rms * sqrt(2.0) *
               swing_integral(q->hz, WK_WAVE_TURN * q->degrees / 360, a, b);
    }
    return sum;
}

/* The next time after t at which a factor of any channel changes. */
static double next_change(const struct wk_wave *wave, double t)
{
    double next = 1e300;
    for (int i = 0; i < wave->steps; i++) {
        const double from_s = wave->step[i].from_s;
        const double to_s = wave->step[i].to_s;
        next = from_s > t ? fmin(next, from_s) : next;
        next = to_s > t ? fmin(next, to_s) : next;
    }
    if (wave->am != 0) {
        const double half = (floor(t * wave->am_hz * 2 + 1e-9) + 1) / 2 / wave->am_hz;
        next = fmin(next, half);
    }
    return next;
}

static double factor_within(const struct wk_wave *wave, int channel, double from_s, double to_s)
{
    const double t = (from_s + to_s) / 2;
    const double turns = wave->am_hz * t;
    const double swing = turns - floor(turns) < 0.5 ? 1 : -1;
    return (channel < 3 ? 1 + wave->am / 2 * swing : 1) * factor_at(wave, channel, t);
}

double wk_wave_integral(const struct wk_wave *wave, int x, int y, double from_s, double to_s)
{
    double sum = 0;
    double a = from_s;
    while (a < to_s) {
        const double b = fmin(next_change(wave, a), to_s);
        sum += factor_within(wave, x, a, b) * factor_within(wave, y, a, b) *
               plain_integral(&wave->channel[x], &wave->channel[y], a, b);
        a = b;
    }
    return sum;
}

/* Only tones of one frequency make power. */
static double mean_product(const struct wk_wave_channel *x, const struct wk_wave_channel *y)
{
    double sum = x->dc * y->dc;
    for (int i = 0; i < x->tones; i++) {
        for (int k = 0; k < y->tones; k++) {
            const struct wk_wave_tone *p = &x->tone[i];
            const struct wk_wave_tone *q = &y->tone[k];
            if (fabs(p->hz - q->hz) < SAME_HZ) {
                sum += p->rms * q->rms * cos(WK_WAVE_TURN * (p->degrees - q->degrees) / 360);
            }
        }
    }
    return sum;
}

double wk_wave_power(const struct wk_wave *wave, int phase)
{
    return mean_product(&wave->channel[phase], &wave->channel[3 + phase]);
}

double wk_wave_rms(const struct wk_wave *wave, int channel)
{
    return sqrt(mean_product(&wave->channel[channel], &wave->channel[channel]));
}

double wk_wave_crossing(const struct wk_wave *wave, int channel, double t)
{
    const double degrees = wave->channel[channel].tone[0].degrees;
    const double turns = wave->f_hz * t + degrees / 360 - 0.25;
    return t + (ceil(turns * 2 - 1e-9) / 2 - turns) / wave->f_hz;
}
