/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts the power in every program and erase operation of a workload, in three ways, and again
 * in every operation of the recovery, in three ways. The oracle knows what was acknowledged:
 * after recovery the store holds exactly the acknowledged step or the one under way, all keys and
 * all logs of the same step, and goes on. Then a chain: one device, hundreds of cuts one after
 * the other, which must keep what its layout promises.
 *
 * usage: store_powercut [--steps N] [--long] [--seed S]
 *                       [--geometry G] [--workload W] [--step N] [--operation N] [--tear N]
 * A failure prints the arguments that repeat it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/powercut/store_powercut.h"

#define JOBS        2U
#define STEPS       46U
#define STEPS_LONG  330U
#define CHAIN       3000U
#define CHAIN_LONG  30000U
#define CHAIN_CUTS  4096U
#define REPORTS_MAX 20U
#define GO_ON       3U
#define ANY         UINT32_MAX

static struct powercut_world g_world; /* the one that goes on */
static struct powercut_world g_cut;   /* the one whose power fails */
static struct powercut_world g_torn;  /* as the first cut left it */
static unsigned long g_cuts;
static unsigned long g_failures;

/* What to run: all, or one case. */
struct choice {
    uint32_t steps;
    uint32_t chain;
    uint32_t seed;
    uint32_t geometry;
    uint32_t workload;
    uint32_t step;
    uint32_t operation;
    uint32_t tear;
};

static struct choice g_choice = {STEPS, CHAIN, 20261121, ANY, ANY, ANY, ANY, ANY};

/* Where the campaign stands, for reports. */
struct place {
    uint32_t step;
    uint32_t operation;
    uint32_t tear;
    uint32_t again;
    uint32_t again_tear;
};

static void report(const struct powercut_plan *plan, const struct place *place,
                   const char *reason)
{
    if (g_failures++ < REPORTS_MAX) {
        printf("# %s (again in operation %u, tear %u)\n"
               "#   repeat: --seed %u --geometry %u --workload %u --step %u --operation %u "
               "--tear %u\n",
               reason, place->again, place->again_tear, plan->seed,
               (unsigned)(plan->geometry - powercut_geometries), plan->workload, place->step,
               place->operation, place->tear);
    }
}

static void copy_world(const struct powercut_plan *plan, struct powercut_world *to,
                       const struct powercut_world *from)
{
    const size_t size = (size_t)plan->geometry->sector * powercut_sectors(plan);
    memcpy(to->octets, from->octets, size);
    memcpy(to->touched, from->touched, size / plan->geometry->unit / 8 + 1);
    to->flash = from->flash;
    to->flash.port.self = &to->flash;
    to->flash.octets = to->octets;
    to->flash.touched = to->touched;
    to->store = from->store;
    to->store.flash = &to->flash.port;
}

/* ---- one cut ----------------------------------------------------------------------------- */

/* What a step that was cut is done again with must not be taken for what the cut left. */
static void try_again(const struct powercut_plan *plan, const uint64_t heads[WK_STORE_LOGS],
                      uint32_t step, int tries)
{
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        for (uint32_t i = 0; i < powercut_entries(plan, log, step); i++) {
            uint8_t *count = &powercut_tries[log][(heads[log] + i) % POWERCUT_TRIES];
            *count = (uint8_t)(*count + tries);
        }
    }
}

static const char *go_on(const struct powercut_plan *plan, uint32_t now,
                         uint64_t heads[WK_STORE_LOGS], const uint32_t wasted[WK_STORE_LOGS])
{
    for (uint32_t next = now + 1; next <= now + GO_ON; next++) {
        if (powercut_step(plan, &g_cut.store, next) != WK_OK) {
            return "the store does not go on after recovery";
        }
        for (uint32_t log = 0; log < powercut_logs(plan); log++) {
            heads[log] += powercut_entries(plan, log, next);
        }
    }
    if (powercut_mount(plan, &g_cut) != WK_OK) {
        return "the store does not mount after going on";
    }
    return powercut_wrong(plan, &g_cut, now + GO_ON, heads, wasted);
}

