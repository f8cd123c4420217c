/* SPDX-License-Identifier: Apache-2.0
 *
 * For programs built without PostgreSQL (WK_POSTGRES=OFF). */
#include <stdio.h>

#include "headend/archive_postgres.h"

wk_err wk_archive_postgres_open(const char *address, uint32_t instance,
                                struct wk_archive *archive, char why[WK_ARCHIVE_WHY])
{
    (void)address;
    (void)instance;
    (void)archive;
    snprintf(
        why, WK_ARCHIVE_WHY,
        "this program was built without PostgreSQL: build it with -DWK_POSTGRES=ON, or name "
        "a file as archive");
    return WK_E_UNSUPPORTED;
}
