/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/push_decoder.h"

#include <string.h>

#include "cosem/apdu.h"
#include "cosem/hdlc.h"
#include "cosem/push_decoder_part.h"
#include "cosem/wrapper.h"

#define LLC          3
#define MBUS_BEGIN   0x68
#define MBUS_END     0x16
#define MBUS_HEAD    4 /* 68 L L 68 */
#define MBUS_FIELDS  5 /* C, A, CI and two TSAPs */
#define MBUS_LAST    0x10
#define MBUS_SEGMENT 0x0F
#define WAIT         SIZE_MAX /* more octets are needed */
#define TEXT_BEGIN   '/'

/* ---- APDUs ------------------------------------------------------------------------------- */

static bool is_repeated(const struct wk_push_decoder *decoder,
                        const struct wk_push_decoder_head *head)
{
    return decoder->has_counter && head->counter <= decoder->counter &&
           memcmp(decoder->title, head->title, WK_CIPHER_TITLE) == 0;
}

/* Without the authentication key the text is opened, and trusted as little as one in clear. */
static wk_err open_text(const struct wk_push_decoder_config *config,
                        struct wk_cipher_head *cipher, struct wk_bytes_in *text,
                        struct wk_bytes_out *plain)
{
    struct wk_cipher_keys keys = config->keys;
    if (config->crypto == NULL || keys.ek.size == 0) {
        return WK_E_AUTH;
    }
    if (keys.ak.size == 0 && (cipher->control & WK_CIPHER_AUTHENTICATED) != 0) {
        cipher->control &= (uint8_t)~WK_CIPHER_AUTHENTICATED;
        text->size -= WK_CIPHER_TAG;
        keys.ak.size = keys.ek.size;
    }
    return wk_cipher_open(config->crypto, &keys, cipher, text, plain);
}

static void take_plain(struct wk_push_decoder *decoder, struct wk_push_decoder_head *head,
                       struct wk_bytes_in in)
{
    const struct wk_push_decoder_sink *sink = &decoder->config.sink;
    if (wk_bytes_in_peek(&in) == TEXT_BEGIN) {
        decoder->counts.pushes++;
        if (sink->text != NULL) {
            sink->text(sink->self, head, in.data, in.size);
        }
        return;
    }
    const uint8_t tag = wk_bytes_in_u8(&in);
    struct wk_push_decoder_event event = {.obis = NULL};
    head->is_event = tag == WK_APDU_EVENT_NOTIFICATION;
    const bool known =
        head->is_event ? wk_push_decoder_event_head(&in, head, &event)
                       : tag == WK_APDU_DATA_NOTIFICATION && wk_push_decoder_head(&in, head);
    if (!known) {
        decoder->counts.others++;
        return;
    }
    decoder->counts.pushes++;
    if (sink->head != NULL) {
        sink->head(sink->self, head);
    }
    const wk_err err = wk_push_decoder_walk(&in, &event, sink);
    if (sink->end != NULL) {
        sink->end(sink->self, err);
    }
}

static void take_apdu(struct wk_push_decoder *decoder, struct wk_bytes_in in)
{
    struct wk_push_decoder_head head = {.sealed = false};
    struct wk_cipher_head cipher = {0};
    struct wk_bytes_in text;
    struct wk_bytes_out plain =
        wk_bytes_out_of(decoder->config.plain, decoder->config.plain_room);
    if (wk_bytes_in_peek(&in) != WK_APDU_GENERAL_GLO) {
        take_plain(decoder, &head, in);
        return;
    }
    if (wk_cipher_read_head(&in, &cipher, &text) != WK_OK) {
        decoder->counts.others++;
        return;
    }
    head.sealed = true;
    head.counter = cipher.counter;
    memcpy(head.title, cipher.title, WK_CIPHER_TITLE);
    if (open_text(&decoder->config, &cipher, &text, &plain) != WK_OK) {
        decoder->counts.sealed++;
        return;
    }
    head.authentic = (cipher.control & WK_CIPHER_AUTHENTICATED) != 0;
    if (head.authentic && is_repeated(decoder, &head)) {
        decoder->counts.repeated++;
        return;
    }
    if (head.authentic) { /* others could set it so high that none comes through any more */
        decoder->has_counter = true;
        decoder->counter = head.counter;
        memcpy(decoder->title, head.title, WK_CIPHER_TITLE);
    }
    take_plain(decoder, &head, wk_bytes_in_of(plain.data, plain.size));
}

