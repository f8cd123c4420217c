/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_open - the archive that an address names.
 *
 *   archive.db                           a file: SQLite
 *   postgresql://[USER@][HOST][:PORT]/NAME[?KEY=VALUE&...]
 *                                        a database: PostgreSQL; keys are those of libpq, for example
 *                                        host=/run/postgresql, sslmode=verify-full, passfile=FILE */
#ifndef WK_HEADEND_ARCHIVE_OPEN_H
#define WK_HEADEND_ARCHIVE_OPEN_H

#include "headend/archive.h"

/* `instance`: a number of this head-end, drawn when it starts; all its handles have the same one. */
struct wk_archive_place {
    const char *address;
    uint32_t instance;
};

/** Whether the address is that of a database, not of a file. */
bool wk_archive_is_database(const char *address);
/** Opens, and makes what is not there, but no database. On error `why` says what is wrong and what to
 *  do. Errors are those of wk_archive_sqlite_open and wk_archive_postgres_open. */
WK_MUST_USE wk_err wk_archive_open(const struct wk_archive_place *place,
                                   struct wk_archive *archive, char why[WK_ARCHIVE_WHY]);

#endif
