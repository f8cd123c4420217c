/* SPDX-License-Identifier: Apache-2.0 */
#include "view/committed.h"

void wk_committed_init(struct wk_committed *committed, const struct wk_object_table *table)
{
    *committed = (struct wk_committed){0};
    wk_points_init(&committed->points, table, WK_ROLE_READER);
    wk_committed_take(committed);
}

void wk_committed_take(struct wk_committed *committed)
{
    for (int n = 0; n < WK_COMMITTED_COUNT; n++) {
        committed->err[n] = wk_point_read(
            &committed->points, (wk_point)(WK_COMMITTED_FIRST + n), &committed->value[n]);
    }
}

bool wk_committed_has(wk_point point)
{
    return point >= WK_COMMITTED_FIRST && point <= WK_COMMITTED_LAST;
}

wk_err wk_committed_read(const struct wk_committed *committed, wk_point point,
                         struct wk_point_value *value)
{
    if (!wk_committed_has(point)) {
        return WK_E_NOT_FOUND;
    }
    *value = committed->value[point - WK_COMMITTED_FIRST];
    return committed->err[point - WK_COMMITTED_FIRST];
}
