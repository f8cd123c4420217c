/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "headend/archive_sql.h"

#define SCHEMA_VERSION  2
#define BUSY_TIMEOUT_MS 10000
#define PAGE_SIZE       4096

struct sqlite {
    struct wk_sql sql;
    sqlite3 *handle;
    sqlite3_stmt *statement[WK_SQL_STATEMENTS]; /* prepared when first used */
    sqlite3_stmt *query;                        /* the one that has begun */
};

static const char *const k_setup =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;";

static const char *const k_schema =
    "CREATE TABLE meter(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, serial TEXT NOT NULL,"
    " UNIQUE(tenant, serial));"
    "CREATE TABLE mark(meter INTEGER NOT NULL, mark INTEGER NOT NULL, value INTEGER NOT NULL,"
    " PRIMARY KEY(meter, mark)) WITHOUT ROWID;"
    "CREATE TABLE interval_open(meter INTEGER NOT NULL, ts INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, rev INTEGER NOT NULL, reg INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, recv_ts INTEGER NOT NULL,"
    " PRIMARY KEY(meter, ts, channel, rev)) WITHOUT ROWID;"
    "CREATE TABLE interval_day(meter INTEGER NOT NULL, channel INTEGER NOT NULL,"
    " day_utc INTEGER NOT NULL, rev INTEGER NOT NULL, reason INTEGER NOT NULL,"
    " period_s INTEGER NOT NULL, n INTEGER NOT NULL, reg_start INTEGER NOT NULL,"
    " reg_end INTEGER NOT NULL, vals BLOB NOT NULL, flags BLOB, recv_ts INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, PRIMARY KEY(meter, channel, day_utc, rev)) WITHOUT ROWID;"
    "CREATE TABLE register_read(meter INTEGER NOT NULL, ts INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, source TEXT NOT NULL, reg INTEGER NOT NULL,"
    " recv_ts INTEGER NOT NULL, PRIMARY KEY(meter, ts, channel, source)) WITHOUT ROWID;"
    "CREATE TABLE gap(meter INTEGER NOT NULL, from_ts INTEGER NOT NULL,"
    " to_ts INTEGER NOT NULL, tries INTEGER NOT NULL, given_up INTEGER NOT NULL,"
    " next_try_ts INTEGER NOT NULL,"
    " PRIMARY KEY(meter, from_ts)) WITHOUT ROWID;"
    "CREATE TABLE event(meter INTEGER NOT NULL, log TEXT NOT NULL, seq INTEGER NOT NULL,"
    " ts INTEGER NOT NULL, code INTEGER NOT NULL, recv_ts INTEGER NOT NULL,"
    " PRIMARY KEY(meter, log, seq)) WITHOUT ROWID;"
    "CREATE TABLE exception(meter INTEGER NOT NULL, kind TEXT NOT NULL, ts INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, recv_ts INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY(meter, kind, ts, channel)) WITHOUT ROWID;"
    "CREATE TABLE command(id TEXT NOT NULL PRIMARY KEY, meter INTEGER NOT NULL,"
    " action INTEGER NOT NULL, state INTEGER NOT NULL, created_ts INTEGER NOT NULL,"
    " confirm_by_ts INTEGER NOT NULL, expires_ts INTEGER NOT NULL, done_ts INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, who TEXT NOT NULL, result TEXT NOT NULL);"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER NOT NULL,"
    " meter INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);"
    "CREATE TABLE bill(meter INTEGER NOT NULL, from_ts INTEGER NOT NULL,"
    " to_ts INTEGER NOT NULL, rev INTEGER NOT NULL, issued_ts INTEGER NOT NULL,"
    " digest TEXT NOT NULL, document TEXT NOT NULL,"
    " PRIMARY KEY(meter, from_ts, to_ts, rev)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

