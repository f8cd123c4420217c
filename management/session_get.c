/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/initiate.h"
#include "cosem/select.h"
#include "management/session_part.h"

#define REPLY_HEAD 4 /* service, invoke, choice: before the value of a short reply */

/* ---- what is asked for ------------------------------------------------------------------- */

bool wk_session_is_visible(const struct wk_object *object, wk_role role)
{
    const struct wk_object_rights *rights = &object->access->rights[role];
    return (rights->get | rights->set | rights->action) != 0;
}

wk_apdu_access wk_session_find(const struct wk_session *session,
                               const struct wk_apdu_target *target,
                               const struct wk_object **object)
{
    const struct wk_object_table *table = session->config.table;
    *object = wk_object_find(table, target->class_id, target->obis);
    if (*object != NULL && wk_session_is_visible(*object, session->role)) {
        return WK_APDU_SUCCESS;
    }
    const struct wk_object *other = wk_object_find(table, 0, target->obis);
    if (other != NULL && *object == NULL && wk_session_is_visible(other, session->role)) {
        return WK_APDU_CLASS_INCONSISTENT;
    }
    return WK_APDU_OBJECT_UNDEFINED;
}

static wk_apdu_access find_attribute(struct wk_session_turn *turn,
                                     const struct wk_apdu_target *target,
                                     struct wk_session_item *item)
{
    const struct wk_session *session = turn->session;
    const wk_apdu_access access = wk_session_find(session, target, &item->object);
    if (access != WK_APDU_SUCCESS) {
        return access;
    }
    const uint8_t attribute = target->id;
    if (attribute == 0 || attribute > item->object->attributes) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    const uint32_t bit = attribute <= 32 ? UINT32_C(1) << (attribute - 1) : 0;
    if (attribute != 1 && (item->object->access->rights[session->role].get & bit) == 0) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    const wk_apdu_access guarded = wk_session_guard(turn, item->object, WK_SESSION_READ);
    if (guarded != WK_APDU_SUCCESS) {
        return guarded;
    }
    return target->selective ? wk_session_access_of(wk_session_select(turn, item, target))
                             : WK_APDU_SUCCESS;
}

void wk_session_read_item(struct wk_session_turn *turn, const struct wk_apdu_target *target,
                          struct wk_session_item *item)
{
    *item = (struct wk_session_item){.attribute = target->id};
    item->selection.column_first = 1;
    item->refusal = find_attribute(turn, target, item);
}

/* ---- values into the stage --------------------------------------------------------------- */

static wk_err get_attribute(struct wk_session_turn *turn, const struct wk_session_item *item,
                            struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    struct wk_session *session = turn->session;
    const struct wk_object *object = item->object;
    const struct wk_object_call call = {
        .meter = session->config.table->meter,
        .object = object,
        .now_us = turn->now_us,
        .role = session->role,
    };
    if (item->attribute == 1) {
        wk_axdr_put_octet_string(out, object->obis, WK_OBIS_SIZE);
        return out->fault;
    }
    if (wk_session_is_own(object)) {
        return wk_session_association_get(session, item, cursor, out);
    }
    if (object->access->functions == NULL || object->access->functions->get == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(
        object->access->functions->get(&call, item->attribute, &item->selection, cursor, out));
    return out->fault;
}

wk_err wk_session_stage_value(struct wk_session_turn *turn, const struct wk_session_item *item,
                              struct wk_bytes_out *stage)
{
    struct wk_session_get *get = &turn->session->get;
    const bool first = !get->cursor.more;
    struct wk_object_cursor cursor = get->cursor;
    struct wk_bytes_out value =
        wk_bytes_out_of(stage->data + stage->size, wk_bytes_out_left(stage));
    cursor.more = false;
    WK_TRY(get_attribute(turn, item, &cursor, &value));
    if (cursor.more && value.size == 0) {
        return WK_E_FULL;
    }
    if (wk_select_has_holes(&item->columns)) {
        WK_TRY(wk_select_keep(&item->columns, first, value.data, &value.size));
    }
    get->cursor = cursor;
    (void)wk_bytes_out_reserve(stage, value.size);
    return WK_OK;
}

static void next_item(struct wk_session_get *get)
{
    get->index++;
    get->cursor = (struct wk_object_cursor){0};
    get->finished = get->index == get->count;
}

/* Appends one item of a list: its choice and value, or its refusal. */
static wk_err stage_listed(struct wk_session_turn *turn, struct wk_bytes_out *stage)
{
    struct wk_session_get *get = &turn->session->get;
    const struct wk_session_item *item = &turn->session->items[get->index];
    const bool goes_on = get->cursor.more;
    const struct wk_bytes_out before = *stage;
    wk_err err = WK_OK;
    if (!goes_on) {
        wk_bytes_out_u8(stage, item->refusal == WK_APDU_SUCCESS ? 0 : 1);
    }
    if (item->refusal == WK_APDU_SUCCESS) {
        err = stage->fault == WK_OK ? wk_session_stage_value(turn, item, stage) : stage->fault;
    }
    if (err == WK_E_FULL && before.size > 0) {
        *stage = before;
        return WK_E_FULL;
    }
    if (err != WK_OK && goes_on) {
        return err;
    }
    if (err != WK_OK || item->refusal != WK_APDU_SUCCESS) {
        *stage = before;
        wk_bytes_out_u8(stage, 1);
        wk_bytes_out_u8(stage,
                        (uint8_t)(err != WK_OK ? wk_session_access_of(err) : item->refusal));
        get->cursor = (struct wk_object_cursor){0};
    }
    if (stage->fault != WK_OK) {
        *stage = before;
        return WK_E_FULL;
    }
    return WK_OK;
}

/* Appends a piece of the reply that the session is sending. */
static wk_err stage_piece(struct wk_session_turn *turn, struct wk_bytes_out *stage)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    if (get->source == WK_SESSION_OF_ACCESS && wk_session_parts.access != NULL) {
        return wk_session_parts.access->stage(turn, stage);
    }
    WK_TRY(get->list ? stage_listed(turn, stage)
                     : wk_session_stage_value(turn, &session->items[get->index], stage));
    if (!get->cursor.more) {
        next_item(get);
    }
    return WK_OK;
}

