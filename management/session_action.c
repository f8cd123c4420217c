/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/initiate.h"
#include "management/session_part.h"

#define REPLY_TO_HLS 1 /* method of class 15 */
#define APDU_HEAD    3 /* service, invoke: before the results */
#define RESULT_HEAD  3 /* result, presence, choice: before return data */
#define RESULT_LEAST 4 /* a result without data, or why there are none */

/* Rights; a client that is still proving itself may only reply to HLS authentication. */
wk_apdu_access wk_session_check_action(const struct wk_session *session,
                                       const struct wk_apdu_target *target,
                                       const struct wk_object **object)
{
    const wk_apdu_access access = wk_session_find(session, target, object);
    if (access != WK_APDU_SUCCESS) {
        return access;
    }
    if (session->state == WK_SESSION_PROVING) {
        const bool proves = (*object)->class_id == WK_SESSION_CLASS_ASSOCIATION &&
                            (*object)->selector == WK_SESSION_CURRENT &&
                            target->id == REPLY_TO_HLS;
        return proves ? WK_APDU_SUCCESS : WK_APDU_READ_WRITE_DENIED;
    }
    if (target->id == 0 || target->id > (*object)->methods || target->id > 32) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    const uint32_t bit = UINT32_C(1) << (target->id - 1);
    const bool may = ((*object)->access->rights[session->role].action & bit) != 0;
    return may ? WK_APDU_SUCCESS : WK_APDU_READ_WRITE_DENIED;
}

static wk_err invoke(struct wk_session_turn *turn, const struct wk_session_item *item,
                     struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    const struct wk_object *object = item->object;
    const struct wk_object_call call = {
        .meter = session->config.table->meter,
        .object = object,
        .now_us = turn->now_us,
        .role = session->role,
    };
    if (wk_session_is_own(object)) {
        return wk_session_association_action(turn, object, item->attribute, parameter, reply);
    }
    if (object->access->functions == NULL || object->access->functions->action == NULL) {
        return WK_E_UNSUPPORTED;
    }
    return object->access->functions->action(&call, item->attribute, parameter, reply);
}

wk_apdu_access wk_session_invoke_item(struct wk_session_turn *turn,
                                      const struct wk_session_item *item,
                                      struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const wk_apdu_access access = wk_session_guard(turn, item->object, WK_SESSION_ACT);
    return access == WK_APDU_SUCCESS
               ? wk_session_access_of(invoke(turn, item, parameter, reply))
               : access;
}

/* ---- results, into the stage ------------------------------------------------------------- */

/* Carries out one item and appends its result. What is returned and does not fit is said to be
 * unavailable: the method itself was carried out. `later`: octets other results need. */
static void stage_result(struct wk_session_turn *turn, const struct wk_session_item *item,
                         struct wk_bytes_in parameter, size_t later, struct wk_bytes_out *stage)
{
    const struct wk_bytes_in none = wk_bytes_in_of(NULL, 0);
    const size_t left = wk_bytes_out_left(stage);
    const size_t room = left > RESULT_HEAD + later ? left - RESULT_HEAD - later : 0;
    struct wk_bytes_out reply = wk_bytes_out_of(stage->data + stage->size + RESULT_HEAD, room);
    wk_apdu_access access = item->refusal;
    if (access == WK_APDU_SUCCESS) {
        access = wk_session_invoke_item(turn, item, &parameter, &reply);
    }
    if (access == WK_APDU_SUCCESS && reply.fault != WK_OK) {
        wk_apdu_put_action_result(stage, WK_APDU_SUCCESS, WK_APDU_BLOCK_UNAVAILABLE, &none);
    } else if (access == WK_APDU_SUCCESS && reply.size > 0) {
        wk_apdu_put_action_result(stage, WK_APDU_SUCCESS, WK_APDU_SUCCESS, &none);
        (void)wk_bytes_out_reserve(stage, reply.size);
    } else {
        wk_apdu_put_action_result(stage, (uint8_t)access, WK_APDU_SUCCESS, NULL);
    }
}

static struct wk_bytes_in parameter_of(struct wk_bytes_in *values)
{
    const struct wk_bytes_in value = wk_axdr_take(values);
    const bool none = value.size == 1 && value.data[0] == WK_AXDR_NULL;
    return none ? wk_bytes_in_of(NULL, 0) : value;
}

static size_t reply_room(const struct wk_session_turn *turn)
{
    const bool blocks = wk_session_agreed(turn->session, WK_CONFORMANCE_BLOCK_ACTION);
    const size_t left = blocks ? wk_session_room(turn) : wk_bytes_out_left(turn->out);
    return left > APDU_HEAD ? left - APDU_HEAD : 0;
}

