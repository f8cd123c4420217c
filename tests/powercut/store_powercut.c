/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts the power in every program and erase operation of a workload, in three ways, and again
 * in every operation of the recovery. The oracle knows what was acknowledged: after recovery
 * the store holds exactly the acknowledged step or the one under way, all keys and both logs of
 * the same step. Usage: store_powercut [steps] [seed] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "management/store.h"
#include "port/virtual/flash.h"

#define LOGS         2U
#define SECTORS_MAX  24U
#define SECTOR_MAX   2048U
#define KEY_HOT      1
#define KEY_COLD     2
#define KEY_SOMETIME 3
#define VALUE_SIZE   40U

struct geometry {
    const char *name;
    uint32_t sector;
    uint32_t unit;
    struct wk_store_layout layout;
};

static const struct geometry k_geometries[] = {
    {"1 KiB sectors, 16-octet units", 1024, 16, {4, {5, 4}}},
    {"1 KiB sectors, 1-octet units", 1024, 1, {3, {6, 5}}},
    {"2 KiB sectors, 64-octet units", 2048, 64, {5, {4, 4}}},
};

struct world {
    uint8_t octets[SECTORS_MAX * SECTOR_MAX];
    struct wk_flash flash;
    struct wk_store store;
};

static struct world g_world; /* the one that goes on */
static struct world g_cut;   /* the one whose power fails */
static uint8_t g_after_cut[sizeof g_cut.octets];
static unsigned long g_cuts;
static unsigned long g_failures;
static uint32_t g_seed;
static bool g_cold_workload;

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t x = a * 2654435761U ^ b * 40503U ^ g_seed;
    x ^= x >> 15;
    x *= 2246822519U;
    return x ^ (x >> 13);
}

/* ---- the workload: what step number `step` does, as a function ----------------------------
 */

static void value_of(uint32_t key, uint32_t step, uint8_t value[VALUE_SIZE])
{
    for (uint32_t i = 0; i < VALUE_SIZE; i++) {
        value[i] = (uint8_t)mix(step * 31U + key, i);
    }
}

static uint32_t entries_of(uint32_t log, uint32_t step)
{
    return g_cold_workload ? 1 + mix(step, 100 + log) % 4 : mix(step, 100 + log) % 3;
}

static uint16_t entry_size(uint32_t log, uint64_t number)
{
    return (uint16_t)(4 + mix((uint32_t)number, 7 + log) % 60);
}

static void entry_of(uint32_t log, uint64_t number, uint8_t *to)
{
    for (uint32_t i = 0; i < entry_size(log, number); i++) {
        to[i] = (uint8_t)mix((uint32_t)number * 17U + log, i);
    }
}

static uint32_t last_write(uint32_t key, uint32_t step)
{
    if (key == KEY_COLD) {
        return step < 3 ? step : 3;
    }
    if (key == KEY_SOMETIME) {
        return step / 7 * 7;
    }
    return g_cold_workload && step > 3 ? 3 : step;
}

static wk_err do_step(struct wk_store *store, uint32_t step)
{
    uint8_t values[3][VALUE_SIZE];
    uint8_t entry[64];
    struct wk_store_put puts[3];
    size_t count = 0;
    for (uint8_t log = 0; log < LOGS; log++) {
        for (uint32_t i = 0; i < entries_of(log, step); i++) {
            const uint64_t number = store->committed[log] + store->staged[log];
            entry_of(log, number, entry);
            WK_TRY(wk_store_append(store, log, entry, entry_size(log, number)));
        }
    }
    for (uint8_t key = KEY_HOT; key <= KEY_SOMETIME; key++) {
        if (last_write(key, step) == step) {
            value_of(key, step, values[count]);
            puts[count] = (struct wk_store_put){key, values[count], VALUE_SIZE};
            count++;
        }
    }
    return wk_store_commit(store, puts, count);
}

/* ---- the oracle ---------------------------------------------------------------------------
 */

