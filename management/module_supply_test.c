/* SPDX-License-Identifier: Apache-2.0
 *
 * The supply of the assembled management: windows, commands, buttons and outages in, positions
 * of the contactor out. */
#include "management/test_supply.h"

/* ---- scenarios --------------------------------------------------------------------------- */

static void over_voltage_opens_and_the_supply_comes_back_when_it_has_gone(void)
{
    EXPECT_OK(start(5));
    g_u_mv = 280000;
    EXPECT_OK(run_s(2));
    EXPECT(g_panel.closed);
    EXPECT_OK(run_s(2));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_READY, state());
    g_u_mv = 240000;
    EXPECT_OK(run_s(59));
    EXPECT(!g_panel.closed);
    EXPECT_OK(run_s(2));
    EXPECT(g_panel.closed);
    EXPECT_I64(1, count_events(WK_EVENT_OVER_VOLTAGE));
    EXPECT_I64(1, count_events(WK_EVENT_OVER_VOLTAGE_GONE));
    EXPECT_I64(1, count_events(WK_EVENT_SUPPLY_DISCONNECTED_LOCALLY));
    EXPECT_I64(1, count_events(WK_EVENT_SUPPLY_CONNECTED_LOCALLY));
}

static void heat_opens_the_supply(void)
{
    EXPECT_OK(start(6));
    g_panel.mdegc = 106000;
    EXPECT_OK(run_s(12));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_OVER_HEAT, g_module.rooms.control.reasons);
    g_panel.mdegc = 60000;
    EXPECT_OK(run_s(302));
    EXPECT(g_panel.closed);
}

static void a_remote_reconnection_never_closes_onto_a_reason(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(act(k_supply, 1));
    EXPECT(!g_panel.closed);
    g_u_mv = 290000;
    EXPECT_OK(run_s(5));
    EXPECT_OK(act(k_supply, 2));
    EXPECT_OK(run_s(5));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_READY, state());
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.closed);
    EXPECT_I64(1, count_events(WK_EVENT_RECONNECTION_REFUSED));
    g_u_mv = 230000;
    EXPECT_OK(run_s(61));
    EXPECT(!g_panel.closed); /* mode 4: by hand only */
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed);
}

static void a_load_above_the_limit_is_tried_again_and_then_locked_out(void)
{
    EXPECT_OK(start(6));
    EXPECT_OK(set_long64(k_limiter, 4, 9000000)); /* 9 kW */
    g_i_ua = 20 * US;                             /* 13.8 kW */
    EXPECT_OK(run_s(29));
    EXPECT(g_panel.closed);
    EXPECT_OK(run_s(2));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_LOAD, g_module.rooms.control.reasons);
    EXPECT_OK(run_s(400)); /* three attempts of 60 s open, 30 s closed */
    EXPECT_I64(3, count_events(WK_EVENT_LOAD_ATTEMPT));
    EXPECT_I64(1, count_events(WK_EVENT_LOAD_LOCKED_OUT));
    EXPECT_I64(WK_SUPPLY_LOCKED_OUT, g_module.rooms.control.reasons);
    EXPECT_OK(run_s(4000));
    EXPECT(!g_panel.closed);
    EXPECT_OK(boot()); /* a power cut is no release */
    EXPECT_OK(run_s(10));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_LOCKED_OUT, g_module.rooms.control.reasons);
    g_i_ua = 5 * US;
    EXPECT_OK(act(k_supply, 2)); /* the remote release */
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed);
    EXPECT_I64(1, count_events(WK_EVENT_LOAD_RELEASED));
}

static void a_hand_releases_a_lock_out_and_closes(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(set_long64(k_limiter, 4, 9000000));
    g_i_ua = 20 * US;
    EXPECT_OK(run_s(32));
    EXPECT(!g_panel.closed);
    g_i_ua = 5 * US;
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed);
    EXPECT_I64(0, g_module.rooms.control.reclose.attempts);
}

