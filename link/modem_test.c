/* SPDX-License-Identifier: Apache-2.0
 *
 * The modem of port/virtual/modem has its own understanding of AT commands and of timers. */
#include "tests/wk_test.h"

#include "link/modem_advice.h"
#include "link/modem_part.h"
#include "port/virtual/modem.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define SEED   20261122
#define HOURS  (31 * 24)

struct world {
    int64_t now_us;
    struct wk_modem modem;
    struct wk_virtual_modem peer;
    bool no_lines;
    bool dropped; /* sessions were lost since somebody looked */
};

static void on_send(void *self, const char *octets, size_t size)
{
    struct world *world = self;
    wk_virtual_modem_take(&world->peer, octets, size, world->now_us);
}

static wk_err on_pulse(void *self, wk_modem_line line)
{
    struct world *world = self;
    if (world->no_lines) {
        return WK_E_UNSUPPORTED;
    }
    wk_virtual_modem_pulse(&world->peer, (wk_virtual_modem_line)line, world->now_us);
    return WK_OK;
}

static const struct wk_virtual_modem_rules k_healthy = {.boot_us = 3 * SECOND,
                                                        .register_us = 4 * SECOND,
                                                        .answer_us = 20000,
                                                        .rsrp_dbm = -95,
                                                        .rsrq_ddb = -105,
                                                        .sinr_db = 9,
                                                        .cell = 0x1A2D001,
                                                        .band = 20,
                                                        .covered = true,
                                                        .has_sim = true,
                                                        .grants_psm = true};

static void world_begin(struct world *world, const struct wk_modem_rules *rules)
{
    memset(world, 0, sizeof *world);
    const struct wk_modem_port port = {.self = world, .send = on_send, .pulse = on_pulse};
    wk_virtual_modem_init(&world->peer, &k_healthy, SEED, 0);
    wk_modem_init(&world->modem, rules, &port, 0);
}

static void world_tick(struct world *world)
{
    uint8_t octets[512];
    size_t size;
    while ((size = wk_virtual_modem_give(&world->peer, octets, sizeof octets, world->now_us)) >
           0) {
        wk_modem_take(&world->modem, octets, size, world->now_us);
    }
    wk_modem_step(&world->modem, world->now_us);
    world->dropped = world->dropped || wk_modem_carries(&world->modem) == WK_MODEM_CARRIES_NOT;
}

static void world_run(struct world *world, int64_t until_us)
{
    while (world->now_us < until_us) {
        const int64_t due_us = wk_modem_due_us(&world->modem);
        int64_t next_us = wk_virtual_modem_next_us(&world->peer);
        next_us = due_us < next_us ? due_us : next_us;
        next_us = next_us > world->now_us ? next_us : world->now_us + 1;
        world->now_us = next_us < until_us ? next_us : until_us;
        world_tick(world);
    }
}

/* Until it is in that state. False: not before. */
static bool world_reach(struct world *world, wk_modem_state state, int64_t within_us)
{
    const int64_t until_us = world->now_us + within_us;
    while (world->modem.state != state && world->now_us < until_us) {
        world_run(world, world->now_us + SECOND / 10);
    }
    return world->modem.state == state;
}

static const struct wk_modem_rules k_plain = {.apn = "iot.example"};

/* ---- the table --------------------------------------------------------------------------- */

