/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/captures.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/linux/comtrade_write.h"
#include "tests/wk_test.h"

#define NAME                      "20260302T091500.250-dip.cff"
#define RATE_HZ                   8000
#define FRAMES                    9600
#define SPIKE                     4321
#define TURN                      6.283185307179586

#define EXPECT_TEXT(wanted, text) EXPECT(strcmp((wanted), (text)) == 0)

static char g_folder[] = "/tmp/wk_captures_XXXXXX";

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", g_folder, name);
}

static struct wk_hal_frontend_info info_of(void)
{
    struct wk_hal_frontend_info info = {
        .channels = 2, .rate_uhz = INT64_C(1000000) * RATE_HZ, .nominal_uhz = 50000000};
    info.channel[0] = (struct wk_hal_channel){
        .name = "U1", .quantity = WK_HAL_VOLTAGE, .gain = {1000000000, -12}};
    info.channel[1] = (struct wk_hal_channel){
        .name = "I1", .quantity = WK_HAL_CURRENT, .gain = {1000000000, -14}};
    return info;
}

/* 230 V of 50 Hz with one sample of 900 V, and a constant current of 5 A. */
static wk_err make(const char *name)
{
    static int32_t counts[FRAMES * 2];
    const struct wk_hal_frontend_info info = info_of();
    struct wk_recording_fault fault;
    char path[256];
    for (int n = 0; n < FRAMES; n++) {
        counts[2 * n] = (int32_t)lround(325269.0 * sin(TURN * 50 * n / RATE_HZ));
        counts[2 * n + 1] = 500000;
    }
    counts[2 * SPIKE] = 900000;
    const struct wk_comtrade_feed feed = {.info = &info,
                                          .counts = counts,
                                          .frames = FRAMES,
                                          .start_us = INT64_C(1772442900050000),
                                          .trigger_us = INT64_C(1772442900250000)};
    path_of(path, name);
    return wk_comtrade_write_feed(&feed, path, &fault);
}

static wk_err waveform(const char *name, int64_t from_us, int64_t to_us, json_t **made)
{
    char why[WK_CAPTURES_WHY];
    const struct wk_captures_part part = {from_us, to_us};
    return wk_captures_waveform(g_folder, name, &part, made, why);
}

static const json_t *points_of(const json_t *made, size_t channel)
{
    return json_object_get(json_array_get(json_object_get(made, "channels"), channel),
                           "points");
}

static double largest_of(const json_t *points)
{
    double largest = 0;
    for (size_t i = 0; i < json_array_size(points); i++) {
        largest = fmax(largest, json_number_value(json_array_get(points, i)));
    }
    return largest;
}

static int64_t member(const json_t *made, const char *name)
{
    return json_integer_value(json_object_get(made, name));
}

static void a_name_tells_event_and_time(void)
{
    struct wk_captures_name parsed;
    EXPECT(wk_captures_parse("20260302T091500.250-rapid-change.cff", &parsed));
    EXPECT_TEXT("rapid-change", parsed.event);
    EXPECT_I64(INT64_C(1772442900250000), parsed.trigger_us); /* date -u -d ... +%s */
}

static void no_name_leads_out_of_the_folder(void)
{
    static const char *const k_names[] = {
        "",
        "week",
        ".fresh.cff",
        "../store",
        "20260302T091500.250-../../week.cff",
        "20260302T091500.250-..cff",
        "20260302T091500.250-.cff",
        "20260302T091500.250-dip",
        "20260302T091500.250-dip.cff/",
        "20260302T091500.250-DIP.cff",
        "20260302T091500.250-d%70.cff",
        "20260302T091500,250-dip.cff",
        "2026030T091500.250-dip.cff",
        "/20260302T091500.250-dip.cff",
        "20260302T091500.250-abcdefghijklmnopqrstuvwxyz.cff",
        "20260302T091500.250-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz.cff",
    };
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        struct wk_captures_name parsed;
        int file;
        uint64_t size;
        EXPECT(!wk_captures_parse(k_names[i], &parsed));
        EXPECT_ERR(WK_E_NOT_FOUND, wk_captures_open(g_folder, k_names[i], &file, &size));
    }
}

