/* SPDX-License-Identifier: Apache-2.0
 *
 * base/money - exact decimal amounts.
 *
 * Amounts are integers of minor units (cent); prices are integers of 10^-6 currency units per
 * kWh. Products are taken in 128 bits and rounded once, half to even, where the header says.
 * Currencies have two decimals here (`WK_MONEY_MINOR_PER_UNIT`). */
#ifndef WK_BASE_MONEY_H
#define WK_BASE_MONEY_H

#include <stdint.h>

#include "base/err.h"

#define WK_MONEY_MINOR_PER_UNIT 100

struct wk_money {
    int64_t minor;
    char currency[4]; /* ISO 4217, e.g. "EUR" */
};

/** energy_uwh * price, rounded once to minor units, half to even.
 *  WK_E_RANGE: the amount does not fit in 64 bits. */
WK_MUST_USE wk_err wk_money_of_energy(int64_t energy_uwh, int64_t price_e6_per_kwh,
                                      int64_t *minor);

/** count * price per piece (10^-6 currency units), rounded once, half to even. */
WK_MUST_USE wk_err wk_money_of_pieces(int64_t count, int64_t price_e6, int64_t *minor);

/** The share (10^-6, e.g. 190,000 = 19 % VAT) of an amount, rounded once, half to even. */
WK_MUST_USE wk_err wk_money_share(int64_t amount_minor, int64_t share_e6, int64_t *minor);

#endif
