/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- statements -------------------------------------------------------------------------- */

#define BLOCK_COLUMNS "rev, reason, period_s, n, reg_start, reg_end, vals, flags, recv_ts, crc"
#define COMMAND_COLUMNS                                                                        \
    "id, meter, action, state, created_ts, confirm_by_ts, expires_ts, done_ts, tries, who, "   \
    "result"
#define OF_BLOCK "WHERE meter = $1 AND channel = $2 AND day_utc = $3 "
/* A query that must see rows of all meters gets WK_ARCHIVE_ALL (0) as its first value. */
#define OF_METER   "WHERE $1 = 0 OR meter = $1 "
#define KEY_EXISTS "ON CONFLICT DO NOTHING"

static const char *const k_sql[WK_SQL_STATEMENTS] = {
    [WK_SQL_METER_ADD] = "INSERT INTO meter(tenant, serial) VALUES($1, $2) " KEY_EXISTS,
    [WK_SQL_METER_ID] = "SELECT id FROM meter WHERE tenant = $1 AND serial = $2",
    [WK_SQL_MARK_GET] = "SELECT value FROM mark WHERE meter = $1 AND mark = $2",
    [WK_SQL_MARK_PUT] = "INSERT INTO mark(meter, mark, value) VALUES($1, $2, $3) "
                        "ON CONFLICT(meter, mark) DO UPDATE SET value = excluded.value",
    [WK_SQL_READING_PUT] = "INSERT INTO interval_open(meter, ts, channel, rev, reg, flags, "
                           "recv_ts) VALUES($1, $2, $3, $4, $5, $6, $7) " KEY_EXISTS,
    [WK_SQL_READING_EACH] = "SELECT channel, ts, rev, reg, flags, recv_ts FROM interval_open "
                            "WHERE meter = $1 AND ts > $2 AND ts <= $3 "
                            "ORDER BY ts, channel, rev",
    [WK_SQL_READING_DROP] =
        "DELETE FROM interval_open WHERE meter = $1 AND ts > $2 AND ts <= $3",
    [WK_SQL_BLOCK_PUT] =
        "INSERT INTO interval_day(meter, channel, day_utc, rev, reason, period_s, n, "
        "reg_start, reg_end, vals, flags, recv_ts, crc) "
        "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) " KEY_EXISTS,
    [WK_SQL_BLOCK_GET] = "SELECT " BLOCK_COLUMNS " FROM interval_day " OF_BLOCK "AND rev = $4",
    [WK_SQL_BLOCK_LATEST] =
        "SELECT " BLOCK_COLUMNS " FROM interval_day " OF_BLOCK "ORDER BY rev DESC LIMIT 1",
    [WK_SQL_BLOCK_RAW] = "SELECT " BLOCK_COLUMNS " FROM interval_day " OF_BLOCK
                         "AND reason < 3 ORDER BY rev DESC LIMIT 1",
    [WK_SQL_REGISTER_PUT] = "INSERT INTO register_read(meter, ts, channel, source, reg, "
                            "recv_ts) VALUES($1, $2, $3, $4, $5, $6) " KEY_EXISTS,
    [WK_SQL_REGISTER_EACH] =
        "SELECT channel, ts, reg, recv_ts, source FROM register_read "
        "WHERE meter = $1 AND ts >= $2 AND ts <= $3 ORDER BY ts, channel, source",
    [WK_SQL_GAP_PUT] =
        "INSERT INTO gap(meter, from_ts, to_ts, tries, given_up, next_try_ts) "
        "VALUES($1, $2, $3, $4, $5, $6) ON CONFLICT(meter, from_ts) DO UPDATE SET "
        "to_ts = excluded.to_ts, tries = excluded.tries, given_up = excluded.given_up, "
        "next_try_ts = excluded.next_try_ts",
    [WK_SQL_GAP_DROP] = "DELETE FROM gap WHERE meter = $1 AND from_ts = $2",
    [WK_SQL_GAP_EACH] = "SELECT meter, from_ts, to_ts, tries, given_up, next_try_ts "
                        "FROM gap " OF_METER "ORDER BY meter, from_ts",
    [WK_SQL_EVENT_PUT] = "INSERT INTO event(meter, log, seq, ts, code, recv_ts) "
                         "VALUES($1, $2, $3, $4, $5, $6) " KEY_EXISTS,
    [WK_SQL_EVENT_EACH] = "SELECT log, seq, ts, code, recv_ts FROM event WHERE meter = $1 AND "
                          "ts >= $2 AND ts <= $3 ORDER BY ts, log, seq",
    [WK_SQL_EXCEPTION_PUT] = "INSERT INTO exception(meter, kind, ts, channel, recv_ts, text) "
                             "VALUES($1, $2, $3, $4, $5, $6) " KEY_EXISTS,
    [WK_SQL_EXCEPTION_EACH] = "SELECT meter, kind, ts, channel, recv_ts, text "
                              "FROM exception " OF_METER "ORDER BY ts, meter, kind, channel",
    [WK_SQL_COMMAND_PUT] = "INSERT INTO command(" COMMAND_COLUMNS ") "
                           "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) " KEY_EXISTS,
    [WK_SQL_COMMAND_UPDATE] = "UPDATE command SET state = $1, done_ts = $2, tries = $3, "
                              "result = $4 WHERE id = $5 AND state = $6",
    [WK_SQL_COMMAND_GET] = "SELECT " COMMAND_COLUMNS " FROM command WHERE id = $1",
    [WK_SQL_COMMAND_EACH] = "SELECT " COMMAND_COLUMNS " FROM command " OF_METER
                            "ORDER BY created_ts DESC, rowid DESC",
    [WK_SQL_AUDIT_PUT] = "INSERT INTO audit(ts, meter, who, what) VALUES($1, $2, $3, $4)",
    [WK_SQL_AUDIT_EACH] =
        "SELECT seq, ts, meter, who, what FROM audit " OF_METER "ORDER BY seq",
    [WK_SQL_BILL_PUT] = "INSERT INTO bill(meter, from_ts, to_ts, rev, issued_ts, digest, "
                        "document) VALUES($1, $2, $3, $4, $5, $6, $7) " KEY_EXISTS,
    [WK_SQL_BILL_GET] = "SELECT rev, issued_ts, digest FROM bill WHERE meter = $1 AND "
                        "from_ts = $2 AND to_ts = $3 ORDER BY rev DESC LIMIT 1",
    [WK_SQL_LINK_GET] = "SELECT applied, obis, checksum, description FROM link "
                        "WHERE meter = $1 AND epoch = $2 AND stream = $3",
    [WK_SQL_LINK_PUT] =
        "INSERT INTO link(meter, epoch, stream, applied, obis, checksum, description) "
        "VALUES($1, $2, $3, $4, $5, $6, $7) ON CONFLICT(meter, epoch, stream) DO UPDATE SET "
        "applied = excluded.applied, obis = excluded.obis, checksum = excluded.checksum, "
        "description = excluded.description",
    [WK_SQL_RECORD_PUT] = "INSERT INTO link_record(meter, epoch, stream, seq, recv_ts, count, "
                          "reason, octets) VALUES($1, $2, $3, $4, $5, $6, $7, $8) " KEY_EXISTS,
    [WK_SQL_RECORD_EACH] = "SELECT seq, recv_ts, count, reason, octets FROM link_record "
                           "WHERE meter = $1 AND epoch = $2 AND stream = $3 AND seq >= $4 "
                           "ORDER BY seq LIMIT $5",
    [WK_SQL_COUNTS] = "SELECT (SELECT count(*) FROM interval_day " OF_METER "),"
                      "(SELECT count(*) FROM interval_open " OF_METER "),"
                      "(SELECT count(*) FROM event " OF_METER "),"
                      "(SELECT count(*) FROM gap " OF_METER "),"
                      "(SELECT count(*) FROM exception " OF_METER "),"
                      "(SELECT count(*) FROM command " OF_METER ")",
};

