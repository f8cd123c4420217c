/* SPDX-License-Identifier: Apache-2.0 */
#include "management/schedule.h"

#include "cosem/axdr.h"

#define ANY           0xFF
#define ANY_YEAR      0xFFFF
#define LAST_DAY      0xFE
#define LAST_BUT_ONE  0xFD
#define TIME_SIZE     4
#define DATE_SIZE     5
#define SECONDS_A_DAY 86400

struct entry {
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint16_t year;
    uint8_t month;
    uint8_t day;
    uint8_t weekday;
};

static bool is_entry(const struct entry *entry, uint8_t hundredths)
{
    const bool day = (entry->day >= 1 && entry->day <= 31) || entry->day >= LAST_BUT_ONE;
    return entry->hour < 24 && entry->minute < 60 && entry->second < 60 &&
           (hundredths < 100 || hundredths == ANY) &&
           ((entry->month >= 1 && entry->month <= 12) || entry->month == ANY) && day &&
           ((entry->weekday >= 1 && entry->weekday <= 7) || entry->weekday == ANY);
}

static wk_err read_entry(struct wk_bytes_in *in, struct entry *entry)
{
    uint8_t time[TIME_SIZE];
    uint8_t date[DATE_SIZE];
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    wk_axdr_read_exact(in, time, sizeof time);
    wk_axdr_read_exact(in, date, sizeof date);
    if (in->fault != WK_OK || members != 2) {
        return WK_E_FORMAT;
    }
    *entry = (struct entry){
        .hour = time[0],
        .minute = time[1],
        .second = time[2],
        .year = (uint16_t)(date[0] << 8 | date[1]),
        .month = date[2],
        .day = date[3],
        .weekday = date[4],
    };
    return is_entry(entry, time[3]) ? WK_OK : WK_E_RANGE;
}

static bool has_wildcards(const struct entry *entry)
{
    return entry->year == ANY_YEAR || entry->month == ANY || entry->day >= LAST_BUT_ONE;
}

static bool is_same_time(const struct entry *a, const struct entry *b)
{
    return a->hour == b->hour && a->minute == b->minute && a->second == b->second;
}

static bool is_of_type(const struct entry *entry, const struct entry *first,
                       wk_schedule_type type)
{
    const bool wild = type == WK_SCHEDULE_ONE || type == WK_SCHEDULE_SAME_WILD ||
                      type == WK_SCHEDULE_DIFFERENT_WILD;
    const bool different = type == WK_SCHEDULE_DIFFERENT || type == WK_SCHEDULE_DIFFERENT_WILD;
    return (wild || !has_wildcards(entry)) && (different || is_same_time(entry, first));
}

wk_err wk_schedule_check(struct wk_bytes_in times, wk_schedule_type type)
{
    const uint32_t count = wk_axdr_read_count(&times, WK_AXDR_ARRAY);
    struct entry first = {0};
    struct entry entry;
    bool fits = type != WK_SCHEDULE_ONE || count <= 1;
    for (uint32_t i = 0; i < count && times.fault == WK_OK; i++) {
        WK_TRY(read_entry(&times, &entry));
        first = i == 0 ? entry : first;
        fits = fits && is_of_type(&entry, &first, type);
    }
    if (wk_bytes_in_end(&times) != WK_OK) {
        return WK_E_FORMAT;
    }
    return fits ? WK_OK : WK_E_RANGE;
}

static bool is_day(const struct entry *entry, const struct wk_civil *civil)
{
    const uint8_t last = wk_civil_days_in_month(civil->year, civil->month);
    uint8_t day = entry->day == ANY ? civil->day : entry->day;
    day = entry->day == LAST_DAY ? last : day;
    day = entry->day == LAST_BUT_ONE ? (uint8_t)(last - 1) : day;
    return day == civil->day && (entry->year == ANY_YEAR || entry->year == civil->year) &&
           (entry->month == ANY || entry->month == civil->month) &&
           (entry->weekday == ANY || entry->weekday == civil->weekday);
}

/* The days from that of `from` to that of `to`, by their noons: those are never skipped. */
static bool entry_is_due(const struct entry *entry, const struct wk_zone *zone,
                         struct wk_utc from, struct wk_utc to)
{
    struct wk_utc noon;
    struct wk_utc at;
    struct wk_civil civil;
    if (wk_civil_day_start(zone, from, &noon) != WK_OK) {
        return false;
    }
    noon.s += SECONDS_A_DAY / 2;
    for (; noon.s < to.s + SECONDS_A_DAY; noon.s += SECONDS_A_DAY) {
        if (wk_civil_from_utc(zone, noon, &civil) != WK_OK) {
            return false;
        }
        if (!is_day(entry, &civil)) {
            continue;
        }
        civil.hour = entry->hour;
        civil.minute = entry->minute;
        civil.second = entry->second;
        civil.dst = true; /* the first of an hour that comes twice */
        if (wk_civil_to_utc(zone, &civil, &at) == WK_OK && at.s > from.s && at.s <= to.s) {
            return true;
        }
    }
    return false;
}

bool wk_schedule_is_due(struct wk_bytes_in times, const struct wk_zone *zone,
                        struct wk_utc from, struct wk_utc to)
{
    const int64_t longest = (int64_t)WK_SCHEDULE_DAYS * SECONDS_A_DAY;
    const uint32_t count = wk_axdr_read_count(&times, WK_AXDR_ARRAY);
    const struct wk_utc since = {to.s - from.s > longest ? to.s - longest : from.s};
    struct entry entry;
    for (uint32_t i = 0; i < count; i++) {
        if (read_entry(&times, &entry) != WK_OK) {
            return false;
        }
        if (entry_is_due(&entry, zone, since, to)) {
            return true;
        }
    }
    return false;
}
