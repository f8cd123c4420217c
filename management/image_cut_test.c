/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts the power in every program and erase operation of a transfer, in three ways, and again in
 * operations of the recovery. What was acknowledged must be there, no unit may be programmed
 * twice, and the image must arrive whole. */
#include "management/image_test.h"

#include "tests/wk_test.h"

#define SEED 20261121U

static struct wk_image image;
static uint8_t acknowledged[sizeof test_received];
static uint32_t order[TEST_BLOCKS];

/* Neighbours of a sector come at different times. */
static void shuffle(uint32_t seed)
{
    for (uint32_t i = 0; i < TEST_BLOCKS; i++) {
        order[i] = i;
    }
    for (uint32_t i = TEST_BLOCKS - 1; i > 0; i--) {
        seed = seed * 1664525U + 1013904223U;
        const uint32_t other = (seed >> 8) % (i + 1);
        const uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static wk_err start(void)
{
    const struct wk_image_config config = test_config(TEST_RUNS);
    return wk_image_init(&image, &config);
}

static wk_err transfer(void)
{
    WK_TRY(start());
    if (image.status == WK_IMAGE_VERIFIED) {
        return WK_OK;
    }
    WK_TRY(test_initiate(&image));
    for (uint32_t i = 0; i < TEST_BLOCKS; i++) {
        WK_TRY(test_send(&image, order[i]));
        acknowledged[order[i] / 8] |= (uint8_t)(1U << order[i] % 8);
    }
    const wk_err err = wk_image_verify(&image);
    WK_TRY(err == WK_E_BUSY ? WK_OK : err);
    return test_finish(&image);
}

/* Whether all that was acknowledged is there. */
static bool is_kept(void)
{
    for (uint32_t i = 0; i < TEST_BLOCKS; i++) {
        if ((acknowledged[i / 8] >> i % 8 & 1) != 0 && !wk_image_has(&image, i)) {
            return false;
        }
    }
    return true;
}

static bool is_finished(void)
{
    return transfer() == WK_OK && image.status == WK_IMAGE_VERIFIED &&
           memcmp(test_octets + (size_t)WK_IMAGE_SECTORS * TEST_SECTOR, test_image,
                  TEST_IMAGE) == 0;
}

static void prepare(void)
{
    test_port = (struct test_port){.stage = WK_OK};
    memset(acknowledged, 0, sizeof acknowledged);
    test_erase_area();
}

/* One transfer with a cut, and another in the recovery, if `again` is not UINT64_MAX. True: the
 * first cut lay in the transfer. */
static bool cut(uint64_t operation, wk_flash_tear tear, uint64_t again, const char **wrong)
{
    *wrong = NULL;
    prepare();
    wk_flash_power_on(&test_flash, operation, tear, SEED + (uint32_t)operation);
    const bool whole = transfer() == WK_OK;
    wk_flash_power_on(&test_flash, again, tear, SEED + (uint32_t)again);
    const wk_err err = start();
    if (test_flash.off) {
        wk_flash_power_on(&test_flash, UINT64_MAX, tear, SEED);
        *wrong = start() != WK_OK ? "does not start after two cuts" : NULL;
    } else if (err != WK_OK) {
        *wrong = "does not start";
    }
    wk_flash_power_on(&test_flash, UINT64_MAX, tear, SEED);
    *wrong = *wrong == NULL && image.status != WK_IMAGE_VERIFIED && !is_kept()
                 ? "an acknowledged block is lost"
                 : *wrong;
    *wrong = *wrong == NULL && !is_finished() ? "the image does not arrive" : *wrong;
    *wrong =
        *wrong == NULL && test_flash.violations != 0 ? "a unit is programmed twice" : *wrong;
    return !whole;
}

static void report(uint64_t operation, int tear, uint64_t again, const char *wrong)
{
    printf("# operation %" PRIu64 ", tear %d, again %" PRIu64 ": %s\n", operation, tear, again,
           wrong);
}

static void no_cut_loses_an_acknowledged_block_or_the_image(void)
{
    uint32_t cuts = 0;
    uint32_t failures = 0;
    const char *wrong;
    EXPECT_OK(test_make_maker(32));
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    shuffle(SEED);
    const uint64_t step = sizeof(void *) == 8 ? 1 : 29; /* the target takes some of them */
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        for (uint64_t operation = 0;
             cut(operation, (wk_flash_tear)tear, UINT64_MAX, &wrong) || wrong != NULL;
             operation += step) {
            cuts++;
            failures += wrong != NULL ? 1 : 0;
            if (wrong != NULL) {
                report(operation, tear, UINT64_MAX, wrong);
            }
            if (failures > 10) {
                break;
            }
        }
    }
    WK_TEST_FIGURE("cuts of power in an image transfer: blocks or images lost", failures,
                   "cuts", "0", failures == 0, SEED);
    printf("# %" PRIu32 " cuts, seed %u\n", cuts, SEED);
    EXPECT(cuts > 3);
    EXPECT_I64(0, failures);
}

/* The recovery copies a sector there and back: the second cut lies in it. */
static void a_second_cut_while_it_recovers_loses_nothing_either(void)
{
    uint32_t failures = 0;
    const char *wrong;
    EXPECT_OK(test_make_maker(32));
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    shuffle(SEED + 1);
    const uint64_t step = sizeof(void *) == 8 ? 7 : 101;
    for (int tear = 0; tear < WK_FLASH_TEAR_COUNT; tear++) {
        bool inside = true;
        for (uint64_t operation = 0; inside && failures < 10; operation += step) {
            for (uint64_t again = 0; again < 60; again += sizeof(void *) == 8 ? 3 : 41) {
                inside = cut(operation, (wk_flash_tear)tear, again, &wrong);
                failures += wrong != NULL ? 1 : 0;
                if (wrong != NULL) {
                    report(operation, tear, again, wrong);
                }
            }
        }
    }
    EXPECT_I64(0, failures);
}

WK_TEST_MAIN(T(no_cut_loses_an_acknowledged_block_or_the_image),
             T(a_second_cut_while_it_recovers_loses_nothing_either))