/* ---- segments ---------------------------------------------------------------------------- */

/* A piece of an APDU; the last one makes it whole. */
static void join(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size, bool last)
{
    static const uint8_t k_llc[2][LLC] = {{0xE6, 0xE7, 0x00}, {0xE6, 0xE6, 0x00}};
    if (!decoder->joining) {
        decoder->apdu_size = 0;
    }
    decoder->joining = !last;
    if (size > decoder->config.apdu_room - decoder->apdu_size) {
        decoder->joining = false;
        decoder->counts.others++;
        return;
    }
    if (size > 0) {
        memcpy(decoder->config.apdu + decoder->apdu_size, octets, size);
        decoder->apdu_size += size;
    }
    if (!last) {
        return;
    }
    const uint8_t *apdu = decoder->config.apdu;
    const size_t whole = decoder->apdu_size;
    const bool has_llc =
        whole > LLC && (memcmp(apdu, k_llc[0], LLC) == 0 || memcmp(apdu, k_llc[1], LLC) == 0);
    const size_t skip = has_llc ? LLC : 0;
    take_apdu(decoder, wk_bytes_in_of(apdu + skip, whole - skip));
}

/* ---- frames ------------------------------------------------------------------------------ */

/* Each gives the octets to be dropped: a frame it has taken, or one that does not begin here;
 * or WAIT. */

static size_t take_hdlc(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    struct wk_hdlc_frame frame;
    if (size < 3) {
        return WAIT;
    }
    const size_t whole = ((size_t)(octets[1] & 7) << 8 | octets[2]) + 2;
    if ((octets[1] & 0xF0) != 0xA0 || whole > decoder->config.frame_room) {
        return 1;
    }
    if (size < whole) {
        return WAIT;
    }
    if (wk_hdlc_read(octets, whole, &frame) != WK_OK) {
        decoder->counts.broken++;
        decoder->joining = false;
        return 1;
    }
    if ((frame.type == WK_HDLC_I || frame.type == WK_HDLC_UI) && frame.info_size > 0) {
        join(decoder, frame.info, frame.info_size, !frame.segmented);
    }
    return whole - 1; /* its last flag may begin the next one */
}

static size_t take_mbus(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    if (size < MBUS_HEAD) {
        return WAIT;
    }
    const size_t length = octets[1];
    const size_t whole = MBUS_HEAD + length + 2;
    if (octets[2] != octets[1] || octets[3] != MBUS_BEGIN || length <= MBUS_FIELDS ||
        whole > decoder->config.frame_room) {
        return 1;
    }
    if (size < whole) {
        return WAIT;
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + octets[MBUS_HEAD + i]);
    }
    const uint8_t control = octets[MBUS_HEAD + 2];
    const uint8_t number = control & MBUS_SEGMENT;
    const bool wanted = number == 0 || (decoder->joining && number == decoder->segment);
    if (sum != octets[whole - 2] || octets[whole - 1] != MBUS_END || !wanted) {
        decoder->counts.broken++;
        decoder->joining = false;
        return wanted ? 1 : whole;
    }
    decoder->joining = number != 0;
    decoder->segment = (uint8_t)(number + 1);
    join(decoder, octets + MBUS_HEAD + MBUS_FIELDS, length - MBUS_FIELDS,
         (control & MBUS_LAST) != 0);
    return whole;
}

static size_t take_wrapper(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_wrapper head;
    if (size < WK_WRAPPER_SIZE) {
        return size > 1 && octets[1] != WK_WRAPPER_VERSION ? 1 : WAIT;
    }
    wk_wrapper_read(&in, &head);
    if (in.fault != WK_OK ||
        (size_t)head.length + WK_WRAPPER_SIZE > decoder->config.frame_room) {
        return 1;
    }
    if (wk_bytes_in_left(&in) < head.length) {
        return WAIT;
    }
    take_apdu(decoder, wk_bytes_in_of(wk_bytes_in_take(&in, head.length), head.length));
    return in.at;
}

