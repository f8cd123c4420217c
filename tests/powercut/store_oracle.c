/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/powercut/store_powercut.h"

#define KEY_HOT      1U
#define KEY_COLD     2U
#define KEY_SOMETIME 63U
#define VALUE_MAX    56U
#define ENTRY_MIN    4U
#define ENTRY_MAX    64U
#define COLD_STEPS   3U
#define KEYS         3U

const struct powercut_geometry powercut_geometries[POWERCUT_GEOMETRIES] = {
    {"512-octet sectors, 8-octet units", 512, 8, 4, 4, 1, 0, true},
    {"1 KiB sectors, 1-octet units", 1024, 1, 3, 4, 7, 40, false},
    {"1 KiB sectors, 16-octet units", 1024, 16, 4, 5, 1, 0, true},
    {"4 KiB sectors, 64-octet units", 4096, 64, 3, 3, 5, 60, true},
    {"64 KiB sectors, 16-octet units", 65536, 16, 3, 3, 900, 2600, true},
};

const char *const powercut_workloads[POWERCUT_WORKLOADS] = {
    "registers", "cold keys and heavy logs", "many logs", "transactions over several logs"};

uint8_t powercut_tries[WK_STORE_LOGS][POWERCUT_TRIES];

static const uint8_t k_keys[KEYS] = {KEY_HOT, KEY_COLD, KEY_SOMETIME};
static const uint32_t k_logs[POWERCUT_WORKLOADS] = {1, 2, WK_STORE_LOGS, 4};

uint32_t powercut_random(uint32_t a, uint32_t b, uint32_t seed)
{
    uint32_t x = a * 2654435761U ^ b * 40503U ^ seed;
    x ^= x >> 15;
    x *= 2246822519U;
    return x ^ (x >> 13);
}

/* ---- the workloads ----------------------------------------------------------------------- */

/* Of 64 KiB sectors as many logs as fit into the simulator's memory. */
uint32_t powercut_logs(const struct powercut_plan *plan)
{
    const uint32_t room = POWERCUT_IMAGE_MAX / plan->geometry->sector;
    const uint32_t fit =
        (room - plan->geometry->kv_sectors) / (uint32_t)plan->geometry->log_sectors;
    const uint32_t wanted = k_logs[plan->workload];
    return wanted < fit ? wanted : fit;
}

struct wk_store_layout powercut_layout(const struct powercut_plan *plan)
{
    struct wk_store_layout layout = {.kv_sectors = plan->geometry->kv_sectors};
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        layout.log_sectors[log] = plan->geometry->log_sectors;
    }
    return layout;
}

uint32_t powercut_sectors(const struct powercut_plan *plan)
{
    return plan->geometry->kv_sectors +
           powercut_logs(plan) * (uint32_t)plan->geometry->log_sectors;
}

/* Steps that are one entry in a record of its own. */
static bool is_single(const struct powercut_plan *plan, uint32_t step)
{
    return plan->workload != 3 && powercut_random(step, 55, plan->seed) % 4 == 0;
}

uint32_t powercut_entries(const struct powercut_plan *plan, uint32_t log, uint32_t step)
{
    const uint32_t logs = powercut_logs(plan);
    const uint32_t dice = powercut_random(step, 100 + log, plan->seed);
    if (is_single(plan, step)) {
        return log == powercut_random(step, 56, plan->seed) % logs ? 1 : 0;
    }
    switch (plan->workload) {
    case 0:
        return dice % 5 == 0 ? 1 : 0;
    case 1:
        return 1 + dice % 4;
    case 2:
        return dice % 6 == 0 ? 1 + dice / 6 % 2 : 0;
    default:
        return dice % 7;
    }
}

static uint32_t last_write(const struct powercut_plan *plan, uint32_t key, uint32_t step)
{
    if (plan->workload == 1) { /* all keys are cold */
        step = step < COLD_STEPS ? step : COLD_STEPS;
    }
    if (key == KEY_COLD) {
        step = step < COLD_STEPS ? step : COLD_STEPS;
    } else if (key == KEY_SOMETIME) {
        step = step / 7 * 7;
    }
    while (step > 0 && is_single(plan, step)) {
        step = key == KEY_SOMETIME && step >= 7 ? step - 7 : step - 1;
    }
    return step;
}