/* The recovered store holds one of the two steps, keeps it over an empty commit, and goes on. */
static const char *check_recovered(const struct powercut_plan *plan, uint32_t step)
{
    uint64_t heads[WK_STORE_LOGS] = {0};
    const uint64_t *before = g_world.store.committed;
    uint32_t wasted[WK_STORE_LOGS] = {0};
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        wasted[log] = powercut_entries(plan, log, step) + 1;
        heads[log] = g_world.store.committed[log] + powercut_entries(plan, log, step);
    }
    const bool done = powercut_is_done(plan, &g_cut.store, step, heads);
    const uint32_t now = done ? step : step - 1;
    if (!done) {
        memcpy(heads, before, sizeof heads);
    }
    const char *reason = powercut_wrong(plan, &g_cut, now, heads, wasted);
    if (reason != NULL) {
        return reason;
    }
    if (wk_store_commit(&g_cut.store, NULL, 0) != WK_OK ||
        powercut_mount(plan, &g_cut) != WK_OK) {
        return "the store takes no commit after recovery";
    }
    reason = powercut_wrong(plan, &g_cut, now, heads, wasted);
    if (reason != NULL) {
        return reason;
    }
    try_again(plan, before, step, done ? 0 : 1);
    reason = go_on(plan, now, heads, wasted);
    try_again(plan, before, step, done ? 0 : -1);
    return reason;
}