/* What the stage has room for: what can be sent. Without blocks of ACTION it is one APDU, which
 * general blocks may carry. */
static struct wk_bytes_out begin_stage(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    const size_t room = reply_room(turn);
    const bool blocks = wk_session_agreed(session, WK_CONFORMANCE_BLOCK_ACTION);
    const bool whole = !blocks && room < sizeof session->stage;
    return wk_bytes_out_of(session->stage, whole ? room : sizeof session->stage);
}

static void put_staged(struct wk_session_turn *turn, wk_apdu_service service, uint8_t invoke,
                       const struct wk_bytes_out *stage)
{
    wk_bytes_out_u16be(turn->out, (uint16_t)service);
    wk_bytes_out_u8(turn->out, invoke);
    wk_bytes_out_put(turn->out, stage->data, stage->size);
}

static void serve_one(struct wk_session_turn *turn, uint8_t invoke_id,
                      struct wk_bytes_in parameter)
{
    struct wk_bytes_out stage = begin_stage(turn);
    stage_result(turn, &turn->session->items[0], parameter, 0, &stage);
    if (stage.size <= reply_room(turn)) {
        put_staged(turn, WK_APDU_ACTION_REPLY, invoke_id, &stage);
        return;
    }
    /* Blocks carry return data only, from their choice on: the result was success. */
    wk_session_begin_action_blocks(turn, invoke_id, RESULT_HEAD - 1, stage.size);
}

static void serve_list(struct wk_session_turn *turn, uint8_t invoke_id,
                       struct wk_bytes_in *values)
{
    struct wk_session *session = turn->session;
    const uint8_t count = session->gather.count;
    struct wk_bytes_out stage = begin_stage(turn);
    wk_axdr_put_length(&stage, count);
    for (uint8_t i = 0; i < count; i++) {
        const size_t later = RESULT_LEAST * (size_t)(count - i - 1);
        stage_result(turn, &session->items[i], parameter_of(values), later, &stage);
    }
    if (stage.fault == WK_OK && stage.size > reply_room(turn)) {
        wk_session_begin_action_blocks(turn, invoke_id, 0, stage.size);
        return;
    }
    put_staged(turn, WK_APDU_ACTION_REPLY_LIST, invoke_id, &stage);
}

/* ---- requests ---------------------------------------------------------------------------- */

void wk_session_serve_action(struct wk_session_turn *turn,
                             const struct wk_apdu_request *request)
{
    if (wk_session_read_items(turn, request, wk_session_check_action)) {
        serve_one(turn, request->invoke, request->data);
    }
}

void wk_session_serve_action_list(struct wk_session_turn *turn,
                                  const struct wk_apdu_request *request)
{
    struct wk_bytes_in values = request->data;
    if (turn->session->state == WK_SESSION_PROVING) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    if (wk_session_read_items(turn, request, wk_session_check_action)) {
        serve_list(turn, request->invoke, &values);
    }
}

static void refuse_action(struct wk_session_turn *turn, uint8_t invoke_id,
                          wk_apdu_access access)
{
    const struct wk_apdu_response response = {
        .service = WK_APDU_ACTION_REPLY,
        .invoke = invoke_id,
        .result = (uint8_t)access,
    };
    turn->session->gather.active = false;
    wk_apdu_put_response(turn->out, &response);
}

void wk_session_serve_action_block(struct wk_session_turn *turn,
                                   const struct wk_apdu_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_bytes_in values;
    if (request->service != WK_APDU_ACTION_BLOCK &&
        !wk_session_read_items(turn, request, wk_session_check_action)) {
        return;
    }
    wk_apdu_access access = WK_APDU_SUCCESS;
    if (request->service == WK_APDU_ACTION_FIRST_BLOCK) {
        access = session->items[0].refusal;
    }
    if (access == WK_APDU_SUCCESS) {
        access = wk_session_gather(session, request);
    }
    if (access == WK_APDU_SUCCESS && session->gather.active) {
        const struct wk_apdu_response response = {
            .service = WK_APDU_ACTION_REPLY_NEXT,
            .invoke = request->invoke,
            .block = request->block,
        };
        wk_apdu_put_response(turn->out, &response);
        return;
    }
    if (access == WK_APDU_SUCCESS && wk_session_gathered(session, &values) != WK_OK) {
        access = WK_APDU_TYPE_UNMATCHED;
    }
    if (access != WK_APDU_SUCCESS) {
        refuse_action(turn, request->invoke, access);
    } else if (session->gather.list) {
        serve_list(turn, request->invoke, &values);
    } else {
        serve_one(turn, request->invoke, values);
    }
}
