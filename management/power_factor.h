/* SPDX-License-Identifier: Apache-2.0
 *
 * management/power_factor - the mean power factor of a billing period, and the surcharge or
 * reduction that a table gives for it.
 *
 * The mean power factor is W / sqrt(W^2 + R^2) of the period's active and reactive energy, in
 * whole per cent, rounded half up, as tariffs are written. Integers throughout. */
#ifndef WK_MANAGEMENT_POWER_FACTOR_H
#define WK_MANAGEMENT_POWER_FACTOR_H

#include <stdint.h>

#include "base/err.h"

#define WK_POWER_FACTOR_ROWS 12

/* From `from_percent` down to the next row's + 1: `base_e4` at from_percent, and `step_e4` more
 * for each per cent below it. In 10^-4 of the amount: 75 = 0.75 %. */
struct wk_power_factor_row {
    uint8_t from_percent;
    int16_t base_e4;
    int16_t step_e4;
};

struct wk_power_factor_table {
    uint8_t count; /* 1..WK_POWER_FACTOR_ROWS; falling, the first begins at 100 */
    struct wk_power_factor_row row[WK_POWER_FACTOR_ROWS];
};

/** The Chinese table for a standard of 0.90: -0.75 % from 0.95 on, +0.5 % for each hundredth below
 *  0.90, +1 % below 0.70, +2 % below 0.65. */
extern const struct wk_power_factor_table wk_power_factor_cn_090;

/** WK_E_RANGE: rows do not fall, or the first does not begin at 100. */
WK_MUST_USE wk_err wk_power_factor_check(const struct wk_power_factor_table *table);

/** 0..100; without any energy 100. Energies >= 0. */
uint8_t wk_power_factor_percent(int64_t active_uwh, int64_t reactive_uvarh);

/** The surcharge (positive) or reduction in 10^-4 of the amount. */
int32_t wk_power_factor_adjust_e4(const struct wk_power_factor_table *table, uint8_t percent);

#endif
