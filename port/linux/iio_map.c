/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/iio_map.h"

#include <iio.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "port/linux/text.h"

#define ITEM_ROOM      64
#define URI_ROOM       512
#define MANTISSA_MOST  2147483647.0
#define EXPONENT_LEAST (-24)
#define EXPONENT_MOST  6
#define RATE_LEAST_HZ  1000.0
#define RATE_MOST_HZ   50000.0
#define UHZ_PER_HZ     1e6

wk_err wk_iio_map_blame(struct wk_iio *iio, wk_err err, const char *format, ...)
{
    char reason[WK_IIO_WHY / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    const char *name = iio->device != NULL ? iio_device_get_name(iio->device) : NULL;
    if (iio->device != NULL && name == NULL) {
        name = iio_device_get_id(iio->device);
    }
    snprintf(iio->why, sizeof iio->why, "%s: %s%s%s",
             iio->config.uri[0] != '\0' ? iio->config.uri : "local:", name != NULL ? name : "",
             name != NULL ? ": " : "", reason);
    return err;
}

/* The library cuts the port off the text it is given. */
struct iio_context *wk_iio_map_context(const char *uri)
{
    char copy[URI_ROOM];
    snprintf(copy, sizeof copy, "%s", uri);
    return iio_create_context_from_uri(copy);
}

/* ---- devices ----------------------------------------------------------------------------- */

wk_hal_quantity wk_iio_map_quantity(const struct iio_channel *channel)
{
    const char *id = iio_channel_get_id(channel);
    if (strncmp(id, "alt", 3) == 0) {
        id += 3;
    }
    return strncmp(id, "voltage", 7) == 0   ? WK_HAL_VOLTAGE
           : strncmp(id, "current", 7) == 0 ? WK_HAL_CURRENT
                                            : WK_HAL_UNUSED;
}

bool wk_iio_map_is_buffered(const struct iio_channel *channel)
{
    return !iio_channel_is_output(channel) && iio_channel_is_scan_element(channel);
}

static bool has_voltage(const struct iio_device *device)
{
    for (unsigned c = 0; c < iio_device_get_channels_count(device); c++) {
        const struct iio_channel *channel = iio_device_get_channel(device, c);
        if (wk_iio_map_is_buffered(channel) && wk_iio_map_quantity(channel) == WK_HAL_VOLTAGE) {
            return true;
        }
    }
    return false;
}

static struct iio_device *find_device(const struct iio_context *context, const char *name)
{
    for (unsigned d = 0; d < iio_context_get_devices_count(context); d++) {
        struct iio_device *device = iio_context_get_device(context, d);
        const char *const names[] = {iio_device_get_id(device), iio_device_get_name(device),
                                     iio_device_get_label(device)};
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            if (names[n] != NULL && strcmp(names[n], name) == 0) {
                return device;
            }
        }
    }
    return NULL;
}

wk_err wk_iio_map_device(struct wk_iio *iio)
{
    const char *name = iio->config.device;
    iio->device = NULL;
    if (name[0] != '\0') {
        struct iio_device *device = find_device(iio->context, name);
        if (device == NULL) {
            return wk_iio_map_blame(iio, WK_E_NOT_FOUND,
                                    "there is no device \"%s\"; \"wk iio\" lists what there is",
                                    name);
        }
        iio->device = device;
        return WK_OK;
    }
    struct iio_device *only = NULL;
    for (unsigned d = 0; d < iio_context_get_devices_count(iio->context); d++) {
        struct iio_device *device = iio_context_get_device(iio->context, d);
        if (!has_voltage(device)) {
            continue;
        }
        if (only != NULL) {
            return wk_iio_map_blame(iio, WK_E_FORMAT,
                                    "several devices have buffered voltages: name one; \"wk "
                                    "iio\" lists them");
        }
        only = device;
    }
    iio->device = only;
    return only != NULL ? WK_OK
                        : wk_iio_map_blame(iio, WK_E_NOT_FOUND,
                                           "no device has a buffered voltage channel");
}

/* ---- rate -------------------------------------------------------------------------------- */

int64_t wk_iio_map_rate_uhz(const struct iio_device *device)
{
    double hz = 0;
    if (iio_device_attr_read_double(device, "sampling_frequency", &hz) != 0 &&
        iio_device_buffer_attr_read_double(device, "sampling_frequency", &hz) != 0) {
        return 0;
    }
    return isfinite(hz) && hz > 0 && hz < 1e9 ? llrint(hz * UHZ_PER_HZ) : 0;
}

