/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/summary - everything that was collected up to an instant as one JSON object: per
 * meter its registers, intervals and bill, and whether they agree to the last unit.
 *
 *   {"meters":[{"serial","phases","register_uwh":{"T1":..},"intervals_uwh":{"T1":..},
 *     "bill":{"currency","lines":[{"name","quantity","price","amount"}],"total"},
 *     "intervals":{"expected","received","estimated"},"events"}],"agree":true}
 *
 * register_uwh is what each tariff register gained between the begin and the end, as the meter
 * reported it; intervals_uwh the sum of the tariff's intervals. "agree" also demands that the
 * bill's quantities equal both, that each amount follows from quantity and price, that the
 * total is their sum, that no interval is missing, and that the registers read outside of the
 * profile lie between the profile's readings around them. */
#ifndef WK_HEADEND_SUMMARY_H
#define WK_HEADEND_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

#include "headend/archive.h"
#include "headend/registry.h"

/** The summary of all meters from their baseline to until_s (0: the end
 *  of the first whole UTC day of each); a meter without readings makes
 *  "agree" false. NULL: no memory. */
json_t *wk_summary_make(struct wk_archive *archive, const struct wk_registry *registry,
                        int64_t until_s);
/** Writes it as one line; true: it agrees. */
bool wk_summary_print(struct wk_archive *archive, const struct wk_registry *registry,
                      int64_t until_s, FILE *file);

/** Whether all meters have everything up to until_s (0: of each its first whole UTC day),
 *  closed and validated. */
WK_MUST_USE wk_err wk_summary_complete(struct wk_archive *archive,
                                       const struct wk_registry *registry, int64_t until_s,
                                       bool *complete);

/** The UTC midnight that ends the first whole UTC day after the baseline: the default end.
 *  WK_E_NOT_FOUND: no reading yet. */
WK_MUST_USE wk_err wk_summary_first_day_end(struct wk_archive *archive, int64_t meter,
                                            int64_t *until_s);

/** Whether registers read directly in from_s..to_s lie between the readings of the profile
 *  around them; *checked counts those that have a reading on either side. */
WK_MUST_USE wk_err wk_summary_bracketed(struct wk_archive *archive, int64_t meter,
                                        int64_t from_s, int64_t to_s, int *checked,
                                        bool *agree);

#endif
