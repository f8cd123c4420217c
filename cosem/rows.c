/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/rows.h"

#include <string.h>

#include "cosem/axdr.h"

void wk_rows_init(struct wk_rows *rows, void *self,
                  wk_err (*row)(void *self, uint32_t index, struct wk_bytes_in element))
{
    *rows = (struct wk_rows){.self = self, .row = row};
}

static bool is_complete(const struct wk_rows *rows)
{
    return rows->started && rows->index == rows->count;
}

/* Consumes one head or element from the begin of `in`. WK_E_SHORT: it is not all there. An element that could not be
 * held is refused also if it lies in one piece: how octets were cut must not matter. */
static wk_err consume(struct wk_rows *rows, struct wk_bytes_in *in)
{
    if (!rows->started) {
        const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
        WK_TRY(in->fault);
        rows->started = true;
        rows->count = count;
        return WK_OK;
    }
    struct wk_bytes_in element = wk_axdr_take(in);
    WK_TRY(in->fault);
    if (element.size > sizeof rows->held) {
        return WK_E_FULL;
    }
    rows->index++;
    return rows->row(rows->self, rows->index - 1, element);
}

/* Consumes all that is whole; *used octets of the input are done with. */
static wk_err consume_all(struct wk_rows *rows, const uint8_t *octets, size_t size,
                          size_t *used)
{
    *used = 0;
    while (*used < size) {
        if (is_complete(rows)) {
            return WK_E_FORMAT;
        }
        struct wk_bytes_in in = wk_bytes_in_of(octets + *used, size - *used);
        const wk_err err = consume(rows, &in);
        if (err == WK_E_SHORT && in.fault == WK_E_SHORT) {
            return WK_OK;
        }
        WK_TRY(err);
        *used += in.at;
        rows->offset += in.at;
    }
    return WK_OK;
}

/* Completes the held element with octets of the piece. */
static wk_err top_up(struct wk_rows *rows, const uint8_t **piece, size_t *size)
{
    const size_t before = rows->size;
    const size_t room = sizeof rows->held - rows->size;
    const size_t part = *size < room ? *size : room;
    memcpy(rows->held + rows->size, *piece, part);
    struct wk_bytes_in in = wk_bytes_in_of(rows->held, rows->size + part);
    const wk_err err = consume(rows, &in);
    if (err == WK_E_SHORT && in.fault == WK_E_SHORT) {
        rows->size += part;
        *piece += part;
        *size -= part;
        return rows->size == sizeof rows->held ? WK_E_FULL : WK_OK;
    }
    WK_TRY(err);
    rows->size = 0;
    rows->offset += in.at;
    *piece += in.at - before;
    *size -= in.at - before;
    return WK_OK;
}

wk_err wk_rows_feed(struct wk_rows *rows, const void *piece, size_t size)
{
    const uint8_t *octets = piece;
    if (rows->size > 0 && size > 0) {
        WK_TRY(top_up(rows, &octets, &size));
    }
    size_t used = 0;
    WK_TRY(consume_all(rows, octets, size, &used));
    const size_t rest = size - used;
    if (rest > sizeof rows->held) {
        return WK_E_FULL;
    }
    if (rest > 0) {
        memcpy(rows->held, octets + used, rest);
        rows->size = rest;
    }
    return WK_OK;
}

wk_err wk_rows_end(const struct wk_rows *rows)
{
    return is_complete(rows) && rows->size == 0 ? WK_OK : WK_E_SHORT;
}
