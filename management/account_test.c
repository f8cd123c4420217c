/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts against sums made with a pencil, each in its comment. Amounts are 10^-6 units. */
#include "management/account.h"
#include "management/payment.h"

#include "tests/wk_test.h"

#define KWH   INT64_C(1000000000)
#define UNIT  INT64_C(1000000)
#define DAY_S INT64_C(86400)
/* 2026-03-28 12:00 UTC, the day before summer time begins in central Europe. */
#define NOON_S INT64_C(1774699200)

static struct wk_payment g_payment;
static struct wk_account *const g_account = &g_payment.account;
static struct wk_account_moment g_moment;

static struct wk_account_found step_at(int64_t s)
{
    g_moment.now = (struct wk_utc){s};
    return wk_account_step(g_account, &g_moment);
}

static void use(int64_t energy_uwh)
{
    wk_account_use(g_account, 1, energy_uwh, 0, g_moment.now);
}

/* Prepayment, 0.30 per kWh in every tariff, nothing else; the clock runs. */
static wk_err begin(void)
{
    wk_payment_usual(&g_payment);
    g_account->rules.mode = WK_ACCOUNT_PREPAYMENT;
    g_account->charge[0].rules.active.count = 1;
    g_account->charge[0].rules.active.charge[0] = 3000;
    WK_TRY(wk_payment_init(&g_payment));
    g_moment = (struct wk_account_moment){.zone = &wk_zone_central_europe};
    (void)step_at(NOON_S);
    return WK_OK;
}

static bool adds_up(void)
{
    return g_account->topped_e6 + g_account->adjusted_e6 ==
           wk_account_balance_e6(g_account) + wk_account_collected_e6(g_account);
}

/* 10.00 less 12.345678901 kWh at 0.30 = 10 - 3.7037036703: 6.296297 are left, and what does not fill
 * a millionth, 0.6703 of it, waits for the next energy: 0.0000011 kWh more make it full. */
static void energy_is_paid_to_the_last_millionth(void)
{
    EXPECT_OK(begin());
    EXPECT_OK(wk_account_top_up(g_account, 10 * UNIT, &g_moment));
    for (int i = 0; i < 10; i++) {
        use(INT64_C(1234567890));
        (void)step_at(NOON_S + i);
    }
    use(1);
    (void)step_at(NOON_S + 11);
    EXPECT_I64(6296297, wk_account_balance_e6(g_account));
    EXPECT_I64(670300000, g_account->charge[0].due.rest);
    use(1098);
    (void)step_at(NOON_S + 12);
    EXPECT_I64(6296297, wk_account_balance_e6(g_account));
    use(1);
    (void)step_at(NOON_S + 13);
    EXPECT_I64(6296296, wk_account_balance_e6(g_account));
    EXPECT(adds_up());
}

/* 0.45 a day at midnight of the wall clock: of 28 March 23:00 UTC and of 29 March 22:00 UTC, the
 * day of 23 hours. An outage of 10 days costs 10 of them. */
static void a_standing_charge_follows_the_days_of_the_wall_clock(void)
{
    EXPECT_OK(begin());
    g_account->charge[1].rules.active.count = 1;
    g_account->charge[1].rules.active.charge[0] = 45;
    EXPECT_OK(wk_account_top_up(g_account, 10 * UNIT, &g_moment));
    (void)step_at(NOON_S + 39599); /* 22:59:59 */
    EXPECT_I64(10 * UNIT, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S + 39600);
    EXPECT_I64(9550000, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S + 39600 + 23 * 3600 - 1);
    EXPECT_I64(9550000, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S + 39600 + 23 * 3600);
    EXPECT_I64(9100000, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S + 39600 + 23 * 3600 + 10 * DAY_S);
    EXPECT_I64(4600000, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S); /* the clock was set back by more than a day: nothing counts twice */
    EXPECT_I64(4600000, wk_account_balance_e6(g_account));
    EXPECT(adds_up());
}

