/* SPDX-License-Identifier: Apache-2.0
 *
 * The edges of the rooms that ask the supply to open or close: the ranges that docs/supply.md
 * promises, and what happens exactly at a threshold, a duration and a count. */
#include "management/contact.h"
#include "management/limiter.h"
#include "management/protection.h"
#include "management/reclose.h"
#include "management/relay.h"
#include "management/response.h"
#include "management/supply.h"
#include "tests/wk_test.h"

#define US   INT64_C(1000000)
#define SPAN INT64_C(200000)

/* ---- ranges ------------------------------------------------------------------------------ */

struct range {
    const struct wk_setting_table *table;
    uint8_t row;
    int64_t least;
    int64_t most;
};

static void parameters_have_the_ranges_that_are_documented(void)
{
    static const struct range k_ranges[] = {
        {&wk_supply_table, 0, 0, 31536000},
        {&wk_supply_table, 1, 0, 1799},
        {&wk_supply_table, 2, 0, 65535},
        {&wk_contact_table, 0, 1000000, INT64_C(10000000000)},
        {&wk_contact_table, 1, 10000, 100000000},
        {&wk_contact_table, 2, 50000, 1000000},
        {&wk_protection_table, 0, 0, 1000000},
        {&wk_protection_table, 1, 0, 1000000},
        {&wk_protection_table, 2, 0, 86400},
        {&wk_protection_table, 3, 1, 86400},
        {&wk_protection_table, 4, 0, 200000},
        {&wk_protection_table, 5, 0, 200000},
        {&wk_protection_table, 6, 0, 86400},
        {&wk_protection_table, 7, 1, 86400},
        {&wk_reclose_table, 0, 0, 20},
        {&wk_reclose_table, 1, 5, 86400},
        {&wk_reclose_table, 2, 60, 604800},
        {&wk_limiter_table, 3, 0, INT64_C(1000000000000)},
        {&wk_limiter_table, 5, 0, 604800},
        {&wk_limiter_table, 6, 0, 604800},
        {&wk_relay_table, 1, 0, 1799},
        {&wk_relay_table, 3, 0, 1439},
        {&wk_response_table, 0, 0, INT64_C(1000000000000)},
        {&wk_response_table, 2, 0, INT64_C(1000000000000)},
        {&wk_response_table, 9, 0, 1799},
    };
    for (size_t i = 0; i < sizeof k_ranges / sizeof k_ranges[0]; i++) {
        EXPECT_I64(k_ranges[i].least, k_ranges[i].table->rows[k_ranges[i].row].least);
        EXPECT_I64(k_ranges[i].most, k_ranges[i].table->rows[k_ranges[i].row].most);
    }
}

