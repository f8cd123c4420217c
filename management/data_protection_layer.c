/* SPDX-License-Identifier: Apache-2.0 */
#include "management/data_protection_layer.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/kdf.h"
#include "cosem/shield.h"
#include "management/session_part.h"

#define CIPHER_HEAD 5 /* security control and invocation counter */

/* key_info_type, and what the options say */
enum { KEY_IDENTIFIED = 0, KEY_WRAPPED = 1, KEY_AGREED = 2 };
enum { ID_UNICAST = 0, ID_BROADCAST = 1 };
enum { SCHEME_ONE_PASS = 1, SCHEME_STATIC = 2 };
#define KEK_MASTER 0

/* ---- protection_parameters --------------------------------------------------------------- */

static bool is_cipher(const struct wk_data_protection_layer *layer)
{
    return layer->kind != WK_DATA_PROTECTION_SIGNED;
}

/* An octet-string of at most `most` octets. */
static struct wk_bytes_in read_octets(struct wk_bytes_in *in, size_t most)
{
    size_t size = 0;
    const uint8_t *octets = wk_axdr_read_octets(in, &size);
    if (in->fault == WK_OK && size > most) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    return wk_bytes_in_of(octets, in->fault == WK_OK ? size : 0);
}

static void copy(uint8_t *to, const struct wk_bytes_in *from)
{
    if (from->size > 0) {
        memcpy(to, from->data, from->size);
    }
}

static void read_names(struct wk_bytes_in *in, struct wk_data_protection_layer *layer)
{
    struct wk_envelope *envelope = &layer->envelope;
    const struct wk_bytes_in transaction = read_octets(in, WK_ENVELOPE_TRANSACTION);
    const struct wk_bytes_in originator = read_octets(in, WK_CIPHER_TITLE);
    const struct wk_bytes_in recipient = read_octets(in, WK_CIPHER_TITLE);
    layer->other = read_octets(in, WK_ENVELOPE_OTHER);
    if (in->fault == WK_OK && (originator.size != WK_CIPHER_TITLE ||
                               (recipient.size != 0 && recipient.size != WK_CIPHER_TITLE))) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    copy(envelope->transaction, &transaction);
    envelope->transaction_size = (uint8_t)transaction.size;
    copy(envelope->originator, &originator);
    copy(envelope->recipient, &recipient);
    envelope->for_anybody = recipient.size == 0;
}

static void read_identified(struct wk_bytes_in *in, struct wk_envelope_key *key)
{
    if (wk_bytes_in_peek(in) == WK_AXDR_STRUCTURE && /* some clients have one around it */
        wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 1) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const int64_t id = wk_axdr_read_integer(in, WK_AXDR_ENUM);
    key->kind = id == ID_UNICAST ? WK_ENVELOPE_KEY_UNICAST : WK_ENVELOPE_KEY_BROADCAST;
    if (in->fault == WK_OK && id > ID_BROADCAST) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void read_wrapped(struct wk_bytes_in *in, struct wk_envelope_key *key)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const int64_t kek = wk_axdr_read_integer(in, WK_AXDR_ENUM);
    key->kind = WK_ENVELOPE_KEY_WRAPPED;
    key->data = read_octets(in, WK_HAL_WRAPPED);
    if (in->fault == WK_OK && (members != 2 || kek != KEK_MASTER)) {
        wk_bytes_in_fail(in, members != 2 ? WK_E_FORMAT : WK_E_RANGE);
    }
}

static void read_agreed(struct wk_bytes_in *in, struct wk_envelope_key *key)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const struct wk_bytes_in scheme = read_octets(in, 1);
    key->data = read_octets(in, WK_ENVELOPE_KEY_DATA);
    const uint8_t number = scheme.size == 1 ? scheme.data[0] : 0;
    key->kind = number == SCHEME_ONE_PASS ? WK_ENVELOPE_KEY_ONE_PASS : WK_ENVELOPE_KEY_STATIC;
    if (in->fault == WK_OK && members != 2) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    } else if (number != SCHEME_ONE_PASS && (number != SCHEME_STATIC || key->data.size > 0)) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
}

static void read_key(struct wk_bytes_in *in, struct wk_data_protection_layer *layer)
{
    if (!is_cipher(layer)) {
        wk_axdr_skip(in); /* a signature has the key of whoever signs */
        return;
    }
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 2) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    switch (wk_axdr_read_integer(in, WK_AXDR_ENUM)) {
    case KEY_IDENTIFIED:
        read_identified(in, &layer->key);
        break;
    case KEY_WRAPPED:
        read_wrapped(in, &layer->key);
        break;
    case KEY_AGREED:
        read_agreed(in, &layer->key);
        break;
    default:
        wk_bytes_in_fail(in, WK_E_RANGE);
        break;
    }
}