/* 20.00 paid, with a debt of 3.00 of which payments bring 25 %, at most 4.00 a week: 3.00; 5.00
 * of emergency credit of which 2.10 were used come next; 14.90 are left, 10 % of them reserved. */
static void a_token_pays_debts_then_emergency_then_credits(void)
{
    EXPECT_OK(begin());
    g_account->credit[2].rules.preset_e6 = 5 * UNIT;
    g_account->charge[2].rules.proportion_e4 = 2500;
    g_account->charge[2].remaining_e6 = 3 * UNIT;
    g_account->rules.provision_e6 = 4 * UNIT;
    g_account->rules.provision_s = 7 * DAY_S;
    g_account->rules.share[0] = (struct wk_account_share){1, 10};
    g_account->rules.share_count = 1;
    EXPECT_OK(wk_account_check(g_account));
    (void)step_at(NOON_S);
    EXPECT(g_account->cut);
    EXPECT_OK(wk_account_invoke(g_account, 2));
    use(7 * KWH); /* 2.10 */
    EXPECT_I64(WK_ACCOUNT_FOUND_BACK, step_at(NOON_S + 1).account & WK_ACCOUNT_FOUND_BACK);
    EXPECT_I64(2900000, wk_account_available_e6(g_account));
    EXPECT_I64(-2100000, wk_account_balance_e6(g_account));
    EXPECT_I64(2100000, wk_account_to_clear_e6(g_account));
    EXPECT_I64(3 * UNIT, wk_account_debt_e6(g_account));
    EXPECT_OK(wk_account_top_up(g_account, 20 * UNIT, &g_moment));
    EXPECT_I64(0, wk_account_debt_e6(g_account));
    EXPECT_I64(3 * UNIT, g_account->charge[2].paid_e6);
    EXPECT_I64(1490000, g_account->credit[1].amount_e6);
    EXPECT_I64(13410000, g_account->credit[0].amount_e6);
    EXPECT_I64(0, g_account->credit[2].amount_e6); /* as if it had never been invoked */
    EXPECT(!g_account->credit[2].invoked);
    EXPECT_I64(0, wk_account_to_clear_e6(g_account));
    EXPECT(adds_up());
}

/* 25 % of 12.00, 4.00 a week: 3.00, then 1.00, in the next week 3.00 again. */
static void payments_are_charged_no_more_than_provided_for(void)
{
    EXPECT_OK(begin());
    g_account->charge[2].rules.proportion_e4 = 2500;
    g_account->charge[2].remaining_e6 = 100 * UNIT;
    g_account->rules.provision_e6 = 4 * UNIT;
    g_account->rules.provision_s = 7 * DAY_S;
    EXPECT_OK(wk_account_top_up(g_account, 12 * UNIT, &g_moment));
    EXPECT_I64(97 * UNIT, wk_account_debt_e6(g_account));
    EXPECT_OK(wk_account_top_up(g_account, 12 * UNIT, &g_moment));
    EXPECT_I64(96 * UNIT, wk_account_debt_e6(g_account));
    g_moment.now.s += 7 * DAY_S;
    EXPECT_OK(wk_account_top_up(g_account, 12 * UNIT, &g_moment));
    EXPECT_I64(93 * UNIT, wk_account_debt_e6(g_account));
    EXPECT(adds_up());
}

/* A debt of 1.00 at 0.30 a day is 0.30, 0.30, 0.30, 0.10, and nothing after it. */
static void a_debt_ends_when_it_is_paid(void)
{
    EXPECT_OK(begin());
    g_account->charge[3].rules.active.count = 1;
    g_account->charge[3].rules.active.charge[0] = 30;
    g_account->charge[3].remaining_e6 = UNIT;
    EXPECT_OK(wk_account_top_up(g_account, 5 * UNIT, &g_moment));
    (void)step_at(NOON_S + DAY_S);
    EXPECT_I64(4700000, wk_account_balance_e6(g_account));
    (void)step_at(NOON_S + 9 * DAY_S);
    EXPECT_I64(4 * UNIT, wk_account_balance_e6(g_account));
    EXPECT_I64(0, wk_account_debt_e6(g_account));
    g_account->charge[3].remaining_e6 = UNIT; /* another one: nothing of the old time counts */
    (void)step_at(NOON_S + 9 * DAY_S + 1);
    EXPECT_I64(4 * UNIT, wk_account_balance_e6(g_account));
    EXPECT(adds_up());
}

