/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_named.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "port/linux/ini.h"

#define CLASS_ASSOCIATION 15
#define OCTETS            2048 /* of a value, most */

/* ---- the list ------------------------------------------------------------------------------ */

struct listing {
    void *self;
    wk_err (*take)(void *self, const struct wk_named *object);
};

static wk_err take_element(void *self, uint32_t index, struct wk_bytes_in element)
{
    const struct listing *listing = self;
    struct wk_named object;
    if (index >= WK_NAMED_MOST) {
        return WK_E_FULL;
    }
    (void)wk_axdr_read_count(&element, WK_AXDR_STRUCTURE);
    object.class_id = (uint16_t)wk_axdr_read_integer(&element, WK_AXDR_LONG_UNSIGNED);
    object.version = (uint8_t)wk_axdr_read_integer(&element, WK_AXDR_UNSIGNED);
    wk_axdr_read_exact(&element, object.obis, sizeof object.obis);
    object.rights = element;
    WK_TRY(element.fault);
    return listing->take(listing->self, &object);
}

bool wk_named_list(struct wk_meter *meter, void *self,
                   wk_err (*take)(void *self, const struct wk_named *object))
{
    const struct wk_apdu_target target = {
        .class_id = CLASS_ASSOCIATION,
        .obis = {0, 0, 40, 0, 0, 255},
        .id = 2,
    };
    struct listing listing = {self, take};
    if (wk_dlms_client_get_rows(&meter->client, &target, &listing, take_element) != WK_OK) {
        fprintf(stderr, "wk: object list: %s\n", wk_dlms_client_error(&meter->client));
        return false;
    }
    return true;
}

/* ---- names --------------------------------------------------------------------------------- */

bool wk_named_parse(const char *text, uint8_t usual, struct wk_apdu_target *target)
{
    char obis[WK_OBIS_TEXT + 8];
    int64_t id = usual;
    const size_t size = strlen(text);
    const char *colon = strrchr(text, ':');
    target->id = usual;
    if (size < sizeof obis && wk_obis_parse(text, target->obis) == WK_OK) {
        return true;
    }
    if (colon == NULL || (size_t)(colon - text) >= sizeof obis ||
        wk_ini_integer(colon + 1, 1, 127, &id) != WK_OK) {
        return false;
    }
    memcpy(obis, text, (size_t)(colon - text));
    obis[colon - text] = '\0';
    target->id = (uint8_t)id;
    return wk_obis_parse(obis, target->obis) == WK_OK;
}

static wk_err take_class(void *self, const struct wk_named *object)
{
    struct wk_apdu_target *target = self;
    if (wk_obis_equal(object->obis, target->obis)) {
        target->class_id = object->class_id;
    }
    return WK_OK;
}

bool wk_named_find(struct wk_meter *meter, const char *text, uint8_t usual,
                   struct wk_apdu_target *target)
{
    *target = (struct wk_apdu_target){0};
    if (!wk_named_parse(text, usual, target)) {
        fprintf(stderr, "wk: \"%s\" is no name such as 1.0.1.8.0.255 or 1-0:1.8.0:2\n", text);
        return false;
    }
    if (!wk_named_list(meter, target, take_class)) {
        return false;
    }
    if (target->class_id == 0) {
        fprintf(stderr,
                "wk: the meter shows no object %s to this role; \"wk objects\" lists them, "
                "--role asks as another\n",
                text);
    }
    return target->class_id != 0;
}

/* ---- values -------------------------------------------------------------------------------- */

static const struct type {
    const char *name;
    uint8_t tag;  /* wk_axdr_tag */
    uint8_t size; /* octets of an integer; 0: another kind */
    bool is_signed;
} k_types[] = {
    {"null", WK_AXDR_NULL, 0, false},
    {"boolean", WK_AXDR_BOOLEAN, 0, false},
    {"integer", WK_AXDR_INTEGER, 1, true},
    {"long", WK_AXDR_LONG, 2, true},
    {"double-long", WK_AXDR_DOUBLE_LONG, 4, true},
    {"long64", WK_AXDR_LONG64, 8, true},
    {"unsigned", WK_AXDR_UNSIGNED, 1, false},
    {"long-unsigned", WK_AXDR_LONG_UNSIGNED, 2, false},
    {"double-long-unsigned", WK_AXDR_DOUBLE_LONG_UNSIGNED, 4, false},
    {"long64-unsigned", WK_AXDR_LONG64_UNSIGNED, 8, false},
    {"enum", WK_AXDR_ENUM, 1, false},
    {"visible-string", WK_AXDR_VISIBLE_STRING, 0, false},
    {"utf8-string", WK_AXDR_UTF8_STRING, 0, false},
    {"octet-string", WK_AXDR_OCTET_STRING, 0, false},
    {"date-time", WK_AXDR_DATE_TIME, 0, false},
    {"data", WK_AXDR_DONT_CARE, 0, false},
};

