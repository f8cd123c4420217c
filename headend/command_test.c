/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/command.h"

#include <stdlib.h>

#include "headend/test_source.h"
#include "tests/wk_test.h"

static struct test_archive t;
static struct wk_archive_command row;

static struct wk_command_order order(const char *id, wk_command_action action)
{
    return (struct wk_command_order){
        .id = id, .meter = t.meter, .action = action, .who = "tester"};
}

static wk_err arm(const char *id, wk_command_action action, int64_t now_s)
{
    const struct wk_command_order wanted = order(id, action);
    return wk_command_arm(&t.archive, &wanted, now_s, &row);
}

static wk_err count_audit(void *context, const struct wk_archive_audit *note)
{
    (void)note;
    *(int *)context += 1;
    return WK_OK;
}

static int audits(void)
{
    int count = 0;
    return t.archive.audit_each(t.archive.self, t.meter, count_audit, &count) == WK_OK ? count
                                                                                       : -1;
}

/* Said in words here, as a table in the code. */
static void states_end_in_done_failed_expired_or_cancelled_and_stay(void)
{
    static const char *const k_allowed[] = {
        "armed confirmed",     "armed cancelled",   "armed expired",
        "confirmed cancelled", "confirmed expired", "confirmed running",
        "running confirmed",   "running done",      "running failed"};
    for (int state = 0; state < WK_COMMAND_STATES; state++) {
        for (int event = 0; event < WK_COMMAND_EVENTS; event++) {
            wk_command_state next;
            char pair[64];
            bool found = false;
            if (!wk_command_next((wk_command_state)state, (wk_command_event)event, &next)) {
                continue;
            }
            snprintf(pair, sizeof pair, "%s %s", wk_command_state_name(state),
                     wk_command_state_name((int)next));
            for (size_t i = 0; i < sizeof k_allowed / sizeof k_allowed[0]; i++) {
                found = found || strcmp(k_allowed[i], pair) == 0;
            }
            EXPECT(found);
        }
    }
    wk_command_state next;
    EXPECT(!wk_command_next(WK_COMMAND_ARMED, WK_COMMAND_ON_START, &next));
    EXPECT(!wk_command_next(WK_COMMAND_STATES, WK_COMMAND_ON_START, &next));
}

static void nothing_happens_before_the_second_step(void)
{
    struct test_meter meter = test_meter_at(TEST_DAY_S);
    const struct wk_source source = test_source_of(&meter);
    int done;
    bool pending;
    test_archive_open(&t, 0);
    EXPECT_OK(arm("c1", WK_COMMAND_DISCONNECT, 1000));
    EXPECT_OK(wk_command_run(&t.archive, t.meter, &source, 1001, &done));
    EXPECT(done == 0 && meter.supply);
    EXPECT_OK(wk_command_pending(&t.archive, t.meter, &pending));
    EXPECT(!pending);
    EXPECT_OK(wk_command_confirm(&t.archive, "c1", "tester", 1030, &row));
    EXPECT_OK(wk_command_run(&t.archive, t.meter, &source, 1031, &done));
    EXPECT(done == 1 && !meter.supply);
    EXPECT_OK(t.archive.command_get(t.archive.self, "c1", &row));
    EXPECT_I64(WK_COMMAND_DONE, row.state);
    EXPECT(strcmp(row.result, "output open, control state disconnected") == 0);
    EXPECT_OK(wk_command_run(&t.archive, t.meter, &source, 1032, &done));
    EXPECT_I64(0, done); /* once is once */
    EXPECT_I64(4, audits());
    test_archive_close(&t);
}

