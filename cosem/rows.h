/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/rows - an array that arrives in pieces, handed on element by element.
 *
 * A load profile may be far longer than the memory of who reads it. Pieces of any size go in,
 * every whole element (a structure, with its tag) comes out as soon as its last octet is
 * there. Only one element is ever held. */
#ifndef WK_COSEM_ROWS_H
#define WK_COSEM_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_ROWS_ELEMENT 1024 /* longest element */

struct wk_rows {
    void *self;
    /** Takes one element; `element` is valid during the call. An error ends the reading. */
    wk_err (*row)(void *self, uint32_t index, struct wk_bytes_in element);
    uint8_t held[WK_ROWS_ELEMENT]; /* the element under way, or the head of the array */
    size_t size;
    bool started;   /* the head of the array was read */
    uint32_t count; /* elements in the array */
    uint32_t index; /* elements handed on */
    size_t offset;  /* octets consumed: where an error is */
};

void wk_rows_init(struct wk_rows *rows, void *self,
                  wk_err (*row)(void *self, uint32_t index, struct wk_bytes_in element));

/** The next piece. WK_E_FORMAT: not an array, or malformed, or octets after its end (offset
 *  tells where); WK_E_FULL: an element longer than WK_ROWS_ELEMENT; or what `row` returned.
 *  After an error no more pieces may be fed. */
WK_MUST_USE wk_err wk_rows_feed(struct wk_rows *rows, const void *piece, size_t size);

/** WK_E_SHORT unless the whole array has arrived. */
WK_MUST_USE wk_err wk_rows_end(const struct wk_rows *rows);

#endif
