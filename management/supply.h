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
 * The control mode says which of the arrows exist. Local reconnection undoes a local
 * disconnection only: a supply that was armed remotely or opened by hand waits for a hand.
 * This room moves the state; management/contact moves the contactor after it. */
#ifndef WK_MANAGEMENT_SUPPLY_H
#define WK_MANAGEMENT_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/setting.h"

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

/* Why the meter itself keeps the supply open; a set. */
enum {
    WK_SUPPLY_LOAD = 0x01,         /* the limiter, until the next attempt */
    WK_SUPPLY_LOCKED_OUT = 0x02,   /* the limiter, until a release */
    WK_SUPPLY_OVER_VOLTAGE = 0x04, /* protection */
    WK_SUPPLY_OVER_HEAT = 0x08,
    WK_SUPPLY_DELAY = 0x10,  /* random delay after an outage */
    WK_SUPPLY_CREDIT = 0x20, /* the account has no credit left */
};

struct wk_supply_settings {
    uint32_t arm_s;          /* a remote arm lasts so long; 0: for ever */
    uint16_t delay_most_s;   /* random reconnection delay after an outage, 0..1799; 0: none */
    uint16_t outage_least_s; /* shorter outages cause no delay */
};

extern const struct wk_setting_table wk_supply_table;

struct wk_supply {
    wk_supply_state state;
    uint8_t mode;
    bool local;             /* opened by a local disconnection: only that is undone locally */
    int64_t armed_us;       /* ready since a remote reconnection; metrology's time, 0: not so */
    int64_t delay_until_us; /* of the random delay; 0: none */
    struct wk_supply_settings settings;
};

void wk_supply_init(struct wk_supply *supply, uint8_t mode);

/** The state a command leads to in a mode, or WK_SUPPLY_STATE_COUNT if that arrow is not
 *  there. */
wk_supply_state wk_supply_next(wk_supply_state state, wk_supply_command command, uint8_t mode);

/** Carries out a command: moves the state. A command that finds its aim already reached does
 *  nothing and is WK_OK. WK_E_STATE: the mode or the state does not allow it, or the local
 *  reconnection of what was not disconnected locally. */
WK_MUST_USE wk_err wk_supply_command_do(struct wk_supply *supply, wk_supply_command command,
                                        int64_t t_us);

/** The next reconnection is by hand, also of what was disconnected locally. */
void wk_supply_wait_for_hand(struct wk_supply *supply);

/** True: a remote arm has expired, the supply is to be disconnected remotely again. */
bool wk_supply_arm_expired(const struct wk_supply *supply, int64_t t_us);

/** Power is back after `away_us`: begins the random delay, if one is set and the mode has an
 *  arrow back. `random` is the owner's. */
void wk_supply_outage(struct wk_supply *supply, int64_t t_us, int64_t away_us, uint32_t random);

/** WK_SUPPLY_DELAY while the delay lasts, else 0. Ends it. */
uint8_t wk_supply_delay(struct wk_supply *supply, int64_t t_us);

/** WK_E_RANGE: see wk_supply_table; nothing changed. */
WK_MUST_USE wk_err wk_supply_set(struct wk_supply *supply,
                                 const struct wk_supply_settings *settings);

/** WK_E_RANGE: no such mode. Mode 0 needs a connected supply: WK_E_STATE otherwise. */
WK_MUST_USE wk_err wk_supply_set_mode(struct wk_supply *supply, uint8_t mode);

#endif
