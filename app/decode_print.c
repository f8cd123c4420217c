/* SPDX-License-Identifier: Apache-2.0 */
#include "app/decode_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "app/wk_value.h"
#include "cosem/obis.h"

/* ---- values -------------------------------------------------------------------------------- */

static void put_hex(FILE *to, const struct wk_explain_item *item)
{
    for (size_t i = 0; i < item->size; i++) {
        fprintf(to, "%02X", item->octets[i]);
    }
}

static void put_escaped(FILE *to, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            fprintf(to, "\\%c", text[i]);
        } else if (text[i] < ' ' || text[i] > '~') {
            fprintf(to, "\\u%04X", text[i]);
        } else {
            fputc(text[i], to);
        }
    }
}

static void put_part(FILE *to, uint8_t value, const char *after)
{
    if (value == WK_DATETIME_ANY) {
        fprintf(to, "*%s", after);
    } else {
        fprintf(to, "%02u%s", value, after);
    }
}

/* A date (5 octets), a time (4) or both (12). */
static void put_time(FILE *to, const struct wk_explain_item *item)
{
    const uint8_t *o = item->octets;
    struct wk_bytes_in in = wk_bytes_in_of(o, item->size);
    struct wk_datetime datetime;
    char text[WK_VALUE_TEXT];
    if (item->size == WK_DATETIME_SIZE) {
        wk_datetime_read(&in, &datetime);
        if (in.fault == WK_OK) {
            wk_value_time(&datetime, text);
            fputs(text, to);
            return;
        }
        put_hex(to, item);
    } else if (item->size == 5) {
        if (o[0] == 0xFF && o[1] == 0xFF) {
            fputs("*-", to);
        } else {
            fprintf(to, "%04d-", o[0] << 8 | o[1]);
        }
        put_part(to, o[2], "-");
        put_part(to, o[3], "");
    } else {
        put_part(to, o[0], ":");
        put_part(to, o[1], ":");
        put_part(to, o[2], "");
    }
}

