/* SPDX-License-Identifier: Apache-2.0
 *
 * Key pairs and certificates of Security setup (class 64, version 1, methods 4 to 8). What is
 * imported must be issued by an issuer that is here; the first one the owner put in. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/kdf.h"
#include "management/session_part.h"

enum { GENERATE = 4, REQUEST = 5, IMPORT = 6, EXPORT = 7, REMOVE = 8 };
enum { ENTITY_SERVER = 0, ENTITY_CLIENT = 1, ENTITY_ISSUER = 2, ENTITY_OTHER = 3 };
enum { TYPE_SIGNING = 0, TYPE_AGREEMENT = 1, TYPE_TLS = 2, TYPE_OTHER = 3 };
enum { BY_ENTITY = 0, BY_SERIAL = 1 };

#define SECOND_US INT64_C(1000000)
#define NONE      WK_SESSION_CERTIFICATES

static struct wk_bytes_in der_of(const struct wk_session_certificate *held)
{
    return wk_bytes_in_of(held->der, held->size);
}

/* Whether place `i` holds a certificate; all that are here could be read once. */
static bool read_at(const struct wk_session_identity *identity, uint8_t i,
                    struct wk_certificate *certificate)
{
    const struct wk_session_certificate *held = &identity->certificate[i];
    return held->size > 0 && wk_certificate_read(der_of(held), certificate) == WK_OK;
}

static uint8_t entity_of(const struct wk_certificate *certificate,
                         const uint8_t title[WK_CIPHER_TITLE])
{
    if (certificate->is_issuer) {
        return ENTITY_ISSUER;
    }
    if (!certificate->has_title) {
        return ENTITY_OTHER;
    }
    return memcmp(certificate->title, title, WK_CIPHER_TITLE) == 0 ? ENTITY_SERVER
                                                                   : ENTITY_CLIENT;
}

static uint8_t type_of(const struct wk_certificate *certificate)
{
    return certificate->is_issuer                              ? TYPE_OTHER
           : (certificate->usage & WK_CERTIFICATE_SIGNS) != 0  ? TYPE_SIGNING
           : (certificate->usage & WK_CERTIFICATE_AGREES) != 0 ? TYPE_AGREEMENT
                                                               : TYPE_OTHER;
}

static bool same(const struct wk_bytes_in *a, const struct wk_bytes_in *b)
{
    return a->size == b->size && (a->size == 0 || (a->data != NULL && b->data != NULL &&
                                                   memcmp(a->data, b->data, a->size) == 0));
}

