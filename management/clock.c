/* SPDX-License-Identifier: Apache-2.0 */
#include "management/clock.h"

#define US_PER_S INT64_C(1000000)

int64_t wk_clock_now_us(const struct wk_clock *clock, int64_t t_us)
{
    return t_us + clock->shift_us;
}

struct wk_utc wk_clock_utc(int64_t us)
{
    const int64_t whole = us / US_PER_S;
    return (struct wk_utc){us % US_PER_S < 0 ? whole - 1 : whole};
}

wk_err wk_clock_set(struct wk_clock *clock, int64_t t_us, int64_t new_us)
{
    struct wk_civil civil;
    WK_TRY(wk_civil_from_utc(&clock->zone, wk_clock_utc(new_us), &civil));
    clock->adjusted_us = new_us - wk_clock_now_us(clock, t_us);
    clock->shift_us += clock->adjusted_us;
    return WK_OK;
}
