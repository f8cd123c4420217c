/* SPDX-License-Identifier: Apache-2.0 */
#include "link/packet.h"

#include <string.h>

#define SEALED      0x01
#define OPENS       0x02
#define VERSION_AT  4
#define LOW_MASK    0x00ffffffu
#define VARINT_LAST 63 /* shift of the tenth octet: one bit is left for it */

static void put_number(struct wk_bytes_out *out, uint64_t value)
{
    while (value > 0x7f) {
        wk_bytes_out_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    wk_bytes_out_u8(out, (uint8_t)value);
}

static uint64_t get_number(struct wk_bytes_in *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift <= VARINT_LAST; shift += 7) {
        const uint8_t octet = wk_bytes_in_u8(in);
        if (shift == VARINT_LAST && octet > 1) {
            break;
        }
        value |= (uint64_t)(octet & 0x7f) << shift;
        if ((octet & 0x80) == 0) {
            return value;
        }
    }
    wk_bytes_in_fail(in, WK_E_FORMAT);
    return 0;
}

/* A number of at most `most`. */
static uint32_t get_limited(struct wk_bytes_in *in, uint32_t most)
{
    const uint64_t value = get_number(in);
    if (value > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    return (uint32_t)value;
}

static void put_u24(struct wk_bytes_out *out, uint32_t value)
{
    wk_bytes_out_u8(out, (uint8_t)(value >> 16));
    wk_bytes_out_u16be(out, (uint16_t)value);
}

static uint32_t get_u24(struct wk_bytes_in *in)
{
    const uint32_t high = wk_bytes_in_u8(in);
    return high << 16 | wk_bytes_in_u16be(in);
}

size_t wk_link_around(uint64_t sequence)
{
    size_t size = 1 + 1 + 2 + 2 + 2; /* kind, one octet of sequence, place, total, length */
    for (; sequence > 0x7f; sequence >>= 7) {
        size++;
    }
    return size;
}

/* ---- head -------------------------------------------------------------------------------- */

void wk_link_write_head(struct wk_bytes_out *out, const struct wk_link_head *head)
{
    const unsigned flags = (head->sealed ? SEALED : 0u) | (head->opens ? OPENS : 0u);
    wk_bytes_out_u8(out, (uint8_t)(WK_LINK_VERSION << VERSION_AT | flags));
    wk_bytes_out_u32be(out, head->session);
    put_u24(out, head->number);
}

void wk_link_read_head(struct wk_bytes_in *in, struct wk_link_head *head)
{
    const uint8_t first = wk_bytes_in_u8(in);
    if (first >> VERSION_AT != WK_LINK_VERSION || (first & 0x0f & ~(SEALED | OPENS)) != 0) {
        wk_bytes_in_fail(in, WK_E_UNSUPPORTED);
    }
    head->sealed = (first & SEALED) != 0;
    head->opens = (first & OPENS) != 0;
    head->session = wk_bytes_in_u32be(in);
    head->number = get_u24(in);
}

uint32_t wk_link_number(uint32_t low, uint32_t near_to)
{
    const uint32_t half = (LOW_MASK >> 1) + 1;
    const uint32_t ahead = (low - near_to) & LOW_MASK;
    return ahead < half ? near_to + ahead : near_to - (LOW_MASK + 1 - ahead);
}

/* ---- frames ------------------------------------------------------------------------------ */

static void put_octets(struct wk_bytes_out *out, const struct wk_bytes_in *octets)
{
    put_number(out, octets->size);
    wk_bytes_out_put(out, octets->data, octets->size);
}

static void get_octets(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    const uint32_t size = get_limited(in, WK_LINK_RECORD);
    frame->octets = wk_bytes_in_of(wk_bytes_in_take(in, size), size);
}

/* Something, of `most` octets. */
static void get_some(struct wk_bytes_in *in, size_t most, struct wk_link_frame *frame)
{
    get_octets(in, frame);
    if (frame->octets.size == 0 || frame->octets.size > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void put_part(struct wk_bytes_out *out, const struct wk_link_frame *frame)
{
    put_number(out, frame->at / WK_LINK_GRANULE);
    put_number(out, frame->total);
    put_octets(out, &frame->octets);
}

/* A part is not empty, lies in its whole, and is of whole granules unless it is the last. */
static void get_part(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    frame->at = get_limited(in, WK_LINK_RECORD / WK_LINK_GRANULE) * WK_LINK_GRANULE;
    frame->total = get_limited(in, WK_LINK_RECORD);
    get_octets(in, frame);
    const size_t end = frame->at + frame->octets.size;
    if (frame->octets.size == 0 || end > frame->total ||
        (end < frame->total && end % WK_LINK_GRANULE != 0)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void put_report(struct wk_bytes_out *out, const struct wk_link_frame *frame)
{
    put_u24(out, frame->highest);
    wk_bytes_out_u32be(out, frame->seen);
    wk_bytes_out_u32be(out, frame->arrival_us);
    put_number(out, frame->held_us);
}

static void get_report(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    frame->highest = get_u24(in);
    frame->seen = wk_bytes_in_u32be(in);
    frame->arrival_us = wk_bytes_in_u32be(in);
    frame->held_us = get_limited(in, UINT32_MAX);
}

static void put_stream(struct wk_bytes_out *out, const struct wk_link_frame *frame)
{
    wk_bytes_out_put(out, frame->obis, sizeof frame->obis);
    wk_bytes_out_u8(out, frame->worth);
    put_number(out, frame->sequence);
    put_number(out, frame->next);
    wk_bytes_out_u32be(out, frame->check);
}

static void get_stream(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    wk_bytes_in_copy(in, frame->obis, sizeof frame->obis);
    frame->worth = wk_bytes_in_u8(in);
    frame->sequence = get_number(in);
    frame->next = get_number(in);
    frame->check = wk_bytes_in_u32be(in);
    if (frame->worth >= WK_LINK_CLASSES || frame->sequence > frame->next) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

void wk_link_write(struct wk_bytes_out *out, const struct wk_link_frame *frame)
{
    wk_bytes_out_u8(out, (uint8_t)((unsigned)frame->kind << 4 | (frame->stream & 0x0fu)));
    switch (frame->kind) {
    case WK_LINK_FRAME_RECORD:
    case WK_LINK_FRAME_ANNOUNCE:
        put_number(out, frame->sequence);
        put_octets(out, &frame->octets);
        break;
    case WK_LINK_FRAME_PIECE:
        put_number(out, frame->sequence);
        put_part(out, frame);
        break;
    case WK_LINK_FRAME_GAP:
        put_number(out, frame->sequence);
        put_number(out, frame->count);
        wk_bytes_out_u8(out, frame->reason);
        break;
    case WK_LINK_FRAME_ACK:
        put_number(out, frame->next);
        put_number(out, frame->bitmap);
        break;
    case WK_LINK_FRAME_STREAM:
        put_stream(out, frame);
        break;
    case WK_LINK_FRAME_HELLO:
        wk_bytes_out_put(out, frame->title, sizeof frame->title);
        wk_bytes_out_u64be(out, frame->epoch);
        wk_bytes_out_put(out, frame->nonce, sizeof frame->nonce);
        break;
    case WK_LINK_FRAME_WELCOME:
        wk_bytes_out_u64be(out, frame->epoch);
        wk_bytes_out_put(out, frame->nonce, sizeof frame->nonce);
        break;
    case WK_LINK_FRAME_REPORT:
        put_report(out, frame);
        break;
    case WK_LINK_FRAME_DESCRIPTION:
        put_part(out, frame);
        break;
    case WK_LINK_FRAME_TALK:
    case WK_LINK_FRAME_ECHO:
        put_octets(out, &frame->octets);
        break;
    case WK_LINK_FRAME_PROBE:
    case WK_LINK_FRAME_RESET:
    case WK_LINK_FRAME_WANT:
        break;
    }
}

static void get_gap(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    frame->sequence = get_number(in);
    frame->count = get_number(in);
    frame->reason = wk_bytes_in_u8(in);
    if (frame->count == 0 || frame->count > UINT64_MAX - frame->sequence) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void get_hello(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    if (frame->kind == WK_LINK_FRAME_HELLO) {
        wk_bytes_in_copy(in, frame->title, sizeof frame->title);
    }
    frame->epoch = wk_bytes_in_u64be(in);
    wk_bytes_in_copy(in, frame->nonce, sizeof frame->nonce);
}

void wk_link_read(struct wk_bytes_in *in, struct wk_link_frame *frame)
{
    const uint8_t first = wk_bytes_in_u8(in);
    *frame = (struct wk_link_frame){.kind = (wk_link_kind)(first >> 4), .stream = first & 0x0f};
    switch (frame->kind) {
    case WK_LINK_FRAME_RECORD:
        frame->sequence = get_number(in);
        get_octets(in, frame);
        break;
    case WK_LINK_FRAME_PIECE:
        frame->sequence = get_number(in);
        get_part(in, frame);
        break;
    case WK_LINK_FRAME_GAP:
        get_gap(in, frame);
        break;
    case WK_LINK_FRAME_ACK:
        frame->next = get_number(in);
        frame->bitmap = get_number(in);
        break;
    case WK_LINK_FRAME_STREAM:
        get_stream(in, frame);
        break;
    case WK_LINK_FRAME_HELLO:
    case WK_LINK_FRAME_WELCOME:
        get_hello(in, frame);
        break;
    case WK_LINK_FRAME_REPORT:
        get_report(in, frame);
        break;
    case WK_LINK_FRAME_DESCRIPTION:
        get_part(in, frame);
        break;
    case WK_LINK_FRAME_TALK:
    case WK_LINK_FRAME_ECHO:
        get_some(in, WK_LINK_TALK, frame);
        break;
    case WK_LINK_FRAME_ANNOUNCE:
        frame->sequence = get_number(in);
        get_some(in, WK_LINK_ANNOUNCED, frame);
        break;
    case WK_LINK_FRAME_PROBE:
    case WK_LINK_FRAME_RESET:
    case WK_LINK_FRAME_WANT:
        break;
    default:
        wk_bytes_in_fail(in, WK_E_FORMAT);
        break;
    }
}
