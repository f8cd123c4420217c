/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_tariff - what a window means for tariff, registers, demand, price and billing
 * period. Part of the assembler, private to it. */
#ifndef WK_MANAGEMENT_MODULE_TARIFF_H
#define WK_MANAGEMENT_MODULE_TARIFF_H

#include "management/module.h"

/** Starts the rooms as configured. WK_E_RANGE: a rule, threshold or price is out of range. */
WK_MUST_USE wk_err wk_module_tariff_start(struct wk_module *module,
                                          const struct wk_module_config *config);

/** Adds a window that ends at the clock's `now_us` to the demand. To be called before all else: a
 *  sub-period that ended with it belongs to the interval, tariff and billing period that end. */
void wk_module_tariff_demand(struct wk_module *module, const struct wk_record *record,
                             int64_t now_us);

/** Before a window that ends at `now_us` counts: ends the billing period if it ended before, and
 *  brings the tariff up to date. */
WK_MUST_USE wk_err wk_module_tariff_before(struct wk_module *module, int64_t now_us);

/** Counts a window that ends at `now_us`; ends the billing period if it ends with it. */
WK_MUST_USE wk_err wk_module_tariff_add(struct wk_module *module,
                                        const struct wk_record *record, int64_t now_us);

/** The clock was set: periods are planned anew, the demand under way is void. */
void wk_module_tariff_clock_set(struct wk_module *module);

/** Ends the billing period for a reason other than the schedule. */
WK_MUST_USE wk_err wk_module_tariff_end_period(struct wk_module *module,
                                               wk_billing_reason reason);

#endif
