/* SPDX-License-Identifier: Apache-2.0 */
#include "management/store.h"

#include "port/virtual/flash.h"
#include "tests/wk_test.h"

#define SECTOR  1024U
#define SECTORS 14U

static const struct wk_store_layout k_layout = {.kv_sectors = 4, .log_sectors = {6, 4}};
static uint8_t g_octets[SECTOR * SECTORS];
static struct wk_flash g_flash;
static struct wk_store g_store;
static struct wk_store_mount_report g_report;

static wk_err mount(void)
{
    wk_flash_power_on(&g_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    return wk_store_mount(&g_store, &g_flash.port, &k_layout, &g_report);
}

static wk_err fresh(void)
{
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    return mount();
}

static wk_err commit_text(uint8_t key, const char *text)
{
    const struct wk_store_put put = {key, text, (uint16_t)strlen(text)};
    return wk_store_commit(&g_store, &put, 1);
}

static bool key_is(uint8_t key, const char *text)
{
    char value[64];
    size_t size;
    return wk_store_get(&g_store, key, value, sizeof value, &size) == WK_OK &&
           size == strlen(text) && memcmp(value, text, size) == 0;
}

static void a_blank_device_is_formatted_and_empty(void)
{
    char value[4];
    size_t size;
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    EXPECT(g_report.formatted);
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_get(&g_store, 0, value, sizeof value, &size));
    EXPECT_OK(wk_store_log_span(&g_store, 0, &oldest, &next));
    EXPECT_I64(0, oldest);
    EXPECT_I64(0, next);
    EXPECT_OK(mount());
    EXPECT(!g_report.formatted);
}

static void committed_values_are_there_after_mounting(void)
{
    EXPECT_OK(fresh());
    EXPECT_OK(commit_text(3, "first"));
    EXPECT_OK(commit_text(3, "second"));
    EXPECT_OK(commit_text(5, ""));
    EXPECT_OK(mount());
    EXPECT(key_is(3, "second"));
    EXPECT(key_is(5, ""));
    EXPECT_I64(0, g_report.torn_records);
}

static void a_value_written_once_survives_any_number_of_others(void)
{
    char text[16];
    EXPECT_OK(fresh());
    EXPECT_OK(commit_text(1, "cold"));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "hot %d", i);
        EXPECT_OK(commit_text(2, text));
    }
    EXPECT_OK(mount());
    EXPECT(key_is(1, "cold"));
    EXPECT(key_is(2, "hot 999"));
    EXPECT_I64(0, g_flash.violations);
}

static void an_entry_counts_from_its_commit_on(void)
{
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append(&g_store, 0, "a", 1));
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(wk_store_append(&g_store, 0, "b", 1));
    EXPECT_OK(wk_store_log_span(&g_store, 0, &oldest, &next));
    EXPECT_I64(1, next);
    EXPECT_OK(mount());
    EXPECT_I64(1, g_report.dropped_entries);
    EXPECT_OK(wk_store_append(&g_store, 0, "c", 1));
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    struct wk_store_reader reader;
    char value[4];
    size_t size;
    EXPECT_OK(wk_store_seek(&g_store, 0, 0, &reader));
    EXPECT_OK(wk_store_read(&g_store, 0, &reader, value, sizeof value, &size));
    EXPECT(size == 1 && value[0] == 'a');
    EXPECT_OK(wk_store_read(&g_store, 0, &reader, value, sizeof value, &size));
    EXPECT(size == 1 && value[0] == 'c');
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_read(&g_store, 0, &reader, value, sizeof value, &size));
}

static void a_full_log_forgets_its_oldest_entries_only(void)
{
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 400; i++) {
        EXPECT_OK(wk_store_append(&g_store, 0, &i, sizeof i));
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    }
    EXPECT_OK(mount());
    EXPECT_OK(wk_store_log_span(&g_store, 0, &oldest, &next));
    EXPECT_I64(400, next);
    EXPECT(oldest > 0 && next - oldest >= 4 * 31);
    struct wk_store_reader reader;
    uint32_t value;
    size_t size;
    for (uint64_t number = oldest; number < next; number++) {
        EXPECT_OK(wk_store_seek(&g_store, 0, number, &reader));
        EXPECT_OK(wk_store_read(&g_store, 0, &reader, &value, sizeof value, &size));
        EXPECT_I64(number, value);
    }
    EXPECT_ERR(WK_E_NOT_FOUND, wk_store_seek(&g_store, 0, oldest - 1, &reader));
}

