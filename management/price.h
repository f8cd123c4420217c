/* SPDX-License-Identifier: Apache-2.0
 *
 * management/price - what a kWh costs now, and what was spent.
 *
 * A price comes from a table by tariff and block, plus riders; or, where half-hourly prices were
 * sent for the time, from those. Prices are integers of 10^-6 currency units per kWh and may be
 * negative. Spending is exact: uWh times price, the remainder carried, so that the sum over
 * windows equals the sum over intervals and over the billing period to the last 10^-6 unit, for
 * each price.
 *
 * Half-hours are those of UTC, 48 a day from any instant on a half-hour: civil days of 23 and 25
 * hours have 46 and 50 of them, and are sent as such. */
#ifndef WK_MANAGEMENT_PRICE_H
#define WK_MANAGEMENT_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "management/registers.h"
#include "management/tariff.h"

#define WK_PRICE_HALF_HOUR_S 1800
#define WK_PRICE_SLOTS       50 /* half-hours of the longest civil day */
#define WK_PRICE_DAYS        2  /* today and tomorrow */
#define WK_PRICE_RIDERS      6
#define WK_PRICE_MOST_E6     INT32_C(1000000000) /* 1000 per kWh: more is a mistake */

struct wk_price_plan {
    int32_t price_e6[WK_TARIFF_COUNT][WK_REGISTERS_BLOCKS];
    int32_t rider_e6[WK_PRICE_RIDERS]; /* added to each of them */
    int32_t cap_e6;                    /* no price is above it; 0: no cap */
    int64_t standing_e6;               /* per day */
};

/* Prices of up to 50 half-hours, all riders and taxes in them. */
struct wk_price_day {
    struct wk_utc begin; /* a full or a half hour; 0 = none */
    uint8_t count;       /* 1..WK_PRICE_SLOTS */
    int32_t price_e6[WK_PRICE_SLOTS];
};

struct wk_price {
    struct wk_price_plan plan;
    struct wk_price_day day[WK_PRICE_DAYS]; /* by begin; they may not overlap */
};

/* What was spent at any prices. */
struct wk_price_spent {
    int64_t amount_e6;
    int64_t rest; /* 0..10^9 - 1, in 10^-15 units */
};

/** WK_E_RANGE: a price is beyond +-WK_PRICE_MOST_E6, or the cap or standing charge is negative. */
WK_MUST_USE wk_err wk_price_check(const struct wk_price_plan *plan);

/** Takes half-hourly prices; those of the same begin are replaced, else the oldest day makes
 *  room. WK_E_RANGE: a count, a price, or the begin is not on a half-hour; WK_E_STATE: it
 *  overlaps the other day. Nothing is changed then. */
WK_MUST_USE wk_err wk_price_take(struct wk_price *price, const struct wk_price_day *day);

/** The price per kWh at an instant, in a tariff 1..8 and block 0..3; *dynamic: it is one of the
 *  half-hourly ones. */
int32_t wk_price_at(const struct wk_price *price, struct wk_utc at, uint8_t tariff,
                    uint8_t block, bool *dynamic);

/** Adds an energy (uWh, may be negative for export) at a price. */
void wk_price_spend(struct wk_price_spent *spent, int64_t energy_uwh, int32_t price_e6);
/** Adds a fixed amount, such as the standing charge of a day. */
void wk_price_charge(struct wk_price_spent *spent, int64_t amount_e6);

/* Steps of a network charge by time of use as section 14a of the German energy industry act
 * (EnWG) allows them, module 3. */
struct wk_price_steps {
    int32_t standard_e6;
    int32_t high_e6;
    int32_t low_e6;
    uint16_t high_minutes; /* of a day */
};

typedef enum wk_price_steps_fault {
    WK_PRICE_STEPS_GOOD = 0,
    WK_PRICE_STEPS_HIGH,      /* above twice the standard step, or below it */
    WK_PRICE_STEPS_HIGH_TIME, /* less than two hours a day */
    WK_PRICE_STEPS_LOW,       /* not 10 to 40 % of the standard step */
} wk_price_steps_fault;

wk_price_steps_fault wk_price_check_steps(const struct wk_price_steps *steps);

/** Octets for the store. Unpacking checks everything: WK_E_FORMAT, WK_E_RANGE; nothing is changed
 *  then. */
#define WK_PRICE_PACKED_MAX 600
void wk_price_pack(const struct wk_price *price, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_price_unpack(struct wk_price *price, struct wk_bytes_in *in);

#endif
