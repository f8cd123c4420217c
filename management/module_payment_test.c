/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole meter with payment: what windows cost, what the supply does, what a client may set, and
 * that neither is lost or doubled by a cut of power at any operation. */
#include "management/module.h"
#include "management/payment.h"

#include "cosem/axdr.h"
#include "management/module_supply.h"
#include "management/test_contactor.h"
#include "port/bearssl/bearssl.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR     4096U
#define SECTORS    18U
#define US         INT64_C(1000000)
#define UNIT       INT64_C(1000000)
#define SPAN       (US / 5)
#define START      (INT64_C(1769986800) * US) /* midnight in central Europe */
#define WINDOW_UWH INT64_C(333333337)         /* a third of a kWh in a window */
#define PRICE_E4   3000

static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_before[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_module g_module;
static struct wk_setup g_setup;
static struct wk_payment g_payment;
static struct wk_bearssl g_bearssl;
static struct wk_token_transfer g_transfer;
static uint8_t g_mode;
static bool g_by_hand;
static uint64_t g_seq;
static int64_t g_t_us;

static wk_err no_entropy(void *self, void *to, size_t size)
{
    (void)self;
    memset(to, 1, size);
    return WK_OK;
}

static wk_err prepare(void)
{
    struct wk_account *account = &g_payment.account;
    wk_payment_usual(&g_payment);
    account->rules.mode = WK_ACCOUNT_PREPAYMENT;
    account->rules.friendly = 4;
    account->rules.by_hand = g_by_hand;
    account->rules.low_e6 = 2 * UNIT;
    account->credit[2].rules.preset_e6 = UNIT;
    account->charge[0].rules.active.count = 1;
    account->charge[0].rules.active.charge[0] = PRICE_E4;
    g_payment.tokens = wk_token_transfer_port(&g_transfer);
    return wk_payment_init(&g_payment);
}

static wk_err boot(void)
{
    const struct wk_module_config config = {
        .identity = {.serial = "WK1", .logical_name = "WKT0000010000001", .phases = 1},
        .zone = wk_zone_central_europe,
        .period_s = 900,
        .control_mode = g_mode,
        .calendar = {.name = "TOU",
                     .season_count = 1,
                     .season = {{1, 1, 0}},
                     .week_count = 1,
                     .day_count = 1,
                     .day = {{3, {{0, 1, 0}, {60, 1, 8}, {120, 1, 0}}}}}, /* 01:00 to 02:00 */
        .layout = {.kv_sectors = 4, .log_sectors = {4, 4, 4}},
        .payment = &g_payment,
        .setup = &g_setup,
    };
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    WK_TRY(prepare());
    return wk_module_init(&g_module, &config, &ports);
}

static wk_err start(uint8_t mode)
{
    wk_bearssl_init(&g_bearssl, NULL, no_entropy);
    wk_bearssl_add_sha256(&g_bearssl);
    g_transfer = (struct wk_token_transfer){.crypto = &g_bearssl.hal,
                                            .key = {.octets = {1, 2, 3}, .size = 16},
                                            .title = {'W', 'K', 'P', 0, 0, 0, 0, 1},
                                            .name = "WKT0000010000001"};
    g_mode = mode;
    g_by_hand = false;
    g_seq = 0;
    g_t_us = START;
    g_closed = true;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return boot();
}

static wk_err window_of(int64_t energy_uwh)
{
    g_t_us += SPAN;
    struct wk_record record = {
        .seq = ++g_seq, .epoch = 7, .t_us = g_t_us, .span_us = SPAN, .kind = WK_RECORD_WINDOW};
    record.window.phases = 1;
    record.window.u_mv[0] = 230000;
    record.window.energy[0].import_uwh = energy_uwh;
    record.window.total.import_uwh = energy_uwh;
    return wk_module_consume(&g_module, &record);
}

static struct wk_object_call call_of(uint16_t class_id, uint8_t d, uint8_t e, wk_role role)
{
    const uint8_t obis[6] = {0, 0, d == 5 ? 128 : 19, d, e, 255};
    return (struct wk_object_call){.meter = &g_module.rooms,
                                   .object = wk_object_find(&g_module.table, class_id, obis),
                                   .now_us = wk_module_now_us(&g_module),
                                   .role = role};
}

/* A token through the gateway, committed like a request of a session. */
static wk_err enter(uint32_t id, int64_t amount_e6)
{
    uint8_t raw[WK_TOKEN_MOST];
    uint8_t value[WK_TOKEN_MOST + 2];
    uint8_t room[16];
    const struct wk_token token = {id, amount_e6};
    struct wk_bytes_out made = wk_bytes_out_of(raw, sizeof raw);
    struct wk_bytes_out out = wk_bytes_out_of(value, sizeof value);
    struct wk_bytes_out reply = wk_bytes_out_of(room, sizeof room);
    WK_TRY(wk_token_make(&g_transfer, &token, NULL, &made));
    wk_axdr_put_octet_string(&out, made.data, made.size);
    const struct wk_object_call call = call_of(115, 40, 0, WK_ROLE_READER);
    struct wk_bytes_in in = wk_bytes_in_of(value, out.size);
    WK_TRY(call.object->access->functions->action(&call, 1, &in, &reply));
    WK_TRY(wk_module_settle(&g_module));
    return g_payment.gateway.status == WK_TOKEN_EXECUTION_OK ? WK_OK : WK_E_REFUSED;
}

static int64_t balance_e6(void)
{
    return wk_account_balance_e6(&g_payment.account);
}

static int count_events(uint16_t code)
{
    struct wk_store_reader reader = {0};
    struct wk_event event;
    int count = 0;
    while (wk_event_read(&g_module.rooms.store, WK_ROOMS_LOG_EVENT, &reader, &event) == WK_OK) {
        count += event.code == code ? 1 : 0;
    }
    return count;
}

/* ---- what windows cost ------------------------------------------------------------------- */

/* n windows cost n * 333333337 * 0.3 * 10^-3, cut off. */
static int64_t cost_e6(int64_t windows)
{
    return windows * WINDOW_UWH * 3 / 10000;
}

static void a_meter_without_payment_has_no_account(void)
{
    uint8_t room[16];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_object_selection all = {0};
    struct wk_object_cursor cursor = {0};
    EXPECT_OK(start(4));
    g_module.rooms.payment = NULL;
    const struct wk_object_call call = call_of(111, 0, 0, WK_ROLE_MANAGEMENT);
    EXPECT_ERR(WK_E_NOT_FOUND,
               call.object->access->functions->get(&call, 2, &all, &cursor, &out));
}

static void windows_cost_what_their_sum_costs_over_restarts(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    EXPECT_OK(enter(1, 100 * UNIT));
    for (int n = 1; n <= 300; n++) {
        EXPECT_OK(window_of(WINDOW_UWH));
        EXPECT_I64(100 * UNIT - cost_e6(n), balance_e6());
        if (n % 37 == 0) {
            EXPECT_OK(wk_module_commit(&g_module));
            EXPECT_OK(boot());
        }
    }
    EXPECT_I64(300 * WINDOW_UWH, g_module.rooms.registers.import_uwh);
}

/* ---- the supply -------------------------------------------------------------------------- */

static void without_credit_the_supply_is_off_and_comes_back_by_mode(void)
{
    for (uint8_t mode = 1; mode <= WK_SUPPLY_MODE_MAX; mode++) {
        const bool automatic = mode >= 5;
        EXPECT_OK(start(mode));
        EXPECT_OK(window_of(0));
        EXPECT_I64(WK_SUPPLY_CREDIT, g_module.rooms.control.reasons);
        EXPECT_I64(WK_SUPPLY_READY, g_module.rooms.supply.state);
        EXPECT(!g_closed);
        EXPECT_OK(enter(1, UNIT));
        EXPECT_I64(automatic ? WK_SUPPLY_CONNECTED : WK_SUPPLY_READY,
                   g_module.rooms.supply.state);
        EXPECT_OK(wk_module_supply_press(&g_module, WK_HAL_BUTTON_RECONNECT));
        EXPECT_OK(window_of(0));
        EXPECT_I64(WK_SUPPLY_CONNECTED, g_module.rooms.supply.state);
        EXPECT(g_closed);
    }
}

static void by_hand_means_by_hand_in_every_mode(void)
{
    EXPECT_OK(start(5));
    g_by_hand = true;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    EXPECT_OK(boot());
    EXPECT_OK(window_of(0));
    EXPECT_OK(enter(1, UNIT));
    EXPECT_OK(window_of(0));
    EXPECT_I64(WK_SUPPLY_READY, g_module.rooms.supply.state);
    EXPECT_OK(wk_module_supply_press(&g_module, WK_HAL_BUTTON_RECONNECT));
    EXPECT_I64(WK_SUPPLY_CONNECTED, g_module.rooms.supply.state);
}

/* The button takes the emergency credit into use; a second time there is none. */
static void the_button_takes_the_emergency_credit(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    EXPECT_OK(wk_module_supply_press(&g_module, WK_HAL_BUTTON_RECONNECT));
    EXPECT_I64(WK_SUPPLY_CONNECTED, g_module.rooms.supply.state);
    EXPECT_I64(UNIT, wk_account_available_e6(&g_payment.account));
    EXPECT_OK(window_of(10 * WINDOW_UWH)); /* 1.00 */
    EXPECT_OK(window_of(10000));
    EXPECT_I64(WK_SUPPLY_READY, g_module.rooms.supply.state);
    EXPECT_OK(wk_module_supply_press(&g_module, WK_HAL_BUTTON_RECONNECT));
    EXPECT_I64(WK_SUPPLY_READY, g_module.rooms.supply.state);
    EXPECT_OK(wk_module_commit(&g_module));
    EXPECT_I64(1, count_events(WK_EVENT_CREDIT_SELECTED));
    EXPECT_I64(1, count_events(WK_EVENT_RECONNECTION_REFUSED));
    EXPECT_I64(2, count_events(WK_EVENT_CREDIT_USED_UP));
    EXPECT_OK(enter(1, 3 * UNIT));
    EXPECT_I64(3 * UNIT - 1000003, balance_e6()); /* 3333343370 uWh at 0.30 */
}

/* 01:00 to 02:00 is friendly: credit that ends at 01:30 cuts at 02:00. */
static void friendly_hours_are_those_of_the_calendar(void)
{
    EXPECT_OK(start(5));
    EXPECT_OK(window_of(0));
    EXPECT_OK(enter(1, UNIT));
    EXPECT_OK(window_of(0));
    g_t_us = START + 5400 * US;
    EXPECT_OK(window_of(4000000000)); /* 1.20 */
    EXPECT_I64(-200000, balance_e6());
    EXPECT(g_closed);
    g_t_us = START + 7200 * US - SPAN;
    EXPECT_OK(window_of(0));
    EXPECT(g_closed);
    EXPECT_OK(window_of(0));
    EXPECT(!g_closed);
    EXPECT_OK(enter(2, 300000));
    EXPECT(g_closed);
}

/* ---- cuts -------------------------------------------------------------------------------- */

static void a_token_counts_once_whatever_operation_is_cut(void)
{
    uint32_t cuts = 0;
    uint32_t old = 0;
    uint32_t doubled = 0;
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    EXPECT_OK(enter(1, 5 * UNIT));
    EXPECT_OK(window_of(WINDOW_UWH));
    EXPECT_OK(wk_module_commit(&g_module));
    const int64_t before_e6 = balance_e6();
    const int64_t due_rest = g_payment.account.charge[0].due.rest;
    memcpy(g_before, g_octets, sizeof g_octets);
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        bool whole = false;
        for (uint64_t at = 0; !whole; at++) {
            memcpy(g_octets, g_before, sizeof g_octets);
            wk_flash_attach(&g_flash, g_octets, SECTOR, SECTORS, 16);
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            wk_flash_power_on(&g_flash, at, (wk_flash_tear)tear, (uint32_t)at + 1);
            whole = enter(2, 7 * UNIT) == WK_OK;
            wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
            EXPECT_OK(boot());
            const bool counted = balance_e6() != before_e6;
            EXPECT_I64(before_e6 + (counted ? 7 * UNIT : 0), balance_e6());
            EXPECT_I64(due_rest, g_payment.account.charge[0].due.rest);
            EXPECT(!whole || counted);
            /* The customer, who saw no answer, enters it again. */
            EXPECT_ERR(counted ? WK_E_REFUSED : WK_OK, enter(2, 7 * UNIT));
            doubled += balance_e6() != before_e6 + 7 * UNIT ? 1 : 0;
            EXPECT_I64(1, count_events(WK_EVENT_CREDIT_ADDED) - 1);
            old += counted ? 0 : 1;
            cuts++;
        }
    }
    printf("# %u cuts, %u before it counted\n", (unsigned)cuts, (unsigned)old);
    WK_TEST_FIGURE("tokens doubled or lost by cuts at every operation", doubled, "tokens", "0",
                   doubled == 0, 1);
    EXPECT(cuts > 30 && old > 10 && doubled == 0);
}

