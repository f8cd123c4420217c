/* SPDX-License-Identifier: Apache-2.0
 *
 * view/committed - energies as they were at the last commit, for views whose readers keep totals
 * and take any smaller value for another meter's.
 *
 * Registers run ahead of what the store has by up to 10 Wh or a minute. After a cut of the power they
 * begin again at the commit: whoever was told more sees a total fall. What stands here never does. */
#ifndef WK_VIEW_COMMITTED_H
#define WK_VIEW_COMMITTED_H

#include <stdbool.h>

#include "view/point.h"

#define WK_COMMITTED_FIRST WK_POINT_IMPORT
#define WK_COMMITTED_LAST  WK_POINT_EXPORT_L3
#define WK_COMMITTED_COUNT (WK_COMMITTED_LAST - WK_COMMITTED_FIRST + 1)

struct wk_committed {
    struct wk_points points;
    struct wk_point_value value[WK_COMMITTED_COUNT];
    wk_err err[WK_COMMITTED_COUNT]; /* of reading them */
};

/** Takes what there is: call it while everything is committed, as after the start. `table` must
 *  outlive it. */
void wk_committed_init(struct wk_committed *committed, const struct wk_object_table *table);
/** Call it after each commit, before anything else is counted. */
void wk_committed_take(struct wk_committed *committed);
/** Whether a point is an energy kept here. */
bool wk_committed_has(wk_point point);
/** As wk_point_read at the last commit. WK_E_NOT_FOUND also: the point is none of those. */
WK_MUST_USE wk_err wk_committed_read(const struct wk_committed *committed, wk_point point,
                                     struct wk_point_value *value);

#endif
