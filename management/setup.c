/* SPDX-License-Identifier: Apache-2.0 */
#include "management/setup.h"

#include <string.h>

#include "cosem/axdr.h"

#define VERSION     2
#define NO_TRIES    1    /* the version before it has none */
#define ANY_INTEGER 0xFD /* a type of the text that stands for all integers */
#define DEPTH       4    /* of arrays and structures in each other */
#define ARRAY_HEAD  2    /* tag, and a count below 128 */
#define HEAD        11   /* of a value that was set: class, OBIS, attribute, size */

struct field {
    uint16_t type;  /* where in k_octets */
    uint16_t value; /* the first one, likewise */
};

struct method {
    uint16_t field; /* first of the object */
    uint8_t number;
    uint8_t kind;
    uint8_t attribute;
};

enum { ADD = 1, REMOVE = 2, COUNT = 3 };

#include "generated/setup_rows.h" /* from model/objects.txt */

#define FIELDS  (sizeof k_fields / sizeof k_fields[0])
#define METHODS (sizeof k_methods / sizeof k_methods[0])

/* ---- types ------------------------------------------------------------------------------- */

/* An array or structure under way. */
struct level {
    const uint8_t *element; /* type of an array's elements; NULL: a structure */
    const uint8_t *behind;  /* ... and what follows it */
    uint32_t left;
};

static uint8_t width_of(uint8_t tag)
{
    switch (tag) {
    case WK_AXDR_INTEGER:
    case WK_AXDR_UNSIGNED:
    case WK_AXDR_ENUM:
        return 1;
    case WK_AXDR_LONG:
    case WK_AXDR_LONG_UNSIGNED:
        return 2;
    case WK_AXDR_DOUBLE_LONG:
    case WK_AXDR_DOUBLE_LONG_UNSIGNED:
        return 4;
    default:
        return 0;
    }
}

/* An end of a range: `width` octets of an integer with that tag. */
static int64_t end_of(uint8_t tag, const uint8_t *octets, uint8_t width)
{
    const bool is_signed =
        tag == WK_AXDR_INTEGER || tag == WK_AXDR_LONG || tag == WK_AXDR_DOUBLE_LONG;
    int64_t value = is_signed && (octets[0] & 0x80) != 0 ? -1 : 0;
    for (uint8_t i = 0; i < width; i++) {
        value = value * 256 + octets[i];
    }
    return value;
}

/* One value that is no array or structure; moves *type behind its own. */
static wk_err conforms_plain(const uint8_t **type, struct wk_bytes_in *in)
{
    const uint8_t *own = *type;
    const uint8_t width = width_of(own[0]);
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    if (in->fault != WK_OK) {
        return in->fault;
    }
    if (width > 0) {
        *type = own + 1 + 2 * width;
        return value.integer >= end_of(own[0], own + 1, width) &&
                       value.integer <= end_of(own[0], own + 1 + width, width)
                   ? WK_OK
                   : WK_E_RANGE;
    }
    switch (own[0]) {
    case WK_AXDR_OCTET_STRING:
    case WK_AXDR_VISIBLE_STRING:
        *type = own + 3;
        return value.size >= own[1] && value.size <= own[2] ? WK_OK : WK_E_RANGE;
    case WK_AXDR_BIT_STRING:
        *type = own + 2;
        return value.count == own[1] ? WK_OK : WK_E_RANGE;
    case ANY_INTEGER:
        *type = own + 1;
        return wk_axdr_is_integer(value.tag) ? WK_OK : WK_E_FORMAT;
    default:
        *type = own + 1;
        return WK_OK;
    }
}

/* The head of an array or structure; moves *type to that of its first element. */
static wk_err enter(const uint8_t **type, struct wk_bytes_in *in, struct level *level)
{
    const uint8_t *own = *type;
    const bool array = own[0] == WK_AXDR_ARRAY;
    if (wk_bytes_in_left(in) < ARRAY_HEAD || (array && in->data[in->at + 1] >= 0x80)) {
        return WK_E_FORMAT; /* a count that is longer than it must be */
    }
    level->left = wk_axdr_read_count(in, (wk_axdr_tag)own[0]);
    level->element = array ? own + 3 : NULL;
    level->behind = array ? own + 3 + own[2] : NULL;
    *type = own + (array ? 3 : 2);
    if (in->fault != WK_OK) {
        return in->fault;
    }
    return array ? (level->left <= own[1] ? WK_OK : WK_E_RANGE)
                 : (level->left == own[1] ? WK_OK : WK_E_FORMAT);
}

