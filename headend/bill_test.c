/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/bill.h"

#include <stdlib.h>

#include "headend/test_source.h"
#include "tests/wk_test.h"

#define QUARTER_UWH INT64_C(250000000) /* 0.25 kWh */

static struct test_archive t;
static struct wk_reading_result result;
static struct wk_bill bill;

/* 2007-03-25 and 2007-10-28 in central Europe: 23 and 25 hours. */
#define SPRING_S INT64_C(1174777200) /* 2007-03-24T23:00:00Z */
#define AUTUMN_S INT64_C(1193522400) /* 2007-10-27T22:00:00Z */

/* A house that takes 0.25 kWh in each quarter of an hour, with a meter whose calendar is T1 from
 * 06:00 to 22:00 of civil time. `count` intervals from begin_s on, all days closed. */
static wk_err feed(const struct wk_zone *zone, int64_t begin_s, int count)
{
    static struct wk_reading rows[256];
    memset(rows, 0, sizeof rows);
    for (int i = 0; i <= count; i++) {
        rows[i].end_s = begin_s + (int64_t)i * TEST_PERIOD;
        rows[i].present = 1U << WK_CHANNEL_IMPORT | 1U << WK_CHANNEL_T1 | 1U << WK_CHANNEL_T2;
        if (i == 0) {
            continue;
        }
        struct wk_civil civil;
        WK_TRY(wk_civil_from_utc(zone, (struct wk_utc){rows[i].end_s - TEST_PERIOD}, &civil));
        memcpy(rows[i].reg, rows[i - 1].reg, sizeof rows[i].reg);
        rows[i].reg[WK_CHANNEL_IMPORT] += QUARTER_UWH;
        rows[i].reg[civil.hour >= 6 && civil.hour < 22 ? WK_CHANNEL_T1 : WK_CHANNEL_T2] +=
            QUARTER_UWH;
    }
    WK_TRY(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                             (struct wk_reading_rows){rows, (size_t)count + 1}, 1, &result));
    const int32_t first = wk_reading_day_of(begin_s);
    const int32_t last = wk_reading_day_of(begin_s + (int64_t)count * TEST_PERIOD);
    for (int32_t day = first; day <= last; day++) {
        WK_TRY(wk_reading_close(&t.archive, t.meter, day, 1));
    }
    return WK_OK;
}

static struct wk_plan plan_in(struct wk_zone zone)
{
    struct wk_plan plan = test_plan();
    plan.zone = zone;
    return plan;
}

/* By hand: T1 16 h = 16 kWh x 0.3142 = 5.0272; T2 7 h = 7 kWh x 0.2311 = 1.6177; standing 0.25;
 * net 5.03 + 1.62 + 0.25 = 6.90; VAT 19 % = 1.311; total 8.21. */
static void the_day_of_23_hours_is_billed_as_by_hand(void)
{
    const struct wk_plan plan = plan_in(wk_zone_central_europe);
    test_archive_open(&t, 0);
    EXPECT_OK(feed(&plan.zone, SPRING_S, 92));
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, SPRING_S, SPRING_S + 92 * TEST_PERIOD,
                              &bill));
    EXPECT_I64(92, bill.expected);
    EXPECT_I64(92, bill.received);
    EXPECT_I64(1, bill.days);
    EXPECT_I64(4, bill.lines);
    EXPECT_I64(INT64_C(16000000000), bill.line[0].quantity);
    EXPECT_I64(503, bill.line[0].amount_minor);
    EXPECT_I64(INT64_C(7000000000), bill.line[1].quantity);
    EXPECT_I64(162, bill.line[1].amount_minor);
    EXPECT_I64(25, bill.line[2].amount_minor);
    EXPECT_I64(131, bill.line[3].amount_minor);
    EXPECT(strcmp(bill.line[3].name, "VAT 19 %") == 0);
    EXPECT_I64(821, bill.total_minor);
    EXPECT(bill.agree && !bill.provisional);
    test_archive_close(&t);
}

/* By hand: T1 5.03; T2 9 kWh x 0.2311 = 2.0799 -> 2.08; 0.25; net 7.36; VAT 1.3984; 8.76. */
static void the_day_of_25_hours_is_billed_as_by_hand(void)
{
    const struct wk_plan plan = plan_in(wk_zone_central_europe);
    test_archive_open(&t, 0);
    EXPECT_OK(feed(&plan.zone, AUTUMN_S, 100));
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, AUTUMN_S,
                              AUTUMN_S + 100 * TEST_PERIOD, &bill));
    EXPECT_I64(100, bill.expected);
    EXPECT_I64(INT64_C(9000000000), bill.line[1].quantity);
    EXPECT_I64(876, bill.total_minor);
    EXPECT(bill.agree);
    test_archive_close(&t);
}

static void a_meter_with_another_calendar_does_not_agree_and_is_not_billed(void)
{
    const struct wk_plan plan = plan_in(wk_zone_central_europe);
    int32_t rev;
    test_archive_open(&t, 0);
    EXPECT_OK(feed(&wk_zone_utc, AUTUMN_S, 60)); /* the meter switches by UTC */
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, AUTUMN_S, AUTUMN_S + 60 * TEST_PERIOD,
                              &bill));
    EXPECT(bill.import.agree && !bill.agree && !bill.tariff[0].agree);
    EXPECT_ERR(WK_E_STATE, wk_bill_issue(&t.archive, &bill, "{}", 1, &rev));
    test_archive_close(&t);
}

