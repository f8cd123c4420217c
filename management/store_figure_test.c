/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store costs: wear, octets, reads at recovery, time until data is safe. */
#include <stdlib.h>

#include "management/store.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR    4096U
#define UNIT      16U
#define IMAGE     (1024U * 1024U)
#define SECTORS   (IMAGE / SECTOR)
#define COMMITS   20000U
#define SEED      20261121
#define AMPLITUDE 1.6 /* most octets programmed for one of data */
#define PER_ERASE 50
#define SPREAD    2
#define RECOVERY  16384

/* A device that counts erases by sector, and those before the data of a call was synced. */
static uint8_t g_octets[IMAGE];
static struct wk_flash g_flash;
static struct wk_hal_flash g_port;
static uint32_t g_erases[SECTORS];
static uint32_t g_early; /* erases since the call began, before its first sync */
static bool g_synced;
static uint64_t g_units_to_sync; /* units programmed before the first sync */
static struct wk_store g_store;
static struct wk_store_mount_report g_report;
static uint32_t g_random = SEED;

static uint32_t next_random(void)
{
    g_random = g_random * 1664525U + 1013904223U;
    return g_random >> 8;
}

static wk_err count_read(void *self, uint32_t at, void *to, uint32_t size)
{
    return g_flash.port.read(self, at, to, size);
}

static wk_err count_program(void *self, uint32_t at, const void *from, uint32_t size)
{
    g_units_to_sync += g_synced ? 0 : size / UNIT;
    return g_flash.port.program(self, at, from, size);
}

static wk_err count_erase(void *self, uint32_t at)
{
    g_erases[at / SECTOR]++;
    g_early += g_synced ? 0 : 1;
    return g_flash.port.erase(self, at);
}

static wk_err count_sync(void *self)
{
    g_synced = true;
    return g_flash.port.sync(self);
}

static void begin_call(void)
{
    g_early = 0;
    g_synced = false;
    g_units_to_sync = 0;
}

/* 8 key/value sectors and 16 logs of 15 or 23 sectors: 1 MiB. */
static struct wk_store_layout whole_image(void)
{
    struct wk_store_layout layout = {.kv_sectors = 8};
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        layout.log_sectors[log] = log == 0 ? 23 : 15;
    }
    return layout;
}

static wk_err mount(void)
{
    const struct wk_store_layout layout = whole_image();
    return wk_store_mount(&g_store, &g_port, &layout, &g_report);
}

static wk_err fresh(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    memset(g_erases, 0, sizeof g_erases);
    g_port = g_flash.port;
    g_port.read = count_read;
    g_port.program = count_program;
    g_port.erase = count_erase;
    g_port.sync = count_sync;
    return mount();
}

/* The octets change, so that nothing is spared by chance. */
static const uint8_t *payload(void)
{
    static uint8_t octets[1024];
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)next_random();
    }
    return octets;
}

static wk_err put(uint8_t key, uint16_t size)
{
    const struct wk_store_put one = {key, payload(), size};
    return wk_store_commit(&g_store, &one, 1);
}

static uint32_t spread(const struct wk_store_ring *ring)
{
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (uint32_t sector = ring->first; sector < ring->first + ring->sectors; sector++) {
        least = g_erases[sector] < least ? g_erases[sector] : least;
        most = g_erases[sector] > most ? g_erases[sector] : most;
    }
    return most - least;
}

static void measure_register(uint16_t size, const char *amplitude, const char *per_erase)
{
    EXPECT_OK(fresh());
    const uint64_t programmed = g_flash.programmed;
    for (uint32_t i = 0; i < COMMITS; i++) {
        EXPECT_OK(put(1, size));
    }
    const double wa = (double)(g_flash.programmed - programmed) / ((double)COMMITS * size);
    const uint32_t opened = g_store.kv.sequence - 1;
    const double per = (double)COMMITS / opened;
    WK_TEST_FIGURE(amplitude, wa, "octets/octet", "<= 1.6", wa <= AMPLITUDE, SEED);
    WK_TEST_FIGURE(per_erase, per, "commits/erase", ">= 50", per >= PER_ERASE, SEED);
    EXPECT(wa <= AMPLITUDE);
    EXPECT(per >= PER_ERASE);
    EXPECT(spread(&g_store.kv) <= SPREAD);
}

static void overwriting_a_register_costs_little(void)
{
    measure_register(56, "store: write amplification, register of 56 octets",
                     "store: commits per erase, register of 56 octets");
    measure_register(64, "store: write amplification, register of 64 octets",
                     "store: commits per erase, register of 64 octets");
}

