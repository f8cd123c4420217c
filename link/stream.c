/* SPDX-License-Identifier: Apache-2.0 */
#include "link/stream.h"

static uint64_t bits(uint64_t count)
{
    return count >= WK_LINK_WINDOW ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static uint64_t shifted(uint64_t value, uint64_t by)
{
    return by >= WK_LINK_WINDOW ? 0 : value >> by;
}

void wk_link_stream_init(struct wk_link_stream *stream, const struct wk_link_source *source)
{
    *stream = (struct wk_link_stream){.source = source};
}

/* All before `base` is the head-end's. */
static void advance(struct wk_link_stream *stream, uint64_t base)
{
    stream->done = shifted(stream->done, base - stream->base);
    stream->sent = shifted(stream->sent, base - stream->base);
    stream->base = base;
    while ((stream->done & 1) != 0) {
        stream->done >>= 1;
        stream->sent >>= 1;
        stream->base++;
    }
    if (stream->cutting && stream->cut < stream->base) {
        stream->cutting = false;
    }
}

wk_err wk_link_stream_look(struct wk_link_stream *stream)
{
    const struct wk_link_source *source = stream->source;
    WK_TRY(source->span(source->self, &stream->oldest, &stream->next));
    if (source->live && stream->next > stream->base + 1) {
        advance(stream, stream->next - 1);
    }
    return WK_OK;
}

wk_err wk_link_stream_next(struct wk_link_stream *stream, struct wk_link_next *next)
{
    if (!stream->known || stream->base >= stream->next) {
        return WK_E_NOT_FOUND;
    }
    const uint64_t held = stream->next - stream->base;
    uint64_t open = bits(held) & ~(stream->done | stream->sent);
    if (open == 0) {
        return WK_E_NOT_FOUND;
    }
    uint64_t n = 0;
    while ((open >> n & 1) == 0) {
        n++;
    }
    next->sequence = stream->base + n;
    next->count = next->sequence < stream->oldest ? stream->oldest - next->sequence : 0;
    return WK_OK;
}

void wk_link_stream_sent(struct wk_link_stream *stream, uint64_t sequence, uint64_t count,
                         int64_t now_us)
{
    const uint64_t at = sequence - stream->base;
    if (at >= WK_LINK_WINDOW) {
        return;
    }
    if (stream->sent == 0) {
        stream->waits_us = now_us;
    }
    stream->sent |= bits(count == 0 ? 1 : count) << at;
}

uint64_t wk_link_stream_number(const struct wk_link_stream *stream, uint16_t low)
{
    return stream->base + (uint16_t)(low - (uint16_t)stream->base);
}

void wk_link_stream_lost(struct wk_link_stream *stream, uint16_t low, uint8_t count)
{
    const uint64_t at = wk_link_stream_number(stream, low) - stream->base;
    if (at < WK_LINK_WINDOW) {
        stream->sent &= ~(bits(count) << at);
        stream->repeated++;
    }
}

static wk_err take_ack(struct wk_link_stream *stream, uint64_t next, uint64_t bitmap,
                       int64_t now_us)
{
    if (next > stream->next) {
        return WK_E_RANGE;
    }
    if (next < stream->base) {
        return WK_OK; /* older than what is known */
    }
    const uint64_t before = stream->base;
    const uint64_t done = stream->done;
    if (next > stream->base) {
        advance(stream, next);
    }
    const uint64_t skipped = stream->base - next; /* advance may have gone further */
    stream->done |= skipped == 0 ? bitmap << 1 : shifted(bitmap, skipped - 1);
    advance(stream, stream->base);
    stream->committed += stream->base - before;
    if (stream->base != before || stream->done != done) {
        stream->waits_us = now_us;
    }
    return WK_OK;
}

wk_err wk_link_stream_ack(struct wk_link_stream *stream, uint64_t next, uint64_t bitmap,
                          int64_t now_us)
{
    return stream->known ? take_ack(stream, next, bitmap, now_us) : WK_OK;
}

wk_err wk_link_stream_resume(struct wk_link_stream *stream, uint64_t next, uint64_t bitmap,
                             int64_t now_us)
{
    if (next > stream->next) {
        return WK_E_RANGE;
    }
    if (stream->source->live && next + 1 < stream->next) {
        next = stream->next - 1;
        bitmap = 0;
    }
    stream->base = next;
    stream->done = bitmap << 1;
    stream->sent = 0;
    stream->cutting = false;
    stream->known = true;
    stream->waits_us = now_us;
    return WK_OK;
}

bool wk_link_stream_is_late(struct wk_link_stream *stream, int64_t now_us)
{
    if ((stream->sent & ~stream->done) == 0 || now_us - stream->waits_us < WK_LINK_ACK_US) {
        return false;
    }
    if (now_us - stream->waits_us >= WK_LINK_COMMIT_US) {
        stream->sent = 0;
        stream->cutting = false;
        stream->repeated++;
    }
    return true;
}

uint64_t wk_link_stream_behind(const struct wk_link_stream *stream)
{
    return stream->next > stream->base ? stream->next - stream->base : 0;
}