wk_err wk_iio_map_rate(struct wk_iio *iio)
{
    const double wanted_hz = (double)iio->config.rate_uhz / UHZ_PER_HZ;
    if (iio->config.rate_uhz != 0) {
        const int err =
            iio_device_attr_write_double(iio->device, "sampling_frequency", wanted_hz);
        if (err < 0) {
            return wk_iio_map_blame(iio, WK_E_IO,
                                    "attribute sampling_frequency: %g Hz cannot be written: %s",
                                    wanted_hz, strerror(-err));
        }
    }
    const int64_t rate_uhz = wk_iio_map_rate_uhz(iio->device);
    const double hz = (double)rate_uhz / UHZ_PER_HZ;
    if (rate_uhz == 0) {
        return wk_iio_map_blame(iio, WK_E_FORMAT,
                                "attribute sampling_frequency cannot be read: without it "
                                "nothing can be metered");
    }
    if (hz < RATE_LEAST_HZ || hz > RATE_MOST_HZ) {
        return wk_iio_map_blame(iio, WK_E_FORMAT,
                                "attribute sampling_frequency: %g Hz; a meter needs 1000 to "
                                "50000 Hz: set rate_hz",
                                hz);
    }
    iio->info.rate_uhz = rate_uhz;
    return WK_OK;
}

/* ---- channels ---------------------------------------------------------------------------- */

static bool is_called(const struct iio_channel *channel, const char *name)
{
    char label[ITEM_ROOM];
    const char *given = iio_channel_get_name(channel);
    if (strcmp(iio_channel_get_id(channel), name) == 0 ||
        (given != NULL && strcmp(given, name) == 0)) {
        return true;
    }
    if (iio_channel_find_attr(channel, "label") == NULL ||
        iio_channel_attr_read(channel, "label", label, sizeof label) < 0) {
        return false;
    }
    label[sizeof label - 1] = '\0';
    label[strcspn(label, "\r\n")] = '\0';
    return strcasecmp(label, name) == 0;
}

static struct iio_channel *find_channel(const struct iio_device *device, const char *name)
{
    for (unsigned c = 0; c < iio_device_get_channels_count(device); c++) {
        struct iio_channel *channel = iio_device_get_channel(device, c);
        if (!iio_channel_is_output(channel) && is_called(channel, name)) {
            return channel;
        }
    }
    return NULL;
}

/* Mantissa and exponent of a gain; false if it is 0 or too large or too small. */
static bool take_gain(double value, struct wk_hal_gain *gain)
{
    if (!isfinite(value) || value == 0) {
        return false;
    }
    int exponent = (int)floor(log10(MANTISSA_MOST / fabs(value)));
    exponent = exponent > -EXPONENT_LEAST ? -EXPONENT_LEAST : exponent;
    const double mantissa = nearbyint(value * pow(10, exponent));
    if (exponent < -EXPONENT_MOST || fabs(mantissa) < 1e6 || fabs(mantissa) > MANTISSA_MOST) {
        return false;
    }
    gain->mantissa = (int32_t)mantissa;
    gain->exponent = (int8_t)-exponent;
    return true;
}

/* mV or mA per unit of the sample: the attribute, or what the format says. */
static bool read_scale(const struct iio_channel *channel, double *scale)
{
    const struct iio_data_format *format = iio_channel_get_data_format(channel);
    if (iio_channel_attr_read_double(channel, "scale", scale) == 0) {
        return true;
    }
    *scale = format->scale;
    return format->with_scale;
}

static wk_err take_format(struct wk_iio *iio, const struct iio_channel *channel,
                          struct wk_iio_format *format)
{
    const struct iio_data_format *data = iio_channel_get_data_format(channel);
    double offset = 0;
    *format = (struct wk_iio_format){
        .octets = (uint8_t)(data->length / 8 & 0xFF),
        .bits = (uint8_t)(data->bits & 0xFF),
        .shift = (uint8_t)(data->shift & 0xFF),
        .is_signed = data->is_signed,
        .is_be = data->is_be,
    };
    if (iio_channel_attr_read_double(channel, "offset", &offset) == 0) {
        format->zero = isfinite(offset) && fabs(offset) < 1e15 ? -llrint(offset) : INT64_MAX;
    }
    const wk_err err = data->length % 8 != 0 || data->repeat > 1
                           ? WK_E_UNSUPPORTED
                           : wk_iio_format_fit(format, iio->config.range);
    if (err == WK_E_RANGE) {
        return wk_iio_map_blame(iio, WK_E_FORMAT,
                                "channel %s: attribute offset (%g) or the configured range "
                                "lies outside its %u bits",
                                iio_channel_get_id(channel), offset, data->bits);
    }
    return err == WK_OK
               ? WK_OK
               : wk_iio_map_blame(iio, WK_E_FORMAT,
                                  "channel %s: samples of %u bits in %u cannot be read",
                                  iio_channel_get_id(channel), data->bits, data->length);
}

/* One place of a list. */
struct place {
    struct iio_channel *channel;
    wk_hal_quantity quantity;
    uint8_t phase;
    double factor; /* 0 = none was given */
};

