/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/client_part.h"
#include "cosem/hls.h"
#include "cosem/kdf.h"

bool wk_client_is_hls(const struct wk_client *client)
{
    return wk_hls_is((uint8_t)client->config.mechanism);
}

bool wk_client_is_ciphered(const struct wk_client *client)
{
    return client->config.ciphered || client->config.mechanism == WK_ASSOCIATION_HLS_GMAC;
}

/* ---- protection -------------------------------------------------------------------------- */

static struct wk_shield shield_of(struct wk_client *client)
{
    const struct wk_client_config *config = &client->config;
    struct wk_shield shield = {
        .crypto = config->crypto,
        .suite = config->suite,
        .keys = &config->keys,
        .kek = config->kek,
        .dedicated = &client->dedicated_key,
        .pairs = &wk_shield_by_pairs,
        .names = &wk_shield_by_names,
        .signing = config->signing,
        .agreement = config->agreement,
        .peer_signing = config->server_signing,
        .peer_agreement = config->server_agreement,
    };
    memcpy(shield.own, config->title, WK_CIPHER_TITLE);
    memcpy(shield.peer, client->server_title, WK_CIPHER_TITLE);
    /* The server's first counter may be any. */
    for (int key = 0; key < WK_SHIELD_KEYS; key++) {
        const bool seen = (client->server_counter_seen & 1U << key) != 0;
        shield.counter[key] = seen ? &client->server_counter[key] : NULL;
    }
    return shield;
}

/* How requests are protected; but for the tag, which may depend on the APDU. While the
 * association is opened there is no key but the global one, and no signature. */
static struct wk_shield_cover cover_of(const struct wk_client *client, bool opening)
{
    const struct wk_client_config *config = &client->config;
    const bool dedicated = config->dedicated && !opening;
    struct wk_shield_cover cover = {
        .tag = config->general_glo ? WK_APDU_GENERAL_GLO : WK_APDU_GLO_GET_REQUEST,
        .control = config->control != 0 ? config->control : WK_CIPHER_BOTH,
        .is_signed = config->is_signed && !opening,
        .key = config->key,
    };
    if (dedicated) {
        cover.tag = config->general_glo ? WK_APDU_GENERAL_DED : WK_APDU_DED_GET_REQUEST;
    }
    if (config->general && !opening) {
        cover.tag = WK_APDU_GENERAL_CIPHERING;
    }
    if (opening) {
        cover.tag = WK_APDU_GLO_INITIATE_REQUEST;
        cover.key = WK_ENVELOPE_KEY_KNOWN;
    }
    return cover;
}

size_t wk_client_overhead(const struct wk_client *client)
{
    const struct wk_client_config *config = &client->config;
    if (!wk_client_is_ciphered(client)) {
        return 0;
    }
    return WK_CIPHER_OVERHEAD + (config->general ? (size_t)WK_ENVELOPE_CIPHERING : 0) +
           (config->is_signed ? (size_t)WK_ENVELOPE_SIGNING : 0);
}

void wk_client_begin_seal(const struct wk_client *client, struct wk_cipher_seal *seal,
                          struct wk_bytes_out *out, size_t limit)
{
    const struct wk_shield_cover cover = cover_of(client, client->step == WK_CLIENT_SEND_AARQ);
    wk_shield_begin(seal, out, limit, &cover);
}

static void put_number(uint8_t transaction[WK_ENVELOPE_TRANSACTION], uint64_t number)
{
    struct wk_bytes_out out = wk_bytes_out_of(transaction, WK_ENVELOPE_TRANSACTION);
    wk_bytes_out_u64be(&out, number);
}

wk_err wk_client_finish_seal(struct wk_client *client, struct wk_cipher_seal *seal,
                             bool opening)
{
    struct wk_shield_cover cover = cover_of(client, opening);
    const struct wk_shield shield = shield_of(client);
    if (client->counter == UINT32_MAX) {
        return WK_E_RANGE;
    }
    WK_TRY(seal->plain.fault);
    cover.tag = wk_shield_reply_tag(cover.tag, seal->plain.data[0], cover.is_signed);
    cover.counter = client->counter++;
    put_number(cover.transaction, ++client->transaction);
    return wk_shield_finish(&shield, seal, &cover);
}

