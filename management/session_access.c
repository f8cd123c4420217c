/* SPDX-License-Identifier: Apache-2.0
 *
 * ACCESS: the items are carried out in their order, each when its value is staged. In clear the
 * response may be longer than the stage: the rest follows when the client has taken what is
 * before it. */
#include <string.h>

#include "cosem/access.h"
#include "cosem/axdr.h"
#include "cosem/initiate.h"
#include "management/session_part.h"

#define RESULT_SIZE 2 /* octets of a result: kind, result */
#define COUNT_SIZE  1 /* of a list: WK_SESSION_LIST is below 128 */

enum { HEAD, LIST, VALUES, RESULTS };

/* ---- items ------------------------------------------------------------------------------- */

static void read_item(struct wk_session_turn *turn, wk_access_kind kind,
                      const struct wk_apdu_target *target, struct wk_session_item *item)
{
    struct wk_session *session = turn->session;
    if (kind == WK_ACCESS_GET || kind == WK_ACCESS_GET_SELECTED) {
        wk_session_read_item(turn, target, item);
        return;
    }
    *item = (struct wk_session_item){.attribute = target->id};
    item->refusal = kind == WK_ACCESS_ACTION
                        ? wk_session_check_action(session, target, &item->object)
                        : wk_session_check_set(session, target, &item->object);
}

static uint8_t kind_shown(wk_access_kind kind)
{
    switch (kind) {
    case WK_ACCESS_SET:
    case WK_ACCESS_SET_SELECTED:
        return WK_ACCESS_SET;
    case WK_ACCESS_ACTION:
        return WK_ACCESS_ACTION;
    case WK_ACCESS_GET:
    case WK_ACCESS_GET_SELECTED:
    default:
        return WK_ACCESS_GET;
    }
}

static void read_items(struct wk_session_turn *turn, const struct wk_access_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_session_access *access = &session->access;
    struct wk_bytes_in list = request->list;
    for (uint32_t i = 0; i < request->count; i++) {
        struct wk_apdu_target target;
        const wk_access_kind kind = wk_access_read_target(&list, &target);
        access->kind[i] = kind_shown(kind);
        access->result[i] = WK_APDU_OTHER_REASON;
        read_item(turn, kind, &target, &session->items[i]);
    }
}

/* ---- pieces of the response -------------------------------------------------------------- */

static struct wk_bytes_in next_value(struct wk_session *session)
{
    struct wk_session_access *access = &session->access;
    struct wk_bytes_in in = wk_bytes_in_of(session->plain, access->value_end);
    in.at = access->value_at;
    const struct wk_bytes_in value = wk_axdr_take(&in);
    access->value_at = in.at;
    return value;
}

/* What a method returns is written behind the stage's end, null-data if nothing. */
static wk_apdu_access stage_action(struct wk_session_turn *turn,
                                   const struct wk_session_item *item, struct wk_bytes_in value,
                                   struct wk_bytes_out *stage)
{
    const bool none = value.size == 1 && value.data[0] == WK_AXDR_NULL;
    struct wk_bytes_in parameter = none ? wk_bytes_in_of(NULL, 0) : value;
    struct wk_bytes_out reply =
        wk_bytes_out_of(stage->data + stage->size, wk_bytes_out_left(stage));
    const wk_apdu_access access = wk_session_invoke_item(turn, item, &parameter, &reply);
    if (access != WK_APDU_SUCCESS || reply.fault != WK_OK || reply.size == 0) {
        wk_axdr_put_null(stage);
        return reply.fault != WK_OK ? WK_APDU_BLOCK_UNAVAILABLE : access;
    }
    (void)wk_bytes_out_reserve(stage, reply.size);
    return access;
}

static wk_err stage_get(struct wk_session_turn *turn, const struct wk_session_item *item,
                        struct wk_bytes_out *stage, wk_apdu_access *access)
{
    struct wk_session_get *get = &turn->session->get;
    const struct wk_bytes_out before = *stage;
    const bool goes_on = get->cursor.more;
    const bool streams =
        turn->clear && wk_session_agreed(turn->session, WK_CONFORMANCE_GENERAL_BLOCKS);
    wk_err err = wk_session_stage_value(turn, item, stage);
    if (err == WK_E_FULL && before.size > 0 && streams) {
        return WK_E_FULL;
    }
    if (err == WK_OK && get->cursor.more && !streams) {
        err = WK_E_FULL;
    }
    if (err != WK_OK && goes_on) {
        return err;
    }
    if (err != WK_OK) {
        *stage = before;
        get->cursor = (struct wk_object_cursor){0};
        wk_axdr_put_null(stage);
    }
    *access = wk_session_access_of(err);
    return WK_OK;
}