static void read_layer(struct wk_bytes_in *in, struct wk_data_protection_layer *layer)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    layer->kind = (uint8_t)wk_axdr_read_integer(in, WK_AXDR_ENUM);
    const uint32_t options = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    if (members != 2 || options != 5) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    } else if (layer->kind > WK_DATA_PROTECTION_SIGNED) {
        wk_bytes_in_fail(in, WK_E_RANGE);
    }
    read_names(in, layer);
    read_key(in, layer);
}

wk_err wk_data_protection_read_layers(struct wk_bytes_in *in,
                                      struct wk_data_protection_layers *layers)
{
    *layers = (struct wk_data_protection_layers){0};
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    WK_TRY(in->fault);
    if (count > WK_DATA_PROTECTION_LAYERS) {
        return WK_E_RANGE;
    }
    for (uint32_t i = 0; i < count; i++) {
        read_layer(in, &layers->layer[i]);
        WK_TRY(in->fault);
    }
    layers->count = (uint8_t)count;
    return count == 2 && is_cipher(&layers->layer[0]) == is_cipher(&layers->layer[1])
               ? WK_E_RANGE
               : WK_OK;
}

static void put_key(struct wk_bytes_out *out, const struct wk_envelope_key *key)
{
    const bool agreed =
        key->kind == WK_ENVELOPE_KEY_ONE_PASS || key->kind == WK_ENVELOPE_KEY_STATIC;
    const bool wrapped = key->kind == WK_ENVELOPE_KEY_WRAPPED;
    if (key->kind == WK_ENVELOPE_KEY_KNOWN) {
        wk_axdr_put_structure(out, 0);
        return;
    }
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_enum(out, agreed ? KEY_AGREED : wrapped ? KEY_WRAPPED : KEY_IDENTIFIED);
    if (agreed) {
        const uint8_t scheme =
            key->kind == WK_ENVELOPE_KEY_ONE_PASS ? SCHEME_ONE_PASS : SCHEME_STATIC;
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_octet_string(out, &scheme, 1);
    } else if (wrapped) {
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_enum(out, KEK_MASTER);
    } else {
        wk_axdr_put_enum(out,
                         key->kind == WK_ENVELOPE_KEY_BROADCAST ? ID_BROADCAST : ID_UNICAST);
        return;
    }
    wk_axdr_put_octet_string(out, key->data.data, key->data.size);
}

void wk_data_protection_put_layers(struct wk_bytes_out *out,
                                   const struct wk_data_protection_layers *layers)
{
    wk_axdr_put_array(out, layers->count);
    for (uint8_t i = 0; i < layers->count; i++) {
        const struct wk_data_protection_layer *layer = &layers->layer[i];
        const struct wk_envelope *envelope = &layer->envelope;
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_enum(out, layer->kind);
        wk_axdr_put_structure(out, 5);
        wk_axdr_put_octet_string(out, envelope->transaction, envelope->transaction_size);
        wk_axdr_put_octet_string(out, envelope->originator, WK_CIPHER_TITLE);
        wk_axdr_put_octet_string(out, envelope->recipient,
                                 envelope->for_anybody ? 0 : WK_CIPHER_TITLE);
        wk_axdr_put_octet_string(out, layer->other.data, layer->other.size);
        put_key(out, &layer->key);
    }
}

uint8_t wk_data_protection_given(const struct wk_data_protection_layers *layers)
{
    static const uint8_t k_given[] = {
        WK_SESSION_REQUEST_AUTHENTICATED, WK_SESSION_REQUEST_ENCRYPTED,
        WK_SESSION_REQUEST_AUTHENTICATED | WK_SESSION_REQUEST_ENCRYPTED,
        WK_SESSION_REQUEST_SIGNED};
    uint8_t given = 0;
    for (uint8_t i = 0; i < layers->count; i++) {
        given |= k_given[layers->layer[i].kind];
    }
    return given;
}

