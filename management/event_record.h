/* SPDX-License-Identifier: Apache-2.0
 *
 * management/event_record - what an event of metrology becomes in the log.
 *
 * The begin of a voltage event is logged with the depth so far (value, mV), the end with extreme
 * and duration (more, ms); a guard with its channels (detail, bit 0..7: U1 U2 U3 UN I1 I2 I3 IN)
 * and the samples concerned (value). */
#ifndef WK_MANAGEMENT_EVENT_RECORD_H
#define WK_MANAGEMENT_EVENT_RECORD_H

#include <stdbool.h>

#include "management/event.h"
#include "metrology/record.h"

/** False: it is not logged. The time is left to the caller. */
bool wk_event_of_record(const struct wk_record_event *record, struct wk_event *event);

#endif
