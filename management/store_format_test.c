/* SPDX-License-Identifier: Apache-2.0
 *
 * The store against docs/on-flash.md: images that this test encodes itself, from the document. */
#include "base/crc.h"
#include "management/store.h"
#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  1024U
#define UNIT    16U
#define KV      4U
#define LOG     5U
#define SECTORS (KV + LOG + 3U)
#define COMMITS 0x80U
#define RESUMES 0x40U
#define PUT     1U
#define COMMIT  2U
#define ENTRY   3U
#define KV_DATA 96U                    /* 93 in whole units */
#define LARGE   UINT64_C(0x0100000003) /* more than 32 bits */

static const struct wk_store_layout k_layout = {.kv_sectors = KV, .log_sectors = {LOG, 3}};
static uint8_t g_octets[SECTOR * SECTORS];
static uint8_t g_image[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_store g_store;
static struct wk_store_mount_report g_report;

/* ---- the document, as an encoder ----------------------------------------------------------- */

static uint32_t number_at(uint32_t at, uint32_t size, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        g_image[at + i] = (uint8_t)(value >> 8 * i);
    }
    return at + size;
}

static uint32_t whole_units(uint32_t begin, uint32_t at)
{
    while ((at - begin) % UNIT != 0) {
        g_image[at++] = 0;
    }
    return at;
}

static uint32_t kv_head(uint32_t sector, uint32_t sequence, const uint64_t heads[WK_STORE_LOGS])
{
    const uint32_t base = sector * SECTOR;
    memcpy(g_image + base, "WKS2", 4);
    uint32_t at = number_at(base + 4, 1, 0);
    at = number_at(at, 4, sequence);
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        at = number_at(at, 5, heads[log]);
    }
    at = number_at(at, 4, wk_crc_32(0, g_image + base, at - base));
    return whole_units(base, at);
}

static uint32_t log_head(uint32_t log, uint32_t sector, uint32_t sequence, uint64_t first,
                         uint8_t staged)
{
    const uint32_t base = (KV + (log == 0 ? 0 : LOG) + sector) * SECTOR;
    memcpy(g_image + base, "WKS2", 4);
    uint32_t at = number_at(base + 4, 1, log + 1);
    at = number_at(at, 4, sequence);
    at = number_at(at, 5, first);
    at = number_at(at, 1, staged);
    at = number_at(at, 4, wk_crc_32(0, g_image + base, at - base));
    return whole_units(base, at);
}

struct record {
    uint8_t kind; /* with its flags */
    uint8_t key;
    uint64_t number;
    uint8_t count;
    const char *data;
    uint16_t size; /* 0: that of data */
    uint8_t move_log[2];
    uint64_t move_head[2];
};

static uint32_t record(uint32_t at, uint32_t sequence, const struct record *r)
{
    uint8_t place[8];
    const uint32_t begin = at;
    const uint32_t length = (uint32_t)strlen(r->data);
    for (uint32_t i = 0; i < 4; i++) {
        place[i] = (uint8_t)(sequence >> 8 * i);
        place[4 + i] = (uint8_t)(at >> 8 * i);
    }
    const uint32_t crc = wk_crc_32(0, place, 8);
    at = number_at(at, 1, r->kind);
    at = number_at(at, 1, r->key);
    at = number_at(at, 2, r->size > 0 ? r->size : length);
    at = number_at(at, 5, r->number);
    at = number_at(at, 1, r->count);
    at = number_at(at, 2, wk_crc_32(crc, g_image + begin, 10));
    memcpy(g_image + begin + 16, r->data, length);
    at = begin + 16 + length;
    for (uint32_t i = 0; (r->kind & 15U) != ENTRY && i < r->count && i < 2; i++) {
        at = number_at(number_at(at, 1, r->move_log[i]), 5, r->move_head[i]);
    }
    const uint32_t all = wk_crc_32(crc, g_image + begin, 12);
    (void)number_at(begin + 12, 4, wk_crc_32(all, g_image + begin + 16, at - begin - 16));
    return whole_units(begin, at);
}

static void blank_image(void)
{
    memset(g_image, 0xFF, sizeof g_image);
}

static wk_err mount(void)
{
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_store_mount(&g_store, &g_flash.port, &k_layout, &g_report);
}

