/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"

#include <stddef.h>

#define YEAR_FIRST 1970
#define YEAR_LAST  2105

const struct wk_zone wk_zone_utc = {.offset_min = 0};

const struct wk_zone wk_zone_central_europe = {
    .offset_min = 60,
    .dst_offset_min = 60,
    .dst_begin = {.month = 3, .week = 5, .weekday = 7, .utc_minute = 60},
    .dst_end = {.month = 10, .week = 5, .weekday = 7, .utc_minute = 60},
};

static bool is_leap(uint16_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

uint8_t wk_civil_days_in_month(uint16_t year, uint8_t month)
{
    static const uint8_t k_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12) {
        return 0;
    }
    return (uint8_t)(k_days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0));
}

/* Counts from 1 March of year 0, so that the leap day is the last day of a year; 146,097 days
 * make 400 years. */
int32_t wk_civil_days(uint16_t year, uint8_t month, uint8_t day)
{
    const int32_t y = (int32_t)year - (month <= 2 ? 1 : 0);
    const int32_t month_from_march = (month + 9) % 12;
    const int32_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

uint8_t wk_civil_weekday(int32_t days)
{
    const int32_t from_monday = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (uint8_t)((from_monday < 0 ? from_monday + 7 : from_monday) + 1);
}

static void date_of_days(int32_t days, struct wk_civil *civil)
{
    const int32_t shifted = days + 719468;
    const int32_t era = shifted / 146097;
    const int32_t in_era = shifted % 146097;
    const int32_t year_of_era =
        (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const int32_t day_of_year =
        in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int32_t month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = (uint8_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil->month =
        (uint8_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil->year = (uint16_t)(year_of_era + era * 400 + (civil->month <= 2 ? 1 : 0));
    civil->weekday = wk_civil_weekday(days);
}

static int64_t rule_instant_s(const struct wk_civil_rule *rule, uint16_t year)
{
    const uint8_t length = wk_civil_days_in_month(year, rule->month);
    int32_t day;
    if (rule->week >= 5) {
        const uint8_t last = wk_civil_weekday(wk_civil_days(year, rule->month, length));
        day = length - (last - rule->weekday + 7) % 7;
    } else {
        const uint8_t first = wk_civil_weekday(wk_civil_days(year, rule->month, 1));
        day = 1 + (rule->weekday - first + 7) % 7 + 7 * (rule->week - 1);
    }
    const int64_t days = wk_civil_days(year, rule->month, (uint8_t)day);
    return days * WK_DAY_S + (int64_t)rule->utc_minute * 60;
}

static bool dst_active(const struct wk_zone *zone, int64_t utc_s)
{
    if (zone->dst_begin.month == 0 || zone->dst_end.month == 0) {
        return false;
    }
    struct wk_civil date = {0};
    const uint8_t begin = zone->dst_begin.month;
    const uint8_t end = zone->dst_end.month;
    date_of_days((int32_t)((utc_s + (int64_t)zone->offset_min * 60) / WK_DAY_S), &date);
    /* Most of the time the month tells; rules count in UTC, so not at its ends. */
    if (date.month != begin && date.month != end && date.day > 1 && date.day < 28) {
        return begin < end ? date.month > begin && date.month < end
                           : date.month > begin || date.month < end;
    }
    const int64_t begin_s = rule_instant_s(&zone->dst_begin, date.year);
    const int64_t end_s = rule_instant_s(&zone->dst_end, date.year);
    if (begin_s < end_s) {
        return utc_s >= begin_s && utc_s < end_s;
    }
    return utc_s >= begin_s || utc_s < end_s; /* southern hemisphere */
}

wk_err wk_civil_from_utc(const struct wk_zone *zone, struct wk_utc utc, struct wk_civil *civil)
{
    const bool dst = utc.s >= 0 && dst_active(zone, utc.s);
    const int32_t offset_min = zone->offset_min + (dst ? zone->dst_offset_min : 0);
    const int64_t local_s = utc.s + (int64_t)offset_min * 60;
    const int64_t limit_s = (int64_t)wk_civil_days(YEAR_LAST + 1, 1, 1) * WK_DAY_S;
    if (utc.s < 0 || local_s < 0 || local_s >= limit_s) {
        return WK_E_RANGE;
    }
    const int32_t of_day_s = (int32_t)(local_s % WK_DAY_S);
    date_of_days((int32_t)(local_s / WK_DAY_S), civil);
    civil->hour = (uint8_t)(of_day_s / 3600);
    civil->minute = (uint8_t)(of_day_s / 60 % 60);
    civil->second = (uint8_t)(of_day_s % 60);
    civil->utc_offset_min = (int16_t)offset_min;
    civil->dst = dst;
    return WK_OK;
}

static bool fields_in_range(const struct wk_civil *civil)
{
    return civil->year >= YEAR_FIRST && civil->year <= YEAR_LAST && civil->day >= 1 &&
           civil->day <= wk_civil_days_in_month(civil->year, civil->month) &&
           civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

wk_err wk_civil_to_utc(const struct wk_zone *zone, const struct wk_civil *civil,
                       struct wk_utc *utc)
{
    if (!fields_in_range(civil)) {
        return WK_E_RANGE;
    }
    const int64_t days = wk_civil_days(civil->year, civil->month, civil->day);
    const int64_t local_s =
        days * WK_DAY_S + civil->hour * 3600 + civil->minute * 60 + civil->second;
    const int64_t as_standard_s = local_s - (int64_t)zone->offset_min * 60;
    const int64_t as_dst_s = as_standard_s - (int64_t)zone->dst_offset_min * 60;
    const bool standard_fits = !dst_active(zone, as_standard_s);
    const bool dst_fits = dst_active(zone, as_dst_s);
    utc->s = dst_fits && (civil->dst || !standard_fits) ? as_dst_s : as_standard_s;
    return utc->s >= 0 ? WK_OK : WK_E_RANGE;
}

wk_err wk_civil_day_start(const struct wk_zone *zone, struct wk_utc utc, struct wk_utc *start)
{
    struct wk_civil civil;
    WK_TRY(wk_civil_from_utc(zone, utc, &civil));
    civil.hour = 0;
    civil.minute = 0;
    civil.second = 0;
    return wk_civil_to_utc(zone, &civil, start);
}
