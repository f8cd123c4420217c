/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/ini.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reader {
    wk_ini_take take;
    void *context;
    char kind[WK_INI_LINE];
    char name[WK_INI_LINE];
    char reason[WK_INI_WHY / 2];
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *trim(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && is_blank(text[size - 1])) {
        text[--size] = '\0';
    }
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

static wk_err refuse(struct reader *reader, const char *reason)
{
    snprintf(reader->reason, sizeof reader->reason, "%s", reason);
    return WK_E_FORMAT;
}

static wk_err take_section(struct reader *reader, char *text, unsigned line)
{
    const size_t size = strlen(text);
    if (size < 3 || text[size - 1] != ']') {
        return refuse(reader, "a section must look like [kind name]");
    }
    text[size - 1] = '\0';
    char *kind = trim(text + 1);
    char *blank = strchr(kind, ' ');
    snprintf(reader->name, sizeof reader->name, "%s", blank != NULL ? trim(blank + 1) : "");
    if (blank != NULL) {
        *blank = '\0';
    }
    snprintf(reader->kind, sizeof reader->kind, "%s", kind);
    const struct wk_ini_entry entry = {reader->kind, reader->name, NULL, NULL, line};
    return reader->take(reader->context, &entry, reader->reason, sizeof reader->reason);
}

static wk_err take_line(struct reader *reader, char *buffer, unsigned line)
{
    if (strchr(buffer, '\n') == NULL && strlen(buffer) >= WK_INI_LINE - 1) {
        return refuse(reader, "the line is too long");
    }
    char *text = trim(buffer);
    if (*text == '\0' || *text == '#') {
        return WK_OK;
    }
    if (*text == '[') {
        return take_section(reader, text, line);
    }
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return refuse(reader, "expected [section], key = value or # comment");
    }
    *equals = '\0';
    const char *key = trim(text);
    if (*key == '\0') {
        return refuse(reader, "there is no key before '='");
    }
    const struct wk_ini_entry entry = {reader->kind, reader->name, key, trim(equals + 1), line};
    return reader->take(reader->context, &entry, reader->reason, sizeof reader->reason);
}

wk_err wk_ini_read(const char *path, wk_ini_take take, void *context, char why[WK_INI_WHY])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(why, WK_INI_WHY, "%s: cannot be opened: %s", path, strerror(errno));
        return WK_E_IO;
    }
    struct reader reader = {.take = take, .context = context};
    char buffer[WK_INI_LINE];
    unsigned line = 0;
    wk_err err = WK_OK;
    while (err == WK_OK && fgets(buffer, sizeof buffer, file) != NULL) {
        err = take_line(&reader, buffer, ++line);
    }
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "%.200s:%u: %s", path, line, reader.reason);
    } else if (ferror(file) != 0) {
        snprintf(why, WK_INI_WHY, "%s: cannot be read: %s", path, strerror(errno));
        err = WK_E_IO;
    }
    fclose(file);
    return err;
}

wk_err wk_ini_integer(const char *value, int64_t min, int64_t max, int64_t *out)
{
    int64_t number;
    WK_TRY(wk_ini_decimal(value, 0, &number));
    if (number < min || number > max) {
        return WK_E_RANGE;
    }
    *out = number;
    return WK_OK;
}

wk_err wk_ini_decimal(const char *value, unsigned digits, int64_t *scaled)
{
    const bool negative = *value == '-';
    int64_t number = 0;
    unsigned decimals = 0;
    bool point = false;
    bool any = false;
    for (const char *c = value + (negative ? 1 : 0); *c != '\0'; c++) {
        if (*c == '.' && !point && any) {
            point = true;
            any = false;
            continue;
        }
        if (*c < '0' || *c > '9' || (point && ++decimals > digits)) {
            return WK_E_FORMAT;
        }
        any = true;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *c - '0', &number)) {
            return WK_E_RANGE;
        }
    }
    for (; decimals < digits; decimals++) {
        if (__builtin_mul_overflow(number, 10, &number)) {
            return WK_E_RANGE;
        }
    }
    *scaled = negative ? -number : number;
    return any ? WK_OK : WK_E_FORMAT;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

wk_err wk_ini_hex(const char *value, uint8_t *out, size_t room, size_t *size)
{
    const size_t length = strlen(value);
    if (length % 2 != 0 || length / 2 > room) {
        return WK_E_FORMAT;
    }
    for (size_t i = 0; i < length; i += 2) {
        const int high = nibble(value[i]);
        const int low = nibble(value[i + 1]);
        if (high < 0 || low < 0) {
            return WK_E_FORMAT;
        }
        out[i / 2] = (uint8_t)(high * 16 + low);
    }
    *size = length / 2;
    return WK_OK;
}

wk_err wk_ini_text(const char *value, char *out, size_t room)
{
    const size_t size = strlen(value);
    if (size == 0 || size >= room) {
        return WK_E_RANGE;
    }
    memcpy(out, value, size + 1);
    return WK_OK;
}
