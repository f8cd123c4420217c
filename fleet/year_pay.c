/* SPDX-License-Identifier: Apache-2.0
 *
 * What the house pays: an account that is charged for energy at the prices of the contract, with a
 * debt of which each payment takes a fifth; every ninth night the head-end enters a token. What
 * is left follows from the blocks of the ledger and from the tokens that counted. */
#include "cosem/axdr.h"
#include "fleet/year.h"

#define CLASS_GATEWAY 115
#define METHOD_ENTER  1
#define NIGHTS        9
#define NIGHT         4
#define MOST_E6       INT64_C(90000000)
#define SPREAD        INT64_C(2654435761) /* amounts that look drawn, and leave the dice alone */
#define SHARE         5

wk_err wk_year_pay_start(struct wk_year *year)
{
    struct wk_payment *payment = &year->payment;
    wk_payment_usual(payment);
    year->transfer = (struct wk_token_transfer){
        .crypto = &year->crypto.hal,
        .key = {.octets = {4, 2}, .size = 16},
        .title = {'W', 'K', 'P', 0, 0, 0, 0, 42},
        .name = "WKT0000010000042",
    };
    payment->tokens = wk_token_transfer_port(&year->transfer);
    payment->account.charge[2].rules.proportion_e4 = 10000 / SHARE;
    payment->account.charge[2].remaining_e6 = WK_BOOKS_DEBT_E6;
    return wk_payment_init(payment);
}

static wk_err enter_token(struct wk_year *year)
{
    uint8_t raw[WK_TOKEN_MOST];
    uint8_t value[WK_TOKEN_MOST + 2];
    const struct wk_apdu_target target = {
        .class_id = CLASS_GATEWAY, .obis = {0, 0, 19, 40, 0, 255}, .id = METHOD_ENTER};
    struct wk_bytes_out made = wk_bytes_out_of(raw, sizeof raw);
    struct wk_bytes_out out = wk_bytes_out_of(value, sizeof value);
    const uint32_t id = year->ledger.now.tokens + 1;
    const struct wk_token token = {id, 1 + (int64_t)id * SPREAD % MOST_E6};
    wk_ledger_pay(&year->ledger, token.amount_e6);
    WK_TRY(wk_token_make(&year->transfer, &token, NULL, &made));
    wk_axdr_put_octet_string(&out, made.data, made.size);
    return wk_caller_action(&year->caller, &year->module, &target,
                            wk_bytes_in_of(value, out.size));
}

bool wk_year_pay(struct wk_year *year, int64_t day, bool *done)
{
    return day % NIGHTS != NIGHT || wk_year_call(year, enter_token, done);
}

bool wk_year_check_balance(struct wk_year *year, int64_t spent_e6, int64_t rest)
{
    const struct wk_account *account = &year->payment.account;
    const struct wk_books *books = &year->ledger.now;
    const int64_t wanted_e6 = books->topped_e6 - books->debt_paid_e6 - spent_e6;
    const int64_t found_e6 = wk_account_balance_e6(account);
    if (found_e6 != wanted_e6 || account->charge[0].due.rest != rest) {
        return wk_year_fail(year,
                            "balance: expected %lld and %lld of 10^-15, found %lld and %lld",
                            (long long)wanted_e6, (long long)rest, (long long)found_e6,
                            (long long)account->charge[0].due.rest);
    }
    const int64_t debt_e6 = WK_BOOKS_DEBT_E6 - books->debt_paid_e6;
    return wk_account_debt_e6(account) == debt_e6 ||
           wk_year_fail(year, "debt: expected %lld, found %lld", (long long)debt_e6,
                        (long long)wk_account_debt_e6(account));
}