/* Version 2: streams of the link. */
static const char *const k_schema_2 =
    "CREATE TABLE link(meter INTEGER NOT NULL, epoch INTEGER NOT NULL, stream INTEGER NOT NULL,"
    " applied INTEGER NOT NULL, obis TEXT NOT NULL, checksum INTEGER NOT NULL,"
    " description BLOB NOT NULL, PRIMARY KEY(meter, epoch, stream)) WITHOUT ROWID;"
    "CREATE TABLE link_record(meter INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " stream INTEGER NOT NULL, seq INTEGER NOT NULL, recv_ts INTEGER NOT NULL,"
    " count INTEGER NOT NULL, reason INTEGER NOT NULL, octets BLOB NOT NULL,"
    " PRIMARY KEY(meter, epoch, stream, seq)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* ---- the driver -------------------------------------------------------------------------- */

/* The error of a result code; keeps its text. */
static wk_err fail(struct sqlite *db, int code)
{
    snprintf(db->sql.why, sizeof db->sql.why, "%s", sqlite3_errmsg(db->handle));
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return WK_OK;
    case SQLITE_FULL:
        return WK_E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return WK_E_BUSY;
    case SQLITE_CONSTRAINT:
        return WK_E_STATE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return WK_E_CORRUPT;
    default:
        return WK_E_IO;
    }
}

static wk_err execute(struct wk_sql *sql, const char *text)
{
    struct sqlite *db = (struct sqlite *)sql;
    const int code = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? WK_OK : fail(db, code);
}

static wk_err sqlite_begin(struct wk_sql *sql)
{
    return execute(sql, "BEGIN IMMEDIATE");
}

static wk_err sqlite_commit(struct wk_sql *sql)
{
    return execute(sql, "COMMIT");
}

static void sqlite_rollback(struct wk_sql *sql)
{
    const struct sqlite *db = (const struct sqlite *)sql;
    if (sqlite3_get_autocommit(db->handle) == 0) {
        const wk_err err = execute(sql, "ROLLBACK");
        (void)err; /* what is open after a failure is gone with the connection */
    }
}

static int bind(sqlite3_stmt *statement, const struct wk_sql_values *values)
{
    int code = SQLITE_OK;
    for (int i = 0; i < values->count && code == SQLITE_OK; i++) {
        const struct wk_sql_value *value = &values->value[i];
        if (value->kind == WK_SQL_INTEGER) {
            code = sqlite3_bind_int64(statement, i + 1, value->integer);
        } else if (value->kind == WK_SQL_TEXT) {
            code = sqlite3_bind_text64(statement, i + 1, value->octets, value->size,
                                       SQLITE_STATIC, SQLITE_UTF8);
        } else {
            code = sqlite3_bind_blob64(statement, i + 1, value->octets, value->size,
                                       SQLITE_STATIC);
        }
    }
    return code;
}

static void unbind(sqlite3_stmt *statement)
{
    if (statement != NULL) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
}

static wk_err prepare(struct sqlite *db, wk_sql_statement which,
                      const struct wk_sql_values *values, sqlite3_stmt **statement)
{
    int code = SQLITE_OK;
    if (db->statement[which] == NULL) {
        code = sqlite3_prepare_v3(db->handle, wk_sql_text(which), -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->statement[which], NULL);
    }
    *statement = db->statement[which];
    if (code == SQLITE_OK) {
        code = bind(*statement, values);
    }
    if (code == SQLITE_OK) {
        return WK_OK;
    }
    const wk_err err = fail(db, code);
    unbind(*statement);
    return err;
}

static wk_err sqlite_run(struct wk_sql *sql, wk_sql_statement which,
                         const struct wk_sql_values *values, int64_t *changed)
{
    struct sqlite *db = (struct sqlite *)sql;
    sqlite3_stmt *statement;
    WK_TRY(prepare(db, which, values, &statement));
    const int code = sqlite3_step(statement);
    const wk_err err = code == SQLITE_DONE ? WK_OK : fail(db, code);
    unbind(statement);
    if (changed != NULL) {
        *changed = sqlite3_changes(db->handle);
    }
    return err;
}

static wk_err sqlite_query(struct wk_sql *sql, wk_sql_statement which,
                           const struct wk_sql_values *values)
{
    struct sqlite *db = (struct sqlite *)sql;
    return prepare(db, which, values, &db->query);
}

