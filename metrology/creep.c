/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/creep.h"

#define MEAN_SHIFT 6 /* 64 windows of 0.2 s */

void wk_creep_init(struct wk_creep *creep, int64_t start_ua)
{
    *creep = (struct wk_creep){.start_ua = start_ua};
}

bool wk_creep_step(struct wk_creep *creep, int phase, int64_t i1_ua)
{
    const int64_t now_q6 = i1_ua << MEAN_SHIFT;
    int64_t *mean_q6 = &creep->mean_ua_q6[phase];
    *mean_q6 =
        creep->known[phase] ? *mean_q6 + (now_q6 - *mean_q6) / (1 << MEAN_SHIFT) : now_q6;
    creep->known[phase] = true;
    const int64_t start_q6 = creep->start_ua << MEAN_SHIFT;
    const int64_t limit_q6 = creep->running[phase] ? start_q6 - start_q6 / 6 : start_q6;
    creep->running[phase] = *mean_q6 >= limit_q6;
    return creep->running[phase];
}
