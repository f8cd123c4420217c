/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/calibration.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/wk_test.h"

#define WHEN "2026-03-01T10:00:00Z"

static char g_path[] = "/tmp/wk_calibration_XXXXXX";

static struct wk_calibrate_channel some(void)
{
    return (struct wk_calibrate_channel){.gain_ppb = 1234567,
                                         .offset_micro = -50,
                                         .delay_ns = 1850,
                                         .curve_points = 1,
                                         .curve = {{50000, 1900, -110000}}};
}

/* A sealed file in g_path. */
static wk_err make(struct wk_calibration *calibration)
{
    const struct wk_calibrate_channel correction = some();
    WK_TRY(wk_calibration_init(calibration, "WK-1"));
    WK_TRY(wk_calibration_set(calibration, WK_HAL_CURRENT, 1, &correction));
    WK_TRY(wk_calibration_log(calibration, true, "Ada", WHEN, "first"));
    return wk_calibration_write(calibration, g_path);
}

/* Changes one value of the file through `change` and reads it again. */
static wk_err tamper(void (*change)(json_t *root), char why[WK_CALIBRATION_WHY])
{
    struct wk_calibration calibration;
    WK_TRY(make(&calibration));
    change(calibration.root);
    WK_TRY(wk_calibration_write(&calibration, g_path));
    wk_calibration_free(&calibration);
    const wk_err err = wk_calibration_read(&calibration, g_path);
    memcpy(why, calibration.why, WK_CALIBRATION_WHY);
    wk_calibration_free(&calibration);
    return err;
}

static void what_was_written_is_read_again(void)
{
    struct wk_calibration calibration;
    const struct wk_calibrate_channel wanted = some();
    EXPECT_OK(make(&calibration));
    wk_calibration_free(&calibration);
    EXPECT_OK(wk_calibration_read(&calibration, g_path));
    EXPECT(calibration.sealed && calibration.channels == 1);
    EXPECT(calibration.channel[0].quantity == WK_HAL_CURRENT);
    EXPECT_I64(1, calibration.channel[0].phase);
    EXPECT(memcmp(&wanted, &calibration.channel[0].correction, sizeof wanted) == 0);
    EXPECT_I64(64, strlen(calibration.head));
    wk_calibration_free(&calibration);
}

static void change_gain(json_t *root)
{
    json_t *channel = json_array_get(json_object_get(root, "channels"), 0);
    json_object_set_new(channel, "gain_ppb", json_integer(1234568));
}

static void change_name(json_t *root)
{
    json_object_set_new(root, "meter", json_string("WK-2"));
}

static void change_who(json_t *root)
{
    json_t *entry = json_array_get(json_object_get(root, "log"), 0);
    json_object_set_new(entry, "who", json_string("Eve"));
}

static void change_order(json_t *root)
{
    json_array_clear(json_object_get(root, "log"));
    json_object_set_new(root, "log",
                        json_pack("[{s:s, s:s}]", "action", "seal", "before", "x"));
}

static void tampering_is_found_on_reading(void)
{
    char why[WK_CALIBRATION_WHY];
    EXPECT_ERR(WK_E_CORRUPT, tamper(change_gain, why));
    EXPECT(strstr(why, "changed after it was sealed") != NULL);
    EXPECT_ERR(WK_E_CORRUPT, tamper(change_name, why));
    EXPECT_ERR(WK_E_CORRUPT, tamper(change_who, why));
    EXPECT(strstr(why, "entry 1 of the log was changed") != NULL);
    EXPECT_ERR(WK_E_CORRUPT, tamper(change_order, why));
    EXPECT(strstr(why, "does not follow") != NULL);
}

static void an_entry_cannot_be_left_out(void)
{
    struct wk_calibration calibration;
    EXPECT_OK(make(&calibration));
    EXPECT_OK(wk_calibration_log(&calibration, false, "Bob", WHEN, "repair"));
    EXPECT_OK(wk_calibration_log(&calibration, true, "Bob", WHEN, "repaired"));
    json_array_remove(json_object_get(calibration.root, "log"), 1);
    EXPECT_OK(wk_calibration_write(&calibration, g_path));
    wk_calibration_free(&calibration);
    EXPECT_ERR(WK_E_CORRUPT, wk_calibration_read(&calibration, g_path));
    wk_calibration_free(&calibration);
}