/* A debt that is not collected while the supply is off: 2 of 3 days. */
static void a_pair_collects_when_it_says_so(void)
{
    EXPECT_OK(begin());
    g_account->charge[3].rules.active.count = 1;
    g_account->charge[3].rules.active.charge[0] = 30;
    g_account->charge[3].remaining_e6 = 10 * UNIT;
    g_account->rules.pair[0] = (struct wk_account_pair){0, 0, 7};
    g_account->rules.pair[1] = (struct wk_account_pair){0, 3, WK_ACCOUNT_WHEN_FRIENDLY};
    g_account->rules.pair_count = 2;
    EXPECT_OK(wk_account_top_up(g_account, 5 * UNIT, &g_moment));
    (void)step_at(NOON_S + DAY_S);
    g_moment.disconnected = true;
    (void)step_at(NOON_S + 2 * DAY_S);
    g_moment.disconnected = false;
    g_moment.friendly = true;
    (void)step_at(NOON_S + 3 * DAY_S);
    EXPECT_I64(4400000, wk_account_balance_e6(g_account));
    EXPECT_I64(9400000, wk_account_debt_e6(g_account));
}

static void friendly_time_keeps_a_supply_that_is_on_and_connects_none(void)
{
    EXPECT_OK(begin());
    EXPECT(g_account->cut); /* nothing was ever paid */
    g_moment.friendly = true;
    (void)step_at(NOON_S + 1);
    EXPECT(g_account->cut);
    EXPECT_OK(wk_account_top_up(g_account, UNIT, &g_moment));
    EXPECT_I64(WK_ACCOUNT_FOUND_BACK, step_at(NOON_S + 2).account);
    use(4 * KWH);
    EXPECT_I64(0, step_at(NOON_S + 3).account);
    EXPECT(!g_account->cut);
    EXPECT_I64(-200000, wk_account_balance_e6(g_account));
    EXPECT_I64(WK_ACCOUNT_OUT_OF_CREDIT, wk_account_bits(g_account) & WK_ACCOUNT_OUT_OF_CREDIT);
    g_moment.friendly = false;
    EXPECT_I64(WK_ACCOUNT_FOUND_CUT, step_at(NOON_S + 4).account);
    g_account->rules.clearance_e6 = UNIT;
    EXPECT_I64(1200000, wk_account_to_clear_e6(g_account));
    EXPECT_OK(wk_account_top_up(g_account, UNIT, &g_moment));
    EXPECT_I64(0, step_at(NOON_S + 5).account);
    EXPECT_OK(wk_account_top_up(g_account, 200000, &g_moment));
    EXPECT_I64(WK_ACCOUNT_FOUND_BACK, step_at(NOON_S + 6).account);
}

static void in_credit_mode_nothing_is_cut(void)
{
    EXPECT_OK(begin());
    g_account->rules.mode = WK_ACCOUNT_CREDIT_MODE;
    (void)step_at(NOON_S);
    EXPECT(!g_account->cut);
    use(10 * KWH);
    (void)step_at(NOON_S + 1);
    EXPECT_I64(-3 * UNIT, wk_account_balance_e6(g_account));
    EXPECT(!g_account->cut && adds_up());
}

