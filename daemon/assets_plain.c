/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/assets.h"

static const char k_page[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Wattkeeper</title>"
    "<h1>Wattkeeper</h1><p>This build has no page. The data are here:"
    "<ul><li><a href=/api/info>info</a><li><a href=/api/live>live values</a>"
    "<li><a href=/api/registers>registers</a><li><a href=/api/profile>load profile</a>"
    "<li><a href=/api/events>events</a></ul>";

const struct wk_asset wk_meter_assets[] = {
    {.path = "/",
     .type = "text/html; charset=utf-8",
     .octets = (const unsigned char *)k_page,
     .size = sizeof k_page - 1},
};
const size_t wk_meter_asset_count = 1;
