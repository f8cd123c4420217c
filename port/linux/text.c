/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CTRL_Z      '\x1A'
#define NUMBER_ROOM 64

struct wk_text wk_text_of(const char *data, size_t size)
{
    const char *end = size > 0 ? memchr(data, CTRL_Z, size) : NULL;
    return (struct wk_text){.data = data, .size = end != NULL ? (size_t)(end - data) : size};
}

bool wk_text_take(struct wk_text *text, struct wk_text_span *line)
{
    if (text->at >= text->size) {
        return false;
    }
    const char *begin = text->data + text->at;
    const size_t left = text->size - text->at;
    const char *end = memchr(begin, '\n', left);
    size_t size = end != NULL ? (size_t)(end - begin) : left;
    text->at += end != NULL ? size + 1 : size;
    text->line++;
    if (size > 0 && begin[size - 1] == '\r') {
        size--;
    }
    *line = (struct wk_text_span){begin, size};
    return true;
}

bool wk_text_take_filled(struct wk_text *text, struct wk_text_span *line)
{
    while (wk_text_take(text, line)) {
        if (wk_text_trim(*line).size > 0) {
            return true;
        }
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct wk_text_span wk_text_trim(struct wk_text_span span)
{
    while (span.size > 0 && is_blank(span.at[0])) {
        span.at++;
        span.size--;
    }
    while (span.size > 0 && is_blank(span.at[span.size - 1])) {
        span.size--;
    }
    return span;
}

bool wk_text_field(struct wk_text_span *rest, char separator, struct wk_text_span *field)
{
    if (rest->at == NULL) {
        return false;
    }
    const char *end = rest->size > 0 ? memchr(rest->at, separator, rest->size) : NULL;
    const size_t size = end != NULL ? (size_t)(end - rest->at) : rest->size;
    *field = wk_text_trim((struct wk_text_span){rest->at, size});
    *rest = end != NULL ? (struct wk_text_span){end + 1, rest->size - size - 1}
                        : (struct wk_text_span){NULL, 0};
    return true;
}

size_t wk_text_count(struct wk_text_span line, char separator)
{
    size_t count = 1;
    for (size_t i = 0; i < line.size; i++) {
        count += line.at[i] == separator ? 1 : 0;
    }
    return count;
}

bool wk_text_is(struct wk_text_span span, const char *word)
{
    return span.size == strlen(word) && strncasecmp(span.at, word, span.size) == 0;
}

bool wk_text_begins(struct wk_text_span span, const char *word)
{
    const size_t size = strlen(word);
    return span.size >= size && strncasecmp(span.at, word, size) == 0;
}

static bool terminated(struct wk_text_span span, char to[NUMBER_ROOM])
{
    if (span.size == 0 || span.size >= NUMBER_ROOM || memchr(span.at, 0, span.size) != NULL) {
        return false;
    }
    memcpy(to, span.at, span.size);
    to[span.size] = 0;
    return true;
}

bool wk_text_number(struct wk_text_span span, double *value)
{
    char digits[NUMBER_ROOM];
    char *end;
    /* strtod also knows hexadecimal numbers, "inf" and "nan": none of them has a place here. */
    if (!terminated(span, digits) || strpbrk(digits, "xXnN") != NULL) {
        return false;
    }
    *value = strtod(digits, &end);
    return *end == 0 && isfinite(*value);
}

bool wk_text_integer(struct wk_text_span span, int64_t *value)
{
    char digits[NUMBER_ROOM];
    char *end;
    if (!terminated(span, digits) || isspace((unsigned char)digits[0])) {
        return false;
    }
    errno = 0;
    *value = strtoll(digits, &end, 10);
    return *end == 0 && errno == 0;
}

void wk_text_copy(struct wk_text_span span, char *to, size_t room)
{
    const size_t size = span.size < room - 1 ? span.size : room - 1;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)span.at[i];
        to[i] = c < ' ' || c == 0x7F ? '?' : (char)c;
    }
    to[size] = 0;
}
