/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules by the calendar, in civil time, and in a meter that was without power. The instants
 * are those that `date -d` gives for Europe/Berlin. */
#include "management/schedule.h"

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "management/module_pack.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20
#define US      INT64_C(1000000)
#define START_S                                                                                \
    INT64_C(1769986800) /* 2026-02-01 23:00 UTC: 2026-02-02 00:00 in central Europe */
#define HOUR 3600
#define DAY  86400

static struct wk_setup g_setup;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint64_t g_seq;
static uint32_t g_opened;
static bool g_closed;

/* One entry: time, date. */
static bool due(const char *entry, int64_t from_s, int64_t to_s)
{
    char hex[64];
    (void)snprintf(hex, sizeof hex, "01 01 02 02 %s", entry);
    const struct wk_test_octets octets = wk_test_hex(hex);
    return wk_schedule_check(wk_test_in(&octets), WK_SCHEDULE_ONE) == WK_OK &&
           wk_schedule_is_due(wk_test_in(&octets), &wk_zone_central_europe,
                              (struct wk_utc){from_s}, (struct wk_utc){to_s});
}

static wk_err check(const char *hex)
{
    const struct wk_test_octets octets = wk_test_hex(hex);
    return wk_schedule_check(wk_test_in(&octets), WK_SCHEDULE_DIFFERENT_WILD);
}

#define DAILY_0300 "0904 03000000 0905 FFFFFFFFFF"

static void a_time_of_every_day_is_due_once_a_day_and_at_its_second(void)
{
    const int64_t at_s = START_S + 3 * HOUR;
    EXPECT(!due(DAILY_0300, START_S, at_s - 1));
    EXPECT(due(DAILY_0300, START_S, at_s));
    EXPECT(due(DAILY_0300, at_s - 1, at_s));
    EXPECT(!due(DAILY_0300, at_s, at_s + DAY - 1));
    EXPECT(due(DAILY_0300, at_s, at_s + DAY));
}

static void dates_may_have_wildcards_and_last_days(void)
{
    EXPECT(due("0904 00000000 0905 FFFFFF0301", START_S, START_S + 30 * DAY) == false);
    EXPECT(due("0904 0C000000 0905 FFFFFFFF03", START_S, START_S + 2 * DAY + 12 * HOUR));
    EXPECT(!due("0904 0C000000 0905 FFFFFFFF03", START_S, START_S + 2 * DAY + 12 * HOUR - 1));
    /* 2026-02-28 12:00, the last day; 27th the last but one */
    EXPECT(due("0904 0C000000 0905 FFFFFFFEFF", START_S + 26 * DAY, START_S + 27 * DAY));
    EXPECT(!due("0904 0C000000 0905 FFFFFFFEFF", START_S, START_S + 26 * DAY));
    EXPECT(due("0904 0C000000 0905 FFFFFFFDFF", START_S + 25 * DAY, START_S + 26 * DAY));
    EXPECT(!due("0904 0C000000 0905 07E90202FF", START_S, START_S + 30 * DAY)); /* 2025 */
    EXPECT(due("0904 0C000000 0905 07EA0202FF", START_S, START_S + DAY));       /* 2026 */
}

static void a_skipped_hour_is_done_and_a_repeated_one_once(void)
{
    const int64_t spring_s = INT64_C(1774738800); /* 2026-03-29 00:00 local, UTC+1 */
    const int64_t autumn_s = INT64_C(1792879200); /* 2026-10-25 00:00 local, UTC+2 */
    const char *half_past_two = "0904 021E0000 0905 FFFFFFFFFF";
    EXPECT(due(half_past_two, spring_s, spring_s + 23 * HOUR));
    EXPECT(!due(half_past_two, spring_s + 2 * HOUR, spring_s + 23 * HOUR) ||
           !due(half_past_two, spring_s, spring_s + 2 * HOUR));
    EXPECT(due(half_past_two, autumn_s, autumn_s + 2 * HOUR + 1800)); /* the first 02:30 */
    EXPECT(!due(half_past_two, autumn_s + 2 * HOUR + 1800, autumn_s + 25 * HOUR));
}

