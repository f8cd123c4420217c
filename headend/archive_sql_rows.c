/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_sql.h"

static wk_err gap_put(void *self, const struct wk_archive_gap *row)
{
    return wk_sql_run(self, WK_SQL_GAP_PUT, "iiiiii", row->meter, row->from_s, row->to_s,
                      (int64_t)row->tries, (int64_t)row->given_up, row->next_try_s);
}

static wk_err gap_drop(void *self, int64_t meter, int64_t from_s)
{
    return wk_sql_run(self, WK_SQL_GAP_DROP, "ii", meter, from_s);
}

static wk_err gap_each(void *self, int64_t meter, wk_archive_gap_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_GAP_EACH, "i", meter));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        const struct wk_archive_gap row = {
            .meter = wk_sql_integer(self, 0),
            .from_s = wk_sql_integer(self, 1),
            .to_s = wk_sql_integer(self, 2),
            .tries = (int32_t)wk_sql_integer(self, 3),
            .given_up = (int32_t)wk_sql_integer(self, 4) != 0,
            .next_try_s = wk_sql_integer(self, 5),
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err event_put(void *self, const struct wk_archive_event *row)
{
    return wk_sql_put(self, WK_SQL_EVENT_PUT, "itiiii", row->meter, row->log, row->seq,
                      row->at_s, (int64_t)row->code, row->recv_s);
}

static wk_err event_each(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                         wk_archive_event_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_EVENT_EACH, "iii", meter, from_s, to_s));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        struct wk_archive_event row = {
            .meter = meter,
            .seq = wk_sql_integer(self, 1),
            .at_s = wk_sql_integer(self, 2),
            .code = (int32_t)wk_sql_integer(self, 3),
            .recv_s = wk_sql_integer(self, 4),
        };
        wk_sql_copy_text(self, 0, row.log, sizeof row.log);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err exception_put(void *self, const struct wk_archive_exception *row)
{
    return wk_sql_put(self, WK_SQL_EXCEPTION_PUT, "itiiit", row->meter, row->kind, row->at_s,
                      (int64_t)row->channel, row->recv_s, row->text);
}

static wk_err exception_each(void *self, int64_t meter, wk_archive_exception_visit visit,
                             void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_EXCEPTION_EACH, "i", meter));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        struct wk_archive_exception row = {
            .meter = wk_sql_integer(self, 0),
            .at_s = wk_sql_integer(self, 2),
            .channel = (int32_t)wk_sql_integer(self, 3),
            .recv_s = wk_sql_integer(self, 4),
        };
        wk_sql_copy_text(self, 1, row.kind, sizeof row.kind);
        wk_sql_copy_text(self, 5, row.text, sizeof row.text);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err command_put(void *self, const struct wk_archive_command *row)
{
    return wk_sql_put(self, WK_SQL_COMMAND_PUT, "tiiiiiiiitt", row->id, row->meter,
                      (int64_t)row->action, (int64_t)row->state, row->created_s,
                      row->confirm_by_s, row->expires_s, row->done_s, (int64_t)row->tries,
                      row->who, row->result);
}

static wk_err command_update(void *self, const struct wk_archive_command *row, int32_t was)
{
    return wk_sql_put(self, WK_SQL_COMMAND_UPDATE, "iiitti", (int64_t)row->state, row->done_s,
                      (int64_t)row->tries, row->result, row->id, (int64_t)was);
}

static void command_of_row(struct wk_sql *sql, struct wk_archive_command *row)
{
    wk_sql_copy_text(sql, 0, row->id, sizeof row->id);
    row->meter = wk_sql_integer(sql, 1);
    row->action = (int32_t)wk_sql_integer(sql, 2);
    row->state = (int32_t)wk_sql_integer(sql, 3);
    row->created_s = wk_sql_integer(sql, 4);
    row->confirm_by_s = wk_sql_integer(sql, 5);
    row->expires_s = wk_sql_integer(sql, 6);
    row->done_s = wk_sql_integer(sql, 7);
    row->tries = (int32_t)wk_sql_integer(sql, 8);
    wk_sql_copy_text(sql, 9, row->who, sizeof row->who);
    wk_sql_copy_text(sql, 10, row->result, sizeof row->result);
}

static wk_err command_get(void *self, const char *id, struct wk_archive_command *row)
{
    WK_TRY(wk_sql_query(self, WK_SQL_COMMAND_GET, "t", id));
    const wk_err err = wk_sql_next(self);
    if (err == WK_OK) {
        command_of_row(self, row);
    }
    wk_sql_end(self);
    return err;
}

static wk_err command_each(void *self, int64_t meter, wk_archive_command_visit visit,
                           void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_COMMAND_EACH, "i", meter));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        struct wk_archive_command row;
        command_of_row(self, &row);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err audit_put(void *self, const struct wk_archive_audit *row)
{
    return wk_sql_run(self, WK_SQL_AUDIT_PUT, "iitt", row->at_s, row->meter, row->who,
                      row->what);
}

static wk_err audit_each(void *self, int64_t meter, wk_archive_audit_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_AUDIT_EACH, "i", meter));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        struct wk_archive_audit row = {
            .seq = wk_sql_integer(self, 0),
            .at_s = wk_sql_integer(self, 1),
            .meter = wk_sql_integer(self, 2),
        };
        wk_sql_copy_text(self, 3, row.who, sizeof row.who);
        wk_sql_copy_text(self, 4, row.what, sizeof row.what);
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

static wk_err bill_put(void *self, const struct wk_archive_bill *row, const char *document)
{
    return wk_sql_put(self, WK_SQL_BILL_PUT, "iiiiitt", row->meter, row->from_s, row->to_s,
                      (int64_t)row->rev, row->issued_s, row->digest, document);
}

static wk_err bill_get(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                       struct wk_archive_bill *row)
{
    WK_TRY(wk_sql_query(self, WK_SQL_BILL_GET, "iii", meter, from_s, to_s));
    const wk_err err = wk_sql_next(self);
    if (err == WK_OK) {
        *row = (struct wk_archive_bill){.meter = meter, .from_s = from_s, .to_s = to_s};
        row->rev = (int32_t)wk_sql_integer(self, 0);
        row->issued_s = wk_sql_integer(self, 1);
        wk_sql_copy_text(self, 2, row->digest, sizeof row->digest);
    }
    wk_sql_end(self);
    return err;
}

static wk_err counts(void *self, int64_t meter, struct wk_archive_counts *out)
{
    WK_TRY(wk_sql_query(self, WK_SQL_COUNTS, "i", meter));
    const wk_err err = wk_sql_next(self);
    if (err == WK_OK) {
        *out = (struct wk_archive_counts){
            .blocks = wk_sql_integer(self, 0),
            .open_readings = wk_sql_integer(self, 1),
            .events = wk_sql_integer(self, 2),
            .gaps = wk_sql_integer(self, 3),
            .exceptions = wk_sql_integer(self, 4),
            .commands = wk_sql_integer(self, 5),
        };
    }
    wk_sql_end(self);
    return err;
}

void wk_sql_fill_rows(struct wk_archive *archive)
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
