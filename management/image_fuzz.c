/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of images of the fuzzer's choice, and journals and images of its choice in the area. What
 * must hold: a head that is read is written back to the same octets; nothing is ever verified
 * whose signature nobody made; no unit is programmed twice by a transfer that follows. */
#include <stdlib.h>
#include <string.h>

#include "management/image_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wk_image image;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_head(const uint8_t *data)
{
    struct wk_image_header header;
    uint8_t back[WK_IMAGE_HEADER];
    if (wk_image_header_read(data, &header) == WK_OK) {
        require(wk_image_header_write(&header, back) == WK_OK);
        require(memcmp(back, data, sizeof back) == 0);
    }
}

static void try_area(const uint8_t *data, size_t size)
{
    const struct wk_image_config config = test_config(TEST_RUNS);
    test_erase_area();
    memcpy(test_octets, data, size < TEST_AREA ? size : TEST_AREA);
    wk_flash_attach(&test_flash, test_octets, TEST_SECTOR, TEST_SECTORS, TEST_UNIT);
    wk_flash_power_on(&test_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
    if (wk_image_init(&image, &config) != WK_OK) {
        return;
    }
    (void)!wk_image_verify(&image);
    require(test_finish(&image) == WK_OK);
    require(image.news == 0 || (image.news & WK_IMAGE_NEWS_READY) == 0);
    (void)!wk_image_enable(&image, true);
    require(image.status == WK_IMAGE_ACTIVATING || test_send_all(&image) == WK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (test_maker.size == 0) {
        require(test_make_maker(32) == WK_OK);
        require(test_make_image("board-1", TEST_NEWER) == WK_OK);
    }
    if (size >= WK_IMAGE_HEADER) {
        try_head(data);
    }
    try_area(data, size);
    return 0;
}
