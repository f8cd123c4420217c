/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/explain_part.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/compact.h"
#include "cosem/datetime.h"

/* ---- items ------------------------------------------------------------------------------- */

void wk_explain_put(struct wk_explain *explain, const struct wk_explain_item *item)
{
    explain->sink.item(explain->sink.self, item);
}

void wk_explain_open(struct wk_explain *explain, const struct wk_bytes_in *in, const char *name,
                     int64_t count)
{
    wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_GROUP,
                                                      .name = name,
                                                      .number = count,
                                                      .offset = in->at});
}

void wk_explain_close(struct wk_explain *explain)
{
    explain->sink.end(explain->sink.self);
}

void wk_explain_note(struct wk_explain *explain, const char *name, const char *meaning)
{
    wk_explain_put(explain, &(struct wk_explain_item){
                                .kind = WK_EXPLAIN_NOTE, .name = name, .meaning = meaning});
}

void wk_explain_fault(struct wk_explain *explain, size_t offset, const char *why,
                      struct wk_bytes_in octets)
{
    explain->faults++;
    wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_FAULT,
                                                      .name = "malformed",
                                                      .meaning = why,
                                                      .octets = octets.data,
                                                      .size = octets.size,
                                                      .offset = offset});
}

void wk_explain_finish(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const size_t at = in->fault != WK_OK ? in->fault_at : in->at;
    const size_t size = at < in->size ? in->size - at : 0;
    const struct wk_bytes_in rest =
        wk_bytes_in_of(in->data == NULL ? NULL : in->data + (in->size - size), size);
    if (in->fault == WK_E_SHORT) {
        wk_explain_fault(explain, at, "it ends too early", rest);
    } else if (in->fault != WK_OK) {
        wk_explain_fault(explain, at, "this is not what must stand here", rest);
    } else if (size > 0) {
        wk_explain_fault(explain, at, "octets are left over", rest);
    }
}

/* ---- simple fields ----------------------------------------------------------------------- */

static uint32_t put_number(struct wk_explain *explain, const struct wk_bytes_in *in,
                           const char *name, size_t size, const char *meaning)
{
    uint32_t number = 0;
    for (size_t i = 0; i < size && in->fault == WK_OK; i++) {
        number = number << 8 | in->data[in->at - size + i];
    }
    if (in->fault == WK_OK) {
        wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_NUMBER,
                                                          .name = name,
                                                          .meaning = meaning,
                                                          .number = number,
                                                          .offset = in->at - size});
    }
    return number;
}

uint32_t wk_explain_u8(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                       wk_explain_names *names)
{
    const uint8_t number = wk_bytes_in_u8(in);
    return put_number(explain, in, name, 1, names == NULL ? NULL : names(number));
}

uint32_t wk_explain_u16(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                        wk_explain_names *names)
{
    const uint16_t number = wk_bytes_in_u16be(in);
    return put_number(explain, in, name, 2, names == NULL ? NULL : names(number));
}

uint32_t wk_explain_u32(struct wk_explain *explain, struct wk_bytes_in *in, const char *name)
{
    (void)wk_bytes_in_u32be(in);
    return put_number(explain, in, name, 4, NULL);
}

struct wk_bytes_in wk_explain_octets(struct wk_explain *explain, struct wk_bytes_in *in,
                                     const char *name, size_t size)
{
    const size_t at = in->at;
    const uint8_t *octets = wk_bytes_in_take(in, size);
    if (in->fault != WK_OK) {
        return wk_bytes_in_of(NULL, 0);
    }
    wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_OCTETS,
                                                      .name = name,
                                                      .octets = octets,
                                                      .size = size,
                                                      .offset = at});
    return wk_bytes_in_of(octets, size);
}

static bool is_time(const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    struct wk_datetime datetime;
    if (size != WK_DATETIME_SIZE) {
        return false;
    }
    wk_datetime_read(&in, &datetime);
    return in.fault == WK_OK;
}

