/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked examples of real tariffs, each to be checked with a pencil. */
#include "management/price.h"

#include <stdio.h>
#include <string.h>

#include "base/money.h"
#include "tests/wk_test.h"

#define KWH  INT64_C(1000000000)
#define WH   INT64_C(1000000)
#define SEED 20261121U

static struct wk_price price;
static struct wk_price_spent spent;
static bool dynamic;

static void begin(void)
{
    price = (struct wk_price){.plan = {.cap_e6 = 0}};
    spent = (struct wk_price_spent){0};
}

/* Octopus Agile, 5 January 2024, 22:00 to 24:00 UTC, in GBP with 5 % VAT. */
static void agile_half_hours_cost_what_the_sample_says(void)
{
    static const int32_t k_without_vat_e6[] = {178500, 148700, 157500, 174300};
    const int64_t ten_pm_s = 1704492000;
    struct wk_price_day day = {
        .begin = {ten_pm_s}, .count = 4, .price_e6 = {187425, 156135, 165375, 183015}};
    begin();
    for (int i = 0; i < 4; i++) {
        EXPECT_I64(day.price_e6[i], (int64_t)k_without_vat_e6[i] * 105 / 100);
    }
    EXPECT_OK(wk_price_take(&price, &day));
    for (int i = 0; i < 4 * 30; i++) { /* half a kWh per half-hour, minute by minute */
        const struct wk_utc at = {ten_pm_s + i * 60};
        wk_price_spend(&spent, KWH / 60, wk_price_at(&price, at, 1, 0, &dynamic));
        EXPECT(dynamic);
    }
    /* 120 minutes of 16.666666 Wh are 80 uWh short of two kWh: 34.5975 p less a trifle */
    EXPECT_I64(345974, spent.amount_e6);
    spent = (struct wk_price_spent){0};
    for (int i = 0; i < 4; i++) {
        const struct wk_utc at = {ten_pm_s + i * 1800};
        wk_price_spend(&spent, KWH / 2, wk_price_at(&price, at, 1, 0, &dynamic));
    }
    EXPECT_I64(345975, spent.amount_e6); /* 34.5975 p */
    (void)wk_price_at(&price, (struct wk_utc){ten_pm_s + 7200}, 1, 0, &dynamic);
    EXPECT(!dynamic);
}

/* Puget Sound Energy, January 2026: 600 kWh at 0.145171, the rest at 0.164588, three riders,
 * 7.49 a month: 900 kWh are 179.9087 USD. */
static void a_block_tariff_with_riders_is_that_of_the_rate_sheet(void)
{
    const struct wk_registers_blocks blocks = {{600 * KWH, 0, 0}, 0};
    struct wk_registers registers = {0};
    begin();
    price.plan = (struct wk_price_plan){
        .price_e6 = {{145171, 164588}},
        .rider_e6 = {7862, 38719, -6648},
    };
    EXPECT_OK(wk_price_check(&price.plan));
    wk_price_charge(&spent, 7490000);
    struct wk_record_window window = {.total = {.import_uwh = 900 * KWH}};
    EXPECT_OK(wk_registers_add(&registers, &window, 1, &blocks));
    for (uint8_t block = 0; block < 2; block++) {
        const int32_t price_e6 = wk_price_at(&price, (struct wk_utc){1}, 1, block, &dynamic);
        EXPECT_I64(block == 0 ? 185104 : 204521, price_e6);
        wk_price_spend(&spent, registers.rate[0].block_uwh[block], price_e6);
    }
    EXPECT_I64(179908700, spent.amount_e6);
}

/* Section 14a EnWG, module 3. */
static void steps_of_a_network_charge_are_held_to_the_law(void)
{
    static const struct {
        struct wk_price_steps steps;
        wk_price_steps_fault fault;
    } k_rows[] = {
        {{80000, 160000, 8000, 120}, WK_PRICE_STEPS_GOOD},
        {{80000, 80000, 32000, 1440}, WK_PRICE_STEPS_GOOD},
        {{80000, 160001, 8000, 120}, WK_PRICE_STEPS_HIGH},
        {{80000, 79999, 8000, 120}, WK_PRICE_STEPS_HIGH},
        {{80000, 120000, 8000, 119}, WK_PRICE_STEPS_HIGH_TIME},
        {{80000, 120000, 7999, 180}, WK_PRICE_STEPS_LOW},
        {{80000, 120000, 32001, 180}, WK_PRICE_STEPS_LOW},
        {{INT32_MAX, INT32_MAX, INT32_MAX / 4, 180}, WK_PRICE_STEPS_GOOD},
        {{INT32_MIN, INT32_MIN, INT32_MIN, 180}, WK_PRICE_STEPS_HIGH},
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        EXPECT_I64(k_rows[i].fault, wk_price_check_steps(&k_rows[i].steps));
    }
}

