/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/iio.h"

#include <errno.h>
#include <iio.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "port/linux/iio_map.h"

#define US_PER_S       INT64_C(1000000)
#define BLOCKS_PER_S   50 /* of a buffer */
#define KERNEL_BUFFERS 8
#define TIMEOUT_MS     1000 /* without a sample the device counts as lost */
#define REOPEN_NS      500000000L

static int64_t steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* ---- open and close ---------------------------------------------------------------------- */

static void close_all(struct wk_iio *iio)
{
    if (iio->buffer != NULL) {
        iio_buffer_destroy(iio->buffer);
    }
    if (iio->context != NULL) {
        iio_context_destroy(iio->context);
    }
    iio->buffer = NULL;
    iio->device = NULL;
    iio->context = NULL;
    iio->filled = 0;
    iio->at = 0;
}

static wk_err open_buffer(struct wk_iio *iio)
{
    for (unsigned c = 0; c < iio_device_get_channels_count(iio->device); c++) {
        iio_channel_disable(iio_device_get_channel(iio->device, c));
    }
    for (uint8_t c = 0; c < iio->info.channels; c++) {
        iio_channel_enable(iio->channel[c]);
    }
    /* more room against overruns; a backend that cannot do it has its own number */
    const int kept = iio_device_set_kernel_buffers_count(iio->device, KERNEL_BUFFERS);
    const size_t frames = (size_t)(iio->info.rate_uhz / US_PER_S / BLOCKS_PER_S);
    iio->buffer = iio_device_create_buffer(iio->device, frames, false);
    if (iio->buffer == NULL) {
        const int reason = errno;
        return wk_iio_map_blame(iio, WK_E_IO,
                                "its buffer of %zu samples cannot be opened%s: %s; it may need "
                                "a trigger, rights, or be in use by another program",
                                frames, kept < 0 ? " with several blocks" : "",
                                strerror(reason));
    }
    return WK_OK;
}

static wk_err open_all(struct wk_iio *iio)
{
    const char *uri = iio->config.uri[0] != '\0' ? iio->config.uri : "local:";
    iio->context = wk_iio_map_context(uri);
    if (iio->context == NULL) {
        const int reason = errno;
        return wk_iio_map_blame(iio, WK_E_IO,
                                "the context cannot be opened: %s; it must be local:, "
                                "ip:HOST, usb:... or xml:FILE",
                                strerror(reason));
    }
    if (iio_context_set_timeout(iio->context, TIMEOUT_MS) < 0) {
        iio->why[0] = '\0'; /* the backend keeps its own */
    }
    WK_TRY(wk_iio_map_device(iio));
    WK_TRY(wk_iio_map_rate(iio));
    WK_TRY(wk_iio_map_channels(iio));
    return open_buffer(iio);
}

void wk_iio_close(struct wk_iio *iio)
{
    close_all(iio);
}

/* ---- troubles ---------------------------------------------------------------------------- */

static void tell(struct wk_iio *iio, struct wk_hal_trouble trouble)
{
    if (iio->troubles < WK_IIO_TROUBLES) {
        iio->trouble[iio->troubles++] = trouble;
    } else {
        iio->trouble[WK_IIO_TROUBLES - 1].frames += trouble.frames;
    }
}

static bool take_trouble(void *self, struct wk_hal_trouble *trouble)
{
    struct wk_iio *iio = self;
    if (iio->troubles == 0) {
        return false;
    }
    *trouble = iio->trouble[0];
    iio->troubles--;
    memmove(iio->trouble, iio->trouble + 1, iio->troubles * sizeof iio->trouble[0]);
    return true;
}

/* A rate that the device changed to by itself, or by another program. */
static void check_rate(struct wk_iio *iio, int64_t now_us)
{
    const uint64_t second = (uint64_t)(iio->info.rate_uhz / US_PER_S);
    if (iio->clock.frames - iio->checked < second) {
        return;
    }
    iio->checked = iio->clock.frames;
    const int64_t rate_uhz = wk_iio_map_rate_uhz(iio->device);
    if (rate_uhz == 0 || rate_uhz == iio->info.rate_uhz) {
        return;
    }
    iio->info.rate_uhz = rate_uhz;
    wk_iio_clock_start(&iio->clock, rate_uhz, now_us, iio->filled);
    iio->checked = iio->clock.frames;
    tell(iio, (struct wk_hal_trouble){.kind = WK_HAL_FEED_RATE, .rate_uhz = rate_uhz});
}

