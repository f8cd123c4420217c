/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/compact.h"

#include <string.h>

/* A level of the tree: what is still due on it. */
struct level {
    uint32_t left;
    uint32_t rest; /* describing: elements of an array behind the first */
    bool array;    /* every element has the description that begins at `begin` */
    size_t begin;
    size_t end;
};

struct walk {
    struct level levels[WK_COMPACT_DEPTH + 1];
    size_t top;
};

static void start(struct walk *walk)
{
    walk->top = 0;
    walk->levels[0] = (struct level){.left = 1};
}

static void descend(struct walk *walk, struct wk_bytes_in *in, struct level level)
{
    if (walk->top == WK_COMPACT_DEPTH) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    walk->top++;
    walk->levels[walk->top] = level;
}

/* Passes over one description by counting those still due; each takes at least one octet. */
static void pass_type(struct wk_bytes_in *type)
{
    size_t due = 1;
    while (due > 0 && type->fault == WK_OK) {
        const uint8_t tag = wk_bytes_in_u8(type);
        due--;
        if (tag == WK_AXDR_ARRAY) {
            (void)wk_bytes_in_u16be(type);
            due++;
        } else if (tag == WK_AXDR_STRUCTURE) {
            due += wk_axdr_read_length(type);
        }
        if (due > wk_bytes_in_left(type)) {
            wk_bytes_in_fail(type, WK_E_SHORT);
        }
    }
}

/* Steps to the next description; false when all are done. */
static bool step(struct walk *walk, struct wk_bytes_in *type)
{
    while (walk->levels[walk->top].left == 0) {
        if (walk->top == 0) {
            return false;
        }
        if (walk->levels[walk->top].array) {
            type->at = walk->levels[walk->top].end;
        }
        walk->top--;
    }
    struct level *level = &walk->levels[walk->top];
    level->left--;
    if (level->array) {
        type->at = level->begin;
    }
    return type->fault == WK_OK;
}

/* The description of an array or structure is read up to its elements; *count of them. */
static void enter(struct walk *walk, struct wk_bytes_in *type, uint8_t tag, uint32_t *count)
{
    if (tag == WK_AXDR_STRUCTURE) {
        *count = wk_axdr_read_length(type);
        descend(walk, type, (struct level){.left = *count});
        return;
    }
    *count = wk_bytes_in_u16be(type);
    struct level level = {.left = *count, .array = true, .begin = type->at};
    struct wk_bytes_in behind = *type;
    pass_type(&behind);
    if (behind.fault != WK_OK) {
        wk_bytes_in_fail(type, behind.fault);
    }
    level.end = behind.at;
    descend(walk, type, level);
}

/* ---- describing -------------------------------------------------------------------------- */

/* Leaves the levels that are done; of an array's elements all but the first are passed over. */
static bool leave(struct walk *walk, struct wk_bytes_in *value)
{
    while (walk->levels[walk->top].left == 0) {
        for (uint32_t i = 0; i < walk->levels[walk->top].rest && value->fault == WK_OK; i++) {
            wk_axdr_skip(value);
        }
        if (walk->top == 0) {
            return false;
        }
        walk->top--;
    }
    walk->levels[walk->top].left--;
    return value->fault == WK_OK;
}

static void describe_array(struct walk *walk, struct wk_bytes_in *value, uint32_t count,
                           struct wk_bytes_out *out)
{
    if (count > UINT16_MAX) {
        wk_bytes_in_fail(value, WK_E_RANGE);
        return;
    }
    wk_bytes_out_u16be(out, (uint16_t)count);
    if (count == 0) {
        wk_bytes_out_u8(out, WK_AXDR_NULL);
        return;
    }
    descend(walk, value, (struct level){.left = 1, .rest = count - 1});
}

wk_err wk_compact_describe(struct wk_bytes_in *value, struct wk_bytes_out *out)
{
    struct walk walk;
    start(&walk);
    while (leave(&walk, value)) {
        struct wk_axdr_value head;
        wk_axdr_read(value, &head);
        if (head.tag == WK_AXDR_COMPACT_ARRAY) {
            wk_bytes_in_fail(value, WK_E_FORMAT); /* it cannot be described */
        }
        wk_bytes_out_u8(out, head.tag);
        if (head.tag == WK_AXDR_ARRAY) {
            describe_array(&walk, value, head.count, out);
        } else if (head.tag == WK_AXDR_STRUCTURE) {
            wk_axdr_put_length(out, head.count);
            descend(&walk, value, (struct level){.left = head.count});
        }
        WK_TRY(out->fault);
    }
    return value->fault;
}

/* ---- contents ---------------------------------------------------------------------------- */

