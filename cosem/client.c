/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/client.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/client_part.h"
#include "cosem/initiate.h"

#define LEAST_PDU            64
#define REPLY_TO_HLS         1 /* method of class 15 */
#define CLASS_ASSOCIATION_LN 15

static const uint8_t k_current_association[WK_OBIS_SIZE] = {0, 0, 40, 0, 0, 255};

bool wk_client_is_sealed(const struct wk_client *client)
{
    return client->config.mechanism == WK_ASSOCIATION_HLS_GMAC;
}

/* ---- starting ---------------------------------------------------------------------------- */

wk_err wk_client_init(struct wk_client *client, const struct wk_client_config *config)
{
    const bool hls = config->mechanism == WK_ASSOCIATION_HLS_GMAC;
    if (config->max_pdu < LEAST_PDU || config->max_pdu > WK_CLIENT_PDU ||
        config->window > WK_GBT_WINDOW_MOST || (hls && config->crypto == NULL)) {
        return WK_E_ARGUMENT;
    }
    *client = (struct wk_client){.config = *config, .counter = config->counter};
    return WK_OK;
}

void wk_client_begin(struct wk_client *client, wk_client_step step)
{
    client->step = step;
    client->outcome = WK_OK;
    client->result = WK_APDU_SUCCESS;
    client->exception = (struct wk_apdu_exception){0};
}

wk_err wk_client_open(struct wk_client *client)
{
    if (client->step != WK_CLIENT_CLOSED || client->broken) {
        return WK_E_STATE;
    }
    client->server_counter_seen = false;
    client->diagnostic = WK_ASSOCIATION_NO_DIAGNOSTIC;
    wk_client_begin(client, WK_CLIENT_SEND_AARQ);
    return WK_OK;
}

wk_err wk_client_release(struct wk_client *client)
{
    if (client->step != WK_CLIENT_READY || client->broken) {
        return WK_E_STATE;
    }
    wk_client_begin(client, WK_CLIENT_SEND_RLRQ);
    return WK_OK;
}

bool wk_client_busy(const struct wk_client *client)
{
    return client->step != WK_CLIENT_CLOSED && client->step != WK_CLIENT_READY;
}

/* ---- ending ------------------------------------------------------------------------------ */

void wk_client_fail(struct wk_client *client, wk_err err)
{
    client->outcome = err;
    client->broken = true;
    client->step = WK_CLIENT_CLOSED;
}

/* The server said no to this one request; the association goes on. */
void wk_client_refuse(struct wk_client *client, uint8_t result)
{
    client->result = result;
    client->outcome = WK_E_REFUSED;
    client->step = WK_CLIENT_READY;
}

/* ---- sending ----------------------------------------------------------------------------- */

static uint8_t glo_tag(uint8_t plain_tag)
{
    return plain_tag < WK_APDU_GLO_INITIATE_REQUEST ? (uint8_t)(plain_tag | 0x20)
                                                    : (uint8_t)(plain_tag | 0x08);
}

static wk_err take_counter(struct wk_client *client, struct wk_cipher_head *head)
{
    if (client->counter == UINT32_MAX) {
        return WK_E_RANGE;
    }
    head->control = WK_CIPHER_BOTH;
    head->counter = client->counter++;
    memcpy(head->title, client->config.title, sizeof head->title);
    return WK_OK;
}

static wk_err finish_seal(struct wk_client *client, struct wk_cipher_seal *seal, uint8_t tag)
{
    struct wk_cipher_head head = {.tag = tag};
    WK_TRY(take_counter(client, &head));
    return wk_cipher_finish(seal, client->config.crypto, &client->config.keys, &head);
}

static void put_plain(const struct wk_client *client, struct wk_bytes_out *out)
{
    if (client->access != NULL) {
        wk_access_put_request(out, client->access);
    } else {
        wk_apdu_put_request(out, &client->request);
    }
}

/* The plain request, or the sealed one in a ciphered association. */
wk_err wk_client_put_request(struct wk_client *client, struct wk_bytes_out *out)
{
    const uint8_t tag = (uint8_t)((uint16_t)client->request.service >> 8);
    if (!wk_client_is_sealed(client)) {
        put_plain(client, out);
        return out->fault;
    }
    struct wk_cipher_seal seal;
    wk_cipher_begin(&seal, out, WK_CLIENT_PDU);
    put_plain(client, &seal.plain);
    /* There is no glo-access-request. */
    const bool general = client->config.general_glo || client->access != NULL;
    return finish_seal(client, &seal, general ? WK_APDU_GENERAL_GLO : glo_tag(tag));
}

