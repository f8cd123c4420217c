/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "app/wk_store.h"
#include "tests/wk_test.h"

#define SECTOR  1024U
#define UNIT    16U
#define SECTORS 12U
#define SIZE    (SECTOR * SECTORS)
#define SAID    4096

static const struct wk_store_layout k_layout = {.kv_sectors = 4, .log_sectors = {5, 0, 3}};
static uint8_t g_octets[SIZE];
static struct wk_flash g_flash;
static struct wk_store g_store;
static char g_path[] = "/tmp/wk_store_test.XXXXXX";
static char g_said[SAID];

/* A device after some life: both rings have come round. */
static wk_err live(uint32_t commits)
{
    struct wk_store_mount_report report;
    wk_flash_init(&g_flash, g_octets, SECTOR, SECTORS, UNIT);
    WK_TRY(wk_store_mount(&g_store, &g_flash.port, &k_layout, &report));
    for (uint32_t i = 0; i < commits; i++) {
        const struct wk_store_put put = {(uint8_t)(i % 3), &i, sizeof i};
        WK_TRY(wk_store_append(&g_store, (uint8_t)(i % 2 * 2), &i, sizeof i));
        WK_TRY(wk_store_commit(&g_store, &put, 1));
    }
    return WK_OK;
}

static bool save(void)
{
    FILE *file = fopen(g_path, "wb");
    const bool whole = file != NULL && fwrite(g_octets, 1, SIZE, file) == SIZE;
    return file != NULL && fclose(file) == 0 && whole;
}

/* Checks the device as it is; what was said is in g_said. UINT32_MAX: it cannot be opened. */
static uint32_t wrong_in_image(bool cuts)
{
    struct wk_image image = {.layout = k_layout, .sector = SECTOR, .unit = UNIT};
    uint32_t wrong = UINT32_MAX;
    memset(g_said, 0, sizeof g_said);
    FILE *to = fmemopen(g_said, sizeof g_said - 1, "w");
    if (to != NULL && save() && wk_image_open(&image, g_path)) {
        wrong = wk_image_check(&image, to, cuts);
    }
    if (to != NULL) {
        fclose(to);
    }
    wk_image_close(&image);
    return wrong;
}

static bool says(const char *part)
{
    return strstr(g_said, part) != NULL;
}

static uint32_t sector_at(const struct wk_store_ring *ring, uint32_t sector)
{
    return (ring->first + sector % ring->sectors) * SECTOR;
}

static void nothing_is_wrong_with_a_store_in_use(void)
{
    for (uint32_t commits = 0; commits < 200; commits += 7) {
        EXPECT_OK(live(commits));
        EXPECT_I64(0, wrong_in_image(true));
        EXPECT(g_said[0] == '\0');
    }
}

static void what_a_cut_leaves_is_told_but_not_wrong(void)
{
    EXPECT_OK(live(60));
    wk_flash_power_on(&g_flash, 1, WK_FLASH_TEAR_GARBAGE, 4);
    EXPECT(wk_store_append(&g_store, 0, "0123456789012345678901234567", 28) == WK_E_IO);
    EXPECT_I64(0, wrong_in_image(true));
    EXPECT(says("cut:"));
    EXPECT_I64(0, wrong_in_image(false));
    EXPECT(g_said[0] == '\0');
}

static void a_flipped_bit_in_any_record_is_found_with_its_offset(void)
{
    uint32_t missed = 0;
    EXPECT_OK(live(40));
    for (uint32_t at = sector_at(&g_store.log[0], g_store.log[0].newest) + 40;
         at < sector_at(&g_store.log[0], g_store.log[0].newest) + g_store.log[0].at - 64;
         at += 32) { /* every record: 16 octets of head, 4 of data, zeros */
        g_octets[at] ^= 4;
        missed += wrong_in_image(false) == 0 || !says("offset 0x") ? 1 : 0;
        g_octets[at] ^= 4;
    }
    EXPECT_I64(0, missed);
}

static void a_damaged_sector_head_is_found(void)
{
    EXPECT_OK(live(150));
    const uint32_t older = sector_at(&g_store.log[0], g_store.log[0].newest + 4U);
    g_octets[older + 6] ^= 1;
    EXPECT(wrong_in_image(false) > 0);
    EXPECT(says("is not erased") || says("the head of a sector in use is damaged"));
}

static void octets_ahead_of_writing_are_found(void)
{
    EXPECT_OK(live(50));
    g_octets[sector_at(&g_store.kv, g_store.kv.newest) + SECTOR - 5] = 0;
    EXPECT(wrong_in_image(false) > 0);
    EXPECT(says("octets where nothing is written yet"));
}

static void values_that_would_go_back_are_refused_and_told(void)
{
    EXPECT_OK(live(90));
    g_octets[sector_at(&g_store.kv, g_store.kv.newest) + 20] ^= 0x10;
    EXPECT(wrong_in_image(false) > 0);
    EXPECT(says("a meter refuses it"));
    EXPECT(says("newer values are there"));
}

static void an_image_of_another_size_is_refused(void)
{
    struct wk_image image = {.layout = k_layout, .sector = 2 * SECTOR, .unit = UNIT};
    EXPECT_OK(live(3));
    EXPECT(save());
    EXPECT(!wk_image_open(&image, g_path));
    EXPECT(strstr(image.why, "is not 12 sectors of 2048 octets") != NULL);
    wk_image_close(&image);
}

static void looking_at_an_image_does_not_change_it(void)
{
    static uint8_t before[SIZE];
    EXPECT_OK(live(70));
    wk_flash_power_on(&g_flash, 2, WK_FLASH_TEAR_GARBAGE, 4);
    EXPECT(wk_store_append(&g_store, 0, g_octets, 100) == WK_E_IO);
    memcpy(before, g_octets, SIZE);
    EXPECT(wrong_in_image(true) != UINT32_MAX);
    FILE *file = fopen(g_path, "rb");
    EXPECT(file != NULL);
    const size_t got = fread(g_octets, 1, SIZE, file);
    fclose(file);
    EXPECT_I64(SIZE, got);
    EXPECT_BYTES(before, g_octets, SIZE);
}

static void the_budget_counts_commits_per_erase(void)
{
    EXPECT_NEAR(50, wk_image_commits_per_erase(4096, 16, 56, 0), 0.1);
    EXPECT_NEAR((4096 - 96 - 1008) / 80, wk_image_commits_per_erase(4096, 16, 56, 992), 1);
    EXPECT_NEAR(0, wk_image_commits_per_erase(4096, 16, 8000, 0), 0);
}

static void begin(void)
{
    const int file = mkstemp(g_path);
    EXPECT(file >= 0);
    close(file);
}

static void end(void)
{
    EXPECT_I64(0, unlink(g_path));
}

WK_TEST_MAIN(T(begin), T(nothing_is_wrong_with_a_store_in_use),
             T(what_a_cut_leaves_is_told_but_not_wrong),
             T(a_flipped_bit_in_any_record_is_found_with_its_offset),
             T(a_damaged_sector_head_is_found), T(octets_ahead_of_writing_are_found),
             T(values_that_would_go_back_are_refused_and_told),
             T(an_image_of_another_size_is_refused), T(looking_at_an_image_does_not_change_it),
             T(the_budget_counts_commits_per_erase), T(end))
