/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tariff.h"

#include <string.h>

#define MINUTES_PER_DAY 1440
#define PACK_VERSION    1

void wk_tariff_init(struct wk_tariff *tariff)
{
    memset(tariff, 0, sizeof *tariff);
    tariff->active = (struct wk_tariff_calendar){
        .name = "SINGLE",
        .season_count = 1,
        .season = {{.month = 1, .day = 1, .week = 0}},
        .week_count = 1,
        .day_count = 1,
        .day = {{.action_count = 1, .action = {{.minute = 0, .tariff = 1}}}},
    };
    tariff->passive = tariff->active;
}

static bool day_is_good(const struct wk_tariff_day *day)
{
    if (day->action_count < 1 || day->action_count > WK_TARIFF_ACTIONS ||
        day->action[0].minute != 0) {
        return false;
    }
    for (uint8_t i = 0; i < day->action_count; i++) {
        const struct wk_tariff_action *action = &day->action[i];
        if (action->tariff < 1 || action->tariff > WK_TARIFF_COUNT ||
            action->minute >= MINUTES_PER_DAY ||
            (i > 0 && action->minute <= day->action[i - 1].minute)) {
            return false;
        }
    }
    return true;
}

static bool date_is_good(uint16_t year, uint8_t month, uint8_t day)
{
    return day >= 1 && day <= wk_civil_days_in_month(year == 0 ? 2000 : year, month);
}

static bool season_is_good(const struct wk_tariff_calendar *calendar, uint8_t i)
{
    const struct wk_tariff_season *season = &calendar->season[i];
    const struct wk_tariff_season *before = i > 0 ? season - 1 : NULL;
    return date_is_good(0, season->month, season->day) && season->week < calendar->week_count &&
           (before == NULL || season->month > before->month ||
            (season->month == before->month && season->day > before->day));
}

static bool week_is_good(const struct wk_tariff_calendar *calendar, uint8_t week)
{
    for (uint8_t weekday = 0; weekday < 7; weekday++) {
        if (calendar->week_day[week][weekday] >= calendar->day_count) {
            return false;
        }
    }
    return true;
}

wk_err wk_tariff_check(const struct wk_tariff_calendar *calendar)
{
    bool good = calendar->season_count >= 1 && calendar->season_count <= WK_TARIFF_SEASONS &&
                calendar->week_count >= 1 && calendar->week_count <= WK_TARIFF_WEEKS &&
                calendar->day_count >= 1 && calendar->day_count <= WK_TARIFF_DAYS &&
                calendar->name[WK_TARIFF_NAME] == '\0';
    for (uint8_t i = 0; good && i < calendar->season_count; i++) {
        good = season_is_good(calendar, i);
    }
    for (uint8_t i = 0; good && i < calendar->week_count; i++) {
        good = week_is_good(calendar, i);
    }
    for (uint8_t i = 0; good && i < calendar->day_count; i++) {
        good = day_is_good(&calendar->day[i]);
    }
    return good ? WK_OK : WK_E_RANGE;
}

wk_err wk_tariff_check_special(const struct wk_tariff *tariff)
{
    bool good = tariff->special_count <= WK_TARIFF_SPECIAL_DAYS;
    for (uint8_t i = 0; good && i < tariff->special_count; i++) {
        const struct wk_tariff_special_day *special = &tariff->special[i];
        good = date_is_good(special->year, special->month, special->day_of_month) &&
               special->day < tariff->active.day_count;
    }
    return good ? WK_OK : WK_E_RANGE;
}

/* The last season that began at or before the date; before the first of the year, the last
 * season of the year before goes on. */
static const struct wk_tariff_season *season_of(const struct wk_tariff_calendar *calendar,
                                                const struct wk_civil *civil)
{
    const struct wk_tariff_season *found = &calendar->season[calendar->season_count - 1];
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        const struct wk_tariff_season *season = &calendar->season[i];
        if (civil->month > season->month ||
            (civil->month == season->month && civil->day >= season->day)) {
            found = season;
        }
    }
    return found;
}

static const struct wk_tariff_day *day_of(const struct wk_tariff *tariff,
                                          const struct wk_civil *civil)
{
    const struct wk_tariff_calendar *calendar = &tariff->active;
    for (uint8_t i = 0; i < tariff->special_count; i++) {
        const struct wk_tariff_special_day *special = &tariff->special[i];
        if ((special->year == 0 || special->year == civil->year) &&
            special->month == civil->month && special->day_of_month == civil->day &&
            special->day < calendar->day_count) {
            return &calendar->day[special->day];
        }
    }
    const uint8_t week = season_of(calendar, civil)->week;
    return &calendar->day[calendar->week_day[week][civil->weekday - 1]];
}

uint8_t wk_tariff_at(const struct wk_tariff *tariff, const struct wk_civil *civil)
{
    const struct wk_tariff_day *day = day_of(tariff, civil);
    const uint16_t minute = (uint16_t)(civil->hour * 60 + civil->minute);
    uint8_t found = day->action[0].tariff;
    for (uint8_t i = 1; i < day->action_count; i++) {
        if (minute >= day->action[i].minute) {
            found = day->action[i].tariff;
        }
    }
    return found;
}

wk_err wk_tariff_activate(struct wk_tariff *tariff)
{
    tariff->activate_at.s = 0;
    WK_TRY(wk_tariff_check(&tariff->passive));
    tariff->active = tariff->passive;
    wk_tariff_invalidate(tariff);
    return WK_OK;
}

