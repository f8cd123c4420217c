/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/wifi - the wireless LAN of a path, looked at every few seconds as long as there is one. */
#ifndef WK_DAEMON_WIFI_H
#define WK_DAEMON_WIFI_H

#include <uv.h>

#include "base/err.h"
#include "link/wifi.h"

#define WK_METER_WIFI_LOOK_MS 5000

struct wk_meter_wifi;

/** `interface`: NULL or "": that of the default route, whichever it is at each look. WK_E_IO: no memory, or the
 *  kernel has no such sockets. */
WK_MUST_USE wk_err wk_meter_wifi_start(struct wk_meter_wifi **wifi, uv_loop_t *loop,
                                       const char *interface);
/** What the last look showed; NULL: the interface is not there, or is not wireless. */
const struct wk_wifi_status *wk_meter_wifi_look(const struct wk_meter_wifi *wifi);
/** Frees it once the loop has closed its handles. NULL: there is none. */
void wk_meter_wifi_stop(struct wk_meter_wifi *wifi);

#endif