static void a_sealed_file_is_changed_after_unsealing_only(void)
{
    struct wk_calibration calibration;
    const struct wk_calibrate_channel correction = some();
    EXPECT_OK(make(&calibration));
    EXPECT_ERR(WK_E_STATE, wk_calibration_set(&calibration, WK_HAL_CURRENT, 1, &correction));
    EXPECT_ERR(WK_E_STATE, wk_calibration_log(&calibration, true, "Ada", WHEN, "again"));
    EXPECT_ERR(WK_E_ARGUMENT, wk_calibration_log(&calibration, false, "", WHEN, "repair"));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_calibration_log(&calibration, false, "Bob", "today", "repair"));
    EXPECT_OK(wk_calibration_log(&calibration, false, "Bob", WHEN, "repair"));
    EXPECT_OK(wk_calibration_set(&calibration, WK_HAL_CURRENT, 1, &correction));
    EXPECT_OK(wk_calibration_log(&calibration, true, "Bob", WHEN, "repaired"));
    EXPECT_I64(3, json_array_size(json_object_get(calibration.root, "log")));
    wk_calibration_free(&calibration);
}

static void it_is_applied_only_when_sealed_and_complete(void)
{
    struct wk_calibration calibration;
    struct wk_hal_frontend_info info = {.channels = 1};
    info.channel[0] = (struct wk_hal_channel){
        .quantity = WK_HAL_CURRENT, .phase = 1, .gain = {1000000000, -14}};
    const struct wk_hal_frontend_info before = info;
    EXPECT_OK(make(&calibration));
    EXPECT_OK(wk_calibration_apply(&calibration, false, &info));
    EXPECT_I64(1001234567, info.channel[0].gain.mantissa);
    EXPECT_I64(1850, info.channel[0].delay_ns);
    EXPECT_I64(1, info.channel[0].curve_points);
    info = before;
    info.channel[0].phase = 2;
    EXPECT_ERR(WK_E_NOT_FOUND, wk_calibration_apply(&calibration, false, &info));
    info = before;
    EXPECT_OK(wk_calibration_log(&calibration, false, "Bob", WHEN, "repair"));
    EXPECT_ERR(WK_E_STATE, wk_calibration_apply(&calibration, false, &info));
    EXPECT(memcmp(&before, &info, sizeof info) == 0);
    EXPECT_OK(wk_calibration_apply(&calibration, true, &info));
    wk_calibration_free(&calibration);
}

static wk_err read_text(const char *text)
{
    struct wk_calibration calibration;
    FILE *file = fopen(g_path, "w");
    if (file == NULL) {
        return WK_E_IO;
    }
    fputs(text, file);
    fclose(file);
    const wk_err err = wk_calibration_read(&calibration, g_path);
    wk_calibration_free(&calibration);
    return err;
}

static void what_is_no_calibration_is_refused(void)
{
    struct wk_calibration calibration;
    EXPECT_ERR(WK_E_FORMAT, read_text("{"));
    EXPECT_ERR(WK_E_FORMAT, read_text("[]"));
    EXPECT_ERR(WK_E_FORMAT, read_text("{\"wattkeeper_calibration\":2}"));
    EXPECT_ERR(WK_E_FORMAT,
               read_text("{\"wattkeeper_calibration\":1,\"channels\":[1],\"log\":[]}"));
    EXPECT_ERR(WK_E_FORMAT, read_text("{\"wattkeeper_calibration\":1,\"channels\":[]}"));
    EXPECT_OK(read_text("{\"wattkeeper_calibration\":1,\"channels\":[],\"log\":[]}"));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_calibration_read(&calibration, "/nowhere/at/all"));
    wk_calibration_free(&calibration);
}

int main(void)
{
    static const struct wk_test k_tests[] = {
        T(what_was_written_is_read_again),
        T(tampering_is_found_on_reading),
        T(an_entry_cannot_be_left_out),
        T(a_sealed_file_is_changed_after_unsealing_only),
        T(it_is_applied_only_when_sealed_and_complete),
        T(what_is_no_calibration_is_refused),
    };
    const int file = mkstemp(g_path);
    if (file < 0) {
        return 1;
    }
    close(file);
    const int status = wk_test_main_(k_tests, (int)(sizeof k_tests / sizeof k_tests[0]));
    unlink(g_path);
    return status;
}
