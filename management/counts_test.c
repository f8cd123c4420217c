/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts against those of the events that were fed, and through a whole meter, over a restart. */
#include "management/counts.h"

#include <string.h>

#include "cosem/cosem_test.h"
#include "management/module_pack.h"
#include "management/test_contactor.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 24
#define US      INT64_C(1000000)
#define START_S INT64_C(1790000000)

static const struct wk_counts_thresholds k_thresholds = {230000, {900000, 1100000, 50000}};

static struct wk_counts g_counts;
static struct wk_rooms_harmonics g_harmonics;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint64_t g_seq;
static uint64_t g_epoch;

static bool tell(wk_record_event_kind kind, uint32_t phases, uint32_t duration_ms,
                 int32_t extreme_mv)
{
    const struct wk_record_event event = {.kind = kind,
                                          .phases = phases,
                                          .duration_us = (int64_t)duration_ms * 1000,
                                          .extreme_mv = extreme_mv};
    return wk_counts_record(&g_counts, &event, START_S);
}

/* ---- the room ---------------------------------------------------------------------------- */

static void sags_and_swells_count_in_each_of_their_phases(void)
{
    wk_counts_init(&g_counts, &k_thresholds);
    EXPECT(!tell(WK_RECORD_DIP_BEGIN, 1, 0, 200000));
    EXPECT(tell(WK_RECORD_DIP_END, 5, 120, 180000));
    EXPECT(tell(WK_RECORD_DIP_END, 1, 40, 190000));
    EXPECT(tell(WK_RECORD_SWELL_END, 2, 70, 260000));
    EXPECT(!tell(WK_RECORD_TRANSIENT, 1, 1, 900000));
    EXPECT_I64(2, g_counts.sag[0].number);
    EXPECT_I64(40, g_counts.sag[0].last_ms);
    EXPECT_I64(190000, g_counts.sag[0].last_extreme_mv);
    EXPECT_I64(0, g_counts.sag[1].number);
    EXPECT_I64(1, g_counts.sag[2].number);
    EXPECT_I64(120, g_counts.sag[2].last_ms);
    EXPECT_I64(1, g_counts.swell[1].number);
    EXPECT_I64(260000, g_counts.swell[1].last_extreme_mv);
}

static void what_is_shorter_than_its_least_duration_is_not_counted(void)
{
    wk_counts_init(&g_counts, &k_thresholds);
    g_counts.least_ms[WK_COUNTS_LEAST_SAG] = 100;
    EXPECT(!tell(WK_RECORD_DIP_END, 1, 99, 180000));
    EXPECT(tell(WK_RECORD_DIP_END, 1, 100, 180000));
    EXPECT_I64(1, g_counts.sag[0].number);
    EXPECT(tell(WK_RECORD_INTERRUPTION_END, 1, 179999, 0));
    EXPECT(tell(WK_RECORD_INTERRUPTION_END, 1, 180000, 0));
    EXPECT_I64(1, g_counts.outage[WK_COUNTS_ALL].longs);
    EXPECT_I64(180, g_counts.outage[WK_COUNTS_ALL].last_long_s);
}

static void an_outage_is_of_all_phases_or_of_one(void)
{
    wk_counts_init(&g_counts, &k_thresholds);
    EXPECT(tell(WK_RECORD_INTERRUPTION_END, 7, 2000, 100));
    EXPECT(tell(WK_RECORD_DIP_END, 2, 4000, 11499)); /* below 5 % of 230 V: L2 was gone */
    EXPECT(tell(WK_RECORD_DIP_END, 2, 4000, 11500));
    EXPECT(tell(WK_RECORD_DIP_END, 6, 4000, 100)); /* which of both is not known */
    EXPECT_I64(1, g_counts.outage[WK_COUNTS_ALL].number);
    EXPECT_I64(1, g_counts.outage[WK_COUNTS_L1].number);
    EXPECT_I64(2, g_counts.outage[WK_COUNTS_L2].number);
    EXPECT_I64(1, g_counts.outage[WK_COUNTS_L3].number);
    EXPECT_I64(2, g_counts.outage[WK_COUNTS_ANY].number);
    EXPECT_I64(START_S - 4, g_counts.outage[WK_COUNTS_L2].last_s);
    wk_counts_away(&g_counts, START_S, 400 * US);
    EXPECT_I64(2, g_counts.outage[WK_COUNTS_ANY].number); /* the rooms count that one */
    EXPECT_I64(1, g_counts.outage[WK_COUNTS_ANY].longs);
    EXPECT_I64(400, g_counts.outage[WK_COUNTS_L3].last_long_s);
    EXPECT_I64(400, g_counts.away_s);
}

