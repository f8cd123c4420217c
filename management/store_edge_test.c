/* SPDX-License-Identifier: Apache-2.0
 *
 * The store at its limits: a device that refuses any one operation, and the last octet that fits. */
#include "management/store.h"

#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR     1024U
#define SECTORS    14U
#define UNIT       8U
#define STEPS      90U
#define KEYS       5U
#define BIG        260U /* more than one chunk of the store */
#define ENTRIES    64U
#define BIG_SECTOR 32768U

/* A device that refuses one call, and counts them. */
struct refusing {
    struct wk_hal_flash port;
    uint64_t calls;
    uint64_t refuse;   /* number of the call, 0 = the first */
    uint32_t unsynced; /* programs since the last sync */
    uint32_t erases;
    bool erased_unsynced; /* an erase came after the last sync */
};

static const struct wk_store_layout k_layout = {.kv_sectors = 4, .log_sectors = {5, 0, 5}};
static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_before[SECTOR * SECTORS];
static uint8_t g_big[3 * BIG_SECTOR];
static struct wk_flash g_flash;
static struct refusing g_device;
static struct wk_store g_store;
static struct wk_store g_store_before;
static struct wk_store_mount_report g_report;

static bool refuses(void)
{
    return g_device.calls++ == g_device.refuse;
}

static wk_err refusing_read(void *self, uint32_t at, void *to, uint32_t size)
{
    return refuses() ? WK_E_IO : g_flash.port.read(self, at, to, size);
}

static wk_err refusing_program(void *self, uint32_t at, const void *from, uint32_t size)
{
    g_device.unsynced++;
    if (size == 0) { /* nothing to program: no call */
        return WK_E_FORMAT;
    }
    return refuses() ? WK_E_IO : g_flash.port.program(self, at, from, size);
}

static wk_err refusing_erase(void *self, uint32_t at)
{
    g_device.erases++;
    g_device.erased_unsynced = true;
    return refuses() ? WK_E_IO : g_flash.port.erase(self, at);
}

static wk_err refusing_sync(void *self)
{
    g_device.unsynced = 0;
    g_device.erased_unsynced = false;
    return refuses() ? WK_E_IO : g_flash.port.sync(self);
}

static void power_on(uint64_t refuse)
{
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    g_device = (struct refusing){.port = g_flash.port, .refuse = refuse};
    g_device.port.read = refusing_read;
    g_device.port.program = refusing_program;
    g_device.port.erase = refusing_erase;
    g_device.port.sync = refusing_sync;
}

static wk_err mount(void)
{
    return wk_store_mount(&g_store, &g_device.port, &k_layout, &g_report);
}

static wk_err fresh(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    power_on(UINT64_MAX);
    return mount();
}

/* ---- a device that refuses ---------------------------------------------------------------- */

static uint32_t g_step;

static void fill(uint8_t *to, size_t size, uint32_t what)
{
    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)(what * 31U + i * 7U + (i >> 3));
    }
}

static const void *fetch_value(void *self, size_t i)
{
    static uint8_t value[BIG];
    fill(value, sizeof value, g_step * 8U + (uint32_t)i);
    (void)self;
    return value;
}

static wk_err put_two(void)
{
    const struct wk_store_put puts[] = {{(uint8_t)(g_step % KEYS), NULL, 90},
                                        {(uint8_t)((g_step + 1) % KEYS), NULL, 17}};
    return wk_store_commit_fetched(&g_store, puts, 2, fetch_value, NULL);
}

/* More than a chunk, and with its head exactly one. */
static wk_err put_big(void)
{
    uint8_t value[BIG];
    fill(value, sizeof value, 5);
    const struct wk_store_put put = {63, value, g_step % 20 < 10 ? BIG : 240};
    return wk_store_commit(&g_store, &put, 1);
}

