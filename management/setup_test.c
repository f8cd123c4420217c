/* SPDX-License-Identifier: Apache-2.0
 *
 * Types against encodings written by hand from the tags of A-XDR, values over restarts. */
#include "management/setup.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/cosem_test.h"
#include "management/module_pack.h"
#include "management/test_contactor.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20
#define NOW_US  INT64_C(1790000000000000)

static struct wk_setup g_setup;
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;

static wk_err boot(uint64_t operations)
{
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 1},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = 4,
        .setup = &g_setup,
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
    };
    wk_flash_power_on(&g_flash, operations, WK_FLASH_TEAR_NOTHING, 1);
    return wk_module_init(&g_module, &config, &ports);
}

static wk_err boot_new(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    return boot(UINT64_MAX);
}

/* ---- the meter's objects ----------------------------------------------------------------- */

static struct wk_object_call call_of(const char *obis)
{
    uint8_t octets[WK_OBIS_SIZE];
    struct wk_object_call call = {
        .meter = &g_module.rooms, .now_us = NOW_US, .role = WK_ROLE_MANAGEMENT};
    if (wk_obis_parse(obis, octets) != WK_OK) {
        wk_test_failed_ = true;
    }
    call.object = wk_object_find(&g_module.table, 0, octets);
    wk_test_failed_ = wk_test_failed_ || call.object->access->functions != &wk_objects_setup;
    return call;
}

static wk_err set(const char *obis, uint8_t attribute, const char *hex)
{
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    return call.object->access->functions->set(&call, attribute, &in);
}

static wk_err act(const char *obis, uint8_t method, const char *hex, struct wk_bytes_out *reply)
{
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets value = wk_test_hex(hex);
    struct wk_bytes_in in = wk_test_in(&value);
    return call.object->access->functions->action(&call, method, &in, reply);
}

static bool is(const char *obis, uint8_t attribute, const char *hex)
{
    static const struct wk_object_selection k_all = {.column_first = 1};
    const struct wk_object_call call = call_of(obis);
    const struct wk_test_octets wanted = wk_test_hex(hex);
    struct wk_object_cursor cursor = {0};
    uint8_t room[WK_SETUP_VALUE];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    return call.object->access->functions->get(&call, attribute, &k_all, &cursor, &out) ==
               WK_OK &&
           out.size == wanted.size && memcmp(room, wanted.data, wanted.size) == 0;
}

#define TCP  "0.0.25.0.0.255"
#define IPV4 "0.0.25.1.0.255"
#define NOTE "0.0.96.1.9.255"

static void a_parameter_has_its_first_value_until_it_is_set(void)
{
    EXPECT_OK(boot_new());
    EXPECT(is(TCP, 2, "12 0FDB"));
    EXPECT(is(TCP, 3, "09 06 0000190100FF"));
    EXPECT_OK(set(TCP, 2, "12 1234"));
    EXPECT(is(TCP, 2, "12 1234"));
    EXPECT(g_setup.size > 0);
    EXPECT_OK(set(TCP, 2, "12 0FDB")); /* the first value takes no room */
    EXPECT_I64(0, g_setup.size);
}

static void a_value_of_another_type_or_range_changes_nothing(void)
{
    EXPECT_OK(boot_new());
    EXPECT_ERR(WK_E_RANGE, set(TCP, 2, "12 0000"));
    EXPECT_ERR(WK_E_FORMAT, set(TCP, 2, "11 05"));
    EXPECT_ERR(WK_E_SHORT, set(TCP, 2, "12 12"));
    EXPECT_ERR(WK_E_SHORT, set(TCP, 2, ""));
    EXPECT_ERR(WK_E_FORMAT, set(TCP, 2, "12 1234 00"));
    EXPECT_ERR(WK_E_RANGE, set(TCP, 3, "09 05 0000190100"));
    EXPECT_ERR(WK_E_RANGE, set(IPV4, 4,
                               "01 05 0600000000 0600000001 0600000002 0600000003 06"
                               "00000004"));
    EXPECT_ERR(WK_E_FORMAT, set(IPV4, 4, "01 8101 0600000000"));
    EXPECT_ERR(WK_E_FORMAT, set(IPV4, 5, "01 01 02 02 1101 1102"));
    EXPECT_ERR(WK_E_FORMAT, set(IPV4, 5, "01 01 02 03 1101 1102 1103"));
    EXPECT_I64(0, g_setup.size);
    EXPECT_OK(set(IPV4, 5, "01 02 02 03 1101 1102 0901AA 02 03 1103 1104 0900"));
    EXPECT(is(IPV4, 5, "01 02 02 03 1101 1102 0901AA 02 03 1103 1104 0900"));
}

