/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 65 of a whole meter: what clients change is noticed, and nothing else. */
#include "management/parameter_monitor.h"

#include <string.h>

#include "cosem/cosem_test.h"
#include "management/module.h"
#include "port/bearssl/bearssl.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20
#define US      INT64_C(1000000)
#define START_S INT64_C(1790000000) /* 2026-09-21 14:13:20 UTC, a Monday */
#define MONITOR "0.0.16.2.0.255"
#define ID      "0.0.96.1.1.255"
#define NONE    "09 0C FFFFFFFFFFFFFFFFFF8000FF" /* of a date-time */

static struct wk_setup g_setup;
static struct wk_parameter_monitor g_monitor;
static struct wk_bearssl g_bearssl;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static uint8_t g_value[600];
static size_t g_size;

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
    (void)closed;
    return WK_OK;
}

static wk_err contactor_is_closed(void *self, bool *closed)
{
    (void)self;
    *closed = true;
    return WK_OK;
}

static wk_err no_random(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 0, size);
    return WK_OK;
}

static wk_err boot(void)
{
    static const struct wk_hal_contactor k_contactor = {.set = contactor_set,
                                                        .is_closed = contactor_is_closed};
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 1},
        .zone = wk_zone_utc,
        .period_s = 900,
        .control_mode = 4,
        .setup = &g_setup,
        .parameter_monitor = &g_monitor,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
    };
    wk_bearssl_init(&g_bearssl, NULL, no_random);
    wk_bearssl_add_sha256(&g_bearssl);
    wk_parameter_monitor_init(&g_monitor, &g_bearssl.hal);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    WK_TRY(wk_module_init(&g_module, &config, &ports));
    struct wk_record record = {.kind = WK_RECORD_WINDOW,
                               .epoch = 1,
                               .seq = g_module.cursor.seq + 1,
                               .t_us = START_S * US,
                               .span_us = US};
    record.window.phases = 1;
    return wk_module_consume(&g_module, &record);
}

static wk_err start(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    return boot();
}

static struct wk_object_call call_of(const char *obis)
{
    uint8_t octets[WK_OBIS_SIZE] = {0};
    wk_test_failed_ = wk_test_failed_ || wk_obis_parse(obis, octets) != WK_OK;
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, 0, octets),
                                   .now_us = START_S * US,
                                   .role = WK_ROLE_MANAGEMENT};
}

static bool is(const char *obis, uint8_t attribute, const char *hex)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    const struct wk_test_octets wanted = wk_test_hex(hex);
    const struct wk_object_call call = call_of(obis);
    struct wk_object_cursor cursor = {0};
    struct wk_bytes_out out = wk_bytes_out_of(g_value, sizeof g_value);
    const wk_err err =
        call.object->access->functions->get(&call, attribute, &k_all, &cursor, &out);
    g_size = out.size;
    return err == WK_OK && g_size == wanted.size &&
           memcmp(g_value, wanted.data, wanted.size) == 0;
}

/* As a message of a client does it. */
static wk_err set(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    WK_TRY(call.object->access->functions->set(&call, attribute, &in));
    return wk_module_settle(&g_module);
}

static wk_err act(uint8_t method, const char *hex)
{
    const struct wk_object_call call = call_of(MONITOR);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    struct wk_bytes_out reply = wk_bytes_out_of(NULL, 0);
    WK_TRY(call.object->access->functions->action(&call, method, &in, &reply));
    return wk_module_settle(&g_module);
}

#define ID_ENTRY   "02 03 12 0001 0906 0000600101FF 0F 02"
#define PORT_ENTRY "02 03 12 0029 0906 0000190000FF 0F 02"