/* Low is told once when less than 5.00 is there, a warning once at 2.00. */
static void low_credit_is_told_once(void)
{
    EXPECT_OK(begin());
    g_account->rules.low_e6 = 5 * UNIT;
    g_account->credit[0].rules.warning_e6 = 2 * UNIT;
    EXPECT_OK(wk_account_top_up(g_account, 8 * UNIT, &g_moment));
    (void)step_at(NOON_S + 1);
    use(10 * KWH); /* 5.00 are left: not less */
    EXPECT_I64(0, step_at(NOON_S + 2).account);
    use(4000);
    EXPECT_I64(WK_ACCOUNT_FOUND_LOW, step_at(NOON_S + 3).account);
    use(10 * KWH);
    const struct wk_account_found found = step_at(NOON_S + 4);
    EXPECT_I64(0, found.account);
    EXPECT_I64(1, found.warned);
    EXPECT_I64(0, step_at(NOON_S + 5).warned);
    EXPECT_OK(wk_account_top_up(g_account, 8 * UNIT, &g_moment));
    (void)step_at(NOON_S + 6);
    use(20 * KWH);
    EXPECT_I64(WK_ACCOUNT_FOUND_LOW, step_at(NOON_S + 7).account);
}

/* 10 kWh at 0.30 until noon, 10 kWh at 0.50 after it: 3.00 + 5.00. */
static void passive_prices_take_over_at_their_time(void)
{
    EXPECT_OK(begin());
    struct wk_charge_rules *rules = &g_account->charge[0].rules;
    rules->passive = rules->active;
    rules->passive.charge[0] = 5000;
    rules->activate_s = NOON_S + 10;
    EXPECT_OK(wk_account_top_up(g_account, 10 * UNIT, &g_moment));
    wk_account_use(g_account, 1, 10 * KWH, 0, (struct wk_utc){NOON_S + 9});
    EXPECT_I64(0, step_at(NOON_S + 10).begun);
    wk_account_use(g_account, 1, 10 * KWH, 0, (struct wk_utc){NOON_S + 10});
    EXPECT_I64(1, step_at(NOON_S + 11).begun);
    EXPECT_I64(2 * UNIT, wk_account_balance_e6(g_account));
}

/* 100 free kWh worth of credit on the first of each month, for energy only. */
static void a_credit_by_time_is_set_anew_at_its_times(void)
{
    EXPECT_OK(begin());
    struct wk_credit_rules *rules = &g_account->credit[4].rules;
    rules->priority = 1;
    rules->preset_e6 = 30 * UNIT;
    rules->date[3] = 1;
    memset(rules->time, 0, sizeof rules->time);
    g_account->credit[0].rules.priority = 2;
    g_account->charge[1].rules.active.count = 1;
    g_account->charge[1].rules.active.charge[0] = 100;
    EXPECT_OK(wk_account_check(g_account));
    EXPECT_OK(wk_account_top_up(g_account, 50 * UNIT, &g_moment));
    (void)step_at(NOON_S + 4 * DAY_S); /* 1 April; four days of 1.00 from the token credit */
    EXPECT_I64(30 * UNIT, g_account->credit[4].amount_e6);
    EXPECT_I64(46 * UNIT, g_account->credit[0].amount_e6);
    use(110 * KWH); /* 33.00: 30.00 from here, 3.00 from the token credit */
    (void)step_at(NOON_S + 4 * DAY_S + 1);
    EXPECT_I64(0, g_account->credit[4].amount_e6);
    EXPECT_I64(43 * UNIT, g_account->credit[0].amount_e6);
    EXPECT(adds_up());
}

/* 3.00 on a first whole day: 9.00 last 3 days; then a day of 10.00: 3 + 7/7 = 4.00 a day. */
static void what_is_left_is_told_in_days(void)
{
    EXPECT_OK(begin());
    EXPECT_OK(wk_account_top_up(g_account, 30 * UNIT, &g_moment));
    EXPECT_I64(-1, wk_account_days_left(g_account));
    (void)step_at(NOON_S + DAY_S);
    EXPECT_I64(-1, wk_account_days_left(g_account));
    use(10 * KWH);
    (void)step_at(NOON_S + DAY_S + 1);
    (void)step_at(NOON_S + 2 * DAY_S);
    EXPECT_I64(9, wk_account_days_left(g_account));
    g_account->charge[0].rules.active.charge[0] = 10000;
    use(10 * KWH);
    (void)step_at(NOON_S + 2 * DAY_S + 1);
    (void)step_at(NOON_S + 3 * DAY_S);
    EXPECT_I64(4 * UNIT, g_account->mean_e6);
    EXPECT_I64(4, wk_account_days_left(g_account)); /* 17.00 */
}