/* Parameters are taken as a whole, or refused as a whole. */
static void each_room_takes_good_parameters_and_refuses_bad_ones(void)
{
    struct wk_supply supply;
    struct wk_contact contact;
    struct wk_protection protection;
    struct wk_reclose reclose;
    struct wk_relay relay;
    struct wk_limiter limiter;
    struct wk_response response;
    wk_supply_init(&supply, 0);
    wk_contact_init(&contact, 100 * US, 230000);
    wk_protection_init(&protection, 230000);
    wk_reclose_init(&reclose);
    wk_relay_init(&relay);
    wk_limiter_init(&limiter);
    wk_response_init(&response);
    struct wk_supply_settings of_supply = {.arm_s = 5, .delay_most_s = 1799};
    EXPECT_OK(wk_supply_set(&supply, &of_supply));
    of_supply.delay_most_s = 1800;
    EXPECT_ERR(WK_E_RANGE, wk_supply_set(&supply, &of_supply));
    EXPECT_I64(1799, supply.settings.delay_most_s);
    EXPECT_I64(0, supply.settings.outage_least_s);
    struct wk_contact_settings of_contact = {90 * US, 20000, 270000};
    EXPECT_OK(wk_contact_set(&contact, &of_contact));
    of_contact.leak_ua = 9999;
    EXPECT_ERR(WK_E_RANGE, wk_contact_set(&contact, &of_contact));
    EXPECT_I64(20000, contact.settings.leak_ua);
    struct wk_protection_settings of_protection = protection.settings;
    of_protection.over_s = 7;
    EXPECT_OK(wk_protection_set(&protection, &of_protection));
    of_protection.cool_s = 0;
    EXPECT_ERR(WK_E_RANGE, wk_protection_set(&protection, &of_protection));
    EXPECT_I64(7, protection.settings.over_s);
    EXPECT_I64(300, protection.settings.cool_s);
    struct wk_reclose_settings of_reclose = {5, 10, 100};
    EXPECT_OK(wk_reclose_set(&reclose, &of_reclose));
    of_reclose.delay_s = 4;
    EXPECT_ERR(WK_E_RANGE, wk_reclose_set(&reclose, &of_reclose));
    EXPECT_I64(10, reclose.settings.delay_s);
    struct wk_relay_settings of_relay = {.order = WK_RELAY_OFF, .switches = 1, .on = {1}};
    EXPECT_OK(wk_relay_set(&relay, &of_relay));
    of_relay.minute[0] = 1440;
    EXPECT_ERR(WK_E_RANGE, wk_relay_set(&relay, &of_relay));
    EXPECT_I64(0, relay.settings.minute[0]);
    EXPECT_I64(1, relay.settings.switches);
    struct wk_limiter_settings of_limiter = limiter.settings;
    of_limiter.normal = 77;
    EXPECT_OK(wk_limiter_set(&limiter, &of_limiter));
    of_limiter.min_over_s = 604801;
    EXPECT_ERR(WK_E_RANGE, wk_limiter_set(&limiter, &of_limiter));
    EXPECT_I64(77, limiter.settings.normal);
    EXPECT_I64(30, limiter.settings.min_over_s);
    struct wk_response_settings of_response = response.settings;
    of_response.offset_most_s = 9;
    EXPECT_OK(wk_response_set(&response, &of_response));
    of_response.offset_most_s = 1800;
    EXPECT_ERR(WK_E_RANGE, wk_response_set(&response, &of_response));
    EXPECT_I64(9, response.settings.offset_most_s);
    of_response = response.settings;
    of_response.cap_mw[WK_RESPONSE_REDUCE] = of_response.floor_mw; /* just allowed */
    EXPECT_OK(wk_response_set(&response, &of_response));
    of_response.cap_mw[WK_RESPONSE_REDUCE] = of_response.floor_mw - 1;
    EXPECT_ERR(WK_E_RANGE, wk_response_set(&response, &of_response));
    of_response.cap_mw[WK_RESPONSE_REDUCE] = 0; /* no cap */
    EXPECT_OK(wk_response_set(&response, &of_response));
}

/* ---- the supply -------------------------------------------------------------------------- */

static void a_mode_that_does_not_exist_is_refused_and_starts_as_none(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 6);
    EXPECT_I64(6, supply.mode);
    EXPECT_I64(180, supply.settings.outage_least_s);
    wk_supply_init(&supply, 7);
    EXPECT_I64(0, supply.mode);
    EXPECT_OK(wk_supply_set_mode(&supply, 6));
    EXPECT_I64(6, supply.mode);
    EXPECT_ERR(WK_E_RANGE, wk_supply_set_mode(&supply, 7));
    EXPECT_I64(6, supply.mode);
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 0));
    EXPECT_ERR(WK_E_STATE, wk_supply_set_mode(&supply, 0));
    EXPECT_OK(wk_supply_set_mode(&supply, 5)); /* any other, connected or not */
    EXPECT_I64(5, supply.mode);
    EXPECT_ERR(WK_E_STATE, wk_supply_command_do(&supply, WK_SUPPLY_COMMAND_COUNT, 0));
    wk_supply_init(&supply, 5);
    EXPECT_OK(wk_supply_set_mode(&supply, 0));
}