bool wk_data_protection_is_whole(const struct wk_data_protection_layers *layers,
                                 const struct wk_session_security *security)
{
    for (uint8_t i = 0; i < layers->count; i++) {
        const struct wk_data_protection_layer *layer = &layers->layer[i];
        const struct wk_envelope *envelope = &layer->envelope;
        if (envelope->for_anybody || envelope->transaction_size != WK_ENVELOPE_TRANSACTION ||
            layer->other.size > 0 || layer->key.kind == WK_ENVELOPE_KEY_WRAPPED ||
            layer->key.kind == WK_ENVELOPE_KEY_ONE_PASS ||
            memcmp(envelope->originator, security->title, WK_CIPHER_TITLE) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- keys -------------------------------------------------------------------------------- */

static uint8_t bits_of(const struct wk_data_protection_layer *layer)
{
    const uint8_t control = layer->kind == WK_DATA_PROTECTION_BOTH ? WK_CIPHER_BOTH
                            : layer->kind == WK_DATA_PROTECTION_ENCRYPTED
                                ? WK_CIPHER_ENCRYPTED
                                : WK_CIPHER_AUTHENTICATED;
    return layer->key.kind == WK_ENVELOPE_KEY_BROADCAST ? control | WK_CIPHER_BROADCAST
                                                        : control;
}

/* The meter's end towards whoever has the title `peer`. */
static struct wk_shield shield_of(const struct wk_data_protection_desk *desk,
                                  const uint8_t peer[WK_CIPHER_TITLE])
{
    const struct wk_session_security *security = desk->security;
    const struct wk_session_setup *setup = &security->setup[0];
    struct wk_shield shield = {.crypto = desk->protection->crypto,
                               .names = &wk_shield_by_names,
                               .suite = setup->suite,
                               .keys = &setup->keys,
                               .broadcast = &setup->broadcast,
                               .kek = &setup->kek};
    memcpy(shield.own, security->title, WK_CIPHER_TITLE);
    memcpy(shield.peer, peer, WK_CIPHER_TITLE);
    const struct wk_session_pairs_part *pairs = wk_session_parts.pairs;
    if (pairs == NULL || security->identity == NULL || setup->suite == 0) {
        return shield;
    }
    const uint8_t size = wk_kdf_curve_size(setup->suite);
    shield.pairs = pairs->shield;
    shield.signing = &security->identity->own[WK_SESSION_SIGNING].key;
    shield.agreement = &security->identity->own[WK_SESSION_AGREEMENT].key;
    shield.peer_signing =
        pairs->peer_point(security, peer, desk->now, WK_SESSION_SIGNING, size);
    shield.peer_agreement =
        pairs->peer_point(security, peer, desk->now, WK_SESSION_AGREEMENT, size);
    return shield;
}

/* The encryption key that a layer names. */
static wk_err accept_key(const struct wk_shield *shield,
                         const struct wk_data_protection_layer *layer, struct wk_hal_key *ek)
{
    switch (layer->key.kind) {
    case WK_ENVELOPE_KEY_BROADCAST:
        *ek = *shield->broadcast;
        return ek->size > 0 ? WK_OK : WK_E_UNSUPPORTED;
    case WK_ENVELOPE_KEY_WRAPPED:
    case WK_ENVELOPE_KEY_ONE_PASS:
    case WK_ENVELOPE_KEY_STATIC:
        return shield->names->accept(shield, &layer->envelope, &layer->key, ek);
    case WK_ENVELOPE_KEY_KNOWN:
    case WK_ENVELOPE_KEY_UNICAST:
    default:
        *ek = shield->keys->ek;
        return WK_OK;
    }
}

/* ---- opening ----------------------------------------------------------------------------- */

/* The fields of the general APDU whose names the parameters have. */
static void put_fields(struct wk_bytes_out *out, const struct wk_data_protection_layer *layer)
{
    const struct wk_envelope *envelope = &layer->envelope;
    const struct wk_bytes_in fields[] = {
        wk_bytes_in_of(envelope->transaction, envelope->transaction_size),
        wk_bytes_in_of(envelope->originator, WK_CIPHER_TITLE),
        wk_bytes_in_of(envelope->recipient, envelope->for_anybody ? 0 : WK_CIPHER_TITLE),
        wk_bytes_in_of(NULL, 0), /* date-time */
        layer->other,
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        wk_axdr_put_length(out, (uint32_t)fields[i].size);
        wk_bytes_out_put(out, fields[i].data, fields[i].size);
    }
}

static wk_err check_counter(struct wk_data_protection_desk *desk,
                            const struct wk_cipher_head *head)
{
    return head->counter > desk->counter && head->counter != UINT32_MAX ? WK_OK : WK_E_REPLAY;
}

static wk_err open_cipher(struct wk_data_protection_desk *desk,
                          const struct wk_data_protection_layer *layer,
                          struct wk_bytes_in octets, struct wk_bytes_out *room)
{
    const struct wk_shield shield = shield_of(desk, layer->envelope.originator);
    struct wk_cipher_keys keys = {.ak = shield.keys->ak};
    uint8_t extra[WK_CIPHER_EXTRA];
    struct wk_bytes_out fields = wk_bytes_out_of(extra, sizeof extra);
    put_fields(&fields, layer);
    struct wk_cipher_head head = {.tag = WK_APDU_GENERAL_CIPHERING,
                                  .control = wk_bytes_in_u8(&octets),
                                  .counter = wk_bytes_in_u32be(&octets),
                                  .extra = wk_bytes_in_of(extra, fields.size)};
    WK_TRY(octets.fault);
    memcpy(head.title, layer->envelope.originator, WK_CIPHER_TITLE);
    const struct wk_bytes_in text =
        wk_bytes_in_of(octets.data + octets.at, wk_bytes_in_left(&octets));
    if (head.control != (bits_of(layer) | shield.suite)) {
        return WK_E_AUTH;
    }
    WK_TRY(check_counter(desk, &head));
    wk_err err = accept_key(&shield, layer, &keys.ek);
    if (err == WK_OK) {
        err = wk_cipher_open(shield.crypto, &keys, &head, &text, room);
    }
    memset(&keys, 0, sizeof keys);
    if (err == WK_OK && (head.control & WK_CIPHER_AUTHENTICATED) != 0) {
        desk->counter = head.counter;
    }
    return err;
}

static wk_err open_signed(const struct wk_data_protection_desk *desk,
                          const struct wk_data_protection_layer *layer,
                          const struct wk_bytes_in *octets, struct wk_bytes_out *room,
                          struct wk_bytes_in *plain)
{
    const struct wk_shield shield = shield_of(desk, layer->envelope.originator);
    struct wk_envelope envelope;
    if (shield.pairs == NULL) {
        return WK_E_UNSUPPORTED;
    }
    wk_bytes_out_u8(room, WK_APDU_GENERAL_SIGNING);
    put_fields(room, layer);
    wk_bytes_out_put(room, octets->data, octets->size);
    WK_TRY(room->fault);
    *plain = wk_bytes_in_of(room->data, room->size);
    return shield.pairs->verify(&shield, plain, &envelope);
}

static bool is_to_us(const struct wk_data_protection_desk *desk,
                     const struct wk_envelope *envelope)
{
    return envelope->for_anybody ||
           memcmp(envelope->recipient, desk->security->title, WK_CIPHER_TITLE) == 0;
}

/* A signature alone: its transaction-id is what no replay has. */
static wk_err check_transaction(struct wk_data_protection_desk *desk,
                                const struct wk_data_protection_layers *layers)
{
    const uint8_t given = wk_data_protection_given(layers);
    const struct wk_envelope *envelope = &layers->layer[0].envelope;
    if ((given & WK_SESSION_REQUEST_SIGNED) == 0 ||
        (given & WK_SESSION_REQUEST_AUTHENTICATED) != 0) {
        return WK_OK;
    }
    for (uint8_t i = 0; i < layers->count; i++) {
        envelope = is_cipher(&layers->layer[i]) ? envelope : &layers->layer[i].envelope;
    }
    struct wk_bytes_in in = wk_bytes_in_of(envelope->transaction, envelope->transaction_size);
    const uint64_t number = wk_bytes_in_u64be(&in);
    if (in.fault != WK_OK || number > INT64_MAX || (int64_t)number <= desk->transaction) {
        return WK_E_REPLAY;
    }
    desk->transaction = (int64_t)number;
    return WK_OK;
}

wk_err wk_data_protection_open(struct wk_data_protection_desk *desk,
                               const struct wk_data_protection_layers *layers,
                               struct wk_bytes_in octets, uint8_t *at,
                               struct wk_bytes_in *plain)
{
    *plain = octets;
    *at = 0;
    for (uint8_t left = layers->count; left > 0; left--) {
        const struct wk_data_protection_layer *layer = &layers->layer[left - 1];
        const struct wk_bytes_in under = *plain;
        *at ^= 1U;
        struct wk_bytes_out room =
            wk_bytes_out_of(desk->protection->room[*at], WK_DATA_PROTECTION_ROOM);
        if (!is_to_us(desk, &layer->envelope)) {
            return WK_E_AUTH;
        }
        if (is_cipher(layer)) {
            WK_TRY(open_cipher(desk, layer, under, &room));
            *plain = wk_bytes_in_of(room.data, room.size);
        } else {
            WK_TRY(open_signed(desk, layer, &under, &room, plain));
        }
    }
    return check_transaction(desk, layers);
}

/* ---- sealing ----------------------------------------------------------------------------- */

/* From the meter, to the other one of both titles. */
static wk_err turn_to_peer(const struct wk_data_protection_desk *desk,
                           struct wk_envelope *envelope)
{
    const uint8_t *own = desk->security->title;
    if (memcmp(envelope->originator, own, WK_CIPHER_TITLE) != 0) {
        if (!is_to_us(desk, envelope)) {
            return WK_E_AUTH;
        }
        memcpy(envelope->recipient, envelope->originator, WK_CIPHER_TITLE);
        memcpy(envelope->originator, own, WK_CIPHER_TITLE);
    } else if (envelope->for_anybody) {
        return WK_E_AUTH;
    }
    envelope->for_anybody = false;
    envelope->transaction_size = WK_ENVELOPE_TRANSACTION;
    return WK_OK;
}

static wk_err take_counter(struct wk_session_security *security, uint32_t *counter)
{
    if (security->server_next >= security->server_reserved) {
        return WK_E_STATE;
    }
    *counter = security->server_next++;
    return WK_OK;
}

static wk_err seal_cipher(const struct wk_data_protection_desk *desk,
                          const struct wk_shield *shield, struct wk_shield_cover *cover,
                          struct wk_data_protection_layer *layer, struct wk_bytes_out *room,
                          struct wk_bytes_in *octets)
{
    struct wk_cipher_seal seal;
    struct wk_envelope envelope;
    struct wk_envelope_key key;
    struct wk_cipher_head head;
    struct wk_bytes_in text;
    cover->tag = WK_APDU_GENERAL_CIPHERING;
    cover->control = bits_of(layer);
    cover->key = layer->key.kind;
    WK_TRY(take_counter(desk->security, &cover->counter));
    wk_shield_begin(&seal, room, room->room, cover);
    wk_bytes_out_put(&seal.plain, octets->data, octets->size);
    WK_TRY(wk_shield_finish(shield, &seal, cover));
    struct wk_bytes_in apdu = wk_bytes_in_of(room->data, room->size);
    WK_TRY(wk_envelope_read_ciphering(&apdu, &envelope, &key, &head, &text));
    copy(layer->key_data, &key.data);
    layer->key.data = wk_bytes_in_of(layer->key_data, key.data.size);
    *octets = wk_bytes_in_of(text.data - CIPHER_HEAD, text.size + CIPHER_HEAD);
    return WK_OK;
}

static wk_err seal_signed(const struct wk_shield *shield, const struct wk_shield_cover *cover,
                          struct wk_bytes_out *room, struct wk_bytes_in *octets)
{
    struct wk_envelope envelope = wk_shield_envelope(shield, cover);
    struct wk_bytes_in covered;
    struct wk_bytes_in content;
    struct wk_bytes_in signature;
    if (shield->pairs == NULL) {
        return WK_E_UNSUPPORTED;
    }
    wk_bytes_out_put(room, octets->data, octets->size);
    WK_TRY(room->fault);
    if (wk_bytes_out_left(room) < WK_ENVELOPE_SIGNING) {
        return WK_E_FULL;
    }
    WK_TRY(shield->pairs->sign(shield, &envelope, room));
    struct wk_bytes_in apdu = wk_bytes_in_of(room->data, room->size);
    WK_TRY(wk_envelope_read_signing(&apdu, &envelope, &covered, &content, &signature));
    const size_t behind = 1 + envelope.fields.size;
    *octets = wk_bytes_in_of(room->data + behind, room->size - behind);
    return WK_OK;
}

wk_err wk_data_protection_seal(struct wk_data_protection_desk *desk,
                               struct wk_data_protection_layers *layers, uint8_t at,
                               struct wk_bytes_in *octets)
{
    for (uint8_t i = 0; i < layers->count; i++) {
        struct wk_data_protection_layer *layer = &layers->layer[i];
        struct wk_shield_cover cover = {0};
        at ^= 1U;
        struct wk_bytes_out room =
            wk_bytes_out_of(desk->protection->room[at], WK_DATA_PROTECTION_ROOM);
        WK_TRY(turn_to_peer(desk, &layer->envelope));
        layer->other = wk_bytes_in_of(NULL, 0);
        memcpy(cover.transaction, layer->envelope.transaction, sizeof cover.transaction);
        const struct wk_shield shield = shield_of(desk, layer->envelope.recipient);
        WK_TRY(is_cipher(layer) ? seal_cipher(desk, &shield, &cover, layer, &room, octets)
                                : seal_signed(&shield, &cover, &room, octets));
    }
    return WK_OK;
}