wk_err wk_client_unprotect(struct wk_client *client, struct wk_bytes_in apdu, bool opening,
                           struct wk_bytes_in *plain)
{
    const struct wk_shield_cover wanted = cover_of(client, opening);
    const struct wk_shield shield = shield_of(client);
    struct wk_shield_cover cover;
    struct wk_bytes_out room = wk_bytes_out_of(client->plain, sizeof client->plain);
    const wk_err err = wk_shield_open(&shield, apdu, &room, &cover, plain);
    if (err != WK_OK) {
        return err == WK_E_REPLAY ? WK_E_AUTH : err;
    }
    const uint8_t missing = wanted.control & (uint8_t)~cover.control;
    if (missing != 0 || (wanted.is_signed && !cover.is_signed)) {
        return WK_E_AUTH;
    }
    const wk_shield_key which = wk_shield_key_of(&cover);
    client->server_counter[which] = cover.counter;
    client->server_counter_seen |= (uint8_t)(1U << which);
    return WK_OK;
}

/* ---- proofs ------------------------------------------------------------------------------ */

wk_err wk_client_draw(struct wk_client *client, struct wk_initiate_request *initiate)
{
    const struct wk_hal_crypto *crypto = client->config.crypto;
    const size_t least = wk_hls_challenge_least((uint8_t)client->config.mechanism);
    client->challenge_size =
        (uint8_t)(least > WK_CLIENT_CHALLENGE / 2 ? least : WK_CLIENT_CHALLENGE / 2);
    WK_TRY(crypto->random(crypto->self, client->challenge, client->challenge_size));
    if (!client->config.dedicated) {
        return WK_OK;
    }
    const uint8_t size = wk_kdf_key_size(client->config.suite);
    client->dedicated_key = (struct wk_hal_key){.size = size};
    WK_TRY(crypto->random(crypto->self, client->dedicated_key.octets, size));
    initiate->dedicated_key_size = size;
    memcpy(initiate->dedicated_key, client->dedicated_key.octets, size);
    return WK_OK;
}

static struct wk_hls hls_of(const struct wk_client *client)
{
    const struct wk_client_config *config = &client->config;
    return (struct wk_hls){
        .hashed = &wk_hls_by_hash,
        .crypto = config->crypto,
        .mechanism = config->mechanism,
        .secret = wk_bytes_in_of(config->password.data, config->password.size),
        .keys = &config->keys,
        .suite = config->suite,
        .own = config->signing,
        .point = config->server_signing,
        .point_size = wk_kdf_curve_size(config->suite),
    };
}

wk_err wk_client_prove(struct wk_client *client, struct wk_bytes_out *answer)
{
    struct wk_hls hls = hls_of(client);
    hls.prover = client->config.title;
    hls.verifier = client->server_title;
    hls.challenge = wk_bytes_in_of(client->server_challenge, client->server_challenge_size);
    hls.other = wk_bytes_in_of(client->challenge, client->challenge_size);
    if (hls.mechanism == WK_ASSOCIATION_HLS_GMAC) {
        if (client->counter == UINT32_MAX) {
            return WK_E_RANGE;
        }
        hls.counter = client->counter++;
    }
    return wk_hls_answer(&hls, answer);
}

wk_err wk_client_check_proof(struct wk_client *client, const struct wk_bytes_in *answer)
{
    struct wk_hls hls = hls_of(client);
    hls.prover = client->server_title;
    hls.verifier = client->config.title;
    hls.challenge = wk_bytes_in_of(client->challenge, client->challenge_size);
    hls.other = wk_bytes_in_of(client->server_challenge, client->server_challenge_size);
    return wk_hls_check(&hls, answer);
}
