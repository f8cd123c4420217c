/* SPDX-License-Identifier: Apache-2.0
 *
 * Push setups that clients wrote, and what was delivered, over restarts and cuts of power. */
#include "management/module_pack.h"
#include "management/push.h"
#include "management/test_contactor.h"

#include "cosem/cosem_test.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20
#define VALUE   2048
#define SETUP   2
#define US      INT64_C(1000000)

static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_before[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_push g_push;

static uint32_t draw_number(void *self)
{
    (void)self;
    return 0;
}

static wk_err boot(void)
{
    struct wk_module_config config = {
        .identity = {.serial = "WK10000001", .logical_name = "WKT0000010000001", .phases = 1},
        .period_s = 900,
        .control_mode = 4,
        .calendar = {.name = "TOU",
                     .season_count = 1,
                     .season = {{1, 1, 0}},
                     .week_count = 1,
                     .day_count = 1,
                     .day = {{1, {{0, 1, 0}}}}},
        .layout = {.kv_sectors = 4, .log_sectors = {6, 4, 4}},
        .push = &g_push,
    };
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    const struct wk_push_config push = {.table = &g_module.table,
                                        .zone = &wk_zone_utc,
                                        .role = WK_ROLE_MANAGEMENT,
                                        .max_pdu = 512,
                                        .draw = draw_number};
    config.zone = wk_zone_central_europe;
    WK_TRY(wk_push_init(&g_push, &push));
    return wk_module_init(&g_module, &config, &ports);
}

static void new_flash(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
}

/* Every attribute with every kind of content: restrictions by date, by entry, columns, windows. */
static const struct {
    uint8_t attribute;
    const char *value;
} k_values[] = {
    {2, "0103"
        "0206 120001 0906 00002A0000FF 0F02 120000 0202 1600 00 0100"
        "0206 120007 0906 0100630100FF 0F02 120000"
        " 0202 1601 0202 090C07EA0B15FF00000000000000 090C07EA0B16FF00000000000000"
        " 0102 0204 120008 0906 0000010000FF 0F02 120000"
        " 0204 120003 0906 0100010800FF 0F02 120000"
        "0206 120007 0906 0100630200FF 0F02 120000 0202 1602 0202 0600000001 0600000000 0100"},
    {3, "0203 1600 090E 3132372E302E302E313A34303539 1600"},
    {4, "0101 0202 090CFFFFFFFFFF06000000000000 090CFFFFFFFFFF07000000000000"},
    {5, "120011"},
    {6, "1103"},
    {7, "0203 120005 1200C8 12012C"},
    {8, "0906 0000190000FF"},
    {9, "0F66"},
    {11, "1602"},
};

static wk_err write_all(void)
{
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_values[i].value);
        struct wk_bytes_in in = wk_test_in(&octets);
        const wk_err err = wk_push_set(&g_push, SETUP, k_values[i].attribute, &in);
        if (err != WK_OK) {
            printf("# attribute %d\n", k_values[i].attribute);
            return err;
        }
    }
    return WK_OK;
}

/* How many of the attributes are as they were written. */
static size_t count_written(void)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof k_values / sizeof k_values[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_values[i].value);
        uint8_t room[VALUE];
        struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
        count += wk_push_get(&g_push, SETUP, k_values[i].attribute, &out) == WK_OK &&
                         out.size == octets.size && memcmp(room, octets.data, octets.size) == 0
                     ? 1U
                     : 0U;
    }
    return count;
}
#define ALL (sizeof k_values / sizeof k_values[0])

static void what_a_client_wrote_is_there_after_a_restart(void)
{
    uint8_t value[VALUE];
    size_t size;
    new_flash();
    EXPECT_OK(boot());
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_module_value(&g_module.rooms.store, WK_MODULE_KEY_PUSH + SETUP, value,
                               sizeof value, &size)); /* that of the configuration counts */
    EXPECT_OK(write_all());
    EXPECT_OK(wk_module_settle(&g_module)); /* at once */
    EXPECT_I64(0, g_push.changed);
    EXPECT_OK(boot());
    EXPECT_I64(ALL, count_written());
}

static void a_cut_leaves_a_setup_as_it_was_or_as_it_was_written(void)
{
    uint32_t cuts = 0;
    uint32_t old = 0;
    new_flash();
    EXPECT_OK(boot());
    memcpy(g_before, g_octets, sizeof g_octets);
    const size_t first = count_written();
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        bool whole = false;
        for (uint64_t at = 0; !whole; at++) {
            memcpy(g_octets, g_before, sizeof g_octets);
            wk_flash_attach(&g_flash, g_octets, SECTOR, SECTORS, 16);
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            EXPECT_OK(write_all());
            wk_flash_power_on(&g_flash, at, (wk_flash_tear)tear, (uint32_t)at + 1);
            whole = wk_module_settle(&g_module) == WK_OK;
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            const size_t count = count_written();
            EXPECT(count == first || count == ALL);
            EXPECT(!whole || count == ALL);
            old += count == first ? 1 : 0;
            cuts++;
        }
    }
    printf("# %u cuts, %u left the old setup\n", (unsigned)cuts, (unsigned)old);
    EXPECT(cuts > 40 && old > 40);
}