static void a_tamper_of_several_phases_lasts_until_the_last_ends(void)
{
    wk_counts_init(&g_counts, &k_thresholds);
    wk_counts_tamper(&g_counts, WK_TAMPER_CT, true, true, START_S);
    wk_counts_tamper(&g_counts, WK_TAMPER_CT, true, true, START_S + 5);
    EXPECT_I64(20, wk_counts_tamper_now_s(&g_counts, WK_TAMPER_CT, START_S + 20));
    wk_counts_tamper(&g_counts, WK_TAMPER_CT, false, true, START_S + 20);
    EXPECT_I64(0, g_counts.tamper[WK_TAMPER_CT].span_s);
    wk_counts_tamper(&g_counts, WK_TAMPER_CT, false, false, START_S + 30);
    EXPECT_I64(30, g_counts.tamper[WK_TAMPER_CT].span_s);
    EXPECT_I64(0, wk_counts_tamper_now_s(&g_counts, WK_TAMPER_CT, START_S + 40));
    wk_counts_tamper(&g_counts, WK_TAMPER_MAGNET, true, true, START_S);
    EXPECT_I64(2, g_counts.tamper[WK_TAMPER_CT].number);
    EXPECT_I64(1, g_counts.tamper[WK_TAMPER_MAGNET].number);
}

static void faults_of_samples_last_from_begin_to_end(void)
{
    wk_counts_init(&g_counts, &k_thresholds);
    EXPECT(tell(WK_RECORD_SATURATION_BEGIN, 0, 0, 0));
    EXPECT(tell(WK_RECORD_NO_VALUE_BEGIN, 0, 0, 0));
    EXPECT_I64(0x09, g_counts.faults);
    EXPECT(tell(WK_RECORD_SATURATION_END, 0, 0, 0));
    EXPECT_I64(0x08, g_counts.faults);
}

static void counts_come_back_as_they_were_packed(void)
{
    uint8_t raw[WK_COUNTS_PACKED];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_counts before;
    wk_counts_init(&g_counts, &k_thresholds);
    (void)tell(WK_RECORD_DIP_END, 7, 1, 2);
    (void)tell(WK_RECORD_SWELL_END, 3, 4, 5);
    (void)tell(WK_RECORD_STUCK_BEGIN, 0, 0, 0);
    wk_counts_away(&g_counts, START_S + 7, 300 * US);
    wk_counts_tamper(&g_counts, WK_TAMPER_LOAD_WHILE_OPEN, true, true, START_S + 8);
    g_counts.changes = 9;
    g_counts.begin_s = 11;
    memcpy(&before, &g_counts, sizeof before);
    wk_counts_pack(&g_counts, &out);
    EXPECT_OK(out.fault);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(raw, size);
        EXPECT_ERR(WK_E_FORMAT, wk_counts_unpack(&g_counts, &in));
    }
    EXPECT(memcmp(&before, &g_counts, sizeof before) == 0);
    wk_counts_init(&g_counts, &k_thresholds);
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    EXPECT_OK(wk_counts_unpack(&g_counts, &in));
    uint8_t again[WK_COUNTS_PACKED];
    struct wk_bytes_out second = wk_bytes_out_of(again, sizeof again);
    wk_counts_pack(&g_counts, &second);
    EXPECT_I64(out.size, second.size);
    EXPECT(memcmp(raw, again, out.size) == 0);
    EXPECT_I64(before.tamper[WK_TAMPER_LOAD_WHILE_OPEN].last_s,
               g_counts.tamper[WK_TAMPER_LOAD_WHILE_OPEN].last_s);
}

