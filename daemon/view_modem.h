/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view_modem - the cellular modem of a path as JSON and in words; docs/api-meter.md. */
#ifndef WK_DAEMON_VIEW_MODEM_H
#define WK_DAEMON_VIEW_MODEM_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "daemon/modem.h"

/** The caller owns the result. NULL: no memory. */
json_t *wk_view_modem(const struct wk_meter_modem *modem);

/** What somebody should do about it, or why the path waits for it. False: nothing. */
bool wk_view_modem_advice(const struct wk_meter_modem *modem, char *to, size_t room);

#endif
