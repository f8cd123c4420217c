/* SPDX-License-Identifier: Apache-2.0
 *
 * General block transfer of a client. Requests are gathered whole and cut; replies in clear
 * that carry one value, a list of them or an ACCESS go to the sink as they come, others are
 * gathered first. */
#include <string.h>

#include "cosem/client_part.h"
#include "cosem/initiate.h"

bool wk_client_uses_blocks(const struct wk_client *client)
{
    return client->config.window > 0 &&
           (client->conformance & WK_CONFORMANCE_GENERAL_BLOCKS) != 0;
}

bool wk_client_has_blocks(const struct wk_client *client)
{
    return client->blocks.sending && wk_gbt_may_send(&client->blocks.sender);
}

/* ---- sending ----------------------------------------------------------------------------- */

static size_t block_size(const struct wk_client *client)
{
    const size_t server = client->server_max_pdu;
    const size_t limit = server == 0 || server > WK_CLIENT_PDU ? WK_CLIENT_PDU : server;
    return limit - WK_GBT_HEAD;
}

static wk_err load(struct wk_client *client)
{
    struct wk_client_blocks *blocks = &client->blocks;
    return wk_gbt_load(&blocks->sender, blocks->size - blocks->at, true);
}

static void put_next(struct wk_client *client, struct wk_bytes_out *out)
{
    struct wk_client_blocks *blocks = &client->blocks;
    wk_gbt_next(&blocks->sender, client->whole + blocks->at, blocks->peer,
                client->config.window, out);
    blocks->own++;
}

/* How many blocks the server takes it tells with its first answer. */
wk_err wk_client_send_request(struct wk_client *client, struct wk_bytes_out *out)
{
    struct wk_client_blocks *blocks = &client->blocks;
    *blocks = (struct wk_client_blocks){0};
    if (!wk_client_uses_blocks(client)) {
        return wk_client_put_request(client, out);
    }
    struct wk_bytes_out whole = wk_bytes_out_of(client->whole, sizeof client->whole);
    WK_TRY(wk_client_put_request(client, &whole));
    blocks->size = whole.size;
    blocks->sending = true;
    wk_gbt_send(&blocks->sender, 0, block_size(client), 1);
    WK_TRY(load(client));
    put_next(client, out);
    return out->fault;
}

wk_err wk_client_send_block(struct wk_client *client, struct wk_bytes_out *out)
{
    struct wk_client_blocks *blocks = &client->blocks;
    if (wk_client_has_blocks(client)) {
        put_next(client, out);
        return out->fault;
    }
    blocks->own++;
    const struct wk_gbt_block block = {
        .last = true,
        .window = client->config.window,
        .number = blocks->own,
        .ack = blocks->peer,
    };
    wk_gbt_put(out, &block);
    return out->fault;
}

/* ---- receiving --------------------------------------------------------------------------- */

/* Octets before what the sink gets of a reply in clear; 0: it is gathered. */
static size_t stream_head(const struct wk_client *client)
{
    if (wk_client_is_ciphered(client)) {
        return 0;
    }
    if (client->access != NULL) {
        return 5;
    }
    switch ((int)client->request.service) {
    case WK_APDU_GET:
        return 4;
    case WK_APDU_GET_LIST:
        return 3;
    default:
        return 0;
    }
}

/* Whether the head of the reply announces what the sink waits for. */
static bool is_stream(const struct wk_client *client)
{
    const uint8_t *head = client->whole;
    if (client->access != NULL) {
        const uint8_t id[] = {(uint8_t)(client->access->invoke >> 16),
                              (uint8_t)(client->access->invoke >> 8),
                              (uint8_t)client->access->invoke};
        return head[0] == WK_APDU_ACCESS_RESPONSE && memcmp(head + 2, id, sizeof id) == 0;
    }
    const bool answers = head[0] == WK_APDU_GET_RESPONSE &&
                         ((head[2] ^ client->request.invoke) & WK_APDU_INVOKE_ID) == 0;
    return client->request.service == WK_APDU_GET ? answers && head[1] == 1 && head[3] == 0
                                                  : answers && head[1] == 3;
}

