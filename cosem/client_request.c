/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of a client and what answers them. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/client_part.h"

#define OVERHEAD 24 /* head, target and block head of a request, without selective access */

/* ---- starting ---------------------------------------------------------------------------- */

static wk_err begin_request(struct wk_client *client, wk_apdu_service service,
                            const struct wk_apdu_target *target)
{
    if (client->step != WK_CLIENT_READY || client->broken) {
        return WK_E_STATE;
    }
    wk_client_begin(client, WK_CLIENT_SEND_REQUEST);
    client->access = NULL;
    client->result_count = 0;
    client->blocks = (struct wk_client_blocks){0};
    client->request = (struct wk_apdu_request){
        .service = service,
        .invoke = wk_client_next_invoke(client),
    };
    if (target != NULL) {
        client->request.target = *target;
    }
    return WK_OK;
}

static size_t request_limit(const struct wk_client *client)
{
    const size_t server = client->server_max_pdu;
    const bool any = server == 0 || server > WK_CLIENT_PDU || wk_client_uses_blocks(client);
    const size_t limit = any ? WK_CLIENT_PDU : server;
    return limit > wk_client_overhead(client) ? limit - wk_client_overhead(client) : 0;
}

/* Room for values, or one block of them. */
static size_t value_limit(const struct wk_client *client)
{
    const size_t around =
        OVERHEAD + client->request.target.parameter.size + client->request.list.size;
    const size_t limit = request_limit(client);
    return limit > around ? limit - around : 0;
}

/* Loads the next block of the values into the request. */
static void load_block(struct wk_client *client)
{
    const size_t most = value_limit(client);
    const size_t left = wk_bytes_in_left(&client->value);
    const size_t size = left < most ? left : most;
    client->request.data = wk_bytes_in_of(wk_bytes_in_take(&client->value, size), size);
    client->request.last_block = size == left;
    client->request.block++;
}

/* The values in one request, or by blocks that begin with `first_block`. */
static wk_err load_values(struct wk_client *client, struct wk_bytes_in values,
                          wk_apdu_service first_block)
{
    client->value = values;
    client->request.data = values;
    if (value_limit(client) == 0) {
        client->step = WK_CLIENT_READY;
        return WK_E_FULL;
    }
    if (values.size > value_limit(client)) {
        client->request.service = first_block;
        load_block(client);
    }
    return WK_OK;
}

wk_err wk_client_get(struct wk_client *client, const struct wk_apdu_target *target,
                     struct wk_client_sink sink)
{
    WK_TRY(begin_request(client, WK_APDU_GET, target));
    client->sink = sink;
    return WK_OK;
}

wk_err wk_client_set(struct wk_client *client, const struct wk_apdu_target *target,
                     struct wk_bytes_in value)
{
    WK_TRY(begin_request(client, WK_APDU_SET, target));
    return load_values(client, value, WK_APDU_SET_FIRST_BLOCK);
}

wk_err wk_client_action(struct wk_client *client, const struct wk_apdu_target *target,
                        struct wk_bytes_in parameter, struct wk_client_sink sink)
{
    WK_TRY(begin_request(client, WK_APDU_ACTION, target));
    client->sink = sink;
    return load_values(client, parameter, WK_APDU_ACTION_FIRST_BLOCK);
}

wk_err wk_client_get_list(struct wk_client *client, uint32_t count, struct wk_bytes_in list,
                          struct wk_client_sink sink)
{
    WK_TRY(begin_request(client, WK_APDU_GET_LIST, NULL));
    client->sink = sink;
    client->request.count = count;
    client->request.list = list;
    return WK_OK;
}

/* Without blocks the count is written with the request. */
static wk_err begin_list(struct wk_client *client, wk_apdu_service service, uint32_t count,
                         struct wk_bytes_in list, struct wk_bytes_in values)
{
    const bool is_set = service == WK_APDU_SET_LIST;
    struct wk_bytes_in behind = values;
    if (wk_axdr_read_length(&behind) != count || behind.fault != WK_OK) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(begin_request(client, service, NULL));
    client->request.count = count;
    client->request.list = list;
    WK_TRY(
        load_values(client, values,
                    is_set ? WK_APDU_SET_LIST_FIRST_BLOCK : WK_APDU_ACTION_LIST_FIRST_BLOCK));
    if (client->request.service == service) {
        client->request.data = wk_bytes_in_of(values.data + behind.at, values.size - behind.at);
    }
    return WK_OK;
}

wk_err wk_client_set_list(struct wk_client *client, uint32_t count, struct wk_bytes_in list,
                          struct wk_bytes_in values)
{
    return count > WK_CLIENT_LIST ? WK_E_FULL
                                  : begin_list(client, WK_APDU_SET_LIST, count, list, values);
}

