/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/feed - the work of wk-metrologyd: front end -> metrology -> ring.
 *
 * Nothing but the front end and metrology runs here, so nothing else can cost a sample. The
 * pace is configured: in real time, as fast as possible, or fast until now and then in real
 * time. While it runs faster than time it waits for the consumer when the ring is full; in real
 * time it does not. */
#ifndef WK_DAEMON_FEED_H
#define WK_DAEMON_FEED_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/analysis.h"
#include "daemon/config.h"
#include "daemon/pulses.h"
#include "metrology/chain.h"
#include "metrology/instant.h"
#include "port/hal.h"
#include "port/linux/instant_ring.h"
#include "port/linux/ring.h"

#define WK_FEED_BLOCK 4096 /* frames read at a time */
#define WK_FEED_WHY   1024

struct wk_feed {
    const struct wk_config *config;
    struct wk_ring *ring;
    const struct wk_hal_frontend *frontend;
    struct wk_hal_frontend_info info; /* with the configured start */
    const volatile sig_atomic_t *stop;
    struct wk_chain chain;
    struct wk_analysis analysis;    /* if config->quality.analyse */
    struct wk_pulses *pulses;       /* NULL: none are shown */
    struct wk_instant instant;      /* values of cycles are shown ... */
    struct wk_instant_ring *cycles; /* ... here, in real time; NULL: nowhere */
    uint64_t frames;                /* read so far */
    bool realtime;                  /* the pace now */
    int64_t lead_us;                /* metrology's time minus the steady clock, in real time */
    int32_t counts[WK_FEED_BLOCK * WK_HAL_CHANNELS];
    char why[WK_FEED_WHY];
};

/** Checks the front end and starts metrology. On error feed->why. */
WK_MUST_USE wk_err wk_feed_init(struct wk_feed *feed, const struct wk_config *config,
                                struct wk_ring *ring, const struct wk_hal_frontend *frontend,
                                const volatile sig_atomic_t *stop);

/** Frees what wk_feed_init took. */
void wk_feed_close(struct wk_feed *feed);

/** Runs until the feed ends, the configured stop, or *stop. WK_OK in all three; else the error
 *  of the front end or of metrology, and feed->why. */
WK_MUST_USE wk_err wk_feed_run(struct wk_feed *feed);

#endif
