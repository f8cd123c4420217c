/* SPDX-License-Identifier: Apache-2.0
 *
 * A load profile over simulated flash, against a plain array of the rows that were captured. */
#include "management/profile.h"

#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR    1024U
#define SECTORS   20U
#define KV        4
#define LOG       3
#define KEY_OPEN  1
#define KEY_RULES 2
#define KEY_ROWS  3
#define US        INT64_C(1000000)
#define START_S   INT64_C(1769986800) /* 2026-02-01 23:00:00 UTC: midnight in central Europe */
#define YEAR_S    INT64_C(31536000)
#define SEED      UINT64_C(20261121)
#define HELD      3000 /* rows the reference holds */

static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_store g_store;
static struct wk_profile g_profile;
static int64_t g_now_us;
static uint64_t g_random;

/* The reference: rows [g_first, g_next) were captured and not cleared since. */
static struct wk_profile_row g_rows[HELD];
static uint64_t g_first;
static uint64_t g_next;

static uint64_t draw(uint64_t below)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return g_random % below;
}

static struct wk_profile_rules rules(uint32_t period_s)
{
    return (struct wk_profile_rules){
        .period_s = period_s,
        .count = 4,
        .column = {{8, {0, 0, 1, 0, 0, 255}, 2},
                   {3, {1, 0, 1, 8, 0, 255}, 2},
                   {3, {1, 0, 2, 8, 0, 255}, 2},
                   {3, {1, 0, 32, 27, 0, 255}, 2}},
    };
}

/* ---- a profile in its store ---------------------------------------------------------------- */

static wk_err mount(void)
{
    struct wk_store_layout layout = {.kv_sectors = KV};
    struct wk_store_mount_report report;
    layout.log_sectors[LOG] = SECTORS - KV;
    return wk_store_mount(&g_store, &g_flash.port, &layout, &report);
}

static wk_err commit(void)
{
    uint8_t open[WK_PROFILE_OPEN_PACKED];
    uint8_t packed[WK_PROFILE_RULES_PACKED];
    struct wk_bytes_out open_out = wk_bytes_out_of(open, sizeof open);
    struct wk_bytes_out rules_out = wk_bytes_out_of(packed, sizeof packed);
    wk_profile_open_pack(&g_profile, &g_profile, &open_out);
    wk_profile_rules_pack(&g_profile, &rules_out);
    WK_TRY(open_out.fault);
    WK_TRY(rules_out.fault);
    const struct wk_store_put puts[] = {
        {KEY_OPEN, open, (uint16_t)open_out.size},
        {KEY_RULES, packed, (uint16_t)rules_out.size},
        {KEY_ROWS, g_profile.batch.octets, g_profile.batch.size},
    };
    return wk_store_commit(&g_store, puts, 3);
}

static wk_err get(uint8_t key, uint8_t *octets, size_t room, struct wk_bytes_in *in)
{
    size_t size = 0;
    WK_TRY(wk_store_get(&g_store, key, octets, room, &size));
    *in = wk_bytes_in_of(octets, size);
    return WK_OK;
}

/* Power comes back. A store that is new has no rows. */
static wk_err restart(const struct wk_profile_rules *configured, bool *cleared)
{
    uint8_t octets[WK_PROFILE_BATCH];
    struct wk_bytes_in in;
    *cleared = false;
    WK_TRY(wk_profile_init(&g_profile, configured, LOG));
    WK_TRY(mount());
    const wk_err err = get(KEY_OPEN, octets, sizeof octets, &in);
    if (err == WK_E_NOT_FOUND) {
        return commit();
    }
    WK_TRY(err);
    wk_profile_open_unpack(&g_profile, &g_profile, &in);
    WK_TRY(wk_bytes_in_end(&in));
    WK_TRY(get(KEY_RULES, octets, sizeof octets, &in));
    WK_TRY(wk_profile_rules_unpack(&g_profile, &in));
    WK_TRY(get(KEY_ROWS, octets, sizeof octets, &in));
    return wk_profile_rows_unpack(&g_profile, &in, cleared);
}