static wk_err send_aarq(struct wk_client *client, struct wk_bytes_out *out)
{
    const struct wk_initiate_request initiate = {
        .response_allowed = true,
        .dlms_version = WK_INITIATE_DLMS_VERSION,
        .conformance = WK_CONFORMANCE_GET | WK_CONFORMANCE_SET | WK_CONFORMANCE_ACTION |
                       WK_CONFORMANCE_SELECTIVE_ACCESS | WK_CONFORMANCE_BLOCK_GET |
                       WK_CONFORMANCE_BLOCK_SET | WK_CONFORMANCE_LISTS |
                       WK_CONFORMANCE_GENERAL_PROTECTION | WK_CONFORMANCE_BLOCK_ACTION |
                       WK_CONFORMANCE_ACCESS |
                       (client->config.window > 0 ? WK_CONFORMANCE_GENERAL_BLOCKS : 0),
        .max_pdu = client->config.max_pdu,
    };
    uint8_t room[WK_ASSOCIATION_USER_INFO];
    struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
    struct wk_association_request request = {
        .context = wk_client_is_sealed(client) ? WK_ASSOCIATION_LN_CIPHERED : WK_ASSOCIATION_LN,
        .mechanism = (uint8_t)client->config.mechanism,
        .secret = client->config.password,
    };
    if (wk_client_is_sealed(client)) {
        WK_TRY(client->config.crypto->random(client->config.crypto->self, client->challenge,
                                             sizeof client->challenge));
        struct wk_cipher_seal seal;
        wk_cipher_begin(&seal, &info, sizeof room);
        wk_initiate_put_request(&seal.plain, &initiate);
        WK_TRY(finish_seal(client, &seal, WK_APDU_GLO_INITIATE_REQUEST));
        request.title.data = client->config.title;
        request.title.size = WK_CIPHER_TITLE;
        request.secret.data = client->challenge;
        request.secret.size = sizeof client->challenge;
    } else {
        wk_initiate_put_request(&info, &initiate);
    }
    WK_TRY(info.fault);
    request.user_info = (struct wk_association_octets){info.data, info.size};
    wk_association_put_request(out, &request);
    return out->fault;
}

/* HLS pass 3: the answer to the server's challenge, as method reply_to_HLS_authentication. */
static wk_err send_proof(struct wk_client *client, struct wk_bytes_out *out)
{
    uint8_t token[WK_CIPHER_TOKEN];
    uint8_t parameter[2 + WK_CIPHER_TOKEN];
    struct wk_cipher_head head = {0};
    WK_TRY(take_counter(client, &head));
    head.control = WK_CIPHER_AUTHENTICATED;
    WK_TRY(wk_cipher_answer(client->config.crypto, &client->config.keys, &head,
                            client->server_challenge, client->server_challenge_size, token));
    struct wk_bytes_out data = wk_bytes_out_of(parameter, sizeof parameter);
    wk_axdr_put_octet_string(&data, token, sizeof token);
    client->request = (struct wk_apdu_request){
        .service = WK_APDU_ACTION,
        .invoke = WK_CLIENT_INVOKE,
        .target = {.class_id = CLASS_ASSOCIATION_LN, .id = REPLY_TO_HLS},
        .data = wk_bytes_in_of(parameter, data.size),
    };
    memcpy(client->request.target.obis, k_current_association, WK_OBIS_SIZE);
    const wk_err err = wk_client_put_request(client, out);
    client->request.data = wk_bytes_in_of(NULL, 0);
    return err;
}

static wk_err send_rlrq(struct wk_client *client, struct wk_bytes_out *out)
{
    (void)client;
    wk_association_put_release(out, WK_APDU_RLRQ, (struct wk_association_octets){NULL, 0});
    return out->fault;
}

struct send_step {
    wk_err (*send)(struct wk_client *client, struct wk_bytes_out *out);
    wk_client_step next;
};

static const struct send_step k_send[WK_CLIENT_STEP_COUNT] = {
    [WK_CLIENT_SEND_AARQ] = {send_aarq, WK_CLIENT_WAIT_AARE},
    [WK_CLIENT_SEND_PROOF] = {send_proof, WK_CLIENT_WAIT_PROOF},
    [WK_CLIENT_SEND_REQUEST] = {wk_client_send_request, WK_CLIENT_WAIT_REPLY},
    [WK_CLIENT_SEND_BLOCK] = {wk_client_send_block, WK_CLIENT_WAIT_REPLY},
    [WK_CLIENT_SEND_RLRQ] = {send_rlrq, WK_CLIENT_WAIT_RLRE},
};