wk_tariff_change wk_tariff_update(struct wk_tariff *tariff, const struct wk_zone *zone,
                                  struct wk_utc now)
{
    struct wk_civil civil;
    if (tariff->current != 0 && now.s < tariff->valid_to_s &&
        now.s >= tariff->valid_to_s - 60) {
        return WK_TARIFF_SAME;
    }
    if (wk_civil_from_utc(zone, now, &civil) != WK_OK) {
        return WK_TARIFF_SAME;
    }
    wk_tariff_change change = WK_TARIFF_SAME;
    if (tariff->activate_at.s != 0 && now.s >= tariff->activate_at.s) {
        change = wk_tariff_activate(tariff) == WK_OK ? WK_TARIFF_ACTIVATED : WK_TARIFF_SAME;
    }
    const uint8_t before = tariff->current;
    tariff->current = wk_tariff_at(tariff, &civil);
    tariff->valid_to_s = now.s - civil.second + 60;
    if (change == WK_TARIFF_SAME && before != 0 && before != tariff->current) {
        change = WK_TARIFF_SWITCHED;
    }
    return change;
}

void wk_tariff_invalidate(struct wk_tariff *tariff)
{
    tariff->valid_to_s = 0;
}

/* ---- octets for the store ---------------------------------------------------------------- */

static void pack_day(const struct wk_tariff_day *day, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, day->action_count);
    for (uint8_t i = 0; i < day->action_count; i++) {
        wk_bytes_out_u16le(out, day->action[i].minute);
        wk_bytes_out_u8(out, day->action[i].tariff);
    }
}

static void pack_calendar(const struct wk_tariff_calendar *calendar, struct wk_bytes_out *out)
{
    wk_bytes_out_put(out, calendar->name, WK_TARIFF_NAME);
    wk_bytes_out_u8(out, calendar->season_count);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        wk_bytes_out_u8(out, calendar->season[i].month);
        wk_bytes_out_u8(out, calendar->season[i].day);
        wk_bytes_out_u8(out, calendar->season[i].week);
    }
    wk_bytes_out_u8(out, calendar->week_count);
    wk_bytes_out_put(out, calendar->week_day, (size_t)calendar->week_count * 7);
    wk_bytes_out_u8(out, calendar->day_count);
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        pack_day(&calendar->day[i], out);
    }
}

void wk_tariff_pack(const struct wk_tariff *tariff, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, PACK_VERSION);
    pack_calendar(&tariff->active, out);
    pack_calendar(&tariff->passive, out);
    wk_bytes_out_u64le(out, (uint64_t)tariff->activate_at.s);
    wk_bytes_out_u8(out, tariff->special_count);
    for (uint8_t i = 0; i < tariff->special_count; i++) {
        wk_bytes_out_u16le(out, tariff->special[i].year);
        wk_bytes_out_u8(out, tariff->special[i].month);
        wk_bytes_out_u8(out, tariff->special[i].day_of_month);
        wk_bytes_out_u8(out, tariff->special[i].day);
    }
}

static uint8_t read_count(struct wk_bytes_in *in, uint8_t most)
{
    const uint8_t count = wk_bytes_in_u8(in);
    if (count > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return count;
}

static void unpack_calendar(struct wk_tariff_calendar *calendar, struct wk_bytes_in *in)
{
    wk_bytes_in_copy(in, calendar->name, WK_TARIFF_NAME);
    calendar->season_count = read_count(in, WK_TARIFF_SEASONS);
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        calendar->season[i].month = wk_bytes_in_u8(in);
        calendar->season[i].day = wk_bytes_in_u8(in);
        calendar->season[i].week = wk_bytes_in_u8(in);
    }
    calendar->week_count = read_count(in, WK_TARIFF_WEEKS);
    wk_bytes_in_copy(in, calendar->week_day, (size_t)calendar->week_count * 7);
    calendar->day_count = read_count(in, WK_TARIFF_DAYS);
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        struct wk_tariff_day *day = &calendar->day[i];
        day->action_count = read_count(in, WK_TARIFF_ACTIONS);
        for (uint8_t j = 0; j < day->action_count; j++) {
            day->action[j].minute = wk_bytes_in_u16le(in);
            day->action[j].tariff = wk_bytes_in_u8(in);
        }
    }
}

wk_err wk_tariff_unpack(struct wk_tariff *tariff, struct wk_bytes_in *in)
{
    struct wk_tariff read = {0};
    if (wk_bytes_in_u8(in) != PACK_VERSION) {
        return WK_E_FORMAT;
    }
    unpack_calendar(&read.active, in);
    unpack_calendar(&read.passive, in);
    read.activate_at.s = (int64_t)wk_bytes_in_u64le(in);
    read.special_count = read_count(in, WK_TARIFF_SPECIAL_DAYS);
    for (uint8_t i = 0; i < read.special_count; i++) {
        read.special[i].year = wk_bytes_in_u16le(in);
        read.special[i].month = wk_bytes_in_u8(in);
        read.special[i].day_of_month = wk_bytes_in_u8(in);
        read.special[i].day = wk_bytes_in_u8(in);
    }
    WK_TRY(wk_bytes_in_end(in));
    WK_TRY(wk_tariff_check(&read.active));
    WK_TRY(wk_tariff_check_special(&read));
    *tariff = read;
    return WK_OK;
}
