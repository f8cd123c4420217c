/* SPDX-License-Identifier: Apache-2.0
 *
 * Points of a meter that has seen one window, whose quantities tests/view_meter.c writes down. */
#include "view/point.h"

#include "cosem/axdr.h"
#include "tests/view_meter.h"
#include "tests/wk_test.h"

static struct wk_view_meter g_meter;
static struct wk_points g_points;

static wk_err boot(uint8_t phases)
{
    WK_TRY(wk_view_meter_init(&g_meter, phases));
    wk_points_init(&g_points, &g_meter.module.table, WK_ROLE_READER);
    return wk_view_meter_step(&g_meter);
}

static int64_t read(wk_point point, int exponent)
{
    struct wk_point_value value;
    int64_t scaled = INT64_MIN;
    return wk_point_read(&g_points, point, &value) == WK_OK &&
                   wk_point_scaled(&value, exponent, &scaled) == WK_OK
               ? scaled
               : INT64_MIN;
}

static void numbers_are_those_of_the_window(void)
{
    EXPECT_OK(boot(3));
    EXPECT_I64(1234567890123, read(WK_POINT_IMPORT, -6));
    EXPECT_I64(987654321, read(WK_POINT_EXPORT, -6));
    EXPECT_I64(1234567890123 + 987654321, read(WK_POINT_THROUGHPUT, -6));
    EXPECT_I64(3000000000, read(WK_POINT_IMPORT_L3, -6));
    EXPECT_I64(3006000000, read(WK_POINT_THROUGHPUT_L3, -6));
    EXPECT_I64(230100, read(WK_POINT_U_L1, -3));
    EXPECT_I64(230200, read(WK_POINT_U, -3));
    EXPECT_I64(18000, read(WK_POINT_I_SUM, -3));
    EXPECT_I64(6000, read(WK_POINT_I_MEAN, -3));
    EXPECT_I64(1100125 * 2 - 500250, read(WK_POINT_P, -3));
    EXPECT_I64(-500250, read(WK_POINT_P_L3, -3));
    EXPECT_I64(0, read(WK_POINT_Q, -3));
    EXPECT_I64(-200500, read(WK_POINT_Q_L2, -3));
    EXPECT_I64(50012, read(WK_POINT_HZ, -3));
    EXPECT_I64(-416, read(WK_POINT_PF_L3, -3));
    EXPECT_I64(-10500, read(WK_POINT_ANGLE_L2, -3));
    EXPECT_I64(900, read(WK_POINT_DEMAND_PERIOD, 0));
    EXPECT_I64(1, read(WK_POINT_SUPPLY, 0));
}

static void signs_follow_the_flow(void)
{
    EXPECT_OK(boot(3));
    for (int phase = 0; phase < 3; phase++) {
        g_meter.module.rooms.live.window.p_mw[phase] = -700000;
        g_meter.module.rooms.live.window.q1_mvar[phase] = -1000;
    }
    EXPECT_I64(-2100000, read(WK_POINT_P, -3));
    EXPECT_I64(0, read(WK_POINT_P_IMPORT, -3));
    EXPECT_I64(2100000, read(WK_POINT_P_EXPORT, -3));
    EXPECT_I64(-700000, read(WK_POINT_P_L1, -3));
    EXPECT_I64(-3000, read(WK_POINT_Q, -3));
}

static void a_meter_of_one_phase_has_its_total_as_l1(void)
{
    struct wk_point_value value;
    EXPECT_OK(boot(1));
    EXPECT_I64(1100125, read(WK_POINT_P_L1, -3));
    EXPECT_I64(1234567890123, read(WK_POINT_IMPORT_L1, -6));
    EXPECT_I64(916, read(WK_POINT_PF_L1, -3));
    EXPECT_I64(5000, read(WK_POINT_I_SUM, -3));
    EXPECT_I64(230100, read(WK_POINT_U, -3));
    EXPECT(wk_point_is_there(&g_points, WK_POINT_P_L1));
    EXPECT(!wk_point_is_there(&g_points, WK_POINT_P_L2));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_point_read(&g_points, WK_POINT_P_L2, &value));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_point_read(&g_points, WK_POINT_U_L3, &value));
}