wk_err wk_client_action_list(struct wk_client *client, uint32_t count, struct wk_bytes_in list,
                             struct wk_bytes_in values, struct wk_client_sink sink)
{
    WK_TRY(begin_list(client, WK_APDU_ACTION_LIST, count, list, values));
    client->sink = sink;
    return WK_OK;
}

wk_err wk_client_access(struct wk_client *client, const struct wk_access_request *request,
                        struct wk_client_sink sink)
{
    if ((request->invoke & WK_ACCESS_CONFIRM) == 0) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(begin_request(client, WK_APDU_GET, NULL));
    client->access = request;
    client->sink = sink;
    return WK_OK;
}

/* ---- answers ----------------------------------------------------------------------------- */

wk_err wk_client_give(struct wk_client *client, const struct wk_bytes_in *data)
{
    return data->size > 0 ? client->sink.take(client->sink.self, data->data, data->size)
                          : WK_OK;
}

static uint32_t block_wanted(const struct wk_client *client)
{
    const uint16_t service = (uint16_t)client->request.service;
    const bool goes_on = service == WK_APDU_GET_NEXT || service == WK_APDU_ACTION_NEXT;
    return goes_on ? client->request.block + 1 : 1;
}

static wk_err take_block(struct wk_client *client, const struct wk_apdu_response *response,
                         wk_apdu_service next)
{
    WK_TRY(wk_client_give(client, &response->data));
    client->request.service = next;
    client->request.block = response->block;
    client->request.data = wk_bytes_in_of(NULL, 0);
    client->step = response->last_block ? WK_CLIENT_READY : WK_CLIENT_SEND_REQUEST;
    return WK_OK;
}

/* What an ACTION of one method returns begins with the choice of data. */
static wk_err take_action_block(struct wk_client *client, struct wk_apdu_response *response)
{
    const bool list = client->request.count > 0;
    if (!list && block_wanted(client) == 1) {
        const uint8_t choice = wk_bytes_in_u8(&response->data);
        if (response->data.fault != WK_OK || choice != 0) {
            return WK_E_FORMAT;
        }
        response->data = wk_bytes_in_of(response->data.data + 1, response->data.size - 1);
    }
    return take_block(client, response, WK_APDU_ACTION_NEXT);
}

/* The server wants the next block of the values. */
static wk_err take_acknowledgement(struct wk_client *client,
                                   const struct wk_apdu_response *response,
                                   wk_apdu_service next)
{
    if (response->block != client->request.block || client->request.last_block) {
        return WK_E_FORMAT;
    }
    client->request.service = next;
    load_block(client);
    client->step = WK_CLIENT_SEND_REQUEST;
    return WK_OK;
}

static wk_err take_results(struct wk_client *client, const struct wk_apdu_response *response)
{
    if (response->count != client->request.count) {
        return WK_E_FORMAT;
    }
    memcpy(client->results, response->data.data, response->count);
    client->result_count = response->count;
    client->step = WK_CLIENT_READY;
    return WK_OK;
}

/* The results of a GET or ACTION with a list, as the sink gets them by blocks, too. */
static wk_err take_list(struct wk_client *client, const struct wk_apdu_response *response)
{
    uint8_t room[5];
    struct wk_bytes_out head = wk_bytes_out_of(room, sizeof room);
    if (response->count != client->request.count) {
        return WK_E_FORMAT;
    }
    wk_axdr_put_length(&head, response->count);
    const struct wk_bytes_in count = wk_bytes_in_of(room, head.size);
    WK_TRY(wk_client_give(client, &count));
    WK_TRY(wk_client_give(client, &response->data));
    client->step = WK_CLIENT_READY;
    return WK_OK;
}

static wk_err take_value(struct wk_client *client, const struct wk_apdu_response *response)
{
    if (response->data_result != WK_APDU_SUCCESS) {
        wk_client_refuse(client, response->data_result);
        return WK_OK;
    }
    WK_TRY(wk_client_give(client, &response->data));
    client->step = WK_CLIENT_READY;
    return WK_OK;
}

static bool is_invoked(const struct wk_client *client, const struct wk_apdu_response *response)
{
    return ((response->invoke ^ client->request.invoke) & WK_APDU_INVOKE_ID) == 0;
}

static bool goes_by_blocks(uint16_t asked)
{
    return asked == WK_APDU_SET_FIRST_BLOCK || asked == WK_APDU_SET_BLOCK ||
           asked == WK_APDU_SET_LIST_FIRST_BLOCK || asked == WK_APDU_ACTION_FIRST_BLOCK ||
           asked == WK_APDU_ACTION_BLOCK || asked == WK_APDU_ACTION_LIST_FIRST_BLOCK;
}

