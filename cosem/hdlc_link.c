/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/hdlc_link.h"

#include <string.h>

#define MODULO 8U

/* Reasons of FRMR: W, X, Y, Z of its third octet. */
#define REJECT_CONTROL 0x01
#define REJECT_LONG    0x04
#define REJECT_NR      0x08

static const uint8_t k_llc_command[WK_HDLC_LLC] = {0xE6, 0xE6, 0x00};
static const uint8_t k_llc_response[WK_HDLC_LLC] = {0xE6, 0xE7, 0x00};

typedef enum action {
    IGNORE = 0,
    ANSWER_DM,
    OPEN,     /* secondary: SNRM */
    LEAVE,    /* secondary: DISC */
    TAKE,     /* I */
    READY,    /* RR */
    WAIT,     /* RNR */
    NOTIFY,   /* UI */
    REFUSE,   /* secondary: FRMR */
    REPEAT,   /* secondary: FRMR once more */
    ACCEPTED, /* primary: UA of SNRM */
    LOST,     /* primary: DM, FRMR */
    ENDED,    /* primary: UA or DM of DISC */
} action;

/* By the order of wk_hdlc_control: */
enum { C_I, C_RR, C_RNR, C_SNRM, C_DISC, C_UA, C_DM, C_FRMR, C_UI, C_OTHER, CONTROLS };

static const uint8_t k_secondary[WK_HDLC_STATES][CONTROLS] = {
    [WK_HDLC_DISCONNECTED] = {[C_I] = ANSWER_DM,
                              [C_RR] = ANSWER_DM,
                              [C_RNR] = ANSWER_DM,
                              [C_SNRM] = OPEN,
                              [C_DISC] = ANSWER_DM,
                              [C_UI] = NOTIFY,
                              [C_OTHER] = ANSWER_DM},
    [WK_HDLC_CONNECTED] = {[C_I] = TAKE,
                           [C_RR] = READY,
                           [C_RNR] = WAIT,
                           [C_SNRM] = OPEN,
                           [C_DISC] = LEAVE,
                           [C_UI] = NOTIFY,
                           [C_OTHER] = REFUSE},
    [WK_HDLC_REJECTING] = {[C_I] = REPEAT,
                           [C_RR] = REPEAT,
                           [C_RNR] = REPEAT,
                           [C_SNRM] = OPEN,
                           [C_DISC] = LEAVE,
                           [C_UI] = NOTIFY,
                           [C_OTHER] = REPEAT},
};

static const uint8_t k_primary[WK_HDLC_STATES][CONTROLS] = {
    [WK_HDLC_DISCONNECTED] = {[C_UI] = NOTIFY},
    [WK_HDLC_CONNECTING] = {[C_UA] = ACCEPTED, [C_DM] = LOST, [C_FRMR] = LOST, [C_UI] = NOTIFY},
    [WK_HDLC_CONNECTED] = {[C_I] = TAKE,
                           [C_RR] = READY,
                           [C_RNR] = WAIT,
                           [C_DM] = LOST,
                           [C_FRMR] = LOST,
                           [C_UI] = NOTIFY},
    [WK_HDLC_DISCONNECTING] = {[C_UA] = ENDED, [C_DM] = ENDED, [C_UI] = NOTIFY},
};

static uint8_t column_of(wk_hdlc_control type)
{
    static const uint8_t k_types[CONTROLS - 1] = {WK_HDLC_I,    WK_HDLC_RR,   WK_HDLC_RNR,
                                                  WK_HDLC_SNRM, WK_HDLC_DISC, WK_HDLC_UA,
                                                  WK_HDLC_DM,   WK_HDLC_FRMR, WK_HDLC_UI};
    uint8_t column = 0;
    while (column < C_OTHER && k_types[column] != (uint8_t)type) {
        column++;
    }
    return column;
}

static uint8_t distance(uint8_t from, uint8_t to)
{
    return (uint8_t)((to + MODULO - from) % MODULO);
}

/* ---- set-up ------------------------------------------------------------------------------ */