static wk_err mount_image(void)
{
    memcpy(g_octets, g_image, sizeof g_octets);
    wk_flash_attach(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    return mount();
}

static wk_err fresh(void)
{
    blank_image();
    return mount_image();
}

static wk_err value_of(uint8_t key, char value[64])
{
    size_t size = 0;
    memset(value, 0, 64);
    return wk_store_get(&g_store, key, value, 63, &size);
}

static bool key_is(uint8_t key, const char *text)
{
    char value[64];
    return value_of(key, value) == WK_OK && strcmp(value, text) == 0;
}

static bool entry_is(uint8_t log, uint64_t number, const char *text)
{
    struct wk_store_reader reader = {.number = number};
    char value[64] = {0};
    size_t size = 0;
    return wk_store_read(&g_store, log, &reader, value, 63, &size) == WK_OK &&
           strcmp(value, text) == 0;
}

static bool span_is(uint8_t log, uint64_t oldest, uint64_t next)
{
    uint64_t first = 99;
    uint64_t end = 99;
    return wk_store_log_span(&g_store, log, &first, &end) == WK_OK && first == oldest &&
           end == next;
}

static bool is_erased_ahead(const struct wk_store_ring *ring)
{
    const uint32_t ahead = ring->filled == 0 ? 0 : (ring->newest + 1U) % ring->sectors;
    bool erased = true;
    for (uint32_t i = 0; i < SECTOR && erased; i++) {
        erased = g_octets[(ring->first + ahead) * SECTOR + i] == 0xFF;
    }
    return erased;
}

/* ---- writing ------------------------------------------------------------------------------- */

static const uint64_t k_no_heads[WK_STORE_LOGS];

static void what_is_written_is_as_documented_to_the_bit(void)
{
    const struct wk_store_put puts[] = {{3, "first", 5}, {63, "", 0}};
    const struct wk_store_put again = {3, "second", 6};
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_commit(&g_store, puts, 2));
    EXPECT_OK(wk_store_append(&g_store, 0, "a", 1));
    EXPECT_OK(wk_store_append(&g_store, 1, "bb", 2));
    EXPECT_OK(wk_store_append(&g_store, 0, "ccc", 3));
    EXPECT_OK(wk_store_commit(&g_store, &again, 1));
    EXPECT_OK(wk_store_append_one(&g_store, 1, "alone", 5));
    EXPECT_OK(wk_store_append(&g_store, 0, "d", 1));
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));

    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){COMMIT | COMMITS, 0, 1, 0, "", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT, 3, 2, 0, "first", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS, 63, 2, 0, "", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS, 3, 3, 2, "second", 0, {0, 1}, {2, 1}});
    (void)record(at, 1, &(struct record){COMMIT | COMMITS, 0, 4, 1, "", 0, {0}, {3}});
    at = log_head(0, 0, 1, 0, 0);
    at = record(at, 1, &(struct record){ENTRY, 0, 0, 0, "a", 0, {0}, {0}});
    at = record(at, 1, &(struct record){ENTRY, 0, 1, 1, "ccc", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){ENTRY, 0, 2, 0, "d", 0, {0}, {0}});
    at = log_head(1, 0, 1, 0, 0);
    at = record(at, 1, &(struct record){ENTRY, 1, 0, 0, "bb", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){ENTRY | COMMITS, 1, 1, 0, "alone", 0, {0}, {0}});
    for (uint32_t i = 0; i < sizeof g_image; i++) {
        EXPECT(g_image[i] == g_octets[i] || (printf("# octet %u\n", (unsigned)i), false));
    }
}

/* The entry that waits in log 0 is committed by a record that moves both. */
static void an_entry_does_not_commit_itself_if_another_waits(void)
{
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append(&g_store, 0, "waits", 5));
    EXPECT_OK(wk_store_append_one(&g_store, 1, "comes", 5));
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){COMMIT | COMMITS, 0, 1, 0, "", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){COMMIT | COMMITS, 0, 2, 2, "", 0, {0, 1}, {1, 1}});
    (void)record(log_head(0, 0, 1, 0, 0), 1,
                 &(struct record){ENTRY, 0, 0, 0, "waits", 0, {0}, {0}});
    (void)record(log_head(1, 0, 1, 0, 0), 1,
                 &(struct record){ENTRY, 1, 0, 0, "comes", 0, {0}, {0}});
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
}

