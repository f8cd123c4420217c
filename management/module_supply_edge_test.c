/* SPDX-License-Identifier: Apache-2.0
 *
 * What the assembled supply tells and keeps, to the last figure: every event with its detail and
 * value, what a gap does to what had lasted, the octets in the store, and a store that fails. */
#include <stdlib.h>

#include "management/test_supply.h"

static struct wk_rooms_control *control(void)
{
    return &g_module.rooms.control;
}

/* ---- what is told ------------------------------------------------------------------------ */

static void protection_tells_phases_voltage_and_temperature(void)
{
    EXPECT_OK(start(5));
    (void)told();
    g_more_mv[1] = 50000;
    EXPECT_OK(run_s(3));
    EXPECT_TOLD("300/2/280000 64/1/4 "); /* L2; it was connected; over-voltage */
    g_more_mv[1] = 0;
    g_more_mv[2] = -30000;
    EXPECT_OK(run_s(60));
    EXPECT_TOLD("301/2/230000 69/2/0 ");
    g_more_mv[0] = 60000;
    g_more_mv[2] = 70000;
    EXPECT_OK(run_s(3));
    EXPECT_TOLD("300/5/300000 64/1/4 ");
    g_more_mv[2] = 0;
    EXPECT_OK(run_s(60));
    EXPECT_TOLD("301/4/290000 "); /* L1 is still too high */
    g_more_mv[0] = 0;
    EXPECT_OK(run_s(60));
    EXPECT_TOLD("301/1/230000 69/2/0 ");
    g_panel.mdegc = 105001;
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("302/0/105001 64/1/8 ");
    g_panel.no_thermometer = true; /* neither trips nor restores */
    g_panel.mdegc = 20000;
    EXPECT_OK(run_s(400));
    EXPECT_TOLD("");
    EXPECT(!g_panel.closed);
    g_panel.no_thermometer = false;
    EXPECT_OK(run_s(300));
    EXPECT_TOLD("303/0/20000 69/2/0 ");
}

static void load_limitation_tells_every_step_with_its_count(void)
{
    EXPECT_OK(start(6));
    EXPECT_OK(set_long64(k_limiter, 4, 9000000));
    (void)told();
    g_i_ua = 20 * US; /* 3 x 20 A x 230 V = 13.8 kW */
    EXPECT_OK(run_s(30));
    EXPECT_TOLD("65/0/13800000 304/0/0 64/1/1 ");
    EXPECT_OK(run_s(5));
    EXPECT_TOLD("66/0/0 ");
    EXPECT_OK(run_s(55));
    EXPECT_TOLD("305/0/1 69/2/0 ");
    EXPECT_OK(run_s(31));
    EXPECT_TOLD("65/0/13800000 304/0/1 64/1/1 ");
    EXPECT_OK(run_s(60));
    EXPECT_TOLD("66/0/0 305/0/2 69/2/0 ");
    EXPECT_OK(run_s(91));
    EXPECT_TOLD("65/0/13800000 304/0/2 64/1/1 66/0/0 305/0/3 69/2/0 ");
    EXPECT_OK(run_s(40));
    EXPECT_TOLD("65/0/13800000 306/0/3 64/1/2 66/0/0 ");
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    g_i_ua = 5 * US;
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("307/1/0 61/2/0 ");
    EXPECT(g_panel.closed);
}

static void buttons_tell_where_the_supply_was_and_why_it_stays(void)
{
    EXPECT_OK(start(1));
    (void)told();
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT); /* it is connected: nothing to say */
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("");
    wk_panel_press(&g_panel, WK_HAL_BUTTON_DISCONNECT);
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("60/1/0 ");
    g_panel.mdegc = 120000;
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("302/0/120000 ");
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("315/2/8 ");
    EXPECT_OK(act(k_supply, 1));
    EXPECT_TOLD("62/2/0 ");
    g_panel.mdegc = 20000;
    EXPECT_OK(run_s(300));
    EXPECT_TOLD("303/0/20000 ");
    wk_panel_press(&g_panel,
                   WK_HAL_BUTTON_RECONNECT); /* a remote order is not undone by hand */
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("315/0/0 ");
    EXPECT(!g_panel.closed);
}

