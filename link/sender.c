/* SPDX-License-Identifier: Apache-2.0 */
#include "link/sender_part.h"

#include <string.h>

#include "base/crc.h"

#define AROUND_ECHO 3 /* kind and length */

wk_err wk_link_sender_init(struct wk_link_sender *sender, const struct wk_link_config *config,
                           int64_t now_us)
{
    if (config->source_count == 0 || config->source_count > WK_LINK_STREAMS ||
        config->path_count == 0 || config->path_count > WK_LINK_PATHS) {
        return WK_E_ARGUMENT;
    }
    memset(sender, 0, sizeof *sender);
    sender->config = *config;
    sender->active = WK_LINK_NO_PATH;
    sender->better = WK_LINK_NO_PATH;
    sender->hold_us = WK_LINK_HOLD_US;
    uint32_t seen = 0;
    for (uint8_t i = 0; i < config->source_count; i++) {
        const struct wk_link_source *source = &config->sources[i];
        if (source->id >= WK_LINK_STREAMS || source->worth >= WK_LINK_CLASSES ||
            (seen >> source->id & 1) != 0) {
            return WK_E_ARGUMENT;
        }
        seen |= UINT32_C(1) << source->id;
        wk_link_stream_init(&sender->streams[i], source);
    }
    for (uint8_t i = 0; i < config->path_count; i++) {
        if (config->seal[i] && (config->crypto == NULL || config->key == NULL)) {
            return WK_E_ARGUMENT;
        }
        wk_link_path_init(&sender->paths[i], &config->paths[i], now_us);
        sender->keys[i].crypto = config->crypto;
        sender->keys[i].shared = config->key;
    }
    return WK_OK;
}

/* ---- what comes back --------------------------------------------------------------------- */

static void send_again(struct wk_link_sender *sender, const struct wk_link_item *item)
{
    if (sender->again_count < WK_LINK_AGAIN) {
        sender->again[sender->again_count++] = *item;
        return;
    }
    wk_link_stream_lost(wk_link_sender_stream(sender, item->stream), item->sequence, 1);
}

static void take_back(void *owner, const struct wk_link_item *item)
{
    struct wk_link_sender *sender = owner;
    struct wk_link_stream *stream = wk_link_sender_stream(sender, item->stream);
    if (item->kind == WK_LINK_FRAME_TALK) {
        return; /* who talks asks again */
    }
    if (item->kind == WK_LINK_FRAME_DESCRIPTION) {
        const uint16_t from = (uint16_t)(item->sequence * WK_LINK_GRANULE);
        stream->described = from < stream->described ? from : stream->described;
        stream->wanted = true;
    } else if (item->kind == WK_LINK_FRAME_PIECE) {
        send_again(sender, item);
    } else {
        wk_link_stream_lost(stream, item->sequence, item->count);
    }
}

void wk_link_sender_carry(struct wk_link_sender *sender, uint8_t path, bool carried,
                          int64_t now_us)
{
    wk_link_path_carry(&sender->paths[path], carried, take_back, sender, now_us);
}

void wk_link_sender_rest(struct wk_link_sender *sender, uint8_t path, bool rests,
                         int64_t now_us)
{
    wk_link_path_rest(&sender->paths[path], rests, take_back, sender, now_us);
}

bool wk_link_sender_is_urgent(const struct wk_link_sender *sender)
{
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        const struct wk_link_stream *stream = &sender->streams[i];
        if (stream->source->worth == WK_LINK_ALARM && wk_link_stream_behind(stream) > 0) {
            return true;
        }
    }
    return false;
}

/* ---- making packets ---------------------------------------------------------------------- */

/* The packet in sender->packet goes to the carrier. */
static wk_err emit(struct wk_link_sender *sender, uint8_t at, const uint8_t *title,
                   uint32_t number, size_t size, bool is_urgent)
{
    struct wk_link_opening opening = {.title = title};
    const struct wk_link_config *config = &sender->config;
    if (config->watch != NULL) {
        config->watch(config->self, at, true, sender->packet, size);
    }
    if (config->seal[at]) {
        if (title != NULL) {
            WK_TRY(config->random(config->self, opening.iv, sizeof opening.iv));
        }
        WK_TRY(wk_link_seal(&sender->keys[at], WK_LINK_FROM_METER,
                            title != NULL ? &opening : NULL, number, sender->packet, &size));
    }
    return config->transmit(config->self, at, sender->packet, size, is_urgent);
}

