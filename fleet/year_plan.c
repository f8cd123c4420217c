/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens on which day, from the seed. */
#include <stdlib.h>

#include "fleet/year.h"

#define DAY_S      INT64_C(86400)
#define QUIET_DAYS 4 /* between two days on which somebody sets the clock */
#define LONG_S     (21 * 86400)

static bool sets_clock(wk_year_kind kind)
{
    return kind == WK_YEAR_CLOCK_SET || kind == WK_YEAR_CLOCK_PLAY;
}

static wk_year_kind draw_kind(struct wk_year *year, int64_t day)
{
    const wk_year_kind kind =
        (wk_year_kind)wk_dice_between(&year->dice, WK_YEAR_NOTHING + 1, WK_YEAR_KINDS - 1);
    for (int64_t before = day - QUIET_DAYS; before < day && sets_clock(kind); before++) {
        if (before >= 0 && sets_clock(year->day[before].kind)) {
            return WK_YEAR_NOTHING;
        }
    }
    /* With photovoltaics current may run backwards: a reversal would be no fraud. */
    return kind == WK_YEAR_REVERSED && year->begin_s + (day + 1) * DAY_S >= year->sun_s
               ? WK_YEAR_NOTHING
               : kind;
}

/* The head-end does not reach the meter for one to three weeks. */
static void plan_silence(struct wk_year *year, int64_t days)
{
    for (int64_t at = 30; at + 25 < days; at += 140) {
        const int64_t from = at + wk_dice_between(&year->dice, 0, 60);
        const int64_t lasts = wk_dice_between(&year->dice, 7, 21);
        for (int64_t day = from; day < from + lasts && day < days; day++) {
            year->day[day].away = true;
        }
    }
}

/* Now and then for hours; once for three weeks; for every second seed also while the second
 * contract is to be activated. */
static void plan_outages(struct wk_year *year, int64_t days)
{
    for (int64_t day = 5; day < days; day += wk_dice_between(&year->dice, 5, 25)) {
        year->day[day].outage_at_s = (int32_t)wk_dice_between(&year->dice, 1, 80000);
        year->day[day].outage_s = (int32_t)wk_dice_between(&year->dice, 1, 20000);
    }
    if (days >= 200) {
        struct wk_year_day *day = &year->day[wk_dice_between(&year->dice, 60, days - 100)];
        day->outage_at_s = (int32_t)wk_dice_between(&year->dice, 1, 80000);
        day->outage_s = LONG_S;
    }
    const int64_t active = (year->activate_s - year->begin_s) / DAY_S;
    if (year->options.seed % 2 == 1 && active >= 1 && active < days) {
        year->day[active - 1].outage_at_s = 64800;
        year->day[active - 1].outage_s = 50000;
    }
}

wk_err wk_year_plan(struct wk_year *year)
{
    static const uint8_t k_modes[] = {2, 4, 5, 6};
    const int64_t days = year->options.days;
    year->day = calloc((size_t)days + 2, sizeof *year->day);
    if (year->day == NULL) {
        return WK_E_FULL;
    }
    year->mode = k_modes[wk_dice_between(&year->dice, 0, 3)];
    year->sun_s = year->begin_s + days * wk_dice_between(&year->dice, 30, 45) / 100 * DAY_S;
    /* at a civil midnight, away from the begin of a month */
    const int64_t active = days * 55 / 100;
    const int64_t near_s = year->begin_s + active * DAY_S;
    year->activate_s = near_s - wk_almanac_offset_s(near_s);
    for (int64_t day = 0; day < days; day++) {
        struct wk_year_day *one = &year->day[day];
        one->session_s = (int32_t)wk_dice_between(&year->dice, 3600, 14400);
        one->at_s = (int32_t)wk_dice_between(&year->dice, 18000, 79200);
        one->kind = day >= 2 && wk_dice_percent(&year->dice, 55) ? draw_kind(year, day)
                                                                 : WK_YEAR_NOTHING;
    }
    plan_silence(year, days);
    plan_outages(year, days);
    return WK_OK;
}
