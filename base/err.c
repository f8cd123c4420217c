/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stddef.h>

struct wk_err_row {
    wk_err err;
    const char *name;
    const char *text;
};

#define WK_ERR_ROW(name, value, text) {name, #name, text},
static const struct wk_err_row k_rows[] = {WK_ERR_LIST(WK_ERR_ROW)};
#undef WK_ERR_ROW

static const struct wk_err_row *find(wk_err err)
{
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        if (k_rows[i].err == err) {
            return &k_rows[i];
        }
    }
    return NULL;
}

const char *wk_err_name(wk_err err)
{
    const struct wk_err_row *row = find(err);
    return row != NULL ? row->name : "WK_E_?";
}

const char *wk_err_text(wk_err err)
{
    const struct wk_err_row *row = find(err);
    return row != NULL ? row->text : "unknown error";
}