static void a_fault_current_is_left_to_the_fuse(void)
{
    EXPECT_OK(start(4));
    g_i_ua = 900 * US;
    EXPECT_OK(run_s(1));
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(run_s(30));
    EXPECT(g_panel.closed);
    EXPECT_I64(WK_SUPPLY_DISCONNECTED, state());
    EXPECT_I64(1, count_events(WK_EVENT_OPENING_HELD));
    g_i_ua = 0; /* the fuse has cleared it */
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.closed);
    EXPECT_I64(0, g_bad_openings);
}

static void a_welded_contact_is_an_event_and_so_is_its_recovery(void)
{
    EXPECT_OK(start(4));
    g_panel.stuck = true;
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(run_s(20));
    EXPECT_I64(1, count_events(WK_EVENT_CONTACTOR_DISAGREES));
    EXPECT_I64(3, g_panel.operations);
    g_panel.stuck = false;
    EXPECT_OK(run_s(3601));
    EXPECT(!g_panel.closed);
    EXPECT_I64(1, count_events(WK_EVENT_CONTACTOR_FOLLOWS));
}

static void an_armed_supply_waits_for_the_button_and_the_arm_expires(void)
{
    EXPECT_OK(start(6));
    g_module.rooms.supply.settings.arm_s = 600;
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(act(k_supply, 2));
    EXPECT_OK(run_s(100));
    EXPECT(!g_panel.closed);
    EXPECT_I64(WK_SUPPLY_READY, state());
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed);
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(act(k_supply, 2));
    EXPECT_OK(run_s(601));
    EXPECT_I64(WK_SUPPLY_DISCONNECTED, state());
    EXPECT_I64(1, count_events(WK_EVENT_ARM_EXPIRED));
}

static void after_an_outage_the_supply_waits_its_random_time(void)
{
    EXPECT_OK(start(5));
    g_module.rooms.supply.settings.delay_most_s = 1799;
    EXPECT_OK(wk_module_commit(&g_module));
    g_t_us += 3600 * US;
    EXPECT_OK(boot());
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.closed);
    const int64_t left_s = (g_module.rooms.supply.delay_until_us - g_t_us) / US;
    EXPECT(left_s > 0 && left_s <= 1799);
    EXPECT_OK(run_s(left_s - 1));
    EXPECT(!g_panel.closed);
    EXPECT_OK(run_s(3));
    EXPECT(g_panel.closed);
}

static void a_level_of_demand_response_caps_the_import_at_4200_watts(void)
{
    static const uint8_t k_order[6] = {0, 0, 128, 1, 1, 255};
    /* LOWEST from 2020-01-01 00:00 on, that is now, for 900 s */
    static const uint8_t k_value[] = {0x02, 3,    0x16, 3,    0x09, 12,   0x07, 0xE4,
                                      1,    1,    0xFF, 0,    0,    0,    0,    0x80,
                                      0,    0xFF, 0x06, 0x00, 0,    0x03, 0x84};
    EXPECT_OK(start(4));
    g_module.rooms.control.relay[1].settings.order = WK_RELAY_ON;
    g_module.rooms.control.limiter[1].settings.over = WK_LIMITER_RELAY_2;
    g_module.rooms.control.limiter[1].settings.under = WK_LIMITER_RELAY_2;
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.relay[1].on);
    struct wk_bytes_out value = {.data = (uint8_t *)(uintptr_t)k_value, .size = sizeof k_value};
    EXPECT_OK(set(1, k_order, 2, &value));
    g_i_ua = INT64_C(6000000); /* 4.14 kW */
    EXPECT_OK(run_s(60));
    EXPECT(g_panel.relay[1].on);
    g_i_ua = INT64_C(6200000); /* 4.28 kW */
    EXPECT_OK(run_s(31));
    EXPECT(!g_panel.relay[1].on);
    EXPECT(g_panel.closed); /* never the supply */
    EXPECT_OK(run_s(1000));
    EXPECT_I64(0, g_module.rooms.control.response.level);
    EXPECT_I64(2, count_events(WK_EVENT_RESPONSE_LEVEL));
}

