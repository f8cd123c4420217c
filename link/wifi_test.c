/* SPDX-License-Identifier: Apache-2.0 */
#include "link/wifi.h"

#include "tests/wk_test.h"

static struct wk_wifi_status good(void)
{
    return (struct wk_wifi_status){.connected = true,
                                   .frequency_mhz = 5180,
                                   .signal_dbm = -55,
                                   .noise_dbm = WK_WIFI_UNKNOWN,
                                   .busy_percent = WK_WIFI_UNKNOWN,
                                   .retry_percent = WK_WIFI_UNKNOWN};
}

static void what_would_help_is_said(void)
{
    struct wk_wifi_status status = good();
    EXPECT(wk_wifi_advice_text(&status) == NULL);
    EXPECT_I64(0, wk_wifi_malus(&status));
    status.signal_dbm = -75;
    EXPECT(strstr(wk_wifi_advice_text(&status), "weak: its 2.4 GHz band") != NULL);
    EXPECT_I64(5, wk_wifi_malus(&status));
    status.frequency_mhz = 2437; /* it is there already */
    EXPECT(strstr(wk_wifi_advice_text(&status), "2.4 GHz") == NULL);
    status.signal_dbm = -85;
    EXPECT(strstr(wk_wifi_advice_text(&status), "repeater") != NULL);
    EXPECT_I64(10, wk_wifi_malus(&status));
    status = good();
    status.busy_percent = 80;
    EXPECT(strstr(wk_wifi_advice_text(&status), "another channel") != NULL);
    status.busy_percent = 20;
    status.retry_percent = 40;
    EXPECT(strstr(wk_wifi_advice_text(&status), "disturbs") != NULL);
    EXPECT_I64(5, wk_wifi_malus(&status));
    status.connected = false;
    EXPECT(strstr(wk_wifi_advice_text(&status), "password") != NULL);
    status = good();
    status.signal_dbm = WK_WIFI_UNKNOWN; /* not told is not weak */
    EXPECT_I64(WK_WIFI_ADVICE_NONE, wk_wifi_advise(&status));
}

static void quality_and_channels_are_the_usual_ones(void)
{
    static const struct {
        uint16_t mhz;
        uint16_t channel;
    } k_channels[] = {{2412, 1},   {2437, 6},   {2472, 13}, {2484, 14}, {5180, 36},
                      {5500, 100}, {5825, 165}, {5955, 1},  {6115, 33}, {868, 0}};
    struct wk_wifi_status status = good();
    EXPECT_I64(90, wk_wifi_quality(&status));
    status.signal_dbm = -40;
    EXPECT_I64(100, wk_wifi_quality(&status));
    status.signal_dbm = -110;
    EXPECT_I64(0, wk_wifi_quality(&status));
    status.connected = false;
    EXPECT_I64(WK_WIFI_UNKNOWN, wk_wifi_quality(&status));
    for (size_t i = 0; i < sizeof k_channels / sizeof k_channels[0]; i++) {
        EXPECT_I64(k_channels[i].channel, wk_wifi_channel(k_channels[i].mhz));
    }
}

WK_TEST_MAIN(T(what_would_help_is_said), T(quality_and_channels_are_the_usual_ones))
