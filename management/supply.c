/* SPDX-License-Identifier: Apache-2.0 */
#include "management/supply.h"

#include <stddef.h>

#define US_PER_S      INT64_C(1000000)
#define OFFSET_MOST_S 1799

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_supply_settings, field, kind, least, most)
static const struct wk_setting k_settings[] = {
    SETTING(arm_s, WK_SETTING_U32, 0, 31536000),
    SETTING(delay_most_s, WK_SETTING_U16, 0, OFFSET_MOST_S),
    SETTING(outage_least_s, WK_SETTING_U16, 0, UINT16_MAX),
};
const struct wk_setting_table wk_supply_table = {k_settings,
                                                 sizeof k_settings / sizeof k_settings[0]};

/* One row per arrow of the diagram; bit n of `modes` = it exists in control mode n. */
struct arrow {
    wk_supply_state from;
    wk_supply_command command;
    wk_supply_state to;
    uint8_t modes;
};

#define MODE(n) (1U << (n))
#define ALL     (MODE(1) | MODE(2) | MODE(3) | MODE(4) | MODE(5) | MODE(6))

static const struct arrow k_arrows[] = {
    /* a */ {WK_SUPPLY_DISCONNECTED, WK_SUPPLY_REMOTE_RECONNECT, WK_SUPPLY_CONNECTED,
             MODE(2) | MODE(4)},
    /* b */
    {WK_SUPPLY_CONNECTED, WK_SUPPLY_REMOTE_DISCONNECT, WK_SUPPLY_DISCONNECTED, ALL},
    /* c */
    {WK_SUPPLY_READY, WK_SUPPLY_REMOTE_DISCONNECT, WK_SUPPLY_DISCONNECTED, ALL},
    /* d */
    {WK_SUPPLY_DISCONNECTED, WK_SUPPLY_REMOTE_RECONNECT, WK_SUPPLY_READY,
     MODE(1) | MODE(3) | MODE(5) | MODE(6)},
    /* e */
    {WK_SUPPLY_READY, WK_SUPPLY_MANUAL_RECONNECT, WK_SUPPLY_CONNECTED, ALL},
    /* f */
    {WK_SUPPLY_CONNECTED, WK_SUPPLY_MANUAL_DISCONNECT, WK_SUPPLY_READY,
     MODE(1) | MODE(2) | MODE(5)},
    /* g */
    {WK_SUPPLY_CONNECTED, WK_SUPPLY_LOCAL_DISCONNECT, WK_SUPPLY_READY, ALL},
    /* h */
    {WK_SUPPLY_READY, WK_SUPPLY_LOCAL_RECONNECT, WK_SUPPLY_CONNECTED, MODE(5) | MODE(6)},
};

void wk_supply_init(struct wk_supply *supply, uint8_t mode)
{
    *supply = (struct wk_supply){
        .state = WK_SUPPLY_CONNECTED,
        .mode = mode <= WK_SUPPLY_MODE_MAX ? mode : 0,
        .settings = {.outage_least_s = 180},
    };
}

wk_supply_state wk_supply_next(wk_supply_state state, wk_supply_command command, uint8_t mode)
{
    for (size_t i = 0; i < sizeof k_arrows / sizeof k_arrows[0]; i++) {
        const struct arrow *arrow = &k_arrows[i];
        if (arrow->from == state && arrow->command == command &&
            (arrow->modes & MODE(mode)) != 0) {
            return arrow->to;
        }
    }
    return WK_SUPPLY_STATE_COUNT;
}

static bool aim_is_reached(wk_supply_state state, wk_supply_command command)
{
    switch (command) {
    case WK_SUPPLY_REMOTE_DISCONNECT:
        return state == WK_SUPPLY_DISCONNECTED;
    case WK_SUPPLY_REMOTE_RECONNECT:
        return state != WK_SUPPLY_DISCONNECTED;
    case WK_SUPPLY_MANUAL_DISCONNECT:
    case WK_SUPPLY_LOCAL_DISCONNECT:
        return state != WK_SUPPLY_CONNECTED;
    case WK_SUPPLY_MANUAL_RECONNECT:
    case WK_SUPPLY_LOCAL_RECONNECT:
        return state == WK_SUPPLY_CONNECTED;
    case WK_SUPPLY_COMMAND_COUNT:
    default:
        return false;
    }
}

wk_err wk_supply_command_do(struct wk_supply *supply, wk_supply_command command, int64_t t_us)
{
    if (aim_is_reached(supply->state, command)) {
        return WK_OK;
    }
    const wk_supply_state next = wk_supply_next(supply->state, command, supply->mode);
    if (next == WK_SUPPLY_STATE_COUNT ||
        (command == WK_SUPPLY_LOCAL_RECONNECT && !supply->local)) {
        return WK_E_STATE;
    }
    const bool armed = command == WK_SUPPLY_REMOTE_RECONNECT && next == WK_SUPPLY_READY;
    supply->state = next;
    supply->local = command == WK_SUPPLY_LOCAL_DISCONNECT;
    supply->armed_us = armed ? t_us : 0;
    return WK_OK;
}

void wk_supply_wait_for_hand(struct wk_supply *supply)
{
    supply->local = false;
}

bool wk_supply_arm_expired(const struct wk_supply *supply, int64_t t_us)
{
    return supply->state == WK_SUPPLY_READY && supply->armed_us != 0 &&
           supply->settings.arm_s > 0 &&
           t_us - supply->armed_us >= supply->settings.arm_s * US_PER_S;
}

void wk_supply_outage(struct wk_supply *supply, int64_t t_us, int64_t away_us, uint32_t random)
{
    const struct wk_supply_settings *settings = &supply->settings;
    const bool way_back = wk_supply_next(WK_SUPPLY_READY, WK_SUPPLY_LOCAL_RECONNECT,
                                         supply->mode) == WK_SUPPLY_CONNECTED;
    if (settings->delay_most_s > 0 && way_back &&
        away_us >= settings->outage_least_s * US_PER_S) {
        const int64_t delay_s = (int64_t)(random % (settings->delay_most_s + 1U));
        supply->delay_until_us = t_us + delay_s * US_PER_S;
    }
}

uint8_t wk_supply_delay(struct wk_supply *supply, int64_t t_us)
{
    if (t_us >= supply->delay_until_us) {
        supply->delay_until_us = 0;
    }
    return supply->delay_until_us != 0 ? WK_SUPPLY_DELAY : 0;
}

wk_err wk_supply_set(struct wk_supply *supply, const struct wk_supply_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_supply_table, settings));
    supply->settings = *settings;
    return WK_OK;
}

wk_err wk_supply_set_mode(struct wk_supply *supply, uint8_t mode)
{
    if (mode > WK_SUPPLY_MODE_MAX) {
        return WK_E_RANGE;
    }
    if (mode == 0 && supply->state != WK_SUPPLY_CONNECTED) {
        return WK_E_STATE;
    }
    supply->mode = mode;
    return WK_OK;
}