/* The heads of the logs that move lie across the end of a chunk. */
static wk_err put_across(void)
{
    uint8_t value[BIG];
    fill(value, sizeof value, 6);
    const struct wk_store_put put = {63, value, 232};
    WK_TRY(wk_store_append(&g_store, 2, "", 0));
    WK_TRY(wk_store_append(&g_store, 0, "", 0));
    return wk_store_commit(&g_store, &put, 1);
}

static wk_err append_to(uint8_t log, bool alone)
{
    uint8_t entry[BIG];
    uint64_t number;
    WK_TRY(wk_store_log_next(&g_store, log, &number));
    const uint16_t size = number % 9 == 8 ? BIG : (uint16_t)(number % 40);
    fill(entry, size, (uint32_t)number * 3U + log);
    return alone ? wk_store_append_one(&g_store, log, entry, size)
                 : wk_store_append(&g_store, log, entry, size);
}

static wk_err append_some(void)
{
    WK_TRY(append_to(0, false));
    WK_TRY(append_to(2, false));
    WK_TRY(append_to(2, false));
    return wk_store_commit(&g_store, NULL, 0);
}

static wk_err append_alone(void)
{
    WK_TRY(append_to(0, true));
    return append_to(2, true);
}

static wk_err append_alone_behind_another(void)
{
    WK_TRY(append_to(0, false));
    return append_to(2, true);
}

static wk_err append_and_forget(void)
{
    for (uint32_t i = 0; i < g_step % 5; i++) {
        WK_TRY(append_to(0, false));
    }
    return mount();
}

static wk_err read_log(uint8_t log)
{
    uint64_t oldest;
    uint64_t next;
    struct wk_store_reader reader = {0};
    WK_TRY(wk_store_log_span(&g_store, log, &oldest, &next));
    for (uint64_t number = oldest; number < next; number++) {
        uint8_t entry[BIG];
        uint8_t wanted[BIG];
        size_t size;
        if (number % 4 == oldest % 4) {
            WK_TRY(wk_store_seek(&g_store, log, number, &reader));
        }
        WK_TRY(wk_store_read(&g_store, log, &reader, entry, sizeof entry, &size));
        fill(wanted, size, (uint32_t)number * 3U + log);
        if (size != (number % 9 == 8 ? BIG : number % 40) || memcmp(entry, wanted, size) != 0) {
            return WK_E_FORMAT;
        }
    }
    return next > oldest ? WK_OK : WK_E_NOT_FOUND;
}

static wk_err read_all(void)
{
    for (uint8_t key = 0; key < WK_STORE_KEYS; key++) {
        uint8_t value[BIG];
        size_t size;
        if ((g_store.live >> key & 1U) != 0) {
            WK_TRY(wk_store_get(&g_store, key, value, sizeof value, &size));
        }
    }
    WK_TRY(read_log(0));
    return read_log(2);
}

static wk_err (*const k_steps[])(void) = {
    put_two,          append_some, append_alone,
    read_all,         put_two,     mount,
    put_big,          append_some, append_alone_behind_another,
    append_and_forget};

static wk_err take_step(void)
{
    return g_step == 0 ? mount() : k_steps[g_step % (sizeof k_steps / sizeof k_steps[0])]();
}

static bool is_reading(void)
{
    return g_step > 0 && k_steps[g_step % (sizeof k_steps / sizeof k_steps[0])] == read_all;
}

/* Refuses each call of the step in turn. */
static void refuse_each_call(void)
{
    memcpy(g_before, g_octets, sizeof g_octets);
    g_store_before = g_store;
    bool refused = true;
    for (uint64_t call = 0; refused; call++) {
        memcpy(g_octets, g_before, sizeof g_octets);
        g_store = g_store_before;
        power_on(call);
        const wk_err err = take_step();
        refused = g_device.calls > call;
        if (err != (refused ? WK_E_IO : WK_OK)) {
            WK_TEST_FAIL_("step %u, call %u: %s", (unsigned)g_step, (unsigned)call,
                          wk_err_name(err));
        }
        if (refused && !is_reading()) {
            EXPECT_ERR(WK_E_STATE, wk_store_commit(&g_store, NULL, 0));
            EXPECT_ERR(WK_E_STATE, wk_store_append(&g_store, 0, "", 0));
            EXPECT_ERR(WK_E_STATE, wk_store_append_one(&g_store, 0, "", 0));
        }
        if (refused && !is_reading() && call % 8 == 0) {
            EXPECT_OK(mount());
            EXPECT(g_report.damaged_records == 0 && g_report.missing_entries == 0);
        }
    }
}

