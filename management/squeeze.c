/* SPDX-License-Identifier: Apache-2.0 */
#include "management/squeeze.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

#define GROUP 8U

size_t wk_squeeze_pack(const uint8_t *from, size_t size, uint8_t *to)
{
    uint8_t group[GROUP];
    size_t used = 2;
    to[0] = (uint8_t)size;
    to[1] = (uint8_t)(size >> 8);
    for (size_t at = 0; at < size; at += GROUP) {
        const size_t part = size - at < GROUP ? size - at : GROUP;
        memcpy(group, from + at, part); /* the result may come to lie over it */
        uint8_t *mask = to + used++;
        *mask = 0;
        for (size_t i = 0; i < part; i++) {
            if (group[i] != 0) {
                *mask |= (uint8_t)(1U << i);
                to[used++] = group[i];
            }
        }
    }
    return used;
}

wk_err wk_squeeze_unpack(const uint8_t *from, size_t size, uint8_t *to, size_t room,
                         size_t *unpacked)
{
    struct wk_bytes_in in = wk_bytes_in_of(from, size);
    const size_t whole = wk_bytes_in_u16le(&in);
    uint8_t mask = 0;
    if (whole > room) {
        return WK_E_FULL;
    }
    for (size_t at = 0; at < whole; at++) {
        const bool begins = at % GROUP == 0;
        mask = begins ? wk_bytes_in_u8(&in) : (uint8_t)(mask >> 1);
        to[at] = (mask & 1U) != 0 ? wk_bytes_in_u8(&in) : 0;
        if ((mask & 1U) != 0 && to[at] == 0) {
            return WK_E_FORMAT;
        }
    }
    if (in.fault != WK_OK || wk_bytes_in_left(&in) > 0) {
        return WK_E_FORMAT;
    }
    *unpacked = whole;
    return WK_OK;
}