static void a_reader_notices_that_the_ring_came_round(void)
{
    struct wk_store_reader reader;
    uint32_t value = 0;
    size_t size;
    EXPECT_OK(fresh());
    for (uint32_t i = 0; i < 10; i++) {
        EXPECT_OK(wk_store_append(&g_store, 1, &i, sizeof i));
    }
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(wk_store_seek(&g_store, 1, 2, &reader));
    for (uint32_t i = 10; i < 300; i++) {
        EXPECT_OK(wk_store_append(&g_store, 1, &i, sizeof i));
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    }
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_store_read(&g_store, 1, &reader, &value, sizeof value, &size));
}

static void what_cannot_fit_is_refused_and_changes_nothing(void)
{
    static const uint8_t k_big[SECTOR] = {0};
    const struct wk_store_put put = {1, k_big, 900};
    EXPECT_OK(fresh());
    EXPECT_OK(commit_text(1, "kept"));
    EXPECT_ERR(WK_E_FULL, wk_store_commit(&g_store, &put, 1));
    EXPECT_ERR(WK_E_RANGE, wk_store_append(&g_store, 0, k_big, 1000));
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_append(&g_store, 9, k_big, 1));
    EXPECT(key_is(1, "kept"));
    EXPECT_OK(commit_text(1, "next"));
    EXPECT(key_is(1, "next"));
}

static void an_impossible_layout_is_refused(void)
{
    const struct wk_store_layout too_many = {.kv_sectors = 4, .log_sectors = {6, 5}};
    const struct wk_store_layout too_few = {.kv_sectors = 2, .log_sectors = {6, 4}};
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, 16);
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_mount(&g_store, &g_flash.port, &too_many, &g_report));
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_mount(&g_store, &g_flash.port, &too_few, &g_report));
}

static void a_device_of_rubbish_is_not_formatted_over(void)
{
    EXPECT_OK(fresh());
    for (int i = 0; i < 60; i++) {
        EXPECT_OK(commit_text(2, "some value that fills sectors"));
    }
    for (uint32_t sector = 0; sector < k_layout.kv_sectors; sector++) {
        memset(g_octets + sector * SECTOR + 40, 0x55, SECTOR - 40);
    }
    EXPECT_ERR(WK_E_CORRUPT, mount());
}

static void a_flipped_bit_in_a_value_is_noticed(void)
{
    char value[16];
    size_t size;
    EXPECT_OK(fresh());
    EXPECT_OK(commit_text(2, "payload"));
    for (size_t i = 0; i < sizeof g_octets; i++) {
        if (memcmp(g_octets + i, "payload", 7) == 0) {
            g_octets[i] ^= 1;
            break;
        }
    }
    EXPECT_ERR(WK_E_CORRUPT, wk_store_get(&g_store, 2, value, sizeof value, &size));
}

static void an_entry_that_commits_itself_counts_at_once(void)
{
    struct wk_store_reader reader = {0};
    char value[4];
    size_t size;
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    EXPECT_OK(wk_store_append_one(&g_store, 0, "a", 1));
    EXPECT_OK(wk_store_append(&g_store, 1, "b", 1));
    EXPECT_OK(wk_store_append_one(&g_store, 0, "c", 1)); /* commits the other log's, too */
    EXPECT_OK(mount());
    EXPECT_I64(0, g_report.dropped_entries);
    EXPECT_OK(wk_store_log_span(&g_store, 0, &oldest, &next));
    EXPECT_I64(2, next);
    EXPECT_OK(wk_store_log_span(&g_store, 1, &oldest, &next));
    EXPECT_I64(1, next);
    EXPECT_OK(wk_store_read(&g_store, 0, &reader, value, sizeof value, &size));
    EXPECT(size == 1 && value[0] == 'a');
}

static void a_log_without_sectors_does_not_exist(void)
{
    struct wk_store_reader reader;
    uint64_t oldest;
    uint64_t next;
    EXPECT_OK(fresh());
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_append(&g_store, 2, "a", 1));
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_append_one(&g_store, 15, "a", 1));
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_log_span(&g_store, 2, &oldest, &next));
    EXPECT_ERR(WK_E_ARGUMENT, wk_store_seek(&g_store, 2, 0, &reader));
}

static void more_entries_than_a_transaction_takes_are_refused(void)
{
    EXPECT_OK(fresh());
    for (int i = 0; i < WK_STORE_STAGED_MAX; i++) {
        EXPECT_OK(wk_store_append(&g_store, 0, "", 0));
    }
    EXPECT_ERR(WK_E_FULL, wk_store_append(&g_store, 0, "", 0));
    EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    EXPECT_OK(wk_store_append(&g_store, 0, "", 0));
}

