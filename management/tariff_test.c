/* SPDX-License-Identifier: Apache-2.0 */
#include "management/tariff.h"

#include <stdio.h>
#include <string.h>

#include "tests/wk_test.h"

/* Winter and summer; workdays with a peak, weekends flat; Christmas as a weekend. */
static struct wk_tariff two_seasons(void)
{
    struct wk_tariff tariff;
    wk_tariff_init(&tariff);
    tariff.active = (struct wk_tariff_calendar){
        .name = "TEST",
        .season_count = 2,
        .season = {{4, 1, 0}, {10, 1, 1}},
        .week_count = 2,
        .week_day = {{0, 0, 0, 0, 0, 2, 2}, {1, 1, 1, 1, 1, 2, 2}},
        .day_count = 3,
        .day = {{3, {{0, 3, 0}, {360, 2, 0}, {1320, 3, 0}}},
                {4, {{0, 3, 0}, {360, 2, 0}, {1020, 1, 0}, {1200, 2, 0}}},
                {1, {{0, 4, 0}}}},
    };
    tariff.special_count = 2;
    tariff.special[0] = (struct wk_tariff_special_day){0, 12, 25, 2};
    tariff.special[1] = (struct wk_tariff_special_day){2026, 6, 1, 2};
    return tariff;
}

static int tariff_at(const struct wk_tariff *tariff, struct wk_civil civil)
{
    civil.weekday = wk_civil_weekday(wk_civil_days(civil.year, civil.month, civil.day));
    return wk_tariff_at(tariff, &civil)->tariff;
}

#define AT(y, m, d, h, min)                                                                    \
    (struct wk_civil)                                                                          \
    {                                                                                          \
        .year = (y), .month = (m), .day = (d), .hour = (h), .minute = (min)                    \
    }

static void a_new_meter_has_one_tariff_around_the_clock(void)
{
    struct wk_tariff tariff;
    wk_tariff_init(&tariff);
    EXPECT_OK(wk_tariff_check(&tariff.active, NULL));
    EXPECT_I64(1, tariff_at(&tariff, AT(2026, 7, 4, 13, 37)));
}

/* Each row can be checked by hand against the table above and a wall calendar. */
static void season_week_and_day_table_choose_the_tariff(void)
{
    const struct wk_tariff tariff = two_seasons();
    EXPECT_OK(wk_tariff_check(&tariff.active, NULL));
    EXPECT_I64(3, tariff_at(&tariff, AT(2026, 7, 6, 5, 59))); /* Monday, summer */
    EXPECT_I64(2, tariff_at(&tariff, AT(2026, 7, 6, 6, 0)));
    EXPECT_I64(2, tariff_at(&tariff, AT(2026, 7, 6, 18, 0))); /* no peak in summer */
    EXPECT_I64(3, tariff_at(&tariff, AT(2026, 7, 6, 22, 0)));
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 7, 4, 18, 0)));   /* Saturday */
    EXPECT_I64(1, tariff_at(&tariff, AT(2026, 11, 23, 17, 0))); /* Monday, winter peak */
    EXPECT_I64(1, tariff_at(&tariff, AT(2026, 11, 23, 19, 59)));
    EXPECT_I64(2, tariff_at(&tariff, AT(2026, 11, 23, 20, 0)));
    EXPECT_I64(1, tariff_at(&tariff, AT(2026, 1, 5, 17, 30))); /* winter goes on in January */
    EXPECT_I64(2, tariff_at(&tariff, AT(2026, 3, 31, 16, 59)));
    EXPECT_I64(2, tariff_at(&tariff, AT(2026, 4, 1, 17, 30))); /* summer begins */
}

static void special_days_override_the_week(void)
{
    const struct wk_tariff tariff = two_seasons();
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 12, 25, 17, 30))); /* a Friday */
    EXPECT_I64(4, tariff_at(&tariff, AT(2031, 12, 25, 17, 30))); /* every year */
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 6, 1, 12, 0)));    /* a Monday, once */
    EXPECT_I64(2, tariff_at(&tariff, AT(2027, 6, 1, 12, 0)));    /* a Tuesday, not again */
}

static void a_band_follows_the_clock_on_the_wall_through_daylight_saving(void)
{
    struct wk_tariff tariff = two_seasons();
    /* 2026-03-30, Monday after the change: 06:00 civil = 04:00 UTC; before it 05:00 UTC. */
    const struct wk_civil civil = AT(2026, 3, 30, 6, 0);
    struct wk_utc six;
    EXPECT_OK(wk_civil_to_utc(&wk_zone_central_europe, &civil, &six));
    (void)wk_tariff_update(&tariff, &wk_zone_central_europe, (struct wk_utc){six.s - 1});
    EXPECT_I64(3, tariff.current);
    EXPECT_I64(WK_TARIFF_SWITCHED, wk_tariff_update(&tariff, &wk_zone_central_europe, six));
    EXPECT_I64(2, tariff.current);
    EXPECT_I64(4 * 3600, six.s % 86400);
}

