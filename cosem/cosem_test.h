/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/cosem_test - what the tests of this folder share: octets written as hex. */
#ifndef WK_COSEM_COSEM_TEST_H
#define WK_COSEM_COSEM_TEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_TEST_HEX 1024

struct wk_test_octets {
    uint8_t data[WK_TEST_HEX];
    size_t size;
};

static inline uint8_t wk_test_digit_(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Spaces separate nothing and are passed over. */
static inline struct wk_test_octets wk_test_hex(const char *text)
{
    struct wk_test_octets octets = {.size = 0};
    while (*text != '\0' && octets.size < WK_TEST_HEX) {
        if (*text == ' ') {
            text++;
            continue;
        }
        const uint8_t high = wk_test_digit_(text[0]);
        octets.data[octets.size++] = (uint8_t)(high << 4 | wk_test_digit_(text[1]));
        text += 2;
    }
    return octets;
}

static inline struct wk_bytes_in wk_test_in(const struct wk_test_octets *octets)
{
    return wk_bytes_in_of(octets->data, octets->size);
}

/* xorshift64*: the tests' only source of chance. */
static inline uint64_t wk_test_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