/* The checkpoint of a later sector, and numbers of more than 32 bits. */
static void numbers_of_forty_bits_are_kept(void)
{
    uint64_t heads[WK_STORE_LOGS] = {LARGE, 0, 0x010000, [15] = 7};
    blank_image();
    uint32_t at = kv_head(2, 9, heads);
    (void)record(at, 9, &(struct record){PUT | COMMITS, 1, LARGE, 0, "one", 0, {0}, {0}});
    at = log_head(0, 1, 7, LARGE - 1, 0);
    (void)record(at, 7, &(struct record){ENTRY, 0, LARGE - 1, 0, "a", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT_I64(0, g_report.damaged_records + g_report.missing_entries);
    EXPECT(span_is(0, LARGE - 1, LARGE));
    EXPECT(entry_is(0, LARGE - 1, "a"));
    EXPECT_OK(wk_store_append(&g_store, 0, "b", 1));
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(mount());
    EXPECT(span_is(0, LARGE - 1, LARGE + 1));
    EXPECT(entry_is(0, LARGE, "b"));
    const uint32_t sequence = g_store.kv.sequence;
    while (g_store.kv.sequence == sequence) {
        const struct wk_store_put put = {2, "two", 3};
        EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    }
    memcpy(g_image, g_octets, sizeof g_image);
    heads[0] = LARGE + 1;
    memset(g_image + 3 * SECTOR, 0xFF, SECTOR);
    at = kv_head(3, 10, heads);
    const uint64_t number = g_store.transaction;
    at = record(at, 10, &(struct record){PUT, 1, number, 0, "one", 0, {0}, {0}});
    (void)record(at, 10, &(struct record){PUT | COMMITS, 2, number, 0, "two", 0, {0}, {0}});
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
    EXPECT(number > LARGE + 20);
    EXPECT_OK(mount());
    EXPECT_I64(number, g_store.transaction);
}

/* Keys 0, 1, 5 and 63 are live; a transaction brings 1 and 5. */
static void a_checkpoint_holds_what_its_transaction_does_not_bring(void)
{
    static const char k_filler[] = "some value that is long enough to fill a sector with";
    const struct wk_store_put all[] = {{63, "d", 1}, {0, "a", 1}, {5, "c", 1}, {1, "b", 1}};
    const struct wk_store_put some[] = {{5, k_filler, 52}, {1, "new", 3}};
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_commit(&g_store, all, 4));
    while (g_store.kv.sequence == 1) {
        EXPECT_OK(wk_store_commit(&g_store, some, 2));
    }
    memcpy(g_image, g_octets, sizeof g_image);
    memset(g_image + SECTOR, 0xFF, SECTOR);
    const uint64_t number = g_store.transaction;
    uint32_t at = kv_head(1, 2, k_no_heads);
    at = record(at, 2, &(struct record){PUT, 0, number, 0, "a", 0, {0}, {0}});
    at = record(at, 2, &(struct record){PUT, 63, number, 0, "d", 0, {0}, {0}});
    at = record(at, 2, &(struct record){PUT, 5, number, 0, k_filler, 0, {0}, {0}});
    (void)record(at, 2, &(struct record){PUT | COMMITS, 1, number, 0, "new", 0, {0}, {0}});
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
    EXPECT(key_is(0, "a") && key_is(63, "d") && key_is(1, "new"));
}

/* A cut left octets at the end of a full sector: the mark of it belongs to that sector only. */
static void a_new_sector_does_not_begin_with_the_mark_of_a_cut(void)
{
    static const char k_filler[] = "some value that is long enough to fill a sector with";
    const struct wk_store_put put = {1, k_filler, 52};
    EXPECT_OK(fresh());
    while (g_store.kv.at + 80 <= SECTOR) {
        EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    }
    g_octets[g_store.kv.at] = 0x20;
    EXPECT_OK(mount());
    EXPECT_I64(1, g_report.torn_records);
    EXPECT(g_store.kv.resumes);
    EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    EXPECT_I64(2, g_store.kv.sequence);
    EXPECT_I64(PUT | COMMITS, g_octets[SECTOR + KV_DATA]);
    EXPECT_OK(mount());
    EXPECT_I64(0, g_report.torn_records);
}

/* ---- what cannot be a record --------------------------------------------------------------- */

/* A value, then `odd`, then another value that is flagged or not as what follows a cut. */
static wk_err mount_with(const struct record *odd, bool resumes)
{
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 1, 0, "old", 0, {0}, {0}});
    at = record(at, 1, odd);
    const uint8_t kind = resumes ? PUT | COMMITS | RESUMES : PUT | COMMITS;
    (void)record(at, 1, &(struct record){kind, 2, 9, 0, "new", 0, {0}, {0}});
    return mount_image();
}

static void what_cannot_be_a_record_is_none_even_if_its_checks_hold(void)
{
    static const struct record k_odd[] = {
        {PUT | COMMITS, 64, 2, 0, "odd", 0, {0}, {0}},
        {PUT | COMMITS, 255, 2, 0, "odd", 0, {0}, {0}},
        {PUT | COMMITS, 1, 2, 17, "odd", 0, {0}, {0}},
        {PUT | COMMITS, 1, 2, 0, "odd", 1000, {0}, {0}},
        {PUT | COMMITS, 1, 2, 0, "odd", 65535, {0}, {0}},
        {PUT | COMMITS, 1, 2, 0, "odd", 881, {0}, {0}}, /* 880 end with the sector */
        {0 | COMMITS, 1, 2, 0, "odd", 0, {0}, {0}},
        {ENTRY | COMMITS, 1, 2, 0, "odd", 0, {0}, {0}},
        {4 | COMMITS, 1, 2, 0, "odd", 0, {0}, {0}},
        {COMMIT | COMMITS, 64, 2, 0, "odd", 0, {0}, {0}},
    };
    for (size_t i = 0; i < sizeof k_odd / sizeof k_odd[0]; i++) {
        char value[64];
        EXPECT_OK(mount_with(&k_odd[i], false));
        EXPECT_I64(1, g_report.damaged_records);
        EXPECT_ERR(WK_E_CORRUPT, value_of(1, value)); /* it may have been in there */
        EXPECT(key_is(2, "new"));
        EXPECT_OK(mount_with(&k_odd[i], true));
        EXPECT_I64(0, g_report.damaged_records);
        EXPECT(key_is(1, "old") && key_is(2, "new"));
    }
    const struct record fine = {PUT | COMMITS, 63, 2, 0, "odd", 0, {0}, {0}};
    EXPECT_OK(mount_with(&fine, false));
    EXPECT_I64(0, g_report.damaged_records);
    EXPECT(key_is(63, "odd") && key_is(1, "old"));
}

