/* SPDX-License-Identifier: Apache-2.0
 *
 * general-ciphering: names around the text, and keys that come with it. */
#include "cosem/kdf.h"
#include "cosem/shield.h"

static wk_err accept_named(const struct wk_shield *shield, const struct wk_envelope *envelope,
                           const struct wk_envelope_key *info, struct wk_hal_key *ek)
{
    const struct wk_hal_crypto *crypto = shield->crypto;
    if (info->kind != WK_ENVELOPE_KEY_WRAPPED) {
        return shield->pairs != NULL ? shield->pairs->accept(shield, envelope, info, ek)
                                     : WK_E_UNSUPPORTED;
    }
    if (crypto->unwrap == NULL || shield->kek == NULL || shield->kek->size == 0) {
        return WK_E_UNSUPPORTED;
    }
    *ek = (struct wk_hal_key){0};
    WK_TRY(crypto->unwrap(crypto->self, shield->kek, info->data.data, info->data.size, ek));
    return ek->size == wk_kdf_key_size(shield->suite) ? WK_OK : WK_E_AUTH;
}

static wk_err offer_wrapped(const struct wk_shield *shield, struct wk_bytes_out *data,
                            struct wk_hal_key *ek)
{
    const struct wk_hal_crypto *crypto = shield->crypto;
    if (crypto->wrap == NULL || shield->kek == NULL || shield->kek->size == 0) {
        return WK_E_UNSUPPORTED;
    }
    *ek = (struct wk_hal_key){.size = wk_kdf_key_size(shield->suite)};
    WK_TRY(crypto->random(crypto->self, ek->octets, ek->size));
    WK_TRY(crypto->wrap(crypto->self, shield->kek, ek, data->data));
    data->size = ek->size + 8U;
    return WK_OK;
}

/* A key of the kind that `cover` names, into *ek, and what tells the peer about it. */
static wk_err offer_key(const struct wk_shield *shield, const struct wk_shield_cover *cover,
                        const struct wk_envelope *envelope, struct wk_bytes_out *data,
                        struct wk_hal_key *ek)
{
    const bool has_broadcast = shield->broadcast != NULL && shield->broadcast->size > 0;
    switch (cover->key) {
    case WK_ENVELOPE_KEY_WRAPPED:
        return offer_wrapped(shield, data, ek);
    case WK_ENVELOPE_KEY_ONE_PASS:
    case WK_ENVELOPE_KEY_STATIC:
        return shield->pairs != NULL
                   ? shield->pairs->offer(shield, envelope, cover->key, data, ek)
                   : WK_E_UNSUPPORTED;
    case WK_ENVELOPE_KEY_BROADCAST:
        *ek = has_broadcast ? *shield->broadcast : (struct wk_hal_key){0};
        return has_broadcast ? WK_OK : WK_E_UNSUPPORTED;
    case WK_ENVELOPE_KEY_KNOWN:
    case WK_ENVELOPE_KEY_UNICAST:
    default:
        return WK_OK;
    }
}

static wk_err seal_general(const struct wk_shield *shield, struct wk_cipher_seal *seal,
                           const struct wk_shield_cover *cover, struct wk_cipher_keys *keys,
                           struct wk_cipher_head *head)
{
    struct wk_envelope_front front;
    uint8_t room[WK_ENVELOPE_KEY_DATA];
    struct wk_bytes_out data = wk_bytes_out_of(room, sizeof room);
    const struct wk_envelope envelope = wk_shield_envelope(shield, cover);
    WK_TRY(offer_key(shield, cover, &envelope, &data, &keys->ek));
    WK_TRY(data.fault);
    const struct wk_envelope_key info = {.kind = cover->key,
                                         .data = wk_bytes_in_of(room, data.size)};
    wk_envelope_put_ciphering(&front, &envelope, &info);
    head->prefix = front.prefix;
    head->extra = front.extra;
    return wk_cipher_finish(seal, shield->crypto, keys, head);
}

const struct wk_shield_names wk_shield_by_names = {
    .read = wk_envelope_read_ciphering,
    .accept = accept_named,
    .seal = seal_general,
};
