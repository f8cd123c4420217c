/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/quality_edge - where a voltage stepped, from its last four half cycles.
 *
 * A half cycle in which a voltage steps has a mean square between those before and behind the
 * step; the share tells where in it the step was. Part of metrology/quality. */
#ifndef WK_METROLOGY_QUALITY_EDGE_H
#define WK_METROLOGY_QUALITY_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrology/quality.h"

/** Where the step was that began an event, which the last half cycle showed. Samples from the
 *  start, Q16. */
uint64_t wk_quality_edge_begin_q16(const struct wk_quality_voltage *voltage);

/** Where the step was that ended it. `before` is the mean square before the event, `above` tells
 *  a swell. */
uint64_t wk_quality_edge_end_q16(const struct wk_quality_voltage *voltage, float before,
                                 bool above);

#endif
