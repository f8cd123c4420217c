/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of the spectrum beside the floor of a class A chain, measured in the same run: FFTW
 * of 2048 real points for 8 channels and the plain sums of squares and products, per window of
 * 200 ms at 8 kHz. Prints one JSON object per figure. Rounds are interleaved and short, and the
 * medians are compared, because the machine may be busy with other things. */
#include <fftw3.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/analysis.h"
#include "metrology/chain.h"
#include "metrology/spectrum.h"
#include "port/linux/lanes_best.h"

#define RATE_HZ  8000
#define CHANNELS 8
#define WINDOW   1600 /* frames of 10 cycles at 50 Hz */
#define WINDOWS  5    /* fed again and again: a whole second */
#define FRAMES   (WINDOW * WINDOWS)
#define POINTS   2048
#define ROUNDS   400
#define QUARTER  40 /* frames of a quarter period at 50 Hz */
#define TURN     6.283185307179586476925

static int32_t counts[FRAMES * CHANNELS];

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double value_at(int c, int n)
{
    const double turns = 50.0 * n / RATE_HZ - (c % 4) / 3.0 - (c < 4 ? 0 : 0.08);
    double value = cos(TURN * turns);
    for (int h = 3; h <= 49; h += 2) {
        value += cos(TURN * turns * h) * (c < 4 ? 0.02 : 0.2) / h;
    }
    return value;
}

static void fill(void)
{
    for (int n = 0; n < FRAMES; n++) {
        for (int c = 0; c < CHANNELS; c++) {
            const double peak = c % 4 == 3 ? 2e4 : 4e6;
            counts[n * CHANNELS + c] = (int32_t)lrint(peak * value_at(c, n));
        }
    }
}

static struct wk_hal_frontend_info frontend(void)
{
    struct wk_hal_frontend_info info = {
        .channels = CHANNELS,
        .rate_uhz = RATE_HZ * INT64_C(1000000),
        .start_us = INT64_C(1770000000000000),
        .nominal_uhz = 50000000,
        .nominal_mv = 200000,
    };
    for (int c = 0; c < CHANNELS; c++) {
        info.channel[c] = (struct wk_hal_channel){
            .quantity = c < 4 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 4),
            .gain = {.mantissa = 700000000, .exponent = c < 4 ? -13 : -14},
        };
    }
    return info;
}

/* ---- the floor --------------------------------------------------------------------------- */

/* What one writes first: squares of 4 U and 4 I, 3 P, and 3 Q by a delay of a quarter period. */
struct plain {
    int64_t u2[4];
    int64_t i2[4];
    int64_t p[3];
    int64_t q[3];
    int32_t late[3][QUARTER];
    int at;
};

static __attribute__((noinline)) void plain_feed(struct plain *plain, const int32_t *f,
                                                 size_t frames)
{
    struct plain sums = *plain;
    for (size_t n = 0; n < frames; n++, f += CHANNELS) {
        for (int c = 0; c < 4; c++) {
            sums.u2[c] += (int64_t)f[c] * f[c];
            sums.i2[c] += (int64_t)f[4 + c] * f[4 + c];
        }
        for (int c = 0; c < 3; c++) {
            sums.p[c] += (int64_t)f[c] * f[4 + c];
            sums.q[c] += (int64_t)sums.late[c][sums.at] * f[4 + c];
            sums.late[c][sums.at] = f[c];
        }
        sums.at = sums.at + 1 == QUARTER ? 0 : sums.at + 1;
    }
    *plain = sums;
}

/* FFTW in single and in double precision: the faster of the two is the floor. */
struct floor {
    double *in;
    float *in_f;
    fftw_complex *out;
    fftwf_complex *out_f;
    fftw_plan plan;
    fftwf_plan plan_f;
};

static void floor_init(struct floor *floor)
{
    floor->in = fftw_alloc_real(POINTS);
    floor->in_f = fftwf_alloc_real(POINTS);
    floor->out = fftw_alloc_complex(POINTS);
    floor->out_f = fftwf_alloc_complex(POINTS);
    floor->plan = fftw_plan_dft_r2c_1d(POINTS, floor->in, floor->out, FFTW_MEASURE);
    floor->plan_f = fftwf_plan_dft_r2c_1d(POINTS, floor->in_f, floor->out_f, FFTW_MEASURE);
    for (int n = 0; n < POINTS; n++) {
        floor->in[n] = cos(TURN * n / POINTS * 10);
        floor->in_f[n] = (float)floor->in[n];
    }
}

