/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite archive: streams of the link and their records. */
#include <string.h>

#include "headend/archive_sqlite_db.h"

static wk_err link_get(void *self, struct wk_archive_link *row)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_LINK_GET, &query, "iii", row->meter, row->epoch,
                       (int64_t)row->stream));
    wk_err err = wk_db_next(self, query);
    if (err == WK_OK) {
        const int size = sqlite3_column_bytes(query, 3);
        row->applied = sqlite3_column_int64(query, 0);
        wk_db_text(query, 1, row->obis, sizeof row->obis);
        row->check = (uint32_t)sqlite3_column_int64(query, 2);
        row->size = (size_t)size <= sizeof row->description ? (size_t)size : 0;
        if (row->size > 0) {
            memcpy(row->description, sqlite3_column_blob(query, 3), row->size);
        }
    }
    wk_db_end(query);
    return err;
}

static wk_err link_put(void *self, const struct wk_archive_link *row)
{
    return wk_db_run(self, WK_DB_LINK_PUT, "iiiitib", row->meter, row->epoch,
                     (int64_t)row->stream, row->applied, row->obis, (int64_t)row->check,
                     row->description, row->size);
}

static wk_err record_put(void *self, const struct wk_archive_record *row)
{
    return wk_db_run(self, WK_DB_RECORD_PUT, "iiiiiiib", row->meter, row->epoch,
                     (int64_t)row->stream, row->seq, row->recv_s, row->count,
                     (int64_t)row->reason,
                     row->octets != NULL ? row->octets : (const uint8_t *)"", row->size);
}

static wk_err record_each(void *self, const struct wk_archive_record *key, int64_t most,
                          wk_archive_record_visit visit, void *context)
{
    sqlite3_stmt *query;
    WK_TRY(wk_db_query(self, WK_DB_RECORD_EACH, &query, "iiiii", key->meter, key->epoch,
                       (int64_t)key->stream, key->seq, most));
    wk_err err;
    while ((err = wk_db_next(self, query)) == WK_OK) {
        const struct wk_archive_record row = {
            .meter = key->meter,
            .epoch = key->epoch,
            .stream = key->stream,
            .seq = sqlite3_column_int64(query, 0),
            .recv_s = sqlite3_column_int64(query, 1),
            .count = sqlite3_column_int64(query, 2),
            .reason = sqlite3_column_int(query, 3),
            .octets = sqlite3_column_blob(query, 4),
            .size = (size_t)sqlite3_column_bytes(query, 4),
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_db_end(query);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

void wk_archive_sqlite_fill_link(struct wk_archive *archive)
{
    archive->link_get = link_get;
    archive->link_put = link_put;
    archive->record_put = record_put;
    archive->record_each = record_each;
}
