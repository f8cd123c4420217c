/* SPDX-License-Identifier: Apache-2.0
 *
 * An account through random years, against books of another kind: what energy cost is one sum of
 * 128 bits per price, of which what was collected is taken at each step; who pays is a list in words.
 * Accounts are packed and unpacked on the way, as over a cut of power. */
#include "management/account.h"
#include "management/payment.h"

#include "tests/wk_test.h"

#define UNIT     INT64_C(1000000)
#define DAY_S    INT64_C(86400)
#define START_S  INT64_C(1769904000) /* 2026-02-01 00:00 UTC */
#define SEED     20261121U
#define YEARS    40
#define STEPS    6000
#define GIVEN_E6 (5 * UNIT)
#define PER_DAY  (45 * UNIT / 100)

__extension__ typedef __int128 wide;

/* The books. Prices are 10^-4 per kWh, so energy costs 10^-13 units per uWh. */
struct books {
    wide energy_e13;  /* all energy so far, at its prices */
    int64_t taken_e6; /* of it */
    int64_t token_e6;
    int64_t reserved_e6;
    int64_t emergency_e6;
    bool emergency_on;
    bool reserved_on;
    int64_t debt_e6;
    int64_t topped_e6;
    int64_t paid_e6;
    int64_t day;
    int price_e4;
    int next_e4;
    int64_t next_s;
};

static struct wk_payment g_payment;
static struct wk_account *const g_account = &g_payment.account;
static struct books g_books;
static uint64_t g_random;
static int64_t g_now_s;

static int64_t draw(int64_t most)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return (int64_t)(g_random % ((uint64_t)most + 1));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least_0(int64_t a)
{
    return a > 0 ? a : 0;
}

/* First the tokens' credit, then the reserve and what was lent if somebody asked for them; the rest
 * is owed on the tokens' credit. */
static void pay(int64_t amount_e6)
{
    int64_t part_e6 = least(at_least_0(g_books.token_e6), amount_e6);
    g_books.paid_e6 += amount_e6;
    g_books.token_e6 -= part_e6;
    amount_e6 -= part_e6;
    part_e6 = g_books.reserved_on ? least(at_least_0(g_books.reserved_e6), amount_e6) : 0;
    g_books.reserved_e6 -= part_e6;
    amount_e6 -= part_e6;
    part_e6 = g_books.emergency_on ? least(at_least_0(g_books.emergency_e6), amount_e6) : 0;
    g_books.emergency_e6 -= part_e6;
    g_books.token_e6 -= amount_e6 - part_e6;
}

static void use_books(int64_t energy_uwh)
{
    if (g_books.next_s != 0 && g_now_s >= g_books.next_s) {
        g_books.price_e4 = g_books.next_e4;
        g_books.next_s = 0;
    }
    g_books.energy_e13 += (wide)energy_uwh * g_books.price_e4;
}

static void step_books(void)
{
    const wide whole =
        g_books.energy_e13 / 10000000; /* rounds towards 0: prices are positive */
    const int64_t due_e6 = (int64_t)whole - g_books.taken_e6;
    const int64_t day = g_now_s / DAY_S;
    g_books.taken_e6 += due_e6;
    pay(due_e6);
    pay((day - g_books.day) * PER_DAY);
    g_books.day = day;
}

/* A fifth for the debt; what was lent; a tenth for the reserve; the rest for tokens. */
static void top_books(int64_t amount_e6)
{
    const int64_t debt_e6 = least(amount_e6 / 5, g_books.debt_e6);
    const int64_t lent_e6 = g_books.emergency_on ? GIVEN_E6 - g_books.emergency_e6 : 0;
    const int64_t back_e6 = least(amount_e6 - debt_e6, lent_e6);
    const int64_t left_e6 = amount_e6 - debt_e6 - back_e6;
    g_books.topped_e6 += amount_e6;
    g_books.debt_e6 -= debt_e6;
    g_books.paid_e6 += debt_e6;
    g_books.emergency_e6 += back_e6;
    g_books.reserved_e6 += left_e6 / 10;
    g_books.token_e6 += left_e6 - left_e6 / 10;
    g_books.reserved_on = g_books.reserved_on && g_books.token_e6 <= 0;
    const bool before =
        g_books.token_e6 > 0 || (g_books.reserved_on && g_books.reserved_e6 > 0);
    if (before && g_books.emergency_on && g_books.emergency_e6 == GIVEN_E6) {
        g_books.emergency_on = false;
        g_books.emergency_e6 = 0;
    }
}

static bool agree(void)
{
    const struct wk_credit *credit = g_account->credit;
    const int64_t lent_e6 = g_books.emergency_on ? GIVEN_E6 : 0;
    const int64_t balance_e6 =
        g_books.token_e6 + g_books.reserved_e6 + g_books.emergency_e6 - lent_e6;
    return credit[0].amount_e6 == g_books.token_e6 &&
           credit[1].amount_e6 == g_books.reserved_e6 &&
           credit[2].amount_e6 == g_books.emergency_e6 &&
           g_account->charge[2].remaining_e6 == g_books.debt_e6 &&
           wk_account_collected_e6(g_account) == g_books.paid_e6 &&
           wk_account_balance_e6(g_account) == balance_e6 &&
           g_books.topped_e6 == balance_e6 + g_books.paid_e6 &&
           g_account->topped_e6 == g_books.topped_e6;
}

