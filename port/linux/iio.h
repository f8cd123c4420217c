/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/iio - a front end over the Linux IIO subsystem (libiio): any converter that fills a
 * buffer with voltages and currents, on this machine or behind iiod in the network.
 *
 * Values follow the kernel's ABI: (sample + offset) * scale is mV or mA at the terminals of the
 * converter. What stands before them (divider, transformer, shunt) is a factor of the list of
 * channels: "voltage0*1000" means 1000 V per V, "voltage3*20" listed as a current 20 A per V, a
 * negative factor turns the polarity, "-" leaves a phase out.
 *
 * Reading blocks for one block of 20 ms at most. Samples that were lost to an overrun are
 * estimated from time (port/linux/iio_clock) and told as WK_HAL_FEED_LOST. A device that goes away
 * is opened anew, twice a second; when it is back that is WK_HAL_FEED_RESET, with the frames that
 * time says are missing. Once a second sampling_frequency is looked at: WK_HAL_FEED_RATE. */
#ifndef WK_PORT_LINUX_IIO_H
#define WK_PORT_LINUX_IIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "port/hal.h"
#include "port/linux/iio_clock.h"
#include "port/linux/iio_format.h"

#define WK_IIO_WHY      512
#define WK_IIO_TROUBLES 4

struct iio_buffer;
struct iio_channel;
struct iio_context;
struct iio_device;

/* The texts are borrowed while the front end is open. */
struct wk_iio_config {
    const char *uri;    /* "local:", "ip:HOST", "usb:...", "xml:FILE"; "" = local: */
    const char *device; /* name, label or id; "" = the only one that fits */
    const char *u;      /* L1,L2,L3,N by id, name or label; "" with i "" = in their order */
    const char *i;
    int64_t rate_uhz;     /* is written to sampling_frequency; 0 = it stays as it is */
    int64_t range;        /* largest sample of the converter; 0 = by its number of bits */
    uint32_t patience_ms; /* how long a lost device is waited for; 0 = for ever */
};

struct wk_iio {
    struct wk_hal_frontend frontend;
    struct wk_hal_frontend_info info; /* rate and channels; the rest is unknown */
    struct wk_iio_config config;
    struct iio_context *context;
    struct iio_device *device;
    struct iio_buffer *buffer;
    struct iio_channel *channel[WK_HAL_CHANNELS];
    struct wk_iio_format format[WK_HAL_CHANNELS];
    const uint8_t *first[WK_HAL_CHANNELS]; /* of the block: its first sample of a channel */
    size_t step;                           /* octets from frame to frame */
    size_t filled;                         /* frames of the block */
    size_t at;                             /* of them delivered */
    bool running;                          /* a block has come */
    bool again;                            /* the device was opened anew, no block yet */
    struct wk_iio_clock clock;
    uint64_t checked; /* frames when the rate was last looked at */
    struct wk_hal_trouble trouble[WK_IIO_TROUBLES];
    size_t troubles;
    char why[WK_IIO_WHY];
};

/** Opens context, device and buffer. On error iio->why names context, device, channel or
 *  attribute, and what to do; nothing is left open. The
 *  process ignores SIGPIPE from then on: the library writes to servers that may be gone.
 *  WK_E_IO: the context or the device refuses; WK_E_NOT_FOUND: no such device or channel;
 *  WK_E_FORMAT: it is there but does not fit. */
WK_MUST_USE wk_err wk_iio_open(struct wk_iio *iio, const struct wk_iio_config *config);
void wk_iio_close(struct wk_iio *iio);

/** Writes what a context has and which of it fits a meter, with lines for a configuration file.
 *  *fits = devices that fit. WK_E_IO: why[] says why the context cannot be opened. */
WK_MUST_USE wk_err wk_iio_describe(const char *uri, FILE *to, unsigned *fits,
                                   char why[WK_IIO_WHY]);

#endif