wk_err wk_session_fill(struct wk_session_turn *turn, size_t wanted)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    memmove(session->stage, session->stage + get->at, get->size - get->at);
    struct wk_bytes_out stage =
        wk_bytes_out_of(session->stage, sizeof session->stage - REPLY_HEAD);
    (void)wk_bytes_out_reserve(&stage, get->size - get->at);
    while (!get->finished && stage.size < wanted) {
        const wk_err err = stage_piece(turn, &stage);
        if (err == WK_E_FULL && stage.size > 0) {
            break;
        }
        WK_TRY(err);
    }
    get->at = 0;
    get->size = stage.size;
    return WK_OK;
}

/* ---- replies ----------------------------------------------------------------------------- */

static void put_refusal(struct wk_session_turn *turn, uint8_t invoke, wk_apdu_access access)
{
    const struct wk_apdu_response response = {
        .service = WK_APDU_GET_REPLY,
        .invoke = invoke,
        .result = (uint8_t)access,
    };
    turn->session->get.active = false;
    wk_apdu_put_response(turn->out, &response);
}

static void put_block_refusal(struct wk_session_turn *turn,
                              const struct wk_apdu_request *request, wk_apdu_access access)
{
    const bool action = request->service == WK_APDU_ACTION_NEXT;
    const struct wk_apdu_response response = {
        .service = action ? WK_APDU_ACTION_REPLY : WK_APDU_GET_REPLY_BLOCK,
        .invoke = request->invoke,
        .last_block = true,
        .block = request->block,
        .result = (uint8_t)access,
    };
    turn->session->get.active = false;
    wk_apdu_put_response(turn->out, &response);
}

/* Room for raw data in one block. */
static size_t block_room(const struct wk_session_turn *turn)
{
    const size_t left = wk_session_room(turn);
    return left > WK_APDU_GET_OVERHEAD ? left - WK_APDU_GET_OVERHEAD : 0;
}

static void put_block(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    const size_t staged = get->size - get->at;
    const size_t room = block_room(turn);
    const size_t size = staged < room ? staged : room;
    get->block++;
    const struct wk_apdu_response response = {
        .service = get->source == WK_SESSION_OF_ACTION ? WK_APDU_ACTION_REPLY_BLOCK
                                                       : WK_APDU_GET_REPLY_BLOCK,
        .invoke = get->invoke,
        .last_block = get->finished && size == staged,
        .block = get->block,
        .data = wk_bytes_in_of(session->stage + get->at, size),
    };
    get->at += size;
    get->active = !response.last_block;
    wk_apdu_put_response(turn->out, &response);
}

/* The whole value in one reply. The count of a list is its first staged octet. */
static void put_whole(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    const size_t begin = get->list ? 1 : 0;
    const struct wk_apdu_response response = {
        .service = get->list ? WK_APDU_GET_REPLY_LIST : WK_APDU_GET_REPLY,
        .invoke = get->invoke,
        .count = get->count,
        .data = wk_bytes_in_of(session->stage + begin, get->size - begin),
    };
    get->active = false;
    wk_apdu_put_response(turn->out, &response);
}

/* ---- GET --------------------------------------------------------------------------------- */

