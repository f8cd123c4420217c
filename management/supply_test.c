/* SPDX-License-Identifier: Apache-2.0 */
#include "management/supply.h"

#include "tests/wk_test.h"

#define N WK_SUPPLY_STATE_COUNT /* no such arrow */

/* IEC 62056-6-2, 4.5.8, table of control modes: what each command does in each state, written
 * out. Columns: remote_disconnect, remote_reconnect, manual_disconnect, manual_reconnect,
 * local_disconnect, local_reconnect. Rows: disconnected, connected, ready. */
static const int k_expected[7][3][6] = {
    {{N, N, N, N, N, N}, {N, N, N, N, N, N}, {N, N, N, N, N, N}}, /* mode 0 */
    {{N, 2, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, N}},
    {{N, 1, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, N}},
    {{N, 2, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, N}},
    {{N, 1, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, N}},
    {{N, 2, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, 1}},
    {{N, 2, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, 1}},
};

static void every_pair_of_state_and_command_goes_where_the_standard_says(void)
{
    for (uint8_t mode = 0; mode <= WK_SUPPLY_MODE_MAX; mode++) {
        for (int state = 0; state < WK_SUPPLY_STATE_COUNT; state++) {
            for (int command = 0; command < WK_SUPPLY_COMMAND_COUNT; command++) {
                EXPECT_I64(
                    k_expected[mode][state][command],
                    wk_supply_next((wk_supply_state)state, (wk_supply_command)command, mode));
            }
        }
    }
}

static struct wk_supply supply_at(wk_supply_state state, uint8_t mode)
{
    struct wk_supply supply;
    wk_supply_init(&supply, mode);
    supply.state = state;
    supply.local = true;
    return supply;
}

/* A command either follows its arrow, or finds its aim reached and is WK_OK, or is refused and
 * leaves everything. */
static void commands_follow_the_arrows_and_nothing_else(void)
{
    int moved = 0;
    for (uint8_t mode = 0; mode <= WK_SUPPLY_MODE_MAX; mode++) {
        for (int state = 0; state < WK_SUPPLY_STATE_COUNT; state++) {
            for (int command = 0; command < WK_SUPPLY_COMMAND_COUNT; command++) {
                const int next = k_expected[mode][state][command];
                struct wk_supply supply = supply_at((wk_supply_state)state, mode);
                const wk_err err = wk_supply_command_do(&supply, (wk_supply_command)command, 1);
                EXPECT_I64(next == N ? state : next, supply.state);
                EXPECT(next == N || err == WK_OK);
                EXPECT(supply.mode == mode);
                moved += next == N ? 0 : 1;
            }
        }
    }
    EXPECT_I64(35, moved);
}

static void a_command_whose_aim_is_reached_is_welcome(void)
{
    struct wk_supply supply = supply_at(WK_SUPPLY_CONNECTED, 4);
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_RECONNECT, 1));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 1));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 1));
    EXPECT_I64(WK_SUPPLY_DISCONNECTED, supply.state);
    EXPECT_ERR(WK_E_STATE, wk_supply_command_do(&supply, WK_SUPPLY_MANUAL_RECONNECT, 1));
}

static void only_what_was_disconnected_locally_is_reconnected_locally(void)
{
    struct wk_supply supply = supply_at(WK_SUPPLY_CONNECTED, 5);
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_MANUAL_DISCONNECT, 1));
    EXPECT_ERR(WK_E_STATE, wk_supply_command_do(&supply, WK_SUPPLY_LOCAL_RECONNECT, 2));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_MANUAL_RECONNECT, 3));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_LOCAL_DISCONNECT, 4));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_LOCAL_RECONNECT, 5));
    EXPECT_I64(WK_SUPPLY_CONNECTED, supply.state);
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 6));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_RECONNECT, 7));
    EXPECT_I64(WK_SUPPLY_READY, supply.state); /* armed: waits for the hand */
    EXPECT_ERR(WK_E_STATE, wk_supply_command_do(&supply, WK_SUPPLY_LOCAL_RECONNECT, 8));
}

static void a_remote_arm_expires_and_a_local_disconnection_does_not(void)
{
    struct wk_supply supply = supply_at(WK_SUPPLY_DISCONNECTED, 6);
    supply.settings.arm_s = 60;
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_RECONNECT, 1000000));
    EXPECT(!wk_supply_arm_expired(&supply, 60999999));
    EXPECT(wk_supply_arm_expired(&supply, 61000000));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 61000000));
    EXPECT(!wk_supply_arm_expired(&supply, INT64_MAX));
    supply = supply_at(WK_SUPPLY_CONNECTED, 6);
    supply.settings.arm_s = 60;
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_LOCAL_DISCONNECT, 1));
    EXPECT(!wk_supply_arm_expired(&supply, INT64_MAX));
}

static void the_delay_after_an_outage_lies_within_its_range_and_needs_a_way_back(void)
{
    uint32_t longest_s = 0;
    for (uint32_t random = 0; random < 5000; random += 7) {
        struct wk_supply supply = supply_at(WK_SUPPLY_CONNECTED, 5);
        supply.settings.delay_most_s = 1799;
        wk_supply_outage(&supply, 0, INT64_C(600000000), random);
        const uint32_t delay_s = (uint32_t)(supply.delay_until_us / 1000000);
        longest_s = delay_s > longest_s ? delay_s : longest_s;
        EXPECT(delay_s <= 1799);
        EXPECT_I64(delay_s > 0 ? WK_SUPPLY_DELAY : 0, wk_supply_delay(&supply, 0));
        EXPECT_I64(0, wk_supply_delay(&supply, (int64_t)delay_s * 1000000));
    }
    EXPECT(longest_s > 1700);
    struct wk_supply stranded = supply_at(WK_SUPPLY_CONNECTED, 4);
    stranded.settings.delay_most_s = 1799;
    wk_supply_outage(&stranded, 0, INT64_C(600000000), 1000);
    EXPECT_I64(0, stranded.delay_until_us); /* mode 4 has no arrow h */
    struct wk_supply brief = supply_at(WK_SUPPLY_CONNECTED, 5);
    brief.settings.delay_most_s = 1799;
    wk_supply_outage(&brief, 0, INT64_C(179000000), 1000);
    EXPECT_I64(0, brief.delay_until_us);
}

static void modes_that_do_not_exist_or_would_strand_the_supply_are_refused(void)
{
    struct wk_supply supply = supply_at(WK_SUPPLY_CONNECTED, 4);
    EXPECT_ERR(WK_E_RANGE, wk_supply_set_mode(&supply, 7));
    EXPECT_ERR(WK_E_RANGE, wk_supply_set_mode(&supply, 255));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, 1));
    EXPECT_ERR(WK_E_STATE, wk_supply_set_mode(&supply, 0));
    EXPECT_I64(4, supply.mode);
}

WK_TEST_MAIN(T(every_pair_of_state_and_command_goes_where_the_standard_says),
             T(commands_follow_the_arrows_and_nothing_else),
             T(a_command_whose_aim_is_reached_is_welcome),
             T(only_what_was_disconnected_locally_is_reconnected_locally),
             T(a_remote_arm_expires_and_a_local_disconnection_does_not),
             T(the_delay_after_an_outage_lies_within_its_range_and_needs_a_way_back),
             T(modes_that_do_not_exist_or_would_strand_the_supply_are_refused))
