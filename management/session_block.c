/* SPDX-License-Identifier: Apache-2.0
 *
 * General block transfer of a session. A request is gathered in the stage; a reply goes out
 * from there, a window at a time. */
#include <string.h>

#include "cosem/initiate.h"
#include "management/session_part.h"

/* ---- replies ----------------------------------------------------------------------------- */

static void put_next(struct wk_session *session, struct wk_bytes_out *reply)
{
    struct wk_session_blocks *blocks = &session->blocks;
    wk_gbt_next(&blocks->sender, session->stage, blocks->peer, WK_SESSION_WINDOW, reply);
}

/* The first window of what is staged, or the next one. */
static wk_err load(struct wk_session *session)
{
    const struct wk_session_get *get = &session->get;
    return wk_gbt_load(&session->blocks.sender, get->size, get->finished);
}

static void abort_transfer(struct wk_session_turn *turn)
{
    wk_session_end_transfers(turn->session);
    wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
}

void wk_session_begin_blocks(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_blocks *blocks = &session->blocks;
    const size_t block = wk_session_reply_limit(session) - WK_GBT_HEAD;
    if (!turn->by_blocks) {
        blocks->peer = 0;
        blocks->own = 0;
        blocks->window = 1; /* the client will say how many it takes */
    }
    blocks->sending = true;
    wk_gbt_send(&blocks->sender, blocks->own, block, blocks->window);
}

void wk_session_cut(struct wk_session_turn *turn, size_t begin, struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    const size_t size = reply->size - begin;
    if (!session->blocks.sending) {
        if (size == 0 || (!turn->by_blocks && size <= wk_session_reply_limit(session))) {
            return;
        }
        if (size > sizeof session->stage) {
            reply->size = begin;
            abort_transfer(turn);
            return;
        }
        memcpy(session->stage, reply->data + begin, size);
        reply->size = begin;
        session->get = (struct wk_session_get){
            .finished = true,
            .source = WK_SESSION_OF_ANY,
            .size = size,
        };
        wk_session_begin_blocks(turn);
    }
    if (load(session) != WK_OK) {
        abort_transfer(turn);
        return;
    }
    put_next(session, reply);
}

/* The client has taken what it says, and wants more. */
static void answer_acknowledgement(struct wk_session_turn *turn,
                                   const struct wk_gbt_block *block, struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    struct wk_session_blocks *blocks = &session->blocks;
    struct wk_session_get *get = &session->get;
    wk_err err = wk_gbt_acknowledge(&blocks->sender, block->ack, block->window);
    blocks->peer = block->number > blocks->peer ? block->number : blocks->peer;
    if (err == WK_OK && wk_gbt_wants(&blocks->sender)) {
        get->at = blocks->sender.size;
        turn->clear = true; /* what is not yet made is not protected */
        err = wk_session_fill(turn, sizeof session->stage);
        err = err == WK_OK ? load(session) : err;
    }
    if (err != WK_OK) {
        abort_transfer(turn);
    } else if (blocks->sender.done) {
        wk_session_end_transfers(session);
    } else {
        put_next(session, reply);
    }
}

bool wk_session_continues(const struct wk_session *session)
{
    return session->blocks.sending && wk_gbt_may_send(&session->blocks.sender);
}

wk_err wk_session_continue(struct wk_session *session, struct wk_bytes_out *reply)
{
    if (wk_bytes_out_left(reply) < WK_SESSION_REPLY) {
        return WK_E_ARGUMENT;
    }
    if (!wk_session_continues(session)) {
        return WK_E_STATE;
    }
    put_next(session, reply);
    return WK_OK;
}

/* ---- requests ---------------------------------------------------------------------------- */

static void put_acknowledgement(struct wk_session_blocks *blocks, struct wk_bytes_out *reply)
{
    blocks->own++;
    const struct wk_gbt_block block = {
        .window = WK_SESSION_WINDOW,
        .number = blocks->own,
        .ack = blocks->peer,
    };
    wk_gbt_put(reply, &block);
}

static wk_err gather(struct wk_session *session, const struct wk_gbt_block *block)
{
    struct wk_session_blocks *blocks = &session->blocks;
    if (block->data.size > sizeof session->stage - blocks->gathered) {
        return WK_E_FULL;
    }
    if (block->data.size > 0) {
        memcpy(session->stage + blocks->gathered, block->data.data, block->data.size);
    }
    blocks->gathered += block->data.size;
    return WK_OK;
}

bool wk_session_take_block(struct wk_session_turn *turn, struct wk_bytes_in *in,
                           struct wk_bytes_out *reply, struct wk_bytes_in *apdu)
{
    struct wk_session *session = turn->session;
    struct wk_session_blocks *blocks = &session->blocks;
    struct wk_gbt_block block;
    if (!wk_session_agreed(session, WK_CONFORMANCE_GENERAL_BLOCKS)) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_SERVICE_NOT_SUPPORTED);
        return false;
    }
    if (wk_gbt_read(in, &block) != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_OTHER_ERROR);
        return false;
    }
    if (blocks->sending && block.data.size == 0) {
        answer_acknowledgement(turn, &block, reply);
        return false;
    }
    if (block.number == 1) {
        wk_session_end_transfers(session);
        *blocks = (struct wk_session_blocks){.receiving = true};
    }
    if (!blocks->receiving || block.data.size == 0) {
        abort_transfer(turn);
        return false;
    }
    blocks->window = block.window;
    const bool due = wk_gbt_take(&blocks->peer, &block);
    if (due && gather(session, &block) != WK_OK) {
        wk_session_end_transfers(session);
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_PDU_TOO_LONG);
        return false;
    }
    if (due && block.last) {
        blocks->receiving = false;
        *apdu = wk_bytes_in_of(session->stage, blocks->gathered);
        return true;
    }
    if (!block.streaming) {
        put_acknowledgement(blocks, reply);
    }
    return false;
}
