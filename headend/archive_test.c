/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive.h"

#include <signal.h>
#include <sys/wait.h>

#include "headend/test_archive.h"
#include "tests/wk_test.h"

static struct test_archive t;
static struct wk_reading_result result;

static int64_t open_readings(void)
{
    struct wk_archive_counts counts;
    return t.archive.counts(t.archive.self, t.meter, &counts) == WK_OK ? counts.open_readings
                                                                       : -1;
}

/* Killed between the writes of a batch: all of it or nothing is there afterwards. */
static void a_killed_writer_leaves_whole_batches_only(void)
{
    const unsigned seed = 7;
    srand(seed);
    printf("# seed %u\n", seed);
    test_archive_open(&t, 0);
    t.archive.close(t.archive.self);
    for (int round = 0; round < 25; round++) {
        int begun[2];
        char go;
        EXPECT_I64(0, pipe(begun));
        const pid_t child = fork();
        if (child == 0) {
            test_archive_reopen(&t, 0);
            (void)!write(begun[1], "", 1);
            for (int64_t slot = -1;; slot += 8) {
                if (test_accept(&t, slot, slot + 7, &result) != WK_OK) {
                    _exit(1);
                }
            }
        }
        EXPECT_I64(1, read(begun[0], &go, 1));
        close(begun[0]);
        close(begun[1]);
        usleep((useconds_t)(rand() % 40000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        test_archive_reopen(&t, 0);
        EXPECT_I64(0, open_readings() % (8 * 4)); /* 8 readings of 4 channels */
        t.archive.close(t.archive.self);
    }
    test_archive_reopen(&t, 0);
    EXPECT(open_readings() > 0);
    test_archive_close(&t);
}

static void a_full_disk_is_a_clean_error_and_later_all_goes_on(void)
{
    test_archive_open(&t, 160 * 1024);
    int64_t slot = -1;
    wk_err err = WK_OK;
    int64_t stored = 0;
    while (err == WK_OK && slot < 4000) {
        stored = open_readings();
        err = test_accept(&t, slot, slot + 95, &result);
        slot += 96;
    }
    EXPECT_ERR(WK_E_FULL, err);
    EXPECT(stored > 0);
    EXPECT_I64(stored, open_readings());
    const char *why = t.archive.why(t.archive.self);
    EXPECT(strstr(why, "full") != NULL || strstr(why, "No space left") != NULL);
    t.archive.close(t.archive.self);
    test_archive_reopen(&t, 0); /* somebody made room */
    EXPECT_OK(test_accept(&t, slot - 96, slot - 1, &result));
    EXPECT_I64(96, result.fresh);
    test_archive_close(&t);
}

static void keys_are_unique_and_nothing_is_overwritten(void)
{
    struct wk_archive *a = &t.archive;
    struct wk_archive_event event = {.log = "0.0.99.98.0.255", .seq = 5, .at_s = 9, .code = 1};
    struct wk_archive_command command = {.id = "c1", .state = 1, .who = "me"};
    struct wk_archive_command got;
    test_archive_open(&t, 0);
    event.meter = t.meter;
    command.meter = t.meter;
    EXPECT_OK(a->event_put(a->self, &event));
    event.code = 2;
    EXPECT_ERR(WK_E_STATE, a->event_put(a->self, &event));
    EXPECT_OK(a->command_put(a->self, &command));
    EXPECT_ERR(WK_E_STATE, a->command_put(a->self, &command));
    command.state = 2;
    EXPECT_ERR(WK_E_STATE, a->command_update(a->self, &command, 7));
    EXPECT_OK(a->command_update(a->self, &command, 1));
    EXPECT_OK(a->command_get(a->self, "c1", &got));
    EXPECT_I64(2, got.state);
    EXPECT_ERR(WK_E_NOT_FOUND, a->command_get(a->self, "c2", &got));
    test_archive_close(&t);
}

static void a_damaged_block_is_found_when_it_is_read(void)
{
    static struct wk_dayblock block;
    test_archive_open(&t, 0);
    EXPECT_OK(test_accept(&t, -1, 95, &result));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY - 1, 1));
    EXPECT_OK(wk_reading_close(&t.archive, t.meter, TEST_DAY, 1));
    EXPECT(test_archive_sql(&t, "UPDATE interval_day SET reg_end = reg_end + 1"));
    EXPECT_ERR(WK_E_CORRUPT, t.archive.block_get(t.archive.self, t.meter, 0, TEST_DAY,
                                                 WK_ARCHIVE_LATEST, &block));
    test_archive_close(&t);
}

static void files_that_are_no_archive_are_refused_with_a_reason(void)
{
    char why[WK_ARCHIVE_WHY];
    struct wk_archive other;
    EXPECT_ERR(WK_E_CORRUPT,
               wk_archive_sqlite_open(WK_SOURCE_DIR "/headend/archive_test.c", 0, &other, why));
    EXPECT(strstr(why, "not a database") != NULL);
    EXPECT_ERR(WK_E_IO, wk_archive_sqlite_open("/nowhere/at/all.db", 0, &other, why));
    test_archive_open(&t, 0);
    EXPECT(test_archive_sql(&t, test_archive_is_database() ? "UPDATE about SET version = 99"
                                                           : "PRAGMA user_version = 99"));
    EXPECT_ERR(WK_E_UNSUPPORTED, test_archive_handle(&t, &other, why));
    EXPECT(strstr(why, "schema 99") != NULL);
    test_archive_close(&t);
}

WK_TEST_MAIN(T(a_killed_writer_leaves_whole_batches_only),
             T(a_full_disk_is_a_clean_error_and_later_all_goes_on),
             T(keys_are_unique_and_nothing_is_overwritten),
             T(a_damaged_block_is_found_when_it_is_read),
             T(files_that_are_no_archive_are_refused_with_a_reason))