static uint32_t sealing(const struct wk_link_sender *sender, uint8_t at)
{
    return sender->config.seal[at] ? WK_LINK_TAG : 0;
}

bool wk_link_load_finish(struct wk_link_load *load, uint8_t at, int64_t now_us)
{
    struct wk_link_sender *sender = load->sender;
    struct wk_link_path *path = &sender->paths[at];
    const size_t size = load->out.size;
    const wk_err err = emit(sender, at, NULL, path->next, size, load->is_urgent);
    if (err != WK_OK) {
        for (uint8_t i = 0; i < load->items; i++) {
            take_back(sender, &load->item[i]);
        }
        if (err == WK_E_BUSY) {
            path->busy_until_us = now_us + WK_LINK_BUSY_US;
        } else {
            wk_link_sender_carry(sender, at, false, now_us);
        }
        return false;
    }
    struct wk_link_flown *flown =
        wk_link_path_depart(path, (uint32_t)size + sealing(sender, at), !load->is_full, now_us);
    flown->items = load->items;
    memcpy(flown->item, load->item, sizeof flown->item);
    return true;
}

/* ---- all else ---------------------------------------------------------------------------- */

/* The least that may go now: bulk gives way to whoever else fills the path. */
static uint8_t least_worth(const struct wk_link_path *path)
{
    if (path->is_scarce) {
        return WK_LINK_COMMAND;
    }
    if (!wk_link_path_has_budget(path)) {
        return WK_LINK_BILLING;
    }
    const bool crowded = path->in_flight > 0 && wk_link_pace_is_crowded(&path->pace);
    return crowded ? WK_LINK_PROFILE : WK_LINK_BULK;
}

static void send_paced(struct wk_link_sender *sender, int64_t now_us)
{
    for (int packets = 0; packets < WK_LINK_STEP_PACKETS; packets++) {
        const uint8_t at = sender->active;
        if (at == WK_LINK_NO_PATH || !wk_link_sender_is_usable(sender, at)) {
            return;
        }
        struct wk_link_path *path = &sender->paths[at];
        const uint32_t room = wk_link_path_packet(path);
        if (now_us < wk_link_path_free_us(path) || !wk_link_path_has_room(path) ||
            path->in_flight + room > wk_link_pace_room(&path->pace)) {
            return;
        }
        struct wk_link_load load;
        wk_link_load_begin(sender, at, room - sealing(sender, at), &load);
        wk_link_load_fill(&load, WK_LINK_ALARM, least_worth(path), now_us);
        if (load.items == 0 || !wk_link_load_finish(&load, at, now_us)) {
            return;
        }
    }
}

/* ---- sessions ---------------------------------------------------------------------------- */

static uint32_t description_check(const struct wk_link_source *source,
                                  struct wk_link_sender *sender)
{
    struct wk_bytes_out out = wk_bytes_out_of(sender->record, sizeof sender->record);
    sender->record_is_read = false;
    if (source->describe(source->self, &out) != WK_OK || out.fault != WK_OK) {
        return 0;
    }
    return wk_crc_32(0, out.data, out.size);
}

static void say_hello(struct wk_link_sender *sender, uint8_t at, int64_t now_us)
{
    const struct wk_link_config *config = &sender->config;
    struct wk_link_path *path = &sender->paths[at];
    struct wk_link_frame hello = {.kind = WK_LINK_FRAME_HELLO, .epoch = config->epoch};
    uint32_t session = 0;
    struct wk_link_load load;
    if (config->random(config->self, &session, sizeof session) != WK_OK ||
        config->random(config->self, hello.nonce, sizeof hello.nonce) != WK_OK) {
        path->hello_us = now_us + path->hello_wait_us;
        return;
    }
    wk_link_path_open(path, session, now_us);
    memcpy(sender->nonce[at], hello.nonce, sizeof hello.nonce);
    memcpy(hello.title, config->title, sizeof hello.title);
    sender->keys[at].has_session = false;
    sender->heard[at] = 0;
    wk_link_load_begin(sender, at, WK_LINK_PACKET, &load);
    wk_link_write(&load.out, &hello);
    for (uint8_t i = 0; i < config->source_count; i++) {
        const struct wk_link_source *source = &config->sources[i];
        struct wk_link_stream *stream = &sender->streams[i];
        if (wk_link_stream_look(stream) != WK_OK) {
            continue;
        }
        struct wk_link_frame frame = {.kind = WK_LINK_FRAME_STREAM,
                                      .stream = source->id,
                                      .worth = source->worth,
                                      .sequence = stream->oldest,
                                      .next = stream->next,
                                      .check = description_check(source, sender)};
        memcpy(frame.obis, source->obis, sizeof frame.obis);
        wk_link_write(&load.out, &frame);
    }
    const wk_err err = emit(sender, at, config->title, 0, load.out.size, true);
    if (err != WK_OK && err != WK_E_BUSY) {
        wk_link_sender_carry(sender, at, false, now_us);
    }
}