/* An APDU without a frame tells itself how long it is. */
static size_t take_bare(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_push_decoder_head head;
    if (wk_bytes_in_u8(&in) == WK_APDU_GENERAL_GLO) {
        if (wk_bytes_in_u8(&in) != WK_CIPHER_TITLE) {
            wk_bytes_in_fail(&in, WK_E_FORMAT);
        }
        (void)wk_bytes_in_take(&in, WK_CIPHER_TITLE);
        const size_t length = wk_axdr_read_length(&in);
        if (in.fault == WK_OK && length > decoder->config.frame_room - in.at) {
            wk_bytes_in_fail(&in, WK_E_FORMAT);
        }
        (void)wk_bytes_in_take(&in, length);
    } else if (wk_push_decoder_head(&in, &head)) {
        wk_axdr_skip(&in);
    }
    if (in.fault == WK_E_SHORT && size < decoder->config.frame_room) {
        return WAIT;
    }
    if (in.fault != WK_OK) {
        return 1;
    }
    take_apdu(decoder, wk_bytes_in_of(octets, in.at));
    return in.at;
}

static size_t take_frame(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    switch (octets[0]) {
    case WK_HDLC_FLAG:
        return take_hdlc(decoder, octets, size);
    case MBUS_BEGIN:
        return take_mbus(decoder, octets, size);
    case 0:
        return decoder->lost ? 1 : take_wrapper(decoder, octets, size);
    case WK_APDU_GENERAL_GLO:
    case WK_APDU_DATA_NOTIFICATION:
        return decoder->lost ? 1 : take_bare(decoder, octets, size);
    default:
        return 1;
    }
}

/* ---- the stream -------------------------------------------------------------------------- */

wk_err wk_push_decoder_init(struct wk_push_decoder *decoder,
                            const struct wk_push_decoder_config *config)
{
    if (config->frame == NULL || config->frame_room < WK_HDLC_OVERHEAD ||
        config->apdu == NULL || config->plain == NULL) {
        return WK_E_ARGUMENT;
    }
    *decoder = (struct wk_push_decoder){.config = *config};
    return WK_OK;
}

static void take_waiting(struct wk_push_decoder *decoder)
{
    uint8_t *frame = decoder->config.frame;
    size_t at = 0;
    while (at < decoder->frame_size) {
        const size_t used = take_frame(decoder, frame + at, decoder->frame_size - at);
        if (used == WAIT) {
            break;
        }
        decoder->lost = used == 1;
        decoder->counts.dropped += decoder->lost && frame[at] != WK_HDLC_FLAG ? 1 : 0;
        at += used;
    }
    memmove(frame, frame + at, decoder->frame_size - at);
    decoder->frame_size -= at;
}

/* What has begun is no frame: its first octet goes, the rest is looked through again. */
static void give_up(struct wk_push_decoder *decoder)
{
    uint8_t *frame = decoder->config.frame;
    decoder->counts.dropped++;
    decoder->lost = true;
    decoder->frame_size--;
    memmove(frame, frame + 1, decoder->frame_size);
    take_waiting(decoder);
}

void wk_push_decoder_take(struct wk_push_decoder *decoder, const uint8_t *octets, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const size_t room = decoder->config.frame_room - decoder->frame_size;
        const size_t part = size - at < room ? size - at : room;
        memcpy(decoder->config.frame + decoder->frame_size, octets + at, part);
        decoder->frame_size += part;
        at += part;
        take_waiting(decoder);
        if (decoder->frame_size == decoder->config.frame_room) {
            give_up(decoder);
        }
    }
}

void wk_push_decoder_pause(struct wk_push_decoder *decoder)
{
    while (decoder->frame_size > 0) {
        give_up(decoder);
    }
    decoder->joining = false;
    decoder->lost = false;
}
