/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/notification.h"
#include "cosem/obis.h"
#include "cosem/push_decoder_part.h"

#define OBJECT_SIZE 18 /* octets of {class, name, attribute, index} as A-XDR */
#define SCALED_SIZE 6  /* ... of {scaler, unit} */

/* The name that waits for its value, the value that waits for its unit. */
struct walk {
    const struct wk_push_decoder_sink *sink;
    struct wk_bytes_in *in;
    const struct wk_push_decoder_event *event;
    const uint8_t *obis; /* seen, and no value yet */
    bool has_value;
    struct wk_push_decoder_value value;
    size_t level;
    uint32_t left[WK_AXDR_DEPTH + 2]; /* elements still to come, per level */
    uint32_t outermost;               /* elements of level 1 */
    uint16_t place;
    uint16_t objects;
    const uint8_t *object[WK_PUSH_DECODER_OBJECTS]; /* of the list of captured objects */
};

bool wk_push_decoder_head(struct wk_bytes_in *in, struct wk_push_decoder_head *head)
{
    head->invoke = wk_bytes_in_u32be(in);
    if (wk_bytes_in_left(in) > 1 && wk_bytes_in_peek(in) == WK_AXDR_OCTET_STRING &&
        in->data[in->at + 1] == WK_NOTIFICATION_TIME) {
        (void)wk_bytes_in_u8(in);
    }
    const uint8_t size = wk_bytes_in_u8(in);
    if (size != 0 && size != WK_NOTIFICATION_TIME) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    head->time = size == 0 ? NULL : wk_bytes_in_take(in, size);
    return in->fault == WK_OK;
}

bool wk_push_decoder_event_head(struct wk_bytes_in *in, struct wk_push_decoder_head *head,
                                struct wk_push_decoder_event *event)
{
    const bool has_time = wk_bytes_in_u8(in) != 0;
    if (has_time && wk_bytes_in_u8(in) != WK_NOTIFICATION_TIME) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    head->time = has_time ? wk_bytes_in_take(in, WK_NOTIFICATION_TIME) : NULL;
    event->class_id = wk_bytes_in_u16be(in);
    event->obis = wk_bytes_in_take(in, WK_OBIS_SIZE);
    event->attribute = wk_bytes_in_u8(in);
    return in->fault == WK_OK;
}

/* ---- shapes ------------------------------------------------------------------------------ */

/* Octets at the cursor with the tags where a pattern has them; `any` stands for contents. */
static const uint8_t *match(const struct wk_bytes_in *in, const uint8_t *pattern, size_t size)
{
    static const uint8_t any = 0xFF;
    if (in->fault != WK_OK || wk_bytes_in_left(in) < size) {
        return NULL;
    }
    const uint8_t *octets = in->data + in->at;
    for (size_t i = 0; i < size; i++) {
        if (pattern[i] != any && pattern[i] != octets[i]) {
            return NULL;
        }
    }
    return octets;
}

/* {integer, enum}: scaler and unit. */
static const uint8_t *match_scaled(const struct wk_bytes_in *in)
{
    static const uint8_t k_pattern[SCALED_SIZE] = {
        WK_AXDR_STRUCTURE, 2, WK_AXDR_INTEGER, 0xFF, WK_AXDR_ENUM, 0xFF};
    return match(in, k_pattern, sizeof k_pattern);
}

/* {long-unsigned, octet-string of 6, integer, long-unsigned}: a captured object. */
static const uint8_t *match_object(const struct wk_bytes_in *in)
{
    static const uint8_t k_pattern[OBJECT_SIZE] = {WK_AXDR_STRUCTURE,
                                                   4,
                                                   WK_AXDR_LONG_UNSIGNED,
                                                   0xFF,
                                                   0xFF,
                                                   WK_AXDR_OCTET_STRING,
                                                   WK_OBIS_SIZE,
                                                   0xFF,
                                                   0xFF,
                                                   0xFF,
                                                   0xFF,
                                                   0xFF,
                                                   0xFF,
                                                   WK_AXDR_INTEGER,
                                                   0xFF,
                                                   WK_AXDR_LONG_UNSIGNED,
                                                   0xFF,
                                                   0xFF};
    return match(in, k_pattern, sizeof k_pattern);
}

