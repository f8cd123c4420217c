/* SPDX-License-Identifier: Apache-2.0
 *
 * base/civil - UTC and civil time, kept apart by type.
 *
 * struct wk_utc is an instant; struct wk_civil is what a clock on a wall shows. Only the
 * functions here turn one into the other, and they need the zone. Range: years 1970..2105.
 * Leap seconds do not exist (POSIX time). */
#ifndef WK_BASE_CIVIL_H
#define WK_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct wk_utc {
    int64_t s; /* seconds since 1970-01-01T00:00:00Z */
};

struct wk_civil {
    uint16_t year;
    uint8_t month;          /* 1..12 */
    uint8_t day;            /* 1..31 */
    uint8_t weekday;        /* 1 = Monday .. 7 = Sunday (as in DLMS) */
    uint8_t hour;           /* 0..23 */
    uint8_t minute;         /* 0..59 */
    uint8_t second;         /* 0..59 */
    int16_t utc_offset_min; /* civil minus UTC, minutes, daylight saving included. The DLMS
                               "deviation" is the negative of this. */
    bool dst;               /* daylight saving is active */
};

/* "The last Sunday of March at 01:00 UTC": week 1..4 = first..fourth, 5 = last. */
struct wk_civil_rule {
    uint8_t month;      /* 1..12; 0 = no daylight saving in this zone */
    uint8_t week;       /* 1..5 */
    uint8_t weekday;    /* 1 = Monday .. 7 = Sunday */
    int16_t utc_minute; /* minutes after 00:00 UTC of that day, may be negative */
};

struct wk_zone {
    int16_t offset_min;     /* standard time minus UTC, minutes, -720..840 */
    int16_t dst_offset_min; /* added while daylight saving is active, usually 60 */
    struct wk_civil_rule dst_begin;
    struct wk_civil_rule dst_end;
};

extern const struct wk_zone wk_zone_utc;            /* no offset, no daylight saving */
extern const struct wk_zone wk_zone_central_europe; /* +60, EU rule */

#define WK_DAY_S 86400

/** Days since 1970-01-01 of a proleptic Gregorian date, and the weekday (1..7) of such a day.
 */
int32_t wk_civil_days(uint16_t year, uint8_t month, uint8_t day);
uint8_t wk_civil_weekday(int32_t days);
uint8_t wk_civil_days_in_month(uint16_t year, uint8_t month);

/** WK_E_RANGE: before 1970 or after 2105. */
WK_MUST_USE wk_err wk_civil_from_utc(const struct wk_zone *zone, struct wk_utc utc,
                                     struct wk_civil *civil);

/** Uses year..second; of two instants with the same civil time (the hour that is repeated
 *  when daylight saving ends) it takes the one whose `dst` equals civil->dst; a civil time
 *  that is skipped in spring is read as standard time. WK_E_RANGE: a field is out of range. */
WK_MUST_USE wk_err wk_civil_to_utc(const struct wk_zone *zone, const struct wk_civil *civil,
                                   struct wk_utc *utc);

/** The instant at which the civil day containing `utc` begins (23, 24 or 25 hours long). */
WK_MUST_USE wk_err wk_civil_day_start(const struct wk_zone *zone, struct wk_utc utc,
                                      struct wk_utc *start);

#endif