static const char *put_integer(const struct type *type, const char *text,
                               struct wk_bytes_out *out)
{
    char *end;
    errno = 0;
    const bool negative = text[0] == '-';
    const int64_t number = negative || type->is_signed ? strtoll(text, &end, 10) : 0;
    const uint64_t magnitude =
        negative || type->is_signed ? (uint64_t)number : strtoull(text, &end, 10);
    const unsigned bits = 8U * type->size;
    if (*text == '\0' || *end != '\0') {
        return "is no whole number";
    }
    const bool fits = type->is_signed
                          ? bits == 64 || (number >= -(INT64_C(1) << (bits - 1)) &&
                                           number < INT64_C(1) << (bits - 1))
                          : !negative && (bits == 64 || magnitude < UINT64_C(1) << bits);
    if (errno != 0 || !fits) {
        return "does not fit that type";
    }
    wk_bytes_out_u8(out, type->tag);
    for (unsigned at = bits; at > 0; at -= 8) {
        wk_bytes_out_u8(out, (uint8_t)(magnitude >> (at - 8)));
    }
    return NULL;
}

static const char *put_time(const char *text, struct wk_bytes_out *out)
{
    struct wk_utc utc;
    struct wk_datetime datetime;
    if (!wk_meter_time(text, &utc) ||
        wk_datetime_of_utc(&wk_zone_utc, utc, 0, &datetime) != WK_OK) {
        return "must be like 2026-11-21T05:00:00Z";
    }
    wk_datetime_put_axdr(out, &datetime);
    return NULL;
}

static const char *put_hex(const struct type *type, const char *text, struct wk_bytes_out *out)
{
    static uint8_t octets[OCTETS];
    size_t size = 0;
    if (*text != '\0' && wk_ini_hex(text, octets, sizeof octets, &size) != WK_OK) {
        return "must be hexadecimal digits, 4096 at most";
    }
    if (type->tag == WK_AXDR_OCTET_STRING) {
        wk_axdr_put_octet_string(out, octets, size);
        return NULL;
    }
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    wk_axdr_skip(&in);
    if (wk_bytes_in_end(&in) != WK_OK) {
        return "is not one whole value in A-XDR";
    }
    wk_bytes_out_put(out, octets, size);
    return NULL;
}

static const char *put_value(const struct type *type, const char *text,
                             struct wk_bytes_out *out)
{
    if (type->size > 0) {
        return put_integer(type, text, out);
    }
    switch (type->tag) {
    case WK_AXDR_NULL:
        wk_axdr_put_null(out);
        return *text == '\0' ? NULL : "takes no text";
    case WK_AXDR_BOOLEAN:
        wk_axdr_put_boolean(out, strcmp(text, "true") == 0);
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0
                   ? NULL
                   : "must be true or false";
    case WK_AXDR_VISIBLE_STRING:
        wk_axdr_put_visible_string(out, text);
        return NULL;
    case WK_AXDR_UTF8_STRING:
        wk_axdr_put_utf8_string(out, text);
        return NULL;
    case WK_AXDR_DATE_TIME:
        return put_time(text, out);
    default:
        return put_hex(type, text, out);
    }
}

bool wk_named_value(const char *text, struct wk_bytes_out *out)
{
    const char *colon = strchr(text, ':');
    const size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    for (size_t i = 0; i < sizeof k_types / sizeof k_types[0] && colon != NULL; i++) {
        if (strlen(k_types[i].name) == size && strncmp(k_types[i].name, text, size) == 0) {
            const char *wrong = put_value(&k_types[i], colon + 1, out);
            wrong = wrong == NULL && out->fault != WK_OK ? "is too long" : wrong;
            if (wrong != NULL) {
                fprintf(stderr, "wk: value \"%s\" %s\n", text, wrong);
            }
            return wrong == NULL;
        }
    }
    fprintf(stderr,
            "wk: value \"%s\": write TYPE:TEXT, as in long-unsigned:5; \"wk help "
            "write\" lists the types\n",
            text);
    return false;
}

void wk_named_complain(const struct wk_meter *meter, const char *what, wk_err err)
{
    const uint8_t result = meter->client.client.result;
    fprintf(stderr, "wk: %s: %s\n", what, wk_dlms_client_error(&meter->client));
    if (err == WK_E_TIMEOUT || err == WK_E_CLOSED || err == WK_E_IO) {
        fputs("wk: no answer came, so it may be done or not: read it back before you try "
              "again\n",
              stderr);
    } else if (err == WK_E_REFUSED && result == WK_APDU_READ_WRITE_DENIED) {
        fputs("wk: this role may not: \"wk objects\" shows what it may; --role management may "
              "more\n",
              stderr);
    } else if (err == WK_E_REFUSED && result == WK_APDU_TYPE_UNMATCHED) {
        fputs("wk: another type is wanted: \"wk read\" shows the present value\n", stderr);
    }
}
