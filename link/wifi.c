/* SPDX-License-Identifier: Apache-2.0 */
#include "link/wifi.h"

#include <stddef.h>

#define QUALITY_BEST 100
#define QUALITY_NONE (-100) /* dBm */
#define MALUS_POOR   5
#define MALUS_EDGE   10

wk_wifi_advice wk_wifi_advise(const struct wk_wifi_status *status)
{
    const bool is_told = status->signal_dbm != WK_WIFI_UNKNOWN;
    const bool is_short = status->frequency_mhz >= WK_WIFI_FAR_MHZ;
    if (!status->connected) {
        return WK_WIFI_ADVICE_OFFLINE;
    }
    if (is_told && status->signal_dbm < WK_WIFI_EDGE_DBM) {
        return is_short ? WK_WIFI_ADVICE_EDGE_BAND : WK_WIFI_ADVICE_EDGE;
    }
    if (is_told && status->signal_dbm < WK_WIFI_WEAK_DBM) {
        return is_short ? WK_WIFI_ADVICE_WEAK_BAND : WK_WIFI_ADVICE_WEAK;
    }
    if (status->busy_percent >= WK_WIFI_BUSY_PERCENT) {
        return WK_WIFI_ADVICE_BUSY;
    }
    return status->retry_percent >= WK_WIFI_RETRY_PERCENT ? WK_WIFI_ADVICE_DISTURBED
                                                          : WK_WIFI_ADVICE_NONE;
}

const char *wk_wifi_advice_text(const struct wk_wifi_status *status)
{
    static const char *const k_texts[WK_WIFI_ADVICES] = {
        [WK_WIFI_ADVICE_OFFLINE] =
            "The Wi-Fi is not connected: look at its name and password, and whether the access "
            "point is on",
        [WK_WIFI_ADVICE_EDGE] =
            "The Wi-Fi is hardly heard: an antenna outside the cabinet, an access point nearer "
            "by, or a repeater is needed",
        [WK_WIFI_ADVICE_EDGE_BAND] =
            "The Wi-Fi is hardly heard: its 2.4 GHz band reaches farther; else an antenna "
            "outside the cabinet or a repeater is needed",
        [WK_WIFI_ADVICE_WEAK] = "The Wi-Fi signal is weak: a better place for the antenna or "
                                "the access point would "
                                "help",
        [WK_WIFI_ADVICE_WEAK_BAND] = "The Wi-Fi signal is weak: its 2.4 GHz band reaches "
                                     "farther; a better place for the "
                                     "antenna or the access point would help, too",
        [WK_WIFI_ADVICE_BUSY] =
            "Others fill the Wi-Fi channel: another channel of the access point, or its 5 GHz "
            "band, would help",
        [WK_WIFI_ADVICE_DISTURBED] =
            "The Wi-Fi signal is strong, and yet much is sent again: something disturbs the "
            "channel, another one would help",
    };
    return k_texts[wk_wifi_advise(status)];
}

uint8_t wk_wifi_malus(const struct wk_wifi_status *status)
{
    switch (wk_wifi_advise(status)) {
    case WK_WIFI_ADVICE_EDGE:
    case WK_WIFI_ADVICE_EDGE_BAND:
        return MALUS_EDGE;
    case WK_WIFI_ADVICE_WEAK:
    case WK_WIFI_ADVICE_WEAK_BAND:
    case WK_WIFI_ADVICE_BUSY:
    case WK_WIFI_ADVICE_DISTURBED:
        return MALUS_POOR;
    case WK_WIFI_ADVICE_NONE:
    case WK_WIFI_ADVICE_OFFLINE: /* the path itself goes down */
    case WK_WIFI_ADVICES:
    default:
        return 0;
    }
}

int16_t wk_wifi_quality(const struct wk_wifi_status *status)
{
    if (!status->connected || status->signal_dbm == WK_WIFI_UNKNOWN) {
        return WK_WIFI_UNKNOWN;
    }
    const int quality = 2 * (status->signal_dbm - QUALITY_NONE);
    return (int16_t)(quality < 0 ? 0 : quality > QUALITY_BEST ? QUALITY_BEST : quality);
}

uint16_t wk_wifi_channel(uint16_t frequency_mhz)
{
    static const struct {
        uint16_t first_mhz; /* of a band, and channel 0 of it */
        uint16_t last_mhz;
        uint16_t zero_mhz;
    } k_bands[] = {{2412, 2472, 2407}, {5160, 5885, 5000}, {5955, 7115, 5950}};
    if (frequency_mhz == 2484) {
        return 14;
    }
    for (size_t i = 0; i < sizeof k_bands / sizeof k_bands[0]; i++) {
        if (frequency_mhz >= k_bands[i].first_mhz && frequency_mhz <= k_bands[i].last_mhz) {
            return (uint16_t)((frequency_mhz - k_bands[i].zero_mhz) / 5);
        }
    }
    return 0;
}
