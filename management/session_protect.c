/* SPDX-License-Identifier: Apache-2.0
 *
 * Protection of requests and replies: what is demanded, what is given, and the refusal of the
 * difference. */
#include <string.h>

#include "cosem/initiate.h"
#include "cosem/kdf.h"
#include "management/session_part.h"

#define REQUEST_TO_RESPONSE 3 /* shift from the bits of requests to those of responses */
#define SECOND_US           INT64_C(1000000)

struct wk_session_setup *wk_session_setup_of(struct wk_session_security *security,
                                             uint32_t number)
{
    if (number == 0) {
        return &security->setup[0];
    }
    const bool is_there = security->more != NULL && number <= security->more_count;
    return is_there ? &security->more[number - 1] : NULL;
}

/* ---- the meter's end --------------------------------------------------------------------- */

static struct wk_session_setup *setup_of(const struct wk_session *session)
{
    return wk_session_setup_of(session->config.security, session->association->setup);
}

/* The public keys of the client stay where its certificates are, until those change. */
static void look_up_peer(struct wk_session *session)
{
    const struct wk_session_identity *identity = session->config.security->identity;
    const uint8_t size = wk_kdf_curve_size(setup_of(session)->suite);
    const struct wk_utc now = {session->now_us / SECOND_US};
    for (int pair = 0; pair < WK_SESSION_PAIRS; pair++) {
        session->peer[pair] = wk_session_parts.pairs->peer_point(
            session->config.security, session->client_title, now, pair, size);
    }
    session->peer_generation = identity->generation;
}

struct wk_shield wk_session_shield(struct wk_session *session)
{
    struct wk_session_security *security = session->config.security;
    struct wk_session_setup *setup = setup_of(session);
    struct wk_shield shield = {
        .crypto = session->config.crypto,
        .suite = setup->suite,
        .keys = &setup->keys,
        .broadcast = &setup->broadcast,
        .kek = &setup->kek,
        .dedicated = &session->dedicated,
        .counter = {[WK_SHIELD_UNICAST] = &setup->counter[WK_SHIELD_UNICAST],
                    [WK_SHIELD_BROADCAST] = &setup->counter[WK_SHIELD_BROADCAST],
                    [WK_SHIELD_AGREED] = &setup->counter[WK_SHIELD_AGREED],
                    [WK_SHIELD_DEDICATED] = &session->dedicated_counter},
        .transaction = &session->transaction,
    };
    memcpy(shield.own, security->title, WK_CIPHER_TITLE);
    memcpy(shield.peer, session->client_title, WK_CIPHER_TITLE);
    if (wk_session_parts.names != NULL) {
        shield.names = wk_session_parts.names->shield;
    }
    if (wk_session_parts.pairs == NULL || security->identity == NULL || setup->suite == 0) {
        return shield;
    }
    shield.pairs = wk_session_parts.pairs->shield;
    if (session->peer_generation != security->identity->generation) {
        look_up_peer(session);
    }
    shield.signing = &security->identity->own[WK_SESSION_SIGNING].key;
    shield.agreement = &security->identity->own[WK_SESSION_AGREEMENT].key;
    shield.peer_signing = session->peer[WK_SESSION_SIGNING];
    shield.peer_agreement = session->peer[WK_SESSION_AGREEMENT];
    return shield;
}

/* ---- what is demanded and given ---------------------------------------------------------- */

uint8_t wk_session_policy(const struct wk_session *session)
{
    const bool has_setup = (session->association->contexts & 1U << WK_ASSOCIATION_LN_CIPHERED);
    return session->association->policy | (has_setup ? setup_of(session)->policy : 0);
}

uint8_t wk_session_given(const struct wk_shield_cover *cover)
{
    const uint8_t ciphered = cover->control & WK_CIPHER_BOTH;
    return (
        uint8_t)(((ciphered & WK_CIPHER_AUTHENTICATED) != 0 ? WK_SESSION_REQUEST_AUTHENTICATED
                                                            : 0) |
                 ((ciphered & WK_CIPHER_ENCRYPTED) != 0 ? WK_SESSION_REQUEST_ENCRYPTED : 0) |
                 (cover->is_signed ? WK_SESSION_REQUEST_SIGNED : 0));
}