static void what_is_not_measured_yet_says_so(void)
{
    struct wk_point_value value;
    EXPECT_OK(wk_view_meter_init(&g_meter, 3));
    wk_points_init(&g_points, &g_meter.module.table, WK_ROLE_READER);
    EXPECT_ERR(WK_E_BUSY, wk_point_read(&g_points, WK_POINT_P, &value));
    EXPECT_ERR(WK_E_BUSY, wk_point_read(&g_points, WK_POINT_THD_U_L1, &value));
    EXPECT_OK(wk_point_read(&g_points, WK_POINT_IMPORT, &value));
    EXPECT_I64(0, value.mantissa);
}

static void rights_are_those_of_the_role(void)
{
    struct wk_point_value value;
    char text[WK_POINT_TEXT];
    EXPECT_OK(boot(3));
    wk_points_init(&g_points, &g_meter.module.table, WK_ROLE_PUBLIC);
    EXPECT_ERR(WK_E_DENIED, wk_point_read(&g_points, WK_POINT_IMPORT, &value));
    EXPECT(!wk_point_is_there(&g_points, WK_POINT_IMPORT));
    EXPECT_OK(wk_point_read_text(&g_points, WK_POINT_SERIAL, text));
    EXPECT(strcmp(text, WK_VIEW_METER_SERIAL) == 0);
    wk_points_init(&g_points, &g_meter.module.table, WK_ROLE_READER);
    EXPECT_ERR(WK_E_DENIED,
               wk_point_switch(&g_points, WK_POINT_RELAY_1, WK_ROLE_READER, false));
    EXPECT_ERR(WK_E_UNSUPPORTED,
               wk_point_switch(&g_points, WK_POINT_IMPORT, WK_ROLE_MANAGEMENT, false));
    EXPECT_ERR(WK_E_DENIED, wk_point_switch(&g_points, WK_POINT_RELAY_1, WK_ROLE_COUNT, true));
}

static void relays_are_switched_through_their_objects(void)
{
    EXPECT_OK(boot(3));
    EXPECT_OK(wk_point_switch(&g_points, WK_POINT_RELAY_1, WK_ROLE_MANAGEMENT, true));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT_I64(1, read(WK_POINT_RELAY_1, 0));
    EXPECT_OK(wk_point_switch(&g_points, WK_POINT_RELAY_1, WK_ROLE_MANAGEMENT, false));
    EXPECT_OK(wk_view_meter_step(&g_meter));
    EXPECT_I64(0, read(WK_POINT_RELAY_1, 0));
}

static void texts_and_times_are_read(void)
{
    char text[WK_POINT_TEXT];
    struct wk_datetime time;
    struct wk_point_value value;
    EXPECT_OK(boot(3));
    g_points.now_us = INT64_C(1769986800000000);
    EXPECT_OK(wk_point_read_text(&g_points, WK_POINT_FIRMWARE, text));
    EXPECT(strcmp(text, "wk-meterd 0.1.0") == 0);
    EXPECT_OK(wk_point_read_time(&g_points, WK_POINT_CLOCK, &time));
    EXPECT_I64(2026, time.year);
    EXPECT_I64(2, time.month);
    EXPECT_I64(2, time.day);
    EXPECT_I64(0, time.hour);
    EXPECT_ERR(WK_E_FORMAT, wk_point_read(&g_points, WK_POINT_SERIAL, &value));
    EXPECT_ERR(WK_E_FORMAT, wk_point_read_text(&g_points, WK_POINT_IMPORT, text));
}

static bool decimal_is(const char *wanted, int64_t mantissa, int8_t scaler, int exponent,
                       uint8_t decimals, uint8_t digits)
{
    char text[64];
    const struct wk_point_value value = {mantissa, scaler, 30};
    struct wk_bytes_out out = wk_bytes_out_of(text, sizeof text - 1);
    wk_point_put_decimal(&out, &value, exponent, decimals, digits);
    text[out.size] = '\0';
    if (strcmp(text, wanted) != 0) {
        printf("# %s, not %s\n", text, wanted);
        return false;
    }
    return true;
}

