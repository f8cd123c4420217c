/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <iio.h>
#include <string.h>

#include "port/linux/iio.h"
#include "port/linux/iio_map.h"

static void describe_channel(FILE *to, const struct iio_channel *channel)
{
    static const char *const k_quantities[] = {"other", "voltage", "current"};
    const struct iio_data_format *format = iio_channel_get_data_format(channel);
    double scale = 0;
    const bool scaled = iio_channel_attr_read_double(channel, "scale", &scale) == 0;
    fprintf(to, "    %-14s %-8s %s:%c%u/%u>>%u", iio_channel_get_id(channel),
            k_quantities[wk_iio_map_quantity(channel)], format->is_be ? "be" : "le",
            format->is_signed ? 's' : 'u', format->bits, format->length, format->shift);
    if (scaled) {
        fprintf(to, "  scale %.9g\n", scale);
    } else {
        fprintf(to, "  no scale\n");
    }
}

/* A list of channels as the configuration wants it. */
static void suggest(FILE *to, const struct wk_iio *iio, wk_hal_quantity quantity,
                    const char *key)
{
    const char *before = "";
    for (uint8_t c = 0; c < iio->info.channels; c++) {
        if (iio->info.channel[c].quantity != quantity) {
            continue;
        }
        if (before[0] == '\0') {
            fprintf(to, "      %s = ", key);
        }
        fprintf(to, "%s%s", before, iio->info.channel[c].name);
        before = ",";
    }
    fputs(before[0] != '\0' ? "\n" : "", to);
}

static bool describe_device(FILE *to, struct wk_iio *iio)
{
    const char *name = iio_device_get_name(iio->device);
    const char *id = iio_device_get_id(iio->device);
    unsigned buffered = 0;
    fprintf(to, "  %s%s%s\n", id, name != NULL ? "  " : "", name != NULL ? name : "");
    for (unsigned c = 0; c < iio_device_get_channels_count(iio->device); c++) {
        const struct iio_channel *channel = iio_device_get_channel(iio->device, c);
        if (wk_iio_map_is_buffered(channel)) {
            describe_channel(to, channel);
            buffered++;
        }
    }
    if (buffered == 0) {
        fprintf(to, "    does not fit: it has no buffered input\n");
        return false;
    }
    const int64_t rate_uhz = wk_iio_map_rate_uhz(iio->device);
    if (rate_uhz != 0) {
        fprintf(to, "    %.9g samples a second\n", (double)rate_uhz / 1e6);
    }
    if (wk_iio_map_rate(iio) != WK_OK || wk_iio_map_channels(iio) != WK_OK) {
        fprintf(to, "    does not fit: %s\n", iio->why);
        return false;
    }
    fprintf(
        to,
        "    fits:\n      [frontend]\n      kind = iio\n      uri = %s\n      device = %s\n",
        iio->config.uri, name != NULL ? name : id);
    suggest(to, iio, WK_HAL_VOLTAGE, "u");
    suggest(to, iio, WK_HAL_CURRENT, "i");
    return true;
}

wk_err wk_iio_describe(const char *uri, FILE *to, unsigned *fits, char why[WK_IIO_WHY])
{
    struct wk_iio iio = {.config = {.uri = uri, .device = "", .u = "", .i = ""}};
    *fits = 0;
    iio.context = wk_iio_map_context(uri);
    if (iio.context == NULL) {
        const int reason = errno;
        snprintf(why, WK_IIO_WHY,
                 "%s: the context cannot be opened: %s; it must be local:, ip:HOST, usb:... or "
                 "xml:FILE",
                 uri, strerror(reason));
        return WK_E_IO;
    }
    const unsigned devices = iio_context_get_devices_count(iio.context);
    fprintf(to, "%s  %s\n", uri, iio_context_get_description(iio.context));
    for (unsigned d = 0; d < devices; d++) {
        iio.device = iio_context_get_device(iio.context, d);
        *fits += describe_device(to, &iio) ? 1 : 0;
    }
    if (devices == 0) {
        fprintf(to, "  no devices\n");
    }
    iio_context_destroy(iio.context);
    return WK_OK;
}
