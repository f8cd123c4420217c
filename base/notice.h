/* SPDX-License-Identifier: Apache-2.0
 *
 * base/notice - a fixed ring of codes: how a room tells what it found.
 *
 * A room that must not call upwards drops a notice; the assembler carries it to the rooms that
 * care. When the ring is full the newest is refused and counted, so that first occurrences
 * survive a storm. */
#ifndef WK_BASE_NOTICE_H
#define WK_BASE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#define WK_NOTICE_ROOM 16

struct wk_notice {
    int64_t t_us;   /* UTC, microseconds since 1970 */
    uint16_t code;  /* meaning belongs to the room that drops it */
    uint8_t source; /* enum of the assembler: which room */
    uint8_t detail; /* phase, tariff, state ... */
    int32_t value;
};

struct wk_notice_ring {
    struct wk_notice slots[WK_NOTICE_ROOM];
    uint8_t first;
    uint8_t count;
    uint32_t refused;
};

/** Returns false, and counts, if the ring is full. */
bool wk_notice_drop(struct wk_notice_ring *ring, struct wk_notice notice);
/** Takes the oldest; false if there is none. */
bool wk_notice_take(struct wk_notice_ring *ring, struct wk_notice *notice);

#endif
