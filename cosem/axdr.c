/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/axdr.h"

#include <string.h>

/* ---- writing ----------------------------------------------------------------------------- */

size_t wk_axdr_length_size(uint32_t length)
{
    if (length < 0x80) {
        return 1;
    }
    size_t octets = 1;
    for (uint32_t rest = length >> 8; rest != 0; rest >>= 8) {
        octets++;
    }
    return 1 + octets;
}

void wk_axdr_put_length(struct wk_bytes_out *out, uint32_t length)
{
    const size_t size = wk_axdr_length_size(length);
    if (size > 1) {
        wk_bytes_out_u8(out, (uint8_t)(0x80 | (size - 1)));
    }
    for (size_t left = size > 1 ? size - 1 : 1; left > 0; left--) {
        wk_bytes_out_u8(out, (uint8_t)(length >> (8 * (left - 1))));
    }
}

void wk_axdr_put_null(struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, WK_AXDR_NULL);
}

void wk_axdr_put_array(struct wk_bytes_out *out, uint32_t count)
{
    wk_bytes_out_u8(out, WK_AXDR_ARRAY);
    wk_axdr_put_length(out, count);
}

void wk_axdr_put_structure(struct wk_bytes_out *out, uint32_t count)
{
    wk_bytes_out_u8(out, WK_AXDR_STRUCTURE);
    wk_axdr_put_length(out, count);
}

void wk_axdr_put_boolean(struct wk_bytes_out *out, bool value)
{
    wk_bytes_out_u8(out, WK_AXDR_BOOLEAN);
    wk_bytes_out_u8(out, value ? 1 : 0);
}

void wk_axdr_put_enum(struct wk_bytes_out *out, uint8_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_ENUM);
    wk_bytes_out_u8(out, value);
}

void wk_axdr_put_integer(struct wk_bytes_out *out, int8_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_INTEGER);
    wk_bytes_out_u8(out, (uint8_t)value);
}

void wk_axdr_put_long(struct wk_bytes_out *out, int16_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_LONG);
    wk_bytes_out_u16be(out, (uint16_t)value);
}

void wk_axdr_put_double_long(struct wk_bytes_out *out, int32_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_DOUBLE_LONG);
    wk_bytes_out_u32be(out, (uint32_t)value);
}

void wk_axdr_put_long64(struct wk_bytes_out *out, int64_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_LONG64);
    wk_bytes_out_u64be(out, (uint64_t)value);
}

void wk_axdr_put_unsigned(struct wk_bytes_out *out, uint8_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_UNSIGNED);
    wk_bytes_out_u8(out, value);
}

void wk_axdr_put_long_unsigned(struct wk_bytes_out *out, uint16_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_LONG_UNSIGNED);
    wk_bytes_out_u16be(out, value);
}

void wk_axdr_put_double_long_unsigned(struct wk_bytes_out *out, uint32_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    wk_bytes_out_u32be(out, value);
}

void wk_axdr_put_long64_unsigned(struct wk_bytes_out *out, uint64_t value)
{
    wk_bytes_out_u8(out, WK_AXDR_LONG64_UNSIGNED);
    wk_bytes_out_u64be(out, value);
}

void wk_axdr_put_float32(struct wk_bytes_out *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    wk_bytes_out_u8(out, WK_AXDR_FLOAT32);
    wk_bytes_out_u32be(out, bits);
}

static void put_string(struct wk_bytes_out *out, wk_axdr_tag tag, const void *octets,
                       size_t size)
{
    wk_bytes_out_u8(out, (uint8_t)tag);
    wk_axdr_put_length(out, (uint32_t)size);
    wk_bytes_out_put(out, octets, size);
}

void wk_axdr_put_octet_string(struct wk_bytes_out *out, const void *octets, size_t size)
{
    put_string(out, WK_AXDR_OCTET_STRING, octets, size);
}

void wk_axdr_put_visible_string(struct wk_bytes_out *out, const char *text)
{
    put_string(out, WK_AXDR_VISIBLE_STRING, text, strlen(text));
}

void wk_axdr_put_utf8_string(struct wk_bytes_out *out, const char *text)
{
    put_string(out, WK_AXDR_UTF8_STRING, text, strlen(text));
}

void wk_axdr_put_bit_string(struct wk_bytes_out *out, const uint8_t *octets, uint32_t bits)
{
    wk_bytes_out_u8(out, WK_AXDR_BIT_STRING);
    wk_axdr_put_length(out, bits);
    wk_bytes_out_put(out, octets, ((size_t)bits + 7) / 8);
}

/* ---- reading ----------------------------------------------------------------------------- */

uint32_t wk_axdr_read_length(struct wk_bytes_in *in)
{
    const uint8_t first = wk_bytes_in_u8(in);
    if (first < 0x80) {
        return first;
    }
    const uint8_t octets = first & 0x7F;
    if (octets == 0 || octets > 4) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    uint32_t length = 0;
    for (uint8_t i = 0; i < octets; i++) {
        length = (length << 8) | wk_bytes_in_u8(in);
    }
    return in->fault == WK_OK ? length : 0;
}

