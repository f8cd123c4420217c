/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/reading.h"

#include "headend/test_archive.h"
#include "tests/wk_test.h"

static struct test_archive t;
static struct wk_reading_result result;
static struct wk_dayblock block;

static int exceptions_of(const char *kind)
{
    struct wk_archive_counts counts;
    (void)kind;
    return t.archive.counts(t.archive.self, t.meter, &counts) == WK_OK ? (int)counts.exceptions
                                                                       : -1;
}

static void a_day_of_readings_becomes_exact_intervals(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 95, &result));
    EXPECT_I64(97, result.fresh);
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY - 1, 1));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY, 1));
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY,
                             WK_ARCHIVE_LATEST, &block));
    EXPECT_I64(INT64_C(7000000000000), block.reg_start);
    for (int i = 0; i < 96; i++) {
        EXPECT_I64(test_energy_uwh(i), block.value[i]);
        EXPECT_I64(0, block.flags[i]);
    }
    EXPECT_I64(test_reading(95).reg[WK_CHANNEL_IMPORT], block.reg_end);
    EXPECT_ERR(WK_E_NOT_FOUND, wk_reading_day(&t.archive, t.meter, WK_CHANNEL_EXPORT, TEST_DAY,
                                              WK_ARCHIVE_LATEST, &block));
    test_archive_close(&t);
}

static void the_same_readings_again_change_nothing(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 50, &result));
    EXPECT_OK(test_accept(&t, 20, 95, &result));
    EXPECT_I64(31, result.same);
    EXPECT_I64(45, result.fresh);
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY - 1, 1));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY, 1));
    EXPECT_OK(test_accept(&t, -1, 95, &result));
    EXPECT_I64(97, result.same);
    EXPECT_I64(0, result.fresh + result.changed + result.late);
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_T1, TEST_DAY, WK_ARCHIVE_LATEST,
                             &block));
    EXPECT_I64(0, block.rev);
    EXPECT_I64(0, exceptions_of("changed"));
    test_archive_close(&t);
}

static void a_different_value_is_a_new_revision_and_an_exception(void)
{
    struct wk_reading changed = test_reading(40);
    changed.reg[WK_CHANNEL_IMPORT] += 5;
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 95, &result));
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){&changed, 1}, 2, &result));
    EXPECT_I64(1, result.changed);
    EXPECT_I64(1, exceptions_of("changed"));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY - 1, 1));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY, 1));
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY, 0, &block));
    EXPECT_I64(test_energy_uwh(40), block.value[40]);
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY,
                             WK_ARCHIVE_LATEST, &block));
    EXPECT_I64(1, block.rev);
    EXPECT_I64(test_energy_uwh(40) + 5, block.value[40]);
    EXPECT_I64(test_energy_uwh(41) - 5, block.value[41]);
    changed.reg[WK_CHANNEL_IMPORT] += 1; /* and after closing */
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){&changed, 1}, 3, &result));
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY,
                             WK_ARCHIVE_LATEST, &block));
    EXPECT_I64(2, block.rev);
    EXPECT_I64(WK_DAYBLOCK_CHANGED, block.reason);
    EXPECT_I64(test_energy_uwh(40) + 6, block.value[40]);
    test_archive_close(&t);
}

static void a_gap_keeps_its_energy_and_is_filled_late_across_midnight(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 89, &result));
    EXPECT_OK(test_accept(&t, 100, 191, &result)); /* slots 90..99 are missing */
    for (int day = -1; day <= 1; day++) {
        EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY + day, 1));
    }
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY + 1,
                             WK_ARCHIVE_LATEST, &block));
    int64_t lost = 0;
    for (int i = 90; i <= 100; i++) {
        lost += test_energy_uwh(i);
    }
    EXPECT_I64(WK_SLOT_MISSING, block.flags[3]);
    EXPECT_I64(WK_SLOT_SPANS, block.flags[4]);
    EXPECT_I64(lost, block.value[4]);
    EXPECT_OK(test_accept(&t, 90, 99, &result)); /* the meter had them after all */
    EXPECT_I64(10, result.late);
    EXPECT_I64(TEST_DAY, result.late_first_day);
    EXPECT_I64(TEST_DAY + 1, result.late_last_day);
    for (int day = 0; day <= 1; day++) {
        EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY + day,
                                 WK_ARCHIVE_LATEST, &block));
        EXPECT(block.rev > 0);
        for (int i = 0; i < 96; i++) {
            EXPECT_I64(test_energy_uwh(day * 96 + i), block.value[i]);
            EXPECT_I64(0, block.flags[i]);
        }
    }
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY + 1, 0, &block));
    EXPECT_I64(lost, block.value[4]); /* what was first received is still there */
    test_archive_close(&t);
}