const char *wk_sql_text(wk_sql_statement which)
{
    return k_sql[which];
}

/* ---- running them ------------------------------------------------------------------------ */

static void gather(struct wk_sql_values *values, const char *format, va_list from)
{
    values->count = 0;
    for (; *format != '\0' && values->count < WK_SQL_VALUES; format++) {
        struct wk_sql_value *to = &values->value[values->count++];
        *to = (struct wk_sql_value){.kind = WK_SQL_INTEGER};
        if (*format == 'i') {
            to->integer = va_arg(from, int64_t);
        } else if (*format == 't') {
            to->kind = WK_SQL_TEXT;
            to->octets = va_arg(from, const char *);
            to->size = strlen(to->octets);
        } else {
            to->kind = WK_SQL_OCTETS;
            to->octets = va_arg(from, const void *);
            to->size = va_arg(from, size_t);
        }
    }
}

wk_err wk_sql_put(struct wk_sql *sql, wk_sql_statement which, const char *format, ...)
{
    struct wk_sql_values values;
    int64_t changed = 0;
    va_list from;
    va_start(from, format);
    gather(&values, format, from);
    va_end(from);
    WK_TRY(sql->driver->run(sql, which, &values, &changed));
    if (changed == 0) {
        snprintf(sql->why, sizeof sql->why, "the key exists, or the row is another by now");
        return WK_E_STATE;
    }
    return WK_OK;
}

