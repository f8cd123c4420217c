/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commits of a meter cost its flash: a meter that imports 3 kW, with the layout and the
 * sectors of a meter on Linux. */
#include <stdlib.h>

#include "daemon/layout.h"
#include "management/module.h"
#include "port/linux/flash_file.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define WINDOW_US INT64_C(3000000)
#define START_S   INT64_C(1790000000)
#define DAY       (86400 / 3) /* windows */
#define DAYS      3
#define PER_ERASE 50
#define AMPLITUDE 1.6

static bool g_closed = true;
static struct wk_flash g_flash;
static struct wk_module g_module;

/* What the values and entries of the commits held that opened no sector. */
struct measure {
    uint64_t commits;
    uint64_t programmed;
    uint64_t data;
};

static wk_err contactor_set(void *self, bool closed)
{
    (void)self;
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

static struct wk_record window(uint64_t n)
{
    struct wk_record record = {.seq = n + 1,
                               .epoch = 1790000000,
                               .t_us = START_S * 1000000 + (int64_t)(n + 1) * WINDOW_US,
                               .span_us = WINDOW_US,
                               .kind = WK_RECORD_WINDOW};
    record.window.phases = 3;
    for (int phase = 0; phase < 3; phase++) {
        record.window.u_mv[phase] = 230000 + phase * 100;
        record.window.i_ua[phase] = 4400000;
        record.window.energy[phase].import_uwh = 833000 + (int64_t)(n % 1009);
        record.window.total.import_uwh += record.window.energy[phase].import_uwh;
    }
    record.window.total.q_uvarh[0] = 300000 + (int64_t)(n % 31);
    return record;
}

static wk_err boot(uint8_t *octets)
{
    struct wk_module_config config = {
        .identity = {.serial = "WK10000001", .logical_name = "WKT0000010000001", .phases = 3},
        .period_s = 900,
        .control_mode = 4,
        .zone = wk_zone_central_europe,
        .layout = wk_layout_meter(),
    };
    const struct wk_module_ports ports = {.flash = &g_flash.port, .contactor = &k_contactor};
    wk_flash_init(&g_flash, octets, WK_FLASH_FILE_SECTOR, wk_layout_sectors(&config.layout),
                  WK_FLASH_FILE_UNIT);
    return wk_module_init(&g_module, &config, &ports);
}

static uint32_t newest_values(const struct wk_store_place before[WK_STORE_KEYS])
{
    uint32_t size = 0;
    for (uint32_t key = 0; key < WK_STORE_KEYS; key++) {
        const struct wk_store_place *place = &g_module.rooms.store.keys[key];
        size += place->at != before[key].at ? place->size : 0;
    }
    return size;
}

static wk_err consume(const struct wk_record *record, struct measure *measure)
{
    struct wk_store_place before[WK_STORE_KEYS];
    const struct wk_store *store = &g_module.rooms.store;
    const uint64_t transaction = store->transaction;
    const uint32_t sector = store->kv.sequence;
    uint64_t entries = 0;
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        entries += store->committed[log];
    }
    memcpy(before, store->keys, sizeof before);
    const uint64_t programmed = g_flash.programmed;
    WK_TRY(wk_module_consume(&g_module, record));
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        entries -= store->committed[log];
    }
    measure->commits += store->transaction - transaction;
    if (store->transaction == transaction + 1 && store->kv.sequence == sector && entries == 0) {
        measure->programmed += g_flash.programmed - programmed;
        measure->data += newest_values(before);
    }
    return WK_OK;
}

static void a_meters_commits_spare_its_flash(void)
{
    const struct wk_store_layout layout = wk_layout_meter();
    uint8_t *octets = malloc((size_t)WK_FLASH_FILE_SECTOR * wk_layout_sectors(&layout));
    struct measure measure = {0};
    EXPECT(octets != NULL);
    EXPECT_OK(boot(octets));
    const uint32_t first = g_module.rooms.store.kv.sequence;
    for (uint64_t n = 0; n < DAY * DAYS; n++) {
        const struct wk_record record = window(n);
        EXPECT_OK(consume(&record, &measure));
    }
    const uint32_t opened = g_module.rooms.store.kv.sequence - first;
    const double per = (double)measure.commits / opened;
    const double wa = (double)measure.programmed / (double)measure.data;
    WK_TEST_FIGURE("store: commits per erase, a meter at 3 kW", per, "commits/erase", ">= 50",
                   per >= PER_ERASE, 0);
    WK_TEST_FIGURE("store: write amplification of a commit, a meter at 3 kW", wa,
                   "octets/octet", "<= 1.6", wa <= AMPLITUDE, 0);
    WK_TEST_FIGURE("store: octets of a commit, a meter at 3 kW",
                   (double)measure.programmed / (double)measure.commits, "octets", "<= 300",
                   measure.programmed <= 300 * measure.commits, 0);
    EXPECT(opened > 5);
    EXPECT(per >= PER_ERASE);
    EXPECT(wa <= AMPLITUDE);
    free(octets);
}

WK_TEST_MAIN(T(a_meters_commits_spare_its_flash))
