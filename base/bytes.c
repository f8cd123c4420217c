/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

struct wk_bytes_in wk_bytes_in_of(const void *data, size_t size)
{
    return (struct wk_bytes_in){.data = data, .size = size, .fault = WK_OK};
}

size_t wk_bytes_in_left(const struct wk_bytes_in *in)
{
    return in->fault == WK_OK ? in->size - in->at : 0;
}

void wk_bytes_in_fail(struct wk_bytes_in *in, wk_err err)
{
    if (in->fault == WK_OK) {
        in->fault = err;
        in->fault_at = in->at;
    }
}

wk_err wk_bytes_in_end(const struct wk_bytes_in *in)
{
    if (in->fault != WK_OK) {
        return in->fault;
    }
    return in->at == in->size ? WK_OK : WK_E_FORMAT;
}

const uint8_t *wk_bytes_in_take(struct wk_bytes_in *in, size_t size)
{
    static const uint8_t k_nothing = 0;
    if (size > wk_bytes_in_left(in)) {
        wk_bytes_in_fail(in, WK_E_SHORT);
        return NULL;
    }
    if (in->data == NULL) {
        return &k_nothing; /* no octets were asked for, and there are none */
    }
    const uint8_t *taken = in->data + in->at;
    in->at += size;
    return taken;
}

void wk_bytes_in_copy(struct wk_bytes_in *in, void *to, size_t size)
{
    const uint8_t *from = wk_bytes_in_take(in, size);
    if (from != NULL) {
        memcpy(to, from, size);
    } else {
        memset(to, 0, size);
    }
}

static uint64_t take_be(struct wk_bytes_in *in, size_t size)
{
    uint8_t raw[8];
    uint64_t value = 0;
    wk_bytes_in_copy(in, raw, size);
    for (size_t i = 0; i < size; i++) {
        value = (value << 8) | raw[i];
    }
    return value;
}

static uint64_t take_le(struct wk_bytes_in *in, size_t size)
{
    uint8_t raw[8];
    uint64_t value = 0;
    wk_bytes_in_copy(in, raw, size);
    for (size_t i = size; i > 0; i--) {
        value = (value << 8) | raw[i - 1];
    }
    return value;
}

uint8_t wk_bytes_in_peek(const struct wk_bytes_in *in)
{
    return wk_bytes_in_left(in) > 0 ? in->data[in->at] : 0;
}

uint8_t wk_bytes_in_u8(struct wk_bytes_in *in)
{
    return (uint8_t)take_be(in, 1);
}

uint16_t wk_bytes_in_u16be(struct wk_bytes_in *in)
{
    return (uint16_t)take_be(in, 2);
}

uint32_t wk_bytes_in_u32be(struct wk_bytes_in *in)
{
    return (uint32_t)take_be(in, 4);
}

uint64_t wk_bytes_in_u64be(struct wk_bytes_in *in)
{
    return take_be(in, 8);
}

uint16_t wk_bytes_in_u16le(struct wk_bytes_in *in)
{
    return (uint16_t)take_le(in, 2);
}

uint32_t wk_bytes_in_u32le(struct wk_bytes_in *in)
{
    return (uint32_t)take_le(in, 4);
}

uint64_t wk_bytes_in_u64le(struct wk_bytes_in *in)
{
    return take_le(in, 8);
}

struct wk_bytes_out wk_bytes_out_of(void *data, size_t room)
{
    return (struct wk_bytes_out){.data = data, .room = room, .fault = WK_OK};
}

size_t wk_bytes_out_left(const struct wk_bytes_out *out)
{
    return out->fault == WK_OK ? out->room - out->size : 0;
}

uint8_t *wk_bytes_out_reserve(struct wk_bytes_out *out, size_t size)
{
    if (out->fault != WK_OK || size > out->room - out->size) {
        out->fault = out->fault != WK_OK ? out->fault : WK_E_FULL;
        return NULL;
    }
    uint8_t *place = out->data + out->size;
    out->size += size;
    return place;
}

void wk_bytes_out_put(struct wk_bytes_out *out, const void *data, size_t size)
{
    uint8_t *place = wk_bytes_out_reserve(out, size);
    if (place != NULL && size > 0) {
        memcpy(place, data, size);
    }
}

static void put_be(struct wk_bytes_out *out, uint64_t value, size_t size)
{
    uint8_t raw[8];
    for (size_t i = size; i > 0; i--) {
        raw[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    wk_bytes_out_put(out, raw, size);
}

static void put_le(struct wk_bytes_out *out, uint64_t value, size_t size)
{
    uint8_t raw[8];
    for (size_t i = 0; i < size; i++) {
        raw[i] = (uint8_t)value;
        value >>= 8;
    }
    wk_bytes_out_put(out, raw, size);
}

void wk_bytes_out_u8(struct wk_bytes_out *out, uint8_t value)
{
    put_be(out, value, 1);
}

void wk_bytes_out_u16be(struct wk_bytes_out *out, uint16_t value)
{
    put_be(out, value, 2);
}

void wk_bytes_out_u32be(struct wk_bytes_out *out, uint32_t value)
{
    put_be(out, value, 4);
}

void wk_bytes_out_u64be(struct wk_bytes_out *out, uint64_t value)
{
    put_be(out, value, 8);
}

void wk_bytes_out_u16le(struct wk_bytes_out *out, uint16_t value)
{
    put_le(out, value, 2);
}

void wk_bytes_out_u32le(struct wk_bytes_out *out, uint32_t value)
{
    put_le(out, value, 4);
}

void wk_bytes_out_u64le(struct wk_bytes_out *out, uint64_t value)
{
    put_le(out, value, 8);
}

void wk_bytes_out_patch_u8(struct wk_bytes_out *out, size_t at, uint8_t value)
{
    if (out->fault != WK_OK) {
        return;
    }
    if (at >= out->size) {
        out->fault = WK_E_ARGUMENT;
        return;
    }
    out->data[at] = value;
}

void wk_bytes_out_patch_u16be(struct wk_bytes_out *out, size_t at, uint16_t value)
{
    wk_bytes_out_patch_u8(out, at, (uint8_t)(value >> 8));
    wk_bytes_out_patch_u8(out, at + 1, (uint8_t)value);
}

bool wk_bytes_equal_secret(const void *a, const void *b, size_t size)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < size; i++) {
        differ = (uint8_t)(differ | (left[i] ^ right[i]));
    }
    return differ == 0;
}