static void methods_add_to_an_array_remove_from_it_and_count(void)
{
    uint8_t room[8];
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    EXPECT_OK(boot_new());
    EXPECT_OK(act(IPV4, 1, "06 E0000001", &reply));
    EXPECT_OK(act(IPV4, 1, "06 E0000002", &reply));
    EXPECT_ERR(WK_E_RANGE, act(IPV4, 1, "06 E0000002", &reply)); /* there already */
    EXPECT_ERR(WK_E_FORMAT, act(IPV4, 1, "12 0001", &reply));
    EXPECT_ERR(WK_E_RANGE, act(IPV4, 2, "06 E0000003", &reply)); /* not there */
    EXPECT_OK(act(IPV4, 2, "06 E0000001", &reply));
    EXPECT(is(IPV4, 4, "01 01 06 E0000002"));
    EXPECT_I64(0, reply.size);
    EXPECT_OK(act(IPV4, 3, "0F 00", &reply));
    EXPECT_BYTES("\x12\x00\x01", room, 3);
    EXPECT_OK(act(IPV4, 1, "06 E0000003", &reply));
    EXPECT_OK(act(IPV4, 1, "06 E0000004", &reply));
    EXPECT_OK(act(IPV4, 1, "06 E0000005", &reply));
    EXPECT_ERR(WK_E_RANGE, act(IPV4, 1, "06 E0000006", &reply)); /* four at most */
    EXPECT_ERR(WK_E_UNSUPPORTED, act(TCP, 1, "0F 00", &reply));
}

static void what_was_set_is_there_after_a_restart_and_logged(void)
{
    EXPECT_OK(boot_new());
    EXPECT_OK(set(NOTE, 2, "09 05 68656C6C6F"));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_OK(boot(UINT64_MAX));
    EXPECT(is(NOTE, 2, "09 05 68656C6C6F"));
    EXPECT(is(TCP, 2, "12 0FDB"));
}

static void a_cut_leaves_the_old_value_or_the_new_one(void)
{
    uint32_t old = 0;
    uint32_t cuts = 0;
    bool whole = false;
    for (uint64_t at = 0; !whole && at < 200; at++) {
        EXPECT_OK(boot_new());
        EXPECT_OK(set(NOTE, 2, "09 01 41"));
        EXPECT_OK(wk_module_settle(&g_module));
        EXPECT_OK(set(NOTE, 2, "09 01 42"));
        wk_flash_power_on(&g_flash, at, WK_FLASH_TEAR_NOTHING, (uint32_t)at + 1);
        whole = wk_module_settle(&g_module) == WK_OK;
        EXPECT_OK(boot(UINT64_MAX));
        const bool is_new = is(NOTE, 2, "09 01 42");
        EXPECT(is_new || is(NOTE, 2, "09 01 41"));
        EXPECT(!whole || is_new);
        old += is_new ? 0 : 1;
        cuts++;
    }
    EXPECT(whole && old > 0);
    printf("# %u cuts, %u left the old value\n", (unsigned)cuts, (unsigned)old);
}

