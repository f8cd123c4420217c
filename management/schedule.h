/* SPDX-License-Identifier: Apache-2.0
 *
 * management/schedule - when a single action schedule (class 22, IEC 62056-6-2) is to act.
 *
 * Its execution times are an array of structures of a time of day, without wildcards, and a date
 * that may have them: any year (0xFFFF), month, day or weekday (0xFF), last day of the month
 * (0xFE), last but one (0xFD). Each entry counts for itself, whatever the schedule's type says.
 * A time that is skipped in spring is that of standard time; of an hour that comes twice in
 * autumn the first counts. ROM: 0.7 kB. */
#ifndef WK_MANAGEMENT_SCHEDULE_H
#define WK_MANAGEMENT_SCHEDULE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"

#define WK_SCHEDULE_DAYS 1500 /* an outage longer than this is looked at from its end */

/** Whether `times`, one whole value, is such an array. WK_E_FORMAT: another type; WK_E_RANGE: no
 *  time or date. */
WK_MUST_USE wk_err wk_schedule_check(struct wk_bytes_in times);

/** Whether a time lies behind `from` and not behind `to`. False for what wk_schedule_check
 *  refuses. */
bool wk_schedule_is_due(struct wk_bytes_in times, const struct wk_zone *zone,
                        struct wk_utc from, struct wk_utc to);

#endif
