/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/week.h"
#include "tests/wk_test.h"

#define MONDAY_US INT64_C(1763337600000000)

static char path[64];
static struct wk_week week;

static void name_file(void)
{
    snprintf(path, sizeof path, "/tmp/wk-week-%ld", (long)getpid());
    unlink(path);
}

static struct wk_record dip(uint64_t seq)
{
    return (struct wk_record){
        .seq = seq,
        .epoch = 5,
        .t_us = MONDAY_US + (int64_t)seq * 1000000,
        .kind = WK_RECORD_EVENT,
        .event = {.kind = WK_RECORD_DIP_END,
                  .nominal_mv = 230000,
                  .extreme_mv = 190000,
                  .duration_us = 100000},
    };
}

static void take(uint64_t seq)
{
    const struct wk_record record = dip(seq);
    wk_week_take(&week, &record);
}

static wk_err open_week(void)
{
    return wk_week_open(&week, path, 230000, 50000000, 3);
}

static void what_was_saved_is_there_again_and_counts_once(void)
{
    name_file();
    EXPECT_OK(open_week());
    for (uint64_t seq = 1; seq <= 5; seq++) {
        take(seq);
        EXPECT_OK(wk_week_save(&week));
    }
    take(6); /* not saved: it comes again from the ring */
    EXPECT_OK(open_week());
    EXPECT_I64(5, week.now.dips[0][0]);
    take(5);
    take(6);
    EXPECT_I64(6, week.now.dips[0][0]);
    unlink(path);
}

static void a_torn_image_leaves_the_one_before(void)
{
    name_file();
    EXPECT_OK(open_week());
    take(1);
    EXPECT_OK(wk_week_save(&week));
    take(2);
    EXPECT_OK(wk_week_save(&week)); /* the second lies at the begin of the file */
    FILE *file = fopen(path, "r+b");
    EXPECT(file != NULL);
    fseek(file, 200, SEEK_SET);
    fputs("torn", file);
    fclose(file);
    EXPECT_OK(open_week());
    EXPECT_I64(1, week.now.dips[0][0]);
    EXPECT_I64(1, week.seq);
    unlink(path);
}

static void a_file_of_another_meter_is_set_aside(void)
{
    char bad[80];
    name_file();
    snprintf(bad, sizeof bad, "%s.bad", path);
    EXPECT_OK(open_week());
    take(1);
    EXPECT_OK(wk_week_save(&week));
    EXPECT_ERR(WK_E_CORRUPT, wk_week_open(&week, path, 120000, 60000000, 1));
    EXPECT(strstr(week.why, ".bad") != NULL);
    EXPECT_I64(0, week.now.dips[0][0]);
    EXPECT(access(bad, F_OK) == 0);
    EXPECT(access(path, F_OK) != 0);
    unlink(bad);
}

static void a_new_week_keeps_the_last(void)
{
    name_file();
    EXPECT_OK(open_week());
    take(1);
    struct wk_record late = dip(2);
    late.t_us += WK_EN50160_WEEK_US;
    wk_week_take(&week, &late);
    EXPECT_I64(1, week.last.dips[0][0]);
    EXPECT_I64(1, week.now.dips[0][0]);
    EXPECT_I64(MONDAY_US + WK_EN50160_WEEK_US, week.now.begin_us);
}

WK_TEST_MAIN(T(what_was_saved_is_there_again_and_counts_once),
             T(a_torn_image_leaves_the_one_before), T(a_file_of_another_meter_is_set_aside),
             T(a_new_week_keeps_the_last))