/* Energy and what it cost are of one commit: after any cut the balance is that of the registers. */
static void the_balance_is_that_of_the_registers_after_any_cut(void)
{
    uint32_t cuts = 0;
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    EXPECT_OK(enter(1, 1000 * UNIT));
    EXPECT_OK(wk_module_commit(&g_module));
    memcpy(g_before, g_octets, sizeof g_octets);
    const uint64_t seq = g_seq;
    const int64_t t_us = g_t_us;
    for (uint64_t at = 0; at < 400; at += 1) {
        memcpy(g_octets, g_before, sizeof g_octets);
        wk_flash_attach(&g_flash, g_octets, SECTOR, SECTORS, 16);
        wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
        EXPECT_OK(boot());
        g_seq = seq;
        g_t_us = t_us;
        wk_flash_power_on(&g_flash, at, WK_FLASH_TEAR_GARBAGE, (uint32_t)at + 1);
        for (int n = 0; n < 60 && window_of(WINDOW_UWH) == WK_OK; n++) {
        }
        wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
        EXPECT_OK(boot());
        const int64_t windows = g_module.rooms.registers.import_uwh / WINDOW_UWH;
        EXPECT_I64(1000 * UNIT - cost_e6(windows), balance_e6());
        cuts += windows < 60 ? 1 : 0;
    }
    EXPECT(cuts > 100);
}

