/* SPDX-License-Identifier: Apache-2.0
 *
 * management/billing - billing periods: the readings that a bill is made of.
 *
 * A period ends by the schedule (civil time), by a command, or because another calendar was
 * activated. Its entry holds all registers and maxima as they then stood; at least
 * WK_BILLING_KEPT entries are kept. Maximum demand begins anew, and so do the blocks.
 *
 * An end that fell into an outage is taken when the meter is back: no energy flowed through it
 * meanwhile. The entry bears the time it should have had; further ends of the same outage are
 * counted in `missed` and leave no entries of their own.
 *
 * A command within the lock-out time after the last end is refused, so that a reset button
 * cannot be played with. */
#ifndef WK_MANAGEMENT_BILLING_H
#define WK_MANAGEMENT_BILLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/demand.h"
#include "management/registers.h"
#include "management/store.h"

#define WK_BILLING_KEPT        15
#define WK_BILLING_LOCKOUT_MAX 86400

typedef enum wk_billing_schedule {
    WK_BILLING_NEVER = 0,
    WK_BILLING_DAILY,
    WK_BILLING_WEEKLY,  /* day 1 = Monday .. 7 */
    WK_BILLING_MONTHLY, /* day 1..31; a month without it ends on its last day */
    WK_BILLING_SCHEDULES,
} wk_billing_schedule;

struct wk_billing_rules {
    wk_billing_schedule schedule;
    uint8_t day;
    uint16_t minute;    /* of the civil day, 0..1439 */
    uint32_t lockout_s; /* 0..WK_BILLING_LOCKOUT_MAX */
};

typedef enum wk_billing_reason {
    WK_BILLING_SCHEDULED = 1,
    WK_BILLING_COMMANDED,
    WK_BILLING_TARIFF, /* another calendar was activated */
    WK_BILLING_REASONS,
} wk_billing_reason;

struct wk_billing {
    struct wk_billing_rules rules;
    struct wk_utc next;  /* end of the period under way by schedule; 0 = not planned yet */
    struct wk_utc begin; /* of the period under way; 0 = the first one */
    uint32_t number;     /* periods that ended */
};

struct wk_billing_entry {
    uint32_t number; /* 1, 2, 3 ... */
    struct wk_utc begin;
    struct wk_utc end;
    wk_billing_reason reason;
    uint16_t missed;
    struct wk_registers registers; /* at the end */
    struct wk_demand_maximum highest;
    struct wk_demand_maximum maximum[WK_TARIFF_COUNT];
    int64_t cumulative_mw; /* with this period's highest */
};

/** WK_E_RANGE: a rule is outside its range. */
WK_MUST_USE wk_err wk_billing_init(struct wk_billing *billing,
                                   const struct wk_billing_rules *rules);

/** The first end by the schedule after `now`; 0 if there is none. */
struct wk_utc wk_billing_next(const struct wk_billing_rules *rules, const struct wk_zone *zone,
                              struct wk_utc now);

/** Whether the period ends at or before `now` by the schedule. Plans the first end. */
bool wk_billing_is_due(struct wk_billing *billing, const struct wk_zone *zone,
                       struct wk_utc now);

/** Whether a command may end the period now. */
bool wk_billing_may_end(const struct wk_billing *billing, struct wk_utc now);

/* What a period's end touches. */
struct wk_billing_books {
    const struct wk_registers *registers;
    struct wk_registers_blocks *blocks;
    struct wk_demand *demand;
    struct wk_store *store;
    uint8_t log;
};

/** Ends the period: appends the entry (it counts with the next commit), resets demand and blocks.
 *  Errors of wk_store_append: nothing is changed then. */
WK_MUST_USE wk_err wk_billing_end(struct wk_billing *billing, const struct wk_zone *zone,
                                  struct wk_utc now, wk_billing_reason reason,
                                  const struct wk_billing_books *books);

/** The clock was set: the schedule is planned anew from it. An end that it passed by stays due. */
void wk_billing_replan(struct wk_billing *billing, struct wk_utc now);

/** Reads where the reader stands; WK_E_NOT_FOUND at the end, WK_E_FORMAT: no such entry. */
WK_MUST_USE wk_err wk_billing_read(const struct wk_store *store, uint8_t log,
                                   struct wk_store_reader *reader,
                                   struct wk_billing_entry *entry);

/* Octets for the store; rules are configuration: under another schedule the end is planned anew. */
#define WK_BILLING_PACKED 16
void wk_billing_pack(const struct wk_billing *billing, struct wk_bytes_out *out);
void wk_billing_unpack(struct wk_billing *billing, struct wk_bytes_in *in);

#endif