static wk_err begin(uint32_t period_s)
{
    const struct wk_profile_rules wanted = rules(period_s);
    bool cleared;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    g_random = SEED;
    g_now_us = START_S * US;
    g_first = 0;
    g_next = 0;
    return restart(&wanted, &cleared);
}

/* What the registers hold when row `number` is captured: any function of the number. */
static struct wk_profile_row values_of(uint64_t number)
{
    const int64_t n = (int64_t)number;
    return (struct wk_profile_row){
        .absent = number % 7 == 3 ? 0x5U : 0x1U,
        .value = {0, n * 123456789 + n * n * 7919 % 99991777, number % 7 == 3 ? 0 : n % 100,
                  230000 + n % 997},
    };
}

/* Metering goes on up to `now_us`, in steps of a minute at most. */
static wk_err meter_to(int64_t now_us)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW, .span_us = 60 * US};
    while (g_now_us < now_us) {
        const int64_t next_us = g_now_us + 60 * US < now_us ? g_now_us + 60 * US : now_us;
        record.span_us = next_us - g_now_us;
        g_now_us = next_us;
        if (wk_profile_is_ahead(&g_profile, &wk_zone_central_europe, g_now_us)) {
            wk_profile_restart(&g_profile, WK_PROFILE_CLOCK_ADJUSTED);
        }
        if (wk_profile_is_due(&g_profile, g_now_us)) {
            struct wk_profile_row row = values_of(g_next);
            WK_TRY(wk_profile_capture(&g_profile, &wk_zone_central_europe, &g_store, g_now_us,
                                      &row));
            WK_TRY(commit());
            g_rows[g_next++ % HELD] = row;
        }
        wk_profile_add(&g_profile, &wk_zone_central_europe, &record, g_now_us);
    }
    return WK_OK;
}

static bool same_row(const struct wk_profile_row *a, const struct wk_profile_row *b)
{
    bool same = a->end.s == b->end.s && a->status == b->status && a->absent == b->absent;
    for (int i = 0; i < 4; i++) {
        same = same && a->value[i] == b->value[i];
    }
    return same;
}

