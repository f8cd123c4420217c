/* SPDX-License-Identifier: Apache-2.0
 *
 * Event logs: storms, alarms, and the chain of the security log. */
#include "management/event.h"

#include <string.h>

#include "management/alarm.h"
#include "management/event_storm.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  1024U
#define SECTORS 12U
#define LOG     8
#define MINUTE  INT64_C(60000000)

static const struct wk_store_layout k_layout = {.kv_sectors = 3, .log_sectors = {[LOG] = 6}};
static uint8_t octets[SECTOR * SECTORS];
static struct wk_flash flash;
static struct wk_store store;

/* ---- storms ------------------------------------------------------------------------------ */

static void the_first_of_a_storm_is_logged_and_the_rest_is_counted(void)
{
    struct wk_event_storm storm = {0};
    struct wk_event_storm_count count;
    int logged = 0;
    for (int i = 0; i < 1000; i++) {
        logged += wk_event_storm_admit(&storm, 76, 1, i * MINUTE / 200) ? 1 : 0;
    }
    EXPECT_I64(WK_EVENT_STORM_MOST, logged);
    EXPECT(!wk_event_storm_end(&storm, 9 * MINUTE, &count));
    EXPECT(wk_event_storm_end(&storm, 10 * MINUTE, &count));
    EXPECT(count.code == 76 && count.detail == 1);
    EXPECT_I64(1000 - WK_EVENT_STORM_MOST, count.dropped);
    EXPECT(!wk_event_storm_end(&storm, 10 * MINUTE, &count));
    EXPECT(wk_event_storm_admit(&storm, 76, 1, 10 * MINUTE));
}

/* Every code at once, and each of them often: no first occurrence is missing. */
static void no_first_occurrence_is_ever_dropped(void)
{
    struct wk_event_storm storm = {0};
    for (int round = 0; round < 50; round++) {
        for (uint16_t code = 1; code <= 500; code++) {
            const bool admitted =
                wk_event_storm_admit(&storm, code, (uint8_t)(code % 3), round * MINUTE / 60);
            EXPECT(admitted || round > 0);
        }
    }
    EXPECT(wk_event_storm_admit(&storm, 501, 0, MINUTE));
    EXPECT(wk_event_storm_admit(&storm, 1, 2, MINUTE)); /* another detail is another event */
}

static void what_storms_dropped_is_told_completely(void)
{
    struct wk_event_storm storm = {0};
    struct wk_event_storm_count count;
    uint32_t random = 20261121U;
    uint32_t admitted = 0;
    uint32_t told = 0;
    int64_t t_us = 0;
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525U + 1013904223U;
        t_us += random >> 12;
        admitted += wk_event_storm_admit(&storm, (uint16_t)(1 + (random >> 8) % 30), 0, t_us);
        while (wk_event_storm_end(&storm, t_us, &count)) {
            told += count.dropped;
        }
    }
    while (wk_event_storm_end(&storm, t_us + 20 * MINUTE, &count)) {
        told += count.dropped;
    }
    EXPECT_I64(200000, admitted + told);
    EXPECT(told > 0);
}

static void a_clock_that_goes_back_ends_a_storm(void)
{
    struct wk_event_storm storm = {0};
    struct wk_event_storm_count count;
    for (int i = 0; i < 30; i++) {
        (void)wk_event_storm_admit(&storm, 76, 1, 100 * MINUTE);
    }
    EXPECT(wk_event_storm_end(&storm, 99 * MINUTE, &count));
    EXPECT_I64(14, count.dropped);
}

/* ---- alarms ------------------------------------------------------------------------------ */