uint8_t wk_session_guard_of(const struct wk_session *session, const struct wk_object *object,
                            wk_session_way way)
{
    const struct wk_object_table *table = session->config.table;
    for (size_t i = 0; i < table->guard_count; i++) {
        const struct wk_object_guard *guard = &table->guards[i];
        if (guard->class_id == object->class_id &&
            memcmp(guard->obis, object->obis, sizeof guard->obis) == 0) {
            return way == WK_SESSION_READ    ? guard->read
                   : way == WK_SESSION_WRITE ? guard->write
                                             : guard->act;
        }
    }
    return 0;
}

wk_apdu_access wk_session_guard(struct wk_session_turn *turn, const struct wk_object *object,
                                wk_session_way way)
{
    const uint8_t guard = wk_session_guard_of(turn->session, object, way);
    const uint8_t missing = guard & WK_SESSION_REQUEST_ANY & (uint8_t)~turn->given;
    if (missing != 0) {
        return WK_APDU_SCOPE_VIOLATED;
    }
    turn->demand |= guard & WK_SESSION_RESPONSE_ANY;
    return WK_APDU_SUCCESS;
}

/* ---- requests ---------------------------------------------------------------------------- */

wk_err wk_session_unprotect(struct wk_session_turn *turn, struct wk_bytes_in apdu,
                            struct wk_bytes_in *plain)
{
    struct wk_session *session = turn->session;
    struct wk_session_security *security = session->config.security;
    const struct wk_shield shield = wk_session_shield(session);
    struct wk_bytes_out room = wk_bytes_out_of(session->plain, sizeof session->plain);
    const wk_err err = wk_shield_open(&shield, apdu, &room, &turn->cover, plain);
    if (err == WK_E_REPLAY) {
        security->replays++;
        wk_session_drop_notice(session, turn->now_us, WK_SESSION_REPLAY,
                               (int32_t)(turn->cover.counter & INT32_MAX));
    }
    security->dirty =
        security->dirty || err == WK_E_REPLAY || (err == WK_OK && turn->cover.tag != 0);
    return err;
}

static void refuse_protected(struct wk_session_turn *turn, wk_err err)
{
    struct wk_session_security *security = turn->session->config.security;
    if (err == WK_E_REPLAY) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_INVOCATION_COUNTER_ERROR);
        turn->exception.expected_counter = turn->cover.counter;
        return;
    }
    security->not_deciphered++;
    security->dirty = true;
    wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_NOT_DECIPHERED, 0);
    wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_DECIPHERING_ERROR);
}

size_t wk_session_reply_limit(const struct wk_session *session)
{
    const size_t client = session->client_max_pdu;
    return client == 0 || client > WK_SESSION_PDU ? WK_SESSION_PDU : client;
}

/* How long a reply may be before it is cut into general blocks. */
static size_t uncut_limit(const struct wk_session *session)
{
    return wk_session_agreed(session, WK_CONFORMANCE_GENERAL_BLOCKS)
               ? WK_SESSION_PDU
               : wk_session_reply_limit(session);
}

/* ---- replies ----------------------------------------------------------------------------- */

/* The reply is protected as the request was, as policy demands, as objects demand. */
static void set_cover(const struct wk_session_turn *turn, uint8_t plain,
                      struct wk_shield_cover *cover)
{
    const uint8_t given = wk_session_given(&turn->cover);
    const uint8_t demand = (uint8_t)(given << REQUEST_TO_RESPONSE) | turn->demand |
                           (wk_session_policy(turn->session) & WK_SESSION_RESPONSE_ANY);
    *cover = turn->cover;
    cover->control =
        (uint8_t)(((demand & WK_SESSION_RESPONSE_AUTHENTICATED) != 0 ? WK_CIPHER_AUTHENTICATED
                                                                     : 0) |
                  ((demand & WK_SESSION_RESPONSE_ENCRYPTED) != 0 ? WK_CIPHER_ENCRYPTED : 0));
    cover->is_signed = (demand & WK_SESSION_RESPONSE_SIGNED) != 0;
    if (cover->control == 0) {
        cover->tag = 0;
        return;
    }
    cover->tag = wk_shield_reply_tag(turn->cover.tag, plain, cover->is_signed);
    /* What was for many is answered by one, under the key of one. */
    cover->key = cover->key == WK_ENVELOPE_KEY_BROADCAST ? WK_ENVELOPE_KEY_UNICAST : cover->key;
}