static bool is_possible(const struct wk_hdlc_limits *limits)
{
    return limits->info_send >= 1 && limits->info_send <= WK_HDLC_INFO_MOST &&
           limits->info_receive >= 1 && limits->info_receive <= WK_HDLC_INFO_MOST &&
           limits->window_send >= 1 && limits->window_send < MODULO &&
           limits->window_receive >= 1 && limits->window_receive < MODULO;
}

wk_err wk_hdlc_link_init(struct wk_hdlc_link *link, const struct wk_hdlc_link_config *config)
{
    if (config->in == NULL || config->out == NULL || config->in_room <= WK_HDLC_LLC ||
        config->out_room <= WK_HDLC_LLC || !is_possible(&config->limits)) {
        return WK_E_ARGUMENT;
    }
    *link = (struct wk_hdlc_link){.config = *config};
    if (link->config.inactive_us == 0) {
        link->config.inactive_us = WK_HDLC_LINK_INACTIVE_US;
    }
    if (link->config.answer_us == 0) {
        link->config.answer_us = WK_HDLC_LINK_ANSWER_US;
    }
    if (link->config.tries == 0) {
        link->config.tries = WK_HDLC_LINK_TRIES;
    }
    return WK_OK;
}

bool wk_hdlc_is_for(const struct wk_hdlc_address *own,
                    const struct wk_hdlc_address *destination)
{
    const bool wide = destination->octets == 4;
    const uint16_t all = wide ? WK_HDLC_ALL_STATION_2 : WK_HDLC_ALL_STATION_1;
    const uint16_t calling = wide ? WK_HDLC_CALLING_2 : WK_HDLC_CALLING_1;
    const bool upper = destination->upper == own->upper || destination->upper == all;
    if (destination->octets == 1) {
        return upper;
    }
    return upper && (destination->lower == own->lower || destination->lower == all ||
                     destination->lower == calling);
}

static void begin_sequence(struct wk_hdlc_link *link)
{
    link->vs = 0;
    link->va = 0;
    link->vr = 0;
    link->high = 0;
    link->busy = false;
    link->in_size = 0;
    link->in_ready = false;
    link->out_size = 0;
    link->out_acked = 0;
    link->expecting = false;
}

static void answer(struct wk_hdlc_link *link, wk_hdlc_control type)
{
    link->answering = true;
    link->answer = type;
}

/* ---- what comes -------------------------------------------------------------------------- */

static wk_hdlc_event refuse(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame,
                            uint8_t reason)
{
    if (link->config.primary) {
        link->state = WK_HDLC_DISCONNECTED;
        link->due_us = 0;
        return WK_HDLC_FAILED;
    }
    link->reject[0] = frame->control;
    link->reject[1] =
        (uint8_t)((unsigned)link->vr << 5 | 0x10U | (unsigned)link->vs << 1); /* response */
    link->reject[2] = reason;
    link->state = WK_HDLC_REJECTING;
    link->counts.rejected++;
    answer(link, WK_HDLC_FRMR);
    return WK_HDLC_NOTHING;
}

/* Frames up to N(R) have arrived; what was sent beyond it has not. False: N(R) is impossible. */
static bool acknowledge(struct wk_hdlc_link *link, uint8_t nr)
{
    const uint8_t arrived = distance(link->va, nr);
    if (arrived > distance(link->va, link->high)) {
        return false;
    }
    const size_t octets = (size_t)arrived * link->agreed.info_send;
    const size_t left = link->out_size - link->out_acked;
    link->out_acked += octets < left ? octets : left;
    link->va = nr;
    link->vs = nr;
    return true;
}

static wk_hdlc_event complete(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame)
{
    const uint8_t *llc = link->config.primary ? k_llc_response : k_llc_command;
    if (link->in_size <= WK_HDLC_LLC || memcmp(link->config.in, llc, WK_HDLC_LLC) != 0) {
        return refuse(link, frame, REJECT_CONTROL);
    }
    link->in_ready = true;
    link->expecting = false;
    return WK_HDLC_APDU;
}