static void each_monitored_value_trips_and_a_relay_can_be_what_it_acts_on(void)
{
    static const int64_t k_limits[WK_LIMITER_MONITORS] = {9000000, 15000, 9000000};
    for (uint8_t monitor = 0; monitor < WK_LIMITER_MONITORS; monitor++) {
        EXPECT_OK(start(6));
        struct wk_limiter *limiter = &g_module.rooms.control.limiter[WK_ROOMS_LIMITER];
        limiter->settings.monitor = monitor;
        limiter->settings.normal = k_limits[monitor];
        limiter->settings.over = monitor == 1 ? WK_LIMITER_RELAY_1 : WK_LIMITER_SUPPLY;
        limiter->settings.under = monitor == 2 ? WK_LIMITER_NOTHING : limiter->settings.over;
        g_module.rooms.control.relay[0].settings.order = WK_RELAY_ON;
        EXPECT_OK(run_s(1));
        EXPECT(g_panel.relay[0].on);
        g_i_ua = 20 * US;
        EXPECT_OK(run_s(32));
        EXPECT(g_panel.closed == (monitor == 1));
        EXPECT(g_panel.relay[0].on == (monitor != 1));
        EXPECT_I64(monitor == 2 ? WK_SUPPLY_LOCKED_OUT : (monitor == 0 ? WK_SUPPLY_LOAD : 0),
                   g_module.rooms.control.reasons);
    }
}

static void the_emergency_profile_is_an_event_at_its_begin_and_end(void)
{
    EXPECT_OK(start(4));
    struct wk_limiter_settings *settings =
        &g_module.rooms.control.limiter[WK_ROOMS_LIMITER].settings;
    settings->normal = 20000000;
    settings->emergency = 2000000;
    settings->groups = 1;
    settings->group[0] = 5;
    settings->profile_id = 5;
    settings->profile_begin_s = START / US + 10;
    settings->profile_s = 20;
    EXPECT_OK(run_s(60));
    EXPECT_I64(1, count_events(WK_EVENT_EMERGENCY_LIMIT));
    EXPECT_I64(1, count_events(WK_EVENT_EMERGENCY_LIMIT_OVER));
}

static void relays_follow_orders_and_schedule_and_a_refusal_is_tried_again(void)
{
    static const uint8_t k_relay[6] = {0, 1, 96, 3, 10, 255};
    EXPECT_OK(start(4));
    g_panel.relay[0].refuses = true;
    EXPECT_OK(act(k_relay, 2));
    EXPECT_OK(run_s(2));
    EXPECT(!g_panel.relay[0].on);
    EXPECT_I64(0, count_events(WK_EVENT_RELAY_ON));
    g_panel.relay[0].refuses = false;
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.relay[0].on);
    EXPECT_OK(act(k_relay, 1));
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.relay[0].on);
    struct wk_relay_settings settings = {
        .switches = 2, .on = {1, 0}, .minute = {1, 3}, .offset_most_s = 30};
    EXPECT_OK(wk_relay_set(&g_module.rooms.control.relay[1], &settings));
    EXPECT_OK(run_s(10)); /* midnight of the start, and some seconds */
    EXPECT(!g_panel.relay[1].on);
    EXPECT_OK(run_s(85)); /* 00:01 and at most 30 s */
    EXPECT(g_panel.relay[1].on);
    EXPECT_OK(boot()); /* a short stop: it goes on where it was */
    EXPECT(!g_panel.relay[1].on);
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.relay[1].on);
    EXPECT_OK(run_s(120));
    EXPECT(!g_panel.relay[1].on);
}

/* ---- bad input --------------------------------------------------------------------------- */

struct bad {
    uint8_t attribute;
    wk_err err;
    uint8_t size;
    uint8_t raw[32];
};

