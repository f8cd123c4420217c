/* SPDX-License-Identifier: Apache-2.0
 *
 * The rooms that ask the supply to open or close, each alone: expected times are counted here in
 * windows of 200 ms. */
#include "management/contact.h"
#include "management/draw.h"
#include "management/limiter.h"
#include "management/protection.h"
#include "management/reclose.h"
#include "management/relay.h"
#include "management/response.h"
#include "management/supply.h"
#include "tests/wk_test.h"

#define US   INT64_C(1000000)
#define SPAN INT64_C(200000)

/* ---- parameters -------------------------------------------------------------------------- */

static const struct wk_setting_table *const k_tables[] = {
    &wk_contact_table,  &wk_protection_table, &wk_reclose_table, &wk_limiter_table,
    &wk_response_table, &wk_relay_table,      &wk_supply_table};

static void every_parameter_is_refused_just_outside_of_its_range_and_nothing_changes(void)
{
    _Alignas(8) static uint8_t settings[256];
    for (size_t t = 0; t < sizeof k_tables / sizeof k_tables[0]; t++) {
        const struct wk_setting_table *table = k_tables[t];
        memset(settings, 0, sizeof settings);
        for (uint8_t row = 0; row < table->count; row++) {
            const int64_t least = table->rows[row].least;
            const int64_t most = table->rows[row].most;
            EXPECT_OK(wk_setting_put(table, settings, row, most));
            EXPECT_I64(most, wk_setting_get(table, settings, row));
            EXPECT_OK(wk_setting_put(table, settings, row, least));
            EXPECT_ERR(WK_E_RANGE, wk_setting_put(table, settings, row, least - 1));
            EXPECT_ERR(WK_E_RANGE, wk_setting_put(table, settings, row, most + 1));
            EXPECT_ERR(WK_E_RANGE, wk_setting_put(table, settings, row, INT64_MIN));
            EXPECT_ERR(WK_E_RANGE, wk_setting_put(table, settings, row, INT64_MAX));
            EXPECT_I64(least, wk_setting_get(table, settings, row));
        }
    }
}

static void parameters_survive_being_packed(void)
{
    static _Alignas(8) uint8_t before[256];
    static _Alignas(8) uint8_t after[256];
    uint8_t raw[256];
    for (size_t t = 0; t < sizeof k_tables / sizeof k_tables[0]; t++) {
        const struct wk_setting_table *table = k_tables[t];
        memset(before, 0, sizeof before);
        memset(after, 0, sizeof after);
        for (uint8_t row = 0; row < table->count; row++) {
            EXPECT_OK(wk_setting_put(table, before, row, table->rows[row].most));
        }
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        wk_setting_pack(table, before, &out);
        EXPECT_OK(out.fault);
        struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
        wk_setting_unpack(table, after, &in);
        EXPECT_OK(wk_bytes_in_end(&in));
        EXPECT_BYTES(before, after, sizeof before);
    }
}

/* ---- latch ------------------------------------------------------------------------------- */

static void a_condition_counts_after_its_time_without_a_gap_and_ends_after_its_own(void)
{
    static const struct wk_latch_time k_time = {1 * US, 2 * US};
    struct wk_latch latch = {0};
    for (int i = 0; i < 4; i++) {
        EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, true, false, &k_time, SPAN));
    }
    wk_latch_pause(&latch);
    for (int i = 0; i < 4; i++) {
        EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, true, false, &k_time, SPAN));
    }
    EXPECT_I64(WK_LATCH_BEGINS, wk_latch_step(&latch, true, false, &k_time, SPAN));
    for (int i = 0; i < 9; i++) {
        EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, false, true, &k_time, SPAN));
    }
    EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, false, false, &k_time, SPAN));
    for (int i = 0; i < 9; i++) {
        EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, false, true, &k_time, SPAN));
    }
    EXPECT_I64(WK_LATCH_ENDS, wk_latch_step(&latch, false, true, &k_time, SPAN));
    EXPECT_I64(WK_LATCH_STAYS, wk_latch_step(&latch, true, false, &k_time, INT64_MIN));
    EXPECT_I64(WK_LATCH_BEGINS, wk_latch_step(&latch, true, false, &k_time, INT64_MAX));
}

