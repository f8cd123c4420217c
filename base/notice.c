/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notice.h"

bool wk_notice_drop(struct wk_notice_ring *ring, struct wk_notice notice)
{
    if (ring->count == WK_NOTICE_ROOM) {
        ring->refused++;
        return false;
    }
    ring->slots[(ring->first + ring->count) % WK_NOTICE_ROOM] = notice;
    ring->count++;
    return true;
}

bool wk_notice_take(struct wk_notice_ring *ring, struct wk_notice *notice)
{
    if (ring->count == 0) {
        return false;
    }
    *notice = ring->slots[ring->first];
    ring->first = (uint8_t)((ring->first + 1) % WK_NOTICE_ROOM);
    ring->count--;
    return true;
}
