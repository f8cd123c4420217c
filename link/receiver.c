/* SPDX-License-Identifier: Apache-2.0 */
#include "link/receiver_part.h"

#include <string.h>

void wk_link_receiver_init(struct wk_link_receiver *receiver,
                           const struct wk_link_receiver_config *config,
                           const uint8_t title[WK_LINK_TITLE])
{
    memset(receiver, 0, sizeof *receiver);
    receiver->config = *config;
    receiver->newest = WK_LINK_NO_SESSION;
    receiver->ack_us = WK_LINK_NEVER_DUE_US;
    memcpy(receiver->title, title, WK_LINK_TITLE);
}

uint8_t wk_link_receiver_session(const struct wk_link_receiver *receiver, uint32_t id)
{
    for (uint8_t i = 0; i < WK_LINK_SESSIONS; i++) {
        if (receiver->sessions[i].id == id && id != 0) {
            return i;
        }
    }
    return WK_LINK_NO_SESSION;
}

/* ---- streams ----------------------------------------------------------------------------- */

static uint64_t bits(uint64_t count)
{
    return count >= WK_LINK_WINDOW ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static uint64_t shifted(uint64_t value, uint64_t by)
{
    return by >= WK_LINK_WINDOW ? 0 : value >> by;
}

static void advance(struct wk_link_inflow *stream, uint64_t next)
{
    stream->done = shifted(stream->done, next - stream->next);
    stream->taken = shifted(stream->taken, next - stream->next);
    stream->next = next;
    while ((stream->done & 1) != 0) {
        stream->done >>= 1;
        stream->taken >>= 1;
        stream->next++;
    }
}

static void want_ack(struct wk_link_receiver *receiver, struct wk_link_inflow *stream,
                     int64_t now_us)
{
    const int64_t due = now_us + (stream->worth <= WK_LINK_COMMAND ? 0 : WK_LINK_ACK_WAIT_US);
    stream->dirty = true;
    receiver->ack_us = due < receiver->ack_us ? due : receiver->ack_us;
}

/* Whether the record is one to be taken now; what came before is acknowledged again. */
static bool is_new(struct wk_link_receiver *receiver, uint8_t id, uint64_t sequence,
                   int64_t now_us)
{
    struct wk_link_inflow *stream = &receiver->streams[id];
    if (!stream->known ||
        (sequence >= stream->next && sequence - stream->next >= WK_LINK_WINDOW)) {
        return false;
    }
    const uint64_t at = sequence - stream->next;
    if (sequence < stream->next || ((stream->done | stream->taken) >> at & 1) != 0) {
        stream->repeated++;
        want_ack(receiver, stream, now_us);
        return false;
    }
    return true;
}

static void take_record(struct wk_link_receiver *receiver, uint8_t id, uint64_t sequence,
                        struct wk_bytes_in octets, int64_t now_us)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_inflow *stream = &receiver->streams[id];
    if (!is_new(receiver, id, sequence, now_us)) {
        return;
    }
    /* Marked before: the owner may commit it at once, and `next` moves. */
    const uint64_t bit = UINT64_C(1) << (sequence - stream->next);
    stream->taken |= bit;
    stream->records++;
    if (config->record(config->self, receiver, id, sequence, octets) != WK_OK) {
        stream->taken &= ~bit;
        stream->records--;
    }
}

static void take_gap(struct wk_link_receiver *receiver, const struct wk_link_frame *gap,
                     int64_t now_us)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_inflow *stream = &receiver->streams[gap->stream];
    uint64_t first = gap->sequence;
    uint64_t count = gap->count;
    if (stream->known && first < stream->next && first + count > stream->next) {
        count -= stream->next - first;
        first = stream->next;
    }
    if (!is_new(receiver, gap->stream, first, now_us)) {
        return;
    }
    const uint64_t at = first - stream->next;
    if (at > 0 && count > WK_LINK_WINDOW - at) {
        count = WK_LINK_WINDOW - at; /* the rest comes again when it is in the window */
    }
    const uint64_t before = stream->taken;
    stream->taken |= bits(count) << at;
    stream->missing += count;
    if (config->gap(config->self, receiver, gap->stream, first, count, gap->reason) != WK_OK) {
        stream->taken = before;
        stream->missing -= count;
    }
}

