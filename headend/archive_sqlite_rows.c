/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "headend/archive_sqlite_db.h"

static wk_err gap_put(void *self, const struct wk_archive_gap *row)
{
    return wk_db_run(self, WK_DB_GAP_PUT, "iiiiii", row->meter, row->from_s, row->to_s,
                     (int64_t)row->tries, (int64_t)row->given_up, row->next_try_s);
}

static wk_err gap_drop(void *self, int64_t meter, int64_t from_s)
{
    return wk_db_run(self, WK_DB_GAP_DROP, "ii", meter, from_s);
}

static wk_err gap_each(void *self, int64_t meter, wk_archive_gap_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_GAP_EACH, &query, "i", meter));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        const struct wk_archive_gap row = {
            .meter = sqlite3_column_int64(query, 0),
            .from_s = sqlite3_column_int64(query, 1),
            .to_s = sqlite3_column_int64(query, 2),
            .tries = sqlite3_column_int(query, 3),
            .given_up = sqlite3_column_int(query, 4) != 0,
            .next_try_s = sqlite3_column_int64(query, 5),
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err event_put(void *self, const struct wk_archive_event *row)
{
    return wk_db_run(self, WK_DB_EVENT_PUT, "itiiii", row->meter, row->log, row->seq, row->at_s,
                     (int64_t)row->code, row->recv_s);
}

static wk_err event_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                         wk_archive_event_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_EVENT_EACH, &query, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        struct wk_archive_event row = {
            .meter = meter,
            .seq = sqlite3_column_int64(query, 1),
            .at_s = sqlite3_column_int64(query, 2),
            .code = sqlite3_column_int(query, 3),
            .recv_s = sqlite3_column_int64(query, 4),
        };
        wk_db_text(query, 0, row.log, sizeof row.log);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err exception_put(void *self, const struct wk_archive_exception *row)
{
    return wk_db_run(self, WK_DB_EXCEPTION_PUT, "itiiit", row->meter, row->kind, row->at_s,
                     (int64_t)row->channel, row->recv_s, row->text);
}

static wk_err exception_each(void *self, int64_t meter, wk_archive_exception_visit visit,
                             void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_EXCEPTION_EACH, &query, "i", meter));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        struct wk_archive_exception row = {
            .meter = sqlite3_column_int64(query, 0),
            .at_s = sqlite3_column_int64(query, 2),
            .channel = sqlite3_column_int(query, 3),
            .recv_s = sqlite3_column_int64(query, 4),
        };
        wk_db_text(query, 1, row.kind, sizeof row.kind);
        wk_db_text(query, 5, row.text, sizeof row.text);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err command_put(void *self, const struct wk_archive_command *row)
{
    return wk_db_run(self, WK_DB_COMMAND_PUT, "tiiiiiiiitt", row->id, row->meter,
                     (int64_t)row->action, (int64_t)row->state, row->created_s,
                     row->confirm_by_s, row->expires_s, row->done_s, (int64_t)row->tries,
                     row->who, row->result);
}

static wk_err command_update(void *self, const struct wk_archive_command *row, int32_t was)
{
    struct wk_db *db = self;
    WK_TRY(wk_db_run(db, WK_DB_COMMAND_UPDATE, "iiitti", (int64_t)row->state, row->done_s,
                     (int64_t)row->tries, row->result, row->id, (int64_t)was));
    return sqlite3_changes(db->handle) == 1 ? WK_OK : WK_E_STATE;
}

static void command_of_row(sqlite3_stmt *query, struct wk_archive_command *row)
{
    wk_db_text(query, 0, row->id, sizeof row->id);
    row->meter = sqlite3_column_int64(query, 1);
    row->action = sqlite3_column_int(query, 2);
    row->state = sqlite3_column_int(query, 3);
    row->created_s = sqlite3_column_int64(query, 4);
    row->confirm_by_s = sqlite3_column_int64(query, 5);
    row->expires_s = sqlite3_column_int64(query, 6);
    row->done_s = sqlite3_column_int64(query, 7);
    row->tries = sqlite3_column_int(query, 8);
    wk_db_text(query, 9, row->who, sizeof row->who);
    wk_db_text(query, 10, row->result, sizeof row->result);
}

static wk_err command_get(void *self, const char *id, struct wk_archive_command *row)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_COMMAND_GET, &query, "t", id));
    const wk_err err = wk_db_next(self, query);
    if (err == WK_OK) {
        command_of_row(query, row);
    }
    wk_db_end(query);
    return err;
}

static wk_err command_each(void *self, int64_t meter, wk_archive_command_visit visit,
                           void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_COMMAND_EACH, &query, "i", meter));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        struct wk_archive_command row;
        command_of_row(query, &row);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err audit_put(void *self, const struct wk_archive_audit *row)
{
    return wk_db_run(self, WK_DB_AUDIT_PUT, "iitt", row->at_s, row->meter, row->who, row->what);
}

static wk_err audit_each(void *self, int64_t meter, wk_archive_audit_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_AUDIT_EACH, &query, "i", meter));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        struct wk_archive_audit row = {
            .seq = sqlite3_column_int64(query, 0),
            .at_s = sqlite3_column_int64(query, 1),
            .meter = sqlite3_column_int64(query, 2),
        };
        wk_db_text(query, 3, row.who, sizeof row.who);
        wk_db_text(query, 4, row.what, sizeof row.what);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err bill_put(void *self, const struct wk_archive_bill *row, const char *document)
{
    return wk_db_run(self, WK_DB_BILL_PUT, "iiiiitt", row->meter, row->from_s, row->to_s,
                     (int64_t)row->rev, row->issued_s, row->digest, document);
}

static wk_err bill_get(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                       struct wk_archive_bill *row)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_BILL_GET, &query, "iii", meter, from_s, to_s));
    const wk_err err = wk_db_next(self, query);
    if (err == WK_OK) {
        *row = (struct wk_archive_bill){.meter = meter, .from_s = from_s, .to_s = to_s};
        row->rev = sqlite3_column_int(query, 0);
        row->issued_s = sqlite3_column_int64(query, 1);
        wk_db_text(query, 2, row->digest, sizeof row->digest);
    }
    wk_db_end(query);
    return err;
}

static wk_err counts(void *self, int64_t meter, struct wk_archive_counts *out)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_COUNTS, &query, "i", meter));
    const wk_err err = wk_db_next(self, query);
    if (err == WK_OK) {
        *out = (struct wk_archive_counts){
            .blocks = sqlite3_column_int64(query, 0),
            .open_readings = sqlite3_column_int64(query, 1),
            .events = sqlite3_column_int64(query, 2),
            .gaps = sqlite3_column_int64(query, 3),
            .exceptions = sqlite3_column_int64(query, 4),
            .commands = sqlite3_column_int64(query, 5),
        };
    }
    wk_db_end(query);
    return err;
}

void wk_archive_sqlite_fill_rows(struct wk_archive *archive)
{
    archive->gap_put = gap_put;
    archive->gap_drop = gap_drop;
    archive->gap_each = gap_each;
    archive->event_put = event_put;
    archive->event_each = event_each;
    archive->exception_put = exception_put;
    archive->exception_each = exception_each;
    archive->command_put = command_put;
    archive->command_update = command_update;
    archive->command_get = command_get;
    archive->command_each = command_each;
    archive->audit_put = audit_put;
    archive->audit_each = audit_each;
    archive->bill_put = bill_put;
    archive->bill_get = bill_get;
    archive->counts = counts;
}
