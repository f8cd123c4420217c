/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/assets - the files of the local page, compiled in. Made from ui/ by tools/embed.py;
 * without the option WK_UI a plain status page takes their place. */
#ifndef WK_DAEMON_ASSETS_H
#define WK_DAEMON_ASSETS_H

#include "port/linux/asset.h"

extern const struct wk_asset wk_meter_assets[];
extern const size_t wk_meter_asset_count;

#endif