void wk_link_receiver_committed(struct wk_link_receiver *receiver, uint8_t id,
                                uint64_t sequence, uint64_t count, int64_t now_us)
{
    struct wk_link_inflow *stream = &receiver->streams[id];
    if (!stream->known || sequence + count <= stream->next) {
        return;
    }
    if (sequence <= stream->next) {
        advance(stream, sequence + count);
    } else if (sequence - stream->next < WK_LINK_WINDOW) {
        stream->done |= bits(count) << (sequence - stream->next);
    }
    want_ack(receiver, stream, now_us);
}

void wk_link_receiver_failed(struct wk_link_receiver *receiver)
{
    for (int i = 0; i < WK_LINK_STREAMS; i++) {
        receiver->streams[i].taken = 0;
    }
}

/* ---- records in pieces ------------------------------------------------------------------- */

static uint32_t granules(size_t octets)
{
    return (uint32_t)((octets + WK_LINK_GRANULE - 1) / WK_LINK_GRANULE);
}

static struct wk_link_assembly *assembly_of(struct wk_link_receiver *receiver,
                                            const struct wk_link_frame *piece, bool describes)
{
    struct wk_link_assembly *oldest = &receiver->assemblies[0];
    for (int i = 0; i < WK_LINK_ASSEMBLIES; i++) {
        struct wk_link_assembly *one = &receiver->assemblies[i];
        if (one->used && one->describes == describes && one->stream == piece->stream &&
            one->sequence == piece->sequence && one->total == piece->total) {
            return one;
        }
        if (oldest->used && (!one->used || one->touched_us < oldest->touched_us)) {
            oldest = one;
        }
    }
    *oldest = (struct wk_link_assembly){.used = true,
                                        .describes = describes,
                                        .stream = piece->stream,
                                        .sequence = piece->sequence,
                                        .total = piece->total,
                                        .left = granules(piece->total)};
    return oldest;
}

static void take_description(struct wk_link_receiver *receiver, uint8_t id,
                             struct wk_bytes_in octets)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_inflow *stream = &receiver->streams[id];
    if (stream->known && config->describe(config->self, receiver, id, octets) == WK_OK) {
        stream->wanted = false;
    }
}

static void take_piece(struct wk_link_receiver *receiver, const struct wk_link_frame *piece,
                       int64_t now_us)
{
    const bool describes = piece->kind == WK_LINK_FRAME_DESCRIPTION;
    if (!describes && !is_new(receiver, piece->stream, piece->sequence, now_us)) {
        return;
    }
    struct wk_link_assembly *assembly = assembly_of(receiver, piece, describes);
    const uint32_t first = piece->at / WK_LINK_GRANULE;
    assembly->touched_us = now_us;
    memcpy(assembly->octets + piece->at, piece->octets.data, piece->octets.size);
    for (uint32_t i = first; i < first + granules(piece->octets.size); i++) {
        const uint8_t bit = (uint8_t)(1u << i % 8);
        assembly->left -= (assembly->have[i / 8] & bit) == 0 ? 1 : 0;
        assembly->have[i / 8] |= bit;
    }
    if (assembly->left > 0) {
        return;
    }
    const struct wk_bytes_in whole = wk_bytes_in_of(assembly->octets, assembly->total);
    assembly->used = false;
    if (describes) {
        take_description(receiver, piece->stream, whole);
    } else {
        take_record(receiver, piece->stream, piece->sequence, whole, now_us);
    }
}

/* ---- sessions ---------------------------------------------------------------------------- */

static uint8_t new_session(struct wk_link_receiver *receiver)
{
    uint8_t oldest = 0;
    for (uint8_t i = 0; i < WK_LINK_SESSIONS; i++) {
        if (receiver->sessions[i].id == 0) {
            return i;
        }
        if (receiver->sessions[i].heard_us < receiver->sessions[oldest].heard_us) {
            oldest = i;
        }
    }
    return oldest;
}

static void take_stream(struct wk_link_receiver *receiver, const struct wk_link_frame *told)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_inflow *stream = &receiver->streams[told->stream];
    struct wk_link_stand stand = {0};
    if (!stream->known) {
        if (config->resume(config->self, receiver, told, &stand) != WK_OK) {
            return;
        }
        *stream = (struct wk_link_inflow){
            .known = true, .next = stand.next, .done = stand.bitmap << 1, .check = stand.check};
        memcpy(stream->obis, told->obis, sizeof stream->obis);
        advance(stream, stream->next);
    }
    stream->worth = told->worth;
    stream->oldest = told->sequence;
    stream->made = told->next;
    stream->announced = 0; /* a meter that lost power gives a number again */
    stream->wanted = stream->wanted || stream->check != told->check;
    stream->check = told->check;
}

