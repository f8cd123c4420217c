/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/shield.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/kdf.h"

#define GLO_INITIATE 0x20 /* what glo-* adds to the tags of initiating */
#define GLO          0x08 /* ... and of services */
#define DED          0x10
#define LAYERS       2

/* ---- tags -------------------------------------------------------------------------------- */

static bool is_dedicated(uint8_t tag)
{
    const bool service = tag == WK_APDU_DED_GET_REQUEST || tag == WK_APDU_DED_SET_REQUEST ||
                         tag == WK_APDU_DED_EVENT_NOTIFICATION ||
                         tag == WK_APDU_DED_ACTION_REQUEST || tag == WK_APDU_DED_GET_RESPONSE ||
                         tag == WK_APDU_DED_SET_RESPONSE || tag == WK_APDU_DED_ACTION_RESPONSE;
    return service || tag == WK_APDU_GENERAL_DED;
}

static bool is_global(uint8_t tag)
{
    switch (tag) {
    case WK_APDU_GLO_INITIATE_REQUEST:
    case WK_APDU_GLO_INITIATE_RESPONSE:
    case WK_APDU_GLO_CONFIRMED_SERVICE_ERROR:
    case WK_APDU_GLO_GET_REQUEST:
    case WK_APDU_GLO_SET_REQUEST:
    case WK_APDU_GLO_EVENT_NOTIFICATION:
    case WK_APDU_GLO_ACTION_REQUEST:
    case WK_APDU_GLO_GET_RESPONSE:
    case WK_APDU_GLO_SET_RESPONSE:
    case WK_APDU_GLO_ACTION_RESPONSE:
    case WK_APDU_GENERAL_GLO:
        return true;
    default:
        return false;
    }
}

static bool is_general(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_GLO || tag == WK_APDU_GENERAL_DED ||
           tag == WK_APDU_GENERAL_CIPHERING;
}

static bool is_ciphered(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_CIPHERING || is_dedicated(tag) || is_global(tag);
}

bool wk_shield_is_protected(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_SIGNING || is_ciphered(tag);
}

/* The tag of glo-* or ded-* for an APDU; 0: it has none. */
static uint8_t special_tag(uint8_t plain, bool dedicated)
{
    const uint8_t bit = plain < GLO_INITIATE ? GLO_INITIATE : dedicated ? DED : GLO;
    const uint8_t tag = (uint8_t)(plain | bit);
    const bool fits = tag != plain && (dedicated ? is_dedicated(tag) : is_global(tag));
    return fits && !is_general(tag) ? tag : 0;
}

uint8_t wk_shield_reply_tag(uint8_t tag, uint8_t plain, bool is_signed)
{
    const bool dedicated = is_dedicated(tag);
    const uint8_t special = is_signed ? 0 : special_tag(plain, dedicated);
    if (is_general(tag)) {
        return tag;
    }
    if (special != 0) {
        return special;
    }
    return dedicated ? WK_APDU_GENERAL_DED : WK_APDU_GENERAL_GLO;
}

/* The outer tag is not authenticated, so it must say what the text inside says. */
static bool tag_fits(uint8_t tag, uint8_t plain)
{
    return is_general(tag) || tag == special_tag(plain, is_dedicated(tag));
}

wk_shield_key wk_shield_key_of(const struct wk_shield_cover *cover)
{
    const bool came_along =
        cover->tag == WK_APDU_GENERAL_CIPHERING && cover->key >= WK_ENVELOPE_KEY_WRAPPED;
    return is_dedicated(cover->tag)                      ? WK_SHIELD_DEDICATED
           : came_along                                  ? WK_SHIELD_AGREED
           : (cover->control & WK_CIPHER_BROADCAST) != 0 ? WK_SHIELD_BROADCAST
           : cover->key == WK_ENVELOPE_KEY_BROADCAST     ? WK_SHIELD_BROADCAST
                                                         : WK_SHIELD_UNICAST;
}

/* ---- keys -------------------------------------------------------------------------------- */

static bool has_key(const struct wk_hal_key *key)
{
    return key != NULL && key->size > 0;
}

