/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/hls.h"
#include "cosem/initiate.h"
#include "cosem/kdf.h"
#include "generated/objects_clients.h" /* from model/objects.txt */
#include "management/session_part.h"

#define SECOND_US INT64_C(1000000)

static const uint32_t k_conformance =
    WK_CONFORMANCE_GENERAL_PROTECTION | WK_CONFORMANCE_GENERAL_BLOCKS |
    WK_CONFORMANCE_BLOCK_GET | WK_CONFORMANCE_BLOCK_SET | WK_CONFORMANCE_BLOCK_ACTION |
    WK_CONFORMANCE_LISTS | WK_CONFORMANCE_GET | WK_CONFORMANCE_SET |
    WK_CONFORMANCE_SELECTIVE_ACCESS | WK_CONFORMANCE_ACTION;

/* What of a client's conformance this meter has, too. */
static uint32_t common_conformance(const struct wk_initiate_request *initiate)
{
    const uint32_t access = wk_session_parts.access != NULL ? WK_CONFORMANCE_ACCESS : 0;
    return initiate->conformance & (k_conformance | access);
}

/* ---- who may come, and how --------------------------------------------------------------- */

#define MECHANISM(n) (1U << (n))
#define CONTEXT(n)   (1U << (n))

const struct wk_session_association wk_session_usual[WK_ROLE_COUNT] = {
    {.client_sap = WK_CLIENT_SAP_PUBLIC,
     .role = WK_ROLE_PUBLIC,
     .mechanisms = MECHANISM(WK_ASSOCIATION_NONE),
     .contexts = CONTEXT(WK_ASSOCIATION_LN)},
    {.client_sap = WK_CLIENT_SAP_READER,
     .role = WK_ROLE_READER,
     .mechanisms = MECHANISM(WK_ASSOCIATION_LLS),
     .contexts = CONTEXT(WK_ASSOCIATION_LN)},
    {.client_sap = WK_CLIENT_SAP_MANAGEMENT,
     .role = WK_ROLE_MANAGEMENT,
     .mechanisms = MECHANISM(WK_ASSOCIATION_HLS_GMAC),
     .contexts = CONTEXT(WK_ASSOCIATION_LN_CIPHERED),
     .policy = WK_SESSION_SEALED},
};

const struct wk_session_association *wk_session_association_of(const struct wk_session *session,
                                                               uint16_t client_sap)
{
    for (uint8_t i = 0; i < session->config.association_count; i++) {
        if (session->config.associations[i].client_sap == client_sap) {
            return &session->config.associations[i];
        }
    }
    return NULL;
}

const struct wk_session_association *
wk_session_association_of_role(const struct wk_session *session, wk_role role)
{
    for (uint8_t i = 0; i < session->config.association_count; i++) {
        if (session->config.associations[i].role == role) {
            return &session->config.associations[i];
        }
    }
    return NULL;
}

static struct wk_session_setup *setup_of(const struct wk_session *session)
{
    return wk_session_setup_of(session->config.security, session->association->setup);
}

/* ---- lock-out ---------------------------------------------------------------------------- */

static int64_t lock_span_us(uint8_t failures)
{
    int64_t span_s = WK_SESSION_LOCK_S;
    for (uint8_t i = WK_SESSION_FREE_TRIES; i < failures && span_s < WK_SESSION_LOCK_MOST_S;
         i++) {
        span_s *= 2;
    }
    span_s = span_s < WK_SESSION_LOCK_MOST_S ? span_s : WK_SESSION_LOCK_MOST_S;
    return span_s * SECOND_US;
}

static bool is_locked(struct wk_session_lock *lock, int64_t now_us)
{
    if (lock->failures < WK_SESSION_FREE_TRIES) {
        return false;
    }
    /* A clock that was set back must not stretch the lock-out. */
    const int64_t span_us = lock_span_us(lock->failures);
    if (lock->until_us - now_us > span_us) {
        lock->until_us = now_us + span_us;
    }
    return now_us < lock->until_us;
}

static void note_failure(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_security *security = session->config.security;
    struct wk_session_lock *lock = &security->lock[session->role];
    lock->failures = lock->failures < UINT8_MAX ? (uint8_t)(lock->failures + 1) : UINT8_MAX;
    security->failed_logins[session->role]++;
    security->dirty = true;
    wk_session_drop_notice(session, turn->now_us, WK_SESSION_LOGIN_FAILED, lock->failures);
    if (lock->failures < WK_SESSION_FREE_TRIES) {
        return;
    }
    const int64_t span_us = lock_span_us(lock->failures);
    lock->until_us = turn->now_us + span_us;
    if (lock->failures == WK_SESSION_FREE_TRIES) {
        wk_session_drop_notice(session, turn->now_us, WK_SESSION_LOCKED_OUT,
                               (int32_t)(span_us / SECOND_US));
    }
}

