/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/utf8.h"

#include <stdint.h>

/* The octets of the character at the beginning; 0: there is none. */
static size_t character(const uint8_t *at, size_t size)
{
    /* Least and greatest code point of characters of 1 to 4 octets. */
    static const uint32_t k_least[] = {0x1, 0x80, 0x800, 0x10000};
    static const uint32_t k_most[] = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    const size_t octets = at[0] < 0x80             ? 1
                          : (at[0] & 0xE0) == 0xC0 ? 2
                          : (at[0] & 0xF0) == 0xE0 ? 3
                          : (at[0] & 0xF8) == 0xF0 ? 4
                                                   : 0;
    if (octets == 0 || octets > size) {
        return 0;
    }
    uint32_t code = octets == 1 ? at[0] : at[0] & (0x7FU >> octets);
    for (size_t i = 1; i < octets; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3FU);
    }
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code >= k_least[octets - 1] && code <= k_most[octets - 1] && !is_surrogate ? octets
                                                                                      : 0;
}

bool wk_utf8_is_valid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const size_t octets = character((const uint8_t *)text + at, size - at);
        if (octets == 0) {
            return false;
        }
        at += octets;
    }
    return true;
}

void wk_utf8_repair(char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const size_t octets = character((const uint8_t *)text + at, size - at);
        if (octets == 0) {
            text[at] = '?';
        }
        at += octets == 0 ? 1 : octets;
    }
}
