/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/archive_sqlite_db.h"

#define SCHEMA_VERSION  2
#define BUSY_TIMEOUT_MS 10000
#define PAGE_SIZE       4096

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

static wk_err archive_begin(void *self)
{
    return wk_db_run(self, WK_DB_BEGIN, "");
}

static wk_err archive_commit(void *self)
{
    return wk_db_run(self, WK_DB_COMMIT, "");
}

static void archive_rollback(void *self)
{
    struct wk_db *db = self;
    char kept[WK_ARCHIVE_SQLITE_WHY]; /* the reason for the rollback is what matters */
    memcpy(kept, db->why, sizeof kept);
    if (sqlite3_get_autocommit(db->handle) == 0) {
        const wk_err err = wk_db_run(db, WK_DB_ROLLBACK, "");
        (void)err; /* what is open after a failure is gone with the connection */
    }
    memcpy(db->why, kept, sizeof kept);
}

static const char *archive_why(void *self)
{
    return ((struct wk_db *)self)->why;
}

static void archive_close(void *self)
{
    struct wk_db *db = self;
    for (int i = 0; i < WK_DB_STATEMENTS; i++) {
        sqlite3_finalize(db->statement[i]);
    }
    sqlite3_close(db->handle);
    free(db);
}

static wk_err one_integer(struct wk_db *db, sqlite3_stmt *query, int64_t *value)
{
    const wk_err err = wk_db_next(db, query);
    if (err == WK_OK) {
        *value = sqlite3_column_int64(query, 0);
    }
    wk_db_end(query);
    return err;
}

static wk_err meter_id(void *self, const char *tenant, const char *serial, int64_t *meter)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_run(self, WK_DB_METER_ADD, "tt", tenant, serial));
    WK_TRY(wk_db_query(self, WK_DB_METER_ID, &query, "tt", tenant, serial));
    return one_integer(self, query, meter);
}

static wk_err mark_get(void *self, int64_t meter, wk_archive_mark mark, int64_t *value)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_MARK_GET, &query, "ii", meter, (int64_t)mark));
    return one_integer(self, query, value);
}

static wk_err mark_put(void *self, int64_t meter, wk_archive_mark mark, int64_t value)
{
    return wk_db_run(self, WK_DB_MARK_PUT, "iii", meter, (int64_t)mark, value);
}

static wk_err reading_put(void *self, const struct wk_archive_reading *row)
{
    return wk_db_run(self, WK_DB_READING_PUT, "iiiiiii", row->meter, row->end_s,
                     (int64_t)row->channel, (int64_t)row->rev, row->reg, (int64_t)row->flags,
                     row->recv_s);
}