static void decimals_are_cut_off(void)
{
    EXPECT(decimal_is("1234.567", 1234567890123, -6, 3, 3, 1));
    EXPECT(decimal_is("001234.567", 1234567890123, -6, 3, 3, 6));
    EXPECT(decimal_is("-0.500", -500250, -3, 3, 3, 1));
    EXPECT(decimal_is("0.000", 999, -6, 3, 3, 1));
    EXPECT(decimal_is("5", 5999, -3, 0, 0, 1));
    EXPECT(decimal_is("50000", 5, 4, 0, 0, 1));
    EXPECT(decimal_is("0", 0, 0, 0, 0, 1));
    EXPECT(decimal_is("-9223372036854775.808", INT64_MIN, -3, 0, 3, 1));
}

static void numbers_scale_or_say_why_not(void)
{
    int64_t scaled = 0;
    const struct wk_point_value large = {INT64_MAX / 2, 0, 30};
    const struct wk_point_value zero = {0, 100, 30};
    const struct wk_point_value small = {-1999, -3, 30};
    EXPECT_ERR(WK_E_RANGE, wk_point_scaled(&large, -1, &scaled));
    EXPECT_OK(wk_point_scaled(&zero, 0, &scaled));
    EXPECT_I64(0, scaled);
    EXPECT_OK(wk_point_scaled(&small, 0, &scaled));
    EXPECT_I64(-1, scaled);
    EXPECT_OK(wk_point_scaled(&large, 100, &scaled));
    EXPECT_I64(0, scaled);
    EXPECT_NEAR(-1.999, (double)wk_point_float(&small, 0), 2e-7);
    EXPECT(wk_point_float(&small, -6) == -1999000.0F);
}

static void bcd_rolls_over_like_a_drum(void)
{
    uint8_t octets[4];
    const struct wk_point_value value = {1234567890123, -6, 30};
    const struct wk_point_value negative = {-1, 0, 30};
    const uint8_t wanted[4] = {0x56, 0x34, 0x12, 0x00}; /* 1234.56 kWh */
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    EXPECT_OK(wk_point_put_bcd(&out, &value, 1, 4));
    EXPECT_BYTES(wanted, octets, 4);
    out = wk_bytes_out_of(octets, sizeof octets);
    EXPECT_OK(wk_point_put_bcd(&out, &value, 1, 1));
    EXPECT_I64(0x56, octets[0]);
    EXPECT_ERR(WK_E_RANGE, wk_point_put_bcd(&out, &negative, 0, 1));
    EXPECT_ERR(WK_E_RANGE, wk_point_put_bcd(&out, &value, 0, 10));
}

static void every_point_is_an_object_of_a_meter_with_three_phases(void)
{
    EXPECT_OK(boot(3));
    for (int point = 1; point < WK_POINT_COUNT; point++) {
        const bool is_there = wk_point_is_there(&g_points, (wk_point)point);
        if (!is_there) {
            printf("# %s\n", wk_point_rows[point].text);
        }
        EXPECT(is_there);
    }
    EXPECT(strcmp(wk_point_unit(30), "Wh") == 0);
    EXPECT(strcmp(wk_point_unit(255), "") == 0);
}

WK_TEST_MAIN(T(numbers_are_those_of_the_window), T(signs_follow_the_flow),
             T(a_meter_of_one_phase_has_its_total_as_l1), T(what_is_not_measured_yet_says_so),
             T(rights_are_those_of_the_role), T(relays_are_switched_through_their_objects),
             T(texts_and_times_are_read), T(decimals_are_cut_off),
             T(numbers_scale_or_say_why_not), T(bcd_rolls_over_like_a_drum),
             T(every_point_is_an_object_of_a_meter_with_three_phases))