/* Whether a signature is foreseen before the request is served: it takes room. */
static bool will_sign(const struct wk_session_turn *turn)
{
    return turn->cover.is_signed ||
           (wk_session_policy(turn->session) & WK_SESSION_RESPONSE_SIGNED) != 0;
}

static wk_err finish_reply(struct wk_session_turn *turn, struct wk_cipher_seal *seal)
{
    struct wk_session *session = turn->session;
    struct wk_shield_cover cover;
    struct wk_shield shield = wk_session_shield(session);
    shield.keys = turn->keys_changed ? &turn->old_keys : shield.keys;
    WK_TRY(seal->plain.fault);
    const bool room_to_sign = will_sign(turn);
    set_cover(turn, seal->plain.data[0], &cover);
    if (cover.is_signed && !room_to_sign) {
        const size_t left = seal->plain.room - seal->plain.size;
        if (left < WK_ENVELOPE_SIGNING) {
            return WK_E_FULL;
        }
    }
    if (cover.tag != 0) {
        WK_TRY(wk_session_take_counter(session, turn->now_us, &cover.counter));
    }
    return wk_shield_finish(&shield, seal, &cover);
}

static void serve_ciphered(struct wk_session_turn *turn, struct wk_bytes_in *plain,
                           struct wk_bytes_out *reply)
{
    const struct wk_session *session = turn->session;
    struct wk_cipher_seal seal;
    struct wk_shield_cover expected = turn->cover;
    expected.is_signed = will_sign(turn);
    wk_shield_begin(&seal, reply, uncut_limit(session), &expected);
    const size_t limit = wk_session_reply_limit(session);
    const size_t around = wk_shield_overhead(&expected);
    turn->limit = limit > around ? limit - around : 0;
    turn->out = &seal.plain; /* cppcheck-suppress autoVariables ; only while it is served */
    wk_session_serve(turn, plain);
    turn->out = NULL;
    if (turn->exception.service_error != 0 || seal.plain.size == 0) {
        return;
    }
    if (finish_reply(turn, &seal) != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
    }
}

static void serve_clear(struct wk_session_turn *turn, struct wk_bytes_in *plain,
                        struct wk_bytes_out *reply)
{
    struct wk_bytes_out out =
        wk_bytes_out_of(reply->data + reply->size, uncut_limit(turn->session));
    turn->limit = wk_session_reply_limit(turn->session);
    turn->clear = true;
    turn->out = &out; /* cppcheck-suppress autoVariables ; only while it is served */
    wk_session_serve(turn, plain);
    turn->out = NULL;
    if (out.fault != WK_OK || turn->demand != 0) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
    }
    if (turn->exception.service_error == 0) {
        (void)wk_bytes_out_reserve(reply, out.size);
    }
}

void wk_session_serve_protected(struct wk_session_turn *turn, struct wk_bytes_in *apdu,
                                struct wk_bytes_out *reply)
{
    const struct wk_session *session = turn->session;
    struct wk_bytes_in plain = *apdu;
    if (wk_shield_is_protected(wk_bytes_in_peek(apdu))) {
        const wk_err err =
            session->ciphered ? wk_session_unprotect(turn, *apdu, &plain) : WK_E_STATE;
        if (err == WK_E_STATE) {
            wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED,
                              WK_APDU_OPERATION_NOT_POSSIBLE);
            return;
        }
        if (err != WK_OK) {
            refuse_protected(turn, err);
            return;
        }
    }
    if (turn->by_blocks && turn->cover.tag == 0) {
        /* The reply needs the stage, where the request was gathered. */
        memmove(turn->session->plain, plain.data, plain.size);
        plain = wk_bytes_in_of(turn->session->plain, plain.size);
    }
    const uint8_t needed = wk_session_policy(session) & WK_SESSION_REQUEST_ANY;
    if ((needed & (uint8_t)~wk_session_given(&turn->cover)) != 0) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    if (session->ciphered) {
        serve_ciphered(turn, &plain, reply);
        memset(&turn->old_keys, 0, sizeof turn->old_keys);
    } else {
        serve_clear(turn, &plain, reply);
    }
}

const struct wk_session_names_part wk_session_with_names = {.shield = &wk_shield_by_names};