/* One item, or a part of a long one. WK_E_FULL: what is staged must be sent first. */
static wk_err stage_item(struct wk_session_turn *turn, struct wk_bytes_out *stage)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    struct wk_session_access *access = &session->access;
    const struct wk_session_item *item = &session->items[get->index];
    const bool get_goes_on = get->cursor.more;
    wk_apdu_access result = access->broken ? WK_APDU_OTHER_REASON : item->refusal;
    if (result != WK_APDU_SUCCESS) {
        wk_axdr_put_null(stage);
        WK_TRY(stage->fault);
    } else if (access->kind[get->index] == WK_ACCESS_GET) {
        WK_TRY(stage_get(turn, item, stage, &result));
    } else if (wk_bytes_out_left(stage) < sizeof session->stage / 2 && stage->size > 0 &&
               turn->clear && wk_session_agreed(session, WK_CONFORMANCE_GENERAL_BLOCKS)) {
        return WK_E_FULL; /* a method is carried out once: let it have room to return much */
    }
    const bool reads = access->kind[get->index] == WK_ACCESS_GET;
    if (!get_goes_on) {
        const struct wk_bytes_in value = next_value(session);
        if (result == WK_APDU_SUCCESS && access->kind[get->index] == WK_ACCESS_SET) {
            result = wk_session_set_item(turn, item, value);
            wk_axdr_put_null(stage);
        } else if (result == WK_APDU_SUCCESS && !reads) {
            result = stage_action(turn, item, value, stage);
        }
    }
    access->result[get->index] = (uint8_t)result;
    if (result != WK_APDU_SUCCESS && (access->invoke & WK_ACCESS_BREAK) != 0) {
        access->broken = true;
    }
    if (!get->cursor.more) {
        get->index++;
        get->cursor = (struct wk_object_cursor){0};
    }
    return WK_OK;
}

static wk_err stage_head(struct wk_session *session, struct wk_bytes_out *stage)
{
    struct wk_session_access *access = &session->access;
    const bool described = (access->invoke & WK_ACCESS_DESCRIPTIVE) != 0;
    wk_bytes_out_u8(stage, WK_APDU_ACCESS_RESPONSE);
    wk_bytes_out_u32be(stage, access->invoke);
    wk_axdr_put_length(stage, 0); /* no date-time */
    wk_bytes_out_u8(stage, described ? 1 : 0);
    wk_axdr_put_length(stage, session->get.count);
    access->phase = described ? LIST : VALUES;
    return stage->fault;
}

/* What the request was about, as much as fits; then the count of the values. */
static wk_err stage_list(struct wk_session *session, struct wk_bytes_out *stage)
{
    struct wk_session_access *access = &session->access;
    const size_t left = access->list_end - access->list_at;
    const size_t room = wk_bytes_out_left(stage);
    const size_t size = left < room ? left : room;
    if (room == 0) {
        return WK_E_FULL;
    }
    if (left == 0) {
        wk_axdr_put_length(stage, session->get.count);
        access->phase = VALUES;
        return WK_OK;
    }
    wk_bytes_out_put(stage, session->plain + access->list_at, size);
    access->list_at += size;
    return WK_OK;
}

static wk_err stage_results(struct wk_session *session, struct wk_bytes_out *stage)
{
    const struct wk_session_access *access = &session->access;
    const uint8_t count = session->get.count;
    if (wk_bytes_out_left(stage) < COUNT_SIZE + (size_t)count * RESULT_SIZE) {
        return WK_E_FULL;
    }
    wk_axdr_put_length(stage, count);
    for (uint8_t i = 0; i < count; i++) {
        wk_bytes_out_u8(stage, access->kind[i]);
        wk_bytes_out_u8(stage, access->result[i]);
    }
    session->get.finished = true;
    return WK_OK;
}