static void note_success(struct wk_session_turn *turn)
{
    struct wk_session *session = turn->session;
    struct wk_session_security *security = session->config.security;
    if (security->lock[session->role].failures > 0) {
        security->lock[session->role] = (struct wk_session_lock){0};
        security->dirty = true;
    }
    session->state = WK_SESSION_ASSOCIATED;
    security->open[session->role]++;
    if (session->role != WK_ROLE_PUBLIC) {
        wk_session_drop_notice(session, turn->now_us, WK_SESSION_OPENED, 0);
    }
}

/* ---- AARQ -------------------------------------------------------------------------------- */

static void reject(struct wk_session_turn *turn, wk_association_result result,
                   wk_association_diagnostic diagnostic, struct wk_association_octets user_info)
{
    const struct wk_association_response response = {
        .context = turn->session->ciphered ? WK_ASSOCIATION_LN_CIPHERED : WK_ASSOCIATION_LN,
        .result = (uint8_t)result,
        .diagnostic = (uint8_t)diagnostic,
        .user_info = user_info,
    };
    wk_association_put_response(turn->out, &response);
}

static void reject_plainly(struct wk_session_turn *turn, wk_association_diagnostic diagnostic)
{
    reject(turn, WK_ASSOCIATION_REJECTED, diagnostic, (struct wk_association_octets){NULL, 0});
}

static void reject_initiate(struct wk_session_turn *turn, wk_initiate_error error)
{
    uint8_t room[8];
    struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
    wk_initiate_put_error(&info, error);
    reject(turn, WK_ASSOCIATION_REJECTED, WK_ASSOCIATION_NO_REASON,
           (struct wk_association_octets){info.data, info.size});
}

/* With the meter's own title a client could have the meter answer its own challenge. */
static bool is_foreign_title(const struct wk_session *session,
                             const struct wk_association_octets *title)
{
    return title->size == WK_CIPHER_TITLE &&
           memcmp(title->data, session->config.security->title, WK_CIPHER_TITLE) != 0;
}

/* What HLS needs of the request. */
static wk_association_diagnostic check_hls(const struct wk_session *session,
                                           const struct wk_association_request *request)
{
    return request->secret.size < wk_hls_challenge_least(request->mechanism)
               ? WK_ASSOCIATION_AUTHENTICATION_FAILURE
           : request->mechanism >= WK_ASSOCIATION_HLS_GMAC &&
                   !is_foreign_title(session, &request->title)
               ? WK_ASSOCIATION_TITLE_NOT_RECOGNIZED
               : WK_ASSOCIATION_NO_DIAGNOSTIC;
}

/* What the request claims must be what its association demands; else the diagnostic. */
static wk_association_diagnostic check_claims(struct wk_session *session,
                                              const struct wk_association_request *request)
{
    const struct wk_session_association *row = session->association;
    const bool known_context =
        request->context < 8 && (row->contexts & CONTEXT(request->context)) != 0;
    const bool known_mechanism =
        request->mechanism < 8 && (row->mechanisms & MECHANISM(request->mechanism)) != 0;
    const bool ciphered = request->context == WK_ASSOCIATION_LN_CIPHERED;
    if (!known_context || (!ciphered && wk_session_policy(session) != 0)) {
        return WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED;
    }
    if (!known_mechanism) {
        return request->mechanism == WK_ASSOCIATION_NONE
                   ? WK_ASSOCIATION_MECHANISM_REQUIRED
                   : WK_ASSOCIATION_MECHANISM_NOT_RECOGNISED;
    }
    session->ciphered = ciphered;
    session->mechanism = request->mechanism;
    if (ciphered && !is_foreign_title(session, &request->title)) {
        return WK_ASSOCIATION_TITLE_NOT_RECOGNIZED;
    }
    memset(session->client_title, 0, WK_CIPHER_TITLE);
    if (request->title.size == WK_CIPHER_TITLE) {
        memcpy(session->client_title, request->title.data, WK_CIPHER_TITLE);
    }
    const struct wk_session_identity *identity = session->config.security->identity;
    session->peer_generation = identity != NULL ? identity->generation - 1 : 0; /* unknown */
    return wk_hls_is(request->mechanism) ? check_hls(session, request)
                                         : WK_ASSOCIATION_NO_DIAGNOSTIC;
}