static void the_contactor_tells_orders_that_wait_and_currents_that_should_not_flow(void)
{
    EXPECT_OK(start(4));
    (void)told();
    g_i_ua = 900 * US;
    EXPECT_OK(run_s(1));
    EXPECT_OK(act(k_supply, 1));
    (void)told();
    EXPECT_OK(run_s(11));
    EXPECT_TOLD("308/0/900000 ");
    g_i_ua = 0;
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.closed);
    EXPECT_TOLD("");
    g_more_ua[2] = 150000; /* around the open contact */
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("310/0/150 ");
    g_more_ua[2] = 0;
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("311/0/0 ");
    control()->protection.settings.over_mv = 0;
    g_more_mv[1] = 40000;
    EXPECT_OK(run_s(1));
    EXPECT_OK(act(k_supply, 2));
    wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
    EXPECT_OK(run_s(1));
    (void)told();
    EXPECT_OK(run_s(11));
    EXPECT_TOLD("309/1/270000 ");
    g_more_mv[1] = 0;
    g_panel.stuck = true;
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("68/1/0 ");
    g_panel.stuck = false;
    EXPECT_OK(run_s(3601));
    EXPECT_TOLD("312/1/0 ");
    g_panel.stuck = true;
    EXPECT_OK(act(k_supply, 1));
    (void)told();
    EXPECT_OK(run_s(10));
    EXPECT_TOLD("68/0/0 ");
}

static void response_relays_and_emergency_limit_tell_what_is_in_force(void)
{
    EXPECT_OK(start(4));
    control()->relay[0].settings.order = WK_RELAY_ON;
    EXPECT_OK(run_s(1));
    (void)told();
    const int64_t now_s = wk_clock_utc(wk_module_now_us(&g_module)).s;
    const struct wk_response_order lowest = {WK_RESPONSE_LOWEST, now_s, 100};
    EXPECT_OK(wk_response_take(&control()->response, &lowest, now_s, 0));
    g_i_ua = INT64_C(6200000); /* 4.278 kW */
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("316/3/4200 318/1/2 "); /* the level's mask names relay 1 */
    EXPECT_OK(run_s(30));
    EXPECT_TOLD("65/1/4278000 ");
    EXPECT_I64(WK_RELAY_RESPONSE | WK_RELAY_RESPONSE_LIMITER, control()->relay[0].off);
    control()->relay[0].settings.offset_most_s = 0;
    EXPECT_OK(run_s(75));
    EXPECT_TOLD("316/0/0 66/1/4278000 317/1/0 ");
    control()->limiter[0].settings.over = WK_LIMITER_RELAY_1;
    control()->limiter[0].settings.under = WK_LIMITER_RELAY_1;
    control()->limiter[0].settings.normal = 4000000;
    EXPECT_OK(run_s(31));
    EXPECT_TOLD("65/0/4278000 318/1/1 ");
    struct wk_limiter_settings *settings = &control()->limiter[0].settings;
    settings->emergency = 30000000;
    settings->groups = 1;
    settings->group[0] = 5;
    settings->profile_id = 5;
    settings->profile_begin_s = wk_clock_utc(wk_module_now_us(&g_module)).s + 10;
    settings->profile_s = 20;
    EXPECT_OK(run_s(20));
    EXPECT_TOLD("319/0/30000000 66/0/4278000 317/1/0 ");
    EXPECT_OK(run_s(15));
    EXPECT_TOLD("320/0/4000000 ");
    settings->emergency = INT64_C(900000000000);
    settings->profile_begin_s = wk_clock_utc(wk_module_now_us(&g_module)).s;
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("319/0/2147483647 "); /* more than an event holds */
}

