/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/caller.h"

#include <string.h>

#define SAP_READER     2
#define SAP_MANAGEMENT 1
#define TURNS          64 /* most APDUs of one operation */
#define TIMEOUT_US     INT64_C(3600000000)

static const uint8_t k_title[WK_CIPHER_TITLE] = {'W', 'K', 'H', 0, 0, 0, 0, 9};

void wk_caller_init(struct wk_caller *caller, const struct wk_hal_crypto *crypto,
                    const struct wk_cipher_keys *keys)
{
    memset(caller, 0, sizeof *caller);
    caller->crypto = crypto;
    caller->keys = *keys;
    caller->counter = 1;
    caller->server_last = -1;
}

/* ---- APDUs ------------------------------------------------------------------------------- */

static void note_counter(struct wk_caller *caller)
{
    const struct wk_client *client = &caller->client;
    caller->counter = client->counter > caller->counter ? client->counter : caller->counter;
    if (!client->server_counter_seen) {
        return;
    }
    caller->server_again +=
        (int64_t)client->server_counter[WK_SHIELD_UNICAST] <= caller->server_last ? 1 : 0;
    caller->server_last = client->server_counter[WK_SHIELD_UNICAST];
    caller->server_seen++;
}

static void record(struct wk_caller *caller, const struct wk_bytes_out *out)
{
    if (caller->client.step == WK_CLIENT_WAIT_AARE &&
        caller->client.config.mechanism == WK_ASSOCIATION_HLS_GMAC &&
        out->size <= sizeof caller->recorded) {
        memcpy(caller->recorded, out->data, out->size);
        caller->recorded_size = out->size;
    }
}

static wk_err pass(struct wk_caller *caller, struct wk_module *module, uint16_t sap)
{
    static uint8_t request[WK_CLIENT_PDU + WK_CIPHER_RESERVE];
    static uint8_t answer[WK_SESSION_REPLY];
    const int64_t now_us = wk_module_now_us(module);
    struct wk_bytes_out out = wk_bytes_out_of(request, sizeof request);
    struct wk_bytes_out reply = wk_bytes_out_of(answer, sizeof answer);
    WK_TRY(wk_client_output(&caller->client, now_us, &out));
    record(caller, &out);
    const struct wk_session_link link = {sap, WK_SESSION_SERVER_SAP};
    WK_TRY(wk_session_receive(&caller->session, now_us, link,
                              wk_bytes_in_of(out.data, out.size), &reply));
    WK_TRY(wk_module_settle(module));
    const uint32_t before = caller->client.server_counter[WK_SHIELD_UNICAST];
    const uint8_t seen = caller->client.server_counter_seen;
    WK_TRY(wk_client_receive(&caller->client, now_us, wk_bytes_in_of(reply.data, reply.size)));
    if (caller->client.server_counter[WK_SHIELD_UNICAST] != before ||
        caller->client.server_counter_seen != seen) {
        note_counter(caller);
    }
    return WK_OK;
}

static wk_err converse(struct wk_caller *caller, struct wk_module *module)
{
    const uint16_t sap = caller->client.config.mechanism == WK_ASSOCIATION_HLS_GMAC
                             ? SAP_MANAGEMENT
                             : SAP_READER;
    for (int turn = 0; turn < TURNS && wk_client_busy(&caller->client); turn++) {
        WK_TRY(pass(caller, module, sap));
    }
    if (caller->client.config.mechanism == WK_ASSOCIATION_HLS_GMAC) {
        caller->counter = caller->client.counter;
    }
    return wk_client_busy(&caller->client) ? WK_E_TIMEOUT : caller->client.outcome;
}

/* ---- operations -------------------------------------------------------------------------- */

wk_err wk_caller_open(struct wk_caller *caller, struct wk_module *module, const char *password)
{
    struct wk_client_config config = {
        .mechanism = password != NULL ? WK_ASSOCIATION_LLS : WK_ASSOCIATION_HLS_GMAC,
        .crypto = caller->crypto,
        .keys = caller->keys,
        .counter = caller->counter,
        .max_pdu = WK_SESSION_PDU,
        .timeout_us = TIMEOUT_US,
    };
    if (password != NULL) {
        config.password =
            (struct wk_association_octets){(const uint8_t *)password, strlen(password)};
    }
    memcpy(config.title, k_title, sizeof k_title);
    const struct wk_session_config session = wk_module_session(module, caller->crypto);
    WK_TRY(wk_session_init(&caller->session, &session));
    WK_TRY(wk_client_init(&caller->client, &config));
    WK_TRY(wk_client_open(&caller->client));
    return converse(caller, module);
}

static wk_err take(void *self, const uint8_t *octets, size_t size)
{
    struct wk_caller *caller = self;
    const size_t left = sizeof caller->value - caller->value_size;
    const size_t part = size < left ? size : left;
    memcpy(caller->value + caller->value_size, octets, part);
    caller->value_size += part;
    return WK_OK;
}

wk_err wk_caller_get(struct wk_caller *caller, struct wk_module *module,
                     const struct wk_apdu_target *target)
{
    caller->value_size = 0;
    WK_TRY(wk_client_get(&caller->client, target, (struct wk_client_sink){caller, take}));
    return converse(caller, module);
}

wk_err wk_caller_set(struct wk_caller *caller, struct wk_module *module,
                     const struct wk_apdu_target *target, struct wk_bytes_in value)
{
    WK_TRY(wk_client_set(&caller->client, target, value));
    return converse(caller, module);
}

wk_err wk_caller_action(struct wk_caller *caller, struct wk_module *module,
                        const struct wk_apdu_target *target, struct wk_bytes_in parameter)
{
    caller->value_size = 0;
    WK_TRY(wk_client_action(&caller->client, target, parameter,
                            (struct wk_client_sink){caller, take}));
    return converse(caller, module);
}

void wk_caller_close(struct wk_caller *caller)
{
    wk_session_close(&caller->session);
}

wk_err wk_caller_replay(struct wk_caller *caller, struct wk_module *module)
{
    static uint8_t answer[WK_SESSION_REPLY];
    struct wk_bytes_out reply = wk_bytes_out_of(answer, sizeof answer);
    const struct wk_session_link link = {SAP_MANAGEMENT, WK_SESSION_SERVER_SAP};
    const struct wk_session_config session = wk_module_session(module, caller->crypto);
    WK_TRY(wk_session_init(&caller->session, &session));
    WK_TRY(wk_session_receive(&caller->session, wk_module_now_us(module), link,
                              wk_bytes_in_of(caller->recorded, caller->recorded_size), &reply));
    wk_session_close(&caller->session);
    return wk_module_settle(module);
}
