/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_windows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "port/linux/recording.h"

#define BLOCK_FRAMES 1024

static bool fail(struct wk_windows *windows, const char *why)
{
    if (why != windows->why) {
        snprintf(windows->why, sizeof windows->why, "%s: %s", windows->path, why);
    }
    return false;
}

static bool feed(struct wk_windows *windows, struct wk_hal_frontend *frontend)
{
    static struct wk_chain chain;
    struct wk_chain_config config = wk_chain_usual();
    struct wk_sample_fault fault;
    int32_t counts[BLOCK_FRAMES * WK_HAL_CHANNELS];
    size_t got = 0;
    config.sink = windows->sink;
    if (wk_chain_init(&chain, &windows->info, &config, &fault) != WK_OK) {
        return fail(windows, wk_refusal_text(fault.reason));
    }
    wk_err err;
    do {
        err = frontend->read(frontend->self, counts, BLOCK_FRAMES, &got);
        err = err == WK_OK ? wk_chain_feed(&chain, counts, got) : err;
        for (size_t n = 0; err == WK_OK && n < got * windows->info.channels; n++) {
            windows->sum[n % windows->info.channels] += counts[n];
        }
        windows->frames += got;
    } while (err == WK_OK && got > 0);
    return err == WK_OK ? true : fail(windows, wk_err_text(err));
}

static bool choose(struct wk_windows *windows, const struct wk_recording *recording,
                   struct wk_recording_choice *choice)
{
    struct wk_recording_fault fault;
    *choice = wk_recording_choose(recording);
    if (windows->u != NULL &&
        wk_recording_pick(recording, windows->u, WK_HAL_VOLTAGE, choice->u, &fault) != WK_OK) {
        return fail(windows, fault.text);
    }
    if (windows->i != NULL &&
        wk_recording_pick(recording, windows->i, WK_HAL_CURRENT, choice->i, &fault) != WK_OK) {
        return fail(windows, fault.text);
    }
    return true;
}

static bool run(struct wk_windows *windows, const struct wk_recording *recording)
{
    struct wk_recording_choice choice;
    struct wk_recording_source source;
    if (!choose(windows, recording, &choice)) {
        return false;
    }
    if (wk_recording_source_init(&source, recording, &choice) != WK_OK) {
        return fail(windows, "no channel is in V or A");
    }
    windows->info = source.info;
    windows->info.nominal_mv = (int32_t)lrint(windows->nominal_v * 1e3);
    if (windows->fnom_hz > 0) {
        windows->info.nominal_uhz = (int32_t)lrint(windows->fnom_hz * 1e6);
    }
    if (windows->calibration != NULL &&
        wk_calibration_apply(windows->calibration, true, &windows->info) != WK_OK) {
        return fail(windows, windows->calibration->why);
    }
    return feed(windows, &source.frontend);
}

bool wk_windows_run(struct wk_windows *windows)
{
    struct wk_recording recording;
    struct wk_recording_fault fault;
    memset(windows->sum, 0, sizeof windows->sum);
    windows->frames = 0;
    if (wk_recording_open(&recording, windows->path, &fault) != WK_OK) {
        snprintf(windows->why, sizeof windows->why, "%s", fault.text);
        return false;
    }
    const bool done = run(windows, &recording);
    wk_recording_free(&recording);
    return done;
}
