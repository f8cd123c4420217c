/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/datetime.h"

#include <stdbool.h>

#include "cosem/axdr.h"

wk_err wk_datetime_of_utc(const struct wk_zone *zone, struct wk_utc utc, uint8_t status,
                          struct wk_datetime *datetime)
{
    struct wk_civil civil;
    WK_TRY(wk_civil_from_utc(zone, utc, &civil));
    *datetime = (struct wk_datetime){
        .year = civil.year,
        .month = civil.month,
        .day = civil.day,
        .weekday = civil.weekday,
        .hour = civil.hour,
        .minute = civil.minute,
        .second = civil.second,
        .hundredths = 0,
        .deviation_min = (int16_t)-civil.utc_offset_min,
        .status = (uint8_t)(status | (civil.dst ? WK_DATETIME_DST : 0)),
    };
    return WK_OK;
}

wk_err wk_datetime_to_utc(const struct wk_datetime *datetime, const struct wk_zone *zone,
                          struct wk_utc *utc)
{
    const bool dst =
        datetime->status != WK_DATETIME_NO_STATUS && (datetime->status & WK_DATETIME_DST) != 0;
    const struct wk_civil civil = {
        .year = datetime->year,
        .month = datetime->month,
        .day = datetime->day,
        .hour = datetime->hour,
        .minute = datetime->minute,
        .second = datetime->second == WK_DATETIME_ANY ? 0 : datetime->second,
        .dst = dst,
    };
    if (datetime->deviation_min == WK_DATETIME_ANY_OFFSET) {
        return wk_civil_to_utc(zone, &civil, utc);
    }
    struct wk_utc shown;
    WK_TRY(wk_civil_to_utc(&wk_zone_utc, &civil, &shown));
    utc->s = shown.s + (int64_t)datetime->deviation_min * 60;
    return WK_OK;
}

void wk_datetime_put(struct wk_bytes_out *out, const struct wk_datetime *datetime)
{
    wk_bytes_out_u16be(out, datetime->year);
    wk_bytes_out_u8(out, datetime->month);
    wk_bytes_out_u8(out, datetime->day);
    wk_bytes_out_u8(out, datetime->weekday);
    wk_bytes_out_u8(out, datetime->hour);
    wk_bytes_out_u8(out, datetime->minute);
    wk_bytes_out_u8(out, datetime->second);
    wk_bytes_out_u8(out, datetime->hundredths);
    wk_bytes_out_u16be(out, (uint16_t)datetime->deviation_min);
    wk_bytes_out_u8(out, datetime->status);
}

static bool in_range(uint8_t value, uint8_t least, uint8_t most)
{
    return value == WK_DATETIME_ANY || (value >= least && value <= most);
}

static bool is_valid(const struct wk_datetime *d)
{
    const bool month = in_range(d->month, 1, 12) || d->month >= 0xFD;
    const bool day = in_range(d->day, 1, 31) || d->day >= WK_DATETIME_SECOND_LAST;
    const bool deviation = d->deviation_min == WK_DATETIME_ANY_OFFSET ||
                           (d->deviation_min >= -840 && d->deviation_min <= 840);
    return month && day && deviation && in_range(d->weekday, 1, 7) &&
           in_range(d->hour, 0, 23) && in_range(d->minute, 0, 59) &&
           in_range(d->second, 0, 59) && in_range(d->hundredths, 0, 99);
}

void wk_datetime_read(struct wk_bytes_in *in, struct wk_datetime *datetime)
{
    datetime->year = wk_bytes_in_u16be(in);
    datetime->month = wk_bytes_in_u8(in);
    datetime->day = wk_bytes_in_u8(in);
    datetime->weekday = wk_bytes_in_u8(in);
    datetime->hour = wk_bytes_in_u8(in);
    datetime->minute = wk_bytes_in_u8(in);
    datetime->second = wk_bytes_in_u8(in);
    datetime->hundredths = wk_bytes_in_u8(in);
    datetime->deviation_min = (int16_t)wk_bytes_in_u16be(in);
    datetime->status = wk_bytes_in_u8(in);
    if (in->fault == WK_OK && !is_valid(datetime)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

void wk_datetime_put_axdr(struct wk_bytes_out *out, const struct wk_datetime *datetime)
{
    wk_bytes_out_u8(out, WK_AXDR_OCTET_STRING);
    wk_bytes_out_u8(out, WK_DATETIME_SIZE);
    wk_datetime_put(out, datetime);
}

void wk_datetime_read_axdr(struct wk_bytes_in *in, struct wk_datetime *datetime)
{
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    const bool is_string = value.tag == WK_AXDR_OCTET_STRING && value.size == WK_DATETIME_SIZE;
    if (in->fault == WK_OK && !is_string && value.tag != WK_AXDR_DATE_TIME) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    struct wk_bytes_in octets = wk_bytes_in_of(value.octets, value.size);
    wk_datetime_read(&octets, datetime);
    if (octets.fault != WK_OK) {
        wk_bytes_in_fail(in, octets.fault);
    }
}