static void bad_values_are_refused_precisely_and_change_nothing(void)
{
    static const struct bad k_bad[] = {
        {4, WK_E_RANGE, 9, {0x14, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}}, /* -1 */
        {4, WK_E_RANGE, 9, {0x14, 0x80, 0, 0, 0, 0, 0, 0, 0}}, /* INT64_MIN */
        {4, WK_E_RANGE, 9, {0x14, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
        {4, WK_E_RANGE, 9, {0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
        {5, WK_E_RANGE, 9, {0x14, 0, 0, 0, 0xE8, 0xD4, 0xA5, 0x10, 0x01}}, /* 10^12 + 1 */
        {4, WK_E_FORMAT, 3, {0x09, 1, 5}},
        {4, WK_E_SHORT, 3, {0x14, 0, 0}},
        {4, WK_E_FORMAT, 3, {0x11, 5, 0}}, /* something behind it */
        {6, WK_E_RANGE, 5, {0x06, 0xFF, 0xFF, 0xFF, 0xFF}},
        {6, WK_E_RANGE, 2, {0x0F, 0xFF}},
        {7, WK_E_RANGE, 5, {0x06, 0x00, 0x09, 0x3A, 0x81}}, /* 604801 s */
        {9, WK_E_RANGE, 2, {0x01, 9}},
        {9, WK_E_FORMAT, 4, {0x01, 1, 0x11, 5}},
        {2, WK_E_RANGE, 15, {0x02, 3, 0x12, 0, 3, 9, 6, 1, 0, 2, 7, 0, 255, 0x0F, 2}},
        {11, WK_E_FORMAT, 2, {0x02, 3}},
        {3, WK_E_UNSUPPORTED, 2, {0x11, 1}},
        {10, WK_E_UNSUPPORTED, 2, {0x03, 1}},
    };
    static uint8_t before[WK_MODULE_SUPPLY_ROOM];
    static uint8_t after[WK_MODULE_SUPPLY_ROOM];
    EXPECT_OK(start(4));
    struct wk_bytes_out out = wk_bytes_out_of(before, sizeof before);
    wk_module_supply_pack(&g_module, 0, &out);
    EXPECT_OK(out.fault);
    const size_t size = out.size;
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        struct wk_bytes_in in = wk_bytes_in_of(k_bad[i].raw, k_bad[i].size);
        const struct wk_object_call call = call_of(71, k_limiter);
        const wk_err err = call.object->access->functions->set(&call, k_bad[i].attribute, &in);
        if (err != k_bad[i].err) {
            WK_TEST_FAIL_("row %zu gave %s", i, wk_err_name(err));
        }
        out = wk_bytes_out_of(after, sizeof after);
        wk_module_supply_pack(&g_module, 0, &out);
        EXPECT_BYTES(before, after, size);
    }
    EXPECT_ERR(WK_E_RANGE, set_long64(k_response_limiter, 4, 4199999)); /* the guarantee */
    EXPECT_OK(set_long64(k_response_limiter, 4, 4200000));
    EXPECT_OK(set_long64(k_limiter, 4, INT64_C(1000000000000)));
}

static void a_damaged_value_of_the_store_is_refused(void)
{
    static uint8_t raw[WK_MODULE_SUPPLY_ROOM];
    EXPECT_OK(start(4));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_module_supply_pack(&g_module, 0, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(raw, size);
        EXPECT(wk_module_supply_unpack(&g_module, 0, &in) != WK_OK);
    }
    raw[0] ^= 0x80; /* another version */
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_ERR(WK_E_FORMAT, wk_module_supply_unpack(&g_module, 0, &in));
}

static void state_and_orders_can_be_read_and_bad_orders_are_refused(void)
{
    static const uint8_t k_order[6] = {0, 0, 128, 1, 1, 255};
    static const uint8_t k_state[6] = {0, 0, 128, 1, 0, 255};
    static const uint8_t k_relay[6] = {0, 2, 96, 3, 10, 255};
    /* level 4; level 1 for a day and a second */
    static const uint8_t k_level[] = {0x02, 3,    0x16, 4, 0x09, 12, 0x07, 0xE4,
                                      1,    1,    0xFF, 0, 0,    0,  0,    0x80,
                                      0,    0xFF, 0x06, 0, 0,    3,  0x84};
    static const uint8_t k_long[] = {0x02, 3,    0x16, 1, 0x09, 12,   0x07, 0xE4,
                                     1,    1,    0xFF, 0, 0,    0,    0,    0x80,
                                     0,    0xFF, 0x06, 0, 1,    0x51, 0x81};
    EXPECT_OK(start(4));
    const struct wk_response before = g_module.rooms.control.response;
    struct wk_bytes_out value = {.data = (uint8_t *)(uintptr_t)k_level, .size = sizeof k_level};
    EXPECT_ERR(WK_E_RANGE, set(1, k_order, 2, &value));
    value = (struct wk_bytes_out){.data = (uint8_t *)(uintptr_t)k_long, .size = sizeof k_long};
    EXPECT_ERR(WK_E_RANGE, set(1, k_order, 2, &value));
    EXPECT_ERR(WK_E_UNSUPPORTED, set(1, k_state, 2, &value));
    EXPECT_BYTES(&before, &g_module.rooms.control.response, sizeof before);
    const struct wk_object_selection all = {.kind = WK_OBJECT_SELECT_ALL};
    struct wk_object_cursor cursor = {0};
    uint8_t raw[64];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_object_call call = call_of(1, k_state);
    EXPECT_OK(call.object->access->functions->get(&call, 2, &all, &cursor, &out));
    /* no reason, resting, idle, no attempt, no order given */
    EXPECT_BYTES("\x02\x05\x11\x00\x16\x00\x16\x00\x11\x00\x06", raw, 11);
    out = wk_bytes_out_of(raw, sizeof raw);
    call = call_of(1, k_order);
    EXPECT_OK(call.object->access->functions->get(&call, 2, &all, &cursor, &out));
    EXPECT_BYTES("\x02\x04\x16\x00\x16\x00\x09\x0C\x07\xB2", raw, 10); /* 1970 */
    for (uint8_t attribute = 2; attribute <= 4; attribute++) {
        out = wk_bytes_out_of(raw, sizeof raw);
        call = call_of(70, k_relay);
        EXPECT_OK(call.object->access->functions->get(&call, attribute, &all, &cursor, &out));
    }
    EXPECT_BYTES("\x16\x04", raw, 2);
}

/* Every attribute of the new objects can be read, and a structure of parameters that was read
 * can be written back. */
static void parameters_read_can_be_written_back(void)
{
    static const uint8_t k_last = 8;
    EXPECT_OK(start(4));
    for (uint8_t e = 2; e <= k_last; e++) {
        const uint8_t obis[6] = {0, 0, 128, 1, e, 255};
        uint8_t raw[256];
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        const struct wk_object_selection all = {.kind = WK_OBJECT_SELECT_ALL};
        struct wk_object_cursor cursor = {0};
        const struct wk_object_call call = call_of(1, obis);
        EXPECT_OK(call.object->access->functions->get(&call, 2, &all, &cursor, &out));
        EXPECT_OK(out.fault);
        EXPECT_OK(set(1, obis, 2, &out));
        out.size--;
        EXPECT_ERR(WK_E_SHORT, set(1, obis, 2, &out));
    }
    for (uint8_t attribute = 2; attribute <= 11; attribute++) {
        uint8_t raw[256];
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        const struct wk_object_selection all = {.kind = WK_OBJECT_SELECT_ALL};
        struct wk_object_cursor cursor = {0};
        const struct wk_object_call call = call_of(71, k_limiter);
        EXPECT_OK(call.object->access->functions->get(&call, attribute, &all, &cursor, &out));
        EXPECT_OK(out.fault);
        EXPECT(attribute == 3 || attribute == 10 ||
               set(71, k_limiter, attribute, &out) == WK_OK);
    }
}

/* ---- tamper ------------------------------------------------------------------------------ */

static void fraud_is_logged_kept_and_survives_a_restart(void)
{
    EXPECT_OK(start(4));
    wk_panel_covers(&g_panel, WK_HAL_TERMINAL_COVER);
    g_panel.field_ut = 90000;
    EXPECT_OK(run_s(3));
    EXPECT_I64(1, count_events(WK_EVENT_TERMINAL_COVER));
    EXPECT_I64(1, count_events(WK_EVENT_MAGNET));
    const uint32_t active = wk_tamper_active(&g_module.rooms.tamper);
    EXPECT(active != 0);
    EXPECT_OK(boot());
    EXPECT_I64(active, wk_tamper_active(&g_module.rooms.tamper));
    EXPECT_OK(run_s(3));
    EXPECT_I64(1, count_events(WK_EVENT_TERMINAL_COVER)); /* it is the same opening */
    wk_panel_covers(&g_panel, 0);
    g_panel.field_ut = 0;
    EXPECT_OK(run_s(12));
    EXPECT_I64(1, count_events(WK_EVENT_TERMINAL_COVER_END));
    EXPECT_I64(1, count_events(WK_EVENT_MAGNET_END));
    EXPECT_I64(0, wk_tamper_active(&g_module.rooms.tamper));
    EXPECT_I64(wk_tamper_latch_of(WK_TAMPER_MAGNET),
               g_module.rooms.tamper.snapshot[g_module.rooms.tamper.newest].latch);
}

static void the_first_opening_without_power_is_kept(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(wk_module_commit(&g_module));
    const int64_t opened_s = g_t_us / US + 600;
    wk_panel_covers(&g_panel, WK_HAL_MAIN_COVER);
    g_panel.state.first_opened_s = opened_s;
    wk_panel_covers(&g_panel, 0);
    g_t_us += 3600 * US;
    EXPECT_OK(boot());
    EXPECT_OK(run_s(1));
    EXPECT_I64(1, count_events(WK_EVENT_MAIN_COVER));
    EXPECT_I64(1, count_events(WK_EVENT_MAIN_COVER_END));
    EXPECT_I64(opened_s, g_module.rooms.tamper.snapshot[g_module.rooms.tamper.newest].utc_s);
}

static void refused_logins_are_counted_and_a_service_order_excuses_covers(void)
{
    static const uint8_t k_service[6] = {0, 0, 128, 2, 3, 255};
    /* 2026-02-02 00:10:00, deviation -60: ten minutes from the start */
    static const uint8_t k_value[] = {0x09, 12, 0x07, 0xEA, 2,    2,    1,
                                      0,    10, 0,    0,    0xFF, 0xC4, 0};
    EXPECT_OK(start(4));
    for (int i = 0; i < 5; i++) {
        EXPECT_OK(wk_module_log(&g_module, (struct wk_event){.code = WK_EVENT_LOGIN_FAILED}));
    }
    struct wk_bytes_out value = {.data = (uint8_t *)(uintptr_t)k_value, .size = sizeof k_value};
    EXPECT_OK(set(1, k_service, 2, &value));
    wk_panel_covers(&g_panel, WK_HAL_TERMINAL_COVER);
    EXPECT_OK(run_s(590));
    EXPECT_I64(1, count_events(WK_EVENT_REFUSED_OFTEN));
    EXPECT_I64(1, count_events(WK_EVENT_SERVICE_ORDERED));
    EXPECT_I64(1, count_events(WK_EVENT_SERVICE_OPENED));
    EXPECT_I64(0, count_events(WK_EVENT_TERMINAL_COVER));
    EXPECT_OK(run_s(20));
    EXPECT_I64(1, count_events(WK_EVENT_SERVICE_END));
    EXPECT_I64(1, count_events(WK_EVENT_TERMINAL_COVER)); /* still open */
}

static void every_object_of_tamper_can_be_read(void)
{
    static uint8_t raw[2048];
    EXPECT_OK(start(4));
    g_panel.field_ut = 90000;
    EXPECT_OK(run_s(3));
    int read = 0;
    for (size_t i = 0; i < g_module.table.count; i++) {
        const struct wk_object *object = &g_module.table.rows[i];
        const bool rule = object->access->functions == &wk_objects_tamper_rule;
        if (!rule && object->access->functions != &wk_objects_tamper &&
            object->access->functions != &wk_objects_tamper_energy) {
            continue;
        }
        const struct wk_object_call call = {.meter = &g_module.rooms, .object = object};
        const struct wk_object_selection all = {.kind = WK_OBJECT_SELECT_ALL};
        struct wk_object_cursor cursor = {0};
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        EXPECT_OK(object->access->functions->get(&call, 2, &all, &cursor, &out));
        EXPECT_OK(out.fault);
        EXPECT(out.size > 0);
        EXPECT(!rule || set(1, object->obis, 2, &out) == WK_OK);
        read++;
    }
    EXPECT_I64(WK_TAMPER_KINDS + 4 + 3, read);
}

static void bad_values_of_tamper_are_refused_and_change_nothing(void)
{
    static const uint8_t k_obis[3][6] = {
        {0, 0, 128, 2, 2, 255}, {0, 0, 128, 2, 3, 255}, {0, 0, 128, 3, 0, 255}};
    /* a site at 0 V; an order until 2099; a rule that ends above where it begins; a text */
    static const uint8_t k_site[] = {2, 5, 5, 0, 0, 0,  0, 0x14, 0, 0,  0,
                                     0, 1, 0, 0, 0, 17, 0, 17,   1, 17, 0};
    static const uint8_t k_long[] = {9, 12, 0x08, 0x33, 1, 1, 0xFF, 0, 0, 0, 0, 0x80, 0, 0xFF};
    static const uint8_t k_rule[] = {2, 6, 17, 1, 5, 0, 0, 0, 100, 5, 0, 0, 0, 101, 5,
                                     0, 0, 1,  0, 6, 0, 0, 0, 30,  6, 0, 0, 0, 60};
    static const uint8_t k_text[] = {9, 2, 'n', 'o'};
    const struct {
        const uint8_t *raw;
        size_t size;
    } k_bad[3] = {{k_site, sizeof k_site}, {k_long, sizeof k_long}, {k_rule, sizeof k_rule}};
    static uint8_t before[WK_TAMPER_PACKED];
    static uint8_t after[WK_TAMPER_PACKED];
    EXPECT_OK(start(4));
    struct wk_bytes_out out = wk_bytes_out_of(before, sizeof before);
    wk_tamper_pack(&g_module.rooms.tamper, &out);
    for (int i = 0; i < 3; i++) {
        struct wk_bytes_out value = {.data = (uint8_t *)(uintptr_t)k_bad[i].raw,
                                     .size = k_bad[i].size};
        EXPECT_ERR(WK_E_RANGE, set(1, k_obis[i], 2, &value));
        value.size--;
        EXPECT(set(1, k_obis[i], 2, &value) != WK_OK);
        value =
            (struct wk_bytes_out){.data = (uint8_t *)(uintptr_t)k_text, .size = sizeof k_text};
        const wk_err err = set(1, k_obis[i], 2, &value);
        EXPECT(err == WK_E_FORMAT || err == WK_E_RANGE);
    }
    out = wk_bytes_out_of(after, sizeof after);
    wk_tamper_pack(&g_module.rooms.tamper, &out);
    EXPECT_BYTES(before, after, out.size);
}

WK_TEST_MAIN(T(over_voltage_opens_and_the_supply_comes_back_when_it_has_gone),
             T(heat_opens_the_supply), T(a_remote_reconnection_never_closes_onto_a_reason),
             T(a_load_above_the_limit_is_tried_again_and_then_locked_out),
             T(a_hand_releases_a_lock_out_and_closes), T(a_fault_current_is_left_to_the_fuse),
             T(a_welded_contact_is_an_event_and_so_is_its_recovery),
             T(an_armed_supply_waits_for_the_button_and_the_arm_expires),
             T(after_an_outage_the_supply_waits_its_random_time),
             T(a_level_of_demand_response_caps_the_import_at_4200_watts),
             T(each_monitored_value_trips_and_a_relay_can_be_what_it_acts_on),
             T(the_emergency_profile_is_an_event_at_its_begin_and_end),
             T(relays_follow_orders_and_schedule_and_a_refusal_is_tried_again),
             T(a_damaged_value_of_the_store_is_refused),
             T(state_and_orders_can_be_read_and_bad_orders_are_refused),
             T(bad_values_are_refused_precisely_and_change_nothing),
             T(parameters_read_can_be_written_back),
             T(fraud_is_logged_kept_and_survives_a_restart),
             T(the_first_opening_without_power_is_kept),
             T(refused_logins_are_counted_and_a_service_order_excuses_covers),
             T(every_object_of_tamper_can_be_read),
             T(bad_values_of_tamper_are_refused_and_change_nothing))
