/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/assets - the files of the page, compiled in; none when the program is built without
 * it. One of two rooms defines these: headend/assets_none.c, or what the build of ui/ makes. */
#ifndef WK_HEADEND_ASSETS_H
#define WK_HEADEND_ASSETS_H

#include "headend/api.h"

extern const struct wk_asset wk_headend_assets[];
extern const size_t wk_headend_asset_count;

#endif
