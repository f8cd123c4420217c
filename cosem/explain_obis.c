/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of OBIS codes (IEC 62056-6-1): those of electricity are put together from what is
 * measured (C), how it is processed (D) and the tariff or the harmonic (E); others are looked
 * up. */
#include <string.h>

#include "cosem/explain.h"

#define ANY 256 /* of a pattern: whatever stands there */

struct text {
    char *to;
    size_t at;
};

static void add(struct text *text, const char *what)
{
    while (*what != '\0' && text->at + 1 < WK_EXPLAIN_NAME) {
        text->to[text->at++] = *what++;
    }
    text->to[text->at] = '\0';
}

static void add_number(struct text *text, const char *before, uint8_t number)
{
    char digits[4] = {0};
    size_t count = 0;
    if (number >= 100) {
        digits[count++] = (char)('0' + number / 100);
    }
    if (number >= 10) {
        digits[count++] = (char)('0' + number / 10 % 10);
    }
    digits[count] = (char)('0' + number % 10);
    add(text, before);
    add(text, digits);
}

/* ---- abstract objects ---------------------------------------------------------------------- */

static const struct {
    uint16_t pattern[6];
    const char *name;
} k_objects[] = {
    {{0, ANY, 1, 0, ANY, 255}, "clock"},
    {{0, ANY, 2, 1, 0, 255}, "auto connect"},
    {{0, ANY, 9, 1, 0, 255}, "predefined scripts, reset of a billing period"},
    {{0, ANY, 10, 0, 0, 255}, "global meter reset"},
    {{0, ANY, 10, 0, 1, 255}, "billing reset scripts"},
    {{0, ANY, 10, 0, 100, 255}, "tariffication scripts"},
    {{0, ANY, 10, 0, 106, 255}, "disconnect scripts"},
    {{0, ANY, 10, 0, 107, 255}, "image activation scripts"},
    {{0, ANY, 10, 0, 108, 255}, "push scripts"},
    {{0, ANY, 10, 0, ANY, 255}, "script table"},
    {{0, ANY, 11, 0, 0, 255}, "special days table"},
    {{0, ANY, 13, 0, 0, 255}, "activity calendar"},
    {{0, ANY, 14, 0, 0, 255}, "register activation"},
    {{0, ANY, 15, 0, 0, 255}, "end of billing period"},
    {{0, ANY, 15, 0, 1, 255}, "disconnect control schedule"},
    {{0, ANY, 15, 0, 2, 255}, "image activation schedule"},
    {{0, ANY, 15, 0, 4, 255}, "push schedule"},
    {{0, ANY, 16, ANY, ANY, 255}, "register monitor"},
    {{0, ANY, 17, 0, ANY, 255}, "limiter"},
    {{0, ANY, 19, 0, ANY, 255}, "account"},
    {{0, ANY, 19, 10, ANY, 255}, "credit"},
    {{0, ANY, 19, 20, ANY, 255}, "charge"},
    {{0, ANY, 19, 40, ANY, 255}, "token gateway"},
    {{0, ANY, 20, 0, 0, 255}, "IEC optical port setup"},
    {{0, ANY, 22, 0, 0, 255}, "IEC HDLC setup"},
    {{0, ANY, 24, 1, 0, 255}, "M-Bus client"},
    {{0, ANY, 25, 0, 0, 255}, "TCP-UDP setup"},
    {{0, ANY, 25, 1, 0, 255}, "IPv4 setup"},
    {{0, ANY, 25, 2, 0, 255}, "MAC address setup"},
    {{0, ANY, 25, 7, 0, 255}, "IPv6 setup"},
    {{0, ANY, 25, 9, 0, 255}, "push setup"},
    {{0, 1, 25, 9, 0, 255}, "push setup"},
    {{0, ANY, 40, 0, ANY, 255}, "association"},
    {{0, 0, 41, 0, 0, 255}, "SAP assignment"},
    {{0, 0, 42, 0, 0, 255}, "logical device name"},
    {{0, 0, 43, 0, ANY, 255}, "security setup"},
    {{0, 0, 43, 1, ANY, 255}, "invocation counter"},
    {{0, ANY, 44, 0, 0, 255}, "image transfer"},
    {{0, ANY, 66, 0, ANY, 255}, "compact data"},
    {{0, ANY, 94, ANY, ANY, 255}, "country specific"},
    {{0, ANY, 96, 1, ANY, 255}, "device identifier"},
    {{0, ANY, 96, 2, ANY, 255}, "parameter change"},
    {{0, ANY, 96, 3, 10, 255}, "disconnect control"},
    {{0, ANY, 96, 3, ANY, 255}, "input and output state"},
    {{0, ANY, 96, 5, ANY, 255}, "internal operating status"},
    {{0, ANY, 96, 6, ANY, 255}, "battery"},
    {{0, ANY, 96, 7, ANY, 255}, "power failures"},
    {{0, ANY, 96, 8, ANY, 255}, "operating time"},
    {{0, ANY, 96, 9, ANY, 255}, "ambient temperature"},
    {{0, ANY, 96, 10, ANY, 255}, "status register"},
    {{0, ANY, 96, 11, ANY, 255}, "event code"},
    {{0, ANY, 96, 12, ANY, 255}, "signal strength"},
    {{0, ANY, 96, 13, ANY, 255}, "consumer message"},
    {{0, ANY, 96, 14, ANY, 255}, "active tariff"},
    {{0, ANY, 96, 15, ANY, 255}, "event counter"},
    {{0, ANY, 97, 97, ANY, 255}, "error register"},
    {{0, ANY, 97, 98, ANY, 255}, "alarm register, filter or descriptor"},
    {{0, ANY, 98, 1, ANY, 255}, "billing profile"},
    {{0, ANY, 99, 98, ANY, 255}, "event log"},
    {{0, ANY, 99, 1, ANY, 255}, "load profile"},
    {{1, ANY, 0, 0, ANY, 255}, "electricity identifier"},
    {{1, ANY, 0, 2, 0, 255}, "firmware identifier"},
    {{1, ANY, 0, 2, ANY, 255}, "program entries"},
    {{1, ANY, 0, 3, ANY, 255}, "metering constant"},
    {{1, ANY, 0, 4, 2, 255}, "transformer ratio, current"},
    {{1, ANY, 0, 4, 3, 255}, "transformer ratio, voltage"},
    {{1, ANY, 0, 8, 0, 255}, "demand period"},
    {{1, ANY, 0, 8, ANY, 255}, "measurement period"},
    {{1, ANY, 0, 9, 1, 255}, "local time"},
    {{1, ANY, 0, 9, 2, 255}, "local date"},
    {{1, ANY, 94, ANY, ANY, 255}, "country specific"},
    {{1, ANY, 98, 1, ANY, 255}, "billing profile"},
    {{1, ANY, 99, 1, ANY, 255}, "load profile"},
    {{1, ANY, 99, 97, ANY, 255}, "power failure log"},
    {{1, ANY, 99, 98, ANY, 255}, "event log"},
};