/* Mounts with a cut in operation place->again. Returns false if mounting has fewer. */
static bool recover_once(const struct powercut_plan *plan, const struct place *place)
{
    copy_world(plan, &g_cut, &g_torn);
    wk_flash_power_on(&g_cut.flash, place->again, (wk_flash_tear)place->again_tear,
                      powercut_random(place->again, place->step, plan->seed));
    wk_err err = powercut_mount(plan, &g_cut);
    const bool cut_again = g_cut.flash.off;
    g_cuts++;
    wk_flash_power_on(&g_cut.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
    if (cut_again) {
        err = powercut_mount(plan, &g_cut);
    }
    const char *reason = err != WK_OK ? wk_err_name(err) : check_recovered(plan, place->step);
    if (reason != NULL) {
        report(plan, place, reason);
    }
    return cut_again;
}

static void recover(const struct powercut_plan *plan, struct place place)
{
    copy_world(plan, &g_torn, &g_cut);
    bool more = true;
    for (place.again = 0; more; place.again++) {
        for (place.again_tear = 0; place.again_tear < WK_FLASH_TEAR_COUNT && more;
             place.again_tear++) {
            more = recover_once(plan, &place);
        }
    }
}

/* Cuts in every operation of the step that comes after the present state of g_world. */
static void cut_everywhere(const struct powercut_plan *plan, uint32_t step)
{
    struct place place = {.step = step};
    for (place.tear = 0; place.tear < WK_FLASH_TEAR_COUNT; place.tear++) {
        const bool wanted = g_choice.tear == ANY || g_choice.tear == place.tear;
        bool more = wanted;
        for (place.operation = 0; more; place.operation++) {
            copy_world(plan, &g_cut, &g_world);
            wk_flash_power_on(&g_cut.flash, place.operation, (wk_flash_tear)place.tear,
                              powercut_random(step, place.operation, plan->seed));
            const wk_err err = powercut_step(plan, &g_cut.store, step);
            more = g_cut.flash.off;
            if (!more && err != WK_OK) {
                report(plan, &place, wk_err_name(err));
            }
            if (more && (g_choice.operation == ANY || g_choice.operation == place.operation)) {
                recover(plan, place);
            }
        }
    }
}

/* ---- a campaign -------------------------------------------------------------------------- */

static bool opens_a_sector(const struct powercut_plan *plan, uint32_t step)
{
    copy_world(plan, &g_cut, &g_world);
    wk_flash_power_on(&g_cut.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
    if (powercut_step(plan, &g_cut.store, step) != WK_OK) {
        return true;
    }
    bool opens = g_cut.store.kv.sequence != g_world.store.kv.sequence;
    for (uint32_t log = 0; log < powercut_logs(plan); log++) {
        opens = opens || g_cut.store.log[log].sequence != g_world.store.log[log].sequence;
    }
    return opens;
}

static bool is_cut(const struct powercut_plan *plan, uint32_t step)
{
    if (g_choice.step != ANY) {
        return step == g_choice.step;
    }
    const struct powercut_geometry *geometry = plan->geometry;
    return step > geometry->lead &&
           (step % geometry->stride == 0 || (geometry->openings && opens_a_sector(plan, step)));
}

static void campaign(const struct powercut_plan *plan)
{
    const uint32_t lead = plan->geometry->lead;
    const uint32_t last = g_choice.step != ANY
                              ? g_choice.step
                              : lead + g_choice.steps * (plan->geometry->stride < 10 ? 1 : 10);
    const struct place begin = {0};
    memset(powercut_tries, 0, sizeof powercut_tries);
    if (powercut_begin(plan, &g_world) != WK_OK) {
        report(plan, &begin, "a blank device does not mount");
        return;
    }
    for (uint32_t step = 1; step <= last; step++) {
        if (is_cut(plan, step)) {
            cut_everywhere(plan, step);
        }
        wk_flash_power_on(&g_world.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
        const char *reason = powercut_step(plan, &g_world.store, step) == WK_OK
                                 ? powercut_not_ahead(plan, &g_world)
                                 : "a step without a cut failed";
        if (reason != NULL) {
            const struct place here = {.step = step};
            report(plan, &here, reason);
            return;
        }
    }
}

/* ---- the chain --------------------------------------------------------------------------- */

/* The cuts that an entry still held may have had to make room for. */
struct chain {
    uint64_t heads[WK_STORE_LOGS];
    uint32_t steps[CHAIN_CUTS]; /* in which step each cut came */
    uint64_t at[CHAIN_CUTS][WK_STORE_LOGS];
    uint32_t cuts;
};

static struct chain g_chain;

static void note_cut(uint32_t step)
{
    const uint32_t slot = g_chain.cuts++ % CHAIN_CUTS;
    g_chain.steps[slot] = step;
    memcpy(g_chain.at[slot], g_chain.heads, sizeof g_chain.heads);
}

static void count_waste(const struct powercut_plan *plan, uint32_t wasted[WK_STORE_LOGS])
{
    const uint32_t count = g_chain.cuts < CHAIN_CUTS ? g_chain.cuts : CHAIN_CUTS;
    memset(wasted, 0, WK_STORE_LOGS * sizeof wasted[0]);
    for (uint8_t log = 0; log < powercut_logs(plan); log++) {
        uint64_t oldest = 0;
        uint64_t next = 0;
        if (wk_store_log_span(&g_world.store, log, &oldest, &next) != WK_OK) {
            return;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (g_chain.at[i][log] >= oldest) {
                wasted[log] += powercut_entries(plan, log, g_chain.steps[i]);
            }
        }
    }
}

/* Does step `step` in spite of a cut, and perhaps another while recovering. */
static const char *chain_step(const struct powercut_plan *plan, uint32_t step)
{
    const uint32_t dice = powercut_random(step, 91, plan->seed);
    const uint64_t cut = dice % 3 == 0 ? dice / 3 % 40 : UINT64_MAX;
    uint64_t after[WK_STORE_LOGS];
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        after[log] = g_chain.heads[log] +
                     (log < powercut_logs(plan) ? powercut_entries(plan, log, step) : 0);
    }
    wk_flash_power_on(&g_world.flash, cut, (wk_flash_tear)(dice / 200 % WK_FLASH_TEAR_COUNT),
                      dice);
    const wk_err err = powercut_step(plan, &g_world.store, step);
    if (!g_world.flash.off) {
        memcpy(g_chain.heads, after, sizeof after);
        return err == WK_OK ? NULL : "a step without a cut failed";
    }
    g_cuts++;
    note_cut(step);
    wk_flash_power_on(&g_world.flash, dice / 1000 % 4,
                      (wk_flash_tear)(dice / 5000 % WK_FLASH_TEAR_COUNT), dice + 1);
    if (powercut_mount(plan, &g_world) != WK_OK && !g_world.flash.off) {
        return "the store does not mount";
    }
    wk_flash_power_on(&g_world.flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 0);
    if (powercut_mount(plan, &g_world) != WK_OK) {
        return "the store does not mount again";
    }
    uint32_t wasted[WK_STORE_LOGS];
    count_waste(plan, wasted);
    const bool done = powercut_is_done(plan, &g_world.store, step, after);
    memcpy(g_chain.heads, done ? after : g_chain.heads, sizeof after);
    const char *reason =
        powercut_wrong(plan, &g_world, done ? step : step - 1, g_chain.heads, wasted);
    if (reason == NULL && !done) {
        try_again(plan, g_chain.heads, step, 1);
        memcpy(g_chain.heads, after, sizeof after);
        reason = powercut_step(plan, &g_world.store, step) == WK_OK ? NULL : "no going on";
    }
    return reason;
}

static void chain(const struct powercut_plan *plan)
{
    struct place place = {0};
    memset(&g_chain, 0, sizeof g_chain);
    const char *reason = powercut_begin(plan, &g_world) == WK_OK ? NULL : "no mount";
    for (place.step = 1; place.step <= g_choice.chain && reason == NULL; place.step++) {
        reason = chain_step(plan, place.step);
    }
    if (reason != NULL) {
        report(plan, &place, reason);
    }
}

/* ---- all of it --------------------------------------------------------------------------- */

static void run_one(int number, const struct powercut_plan *plan)
{
    const unsigned long failures = g_failures;
    const unsigned long cuts = g_cuts;
    campaign(plan);
    if (g_choice.step == ANY) {
        chain(plan);
    }
    printf("%sok %d - no cut loses or doubles anything: %s, %s\n",
           g_failures > failures ? "not " : "", number, plan->geometry->name,
           powercut_workloads[plan->workload]);
    printf("# %lu cuts\n", g_cuts - cuts);
    fflush(stdout);
}

/* Every JOBS-th campaign from `job` on. */
static void run_job(uint32_t job)
{
    for (uint32_t i = job; i < POWERCUT_WORKLOADS * POWERCUT_GEOMETRIES; i += JOBS) {
        const uint32_t workload = i / POWERCUT_GEOMETRIES;
        const uint32_t geometry = i % POWERCUT_GEOMETRIES;
        const struct powercut_plan plan = {&powercut_geometries[geometry], workload,
                                           g_choice.seed};
        if ((g_choice.geometry == ANY || g_choice.geometry == geometry) &&
            (g_choice.workload == ANY || g_choice.workload == workload)) {
            run_one((int)i + 1, &plan);
        }
    }
}

/* Runs the jobs as processes of their own; they tell the totals through shared memory. */
static bool run_all(void)
{
    struct totals {
        unsigned long cuts;
        unsigned long failures;
    };
    struct totals *totals = mmap(NULL, JOBS * sizeof *totals, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool whole = totals != MAP_FAILED;
    for (uint32_t job = 0; job < JOBS && whole; job++) {
        const pid_t child = fork();
        if (child == 0) {
            run_job(job);
            totals[job] = (struct totals){g_cuts, g_failures};
            _exit(0);
        }
        whole = child > 0;
    }
    for (uint32_t job = 0; job < JOBS && whole; job++) {
        int status;
        whole = wait(&status) > 0 && WIFEXITED(status);
    }
    for (uint32_t job = 0; job < JOBS && whole; job++) {
        g_cuts += totals[job].cuts;
        g_failures += totals[job].failures;
    }
    return whole;
}

static bool take_number(const char *name, const char *value)
{
    static const struct {
        const char *name;
        uint32_t *to;
    } k_options[] = {
        {"--steps", &g_choice.steps},       {"--seed", &g_choice.seed},
        {"--geometry", &g_choice.geometry}, {"--workload", &g_choice.workload},
        {"--step", &g_choice.step},         {"--operation", &g_choice.operation},
        {"--tear", &g_choice.tear},         {"--chain", &g_choice.chain},
    };
    for (size_t i = 0; i < sizeof k_options / sizeof k_options[0]; i++) {
        if (strcmp(k_options[i].name, name) == 0) {
            *k_options[i].to = (uint32_t)strtoul(value, NULL, 10);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0) {
            g_choice.steps = STEPS_LONG;
            g_choice.chain = CHAIN_LONG;
        } else if (i + 1 >= argc || !take_number(argv[i], argv[i + 1])) {
            fprintf(stderr, "store_powercut: what is \"%s\"?\n", argv[i]);
            return 2;
        } else {
            i++;
        }
    }
    printf("# %u steps per workload, seed %u\n", g_choice.steps, g_choice.seed);
    fflush(stdout);
    const bool whole = run_all();
    printf("1..%u\n", POWERCUT_WORKLOADS * POWERCUT_GEOMETRIES);
    printf("# figure {\"figure\":\"store power cuts\",\"value\":%lu,\"unit\":\"cuts\","
           "\"goal\":\"0 lost\",\"holds\":%s,\"seed\":%u}\n",
           g_cuts, g_failures > 0 || !whole ? "false" : "true", g_choice.seed);
    return g_failures > 0 || !whole ? 1 : 0;
}
