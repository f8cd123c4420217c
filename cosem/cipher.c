/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/cipher.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"

#define CONTROL_AND_COUNTER 5
#define CHALLENGE_MOST      64
#define ANSWER_CONTROL      WK_CIPHER_AUTHENTICATED

/* Security control, authentication key, extra: what is authenticated beside the text. */
struct aad {
    uint8_t octets[WK_CIPHER_RESERVE];
    size_t size;
};

static struct aad aad_of(const struct wk_cipher_head *head, const struct wk_hal_key *ak)
{
    struct aad aad = {.octets = {head->control}, .size = 1 + (size_t)ak->size};
    memcpy(aad.octets + 1, ak->octets, ak->size);
    if (head->extra.size > 0) {
        memcpy(aad.octets + aad.size, head->extra.data, head->extra.size);
        aad.size += head->extra.size;
    }
    return aad;
}

static void make_iv(const uint8_t title[WK_CIPHER_TITLE], uint32_t counter, uint8_t iv[12])
{
    struct wk_bytes_out out = wk_bytes_out_of(iv, 12);
    wk_bytes_out_put(&out, title, WK_CIPHER_TITLE);
    wk_bytes_out_u32be(&out, counter);
}

static bool sizes_fit(const struct wk_cipher_keys *keys, const struct wk_cipher_head *head)
{
    return keys->ak.size <= WK_HAL_KEY_SIZE && keys->ek.size <= WK_HAL_KEY_SIZE &&
           head->extra.size <= WK_CIPHER_EXTRA;
}

/* ---- sealing ----------------------------------------------------------------------------- */

void wk_cipher_begin(struct wk_cipher_seal *seal, struct wk_bytes_out *out, size_t limit)
{
    const size_t left = wk_bytes_out_left(out);
    const size_t around = WK_CIPHER_RESERVE + WK_CIPHER_TAG;
    size_t room = left > around ? left - around : 0;
    const size_t allowed = limit > WK_CIPHER_OVERHEAD ? limit - WK_CIPHER_OVERHEAD : 0;
    room = room < allowed ? room : allowed;
    seal->out = out;
    uint8_t *begin = left > around ? out->data + out->size + WK_CIPHER_RESERVE : NULL;
    seal->plain = wk_bytes_out_of(begin, room);
}

/* Turns the plain text at `text` into the protected text and its tag right behind it; returns
 * in *size how long both are. The octets before `text` are free. */
static wk_err protect(const struct wk_hal_crypto *crypto, const struct wk_cipher_keys *keys,
                      const struct wk_cipher_head *head, uint8_t *text, size_t *size)
{
    const struct aad aad = aad_of(head, &keys->ak);
    uint8_t iv[12];
    make_iv(head->title, head->counter, iv);
    uint8_t *tag = text + *size;
    switch (head->control & WK_CIPHER_BOTH) {
    case WK_CIPHER_BOTH:
        WK_TRY(crypto->gcm_seal(crypto->self, &keys->ek, iv, aad.octets, aad.size, text, text,
                                *size, tag));
        *size += WK_CIPHER_TAG;
        return WK_OK;
    case WK_CIPHER_ENCRYPTED: {
        uint8_t unused[WK_CIPHER_TAG];
        return crypto->gcm_seal(crypto->self, &keys->ek, iv, NULL, 0, text, text, *size,
                                unused);
    }
    case WK_CIPHER_AUTHENTICATED:
        memcpy(text - aad.size, aad.octets, aad.size);
        WK_TRY(crypto->gcm_seal(crypto->self, &keys->ek, iv, text - aad.size, aad.size + *size,
                                NULL, NULL, 0, tag));
        *size += WK_CIPHER_TAG;
        return WK_OK;
    default:
        return WK_E_ARGUMENT;
    }
}

static bool has_title(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_GLO || tag == WK_APDU_GENERAL_DED;
}

static size_t head_size(const struct wk_cipher_head *head, size_t size)
{
    const size_t title = has_title(head->tag) ? 1 + WK_CIPHER_TITLE : 0;
    const size_t before = head->prefix.size > 0 ? head->prefix.size : 1 + title;
    return before + wk_axdr_length_size((uint32_t)(CONTROL_AND_COUNTER + size)) +
           CONTROL_AND_COUNTER;
}

