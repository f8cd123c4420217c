/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/panel - a contactor with its faults, auxiliary relays, covers, buttons, magnet
 * and thermometer in memory. Tests and simulated meters set the fields; the ports read them. */
#ifndef WK_PORT_VIRTUAL_PANEL_H
#define WK_PORT_VIRTUAL_PANEL_H

#include "port/hal.h"

#define WK_PANEL_RELAYS 2

struct wk_panel_relay {
    struct wk_hal_relay port;
    bool on;
    bool refuses;
    uint32_t switched;
};

struct wk_panel {
    struct wk_hal_contactor contactor;
    struct wk_hal_case enclosure;
    struct wk_hal_magnet magnet;
    struct wk_hal_thermometer thermometer;
    struct wk_panel_relay relay[WK_PANEL_RELAYS];
    bool closed;         /* the main contact */
    bool stuck;          /* it does not move any more, and says nothing */
    bool refuses;        /* an order gives WK_E_IO */
    bool mute;           /* no auxiliary contact */
    uint32_t operations; /* orders given */
    struct wk_hal_case_state state;
    int32_t field_ut;
    int32_t mdegc;
    bool no_thermometer; /* it does not answer */
};

/** Closed, all covers shut, no field, 25 degrees. */
void wk_panel_init(struct wk_panel *panel);

/** Opens and shuts covers (WK_HAL_*); what was opened stays noted until it is read. */
void wk_panel_covers(struct wk_panel *panel, uint8_t open);

/** Presses buttons (WK_HAL_BUTTON_*). */
void wk_panel_press(struct wk_panel *panel, uint8_t buttons);

#endif