static const char *wrong_key(const struct wk_store *store, uint32_t step)
{
    uint8_t wanted[VALUE_SIZE];
    uint8_t value[VALUE_SIZE];
    size_t size;
    for (uint8_t key = KEY_HOT; key <= KEY_SOMETIME; key++) {
        const uint32_t written = last_write(key, step);
        const wk_err err = wk_store_get(store, key, value, sizeof value, &size);
        if (written == 0 && err == WK_E_NOT_FOUND) {
            continue;
        }
        value_of(key, written, wanted);
        if (err != WK_OK || size != VALUE_SIZE || memcmp(value, wanted, VALUE_SIZE) != 0) {
            return "a key is lost or of another step";
        }
    }
    return NULL;
}

static const char *wrong_log(const struct wk_store *store, uint8_t log, uint64_t wanted_next,
                             uint64_t keep)
{
    uint64_t oldest;
    uint64_t next;
    if (wk_store_log_span(store, log, &oldest, &next) != WK_OK || next != wanted_next) {
        return "the head of a log is wrong";
    }
    if (next - oldest < (next < keep ? next : keep)) {
        return "a log forgot entries it must still hold";
    }
    struct wk_store_reader reader = {.number = oldest};
    for (uint64_t number = oldest; number < next; number++) {
        uint8_t wanted[64];
        uint8_t entry[64];
        size_t size;
        const wk_err err = wk_store_read(store, log, &reader, entry, sizeof entry, &size);
        entry_of(log, number, wanted);
        if (err != WK_OK || size != entry_size(log, number) ||
            memcmp(entry, wanted, size) != 0) {
            return "a log entry is lost, doubled or changed";
        }
    }
    return NULL;
}

static const char *wrong(const struct world *world, uint32_t step, const uint64_t heads[])
{
    if (world->flash.violations > 0) {
        return "a unit was programmed twice";
    }
    const char *reason = wrong_key(&world->store, step);
    for (uint8_t log = 0; log < LOGS && reason == NULL; log++) {
        reason = wrong_log(&world->store, log, heads[log], 12);
    }
    return reason;
}

/* ---- the campaign -------------------------------------------------------------------------
 */

static void restore(const struct geometry *geometry, const uint8_t *octets)
{
    const size_t size = (size_t)geometry->sector * g_world.flash.port.sector_count;
    memcpy(g_cut.octets, octets, size);
    g_cut.flash = g_world.flash;
    g_cut.flash.port.self = &g_cut.flash;
    g_cut.flash.octets = g_cut.octets;
    g_cut.flash.violations = 0;
    g_cut.store = g_world.store;
    g_cut.store.flash = &g_cut.flash.port;
}

static void report(const struct geometry *geometry, uint32_t step, uint64_t op, int tear,
                   const char *reason)
{
    if (g_failures++ < 20) {
        printf("# %s, step %u, operation %llu, tear %d: %s\n", geometry->name, step,
               (unsigned long long)op, tear, reason);
    }
}

static void check_recovered(const struct geometry *geometry, uint32_t step, uint64_t op,
                            int tear)
{
    uint64_t heads_old[LOGS];
    uint64_t heads_new[LOGS];
    for (uint32_t log = 0; log < LOGS; log++) {
        heads_old[log] = g_world.store.committed[log];
        heads_new[log] = heads_old[log] + entries_of(log, step);
    }
    const bool done = g_cut.store.transaction > g_world.store.transaction;
    const uint32_t now = done ? step : step - 1;
    const char *reason = wrong(&g_cut, now, done ? heads_new : heads_old);
    struct wk_store_mount_report mounted;
    if (reason == NULL && (wk_store_commit(&g_cut.store, NULL, 0) != WK_OK ||
                           wk_store_mount(&g_cut.store, &g_cut.flash.port, &geometry->layout,
                                          &mounted) != WK_OK)) {
        reason = "the store takes no commit after recovery";
    }
    if (reason == NULL) { /* an empty commit must not complete what the cut left open */
        reason = wrong(&g_cut, now, done ? heads_new : heads_old);
    }
    for (uint32_t next = now + 1; next <= now + 3 && reason == NULL; next++) {
        if (do_step(&g_cut.store, next) != WK_OK) {
            reason = "the store does not go on after recovery";
        }
    }
    if (reason == NULL &&
        wk_store_mount(&g_cut.store, &g_cut.flash.port, &geometry->layout, &mounted) != WK_OK) {
        reason = "the store does not mount after going on";
    }
    if (reason == NULL) {
        reason = wrong(&g_cut, now + 3, g_cut.store.committed);
    }
    if (reason != NULL) {
        report(geometry, step, op, tear, reason);
    }
}