static void no_time_or_date_is_refused(void)
{
    EXPECT_OK(check("01 00"));
    EXPECT_OK(check("01 01 02 02 0904 173B3BFF 0905 07EA0C1F04"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 18000000 0905 FFFFFFFFFF"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 FF000000 0905 FFFFFFFFFF"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 00003C00 0905 FFFFFFFFFF"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 00000000 0905 FFFF0DFFFF"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 00000000 0905 FFFFFF00FF"));
    EXPECT_ERR(WK_E_RANGE, check("01 01 02 02 0904 00000000 0905 FFFFFFFF08"));
    EXPECT_ERR(WK_E_FORMAT, check("01 01 02 01 0904 00000000"));
    EXPECT_ERR(WK_E_FORMAT, check("01 01 02 02 0904 00000000 0904 FFFFFFFF"));
    EXPECT_ERR(WK_E_FORMAT, check("01 01 02 02 0904 00000000 0905 FFFFFFFFFF 00"));
    EXPECT_ERR(WK_E_FORMAT, check("01 02 02 02 0904 00000000 0905 FFFFFFFFFF"));
}

static wk_err check_of(const char *hex, wk_schedule_type type)
{
    const struct wk_test_octets value = wk_test_hex(hex);
    return wk_schedule_check(wk_test_in(&value), type);
}

/* IEC 62056-6-2, 4.5.7: size, whether times are the same, whether dates have wildcards. */
static void the_type_says_which_times_there_may_be(void)
{
    static const struct {
        const char *times;
        bool fits[5];
    } k_cases[] = {
        {"01 00", {true, true, true, true, true}},
        {"01 01 02 02 0904 03000000 0905 FFFFFFFFFF", {true, false, true, false, true}},
        {"01 01 02 02 0904 03000000 0905 07EA0C18FF", {true, true, true, true, true}},
        {"01 01 02 02 0904 03000000 0905 07EA0CFEFF", {true, false, true, false, true}},
        {"01 02 02 02 0904 03000000 0905 07EA0C18FF 02 02 0904 03000000 0905 07EA0C19FF",
         {false, true, true, true, true}},
        {"01 02 02 02 0904 03000000 0905 07EA0C18FF 02 02 0904 04000000 0905 07EA0C19FF",
         {false, false, false, true, true}},
        {"01 02 02 02 0904 03000000 0905 07EAFF18FF 02 02 0904 03000000 0905 07EA0C19FF",
         {false, false, true, false, true}},
        {"01 02 02 02 0904 03000000 0905 FFFF0C18FF 02 02 0904 04000000 0905 07EA0C19FF",
         {false, false, false, false, true}},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        for (int type = 1; type <= 5; type++) {
            EXPECT_ERR(k_cases[i].fits[type - 1] ? WK_OK : WK_E_RANGE,
                       check_of(k_cases[i].times, (wk_schedule_type)type));
        }
    }
}

/* ---- in a meter -------------------------------------------------------------------------- */

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
    g_opened += g_closed && !closed ? 1 : 0;
    g_closed = closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    (void)self;
    *closed = g_closed;
    return WK_OK;
}

static const struct wk_hal_contactor k_contactor = {.set = contactor_set,
                                                    .is_closed = contactor_is_closed};

static wk_err boot(void)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 1},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = 4,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
        .setup = &g_setup,
    };
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

/* A window that ends then. */
static wk_err at(int64_t utc_s)
{
    struct wk_record record = {.seq = ++g_seq,
                               .epoch = 1,
                               .t_us = utc_s * US,
                               .span_us = US / 5,
                               .kind = WK_RECORD_WINDOW};
    record.window.phases = 1;
    record.window.u_mv[0] = 230000;
    return wk_module_consume(&g_module, &record);
}

static struct wk_object_call call_of(const char *obis)
{
    uint8_t octets[WK_OBIS_SIZE] = {0};
    wk_test_failed_ = wk_test_failed_ || wk_obis_parse(obis, octets) != WK_OK;
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, 0, octets),
                                   .now_us = wk_module_now_us(&g_module),
                                   .role = WK_ROLE_MANAGEMENT};
}

static wk_err set(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    return call.object->access->functions->set(&call, attribute, &in);
}

/* A meter that disconnects at 03:00 every day. */
static wk_err start(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_seq = 0;
    g_opened = 0;
    g_closed = true;
    WK_TRY(boot());
    WK_TRY(at(START_S));
    WK_TRY(set("0.0.15.0.1.255", 2, "02 02 0906 00000A006AFF 12 0001"));
    WK_TRY(set("0.0.15.0.1.255", 4, "01 01 02 02 " DAILY_0300));
    return wk_module_settle(&g_module);
}

static wk_err reconnect(void)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_object_call call = call_of("0.0.96.3.10.255");
    struct wk_bytes_in parameter = wk_bytes_in_of(k_zero, sizeof k_zero);
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    WK_TRY(call.object->access->functions->action(&call, 2, &parameter, &reply));
    return wk_module_settle(&g_module);
}

