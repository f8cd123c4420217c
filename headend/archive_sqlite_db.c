/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_sqlite_db.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A query that must see rows of all meters gets WK_ARCHIVE_ALL (0) as its first value. */
static const char *const k_sql[WK_DB_STATEMENTS] = {
    [WK_DB_BEGIN] = "BEGIN IMMEDIATE",
    [WK_DB_COMMIT] = "COMMIT",
    [WK_DB_ROLLBACK] = "ROLLBACK",
    [WK_DB_METER_ADD] = "INSERT OR IGNORE INTO meter(tenant, serial) VALUES(?, ?)",
    [WK_DB_METER_ID] = "SELECT id FROM meter WHERE tenant = ? AND serial = ?",
    [WK_DB_MARK_GET] = "SELECT value FROM mark WHERE meter = ? AND mark = ?",
    [WK_DB_MARK_PUT] = "INSERT OR REPLACE INTO mark(meter, mark, value) VALUES(?, ?, ?)",
    [WK_DB_READING_PUT] = "INSERT INTO interval_open(meter, ts, channel, rev, reg, flags, "
                          "recv_ts) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [WK_DB_READING_EACH] = "SELECT channel, ts, rev, reg, flags, recv_ts FROM interval_open "
                           "WHERE meter = ? AND ts > ? AND ts <= ? ORDER BY ts, channel, rev",
    [WK_DB_READING_DROP] = "DELETE FROM interval_open WHERE meter = ? AND ts > ? AND ts <= ?",
    [WK_DB_BLOCK_PUT] =
        "INSERT INTO interval_day(meter, channel, day_utc, rev, reason, period_s, n, "
        "reg_start, reg_end, vals, flags, recv_ts, crc) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [WK_DB_BLOCK_GET] = "SELECT rev, reason, period_s, n, reg_start, reg_end, vals, flags, "
                        "recv_ts, crc FROM interval_day WHERE meter = ? AND channel = ? AND "
                        "day_utc = ? AND rev = ?",
    [WK_DB_BLOCK_LATEST] = "SELECT rev, reason, period_s, n, reg_start, reg_end, vals, flags, "
                           "recv_ts, crc FROM interval_day WHERE meter = ? AND channel = ? "
                           "AND day_utc = ? ORDER BY rev DESC LIMIT 1",
    [WK_DB_BLOCK_RAW] = "SELECT rev, reason, period_s, n, reg_start, reg_end, vals, flags, "
                        "recv_ts, crc FROM interval_day WHERE meter = ? AND channel = ? AND "
                        "day_utc = ? AND reason < 3 ORDER BY rev DESC LIMIT 1",
    [WK_DB_REGISTER_PUT] = "INSERT INTO register_read(meter, ts, channel, source, reg, "
                           "recv_ts) VALUES(?, ?, ?, ?, ?, ?)",
    [WK_DB_REGISTER_EACH] = "SELECT channel, ts, reg, recv_ts, source FROM register_read "
                            "WHERE meter = ? AND ts >= ? AND ts <= ? ORDER BY ts, channel",
    [WK_DB_GAP_PUT] = "INSERT OR REPLACE INTO gap(meter, from_ts, to_ts, tries, given_up, "
                      "next_try_ts) VALUES(?, ?, ?, ?, ?, ?)",
    [WK_DB_GAP_DROP] = "DELETE FROM gap WHERE meter = ? AND from_ts = ?",
    [WK_DB_GAP_EACH] = "SELECT meter, from_ts, to_ts, tries, given_up, next_try_ts FROM gap "
                       "WHERE ?1 = 0 OR meter = ?1 ORDER BY meter, from_ts",
    [WK_DB_EVENT_PUT] = "INSERT INTO event(meter, log, seq, ts, code, recv_ts) "
                        "VALUES(?, ?, ?, ?, ?, ?)",
    [WK_DB_EVENT_EACH] = "SELECT log, seq, ts, code, recv_ts FROM event WHERE meter = ? AND "
                         "ts >= ? AND ts <= ? ORDER BY ts, log, seq",
    [WK_DB_EXCEPTION_PUT] = "INSERT INTO exception(meter, kind, ts, channel, recv_ts, text) "
                            "VALUES(?, ?, ?, ?, ?, ?)",
    [WK_DB_EXCEPTION_EACH] = "SELECT meter, kind, ts, channel, recv_ts, text FROM exception "
                             "WHERE ?1 = 0 OR meter = ?1 ORDER BY ts, meter, kind, channel",
    [WK_DB_COMMAND_PUT] =
        "INSERT INTO command(id, meter, action, state, created_ts, confirm_by_ts, expires_ts, "
        "done_ts, tries, who, result) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
    [WK_DB_COMMAND_UPDATE] = "UPDATE command SET state = ?, done_ts = ?, tries = ?, result = ? "
                             "WHERE id = ? AND state = ?",
    [WK_DB_COMMAND_GET] = "SELECT id, meter, action, state, created_ts, confirm_by_ts, "
                          "expires_ts, done_ts, tries, who, result FROM command WHERE id = ?",
    [WK_DB_COMMAND_EACH] =
        "SELECT id, meter, action, state, created_ts, confirm_by_ts, expires_ts, done_ts, "
        "tries, who, result FROM command WHERE ?1 = 0 OR meter = ?1 ORDER BY created_ts DESC, "
        "rowid DESC",
    [WK_DB_AUDIT_PUT] = "INSERT INTO audit(ts, meter, who, what) VALUES(?, ?, ?, ?)",
    [WK_DB_AUDIT_EACH] = "SELECT seq, ts, meter, who, what FROM audit "
                         "WHERE ?1 = 0 OR meter = ?1 ORDER BY seq",
    [WK_DB_BILL_PUT] = "INSERT INTO bill(meter, from_ts, to_ts, rev, issued_ts, digest, "
                       "document) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [WK_DB_BILL_GET] = "SELECT rev, issued_ts, digest FROM bill WHERE meter = ? AND from_ts = "
                       "? AND to_ts = ? ORDER BY rev DESC LIMIT 1",
    [WK_DB_LINK_GET] = "SELECT applied, obis, checksum, description FROM link WHERE meter = ? "
                       "AND epoch = ? AND stream = ?",
    [WK_DB_LINK_PUT] = "INSERT OR REPLACE INTO link(meter, epoch, stream, applied, obis, "
                       "checksum, description) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [WK_DB_RECORD_PUT] = "INSERT INTO link_record(meter, epoch, stream, seq, recv_ts, count, "
                         "reason, octets) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [WK_DB_RECORD_EACH] = "SELECT seq, recv_ts, count, reason, octets FROM link_record WHERE "
                          "meter = ? AND epoch = ? AND stream = ? AND seq >= ? "
                          "ORDER BY seq LIMIT ?",
    [WK_DB_COUNTS] = "SELECT (SELECT count(*) FROM interval_day WHERE ?1 = 0 OR meter = ?1),"
                     "(SELECT count(*) FROM interval_open WHERE ?1 = 0 OR meter = ?1),"
                     "(SELECT count(*) FROM event WHERE ?1 = 0 OR meter = ?1),"
                     "(SELECT count(*) FROM gap WHERE ?1 = 0 OR meter = ?1),"
                     "(SELECT count(*) FROM exception WHERE ?1 = 0 OR meter = ?1),"
                     "(SELECT count(*) FROM command WHERE ?1 = 0 OR meter = ?1)",
};

wk_err wk_db_error(struct wk_db *db, int code)
{
    snprintf(db->why, sizeof db->why, "%s", sqlite3_errmsg(db->handle));
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

static int bind(sqlite3_stmt *statement, const char *format, va_list values)
{
    int code = SQLITE_OK;
    for (int i = 1; *format != '\0' && code == SQLITE_OK; i++, format++) {
        if (*format == 'i') {
            code = sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        } else if (*format == 't') {
            code = sqlite3_bind_text(statement, i, va_arg(values, const char *), -1,
                                     SQLITE_STATIC);
        } else {
            const void *data = va_arg(values, const void *);
            code =
                sqlite3_bind_blob64(statement, i, data, va_arg(values, size_t), SQLITE_STATIC);
        }
    }
    return code;
}

static wk_err prepare(struct wk_db *db, wk_db_statement which, const char *format,
                      va_list values, sqlite3_stmt **statement)
{
    int code = SQLITE_OK;
    if (db->statement[which] == NULL) {
        code = sqlite3_prepare_v3(db->handle, k_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->statement[which], NULL);
    }
    if (code == SQLITE_OK) {
        code = bind(db->statement[which], format, values);
    }
    *statement = db->statement[which];
    return code == SQLITE_OK ? WK_OK : wk_db_error(db, code);
}

wk_err wk_db_run(struct wk_db *db, wk_db_statement which, const char *format, ...)
{
    sqlite3_stmt *statement;
    va_list values;
    va_start(values, format);
    wk_err err = prepare(db, which, format, values, &statement);
    va_end(values);
    if (err == WK_OK) {
        const int code = sqlite3_step(statement);
        err = code == SQLITE_DONE ? WK_OK : wk_db_error(db, code);
    }
    wk_db_end(statement);
    return err;
}

wk_err wk_db_query(struct wk_db *db, wk_db_statement which, sqlite3_stmt **statement,
                   const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const wk_err err = prepare(db, which, format, values, statement);
    va_end(values);
    if (err != WK_OK) {
        wk_db_end(*statement);
    }
    return err;
}

wk_err wk_db_next(struct wk_db *db, sqlite3_stmt *statement)
{
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return WK_OK;
    }
    return code == SQLITE_DONE ? WK_E_NOT_FOUND : wk_db_error(db, code);
}

void wk_db_end(sqlite3_stmt *statement)
{
    if (statement != NULL) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
}

void wk_db_text(sqlite3_stmt *statement, int column, char *to, size_t room)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    snprintf(to, room, "%s", text != NULL ? (const char *)text : "");
}