/* ---- in a meter -------------------------------------------------------------------------- */

static wk_err boot(void)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 3},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .counts = &g_counts,
        .harmonics = &g_harmonics,
        .layout = {.kv_sectors = 4, .log_sectors = {4, 3, 3, 3, 3, 3}},
    };
    wk_counts_init(&g_counts, &k_thresholds);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

static wk_err consume(struct wk_record *record, int64_t at_s)
{
    record->seq = ++g_seq;
    record->epoch = g_epoch;
    record->t_us = at_s * US;
    return wk_module_consume(&g_module, record);
}

static wk_err window(int64_t at_s)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW, .span_us = US / 5};
    record.window.phases = 3;
    for (int phase = 0; phase < 3; phase++) {
        record.window.u_mv[phase] = 230000;
    }
    return consume(&record, at_s);
}

static wk_err start(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    g_seq = 0;
    g_epoch = 1;
    g_closed = true;
    memset(&g_harmonics, 0, sizeof g_harmonics);
    WK_TRY(boot());
    return window(START_S);
}

static bool is_selected(const struct wk_object_selection *selection, const char *obis,
                        uint8_t attribute, const char *hex)
{
    const struct wk_test_octets wanted = wk_test_hex(hex);
    struct wk_object_cursor cursor = {0};
    uint8_t room[256];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    uint8_t octets[WK_OBIS_SIZE] = {0};
    wk_test_failed_ = wk_test_failed_ || wk_obis_parse(obis, octets) != WK_OK;
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = wk_object_find(&g_module.table, 0, octets),
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    return call.object != NULL &&
           call.object->access->functions->get(&call, attribute, selection, &cursor, &out) ==
               WK_OK &&
           out.size == wanted.size && memcmp(room, wanted.data, wanted.size) == 0;
}

static bool is(const char *obis, uint8_t attribute, const char *hex)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    return is_selected(&k_all, obis, attribute, hex);
}

static void what_metrology_found_is_there_to_read(void)
{
    struct wk_record dip = {.kind = WK_RECORD_EVENT,
                            .event = {.kind = WK_RECORD_DIP_END,
                                      .phases = 2,
                                      .duration_us = 300000,
                                      .extreme_mv = 150000,
                                      .nominal_mv = 240000}};
    EXPECT_OK(start());
    EXPECT(is("1.0.12.31.0.255", 2, "06 00032898")); /* 90 % of 230 V, in mV */
    EXPECT_OK(consume(&dip, START_S + 10));
    EXPECT(is("1.0.52.32.0.255", 2, "06 00000001"));
    EXPECT(is("1.0.52.33.0.255", 2, "06 0000012C"));
    EXPECT(is("1.0.52.33.0.255", 3, "02 02 0F FD 16 07")); /* 10^-3 s */
    EXPECT(is("1.0.52.34.0.255", 2, "06 000249F0"));
    EXPECT(is("1.0.32.32.0.255", 2, "06 00000000"));
    EXPECT(is("1.0.12.39.0.255", 2, "06 00002EE0")); /* 5 % of what metrology says: 240 V */
    EXPECT(is("0.0.96.7.10.255", 2, "09 0C FFFFFFFFFFFFFFFFFF8000FF")); /* never */
}

static void an_outage_is_counted_once_and_outlives_a_restart(void)
{
    EXPECT_OK(start());
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(window(START_S + 600)); /* metrology was away for 599.8 s */
    EXPECT(is("0.0.96.7.0.255", 2, "06 00000001"));
    EXPECT(is("0.0.96.7.21.255", 2, "06 00000001"));
    EXPECT(is("0.0.96.7.5.255", 2, "06 00000001"));
    EXPECT(is("0.0.96.7.15.255", 2, "06 00000257")); /* 599 s */
    struct wk_record gone = {
        .kind = WK_RECORD_EVENT,
        .event = {.kind = WK_RECORD_INTERRUPTION_END, .phases = 7, .duration_us = 3 * US}};
    EXPECT_OK(consume(&gone, START_S + 700));
    EXPECT_OK(boot());
    EXPECT(is("0.0.96.7.0.255", 2, "06 00000002"));
    EXPECT(is("0.0.96.7.3.255", 2, "06 00000002"));
    EXPECT(is("0.0.96.7.5.255", 2, "06 00000001"));
}