static void a_register_that_runs_backwards_is_flagged_not_hidden(void)
{
    struct wk_reading rows[3] = {test_reading(-1), test_reading(0), test_reading(1)};
    rows[2].reg[WK_CHANNEL_IMPORT] = 100;
    test_archive_open(&t, 0);
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){rows, 3}, 2, &result));
    EXPECT_OK(wk_reading_day(&t.archive, t.meter, WK_CHANNEL_IMPORT, TEST_DAY, 0, &block));
    EXPECT((block.flags[1] & WK_SLOT_RESET) != 0);
    EXPECT(block.value[1] < 0);
    EXPECT_I64(100, block.reg_end);
    test_archive_close(&t);
}

static void readings_off_the_grid_or_before_the_baseline_are_not_intervals(void)
{
    struct wk_reading rows[3] = {test_reading(10), test_reading(11), test_reading(2)};
    rows[1].end_s += 7;
    test_archive_open(&t, 0);
    EXPECT_OK(wk_reading_accept(&t.archive, t.meter, TEST_PERIOD,
                                (struct wk_reading_rows){rows, 3}, 2, &result));
    EXPECT_I64(1, result.fresh);
    EXPECT_I64(1, result.off_grid);
    EXPECT_I64(1, result.before);
    EXPECT_ERR(WK_E_STATE, wk_reading_accept(&t.archive, t.meter, 1800,
                                             (struct wk_reading_rows){rows, 1}, 2, &result));
    EXPECT_ERR(WK_E_ARGUMENT, wk_reading_accept(&t.archive, t.meter, 7,
                                                (struct wk_reading_rows){rows, 1}, 2, &result));
    EXPECT_ERR(WK_E_STATE, wk_reading_close(&t.archive, t.meter, TEST_DAY + 3, 1));
    test_archive_close(&t);
}

static void a_series_joins_days_and_knows_its_registers(void)
{
    static int64_t value[200];
    static uint16_t flags[200];
    struct wk_reading_series s = {.value = value, .flags = flags, .room = 200};
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 150, &result));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY - 1, 1));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY, 1));
    s.from_s = TEST_DAY_S + 10 * TEST_PERIOD;
    s.to_s = TEST_DAY_S + 110 * TEST_PERIOD;
    EXPECT_OK(wk_reading_load(&t.archive, t.meter, WK_CHANNEL_IMPORT, WK_ARCHIVE_LATEST, &s));
    EXPECT_I64(100, s.n);
    EXPECT(s.open && !s.broken);
    EXPECT_I64(test_reading(9).reg[0], s.reg_start);
    EXPECT_I64(test_reading(109).reg[0], s.reg_end);
    EXPECT_I64(test_energy_uwh(10), value[0]);
    EXPECT_I64(test_energy_uwh(109), value[99]);
    s.room = 99;
    EXPECT_ERR(WK_E_FULL, wk_reading_load(&t.archive, t.meter, 0, WK_ARCHIVE_LATEST, &s));
    test_archive_close(&t);
}

WK_TEST_MAIN(T(a_day_of_readings_becomes_exact_intervals),
             T(the_same_readings_again_change_nothing),
             T(a_different_value_is_a_new_revision_and_an_exception),
             T(a_gap_keeps_its_energy_and_is_filled_late_across_midnight),
             T(a_register_that_runs_backwards_is_flagged_not_hidden),
             T(readings_off_the_grid_or_before_the_baseline_are_not_intervals),
             T(a_series_joins_days_and_knows_its_registers))