/* ---- contact ----------------------------------------------------------------------------- */

static struct wk_contact g_contact;
static struct wk_contact_input g_input;

static void contact_at(bool closed)
{
    wk_contact_init(&g_contact, 60 * US, 230000);
    g_input = (struct wk_contact_input){.t_us = 1000 * US,
                                        .span_us = SPAN,
                                        .i_ua = 5 * US,
                                        .u_mv = 230000,
                                        .wanted = closed,
                                        .known = true,
                                        .reported = closed};
    (void)wk_contact_step(&g_contact, &g_input);
}

static struct wk_contact_order contact_window(void)
{
    g_input.t_us += SPAN;
    return wk_contact_step(&g_contact, &g_input);
}

static void an_opening_waits_while_the_current_is_above_the_rating(void)
{
    contact_at(true);
    g_input.wanted = false;
    g_input.i_ua = 75 * US + 1; /* rated to break 1.25 Imax = 75 A */
    uint8_t events = 0;
    for (int i = 0; i < 50; i++) {
        const struct wk_contact_order order = contact_window();
        EXPECT_I64(WK_CONTACT_NOTHING, order.action);
        EXPECT_I64(0, order.events);
    }
    for (int i = 0; i < 5000; i++) {
        const struct wk_contact_order order = contact_window();
        EXPECT_I64(WK_CONTACT_NOTHING, order.action);
        EXPECT((events & order.events) == 0); /* told once */
        events |= order.events;
    }
    EXPECT_I64(WK_CONTACT_OPENING_HELD, events);
    g_input.i_ua = 75 * US;
    g_input.beyond = true; /* clipped: nobody knows how much it is */
    EXPECT_I64(WK_CONTACT_NOTHING, contact_window().action);
    g_input.beyond = false;
    EXPECT_I64(WK_CONTACT_OPEN, contact_window().action);
}

static void a_closing_waits_while_the_voltage_is_too_high(void)
{
    contact_at(false);
    g_input.wanted = true;
    g_input.u_mv = 264501; /* 1.15 Un = 264.5 V */
    uint8_t events = 0;
    for (int i = 0; i < 60; i++) {
        const struct wk_contact_order order = contact_window();
        EXPECT_I64(WK_CONTACT_NOTHING, order.action);
        events |= order.events;
    }
    EXPECT_I64(WK_CONTACT_CLOSING_HELD, events);
    g_input.u_mv = 264500;
    EXPECT_I64(WK_CONTACT_CLOSE, contact_window().action);
}

static void a_welded_contact_is_told_three_times_then_once_an_hour(void)
{
    contact_at(true);
    g_input.wanted = false;
    int orders = 0;
    uint8_t events = 0;
    for (int i = 0; i < 100; i++) {
        const struct wk_contact_order order = contact_window();
        orders += order.action == WK_CONTACT_OPEN ? 1 : 0;
        events |= order.events;
    }
    EXPECT_I64(3, orders);
    EXPECT_I64(WK_CONTACT_WELDED, events);
    EXPECT_I64(WK_CONTACT_FAILED, g_contact.phase);
    events = 0;
    for (int i = 0; i < 10 * 3600 * 5; i++) {
        const struct wk_contact_order order = contact_window();
        orders += order.action == WK_CONTACT_OPEN ? 1 : 0;
        events |= order.events;
    }
    EXPECT(orders >= 3 + 9 && orders <= 3 + 10);
    EXPECT_I64(0, events); /* known already */
    g_input.reported = false;
    EXPECT_I64(WK_CONTACT_FOLLOWS, contact_window().events);
}

static void a_contact_that_does_not_close_is_told(void)
{
    contact_at(false);
    g_input.wanted = true;
    uint8_t events = 0;
    for (int i = 0; i < 100; i++) {
        events |= contact_window().events;
    }
    EXPECT_I64(WK_CONTACT_NOT_CLOSING, events);
}