bool wk_link_sender_alone(struct wk_link_sender *sender, uint8_t at,
                          const struct wk_link_frame *frame, int64_t now_us)
{
    struct wk_link_load load;
    if (!wk_link_path_has_room(&sender->paths[at])) {
        return false;
    }
    wk_link_load_begin(sender, at, WK_LINK_PACKET_LEAST, &load);
    load.is_urgent = true;
    wk_link_write(&load.out, frame);
    return wk_link_load_finish(&load, at, now_us);
}

static void send_probe(struct wk_link_sender *sender, uint8_t at, int64_t now_us)
{
    const struct wk_link_frame probe = {.kind = WK_LINK_FRAME_PROBE};
    (void)wk_link_sender_alone(sender, at, &probe, now_us);
}

static void send_echo(struct wk_link_sender *sender, uint8_t at, bool back,
                      struct wk_bytes_in octets, int64_t now_us)
{
    const struct wk_link_frame echo = {
        .kind = WK_LINK_FRAME_ECHO, .stream = back ? 1 : 0, .octets = octets};
    (void)wk_link_sender_alone(sender, at, &echo, now_us);
}

wk_err wk_link_sender_echo(struct wk_link_sender *sender, uint8_t at, uint8_t number,
                           size_t size, int64_t now_us)
{
    uint8_t octets[WK_LINK_TALK] = {number};
    const struct wk_link_path *path = &sender->paths[at];
    if (size == 0 || size > sizeof octets) {
        return WK_E_FULL;
    }
    if (at >= sender->config.path_count || path->state == WK_LINK_DOWN) {
        return WK_E_CLOSED;
    }
    if (WK_LINK_HEAD + AROUND_ECHO + size + sealing(sender, at) > path->rules.most) {
        return WK_E_FULL;
    }
    if (!wk_link_path_has_room(path)) {
        return WK_E_BUSY;
    }
    send_echo(sender, at, false, wk_bytes_in_of(octets, size), now_us);
    return WK_OK;
}

/* ---- packets that come ------------------------------------------------------------------- */

static wk_err welcomed(struct wk_link_sender *sender, uint8_t at,
                       const struct wk_link_frame *welcome, bool *resumes, int64_t now_us)
{
    if (sender->config.seal[at]) {
        WK_TRY(wk_link_seal_agree(&sender->keys[at], sender->nonce[at], welcome->nonce));
    }
    *resumes = !sender->met || sender->instance != welcome->epoch;
    sender->met = true;
    sender->instance = welcome->epoch;
    wk_link_path_welcomed(&sender->paths[at], now_us);
    sender->paths[at].asked_us =
        now_us - sender->paths[at].rules.probe_us; /* proves the session */
    return WK_OK;
}

/* One is sent back of a packet, so that who sends one gets no more than one. */
static wk_err take_echo(struct wk_link_sender *sender, uint8_t at,
                        const struct wk_link_frame *echo, int64_t now_us)
{
    const struct wk_link_config *config = &sender->config;
    const bool is_back = echo->stream != 0;
    if (is_back && config->echoed != NULL) {
        config->echoed(config->self, at, echo->octets.data[0]);
    } else if (!is_back && !sender->echoes) {
        sender->echoes = true;
        send_echo(sender, at, true, echo->octets, now_us);
    }
    return WK_OK;
}