static void begin_get(struct wk_session *session, const struct wk_apdu_request *request)
{
    struct wk_session_get *get = &session->get;
    wk_session_end_transfers(session);
    get->active = true;
    get->list = request->service == WK_APDU_GET_LIST;
    get->source = WK_SESSION_OF_GET;
    get->finished = false;
    get->invoke = request->invoke;
    get->count = 0;
    get->index = 0;
    get->block = 0;
    get->at = 0;
    get->size = 0;
    get->cursor = (struct wk_object_cursor){0};
}

static void read_items(struct wk_session_turn *turn, const struct wk_apdu_request *request)
{
    struct wk_session_get *get = &turn->session->get;
    struct wk_bytes_in list = request->list;
    if (!get->list) {
        wk_session_read_item(turn, &request->target, &turn->session->items[0]);
        get->count = 1;
        return;
    }
    for (uint32_t i = 0; i < request->count; i++) {
        struct wk_apdu_target target;
        wk_apdu_read_target(&list, true, &target);
        wk_session_read_item(turn, &target, &turn->session->items[i]);
    }
    get->count = (uint8_t)request->count;
    turn->session->stage[0] = get->count;
    get->size = 1;
}

/* Puts what is before the value into the stage, too: the reply goes by general blocks. */
static void begin_stream(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    const uint8_t choice = get->list ? 3 : 1;
    const uint8_t head[REPLY_HEAD] = {WK_APDU_GET_RESPONSE, choice, get->invoke, 0};
    const size_t size = get->list ? REPLY_HEAD - 1 : REPLY_HEAD;
    memmove(session->stage + size, session->stage + get->at, get->size - get->at);
    memcpy(session->stage, head, size);
    get->size += size - get->at;
    get->at = 0;
    get->active = false; /* not by blocks of GET */
    wk_session_begin_blocks(turn);
}

/* By blocks of GET where they were agreed, unless the client itself uses general blocks. */
static void put_long(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    const struct wk_session_get *get = &session->get;
    const bool general = wk_session_agreed(session, WK_CONFORMANCE_GENERAL_BLOCKS);
    const bool blocks = wk_session_agreed(session, WK_CONFORMANCE_BLOCK_GET);
    const bool prefers = general && (turn->by_blocks || !blocks);
    if (prefers && turn->clear) {
        begin_stream(turn);
    } else if (prefers && get->finished &&
               get->size + REPLY_HEAD <= wk_bytes_out_left(turn->out)) {
        put_whole(turn);
    } else if (blocks) {
        put_block(turn);
    } else {
        put_refusal(turn, get->invoke, WK_APDU_BLOCK_UNAVAILABLE);
    }
}

void wk_session_serve_get(struct wk_session_turn *turn, const struct wk_apdu_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_session_get *get = &session->get;
    begin_get(session, request);
    if (get->list && (request->count == 0 || request->count > WK_SESSION_LIST)) {
        get->active = false;
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    read_items(turn, request);
    if (!get->list && turn->session->items[0].refusal != WK_APDU_SUCCESS) {
        put_refusal(turn, request->invoke, turn->session->items[0].refusal);
        return;
    }
    const size_t left = wk_session_room(turn);
    const size_t room = left > REPLY_HEAD ? left - REPLY_HEAD : 0;
    const wk_err err = wk_session_fill(turn, wk_bytes_out_left(turn->out));
    if (err != WK_OK) {
        put_refusal(turn, request->invoke, wk_session_access_of(err));
    } else if (get->finished && get->size <= room) {
        put_whole(turn);
    } else {
        put_long(turn);
    }
}

void wk_session_begin_action_blocks(struct wk_session_turn *turn, uint8_t invoke, size_t at,
                                    size_t size)
{
    struct wk_session_get *get = &turn->session->get;
    *get = (struct wk_session_get){
        .active = true,
        .source = WK_SESSION_OF_ACTION,
        .finished = true,
        .invoke = invoke,
        .at = at,
        .size = size,
    };
    put_block(turn);
}

/* action-result knows no invalid number: the transfer is aborted. */
void wk_session_serve_next(struct wk_session_turn *turn, const struct wk_apdu_request *request)
{
    struct wk_session_get *get = &turn->session->get;
    const bool action = request->service == WK_APDU_ACTION_NEXT;
    const wk_session_source source = action ? WK_SESSION_OF_ACTION : WK_SESSION_OF_GET;
    const uint8_t differ = (uint8_t)(get->invoke ^ request->invoke);
    if (!get->active || get->source != source || (differ & WK_APDU_INVOKE_ID) != 0) {
        put_block_refusal(turn, request, WK_APDU_NO_LONG_GET);
        return;
    }
    if (request->block != get->block) {
        put_block_refusal(turn, request,
                          action ? WK_APDU_LONG_GET_ABORTED : WK_APDU_BLOCK_NUMBER_INVALID);
        return;
    }
    const wk_err err = wk_session_fill(turn, block_room(turn));
    if (err != WK_OK) {
        put_block_refusal(turn, request, wk_session_access_of(err));
        return;
    }
    put_block(turn);
}