/* Reads [from, next) in one go; how many are as they were, -1: there was one too many. */
static int64_t compare_rows(uint64_t from)
{
    struct wk_profile_reader reader = {.number = from};
    struct wk_profile_row row;
    int64_t good = 0;
    while (reader.number < g_next) {
        const uint64_t number = reader.number;
        if (wk_profile_read(&g_profile, &g_store, &reader, &row) != WK_OK ||
            !same_row(&row, &g_rows[number % HELD])) {
            return good;
        }
        good++;
    }
    return wk_profile_read(&g_profile, &g_store, &reader, &row) == WK_E_NOT_FOUND ? good : -1;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void periods_divide_an_hour_or_are_civil(void)
{
    static const uint32_t k_good[] = {60, 120, 300, 600, 900, 1800, 3600, 86400, 2592000};
    static const uint32_t k_bad[] = {0, 1, 59, 61, 700, 3599, 3601, 7200, 86399, UINT32_MAX};
    struct wk_profile_rules tried = rules(900);
    for (size_t i = 0; i < sizeof k_good / sizeof k_good[0]; i++) {
        tried.period_s = k_good[i];
        EXPECT_OK(wk_profile_check(&tried));
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        tried.period_s = k_bad[i];
        EXPECT_ERR(WK_E_RANGE, wk_profile_check(&tried));
    }
    tried = rules(900);
    tried.count = 0;
    EXPECT_ERR(WK_E_RANGE, wk_profile_check(&tried));
    tried.count = WK_PROFILE_COLUMNS + 1;
    EXPECT_ERR(WK_E_RANGE, wk_profile_check(&tried));
}

static void rows_come_back_as_captured_until_the_ring_drops_the_oldest(void)
{
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(begin(900));
    EXPECT_OK(meter_to((START_S + 2900 * 900) * US + 1));
    EXPECT_OK(wk_profile_span(&g_profile, &g_store, &oldest, &next));
    EXPECT_I64(g_next, next);
    EXPECT_I64(2900, next);
    EXPECT(oldest > 0 && oldest < next);
    EXPECT_I64(next - oldest, compare_rows(oldest));
    struct wk_profile_reader reader = {.number = oldest - 1};
    struct wk_profile_row row;
    EXPECT_ERR(WK_E_NOT_FOUND, wk_profile_read(&g_profile, &g_store, &reader, &row));
}

static void an_outage_of_three_years_is_a_gap_between_two_rows(void)
{
    EXPECT_OK(begin(900));
    EXPECT_OK(meter_to((START_S + 4 * 900 + 300) * US));
    wk_profile_mark(&g_profile, WK_PROFILE_POWER_DOWN);
    g_now_us += 3 * YEAR_S * US;
    EXPECT_OK(meter_to(g_now_us + 1800 * US));
    EXPECT_I64(7, g_next);
    EXPECT_I64(7, compare_rows(0));
    EXPECT_I64(START_S + 5 * 900, g_rows[4].end.s);
    EXPECT_I64(WK_PROFILE_POWER_DOWN | WK_PROFILE_NOT_VALID, g_rows[4].status);
    EXPECT_I64(START_S + 3 * YEAR_S + 5 * 900, g_rows[5].end.s);
    EXPECT_I64(WK_PROFILE_NOT_VALID, g_rows[5].status);
    EXPECT_I64(0, g_rows[6].status);
}

static void days_of_23_and_25_hours_have_as_many_rows(void)
{
    static const struct {
        int64_t begin_s; /* civil midnight */
        int64_t hours;
    } k_days[] = {{1774738800, 23}, {1792879200, 25}}; /* 2026-03-29, 2026-10-25 */
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(begin(3600));
        g_now_us = k_days[i].begin_s * US;
        EXPECT_OK(meter_to((k_days[i].begin_s + k_days[i].hours * 3600) * US + 1));
        EXPECT_I64(k_days[i].hours, g_next);
        const uint16_t last = g_rows[g_next - 1].status & WK_PROFILE_DST;
        EXPECT_I64(i == 0 ? WK_PROFILE_DST : 0, last);
        EXPECT_I64(i == 0 ? 0 : WK_PROFILE_DST, g_rows[0].status & WK_PROFILE_DST);
        EXPECT_OK(begin(WK_PROFILE_DAY_S));
        g_now_us = k_days[i].begin_s * US;
        EXPECT_OK(meter_to((k_days[i].begin_s + k_days[i].hours * 3600) * US + 1));
        EXPECT_I64(1, g_next);
        EXPECT_I64(k_days[i].begin_s + k_days[i].hours * 3600, g_rows[0].end.s);
        EXPECT_I64(0, g_rows[0].status & WK_PROFILE_NOT_VALID);
    }
}

static void months_end_at_civil_midnight_of_the_first(void)
{
    /* 2026-03-01, -04-01, -05-01 in central Europe, in UTC */
    static const int64_t k_ends_s[] = {1772319600, 1774994400, 1777586400};
    EXPECT_OK(begin(WK_PROFILE_MONTH_S));
    EXPECT_OK(meter_to((k_ends_s[2] + 60) * US));
    EXPECT_I64(3, g_next);
    for (int i = 0; i < 3; i++) {
        EXPECT_I64(k_ends_s[i], g_rows[i].end.s);
    }
    EXPECT_I64(WK_PROFILE_NOT_VALID,
               g_rows[0].status & WK_PROFILE_NOT_VALID); /* from the 2nd on */
    EXPECT_I64(0, g_rows[1].status & WK_PROFILE_NOT_VALID);
}

static bool within(const struct wk_profile_row *row, const struct wk_profile_range *range)
{
    return row->end.s >= range->from.s && row->end.s <= range->to.s;
}