/* The diagram of credit.h in words: what a credit is, from what it has and what is before it. */
static wk_credit_status in_words(bool confirm, bool invoked, bool has, bool gives, bool before,
                                 bool scarce)
{
    if (confirm && !invoked) {
        if (!gives && !has) {
            return WK_CREDIT_EXHAUSTED;
        }
        return !before || scarce ? WK_CREDIT_SELECTABLE : WK_CREDIT_ENABLED;
    }
    if (!has) {
        return WK_CREDIT_EXHAUSTED;
    }
    if (!before) {
        return WK_CREDIT_IN_USE;
    }
    return invoked ? WK_CREDIT_SELECTED : WK_CREDIT_ENABLED;
}

static void every_state_of_a_credit_is_that_of_the_diagram(void)
{
    int states = 0;
    for (unsigned bits = 0; bits < 64; bits++) {
        const bool confirm = (bits & 1) != 0;
        const bool invoked = (bits & 2) != 0;
        const bool has = (bits & 4) != 0;
        const bool gives = (bits & 8) != 0;
        const bool before = (bits & 16) != 0;
        const bool scarce = (bits & 32) != 0;
        struct wk_credit credit = {
            .rules = {.priority = 2,
                      .configuration = confirm ? WK_CREDIT_CONFIRM : 0,
                      .limit_e6 = -5,
                      .preset_e6 = gives ? 7 : 0,
                      .available_e6 = scarce ? 1000 : 0},
            .amount_e6 = has ? -4 : -5,
            .invoked = invoked,
        };
        wk_credit_update(&credit, before ? 500 : 0, before);
        const wk_credit_status wanted = in_words(confirm, invoked, has, gives, before, scarce);
        EXPECT_I64(wanted, credit.status);
        const bool may = wanted == WK_CREDIT_SELECTABLE;
        EXPECT_ERR(may ? WK_OK : WK_E_STATE, wk_credit_invoke(&credit));
        EXPECT(may == (credit.invoked && !invoked));
        states++;
    }
    printf("# %d states\n", states);
}

static void accounts_begin_and_end(void)
{
    wk_payment_usual(&g_payment);
    g_account->rules.activate_s = NOON_S + 100;
    g_account->rules.mode = WK_ACCOUNT_PREPAYMENT;
    EXPECT_OK(wk_payment_init(&g_payment));
    g_moment = (struct wk_account_moment){.zone = &wk_zone_utc};
    (void)step_at(NOON_S);
    EXPECT_I64(WK_ACCOUNT_NEW, g_account->status);
    EXPECT(!g_account->cut);
    EXPECT_I64(WK_ACCOUNT_FOUND_ACTIVE | WK_ACCOUNT_FOUND_CUT, step_at(NOON_S + 100).account);
    EXPECT_ERR(WK_E_STATE, wk_account_activate(g_account));
    g_account->rules.close_s = NOON_S + 200;
    EXPECT_I64(WK_ACCOUNT_FOUND_CLOSED | WK_ACCOUNT_FOUND_BACK, step_at(NOON_S + 200).account);
    EXPECT_ERR(WK_E_STATE, wk_account_top_up(g_account, 1, &g_moment));
    EXPECT_ERR(WK_E_STATE, wk_account_close(g_account));
}