static const struct arrow {
    wk_modem_state from;
    wk_modem_event event;
    wk_modem_state to;
} k_arrows[] = {
    {WK_MODEM_OFF, WK_MODEM_DUE, WK_MODEM_BOOTING},
    {WK_MODEM_BOOTING, WK_MODEM_BOOTED, WK_MODEM_SIM},
    {WK_MODEM_BOOTING, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_SIM, WK_MODEM_READY, WK_MODEM_REGISTERING},
    {WK_MODEM_SIM, WK_MODEM_SPREAD, WK_MODEM_SPREADING},
    {WK_MODEM_SIM, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_SIM, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_SIM, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_SPREADING, WK_MODEM_DUE, WK_MODEM_REGISTERING},
    {WK_MODEM_SPREADING, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_SPREADING, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_SPREADING, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_REGISTERING, WK_MODEM_REGISTERED, WK_MODEM_ATTACHED},
    {WK_MODEM_REGISTERING, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_REGISTERING, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_REGISTERING, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_ATTACHED, WK_MODEM_CONTEXT, WK_MODEM_ACTIVE},
    {WK_MODEM_ATTACHED, WK_MODEM_LOST, WK_MODEM_REGISTERING},
    {WK_MODEM_ATTACHED, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_ATTACHED, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_ATTACHED, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_ACTIVE, WK_MODEM_RELEASED, WK_MODEM_ATTACHED},
    {WK_MODEM_ACTIVE, WK_MODEM_LOST, WK_MODEM_REGISTERING},
    {WK_MODEM_ACTIVE, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_ACTIVE, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_ACTIVE, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_ACTIVE, WK_MODEM_SLEPT, WK_MODEM_ASLEEP},
    {WK_MODEM_ASLEEP, WK_MODEM_WOKEN, WK_MODEM_WAKING},
    {WK_MODEM_ASLEEP, WK_MODEM_DUE, WK_MODEM_WAKING},
    {WK_MODEM_ASLEEP, WK_MODEM_RESTARTED, WK_MODEM_WAKING},
    {WK_MODEM_WAKING, WK_MODEM_CONTEXT, WK_MODEM_ACTIVE},
    {WK_MODEM_WAKING, WK_MODEM_RELEASED, WK_MODEM_ATTACHED},
    {WK_MODEM_WAKING, WK_MODEM_LOST, WK_MODEM_REGISTERING},
    {WK_MODEM_WAKING, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_WAKING, WK_MODEM_FAILED, WK_MODEM_RECOVERING},
    {WK_MODEM_RECOVERING, WK_MODEM_LOST, WK_MODEM_REGISTERING},
    {WK_MODEM_RECOVERING, WK_MODEM_RESTARTED, WK_MODEM_BOOTING},
    {WK_MODEM_RECOVERING, WK_MODEM_REFUSED, WK_MODEM_WAITING},
    {WK_MODEM_WAITING, WK_MODEM_REGISTERED, WK_MODEM_ATTACHED},
    {WK_MODEM_WAITING, WK_MODEM_DUE, WK_MODEM_BOOTING},
};

static wk_modem_state wanted_next(wk_modem_state from, wk_modem_event event)
{
    for (size_t i = 0; i < sizeof k_arrows / sizeof k_arrows[0]; i++) {
        if (k_arrows[i].from == from && k_arrows[i].event == event) {
            return k_arrows[i].to;
        }
    }
    return from;
}

static void every_event_in_every_state_leads_where_the_table_says(void)
{
    static struct world world;
    for (int s = 0; s < WK_MODEM_STATES; s++) {
        for (int e = 0; e < WK_MODEM_EVENTS; e++) {
            const wk_modem_state wanted = wanted_next((wk_modem_state)s, (wk_modem_event)e);
            EXPECT_I64(wanted, wk_modem_next((wk_modem_state)s, (wk_modem_event)e));
            world_begin(&world, &k_plain);
            world.modem.state = (wk_modem_state)s;
            wk_modem_happen(&world.modem, (wk_modem_event)e, 0);
            EXPECT_I64(wanted, world.modem.state);
            EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 10 * MINUTE)); /* from everywhere */
        }
    }
}

/* ---- the way up -------------------------------------------------------------------------- */

