/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/tone_test - a metering chain with a spectrum that listens to it, fed with sums of many
 * tones, for tests.
 *
 * Tones are made by turning a phasor per sample, in double precision, so that a test also runs
 * on a microcontroller within seconds. Include from one .c file per program. */
#ifndef WK_METROLOGY_TONE_TEST_H
#define WK_METROLOGY_TONE_TEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "metrology/chain.h"
#include "metrology/spectrum.h"

#define TONE_TURN    6.283185307179586476925
#define TONE_MOST    128
#define TONE_RESULTS 32
#define TONE_BLOCK   100

struct tone {
    double rms;
    double hz;
    double degrees; /* of the cosine at the start */
};

struct tone_channel {
    struct tone tone[TONE_MOST];
    int tones;
    double dc;
    double noise; /* rms of what is random */
};

struct tone_bench {
    struct wk_hal_frontend_info info;
    struct wk_spectrum_config config;
    const struct wk_lanes *lanes;
    struct tone_channel channel[WK_HAL_CHANNELS];
    double am_hz; /* all voltages are modulated by a rectangle ... */
    double am;    /* ... of this depth, peak to peak */
    uint32_t seed;
    /* what came out */
    struct wk_chain chain;
    struct wk_spectrum spectrum;
    struct wk_spectrum_result result[TONE_RESULTS]; /* the last ones, a ring */
    int results;
    int windows;
    double u_rms[3]; /* of the last window, by the chain */
    double p_w[3];
};

static uint32_t tone_random(struct tone_bench *bench)
{
    bench->seed ^= bench->seed << 13;
    bench->seed ^= bench->seed >> 17;
    bench->seed ^= bench->seed << 5;
    return bench->seed;
}

/* Evenly between two numbers. */
static double tone_between(struct tone_bench *bench, double from, double to)
{
    return from + (to - from) * (tone_random(bench) / 4294967296.0);
}

static void tone_add(struct tone_channel *channel, double rms, double hz, double degrees)
{
    channel->tone[channel->tones++] = (struct tone){rms, hz, degrees};
}

/* ---- the chain and who listens ----------------------------------------------------------- */

static wk_err tone_sink(void *self, const struct wk_record *record)
{
    struct tone_bench *bench = self;
    if (record->kind == WK_RECORD_WINDOW) {
        bench->windows++;
        for (int phase = 0; phase < 3; phase++) {
            bench->u_rms[phase] = record->window.u_mv[phase] / 1e3;
            bench->p_w[phase] = (double)record->window.p_mw[phase] / 1e3;
        }
    }
    return WK_OK;
}

static wk_err tone_frames(void *self, const int32_t *counts, size_t frames, uint64_t at)
{
    struct tone_bench *bench = self;
    size_t done = 0;
    while (done < frames) {
        bool ready;
        done += wk_spectrum_feed(&bench->spectrum, counts + done * bench->info.channels,
                                 frames - done, at + done, &ready);
        if (ready) {
            bench->result[bench->results++ % TONE_RESULTS] = *bench->spectrum.result;
        }
    }
    return WK_OK;
}

static wk_err tone_window(void *self, const struct wk_record *record,
                          const struct wk_chain_place *next)
{
    (void)record;
    wk_spectrum_place(&((struct tone_bench *)self)->spectrum, next);
    return WK_OK;
}

static wk_err tone_event(void *self, const struct wk_record *record)
{
    (void)self;
    (void)record;
    return WK_OK;
}

static wk_err tone_restart(void *self, const struct wk_chain_place *next)
{
    wk_spectrum_place(&((struct tone_bench *)self)->spectrum, next);
    return WK_OK;
}

/* A front end of `channels` channels: voltages, then currents, 24 bits: 1000 V and 100 A peak. */
static void tone_init(struct tone_bench *bench, int channels, double rate_hz, int nominal_hz)
{
    memset(bench, 0, sizeof *bench);
    bench->lanes = &wk_lanes_four;
    bench->seed = 1;
    bench->info.channels = (uint8_t)channels;
    bench->info.rate_uhz = (int64_t)(rate_hz * 1e6);
    bench->info.nominal_uhz = nominal_hz * 1000000;
    bench->info.nominal_mv = 230000;
    for (int at = 0; at < channels; at++) {
        const bool voltage = at < channels / 2;
        bench->info.channel[at] = (struct wk_hal_channel){
            .quantity = voltage ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(at % (channels / 2)),
            .gain = {.mantissa = 600000000, .exponent = voltage ? -13 : -14},
        };
    }
}