static void an_entry_of_another_log_is_no_entry(void)
{
    static const struct record k_odd[] = {{ENTRY | COMMITS, 1, 0, 0, "odd", 0, {0}, {0}},
                                          {PUT | COMMITS, 0, 0, 0, "odd", 0, {0}, {0}},
                                          {COMMIT | COMMITS, 0, 0, 0, "odd", 0, {0}, {0}}};
    for (size_t i = 0; i < sizeof k_odd / sizeof k_odd[0]; i++) {
        blank_image();
        (void)record(kv_head(0, 1, k_no_heads), 1,
                     &(struct record){COMMIT | COMMITS, 0, 1, 0, "", 0, {0}, {0}});
        (void)record(log_head(0, 0, 1, 0, 0), 1, &k_odd[i]);
        EXPECT_OK(mount_image());
        EXPECT(span_is(0, 0, 0));
        EXPECT_I64(1, g_report.torn_records);
    }
}

/* A record counts only where and when it was written. */
static void a_record_of_another_place_or_life_is_none(void)
{
    for (uint32_t life = 1; life <= 3; life++) {
        blank_image();
        uint32_t at = kv_head(0, 2, k_no_heads);
        at = record(at, 2, &(struct record){PUT | COMMITS, 1, 5, 0, "now", 0, {0}, {0}});
        (void)record(at, life, &(struct record){PUT | COMMITS, 1, 6, 0, "then", 0, {0}, {0}});
        EXPECT_OK(mount_image());
        EXPECT(key_is(1, life == 2 ? "then" : "now"));
        EXPECT_I64(life == 2 ? 0 : 1, g_report.torn_records);
    }
}

/* ---- transactions that a cut broke off ----------------------------------------------------- */

static void puts_without_their_commit_do_not_count(void)
{
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 1, 0, "old", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT, 1, 2, 0, "cut", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT(key_is(1, "old"));
    EXPECT_I64(1, g_report.torn_records);
    EXPECT_I64(2, g_store.transaction); /* its number is not used again */
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    (void)record(at, 1, &(struct record){COMMIT | COMMITS | RESUMES, 0, 3, 0, "", 0, {0}, {0}});
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
    EXPECT_OK(mount());
    EXPECT(key_is(1, "old"));
    EXPECT_I64(0, g_report.torn_records + g_report.damaged_records);
}

static void a_put_of_another_number_without_the_mark_of_a_cut_is_damage(void)
{
    char value[64];
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 1, 0, "old", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS, 3, 2, 0, "other", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT, 1, 3, 0, "cut", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){PUT | COMMITS, 2, 4, 0, "new", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT_I64(1, g_report.damaged_records);
    EXPECT_ERR(WK_E_CORRUPT, value_of(1, value));
    EXPECT(key_is(2, "new") && key_is(3, "other"));
}

/* A lost value cannot be carried into the next sector; a new one takes its place. */
static void a_lost_value_stops_the_change_of_sectors_until_it_is_written(void)
{
    char value[64];
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 1, 0, "old", 0, {0}, {0}});
    const uint32_t damaged = at;
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 2, 0, "newer", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){PUT | COMMITS, 2, 3, 0, "two", 0, {0}, {0}});
    g_image[damaged + 18] ^= 4;
    EXPECT_OK(mount_image());
    const struct wk_store_put put = {2, "two", 3};
    wk_err err = WK_OK;
    for (uint32_t i = 0; i < 60 && err == WK_OK; i++) {
        err = wk_store_commit(&g_store, &put, 1);
    }
    EXPECT_ERR(WK_E_CORRUPT, err);
    EXPECT_I64(1, g_store.kv.sequence);
    EXPECT_OK(mount());
    EXPECT_ERR(WK_E_CORRUPT, value_of(1, value));
    const struct wk_store_put puts[] = {{1, "fresh", 5}, {2, "two", 3}};
    EXPECT_OK(wk_store_commit(&g_store, puts, 2));
    EXPECT_I64(2, g_store.kv.sequence);
    EXPECT(key_is(1, "fresh") && key_is(2, "two"));
    EXPECT_OK(mount());
    EXPECT(key_is(1, "fresh") && key_is(2, "two"));
}

/* What a cut explains is forgiven once; only what is damaged is lost. */
static void damage_takes_the_values_that_it_hit_and_no_others(void)
{
    char value[64];
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 0, 1, 0, "zero", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS, 3, 2, 0, "three", 0, {0}, {0}});
    memset(g_image + at, 0x33, 32); /* a cut */
    at += 32;
    const uint32_t forgiven = at;
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 4, 0, "one", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS | RESUMES, 4, 5, 0, "4", 0, {0}, {0}});
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 6, 0, "uno", 0, {0}, {0}});
    const uint32_t damaged = at;
    at = record(at, 1, &(struct record){PUT | COMMITS, 2, 7, 0, "two", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){PUT | COMMITS, 5, 8, 0, "five", 0, {0}, {0}});
    g_image[forgiven + 16] ^= 1;
    g_image[damaged + 16] ^= 1;
    EXPECT_OK(mount_image());
    EXPECT_I64(1, g_report.damaged_records);
    EXPECT_ERR(WK_E_CORRUPT, value_of(2, value));
    EXPECT(key_is(0, "zero") && key_is(1, "uno") && key_is(3, "three") && key_is(5, "five"));
}

