/* SPDX-License-Identifier: Apache-2.0
 *
 * The sender of the link: what goes into a packet. */
#include <string.h>

#include "link/sender_part.h"

#define AROUND_TALK 3 /* kind and length */

struct wk_link_stream *wk_link_sender_stream(struct wk_link_sender *sender, uint8_t id)
{
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        if (sender->config.sources[i].id == id) {
            return &sender->streams[i];
        }
    }
    return NULL;
}

void wk_link_load_begin(struct wk_link_sender *sender, uint8_t at, size_t room,
                        struct wk_link_load *load)
{
    const struct wk_link_path *path = &sender->paths[at];
    const struct wk_link_head head = {.session = path->session, .number = path->next};
    *load = (struct wk_link_load){.sender = sender};
    load->out = wk_bytes_out_of(sender->packet, room < WK_LINK_PACKET ? room : WK_LINK_PACKET);
    wk_link_write_head(&load->out, &head);
}

static void note(struct wk_link_load *load, wk_link_kind kind, uint8_t stream,
                 uint64_t sequence, uint8_t count)
{
    struct wk_link_item *last = load->items > 0 ? &load->item[load->items - 1] : NULL;
    if (last != NULL && kind == WK_LINK_FRAME_RECORD && last->kind == kind &&
        last->stream == stream &&
        (uint16_t)(last->sequence + last->count) == (uint16_t)sequence &&
        last->count < WK_LINK_WINDOW) {
        last->count++;
        return;
    }
    load->item[load->items++] = (struct wk_link_item){.kind = (uint8_t)kind,
                                                      .stream = stream,
                                                      .count = count,
                                                      .sequence = (uint16_t)sequence};
}

/* The record is in sender->record afterwards. */
static wk_err fetch(struct wk_link_sender *sender, const struct wk_link_stream *stream,
                    uint64_t sequence)
{
    const struct wk_link_source *source = stream->source;
    if (sender->record_is_read && sender->record_stream == source->id &&
        sender->record_sequence == sequence) {
        return WK_OK;
    }
    struct wk_bytes_out out = wk_bytes_out_of(sender->record, sizeof sender->record);
    sender->record_is_read = false;
    WK_TRY(source->read(source->self, sequence, &out));
    WK_TRY(out.fault);
    sender->record_is_read = true;
    sender->record_stream = source->id;
    sender->record_sequence = sequence;
    sender->record_size = out.size;
    return WK_OK;
}

static wk_link_reason reason_of(wk_err err)
{
    return err == WK_E_NOT_FOUND ? WK_LINK_OVERWRITTEN
           : err == WK_E_FULL    ? WK_LINK_TOO_LONG
                                 : WK_LINK_CORRUPT;
}

static bool put_gap(struct wk_link_load *load, struct wk_link_stream *stream, uint64_t first,
                    uint64_t count, wk_link_reason reason, int64_t now_us)
{
    const struct wk_link_frame gap = {.kind = WK_LINK_FRAME_GAP,
                                      .stream = stream->source->id,
                                      .sequence = first,
                                      .count = count,
                                      .reason = (uint8_t)reason};
    if (wk_bytes_out_left(&load->out) < 2 * WK_LINK_AROUND) {
        load->is_full = true;
        return false;
    }
    wk_link_write(&load->out, &gap);
    note(load, WK_LINK_FRAME_GAP, stream->source->id, first,
         (uint8_t)(count < WK_LINK_WINDOW ? count : WK_LINK_WINDOW));
    wk_link_stream_sent(stream, first, count, now_us);
    stream->missing += count;
    return true;
}

/* As many granules from `at` as there is room for; all that is left, if that fits. Returns the octets
 * written, 0: no room for anything. */