wk_err wk_client_output(struct wk_client *client, int64_t now_us, struct wk_bytes_out *out)
{
    const struct send_step step = k_send[client->step];
    if (step.send == NULL) {
        return WK_OK;
    }
    const wk_err err = step.send(client, out);
    if (err != WK_OK) {
        wk_client_fail(client, err);
        return err;
    }
    if (client->step != WK_CLIENT_SEND_BLOCK || !wk_client_has_blocks(client)) {
        client->step = step.next;
    }
    client->deadline_us = now_us + client->config.timeout_us;
    return WK_OK;
}

/* ---- receiving --------------------------------------------------------------------------- */

static void receive_exception(struct wk_client *client, struct wk_bytes_in *apdu)
{
    const wk_err err = wk_apdu_read_exception(apdu, &client->exception);
    if (err != WK_OK) {
        wk_client_fail(client, err);
        return;
    }
    const bool open = client->step == WK_CLIENT_WAIT_REPLY;
    switch (client->exception.service_error) {
    case WK_APDU_INVOCATION_COUNTER_ERROR:
        wk_client_fail(client, WK_E_REPLAY);
        break;
    case WK_APDU_DECIPHERING_ERROR:
        wk_client_fail(client, WK_E_AUTH);
        break;
    default:
        if (open) {
            wk_client_refuse(client, WK_APDU_OTHER_REASON);
        } else {
            wk_client_fail(client, WK_E_REFUSED);
        }
        break;
    }
}

/* Opens what the server sealed, into client->plain. Its counter must rise. */
static wk_err open_sealed(struct wk_client *client, struct wk_bytes_in *sealed, uint8_t glo,
                          struct wk_bytes_in *plain)
{
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    memcpy(head.title, client->server_title, sizeof head.title);
    WK_TRY(wk_cipher_read_head(sealed, &head, &text));
    const bool tag_fits = head.tag == glo || head.tag == WK_APDU_GENERAL_GLO;
    if (!tag_fits || (head.control & WK_CIPHER_BOTH) != WK_CIPHER_BOTH ||
        memcmp(head.title, client->server_title, sizeof head.title) != 0) {
        return WK_E_AUTH;
    }
    if (client->server_counter_seen && head.counter <= client->server_counter) {
        return WK_E_AUTH;
    }
    struct wk_bytes_out out = wk_bytes_out_of(client->plain, sizeof client->plain);
    WK_TRY(wk_cipher_open(client->config.crypto, &client->config.keys, &head, &text, &out));
    client->server_counter = head.counter;
    client->server_counter_seen = true;
    *plain = wk_bytes_in_of(client->plain, out.size);
    return WK_OK;
}

static wk_err accept_initiate(struct wk_client *client,
                              const struct wk_association_response *response)
{
    struct wk_bytes_in info =
        wk_bytes_in_of(response->user_info.data, response->user_info.size);
    struct wk_bytes_in plain = info;
    if (wk_client_is_sealed(client)) {
        WK_TRY(open_sealed(client, &info, WK_APDU_GLO_INITIATE_RESPONSE, &plain));
    }
    struct wk_initiate_response initiate;
    uint8_t error;
    WK_TRY(wk_initiate_read_response(&plain, &initiate, &error));
    if (initiate.max_pdu != 0 && initiate.max_pdu < LEAST_PDU) {
        return WK_E_RANGE;
    }
    client->conformance = initiate.conformance;
    client->server_max_pdu = initiate.max_pdu;
    return WK_OK;
}

/* The server's title and challenge; the challenge must not be our own, sent back. */
static wk_err accept_challenge(struct wk_client *client,
                               const struct wk_association_response *response)
{
    if (response->title.size != WK_CIPHER_TITLE ||
        response->secret.size < WK_ASSOCIATION_CHALLENGE ||
        response->secret.size > sizeof client->server_challenge) {
        return WK_E_FORMAT;
    }
    const bool reflected =
        response->secret.size == sizeof client->challenge &&
        memcmp(response->secret.data, client->challenge, sizeof client->challenge) == 0;
    const bool mirrored =
        memcmp(response->title.data, client->config.title, WK_CIPHER_TITLE) == 0;
    if (reflected || mirrored) {
        return WK_E_AUTH;
    }
    memcpy(client->server_title, response->title.data, WK_CIPHER_TITLE);
    memcpy(client->server_challenge, response->secret.data, response->secret.size);
    client->server_challenge_size = (uint8_t)response->secret.size;
    return WK_OK;
}

