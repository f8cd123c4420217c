/* SPDX-License-Identifier: Apache-2.0
 *
 * The lamp is a named pipe here; what is written into it is counted and timed. */
#include "daemon/pulses.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/wk_test.h"

static char g_path[64];
static int g_reader = -1;

static bool lamp_open(struct wk_pulses **pulses)
{
    char why[WK_PULSES_WHY];
    char folder[] = "/tmp/wk-pulses-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(g_path, sizeof g_path, "%s/lamp", folder);
    if (mkfifo(g_path, 0600) != 0) {
        return false;
    }
    g_reader = open(g_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return g_reader >= 0 && wk_pulses_open(pulses, g_path, why) == WK_OK;
}

static void lamp_close(void)
{
    char *slash = strrchr(g_path, '/');
    close(g_reader);
    unlink(g_path);
    *slash = '\0';
    rmdir(g_path);
}

static void wait_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* How often it was lit since the last look; *dark: it is dark now. */
static int lit(bool *dark)
{
    char text[4096];
    const ssize_t size = read(g_reader, text, sizeof text);
    int count = 0;
    for (ssize_t i = 0; i < size; i++) {
        count += text[i] == '1' ? 1 : 0;
    }
    *dark = size >= 2 && text[size - 2] == '0';
    return count;
}

static void every_pulse_is_shown_spread_over_the_next_window(void)
{
    struct wk_pulses *pulses = NULL;
    bool dark;
    EXPECT(lamp_open(&pulses));
    wk_pulses_add(pulses, 2, 1000000);
    wait_ms(250);
    EXPECT_I64(1, lit(&dark)); /* the other one half a second later */
    EXPECT(dark);
    wait_ms(700);
    EXPECT_I64(1, lit(&dark));
    EXPECT(dark);
    EXPECT_I64(0, (int64_t)wk_pulses_close(pulses));
    lamp_close();
}

static void pulses_of_several_windows_add_up_and_none_is_dropped(void)
{
    struct wk_pulses *pulses = NULL;
    bool dark;
    EXPECT(lamp_open(&pulses));
    for (int n = 0; n < 10; n++) {
        wk_pulses_add(pulses, 1, 20000); /* faster than a lamp can show */
    }
    int shown = 0;
    for (int n = 0; n < 100 && shown < 10; n++) {
        wait_ms(50);
        shown += lit(&dark);
    }
    EXPECT_I64(10, shown);
    wk_pulses_add(pulses, 0, 200000);
    wait_ms(50);
    EXPECT_I64(0, lit(&dark));
    EXPECT_I64(0, (int64_t)wk_pulses_close(pulses));
    lamp_close();
}

static void closing_leaves_the_lamp_dark_and_says_what_is_missing(void)
{
    struct wk_pulses *pulses = NULL;
    bool dark;
    EXPECT(lamp_open(&pulses));
    wk_pulses_add(pulses, 1000, 200000);
    wait_ms(200);
    const uint64_t left = wk_pulses_close(pulses);
    const int shown = lit(&dark);
    EXPECT(dark);
    EXPECT(shown > 0 && shown < 1000);
    EXPECT_I64(1000, shown + (int64_t)left);
    lamp_close();
}

static void a_lamp_that_is_not_there_is_a_text(void)
{
    struct wk_pulses *pulses = NULL;
    char why[WK_PULSES_WHY] = "";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_pulses_open(&pulses, "/nonexistent/lamp", why));
    EXPECT(pulses == NULL);
    EXPECT(strstr(why, "pulse_led /nonexistent/lamp: No such file") != NULL);
    wk_pulses_add(pulses, 5, 200000);
    EXPECT_I64(0, (int64_t)wk_pulses_close(pulses));
}

WK_TEST_MAIN(T(every_pulse_is_shown_spread_over_the_next_window),
             T(pulses_of_several_windows_add_up_and_none_is_dropped),
             T(closing_leaves_the_lamp_dark_and_says_what_is_missing),
             T(a_lamp_that_is_not_there_is_a_text))