static void an_issued_bill_gets_a_new_revision_only_when_readings_changed(void)
{
    const struct wk_plan plan = plan_in(wk_zone_utc);
    const int64_t to_s = TEST_DAY_S + 96 * TEST_PERIOD;
    int32_t rev = -1;
    test_archive_open(&t, 0);
    EXPECT_OK(feed(&plan.zone, TEST_DAY_S, 96));
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S, to_s, &bill));
    EXPECT_OK(wk_bill_issue(&t.archive, &bill, "{}", 1, &rev));
    EXPECT_I64(0, rev);
    EXPECT_OK(wk_bill_issue(&t.archive, &bill, "{}", 2, &rev));
    EXPECT_I64(0, rev);
    struct wk_reading changed = {.end_s = TEST_DAY_S + TEST_PERIOD,
                                 .present = 1U << WK_CHANNEL_IMPORT | 1U << WK_CHANNEL_T2};
    changed.reg[WK_CHANNEL_IMPORT] = changed.reg[WK_CHANNEL_T2] = QUARTER_UWH - 1;
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){&changed, 1}, 3, &result));
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S, to_s, &bill));
    EXPECT_OK(wk_bill_issue(&t.archive, &bill, "{}", 3, &rev));
    EXPECT_I64(1, rev);
    test_archive_close(&t);
}

static void a_period_without_readings_or_with_too_many_days_is_refused(void)
{
    const struct wk_plan plan = plan_in(wk_zone_utc);
    test_archive_open(&t, 0);
    EXPECT_OK(feed(&plan.zone, TEST_DAY_S, 96));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S, TEST_DAY_S, &bill));
    EXPECT_ERR(WK_E_ARGUMENT, wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S + 7,
                                              TEST_DAY_S + 907, &bill));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_bill_compute(&t.archive, t.meter, &plan, 0, (int64_t)401 * WK_DAY_S, &bill));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S - 9 * WK_DAY_S,
                               TEST_DAY_S - 8 * WK_DAY_S, &bill));
    test_archive_close(&t);
}

/* Two real days, minute by minute: what the file says in kW is what is billed in kWh. */
static void two_days_of_a_real_household_are_billed_to_the_last_unit(void)
{
    static struct wk_reading rows[200];
    const struct wk_plan plan = plan_in(wk_zone_utc);
    FILE *file = fopen(WK_SOURCE_DIR "/data/uci/household_1min_2days.txt", "r");
    char line[256];
    int64_t watt_minutes = 0;
    int minutes = 0;
    EXPECT(file != NULL);
    memset(rows, 0, sizeof rows);
    rows[0].end_s = TEST_DAY_S;
    rows[0].present = 1U << WK_CHANNEL_IMPORT | 1U << WK_CHANNEL_T1 | 1U << WK_CHANNEL_T2;
    while (fgets(line, sizeof line, file) != NULL && minutes < 2880) {
        int64_t kilowatts_e3;
        char *power = strchr(line, ':') != NULL ? strchr(strchr(line, ';') + 1, ';') : NULL;
        if (power == NULL) {
            continue; /* comments and the head */
        }
        power[1 + strcspn(power + 1, ";")] = '\0';
        if (wk_ini_decimal(power + 1, 3, &kilowatts_e3) != WK_OK) {
            break;
        }
        struct wk_reading *row = &rows[minutes / 15 + 1];
        const int64_t before = watt_minutes * 1000000 / 60;
        watt_minutes += kilowatts_e3;
        if (minutes % 15 == 0) {
            *row = row[-1];
            row->end_s += TEST_PERIOD;
        }
        const int64_t gained = watt_minutes * 1000000 / 60 - before;
        row->reg[WK_CHANNEL_IMPORT] += gained;
        row->reg[minutes % 1440 / 60 >= 6 && minutes % 1440 / 60 < 22 ? WK_CHANNEL_T1
                                                                      : WK_CHANNEL_T2] +=
            gained;
        minutes++;
    }
    fclose(file);
    EXPECT_I64(2880, minutes);
    test_archive_open(&t, 0);
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){rows, 193}, 1, &result));
    for (int day = -1; day <= 1; day++) {
        EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY + day, 1));
    }
    EXPECT_OK(wk_bill_compute(&t.archive, t.meter, &plan, TEST_DAY_S, TEST_DAY_S + 2 * WK_DAY_S,
                              &bill));
    EXPECT(bill.agree && !bill.provisional);
    EXPECT_I64(watt_minutes * 1000000 / 60, bill.import.billed_uwh);
    EXPECT_I64(2, bill.days);
    test_archive_close(&t);
}

WK_TEST_MAIN(T(the_day_of_23_hours_is_billed_as_by_hand),
             T(the_day_of_25_hours_is_billed_as_by_hand),
             T(a_meter_with_another_calendar_does_not_agree_and_is_not_billed),
             T(an_issued_bill_gets_a_new_revision_only_when_readings_changed),
             T(a_period_without_readings_or_with_too_many_days_is_refused),
             T(two_days_of_a_real_household_are_billed_to_the_last_unit))