static void each_monitor_sees_its_own_value(void)
{
    static const struct {
        uint8_t monitor;
        int64_t i_ua;
        int64_t normal;
        const char *told;
    } k_cases[] = {
        {WK_LIMITER_I_MOST, 10000000, 12000, "65/0/12500 "}, /* mA of the most loaded phase */
        {WK_LIMITER_P_NET, -10000000, 6000000, "65/0/6900000 "},
        {WK_LIMITER_P_NET, 10000000, 6000000, "65/0/6900000 "},
        {WK_LIMITER_P_IMPORT, 10000000, 6000000, "65/0/6900000 "},
        {WK_LIMITER_P_IMPORT, -10000000, 6000000, ""}, /* export is no import */
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        EXPECT_OK(start(4));
        (void)told();
        control()->limiter[0].settings.monitor = k_cases[i].monitor;
        control()->limiter[0].settings.normal = k_cases[i].normal;
        control()->limiter[0].settings.over = WK_LIMITER_NOTHING;
        g_i_ua = k_cases[i].i_ua;
        g_more_ua[2] = 2500000;
        EXPECT_OK(run_s(30));
        EXPECT_TOLD(k_cases[i].told);
    }
}

static void a_remote_arm_that_expires_tells_so(void)
{
    EXPECT_OK(start(6));
    g_module.rooms.supply.settings.arm_s = 60;
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(act(k_supply, 2));
    (void)told();
    EXPECT_OK(run_s(59));
    EXPECT_TOLD("");
    EXPECT_OK(run_s(1));
    EXPECT_TOLD("313/2/0 ");
}

static void the_delay_after_an_outage_is_told_and_only_if_there_is_one(void)
{
    EXPECT_OK(start(5));
    EXPECT_OK(wk_module_commit(&g_module));
    g_t_us += 3600 * US;
    EXPECT_OK(boot());
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed); /* no delay is set */
    EXPECT_I64(0, count_events(WK_EVENT_RECONNECTION_DELAYED));
    g_module.rooms.supply.settings.delay_most_s = 1799;
    EXPECT_OK(wk_module_commit(&g_module));
    g_t_us += 179 * US; /* too short for one */
    EXPECT_OK(boot());
    EXPECT_OK(run_s(1));
    EXPECT(g_panel.closed);
    int64_t sum_s = 0;
    int64_t least_s = 1800;
    int64_t most_s = 0;
    for (int n = 0; n < 40; n++) {
        EXPECT_OK(wk_module_commit(&g_module));
        (void)told();
        g_t_us += (180 + n) * US;
        EXPECT_OK(boot());
        EXPECT_OK(window());
        const int64_t until_us = g_module.rooms.supply.delay_until_us;
        const int64_t left_s = until_us > 0 ? (until_us - g_t_us + US - 1) / US : 0;
        EXPECT(left_s >= 0 && left_s <= 1799);
        const char *const text = told();
        EXPECT(left_s == 0 || (strncmp(text, "314/0/", 6) == 0 && text[6] != '-'));
        EXPECT_I64(left_s, left_s == 0 ? 0 : strtol(text + 6, NULL, 10));
        sum_s += left_s;
        least_s = left_s < least_s ? left_s : least_s;
        most_s = left_s > most_s ? left_s : most_s;
        EXPECT_OK(run_s(1));
    }
    EXPECT(most_s > 1200 && least_s < 600 && sum_s / 40 > 500 && sum_s / 40 < 1300);
}

/* ---- gaps -------------------------------------------------------------------------------- */