static void current_through_the_open_contact_is_told_after_ten_seconds(void)
{
    contact_at(true);
    g_input.wanted = false;
    EXPECT_I64(WK_CONTACT_OPEN, contact_window().action);
    g_input.reported = false;
    int windows = 0;
    while (contact_window().events == 0 && windows < 1000) {
        windows++;
    }
    EXPECT_I64(49, windows); /* 50 windows of 200 ms are 10 s */
    g_input.i_ua = 0;
    windows = 0;
    while (contact_window().events != WK_CONTACT_LEAK_END && windows < 1000) {
        windows++;
    }
    EXPECT_I64(49, windows);
}

static void a_contactor_without_auxiliary_contact_is_believed(void)
{
    contact_at(true);
    g_input.known = false;
    (void)contact_window(); /* where it is nobody knows: it is told once */
    g_input.wanted = false;
    EXPECT_I64(WK_CONTACT_OPEN, contact_window().action);
    for (int i = 0; i < 100; i++) {
        EXPECT_I64(WK_CONTACT_NOTHING, contact_window().action);
    }
    EXPECT_I64(WK_CONTACT_RESTING, g_contact.phase);
}

/* ---- protection -------------------------------------------------------------------------- */

static void over_voltage_trips_after_three_seconds_and_ends_a_minute_below(void)
{
    struct wk_protection protection;
    struct wk_protection_input input = {.span_us = SPAN, .phases = 3};
    wk_protection_init(&protection, 230000);
    for (uint8_t phase = 0; phase < 3; phase++) {
        input.u_mv[0] = input.u_mv[1] = input.u_mv[2] = 230000;
        input.u_mv[phase] = 276001; /* 1.2 Un = 276 V */
        for (int i = 0; i < 14; i++) {
            EXPECT_I64(0, wk_protection_step(&protection, &input).begins);
        }
        EXPECT_I64(1 << phase, wk_protection_step(&protection, &input).begins);
        EXPECT(wk_protection_over_voltage(&protection));
        input.u_mv[phase] = 253000; /* not below 1.1 Un */
        for (int i = 0; i < 1000; i++) {
            EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
        }
        input.u_mv[phase] = 252999;
        for (int i = 0; i < 299; i++) {
            EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
        }
        EXPECT_I64(1 << phase, wk_protection_step(&protection, &input).ends);
        EXPECT(!wk_protection_over_voltage(&protection));
    }
}