static void a_modem_comes_online_and_tells_who_and_how_it_is(void)
{
    static struct world world;
    world_begin(&world, &k_plain);
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 20 * SECOND));
    world_run(&world, world.now_us + 2 * SECOND);
    EXPECT(strcmp(world.modem.maker, "Quectel") == 0 && world.modem.profile == 1);
    EXPECT(strcmp(world.modem.model, "BG95-M3") == 0);
    EXPECT(strcmp(world.modem.serial, "867123450000018") == 0);
    EXPECT(strcmp(world.modem.cell.network, "Wattkeeper Lab") == 0);
    EXPECT_I64(-95, world.modem.signal.rsrp_dbm);
    EXPECT_I64(-105, world.modem.signal.rsrq_ddb);
    EXPECT_I64(90, world.modem.signal.sinr_ddb);
    EXPECT_I64(-75, world.modem.signal.rssi_dbm);
    EXPECT_I64(0x1A2D001, world.modem.cell.id);
    EXPECT_I64(0x1A2B, world.modem.cell.tac);
    EXPECT_I64(20, world.modem.cell.band);
    EXPECT_I64(9, world.modem.cell.technology);
    EXPECT(wk_modem_advice_text(&world.modem) == NULL);
    EXPECT_I64(WK_MODEM_CARRIES, wk_modem_carries(&world.modem));
}

static void a_card_gets_its_pin_once_and_a_wrong_one_never_again(void)
{
    static struct world world;
    struct wk_modem_rules rules = {.pin = "4711"};
    world_begin(&world, &rules);
    memcpy(world.peer.rules.pin, "4711", 5);
    world.peer.unlocked = false;
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 30 * SECOND));
    EXPECT_I64(0, world.peer.counts.wrong_pins);
    memcpy(rules.pin, "1234", 5);
    world_begin(&world, &rules);
    memcpy(world.peer.rules.pin, "4711", 5);
    world.peer.unlocked = false;
    world_run(&world, 2 * DAY);
    EXPECT_I64(1, world.peer.counts.wrong_pins);
    EXPECT_I64(WK_MODEM_PIN_WRONG, world.modem.trouble);
    world_begin(&world, &k_plain);
    memcpy(world.peer.rules.pin, "4711", 5);
    world.peer.unlocked = false;
    world_run(&world, MINUTE);
    EXPECT_I64(WK_MODEM_PIN_WANTED, world.modem.trouble);
    EXPECT_I64(0, world.peer.counts.wrong_pins);
}

static void a_refusal_is_said_and_not_hammered(void)
{
    static struct world world;
    world_begin(&world, &k_plain);
    world.peer.rules.reject = 13;
    EXPECT(world_reach(&world, WK_MODEM_WAITING, MINUTE));
    EXPECT_I64(WK_MODEM_DENIED, world.modem.trouble);
    EXPECT_I64(13, world.modem.cell.reject);
    EXPECT(strstr(wk_modem_advice_text(&world.modem), "operator") != NULL);
    world_run(&world, DAY);
    /* 1, 2, 4 ... 128 min, then each four hours */
    EXPECT(world.peer.counts.registrations <= 16 && world.peer.counts.registrations >= 8);
    EXPECT_I64(0, world.peer.counts.power_cycles + world.peer.counts.hard_resets);
    world.peer.rules.reject = 0;
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 5 * HOUR));
    EXPECT(wk_modem_advice_text(&world.modem) == NULL);
    world.peer.rules.has_sim = false;
    wk_virtual_modem_pulse(&world.peer, WK_VIRTUAL_MODEM_RESET, world.now_us);
    EXPECT(world_reach(&world, WK_MODEM_WAITING, 10 * MINUTE));
    EXPECT_I64(WK_MODEM_NO_SIM, world.modem.trouble);
}

/* ---- the ladder -------------------------------------------------------------------------- */