static void recover(const struct geometry *geometry, uint32_t step, uint64_t op, int tear)
{
    struct wk_store_mount_report mounted;
    const size_t size = (size_t)geometry->sector * g_world.flash.port.sector_count;
    memcpy(g_after_cut, g_cut.octets, size);
    for (uint64_t again = 0;; again++) {
        restore(geometry, g_after_cut);
        wk_flash_power_on(&g_cut.flash, again, (wk_flash_tear)(again % WK_FLASH_TEAR_COUNT),
                          mix((uint32_t)again, step));
        const wk_err first =
            wk_store_mount(&g_cut.store, &g_cut.flash.port, &geometry->layout, &mounted);
        const bool cut_again = g_cut.flash.off;
        g_cuts++;
        wk_flash_power_on(&g_cut.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
        const wk_err second = cut_again ? wk_store_mount(&g_cut.store, &g_cut.flash.port,
                                                         &geometry->layout, &mounted)
                                        : first;
        if (second != WK_OK) {
            report(geometry, step, op, tear, wk_err_name(second));
        } else {
            check_recovered(geometry, step, op, tear);
        }
        if (!cut_again) {
            return;
        }
    }
}

/* Cuts in every operation of the step that comes after the present state of g_world. */
static void cut_everywhere(const struct geometry *geometry, uint32_t step)
{
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        for (uint64_t op = 0;; op++) {
            restore(geometry, g_world.octets);
            wk_flash_power_on(&g_cut.flash, op, (wk_flash_tear)tear, mix(step, (uint32_t)op));
            const wk_err err = do_step(&g_cut.store, step);
            if (!g_cut.flash.off) {
                if (err != WK_OK) {
                    report(geometry, step, op, tear, wk_err_name(err));
                }
                break;
            }
            recover(geometry, step, op, tear);
        }
    }
}

static void campaign(const struct geometry *geometry, uint32_t steps)
{
    struct wk_store_mount_report mounted;
    const uint32_t sectors = (uint32_t)geometry->layout.kv_sectors +
                             geometry->layout.log_sectors[0] + geometry->layout.log_sectors[1];
    wk_flash_init(&g_world.flash, g_world.octets, geometry->sector, sectors, geometry->unit);
    if (wk_store_mount(&g_world.store, &g_world.flash.port, &geometry->layout, &mounted) !=
        WK_OK) {
        report(geometry, 0, 0, 0, "a blank device does not mount");
        return;
    }
    for (uint32_t step = 1; step <= steps; step++) {
        cut_everywhere(geometry, step);
        wk_flash_power_on(&g_world.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
        if (do_step(&g_world.store, step) != WK_OK) {
            report(geometry, step, 0, 0, "a step without a cut failed");
            return;
        }
    }
}

int main(int argc, char **argv)
{
    const uint32_t steps = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100;
    g_seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 20261121;
    const size_t geometries = sizeof k_geometries / sizeof k_geometries[0];
    printf("1..%zu\n# %u steps per workload, seed %u\n", 2 * geometries, steps, g_seed);
    int number = 0;
    bool failed = false;
    for (int cold = 0; cold < 2; cold++) {
        g_cold_workload = cold == 1;
        for (size_t i = 0; i < geometries; i++) {
            const unsigned long before = g_failures;
            campaign(&k_geometries[i], steps);
            failed = failed || g_failures > before;
            printf("%sok %d - no cut loses or doubles anything: %s, %s\n",
                   g_failures > before ? "not " : "", ++number, k_geometries[i].name,
                   g_cold_workload ? "cold keys and heavy logs" : "hot keys");
            fflush(stdout);
        }
    }
    printf("# figure {\"figure\":\"store power cuts\",\"value\":%lu,\"unit\":\"cuts\","
           "\"goal\":\"0 lost\",\"holds\":%s,\"seed\":%u}\n",
           g_cuts, failed ? "false" : "true", g_seed);
    return failed ? 1 : 0;
}