/* The head of log 16 does not exist. */
static void a_commit_may_move_existing_logs_only(void)
{
    blank_image();
    (void)record(kv_head(0, 1, k_no_heads), 1,
                 &(struct record){COMMIT | COMMITS, 0, 1, 1, "", 0, {16}, {5}});
    EXPECT_OK(mount_image());
    for (uint32_t log = 0; log < WK_STORE_LOGS; log++) {
        EXPECT_I64(0, g_store.committed[log]);
        EXPECT_I64(0, g_store.staged[log]);
    }
}

static void a_value_of_several_programs_is_padded_with_zeros(void)
{
    char text[291];
    memset(text, 'v', sizeof text);
    text[290] = '\0';
    const struct wk_store_put put = {1, text, 290};
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_commit(&g_store, &put, 1));
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){COMMIT | COMMITS, 0, 1, 0, "", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){PUT | COMMITS, 1, 2, 0, text, 0, {0}, {0}});
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
}

/* Mounts the last sector of the ring with a value, lets `change` damage it, and commits others
 * until a sector is opened. */
static wk_err carry_after(void (*change)(uint32_t at))
{
    wk_err err = WK_OK;
    blank_image();
    const uint32_t at = kv_head(3, 9, k_no_heads);
    (void)record(at, 9, &(struct record){PUT | COMMITS, 1, 1, 0, "one", 0, {0}, {0}});
    WK_TRY(mount_image());
    const struct wk_store_put put = {2, "something else", 14};
    while (g_store.kv.at + 32 <= SECTOR) {
        WK_TRY(wk_store_commit(&g_store, &put, 1));
    }
    memcpy(g_image, g_octets, sizeof g_image);
    change(at);
    memcpy(g_octets, g_image, sizeof g_image);
    while (err == WK_OK && g_store.kv.sequence == 9) {
        err = wk_store_commit(&g_store, &put, 1);
    }
    return err;
}

static void no_change(uint32_t at)
{
    (void)at;
}

static void flip_head(uint32_t at)
{
    g_image[at + 5] ^= 1;
}

static void flip_value(uint32_t at)
{
    g_image[at + 17] ^= 1;
}

static void forge_key(uint32_t at)
{
    (void)record(at, 9, &(struct record){PUT | COMMITS, 3, 1, 0, "one", 0, {0}, {0}});
}

static void forge_kind(uint32_t at)
{
    (void)record(at, 9, &(struct record){COMMIT | COMMITS, 1, 1, 0, "one", 0, {0}, {0}});
}

static void forge_size(uint32_t at)
{
    static char text[1001];
    memset(text, 'x', 1000);
    (void)record(at, 9, &(struct record){PUT | COMMITS, 1, 1, 0, text, 0, {0}, {0}});
}

static void a_value_that_was_damaged_since_mounting_is_not_carried_on(void)
{
    EXPECT_OK(carry_after(no_change));
    EXPECT(key_is(1, "one"));
    EXPECT_ERR(WK_E_CORRUPT, carry_after(flip_head));
    EXPECT_ERR(WK_E_CORRUPT, carry_after(flip_value));
    EXPECT_ERR(WK_E_CORRUPT, carry_after(forge_key));
    EXPECT_ERR(WK_E_CORRUPT, carry_after(forge_kind));
    EXPECT_ERR(WK_E_CORRUPT, carry_after(forge_size));
    EXPECT_ERR(WK_E_STATE, wk_store_commit(&g_store, NULL, 0));
}

/* An erase that a cut broke off, seen at the begin, in the middle or at the end of the sector. */
static void a_sector_ahead_that_is_not_erased_is_erased_at_mounting(void)
{
    static const uint32_t k_at[] = {0, 15, 504, 519, 1008, 1023};
    for (size_t i = 0; i < sizeof k_at / sizeof k_at[0]; i++) {
        EXPECT_OK(fresh());
        EXPECT_OK(wk_store_append_one(&g_store, 1, "x", 1));
        g_octets[SECTOR + k_at[i]] = 0;
        g_octets[(KV + LOG + 1) * SECTOR + k_at[i]] = 0;
        EXPECT_OK(mount());
        EXPECT_I64(2, g_report.erased_sectors);
        EXPECT(is_erased_ahead(&g_store.kv) && is_erased_ahead(&g_store.log[1]));
        g_octets[KV * SECTOR + k_at[i]] = 0; /* of a log that is empty */
        EXPECT_OK(mount());
        EXPECT_I64(1, g_report.erased_sectors);
        EXPECT_I64(0, g_report.torn_records);
        EXPECT(is_erased_ahead(&g_store.log[0]));
    }
}

/* ---- sectors that a cut left behind -------------------------------------------------------- */

