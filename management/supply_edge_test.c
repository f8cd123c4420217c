/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of the supply over a power cut: a state that cannot be is not taken. */
#include "management/module.h"
#include "management/module_supply.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  4096U
#define SECTORS 18U
#define STATE   31U /* octets of the state, at the end; before it 18 of the response */
#define LEVEL   (STATE + 18U)

static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_raw[WK_MODULE_SUPPLY_ROOM];
static size_t g_size;
static struct wk_flash g_flash;
static struct wk_module g_module;

static wk_err begin(void)
{
    const struct wk_module_config config = {
        .identity = {.serial = "WK10000001", .phases = 3},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .layout = {.kv_sectors = 4, .log_sectors = {4, 4, 4}},
        .seed = 4711,
    };
    const struct wk_module_ports ports = {.flash = &g_flash.port};
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    WK_TRY(wk_module_init(&g_module, &config, &ports));
    struct wk_bytes_out out = wk_bytes_out_of(g_raw, sizeof g_raw);
    wk_module_supply_pack(&g_module, 5, &out);
    g_size = out.size;
    return out.fault;
}

/* Takes the packed supply with the octet `behind` octets before its end changed. */
static wk_err take_with(size_t behind, uint8_t value)
{
    uint8_t raw[sizeof g_raw];
    memcpy(raw, g_raw, g_size);
    raw[g_size - behind] = value;
    struct wk_bytes_in in = wk_bytes_in_of(raw, g_size);
    return wk_module_supply_unpack(&g_module, 5, &in);
}

static void the_last_state_and_the_last_mode_are_taken(void)
{
    EXPECT_OK(begin());
    EXPECT_OK(take_with(STATE, WK_SUPPLY_STATE_COUNT - 1));
    EXPECT_I64(WK_SUPPLY_STATE_COUNT - 1, g_module.rooms.supply.state);
    EXPECT_OK(take_with(STATE - 1, WK_SUPPLY_MODE_MAX));
    EXPECT_I64(WK_SUPPLY_MODE_MAX, g_module.rooms.supply.mode);
    EXPECT_OK(take_with(STATE - 19, WK_RECLOSE_STATES - 1));
    EXPECT_I64(WK_RECLOSE_STATES - 1, g_module.rooms.control.reclose.state);
    EXPECT_OK(take_with(LEVEL, WK_RESPONSE_LEVELS - 1));
    EXPECT_I64(WK_RESPONSE_LEVELS - 1, g_module.rooms.control.response.level);
    EXPECT_OK(take_with(LEVEL - 1, WK_RESPONSE_LEVELS - 1));
    EXPECT_I64(WK_RESPONSE_LEVELS - 1, g_module.rooms.control.response.ordered);
}

static void a_state_that_does_not_exist_is_refused(void)
{
    EXPECT_OK(begin());
    EXPECT_ERR(WK_E_FORMAT, take_with(STATE, WK_SUPPLY_STATE_COUNT));
    EXPECT_ERR(WK_E_FORMAT, take_with(STATE - 1, WK_SUPPLY_MODE_MAX + 1));
    EXPECT_ERR(WK_E_FORMAT, take_with(STATE - 19, WK_RECLOSE_STATES));
    EXPECT_ERR(WK_E_FORMAT, take_with(LEVEL, WK_RESPONSE_LEVELS));
    EXPECT_ERR(WK_E_FORMAT, take_with(LEVEL - 1, WK_RESPONSE_LEVELS));
    EXPECT_ERR(WK_E_FORMAT, take_with(g_size, 0)); /* another version */
}

static void a_supply_that_is_cut_short_is_refused(void)
{
    EXPECT_OK(begin());
    for (size_t size = 0; size < g_size; size++) {
        struct wk_bytes_in in = wk_bytes_in_of(g_raw, size);
        EXPECT(wk_module_supply_unpack(&g_module, 5, &in) != WK_OK);
    }
}

WK_TEST_MAIN(T(the_last_state_and_the_last_mode_are_taken),
             T(a_state_that_does_not_exist_is_refused),
             T(a_supply_that_is_cut_short_is_refused))