static void each_fault_is_cured_by_its_rung_and_by_none_above(void)
{
    static struct world world;
    for (int cure = WK_VIRTUAL_MODEM_ATTACH; cure <= WK_VIRTUAL_MODEM_POWER; cure++) {
        for (int silent = cure >= WK_VIRTUAL_MODEM_SOFT ? 1 : 0; silent >= 0; silent--) {
            world_begin(&world, &k_plain);
            EXPECT(world_reach(&world, WK_MODEM_ACTIVE, MINUTE));
            wk_virtual_modem_fail(&world.peer, (wk_virtual_modem_cure)cure, silent != 0,
                                  world.now_us);
            const int64_t begin_us = world.now_us;
            world.dropped = false;
            while (!world.dropped && world.now_us < begin_us + MINUTE) {
                world_run(&world, world.now_us + SECOND);
            }
            EXPECT(world.dropped);
            EXPECT(world_reach(&world, WK_MODEM_ACTIVE, HOUR));
            const int64_t took_us = world.now_us - begin_us;
            EXPECT(took_us <= (silent != 0 ? 2 * MINUTE : 20 * MINUTE));
            const struct wk_virtual_modem_counts *did = &world.peer.counts;
            const uint32_t above[] = {0,
                                      did->radio_offs + did->soft_resets + did->hard_resets,
                                      did->soft_resets + did->hard_resets,
                                      did->hard_resets,
                                      did->power_cycles,
                                      0};
            EXPECT_I64(0, above[cure]);
        }
    }
}

static void without_lines_the_ladder_goes_on_and_rests(void)
{
    static struct world world;
    world_begin(&world, &k_plain);
    world.no_lines = true;
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, MINUTE));
    wk_virtual_modem_fail(&world.peer, WK_VIRTUAL_MODEM_POWER, true, world.now_us);
    EXPECT(world_reach(&world, WK_MODEM_WAITING, 5 * MINUTE));
    EXPECT_I64(WK_MODEM_SILENT, world.modem.trouble);
    world_run(&world, world.now_us + DAY);
    EXPECT(world.modem.counts.rungs[WK_MODEM_RUNG_RESET] <= 35);
    EXPECT_I64(0, world.modem.counts.rungs[WK_MODEM_RUNG_HARD]);
    wk_virtual_modem_pulse(&world.peer, WK_VIRTUAL_MODEM_SUPPLY,
                           world.now_us); /* somebody came */
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 2 * HOUR));
}

/* The modem says that all is well, and its path is dead: each time a higher rung. */
static void a_modem_that_is_online_for_nothing_climbs_the_ladder(void)
{
    static struct world world;
    world_begin(&world, &k_plain);
    for (int rung = WK_MODEM_RUNG_ATTACH; rung < WK_MODEM_RUNG_REST; rung++) {
        EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 2 * MINUTE));
        world_run(&world, world.now_us + 10 * MINUTE);
        wk_modem_useless(&world.modem, world.now_us);
        EXPECT_I64(1, world.modem.counts.rungs[rung]);
        EXPECT_I64(WK_MODEM_NO_DATA, world.modem.trouble);
    }
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 2 * MINUTE));
    wk_modem_traffic(&world.modem, true, world.now_us);
    world_run(&world, world.now_us + 10 * MINUTE);
    wk_modem_useless(&world.modem, world.now_us);
    EXPECT_I64(2, world.modem.counts.rungs[WK_MODEM_RUNG_ATTACH]); /* it did work: from below */
}

/* What the meter did to the modem, to hold against its budget. */
static uint32_t heavy_of(const struct wk_virtual_modem_counts *counts)
{
    return counts->soft_resets + counts->hard_resets + counts->power_cycles;
}

static void strike(struct world *world, uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const uint32_t kind = (uint32_t)(*seed >> 33) % 24;
    struct wk_virtual_modem_rules *rules = &world->peer.rules;
    *rules = k_healthy; /* what the network did, it does for an hour */
    rules->noise_ppm = 1000;
    if (kind < 5) {
        wk_virtual_modem_fail(&world->peer, (wk_virtual_modem_cure)(kind + 1), kind > 1,
                              world->now_us);
    } else if (kind < 8) {
        rules->reject = kind == 5 ? 15 : 0;
        rules->covered = kind != 6;
        rules->noise_ppm = kind == 7 ? 150000 : rules->noise_ppm;
    } else if (kind == 8) {
        rules->cell++;
    } else if (kind == 9) {
        wk_virtual_modem_pulse(&world->peer, WK_VIRTUAL_MODEM_RESET, world->now_us);
    }
    wk_virtual_modem_change(&world->peer, world->now_us);
}