#define FAILURES "1.0.99.97.0.255"
#define FIRST    "0202 090C07EA091501 0E1713 00 0000 00 0600000257"
#define SECOND   "0202 090C07EA091501 0E2B13 00 0000 00 0600000257"

/* Two outages of 599.8 s: the first window after them ends at START_S + 600 and + 1800. */
static void power_failures_have_a_log_of_their_own(void)
{
    struct wk_object_selection range = {.kind = WK_OBJECT_SELECT_RANGE,
                                        .from = {START_S + 700},
                                        .to = {START_S + 1799},
                                        .column_first = 1};
    const struct wk_object_selection second = {
        .kind = WK_OBJECT_SELECT_ENTRY, .entry_first = 2, .entry_last = 2, .column_first = 2};
    EXPECT_OK(start());
    EXPECT(is(FAILURES, 2, "0100"));
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(window(START_S + 600));
    EXPECT(is(FAILURES, 2, "0101" FIRST));
    EXPECT_OK(window(START_S + 1200));
    g_epoch++;
    g_seq = 0;
    EXPECT_OK(window(START_S + 1800));
    EXPECT(is(FAILURES, 2, "0102" FIRST SECOND));
    EXPECT(is(FAILURES, 7, "06 00000002"));
    EXPECT(is(FAILURES, 3,
              "0102 0204 120008 09060000010000FF 0F02 120000"
              "0204 120003 09060000600713FF 0F02 120000"));
    EXPECT(is_selected(&range, FAILURES, 2, "0101" SECOND));
    range.to.s--;
    EXPECT(is_selected(&range, FAILURES, 2, "0100"));
    range.from.s = START_S + 599;
    EXPECT(is_selected(&range, FAILURES, 2, "0101" FIRST));
    EXPECT(is_selected(&second, FAILURES, 2, "0101 0201 0600000257"));
    EXPECT(is("0.0.99.98.3.255", 2, "0100")); /* of an M-Bus that is not there */
    EXPECT(is("0.0.99.98.3.255", 7, "06 00000000"));
}

static void the_newest_codes_are_those_of_their_logs(void)
{
    EXPECT_OK(start());
    EXPECT(is("0.0.96.11.1.255", 2, "12 0000"));
    EXPECT(is("0.0.96.11.3.255", 2, "12 0000"));
    EXPECT_OK(wk_module_log(&g_module, (struct wk_event){.code = WK_EVENT_TERMINAL_COVER}));
    EXPECT_OK(wk_module_log(&g_module, (struct wk_event){.code = WK_EVENT_MAGNET}));
    EXPECT_OK(wk_module_log(&g_module, (struct wk_event){.code = WK_EVENT_RELAY_ON}));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT(is("0.0.96.11.1.255", 2, "12 002A"));
    EXPECT(is("0.0.96.11.2.255", 2, "12 013D"));
    EXPECT(is("0.0.96.11.4.255", 2, "12 0000"));
    EXPECT(is("0.0.96.11.6.255", 2, "12 0000")); /* all in the standard log: none of its own */
}