wk_err wk_setup_conforms(const uint8_t *type, struct wk_bytes_in *value)
{
    struct level levels[DEPTH];
    uint8_t depth = 0;
    do {
        if (depth > 0) {
            struct level *level = &levels[depth - 1];
            level->left--;
            type = level->element != NULL ? level->element : type;
        }
        if (wk_bytes_in_left(value) == 0) {
            return WK_E_SHORT;
        }
        if (wk_bytes_in_peek(value) != type[0] && type[0] != ANY_INTEGER) {
            return WK_E_FORMAT;
        }
        if (type[0] != WK_AXDR_ARRAY && type[0] != WK_AXDR_STRUCTURE) {
            WK_TRY(conforms_plain(&type, value));
        } else if (depth < DEPTH) {
            WK_TRY(enter(&type, value, &levels[depth]));
            depth++;
        } else {
            return WK_E_FORMAT;
        }
        while (depth > 0 && levels[depth - 1].left == 0) {
            depth--;
            type = levels[depth].element != NULL ? levels[depth].behind : type;
        }
    } while (depth > 0);
    return WK_OK;
}

static wk_err is_whole(const struct wk_setup_key *key, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    WK_TRY(wk_setup_conforms(k_octets + k_fields[key->field].type, &in));
    return wk_bytes_in_end(&in);
}

/* ---- values ------------------------------------------------------------------------------ */

static uint16_t size_at(const struct wk_setup *setup, size_t at)
{
    return (uint16_t)(setup->octets[at + HEAD - 2] << 8 | setup->octets[at + HEAD - 1]);
}

static void put_head(uint8_t *to, const struct wk_setup_key *key, size_t size)
{
    to[0] = (uint8_t)(key->class_id >> 8);
    to[1] = (uint8_t)key->class_id;
    memcpy(to + 2, key->obis, sizeof key->obis);
    to[8] = key->attribute;
    to[9] = (uint8_t)(size >> 8);
    to[10] = (uint8_t)size;
}

/* Where the value that was set begins; setup->size: it was not. */
static size_t find(const struct wk_setup *setup, const struct wk_setup_key *key)
{
    uint8_t head[HEAD];
    size_t at = 0;
    put_head(head, key, 0);
    while (at < setup->size && memcmp(setup->octets + at, head, HEAD - 2) != 0) {
        at += HEAD + (size_t)size_at(setup, at);
    }
    return at;
}

/* The first value, borrowed. */
static struct wk_bytes_in first_of(const struct wk_setup_key *key)
{
    const uint16_t at = k_fields[key->field].value;
    struct wk_bytes_in in = wk_bytes_in_of(k_octets + at, sizeof k_octets - at);
    return wk_axdr_take(&in);
}

/* The value as it is now, borrowed. */
static struct wk_bytes_in now(const struct wk_setup *setup, const struct wk_setup_key *key)
{
    const size_t at = setup != NULL ? find(setup, key) : 0;
    if (setup != NULL && at < setup->size &&
        is_whole(key, setup->octets + at + HEAD, size_at(setup, at)) == WK_OK) {
        return wk_bytes_in_of(setup->octets + at + HEAD, size_at(setup, at));
    }
    return first_of(key);
}

static wk_err store(struct wk_setup *setup, const struct wk_setup_key *key,
                    const uint8_t *octets, size_t size)
{
    const struct wk_bytes_in usual = first_of(key);
    const size_t at = find(setup, key);
    const size_t old = at < setup->size ? HEAD + (size_t)size_at(setup, at) : 0;
    const bool first = size == usual.size && memcmp(octets, usual.data, size) == 0;
    const size_t wanted = first ? 0 : HEAD + size;
    if (setup->size - old + wanted > WK_SETUP_ROOM) {
        return WK_E_STATE;
    }
    memmove(setup->octets + at, setup->octets + at + old, setup->size - at - old);
    setup->size = (uint16_t)(setup->size - old);
    if (!first) {
        put_head(setup->octets + setup->size, key, size);
        memcpy(setup->octets + setup->size + HEAD, octets, size);
        setup->size = (uint16_t)(setup->size + wanted);
    }
    return WK_OK;
}

wk_err wk_setup_get(const struct wk_setup *setup, const struct wk_setup_key *key,
                    struct wk_bytes_out *out)
{
    if (key->field >= FIELDS) {
        return WK_E_NOT_FOUND;
    }
    const struct wk_bytes_in value = now(setup, key);
    wk_bytes_out_put(out, value.data, value.size);
    return out->fault;
}

bool wk_setup_is_set(const struct wk_setup *setup, const struct wk_setup_key *key)
{
    return find(setup, key) < setup->size;
}