static void an_arm_expires_after_its_seconds_and_never_if_there_are_none(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 6);
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 10 * US));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_RECONNECT, 10 * US));
    EXPECT_I64(WK_SUPPLY_READY, supply.state);
    EXPECT(!wk_supply_arm_expired(&supply, INT64_MAX));
    supply.settings.arm_s = 1;
    EXPECT(!wk_supply_arm_expired(&supply, 11 * US - 1));
    EXPECT(wk_supply_arm_expired(&supply, 11 * US));
}

/* A draw of r among n + 1 possible delays is r modulo n + 1 seconds. */
static void the_delay_after_an_outage_is_drawn_from_all_its_seconds(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 5);
    wk_supply_outage(&supply, 100 * US, 3600 * US, 4000000007U);
    EXPECT_I64(0, supply.delay_until_us); /* none is configured */
    supply.settings.delay_most_s = 1;
    wk_supply_outage(&supply, 100 * US, 3600 * US, 1);
    EXPECT_I64(101 * US, supply.delay_until_us);
    wk_supply_outage(&supply, 100 * US, 3600 * US, 2);
    EXPECT_I64(100 * US, supply.delay_until_us);
    supply.settings.delay_most_s = 9;
    for (uint32_t random = 0; random < 30; random++) {
        wk_supply_outage(&supply, 100 * US, 180 * US, random);
        EXPECT_I64((100 + random % 10) * US, supply.delay_until_us);
    }
    EXPECT_I64(WK_SUPPLY_DELAY, wk_supply_delay(&supply, 109 * US - 1));
    EXPECT_I64(0, wk_supply_delay(&supply, 109 * US));
    EXPECT_I64(0, supply.delay_until_us);
    wk_supply_outage(&supply, 100 * US, 180 * US - 1, 5); /* too short an outage */
    EXPECT_I64(0, supply.delay_until_us);
    wk_supply_init(&supply, 4); /* no way back without a hand */
    supply.settings.delay_most_s = 9;
    wk_supply_outage(&supply, 100 * US, 3600 * US, 5);
    EXPECT_I64(0, supply.delay_until_us);
}

/* ---- the contactor ----------------------------------------------------------------------- */

static struct wk_contact g_contact;
static int64_t g_t_us;

static struct wk_contact_order step(struct wk_contact_input input)
{
    g_t_us += SPAN;
    input.t_us = g_t_us;
    input.span_us = SPAN;
    return wk_contact_step(&g_contact, &input);
}

static void contact_begin(void)
{
    g_t_us = 0;
    wk_contact_init(&g_contact, 100 * US, 230000);
    (void)step((struct wk_contact_input){.known = true, .reported = true, .wanted = true});
}

static void at_the_rating_and_the_highest_voltage_it_may_switch(void)
{
    contact_begin();
    struct wk_contact_input input = {.known = true, .reported = true, .i_ua = 125 * US + 1};
    EXPECT_I64(WK_CONTACT_NOTHING, step(input).action);
    EXPECT_I64(WK_CONTACT_HELD, g_contact.phase);
    input.i_ua = 125 * US;
    EXPECT_I64(WK_CONTACT_OPEN, step(input).action);
    input = (struct wk_contact_input){.known = true, .wanted = true, .u_mv = 264501};
    EXPECT_I64(WK_CONTACT_NOTHING, step(input).action);
    input.u_mv = 264500;
    EXPECT_I64(WK_CONTACT_CLOSE, step(input).action);
}

static void an_order_that_waits_is_told_once_after_ten_seconds(void)
{
    contact_begin();
    const struct wk_contact_input blocked = {.known = true, .reported = true, .beyond = true};
    EXPECT_I64(0, step(blocked).events); /* held from here */
    for (int n = 1; n < 50; n++) {
        EXPECT_I64(0, step(blocked).events);
    }
    EXPECT_I64(WK_CONTACT_OPENING_HELD, step(blocked).events);
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(0, step(blocked).events);
    }
    const struct wk_contact_input wanted = {.known = true, .reported = true, .wanted = true};
    (void)step(wanted); /* the order is taken back ... */
    for (int n = 0; n < 50; n++) {
        EXPECT_I64(0, step(blocked).events); /* ... and a new one waits from the beginning */
    }
    EXPECT_I64(WK_CONTACT_OPENING_HELD, step(blocked).events);
}