static void a_month_of_faults_ends_online_and_within_its_budget(void)
{
    static struct world world;
    uint64_t seed = SEED;
    uint32_t most = 0;
    uint32_t most_tries = 0;
    int64_t online_s = 0;
    world_begin(&world, &k_plain);
    for (int hour = 0; hour < HOURS; hour++) {
        const uint32_t before = heavy_of(&world.peer.counts);
        const uint32_t tries = world.peer.counts.registrations;
        strike(&world, &seed);
        for (int minute = 0; minute < 60; minute++) {
            world_run(&world, hour * HOUR + (minute + 1) * MINUTE);
            wk_modem_traffic(&world.modem, true, world.now_us);
            online_s += world.modem.state == WK_MODEM_ACTIVE ? 60 : 0;
        }
        const uint32_t heavy = heavy_of(&world.peer.counts) - before;
        const uint32_t tried = world.peer.counts.registrations - tries;
        most = heavy > most ? heavy : most;
        most_tries = tried > most_tries ? tried : most_tries;
    }
    world.peer.rules = k_healthy;
    wk_virtual_modem_change(&world.peer, world.now_us);
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 4 * HOUR));
    const double share = (double)online_s / (HOURS * 36.0);
    WK_TEST_FIGURE("modem: resets and power cycles in the worst hour of a month of faults",
                   most, "times", "<= 12", most <= 12, SEED);
    WK_TEST_FIGURE("modem: registrations begun in the worst hour", most_tries, "times", "<= 40",
                   most_tries <= 40, SEED);
    WK_TEST_FIGURE("modem: online in a month of faults", share, "%", ">= 75", share >= 75,
                   SEED);
    EXPECT(most <= 12);
    EXPECT(most_tries <= 40);
    EXPECT(share >= 75);
}

/* ---- sleep ------------------------------------------------------------------------------- */

static const struct wk_modem_rules k_sleeps = {.apn = "iot", .tau_s = 4 * 3600, .active_s = 20};

static void it_sleeps_as_agreed_and_an_alarm_wakes_it_without_losing_its_sessions(void)
{
    static struct world world;
    world_begin(&world, &k_sleeps);
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, MINUTE));
    world_run(&world, world.now_us + SECOND);
    EXPECT_I64(20, world.modem.granted_active_s);
    EXPECT_I64(4 * 3600, world.modem.granted_tau_s);
    world.dropped = false;
    EXPECT(world_reach(&world, WK_MODEM_ASLEEP, 30 * SECOND));
    world_run(&world, world.now_us + 10 * SECOND);
    EXPECT(world.peer.asleep);
    const int64_t begin_us = world.now_us;
    wk_modem_wake(&world.modem, world.now_us);
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, 10 * SECOND));
    const double took = (double)(world.now_us - begin_us) / 1e6;
    WK_TEST_FIGURE(
        "modem: from the line until it carries, out of PSM (0.9 s of that by the modem)", took,
        "s", "<= 3", took <= 3, SEED);
    EXPECT(took <= 3);
    EXPECT_I64(1, world.peer.counts.wakes);
    EXPECT(!world.dropped);
    /* the agreed time wakes it, too; a day of that */
    world_run(&world, world.now_us + DAY);
    EXPECT(!world.dropped);
    EXPECT(world.peer.counts.sleeps >= 6 && world.peer.counts.sleeps <= 8);
    EXPECT_I64(1, world.peer.counts.registrations);
}

static void without_consent_it_stays_awake(void)
{
    static struct world world;
    world_begin(&world, &k_sleeps);
    world.peer.rules.grants_psm = false;
    world_run(&world, 10 * MINUTE);
    EXPECT_I64(WK_MODEM_ACTIVE, world.modem.state);
    EXPECT_I64(0, world.modem.granted_active_s);
    EXPECT_I64(0, world.peer.counts.sleeps);
}