/* What lasts begins anew behind a gap: 2 s before and 2.8 s after it are no 3 s. */
static void a_gap_ends_what_had_lasted(void)
{
    static const uint32_t k_flags[] = {WK_RECORD_FEED_GAP, WK_RECORD_FEED_START};
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(start(5));
        g_more_mv[i] = 60000;
        EXPECT_OK(run_s(2));
        g_flags = k_flags[i];
        EXPECT_OK(window());
        g_flags = 0;
        for (int n = 0; n < 13; n++) {
            EXPECT_OK(window());
        }
        EXPECT(g_panel.closed);
        EXPECT_OK(window());
        EXPECT(!g_panel.closed);

        EXPECT_OK(start(5));
        control()->limiter[0].settings.normal = 1000000;
        g_panel.mdegc = 120000;
        EXPECT_OK(run_s(9));
        g_flags = k_flags[i];
        EXPECT_OK(window());
        g_flags = 0;
        for (int n = 0; n < 48; n++) {
            EXPECT_OK(window());
        }
        EXPECT(g_panel.closed);
        EXPECT_OK(window());
        EXPECT_I64(WK_SUPPLY_OVER_HEAT, control()->reasons);
        EXPECT_OK(run_s(30));
        EXPECT(control()->limiter[0].latch.run_us == 0);
    }
    EXPECT_OK(start(4));
    control()->limiter[0].settings.normal = 1000000;
    control()->limiter[1].settings.normal = 1000000;
    EXPECT_OK(run_s(20));
    g_flags = WK_RECORD_FEED_GAP;
    EXPECT_OK(window());
    EXPECT_I64(SPAN, control()->limiter[0].latch.run_us);
    EXPECT_I64(SPAN, control()->limiter[1].latch.run_us);
    g_flags = 0;
    EXPECT_OK(act(k_supply, 1));
    g_more_ua[0] = 500000;
    EXPECT_OK(run_s(6));
    EXPECT(control()->contact.leak.run_us > 5 * US);
    g_flags = WK_RECORD_FEED_GAP;
    EXPECT_OK(window());
    EXPECT_I64(SPAN, control()->contact.leak.run_us);
}

/* ---- before the first window ------------------------------------------------------------------ */

static void nothing_is_switched_before_the_first_window(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(act(k_supply, 1));
    EXPECT_OK(wk_module_commit(&g_module));
    wk_panel_init(&g_panel); /* somebody closed it by hand meanwhile */
    g_panel.relay[0].on = true;
    g_panel.relay[1].on = true;
    EXPECT_OK(boot());
    EXPECT(!g_panel.relay[0].on);
    EXPECT(!g_panel.relay[1].on);
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_I64(0, g_panel.operations);
    EXPECT(g_panel.closed);
    EXPECT_OK(run_s(1));
    EXPECT(!g_panel.closed);
}

static void the_configuration_gives_rating_voltage_and_defaults(void)
{
    struct wk_module_config config = {0};
    const struct wk_module_ports ports = {.flash = NULL};
    EXPECT_OK(start(4));
    wk_module_supply_start(&g_module, &config, &ports);
    EXPECT_I64(125000000, control()->contact.settings.breaking_ua);
    EXPECT_I64(276000, control()->protection.settings.over_mv);
    EXPECT_I64(253000, control()->protection.settings.restore_mv);
    EXPECT_I64(264500, control()->contact.settings.close_most_mv);
    EXPECT_I64(WK_LIMITER_RELAY_1, control()->limiter[1].settings.over);
    EXPECT_I64(WK_LIMITER_RELAY_1, control()->limiter[1].settings.under);
    EXPECT_I64(WK_LIMITER_SUPPLY, control()->limiter[0].settings.over);
    config.nominal_mv = 1;
    config.maximum_ua = 1;
    wk_module_supply_start(&g_module, &config, &ports);
    EXPECT_I64(1, control()->contact.settings.breaking_ua);
    EXPECT_I64(0, control()->protection.settings.over_mv);
    config.nominal_mv = 120000;
    config.maximum_ua = 200000000;
    config.seed = 77;
    wk_module_supply_start(&g_module, &config, &ports);
    EXPECT_I64(250000000, control()->contact.settings.breaking_ua);
    EXPECT_I64(144000, control()->protection.settings.over_mv);
    EXPECT_I64(77, control()->seed);
}