static void heat_trips_and_a_lost_thermometer_neither_trips_nor_restores(void)
{
    struct wk_protection protection;
    struct wk_protection_input input = {
        .span_us = SPAN, .phases = 1, .thermometer = true, .mdegc = 105001};
    wk_protection_init(&protection, 230000);
    for (int i = 0; i < 49; i++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).begins);
    }
    EXPECT_I64(WK_PROTECTION_HEAT, wk_protection_step(&protection, &input).begins);
    input.thermometer = false;
    input.mdegc = 20000;
    for (int i = 0; i < 3000; i++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    input.thermometer = true;
    for (int i = 0; i < 1499; i++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    EXPECT_I64(WK_PROTECTION_HEAT, wk_protection_step(&protection, &input).ends);
}

static void a_threshold_of_zero_turns_a_protection_off_and_ends_what_stands(void)
{
    struct wk_protection protection;
    struct wk_protection_input input = {
        .span_us = SPAN, .phases = 1, .u_mv = {300000}, .thermometer = true, .mdegc = 150000};
    wk_protection_init(&protection, 230000);
    for (int i = 0; i < 60; i++) {
        (void)wk_protection_step(&protection, &input);
    }
    EXPECT(wk_protection_over_voltage(&protection) && wk_protection_over_heat(&protection));
    struct wk_protection_settings settings = protection.settings;
    settings.over_mv = 0;
    settings.hot_mdegc = 0;
    EXPECT_OK(wk_protection_set(&protection, &settings));
    uint8_t ends = 0;
    for (int i = 0; i < 1600; i++) {
        const struct wk_protection_edges edges = wk_protection_step(&protection, &input);
        EXPECT_I64(0, edges.begins);
        ends |= edges.ends;
    }
    EXPECT_I64(WK_PROTECTION_HEAT | 1, ends);
}

static void a_restore_value_above_the_trip_value_is_refused(void)
{
    struct wk_protection protection;
    wk_protection_init(&protection, 230000);
    const struct wk_protection before = protection;
    struct wk_protection_settings settings = protection.settings;
    settings.restore_mv = settings.over_mv;
    EXPECT_ERR(WK_E_RANGE, wk_protection_set(&protection, &settings));
    settings = protection.settings;
    settings.cool_mdegc = settings.hot_mdegc + 1;
    EXPECT_ERR(WK_E_RANGE, wk_protection_set(&protection, &settings));
    EXPECT_BYTES(&before, &protection, sizeof before);
}

/* ---- limiter ----------------------------------------------------------------------------- */

static int windows_until(struct wk_limiter *limiter, struct wk_limiter_input input,
                         wk_latch_edge edge)
{
    for (int i = 1; i < 100000; i++) {
        if (wk_limiter_step(limiter, &input) == edge) {
            return i;
        }
    }
    return -1;
}

static void the_limiter_waits_for_both_durations(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    limiter.settings.normal = 9000000;
    struct wk_limiter_input input = {.value = 9000000, .span_us = SPAN};
    EXPECT_I64(-1, windows_until(&limiter, input, WK_LATCH_BEGINS)); /* at it is not over it */
    input.value++;
    EXPECT_I64(150, windows_until(&limiter, input, WK_LATCH_BEGINS)); /* 30 s */
    input.value--;
    EXPECT_I64(25, windows_until(&limiter, input, WK_LATCH_ENDS)); /* 5 s */
}

static void the_emergency_profile_needs_its_group_and_ends_after_its_duration(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    struct wk_limiter_settings settings = limiter.settings;
    settings.normal = 9000000;
    settings.emergency = 2000000;
    settings.profile_id = 17;
    settings.profile_begin_s = 1000;
    settings.profile_s = 600;
    EXPECT_OK(wk_limiter_set(&limiter, &settings));
    struct wk_limiter_input input = {.value = 0, .span_us = SPAN, .utc_s = 1000};
    (void)wk_limiter_step(&limiter, &input);
    EXPECT_I64(9000000, limiter.active); /* in no group */
    settings.groups = 2;
    settings.group[1] = 17;
    EXPECT_OK(wk_limiter_set(&limiter, &settings));
    static const struct {
        int64_t utc_s;
        int64_t active;
    } k_rows[] = {{INT64_MIN / 2, 9000000}, {999, 9000000},  {1000, 2000000},
                  {1599, 2000000},          {1600, 9000000}, {INT64_MAX / 2, 9000000}};
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        input.utc_s = k_rows[i].utc_s;
        (void)wk_limiter_step(&limiter, &input);
        EXPECT_I64(k_rows[i].active, limiter.active);
        EXPECT(limiter.emergency == (k_rows[i].active == 2000000));
    }
}

static void a_cap_lowers_the_threshold_and_none_of_both_is_no_limit(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    struct wk_limiter_input input = {.value = INT64_MAX, .span_us = SPAN};
    EXPECT_I64(-1, windows_until(&limiter, input, WK_LATCH_BEGINS));
    input.cap = 4200000;
    EXPECT_I64(150, windows_until(&limiter, input, WK_LATCH_BEGINS));
    limiter.settings.normal = 3000000;
    (void)wk_limiter_step(&limiter, &input);
    EXPECT_I64(3000000, limiter.active);
}

static void a_limiter_with_contradictory_actions_is_refused(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    struct wk_limiter_settings settings = limiter.settings;
    settings.under = WK_LIMITER_RELAY_1;
    EXPECT_ERR(WK_E_RANGE, wk_limiter_set(&limiter, &settings));
    EXPECT_I64(WK_LIMITER_SUPPLY, limiter.settings.under);
}

/* ---- reclose ----------------------------------------------------------------------------- */

