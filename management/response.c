/* SPDX-License-Identifier: Apache-2.0 */
#include "management/response.h"

#define MOST_MW INT64_C(1000000000000)

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_response_settings, field, kind, least, most)
static const struct wk_setting k_settings[] = {
    SETTING(floor_mw, WK_SETTING_I64, 0, MOST_MW),
    SETTING(cap_mw[WK_RESPONSE_NORMAL], WK_SETTING_I64, 0, 0),
    SETTING(cap_mw[WK_RESPONSE_REDUCE], WK_SETTING_I64, 0, MOST_MW),
    SETTING(cap_mw[WK_RESPONSE_CRITICAL], WK_SETTING_I64, 0, MOST_MW),
    SETTING(cap_mw[WK_RESPONSE_LOWEST], WK_SETTING_I64, 0, MOST_MW),
    SETTING(relays[WK_RESPONSE_NORMAL], WK_SETTING_U8, 0, 0),
    SETTING(relays[WK_RESPONSE_REDUCE], WK_SETTING_U8, 0, 3),
    SETTING(relays[WK_RESPONSE_CRITICAL], WK_SETTING_U8, 0, 3),
    SETTING(relays[WK_RESPONSE_LOWEST], WK_SETTING_U8, 0, 3),
    SETTING(offset_most_s, WK_SETTING_U16, 0, 1799),
};
const struct wk_setting_table wk_response_table = {k_settings,
                                                   sizeof k_settings / sizeof k_settings[0]};

void wk_response_init(struct wk_response *response)
{
    *response = (struct wk_response){
        .settings = {.floor_mw = WK_RESPONSE_FLOOR_MW,
                     .cap_mw = {0, 8000000, 6000000, WK_RESPONSE_FLOOR_MW},
                     .relays = {0, 0, 0, 1}},
    };
}

wk_err wk_response_set(struct wk_response *response,
                       const struct wk_response_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_response_table, settings));
    for (int level = 0; level < WK_RESPONSE_LEVELS; level++) {
        if (settings->cap_mw[level] != 0 && settings->cap_mw[level] < settings->floor_mw) {
            return WK_E_RANGE;
        }
    }
    response->settings = *settings;
    return WK_OK;
}

wk_err wk_response_take(struct wk_response *response, const struct wk_response_order *order,
                        int64_t utc_s, uint32_t random)
{
    const bool ends = order->level == WK_RESPONSE_NORMAL;
    if (order->level >= WK_RESPONSE_LEVELS ||
        (!ends && (order->duration_s < 1 || order->duration_s > WK_RESPONSE_LONGEST_S)) ||
        order->begin_s > utc_s + WK_RESPONSE_LONGEST_S) {
        return WK_E_RANGE;
    }
    const int64_t offset_s =
        ends ? 0 : (int64_t)(random % (response->settings.offset_most_s + 1U));
    const int64_t begin_s = order->begin_s > utc_s && !ends ? order->begin_s : utc_s;
    response->ordered = order->level;
    response->begin_s = begin_s + offset_s;
    response->end_s = ends ? utc_s : response->begin_s + order->duration_s;
    return WK_OK;
}

bool wk_response_step(struct wk_response *response, int64_t utc_s)
{
    const uint8_t before = response->level;
    /* A clock set back by more than an order can last ends the order. */
    const bool lost = utc_s < response->begin_s - 2 * WK_RESPONSE_LONGEST_S;
    if (utc_s >= response->end_s || lost) {
        response->ordered = WK_RESPONSE_NORMAL;
    }
    response->level =
        utc_s >= response->begin_s ? response->ordered : (uint8_t)WK_RESPONSE_NORMAL;
    return response->level != before;
}

int64_t wk_response_cap_mw(const struct wk_response *response)
{
    return response->settings.cap_mw[response->level];
}

uint8_t wk_response_relays_off(const struct wk_response *response)
{
    return response->settings.relays[response->level];
}
