/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, policies, key pairs and certificates over restarts and cuts of power. */
#include "management/module_pack.h"
#include "management/module_security.h"
#include "management/test_contactor.h"

#include "cosem/cosem_test.h"
#include "port/virtual/flash.h"
#include "tests/certificates.h"
#include "tests/wk_test.h"

#define SECTOR  4096
#define SECTORS 20

static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_before[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_session_setup g_more[1];
static struct wk_session_identity g_identity;

static const struct wk_module_config k_config = {
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
    .system_title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
    .keys = {.ek = {.octets = {1}, .size = 16}, .ak = {.octets = {2}, .size = 16}},
    .kek = {.octets = {3}, .size = 16},
    .password[WK_ROLE_READER] = {.octets = {'o', 'l', 'd'}, .size = 3},
};

static wk_err boot(void)
{
    struct wk_module_config config = k_config;
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    config.zone = wk_zone_central_europe;
    g_more[0] = (struct wk_session_setup){
        .keys = {.ek = {.octets = {4}, .size = 16}, .ak = {.octets = {5}, .size = 16}}};
    g_identity = (struct wk_session_identity){0};
    config.setups = g_more;
    config.setup_count = 1;
    config.pairs = &g_identity;
    return wk_module_init(&g_module, &config, &ports);
}

/* What a client's key_transfer, certificates and password leave behind. */
static wk_err change_all(void)
{
    struct wk_session_security *security = &g_module.security;
    const struct wk_test_octets root = wk_test_hex(k_certificates[1].root);
    const struct wk_test_octets client = wk_test_hex(k_certificates[1].client[0]);
    security->setup[0].keys.ek = (struct wk_hal_key){.octets = {11}, .size = 32};
    security->setup[0].keys.ak = (struct wk_hal_key){.octets = {12}, .size = 32};
    security->setup[0].kek = (struct wk_hal_key){.octets = {13}, .size = 32};
    security->setup[0].policy = 0x6C;
    security->setup[0].suite = 2;
    security->setup[0].counter[WK_SHIELD_UNICAST] = 77;
    g_more[0].keys.ek.octets[0] = 14;
    g_more[0].counter[WK_SHIELD_AGREED] = 5;
    security->password[WK_ROLE_READER] =
        (struct wk_session_secret){.octets = {'n', 'e', 'w'}, .size = 3};
    g_identity.own[0].key = (struct wk_hal_private){.octets = {15}, .size = 48};
    g_identity.own[0].point[95] = 16;
    g_identity.changed |= WK_SESSION_PAIRS_CHANGED;
    security->dirty = true;
    security->keys_dirty = true;
    WK_TRY(wk_session_trust(&g_identity, security->title, wk_test_in(&root)));
    return wk_session_trust(&g_identity, security->title, wk_test_in(&client));
}

/* How many of the changed things are there: 0, all, or a mixture. */
static int changed(void)
{
    const struct wk_session_security *security = &g_module.security;
    const struct wk_session_setup *setup = &security->setup[0];
    const bool there[] = {
        setup->keys.ek.octets[0] == 11 && setup->keys.ek.size == 32,
        setup->keys.ak.octets[0] == 12,
        setup->kek.octets[0] == 13,
        setup->policy == 0x6C,
        setup->suite == 2,
        setup->counter[WK_SHIELD_UNICAST] == 77,
        g_more[0].keys.ek.octets[0] == 14,
        g_more[0].counter[WK_SHIELD_AGREED] == 5,
        security->password[WK_ROLE_READER].octets[0] == 'n',
        g_identity.own[0].key.octets[0] == 15 && g_identity.own[0].point[95] == 16,
        g_identity.certificate[0].size > 400,
        g_identity.certificate[1].size > 400,
    };
    int count = 0;
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
        count += there[i] ? 1 : 0;
    }
    return count;
}
#define ALL 12

static void keys_of_the_configuration_count_until_a_client_changes_them(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    EXPECT_OK(boot());
    EXPECT_I64(0, changed());
    EXPECT_OK(wk_module_commit(&g_module));
    uint8_t value[1600];
    size_t size;
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_module_value(&g_module.rooms.store, WK_MODULE_KEY_KEYS, value, sizeof value,
                               &size)); /* nothing secret is in the store */
    EXPECT_OK(change_all());
    EXPECT_OK(wk_module_settle(&g_module)); /* at once, not in its own time */
    EXPECT(!g_module.security.keys_dirty);
    EXPECT_I64(0, g_identity.changed);
    EXPECT_OK(boot());
    EXPECT_I64(ALL, changed());
}

static void a_cut_leaves_the_old_keys_or_the_new_ones(void)
{
    uint32_t cuts = 0;
    uint32_t old = 0;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    EXPECT_OK(boot());
    EXPECT_OK(wk_module_commit(&g_module));
    memcpy(g_before, g_octets, sizeof g_octets);
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        bool whole = false;
        for (uint64_t at = 0; !whole; at++) {
            memcpy(g_octets, g_before, sizeof g_octets);
            wk_flash_attach(&g_flash, g_octets, SECTOR, SECTORS, 16);
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            EXPECT_OK(change_all());
            wk_flash_power_on(&g_flash, at, (wk_flash_tear)tear, (uint32_t)at + 1);
            whole = wk_module_settle(&g_module) == WK_OK;
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            const int count = changed();
            EXPECT(count == 0 || count == ALL);
            EXPECT(!whole || count == ALL);
            old += count == 0 ? 1 : 0;
            cuts++;
        }
    }
    printf("# %u cuts, %u left the old keys\n", (unsigned)cuts, (unsigned)old);
    EXPECT(cuts > 100 && old > 100);
}

WK_TEST_MAIN(T(keys_of_the_configuration_count_until_a_client_changes_them),
             T(a_cut_leaves_the_old_keys_or_the_new_ones))
