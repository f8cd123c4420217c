/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/axdr - the encoding of COSEM data (IEC 61334-6, type "Data" of IEC 62056-5-3).
 *
 * Every value is a tag and its contents. Writers append to a wk_bytes_out, readers take from a
 * wk_bytes_in; faults are sticky there, so a value is written or read without a check at
 * each step. Arrays and structures are a count followed by that many values. */
#ifndef WK_COSEM_AXDR_H
#define WK_COSEM_AXDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_AXDR_DEPTH 16 /* deepest nesting that is read */

typedef enum wk_axdr_tag {
    WK_AXDR_NULL = 0,
    WK_AXDR_ARRAY = 1,
    WK_AXDR_STRUCTURE = 2,
    WK_AXDR_BOOLEAN = 3,
    WK_AXDR_BIT_STRING = 4,
    WK_AXDR_DOUBLE_LONG = 5,          /* int32 */
    WK_AXDR_DOUBLE_LONG_UNSIGNED = 6, /* uint32 */
    WK_AXDR_OCTET_STRING = 9,
    WK_AXDR_VISIBLE_STRING = 10,
    WK_AXDR_UTF8_STRING = 12,
    WK_AXDR_BCD = 13,
    WK_AXDR_INTEGER = 15,       /* int8 */
    WK_AXDR_LONG = 16,          /* int16 */
    WK_AXDR_UNSIGNED = 17,      /* uint8 */
    WK_AXDR_LONG_UNSIGNED = 18, /* uint16 */
    WK_AXDR_COMPACT_ARRAY = 19,
    WK_AXDR_LONG64 = 20,
    WK_AXDR_LONG64_UNSIGNED = 21,
    WK_AXDR_ENUM = 22,
    WK_AXDR_FLOAT32 = 23,
    WK_AXDR_FLOAT64 = 24,
    WK_AXDR_DATE_TIME = 25, /* 12 octets */
    WK_AXDR_DATE = 26,      /* 5 octets */
    WK_AXDR_TIME = 27,      /* 4 octets */
    WK_AXDR_DELTA_INTEGER = 28,
    WK_AXDR_DELTA_LONG = 29,
    WK_AXDR_DELTA_DOUBLE_LONG = 30,
    WK_AXDR_DELTA_UNSIGNED = 31,
    WK_AXDR_DELTA_LONG_UNSIGNED = 32,
    WK_AXDR_DELTA_DOUBLE_LONG_UNSIGNED = 33,
    WK_AXDR_DONT_CARE = 255,
} wk_axdr_tag;

/* ---- writing ----------------------------------------------------------------------------- */

/** A length or count: one octet below 128, else 0x81..0x84 and that many octets. */
void wk_axdr_put_length(struct wk_bytes_out *out, uint32_t length);
/** How many octets wk_axdr_put_length writes: 1..5. */
size_t wk_axdr_length_size(uint32_t length);

void wk_axdr_put_null(struct wk_bytes_out *out);
void wk_axdr_put_array(struct wk_bytes_out *out, uint32_t count);
void wk_axdr_put_structure(struct wk_bytes_out *out, uint32_t count);
void wk_axdr_put_boolean(struct wk_bytes_out *out, bool value);
void wk_axdr_put_enum(struct wk_bytes_out *out, uint8_t value);
void wk_axdr_put_integer(struct wk_bytes_out *out, int8_t value);
void wk_axdr_put_long(struct wk_bytes_out *out, int16_t value);
void wk_axdr_put_double_long(struct wk_bytes_out *out, int32_t value);
void wk_axdr_put_long64(struct wk_bytes_out *out, int64_t value);
void wk_axdr_put_unsigned(struct wk_bytes_out *out, uint8_t value);
void wk_axdr_put_long_unsigned(struct wk_bytes_out *out, uint16_t value);
void wk_axdr_put_double_long_unsigned(struct wk_bytes_out *out, uint32_t value);
void wk_axdr_put_long64_unsigned(struct wk_bytes_out *out, uint64_t value);
void wk_axdr_put_float32(struct wk_bytes_out *out, float value);
void wk_axdr_put_octet_string(struct wk_bytes_out *out, const void *octets, size_t size);
/** `text` is zero-terminated. */
void wk_axdr_put_visible_string(struct wk_bytes_out *out, const char *text);
void wk_axdr_put_utf8_string(struct wk_bytes_out *out, const char *text);
/** `bits` bits, the first in the top of the first octet; (bits + 7) / 8 octets are read. */
void wk_axdr_put_bit_string(struct wk_bytes_out *out, const uint8_t *octets, uint32_t bits);

/* ---- reading ----------------------------------------------------------------------------- */

struct wk_axdr_value {
    uint8_t tag;           /* wk_axdr_tag */
    int64_t integer;       /* boolean, enum and all integers; long64-unsigned: its 64 bits */
    uint32_t count;        /* elements of an array or structure; bits of a bit-string */
    const uint8_t *octets; /* strings, dates, times, floats, contents of a compact array:
                              borrowed from the input */
    size_t size;           /* of `octets` */
};

/** Faults WK_E_FORMAT for 0x80 and above 0x84 in the first octet. */
uint32_t wk_axdr_read_length(struct wk_bytes_in *in);

/** Reads a value; of an array or structure only the head: its elements follow in `in`.
 *  Fault WK_E_FORMAT: unknown tag. */
void wk_axdr_read(struct wk_bytes_in *in, struct wk_axdr_value *value);

/** Passes over a whole value. Fault WK_E_FORMAT: unknown tag, or nested deeper than
 *  WK_AXDR_DEPTH. Its work is linear in the octets passed. */
void wk_axdr_skip(struct wk_bytes_in *in);
/** Passes over a whole value and gives a cursor over just that value. */
struct wk_bytes_in wk_axdr_take(struct wk_bytes_in *in);

/** The elements of the array or structure that must come next; another tag is a fault
 *  WK_E_FORMAT. */
uint32_t wk_axdr_read_count(struct wk_bytes_in *in, wk_axdr_tag tag);
/** The same for the integer types, boolean and enum. */
int64_t wk_axdr_read_integer(struct wk_bytes_in *in, wk_axdr_tag tag);
/** The octet-string that must come next; borrowed. */
const uint8_t *wk_axdr_read_octets(struct wk_bytes_in *in, size_t *size);
/** The octet-string of exactly `size` octets that must come next, copied. */
void wk_axdr_read_exact(struct wk_bytes_in *in, void *to, size_t size);

/** Octets that follow the tag at octets[0] in a whole value that is neither array, structure
 *  nor compact array; of `size` octets those that are there are looked at, seven at most.
 *  SIZE_MAX: another type, or a length that is malformed or not all there. */
size_t wk_axdr_content_size(const uint8_t *octets, size_t size);

/** True for boolean, enum and the integer types, whose value is in `integer`. */
bool wk_axdr_is_integer(uint8_t tag);
/** The value of a float32. */
float wk_axdr_float32(const struct wk_axdr_value *value);

#endif