static void room_for_values_ends_without_harm(void)
{
    char hex[128];
    char two[264];
    char obis[] = "0.0.96.1.1.255";
    uint32_t taken = 0;
    EXPECT_OK(boot_new());
    (void)strcpy(hex, "0930");
    for (int i = 0; i < 48; i++) {
        (void)strcat(hex, "41");
    }
    for (char digit = '1'; digit <= '9'; digit++) {
        obis[9] = digit;
        taken += set(obis, 2, hex) == WK_OK ? 1 : 0;
    }
    EXPECT_I64(9, taken);
    EXPECT_OK(set("0.0.25.10.0.255", 3, hex));
    EXPECT_OK(set("0.0.25.4.0.255", 2, hex));
    EXPECT_OK(set("0.0.2.1.0.255", 3, "11 07"));
    (void)snprintf(two, sizeof two, "0102%s%s", hex, hex);
    EXPECT_ERR(WK_E_STATE, set("0.0.2.1.0.255", 6, two));
    EXPECT(is("0.0.2.1.0.255", 6, "01 00"));
    EXPECT_OK(set(obis, 2, "09 00")); /* what is given back can be used */
    EXPECT_OK(set("0.0.2.1.0.255", 4, "12 0001"));
}

/* ---- types and stored octets that are anything ------------------------------------------- */

static void whatever_conforms_is_one_value_and_of_its_type(void)
{
    static const uint8_t k_type[] = {1, 4, 10, 2, 3, 17, 2, 9, 9, 0, 3, 3};
    uint64_t seed = 20261121;
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        uint8_t octets[32] = {1, 2, 2, 3, 17, 5, 9, 1, 7, 3, 1, 2, 3, 17, 9, 9, 0, 3, 0};
        const uint64_t random = wk_test_random(&seed);
        octets[random % 19] = (uint8_t)(random >> 8);
        struct wk_bytes_in in = wk_bytes_in_of(octets, 12 + (size_t)(random >> 16) % 20);
        struct wk_bytes_in whole = in;
        if (wk_setup_conforms(k_type, &in) != WK_OK) {
            continue;
        }
        wk_axdr_skip(&whole);
        EXPECT_OK(whole.fault);
        EXPECT_I64(whole.at, in.at);
        taken++;
    }
    printf("# seed 20261121\n");
    EXPECT(taken > 100);
}

static void stored_octets_that_are_anything_are_refused_or_harmless(void)
{
    const struct wk_setup_key key = {
        .class_id = 41, .obis = {0, 0, 25, 0, 0, 255}, .attribute = 2};
    uint64_t seed = 20261122;
    for (uint32_t round = 0; round < 5000; round++) {
        uint8_t octets[64] = {1,  0, 0, 0,  0, 0, 0,   0, 0, 0, 0,  0,  0, 0,
                              41, 0, 0, 25, 0, 0, 255, 2, 0, 3, 18, 18, 52};
        const uint64_t random = wk_test_random(&seed);
        octets[random % 27] ^= (uint8_t)(1U << (random >> 8) % 8);
        struct wk_bytes_in in = wk_bytes_in_of(octets, (size_t)(random >> 16) % 64);
        uint8_t room[WK_SETUP_VALUE];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        g_setup = (struct wk_setup){0};
        if (wk_setup_unpack(&g_setup, &in) == WK_OK) {
            EXPECT_OK(wk_setup_get(&g_setup, &key, &out));
        }
    }
    printf("# seed 20261122\n");
}

WK_TEST_MAIN(T(a_parameter_has_its_first_value_until_it_is_set),
             T(a_value_of_another_type_or_range_changes_nothing),
             T(methods_add_to_an_array_remove_from_it_and_count),
             T(what_was_set_is_there_after_a_restart_and_logged),
             T(a_cut_leaves_the_old_value_or_the_new_one), T(room_for_values_ends_without_harm),
             T(whatever_conforms_is_one_value_and_of_its_type),
             T(stored_octets_that_are_anything_are_refused_or_harmless))
