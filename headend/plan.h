/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/plan - a time-of-use tariff plan: which rate is in force when, and what it costs.
 *
 * Rates correspond to the meter's tariff registers T1..T4. Bands are civil time of the plan's
 * zone; an interval belongs to the band in which it begins. A special day is billed as another
 * day of the week. Prices are exact: 10^-6 currency units. The file (see port/linux/ini):
 *
 *   [plan]
 *   name = Household
 *   currency = EUR
 *   zone = central-europe
 *   standing_per_day = 0.25
 *   vat_percent = 19
 *   [rate t1]
 *   name = Day
 *   price_per_kwh = 0.3142
 *   [rate t2]
 *   name = Night
 *   price_per_kwh = 0.2311
 *   [season winter]
 *   from = 10-01
 *   [day winter mon-fri]
 *   bands = 00:00 t2, 06:00 t1, 22:00 t2
 *   [day winter sat,sun]
 *   bands = 00:00 t2
 *   [special 2007-12-25]
 *   as = sun
 *
 * A plan without a season has one that is in force all year; its days are "[day all mon-sun]".
 */
#ifndef WK_HEADEND_PLAN_H
#define WK_HEADEND_PLAN_H

#include <stdbool.h>

#include "base/civil.h"
#include "headend/channel.h"
#include "port/linux/ini.h"

#define WK_PLAN_SEASONS  8
#define WK_PLAN_BANDS    16
#define WK_PLAN_SPECIALS 64
#define WK_PLAN_NAME     48

struct wk_plan_rate {
    bool used;
    char name[WK_PLAN_NAME];
    int64_t price_e6_per_kwh;
};

struct wk_plan_day {
    uint8_t count;
    uint16_t minute[WK_PLAN_BANDS]; /* begin of the band; the first is 0, ascending */
    uint8_t rate[WK_PLAN_BANDS];    /* 0..3 = T1..T4 */
};

struct wk_plan_season {
    char name[WK_PLAN_NAME];
    uint8_t month; /* first day of the season */
    uint8_t day;
    struct wk_plan_day week[7]; /* Monday first */
};

struct wk_plan_special {
    uint16_t year;
    uint8_t month;
    uint8_t day;
    uint8_t weekday; /* billed as this day of the week, 1..7 */
};

struct wk_plan {
    char name[WK_PLAN_NAME];
    char currency[4];
    struct wk_zone zone;
    int64_t standing_e6_per_day;
    int64_t vat_e6; /* share: 190,000 = 19 % */
    struct wk_plan_rate rate[WK_TARIFFS];
    uint8_t seasons;
    struct wk_plan_season season[WK_PLAN_SEASONS];
    uint8_t specials;
    struct wk_plan_special special[WK_PLAN_SPECIALS];
};

/** Reads a plan and checks that it is complete: every weekday of every season has bands, every
 *  rate that is used has a price. On error `why` says file, line and reason. */
WK_MUST_USE wk_err wk_plan_read(const char *path, struct wk_plan *plan, char why[WK_INI_WHY]);

/** The rate (0..3) in force at an instant. WK_E_RANGE: outside the years 1970..2105. */
WK_MUST_USE wk_err wk_plan_rate_at(const struct wk_plan *plan, int64_t utc_s, int *rate);

#endif