static const uint8_t *peer_point(const struct wk_session_security *security,
                                 const uint8_t peer[WK_CIPHER_TITLE], struct wk_utc now,
                                 int pair, uint8_t size)
{
    const struct wk_session_identity *identity = security->identity;
    for (uint8_t i = 0; i < NONE; i++) {
        struct wk_certificate found;
        if (read_at(identity, i, &found) &&
            entity_of(&found, security->title) == ENTITY_CLIENT && type_of(&found) == pair &&
            found.size == size && memcmp(found.title, peer, WK_CIPHER_TITLE) == 0 &&
            wk_certificate_is_valid_at(&found, now)) {
            return found.point;
        }
    }
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------- */

static void put_info(struct wk_bytes_out *out, const struct wk_certificate *certificate,
                     const uint8_t title[WK_CIPHER_TITLE])
{
    wk_axdr_put_structure(out, 6);
    wk_axdr_put_enum(out, entity_of(certificate, title));
    wk_axdr_put_enum(out, type_of(certificate));
    wk_axdr_put_octet_string(out, certificate->serial.data, certificate->serial.size);
    wk_axdr_put_octet_string(out, certificate->issuer.data, certificate->issuer.size);
    wk_axdr_put_octet_string(out, certificate->subject.data, certificate->subject.size);
    wk_axdr_put_octet_string(out, certificate->alternative.data, certificate->alternative.size);
}

static wk_err get_certificates(const struct wk_session *session, struct wk_bytes_out *out)
{
    const struct wk_session_identity *identity = session->config.security->identity;
    struct wk_certificate certificate;
    uint32_t count = 0;
    for (uint8_t i = 0; identity != NULL && i < NONE; i++) {
        count += read_at(identity, i, &certificate) ? 1 : 0;
    }
    wk_axdr_put_array(out, count);
    for (uint8_t i = 0; count > 0 && i < NONE; i++) {
        if (read_at(identity, i, &certificate)) {
            put_info(out, &certificate, session->config.security->title);
        }
    }
    return out->fault;
}

/* ---- putting in -------------------------------------------------------------------------- */

/* Where a certificate goes: in place of the one it renews, else where there is room. */
static uint8_t place_for(const struct wk_session_identity *identity,
                         const struct wk_certificate *certificate,
                         const uint8_t title[WK_CIPHER_TITLE])
{
    uint8_t place = NONE;
    for (uint8_t i = 0; i < NONE; i++) {
        struct wk_certificate held;
        if (!read_at(identity, i, &held)) {
            place = place == NONE ? i : place;
        } else if (same(&held.subject, &certificate->subject) &&
                   entity_of(&held, title) == entity_of(certificate, title) &&
                   type_of(&held) == type_of(certificate)) {
            return i;
        }
    }
    return place;
}

static wk_err keep(struct wk_session_identity *identity, const uint8_t *title,
                   const struct wk_bytes_in *der, const struct wk_certificate *certificate)
{
    const uint8_t place = place_for(identity, certificate, title);
    if (place == NONE) {
        return WK_E_FULL;
    }
    memcpy(identity->certificate[place].der, der->data, der->size);
    identity->certificate[place].size = (uint16_t)der->size;
    identity->changed |= (uint8_t)(1U << place);
    identity->generation++;
    return WK_OK;
}

wk_err wk_session_trust(struct wk_session_identity *identity,
                        const uint8_t title[WK_CIPHER_TITLE], struct wk_bytes_in der)
{
    struct wk_certificate certificate;
    WK_TRY(wk_certificate_read(der, &certificate));
    return keep(identity, title, &der, &certificate);
}

static wk_err check_issued(const struct wk_session *session,
                           const struct wk_certificate *certificate)
{
    const struct wk_session_identity *identity = session->config.security->identity;
    for (uint8_t i = 0; i < NONE; i++) {
        struct wk_certificate issuer;
        if (read_at(identity, i, &issuer) &&
            wk_certificate_verify(session->config.crypto, certificate, &issuer) == WK_OK) {
            return WK_OK;
        }
    }
    return WK_E_AUTH;
}

/* A certificate of the meter itself must be about a key pair that it has. */
static wk_err use_pair(struct wk_session_identity *identity,
                       const struct wk_certificate *certificate)
{
    const uint8_t pair = type_of(certificate);
    if (pair >= WK_SESSION_PAIRS) {
        return WK_E_UNSUPPORTED;
    }
    struct wk_session_pair *own = &identity->own[pair];
    struct wk_session_pair *fresh = &identity->fresh[pair];
    const size_t size = 2 * (size_t)certificate->size;
    if (own->key.size == certificate->size &&
        memcmp(own->point, certificate->point, size) == 0) {
        return WK_OK;
    }
    if (fresh->key.size != certificate->size ||
        memcmp(fresh->point, certificate->point, size) != 0) {
        return WK_E_RANGE;
    }
    *own = *fresh;
    *fresh = (struct wk_session_pair){0};
    identity->changed |= WK_SESSION_PAIRS_CHANGED;
    return WK_OK;
}

static wk_err import(struct wk_session_turn *turn, struct wk_bytes_in *parameter)
{
    const struct wk_session *session = turn->session;
    struct wk_session_identity *identity = session->config.security->identity;
    const uint8_t *title = session->config.security->title;
    struct wk_certificate certificate;
    size_t size = 0;
    const uint8_t *octets = wk_axdr_read_octets(parameter, &size);
    WK_TRY(wk_bytes_in_end(parameter));
    const struct wk_bytes_in der = wk_bytes_in_of(octets, size);
    WK_TRY(wk_certificate_read(der, &certificate));
    WK_TRY(check_issued(session, &certificate));
    if (!wk_certificate_is_valid_at(&certificate, (struct wk_utc){turn->now_us / SECOND_US})) {
        return WK_E_RANGE;
    }
    if (place_for(identity, &certificate, title) == NONE) {
        return WK_E_FULL;
    }
    const uint8_t entity = entity_of(&certificate, title);
    if (entity == ENTITY_SERVER) {
        WK_TRY(use_pair(identity, &certificate));
    }
    WK_TRY(keep(identity, title, &der, &certificate));
    wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_CERTIFICATE_CHANGED, entity);
    return WK_OK;
}

/* ---- taking out -------------------------------------------------------------------------- */

/* What a certificate_identification says. */
struct wanted {
    uint8_t by;
    uint8_t entity;
    uint8_t type;
    struct wk_bytes_in title;
    struct wk_bytes_in serial;
    struct wk_bytes_in issuer;
};

