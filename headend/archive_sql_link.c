/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of the link and their records. */
#include <string.h>

#include "headend/archive_sql.h"

static wk_err link_get(void *self, struct wk_archive_link *row)
{
    WK_TRY(wk_sql_query(self, WK_SQL_LINK_GET, "iii", row->meter, row->epoch,
                        (int64_t)row->stream));
    wk_err err = wk_sql_next(self);
    if (err == WK_OK) {
        const struct wk_bytes_in description = wk_sql_octets(self, 3);
        row->applied = wk_sql_integer(self, 0);
        wk_sql_copy_text(self, 1, row->obis, sizeof row->obis);
        row->check = (uint32_t)wk_sql_integer(self, 2);
        row->size = description.size <= sizeof row->description ? description.size : 0;
        if (row->size > 0) {
            memcpy(row->description, description.data, row->size);
        }
    }
    wk_sql_end(self);
    return err;
}

static wk_err link_put(void *self, const struct wk_archive_link *row)
{
    return wk_sql_run(self, WK_SQL_LINK_PUT, "iiiitib", row->meter, row->epoch,
                      (int64_t)row->stream, row->applied, row->obis, (int64_t)row->check,
                      row->description, row->size);
}

static wk_err record_put(void *self, const struct wk_archive_record *row)
{
    return wk_sql_run(self, WK_SQL_RECORD_PUT, "iiiiiiib", row->meter, row->epoch,
                      (int64_t)row->stream, row->seq, row->recv_s, row->count,
                      (int64_t)row->reason,
                      row->octets != NULL ? row->octets : (const uint8_t *)"", row->size);
}

static wk_err record_each(void *self, const struct wk_archive_record *key, int64_t most,
                          wk_archive_record_visit visit, void *context)
{
    WK_TRY(wk_sql_query(self, WK_SQL_RECORD_EACH, "iiiii", key->meter, key->epoch,
                        (int64_t)key->stream, key->seq, most));
    wk_err err;
    while ((err = wk_sql_next(self)) == WK_OK) {
        const struct wk_bytes_in octets = wk_sql_octets(self, 4);
        const struct wk_archive_record row = {
            .meter = key->meter,
            .epoch = key->epoch,
            .stream = key->stream,
            .seq = wk_sql_integer(self, 0),
            .recv_s = wk_sql_integer(self, 1),
            .count = wk_sql_integer(self, 2),
            .reason = (int32_t)wk_sql_integer(self, 3),
            .octets = octets.data,
            .size = octets.size,
        };
        err = visit(context, &row);
        if (err != WK_OK) {
            break;
        }
    }
    wk_sql_end(self);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

void wk_sql_fill_link(struct wk_archive *archive)
{
    archive->link_get = link_get;
    archive->link_put = link_put;
    archive->record_put = record_put;
    archive->record_each = record_each;
}
