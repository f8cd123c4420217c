/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_postgres_schema - the tables of the PostgreSQL archive. Not for others. */
#ifndef WK_HEADEND_ARCHIVE_POSTGRES_SCHEMA_H
#define WK_HEADEND_ARCHIVE_POSTGRES_SCHEMA_H

#include "headend/archive_postgres_db.h"

/** Makes the tables, or brings them up to date; an archive that was there before keeps its number.
 *  When db->archive is known, nothing is made: WK_E_CORRUPT, it is gone. WK_E_UNSUPPORTED: they are of
 *  a newer program. */
WK_MUST_USE wk_err wk_postgres_schema(struct wk_postgres *db, int64_t *archive);

#endif
