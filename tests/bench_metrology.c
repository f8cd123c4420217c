/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of the metering chain, its cost beside a plain loop measured in the same run, and the
 * speed of the feeds of the virtual grid.
 * Prints one JSON object per figure. Rounds are interleaved and short, and the
 * medians are compared, because the machine may be busy with other things. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "metrology/chain.h"
#include "port/virtual/grid.h"

#define RATE_HZ  8000
#define CHANNELS 8
#define FRAMES   8000 /* one second: a whole number of cycles, fed again and again */
#define ROUNDS   400
#define REPEATS  2
#define QUARTER  40 /* frames of a quarter period at 50 Hz */
#define TURN     6.283185307179586476925

static int32_t counts[FRAMES * CHANNELS];

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill(void)
{
    for (int n = 0; n < FRAMES; n++) {
        for (int c = 0; c < CHANNELS; c++) {
            const double turns = 50.0 * n / RATE_HZ - (c % 4) / 3.0 - (c < 4 ? 0 : 0.08);
            const double peak = c % 4 == 3 ? 2e4 : 4e6;
            counts[n * CHANNELS + c] = (int32_t)lrint(peak * cos(TURN * turns));
        }
    }
}

static struct wk_hal_frontend_info frontend(void)
{
    struct wk_hal_frontend_info info = {
        .channels = CHANNELS,
        .rate_uhz = RATE_HZ * INT64_C(1000000),
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

static wk_err count_record(void *self, const struct wk_record *record)
{
    uint64_t *energy = self;
    if (record->kind == WK_RECORD_WINDOW) {
        *energy += (uint64_t)record->window.total.import_uwh;
    }
    return WK_OK;
}

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

/* Seconds for `frames` frames of a feed, the best of some rounds. */
static double feed_s(const struct wk_hal_frontend *frontend, size_t frames)
{
    double best_s = 1e9;
    for (int round = 0; round < 20; round++) {
        const double begin_s = now_s();
        for (size_t n = 0; n < frames;) {
            size_t got;
            if (frontend->read(frontend->self, counts, FRAMES, &got) != WK_OK) {
                return 1e9;
            }
            n += got;
        }
        best_s = fmin(best_s, now_s() - begin_s);
    }
    return best_s;
}

static int bench_feeds(void)
{
    static struct wk_grid_replay replay;
    static struct wk_grid_household household;
    const size_t frames = (size_t)FRAMES * 100;
    struct wk_recording recording;
    struct wk_grid_minutes minutes;
    struct wk_recording_fault fault;
    if (wk_recording_open(&recording, WK_SOURCE_DIR "/data/keating/keating_1999.CFG", &fault) !=
            WK_OK ||
        wk_grid_minutes_read(&minutes, WK_SOURCE_DIR "/data/uci/household_1min_2days.txt",
                             &fault) != WK_OK) {
        fprintf(stderr, "bench_metrology: %s\n", fault.text);
        return 1;
    }
    const struct wk_recording_choice choice = wk_recording_choose(&recording);
    if (wk_grid_replay_init(&replay, &recording, &choice, 0, &fault) != WK_OK) {
        fprintf(stderr, "bench_metrology: %s\n", fault.text);
        return 1;
    }
    wk_grid_household_init(&household, &minutes, 0, 0, 1);
    const double rate = (double)frames / feed_s(&replay.frontend, frames) / 1e6;
    const double cost_ns = feed_s(&household.frontend, frames) / (double)frames * 1e9;
    figure("grid_replay_speed_8ch", rate, "million frames/s", ">= 20", rate >= 20);
    figure("grid_household_frame", cost_ns, "ns", "<= 15", cost_ns <= 15);
    wk_grid_replay_free(&replay);
    wk_grid_minutes_free(&minutes);
    wk_recording_free(&recording);
    return 0;
}

int main(void)
{
    static struct wk_chain chain;
    static struct plain plain;
    static double chain_s[ROUNDS];
    static double plain_s[ROUNDS];
    static volatile int64_t keep;
    uint64_t energy_uwh = 0;
    const struct wk_hal_frontend_info info = frontend();
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    config.sink = (struct wk_chain_sink){.self = &energy_uwh, .emit = count_record};
    fill();
    if (wk_chain_init(&chain, &info, &config, &fault) != WK_OK) {
        fprintf(stderr, "bench_metrology: %s\n", wk_refusal_text(fault.reason));
        return 1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        const double begin_s = now_s();
        for (int k = 0; k < REPEATS; k++) {
            if (wk_chain_feed(&chain, counts, FRAMES) != WK_OK) {
                return 1;
            }
        }
        const double middle_s = now_s();
        for (int k = 0; k < REPEATS; k++) {
            plain = (struct plain){.at = plain.at}; /* the plain sums would overflow */
            plain_feed(&plain, counts, FRAMES);
            keep = keep + (plain.p[0] >> 40) + (plain.q[1] >> 40) + (plain.u2[3] >> 40);
        }
        chain_s[round] = middle_s - begin_s;
        plain_s[round] = now_s() - middle_s;
    }
    qsort(chain_s, ROUNDS, sizeof chain_s[0], compare_doubles);
    qsort(plain_s, ROUNDS, sizeof plain_s[0], compare_doubles);
    const double speed = REPEATS / chain_s[ROUNDS / 2];
    const double ratio = chain_s[ROUNDS / 2] / plain_s[ROUNDS / 2];
    figure("metrology_chain_speed_8ch_8khz", speed, "x real time", ">= 2000", speed >= 2000);
    figure("metrology_chain_cost_per_plain_loop", ratio, "x", "<= 4", ratio <= 4);
    figure("metrology_chain_frame", chain_s[ROUNDS / 2] / (REPEATS * FRAMES) * 1e9, "ns", "",
           true);
    figure("metrology_plain_frame", plain_s[ROUNDS / 2] / (REPEATS * FRAMES) * 1e9, "ns", "",
           true);
    return energy_uwh > 0 ? bench_feeds() : 1;
}
