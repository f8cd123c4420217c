/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/envelope.h"
#include "cosem/explain_part.h"

#define GLO_FIRST 0x21
#define DED_LAST  0x4F

/* ---- which key, whose title --------------------------------------------------------------- */

static bool is_dedicated(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_DED ||
           (tag >= WK_APDU_DED_GET_REQUEST && tag <= WK_APDU_DED_ACTION_RESPONSE) ||
           (tag >= 0x40 && tag <= DED_LAST);
}

static bool is_request(uint8_t tag)
{
    switch (tag) {
    case WK_APDU_GLO_INITIATE_REQUEST:
    case WK_APDU_GLO_GET_REQUEST:
    case WK_APDU_GLO_SET_REQUEST:
    case WK_APDU_GLO_ACTION_REQUEST:
    case WK_APDU_DED_GET_REQUEST:
    case WK_APDU_DED_SET_REQUEST:
    case WK_APDU_DED_ACTION_REQUEST:
        return true;
    default:
        return false;
    }
}

static bool has_title(uint8_t tag)
{
    return tag == WK_APDU_GENERAL_GLO || tag == WK_APDU_GENERAL_DED;
}

static bool is_ciphered(uint8_t tag)
{
    return has_title(tag) || (tag >= GLO_FIRST && tag <= DED_LAST) ||
           (tag >= WK_APDU_GLO_GET_REQUEST && tag <= WK_APDU_DED_ACTION_RESPONSE);
}

static const struct wk_hal_key *key_for(const struct wk_explain *explain, uint8_t tag)
{
    if (!is_dedicated(tag)) {
        return &explain->keys.global.ek;
    }
    return explain->keys.dedicated.size > 0 ? &explain->keys.dedicated : &explain->dedicated;
}

/* Who may have sent it: what the APDU says, else the association, else what was given. */
static size_t list_titles(const struct wk_explain *explain, const struct wk_cipher_head *head,
                          const uint8_t *titles[4])
{
    size_t count = 0;
    const int sender = is_request(head->tag) ? 0 : 1;
    if (has_title(head->tag) || head->tag == WK_APDU_GENERAL_CIPHERING) {
        titles[count++] = head->title;
        return count;
    }
    if (explain->has_titles[sender]) {
        titles[count++] = explain->titles[sender];
    }
    if (explain->keys.has_title) {
        titles[count++] = explain->keys.title;
    }
    if (explain->has_titles[1 - sender]) {
        titles[count++] = explain->titles[1 - sender];
    }
    return count;
}

/* Without the authentication key the text can be read but not trusted. */
static wk_err open_with(const struct wk_explain *explain, const struct wk_hal_key *key,
                        struct wk_cipher_head head, struct wk_bytes_in text,
                        struct wk_bytes_out *plain)
{
    struct wk_cipher_keys keys = {.ek = *key, .ak = explain->keys.global.ak};
    if (keys.ak.size == 0 && (head.control & WK_CIPHER_AUTHENTICATED) != 0) {
        head.control &= (uint8_t)~WK_CIPHER_AUTHENTICATED;
        text.size -= WK_CIPHER_TAG;
        keys.ak.size = key->size;
    }
    return wk_cipher_open(explain->crypto, &keys, &head, &text, plain);
}

/* ---- opening ----------------------------------------------------------------------------- */

static void put_control(struct wk_explain *explain, struct wk_bytes_in *in)
{
    static const char *const k_protection[] = {"none", "authenticated", "encrypted",
                                               "authenticated and encrypted"};
    const uint8_t control = wk_bytes_in_peek(in);
    wk_explain_open(explain, in, "security-control", -1);
    (void)wk_explain_u8(explain, in, "octet", NULL);
    wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_NUMBER,
                                                      .name = "security-suite",
                                                      .number = control & WK_CIPHER_SUITE,
                                                      .offset = in->at});
    wk_explain_note(explain, "protection", k_protection[control >> 4 & 3]);
    wk_explain_note(explain, "key-set",
                    (control & WK_CIPHER_BROADCAST) != 0 ? "broadcast" : "unicast");
    if ((control & WK_CIPHER_COMPRESSED) != 0) {
        wk_explain_note(explain, "compression", "compressed");
    }
    wk_explain_close(explain);
}

