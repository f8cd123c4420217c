/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/dayblock.h"

#include "base/civil.h"
#include "base/crc.h"

#define CODEC_ZIGZAG_VARINT 1
#define VARINT_OCTETS       10
#define KEY_OCTETS          48

bool wk_dayblock_is_raw(const struct wk_dayblock *block)
{
    return block->reason != WK_DAYBLOCK_ESTIMATED;
}

bool wk_dayblock_sums(const struct wk_dayblock *block)
{
    int64_t sum = block->reg_start;
    for (int32_t i = 0; i < block->n; i++) {
        if (__builtin_add_overflow(sum, block->value[i], &sum)) {
            return false;
        }
    }
    return sum == block->reg_end;
}

static bool shape_is_valid(const struct wk_dayblock *block)
{
    return block->period_s >= 60 && WK_DAY_S % block->period_s == 0 &&
           block->n == WK_DAY_S / block->period_s;
}

static void put_varint(struct wk_bytes_out *out, uint64_t value)
{
    while (value >= 0x80) {
        wk_bytes_out_u8(out, (uint8_t)(value | 0x80U));
        value >>= 7;
    }
    wk_bytes_out_u8(out, (uint8_t)value);
}

static uint64_t take_varint(struct wk_bytes_in *in)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_OCTETS; i++) {
        const uint8_t octet = wk_bytes_in_u8(in);
        value |= (uint64_t)(octet & 0x7FU) << (7 * i);
        if ((octet & 0x80U) == 0) {
            if (i == VARINT_OCTETS - 1 && octet > 1) {
                break; /* more than 64 bits */
            }
            return value;
        }
    }
    wk_bytes_in_fail(in, WK_E_CORRUPT);
    return 0;
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ ((value & 1U) != 0 ? UINT64_MAX : 0));
}

static void pack_flags(const struct wk_dayblock *block, struct wk_bytes_out *flags)
{
    int32_t run = 0;
    bool any = false;
    for (int32_t i = 0; i < block->n; i++) {
        any = any || block->flags[i] != 0;
    }
    for (int32_t i = 0; any && i < block->n; i++) {
        run++;
        if (i + 1 == block->n || block->flags[i + 1] != block->flags[i]) {
            put_varint(flags, (uint64_t)run);
            wk_bytes_out_u16le(flags, block->flags[i]);
            run = 0;
        }
    }
}

wk_err wk_dayblock_pack(const struct wk_dayblock *block, struct wk_bytes_out *values,
                        struct wk_bytes_out *flags)
{
    if (!shape_is_valid(block)) {
        return WK_E_ARGUMENT;
    }
    wk_bytes_out_u8(values, CODEC_ZIGZAG_VARINT);
    for (int32_t i = 0; i < block->n; i++) {
        put_varint(values, zigzag(block->value[i]));
    }
    pack_flags(block, flags);
    return values->fault != WK_OK ? values->fault : flags->fault;
}

static wk_err unpack_flags(struct wk_dayblock *block, struct wk_bytes_in *flags)
{
    int32_t at = 0;
    while (wk_bytes_in_left(flags) > 0 && flags->fault == WK_OK) {
        const uint64_t run = take_varint(flags);
        const uint16_t value = wk_bytes_in_u16le(flags);
        if (run == 0 || run > (uint64_t)(block->n - at)) {
            return WK_E_CORRUPT;
        }
        for (uint64_t i = 0; i < run; i++) {
            block->flags[at++] = value;
        }
    }
    if (flags->fault != WK_OK || (flags->size > 0 && at != block->n)) {
        return WK_E_CORRUPT;
    }
    while (at < block->n) {
        block->flags[at++] = 0;
    }
    return WK_OK;
}

wk_err wk_dayblock_unpack(struct wk_dayblock *block, struct wk_bytes_in values,
                          struct wk_bytes_in flags)
{
    if (!shape_is_valid(block)) {
        return WK_E_CORRUPT;
    }
    const uint8_t codec = wk_bytes_in_u8(&values);
    if (values.fault == WK_OK && codec != CODEC_ZIGZAG_VARINT) {
        return WK_E_UNSUPPORTED;
    }
    for (int32_t i = 0; i < block->n; i++) {
        block->value[i] = unzigzag(take_varint(&values));
    }
    if (wk_bytes_in_end(&values) != WK_OK) {
        return WK_E_CORRUPT;
    }
    return unpack_flags(block, &flags);
}

uint32_t wk_dayblock_crc(const struct wk_dayblock *block, struct wk_bytes_in values,
                         struct wk_bytes_in flags)
{
    uint8_t key[KEY_OCTETS];
    struct wk_bytes_out out = wk_bytes_out_of(key, sizeof key);
    wk_bytes_out_u64le(&out, (uint64_t)block->meter);
    wk_bytes_out_u32le(&out, (uint32_t)block->channel);
    wk_bytes_out_u32le(&out, (uint32_t)block->day);
    wk_bytes_out_u32le(&out, (uint32_t)block->rev);
    wk_bytes_out_u32le(&out, (uint32_t)block->period_s);
    wk_bytes_out_u32le(&out, (uint32_t)block->n);
    wk_bytes_out_u64le(&out, (uint64_t)block->reg_start);
    wk_bytes_out_u64le(&out, (uint64_t)block->reg_end);
    uint32_t crc = wk_crc_32(0, key, out.size);
    crc = wk_crc_32(crc, values.data, values.size);
    return wk_crc_32(crc, flags.data, flags.size);
}