static bool damage(const char *text)
{
    const size_t size = strlen(text);
    for (size_t i = 0; i + size <= sizeof g_octets; i++) {
        if (memcmp(g_octets + i, text, size) == 0) {
            g_octets[i] ^= 1;
            return true;
        }
    }
    return false;
}

static void a_damaged_value_is_not_replaced_by_an_older_one(void)
{
    char value[16];
    size_t size;
    EXPECT_OK(fresh());
    EXPECT_OK(commit_text(1, "old"));
    EXPECT_OK(commit_text(1, "newer"));
    EXPECT_OK(commit_text(2, "other"));
    EXPECT(damage("newer"));
    EXPECT_OK(mount());
    EXPECT_I64(1, g_report.damaged_records);
    EXPECT_ERR(WK_E_CORRUPT, wk_store_get(&g_store, 1, value, sizeof value, &size));
    EXPECT(key_is(2, "other"));
    EXPECT_OK(commit_text(1, "newest"));
    EXPECT(key_is(1, "newest"));
    EXPECT_OK(mount());
    EXPECT(key_is(1, "newest"));
}

static void values_that_would_go_back_are_refused(void)
{
    static uint8_t before[sizeof g_octets];
    EXPECT_OK(fresh());
    while (g_store.kv.sequence < 6) {
        EXPECT_OK(commit_text(2, "some value that fills sectors"));
    }
    EXPECT_OK(commit_text(2, "the newest"));
    const uint32_t newest = (uint32_t)g_store.kv.newest * SECTOR;
    g_octets[newest + 6] ^= 1; /* the head of the newest sector */
    memcpy(before, g_octets, sizeof before);
    EXPECT_ERR(WK_E_CORRUPT, mount());
    EXPECT(g_report.would_go_back);
    EXPECT_BYTES(before, g_octets, sizeof before);
}

static void a_store_of_another_format_is_refused_and_left_as_it_is(void)
{
    static uint8_t before[sizeof g_octets];
    EXPECT_OK(fresh());
    memset(g_octets, 0xFF, sizeof g_octets);
    memcpy(g_octets + SECTOR, "WKS1\1", 5);
    memcpy(before, g_octets, sizeof before);
    EXPECT_ERR(WK_E_UNSUPPORTED, mount());
    EXPECT_BYTES(before, g_octets, sizeof before);
}

static void octets_that_are_no_store_are_left_as_they_are(void)
{
    static uint8_t before[sizeof g_octets];
    EXPECT_OK(fresh());
    memset(g_octets, 0x41, sizeof g_octets);
    memcpy(before, g_octets, sizeof before);
    EXPECT_ERR(WK_E_CORRUPT, mount());
    EXPECT_BYTES(before, g_octets, sizeof before);
}

static void missing_entries_are_told(void)
{
    EXPECT_OK(fresh());
    for (int i = 0; i < 5; i++) {
        EXPECT_OK(wk_store_append(&g_store, 1, "entry", 5));
        EXPECT_OK(wk_store_commit(&g_store, NULL, 0));
    }
    const uint32_t base = (uint32_t)(g_store.log[1].first + g_store.log[1].newest) * SECTOR;
    memset(g_octets + base + g_store.log[1].at - 32, 0xFF, 32);
    EXPECT_OK(mount());
    EXPECT_I64(1, g_report.missing_entries);
}

WK_TEST_MAIN(
    T(a_blank_device_is_formatted_and_empty), T(committed_values_are_there_after_mounting),
    T(a_value_written_once_survives_any_number_of_others),
    T(an_entry_counts_from_its_commit_on), T(a_full_log_forgets_its_oldest_entries_only),
    T(a_reader_notices_that_the_ring_came_round),
    T(what_cannot_fit_is_refused_and_changes_nothing), T(an_impossible_layout_is_refused),
    T(a_device_of_rubbish_is_not_formatted_over), T(a_flipped_bit_in_a_value_is_noticed),
    T(an_entry_that_commits_itself_counts_at_once), T(a_log_without_sectors_does_not_exist),
    T(more_entries_than_a_transaction_takes_are_refused),
    T(a_damaged_value_is_not_replaced_by_an_older_one),
    T(values_that_would_go_back_are_refused),
    T(a_store_of_another_format_is_refused_and_left_as_it_is),
    T(octets_that_are_no_store_are_left_as_they_are), T(missing_entries_are_told))
