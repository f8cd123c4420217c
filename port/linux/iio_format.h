/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/iio_format - one sample of a buffer of the Linux IIO subsystem as a count.
 *
 * The kernel describes a sample as, say, be:s24/32>>8: storage of 32 bits, most significant octet
 * first, holding 24 signed bits after a shift to the right by 8. A count of the meter has 24 bits
 * and sign at most, so what is wider is rounded to fewer bits. */
#ifndef WK_PORT_LINUX_IIO_FORMAT_H
#define WK_PORT_LINUX_IIO_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct wk_iio_format {
    uint8_t octets; /* of storage: 1, 2, 4 or 8 */
    uint8_t bits;   /* of them used, after the shift: 1..63 */
    uint8_t shift;
    bool is_signed;
    bool is_be;
    uint8_t down; /* the count is (sample - zero) / 2^down, rounded */
    int64_t zero; /* sample of no voltage or current */
    int64_t most; /* |sample - zero| at which the converter clips */
};

/** Chooses `down` and `most` for a converter whose samples go to `range` (0: by its bits).
 *  WK_E_UNSUPPORTED: no such storage, or more bits than it holds. WK_E_RANGE: `zero` lies outside
 *  the converter's range, or `range` does. */
WK_MUST_USE wk_err wk_iio_format_fit(struct wk_iio_format *format, int64_t range);

/** The count of the sample that is stored at `from`. */
int32_t wk_iio_format_count(const struct wk_iio_format *format, const uint8_t *from);

#endif
