/* SPDX-License-Identifier: Apache-2.0
 *
 * The supply of the assembled management under a million random windows. */
#include "management/test_supply.h"

#define N WK_SUPPLY_STATE_COUNT

#ifdef __ARM_ARCH
#define WALK 40000
#else
#define WALK 1000000
#endif

static uint32_t g_random;

static uint32_t draw(uint32_t below)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 17;
    g_random ^= g_random << 5;
    return g_random % below;
}

/* The standard's diagram once more, as arrows "from command to" per mode. */
static bool arrow_exists(int from, int command, int to, uint8_t mode)
{
    static const int k_expected[7][3][6] = {
        {{N, N, N, N, N, N}, {N, N, N, N, N, N}, {N, N, N, N, N, N}},
        {{N, 2, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, N}},
        {{N, 1, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, N}},
        {{N, 2, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, N}},
        {{N, 1, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, N}},
        {{N, 2, N, N, N, N}, {0, N, 2, N, 2, N}, {0, N, N, 1, N, 1}},
        {{N, 2, N, N, N, N}, {0, N, N, N, 2, N}, {0, N, N, 1, N, 1}},
    };
    return k_expected[mode][from][command] == to;
}

/* From one state to another by at most three of the commands in `allowed`. */
static bool way_exists(int from, int to, uint32_t allowed, uint8_t mode)
{
    uint32_t reached = 1U << from;
    for (int step = 0; step < 3; step++) {
        const uint32_t now = reached;
        for (int s = 0; s < 3; s++) {
            for (int c = 0; c < 6; c++) {
                for (int t = 0; t < 3; t++) {
                    const bool leads = (now >> s & 1U) != 0 && (allowed >> c & 1U) != 0 &&
                                       arrow_exists(s, c, t, mode);
                    reached |= leads ? 1U << t : 0U;
                }
            }
        }
    }
    return (reached >> to & 1U) != 0;
}

static void change_the_world(void)
{
    static const int32_t k_u_mv[] = {230000, 230000, 230000, 250000, 270000, 285000, 0};
    static const int64_t k_i_ma[] = {0, 1000, 5000, 20000, 20000, 90000, 130000, 2000000};
    if (draw(200) == 0) {
        g_u_mv = k_u_mv[draw(7)];
    }
    if (draw(200) == 0) {
        g_i_ua = k_i_ma[draw(8)] * 1000;
    }
    if (draw(3000) == 0) {
        g_panel.stuck = !g_panel.stuck;
    }
    if (draw(3000) == 0) {
        g_panel.refuses = !g_panel.refuses;
    }
    if (draw(4000) == 0) {
        g_panel.mdegc = draw(3) == 0 ? 120000 : 30000;
    }
    g_flags = draw(50) == 0 ? WK_RECORD_CLIPPED : 0;
}

#define LOCAL   (1U << WK_SUPPLY_LOCAL_DISCONNECT | 1U << WK_SUPPLY_LOCAL_RECONNECT)
#define REMOTE0 (1U << WK_SUPPLY_REMOTE_DISCONNECT)
#define REMOTE1 (1U << WK_SUPPLY_REMOTE_RECONNECT)
#define MANUAL0 (1U << WK_SUPPLY_MANUAL_DISCONNECT)
#define MANUAL1 (1U << WK_SUPPLY_MANUAL_RECONNECT)

/* One stimulus at most; which commands may move the state in this step. */
static uint32_t stimulate(void)
{
    switch (draw(600)) {
    case 0:
        (void)(act(k_supply, 1) == WK_OK);
        return LOCAL | REMOTE0;
    case 1:
        (void)(act(k_supply, 2) == WK_OK);
        return LOCAL | REMOTE1;
    case 2:
        wk_panel_press(&g_panel, WK_HAL_BUTTON_RECONNECT);
        return LOCAL | MANUAL1;
    case 3:
        wk_panel_press(&g_panel, WK_HAL_BUTTON_DISCONNECT);
        return LOCAL | MANUAL0;
    default:
        return LOCAL;
    }
}

static wk_err sometimes_restart(int64_t n)
{
    if (n % 7001 != 7000) {
        return WK_OK;
    }
    WK_TRY(wk_module_commit(&g_module));
    g_t_us += (int64_t)draw(1000) * US;
    return boot();
}

static void a_random_walk_never_leaves_the_diagram_nor_switches_what_it_must_not(void)
{
    static const uint32_t k_seed = 20261121;
    int64_t changes = 0;
    int64_t boots = 0;
    g_random = k_seed;
    EXPECT_OK(start(6));
    EXPECT_OK(set_long64(k_limiter, 4, 9000000));
    g_module.rooms.supply.settings.arm_s = 300;
    g_module.rooms.supply.settings.delay_most_s = 60;
    for (int64_t n = 0; n < WALK; n++) {
        change_the_world();
        const wk_supply_state before = state();
        uint8_t mode = g_module.rooms.supply.mode;
        const uint32_t allowed = stimulate();
        EXPECT_OK(window());
        EXPECT(state() < WK_SUPPLY_STATE_COUNT);
        const bool expired = before == WK_SUPPLY_READY; /* an arm may have expired */
        if (!way_exists((int)before, (int)state(), allowed | (expired ? REMOTE0 : 0U), mode)) {
            WK_TEST_FAIL_("seed %" PRIu32 ", step %" PRId64 ": mode %d, state %d to %d", k_seed,
                          n, mode, (int)before, (int)state());
        }
        changes += before != state() ? 1 : 0;
        if (g_module.rooms.control.reasons != 0 && mode != 0) {
            EXPECT(state() != WK_SUPPLY_CONNECTED);
        }
        if (n % 3001 == 3000) {
            mode = (uint8_t)draw(7);
            (void)(wk_supply_set_mode(&g_module.rooms.supply, mode) == WK_OK);
        }
        boots += n % 7001 == 7000 ? 1 : 0;
        EXPECT_OK(sometimes_restart(n));
    }
    EXPECT_I64(0, g_bad_closings);
    EXPECT_I64(0, g_bad_openings);
    EXPECT_I64(0, g_unasked);
    EXPECT(changes > WALK / 2000);
    /* At most three orders for each change of the state or start, and one an hour. */
    const int64_t hours = (g_t_us - START) / (3600 * US);
    WK_TEST_FIGURE("contactor orders per change of the supply's state",
                   (float)g_panel.operations / (float)changes, "", "<= 3",
                   g_panel.operations <= 3 * (changes + boots) + hours, k_seed);
    EXPECT(g_panel.operations <= 3 * (changes + boots) + hours);
}

WK_TEST_MAIN(T(a_random_walk_never_leaves_the_diagram_nor_switches_what_it_must_not))