static wk_err tone_start(struct tone_bench *bench)
{
    static _Alignas(32) float work[WK_LANES_WORK(WK_LANES_MOST)];
    static float history[WK_RESAMPLE_FRAMES][WK_HAL_CHANNELS];
    struct wk_sample_fault fault;
    struct wk_chain_config config = wk_chain_usual();
    config.epoch = 1;
    config.sink = (struct wk_chain_sink){.self = bench, .emit = tone_sink};
    config.observer = (struct wk_chain_observer){.self = bench,
                                                 .frames = tone_frames,
                                                 .window = tone_window,
                                                 .event = tone_event,
                                                 .restart = tone_restart};
    WK_TRY(wk_chain_init(&bench->chain, &bench->info, &config, &fault));
    const size_t needed = wk_resample_frames(bench->info.rate_uhz);
    const struct wk_spectrum_memory memory = {bench->lanes, work, history, needed};
    return wk_spectrum_init(&bench->spectrum, &bench->chain.cycle.map, bench->info.rate_uhz,
                            &memory, &bench->config);
}

/* ---- the signal -------------------------------------------------------------------------- */

struct tone_phasor {
    double re;
    double im;
    double turn_re;
    double turn_im;
};

static double tone_next(struct tone_phasor *z)
{
    const double value = z->re;
    const double re = z->re * z->turn_re - z->im * z->turn_im;
    z->im = z->re * z->turn_im + z->im * z->turn_re;
    z->re = re;
    return value;
}

static double tone_channel_next(struct tone_bench *bench, int at, struct tone_phasor *phasors)
{
    const struct tone_channel *channel = &bench->channel[at];
    double value = 0;
    for (int k = 0; k < channel->tones; k++) {
        value += tone_next(&phasors[k]);
    }
    if (channel->noise > 0) {
        value += channel->noise * tone_between(bench, -1.7320508, 1.7320508);
    }
    return value;
}

static void tone_begin(const struct tone_bench *bench, int at, struct tone_phasor *phasors)
{
    const double rate_hz = (double)bench->info.rate_uhz / 1e6;
    const double late_s = bench->info.channel[at].delay_ns * 1e-9;
    for (int k = 0; k < bench->channel[at].tones; k++) {
        const struct tone *tone = &bench->channel[at].tone[k];
        const double start = TONE_TURN * (tone->degrees / 360 + tone->hz * late_s);
        const double step = TONE_TURN * tone->hz / rate_hz;
        phasors[k] =
            (struct tone_phasor){tone->rms * sqrt(2.0) * cos(start),
                                 tone->rms * sqrt(2.0) * sin(start), cos(step), sin(step)};
    }
}

/* Feeds `frames` frames of the tones from their beginning on. */
static wk_err tone_feed(struct tone_bench *bench, size_t frames)
{
    static struct tone_phasor phasors[WK_HAL_CHANNELS][TONE_MOST];
    int32_t counts[TONE_BLOCK * WK_HAL_CHANNELS];
    const double rate_hz = (double)bench->info.rate_uhz / 1e6;
    const int channels = bench->info.channels;
    for (int at = 0; at < channels; at++) {
        tone_begin(bench, at, phasors[at]);
    }
    for (size_t n = 0; n < frames; n++) {
        const bool up = bench->am > 0 && fmod((double)n / rate_hz * bench->am_hz, 1.0) < 0.5;
        const double scale = 1 + (up ? 1 : -1) * bench->am / 2;
        for (int at = 0; at < channels; at++) {
            const struct wk_hal_channel *info = &bench->info.channel[at];
            const bool voltage = info->quantity == WK_HAL_VOLTAGE;
            const double gain = info->gain.mantissa * pow(10, info->gain.exponent);
            const double value = tone_channel_next(bench, at, phasors[at]);
            const double shown = (voltage ? value * scale : value) + bench->channel[at].dc;
            counts[n % TONE_BLOCK * (size_t)channels + (size_t)at] =
                (int32_t)floor(shown / gain + 0.5) + info->offset;
        }
        if ((n + 1) % TONE_BLOCK == 0) {
            WK_TRY(wk_chain_feed(&bench->chain, counts, TONE_BLOCK));
        }
    }
    return frames % TONE_BLOCK == 0 ? WK_OK
                                    : wk_chain_feed(&bench->chain, counts, frames % TONE_BLOCK);
}

static wk_err tone_run(struct tone_bench *bench, double seconds)
{
    WK_TRY(tone_start(bench));
    return tone_feed(bench, (size_t)(seconds * (double)bench->info.rate_uhz / 1e6));
}

/* The last result. */
static const struct wk_spectrum_result *tone_last(const struct tone_bench *bench)
{
    return &bench->result[(bench->results - 1) % TONE_RESULTS];
}

static double tone_rms(const struct wk_spectrum_result *result, int slot, int order)
{
    return sqrt((double)result->slot[slot].subgroup[order]);
}

#endif