static wk_hdlc_event take(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame)
{
    if (frame->ns != link->vr) {
        return WK_HDLC_NOTHING; /* came before, or one before it is missing: our N(R) tells */
    }
    if (link->in_ready) { /* the APDU before has been served */
        link->in_ready = false;
        link->in_size = 0;
    }
    if (frame->info_size > link->agreed.info_receive ||
        frame->info_size > link->config.in_room - link->in_size) {
        return refuse(link, frame, REJECT_LONG);
    }
    if (frame->info_size > 0) {
        memcpy(link->config.in + link->in_size, frame->info, frame->info_size);
    }
    link->in_size += frame->info_size;
    link->vr = (uint8_t)((link->vr + 1U) % MODULO);
    if (!link->config.primary) { /* a new request: who asks anew does not want the old answer */
        link->out_size = 0;
        link->out_acked = 0;
        link->high = link->va;
    }
    return frame->segmented ? WK_HDLC_NOTHING : complete(link, frame);
}

static wk_hdlc_event open_secondary(struct wk_hdlc_link *link,
                                    const struct wk_hdlc_frame *frame)
{
    struct wk_hdlc_limits theirs;
    if (wk_hdlc_read_limits(frame->info, frame->info_size, &theirs) != WK_OK) {
        answer(link, WK_HDLC_DM); /* what it asks for is not there */
        return WK_HDLC_NOTHING;
    }
    link->agreed = wk_hdlc_limits_agree(&link->config.limits, &theirs);
    link->state = WK_HDLC_CONNECTED;
    begin_sequence(link);
    answer(link, WK_HDLC_UA);
    return WK_HDLC_OPENED;
}

static wk_hdlc_event open_primary(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame)
{
    struct wk_hdlc_limits theirs;
    link->due_us = 0;
    if (wk_hdlc_read_limits(frame->info, frame->info_size, &theirs) != WK_OK) {
        link->state = WK_HDLC_DISCONNECTED;
        return WK_HDLC_FAILED;
    }
    link->agreed = wk_hdlc_limits_agree(&link->config.limits, &theirs);
    link->state = WK_HDLC_CONNECTED;
    begin_sequence(link);
    link->turn = false;
    return WK_HDLC_OPENED;
}

static wk_hdlc_event notify(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame)
{
    const uint8_t *llc = link->config.primary ? k_llc_response : k_llc_command;
    if (frame->info_size <= WK_HDLC_LLC || frame->segmented ||
        memcmp(frame->info, llc, WK_HDLC_LLC) != 0) {
        return WK_HDLC_NOTHING;
    }
    link->note = frame->info + WK_HDLC_LLC;
    link->note_size = frame->info_size - WK_HDLC_LLC;
    return WK_HDLC_NOTE;
}

static wk_hdlc_event close_with(struct wk_hdlc_link *link, wk_hdlc_event event)
{
    const bool was = link->state != WK_HDLC_DISCONNECTED;
    link->state = WK_HDLC_DISCONNECTED;
    link->due_us = 0;
    link->expecting = false;
    link->counts.rejected += event == WK_HDLC_FAILED ? 1 : 0;
    return was ? event : WK_HDLC_NOTHING;
}

static wk_hdlc_event act(struct wk_hdlc_link *link, const struct wk_hdlc_frame *frame,
                         action what)
{
    switch (what) {
    case ANSWER_DM:
        answer(link, WK_HDLC_DM);
        return WK_HDLC_NOTHING;
    case OPEN:
        return open_secondary(link, frame);
    case LEAVE:
        answer(link, WK_HDLC_UA);
        return close_with(link, WK_HDLC_CLOSED);
    case TAKE:
        link->busy = false;
        return acknowledge(link, frame->nr) ? take(link, frame)
                                            : refuse(link, frame, REJECT_NR);
    case READY:
    case WAIT:
        link->busy = what == WAIT;
        return acknowledge(link, frame->nr) ? WK_HDLC_NOTHING : refuse(link, frame, REJECT_NR);
    case NOTIFY:
        return notify(link, frame);
    case REFUSE:
        return refuse(link, frame, REJECT_CONTROL);
    case REPEAT:
        answer(link, WK_HDLC_FRMR);
        return WK_HDLC_NOTHING;
    case ACCEPTED:
        return open_primary(link, frame);
    case LOST:
        return close_with(link, WK_HDLC_FAILED);
    case ENDED:
        return close_with(link, WK_HDLC_CLOSED);
    case IGNORE:
    default:
        return WK_HDLC_NOTHING;
    }
}