static void the_passive_calendar_takes_over_at_its_time(void)
{
    struct wk_tariff tariff;
    wk_tariff_init(&tariff);
    tariff.passive = two_seasons().active;
    tariff.activate_at.s = 1781000000;
    (void)wk_tariff_update(&tariff, &wk_zone_utc, (struct wk_utc){1780999940});
    EXPECT_I64(1, tariff.current);
    EXPECT_I64(WK_TARIFF_ACTIVATED,
               wk_tariff_update(&tariff, &wk_zone_utc, (struct wk_utc){1781000000}));
    EXPECT(strcmp(tariff.active.name, "TEST") == 0);
    EXPECT_I64(0, tariff.activate_at.s);
}

static void an_incomplete_passive_calendar_does_not_take_over(void)
{
    struct wk_tariff tariff;
    wk_tariff_init(&tariff);
    tariff.passive.week_day[0][3] = 7;
    EXPECT_ERR(WK_E_RANGE, wk_tariff_activate(&tariff));
    EXPECT(strcmp(tariff.active.name, "SINGLE") == 0);
}

/* The fault that is found, as one text. */
static const char *fault_of(const struct wk_tariff *tariff)
{
    static char text[160];
    struct wk_tariff_fault fault = {.part = "none", .reason = ""};
    if (wk_tariff_check(&tariff->active, &fault) == WK_OK) {
        (void)!wk_tariff_check_special(tariff, &fault);
    }
    snprintf(text, sizeof text, "%s %u.%u: %s", fault.part, fault.number, fault.detail,
             fault.reason);
    return text;
}

static bool refuses(const struct wk_tariff *tariff, const char *fault)
{
    const char *found = fault_of(tariff);
    if (strcmp(found, fault) != 0) {
        printf("# found: %s\n", found);
    }
    return strcmp(found, fault) == 0;
}

static void calendars_that_make_no_sense_are_refused_with_their_reason(void)
{
    const struct wk_tariff good = two_seasons();
    struct wk_tariff bad = good;
    EXPECT(refuses(&bad, "none 0.0: "));
    bad.active.day[0].action[0].minute = 1;
    EXPECT(
        refuses(&bad, "day 1.1: first action is not at 00:00: nothing is in force before it"));
    bad = good;
    bad.active.day[1].action[2].minute = 360;
    EXPECT(refuses(&bad, "day 2.3: is not later than the action before it"));
    bad = good;
    bad.active.day[1].action[3].minute = 1440;
    EXPECT(refuses(&bad, "day 2.4: time is not within 00:00 to 23:59"));
    bad = good;
    bad.active.day[1].action[2].tariff = 9;
    EXPECT(refuses(&bad, "day 2.3: tariff is not 1 to 8"));
    bad = good;
    bad.active.day[1].action[2].load = 0x10;
    EXPECT(refuses(&bad, "day 2.3: load output does not exist"));
    bad = good;
    bad.active.season[1] = bad.active.season[0];
    EXPECT(refuses(&bad, "season 2.0: does not begin after the one before it"));
    bad = good;
    bad.active.season[0].day = 31;
    EXPECT(refuses(&bad, "season 1.0: begins on a date that does not exist"));
    bad = good;
    bad.active.season[1].week = 2;
    EXPECT(refuses(&bad, "season 2.0: uses a week that does not exist"));
    bad = good;
    bad.active.season_count = 5;
    EXPECT(refuses(&bad, "season 0.0: there must be 1 to 4"));
    bad = good;
    bad.active.week_day[1][6] = 3;
    EXPECT(refuses(&bad, "week 2.7: uses a day that does not exist"));
    bad = good;
    bad.special[0].day = 3;
    EXPECT(refuses(&bad, "special day 1.0: uses a day that does not exist"));
    bad = good;
    bad.special[1] = (struct wk_tariff_special_day){2026, 2, 29, 0};
    EXPECT(refuses(&bad, "special day 2.0: is on a date that does not exist"));
    bad = good;
    bad.special[1] = bad.special[0];
    EXPECT(refuses(&bad, "special day 2.0: is on the date of another"));
}

static void there_is_room_for_fifty_special_days_and_no_more(void)
{
    struct wk_tariff tariff = two_seasons();
    for (uint8_t i = 0; i < WK_TARIFF_SPECIAL_DAYS; i++) {
        tariff.special[i] =
            (struct wk_tariff_special_day){0, (uint8_t)(1 + i / 28), (uint8_t)(1 + i % 28), 2};
    }
    tariff.special_count = 40;
    EXPECT(refuses(&tariff, "none 0.0: "));
    tariff.special_count = 50;
    EXPECT(refuses(&tariff, "none 0.0: "));
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 2, 22, 18, 0)));
    tariff.special_count = 51;
    EXPECT(refuses(&tariff, "special day 0.0: there must be at most 50"));
}