static void a_link_and_a_folder_are_no_captures(void)
{
    char path[256];
    int file;
    uint64_t size;
    path_of(path, "20260302T091501.000-dip.cff");
    EXPECT_I64(0, symlink("/etc/hostname", path));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_captures_open(g_folder, "20260302T091501.000-dip.cff", &file, &size));
    unlink(path);
    EXPECT_I64(0, mkdir(path, 0700));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_captures_open(g_folder, "20260302T091501.000-dip.cff", &file, &size));
    json_t *list = wk_captures_list(g_folder);
    EXPECT_I64(0, (int64_t)json_array_size(json_object_get(list, "captures")));
    json_decref(list);
    rmdir(path);
}

static void the_newest_capture_comes_first(void)
{
    char path[256];
    EXPECT_OK(make(NAME));
    EXPECT_OK(make("20260302T091500.900-swell.cff"));
    json_t *list = wk_captures_list(g_folder);
    const json_t *captures = json_object_get(list, "captures");
    EXPECT_I64(2, (int64_t)json_array_size(captures));
    EXPECT_TEXT("swell",
                json_string_value(json_object_get(json_array_get(captures, 0), "event")));
    EXPECT_TEXT(NAME, json_string_value(json_object_get(json_array_get(captures, 1), "name")));
    json_decref(list);
    path_of(path, "20260302T091500.900-swell.cff");
    unlink(path);
}

static void there_may_be_no_folder(void)
{
    json_t *list = wk_captures_list("/nowhere/at/all");
    EXPECT_I64(0, (int64_t)json_array_size(json_object_get(list, "captures")));
    EXPECT(json_is_array(json_object_get(list, "captures")));
    json_decref(list);
}

static void a_long_capture_keeps_its_extremes_in_few_points(void)
{
    json_t *made = NULL;
    EXPECT_OK(make(NAME));
    EXPECT_OK(waveform(NAME, 0, INT64_MAX / 1000000000, &made));
    EXPECT(json_array_size(points_of(made, 0)) <= WK_CAPTURES_POINTS);
    EXPECT(json_array_size(points_of(made, 0)) > WK_CAPTURES_POINTS / 2);
    EXPECT_NEAR(900.0, largest_of(points_of(made, 0)), 0.01);
    EXPECT_NEAR(5.0, largest_of(points_of(made, 1)), 0.0001);
    EXPECT_I64(200000, member(made, "trigger_us"));
    EXPECT_I64(1200000, member(made, "length_us"));
    json_decref(made);
}

static void a_short_part_has_every_sample(void)
{
    json_t *made = NULL;
    EXPECT_OK(make(NAME));
    EXPECT_OK(waveform(NAME, 20000, 39999, &made)); /* the second cycle */
    EXPECT_I64(160, (int64_t)json_array_size(points_of(made, 0)));
    EXPECT_I64(1, member(made, "frames_per_piece"));
    EXPECT_I64(20000, member(made, "from_us"));
    EXPECT_NEAR(325.269, json_number_value(json_array_get(points_of(made, 0), 40)), 0.01);
    json_decref(made);
}

static void a_part_without_samples_is_refused(void)
{
    json_t *made = NULL;
    EXPECT_OK(make(NAME));
    EXPECT_ERR(WK_E_RANGE, waveform(NAME, 5000000, 6000000, &made));
    EXPECT_ERR(WK_E_RANGE, waveform(NAME, 40000, 20000, &made));
    EXPECT(made == NULL);
}

static void a_file_that_is_not_whole_is_told(void)
{
    static const char k_name[] = "20260302T091502.000-dip.cff";
    char path[256];
    json_t *made = NULL;
    path_of(path, k_name);
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(write(file, "--- file type: CFG ---\n", 23) == 23);
    close(file);
    EXPECT_ERR(WK_E_FORMAT, waveform(k_name, 0, 1000000, &made));
    EXPECT(made == NULL);
    unlink(path);
}

int main(void)
{
    static const struct wk_test k_tests[] = {
        T(a_name_tells_event_and_time),
        T(no_name_leads_out_of_the_folder),
        T(a_link_and_a_folder_are_no_captures),
        T(the_newest_capture_comes_first),
        T(there_may_be_no_folder),
        T(a_long_capture_keeps_its_extremes_in_few_points),
        T(a_short_part_has_every_sample),
        T(a_part_without_samples_is_refused),
        T(a_file_that_is_not_whole_is_told),
    };
    char path[256];
    if (mkdtemp(g_folder) == NULL) {
        return 1;
    }
    const int status = wk_test_main_(k_tests, (int)(sizeof k_tests / sizeof k_tests[0]));
    path_of(path, NAME);
    unlink(path);
    rmdir(g_folder);
    return status;
}