static wk_err take_frame(struct wk_link_sender *sender, uint8_t at,
                         const struct wk_link_frame *frame, bool *resumes, int64_t now_us)
{
    struct wk_link_path *path = &sender->paths[at];
    struct wk_link_stream *stream = wk_link_sender_stream(sender, frame->stream);
    const wk_link_kind kind = frame->kind;
    if (kind == WK_LINK_FRAME_REPORT) {
        wk_link_path_report(path, frame, take_back, sender, now_us);
        return WK_OK;
    }
    if (kind == WK_LINK_FRAME_RESET) {
        wk_link_path_forgotten(path, take_back, sender, now_us);
        return WK_OK;
    }
    if (kind == WK_LINK_FRAME_WELCOME) {
        return welcomed(sender, at, frame, resumes, now_us);
    }
    if (kind == WK_LINK_FRAME_ECHO) {
        return take_echo(sender, at, frame, now_us);
    }
    if (kind == WK_LINK_FRAME_TALK && sender->config.talk != NULL) {
        sender->config.talk(sender->config.self, frame->stream, frame->octets);
        return WK_OK;
    }
    if ((kind != WK_LINK_FRAME_ACK && kind != WK_LINK_FRAME_WANT) || stream == NULL) {
        return WK_E_FORMAT;
    }
    if (kind == WK_LINK_FRAME_WANT) {
        stream->wanted = true;
        stream->described = 0;
        return WK_OK;
    }
    return *resumes || !stream->known
               ? wk_link_stream_resume(stream, frame->next, frame->bitmap, now_us)
               : wk_link_stream_ack(stream, frame->next, frame->bitmap, now_us);
}

/* In a session numbers rise: what was recorded opens no second time. */
static wk_err open_packet(struct wk_link_sender *sender, uint8_t at,
                          const struct wk_link_head *head, uint8_t *packet, size_t *length)
{
    const uint32_t heard = head->opens ? 0 : sender->heard[at];
    const uint32_t number = wk_link_number(head->number, heard + 1);
    if (!head->opens && (number <= heard || number - heard > UINT32_MAX / 2)) {
        return WK_E_REPLAY;
    }
    WK_TRY(wk_link_open(&sender->keys[at], WK_LINK_TO_METER, number, packet, length));
    sender->heard[at] = number;
    return WK_OK;
}

wk_err wk_link_sender_receive(struct wk_link_sender *sender, uint8_t at, uint8_t *packet,
                              size_t length, int64_t now_us)
{
    struct wk_link_head head;
    struct wk_link_frame frame;
    bool resumes = false;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_sender_ready(sender, at);
    wk_link_read_head(&in, &head);
    WK_TRY(in.fault);
    if (head.session != sender->paths[at].session) {
        return WK_E_AUTH;
    }
    if (head.sealed) {
        WK_TRY(open_packet(sender, at, &head, packet, &length));
        in = wk_bytes_in_of(packet, length);
        wk_link_read_head(&in, &head);
    }
    if (sender->config.watch != NULL) {
        sender->config.watch(sender->config.self, at, false, packet, length);
    }
    sender->echoes = false;
    while (wk_bytes_in_left(&in) > 0) {
        wk_link_read(&in, &frame);
        WK_TRY(in.fault);
        /* Who does not know the session has no key for it. */
        if (head.sealed != sender->config.seal[at] && frame.kind != WK_LINK_FRAME_RESET) {
            return WK_E_AUTH;
        }
        WK_TRY(take_frame(sender, at, &frame, &resumes, now_us));
    }
    return WK_OK;
}

/* ---- time -------------------------------------------------------------------------------- */

static void tend_paths(struct wk_link_sender *sender, int64_t now_us)
{
    for (uint8_t i = 0; i < sender->config.path_count; i++) {
        struct wk_link_path *path = &sender->paths[i];
        if (path->state == WK_LINK_DOWN && now_us >= path->hello_us) {
            say_hello(sender, i, now_us);
        }
        if (wk_link_path_tick(path, take_back, sender, now_us)) {
            send_probe(sender, i, now_us);
        }
    }
}

static void tend_streams(struct wk_link_sender *sender, int64_t now_us)
{
    bool is_late = false;
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        struct wk_link_stream *stream = &sender->streams[i];
        if (wk_link_stream_look(stream) == WK_OK && wk_link_stream_is_late(stream, now_us)) {
            is_late = true;
        }
    }
    const uint8_t at = sender->active;
    if (is_late && at != WK_LINK_NO_PATH && wk_link_sender_is_usable(sender, at) &&
        now_us - sender->paths[at].asked_us >= WK_LINK_ACK_US) {
        send_probe(sender, at, now_us);
    }
}

