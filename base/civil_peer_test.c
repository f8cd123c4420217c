/* SPDX-License-Identifier: Apache-2.0
 *
 * Local time of every half hour of twenty years against the C library, in both hemispheres. */
#include "base/civil.h"

#include <stdlib.h>
#include <time.h>

#include "tests/wk_test.h"

#define HALF_HOUR_S 1800
#define FIRST_S     INT64_C(1577836800) /* 2020-01-01 */
#define LAST_S      INT64_C(2208988800) /* 2040-01-01 */

static void compare(const struct wk_zone *zone, const char *rule)
{
    uint32_t compared = 0;
    EXPECT(setenv("TZ", rule, 1) == 0);
    tzset();
    for (int64_t s = FIRST_S; s < LAST_S; s += HALF_HOUR_S) {
        const time_t at = (time_t)s;
        struct tm want;
        struct wk_civil got;
        EXPECT(localtime_r(&at, &want) != NULL);
        EXPECT_OK(wk_civil_from_utc(zone, (struct wk_utc){s}, &got));
        if (got.year != want.tm_year + 1900 || got.month != want.tm_mon + 1 ||
            got.day != want.tm_mday || got.hour != want.tm_hour || got.minute != want.tm_min ||
            got.dst != (want.tm_isdst > 0)) {
            printf("# %s, %lld\n", rule, (long long)s);
            EXPECT(false);
        }
        compared++;
    }
    EXPECT(compared > 350000);
}

static void central_europe_is_as_in_the_c_library(void)
{
    compare(&wk_zone_central_europe, "CET-1CEST,M3.5.0,M10.5.0/3");
}

/* First Sunday of October, 2:00, to first Sunday of April, 3:00, of Sydney. */
static void so_is_the_south(void)
{
    const struct wk_zone sydney = {
        .offset_min = 600,
        .dst_offset_min = 60,
        .dst_begin = {.month = 10, .week = 1, .weekday = 7, .utc_minute = 120 - 600},
        .dst_end = {.month = 4, .week = 1, .weekday = 7, .utc_minute = 180 - 660},
    };
    compare(&sydney, "AEST-10AEDT,M10.1.0,M4.1.0/3");
}

WK_TEST_MAIN(T(central_europe_is_as_in_the_c_library), T(so_is_the_south))
