/* SPDX-License-Identifier: Apache-2.0
 *
 * management/clock - the meter's time: metrology's time plus what adjustments added to it.
 *
 * Metrology stamps records with its own steady time base, which nothing ever sets. A clock
 * adjustment changes only `shift_us`, so records stay gapless whatever the clock is told. */
#ifndef WK_MANAGEMENT_CLOCK_H
#define WK_MANAGEMENT_CLOCK_H

#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"

struct wk_clock {
    struct wk_zone zone;
    int64_t shift_us;    /* added to metrology's time */
    int64_t adjusted_us; /* the last adjustment: new minus old; 0 = none since start */
};

/** The meter's UTC at metrology's time `t_us`. */
int64_t wk_clock_now_us(const struct wk_clock *clock, int64_t t_us);
struct wk_utc wk_clock_utc(int64_t us);

/** Makes the clock show `new_us` at metrology's time `t_us`. WK_E_RANGE: before 1970 or after
 *  2105. */
WK_MUST_USE wk_err wk_clock_set(struct wk_clock *clock, int64_t t_us, int64_t new_us);

#endif