static void tries_are_counted_per_order(void)
{
    contact_begin();
    const struct wk_contact_input welded = {.known = true, .reported = true};
    const struct wk_contact_input follows = {.known = true};
    const struct wk_contact_input opened = {.known = true, .wanted = true};
    for (int round = 0; round < 3; round++) {
        int orders = 0;
        int events = 0;
        for (int n = 0; n < 300; n++) {
            const struct wk_contact_order order = step(welded);
            orders += order.action != WK_CONTACT_NOTHING ? 1 : 0;
            events |= order.events;
        }
        EXPECT_I64(3, orders);
        EXPECT_I64(WK_CONTACT_WELDED, events);
        EXPECT_I64(WK_CONTACT_FOLLOWS, step(follows).events);
        EXPECT_I64(WK_CONTACT_CLOSE, step(opened).action);
        EXPECT_I64(
            0, step((struct wk_contact_input){.known = true, .reported = true, .wanted = true})
                   .events);
    }
}

static void an_order_is_given_again_two_seconds_later_not_before(void)
{
    contact_begin();
    const struct wk_contact_input welded = {.known = true, .reported = true};
    EXPECT_I64(WK_CONTACT_OPEN, step(welded).action);
    for (int n = 1; n < 10; n++) {
        EXPECT_I64(WK_CONTACT_NOTHING, step(welded).action);
    }
    EXPECT_I64(WK_CONTACT_OPEN, step(welded).action);
    EXPECT_I64(2, g_contact.operations);
}

static void without_an_auxiliary_contact_it_is_told_once(void)
{
    g_t_us = 0;
    wk_contact_init(&g_contact, 100 * US, 230000);
    const struct wk_contact_input closed = {.wanted = true};
    EXPECT_I64(WK_CONTACT_CLOSE, step(closed).action); /* where it stands is not known */
    EXPECT_I64(1, g_contact.operations);
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(WK_CONTACT_NOTHING, step(closed).action);
    }
    EXPECT_I64(WK_CONTACT_OPEN, step((struct wk_contact_input){0}).action);
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(WK_CONTACT_NOTHING, step((struct wk_contact_input){0}).action);
    }
    EXPECT_I64(2, g_contact.operations);
}

static void a_leak_begins_above_its_threshold_and_ends_at_half(void)
{
    contact_begin();
    struct wk_contact_input open = {.known = true};
    (void)step(open);
    open.i_ua = 100000;
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(0, step(open).events);
    }
    open.i_ua = 100001;
    for (int n = 0; n < 49; n++) {
        EXPECT_I64(0, step(open).events);
    }
    EXPECT_I64(WK_CONTACT_LEAK_BEGIN, step(open).events);
    open.i_ua = 50001;
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(0, step(open).events);
    }
    open.i_ua = 50000;
    for (int n = 0; n < 49; n++) {
        EXPECT_I64(0, step(open).events);
    }
    EXPECT_I64(WK_CONTACT_LEAK_END, step(open).events);
}

/* ---- limiter, protection, reclosing -------------------------------------------------------- */

static void a_limit_of_one_is_a_limit_and_is_not_exceeded_by_itself(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    limiter.settings.min_over_s = 0;
    limiter.settings.min_under_s = 0;
    limiter.settings.normal = 1;
    struct wk_limiter_input input = {.value = 1, .span_us = SPAN};
    EXPECT_I64(WK_LATCH_STAYS, wk_limiter_step(&limiter, &input));
    input.value = 2;
    EXPECT_I64(WK_LATCH_BEGINS, wk_limiter_step(&limiter, &input));
    input.value = 1;
    EXPECT_I64(WK_LATCH_ENDS, wk_limiter_step(&limiter, &input));
    limiter.settings.normal = 0;
    input = (struct wk_limiter_input){.value = 2, .cap = 1, .span_us = SPAN};
    EXPECT_I64(WK_LATCH_BEGINS, wk_limiter_step(&limiter, &input));
    EXPECT_I64(1, limiter.active);
}