static void after_its_attempts_the_supply_is_locked_out_until_a_release(void)
{
    struct wk_reclose reclose;
    wk_reclose_init(&reclose);
    int64_t t_us = 100 * US;
    for (int attempt = 1; attempt <= 3; attempt++) {
        EXPECT_I64(WK_RECLOSE_TRIPPED, wk_reclose_step(&reclose, t_us, WK_RECLOSE_TRIP, true));
        EXPECT_I64(WK_RECLOSE_NOTHING,
                   wk_reclose_step(&reclose, t_us + 60 * US - 1, WK_RECLOSE_NO_TRIP, false));
        EXPECT_I64(WK_RECLOSE_NOTHING,
                   wk_reclose_step(&reclose, t_us + 60 * US, WK_RECLOSE_NO_TRIP, true));
        EXPECT_I64(WK_RECLOSE_ATTEMPTS,
                   wk_reclose_step(&reclose, t_us + 61 * US, WK_RECLOSE_NO_TRIP, false));
        EXPECT_I64(attempt, reclose.attempts);
        t_us += 90 * US;
    }
    EXPECT_I64(WK_RECLOSE_LOCKS_OUT, wk_reclose_step(&reclose, t_us, WK_RECLOSE_TRIP, true));
    for (int64_t day = 1; day < 400; day++) {
        EXPECT_I64(WK_RECLOSE_NOTHING, wk_reclose_step(&reclose, t_us + day * 86400 * US,
                                                       WK_RECLOSE_NO_TRIP, false));
    }
    EXPECT_I64(WK_RECLOSE_LOCKED, reclose.state);
    EXPECT(wk_reclose_release(&reclose));
    EXPECT_I64(0, reclose.attempts);
    EXPECT(!wk_reclose_release(&reclose));
}

static void a_quiet_time_counts_the_attempts_anew(void)
{
    struct wk_reclose reclose;
    wk_reclose_init(&reclose);
    (void)wk_reclose_step(&reclose, 100 * US, WK_RECLOSE_TRIP, true);
    (void)wk_reclose_step(&reclose, 161 * US, WK_RECLOSE_NO_TRIP, false);
    (void)wk_reclose_step(&reclose, 1899 * US, WK_RECLOSE_NO_TRIP, false);
    EXPECT_I64(1, reclose.attempts);
    (void)wk_reclose_step(&reclose, 1900 * US, WK_RECLOSE_NO_TRIP, false);
    EXPECT_I64(0, reclose.attempts);
}

static void a_limit_without_a_way_back_locks_out_at_once(void)
{
    struct wk_reclose reclose;
    wk_reclose_init(&reclose);
    EXPECT_I64(WK_RECLOSE_LOCKS_OUT, wk_reclose_step(&reclose, US, WK_RECLOSE_LAST_TRIP, true));
}

/* ---- relay ------------------------------------------------------------------------------- */

static int64_t switched_after_s(struct wk_relay *relay, struct wk_relay_input input)
{
    for (int64_t s = 0; s < 4000; s++) {
        if (wk_relay_step(relay, &input)) {
            return s;
        }
        input.t_us += US;
        input.random = wk_draw(77, input.t_us, 3);
    }
    return -1;
}

static void an_output_of_the_calendar_switches_a_relay_late_by_its_offset(void)
{
    struct wk_relay relay;
    wk_relay_init(&relay);
    relay.settings.offset_most_s = 100;
    struct wk_relay_input input = {.t_us = US, .random = 30};
    EXPECT(!wk_relay_step(&relay, &input));
    input.t_us += 40 * US; /* nothing is said: off, once that is known */
    EXPECT(!wk_relay_step(&relay, &input) && !relay.on);
    input.calendar = true;
    EXPECT(!wk_relay_step(&relay, &input));
    input.t_us += 30 * US;
    EXPECT(wk_relay_step(&relay, &input) && relay.on);
    input.off = WK_RELAY_LIMITER;
    EXPECT(wk_relay_step(&relay, &input) && !relay.on);
    input.off = 0;
    input.calendar = false;
    input.t_us += 200 * US;
    EXPECT(!wk_relay_step(&relay, &input));
    input.t_us += 200 * US;
    EXPECT(!wk_relay_step(&relay, &input) && !relay.on);
}