/* Whether the owner comes in time, so that what did not come really is not there. */
static bool may_judge(struct wk_link_sender *sender, int64_t now_us)
{
    const bool late = sender->due_us != 0 && now_us - sender->due_us > WK_LINK_LATE_US;
    if (late) {
        sender->late_us = sender->late_us == 0 ? now_us : sender->late_us;
        sender->judge_us = now_us + WK_LINK_LATE_US;
    } else if (now_us >= sender->judge_us) {
        sender->late_us = 0;
    }
    return sender->late_us == 0 || now_us - sender->late_us > WK_LINK_LATE_MOST_US;
}

void wk_link_sender_step(struct wk_link_sender *sender, int64_t now_us)
{
    if (may_judge(sender, now_us)) {
        tend_paths(sender, now_us);
    }
    wk_link_sender_choose(sender, now_us);
    tend_streams(sender, now_us);
    wk_link_sender_alarms(sender, now_us);
    send_paced(sender, now_us);
    const int64_t due_us = wk_link_sender_due_us(sender);
    sender->due_us = due_us > now_us ? due_us : now_us;
}

wk_err wk_link_sender_say(struct wk_link_sender *sender, uint8_t conversation,
                          struct wk_bytes_in datagram)
{
    if (datagram.size == 0 || datagram.size > WK_LINK_TALK) {
        return WK_E_FULL;
    }
    if (sender->said_count == WK_LINK_SAID) {
        return WK_E_BUSY;
    }
    struct wk_link_said *said = &sender->said[sender->said_count++];
    said->conversation = conversation;
    said->size = (uint8_t)datagram.size;
    memcpy(said->octets, datagram.data, datagram.size);
    return WK_OK;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Whether a paced packet waits only for its time. */
static bool is_waiting(const struct wk_link_sender *sender)
{
    if (sender->again_count > 0 || sender->said_count > 0) {
        return true;
    }
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        struct wk_link_next next;
        struct wk_link_stream stream = sender->streams[i];
        if (stream.wanted || wk_link_stream_next(&stream, &next) == WK_OK) {
            return true;
        }
    }
    return false;
}

/* When the path in use may take what waits, or is to be asked for ACKs. */
static int64_t active_due_us(const struct wk_link_sender *sender)
{
    const struct wk_link_path *path = &sender->paths[sender->active];
    const bool fits =
        path->in_flight + wk_link_path_packet(path) <= wk_link_pace_room(&path->pace) &&
        wk_link_path_has_room(path);
    int64_t due = fits && is_waiting(sender) ? wk_link_path_free_us(path) : WK_LINK_NEVER_US;
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        const struct wk_link_stream *stream = &sender->streams[i];
        if ((stream->sent & ~stream->done) != 0) {
            const int64_t since =
                stream->waits_us > path->asked_us ? stream->waits_us : path->asked_us;
            due = sooner(due, since + WK_LINK_ACK_US);
        }
    }
    return due > path->busy_until_us ? due : path->busy_until_us;
}

int64_t wk_link_sender_due_us(const struct wk_link_sender *sender)
{
    int64_t due = WK_LINK_NEVER_US;
    for (uint8_t i = 0; i < sender->config.path_count; i++) {
        due = sooner(due, wk_link_path_due_us(&sender->paths[i]));
    }
    due = sender->late_us != 0 && due < sender->judge_us ? sender->judge_us : due;
    const bool goes =
        sender->active != WK_LINK_NO_PATH && wk_link_sender_is_usable(sender, sender->active);
    return goes ? sooner(due, active_due_us(sender)) : due;
}

void wk_link_sender_ready(struct wk_link_sender *sender, uint8_t path)
{
    sender->paths[path].busy_until_us = 0;
}

bool wk_link_sender_awaits(const struct wk_link_sender *sender)
{
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        const struct wk_link_stream *stream = &sender->streams[i];
        if ((stream->sent & ~stream->done) != 0) {
            return true;
        }
    }
    return false;
}

uint64_t wk_link_sender_behind(const struct wk_link_sender *sender)
{
    uint64_t behind = 0;
    for (uint8_t i = 0; i < sender->config.source_count; i++) {
        behind += wk_link_stream_behind(&sender->streams[i]);
    }
    return behind;
}