static void put_head(struct wk_bytes_out *out, const struct wk_cipher_head *head, size_t size)
{
    if (head->prefix.size > 0) {
        wk_bytes_out_put(out, head->prefix.data, head->prefix.size);
    } else {
        wk_bytes_out_u8(out, head->tag);
    }
    if (head->prefix.size == 0 && has_title(head->tag)) {
        wk_bytes_out_u8(out, WK_CIPHER_TITLE);
        wk_bytes_out_put(out, head->title, WK_CIPHER_TITLE);
    }
    wk_axdr_put_length(out, (uint32_t)(CONTROL_AND_COUNTER + size));
    wk_bytes_out_u8(out, head->control);
    wk_bytes_out_u32be(out, head->counter);
}

wk_err wk_cipher_finish(struct wk_cipher_seal *seal, const struct wk_hal_crypto *crypto,
                        const struct wk_cipher_keys *keys, const struct wk_cipher_head *head)
{
    WK_TRY(seal->out->fault);
    WK_TRY(seal->plain.fault);
    if (seal->plain.data == NULL ||
        head_size(head, seal->plain.size) + seal->plain.size + WK_CIPHER_TAG >
            wk_bytes_out_left(seal->out)) {
        return WK_E_FULL;
    }
    if (!sizes_fit(keys, head)) {
        return WK_E_ARGUMENT;
    }
    size_t size = seal->plain.size;
    uint8_t *used_until = seal->plain.data + size + WK_CIPHER_TAG;
    WK_TRY(protect(crypto, keys, head, seal->plain.data, &size));
    /* A long head reaches into the text: the text moves first. */
    const size_t before = head_size(head, size);
    uint8_t *begin = wk_bytes_out_reserve(seal->out, before + size);
    uint8_t *place = begin + before;
    memmove(place, seal->plain.data, size);
    struct wk_bytes_out front = wk_bytes_out_of(begin, before);
    put_head(&front, head, size);
    /* Neither the key nor shifted plain text stays behind the end. */
    if (place + size < used_until) {
        memset(place + size, 0, (size_t)(used_until - (place + size)));
    }
    return front.fault;
}

/* ---- opening ----------------------------------------------------------------------------- */

