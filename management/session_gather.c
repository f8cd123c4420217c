/* SPDX-License-Identifier: Apache-2.0
 *
 * What SET and ACTION share: the targets of a request, and values that come by blocks. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/session_part.h"

static bool is_action(wk_apdu_service service)
{
    return (uint16_t)service >> 8 == WK_APDU_ACTION_REQUEST;
}

static bool is_list(wk_apdu_service service)
{
    return service == WK_APDU_SET_LIST || service == WK_APDU_ACTION_LIST ||
           service == WK_APDU_SET_LIST_FIRST_BLOCK ||
           service == WK_APDU_ACTION_LIST_FIRST_BLOCK;
}

bool wk_session_read_items(struct wk_session_turn *turn, const struct wk_apdu_request *request,
                           wk_apdu_access (*check)(const struct wk_session *session,
                                                   const struct wk_apdu_target *target,
                                                   const struct wk_object **object))
{
    struct wk_session *session = turn->session;
    struct wk_bytes_in list = request->list;
    const bool single = !is_list(request->service);
    const uint32_t count = single ? 1 : request->count;
    wk_session_end_transfers(session);
    if (count == 0 || count > WK_SESSION_LIST) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct wk_session_item *item = &session->items[i];
        struct wk_apdu_target target = request->target;
        if (!single) {
            wk_apdu_read_target(&list, !is_action(request->service), &target);
        }
        *item = (struct wk_session_item){.attribute = target.id};
        item->refusal = check(session, &target, &item->object);
    }
    session->gather.count = (uint8_t)count;
    return true;
}

static void begin(struct wk_session *session, const struct wk_apdu_request *request)
{
    session->gather = (struct wk_session_gather){
        .active = true,
        .list = is_list(request->service),
        .action = is_action(request->service),
        .invoke = request->invoke,
        .count = session->gather.count,
    };
}

wk_apdu_access wk_session_gather(struct wk_session *session,
                                 const struct wk_apdu_request *request)
{
    struct wk_session_gather *gather = &session->gather;
    const bool action = is_action(request->service);
    const bool first =
        request->service != WK_APDU_SET_BLOCK && request->service != WK_APDU_ACTION_BLOCK;
    if (first) {
        begin(session, request);
    }
    const uint8_t differ = (uint8_t)(gather->invoke ^ request->invoke);
    if (!gather->active || gather->action != action || (differ & WK_APDU_INVOKE_ID) != 0) {
        gather->active = false;
        gather->list = false; /* the refusal is about no list */
        return action ? WK_APDU_NO_LONG_GET : WK_APDU_NO_LONG_SET;
    }
    if (request->block != gather->block + 1) {
        gather->active = false;
        return action ? WK_APDU_LONG_GET_ABORTED : WK_APDU_BLOCK_NUMBER_INVALID;
    }
    if (request->data.size > sizeof session->stage - gather->size) {
        gather->active = false;
        return action ? WK_APDU_LONG_GET_ABORTED : WK_APDU_LONG_SET_ABORTED;
    }
    if (request->data.size > 0) {
        memcpy(session->stage + gather->size, request->data.data, request->data.size);
    }
    gather->size += request->data.size;
    gather->block = request->block;
    gather->active = !request->last_block;
    return WK_APDU_SUCCESS;
}

/* The stage is needed for the reply, and the request is done with: its room takes them. */
wk_err wk_session_gathered(struct wk_session *session, struct wk_bytes_in *values)
{
    const struct wk_session_gather *gather = &session->gather;
    memcpy(session->plain, session->stage, gather->size);
    struct wk_bytes_in in = wk_bytes_in_of(session->plain, gather->size);
    if (gather->list && wk_axdr_read_length(&in) != gather->count) {
        wk_bytes_in_fail(&in, WK_E_FORMAT);
    }
    const size_t begin = in.at;
    for (uint8_t i = 0; i < gather->count && in.fault == WK_OK; i++) {
        wk_axdr_skip(&in);
    }
    WK_TRY(wk_bytes_in_end(&in));
    *values = wk_bytes_in_of(session->plain + begin, gather->size - begin);
    return WK_OK;
}
