/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter's loop around metrology and power quality, and nothing else: its map tells what they
 * bring into flash (tools/report_size). It is linked, not run. */
#include "metrology/analyser.h"
#include "metrology/chain.h"

#define CHANNELS 8
#define RATE_HZ  8000
#define FRAMES   40

/* What a front end would fill. */
extern struct wk_hal_frontend_info frontend;
extern volatile int32_t frontend_counts[FRAMES * CHANNELS];
extern volatile bool frontend_runs;
struct wk_hal_frontend_info frontend;
volatile int32_t frontend_counts[FRAMES * CHANNELS];
volatile bool frontend_runs;

static struct {
    struct wk_chain chain;
    struct wk_analyser analyser;
    _Alignas(8) float work[WK_LANES_WORK(1)];
    float history[WK_RESAMPLE_FRAMES_8][WK_HAL_CHANNELS];
    int16_t transient[WK_TRANSIENT_ENTRIES(RATE_HZ)];
    struct wk_aggregate_lines ten_min;
} meter;

static wk_err take(void *self, const struct wk_record *record)
{
    *(volatile uint64_t *)self = record->seq;
    return WK_OK;
}

static wk_err set_up(uint64_t *newest)
{
    struct wk_chain_config config = wk_chain_usual();
    const struct wk_analyser_config quality = wk_analyser_usual();
    struct wk_sample_fault fault;
    const struct wk_analyser_memory memory = {
        .spectrum = {.lanes = &wk_lanes_one,
                     .work = meter.work,
                     .history = meter.history,
                     .frames = WK_RESAMPLE_FRAMES_8},
        .transient = meter.transient,
        .transients = WK_TRANSIENT_ENTRIES(RATE_HZ),
        .ten_min = &meter.ten_min,
    };
    config.sink = (struct wk_chain_sink){.self = newest, .emit = take};
    WK_TRY(
        wk_analyser_init(&meter.analyser, &meter.chain, &frontend, &quality, &memory, &fault));
    config.observer = wk_analyser_observer(&meter.analyser);
    return wk_chain_init(&meter.chain, &frontend, &config, &fault);
}

static wk_err run(void)
{
    int32_t counts[FRAMES * CHANNELS];
    while (frontend_runs) {
        const struct wk_hal_trouble trouble = {.kind = WK_HAL_FEED_LOST, .frames = 1};
        for (int i = 0; i < FRAMES * CHANNELS; i++) {
            counts[i] = frontend_counts[i];
        }
        WK_TRY(wk_chain_feed(&meter.chain, counts, FRAMES));
        WK_TRY(wk_chain_trouble(&meter.chain, &trouble, &frontend));
    }
    WK_TRY(wk_chain_flush(&meter.chain));
    return wk_analyser_flush(&meter.analyser);
}

int main(void)
{
    uint64_t newest = 0;
    const wk_err err = set_up(&newest);
    return err == WK_OK && run() == WK_OK ? 0 : 1;
}