/* ---- clients ----------------------------------------------------------------------------- */

static wk_err limit(uint8_t e, int32_t cents)
{
    const uint8_t obis[6] = {0, 0, 19, 50, e, 255};
    uint8_t raw[8];
    const struct wk_object_call call = {.meter = &g_module.rooms,
                                        .object = wk_object_find(&g_module.table, 1, obis),
                                        .now_us = wk_module_now_us(&g_module),
                                        .role = WK_ROLE_MANAGEMENT};
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_double_long(&out, cents);
    struct wk_bytes_in in = wk_bytes_in_of(raw, out.size);
    WK_TRY(call.object->access->functions->set(&call, 2, &in));
    return wk_module_settle(&g_module);
}

/* In cents: 100 of them are one of the account. */
static void tokens_stay_below_the_limits_that_clients_set(void)
{
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    EXPECT_OK(limit(2, 5000));
    EXPECT_ERR(WK_E_REFUSED, enter(1, 50 * UNIT + 1));
    EXPECT_I64(WK_TOKEN_TOO_MUCH, g_payment.gateway.why);
    EXPECT_OK(enter(2, 50 * UNIT));
    EXPECT_OK(limit(1, 9000));
    EXPECT_ERR(WK_E_REFUSED, enter(3, 40 * UNIT + 1));
    EXPECT_I64(50 * UNIT, balance_e6());
    EXPECT_OK(enter(4, 40 * UNIT));
    EXPECT_OK(boot());
    EXPECT_ERR(WK_E_REFUSED, enter(5, 1)); /* limits outlive a restart */
    EXPECT_OK(limit(1, 0));
    EXPECT_OK(enter(6, 50 * UNIT));
    EXPECT_I64(140 * UNIT, balance_e6());
}