static void a_first_checkpoint_that_was_cut_is_formatted_anew(void)
{
    const uint64_t heads[WK_STORE_LOGS] = {LARGE, 3};
    blank_image();
    (void)record(kv_head(0, 1, heads), 1, &(struct record){PUT, 1, 1, 0, "cut", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT(g_report.formatted);
    EXPECT_I64(0, g_report.torn_records);
    EXPECT(g_store.transaction == 1 && g_store.live == 0);
    EXPECT(g_store.kv.newest == 0 && g_store.kv.filled == 1 && g_store.kv.sequence == 1);
    EXPECT(span_is(0, 0, 0) && span_is(1, 0, 0));
    blank_image();
    (void)kv_head(0, 2, k_no_heads); /* of a later life */
    EXPECT_ERR(WK_E_CORRUPT, mount_image());
}

/* What lies in the torn checkpoint says nothing about the sector before. */
static void a_checkpoint_that_was_cut_does_not_count(void)
{
    char value[64];
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT, 1, 1, 0, "one", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){PUT | COMMITS, 2, 1, 0, "two", 0, {0}, {0}});
    at = kv_head(1, 2, k_no_heads);
    at = record(at, 2, &(struct record){PUT, 7, 2, 0, "new", 0, {0}, {0}});
    memset(g_image + at, 0x22, UNIT);
    (void)record(at + UNIT, 2, &(struct record){PUT, 2, 2, 0, "two", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT_I64(1, g_report.torn_records);
    EXPECT_I64(1, g_report.erased_sectors);
    EXPECT_I64(1, g_store.kv.sequence);
    EXPECT(key_is(1, "one") && key_is(2, "two"));
    EXPECT_ERR(WK_E_NOT_FOUND, value_of(0, value));
    EXPECT_ERR(WK_E_NOT_FOUND, value_of(63, value));
    EXPECT_ERR(WK_E_NOT_FOUND, value_of(7, value));
    EXPECT(is_erased_ahead(&g_store.kv));
    g_image[SECTOR - 1] = 0; /* the sector before is damaged, too */
    EXPECT_ERR(WK_E_CORRUPT, mount_image());
    EXPECT(g_report.would_go_back);
}

static void a_gap_before_newer_records_is_refused(void)
{
    blank_image();
    uint32_t at = kv_head(0, 1, k_no_heads);
    at = record(at, 1, &(struct record){PUT | COMMITS, 1, 1, 0, "one", 0, {0}, {0}});
    (void)record(at + 64, 1, &(struct record){PUT | COMMITS, 1, 2, 0, "two", 0, {0}, {0}});
    EXPECT_ERR(WK_E_CORRUPT, mount_image());
    EXPECT(g_report.would_go_back);
    EXPECT_BYTES(g_image, g_octets, sizeof g_image);
}

/* The head of the sector before the newest reads as erased. */
static void a_lost_head_does_not_hide_a_newer_sector(void)
{
    blank_image();
    for (uint32_t sector = 0; sector < KV; sector++) {
        const uint32_t at = kv_head(sector, 5 + sector, k_no_heads);
        (void)record(
            at, 5 + sector,
            &(struct record){
                PUT | COMMITS, 1, 10 + sector, 0, sector == 3 ? "new" : "old", 0, {0}, {0}});
    }
    memset(g_image + 2 * SECTOR, 0xFF, 32);
    EXPECT_OK(mount_image());
    EXPECT(key_is(1, "new"));
}

/* 60 entries of 60 octets, without their commit, in three sectors. */
static void sectors_of_a_transaction_that_was_cut_are_erased(void)
{
    char text[60];
    memset(text, 't', sizeof text);
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append_one(&g_store, 0, "kept", 4));
    for (uint32_t i = 0; i < 30; i++) {
        EXPECT_OK(wk_store_append(&g_store, 0, text, sizeof text));
    }
    EXPECT_I64(3, g_store.log[0].filled);
    EXPECT_OK(mount());
    EXPECT_I64(1, g_store.log[0].filled);
    EXPECT_I64(2, g_report.erased_sectors);
    EXPECT_I64(12, g_report.dropped_entries); /* of the first sector: 992 - 32 octets of 80 */
    EXPECT_I64(0, g_report.missing_entries);
    EXPECT(span_is(0, 0, 1) && entry_is(0, 0, "kept") && g_store.log[0].resumes);
    for (uint32_t i = SECTOR; i < LOG * SECTOR; i++) {
        EXPECT_I64(0xFF, g_octets[KV * SECTOR + i]);
    }
}

static void a_log_whose_only_sector_was_not_committed_is_empty(void)
{
    blank_image();
    (void)record(kv_head(0, 1, k_no_heads), 1,
                 &(struct record){COMMIT | COMMITS, 0, 1, 0, "", 0, {0}, {0}});
    (void)record(log_head(0, 0, 1, 5, 5), 1,
                 &(struct record){ENTRY, 0, 5, 5, "cut", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT_I64(0, g_store.log[0].filled);
    EXPECT_I64(1, g_report.erased_sectors);
    EXPECT_I64(0, g_report.dropped_entries + g_report.torn_records);
    EXPECT(span_is(0, 0, 0));
    EXPECT_OK(wk_store_append_one(&g_store, 0, "first", 5));
    EXPECT_OK(mount());
    EXPECT(span_is(0, 0, 1) && entry_is(0, 0, "first"));
}

/* The entry in the middle is damaged; what follows tells whether a cut explains it. */
static void a_damaged_entry_is_told_unless_a_cut_explains_it(void)
{
    for (uint32_t resumes = 0; resumes < 2; resumes++) {
        blank_image();
        (void)record(kv_head(0, 1, k_no_heads), 1,
                     &(struct record){COMMIT | COMMITS, 0, 1, 1, "", 0, {0}, {3 - resumes}});
        uint32_t at = log_head(0, 0, 1, 0, 0);
        at = record(at, 1, &(struct record){ENTRY, 0, 0, 0, "zero", 0, {0}, {0}});
        g_image[at + 16] = 0;
        const uint32_t damaged = at;
        at = record(at, 1, &(struct record){ENTRY, 0, 1, 0, "one", 0, {0}, {0}});
        const uint8_t kind = resumes == 1 ? ENTRY | RESUMES : ENTRY;
        (void)record(at, 1, &(struct record){kind, 0, 2 - resumes, 0, "two", 0, {0}, {0}});
        g_image[damaged + 17] ^= 1;
        EXPECT_OK(mount_image());
        EXPECT_I64(1 - resumes, g_report.damaged_records);
        EXPECT_I64(0, g_report.dropped_entries);
        EXPECT(entry_is(0, 2 - resumes, "two"));
    }
}

/* Of entry 2 there is what a cut dropped, and what took its place; the head of that is damaged. */
static void a_dropped_entry_does_not_take_the_place_of_a_damaged_one(void)
{
    struct wk_store_reader reader;
    char value[64];
    size_t size;
    blank_image();
    (void)record(kv_head(0, 1, k_no_heads), 1,
                 &(struct record){COMMIT | COMMITS, 0, 1, 1, "", 0, {0}, {4}});
    uint32_t at = log_head(0, 0, 1, 0, 0);
    at = record(at, 1, &(struct record){ENTRY, 0, 0, 0, "zero", 0, {0}, {0}});
    at = record(at, 1, &(struct record){ENTRY, 0, 1, 0, "old 1", 0, {0}, {0}});
    at = record(at, 1, &(struct record){ENTRY, 0, 2, 1, "old 2", 0, {0}, {0}});
    const uint32_t one = at;
    at = record(at, 1, &(struct record){ENTRY | RESUMES, 0, 1, 0, "new 1", 0, {0}, {0}});
    const uint32_t two = at;
    at = record(at, 1, &(struct record){ENTRY, 0, 2, 1, "new 2", 0, {0}, {0}});
    (void)record(at, 1, &(struct record){ENTRY, 0, 3, 2, "new 3", 0, {0}, {0}});
    EXPECT_OK(mount_image());
    EXPECT(span_is(0, 0, 4) && entry_is(0, 0, "zero") && entry_is(0, 1, "new 1") &&
           entry_is(0, 2, "new 2") && entry_is(0, 3, "new 3"));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_seek(&g_store, 0, 4, &reader));
    EXPECT_OK(wk_store_seek(&g_store, 0, 3, &reader));
    EXPECT_OK(wk_store_read(&g_store, 0, &reader, value, 63, &size));
    EXPECT_OK(wk_store_append(&g_store, 0, "waits", 5));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_read(&g_store, 0, &reader, value, 63, &size));
    g_octets[two + 4] ^= 1;
    EXPECT_ERR(WK_E_CORRUPT, wk_store_seek(&g_store, 0, 2, &reader));
    g_octets[one + 17] ^= 1; /* its value: it is found by its head */
    EXPECT_OK(wk_store_seek(&g_store, 0, 1, &reader));
    EXPECT_ERR(WK_E_CORRUPT, wk_store_read(&g_store, 0, &reader, value, 63, &size));
    EXPECT(entry_is(0, 3, "new 3"));
}

static void a_log_that_is_gone_is_refused(void)
{
    for (uint32_t entries = 1; entries < 8; entries += 6) {
        EXPECT_OK(fresh());
        for (uint32_t i = 0; i < entries; i++) {
            EXPECT_OK(wk_store_append(&g_store, 1, "entry", 5));
        }
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
        memset(g_octets + (KV + LOG) * SECTOR, 0xFF, 3 * SECTOR);
        EXPECT_ERR(WK_E_CORRUPT, mount());
        EXPECT_I64(entries, g_report.missing_entries);
        EXPECT_ERR(WK_E_STATE, wk_store_append(&g_store, 0, "x", 1));
    }
}

static void one_octet_anywhere_keeps_a_device_from_being_formatted(void)
{
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        blank_image();
        if (sector > 0) {
            g_image[sector * SECTOR + 700] = 0;
            EXPECT_ERR(WK_E_CORRUPT, mount_image());
            EXPECT_BYTES(g_image, g_octets, sizeof g_image);
        }
        blank_image();
        memcpy(g_image + sector * SECTOR, "WKS1", 4);
        EXPECT_ERR(sector < KV ? WK_E_UNSUPPORTED : WK_E_CORRUPT, mount_image());
        EXPECT_BYTES(g_image, g_octets, sizeof g_image);
    }
}

