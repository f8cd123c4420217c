/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/uplink_announced.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "headend/rows.h"

/* ---- announcements ----------------------------------------------------------------------- */

static bool is_of(const struct wk_uplink_announcement *row, const struct wk_archive_link *link)
{
    return row->used && row->stream == link->stream && row->epoch == link->epoch;
}

static struct wk_uplink_announcement *free_row(struct wk_uplink_announced *announced)
{
    for (size_t i = 0; i < WK_UPLINK_ANNOUNCED; i++) {
        if (!announced->row[i].used) {
            return &announced->row[i];
        }
    }
    return NULL;
}

void wk_uplink_announced_take(struct wk_uplink_announced *announced,
                              const struct wk_uplink_place *place,
                              const struct wk_archive_link *link, int64_t sequence,
                              struct wk_bytes_in octets)
{
    struct wk_source_event event;
    const bool is_known = link->size > 0 && sequence >= link->applied;
    if (!is_known || wk_uplink_read_event(link, octets, &event) != WK_OK) {
        return;
    }
    wk_stream_publish(place->stream, "event",
                      "{\"serial\":\"%s\",\"at\":%" PRId64 ",\"code\":%d,\"announced\":true}",
                      place->meter->serial, event.at_s, event.code);
    struct wk_uplink_announcement *row = free_row(announced);
    if (row == NULL || octets.size > sizeof row->octets) {
        return;
    }
    *row = (struct wk_uplink_announcement){.used = true,
                                           .stream = (uint8_t)link->stream,
                                           .epoch = link->epoch,
                                           .sequence = sequence,
                                           .at_s = event.at_s,
                                           .code = event.code,
                                           .heard_s = place->now_s,
                                           .size = octets.size};
    memcpy(row->octets, octets.data, octets.size);
}

bool wk_uplink_announced_waits(const struct wk_uplink_announced *announced)
{
    for (size_t i = 0; announced != NULL && i < WK_UPLINK_ANNOUNCED; i++) {
        if (announced->row[i].used) {
            return true;
        }
    }
    return false;
}

/* ---- and what came of them --------------------------------------------------------------- */

/* Compares a record with its announcement. */
struct comparison {
    const struct wk_uplink_announcement *row;
    bool is_same;
};

static wk_err compare(void *context, const struct wk_archive_record *record)
{
    struct comparison *comparison = context;
    const struct wk_uplink_announcement *row = comparison->row;
    comparison->is_same = record->seq == row->sequence && record->count == 0 &&
                          record->size == row->size &&
                          memcmp(record->octets, row->octets, row->size) == 0;
    return WK_OK;
}

static wk_err except(const struct wk_uplink_place *place, const struct wk_archive_link *link,
                     const struct wk_uplink_announcement *row, const char *why)
{
    struct wk_archive *a = place->archive;
    struct wk_archive_exception e = {
        .meter = place->meter->id, .at_s = row->at_s, .channel = -1, .recv_s = place->now_s};
    snprintf(e.kind, sizeof e.kind, "announced");
    snprintf(e.text, sizeof e.text, "%s, record %" PRId64 ", event %d: %s", link->obis,
             row->sequence, row->code, why);
    WK_TRY(a->begin(a->self));
    wk_err err = a->exception_put(a->self, &e);
    err = err == WK_OK || err == WK_E_STATE ? a->commit(a->self) : err;
    a->rollback(a->self); /* nothing to do after a commit */
    return err;
}

static wk_err settle_row(struct wk_uplink_announcement *row,
                         const struct wk_uplink_place *place,
                         const struct wk_archive_link *link)
{
    struct wk_archive *a = place->archive;
    if (row->sequence < link->applied) {
        struct comparison comparison = {.row = row};
        const struct wk_archive_record key = {.meter = link->meter,
                                              .epoch = link->epoch,
                                              .stream = link->stream,
                                              .seq = row->sequence};
        WK_TRY(a->record_each(a->self, &key, 1, compare, &comparison));
        if (!comparison.is_same) {
            WK_TRY(except(place, link, row,
                          "announced, and another event came in its place: the meter lost its "
                          "supply at that moment"));
        }
        row->used = false;
    } else if (place->now_s - row->heard_s >= WK_UPLINK_ANNOUNCED_S) {
        WK_TRY(except(place, link, row,
                      "announced, and did not come within a minute: the meter or its paths "
                      "failed at that moment"));
        row->used = false;
    }
    return WK_OK;
}

wk_err wk_uplink_announced_settle(struct wk_uplink_announced *announced,
                                  const struct wk_uplink_place *place,
                                  const struct wk_archive_link *link)
{
    for (size_t i = 0; announced != NULL && i < WK_UPLINK_ANNOUNCED; i++) {
        if (is_of(&announced->row[i], link)) {
            WK_TRY(settle_row(&announced->row[i], place, link));
        }
    }
    return WK_OK;
}
