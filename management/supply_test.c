/* SPDX-License-Identifier: Apache-2.0 */
#include "management/supply.h"

#include "tests/wk_test.h"

static bool g_closed;
static bool g_stuck;
static int g_operations;

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
    g_operations++;
    if (g_stuck) {
        return WK_E_IO;
    }
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

static void the_contact_is_closed_exactly_when_connected(void)
{
    for (uint8_t mode = 1; mode <= WK_SUPPLY_MODE_MAX; mode++) {
        for (int state = 0; state < WK_SUPPLY_STATE_COUNT; state++) {
            for (int command = 0; command < WK_SUPPLY_COMMAND_COUNT; command++) {
                struct wk_supply supply = {(wk_supply_state)state, mode};
                g_closed = state == WK_SUPPLY_CONNECTED;
                (void)(wk_supply_command_do(&supply, (wk_supply_command)command,
                                            &k_contactor) == WK_OK);
                EXPECT_I64(supply.state == WK_SUPPLY_CONNECTED, g_closed);
            }
        }
    }
}

static void a_stuck_contactor_leaves_the_state(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 4);
    g_stuck = true;
    EXPECT_ERR(WK_E_IO,
               wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, &k_contactor));
    EXPECT_I64(WK_SUPPLY_CONNECTED, supply.state);
    g_stuck = false;
}

static void a_command_whose_aim_is_reached_moves_nothing(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 4);
    g_operations = 0;
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_RECONNECT, &k_contactor));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, &k_contactor));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, &k_contactor));
    EXPECT_I64(1, g_operations);
}

static void modes_that_do_not_exist_or_would_strand_the_supply_are_refused(void)
{
    struct wk_supply supply;
    wk_supply_init(&supply, 4);
    EXPECT_ERR(WK_E_RANGE, wk_supply_set_mode(&supply, 7));
    EXPECT_OK(wk_supply_command_do(&supply, WK_SUPPLY_REMOTE_DISCONNECT, &k_contactor));
    EXPECT_ERR(WK_E_STATE, wk_supply_set_mode(&supply, 0));
    EXPECT_I64(4, supply.mode);
}

WK_TEST_MAIN(T(every_pair_of_state_and_command_goes_where_the_standard_says),
             T(the_contact_is_closed_exactly_when_connected),
             T(a_stuck_contactor_leaves_the_state),
             T(a_command_whose_aim_is_reached_moves_nothing),
             T(modes_that_do_not_exist_or_would_strand_the_supply_are_refused))
