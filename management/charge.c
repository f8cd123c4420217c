/* SPDX-License-Identifier: Apache-2.0 */
#include "management/charge.h"

#include "base/wide.h"

#define SCALE_E6      6 /* 10^-6 currency units */
#define SCALE_KWH     3 /* prices are per kWh, tables per 10^n Wh */
#define TENS_MOST     9
#define PRIORITY_MOST 99

/* ---- tables ------------------------------------------------------------------------------ */

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    for (int i = 0; i < exponent && i < TENS_MOST; i++) {
        power *= 10;
    }
    return power;
}

static int tens_of(const struct wk_charge_table *table, wk_charge_type type)
{
    const int amount = SCALE_E6 + table->price_scale;
    return type == WK_CHARGE_CONSUMPTION ? amount + SCALE_KWH - table->commodity_scale : amount;
}

static bool rises(const struct wk_charge_table *table)
{
    for (uint8_t i = 0; i < table->count; i++) {
        if (table->index[i] > WK_CHARGE_RATES ||
            (i > 0 && table->index[i] <= table->index[i - 1])) {
            return false;
        }
    }
    return true;
}

wk_err wk_charge_check_table(const struct wk_charge_table *table, wk_charge_type type)
{
    const bool energy = type == WK_CHARGE_CONSUMPTION;
    const int tens = tens_of(table, type);
    if (table->count > WK_CHARGE_RATES || !rises(table) || table->price_scale < -SCALE_E6 ||
        table->price_scale > 3 || table->commodity_scale < 0 ||
        table->commodity_scale > (energy ? SCALE_E6 : 0) || tens < 0 || tens > TENS_MOST) {
        return WK_E_RANGE;
    }
    for (uint8_t i = 0; i < table->count; i++) {
        const int64_t charge_e6 = table->charge[i] * power_of_ten(tens);
        const bool price = charge_e6 >= -WK_PRICE_MOST_E6 && charge_e6 <= WK_PRICE_MOST_E6;
        if (energy ? !price : charge_e6 < 0) {
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

wk_err wk_charge_check(const struct wk_charge_rules *rules)
{
    const bool good = rules->type < WK_CHARGE_TYPES && rules->priority <= PRIORITY_MOST &&
                      (rules->configuration & ~WK_CHARGE_CONFIGURATION) == 0 &&
                      rules->proportion_e4 <= WK_CHARGE_PROPORTION_E4 &&
                      (rules->period_s == 0 || rules->period_s >= WK_CHARGE_PERIOD_LEAST) &&
                      rules->period_s <= WK_CHARGE_PERIOD_MOST && rules->activate_s >= 0;
    if (!good) {
        return WK_E_RANGE;
    }
    const wk_charge_type type = (wk_charge_type)rules->type;
    WK_TRY(wk_charge_check_table(&rules->active, type));
    return wk_charge_check_table(&rules->passive, type);
}

/* The charge of a tariff, in the unit that `type` has here; false: the table has none. */
static bool look_up(const struct wk_charge *charge, uint8_t tariff, int64_t *value_e6)
{
    const struct wk_charge_table *table = &charge->rules.active;
    const int64_t unit = power_of_ten(tens_of(table, (wk_charge_type)charge->rules.type));
    bool found = false;
    for (uint8_t i = 0; i < table->count; i++) {
        if (table->index[i] == WK_CHARGE_ANY_RATE || table->index[i] == tariff) {
            *value_e6 = table->charge[i] * unit; /* rising: a tariff of its own comes later */
            found = true;
        }
    }
    return found;
}

int32_t wk_charge_price_e6(const struct wk_charge *charge, uint8_t tariff, int32_t usual_e6)
{
    int64_t price_e6 = 0;
    if (charge->rules.active.count == 0) {
        return usual_e6;
    }
    return look_up(charge, tariff, &price_e6) ? (int32_t)price_e6 : 0;
}

int64_t wk_charge_amount_e6(const struct wk_charge *charge)
{
    int64_t amount_e6 = 0;
    return look_up(charge, WK_CHARGE_ANY_RATE, &amount_e6) ? amount_e6 : 0;
}

bool wk_charge_activate(struct wk_charge *charge, struct wk_utc at)
{
    struct wk_charge_rules *rules = &charge->rules;
    if (rules->activate_s == 0 || at.s < rules->activate_s) {
        return false;
    }
    rules->active = rules->passive;
    rules->activate_s = 0;
    return true;
}

/* ---- what becomes due -------------------------------------------------------------------- */

static int64_t limited_to_debt(const struct wk_charge *charge, int64_t amount_e6)
{
    const bool debt = (charge->rules.configuration & WK_CHARGE_CONTINUOUS) == 0;
    const int64_t left_e6 = charge->remaining_e6 > 0 ? charge->remaining_e6 : 0;
    return debt && amount_e6 > left_e6 ? left_e6 : amount_e6;
}

void wk_charge_use(struct wk_charge *charge, uint8_t tariff, int64_t energy_uwh,
                   int32_t usual_e6)
{
    const int32_t price_e6 = wk_charge_price_e6(charge, tariff, usual_e6);
    if (charge->rules.type == WK_CHARGE_CONSUMPTION && charge->rules.priority > 0 &&
        price_e6 != 0) {
        wk_price_spend(&charge->due, energy_uwh, price_e6);
        charge->due.amount_e6 = limited_to_debt(charge, charge->due.amount_e6);
    }
}

/* The number of the period an instant lies in; days are civil. */
static int64_t period_of(const struct wk_charge *charge, const struct wk_zone *zone,
                         struct wk_utc at)
{
    struct wk_civil civil;
    if (charge->rules.period_s == WK_DAY_S && wk_civil_from_utc(zone, at, &civil) == WK_OK) {
        return wk_civil_days(civil.year, civil.month, civil.day);
    }
    return at.s / charge->rules.period_s;
}

void wk_charge_elapse(struct wk_charge *charge, const struct wk_zone *zone, struct wk_utc now,
                      bool collects)
{
    const struct wk_utc from = {charge->counted_s};
    if (charge->rules.type != WK_CHARGE_TIME || charge->rules.period_s == 0) {
        return;
    }
    if (from.s == 0 || now.s < from.s - WK_DAY_S) {
        charge->counted_s = now.s; /* begins, or the clock was wrong */
        return;
    }
    if (now.s < from.s) {
        return;
    }
    const int64_t most_s = (int64_t)WK_CHARGE_DAYS * WK_DAY_S;
    const struct wk_utc since = {now.s - from.s > most_s ? now.s - most_s : from.s};
    const int64_t periods = period_of(charge, zone, now) - period_of(charge, zone, since);
    charge->counted_s = now.s;
    if (periods > 0 && collects && charge->rules.priority > 0) {
        wk_price_charge(&charge->due, periods * wk_charge_amount_e6(charge));
        charge->due.amount_e6 = limited_to_debt(charge, charge->due.amount_e6);
    }
}

int64_t wk_charge_share_e6(const struct wk_charge *charge, int64_t amount_e6)
{
    if (charge->rules.type != WK_CHARGE_PAYMENT || charge->rules.priority == 0) {
        return 0;
    }
    const bool percentage = (charge->rules.configuration & WK_CHARGE_PERCENTAGE) != 0;
    const int64_t part_e6 = percentage ? wk_i128_ratio(amount_e6, charge->rules.proportion_e4,
                                                       0, WK_CHARGE_PROPORTION_E4)
                                       : wk_charge_amount_e6(charge);
    return limited_to_debt(charge, part_e6 < amount_e6 ? part_e6 : amount_e6);
}

int64_t wk_charge_due_e6(const struct wk_charge *charge)
{
    return limited_to_debt(charge, charge->due.amount_e6);
}

void wk_charge_collected(struct wk_charge *charge, int64_t amount_e6, struct wk_utc now)
{
    const bool debt = (charge->rules.configuration & WK_CHARGE_CONTINUOUS) == 0;
    if (amount_e6 == 0) {
        return;
    }
    charge->paid_e6 += amount_e6;
    charge->remaining_e6 -= debt ? amount_e6 : 0;
    charge->last_e6 = amount_e6;
    charge->last_s = now.s;
}