static void a_change_is_noticed_with_its_time_and_value(void)
{
    EXPECT_OK(start());
    EXPECT(is(MONITOR, 2, "02 04 12 0000 0906 000000000000 0F 00 00"));
    EXPECT(is(MONITOR, 3, NONE));
    EXPECT_OK(set(MONITOR, 4, "01 02 " ID_ENTRY " " PORT_ENTRY));
    EXPECT(is(MONITOR, 3, NONE)); /* a new list is no change */
    EXPECT_OK(set(ID, 2, "09 02 4142"));
    EXPECT(is(MONITOR, 2, "02 04 12 0001 0906 0000600101FF 0F 02 09 02 4142"));
    EXPECT(is(MONITOR, 3, "09 0C 07EA0915010E0D1400000000"));
    EXPECT_OK(set("0.0.25.0.0.255", 2, "12 1000"));
    EXPECT(is(MONITOR, 2, "02 04 12 0029 0906 0000190000FF 0F 02 12 1000"));
    EXPECT(is(MONITOR, 8, "02 02 09 02 4142 12 1000"));
}

static void what_is_not_in_the_list_or_stays_the_same_is_no_change(void)
{
    EXPECT_OK(start());
    EXPECT_OK(set(MONITOR, 4, "01 01 " ID_ENTRY));
    EXPECT_OK(set(ID, 2, "09 00"));
    EXPECT_OK(set("0.0.96.1.2.255", 2, "09 01 55"));
    EXPECT(is(MONITOR, 3, NONE));
    EXPECT_OK(act(1, PORT_ENTRY));
    EXPECT_OK(set("0.0.25.0.0.255", 2, "12 1000"));
    EXPECT(is(MONITOR, 2, "02 04 12 0029 0906 0000190000FF 0F 02 12 1000"));
    EXPECT_OK(act(2, PORT_ENTRY));
    EXPECT_OK(set("0.0.25.0.0.255", 2, "12 1001"));
    EXPECT(is(MONITOR, 2, "02 04 12 0029 0906 0000190000FF 0F 02 12 1000"));
}

/* The digest was made by another implementation: SHA-256 of 02 01 09 02 41 42. */
static void the_digest_is_that_of_the_values(void)
{
    EXPECT_OK(start());
    EXPECT_OK(set(MONITOR, 4, "01 01 " ID_ENTRY));
    EXPECT_OK(set(ID, 2, "09 02 4142"));
    EXPECT(is(MONITOR, 7,
              "09 20 774E945FB8289C9EAA6EF9A3A45F2150"
              "3DB5EBD4416A80D0313FDAF584F065B3"));
}

static void what_is_not_there_or_too_long_is_null(void)
{
    EXPECT_OK(start());
    EXPECT_OK(set(MONITOR, 4,
                  "01 04 02 03 12 0001 0906 010203040506 0F 02"
                  " 02 03 12 0007 0906 0100630100FF 0F 02" /* a profile's buffer */
                  " 02 03 12 0041 0906 0000100200FF 0F 08" /* its own values */
                  " 02 03 12 0001 0906 0000600101FF 0F 07"));
    EXPECT(is(MONITOR, 8, "02 04 00 00 00 00"));
    EXPECT_OK(set(ID, 2, "09 02 4142"));
    EXPECT(is(MONITOR, 3, NONE));
}

static void the_list_is_kept_and_what_was_noticed_is_not(void)
{
    EXPECT_OK(start());
    EXPECT_OK(set(MONITOR, 4, "01 01 " ID_ENTRY));
    EXPECT_OK(set(ID, 2, "09 02 4142"));
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_OK(boot());
    EXPECT(is(MONITOR, 4, "01 01 " ID_ENTRY));
    EXPECT(is(MONITOR, 3, NONE));
    EXPECT_OK(set("0.0.96.1.2.255", 2, "09 01 55"));
    EXPECT(is(MONITOR, 3, NONE));
    EXPECT_OK(set(ID, 2, "09 02 4143"));
    EXPECT(is(MONITOR, 2, "02 04 12 0001 0906 0000600101FF 0F 02 09 02 4143"));
}

WK_TEST_MAIN(T(a_change_is_noticed_with_its_time_and_value),
             T(what_is_not_in_the_list_or_stays_the_same_is_no_change),
             T(the_digest_is_that_of_the_values), T(what_is_not_there_or_too_long_is_null),
             T(the_list_is_kept_and_what_was_noticed_is_not))
