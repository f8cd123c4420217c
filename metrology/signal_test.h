/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/signal_test - sums of sines as a front end would deliver them, for tests.
 *
 * The truth of every quantity is known in closed form from the same numbers. Include from one
 * .c file per program. */
#ifndef WK_METROLOGY_SIGNAL_TEST_H
#define WK_METROLOGY_SIGNAL_TEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "metrology/chain.h"

#define SIGNAL_TURN    6.283185307179586476925
#define SIGNAL_BLOCK   64
#define SIGNAL_PARTS   3
#define SIGNAL_RECORDS 64

/* One sine of a channel: rms, multiple of the fundamental, angle (cosine) at the start. */
struct signal_part {
    double rms;
    double order;
    double degrees;
};

struct signal_channel {
    struct signal_part part[SIGNAL_PARTS];
    double dc;
};

struct signal {
    struct wk_hal_frontend_info info;
    double f_hz;
    double ramp_hz_per_s;
    double step_at_s;    /* from then on ... */
    double step_hz;      /* ... so much more, with a continuous phase */
    double scale_from_s; /* between these times all voltages are scaled */
    double scale_to_s;
    double scale[3];
    struct signal_channel channel[WK_HAL_CHANNELS];
};

/* Records that came out. */
struct signal_sink {
    size_t windows;
    size_t events;
    uint64_t last_seq;
    struct wk_record window[SIGNAL_RECORDS]; /* the last ones, a ring */
    struct wk_record event[SIGNAL_RECORDS];
    double p_wh[3]; /* import less export */
    double total_wh;
    double q_varh[4];
    int64_t import_uwh;
    int64_t export_uwh;
    int64_t q_uvarh[4];
    int64_t samples;
    struct wk_record_energy energy; /* totals */
    struct wk_record_energy withheld;
    int64_t withheld_samples;
    int64_t pulses;
};

static inline void signal_add(struct wk_record_energy *sum,
                              const struct wk_record_energy *gained)
{
    sum->import_uwh += gained->import_uwh;
    sum->export_uwh += gained->export_uwh;
    sum->import1_uwh += gained->import1_uwh;
    sum->export1_uwh += gained->export1_uwh;
    sum->import_uvah += gained->import_uvah;
    sum->export_uvah += gained->export_uvah;
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        sum->q_uvarh[quadrant] += gained->q_uvarh[quadrant];
    }
}

static inline wk_err signal_take(void *self, const struct wk_record *record)
{
    struct signal_sink *sink = self;
    if (record->seq != sink->last_seq + 1) {
        return WK_E_OVERRUN;
    }
    sink->last_seq = record->seq;
    if (record->kind == WK_RECORD_EVENT) {
        sink->event[sink->events++ % SIGNAL_RECORDS] = *record;
        return WK_OK;
    }
    sink->window[sink->windows++ % SIGNAL_RECORDS] = *record;
    for (int phase = 0; phase < 3; phase++) {
        const struct wk_record_energy *energy = &record->window.energy[phase];
        sink->p_wh[phase] += (double)(energy->import_uwh - energy->export_uwh) / 1e6;
    }
    const struct wk_record_energy *total = &record->window.total;
    sink->import_uwh += total->import_uwh;
    sink->export_uwh += total->export_uwh;
    sink->total_wh += (double)(total->import_uwh - total->export_uwh) / 1e6;
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        sink->q_uvarh[quadrant] += total->q_uvarh[quadrant];
        sink->q_varh[quadrant] += (double)total->q_uvarh[quadrant] / 1e6;
    }
    sink->samples += record->window.samples;
    signal_add(&sink->energy, total);
    signal_add(&sink->withheld, &record->window.withheld);
    sink->withheld_samples += record->window.withheld_samples;
    sink->pulses += record->window.pulses;
    return WK_OK;
}

