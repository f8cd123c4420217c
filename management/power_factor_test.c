/* SPDX-License-Identifier: Apache-2.0 */
#include "management/power_factor.h"

#include <math.h>
#include <stdio.h>

#include "tests/wk_test.h"

#define SEED 20261121U

static const struct wk_power_factor_table *const k_cn = &wk_power_factor_cn_090;

/* The table as it is printed: hundredths and per cent of the amount. */
static void the_chinese_table_is_the_printed_one(void)
{
    static const struct {
        int percent;
        int e4;
    } k_rows[] = {{100, -75}, {95, -75},  {94, -60},  {93, -45},  {92, -30},
                  {91, -15},  {90, 0},    {89, 50},   {88, 100},  {85, 250},
                  {80, 500},  {75, 750},  {70, 1000}, {69, 1100}, {68, 1200},
                  {66, 1400}, {65, 1500}, {64, 1700}, {63, 1900}, {60, 2500}};
    EXPECT_OK(wk_power_factor_check(k_cn));
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        EXPECT_I64(k_rows[i].e4, wk_power_factor_adjust_e4(k_cn, (uint8_t)k_rows[i].percent));
    }
}

static void known_triangles_have_their_power_factor(void)
{
    EXPECT_I64(100, wk_power_factor_percent(0, 0));
    EXPECT_I64(100, wk_power_factor_percent(1, 0));
    EXPECT_I64(0, wk_power_factor_percent(0, 1));
    EXPECT_I64(71, wk_power_factor_percent(1, 1));
    EXPECT_I64(80, wk_power_factor_percent(4, 3));
    EXPECT_I64(60, wk_power_factor_percent(3, 4));
    EXPECT_I64(92, wk_power_factor_percent(12, 5)); /* 0.923 */
    EXPECT_I64(80, wk_power_factor_percent(INT64_MAX / 5 * 4, INT64_MAX / 5 * 3));
    EXPECT_I64(100, wk_power_factor_percent(INT64_MAX, 1));
    EXPECT_I64(0, wk_power_factor_percent(1, INT64_MAX));
}

static void it_agrees_with_floating_point_away_from_the_edges(void)
{
    uint64_t random = SEED;
    for (int i = 0; i < 100000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        const int64_t active_uwh = (int64_t)(random >> (1 + (random >> 8) % 40));
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        const int64_t reactive_uvarh = (int64_t)(random >> (1 + (random >> 8) % 40));
        const double exact =
            100 * (double)active_uwh / hypot((double)active_uwh, (double)reactive_uvarh);
        const double to_edge = fabs(exact + 0.5 - round(exact + 0.5));
        EXPECT(to_edge < 1e-4 ||
               wk_power_factor_percent(active_uwh, reactive_uvarh) == (int)floor(exact + 0.5));
    }
    printf("# seed %u\n", SEED);
}

static void a_table_that_does_not_fall_is_refused(void)
{
    struct wk_power_factor_table table = *k_cn;
    table.row[2].from_percent = 94;
    EXPECT_ERR(WK_E_RANGE, wk_power_factor_check(&table));
    table = *k_cn;
    table.row[0].from_percent = 99;
    EXPECT_ERR(WK_E_RANGE, wk_power_factor_check(&table));
    table.count = 0;
    EXPECT_ERR(WK_E_RANGE, wk_power_factor_check(&table));
    table.count = WK_POWER_FACTOR_ROWS + 1;
    EXPECT_ERR(WK_E_RANGE, wk_power_factor_check(&table));
}

WK_TEST_MAIN(T(the_chinese_table_is_the_printed_one),
             T(known_triangles_have_their_power_factor),
             T(it_agrees_with_floating_point_away_from_the_edges),
             T(a_table_that_does_not_fall_is_refused))
