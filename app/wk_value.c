/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cosem/axdr.h"
#include "cosem/compact.h"

#define COMPACT_ELEMENT 4096 /* octets of an element that is shown */

void wk_value_scaled(int64_t value, int8_t scaler, char text[WK_VALUE_TEXT])
{
    const bool negative = value < 0;
    const uint64_t magnitude = negative ? ~(uint64_t)value + 1 : (uint64_t)value;
    char digits[24];
    if (scaler >= 0 || scaler < -18) {
        (void)snprintf(text, WK_VALUE_TEXT, scaler == 0 ? "%s%" PRIu64 : "%s%" PRIu64 "e%d",
                       negative ? "-" : "", magnitude, scaler);
        return;
    }
    const int decimals = -scaler;
    const int size = snprintf(digits, sizeof digits, "%0*" PRIu64, decimals + 1, magnitude);
    (void)snprintf(text, WK_VALUE_TEXT, "%s%.*s.%s", negative ? "-" : "", size - decimals,
                   digits, digits + size - decimals);
}

const char *wk_value_unit(uint8_t unit)
{
    static const struct {
        uint8_t code;
        const char *name;
    } k_units[] = {{7, "s"},    {8, "deg"}, {9, "degC"}, {27, "W"},    {28, "VA"},
                   {29, "var"}, {30, "Wh"}, {31, "VAh"}, {32, "varh"}, {33, "A"},
                   {35, "V"},   {44, "Hz"}, {56, "%"}};
    for (size_t i = 0; i < sizeof k_units / sizeof k_units[0]; i++) {
        if (k_units[i].code == unit) {
            return k_units[i].name;
        }
    }
    return "";
}

static void put_field(char *text, size_t *at, unsigned value, unsigned any, int width)
{
    const size_t room = WK_VALUE_TEXT - *at;
    const int size = value == any ? snprintf(text + *at, room, "*")
                                  : snprintf(text + *at, room, "%0*u", width, value);
    *at += size > 0 && (size_t)size < room ? (size_t)size : 0;
}

static void put_char(char *text, size_t *at, char c)
{
    text[(*at)++] = c;
    text[*at] = '\0';
}

void wk_value_time(const struct wk_datetime *d, char text[WK_VALUE_TEXT])
{
    size_t at = 0;
    put_field(text, &at, d->year, WK_DATETIME_ANY_YEAR, 4);
    put_char(text, &at, '-');
    put_field(text, &at, d->month, WK_DATETIME_ANY, 2);
    put_char(text, &at, '-');
    put_field(text, &at, d->day, WK_DATETIME_ANY, 2);
    put_char(text, &at, 'T');
    put_field(text, &at, d->hour, WK_DATETIME_ANY, 2);
    put_char(text, &at, ':');
    put_field(text, &at, d->minute, WK_DATETIME_ANY, 2);
    put_char(text, &at, ':');
    put_field(text, &at, d->second, WK_DATETIME_ANY, 2);
    if (d->deviation_min == WK_DATETIME_ANY_OFFSET) {
        return;
    }
    const int offset_min = -d->deviation_min;
    put_char(text, &at, offset_min < 0 ? '-' : '+');
    put_field(text, &at, (unsigned)(abs(offset_min) / 60), UINT32_MAX, 2);
    put_char(text, &at, ':');
    put_field(text, &at, (unsigned)(abs(offset_min) % 60), UINT32_MAX, 2);
}

/* Octets: as a time if they are one, as text if they are printable, else as hex. */
static void print_octets(const struct wk_axdr_value *value)
{
    struct wk_bytes_in in = wk_bytes_in_of(value->octets, value->size);
    struct wk_datetime datetime;
    char text[WK_VALUE_TEXT];
    wk_datetime_read(&in, &datetime);
    if (value->size == WK_DATETIME_SIZE && wk_bytes_in_end(&in) == WK_OK) {
        wk_value_time(&datetime, text);
        printf("\"%s\"", text);
        return;
    }
    bool printable = value->tag != WK_AXDR_BIT_STRING;
    for (size_t i = 0; i < value->size; i++) {
        const uint8_t c = value->octets[i];
        printable = printable && c >= ' ' && c <= '~' && c != '"' && c != '\\';
    }
    putchar('"');
    for (size_t i = 0; i < value->size; i++) {
        printf(printable ? "%c" : "%02X", value->octets[i]);
    }
    putchar('"');
}

static void print_scalar(const struct wk_axdr_value *value)
{
    if (value->tag == WK_AXDR_NULL || value->tag == WK_AXDR_DONT_CARE) {
        printf("null");
    } else if (value->tag == WK_AXDR_BOOLEAN) {
        printf(value->integer != 0 ? "true" : "false");
    } else if (value->tag == WK_AXDR_LONG64_UNSIGNED) {
        printf("%" PRIu64, (uint64_t)value->integer);
    } else if (wk_axdr_is_integer(value->tag)) {
        printf("%" PRId64, value->integer);
    } else if (value->tag == WK_AXDR_FLOAT32) {
        printf("%.9g", (double)wk_axdr_float32(value));
    } else {
        print_octets(value);
    }
}

/* The elements of a compact array as those of an array. */
static void print_compact(struct wk_bytes_in *in)
{
    uint8_t room[COMPACT_ELEMENT];
    struct wk_compact compact;
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const char *comma = "";
    putchar('[');
    wk_err err = wk_compact_read(in, &compact);
    while (err == WK_OK) {
        out = wk_bytes_out_of(room, sizeof room);
        err = wk_compact_next(&compact, &out);
        if (err == WK_OK) {
            printf("%s", comma);
            wk_value_print(wk_bytes_in_of(room, out.size));
            comma = ",";
        }
    }
    putchar(']');
}

void wk_value_print(struct wk_bytes_in in)
{
    uint32_t left[WK_AXDR_DEPTH + 2] = {1}; /* elements still to print, per level */
    uint32_t total[WK_AXDR_DEPTH + 2] = {1};
    size_t level = 0;
    struct wk_bytes_in whole = in;
    wk_axdr_skip(&whole); /* so the depth is within bounds */
    while (whole.fault == WK_OK && in.fault == WK_OK && !(level == 0 && left[0] == 0)) {
        if (left[level] == 0) {
            putchar(']');
            level--;
            continue;
        }
        struct wk_axdr_value value;
        printf("%s", left[level] == total[level] ? "" : ",");
        left[level]--;
        if (wk_bytes_in_peek(&in) == WK_AXDR_COMPACT_ARRAY) {
            print_compact(&in);
            continue;
        }
        wk_axdr_read(&in, &value);
        if (value.tag == WK_AXDR_ARRAY || value.tag == WK_AXDR_STRUCTURE) {
            putchar('[');
            level++;
            left[level] = value.count;
            total[level] = value.count;
        } else {
            print_scalar(&value);
        }
    }
    if (whole.fault != WK_OK) {
        printf("null");
    }
}
