/* SPDX-License-Identifier: Apache-2.0 */
#include "management/session.h"

#include <string.h>

#include "cosem/access.h"
#include "cosem/initiate.h"
#include "management/session_part.h"

/* ---- life -------------------------------------------------------------------------------- */

wk_err wk_session_init(struct wk_session *session, const struct wk_session_config *config)
{
    if (config->table == NULL || config->security == NULL || config->crypto == NULL ||
        config->zone == NULL || config->max_pdu < WK_SESSION_PDU_LEAST ||
        config->max_pdu > WK_SESSION_PDU) {
        return WK_E_ARGUMENT;
    }
    *session = (struct wk_session){.config = *config};
    if (config->associations == NULL) {
        session->config.associations = wk_session_usual;
        session->config.association_count = WK_ROLE_COUNT;
    }
    session->association = session->config.associations;
    for (uint8_t i = 0; i < session->config.association_count; i++) {
        const uint8_t setup = session->config.associations[i].setup;
        if (setup >= WK_SESSION_SETUPS ||
            wk_session_setup_of(config->security, setup) == NULL) {
            return WK_E_ARGUMENT;
        }
    }
    return WK_OK;
}

void wk_session_end_transfers(struct wk_session *session)
{
    session->get.active = false;
    session->gather.active = false;
    session->blocks.receiving = false;
    session->blocks.sending = false;
}

void wk_session_close(struct wk_session *session)
{
    if (session->state == WK_SESSION_ASSOCIATED) {
        session->config.security->open[session->role]--;
    }
    wk_session_end_transfers(session);
    session->state = WK_SESSION_IDLE;
    session->dedicated = (struct wk_hal_key){0};
    memset(session->plain, 0, sizeof session->plain);
    memset(session->stage, 0, sizeof session->stage);
}

wk_role wk_session_role(const struct wk_session *session)
{
    return session->state == WK_SESSION_ASSOCIATED ? session->role : WK_ROLE_COUNT;
}

void wk_session_limit(struct wk_session *session, uint16_t octets)
{
    if (session->client_max_pdu == 0 || session->client_max_pdu > octets) {
        session->client_max_pdu = octets;
    }
}

/* ---- what the parts share ---------------------------------------------------------------- */

void wk_session_drop_notice(struct wk_session *session, int64_t now_us, wk_session_notice code,
                            int32_t value)
{
    if (session->config.notices == NULL) {
        return;
    }
    /* A full ring counts what it refuses. */
    (void)wk_notice_drop(session->config.notices, (struct wk_notice){
                                                      .t_us = now_us,
                                                      .code = (uint16_t)code,
                                                      .source = session->config.notice_source,
                                                      .detail = (uint8_t)session->role,
                                                      .value = value,
                                                  });
}

wk_err wk_session_take_counter(struct wk_session *session, int64_t now_us, uint32_t *counter)
{
    struct wk_session_security *security = session->config.security;
    if (security->server_next >= security->server_reserved) {
        wk_session_drop_notice(session, now_us, WK_SESSION_COUNTER_SPENT, 0);
        return WK_E_STATE;
    }
    *counter = security->server_next++;
    return WK_OK;
}

void wk_session_refuse(struct wk_session_turn *turn, wk_apdu_state_error state,
                       wk_apdu_service_error error)
{
    turn->exception = (struct wk_apdu_exception){
        .state_error = (uint8_t)state,
        .service_error = (uint8_t)error,
    };
}

