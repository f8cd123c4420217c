/* SPDX-License-Identifier: Apache-2.0 */
#include "management/setting.h"

#include <string.h>

static const uint8_t k_width[] = {1, 2, 4, 4, 8};

static void write_value(uint8_t *to, uint8_t kind, int64_t value)
{
    const uint8_t u8 = (uint8_t)value;
    const uint16_t u16 = (uint16_t)value;
    const uint32_t u32 = (uint32_t)value;
    switch ((wk_setting_kind)kind) {
    case WK_SETTING_U8:
        memcpy(to, &u8, sizeof u8);
        break;
    case WK_SETTING_U16:
        memcpy(to, &u16, sizeof u16);
        break;
    case WK_SETTING_U32:
    case WK_SETTING_I32:
        memcpy(to, &u32, sizeof u32);
        break;
    case WK_SETTING_I64:
    default:
        memcpy(to, &value, sizeof value);
        break;
    }
}

static int64_t read_value(const uint8_t *from, uint8_t kind)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    int64_t i64;
    switch ((wk_setting_kind)kind) {
    case WK_SETTING_U8:
        memcpy(&u8, from, sizeof u8);
        return u8;
    case WK_SETTING_U16:
        memcpy(&u16, from, sizeof u16);
        return u16;
    case WK_SETTING_U32:
        memcpy(&u32, from, sizeof u32);
        return u32;
    case WK_SETTING_I32:
        memcpy(&u32, from, sizeof u32);
        return (int32_t)u32;
    case WK_SETTING_I64:
    default:
        memcpy(&i64, from, sizeof i64);
        return i64;
    }
}

int64_t wk_setting_get(const struct wk_setting_table *table, const void *settings, uint8_t row)
{
    const struct wk_setting *setting = &table->rows[row];
    return read_value((const uint8_t *)settings + setting->at, setting->kind);
}

wk_err wk_setting_put(const struct wk_setting_table *table, void *settings, uint8_t row,
                      int64_t value)
{
    const struct wk_setting *setting = &table->rows[row];
    if (value < setting->least || value > setting->most) {
        return WK_E_RANGE;
    }
    write_value((uint8_t *)settings + setting->at, setting->kind, value);
    return WK_OK;
}

wk_err wk_setting_check(const struct wk_setting_table *table, const void *settings)
{
    for (uint8_t row = 0; row < table->count; row++) {
        const int64_t value = wk_setting_get(table, settings, row);
        if (value < table->rows[row].least || value > table->rows[row].most) {
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

void wk_setting_pack(const struct wk_setting_table *table, const void *settings,
                     struct wk_bytes_out *out)
{
    for (uint8_t row = 0; row < table->count; row++) {
        const uint64_t value = (uint64_t)wk_setting_get(table, settings, row);
        for (uint8_t octet = 0; octet < k_width[table->rows[row].kind]; octet++) {
            wk_bytes_out_u8(out, (uint8_t)(value >> (8 * octet)));
        }
    }
}

void wk_setting_unpack(const struct wk_setting_table *table, void *settings,
                       struct wk_bytes_in *in)
{
    for (uint8_t row = 0; row < table->count; row++) {
        const uint8_t kind = table->rows[row].kind;
        uint64_t raw = 0;
        for (uint8_t octet = 0; octet < k_width[kind]; octet++) {
            raw |= (uint64_t)wk_bytes_in_u8(in) << (8 * octet);
        }
        const int64_t value = kind == WK_SETTING_I32 ? (int32_t)(uint32_t)raw : (int64_t)raw;
        if (wk_setting_put(table, settings, row, value) != WK_OK) {
            wk_bytes_in_fail(in, WK_E_FORMAT);
        }
    }
}