/* Octets of the contents of types of fixed size; 0xFF: not such a type. */
static uint8_t fixed_size(uint8_t tag)
{
    static const uint8_t k_sizes[WK_AXDR_DELTA_DOUBLE_LONG_UNSIGNED + 1] = {
        [WK_AXDR_ARRAY] = 0xFF,
        [WK_AXDR_STRUCTURE] = 0xFF,
        [WK_AXDR_BOOLEAN] = 1,
        [WK_AXDR_BIT_STRING] = 0xFF,
        [WK_AXDR_DOUBLE_LONG] = 4,
        [WK_AXDR_DOUBLE_LONG_UNSIGNED] = 4,
        [7] = 0xFF,
        [8] = 0xFF,
        [WK_AXDR_OCTET_STRING] = 0xFF,
        [WK_AXDR_VISIBLE_STRING] = 0xFF,
        [11] = 0xFF,
        [WK_AXDR_UTF8_STRING] = 0xFF,
        [WK_AXDR_BCD] = 1,
        [14] = 0xFF,
        [WK_AXDR_INTEGER] = 1,
        [WK_AXDR_LONG] = 2,
        [WK_AXDR_UNSIGNED] = 1,
        [WK_AXDR_LONG_UNSIGNED] = 2,
        [WK_AXDR_COMPACT_ARRAY] = 0xFF,
        [WK_AXDR_LONG64] = 8,
        [WK_AXDR_LONG64_UNSIGNED] = 8,
        [WK_AXDR_ENUM] = 1,
        [WK_AXDR_FLOAT32] = 4,
        [WK_AXDR_FLOAT64] = 8,
        [WK_AXDR_DATE_TIME] = 12,
        [WK_AXDR_DATE] = 5,
        [WK_AXDR_TIME] = 4,
        [WK_AXDR_DELTA_INTEGER] = 1,
        [WK_AXDR_DELTA_LONG] = 2,
        [WK_AXDR_DELTA_DOUBLE_LONG] = 4,
        [WK_AXDR_DELTA_UNSIGNED] = 1,
        [WK_AXDR_DELTA_LONG_UNSIGNED] = 2,
        [WK_AXDR_DELTA_DOUBLE_LONG_UNSIGNED] = 4,
    };
    if (tag == WK_AXDR_DONT_CARE) {
        return 0;
    }
    return tag < sizeof k_sizes ? k_sizes[tag] : 0xFF;
}

static bool is_signed(uint8_t tag)
{
    return tag == WK_AXDR_INTEGER || tag == WK_AXDR_LONG || tag == WK_AXDR_DOUBLE_LONG ||
           tag == WK_AXDR_LONG64 || tag == WK_AXDR_DELTA_INTEGER || tag == WK_AXDR_DELTA_LONG ||
           tag == WK_AXDR_DELTA_DOUBLE_LONG;
}

bool wk_axdr_is_integer(uint8_t tag)
{
    return is_signed(tag) || tag == WK_AXDR_BOOLEAN || tag == WK_AXDR_BCD ||
           tag == WK_AXDR_UNSIGNED || tag == WK_AXDR_LONG_UNSIGNED ||
           tag == WK_AXDR_DOUBLE_LONG_UNSIGNED || tag == WK_AXDR_LONG64_UNSIGNED ||
           tag == WK_AXDR_ENUM || tag == WK_AXDR_DELTA_UNSIGNED ||
           tag == WK_AXDR_DELTA_LONG_UNSIGNED || tag == WK_AXDR_DELTA_DOUBLE_LONG_UNSIGNED;
}

static int64_t integer_of(const uint8_t *octets, size_t size, bool negative_possible)
{
    uint64_t bits = 0;
    if (negative_possible && size > 0 && (octets[0] & 0x80) != 0) {
        bits = UINT64_MAX;
    }
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8) | octets[i];
    }
    return (int64_t)bits;
}

/* A type description is a tree without values (type "TypeDescription"): it is passed over by
 * counting the descriptions still due, each of which takes at least one octet. */
static void skip_type_description(struct wk_bytes_in *in)
{
    size_t due = 1;
    while (due > 0 && in->fault == WK_OK) {
        const uint8_t tag = wk_bytes_in_u8(in);
        due--;
        if (tag == WK_AXDR_ARRAY) {
            (void)wk_bytes_in_u16be(in);
            due++;
        } else if (tag == WK_AXDR_STRUCTURE) {
            due += wk_axdr_read_length(in);
        }
        if (due > wk_bytes_in_left(in)) {
            wk_bytes_in_fail(in, WK_E_SHORT);
        }
    }
}