static double float_of(const struct wk_explain_item *item)
{
    struct wk_bytes_in in = wk_bytes_in_of(item->octets, item->size);
    if (item->size == 4) {
        const uint32_t bits = wk_bytes_in_u32be(&in);
        float value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    const uint64_t bits = wk_bytes_in_u64be(&in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_bits(FILE *to, const struct wk_explain_item *item)
{
    for (int64_t i = 0; i < item->number; i++) {
        fputc((item->octets[i / 8] & (0x80 >> i % 8)) != 0 ? '1' : '0', to);
    }
}

static bool is_printable(const struct wk_explain_item *item)
{
    bool printable = item->size > 2;
    for (size_t i = 0; i < item->size; i++) {
        printable = printable && item->octets[i] >= ' ' && item->octets[i] <= '~';
    }
    return printable;
}

/* What a logical name is called, if that is known. */
static void obis_texts(const struct wk_explain_item *item, char code[WK_OBIS_TEXT],
                       char name[WK_EXPLAIN_NAME])
{
    wk_obis_print(item->octets, code);
    wk_explain_obis_name(item->octets, name);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_json_value(FILE *to, const struct wk_explain_item *item)
{
    char code[WK_OBIS_TEXT];
    char name[WK_EXPLAIN_NAME];
    switch (item->kind) {
    case WK_EXPLAIN_NULL:
        fputs(",\"value\":null", to);
        return;
    case WK_EXPLAIN_BOOLEAN:
        fprintf(to, ",\"value\":%s", item->number != 0 ? "true" : "false");
        return;
    case WK_EXPLAIN_NUMBER:
        fprintf(to, ",\"value\":%" PRId64, item->number);
        return;
    case WK_EXPLAIN_UNSIGNED:
        fprintf(to, ",\"value\":%" PRIu64, (uint64_t)item->number);
        return;
    case WK_EXPLAIN_FLOAT:
        if (isfinite(float_of(item))) {
            fprintf(to, ",\"value\":%.17g", float_of(item));
        }
        break;
    case WK_EXPLAIN_TEXT:
        fputs(",\"value\":\"", to);
        put_escaped(to, item->octets, item->size);
        fputs("\"", to);
        break;
    case WK_EXPLAIN_BITS:
        fputs(",\"value\":\"", to);
        put_bits(to, item);
        fputs("\"", to);
        return;
    case WK_EXPLAIN_OBIS:
        obis_texts(item, code, name);
        fprintf(to, ",\"value\":\"%s\"", code);
        if (name[0] != '\0') {
            fprintf(to, ",\"meaning\":\"%s\"", name);
        }
        break;
    case WK_EXPLAIN_TIME:
        fputs(",\"value\":\"", to);
        put_time(to, item);
        fputs("\"", to);
        break;
    case WK_EXPLAIN_FAULT:
        fprintf(to, ",\"malformed\":\"%s\"", item->meaning);
        break;
    case WK_EXPLAIN_OCTETS:
    case WK_EXPLAIN_NOTE:
    case WK_EXPLAIN_GROUP:
        break;
    }
    if (item->kind != WK_EXPLAIN_NOTE) {
        fputs(",\"octets\":\"", to);
        put_hex(to, item);
        fputs("\"", to);
    }
}

static void json_item(struct wk_decode_print *print, const struct wk_explain_item *item)
{
    FILE *to = print->to;
    fprintf(to, "%s{\"at\":%zu", print->begun[print->level] ? "," : "", item->offset);
    print->begun[print->level] = true;
    if (item->name != NULL) {
        fprintf(to, ",\"name\":\"%s\"", item->name);
    }
    if (item->type != NULL) {
        fprintf(to, ",\"type\":\"%s\"", item->type);
    }
    if (item->kind != WK_EXPLAIN_GROUP) {
        put_json_value(to, item);
    }
    if (item->meaning != NULL && item->kind != WK_EXPLAIN_FAULT) {
        fprintf(to, ",\"meaning\":\"%s\"", item->meaning);
    }
    if (item->kind != WK_EXPLAIN_GROUP) {
        fputs("}", to);
        return;
    }
    fputs(",\"items\":[", to);
    print->level++;
    print->begun[print->level] = false;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void put_text_value(FILE *to, const struct wk_explain_item *item)
{
    char code[WK_OBIS_TEXT];
    char name[WK_EXPLAIN_NAME];
    switch (item->kind) {
    case WK_EXPLAIN_NULL:
        fputs("null", to);
        return;
    case WK_EXPLAIN_BOOLEAN:
        fputs(item->number != 0 ? "true" : "false", to);
        return;
    case WK_EXPLAIN_NUMBER:
        fprintf(to, "%" PRId64, item->number);
        return;
    case WK_EXPLAIN_UNSIGNED:
        fprintf(to, "%" PRIu64, (uint64_t)item->number);
        return;
    case WK_EXPLAIN_FLOAT:
        fprintf(to, item->size == 4 ? "%.9g" : "%.17g", float_of(item));
        return;
    case WK_EXPLAIN_TEXT:
        fputc('"', to);
        put_escaped(to, item->octets, item->size);
        fputc('"', to);
        return;
    case WK_EXPLAIN_BITS:
        put_bits(to, item);
        return;
    case WK_EXPLAIN_OBIS:
        obis_texts(item, code, name);
        fprintf(to, name[0] == '\0' ? "%s" : "%s (%s)", code, name);
        return;
    case WK_EXPLAIN_TIME:
        put_time(to, item);
        return;
    case WK_EXPLAIN_OCTETS:
        put_hex(to, item);
        if (is_printable(item)) {
            fprintf(to, " \"%.*s\"", (int)item->size, (const char *)item->octets);
        }
        return;
    case WK_EXPLAIN_FAULT:
        fprintf(to, "at octet %zu: %s", item->offset, item->meaning);
        fputs(item->size > 0 ? ": " : "", to);
        put_hex(to, item);
        return;
    case WK_EXPLAIN_NOTE:
        fputs(item->meaning, to);
        return;
    case WK_EXPLAIN_GROUP:
        if (item->number >= 0) {
            fprintf(to, " (%" PRId64 ")", item->number);
        }
        return;
    }
}

static void text_item(struct wk_decode_print *print, const struct wk_explain_item *item)
{
    FILE *to = print->to;
    const bool group = item->kind == WK_EXPLAIN_GROUP;
    fprintf(to, "%*s", (int)(2 * print->level + 2), "");
    if (item->kind == WK_EXPLAIN_FAULT) {
        fputs("MALFORMED ", to);
    } else if (item->name != NULL) {
        fprintf(to, group ? "%s" : "%s: ", item->name);
    } else if (group && item->type == NULL) {
        fputs("-", to);
    }
    if (item->type != NULL) {
        fprintf(to, !group ? "%s " : item->name != NULL ? " %s" : "%s", item->type);
    }
    put_text_value(to, item);
    if (item->meaning != NULL && item->kind != WK_EXPLAIN_FAULT &&
        item->kind != WK_EXPLAIN_NOTE) {
        fprintf(to, " (%s)", item->meaning);
    }
    fputc('\n', to);
    print->level += item->kind == WK_EXPLAIN_GROUP ? 1 : 0;
}

/* ---- the sink ------------------------------------------------------------------------------ */

static void take_item(void *self, const struct wk_explain_item *item)
{
    struct wk_decode_print *print = self;
    if (print->json) {
        json_item(print, item);
    } else {
        text_item(print, item);
    }
}

static void take_end(void *self)
{
    struct wk_decode_print *print = self;
    print->level--;
    if (print->json) {
        fputs("]}", print->to);
    }
}

void wk_decode_print_begin(struct wk_decode_print *print, const char *title,
                           const char *context)
{
    print->level = 0;
    print->begun[0] = false;
    if (print->json) {
        fprintf(print->to, "{%s,\"items\":[", context);
    } else {
        fprintf(print->to, "%s\n", title);
    }
}

void wk_decode_print_end(struct wk_decode_print *print)
{
    fputs(print->json ? "]}\n" : "", print->to);
}

struct wk_explain_sink wk_decode_print_sink(struct wk_decode_print *print)
{
    return (struct wk_explain_sink){.self = print, .item = take_item, .end = take_end};
}
