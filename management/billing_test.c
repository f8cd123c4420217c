/* SPDX-License-Identifier: Apache-2.0 */
#include "management/billing.h"

#include <string.h>

#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096U
#define SECTORS 12U
#define LOG     3
#define KWH     INT64_C(1000000000)
#define HOUR_S  3600

static const struct wk_store_layout k_layout = {.kv_sectors = 3, .log_sectors = {[LOG] = 7}};
static const struct wk_zone *const k_zone = &wk_zone_central_europe;
static uint8_t octets[SECTOR * SECTORS];
static struct wk_flash flash;
static struct wk_store store;
static struct wk_registers registers;
static struct wk_registers_blocks blocks;
static struct wk_demand demand;
static struct wk_billing billing;
static const struct wk_billing_books k_books = {&registers, &blocks, &demand, &store, LOG};

/* Civil time of central Europe as UTC. */
static struct wk_utc at(uint16_t year, uint8_t month, uint8_t day, uint8_t hour, uint8_t minute)
{
    const struct wk_civil civil = {
        .year = year, .month = month, .day = day, .hour = hour, .minute = minute};
    struct wk_utc utc = {0};
    return wk_civil_to_utc(k_zone, &civil, &utc) == WK_OK ? utc : (struct wk_utc){0};
}

static void begin(wk_billing_schedule schedule, uint8_t day, uint16_t minute)
{
    struct wk_store_mount_report report;
    const struct wk_demand_rules rules = {900, 1};
    const struct wk_billing_rules wanted = {schedule, day, minute, HOUR_S};
    wk_flash_init(&flash, octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    EXPECT_OK(wk_store_mount(&store, &flash.port, &k_layout, &report));
    registers = (struct wk_registers){0};
    blocks = (struct wk_registers_blocks){{100 * KWH, 0, 0}, 0};
    EXPECT_OK(wk_demand_init(&demand, &rules));
    EXPECT_OK(wk_billing_init(&billing, &wanted));
}

static void use(int64_t kwh)
{
    struct wk_record_window window = {.total = {.import_uwh = kwh * KWH}};
    EXPECT_OK(wk_registers_add(&registers, &window, 1, &blocks));
}

/* Entry `back` periods ago, 1 = the newest. */
static wk_err entry(uint64_t back, struct wk_billing_entry *found)
{
    uint64_t oldest;
    uint64_t next;
    WK_TRY(wk_store_commit(&store, NULL, 0));
    WK_TRY(wk_store_log_span(&store, LOG, &oldest, &next));
    struct wk_store_reader reader = {.number = next - back};
    return next >= back + oldest ? wk_billing_read(&store, LOG, &reader, found)
                                 : WK_E_NOT_FOUND;
}

static void ends_follow_the_civil_calendar(void)
{
    static const struct wk_billing_rules k_monthly = {WK_BILLING_MONTHLY, 31, 0, 0};
    static const struct wk_billing_rules k_weekly = {WK_BILLING_WEEKLY, 1, 30, 0};
    static const struct wk_billing_rules k_daily = {WK_BILLING_DAILY, 0, 150, 0};
    static const struct wk_billing_rules k_first = {WK_BILLING_MONTHLY, 1, 0, 0};
    static const struct wk_billing_rules k_never = {WK_BILLING_NEVER, 0, 0, 0};
    EXPECT_I64(at(2026, 2, 28, 0, 0).s,
               wk_billing_next(&k_monthly, k_zone, at(2026, 1, 31, 0, 0)).s);
    EXPECT_I64(at(2028, 2, 29, 0, 0).s,
               wk_billing_next(&k_monthly, k_zone, at(2028, 2, 1, 12, 0)).s);
    EXPECT_I64(at(2026, 11, 23, 0, 30).s,
               wk_billing_next(&k_weekly, k_zone, at(2026, 11, 21, 12, 0)).s);
    EXPECT_I64(at(2026, 11, 30, 0, 30).s,
               wk_billing_next(&k_weekly, k_zone, at(2026, 11, 23, 0, 30)).s);
    EXPECT_I64(at(2027, 1, 1, 0, 0).s,
               wk_billing_next(&k_first, k_zone, at(2026, 12, 1, 0, 0)).s);
    EXPECT_I64(0, wk_billing_next(&k_never, k_zone, at(2026, 12, 1, 0, 0)).s);
    /* 02:30 comes twice on 25 October 2026 and not at all on 28 March 2027 */
    const struct wk_utc once = wk_billing_next(&k_daily, k_zone, at(2026, 10, 25, 0, 0));
    const struct wk_utc then = wk_billing_next(&k_daily, k_zone, once);
    EXPECT_I64(at(2026, 10, 26, 2, 30).s, then.s);
    const struct wk_utc gap = wk_billing_next(&k_daily, k_zone, at(2027, 3, 28, 0, 0));
    EXPECT(gap.s > at(2027, 3, 28, 0, 0).s && gap.s < at(2027, 3, 28, 5, 0).s);
}

static void an_end_keeps_registers_and_begins_demand_and_blocks_anew(void)
{
    struct wk_billing_entry found;
    begin(WK_BILLING_MONTHLY, 1, 0);
    struct wk_utc now = at(2026, 11, 10, 8, 0);
    EXPECT(!wk_billing_is_due(&billing, k_zone, now));
    use(130);
    demand.highest = demand.maximum[0] = (struct wk_demand_maximum){4200000, now};
    EXPECT(!wk_billing_is_due(&billing, k_zone, (struct wk_utc){at(2026, 12, 1, 0, 0).s - 1}));
    now = at(2026, 12, 1, 0, 0);
    EXPECT(wk_billing_is_due(&billing, k_zone, now));
    EXPECT_OK(wk_billing_end(&billing, k_zone, now, WK_BILLING_SCHEDULED, &k_books));
    EXPECT(!wk_billing_is_due(&billing, k_zone, now));
    EXPECT_I64(0, wk_registers_block(&registers, &blocks));
    EXPECT_I64(0, demand.highest.at.s);
    use(50);
    EXPECT_OK(entry(1, &found));
    EXPECT_I64(1, found.number);
    EXPECT_I64(now.s, found.end.s);
    EXPECT_I64(130 * KWH, found.registers.import_uwh);
    EXPECT_I64(30 * KWH, found.registers.rate[0].block_uwh[1]);
    EXPECT_I64(4200000, found.maximum[0].power_mw);
    EXPECT_I64(4200000, found.cumulative_mw);
    EXPECT(wk_registers_agree(&found.registers));
    EXPECT_I64(150 * KWH, registers.rate[0].block_uwh[0]);
}

static void an_outage_over_several_ends_leaves_one_entry_that_says_so(void)
{
    struct wk_billing_entry found;
    begin(WK_BILLING_MONTHLY, 1, 0);
    use(10);
    (void)wk_billing_is_due(&billing, k_zone, at(2026, 11, 10, 0, 0));
    const struct wk_utc back = at(2027, 3, 7, 9, 41);
    EXPECT(wk_billing_is_due(&billing, k_zone, back));
    EXPECT_OK(wk_billing_end(&billing, k_zone, back, WK_BILLING_SCHEDULED, &k_books));
    EXPECT_OK(entry(1, &found));
    EXPECT_I64(at(2026, 12, 1, 0, 0).s, found.end.s);
    EXPECT_I64(3, found.missed); /* January, February, March */
    EXPECT_I64(at(2027, 4, 1, 0, 0).s, billing.next.s);
}

static void a_command_is_locked_out_for_a_while(void)
{
    begin(WK_BILLING_MONTHLY, 1, 0);
    const struct wk_utc now = at(2026, 11, 10, 8, 0);
    EXPECT(wk_billing_may_end(&billing, now));
    EXPECT_OK(wk_billing_end(&billing, k_zone, now, WK_BILLING_COMMANDED, &k_books));
    EXPECT(!wk_billing_may_end(&billing, (struct wk_utc){now.s + HOUR_S - 1}));
    EXPECT(wk_billing_may_end(&billing, (struct wk_utc){now.s + HOUR_S}));
    EXPECT_I64(at(2026, 12, 1, 0, 0).s, billing.next.s); /* the schedule stays */
}

static void fifteen_periods_are_kept(void)
{
    struct wk_billing_entry found;
    begin(WK_BILLING_DAILY, 0, 0);
    struct wk_utc now = at(2026, 1, 1, 12, 0);
    (void)wk_billing_is_due(&billing, k_zone, now);
    for (int day = 1; day <= 100; day++) {
        use(1);
        now = billing.next;
        EXPECT(wk_billing_is_due(&billing, k_zone, now));
        EXPECT_OK(wk_billing_end(&billing, k_zone, now, WK_BILLING_SCHEDULED, &k_books));
        EXPECT_OK(wk_store_commit(&store, NULL, 0));
        const uint64_t kept = (uint64_t)(day < WK_BILLING_KEPT ? day : WK_BILLING_KEPT);
        EXPECT_OK(entry(kept, &found));
        EXPECT_I64(day - (int)kept + 1, found.number);
        EXPECT_I64((day - (int)kept + 1) * KWH, found.registers.import_uwh);
    }
}

static void rules_have_limits(void)
{
    static const struct wk_billing_rules k_bad[] = {
        {WK_BILLING_WEEKLY, 0, 0, 0},    {WK_BILLING_WEEKLY, 8, 0, 0},
        {WK_BILLING_MONTHLY, 0, 0, 0},   {WK_BILLING_MONTHLY, 32, 0, 0},
        {WK_BILLING_DAILY, 0, 1440, 0},  {WK_BILLING_SCHEDULES, 1, 0, 0},
        {WK_BILLING_DAILY, 0, 0, 86401},
    };
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        EXPECT_ERR(WK_E_RANGE, wk_billing_init(&billing, &k_bad[i]));
    }
}

