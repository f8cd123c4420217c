/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "management/session_part.h"

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
    if (wk_session_is_own(object)) {
        return wk_session_association_set(turn, object, attribute, value);
    }
    if (object->access->functions == NULL || object->access->functions->set == NULL) {
        return WK_E_UNSUPPORTED;
    }
    return object->access->functions->set(&call, attribute, value);
}

/* The logical name, attribute 1, is never written. */
wk_apdu_access wk_session_check_set(const struct wk_session *session,
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
    if (((*object)->access->rights[session->role].set & bit) == 0) {
        return WK_APDU_READ_WRITE_DENIED;
    }
    return target->selective ? WK_APDU_OBJECT_UNAVAILABLE : WK_APDU_SUCCESS;
}

wk_apdu_access wk_session_set_item(struct wk_session_turn *turn,
                                   const struct wk_session_item *item, struct wk_bytes_in value)
{
    const wk_apdu_access access = wk_session_guard(turn, item->object, WK_SESSION_WRITE);
    return access == WK_APDU_SUCCESS ? wk_session_access_of(set_attribute(
                                           turn, item->object, item->attribute, &value))
                                     : access;
}

/* Writes the items one after another; each has its result. */
static void set_items(struct wk_session_turn *turn, struct wk_bytes_in *values,
                      uint8_t results[WK_SESSION_LIST])
{
    struct wk_session *session = turn->session;
    for (uint8_t i = 0; i < session->gather.count; i++) {
        const struct wk_session_item *item = &session->items[i];
        const struct wk_bytes_in value = wk_axdr_take(values);
        results[i] =
            (uint8_t)(item->refusal == WK_APDU_SUCCESS ? wk_session_set_item(turn, item, value)
                                                       : item->refusal);
    }
}

void wk_session_serve_set(struct wk_session_turn *turn, const struct wk_apdu_request *request)
{
    struct wk_bytes_in value = request->data;
    uint8_t results[WK_SESSION_LIST];
    if (!wk_session_read_items(turn, request, wk_session_check_set)) {
        return;
    }
    set_items(turn, &value, results);
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY,
        .invoke = request->invoke,
        .result = results[0],
    };
    wk_apdu_put_response(turn->out, &response);
}

void wk_session_serve_set_list(struct wk_session_turn *turn,
                               const struct wk_apdu_request *request)
{
    struct wk_bytes_in values = request->data;
    uint8_t results[WK_SESSION_LIST];
    if (!wk_session_read_items(turn, request, wk_session_check_set)) {
        return;
    }
    set_items(turn, &values, results);
    const struct wk_apdu_response response = {
        .service = WK_APDU_SET_REPLY_LIST,
        .invoke = request->invoke,
        .count = request->count,
        .data = wk_bytes_in_of(results, request->count),
    };
    wk_apdu_put_response(turn->out, &response);
}

/* ---- by blocks --------------------------------------------------------------------------- */

static void end_set(struct wk_session_turn *turn, const struct wk_apdu_request *request,
                    const uint8_t results[WK_SESSION_LIST])
{
    const struct wk_session_gather *gather = &turn->session->gather;
    const struct wk_apdu_response response = {
        .service = gather->list ? WK_APDU_SET_REPLY_LAST_LIST : WK_APDU_SET_REPLY_LAST,
        .invoke = request->invoke,
        .result = results[0],
        .block = request->block,
        .count = gather->count,
        .data = wk_bytes_in_of(results, gather->count),
    };
    wk_apdu_put_response(turn->out, &response);
}

void wk_session_serve_set_block(struct wk_session_turn *turn,
                                const struct wk_apdu_request *request)
{
    struct wk_session *session = turn->session;
    struct wk_bytes_in values;
    uint8_t results[WK_SESSION_LIST] = {0};
    if (request->service != WK_APDU_SET_BLOCK &&
        !wk_session_read_items(turn, request, wk_session_check_set)) {
        return;
    }
    wk_apdu_access access = WK_APDU_SUCCESS;
    if (request->service == WK_APDU_SET_FIRST_BLOCK) {
        access = session->items[0].refusal; /* said at once, not after all blocks */
        session->gather.list = false;
    }
    if (access == WK_APDU_SUCCESS) {
        access = wk_session_gather(session, request);
    }
    if (access == WK_APDU_SUCCESS && session->gather.active) {
        const struct wk_apdu_response response = {
            .service = WK_APDU_SET_REPLY_BLOCK,
            .invoke = request->invoke,
            .block = request->block,
        };
        wk_apdu_put_response(turn->out, &response);
        return;
    }
    if (access == WK_APDU_SUCCESS && wk_session_gathered(session, &values) != WK_OK) {
        access = WK_APDU_TYPE_UNMATCHED;
    }
    if (access == WK_APDU_SUCCESS) {
        set_items(turn, &values, results);
    } else {
        memset(results, (int)access, sizeof results);
    }
    end_set(turn, request, results);
}