static void every_refusal_of_the_device_is_told(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    for (g_step = 0; g_step < STEPS && !wk_test_failed_; g_step++) {
        refuse_each_call();
    }
    EXPECT(g_store.kv.sequence > 3);
    EXPECT(g_store.log[0].sequence > 3 && g_store.log[2].sequence > 3);
    EXPECT_I64(0, g_flash.violations);
}

static wk_err put_filler(void)
{
    uint8_t value[90];
    fill(value, sizeof value, g_step);
    const struct wk_store_put put = {0, value, sizeof value};
    return wk_store_commit(&g_store, &put, 1);
}

static wk_err put_across_and_filler(void)
{
    if (g_step == 1) {
        uint8_t value[BIG];
        fill(value, sizeof value, 7);
        const struct wk_store_put put = {62, value, sizeof value};
        return wk_store_commit(&g_store, &put, 1);
    }
    return g_step % 4 == 0 ? put_across() : put_filler();
}

/* Sectors opened by a small value, which carry the large one, in units of up to 64 octets. */
static void every_refusal_is_told_whatever_the_unit(void)
{
    static const uint32_t k_units[] = {1, 32, 64};
    for (size_t i = 0; i < sizeof k_units / sizeof k_units[0]; i++) {
        wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, k_units[i]);
        power_on(UINT64_MAX);
        EXPECT_OK(mount());
        for (g_step = 0; g_step < 24; g_step++) {
            bool refused = true;
            memcpy(g_before, g_octets, sizeof g_octets);
            g_store_before = g_store;
            for (uint64_t call = 0; refused; call++) {
                memcpy(g_octets, g_before, sizeof g_octets);
                g_store = g_store_before;
                power_on(call);
                const wk_err err = put_across_and_filler();
                refused = g_device.calls > call;
                EXPECT_ERR(refused ? WK_E_IO : WK_OK, err);
            }
            memcpy(g_before, g_octets, sizeof g_octets);
            refused = true;
            for (uint64_t call = 0; refused; call++) {
                power_on(call);
                const wk_err err = mount();
                refused = g_device.calls > call;
                EXPECT_ERR(refused ? WK_E_IO : WK_OK, err);
                EXPECT_BYTES(g_before, g_octets, sizeof g_before);
                EXPECT(refused || (g_report.torn_records == 0 && !g_store.kv.resumes));
            }
        }
        EXPECT(g_store.kv.sequence > 3);
    }
}

/* The search for the newest sector of a log is misled by a head that is damaged or reads as erased,
 * and looks everywhere. */
static void a_lost_head_sets_no_log_back(void)
{
    for (uint32_t alone = 0; alone < 2; alone++) {
        bool refused = true;
        EXPECT_OK(fresh());
        for (g_step = 0; g_store.log[2].sequence < 4; g_step++) {
            EXPECT_OK(append_to(2, alone == 1));
            EXPECT_OK(alone == 1 ? WK_OK : wk_store_commit(&g_store, NULL, 0));
        }
        const uint64_t next = g_store.committed[2];
        uint8_t *head = g_octets + (4U + 5U + 2U) * SECTOR;
        memset(head, alone == 1 ? 0x00 : 0xFF, 24);
        for (uint64_t call = 0; refused; call++) {
            power_on(call);
            const wk_err err = mount();
            refused = g_device.calls > call;
            EXPECT_ERR(refused ? WK_E_IO : WK_OK, err);
        }
        EXPECT_I64(4, g_store.log[2].sequence);
        EXPECT_I64(next, g_store.committed[2]);
        EXPECT_I64(0, g_report.missing_entries);
    }
}

