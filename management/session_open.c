/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/initiate.h"
#include "management/session_part.h"

#define SECOND_US INT64_C(1000000)

static const uint32_t k_conformance =
    WK_CONFORMANCE_GENERAL_PROTECTION | WK_CONFORMANCE_GENERAL_BLOCKS |
    WK_CONFORMANCE_BLOCK_GET | WK_CONFORMANCE_BLOCK_SET | WK_CONFORMANCE_BLOCK_ACTION |
    WK_CONFORMANCE_LISTS | WK_CONFORMANCE_ACCESS | WK_CONFORMANCE_GET | WK_CONFORMANCE_SET |
    WK_CONFORMANCE_SELECTIVE_ACCESS | WK_CONFORMANCE_ACTION;

/* ---- who may come, and how --------------------------------------------------------------- */

static const struct {
    uint16_t client_sap;
    wk_association_context context;
    wk_association_mechanism mechanism;
} k_roles[WK_ROLE_COUNT] = {
    [WK_ROLE_PUBLIC] = {16, WK_ASSOCIATION_LN, WK_ASSOCIATION_NONE},
    [WK_ROLE_READER] = {2, WK_ASSOCIATION_LN, WK_ASSOCIATION_LLS},
    [WK_ROLE_MANAGEMENT] = {1, WK_ASSOCIATION_LN_CIPHERED, WK_ASSOCIATION_HLS_GMAC},
};

bool wk_session_role_of(uint16_t client_sap, wk_role *role)
{
    for (int i = 0; i < WK_ROLE_COUNT; i++) {
        if (k_roles[i].client_sap == client_sap) {
            *role = (wk_role)i;
            return true;
        }
    }
    return false;
}

uint16_t wk_session_sap_of(wk_role role)
{
    return k_roles[role].client_sap;
}

wk_association_mechanism wk_session_mechanism_of(wk_role role)
{
    return k_roles[role].mechanism;
}

