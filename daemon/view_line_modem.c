/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/view_line_modem.h"

#include <stdio.h>

#define TENTHS 10.0
#define MICRO  1e6

static json_t *value_of(int16_t value)
{
    return value == WK_LINE_MODEM_UNKNOWN ? json_null() : json_real(value / TENTHS);
}

static json_t *heard_of(const struct wk_line_modem_heard *heard)
{
    return json_pack("{s:o, s:o, s:o}", "signal", value_of(heard->signal_ddb), "noise",
                     value_of(heard->noise_ddb), "margin_db", value_of(heard->margin_ddb));
}

static json_t *channels_of(const struct wk_line_modem_status *status)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < status->channels && i < WK_LINE_MODEM_CHANNELS; i++) {
        json_array_append_new(list, status->noise_db[i] == WK_LINE_MODEM_NOISE_UNKNOWN
                                        ? json_null()
                                        : json_integer(status->noise_db[i]));
    }
    return list;
}

json_t *wk_view_line_modem(const struct wk_line_modem *modem, int64_t now_us)
{
    const struct wk_line_modem_status *status = &modem->status;
    const bool is_radio = status->medium == WK_LINE_MODEM_RADIO;
    const int16_t quality = wk_line_modem_quality(modem);
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:b, s:I, s:I, "
        "s:s?, s:o}",
        "medium", is_radio ? "radio" : "power line", "unit", is_radio ? "dBm" : "dBuV",
        "channel", status->setting.channel, "mode", status->setting.mode, "modes",
        status->modes, "below_db", status->setting.level_db, "lowest_db", status->lowest_db,
        "rate_bps", (json_int_t)status->rate_bps, "near", heard_of(&status->near), "far",
        heard_of(&status->far), "quality_percent",
        quality < 0 ? json_null() : json_integer(quality), "hears",
        (status->flags & WK_LINE_MODEM_FLAG_HEARD) != 0, "air_percent",
        status->air_percent == UINT8_MAX ? json_null() : json_integer(status->air_percent),
        "channel_noise", channels_of(status), "adapts", (int)modem->rules.adapts, "trials",
        (json_int_t)modem->trials, "kept", (json_int_t)modem->kept, "action", modem->note,
        "action_s",
        modem->note == NULL ? json_null()
                            : json_real((double)(now_us - modem->noted_us) / MICRO));
}

bool wk_view_line_modem_advice(const struct wk_line_modem *modem, char *to, size_t room)
{
    const char *advice = wk_line_modem_advice_text(modem);
    if (advice == NULL) {
        return false;
    }
    if (wk_line_modem_advise(modem) == WK_LINE_MODEM_ADVICE_LEVEL) {
        snprintf(to, room, "%s: another %u dB are left", advice,
                 (unsigned)modem->status.setting.level_db);
    } else {
        snprintf(to, room, "%s", advice);
    }
    return true;
}
