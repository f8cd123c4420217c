/* SPDX-License-Identifier: Apache-2.0
 *
 * management/limiter - watches a value against a threshold (IEC 62056-6-2, limiter, class 71).
 *
 * The value must be above the threshold for min_over_s, then below it (or at it) for
 * min_under_s. The threshold is the normal one; the emergency one while the emergency profile
 * runs and its id is in the group list; never more than a cap from outside. What follows from
 * an edge is told by `over` and `under` and done by the assembler. */
#ifndef WK_MANAGEMENT_LIMITER_H
#define WK_MANAGEMENT_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/latch.h"
#include "management/setting.h"

#define WK_LIMITER_GROUPS 8
#define WK_LIMITER_MOST   INT64_C(1000000000000) /* of a threshold: 1 GW in mW, 10^9 A in mA */

typedef enum wk_limiter_monitor {
    WK_LIMITER_P_IMPORT = 0, /* 1.7.0: sum of the phases, if it is import; mW */
    WK_LIMITER_I_MOST,       /* 11.7.0: largest phase current; mA */
    WK_LIMITER_P_NET,        /* 16.7.0: sum of the phases in either direction, magnitude; mW */
    WK_LIMITER_MONITORS,
} wk_limiter_monitor;

typedef enum wk_limiter_action {
    WK_LIMITER_NOTHING = 0,
    WK_LIMITER_SUPPLY,  /* over: local disconnect; under: local reconnect */
    WK_LIMITER_RELAY_1, /* over: off; under: as it was */
    WK_LIMITER_RELAY_2,
    WK_LIMITER_ACTIONS,
} wk_limiter_action;

struct wk_limiter_settings {
    uint8_t monitor; /* wk_limiter_monitor */
    uint8_t over;    /* wk_limiter_action */
    uint8_t under;   /* the same action, or NOTHING: then only a release ends it */
    int64_t normal;  /* unit of the monitor; 0: not limited */
    int64_t emergency;
    uint32_t min_over_s;
    uint32_t min_under_s;
    uint16_t profile_id;     /* emergency profile */
    uint32_t profile_s;      /* its duration; 0: there is none */
    int64_t profile_begin_s; /* UTC seconds since 1970 */
    uint8_t groups;          /* how many of the ids below count */
    uint16_t group[WK_LIMITER_GROUPS];
};

extern const struct wk_setting_table wk_limiter_table;

struct wk_limiter {
    struct wk_limiter_settings settings;
    struct wk_latch latch; /* on: over */
    bool emergency;        /* the emergency profile is active */
    int64_t active;        /* threshold in force; 0: none */
};

struct wk_limiter_input {
    int64_t value;
    int64_t cap; /* from outside; 0: none */
    int64_t utc_s;
    int64_t span_us;
};

/** Not limited; the supply is what it acts on. */
void wk_limiter_init(struct wk_limiter *limiter);

/** WK_E_RANGE: outside of wk_limiter_table, or `under` is neither `over` nor NOTHING; nothing
 *  changed. */
WK_MUST_USE wk_err wk_limiter_set(struct wk_limiter *limiter,
                                  const struct wk_limiter_settings *settings);

/** BEGINS: over the threshold; ENDS: back. */
wk_latch_edge wk_limiter_step(struct wk_limiter *limiter, const struct wk_limiter_input *input);

#endif
