/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/text - walking through lines and fields of a text held in memory.
 *
 * Nothing is copied: a span borrows the text. A line ends at LF, CR LF, or the end; a Ctrl-Z
 * (the end mark of old systems) ends the text. */
#ifndef WK_PORT_LINUX_TEXT_H
#define WK_PORT_LINUX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wk_text_span {
    const char *at;
    size_t size;
};

struct wk_text {
    const char *data;
    size_t size;
    size_t at;     /* of the next line */
    unsigned line; /* number of the line last taken, from 1 */
};

struct wk_text wk_text_of(const char *data, size_t size);
/** The next line without its end; false at the end of the text. */
bool wk_text_take(struct wk_text *text, struct wk_text_span *line);
/** Skips to the next line that is not blank. */
bool wk_text_take_filled(struct wk_text *text, struct wk_text_span *line);

/** Cuts the next field off `rest` at `separator`, trimmed of blanks; false if none is left.
 *  "a," has two fields, "" has one. Start with rest = the line. */
bool wk_text_field(struct wk_text_span *rest, char separator, struct wk_text_span *field);
size_t wk_text_count(struct wk_text_span line, char separator);
struct wk_text_span wk_text_trim(struct wk_text_span span);
bool wk_text_is(struct wk_text_span span, const char *word); /* ASCII case does not matter */
bool wk_text_begins(struct wk_text_span span, const char *word);
/** A finite decimal number that fills the span. */
bool wk_text_number(struct wk_text_span span, double *value);
bool wk_text_integer(struct wk_text_span span, int64_t *value);
/** Zero-terminated copy, cut off at `room`; control characters become '?'. */
void wk_text_copy(struct wk_text_span span, char *to, size_t room);

#endif
