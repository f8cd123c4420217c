/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/assets.h"

const struct wk_asset wk_headend_assets[] = {{0}};
const size_t wk_headend_asset_count = 0;