/* ---- in the store ------------------------------------------------------------------------ */

static void put_u(struct wk_bytes_out *out, uint64_t value, int octets)
{
    for (int i = 0; i < octets; i++) {
        wk_bytes_out_u8(out, (uint8_t)(value >> (8 * i)));
    }
}

static void put_parameters(struct wk_bytes_out *out)
{
    put_u(out, 1, 1);                   /* version */
    put_u(out, 601, 4);                 /* supply: arm_s */
    put_u(out, 1001, 2);                /* delay_most_s */
    put_u(out, 181, 2);                 /* outage_least_s */
    put_u(out, 126000000, 8);           /* contact: breaking_ua */
    put_u(out, 110000, 8);              /* leak_ua */
    put_u(out, 264501, 4);              /* close_most_mv */
    put_u(out, 276001, 4);              /* protection: over_mv */
    put_u(out, 253001, 4);              /* restore_mv */
    put_u(out, 4, 4);                   /* over_s */
    put_u(out, 61, 4);                  /* restore_s */
    put_u(out, 105001, 4);              /* hot_mdegc */
    put_u(out, 85001, 4);               /* cool_mdegc */
    put_u(out, 11, 4);                  /* hot_s */
    put_u(out, 301, 4);                 /* cool_s */
    put_u(out, 5, 1);                   /* reclose: attempts */
    put_u(out, 62, 4);                  /* delay_s */
    put_u(out, 1801, 4);                /* quiet_s */
    for (unsigned i = 0; i < 2; i++) {  /* limiters */
        put_u(out, 1 + i, 1);           /* monitor */
        put_u(out, 2 - i, 1);           /* over */
        put_u(out, 1 + i, 1);           /* under */
        put_u(out, 9000001 + i, 8);     /* normal */
        put_u(out, 2000001 + i, 8);     /* emergency */
        put_u(out, 31 + i, 4);          /* min_over_s */
        put_u(out, 6 + i, 4);           /* min_under_s */
        put_u(out, 513 + i, 2);         /* profile_id */
        put_u(out, 3601 + i, 4);        /* profile_s */
        put_u(out, 1800000001U + i, 8); /* profile_begin_s */
        put_u(out, 2, 1);               /* groups */
        for (unsigned g = 0; g < WK_LIMITER_GROUPS; g++) {
            put_u(out, g < 2 ? 700 + g + i : 0, 2);
        }
    }
}

static void put_relay(struct wk_bytes_out *out, unsigned i)
{
    put_u(out, 1 + i, 1);   /* order */
    put_u(out, 900 + i, 2); /* offset_most_s */
    put_u(out, 3, 1);       /* switches */
    for (unsigned n = 0; n < WK_RELAY_SWITCHES; n++) {
        put_u(out, n < 3 ? 60 * n + 7 + i : 0, 2); /* minute */
        put_u(out, n == 1 ? 1 : 0, 1);             /* on */
    }
    put_u(out, i == 0 ? 2 : 255, 1);           /* switch that was last */
    put_u(out, 1U + i, 1);                     /* 1 scheduled on, 2 waiting */
    put_u(out, UINT64_C(0x0102030405) + i, 8); /* due */
    put_u(out, UINT64_C(0x0A0B0C0D0E) + i, 8); /* back */
}