static void a_script_is_executed_in_its_time_and_only_once(void)
{
    EXPECT_OK(start());
    EXPECT_OK(at(START_S + 3 * HOUR - 1));
    EXPECT(g_closed);
    EXPECT_OK(at(START_S + 3 * HOUR));
    EXPECT(!g_closed);
    EXPECT_OK(reconnect());
    EXPECT_OK(at(START_S + 3 * HOUR + 1));
    EXPECT_OK(at(START_S + 26 * HOUR));
    EXPECT_I64(1, g_opened);
    EXPECT_OK(at(START_S + 27 * HOUR));
    EXPECT_I64(2, g_opened);
}

static void what_an_outage_missed_is_made_up_once(void)
{
    EXPECT_OK(start());
    EXPECT_OK(at(START_S + HOUR));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot()); /* three days without power */
    EXPECT_OK(at(START_S + 3 * DAY + 4 * HOUR));
    EXPECT_I64(1, g_opened);
    EXPECT_OK(reconnect());
    EXPECT_OK(boot()); /* it was committed that it was done */
    EXPECT_OK(at(START_S + 3 * DAY + 5 * HOUR));
    EXPECT_I64(1, g_opened);
}

static void a_time_that_is_over_when_it_is_set_is_not_made_up(void)
{
    EXPECT_OK(start());
    EXPECT_OK(at(START_S + 2 * HOUR));
    EXPECT_OK(set("0.0.15.0.1.255", 4, "01 01 02 02 0904 01000000 0905 FFFFFFFFFF"));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_OK(boot());
    EXPECT_OK(at(START_S + 2 * HOUR + 1));
    EXPECT_I64(0, g_opened);
}

static uint32_t told(uint16_t code, int32_t *value)
{
    struct wk_store_reader reader = {0};
    struct wk_event event;
    uint32_t count = 0;
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK) {
        if (event.code == code) {
            *value = event.value;
            count++;
        }
    }
    return count;
}

/* Control mode 0 refuses every command. */
static void a_script_that_cannot_run_is_tried_again_and_told(void)
{
    int32_t left = -1;
    EXPECT_OK(start());
    EXPECT_OK(set("0.0.96.3.10.255", 4, "16 00"));
    EXPECT_OK(at(START_S + 3 * HOUR));
    EXPECT_I64(1, told(WK_EVENT_SCRIPT_FAILED, &left));
    EXPECT_I64(WK_SETUP_TRIES, left);
    EXPECT_OK(at(START_S + 3 * HOUR + 59));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot()); /* what is still to be tried outlives a restart */
    EXPECT_OK(at(START_S + 3 * HOUR + 61));
    EXPECT_OK(at(START_S + 3 * HOUR + 121));
    EXPECT_I64(1, told(WK_EVENT_SCRIPT_FAILED, &left));
    EXPECT_I64(0, g_opened);
    EXPECT_OK(set("0.0.96.3.10.255", 4, "16 04"));
    EXPECT_OK(at(START_S + 3 * HOUR + 181));
    EXPECT_I64(1, g_opened);
    EXPECT_OK(reconnect());
    EXPECT_OK(at(START_S + 4 * HOUR));
    EXPECT_I64(1, g_opened); /* once */
    EXPECT_OK(set("0.0.96.3.10.255", 4, "16 00"));
    EXPECT_OK(at(START_S + 27 * HOUR));
    for (int minute = 1; minute <= 2 * WK_SETUP_TRIES; minute++) {
        EXPECT_OK(at(START_S + 27 * HOUR + minute * 61));
    }
    EXPECT_I64(3, told(WK_EVENT_SCRIPT_FAILED, &left));
    EXPECT_I64(0, left); /* given up */
    EXPECT_OK(set("0.0.96.3.10.255", 4, "16 04"));
    EXPECT_OK(at(START_S + 28 * HOUR));
    EXPECT_I64(1, g_opened);
}

static void a_schedule_names_a_script_table(void)
{
    EXPECT_OK(start());
    EXPECT_ERR(WK_E_RANGE, set("0.0.15.0.1.255", 2, "02 02 0906 000001000AFF 12 0001"));
    EXPECT_ERR(WK_E_FORMAT, set("0.0.15.0.1.255", 2, "02 02 0906 00000A006AFF 11 01"));
    EXPECT_ERR(WK_E_RANGE, set("0.0.15.0.1.255", 3, "16 06"));
    EXPECT_ERR(WK_E_RANGE, set("0.0.15.0.1.255", 3, "16 02")); /* 03:00 of any date */
    EXPECT_OK(set("0.0.15.0.1.255", 3, "16 05"));
    EXPECT_ERR(WK_E_RANGE,
               set("0.0.15.0.1.255", 4, "01 01 02 02 0904 18000000 0905 FFFFFFFFFF"));
}