/* Where a delivery got to: as finish() of management/push leaves it. */
static void deliver_up_to(int64_t s)
{
    g_push.progress[SETUP].reached_s[1] = s;
    g_push.progress[SETUP].confirmed_us = s * US;
    g_push.jobs[SETUP].pending = false;
    g_push.moved = true;
}

static void what_was_delivered_is_remembered_and_what_is_due_is_sent(void)
{
    new_flash();
    EXPECT_OK(boot());
    EXPECT_OK(write_all());
    deliver_up_to(1790000000);
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT(!g_push.moved);
    EXPECT_OK(boot());
    EXPECT_I64(1790000000, g_push.progress[SETUP].reached_s[1]);
    EXPECT_I64(1790000000 * US, g_push.progress[SETUP].confirmed_us);
    EXPECT_I64(WK_PUSH_NEVER, wk_push_due_us(&g_push));
    EXPECT_OK(wk_push_trigger(&g_push, SETUP, 1790000900 * US));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_OK(boot());
    EXPECT(g_push.jobs[SETUP].pending && wk_push_due_us(&g_push) <= 1790000900 * US);
    /* another list of objects begins anew */
    const struct wk_test_octets other =
        wk_test_hex("0101 0204 120007 0906 0100630200FF 0F02 120000");
    struct wk_bytes_in in = wk_test_in(&other);
    EXPECT_OK(wk_push_set(&g_push, SETUP, 2, &in));
    EXPECT_OK(wk_module_settle(&g_module));
    EXPECT_OK(boot());
    EXPECT_I64(0, g_push.progress[SETUP].reached_s[1]);
}

static void progress_goes_forward_whatever_is_cut(void)
{
    uint32_t cuts = 0;
    new_flash();
    EXPECT_OK(boot());
    EXPECT_OK(write_all());
    EXPECT_OK(wk_module_settle(&g_module));
    int64_t committed = 0;
    for (int64_t s = 1; s < 300; s++) {
        deliver_up_to(s);
        wk_flash_power_on(&g_flash, (uint64_t)(s % 23),
                          (wk_flash_tear)(s % WK_FLASH_TEAR_COUNT), (uint32_t)s);
        const bool done = wk_module_settle(&g_module) == WK_OK;
        committed = done ? s : committed;
        cuts += done ? 0 : 1;
        wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
        EXPECT_OK(boot());
        const int64_t reached = g_push.progress[SETUP].reached_s[1];
        EXPECT(reached >= committed && reached <= s);
        committed = reached;
        EXPECT_I64(ALL, count_written());
    }
    EXPECT(cuts > 50);
}

static void what_is_cut_off_or_foreign_is_refused(void)
{
    uint8_t room[WK_PUSH_SETUP_PACKED];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    new_flash();
    EXPECT_OK(boot());
    EXPECT_OK(write_all());
    wk_push_setup_pack(&g_push, SETUP, &out);
    EXPECT_OK(out.fault);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(room, size);
        EXPECT(wk_push_setup_unpack(&g_push, SETUP, &in) != WK_OK);
        EXPECT_I64(ALL, count_written());
    }
    for (size_t at = 0; at < out.size; at++) {
        const uint8_t right = room[at];
        struct wk_bytes_in in = wk_bytes_in_of(room, out.size);
        room[at] = 0xFF;
        (void)!wk_push_setup_unpack(&g_push, SETUP, &in);
        EXPECT(g_push.size <= sizeof g_push.values);
        room[at] = right;
    }
    /* version 1, of an earlier firmware, counts as not set */
    struct wk_bytes_in old = wk_bytes_in_of((const uint8_t *)"\1\0\0\0", 4);
    EXPECT_OK(wk_push_setup_unpack(&g_push, SETUP, &old));
    out = wk_bytes_out_of(room, sizeof room);
    wk_push_progress_pack(&g_push, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(room, size);
        EXPECT(wk_push_progress_unpack(&g_push, &in) != WK_OK);
    }
}

WK_TEST_MAIN(T(what_a_client_wrote_is_there_after_a_restart),
             T(a_cut_leaves_a_setup_as_it_was_or_as_it_was_written),
             T(what_was_delivered_is_remembered_and_what_is_due_is_sent),
             T(progress_goes_forward_whatever_is_cut), T(what_is_cut_off_or_foreign_is_refused))
