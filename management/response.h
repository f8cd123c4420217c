/* SPDX-License-Identifier: Apache-2.0
 *
 * management/response - demand response: levels that cap the import and switch relays off.
 *
 * A level comes with a begin and a duration and ends by itself: a head-end that falls silent
 * cannot leave a site reduced. A cap is never below `floor_mw` (4.2 kW by default: section 14a
 * EnWG guarantees a controllable consumer at least that). The begin may be spread by a random
 * offset, so that a street does not step at once. Time is UTC by the meter's clock. */
#ifndef WK_MANAGEMENT_RESPONSE_H
#define WK_MANAGEMENT_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/setting.h"

#define WK_RESPONSE_LONGEST_S 86400
#define WK_RESPONSE_FLOOR_MW  INT64_C(4200000)

typedef enum wk_response_level {
    WK_RESPONSE_NORMAL = 0,
    WK_RESPONSE_REDUCE,
    WK_RESPONSE_CRITICAL,
    WK_RESPONSE_LOWEST,
    WK_RESPONSE_LEVELS,
} wk_response_level;

struct wk_response_settings {
    int64_t floor_mw;
    int64_t cap_mw[WK_RESPONSE_LEVELS]; /* 0: no cap; else at least floor_mw */
    uint8_t relays[WK_RESPONSE_LEVELS]; /* bit n: relay n is off at this level */
    uint16_t offset_most_s;             /* of the begin, 0..1799 */
};

extern const struct wk_setting_table wk_response_table;

struct wk_response {
    struct wk_response_settings settings;
    uint8_t level;   /* in force */
    uint8_t ordered; /* from begin_s to end_s; 0: no order */
    int64_t begin_s; /* UTC seconds, offset included */
    int64_t end_s;
};

/** REDUCE 8 kW, CRITICAL 6 kW, LOWEST 4.2 kW and relay 1 off; no offset. */
void wk_response_init(struct wk_response *response);

/** WK_E_RANGE: outside of wk_response_table, or a cap below the floor; nothing changed. */
WK_MUST_USE wk_err wk_response_set(struct wk_response *response,
                                   const struct wk_response_settings *settings);

struct wk_response_order {
    uint8_t level; /* wk_response_level */
    int64_t begin_s;
    int64_t duration_s;
};

/** Takes an order in place of the one before. `begin_s` 0 or in the past: now. NORMAL ends
 *  what runs. WK_E_RANGE: no such level; duration not 1..WK_RESPONSE_LONGEST_S; begin more than
 *  that ahead; nothing changed. `random` is the owner's. */
WK_MUST_USE wk_err wk_response_take(struct wk_response *response,
                                    const struct wk_response_order *order, int64_t utc_s,
                                    uint32_t random);

/** True if the level in force changed. */
bool wk_response_step(struct wk_response *response, int64_t utc_s);

/** What the level in force asks: cap in mW (0: none), relays that are off. */
int64_t wk_response_cap_mw(const struct wk_response *response);
uint8_t wk_response_relays_off(const struct wk_response *response);

#endif