/* Length, security control, counter, text and tag. */
static void put_text(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const struct wk_bytes_in before = *in;
    const uint32_t length = wk_axdr_read_length(in);
    if (in->fault == WK_OK && length != wk_bytes_in_left(in)) {
        wk_explain_fault(explain, before.at, "the length is not that of what follows",
                         wk_bytes_in_of(before.data + before.at, in->at - before.at));
    }
    const bool tagged =
        wk_bytes_in_left(in) > 0 && (wk_bytes_in_peek(in) & WK_CIPHER_AUTHENTICATED) != 0;
    put_control(explain, in);
    (void)wk_explain_u32(explain, in, "invocation-counter");
    const size_t left = wk_bytes_in_left(in);
    const size_t tag = tagged ? WK_CIPHER_TAG : 0;
    if (left < tag) {
        wk_bytes_in_fail(in, WK_E_SHORT);
        return;
    }
    (void)wk_explain_octets(explain, in, "text", left - tag);
    if (tagged) {
        (void)wk_explain_octets(explain, in, "authentication-tag", tag);
    }
}

static void open_text(struct wk_explain *explain, const struct wk_cipher_head *head,
                      const struct wk_hal_key *key, struct wk_bytes_in text, uint8_t *room)
{
    const uint8_t *titles[4];
    const size_t count = list_titles(explain, head, titles);
    const bool tagged = (head->control & WK_CIPHER_AUTHENTICATED) != 0;
    wk_err err = WK_E_NOT_FOUND;
    struct wk_bytes_out plain = wk_bytes_out_of(room, WK_EXPLAIN_WHOLE + WK_CIPHER_RESERVE);
    if (explain->crypto == NULL || key->size == 0) {
        wk_explain_note(explain, "not opened", "its key was not given");
        return;
    }
    if (count == 0) {
        wk_explain_note(explain, "not opened", "the sender's system title was not given");
        return;
    }
    for (size_t i = 0; i < count && err != WK_OK; i++) {
        struct wk_cipher_head by = *head;
        memcpy(by.title, titles[i], WK_CIPHER_TITLE);
        err = open_with(explain, key, by, text, &plain);
    }
    if (err == WK_OK) {
        wk_explain_note(explain, "opened",
                        !tagged ? "not authenticated: it has no tag"
                        : explain->keys.global.ak.size == 0
                            ? "not checked: the authentication key was not given"
                            : "authentic");
        explain->next = wk_bytes_in_of(room, plain.size);
    } else if (err == WK_E_AUTH) {
        wk_explain_fault(explain, 0, "the tag does not fit: wrong key or title, or altered",
                         wk_bytes_in_of(NULL, 0));
    } else {
        wk_explain_note(explain, "not opened", "the keys do not have the size of its suite");
    }
}

/* ---- general-ciphering and general-signing ------------------------------------------------ */

static void put_names(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_string(explain, in, "transaction-id");
    (void)wk_explain_string(explain, in, "originator-system-title");
    (void)wk_explain_string(explain, in, "recipient-system-title");
    (void)wk_explain_string(explain, in, "date-time");
    (void)wk_explain_string(explain, in, "other-information");
}

static void put_key_info(struct wk_explain *explain, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) == 0) {
        return;
    }
    wk_explain_open(explain, in, "key-info", -1);
    const uint32_t kind = wk_explain_u8(explain, in, "choice", wk_explain_key_name);
    if (kind == 0) {
        (void)wk_explain_u8(explain, in, "key-id", NULL);
    } else if (kind == 1) {
        (void)wk_explain_u8(explain, in, "kek-id", NULL);
        (void)wk_explain_string(explain, in, "key-ciphered-data");
    } else if (kind == 2) {
        (void)wk_explain_string(explain, in, "key-parameters");
        (void)wk_explain_string(explain, in, "key-ciphered-data");
    } else {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    wk_explain_close(explain);
}

