/* SPDX-License-Identifier: Apache-2.0
 *
 * management/schedule - when a single action schedule (class 22, IEC 62056-6-2) is to act.
 *
 * Its execution times are an array of structures of a time of day, without wildcards, and a date
 * that may have them: any year (0xFFFF), month, day or weekday (0xFF), last day of the month
 * (0xFE), last but one (0xFD). The type says how many there may be, whether their times of day are one and
 * the same, and whether dates may have wildcards.
 * A time that is skipped in spring is that of standard time; of an hour that comes twice in
 * autumn the first counts. ROM: 0.7 kB. */
#ifndef WK_MANAGEMENT_SCHEDULE_H
#define WK_MANAGEMENT_SCHEDULE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"

#define WK_SCHEDULE_DAYS 1500 /* an outage longer than this is looked at from its end */

/* Attribute `type` of class 22. */
typedef enum wk_schedule_type {
    WK_SCHEDULE_ONE = 1,       /* one time, wildcards in its date */
    WK_SCHEDULE_SAME_DATES,    /* one time of day on dates without wildcards */
    WK_SCHEDULE_SAME_WILD,     /* one time of day, wildcards in the dates */
    WK_SCHEDULE_DIFFERENT,     /* different times of day on dates without wildcards */
    WK_SCHEDULE_DIFFERENT_WILD /* different times of day, wildcards in the dates */
} wk_schedule_type;

/** Whether `times`, one whole value, is such an array as the type allows; an empty one always is.
 *  WK_E_FORMAT: another type of data; WK_E_RANGE: no time or date, or not of the type. */
WK_MUST_USE wk_err wk_schedule_check(struct wk_bytes_in times, wk_schedule_type type);

/** Whether a time lies behind `from` and not behind `to`. False for what wk_schedule_check
 *  refuses. */
bool wk_schedule_is_due(struct wk_bytes_in times, const struct wk_zone *zone,
                        struct wk_utc from, struct wk_utc to);

#endif