static void rules_out_of_range_are_refused(void)
{
    EXPECT_OK(begin());
    struct wk_account bad = *g_account;
    bad.rules.mode = 3;
    EXPECT_ERR(WK_E_RANGE, wk_account_check(&bad));
    bad = *g_account;
    bad.rules.share_count = 2;
    bad.rules.share[0] = (struct wk_account_share){0, 60};
    bad.rules.share[1] = (struct wk_account_share){1, 41};
    EXPECT_ERR(WK_E_RANGE, wk_account_check(&bad));
    bad.rules.share[1].percent = 40;
    EXPECT_OK(wk_account_check(&bad));
    bad.rules.share[1].credit = 2; /* takes no tokens */
    EXPECT_ERR(WK_E_RANGE, wk_account_check(&bad));
    bad = *g_account;
    bad.charge[0].rules.active.price_scale = 3; /* 3000 thousand per kWh */
    EXPECT_ERR(WK_E_RANGE, wk_account_check(&bad));
    bad = *g_account;
    bad.credit[0].rules.limit_e6 = -WK_CREDIT_MOST_E6 - 1;
    EXPECT_ERR(WK_E_RANGE, wk_account_check(&bad));
    EXPECT_ERR(WK_E_FULL, wk_account_top_up(g_account, 0, &g_moment));
    EXPECT_ERR(WK_E_FULL, wk_account_top_up(g_account, WK_CREDIT_MOST_E6 + 1, &g_moment));
    EXPECT_OK(wk_account_top_up(g_account, WK_CREDIT_MOST_E6, &g_moment));
    EXPECT_ERR(WK_E_FULL, wk_account_top_up(g_account, 1, &g_moment));
    EXPECT(adds_up());
}

/* What is packed comes back; an octet less or one that is wrong in its head does not. */
static void packed_accounts_come_back(void)
{
    uint8_t raw[WK_ACCOUNT_RULES_PACKED];
    uint8_t state[WK_ACCOUNT_STATE_PACKED];
    EXPECT_OK(begin());
    EXPECT_OK(wk_account_top_up(g_account, 12345678, &g_moment));
    use(KWH / 7);
    (void)step_at(NOON_S + 3 * DAY_S);
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_bytes_out moves = wk_bytes_out_of(state, sizeof state);
    wk_account_rules_pack(g_account, &out);
    wk_account_state_pack(g_account, &moves);
    EXPECT_OK(out.fault);
    EXPECT_OK(moves.fault);
    const struct wk_account before = *g_account;
    wk_payment_usual(&g_payment);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(raw, size);
        EXPECT(wk_account_rules_unpack(g_account, &in) != WK_OK);
    }
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_account_rules_unpack(g_account, &in));
    struct wk_bytes_in moved = wk_bytes_in_of(state, moves.size);
    EXPECT_OK(wk_account_state_unpack(g_account, &moved));
    EXPECT_OK(wk_bytes_in_end(&moved));
    EXPECT_I64(wk_account_balance_e6(&before), wk_account_balance_e6(g_account));
    EXPECT_I64(before.charge[0].due.rest, g_account->charge[0].due.rest);
    EXPECT_I64(before.status, g_account->status);
    EXPECT_I64(before.mean_e6, g_account->mean_e6);
    state[3 + 1]++; /* an amount that does not fit what was paid */
    moved = wk_bytes_in_of(state, moves.size);
    EXPECT_ERR(WK_E_FORMAT, wk_account_state_unpack(g_account, &moved));
}

WK_TEST_MAIN(T(energy_is_paid_to_the_last_millionth),
             T(a_standing_charge_follows_the_days_of_the_wall_clock),
             T(a_token_pays_debts_then_emergency_then_credits),
             T(payments_are_charged_no_more_than_provided_for), T(a_debt_ends_when_it_is_paid),
             T(a_pair_collects_when_it_says_so),
             T(friendly_time_keeps_a_supply_that_is_on_and_connects_none),
             T(in_credit_mode_nothing_is_cut), T(low_credit_is_told_once),
             T(passive_prices_take_over_at_their_time),
             T(a_credit_by_time_is_set_anew_at_its_times), T(what_is_left_is_told_in_days),
             T(every_state_of_a_credit_is_that_of_the_diagram), T(accounts_begin_and_end),
             T(rules_out_of_range_are_refused), T(packed_accounts_come_back))