/* 257 octets are left, the last of them is not erased. */
static void the_last_octet_of_a_sector_is_looked_at(void)
{
    const struct wk_store_put put = {1, "ab", 2};
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 1);
    power_on(UINT64_MAX);
    EXPECT_OK(mount());
    EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    for (uint32_t i = 0; i < 40; i++) {
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    }
    EXPECT_I64(SECTOR - 257, g_store.kv.at);
    g_octets[SECTOR - 1] = 0;
    EXPECT_ERR(WK_E_CORRUPT, mount());
    EXPECT(g_report.would_go_back);
}

/* ---- torn ends ----------------------------------------------------------------------------- */

/* 16 octets at least are stepped over: of a head in two units the second may read as erased though
 * it is programmed. */
static void writing_goes_on_behind_a_torn_end(void)
{
    static const uint32_t k_torn[][2] = {{1, 16},  {8, 16},  {9, 16}, {16, 16},
                                         {17, 24}, {24, 24}, {40, 40}};
    for (size_t i = 0; i < sizeof k_torn / sizeof k_torn[0]; i++) {
        EXPECT_OK(fresh());
        EXPECT_OK(put_filler());
        EXPECT_OK(append_to(2, true));
        const uint32_t kv = g_store.kv.at;
        const uint32_t log = g_store.log[2].at;
        memset(g_octets + kv, 0x20, k_torn[i][0]);
        memset(g_octets + (4U + 5U) * SECTOR + log, 0x20, k_torn[i][0]);
        EXPECT_OK(mount());
        EXPECT_I64(2, g_report.torn_records);
        EXPECT(g_store.kv.resumes && g_store.log[2].resumes);
        EXPECT_I64(kv + k_torn[i][1], g_store.kv.at);
        EXPECT_I64(log + k_torn[i][1], g_store.log[2].at);
        EXPECT_OK(put_filler());
        EXPECT_OK(append_to(2, true));
        EXPECT_OK(mount());
        EXPECT_I64(0, g_report.torn_records + g_report.damaged_records);
        EXPECT_OK(read_log(2));
        EXPECT_I64(0, g_flash.violations);
    }
}

/* Fewer octets than a record head takes, at the end of a sector. */
static void a_rest_of_a_sector_that_takes_no_record_is_no_torn_end(void)
{
    uint8_t entry[984];
    fill(entry, sizeof entry, 3);
    for (uint16_t rest = 0; rest <= 24; rest = (uint16_t)(rest + 8)) {
        for (uint32_t octet = 0; octet < 2; octet++) {
            EXPECT_OK(fresh());
            EXPECT_OK(wk_store_append_one(&g_store, 2, entry, (uint16_t)(984U - rest)));
            const uint32_t end = (4U + 5U + 1U) * SECTOR;
            if (rest >= 8 && rest < 16 && octet == 1) {
                g_octets[end - 1] = 0;
            }
            EXPECT_OK(mount());
            EXPECT_I64(0, g_report.torn_records);
            EXPECT_I64(SECTOR - rest, g_store.log[2].at);
        }
    }
}

/* The last log of the device: behind its last sector there is nothing to read. */
static void a_reader_goes_round_the_end_of_the_device(void)
{
    uint8_t entry[984];
    uint8_t back[984];
    struct wk_store_reader reader = {0};
    size_t size = 0;
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 12; i++) {
        fill(entry, sizeof entry, i);
        EXPECT_OK(wk_store_append_one(&g_store, 2, entry, sizeof entry));
        EXPECT_OK(wk_store_read(&g_store, 2, &reader, back, sizeof back, &size));
        EXPECT_BYTES(entry, back, sizeof back);
        EXPECT_ERR(WK_E_NOT_FOUND,
                   wk_store_read(&g_store, 2, &reader, back, sizeof back, &size));
    }
}