/* Module 1: 80 EUR a year and 20 % of the unit price for 3750 kWh. The 137.43 EUR that
 * Braunschweig published for 2025 imply a unit price of 0.076573. */
static void the_flat_reduction_of_module_one_follows_from_the_unit_price(void)
{
    int64_t minor = 0;
    begin();
    wk_price_charge(&spent, 80000000);
    wk_price_spend(&spent, 3750 * KWH, 76573 / 5);
    EXPECT_OK(wk_money_of_pieces(1, spent.amount_e6, &minor));
    EXPECT_I64(13743, minor);
}

static void a_tariff_by_time_is_a_sum_of_products(void)
{
    begin();
    price.plan.price_e6[0][0] = 617000; /* Shanghai: day 200 kWh, night 100 kWh */
    price.plan.price_e6[1][0] = 307000;
    wk_price_spend(&spent, 200 * KWH, wk_price_at(&price, (struct wk_utc){1}, 1, 0, &dynamic));
    wk_price_spend(&spent, 100 * KWH, wk_price_at(&price, (struct wk_utc){1}, 2, 0, &dynamic));
    EXPECT_I64(154100000, spent.amount_e6);
}

static void prices_may_be_negative_and_have_a_cap(void)
{
    struct wk_price_day day = {
        .begin = {1800000000}, .count = 3, .price_e6 = {-50000, 999000, 120000}};
    begin();
    price.plan.cap_e6 = 350000;
    EXPECT_OK(wk_price_take(&price, &day));
    EXPECT_I64(-50000, wk_price_at(&price, (struct wk_utc){1800000000}, 1, 0, &dynamic));
    EXPECT_I64(350000, wk_price_at(&price, (struct wk_utc){1800001800}, 1, 0, &dynamic));
    EXPECT_I64(120000, wk_price_at(&price, (struct wk_utc){1800005399}, 1, 0, &dynamic));
    wk_price_spend(&spent, 3 * KWH, -50000);
    EXPECT_I64(-150000, spent.amount_e6);
    wk_price_spend(&spent, 1, -1); /* towards minus infinity, and nothing is lost */
    EXPECT(spent.amount_e6 == -150001 && spent.rest == KWH - 1);
    wk_price_spend(&spent, 1, 1);
    EXPECT(spent.amount_e6 == -150000 && spent.rest == 0);
}

static void tomorrow_takes_the_place_of_yesterday(void)
{
    begin();
    for (int i = 0; i < 5; i++) {
        struct wk_price_day day = {.begin = {1800000000 + i * INT64_C(86400)}, .count = 48};
        for (int slot = 0; slot < 48; slot++) {
            day.price_e6[slot] = 1000 * i + slot;
        }
        EXPECT_OK(wk_price_take(&price, &day));
        EXPECT_I64(1000 * i + 47,
                   wk_price_at(&price, (struct wk_utc){day.begin.s + 86399}, 1, 0, &dynamic));
        EXPECT(dynamic);
        day.price_e6[47]++; /* corrected */
        EXPECT_OK(wk_price_take(&price, &day));
        EXPECT_I64(1000 * i + 48,
                   wk_price_at(&price, (struct wk_utc){day.begin.s + 86399}, 1, 0, &dynamic));
    }
    EXPECT_I64(3000,
               wk_price_at(&price, (struct wk_utc){1800000000 + 3 * 86400}, 1, 0, &dynamic));
    (void)wk_price_at(&price, (struct wk_utc){1800000000 + 3 * 86400 - 1}, 1, 0, &dynamic);
    EXPECT(!dynamic);
}