/* Whether the response may answer what the client last sent. A refusal may answer a list, and
 * any block of it; a success must be of all that was asked. */
static bool is_answer(const struct wk_client *client, const struct wk_apdu_response *response)
{
    const struct wk_apdu_request *request = &client->request;
    const uint16_t asked = (uint16_t)request->service;
    const bool refused = response->result != WK_APDU_SUCCESS;
    const bool list = request->count > 0;
    const bool blocks = goes_by_blocks(asked);
    const bool all_sent = !blocks || request->last_block;
    const bool to_last = blocks && request->last_block && response->block == request->block;
    if ((asked >> 8) + 4 != (uint16_t)response->service >> 8 || !is_invoked(client, response)) {
        return false;
    }
    switch ((int)response->service) {
    case WK_APDU_GET_REPLY:
        return asked == WK_APDU_GET || (asked == WK_APDU_GET_LIST && refused);
    case WK_APDU_GET_REPLY_BLOCK:
    case WK_APDU_ACTION_REPLY_BLOCK:
        return refused || response->block == block_wanted(client);
    case WK_APDU_SET_REPLY:
        return refused || !(list || blocks);
    case WK_APDU_SET_REPLY_LAST:
        return refused || (to_last && !list);
    case WK_APDU_SET_REPLY_LAST_LIST:
        return to_last && list;
    case WK_APDU_ACTION_REPLY:
        return refused || (all_sent && !list);
    case WK_APDU_GET_REPLY_LIST:
    case WK_APDU_SET_REPLY_LIST:
    case WK_APDU_ACTION_REPLY_LIST:
        return all_sent && list;
    default:
        return blocks;
    }
}

static wk_err take_response(struct wk_client *client, struct wk_apdu_response *response)
{
    if (client->config.numbered && !is_invoked(client, response)) {
        return WK_OK; /* late: the client goes on waiting */
    }
    if (!is_answer(client, response)) {
        return WK_E_FORMAT;
    }
    if (response->result != WK_APDU_SUCCESS) {
        wk_client_refuse(client, response->result);
        return WK_OK;
    }
    switch ((int)response->service) {
    case WK_APDU_GET_REPLY_BLOCK:
        return take_block(client, response, WK_APDU_GET_NEXT);
    case WK_APDU_ACTION_REPLY_BLOCK:
        return take_action_block(client, response);
    case WK_APDU_SET_REPLY_BLOCK:
        return take_acknowledgement(client, response, WK_APDU_SET_BLOCK);
    case WK_APDU_ACTION_REPLY_NEXT:
        return take_acknowledgement(client, response, WK_APDU_ACTION_BLOCK);
    case WK_APDU_SET_REPLY_LIST:
    case WK_APDU_SET_REPLY_LAST_LIST:
        return take_results(client, response);
    case WK_APDU_GET_REPLY_LIST:
    case WK_APDU_ACTION_REPLY_LIST:
        return take_list(client, response);
    default:
        return take_value(client, response);
    }
}

static wk_err take_access(struct wk_client *client, struct wk_bytes_in *plain)
{
    struct wk_access_response response;
    const struct wk_bytes_in whole =
        wk_bytes_in_of(plain->data + plain->at, wk_bytes_in_left(plain));
    WK_TRY(wk_access_read_response(plain, &response));
    const uint32_t differ = response.invoke ^ client->access->invoke;
    if ((differ & WK_ACCESS_ID) != 0 || response.count != client->access->count) {
        return WK_E_FORMAT;
    }
    WK_TRY(wk_client_give(client, &whole));
    client->step = WK_CLIENT_READY;
    return WK_OK;
}

wk_err wk_client_take_reply(struct wk_client *client, struct wk_bytes_in *apdu)
{
    struct wk_apdu_response response;
    struct wk_bytes_in plain;
    WK_TRY(wk_client_open_reply(client, apdu, &plain));
    if (wk_client_take_event(client, plain)) {
        return WK_OK; /* sealed so that nobody could see before that it is no reply */
    }
    if (client->access != NULL) {
        return take_access(client, &plain);
    }
    WK_TRY(wk_apdu_read_response(&plain, &response));
    return take_response(client, &response);
}

wk_err wk_client_receive_reply(struct wk_client *client, struct wk_bytes_in *apdu)
{
    return wk_bytes_in_peek(apdu) == WK_APDU_GENERAL_BLOCK ? wk_client_take_block(client, apdu)
                                                           : wk_client_take_reply(client, apdu);
}