static void all_logs_may_move_in_one_transaction(void)
{
    static uint8_t octets[51 * 512];
    struct wk_store_layout layout = {.kv_sectors = 3};
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        layout.log_sectors[log] = 3;
    }
    wk_flash_init(&g_flash, octets, 512, 51, 8);
    EXPECT_OK(wk_store_mount(&g_store, &g_flash.port, &layout, &g_report));
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        EXPECT_OK(wk_store_append(&g_store, log, &log, 1));
    }
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(wk_store_mount(&g_store, &g_flash.port, &layout, &g_report));
    EXPECT_I64(0, g_report.torn_records + g_report.dropped_entries);
    for (uint8_t log = 0; log < WK_STORE_LOGS; log++) {
        EXPECT_I64(1, g_store.committed[log]);
    }
}

/* ---- what a commit costs ------------------------------------------------------------------ */

static void a_commit_within_a_sector_reads_and_erases_nothing(void)
{
    EXPECT_OK(fresh());
    EXPECT_OK(put_two());
    for (uint32_t i = 0; i < 60; i++) {
        const uint32_t sequence = g_store.kv.sequence;
        const uint64_t read = g_flash.read;
        const uint64_t erases = g_flash.erases;
        EXPECT_OK(put_two());
        EXPECT(g_store.kv.sequence != sequence ||
               (g_flash.read == read && g_flash.erases == erases));
    }
    EXPECT(g_store.kv.sequence > 3);
}

/* ---- geometry ----------------------------------------------------------------------------- */

static wk_err no_read(void *self, uint32_t at, void *to, uint32_t size)
{
    (void)self;
    (void)at;
    (void)to;
    (void)size;
    return WK_E_TIMEOUT; /* the geometry was taken: the device is read */
}

static wk_err mount_geometry(uint32_t size, uint32_t count, uint32_t unit, uint16_t kv,
                             uint16_t log)
{
    const struct wk_hal_flash flash = {.sector_size = size,
                                       .sector_count = count,
                                       .program_unit = unit,
                                       .erased = 0xFF,
                                       .read = no_read};
    const struct wk_store_layout layout = {.kv_sectors = kv, .log_sectors = {[15] = log}};
    return wk_store_mount(&g_store, &flash, &layout, &g_report);
}

static void the_smallest_and_the_largest_geometry_are_taken(void)
{
    EXPECT_ERR(WK_E_TIMEOUT, mount_geometry(512, 3, 1, 3, 0));
    EXPECT_ERR(WK_E_TIMEOUT, mount_geometry(512, 6, 64, 3, 3));
    EXPECT_ERR(WK_E_TIMEOUT, mount_geometry(512, 65535, 8, 65532, 3));
    EXPECT_ERR(WK_E_TIMEOUT, mount_geometry(65536, 65535, 8, 3, 0));
    EXPECT_ERR(WK_E_TIMEOUT, mount_geometry(65537, 65535, 1, 3, 0)); /* 2^32 - 1 octets */
}

static void a_geometry_beyond_a_limit_is_refused(void)
{
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(504, 6, 8, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(511, 6, 1, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 6, 0, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(650, 6, 65, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(520, 6, 16, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 5, 8, 3, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 6, 8, 2, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 6, 8, 3, 2));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 6, 8, 3, 1));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(512, 65536, 8, 65533, 3));
    EXPECT_ERR(WK_E_ARGUMENT, mount_geometry(65536, 65536, 8, 3, 0));
}

/* ---- the last octet that fits ------------------------------------------------------------- */

static wk_err fresh_big(void)
{
    static const struct wk_store_layout k_one = {.kv_sectors = 3};
    wk_flash_init(&g_flash, g_big, BIG_SECTOR, 3, 16);
    return wk_store_mount(&g_store, &g_flash.port, &k_one, &g_report);
}