static void each_switch_of_the_schedule_has_an_offset_of_its_own(void)
{
    enum { DRAWS = 4000, BINS = 18 };
    int bins[BINS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        struct wk_relay relay;
        wk_relay_init(&relay);
        relay.settings.switches = 1;
        relay.settings.on[0] = 1;
        relay.settings.minute[0] = 600;
        const struct wk_relay_input input = {
            .t_us = i * 1000 * US, .minute = 600, .random = wk_draw(12345, i, 2)};
        const int64_t offset_s = switched_after_s(&relay, input);
        EXPECT(offset_s >= 0 && offset_s <= 1799);
        bins[offset_s / 100]++;
    }
    float chi = 0;
    const float mean = (float)DRAWS / BINS;
    for (int i = 0; i < BINS; i++) {
        chi += ((float)bins[i] - mean) * ((float)bins[i] - mean) / mean;
    }
    WK_TEST_FIGURE("relay offset chi square, 17 degrees of freedom", chi, "", "<= 40.8",
                   chi <= 40.8F, 12345);
    EXPECT(chi <= 40.8F); /* 0.1 % */
}

static void a_schedule_goes_over_midnight_and_reasons_act_at_once(void)
{
    struct wk_relay relay;
    wk_relay_init(&relay);
    struct wk_relay_settings settings = {
        .switches = 2, .on = {0, 1}, .minute = {360, 1320}, .offset_most_s = 0};
    EXPECT_OK(wk_relay_set(&relay, &settings));
    struct wk_relay_input input = {.t_us = US, .minute = 0};
    EXPECT(wk_relay_step(&relay, &input)); /* on since yesterday 22:00 */
    EXPECT(relay.on);
    input.off = WK_RELAY_LIMITER | WK_RELAY_RESPONSE;
    EXPECT(wk_relay_step(&relay, &input));
    input.off = WK_RELAY_RESPONSE;
    EXPECT(!wk_relay_step(&relay, &input)); /* one reason is left */
    input.off = 0;
    EXPECT(wk_relay_step(&relay, &input));
    input.minute = 360;
    EXPECT(wk_relay_step(&relay, &input));
    EXPECT(!relay.on);
    settings.order = WK_RELAY_ON;
    EXPECT_OK(wk_relay_set(&relay, &settings));
    EXPECT(wk_relay_step(&relay, &input));
    settings.minute[1] = 360;
    EXPECT_ERR(WK_E_RANGE, wk_relay_set(&relay, &settings));
}

/* ---- response ---------------------------------------------------------------------------- */

static void a_controllable_consumer_never_gets_less_than_4200_watts(void)
{
    struct wk_response response;
    wk_response_init(&response);
    for (int level = 1; level < WK_RESPONSE_LEVELS; level++) {
        struct wk_response_settings settings = response.settings;
        settings.cap_mw[level] = 4199999;
        EXPECT_ERR(WK_E_RANGE, wk_response_set(&response, &settings));
        settings.cap_mw[level] = 1;
        EXPECT_ERR(WK_E_RANGE, wk_response_set(&response, &settings));
        settings.cap_mw[level] = 4200000;
        EXPECT_OK(wk_response_set(&response, &settings));
    }
    struct wk_response_order order = {.duration_s = 3600};
    for (uint8_t level = 1; level < WK_RESPONSE_LEVELS; level++) {
        order.level = level;
        EXPECT_OK(wk_response_take(&response, &order, 5000, 0));
        (void)wk_response_step(&response, 5000);
        EXPECT(wk_response_cap_mw(&response) >= 4200000);
    }
}

static void a_level_begins_late_by_its_offset_and_ends_by_itself(void)
{
    struct wk_response response;
    wk_response_init(&response);
    response.settings.offset_most_s = 1799;
    const struct wk_response_order order = {
        .level = WK_RESPONSE_LOWEST, .begin_s = 10000, .duration_s = 900};
    EXPECT_OK(wk_response_take(&response, &order, 9000, 1800 * 7 + 300));
    EXPECT(!wk_response_step(&response, 10299));
    EXPECT_I64(0, wk_response_cap_mw(&response));
    EXPECT(wk_response_step(&response, 10300));
    EXPECT_I64(4200000, wk_response_cap_mw(&response));
    EXPECT_I64(1, wk_response_relays_off(&response));
    EXPECT(!wk_response_step(&response, 11199));
    EXPECT(wk_response_step(&response, 11200));
    EXPECT_I64(WK_RESPONSE_NORMAL, response.level);
}

