/* SPDX-License-Identifier: Apache-2.0
 *
 * management/credit - one credit of an account (class 112 of IEC 62056-6-2): an amount of money
 * from which charges are collected.
 *
 *        in use by its turn            amount <= limit
 *   enabled (0) ---------> in use (3) -----------------> exhausted (4)
 *      |  ^                   ^  |                          |
 *      |  | credits before    |  | a credit before it       | amount > limit
 *      v  | it recovered      |  v has money again          v
 *   selectable (1) -------> selected (2)                enabled (0)
 *                  invoke
 *
 * A credit that asks for confirmation waits as selectable until somebody invokes it. Invoking
 * adds the preset amount; one that must be paid back gets what it was given back from the next
 * tokens, before any other credit gets something, and is then as if it had never been invoked.
 *
 * Money: integers of 10^-6 currency units, within +-WK_CREDIT_MOST_E6. ROM: 0.6 kB. */
#ifndef WK_MANAGEMENT_CREDIT_H
#define WK_MANAGEMENT_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_CREDIT_MOST_E6 INT64_C(1000000000000000) /* 10^9 currency units */

typedef enum wk_credit_type {
    WK_CREDIT_TOKEN = 0,
    WK_CREDIT_RESERVED,
    WK_CREDIT_EMERGENCY,
    WK_CREDIT_TIME_BASED,        /* set to its preset amount at each of its times */
    WK_CREDIT_CONSUMPTION_BASED, /* likewise, and only charges for energy are taken from it */
    WK_CREDIT_TYPES,
} wk_credit_type;

typedef enum wk_credit_status {
    WK_CREDIT_ENABLED = 0,
    WK_CREDIT_SELECTABLE,
    WK_CREDIT_SELECTED,
    WK_CREDIT_IN_USE,
    WK_CREDIT_EXHAUSTED,
    WK_CREDIT_STATUSES,
} wk_credit_status;

/* credit_configuration; the first bit of the bit-string is the lowest here. */
enum {
    WK_CREDIT_VISUAL = 0x01,     /* a display shows when it is in use */
    WK_CREDIT_CONFIRM = 0x02,    /* somebody must invoke it */
    WK_CREDIT_PAY_BACK = 0x04,   /* what it was given is paid back by tokens */
    WK_CREDIT_RESETTABLE = 0x08, /* its amount may be set */
    WK_CREDIT_TOKENS = 0x10,     /* tokens add to it */
    WK_CREDIT_CONFIGURATION = 0x1F,
};

struct wk_credit_rules {
    uint8_t type;          /* wk_credit_type */
    uint8_t priority;      /* 1 = is used first; 0 = is not used */
    uint8_t configuration; /* a set of the bits above */
    int64_t warning_e6;    /* warning_threshold: told when the amount falls to it */
    int64_t limit_e6;      /* exhausted at it; below 0: the credit lends */
    int64_t preset_e6;     /* preset_credit_amount, 0 or more */
    int64_t available_e6;  /* selectable when the credits before it have less together */
    uint8_t date[5];       /* period: year, month, day, weekday; wildcards as class 22 */
    uint8_t time[4];       /* ... and time of day; hour 0xFF: never */
};

struct wk_credit {
    struct wk_credit_rules rules;
    int64_t amount_e6;
    int64_t granted_e6; /* given by invoking, not paid back yet */
    bool invoked;
    bool warned;    /* the amount is at or below the warning threshold */
    uint8_t status; /* wk_credit_status; follows from the rest */
};

/** WK_E_RANGE: a type, priority, configuration or amount is none. */
WK_MUST_USE wk_err wk_credit_check(const struct wk_credit_rules *rules);

/** Whether charges are collected from it when its turn comes: it is used, and nobody must invoke
 *  it or somebody did. */
bool wk_credit_is_open(const struct wk_credit *credit);

/** What it can still give: 0 or more. */
int64_t wk_credit_room_e6(const struct wk_credit *credit);

/** What tokens must pay before it is as it was: 0 or more. */
int64_t wk_credit_owed_e6(const struct wk_credit *credit);

/** Somebody takes it into use: adds the preset amount. WK_E_STATE: it is not selectable. */
WK_MUST_USE wk_err wk_credit_invoke(struct wk_credit *credit);

/** Nobody uses it any more: takes back what was given. For one that owes nothing. */
void wk_credit_release(struct wk_credit *credit);

/** Brings the status up to date. `before_e6`: what the open credits before it can give; `in_use`:
 *  one of them is in use. */
void wk_credit_update(struct wk_credit *credit, int64_t before_e6, bool in_use);

#endif
