/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_open.h"

#include <string.h>

#include "headend/archive_postgres.h"
#include "headend/archive_sqlite.h"

bool wk_archive_is_database(const char *address)
{
    static const char *const k_schemes[] = {"postgresql://", "postgres://"};
    for (size_t i = 0; i < sizeof k_schemes / sizeof k_schemes[0]; i++) {
        if (strncmp(address, k_schemes[i], strlen(k_schemes[i])) == 0) {
            return true;
        }
    }
    return false;
}

wk_err wk_archive_open(const struct wk_archive_place *place, struct wk_archive *archive,
                       char why[WK_ARCHIVE_WHY])
{
    return wk_archive_is_database(place->address)
               ? wk_archive_postgres_open(place->address, place->instance, archive, why)
               : wk_archive_sqlite_open(place->address, 0, archive, why);
}