static void prices_that_make_no_sense_are_refused_and_change_nothing(void)
{
    static const struct wk_price_day k_bad[] = {
        {{1800000001}, 1, {0}},
        {{1800000000}, 0, {0}},
        {{1800000000}, 51, {0}},
        {{-1800}, 1, {0}},
        {{0}, 1, {0}},
        {{1800000000}, 1, {1000000001}},
        {{INT64_C(1) << 40}, 1, {0}},
    };
    begin();
    struct wk_price_day day = {.begin = {1800000000}, .count = 48};
    EXPECT_OK(wk_price_take(&price, &day));
    const struct wk_price before = price;
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_price_take(&price, &k_bad[i]));
    }
    day.begin.s += 1800;
    EXPECT_ERR(WK_E_STATE, wk_price_take(&price, &day));
    day.begin.s -= 3600;
    EXPECT_ERR(WK_E_STATE, wk_price_take(&price, &day));
    EXPECT(memcmp(&before, &price, sizeof price) == 0);
    struct wk_price_plan plan = price.plan;
    plan.price_e6[7][3] = -1000000001;
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
    plan = price.plan;
    plan.cap_e6 = -1;
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
    plan = price.plan;
    plan.standing_e6 = INT64_MAX;
    EXPECT_ERR(WK_E_RANGE, wk_price_check(&plan));
}

/* However the energy of each price is divided, the amount is the same to the last 10^-6. */
static void spending_is_additive_over_any_split(void)
{
    uint32_t random = SEED;
    begin();
    struct wk_price_spent whole = {0};
    for (int interval = 0; interval < 2000; interval++) {
        int64_t sum_uwh = 0;
        random = random * 1664525U + 1013904223U;
        const int32_t price_e6 = (int32_t)(random >> 12) - 300000;
        for (int i = 0; i < 20; i++) {
            random = random * 1664525U + 1013904223U;
            sum_uwh += random >> 8;
            wk_price_spend(&spent, random >> 8, price_e6);
        }
        wk_price_spend(&whole, sum_uwh, price_e6);
        EXPECT(whole.amount_e6 == spent.amount_e6 && whole.rest == spent.rest);
    }
    printf("# seed %u\n", SEED);
}

static void amounts_stop_at_the_ends_of_their_range(void)
{
    begin();
    wk_price_charge(&spent, INT64_MAX);
    wk_price_spend(&spent, KWH, 1000000);
    EXPECT_I64(INT64_MAX, spent.amount_e6);
    spent.amount_e6 = INT64_MIN;
    wk_price_charge(&spent, -1);
    EXPECT_I64(INT64_MIN, spent.amount_e6);
    begin();
    wk_price_spend(&spent, INT64_MAX, INT32_MAX);
    EXPECT_I64(INT64_MAX, spent.amount_e6);
    begin();
    wk_price_spend(&spent, INT64_MAX, INT32_MIN);
    EXPECT_I64(INT64_MIN, spent.amount_e6);
}

static void prices_return_from_the_store(void)
{
    uint8_t raw[WK_PRICE_PACKED_MAX];
    begin();
    price.plan.price_e6[7][3] = -5;
    price.plan.standing_e6 = 123456789;
    for (int i = 0; i < 2; i++) {
        struct wk_price_day day = {.begin = {1800000000 + i * INT64_C(90000)}, .count = 50};
        day.price_e6[49] = 7;
        EXPECT_OK(wk_price_take(&price, &day));
    }
    const struct wk_price before = price;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_price_pack(&price, &out);
    EXPECT_OK(out.fault);
    begin();
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_price_unpack(&price, &in));
    EXPECT(memcmp(&before, &price, sizeof price) == 0);
    for (size_t size = 0; size < out.size; size++) {
        in = wk_bytes_in_of(raw, size);
        EXPECT(wk_price_unpack(&price, &in) != WK_OK);
    }
    EXPECT(memcmp(&before, &price, sizeof price) == 0);
}

WK_TEST_MAIN(T(agile_half_hours_cost_what_the_sample_says),
             T(a_block_tariff_with_riders_is_that_of_the_rate_sheet),
             T(steps_of_a_network_charge_are_held_to_the_law),
             T(the_flat_reduction_of_module_one_follows_from_the_unit_price),
             T(a_tariff_by_time_is_a_sum_of_products), T(prices_may_be_negative_and_have_a_cap),
             T(tomorrow_takes_the_place_of_yesterday),
             T(prices_that_make_no_sense_are_refused_and_change_nothing),
             T(spending_is_additive_over_any_split), T(amounts_stop_at_the_ends_of_their_range),
             T(prices_return_from_the_store))
