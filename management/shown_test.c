/* SPDX-License-Identifier: Apache-2.0 */
#include "management/shown.h"

#include "tests/wk_test.h"

static struct wk_shown shown;
static uint64_t seq;

static void take(int32_t u_mv, int64_t i_ua, uint32_t flags)
{
    seq++;
    struct wk_record record = {.kind = WK_RECORD_WINDOW, .seq = seq, .flags = flags};
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        record.window.u_mv[phase] = u_mv;
        record.window.i_ua[phase] = i_ua;
        record.window.p_mw[phase] = u_mv * i_ua / 1000000;
    }
    record.window.frequency_uhz = 50000000;
    wk_shown_take(&shown, &record);
}

static void begin(int windows)
{
    shown = (struct wk_shown){.count = 0};
    seq = 0;
    for (int i = 0; i < windows; i++) {
        take(230000 + 20 * (i % 3), 5000000, 0);
    }
}

static bool shows(uint64_t number, int32_t u_mv)
{
    return shown.record.seq == number && shown.record.window.u_mv[0] == u_mv;
}

static void the_newest_window_is_shown(void)
{
    begin(0);
    EXPECT_I64(0, shown.record.kind);
    for (int i = 1; i <= 20; i++) {
        take(230000 + 7 * (i % 5), 5000000, 0);
        EXPECT(shows((uint64_t)i, 230000 + 7 * (i % 5)));
        EXPECT_I64(0, shown.rejected);
    }
}

static void an_impulse_of_one_or_two_windows_is_never_shown(void)
{
    for (int length = 1; length <= 2; length++) {
        begin(9);
        for (int i = 0; i < length; i++) {
            take(246000, 5000000, 0);
            EXPECT(shows(9, 230040));
            EXPECT_I64(i + 1, shown.rejected);
        }
        take(230000, 5000000, 0);
        EXPECT(shows(10 + (uint64_t)length, 230000));
    }
}

static void a_change_that_stays_is_shown_with_its_third_window(void)
{
    begin(9);
    take(230000, 40000000, 0);
    take(230000, 40000000, 0);
    EXPECT_I64(5000000, shown.record.window.i_ua[0]);
    take(230000, 40000000, 0);
    EXPECT_I64(40000000, shown.record.window.i_ua[0]);
    EXPECT_I64(0, shown.rejected);
}

static void a_load_that_moves_all_the_time_is_shown_as_it_is(void)
{
    begin(9);
    int passed_over = 0;
    for (int i = 0; i < 50; i++) { /* a welder: every window is another one */
        take(230000, 5000000 + 1000000 * (i * 7 % 11), 0);
        passed_over += shown.rejected > 0 ? 1 : 0;
        EXPECT(seq - shown.record.seq <= WK_SHOWN_REJECTED);
    }
    EXPECT(passed_over < 10);
}

static void what_is_shown_is_one_whole_window(void)
{
    begin(9);
    take(246000, 9000000, 0);
    const struct wk_record_window *window = &shown.record.window;
    EXPECT_I64(window->u_mv[1] * window->i_ua[1] / 1000000, window->p_mw[1]);
}

static void a_gap_begins_anew(void)
{
    begin(9);
    take(115000, 1000000, WK_RECORD_FEED_GAP);
    EXPECT(shows(10, 115000));
}

WK_TEST_MAIN(T(the_newest_window_is_shown), T(an_impulse_of_one_or_two_windows_is_never_shown),
             T(a_change_that_stays_is_shown_with_its_third_window),
             T(a_load_that_moves_all_the_time_is_shown_as_it_is),
             T(what_is_shown_is_one_whole_window), T(a_gap_begins_anew))