wk_err wk_sql_run(struct wk_sql *sql, wk_sql_statement which, const char *format, ...)
{
    struct wk_sql_values values;
    va_list from;
    va_start(from, format);
    gather(&values, format, from);
    va_end(from);
    return sql->driver->run(sql, which, &values, NULL);
}

wk_err wk_sql_query(struct wk_sql *sql, wk_sql_statement which, const char *format, ...)
{
    struct wk_sql_values values;
    va_list from;
    va_start(from, format);
    gather(&values, format, from);
    va_end(from);
    return sql->driver->query(sql, which, &values);
}

wk_err wk_sql_next(struct wk_sql *sql)
{
    return sql->driver->next(sql);
}

void wk_sql_end(struct wk_sql *sql)
{
    sql->driver->end(sql);
}

int64_t wk_sql_integer(struct wk_sql *sql, int column)
{
    return sql->driver->integer(sql, column);
}

struct wk_bytes_in wk_sql_octets(struct wk_sql *sql, int column)
{
    return sql->driver->octets(sql, column);
}

void wk_sql_copy_text(struct wk_sql *sql, int column, char *to, size_t room)
{
    const struct wk_bytes_in text = wk_sql_octets(sql, column);
    const size_t size = text.size < room ? text.size : room - 1;
    if (size > 0) {
        memcpy(to, text.data, size);
    }
    to[size] = '\0';
}

/* ---- transactions ------------------------------------------------------------------------ */

static wk_err archive_begin(void *self)
{
    struct wk_sql *sql = self;
    return sql->driver->begin(sql);
}

static wk_err archive_commit(void *self)
{
    struct wk_sql *sql = self;
    return sql->driver->commit(sql);
}

static void archive_rollback(void *self)
{
    struct wk_sql *sql = self;
    char kept[WK_ARCHIVE_WHY]; /* the reason for the rollback is what matters */
    memcpy(kept, sql->why, sizeof kept);
    sql->driver->rollback(sql);
    memcpy(sql->why, kept, sizeof kept);
}

static const char *archive_why(void *self)
{
    return ((struct wk_sql *)self)->why;
}

static void archive_close(void *self)
{
    struct wk_sql *sql = self;
    sql->driver->close(sql);
}

/* ---- meters, readings, blocks ------------------------------------------------------------ */

/* The number in the only column of the only row. */
static wk_err one_integer(struct wk_sql *sql, int64_t *value)
{
    const wk_err err = wk_sql_next(sql);
    if (err == WK_OK) {
        *value = wk_sql_integer(sql, 0);
    }
    wk_sql_end(sql);
    return err;
}

static wk_err find_meter(struct wk_sql *sql, const char *tenant, const char *serial,
                         int64_t *meter)
{
    WK_TRY(wk_sql_query(sql, WK_SQL_METER_ID, "tt", tenant, serial));
    return one_integer(sql, meter);
}

static wk_err meter_id(void *self, const char *tenant, const char *serial, int64_t *meter)
{
    wk_err err = find_meter(self, tenant, serial, meter);
    if (err == WK_E_NOT_FOUND) {
        err = wk_sql_put(self, WK_SQL_METER_ADD, "tt", tenant, serial);
        WK_TRY(err == WK_E_STATE ? WK_OK : err); /* somebody was faster */
        err = find_meter(self, tenant, serial, meter);
    }
    return err;
}

static wk_err mark_get(void *self, int64_t meter, wk_archive_mark mark, int64_t *value)
{
    WK_TRY(wk_sql_query(self, WK_SQL_MARK_GET, "ii", meter, (int64_t)mark));
    return one_integer(self, value);
}

static wk_err mark_put(void *self, int64_t meter, wk_archive_mark mark, int64_t value)
{
    return wk_sql_run(self, WK_SQL_MARK_PUT, "iii", meter, (int64_t)mark, value);
}

static wk_err reading_put(void *self, const struct wk_archive_reading *row)
{
    return wk_sql_put(self, WK_SQL_READING_PUT, "iiiiiii", row->meter, row->end_s,
                      (int64_t)row->channel, (int64_t)row->rev, row->reg, (int64_t)row->flags,
                      row->recv_s);
}

