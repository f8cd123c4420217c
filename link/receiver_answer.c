/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiver of the link: what it says, and when. */
#include "link/receiver_part.h"

/* ---- packets that go --------------------------------------------------------------------- */

void wk_link_receiver_send(struct wk_link_receiver *receiver, uint8_t at,
                           struct wk_bytes_out *out, bool opens)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_session *session = &receiver->sessions[at];
    struct wk_link_opening opening = {.title = NULL};
    size_t size = out->size;
    if (session->sealed) {
        if (opens && config->random(config->self, opening.iv, sizeof opening.iv) != WK_OK) {
            return;
        }
        if (wk_link_seal(&session->keys, WK_LINK_TO_METER, opens ? &opening : NULL,
                         session->sent, receiver->packet, &size) != WK_OK) {
            return;
        }
    }
    /* A packet that does not go is as good as lost: the meter asks again. */
    (void)config->transmit(config->self, receiver, at, receiver->packet, size);
}

void wk_link_receiver_begin(struct wk_link_receiver *receiver, uint8_t at,
                            struct wk_bytes_out *out)
{
    struct wk_link_session *session = &receiver->sessions[at];
    const struct wk_link_head head = {.session = session->id, .number = ++session->sent};
    *out = wk_bytes_out_of(receiver->packet, WK_LINK_PACKET);
    wk_link_write_head(out, &head);
}

void wk_link_receiver_send_echo(struct wk_link_receiver *receiver, uint8_t at, bool back,
                                struct wk_bytes_in octets)
{
    const struct wk_link_frame echo = {
        .kind = WK_LINK_FRAME_ECHO, .stream = back ? 1 : 0, .octets = octets};
    struct wk_bytes_out out;
    wk_link_receiver_begin(receiver, at, &out);
    wk_link_write(&out, &echo);
    wk_link_receiver_send(receiver, at, &out, false);
}

/* ---- answers ----------------------------------------------------------------------------- */

/* ACKs of the streams that changed; of all, and what is wanted, behind WELCOME. */
static void put_acks(struct wk_link_receiver *receiver, bool all, struct wk_bytes_out *out)
{
    for (uint8_t i = 0; i < WK_LINK_STREAMS; i++) {
        struct wk_link_inflow *stream = &receiver->streams[i];
        if (!stream->known || !(all || stream->dirty)) {
            continue;
        }
        const struct wk_link_frame ack = {.kind = WK_LINK_FRAME_ACK,
                                          .stream = i,
                                          .next = stream->next,
                                          .bitmap = stream->done >> 1};
        wk_link_write(out, &ack);
        stream->dirty = false;
        if (stream->wanted && all) {
            const struct wk_link_frame want = {.kind = WK_LINK_FRAME_WANT, .stream = i};
            wk_link_write(out, &want);
        }
    }
    receiver->ack_us = WK_LINK_NEVER_DUE_US;
}

static void welcome(struct wk_link_receiver *receiver, uint8_t at)
{
    const struct wk_link_receiver_config *config = &receiver->config;
    struct wk_link_session *session = &receiver->sessions[at];
    struct wk_link_frame frame = {.kind = WK_LINK_FRAME_WELCOME, .epoch = config->instance};
    struct wk_bytes_out out;
    session->welcome = false;
    if (config->random(config->self, frame.nonce, sizeof frame.nonce) != WK_OK) {
        session->id = 0;
        return;
    }
    wk_link_receiver_begin(receiver, at, &out);
    wk_link_write(&out, &frame);
    if (!session->unproven) {
        put_acks(receiver, true, &out);
    }
    wk_link_receiver_send(receiver, at, &out, true);
    if (session->sealed &&
        wk_link_seal_agree(&session->keys, session->nonce, frame.nonce) != WK_OK) {
        session->id = 0;
    }
}

static void report(struct wk_link_receiver *receiver, uint8_t at, bool arrived, int64_t now_us)
{
    struct wk_link_session *session = &receiver->sessions[at];
    struct wk_bytes_out out;
    wk_link_receiver_begin(receiver, at, &out);
    if (arrived && session->any) {
        const struct wk_link_frame frame = {.kind = WK_LINK_FRAME_REPORT,
                                            .highest = session->highest,
                                            .seen = session->seen,
                                            .arrival_us = (uint32_t)session->arrival_us,
                                            .held_us =
                                                (uint32_t)(now_us - session->arrival_us)};
        wk_link_write(&out, &frame);
    }
    put_acks(receiver, false, &out);
    session->unreported = 0;
    session->asked = false;
    wk_link_receiver_send(receiver, at, &out, false);
}

