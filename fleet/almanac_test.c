/* SPDX-License-Identifier: Apache-2.0
 *
 * The almanac against dates that anybody can look up. */
#include "fleet/almanac.h"

#include "tests/wk_test.h"

#define BEGIN_S INT64_C(1704063600) /* 2024-01-01 00:00 in central Europe */

static struct wk_almanac g_almanac;

static void summer_time_begins_and_ends_when_the_law_says(void)
{
    /* 31 March and 27 October 2024, 01:00 UTC; 30 March 2025 */
    EXPECT_I64(3600, wk_almanac_offset_s(1711846799));
    EXPECT_I64(7200, wk_almanac_offset_s(1711846800));
    EXPECT_I64(7200, wk_almanac_offset_s(1729990799));
    EXPECT_I64(3600, wk_almanac_offset_s(1729990800));
    EXPECT_I64(3600, wk_almanac_offset_s(1743296399));
    EXPECT_I64(7200, wk_almanac_offset_s(1743296400));
}

static void the_tables_say_what_the_contracts_say(void)
{
    EXPECT_OK(wk_almanac_make(&g_almanac, BEGIN_S, 366));
    /* Tuesday 2 January 2024, local: 05:59, 06:00, 17:00, 20:00, 22:00 */
    const int64_t tuesday_s = BEGIN_S + 86400;
    EXPECT_I64(2, wk_almanac_tariff(&g_almanac, 0, tuesday_s + 5 * 3600 + 3599));
    EXPECT_I64(1, wk_almanac_tariff(&g_almanac, 0, tuesday_s + 6 * 3600));
    EXPECT_I64(3, wk_almanac_tariff(&g_almanac, 0, tuesday_s + 17 * 3600));
    EXPECT_I64(1, wk_almanac_tariff(&g_almanac, 0, tuesday_s + 20 * 3600));
    EXPECT_I64(2, wk_almanac_tariff(&g_almanac, 0, tuesday_s + 22 * 3600));
    EXPECT_I64(2, wk_almanac_tariff(&g_almanac, 0, BEGIN_S + 17 * 3600)); /* New Year's Day */
    /* the night of 27 October: 02:30 twice, a Sunday */
    EXPECT_I64(4, wk_almanac_tariff(&g_almanac, 1, 1729990800 - 1800));
    EXPECT_I64(2, wk_almanac_tariff(&g_almanac, 1, 1729990800));
    EXPECT_I64(4, wk_almanac_tariff(&g_almanac, 1, 1729990800 + 1800));
    EXPECT_I64(BEGIN_S + 31 * 86400, wk_almanac_month_after(&g_almanac, BEGIN_S));
    EXPECT_I64(0, wk_almanac_tariff(&g_almanac, 0, BEGIN_S + 500 * INT64_C(86400)));
    wk_almanac_free(&g_almanac);
}

WK_TEST_MAIN(T(summer_time_begins_and_ends_when_the_law_says),
             T(the_tables_say_what_the_contracts_say))