static void the_emergency_profile_runs_from_its_begin_and_only_for_listed_groups(void)
{
    struct wk_limiter limiter;
    wk_limiter_init(&limiter);
    limiter.settings.normal = 10;
    limiter.settings.emergency = 5;
    limiter.settings.profile_id = 3;
    limiter.settings.group[0] = 9;
    limiter.settings.group[1] = 3;
    limiter.settings.profile_begin_s = 1000;
    limiter.settings.profile_s = 2;
    static const int64_t k_expected[3][4] = {
        {10, 10, 10, 10}, {10, 10, 10, 10}, {10, 5, 5, 10}};
    for (uint8_t groups = 0; groups < 3; groups++) {
        limiter.settings.groups = groups;
        for (int s = 0; s < 4; s++) {
            const struct wk_limiter_input input = {.utc_s = 999 + s, .span_us = SPAN};
            EXPECT_I64(WK_LATCH_STAYS, wk_limiter_step(&limiter, &input));
            EXPECT_I64(k_expected[groups][s], limiter.active);
        }
    }
}

static void protection_trips_above_and_restores_below_its_thresholds(void)
{
    struct wk_protection protection;
    wk_protection_init(&protection, 230000);
    struct wk_protection_input input = {
        .span_us = SPAN, .u_mv = {0, 0, 276000}, .phases = 3, .mdegc = 105000};
    input.thermometer = true;
    for (int n = 0; n < 100; n++) {
        const struct wk_protection_edges edges = wk_protection_step(&protection, &input);
        EXPECT_I64(0, edges.begins + edges.ends);
    }
    input.u_mv[2] = 276001;
    for (int n = 0; n < 14; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).begins);
    }
    EXPECT_I64(4, wk_protection_step(&protection, &input).begins);
    EXPECT(wk_protection_over_voltage(&protection));
    input.u_mv[2] = 253000;
    for (int n = 0; n < 400; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    input.u_mv[2] = 252999;
    for (int n = 0; n < 299; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    EXPECT_I64(4, wk_protection_step(&protection, &input).ends);
    input.mdegc = 105001;
    for (int n = 0; n < 49; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).begins);
    }
    EXPECT_I64(WK_PROTECTION_HEAT, wk_protection_step(&protection, &input).begins);
    input.mdegc = 85000;
    for (int n = 0; n < 1600; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    input.mdegc = 84999;
    for (int n = 0; n < 1499; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).ends);
    }
    EXPECT_I64(WK_PROTECTION_HEAT, wk_protection_step(&protection, &input).ends);
    input.phases = 2; /* the third is not there */
    input.u_mv[2] = 400000;
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(0, wk_protection_step(&protection, &input).begins);
    }
}

static void an_attempt_comes_exactly_after_its_delay_and_quiet_counts_anew(void)
{
    struct wk_reclose reclose;
    wk_reclose_init(&reclose);
    EXPECT_I64(WK_RECLOSE_TRIPPED, wk_reclose_step(&reclose, 5 * US, WK_RECLOSE_TRIP, true));
    EXPECT_I64(WK_RECLOSE_NOTHING,
               wk_reclose_step(&reclose, 65 * US - 1, WK_RECLOSE_NO_TRIP, false));
    EXPECT_I64(WK_RECLOSE_NOTHING,
               wk_reclose_step(&reclose, 65 * US, WK_RECLOSE_NO_TRIP, true)); /* still over */
    EXPECT_I64(WK_RECLOSE_ATTEMPTS,
               wk_reclose_step(&reclose, 65 * US, WK_RECLOSE_NO_TRIP, false));
    EXPECT_I64(1, reclose.attempts);
    EXPECT_I64(WK_RECLOSE_NOTHING,
               wk_reclose_step(&reclose, 1805 * US - 1, WK_RECLOSE_NO_TRIP, false));
    EXPECT_I64(1, reclose.attempts);
    EXPECT_I64(WK_RECLOSE_NOTHING,
               wk_reclose_step(&reclose, 1805 * US, WK_RECLOSE_NO_TRIP, false));
    EXPECT_I64(0, reclose.attempts);
    EXPECT(!wk_reclose_release(&reclose)); /* nothing was held */
    reclose.settings.attempts = 0;
    EXPECT_I64(WK_RECLOSE_LOCKS_OUT,
               wk_reclose_step(&reclose, 1900 * US, WK_RECLOSE_TRIP, true));
    EXPECT(wk_reclose_release(&reclose));
    EXPECT_I64(WK_RECLOSE_IDLE, reclose.state);
}

