/* SPDX-License-Identifier: Apache-2.0
 *
 * management/tariff - which tariff is in force (activity calendar, IEC 62056-6-2, 4.5.5).
 *
 * Season (by date) -> week (by weekday) -> day table (by time of day) -> tariff 1..8, and
 * the load management outputs that are on. Special days override the week. A passive calendar
 * takes over at its activation time. Times are civil: on the 23-hour and the 25-hour day a band
 * follows the clock on the wall. */
#ifndef WK_MANAGEMENT_TARIFF_H
#define WK_MANAGEMENT_TARIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"

#define WK_TARIFF_COUNT        8 /* tariffs are numbered 1..8 */
#define WK_TARIFF_NAME         8
#define WK_TARIFF_SEASONS      4
#define WK_TARIFF_WEEKS        4
#define WK_TARIFF_DAYS         8
#define WK_TARIFF_ACTIONS      16
#define WK_TARIFF_SPECIAL_DAYS 50
#define WK_TARIFF_LOADS        0x0F /* outputs of load management: bit 0..3 */

struct wk_tariff_season {
    uint8_t month; /* begins on this day of every year */
    uint8_t day;
    uint8_t week; /* index into weeks */
};

struct wk_tariff_action {
    uint16_t minute; /* of the civil day, 0..1439, ascending; the first is 0 */
    uint8_t tariff;  /* 1..WK_TARIFF_COUNT, in force from here on */
    uint8_t load;    /* load management outputs that are on from here on, a bit each */
};

struct wk_tariff_day {
    uint8_t action_count; /* 1..WK_TARIFF_ACTIONS */
    struct wk_tariff_action action[WK_TARIFF_ACTIONS];
};

struct wk_tariff_special_day {
    uint16_t year; /* 0 = every year */
    uint8_t month;
    uint8_t day_of_month;
    uint8_t day; /* index into days */
};

struct wk_tariff_calendar {
    char name[WK_TARIFF_NAME + 1];
    uint8_t season_count; /* 1..WK_TARIFF_SEASONS, ascending by date */
    struct wk_tariff_season season[WK_TARIFF_SEASONS];
    uint8_t week_count;                   /* 1..WK_TARIFF_WEEKS */
    uint8_t week_day[WK_TARIFF_WEEKS][7]; /* Monday first; index into days */
    uint8_t day_count;                    /* 1..WK_TARIFF_DAYS */
    struct wk_tariff_day day[WK_TARIFF_DAYS];
};

struct wk_tariff {
    struct wk_tariff_calendar active;
    struct wk_tariff_calendar passive;
    struct wk_utc activate_at; /* 0 = no activation pending */
    uint8_t special_count;
    struct wk_tariff_special_day special[WK_TARIFF_SPECIAL_DAYS];
    uint8_t current;    /* 1..WK_TARIFF_COUNT; 0 = not evaluated yet */
    uint8_t load;       /* outputs that are on now */
    int64_t valid_to_s; /* UTC until which `current` needs no new look */
};

/** One tariff around the clock: what a meter has before anybody gives it a calendar. */
void wk_tariff_init(struct wk_tariff *tariff);

/* What is wrong with a calendar, for people. */
struct wk_tariff_fault {
    const char *part;   /* "season", "week", "day", "special day", "name", "activation" */
    const char *reason; /* "begins before the one before it" ... */
    uint8_t number;     /* of the part, from 1 */
    uint8_t detail;     /* action of a day, weekday of a week, from 1; 0 = all of it */
};

/** WK_E_RANGE: a count, index, date, time or tariff number is not as described above; `fault`
 *  says which (NULL: nobody asks). */
WK_MUST_USE wk_err wk_tariff_check(const struct wk_tariff_calendar *calendar,
                                   struct wk_tariff_fault *fault);
/** The same for the special days, whose day indices refer to the active calendar: dates that
 *  exist, days that exist, no date twice. */
WK_MUST_USE wk_err wk_tariff_check_special(const struct wk_tariff *tariff,
                                           struct wk_tariff_fault *fault);

/** Sets when the passive calendar takes over; 0 = never. WK_E_RANGE: not after `now`, or the
 *  passive calendar is not complete; nothing is changed then. */
WK_MUST_USE wk_err wk_tariff_plan(struct wk_tariff *tariff, struct wk_utc activate_at,
                                  struct wk_utc now, struct wk_tariff_fault *fault);

/** What the active calendar says for a civil time. */
const struct wk_tariff_action *wk_tariff_at(const struct wk_tariff *tariff,
                                            const struct wk_civil *civil);

typedef enum wk_tariff_change {
    WK_TARIFF_SAME = 0,
    WK_TARIFF_SWITCHED,  /* another tariff is in force, or other outputs are on */
    WK_TARIFF_ACTIVATED, /* the passive calendar took over (and the tariff may have changed) */
} wk_tariff_change;

/** The passive calendar takes over now. WK_E_RANGE: it is not complete (its parts may have been
 *  written one by one); the active one stays. A pending activation is used up either way. */
WK_MUST_USE wk_err wk_tariff_activate(struct wk_tariff *tariff);

/** Brings `current` up to `now`. Cheap when called often: it looks once a civil minute. */
wk_tariff_change wk_tariff_update(struct wk_tariff *tariff, const struct wk_zone *zone,
                                  struct wk_utc now);
/** The calendar, the special days or the clock were changed: look again at the next update. */
void wk_tariff_invalidate(struct wk_tariff *tariff);

/** (tariff_pack.c) Octets for the store. Unpacking checks everything; WK_E_FORMAT, WK_E_RANGE. */
#define WK_TARIFF_PACKED_MAX 1536
void wk_tariff_pack(const struct wk_tariff *tariff, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_tariff_unpack(struct wk_tariff *tariff, struct wk_bytes_in *in);

#endif