/* The rows of a range against a walk over the reference. */
static bool find_agrees(const struct wk_profile_range *range)
{
    struct wk_profile_found found;
    uint64_t oldest;
    uint64_t next;
    uint64_t count = 0;
    if (wk_profile_span(&g_profile, &g_store, &oldest, &next) != WK_OK || next != g_next ||
        oldest < g_first || wk_profile_find(&g_profile, &g_store, range, &found) != WK_OK) {
        return false;
    }
    uint64_t number = found.first;
    for (uint64_t i = oldest; i < next; i++) {
        if (!within(&g_rows[i % HELD], range)) {
            continue;
        }
        if (i < found.first || i >= found.next ||
            wk_profile_skip(&g_profile, &g_store, range, &number) != WK_OK || number != i) {
            return false;
        }
        number++;
        count++;
    }
    return count == found.count &&
           wk_profile_skip(&g_profile, &g_store, range, &number) == WK_OK && number == g_next;
}

/* One thing that happens to a meter. */
static wk_err happen(void)
{
    const struct wk_profile_rules configured = rules(900);
    bool cleared = false;
    switch (draw(12)) {
    case 0: /* the clock is set back, by up to two days */
        g_now_us -= (int64_t)draw(172800) * US;
        return meter_to(g_now_us + 60 * US);
    case 1: /* an outage */
        g_now_us += (int64_t)draw(172800) * US;
        return meter_to(g_now_us + 60 * US);
    case 2:
        WK_TRY(commit());
        return restart(&configured, &cleared);
    case 3:
        if (draw(8) == 0) {
            wk_profile_clear(&g_profile);
            g_first = g_next;
            return commit();
        }
        return WK_OK;
    default:
        return meter_to(g_now_us + (int64_t)draw(40 * 900) * US);
    }
}

static void whatever_happens_ranges_are_found_as_by_a_walk(void)
{
    EXPECT_OK(begin(900));
    printf("# seed %" PRIu64 "\n", SEED);
    for (int step = 0; step < 400 && g_next < HELD; step++) {
        struct wk_profile_range range;
        EXPECT_OK(happen());
        range.from.s = g_now_us / US - (int64_t)draw(400000);
        range.to.s = range.from.s + (int64_t)draw(200000);
        EXPECT(find_agrees(&range));
    }
    EXPECT(g_next > 500);
    EXPECT(g_profile.batch.octets[3] > 10); /* the clock did go back */
}

static void other_rules_clear_and_so_does_another_configuration_once(void)
{
    const struct wk_profile_rules hourly = rules(3600);
    const struct wk_profile_rules quarterly = rules(900);
    struct wk_profile_rules fewer = rules(900);
    bool cleared;
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(begin(900));
    EXPECT_OK(meter_to((START_S + 20 * 900 + 60) * US));
    fewer.count = 2;
    EXPECT_OK(wk_profile_configure(&g_profile, &fewer)); /* by a client */
    EXPECT_OK(commit());
    EXPECT_OK(wk_profile_span(&g_profile, &g_store, &oldest, &next));
    EXPECT_I64(20, oldest);
    EXPECT_I64(20, next);
    EXPECT_OK(
        restart(&quarterly, &cleared)); /* the file is as it was: the client's rules stay */
    EXPECT(!cleared);
    EXPECT_I64(2, g_profile.rules.count);
    EXPECT_OK(restart(&hourly, &cleared)); /* the file was changed */
    EXPECT(cleared);
    EXPECT_I64(4, g_profile.rules.count);
    EXPECT_I64(3600, g_profile.rules.period_s);
    EXPECT_OK(commit());
    EXPECT_OK(restart(&hourly, &cleared));
    EXPECT(!cleared);
    EXPECT_OK(wk_profile_span(&g_profile, &g_store, &oldest, &next));
    EXPECT_I64(20, next);
    fewer.count = 0;
    EXPECT_ERR(WK_E_RANGE, wk_profile_configure(&g_profile, &fewer));
    EXPECT_I64(4, g_profile.rules.count);
}