wk_err wk_compact_strip(struct wk_bytes_in type, struct wk_bytes_in *value,
                        struct wk_bytes_out *out)
{
    struct walk walk;
    start(&walk);
    while (step(&walk, &type) && value->fault == WK_OK) {
        const uint8_t tag = wk_bytes_in_u8(&type);
        const size_t begin = value->at;
        struct wk_axdr_value head;
        wk_axdr_read(value, &head);
        if (head.tag != tag || tag == WK_AXDR_COMPACT_ARRAY) {
            return WK_E_FORMAT;
        }
        if (tag != WK_AXDR_ARRAY && tag != WK_AXDR_STRUCTURE) {
            wk_bytes_out_put(out, value->data + begin + 1, value->at - begin - 1);
            WK_TRY(out->fault);
            continue;
        }
        uint32_t count;
        enter(&walk, &type, tag, &count);
        if (count != head.count) {
            return WK_E_FORMAT;
        }
    }
    WK_TRY(type.fault);
    return value->fault;
}

/* Octets of contents of a type that is neither array nor structure. */
static size_t content_size(uint8_t tag, const struct wk_bytes_in *contents)
{
    /* What A-XDR says of it, without its tag: a value is put together from both. */
    uint8_t head[8] = {tag};
    const size_t left = wk_bytes_in_left(contents);
    const size_t size = left < sizeof head - 1 ? left : sizeof head - 1;
    memcpy(head + 1, contents->data + contents->at, size);
    return wk_axdr_content_size(head, size + 1);
}

wk_err wk_compact_expand(struct wk_bytes_in type, struct wk_bytes_in *contents,
                         struct wk_bytes_out *out)
{
    struct walk walk;
    start(&walk);
    while (step(&walk, &type) && contents->fault == WK_OK) {
        const uint8_t tag = wk_bytes_in_u8(&type);
        uint32_t count;
        wk_bytes_out_u8(out, tag);
        if (tag == WK_AXDR_ARRAY || tag == WK_AXDR_STRUCTURE) {
            enter(&walk, &type, tag, &count);
            wk_axdr_put_length(out, count);
        } else {
            const size_t size = content_size(tag, contents);
            if (size == SIZE_MAX) {
                return WK_E_FORMAT;
            }
            const uint8_t *octets = wk_bytes_in_take(contents, size);
            wk_bytes_out_put(out, octets, octets != NULL ? size : 0);
        }
        WK_TRY(out->fault);
    }
    WK_TRY(type.fault);
    return contents->fault;
}

/* ---- whole arrays ------------------------------------------------------------------------ */

wk_err wk_compact_put(struct wk_bytes_in array, struct wk_bytes_out *out)
{
    const struct wk_bytes_out before = *out;
    const uint32_t count = wk_axdr_read_count(&array, WK_AXDR_ARRAY);
    struct wk_bytes_in first = array;
    wk_bytes_out_u8(out, WK_AXDR_COMPACT_ARRAY);
    const size_t type_at = out->size;
    wk_err err = count == 0 ? WK_E_UNSUPPORTED : wk_compact_describe(&first, out);
    const struct wk_bytes_in type = wk_bytes_in_of(out->data + type_at, out->size - type_at);
    /* The contents are written behind the longest length, then moved to where they belong. */
    const size_t length_at = out->size;
    (void)wk_bytes_out_reserve(out, 5);
    const size_t begin = out->size;
    for (uint32_t i = 0; i < count && err == WK_OK && out->fault == WK_OK; i++) {
        err = wk_compact_strip(type, &array, out);
        err = err == WK_E_FORMAT && array.fault == WK_OK ? WK_E_UNSUPPORTED : err;
    }
    if (err == WK_OK && out->fault == WK_OK) {
        err = wk_bytes_in_end(&array);
    }
    if (err != WK_OK || out->fault != WK_OK) {
        err = err != WK_OK ? err : out->fault;
        *out = before;
        return err;
    }
    const size_t size = out->size - begin;
    out->size = length_at;
    wk_axdr_put_length(out, (uint32_t)size);
    memmove(out->data + out->size, out->data + begin, size);
    out->size += size;
    return WK_OK;
}

wk_err wk_compact_read(struct wk_bytes_in *in, struct wk_compact *compact)
{
    if (wk_bytes_in_u8(in) != WK_AXDR_COMPACT_ARRAY) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const size_t begin = in->at;
    pass_type(in);
    WK_TRY(in->fault);
    compact->type = wk_bytes_in_of(in->data + begin, in->at - begin);
    const uint32_t size = wk_axdr_read_length(in);
    const uint8_t *octets = wk_bytes_in_take(in, size);
    compact->contents = wk_bytes_in_of(octets, octets != NULL ? size : 0);
    return in->fault;
}

wk_err wk_compact_next(struct wk_compact *compact, struct wk_bytes_out *out)
{
    const size_t begin = compact->contents.at;
    if (wk_bytes_in_left(&compact->contents) == 0) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(wk_compact_expand(compact->type, &compact->contents, out));
    return compact->contents.at > begin ? WK_OK : WK_E_FORMAT;
}
