/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/obis.h"

#include <string.h>

/* Which characters may stand after number n: the first is the reduced form's, '.' always. */
static const char k_separators[WK_OBIS_SIZE - 1] = {'-', ':', '.', '.', '*'};

static wk_err parse_number(const char **text, uint8_t *number)
{
    uint16_t value = 0;
    const char *at = *text;
    while (*at >= '0' && *at <= '9') {
        value = (uint16_t)(value * 10 + (*at - '0'));
        at++;
        if (value > UINT8_MAX) {
            return WK_E_RANGE;
        }
    }
    if (at == *text) {
        return WK_E_FORMAT;
    }
    *number = (uint8_t)value;
    *text = at;
    return WK_OK;
}

wk_err wk_obis_parse(const char *text, uint8_t obis[WK_OBIS_SIZE])
{
    uint8_t parsed[WK_OBIS_SIZE];
    parsed[WK_OBIS_SIZE - 1] = UINT8_MAX;
    for (int i = 0; i < WK_OBIS_SIZE; i++) {
        WK_TRY(parse_number(&text, &parsed[i]));
        const bool ends = *text == '\0';
        if (ends && i >= WK_OBIS_SIZE - 2) {
            break;
        }
        if (i == WK_OBIS_SIZE - 1 || (*text != '.' && *text != k_separators[i])) {
            return WK_E_FORMAT;
        }
        text++;
    }
    memcpy(obis, parsed, sizeof parsed);
    return WK_OK;
}

void wk_obis_print(const uint8_t obis[WK_OBIS_SIZE], char text[WK_OBIS_TEXT])
{
    for (int i = 0; i < WK_OBIS_SIZE; i++) {
        if (obis[i] >= 100) {
            *text++ = (char)('0' + obis[i] / 100);
        }
        if (obis[i] >= 10) {
            *text++ = (char)('0' + obis[i] / 10 % 10);
        }
        *text++ = (char)('0' + obis[i] % 10);
        *text++ = i < WK_OBIS_SIZE - 1 ? '.' : '\0';
    }
}

bool wk_obis_equal(const uint8_t a[WK_OBIS_SIZE], const uint8_t b[WK_OBIS_SIZE])
{
    return memcmp(a, b, WK_OBIS_SIZE) == 0;
}