static bool is_obis(const struct wk_axdr_value *value)
{
    return value->tag == WK_AXDR_OCTET_STRING && value->size == WK_OBIS_SIZE &&
           value->octets[WK_OBIS_SIZE - 1] == 0xFF;
}

/* ---- values ------------------------------------------------------------------------------ */

static void flush(struct walk *walk)
{
    if (walk->has_value && walk->sink->value != NULL) {
        walk->sink->value(walk->sink->self, &walk->value);
    }
    walk->has_value = false;
}

static void take_value(struct walk *walk, const struct wk_axdr_value *value)
{
    flush(walk);
    if (is_obis(value)) {
        walk->obis = value->octets;
        return;
    }
    walk->value = (struct wk_push_decoder_value){
        .place = walk->place,
        .obis = walk->obis,
        .class_id = walk->event->class_id,
        .attribute = walk->event->attribute,
        .value = *value,
        .unit = WK_PUSH_DECODER_NO_UNIT,
    };
    if (walk->obis == NULL && walk->place < walk->objects) {
        const uint8_t *object = walk->object[walk->place];
        walk->value.class_id = (uint16_t)(object[3] << 8 | object[4]);
        walk->value.obis = object + 7;
        walk->value.attribute = object[14];
    }
    walk->obis = NULL;
    walk->has_value = true;
}

static void take_scaled(struct walk *walk, const uint8_t *octets)
{
    (void)wk_bytes_in_take(walk->in, SCALED_SIZE);
    if (walk->has_value) {
        walk->value.scaler = (int8_t)octets[3];
        walk->value.unit = octets[5];
    }
    flush(walk);
}

static void take_object(struct walk *walk, const uint8_t *octets)
{
    (void)wk_bytes_in_take(walk->in, OBJECT_SIZE);
    if (walk->objects < WK_PUSH_DECODER_OBJECTS) {
        walk->object[walk->objects++] = octets;
    }
}

static void take_element(struct walk *walk)
{
    struct wk_axdr_value value;
    const uint8_t *scaled = match_scaled(walk->in);
    const uint8_t *object = match_object(walk->in);
    if (walk->level == 1) {
        walk->place = (uint16_t)(walk->outermost - walk->left[1]);
    }
    walk->left[walk->level]--;
    if (scaled != NULL) {
        take_scaled(walk, scaled);
        return;
    }
    if (object != NULL) {
        take_object(walk, object);
        return;
    }
    wk_axdr_read(walk->in, &value);
    if (walk->in->fault != WK_OK) {
        return;
    }
    if (value.tag != WK_AXDR_ARRAY && value.tag != WK_AXDR_STRUCTURE) {
        take_value(walk, &value);
        return;
    }
    if (walk->level > WK_AXDR_DEPTH) {
        wk_bytes_in_fail(walk->in, WK_E_FORMAT);
        return;
    }
    walk->level++;
    walk->left[walk->level] = value.count;
    walk->outermost = walk->level == 1 ? value.count : walk->outermost;
}

wk_err wk_push_decoder_walk(struct wk_bytes_in *in, const struct wk_push_decoder_event *event,
                            const struct wk_push_decoder_sink *sink)
{
    struct walk walk = {
        .sink = sink, .in = in, .obis = event->obis, .event = event, .left = {1}};
    while (in->fault == WK_OK && (walk.level > 0 || walk.left[0] > 0)) {
        if (walk.left[walk.level] > 0) {
            take_element(&walk);
        } else {
            walk.level--;
        }
    }
    flush(&walk);
    return wk_bytes_in_end(in);
}