static size_t put_piece(struct wk_link_load *load, const struct wk_link_stream *stream,
                        uint64_t sequence, size_t at, size_t end)
{
    const struct wk_link_sender *sender = load->sender;
    size_t room = wk_bytes_out_left(&load->out);
    const size_t around = wk_link_around(sequence);
    room = room > around ? room - around : 0;
    size_t size = end - at;
    if (size > room) {
        size = room / WK_LINK_GRANULE * WK_LINK_GRANULE;
    }
    if (size == 0) {
        return 0;
    }
    const struct wk_link_frame piece = {.kind = WK_LINK_FRAME_PIECE,
                                        .stream = stream->source->id,
                                        .sequence = sequence,
                                        .at = (uint32_t)at,
                                        .total = (uint32_t)sender->record_size,
                                        .octets = wk_bytes_in_of(sender->record + at, size)};
    wk_link_write(&load->out, &piece);
    note(load, WK_LINK_FRAME_PIECE, stream->source->id, sequence,
         (uint8_t)((size + WK_LINK_GRANULE - 1) / WK_LINK_GRANULE));
    load->item[load->items - 1].granule = (uint8_t)(at / WK_LINK_GRANULE);
    return size;
}

/* The record goes in pieces: this packet takes the next one. */
static bool put_cut(struct wk_link_load *load, struct wk_link_stream *stream, int64_t now_us)
{
    const size_t size =
        put_piece(load, stream, stream->cut, stream->cut_at, load->sender->record_size);
    stream->cut_at = (uint16_t)(stream->cut_at + size);
    if (stream->cut_at == load->sender->record_size) {
        stream->cutting = false;
        wk_link_stream_sent(stream, stream->cut, 0, now_us);
        return true;
    }
    load->is_full = true;
    return false;
}

/* One record, or a piece of it. False: there is no more room. */
static bool put_record(struct wk_link_load *load, struct wk_link_stream *stream,
                       uint64_t sequence, int64_t now_us)
{
    const struct wk_link_sender *sender = load->sender;
    const size_t room = wk_bytes_out_left(&load->out);
    const size_t needed = sender->record_size + wk_link_around(sequence);
    if (needed <= room) {
        const struct wk_link_frame frame = {
            .kind = WK_LINK_FRAME_RECORD,
            .stream = stream->source->id,
            .sequence = sequence,
            .octets = wk_bytes_in_of(sender->record, sender->record_size)};
        wk_link_write(&load->out, &frame);
        note(load, WK_LINK_FRAME_RECORD, stream->source->id, sequence, 1);
        wk_link_stream_sent(stream, sequence, 0, now_us);
        return true;
    }
    if (load->items > 0 && needed + WK_LINK_HEAD <= load->out.room) {
        load->is_full = true;
        return false; /* the next packet takes it whole */
    }
    stream->cutting = true;
    stream->cut = sequence;
    stream->cut_at = 0;
    return put_cut(load, stream, now_us);
}

/* The next of a stream. False: nothing more of it goes into this packet. */
static bool put_next(struct wk_link_load *load, struct wk_link_stream *stream, int64_t now_us)
{
    struct wk_link_next next = {.sequence = stream->cut};
    if (!stream->cutting && wk_link_stream_next(stream, &next) != WK_OK) {
        return false;
    }
    if (load->items == WK_LINK_ITEMS) {
        load->is_full = true;
        return false;
    }
    if (next.count > 0) {
        return put_gap(load, stream, next.sequence, next.count, WK_LINK_OVERWRITTEN, now_us);
    }
    const wk_err err = fetch(load->sender, stream, next.sequence);
    if (err == WK_E_BUSY) {
        return false;
    }
    if (err != WK_OK) {
        stream->cutting = false;
        return put_gap(load, stream, next.sequence, 1, reason_of(err), now_us);
    }
    return stream->cutting ? put_cut(load, stream, now_us)
                           : put_record(load, stream, next.sequence, now_us);
}

