/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/converter.h"

#include <math.h>
#include <stdio.h>

#define CREST    1.6
#define U_PEAK_V 800.0
#define RC_HZ    12000.0
#define PI       3.14159265358979323846

/* What leaves the factory: channels differ by parts in a thousand and by microseconds. */
static const double k_gain[WK_WAVE_CHANNELS] = {1.0031, 0.9968, 1.0012, 0.9943, 1.0064, 1.0027};
static const double k_delay_s[WK_WAVE_CHANNELS] = {0, 0, 0, 2.1e-6, -1.4e-6, 0.7e-6};

struct wk_converter wk_converter_of(wk_converter_kind kind, double rate_hz, double i_max_a)
{
    struct wk_converter converter = {
        .kind = kind,
        .rate_hz = rate_hz,
        .u_peak_v = U_PEAK_V,
        .i_peak_a = i_max_a * CREST,
        .bits = kind == WK_CONVERTER_16_BIT ? 16 : 24,
        .seed = 20261121,
    };
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        converter.gain[c] = kind == WK_CONVERTER_IDEAL ? 1 : k_gain[c];
        converter.delay_s[c] = kind == WK_CONVERTER_IDEAL ? 0 : k_delay_s[c];
    }
    if (kind != WK_CONVERTER_IDEAL) {
        const double decibels = kind == WK_CONVERTER_24_BIT ? 101 : 88;
        converter.noise = pow(10, -decibels / 20) / sqrt(2.0);
        converter.jitter_s = 5e-9;
        converter.clock_ppm = 4;
        converter.transformer = true;
        converter.rc_hz = RC_HZ;
        converter.sinc3 = true;
    }
    return converter;
}

static struct wk_hal_gain gain_of(double value)
{
    struct wk_hal_gain gain = {.exponent = 0};
    while (value < 1e8) {
        value *= 10;
        gain.exponent--;
    }
    gain.mantissa = (int32_t)lrint(value);
    return gain;
}

struct wk_hal_frontend_info wk_converter_info(const struct wk_converter *converter,
                                              const struct wk_wave *wave)
{
    const double most = ldexp(1, converter->bits - 1);
    struct wk_hal_frontend_info info = {
        .channels = WK_WAVE_CHANNELS,
        .rate_uhz = (int64_t)llrint(converter->rate_hz * 1e6),
        .nominal_uhz = wave->nominal_hz * 1000000,
        .nominal_mv = 230000,
    };
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        const bool voltage = c < 3;
        struct wk_hal_channel *channel = &info.channel[c];
        snprintf(channel->name, sizeof channel->name, "%c%d", voltage ? 'U' : 'I', c % 3 + 1);
        channel->quantity = voltage ? WK_HAL_VOLTAGE : WK_HAL_CURRENT;
        channel->phase = (uint8_t)(c % 3);
        channel->gain = gain_of((voltage ? converter->u_peak_v : converter->i_peak_a) / most);
        channel->range = (int32_t)most - 1;
    }
    return info;
}

/* ---- the analogue side ------------------------------------------------------------------- */

double wk_converter_ratio(double i_a, double i_max_a)
{
    return 1 - 0.0015 - 0.0025 / (1 + 60 * i_a / i_max_a);
}

double wk_converter_angle(double i_a, double i_max_a)
{
    return 0.08 + 0.22 / (1 + 40 * i_a / i_max_a);
}

double wk_converter_response(const struct wk_converter *converter, double hz)
{
    double response = 1;
    if (converter->rc_hz > 0) {
        response /= sqrt(1 + hz * hz / (converter->rc_hz * converter->rc_hz));
    }
    if (converter->sinc3 && hz > 0) {
        /* the decimator's averages are as long as a quarter of its output period; the half-band
           stages after it take off 90 dB above 0.6 of the rate */
        const double x = PI * hz / (4 * converter->rate_hz);
        response *= fabs(pow(sin(x) / x, 3));
        response *= hz > 0.6 * converter->rate_hz ? 3.2e-5 : 1;
    }
    return response;
}

/* A tone above half the rate appears below it, mirrored. */
static struct wk_wave_tone fold(struct wk_wave_tone tone, double rate_hz)
{
    const double turns = floor(tone.hz / rate_hz + 0.5);
    tone.hz -= turns * rate_hz;
    if (tone.hz < 0) {
        tone.hz = -tone.hz;
        tone.degrees = -tone.degrees;
    }
    return tone;
}

void wk_converter_distort(const struct wk_converter *converter, const struct wk_wave *wave,
                          struct wk_wave *seen)
{
    const double i_max_a = converter->i_peak_a / CREST;
    const double true_rate_hz = converter->rate_hz * (1 + converter->clock_ppm * 1e-6);
    *seen = *wave;
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        const double i_a = wave->channel[c].tone[0].rms;
        const bool transformer = converter->transformer && c >= 3;
        const double ratio = transformer ? wk_converter_ratio(i_a, i_max_a) : 1;
        const double angle = transformer ? wk_converter_angle(i_a, i_max_a) : 0;
        for (int k = 0; k < wave->channel[c].tones; k++) {
            struct wk_wave_tone *tone = &seen->channel[c].tone[k];
            tone->rms *= converter->gain[c] * ratio;
            tone->degrees += 360 * tone->hz * converter->delay_s[c];
            tone->degrees += tone->hz > 0 ? angle * wave->f_hz / tone->hz : 0;
            if (tone->hz > true_rate_hz / 2) {
                tone->rms *= wk_converter_response(converter, tone->hz);
                *tone = fold(*tone, true_rate_hz);
            }
        }
        seen->channel[c].dc *= converter->gain[c] * ratio;
    }
}

/* ---- the converter ----------------------------------------------------------------------- */

/* splitmix64; the sum of four of its parts of 16 bits is normal enough. */
double wk_converter_noise(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    const uint64_t sum = (z & 0xFFFF) + ((z >> 16) & 0xFFFF) + ((z >> 32) & 0xFFFF) + (z >> 48);
    return ((double)sum / 65535 - 2) * 1.7320508075688772;
}

void wk_converter_frame(struct wk_converter *converter, const double value[WK_WAVE_CHANNELS],
                        const double slope[WK_WAVE_CHANNELS], int32_t counts[WK_WAVE_CHANNELS])
{
    const double most = ldexp(1, converter->bits - 1);
    const double late_s = converter->jitter_s > 0
                              ? converter->jitter_s * wk_converter_noise(&converter->seed)
                              : 0;
    for (int c = 0; c < WK_WAVE_CHANNELS; c++) {
        const double peak = c < 3 ? converter->u_peak_v : converter->i_peak_a;
        double share = (value[c] + late_s * slope[c]) / peak + converter->offset[c];
        if (converter->noise > 0) {
            share += converter->noise * wk_converter_noise(&converter->seed);
        }
        const double count = floor(share * most + 0.5);
        counts[c] = (int32_t)fmax(-most, fmin(most - 1, count));
    }
}
