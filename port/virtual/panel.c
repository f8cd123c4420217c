/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/panel.h"

#define ROOM_MDEGC 25000

static wk_err contactor_set(void *self, bool closed)
{
    struct wk_panel *panel = self;
    panel->operations++;
    if (panel->refuses) {
        return WK_E_IO;
    }
    panel->closed = panel->stuck ? panel->closed : closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    const struct wk_panel *panel = self;
    *closed = panel->closed;
    return panel->mute ? WK_E_UNSUPPORTED : WK_OK;
}

static wk_err relay_set(void *self, bool on)
{
    struct wk_panel_relay *relay = self;
    if (relay->refuses) {
        return WK_E_IO;
    }
    relay->on = on;
    relay->switched++;
    return WK_OK;
}

static wk_err case_read(void *self, struct wk_hal_case_state *state)
{
    struct wk_panel *panel = self;
    *state = panel->state;
    panel->state.opened = panel->state.open;
    panel->state.pressed = 0;
    panel->state.first_opened_s = 0;
    return WK_OK;
}

static wk_err magnet_read(void *self, int32_t *field_ut)
{
    const struct wk_panel *panel = self;
    *field_ut = panel->field_ut;
    return WK_OK;
}

static wk_err thermometer_read(void *self, int32_t *mdegc)
{
    const struct wk_panel *panel = self;
    *mdegc = panel->mdegc;
    return panel->no_thermometer ? WK_E_IO : WK_OK;
}

void wk_panel_init(struct wk_panel *panel)
{
    *panel = (struct wk_panel){
        .contactor = {.self = panel, .set = contactor_set, .is_closed = contactor_is_closed},
        .enclosure = {.self = panel, .read = case_read},
        .magnet = {.self = panel, .read = magnet_read},
        .thermometer = {.self = panel, .read = thermometer_read},
        .closed = true,
        .mdegc = ROOM_MDEGC,
    };
    for (int i = 0; i < WK_PANEL_RELAYS; i++) {
        panel->relay[i].port =
            (struct wk_hal_relay){.self = &panel->relay[i], .set = relay_set};
    }
}

void wk_panel_covers(struct wk_panel *panel, uint8_t open)
{
    panel->state.open = open;
    panel->state.opened |= open;
}

void wk_panel_press(struct wk_panel *panel, uint8_t buttons)
{
    panel->state.pressed |= buttons;
}