static bool fits(const uint16_t pattern[6], const uint8_t obis[6])
{
    for (size_t i = 0; i < 6; i++) {
        if (pattern[i] != ANY && pattern[i] != obis[i]) {
            return false;
        }
    }
    return true;
}

/* ---- electricity ---------------------------------------------------------------------------- */

/* C of sum, and of L1, L2, L3 at +20, +40, +60. */
static const char *const k_quantities[21] = {
    [1] = "active # import",     [2] = "active # export", [3] = "reactive # import",
    [4] = "reactive # export",   [5] = "reactive # QI",   [6] = "reactive # QII",
    [7] = "reactive # QIII",     [8] = "reactive # QIV",  [9] = "apparent # import",
    [10] = "apparent # export",  [11] = "current",        [12] = "voltage",
    [13] = "power factor",       [14] = "frequency",      [15] = "active # |+| + |-|",
    [16] = "active # |+| - |-|", [17] = "active # QI",    [18] = "active # QII",
    [19] = "active # QIII",      [20] = "active # QIV",
};

static const struct {
    const char *name;
    uint8_t d;
    bool energy; /* a time integral */
} k_processing[] = {
    {"billing period average", 0, false},
    {"cumulative maximum", 2, false},
    {"minimum", 3, false},
    {"current average", 4, false},
    {"last average", 5, false},
    {"maximum", 6, false},
    {"instantaneous", 7, false},
    {"total", 8, true},
    {"of the billing period", 9, true},
    {"of the measurement period", 19, true},
    {"average of the measurement period", 24, false},
    {"last average of the measurement period", 25, false},
    {"of the last measurement period", 27, true},
    {"of the load profile's interval", 29, true},
    {"threshold of a swell or dip", 31, false},
    {"number of dips", 32, false},
    {"number of swells", 36, false},
};

static void name_electricity(const uint8_t obis[6], struct text *text)
{
    const uint8_t c = obis[2];
    const uint8_t phase = c <= 80 && c > 0 ? (uint8_t)((c - 1) / 20) : 0;
    const char *quantity = c == 91            ? "current N"
                           : c == 92          ? "voltage N"
                           : c == 81          ? "angle"
                           : c > 0 && c <= 80 ? k_quantities[(c - 1) % 20 + 1]
                                              : NULL;
    size_t i = 0;
    while (i < sizeof k_processing / sizeof k_processing[0] && k_processing[i].d != obis[3]) {
        i++;
    }
    if (quantity == NULL || i == sizeof k_processing / sizeof k_processing[0]) {
        return;
    }
    for (const char *p = quantity; *p != '\0'; p++) {
        const char one[2] = {*p, '\0'};
        add(text, *p != '#' ? one : k_processing[i].energy ? "energy" : "power");
    }
    if (phase > 0) {
        add_number(text, " L", phase);
    }
    add(text, ", ");
    add(text, k_processing[i].name);
    if (obis[4] != 0) {
        const bool harmonic = obis[3] == 7 && (c % 20 == 11 || c % 20 == 12);
        add_number(text, harmonic ? ", harmonic " : ", tariff ", obis[4]);
    }
    if (obis[5] != 255) {
        add_number(text, ", billing period ", obis[5]);
    }
}

void wk_explain_obis_name(const uint8_t obis[6], char text[WK_EXPLAIN_NAME])
{
    struct text to = {.to = text};
    text[0] = '\0';
    for (size_t i = 0; i < sizeof k_objects / sizeof k_objects[0]; i++) {
        if (fits(k_objects[i].pattern, obis)) {
            add(&to, k_objects[i].name);
            return;
        }
    }
    if (obis[0] == 1) {
        name_electricity(obis, &to);
    }
}
