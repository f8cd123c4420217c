/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/compact - compact arrays (type 19 of "Data", IEC 62056-5-3): the types once, then the
 * contents of all elements without them.
 *
 * A type description is a tree: a tag; for an array the number of its elements (16 bits) and
 * the description of one; for a structure the number of its members and a description of each.
 * Contents are what follows the tag in A-XDR: numbers as they are, strings with their length,
 * of null nothing. Arrays and structures within elements have neither tag nor count there. */
#ifndef WK_COSEM_COMPACT_H
#define WK_COSEM_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/axdr.h"

/* Deepest nesting of an element: the array around it is one level more. */
#define WK_COMPACT_DEPTH (WK_AXDR_DEPTH - 1)

/** Writes the type description of a whole A-XDR value. An array within it is described by its
 *  first element, an empty one as array of null. WK_E_FORMAT: malformed or nested deeper than
 *  WK_COMPACT_DEPTH; WK_E_RANGE: an array within it has more than 65535 elements. */
WK_MUST_USE wk_err wk_compact_describe(struct wk_bytes_in *value, struct wk_bytes_out *out);
/** Writes the contents of a whole A-XDR value that must be of the described type: WK_E_FORMAT
 *  if it is not. */
WK_MUST_USE wk_err wk_compact_strip(struct wk_bytes_in type, struct wk_bytes_in *value,
                                    struct wk_bytes_out *out);
/** The other way: the next element of `contents` as whole A-XDR value. WK_E_FULL: `out` is too
 *  small. */
WK_MUST_USE wk_err wk_compact_expand(struct wk_bytes_in type, struct wk_bytes_in *contents,
                                     struct wk_bytes_out *out);

/** Writes the elements of an A-XDR array as compact array. WK_E_UNSUPPORTED: they are not all
 *  of one type, or there are none; nothing is written then. WK_E_FULL: no room. */
WK_MUST_USE wk_err wk_compact_put(struct wk_bytes_in array, struct wk_bytes_out *out);

/* A compact array that is read. */
struct wk_compact {
    struct wk_bytes_in type;
    struct wk_bytes_in contents;
};

/** Takes a compact array, tag included. WK_E_FORMAT, WK_E_SHORT. */
WK_MUST_USE wk_err wk_compact_read(struct wk_bytes_in *in, struct wk_compact *compact);
/** The next element into `out`; WK_E_NOT_FOUND: there are no more. Errors as
 *  wk_compact_expand; WK_E_FORMAT: its elements have no contents, so none can be told apart. */
WK_MUST_USE wk_err wk_compact_next(struct wk_compact *compact, struct wk_bytes_out *out);

#endif