static wk_err set(const struct wk_object_call *call, uint8_t attribute,
                  const struct wk_bytes_out *value)
{
    struct wk_bytes_in in = wk_bytes_in_of(value->data, value->size);
    const wk_err err = call->object->access->functions->set(call, attribute, &in);
    WK_TRY(wk_module_settle(&g_module));
    return err;
}

static void what_clients_set_outlives_a_restart(void)
{
    uint8_t raw[64];
    EXPECT_OK(start(4));
    EXPECT_OK(window_of(0));
    struct wk_bytes_out low = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_double_long(&low, 1234); /* cents */
    struct wk_object_call call = call_of(111, 0, 0, WK_ROLE_MANAGEMENT);
    EXPECT_OK(set(&call, 16, &low));
    struct wk_bytes_out scale = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_structure(&scale, 3);
    wk_axdr_put_utf8_string(&scale, "ZAR");
    wk_axdr_put_integer(&scale, -7);
    wk_axdr_put_enum(&scale, 2);
    EXPECT_ERR(WK_E_RANGE, set(&call, 15, &scale));
    call = call_of(113, 20, 1, WK_ROLE_MANAGEMENT);
    struct wk_bytes_out period = wk_bytes_out_of(raw, sizeof raw);
    wk_axdr_put_double_long_unsigned(&period, 3600);
    EXPECT_OK(set(&call, 8, &period));
    period.size = 0;
    wk_axdr_put_double_long_unsigned(&period, 59);
    EXPECT_ERR(WK_E_RANGE, set(&call, 8, &period));
    EXPECT_OK(boot());
    EXPECT_I64(12340000, g_payment.account.rules.low_e6);
    EXPECT_I64(3600, g_payment.account.charge[1].rules.period_s);
    EXPECT(strcmp(g_payment.account.rules.name, "EUR") == 0);
}