/* HELLO and the streams behind it. What another epoch left is of no use. */
static void take_hello(struct wk_link_receiver *receiver, struct wk_link_session *session,
                       const struct wk_link_frame *hello)
{
    if (!receiver->met || receiver->epoch != hello->epoch) {
        memset(receiver->streams, 0, sizeof receiver->streams);
        memset(receiver->assemblies, 0, sizeof receiver->assemblies);
    }
    receiver->met = true;
    receiver->epoch = hello->epoch;
    memcpy(session->nonce, hello->nonce, sizeof session->nonce);
    session->welcome = true;
}

static void take_talk(struct wk_link_receiver *receiver, const struct wk_link_frame *frame)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    if (config->talk != NULL && receiver->met) {
        config->talk(config->self, receiver, frame->stream, frame->octets);
    }
}

/* It comes by every path, and counts once. */
static void take_announced(struct wk_link_receiver *receiver, const struct wk_link_frame *frame)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_inflow *stream = &receiver->streams[frame->stream];
    const uint64_t least = stream->next > stream->announced ? stream->next : stream->announced;
    if (config->announced == NULL || !stream->known || frame->sequence < least) {
        return;
    }
    stream->announced = frame->sequence + 1;
    config->announced(config->self, receiver, frame->stream, frame->sequence, frame->octets);
}

/* One is sent back of a packet, so that who sends one gets no more than one. */
static void take_echo(struct wk_link_receiver *receiver, struct wk_link_session *session,
                      const struct wk_link_frame *echo)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    const uint8_t at = (uint8_t)(session - receiver->sessions);
    if (echo->stream != 0 && config->echoed != NULL) {
        config->echoed(config->self, receiver, at, echo->octets.data[0]);
    } else if (echo->stream == 0 && !session->echoes && !session->welcome) {
        session->echoes = true;
        wk_link_receiver_send_echo(receiver, at, true, echo->octets);
    }
}

static void take_frame(struct wk_link_receiver *receiver, struct wk_link_session *session,
                       const struct wk_link_frame *frame, int64_t now_us)
{
    switch (frame->kind) {
    case WK_LINK_FRAME_RECORD:
        take_record(receiver, frame->stream, frame->sequence, frame->octets, now_us);
        break;
    case WK_LINK_FRAME_PIECE:
    case WK_LINK_FRAME_DESCRIPTION:
        take_piece(receiver, frame, now_us);
        break;
    case WK_LINK_FRAME_GAP:
        take_gap(receiver, frame, now_us);
        break;
    case WK_LINK_FRAME_PROBE:
        session->asked = true;
        for (int i = 0; i < WK_LINK_STREAMS; i++) {
            receiver->streams[i].dirty = receiver->streams[i].known;
        }
        break;
    case WK_LINK_FRAME_HELLO:
        take_hello(receiver, session, frame);
        break;
    case WK_LINK_FRAME_TALK:
        take_talk(receiver, frame);
        break;
    case WK_LINK_FRAME_ANNOUNCE:
        take_announced(receiver, frame);
        break;
    case WK_LINK_FRAME_ECHO:
        take_echo(receiver, session, frame);
        break;
    case WK_LINK_FRAME_STREAM:
        if (receiver->met && session->welcome) {
            take_stream(receiver, frame);
        }
        break;
    case WK_LINK_FRAME_ACK:
    case WK_LINK_FRAME_WELCOME:
    case WK_LINK_FRAME_REPORT:
    case WK_LINK_FRAME_RESET:
    case WK_LINK_FRAME_WANT:
    default:
        break; /* of a head-end: not for us */
    }
}

static wk_err take_frames(struct wk_link_receiver *receiver, struct wk_link_session *session,
                          struct wk_bytes_in *in, int64_t now_us)
{
    struct wk_link_frame frame;
    session->echoes = false;
    while (wk_bytes_in_left(in) > 0) {
        wk_link_read(in, &frame);
        WK_TRY(in->fault);
        take_frame(receiver, session, &frame, now_us);
    }
    return WK_OK;
}