wk_hdlc_event wk_hdlc_link_receive(struct wk_hdlc_link *link, int64_t now_us,
                                   const struct wk_hdlc_frame *frame)
{
    const bool primary = link->config.primary;
    const action what =
        (action)(primary ? k_primary : k_secondary)[link->state][column_of(frame->type)];
    link->counts.frames_in++;
    link->heard_us = now_us;
    link->note = NULL;
    const wk_hdlc_event event = act(link, frame, what);
    if (frame->type == WK_HDLC_UI || what == IGNORE) {
        return event;
    }
    link->turn = frame->poll;
    link->answering = link->answering && frame->poll;
    if (primary && frame->poll && link->state == WK_HDLC_CONNECTED) {
        link->tries = 0;
        const bool unsent = link->out_acked < link->out_size && !link->busy;
        const bool more = link->in_size > 0 && !link->in_ready;
        /* who is not ready yet is asked again in a while, not at once */
        link->turn = unsent || more;
        link->due_us = link->expecting || unsent ? now_us + WK_HDLC_LINK_POLL_US : 0;
    }
    return event;
}

struct wk_bytes_in wk_hdlc_link_apdu(const struct wk_hdlc_link *link)
{
    if (link->note != NULL) {
        return wk_bytes_in_of(link->note, link->note_size);
    }
    return link->in_ready
               ? wk_bytes_in_of(link->config.in + WK_HDLC_LLC, link->in_size - WK_HDLC_LLC)
               : wk_bytes_in_of(NULL, 0);
}

/* ---- what goes --------------------------------------------------------------------------- */

struct wk_bytes_out wk_hdlc_link_begin(struct wk_hdlc_link *link)
{
    struct wk_bytes_out out = wk_bytes_out_of(link->config.out, link->config.out_room);
    wk_bytes_out_put(&out, link->config.primary ? k_llc_command : k_llc_response, WK_HDLC_LLC);
    return out;
}

wk_err wk_hdlc_link_send(struct wk_hdlc_link *link, int64_t now_us,
                         const struct wk_bytes_out *apdu)
{
    if (link->state != WK_HDLC_CONNECTED || link->out_acked < link->out_size) {
        return WK_E_STATE;
    }
    if (apdu->fault != WK_OK) {
        return WK_E_FULL;
    }
    link->out_acked = 0;
    link->out_size = apdu->size > WK_HDLC_LLC ? apdu->size : 0;
    if (link->config.primary) {
        link->turn = true;
        link->tries = 0;
        link->expecting = link->out_size > 0;
        link->due_us = now_us + link->config.answer_us;
        link->in_ready = false;
        link->in_size = 0;
    }
    return WK_OK;
}

/* The next segment, if the window has room for it. */
static bool next_segment(const struct wk_hdlc_link *link, struct wk_hdlc_frame *frame)
{
    const uint8_t ahead = distance(link->va, link->vs);
    const size_t at = link->out_acked + (size_t)ahead * link->agreed.info_send;
    if (link->busy || ahead >= link->agreed.window_send || at >= link->out_size) {
        return false;
    }
    const size_t left = link->out_size - at;
    const bool last = left <= link->agreed.info_send;
    frame->type = WK_HDLC_I;
    frame->ns = link->vs;
    frame->info = link->config.out + at;
    frame->info_size = last ? left : link->agreed.info_send;
    frame->segmented = !last;
    frame->poll = last || ahead + 1U >= link->agreed.window_send;
    return true;
}