/* A three-phase (or single-phase) front end: 60 uV and 10 uA per count. */
static inline struct signal signal_of(int phases, double rate_hz, double f_hz)
{
    struct signal signal = {.f_hz = f_hz, .scale = {1, 1, 1}};
    signal.info.channels = (uint8_t)(2 * phases);
    signal.info.rate_uhz = (int64_t)(rate_hz * 1e6);
    signal.info.nominal_uhz = f_hz < 55 ? 50000000 : 60000000;
    for (int at = 0; at < 2 * phases; at++) {
        const bool voltage = at < phases;
        signal.info.channel[at] = (struct wk_hal_channel){
            .quantity = voltage ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(at % phases),
            .gain = {.mantissa = voltage ? 600000000 : 1000000000,
                     .exponent = voltage ? -13 : -14},
        };
    }
    return signal;
}

static inline void signal_load(struct signal *signal, int phase, double volts, double amperes,
                               double lag_degrees)
{
    const int phases = signal->info.channels / 2;
    const double at = -120.0 * phase;
    signal->channel[phase].part[0] = (struct signal_part){volts, 1, at};
    signal->channel[phases + phase].part[0] =
        (struct signal_part){amperes, 1, at - lag_degrees};
}

static inline double signal_turns(const struct signal *signal, double t)
{
    double turns = signal->f_hz * t + signal->ramp_hz_per_s * t * t / 2;
    if (signal->step_at_s > 0 && t > signal->step_at_s) {
        turns += signal->step_hz * (t - signal->step_at_s);
    }
    return turns;
}

static inline double signal_value(const struct signal *signal, int at, double t)
{
    const struct wk_hal_channel *info = &signal->info.channel[at];
    const struct signal_channel *channel = &signal->channel[at];
    const double true_t = t + info->delay_ns * 1e-9;
    const double turns = signal_turns(signal, true_t);
    double value = channel->dc;
    for (int p = 0; p < SIGNAL_PARTS; p++) {
        const struct signal_part *part = &channel->part[p];
        if (part->rms != 0) {
            value += part->rms * sqrt(2.0) *
                     cos(SIGNAL_TURN * (part->order * turns + part->degrees / 360.0));
        }
    }
    const bool scaled = t >= signal->scale_from_s && t < signal->scale_to_s;
    return scaled && info->quantity == WK_HAL_VOLTAGE ? value * signal->scale[info->phase]
                                                      : value;
}

static inline int32_t signal_count(const struct signal *signal, int at, double t)
{
    const struct wk_hal_channel *info = &signal->info.channel[at];
    const double gain = info->gain.mantissa * pow(10, info->gain.exponent);
    return (int32_t)floor(signal_value(signal, at, t) / gain + 0.5) + info->offset;
}

/* Feeds samples first .. first + frames - 1 in blocks of `block`. */
static inline wk_err signal_feed(const struct signal *signal, struct wk_chain *chain,
                                 size_t first, size_t frames, size_t block)
{
    int32_t counts[SIGNAL_BLOCK * WK_HAL_CHANNELS];
    size_t done = 0;
    while (done < frames) {
        const size_t now = frames - done < block ? frames - done : block;
        for (size_t n = 0; n < now; n++) {
            const double t = (double)(first + done + n) / ((double)signal->info.rate_uhz / 1e6);
            for (int at = 0; at < signal->info.channels; at++) {
                counts[n * signal->info.channels + (size_t)at] = signal_count(signal, at, t);
            }
        }
        WK_TRY(wk_chain_feed(chain, counts, now));
        done += now;
    }
    return WK_OK;
}

static inline struct wk_chain_config signal_config(struct signal_sink *sink)
{
    struct wk_chain_config config = wk_chain_usual();
    config.epoch = 7;
    config.sink = (struct wk_chain_sink){.self = sink, .emit = signal_take};
    return config;
}

/* Runs `seconds` of a signal through a fresh chain; the last window may be short. */
static inline wk_err signal_run(const struct signal *signal,
                                const struct wk_chain_config *config, double seconds)
{
    static struct wk_chain chain;
    struct wk_sample_fault fault;
    WK_TRY(wk_chain_init(&chain, &signal->info, config, &fault));
    const size_t frames = (size_t)(seconds * (double)signal->info.rate_uhz / 1e6);
    WK_TRY(signal_feed(signal, &chain, 0, frames, SIGNAL_BLOCK));
    return wk_chain_flush(&chain);
}

#endif
