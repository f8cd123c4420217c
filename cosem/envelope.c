/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/envelope.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/kdf.h"

/* key-info */
enum { KEY_IDENTIFIED = 0, KEY_WRAPPED = 1, KEY_AGREED = 2 };
enum { SCHEME_ONE_PASS = 1, SCHEME_STATIC = 2 };
#define KEK_MASTER 0

/* ---- the names --------------------------------------------------------------------------- */

static void put_octets(struct wk_bytes_out *out, const void *octets, size_t size)
{
    wk_axdr_put_length(out, (uint32_t)size);
    wk_bytes_out_put(out, octets, size);
}

/* No date-time and no other information: time has its place in what is carried. */
static void put_fields(struct wk_bytes_out *out, const struct wk_envelope *envelope)
{
    put_octets(out, envelope->transaction, envelope->transaction_size);
    put_octets(out, envelope->originator, WK_CIPHER_TITLE);
    put_octets(out, envelope->recipient, envelope->for_anybody ? 0 : WK_CIPHER_TITLE);
    put_octets(out, NULL, 0);
    put_octets(out, NULL, 0);
}

/* An octet-string of at most `most` octets. */
static struct wk_bytes_in read_octets(struct wk_bytes_in *in, size_t most)
{
    const uint32_t size = wk_axdr_read_length(in);
    if (in->fault == WK_OK && size > most) {
        wk_bytes_in_fail(in, WK_E_UNSUPPORTED);
    }
    const uint8_t *octets = in->fault == WK_OK ? wk_bytes_in_take(in, size) : NULL;
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

static void read_fields(struct wk_bytes_in *in, struct wk_envelope *envelope)
{
    *envelope = (struct wk_envelope){0};
    const size_t at = in->at;
    const struct wk_bytes_in transaction = read_octets(in, WK_ENVELOPE_TRANSACTION);
    const struct wk_bytes_in originator = read_octets(in, WK_CIPHER_TITLE);
    const struct wk_bytes_in recipient = read_octets(in, WK_CIPHER_TITLE);
    const struct wk_bytes_in date_time = read_octets(in, WK_ENVELOPE_DATE_TIME);
    (void)read_octets(in, WK_ENVELOPE_OTHER);
    const bool has_form = originator.size == WK_CIPHER_TITLE &&
                          (recipient.size == 0 || recipient.size == WK_CIPHER_TITLE) &&
                          (date_time.size == 0 || date_time.size == WK_ENVELOPE_DATE_TIME);
    if (in->fault != WK_OK || !has_form) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    if (transaction.size > 0) {
        memcpy(envelope->transaction, transaction.data, transaction.size);
    }
    envelope->transaction_size = (uint8_t)transaction.size;
    memcpy(envelope->originator, originator.data, WK_CIPHER_TITLE);
    envelope->for_anybody = recipient.size == 0;
    if (recipient.size > 0) {
        memcpy(envelope->recipient, recipient.data, WK_CIPHER_TITLE);
    }
    envelope->fields = wk_bytes_in_of(in->data + at, in->at - at);
}

/* ---- general-ciphering ------------------------------------------------------------------- */

static void put_agreed(struct wk_bytes_out *out, uint8_t scheme, const struct wk_bytes_in *data)
{
    wk_bytes_out_u8(out, KEY_AGREED);
    put_octets(out, &scheme, 1);
    put_octets(out, data->data, data->size);
}

static void put_key(struct wk_bytes_out *out, const struct wk_envelope_key *key)
{
    wk_bytes_out_u8(out, key->kind == WK_ENVELOPE_KEY_KNOWN ? 0 : 1); /* OPTIONAL */
    switch (key->kind) {
    case WK_ENVELOPE_KEY_UNICAST:
    case WK_ENVELOPE_KEY_BROADCAST:
        wk_bytes_out_u8(out, KEY_IDENTIFIED);
        wk_bytes_out_u8(out, key->kind == WK_ENVELOPE_KEY_BROADCAST ? 1 : 0);
        break;
    case WK_ENVELOPE_KEY_WRAPPED:
        wk_bytes_out_u8(out, KEY_WRAPPED);
        wk_bytes_out_u8(out, KEK_MASTER);
        put_octets(out, key->data.data, key->data.size);
        break;
    case WK_ENVELOPE_KEY_ONE_PASS:
        put_agreed(out, SCHEME_ONE_PASS, &key->data);
        break;
    case WK_ENVELOPE_KEY_STATIC:
        put_agreed(out, SCHEME_STATIC, &key->data);
        break;
    case WK_ENVELOPE_KEY_KNOWN:
    default:
        break;
    }
}

void wk_envelope_put_ciphering(struct wk_envelope_front *front,
                               const struct wk_envelope *envelope,
                               const struct wk_envelope_key *key)
{
    struct wk_bytes_out out = wk_bytes_out_of(front->octets, sizeof front->octets);
    wk_bytes_out_u8(&out, WK_APDU_GENERAL_CIPHERING);
    put_fields(&out, envelope);
    front->extra = wk_bytes_in_of(front->octets + 1, out.size - 1);
    put_key(&out, key);
    front->prefix = wk_bytes_in_of(front->octets, out.size);
}

static void read_agreed(struct wk_bytes_in *in, struct wk_envelope_key *key)
{
    const struct wk_bytes_in scheme = read_octets(in, 1);
    const uint8_t number = scheme.size == 1 ? scheme.data[0] : 0;
    key->data = read_octets(in, WK_ENVELOPE_KEY_DATA);
    if (number == SCHEME_ONE_PASS) {
        key->kind = WK_ENVELOPE_KEY_ONE_PASS;
    } else if (number == SCHEME_STATIC && key->data.size == 0) {
        key->kind = WK_ENVELOPE_KEY_STATIC;
    } else {
        wk_bytes_in_fail(in, WK_E_UNSUPPORTED);
    }
}

static void read_key(struct wk_bytes_in *in, struct wk_envelope_key *key)
{
    *key = (struct wk_envelope_key){.kind = WK_ENVELOPE_KEY_KNOWN};
    const uint8_t present = wk_bytes_in_u8(in);
    if (present == 0) {
        return;
    }
    const uint8_t choice = wk_bytes_in_u8(in);
    if (choice == KEY_AGREED && present == 1) {
        read_agreed(in, key);
        return;
    }
    const uint8_t id = wk_bytes_in_u8(in);
    if (present == 1 && choice == KEY_IDENTIFIED && id <= 1) {
        key->kind = id == 0 ? WK_ENVELOPE_KEY_UNICAST : WK_ENVELOPE_KEY_BROADCAST;
    } else if (present == 1 && choice == KEY_WRAPPED && id == KEK_MASTER) {
        key->kind = WK_ENVELOPE_KEY_WRAPPED;
        key->data = read_octets(in, WK_HAL_WRAPPED);
    } else {
        wk_bytes_in_fail(in, WK_E_UNSUPPORTED);
    }
}

wk_err wk_envelope_read_ciphering(struct wk_bytes_in *in, struct wk_envelope *envelope,
                                  struct wk_envelope_key *key, struct wk_cipher_head *head,
                                  struct wk_bytes_in *text)
{
    *head = (struct wk_cipher_head){.tag = wk_bytes_in_u8(in)};
    if (head->tag != WK_APDU_GENERAL_CIPHERING) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    read_fields(in, envelope);
    read_key(in, key);
    WK_TRY(in->fault);
    memcpy(head->title, envelope->originator, WK_CIPHER_TITLE);
    head->extra = envelope->fields;
    return wk_cipher_read_text(in, head, text);
}

/* ---- general-signing --------------------------------------------------------------------- */

wk_err wk_envelope_sign(const struct wk_hal_crypto *crypto, const struct wk_hal_private *key,
                        const struct wk_envelope *envelope, uint8_t *data, size_t *size)
{
    uint8_t room[1 + WK_CIPHER_EXTRA + 5];
    uint8_t hash[WK_HAL_HASH];
    uint8_t signature[WK_HAL_POINT];
    struct wk_bytes_out front = wk_bytes_out_of(room, sizeof room);
    if (crypto->sign == NULL) {
        return WK_E_UNSUPPORTED;
    }
    wk_bytes_out_u8(&front, WK_APDU_GENERAL_SIGNING);
    put_fields(&front, envelope);
    wk_axdr_put_length(&front, (uint32_t)*size);
    WK_TRY(front.fault);
    memmove(data + front.size, data, *size);
    memcpy(data, room, front.size);
    const size_t covered = front.size - 1 + *size; /* all but the tag */
    WK_TRY(wk_kdf_hash(crypto, key->size, data + 1, covered, hash));
    WK_TRY(crypto->sign(crypto->self, key, hash, signature));
    struct wk_bytes_out end = wk_bytes_out_of(data + 1 + covered, 1 + WK_HAL_POINT);
    put_octets(&end, signature, 2 * (size_t)key->size);
    WK_TRY(end.fault);
    *size = 1 + covered + end.size;
    return WK_OK;
}

wk_err wk_envelope_read_signing(struct wk_bytes_in *in, struct wk_envelope *envelope,
                                struct wk_bytes_in *covered, struct wk_bytes_in *content,
                                struct wk_bytes_in *signature)
{
    if (wk_bytes_in_u8(in) != WK_APDU_GENERAL_SIGNING) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const size_t at = in->at;
    read_fields(in, envelope);
    *content = read_octets(in, in->size);
    const size_t end = in->at;
    *signature = read_octets(in, WK_HAL_POINT);
    WK_TRY(wk_bytes_in_end(in));
    *covered = wk_bytes_in_of(in->data + at, end - at);
    return content->size > 0 ? WK_OK : WK_E_FORMAT;
}

wk_err wk_envelope_verify(const struct wk_hal_crypto *crypto, const uint8_t *point,
                          uint8_t point_size, const struct wk_bytes_in *covered,
                          const struct wk_bytes_in *signature)
{
    uint8_t hash[WK_HAL_HASH];
    if (crypto->verify == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (point == NULL || point_size == 0 || signature->size != 2 * (size_t)point_size) {
        return WK_E_AUTH;
    }
    WK_TRY(wk_kdf_hash(crypto, point_size, covered->data, covered->size, hash));
    return crypto->verify(crypto->self, point_size, point, hash, signature->data);
}

/* ---- agreed keys ------------------------------------------------------------------------- */

wk_err wk_envelope_derive(const struct wk_hal_crypto *crypto, uint8_t suite,
                          const struct wk_envelope *envelope, wk_envelope_key_kind kind,
                          const uint8_t *secret, struct wk_hal_key *key)
{
    uint8_t room[WK_KDF_PARTY];
    struct wk_bytes_out u = wk_bytes_out_of(room, sizeof room);
    wk_bytes_out_put(&u, envelope->originator, WK_CIPHER_TITLE);
    /* Both keys are the same each time: the transaction makes a new one of them. */
    if (kind == WK_ENVELOPE_KEY_STATIC) {
        put_octets(&u, envelope->transaction, envelope->transaction_size);
    }
    const struct wk_kdf_info info = {
        .party_u = wk_bytes_in_of(room, u.size),
        .party_v = wk_bytes_in_of(envelope->recipient, WK_CIPHER_TITLE),
    };
    return wk_kdf_derive(crypto, suite, secret, &info, key);
}