static void the_largest_value_is_kept(void)
{
    static uint8_t value[WK_STORE_SIZE_MAX + 1];
    static uint8_t back[WK_STORE_SIZE_MAX];
    size_t size = 0;
    fill(value, sizeof value, 77);
    EXPECT_OK(fresh_big());
    const struct wk_store_put put = {63, value, WK_STORE_SIZE_MAX};
    EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    const struct wk_store_put larger = {63, value, WK_STORE_SIZE_MAX + 1};
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_commit(&g_store, &larger, 1));
    const struct wk_store_put no_key = {64, value, 1};
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_commit(&g_store, &no_key, 1));
    for (uint32_t i = 0; i < 2000; i++) { /* it is carried on, several times */
        const struct wk_store_put hot = {0, &i, sizeof i};
        EXPECT_OK(wk_store_commit(&g_store, &hot, 1));
    }
    EXPECT_OK(wk_store_mount(&g_store, &g_flash.port,
                             &(const struct wk_store_layout){.kv_sectors = 3}, &g_report));
    EXPECT_ERR(WK_E_FULL, wk_store_get(&g_store, 63, back, sizeof back - 1, &size));
    EXPECT_OK(wk_store_get(&g_store, 63, back, sizeof back, &size));
    EXPECT_I64(WK_STORE_SIZE_MAX, size);
    EXPECT_BYTES(value, back, sizeof back);
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_get(&g_store, 64, back, sizeof back, &size));
}

static void the_largest_entry_is_kept(void)
{
    static uint8_t entry[WK_STORE_SIZE_MAX + 1];
    static uint8_t six[6 * 16432];
    static const struct wk_store_layout k_two = {.kv_sectors = 3, .log_sectors = {[15] = 3}};
    struct wk_store_reader reader = {0};
    size_t size = 0;
    fill(entry, sizeof entry, 78);
    wk_flash_init(&g_flash, six, 16432, 6, 16);
    EXPECT_OK(wk_store_mount(&g_store, &g_flash.port, &k_two, &g_report));
    EXPECT_ERR(WK_E_RANGE, wk_store_append(&g_store, 15, entry, sizeof entry));
    EXPECT_OK(wk_store_append_one(&g_store, 15, entry, WK_STORE_SIZE_MAX));
    EXPECT_OK(wk_store_read(&g_store, 15, &reader, g_big, WK_STORE_SIZE_MAX, &size));
    EXPECT_I64(WK_STORE_SIZE_MAX, size);
    EXPECT_BYTES(entry, g_big, WK_STORE_SIZE_MAX);
}

/* 1024 octets, head 24: a record of 16 + 984 fills the sector to its end. */
static void an_entry_may_fill_its_sector_to_the_last_octet(void)
{
    uint8_t entry[985];
    uint8_t back[985];
    struct wk_store_reader reader = {0};
    size_t size = 0;
    fill(entry, sizeof entry, 9);
    EXPECT_OK(fresh());
    EXPECT_ERR(WK_E_RANGE, wk_store_append(&g_store, 0, entry, 985));
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_OK(wk_store_append_one(&g_store, 0, entry, 984));
        EXPECT_I64(SECTOR, g_store.log[0].at);
        EXPECT_I64(i, g_store.log[0].newest);
    }
    EXPECT_OK(mount());
    EXPECT_I64(SECTOR, g_store.log[0].at);
    EXPECT_I64(0, g_report.damaged_records);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_OK(wk_store_read(&g_store, 0, &reader, back, 984, &size));
        EXPECT(size == 984 && memcmp(entry, back, 984) == 0);
    }
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_read(&g_store, 0, &reader, back, 984, &size));
}

/* A checkpoint of the other values, this transaction, and an empty commit of 16 logs (112) in the
 * sector after it: 1024 - 96 = 928 octets; less 112, 816 are left for values. */
