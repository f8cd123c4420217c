/* SPDX-License-Identifier: Apache-2.0
 *
 * management/reclose - load limitation: how often and when the supply may come back after the
 * limiter took it away.
 *
 *   idle ---trip, attempts left---> waiting ---delay over, load below---> idle, attempts + 1
 *   idle ---trip, none left-------> locked
 *   waiting, locked ---release (remote or by hand)---> idle, attempts 0
 *   idle ---no trip for quiet_s---> attempts 0
 *
 * While it waits or is locked the load is a reason to stay disconnected. */
#ifndef WK_MANAGEMENT_RECLOSE_H
#define WK_MANAGEMENT_RECLOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/setting.h"

typedef enum wk_reclose_state {
    WK_RECLOSE_IDLE = 0,
    WK_RECLOSE_WAITING,
    WK_RECLOSE_LOCKED,
    WK_RECLOSE_STATES,
} wk_reclose_state;

struct wk_reclose_settings {
    uint8_t attempts; /* 0: the first trip locks out */
    uint32_t delay_s; /* from the trip to the attempt */
    uint32_t quiet_s; /* after so long without a trip the attempts are counted anew */
};

extern const struct wk_setting_table wk_reclose_table;

struct wk_reclose {
    struct wk_reclose_settings settings;
    wk_reclose_state state;
    uint8_t attempts;   /* made since the count began */
    int64_t tripped_us; /* the last trip, metrology's time */
};

typedef enum wk_reclose_trip {
    WK_RECLOSE_NO_TRIP = 0,
    WK_RECLOSE_TRIP,
    WK_RECLOSE_LAST_TRIP, /* there is no way back but a release */
} wk_reclose_trip;

typedef enum wk_reclose_edge {
    WK_RECLOSE_NOTHING = 0,
    WK_RECLOSE_TRIPPED,
    WK_RECLOSE_ATTEMPTS, /* the reason has gone for this time */
    WK_RECLOSE_LOCKS_OUT,
} wk_reclose_edge;

/** 3 attempts, 60 s after the trip each, counted anew after 1800 s. */
void wk_reclose_init(struct wk_reclose *reclose);

/** WK_E_RANGE: see wk_reclose_table; nothing changed. */
WK_MUST_USE wk_err wk_reclose_set(struct wk_reclose *reclose,
                                  const struct wk_reclose_settings *settings);

/** `trip`: the load went over the limit. `over`: it still counts as over it. */
wk_reclose_edge wk_reclose_step(struct wk_reclose *reclose, int64_t t_us, wk_reclose_trip trip,
                                bool over);

/** By a person or the head-end; false: there was nothing to release. */
bool wk_reclose_release(struct wk_reclose *reclose);

#endif
