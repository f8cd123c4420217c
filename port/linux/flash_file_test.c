/* SPDX-License-Identifier: Apache-2.0
 *
 * A store's file that is opened with more sectors than it was made with. */
#include "port/linux/flash_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/wk_test.h"

static char g_folder[] = "/tmp/wk-flash-XXXXXX";
static char g_path[64];

static void begin(void)
{
    (void)snprintf(g_folder, sizeof g_folder, "/tmp/wk-flash-XXXXXX");
    EXPECT(mkdtemp(g_folder) != NULL);
    (void)snprintf(g_path, sizeof g_path, "%s/store", g_folder);
}

static void end(void)
{
    unlink(g_path);
    rmdir(g_folder);
}

static int octet_at(const struct wk_flash_file *flash, uint32_t at)
{
    uint8_t octet = 0;
    return flash->port.read(flash->port.self, at, &octet, 1) == WK_OK ? octet : -1;
}

static void a_layout_that_grew_at_its_end_keeps_what_there_was(void)
{
    static const uint8_t k_unit[WK_FLASH_FILE_UNIT] = {1, 2, 3};
    struct wk_flash_file flash;
    begin();
    EXPECT_OK(wk_flash_file_open(&flash, g_path, 3, 3));
    EXPECT_OK(
        flash.port.program(flash.port.self, 2 * WK_FLASH_FILE_SECTOR, k_unit, sizeof k_unit));
    wk_flash_file_close(&flash);
    EXPECT_ERR(WK_E_CORRUPT, wk_flash_file_open(&flash, g_path, 5, 4));
    wk_flash_file_close(&flash);
    EXPECT_OK(wk_flash_file_open(&flash, g_path, 5, 3));
    EXPECT_I64(2, octet_at(&flash, 2 * WK_FLASH_FILE_SECTOR + 1));
    EXPECT_I64(0xFF, octet_at(&flash, 3 * WK_FLASH_FILE_SECTOR));
    EXPECT_I64(0xFF, octet_at(&flash, 5 * WK_FLASH_FILE_SECTOR - 1));
    wk_flash_file_close(&flash);
    EXPECT_ERR(WK_E_CORRUPT, wk_flash_file_open(&flash, g_path, 3, 3));
    wk_flash_file_close(&flash);
    end();
}

static void growth_that_was_cut_goes_on(void)
{
    struct wk_flash_file flash;
    begin();
    EXPECT_OK(wk_flash_file_open(&flash, g_path, 3, 3));
    wk_flash_file_close(&flash);
    EXPECT(truncate(g_path, 3 * WK_FLASH_FILE_SECTOR + 100) == 0); /* zeros: not erased */
    EXPECT_OK(wk_flash_file_open(&flash, g_path, 5, 3));
    EXPECT_I64(0xFF, octet_at(&flash, 3 * WK_FLASH_FILE_SECTOR + 50));
    EXPECT_I64(0xFF, octet_at(&flash, 5 * WK_FLASH_FILE_SECTOR - 1));
    wk_flash_file_close(&flash);
    end();
}

WK_TEST_MAIN(T(a_layout_that_grew_at_its_end_keeps_what_there_was),
             T(growth_that_was_cut_goes_on))
