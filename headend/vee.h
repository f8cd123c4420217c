/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/vee - validation, estimation and editing of intervals.
 *
 * Validation never changes a value: what fails is an exception for a person. Estimation fills
 * gaps whose registers are known on both sides, and always so that the sum of the estimates is
 * exactly the energy the registers gained: weights by linear interpolation (gaps up to 2 h) or
 * by the same slots of reference days (longer), scaled to the registers, largest remainder.
 * Tariff channels get estimates only in slots in which their rate is in force, and the import
 * of a slot is the sum of its tariffs. Results are new revisions of day blocks, flagged
 * WK_SLOT_ESTIMATED; the raw revision stays. Zeros that the meter recorded while it had no
 * supply are readings, not gaps. A register that ran backwards is never estimated over. */
#ifndef WK_HEADEND_VEE_H
#define WK_HEADEND_VEE_H

#include <stddef.h>

#include "headend/archive.h"
#include "headend/plan.h"

#define WK_VEE_LINEAR_MAX_S   7200 /* longest gap, in unknown intervals, for interpolation */
#define WK_VEE_WINDOW_DAYS    62   /* longest gap that is estimated */
#define WK_VEE_SPIKE_LIMIT_E3 1800 /* (p1 - p3) / p3 > 1.8 fails */
#define WK_VEE_REFERENCE_DAYS 3

struct wk_vee_result {
    int32_t estimated;  /* import intervals estimated */
    int32_t revisions;  /* day blocks written */
    int32_t exceptions; /* new ones */
};

/** n values between a and b: a + (b - a) * j / (n + 1), j = 1..n, rounded down, never below 0.
 *  Values 0 <= a, b. */
void wk_vee_linear(int64_t a, int64_t b, int32_t n, int64_t *values);

/** Splits `total` >= 0 over n slots in proportion to weights >= 0 (all equal if all are 0) so
 *  that the sum is exactly total: rounded down, the rest to the largest remainders, the earlier
 *  slot first among equals. WK_E_RANGE: a sum overflows; WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_vee_scale(const int64_t *weights, int32_t n, int64_t total,
                                int64_t *values);

/** (p1 - p3) / p3 in 10^-3 of the three highest values; INT64_MAX if p3 is 0 and p1 is not, 0
 *  for fewer than three values. */
int64_t wk_vee_spike_e3(const int64_t *values, int32_t n);

struct wk_vee_days {
    int32_t first;
    int32_t last;
};

/** Validates the closed days first..last and estimates every gap that ends in them.
 *  `plan` may be NULL: no rates. One transaction; on error nothing is written. */
WK_MUST_USE wk_err wk_vee_run(struct wk_archive *archive, int64_t meter,
                              const struct wk_plan *plan, struct wk_vee_days days,
                              int64_t now_s, struct wk_vee_result *result);

#endif