/* Whether the packet is new; if so it is entered for the next report. */
static bool arrive(struct wk_link_session *session, uint32_t number, int64_t now_us)
{
    const int32_t ahead = (int32_t)(number - session->highest);
    if (!session->any || ahead > 0) {
        const uint32_t by = session->any ? (uint32_t)ahead : 0;
        session->seen = by == 0 || by > WK_LINK_SEEN ? 0
                        : by == WK_LINK_SEEN         ? UINT32_C(1) << (by - 1)
                                             : session->seen << by | UINT32_C(1) << (by - 1);
        session->highest = number;
        session->any = true;
        session->arrival_us = now_us;
    } else {
        const uint32_t back = (uint32_t)-ahead;
        if (back == 0 || back > WK_LINK_SEEN || (session->seen >> (back - 1) & 1) != 0) {
            session->asked = true; /* the meter may not have heard the report */
            return false;
        }
        session->seen |= UINT32_C(1) << (back - 1);
    }
    session->report_us =
        session->unreported == 0 ? now_us + WK_LINK_REPORT_US : session->report_us;
    session->unreported++;
    return true;
}

/* HELLO opens a session; the one that was not heard for longest gives way. */
static wk_err take_opening(struct wk_link_receiver *receiver, struct wk_link_head *head,
                           uint8_t *packet, size_t length, int64_t now_us, uint8_t *at)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_session session = {
        .id = head->session,
        .sealed = head->sealed,
        .heard_us = now_us,
        .keys = {.crypto = config->crypto, .shared = config->key}};
    struct wk_link_frame first;
    if (head->sealed) {
        WK_TRY(config->key == NULL ? WK_E_AUTH : WK_OK);
        WK_TRY(wk_link_open(&session.keys, WK_LINK_FROM_METER, 0, packet, &length));
    }
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, head);
    struct wk_bytes_in ahead = in;
    wk_link_read(&ahead, &first);
    WK_TRY(ahead.fault);
    if (first.kind != WK_LINK_FRAME_HELLO ||
        memcmp(first.title, receiver->title, WK_LINK_TITLE) != 0) {
        return WK_E_AUTH;
    }
    *at = wk_link_receiver_session(receiver, head->session);
    *at = *at == WK_LINK_NO_SESSION ? new_session(receiver) : *at;
    receiver->sessions[*at] = session;
    receiver->newest = receiver->newest == WK_LINK_NO_SESSION ? *at : receiver->newest;
    if (head->sealed && receiver->met && first.epoch != receiver->epoch &&
        first.epoch != receiver->proven) {
        struct wk_link_session *opened = &receiver->sessions[*at];
        memcpy(opened->nonce, first.nonce, sizeof opened->nonce);
        opened->epoch = first.epoch;
        opened->unproven = true;
        opened->welcome = true;
        return WK_OK;
    }
    return take_frames(receiver, &receiver->sessions[*at], &in, now_us);
}

static bool is_hello(const struct wk_link_head *head, const uint8_t *packet, size_t length)
{
    return head->opens || (!head->sealed && length > WK_LINK_HEAD &&
                           packet[WK_LINK_HEAD] >> 4 == WK_LINK_FRAME_HELLO);
}

wk_err wk_link_receiver_take(struct wk_link_receiver *receiver, uint8_t *packet, size_t length,
                             bool is_protected, int64_t now_us, uint8_t *at)
{
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, &head);
    WK_TRY(in.fault);
    if (!head.sealed && !is_protected) {
        return WK_E_AUTH;
    }
    if (is_hello(&head, packet, length)) {
        return take_opening(receiver, &head, packet, length, now_us, at);
    }
    *at = wk_link_receiver_session(receiver, head.session);
    if (*at == WK_LINK_NO_SESSION) {
        return WK_E_NOT_FOUND;
    }
    struct wk_link_session *session = &receiver->sessions[*at];
    const uint32_t number = wk_link_number(head.number, session->highest);
    if (head.sealed != session->sealed) {
        return WK_E_AUTH;
    }
    if (head.sealed) {
        WK_TRY(wk_link_open(&session->keys, WK_LINK_FROM_METER, number, packet, &length));
        in = wk_bytes_in_of(packet, length);
        wk_link_read_head(&in, &head);
    }
    if (session->unproven) {
        receiver->proven = session->epoch;
        session->id = 0;
        return WK_E_NOT_FOUND;
    }
    session->heard_us = now_us;
    receiver->newest = *at;
    if (!arrive(session, number, now_us)) {
        return WK_OK;
    }
    session->packets++;
    session->octets += length;
    return take_frames(receiver, session, &in, now_us);
}