struct wk_bytes_in wk_explain_string(struct wk_explain *explain, struct wk_bytes_in *in,
                                     const char *name)
{
    const size_t at = in->at;
    const size_t size = wk_axdr_read_length(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    if (in->fault != WK_OK) {
        return wk_bytes_in_of(NULL, 0);
    }
    wk_explain_put(explain,
                   &(struct wk_explain_item){.kind = is_time(octets, size) ? WK_EXPLAIN_TIME
                                                                           : WK_EXPLAIN_OCTETS,
                                             .name = name,
                                             .octets = octets,
                                             .size = size,
                                             .offset = at});
    return wk_bytes_in_of(octets, size);
}

void wk_explain_obis(struct wk_explain *explain, struct wk_bytes_in *in, const char *name)
{
    const size_t at = in->at;
    const uint8_t *octets = wk_bytes_in_take(in, 6);
    if (in->fault == WK_OK) {
        wk_explain_put(explain, &(struct wk_explain_item){.kind = WK_EXPLAIN_OBIS,
                                                          .name = name,
                                                          .octets = octets,
                                                          .size = 6,
                                                          .offset = at});
    }
}

/* ---- values ------------------------------------------------------------------------------ */

/* A value under way: the elements still to come per level, and the compact array in it. */
struct walk {
    struct wk_explain *explain;
    struct wk_bytes_in *in; /* what is read just now: `outer` or `element` */
    struct wk_bytes_in *outer;
    struct wk_bytes_in element;
    struct wk_compact compact;
    size_t compact_level; /* 0: none */
    size_t level;
    uint32_t left[WK_AXDR_DEPTH + 2];
    bool is_pair[WK_AXDR_DEPTH + 2]; /* two members, the first an integer: scaler and unit */
};

/* Octets that are a logical name, as far as one can tell. */
static bool is_obis(const struct wk_axdr_value *value)
{
    return value->size == 6 && value->octets[5] == 255 && value->octets[0] < 10;
}

static wk_explain_kind kind_of(const struct wk_axdr_value *value)
{
    switch (value->tag) {
    case WK_AXDR_NULL:
    case WK_AXDR_DONT_CARE:
        return WK_EXPLAIN_NULL;
    case WK_AXDR_BOOLEAN:
        return WK_EXPLAIN_BOOLEAN;
    case WK_AXDR_LONG64_UNSIGNED:
        return WK_EXPLAIN_UNSIGNED;
    case WK_AXDR_FLOAT32:
    case WK_AXDR_FLOAT64:
        return WK_EXPLAIN_FLOAT;
    case WK_AXDR_BIT_STRING:
        return WK_EXPLAIN_BITS;
    case WK_AXDR_VISIBLE_STRING:
    case WK_AXDR_UTF8_STRING:
        return WK_EXPLAIN_TEXT;
    case WK_AXDR_DATE_TIME:
    case WK_AXDR_DATE:
    case WK_AXDR_TIME:
        return WK_EXPLAIN_TIME;
    case WK_AXDR_OCTET_STRING:
        if (is_time(value->octets, value->size)) {
            return WK_EXPLAIN_TIME;
        }
        return is_obis(value) ? WK_EXPLAIN_OBIS : WK_EXPLAIN_OCTETS;
    default:
        return wk_axdr_is_integer(value->tag) ? WK_EXPLAIN_NUMBER : WK_EXPLAIN_OCTETS;
    }
}

/* Tells one value, or the head of a group. */
static void put_value(struct walk *walk, const struct wk_axdr_value *value, const char *name,
                      size_t at)
{
    const bool group = value->tag == WK_AXDR_ARRAY || value->tag == WK_AXDR_STRUCTURE;
    const bool bits = value->tag == WK_AXDR_BIT_STRING;
    struct wk_explain_item item = {
        .kind = group ? WK_EXPLAIN_GROUP : kind_of(value),
        .name = name,
        .type = wk_explain_type_name(value->tag),
        .number = group || bits ? (int64_t)value->count : value->integer,
        .octets = value->octets,
        .size = value->size,
        .offset = at,
    };
    if (value->tag == WK_AXDR_ENUM && walk->is_pair[walk->level]) {
        item.meaning = wk_explain_unit((uint32_t)value->integer);
    }
    walk->is_pair[walk->level] = walk->left[walk->level] == 1 && value->tag == WK_AXDR_INTEGER;
    wk_explain_put(walk->explain, &item);
    if (group && walk->level > WK_AXDR_DEPTH) {
        wk_bytes_in_fail(walk->in, WK_E_FORMAT);
        wk_explain_close(walk->explain);
    } else if (group) {
        walk->level++;
        walk->left[walk->level] = value->count;
        walk->is_pair[walk->level] = false;
    }
}

/* A compact array opens a group into which its elements go one at a time. */
static void open_compact(struct walk *walk, const char *name)
{
    wk_explain_put(walk->explain, &(struct wk_explain_item){
                                      .kind = WK_EXPLAIN_GROUP,
                                      .name = name,
                                      .type = wk_explain_type_name(WK_AXDR_COMPACT_ARRAY),
                                      .number = -1,
                                      .offset = walk->in->at});
    const wk_err err = wk_compact_read(walk->in, &walk->compact);
    if (err != WK_OK || walk->level > WK_AXDR_DEPTH) {
        wk_bytes_in_fail(walk->in, WK_E_FORMAT);
        wk_explain_close(walk->explain);
        return;
    }
    walk->level++;
    walk->left[walk->level] = 0;
    walk->compact_level = walk->level;
}

/* The group at this level is complete: the next element of a compact array, or its end. */
static void end_level(struct walk *walk)
{
    if (walk->level == walk->compact_level) {
        struct wk_bytes_out out = wk_bytes_out_of(walk->explain->element, WK_EXPLAIN_ELEMENT);
        const wk_err err = wk_compact_next(&walk->compact, &out);
        if (err == WK_OK) {
            walk->element = wk_bytes_in_of(walk->explain->element, out.size);
            walk->in = &walk->element;
            walk->left[walk->level] = 1;
            return;
        }
        walk->in = walk->outer;
        walk->compact_level = 0;
        if (err != WK_E_NOT_FOUND) {
            wk_explain_fault(walk->explain, walk->in->at,
                             "the array's contents do not fit its type",
                             walk->compact.contents);
        }
    }
    wk_explain_close(walk->explain);
    walk->level--;
}

void wk_explain_data(struct wk_explain *explain, struct wk_bytes_in *in, const char *name)
{
    struct walk walk = {.explain = explain, .in = in, .outer = in, .left = {1}};
    struct wk_axdr_value value;
    while (walk.in->fault == WK_OK && (walk.level > 0 || walk.left[0] > 0)) {
        const char *called = walk.level == 0 ? name : NULL;
        const size_t at = walk.in->at;
        if (walk.left[walk.level] == 0) {
            end_level(&walk);
            continue;
        }
        walk.left[walk.level]--;
        if (wk_bytes_in_peek(walk.in) == WK_AXDR_COMPACT_ARRAY) {
            open_compact(&walk, called);
            continue;
        }
        memset(&value, 0, sizeof value);
        wk_axdr_read(walk.in, &value);
        if (walk.in->fault == WK_OK) {
            put_value(&walk, &value, called, at);
        }
    }
    for (; walk.level > 0; walk.level--) {
        wk_explain_close(explain);
    }
}