wk_err wk_cipher_read_text(struct wk_bytes_in *in, struct wk_cipher_head *head,
                           struct wk_bytes_in *text)
{
    const uint32_t length = wk_axdr_read_length(in);
    if (in->fault == WK_OK && length != wk_bytes_in_left(in)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    head->control = wk_bytes_in_u8(in);
    head->counter = wk_bytes_in_u32be(in);
    const size_t size = wk_bytes_in_left(in);
    const size_t least = (head->control & WK_CIPHER_AUTHENTICATED) != 0 ? WK_CIPHER_TAG : 0;
    if (size < least) {
        wk_bytes_in_fail(in, WK_E_SHORT);
    }
    WK_TRY(in->fault);
    if ((head->control & WK_CIPHER_COMPRESSED) != 0 || (head->control & WK_CIPHER_BOTH) == 0) {
        return WK_E_UNSUPPORTED;
    }
    *text = wk_bytes_in_of(wk_bytes_in_take(in, size), size);
    return WK_OK;
}

wk_err wk_cipher_read_head(struct wk_bytes_in *in, struct wk_cipher_head *head,
                           struct wk_bytes_in *text)
{
    head->prefix = wk_bytes_in_of(NULL, 0);
    head->extra = wk_bytes_in_of(NULL, 0);
    head->tag = wk_bytes_in_u8(in);
    if (has_title(head->tag)) {
        if (wk_bytes_in_u8(in) != WK_CIPHER_TITLE) {
            wk_bytes_in_fail(in, WK_E_FORMAT);
        }
        wk_bytes_in_copy(in, head->title, WK_CIPHER_TITLE);
    }
    return wk_cipher_read_text(in, head, text);
}

/* The tag of a text in clear is over control, key and text: they are laid side by side in the
 * room of the plain text, which is then moved to its begin. */
static wk_err open_clear(const struct wk_hal_crypto *crypto, const struct wk_cipher_keys *keys,
                         const struct wk_cipher_head *head, const struct wk_bytes_in *text,
                         uint8_t *place)
{
    const struct aad aad = aad_of(head, &keys->ak);
    const size_t size = text->size - WK_CIPHER_TAG;
    uint8_t iv[12];
    make_iv(head->title, head->counter, iv);
    memcpy(place, aad.octets, aad.size);
    memcpy(place + aad.size, text->data, size);
    const wk_err err = crypto->gcm_open(crypto->self, &keys->ek, iv, place, aad.size + size,
                                        NULL, NULL, 0, text->data + size, WK_CIPHER_TAG);
    memmove(place, place + aad.size, size);
    memset(place + size, 0, aad.size);
    return err;
}

static wk_err open_secret(const struct wk_hal_crypto *crypto, const struct wk_cipher_keys *keys,
                          const struct wk_cipher_head *head, const struct wk_bytes_in *text,
                          uint8_t *place)
{
    const bool tagged = (head->control & WK_CIPHER_AUTHENTICATED) != 0;
    const struct aad aad = aad_of(head, &keys->ak);
    const size_t tag_size = tagged ? WK_CIPHER_TAG : 0;
    const size_t size = text->size - tag_size;
    uint8_t iv[12];
    make_iv(head->title, head->counter, iv);
    return crypto->gcm_open(crypto->self, &keys->ek, iv, tagged ? aad.octets : NULL,
                            tagged ? aad.size : 0, text->data, place, size, text->data + size,
                            tag_size);
}

wk_err wk_cipher_open(const struct wk_hal_crypto *crypto, const struct wk_cipher_keys *keys,
                      const struct wk_cipher_head *head, const struct wk_bytes_in *text,
                      struct wk_bytes_out *plain)
{
    const bool tagged = (head->control & WK_CIPHER_AUTHENTICATED) != 0;
    const size_t tag_size = tagged ? WK_CIPHER_TAG : 0;
    const bool protected = (head->control & WK_CIPHER_BOTH) != 0;
    if (!protected || text->size < tag_size || !sizes_fit(keys, head)) {
        return WK_E_ARGUMENT;
    }
    const size_t size = text->size - tag_size;
    if (wk_bytes_out_left(plain) < size + WK_CIPHER_RESERVE) {
        return WK_E_FULL;
    }
    uint8_t *place = plain->data + plain->size;
    const bool secret = (head->control & WK_CIPHER_ENCRYPTED) != 0;
    const wk_err err = secret ? open_secret(crypto, keys, head, text, place)
                              : open_clear(crypto, keys, head, text, place);
    if (err != WK_OK) {
        memset(place, 0, size);
        return err;
    }
    (void)wk_bytes_out_reserve(plain, size);
    return WK_OK;
}

/* ---- challenges -------------------------------------------------------------------------- */

wk_err wk_cipher_answer(const struct wk_hal_crypto *crypto, const struct wk_cipher_keys *keys,
                        const struct wk_cipher_head *head, const uint8_t *challenge,
                        size_t challenge_size, uint8_t token[WK_CIPHER_TOKEN])
{
    const uint8_t control = ANSWER_CONTROL | (head->control & WK_CIPHER_SUITE);
    const struct wk_cipher_head answer = {.control = control};
    if (challenge_size > CHALLENGE_MOST || !sizes_fit(keys, &answer)) {
        return WK_E_ARGUMENT;
    }
    const struct aad aad = aad_of(&answer, &keys->ak);
    uint8_t over[WK_CIPHER_RESERVE + CHALLENGE_MOST];
    memcpy(over, aad.octets, aad.size);
    memcpy(over + aad.size, challenge, challenge_size);
    uint8_t iv[12];
    make_iv(head->title, head->counter, iv);
    struct wk_bytes_out out = wk_bytes_out_of(token, WK_CIPHER_TOKEN);
    wk_bytes_out_u8(&out, control);
    wk_bytes_out_u32be(&out, head->counter);
    return crypto->gcm_seal(crypto->self, &keys->ek, iv, over, aad.size + challenge_size, NULL,
                            NULL, 0, wk_bytes_out_reserve(&out, WK_CIPHER_TAG));
}

wk_err wk_cipher_check_answer(const struct wk_hal_crypto *crypto,
                              const struct wk_cipher_keys *keys,
                              const uint8_t title[WK_CIPHER_TITLE],
                              const struct wk_bytes_in *challenge,
                              const struct wk_bytes_in *token, uint32_t *counter)
{
    struct wk_bytes_in in = *token;
    const uint8_t control = wk_bytes_in_u8(&in);
    struct wk_cipher_head head = {.control = control, .counter = wk_bytes_in_u32be(&in)};
    memcpy(head.title, title, WK_CIPHER_TITLE);
    if (token->size != WK_CIPHER_TOKEN || (control & ~WK_CIPHER_SUITE) != ANSWER_CONTROL) {
        return WK_E_AUTH;
    }
    uint8_t expected[WK_CIPHER_TOKEN];
    WK_TRY(wk_cipher_answer(crypto, keys, &head, challenge->data, challenge->size, expected));
    if (!wk_bytes_equal_secret(expected + 1, token->data + 1, WK_CIPHER_TOKEN - 1)) {
        return WK_E_AUTH;
    }
    *counter = head.counter;
    return WK_OK;
}