static void a_day_of_one_year_goes_before_one_of_every_year(void)
{
    struct wk_tariff tariff = two_seasons();
    tariff.special[1] = (struct wk_tariff_special_day){2027, 12, 25, 1};
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 12, 25, 18, 0)));
    EXPECT_I64(1, tariff_at(&tariff, AT(2027, 12, 25, 18, 0)));
    /* on the border of a season, and on the leap day */
    tariff.special[1] = (struct wk_tariff_special_day){0, 10, 1, 2};
    EXPECT_I64(4, tariff_at(&tariff, AT(2026, 10, 1, 18, 0)));
    tariff.special[1] = (struct wk_tariff_special_day){0, 2, 29, 2};
    EXPECT_OK(wk_tariff_check_special(&tariff, NULL));
    EXPECT_I64(4, tariff_at(&tariff, AT(2028, 2, 29, 18, 0)));
    EXPECT_I64(1, tariff_at(&tariff, AT(2027, 3, 1, 18, 0)));
}

static void an_activation_in_the_past_is_refused_and_changes_nothing(void)
{
    struct wk_tariff tariff = two_seasons();
    struct wk_tariff_fault fault;
    const struct wk_utc now = {1781000000};
    tariff.passive = tariff.active;
    EXPECT_OK(wk_tariff_plan(&tariff, (struct wk_utc){now.s + 60}, now, &fault));
    EXPECT_ERR(WK_E_RANGE, wk_tariff_plan(&tariff, now, now, &fault));
    EXPECT(strcmp(fault.part, "activation") == 0);
    EXPECT_ERR(WK_E_RANGE, wk_tariff_plan(&tariff, (struct wk_utc){now.s - 1}, now, &fault));
    EXPECT_I64(now.s + 60, tariff.activate_at.s);
    tariff.passive.week_count = 0;
    EXPECT_ERR(WK_E_RANGE, wk_tariff_plan(&tariff, (struct wk_utc){now.s + 90}, now, &fault));
    EXPECT(strcmp(fault.part, "week") == 0);
    EXPECT_I64(now.s + 60, tariff.activate_at.s);
    EXPECT_OK(wk_tariff_plan(&tariff, (struct wk_utc){0}, now, &fault));
    EXPECT_I64(0, tariff.activate_at.s);
}

static void windows_of_load_management_follow_the_calendar(void)
{
    struct wk_tariff tariff;
    const struct wk_zone zone = wk_zone_central_europe;
    wk_tariff_init(&tariff);
    tariff.active.day[0] = (struct wk_tariff_day){
        3,
        {{0, 1, 0x1}, {360, 1, 0}, {1320, 1, 0x3}}}; /* a boiler by night, a car from 22:00 */
    EXPECT_OK(wk_tariff_check(&tariff.active, NULL));
    const int64_t midnight_s = 1780956000; /* 2026-06-09 00:00 in central Europe */
    EXPECT_I64(WK_TARIFF_SAME, wk_tariff_update(&tariff, &zone, (struct wk_utc){midnight_s}));
    EXPECT_I64(0x1, tariff.load);
    EXPECT_I64(WK_TARIFF_SWITCHED,
               wk_tariff_update(&tariff, &zone, (struct wk_utc){midnight_s + 6 * 3600}));
    EXPECT_I64(0, tariff.load);
    EXPECT_I64(WK_TARIFF_SWITCHED,
               wk_tariff_update(&tariff, &zone, (struct wk_utc){midnight_s + 22 * 3600}));
    EXPECT_I64(0x3, tariff.load);
    EXPECT_I64(1, tariff.current);
}

static void a_calendar_returns_from_the_store_as_it_was(void)
{
    const struct wk_tariff tariff = two_seasons();
    uint8_t raw[WK_TARIFF_PACKED_MAX];
    uint8_t again[WK_TARIFF_PACKED_MAX];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_tariff_pack(&tariff, &out);
    EXPECT_I64(WK_OK, out.fault);
    struct wk_tariff back;
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_tariff_unpack(&back, &in));
    struct wk_bytes_out out2 = wk_bytes_out_of(again, sizeof again);
    wk_tariff_pack(&back, &out2);
    EXPECT_I64(out.size, out2.size);
    EXPECT_BYTES(raw, again, out.size);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_tariff cut;
        struct wk_bytes_in part = wk_bytes_in_of(raw, size);
        EXPECT(wk_tariff_unpack(&cut, &part) != WK_OK);
    }
}

WK_TEST_MAIN(T(a_new_meter_has_one_tariff_around_the_clock),
             T(season_week_and_day_table_choose_the_tariff), T(special_days_override_the_week),
             T(a_band_follows_the_clock_on_the_wall_through_daylight_saving),
             T(the_passive_calendar_takes_over_at_its_time),
             T(an_incomplete_passive_calendar_does_not_take_over),
             T(calendars_that_make_no_sense_are_refused_with_their_reason),
             T(there_is_room_for_fifty_special_days_and_no_more),
             T(a_day_of_one_year_goes_before_one_of_every_year),
             T(an_activation_in_the_past_is_refused_and_changes_nothing),
             T(windows_of_load_management_follow_the_calendar),
             T(a_calendar_returns_from_the_store_as_it_was))
