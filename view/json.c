/* SPDX-License-Identifier: Apache-2.0 */
#include "view/json.h"

#include <string.h>

void wk_json_raw(struct wk_bytes_out *out, const char *text)
{
    wk_bytes_out_put(out, text, strlen(text));
}

void wk_json_text(struct wk_bytes_out *out, const char *text)
{
    wk_bytes_out_u8(out, '"');
    for (; *text != '\0'; text++) {
        const char shown = *text < ' ' || *text > '~' ? '?' : *text;
        if (shown == '"' || shown == '\\') {
            wk_bytes_out_u8(out, '\\');
        }
        wk_bytes_out_u8(out, (uint8_t)shown);
    }
    wk_bytes_out_u8(out, '"');
}

void wk_json_key(struct wk_bytes_out *out, const char *key)
{
    if (out->size > 0 && out->data[out->size - 1] != '{') {
        wk_bytes_out_u8(out, ',');
    }
    wk_bytes_out_u8(out, '"');
    wk_json_raw(out, key);
    wk_json_raw(out, "\":");
}

void wk_json_member(struct wk_bytes_out *out, const char *key, const char *text)
{
    wk_json_key(out, key);
    wk_json_text(out, text);
}

void wk_json_literal(struct wk_bytes_out *out, const char *key, const char *value)
{
    wk_json_key(out, key);
    wk_json_raw(out, value);
}

void wk_json_number(struct wk_bytes_out *out, const char *key,
                    const struct wk_point_value *value, int exponent, uint8_t decimals)
{
    wk_json_key(out, key);
    wk_point_put_decimal(out, value, exponent, decimals, 1);
}
