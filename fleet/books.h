/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet/books - the truth outside the meter: what a meter must have made of the records it was
 * fed, by arithmetic of its own.
 *
 * It shares no code with the meter: tariffs come from the tables of fleet/almanac, money from 128
 * bit products, storm control from its statement in words. What it takes from the meter is the
 * reading of its clock at each record, which the year checks against the truth by itself.
 *
 * What was not committed when power failed did not happen: books are plain values that are copied
 * at each commit and put back after a cut. */
#ifndef WK_FLEET_BOOKS_H
#define WK_FLEET_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/almanac.h"
#include "metrology/record.h"

#define WK_BOOKS_RATES   8
#define WK_BOOKS_BLOCKS  2
#define WK_BOOKS_CODES   400 /* event codes lie below */
#define WK_BOOKS_STORMS  24
#define WK_BOOKS_DEBT_E6 INT64_C(60000000) /* what the house owes from before */

/* Bits of an interval that the oracle expects. */
enum { WK_BOOKS_AWAY = 0x01, WK_BOOKS_MOVED = 0x02 };

struct wk_books_rate {
    int64_t import_uwh;
    int64_t export_uwh;
    int64_t q_uvarh[4];
    int64_t block_uwh[WK_BOOKS_BLOCKS];
};

struct wk_books_registers {
    int64_t import_uwh;
    int64_t export_uwh;
    int64_t q_uvarh[4];
    int64_t import_phase_uwh[3];
    int64_t export_phase_uwh[3];
    int64_t import_uvah;
    int64_t export_uvah;
    struct wk_books_rate rate[WK_BOOKS_RATES];
};

/* An interval that ended: the registers then. */
struct wk_books_interval {
    int64_t end_s;
    int64_t import_uwh;
    int64_t export_uwh;
    int64_t rate_uwh[4];
    uint8_t status;
};

struct wk_books_period {
    int64_t begin_s;
    int64_t end_s;
    int reason;          /* wk_billing_reason */
    uint32_t intervals;  /* that had ended before */
    int64_t highest_uwh; /* largest energy of an interval */
    int64_t whole_uwh;   /* ... of one without outage, step or correction */
    struct wk_books_registers registers;
};

struct wk_books_storm {
    int code; /* 0: free */
    int detail;
    int64_t begin_us;
    uint32_t seen;
};

struct wk_books {
    uint64_t epoch;
    uint64_t seq;
    int64_t t_us;     /* metrology's time of the last window */
    int64_t clock_us; /* the meter's clock then */
    bool clock_told;  /* the clock was told something since */
    struct wk_books_registers registers;
    int64_t interval_s; /* end of the interval under way; 0: none */
    uint8_t status;
    int64_t interval_uwh; /* import when it began */
    int64_t interval_us;  /* fed into it */
    bool broken;          /* metrology restarted within it */
    int64_t highest_uwh;  /* of the billing period */
    int64_t whole_uwh;
    uint32_t intervals; /* that ended */
    uint32_t dropped;   /* given up because the clock was set back */
    int64_t next_s;     /* end of the billing period by the schedule; 0: to be planned */
    int64_t begin_s;
    int64_t begin_uwh;
    uint32_t periods;
    int contract;
    int64_t activate_s; /* of the second contract; 0: not planned */
    uint32_t outages;
    uint32_t failures; /* logins of the reader that failed in a row */
    int64_t locked_us; /* until then, by the meter's clock */
    uint32_t tokens;   /* that counted */
    int64_t topped_e6;
    int64_t debt_paid_e6;
    uint32_t logged[WK_BOOKS_CODES];
    struct wk_books_storm storm[WK_BOOKS_STORMS];
};

struct wk_ledger {
    const struct wk_almanac *almanac; /* borrowed */
    int64_t period_s;                 /* of the load profile */
    int64_t block_uwh;                /* import of a billing period in the first block */
    int32_t price_e6[WK_BOOKS_RATES][WK_BOOKS_BLOCKS];
    struct wk_books now;
    struct wk_books committed;
    struct wk_books_interval *interval; /* owned; those of `now` */
    uint32_t interval_room;
    struct wk_books_period *period; /* owned */
    uint32_t period_room;
};

/** Room for that many days. WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_ledger_open(struct wk_ledger *ledger, const struct wk_almanac *almanac,
                                  int64_t days);
void wk_ledger_close(struct wk_ledger *ledger);

/** A record was consumed; the meter's clock showed `clock_us` at its end. */
void wk_ledger_take(struct wk_ledger *ledger, const struct wk_record *record, int64_t clock_us);
/** All so far is committed. */
void wk_ledger_commit(struct wk_ledger *ledger);
/** Power failed: back to the last commit. */
void wk_ledger_back(struct wk_ledger *ledger);
/** The meter started: storm control begins anew. */
void wk_ledger_start(struct wk_ledger *ledger);

/** An event that must be logged, unless a storm of it rages. */
void wk_ledger_event(struct wk_ledger *ledger, int code, int detail);
/** The billing period ends by a command, at the meter's clock. */
void wk_ledger_reset(struct wk_ledger *ledger, int64_t clock_us);
/** The clock was set or stepped by so much; it showed `clock_us` before. */
void wk_ledger_clock(struct wk_ledger *ledger, int64_t clock_us, int64_t by_us, int detail);
/** It is being corrected slowly. */
void wk_ledger_slew(struct wk_ledger *ledger, int detail);
/** A login with a wrong password, at the meter's clock. */
void wk_ledger_wrong_password(struct wk_ledger *ledger, int64_t clock_us, int role);
/** A token was entered by the head-end: a fifth of it goes to the debt while there is one. */
void wk_ledger_pay(struct wk_ledger *ledger, int64_t amount_e6);
void wk_ledger_right_password(struct wk_ledger *ledger);

#endif