static void floor_free(struct floor *floor)
{
    fftw_destroy_plan(floor->plan);
    fftwf_destroy_plan(floor->plan_f);
    fftw_free(floor->in);
    fftw_free(floor->out);
    fftwf_free(floor->in_f);
    fftwf_free(floor->out_f);
}

/* ---- the spectrum ------------------------------------------------------------------------ */

struct analyser {
    struct wk_spectrum spectrum;
    unsigned windows;
    float sum;
};

/* A window every 1600 frames, where the chain would see it end: with the frame of the mark. */
static void spectrum_feed(struct analyser *analyser, uint64_t at)
{
    for (int w = 0; w < WINDOWS; w++) {
        const int32_t *from = counts + (size_t)w * WINDOW * CHANNELS;
        const uint64_t begin = at + (uint64_t)w * WINDOW;
        size_t done = 0;
        while (done < WINDOW) {
            /* the chain shows what lies between two marks */
            const size_t most = WINDOW / 20;
            bool ready;
            done += wk_spectrum_feed(&analyser->spectrum, from + done * CHANNELS,
                                     WINDOW - done < most ? WINDOW - done : most, begin + done,
                                     &ready);
            analyser->windows += ready ? 1 : 0;
            analyser->sum += ready ? analyser->spectrum.result->slot[0].thd : 0;
        }
        const struct wk_chain_place next = {
            .at_q16 = (begin + WINDOW) << 16,
            .step = wk_cycle_step_of(50000000, RATE_HZ * INT64_C(1000000)),
            .cycles = 10,
        };
        wk_spectrum_place(&analyser->spectrum, &next);
    }
}

static wk_err count_record(void *self, const struct wk_record *record)
{
    uint64_t *energy = self;
    if (record->kind == WK_RECORD_WINDOW) {
        *energy += (uint64_t)record->window.total.import_uwh;
    }
    return WK_OK;
}

/* ---- figures ----------------------------------------------------------------------------- */

static void figure(const char *name, double value, const char *unit, const char *goal,
                   bool holds)
{
    printf("{\"figure\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",\"goal\":\"%s\",\"holds\":%s}\n",
           name, value, unit, goal, holds ? "true" : "false");
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

static double median_us(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof seconds[0], compare_doubles);
    return seconds[ROUNDS / 2] / WINDOWS * 1e6;
}

static double round_s(void (*work)(void *self), void *self)
{
    const double begin_s = now_s();
    work(self);
    return now_s() - begin_s;
}

struct bench {
    struct wk_chain chain;
    struct wk_chain whole; /* with everything of class A */
    struct wk_analysis analysis;
    struct analyser analyser;
    struct plain plain;
    struct floor floor;
    uint64_t at;
    wk_err err;
};

static void run_chain(void *self)
{
    struct bench *bench = self;
    const wk_err err = wk_chain_feed(&bench->chain, counts, FRAMES);
    bench->err = err != WK_OK ? err : bench->err;
}

static void run_whole(void *self)
{
    struct bench *bench = self;
    const wk_err err = wk_chain_feed(&bench->whole, counts, FRAMES);
    bench->err = err != WK_OK ? err : bench->err;
}

static void run_spectrum(void *self)
{
    struct bench *bench = self;
    spectrum_feed(&bench->analyser, bench->at);
    bench->at += FRAMES;
}

static void run_plain(void *self)
{
    struct bench *bench = self;
    bench->plain = (struct plain){.at = bench->plain.at}; /* the plain sums would overflow */
    plain_feed(&bench->plain, counts, FRAMES);
}

static void run_fftw(void *self)
{
    const struct bench *bench = self;
    for (int n = 0; n < WINDOWS * CHANNELS; n++) {
        fftw_execute(bench->floor.plan);
    }
}