static bool is_password(const struct wk_session_secret *secret,
                        const struct wk_association_octets *given)
{
    uint8_t padded[WK_SESSION_PASSWORD] = {0};
    const bool fits = given->size > 0 && given->size <= sizeof padded;
    if (fits) {
        memcpy(padded, given->data, given->size);
    }
    const bool equal = wk_bytes_equal_secret(padded, secret->octets, sizeof padded);
    return fits && secret->size == given->size && equal;
}

/* The initiate-request, deciphered where that is demanded. A signature has no place in it. */
static wk_err open_initiate(struct wk_session_turn *turn,
                            const struct wk_association_request *request,
                            struct wk_bytes_in *plain)
{
    const struct wk_session *session = turn->session;
    const uint8_t needed = wk_session_policy(session) & WK_SESSION_REQUEST_ANY &
                           (uint8_t)~WK_SESSION_REQUEST_SIGNED;
    *plain = wk_bytes_in_of(request->user_info.data, request->user_info.size);
    if (session->ciphered && wk_shield_is_protected(wk_bytes_in_peek(plain))) {
        WK_TRY(wk_session_unprotect(turn, *plain, plain));
    }
    return (needed & (uint8_t)~wk_session_given(&turn->cover)) == 0 ? WK_OK : WK_E_AUTH;
}

static bool check_initiate(struct wk_session_turn *turn,
                           const struct wk_initiate_request *initiate)
{
    if (initiate->dlms_version < WK_INITIATE_DLMS_VERSION) {
        reject_initiate(turn, WK_INITIATE_VERSION_TOO_LOW);
        return false;
    }
    if (common_conformance(initiate) == 0) {
        reject_initiate(turn, WK_INITIATE_INCOMPATIBLE_CONFORMANCE);
        return false;
    }
    if (initiate->max_pdu != 0 && initiate->max_pdu < WK_SESSION_PDU_LEAST) {
        reject_initiate(turn, WK_INITIATE_PDU_TOO_SHORT);
        return false;
    }
    /* A key that came in clear is none. */
    const uint8_t size = wk_kdf_key_size(setup_of(turn->session)->suite);
    if (initiate->dedicated_key_size > 0 &&
        (initiate->dedicated_key_size != size ||
         (turn->cover.control & WK_CIPHER_ENCRYPTED) == 0)) {
        reject_initiate(turn, WK_INITIATE_REFUSED);
        return false;
    }
    return true;
}

static wk_err put_initiate_response(struct wk_session_turn *turn, struct wk_bytes_out *info)
{
    struct wk_session *session = turn->session;
    const struct wk_initiate_response response = {
        .dlms_version = WK_INITIATE_DLMS_VERSION,
        .conformance = session->conformance,
        .max_pdu = session->config.max_pdu,
        .vaa_name = WK_INITIATE_LN_VAA,
    };
    const uint8_t policy = wk_session_policy(session);
    struct wk_shield_cover cover = {
        .control =
            (uint8_t)((turn->cover.control & WK_CIPHER_BOTH) |
                      ((policy & WK_SESSION_RESPONSE_AUTHENTICATED) != 0
                           ? WK_CIPHER_AUTHENTICATED
                           : 0) |
                      ((policy & WK_SESSION_RESPONSE_ENCRYPTED) != 0 ? WK_CIPHER_ENCRYPTED
                                                                     : 0)),
    };
    if (cover.control == 0) {
        wk_initiate_put_response(info, &response);
        return info->fault;
    }
    const uint8_t asked =
        turn->cover.tag != 0 ? turn->cover.tag : (uint8_t)WK_APDU_GLO_INITIATE_REQUEST;
    cover.tag = wk_shield_reply_tag(asked, WK_APDU_INITIATE_RESPONSE, false);
    cover.key = turn->cover.key;
    memcpy(cover.transaction, turn->cover.transaction, sizeof cover.transaction);
    WK_TRY(wk_session_take_counter(session, turn->now_us, &cover.counter));
    const struct wk_shield shield = wk_session_shield(session);
    struct wk_cipher_seal seal;
    wk_shield_begin(&seal, info, info->room, &cover);
    wk_initiate_put_response(&seal.plain, &response);
    return wk_shield_finish(&shield, &seal, &cover);
}

