/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_S     INT64_C(1000000)
#define WAIT_NS      2000000L /* while the ring is full */
#define BLOCKS_PER_S 200      /* in real time: less than half a cycle each */
#define LATE_US      (5 * US_PER_S)

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static void wait_ns(long ns)
{
    const struct timespec pause = {ns / 1000000000L, ns % 1000000000L};
    nanosleep(&pause, NULL);
}

/* Metrology's time after so many frames, exact for any number of them. */
static int64_t time_after_us(const struct wk_feed *feed, uint64_t frames)
{
    const int64_t rate_uhz = feed->info.rate_uhz;
    const struct wk_i128 scaled = wk_i128_mul((int64_t)frames, US_PER_S * US_PER_S);
    int64_t rest;
    return feed->info.start_us + (int64_t)wk_i128_div(scaled, rate_uhz, &rest).low;
}

static wk_err emit(void *self, const struct wk_record *record)
{
    struct wk_feed *feed = self;
    wk_err err;
    while ((err = wk_ring_put(feed->ring, record, feed->realtime)) == WK_E_FULL) {
        if (*feed->stop) {
            return WK_E_CLOSED;
        }
        wait_ns(WAIT_NS);
    }
    atomic_store_explicit(&feed->ring->shared->reached_us, record->t_us, memory_order_relaxed);
    if (feed->realtime && record->kind == WK_RECORD_WINDOW) {
        wk_pulses_add(feed->pulses, record->window.pulses, record->span_us);
    }
    return err;
}

/* Power quality listens to the chain. */
static wk_err open_analysis(struct wk_feed *feed, struct wk_chain_config *chain,
                            struct wk_sample_fault *fault)
{
    const struct wk_config_quality *quality = &feed->config->quality;
    char folder[WK_CONFIG_PATH + 16];
    if (!quality->analyse) {
        return WK_OK;
    }
    snprintf(folder, sizeof folder, "%s/captures", feed->config->state);
    struct wk_analysis_config config = wk_analysis_usual();
    config.analyser.lamp = quality->lamp == 2 ? WK_FLICKER_LAMP_120_V : WK_FLICKER_LAMP_230_V;
    config.analyser.signal_mhz = quality->signal_mhz;
    config.analyser.change_ppm = quality->change_ppm;
    config.analyser.transient_ppm = quality->transient_ppm;
    config.before_cycles = (uint32_t)quality->before_cycles;
    config.after_cycles = (uint32_t)quality->after_cycles;
    config.files = (uint32_t)quality->captures;
    config.folder = quality->after_cycles != 0 ? folder : NULL;
    WK_TRY(wk_analysis_open(&feed->analysis, &feed->chain, &feed->info, &config, fault));
    if (!quality->only_live || feed->config->pace == WK_CONFIG_REALTIME) {
        chain->observer = wk_analyser_observer(&feed->analysis.analyser);
    }
    return WK_OK;
}

void wk_feed_close(struct wk_feed *feed)
{
    wk_analysis_close(&feed->analysis);
    (void)wk_pulses_close(feed->pulses); /* the registers have what is not shown any more */
    feed->pulses = NULL;
}

wk_err wk_feed_init(struct wk_feed *feed, const struct wk_config *config, struct wk_ring *ring,
                    const struct wk_hal_frontend *frontend, const volatile sig_atomic_t *stop)
{
    memset(feed, 0, sizeof *feed);
    feed->config = config;
    feed->ring = ring;
    feed->frontend = frontend;
    feed->stop = stop;
    feed->info = *frontend->info;
    const int64_t now_us = clock_us(CLOCK_REALTIME);
    feed->info.start_us = config->start_us != 0 ? config->start_us : now_us;
    feed->info.nominal_mv =
        config->nominal_mv != 0 ? config->nominal_mv : feed->info.nominal_mv;
    feed->info.nominal_uhz =
        config->nominal_uhz != 0 ? config->nominal_uhz : feed->info.nominal_uhz;

    struct wk_chain_config chain = wk_chain_usual();
    struct wk_sample_fault fault = {.channel = -1};
    chain.epoch = wk_ring_take_epoch(ring, (uint64_t)now_us);
    chain.summation = config->arithmetic ? WK_ENERGY_ARITHMETIC : WK_ENERGY_VECTORIAL;
    chain.dc = config->dc_keep ? WK_QUANTITY_DC_KEEP : WK_QUANTITY_DC_BLOCK;
    chain.sink = (struct wk_chain_sink){.self = feed, .emit = emit};
    chain.start_ua = config->start_ua;
    chain.guard =
        (struct wk_guard_config){.u_max_mv = config->u_max_mv, .i_max_ua = config->i_max_ua};
    chain.pulse_constant = (uint32_t)config->pulses_per_kwh;
    wk_err err = open_analysis(feed, &chain, &fault);
    err = err == WK_OK ? wk_chain_init(&feed->chain, &feed->info, &chain, &fault) : err;
    if (err != WK_OK) {
        snprintf(feed->why, sizeof feed->why, "%s: channel %d: %s", config->file,
                 fault.channel + 1, wk_refusal_text(fault.reason));
        return err;
    }
    if (config->pulse_led[0] != '\0') {
        WK_TRY(wk_pulses_open(&feed->pulses, config->pulse_led, feed->why));
    }
    const bool fast = config->pace != WK_CONFIG_REALTIME;
    feed->realtime = !fast;
    feed->lead_us = feed->info.start_us - clock_us(CLOCK_MONOTONIC);
    atomic_store(&ring->shared->finished, 0);
    atomic_store(&ring->shared->reached_us, feed->info.start_us);
    atomic_store(&ring->shared->target_us, config->stop_us != 0                ? config->stop_us
                                           : config->pace == WK_CONFIG_CATCHUP ? now_us
                                                                               : 0);
    return WK_OK;
}