static void an_alarm_stays_until_it_is_cleared_and_is_told_once(void)
{
    struct wk_alarm alarm;
    uint32_t bits[WK_ALARM_REGISTERS];
    const struct wk_alarm_destination head = {
        .service = WK_ALARM_TCP, .address = "192.0.2.7:4059", .mask = {0, 0x3}};
    wk_alarm_init(&alarm);
    EXPECT_OK(wk_alarm_direct(&alarm, 2, &head));
    EXPECT(wk_alarm_raise(&alarm, WK_EVENT_POWER_DOWN));
    EXPECT(!wk_alarm_raise(&alarm, WK_EVENT_POWER_DOWN));
    EXPECT(wk_alarm_raise(&alarm, WK_EVENT_OVER_HEAT));
    EXPECT(!wk_alarm_raise(&alarm, WK_EVENT_CALENDAR_ACTIVATED));
    EXPECT_I64(0x1001, alarm.raised[1]);
    EXPECT(!wk_alarm_pending(&alarm, 0, bits));
    EXPECT(wk_alarm_pending(&alarm, 2, bits) && bits[1] == 1 && bits[0] == 0);
    wk_alarm_delivered(&alarm, 2, bits);
    EXPECT(!wk_alarm_pending(&alarm, 2, bits));
    EXPECT_ERR(WK_E_RANGE, wk_alarm_clear(&alarm, 1, 0x1003)); /* nobody raises one by hand */
    EXPECT_OK(wk_alarm_clear(&alarm, 1, 0x1000));
    EXPECT(wk_alarm_raise(&alarm, WK_EVENT_POWER_DOWN));
    EXPECT(wk_alarm_pending(&alarm, 2, bits));
}

static void a_filter_keeps_alarms_from_being_raised(void)
{
    struct wk_alarm alarm;
    wk_alarm_init(&alarm);
    alarm.filter[0] = ~(UINT32_C(1) << 14);
    EXPECT(!wk_alarm_raise(&alarm, WK_EVENT_LOGIN_FAILED));
    EXPECT_I64(0, alarm.raised[0]);
    EXPECT(wk_alarm_raise(&alarm, WK_EVENT_STUCK));
}

static void destinations_that_lead_nowhere_are_refused(void)
{
    struct wk_alarm alarm;
    struct wk_alarm_destination bad = {.service = WK_ALARM_TCP};
    wk_alarm_init(&alarm);
    EXPECT_ERR(WK_E_RANGE, wk_alarm_direct(&alarm, 0, &bad));
    bad.service = WK_ALARM_SERVICES;
    strcpy(bad.address, "x");
    EXPECT_ERR(WK_E_RANGE, wk_alarm_direct(&alarm, 0, &bad));
    bad.service = WK_ALARM_UDP;
    EXPECT_ERR(WK_E_RANGE, wk_alarm_direct(&alarm, WK_ALARM_DESTINATIONS, &bad));
    memset(bad.address, 'x', sizeof bad.address);
    EXPECT_ERR(WK_E_RANGE, wk_alarm_direct(&alarm, 0, &bad));
}

static void alarms_return_from_the_store(void)
{
    uint8_t raw[WK_ALARM_PACKED];
    struct wk_alarm alarm;
    struct wk_alarm back;
    const struct wk_alarm_destination head = {
        .service = WK_ALARM_MQTT, .address = "broker", .mask = {UINT32_MAX, UINT32_MAX}};
    wk_alarm_init(&alarm);
    EXPECT_OK(wk_alarm_direct(&alarm, 3, &head));
    EXPECT(wk_alarm_raise(&alarm, WK_EVENT_SWELL));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_alarm_pack(&alarm, &out);
    EXPECT(out.fault == WK_OK && out.size == sizeof raw);
    struct wk_bytes_in in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_OK(wk_alarm_unpack(&back, &in));
    EXPECT(memcmp(&alarm, &back, sizeof back) == 0);
    raw[16] = WK_ALARM_SERVICES;
    in = wk_bytes_in_of(raw, sizeof raw);
    EXPECT_ERR(WK_E_FORMAT, wk_alarm_unpack(&back, &in));
}

/* ---- logs -------------------------------------------------------------------------------- */

