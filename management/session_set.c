/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "management/session_part.h"

#define REPLY_TO_HLS 1 /* method of class 15 */
#define REPLY_HEAD   6 /* service, invoke, result, presence, choice: before return data */

/* ---- SET --------------------------------------------------------------------------------- */

static wk_err set_attribute(struct wk_session_turn *turn, const struct wk_object *object,
                            uint8_t attribute, struct wk_bytes_in *value)
{
    struct wk_session *session = turn->session;
    const struct wk_object_call call = {
        .meter = session->config.table->meter,
        .object = object,
        .now_us = turn->now_us,
        .role = session->role,
    };
    if (object->class_id == WK_SESSION_CLASS_ASSOCIATION) {
        return wk_session_association_set(turn, object, attribute, value);
    }
    if (object->functions == NULL || object->functions->set == NULL) {
        return WK_E_UNSUPPORTED;
    }
    return object->functions->set(&call, attribute, value);
}

/* The logical name, attribute 1, is never written. */
static wk_apdu_access check_set(const struct wk_session *session,
                                const struct wk_apdu_target *target,
                                const struct wk_object **object)
{
    const wk_apdu_access access = wk_session_find(session, target, object);
    if (access != WK_APDU_SUCCESS) {
        return access;
    }
    if (target->id < 2 || target->id > (*object)->attributes || target->id > 32) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    const uint32_t bit = UINT32_C(1) << (target->id - 1);
    if (((*object)->rights[session->role].set & bit) == 0) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    return target->selective ? WK_APDU_OBJECT_UNAVAILABLE : WK_APDU_SUCCESS;
}

static wk_apdu_access set_value(struct wk_session_turn *turn,
                                const struct wk_apdu_target *target, struct wk_bytes_in value)
{
    const struct wk_object *object;
    const wk_apdu_access access = check_set(turn->session, target, &object);
    if (access != WK_APDU_SUCCESS) {
        return access;
    }
    return wk_session_access_of(set_attribute(turn, object, target->id, &value));
}

void wk_session_serve_set(struct wk_session_turn *turn, const struct wk_apdu_request *request)
{
    wk_session_end_transfers(turn->session);
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY,
        .invoke = request->invoke,
        .result = (uint8_t)set_value(turn, &request->target, request->data),
    };
    wk_apdu_put_response(turn->out, &response);
}

void wk_session_serve_set_list(struct wk_session_turn *turn,
                               const struct wk_apdu_request *request)
{
    struct wk_bytes_in list = request->list;
    struct wk_bytes_in values = request->data;
    uint8_t results[WK_SESSION_LIST];
    wk_session_end_transfers(turn->session);
    if (request->count == 0 || request->count > WK_SESSION_LIST) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    for (uint32_t i = 0; i < request->count; i++) {
        struct wk_apdu_target target;
        wk_apdu_read_target(&list, true, &target);
        results[i] = (uint8_t)set_value(turn, &target, wk_axdr_take(&values));
    }
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY_LIST,
        .invoke = request->invoke,
        .count = request->count,
        .data = wk_bytes_in_of(results, request->count),
    };
    wk_apdu_put_response(turn->out, &response);
}

/* ---- SET by blocks ----------------------------------------------------------------------- */

static void end_set(struct wk_session_turn *turn, const struct wk_apdu_request *request,
                    wk_apdu_access access)
{
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY_LAST,
        .invoke = request->invoke,
        .result = (uint8_t)access,
        .block = request->block,
    };
    turn->session->set.active = false;
    wk_apdu_put_response(turn->out, &response);
}