/* The server's challenge, for HLS. */
static wk_err challenge(struct wk_session *session,
                        const struct wk_association_request *request,
                        struct wk_association_response *response)
{
    const size_t least = wk_hls_challenge_least(request->mechanism);
    session->challenge_size =
        (uint8_t)(least > WK_SESSION_CHALLENGE / 2 ? least : WK_SESSION_CHALLENGE / 2);
    WK_TRY(session->config.crypto->random(session->config.crypto->self, session->challenge,
                                          session->challenge_size));
    memcpy(session->client_challenge, request->secret.data, request->secret.size);
    session->client_challenge_size = (uint8_t)request->secret.size;
    response->mechanism = request->mechanism;
    response->secret =
        (struct wk_association_octets){session->challenge, session->challenge_size};
    return WK_OK;
}

/* Everything is in order: the AARE, and for HLS the server's challenge. */
static wk_err accept(struct wk_session_turn *turn, const struct wk_association_request *request,
                     const struct wk_initiate_request *initiate)
{
    struct wk_session *session = turn->session;
    const bool hls = wk_hls_is(session->mechanism);
    uint8_t room[WK_ASSOCIATION_USER_INFO + WK_CIPHER_RESERVE];
    struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
    struct wk_association_response response = {
        .context = request->context,
        .result = WK_ASSOCIATION_ACCEPTED,
        .diagnostic =
            hls ? WK_ASSOCIATION_AUTHENTICATION_REQUIRED : WK_ASSOCIATION_NO_DIAGNOSTIC,
    };
    session->conformance = common_conformance(initiate);
    session->client_max_pdu = initiate->max_pdu;
    WK_TRY(put_initiate_response(turn, &info));
    response.user_info = (struct wk_association_octets){info.data, info.size};
    if (hls) {
        WK_TRY(challenge(session, request, &response));
    }
    if (hls || session->ciphered) {
        response.title =
            (struct wk_association_octets){session->config.security->title, WK_CIPHER_TITLE};
    }
    wk_association_put_response(turn->out, &response);
    WK_TRY(turn->out->fault);
    session->dedicated = (struct wk_hal_key){.size = initiate->dedicated_key_size};
    memcpy(session->dedicated.octets, initiate->dedicated_key, initiate->dedicated_key_size);
    session->dedicated_counter = 0;
    session->transaction = 0;
    return WK_OK;
}

/* Role, claims and secrets. On true the initiate-request is in `plain`; else the answer is
 * written. */
static bool admit(struct wk_session_turn *turn, const struct wk_association_request *request,
                  struct wk_bytes_in *plain)
{
    struct wk_session *session = turn->session;
    struct wk_session_security *security = session->config.security;
    if (is_locked(&security->lock[session->role], turn->now_us)) {
        reject(turn, WK_ASSOCIATION_REJECTED_FOR_NOW, WK_ASSOCIATION_NO_REASON,
               (struct wk_association_octets){NULL, 0});
        return false;
    }
    const wk_association_diagnostic diagnostic = check_claims(session, request);
    if (diagnostic != WK_ASSOCIATION_NO_DIAGNOSTIC) {
        reject_plainly(turn, diagnostic);
        return false;
    }
    wk_err err = WK_OK;
    if (session->mechanism == WK_ASSOCIATION_LLS &&
        !is_password(&security->password[session->role], &request->secret)) {
        err = WK_E_AUTH;
    }
    if (err == WK_OK) {
        err = open_initiate(turn, request, plain);
    }
    if (err == WK_E_REPLAY) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_INVOCATION_COUNTER_ERROR);
        turn->exception.expected_counter = turn->cover.counter;
        return false;
    }
    if (err != WK_OK) {
        note_failure(turn);
        reject_plainly(turn, WK_ASSOCIATION_AUTHENTICATION_FAILURE);
        return false;
    }
    return true;
}

