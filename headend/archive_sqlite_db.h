/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_sqlite_db - what the files of the SQLite archive share: prepared statements
 * by number, values bound by a format text. Not for others.
 *
 * Formats: i = int64_t, t = text (const char *), b = octets (const void *, size_t). */
#ifndef WK_HEADEND_ARCHIVE_SQLITE_DB_H
#define WK_HEADEND_ARCHIVE_SQLITE_DB_H

#include <sqlite3.h>

#include "headend/archive.h"
#include "headend/archive_sqlite.h"

typedef enum wk_db_statement {
    WK_DB_BEGIN,
    WK_DB_COMMIT,
    WK_DB_ROLLBACK,
    WK_DB_METER_ADD,
    WK_DB_METER_ID,
    WK_DB_MARK_GET,
    WK_DB_MARK_PUT,
    WK_DB_READING_PUT,
    WK_DB_READING_EACH,
    WK_DB_READING_DROP,
    WK_DB_BLOCK_PUT,
    WK_DB_BLOCK_GET,
    WK_DB_BLOCK_LATEST,
    WK_DB_BLOCK_RAW,
    WK_DB_REGISTER_PUT,
    WK_DB_REGISTER_EACH,
    WK_DB_GAP_PUT,
    WK_DB_GAP_DROP,
    WK_DB_GAP_EACH,
    WK_DB_EVENT_PUT,
    WK_DB_EVENT_EACH,
    WK_DB_EXCEPTION_PUT,
    WK_DB_EXCEPTION_EACH,
    WK_DB_COMMAND_PUT,
    WK_DB_COMMAND_UPDATE,
    WK_DB_COMMAND_GET,
    WK_DB_COMMAND_EACH,
    WK_DB_AUDIT_PUT,
    WK_DB_AUDIT_EACH,
    WK_DB_BILL_PUT,
    WK_DB_BILL_GET,
    WK_DB_LINK_GET,
    WK_DB_LINK_PUT,
    WK_DB_RECORD_PUT,
    WK_DB_RECORD_EACH,
    WK_DB_COUNTS,
    WK_DB_STATEMENTS,
} wk_db_statement;

struct wk_db {
    sqlite3 *handle;
    sqlite3_stmt *statement[WK_DB_STATEMENTS]; /* prepared when first used */
    char why[WK_ARCHIVE_SQLITE_WHY];
};

/** The error of an SQLite result code; keeps its text for why(). */
wk_err wk_db_error(struct wk_db *db, int code);
/** Runs a statement that returns no rows. */
WK_MUST_USE wk_err wk_db_run(struct wk_db *db, wk_db_statement which, const char *format, ...);
/** Begins a query; *statement must be given back with wk_db_end. */
WK_MUST_USE wk_err wk_db_query(struct wk_db *db, wk_db_statement which,
                               sqlite3_stmt **statement, const char *format, ...);
/** Steps to the next row. WK_E_NOT_FOUND: there is none. */
WK_MUST_USE wk_err wk_db_next(struct wk_db *db, sqlite3_stmt *statement);
void wk_db_end(sqlite3_stmt *statement);
/** Copies a text column, cut to the room. */
void wk_db_text(sqlite3_stmt *statement, int column, char *to, size_t room);

/** Fills the members for events, exceptions, commands, audit and bills. */
void wk_archive_sqlite_fill_rows(struct wk_archive *archive);
/** Those for the link. */
void wk_archive_sqlite_fill_link(struct wk_archive *archive);

#endif
