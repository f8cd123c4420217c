/* SPDX-License-Identifier: Apache-2.0 */
#include "management/power_factor.h"

#include <stdbool.h>

#define FULL 100
#define MOST INT64_C(20000000) /* squares of it times 40,000 stay within 64 bits */

const struct wk_power_factor_table wk_power_factor_cn_090 = {
    .count = 5,
    .row = {{100, -75, 0}, {94, -60, 15}, {89, 50, 50}, {69, 1100, 100}, {64, 1700, 200}},
};

wk_err wk_power_factor_check(const struct wk_power_factor_table *table)
{
    bool good = table->count >= 1 && table->count <= WK_POWER_FACTOR_ROWS &&
                table->row[0].from_percent == FULL;
    for (uint8_t i = 1; good && i < table->count; i++) {
        good = table->row[i].from_percent < table->row[i - 1].from_percent;
    }
    return good ? WK_OK : WK_E_RANGE;
}

/* p is the largest whole number with p - 0.5 <= 100 W / sqrt(W^2 + R^2):
 * (2 p - 1)^2 (W^2 + R^2) <= 40,000 W^2. */
uint8_t wk_power_factor_percent(int64_t active_uwh, int64_t reactive_uvarh)
{
    if (active_uwh == 0 && reactive_uvarh == 0) {
        return FULL;
    }
    while (active_uwh < MOST / 2 && reactive_uvarh < MOST / 2) {
        active_uwh *= 2;
        reactive_uvarh *= 2;
    }
    while (active_uwh > MOST || reactive_uvarh > MOST) {
        active_uwh /= 2;
        reactive_uvarh /= 2;
    }
    const int64_t square = active_uwh * active_uwh;
    const int64_t sum = square + reactive_uvarh * reactive_uvarh;
    uint8_t percent = 0;
    while (percent < FULL && (2 * percent + 1) * (2 * percent + 1) * (sum / 4) <=
                                 4 * FULL * FULL * (square / 4)) {
        percent++;
    }
    return percent;
}

int32_t wk_power_factor_adjust_e4(const struct wk_power_factor_table *table, uint8_t percent)
{
    uint8_t at = 0;
    for (uint8_t i = 1; i < table->count; i++) {
        at = percent <= table->row[i].from_percent ? i : at;
    }
    const struct wk_power_factor_row *row = &table->row[at];
    return row->base_e4 + row->step_e4 * (row->from_percent - percent);
}
