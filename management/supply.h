/* SPDX-License-Identifier: Apache-2.0
 *
 * management/supply - disconnect control (IEC 62056-6-2, 4.5.8; class 70).
 *
 *                 e: manual_reconnect, h: local_reconnect
 *        +---------------------------------------------------------+
 *        |                                                         v
 *   ready_for_reconnection (2) <--f: manual, g: local disconnect-- connected (1)
 *        |        ^                                                |    ^
 *        | c      | d: remote_reconnect       b: remote_disconnect |    | a: remote_
 *        v        |                                                v    |    reconnect
 *      disconnected (0) <------------------------------------------+----+
 *
 * The control mode says which of the arrows exist. */
#ifndef WK_MANAGEMENT_SUPPLY_H
#define WK_MANAGEMENT_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "port/hal.h"

typedef enum wk_supply_state {
    WK_SUPPLY_DISCONNECTED = 0,
    WK_SUPPLY_CONNECTED = 1,
    WK_SUPPLY_READY = 2,
    WK_SUPPLY_STATE_COUNT,
} wk_supply_state;

typedef enum wk_supply_command {
    WK_SUPPLY_REMOTE_DISCONNECT = 0,
    WK_SUPPLY_REMOTE_RECONNECT,
    WK_SUPPLY_MANUAL_DISCONNECT,
    WK_SUPPLY_MANUAL_RECONNECT,
    WK_SUPPLY_LOCAL_DISCONNECT,
    WK_SUPPLY_LOCAL_RECONNECT,
    WK_SUPPLY_COMMAND_COUNT,
} wk_supply_command;

#define WK_SUPPLY_MODE_MAX 6 /* control modes 0..6; 0 = always connected */

struct wk_supply {
    wk_supply_state state;
    uint8_t mode;
};

void wk_supply_init(struct wk_supply *supply, uint8_t mode);

/** The state a command leads to in a mode, or WK_SUPPLY_STATE_COUNT if that arrow is not
 *  there. */
wk_supply_state wk_supply_next(wk_supply_state state, wk_supply_command command, uint8_t mode);

/** Carries out a command and sets the contactor. A command that finds its aim already reached
 *  does nothing and is WK_OK. WK_E_STATE: the mode or the state does not allow it. WK_E_IO: the
 *  contactor refused; the state is as before. */
WK_MUST_USE wk_err wk_supply_command_do(struct wk_supply *supply, wk_supply_command command,
                                        const struct wk_hal_contactor *contactor);

/** WK_E_RANGE: no such mode. Mode 0 needs a connected supply: WK_E_STATE otherwise. */
WK_MUST_USE wk_err wk_supply_set_mode(struct wk_supply *supply, uint8_t mode);

#endif