/* ---- relays and demand response ---------------------------------------------------------------- */

static void a_switch_waits_its_offset_and_is_done_then(void)
{
    struct wk_relay relay;
    wk_relay_init(&relay);
    EXPECT_I64(1799, relay.settings.offset_most_s);
    relay.settings.switches = 2;
    relay.settings.minute[1] = 5;
    relay.settings.on[1] = 1;
    relay.settings.offset_most_s = 9;
    struct wk_relay_input input = {.t_us = 100 * US, .minute = 4, .random = 3};
    EXPECT(!wk_relay_step(&relay, &input)); /* off, due at 103 s */
    EXPECT(relay.pending);
    input.t_us = 103 * US;
    EXPECT(!wk_relay_step(&relay, &input));
    EXPECT(!relay.pending);
    input.minute = 5;
    input.t_us = 110 * US;
    input.random = 19; /* modulo 10: 9 s */
    EXPECT(!wk_relay_step(&relay, &input));
    EXPECT_I64(119 * US, relay.due_us);
    input.t_us = 119 * US - 1;
    EXPECT(!wk_relay_step(&relay, &input));
    input.t_us = 119 * US;
    EXPECT(wk_relay_step(&relay, &input));
    EXPECT(relay.on && !relay.pending);
    input.off = WK_RELAY_LIMITER;
    EXPECT(wk_relay_step(&relay, &input));
    input.off = 0;
    input.random = 10; /* no offset */
    EXPECT(wk_relay_step(&relay, &input));
    EXPECT_I64(input.t_us, relay.back_us);
}

static void minutes_of_a_schedule_rise(void)
{
    struct wk_relay relay;
    wk_relay_init(&relay);
    struct wk_relay_settings settings = {.switches = 3, .minute = {0, 1, 1439}};
    EXPECT_OK(wk_relay_set(&relay, &settings));
    settings.minute[1] = 0;
    EXPECT_ERR(WK_E_RANGE, wk_relay_set(&relay, &settings));
    settings.minute[1] = 1439;
    EXPECT_ERR(WK_E_RANGE, wk_relay_set(&relay, &settings));
    settings.switches = 2; /* the third does not count now */
    settings.minute[2] = 0;
    EXPECT_OK(wk_relay_set(&relay, &settings));
    EXPECT_I64(WK_RELAY_NO_SLOT, relay.slot);
}

