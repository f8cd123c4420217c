/* SPDX-License-Identifier: Apache-2.0
 *
 * app/decode_print - what cosem/explain finds, as indented text or as JSON.
 *
 * JSON: one object a line for everything that was given at once, {"source": ..., "items": [...]}.
 * An item has "name" and "at" (offset), and what applies of "type", "value", "octets" (hex),
 * "meaning", "items", "malformed". */
#ifndef WK_APP_DECODE_PRINT_H
#define WK_APP_DECODE_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "cosem/explain.h"

#define WK_DECODE_LEVELS 64

struct wk_decode_print {
    FILE *to;
    bool json;
    size_t level;
    bool begun[WK_DECODE_LEVELS]; /* JSON: an item stands before the next one */
};

/** `context` is printed as it is: for people, and in JSON as members ("\"line\":3"). */
void wk_decode_print_begin(struct wk_decode_print *print, const char *title,
                           const char *context);
void wk_decode_print_end(struct wk_decode_print *print);
/** The sink; `print` must stay. */
struct wk_explain_sink wk_decode_print_sink(struct wk_decode_print *print);

#endif
