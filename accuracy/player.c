/* SPDX-License-Identifier: Apache-2.0 */
#include "accuracy/player.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_US INT64_C(1700000400000000) /* a full ten minutes of UTC */
#define TICK_S  400.0
#define SETTLE  8

bool wk_player_open(struct wk_player *player)
{
    player->window = malloc(WK_PLAYER_WINDOWS * sizeof *player->window);
    player->event = malloc(WK_PLAYER_EVENTS * sizeof *player->event);
    player->other = malloc(WK_PLAYER_OTHERS * sizeof *player->other);
    return player->window != NULL && player->event != NULL && player->other != NULL;
}

void wk_player_close(struct wk_player *player)
{
    free(player->window);
    free(player->event);
    free(player->other);
}

void wk_player_reset(struct wk_player *player, const struct wk_wave *wave, double i_max_a)
{
    player->wave = wave;
    player->converter = wk_converter_of(WK_CONVERTER_IDEAL, 8000, i_max_a);
    player->believed = NULL;
    player->config = wk_chain_usual();
    player->config.epoch = 1;
    player->analyse = false;
    player->every_block = false;
    player->keep_spectra = false;
    player->signal_mhz = 0;
    player->lamp = WK_FLICKER_LAMP_230_V;
    player->tick_s = TICK_S;
    player->settle = SETTLE;
    player->disturb = NULL;
    player->disturber = NULL;
}

/* ---- what comes out ---------------------------------------------------------------------- */

static void keep(struct wk_player *player, struct wk_record *list, size_t *count, size_t room,
                 const struct wk_record *record)
{
    if (*count < room) {
        list[(*count)++] = *record;
    } else {
        player->overrun = true;
    }
}

static wk_err take(void *self, const struct wk_record *record)
{
    struct wk_player *player = self;
    switch (record->kind) {
    case WK_RECORD_WINDOW:
        keep(player, player->window, &player->windows, WK_PLAYER_WINDOWS, record);
        break;
    case WK_RECORD_EVENT:
        keep(player, player->event, &player->events, WK_PLAYER_EVENTS, record);
        break;
    case WK_RECORD_SPECTRUM:
        if (player->keep_spectra) {
            keep(player, player->other, &player->others, WK_PLAYER_OTHERS, record);
        }
        break;
    default:
        keep(player, player->other, &player->others, WK_PLAYER_OTHERS, record);
        break;
    }
    return WK_OK;
}

/* ---- the way through --------------------------------------------------------------------- */

static wk_err feed(struct wk_player *player)
{
    int32_t counts[WK_PLAYER_BLOCK * WK_WAVE_CHANNELS];
    double value[WK_WAVE_CHANNELS];
    double slope[WK_WAVE_CHANNELS];
    const double rate_hz = player->converter.rate_hz * (1 + player->converter.clock_ppm * 1e-6);
    const size_t frames = (size_t)(player->wave->seconds * player->converter.rate_hz);
    wk_wave_walk_init(&player->walk, &player->seen, rate_hz);
    for (size_t done = 0; done < frames;) {
        const size_t now = frames - done < WK_PLAYER_BLOCK ? frames - done : WK_PLAYER_BLOCK;
        for (size_t n = 0; n < now; n++) {
            wk_wave_next(&player->walk, value, slope);
            wk_converter_frame(&player->converter, value, slope, counts + n * WK_WAVE_CHANNELS);
        }
        if (player->disturb != NULL) {
            player->disturb(player->disturber, counts, now, done);
        }
        WK_TRY(wk_chain_feed(&player->chain, counts, now));
        done += now;
    }
    return wk_chain_flush(&player->chain);
}

wk_err wk_player_run(struct wk_player *player)
{
    struct wk_sample_fault fault;
    struct wk_hal_frontend_info info =
        player->believed != NULL ? *player->believed
                                 : wk_converter_info(&player->converter, player->wave);
    struct wk_chain_config config = player->config;
    const int64_t start_us = TICK_US - (int64_t)(player->tick_s * 1e6);
    info.start_us = start_us;
    player->windows = 0;
    player->events = 0;
    player->others = 0;
    player->overrun = false;
    wk_converter_distort(&player->converter, player->wave, &player->seen);
    config.sink = (struct wk_chain_sink){.self = player, .emit = take};
    if (player->analyse) {
        struct wk_analysis_config usual = wk_analysis_usual();
        usual.analyser.emit_blocks = player->every_block;
        usual.analyser.signal_mhz = player->signal_mhz;
        usual.analyser.lamp = player->lamp;
        WK_TRY(wk_analysis_open(&player->analysis, &player->chain, &info, &usual, &fault));
        config.observer = wk_analyser_observer(&player->analysis.analyser);
    }
    wk_err err = wk_chain_init(&player->chain, &info, &config, &fault);
    if (err == WK_OK) {
        err = feed(player);
    }
    if (player->analyse) {
        wk_analysis_close(&player->analysis);
    }
    for (size_t n = 0; n < player->windows; n++) {
        player->window[n].t_us -= start_us;
    }
    for (size_t n = 0; n < player->events; n++) {
        player->event[n].t_us -= start_us;
        player->event[n].event.begin_us -= start_us;
    }
    return err;
}

struct wk_player_energy wk_player_energy_of(const struct wk_player *player)
{
    struct wk_player_energy sum = {.from_s = -1};
    /* the last one was cut by the end */
    for (size_t n = (size_t)player->settle; n + 1 < player->windows; n++) {
        const struct wk_record *record = &player->window[n];
        const struct wk_record_window *window = &record->window;
        if (sum.from_s < 0) {
            sum.from_s = (double)(record->t_us - record->span_us) / 1e6;
        }
        sum.to_s = (double)record->t_us / 1e6;
        sum.import_wh += (double)(window->total.import_uwh - window->total.export_uwh) / 1e6;
        sum.import1_wh += (double)(window->total.import1_uwh - window->total.export1_uwh) / 1e6;
        sum.withheld_wh +=
            (double)(window->withheld.import_uwh - window->withheld.export_uwh) / 1e6;
        sum.pulses += window->pulses;
        sum.flags |= record->flags;
        for (int quadrant = 0; quadrant < 4; quadrant++) {
            sum.q_varh[quadrant] += (double)window->total.q_uvarh[quadrant] / 1e6;
        }
        for (int phase = 0; phase < 3; phase++) {
            const struct wk_record_energy *energy = &window->energy[phase];
            sum.phase_wh[phase] += (double)(energy->import_uwh - energy->export_uwh) / 1e6;
        }
    }
    return sum;
}
