/* SPDX-License-Identifier: Apache-2.0
 *
 * The power-cut campaign in short, on the host and on the target: every operation of a few steps,
 * three tear modes, a second cut in every operation of the recovery. The target's flash is a RAM
 * NOR of port/virtual. */
#include "tests/powercut/store_powercut.h"
#include "tests/wk_test.h"

#define GEOMETRY 0U /* 512-octet sectors, 8-octet units */
#define STEPS    7U
#define SEED     20261121U

static struct powercut_world g_world;
static struct powercut_world g_cut;
static uint32_t g_cuts;

static void copy_world(const struct powercut_world *from, struct powercut_world *to)
{
    *to = *from;
    to->flash.port.self = &to->flash;
    to->flash.octets = to->octets;
    to->flash.touched = to->touched;
    to->store.flash = &to->flash.port;
}

static const char *check(const struct powercut_plan *plan, uint32_t step)
{
    uint64_t heads[WK_STORE_LOGS] = {0};
    uint32_t wasted[WK_STORE_LOGS] = {0};
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        wasted[log] = powercut_entries(plan, log, step) + 1;
        heads[log] = g_world.store.committed[log] + powercut_entries(plan, log, step);
    }
    const bool done = powercut_is_done(plan, &g_cut.store, step, heads);
    return powercut_wrong(plan, &g_cut, done ? step : step - 1,
                          done ? heads : g_world.store.committed, wasted);
}

/* Cuts operation `op` of the step, then operation op % 3 of the recovery. Returns false if the
 * step has fewer operations. */
static bool cut(const struct powercut_plan *plan, uint32_t step, uint64_t op, uint32_t tear,
                const char **reason)
{
    copy_world(&g_world, &g_cut);
    wk_flash_power_on(&g_cut.flash, op, (wk_flash_tear)tear, step);
    const wk_err err = powercut_step(plan, &g_cut.store, step);
    if (!g_cut.flash.off) {
        *reason = err == WK_OK ? NULL : wk_err_name(err);
        return false;
    }
    g_cuts++;
    wk_flash_power_on(&g_cut.flash, op % 3, (wk_flash_tear)(op % WK_FLASH_TEAR_COUNT), step);
    if (powercut_mount(plan, &g_cut) != WK_OK && !g_cut.flash.off) {
        *reason = "the store does not mount";
        return true;
    }
    wk_flash_power_on(&g_cut.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
    *reason = powercut_mount(plan, &g_cut) == WK_OK ? check(plan, step)
                                                    : "the store does not mount again";
    return true;
}

static void sweep(uint32_t workload)
{
    const struct powercut_plan plan = {&powercut_geometries[GEOMETRY], workload, SEED};
    EXPECT_OK(powercut_begin(&plan, &g_world));
    for (uint32_t step = 1; step <= STEPS; step++) {
        for (uint32_t tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
            const char *reason = NULL;
            uint64_t op = 0;
            while (cut(&plan, step, op, tear, &reason) && reason == NULL) {
                op++;
            }
            if (reason != NULL) {
                WK_TEST_FAIL_("workload %u, step %u, operation %u, tear %u: %s",
                              (unsigned)workload, (unsigned)step, (unsigned)op, (unsigned)tear,
                              reason);
            }
        }
        wk_flash_power_on(&g_world.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
        EXPECT_OK(powercut_step(&plan, &g_world.store, step));
    }
}

static void no_cut_loses_registers(void)
{
    sweep(0);
}

static void no_cut_loses_cold_keys_or_entries(void)
{
    sweep(1);
}

static void no_cut_tears_a_transaction_over_several_logs(void)
{
    sweep(3);
    WK_TEST_FIGURE("store power cuts, the same sweep on host and target", g_cuts, "cuts",
                   ">= 1000", g_cuts >= 1000, SEED);
    EXPECT(g_cuts >= 1000);
}

WK_TEST_MAIN(T(no_cut_loses_registers), T(no_cut_loses_cold_keys_or_entries),
             T(no_cut_tears_a_transaction_over_several_logs))