static uint32_t name_of_entry(uint32_t log, uint64_t number)
{
    return ((uint32_t)number * 17U + log) ^
           (uint32_t)powercut_tries[log][number % POWERCUT_TRIES] << 24;
}

static uint16_t entry_size(const struct powercut_plan *plan, uint32_t log, uint64_t number)
{
    return (uint16_t)(ENTRY_MIN + powercut_random(name_of_entry(log, number), 7, plan->seed) %
                                      (ENTRY_MAX - ENTRY_MIN + 1));
}

/* Some hold octets that read as erased: no end may be taken from that. */
static void fill(const struct powercut_plan *plan, uint32_t what, uint8_t *to, uint32_t size)
{
    const uint32_t dice = powercut_random(what, 3, plan->seed);
    for (uint32_t i = 0; i < size; i++) {
        to[i] = (uint8_t)powercut_random(what, i, plan->seed);
    }
    if (dice % 4 == 0) {
        memset(to + size / 4, 0xFF, size - size / 4);
    }
}

static uint32_t name_of_value(uint32_t key, uint32_t step)
{
    return 0x40000000U + step * 64U + key;
}

static wk_err append(const struct powercut_plan *plan, struct wk_store *store, uint8_t log,
                     bool single)
{
    uint8_t entry[ENTRY_MAX];
    const uint64_t number = store->committed[log] + store->staged[log];
    const uint16_t size = entry_size(plan, log, number);
    fill(plan, name_of_entry(log, number), entry, size);
    return single ? wk_store_append_one(store, log, entry, size)
                  : wk_store_append(store, log, entry, size);
}

wk_err powercut_step(const struct powercut_plan *plan, struct wk_store *store, uint32_t step)
{
    uint8_t values[KEYS][VALUE_MAX];
    struct wk_store_put puts[KEYS];
    size_t count = 0;
    const bool single = is_single(plan, step);
    for (uint8_t log = 0; log < powercut_logs(plan); log++) {
        for (uint32_t i = 0; i < powercut_entries(plan, log, step); i++) {
            WK_TRY(append(plan, store, log, single));
        }
    }
    for (uint32_t i = 0; i < KEYS && !single; i++) {
        if (last_write(plan, k_keys[i], step) == step) {
            fill(plan, name_of_value(k_keys[i], step), values[count], VALUE_MAX);
            puts[count] = (struct wk_store_put){k_keys[i], values[count], VALUE_MAX};
            count++;
        }
    }
    return single ? WK_OK : wk_store_commit(store, puts, count);
}

wk_err powercut_mount(const struct powercut_plan *plan, struct powercut_world *world)
{
    struct wk_store_mount_report mounted;
    const struct wk_store_layout layout = powercut_layout(plan);
    WK_TRY(wk_store_mount(&world->store, &world->flash.port, &layout, &mounted));
    const bool whole = mounted.damaged_records == 0 && mounted.missing_entries == 0;
    return whole ? WK_OK : WK_E_CORRUPT; /* a cut is no damage */
}

wk_err powercut_begin(const struct powercut_plan *plan, struct powercut_world *world)
{
    wk_flash_init(&world->flash, world->octets, plan->geometry->sector, powercut_sectors(plan),
                  plan->geometry->unit);
    memset(world->touched, 0, sizeof world->touched);
    wk_flash_watch(&world->flash, world->touched);
    return powercut_mount(plan, world);
}

/* ---- the oracle -------------------------------------------------------------------------- */