/* Bits as docs/objects.md names them. */
static void signals_are_the_states_of_contacts(void)
{
    EXPECT_OK(start());
    EXPECT(is("0.0.96.3.1.255", 2, "11 00"));
    g_module.rooms.tamper.latch[wk_tamper_latch_of(WK_TAMPER_MAIN_COVER)].on = true;
    g_module.rooms.tamper.latch[wk_tamper_latch_of(WK_TAMPER_MAGNET)].on = true;
    EXPECT(is("0.0.96.3.1.255", 2, "11 0A"));
    g_closed = true;
    g_module.rooms.control.relay[1].on = true;
    EXPECT(is("0.0.96.3.2.255", 2, "11 05"));
    g_closed = false; /* the contact reports something else than is wanted */
    EXPECT(is("0.0.96.3.2.255", 2, "11 04"));
    EXPECT(is("0.0.96.3.3.255", 2, "11 05"));
    g_module.rooms.tariff.load = 0x9;
    EXPECT(is("0.0.96.3.4.255", 2, "11 09"));
}

static void angles_are_of_one_to_another(void)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW,
                               .span_us = US / 5,
                               .window = {.phases = 3,
                                          .u_mdeg = {10000, -110000, 130000},
                                          .i_mdeg = {-20000, -140000, 170000, 0}}};
    EXPECT_OK(start());
    EXPECT_OK(consume(&record, START_S + 1));
    EXPECT(is("1.0.81.7.0.255", 2, "05 00000000"));
    EXPECT(is("1.0.81.7.10.255", 2, "05 FFFE2B40")); /* -120 degrees */
    EXPECT(is("1.0.81.7.1.255", 2, "05 0001D4C0"));
    EXPECT(is("1.0.81.7.12.255", 2, "05 0001D4C0")); /* -240 */
    EXPECT(is("1.0.81.7.40.255", 2, "05 FFFF8AD0")); /* -30 */
    EXPECT(is("1.0.81.7.62.255", 2, "05 00009C40"));
    EXPECT(is("1.0.81.7.61.255", 2, "05 FFFEC780")); /* 280 */
}

static void harmonics_are_those_of_the_newest_spectrum(void)
{
    struct wk_record spectrum = {
        .kind = WK_RECORD_SPECTRUM,
        .spectrum = {.level = WK_RECORD_LEVEL_3_S, .slot = 5, .orders = 39}};
    spectrum.spectrum.subgroup[3] = 1.25F;
    spectrum.spectrum.subgroup[40] = 9.0F; /* not valid at 39 orders */
    EXPECT_OK(start());
    EXPECT(!is("1.0.51.7.126.255", 2, "01 00")); /* not known yet */
    EXPECT_OK(consume(&spectrum, START_S + 3));
    EXPECT(is("1.0.51.7.126.255", 2,
              "01 28 06 00000000 06 00000000 06 000004E2 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 06 00000000 "
              "06 00000000 06 00000000 06 00000000 06 00000000"));
    EXPECT(!is("1.0.52.7.126.255", 2, "01 28"));
}

static void errors_are_those_of_now(void)
{
    struct wk_record stuck = {.kind = WK_RECORD_EVENT,
                              .event = {.kind = WK_RECORD_STUCK_BEGIN, .channels = 1}};
    EXPECT_OK(start());
    EXPECT(is("0.0.97.97.0.255", 2, "06 00000000"));
    EXPECT_OK(consume(&stuck, START_S + 3));
    EXPECT(is("0.0.97.97.0.255", 2, "06 00004000"));
    g_module.rooms.control.contact.fault_reported = true;
    EXPECT(is("0.0.97.97.0.255", 2, "06 00004200"));
}

WK_TEST_MAIN(T(sags_and_swells_count_in_each_of_their_phases),
             T(what_is_shorter_than_its_least_duration_is_not_counted),
             T(an_outage_is_of_all_phases_or_of_one),
             T(a_tamper_of_several_phases_lasts_until_the_last_ends),
             T(faults_of_samples_last_from_begin_to_end),
             T(counts_come_back_as_they_were_packed), T(what_metrology_found_is_there_to_read),
             T(an_outage_is_counted_once_and_outlives_a_restart),
             T(power_failures_have_a_log_of_their_own),
             T(the_newest_codes_are_those_of_their_logs), T(signals_are_the_states_of_contacts),
             T(angles_are_of_one_to_another), T(harmonics_are_those_of_the_newest_spectrum),
             T(errors_are_those_of_now))
