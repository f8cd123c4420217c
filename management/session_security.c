/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 64, version 1, of IEC 62056-6-2 (Security setup): the policy and the keys of an
 * association, and how they change. A row's `selector` says which setup. Counters of a key go
 * on when it is replaced, so that no replay of an older key's APDUs can ever return with it. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/kdf.h"
#include "management/session_part.h"

enum { POLICY = 2, SUITE = 3, CLIENT_TITLE = 4, SERVER_TITLE = 5, CERTIFICATES = 6 };
enum { ACTIVATE = 1, TRANSFER = 2, AGREE = 3 };
enum { KEY_UNICAST = 0, KEY_BROADCAST = 1, KEY_AUTHENTICATION = 2, KEY_MASTER = 3, KEYS = 4 };

static struct wk_session_setup *setup_of(const struct wk_session *session,
                                         const struct wk_object *object)
{
    return wk_session_setup_of(session->config.security, object->selector);
}

/* ---- reading ----------------------------------------------------------------------------- */

wk_err wk_session_security_get(struct wk_session *session, const struct wk_object *object,
                               uint8_t attribute, struct wk_bytes_out *out)
{
    const struct wk_session_setup *setup = setup_of(session, object);
    if (setup == NULL) {
        return WK_E_UNSUPPORTED;
    }
    switch (attribute) {
    case POLICY:
        wk_axdr_put_enum(out, setup->policy);
        break;
    case SUITE:
        wk_axdr_put_enum(out, setup->suite);
        break;
    case CLIENT_TITLE:
        wk_axdr_put_octet_string(out, setup->client_title, WK_CIPHER_TITLE);
        break;
    case SERVER_TITLE:
        wk_axdr_put_octet_string(out, session->config.security->title, WK_CIPHER_TITLE);
        break;
    case CERTIFICATES:
        if (wk_session_parts.pairs != NULL) {
            return wk_session_parts.pairs->get_certificates(session, out);
        }
        wk_axdr_put_array(out, 0);
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return out->fault;
}

/* ---- security_activate ------------------------------------------------------------------- */

static wk_err activate(struct wk_session_turn *turn, struct wk_session_setup *setup,
                       struct wk_bytes_in *parameter)
{
    const struct wk_session_security *security = turn->session->config.security;
    const uint8_t policy = (uint8_t)wk_axdr_read_integer(parameter, WK_AXDR_ENUM);
    const uint8_t known = WK_SESSION_REQUEST_ANY | WK_SESSION_RESPONSE_ANY;
    const uint8_t signing = WK_SESSION_REQUEST_SIGNED | WK_SESSION_RESPONSE_SIGNED;
    WK_TRY(wk_bytes_in_end(parameter));
    const bool can_sign =
        setup->suite > 0 && security->identity != NULL &&
        security->identity->own[WK_SESSION_SIGNING].key.size == wk_kdf_curve_size(setup->suite);
    /* A policy is only ever made stricter, and not beyond what the meter itself can do. */
    if ((policy & (uint8_t)~known) != 0 || (setup->policy & (uint8_t)~policy) != 0 ||
        ((policy & signing) != 0 && !can_sign)) {
        return WK_E_RANGE;
    }
    setup->policy = policy;
    wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_POLICY_CHANGED, policy);
    return WK_OK;
}

/* ---- keys -------------------------------------------------------------------------------- */

static struct wk_hal_key *key_of(struct wk_session_setup *setup, uint8_t id)
{
    switch (id) {
    case KEY_UNICAST:
        return &setup->keys.ek;
    case KEY_BROADCAST:
        return &setup->broadcast;
    case KEY_AUTHENTICATION:
        return &setup->keys.ak;
    default:
        return &setup->kek;
    }
}

/* The key_id that comes next; each may come once. */
static uint8_t read_id(struct wk_bytes_in *in, uint8_t *seen)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const uint8_t id = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    if (members != 2) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    if (id >= KEYS || (*seen & 1U << id) != 0) {
        wk_bytes_in_fail(in, WK_E_RANGE);
        return 0;
    }
    *seen |= (uint8_t)(1U << id);
    return id;
}