wk_apdu_access wk_session_access_of(wk_err err)
{
    static const struct {
        wk_err err;
        wk_apdu_access access;
    } k_access[] = {
        {WK_OK, WK_APDU_SUCCESS},
        {WK_E_IO, WK_APDU_HARDWARE_FAULT},
        {WK_E_CORRUPT, WK_APDU_HARDWARE_FAULT},
        {WK_E_BUSY, WK_APDU_TEMPORARY_FAILURE},
        {WK_E_STATE, WK_APDU_TEMPORARY_FAILURE},
        {WK_E_DENIED, WK_APDU_READ_WRITE_DENIED},
        {WK_E_AUTH, WK_APDU_READ_WRITE_DENIED},
        {WK_E_NOT_FOUND, WK_APDU_OBJECT_UNDEFINED},
        {WK_E_UNSUPPORTED, WK_APDU_OBJECT_UNAVAILABLE},
        {WK_E_FORMAT, WK_APDU_TYPE_UNMATCHED},
        {WK_E_SHORT, WK_APDU_TYPE_UNMATCHED},
        {WK_E_FULL, WK_APDU_BLOCK_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof k_access / sizeof k_access[0]; i++) {
        if (k_access[i].err == err) {
            return k_access[i].access;
        }
    }
    return WK_APDU_OTHER_REASON;
}

/* ---- services ---------------------------------------------------------------------------- */

bool wk_session_agreed(const struct wk_session *session, uint32_t conformance)
{
    return (session->conformance & conformance) == conformance;
}

struct service {
    wk_apdu_service service;
    uint32_t conformance; /* all of these bits must have been negotiated */
    void (*serve)(struct wk_session_turn *turn, const struct wk_apdu_request *request);
};

#define GET_BLOCKS    (WK_CONFORMANCE_GET | WK_CONFORMANCE_BLOCK_GET)
#define SET_BLOCKS    (WK_CONFORMANCE_SET | WK_CONFORMANCE_BLOCK_SET)
#define ACTION_BLOCKS (WK_CONFORMANCE_ACTION | WK_CONFORMANCE_BLOCK_ACTION)

static const struct service k_services[] = {
    {WK_APDU_GET, WK_CONFORMANCE_GET, wk_session_serve_get},
    {WK_APDU_GET_NEXT, GET_BLOCKS, wk_session_serve_next},
    {WK_APDU_GET_LIST, WK_CONFORMANCE_GET | WK_CONFORMANCE_LISTS, wk_session_serve_get},
    {WK_APDU_SET, WK_CONFORMANCE_SET, wk_session_serve_set},
    {WK_APDU_SET_LIST, WK_CONFORMANCE_SET | WK_CONFORMANCE_LISTS, wk_session_serve_set_list},
    {WK_APDU_SET_FIRST_BLOCK, SET_BLOCKS, wk_session_serve_set_block},
    {WK_APDU_SET_BLOCK, SET_BLOCKS, wk_session_serve_set_block},
    {WK_APDU_SET_LIST_FIRST_BLOCK, SET_BLOCKS | WK_CONFORMANCE_LISTS,
     wk_session_serve_set_block},
    {WK_APDU_ACTION, WK_CONFORMANCE_ACTION, wk_session_serve_action},
    {WK_APDU_ACTION_NEXT, ACTION_BLOCKS, wk_session_serve_next},
    {WK_APDU_ACTION_LIST, WK_CONFORMANCE_ACTION | WK_CONFORMANCE_LISTS,
     wk_session_serve_action_list},
    {WK_APDU_ACTION_FIRST_BLOCK, ACTION_BLOCKS, wk_session_serve_action_block},
    {WK_APDU_ACTION_BLOCK, ACTION_BLOCKS, wk_session_serve_action_block},
    {WK_APDU_ACTION_LIST_FIRST_BLOCK, ACTION_BLOCKS | WK_CONFORMANCE_LISTS,
     wk_session_serve_action_block},
};

static const struct service *service_of(const struct wk_session *session,
                                        wk_apdu_service service)
{
    for (size_t i = 0; i < sizeof k_services / sizeof k_services[0]; i++) {
        const struct service *row = &k_services[i];
        if (row->service == service) {
            return wk_session_agreed(session, row->conformance) ? row : NULL;
        }
    }
    return NULL;
}

/* What comes in blocks is protected as its weakest block was. */
static void note_given(struct wk_session_turn *turn, wk_apdu_service service)
{
    struct wk_session *session = turn->session;
    const bool goes_on = service == WK_APDU_SET_BLOCK || service == WK_APDU_ACTION_BLOCK;
    turn->given = wk_session_given(&turn->cover);
    if (goes_on) {
        turn->given &= session->blocks_given;
    }
    session->blocks_given = turn->given;
}

static void serve_request(struct wk_session_turn *turn, struct wk_bytes_in *apdu, bool *confirm)
{
    struct wk_session *session = turn->session;
    struct wk_apdu_request request;
    const wk_err err = wk_apdu_read_request(apdu, &request);
    if (err == WK_E_UNSUPPORTED) {
        wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_SERVICE_NOT_SUPPORTED);
        return;
    }
    if (err != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_OTHER_ERROR);
        return;
    }
    /* Until the client has proven who it is, it may do that and nothing else. */
    const bool proves = request.service == WK_APDU_ACTION;
    if (session->state == WK_SESSION_PROVING && !proves) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    const struct service *row = service_of(session, request.service);
    if (row == NULL) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_SERVICE_NOT_SUPPORTED);
        return;
    }
    *confirm = (request.invoke & WK_APDU_INVOKE_CONFIRM) != 0;
    note_given(turn, request.service);
    row->serve(turn, &request);
}