static void appending_to_a_log_costs_little(void)
{
    EXPECT_OK(fresh());
    const uint64_t programmed = g_flash.programmed;
    for (uint32_t i = 0; i < COMMITS; i++) {
        EXPECT_OK(wk_store_append_one(&g_store, 3, payload(), 32));
    }
    const double wa = (double)(g_flash.programmed - programmed) / ((double)COMMITS * 32);
    const double per = (double)COMMITS / g_store.log[3].sequence;
    WK_TEST_FIGURE("store: write amplification, log of 32 octets", wa, "octets/octet", "<= 1.6",
                   wa <= AMPLITUDE, SEED);
    WK_TEST_FIGURE("store: appends per erase, log of 32 octets", per, "appends/erase", ">= 50",
                   per >= PER_ERASE, SEED);
    WK_TEST_FIGURE("store: erases between the most and the least worn sector",
                   spread(&g_store.log[3]), "erases", "<= 2", spread(&g_store.log[3]) <= SPREAD,
                   SEED);
    EXPECT(wa <= AMPLITUDE);
    EXPECT(per >= PER_ERASE);
    EXPECT(spread(&g_store.log[3]) <= SPREAD);
}

static void sixteen_logs_cost_no_more_than_those_that_move(void)
{
    EXPECT_OK(fresh());
    const uint64_t programmed = g_flash.programmed;
    uint64_t data = 0;
    for (uint32_t i = 0; i < COMMITS; i++) {
        for (uint32_t n = 1 + next_random() % 3; n > 0; n--) {
            EXPECT_OK(wk_store_append(&g_store, (uint8_t)(next_random() % WK_STORE_LOGS),
                                      payload(), 48));
            data += 48;
        }
        EXPECT_OK(put(1, 56));
        data += 56;
    }
    const double wa = (double)(g_flash.programmed - programmed) / (double)data;
    WK_TEST_FIGURE("store: write amplification, register and 16 logs", wa, "octets/octet",
                   "<= 1.6", wa <= AMPLITUDE, SEED);
    EXPECT(wa <= AMPLITUDE);
    EXPECT(spread(&g_store.kv) <= SPREAD);
}

/* The keys of a meter, cold and hot. */
static wk_err fill_keys(void)
{
    for (uint8_t key = 0; key < 12; key++) {
        WK_TRY(put(key, (uint16_t)(40 + 10 * key)));
    }
    return WK_OK;
}

static void recovery_reads_little_wherever_the_cut_came(void)
{
    uint64_t worst = 0;
    uint64_t sum = 0;
    uint32_t mounts = 0;
    EXPECT_OK(fresh());
    EXPECT_OK(fill_keys());
    for (uint32_t i = 0; i < COMMITS; i++) {
        for (uint32_t n = next_random() % 4; n > 0; n--) {
            EXPECT_OK(wk_store_append(&g_store, (uint8_t)(next_random() % WK_STORE_LOGS),
                                      payload(), (uint16_t)(16 + next_random() % 80)));
        }
        EXPECT_OK(put((uint8_t)(next_random() % 2), 56));
        if (i % 20 == 0) {
            g_flash.read = 0;
            EXPECT_OK(mount());
            worst = g_flash.read > worst ? g_flash.read : worst;
            sum += g_flash.read;
            mounts++;
        }
    }
    WK_TEST_FIGURE("store: octets read at recovery of 1 MiB with 16 logs, worst", worst,
                   "octets", "<= 16384", worst <= RECOVERY, SEED);
    WK_TEST_FIGURE("store: octets read at recovery of 1 MiB with 16 logs, mean",
                   (double)sum / mounts, "octets", "<= 16384", sum / mounts <= RECOVERY, SEED);
    EXPECT(worst <= RECOVERY);
}

static void nothing_is_erased_before_data_is_safe(void)
{
    uint32_t early = 0;
    uint64_t most = 0;
    uint64_t usual = 0;
    EXPECT_OK(fresh());
    EXPECT_OK(fill_keys());
    for (uint32_t i = 0; i < COMMITS; i++) {
        if (i % 97 == 0) {
            EXPECT_OK(mount()); /* as after a cut */
        }
        begin_call();
        for (uint32_t n = next_random() % 3; n > 0; n--) {
            EXPECT_OK(wk_store_append(&g_store, (uint8_t)(next_random() % 3), payload(), 32));
        }
        const uint32_t sector = g_store.kv.sequence;
        EXPECT_OK(put(1, 56));
        early += g_early;
        most = g_units_to_sync > most ? g_units_to_sync : most;
        if (sector == g_store.kv.sequence) {
            usual = g_units_to_sync > usual ? g_units_to_sync : usual;
        }
    }
    WK_TEST_FIGURE("store: erases before a commit is safe", early, "erases", "0", early == 0,
                   SEED);
    WK_TEST_FIGURE("store: units programmed before a commit is safe, most in a sector", usual,
                   "units", "<= 24", usual <= 24, SEED);
    WK_TEST_FIGURE("store: units programmed before a commit is safe, with a checkpoint", most,
                   "units", "<= 256", most <= 256, SEED);
    EXPECT_I64(0, early);
    EXPECT(usual <= 24 && most <= 256);
}

WK_TEST_MAIN(T(overwriting_a_register_costs_little), T(appending_to_a_log_costs_little),
             T(sixteen_logs_cost_no_more_than_those_that_move),
             T(recovery_reads_little_wherever_the_cut_came),
             T(nothing_is_erased_before_data_is_safe))
