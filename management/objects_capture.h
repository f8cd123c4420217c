/* SPDX-License-Identifier: Apache-2.0
 *
 * management/objects_capture - which attributes a profile can capture, what they hold when an
 * interval ends, and how a captured value goes on the wire: with the type its object has.
 *
 * These can be captured: the clock; both octets of the status of the interval; the tariff in force,
 * power failures, the number of the billing period (class 1); every register (class 3); maximum
 * demand and its time (class 4, attributes 2 and 5); demand under way and of the last period
 * (class 5, attributes 2 and 3). */
#ifndef WK_MANAGEMENT_OBJECTS_CAPTURE_H
#define WK_MANAGEMENT_OBJECTS_CAPTURE_H

#include "management/objects.h"

typedef enum wk_objects_capture_kind {
    WK_OBJECTS_CAPTURE_NONE = 0,
    WK_OBJECTS_CAPTURE_CLOCK, /* of the row: so are the next two */
    WK_OBJECTS_CAPTURE_STATUS,
    WK_OBJECTS_CAPTURE_STATUS_2,
    WK_OBJECTS_CAPTURE_TARIFF,
    WK_OBJECTS_CAPTURE_FAILURES,
    WK_OBJECTS_CAPTURE_PERIODS,
    WK_OBJECTS_CAPTURE_REGISTER,
    WK_OBJECTS_CAPTURE_MAXIMUM,
    WK_OBJECTS_CAPTURE_MAXIMUM_AT,
    WK_OBJECTS_CAPTURE_DEMAND,
    WK_OBJECTS_CAPTURE_DEMAND_LAST,
} wk_objects_capture_kind;

/* A column, looked up. */
struct wk_objects_capture {
    wk_objects_capture_kind kind;
    uint32_t selector; /* of the object */
};

/** WK_E_NOT_FOUND: a meter of so many phases has no such object; WK_E_UNSUPPORTED: it has, but the attribute
 *  cannot be captured. */
WK_MUST_USE wk_err wk_objects_capture_find(uint8_t phases,
                                           const struct wk_profile_column *column,
                                           struct wk_objects_capture *capture);

/** Whether this meter can follow the rules. The clock must come first, and no column twice.
 *  WK_E_RANGE: period, number or order of the columns; or as above. `at` is the column in question,
 *  or WK_PROFILE_COLUMNS; NULL: not asked. */
WK_MUST_USE wk_err wk_objects_capture_check(uint8_t phases,
                                            const struct wk_profile_rules *rules, uint8_t *at);

/** Fills in the values of a row of a profile, as they are now. */
void wk_objects_capture_row(const struct wk_rooms *rooms, const struct wk_profile *profile,
                            struct wk_profile_row *row);

/** Writes column `index` of a row; null-data if the row has no value there. */
void wk_objects_capture_put(const struct wk_rooms *rooms,
                            const struct wk_objects_capture *capture,
                            const struct wk_profile_row *row, uint8_t index,
                            struct wk_bytes_out *out);

/** The clock of a row: the end of its interval. */
void wk_objects_capture_put_clock(const struct wk_rooms *rooms,
                                  const struct wk_profile_row *row, struct wk_bytes_out *out);

#endif
