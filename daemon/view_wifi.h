/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view_wifi - the wireless LAN of a path as JSON and in words (docs/api-meter.md). */
#ifndef WK_DAEMON_VIEW_WIFI_H
#define WK_DAEMON_VIEW_WIFI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "link/wifi.h"

/** A new reference. */
json_t *wk_view_wifi(const struct wk_wifi_status *status);
/** What somebody could do about it. False: nothing. */
bool wk_view_wifi_advice(const struct wk_wifi_status *status, char *to, size_t room);

#endif
