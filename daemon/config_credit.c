/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_credit.h"

#include <stdio.h>
#include <string.h>

#define AMOUNT_DIGITS 6
#define PRICE_DIGITS  4 /* price_scale -4 of the energy charge */
#define DAILY_DIGITS  2 /* price_scale -2 of the standing charge */

void wk_config_credit_init(struct wk_config_credit *credit)
{
    *credit = (struct wk_config_credit){.has_key = false};
    wk_payment_usual(&credit->payment);
}

/* ---- values ------------------------------------------------------------------------------ */

static const char *take_amount(const char *value, int64_t least_e6, int64_t *to_e6)
{
    int64_t amount_e6 = 0;
    const bool good = wk_ini_decimal(value, AMOUNT_DIGITS, &amount_e6) == WK_OK &&
                      amount_e6 >= least_e6 && amount_e6 <= WK_CREDIT_MOST_E6;
    *to_e6 = amount_e6;
    if (good) {
        return NULL;
    }
    return least_e6 < 0 ? "must be an amount with at most 6 decimals"
                        : "must be an amount of 0 or more with at most 6 decimals";
}

static const char *take_word(const char *value, const char *first, const char *second,
                             const char *must, bool *is_second)
{
    *is_second = strcmp(value, second) == 0;
    return *is_second || strcmp(value, first) == 0 ? NULL : must;
}

/* Tariffs may come in any order; the table is kept rising. */
static const char *take_price(struct wk_charge_table *table, uint8_t tariff, const char *value)
{
    int64_t price = 0;
    uint8_t at = 0;
    if (wk_ini_decimal(value, PRICE_DIGITS, &price) != WK_OK || price < INT16_MIN ||
        price > INT16_MAX) {
        return "must be a price per kWh with at most 4 decimals, up to 3.2767";
    }
    while (at < table->count && table->index[at] < tariff) {
        at++;
    }
    if (at < table->count && table->index[at] == tariff) {
        return "comes twice";
    }
    for (uint8_t i = table->count; i > at; i--) {
        table->index[i] = table->index[i - 1];
        table->charge[i] = table->charge[i - 1];
    }
    table->index[at] = tariff;
    table->charge[at] = (int16_t)price;
    table->count++;
    return NULL;
}

static const char *take_standing(struct wk_charge_table *table, const char *value)
{
    int64_t amount = 0;
    if (wk_ini_decimal(value, DAILY_DIGITS, &amount) != WK_OK || amount < 0 ||
        amount > INT16_MAX) {
        return "must be an amount a day with at most 2 decimals, up to 327.67";
    }
    table->count = 1;
    table->index[0] = WK_CHARGE_ANY_RATE;
    table->charge[0] = (int16_t)amount;
    return NULL;
}

static const char *take_octets(const char *value, uint8_t *to, size_t wanted, const char *must)
{
    size_t size = 0;
    return wk_ini_hex(value, to, wanted, &size) == WK_OK && size == wanted ? NULL : must;
}

/* ---- the section ------------------------------------------------------------------------- */

static const char *take_number(struct wk_account *account, const char *key, const char *value)
{
    int64_t number = 0;
    if (strcmp(key, "decimals") == 0) {
        const wk_err err = wk_ini_integer(value, 0, -WK_ACCOUNT_SCALE, &number);
        account->rules.scale = (int8_t)-number;
        return err == WK_OK ? NULL : "must be a whole number from 0 to 6";
    }
    if (strcmp(key, "friendly_output") == 0) {
        const wk_err err = wk_ini_integer(value, 0, 4, &number);
        account->rules.friendly = (uint8_t)number;
        return err == WK_OK ? NULL : "must be a whole number from 0 to 4";
    }
    return "is not a key of [credit]";
}

static const char *take_secret(struct wk_config_credit *credit, const char *key,
                               const char *value)
{
    if (strcmp(key, "token_key") == 0) {
        credit->has_key = true;
        return take_octets(value, credit->key, sizeof credit->key,
                           "must be 32 hexadecimal digits");
    }
    if (strcmp(key, "token_point") == 0) {
        credit->has_point = true;
        return take_octets(value, credit->point, sizeof credit->point,
                           "must be 128 hexadecimal digits: x and y of a point of P-256");
    }
    return take_number(&credit->payment.account, key, value);
}

static const char *take_sum(struct wk_config_credit *credit, const char *key, const char *value)
{
    struct wk_account *account = &credit->payment.account;
    if (strcmp(key, "opening") == 0) {
        return take_amount(value, -WK_CREDIT_MOST_E6, &credit->opening_e6);
    }
    if (strcmp(key, "low") == 0) {
        return take_amount(value, -WK_CREDIT_MOST_E6, &account->rules.low_e6);
    }
    if (strcmp(key, "clearance") == 0) {
        return take_amount(value, 0, &account->rules.clearance_e6);
    }
    if (strcmp(key, "emergency") == 0) {
        return take_amount(value, 0, &account->credit[2].rules.preset_e6);
    }
    if (strcmp(key, "emergency_below") == 0) {
        return take_amount(value, 0, &account->credit[2].rules.available_e6);
    }
    if (strcmp(key, "standing_a_day") == 0) {
        return take_standing(&account->charge[1].rules.active, value);
    }
    if (strncmp(key, "price_t", 7) == 0 && key[7] >= '1' && key[7] <= '8' && key[8] == '\0') {
        return take_price(&account->charge[0].rules.active, (uint8_t)(key[7] - '0'), value);
    }
    return take_secret(credit, key, value);
}

static const char *take(struct wk_config_credit *credit, const char *key, const char *value)
{
    struct wk_account_rules *rules = &credit->payment.account.rules;
    bool second = false;
    const char *must;
    if (strcmp(key, "mode") == 0) {
        must =
            take_word(value, "credit", "prepayment", "must be credit or prepayment", &second);
        rules->mode = second ? WK_ACCOUNT_PREPAYMENT : WK_ACCOUNT_CREDIT_MODE;
        return must;
    }
    if (strcmp(key, "reconnect") == 0) {
        must = take_word(value, "automatic", "hand", "must be automatic or hand", &second);
        rules->by_hand = second;
        return must;
    }
    if (strcmp(key, "currency") == 0) {
        memset(rules->name, 0, sizeof rules->name);
        return wk_ini_text(value, rules->name, sizeof rules->name) == WK_OK
                   ? NULL
                   : "must be 1 to 8 characters";
    }
    return take_sum(credit, key, value);
}

wk_err wk_config_credit_take(struct wk_config *config, const struct wk_ini_entry *entry,
                             char *reason, size_t room)
{
    config->has_credit = true;
    if (entry->key == NULL) {
        return WK_OK;
    }
    const char *must = take(&config->credit, entry->key, entry->value);
    if (must != NULL) {
        snprintf(reason, room, "'%s' %s", entry->key, must);
    }
    return must == NULL ? WK_OK : WK_E_FORMAT;
}

const char *wk_config_credit_check(const struct wk_config *config)
{
    if (!config->has_credit) {
        return NULL;
    }
    if (config->credit.payment.account.rules.mode == WK_ACCOUNT_PREPAYMENT &&
        config->control_mode == 0) {
        return "[credit] prepayment needs a supply that may be disconnected: [meter] "
               "control_mode 1 to 6";
    }
    return wk_account_check(&config->credit.payment.account) == WK_OK
               ? NULL
               : "[credit] has a value out of range";
}
