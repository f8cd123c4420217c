/* SPDX-License-Identifier: Apache-2.0
 *
 * spectrum_dump RATE_HZ NOMINAL_HZ < FRAMES - the spectra of a stream of frames, for a second
 * opinion in another language.
 *
 * A frame is U1, U2, U3, I1, I2, I3 as 32-bit integers of this machine; U in 100 uV, I in 10 uA
 * per count. Prints one JSON object per window: where it begins and ends, in samples, and the
 * groups of every channel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrology/chain.h"
#include "metrology/spectrum.h"

#define CHANNELS 6
#define BLOCK    500

static struct wk_chain chain;
static struct wk_spectrum spectrum;
static _Alignas(32) float work[WK_LANES_WORK(4)];
static float history[WK_RESAMPLE_FRAMES][WK_HAL_CHANNELS];

static void print_roots(const char *name, const float *squares, int count)
{
    printf("\"%s\":[", name);
    for (int h = 0; h < count; h++) {
        printf("%s%.7g", h == 0 ? "" : ",", sqrt((double)squares[h]));
    }
    printf("]");
}

static void print_result(const struct wk_spectrum_result *result)
{
    printf("{\"begin\":%.6f,\"end\":%.6f,\"cycles\":%d,\"orders\":%d,\"slots\":[",
           (double)result->begin_q16 / 65536, (double)result->end_q16 / 65536, result->cycles,
           result->orders);
    for (int c = 0; c < CHANNELS; c++) {
        const int slot = c < 3 ? WK_SAMPLE_U + c : WK_SAMPLE_I + c - 3;
        printf("%s{", c == 0 ? "" : ",");
        print_roots("subgroup", result->slot[slot].subgroup, WK_RECORD_ORDERS + 1);
        printf(",");
        print_roots("inter", result->slot[slot].inter, WK_RECORD_ORDERS + 1);
        printf(",\"thd\":%.7g}", (double)result->slot[slot].thd);
    }
    printf("],\"power_w\":[");
    for (int phase = 0; phase < 3; phase++) {
        printf("%s[", phase == 0 ? "" : ",");
        for (int h = 0; h <= WK_RECORD_ORDERS; h++) {
            printf("%s%.7g", h == 0 ? "" : ",", (double)result->power_w[phase][h]);
        }
        printf("]");
    }
    printf("]}\n");
}

static wk_err take_record(void *self, const struct wk_record *record)
{
    (void)self;
    (void)record;
    return WK_OK;
}

static wk_err take_frames(void *self, const int32_t *counts, size_t frames, uint64_t at)
{
    (void)self;
    size_t done = 0;
    while (done < frames) {
        bool ready;
        done += wk_spectrum_feed(&spectrum, counts + done * CHANNELS, frames - done, at + done,
                                 &ready);
        if (ready) {
            print_result(spectrum.result);
        }
    }
    return WK_OK;
}

static wk_err take_window(void *self, const struct wk_record *record,
                          const struct wk_chain_place *next)
{
    (void)self;
    (void)record;
    wk_spectrum_place(&spectrum, next);
    return WK_OK;
}

static wk_err take_restart(void *self, const struct wk_chain_place *next)
{
    (void)self;
    wk_spectrum_place(&spectrum, next);
    return WK_OK;
}

static wk_err start(int rate_hz, int nominal_hz)
{
    struct wk_sample_fault fault;
    struct wk_chain_config config = wk_chain_usual();
    const struct wk_spectrum_memory memory = {&wk_lanes_four, work, history,
                                              WK_RESAMPLE_FRAMES};
    const struct wk_spectrum_config none = {0};
    struct wk_hal_frontend_info info = {
        .channels = CHANNELS,
        .rate_uhz = rate_hz * INT64_C(1000000),
        .nominal_uhz = nominal_hz * 1000000,
        .nominal_mv = 230000,
    };
    for (int c = 0; c < CHANNELS; c++) {
        info.channel[c] = (struct wk_hal_channel){
            .quantity = c < 3 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 3),
            .gain = {.mantissa = 1000000000, .exponent = c < 3 ? -13 : -14},
        };
    }
    config.sink = (struct wk_chain_sink){.self = &chain, .emit = take_record};
    config.observer = (struct wk_chain_observer){.self = &chain,
                                                 .frames = take_frames,
                                                 .window = take_window,
                                                 .event = take_record,
                                                 .restart = take_restart};
    WK_TRY(wk_chain_init(&chain, &info, &config, &fault));
    return wk_spectrum_init(&spectrum, &chain.cycle.map, info.rate_uhz, &memory, &none);
}

int main(int argc, char **argv)
{
    static int32_t counts[BLOCK * CHANNELS];
    if (argc != 3 || start(atoi(argv[1]), atoi(argv[2])) != WK_OK) {
        fprintf(stderr, "usage: spectrum_dump RATE_HZ NOMINAL_HZ < FRAMES\n");
        return 2;
    }
    for (;;) {
        const size_t got = fread(counts, sizeof counts[0] * CHANNELS, BLOCK, stdin);
        if (got == 0) {
            return 0;
        }
        if (wk_chain_feed(&chain, counts, got) != WK_OK) {
            return 1;
        }
    }
}
