/* SPDX-License-Identifier: Apache-2.0
 *
 * management/image_test - a maker, an area and a firmware port for tests of image transfer. */
#ifndef WK_MANAGEMENT_IMAGE_TEST_H
#define WK_MANAGEMENT_IMAGE_TEST_H

#include <string.h>

#include "management/image.h"
#include "port/bearssl/bearssl.h"
#include "port/virtual/flash.h"

#define TEST_SECTOR  512U
#define TEST_SECTORS 9U
#define TEST_UNIT    16U
#define TEST_AREA    (TEST_SECTOR * TEST_SECTORS)
#define TEST_BLOCK   64U
#define TEST_PAYLOAD 805U /* the last block is short, and not of whole units */
#define TEST_IMAGE   (WK_IMAGE_HEADER + TEST_PAYLOAD)
#define TEST_BLOCKS  ((TEST_IMAGE + TEST_BLOCK - 1) / TEST_BLOCK)
#define TEST_RUNS    0x0001000200000003ULL /* 1.2.3 */
#define TEST_NEWER   0x0001000200000004ULL

static struct wk_flash test_flash;
static uint8_t test_octets[TEST_AREA];
static uint8_t test_touched[WK_FLASH_TOUCHED(TEST_AREA, TEST_UNIT)];
static uint8_t test_received[8];
static struct wk_bearssl test_crypto;
static struct wk_hal_private test_private;
static struct wk_image_maker test_maker;
static uint8_t test_image[TEST_IMAGE];

/* The firmware port: what was staged, what runs. */
static struct test_port {
    bool on_trial;
    wk_err stage;   /* what staging ends with */
    uint32_t waits; /* ... after so many parts */
    uint32_t size;
    uint64_t version;
    uint32_t confirmed;
    uint8_t staged[TEST_PAYLOAD];
} test_port;

static inline wk_err test_stage(void *self, const struct wk_hal_flash *area, uint32_t at,
                                uint32_t size, uint64_t version)
{
    struct test_port *port = self;
    if (port->waits > 0) {
        port->waits--;
        return WK_E_BUSY;
    }
    port->size = size;
    port->version = version;
    const wk_err err = area->read(area->self, at, port->staged, size);
    return err != WK_OK ? err : port->stage;
}

static inline bool test_on_trial(void *self)
{
    const struct test_port *port = self;
    return port->on_trial;
}

static inline wk_err test_confirm(void *self)
{
    struct test_port *port = self;
    port->on_trial = false;
    port->confirmed++;
    return WK_OK;
}

static const struct wk_hal_firmware test_firmware = {.self = &test_port,
                                                     .stage = test_stage,
                                                     .on_trial = test_on_trial,
                                                     .confirm = test_confirm};

/* Not secret and not random: a test's key. */
static inline wk_err test_draw(void *entropy, void *to, size_t size)
{
    (void)entropy;
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)to)[i] = (uint8_t)(i * 37 + 11);
    }
    return WK_OK;
}

/* A maker with a key of `size` octets. */
static inline wk_err test_make_maker(uint8_t size)
{
    wk_bearssl_init(&test_crypto, NULL, test_draw);
    wk_bearssl_add_p256(&test_crypto);
    wk_bearssl_add_p384(&test_crypto);
    test_private = (struct wk_hal_private){.size = size};
    test_maker = (struct wk_image_maker){.size = size};
    return test_crypto.hal.generate(&test_crypto, &test_private, test_maker.point);
}

/* An image of TEST_PAYLOAD octets for this hardware, signed. */
static inline wk_err test_make_image(const char *hardware, uint64_t version)
{
    struct wk_image_header header = {
        .version = version, .size = TEST_PAYLOAD, .curve = test_private.size};
    uint8_t hash[WK_HAL_HASH];
    memcpy(header.hardware, hardware, strlen(hardware));
    memcpy(header.name, "test", 4);
    for (uint32_t i = 0; i < TEST_PAYLOAD; i++) {
        test_image[WK_IMAGE_HEADER + i] = (uint8_t)(i * i + (i >> 8) + version);
    }
    WK_TRY(test_crypto.hal.sha256(&test_crypto, test_image + WK_IMAGE_HEADER, TEST_PAYLOAD,
                                  header.digest));
    WK_TRY(wk_image_header_write(&header, test_image));
    WK_TRY(wk_image_header_hash(&test_crypto.hal, header.curve, test_image, hash));
    WK_TRY(test_crypto.hal.sign(&test_crypto, &test_private, hash, header.signature));
    return wk_image_header_write(&header, test_image);
}

static inline struct wk_image_config test_config(uint64_t version)
{
    struct wk_image_config config = {
        .area = &test_flash.port,
        .crypto = &test_crypto.hal,
        .firmware = &test_firmware,
        .maker = test_maker,
        .hardware = "board-1",
        .version = version,
        .block_size = TEST_BLOCK,
        .received = test_received,
        .received_size = sizeof test_received,
    };
    return config;
}

static inline void test_erase_area(void)
{
    memset(test_touched, 0, sizeof test_touched);
    wk_flash_init(&test_flash, test_octets, TEST_SECTOR, TEST_SECTORS, TEST_UNIT);
    wk_flash_watch(&test_flash, test_touched);
    wk_flash_power_on(&test_flash, UINT64_MAX, WK_FLASH_TEAR_NOTHING, 1);
}

static inline size_t test_block_size(uint32_t number)
{
    const size_t left = TEST_IMAGE - (size_t)number * TEST_BLOCK;
    return left < TEST_BLOCK ? left : TEST_BLOCK;
}

static inline wk_err test_send(struct wk_image *image, uint32_t number)
{
    return wk_image_block(image, number, test_image + (size_t)number * TEST_BLOCK,
                          test_block_size(number));
}

static inline wk_err test_initiate(struct wk_image *image)
{
    return wk_image_initiate(image, (const uint8_t *)"test", 4, TEST_IMAGE);
}

static inline wk_err test_send_all(struct wk_image *image)
{
    WK_TRY(test_initiate(image));
    for (uint32_t i = 0; i < TEST_BLOCKS; i++) {
        WK_TRY(test_send(image, i));
    }
    return WK_OK;
}

static inline wk_err test_finish(struct wk_image *image)
{
    for (int i = 0; i < 100 && wk_image_is_busy(image); i++) {
        WK_TRY(wk_image_step(image));
    }
    return wk_image_is_busy(image) ? WK_E_TIMEOUT : WK_OK;
}

#endif