/* The key that general-ciphering names, into *ek; which counter goes with it. */
static wk_err accept_key(const struct wk_shield *shield, const struct wk_envelope *envelope,
                         const struct wk_envelope_key *info, struct wk_hal_key *ek,
                         wk_shield_key *which)
{
    *which = WK_SHIELD_AGREED;
    switch (info->kind) {
    case WK_ENVELOPE_KEY_BROADCAST:
        *which = WK_SHIELD_BROADCAST;
        *ek = has_key(shield->broadcast) ? *shield->broadcast : (struct wk_hal_key){0};
        return has_key(shield->broadcast) ? WK_OK : WK_E_UNSUPPORTED;
    case WK_ENVELOPE_KEY_WRAPPED:
    case WK_ENVELOPE_KEY_ONE_PASS:
    case WK_ENVELOPE_KEY_STATIC:
        return shield->names != NULL ? shield->names->accept(shield, envelope, info, ek)
                                     : WK_E_UNSUPPORTED;
    case WK_ENVELOPE_KEY_KNOWN:
    case WK_ENVELOPE_KEY_UNICAST:
    default:
        *which = WK_SHIELD_UNICAST;
        return WK_OK;
    }
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool names_fit(const struct wk_shield *shield, const struct wk_envelope *envelope)
{
    const bool from_peer = memcmp(envelope->originator, shield->peer, WK_CIPHER_TITLE) == 0;
    const bool to_us =
        envelope->for_anybody || memcmp(envelope->recipient, shield->own, WK_CIPHER_TITLE) == 0;
    return from_peer && to_us;
}

/* WK_E_REPLAY, and the least counter in *least, unless `counter` may come now. */
static wk_err check_counter(const struct wk_shield *shield, wk_shield_key which,
                            uint32_t counter, uint32_t *least)
{
    const uint32_t *last = shield->counter[which];
    if (last == NULL || (counter > *last && counter != UINT32_MAX)) {
        return counter != UINT32_MAX ? WK_OK : WK_E_REPLAY;
    }
    *least = *last == UINT32_MAX ? *last : *last + 1;
    return WK_E_REPLAY;
}

/* The head of a ciphered APDU: whose, with which key. */
static wk_err read_ciphered(const struct wk_shield *shield, struct wk_bytes_in *apdu,
                            struct wk_cipher_head *head, struct wk_envelope *envelope,
                            struct wk_envelope_key *info, struct wk_bytes_in *text)
{
    *info = (struct wk_envelope_key){.kind = WK_ENVELOPE_KEY_KNOWN};
    if (wk_bytes_in_peek(apdu) == WK_APDU_GENERAL_CIPHERING) {
        if (shield->names == NULL) {
            return WK_E_UNSUPPORTED;
        }
        WK_TRY(shield->names->read(apdu, envelope, info, head, text));
        return names_fit(shield, envelope) ? WK_OK : WK_E_AUTH;
    }
    memcpy(head->title, shield->peer, WK_CIPHER_TITLE);
    WK_TRY(wk_cipher_read_head(apdu, head, text));
    return memcmp(head->title, shield->peer, WK_CIPHER_TITLE) == 0 ? WK_OK : WK_E_AUTH;
}

/* The key and its counter, by tag, key set and key-info. */
static wk_err choose_key(const struct wk_shield *shield, const struct wk_cipher_head *head,
                         const struct wk_envelope *envelope, const struct wk_envelope_key *info,
                         struct wk_cipher_keys *keys, wk_shield_key *which)
{
    struct wk_envelope_key named = *info;
    const bool broadcast = (head->control & WK_CIPHER_BROADCAST) != 0;
    *keys = *shield->keys;
    if (is_dedicated(head->tag)) {
        *which = WK_SHIELD_DEDICATED;
        if (broadcast || !has_key(shield->dedicated)) {
            return WK_E_UNSUPPORTED;
        }
        keys->ek = *shield->dedicated;
        return WK_OK;
    }
    if (broadcast && info->kind <= WK_ENVELOPE_KEY_BROADCAST) {
        named.kind =
            info->kind == WK_ENVELOPE_KEY_UNICAST ? info->kind : WK_ENVELOPE_KEY_BROADCAST;
    }
    if (broadcast != (named.kind == WK_ENVELOPE_KEY_BROADCAST)) {
        return WK_E_AUTH; /* the control octet and the key-info contradict each other */
    }
    return accept_key(shield, envelope, &named, &keys->ek, which);
}

static wk_err open_ciphered(const struct wk_shield *shield, struct wk_bytes_in *apdu,
                            struct wk_bytes_out *room, struct wk_shield_cover *cover)
{
    struct wk_cipher_head head = {0};
    struct wk_envelope envelope = {0};
    struct wk_envelope_key info;
    struct wk_bytes_in text;
    struct wk_cipher_keys keys;
    wk_shield_key which = WK_SHIELD_UNICAST;
    WK_TRY(read_ciphered(shield, apdu, &head, &envelope, &info, &text));
    if ((head.control & WK_CIPHER_SUITE) != shield->suite) {
        return WK_E_AUTH;
    }
    cover->tag = head.tag;
    cover->control = head.control & (WK_CIPHER_BOTH | WK_CIPHER_BROADCAST);
    cover->key = info.kind;
    cover->counter = head.counter;
    memcpy(cover->transaction, envelope.transaction, sizeof cover->transaction);
    wk_err err = choose_key(shield, &head, &envelope, &info, &keys, &which);
    if (err == WK_OK) {
        err = check_counter(shield, which, head.counter, &cover->counter);
    }
    if (err == WK_OK) {
        err = wk_cipher_open(shield->crypto, &keys, &head, &text, room);
    }
    memset(&keys, 0, sizeof keys);
    WK_TRY(err);
    if (room->size == 0 || !tag_fits(head.tag, room->data[0])) {
        return WK_E_AUTH;
    }
    /* Without a tag nobody has proven anything: such a counter would lock the peer out. */
    if (shield->counter[which] != NULL && (head.control & WK_CIPHER_AUTHENTICATED) != 0) {
        *shield->counter[which] = head.counter;
    }
    *apdu = wk_bytes_in_of(room->data, room->size);
    return WK_OK;
}

static uint64_t number_of(const struct wk_envelope *envelope)
{
    struct wk_bytes_in in = wk_bytes_in_of(envelope->transaction, WK_ENVELOPE_TRANSACTION);
    return wk_bytes_in_u64be(&in);
}

static wk_err open_signed(const struct wk_shield *shield, struct wk_bytes_in *apdu,
                          struct wk_shield_cover *cover, uint64_t *number)
{
    struct wk_envelope envelope;
    if (shield->pairs == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(shield->pairs->verify(shield, apdu, &envelope));
    if (!names_fit(shield, &envelope)) {
        return WK_E_AUTH;
    }
    cover->is_signed = true;
    memcpy(cover->transaction, envelope.transaction, sizeof cover->transaction);
    *number = number_of(&envelope);
    return WK_OK;
}

wk_err wk_shield_open(const struct wk_shield *shield, struct wk_bytes_in apdu,
                      struct wk_bytes_out *room, struct wk_shield_cover *cover,
                      struct wk_bytes_in *plain)
{
    uint64_t number = 0;
    *cover = (struct wk_shield_cover){0};
    for (int layer = 0; layer < LAYERS && wk_shield_is_protected(wk_bytes_in_peek(&apdu));
         layer++) {
        if (wk_bytes_in_peek(&apdu) == WK_APDU_GENERAL_SIGNING) {
            if (cover->is_signed) {
                return WK_E_UNSUPPORTED;
            }
            WK_TRY(open_signed(shield, &apdu, cover, &number));
        } else {
            if (cover->tag != 0) {
                return WK_E_UNSUPPORTED;
            }
            WK_TRY(open_ciphered(shield, &apdu, room, cover));
        }
    }
    if (wk_shield_is_protected(wk_bytes_in_peek(&apdu))) {
        return WK_E_UNSUPPORTED;
    }
    if (cover->is_signed && (cover->control & WK_CIPHER_AUTHENTICATED) == 0 &&
        shield->transaction != NULL) {
        if (number <= *shield->transaction) {
            return WK_E_REPLAY;
        }
        *shield->transaction = number;
    }
    *plain = apdu;
    return WK_OK;
}

/* ---- sealing ----------------------------------------------------------------------------- */

static size_t around(const struct wk_shield_cover *cover)
{
    const size_t names = cover->tag == WK_APDU_GENERAL_CIPHERING ? WK_ENVELOPE_CIPHERING : 0;
    return names + (cover->is_signed ? WK_ENVELOPE_SIGNING : 0);
}

size_t wk_shield_overhead(const struct wk_shield_cover *cover)
{
    return WK_CIPHER_OVERHEAD + around(cover);
}

void wk_shield_begin(struct wk_cipher_seal *seal, struct wk_bytes_out *out, size_t limit,
                     const struct wk_shield_cover *cover)
{
    const size_t extra = around(cover);
    wk_cipher_begin(seal, out, limit > extra ? limit - extra : 0);
    const size_t needed = WK_CIPHER_RESERVE + WK_CIPHER_TAG + extra;
    const size_t left = wk_bytes_out_left(out);
    const size_t room = left > needed ? left - needed : 0;
    seal->plain.room = seal->plain.room < room ? seal->plain.room : room;
}

struct wk_envelope wk_shield_envelope(const struct wk_shield *shield,
                                      const struct wk_shield_cover *cover)
{
    struct wk_envelope envelope = {.transaction_size = WK_ENVELOPE_TRANSACTION};
    memcpy(envelope.transaction, cover->transaction, WK_ENVELOPE_TRANSACTION);
    memcpy(envelope.originator, shield->own, WK_CIPHER_TITLE);
    memcpy(envelope.recipient, shield->peer, WK_CIPHER_TITLE);
    return envelope;
}

static wk_err seal_ciphered(const struct wk_shield *shield, struct wk_cipher_seal *seal,
                            const struct wk_shield_cover *cover)
{
    struct wk_cipher_keys keys = *shield->keys;
    struct wk_cipher_head head = {
        .tag = cover->tag,
        .control = cover->control | shield->suite,
        .counter = cover->counter,
    };
    memcpy(head.title, shield->own, WK_CIPHER_TITLE);
    const bool broadcast = (cover->control & WK_CIPHER_BROADCAST) != 0;
    wk_err err = WK_OK;
    if (cover->tag == WK_APDU_GENERAL_CIPHERING) {
        err = shield->names != NULL ? shield->names->seal(shield, seal, cover, &keys, &head)
                                    : WK_E_UNSUPPORTED;
    } else {
        const bool dedicated = is_dedicated(cover->tag);
        const struct wk_hal_key *other = dedicated ? shield->dedicated : shield->broadcast;
        if ((dedicated || broadcast) && !has_key(other)) {
            err = WK_E_UNSUPPORTED;
        } else if (dedicated || broadcast) {
            keys.ek = *other;
        }
        if (err == WK_OK) {
            err = wk_cipher_finish(seal, shield->crypto, &keys, &head);
        }
    }
    memset(&keys, 0, sizeof keys);
    return err;
}

wk_err wk_shield_finish(const struct wk_shield *shield, struct wk_cipher_seal *seal,
                        const struct wk_shield_cover *cover)
{
    WK_TRY(seal->out->fault);
    WK_TRY(seal->plain.fault);
    if (seal->plain.data == NULL || seal->plain.size > seal->plain.room) {
        return WK_E_FULL;
    }
    if (cover->is_signed) {
        const struct wk_envelope envelope = wk_shield_envelope(shield, cover);
        if (shield->pairs == NULL) {
            return WK_E_UNSUPPORTED;
        }
        WK_TRY(shield->pairs->sign(shield, &envelope, &seal->plain));
    }
    if ((cover->control & WK_CIPHER_BOTH) != 0) {
        return seal_ciphered(shield, seal, cover);
    }
    uint8_t *place = wk_bytes_out_reserve(seal->out, seal->plain.size);
    if (place != NULL) {
        memmove(place, seal->plain.data, seal->plain.size);
    }
    return seal->out->fault;
}
