/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view_wifi.h"

#include <stdio.h>

static json_t *known(int64_t value, int64_t unknown)
{
    return value == unknown ? json_null() : json_integer(value);
}

json_t *wk_view_wifi(const struct wk_wifi_status *status)
{
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "connected",
                     (int)status->connected, "ssid", status->ssid, "frequency_mhz",
                     known(status->frequency_mhz, 0), "channel",
                     known(wk_wifi_channel(status->frequency_mhz), 0), "signal_dbm",
                     known(status->signal_dbm, WK_WIFI_UNKNOWN), "noise_dbm",
                     known(status->noise_dbm, WK_WIFI_UNKNOWN), "quality_percent",
                     known(wk_wifi_quality(status), WK_WIFI_UNKNOWN), "tx_kbps",
                     known(status->tx_kbps, 0), "rx_kbps", known(status->rx_kbps, 0),
                     "busy_percent", known(status->busy_percent, WK_WIFI_UNKNOWN),
                     "retry_percent", known(status->retry_percent, WK_WIFI_UNKNOWN));
}

bool wk_view_wifi_advice(const struct wk_wifi_status *status, char *to, size_t room)
{
    const char *advice = wk_wifi_advice_text(status);
    if (advice != NULL) {
        snprintf(to, room, "%s", advice);
    }
    return advice != NULL;
}