/* Pieces that were lost go before what is new. */
static void put_again(struct wk_link_load *load, uint8_t worth)
{
    struct wk_link_sender *sender = load->sender;
    uint8_t kept = 0;
    for (uint8_t i = 0; i < sender->again_count; i++) {
        const struct wk_link_item item = sender->again[i];
        struct wk_link_stream *stream = wk_link_sender_stream(sender, item.stream);
        const uint64_t sequence = wk_link_stream_number(stream, item.sequence);
        const size_t at = (size_t)item.granule * WK_LINK_GRANULE;
        const bool is_past = sequence - stream->base >= WK_LINK_WINDOW ||
                             (stream->done >> (sequence - stream->base) & 1) != 0;
        bool is_sent = is_past;
        if (!is_past && stream->source->worth <= worth && load->items < WK_LINK_ITEMS &&
            fetch(sender, stream, sequence) == WK_OK) {
            const size_t end = at + (size_t)item.count * WK_LINK_GRANULE;
            const size_t size =
                put_piece(load, stream, sequence, at,
                          end < sender->record_size ? end : sender->record_size);
            is_sent = at + size >= (end < sender->record_size ? end : sender->record_size);
            sender->again[i].granule = (uint8_t)(item.granule + size / WK_LINK_GRANULE);
            sender->again[i].count = (uint8_t)(item.count - size / WK_LINK_GRANULE);
        }
        if (!is_sent) {
            sender->again[kept++] = sender->again[i];
            load->is_full = true;
        }
    }
    sender->again_count = kept;
}

static void put_description(struct wk_link_load *load, struct wk_link_stream *stream)
{
    struct wk_link_sender *sender = load->sender;
    struct wk_bytes_out out = wk_bytes_out_of(sender->record, sizeof sender->record);
    const struct wk_link_source *source = stream->source;
    sender->record_is_read = false;
    if (source->describe(source->self, &out) != WK_OK || out.fault != WK_OK ||
        stream->described >= out.size) {
        stream->wanted = false;
        return;
    }
    size_t room = wk_bytes_out_left(&load->out);
    room = room > WK_LINK_AROUND ? room - WK_LINK_AROUND : 0;
    size_t size = out.size - stream->described;
    size = size <= room ? size : room / WK_LINK_GRANULE * WK_LINK_GRANULE;
    load->is_full = true;
    if (size == 0 || load->items == WK_LINK_ITEMS) {
        return;
    }
    const struct wk_link_frame frame = {
        .kind = WK_LINK_FRAME_DESCRIPTION,
        .stream = source->id,
        .at = stream->described,
        .total = (uint32_t)out.size,
        .octets = wk_bytes_in_of(sender->record + stream->described, size)};
    wk_link_write(&load->out, &frame);
    note(load, WK_LINK_FRAME_DESCRIPTION, source->id,
         (uint16_t)(stream->described / WK_LINK_GRANULE), 0);
    stream->described = (uint16_t)(stream->described + size);
    stream->wanted = stream->described < out.size;
}

/* Datagrams of conversations, the oldest first. */
static void put_said(struct wk_link_load *load)
{
    struct wk_link_sender *sender = load->sender;
    uint8_t sent = 0;
    while (sent < sender->said_count && !load->is_full) {
        const struct wk_link_said *said = &sender->said[sent];
        const struct wk_link_frame frame = {.kind = WK_LINK_FRAME_TALK,
                                            .stream = said->conversation,
                                            .octets = wk_bytes_in_of(said->octets, said->size)};
        if (load->items == WK_LINK_ITEMS ||
            wk_bytes_out_left(&load->out) < (size_t)said->size + AROUND_TALK) {
            load->is_full = true;
            break;
        }
        wk_link_write(&load->out, &frame);
        note(load, WK_LINK_FRAME_TALK, said->conversation, 0, 0);
        sent++;
    }
    sender->said_count = (uint8_t)(sender->said_count - sent);
    memmove(sender->said, sender->said + sent, sender->said_count * sizeof sender->said[0]);
}

void wk_link_load_fill(struct wk_link_load *load, uint8_t from, uint8_t to, int64_t now_us)
{
    struct wk_link_sender *sender = load->sender;
    put_again(load, to);
    for (uint8_t worth = from; worth <= to && !load->is_full; worth++) {
        if (worth == WK_LINK_COMMAND) {
            put_said(load);
        }
        for (uint8_t i = 0; i < sender->config.source_count && !load->is_full; i++) {
            struct wk_link_stream *stream = &sender->streams[i];
            if (stream->source->worth != worth) {
                continue;
            }
            if (stream->wanted) {
                put_description(load, stream);
            }
            while (!load->is_full && put_next(load, stream, now_us)) {
            }
        }
    }
}
