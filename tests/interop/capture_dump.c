/* SPDX-License-Identifier: Apache-2.0
 *
 * A capture of a dip, written as a single COMTRADE file, for another reader.
 *
 * usage: capture_dump FILE.cff */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrology/capture.h"
#include "port/linux/comtrade_write.h"

#define CHANNELS 6
#define RATE_HZ  8000
#define CYCLE    160
#define BEFORE   (10 * CYCLE)
#define AFTER    (50 * CYCLE)
#define ROOM     (70 * CYCLE)
#define START_US INT64_C(1700000000000000)
#define TURN     6.283185307179586476925

static int32_t memory[ROOM * CHANNELS];
static int32_t copy[ROOM * CHANNELS];
static struct wk_hal_frontend_info info = {.channels = CHANNELS,
                                           .rate_uhz = RATE_HZ * INT64_C(1000000),
                                           .start_us = START_US,
                                           .nominal_uhz = 50000000};

static int64_t time_us(uint64_t frame)
{
    return START_US + (int64_t)(frame * 1000000 / RATE_HZ);
}

static wk_err take(void *self, const struct wk_capture *capture,
                   const struct wk_capture_done *done)
{
    struct wk_recording_fault fault = {""};
    WK_TRY(wk_capture_copy(capture, done->first, (size_t)done->frames, copy));
    const struct wk_comtrade_feed feed = {
        .info = &info,
        .counts = copy,
        .frames = (size_t)done->frames,
        .start_us = time_us(done->first),
        .trigger_us = time_us(done->trigger),
    };
    const wk_err err = wk_comtrade_write_feed(&feed, self, &fault);
    if (err != WK_OK) {
        fprintf(stderr, "capture_dump: %s\n", fault.text);
    }
    return err;
}

/* Voltages of 325.27 V, 0.5 times that from frame 4000 to 5600; currents of 10 A. */
static int32_t count_of(size_t frame, int channel)
{
    const double angle = TURN * ((double)frame / CYCLE - channel % 3 / 3.0);
    const double factor = channel < 3 && frame >= 4000 && frame < 5600 ? 0.5 : 1;
    return (int32_t)lrint((channel < 3 ? 325.27 / 6e-5 : 10 / 1e-5) * factor * cos(angle));
}

int main(int argc, char **argv)
{
    struct wk_capture capture;
    if (argc != 2) {
        fprintf(stderr, "usage: capture_dump FILE.cff\n");
        return 2;
    }
    for (int c = 0; c < CHANNELS; c++) {
        info.channel[c] = (struct wk_hal_channel){
            .quantity = c < 3 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT,
            .phase = (uint8_t)(c % 3),
            .gain = {.mantissa = c < 3 ? 600000000 : 1000000000, .exponent = c < 3 ? -13 : -14},
        };
    }
    const struct wk_capture_sink sink = {.self = argv[1], .take = take};
    wk_err err = wk_capture_init(&capture, CHANNELS, memory, ROOM * CHANNELS, BEFORE, AFTER);
    wk_capture_deliver_to(&capture, &sink);
    for (size_t frame = 0; err == WK_OK && frame < 2 * ROOM; frame++) {
        int32_t counts[CHANNELS];
        for (int c = 0; c < CHANNELS; c++) {
            counts[c] = count_of(frame, c);
        }
        if (frame == 4080) {
            wk_capture_trigger(&capture, 4000, 1);
        }
        err = wk_capture_feed(&capture, counts, 1);
    }
    return err == WK_OK ? 0 : 1;
}
