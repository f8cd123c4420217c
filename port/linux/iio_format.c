/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/iio_format.h"

#define COUNT_MOST INT64_C(16777215) /* 24 bits */

wk_err wk_iio_format_fit(struct wk_iio_format *format, int64_t range)
{
    const uint8_t octets = format->octets;
    if ((octets != 1 && octets != 2 && octets != 4 && octets != 8) || format->bits == 0 ||
        format->bits > 63 || format->bits + format->shift > octets * 8) {
        return WK_E_UNSUPPORTED;
    }
    const int64_t top = (INT64_C(1) << (format->bits - (format->is_signed ? 1 : 0))) - 1;
    const int64_t bottom = format->is_signed ? -top - 1 : 0;
    if (format->zero < bottom || format->zero >= top || range < 0 || range > top) {
        return WK_E_RANGE;
    }
    const int64_t above = top - format->zero;
    const int64_t below = format->zero - bottom;
    const bool one_sided = below < above / 2; /* unsigned, and nothing says where zero is */
    const int64_t most = below < above && !one_sided ? below : above;
    format->most = range != 0 ? range : most;
    format->down = 0;
    while (format->most >> format->down > COUNT_MOST) {
        format->down++;
    }
    return WK_OK;
}

int32_t wk_iio_format_count(const struct wk_iio_format *format, const uint8_t *from)
{
    uint64_t raw = 0;
    for (uint8_t n = 0; n < format->octets; n++) {
        const uint8_t octet = from[format->is_be ? n : format->octets - 1 - n];
        raw = raw << 8 | octet;
    }
    raw = raw >> format->shift & ((UINT64_C(1) << format->bits) - 1);
    const uint64_t sign = format->is_signed ? UINT64_C(1) << (format->bits - 1) : 0;
    const int64_t sample = (int64_t)(raw ^ sign) - (int64_t)sign - format->zero;
    const int64_t half = format->down > 0 ? INT64_C(1) << (format->down - 1) : 0;
    const int64_t unit = INT64_C(1) << format->down;
    const int64_t count = (sample >= 0 ? sample + half : sample - half) / unit;
    return (int32_t)(count > COUNT_MOST    ? COUNT_MOST
                     : count < -COUNT_MOST ? -COUNT_MOST
                                           : count);
}
