/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include "base/wide.h"

#define UWH_PER_KWH  INT64_C(1000000000)
#define E6_PER_MINOR INT64_C(10000) /* 10^6 per unit / 100 minor units per unit */
#define E6_PER_WHOLE INT64_C(1000000)

static wk_err divide_half_even(struct wk_i128 dividend, int64_t divisor, int64_t *quotient)
{
    int64_t rest;
    struct wk_i128 result = wk_i128_div(dividend, divisor, &rest);
    const int64_t to_next = divisor - rest;
    if (rest > to_next || (rest == to_next && (result.low & 1U) != 0)) {
        result = wk_i128_add(result, wk_i128_of(1));
    }
    if (!wk_i128_fits_i64(result)) {
        return WK_E_RANGE;
    }
    *quotient = (int64_t)result.low;
    return WK_OK;
}

wk_err wk_money_of_energy(int64_t energy_uwh, int64_t price_e6_per_kwh, int64_t *minor)
{
    return divide_half_even(wk_i128_mul(energy_uwh, price_e6_per_kwh),
                            UWH_PER_KWH * E6_PER_MINOR, minor);
}

wk_err wk_money_of_pieces(int64_t count, int64_t price_e6, int64_t *minor)
{
    return divide_half_even(wk_i128_mul(count, price_e6), E6_PER_MINOR, minor);
}

wk_err wk_money_share(int64_t amount_minor, int64_t share_e6, int64_t *minor)
{
    return divide_half_even(wk_i128_mul(amount_minor, share_e6), E6_PER_WHOLE, minor);
}