/* How many keys come: 1..4. */
static wk_err read_count(struct wk_bytes_in *in, uint32_t *count)
{
    *count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    WK_TRY(in->fault);
    return *count >= 1 && *count <= KEYS ? WK_OK : WK_E_RANGE;
}

/* All keys at once; the reply to this request still has the ones it came with. */
static void take_over(struct wk_session_turn *turn, struct wk_session_setup *setup,
                      const struct wk_session_setup *next, uint8_t ids)
{
    turn->old_keys = setup->keys;
    turn->keys_changed = true;
    *setup = *next;
    for (size_t id = 0; id < KEYS; id++) {
        if ((ids & 1U << id) != 0) {
            wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_KEY_CHANGED,
                                   (uint8_t)id);
        }
    }
}

static wk_err unwrap_all(const struct wk_hal_crypto *crypto, const struct wk_hal_key *kek,
                         struct wk_bytes_in *in, struct wk_session_setup *next, uint8_t *ids)
{
    uint32_t count;
    WK_TRY(read_count(in, &count));
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t id = read_id(in, ids);
        size_t size = 0;
        const uint8_t *wrapped = wk_axdr_read_octets(in, &size);
        WK_TRY(in->fault);
        const size_t key_size = wk_kdf_key_size(next->suite);
        if (size != key_size + 8) {
            return WK_E_RANGE;
        }
        struct wk_hal_key *key = key_of(next, id);
        key->size = (uint8_t)key_size;
        WK_TRY(crypto->unwrap(crypto->self, kek, wrapped, size, key));
    }
    return wk_bytes_in_end(in);
}

static wk_err transfer(struct wk_session_turn *turn, struct wk_session_setup *setup,
                       struct wk_bytes_in *parameter)
{
    const struct wk_hal_crypto *crypto = turn->session->config.crypto;
    struct wk_session_setup next = *setup;
    uint8_t ids = 0;
    if (crypto->unwrap == NULL || setup->kek.size == 0) {
        return WK_E_UNSUPPORTED;
    }
    const wk_err err = unwrap_all(crypto, &setup->kek, parameter, &next, &ids);
    if (err == WK_OK) {
        take_over(turn, setup, &next, ids);
    }
    memset(&next, 0, sizeof next);
    return err;
}

/* ---- key_agreement: C(2e, 0s) ------------------------------------------------------------ */

/* Signs or checks key_id and an ephemeral public key. */
static wk_err hash_offer(const struct wk_hal_crypto *crypto, uint8_t size, uint8_t id,
                         const uint8_t *point, uint8_t hash[WK_HAL_HASH])
{
    uint8_t room[1 + WK_HAL_POINT] = {id};
    memcpy(room + 1, point, 2 * (size_t)size);
    return wk_kdf_hash(crypto, size, room, 1 + 2 * (size_t)size, hash);
}

static wk_err derive(const struct wk_session *session, uint8_t suite, uint8_t id,
                     const uint8_t *secret, struct wk_hal_key *key)
{
    const struct wk_kdf_info info = {
        .wraps = id == KEY_MASTER,
        .party_u = wk_bytes_in_of(session->client_title, WK_CIPHER_TITLE),
        .party_v = wk_bytes_in_of(session->config.security->title, WK_CIPHER_TITLE),
    };
    return wk_kdf_derive(session->config.crypto, suite, secret, &info, key);
}

/* One key: `offer` is the client's ephemeral public key with its signature, and so is what is
 * written. */