static wk_err sqlite_next(struct wk_sql *sql)
{
    struct sqlite *db = (struct sqlite *)sql;
    const int code = sqlite3_step(db->query);
    if (code == SQLITE_ROW) {
        return WK_OK;
    }
    return code == SQLITE_DONE ? WK_E_NOT_FOUND : fail(db, code);
}

static void sqlite_end(struct wk_sql *sql)
{
    struct sqlite *db = (struct sqlite *)sql;
    unbind(db->query);
    db->query = NULL;
}

static int64_t sqlite_integer(struct wk_sql *sql, int column)
{
    return sqlite3_column_int64(((const struct sqlite *)sql)->query, column);
}

static struct wk_bytes_in sqlite_octets(struct wk_sql *sql, int column)
{
    sqlite3_stmt *query = ((const struct sqlite *)sql)->query;
    const void *data = sqlite3_column_blob(query, column);
    return wk_bytes_in_of(data, (size_t)sqlite3_column_bytes(query, column));
}

static void sqlite_close(struct wk_sql *sql)
{
    struct sqlite *db = (struct sqlite *)sql;
    for (int i = 0; i < WK_SQL_STATEMENTS; i++) {
        sqlite3_finalize(db->statement[i]);
    }
    sqlite3_close(db->handle);
    free(db);
}

static const struct wk_sql_driver k_driver = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .run = sqlite_run,
    .query = sqlite_query,
    .next = sqlite_next,
    .end = sqlite_end,
    .integer = sqlite_integer,
    .octets = sqlite_octets,
    .close = sqlite_close,
};

/* ---- opening ----------------------------------------------------------------------------- */

static int apply_schema(struct sqlite *db, int version)
{
    if (version == SCHEMA_VERSION) {
        return SQLITE_OK;
    }
    int code = sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    sqlite3_stmt *query = NULL; /* another process may have been faster */
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &query, NULL);
    }
    if (code == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW) {
        version = sqlite3_column_int(query, 0);
    }
    sqlite3_finalize(query);
    if (code == SQLITE_OK && version == 0) {
        code = sqlite3_exec(db->handle, k_schema, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK && version < 2) {
        code = sqlite3_exec(db->handle, k_schema_2, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    }
    return code;
}

static wk_err set_up(struct sqlite *db, int64_t max_bytes)
{
    sqlite3_stmt *query = NULL;
    int version = 0;
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    int code = sqlite3_exec(db->handle, k_setup, NULL, NULL, NULL);
    if (code == SQLITE_OK && max_bytes > 0) {
        char limit[64];
        snprintf(limit, sizeof limit, "PRAGMA max_page_count = %lld",
                 (long long)(max_bytes / PAGE_SIZE));
        code = sqlite3_exec(db->handle, limit, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &query, NULL);
    }
    if (code == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW) {
        version = sqlite3_column_int(query, 0);
    }
    sqlite3_finalize(query);
    if (code == SQLITE_OK && version > SCHEMA_VERSION) {
        snprintf(db->sql.why, sizeof db->sql.why,
                 "it has schema %d, this program knows up to %d", version, SCHEMA_VERSION);
        return WK_E_UNSUPPORTED;
    }
    if (code == SQLITE_OK) {
        code = apply_schema(db, version);
    }
    return fail(db, code);
}

wk_err wk_archive_sqlite_open(const char *path, int64_t max_bytes, struct wk_archive *archive,
                              char why[WK_ARCHIVE_WHY])
{
    struct sqlite *db = calloc(1, sizeof *db);
    if (db == NULL) {
        snprintf(why, WK_ARCHIVE_WHY, "%s: no memory", path);
        return WK_E_FULL;
    }
    db->sql.driver = &k_driver;
    const int code =
        sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    const wk_err err = code == SQLITE_OK ? set_up(db, max_bytes) : fail(db, code);
    if (err != WK_OK) {
        snprintf(why, WK_ARCHIVE_WHY, "%.200s: %.250s", path, db->sql.why);
        sqlite_close(&db->sql);
        return err;
    }
    wk_sql_fill(archive, &db->sql);
    return WK_OK;
}
