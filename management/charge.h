/* SPDX-License-Identifier: Apache-2.0
 *
 * management/charge - one charge of an account (class 113 of IEC 62056-6-2): what is to be paid
 * for energy, for time, or from each payment.
 *
 *   energy    price of the tariff in force, by the table of the charge; of a charge without a
 *             table that of management/price. Exact: what does not fill 10^-6 is carried for
 *             ever, per charge
 *   time      the amount of the table for each period that ended; a day is a civil one
 *   payment   a share of each token (10^-4, cut off), or the amount of the table
 *
 * One that is not continuous is a debt: it ends when total_amount_remaining is collected. An
 * amount that is due and cannot be collected yet stays due. ROM: 1.0 kB. */
#ifndef WK_MANAGEMENT_CHARGE_H
#define WK_MANAGEMENT_CHARGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"
#include "management/price.h"

#define WK_CHARGE_RATES         8
#define WK_CHARGE_DAYS          400 /* of periods that are made up after an outage, most */
#define WK_CHARGE_PERIOD_LEAST  60
#define WK_CHARGE_PERIOD_MOST   31536000
#define WK_CHARGE_PROPORTION_E4 10000
#define WK_CHARGE_ANY_RATE      0 /* index: in every tariff that has none of its own */

typedef enum wk_charge_type {
    WK_CHARGE_CONSUMPTION = 0,
    WK_CHARGE_TIME,
    WK_CHARGE_PAYMENT,
    WK_CHARGE_TYPES,
} wk_charge_type;

/* charge_configuration */
enum {
    WK_CHARGE_PERCENTAGE = 0x01, /* of a payment: `proportion`, not the amount of the table */
    WK_CHARGE_CONTINUOUS = 0x02, /* goes on whatever total_amount_remaining says */
    WK_CHARGE_CONFIGURATION = 0x03,
};

/* unit_charge. A price is charge * 10^price_scale currency units per 10^commodity_scale Wh; an
 * amount is charge * 10^price_scale. */
struct wk_charge_table {
    int8_t commodity_scale; /* of energy 0..6, of others 0 */
    int8_t price_scale;     /* -6..3 */
    uint8_t count;
    uint8_t index[WK_CHARGE_RATES]; /* tariff 1..8, or WK_CHARGE_ANY_RATE; rising */
    int16_t charge[WK_CHARGE_RATES];
};

struct wk_charge_rules {
    uint8_t type;           /* wk_charge_type */
    uint8_t priority;       /* 1 = is collected first; 0 = is not collected */
    uint8_t configuration;  /* a set of the bits above */
    uint16_t proportion_e4; /* of a payment */
    uint32_t period_s;      /* of time, 0: none; 86400: at midnight */
    struct wk_charge_table active;
    struct wk_charge_table passive;
    int64_t activate_s; /* UTC at which the passive one takes over; 0: never */
};

struct wk_charge {
    struct wk_charge_rules rules;
    int64_t paid_e6;           /* total_amount_paid */
    int64_t remaining_e6;      /* total_amount_remaining */
    struct wk_price_spent due; /* is there, but was not collected yet */
    int64_t counted_s;         /* UTC: periods up to here are counted; 0: not begun */
    int64_t last_s;            /* UTC of the last collection; 0: never */
    int64_t last_e6;           /* ... and its amount */
};

/** WK_E_RANGE: a number is none of those above, or the prices are beyond what management/price
 *  takes. */
WK_MUST_USE wk_err wk_charge_check(const struct wk_charge_rules *rules);
WK_MUST_USE wk_err wk_charge_check_table(const struct wk_charge_table *table,
                                         wk_charge_type type);

/** Of an energy charge: the price per kWh in a tariff 1..8; `usual_e6` if it has no table. */
int32_t wk_charge_price_e6(const struct wk_charge *charge, uint8_t tariff, int32_t usual_e6);
/** Of the others: the amount of the table. */
int64_t wk_charge_amount_e6(const struct wk_charge *charge);

/** The passive table takes over, if its time has come. True if it did. */
bool wk_charge_activate(struct wk_charge *charge, struct wk_utc at);

/** An energy was imported. */
void wk_charge_use(struct wk_charge *charge, uint8_t tariff, int64_t energy_uwh,
                   int32_t usual_e6);

/** Of time: what the periods that ended since the last call are due for; they count only if
 *  `collects`, and are passed over else. At most WK_CHARGE_DAYS are made up; when the clock was
 *  set back nothing counts twice. */
void wk_charge_elapse(struct wk_charge *charge, const struct wk_zone *zone, struct wk_utc now,
                      bool collects);

/** Of a payment: its part of an amount, at most what the debt still is. */
int64_t wk_charge_share_e6(const struct wk_charge *charge, int64_t amount_e6);

/** What can be collected of what is due; may be negative (a negative price). */
int64_t wk_charge_due_e6(const struct wk_charge *charge);

/** So much was collected. */
void wk_charge_collected(struct wk_charge *charge, int64_t amount_e6, struct wk_utc now);

#endif