static void garbage_in_the_store_is_refused(void)
{
    struct wk_bytes_in in;
    bool cleared;
    uint8_t octets[WK_PROFILE_BATCH];
    EXPECT_OK(begin(900));
    EXPECT_OK(meter_to((START_S + 5 * 900 + 60) * US));
    const uint16_t size = g_profile.batch.size;
    memcpy(octets, g_profile.batch.octets, size);
    for (uint16_t shorter = 0; shorter < size; shorter++) {
        in = wk_bytes_in_of(octets, shorter);
        EXPECT_ERR(WK_E_FORMAT, wk_profile_rows_unpack(&g_profile, &in, &cleared));
        EXPECT_I64(size, g_profile.batch.size);
    }
    octets[1] = 3; /* other columns than the rules have */
    in = wk_bytes_in_of(octets, size);
    EXPECT_ERR(WK_E_FORMAT, wk_profile_rows_unpack(&g_profile, &in, &cleared));
    octets[0] = 9;
    EXPECT_OK(wk_store_append_one(&g_store, LOG, octets, size));
    struct wk_profile_reader reader = {.number = 0};
    struct wk_profile_row row;
    EXPECT_ERR(WK_E_FORMAT, wk_profile_read(&g_profile, &g_store, &reader, &row));
}

/* Runs the same rows up to a cut, then looks at what is there. `acknowledged`: rows whose commit
 * returned. */
static wk_err run_to_cut(uint64_t cut_at, wk_flash_tear tear, uint64_t *acknowledged)
{
    WK_TRY(begin(900));
    wk_flash_power_on(&g_flash, cut_at, tear, (uint32_t)cut_at + 1);
    const wk_err err = meter_to((START_S + 60 * 900) * US + 1);
    *acknowledged = g_next;
    return err;
}

/* The rows as they must be; a row more than was acknowledged may have been committed. */
static bool survived(uint64_t acknowledged)
{
    const struct wk_profile_rules configured = rules(900);
    uint64_t oldest;
    uint64_t next;
    bool cleared;
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    if (restart(&configured, &cleared) != WK_OK || cleared ||
        wk_profile_span(&g_profile, &g_store, &oldest, &next) != WK_OK || oldest != 0 ||
        next < acknowledged || next > acknowledged + 1) {
        return false;
    }
    for (uint64_t i = acknowledged; i < next; i++) {
        g_rows[i] = values_of(i);
        g_rows[i].end.s = START_S + ((int64_t)i + 1) * 900;
    }
    g_next = next;
    return compare_rows(0) == (int64_t)next;
}

static void a_cut_at_any_operation_loses_no_row_that_was_acknowledged(void)
{
    uint64_t acknowledged = 0;
    const int step = sizeof(void *) == 4 ? 23 : 1; /* on the target a sample of them */
    EXPECT_OK(begin(900));
    const uint64_t before = g_flash.operations;
    EXPECT_OK(meter_to((START_S + 60 * 900) * US + 1));
    const uint64_t operations = g_flash.operations - before;
    int64_t cuts = 0;
    for (uint64_t cut = 0; cut < operations; cut += (uint64_t)step) {
        for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
            EXPECT_ERR(WK_E_IO, run_to_cut(cut, (wk_flash_tear)tear, &acknowledged));
            EXPECT(survived(acknowledged));
            cuts++;
        }
    }
    printf("# cuts %" PRId64 "\n", cuts);
    EXPECT_I64(0, g_flash.violations);
}

WK_TEST_MAIN(T(periods_divide_an_hour_or_are_civil),
             T(rows_come_back_as_captured_until_the_ring_drops_the_oldest),
             T(an_outage_of_three_years_is_a_gap_between_two_rows),
             T(days_of_23_and_25_hours_have_as_many_rows),
             T(months_end_at_civil_midnight_of_the_first),
             T(whatever_happens_ranges_are_found_as_by_a_walk),
             T(other_rules_clear_and_so_does_another_configuration_once),
             T(garbage_in_the_store_is_refused),
             T(a_cut_at_any_operation_loses_no_row_that_was_acknowledged))