static void the_same_id_is_the_same_command(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(arm("c1", WK_COMMAND_CONNECT, 1000));
    EXPECT_OK(arm("c1", WK_COMMAND_CONNECT, 1005));
    EXPECT_I64(1000, row.created_s);
    EXPECT_ERR(WK_E_STATE, arm("c1", WK_COMMAND_DISCONNECT, 1006));
    EXPECT_ERR(WK_E_ARGUMENT, arm("c 1", WK_COMMAND_CONNECT, 1006));
    EXPECT_ERR(WK_E_ARGUMENT, arm("", WK_COMMAND_CONNECT, 1006));
    EXPECT_OK(wk_command_confirm(&t.archive, "c1", "tester", 1010, &row));
    EXPECT_OK(wk_command_confirm(&t.archive, "c1", "tester", 1011, &row));
    EXPECT_I64(2, audits());
    EXPECT_ERR(WK_E_NOT_FOUND, wk_command_confirm(&t.archive, "c9", "tester", 1011, &row));
    test_archive_close(&t);
}

static void a_command_expires_unconfirmed_or_unreached(void)
{
    struct test_meter meter = test_meter_at(TEST_DAY_S);
    const struct wk_source source = test_source_of(&meter);
    int done;
    test_archive_open(&t, 0);
    EXPECT_OK(arm("late", WK_COMMAND_DISCONNECT, 1000));
    EXPECT_ERR(WK_E_STATE, wk_command_confirm(&t.archive, "late", "tester",
                                              1000 + WK_COMMAND_CONFIRM_S + 1, &row));
    EXPECT_I64(WK_COMMAND_EXPIRED, row.state);
    EXPECT_OK(arm("gone", WK_COMMAND_DISCONNECT, 2000));
    EXPECT_OK(wk_command_confirm(&t.archive, "gone", "tester", 2001, &row));
    meter.fail_in = 0;
    EXPECT_ERR(WK_E_CLOSED, wk_command_run(&t.archive, t.meter, &source, 2010, &done));
    EXPECT_OK(t.archive.command_get(t.archive.self, "gone", &row));
    EXPECT_I64(WK_COMMAND_CONFIRMED, row.state); /* waits for the next visit */
    meter.fail_in = -1;
    EXPECT_OK(
        wk_command_run(&t.archive, t.meter, &source, 2000 + WK_COMMAND_EXPIRE_S + 1, &done));
    EXPECT(done == 0 && meter.supply);
    EXPECT_OK(t.archive.command_get(t.archive.self, "gone", &row));
    EXPECT_I64(WK_COMMAND_EXPIRED, row.state);
    EXPECT(strstr(row.result, "not reached") != NULL);
    test_archive_close(&t);
}

static void a_refusal_of_the_meter_is_the_result(void)
{
    struct test_meter meter = test_meter_at(TEST_DAY_S);
    const struct wk_source source = test_source_of(&meter);
    int done;
    meter.refuses = true;
    test_archive_open(&t, 0);
    EXPECT_OK(arm("c1", WK_COMMAND_DISCONNECT, 1000));
    EXPECT_OK(wk_command_confirm(&t.archive, "c1", "tester", 1001, &row));
    EXPECT_OK(wk_command_run(&t.archive, t.meter, &source, 1002, &done));
    EXPECT_OK(t.archive.command_get(t.archive.self, "c1", &row));
    EXPECT_I64(WK_COMMAND_FAILED, row.state);
    EXPECT(strstr(row.result, "refused by the meter") != NULL);
    EXPECT_OK(arm("c2", WK_COMMAND_DISCONNECT, 1003));
    EXPECT_OK(wk_command_cancel(&t.archive, "c2", "tester", 1004, &row));
    EXPECT_ERR(WK_E_STATE, wk_command_confirm(&t.archive, "c2", "tester", 1005, &row));
    test_archive_close(&t);
}

WK_TEST_MAIN(T(states_end_in_done_failed_expired_or_cancelled_and_stay),
             T(nothing_happens_before_the_second_step), T(the_same_id_is_the_same_command),
             T(a_command_expires_unconfirmed_or_unreached),
             T(a_refusal_of_the_meter_is_the_result))