static wk_err reading_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                           wk_archive_reading_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_READING_EACH, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        const struct wk_archive_reading row = {
            .meter = meter,
            .channel = (int32_t)wk_sql_integer(self, 0),
            .end_s = wk_sql_integer(self, 1),
            .rev = (int32_t)wk_sql_integer(self, 2),
            .reg = wk_sql_integer(self, 3),
            .flags = (uint16_t)(int32_t)wk_sql_integer(self, 4),
            .recv_s = wk_sql_integer(self, 5),
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err reading_drop(void *self, int64_t meter, int64_t from_s, int64_t to_s)
{
    return wk_sql_run(self, WK_SQL_READING_DROP, "iii", meter, from_s, to_s);
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
    return wk_sql_put(self, WK_SQL_BLOCK_PUT, "iiiiiiiiibbii", block->meter,
                      (int64_t)block->channel, (int64_t)block->day, (int64_t)block->rev,
                      (int64_t)block->reason, (int64_t)block->period_s, (int64_t)block->n,
                      block->reg_start, block->reg_end, values, values_out.size,
                      flags_out.size == 0 ? NULL : flags, flags_out.size, block->recv_s,
                      (int64_t)crc);
}

static wk_err block_of_row(struct wk_sql *sql, struct wk_dayblock *block)
{
    block->rev = (int32_t)wk_sql_integer(sql, 0);
    block->reason = (wk_dayblock_reason)wk_sql_integer(sql, 1);
    block->period_s = (int32_t)wk_sql_integer(sql, 2);
    block->n = (int32_t)wk_sql_integer(sql, 3);
    block->reg_start = wk_sql_integer(sql, 4);
    block->reg_end = wk_sql_integer(sql, 5);
    const struct wk_bytes_in values = wk_sql_octets(sql, 6);
    const struct wk_bytes_in flags = wk_sql_octets(sql, 7);
    block->recv_s = wk_sql_integer(sql, 8);
    if (wk_dayblock_crc(block, values, flags) != (uint32_t)wk_sql_integer(sql, 9)) {
        return WK_E_CORRUPT;
    }
    WK_TRY(wk_dayblock_unpack(block, values, flags));
    return wk_dayblock_sums(block) ? WK_OK : WK_E_CORRUPT;
}

static wk_err block_get(void *self, int64_t meter, int32_t channel, int32_t day, int32_t rev,
                        struct wk_dayblock *block)
{
    struct wk_sql *sql = self;
    wk_err err;
    if (rev >= 0) {
        err = wk_sql_query(sql, WK_SQL_BLOCK_GET, "iiii", meter, (int64_t)channel, (int64_t)day,
                           (int64_t)rev);
    } else {
        err = wk_sql_query(sql, rev == WK_ARCHIVE_RAW ? WK_SQL_BLOCK_RAW : WK_SQL_BLOCK_LATEST,
                           "iii", meter, (int64_t)channel, (int64_t)day);
    }
    WK_TRY(err);
    err = wk_sql_next(sql);
    if (err == WK_OK) {
        block->meter = meter;
        block->channel = channel;
        block->day = day;
        err = block_of_row(sql, block);
    }
    if (err == WK_E_CORRUPT) {
        snprintf(sql->why, sizeof sql->why,
                 "interval_day of meter %lld, channel %d, day %d is damaged", (long long)meter,
                 channel, day);
    }
    wk_sql_end(sql);
    return err;
}

static wk_err register_put(void *self, const struct wk_archive_register *row)
{
    return wk_sql_put(self, WK_SQL_REGISTER_PUT, "iiitii", row->meter, row->at_s,
                      (int64_t)row->channel, row->source, row->reg, row->recv_s);
}

static wk_err register_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                            wk_archive_register_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_REGISTER_EACH, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        struct wk_archive_register row = {
            .meter = meter,
            .channel = (int32_t)wk_sql_integer(self, 0),
            .at_s = wk_sql_integer(self, 1),
            .reg = wk_sql_integer(self, 2),
            .recv_s = wk_sql_integer(self, 3),
        };
        wk_sql_copy_text(self, 4, row.source, sizeof row.source);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

void wk_sql_fill(struct wk_archive *archive, struct wk_sql *sql)
{
    *archive = (struct wk_archive){
        .self = sql,
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
    wk_sql_fill_rows(archive);
    wk_sql_fill_link(archive);
}