static wk_err gather(struct wk_client *client, const struct wk_bytes_in *data)
{
    struct wk_client_blocks *blocks = &client->blocks;
    if (data->size > WK_CLIENT_PDU - blocks->gathered) {
        return WK_E_FULL;
    }
    if (data->size > 0) {
        memcpy(client->whole + blocks->gathered, data->data, data->size);
    }
    blocks->gathered += data->size;
    return WK_OK;
}

static wk_err collect(struct wk_client *client, const struct wk_bytes_in *data)
{
    struct wk_client_blocks *blocks = &client->blocks;
    const size_t head = stream_head(client);
    if (blocks->streams) {
        return wk_client_give(client, data);
    }
    WK_TRY(gather(client, data));
    if (head == 0 || blocks->gathered < head || !is_stream(client)) {
        return WK_OK;
    }
    const size_t from = client->access != NULL ? 0 : head;
    const struct wk_bytes_in begin =
        wk_bytes_in_of(client->whole + from, blocks->gathered - from);
    blocks->streams = true;
    return wk_client_give(client, &begin);
}

static wk_err finish(struct wk_client *client)
{
    struct wk_bytes_in reply = wk_bytes_in_of(client->whole, client->blocks.gathered);
    if (client->blocks.streams) {
        client->step = WK_CLIENT_READY;
        return WK_OK;
    }
    client->blocks.receiving = false;
    return wk_client_take_reply(client, &reply);
}

static wk_err take_acknowledgement(struct wk_client *client, const struct wk_gbt_block *block)
{
    struct wk_client_blocks *blocks = &client->blocks;
    WK_TRY(wk_gbt_acknowledge(&blocks->sender, block->ack, block->window));
    blocks->peer = block->number > blocks->peer ? block->number : blocks->peer;
    blocks->asked = 0;
    if (wk_gbt_wants(&blocks->sender)) {
        blocks->at += blocks->sender.size;
        WK_TRY(load(client));
    }
    blocks->sending = !blocks->sender.done;
    client->step = blocks->sending ? WK_CLIENT_SEND_BLOCK : WK_CLIENT_WAIT_REPLY;
    return WK_OK;
}

wk_err wk_client_take_block(struct wk_client *client, struct wk_bytes_in *apdu)
{
    struct wk_client_blocks *blocks = &client->blocks;
    struct wk_gbt_block block;
    WK_TRY(wk_gbt_read(apdu, &block));
    if (client->config.window == 0) {
        return WK_E_FORMAT; /* not agreed */
    }
    if (block.data.size == 0 && blocks->sending) {
        return take_acknowledgement(client, &block);
    }
    blocks->sending = false; /* who answers has the whole request */
    blocks->receiving = true;
    if (wk_gbt_take(&blocks->peer, &block)) {
        blocks->asked = 0;
        WK_TRY(collect(client, &block.data));
        if (block.last) {
            return finish(client);
        }
    }
    client->step = block.streaming ? WK_CLIENT_WAIT_REPLY : WK_CLIENT_SEND_BLOCK;
    return WK_OK;
}

/* Blocks of a request are sent again only as long as the server cannot have all of it: nothing
 * is carried out twice. */
bool wk_client_ask_again(struct wk_client *client)
{
    struct wk_client_blocks *blocks = &client->blocks;
    struct wk_gbt_sender *sender = &blocks->sender;
    const bool resends = blocks->sending && !sender->last;
    if ((!blocks->receiving && !resends) || blocks->asked == WK_CLIENT_ASKS) {
        return false;
    }
    if (resends && wk_gbt_acknowledge(sender, sender->base, sender->window) != WK_OK) {
        return false;
    }
    blocks->asked++;
    client->step = WK_CLIENT_SEND_BLOCK;
    return true;
}
