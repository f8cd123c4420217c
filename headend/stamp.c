/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/stamp.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Reads a text against a pattern in which '0' stands for a digit; the digits go to fields, one
 * field per run of digits. */
static bool match(const char *text, const char *pattern, unsigned *fields)
{
    bool in_number = false;
    for (; *pattern != '\0'; pattern++, text++) {
        const bool digit = *text >= '0' && *text <= '9';
        if (*pattern == '0') {
            if (!digit) {
                return false;
            }
            *fields = (in_number ? *fields : 0) * 10 + (unsigned)(*text - '0');
            in_number = true;
        } else {
            if (*text != *pattern) {
                return false;
            }
            fields += in_number ? 1 : 0;
            in_number = false;
        }
    }
    return *text == '\0';
}

void wk_stamp_print(int64_t utc_s, char text[WK_STAMP_SIZE])
{
    struct wk_civil civil;
    if (wk_civil_from_utc(&wk_zone_utc, (struct wk_utc){utc_s}, &civil) != WK_OK) {
        memcpy(text, "-", 2);
        return;
    }
    snprintf(text, WK_STAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", civil.year, civil.month,
             civil.day, civil.hour, civil.minute, civil.second);
}

wk_err wk_stamp_parse(const char *text, int64_t *utc_s)
{
    unsigned field[6] = {0};
    if (!match(text, "0000-00-00T00:00:00Z", field)) {
        return WK_E_FORMAT;
    }
    const struct wk_civil civil = {
        .year = (uint16_t)field[0],
        .month = (uint8_t)field[1],
        .day = (uint8_t)field[2],
        .hour = (uint8_t)field[3],
        .minute = (uint8_t)field[4],
        .second = (uint8_t)field[5],
    };
    struct wk_utc utc;
    WK_TRY(wk_civil_to_utc(&wk_zone_utc, &civil, &utc));
    *utc_s = utc.s;
    return WK_OK;
}

void wk_stamp_print_date(const struct wk_civil *civil, char text[WK_STAMP_SIZE])
{
    snprintf(text, WK_STAMP_SIZE, "%04d-%02d-%02d", civil->year, civil->month, civil->day);
}

wk_err wk_stamp_parse_date(const char *text, struct wk_civil *civil)
{
    unsigned field[3] = {0};
    if (!match(text, "0000-00-00", field)) {
        return WK_E_FORMAT;
    }
    if (field[0] < 1970 || field[0] > 2105 || field[2] < 1 ||
        field[2] > wk_civil_days_in_month((uint16_t)field[0], (uint8_t)field[1])) {
        return WK_E_RANGE;
    }
    *civil = (struct wk_civil){
        .year = (uint16_t)field[0], .month = (uint8_t)field[1], .day = (uint8_t)field[2]};
    civil->weekday = wk_civil_weekday(wk_civil_days(civil->year, civil->month, civil->day));
    return WK_OK;
}

wk_err wk_stamp_parse_zone(const char *text, struct wk_zone *zone)
{
    unsigned field[2] = {0};
    if (strcmp(text, "utc") == 0) {
        *zone = wk_zone_utc;
        return WK_OK;
    }
    if (strcmp(text, "central-europe") == 0) {
        *zone = wk_zone_central_europe;
        return WK_OK;
    }
    if ((text[0] != '+' && text[0] != '-') || !match(text + 1, "00:00", field) ||
        field[0] > (text[0] == '-' ? 12U : 14U) || field[1] > 59) {
        return WK_E_FORMAT;
    }
    const int minutes = (int)(field[0] * 60 + field[1]);
    if (minutes < -720 || minutes > 840) {
        return WK_E_RANGE;
    }
    *zone = (struct wk_zone){.offset_min = (int16_t)(text[0] == '-' ? -minutes : minutes)};
    return WK_OK;
}
