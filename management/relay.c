/* SPDX-License-Identifier: Apache-2.0 */
#include "management/relay.h"

#define US_PER_S      INT64_C(1000000)
#define LAST_MIN      1439
#define OFFSET_MOST_S 1799

#define SETTING(field, kind, least, most)                                                      \
    WK_SETTING(struct wk_relay_settings, field, kind, least, most)
#define SWITCH(n)                                                                              \
    SETTING(minute[n], WK_SETTING_U16, 0, LAST_MIN), SETTING(on[n], WK_SETTING_U8, 0, 1)
static const struct wk_setting k_settings[] = {
    SETTING(order, WK_SETTING_U8, 0, WK_RELAY_ORDERS - 1),
    SETTING(offset_most_s, WK_SETTING_U16, 0, OFFSET_MOST_S),
    SETTING(switches, WK_SETTING_U8, 0, WK_RELAY_SWITCHES),
    SWITCH(0),
    SWITCH(1),
    SWITCH(2),
    SWITCH(3),
    SWITCH(4),
    SWITCH(5),
    SWITCH(6),
    SWITCH(7),
};
const struct wk_setting_table wk_relay_table = {k_settings,
                                                sizeof k_settings / sizeof k_settings[0]};

void wk_relay_init(struct wk_relay *relay)
{
    *relay = (struct wk_relay){
        .settings = {.offset_most_s = OFFSET_MOST_S},
        .slot = WK_RELAY_NO_SLOT,
        .calendar = WK_RELAY_NO_SLOT,
    };
}

wk_err wk_relay_set(struct wk_relay *relay, const struct wk_relay_settings *settings)
{
    WK_TRY(wk_setting_check(&wk_relay_table, settings));
    for (uint8_t i = 1; i < settings->switches; i++) {
        if (settings->minute[i] <= settings->minute[i - 1]) {
            return WK_E_RANGE;
        }
    }
    relay->settings = *settings;
    relay->slot = WK_RELAY_NO_SLOT;
    return WK_OK;
}

/* The switch that was last at `minute`: before the first of the day it is that of yesterday. */
static uint8_t slot_at(const struct wk_relay_settings *settings, uint16_t minute)
{
    uint8_t slot = WK_RELAY_NO_SLOT;
    if (settings->switches > 0) {
        slot = (uint8_t)(settings->switches - 1);
    }
    for (uint8_t i = 0; i < settings->switches; i++) {
        if (settings->minute[i] <= minute) {
            slot = i;
        }
    }
    return slot;
}

static int64_t offset_us(const struct wk_relay *relay, uint32_t random)
{
    return (int64_t)(random % (relay->settings.offset_most_s + 1U)) * US_PER_S;
}

static void follow_schedule(struct wk_relay *relay, const struct wk_relay_input *input)
{
    const uint8_t slot = slot_at(&relay->settings, input->minute);
    if (slot != relay->slot || relay->calendar != (input->calendar ? 1 : 0)) {
        relay->slot = slot;
        relay->calendar = input->calendar ? 1 : 0;
        relay->pending = true;
        relay->due_us = input->t_us + offset_us(relay, input->random);
    }
    if (relay->pending && input->t_us >= relay->due_us) {
        relay->pending = false;
        const bool by_schedule = slot != WK_RELAY_NO_SLOT && relay->settings.on[slot] != 0;
        relay->scheduled = by_schedule || input->calendar;
    }
}

bool wk_relay_step(struct wk_relay *relay, const struct wk_relay_input *input)
{
    follow_schedule(relay, input);
    if (relay->off != 0 && input->off == 0) {
        relay->back_us = input->t_us + offset_us(relay, input->random);
    }
    relay->off = input->off;
    const bool wanted = relay->settings.order == WK_RELAY_AUTO
                            ? relay->scheduled
                            : relay->settings.order == WK_RELAY_ON;
    const bool on = wanted && relay->off == 0 && input->t_us >= relay->back_us;
    const bool changes = on != relay->on;
    relay->on = on;
    return changes;
}