/* Most of an entry reads as erased: the search for the end halves into it. */
static void an_entry_that_reads_as_erased_is_not_taken_for_the_end(void)
{
    static uint8_t entry[900];
    memset(entry, 0xFF, sizeof entry);
    char text[291];
    memset(text, 't', sizeof text);
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append_one(&g_store, 0, text, 290));
    EXPECT_OK(wk_store_append_one(&g_store, 0, entry, 400)); /* it ends behind the half */
    EXPECT_OK(mount());
    EXPECT(span_is(0, 0, 2));
    for (uint16_t size = 200; size <= 900; size = (uint16_t)(size + 20)) {
        for (uint32_t small = 0; small < 20; small += 3) {
            EXPECT_OK(fresh());
            for (uint32_t i = 0; i < small; i++) {
                EXPECT_OK(wk_store_append_one(&g_store, 0, "small", 5));
            }
            EXPECT_OK(wk_store_append_one(&g_store, 0, entry, size));
            const struct wk_store_ring left = g_store.log[0];
            EXPECT_OK(mount());
            EXPECT(left.at == g_store.log[0].at && left.newest == g_store.log[0].newest);
            EXPECT_I64(small + 1, g_store.committed[0]);
            EXPECT_I64(0, g_report.torn_records + g_report.damaged_records);
        }
    }
}

