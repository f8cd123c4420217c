/* SPDX-License-Identifier: Apache-2.0
 *
 * accuracy/player - a signal through a converter into the meter's own chain and analyser, and
 * what came out. */
#ifndef WK_ACCURACY_PLAYER_H
#define WK_ACCURACY_PLAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "accuracy/converter.h"
#include "accuracy/wave.h"
#include "daemon/analysis.h"
#include "metrology/chain.h"

#define WK_PLAYER_WINDOWS 8192
#define WK_PLAYER_EVENTS  256
#define WK_PLAYER_OTHERS  4096 /* quality, spectrum, frequency */
#define WK_PLAYER_BLOCK   160

/* Disturbs frames before they are fed: `counts` of `frames` frames, the first is number `at`. */
typedef void (*wk_player_disturb)(void *self, int32_t *counts, size_t frames, uint64_t at);

struct wk_player {
    /* asked for */
    const struct wk_wave *wave;
    struct wk_converter converter;
    const struct wk_hal_frontend_info *believed; /* NULL: wk_converter_info */
    struct wk_chain_config config;
    bool analyse;     /* power quality, too */
    bool every_block; /* ... and its records of every block */
    bool keep_spectra;
    int32_t signal_mhz;
    wk_flicker_lamp lamp;
    double tick_s; /* a full ten minutes of UTC comes so long after the start */
    int settle;    /* windows that do not count */
    wk_player_disturb disturb;
    void *disturber;
    /* answered: what came out, newest last; allocated once */
    struct wk_record *window;
    struct wk_record *event;
    struct wk_record *other;
    size_t windows, events, others;
    bool overrun; /* there was more than could be kept */
    /* own */
    struct wk_chain chain;
    struct wk_analysis analysis;
    struct wk_wave seen;
    struct wk_wave_walk walk;
};

/* What the registers gained over windows that count. */
struct wk_player_energy {
    double from_s; /* by the meter's clock */
    double to_s;
    double import_wh; /* total of all phases, less export */
    double import1_wh;
    double q_varh[4];
    double withheld_wh;
    double phase_wh[3];
    unsigned long long pulses;
    unsigned flags;
};

/** False: no memory. */
bool wk_player_open(struct wk_player *player);
void wk_player_close(struct wk_player *player);

/** Forgets what was asked and answered; the usual configuration, an ideal converter. */
void wk_player_reset(struct wk_player *player, const struct wk_wave *wave, double i_max_a);

/** WK_E_*: what the meter says. */
WK_MUST_USE wk_err wk_player_run(struct wk_player *player);

struct wk_player_energy wk_player_energy_of(const struct wk_player *player);

#endif
