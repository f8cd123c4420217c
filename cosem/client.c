/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/client.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/client_part.h"
#include "cosem/hls.h"
#include "cosem/initiate.h"

#define LEAST_PDU            64
#define FIRST_INVOKE         1
#define REPLY_TO_HLS         1 /* method of class 15 */
#define CLASS_ASSOCIATION_LN 15

static const uint8_t k_current_association[WK_OBIS_SIZE] = {0, 0, 40, 0, 0, 255};

/* ---- starting ---------------------------------------------------------------------------- */

wk_err wk_client_init(struct wk_client *client, const struct wk_client_config *config)
{
    const bool needs_crypto = wk_hls_is((uint8_t)config->mechanism) || config->ciphered;
    if (config->max_pdu < LEAST_PDU || config->max_pdu > WK_CLIENT_PDU ||
        (config->most_pdu != 0 && config->most_pdu < LEAST_PDU) ||
        config->window > WK_GBT_WINDOW_MOST || config->suite > 2 ||
        (needs_crypto && config->crypto == NULL)) {
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

uint8_t wk_client_next_invoke(struct wk_client *client)
{
    client->invoke = client->config.numbered
                         ? (uint8_t)((client->invoke + 1) & WK_APDU_INVOKE_ID)
                         : FIRST_INVOKE;
    return (uint8_t)(WK_CLIENT_CLASS | client->invoke);
}

wk_err wk_client_open(struct wk_client *client)
{
    if (client->step != WK_CLIENT_CLOSED || client->broken) {
        return WK_E_STATE;
    }
    client->server_counter_seen = 0;
    client->transaction = 0;
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

static void put_plain(const struct wk_client *client, struct wk_bytes_out *out)
{
    if (client->access != NULL) {
        wk_access_put_request(out, client->access);
    } else {
        wk_apdu_put_request(out, &client->request);
    }
}

/* The plain request, or the protected one in a ciphered association. */
wk_err wk_client_put_request(struct wk_client *client, struct wk_bytes_out *out)
{
    if (!wk_client_is_ciphered(client)) {
        put_plain(client, out);
        return out->fault;
    }
    struct wk_cipher_seal seal;
    wk_client_begin_seal(client, &seal, out, WK_CLIENT_PDU);
    put_plain(client, &seal.plain);
    return wk_client_finish_seal(client, &seal, false);
}

/* The initiate-request, protected in a ciphered association. */
static wk_err put_initiate(struct wk_client *client, struct wk_initiate_request *initiate,
                           struct wk_bytes_out *info)
{
    if (wk_client_is_hls(client) || wk_client_is_ciphered(client)) {
        WK_TRY(wk_client_draw(client, initiate));
    }
    if (!wk_client_is_ciphered(client)) {
        wk_initiate_put_request(info, initiate);
        return info->fault;
    }
    struct wk_cipher_seal seal;
    wk_client_begin_seal(client, &seal, info, WK_ASSOCIATION_USER_INFO);
    wk_initiate_put_request(&seal.plain, initiate);
    return wk_client_finish_seal(client, &seal, true);
}

static wk_err send_aarq(struct wk_client *client, struct wk_bytes_out *out)
{
    struct wk_initiate_request initiate = {
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
    uint8_t room[WK_ASSOCIATION_USER_INFO + WK_CIPHER_RESERVE];
    struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
    const bool ciphered = wk_client_is_ciphered(client);
    struct wk_association_request request = {
        .context = ciphered ? WK_ASSOCIATION_LN_CIPHERED : WK_ASSOCIATION_LN,
        .mechanism = (uint8_t)client->config.mechanism,
    };
    const wk_err err = put_initiate(client, &initiate, &info);
    memset(&initiate, 0, sizeof initiate);
    WK_TRY(err);
    if (ciphered || wk_client_is_hls(client)) {
        request.title = (struct wk_association_octets){client->config.title, WK_CIPHER_TITLE};
    }
    if (wk_client_is_hls(client)) {
        request.secret =
            (struct wk_association_octets){client->challenge, client->challenge_size};
    } else {
        request.secret = client->config.password;
    }
    request.user_info = (struct wk_association_octets){info.data, info.size};
    wk_association_put_request(out, &request);
    return out->fault;
}

/* HLS pass 3: the answer to the server's challenge, as method reply_to_HLS_authentication. */
static wk_err send_proof(struct wk_client *client, struct wk_bytes_out *out)
{
    uint8_t token[WK_HLS_ANSWER];
    uint8_t parameter[2 + WK_HLS_ANSWER];
    struct wk_bytes_out answer = wk_bytes_out_of(token, sizeof token);
    WK_TRY(wk_client_prove(client, &answer));
    struct wk_bytes_out data = wk_bytes_out_of(parameter, sizeof parameter);
    wk_axdr_put_octet_string(&data, token, answer.size);
    client->request = (struct wk_apdu_request){
        .service = WK_APDU_ACTION,
        .invoke = wk_client_next_invoke(client),
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

static wk_err accept_initiate(struct wk_client *client,
                              const struct wk_association_response *response)
{
    struct wk_bytes_in info =
        wk_bytes_in_of(response->user_info.data, response->user_info.size);
    struct wk_bytes_in plain = info;
    if (wk_client_is_ciphered(client)) {
        WK_TRY(wk_client_unprotect(client, info, true, &plain));
    }
    struct wk_initiate_response initiate;
    uint8_t error;
    WK_TRY(wk_initiate_read_response(&plain, &initiate, &error));
    if (initiate.max_pdu != 0 && initiate.max_pdu < LEAST_PDU) {
        return WK_E_RANGE;
    }
    client->conformance = initiate.conformance;
    client->server_max_pdu = initiate.max_pdu;
    if (client->config.most_pdu != 0 &&
        (initiate.max_pdu == 0 || initiate.max_pdu > client->config.most_pdu)) {
        client->server_max_pdu = client->config.most_pdu;
    }
    return WK_OK;
}

/* The server's title, which must not be ours. */
static wk_err accept_title(struct wk_client *client,
                           const struct wk_association_response *response)
{
    if (response->title.size != WK_CIPHER_TITLE) {
        return WK_E_FORMAT;
    }
    if (memcmp(response->title.data, client->config.title, WK_CIPHER_TITLE) == 0) {
        return WK_E_AUTH;
    }
    memcpy(client->server_title, response->title.data, WK_CIPHER_TITLE);
    return WK_OK;
}

/* The server's challenge, which must not be our own, sent back. */
static wk_err accept_challenge(struct wk_client *client,
                               const struct wk_association_response *response)
{
    const size_t least = wk_hls_challenge_least((uint8_t)client->config.mechanism);
    if (response->secret.size < least ||
        response->secret.size > sizeof client->server_challenge) {
        return WK_E_FORMAT;
    }
    const size_t size = client->challenge_size;
    if (response->secret.size == size &&
        memcmp(response->secret.data, client->challenge, size) == 0) {
        return WK_E_AUTH;
    }
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
    if (wk_client_is_hls(client) || wk_client_is_ciphered(client)) {
        WK_TRY(accept_title(client, &response));
    }
    if (wk_client_is_hls(client)) {
        WK_TRY(accept_challenge(client, &response));
    }
    WK_TRY(accept_initiate(client, &response));
    client->step = wk_client_is_hls(client) ? WK_CLIENT_SEND_PROOF : WK_CLIENT_READY;
    return WK_OK;
}

wk_err wk_client_open_reply(struct wk_client *client, struct wk_bytes_in *apdu,
                            struct wk_bytes_in *plain)
{
    *plain = *apdu;
    return wk_client_is_ciphered(client) ? wk_client_unprotect(client, *apdu, false, plain)
                                         : WK_OK;
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
    WK_TRY(wk_client_check_proof(client, &token));
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

bool wk_client_take_event(struct wk_client *client, struct wk_bytes_in plain)
{
    struct wk_notification_event event;
    if (wk_bytes_in_peek(&plain) != WK_APDU_EVENT_NOTIFICATION) {
        return false;
    }
    if (wk_notification_read_event(&plain, &event) == WK_OK &&
        client->config.events.take != NULL) {
        client->config.events.take(client->config.events.self, &event);
    }
    return true;
}

static bool is_associated(const struct wk_client *client)
{
    return client->step >= WK_CLIENT_READY && client->step <= WK_CLIENT_WAIT_RLRE;
}

static bool is_general(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_GLO || tag == WK_APDU_GENERAL_DED ||
           tag == WK_APDU_GENERAL_CIPHERING || tag == WK_APDU_GENERAL_SIGNING;
}

/* What comes between the replies. A sealed APDU that may be a reply is left to who waits for
 * one. What cannot be opened changes nothing: others could send it to end the association. */
static bool receive_event(struct wk_client *client, struct wk_bytes_in apdu)
{
    const uint8_t tag = wk_bytes_in_peek(&apdu);
    const bool waits = k_receive[client->step] != NULL;
    const bool sealed = tag == WK_APDU_GLO_EVENT_NOTIFICATION ||
                        tag == WK_APDU_DED_EVENT_NOTIFICATION || (is_general(tag) && !waits);
    struct wk_bytes_in plain = apdu;
    if (!is_associated(client) || (tag != WK_APDU_EVENT_NOTIFICATION && !sealed)) {
        return false;
    }
    if (wk_client_is_ciphered(client) && !sealed) {
        return true;
    }
    if (sealed && (!wk_client_is_ciphered(client) ||
                   wk_client_unprotect(client, apdu, false, &plain) != WK_OK)) {
        return !is_general(tag);
    }
    return wk_client_take_event(client, plain);
}

wk_err wk_client_receive(struct wk_client *client, int64_t now_us, struct wk_bytes_in apdu)
{
    if (receive_event(client, apdu)) {
        return WK_OK;
    }
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
