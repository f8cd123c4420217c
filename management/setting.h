/* SPDX-License-Identifier: Apache-2.0
 *
 * management/setting - the parameters of a room as a table: type, place and range of each.
 *
 * One table checks, stores and shows them, so that a parameter cannot be settable but
 * unchecked. What relates two parameters is checked by the room. */
#ifndef WK_MANAGEMENT_SETTING_H
#define WK_MANAGEMENT_SETTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

typedef enum wk_setting_kind {
    WK_SETTING_U8 = 0,
    WK_SETTING_U16,
    WK_SETTING_U32,
    WK_SETTING_I32,
    WK_SETTING_I64,
} wk_setting_kind;

struct wk_setting {
    uint16_t at; /* offset in the struct */
    uint8_t kind;
    int64_t least;
    int64_t most;
};

struct wk_setting_table {
    const struct wk_setting *rows;
    uint8_t count;
};

#define WK_SETTING(type, field, wk_kind, wk_least, wk_most)                                    \
    {                                                                                          \
        (uint16_t) offsetof(type, field), (wk_kind), (wk_least), (wk_most)                     \
    }

int64_t wk_setting_get(const struct wk_setting_table *table, const void *settings, uint8_t row);

/** WK_E_RANGE: outside of least..most; nothing changed. */
WK_MUST_USE wk_err wk_setting_put(const struct wk_setting_table *table, void *settings,
                                  uint8_t row, int64_t value);

/** WK_E_RANGE: a parameter is outside of its range. */
WK_MUST_USE wk_err wk_setting_check(const struct wk_setting_table *table, const void *settings);

/** All in the order of the table, each in its own width. */
void wk_setting_pack(const struct wk_setting_table *table, const void *settings,
                     struct wk_bytes_out *out);
/** Parameters outside of their range fault the input with WK_E_FORMAT. */
void wk_setting_unpack(const struct wk_setting_table *table, void *settings,
                       struct wk_bytes_in *in);

#endif