static bool report_is_due(const struct wk_link_session *session, int64_t now_us)
{
    return session->id != 0 &&
           (session->asked || session->unreported >= WK_LINK_REPORT_PACKETS ||
            (session->unreported > 0 && now_us >= session->report_us));
}

void wk_link_receiver_hurry(struct wk_link_receiver *receiver, uint8_t session)
{
    receiver->sessions[session].asked = receiver->sessions[session].any;
}

void wk_link_receiver_step(struct wk_link_receiver *receiver, int64_t now_us)
{
    for (uint8_t i = 0; i < WK_LINK_SESSIONS; i++) {
        if (receiver->sessions[i].id != 0 && receiver->sessions[i].welcome) {
            welcome(receiver, i);
        }
        if (report_is_due(&receiver->sessions[i], now_us)) {
            report(receiver, i, true, now_us);
        }
    }
    if (now_us >= receiver->ack_us && receiver->newest != WK_LINK_NO_SESSION) {
        const bool any = receiver->sessions[receiver->newest].unreported > 0;
        report(receiver, receiver->newest, any, now_us);
    }
}

int64_t wk_link_receiver_due_us(const struct wk_link_receiver *receiver)
{
    int64_t due = receiver->ack_us;
    for (uint8_t i = 0; i < WK_LINK_SESSIONS; i++) {
        const struct wk_link_session *session = &receiver->sessions[i];
        if (session->id != 0 && (session->welcome || session->asked ||
                                 session->unreported >= WK_LINK_REPORT_PACKETS)) {
            return 0;
        }
        if (session->id != 0 && session->unreported > 0 && session->report_us < due) {
            due = session->report_us;
        }
    }
    return due;
}

/* Who answered, and what is between them agreed. */
static bool is_open(const struct wk_link_receiver *receiver, uint8_t at)
{
    const struct wk_link_session *session = &receiver->sessions[at];
    return receiver->met && session->id != 0 && !session->welcome && !session->unproven;
}

wk_err wk_link_receiver_echo(struct wk_link_receiver *receiver, uint8_t at, uint8_t number,
                             size_t size)
{
    uint8_t octets[WK_LINK_TALK] = {number};
    if (size == 0 || size > sizeof octets) {
        return WK_E_FULL;
    }
    if (at >= WK_LINK_SESSIONS || !is_open(receiver, at)) {
        return WK_E_CLOSED;
    }
    wk_link_receiver_send_echo(receiver, at, false, wk_bytes_in_of(octets, size));
    return WK_OK;
}

wk_err wk_link_receiver_say(struct wk_link_receiver *receiver, uint8_t conversation,
                            struct wk_bytes_in datagram)
{
    const uint8_t at = receiver->newest;
    const struct wk_link_frame talk = {
        .kind = WK_LINK_FRAME_TALK, .stream = conversation, .octets = datagram};
    struct wk_bytes_out out;
    if (datagram.size == 0 || datagram.size > WK_LINK_TALK) {
        return WK_E_FULL;
    }
    if (at == WK_LINK_NO_SESSION || !is_open(receiver, at)) {
        return WK_E_CLOSED;
    }
    wk_link_receiver_begin(receiver, at, &out);
    wk_link_write(&out, &talk);
    wk_link_receiver_send(receiver, at, &out, false);
    return WK_OK;
}

size_t wk_link_receiver_reset(const uint8_t *packet, size_t length, uint8_t *answer)
{
    struct wk_link_head head;
    struct wk_bytes_in in = wk_bytes_in_of(packet, length);
    wk_link_read_head(&in, &head);
    if (in.fault != WK_OK || head.opens) {
        return 0;
    }
    const struct wk_link_head back = {.session = head.session};
    const struct wk_link_frame reset = {.kind = WK_LINK_FRAME_RESET};
    struct wk_bytes_out out = wk_bytes_out_of(answer, 16);
    wk_link_write_head(&out, &back);
    wk_link_write(&out, &reset);
    return out.size;
}