static void serve_access_request(struct wk_session_turn *turn, struct wk_bytes_in *apdu,
                                 bool *confirm)
{
    const struct wk_session *session = turn->session;
    if (session->state == WK_SESSION_PROVING) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
    } else if (wk_session_parts.access == NULL ||
               !wk_session_agreed(session, WK_CONFORMANCE_ACCESS)) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_SERVICE_NOT_SUPPORTED);
    } else {
        turn->given = wk_session_given(&turn->cover);
        wk_session_parts.access->serve(turn, apdu, confirm);
    }
}

void wk_session_serve(struct wk_session_turn *turn, struct wk_bytes_in *apdu)
{
    bool confirm = true; /* what is no request is refused in any case */
    if (wk_bytes_in_peek(apdu) == WK_APDU_ACCESS_REQUEST) {
        serve_access_request(turn, apdu, &confirm);
    } else {
        serve_request(turn, apdu, &confirm);
    }
    if (!confirm) {
        *turn->out = wk_bytes_out_of(turn->out->data, turn->out->room); /* no reply is wanted */
        turn->exception.service_error = 0;
        turn->session->blocks.sending = false;
    }
}

size_t wk_session_room(const struct wk_session_turn *turn)
{
    const size_t left = wk_bytes_out_left(turn->out);
    return left < turn->limit || turn->by_blocks ? left : turn->limit;
}

/* ---- the entrance ------------------------------------------------------------------------ */

/* An APDU of an association that is open, however it came. */
static void dispatch(struct wk_session_turn *turn, struct wk_bytes_in *apdu,
                     struct wk_bytes_out *reply)
{
    switch (wk_bytes_in_peek(apdu)) {
    case WK_APDU_RLRQ:
        wk_session_release(turn, apdu);
        break;
    case WK_APDU_GET_REQUEST:
    case WK_APDU_SET_REQUEST:
    case WK_APDU_ACTION_REQUEST:
    case WK_APDU_ACCESS_REQUEST:
        wk_session_serve_protected(turn, apdu, reply);
        break;
    default:
        if (wk_shield_is_protected(wk_bytes_in_peek(apdu))) {
            wk_session_serve_protected(turn, apdu, reply);
        } else {
            wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_SERVICE_NOT_SUPPORTED);
        }
        break;
    }
}

static void enter(struct wk_session_turn *turn, uint16_t client_sap, struct wk_bytes_in *apdu,
                  struct wk_bytes_out *reply)
{
    const struct wk_session *session = turn->session;
    const size_t begin = reply->size;
    struct wk_bytes_in whole = *apdu;
    turn->out = reply;
    if (wk_bytes_in_peek(apdu) == WK_APDU_AARQ) {
        wk_session_open(turn, client_sap, apdu);
        return;
    }
    if (session->state == WK_SESSION_IDLE || client_sap != session->client_sap) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    if (wk_bytes_in_peek(apdu) == WK_APDU_GENERAL_BLOCK) {
        if (!wk_session_take_block(turn, apdu, reply, &whole)) {
            return;
        }
        turn->by_blocks = true;
    }
    dispatch(turn, &whole, reply);
    if (turn->exception.service_error == 0) {
        wk_session_cut(turn, begin, reply);
    }
}

wk_err wk_session_receive(struct wk_session *session, int64_t now_us,
                          struct wk_session_link link, struct wk_bytes_in apdu,
                          struct wk_bytes_out *reply)
{
    struct wk_session_turn turn = {.session = session, .now_us = now_us};
    session->now_us = now_us;
    if (wk_bytes_out_left(reply) < WK_SESSION_REPLY) {
        return WK_E_ARGUMENT;
    }
    if (link.server_sap != WK_SESSION_SERVER_SAP) {
        return WK_E_NOT_FOUND;
    }
    const bool opens = wk_bytes_in_peek(&apdu) == WK_APDU_AARQ; /* before any size is agreed */
    if (apdu.size > (opens ? WK_ASSOCIATION_MAX : session->config.max_pdu)) {
        wk_session_refuse(&turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_PDU_TOO_LONG);
    } else {
        enter(&turn, link.client_sap, &apdu, reply);
    }
    if (turn.exception.service_error != 0) {
        wk_apdu_put_exception(reply, &turn.exception);
    }
    return WK_OK;
}