/* The first block of a device that is back. Its rate may be another one. */
static void resume(struct wk_iio *iio, int64_t now_us)
{
    tell(iio, (struct wk_hal_trouble){
                  .kind = WK_HAL_FEED_RESET,
                  .frames = wk_iio_clock_resume(&iio->clock, now_us, iio->filled)});
    iio->again = false;
    if (iio->info.rate_uhz != iio->clock.rate_uhz) {
        wk_iio_clock_start(&iio->clock, iio->info.rate_uhz, now_us, iio->filled);
        iio->checked = 0;
        tell(iio,
             (struct wk_hal_trouble){.kind = WK_HAL_FEED_RATE, .rate_uhz = iio->info.rate_uhz});
    }
}

static void account(struct wk_iio *iio, int64_t asked_us)
{
    const int64_t now_us = steady_us();
    const int64_t block_us = US_PER_S / BLOCKS_PER_S;
    if (!iio->running) {
        wk_iio_clock_start(&iio->clock, iio->info.rate_uhz, now_us, iio->filled);
        iio->running = true;
        return;
    }
    if (iio->again) {
        resume(iio, now_us);
        return;
    }
    const bool waited = now_us - asked_us > block_us / 4;
    const uint64_t lost = wk_iio_clock_add(&iio->clock, now_us, iio->filled, waited);
    if (lost > 0) {
        tell(iio, (struct wk_hal_trouble){.kind = WK_HAL_FEED_LOST, .frames = lost});
    }
    check_rate(iio, now_us);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Waits for a lost device. WK_E_CLOSED: a signal came. */
static wk_err reopen(struct wk_iio *iio)
{
    const struct timespec pause = {0, REOPEN_NS};
    const uint8_t channels = iio->info.channels;
    const int64_t begin_us = steady_us();
    close_all(iio);
    for (;;) {
        if (nanosleep(&pause, NULL) != 0) {
            return WK_E_CLOSED;
        }
        const wk_err err = open_all(iio);
        if (err == WK_OK) {
            iio->again = true;
            return iio->info.channels == channels ? WK_OK : WK_E_FORMAT;
        }
        close_all(iio);
        const int64_t gone_ms = (steady_us() - begin_us) / 1000;
        const bool gave_up = iio->config.patience_ms != 0 && gone_ms > iio->config.patience_ms;
        if (err == WK_E_FORMAT || gave_up) {
            return err;
        }
    }
}

static wk_err refill(struct wk_iio *iio)
{
    for (;;) {
        const int64_t asked_us = steady_us();
        const ssize_t octets = iio_buffer_refill(iio->buffer);
        if (octets == -EINTR) {
            continue;
        }
        const ptrdiff_t step = iio_buffer_step(iio->buffer);
        if (octets > 0 && step > 0 && octets >= step) {
            iio->step = (size_t)step;
            iio->filled = (size_t)(octets / step);
            iio->at = 0;
            for (uint8_t c = 0; c < iio->info.channels; c++) {
                iio->first[c] = iio_buffer_first(iio->buffer, iio->channel[c]);
            }
            account(iio, asked_us);
            return WK_OK;
        }
        WK_TRY(reopen(iio));
    }
}

static wk_err read_frames(void *self, int32_t *counts, size_t frames, size_t *got)
{
    struct wk_iio *iio = self;
    *got = 0;
    if (iio->at == iio->filled) {
        const wk_err err = refill(iio);
        if (err == WK_E_CLOSED) {
            return WK_OK;
        }
        WK_TRY(err);
    }
    const size_t left = iio->filled - iio->at;
    *got = frames < left ? frames : left;
    for (size_t n = 0; n < *got; n++) {
        const size_t place = (iio->at + n) * iio->step;
        for (uint8_t c = 0; c < iio->info.channels; c++) {
            *counts++ = wk_iio_format_count(&iio->format[c], iio->first[c] + place);
        }
    }
    iio->at += *got;
    return WK_OK;
}

wk_err wk_iio_open(struct wk_iio *iio, const struct wk_iio_config *config)
{
    memset(iio, 0, sizeof *iio);
    signal(SIGPIPE, SIG_IGN);
    iio->config = *config;
    const wk_err err = open_all(iio);
    if (err != WK_OK) {
        close_all(iio);
        return err;
    }
    iio->frontend = (struct wk_hal_frontend){
        .self = iio, .info = &iio->info, .read = read_frames, .trouble = take_trouble};
    return WK_OK;
}
