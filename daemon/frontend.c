/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/calibration.h"
#include "port/linux/iio.h"
#include "port/linux/recording.h"
#include "port/virtual/grid.h"

#define US_PER_S       INT64_C(1000000)
#define HOUSEHOLD_SEED 1

/* What a front end keeps alive while it is open; one of the kinds is in use. */
struct inside {
    struct wk_recording recording;
    struct wk_recording_source source;
    struct wk_grid_replay replay;
    struct wk_grid_minutes minutes;
    struct wk_grid_household household;
    struct wk_iio iio;
};

static void close_inside(void *self)
{
    struct inside *inside = self;
    wk_grid_replay_free(&inside->replay);
    wk_grid_minutes_free(&inside->minutes);
    wk_iio_close(&inside->iio);
    wk_recording_free(&inside->recording);
    free(inside);
}

static int64_t start_us(const struct wk_config *config)
{
    return config->start_us != 0 ? config->start_us : (int64_t)time(NULL) * US_PER_S;
}

static wk_err choose(const struct wk_config *config, const struct wk_recording *recording,
                     struct wk_recording_choice *choice, struct wk_recording_fault *fault)
{
    *choice = wk_recording_choose(recording);
    if (config->u_channels[0] != '\0') {
        WK_TRY(
            wk_recording_pick(recording, config->u_channels, WK_HAL_VOLTAGE, choice->u, fault));
    }
    if (config->i_channels[0] != '\0') {
        WK_TRY(
            wk_recording_pick(recording, config->i_channels, WK_HAL_CURRENT, choice->i, fault));
    }
    return WK_OK;
}

static wk_err open_recording(struct inside *inside, const struct wk_config *config,
                             struct wk_hal_frontend *port, struct wk_recording_fault *fault)
{
    struct wk_recording_choice choice;
    WK_TRY(wk_recording_open(&inside->recording, config->file, fault));
    WK_TRY(choose(config, &inside->recording, &choice, fault));
    if (config->frontend == WK_CONFIG_REPLAY) {
        WK_TRY(wk_grid_replay_init(&inside->replay, &inside->recording, &choice,
                                   start_us(config), fault));
        *port = inside->replay.frontend;
        return WK_OK;
    }
    WK_TRY(wk_recording_source_init(&inside->source, &inside->recording, &choice));
    *port = inside->source.frontend;
    return WK_OK;
}

/* The measured days begin at midnight: the household lives by the meter's civil time. */
static wk_err open_household(struct inside *inside, const struct wk_config *config,
                             struct wk_hal_frontend *port, struct wk_recording_fault *fault)
{
    struct wk_civil civil = {0};
    const int64_t begin_us = start_us(config);
    WK_TRY(wk_grid_minutes_read(&inside->minutes, config->file, fault));
    WK_TRY(wk_civil_from_utc(&config->zone, (struct wk_utc){begin_us / US_PER_S}, &civil));
    wk_grid_household_init(&inside->household, &inside->minutes,
                           (size_t)civil.hour * 60 + civil.minute, begin_us, HOUSEHOLD_SEED);
    *port = inside->household.frontend;
    return WK_OK;
}

static wk_err open_iio(struct inside *inside, const struct wk_config *config,
                       struct wk_hal_frontend *port, struct wk_recording_fault *fault)
{
    const struct wk_iio_config iio = {.uri = config->file,
                                      .device = config->device,
                                      .u = config->u_channels,
                                      .i = config->i_channels,
                                      .rate_uhz = config->rate_uhz,
                                      .range = config->range};
    const wk_err err = wk_iio_open(&inside->iio, &iio);
    if (err != WK_OK) {
        snprintf(fault->text, sizeof fault->text, "%.319s", inside->iio.why);
        return err;
    }
    *port = inside->iio.frontend;
    return WK_OK;
}

const char *wk_frontend_fault(const struct wk_frontend *frontend)
{
    const struct inside *inside = frontend->inside;
    return inside->iio.why;
}

/* Corrects what the front end says of itself, by a sealed file. */
static wk_err calibrate(struct wk_frontend *frontend, const char *path)
{
    struct wk_calibration calibration;
    wk_err err = wk_calibration_read(&calibration, path);
    if (err == WK_OK) {
        frontend->info = *frontend->port.info;
        err = wk_calibration_apply(&calibration, false, &frontend->info);
    }
    if (err != WK_OK) {
        snprintf(frontend->why, sizeof frontend->why, "calibration: %s", calibration.why);
    } else {
        frontend->port.info = &frontend->info;
    }
    wk_calibration_free(&calibration);
    return err;
}

wk_err wk_frontend_open(struct wk_frontend *frontend, const struct wk_config *config)
{
    struct wk_recording_fault fault = {.text = ""};
    memset(frontend, 0, sizeof *frontend);
    struct inside *inside = calloc(1, sizeof *inside);
    if (inside == NULL) {
        snprintf(frontend->why, sizeof frontend->why, "no memory");
        return WK_E_IO;
    }
    frontend->inside = inside;
    frontend->close = close_inside;
    const wk_err err = config->frontend == WK_CONFIG_HOUSEHOLD
                           ? open_household(inside, config, &frontend->port, &fault)
                       : config->frontend == WK_CONFIG_IIO
                           ? open_iio(inside, config, &frontend->port, &fault)
                           : open_recording(inside, config, &frontend->port, &fault);
    if (err != WK_OK) {
        snprintf(frontend->why, sizeof frontend->why, "%s",
                 fault.text[0] != '\0' ? fault.text : wk_err_text(err));
        wk_frontend_close(frontend);
        return err;
    }
    if (config->calibration[0] != '\0' && calibrate(frontend, config->calibration) != WK_OK) {
        wk_frontend_close(frontend);
        return WK_E_FORMAT;
    }
    return WK_OK;
}

void wk_frontend_close(struct wk_frontend *frontend)
{
    if (frontend->close != NULL) {
        frontend->close(frontend->inside);
    }
    frontend->close = NULL;
}
