/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tariff.h"

#include <string.h>

#define MINUTES_PER_DAY 1440

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

/* ---- checks ------------------------------------------------------------------------------ */

static wk_err refuse(struct wk_tariff_fault *fault, struct wk_tariff_fault what)
{
    if (fault != NULL) {
        *fault = what;
    }
    return WK_E_RANGE;
}

static const char *action_fault(const struct wk_tariff_day *day, uint8_t i)
{
    const struct wk_tariff_action *action = &day->action[i];
    if (action->minute >= MINUTES_PER_DAY) {
        return "time is not within 00:00 to 23:59";
    }
    if (i == 0 && action->minute != 0) {
        return "first action is not at 00:00: nothing is in force before it";
    }
    if (i > 0 && action->minute <= day->action[i - 1].minute) {
        return "is not later than the action before it";
    }
    if (action->tariff < 1 || action->tariff > WK_TARIFF_COUNT) {
        return "tariff is not 1 to 8";
    }
    return (action->load & ~WK_TARIFF_LOADS) != 0 ? "load output does not exist" : NULL;
}

static wk_err check_day(const struct wk_tariff_calendar *calendar, uint8_t at,
                        struct wk_tariff_fault *fault)
{
    const struct wk_tariff_day *day = &calendar->day[at];
    struct wk_tariff_fault what = {.part = "day", .number = (uint8_t)(at + 1)};
    if (day->action_count < 1 || day->action_count > WK_TARIFF_ACTIONS) {
        what.reason = "must have 1 to 16 actions";
        return refuse(fault, what);
    }
    for (uint8_t i = 0; i < day->action_count; i++) {
        what.reason = action_fault(day, i);
        what.detail = (uint8_t)(i + 1);
        if (what.reason != NULL) {
            return refuse(fault, what);
        }
    }
    return WK_OK;
}

static bool date_is_good(uint16_t year, uint8_t month, uint8_t day)
{
    return day >= 1 && day <= wk_civil_days_in_month(year == 0 ? 2000 : year, month);
}

static wk_err check_season(const struct wk_tariff_calendar *calendar, uint8_t at,
                           struct wk_tariff_fault *fault)
{
    const struct wk_tariff_season *season = &calendar->season[at];
    const struct wk_tariff_season *before = at > 0 ? season - 1 : season;
    struct wk_tariff_fault what = {.part = "season", .number = (uint8_t)(at + 1)};
    if (!date_is_good(0, season->month, season->day)) {
        what.reason = "begins on a date that does not exist";
    } else if (at > 0 && (season->month < before->month ||
                          (season->month == before->month && season->day <= before->day))) {
        what.reason = "does not begin after the one before it";
    } else if (season->week >= calendar->week_count) {
        what.reason = "uses a week that does not exist";
    }
    return what.reason != NULL ? refuse(fault, what) : WK_OK;
}

static wk_err check_week(const struct wk_tariff_calendar *calendar, uint8_t at,
                         struct wk_tariff_fault *fault)
{
    for (uint8_t weekday = 0; weekday < 7; weekday++) {
        if (calendar->week_day[at][weekday] >= calendar->day_count) {
            return refuse(fault,
                          (struct wk_tariff_fault){"week", "uses a day that does not exist",
                                                   (uint8_t)(at + 1), (uint8_t)(weekday + 1)});
        }
    }
    return WK_OK;
}

static const char *counts_fault(const struct wk_tariff_calendar *calendar, const char **part)
{
    *part = "season";
    if (calendar->season_count < 1 || calendar->season_count > WK_TARIFF_SEASONS) {
        return "there must be 1 to 4";
    }
    *part = "week";
    if (calendar->week_count < 1 || calendar->week_count > WK_TARIFF_WEEKS) {
        return "there must be 1 to 4";
    }
    *part = "day";
    if (calendar->day_count < 1 || calendar->day_count > WK_TARIFF_DAYS) {
        return "there must be 1 to 8";
    }
    *part = "name";
    return calendar->name[WK_TARIFF_NAME] != '\0' ? "is longer than 8 octets" : NULL;
}

wk_err wk_tariff_check(const struct wk_tariff_calendar *calendar, struct wk_tariff_fault *fault)
{
    struct wk_tariff_fault what = {.number = 0};
    what.reason = counts_fault(calendar, &what.part);
    if (what.reason != NULL) {
        return refuse(fault, what);
    }
    for (uint8_t i = 0; i < calendar->season_count; i++) {
        WK_TRY(check_season(calendar, i, fault));
    }
    for (uint8_t i = 0; i < calendar->week_count; i++) {
        WK_TRY(check_week(calendar, i, fault));
    }
    for (uint8_t i = 0; i < calendar->day_count; i++) {
        WK_TRY(check_day(calendar, i, fault));
    }
    return WK_OK;
}

