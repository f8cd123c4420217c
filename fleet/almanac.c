/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/almanac.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S    INT64_C(86400)
#define MARGIN_S (31 * DAY_S)
#define SUNDAY   0 /* of struct tm */
#define SATURDAY 6

/* ---- civil time -------------------------------------------------------------------------- */

/* 01:00 UTC of the last Sunday of a month of 31 days, month 0..11. */
static int64_t last_sunday(int year, int month)
{
    struct tm tm = {.tm_year = year, .tm_mon = month, .tm_mday = 31, .tm_hour = 1};
    int64_t at_s = (int64_t)timegm(&tm);
    while (tm.tm_wday != SUNDAY) {
        at_s -= DAY_S;
        const time_t at = (time_t)at_s;
        (void)gmtime_r(&at, &tm);
    }
    return at_s;
}

int64_t wk_almanac_offset_s(int64_t utc_s)
{
    const time_t at = (time_t)utc_s;
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    const bool summer =
        utc_s >= last_sunday(tm.tm_year, 2) && utc_s < last_sunday(tm.tm_year, 9);
    return summer ? 7200 : 3600;
}

static struct tm civil_of(int64_t utc_s)
{
    const time_t at = (time_t)(utc_s + wk_almanac_offset_s(utc_s));
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    return tm;
}

/* ---- the contracts in words -------------------------------------------------------------- */

/* 1 January, 1 May and 25 December count as Sundays. */
static bool is_rest_day(const struct tm *tm)
{
    const bool holiday = (tm->tm_mon == 0 && tm->tm_mday == 1) ||
                         (tm->tm_mon == 4 && tm->tm_mday == 1) ||
                         (tm->tm_mon == 11 && tm->tm_mday == 25);
    return holiday || tm->tm_wday == SUNDAY || tm->tm_wday == SATURDAY;
}

/* Night 2, day 1; on workdays of the winter half (October to March) a peak 3 from 17 to 20 h. */
static uint8_t first_contract(const struct tm *tm)
{
    const int minute = tm->tm_hour * 60 + tm->tm_min;
    const bool winter = tm->tm_mon >= 9 || tm->tm_mon <= 2;
    if (is_rest_day(tm)) {
        return minute >= 600 && minute < 840 ? 1 : 2;
    }
    if (winter && minute >= 1020 && minute < 1200) {
        return 3;
    }
    return minute >= (winter ? 360 : 420) && minute < 1320 ? 1 : 2;
}

/* The deepest night 4 begins at 02:30, in the hour that summer time takes and gives. */
static uint8_t second_contract(const struct tm *tm)
{
    const int minute = tm->tm_hour * 60 + tm->tm_min;
    if (is_rest_day(tm)) {
        return minute < 150 ? 2 : 4;
    }
    if (minute < 150 || minute >= 1410) {
        return 2;
    }
    if (minute < 330) {
        return 4;
    }
    return minute >= 960 && minute < 1275 ? 3 : 1;
}

/* ---- the contracts for the meter --------------------------------------------------------- */

const struct wk_tariff_special_day wk_almanac_special[WK_ALMANAC_SPECIAL] = {
    {0, 1, 1, 1}, {0, 5, 1, 1}, {0, 12, 25, 1}};

struct wk_tariff_calendar wk_almanac_calendar(int contract)
{
    static const struct wk_tariff_calendar k_calendars[WK_ALMANAC_CONTRACTS] = {
        {.name = "FIRST",
         .season_count = 2,
         .season = {{4, 1, 1}, {10, 1, 0}},
         .week_count = 2,
         .week_day = {{0, 0, 0, 0, 0, 1, 1}, {2, 2, 2, 2, 2, 1, 1}},
         .day_count = 3,
         .day = {{5, {{0, 2, 0}, {360, 1, 0}, {1020, 3, 0}, {1200, 1, 0}, {1320, 2, 0}}},
                 {3, {{0, 2, 0}, {600, 1, 0}, {840, 2, 0}}},
                 {3, {{0, 2, 0}, {420, 1, 0}, {1320, 2, 0}}}}},
        {.name = "SECOND",
         .season_count = 1,
         .season = {{1, 1, 0}},
         .week_count = 1,
         .week_day = {{0, 0, 0, 0, 0, 1, 1}},
         .day_count = 2,
         .day =
             {{6,
               {{0, 2, 0}, {150, 4, 1}, {330, 1, 0}, {960, 3, 0}, {1275, 1, 0}, {1410, 2, 0}}},
              {2, {{0, 2, 0}, {150, 4, 1}}}}},
    };
    return k_calendars[contract];
}

/* ---- the tables -------------------------------------------------------------------------- */

wk_err wk_almanac_make(struct wk_almanac *almanac, int64_t begin_s, int64_t days)
{
    memset(almanac, 0, sizeof *almanac);
    almanac->begin_s = begin_s - MARGIN_S;
    almanac->minutes = (days * DAY_S + 2 * MARGIN_S) / 60;
    for (int i = 0; i < WK_ALMANAC_CONTRACTS; i++) {
        almanac->tariff[i] = malloc((size_t)almanac->minutes);
    }
    if (almanac->tariff[0] == NULL || almanac->tariff[1] == NULL) {
        wk_almanac_free(almanac);
        return WK_E_FULL;
    }
    for (int64_t i = 0; i < almanac->minutes; i++) {
        const int64_t utc_s = almanac->begin_s + i * 60;
        const struct tm tm = civil_of(utc_s);
        almanac->tariff[0][i] = first_contract(&tm);
        almanac->tariff[1][i] = second_contract(&tm);
        const bool month_begins = tm.tm_mday == 1 && tm.tm_hour == 0 && tm.tm_min == 0;
        if (month_begins && almanac->months < WK_ALMANAC_MONTHS) {
            almanac->month_s[almanac->months++] = utc_s;
        }
    }
    return WK_OK;
}

void wk_almanac_free(struct wk_almanac *almanac)
{
    for (int i = 0; i < WK_ALMANAC_CONTRACTS; i++) {
        free(almanac->tariff[i]);
        almanac->tariff[i] = NULL;
    }
}

uint8_t wk_almanac_tariff(const struct wk_almanac *almanac, int contract, int64_t utc_s)
{
    const int64_t minute = (utc_s - almanac->begin_s) / 60;
    return utc_s >= almanac->begin_s && minute < almanac->minutes
               ? almanac->tariff[contract][minute]
               : 0;
}

int64_t wk_almanac_month_after(const struct wk_almanac *almanac, int64_t utc_s)
{
    for (uint32_t i = 0; i < almanac->months; i++) {
        if (almanac->month_s[i] > utc_s) {
            return almanac->month_s[i];
        }
    }
    return INT64_MAX;
}
