/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_sqlite - the archive in one SQLite file (WAL, synchronous FULL). */
#ifndef WK_HEADEND_ARCHIVE_SQLITE_H
#define WK_HEADEND_ARCHIVE_SQLITE_H

#include "headend/archive.h"

/** Opens, and creates if it is not there. `max_bytes` > 0 limits the size of the file (then
 *  WK_E_FULL); 0 = no limit. On error `why` says what is wrong with which file.
 *  WK_E_UNSUPPORTED: the file was made by a newer program. */
WK_MUST_USE wk_err wk_archive_sqlite_open(const char *path, int64_t max_bytes,
                                          struct wk_archive *archive, char why[WK_ARCHIVE_WHY]);

#endif
