/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle is only worth what it finds: a sound meter agrees for days, and each way of
 * spoiling one in the middle of a run is told, by name. */
#include "fleet/year.h"

#include <string.h>

#include "tests/wk_test.h"

#define DAYS 4
#define SEED 20261121

static struct wk_year g_year;
static struct wk_grid_minutes g_minutes;

typedef void spoiler(struct wk_year *year);

static spoiler *g_spoil;

/* Half way through, once. */
static void meanwhile(void *self, int percent)
{
    struct wk_year *year = self;
    if (percent >= 50 && g_spoil != NULL) {
        g_spoil(year);
        g_spoil = NULL;
    }
}

static wk_err run_days(spoiler *spoil)
{
    const struct wk_year_options options = {.days = DAYS,
                                            .seed = SEED,
                                            .minutes = &g_minutes,
                                            .progress = meanwhile,
                                            .self = &g_year};
    struct wk_recording_fault fault;
    WK_TRY(wk_grid_minutes_read(&g_minutes, WK_SOURCE_DIR "/data/uci/household_1min_2days.txt",
                                &fault));
    g_spoil = spoil;
    const wk_err err = wk_year_run(&g_year, &options);
    wk_year_free(&g_year);
    wk_grid_minutes_free(&g_minutes);
    return err;
}

/* Whether it is found, and told with these words. */
static bool is_told(spoiler *spoil, const char *words)
{
    const wk_err err = run_days(spoil);
    const bool told = err == WK_E_CORRUPT && strstr(g_year.why, words) != NULL;
    if (!told) {
        printf("# %s: \"%s\", wanted \"%s\"\n", wk_err_name(err), g_year.why, words);
    }
    return told;
}

static void a_sound_meter_agrees(void)
{
    EXPECT_OK(run_days(NULL));
    EXPECT_I64(0, g_year.counts.unexplained_uwh);
    EXPECT(g_year.counts.cuts[0] + g_year.counts.cuts[1] + g_year.counts.cuts[2] > 0);
    EXPECT(g_year.counts.intervals > 300);
}

static void lose_energy(struct wk_year *year)
{
    year->module.rooms.registers.import_uwh--;
}

static void lose_tariff(struct wk_year *year)
{
    struct wk_registers *registers = &year->module.rooms.registers;
    registers->rate[0].import_uwh--;
    registers->rate[1].import_uwh++;
}

static void earn_money(struct wk_year *year)
{
    year->module.rooms.spent.rest ^= 1;
}

static void forget_payment(struct wk_year *year)
{
    year->payment.account.credit[0].amount_e6++;
}

static void a_lost_microwatthour_is_found(void)
{
    EXPECT(is_told(lose_energy, "import: expected"));
    EXPECT(is_told(lose_tariff, "tariff"));
    EXPECT(is_told(earn_money, "money spent"));
    EXPECT(is_told(forget_payment, "balance: expected"));
}

static void turn_clock(struct wk_year *year)
{
    year->module.rooms.clock.shift_us += 1000000;
}

static void a_clock_that_nobody_turned_is_found(void)
{
    EXPECT(is_told(turn_clock, "the clock moved"));
}

static void move_interval(struct wk_year *year)
{
    year->module.rooms.profile[WK_ROOMS_PROFILE_1].open.end.s += 900;
}

static void move_period(struct wk_year *year)
{
    /* the first month ends later than these days */
    year->module.rooms.billing.next.s = year->module.rooms.t_us / 1000000;
}

static void an_interval_or_period_that_ends_elsewhere_is_found(void)
{
    EXPECT(is_told(move_interval, "in an interval"));
    EXPECT(is_told(move_period, "A billing period ended"));
}

static void lose_maximum(struct wk_year *year)
{
    struct wk_rooms *rooms = &year->module.rooms;
    rooms->demand.highest.power_mw /= 2;
    rooms->billing.next.s = rooms->t_us / 1000000;
    year->ledger.now.next_s = rooms->billing.next.s;
    year->ledger.committed.next_s = rooms->billing.next.s;
}

static void a_maximum_demand_that_is_too_small_is_found(void)
{
    EXPECT(is_told(lose_maximum, "maximum demand"));
}

static void skip_record(struct wk_year *year)
{
    year->module.cursor.seq++;
}

static void forget_power(struct wk_year *year)
{
    year->found[WK_EVENT_POWER_DOWN]++;
}

static void a_skipped_record_and_a_wrong_event_are_found(void)
{
    EXPECT(is_told(skip_record, ""));
    EXPECT(is_told(forget_power, "Power was lost"));
}

static void open_contactor(struct wk_year *year)
{
    year->module.rooms.supply.state = WK_SUPPLY_STATE_COUNT;
}

static void a_state_that_does_not_exist_is_found(void)
{
    EXPECT(is_told(open_contactor, "does not exist"));
}

static void use_counters_again(struct wk_year *year)
{
    year->module.security.server_next = 1;
    year->module.security.server_reserved = 10;
}

static void an_invocation_counter_that_comes_again_is_found(void)
{
    EXPECT(is_told(use_counters_again, "invocation counter again"));
}

static void tell_fraud(struct wk_year *year)
{
    const struct wk_event event = {.code = WK_EVENT_MAGNET};
    (void)(wk_module_log(&year->module, event) == WK_OK);
}

static void a_false_alarm_is_found(void)
{
    EXPECT(is_told(tell_fraud, "strong magnetic field"));
}

static void break_chain(struct wk_year *year)
{
    year->module.rooms.chain[0] ^= 1;
    const struct wk_event event = {.code = WK_EVENT_DECIPHER_FAILED};
    (void)(wk_module_log(&year->module, event) == WK_OK);
    year->ledger.now.logged[WK_EVENT_DECIPHER_FAILED]++;
}

static void a_broken_chain_of_the_security_log_is_found(void)
{
    EXPECT(is_told(break_chain, "does not verify"));
}

WK_TEST_MAIN(T(a_sound_meter_agrees), T(a_lost_microwatthour_is_found),
             T(a_clock_that_nobody_turned_is_found),
             T(an_interval_or_period_that_ends_elsewhere_is_found),
             T(a_maximum_demand_that_is_too_small_is_found),
             T(a_skipped_record_and_a_wrong_event_are_found),
             T(a_state_that_does_not_exist_is_found),
             T(an_invocation_counter_that_comes_again_is_found), T(a_false_alarm_is_found),
             T(a_broken_chain_of_the_security_log_is_found))