/* Room that values may not take: of the results, and of a null for each value to come. */
static size_t reserve_of(const struct wk_session *session)
{
    const struct wk_session_get *get = &session->get;
    return COUNT_SIZE + (size_t)get->count * RESULT_SIZE + get->count - get->index - 1U;
}

static wk_err stage_access(struct wk_session_turn *turn, struct wk_bytes_out *stage)
{
    struct wk_session *session = turn->session;
    switch (session->access.phase) {
    case HEAD:
        return stage_head(session, stage);
    case LIST:
        return stage_list(session, stage);
    case VALUES:
        break;
    default:
        return stage_results(session, stage);
    }
    if (session->get.index == session->get.count) {
        session->access.phase = RESULTS;
        return WK_OK;
    }
    const size_t reserve = reserve_of(session);
    if (wk_bytes_out_left(stage) <= reserve) {
        return WK_E_FULL;
    }
    struct wk_bytes_out part = *stage;
    part.room -= reserve;
    WK_TRY(stage_item(turn, &part));
    WK_TRY(part.fault);
    stage->size = part.size;
    return WK_OK;
}

/* ---- the request ------------------------------------------------------------------------- */

/* All of the response at once, in `room` octets. */
static wk_err fill_whole(struct wk_session_turn *turn, size_t room)
{
    struct wk_session *session = turn->session;
    const size_t most = room < sizeof session->stage ? room : sizeof session->stage;
    struct wk_bytes_out stage = wk_bytes_out_of(session->stage, most);
    while (!session->get.finished) {
        WK_TRY(stage_access(turn, &stage));
    }
    session->get.size = stage.size;
    return WK_OK;
}

static void begin(struct wk_session_turn *turn, const struct wk_access_request *request)
{
    struct wk_session *session = turn->session;
    wk_session_end_transfers(session);
    session->get = (struct wk_session_get){
        .source = WK_SESSION_OF_ACCESS,
        .count = (uint8_t)request->count,
    };
    session->access = (struct wk_session_access){
        .invoke = request->invoke,
        .phase = HEAD,
        .list_at = (size_t)(request->list.data - session->plain),
        .value_at = (size_t)(request->values.data - session->plain),
    };
    session->access.list_end = session->access.list_at + request->list.size;
    session->access.value_end = session->access.value_at + request->values.size;
    read_items(turn, request);
}

/* No reply is wanted, so what is staged goes nowhere. */
static void carry_out(struct wk_session_turn *turn)
{
    struct wk_session_get *get = &turn->session->get;
    wk_err err = WK_OK;
    while (err == WK_OK && !get->finished) {
        get->at = get->size;
        err = wk_session_fill(turn, sizeof turn->session->stage);
    }
}

static void serve_access(struct wk_session_turn *turn, struct wk_bytes_in *apdu, bool *confirm)
{
    struct wk_session *session = turn->session;
    struct wk_access_request request;
    const size_t size = wk_bytes_in_left(apdu);
    /* The request must stay until all of it is carried out. */
    memmove(session->plain, apdu->data + apdu->at, size);
    struct wk_bytes_in in = wk_bytes_in_of(session->plain, size);
    if (wk_access_read_request(&in, &request) != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_OTHER_ERROR);
        return;
    }
    if (request.count == 0 || request.count > WK_SESSION_LIST) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    *confirm = (request.invoke & WK_ACCESS_CONFIRM) != 0;
    begin(turn, &request);
    const bool general = wk_session_agreed(session, WK_CONFORMANCE_GENERAL_BLOCKS);
    const size_t room = wk_session_room(turn);
    if (!*confirm && turn->clear && general) {
        carry_out(turn);
        return;
    }
    const wk_err err = turn->clear && general ? wk_session_fill(turn, sizeof session->stage)
                                              : fill_whole(turn, wk_bytes_out_left(turn->out));
    if (err != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
    } else if (session->get.finished && session->get.size <= (general ? room : SIZE_MAX)) {
        wk_bytes_out_put(turn->out, session->stage, session->get.size);
    } else if (turn->clear) {
        wk_session_begin_blocks(turn);
    } else {
        wk_bytes_out_put(turn->out, session->stage, session->get.size);
    }
}

const struct wk_session_access_part wk_session_with_access = {
    .serve = serve_access,
    .stage = stage_access,
};