static void start(void)
{
    wk_payment_usual(&g_payment);
    g_account->rules.mode = WK_ACCOUNT_PREPAYMENT;
    g_account->rules.share[0] = (struct wk_account_share){1, 10};
    g_account->rules.share_count = 1;
    g_account->credit[2].rules.preset_e6 = GIVEN_E6;
    g_account->charge[0].rules.active.count = 1;
    g_account->charge[0].rules.active.charge[0] = 3000;
    g_account->charge[0].rules.passive = g_account->charge[0].rules.active;
    g_account->charge[1].rules.active.count = 1;
    g_account->charge[1].rules.active.charge[0] = 45;
    g_account->charge[2].rules.proportion_e4 = 2000;
    g_account->charge[2].remaining_e6 = 60 * UNIT + 7;
    g_now_s = START_S;
    g_books =
        (struct books){.price_e4 = 3000, .debt_e6 = 60 * UNIT + 7, .day = START_S / DAY_S};
}

static struct wk_account_moment moment(void)
{
    return (struct wk_account_moment){.now = {g_now_s}, .zone = &wk_zone_utc};
}

/* As over a cut: nothing but the octets is left. */
static wk_err through_the_store(void)
{
    uint8_t rules[WK_ACCOUNT_RULES_PACKED];
    uint8_t state[WK_ACCOUNT_STATE_PACKED];
    struct wk_bytes_out out = wk_bytes_out_of(rules, sizeof rules);
    struct wk_bytes_out moves = wk_bytes_out_of(state, sizeof state);
    wk_account_rules_pack(g_account, &out);
    wk_account_state_pack(g_account, &moves);
    wk_payment_usual(&g_payment);
    struct wk_bytes_in in = wk_bytes_in_of(rules, out.size);
    struct wk_bytes_in moved = wk_bytes_in_of(state, moves.size);
    WK_TRY(wk_account_rules_unpack(g_account, &in));
    return wk_account_state_unpack(g_account, &moved);
}

static void select_one(uint8_t credit)
{
    if (wk_account_invoke(g_account, credit) != WK_OK) {
        return;
    }
    g_books.reserved_on = g_books.reserved_on || credit == 1;
    if (credit == 2) {
        g_books.emergency_on = true;
        g_books.emergency_e6 = GIVEN_E6;
    }
}

static wk_err happen(void)
{
    const struct wk_account_moment now = moment();
    const int64_t what = draw(60);
    if (what == 0) {
        const int64_t amount_e6 = 1 + draw(30 * UNIT);
        WK_TRY(wk_account_top_up(g_account, amount_e6, &now));
        top_books(amount_e6);
    } else if (what == 1) {
        return through_the_store();
    } else if (what == 2) {
        select_one((uint8_t)(1 + draw(1)));
    } else if (what == 3) {
        struct wk_charge_rules *rules = &g_account->charge[0].rules;
        g_books.next_e4 = (int)draw(9000);
        g_books.next_s = g_now_s + draw(20000);
        rules->passive.charge[0] = (int16_t)g_books.next_e4;
        rules->activate_s = g_books.next_s;
    }
    return WK_OK;
}

static void random_years_cost_what_the_books_say(void)
{
    int64_t windows = 0;
    int64_t tops = 0;
    g_random = SEED;
    printf("# seed %u\n", SEED);
    for (int year = 0; year < YEARS; year++) {
        start();
        EXPECT_OK(wk_payment_init(&g_payment));
        struct wk_account_moment now = moment();
        (void)wk_account_step(g_account, &now);
        for (int n = 0; n < STEPS; n++) {
            g_now_s += 1 + draw(draw(50) == 0 ? 200000 : 7200);
            const int64_t energy_uwh = draw(3) * draw(INT64_C(900000000)) + draw(3);
            use_books(energy_uwh);
            now = moment();
            wk_account_use(g_account, 1, energy_uwh, 0, now.now);
            (void)wk_account_step(g_account, &now);
            step_books();
            EXPECT_OK(happen());
            if (!agree()) {
                WK_TEST_FAIL_("year %d, step %d: %" PRId64 " instead of %" PRId64, year, n,
                              wk_account_balance_e6(g_account),
                              g_books.topped_e6 - g_books.paid_e6);
            }
            const bool has = g_books.token_e6 > 0 ||
                             (g_books.reserved_on && g_books.reserved_e6 > 0) ||
                             (g_books.emergency_on && g_books.emergency_e6 > 0);
            (void)wk_account_step(g_account, &now);
            EXPECT(g_account->cut == !has);
            windows++;
        }
        tops += g_books.topped_e6 > 0 ? 1 : 0;
    }
    EXPECT_I64(YEARS, tops);
    WK_TEST_FIGURE("account against books of 128 bits, random steps without a difference",
                   (double)windows, "steps", ">= 240000", windows >= 240000, SEED);
}

WK_TEST_MAIN(T(random_years_cost_what_the_books_say))
