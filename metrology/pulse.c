/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/pulse.h"

#include "base/wide.h"

#define UWH_PER_KWH INT64_C(1000000000)

void wk_pulse_init(struct wk_pulse *pulse, uint32_t constant)
{
    *pulse = (struct wk_pulse){.constant = constant};
}

uint32_t wk_pulse_add(struct wk_pulse *pulse, int64_t uwh)
{
    struct wk_i128 gained = wk_i128_mul(uwh, pulse->constant);
    const struct wk_i128 carry = wk_i128_of(pulse->carry);
    wk_i128_increase(&gained, &carry);
    pulse->carry = wk_i128_divide(&gained, UWH_PER_KWH);
    return (uint32_t)gained.low;
}

uint32_t wk_pulse_due(uint32_t pulses, int64_t elapsed, int64_t span)
{
    if (elapsed >= span) {
        return pulses;
    }
    return elapsed <= 0 ? 0 : (uint32_t)wk_i128_ratio(pulses, elapsed, 0, span);
}
