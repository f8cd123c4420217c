/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/storm.h"

void wk_storm_init(struct wk_storm *storm, uint8_t most, int64_t refill_us)
{
    *storm = (struct wk_storm){.most = most, .left = most, .refill_us = refill_us};
}

bool wk_storm_pass(struct wk_storm *storm, int64_t now_us)
{
    const int64_t back =
        now_us > storm->since_us ? (now_us - storm->since_us) / storm->refill_us : 0;
    if (storm->left + back >= storm->most) {
        storm->left = storm->most;
        storm->since_us = now_us;
    } else {
        storm->left = (uint8_t)(storm->left + back);
        storm->since_us += back * storm->refill_us;
    }
    if (storm->left == 0) {
        storm->left_out++;
        return false;
    }
    storm->left--;
    return true;
}

uint32_t wk_storm_take_left_out(struct wk_storm *storm)
{
    const uint32_t count = storm->left_out;
    storm->left_out = 0;
    return count;
}