/* Whether the block is the one that is due; WK_APDU_SUCCESS, or why not. */
static wk_apdu_access accept_block(struct wk_session *session,
                                   const struct wk_apdu_request *request)
{
    struct wk_session_set *set = &session->set;
    const struct wk_object *object;
    if (request->service == WK_APDU_SET_FIRST_BLOCK) {
        wk_session_end_transfers(session);
        const wk_apdu_access access = check_set(session, &request->target, &object);
        if (access != WK_APDU_SUCCESS) {
            return access;
        }
        *set = (struct wk_session_set){
            .active = true,
            .invoke = request->invoke,
            .target = request->target,
        };
    }
    const uint8_t differ = (uint8_t)(set->invoke ^ request->invoke);
    if (!set->active || (differ & WK_APDU_INVOKE_ID) != 0) {
        return WK_APDU_NO_LONG_SET;
    }
    if (request->block != set->block + 1) {
        return WK_APDU_BLOCK_NUMBER_INVALID;
    }
    return request->data.size <= sizeof session->stage - set->size ? WK_APDU_SUCCESS
                                                                   : WK_APDU_LONG_SET_ABORTED;
}

/* The gathered octets must be one value. */
static wk_apdu_access set_gathered(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_bytes_in gathered = wk_bytes_in_of(session->stage, session->set.size);
    const struct wk_bytes_in value = wk_axdr_take(&gathered);
    if (wk_bytes_in_end(&gathered) != WK_OK) {
        return WK_APDU_TYPE_UNMATCHED;
    }
    return set_value(turn, &session->set.target, value);
}

void wk_session_serve_set_block(struct wk_session_turn *turn,
                                const struct wk_apdu_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_session_set *set = &session->set;
    const wk_apdu_access access = accept_block(session, request);
    if (access != WK_APDU_SUCCESS) {
        end_set(turn, request, access);
        return;
    }
    if (request->data.size > 0) {
        memcpy(session->stage + set->size, request->data.data, request->data.size);
    }
    set->size += request->data.size;
    set->block = request->block;
    if (request->last_block) {
        end_set(turn, request, set_gathered(turn));
        return;
    }
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY_BLOCK,
        .invoke = request->invoke,
        .block = request->block,
    };
    wk_apdu_put_response(turn->out, &response);
}

/* ---- ACTION ------------------------------------------------------------------------------ */

static wk_err act(struct wk_session_turn *turn, const struct wk_object *object, uint8_t method,
                  struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    const struct wk_object_call call = {
        .meter = session->config.table->meter,
        .object = object,
        .now_us = turn->now_us,
        .role = session->role,
    };
    if (object->class_id == WK_SESSION_CLASS_ASSOCIATION) {
        return wk_session_association_action(turn, object, method, parameter, reply);
    }
    if (object->functions == NULL || object->functions->action == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(object->functions->action(&call, method, parameter, reply));
    return reply->fault;
}

/* Rights; a client that is still proving itself may only reply to HLS authentication. */
static wk_apdu_access check_action(const struct wk_session *session,
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
    const bool may = ((*object)->rights[session->role].action & bit) != 0;
    return may ? WK_APDU_SUCCESS : WK_APDU_READ_WRITE_DENIED;
}

void wk_session_serve_action(struct wk_session_turn *turn,
                             const struct wk_apdu_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_bytes_in parameter = request->data;
    const struct wk_object *object;
    const size_t left = wk_bytes_out_left(turn->out);
    const size_t room = left > REPLY_HEAD ? left - REPLY_HEAD : 0;
    wk_session_end_transfers(session);
    struct wk_bytes_out reply = wk_bytes_out_of(
        session->stage, room < sizeof session->stage ? room : sizeof session->stage);
    wk_apdu_access access = check_action(session, &request->target, &object);
    if (access == WK_APDU_SUCCESS) {
        access =
            wk_session_access_of(act(turn, object, request->target.id, &parameter, &reply));
    }
    const bool has_data = access == WK_APDU_SUCCESS && reply.size > 0;
    const struct wk_apdu_response response = {
        .service = WK_APDU_ACTION_REPLY,
        .invoke = request->invoke,
        .result = (uint8_t)access,
        .has_data = has_data,
        .data = wk_bytes_in_of(reply.data, has_data ? reply.size : 0),
    };
    wk_apdu_put_response(turn->out, &response);
}