static void run_fftwf(void *self)
{
    const struct bench *bench = self;
    for (int n = 0; n < WINDOWS * CHANNELS; n++) {
        fftwf_execute(bench->floor.plan_f);
    }
}

static int bench_init(struct bench *bench, uint64_t *energy_uwh)
{
    static _Alignas(64) float work[WK_LANES_WORK(WK_LANES_MOST)];
    static _Alignas(64) float history[WK_RESAMPLE_FRAMES][WK_HAL_CHANNELS];
    const struct wk_hal_frontend_info info = frontend();
    struct wk_sample_fault fault;
    struct wk_chain_config config = wk_chain_usual();
    config.sink = (struct wk_chain_sink){.self = energy_uwh, .emit = count_record};
    if (wk_chain_init(&bench->chain, &info, &config, &fault) != WK_OK) {
        fprintf(stderr, "bench_quality: %s\n", wk_refusal_text(fault.reason));
        return 1;
    }
    const struct wk_analysis_config analysis = wk_analysis_usual();
    if (wk_analysis_open(&bench->analysis, &bench->whole, &info, &analysis, &fault) != WK_OK) {
        fprintf(stderr, "bench_quality: %s\n", wk_refusal_text(fault.reason));
        return 1;
    }
    config.observer = wk_analyser_observer(&bench->analysis.analyser);
    if (wk_chain_init(&bench->whole, &info, &config, &fault) != WK_OK) {
        return 1;
    }
    const struct wk_spectrum_memory memory = {wk_lanes_best(), work, history,
                                              WK_RESAMPLE_FRAMES};
    const struct wk_spectrum_config none = {0};
    if (wk_spectrum_init(&bench->analyser.spectrum, &bench->chain.cycle.map, info.rate_uhz,
                         &memory, &none) != WK_OK) {
        return 1;
    }
    floor_init(&bench->floor);
    return 0;
}

int main(void)
{
    enum { CHAIN, WHOLE, SPECTRUM, PLAIN, FFTW, FFTWF, PARTS };
    static void (*const k_work[PARTS])(void *) = {run_chain, run_whole, run_spectrum,
                                                  run_plain, run_fftw,  run_fftwf};
    static struct bench bench;
    static double part_s[PARTS][ROUNDS];
    double part_us[PARTS];
    uint64_t energy_uwh = 0;
    fill();
    if (bench_init(&bench, &energy_uwh) != 0) {
        return 1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int part = 0; part < PARTS; part++) {
            part_s[part][round] = round_s(k_work[part], &bench);
        }
    }
    for (int part = 0; part < PARTS; part++) {
        part_us[part] = median_us(part_s[part]);
    }
    const double fftw_us = fmin(part_us[FFTW], part_us[FFTWF]);
    const double floor_us = fftw_us + part_us[PLAIN];
    const double ratio = part_us[SPECTRUM] / floor_us;
    const double whole = part_us[WHOLE] / floor_us;
    const double speed = 200e3 / part_us[WHOLE];
    const double metering_speed = 200e3 / part_us[CHAIN];
    figure("quality_floor_fftw_8ch_window", fftw_us, "us", "", true);
    figure("quality_floor_plain_8ch_window", part_us[PLAIN], "us", "", true);
    figure("quality_metering_8ch_window", part_us[CHAIN], "us", "", true);
    figure("quality_spectrum_8ch_window", part_us[SPECTRUM], "us", "", true);
    figure("quality_spectrum_per_floor", ratio, "x", "<= 1.5", ratio <= 1.5);
    figure("quality_metering_speed", metering_speed, "x real time", ">= 5000",
           metering_speed >= 5000);
    figure("quality_class_a_chain_8ch_window", part_us[WHOLE], "us", "", true);
    figure("quality_class_a_chain_per_floor", whole, "x", "<= 3.5", whole <= 3.5);
    figure("quality_class_a_chain_speed", speed, "x real time", ">= 500", speed >= 500);
    wk_analysis_close(&bench.analysis);
    floor_free(&bench.floor);
    const bool ran = bench.err == WK_OK && energy_uwh > 0 && bench.analyser.sum > 0 &&
                     bench.analyser.windows >= ROUNDS * WINDOWS - 2;
    return ran ? 0 : 1;
}