static void fill_answer(const struct wk_hdlc_link *link, uint8_t info[32],
                        struct wk_hdlc_frame *frame)
{
    struct wk_bytes_out out = wk_bytes_out_of(info, 32);
    const bool opened = link->state == WK_HDLC_CONNECTED || link->state == WK_HDLC_CONNECTING;
    frame->type = link->answer;
    if ((link->answer == WK_HDLC_UA || link->answer == WK_HDLC_SNRM) && opened) {
        wk_hdlc_put_limits(&out, link->config.primary ? &link->config.limits : &link->agreed);
    } else if (link->answer == WK_HDLC_FRMR) {
        wk_bytes_out_put(&out, link->reject, sizeof link->reject);
    }
    frame->info = info;
    frame->info_size = out.size;
}

bool wk_hdlc_link_output(struct wk_hdlc_link *link, int64_t now_us, struct wk_bytes_out *out)
{
    uint8_t info[32];
    struct wk_hdlc_frame frame = {.destination = link->config.remote,
                                  .source = link->config.local,
                                  .nr = link->vr,
                                  .poll = true};
    if (!link->turn) {
        return false;
    }
    if (link->answering) {
        fill_answer(link, info, &frame);
        link->answering = false;
    } else if (link->state != WK_HDLC_CONNECTED) {
        link->turn = false;
        return false;
    } else if (next_segment(link, &frame)) {
        const bool again = link->vs != link->high;
        link->counts.repeated += again ? 1 : 0;
        link->vs = (uint8_t)((link->vs + 1U) % MODULO);
        link->high = again ? link->high : link->vs;
    } else {
        frame.type = WK_HDLC_RR;
    }
    link->turn = !frame.poll;
    link->counts.frames_out++;
    wk_hdlc_put(out, &frame);
    if (link->config.primary && frame.poll) {
        link->due_us = now_us + link->config.answer_us;
    }
    return true;
}

/* ---- time -------------------------------------------------------------------------------- */

wk_hdlc_event wk_hdlc_link_tick(struct wk_hdlc_link *link, int64_t now_us)
{
    if (!link->config.primary) {
        const bool idle = link->state != WK_HDLC_DISCONNECTED &&
                          now_us - link->heard_us >= link->config.inactive_us;
        return idle ? close_with(link, WK_HDLC_CLOSED) : WK_HDLC_NOTHING;
    }
    if (link->due_us == 0 || now_us < link->due_us) {
        return WK_HDLC_NOTHING;
    }
    link->counts.timeouts++;
    if (++link->tries >= link->config.tries) {
        const bool leaving = link->state == WK_HDLC_DISCONNECTING;
        return close_with(link, leaving ? WK_HDLC_CLOSED : WK_HDLC_FAILED);
    }
    link->turn = true;
    link->vs = link->va; /* what is not acknowledged goes again; without any: RR asks */
    link->due_us = now_us + link->config.answer_us;
    if (link->state == WK_HDLC_CONNECTING || link->state == WK_HDLC_DISCONNECTING) {
        answer(link, link->state == WK_HDLC_CONNECTING ? WK_HDLC_SNRM : WK_HDLC_DISC);
    }
    return WK_HDLC_NOTHING;
}

/* ---- the primary ------------------------------------------------------------------------- */

static void ask(struct wk_hdlc_link *link, int64_t now_us, wk_hdlc_state state,
                wk_hdlc_control type)
{
    link->state = state;
    link->turn = true;
    link->tries = 0;
    link->due_us = now_us + link->config.answer_us;
    answer(link, type);
}

wk_err wk_hdlc_link_connect(struct wk_hdlc_link *link, int64_t now_us)
{
    if (!link->config.primary || link->state != WK_HDLC_DISCONNECTED) {
        return WK_E_STATE;
    }
    begin_sequence(link);
    ask(link, now_us, WK_HDLC_CONNECTING, WK_HDLC_SNRM);
    return WK_OK;
}

void wk_hdlc_link_disconnect(struct wk_hdlc_link *link, int64_t now_us)
{
    if (link->config.primary && link->state != WK_HDLC_DISCONNECTED) {
        ask(link, now_us, WK_HDLC_DISCONNECTING, WK_HDLC_DISC);
    } else {
        (void)close_with(link, WK_HDLC_CLOSED);
    }
}