static void values_may_fill_their_sector_up_to_the_room_of_a_commit(void)
{
    static const uint8_t k_value[801] = {1};
    const struct wk_store_put fits = {0, k_value, 800};
    const struct wk_store_put not = {0, k_value, 801};
    EXPECT_OK(fresh());
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, &not, 1));
    EXPECT_OK(wk_store_commit(&g_store, &fits, 1));
    EXPECT_OK(wk_store_commit(&g_store, &fits, 1));
    const struct wk_store_put other = {2, k_value, 0};
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, &other, 1));
    const struct wk_store_put smaller[] = {{0, k_value, 392}, {2, k_value, 392}};
    EXPECT_OK(wk_store_commit(&g_store, smaller, 2)); /* 408 each */
    const struct wk_store_put larger[] = {{0, k_value, 392}, {2, k_value, 393}};
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, larger, 2));
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, &larger[1], 1));
    const struct wk_store_put first = {0, k_value, 393};
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, &first, 1));
    for (int i = 0; i < 12; i++) { /* beside a value of 408, another and its old self */
        EXPECT_OK(wk_store_commit(&g_store, &smaller[i % 2], 1));
        EXPECT_OK(wk_store_append_one(&g_store, 0, "x", 1));
        EXPECT_OK(mount());
    }
}

/* Twice the same key in one transaction: the last one counts, but all of them take room. */
static void a_transaction_that_does_not_fit_behind_its_checkpoint_is_refused(void)
{
    static const uint8_t k_value[456] = {1};
    struct wk_store_put puts[] = {{1, k_value, 456}, {1, k_value, 345}, {1, k_value, 1}};
    char value[8];
    size_t size;
    EXPECT_OK(fresh());
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, puts, 2));
    puts[0].size = 400;
    puts[1].size = 360;
    puts[2].size = 8;
    EXPECT_OK(wk_store_commit(&g_store, puts, 3));
    EXPECT_OK(wk_store_get(&g_store, 1, value, 8, &size));
    EXPECT_I64(8, size);
}

/* 1024 - 96 octets, 16 per commit; the first is that of formatting. */
static void commits_fill_a_sector_to_its_last_octet(void)
{
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 57; i++) {
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    }
    EXPECT_I64(1, g_store.kv.sequence);
    EXPECT_I64(SECTOR, g_store.kv.at);
    EXPECT_OK(mount());
    EXPECT_I64(58, g_store.transaction);
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_I64(2, g_store.kv.sequence);
}

/* Two values of 90 and 17 octets take 112 + 40. */
static void a_transaction_opens_a_sector_if_it_does_not_fit_behind_the_others(void)
{
    for (uint32_t commits = 40; commits < 57; commits++) {
        EXPECT_OK(fresh());
        for (uint32_t i = 0; i < commits; i++) {
            EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
        }
        const uint32_t room = SECTOR - g_store.kv.at;
        EXPECT_OK(put_two());
        EXPECT_I64(room >= 152 ? 1 : 2, g_store.kv.sequence);
        EXPECT_OK(mount());
        EXPECT_OK(read_all() == WK_E_NOT_FOUND ? WK_OK : WK_E_STATE);
    }
}

static void what_is_committed_was_synced(void)
{
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 80; i++) {
        EXPECT_OK(put_two());
        EXPECT_I64(0, g_device.unsynced);
        EXPECT_OK(append_alone());
        EXPECT_I64(0, g_device.unsynced);
    }
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    power_on(UINT64_MAX);
    EXPECT_OK(mount());
    EXPECT_I64(0, g_device.unsynced);
    memset(g_octets + 4 * SECTOR, 0x11, SECTOR); /* a torn erase, which mounting repairs */
    EXPECT_OK(mount());
    EXPECT_I64(1, g_report.erased_sectors);
    EXPECT_I64(0, g_device.unsynced);
    EXPECT(g_device.erases > 0);
    EXPECT(!g_device.erased_unsynced);
}

/* Entries of one transaction overwrite the oldest ones, as any others do. */
static void a_transaction_may_go_round_its_log(void)
{
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    for (uint32_t count = 0; count < 3; count++) {
        for (uint32_t i = 0; i < WK_STORE_STAGED_MAX; i++) {
            EXPECT_OK(append_to(2, false));
        }
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
        EXPECT_OK(read_log(2));
        EXPECT_OK(wk_store_log_span(&g_store, 2, &oldest, &next));
        EXPECT(next == (count + 1U) * WK_STORE_STAGED_MAX && oldest > 0);
        const struct wk_store_ring left = g_store.log[2];
        EXPECT_I64(4, left.filled);
        EXPECT_OK(mount());
        EXPECT(left.filled == g_store.log[2].filled && left.newest == g_store.log[2].newest);
        EXPECT_OK(read_log(2));
    }
    EXPECT_I64(0, g_flash.violations);
}

