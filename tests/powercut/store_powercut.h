/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/powercut - what the power-cut campaign is made of: geometries, workloads (what step
 * number n does, as a function) and the oracle, which knows from the workload alone what a
 * store must hold after a step. */
#ifndef WK_TESTS_STORE_POWERCUT_H
#define WK_TESTS_STORE_POWERCUT_H

#include "management/store.h"
#include "port/virtual/flash.h"

#ifndef POWERCUT_IMAGE_MAX
#define POWERCUT_IMAGE_MAX (10U * 65536U)
#endif
#ifndef POWERCUT_TRIES
#define POWERCUT_TRIES 65536U
#endif
#define POWERCUT_WORKLOADS  4U
#define POWERCUT_GEOMETRIES 5U

struct powercut_geometry {
    const char *name;
    uint32_t sector;
    uint32_t unit;
    uint16_t kv_sectors;
    uint16_t log_sectors; /* of each log */
    uint32_t stride;      /* cut in every stride-th step */
    uint32_t lead;        /* steps before the first cut */
    bool openings;        /* cut in every step that opens a sector, too */
};

extern const struct powercut_geometry powercut_geometries[POWERCUT_GEOMETRIES];
extern const char *const powercut_workloads[POWERCUT_WORKLOADS];

/* One device and its store. */
struct powercut_world {
    uint8_t octets[POWERCUT_IMAGE_MAX];
    uint8_t touched[POWERCUT_IMAGE_MAX / 8];
    struct wk_flash flash;
    struct wk_store store;
};

/* One campaign's parameters. */
struct powercut_plan {
    const struct powercut_geometry *geometry;
    uint32_t workload;
    uint32_t seed;
};

/* Entries have other octets when their step is done again after a cut: how often each was, by
 * number modulo POWERCUT_TRIES. */
extern uint8_t powercut_tries[WK_STORE_LOGS][POWERCUT_TRIES];

struct wk_store_layout powercut_layout(const struct powercut_plan *plan);
uint32_t powercut_sectors(const struct powercut_plan *plan);
uint32_t powercut_logs(const struct powercut_plan *plan);
uint32_t powercut_random(uint32_t a, uint32_t b, uint32_t seed);

/** Entries that step `step` adds to `log`. */
uint32_t powercut_entries(const struct powercut_plan *plan, uint32_t log, uint32_t step);
/** Does step `step`. */
wk_err powercut_step(const struct powercut_plan *plan, struct wk_store *store, uint32_t step);

/** Blank device, mounted. */
wk_err powercut_begin(const struct powercut_plan *plan, struct powercut_world *world);
wk_err powercut_mount(const struct powercut_plan *plan, struct powercut_world *world);

/** NULL if the store holds exactly what it must after `step`, else what is wrong. `heads`: of the
 *  logs then. `wasted`: entries' worth of room that cuts may have cost each log. */
const char *powercut_wrong(const struct powercut_plan *plan, const struct powercut_world *world,
                           uint32_t step, const uint64_t heads[WK_STORE_LOGS],
                           const uint32_t wasted[WK_STORE_LOGS]);

/** NULL if the sector ahead of every ring is erased. */
const char *powercut_not_ahead(const struct powercut_plan *plan,
                               const struct powercut_world *world);

/** True if `key`s and heads are those after `step` rather than those before. */
bool powercut_is_done(const struct powercut_plan *plan, const struct wk_store *store,
                      uint32_t step, const uint64_t heads_after[WK_STORE_LOGS]);

#endif