/* The key that a general-ciphering APDU names, if it is known. */
static struct wk_hal_key key_of(const struct wk_explain *explain,
                                const struct wk_envelope_key *named)
{
    struct wk_hal_key key = {0};
    if (named->kind <= WK_ENVELOPE_KEY_BROADCAST) {
        return explain->keys.global.ek;
    }
    if (named->kind == WK_ENVELOPE_KEY_WRAPPED && explain->keys.kek.size > 0 &&
        explain->crypto != NULL &&
        explain->crypto->unwrap(explain->crypto->self, &explain->keys.kek, named->data.data,
                                named->data.size, &key) != WK_OK) {
        key.size = 0;
    }
    return key;
}

static void put_ciphering(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t *room)
{
    struct wk_bytes_in whole = wk_bytes_in_of(in->data, in->size);
    struct wk_envelope envelope;
    struct wk_envelope_key named;
    struct wk_cipher_head head = {0};
    struct wk_bytes_in text;
    whole.at = in->at - 1;
    const wk_err err = wk_envelope_read_ciphering(&whole, &envelope, &named, &head, &text);
    put_names(explain, in);
    put_key_info(explain, in);
    put_text(explain, in);
    if (err == WK_OK && in->fault == WK_OK) {
        const struct wk_hal_key key = key_of(explain, &named);
        head.tag = WK_APDU_GENERAL_CIPHERING;
        open_text(explain, &head, &key, text, room);
    }
}

static void put_signing(struct wk_explain *explain, struct wk_bytes_in *in)
{
    put_names(explain, in);
    const size_t size = wk_axdr_read_length(in);
    const uint8_t *content = wk_bytes_in_take(in, size);
    (void)wk_explain_string(explain, in, "signature");
    if (content != NULL) {
        explain->next = wk_bytes_in_of(content, size);
    }
}

/* ---- general block transfer ---------------------------------------------------------------- */

static void put_general_block(struct wk_explain *explain, struct wk_bytes_in *in)
{
    struct wk_explain_flow *flow = &explain->flows[explain->direction];
    const uint8_t control = wk_bytes_in_peek(in);
    wk_explain_open(explain, in, "block-control", -1);
    (void)wk_explain_u8(explain, in, "octet", NULL);
    wk_explain_note(explain, "last-block", (control & 0x80) != 0 ? "yes" : "no");
    wk_explain_note(explain, "streaming", (control & 0x40) != 0 ? "yes" : "no");
    wk_explain_close(explain);
    const uint32_t number = wk_explain_u16(explain, in, "block-number", NULL);
    (void)wk_explain_u16(explain, in, "block-number-ack", NULL);
    const struct wk_bytes_in data = wk_explain_string(explain, in, "block-data");
    if (in->fault != WK_OK) {
        return;
    }
    if (number == 1) {
        flow->block = 0;
        flow->block_size = 0;
    }
    if (number != flow->block + 1U || data.size > sizeof flow->blocks - flow->block_size) {
        return;
    }
    flow->block = (uint16_t)number;
    if (data.size > 0) {
        memmove(flow->blocks + flow->block_size, data.data, data.size);
        flow->block_size += data.size;
    }
    if ((control & 0x80) != 0 && flow->block_size > 0) {
        explain->next = wk_bytes_in_of(flow->blocks, flow->block_size);
        flow->block_size = 0;
    }
}

bool wk_explain_protected(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag,
                          int layer)
{
    uint8_t *room = explain->opened[layer % 2];
    if (tag == WK_APDU_GENERAL_BLOCK) {
        put_general_block(explain, in);
        return true;
    }
    if (tag == WK_APDU_GENERAL_CIPHERING) {
        put_ciphering(explain, in, room);
        return true;
    }
    if (tag == WK_APDU_GENERAL_SIGNING) {
        put_signing(explain, in);
        return true;
    }
    if (!is_ciphered(tag)) {
        return false;
    }
    struct wk_bytes_in whole = wk_bytes_in_of(in->data, in->size);
    struct wk_cipher_head head = {0};
    struct wk_bytes_in text;
    whole.at = in->at - 1;
    const wk_err err = wk_cipher_read_head(&whole, &head, &text);
    if (has_title(tag)) {
        (void)wk_explain_string(explain, in, "system-title");
    }
    put_text(explain, in);
    if (err == WK_OK && in->fault == WK_OK) {
        open_text(explain, &head, key_for(explain, tag), text, room);
    }
    return true;
}
