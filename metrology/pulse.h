/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/pulse - pulses of the meter constant, from exact energy.
 *
 * The constant is in pulses per kWh. What does not fill a pulse is carried, so that registered
 * energy times constant equals the pulses to less than one, for ever (IEC 62053-21, 8.5). The
 * pulses of a window are spread evenly over the next one. */
#ifndef WK_METROLOGY_PULSE_H
#define WK_METROLOGY_PULSE_H

#include <stdint.h>

#define WK_PULSE_CONSTANT_MOST 10000000

struct wk_pulse {
    uint32_t constant; /* pulses per kWh; 0 = none */
    int64_t carry;     /* uWh * constant, below one pulse: 10^9 */
};

void wk_pulse_init(struct wk_pulse *pulse, uint32_t constant);

/** Adds energy >= 0; returns the pulses it completes. */
uint32_t wk_pulse_add(struct wk_pulse *pulse, int64_t uwh);

/** How many of `pulses` are due when `elapsed` of `span` (any unit, span > 0) have passed. */
uint32_t wk_pulse_due(uint32_t pulses, int64_t elapsed, int64_t span);

#endif