void wk_axdr_read(struct wk_bytes_in *in, struct wk_axdr_value *value)
{
    *value = (struct wk_axdr_value){.tag = wk_bytes_in_u8(in)};
    const uint8_t fixed = fixed_size(value->tag);
    if (fixed != 0xFF) {
        value->octets = wk_bytes_in_take(in, fixed);
        value->size = value->octets != NULL ? fixed : 0;
        if (value->octets != NULL && wk_axdr_is_integer(value->tag)) {
            value->integer = integer_of(value->octets, fixed, is_signed(value->tag));
        }
        return;
    }
    switch (value->tag) {
    case WK_AXDR_ARRAY:
    case WK_AXDR_STRUCTURE:
        value->count = wk_axdr_read_length(in);
        return;
    case WK_AXDR_BIT_STRING:
        value->count = wk_axdr_read_length(in);
        value->size = value->count / 8 + (value->count % 8 != 0 ? 1 : 0);
        break;
    case WK_AXDR_OCTET_STRING:
    case WK_AXDR_VISIBLE_STRING:
    case WK_AXDR_UTF8_STRING:
        value->size = wk_axdr_read_length(in);
        break;
    case WK_AXDR_COMPACT_ARRAY:
        skip_type_description(in);
        value->size = wk_axdr_read_length(in);
        break;
    default:
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    value->octets = wk_bytes_in_take(in, value->size);
    value->size = value->octets != NULL ? value->size : 0;
}

size_t wk_axdr_content_size(const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    const uint8_t tag = wk_bytes_in_u8(&in);
    const uint8_t fixed = fixed_size(tag);
    if (fixed != 0xFF) {
        return fixed;
    }
    const uint32_t length = wk_axdr_read_length(&in);
    if (in.fault != WK_OK) {
        return SIZE_MAX;
    }
    switch (tag) {
    case WK_AXDR_BIT_STRING:
        return in.at - 1 + length / 8 + (length % 8 != 0 ? 1 : 0);
    case WK_AXDR_OCTET_STRING:
    case WK_AXDR_VISIBLE_STRING:
    case WK_AXDR_UTF8_STRING:
        return in.at - 1 + length;
    default:
        return SIZE_MAX;
    }
}

void wk_axdr_skip(struct wk_bytes_in *in)
{
    uint32_t due[WK_AXDR_DEPTH + 1]; /* values still to pass over, per level */
    size_t level = 0;
    due[0] = 1;
    while (in->fault == WK_OK) {
        while (due[level] == 0) {
            if (level == 0) {
                return;
            }
            level--;
        }
        due[level]--;
        struct wk_axdr_value value;
        wk_axdr_read(in, &value);
        if (value.tag != WK_AXDR_ARRAY && value.tag != WK_AXDR_STRUCTURE) {
            continue;
        }
        if (level == WK_AXDR_DEPTH) {
            wk_bytes_in_fail(in, WK_E_FORMAT);
            return;
        }
        level++;
        due[level] = value.count;
    }
}

struct wk_bytes_in wk_axdr_take(struct wk_bytes_in *in)
{
    const size_t begin = in->at;
    wk_axdr_skip(in);
    if (in->fault != WK_OK) {
        struct wk_bytes_in none = wk_bytes_in_of(NULL, 0);
        wk_bytes_in_fail(&none, in->fault);
        return none;
    }
    return wk_bytes_in_of(in->data + begin, in->at - begin);
}

uint32_t wk_axdr_read_count(struct wk_bytes_in *in, wk_axdr_tag tag)
{
    if (wk_bytes_in_left(in) > 0 && wk_bytes_in_peek(in) != tag) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    (void)wk_bytes_in_u8(in);
    return wk_axdr_read_length(in);
}

int64_t wk_axdr_read_integer(struct wk_bytes_in *in, wk_axdr_tag tag)
{
    if (wk_bytes_in_left(in) > 0 && wk_bytes_in_peek(in) != tag) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    return value.integer;
}

const uint8_t *wk_axdr_read_octets(struct wk_bytes_in *in, size_t *size)
{
    *size = 0;
    if (wk_bytes_in_left(in) > 0 && wk_bytes_in_peek(in) != WK_AXDR_OCTET_STRING) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return NULL;
    }
    struct wk_axdr_value value;
    wk_axdr_read(in, &value);
    *size = value.size;
    return value.octets;
}

void wk_axdr_read_exact(struct wk_bytes_in *in, void *to, size_t size)
{
    size_t got = 0;
    const uint8_t *octets = wk_axdr_read_octets(in, &got);
    if (octets == NULL || got != size) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        memset(to, 0, size);
        return;
    }
    memcpy(to, octets, size);
}

float wk_axdr_float32(const struct wk_axdr_value *value)
{
    float result = 0.0f;
    if (value->tag == WK_AXDR_FLOAT32 && value->size == sizeof result) {
        const uint32_t bits = (uint32_t)integer_of(value->octets, sizeof bits, false);
        memcpy(&result, &bits, sizeof result);
    }
    return result;
}