static void every_code_has_its_log(void)
{
    EXPECT_I64(WK_EVENT_LOG_SECURITY, wk_event_log_of(WK_EVENT_LOGIN_FAILED));
    EXPECT_I64(WK_EVENT_LOG_QUALITY, wk_event_log_of(WK_EVENT_DIP));
    EXPECT_I64(WK_EVENT_LOG_DISCONNECT, wk_event_log_of(WK_EVENT_SUPPLY_READY));
    EXPECT_I64(WK_EVENT_LOG_STANDARD, wk_event_log_of(WK_EVENT_POWER_UP));
    EXPECT_I64(WK_EVENT_LOG_STANDARD, wk_event_log_of(65535));
    EXPECT(wk_event_log_name((wk_event_log)3) == NULL);
    EXPECT(strcmp("security", wk_event_log_name(WK_EVENT_LOG_SECURITY)) == 0);
}

/* A hash that is good enough to test what the chain does with one: FNV-1a, four times. The real
 * one is checked where a port provides it. */
static wk_err weak_hash(void *self, const void *in, size_t size, uint8_t out[32])
{
    const uint8_t *from = in;
    (void)self;
    for (unsigned part = 0; part < 4; part++) {
        uint64_t hash = UINT64_C(14695981039346656037) + part;
        for (size_t i = 0; i < size; i++) {
            hash = (hash ^ from[i]) * UINT64_C(1099511628211);
        }
        memcpy(out + 8 * part, &hash, 8);
    }
    return WK_OK;
}

static const struct wk_hal_crypto k_crypto = {.sha256 = weak_hash};
static uint8_t chain[WK_EVENT_CHAIN];

static wk_err fill(int events)
{
    struct wk_store_mount_report report;
    wk_flash_init(&flash, octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    memset(chain, 0, sizeof chain);
    WK_TRY(wk_store_mount(&store, &flash.port, &k_layout, &report));
    for (int i = 0; i < events; i++) {
        const struct wk_event event = {.at = {1000 + i},
                                       .code = WK_EVENT_LOGIN_FAILED,
                                       .value = i,
                                       .snapshot = {.import_uwh = i, .u_mv = {230000}}};
        WK_TRY(wk_event_append_chained(&store, LOG, &event, &k_crypto, chain));
        WK_TRY(i % 3 == 2 ? wk_store_commit(&store, NULL, 0) : WK_OK);
    }
    return wk_store_commit(&store, NULL, 0);
}

static void an_untouched_chain_is_proven(void)
{
    struct wk_event_proof proof;
    for (int events = 0; events <= 200; events += 8) {
        EXPECT_OK(fill(events));
        EXPECT_OK(wk_event_verify(&store, LOG, &k_crypto, chain, &proof));
        EXPECT_I64(events, (int64_t)proof.next);
        EXPECT(proof.broken == proof.next && proof.head_fits);
        EXPECT(events < 100 ||
               proof.oldest > 0); /* it also holds once the ring has come round */
    }
}

/* The same log with one entry changed: written anew with what follows, CRCs and all. */
static void a_changed_entry_is_found(void)
{
    struct wk_event_proof proof;
    uint8_t honest[WK_EVENT_CHAIN];
    EXPECT_OK(fill(20));
    memcpy(honest, chain, sizeof honest);
    for (int changed = 0; changed < 20; changed++) {
        struct wk_store_mount_report report;
        uint8_t forged[WK_EVENT_CHAIN] = {0};
        uint8_t right[WK_EVENT_CHAIN] = {0};
        wk_flash_init(&flash, octets, SECTOR, SECTORS, 16);
        wk_flash_power_on(&flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
        EXPECT_OK(wk_store_mount(&store, &flash.port, &k_layout, &report));
        for (int i = 0; i < 20; i++) {
            struct wk_event event = {.at = {1000 + i},
                                     .code = WK_EVENT_LOGIN_FAILED,
                                     .value = i == changed ? -1 : i,
                                     .snapshot = {.import_uwh = i, .u_mv = {230000}}};
            /* the forger keeps the links that were there */
            uint8_t link[WK_EVENT_CHAIN];
            memcpy(link, right, sizeof link);
            EXPECT_OK(wk_event_append_chained(&store, LOG, &event, &k_crypto, link));
            memcpy(forged, link, sizeof forged);
            memcpy(right, link, sizeof right);
        }
        EXPECT_OK(wk_store_commit(&store, NULL, 0));
        EXPECT_OK(wk_event_verify(&store, LOG, &k_crypto, honest, &proof));
        EXPECT(!proof.head_fits); /* the newest hash, kept elsewhere, gives it away */
    }
}

static void missing_entries_are_found(void)
{
    struct wk_event_proof proof;
    uint8_t honest[WK_EVENT_CHAIN];
    EXPECT_OK(fill(20));
    memcpy(honest, chain, sizeof honest);
    EXPECT_OK(fill(19)); /* the newest one was cut off */
    EXPECT_OK(wk_event_verify(&store, LOG, &k_crypto, honest, &proof));
    EXPECT(proof.broken == proof.next && !proof.head_fits);
    EXPECT_OK(fill(5));
    const struct wk_event event = {.code = WK_EVENT_REPLAY};
    memset(chain, 0x55, sizeof chain); /* put in without the chain */
    EXPECT_OK(wk_event_append_chained(&store, LOG, &event, &k_crypto, chain));
    EXPECT_OK(wk_store_commit(&store, NULL, 0));
    EXPECT_OK(wk_event_verify(&store, LOG, &k_crypto, chain, &proof));
    EXPECT_I64(5, (int64_t)proof.broken);
    EXPECT_OK(wk_event_append(&store, LOG, &event)); /* not chained at all */
    EXPECT_OK(wk_store_commit(&store, NULL, 0));
    EXPECT_OK(wk_event_verify(&store, LOG, &k_crypto, chain, &proof));
    EXPECT_I64(5, (int64_t)proof.broken);
}

static void without_a_hash_nothing_is_chained(void)
{
    const struct wk_event event = {.code = WK_EVENT_REPLAY};
    const struct wk_hal_crypto none = {.sha256 = NULL};
    EXPECT_OK(fill(0));
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_event_append_chained(&store, LOG, &event, &none, chain));
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_event_append_chained(&store, LOG, &event, NULL, chain));
    EXPECT_ERR(WK_E_ARGUMENT, wk_event_append_chained(&store, 3, &event, &k_crypto, chain));
}