static bool key_is_of(const struct powercut_plan *plan, const struct wk_store *store,
                      uint8_t key, uint32_t step)
{
    uint8_t wanted[VALUE_MAX];
    uint8_t value[VALUE_MAX];
    size_t size = 0;
    const uint32_t written = last_write(plan, key, step);
    const wk_err err = wk_store_get(store, key, value, sizeof value, &size);
    if (written == 0) {
        return err == WK_E_NOT_FOUND;
    }
    fill(plan, name_of_value(key, written), wanted, VALUE_MAX);
    return err == WK_OK && size == VALUE_MAX && memcmp(value, wanted, VALUE_MAX) == 0;
}

/* What the layout promises: sectors less two, filled with the largest entries. */
static uint64_t promised(const struct powercut_plan *plan)
{
    const uint32_t unit = plan->geometry->unit;
    const uint32_t room = (16 + ENTRY_MAX + unit - 1) / unit * unit;
    const uint32_t head = (19 + unit - 1) / unit * unit;
    return (uint64_t)(plan->geometry->log_sectors - 2) *
           ((plan->geometry->sector - head) / room);
}

static const char *wrong_log(const struct powercut_plan *plan, const struct wk_store *store,
                             uint8_t log, uint64_t head, uint32_t wasted)
{
    uint64_t oldest;
    uint64_t next;
    uint64_t keep = promised(plan);
    keep = keep > wasted ? keep - wasted : 0;
    if (wk_store_log_span(store, log, &oldest, &next) != WK_OK || next != head) {
        return "the head of a log is wrong";
    }
    if (next - oldest < (next < keep ? next : keep)) {
        return "a log forgot entries it must still hold";
    }
    struct wk_store_reader reader = {.number = oldest};
    for (uint64_t number = oldest; number < next; number++) {
        uint8_t wanted[ENTRY_MAX];
        uint8_t entry[ENTRY_MAX];
        size_t size = 0;
        const wk_err err = wk_store_read(store, log, &reader, entry, sizeof entry, &size);
        fill(plan, name_of_entry(log, number), wanted, entry_size(plan, log, number));
        if (err != WK_OK || size != entry_size(plan, log, number) ||
            memcmp(entry, wanted, size) != 0) {
            return "a log entry is lost, doubled or changed";
        }
    }
    return NULL;
}

const char *powercut_wrong(const struct powercut_plan *plan, const struct powercut_world *world,
                           uint32_t step, const uint64_t heads[WK_STORE_LOGS],
                           const uint32_t wasted[WK_STORE_LOGS])
{
    if (world->flash.violations > 0) {
        return "a unit was programmed twice";
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        if (!key_is_of(plan, &world->store, k_keys[i], step)) {
            return "a key is lost or of another step";
        }
    }
    const char *reason = NULL;
    for (uint8_t log = 0; log < powercut_logs(plan) && reason == NULL; log++) {
        reason = wrong_log(plan, &world->store, log, heads[log], wasted[log]);
    }
    return reason;
}

static bool is_ahead_erased(const struct powercut_world *world,
                            const struct wk_store_ring *ring)
{
    const uint32_t size = world->flash.port.sector_size;
    const uint32_t ahead =
        ring->first + (ring->filled == 0 ? 0 : (ring->newest + 1U) % ring->sectors);
    bool erased = true;
    for (uint32_t i = 0; i < size && erased; i++) {
        erased = world->octets[ahead * size + i] == 0xFF;
    }
    return erased;
}

const char *powercut_not_ahead(const struct powercut_plan *plan,
                               const struct powercut_world *world)
{
    bool erased = is_ahead_erased(world, &world->store.kv);
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        erased = erased && is_ahead_erased(world, &world->store.log[log]);
    }
    return erased ? NULL : "no sector is erased ahead";
}

bool powercut_is_done(const struct powercut_plan *plan, const struct wk_store *store,
                      uint32_t step, const uint64_t heads_after[WK_STORE_LOGS])
{
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        if (powercut_entries(plan, log, step) > 0) {
            return store->committed[log] == heads_after[log];
        }
    }
    bool done = true;
    for (uint32_t i = 0; i < KEYS; i++) {
        done = done && key_is_of(plan, store, k_keys[i], step);
    }
    return done;
}
