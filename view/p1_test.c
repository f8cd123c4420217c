/* SPDX-License-Identifier: Apache-2.0
 *
 * Telegrams of a meter that has seen one window (tests/view_meter.c). An independent parser reads
 * those of a running meter in tests/interop/p1.py. */
#include "view/p1.h"

#include <stdlib.h>

#include "tests/view_meter.h"
#include "tests/wk_test.h"
#include "view/modbus_crc.h"

static struct wk_view_meter g_meter;
static struct wk_p1 g_p1;
static char g_telegram[WK_P1_TELEGRAM + 1];
static size_t g_size;
static size_t g_longest;

static void put(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    g_longest = size > g_longest ? size : g_longest;
    if (size <= WK_P1_TELEGRAM - g_size) {
        memcpy(g_telegram + g_size, octets, size);
        g_size += size;
    }
    g_telegram[g_size] = '\0';
}

static wk_err boot(uint8_t phases, wk_p1_version version)
{
    const struct wk_p1_config config = {.table = &g_meter.module.table,
                                        .version = version,
                                        .maker = "WKP",
                                        .name = "WATTKEEPER"};
    WK_TRY(wk_view_meter_init(&g_meter, phases));
    WK_TRY(wk_view_meter_step(&g_meter));
    return wk_p1_init(&g_p1, &config);
}

static void write_at(int64_t utc_s, const struct wk_p1_channel *channels, size_t count)
{
    const struct wk_p1_sink sink = {.put = put};
    g_size = 0;
    g_longest = 0;
    wk_p1_write(&g_p1, utc_s * 1000000, channels, count, &sink);
}

static bool has(const char *line)
{
    const bool found = strstr(g_telegram, line) != NULL;
    if (!found) {
        printf("# there is no %s", line);
    }
    return found;
}

static void a_telegram_of_three_phases_has_all_lines(void)
{
    EXPECT_OK(boot(3, WK_P1_VERSION_5));
    EXPECT_I64(1, wk_p1_period_s(&g_p1));
    write_at(1769986800, NULL, 0);
    EXPECT(strncmp(g_telegram, "/WKP5\\2WATTKEEPER\r\n\r\n1-3:0.2.8(50)\r\n", 36) == 0);
    EXPECT(has("0-0:1.0.0(260202000000W)\r\n"));
    EXPECT(has("0-0:96.1.1(574B3130303030303031)\r\n"));
    EXPECT(has("1-0:1.8.0(001234.567*kWh)\r\n"));
    EXPECT(has("1-0:2.8.0(000000.987*kWh)\r\n"));
    EXPECT(has("0-0:96.14.0(0001)\r\n"));
    EXPECT(has("1-0:1.7.0(01.700*kW)\r\n"));
    EXPECT(has("1-0:2.7.0(00.000*kW)\r\n"));
    EXPECT(has("1-0:32.7.0(230.1*V)\r\n"));
    EXPECT(has("1-0:71.7.0(007*A)\r\n"));
    EXPECT(has("1-0:21.7.0(01.100*kW)\r\n"));
    EXPECT(has("1-0:62.7.0(00.500*kW)\r\n"));
    EXPECT(has("0-0:96.7.21(00000)\r\n"));
    EXPECT(g_longest <= WK_P1_LINE);
}

static void one_phase_and_an_older_version_have_fewer(void)
{
    EXPECT_OK(boot(1, WK_P1_VERSION_4));
    EXPECT_I64(10, wk_p1_period_s(&g_p1));
    write_at(1785000000, NULL, 0); /* July */
    EXPECT(has("1-3:0.2.8(42)\r\n"));
    EXPECT(has("0-0:1.0.0(260725192000S)\r\n"));
    EXPECT(has("1-0:21.7.0(01.100*kW)\r\n"));
    EXPECT(strstr(g_telegram, "1-0:32.7.0(") == NULL);
    EXPECT(strstr(g_telegram, "1-0:51.7.0(") == NULL);
    EXPECT(strstr(g_telegram, "1-0:41.7.0(") == NULL);
}

static void other_meters_are_channels(void)
{
    struct wk_p1_channel channels[2] = {
        {.number = 1,
         .type = 2,
         .id = "roof",
         .time = {.year = 2026, .month = 7, .day = 25, .hour = 19, .status = WK_DATETIME_DST},
         .value = {.mantissa = 1234567890, .scaler = -6, .unit = 30},
         .exponent = 3,
         .unit = "kWh"},
        {.number = 9}};
    EXPECT_OK(boot(3, WK_P1_VERSION_5));
    write_at(1769986800, channels, 2);
    EXPECT(has("0-1:24.1.0(002)\r\n0-1:96.1.0(726F6F66)\r\n"
               "0-1:24.2.1(260725190000S)(000001.234*kWh)\r\n!"));
    EXPECT(strstr(g_telegram, "0-9:") == NULL);
}

static void the_check_sum_is_over_all_from_the_stroke_to_the_mark(void)
{
    char digits[5] = "";
    EXPECT_OK(boot(3, WK_P1_VERSION_5));
    write_at(1769986800, NULL, 0);
    const char *mark = strchr(g_telegram, '!');
    EXPECT(mark != NULL && strlen(mark) == 7 && strcmp(mark + 5, "\r\n") == 0);
    memcpy(digits, mark + 1, 4);
    EXPECT_I64(wk_modbus_crc(0, (const uint8_t *)g_telegram, (size_t)(mark + 1 - g_telegram)),
               strtol(digits, NULL, 16));
}

static void what_is_not_measured_yet_is_left_out(void)
{
    EXPECT_OK(boot(3, WK_P1_VERSION_5));
    EXPECT_OK(wk_view_meter_init(&g_meter, 3));
    write_at(1769986800, NULL, 0);
    EXPECT(has("1-0:1.8.0(000000.000*kWh)\r\n"));
    EXPECT(strstr(g_telegram, "1-0:1.7.0(") == NULL);
}

static void names_that_would_end_a_telegram_are_refused(void)
{
    struct wk_p1_config config = {.table = &g_meter.module.table,
                                  .version = WK_P1_VERSION_5,
                                  .maker = "WKP",
                                  .name = "A!B"};
    EXPECT_ERR(WK_E_ARGUMENT, wk_p1_init(&g_p1, &config));
    strcpy(config.name, "A");
    EXPECT_OK(wk_p1_init(&g_p1, &config));
    strcpy(config.maker, "WK");
    EXPECT_ERR(WK_E_ARGUMENT, wk_p1_init(&g_p1, &config));
    strcpy(config.maker, "WKP");
    config.version = (wk_p1_version)3;
    EXPECT_ERR(WK_E_ARGUMENT, wk_p1_init(&g_p1, &config));
}

WK_TEST_MAIN(T(a_telegram_of_three_phases_has_all_lines),
             T(one_phase_and_an_older_version_have_fewer), T(other_meters_are_channels),
             T(the_check_sum_is_over_all_from_the_stroke_to_the_mark),
             T(what_is_not_measured_yet_is_left_out),
             T(names_that_would_end_a_telegram_are_refused))