static void an_order_of_demand_response_has_exact_limits(void)
{
    struct wk_response response;
    wk_response_init(&response);
    EXPECT_I64(8000000, response.settings.cap_mw[WK_RESPONSE_REDUCE]);
    EXPECT_I64(6000000, response.settings.cap_mw[WK_RESPONSE_CRITICAL]);
    EXPECT_I64(4200000, response.settings.cap_mw[WK_RESPONSE_LOWEST]);
    struct wk_response_order order = {WK_RESPONSE_LOWEST, 0, WK_RESPONSE_LONGEST_S};
    EXPECT_OK(wk_response_take(&response, &order, 1000, 0));
    EXPECT_I64(1000, response.begin_s);
    EXPECT_I64(1000 + WK_RESPONSE_LONGEST_S, response.end_s);
    order.duration_s++;
    EXPECT_ERR(WK_E_RANGE, wk_response_take(&response, &order, 1000, 0));
    order.duration_s = 1;
    EXPECT_OK(wk_response_take(&response, &order, 1000, 0));
    order.duration_s = 0;
    EXPECT_ERR(WK_E_RANGE, wk_response_take(&response, &order, 1000, 0));
    order = (struct wk_response_order){WK_RESPONSE_REDUCE, 1000 + WK_RESPONSE_LONGEST_S, 10};
    EXPECT_OK(wk_response_take(&response, &order, 1000, 0));
    EXPECT_I64(1000 + WK_RESPONSE_LONGEST_S, response.begin_s);
    order.begin_s++;
    EXPECT_ERR(WK_E_RANGE, wk_response_take(&response, &order, 1000, 0));
    order = (struct wk_response_order){WK_RESPONSE_REDUCE, 1001, 10};
    response.settings.offset_most_s = 4;
    EXPECT_OK(wk_response_take(&response, &order, 1000, 8)); /* modulo 5: 3 s */
    EXPECT_I64(1004, response.begin_s);
    EXPECT_I64(1014, response.end_s);
    EXPECT(!wk_response_step(&response, 1003));
    EXPECT(wk_response_step(&response, 1004));
    EXPECT_I64(8000000, wk_response_cap_mw(&response));
    EXPECT(!wk_response_step(&response, 1013));
    EXPECT(wk_response_step(&response, 1014));
    order.level = WK_RESPONSE_LEVELS;
    EXPECT_ERR(WK_E_RANGE, wk_response_take(&response, &order, 1000, 0));
    order = (struct wk_response_order){WK_RESPONSE_NORMAL, 1005, 0};
    EXPECT_OK(wk_response_take(&response, &order, 1000, 8));
    EXPECT_I64(1000, response.begin_s);
    EXPECT_I64(1000, response.end_s);
}

static void a_clock_set_back_by_twice_the_longest_order_ends_it(void)
{
    struct wk_response response;
    wk_response_init(&response);
    const int64_t now_s = 10 * WK_RESPONSE_LONGEST_S;
    const struct wk_response_order order = {WK_RESPONSE_REDUCE, now_s, 100};
    EXPECT_OK(wk_response_take(&response, &order, now_s, 0));
    (void)wk_response_step(&response, now_s - 2 * WK_RESPONSE_LONGEST_S);
    EXPECT_I64(WK_RESPONSE_REDUCE, response.ordered);
    (void)wk_response_step(&response, now_s - 2 * WK_RESPONSE_LONGEST_S - 1);
    EXPECT_I64(WK_RESPONSE_NORMAL, response.ordered);
}

WK_TEST_MAIN(T(parameters_have_the_ranges_that_are_documented),
             T(each_room_takes_good_parameters_and_refuses_bad_ones),
             T(a_mode_that_does_not_exist_is_refused_and_starts_as_none),
             T(an_arm_expires_after_its_seconds_and_never_if_there_are_none),
             T(the_delay_after_an_outage_is_drawn_from_all_its_seconds),
             T(at_the_rating_and_the_highest_voltage_it_may_switch),
             T(an_order_that_waits_is_told_once_after_ten_seconds),
             T(tries_are_counted_per_order),
             T(an_order_is_given_again_two_seconds_later_not_before),
             T(without_an_auxiliary_contact_it_is_told_once),
             T(a_leak_begins_above_its_threshold_and_ends_at_half),
             T(a_limit_of_one_is_a_limit_and_is_not_exceeded_by_itself),
             T(the_emergency_profile_runs_from_its_begin_and_only_for_listed_groups),
             T(protection_trips_above_and_restores_below_its_thresholds),
             T(an_attempt_comes_exactly_after_its_delay_and_quiet_counts_anew),
             T(a_switch_waits_its_offset_and_is_done_then), T(minutes_of_a_schedule_rise),
             T(an_order_of_demand_response_has_exact_limits),
             T(a_clock_set_back_by_twice_the_longest_order_ends_it))