static wk_err agree_one(struct wk_session *session, uint8_t id, const uint8_t *offer,
                        struct wk_session_setup *next, struct wk_bytes_out *reply)
{
    const struct wk_hal_crypto *crypto = session->config.crypto;
    const struct wk_shield shield = wk_session_shield(session);
    struct wk_hal_private own = {.size = wk_kdf_curve_size(next->suite)};
    const size_t size = 2 * (size_t)own.size;
    uint8_t answer[2 * WK_HAL_POINT];
    uint8_t hash[WK_HAL_HASH];
    uint8_t secret[WK_HAL_EC];
    WK_TRY(hash_offer(crypto, own.size, id, offer, hash));
    WK_TRY(crypto->verify(crypto->self, own.size, shield.peer_signing, hash, offer + size));
    WK_TRY(crypto->generate(crypto->self, &own, answer));
    WK_TRY(hash_offer(crypto, own.size, id, answer, hash));
    WK_TRY(crypto->sign(crypto->self, shield.signing, hash, answer + size));
    WK_TRY(crypto->agree(crypto->self, &own, offer, secret));
    const wk_err err = derive(session, next->suite, id, secret, key_of(next, id));
    memset(secret, 0, sizeof secret);
    memset(&own, 0, sizeof own);
    wk_axdr_put_structure(reply, 2);
    wk_axdr_put_enum(reply, id);
    wk_axdr_put_octet_string(reply, answer, 2 * size);
    return err;
}

static wk_err agree_all(struct wk_session_turn *turn, struct wk_session_setup *next,
                        struct wk_bytes_in *in, uint8_t *ids, struct wk_bytes_out *reply)
{
    uint32_t count;
    WK_TRY(read_count(in, &count));
    wk_axdr_put_array(reply, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t id = read_id(in, ids);
        size_t size = 0;
        const uint8_t *offer = wk_axdr_read_octets(in, &size);
        WK_TRY(in->fault);
        if (size != 4 * (size_t)wk_kdf_curve_size(next->suite)) {
            return WK_E_RANGE;
        }
        WK_TRY(agree_one(turn->session, id, offer, next, reply));
    }
    WK_TRY(wk_bytes_in_end(in));
    return reply->fault;
}

/* The parties are those of the association: its setup, and no other, can be agreed upon. */
wk_err wk_session_security_agree(struct wk_session_turn *turn, struct wk_session_setup *setup,
                                 struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    struct wk_session *session = turn->session;
    const struct wk_hal_crypto *crypto = session->config.crypto;
    const struct wk_shield shield = wk_session_shield(session);
    struct wk_session_setup next = *setup;
    uint8_t ids = 0;
    if (setup != wk_session_setup_of(session->config.security, session->association->setup) ||
        setup->suite == 0 || shield.signing == NULL || shield.signing->size == 0 ||
        crypto->agree == NULL || crypto->sign == NULL || crypto->generate == NULL ||
        crypto->verify == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (shield.peer_signing == NULL) {
        return WK_E_AUTH;
    }
    const wk_err err = agree_all(turn, &next, parameter, &ids, reply);
    if (err == WK_OK) {
        take_over(turn, setup, &next, ids);
    }
    memset(&next, 0, sizeof next);
    return err;
}

/* ---- key pairs --------------------------------------------------------------------------- */

void wk_session_pairs_pack(const struct wk_session_identity *identity, struct wk_bytes_out *out)
{
    if (wk_session_parts.pairs != NULL) {
        wk_session_parts.pairs->pack(identity, out);
    }
}

void wk_session_pairs_unpack(struct wk_session_identity *identity, struct wk_bytes_in *in)
{
    if (wk_session_parts.pairs != NULL) {
        wk_session_parts.pairs->unpack(identity, in);
    }
}

/* ---- acting ------------------------------------------------------------------------------ */

wk_err wk_session_security_action(struct wk_session_turn *turn, const struct wk_object *object,
                                  uint8_t method, struct wk_bytes_in *parameter,
                                  struct wk_bytes_out *reply)
{
    struct wk_session_security *security = turn->session->config.security;
    struct wk_session_setup *setup = setup_of(turn->session, object);
    wk_err err = WK_E_UNSUPPORTED;
    if (setup == NULL) {
        return err;
    }
    const struct wk_session_pairs_part *pairs = wk_session_parts.pairs;
    if (method == ACTIVATE) {
        err = activate(turn, setup, parameter);
    } else if (method == TRANSFER) {
        err = transfer(turn, setup, parameter);
    } else if (pairs != NULL && method == AGREE) {
        err = pairs->agree(turn, setup, parameter, reply);
    } else if (pairs != NULL) {
        return pairs->act(turn, setup->suite, method, parameter, reply);
    }
    if (err == WK_OK) {
        security->dirty = true;
        security->keys_dirty = true;
    }
    return err;
}