static void put_response_and_state(struct wk_bytes_out *out)
{
    put_u(out, 4200001, 8); /* floor_mw */
    put_u(out, 0, 8);       /* caps */
    put_u(out, 8000001, 8);
    put_u(out, 6000001, 8);
    put_u(out, 4200002, 8);
    put_u(out, 0, 1); /* masks */
    put_u(out, 1, 1);
    put_u(out, 2, 1);
    put_u(out, 3, 1);
    put_u(out, 17, 2);                     /* offset_most_s */
    put_u(out, 2, 1);                      /* level */
    put_u(out, 3, 1);                      /* ordered */
    put_u(out, 1800000100U, 8);            /* begin */
    put_u(out, 1800000200U, 8);            /* end */
    put_u(out, 2, 1);                      /* control state: ready */
    put_u(out, 6, 1);                      /* control mode */
    put_u(out, 1, 1);                      /* disconnected locally */
    put_u(out, UINT64_C(0x1112131415), 8); /* armed since */
    put_u(out, UINT64_C(0x2122232425), 8); /* delay until */
    put_u(out, 1, 1);                      /* reclosing: waiting */
    put_u(out, 4, 1);                      /* attempts */
    put_u(out, UINT64_C(0x3132333435), 8); /* last trip */
    put_u(out, 0x2A, 1);                   /* latches: L2, heat, limiter 2 */
    put_u(out, 1, 1);                      /* emergency limit told */
}

/* docs/supply.md, "In the store": from these octets come the values, and from the values the
 * octets. */
static void the_value_in_the_store_is_what_the_documentation_says(void)
{
    static uint8_t raw[WK_MODULE_SUPPLY_ROOM];
    static uint8_t again[WK_MODULE_SUPPLY_ROOM];
    EXPECT_OK(start(4));
    const uint32_t crc = wk_module_supply_crc(&g_module);
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    put_parameters(&out);
    put_relay(&out, 0);
    put_relay(&out, 1);
    put_response_and_state(&out);
    EXPECT_OK(out.fault);
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_module_supply_unpack(&g_module, 0, &in));
    EXPECT_I64(0, (int64_t)wk_bytes_in_left(&in));
    const struct wk_rooms *rooms = &g_module.rooms;
    EXPECT_I64(WK_SUPPLY_READY, rooms->supply.state);
    EXPECT_I64(6, rooms->supply.mode);
    EXPECT(rooms->supply.local);
    EXPECT_I64(601, rooms->supply.settings.arm_s);
    EXPECT_I64(126000000, control()->contact.settings.breaking_ua);
    EXPECT_I64(301, control()->protection.settings.cool_s);
    EXPECT_I64(WK_RECLOSE_WAITING, control()->reclose.state);
    EXPECT_I64(4, control()->reclose.attempts);
    EXPECT(!control()->protection.voltage[0].on && control()->protection.voltage[1].on &&
           !control()->protection.voltage[2].on && control()->protection.heat.on);
    EXPECT(!control()->limiter[0].latch.on && control()->limiter[1].latch.on);
    EXPECT_I64(9000002, control()->limiter[1].settings.normal);
    EXPECT(control()->relay[0].scheduled && !control()->relay[0].pending);
    EXPECT(!control()->relay[1].scheduled && control()->relay[1].pending);
    EXPECT(!control()->relay[0].on && !control()->relay[1].on);
    EXPECT_I64(127, control()->relay[1].settings.minute[2] - 1);
    EXPECT_I64(INT64_C(0x0102030406), control()->relay[1].due_us);
    EXPECT_I64(INT64_C(0x0A0B0C0D0E), control()->relay[0].back_us);
    EXPECT_I64(1800000100, control()->response.begin_s);
    EXPECT(control()->emergency);
    struct wk_bytes_out made = wk_bytes_out_of(again, sizeof again);
    wk_module_supply_pack(&g_module, 0, &made);
    EXPECT_OK(made.fault);
    EXPECT_I64((int64_t)out.size, (int64_t)made.size);
    EXPECT_BYTES(raw, again, out.size);
    EXPECT(wk_module_supply_crc(&g_module) != crc);
}