/* TS 24.008, 10.5.7.4 and 10.5.7.4a */
static void timers_are_those_of_the_standard(void)
{
    static const struct {
        const char *text;
        wk_modem_timer timer;
        uint32_t seconds;
    } k_timers[] = {
        {"00100001", WK_MODEM_T3412, 3600},    {"00000110", WK_MODEM_T3412, 3600},
        {"10100101", WK_MODEM_T3412, 300},     {"01000010", WK_MODEM_T3412, 72000},
        {"10001111", WK_MODEM_T3412, 450},     {"01101010", WK_MODEM_T3412, 20},
        {"11000001", WK_MODEM_T3412, 1152000}, {"11100001", WK_MODEM_T3412, 0},
        {"00000101", WK_MODEM_T3324, 10},      {"00100001", WK_MODEM_T3324, 60},
        {"01000001", WK_MODEM_T3324, 360},     {"11100000", WK_MODEM_T3324, 0},
        {"0000010", WK_MODEM_T3324, 0},        {"0000010x", WK_MODEM_T3324, 0},
    };
    for (size_t i = 0; i < sizeof k_timers / sizeof k_timers[0]; i++) {
        EXPECT_I64(k_timers[i].seconds, wk_modem_timer_read(k_timers[i].timer, k_timers[i].text,
                                                            strlen(k_timers[i].text)));
    }
    for (uint32_t seconds = 1; seconds <= 10000000; seconds += 1 + seconds / 50) {
        for (int timer = WK_MODEM_T3324; timer <= WK_MODEM_T3412; timer++) {
            char text[WK_MODEM_TIMER];
            wk_modem_timer_write((wk_modem_timer)timer, seconds, text);
            const uint32_t got = wk_modem_timer_read((wk_modem_timer)timer, text, sizeof text);
            const uint32_t most = timer == WK_MODEM_T3324 ? 31 * 360 : 31 * 1152000;
            EXPECT(seconds > most ? got == most : got >= seconds);
            EXPECT(seconds > most || seconds < 20 || got < 2 * seconds + 60 ||
                   seconds > 31 * 36000);
        }
    }
}

/* ---- the signal -------------------------------------------------------------------------- */

static void advice_follows_the_signal(void)
{
    static const struct {
        int16_t rsrp_dbm;
        int16_t rsrq_ddb;
        wk_modem_advice advice;
        uint8_t malus;
    } k_signals[] = {
        {-80, -90, WK_MODEM_ADVICE_NONE, 0},      {-110, -110, WK_MODEM_ADVICE_NONE, 0},
        {-111, -110, WK_MODEM_ADVICE_ANTENNA, 5}, {-121, -110, WK_MODEM_ADVICE_EDGE, 10},
        {-115, -175, WK_MODEM_ADVICE_EDGE, 5},    {-85, -155, WK_MODEM_ADVICE_BAND, 5},
        {-130, -190, WK_MODEM_ADVICE_EDGE, 10},
    };
    static struct world world;
    world_begin(&world, &k_plain);
    EXPECT(world_reach(&world, WK_MODEM_ACTIVE, MINUTE));
    for (size_t i = 0; i < sizeof k_signals / sizeof k_signals[0]; i++) {
        world.peer.rules.rsrp_dbm = k_signals[i].rsrp_dbm;
        world.peer.rules.rsrq_ddb = k_signals[i].rsrq_ddb;
        world_run(&world, world.now_us + 2 * WK_MODEM_POLL_US);
        EXPECT_I64(k_signals[i].advice, wk_modem_advise(&world.modem));
        EXPECT_I64(k_signals[i].malus, wk_modem_malus(&world.modem));
        EXPECT((wk_modem_advice_text(&world.modem) == NULL) ==
               (k_signals[i].advice == WK_MODEM_ADVICE_NONE));
    }
    world.peer.rules = k_healthy;
    for (int i = 0; i < 8; i++) {
        world.peer.rules.cell++;
        wk_virtual_modem_change(&world.peer, world.now_us);
        world_run(&world, world.now_us + MINUTE);
    }
    EXPECT_I64(WK_MODEM_ADVICE_CELLS, wk_modem_advise(&world.modem));
    world_run(&world, world.now_us + 3 * HOUR);
    wk_virtual_modem_change(&world.peer, world.now_us);
    world_run(&world, world.now_us + 2 * HOUR);
    EXPECT_I64(WK_MODEM_ADVICE_NONE, wk_modem_advise(&world.modem));
}