/* ---- register monitors ------------------------------------------------------------------- */

static wk_err load(int64_t utc_s, int64_t p_mw)
{
    struct wk_record record = {.seq = ++g_seq,
                               .epoch = 1,
                               .t_us = utc_s * US,
                               .span_us = US / 5,
                               .kind = WK_RECORD_WINDOW};
    record.window.phases = 1;
    record.window.u_mv[0] = 230000;
    record.window.p_mw[0] = p_mw;
    return wk_module_consume(&g_module, &record);
}

#define MONITOR    "0.0.16.1.0.255"
#define DISCONNECT "02 02 0906 00000A006AFF 12 0001"
#define CONNECT    "02 02 0906 00000A006AFF 12 0002"

/* Above 5 kW it disconnects, below it connects again. */
static wk_err start_monitor(void)
{
    WK_TRY(start());
    WK_TRY(set(MONITOR, 2, "01 01 14 00000000004C4B40"));
    WK_TRY(set(MONITOR, 3, "02 03 12 0003 0906 0100010700FF 0F 02"));
    WK_TRY(set(MONITOR, 4, "01 01 02 02 " DISCONNECT " " CONNECT));
    return wk_module_settle(&g_module);
}

static void a_monitor_acts_when_its_register_crosses_the_threshold(void)
{
    EXPECT_OK(start_monitor());
    EXPECT_OK(load(START_S + 1, 4999999));
    EXPECT_OK(load(START_S + 2, 5000000)); /* at the threshold is not above it */
    EXPECT(g_closed);
    EXPECT_OK(load(START_S + 3, 5000001));
    EXPECT(!g_closed);
    EXPECT_OK(reconnect());
    EXPECT_OK(load(START_S + 4, 6000000)); /* it crossed once */
    EXPECT_I64(1, g_opened);
    EXPECT_OK(load(START_S + 5, 100));
    EXPECT_OK(load(START_S + 6, 6000000));
    EXPECT_I64(2, g_opened);
}

static void a_monitor_sees_a_crossing_over_a_restart_but_none_at_its_first_value(void)
{
    EXPECT_OK(start_monitor());
    EXPECT_OK(load(START_S + 1, 6000000));
    EXPECT_I64(0, g_opened); /* nothing was below */
    EXPECT_OK(load(START_S + 2, 100));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    EXPECT_OK(load(START_S + 3, 6000000));
    EXPECT_I64(1, g_opened);
}

static void a_monitor_watches_registers_of_the_meter_only(void)
{
    EXPECT_OK(start());
    EXPECT_ERR(WK_E_RANGE, set(MONITOR, 3, "02 03 12 0003 0906 010063FF00FF 0F 02"));
    EXPECT_ERR(WK_E_RANGE, set(MONITOR, 3, "02 03 12 0001 0906 0100010700FF 0F 02"));
    EXPECT_ERR(WK_E_RANGE, set(MONITOR, 3, "02 03 12 0003 0906 0100010700FF 0F 03"));
    EXPECT_ERR(WK_E_FORMAT, set(MONITOR, 2, "01 01 09 00"));
    EXPECT_OK(set(MONITOR, 2, "01 02 06 00000001 14 0000000000000002"));
}

WK_TEST_MAIN(T(a_monitor_acts_when_its_register_crosses_the_threshold),
             T(a_monitor_sees_a_crossing_over_a_restart_but_none_at_its_first_value),
             T(a_monitor_watches_registers_of_the_meter_only),
             T(a_time_of_every_day_is_due_once_a_day_and_at_its_second),
             T(dates_may_have_wildcards_and_last_days),
             T(a_skipped_hour_is_done_and_a_repeated_one_once), T(no_time_or_date_is_refused),
             T(a_script_is_executed_in_its_time_and_only_once),
             T(what_an_outage_missed_is_made_up_once),
             T(a_time_that_is_over_when_it_is_set_is_not_made_up),
             T(the_type_says_which_times_there_may_be),
             T(a_script_that_cannot_run_is_tried_again_and_told),
             T(a_schedule_names_a_script_table))