static wk_err receive_aare(struct wk_client *client, struct wk_bytes_in *apdu)
{
    struct wk_association_response response;
    WK_TRY(wk_association_read_response(apdu, &response));
    client->diagnostic = response.diagnostic;
    if (response.result != WK_ASSOCIATION_ACCEPTED) {
        const bool proof = response.diagnostic == WK_ASSOCIATION_AUTHENTICATION_FAILURE;
        return proof ? WK_E_AUTH : WK_E_REFUSED;
    }
    if (wk_client_is_sealed(client)) {
        WK_TRY(accept_challenge(client, &response));
    }
    WK_TRY(accept_initiate(client, &response));
    client->step = wk_client_is_sealed(client) ? WK_CLIENT_SEND_PROOF : WK_CLIENT_READY;
    return WK_OK;
}

wk_err wk_client_open_reply(struct wk_client *client, struct wk_bytes_in *apdu,
                            struct wk_bytes_in *plain)
{
    if (!wk_client_is_sealed(client)) {
        *plain = *apdu;
        return WK_OK;
    }
    /* The answer to C0, C1, C3 is C4, C5, C7; an ACCESS has no tag of that kind. */
    const uint8_t reply = (uint8_t)(((uint16_t)client->request.service >> 8) + 4);
    const uint8_t tag = client->access != NULL ? WK_APDU_GENERAL_GLO : glo_tag(reply);
    return open_sealed(client, apdu, tag, plain);
}

static wk_err receive_proof(struct wk_client *client, struct wk_bytes_in *apdu)
{
    struct wk_apdu_response response;
    struct wk_bytes_in plain;
    WK_TRY(wk_client_open_reply(client, apdu, &plain));
    WK_TRY(wk_apdu_read_response(&plain, &response));
    if (response.service != WK_APDU_ACTION_REPLY || response.result != WK_APDU_SUCCESS ||
        !response.has_data || response.data_result != WK_APDU_SUCCESS) {
        return WK_E_AUTH;
    }
    struct wk_bytes_in token = wk_bytes_in_of(NULL, 0);
    token.data = wk_axdr_read_octets(&response.data, &token.size);
    WK_TRY(wk_bytes_in_end(&response.data));
    const struct wk_bytes_in challenge =
        wk_bytes_in_of(client->challenge, sizeof client->challenge);
    uint32_t counter;
    WK_TRY(wk_cipher_check_answer(client->config.crypto, &client->config.keys,
                                  client->server_title, &challenge, &token, &counter));
    client->step = WK_CLIENT_READY;
    return WK_OK;
}

static wk_err receive_rlre(struct wk_client *client, struct wk_bytes_in *apdu)
{
    struct wk_association_octets unused;
    WK_TRY(wk_association_read_release(apdu, WK_APDU_RLRE, &unused));
    client->step = WK_CLIENT_CLOSED;
    return WK_OK;
}

static wk_err (*const k_receive[WK_CLIENT_STEP_COUNT])(struct wk_client *,
                                                       struct wk_bytes_in *) = {
    [WK_CLIENT_WAIT_AARE] = receive_aare,
    [WK_CLIENT_WAIT_PROOF] = receive_proof,
    [WK_CLIENT_WAIT_REPLY] = wk_client_receive_reply,
    [WK_CLIENT_WAIT_RLRE] = receive_rlre,
};

wk_err wk_client_receive(struct wk_client *client, int64_t now_us, struct wk_bytes_in apdu)
{
    if (k_receive[client->step] == NULL) {
        return WK_E_STATE;
    }
    client->deadline_us = now_us + client->config.timeout_us;
    if (wk_bytes_in_peek(&apdu) == WK_APDU_EXCEPTION) {
        receive_exception(client, &apdu);
        return WK_OK;
    }
    const wk_err err = k_receive[client->step](client, &apdu);
    if (err != WK_OK) {
        wk_client_fail(client, err);
    }
    return WK_OK;
}

void wk_client_tick(struct wk_client *client, int64_t now_us)
{
    if (k_receive[client->step] == NULL || now_us < client->deadline_us) {
        return;
    }
    if (client->step != WK_CLIENT_WAIT_REPLY || !wk_client_ask_again(client)) {
        wk_client_fail(client, WK_E_TIMEOUT);
    }
}

bool wk_client_sends(const struct wk_client *client)
{
    return k_send[client->step].send != NULL;
}
