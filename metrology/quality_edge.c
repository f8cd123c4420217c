/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/quality_edge.h"

#define ONE_Q16    65536
#define LAST       (WK_QUALITY_HALVES - 1)
#define EDGE_SHARE 0.05F /* so much of a step in a half cycle is more than noise */

/* Share 0..1 of a step from `from` to `to` that a half cycle has behind it. */
static float share_of(float mean, float from, float to)
{
    if (from == to) {
        return 1;
    }
    const float share = (mean - from) / (to - from);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static bool all_valid(const struct wk_quality_voltage *voltage)
{
    bool all = true;
    for (int i = 0; i < WK_QUALITY_HALVES; i++) {
        all = all && voltage->half[i].valid;
    }
    return all;
}

/* Where a voltage stepped, seen from its last four half cycles: it was at the mean square of
 * half `first` before, and is at `to` now. */
static uint64_t edge_after(const struct wk_quality_voltage *voltage, int first, float to)
{
    const struct wk_quality_half *half = voltage->half;
    float behind = 0; /* frames */
    for (int i = first + 1; i < WK_QUALITY_HALVES; i++) {
        behind += share_of(half[i].mean_v2, half[first].mean_v2, to) * half[i].frames;
    }
    return half[LAST].end_q16 - (uint32_t)(behind * ONE_Q16);
}

/* What the voltage steps to is known if it did so before the last half cycle; else it is taken
 * in the middle between what the half cycle shows and none. */
uint64_t wk_quality_edge_begin_q16(const struct wk_quality_voltage *voltage)
{
    const struct wk_quality_half *half = voltage->half;
    const float from = half[0].mean_v2;
    const float now = half[LAST].mean_v2;
    if (!all_valid(voltage) || from == now) {
        return half[LAST - 1].end_q16;
    }
    if (share_of(half[LAST - 1].mean_v2, from, now) > EDGE_SHARE) {
        return edge_after(voltage, 0, now);
    }
    const float least = now < from ? (from - now) / from : 0;
    return half[LAST].end_q16 - (uint32_t)((1 + least) / 2 * half[LAST].frames * ONE_Q16);
}

/* The voltage was deepest in one of the half cycles before the last, and stepped to what it was
 * before the event if it did so in the last. */
uint64_t wk_quality_edge_end_q16(const struct wk_quality_voltage *voltage, float before,
                                 bool above)
{
    const struct wk_quality_half *half = voltage->half;
    const float now = half[LAST].mean_v2;
    int deepest = 0;
    for (int i = 1; i < LAST; i++) {
        const float further = above ? half[i].mean_v2 - half[deepest].mean_v2
                                    : half[deepest].mean_v2 - half[i].mean_v2;
        const float step = above ? half[deepest].mean_v2 - now : now - half[deepest].mean_v2;
        deepest = further >= -EDGE_SHARE * step ? i : deepest;
    }
    const float from = half[deepest].mean_v2;
    if (!all_valid(voltage) || from == now) {
        return half[LAST - 1].end_q16;
    }
    const bool settled =
        deepest < LAST - 1 && share_of(half[LAST - 1].mean_v2, from, now) > EDGE_SHARE;
    const bool further = above ? before < now : before > now;
    return edge_after(voltage, deepest, !settled && further ? before : now);
}
