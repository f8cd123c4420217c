/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/datetime - the 12 octets of a COSEM date-time (IEC 62056-6-2, 4.1.6.1).
 *
 * Fields may be wildcards (all bits set). The deviation is UTC minus civil time, in minutes:
 * the opposite of wk_civil.utc_offset_min. */
#ifndef WK_COSEM_DATETIME_H
#define WK_COSEM_DATETIME_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"

#define WK_DATETIME_SIZE        12
#define WK_DATETIME_ANY         0xFF      /* wildcard of the one-octet fields */
#define WK_DATETIME_ANY_YEAR    0xFFFF    /* wildcard of the year */
#define WK_DATETIME_ANY_OFFSET  INT16_MIN /* deviation 0x8000: not specified */
#define WK_DATETIME_LAST_DAY    0xFE      /* day: the last of the month */
#define WK_DATETIME_SECOND_LAST 0xFD      /* day: the one before the last */

/* bits of the clock status */
#define WK_DATETIME_INVALID   0x01
#define WK_DATETIME_DOUBTFUL  0x02
#define WK_DATETIME_DST       0x80
#define WK_DATETIME_NO_STATUS 0xFF

struct wk_datetime {
    uint16_t year;
    uint8_t month; /* 1..12, 0xFD/0xFE = daylight saving end/begin, or wildcard */
    uint8_t day;   /* 1..31, WK_DATETIME_LAST_DAY, WK_DATETIME_SECOND_LAST, or wildcard */
    uint8_t weekday;
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint8_t hundredths;
    int16_t deviation_min; /* -840..720 or WK_DATETIME_ANY_OFFSET */
    uint8_t status;
};

/** What a clock of `zone` shows at `utc`. `status`: the bits above; WK_DATETIME_DST is added
 *  by this function. WK_E_RANGE as wk_civil_from_utc. */
WK_MUST_USE wk_err wk_datetime_of_utc(const struct wk_zone *zone, struct wk_utc utc,
                                      uint8_t status, struct wk_datetime *datetime);

/** The instant of a date-time whose date, hour and minute are given; a wildcard second is 0.
 *  Uses the deviation if there is one, else `zone`. WK_E_RANGE: a wildcard where none may be,
 *  or a field out of range. */
WK_MUST_USE wk_err wk_datetime_to_utc(const struct wk_datetime *datetime,
                                      const struct wk_zone *zone, struct wk_utc *utc);

/** The bare 12 octets. The reader faults WK_E_RANGE on values that no field allows. */
void wk_datetime_put(struct wk_bytes_out *out, const struct wk_datetime *datetime);
void wk_datetime_read(struct wk_bytes_in *in, struct wk_datetime *datetime);

/** As A-XDR: an octet-string of 12, the usual form. The reader also takes the type
 *  date-time. */
void wk_datetime_put_axdr(struct wk_bytes_out *out, const struct wk_datetime *datetime);
void wk_datetime_read_axdr(struct wk_bytes_in *in, struct wk_datetime *datetime);

#endif