/* Two rows are in force on one date: a day of every year also is one of a year. */
static bool same_date(const struct wk_tariff_special_day *a,
                      const struct wk_tariff_special_day *b)
{
    return a->month == b->month && a->day_of_month == b->day_of_month && a->year == b->year;
}

wk_err wk_tariff_check_special(const struct wk_tariff *tariff, struct wk_tariff_fault *fault)
{
    struct wk_tariff_fault what = {.part = "special day"};
    if (tariff->special_count > WK_TARIFF_SPECIAL_DAYS) {
        what.reason = "there must be at most 50";
        return refuse(fault, what);
    }
    for (uint8_t i = 0; i < tariff->special_count; i++) {
        const struct wk_tariff_special_day *special = &tariff->special[i];
        if (!date_is_good(special->year, special->month, special->day_of_month)) {
            what.reason = "is on a date that does not exist";
        } else if (special->day >= tariff->active.day_count) {
            what.reason = "uses a day that does not exist";
        }
        for (uint8_t k = 0; k < i && what.reason == NULL; k++) {
            what.reason =
                same_date(special, &tariff->special[k]) ? "is on the date of another" : NULL;
        }
        if (what.reason != NULL) {
            what.number = (uint8_t)(i + 1);
            return refuse(fault, what);
        }
    }
    return WK_OK;
}

wk_err wk_tariff_plan(struct wk_tariff *tariff, struct wk_utc activate_at, struct wk_utc now,
                      struct wk_tariff_fault *fault)
{
    if (activate_at.s != 0) {
        WK_TRY(wk_tariff_check(&tariff->passive, fault));
        if (activate_at.s <= now.s) {
            return refuse(fault, (struct wk_tariff_fault){.part = "activation",
                                                          .reason = "is not in the future"});
        }
    }
    tariff->activate_at = activate_at;
    return WK_OK;
}

/* ---- what is in force -------------------------------------------------------------------- */

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

/* A special day of this year goes before one of every year. */
static const struct wk_tariff_special_day *special_of(const struct wk_tariff *tariff,
                                                      const struct wk_civil *civil)
{
    const struct wk_tariff_special_day *found = NULL;
    for (uint8_t i = 0; i < tariff->special_count; i++) {
        const struct wk_tariff_special_day *special = &tariff->special[i];
        const bool today =
            special->month == civil->month && special->day_of_month == civil->day &&
            (special->year == civil->year || (special->year == 0 && found == NULL));
        found = today && special->day < tariff->active.day_count ? special : found;
    }
    return found;
}

static const struct wk_tariff_day *day_of(const struct wk_tariff *tariff,
                                          const struct wk_civil *civil)
{
    const struct wk_tariff_calendar *calendar = &tariff->active;
    const struct wk_tariff_special_day *special = special_of(tariff, civil);
    if (special != NULL) {
        return &calendar->day[special->day];
    }
    const uint8_t week = season_of(calendar, civil)->week;
    return &calendar->day[calendar->week_day[week][civil->weekday - 1]];
}

const struct wk_tariff_action *wk_tariff_at(const struct wk_tariff *tariff,
                                            const struct wk_civil *civil)
{
    const struct wk_tariff_day *day = day_of(tariff, civil);
    const uint16_t minute = (uint16_t)(civil->hour * 60 + civil->minute);
    const struct wk_tariff_action *found = &day->action[0];
    for (uint8_t i = 1; i < day->action_count; i++) {
        found = minute >= day->action[i].minute ? &day->action[i] : found;
    }
    return found;
}

wk_err wk_tariff_activate(struct wk_tariff *tariff)
{
    tariff->activate_at.s = 0;
    WK_TRY(wk_tariff_check(&tariff->passive, NULL));
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
    const struct wk_tariff_action *action = wk_tariff_at(tariff, &civil);
    const bool switched = tariff->current != 0 &&
                          (tariff->current != action->tariff || tariff->load != action->load);
    tariff->current = action->tariff;
    tariff->load = action->load;
    tariff->valid_to_s = now.s - civil.second + 60;
    return change == WK_TARIFF_SAME && switched ? WK_TARIFF_SWITCHED : change;
}

void wk_tariff_invalidate(struct wk_tariff *tariff)
{
    tariff->valid_to_s = 0;
}
