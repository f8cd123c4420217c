/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/iio_map - which device and which channels of an IIO context make up a meter. */
#ifndef WK_PORT_LINUX_IIO_MAP_H
#define WK_PORT_LINUX_IIO_MAP_H

#include "port/linux/iio.h"

/** Opens a context; NULL: errno says why. */
struct iio_context *wk_iio_map_context(const char *uri);

/** What a channel measures, by its id ("voltage0", "altcurrent2"); WK_HAL_UNUSED if neither. */
wk_hal_quantity wk_iio_map_quantity(const struct iio_channel *channel);

/** Whether it is an input that the device's buffer can hold. */
bool wk_iio_map_is_buffered(const struct iio_channel *channel);

/** Sets iio->device by config.device, else to the only device with a buffered voltage. */
WK_MUST_USE wk_err wk_iio_map_device(struct wk_iio *iio);

/** Fills iio->channel, iio->format and the channels of iio->info by config.u and config.i. */
WK_MUST_USE wk_err wk_iio_map_channels(struct wk_iio *iio);

/** Reads iio->info.rate_uhz; writes it first if config.rate_uhz says so. */
WK_MUST_USE wk_err wk_iio_map_rate(struct wk_iio *iio);

/** Reads the rate only; 0 if it cannot be read. */
int64_t wk_iio_map_rate_uhz(const struct iio_device *device);

/** Fills iio->why, beginning with the context's URI and the device. Returns err. */
wk_err wk_iio_map_blame(struct wk_iio *iio, wk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