/* ---- arguments ---------------------------------------------------------------------------- */

static void a_log_that_is_not_there_is_refused_by_every_call(void)
{
    static const uint8_t k_logs[] = {1, 3, 15, 16, 255};
    EXPECT_OK(fresh());
    for (size_t i = 0; i < sizeof k_logs; i++) {
        struct wk_store_reader reader = {0};
        uint64_t a = 7;
        uint64_t b = 7;
        size_t size = 7;
        char to[1];
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_append(&g_store, k_logs[i], "x", 1));
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_append_one(&g_store, k_logs[i], "x", 1));
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_log_span(&g_store, k_logs[i], &a, &b));
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_log_next(&g_store, k_logs[i], &a));
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_seek(&g_store, k_logs[i], 0, &reader));
        EXPECT_ERR(WK_E_ARGUMENT, wk_store_read(&g_store, k_logs[i], &reader, to, 1, &size));
        EXPECT(a == 7 && b == 7 && size == 7);
    }
}

static void the_next_number_counts_what_waits_for_its_commit(void)
{
    uint64_t next;
    EXPECT_OK(fresh());
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_OK(wk_store_log_next(&g_store, 2, &next));
        EXPECT_I64(i, next);
        EXPECT_OK(wk_store_append(&g_store, 2, "x", 1));
    }
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(wk_store_log_next(&g_store, 2, &next));
    EXPECT_I64(3, next);
    EXPECT_OK(wk_store_log_next(&g_store, 0, &next));
    EXPECT_I64(0, next);
}

static void an_entry_larger_than_the_room_stays_where_it_is(void)
{
    struct wk_store_reader reader;
    char to[4];
    size_t size = 9;
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append_one(&g_store, 0, "abcd", 4));
    EXPECT_OK(wk_store_seek(&g_store, 0, 0, &reader));
    EXPECT_ERR(WK_E_FULL, wk_store_read(&g_store, 0, &reader, to, 3, &size));
    EXPECT_I64(9, size);
    EXPECT_OK(wk_store_read(&g_store, 0, &reader, to, 4, &size));
    EXPECT(size == 4 && memcmp(to, "abcd", 4) == 0);
}

WK_TEST_MAIN(T(every_refusal_of_the_device_is_told), T(every_refusal_is_told_whatever_the_unit),
             T(a_lost_head_sets_no_log_back), T(the_last_octet_of_a_sector_is_looked_at),
             T(writing_goes_on_behind_a_torn_end),
             T(a_rest_of_a_sector_that_takes_no_record_is_no_torn_end),
             T(a_reader_goes_round_the_end_of_the_device),
             T(all_logs_may_move_in_one_transaction),
             T(a_commit_within_a_sector_reads_and_erases_nothing),
             T(the_smallest_and_the_largest_geometry_are_taken),
             T(a_geometry_beyond_a_limit_is_refused), T(the_largest_value_is_kept),
             T(the_largest_entry_is_kept), T(an_entry_may_fill_its_sector_to_the_last_octet),
             T(values_may_fill_their_sector_up_to_the_room_of_a_commit),
             T(a_transaction_that_does_not_fit_behind_its_checkpoint_is_refused),
             T(commits_fill_a_sector_to_its_last_octet), T(a_transaction_may_go_round_its_log),
             T(a_transaction_opens_a_sector_if_it_does_not_fit_behind_the_others),
             T(what_is_committed_was_synced),
             T(a_log_that_is_not_there_is_refused_by_every_call),
             T(the_next_number_counts_what_waits_for_its_commit),
             T(an_entry_larger_than_the_room_stays_where_it_is))