static void normal_ends_an_order_and_a_clock_far_back_loses_it(void)
{
    struct wk_response response;
    wk_response_init(&response);
    response.settings.offset_most_s = 1799;
    struct wk_response_order order = {.level = WK_RESPONSE_REDUCE, .duration_s = 86400};
    EXPECT_OK(wk_response_take(&response, &order, 1000000, 0));
    EXPECT(wk_response_step(&response, 1000000));
    EXPECT_I64(8000000, wk_response_cap_mw(&response));
    order.level = WK_RESPONSE_NORMAL;
    EXPECT_OK(wk_response_take(&response, &order, 1000010, 1234));
    EXPECT(wk_response_step(&response, 1000010)); /* at once: no offset */
    EXPECT_I64(0, wk_response_cap_mw(&response));
    order.level = WK_RESPONSE_CRITICAL;
    EXPECT_OK(wk_response_take(&response, &order, 1000020, 0));
    EXPECT(wk_response_step(&response, 1000020));
    EXPECT(wk_response_step(&response, 1000020 - 3 * 86400)); /* the clock was set back */
    EXPECT(!wk_response_step(&response, 1000021));
    EXPECT_I64(WK_RESPONSE_NORMAL, response.level);
}

static void orders_out_of_range_change_nothing(void)
{
    static const struct wk_response_order k_bad[] = {
        {WK_RESPONSE_LEVELS, 0, 60},     {255, 0, 60},
        {WK_RESPONSE_REDUCE, 0, 0},      {WK_RESPONSE_REDUCE, 0, -1},
        {WK_RESPONSE_REDUCE, 0, 86401},  {WK_RESPONSE_REDUCE, 0, INT64_MAX},
        {WK_RESPONSE_REDUCE, 86402, 60}, {WK_RESPONSE_REDUCE, INT64_MAX, 60},
    };
    struct wk_response response;
    wk_response_init(&response);
    const struct wk_response before = response;
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_response_take(&response, &k_bad[i], 1, 0));
        EXPECT_BYTES(&before, &response, sizeof before);
    }
}

WK_TEST_MAIN(T(an_output_of_the_calendar_switches_a_relay_late_by_its_offset),
             T(every_parameter_is_refused_just_outside_of_its_range_and_nothing_changes),
             T(parameters_survive_being_packed),
             T(a_condition_counts_after_its_time_without_a_gap_and_ends_after_its_own),
             T(an_opening_waits_while_the_current_is_above_the_rating),
             T(a_closing_waits_while_the_voltage_is_too_high),
             T(a_welded_contact_is_told_three_times_then_once_an_hour),
             T(a_contact_that_does_not_close_is_told),
             T(current_through_the_open_contact_is_told_after_ten_seconds),
             T(a_contactor_without_auxiliary_contact_is_believed),
             T(over_voltage_trips_after_three_seconds_and_ends_a_minute_below),
             T(heat_trips_and_a_lost_thermometer_neither_trips_nor_restores),
             T(a_threshold_of_zero_turns_a_protection_off_and_ends_what_stands),
             T(a_restore_value_above_the_trip_value_is_refused),
             T(the_limiter_waits_for_both_durations),
             T(the_emergency_profile_needs_its_group_and_ends_after_its_duration),
             T(a_cap_lowers_the_threshold_and_none_of_both_is_no_limit),
             T(a_limiter_with_contradictory_actions_is_refused),
             T(after_its_attempts_the_supply_is_locked_out_until_a_release),
             T(a_quiet_time_counts_the_attempts_anew),
             T(a_limit_without_a_way_back_locks_out_at_once),
             T(each_switch_of_the_schedule_has_an_offset_of_its_own),
             T(a_schedule_goes_over_midnight_and_reasons_act_at_once),
             T(a_controllable_consumer_never_gets_less_than_4200_watts),
             T(a_level_begins_late_by_its_offset_and_ends_by_itself),
             T(normal_ends_an_order_and_a_clock_far_back_loses_it),
             T(orders_out_of_range_change_nothing))
