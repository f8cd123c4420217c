/* SPDX-License-Identifier: Apache-2.0 */
#include "management/supply.h"

#include <stddef.h>

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
    supply->state = WK_SUPPLY_CONNECTED;
    supply->mode = mode <= WK_SUPPLY_MODE_MAX ? mode : 0;
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

wk_err wk_supply_command_do(struct wk_supply *supply, wk_supply_command command,
                            const struct wk_hal_contactor *contactor)
{
    if (aim_is_reached(supply->state, command)) {
        return WK_OK;
    }
    const wk_supply_state next = wk_supply_next(supply->state, command, supply->mode);
    if (next == WK_SUPPLY_STATE_COUNT) {
        return WK_E_STATE;
    }
    const bool close = next == WK_SUPPLY_CONNECTED;
    if (close != (supply->state == WK_SUPPLY_CONNECTED)) {
        WK_TRY(contactor->set(contactor->self, close));
    }
    supply->state = next;
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