static wk_err reading_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                           wk_archive_reading_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_READING_EACH, &query, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        const struct wk_archive_reading row = {
            .meter = meter,
            .channel = sqlite3_column_int(query, 0),
            .end_s = sqlite3_column_int64(query, 1),
            .rev = sqlite3_column_int(query, 2),
            .reg = sqlite3_column_int64(query, 3),
            .flags = (uint16_t)sqlite3_column_int(query, 4),
            .recv_s = sqlite3_column_int64(query, 5),
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err reading_drop(void *self, int64_t meter, int64_t from_s, int64_t to_s)
{
    return wk_db_run(self, WK_DB_READING_DROP, "iii", meter, from_s, to_s);
}

static wk_err block_put(void *self, const struct wk_dayblock *block)
{
    uint8_t values[WK_DAYBLOCK_VALUES];
    uint8_t flags[WK_DAYBLOCK_FLAGS];
    struct wk_bytes_out values_out = wk_bytes_out_of(values, sizeof values);
    struct wk_bytes_out flags_out = wk_bytes_out_of(flags, sizeof flags);
    if (!wk_dayblock_sums(block)) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(wk_dayblock_pack(block, &values_out, &flags_out));
    const uint32_t crc = wk_dayblock_crc(block, wk_bytes_in_of(values, values_out.size),
                                         wk_bytes_in_of(flags, flags_out.size));
    return wk_db_run(self, WK_DB_BLOCK_PUT, "iiiiiiiiibbii", block->meter,
                     (int64_t)block->channel, (int64_t)block->day, (int64_t)block->rev,
                     (int64_t)block->reason, (int64_t)block->period_s, (int64_t)block->n,
                     block->reg_start, block->reg_end, values, values_out.size,
                     flags_out.size == 0 ? NULL : flags, flags_out.size, block->recv_s,
                     (int64_t)crc);
}

static struct wk_bytes_in blob_column(sqlite3_stmt *query, int column)
{
    const void *data = sqlite3_column_blob(query, column);
    return wk_bytes_in_of(data, (size_t)sqlite3_column_bytes(query, column));
}

static wk_err block_of_row(sqlite3_stmt *query, struct wk_dayblock *block)
{
    block->rev = sqlite3_column_int(query, 0);
    block->reason = (wk_dayblock_reason)sqlite3_column_int(query, 1);
    block->period_s = sqlite3_column_int(query, 2);
    block->n = sqlite3_column_int(query, 3);
    block->reg_start = sqlite3_column_int64(query, 4);
    block->reg_end = sqlite3_column_int64(query, 5);
    const struct wk_bytes_in values = blob_column(query, 6);
    const struct wk_bytes_in flags = blob_column(query, 7);
    block->recv_s = sqlite3_column_int64(query, 8);
    if (wk_dayblock_crc(block, values, flags) != (uint32_t)sqlite3_column_int64(query, 9)) {
        return WK_E_CORRUPT;
    }
    WK_TRY(wk_dayblock_unpack(block, values, flags));
    return wk_dayblock_sums(block) ? WK_OK : WK_E_CORRUPT;
}

static wk_err block_get(void *self, int64_t meter, int32_t channel, int32_t day, int32_t rev,
                        struct wk_dayblock *block)
{
    struct wk_db *db = self;
    sqlite3_stmt *query;
    wk_err err;
    if (rev >= 0) {
        err = wk_db_query(db, WK_DB_BLOCK_GET, &query, "iiii", meter, (int64_t)channel,
                          (int64_t)day, (int64_t)rev);
    } else {
        err = wk_db_query(db, rev == WK_ARCHIVE_RAW ? WK_DB_BLOCK_RAW : WK_DB_BLOCK_LATEST,
                          &query, "iii", meter, (int64_t)channel, (int64_t)day);
    }
    WK_TRY(err);
    err = wk_db_next(db, query);
    if (err == WK_OK) {
        block->meter = meter;
        block->channel = channel;
        block->day = day;
        err = block_of_row(query, block);
    }
    if (err == WK_E_CORRUPT) {
        snprintf(db->why, sizeof db->why,
                 "interval_day of meter %lld, channel %d, day %d is damaged", (long long)meter,
                 channel, day);
    }
    wk_db_end(query);
    return err;
}

static wk_err register_put(void *self, const struct wk_archive_register *row)
{
    return wk_db_run(self, WK_DB_REGISTER_PUT, "iiitii", row->meter, row->at_s,
                     (int64_t)row->channel, row->source, row->reg, row->recv_s);
}

static wk_err register_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                            wk_archive_register_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_REGISTER_EACH, &query, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        struct wk_archive_register row = {
            .meter = meter,
            .channel = sqlite3_column_int(query, 0),
            .at_s = sqlite3_column_int64(query, 1),
            .reg = sqlite3_column_int64(query, 2),
            .recv_s = sqlite3_column_int64(query, 3),
        };
        wk_db_text(query, 4, row.source, sizeof row.source);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static int apply_schema(struct wk_db *db, int version)
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

static wk_err set_up(struct wk_db *db, int64_t max_bytes)
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
        snprintf(db->why, sizeof db->why, "it has schema %d, this program knows up to %d",
                 version, SCHEMA_VERSION);
        return WK_E_UNSUPPORTED;
    }
    if (code == SQLITE_OK) {
        code = apply_schema(db, version);
    }
    return wk_db_error(db, code);
}

static void fill(struct wk_archive *archive, struct wk_db *db)
{
    *archive = (struct wk_archive){
        .self = db,
        .begin = archive_begin,
        .commit = archive_commit,
        .rollback = archive_rollback,
        .why = archive_why,
        .close = archive_close,
        .meter_id = meter_id,
        .mark_get = mark_get,
        .mark_put = mark_put,
        .reading_put = reading_put,
        .reading_each = reading_each,
        .reading_drop = reading_drop,
        .block_put = block_put,
        .block_get = block_get,
        .register_put = register_put,
        .register_each = register_each,
    };
    wk_archive_sqlite_fill_rows(archive);
    wk_archive_sqlite_fill_link(archive);
}

wk_err wk_archive_sqlite_open(const char *path, int64_t max_bytes, struct wk_archive *archive,
                              char why[WK_ARCHIVE_SQLITE_WHY])
{
    struct wk_db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        snprintf(why, WK_ARCHIVE_SQLITE_WHY, "%s: no memory", path);
        return WK_E_FULL;
    }
    const int code =
        sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    const wk_err err = code == SQLITE_OK ? set_up(db, max_bytes) : wk_db_error(db, code);
    if (err != WK_OK) {
        snprintf(why, WK_ARCHIVE_SQLITE_WHY, "%.200s: %.250s", path, db->why);
        archive_close(db);
        return err;
    }
    fill(archive, db);
    return WK_OK;
}