void wk_session_open(struct wk_session_turn *turn, uint16_t client_sap,
                     struct wk_bytes_in *apdu)
{
    struct wk_session *session = turn->session;
    struct wk_association_request request;
    struct wk_initiate_request initiate;
    struct wk_bytes_in plain;
    /* Who opens anew gives up the association it had on this connection. */
    wk_session_close(session);
    const struct wk_session_association *row = wk_session_association_of(session, client_sap);
    session->ciphered = false;
    if (row == NULL) {
        session->role = WK_ROLE_PUBLIC;
        reject_plainly(turn, WK_ASSOCIATION_NO_REASON);
        return;
    }
    session->association = row;
    session->role = (wk_role)row->role;
    session->ciphered = (row->contexts & CONTEXT(WK_ASSOCIATION_LN)) == 0;
    if (wk_association_read_request(apdu, &request) != WK_OK) {
        reject_plainly(turn, WK_ASSOCIATION_NO_REASON);
        return;
    }
    if (!admit(turn, &request, &plain)) {
        return;
    }
    if (wk_initiate_read_request(&plain, &initiate) != WK_OK) {
        reject_initiate(turn, WK_INITIATE_OTHER);
        return;
    }
    if (!check_initiate(turn, &initiate)) {
        return;
    }
    const wk_err err = accept(turn, &request, &initiate);
    memset(&initiate, 0, sizeof initiate);
    if (err != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    session->client_sap = client_sap;
    if (wk_hls_is(session->mechanism)) {
        session->state = WK_SESSION_PROVING;
    } else {
        note_success(turn);
    }
}

/* ---- HLS pass 3 and 4 -------------------------------------------------------------------- */

static struct wk_hls hls_of(struct wk_session *session, const struct wk_shield *shield)
{
    const struct wk_session_secret *secret = &session->config.security->password[session->role];
    return (struct wk_hls){
        .crypto = session->config.crypto,
        .hashed = wk_session_parts.hashed != NULL ? wk_session_parts.hashed->hls : NULL,
        .mechanism = (wk_association_mechanism)session->mechanism,
        .secret = wk_bytes_in_of(secret->octets, secret->size),
        .keys = shield->keys,
        .suite = shield->suite,
        .own = shield->signing,
        .point = shield->peer_signing,
        .point_size = wk_kdf_curve_size(shield->suite),
        .prover = session->client_title,
        .verifier = session->config.security->title,
        .challenge = wk_bytes_in_of(session->challenge, session->challenge_size),
        .other = wk_bytes_in_of(session->client_challenge, session->client_challenge_size),
    };
}

/* The client's answer. The counter of a GMAC is spent, too. */
static wk_err check_proof(struct wk_session *session, struct wk_hls *hls,
                          struct wk_bytes_in *parameter)
{
    struct wk_bytes_in token = wk_bytes_in_of(NULL, 0);
    uint32_t *last = &setup_of(session)->counter[WK_SHIELD_UNICAST];
    token.data = wk_axdr_read_octets(parameter, &token.size);
    if (wk_bytes_in_end(parameter) != WK_OK || token.data == NULL) {
        return WK_E_AUTH;
    }
    WK_TRY(wk_hls_check(hls, &token));
    if (hls->mechanism == WK_ASSOCIATION_HLS_GMAC && hls->counter > *last &&
        hls->counter != UINT32_MAX) {
        *last = hls->counter;
    }
    return WK_OK;
}

wk_err wk_session_prove(struct wk_session_turn *turn, struct wk_bytes_in *parameter,
                        struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    uint8_t room[WK_HLS_ANSWER];
    struct wk_bytes_out answer = wk_bytes_out_of(room, sizeof room);
    if (session->state != WK_SESSION_PROVING) {
        return WK_E_STATE;
    }
    session->state = WK_SESSION_IDLE; /* one try for one challenge */
    const struct wk_shield shield = wk_session_shield(session);
    struct wk_hls hls = hls_of(session, &shield);
    const wk_err err = check_proof(session, &hls, parameter);
    if (err != WK_OK) {
        note_failure(turn);
        return err;
    }
    const struct wk_bytes_in asked = hls.challenge;
    hls.challenge = hls.other;
    hls.other = asked;
    hls.prover = session->config.security->title;
    hls.verifier = session->client_title;
    if (hls.mechanism == WK_ASSOCIATION_HLS_GMAC) {
        WK_TRY(wk_session_take_counter(session, turn->now_us, &hls.counter));
    }
    WK_TRY(wk_hls_answer(&hls, &answer));
    wk_axdr_put_octet_string(reply, room, answer.size);
    WK_TRY(reply->fault);
    memcpy(setup_of(session)->client_title, session->client_title, WK_CIPHER_TITLE);
    note_success(turn);
    return WK_OK;
}

/* ---- release ----------------------------------------------------------------------------- */

void wk_session_release(struct wk_session_turn *turn, struct wk_bytes_in *apdu)
{
    struct wk_association_octets unused;
    if (wk_association_read_release(apdu, WK_APDU_RLRQ, &unused) != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_UNKNOWN, WK_APDU_OTHER_ERROR);
        return;
    }
    wk_session_close(turn->session);
    wk_association_put_release(turn->out, WK_APDU_RLRE,
                               (struct wk_association_octets){NULL, 0});
}

const struct wk_session_hashed_part wk_session_with_hashed = {.hls = &wk_hls_by_hash};
