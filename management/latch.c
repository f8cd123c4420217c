/* SPDX-License-Identifier: Apache-2.0 */
#include "management/latch.h"

wk_latch_edge wk_latch_step(struct wk_latch *latch, bool set, bool clear,
                            const struct wk_latch_time *time, int64_t span_us)
{
    const bool contrary = latch->on ? clear && !set : set;
    if (!contrary) {
        latch->run_us = 0;
        return WK_LATCH_STAYS;
    }
    const int64_t span = span_us < WK_LATCH_SPAN_US ? span_us : WK_LATCH_SPAN_US;
    latch->run_us += span > 0 ? span : 0;
    if (latch->run_us < (latch->on ? time->off_us : time->on_us)) {
        return WK_LATCH_STAYS;
    }
    latch->run_us = 0;
    latch->on = !latch->on;
    return latch->on ? WK_LATCH_BEGINS : WK_LATCH_ENDS;
}

void wk_latch_pause(struct wk_latch *latch)
{
    latch->run_us = 0;
}