/* The states are the last octets but some: positions counted from the end. */
static void states_that_do_not_exist_are_refused(void)
{
    static const struct {
        size_t from_end;
        uint8_t first_bad;
    } k_bytes[] = {
        {31, WK_SUPPLY_STATE_COUNT}, {30, WK_SUPPLY_MODE_MAX + 1}, {12, WK_RECLOSE_STATES},
        {49, WK_RESPONSE_LEVELS},    {48, WK_RESPONSE_LEVELS},
    };
    static uint8_t raw[WK_MODULE_SUPPLY_ROOM];
    EXPECT_OK(start(4));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    put_parameters(&out);
    put_relay(&out, 0);
    put_relay(&out, 1);
    put_response_and_state(&out);
    for (size_t i = 0; i < sizeof k_bytes / sizeof k_bytes[0]; i++) {
        uint8_t *octet = &raw[out.size - k_bytes[i].from_end];
        const uint8_t was = *octet;
        *octet = k_bytes[i].first_bad;
        struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
        EXPECT_ERR(WK_E_FORMAT, wk_module_supply_unpack(&g_module, 0, &in));
        *octet = (uint8_t)(k_bytes[i].first_bad - 1);
        in = wk_bytes_in_of(raw, out.size);
        EXPECT_OK(wk_module_supply_unpack(&g_module, 0, &in));
        *octet = was;
    }
    uint8_t *slot = &raw[out.size - 113]; /* of relay 2: it has three switches */
    EXPECT_I64(255, *slot);
    *slot = 3;
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_ERR(WK_E_FORMAT, wk_module_supply_unpack(&g_module, 0, &in));
    *slot = 2;
    in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_module_supply_unpack(&g_module, 0, &in));
}

/* ---- a store that fails ------------------------------------------------------------------ */

static wk_err (*g_program)(void *self, uint32_t at, const void *from, uint32_t size);
static int g_fail_after;
static int g_failed;

static wk_err program_or_fail(void *self, uint32_t at, const void *from, uint32_t size)
{
    if (g_fail_after-- == 0) {
        g_failed++;
        return WK_E_IO;
    }
    return g_program(self, at, from, size);
}

/* One minute in which every step of the supply has something to say. */
static wk_err run_eventful(int64_t n)
{
    g_more_mv[0] = n == 50 ? 60000 : g_more_mv[0];
    g_panel.mdegc = n == 60 ? 120000 : g_panel.mdegc;
    control()->limiter[0].settings.normal = 1000000;
    control()->limiter[0].settings.min_over_s = 5;
    control()->relay[0].settings.order = (uint8_t)(n / 40 % 3);
    if (n == 20 || n == 250) {
        wk_panel_press(&g_panel, WK_HAL_BUTTON_DISCONNECT | WK_HAL_BUTTON_RECONNECT);
    }
    return window();
}

static void every_error_of_the_store_is_heard_in_the_window_it_happens(void)
{
    int heard = 0;
    for (int after = 0; after < 400; after += 3) {
        EXPECT_OK(start(6));
        g_program = g_flash.port.program;
        g_flash.port.program = program_or_fail;
        g_fail_after = after;
        g_failed = 0;
        for (int64_t n = 0; n < 300 && g_failed == 0; n++) {
            const wk_err err = run_eventful(n);
            EXPECT((err == WK_OK) == (g_failed == 0));
            heard += err != WK_OK ? 1 : 0;
        }
        g_flash.port.program = g_program;
    }
    EXPECT(heard > 20);
}

WK_TEST_MAIN(T(protection_tells_phases_voltage_and_temperature),
             T(load_limitation_tells_every_step_with_its_count),
             T(buttons_tell_where_the_supply_was_and_why_it_stays),
             T(the_contactor_tells_orders_that_wait_and_currents_that_should_not_flow),
             T(response_relays_and_emergency_limit_tell_what_is_in_force),
             T(each_monitor_sees_its_own_value), T(a_remote_arm_that_expires_tells_so),
             T(the_delay_after_an_outage_is_told_and_only_if_there_is_one),
             T(a_gap_ends_what_had_lasted), T(nothing_is_switched_before_the_first_window),
             T(the_configuration_gives_rating_voltage_and_defaults),
             T(the_value_in_the_store_is_what_the_documentation_says),
             T(states_that_do_not_exist_are_refused),
             T(every_error_of_the_store_is_heard_in_the_window_it_happens))