/* One band is disturbed; the network moves the modem as its mask of bands says. */
static void hours(struct world *world, int count, int16_t other_ddb)
{
    for (int i = 0; i < count * 60; i++) {
        const bool other = world->peer.bands == UINT64_C(1) << 7;
        world->peer.rules.band = other ? 8 : 20;
        world->peer.rules.rsrq_ddb = other ? other_ddb : -175;
        wk_virtual_modem_change(&world->peer, world->now_us);
        world_run(world, world->now_us + MINUTE);
    }
}

static void another_band_is_kept_only_if_it_is_better(void)
{
    static struct world world;
    const struct wk_modem_rules rules = {.bands = {20, 8}};
    world_begin(&world, &rules);
    world.peer.rules.rsrp_dbm = -85;
    hours(&world, 4, -100);
    EXPECT_I64(1, world.modem.counts.trials);
    EXPECT_I64(8, world.modem.trial.band);
    EXPECT(world.modem.trial.judged);
    EXPECT_I64(UINT64_C(1) << 7, world.peer.bands);
    EXPECT_I64(WK_MODEM_ACTIVE, world.modem.state);
    world_begin(&world, &rules);
    world.peer.rules.rsrp_dbm = -85;
    hours(&world, 4, -170);
    EXPECT_I64(1, world.modem.counts.trials);
    EXPECT_I64(0, world.modem.trial.band);
    EXPECT_I64(UINT64_C(1) << 7 | UINT64_C(1) << 19, world.peer.bands);
    hours(&world, 30, -170); /* a day later once more */
    EXPECT_I64(2, world.modem.counts.trials);
}

static void after_an_outage_meters_register_one_after_the_other(void)
{
    static struct world world;
    uint32_t bins[10] = {0};
    for (uint32_t seed = 1; seed <= 500; seed++) {
        const struct wk_modem_rules rules = {
            .seed = seed, .spread_s = 600, .after_outage = true};
        world_begin(&world, &rules);
        EXPECT(world_reach(&world, WK_MODEM_REGISTERING, 15 * MINUTE));
        const int64_t bin = (world.now_us - 6 * SECOND) / MINUTE;
        bins[bin < 0 ? 0 : bin > 9 ? 9 : bin]++;
    }
    for (int i = 0; i < 10; i++) {
        EXPECT(bins[i] >= 25 && bins[i] <= 80); /* 50 each, and more than three deviations */
    }
}

WK_TEST_MAIN(T(every_event_in_every_state_leads_where_the_table_says),
             T(a_modem_comes_online_and_tells_who_and_how_it_is),
             T(a_card_gets_its_pin_once_and_a_wrong_one_never_again),
             T(a_refusal_is_said_and_not_hammered),
             T(each_fault_is_cured_by_its_rung_and_by_none_above),
             T(without_lines_the_ladder_goes_on_and_rests),
             T(a_modem_that_is_online_for_nothing_climbs_the_ladder),
             T(a_month_of_faults_ends_online_and_within_its_budget),
             T(it_sleeps_as_agreed_and_an_alarm_wakes_it_without_losing_its_sessions),
             T(without_consent_it_stays_awake), T(timers_are_those_of_the_standard),
             T(advice_follows_the_signal), T(another_band_is_kept_only_if_it_is_better),
             T(after_an_outage_meters_register_one_after_the_other))