/* ---- rings ---------------------------------------------------------------------------------- */

static bool is_same_ring(const struct wk_store_ring *a, const struct wk_store_ring *b)
{
    return a->first == b->first && a->sectors == b->sectors && a->newest == b->newest &&
           a->filled == b->filled && a->sequence == b->sequence && a->at == b->at &&
           a->id == b->id && a->resumes == b->resumes && a->erase_due == b->erase_due;
}

/* Three rings go round several times, at different speeds. */
static void mounting_finds_everything_where_it_was_left(void)
{
    char text[200];
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 400; i++) {
        memset(text, (int)i, sizeof text);
        const struct wk_store_put put = {(uint8_t)(i % 5), text, (uint16_t)(i % 90)};
        EXPECT_OK(wk_store_append(&g_store, 0, text, (uint16_t)(i % 200)));
        if (i % 3 == 0) {
            EXPECT_OK(wk_store_append(&g_store, 1, text, 40));
        }
        EXPECT_OK(wk_store_commit(&g_store, &put, 1));
        EXPECT(is_erased_ahead(&g_store.kv) && is_erased_ahead(&g_store.log[0]) &&
               is_erased_ahead(&g_store.log[1]));
        const struct wk_store left = g_store;
        memcpy(g_image, g_octets, sizeof g_image);
        EXPECT_OK(mount());
        EXPECT_BYTES(g_image, g_octets, sizeof g_image); /* nothing to repair */
        EXPECT(is_same_ring(&left.kv, &g_store.kv));
        EXPECT(is_same_ring(&left.log[0], &g_store.log[0]));
        EXPECT(is_same_ring(&left.log[1], &g_store.log[1]));
        EXPECT(left.transaction == g_store.transaction && left.live == g_store.live);
        EXPECT_BYTES(left.committed, g_store.committed, sizeof left.committed);
        EXPECT_BYTES(left.staged, g_store.staged, sizeof left.staged);
        EXPECT(g_store.lost == 0 && !g_store.broken);
        for (uint32_t key = 0; key < 5 && i > 4; key++) {
            EXPECT_I64(left.keys[key].at, g_store.keys[key].at);
            EXPECT_I64(left.keys[key].size, g_store.keys[key].size);
        }
        EXPECT(g_report.torn_records + g_report.dropped_entries + g_report.erased_sectors +
                   g_report.damaged_records + g_report.missing_entries ==
               0);
    }
    EXPECT(g_store.kv.sequence > 20 && g_store.log[0].sequence > 20);
}

WK_TEST_MAIN(T(what_is_written_is_as_documented_to_the_bit), T(numbers_of_forty_bits_are_kept),
             T(an_entry_does_not_commit_itself_if_another_waits),
             T(a_checkpoint_holds_what_its_transaction_does_not_bring),
             T(a_new_sector_does_not_begin_with_the_mark_of_a_cut),
             T(what_cannot_be_a_record_is_none_even_if_its_checks_hold),
             T(an_entry_of_another_log_is_no_entry),
             T(a_record_of_another_place_or_life_is_none),
             T(puts_without_their_commit_do_not_count),
             T(a_put_of_another_number_without_the_mark_of_a_cut_is_damage),
             T(a_lost_value_stops_the_change_of_sectors_until_it_is_written),
             T(damage_takes_the_values_that_it_hit_and_no_others),
             T(a_commit_may_move_existing_logs_only),
             T(a_value_of_several_programs_is_padded_with_zeros),
             T(a_value_that_was_damaged_since_mounting_is_not_carried_on),
             T(a_sector_ahead_that_is_not_erased_is_erased_at_mounting),
             T(a_first_checkpoint_that_was_cut_is_formatted_anew),
             T(a_checkpoint_that_was_cut_does_not_count),
             T(a_gap_before_newer_records_is_refused),
             T(a_lost_head_does_not_hide_a_newer_sector),
             T(sectors_of_a_transaction_that_was_cut_are_erased),
             T(a_log_whose_only_sector_was_not_committed_is_empty),
             T(a_damaged_entry_is_told_unless_a_cut_explains_it),
             T(a_dropped_entry_does_not_take_the_place_of_a_damaged_one),
             T(a_log_that_is_gone_is_refused),
             T(one_octet_anywhere_keeps_a_device_from_being_formatted),
             T(an_entry_that_reads_as_erased_is_not_taken_for_the_end),
             T(mounting_finds_everything_where_it_was_left))