static void an_entry_returns_as_it_was(void)
{
    struct wk_event back;
    const struct wk_event event = {
        .at = {1800000000},
        .code = WK_EVENT_SWELL,
        .detail = 5,
        .value = INT32_MIN,
        .more = INT32_MAX,
        .snapshot = {.import_uwh = INT64_MAX,
                     .u_mv = {230000, -1, INT32_MAX},
                     .i_ma = {1, 2, 3},
                     .pf_e3 = {1000, -1000, 0},
                     .tariff = 8},
    };
    EXPECT_OK(fill(0));
    EXPECT_OK(wk_event_append(&store, LOG, &event));
    EXPECT_OK(wk_store_commit(&store, NULL, 0));
    struct wk_store_reader reader = {0};
    EXPECT_OK(wk_event_read(&store, LOG, &reader, &back));
    EXPECT_I64(event.at.s, back.at.s);
    EXPECT(back.code == event.code && back.detail == 5 && back.value == INT32_MIN);
    EXPECT(back.more == INT32_MAX && back.snapshot.import_uwh == INT64_MAX);
    EXPECT(back.snapshot.u_mv[1] == -1 && back.snapshot.i_ma[2] == 3);
    EXPECT(back.snapshot.pf_e3[1] == -1000 && back.snapshot.tariff == 8);
}

WK_TEST_MAIN(T(the_first_of_a_storm_is_logged_and_the_rest_is_counted),
             T(no_first_occurrence_is_ever_dropped), T(what_storms_dropped_is_told_completely),
             T(a_clock_that_goes_back_ends_a_storm),
             T(an_alarm_stays_until_it_is_cleared_and_is_told_once),
             T(a_filter_keeps_alarms_from_being_raised),
             T(destinations_that_lead_nowhere_are_refused), T(alarms_return_from_the_store),
             T(every_code_has_its_log), T(an_untouched_chain_is_proven),
             T(a_changed_entry_is_found), T(missing_entries_are_found),
             T(without_a_hash_nothing_is_chained), T(an_entry_returns_as_it_was))