/* What each read attribute gives can be written back. */
static void values_come_back_as_they_were_read(void)
{
    static const struct {
        uint16_t class_id;
        uint8_t d;
        uint8_t attribute[12];
    } k_set[] = {{111, 0, {2, 7, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
                 {112, 10, {3, 4, 5, 6, 7, 9, 10, 11}},
                 {113, 20, {3, 4, 6, 7, 8, 9, 13}}};
    const struct wk_object_selection all = {0};
    uint8_t raw[512];
    EXPECT_OK(start(4));
    struct wk_account_rules *rules = &g_payment.account.rules;
    rules->pair[0] = (struct wk_account_pair){4, 4, 5};
    rules->pair_count = 1;
    rules->share[0] = (struct wk_account_share){1, 25};
    rules->share_count = 1;
    rules->close_s = 1800000000;
    for (size_t i = 0; i < 3; i++) {
        for (int n = 0; k_set[i].attribute[n] != 0; n++) {
            const uint8_t attribute = k_set[i].attribute[n];
            struct wk_object_cursor cursor = {0};
            const struct wk_object_call call =
                call_of(k_set[i].class_id, k_set[i].d, 0, WK_ROLE_MANAGEMENT);
            const struct wk_account before = g_payment.account;
            struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
            EXPECT_OK(
                call.object->access->functions->get(&call, attribute, &all, &cursor, &out));
            EXPECT_OK(out.fault);
            EXPECT_OK(set(&call, attribute, &out));
            EXPECT(memcmp(&before.rules, &g_payment.account.rules, sizeof before.rules) == 0);
            EXPECT(memcmp(&before.credit[0].rules, &g_payment.account.credit[0].rules,
                          sizeof before.credit[0].rules) == 0);
            EXPECT(memcmp(&before.charge[0].rules, &g_payment.account.charge[0].rules,
                          sizeof before.charge[0].rules) == 0);
            for (size_t size = 0; size < out.size; size++) {
                struct wk_bytes_in in = wk_bytes_in_of(raw, size);
                EXPECT(call.object->access->functions->set(&call, attribute, &in) != WK_OK);
            }
        }
    }
}

WK_TEST_MAIN(T(a_meter_without_payment_has_no_account),
             T(windows_cost_what_their_sum_costs_over_restarts),
             T(without_credit_the_supply_is_off_and_comes_back_by_mode),
             T(by_hand_means_by_hand_in_every_mode), T(the_button_takes_the_emergency_credit),
             T(friendly_hours_are_those_of_the_calendar),
             T(a_token_counts_once_whatever_operation_is_cut),
             T(the_balance_is_that_of_the_registers_after_any_cut),
             T(tokens_stay_below_the_limits_that_clients_set),
             T(what_clients_set_outlives_a_restart), T(values_come_back_as_they_were_read))
