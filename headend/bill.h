/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/bill - a time-of-use bill, exact to the last unit, and its proof.
 *
 * Each import interval is rated by the plan; quantities are sums of 10^-6 Wh. Every amount is
 * rounded once, half to even, to minor units; the total is the sum of the amounts. Beside the
 * lines stand the meter's own tariff registers at both ends of the period: register difference,
 * sum of the tariff's intervals and billed quantity must be the same number. A bill pins
 * the readings it rests on, values and flags, by a digest. */
#ifndef WK_HEADEND_BILL_H
#define WK_HEADEND_BILL_H

#include "headend/archive.h"
#include "headend/plan.h"

#define WK_BILL_LINES    (WK_TARIFFS + 2) /* rates, standing charge, VAT */
#define WK_BILL_NAME     64
#define WK_BILL_DAYS_MAX 400

typedef enum wk_bill_unit {
    WK_BILL_KWH, /* quantity in 10^-6 Wh, price per kWh */
    WK_BILL_DAY, /* quantity in days, price per day */
    WK_BILL_NET, /* quantity in minor units, price is a share (1,000,000 = 100 %) */
} wk_bill_unit;

struct wk_bill_line {
    char name[WK_BILL_NAME];
    wk_bill_unit unit;
    int64_t quantity;
    int64_t price_e6;
    int64_t amount_minor;
};

struct wk_bill_check {
    bool present;          /* the meter has this tariff register */
    int64_t register_uwh;  /* register at the end - register at the begin, as read */
    int64_t intervals_uwh; /* sum of the tariff's intervals */
    int64_t billed_uwh;    /* import intervals that the plan puts into this rate */
    bool agree;
};

struct wk_bill {
    int64_t meter;
    int64_t from_s; /* of an instant: the first interval begins here */
    int64_t to_s;
    char currency[4];
    int64_t days; /* civil days in the plan's zone that the period touches */
    int32_t lines;
    struct wk_bill_line line[WK_BILL_LINES];
    int64_t total_minor;
    struct wk_bill_check tariff[WK_TARIFFS];
    struct wk_bill_check import; /* all rates together against the total register */
    int32_t expected;            /* intervals */
    int32_t received;            /* of these, read from the meter */
    int32_t estimated;           /* of these, estimated */
    bool provisional;            /* intervals of the period are missing and not estimated */
    bool agree;                  /* all checks agree */
    uint64_t digest;
};

/** Computes the bill of from_s..to_s (multiples of the interval, at most WK_BILL_DAYS_MAX
 *  days). WK_E_NOT_FOUND: no readings there; WK_E_ARGUMENT: the period; WK_E_RANGE: an amount
 *  overflows. */
WK_MUST_USE wk_err wk_bill_compute(struct wk_archive *archive, int64_t meter,
                                   const struct wk_plan *plan, int64_t from_s, int64_t to_s,
                                   struct wk_bill *bill);

/** Keeps an issued bill: a new revision if the readings changed since, nothing if they did not;
 *  *rev is the one in force. WK_E_STATE: it is provisional or does not agree. */
WK_MUST_USE wk_err wk_bill_issue(struct wk_archive *archive, const struct wk_bill *bill,
                                 const char *document, int64_t now_s, int32_t *rev);

#endif
