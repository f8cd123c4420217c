/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/dlms_meter - a small meter for tests of the DLMS server: every kind of object, values
 * that follow from formulas, and a count of everything that changed it. */
#ifndef WK_TEST_DLMS_METER_H
#define WK_TEST_DLMS_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "management/object.h"
#include "management/session.h"

#define WK_DLMS_METER_NOTE    1500                /* most octets of the writable note */
#define WK_DLMS_METER_START_S INT64_C(1790000100) /* end of the first interval, UTC */
#define WK_DLMS_METER_SPAN_S  900
#define WK_DLMS_METER_ENTRIES 960
#define WK_DLMS_METER_COLUMNS 4 /* clock, status, total import, T1 */

struct wk_dlms_meter {
    struct wk_session_security *security;
    bool closed; /* the contactor */
    uint8_t note[WK_DLMS_METER_NOTE];
    size_t note_size;
    uint32_t changes; /* writes and actions that took effect */
};

/** The table over `meter`; both must outlive it. */
struct wk_object_table wk_dlms_meter_table(struct wk_dlms_meter *meter);

/** Keys, password ("Wattkeeper") and title of the tests; counters 1..reserved. */
void wk_dlms_meter_secure(struct wk_session_security *security);

/** The registers at the end of interval `entry` (0 = oldest): total and T1. */
int64_t wk_dlms_meter_import_uwh(uint32_t entry);
int64_t wk_dlms_meter_t1_uwh(uint32_t entry);

#endif