static wk_err add_channel(struct wk_iio *iio, const struct place *place)
{
    const char *id = iio_channel_get_id(place->channel);
    const wk_hal_quantity own = wk_iio_map_quantity(place->channel);
    const uint8_t at = iio->info.channels;
    double scale = 0;
    if (!wk_iio_map_is_buffered(place->channel)) {
        return wk_iio_map_blame(iio, WK_E_FORMAT, "channel %s is not in the device's buffer",
                                id);
    }
    if (own != place->quantity && !(own == WK_HAL_VOLTAGE && place->factor != 0)) {
        return wk_iio_map_blame(
            iio, WK_E_FORMAT,
            own == WK_HAL_VOLTAGE
                ? "channel %s is a voltage: say how many amperes a volt stands for, as in %s*20"
                : "channel %s measures something else%.0s",
            id, id);
    }
    for (uint8_t c = 0; c < at; c++) {
        if (iio->channel[c] == place->channel) {
            return wk_iio_map_blame(iio, WK_E_FORMAT, "channel %s is listed twice", id);
        }
    }
    if (!read_scale(place->channel, &scale)) {
        return wk_iio_map_blame(iio, WK_E_FORMAT,
                                "channel %s: attribute scale cannot be read: its driver does "
                                "not say what a sample is worth",
                                id);
    }
    WK_TRY(take_format(iio, place->channel, &iio->format[at]));
    struct wk_hal_channel *info = &iio->info.channel[at];
    const double per_count = scale * 1e-3 * (place->factor != 0 ? place->factor : 1) *
                             (double)(INT64_C(1) << iio->format[at].down);
    *info = (struct wk_hal_channel){
        .quantity = place->quantity,
        .phase = place->phase,
        .range = (int32_t)(iio->format[at].most >> iio->format[at].down),
    };
    if (!take_gain(per_count, &info->gain)) {
        return wk_iio_map_blame(iio, WK_E_FORMAT,
                                "channel %s: a scale of %g with a factor of %g is no gain", id,
                                scale, place->factor);
    }
    snprintf(info->name, sizeof info->name, "%.15s", id);
    iio->channel[at] = place->channel;
    iio->info.channels++;
    return WK_OK;
}

/* "voltage0*1000" */
static wk_err take_item(struct wk_iio *iio, struct wk_text_span field, struct place *place)
{
    char text[ITEM_ROOM];
    wk_text_copy(field, text, sizeof text);
    char *star = strchr(text, '*');
    place->factor = 0;
    if (star != NULL) {
        const struct wk_text_span digits =
            wk_text_trim((struct wk_text_span){star + 1, strlen(star + 1)});
        if (!wk_text_number(digits, &place->factor) || place->factor == 0) {
            return wk_iio_map_blame(iio, WK_E_FORMAT, "\"%s\": there must be a factor behind *",
                                    text);
        }
        *star = '\0';
    }
    text[strcspn(text, " \t")] = '\0';
    place->channel = find_channel(iio->device, text);
    return place->channel != NULL
               ? WK_OK
               : wk_iio_map_blame(iio, WK_E_NOT_FOUND,
                                  "there is no channel \"%s\"; \"wk iio\" lists what there is",
                                  text);
}

static wk_err take_list(struct wk_iio *iio, const char *list, wk_hal_quantity quantity)
{
    struct wk_text_span rest = {list, strlen(list)};
    struct wk_text_span field = {NULL, 0};
    struct place place = {.quantity = quantity};
    for (; list[0] != '\0' && wk_text_field(&rest, ',', &field); place.phase++) {
        if (place.phase == 4) {
            return wk_iio_map_blame(iio, WK_E_FORMAT, "\"%s\": at most L1,L2,L3,N can be given",
                                    list);
        }
        if (wk_text_is(field, "-")) {
            continue;
        }
        WK_TRY(take_item(iio, field, &place));
        WK_TRY(add_channel(iio, &place));
    }
    return WK_OK;
}

/* Without lists: the buffered channels in their order are L1, L2, L3, N. */
static wk_err take_order(struct wk_iio *iio, wk_hal_quantity quantity)
{
    struct place place = {.quantity = quantity};
    const unsigned count = iio_device_get_channels_count(iio->device);
    for (unsigned c = 0; c < count && place.phase < 4; c++) {
        place.channel = iio_device_get_channel(iio->device, c);
        if (wk_iio_map_is_buffered(place.channel) &&
            wk_iio_map_quantity(place.channel) == quantity) {
            WK_TRY(add_channel(iio, &place));
            place.phase++;
        }
    }
    return WK_OK;
}

wk_err wk_iio_map_channels(struct wk_iio *iio)
{
    const struct wk_iio_config *config = &iio->config;
    iio->info.channels = 0;
    if (config->u[0] == '\0' && config->i[0] == '\0') {
        WK_TRY(take_order(iio, WK_HAL_VOLTAGE));
        WK_TRY(take_order(iio, WK_HAL_CURRENT));
    } else {
        WK_TRY(take_list(iio, config->u, WK_HAL_VOLTAGE));
        WK_TRY(take_list(iio, config->i, WK_HAL_CURRENT));
    }
    return iio->info.channels > 0
               ? WK_OK
               : wk_iio_map_blame(iio, WK_E_FORMAT, "no channel of it is chosen");
}