wk_association_context wk_session_context_of(wk_role role)
{
    return k_roles[role].context;
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
        .context = (uint8_t)k_roles[turn->session->role].context,
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

/* What the request claims must be what its role demands; else the diagnostic. */
static wk_association_diagnostic check_claims(const struct wk_session *session,
                                              const struct wk_association_request *request)
{
    const wk_association_mechanism mechanism = k_roles[session->role].mechanism;
    if (request->context != k_roles[session->role].context) {
        return WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED;
    }
    if (request->mechanism != mechanism) {
        return request->mechanism == WK_ASSOCIATION_NONE
                   ? WK_ASSOCIATION_MECHANISM_REQUIRED
                   : WK_ASSOCIATION_MECHANISM_NOT_RECOGNISED;
    }
    if (mechanism != WK_ASSOCIATION_HLS_GMAC) {
        return WK_ASSOCIATION_NO_DIAGNOSTIC;
    }
    /* With the meter's own title a client could have the meter answer its own challenge. */
    if (request->title.size != WK_CIPHER_TITLE ||
        memcmp(request->title.data, session->config.security->title, WK_CIPHER_TITLE) == 0) {
        return WK_ASSOCIATION_TITLE_NOT_RECOGNIZED;
    }
    return request->secret.size < WK_ASSOCIATION_CHALLENGE
               ? WK_ASSOCIATION_AUTHENTICATION_FAILURE
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

/* The initiate-request, deciphered where the role demands it. */
static wk_err open_initiate(struct wk_session_turn *turn,
                            const struct wk_association_request *request,
                            struct wk_bytes_in *plain)
{
    struct wk_session *session = turn->session;
    *plain = wk_bytes_in_of(request->user_info.data, request->user_info.size);
    if (session->role != WK_ROLE_MANAGEMENT) {
        return WK_OK;
    }
    struct wk_bytes_in sealed = *plain;
    struct wk_cipher_head head;
    if (wk_bytes_in_peek(&sealed) != WK_APDU_GLO_INITIATE_REQUEST) {
        return WK_E_AUTH;
    }
    return wk_session_open_sealed(turn, session->role, request->title.data, &sealed, &head,
                                  plain);
}

static bool check_initiate(struct wk_session_turn *turn,
                           const struct wk_initiate_request *initiate)
{
    if (initiate->dlms_version < WK_INITIATE_DLMS_VERSION) {
        reject_initiate(turn, WK_INITIATE_VERSION_TOO_LOW);
        return false;
    }
    if ((initiate->conformance & k_conformance) == 0) {
        reject_initiate(turn, WK_INITIATE_INCOMPATIBLE_CONFORMANCE);
        return false;
    }
    if (initiate->max_pdu != 0 && initiate->max_pdu < WK_SESSION_PDU_LEAST) {
        reject_initiate(turn, WK_INITIATE_PDU_TOO_SHORT);
        return false;
    }
    /* A dedicated key would need counters of its own; global keys serve every association. */
    if (initiate->dedicated_key_size > 0) {
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
    if (session->role != WK_ROLE_MANAGEMENT) {
        wk_initiate_put_response(info, &response);
        return info->fault;
    }
    struct wk_cipher_head head = {.tag = WK_APDU_GLO_INITIATE_RESPONSE,
                                  .control = WK_CIPHER_BOTH};
    memcpy(head.title, session->config.security->title, WK_CIPHER_TITLE);
    WK_TRY(wk_session_take_counter(session, turn->now_us, &head.counter));
    struct wk_cipher_seal seal;
    wk_cipher_begin(&seal, info, info->room);
    wk_initiate_put_response(&seal.plain, &response);
    return wk_cipher_finish(&seal, session->config.crypto, &session->config.security->keys,
                            &head);
}

/* Everything is in order: the AARE, and for HLS the server's challenge. */
static wk_err accept(struct wk_session_turn *turn, const struct wk_association_request *request,
                     const struct wk_initiate_request *initiate)
{
    struct wk_session *session = turn->session;
    const bool hls = session->role == WK_ROLE_MANAGEMENT;
    uint8_t room[WK_ASSOCIATION_USER_INFO];
    struct wk_bytes_out info = wk_bytes_out_of(room, sizeof room);
    struct wk_association_response response = {
        .context = request->context,
        .result = WK_ASSOCIATION_ACCEPTED,
        .diagnostic =
            hls ? WK_ASSOCIATION_AUTHENTICATION_REQUIRED : WK_ASSOCIATION_NO_DIAGNOSTIC,
    };
    session->conformance = initiate->conformance & k_conformance;
    session->client_max_pdu = initiate->max_pdu;
    WK_TRY(put_initiate_response(turn, &info));
    response.user_info = (struct wk_association_octets){info.data, info.size};
    if (hls) {
        WK_TRY(session->config.crypto->random(session->config.crypto->self, session->challenge,
                                              sizeof session->challenge));
        memcpy(session->client_title, request->title.data, WK_CIPHER_TITLE);
        memcpy(session->client_challenge, request->secret.data, request->secret.size);
        session->client_challenge_size = (uint8_t)request->secret.size;
        response.mechanism = request->mechanism;
        response.title =
            (struct wk_association_octets){session->config.security->title, WK_CIPHER_TITLE};
        response.secret =
            (struct wk_association_octets){session->challenge, sizeof session->challenge};
    }
    wk_association_put_response(turn->out, &response);
    return turn->out->fault;
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
    if (session->role == WK_ROLE_READER &&
        !is_password(&security->password[WK_ROLE_READER], &request->secret)) {
        err = WK_E_AUTH;
    }
    if (err == WK_OK) {
        err = open_initiate(turn, request, plain);
    }
    if (err == WK_E_REPLAY) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_INVOCATION_COUNTER_ERROR);
        turn->exception.expected_counter = security->client_counter[session->role] + 1;
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
    wk_role role;
    /* Who opens anew gives up the association it had on this connection. */
    wk_session_close(session);
    if (!wk_session_role_of(client_sap, &role)) {
        session->role = WK_ROLE_PUBLIC;
        reject_plainly(turn, WK_ASSOCIATION_NO_REASON);
        return;
    }
    session->role = role;
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
    if (accept(turn, &request, &initiate) != WK_OK) {
        wk_session_refuse(turn, WK_APDU_SERVICE_NOT_ALLOWED, WK_APDU_OPERATION_NOT_POSSIBLE);
        return;
    }
    session->client_sap = client_sap;
    if (role == WK_ROLE_MANAGEMENT) {
        session->state = WK_SESSION_PROVING;
    } else {
        note_success(turn);
    }
}

/* ---- HLS pass 3 and 4 -------------------------------------------------------------------- */

wk_err wk_session_prove(struct wk_session_turn *turn, struct wk_bytes_in *parameter,
                        struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    struct wk_session_security *security = session->config.security;
    struct wk_bytes_in token = wk_bytes_in_of(NULL, 0);
    const struct wk_bytes_in asked =
        wk_bytes_in_of(session->challenge, sizeof session->challenge);
    struct wk_cipher_head head = {.control = WK_CIPHER_AUTHENTICATED};
    uint8_t answer[WK_CIPHER_TOKEN];
    uint32_t counter;
    if (session->state != WK_SESSION_PROVING) {
        return WK_E_STATE;
    }
    session->state = WK_SESSION_IDLE; /* one try for one challenge */
    token.data = wk_axdr_read_octets(parameter, &token.size);
    const wk_err err =
        parameter->fault != WK_OK
            ? WK_E_AUTH
            : wk_cipher_check_answer(session->config.crypto, &security->keys,
                                     session->client_title, &asked, &token, &counter);
    if (err != WK_OK) {
        note_failure(turn);
        return err;
    }
    /* The client spent this counter, too. */
    if (counter > security->client_counter[session->role] && counter != UINT32_MAX) {
        security->client_counter[session->role] = counter;
    }
    memcpy(head.title, security->title, WK_CIPHER_TITLE);
    WK_TRY(wk_session_take_counter(session, turn->now_us, &head.counter));
    WK_TRY(wk_cipher_answer(session->config.crypto, &security->keys, &head,
                            session->client_challenge, session->client_challenge_size, answer));
    wk_axdr_put_octet_string(reply, answer, sizeof answer);
    WK_TRY(reply->fault);
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