wk_err wk_setup_set(struct wk_setup *setup, const struct wk_setup_key *key,
                    struct wk_bytes_in *value)
{
    const size_t size = wk_bytes_in_left(value);
    if (key->field >= FIELDS) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(is_whole(key, value->data + value->at, size));
    return size <= WK_SETUP_VALUE ? store(setup, key, value->data + value->at, size)
                                  : WK_E_RANGE;
}

/* ---- methods on arrays ------------------------------------------------------------------- */

static const struct method *method_of(uint16_t field, uint8_t number)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (k_methods[i].field == field && k_methods[i].number == number) {
            return &k_methods[i];
        }
    }
    return NULL;
}

/* Where the element stands in the array and how long it is there; array.size: nowhere. */
static size_t place_of(struct wk_bytes_in array, const uint8_t *element, size_t size)
{
    array.at = ARRAY_HEAD;
    while (wk_bytes_in_left(&array) > 0) {
        const struct wk_bytes_in one = wk_axdr_take(&array);
        if (one.size == size && memcmp(one.data, element, size) == 0) {
            return array.at - size;
        }
    }
    return array.size;
}

static wk_err change(struct wk_setup *setup, const struct wk_setup_key *key, uint8_t kind,
                     struct wk_bytes_in *parameter)
{
    const uint8_t *type = k_octets + k_fields[key->field].type;
    const struct wk_bytes_in array = now(setup, key);
    const uint8_t *element = parameter->data + parameter->at;
    const size_t size = wk_bytes_in_left(parameter);
    uint8_t octets[WK_SETUP_VALUE];
    WK_TRY(wk_setup_conforms(type + 3, parameter));
    WK_TRY(wk_bytes_in_end(parameter));
    const size_t at = place_of(array, element, size);
    const bool there = at < array.size;
    const size_t wanted = kind == ADD ? array.size + size : array.size;
    if (there != (kind == REMOVE) || wanted > sizeof octets ||
        (kind == ADD && array.data[1] == type[1])) {
        return WK_E_RANGE;
    }
    memcpy(octets, array.data, array.size);
    if (kind == ADD) {
        memcpy(octets + array.size, element, size);
        octets[1]++;
        return store(setup, key, octets, array.size + size);
    }
    memmove(octets + at, octets + at + size, array.size - at - size);
    octets[1]--;
    return store(setup, key, octets, array.size - size);
}

wk_err wk_setup_act(struct wk_setup *setup, const struct wk_setup_key *key, uint8_t number,
                    struct wk_bytes_in *parameter, struct wk_bytes_out *reply, bool *changed)
{
    const struct method *method = method_of(key->field, number);
    struct wk_setup_key array = *key;
    *changed = false;
    if (method == NULL) {
        return WK_E_UNSUPPORTED;
    }
    array.attribute = method->attribute;
    array.field = (uint16_t)(key->field + method->attribute - 2);
    if (method->kind == COUNT) {
        (void)wk_axdr_read_integer(parameter, WK_AXDR_INTEGER);
        WK_TRY(wk_bytes_in_end(parameter));
        wk_axdr_put_long_unsigned(reply, now(setup, &array).data[1]);
        return WK_OK;
    }
    WK_TRY(change(setup, &array, method->kind, parameter));
    *changed = true;
    return WK_OK;
}

/* ---- on flash ---------------------------------------------------------------------------- */

void wk_setup_pack(const struct wk_setup *setup, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    wk_bytes_out_u64le(out, (uint64_t)setup->until_s);
    wk_bytes_out_put(out, setup->above, sizeof setup->above);
    wk_bytes_out_put(out, setup->known, sizeof setup->known);
    wk_bytes_out_put(out, setup->tries, sizeof setup->tries);
    wk_bytes_out_put(out, setup->octets, setup->size);
}

wk_err wk_setup_unpack(struct wk_setup *setup, struct wk_bytes_in *in)
{
    struct wk_setup read = {0};
    size_t at = 0;
    const uint8_t version = wk_bytes_in_u8(in);
    read.until_s = (int64_t)wk_bytes_in_u64le(in);
    wk_bytes_in_copy(in, read.above, sizeof read.above);
    wk_bytes_in_copy(in, read.known, sizeof read.known);
    if (version == VERSION) {
        wk_bytes_in_copy(in, read.tries, sizeof read.tries);
    }
    const size_t size = wk_bytes_in_left(in);
    if ((version != VERSION && version != NO_TRIES) || in->fault != WK_OK ||
        size > WK_SETUP_ROOM) {
        return WK_E_FORMAT;
    }
    wk_bytes_in_copy(in, read.octets, size);
    while (at + HEAD <= size) {
        at += HEAD + (size_t)size_at(&read, at);
    }
    if (at != size) {
        return WK_E_FORMAT;
    }
    read.size = (uint16_t)size;
    *setup = read;
    return WK_OK;
}