static struct wk_bytes_in read_octets(struct wk_bytes_in *in)
{
    size_t size = 0;
    const uint8_t *octets = wk_axdr_read_octets(in, &size);
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

static wk_err read_wanted(struct wk_bytes_in *in, struct wanted *wanted)
{
    *wanted = (struct wanted){0};
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 2) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    wanted->by = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    if (wanted->by == BY_ENTITY) {
        wanted->entity = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
        wanted->type = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
        wanted->title = read_octets(in);
    } else {
        wanted->serial = read_octets(in);
        wanted->issuer = read_octets(in);
    }
    if (wanted->by > BY_SERIAL || members != (wanted->by == BY_ENTITY ? 3U : 2U)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return wk_bytes_in_end(in);
}

static bool is_wanted(const struct wanted *wanted, const struct wk_certificate *certificate,
                      const uint8_t title[WK_CIPHER_TITLE])
{
    if (wanted->by == BY_SERIAL) {
        return same(&wanted->serial, &certificate->serial) &&
               same(&wanted->issuer, &certificate->issuer);
    }
    /* An issuer has no system title: any will do. */
    const bool titled = !certificate->has_title ||
                        (wanted->title.size == WK_CIPHER_TITLE &&
                         memcmp(wanted->title.data, certificate->title, WK_CIPHER_TITLE) == 0);
    return titled && entity_of(certificate, title) == wanted->entity &&
           type_of(certificate) == wanted->type;
}

static wk_err find(const struct wk_session *session, struct wk_bytes_in *parameter,
                   uint8_t *place, struct wk_certificate *certificate)
{
    struct wanted wanted;
    WK_TRY(read_wanted(parameter, &wanted));
    for (*place = 0; *place < NONE; (*place)++) {
        if (read_at(session->config.security->identity, *place, certificate) &&
            is_wanted(&wanted, certificate, session->config.security->title)) {
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}

static wk_err export_one(const struct wk_session *session, struct wk_bytes_in *parameter,
                         struct wk_bytes_out *reply)
{
    struct wk_certificate certificate;
    uint8_t place;
    WK_TRY(find(session, parameter, &place, &certificate));
    const struct wk_session_certificate *held =
        &session->config.security->identity->certificate[place];
    wk_axdr_put_octet_string(reply, held->der, held->size);
    return reply->fault;
}

static wk_err remove_one(struct wk_session_turn *turn, struct wk_bytes_in *parameter)
{
    struct wk_session_identity *identity = turn->session->config.security->identity;
    struct wk_certificate certificate;
    uint8_t place;
    WK_TRY(find(turn->session, parameter, &place, &certificate));
    /* Without its root the meter could never be given a certificate again. */
    if (same(&certificate.issuer, &certificate.subject)) {
        return WK_E_DENIED;
    }
    const uint8_t entity = entity_of(&certificate, turn->session->config.security->title);
    identity->certificate[place] = (struct wk_session_certificate){0};
    identity->changed |= (uint8_t)(1U << place);
    identity->generation++;
    wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_CERTIFICATE_CHANGED, entity);
    return WK_OK;
}

/* ---- key pairs --------------------------------------------------------------------------- */

static wk_err read_pair(struct wk_bytes_in *parameter, uint8_t *pair)
{
    *pair = (uint8_t)wk_axdr_read_integer(parameter, WK_AXDR_ENUM);
    WK_TRY(wk_bytes_in_end(parameter));
    return *pair < WK_SESSION_PAIRS ? WK_OK : WK_E_UNSUPPORTED;
}

static wk_err generate(struct wk_session_turn *turn, uint8_t suite,
                       struct wk_bytes_in *parameter)
{
    const struct wk_hal_crypto *crypto = turn->session->config.crypto;
    struct wk_session_identity *identity = turn->session->config.security->identity;
    struct wk_session_pair made = {.key = {.size = wk_kdf_curve_size(suite)}};
    uint8_t pair;
    WK_TRY(read_pair(parameter, &pair));
    if (crypto->generate == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(crypto->generate(crypto->self, &made.key, made.point));
    identity->fresh[pair] = made;
    identity->changed |= WK_SESSION_PAIRS_CHANGED;
    return WK_OK;
}

static wk_err request(const struct wk_session *session, struct wk_bytes_in *parameter,
                      struct wk_bytes_out *reply)
{
    const struct wk_session_identity *identity = session->config.security->identity;
    uint8_t room[WK_CERTIFICATE_REQUEST];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    uint8_t pair;
    WK_TRY(read_pair(parameter, &pair));
    const struct wk_session_pair *of =
        identity->fresh[pair].key.size > 0 ? &identity->fresh[pair] : &identity->own[pair];
    if (of->key.size == 0) {
        return WK_E_STATE;
    }
    WK_TRY(wk_certificate_put_request(session->config.crypto, &of->key, of->point,
                                      session->config.security->title, &out));
    wk_axdr_put_octet_string(reply, room, out.size);
    return reply->fault;
}

/* ---- of TLS ------------------------------------------------------------------------------ */

/* WK_E_NOT_FOUND: this is not about TLS. The carrier keeps its pair itself. */
static wk_err act_tls(struct wk_session_turn *turn, uint8_t method,
                      struct wk_bytes_in parameter, struct wk_bytes_out *reply)
{
    const struct wk_session_tls *tls = turn->session->config.security->identity->tls;
    struct wk_bytes_in der = {0};
    wk_err err = WK_E_NOT_FOUND;
    if (tls == NULL) {
        return err;
    }
    if (method == IMPORT) {
        der = read_octets(&parameter);
        WK_TRY(wk_bytes_in_end(&parameter));
        err = tls->import(tls->self, der);
    } else if ((method == GENERATE || method == REQUEST) &&
               wk_axdr_read_integer(&parameter, WK_AXDR_ENUM) == TYPE_TLS) {
        WK_TRY(wk_bytes_in_end(&parameter));
        err = method == GENERATE ? tls->generate(tls->self) : tls->request(tls->self, &der);
        if (method == REQUEST && err == WK_OK) {
            wk_axdr_put_octet_string(reply, der.data, der.size);
            return reply->fault;
        }
    }
    if (err == WK_OK) {
        wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_CERTIFICATE_CHANGED,
                               ENTITY_SERVER);
    }
    return err;
}

static wk_err act(struct wk_session_turn *turn, uint8_t suite, uint8_t method,
                  struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_session_security *security = turn->session->config.security;
    wk_err err = WK_E_UNSUPPORTED;
    if (security->identity == NULL) {
        return err;
    }
    const wk_err done = act_tls(turn, method, *parameter, reply);
    if (done != WK_E_NOT_FOUND) {
        return done;
    }
    if (suite == 0) {
        return err;
    }
    switch (method) {
    case GENERATE:
        err = generate(turn, suite, parameter);
        break;
    case REQUEST:
        return request(turn->session, parameter, reply);
    case IMPORT:
        err = import(turn, parameter);
        break;
    case EXPORT:
        return export_one(turn->session, parameter, reply);
    case REMOVE:
        err = remove_one(turn, parameter);
        break;
    default:
        break;
    }
    if (err == WK_OK) {
        security->dirty = true;
        security->keys_dirty = true;
    }
    return err;
}

/* ---- as the owner keeps it --------------------------------------------------------------- */

static void pack_pair(struct wk_bytes_out *out, const struct wk_session_pair *pair)
{
    wk_bytes_out_u8(out, pair->key.size);
    wk_bytes_out_u8(out, pair->key.slot);
    wk_bytes_out_put(out, pair->key.octets, pair->key.slot == 0 ? pair->key.size : 0);
    wk_bytes_out_put(out, pair->point, 2 * (size_t)pair->key.size);
}

static void unpack_pair(struct wk_bytes_in *in, struct wk_session_pair *pair)
{
    *pair = (struct wk_session_pair){.key = {.size = wk_bytes_in_u8(in)}};
    pair->key.slot = wk_bytes_in_u8(in);
    if (pair->key.size > WK_HAL_EC) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    wk_bytes_in_copy(in, pair->key.octets, pair->key.slot == 0 ? pair->key.size : 0);
    wk_bytes_in_copy(in, pair->point, 2 * (size_t)pair->key.size);
}

static void pack(const struct wk_session_identity *identity, struct wk_bytes_out *out)
{
    for (int i = 0; i < WK_SESSION_PAIRS; i++) {
        pack_pair(out, &identity->own[i]);
        pack_pair(out, &identity->fresh[i]);
    }
}

static void unpack(struct wk_session_identity *identity, struct wk_bytes_in *in)
{
    for (int i = 0; i < WK_SESSION_PAIRS; i++) {
        unpack_pair(in, &identity->own[i]);
        unpack_pair(in, &identity->fresh[i]);
    }
}

const struct wk_session_pairs_part wk_session_with_pairs = {
    .shield = &wk_shield_by_pairs,
    .peer_point = peer_point,
    .pack = pack,
    .unpack = unpack,
    .get_certificates = get_certificates,
    .agree = wk_session_security_agree,
    .act = act,
};