/* Sleeps until the next `frames` could have been sampled; turns to real time once it has caught
 * up. */
static wk_err keep_pace(struct wk_feed *feed, size_t frames)
{
    if (feed->config->frontend == WK_CONFIG_IIO) {
        return WK_OK; /* samples come when they come; waiting here would lose some */
    }
    const int64_t reached_us = time_after_us(feed, feed->frames + frames);
    if (!feed->realtime) {
        const int64_t now_us = clock_us(CLOCK_REALTIME);
        if (feed->config->pace == WK_CONFIG_CATCHUP && reached_us >= now_us) {
            feed->realtime = true;
            feed->lead_us = reached_us - clock_us(CLOCK_MONOTONIC);
            return feed->config->quality.analyse && feed->config->quality.only_live
                       ? wk_analyser_join(&feed->analysis.analyser)
                       : WK_OK;
        }
        return WK_OK;
    }
    const int64_t ahead_us = reached_us - feed->lead_us - clock_us(CLOCK_MONOTONIC);
    if (ahead_us > 0) {
        wait_ns((long)(ahead_us < US_PER_S ? ahead_us : US_PER_S) * 1000L);
    } else if (ahead_us < -LATE_US) {
        feed->lead_us -= LATE_US; /* the machine slept: go on from here, do not race */
    }
    return WK_OK;
}

static size_t block_frames(const struct wk_feed *feed)
{
    size_t frames = WK_FEED_BLOCK;
    if (feed->realtime) {
        const size_t paced = (size_t)(feed->info.rate_uhz / US_PER_S / BLOCKS_PER_S);
        frames = paced < frames ? paced : frames;
    }
    if (feed->config->stop_us != 0) {
        const struct wk_i128 all =
            wk_i128_mul(feed->config->stop_us - feed->info.start_us, feed->info.rate_uhz);
        int64_t rest;
        const uint64_t last = wk_i128_div(all, US_PER_S * US_PER_S, &rest).low;
        const uint64_t left = last > feed->frames ? last - feed->frames : 0;
        frames = left < frames ? (size_t)left : frames;
    }
    return frames;
}

/* An open contactor stops every current: the counts become those of zero amperes. */
static void cut_currents(struct wk_feed *feed, size_t frames)
{
    for (uint8_t channel = 0; channel < feed->info.channels; channel++) {
        if (feed->info.channel[channel].quantity != WK_HAL_CURRENT) {
            continue;
        }
        for (size_t frame = 0; frame < frames; frame++) {
            feed->counts[frame * feed->info.channels + channel] =
                feed->info.channel[channel].offset;
        }
    }
}

/* Shown, never billed: who is late misses some. */
static void show_cycle(struct wk_feed *feed)
{
    struct wk_instant_values values;
    if (feed->cycles != NULL && feed->realtime &&
        wk_instant_look(&feed->instant, &feed->chain, &values)) {
        wk_instant_ring_put(feed->cycles, &values);
    }
}

static wk_err feed_block(struct wk_feed *feed, size_t wanted, size_t *got)
{
    struct wk_hal_trouble trouble;
    WK_TRY(feed->frontend->read(feed->frontend->self, feed->counts, wanted, got));
    while (feed->frontend->trouble != NULL &&
           feed->frontend->trouble(feed->frontend->self, &trouble)) {
        WK_TRY(wk_chain_trouble(&feed->chain, &trouble, &feed->info));
        feed->frames += trouble.frames;
        if (trouble.kind == WK_HAL_FEED_RATE) {
            /* time is counted in frames: it begins anew where the rate changes */
            feed->info.start_us = time_after_us(feed, feed->frames);
            feed->info.rate_uhz = trouble.rate_uhz;
            feed->frames = 0;
        }
    }
    if (atomic_load_explicit(&feed->ring->shared->contact_open, memory_order_relaxed) != 0) {
        cut_currents(feed, *got);
    }
    feed->frames += *got;
    WK_TRY(wk_chain_feed(&feed->chain, feed->counts, *got));
    show_cycle(feed);
    return WK_OK;
}

wk_err wk_feed_run(struct wk_feed *feed)
{
    while (!*feed->stop) {
        size_t got = 0;
        const size_t wanted = block_frames(feed);
        WK_TRY(keep_pace(feed, wanted));
        if (wanted > 0) {
            const wk_err err = feed_block(feed, wanted, &got);
            if (err == WK_E_CLOSED) {
                return WK_OK;
            }
            if (err != WK_OK) {
                snprintf(feed->why, sizeof feed->why, "%s: after %" PRIu64 " frames: %s",
                         feed->config->file, feed->frames, wk_err_text(err));
                return err;
            }
        }
        if (got == 0) {
            break;
        }
    }
    wk_err err = wk_chain_flush(&feed->chain);
    if (err == WK_OK && feed->config->quality.analyse) {
        err = wk_analyser_flush(&feed->analysis.analyser);
    }
    atomic_store(&feed->ring->shared->finished, *feed->stop ? 0 : 1);
    return err == WK_E_CLOSED ? WK_OK : err;
}