static void a_period_goes_on_after_a_power_cut(void)
{
    uint8_t raw[WK_BILLING_PACKED];
    begin(WK_BILLING_MONTHLY, 15, 60);
    const struct wk_utc now = at(2026, 11, 10, 8, 0);
    EXPECT_OK(wk_billing_end(&billing, k_zone, now, WK_BILLING_TARIFF, &k_books));
    const struct wk_billing before = billing;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_billing_pack(&billing, &out);
    EXPECT(out.fault == WK_OK && out.size == sizeof raw);
    EXPECT_OK(wk_billing_init(&billing, &before.rules));
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    wk_billing_unpack(&billing, &in);
    EXPECT(memcmp(&before, &billing, sizeof before) == 0);
    billing.rules.day = 16; /* configured anew: planned anew */
    in = wk_bytes_in_of(raw, sizeof raw);
    wk_billing_unpack(&billing, &in);
    EXPECT_I64(0, billing.next.s);
    EXPECT_I64(before.begin.s, billing.begin.s);
}

WK_TEST_MAIN(T(ends_follow_the_civil_calendar),
             T(an_end_keeps_registers_and_begins_demand_and_blocks_anew),
             T(an_outage_over_several_ends_leaves_one_entry_that_says_so),
             T(a_command_is_locked_out_for_a_while), T(fifteen_periods_are_kept),
             T(rules_have_limits), T(a_period_goes_on_after_a_power_cut))
